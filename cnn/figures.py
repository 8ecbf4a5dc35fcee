"""Arrays to pictures: Plotly figures and tiled images. The only module that knows Plotly, and the home of the palette.

Colours are safe for colour-blind readers. Where values have a sign, zero is neutral and the scale is symmetric.
"""

import base64
import html
import io
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
import plotly.colors
import plotly.graph_objects as go
from PIL import Image

from cnn.layers import Row
from cnn.pace import duration, timed_epochs
from cnn.sweeps import Trial, path_label, value_words

# Okabe and Ito's palette; .streamlit/config.toml gives all charts the same colours, and a test keeps them equal.
BLUE, ORANGE, GREEN, PINK, SKY, RED, YELLOW, GREY = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#888888",
)  # fmt: skip
SEQUENTIAL = "Cividis"
DIVERGING = "PuOr"
RANGES = ("each map", "the layer", "the whole network")

Range = tuple[float, float]


class Tiling(NamedTuple):
    """A picture of many maps: uint8 (height, width, 3), and how it is laid out. Sizes in pixels."""

    image: np.ndarray
    columns: int
    rows: int
    cell: int


def value_range(values: np.ndarray, signed: bool = False) -> Range:
    """Lowest and highest value; symmetric about zero if some are negative, or could be (`signed`), as weights can."""
    low, high = float(values.min()), float(values.max())
    if signed or low < 0:
        high = max(-low, high)
        low = -high
    if high > low:
        return low, high
    pad = max(1e-6, abs(low) * 1e-6)  # all values are equal: any scale will do that has two ends
    return (-pad, pad) if signed else (low, low + pad)


def tile(
    maps: np.ndarray, range_: Range | None = None, signed: bool = False, width: int = 840, height: int = 600
) -> Tiling:
    """Lay maps out in a grid, every pixel enlarged to a square of whole pixels, as large as they fit.

    Args:
        maps: (height, width, n).
        range_: the values of the scale's two ends; None gives each map its own, see `value_range` for `signed`.
        width: pixels that the picture may be wide.
        height: pixels that the picture may be high; many large maps make it higher.
    """
    map_height, map_width, count = maps.shape
    scale, columns = layout(map_height, map_width, count, width, height)
    rows = -(-count // columns)
    cell_height, cell_width = map_height * scale + _GAP, map_width * scale + _GAP
    image = np.full((rows * cell_height, columns * cell_width, 3), 128, np.uint8)
    for index in range(count):
        one = maps[..., index]
        pixels = coloured(one, range_ or value_range(one, signed)).repeat(scale, axis=0).repeat(scale, axis=1)
        top, left = index // columns * cell_height, index % columns * cell_width
        image[top : top + cell_height - _GAP, left : left + cell_width - _GAP] = pixels
    return Tiling(image[:-_GAP, :-_GAP], columns, rows, cell_width)


_GAP = 2  # pixels between two maps
_MAX_SCALE = 16  # no pixel of a map needs to be larger


def layout(map_height: int, map_width: int, count: int, width: int, height: int) -> tuple[int, int]:
    """The largest whole scale at which `count` maps fit into so many pixels, one beside the other, and the columns."""
    for scale in range(_MAX_SCALE, 1, -1):
        columns = min(count, max(1, (width + _GAP) // (map_width * scale + _GAP)))
        if -(-count // columns) * (map_height * scale + _GAP) <= height:
            return scale, columns
    return 1, min(count, max(1, (width + _GAP) // (map_width + _GAP)))


def coloured(values: np.ndarray, range_: Range) -> np.ndarray:
    """Values (h, w) -> colours uint8 (h, w, 3), on the diverging scale if the range reaches below zero."""
    low, high = range_
    positions = np.clip((values - low) / (high - low), 0.0, 1.0)
    return _lookup(DIVERGING if low < 0 else SEQUENTIAL)[(positions * 255).round().astype(np.uint8)]


def coloured_maps(maps: np.ndarray, range_: Range | None = None, signed: bool = False) -> np.ndarray:
    """Maps (h, w, n) -> colours uint8 (n, h, w, 3), see `coloured`; without a range each map has its own."""
    each = np.ascontiguousarray(np.moveaxis(maps, -1, 0))
    if range_:
        return coloured(each, range_)
    low, high = each.min(axis=(1, 2), keepdims=True), each.max(axis=(1, 2), keepdims=True)
    signs = (low < 0) | signed
    high = np.where(signs, np.maximum(-low, high), high)
    low = np.where(signs, -high, low)
    # All values of a map may be equal: they then are the middle of a scale with signs, else its low end.
    positions = (each - low) / np.where(high > low, high - low, np.inf) + np.where(signs & (high <= low), 0.5, 0.0)
    places = (positions * 255).round().astype(np.intp) + 256 * signs
    return np.concatenate([_lookup(SEQUENTIAL), _lookup(DIVERGING)])[places]


def bars(values: np.ndarray, height: int = 25) -> np.ndarray:
    """Values (n,) as small pictures, uint8 (n, height, 3, 3): a bar up from the middle if positive, down if negative.

    The colours are those of the diverging scale, the longest bar has the largest absolute value.
    """
    middle = height // 2
    largest = max(float(np.abs(values).max(initial=0.0)), 1e-12)
    lengths = np.rint(values / largest * middle).astype(int)[:, None]
    rows = middle - np.arange(height)  # above the middle positive
    filled = (rows != 0) & (np.sign(rows) == np.sign(lengths)) & (np.abs(rows) <= np.abs(lengths))
    shown = np.where(filled, np.sign(lengths) * 0.8, 0.0)[..., None].repeat(3, axis=-1)
    picture = coloured(shown, (-1.0, 1.0))
    picture[:, middle] = 128
    return picture


def sprite(colours: np.ndarray) -> tuple[np.ndarray, int]:
    """Pictures uint8 (n, h, w, 3) -> all of them in one, without gaps, in about a square; and its columns."""
    count, height, width = colours.shape[:3]
    columns = max(1, min(count, round((count * height / width) ** 0.5)))
    rows = -(-count // columns)
    filled = np.zeros((rows * columns, height, width, 3), np.uint8)
    filled[:count] = colours
    grid = filled.reshape(rows, columns, height, width, 3).swapaxes(1, 2)
    return grid.reshape(rows * height, columns * width, 3), columns


def is_dark(colours: np.ndarray) -> np.ndarray:
    """Whether white is better read than black on colours uint8 (..., 3): bool (...). By luma (ITU-R BT.601)."""
    return colours.astype(int) @ [299, 587, 114] < 128_000


def data_url(picture: np.ndarray) -> str:
    """A picture uint8 (h, w, 3) or (h, w) as a PNG in a data URL."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def base64_floats(values: np.ndarray) -> str:
    """Values as 32-bit floats, the smallest byte first, row by row, in base64."""
    return base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode()


def scale_colours(range_: Range, count: int = 9) -> list[str]:
    """The colours of a scale from its low to its high end, as CSS."""
    colours = coloured(np.linspace(*range_, count), range_)
    return [f"rgb({red},{green},{blue})" for red, green, blue in colours.tolist()]


@cache
def _lookup(scale: str) -> np.ndarray:
    colours = plotly.colors.sample_colorscale(scale, np.linspace(0, 1, 256), colortype="tuple")
    return (np.array(colours) * 255).round().astype(np.uint8)


_MARGIN = {"l": 0, "r": 0, "t": 8, "b": 0}

_LEGEND_ABOVE = {
    "margin": {"l": 0, "r": 8, "t": 30, "b": 0},
    "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    "uirevision": "stay",
}
_MAX_POINTS = 1000  # of a curve; more cannot be seen, and each redraw sends them all


def curves(records: list[dict], metric: Literal["loss", "accuracy"], epochs: int, height: int = 300) -> go.Figure:
    """One metric over the epochs, of the training batches, the training epochs and the validation pictures.

    What somebody did by hand, or a break, is marked at the upper border.

    Args:
        records: lines of metrics.jsonl, see `cnn.runs.metrics`.
        metric: which of the two.
        epochs: how many the run will have; the axis has room for all from the start.
        height: in pixels, the same at every redraw so that nothing below moves.
    """
    batches = [r for r in records if r["kind"] == "batch"]
    batches = batches[:: -(-len(batches) // _MAX_POINTS) or 1]
    whole = [r for r in records if r["kind"] == "epoch"]
    figure = go.Figure()
    figure.add_scatter(
        x=[round(r["epoch"] + r["step"] / r["steps"], 4) for r in batches],
        y=[r[metric] for r in batches],
        name="training, per batch",
        mode="lines",
        line={"color": SKY, "width": 1},
        opacity=0.75,
    )
    for name, key, colour, symbol in (
        ("training, per epoch", metric, BLUE, "circle"),
        ("validation", f"val_{metric}", ORANGE, "diamond"),
    ):
        figure.add_scatter(
            x=[r["epoch"] for r in whole],
            y=[r[key] for r in whole],
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 2.5},
            marker={"symbol": symbol, "size": 7},
        )
    figure.update_xaxes(title="epoch", range=[0, epochs * 1.02], dtick=max(1, round(epochs / 10)))
    if metric == "accuracy":
        figure.update_yaxes(title="accuracy", tickformat=".0%", rangemode="normal")
        figure.update_traces(hovertemplate="epoch %{x:.2f}: %{y:.2%}<extra>%{fullData.name}</extra>")
    else:
        figure.update_yaxes(title="loss (cross-entropy)", rangemode="tozero")
        figure.update_traces(hovertemplate="epoch %{x:.2f}: %{y:.4f}<extra>%{fullData.name}</extra>")
    _mark_interventions(figure, [r for r in records if r["kind"] == "event"])
    figure.update_layout(height=height, **_LEGEND_ABOVE)
    return figure


_SYMBOLS = {
    "learning rate": "triangle-down",
    "paused": "square",
    "continued": "triangle-right",
    "resumed": "triangle-right",
    "stopped": "x",
    "step": "line-ns-open",
}


def _mark_interventions(figure: go.Figure, events: list[dict]) -> None:
    """A line down from the upper border for each, and a mark that says on hover what it was."""
    if not events:
        return
    places = [round(event["epoch"] + event["step"] / event["steps"], 4) for event in events]
    figure.add_scatter(
        x=places,
        y=[1.0] * len(events),
        yaxis="y2",
        name="events",
        mode="markers",
        text=[intervention_text(event) for event in events],
        hovertemplate="epoch %{x:.2f}: %{text}<extra></extra>",
        marker={"color": RED, "size": 9, "symbol": [_SYMBOLS.get(event["what"], "diamond") for event in events]},
        cliponaxis=False,
    )
    for place, event in zip(places, events, strict=True):
        if event["what"] != "step":
            line = {"color": RED, "width": 1, "dash": "dot"}
            figure.add_shape(type="line", x0=place, x1=place, y0=0, y1=1, yref="y domain", line=line, opacity=0.6)
    figure.update_layout(yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True})


# One look for each run of a comparison. Yellow is left out: a thin line of it is hard to see on white.
_LOOKS = tuple(
    zip(
        (BLUE, ORANGE, GREEN, PINK, SKY, RED, GREY),
        ("circle", "diamond", "square", "triangle-up", "x", "triangle-down", "star"),
        strict=True,
    )
)
MAX_OVERLAY = len(_LOOKS)


def overlay(
    named: Sequence[tuple[str, list[dict]]],
    metric: Literal["loss", "accuracy"],
    over_time: bool = False,
    training: bool = False,
    height: int = 340,
) -> go.Figure:
    """One metric of several runs on the validation pictures, each run with a colour and a marker of its own.

    Args:
        named: of each run its name and the `epoch` records of its metrics; at most MAX_OVERLAY runs.
        metric: which of the two.
        over_time: over the minutes of training instead of the epochs; records that tell no time are left out.
        training: add the same metric on the training pictures, dotted.
        height: in pixels.
    """
    figure = go.Figure()
    unit = "%{x:.1f} min" if over_time else "epoch %{x}"
    value = "%{y:.2%}" if metric == "accuracy" else "%{y:.4f}"
    for (name, records), (colour, symbol) in zip(named, _LOOKS, strict=False):
        shown = [r for r in records if not over_time or type(r.get("seconds")) in (int, float)]
        x = [round(r["seconds"] / 60, 3) if over_time else r["epoch"] for r in shown]
        for key, kind in ((f"val_{metric}", "validation"), (metric, "training"))[: 1 + training]:
            dotted = kind == "training"
            figure.add_scatter(
                x=x,
                y=[r[key] for r in shown],
                name=html.escape(name),
                legendgroup=name,
                showlegend=not dotted,
                mode="lines" if dotted else "lines+markers",
                line={"color": colour, "width": 1.5 if dotted else 2.5, "dash": "dot" if dotted else "solid"},
                marker={"symbol": symbol, "size": 8, "maxdisplayed": 12},
                hovertemplate=f"{unit}: {value}<extra>%{{fullData.name}}, {kind}</extra>",
            )
    if over_time:
        figure.update_xaxes(title="minutes of training", rangemode="tozero")
    else:
        longest = max((records[-1]["epoch"] for _, records in named if records), default=1)
        figure.update_xaxes(title="epoch", range=[0, longest * 1.03], dtick=max(1, round(longest / 10)))
    if metric == "accuracy":
        figure.update_yaxes(title="accuracy", tickformat=".0%")
    else:
        figure.update_yaxes(title="loss (cross-entropy)", rangemode="tozero")
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        legend={"orientation": "h", "y": -0.25, "yanchor": "top", "x": 0},
        uirevision="stay",
    )
    return figure


def intervention_text(event: dict) -> str:
    """What a person, or a break, did to a training: "learning rate 0.001 → 0.0005"."""
    match event:
        case {"what": "learning rate", "from": float(before), "to": float(after)}:
            return f"learning rate {before:.4g} → {after:.4g}"
        case {"what": "step", "loss": float(loss), "gradient": float(gradient)}:
            return f"one batch alone: loss {loss:.4g}, gradient norm {gradient:.4g}"
    return event["what"]


def rate_curve(
    rates: Sequence[float],
    losses: Sequence[float],
    smoothed: Sequence[float],
    range_: Range,
    suggested: float | None = None,
    height: int = 260,
) -> go.Figure:
    """The loss over a rising learning rate, of every batch and smoothed, with the suggested rate marked.

    Args:
        rates: of the batches, rising.
        losses: of the batches.
        smoothed: the same without noise.
        range_: the lowest and the highest rate that will be tried; the axis has room for all from the start.
        suggested: a rate, marked by a line.
        height: in pixels.
    """
    figure = go.Figure()
    hover = "learning rate %{x:.2g}: %{y:.3f}<extra>%{fullData.name}</extra>"
    for name, values, line in (
        ("each batch", losses, {"color": SKY, "width": 1}),
        ("smoothed", smoothed, {"color": BLUE, "width": 2.5}),
    ):
        figure.add_scatter(x=list(rates), y=list(values), name=name, mode="lines", line=line, hovertemplate=hover)
    low, high = (float(np.log10(end)) for end in range_)
    powers = range(round(low), round(high) + 1)
    figure.update_xaxes(
        title="learning rate",
        type="log",
        range=[low, high],
        tickvals=[10.0**power for power in powers],
        ticktext=["10⁻" + "⁰¹²³⁴⁵⁶⁷⁸⁹"[-power] if power < 0 else f"{10**power}" for power in powers],
        tickangle=0,
        fixedrange=True,
    )
    begin = float(np.median(losses[:10])) if len(losses) else 2.5
    figure.update_yaxes(title="loss (cross-entropy)", range=[0, 1.6 * begin], fixedrange=True)  # at the end it soars
    if suggested:
        figure.add_vline(x=suggested, line={"color": GREEN, "width": 2, "dash": "dash"})
        figure.add_annotation(
            x=float(np.log10(suggested)),
            y=1,
            yref="paper",
            yanchor="top",
            xanchor="right",
            xshift=-4,
            text=f"suggested {suggested:g}",
            showarrow=False,
        )
    figure.update_layout(height=height, **_LEGEND_ABOVE)
    return figure


def confusion(matrix: np.ndarray, names: Sequence[str], height: int = 420) -> go.Figure:
    """How often each class was taken for which, (10, 10): rows are true classes, the colour is the row's share."""
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    figure = go.Figure(
        go.Heatmap(
            z=np.round(share, 4),
            x=list(names),
            y=list(names),
            zmin=0,
            zmax=1,
            colorscale=SEQUENTIAL,
            customdata=matrix,
            text=[[str(count) if count else "" for count in row] for row in matrix.tolist()],
            texttemplate="%{text}",
            hovertemplate="%{y}, taken for %{x}: %{customdata} (%{z:.1%} of the row)<extra></extra>",
            showscale=False,
            xgap=1,
            ygap=1,
        )
    )
    figure.update_xaxes(title="answer", tickangle=-45, fixedrange=True)
    figure.update_yaxes(title="true class", autorange="reversed", fixedrange=True)
    figure.update_layout(margin=_MARGIN, height=height)
    return figure


def probabilities(values: np.ndarray, names: Sequence[str], height: int = 330, true: int | None = None) -> go.Figure:
    """The network's answer (10,) as bars, the most probable class in the accent colour, the true one ticked."""
    best = int(values.argmax())
    labels = [f"{name} ✓" if index == true else name for index, name in enumerate(names)]
    figure = go.Figure(
        go.Bar(
            x=values,
            y=labels,
            orientation="h",
            marker={"color": [BLUE if index == best else GREY for index in range(len(values))]},
            text=[f"{value:.1%}" for value in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.2%}<extra></extra>",
        )
    )
    figure.update_xaxes(visible=False, range=[0, 1.45], fixedrange=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True, ticksuffix="  ")
    figure.update_layout(height=height, margin=_MARGIN, bargap=0.25)
    return figure


def descent(losses: np.ndarray, at: int, height: int = 300) -> go.Figure:
    """The loss (steps + 1,) over the steps of gradient descent, on a logarithmic scale, drawn up to the present one.

    Both axes have room for all steps from the start, so that nothing moves while it is played.
    """
    shown = np.maximum(losses, 1e-16)
    figure = go.Figure()
    hover = "after step %{x}: %{y:.3g}<extra></extra>"
    figure.add_scatter(
        x=np.arange(at + 1), y=shown[: at + 1], mode="lines", line={"color": BLUE, "width": 2.5}, hovertemplate=hover
    )
    figure.add_scatter(
        x=[at],
        y=[shown[at]],
        mode="markers",
        marker={"color": ORANGE, "size": 12, "symbol": "diamond"},
        cliponaxis=False,
        hovertemplate=hover,
    )
    low, high = np.log10([shown.min(), shown.max()])
    room = max(0.1, 0.05 * (high - low))
    figure.update_xaxes(title="step", range=[0, len(losses) - 1], fixedrange=True)
    figure.update_yaxes(
        title="loss",
        type="log",
        range=[low - room, high + room],
        dtick=int(np.ceil((high - low) / 6)),
        exponentformat="power",
        fixedrange=True,
    )
    figure.update_layout(height=height, showlegend=False, margin={"l": 0, "r": 12, "t": 8, "b": 0})
    return figure


def laid_over(picture: np.ndarray, values: np.ndarray) -> np.ndarray:
    """A map over a picture in grey: the stronger a value, the more of its colour and the less of the picture.

    Args:
        picture: uint8 (h, w, 3) or (h, w).
        values: (h, w); on the diverging scale if some are negative.

    Returns:
        uint8 (h, w, 3).
    """
    grey = picture @ np.array([0.299, 0.587, 0.114]) if picture.ndim == 3 else picture.astype(np.float64)
    low, high = value_range(values)
    strength = np.clip(np.abs(values) / max(abs(low), abs(high)), 0, 1)[..., None] ** 0.7 * 0.85
    return np.uint8(np.rint((1 - strength) * grey[..., None] + strength * coloured(values, (low, high))))


def taken_apart(curves: dict[str, tuple[np.ndarray, np.ndarray]], height: int = 260) -> go.Figure:
    """The probability of a class over the share of pixels removed or brought back, a line for each name.

    Args:
        curves: of each name the shares (n,) and the probabilities (n,), both in [0, 1]. height: in pixels.
    """
    figure = go.Figure()
    for (name, (shares, probabilities_)), (colour, symbol) in zip(curves.items(), _LOOKS, strict=False):
        figure.add_scatter(
            x=np.round(shares, 4),
            y=np.round(probabilities_, 4),
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"symbol": symbol, "size": 7, "maxdisplayed": 8},
            hovertemplate="%{x:.0%} of the pixels: %{y:.1%}<extra>%{fullData.name}</extra>",
        )
    figure.update_xaxes(title="share of the pixels", tickformat=".0%", range=[0, 1], fixedrange=True)
    figure.update_yaxes(tickformat=".0%", range=[-0.02, 1.02], fixedrange=True)
    figure.update_layout(height=height, **{**_LEGEND_ABOVE, "margin": {"l": 0, "r": 8, "t": 48, "b": 0}})
    return figure


def amounts(kinds: Sequence[str], named: dict[str, Sequence[int]], height: int = 230) -> go.Figure:
    """Counts of very different sizes as bars on a logarithmic scale.

    Args:
        kinds: what is counted, from top to bottom.
        named: of each thing its counts, one for each kind, at least 1. height: in pixels.
    """
    figure = go.Figure()
    for (name, counts), colour in zip(named.items(), (ORANGE, BLUE, GREEN), strict=False):
        figure.add_bar(
            x=list(counts),
            y=list(kinds),
            orientation="h",
            name=name,
            marker={"color": colour},
            text=[_count_text(count) for count in counts],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{x:,}<extra>%{fullData.name}</extra>",
        )
    powers = int(np.log10(max(max(counts) for counts in named.values()))) + 1
    ticks = range(0, powers + 1, 1 if powers < 8 else 3)
    figure.update_xaxes(
        type="log",
        range=[0, powers * 1.4],
        tickvals=[10.0**power for power in ticks],
        ticktext=["1" if power == 0 else "10" + _raised(power) for power in ticks],
        tickangle=0,
        fixedrange=True,
    )
    figure.update_yaxes(autorange="reversed", fixedrange=True, ticksuffix="  ")
    figure.update_layout(height=height, bargap=0.3, **_LEGEND_ABOVE)
    return figure


def _count_text(count: int) -> str:
    """50,240; from a billion on 1.23·10⁹"""
    if count < 1e9:
        return f"{count:,}"
    mantissa, power = f"{count:.2e}".split("e")
    return f"{mantissa}·10{_raised(int(power))}"


def _raised(power: int) -> str:
    return "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in str(power))


Spread = tuple[np.ndarray, np.ndarray, np.ndarray]  # middle, lowest and highest values, each (n,)


def shares(
    x: Sequence[float] | Sequence[str],
    lines: dict[str, np.ndarray | Spread],
    titles: tuple[str, str],
    at: float | str | None = None,
    step: float | None = None,
    height: int = 300,
) -> go.Figure:
    """Probabilities over numbers, on the whole scale, or accuracies over names, close up; one place is marked.

    Args:
        x: (n,). lines: of each name the values in [0, 1], (n,), or how they spread.
        titles: of the axes. at: what is marked. step: between two ticks. height: in pixels.
    """
    figure = go.Figure()
    named = isinstance(x[0], str)
    for (name, values), (colour, symbol), dash in zip(lines.items(), _LOOKS, ("solid", "dash", "dot"), strict=False):
        middle, low, high = values if isinstance(values, tuple) else (values, None, None)
        bars_ = {} if low is None else {"array": high - middle, "arrayminus": middle - low, "thickness": 1.2}
        figure.add_scatter(
            x=list(x),
            y=np.round(middle, 4),
            name=name,
            mode="lines+markers" if named else "lines",
            line={"color": colour, "width": 2.5, "dash": dash},
            marker={"symbol": symbol, "size": 9},
            error_y=bars_,
            hovertemplate="%{x}: %{y:.1%}<extra>%{fullData.name}</extra>",
        )
    if at is not None:
        line = {"color": RED, "width": 1.5, "dash": "dot"}
        figure.add_shape(type="line", x0=at, x1=at, y0=0, y1=1, yref="y domain", line=line)
    figure.update_xaxes(title=titles[0], dtick=step, fixedrange=True)
    figure.update_yaxes(title=titles[1], tickformat=".0%", fixedrange=True)
    if named:  # of layers, such as max_pooling2d_1: broken where they may be
        broken = [re.sub("_(?=[a-z])", "_<br>", name) for name in x]
        figure.update_xaxes(
            tickvals=list(x), ticktext=broken, tickangle=0 if len(x) < 7 else None, tickfont={"size": 10}
        )
    else:
        figure.update_yaxes(range=[-0.02, 1.02])
    margin = {"l": 0, "r": 8, "t": 30 + 20 * (len(lines) > 1), "b": 0}
    figure.update_layout(height=height, showlegend=True, **{**_LEGEND_ABOVE, "margin": margin})
    return figure


def muted_filters(accuracies: np.ndarray, whole: float, chosen: Sequence[int] = (), height: int = 240) -> go.Figure:
    """What is lost by muting each filter: percentage points of accuracy, as bars from 1 on.

    Args:
        accuracies: without each filter (n,). whole: with all of them. Both in [0, 1].
        chosen: the filters in the accent colour.
        height: in pixels.
    """
    lost = np.round((whole - accuracies) * 100, 3)
    colours = [RED if index in chosen else BLUE if value >= 0 else GREEN for index, value in enumerate(lost)]
    figure = go.Figure(
        go.Bar(
            x=np.arange(1, len(lost) + 1),
            y=lost,
            marker={"color": colours, "line": {"width": 0}},
            hovertemplate="filter %{x}: %{y:+.2f} points lost<extra></extra>",
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
        )
    )
    figure.update_xaxes(title="filter", fixedrange=True, range=[0.4, len(lost) + 0.6])
    figure.update_yaxes(title="points of accuracy lost", fixedrange=True)
    figure.update_layout(height=height, margin=_MARGIN, bargap=0.15, dragmode=False)
    return figure


_DASHES = ("dot", "solid", "dash", "dashdot", "longdash", "solid")


def activations(
    x: np.ndarray, curves: dict[str, np.ndarray], values: np.ndarray, chosen: float, height: int = 380
) -> go.Figure:
    """Activations as curves over the histogram of a map's values, one value marked on each.

    Args:
        x: where the curves are known, rising (n,).
        curves: of each activation, by its name, what it makes of `x` and, last, of `chosen`: (n + 1,).
        values: of the map.
        chosen: the marked value.
        height: in pixels.
    """
    counts, edges = np.histogram(values, bins=40, range=(float(x[0]), float(x[-1])))
    figure = go.Figure()
    figure.add_bar(
        x=np.round((edges[:-1] + edges[1:]) / 2, 5),
        y=counts,
        width=np.diff(edges),
        name="values of the map",
        marker={"color": GREY, "line": {"width": 0}},
        opacity=0.35,
        hovertemplate="about %{x:.3g}: %{y} values<extra></extra>",
    )
    looks = zip((GREY, BLUE, ORANGE, GREEN, PINK, SKY), _DASHES, strict=True)
    for (name, y), (colour, dash) in zip(curves.items(), looks, strict=False):
        hover = "z = %{x:.4g}: a = %{y:.4g}<extra>%{fullData.name}</extra>"
        line = {"color": colour, "width": 2.5, "dash": dash}
        figure.add_scatter(
            x=np.round(x, 4), y=np.round(y[:-1], 5), yaxis="y2", name=name, legendgroup=name, mode="lines", line=line,
            hovertemplate=hover,
        )  # fmt: skip
        figure.add_scatter(
            x=[chosen], y=[float(y[-1])], yaxis="y2", name=name, legendgroup=name, mode="markers", showlegend=False,
            marker={"color": colour, "size": 9}, hovertemplate=hover,
        )  # fmt: skip
    figure.add_vline(x=chosen, line={"color": RED, "width": 1.5, "dash": "dot"})
    figure.update_xaxes(title="z", range=[float(x[0]), float(x[-1])], fixedrange=True)
    figure.update_layout(
        height=height,
        margin=_MARGIN,
        bargap=0,
        yaxis={"visible": False, "fixedrange": True},
        yaxis2={"overlaying": "y", "side": "left", "title": "a", "fixedrange": True, "tickmode": "auto"},
        legend={"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0},
    )
    return figure


def network_diagram(rows: Sequence[Row], input_shape: Sequence[int], dark: bool) -> str:
    """The network from input to output in Graphviz's language, one box a Keras layer, the shapes on the arrows.

    What a skip connection adds comes along a dashed one.
    """
    ink, paper = ("#E8E6E3", "#2A2F3A") if dark else ("#1F2933", "#FFFFFF")
    frame = {"Conv2D": BLUE, "Dense": ORANGE, "Dropout": GREY}
    lines = [
        'digraph { rankdir=TB; bgcolor="transparent"; nodesep=0.2; ranksep=0.28; '
        'node [shape=box style="rounded,filled" fontname="sans-serif" fontsize=11 penwidth=2 '
        f'fillcolor="{paper}" fontcolor="{ink}" color="{GREEN}"]; '
        f'edge [fontname="sans-serif" fontsize=9 color="{GREY}" fontcolor="{ink}"];',
        'input [label="input"];',
    ]
    before, shape = "input", tuple(input_shape)
    for row in rows:
        parameters = f"\\n{row.parameters:,} parameters" if row.parameters else ""
        colour = frame.get(row.type, GREEN)
        lines.append(f'{row.name} [label="{row.name}\\n{row.type}{parameters}" color="{colour}"];')
        lines.append(f'{before} -> {row.name} [label="  {shape_text(shape)}"];')
        if row.adds:
            lines.append(f"{row.adds} -> {row.name} [style=dashed];")
        before, shape = row.name, row.output_shape
    lines += ['output [label="10 probabilities"];', f'{before} -> output [label="  {shape_text(shape)}"];', "}"]
    return "\n".join(lines)


def shape_text(shape: Sequence[int]) -> str:
    """(28, 28, 64) -> 28×28×64"""
    return "×".join(str(size) for size in shape)


Curve = tuple[str, list[dict]]  # a run's name, and its metrics
_TIMES = {
    1: "1 s", 5: "5 s", 20: "20 s", 60: "1 min", 300: "5 min", 1200: "20 min", 3600: "1 h", 14_400: "4 h",
}  # fmt: skip
_LABEL = 15  # pixels between two names, one above the other
_LONGEST_NAME = 20  # characters
LineEnd = tuple[float, float, str]  # seconds, accuracy, name


def accuracy_over_time(
    run: Curve, reference: Curve | None = None, others: Sequence[Curve] = (), height: int = 340
) -> go.Figure:
    """Accuracy on the validation pictures over the seconds of training, of one run among others.

    Every line has its name at its end and a dot at its best value. Epochs that tell no time are left out.

    Args:
        run: the run that matters, in a heavy line.
        reference: what it is measured against, dashed; its last value goes through the whole chart as a dotted line.
        others: in thin grey lines. Their first epochs may lie below the chart, but their ends do not.
        height: in pixels, the same at every redraw so that nothing below moves.
    """
    lines = [(curve, {"color": GREY, "width": 1.3}, "lines") for curve in others]
    lines += [(reference, {"color": ORANGE, "width": 2, "dash": "dash"}, "lines")] if reference else []
    lines += [(run, {"color": BLUE, "width": 3}, "lines+markers")]
    figure = go.Figure()
    ends: list[LineEnd] = []
    for (name, records), look, mode in lines:
        if not (epochs := timed_epochs(records)):
            continue
        name = html.escape(name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…")
        x, y = [r["seconds"] for r in epochs], [r["val_accuracy"] for r in epochs]
        hover = {
            "text": [f"epoch {r['epoch']}, {duration(r['seconds'])}" for r in epochs],
            "hovertemplate": "%{text}: %{y:.2%}<extra>%{fullData.name}</extra>",
        }
        figure.add_scatter(x=x, y=y, name=name, mode=mode, line=look, marker={"size": 5}, showlegend=False, **hover)
        best = y.index(max(y))
        figure.add_scatter(
            x=[x[best]],
            y=[y[best]],
            name=name,
            mode="markers",
            marker={"color": look["color"], "size": 11 if mode != "lines" else 7},
            showlegend=False,
            text=[f"best: epoch {epochs[best]['epoch']}, {duration(x[best])}"],
            hovertemplate=hover["hovertemplate"],
        )
        ends.append((x[-1], y[-1], f"<b>{name}</b>" if mode != "lines" else name))
    _name_ends(figure, ends, *_time_and_accuracy_axes(figure, run, reference, ends, height), height)
    figure.update_layout(height=height, margin=_MARGIN, uirevision="stay")
    return figure


def _time_and_accuracy_axes(
    figure: go.Figure, run: Curve, reference: Curve | None, ends: list[LineEnd], height: int
) -> tuple[Range, Range]:
    """Room for all times, and for the accuracies that matter. Returns both ranges, the first in powers of ten."""
    times = [x for trace in figure.data for x in trace.x] or [1.0, 1000.0]
    first, last = float(np.log10(min(times))) - 0.08, float(np.log10(max(times))) + 0.08
    last = max(last, first + 1)
    matter = [r["val_accuracy"] for curve in (reference, run) if curve for r in timed_epochs(curve[1])]
    values = [y for trace in figure.data for y in trace.y] or [0.0, 1.0]
    low, high = min([*matter, *(end[1] for end in ends)], default=0.0), max(values)
    room = max(high - low, 0.02)
    accuracies = low - 0.05 * room, high + room * 3 * _LABEL / height
    figure.update_xaxes(
        title="time of training",
        type="log",
        range=[first, last],
        tickvals=list(_TIMES),
        ticktext=list(_TIMES.values()),
        tickangle=0,
        fixedrange=True,
    )
    figure.update_yaxes(title="validation accuracy", tickformat=".3~p", range=accuracies, fixedrange=True)
    if reference and (epochs := timed_epochs(reference[1])):
        figure.add_hline(y=epochs[-1]["val_accuracy"], line={"color": ORANGE, "width": 1, "dash": "dot"})
    return (first, last), accuracies


def _name_ends(figure: go.Figure, ends: list[LineEnd], times: Range, accuracies: Range, height: int) -> None:
    """A name beside the end of each line, on the right of the chart above it; moved up where two would collide."""
    pixels = (height - 50) / (accuracies[1] - accuracies[0])  # without the axis below
    width = times[1] - times[0]
    placed: list[tuple[float, float]] = []  # where the names stand: powers of ten, and pixels above the axis
    for seconds, accuracy, name in sorted(ends, key=lambda end: end[1]):
        x, end = float(np.log10(seconds)), (accuracy - accuracies[0]) * pixels
        has_room = x < times[0] + 0.6 * width
        place = end if has_room else end + _LABEL
        for other_x, other in sorted(placed, key=lambda label: label[1]):
            if abs(x - other_x) < 0.35 * width and abs(place - other) < _LABEL:
                place = other + _LABEL
        placed.append((x, place))
        figure.add_annotation(
            x=x,
            y=accuracy,
            text=name,
            showarrow=False,
            xanchor="left" if has_room else "right",
            xshift=8 if has_room else 0,
            yanchor="middle",
            yshift=place - end,
        )


# --- sweeps -----------------------------------------------------------------------------------------------------

# The look of a trial by its state, in the order of the legend. One that failed may have got some way before.
_TRIAL_LOOKS: dict[tuple[str, ...], tuple[str, str, str]] = {
    ("finished",): ("finished", BLUE, "circle"),
    ("stopped early",): ("stopped early", ORANGE, "x"),
    ("training", "waiting"): ("in training", SKY, "circle-open-dot"),
    ("stopped", "failed"): ("stopped or failed", RED, "triangle-down"),
}
_TRIAL_SIZE = 10  # pixels
_TRIAL_MARGIN = {**_LEGEND_ABOVE, "margin": {"l": 0, "r": 12, "t": 30, "b": 0}}


def setting_and_accuracy(
    trials: Sequence[Trial], path: str, logarithmic: bool, joined: bool, height: int = 320
) -> go.Figure:
    """The accuracy of every trial over the values of one setting. A point's `customdata` is the trial's number.

    Values that are no numbers, such as "adam" or "all", stand side by side as categories.

    Args:
        trials: of a sweep. Those without an accuracy yet are left out.
        path: which setting, see `cnn.sweeps.Hyperparameter`.
        logarithmic: whether its values are spread on a logarithmic scale.
        joined: draw a line through the trials that differ in this setting only.
        height: in pixels, the same at every redraw so that nothing below moves.
    """
    shown = [trial for trial in trials if trial.curve]
    numeric = all(type(trial.values[path]) in (int, float) for trial in trials)
    figure = go.Figure()
    for line in _differing_only_in(path, shown) if joined else ():
        figure.add_scatter(
            x=[_place(trial, path, numeric) for trial in line],
            y=[trial.accuracy for trial in line],
            mode="lines",
            line={"color": GREY, "width": 1},
            opacity=0.6,
            showlegend=False,
            hoverinfo="skip",
        )
    _add_trials(figure, shown, lambda trial: _place(trial, path, numeric))
    figure.update_xaxes(title=path_label(path).lower())
    if numeric:
        _number_axis(figure, sorted({trial.values[path] for trial in trials}), logarithmic)
    else:
        order = list(dict.fromkeys(value_words(path, trial.values[path]) for trial in trials))
        figure.update_xaxes(type="category", categoryorder="array", categoryarray=order, range=[-0.6, len(order) - 0.4])
    figure.update_yaxes(title="validation accuracy", tickformat=".3~p")
    figure.update_layout(height=height, **_TRIAL_MARGIN)
    return figure


def _place(trial: Trial, path: str, numeric: bool) -> float | str:
    return trial.values[path] if numeric else value_words(path, trial.values[path])


def _differing_only_in(path: str, trials: Sequence[Trial]) -> list[list[Trial]]:
    """The trials in groups of equal other settings, each in the order of this one."""
    groups: dict[tuple, list[Trial]] = {}
    for trial in trials:
        others = tuple((type(value), value) for name, value in trial.values.items() if name != path)
        groups.setdefault(others, []).append(trial)
    numeric = all(type(trial.values[path]) in (int, float) for trial in trials)
    return [
        sorted(group, key=lambda trial: trial.values[path] if numeric else trial.number) for group in groups.values()
    ]


def _add_trials(figure: go.Figure, trials: Sequence[Trial], x: Callable[[Trial], float | str]) -> None:
    """A point for each trial that looks as its state, and a ring around the best."""
    for states, (name, colour, symbol) in _TRIAL_LOOKS.items():
        if alike := [trial for trial in trials if trial.state in states]:
            looks = {"color": colour, "symbol": symbol, "size": _TRIAL_SIZE, "line": {"width": 2, "color": colour}}
            _add_points(figure, alike, x, name, looks if symbol.endswith("dot") else {**looks, "line": {"width": 0}})
    if trials:
        top = [max(trials, key=lambda trial: trial.accuracy)]
        ring = {"color": GREEN, "symbol": "circle-open", "size": _TRIAL_SIZE + 9, "line": {"width": 2.5}}
        _add_points(figure, top, x, "best", ring)


def _add_points(figure: go.Figure, trials: Sequence[Trial], x: Callable, name: str, marker: dict) -> None:
    figure.add_scatter(
        x=[x(trial) for trial in trials],
        y=[trial.accuracy for trial in trials],
        customdata=[trial.number for trial in trials],
        text=[_trial_words(trial) for trial in trials],
        name=name,
        mode="markers",
        marker=marker,
        hovertemplate="%{text}<extra></extra>",
        # A click chooses a trial, which the page shows by other means: the other points do not fade.
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        showlegend=True,
    )


def _trial_words(trial: Trial) -> str:
    epochs = f"{trial.epoch} epoch{'s' * (trial.epoch > 1)}, {duration(trial.seconds)}"
    return f"<b>trial {trial.number}: {trial.accuracy:.2%}</b><br>{_values(trial)}<br>{epochs}, {trial.state}"


def _values(trial: Trial) -> str:
    """The values of a trial, each on a line of its own."""
    return "<br>".join(f"{path_label(path)}: {value_words(path, value)}" for path, value in trial.values.items())


def _number_axis(figure: go.Figure, values: Sequence[float], logarithmic: bool) -> None:
    """Room for all values from the start. Few values are the ticks themselves."""
    low, high = values[0], values[-1]
    logarithmic = logarithmic and low > 0
    ends = [float(np.log10(low)), float(np.log10(high))] if logarithmic else [float(low), float(high)]
    room = 0.07 * (ends[1] - ends[0]) or (0.3 if logarithmic else max(1.0, abs(ends[0]) * 0.5))
    figure.update_xaxes(type="log" if logarithmic else "linear", range=[ends[0] - room, ends[1] + room], tickangle=0)
    if len(values) <= _FEW_VALUES:
        apart = _apart(
            np.log10(values) if logarithmic else np.asarray(values, float), _TICK_APART * (ends[1] - ends[0])
        )
        figure.update_xaxes(tickvals=[values[i] for i in apart], ticktext=[f"{values[i]:g}" for i in apart])
    elif logarithmic:
        ticks = [digit * 10.0**power for power in range(-7, 8) for digit in (1, 2, 5)]
        ticks = [tick for tick in ticks if low / 1.2 <= tick <= high * 1.2]
        step = -(-len(ticks) // _FEW_VALUES)
        figure.update_xaxes(tickvals=ticks[::step], ticktext=[f"{tick:g}" for tick in ticks[::step]])


_FEW_VALUES = 7
_TICK_APART = 0.08  # of the axis: names of ticks that are closer would overlap


def _apart(places: np.ndarray, distance: float) -> list[int]:
    """The indices of places, rising, that are at least so far from the one before."""
    chosen = [0]
    for index in range(1, len(places)):
        if places[index] - places[chosen[-1]] >= distance:
            chosen.append(index)
    return chosen


def time_and_accuracy(trials: Sequence[Trial], height: int = 320) -> go.Figure:
    """The accuracy of every trial over the time of its training. A point's `customdata` is the trial's number.

    A line joins the trials that no other beats in both: more time buys more accuracy only along it.

    Args:
        trials: of a sweep. Those without an accuracy yet are left out.
        height: in pixels, the same at every redraw.
    """
    shown = [trial for trial in trials if trial.curve]
    unit, name = (60.0, "minutes") if max((trial.seconds for trial in shown), default=0.0) > 180 else (1.0, "seconds")
    figure = go.Figure()
    front = undominated(shown)
    figure.add_scatter(
        x=[round(trial.seconds / unit, 3) for trial in front],
        y=[trial.accuracy for trial in front],
        mode="lines",
        line={"color": GREEN, "width": 2, "shape": "hv"},
        name="no trial is both faster and better",
        hoverinfo="skip",
        showlegend=False,
    )
    _add_trials(figure, shown, lambda trial: round(trial.seconds / unit, 3))
    figure.update_xaxes(title=f"{name} of training", rangemode="tozero")
    figure.update_yaxes(title="validation accuracy", tickformat=".3~p")
    figure.update_layout(height=height, **_TRIAL_MARGIN)
    return figure


def undominated(trials: Sequence[Trial]) -> list[Trial]:
    """The trials to which no other is at once as fast and better, or as good and faster; the fastest first."""
    front: list[Trial] = []
    for trial in sorted(trials, key=lambda trial: (trial.seconds, -(trial.accuracy or 0.0))):
        if trial.accuracy is not None and (not front or trial.accuracy > front[-1].accuracy):
            front.append(trial)
    return front


def trial_curves(trials: Sequence[Trial], height: int = 320) -> go.Figure:
    """The accuracy of every trial after each epoch, the best one prominent. `customdata` is the trial's number."""
    shown = [trial for trial in trials if trial.curve]
    top = max(shown, key=lambda trial: trial.accuracy, default=None)
    figure = go.Figure()
    named = set()
    for trial in sorted(shown, key=lambda trial: trial is top):  # the best one above the others
        name, colour, _ = next(look for states, look in _TRIAL_LOOKS.items() if trial.state in states)
        line = {"color": GREY if name == "finished" else colour, "width": 1.3}
        name = "others, finished" if name == "finished" else name
        if trial is top:
            name, line = f"best, trial {trial.number}", {"color": GREEN, "width": 3}
        figure.add_scatter(
            x=list(range(1, trial.epoch + 1)),
            y=list(trial.curve),
            customdata=[trial.number] * trial.epoch,
            name=name,
            legendgroup=name,
            showlegend=name not in named,
            mode="lines+markers",
            line=line,
            marker={"size": 7 if trial is top else 4},
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
            text=[_values(trial)] * trial.epoch,
            hovertemplate=f"<b>trial {trial.number}, epoch %{{x}}: %{{y:.2%}}</b><br>%{{text}}<extra></extra>",
        )
        named.add(name)
    longest = max((trial.epoch for trial in shown), default=1)
    figure.update_xaxes(title="epoch", range=[0.7, longest + 0.3], dtick=max(1, round(longest / 10)))
    figure.update_yaxes(title="validation accuracy", tickformat=".3~p")
    figure.update_layout(height=height, **_TRIAL_MARGIN)
    return figure

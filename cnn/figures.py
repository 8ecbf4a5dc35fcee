"""Arrays to pictures: Plotly figures and tiled images. The only module that knows Plotly, and the home of the palette.

Colours are safe for colour-blind readers. Where values have a sign, zero is neutral and the scale is symmetric.
"""

from collections.abc import Sequence
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
import plotly.colors
import plotly.graph_objects as go

from cnn.layers import Row

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
    scale, columns = _layout(map_height, map_width, count, width, height)
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


def _layout(map_height: int, map_width: int, count: int, width: int, height: int) -> tuple[int, int]:
    """The largest scale at which the grid fits, and its columns."""
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


@cache
def _lookup(scale: str) -> np.ndarray:
    colours = plotly.colors.sample_colorscale(scale, np.linspace(0, 1, 256), colortype="tuple")
    return (np.array(colours) * 255).round().astype(np.uint8)


def clickable_tile(tiling: Tiling, count: int, chosen: int, names: Sequence[str]) -> go.Figure:
    """A tiled picture in which every map is a point that can be clicked; its `customdata` is the map's index."""
    height, width = tiling.image.shape[:2]
    cell_height = (height + _GAP) / tiling.rows
    figure = go.Figure(go.Image(z=tiling.image, hoverinfo="skip"))
    index = np.arange(count)
    left, top = index % tiling.columns * tiling.cell, index // tiling.columns * cell_height
    figure.add_scatter(
        x=left + tiling.cell / 2 - 1,
        y=top + cell_height / 2 - 1,
        customdata=index,
        text=list(names),
        mode="markers",
        marker={"size": max(8, min(tiling.cell, cell_height) * 0.9), "symbol": "square", "opacity": 0},
        hovertemplate="%{text}<extra></extra>",
    )
    x, y = float(left[chosen]) - 1.5, float(top[chosen]) - 1.5
    box = {"x0": x, "y0": y, "x1": x + tiling.cell, "y1": y + cell_height}
    figure.add_shape(type="rect", line={"color": RED, "width": 3}, **box)
    figure.update_xaxes(visible=False, range=[-2, width + 1], constrain="domain", fixedrange=True)
    figure.update_yaxes(visible=False, range=[height + 1, -2], scaleanchor="x", fixedrange=True)
    figure.update_yaxes(constrain="domain", constraintoward="top")  # on a narrow window the rest stays empty below
    figure.update_layout(margin=_MARGIN, height=max(90, height + 8), dragmode=False)
    return figure


_MARGIN = {"l": 0, "r": 0, "t": 8, "b": 0}


def heatmap(
    values: np.ndarray, range_: Range | None = None, height: int = 420, show_numbers: bool = False
) -> go.Figure:
    """One map or kernel (h, w), large, with every value on hover and the scale beside it."""
    low, high = range_ or value_range(values)
    figure = go.Figure(
        go.Heatmap(
            z=np.round(values.astype(np.float64), 5),
            zmin=low,
            zmax=high,
            colorscale=DIVERGING if low < 0 else SEQUENTIAL,
            hovertemplate="row %{y}, column %{x}<br>value %{z:.4f}<extra></extra>",
            texttemplate="%{z:.2f}" if show_numbers else None,
            colorbar={"thickness": 12, "len": 0.9},
            xgap=1 if show_numbers else 0,
            ygap=1 if show_numbers else 0,
        )
    )
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, autorange="reversed", scaleanchor="x", constrain="domain")
    figure.update_layout(margin=_MARGIN, height=height)
    return figure


_MAX_POINTS = 1000  # of a curve; more cannot be seen, and each redraw sends them all


def curves(records: list[dict], metric: Literal["loss", "accuracy"], epochs: int, height: int = 300) -> go.Figure:
    """One metric over the epochs, of the training batches, the training epochs and the validation pictures.

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
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": 8, "t": 30, "b": 0},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        uirevision="stay",
    )
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
    figure.update_xaxes(visible=False, range=[0, 1.3], fixedrange=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True, ticksuffix="  ")
    figure.update_layout(height=height, margin=_MARGIN, bargap=0.25)
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

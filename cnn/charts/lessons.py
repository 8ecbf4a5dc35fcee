"""Figures of the lessons: gradient descent, amounts side by side, spreads, activation functions."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from cnn.charts.colours import BLUE, GREEN, GREY, ORANGE, PINK, RED, SKY
from cnn.charts.styles import LEGEND_ABOVE, LOOKS, MARGIN


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


def amounts(kinds: Sequence[str], named: Mapping[str, Sequence[int]], height: int = 230) -> go.Figure:
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
    figure.update_layout(height=height, bargap=0.3, meta={"x": "count", "y": "kind"}, **LEGEND_ABOVE)
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
    named = [name for name in x if isinstance(name, str)]
    for (name, values), (colour, symbol), dash in zip(lines.items(), LOOKS, ("solid", "dash", "dot"), strict=False):
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
        broken = [re.sub("_(?=[a-z])", "_<br>", name) for name in named]
        figure.update_xaxes(
            tickvals=list(x), ticktext=broken, tickangle=0 if len(x) < 7 else None, tickfont={"size": 10}
        )
    else:
        figure.update_yaxes(range=[-0.02, 1.02])
    margin = {"l": 0, "r": 8, "t": 30 + 20 * (len(lines) > 1), "b": 0}
    figure.update_layout(height=height, showlegend=True, **{**LEGEND_ABOVE, "margin": margin})
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
        margin=MARGIN,
        bargap=0,
        meta={"y": "values or activation"},
        yaxis={"visible": False, "fixedrange": True},
        yaxis2={"overlaying": "y", "side": "left", "title": "a", "fixedrange": True, "tickmode": "auto"},
        legend={"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0},
    )
    return figure

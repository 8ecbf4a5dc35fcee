"""A figure of accuracy over the number of training images: what transfer learning buys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from cnn.charts.colours import GREY
from cnn.charts.literal import literal
from cnn.charts.styles import LOOKS


@dataclass(frozen=True)
class CurvePoint:
    """Networks that learned from so many images of each class: label in words, images, accuracies in [0, 1]."""

    label: str
    images: float
    mean: float
    low: float
    high: float


def learning_curve(lines: Mapping[str, Sequence[CurvePoint]], classes: int, height: int = 360) -> go.Figure:
    """Mean accuracy over images per class on a logarithmic axis, with a band from the worst draw to the best.

    Args:
        lines: by what the networks began with, each with the fewest images first.
        classes: how many there are: guessing is right in one of so many cases, which a dotted line shows.
    """
    figure = go.Figure()
    ticks: dict[float, str] = {}
    for (name, points), (colour, symbol) in zip(lines.items(), LOOKS, strict=False):
        x = [point.images / classes for point in points]
        ticks |= {value: point.label for value, point in zip(x, points, strict=True)}
        figure.add_scatter(
            x=[*x, *x[::-1]],
            y=[*(point.high for point in points), *(point.low for point in points[::-1])],
            mode="lines",
            fill="toself",
            fillcolor=colour,
            opacity=0.16,
            line={"width": 0},
            hoverinfo="skip",
            legendgroup=name,
            showlegend=False,
        )
        figure.add_scatter(
            x=x,
            y=[point.mean for point in points],
            name=literal(name),
            legendgroup=name,
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"symbol": symbol, "size": 8},
            customdata=[[point.label, point.low, point.high] for point in points],
            hovertemplate="%{customdata[0]}: %{y:.1%} (%{customdata[1]:.1%} to %{customdata[2]:.1%})"
            "<extra>%{fullData.name}</extra>",
        )
    figure.add_hline(1 / classes, line={"color": GREY, "width": 1, "dash": "dot"})
    figure.update_xaxes(
        type="log",
        tickvals=list(ticks),
        ticktext=list(ticks.values()),
        title="training images of each class",
        fixedrange=True,
    )
    figure.update_yaxes(tickformat=".0%", range=[0, 1.02], title="balanced accuracy", fixedrange=True)
    figure.update_layout(height=height, legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    return figure

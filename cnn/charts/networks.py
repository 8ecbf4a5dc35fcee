"""Figures of a network's predictions: probabilities, confusion matrix, ablated filters, checks of maps."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from cnn.charts.colours import BLUE, GREEN, GREY, RED
from cnn.charts.styles import LEGEND_ABOVE, LOOKS, MARGIN

_INK = "#10161C"  # of the counts, in both themes: it is legible on every colour below
_CORRECT, _NOTHING = "#CBD5E0", "#F5F7FA"
_ERRORS = {0.0: "#FDEBCB", 0.02: "#FADDB0", 0.1: "#F5C171", 0.3: "#EFA541", 1.0: "#E69020"}  # by the fraction of a row
_LEAST = 1e-4  # a fraction that is not nothing


def confusion(matrix: np.ndarray, names: Sequence[str], height: int = 420) -> go.Figure:
    """How often each class was predicted as which, (10, 10): rows are true labels.

    Correct predictions are grey, whatever their number. Errors stand out: the darker, the larger their fraction of the
    row, with small fractions far apart.
    """
    fraction = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    size = np.where(matrix > 0, np.maximum(fraction, _LEAST), 0.0)
    errors = [((1 + max(at, _LEAST)) / 2, colour) for at, colour in _ERRORS.items()]
    figure = go.Figure(
        go.Heatmap(
            z=np.round(np.where(np.eye(len(matrix), dtype=bool), -size, size), 4),  # below zero is correct
            x=list(names),
            y=list(names),
            zmin=-1,
            zmax=1,
            colorscale=[(0.0, _CORRECT), ((1 - _LEAST) / 2, _CORRECT), (0.5, _NOTHING), *errors],
            customdata=matrix,
            text=[[str(count) if count else "" for count in row] for row in matrix.tolist()],
            texttemplate="%{text}",
            textfont={"color": _INK},
            hovertext=[[f"{part:.1%}" for part in row] for row in fraction],
            hovertemplate="%{y} predicted as %{x}: %{customdata} (%{hovertext} of the row)<extra></extra>",
            showscale=False,
            xgap=1,
            ygap=1,
        )
    )
    figure.update_xaxes(title="predicted", tickangle=-45, fixedrange=True)
    figure.update_yaxes(title="true label", autorange="reversed", fixedrange=True)
    figure.update_layout(margin=MARGIN, height=height)
    return figure


def probabilities(values: np.ndarray, names: Sequence[str], height: int = 330, true: int | None = None) -> go.Figure:
    """The network's prediction (10,) as bars, the most probable class in the accent colour, the true one ticked."""
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
    figure.update_layout(height=height, margin=MARGIN, bargap=0.25, meta={"x": "probability", "y": "class"})
    return figure


def taken_apart(curves: dict[str, tuple[np.ndarray, np.ndarray]], height: int = 260) -> go.Figure:
    """The probability of a class over the fraction of pixels removed or inserted, a line for each name.

    Args:
        curves: of each name the fractions (n,) and the probabilities (n,), both in [0, 1]. height: in pixels.
    """
    figure = go.Figure()
    for (name, (fractions, probabilities_)), (colour, symbol) in zip(curves.items(), LOOKS, strict=False):
        figure.add_scatter(
            x=np.round(fractions, 4),
            y=np.round(probabilities_, 4),
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"symbol": symbol, "size": 7, "maxdisplayed": 8},
            hovertemplate="%{x:.0%} of the pixels: %{y:.1%}<extra>%{fullData.name}</extra>",
        )
    figure.update_xaxes(title="fraction of the pixels", tickformat=".0%", range=[0, 1], fixedrange=True)
    figure.update_yaxes(tickformat=".0%", range=[-0.02, 1.02], fixedrange=True)
    margin = {"l": 0, "r": 8, "t": 48, "b": 0}
    figure.update_layout(height=height, **{**LEGEND_ABOVE, "margin": margin}, meta={"y": "probability"})
    return figure


def muted_filters(accuracies: np.ndarray, whole: float, chosen: Sequence[int] = (), height: int = 240) -> go.Figure:
    """What is lost by ablating each filter: percentage points of accuracy, as bars from 1 on.

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
    figure.update_yaxes(title="accuracy lost (points)", fixedrange=True)
    figure.update_layout(height=height, margin=MARGIN, bargap=0.15, dragmode=False)
    return figure


def shape_text(shape: Sequence[int]) -> str:
    """(28, 28, 64) -> 28×28×64"""
    return "×".join(str(size) for size in shape)

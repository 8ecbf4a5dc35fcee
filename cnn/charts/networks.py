"""Figures of a network's predictions: probabilities, confusion matrix, ablated filters, checks of maps."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import plotly.graph_objects as go

from cnn.charts.colours import BLUE, GREEN, GREY, RED
from cnn.charts.literal import LONGEST, literal, short
from cnn.charts.styles import LEGEND_ABOVE, LOOKS, MARGIN

_INK = "#10161C"  # of the counts, in both themes: it is legible on every colour below
_CORRECT, _NOTHING = "#CBD5E0", "#F5F7FA"
_CORRECT_SMALL = "#8796A6"  # of cells of a few pixels
_ERRORS = {0.0: "#FDEBCB", 0.02: "#FADDB0", 0.1: "#F5C171", 0.3: "#EFA541", 1.0: "#E69020"}  # by the fraction of a row
_LEAST = 1e-4  # a fraction that is not nothing


Normalised = Literal["count", "true", "predicted"]
ALL = -1  # in the place of a class: its whole row or column
MOST_WRITTEN = 40  # classes; the cells of more are too small for a number


def confusion(
    matrix: np.ndarray,
    names: Sequence[str],
    height: int = 420,
    of: Normalised = "count",
    chosen: tuple[int, int] | None = None,
    clickable: bool = False,
) -> go.Figure:
    """How often each class was predicted as which: rows are true labels.

    Correct predictions are grey, whatever their number. Errors stand out: the darker, the larger their fraction of the
    row, or of the column where these are shown, with small fractions far apart.

    Args:
        matrix: counts (classes, classes). names: of the classes.
        height: in pixels.
        of: what is written: counts, or fractions of the true class (rows) or of the predicted one (columns).
        chosen: the row and column of a cell that is framed; `ALL` stands for all of them.
        clickable: with a row and a column for all classes; `customdata` of a point is the row and column of its cell.
    """
    whole = matrix.sum(axis=0 if of == "predicted" else 1, keepdims=True)
    fraction = matrix / np.maximum(whole, 1)
    size = np.where(matrix > 0, np.maximum(fraction, _LEAST), 0.0)
    colours = np.where(np.eye(len(matrix), dtype=bool), -size, size)  # below zero is correct
    few = len(matrix) <= MOST_WRITTEN
    counts, words, names = np.asarray(matrix), [literal(name) for name in names], short(names, LONGEST if few else 12)
    if clickable:
        counts = np.block([[counts, counts.sum(1, keepdims=True)], [counts.sum(0, keepdims=True), counts.sum()]])
        fraction = counts / np.maximum(counts[[-1]] if of == "predicted" else counts[:, [-1]], 1)
        colours = np.pad(colours, (0, 1))
        words, names = [*words, _TOTAL], [*names, _unlike(_TOTAL, names)]
    errors = [((1 + max(at, _LEAST)) / 2, colour) for at, colour in _ERRORS.items()]
    axis = "column" if of == "predicted" else "row"
    hover = [
        [
            f"{true} predicted as {predicted}: {count:,} ({part:.1%} of the {axis})" if few or count else ""
            for predicted, count, part in zip(words, row, parts, strict=True)
        ]
        for true, row, parts in zip(words, counts.tolist(), fraction, strict=True)
    ]
    correct = _CORRECT if few else _CORRECT_SMALL
    figure = go.Figure(
        go.Heatmap(
            z=np.round(colours, 4),
            x=names,
            y=names,
            zmin=-1,
            zmax=1,
            colorscale=[(0.0, correct), ((1 - _LEAST) / 2, correct), (0.5, _NOTHING), *errors],
            customdata=counts if of == "count" else np.round(fraction, 4),
            text=[
                [_cell(count, part, of, clickable) for count, part in zip(row, parts, strict=True)]
                for row, parts in zip(counts.tolist(), fraction.tolist(), strict=True)
            ]
            if few
            else None,
            texttemplate="%{text}" if few else None,
            textfont={"color": _INK, "size": int(np.clip(130 / len(names), 7, 12))},
            hovertext=hover,
            hovertemplate="%{hovertext}<extra></extra>",
            showscale=False,
            xgap=1 if few else 0,
            ygap=1 if few else 0,
        )
    )
    if clickable:
        figure.update_traces(hoverinfo="skip", hovertemplate=None)  # or it would take the click
        _add_cells(figure, names, hover, min(_CELL, max(5, height // len(names))))
    if chosen is not None:
        _frame(figure, chosen, len(names))
    ends = [-0.5, len(names) - 0.5]
    # By order, and as words: a class may be called "3", or "2024-05-01".
    order = {"type": "category", "categoryorder": "array", "categoryarray": names}
    figure.update_xaxes(title="predicted", tickangle=-45, range=ends, showgrid=False, fixedrange=True, **order)
    figure.update_yaxes(title="true label", range=ends[::-1], showgrid=False, fixedrange=True, **order)
    figure.update_layout(margin=MARGIN, height=height, dragmode=False, showlegend=False)
    return figure


_TOTAL = "all"
_CELL = 34  # pixels of an unseen point that is clicked, at most


def _unlike(name: str, others: Sequence[str]) -> str:
    """A name that none of the others has."""
    while name in others:
        name += " "
    return name


def _cell(count: int, part: float, of: Normalised, short: bool) -> str:
    """What is written into a cell; of tens of thousands only the first digits, if it is to be short."""
    if not count:
        return ""
    if of != "count":
        return f"{part:.0%}" if part >= 0.0995 else f"{part:.1%}"
    return f"{count / 1000:.3g}k" if short and count >= 10_000 else f"{count:,}"


def _add_cells(figure: go.Figure, names: Sequence[str], hover: Sequence[Sequence[str]], size: int) -> None:
    """An unseen point on each cell that says something, since those of a heat map cannot be clicked."""
    count = len(names)
    places = [(row, column) for row in range(count) for column in range(count) if hover[row][column]]
    last = count - 1
    figure.add_scatter(
        x=[names[column] for _, column in places],
        y=[names[row] for row, _ in places],
        mode="markers",
        marker={"symbol": "square", "size": size, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        customdata=[[ALL if place == last else place for place in one] for one in places],
        hovertext=[hover[row][column] for row, column in places],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _frame(figure: go.Figure, chosen: tuple[int, int], count: int) -> None:
    (top, bottom), (left, right) = (
        (-0.5, count - 0.5) if place == ALL else (place - 0.5, place + 0.5) for place in chosen
    )
    figure.add_shape(type="rect", x0=left, x1=right, y0=top, y1=bottom, line={"color": BLUE, "width": 3})


def probabilities(values: np.ndarray, names: Sequence[str], height: int = 330, true: int | None = None) -> go.Figure:
    """The network's prediction (classes,) as bars, the most probable class in the accent colour, the true one ticked.

    Of more than a dozen classes the most probable ones are shown, the true one among them, and the others together.
    """
    shown = most_probable(values, true)
    best = int(values.argmax())
    cut = short([names[index] for index in shown])
    labels = [f"{name} ✓" if index == true else name for index, name in zip(shown, cut, strict=True)]
    words = [literal(names[index]) for index in shown]
    heights, colours = [float(values[index]) for index in shown], [BLUE if index == best else GREY for index in shown]
    if rest := len(values) - len(shown):
        labels, words = [*labels, _unlike(f"{rest} others", labels)], [*words, f"{rest} other classes together"]
        heights, colours = [*heights, max(0.0, float(values.sum()) - sum(heights))], [*colours, GREY]
    figure = go.Figure(
        go.Bar(
            x=heights,
            y=labels,
            orientation="h",
            marker={"color": colours},
            text=[f"{value:.1%}" for value in heights],
            textposition="outside",
            cliponaxis=False,
            hovertext=words,
            hovertemplate="%{hovertext}: %{x:.2%}<extra></extra>",
        )
    )
    figure.update_xaxes(visible=False, range=[0, 1.45], fixedrange=True)
    figure.update_yaxes(type="category", autorange="reversed", fixedrange=True, ticksuffix="  ")
    height = min(height, _BAR * len(labels) + 30)  # bars of few classes are no thicker
    figure.update_layout(height=height, margin=MARGIN, bargap=0.25, meta={"x": "probability", "y": "class"})
    return figure


_MOST_BARS = 12
_BAR = 44  # pixels of a bar and its gap, at most


def most_probable(values: np.ndarray, true: int | None = None, most: int = _MOST_BARS) -> list[int]:
    """The classes to be shown of a prediction (classes,): all in their order, or of many the most probable ones first.

    true: the class that is shown in any case, in the last one's place where it is not among them.
    """
    if len(values) <= most:
        return list(range(len(values)))
    shown = np.argsort(-values, kind="stable")[: most - 1].tolist()
    if true is not None and true not in shown:
        shown[-1] = true
    return shown


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

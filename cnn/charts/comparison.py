"""Figures of networks compared on the same images: by how much each class is predicted better."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from cnn.charts.colours import BLUE, GREY, ORANGE
from cnn.charts.literal import literal, short
from cnn.charts.styles import LEGEND_ABOVE

MOST_CLASSES = 40  # that a chart has room for


def class_differences(
    classes: Sequence[str],
    differences: Sequence[float],
    intervals: Sequence[tuple[float, float]],
    names: tuple[str, str],
    height: int = 340,
) -> go.Figure:
    """By how many points the first network's recall is above the second's, a point with its interval for each class.

    Of more classes than there is room for, those that differ most.

    Args:
        classes: their names.
        differences: of the recalls, in [-1, 1]. intervals: of these, 95%.
        names: of the two networks.
        height: in pixels.
    """
    some = list(range(len(classes)))
    if len(classes) > MOST_CLASSES:
        some = sorted(np.argsort(-np.abs(np.asarray(differences, float)), kind="stable")[:MOST_CLASSES].tolist())
    words = [literal(classes[index]) for index in some]
    labels = short([classes[index] for index in some])
    differences, intervals = [differences[index] for index in some], [intervals[index] for index in some]
    points, (low, high) = 100 * np.asarray(differences, float), 100 * np.asarray(intervals, float).reshape(-1, 2).T
    kinds = (
        (f"{names[0]} better", low > 0, BLUE, "circle"),
        (f"{names[1]} better", high < 0, ORANGE, "diamond"),
        ("may be chance", (low <= 0) & (high >= 0), GREY, "circle-open"),
    )
    figure = go.Figure()
    for name, chosen, colour, symbol in kinds:
        at = np.flatnonzero(chosen).tolist()
        if not at:
            continue
        figure.add_scatter(
            x=[labels[index] for index in at],
            hovertext=[words[index] for index in at],
            y=np.round(points[at], 3),
            error_y={
                "type": "data",
                "array": np.maximum(np.round(high[at] - points[at], 3), 0),
                "arrayminus": np.maximum(np.round(points[at] - low[at], 3), 0),
                "thickness": 2,
                "width": 5,
            },
            name=literal(name),
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 10, "line": {"width": 2, "color": colour}},
            hovertemplate="%{hovertext}: %{y:+.1f} points<extra>%{fullData.name}</extra>",
        )
    figure.update_xaxes(
        type="category",
        categoryorder="array",
        categoryarray=labels,
        range=[-0.5, len(labels) - 0.5],
        tickangle=-45 if len(labels) > 6 else 0,
        fixedrange=True,
    )
    figure.update_yaxes(title="difference in recall (points)", zeroline=True, zerolinewidth=2, fixedrange=True)
    figure.update_layout(height=height, showlegend=True, **LEGEND_ABOVE, meta={"x": "class"})
    return figure

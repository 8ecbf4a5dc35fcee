"""Figures of a network's robustness: accuracy over the strength of corruptions, for all of them or for one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cnn.charts.colours import GREY
from cnn.charts.literal import literal
from cnn.charts.styles import LOOKS

_COLUMNS = 3  # of small charts
_TITLE = 24  # pixels that the titles of small charts are high


@dataclass(frozen=True, eq=False)
class Line:
    """A run's accuracies under one corruption, from strength 0 on.

    name: of the run. accuracy, low, high: float (s,), in [0, 1], with the ends of their 95% intervals.
    """

    name: str
    accuracy: np.ndarray
    low: np.ndarray
    high: np.ndarray


def accuracy_over_strength(
    lines: Mapping[str, Sequence[Line]], labels: Mapping[str, Sequence[str]], classes: int, height: int = 0
) -> go.Figure:
    """Accuracy over strength, a small chart for each corruption; a large one where there is one corruption.

    Args:
        lines: by the name of a corruption, one for each run, in the same order everywhere.
        labels: by the same name, each strength in words.
        classes: how many there are: guessing is right in one of so many cases, which a dotted line shows.
        height: in pixels; 0 chooses it.
    """
    columns = min(_COLUMNS, len(lines))
    rows = ceil(len(lines) / columns)
    figure = make_subplots(
        rows,
        columns,
        subplot_titles=list(lines) if len(lines) > 1 else None,
        shared_xaxes=len(lines) > 1,
        shared_yaxes=True,
        horizontal_spacing=0.03,
        vertical_spacing=0.09 / rows * 2,
    )
    for place, (corruption, each) in enumerate(lines.items()):
        cell = {"row": place // columns + 1, "col": place % columns + 1}
        for line, (colour, symbol) in zip(each, LOOKS, strict=False):
            figure.add_scatter(
                x=list(range(len(line.accuracy))),
                y=np.round(line.accuracy, 4),
                name=literal(line.name),
                legendgroup=line.name,
                showlegend=place == 0 and len(each) > 1,
                mode="lines+markers",
                line={"color": colour, "width": 2},
                marker={"symbol": symbol, "size": 8 if len(lines) == 1 else 5},
                error_y={
                    "type": "data",
                    "array": np.round(line.high - line.accuracy, 4),
                    "arrayminus": np.round(line.accuracy - line.low, 4),
                    "width": 4 if len(lines) == 1 else 2,
                    "thickness": 1,
                },
                text=[f"{corruption}: {label}" for label in labels[corruption]],
                hovertemplate="%{text}: %{y:.1%}<extra>%{fullData.name}</extra>",
                **cell,
            )
        figure.add_hline(1 / classes, line={"color": GREY, "width": 1, "dash": "dot"}, **cell)
    (first, *rest) = lines
    steps = labels[first] if not rest else [str(strength) for strength in range(len(labels[first]))]
    figure.update_xaxes(tickvals=list(range(len(steps))), ticktext=list(steps), fixedrange=True)
    figure.update_yaxes(tickformat=".0%", range=[0, 1.02], fixedrange=True)
    bottom = {"row": rows} if rest else {}
    figure.update_xaxes(title=first.lower() if not rest else "strength", **bottom)
    figure.update_yaxes(title="accuracy", col=1)
    height = height or (190 * rows + 2 * _TITLE if rest else 340)
    above = 1 + (_TITLE / height if rest else 0.02)  # of the titles; Plotly then makes the room that a legend needs
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": 8, "t": _TITLE if rest else 8, "b": 0},
        legend={"orientation": "h", "y": above, "yanchor": "bottom", "x": 0},
        meta={"x": "strength"},
    )
    figure.update_annotations(font_size=13)
    return figure

"""How all Plotly figures are laid out: margins, legends, axes, and one look for each run of a comparison."""

from collections.abc import Iterable

import plotly.graph_objects as go

from cnn.charts.colours import BLUE, GREEN, GREY, ORANGE, PINK, RED, SKY

MARGIN = {"l": 0, "r": 0, "t": 8, "b": 0}

LEGEND_ABOVE = {
    "margin": {"l": 0, "r": 8, "t": 30, "b": 0},
    "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    "uirevision": "stay",
}


# One look for each run of a comparison. Yellow is left out: a thin line of it is hard to see on white.
LOOKS = tuple(
    zip(
        (BLUE, ORANGE, GREEN, PINK, SKY, RED, GREY),
        ("circle", "diamond", "square", "triangle-up", "x", "triangle-down", "star"),
        strict=True,
    )
)
MAX_OVERLAY = len(LOOKS)


def accuracy_axis(figure: go.Figure, values: Iterable[float], title: str = "accuracy") -> None:
    """Show accuracies on the vertical axis, as per cent: from 0 to 100 as long as there are none, then close up."""
    known = list(values)
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    middle, spread = (low + high) / 2, max(high - low, _CLOSEST)
    ends = [max(0.0, middle - 0.55 * spread), min(1.0 + 0.03 * spread, middle + 0.55 * spread)]
    figure.update_yaxes(title=title, tickformat=".3~p", range=ends)


_CLOSEST = 0.04  # that an axis is stretched to, so that chance differences do not look large

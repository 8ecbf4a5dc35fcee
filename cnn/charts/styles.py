"""How all Plotly figures are laid out: margins, legends, and one look for each run of a comparison."""

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

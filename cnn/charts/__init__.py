"""Arrays to Plotly figures and tiled images, in colours that are safe for colour-blind readers.

The only package that knows Plotly; knows no page and computes nothing that it does not draw.
"""

from cnn.charts.architecture import Block, blocks, network_diagram
from cnn.charts.architecture_svg import network_svg
from cnn.charts.colours import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    RANGES,
    RED,
    SEQUENTIAL,
    SKY,
    YELLOW,
    Range,
    bars,
    base64_floats,
    coloured,
    coloured_maps,
    data_url,
    is_dark,
    laid_over,
    layout,
    scale_colours,
    sprite,
    tile,
    value_range,
)
from cnn.charts.evaluation import coverage, precision_recall, published, reliability, roc
from cnn.charts.lessons import activations, amounts, descent, shares
from cnn.charts.networks import ALL, Normalised, confusion, muted_filters, probabilities, shape_text, taken_apart
from cnn.charts.styles import MAX_OVERLAY
from cnn.charts.sweeps import setting_and_accuracy, time_and_accuracy, trial_curves
from cnn.charts.tables import table
from cnn.charts.training import METRICS, accuracy_over_time, curves, intervention_text, overlay, rate_curve

__all__ = [
    "ALL",
    "BLUE",
    "GREEN",
    "GREY",
    "MAX_OVERLAY",
    "METRICS",
    "ORANGE",
    "PINK",
    "RANGES",
    "RED",
    "SEQUENTIAL",
    "SKY",
    "YELLOW",
    "Block",
    "Normalised",
    "Range",
    "accuracy_over_time",
    "activations",
    "amounts",
    "bars",
    "base64_floats",
    "blocks",
    "coloured",
    "coloured_maps",
    "confusion",
    "coverage",
    "curves",
    "data_url",
    "descent",
    "intervention_text",
    "is_dark",
    "laid_over",
    "layout",
    "muted_filters",
    "network_diagram",
    "network_svg",
    "overlay",
    "precision_recall",
    "probabilities",
    "published",
    "rate_curve",
    "reliability",
    "roc",
    "scale_colours",
    "setting_and_accuracy",
    "shape_text",
    "shares",
    "sprite",
    "table",
    "taken_apart",
    "tile",
    "time_and_accuracy",
    "trial_curves",
    "value_range",
]

"""Figures of the Evaluate page: reliability, coverage, ROC and precision-recall curves."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from cnn.charts.colours import BLUE, GREY, ORANGE
from cnn.charts.literal import literal
from cnn.charts.styles import LEGEND_ABOVE, MARGIN

if TYPE_CHECKING:  # they load what no page needs to draw other charts
    from cnn.evaluation.calibration import Coverage, Reliability
    from cnn.evaluation.scores import Curves

_POINTS = 400  # of a curve; more are not to be seen


def published(
    others: Sequence[tuple[str, float]], name: str, accuracy: float, interval: tuple[float, float]
) -> go.Figure:
    """Accuracies of others as grey bars, and this run's in the accent colour with its 95% interval, in their order."""
    bars = sorted([*((*other, False) for other in others), (name, accuracy, True)], key=lambda bar: bar[1])
    names, values, own = zip(*((literal(bar), *rest) for bar, *rest in bars), strict=True)
    figure = go.Figure(
        go.Bar(
            x=np.round(values, 4),
            y=list(range(len(bars))),
            orientation="h",
            marker={"color": [BLUE if is_own else GREY for is_own in own]},
            error_x={
                "type": "data",
                "array": [round(interval[1] - accuracy, 5) if is_own else 0 for is_own in own],
                "arrayminus": [round(accuracy - interval[0], 5) if is_own else 0 for is_own in own],
                "color": ORANGE,
            },
            text=[f"{value:.1%}" for value in values],
            textposition="outside",
            cliponaxis=False,
            hovertext=list(names),
            hovertemplate="%{hovertext}: %{x:.2%}<extra></extra>",
        )
    )
    low = max(0.0, min(values) - 0.05)
    figure.update_xaxes(title="accuracy on the test images", tickformat=".0%", range=[low, 1.03], fixedrange=True)
    figure.update_yaxes(tickvals=list(range(len(bars))), ticktext=list(names), ticksuffix="  ", fixedrange=True)
    figure.update_layout(height=34 * len(bars) + 70, margin=MARGIN, bargap=0.3)
    return figure


def reliability(
    bins: "Reliability", intervals: Sequence[tuple[float, float]], after: "Reliability | None" = None, height: int = 380
) -> go.Figure:
    """Accuracy over confidence: bars with their 95% intervals, and the diagonal on which confidence is accuracy.

    Args:
        bins: see `cnn.evaluation.calibration.reliability`. intervals: of their accuracies, in [0, 1].
        after: the same at another temperature, drawn as points.
        height: in pixels.
    """
    low, high = np.array(intervals).T
    figure = go.Figure()
    figure.add_bar(
        x=np.round((bins.low + bins.high) / 2, 4),
        y=np.round(bins.accuracy, 4),
        width=(bins.high - bins.low) * 0.92,
        name="accuracy",
        marker={"color": BLUE, "opacity": 0.75, "line": {"width": 0}},
        error_y={
            "type": "data",
            "array": np.maximum(np.round(high - bins.accuracy, 4), 0),
            "arrayminus": np.maximum(np.round(bins.accuracy - low, 4), 0),
            "color": GREY,
            "thickness": 1.5,
        },
        customdata=np.stack([bins.count, np.round(bins.confidence, 4)], axis=1),
        hovertemplate="%{customdata[0]:,} images, mean confidence %{customdata[1]:.1%}: %{y:.1%} right<extra></extra>",
    )
    if after is not None:
        figure.add_scatter(
            x=np.round(after.confidence, 4),
            y=np.round(after.accuracy, 4),
            name="after temperature scaling",
            mode="markers+lines",
            line={"color": ORANGE, "width": 2},
            marker={"symbol": "diamond", "size": 9},
            hovertemplate="mean confidence %{x:.1%}: %{y:.1%} right<extra></extra>",
        )
    figure.add_scatter(
        x=[0, 1], y=[0, 1], name="confidence = accuracy", mode="lines", line={"color": GREY, "dash": "dash"},
        hoverinfo="skip",
    )  # fmt: skip
    figure.update_xaxes(title="confidence", tickformat=".0%", range=[0, 1], fixedrange=True)
    figure.update_yaxes(title="accuracy", tickformat=".0%", range=[0, 1.02], fixedrange=True)
    figure.update_layout(height=height, bargap=0, **LEGEND_ABOVE, meta={"x": "confidence", "y": "accuracy"})
    return figure


def coverage(curve: "Coverage", at: int | None = None, height: int = 380) -> go.Figure:
    """Accuracy over the fraction of images that is answered; `at`: a place on the curve, marked."""
    keep = _thinned(len(curve.coverage))
    figure = go.Figure(
        go.Scatter(
            x=np.round(curve.coverage[keep], 4),
            y=np.round(curve.accuracy[keep], 4),
            mode="lines",
            name="accuracy",
            line={"color": BLUE, "width": 2},
            customdata=np.round(curve.threshold[keep], 4),
            hovertemplate="%{x:.1%} answered, from a confidence of %{customdata:.1%}: %{y:.2%} right<extra></extra>",
        )
    )
    if at is not None:
        _mark(figure, curve.coverage[at], curve.accuracy[at])
    figure.update_xaxes(title="fraction answered", tickformat=".0%", range=[0, 1.01], fixedrange=True)
    figure.update_yaxes(title="accuracy of these", tickformat=".1%", fixedrange=True)
    figure.update_layout(height=height, margin=MARGIN, showlegend=False, meta={"x": "coverage", "y": "accuracy"})
    return figure


def roc(curves: "Curves", at: int | None = None, height: int = 360) -> go.Figure:
    """The ROC curve of a class, with the diagonal of chance; `at`: a place on the curve, marked."""
    keep = _thinned(len(curves.thresholds))
    figure = _curve(
        curves.false_positive_rate[keep],
        curves.true_positive_rate[keep],
        curves.thresholds[keep],
        "false-positive rate",
        "true-positive rate (recall)",
        height,
    )
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": GREY, "dash": "dash"}, hoverinfo="skip")
    if at is not None:
        _mark(figure, curves.false_positive_rate[at], curves.true_positive_rate[at])
    return figure


def precision_recall(curves: "Curves", at: int | None = None, height: int = 360) -> go.Figure:
    """The precision-recall curve of a class; `at`: a place on the curve, marked."""
    keep = _thinned(len(curves.thresholds))
    figure = _curve(
        curves.true_positive_rate[keep],
        curves.precision[keep],
        curves.thresholds[keep],
        "recall",
        "precision",
        height,
    )
    if at is not None:
        _mark(figure, curves.true_positive_rate[at], curves.precision[at])
    return figure


def _curve(x: np.ndarray, y: np.ndarray, thresholds: np.ndarray, x_title: str, y_title: str, height: int) -> go.Figure:
    figure = go.Figure(
        go.Scatter(
            x=np.round(x, 4),
            y=np.round(y, 4),
            mode="lines",
            line={"color": BLUE, "width": 2},
            customdata=np.round(np.minimum(thresholds, 1), 4),
            hovertemplate=f"threshold %{{customdata:.1%}}: {x_title} %{{x:.1%}}, {y_title} %{{y:.1%}}<extra></extra>",
        )
    )
    figure.update_xaxes(title=x_title, tickformat=".0%", range=[-0.01, 1.01], fixedrange=True)
    figure.update_yaxes(title=y_title, tickformat=".0%", range=[-0.01, 1.02], fixedrange=True)
    figure.update_layout(height=height, margin=MARGIN, showlegend=False, meta={"x": x_title, "y": y_title})
    return figure


def _mark(figure: go.Figure, x: float, y: float) -> None:
    figure.add_scatter(
        x=[round(float(x), 4)], y=[round(float(y), 4)], mode="markers", hoverinfo="skip",
        marker={"color": ORANGE, "size": 13, "symbol": "diamond", "line": {"color": GREY, "width": 1}},
    )  # fmt: skip


def _thinned(count: int) -> np.ndarray:
    """Places of so many points, the first and the last among them, that a curve keeps its look."""
    return np.unique(np.linspace(0, count - 1, min(count, _POINTS)).astype(int))

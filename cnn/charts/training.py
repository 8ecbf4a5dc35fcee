"""Figures of trainings: the curves of one run or of several, the learning-rate search, accuracy over time."""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import plotly.graph_objects as go

from cnn.charts.colours import BLUE, GREEN, GREY, ORANGE, RED, SKY, Range
from cnn.charts.literal import literal
from cnn.charts.styles import LEGEND_ABOVE, LOOKS, MARGIN, accuracy_axis
from cnn.config import duration
from cnn.runs.pace import timed_epochs

Metric = Literal["loss", "accuracy"]
METRICS: tuple[Metric, ...] = get_args(Metric)
_MAX_POINTS = 1000  # of a curve; more cannot be seen, and each redraw sends them all


def curves(records: list[dict], metric: Metric, epochs: int, height: int = 300) -> go.Figure:
    """One metric over the epochs, of the training batches, the training epochs and the validation images.

    Manual changes and interruptions are marked at the upper border. The axis grows with the training.

    Args:
        records: lines of metrics.jsonl, see `cnn.runs.metrics.read_metrics`.
        metric: which of the two.
        epochs: how many the run will have at most; the axis ends there.
        height: in pixels, the same at every redraw so that nothing below moves.
    """
    batches = [r for r in records if r["kind"] == "batch"]
    batches = batches[:: -(-len(batches) // _MAX_POINTS) or 1]
    whole = [r for r in records if r["kind"] == "epoch"]
    figure = go.Figure()
    figure.add_scatter(
        x=[round(r["epoch"] + r["step"] / r["steps"], 4) for r in batches],
        y=[r[metric] for r in batches],
        name="training batches",
        mode="lines",
        line={"color": SKY, "width": 1},
        opacity=0.75,
    )
    for name, key, colour, symbol in (
        ("training", metric, BLUE, "circle"),
        ("validation", f"val_{metric}", ORANGE, "diamond"),
    ):
        figure.add_scatter(
            x=[r["epoch"] for r in whole],
            y=[r[key] for r in whole],
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 2.5},
            marker={"symbol": symbol, "size": 7},
        )
    events = [r for r in records if r["kind"] == "event"]
    trained = max((x for trace in figure.data for x in trace.x), default=0.0)
    trained = max([trained, *map(_place, events)])
    end = max(trained * 1.02, min(trained * 1.1, epochs)) or 1
    figure.update_xaxes(title="epoch", range=[0, end], dtick=max(1, round(end / 10)) if end > 2 else None)
    if metric == "accuracy":
        accuracy_axis(figure, (y for trace in figure.data for y in trace.y))
        figure.update_traces(hovertemplate="epoch %{x:.2f}: %{y:.2%}<extra>%{fullData.name}</extra>")
    else:
        figure.update_yaxes(title="loss (cross-entropy)", rangemode="tozero", range=None if trained else [0, 2.5])
        figure.update_traces(hovertemplate="epoch %{x:.2f}: %{y:.4f}<extra>%{fullData.name}</extra>")
    _mark_manual_changes(figure, events)
    figure.update_layout(height=height, **LEGEND_ABOVE)
    return figure


_SYMBOLS = {
    "learning rate": "triangle-down",
    "paused": "square",
    "continued": "triangle-right",
    "resumed": "triangle-right",
    "stopped": "x",
    "step": "line-ns-open",
}


def _place(event: dict) -> float:
    return round(event["epoch"] + event["step"] / event["steps"], 4)


def _mark_manual_changes(figure: go.Figure, events: list[dict]) -> None:
    """A line down from the upper border for each, and a mark that says on hover what it was."""
    if not events:
        return
    places = [_place(event) for event in events]
    figure.add_scatter(
        x=places,
        y=[1.0] * len(events),
        yaxis="y2",
        name="manual changes",
        mode="markers",
        text=[intervention_text(event) for event in events],
        hovertemplate="epoch %{x:.2f}: %{text}<extra></extra>",
        marker={"color": RED, "size": 9, "symbol": [_SYMBOLS.get(event["what"], "diamond") for event in events]},
        cliponaxis=False,
    )
    for place, event in zip(places, events, strict=True):
        if event["what"] != "step":
            line = {"color": RED, "width": 1, "dash": "dot"}
            figure.add_shape(type="line", x0=place, x1=place, y0=0, y1=1, yref="y domain", line=line, opacity=0.6)
    figure.update_layout(yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True})


def overlay(
    named: Sequence[tuple[str, list[dict]]],
    metric: Metric,
    over_time: bool = False,
    training: bool = False,
    height: int = 340,
) -> go.Figure:
    """One metric of several runs on the validation images, each run with its own colour and marker.

    Args:
        named: of each run its name and the `epoch` records of its metrics; at most MAX_OVERLAY runs.
        metric: which of the two.
        over_time: over the training time instead of the epochs; records without a time are left out.
        training: add the same metric on the training images, dotted.
        height: in pixels.
    """
    figure = go.Figure()
    unit = "%{x:.1f} min" if over_time else "epoch %{x}"
    value = "%{y:.2%}" if metric == "accuracy" else "%{y:.4f}"
    for (name, records), (colour, symbol) in zip(named, LOOKS, strict=False):
        shown = [r for r in records if not over_time or type(r.get("seconds")) in (int, float)]
        x = [round(r["seconds"] / 60, 3) if over_time else r["epoch"] for r in shown]
        for key, kind in ((f"val_{metric}", "validation"), (metric, "training"))[: 1 + training]:
            dotted = kind == "training"
            figure.add_scatter(
                x=x,
                y=[r[key] for r in shown],
                name=literal(name),
                legendgroup=name,
                showlegend=not dotted,
                mode="lines" if dotted else "lines+markers",
                line={"color": colour, "width": 1.5 if dotted else 2.5, "dash": "dot" if dotted else "solid"},
                marker={"symbol": symbol, "size": 8, "maxdisplayed": 12},
                hovertemplate=f"{unit}: {value}<extra>%{{fullData.name}}, {kind}</extra>",
            )
    if over_time:
        figure.update_xaxes(title="training time (minutes)", rangemode="tozero")
    else:
        longest = max((records[-1]["epoch"] for _, records in named if records), default=1)
        figure.update_xaxes(title="epoch", range=[0, longest * 1.03], dtick=max(1, round(longest / 10)))
    if metric == "accuracy":
        accuracy_axis(figure, (y for trace in figure.data for y in trace.y))
    else:
        figure.update_yaxes(title="loss (cross-entropy)", rangemode="tozero")
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        legend={"orientation": "h", "y": -0.25, "yanchor": "top", "x": 0},
        uirevision="stay",
    )
    return figure


def intervention_text(event: dict) -> str:
    """What somebody changed by hand, or what interrupted a training: "learning rate 0.001 → 0.0005"."""
    match event:
        case {"what": "learning rate", "from": float(before), "to": float(after)}:
            return f"learning rate {before:.4g} → {after:.4g}"
        case {"what": "step", "loss": float(loss), "gradient": float(gradient)}:
            return f"single step: loss {loss:.4g}, gradient norm {gradient:.4g}"
    return event["what"]


def rate_curve(
    rates: Sequence[float],
    losses: Sequence[float],
    smoothed: Sequence[float] | np.ndarray,
    range_: Range,
    suggested: float | None = None,
    height: int = 260,
) -> go.Figure:
    """The loss over a rising learning rate, of every batch and smoothed, with the suggested rate marked.

    Args:
        rates: of the batches, rising.
        losses: of the batches.
        smoothed: the same without noise.
        range_: the lowest and the highest rate that will be tried; the axis has room for all from the start.
        suggested: a rate, marked by a line.
        height: in pixels.
    """
    figure = go.Figure()
    hover = "learning rate %{x:.2g}: %{y:.3f}<extra>%{fullData.name}</extra>"
    for name, values, line in (
        ("each batch", losses, {"color": SKY, "width": 1}),
        ("smoothed", smoothed, {"color": BLUE, "width": 2.5}),
    ):
        figure.add_scatter(x=list(rates), y=list(values), name=name, mode="lines", line=line, hovertemplate=hover)
    low, high = (float(np.log10(end)) for end in range_)
    powers = range(round(low), round(high) + 1)
    figure.update_xaxes(
        title="learning rate",
        type="log",
        range=[low, high],
        tickvals=[10.0**power for power in powers],
        ticktext=["10⁻" + "⁰¹²³⁴⁵⁶⁷⁸⁹"[-power] if power < 0 else f"{10**power}" for power in powers],
        tickangle=0,
        fixedrange=True,
    )
    begin = float(np.median(losses[:10])) if len(losses) else 2.5
    figure.update_yaxes(title="loss (cross-entropy)", range=[0, 1.6 * begin], fixedrange=True)  # at the end it soars
    if suggested:
        figure.add_vline(x=suggested, line={"color": GREEN, "width": 2, "dash": "dash"})
        figure.add_annotation(
            x=float(np.log10(suggested)),
            y=1,
            yref="paper",
            yanchor="top",
            xanchor="right",
            xshift=-4,
            text=f"suggested {suggested:g}",
            showarrow=False,
        )
    figure.update_layout(height=height, **LEGEND_ABOVE)
    return figure


Curve = tuple[str, list[dict]]  # a run's name, and its metrics
_TIMES = {
    1: "1 s", 5: "5 s", 20: "20 s", 60: "1 min", 300: "5 min", 1200: "20 min", 3600: "1 h", 14_400: "4 h",
}  # fmt: skip
_LABEL = 15  # pixels between two names, one above the other
_LONGEST_NAME = 20  # characters
LineEnd = tuple[float, float, str]  # seconds, accuracy, name


def accuracy_over_time(
    run: Curve, reference: Curve | None = None, others: Sequence[Curve] = (), height: int = 340
) -> go.Figure:
    """Accuracy on the validation images over the seconds of training, of one run among others.

    Every line has its name at its end and a dot at its best value. Epochs without a time are left out.

    Args:
        run: the run that matters, in a bold line.
        reference: what it is measured against, dashed; its last value goes through the whole chart as a dotted line.
        others: in thin grey lines. Their first epochs may lie below the chart, but their ends do not.
        height: in pixels, the same at every redraw so that nothing below moves.
    """
    lines = [(curve, {"color": GREY, "width": 1.3}, "lines") for curve in others]
    lines += [(reference, {"color": ORANGE, "width": 2, "dash": "dash"}, "lines")] if reference else []
    lines += [(run, {"color": BLUE, "width": 3}, "lines+markers")]
    figure = go.Figure()
    ends: list[LineEnd] = []
    for (name, records), look, mode in lines:
        if not (epochs := timed_epochs(records)):
            continue
        name = literal(name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…")
        x, y = [r["seconds"] for r in epochs], [r["val_accuracy"] for r in epochs]
        hover = {
            "text": [f"epoch {r['epoch']}, {duration(r['seconds'])}" for r in epochs],
            "hovertemplate": "%{text}: %{y:.2%}<extra>%{fullData.name}</extra>",
        }
        figure.add_scatter(x=x, y=y, name=name, mode=mode, line=look, marker={"size": 5}, showlegend=False, **hover)
        best = y.index(max(y))
        figure.add_scatter(
            x=[x[best]],
            y=[y[best]],
            name=name,
            mode="markers",
            marker={"color": look["color"], "size": 11 if mode != "lines" else 7},
            showlegend=False,
            text=[f"best: epoch {epochs[best]['epoch']}, {duration(x[best])}"],
            hovertemplate=hover["hovertemplate"],
        )
        ends.append((x[-1], y[-1], f"<b>{name}</b>" if mode != "lines" else name))
    _name_ends(figure, ends, *_time_and_accuracy_axes(figure, run, reference, ends, height), height)
    figure.update_layout(height=height, margin=MARGIN, uirevision="stay")
    return figure


def _time_and_accuracy_axes(
    figure: go.Figure, run: Curve, reference: Curve | None, ends: list[LineEnd], height: int
) -> tuple[Range, Range]:
    """Room for all times, and for the accuracies that matter. Returns both ranges, the first in powers of ten."""
    times = [x for trace in figure.data for x in trace.x] or [1.0, 1000.0]
    first, last = float(np.log10(min(times))) - 0.08, float(np.log10(max(times))) + 0.08
    last = max(last, first + 1)
    matter = [r["val_accuracy"] for curve in (reference, run) if curve for r in timed_epochs(curve[1])]
    values = [y for trace in figure.data for y in trace.y] or [0.0, 1.0]
    low, high = min([*matter, *(end[1] for end in ends)], default=0.0), max(values)
    room = max(high - low, 0.05)
    accuracies = max(0.0, low - 0.05 * room), high + room * 3 * _LABEL / height
    figure.update_xaxes(
        title="training time",
        type="log",
        range=[first, last],
        tickvals=list(_TIMES),
        ticktext=list(_TIMES.values()),
        tickangle=0,
        fixedrange=True,
    )
    figure.update_yaxes(title="validation accuracy", tickformat=".3~p", range=accuracies, fixedrange=True)
    if reference and (epochs := timed_epochs(reference[1])):
        figure.add_hline(y=epochs[-1]["val_accuracy"], line={"color": ORANGE, "width": 1, "dash": "dot"})
    return (first, last), accuracies


def _name_ends(figure: go.Figure, ends: list[LineEnd], times: Range, accuracies: Range, height: int) -> None:
    """A name beside the end of each line, on the right of the chart above it; moved up where two would collide."""
    pixels = (height - 50) / (accuracies[1] - accuracies[0])  # without the axis below
    width = times[1] - times[0]
    placed: list[tuple[float, float]] = []  # where the names stand: powers of ten, and pixels above the axis
    for seconds, accuracy, name in sorted(ends, key=lambda end: end[1]):
        x, end = float(np.log10(seconds)), (accuracy - accuracies[0]) * pixels
        has_room = x < times[0] + 0.6 * width
        place = end if has_room else end + _LABEL
        for other_x, other in sorted(placed, key=lambda label: label[1]):
            if abs(x - other_x) < 0.35 * width and abs(place - other) < _LABEL:
                place = other + _LABEL
        placed.append((x, place))
        figure.add_annotation(
            x=x,
            y=accuracy,
            text=name,
            showarrow=False,
            xanchor="left" if has_room else "right",
            xshift=8 if has_room else 0,
            yanchor="middle",
            yshift=place - end,
        )

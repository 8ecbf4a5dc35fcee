"""Figures of a sweep: what each setting does to the accuracy, what accuracy costs in time, the curves of its trials."""

from collections.abc import Callable, Sequence

import numpy as np
import plotly.graph_objects as go

from cnn.charts.colours import BLUE, GREEN, GREY, ORANGE, RED, SKY
from cnn.charts.styles import LEGEND_ABOVE, accuracy_axis
from cnn.config import duration
from cnn.tuning import Trial, path_label, value_words
from cnn.tuning.trials import undominated

# The look of a trial by its state, in the order of the legend. One that failed may have got some way before.
_TRIAL_LOOKS: dict[tuple[str, ...], tuple[str, str, str]] = {
    ("finished",): ("finished", BLUE, "circle"),
    ("stopped early",): ("stopped early", ORANGE, "x"),
    ("training", "waiting"): ("training", SKY, "circle-open-dot"),
    ("stopped", "failed"): ("stopped or failed", RED, "triangle-down"),
}
_TRIAL_SIZE = 10  # pixels
_TRIAL_MARGIN = {**LEGEND_ABOVE, "margin": {"l": 0, "r": 12, "t": 30, "b": 0}}


def setting_and_accuracy(
    trials: Sequence[Trial], path: str, logarithmic: bool, joined: bool, height: int = 320
) -> go.Figure:
    """The accuracy of every trial over the values of one setting. A point's `customdata` is the trial's number.

    Values that are no numbers, such as "adam" or "all", stand side by side as categories.

    Args:
        trials: of a sweep. Those without an accuracy yet are left out.
        path: which setting, see `cnn.tuning.hyperparameters.Hyperparameter`.
        logarithmic: whether its values are spread on a logarithmic scale.
        joined: draw a line through the trials that differ in this setting only.
        height: in pixels, the same at every redraw so that nothing below moves.
    """
    shown = [trial for trial in trials if trial.curve]
    numeric = all(type(trial.values[path]) in (int, float) for trial in trials)
    figure = go.Figure()
    for line in _differing_only_in(path, shown) if joined else ():
        figure.add_scatter(
            x=[_place(trial, path, numeric) for trial in line],
            y=[trial.accuracy for trial in line],
            mode="lines",
            line={"color": GREY, "width": 1},
            opacity=0.6,
            showlegend=False,
            hoverinfo="skip",
        )
    _add_trials(figure, shown, lambda trial: _place(trial, path, numeric))
    figure.update_xaxes(title=path_label(path).lower())
    if numeric:
        numbers = {value for trial in trials if isinstance(value := trial.values[path], int | float)}
        _number_axis(figure, sorted(numbers), logarithmic)
    else:
        order = list(dict.fromkeys(value_words(path, trial.values[path]) for trial in trials))
        figure.update_xaxes(type="category", categoryorder="array", categoryarray=order, range=[-0.6, len(order) - 0.4])
    accuracy_axis(figure, (y for trace in figure.data for y in trace.y), "validation accuracy")
    figure.update_layout(height=height, **_TRIAL_MARGIN)
    return figure


def _place(trial: Trial, path: str, numeric: bool) -> float | str:
    return trial.values[path] if numeric else value_words(path, trial.values[path])


def _differing_only_in(path: str, trials: Sequence[Trial]) -> list[list[Trial]]:
    """The trials in groups of equal other settings, each in the order of this one."""
    groups: dict[tuple, list[Trial]] = {}
    for trial in trials:
        others = tuple((type(value), value) for name, value in trial.values.items() if name != path)
        groups.setdefault(others, []).append(trial)
    numeric = all(type(trial.values[path]) in (int, float) for trial in trials)
    return [
        sorted(group, key=lambda trial: trial.values[path] if numeric else trial.number) for group in groups.values()
    ]


def _add_trials(figure: go.Figure, trials: Sequence[Trial], x: Callable[[Trial], float | str]) -> None:
    """A point for each trial that looks as its state, and a ring around the best."""
    for states, (name, colour, symbol) in _TRIAL_LOOKS.items():
        if alike := [trial for trial in trials if trial.state in states]:
            looks = {"color": colour, "symbol": symbol, "size": _TRIAL_SIZE, "line": {"width": 2, "color": colour}}
            _add_points(figure, alike, x, name, looks if symbol.endswith("dot") else {**looks, "line": {"width": 0}})
    if trials:
        top = [max(trials, key=lambda trial: trial.accuracy)]
        ring = {"color": GREEN, "symbol": "circle-open", "size": _TRIAL_SIZE + 9, "line": {"width": 2.5}}
        _add_points(figure, top, x, "best", ring)


def _add_points(figure: go.Figure, trials: Sequence[Trial], x: Callable, name: str, marker: dict) -> None:
    figure.add_scatter(
        x=[x(trial) for trial in trials],
        y=[trial.accuracy for trial in trials],
        customdata=[trial.number for trial in trials],
        text=[_trial_words(trial) for trial in trials],
        name=name,
        mode="markers",
        marker=marker,
        hovertemplate="%{text}<extra></extra>",
        # A click chooses a trial, which the page shows by other means: the other points do not fade.
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        showlegend=True,
    )


def _trial_words(trial: Trial) -> str:
    epochs = f"{trial.epoch} epoch{'s' * (trial.epoch > 1)}, {duration(trial.seconds)}"
    return f"<b>trial {trial.number}: {trial.accuracy:.2%}</b><br>{_values(trial)}<br>{epochs}, {trial.state}"


def _values(trial: Trial) -> str:
    """The values of a trial, each on its own line."""
    return "<br>".join(f"{path_label(path)}: {value_words(path, value)}" for path, value in trial.values.items())


def _number_axis(figure: go.Figure, values: Sequence[float], logarithmic: bool) -> None:
    """Room for all values from the start. Few values are the ticks themselves."""
    low, high = values[0], values[-1]
    logarithmic = logarithmic and low > 0
    ends = [float(np.log10(low)), float(np.log10(high))] if logarithmic else [float(low), float(high)]
    room = 0.07 * (ends[1] - ends[0]) or (0.3 if logarithmic else max(1.0, abs(ends[0]) * 0.5))
    figure.update_xaxes(type="log" if logarithmic else "linear", range=[ends[0] - room, ends[1] + room], tickangle=0)
    if len(values) <= _FEW_VALUES:
        apart = _apart(
            np.log10(values) if logarithmic else np.asarray(values, float), _TICK_APART * (ends[1] - ends[0])
        )
        figure.update_xaxes(tickvals=[values[i] for i in apart], ticktext=[f"{values[i]:g}" for i in apart])
    elif logarithmic:
        ticks = [digit * 10.0**power for power in range(-7, 8) for digit in (1, 2, 5)]
        ticks = [tick for tick in ticks if low / 1.2 <= tick <= high * 1.2]
        step = -(-len(ticks) // _FEW_VALUES)
        figure.update_xaxes(tickvals=ticks[::step], ticktext=[f"{tick:g}" for tick in ticks[::step]])


_FEW_VALUES = 7
_TICK_APART = 0.08  # of the axis: names of ticks that are closer would overlap


def _apart(places: np.ndarray, distance: float) -> list[int]:
    """The indices of places, rising, that are at least so far from the one before."""
    chosen = [0]
    for index in range(1, len(places)):
        if places[index] - places[chosen[-1]] >= distance:
            chosen.append(index)
    return chosen


def time_and_accuracy(trials: Sequence[Trial], height: int = 320) -> go.Figure:
    """The accuracy of every trial over the time of its training. A point's `customdata` is the trial's number.

    A line joins the trials that no other beats in both: more time buys more accuracy only along it.

    Args:
        trials: of a sweep. Those without an accuracy yet are left out.
        height: in pixels, the same at every redraw.
    """
    shown = [trial for trial in trials if trial.curve]
    unit, name = (60.0, "minutes") if max((trial.seconds for trial in shown), default=0.0) > 180 else (1.0, "seconds")
    figure = go.Figure()
    front = undominated(shown)
    figure.add_scatter(
        x=[round(trial.seconds / unit, 3) for trial in front],
        y=[trial.accuracy for trial in front],
        mode="lines",
        line={"color": GREEN, "width": 2, "shape": "hv"},
        name="Pareto front",
        hoverinfo="skip",
        showlegend=False,
    )
    _add_trials(figure, shown, lambda trial: round(trial.seconds / unit, 3))
    figure.update_xaxes(title=f"training time ({name})", rangemode="tozero")
    accuracy_axis(figure, (y for trace in figure.data for y in trace.y), "validation accuracy")
    figure.update_layout(height=height, **_TRIAL_MARGIN)
    return figure


def trial_curves(trials: Sequence[Trial], height: int = 320) -> go.Figure:
    """The accuracy of every trial after each epoch, the best one in a bold line. `customdata` is the trial's number."""
    shown = [trial for trial in trials if trial.curve]
    top = max(shown, key=lambda trial: trial.accuracy, default=None)
    figure = go.Figure()
    named = set()
    for trial in sorted(shown, key=lambda trial: trial is top):  # the best one above the others
        name, colour, _ = next(look for states, look in _TRIAL_LOOKS.items() if trial.state in states)
        line = {"color": GREY if name == "finished" else colour, "width": 1.3}
        name = "others, finished" if name == "finished" else name
        if trial is top:
            name, line = f"best: {trial.label}", {"color": GREEN, "width": 3}
        figure.add_scatter(
            x=list(range(1, trial.epoch + 1)),
            y=list(trial.curve),
            customdata=[trial.number] * trial.epoch,
            name=name,
            legendgroup=name,
            showlegend=name not in named,
            mode="lines+markers",
            line=line,
            marker={"size": 7 if trial is top else 4},
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
            text=[_values(trial)] * trial.epoch,
            hovertemplate=f"<b>trial {trial.number}, epoch %{{x}}: %{{y:.2%}}</b><br>%{{text}}<extra></extra>",
        )
        named.add(name)
    longest = max((trial.epoch for trial in shown), default=1)
    figure.update_xaxes(title="epoch", range=[0.7, longest + 0.3], dtick=max(1, round(longest / 10)))
    accuracy_axis(figure, (y for trace in figure.data for y in trace.y), "validation accuracy")
    figure.update_layout(height=height, **_TRIAL_MARGIN)
    return figure

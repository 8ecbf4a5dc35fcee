"""A sweep as it goes: how far it is, what can be done with it, which settings count, and its trials."""

from collections import Counter
from functools import partial

import pandas as pd
import streamlit as st

from cnn import charts
from cnn.config import counted, duration, field_label
from cnn.tuning import (
    Setting,
    SweepConfig,
    Trial,
    apply,
    hyperparameters_of,
    path_label,
    sweeps,
    uncapitalised,
    undominated,
    value_words,
)
from cnn.tuning.sweeps import Sweep
from cnn.ui import csv, draft, fragments, links, shell, state
from cnn.ui.components import live_chart
from cnn.ui.runs import deletion
from cnn.ui.sweeps.form import METHODS, NEW

_ONE, _NEW = "Results", "New sweep"  # what the page shows
_TRIAL = "sweep-trial"  # parameter of the link: the number of the trial that was clicked
_TICK = 1.0  # seconds between two looks at the sweep's folder
_ROWS, _ROW = 12, 35  # of the table: shown without scrolling, and pixels of each
_COMPARED = 5  # of the best trials, on the Runs page
_TELLING = 6  # finished trials before it is said how much each setting mattered
_ICONS = {**shell.STATE_ICONS, "searching": ":material/model_training:"}
_WORDS = {"queued": "starting", "searching": "in progress"}


# --- which one --------------------------------------------------------------------------------------------------


def choose(known: list[Sweep]) -> Sweep | None:
    """Draw the choice between the sweeps and a new one. Returns the sweep to show, which is the one in the link."""
    by_id = {sweep.id: sweep for sweep in known}
    linked = st.query_params.get("sweep")
    wanted = linked or st.session_state.get(state.SWEEP)
    if st.session_state.pop(state.OPENED_SWEEP, False):
        linked = wanted = st.session_state[state.SWEEP]
        links.write(_TRIAL, None)
    current = wanted if wanted in by_id else next(iter(by_id), None)
    new = wanted == NEW or current is None
    st.session_state[state.SWEEP_VIEW] = _NEW if new else _ONE
    if known:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.segmented_control(
                "View",
                [_ONE, _NEW],
                required=True,
                key=state.SWEEP_VIEW,
                on_change=_switched,
                args=(current,),
                label_visibility="collapsed",
            )
            if not new:
                labels = _labels(known)
                links.picker(
                    "sweep_picker",
                    "Sweep",
                    list(by_id),
                    current,
                    _link,
                    format_func=lambda sweep_id: labels.get(sweep_id, sweep_id),
                    width=420,
                    label_visibility="collapsed",
                )
    if linked not in (None, NEW, *by_id):
        instead = "" if new else " Showing the newest instead."
        st.warning(f"The link names the sweep {shell.plain(linked[:80])}, but there is no such sweep.{instead}")
        st.session_state.pop(state.SWEEP, None)
    else:
        st.session_state[state.SWEEP] = NEW if new else current
        links.complete("sweep", st.session_state[state.SWEEP])
    if not new:
        links.complete("sweep-base", None)
    return None if new else by_id[current]


def _labels(known: list[Sweep]) -> dict[str, str]:
    """The browser sends the label of what was picked, so every label is another."""
    labels = {s.id: f"{s.name} · {s.created:%d %b, %H:%M}" if s.created else s.name for s in known}
    count = Counter(labels.values())
    return {sweep_id: label if count[label] == 1 else f"{label} · {sweep_id}" for sweep_id, label in labels.items()}


def _switched(current: str) -> None:
    _link(NEW if st.session_state[state.SWEEP_VIEW] == _NEW else current)


def _link(sweep_id: str) -> None:
    """Put a sweep into the link. The trial that was chosen is of another."""
    links.step("sweep", st.session_state.get(state.SWEEP), sweep_id)
    links.write(_TRIAL, None)


# --- one sweep --------------------------------------------------------------------------------------------------


def show(sweep: Sweep) -> None:
    """Draw a sweep. While it is active, everything follows it."""
    if sweep.config is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(_described(sweep.config), width="content")
            if sweep.config.base.data.card.synthetic:
                st.badge("synthetic data", color="orange")  # in a caption it would be too pale to read
    # Every part has its place before the first is drawn: a part that is drawn again on its own always finds it.
    head, controls, results, below = (st.container() for _ in range(4))
    every = _TICK if sweep.active else None
    with head:
        _explain(sweep)
        fragments.fragment(_progress, run_every=every)(sweep.id, sweep.state, sweep.stop_requested)
    with controls, st.container(horizontal=True, vertical_alignment="center"):
        _manage(sweep)
    if sweep.config is None:
        return
    with results:
        fragments.fragment(_results, run_every=every)(sweep.id)
    with below:
        _details(sweep)


def _explain(sweep: Sweep) -> None:
    """A sentence for every state that a newcomer might wonder about, with what to do."""
    message = shell.plain(sweep.message)
    match sweep.state:
        case "failed" if sweep.config is None:
            st.error(f"This sweep is damaged. {message} Its runs are not affected.", icon=":material/broken_image:")
        case "failed":
            st.error(f"The sweep failed: {message}", icon=":material/error:")
        case "interrupted":
            st.warning(f"Interrupted. {message}", icon=":material/power_off:")
        case "stopped":
            st.info("Stopped. Resume goes on with the trials that are left.", icon=":material/pause_circle:")


def _progress(sweep_id: str, drawn_state: str, drawn_stop: bool) -> None:
    """The line that moves. A change of state redraws the page, because the buttons and the timer depend on it."""
    try:
        sweep = sweeps.get(sweep_id)
    except sweeps.UnknownSweep:
        st.rerun()
    if (sweep.state, sweep.stop_requested) != (drawn_state, drawn_stop):
        st.rerun()
    if sweep.config is None:
        return
    ended = sum(trial.ended for trial in sweep.trials)
    text = f"{_ICONS[sweep.state]} **{_WORDS.get(sweep.state, sweep.state)}** · {ended} of {_planned(sweep)}"
    if sweep.active:
        if sweep.stop_requested:
            text += " · stopping, with the run that is training"
        elif sweep.message:
            text += f" · {shell.plain(sweep.message)}"
        else:
            text += "".join(f" · {_doing(trial, sweep)}" for trial in sweep.trials if trial.state == "training")
        st.progress(sweep.progress, text=text)

    best = sweeps.best(sweep)
    early = sum(trial.state == "stopped early" for trial in sweep.trials)
    with st.grid(3 + bool(early), min_column_width=150):
        st.metric(
            "Best val. accuracy",
            f"{best.accuracy:.2%}" if best else "–",
            help="On the validation images, after the best epoch of the best trial. Optimistic: selected as the best "
            "of many.",
            border=True,
        )
        if not sweep.active:
            st.metric("Trials", f"{ended} of {sweep.config.planned}", border=True)
        if early:
            st.metric("Stopped early", early, help="As unpromising.", border=True)
        if sweep.active:
            help_ = "If the remaining trials take as long as those so far."
            st.metric("Time left", duration(sweep.seconds_left), help=help_, border=True)
        st.metric("Time so far" if sweep.active else "Time", duration(sweep.seconds), border=True)
    if best is not None:
        _card(best, sweep, "Best so far" if sweep.active else "Best", "best")


def _planned(sweep: Sweep) -> str:
    return counted(sweep.config.planned, "trial")


def _doing(trial: Trial, sweep: Sweep) -> str:
    epochs = trial.values.get("training.epochs", sweep.config.base.training.epochs)
    return f"trial {trial.number}, epoch {min(trial.epoch + 1, int(epochs))} of {epochs}"


def _described(config: SweepConfig) -> str:
    """What is trained, in a line: "Grid · preset tiny · 1,000 images of fashion-mnist, 3 epochs each"."""
    varied = {setting.path for setting in config.settings}
    data = config.base.data
    few = "" if data.limit is None or "data.limit" in varied else f"{data.limit:,} "
    parts = [
        METHODS[config.method][0],
        f"{few}drawn images" if data.card.synthetic else f"{few}images of {data.dataset}",
    ]
    if "training.epochs" not in varied:
        epochs = config.base.training.epochs
        parts[1] += f", {epochs} epoch{'s' * (epochs > 1)} each"
    parts[1:1] = [f"preset {shell.plain(config.base.preset)}"] if config.base.preset else []
    return " · ".join(parts)


def _card(trial: Trial, sweep: Sweep, title: str, key: str) -> None:
    """One trial in words, and what can be done with its run."""
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"trial-{key}"):
        words = f"**{title}: {shell.plain(trial.label)}** · trial {trial.number}"
        if trial.accuracy is not None:
            epochs = f" in epoch {trial.best_epoch} of {trial.epoch}" if trial.epoch > 1 else ""
            words += f" · {trial.accuracy:.2%}{epochs} · {duration(trial.seconds)}"
        words += f" · {trial.state}" if key != "best" else ""
        words += f" · {shell.plain(trial.message)}" if trial.state in ("failed", "stopped") and trial.message else ""
        st.markdown(words, width="stretch", help=shell.plain(_values(trial)))
        buttons = st.container(horizontal=True, width="content")
    with buttons:
        if st.button(
            "Open run",
            type="primary" if key == "best" and not sweep.resumable else "secondary",
            icon=":material/open_in_full:",
            key=f"open-{key}",
            disabled=trial.run_id is None,
            help=None if trial.run_id else "It has no run: not started yet, or deleted.",
        ):
            shell.make_current(trial.run_id)
            st.switch_page(shell.TRAIN, query_params={"run": trial.run_id})
        help_ = "Start a new network with the settings of this trial, for instance with more epochs and all images."
        if st.button("Duplicate settings", icon=":material/tune:", key=f"use-{key}", help=help_):
            draft.load(apply(sweep.config.base, trial.values))
            st.switch_page(shell.NEW_NETWORK, query_params={"run": st.session_state[state.RUN]})


# --- what can be done with it -----------------------------------------------------------------------------------


def _manage(sweep: Sweep) -> None:
    if sweep.active:
        stop = st.button(
            "Stopping…" if sweep.stop_requested else "Stop",
            icon=":material/stop:",
            key="stop_sweep",
            disabled=sweep.stop_requested,
            help="Also stops the run that is training. Nothing is lost: Resume continues from there.",
        )
        if stop:
            with shell.show_errors():
                sweeps.stop(sweep)
                st.rerun()
        return
    if sweep.resumable and st.button("Resume", icon=":material/play_arrow:", type="primary", key="resume_sweep"):
        with shell.show_errors():
            sweeps.resume(sweep)
            st.rerun()
    made = (sweeps.run_of(trial) for trial in sweep.trials)
    if sweep.state == "interrupted" and any(run.active for run in made if run is not None):
        help_ = "Its process is gone, but the runs that it started continue."
        if st.button("Stop its runs", icon=":material/stop:", key="stop_runs", help=help_):
            with shell.show_errors():
                sweeps.stop(sweep)
                st.rerun()
    _compare(sweep)
    if (
        st.menu_button("More", [_DELETE], icon=":material/more_horiz:", key="more_sweep", format_func=_with_icon)
        == _DELETE
    ):
        deletion.confirm_sweep(sweep)


_DELETE = "Delete…"


def _with_icon(option: str) -> str:
    return f":material/delete: {option}"


def _compare(sweep: Sweep) -> None:
    """Draw the button that shows the best trials side by side."""
    ranked = sorted((t for t in sweep.trials if t.run_id and t.curve), key=lambda t: -t.accuracy)[:_COMPARED]
    if len(ranked) > 1 and st.button(
        f"Compare the best {len(ranked)}",
        icon=":material/stacked_line_chart:",
        key="compare_trials",
        help="Their results, curves and settings side by side, on the Runs page.",
    ):
        ids = ",".join(trial.run_id for trial in ranked)
        st.switch_page(shell.RUNS, query_params={"run": st.session_state[state.RUN], "compare": ids})


# --- what came of it --------------------------------------------------------------------------------------------


def _results(sweep_id: str) -> None:
    """The plots, the trial that was chosen in one of them, and the table."""
    try:
        sweep = sweeps.get(sweep_id)
    except sweeps.UnknownSweep:
        return
    if sweep.config is None:
        return
    if not any(trial.curve for trial in sweep.trials):
        if sweep.active:
            st.caption("The charts begin with the first epoch of the first trial.")
    else:
        _settings(sweep)
        number = st.query_params.get(_TRIAL)
        chosen = next((trial for trial in sweep.trials if str(trial.number) == number), None)
        if chosen is None:
            st.caption(":material/ads_click: Click a point, or tick a row of the table, to show its trial here.")
        else:
            _card(chosen, sweep, "Chosen", "chosen")
        _time_and_curves(sweep)
    if sweep.trials:
        _table(sweep)


def _settings(sweep: Sweep) -> None:
    """Setting against accuracy: a chart for each, one beside the other where there is room."""
    columns = st.columns(len(sweep.config.settings))
    finished = sum(trial.state == "finished" for trial in sweep.trials)
    importance = sweep.importance if finished >= _TELLING else {}
    for number, (column, setting) in enumerate(zip(columns, sweep.config.settings, strict=True)):
        with column:
            label = path_label(setting.path)
            fraction = importance.get(setting.path)
            _chart(
                f"sweep-setting-{number}",
                sweep,
                partial(
                    charts.setting_and_accuracy,
                    sweep.trials,
                    setting.path,
                    _is_logarithmic(setting, sweep),
                    joined=sweep.config.method == "grid",
                ),
                f"Validation accuracy over the {uncapitalised(label)} of {_measured(sweep)} trials. "
                f"{_best_words(sweep)}",
                shell.plain(label) + (f" · importance {fraction:.0%}" if fraction else ""),
            )
    words = ["Each point is a trial, at the validation accuracy of its best epoch so far."]
    if sweep.config.method == "grid":
        words.append("Thin lines join trials that differ in that setting only.")
    if importance:
        words.append("Importance: how much of the difference in accuracy comes from a setting, estimated by PED-ANOVA.")
    st.caption(" ".join(words))


def _time_and_curves(sweep: Sweep) -> None:
    left, right = st.columns(2)
    trials = sweep.trials
    with left:
        front = undominated([trial for trial in trials if trial.curve])
        names = ", ".join(str(trial.number) for trial in front)
        _chart(
            "sweep-time",
            sweep,
            partial(charts.time_and_accuracy, trials),
            f"Validation accuracy over the training time of {_measured(sweep)} trials. Pareto front: trial {names}.",
            "Accuracy over time",
        )
        st.caption("Green: the Pareto front. No trial is both faster and more accurate than one on it.")
    with right:
        _chart(
            "sweep-curves",
            sweep,
            partial(charts.trial_curves, trials),
            f"Validation accuracy over the epochs of {_measured(sweep)} trials. {_best_words(sweep)}",
            "Learning curves",
        )
        st.caption("Validation accuracy after each epoch, one line per trial. Bold: the best.")


def _chart(name: str, sweep: Sweep, draw: partial, alt: str, title: str) -> None:
    live_chart.show(name, sweep.id, sweep.trials, draw, alt, title, hurry=not sweep.active, on_click=_choose_trial)


def _choose_trial(number: int) -> None:
    links.write(_TRIAL, str(int(number)))


def _measured(sweep: Sweep) -> int:
    return sum(bool(trial.curve) for trial in sweep.trials)


def _best_words(sweep: Sweep) -> str:
    best = sweeps.best(sweep)
    return f"Best: trial {best.number}, {best.label}, accuracy {best.accuracy:.1%}." if best else ""


def _values(trial: Trial) -> str:
    """What sets a trial apart, in full: "learning rate: 0.01, filters of layer 1: 16"."""
    words = ((path_label(path), value_words(path, value)) for path, value in trial.values.items())
    return ", ".join(f"{uncapitalised(label)}: {value}" for label, value in words)


def _is_logarithmic(setting: Setting, sweep: Sweep) -> bool:
    if setting.is_range:
        return setting.log
    known = {known.path: known for known in hyperparameters_of(sweep.config.base)}
    return known[setting.path].logarithmic


# --- the trials -------------------------------------------------------------------------------------------------


def _table(sweep: Sweep) -> None:
    st.markdown("**Trials**")
    table = tabulated(sweep)
    numbers = [trial.number for trial in sweep.trials]
    key = f"trials-{sweep.id}"
    percent = partial(st.column_config.NumberColumn, format="%.2f%%", width=145)
    st.dataframe(
        table,
        hide_index=True,
        height=(min(len(table), _ROWS) + 1) * _ROW + 3,
        row_height=_ROW,
        placeholder="",
        key=key,
        on_select=partial(_choose_row, key, numbers),
        selection_mode="single-row",
        alt="The trials with their values, validation accuracy, epochs, time and state.",
        column_config={
            "Trial": st.column_config.NumberColumn(width=60, pinned=True),
            "Best val. accuracy": percent(help="Of the best epoch, on the validation images."),
            "Validation curve": st.column_config.LineChartColumn(width=120, help="Validation accuracy by epoch."),
            "Epochs": st.column_config.NumberColumn(width=70),
            "Training time": st.column_config.NumberColumn(format="compact", width=110),
            "State": st.column_config.TextColumn(width=110),
            "Reason": st.column_config.TextColumn(width=320),
        },
    )
    tag = f" The runs carry the tag `{sweep.tag}` on the Runs page." if sweep.tag else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{len(table)} of {_planned(sweep)}. Click a column name to sort.{tag}", width="content")
        csv.download(partial(as_csv, sweep), f"sweep-{sweep.id}.csv", key="sweep_csv")


def _choose_row(key: str, numbers: list[int]) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    if not rows:
        links.write(_TRIAL, None)
    elif rows[0] < len(numbers):
        _choose_trial(numbers[rows[0]])


def tabulated(sweep: Sweep) -> pd.DataFrame:
    """The trials as rows; values that are no numbers in words. A column in which no trial has anything is left out."""
    trials = sweep.trials
    columns: dict[str, list] = {"Trial": [trial.number for trial in trials]}
    for setting in sweep.config.settings:
        values = [trial.values[setting.path] for trial in trials]
        numeric = all(type(value) in (int, float) for value in values)
        words = values if numeric else [value_words(setting.path, value) for value in values]
        columns[path_label(setting.path)] = words
    columns |= {
        "Best val. accuracy": [100 * trial.accuracy if trial.curve else None for trial in trials],
        "State": [trial.state for trial in trials],
        "Validation curve": [list(trial.curve) if trial.epoch > 1 else None for trial in trials],
        "Epochs": [trial.epoch for trial in trials],
        "Training time": pd.to_timedelta([round(trial.seconds) or None for trial in trials], unit="s"),
        "Reason": [trial.message or None for trial in trials],
    }
    return pd.DataFrame(columns).dropna(axis="columns", how="all")


def as_csv(sweep: Sweep) -> bytes:
    """One line for each trial, with its values by their paths, and times in seconds."""
    rows = [
        {
            "trial": trial.number,
            **trial.values,
            "validation_accuracy": trial.accuracy,
            "best_epoch": trial.best_epoch or None,
            "epochs": trial.epoch,
            "seconds": round(trial.seconds, 2),
            "state": trial.state,
            "message": trial.message,
            "run": trial.run_id,
        }
        for trial in sweep.trials
    ]
    return csv.to_csv(pd.DataFrame(rows, dtype=object))  # whole numbers stay whole beside empty cells


def _details(sweep: Sweep) -> None:
    with st.expander("Configuration and log", icon=":material/info:"):
        config = sweep.config
        st.caption("The sweep")
        lines = [
            f"Method: {METHODS[config.method][0]}",
            f"Trials: {config.planned}",
            f"Parallel trials: {config.at_once}",
            f"Stop unpromising trials: {'yes' if config.prune else 'no'}",
            f"Seed: {config.seed}",
        ]
        lines += [f"{path_label(setting.path)}: {_range_words(setting)}" for setting in config.settings]
        st.code("\n".join(lines), language=None, wrap_lines=True)
        st.caption("What all trials share")
        settings = {**config.base.data.model_dump(), **config.base.training.model_dump()}
        lines = [f"Layer {number}: {layer}" for number, layer in enumerate(config.base.layers, 1)]
        lines += [f"{field_label(name)}: {value_words(name, value)}" for name, value in settings.items()]
        st.code("\n".join(lines), language=None, wrap_lines=True)
        st.caption("Its folder")
        st.code(str(sweep.path), language=None, wrap_lines=True)
        try:
            log = (sweep.path / "log.txt").read_text(errors="replace").splitlines()[-30:]
        except OSError:
            log = []
        if log:
            st.caption("The end of its log")
            st.code("\n".join(log), language=None, wrap_lines=True)


def _range_words(setting: Setting) -> str:
    if setting.is_range:
        return f"from {setting.low:g} to {setting.high:g}" + (", logarithmic" if setting.log else "")
    return ", ".join(value_words(setting.path, value) for value in setting.values)

"""A sweep as it goes: how far it is, what can be done with it, which settings count, and its trials."""

from collections import Counter
from functools import partial

import pandas as pd
import streamlit as st

from cnn import charts, runs
from cnn.config import duration
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
from cnn.ui import draft, shell, state
from cnn.ui.components import live_chart
from cnn.ui.csv import to_csv
from cnn.ui.runs import deletion
from cnn.ui.sweeps.form import METHODS, NEW, THIS

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
    wanted = st.query_params.get("sweep") or st.session_state.get(state.SWEEP)
    if st.session_state.pop(state.OPENED_SWEEP, False):
        wanted = st.session_state[state.SWEEP]
        st.session_state[state.SWEEP_VIEW] = THIS
    unknown = wanted is not None and wanted not in by_id
    if unknown:
        st.session_state.pop(state.SWEEP, None)
    if not known:
        st.session_state[state.SWEEP_VIEW] = NEW
    st.session_state.setdefault(state.SWEEP_VIEW, THIS)
    current = wanted if wanted in by_id else next(iter(by_id), None)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if known:
            st.segmented_control("View", [THIS, NEW], required=True, key=state.SWEEP_VIEW, persist_state="session")
        showing = st.session_state[state.SWEEP_VIEW] == THIS and current is not None
        if showing:
            st.session_state[state.SWEEP_PICKER] = current
            labels = _labels(known)
            st.selectbox(
                "Sweep",
                list(by_id),
                key=state.SWEEP_PICKER,
                format_func=lambda sweep_id: labels.get(sweep_id, sweep_id),
                on_change=_picked,
                width=420,
                help="It is part of the link, so a link opens the same sweep.",
            )
    if unknown and wanted == st.query_params.get("sweep"):
        instead = " Showing the newest instead." if showing else ""
        st.warning(f"The link names the sweep {shell.plain(wanted[:80])}, which is not here.{instead}")
    elif showing:
        st.session_state[state.SWEEP] = current
        if st.query_params.get("sweep") != current:
            st.query_params["sweep"] = current
    elif "sweep" in st.query_params:
        del st.query_params["sweep"]
    return by_id[current] if showing else None


def _labels(known: list[Sweep]) -> dict[str, str]:
    """The browser sends the label of what was picked, so every label is another."""
    labels = {s.id: f"{s.name} · {s.created:%d %b, %H:%M}" if s.created else s.name for s in known}
    count = Counter(labels.values())
    return {sweep_id: label if count[label] == 1 else f"{label} · {sweep_id}" for sweep_id, label in labels.items()}


def _picked() -> None:
    st.session_state[state.SWEEP] = st.query_params["sweep"] = st.session_state[state.SWEEP_PICKER]


# --- one sweep --------------------------------------------------------------------------------------------------


def show(sweep: Sweep) -> None:
    """Draw a sweep. While it is active, everything follows it."""
    st.subheader(shell.plain(sweep.name), anchor=False)
    if sweep.config is not None:
        st.caption(_described(sweep.config))
        if sweep.config.base.data.card.synthetic:
            st.badge("synthetic data", color="orange")  # in a caption it would be too pale to read
    # Every part has its place before the first is drawn: a part that is drawn anew on its own always finds it.
    head, controls, results, below = (st.container() for _ in range(4))
    every = _TICK if sweep.active else None
    with head:
        _explain(sweep)
        st.fragment(_progress, run_every=every)(sweep.id, sweep.state, sweep.stop_requested)
    with controls, st.container(horizontal=True, vertical_alignment="bottom"):
        _manage(sweep)
    if sweep.config is None:
        return
    with results:
        st.fragment(_results, run_every=every)(sweep.id)
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
    text = (
        f"{_ICONS[sweep.state]} **{_WORDS.get(sweep.state, sweep.state)}** · {ended} of {sweep.config.planned} trials"
    )
    if sweep.active:
        if sweep.stop_requested:
            text += " · stopping, with the run that it trains"
        elif sweep.message:
            text += f" · {shell.plain(sweep.message)}"
        else:
            text += "".join(f" · {_doing(trial, sweep)}" for trial in sweep.trials if trial.state == "training")
    st.progress(sweep.progress, text=text)

    best = sweeps.best(sweep)
    early = sum(trial.state == "stopped early" for trial in sweep.trials)
    with st.grid("auto", min_column_width=130):
        st.metric(
            "Best accuracy",
            f"{best.accuracy:.2%}" if best else "–",
            help="On the validation pictures, of the best epoch of the best trial. A little too good to be true: of "
            "many trials, one is lucky.",
        )
        if early:
            st.metric("Stopped early", early, help="As unpromising.")
        if sweep.active:
            st.metric("Time left", duration(sweep.seconds_left), help="If trials go on to take as long as so far.")
        st.metric("Time so far" if sweep.active else "Time taken", duration(sweep.seconds))
    if best is not None:
        _card(best, sweep, "Best so far" if sweep.active else "Best", "best")


def _doing(trial: Trial, sweep: Sweep) -> str:
    epochs = trial.values.get("training.epochs", sweep.config.base.training.epochs)
    return f"trial {trial.number}, epoch {min(trial.epoch + 1, int(epochs))} of {epochs}"


def _described(config: SweepConfig) -> str:
    """What is trained, in a line: "Grid · preset tiny · 1,000 pictures of fashion-mnist, 3 epochs each"."""
    varied = {setting.path for setting in config.settings}
    data = config.base.data
    few = "" if data.limit is None or "data.limit" in varied else f"{data.limit:,} "
    parts = [
        METHODS[config.method][0],
        f"{few}drawn pictures" if data.card.synthetic else f"{few}pictures of {data.dataset}",
    ]
    if "training.epochs" not in varied:
        epochs = config.base.training.epochs
        parts[1] += f", {epochs} epoch{'s' * (epochs > 1)} each"
    parts[1:1] = [f"preset {shell.plain(config.base.preset)}"] if config.base.preset else []
    return " · ".join(parts)


def _card(trial: Trial, sweep: Sweep, title: str, key: str) -> None:
    """One trial in words, and what can be done with its run."""
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"trial-{key}"):
        words = f"**{title}: trial {trial.number}** · {shell.plain(_values(trial))}"
        if trial.accuracy is not None:
            epochs = f" in epoch {trial.best_epoch} of {trial.epoch}" if trial.epoch > 1 else ""
            words += f" · {trial.accuracy:.2%}{epochs} · {duration(trial.seconds)}"
        words += f" · {trial.state}" if key != "best" else ""
        words += f" · {shell.plain(trial.message)}" if trial.state in ("failed", "stopped") and trial.message else ""
        st.markdown(words, width="stretch")
        buttons = st.container(horizontal=True, width="content")
    with buttons:
        if st.button(
            "Open run",
            icon=":material/visibility:",
            key=f"open-{key}",
            disabled=trial.run_id is None,
            help=None if trial.run_id else "It has no run, not yet or not any more.",
        ):
            shell.make_current(trial.run_id)
            st.switch_page(shell.TRAIN, query_params={"run": trial.run_id})
        help_ = "Begin a new run with the settings of this trial. Give it more epochs and all pictures there, to train "
        if st.button("Use its settings", icon=":material/tune:", key=f"use-{key}", help=f"{help_}it for good."):
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
            help="Stops the run that it trains, too. Nothing is lost: Resume goes on from there.",
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
    made = [run for trial in sweep.trials if (run := sweeps.run_of(trial)) is not None]
    if sweep.state == "interrupted" and any(run.active for run in made):
        help_ = "Its process is gone, but what it started goes on by itself."
        if st.button("Stop its runs", icon=":material/stop:", key="stop_runs", help=help_):
            with shell.show_errors():
                sweeps.stop(sweep)
                st.rerun()
    with st.popover("Delete", icon=":material/delete:", key="delete_sweep_popover"):
        st.markdown(f"Delete the sweep **{shell.plain(sweep.name)}**? This cannot be undone.")
        with_runs = False
        if made:
            megabytes = sum(run.size for run in made) / 1e6
            few = f"its {len(made)} runs" if len(made) > 1 else "its run"
            with_runs = st.checkbox(
                f"With {few}, {megabytes:,.1f} MB",
                key=f"delete_runs-{sweep.id}",
                help="Otherwise they stay on the Runs page. What is deleted can be taken back until the next time.",
            )
        if st.button("Delete", type="primary", key="delete_sweep"):
            _delete(sweep, made if with_runs else [])


def _delete(sweep: Sweep, made: list[runs.Run]) -> None:
    with shell.show_errors():
        sweeps.delete(sweep, with_runs=bool(made))
        st.session_state.pop(state.SWEEP, None)
        st.query_params.pop("sweep", None)
        if made:
            deletion.draw_without(made)
        st.rerun()


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
            st.caption("The plots begin with the first epoch of the first trial.")
    else:
        _settings(sweep)
        owner, number = st.session_state.get(state.SWEEP_TRIAL, (None, None))
        chosen = next((t for t in sweep.trials if t.number == number), None) if owner == sweep.id else None
        if chosen is None:
            st.caption(":material/ads_click: A click on a point, or on a row of the table, shows its trial here.")
        else:
            _card(chosen, sweep, "Chosen", "chosen")
        _time_and_curves(sweep)
    if sweep.trials:
        _table(sweep)


def _settings(sweep: Sweep) -> None:
    """Setting against accuracy: a plot for each, one beside the other where there is room."""
    columns = st.columns(len(sweep.config.settings))
    finished = sum(trial.state == "finished" for trial in sweep.trials)
    for number, (column, setting) in enumerate(zip(columns, sweep.config.settings, strict=True)):
        with column:
            label = path_label(setting.path)
            share = sweep.importance.get(setting.path) if finished >= _TELLING else None
            st.markdown(
                f"**{shell.plain(label)} and accuracy**" + (f" · {share:.0%} of the differences" if share else ""),
                help="How much of the difference in accuracy between the trials comes from this setting, as Optuna "
                "estimates it (PED-ANOVA)."
                if share
                else None,
            )
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
                f"Validation accuracy over the {label.lower()} of {_measured(sweep)} trials. {_best_words(sweep)}",
            )
    lines = " Thin lines join trials that differ in that setting only." if sweep.config.method == "grid" else ""
    st.caption(f"Each point is a trial, at the validation accuracy of its best epoch so far.{lines}")


def _time_and_curves(sweep: Sweep) -> None:
    left, right = st.columns(2)
    trials = sweep.trials
    with left:
        st.markdown("**Time and accuracy**")
        front = undominated([trial for trial in trials if trial.curve])
        names = ", ".join(str(trial.number) for trial in front)
        _chart(
            "sweep-time",
            sweep,
            partial(charts.time_and_accuracy, trials),
            f"Validation accuracy over the time of training of {_measured(sweep)} trials; none beats trial {names} in "
            "both.",
        )
        st.caption(
            "The green line joins the trials that no other beats in both: faster ones are worse, better ones slower."
        )
    with right:
        st.markdown("**Learning curves**")
        _chart(
            "sweep-curves",
            sweep,
            partial(charts.trial_curves, trials),
            f"Validation accuracy over the epochs of {_measured(sweep)} trials. {_best_words(sweep)}",
        )
        st.caption("Validation accuracy after each epoch, a line for each trial; heavy: the best.")


def _chart(name: str, sweep: Sweep, draw: partial, alt: str) -> None:
    live_chart.show(
        name, sweep.id, sweep.trials, draw, alt, hurry=not sweep.active, on_click=partial(_choose_trial, sweep.id)
    )


def _choose_trial(sweep_id: str, number: int) -> None:
    st.session_state[state.SWEEP_TRIAL] = (sweep_id, int(number))


def _measured(sweep: Sweep) -> int:
    return sum(bool(trial.curve) for trial in sweep.trials)


def _best_words(sweep: Sweep) -> str:
    best = sweeps.best(sweep)
    return f"Best: trial {best.number}, {_values(best)}, accuracy {best.accuracy:.1%}." if best else ""


def _values(trial: Trial) -> str:
    """What sets a trial apart: "learning rate: 0.01, filters of layer 1: 16"."""
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
        on_select=partial(_choose_row, key, sweep.id, numbers),
        selection_mode="single-row",
        alt="The trials with their values, validation accuracy, epochs, time and state.",
        column_config={
            "trial": st.column_config.NumberColumn(width=60, pinned=True),
            "validation accuracy": percent(help="Of its best epoch."),
            "curve": st.column_config.LineChartColumn(width=120, help="Validation accuracy, epoch by epoch."),
            "epochs": st.column_config.NumberColumn(width=70),
            "time": st.column_config.NumberColumn(format="compact", width=90),
            "state": st.column_config.TextColumn(width=110),
            "why": st.column_config.TextColumn(width=320),
            "run": st.column_config.TextColumn(width=260),
        },
    )
    tag = f" Its runs carry the tag **{shell.plain(sweep.tag)}** on the Runs page." if sweep.tag else ""
    st.caption(f"{len(table)} of {sweep.config.planned} trials. A click on a column's name sorts them.{tag}")
    with st.container(horizontal=True):
        st.download_button(
            "Download as CSV",
            partial(as_csv, sweep),
            file_name=f"sweep-{sweep.id}.csv",
            mime="text/csv",
            icon=":material/download:",
            key="sweep_csv",
            on_click="ignore",
        )
        ranked = sorted((t for t in sweep.trials if t.run_id and t.curve), key=lambda t: -t.accuracy)[:_COMPARED]
        if len(ranked) > 1 and st.button(
            f"Compare the best {len(ranked)}",
            icon=":material/stacked_line_chart:",
            key="compare_trials",
            help="Their curves and settings side by side, on the Runs page.",
        ):
            ids = [trial.run_id for trial in ranked]
            st.session_state[state.SELECTED_RUNS] = ids
            st.switch_page(shell.RUNS, query_params={"run": st.session_state[state.RUN], "compare": ",".join(ids)})


def _choose_row(key: str, sweep_id: str, numbers: list[int]) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    if rows and rows[0] < len(numbers):
        _choose_trial(sweep_id, numbers[rows[0]])


def tabulated(sweep: Sweep) -> pd.DataFrame:
    """The trials as rows; values that are no numbers in words. A column in which no trial has anything is left out."""
    trials = sweep.trials
    columns: dict[str, list] = {"trial": [trial.number for trial in trials]}
    for setting in sweep.config.settings:
        values = [trial.values[setting.path] for trial in trials]
        numeric = all(type(value) in (int, float) for value in values)
        words = values if numeric else [value_words(setting.path, value) for value in values]
        columns[path_label(setting.path).lower()] = words
    columns |= {
        "validation accuracy": [100 * trial.accuracy if trial.curve else None for trial in trials],
        "curve": [list(trial.curve) if trial.epoch > 1 else None for trial in trials],
        "epochs": [trial.epoch for trial in trials],
        "time": pd.to_timedelta([round(trial.seconds) or None for trial in trials], unit="s"),
        "state": [trial.state for trial in trials],
        "why": [trial.message or None for trial in trials],
        "run": [trial.run_id for trial in trials],
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
    return to_csv(pd.DataFrame(rows, dtype=object))  # whole numbers stay whole beside empty cells


def _details(sweep: Sweep) -> None:
    with st.expander("Settings and log", icon=":material/info:"):
        st.caption("What it tries")
        lines = [f"method = {sweep.config.method}", f"trials = {sweep.config.planned}"]
        lines += [
            f"at once = {sweep.config.at_once}",
            f"stop early = {sweep.config.prune}",
            f"seed = {sweep.config.seed}",
        ]
        lines += [f"{setting.path} = {_range_words(setting)}" for setting in sweep.config.settings]
        st.code("\n".join(lines), language=None, wrap_lines=True)
        base = sweep.config.base
        st.caption("What all trials share, but for that")
        settings = {**base.data.model_dump(), **base.training.model_dump()}
        lines = [f"layer {number} = {layer}" for number, layer in enumerate(base.layers, 1)]
        st.code(
            "\n".join([*lines, *(f"{key} = {value}" for key, value in settings.items())]),
            language=None,
            wrap_lines=True,
        )
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

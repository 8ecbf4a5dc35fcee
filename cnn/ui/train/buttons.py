"""The controls of a training: pause, continue, single steps, another learning rate, stop, resume; and what was done.

Everything goes through `cnn.runs`: the trainer reads what it is asked for and writes down what it did.
"""

import time
from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from cnn import charts, runs
from cnn.config import MAX_LEARNING_RATE
from cnn.runs import Run, launchers
from cnn.ui import shell

_ANSWER = 6.0  # seconds to wait for the trainer's answer before the page is drawn without it
_LOOK = 0.05  # seconds between two looks for it
_LOWEST = 1e-8  # learning rate that can be entered: below the configuration's limit, since schedules end there


def controls(run: Run, records: list[dict[str, Any]], obstacle: str = "") -> None:
    """The buttons that a run's state allows.

    Args:
        records: its metrics.
        obstacle: why it cannot go on from where it is, or empty.
    """
    if run.state in ("training", "paused"):
        _pause_or_continue(run, len(_events(records, "step")))
        _other_rate(run, len(_events(records, "learning rate")))
    if run.active:
        _stop(run)
    if run.state in runs.RESUMABLE:
        _begin_again(run) if obstacle else _resume(run)


def _pause_or_continue(run: Run, steps: int) -> None:
    if run.state == "training":
        help_ = "The training waits after the current batch, with everything in memory."
        if st.button("Pause", icon=":material/pause:", key="pause", shortcut="Alt+P", help=help_):
            _ask(run, "pause", lambda now: now.state != "training")
        return
    if st.button("Continue", icon=":material/play_arrow:", type="primary", key="continue", shortcut="Alt+P"):
        _ask(run, "continue", lambda now: now.state != "paused")
    help_ = "Train on one batch, and see its loss, every layer's gradient norm, and how far its weights moved."
    if st.button("Single step", icon=":material/step_over:", key="step", shortcut="Alt+B", help=help_):
        _ask(run, "step", lambda now: len(_events(runs.read_metrics(now), "step")) > steps)


def _other_rate(run: Run, changes: int) -> None:
    # What is typed stays, though a schedule goes on.
    rate = _rate_field(run, f"rate-{run.id}-{run.state}-{changes}", label_visibility="collapsed")
    schedule = run.config.training.schedule
    scaled = "" if schedule == "constant" else f" The rest of the {schedule} schedule is scaled with it."
    help_ = f"The learning rate from the next batch on.{scaled}"
    if st.button("Set LR", icon=":material/speed:", key="set_rate", help=help_) and rate:
        _ask(run, "learning rate", lambda now: len(_events(runs.read_metrics(now), "learning rate")) > changes, rate)


def _rate_field(run: Run, key: str, **how: Any) -> float | None:
    """A field with the present learning rate. how: what else `st.number_input` takes."""
    present = run.status.learning_rate or run.config.training.learning_rate
    return st.number_input(
        "Learning rate",
        _LOWEST,
        MAX_LEARNING_RATE,
        min(max(present, _LOWEST), MAX_LEARNING_RATE),
        step=None,
        format="%.3g",
        key=key,
        width=130,
        **how,
    )


def _stop(run: Run) -> None:
    help_ = "Ends the training after the current batch. It can be resumed from there."
    if st.button("Stop", icon=":material/stop:", disabled=run.stop_requested, key="stop", help=help_):
        with shell.show_errors():
            launchers.launcher().stop(run)
            _wait(run, lambda now: not now.active)
            st.rerun()
    if run.stop_requested or run.is_silent:
        help_ = "For a training that does not respond: ends its process."
        if st.button("Force stop", icon=":material/dangerous:", key="kill", help=help_):
            with shell.show_errors(), st.spinner("Ending its process…"):
                launchers.launcher().kill(run)
                st.rerun()


def _resume(run: Run) -> None:
    label = "Resume" if run.has_checkpoint else "Start again"
    if st.button(label, icon=":material/play_arrow:", type="primary", key="resume"):
        start(run)
    with st.popover(f"{label} at another learning rate", icon=":material/speed:", key="resume_popover"):
        rate = _rate_field(run, f"resume-rate-{run.id}")
        if st.button(label, key="resume_at_rate") and rate:
            start(run, rate)


def _begin_again(run: Run) -> None:
    """Offer a new run with the same settings, where this one cannot go on."""
    st.button("Resume", icon=":material/play_arrow:", disabled=True, key="resume", help="It says below why not.")
    help_ = "Starts a new run with the same settings. This one stays as it is."
    if st.button("Train again from the start", icon=":material/replay:", type="primary", key="again", help=help_):
        with shell.show_errors():
            start(runs.create(run.config, f"{run.name} again"))


def start(run: Run, rate: float | None = None) -> None:
    """Queue a run, at another learning rate if one is given, and open it on the Training page."""
    with shell.show_errors():
        launchers.launcher().start(run)
        if rate is not None:
            runs.ask(run, "learning rate", rate)
        st.switch_page(shell.TRAIN, query_params={"run": run.id})


def _ask(run: Run, what: runs.Request, answered: Callable[[Run], bool], value: float | None = None) -> None:
    """Ask the trainer, and draw the page again once it has answered or a moment has passed."""
    with shell.show_errors():
        runs.ask(run, what, value)
        _wait(run, answered)
        st.rerun()


def _wait(run: Run, answered: Callable[[Run], bool]) -> None:
    end = time.monotonic() + _ANSWER
    while time.monotonic() < end and not answered(runs.read(run.path)):
        time.sleep(_LOOK)


def _events(records: list[dict[str, Any]], *what: str) -> list[dict[str, Any]]:
    """The events of some kinds; of all kinds where none is named."""
    return [record for record in records if record["kind"] == "event" and (not what or record["what"] in what)]


# --- what was done ----------------------------------------------------------------------------------------------


def last_step(records: list[dict[str, Any]]) -> None:
    """The last single step: its loss, and every layer's gradient and weight change."""
    steps = _events(records, "step")
    if not steps or not isinstance(steps[-1].get("layers"), dict):
        return
    step = steps[-1]
    before = steps[-2] if len(steps) > 1 else None
    st.markdown(f"**Single step** · epoch {step['epoch'] + 1}, batch {step['step']:,} of {step['steps']:,}")
    numbers, layers = st.columns([1, 3])
    with numbers:
        for label, key in (("Loss", "loss"), ("Gradient norm", "gradient")):
            change = f"{step[key] - before[key]:+.3g}" if before else None
            help_ = "Of this batch, before its step. Below: the difference from the single step before."
            st.metric(label, f"{step[key]:.4g}", change, delta_color="off", help=help_, border=True)
    table = pd.DataFrame(
        {"layer": name, "gradient norm": values["gradient"], "weight change": values["change"]}
        for name, values in step["layers"].items()
    )
    layers.dataframe(
        table,
        hide_index=True,
        height="content",
        alt="Gradient norm and relative weight change of every layer in the last single step.",
        column_config={
            "gradient norm": st.column_config.NumberColumn(format="%.3e", help="Length of the layer's gradient."),
            "weight change": st.column_config.NumberColumn(
                format="%.3e", help="Length of the step over the length of the layer's weights."
            ),
        },
    )
    st.caption(
        "A weight change around 0.001 per step is healthy. Far above it the training becomes unstable; far below it "
        "the network hardly learns."
    )


def interventions(records: list[dict[str, Any]]) -> None:
    """Everything that was changed by hand, or done to the run, newest first."""
    events = _events(records)
    if not events:
        return
    with st.expander(f"Manual changes ({len(events)})", icon=":material/front_hand:"):
        table = pd.DataFrame(
            {
                "epoch": event["epoch"] + 1,
                "batch": event["step"],
                "what": charts.intervention_text(event),
            }
            for event in reversed(events)
        )
        st.dataframe(
            table, hide_index=True, height="content" if len(table) < 10 else 380, alt="Manual changes, newest first."
        )
        st.caption(
            "Newest first, with the epoch and the batch after which it happened. The curves mark them at the top."
        )

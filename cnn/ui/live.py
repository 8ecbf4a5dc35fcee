"""A run as it trains: its progress, its curves and what they say, kept current; and what can be done with it."""

import time

import streamlit as st

from cnn import diagnosis, figures, runs
from cnn.config import RunConfig
from cnn.diagnosis import Finding
from cnn.runs import Run
from cnn.ui import deletion, forms, shell, steering, time_lapse

_TICK = 1.0  # seconds between two looks at the run directory
_REDRAW = 2.0  # seconds between two redraws of the curves: each one replaces the whole chart in the browser


def show(run: Run) -> None:
    """Draw a run: its state, progress, controls, curves and time lapse. While it is active, these follow it."""
    st.subheader(shell.plain(run.name), anchor=False)
    # Every part has its place before the first is drawn: a part that is drawn anew on its own always finds it.
    head, controls, step, curves, details, lapse = (st.container() for _ in range(6))
    with head:
        _explain(run)
        st.fragment(_progress, run_every=_TICK if run.active else None)(run.id, run.state, run.is_silent)
    with controls, st.container(horizontal=True, vertical_alignment="bottom"):
        if not run.shipped:
            steering.controls(run, _records(run))
            _manage(run)
        if run.config is not None:
            _reuse(run.config)
    if run.shipped:
        controls.caption("This network comes with the program and cannot be changed.")
    if run.state == "paused":
        with step:
            steering.last_step(_records(run))
    if run.config is not None:
        with curves:
            st.fragment(_curves, run_every=_TICK if run.active else None)(run.id)
    with details:
        if run.config is not None:
            steering.interventions(_records(run))
        _details(run)
    if run.config is not None:
        with lapse:  # last, because it grows with the first epochs
            time_lapse.show(run)


def now_in_training() -> None:
    """A line for each run that trains or waits, which follows it."""
    any_active = any(run.active for run in runs.all_runs())
    st.fragment(_lines, run_every=2 * _TICK if any_active else None)()


def _lines() -> None:
    active = [run for run in runs.all_runs() if run.active]
    if not active:
        st.caption("Nothing. Start a network on the Train page.")
    for run in active:
        with st.container(horizontal=True, vertical_alignment="center"):
            text = f"{shell.STATE_ICONS[run.state]} **{shell.plain(run.name)}** · {run.state}"
            st.progress(run.progress, text=text, width=420)
            if st.button("Watch", key=f"watch-{run.id}", icon=":material/visibility:"):
                shell.make_current(run.id)
                st.switch_page(shell.TRAIN, query_params={"run": run.id})


def _explain(run: Run) -> None:
    """A sentence for every state that a newcomer might wonder about, with what to do."""
    message = run.status.message
    match run.state:
        case "damaged":
            text = f"This run is damaged. {shell.plain(message)} Other runs are not affected."
            st.error(text, icon=":material/broken_image:")
        case "failed":
            st.error(f"The training failed: {shell.plain(message)}", icon=":material/error:")
            before_data = run.config and run.config.data.dataset == "fashion-mnist" and not run.status.steps
            if before_data and st.button("Train the same network on the synthetic dataset", icon=":material/draw:"):
                drawn = run.config.data.model_copy(update={"dataset": "synthetic"})
                start_new(run.config.model_copy(update={"data": drawn}), f"{run.name} (synthetic)")
        case "interrupted":
            onwards = "Resume goes on from its last checkpoint, at most two minutes of training back."
            onwards = onwards if run.has_checkpoint else "It can be started again."
            st.warning(f"Interrupted {_when(run)}. {message} {onwards}", icon=":material/power_off:")
        case "stopped":
            onwards = "Resume continues from there." if run.has_checkpoint else "It can be started again."
            st.info(f"Stopped {_when(run)}. {onwards}", icon=":material/pause_circle:")
        case "finished" if message:
            st.info(shell.plain(message), icon=":material/check_circle:")


def _when(run: Run) -> str:
    epochs, batches = run.status.epoch, run.status.step
    parts = [f"{epochs} whole epoch{'s' * (epochs > 1)}"] * bool(epochs)
    parts += [f"{batches:,} of {run.status.steps:,} batches{' of the next' * bool(epochs)}"] * bool(batches)
    return f"after {' and '.join(parts)}" if parts else "before its first batch"


def _progress(run_id: str, drawn_state: str, drawn_silent: bool) -> None:
    """The line that moves. A change of state redraws the page, because the buttons and the timer depend on it."""
    try:
        run = runs.get(run_id)
    except runs.UnknownRun:
        st.rerun()
    if (run.state, run.is_silent) != (drawn_state, drawn_silent):
        st.rerun()
    if run.config is None:
        return
    status, epochs = run.status, run.config.training.epochs
    text = f"{shell.STATE_ICONS[run.state]} **{run.state}**"
    if run.state == "paused" or (run.state == "training" and not status.message):
        text += f" · epoch {min(status.epoch + 1, epochs)} of {epochs} · batch {status.step:,} of {status.steps:,}"
        if run.stop_requested:
            text += " · stopping after this batch"
    elif run.active and status.message:
        text += f" · {status.message}"
    st.progress(run.progress, text=text)
    if run.is_silent:
        st.warning(
            f"No sign of life for {duration(time.time() - status.heartbeat)}: its process is there, but may hang. If "
            "nothing changes, force it to stop; Resume then goes on from its last checkpoint.",
            icon=":material/heart_broken:",
        )

    whole = [record for record in _records(run) if record["kind"] == "epoch"]
    last = whole[-1] if whole else None
    with st.grid("auto", min_column_width=130):
        st.metric(
            "Training accuracy", f"{last['accuracy']:.1%}" if last else "–", help="Mean over the last whole epoch."
        )
        st.metric(
            "Validation accuracy", f"{last['val_accuracy']:.1%}" if last else "–", help="After the last whole epoch."
        )
        if run.evaluation:
            st.metric(
                "Test accuracy" + shell.synthetic_note(run),
                f"{run.evaluation['accuracy']:.2%}",
                help="Measured once, at the end, on unseen pictures.",
            )
        if run.active:
            speed = status.images_per_second
            st.metric("Pictures a second", f"{speed:,.0f}" if speed else "–")
            st.metric("Time left", duration(status.seconds_left))
            if status.learning_rate is not None:
                st.metric("Learning rate", f"{status.learning_rate:.3g}", help="Of the last batch.")
        st.metric("Time trained", duration(status.seconds))


def _curves(run_id: str) -> None:
    """Loss and accuracy. The same figure is drawn until there is something worth drawing anew, so nothing flickers.

    A chart with new data is a new element to the browser, which is empty until it is drawn. Each metric therefore has
    two slots in one place: the new figure goes into the one below, and is raised while the last one still shows.
    """
    try:
        run = runs.get(run_id)
    except runs.UnknownRun:
        return
    now, records = time.monotonic(), _records(run)
    drawn = st.session_state.get("curves")
    fresh = drawn is None or drawn["run"] != run_id
    shown = [] if fresh else drawn["slots"][drawn["top"]]
    due = fresh or not run.active or _marks(records) != _marks(shown) or now - drawn["time"] >= _REDRAW
    if fresh or (due and records != shown):
        slots, top = ([[], []], 0) if fresh else (drawn["slots"].copy(), 1 - drawn["top"])
        slots[top] = records
        drawn = st.session_state["curves"] = {"run": run_id, "time": now, "slots": slots, "top": top}
    if not any("loss" in record for record in drawn["slots"][drawn["top"]]):
        st.caption("The curves begin with the first batches.")
        return
    _diagnosis(run, records)
    for column, metric in zip(st.columns(2), ("loss", "accuracy"), strict=True):
        with column:
            st.markdown(f"**{metric.capitalize()}**")
            with st.container(key=f"curve-{metric}"):
                for slot, shown in enumerate(drawn["slots"]):
                    if shown:
                        _curve(shown, metric, run.config.training.epochs, slot)
                st.html(_raised(metric, drawn["top"]))


def _curve(records: list[dict], metric: str, epochs: int, slot: int) -> None:
    last = next((record[metric] for record in reversed(records) if metric in record), 0.0)
    st.plotly_chart(
        figures.curves(records, metric, epochs),
        key=f"curve-{metric}-{slot}",
        config={"displayModeBar": False},
        alt=f"{metric.capitalize()} over the epochs for training and validation, at last {last:.3f}.",
    )


_ICONS = {"overfitting": ":material/trending_up:", "dead ReLUs": ":material/power_off:"}


def _diagnosis(run: Run, records: list[dict]) -> None:
    """What the curves say, in words. The place is always of one height, so that nothing below it moves."""
    st.markdown("**Diagnosis**")
    with st.container(height=108, border=True, key="diagnosis"):
        found = _findings(str(run.path), len(records), records)
        for finding in found:
            st.markdown(f"{_ICONS.get(finding.kind, ':material/warning:')} {shell.plain(finding.text)}")
        if not found:
            st.markdown(
                ":material/check: Nothing stands out: not diverging, not overfitting, few dead ReLUs, and a learning "
                "rate that moves the weights neither too much nor too little."
            )


@st.cache_resource(max_entries=8, show_spinner=False)
def _findings(path: str, count: int, _records: list[dict]) -> list[Finding]:
    return diagnosis.diagnose(_records)


def _raised(metric: str, top: int) -> str:
    """The style that lays the two slots of a metric into one place, `top` above the other.

    The empty span is there because Streamlit puts a style alone outside of the fragment.
    """
    place = f".st-key-curve-{metric}"
    return f"""<span></span><style>
        {place} {{ display: grid; grid-template-columns: minmax(0, 1fr); isolation: isolate; }}
        {place} > * {{ grid-area: 1 / 1; }}
        {place} > .st-key-curve-{metric}-{top} {{ z-index: 1; }}
    </style>"""


def _records(run: Run) -> list[dict]:
    """The run's metrics, parsed once for all visitors as long as the file does not grow."""
    try:
        size = (run.path / "metrics.jsonl").stat().st_size
    except OSError:
        return []
    return _parsed(str(run.path), size, run)


@st.cache_resource(max_entries=8, show_spinner=False)
def _parsed(path: str, size: int, _run: Run) -> list[dict]:
    return runs.metrics(_run)


def _marks(records: list[dict]) -> int:
    """What is worth drawing at once: whole epochs and what was done by hand."""
    return sum(record["kind"] != "batch" for record in records)


def _manage(run: Run) -> None:
    """What can be done with a run beside training it."""
    with st.popover("Rename", icon=":material/edit:", key="rename_popover"):
        name = st.text_input("New name", run.name, max_chars=80, key=f"name-{run.id}")
        if st.button("Rename", key="rename"):
            with shell.told():
                runs.relabel(run, name=name)
                st.rerun()
    if not run.active:
        with st.popover("Delete", icon=":material/delete:", key="delete_popover"):
            st.markdown(f"Delete **{shell.plain(run.name)}** with its network and curves?")
            if st.button("Delete", type="primary", key="delete"):
                deletion.delete([run])


def _reuse(config: RunConfig) -> None:
    help_ = "Begin a new run with the layers and settings of this one."
    if st.button("Use its settings", icon=":material/tune:", key="reuse", help=help_):
        forms.load(config)
        st.session_state["new_run"] = True
        st.rerun()


def start_new(config: RunConfig, name: str) -> None:
    """Make a run and queue it."""
    st.session_state.pop("deleted", None)
    with shell.told():
        steering.start(runs.create(config, name))


def _details(run: Run) -> None:
    with st.expander("Devices, settings and log", icon=":material/info:"):
        st.caption("Devices, as tf.config.list_physical_devices() prints them")
        st.code(run.status.devices or "known once the training has started", language="python")
        if run.status.precision:
            st.caption(f"Precision that it computes in: {run.status.precision}")
        if run.config is not None:
            data_, training = run.config.data, run.config.training
            st.caption("Settings")
            settings = {**data_.model_dump(), **training.model_dump()}
            st.code("\n".join(f"{key} = {value}" for key, value in settings.items()), language="toml")
        if run.config and run.config.training.tensorboard:
            st.caption("Its event files, for TensorBoard (`pip install tensorboard`)")
            st.code(f"tensorboard --logdir {run.path / 'tensorboard'}", language="bash")
        if text := runs.log_tail(run):
            st.caption("The end of its log")
            st.code(text, language=None)


def duration(seconds: float | None) -> str:
    """75.0 -> 1 min 15 s; 750.0 -> 12 min"""
    if seconds is None:
        return "–"
    seconds = max(0, round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 600:
        return f"{seconds // 60} min {seconds % 60:02} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02} min"

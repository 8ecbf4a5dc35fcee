"""A run as it trains: its progress and its curves, kept current, and the buttons that steer it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from cnn import figures, jobs, runs
from cnn.config import RunConfig
from cnn.runs import Run
from cnn.ui import shell

_TICK = 1.0  # seconds between two looks at the run directory
_REDRAW = 2.0  # seconds between two redraws of the curves: each one replaces the whole chart in the browser


def show(run: Run) -> None:
    """Draw a run: its state, progress, buttons and curves. While it is active, these follow it."""
    st.subheader(shell.plain(run.name), anchor=False)
    _explain(run)
    st.fragment(_progress, run_every=_TICK if run.active else None)(run.id, run.state)
    _buttons(run)
    if run.config is not None:
        st.fragment(_curves, run_every=_TICK if run.active else None)(run.id)
    _details(run)


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
            st.warning(f"Interrupted {_when(run)}. {message} {_onwards(run)}", icon=":material/power_off:")
        case "stopped":
            st.info(f"Stopped {_when(run)}. {_onwards(run)}", icon=":material/pause_circle:")


def _when(run: Run) -> str:
    epochs = run.status.epoch
    return "before its first epoch was whole" if not epochs else f"after {epochs} whole epoch{'s' * (epochs > 1)}"


def _onwards(run: Run) -> str:
    return "Resume continues from there." if run.status.epoch else "It can be started again."


def _progress(run_id: str, drawn_state: str) -> None:
    """The line that moves. A change of state redraws the page, because the buttons and the timer depend on it."""
    try:
        run = runs.get(run_id)
    except runs.UnknownRun:
        st.rerun()
    if run.state != drawn_state:
        st.rerun()
    if run.config is None:
        return
    status, epochs = run.status, run.config.training.epochs
    text = f"{shell.STATE_ICONS[run.state]} **{run.state}**"
    if run.state == "training" and not status.message:
        text += f" · epoch {min(status.epoch + 1, epochs)} of {epochs} · batch {status.step:,} of {status.steps:,}"
        if run.stop_requested:
            text += " · stopping after this batch"
    elif run.active and status.message:
        text += f" · {status.message}"
    st.progress(run.progress, text=text)

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
    due = fresh or not run.active or _epochs(records) != _epochs(shown) or now - drawn["time"] >= _REDRAW
    if fresh or (due and records != shown):
        slots, top = ([[], []], 0) if fresh else (drawn["slots"].copy(), 1 - drawn["top"])
        slots[top] = records
        drawn = st.session_state["curves"] = {"run": run_id, "time": now, "slots": slots, "top": top}
    if not drawn["slots"][drawn["top"]]:
        st.caption("The curves begin with the first batches.")
        return
    for column, metric in zip(st.columns(2), ("loss", "accuracy"), strict=True):
        with column:
            st.markdown(f"**{metric.capitalize()}**")
            with st.container(key=f"curve-{metric}"):
                for slot, shown in enumerate(drawn["slots"]):
                    if shown:
                        _curve(shown, metric, run.config.training.epochs, slot)
                st.html(_raised(metric, drawn["top"]))


def _curve(records: list[dict], metric: str, epochs: int, slot: int) -> None:
    st.plotly_chart(
        figures.curves(records, metric, epochs),
        key=f"curve-{metric}-{slot}",
        config={"displayModeBar": False},
        alt=f"{metric.capitalize()} over the epochs for training and validation, at last {records[-1][metric]:.3f}.",
    )


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


def _epochs(records: list[dict]) -> int:
    return sum(record["kind"] == "epoch" for record in records)


def _buttons(run: Run) -> None:
    if run.shipped:
        st.caption("This network comes with the program and cannot be changed.")
        return
    with st.container(horizontal=True):
        if run.active:
            if st.button("Stop training", icon=":material/stop:", disabled=run.stop_requested, key="stop"):
                with _told():
                    jobs.launcher().stop(run)
                    st.rerun()
            if run.stop_requested and st.button(
                "Force to stop", icon=":material/dangerous:", key="kill", help="For a training that does not answer."
            ):
                with _told(), st.spinner("Ending its process…"):
                    jobs.launcher().kill(run)
                    st.rerun()
        if run.state in runs.RESUMABLE:
            label = "Resume" if run.status.epoch else "Start again"
            if st.button(label, icon=":material/play_arrow:", type="primary", key="resume"):
                start(run)
        with st.popover("Rename", icon=":material/edit:", key="rename_popover"):
            name = st.text_input("New name", run.name, max_chars=80, key=f"name-{run.id}")
            if st.button("Rename", key="rename"):
                with _told():
                    runs.rename(run, name)
                    st.rerun()
        if not run.active:
            with st.popover("Delete", icon=":material/delete:", key="delete_popover"):
                st.markdown(f"Delete **{shell.plain(run.name)}** with its network and curves?")
                if st.button("Delete", type="primary", key="delete"):
                    _delete(run)


@contextmanager
def _told() -> Iterator[None]:
    """Say in a sentence what stood in the way: another window was faster, or the disk is full or gone."""
    try:
        yield
    except (runs.RunExists, runs.UnknownRun) as error:
        st.error(str(error), icon=":material/error:")
    except OSError as error:
        folder = runs.root()
        st.error(f"The runs folder {folder} cannot be written ({error.strerror}): free some space or set $CNN_RUNS.")


def start_new(config: RunConfig, name: str) -> None:
    """Make a run and queue it."""
    st.session_state.pop("deleted", None)
    with _told():
        start(runs.create(config, name))


def start(run: Run) -> None:
    """Queue a run and make it the current one."""
    with _told():
        jobs.launcher().start(run)
        shell.open_run(run.id)


def _delete(run: Run) -> None:
    with _told():
        runs.delete(run)
        st.session_state["deleted"] = (run.id, run.name)
        remaining = runs.all_runs()
        shell.open_run(remaining[0].id if remaining else runs.DEFAULT_ID)


def undo_delete() -> None:
    """Offer the run that was deleted last, as long as it is in the bin."""
    run_id, name = st.session_state.get("deleted", ("", ""))
    if not runs.is_in_bin(run_id):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Deleted: {shell.plain(name)}")
        if st.button("Undo", icon=":material/undo:", key="undo"):
            with _told():
                shell.open_run(runs.restore(run_id).id)


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
        if text := runs.log_tail(run):
            st.caption("The end of its log")
            st.code(text, language=None)


def duration(seconds: float | None) -> str:
    """75.0 -> 1 min 15 s"""
    if seconds is None:
        return "–"
    seconds = max(0, round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02} min"

"""A run as it trains: its progress, its curves and what they say, kept current; and what can be done with it."""

import re
import time
from functools import partial
from pathlib import Path

import streamlit as st

from cnn import charts, runs
from cnn.config import PRESET_CARDS, STAND_IN, Data, RunConfig, duration
from cnn.data import DataUnavailable
from cnn.runs import Run, diagnosis, launchers, pace
from cnn.runs.diagnosis import Finding
from cnn.runs.pace import Baselines
from cnn.training import dataset_record
from cnn.ui import draft, fragments, shell, state
from cnn.ui.components import live_chart
from cnn.ui.runs import deletion
from cnn.ui.sweeps import form as sweep_form
from cnn.ui.train import buttons, export, retrain, time_lapse

_TICK = 1.0  # seconds between two looks at the run directory
_LOOK = 3.0  # seconds between two looks at how full the cluster is
_LECTURE = "lecture"  # the shipped run that others are compared with
_FIGURES = 5  # beside each other, as many as there are


def show(run: Run) -> None:
    """Draw a run: its state, progress, controls, curves and time lapse. While it is active, these follow it."""
    # Every part has its place before the first is drawn: a part that is redrawn on its own always finds it.
    head, why, progress, further, step, curves, details, lapse = (st.container() for _ in range(8))
    with head, st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(shell.plain(run.name), anchor=False, width="stretch")
        obstacle = _obstacle(run)
        if not run.shipped:
            buttons.controls(run, _records(run), obstacle)
        _more(run)
    with why:
        _explain(run, obstacle)
    with progress:
        fragments.fragment(_progress, run_every=_TICK if run.active else None)(run.id, run.state, run.is_silent)
    if run.state == "finished":
        with further:
            if (action := retrain.suggest(run)) is not None:
                start_new(retrain.settings_for(action, run), retrain.name_of(action, run))
            _what_next(run)
    if run.state == "paused":
        with step:
            buttons.last_step(_records(run))
    if run.config is not None:
        with curves:
            rivals = pace.baselines(run, shell.listed())
            fragments.fragment(_curves, run_every=_TICK if run.active else None)(run.id, rivals)
    with details:
        if run.config is not None:
            buttons.interventions(_records(run))
        _details(run)
    if run.config is not None:
        with lapse:  # last, because it grows with the first epochs
            time_lapse.show(run)


def place() -> None:
    """Where a new run would train, and how full it is, which follows what goes on there."""
    where = launchers.launcher().place()
    fragments.fragment(_place, run_every=None if where.takes_turns else _LOOK)(where.problem)


def _place(drawn_problem: str) -> None:
    where = launchers.launcher().place()
    if where.problem != drawn_problem:  # the button that starts a run depends on it
        st.rerun()
    if where.problem:
        st.warning(shell.plain(where.problem), icon=":material/cloud_off:")
    else:
        st.caption(f":material/dns: Trains on {shell.plain(where.name)}. {where.text}")


def _obstacle(run: Run) -> str:
    """Why a training that was stopped cannot go on from where it is; empty where it can."""
    if run.state not in runs.RESUMABLE or not run.has_checkpoint:
        return ""
    try:
        return dataset_record.change(run)
    except DataUnavailable as error:
        return str(error)


def _explain(run: Run, obstacle: str) -> None:
    """A sentence for every state that a newcomer might wonder about, with what to do."""
    message = run.status.message
    if obstacle:
        st.warning(f"{run.state.capitalize()} {_when(run)}. {shell.plain(obstacle)}", icon=":material/photo_library:")
        if not Path(run.config.data.dataset).is_absolute():
            st.page_link(
                shell.COLLECT,
                label="Open the dataset",
                icon=":material/arrow_forward:",
                query_params={state.DATASET: run.config.data.dataset},
            )
        return
    match run.state:
        case "damaged":
            text = f"This run is damaged. {shell.plain(message)} Other runs are not affected."
            st.error(text, icon=":material/broken_image:")
        case "failed":
            st.error(f"The training failed: {shell.plain(message)}", icon=":material/error:")
            data = run.config and run.config.data
            before_data = data and data.dataset != STAND_IN.name and data.card.title in message
            label = f"Train the same network on the {STAND_IN.name} dataset"
            if before_data and st.button(label, icon=":material/draw:"):
                drawn = data.model_copy(update={"dataset": STAND_IN.name})
                start_new(run.config.model_copy(update={"data": drawn}), f"{run.name} ({STAND_IN.name})")
        case "interrupted":
            onwards = "Resume continues from its last checkpoint, at most two minutes of training earlier."
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
        if status.learning_rate is not None:
            text += f" · current LR {status.learning_rate:.3g} · {duration(status.seconds)}"
        if run.stop_requested:
            text += " · stopping after this batch"
    elif run.active and (message := shell.plain(launchers.launcher().waiting(run)) or status.message):
        text += f" · {message}"
    done = _of_features(status.message) if run.active else None
    st.progress(run.progress if done is None else done, text=text)
    if run.is_silent:
        st.warning(
            f"No sign of life for {duration(time.time() - status.heartbeat)}: its process exists, but may hang. If "
            "nothing changes, press Force stop; Resume then continues from its last checkpoint.",
            icon=":material/heart_broken:",
        )

    with st.grid(_FIGURES, min_column_width=145):
        for label, value, help_ in _figures(run):
            st.metric(label, value, help=help_, border=True)
    if run.evaluation:
        st.caption(_about_test(run))


def _of_features(message: str) -> float | None:
    """How far the features of the frozen layers are, from 0 to 1, where a trainer's message says that."""
    found = re.match(r"Computing the features of the frozen layers: ([\d,]+) of ([\d,]+) images", message)
    done, of = (int(number.replace(",", "")) for number in found.groups()) if found else (0, 0)
    return min(done / of, 1.0) if of else None


def _figures(run: Run) -> list[tuple[str, str, str]]:
    """The figures of a run: label, value and help; always as many, so that nothing moves."""
    status = run.status
    whole = [record for record in _records(run) if record["kind"] == "epoch"]
    last = whole[-1] if whole else {}
    best = max(whole, key=lambda record: record["val_accuracy"], default=None)
    figures = [
        (
            "Training accuracy",
            _percent(last.get("accuracy")),
            "Mean over the last whole epoch. Augmentation and dropout make training images harder, so it can lie below "
            "the validation accuracy.",
        ),
        ("Val. accuracy", _percent(last.get("val_accuracy")), "On the validation images, after the last whole epoch."),
        (
            "Best val. accuracy",
            _percent(best["val_accuracy"] if best else None),
            f"The highest so far, of epoch {best['epoch']}." if best else "The highest of all epochs so far.",
        ),
    ]
    if run.active:
        speed = status.images_per_second
        figures.append(("Images/s", f"{speed:,.0f}" if speed else "–", "Training images per second."))
        figures.append(("Time left", duration(status.seconds_left), "Estimated from the epochs and batches so far."))
        return figures
    accuracy = run.evaluation["accuracy"] if run.evaluation else None
    figures.append(("Test accuracy", _percent(accuracy), "Measured once, after training, on unseen images."))
    figures.append(("Training time", duration(status.seconds), "Without loading and evaluation."))
    return figures


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _about_test(run: Run) -> str:
    """What the test accuracy is of, and why Predict may do better."""
    count = (run.evaluation or {}).get("n", 0)
    card = PRESET_CARDS.get(run.id) if run.shipped else None
    averaged = card.measured.averaged if card else None
    drawn = ", which are synthetic data" if shell.synthetic_note(run) else ""
    return (
        f"Test accuracy: a single forward pass for each of {count:,} test images{drawn}. Predict averages several "
        f"views of an image (test-time augmentation){f': {averaged:.1%}' if averaged else ''}."
    )


def _curves(run_id: str, rivals: Baselines) -> None:
    """Loss, accuracy, and accuracy over time. Whole epochs and what was done by hand are drawn at once."""
    try:
        run = runs.get(run_id)
    except runs.UnknownRun:
        return
    records = _records(run)
    if not any("loss" in record for record in records):
        st.caption("The curves appear after the first batches.")
        return
    marks = (run_id, sum(record["kind"] != "batch" for record in records))
    hurry = not run.active or st.session_state.get(state.MARKS) != marks
    st.session_state[state.MARKS] = marks
    _diagnosis(run, records)
    for column, metric in zip(st.columns(2), charts.METRICS, strict=True):
        with column:
            last = next((record[metric] for record in reversed(records) if metric in record), 0.0)
            live_chart.show(
                f"curve-{metric}",
                run_id,
                version=records,
                draw=partial(charts.curves, records, metric, run.config.training.epochs),
                alt=f"{metric.capitalize()} over the epochs for training and validation, at last {last:.3f}.",
                title=metric.capitalize(),
                hurry=hurry,
            )
    _pace(run, records, rivals)


def _pace(run: Run, records: list[dict], rivals: Baselines) -> None:
    """Accuracy over time, beside the lecture's network and other runs; redrawn after each epoch."""
    epochs = pace.timed_epochs(records)
    lecture = ("lecture network", _whole_epochs(rivals.lecture)) if rivals.lecture else None
    others = [(other.name, _whole_epochs(other)) for other in rivals.others]
    words = _in_words(run, epochs, lecture[1] if lecture else [])
    live_chart.show(
        "curve-pace",
        run.id,
        version=(run.name, epochs, lecture, others),
        draw=lambda: charts.accuracy_over_time((run.name, epochs), lecture, others),
        alt=f"Validation accuracy over the training time. {words}".replace("**", ""),
        title="Accuracy over time",
        hurry=not run.active,
    )
    if words:
        st.markdown(words)
    thin = "Thin lines: the newest finished run of each preset. " * bool(others)
    st.caption(
        "Validation accuracy after each epoch, over the training time (logarithmic). Bold: this run. Large dot: the "
        f"best epoch. {thin}{_origin(rivals)}"
    )


def _in_words(run: Run, epochs: list[dict], lecture: list[dict]) -> str:
    """When this run reached what the lecture's network ends with; empty where there is nothing to compare."""
    if not epochs or not lecture:
        return ""
    aim = lecture[-1]["val_accuracy"]
    then = duration(pace.reached(lecture, aim))
    if (seconds := pace.reached(epochs, aim)) is not None:
        return f"Reached {aim:.1%} after **{duration(seconds)}**; the lecture network after **{then}**."
    best = max(record["val_accuracy"] for record in epochs)
    return (
        f"{'Best so far' if run.active else 'Best'}: {best:.1%}. The lecture network ends with {aim:.1%}, which it "
        f"reached after **{then}**."
    )


def _origin(rivals: Baselines) -> str:
    """Whose times these are."""
    if rivals.lecture is None:
        return "There is no other finished run of the lecture network on this dataset to compare with."
    dashed = "Dashed: the lecture network"
    if not rivals.lecture.shipped:
        return f"{dashed}, from your run {shell.plain(rivals.lecture.name)}."
    epoch = duration(rivals.lecture.status.seconds / max(rivals.lecture.status.epoch, 1))
    return (
        f"{dashed}, trained for this program on another machine, where an epoch took {epoch}. Train the preset Lecture "
        "to compare times on this machine."
    )


def _whole_epochs(run: Run) -> list[dict]:
    """The epochs of a finished run that tell their time, read once for all visitors."""
    try:
        version = (run.path / "metrics.jsonl").stat().st_mtime_ns
    except OSError:
        return []
    return _epochs_read(str(run.path), version, run)


@st.cache_resource(max_entries=64, show_spinner=False)
def _epochs_read(path: str, version: int, _run: Run) -> list[dict]:
    return pace.timed_epochs(runs.read_metrics(_run))


_ICONS = {
    "no problem": ":material/check:",
    "too early": ":material/hourglass_top:",
    "still learning": ":material/trending_up:",
    "underfitting": ":material/trending_down:",
    "overfitting": ":material/trending_up:",
    "dead ReLUs": ":material/power_off:",
}


# On a phone the same words take more lines. Streamlit gives the height to a box around the container.
_TALLER = """@media (max-width: 640px) {
    .st-key-diagnosis, :has(> .st-key-diagnosis) { height: 260px !important; flex-basis: 260px !important; }
}"""


def _diagnosis(run: Run, records: list[dict]) -> None:
    """What the curves say, in words. The place is always of one height, so that nothing below it moves."""
    st.markdown("**Diagnosis**")
    with st.container(height=152, border=True, key="diagnosis"):
        for finding in _findings(str(run.path), len(records), run.active, records, run):
            otherwise = ":material/warning:" if finding.is_problem else ":material/info:"
            st.markdown(f"{_ICONS.get(finding.kind, otherwise)} {shell.plain(finding.text)}", width=shell.TEXT_WIDTH)
        shell.style(_TALLER)


@st.cache_resource(max_entries=8, show_spinner=False)
def _findings(path: str, count: int, active: bool, _records: list[dict], _run: Run) -> list[Finding]:
    return diagnosis.diagnose(_records, _run.config, active)


def _records(run: Run) -> list[dict]:
    """The run's metrics, parsed once for all visitors as long as the file does not grow."""
    try:
        size = (run.path / "metrics.jsonl").stat().st_size
    except OSError:
        return []
    return _parsed(str(run.path), size, run)


@st.cache_resource(max_entries=8, show_spinner=False)
def _parsed(path: str, size: int, _run: Run) -> list[dict]:
    return runs.read_metrics(_run)


def _what_next(run: Run) -> None:
    """Where to go with a network that has been trained."""
    with st.container(horizontal=True, vertical_alignment="center", key="what-next"):
        st.markdown("**What next?**", width="content")
        this = {"run": run.id}
        st.page_link(shell.EXPLORE, label="Look inside", icon=":material/grid_view:", query_params=this)
        st.page_link(shell.PREDICT, label="Try a photo", icon=":material/photo_camera:", query_params=this)
        st.page_link(shell.MODEL, label="Architecture", icon=":material/account_tree:", query_params=this)
        if (other := _to_compare_with(run)) is not None:
            both = {**this, "compare": f"{run.id},{other.id}"}
            label = f"Compare with {'Lecture' if other.id == _LECTURE else shell.plain(other.name)}"
            st.page_link(shell.RUNS, label=label, icon=":material/compare_arrows:", query_params=both)
        if run.shipped:
            st.page_link(shell.NEW_NETWORK, label="New network", icon=":material/add_circle:", query_params=this)
        elif run.config is not None:
            label = "New network from these settings"
            if st.button(label, icon=":material/add_circle:", type="tertiary", key="build_on"):
                _duplicate_settings(run.config)
        retrain.offer(run, "next", suggested=True)


def _to_compare_with(run: Run) -> Run | None:
    """Another finished run on the same images, from scratch if this one was not; else the lecture's network."""
    known = {other.id: other for other in shell.listed()}
    if run.config is not None and run.config.data.classes:
        data, source = run.config.data, bool(run.config.transfer.source)
        others = [
            other
            for other in known.values()
            if other.id != run.id and other.state == "finished" and other.config and _same_images(other.config, data)
        ]
        others.sort(key=lambda other: other.config is not None and bool(other.config.transfer.source) == source)
        return others[0] if others else None
    return known.get(_LECTURE) if run.id != _LECTURE else None


def _same_images(config: RunConfig, data: Data) -> bool:
    return (config.data.dataset, config.data.classes) == (data.dataset, data.classes)


def _more(run: Run) -> None:
    """What else can be done with a run. Bound to this run: it closes when another one is shown."""
    menu = state.more(run.id)
    close = {"on_click": lambda: st.session_state.update({menu: False})}
    with st.popover("More", icon=":material/more_horiz:", key=menu, on_change="rerun"):
        if not run.shipped:
            with st.container(horizontal=True, vertical_alignment="bottom"):
                name = st.text_input("Name", run.name, max_chars=80, key=f"name-{run.id}")
                if st.button("Rename", icon=":material/edit:", key="rename", **close):
                    with shell.show_errors():
                        runs.relabel(run, name=name)
                        st.rerun()
        if run.config is not None:
            help_ = "Begin a new network with the layers and settings of this run."
            if st.button("Duplicate settings", icon=":material/content_copy:", key="reuse", help=help_):
                _duplicate_settings(run.config)
            sweep_form.offer(run)
            st.markdown("**Export**")
            changes = runs.learning_rate_changes(_records(run))
            export.offer(run.config, run.id, changes, run.status.precision or None)
        if run.shipped:
            st.caption("This network comes with the program and cannot be changed or deleted.")
        else:
            stop_first = "Stop the training first." if run.active else None
            asked = st.button(
                "Delete",
                icon=":material/delete:",
                key="delete",
                disabled=run.active,
                help=stop_first,
                **close,  # it would cover the dialog
            )
    if not run.shipped and asked:
        deletion.confirm([run])


def _duplicate_settings(config: RunConfig) -> None:
    draft.load(config)
    st.switch_page(shell.NEW_NETWORK, query_params={"run": st.session_state[state.RUN]})


def start_new(config: RunConfig, name: str) -> None:
    """Make a run and queue it."""
    st.session_state.pop(state.DELETED, None)
    with shell.show_errors():
        buttons.start(runs.create(config, name))


_WAITING = 0.03  # fraction of the time from which on it is worth a word


def _waiting(share: float) -> str:
    text = f"Waiting for data: {share:.1%} of the time in the batches of its last epoch."
    if share <= _WAITING:
        return text
    return (
        f":material/hourglass_empty: {text} The images are prepared more slowly than the network learns from them: "
        "other programs use the processor, the steps are very short (try a larger batch size), or there is much "
        "augmentation."
    )


def _details(run: Run) -> None:
    with st.expander("Devices, settings and log", icon=":material/info:"):
        st.caption("Devices, as tf.config.list_physical_devices() lists them")
        st.code(run.status.devices or "known once the training has started", language=None, wrap_lines=True)
        if run.status.job:
            st.caption(f"Job in the cluster: {shell.plain(run.status.job)}")
        if run.status.precision:
            st.caption(f"Precision: {run.status.precision_trial or run.status.precision}")
        if run.status.waiting is not None:
            st.caption(_waiting(run.status.waiting))
        if run.config is not None:
            data_, training = run.config.data, run.config.training
            st.caption("Settings")
            settings = {**data_.model_dump(), **training.model_dump()}
            st.code("\n".join(f"{key} = {value}" for key, value in settings.items()), language=None, wrap_lines=True)
        if run.config and run.config.training.tensorboard:
            st.caption("Event files for TensorBoard (`pip install tensorboard`)")
            st.code(f"tensorboard --logdir {run.path / 'tensorboard'}", language=None, wrap_lines=True)
        if text := runs.log_tail(run):
            st.caption("End of the log")
            st.code(text, language=None, wrap_lines=True)

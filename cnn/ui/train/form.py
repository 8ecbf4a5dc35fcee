"""The form for a new run: presets, the layers, the settings in tabs, and the bar that starts the training.

Every widget is made from a field of `cnn.config`: its range, its choices, its help. What has been entered is kept by
`cnn.ui.draft` and outlasts a visit to another page and a reload.
"""

import streamlit as st
from pydantic import ValidationError

from cnn import runs
from cnn.config import Data, Resources, RunConfig, Training, explain, preset_title, presets
from cnn.config.layers import ImpossibleStack
from cnn.runs import estimates, launchers, saved_presets
from cnn.ui import draft, own_datasets, shell, state, time_needed
from cnn.ui.sweeps import form as sweep_form
from cnn.ui.train import begin_with, fields, images, layer_editor, preset_menu, progress, rate_finder

_NOT_HERE = ("dataset", "own_images")  # a browser cannot name the folders that hold own images
_DATA = [name for name in Data.model_fields if name not in _NOT_HERE]
_TRAINING = ["epochs", "batch_size", "optimizer", "learning_rate", "schedule", "patience"]
_ADVANCED = ["seed", "precision", "ema_momentum", "calibrate", "tensorboard"]


def show() -> None:
    """Draw the whole form, and start the training when that is asked for."""
    draft.follow_link(arrived=state.START not in st.session_state)
    draft.settle()
    if problem := draft.link_problem():
        st.warning(
            f"The settings in the link cannot be used. {shell.plain(problem)} Showing "
            f"{preset_title(draft.current()['preset'])} instead.",
            icon=":material/link_off:",
        )
    top = st.container()  # what depends on the settings has its place above them
    settings, reason = configure()
    with top:
        _head(settings)
        _bar(settings, reason)
    draft.write_link()


def configure() -> tuple[RunConfig | None, str]:
    """Draw layers and settings. Returns the settings, or None and why they are invalid."""
    draft.settle()
    values = draft.current()
    layers = draft.layers(values)
    shape, classes = draft.shape_of(values["data"]), len(images.classes_of(values["data"]))
    rows, broken = layer_editor.rows_of(tuple(layers), shape, classes)
    images_column, begin_column = st.columns(2, gap="medium")
    with images_column.container(border=True, height="stretch"):
        missing = images.show(values)
    with begin_column.container(border=True, height="stretch"):
        transferred = begin_with.of(values, layers, rows)
        begin_with.show(values, layers, rows, transferred)
        transferred = begin_with.of(values, layers, rows)  # as the slider has it now
    layers_column, settings_column = st.columns([5, 3], gap="medium")
    with layers_column:
        layer_editor.show(layers, rows, broken, transferred)
    with settings_column:
        below = _tabs(values)
    settings, reason = _checked(values, broken)
    if reason and broken is None and not transferred.problem:  # else it is explained where it stands
        settings_column.error(reason, icon=":material/block:")
    if settings is not None and (missing or transferred.problem):
        settings, reason = None, missing or f"{transferred.problem.text.partition(': ')[0]}."
    with below:
        if (rate := rate_finder.show(settings)) is not None:
            draft.set_learning_rate(rate)
            st.rerun()
    return settings, reason


def _tabs(values: draft.Values) -> st.delta_generator.DeltaGenerator:
    """The settings beside the layers. Returns a place below those of the training."""
    data, training, advanced = st.tabs(["Data", "Training", "Advanced"])
    own = bool(values["data"]["classes"])
    with data:
        hidden = draft.not_for_images(values["data"])
        shown = [name for name in _DATA if name not in hidden]
        fields.section(Data, values["data"], "data", shown)
    with training:
        decay = "weight_decay"  # of adamw alone; if it was set, it is not hidden
        shown = values["training"]["optimizer"] == "adamw"
        shown |= values["training"][decay] != Training.model_fields[decay].default
        fields.section(Training, values["training"], "training", [*_TRAINING, *[decay] * shown])
        below = st.container()
    with advanced:
        weights = "class_weights"  # of people's own images, it stands beside them
        fields.section(Training, values["training"], "training", [*_ADVANCED, *[weights] * (not own)])
        if not launchers.launcher().place().takes_turns:  # a cluster shares out what it has
            st.markdown("**Resources**")
            fields.section(Resources, values["resources"], "resources")
    return below


def _checked(values: draft.Values, broken: ImpossibleStack | None) -> tuple[RunConfig | None, str]:
    if broken is not None:  # what to do stands at the layer
        return None, f"{str(broken).partition(': ')[0]}."
    parts = {name: part for name, part in values.items() if name in RunConfig.model_fields}
    try:
        return RunConfig(**parts | {"layers": draft.layers(values)}), ""
    except ValidationError as error:
        return None, explain(error)


def _head(settings: RunConfig | None) -> None:
    """The presets, and what keeps the settings for later."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("Presets", anchor=False, width="stretch")
        preset_menu.delete()
        preset_menu.save(settings)
        preset_menu.exchange(settings)
        if settings is not None:
            sweep_form.offer()
    preset_menu.choose(_is_changed(settings))


def _is_changed(settings: RunConfig | None) -> bool:
    """Whether the draft is no longer what its preset says."""
    name = draft.current()["preset"]
    known = {**presets(), **saved_presets.own()[0]}
    return settings is None or (name in known and settings != known[name])


def _bar(settings: RunConfig | None, reason: str) -> None:
    """What the settings come to, or why they are invalid; and the button that starts the training."""
    place = launchers.launcher().place()
    with st.container(border=True, key="start_bar"):
        about, named, started = st.columns([5, 2, 2], vertical_alignment="center")
        with about.container(gap=None):
            _summary(settings, reason)
            if settings is not None or place.problem:  # else the reason takes two lines
                progress.place()
        name = named.text_input(
            "Name of the run",
            max_chars=80,
            placeholder=f"Name: {_default_name()}",
            label_visibility="collapsed",
            key="new_name",
            persist_state="session",
        )
        busy = sum(run.active for run in runs.all_runs()) if place.takes_turns else 0
        if started.button(
            f"Queue behind {busy} other{'s' if busy > 1 else ''}" if busy else "Start training",
            type="primary",
            icon=":material/play_arrow:",
            disabled=settings is None or place.problem != "",
            key=state.START,
            width="stretch",
        ):
            progress.start_new(settings, name or _default_name())


def _default_name() -> str:
    preset = draft.current()["preset"]
    return preset_title(preset) if preset else "Network"


def _summary(settings: RunConfig | None, reason: str) -> None:
    if settings is None:
        st.markdown(f":red[:material/block: **Cannot start:** {shell.plain(reason)}]")
        return
    rows = settings.rows()
    own = settings.data.classes
    images_ = own_datasets.training_images(settings.data.dataset) if own else None
    found = estimates.estimate(settings, shell.listed(), images_)
    trained = f" ({sum(row.trainable for row in rows):,} trained)" if settings.transfer.frozen else ""
    st.markdown(
        f"**{sum(row.parameters for row in rows):,}** parameters{trained} · "
        f"**{layer_editor.short(sum(row.macs for row in rows))}** MACs per image · **{time_needed.words(found)}**",
        help=f"Time: {time_needed.source(found)}",
    )

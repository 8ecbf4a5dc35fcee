"""The form for a new run: a preset to start from, the layers, the data, and the training.

Every widget is made from a field of `cnn.config`: its range, its choices, its help. What has been entered is kept by
`cnn.ui.draft` and outlasts a visit to another page.
"""

import streamlit as st
from pydantic import ValidationError

from cnn.config import Data, Resources, RunConfig, Training, explain
from cnn.runs import launchers
from cnn.ui import draft
from cnn.ui.train import fields, layer_editor, preset_menu, rate_finder


def choose_preset() -> None:
    """Draw the presets. Choosing one replaces the draft."""
    draft.settle()
    preset_menu.choose()


def name_of_run() -> str:
    """Ask for the new run's name; empty for the preset's."""
    label, preset = "Name of the run", draft.current()["preset"] or "run"
    return st.text_input(label, max_chars=80, placeholder=preset, key="new_name", persist_state="session", width=320)


def configure() -> RunConfig | None:
    """Draw everything that can be changed. Returns None while something in it is impossible, which it then says."""
    draft.settle()
    values = draft.current()
    layers = draft.layers(values)
    rows, broken = layer_editor.rows_of(layers)

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader("Network", anchor=False, width="content")
        _steps()
        tools = st.container(horizontal=True, width="content")
    layer_editor.overview(layers, rows, broken)
    layers_column, settings_column = st.columns([3, 2], gap="large")
    with settings_column:
        st.subheader("Data", anchor=False)
        fields.section(Data, values["data"], "data")
        st.subheader("Training", anchor=False)
        fields.section(Training, values["training"], "training")
        if not launchers.launcher().place().takes_turns:  # a cluster shares out what it has
            st.subheader("Resources", anchor=False)
            fields.section(Resources, values["resources"], "resources")
        below = st.container()
    with layers_column:
        st.subheader("Layers", anchor=False)
        layer_editor.cards(layers, rows, broken)
    settings = None
    try:
        settings = RunConfig(
            **{name: part for name, part in values.items() if name in RunConfig.model_fields} | {"layers": layers}
        )
    except ValidationError as error:
        if broken is None:  # else it is explained at the layer
            st.error(explain(error), icon=":material/block:")
    with below:
        if (rate := rate_finder.show(settings)) is not None:
            draft.set_learning_rate(rate)
            st.rerun()
    with tools:
        preset_menu.save(settings)
        preset_menu.exchange(settings)
    return settings


def _steps() -> None:
    """Undo and redo, for every change of layers and settings, of the preset, and for an import."""
    for label, by in (("Undo", -1), ("Redo", 1)):  # a shortcut would also take Ctrl+Z away from the text fields
        st.button(
            label,
            icon=f":material/{label.lower()}:",
            key=f"draft-{label.lower()}",
            disabled=not draft.can_step(by),
            on_click=draft.step,
            args=(by,),
        )

"""The form for a new run. Every widget is made from a field of `cnn.config`: its range, its choices, its help.

What the visitor has entered so far is a plain dictionary in the session, so that it may be impossible for a while
(a kernel larger than its input) and still be kept, shown and mended.
"""

from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

import streamlit as st
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from cnn.config import CLASS_NAMES, INPUT_SHAPE, PRESET_NOTES, Data, RunConfig, Training, explain, presets
from cnn.figures import shape_text
from cnn.layers import KINDS, ImpossibleStack, Layer, Row, trace

_DRAFT = "draft"
_FORMATS = {
    "learning_rate": "%g",
    "rate": "%.2f",
    "warp": "%.1f",
    "erase": "%.2f",
    "restyled": "%.2f",
    "strange": "%.2f",
}
_STEPS = {
    "rate": 0.05,
    "learning_rate": 0.001,
    "limit": 1000,
    "batch_size": 16,
    "warp": 0.1,
    "erase": 0.05,
    "restyled": 0.05,
    "strange": 0.01,
}
_COMMAND_LINE_ONLY = {"own"}  # a browser cannot name the folders that hold one's pictures
_LABELS = {
    "limit": "Training pictures",
    "flip": "Mirror at random",
    "shift": "Shift by up to (pixels)",
    "warp": "Turn and stretch",
    "erase": "Share with a blot",
    "restyled": "Share in other styles",
    "strange": "Share of no garment",
    "calibrate": "Calibrate at the end",
    "batch_normalisation": "Batch normalisation",
    "kernel": "Kernel size",
    "size": "Window size",
    "over": "Layers skipped",
}


def choose_preset() -> None:
    """Draw the presets. Choosing one replaces the draft."""
    draft = _draft()
    st.segmented_control(
        "Preset",
        list(presets()),
        key="preset",
        default=draft["preset"],
        required=True,
        on_change=_choose_preset,
        persist_state="session",
        help="A network and a way to train it, to start from. Choosing one replaces what you changed below.",
    )
    st.caption(PRESET_NOTES[draft["preset"]])


def name_of_run() -> str:
    """Ask for the new run's name; empty for the preset's."""
    label, preset = "Name of the run", _draft()["preset"]
    return st.text_input(label, max_chars=80, placeholder=preset, key="new_name", persist_state="session", width=320)


def configure() -> RunConfig | None:
    """Draw everything that can be changed. Returns None while something in it is impossible, which it then says."""
    draft = _draft()
    layers_column, settings_column = st.columns([3, 2], gap="large")
    with settings_column:
        st.subheader("Data")
        _section(Data, draft["data"], "data")
        st.subheader("Training")
        _section(Training, draft["training"], "training")
    with layers_column:
        st.subheader("Layers")
        _layers(draft)
    try:
        return RunConfig(
            preset=draft["preset"],
            data=draft["data"],
            training=draft["training"],
            layers=[_specification(values) for values in draft["layers"]],
        )
    except ValidationError as error:
        st.error(explain(error), icon=":material/block:")
        return None


def _draft() -> dict[str, Any]:
    if _DRAFT not in st.session_state:
        st.session_state[_DRAFT] = _fresh("fast")
    return st.session_state[_DRAFT]


def _specification(values: dict[str, Any]) -> Layer:
    """A layer of the draft without the number that its widgets go by."""
    return KINDS[values["kind"]].model_validate({key: value for key, value in values.items() if key != "uid"})


def _fresh(preset: str) -> dict[str, Any]:
    """A draft that equals a preset. Its number is part of every widget's key, so that new values show."""
    count = st.session_state["draft_count"] = st.session_state.get("draft_count", 0) + 1
    config = presets()[preset].model_dump()
    layers = [{**layer, "uid": index} for index, layer in enumerate(config["layers"])]
    return {"count": count, "preset": preset, "data": config["data"], "training": config["training"], "layers": layers}


def _choose_preset() -> None:
    st.session_state[_DRAFT] = _fresh(st.session_state["preset"])


def _section(model: type[BaseModel], values: dict[str, Any], key: str) -> None:
    """One widget for each field of a section, two beside each other; writes into `values`."""
    with st.grid(2, min_column_width=110):
        for name, info in model.model_fields.items():
            if name != "kind" and name not in _COMMAND_LINE_ONLY:
                values[name] = _widget(name, info, values[name], f"{key}-{st.session_state[_DRAFT]['count']}-{name}")


def _widget(name: str, info: FieldInfo, value: Any, key: str) -> Any:
    label = _LABELS.get(name, name.replace("_", " ").capitalize())
    kind, optional = info.annotation, False
    if type(None) in get_args(kind):
        kind, optional = next(part for part in get_args(kind) if part is not type(None)), True
    if get_origin(kind) is Literal:
        options = list(get_args(kind))
        return st.selectbox(label, options, index=options.index(value), key=key, help=info.description)
    if kind is bool:
        return st.toggle(label, value, key=key, help=info.description)
    limits = {type(part).__name__: part for part in info.metadata}
    low, high = limits["Ge"].ge, limits["Le"].le
    return st.number_input(
        label,
        kind(low),
        kind(high),
        value,
        step=_STEPS.get(name, None if kind is float else 1),
        format=_FORMATS.get(name),
        placeholder="all" if optional else None,
        key=key,
        help=info.description,
    )


# --- layers -----------------------------------------------------------------------------------------------------


def _layers(draft: dict[str, Any]) -> None:
    """A card for each layer, then what can be added."""
    rows, broken = _rows(draft["layers"])
    for index, values in enumerate(draft["layers"]):
        _card(draft, index, values, [row for row in rows if row.layer == index], broken)
    at_end = [row for row in rows if row.layer == len(draft["layers"])]
    if at_end:
        st.markdown(f"**Output** · Dense {len(CLASS_NAMES)} softmax · {at_end[0].parameters:,} parameters")
    if broken is not None and broken.index == len(draft["layers"]):
        st.error(str(broken), icon=":material/block:")
    if broken is None:
        parameters, macs = sum(row.parameters for row in rows), sum(row.macs for row in rows)
        st.markdown(f"**{parameters:,} parameters** · {macs / 1e6:,.1f} million multiply-accumulates a picture")

    st.caption("Add a layer at the end:")
    with st.container(horizontal=True):
        for kind, layer in KINDS.items():
            st.button(
                kind.capitalize(),
                icon=":material/add:",
                key=f"add-{kind}",
                help=(layer.__doc__ or "").split("\n")[0],
                on_click=_change,
                args=(lambda layers, kind=kind: layers.append(_new(layers, KINDS[kind]().model_dump())),),
            )


def _rows(layers: list[dict[str, Any]]) -> tuple[list[Row], ImpossibleStack | None]:
    """The Keras layers of the draft, as far as they fit, and where they do not."""
    try:
        return trace([_specification(values) for values in layers], INPUT_SHAPE, len(CLASS_NAMES)), None
    except ImpossibleStack as error:
        return error.rows, error


def _card(draft: dict[str, Any], index: int, values: dict[str, Any], rows: list[Row], broken: ImpossibleStack | None):
    key = f"{draft['count']}-{values['uid']}"
    layer = _specification(values)
    here = broken is not None and broken.index == index
    detail = ":red[does not fit]" if here else "…"
    if rows:
        parameters = sum(row.parameters for row in rows)
        detail = shape_text(rows[-1].output_shape) + (f" · {parameters:,} parameters" if parameters else "")
    card = st.expander(f"**{index + 1}** · {layer} → {detail}", key=f"card-{key}", on_change="rerun")
    if here:
        st.error(str(broken), icon=":material/block:")
    if not card.open:
        return
    with card:
        before = dict(values)
        _section(type(layer), values, f"layer-{values['uid']}")
        if values != before:  # the labels above were drawn from the old values
            st.rerun()
        with st.container(horizontal=True):
            _layer_button("Up", "arrow_upward", index, index == 0, lambda ls: ls.insert(index - 1, ls.pop(index)))
            last = index == len(draft["layers"]) - 1
            _layer_button("Down", "arrow_downward", index, last, lambda ls: ls.insert(index + 1, ls.pop(index)))
            _layer_button("Duplicate", "content_copy", index, False, lambda ls: ls.insert(index, _new(ls, ls[index])))
            alone = len(draft["layers"]) == 1
            _layer_button("Remove", "delete", index, alone, lambda ls: ls.pop(index))


def _layer_button(label: str, icon: str, index: int, disabled: bool, change: Callable[[list], Any]) -> None:
    st.button(
        label,
        icon=f":material/{icon}:",
        key=f"{label}-{index}",
        disabled=disabled,
        on_click=_change,
        args=(change,),
    )


def _change(change: Callable[[list], Any]) -> None:
    change(st.session_state[_DRAFT]["layers"])


def _new(layers: list[dict[str, Any]], values: dict[str, Any]) -> dict[str, Any]:
    return {**values, "uid": 1 + max((layer["uid"] for layer in layers), default=-1)}

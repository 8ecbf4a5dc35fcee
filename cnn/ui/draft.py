"""The settings of a new run as far as the visitor has entered them, and every earlier state of them.

The draft is a plain dictionary in the session, so that it may be impossible for a while (a kernel larger than its
input) and still be kept, shown and mended. It has the parts of a `RunConfig`, and each layer a number, `uid`, by which
its widgets and its card know it wherever it is moved. Draws nothing.
"""

import copy
from collections.abc import Callable
from typing import Any

import streamlit as st
from pydantic import BaseModel

from cnn.config import Data, Resources, RunConfig, Training, presets, versions
from cnn.config.layers import KINDS, Layer
from cnn.ui import state

_STEPS_BACK = 200  # that are kept

Values = dict[str, Any]


def current() -> Values:
    """The draft; at a visitor's first look, the preset that is quickest to learn something."""
    if state.DRAFT not in st.session_state:
        _replace(_parts(presets()["fast"]))
        st.session_state[state.DRAFT_HISTORY] = {"states": [_state()], "at": 0}
    draft = st.session_state[state.DRAFT]
    if not draft["data"].keys() <= Data.model_fields.keys():  # the program was updated while this page was open
        for parts in (draft, *st.session_state[state.DRAFT_HISTORY]["states"]):
            parts["data"] = versions.renamed_data(parts["data"])
    return draft


def load(config: RunConfig) -> None:
    """Put a configuration in the place of the draft. What was there is a step back."""
    settle()
    _replace(_parts(config))


def edit_layers(change: Callable[[list[Values]], object]) -> None:
    """Add, move or take away layers. What was there is a step back."""
    settle()
    change(st.session_state[state.DRAFT]["layers"])


def set_learning_rate(value: float) -> None:
    """Change the learning rate, and the widget that shows it."""
    settle()
    parts = _state()
    parts["training"]["learning_rate"] = value
    _replace(parts)


def call_it(preset: str) -> None:
    """Say which preset the draft started from, or has been saved as."""
    settle()
    st.session_state[state.DRAFT]["preset"] = preset


def key(place: str, name: str) -> str:
    """The key of the widget for a field. With another count, the widgets are new ones that show the draft's values."""
    return f"{place}-{current()['count']}-{name}"


def settle() -> None:
    """Take over what the widgets say, before anything is drawn or changed, and remember a state that is new."""
    draft = current()
    parts: dict[str, type[BaseModel]] = {"data": Data, "training": Training, "resources": Resources}
    sections = [(name, model, draft[name]) for name, model in parts.items()]
    sections += [(place(layer), KINDS[layer["kind"]], layer) for layer in draft["layers"]]
    for where, model, values in sections:
        for name in model.model_fields:
            values[name] = st.session_state.get(key(where, name), values[name])
    history, now = st.session_state[state.DRAFT_HISTORY], _state()
    if now != history["states"][history["at"]]:
        states = [*history["states"][: history["at"] + 1], now][-_STEPS_BACK:]
        st.session_state[state.DRAFT_HISTORY] = {"states": states, "at": len(states) - 1}


def can_step(by: int) -> bool:
    """Whether there is a state so many steps on (1), or back (-1)."""
    history = st.session_state[state.DRAFT_HISTORY]
    return 0 <= history["at"] + by < len(history["states"])


def step(by: int) -> None:
    """Undo (-1) or redo (1) a change of the draft."""
    settle()
    if can_step(by):
        history = st.session_state[state.DRAFT_HISTORY]
        history["at"] += by
        _replace(copy.deepcopy(history["states"][history["at"]]))


def layers(draft: Values) -> list[Layer]:
    """The draft's layers, without their numbers."""
    return [
        KINDS[values["kind"]].model_validate({name: value for name, value in values.items() if name != "uid"})
        for values in draft["layers"]
    ]


def numbered(layer: Layer) -> Values:
    """A layer as the draft keeps it, with a number that no other has had."""
    uid = st.session_state[state.LAYER_COUNT] = st.session_state.get(state.LAYER_COUNT, 0) + 1
    return {**layer.model_dump(), "uid": uid}


def place(layer: Values) -> str:
    """What the keys of a layer's widgets begin with."""
    return f"layer-{layer['uid']}"


def _parts(config: RunConfig) -> Values:
    values = config.model_dump(include={"preset", "data", "training", "resources"})
    return {**values, "layers": [numbered(layer) for layer in config.layers]}


def _replace(parts: Values) -> None:
    count = st.session_state.get(state.DRAFT, {"count": 0})["count"] + 1
    st.session_state[state.DRAFT] = {**parts, "count": count}


def _state() -> Values:
    return copy.deepcopy({name: part for name, part in st.session_state[state.DRAFT].items() if name != "count"})

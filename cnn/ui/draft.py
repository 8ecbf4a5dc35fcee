"""The settings of a new run as far as the visitor has entered them, and every earlier state of them.

The draft is a plain dictionary in the session, so that it may be invalid for a while (a kernel larger than its
input) and still be kept, shown and mended. It has the parts of a `RunConfig`, and each layer a number, `uid`, by which
its widgets and its row know it wherever it is moved. The link has the draft as well, see `draft_link`: a reload brings
it back, and whoever opens the link begins with it. Draws nothing.
"""

import copy
from collections.abc import Callable
from typing import Any

import streamlit as st
from pydantic import BaseModel

from cnn.config import Data, RunConfig, presets, versions
from cnn.config.layers import KINDS, Layer
from cnn.errors import AtelierError
from cnn.runs import saved_presets
from cnn.ui import draft_link, links, state

_FIRST = "fast"  # the preset that is quickest to learn something
_STEPS_BACK = 200  # that are kept
_LONGEST = 4000  # characters of the settings in a link: some servers and chats cut longer ones

_PARAMETERS = ("network", "preset")  # of the link

Values = dict[str, Any]


def current() -> Values:
    """The draft; at a visitor's first look, `_FIRST`."""
    if state.DRAFT not in st.session_state:
        _begin(_parts(presets()[_FIRST]))
    draft = st.session_state[state.DRAFT]
    if not draft["data"].keys() <= Data.model_fields.keys():  # the program was updated while this page was open
        for parts in (draft, *st.session_state[state.DRAFT_HISTORY]["states"]):
            parts["data"] = versions.renamed_data(parts["data"])
    return draft


def load(config: RunConfig) -> None:
    """Put a configuration in the place of the draft. What was there is a step back."""
    settle()
    _replace(_parts(config))


def follow_link(arrived: bool) -> None:
    """Take the settings that the link has, if it has any: a visitor came by it, reloaded the page or went back.

    Args:
        arrived: whether another page was shown before, or none. If not, a link of this visit is not followed: the
            browser may not know the newest one yet.
    """
    link = next(((name, st.query_params[name]) for name in _PARAMETERS if name in st.query_params), None)
    seen = st.session_state.setdefault(state.DRAFT_LINKS, [])
    if link is None or seen[-1:] == [link] or (link in seen and not arrived):
        return
    seen.append(link)
    try:
        parts = _linked(*link)
    except AtelierError as error:
        st.session_state[state.LINK_PROBLEM] = (str(error), current()["count"])
        return
    if state.DRAFT in st.session_state:
        settle()
        _replace(parts)
    else:
        _begin(parts)


def write_link() -> None:
    """Let the link say what the draft is: nothing for the first preset, else the preset, or all settings."""
    preset, text = current()["preset"], _as_text(_state())
    known = {**presets(), **saved_presets.own()[0]}
    unchanged = preset in known and text == _as_text(_parts(known[preset], numbers=False))
    name, value = ("preset", preset) if unchanged else ("network", text if len(text) <= _LONGEST else None)
    if (name, value) == ("preset", _FIRST):
        value = None
    for parameter in _PARAMETERS:
        links.write(parameter, value if parameter == name else None)
    seen = st.session_state[state.DRAFT_LINKS]
    if seen[-1:] != [(name, value)]:
        st.session_state[state.DRAFT_LINKS] = [*seen, (name, value)][-_STEPS_BACK:]


def link_problem() -> str | None:
    """What was wrong with the link, until something else is loaded."""
    problem, count = st.session_state.get(state.LINK_PROBLEM, (None, None))
    return problem if count == current()["count"] else None


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
    sections: list[tuple[str, type[BaseModel], Values]] = [
        (name, model, draft[name]) for name, model in draft_link.SECTIONS.items()
    ]
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


def _parts(config: RunConfig, numbers: bool = True) -> Values:
    values = config.model_dump(include={"preset", *draft_link.SECTIONS})
    return {**values, "layers": [numbered(layer) if numbers else layer.model_dump() for layer in config.layers]}


def _linked(name: str, value: str) -> Values:
    """The settings that a parameter of the link stands for. Raises AtelierError where it stands for none."""
    if name == "preset":
        return _parts(saved_presets.find(value))
    preset, sections, stack = draft_link.decode(value)
    return {"preset": preset, **sections, "layers": [numbered(layer) for layer in stack]}


def _as_text(parts: Values) -> str:
    return draft_link.encode(parts["preset"], {name: parts[name] for name in draft_link.SECTIONS}, layers(parts))


def _begin(parts: Values) -> None:
    """Start a history with these settings."""
    _replace(parts)
    st.session_state[state.DRAFT_HISTORY] = {"states": [_state()], "at": 0}


def _replace(parts: Values) -> None:
    count = st.session_state.get(state.DRAFT, {"count": 0})["count"] + 1
    st.session_state[state.DRAFT] = {**parts, "count": count}


def _state() -> Values:
    return copy.deepcopy({name: part for name, part in st.session_state[state.DRAFT].items() if name != "count"})

"""The controls of the lessons. Each keeps its value in the link, and a link may hide it, as a teacher chooses.

A hidden control is there, out of sight and out of the keyboard's reach, with the value that the link gives it.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

import streamlit as st

from cnn.ui import links, state

Word = TypeVar("Word", bound=str)
_LINKED: dict[str, Any] = {"bind": "query-params"}
_COLOUR = re.compile("#[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class Control:
    """What a lesson offers in this run of the page. keys: what the link says of it."""

    key: str
    label: str
    keys: tuple[str, ...]


def begin() -> None:
    """Forget what was offered before; read from the link what is hidden. At the start of each run of the page."""
    st.session_state[state.LESSON_OFFERED] = []
    if hidden := st.query_params.get("hide"):
        st.session_state[state.LESSON_HIDDEN] = frozenset(hidden.split("."))
    elif hidden := st.session_state.get(state.LESSON_HIDDEN):  # lost from the link on the way over another page
        links.write("hide", ".".join(sorted(hidden)))


def show_all() -> None:
    """Hide nothing any more; for callbacks."""
    st.session_state.pop(state.LESSON_HIDDEN, None)
    links.write("hide", None)


def is_hidden(key: str) -> bool:
    return key in st.session_state.get(state.LESSON_HIDDEN, ())


def anything_hidden() -> bool:
    return bool(st.session_state.get(state.LESSON_HIDDEN))


def offered() -> list[Control]:
    """The lesson's controls so far, in the order in which they were drawn."""
    return st.session_state[state.LESSON_OFFERED]


@contextmanager
def place(key: str, label: str, keys: Sequence[str] = ()) -> Iterator[None]:
    """Where a control is drawn, or several that are hidden together; `keys`: of those, if they are not one `key`."""
    offered().append(Control(key, label, tuple(keys) or (key,)))
    if is_hidden(key):
        with st.container(key=f"hidden-{key}"):
            yield
    else:
        yield


def link(topic: str, run_id: str, hidden: Sequence[str]) -> str:
    """The page's address with the lesson's present values, as the browser's own link has them."""
    keys = [key for control in offered() for key in control.keys]
    values = {key: st.query_params[key] for key in keys if key in st.query_params}
    query = {"topic": topic, "run": run_id, **values}
    if hidden:
        query["hide"] = ".".join(hidden)
    return f"{(st.context.url or '').split('?')[0]}?{urlencode(query)}"


# ---------------------------------------------------------------- the controls


def whole(key: str, label: str, low: int, high: int, value: int, help: str | None = None) -> int:
    """A whole number in [low, high], by a slider."""
    with place(key, label):
        return int(links.slider(key, label, low, high, value, help=help))


def number(key: str, label: str, low: int, high: int, value: int, step: int = 1, help: str | None = None) -> int:
    """A whole number in [low, high] that may be large, typed or stepped."""
    with place(key, label):
        return links.number(key, label, low, high, value, step=step, help=help)


def decimal(
    key: str, label: str, low: float, high: float, value: float, step: float = 0.1, help: str | None = None
) -> float:
    """A number in [low, high], by a slider."""
    with place(key, label):
        return float(links.slider(key, label, low, high, value, step=step, help=help))


def choice(key: str, label: str, options: Sequence[Word], value: Word | None = None, help: str | None = None) -> Word:
    """One of a few words, side by side; the first is the default unless `value` is."""
    with place(key, label):
        return links.choice(key, label, options, value, help=help)


def menu(key: str, label: str, options: Sequence[Word], value: Word | None = None, help: str | None = None) -> Word:
    """One of many words, from a list; the first is the default unless `value` is."""
    with place(key, label):
        return links.menu(key, label, options, value, help=help)


def switch(key: str, label: str, value: bool = False, help: str | None = None) -> bool:
    """On or off."""
    with place(key, label):
        return links.switch(key, label, value, help=help)


def text(key: str, label: str, value: str, help: str | None = None, lines: int = 1) -> str:
    """Words or numbers, typed into one line or several."""
    with place(key, label):
        if lines == 1:
            typed = st.text_input(label, value, key=key, help=help, max_chars=2000, **_LINKED)
        else:
            typed = st.text_area(label, value, 28 * lines + 24, key=key, help=help, max_chars=8000, **_LINKED)
    return value if typed is None else typed


def colour(key: str, label: str, value: str) -> str:
    """A colour as #rrggbb."""
    with place(key, label):
        chosen = st.color_picker(label, value, key=key, **_LINKED)
    return chosen if _COLOUR.fullmatch(chosen or "") else value

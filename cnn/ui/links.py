"""What the link of a page says, so that Back, Forward, reload and a bookmark bring back what one had.

Every control that is worth a link is made here: its key is the name of its parameter. A page owns its parameters: no
two pages use the same name, since Streamlit takes those of the page that one leaves out of the link. Whatever a link
says, or an earlier choice that is no longer possible, is brought into range: a control never returns None.

The browser's history gets one entry for each step (another page, run, lesson, view, sweep): see
`components/history.js`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st

from cnn.ui import state
from cnn.ui.components.files import component

Word = TypeVar("Word", bound=str)
_LINKED: dict[str, Any] = {"bind": "query-params"}
_history = component("history")


def keep_history() -> None:
    """Let the browser's history have an entry for each step. Once on every page."""
    _history(key="history", height=1)


def write(name: str, value: str | None) -> None:
    """Let the link say what a visitor has chosen, or no longer say it (None).

    For parameters that no control of this module is bound to.
    """
    if st.query_params.get(name) == value:
        return
    if value is None:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = value


def complete(name: str, value: str | None) -> None:
    """Let the link say what the page shows by itself, or no longer say it (None).

    The first link of a visit is left as it came until the page is drawn again: the browser would keep both.
    """
    if st.session_state.get(state.VISITED):
        write(name, value)


def step(name: str, before: str | None, value: str) -> None:
    """Let the link say another value than before: a step, also where the link did not say the one before yet."""
    if name not in st.query_params:
        write(name, before)
    write(name, value)


def renamed(name: str, words: Mapping[str, str]) -> None:
    """Bring an old link up to date: what a parameter said, and what it says now. Before its control is drawn."""
    if present := words.get(st.query_params.get(name, "")):
        write(name, present)
        st.rerun()


def choice(key: str, label: str, options: Sequence[Word], value: Word | None = None, **how: Any) -> Word:
    """One of a few words, side by side.

    Args:
        key: the name of the parameter; unique among all pages.
        label: what is chosen.
        options: what to choose from, as shown and as the link says it; not empty.
        value: the default; else the first option.
        how: what else `st.segmented_control` takes.
    """
    default = value if value in options else options[0]
    _allow(key, options, default)
    how = {"wrap": True, **how}
    chosen = st.segmented_control(label, options, default=default, required=True, key=key, **how, **_LINKED)
    return chosen if chosen in options else default


def menu(key: str, label: str, options: Sequence[Word], value: Word | None = None, **how: Any) -> Word:
    """One of many words, from a list. Arguments as for `choice`; how: what else `st.selectbox` takes."""
    default = value if value in options else options[0]
    _allow(key, options, default)
    chosen = st.selectbox(label, options, options.index(default), key=key, **how, **_LINKED)
    return chosen if chosen in options else default


def some(key: str, label: str, options: Sequence[Word], value: Sequence[Word] = (), **how: Any) -> list[Word]:
    """Any number of words, side by side; `value`: the default. how: what else `st.pills` takes."""
    if key in st.session_state:
        st.session_state[key] = [word for word in st.session_state[key] or () if word in options]
    how = {"wrap": True, **how}
    chosen = st.pills(label, options, selection_mode="multi", default=list(value), key=key, **how, **_LINKED)
    return [word for word in chosen or () if word in options]


def several(key: str, label: str, options: Sequence[Word], **how: Any) -> list[Word]:
    """Any number of many words, from a list. how: what else `st.multiselect` takes."""
    if key in st.session_state:
        st.session_state[key] = [word for word in st.session_state[key] or () if word in options]
    chosen = st.multiselect(label, options, key=key, **how, **_LINKED)
    return [word for word in chosen or () if word in options]


def words(key: str, label: str, **how: Any) -> str:
    """Words that are typed. how: what else `st.text_input` takes."""
    return st.text_input(label, key=key, **how, **_LINKED) or ""


def number(key: str, label: str, low: int, high: int, value: int | None = None, **how: Any) -> int:
    """A whole number in [low, high], typed or stepped; `value`: the default, else `low`.

    how: what else `st.number_input` takes.
    """
    default = _within(low, high, value)
    _limit(key, low, high)
    _forget_infinity(key)
    chosen = st.number_input(label, low, high, default, key=key, **how, **_LINKED)
    return _within(low, high, chosen)


def slider(key: str, label: str, low: Any, high: Any, value: Any = None, **how: Any) -> Any:
    """A number in [low, high] by a slider; `value`: the default, else `low`. how: what else `st.slider` takes."""
    default = _within(low, high, value)
    _limit(key, low, high)
    return _within(low, high, st.slider(label, low, high, default, key=key, **how, **_LINKED))


def span(key: str, label: str, low: float, high: float, **how: Any) -> tuple[float, float]:
    """Two numbers in [low, high], the lower first, by a slider with two ends. how: what else `st.slider` takes."""
    if key in st.session_state:
        ends = sorted(_within(low, high, end) for end in st.session_state[key])
        st.session_state[key] = (ends[0], ends[-1])
    first, last = st.slider(label, low, high, (low, high), key=key, **how, **_LINKED)
    return _within(low, high, first), _within(low, high, last)


def steps(key: str, label: str, options: Sequence[Word], value: Word | None = None, **how: Any) -> Word:
    """One of some words in their order, by a slider. Arguments as for `choice`; how: as `st.select_slider` takes it."""
    default = value if value in options else options[0]
    _allow(key, options, default)
    chosen = st.select_slider(label, options, default, key=key, **how, **_LINKED)
    return chosen if chosen in options else default


def switch(key: str, label: str, value: bool = False, **how: Any) -> bool:
    """On or off. how: what else `st.toggle` takes."""
    return bool(st.toggle(label, value, key=key, **how, **_LINKED))


def picker(
    name: str,
    label: str,
    options: Sequence[str],
    value: str | None,
    pick: Callable[[str | None], None],
    optional: bool = False,
    **how: Any,
) -> None:
    """A list that shows what the page has decided, and says what a visitor picks instead.

    What the browser says of a list may be late: on a busy machine it still names what stood there before the page
    changed it, or an option by a text that it no longer has. Neither is a pick: a value that the page has changed gets
    a new key, and a text that no option has is passed over.

    Args:
        name: of the list; its key begins with it.
        label: what is picked.
        options: what to pick from.
        value: the one that is shown; None shows none.
        pick: called with what a visitor picks: an option, or None where they take it away.
        optional: whether they can take it away.
        how: what else `st.selectbox` takes.
    """
    count = state.renewals(name)
    number = st.session_state.get(count, 0)
    if st.session_state.get(state.picker(name, number)) != value:
        number += 1
    key = state.picker(name, number)
    st.session_state.update({count: number, key: value})
    known = (*options, None) if optional else tuple(options)
    index = None if optional else 0
    st.selectbox(label, options, index, key=key, on_change=_pick, args=(key, known, pick), **how)


def _pick(key: str, known: tuple[str | None, ...], pick: Callable[[str | None], None]) -> None:
    if st.session_state[key] in known:
        pick(st.session_state[key])


def _allow(key: str, options: Sequence[str], default: str) -> None:
    """Forget an earlier choice that there is no longer."""
    if key in st.session_state and st.session_state[key] not in options:
        st.session_state[key] = default


def _limit(key: str, low: Any, high: Any) -> None:
    """Bring an earlier choice into range: Streamlit raises an error where it lies outside."""
    if key in st.session_state:
        st.session_state[key] = _within(low, high, st.session_state[key])


def _forget_infinity(key: str) -> None:
    """Take a number without end (inf, 1e999) out of the link: Streamlit fails to make a whole number of it."""
    try:
        finite = math.isfinite(float(st.query_params.get(key, 0)))
    except ValueError:
        return  # no number at all: Streamlit takes the default
    if not finite:
        st.query_params.pop(key)
        st.rerun()


def _within(low: Any, high: Any, value: Any) -> Any:
    return low if value is None else min(max(value, low), high)

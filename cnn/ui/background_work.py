"""Long work on a page: a generator is run in slices, between which its Stop button and the rest of the page react.

The work belongs to one visit. It pauses while the visitor is on another page, and goes on when its part is drawn again.
"""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from cnn.config import duration
from cnn.errors import AtelierError
from cnn.ui import fragments, state

_SLICE = 0.8  # seconds of work between two looks at the Stop button
_TICK = 0.9  # seconds from one slice to the next


@dataclass
class _Work:
    """A generator that yields the share done, in [0, 1], and returns a result."""

    steps: Generator[float, None, Any]
    share: float = 0.0
    seconds: float = 0.0  # of work so far


@dataclass
class _Visit:
    """What a visit has begun, what it has finished, and what stood in the way, by name."""

    begun: dict[str, _Work] = field(default_factory=dict)
    done: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def begin(name: str, start: Callable[[], Generator[float, None, Any]]) -> None:
    """Begin work under a name that tells it from all other; for callbacks."""
    _visit().begun = {name: _Work(start())}  # what was begun before is given up: two would share the processor
    _visit().problems.pop(name, None)


def result(name: str) -> Any | None:
    """What the work has found; None while it is not finished."""
    return _visit().done.get(name)


def is_running(name: str) -> bool:
    return name in _visit().begun


def problem(name: str) -> str | None:
    """Why the work ended without a result, in a sentence; None where it did not."""
    return _visit().problems.get(name)


def follow(name: str, what: str, on_done: Callable[[Any], None] | None = None) -> None:
    """Go on with the work, and draw its progress. The page runs again once it is finished or stopped.

    Args:
        name: under which it was begun.
        what: is being done, in a few words.
        on_done: called with the result.
    """
    fragments.fragment(_slice, run_every=_TICK)(name, what, on_done)


def _slice(name: str, what: str, on_done: Callable[[Any], None] | None) -> None:
    work = _visit().begun.get(name)
    if work is None:
        st.rerun()
    bar = st.empty()
    bar.progress(work.share, text=_text(work, what))
    if st.button("Stop", icon=":material/stop:", key=f"stop-{name}"):
        del _visit().begun[name]
        st.rerun()
    begin_ = time.monotonic()
    try:
        while time.monotonic() - begin_ < _SLICE:
            work.share = min(1.0, next(work.steps))
    except StopIteration as stop:
        _visit().done[name] = stop.value
        del _visit().begun[name]
        if on_done:
            on_done(stop.value)
        st.rerun()
    except (AtelierError, OSError) as error:
        _visit().problems[name] = str(error)
        del _visit().begun[name]
        st.rerun()
    work.seconds += time.monotonic() - begin_
    bar.progress(work.share, text=_text(work, what))


def _text(work: _Work, what: str) -> str:
    if not work.share:
        return f"{what}…"
    left = work.seconds / work.share * (1 - work.share) * _TICK / _SLICE
    return f"{what}: {work.share:.0%}, about {duration(max(1.0, left))} left"


def _visit() -> _Visit:
    return st.session_state.setdefault(state.WORK, _Visit())

"""Parts of a page that run alone.

Streamlit 1.67 may lose the frame of a fragment that is drawn once more before the browser has got it, and yet send what
a fragment inside it drew: on a busy machine the browser then fails with "Cannot set a node at a delta path". So a
fragment inside another is made only where it runs by itself.
"""

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any

import streamlit as st

_inside: ContextVar[bool] = ContextVar("inside a fragment", default=False)


def fragment(part: Callable[..., Any], run_every: float | None = None) -> Callable[..., Any]:
    """As `st.fragment`; inside another one, the part is simply a part of that.

    Args:
        part: draws it.
        run_every: seconds after which it runs again by itself; with these it is always a fragment.
    """

    @wraps(part)
    def drawn(*args: Any, **kwargs: Any) -> Any:
        outside = _inside.set(True)
        try:
            return part(*args, **kwargs)
        finally:
            _inside.reset(outside)

    @wraps(part)
    def draw(*args: Any, **kwargs: Any) -> Any:
        alone = run_every is not None or not _inside.get()
        return (st.fragment(drawn, run_every=run_every) if alone else drawn)(*args, **kwargs)

    return draw

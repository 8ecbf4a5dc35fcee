"""What a server does once, in the background, while the first visitor reads a page that does not need it.

The bin loses what has been in it for 30 days, and TensorFlow is loaded.
"""

import gc
import importlib
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import streamlit as st
from streamlit import runtime

from cnn import runs
from cnn.tuning import sweeps

LOADING = "Loading TensorFlow: up to half a minute the first time after a start…"
_NEEDED = "cnn.ui.models"
_FREEZE = 0.5  # seconds between two times that all objects are frozen
_PAUSE = 3.0  # seconds for the first page to be drawn
_one_at_a_time = threading.Lock()


def begin() -> None:
    """Begin, once in the life of a server. A page that needs TensorFlow meanwhile waits for the rest only."""
    if runtime.exists():  # not in a test that runs a page by itself
        _thread()


def tensorflow() -> None:
    """Load TensorFlow; where that goes on already, wait for its end.

    Whatever needs it calls this before it imports anything that imports TensorFlow: two threads that begin with
    different ones of its circular modules would each find some that are half made.
    """
    with _one_at_a_time:
        if _NEEDED not in sys.modules:
            with _nothing_to_search():
                importlib.import_module(_NEEDED)


@contextmanager
def _nothing_to_search() -> Iterator[None]:
    """Keep from the search for garbage what is made meanwhile.

    After each run of a page Streamlit searches all objects. TensorFlow brings 400,000, and where several pages run each
    second, to search them again and again takes longer than to load it.
    """
    done = threading.Event()

    def freeze() -> None:
        while not done.wait(_FREEZE):
            gc.freeze()

    threading.Thread(target=freeze, name="freeze objects", daemon=True).start()
    try:
        yield
    finally:
        done.set()


@st.cache_resource
def _thread() -> threading.Thread:
    thread = threading.Thread(target=_load, name="load TensorFlow", daemon=True)
    thread.start()
    return thread


def _load() -> None:
    time.sleep(_PAUSE)
    _tidy()
    tensorflow()


def _tidy() -> None:
    with suppress(OSError):  # the runs folder cannot be written
        runs.purge()
        sweeps.purge()
        sweeps.rename_earlier_runs()

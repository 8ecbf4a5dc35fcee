"""What a server does once, in the background, while the first visitor reads a page that does not need it.

The bin loses what has been in it for 30 days, and TensorFlow is loaded.
"""

import importlib
import os
import threading
import time
from contextlib import suppress

import streamlit as st
from streamlit import runtime

from cnn import runs
from cnn.tuning import sweeps

_PAUSE = 3.0  # seconds for the first page to be drawn
_NICE = 15  # this thread gives way to those that draw pages


def begin() -> None:
    """Begin, once in the life of a server. A page that needs TensorFlow meanwhile waits for the rest only."""
    if runtime.exists():  # not in a test that runs a page by itself
        _thread()


@st.cache_resource
def _thread() -> threading.Thread:
    thread = threading.Thread(target=_load, name="load TensorFlow", daemon=True)
    thread.start()
    return thread


def _load() -> None:
    time.sleep(_PAUSE)
    _tidy()
    if hasattr(os, "sched_setscheduler"):  # Linux, where each thread has a priority
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
    importlib.import_module("cnn.ui.models")


def _tidy() -> None:
    with suppress(OSError):  # the runs folder cannot be written
        runs.purge()
        sweeps.purge()
        sweeps.rename_earlier_runs()

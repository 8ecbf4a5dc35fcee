"""What every test of a page shares."""

import gc
from collections.abc import Iterator
from functools import cache

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner

from cnn.runs import launchers
from cnn.ui import preload
from cnn.ui.predict import pictures
from tests.pages.visit import RecordingLauncher


@pytest.fixture(autouse=True, scope="session")
def scan_once() -> Iterator[None]:
    """Streamlit looks through all installed packages for components whenever a server starts; each visit has one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(autouse=True, scope="session")
def nothing_in_the_background() -> Iterator[None]:
    """What a server begins at its start would go on during other tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preload, "begin", lambda: None)
        yield


@pytest.fixture(autouse=True)
def fresh_caches():
    yield
    st.cache_data.clear()
    pictures._reread.clear()  # by what a picture shows, however it is read
    gc.freeze()  # Streamlit searches for garbage after each script: not among what is here by now


@pytest.fixture
def launcher(monkeypatch) -> RecordingLauncher:
    fake = RecordingLauncher()
    monkeypatch.setattr(launchers, "launcher", lambda: fake)
    return fake

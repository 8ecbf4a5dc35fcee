"""What every test of a page shares."""

import pytest
import streamlit as st

from cnn import jobs
from cnn.ui import pictures
from tests.pages.visit import RecordingLauncher


@pytest.fixture(autouse=True)
def fresh_caches():
    yield
    st.cache_data.clear()
    pictures._reread.clear()  # by what a picture shows, however it is read


@pytest.fixture
def launcher(monkeypatch) -> RecordingLauncher:
    fake = RecordingLauncher()
    monkeypatch.setattr(jobs, "launcher", lambda: fake)
    return fake

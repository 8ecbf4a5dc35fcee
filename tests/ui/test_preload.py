"""What a server does once, in the background."""

import time

from cnn import runs
from cnn.runs import trash
from cnn.ui import preload
from tests.runs.test_directory import finished


def test_a_server_that_starts_empties_the_bin_of_what_is_old(monkeypatch):
    old, new = finished("old"), finished("new")
    runs.delete(old)
    now = time.time()
    monkeypatch.setattr(trash.time, "time", lambda: now + 20 * 24 * 3600)
    runs.delete(new)
    monkeypatch.setattr(trash.time, "time", lambda: now + 31 * 24 * 3600)
    monkeypatch.setattr(preload.importlib, "import_module", lambda name: None)
    monkeypatch.setattr(preload, "_PAUSE", 0)
    monkeypatch.setattr(preload.os, "setpriority", lambda *priority: None)
    preload._load()
    assert [run.id for run, _ in runs.deleted()] == [new.id]

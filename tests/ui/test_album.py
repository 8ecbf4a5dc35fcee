"""Thumbnails that are selected, opened and removed: what the browser is given, and what it may say."""

import base64
from types import SimpleNamespace

import pytest

from cnn.ui.components import album


@pytest.fixture
def browser(monkeypatch):
    """Stands in for the browser: what it was given, and what it says."""
    told = SimpleNamespace(state={}, given=None, callback=None)

    def mount(key, data, on_did_change):
        told.given, told.callback = data, on_did_change

    monkeypatch.setattr(album, "_album", mount)
    monkeypatch.setattr(album.st, "session_state", told.state)

    def say(did):
        told.state["album"] = SimpleNamespace(did=did)
        told.callback()

    told.say = say
    return told


def shown(heard: list) -> None:
    album.show(
        [("a.jpg", b"webp"), ("b.jpg", b"")],
        "album",
        "Two images.",
        {"b.jpg", "elsewhere.jpg"},
        lambda names: heard.append(("select", names)),
        lambda name: heard.append(("open", name)),
        lambda names: heard.append(("delete", names)),
    )


def test_files_travel_as_they_are(browser):
    shown([])
    assert browser.given["images"] == [
        {"name": "a.jpg", "data": base64.b64encode(b"webp").decode()},
        {"name": "b.jpg", "data": ""},
    ]
    assert (browser.given["selected"], browser.given["heard"]) == (["b.jpg"], 0)


def test_what_is_done_is_reported_by_names_that_there_are(browser):
    heard = []
    shown(heard)
    browser.say({"act": "select", "names": ["a.jpg", "../../etc/passwd", 3], "number": 4})
    browser.say({"act": "open", "names": ["b.jpg"], "number": 4})
    browser.say({"act": "delete", "names": ["a.jpg", "b.jpg"], "number": 5})
    assert heard == [("select", ["a.jpg"]), ("open", "b.jpg"), ("delete", ["a.jpg", "b.jpg"])]
    shown([])
    assert browser.given["heard"] == 5


@pytest.mark.parametrize(
    "did", [None, {}, {"act": "open", "names": [], "number": 1}, {"act": 1, "names": "a.jpg"}, {"act": "x"}]
)
def test_nonsense_is_passed_over(browser, did):
    heard = []
    shown(heard)
    browser.say(did)
    assert heard == []

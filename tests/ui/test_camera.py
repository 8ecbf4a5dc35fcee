"""What the browser is given of a camera, and what is believed of the frames that it sends."""

import base64
import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from cnn.pictures import UnreadableImage
from cnn.ui.components import camera


def jpeg(level: int = 100, size: tuple[int, int] = (64, 48)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (level, level, level)).save(buffer, "JPEG")
    return buffer.getvalue()


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.fixture
def mounted(monkeypatch) -> SimpleNamespace:
    """Stands in for the browser: what was mounted last, and what it sends to a camera."""
    found = SimpleNamespace(options={}, session={})
    monkeypatch.setattr(camera, "_camera", lambda **options: found.options.update(options))
    monkeypatch.setattr(camera.st, "session_state", found.session)

    def send(**sent) -> None:
        found.session["key"] = SimpleNamespace(frame=None, taken=None) if not sent else SimpleNamespace(**sent)
        for name in sent:
            found.options[f"on_{name}_change"]()

    found.send = send
    return found


def predicted(frame: bytes) -> camera.Bars:
    return [("Hat", np.asarray(Image.open(io.BytesIO(frame))).mean() / 255), ("Skirt", 0.1)]


def live(mounted, predict=predicted, on_keep=None) -> dict:
    camera.live("key", predict, on_keep or (lambda frame: None))
    return mounted.options["data"]


def test_a_frame_is_answered_once_with_its_number(mounted):
    asked = []

    def predict(frame: bytes) -> camera.Bars:
        asked.append(frame)
        return predicted(frame)

    assert live(mounted, predict)["answered"] == 0 and mounted.options["data"]["edge"] == camera.LIVE_EDGE
    mounted.send(frame={"number": 7, "jpeg": text(jpeg(51))})
    data = live(mounted, predict)
    assert data["answered"] == 7 and data["problem"] == ""
    assert [bar["name"] for bar in data["bars"]] == ["Hat", "Skirt"]
    assert data["bars"][0]["value"] == pytest.approx(0.2, abs=0.01)
    assert live(mounted, predict) == data and asked == [jpeg(51)], "a run for another reason predicts nothing again"


def test_what_cannot_be_read_is_said_and_the_next_frame_answered(mounted):
    def refuse(frame: bytes) -> camera.Bars:
        raise UnreadableImage("The image shows only one plain colour.")

    live(mounted)
    mounted.send(frame={"number": 1, "jpeg": text(jpeg())})
    data = live(mounted, refuse)
    assert (data["answered"], data["bars"], data["problem"]) == (1, [], "The image shows only one plain colour.")
    mounted.send(frame={"number": 2, "jpeg": text(jpeg())})
    assert live(mounted)["problem"] == "" and mounted.options["data"]["answered"] == 2


BAD = {
    "nothing": None,
    "a text": "frame",
    "no number": {"jpeg": text(jpeg())},
    "a number as text": {"number": "1", "jpeg": text(jpeg())},
    "no image": {"number": 1},
    "bytes as a list": {"number": 1, "jpeg": list(jpeg())},
    "no base64": {"number": 1, "jpeg": "§§§"},
    "a PNG": {"number": 1, "jpeg": text(b"\x89PNG\r\n\x1a\n" + bytes(100))},
    "far too large": {"number": 1, "jpeg": text(jpeg() + bytes(600_000))},
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_frame_is_passed_over(kind, mounted):
    live(mounted)
    mounted.send(frame=BAD[kind])
    assert live(mounted)["answered"] == 0


def test_what_comes_after_the_camera_has_gone_is_passed_over(mounted):
    live(mounted)
    for name in ("frame", "taken"):
        mounted.options[f"on_{name}_change"]()
    assert live(mounted)["answered"] == 0


def test_the_frame_that_is_kept_is_handed_over(mounted):
    kept = []
    live(mounted, on_keep=kept.append)
    mounted.send(taken={"jpegs": [text(jpeg(3)), text(jpeg(4))]})
    assert kept == [jpeg(3)]


def test_a_burst_hands_over_all_its_frames_and_no_more(mounted):
    taken = []
    camera.burst("key", 3, 0.25, taken.append)
    data = mounted.options["data"]
    assert (data["live"], data["held"], data["count"], data["every"]) == (False, False, 3, 250)
    mounted.send(taken={"jpegs": [text(jpeg(level)) for level in range(5)]})
    assert taken == [[jpeg(0), jpeg(1), jpeg(2)]]
    for sent in ({"jpegs": []}, {"jpegs": [7, "§", None]}, {"jpegs": "text"}, [], None):
        mounted.send(taken=sent)
    assert len(taken) == 1
    mounted.send(taken={"jpegs": ["§", text(jpeg(9))]})
    assert taken[1:] == [[jpeg(9)]], "what can be used of them"


@pytest.mark.parametrize("count", [0, camera.MAX_BURST + 1])
def test_a_burst_has_a_sensible_size(count, mounted):
    with pytest.raises(ValueError, match="1 to 100"):
        camera.burst("key", count, 0.1, lambda frames: None)


def test_what_is_taken_while_the_button_is_held_is_handed_over(mounted):
    taken = []
    camera.burst("key", 4, 0.2, taken.append, held=True)
    data = mounted.options["data"]
    assert (data["live"], data["held"], data["count"], data["every"]) == (False, True, 4, 200)
    mounted.send(taken={"jpegs": [text(jpeg(1))]})
    mounted.send(taken={"jpegs": [text(jpeg(level)) for level in range(9)]})
    assert list(map(len, taken)) == [1, 4]

"""The browser's camera: live, each frame answered by Python as soon as the last one was; or frames to keep, some
at once or as long as a button is held.

`st.camera_input` takes a single photo. Here the browser's part, `camera.js` beside this file, sends frames as small
JPEG files and draws the answers itself: a run of the page is short, as it draws nothing else. Whatever a browser sends
is checked: what is no JPEG is passed over.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from cnn.config.run_config import LARGEST_EDGE
from cnn.pictures import UnreadableImage
from cnn.ui import state
from cnn.ui.components.files import component

_camera = component("camera")
LIVE_EDGE = LARGEST_EDGE  # pixels along the longest edge of a live frame: no network takes more
KEPT_EDGE = 640  # of a frame that is kept
MAX_BURST = 100  # frames
_MAX_BYTES = 500_000  # of a frame
_JPEG = b"\xff\xd8\xff"  # how each begins

Bars = Sequence[tuple[str, float]]


def live(key: str, predict: Callable[[bytes], Bars], on_keep: Callable[[bytes], None]) -> None:
    """Show the camera and, below it, what is predicted of what it sees, again and again until it is stopped.

    Args:
        key: of the element.
        predict: is given a frame, a JPEG file at most 320 pixels wide and high; returns the most probable classes, the
            first one first, with probabilities in [0, 1]. The sentence of an `UnreadableImage` is shown instead.
        on_keep: called with the frame in view when somebody keeps it, before the page runs again.
    """

    def came() -> None:
        match _sent(key, "frame"):
            case {"number": int(number), "jpeg": str(text)} if (frame := _decoded(text)) is not None:
                st.session_state[state.camera_frame(key)] = (number, frame)

    def kept() -> None:
        if frames := _frames(_sent(key, "taken"), 1):
            on_keep(frames[0])

    sent: tuple[int, bytes] | None = st.session_state.pop(state.camera_frame(key), None)
    if sent is not None:
        number, frame = sent
        st.session_state[state.camera_answer(key)] = _answered(number, frame, predict)
    answer = st.session_state.get(state.camera_answer(key), {"answered": 0, "bars": [], "problem": ""})
    _camera(
        key=key,
        data={"live": True, "edge": LIVE_EDGE, "kept_edge": KEPT_EDGE, "count": 1, "every": 0, **answer},
        on_frame_change=came,
        on_taken_change=kept,
    )


def burst(key: str, count: int, every: float, on_take: Callable[[list[bytes]], None], held: bool = False) -> None:
    """Show the camera with a button that takes some frames, one after the other.

    Args:
        key: of the element.
        count: how many, 1 to 100; at most, where it is held.
        every: seconds from one to the next.
        held: whether frames are taken while the button is held, by a pointer or with Space or Enter.
        on_take: called with them before the page runs again: JPEG files, at most 640 pixels wide and high.
    """

    def taken() -> None:
        if frames := _frames(_sent(key, "taken"), count):
            on_take(frames)

    if not 1 <= count <= MAX_BURST:
        raise ValueError(f"a burst has 1 to {MAX_BURST} frames, not {count}")
    _camera(
        key=key,
        data={
            "live": False,
            "held": held,
            "kept_edge": KEPT_EDGE,
            "count": count,
            "every": round(every * 1000),
        },
        on_frame_change=lambda: None,
        on_taken_change=taken,
    )


def _answered(number: int, frame: bytes, predict: Callable[[bytes], Bars]) -> dict[str, Any]:
    """What the browser is told of a frame."""
    try:
        bars, problem = predict(frame), ""
    except UnreadableImage as error:
        bars, problem = (), str(error)
    shown = [{"name": name, "value": round(min(max(float(value), 0.0), 1.0), 4)} for name, value in bars]
    return {"answered": number, "bars": shown, "problem": problem}


def _sent(key: str, name: str) -> Any:
    """What the browser has just sent; None where the element has gone since."""
    return getattr(st.session_state.get(key), name, None)


def _frames(sent: Any, most: int) -> list[bytes]:
    """The JPEG files among what the browser sent, at most so many."""
    match sent:
        case {"jpegs": list(texts)}:
            decoded = (_decoded(text) for text in texts[:most] if isinstance(text, str))
            return [frame for frame in decoded if frame is not None]
    return []


def _decoded(text: str) -> bytes | None:
    """A JPEG file in base64; None where it is none, or a large one."""
    if len(text) > _MAX_BYTES * 4 // 3:
        return None
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return content if content.startswith(_JPEG) else None

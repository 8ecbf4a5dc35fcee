"""A drawing board in the browser: brush, shapes, fill, mirror, undo, and an outline of a garment to trace.

The browser owns the strokes (`canvas.js`, beside this file) and sends a picture of them after each one.
"""

import base64
import binascii
from functools import cache

import numpy as np
import streamlit as st

from cnn.config import CLASS_NAMES
from cnn.data import synthetic
from cnn.pictures import UnreadableImage, open_image
from cnn.ui import state
from cnn.ui.components.files import component

SIDE = 280  # pixels of the picture, 10 for each of the network's
_MARGIN = 28
_SEEDS = (
    4,
    9,
    0,
    5,
    2,
    8,
    8,
    8,
    2,
    3,
)  # per class: a garment of `cnn.data.synthetic` that is typical and easy to trace
_STRAP = 0.03  # lines of a sketch from this width up are cloth, thinner ones are seams
_FREE = "None"
_URL = "data:image/png;base64,"

_board = component("drawing_board")


def ask() -> np.ndarray | None:
    """Show the drawing board. It keeps its drawing for the visit, whatever page it is on.

    Returns:
        uint8 (280, 280, 4), black where something is drawn, else transparent; None where nothing is. The outline to
        trace is not in it.
    """
    name = st.selectbox(
        "Outline to trace",
        [_FREE, *CLASS_NAMES],
        key="outline",
        persist_state="session",
        width=360,  # as the board, see canvas.css
        help="Faint, under your drawing. The network never sees it.",
    )
    kept = st.session_state.get(state.KEPT_DRAWING)
    template = None if name == _FREE else outline(CLASS_NAMES.index(name))
    sent = _board(
        key="drawing_board", data={"template": template, "kept": kept is not None}, on_drawing_change=lambda: None
    ).drawing
    if sent is not None:  # None: this page has not heard of its board yet
        kept = st.session_state[state.KEPT_DRAWING] = sent.get("picture")
    return _pixels(kept)


def _pixels(url: str | None) -> np.ndarray | None:
    """A PNG in a data URL, as the board sends it, decoded with the same care as a file."""
    if not isinstance(url, str) or not url.startswith(_URL):
        return None
    try:
        picture, _ = open_image(base64.b64decode(url.removeprefix(_URL), validate=True))
    except (binascii.Error, UnreadableImage):
        return None
    rgba = np.asarray(picture.convert("RGBA"))
    return rgba if rgba[..., 3].any() else None


@cache
def outline(label: int) -> str:
    """A garment of one class in faint lines, its symmetrical ones about the middle: an SVG in a data URL."""
    sketch = synthetic.Sketch(np.random.default_rng(_SEEDS[label]))
    recipe, _ = synthetic.GARMENTS[label]
    recipe(sketch)
    points = np.array([point for corners, *_ in sketch.strokes for point in corners])
    low, high = points.min(0), points.max(0)
    scale = (SIDE - 2 * _MARGIN) / (high - low).max()
    shift = SIDE / 2 - scale * (low + high) / 2
    paths = "".join(
        _path(np.array(corners) * scale + shift, width * scale, strap=width >= _STRAP)
        for corners, _, width, _ in sketch.strokes
    )
    style = 'stroke="#9fb3c8" stroke-width="1.4" stroke-linejoin="round"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}" {style}>{paths}</svg>'
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _path(points: np.ndarray, width: float, strap: bool) -> str:
    """One stroke of a sketch. What lies over others hides their lines."""
    corners = "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points)
    if not width:
        return f'<path d="{corners}Z" fill="#fff"/>'
    if not strap:
        return f'<path d="{corners}" fill="none"/>'
    inner = f'stroke="#fff" stroke-width="{width - 1.4:.1f}"'
    return "".join(f'<path d="{corners}" fill="none" {line}/>' for line in (f'stroke-width="{width + 1.4:.1f}"', inner))

"""The drawing board: the canvas of streamlit-drawable-canvas, its tools, and a tracing template under it.

The canvas sends its strokes and a PNG of them after each one. Black is ink, white rubs it out, here as on the screen.
Whatever the browser sends is checked: what cannot be read is no drawing.
"""

from dataclasses import dataclass, replace
from functools import cache, lru_cache
from io import BytesIO
from itertools import zip_longest

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw

from cnn.config import CLASS_NAMES
from cnn.data import synthetic
from cnn.pictures import UnreadableImage, open_image
from cnn.ui import state

SIDE = 280  # pixels of the board, on the screen too; 10 for each of the network input
_TOOLS = {
    "Pencil": (":material/edit:", "freedraw"),
    "Line": (":material/pen_size_3:", "line"),
    "Rectangle": (":material/rectangle:", "rect"),
    "Circle": (":material/circle:", "circle"),
    "Polygon": (":material/pentagon:", "polygon"),
    "Eraser": (":material/ink_eraser:", "freedraw"),
}
_WIDTHS = {"Bold": 20, "Thin": 6}
_STROKES = ("Path", "Line", "Rect", "Circle", "Polygon")  # as Fabric.js calls what the tools make
_STEPS = 100  # that can be undone
_NO_TEMPLATE = "None"
_FINE = 4  # a template is drawn this many times larger, then averaged
_MARGIN = 28
_FAINT = "#9fb3c8"
_STRAP = 0.03  # lines of a sketch from this width up are cloth, thinner ones are seams
# Per class, a garment of `cnn.data.synthetic` that is typical and easy to trace.
_SEEDS = (4, 9, 0, 5, 2, 8, 8, 8, 2, 3)


@dataclass(frozen=True)
class Drawing:
    """What is on the board: its strokes as Fabric.js writes them, and a PNG of (SIDE, SIDE); None before the first."""

    strokes: tuple[dict, ...] = ()
    png: bytes | None = None


@dataclass
class Kept:
    """A drawing and its history, kept for the visit.

    Attributes:
        history: everything that was on the board, from nothing to what can be redone.
        at: which of them is on it now.
        board: the number of the canvas. A new one begins with what is on the board by then.
        begun_with: the strokes with which this canvas began. It would begin again with any others.
    """

    history: tuple[Drawing, ...] = (Drawing(),)
    at: int = 0
    board: int = 0
    begun_with: tuple[dict, ...] = ()

    @property
    def drawing(self) -> Drawing:
        return self.history[self.at]

    def add(self, drawing: Drawing) -> None:
        """Put another drawing on the board; what could be redone is gone."""
        pairs = zip_longest(self.drawing.strokes[: len(drawing.strokes)], drawing.strokes)
        shared = tuple(old if old == new else new for old, new in pairs)  # or a long history would fill the memory
        self.history = (*self.history[: self.at + 1], replace(drawing, strokes=shared))[-_STEPS:]
        self.at = len(self.history) - 1

    def go(self, steps: int) -> None:
        """Take steps back, or do them again, on a new canvas."""
        self.at = min(max(self.at + steps, 0), len(self.history) - 1)
        self.board += 1

    def clear(self) -> None:
        """Take a new canvas. This can be undone."""
        self.add(Drawing())
        self.board += 1


def ask(templates: bool = True) -> np.ndarray | None:
    """Show the drawing board. It keeps its drawing for the visit, whatever page it is on.

    Args:
        templates: whether a garment can be traced.

    Returns:
        uint8 (SIDE, SIDE, 4), black where something is drawn, else transparent; None where nothing is. The tracing
        template is not in it.
    """
    from streamlit_drawable_canvas import st_canvas  # here: it can only be imported where pages run

    kept = st.session_state.setdefault(state.KEPT_DRAWING, Kept())
    tool = _tool()
    width, filled, mirrored, template = _settings(templates)
    st.caption(
        "Click the corners, then the first one again." if tool == "Polygon" else "Press and drag to draw.",
        width=140,  # the canvas's own buttons appear on its right
    )
    board, steps = st.container(), st.container(horizontal=True, gap="xsmall", width=SIDE)
    key = f"drawing_board-{kept.board}"
    if key not in st.session_state:
        kept.begun_with = kept.drawing.strokes
    with board:
        try:
            canvas = st_canvas(
                key=key,
                width=SIDE,
                height=SIDE,
                drawing_mode=_TOOLS[tool][1],
                stroke_width=width,
                stroke_color="white" if tool == "Eraser" else "black",
                fill_color="black" if filled else "transparent",
                background_image=paper(template, mirrored),
                initial_drawing={"objects": list(kept.begun_with)},
                return_image_data=True,
            )
            sent = _sent(canvas)
        except (AttributeError, KeyError, TypeError, ValueError, UnreadableImage):  # a browser may send anything
            sent = Drawing()
    if sent and sent != kept.drawing:
        kept.add(sent)
    with steps:
        _steps(kept)
    if not kept.drawing.png:
        return None
    ink = _ink(kept.drawing.png)
    return _black(np.maximum(ink, ink[:, ::-1]) if mirrored else ink) if ink.any() else None


def _tool() -> str:
    return st.pills(
        "Tool",
        list(_TOOLS),
        default="Pencil",
        required=True,
        format_func=lambda name: f"{_TOOLS[name][0]} {name}",
        key="drawing_tool",
        persist_state="session",
        label_visibility="collapsed",
        wrap=True,
    )


def _settings(templates: bool) -> tuple[int, bool, bool, int | None]:
    """The width of lines, whether shapes are filled, whether the drawing is mirrored, and the class to trace."""
    with st.container(horizontal=True, width=SIDE):
        lines = st.segmented_control(
            "Lines",
            list(_WIDTHS),
            default="Thin",
            required=True,
            format_func=lambda name: f"{name} lines",
            key="drawing_lines",
            persist_state="session",
            label_visibility="collapsed",
        )
        filled = st.toggle("Fill shapes", value=True, key="drawing_filled", persist_state="session")
        mirrored = st.toggle(
            "Mirror",
            key="drawing_mirrored",
            persist_state="session",
            help="Draw one half: its mirror image is added in the network input.",
        )
    if not templates:
        return _WIDTHS[lines], filled, mirrored, None
    name = st.selectbox(
        "Tracing template",
        [_NO_TEMPLATE, *CLASS_NAMES],
        key="tracing_template",
        persist_state="session",
        width=SIDE,
        help="Faint, under your drawing. The network never sees it.",
    )
    return _WIDTHS[lines], filled, mirrored, None if name == _NO_TEMPLATE else CLASS_NAMES.index(name)


def _steps(kept: Kept) -> None:
    """Buttons that are there for fingers and keys, too: the canvas's own appear under a mouse only."""
    before, after = kept.at, len(kept.history) - 1 - kept.at
    drawn = bool(kept.drawing.strokes)
    st.button(
        "Undo",
        key="undo_stroke",
        icon=":material/undo:",
        disabled=not before,
        on_click=kept.go,
        args=(-1,),
    )
    st.button(
        "Redo",
        key="redo_stroke",
        icon=":material/redo:",
        disabled=not after,
        on_click=kept.go,
        args=(1,),
    )
    st.button("Clear", key="clear_drawing", icon=":material/delete:", disabled=not drawn, on_click=kept.clear)


def _sent(canvas) -> Drawing | None:
    """What a `CanvasResult` has of the board; None where it has not sent anything yet."""
    png = canvas.image_bytes
    if png is None:
        return None
    _ink(png)  # or it cannot be read
    strokes = canvas.json_data["objects"]
    # No other kinds are put on a canvas again: an image, say, could be anywhere on the web.
    return Drawing(tuple(one for one in strokes if isinstance(one, dict) and one.get("type") in _STROKES), png)


@lru_cache(maxsize=16)
def _ink(png: bytes) -> np.ndarray:
    """A PNG of the board -> uint8 (SIDE, SIDE), 255 is black.

    Raises:
        UnreadableImage: it is no PNG of the board.
    """
    image, _ = open_image(png)
    if image.size != (SIDE, SIDE):
        raise UnreadableImage("The drawing has another size than the board.")
    on_white = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return 255 - np.asarray(on_white.convert("L"))


def _black(ink: np.ndarray) -> np.ndarray:
    """uint8 (h, w) -> black of this opacity, uint8 (h, w, 4)."""
    rgba = np.zeros((*ink.shape, 4), np.uint8)
    rgba[..., 3] = ink
    return rgba


# ---------------------------------------------------------------- the paper


@cache
def paper(template: int | None, mirrored: bool) -> bytes:
    """White paper, a PNG: with a garment of one class in faint lines, and with the axis of a mirror.

    It is always there, because the canvas forgets its drawing when a background image comes or goes.
    """
    image = Image.new("RGB", (SIDE * _FINE, SIDE * _FINE), "white")
    pen = ImageDraw.Draw(image)
    if template is not None:
        _trace(pen, template)
    if mirrored:
        middle = SIDE * _FINE // 2
        for y in range(0, SIDE * _FINE, 10 * _FINE):
            pen.line((middle, y, middle, y + 5 * _FINE), fill=_FAINT, width=_FINE)
    buffer = BytesIO()
    image.resize((SIDE, SIDE), Image.Resampling.BOX).save(buffer, "PNG")
    return buffer.getvalue()


def _trace(pen: ImageDraw.ImageDraw, label: int) -> None:
    """Draw a garment of one class in the middle, its symmetrical ones about it. What lies over others hides them."""
    sketch = synthetic.Sketch(np.random.default_rng(_SEEDS[label]))
    recipe, _ = synthetic.GARMENTS[label]
    recipe(sketch)
    points = np.array([point for corners, *_ in sketch.strokes for point in corners])
    low, high = points.min(0), points.max(0)
    scale = (SIDE - 2 * _MARGIN) / (high - low).max()
    shift = SIDE / 2 - scale * (low + high) / 2
    line = round(1.4 * _FINE)
    for corners, _, width, _ in sketch.strokes:
        path = [tuple(point) for point in (np.array(corners) * scale + shift) * _FINE]
        strap = round(width * scale * _FINE)
        if not width:
            pen.polygon(path, fill="white")
            pen.line([*path, *path[:2]], fill=_FAINT, width=line, joint="curve")
        elif width < _STRAP:
            pen.line(path, fill=_FAINT, width=line, joint="curve")
        else:
            pen.line(path, fill=_FAINT, width=strap + line, joint="curve")
            pen.line(path, fill="white", width=strap - line, joint="curve")

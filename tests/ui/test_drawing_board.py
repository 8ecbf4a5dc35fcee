"""The drawing board's Python half: what it makes of what the browser sends, and the outlines to trace."""

import base64
import io
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image, ImageDraw
from streamlit.testing.v1 import AppTest

from cnn.config import CLASS_NAMES
from cnn.ui.components import drawing_board


def png(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def square() -> Image.Image:
    image = Image.new("RGBA", (drawing_board.SIDE, drawing_board.SIDE))
    ImageDraw.Draw(image).rectangle((100, 100, 179, 179), "black")
    return image


def board() -> AppTest:
    def page():
        import streamlit as st

        from cnn.ui.components import drawing_board

        rgba = drawing_board.ask()
        st.markdown("Nothing" if rgba is None else f"{rgba.shape} {(rgba[..., 3] > 0).sum()}")

    return AppTest.from_function(page, default_timeout=60).run()


def send(app: AppTest, picture: object) -> str:
    """What the page says to what a board would send."""
    app.session_state["drawing_board"] = {"drawing": {"picture": picture}}
    app.run()
    assert not app.exception
    return app.markdown[0].value


def test_nothing_is_drawn_at_first():
    assert board().markdown[0].value == "Nothing"


def test_a_drawing_arrives_and_is_kept_until_it_is_cleared():
    app = board()
    assert send(app, png(square())) == "(280, 280, 4) 6400"
    del app.session_state["drawing_board"]  # another page, or another way in: the browser's board is gone
    app.run()
    assert app.markdown[0].value == "(280, 280, 4) 6400"
    assert send(app, None) == "Nothing"


@pytest.mark.parametrize(
    "picture",
    [
        png(Image.new("RGBA", (280, 280))),  # all was rubbed out
        "data:image/png;base64,AAAA",
        "data:image/png;base64,?",
        "data:text/html;base64,AAAA",
        "https://example.org/picture.png",
        7,
    ],
)
def test_what_is_no_drawing_is_none(picture):
    assert send(board(), picture) == "Nothing"


def test_the_outline_is_chosen_by_class():
    app = board()
    app.selectbox(key="outline").select("Ankle boot")
    app.run()
    assert not app.exception and app.markdown[0].value == "Nothing"


@pytest.mark.parametrize("label", range(10), ids=CLASS_NAMES)
def test_an_outline_lies_in_the_middle_of_the_board(label):
    points = outline_points(label)
    low, high = points.min(0), points.max(0)
    assert low.min() >= 0 and high.max() <= drawing_board.SIDE
    assert (high - low).max() >= 0.75 * drawing_board.SIDE
    assert np.abs((low + high) / 2 - drawing_board.SIDE / 2).max() < 1


@pytest.mark.parametrize("label", [CLASS_NAMES.index(name) for name in ("Trouser", "Pullover", "Dress", "Shirt")])
def test_an_outline_that_can_be_mirrored_stands_astride_the_mirror(label):
    x = outline_points(label)[:, 0]
    x = x[np.abs(x - drawing_board.SIDE / 2) > 40]  # buttons and pockets are on one side
    assert np.abs(np.sort(x) - np.sort(drawing_board.SIDE - x)).max() < 1


def outline_points(label: int) -> np.ndarray:
    """The corners in an outline, (n, 2)."""
    kind, _, encoded = drawing_board.outline(label).partition(",")
    assert kind == "data:image/svg+xml;base64"
    paths = ElementTree.fromstring(base64.b64decode(encoded)).iter("{http://www.w3.org/2000/svg}path")
    corners = [path.get("d").strip("MZ").split("L") for path in paths]
    return np.array([[float(value) for value in corner.split(",")] for path in corners for corner in path])

"""The drawing board's Python half: what it makes of what the browser sends, and the templates to trace."""

import base64
import io

import numpy as np
import pytest
from PIL import Image, ImageDraw
from streamlit.testing.v1 import AppTest

from cnn.config import CLASS_NAMES
from cnn.ui import state
from cnn.ui.components import drawing_board

SIDE = drawing_board.SIDE
STROKE = {"type": "Path", "stroke": "black"}


def png(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def transparent() -> Image.Image:
    return Image.new("RGBA", (SIDE, SIDE))


def square(rubbed_out: int = 0) -> Image.Image:
    """A black square on the left, of which a white one covers so many rows."""
    image = transparent()
    pen = ImageDraw.Draw(image)
    pen.rectangle((20, 100, 99, 179), "black")
    if rubbed_out:
        pen.rectangle((10, 100, 120, 100 + rubbed_out - 1), "white")
    return image


def board() -> AppTest:
    def page():
        import streamlit as st

        from cnn.ui.components import drawing_board

        rgba = drawing_board.ask()
        st.markdown("Nothing" if rgba is None else f"{rgba.shape} {(rgba[..., 3] == 255).sum()}")

    return AppTest.from_function(page, default_timeout=60).run()


def run(app: AppTest) -> str:
    app.run()
    assert not app.exception
    return app.markdown[0].value


def send(app: AppTest, data: object, strokes: object = (STROKE,)) -> str:
    """What the page says to what a canvas would send."""
    return send_anything(app, {"drawing": {"raw": {"objects": list(strokes)}, "data": data}})


def send_anything(app: AppTest, sent: dict) -> str:
    app.session_state[f"drawing_board-{kept(app).board}"] = sent
    return run(app)


def kept(app: AppTest) -> drawing_board.Kept:
    return app.session_state[state.KEPT_DRAWING]


def press(app: AppTest, key: str) -> str:
    app.button(key=key).click()
    return run(app)


def test_nothing_is_drawn_at_first():
    app = board()
    assert app.markdown[0].value == "Nothing"
    assert all(app.button(key=key).disabled for key in ("undo_stroke", "redo_stroke", "clear_drawing"))


def test_a_drawing_outlives_its_canvas_which_begins_with_it():
    app = board()
    assert send(app, png(square())) == f"({SIDE}, {SIDE}, 4) 6400"
    assert kept(app).begun_with == ()  # or the canvas would begin again after every stroke
    del app.session_state["drawing_board-0"]  # another page, or another way in
    assert run(app) == f"({SIDE}, {SIDE}, 4) 6400"
    assert kept(app).begun_with == (STROKE,)


def test_white_rubs_out():
    assert send(board(), png(square(rubbed_out=20))) == f"({SIDE}, {SIDE}, 4) 4800"
    assert send(board(), png(square(rubbed_out=80))) == "Nothing"


def test_the_mirror_adds_the_other_half():
    app = board()
    send(app, png(square()))
    app.toggle(key="drawing_mirrored").set_value(True)
    assert send(app, png(square())) == f"({SIDE}, {SIDE}, 4) 12800"


def test_undo_redo_and_clear():
    app = board()
    send(app, png(square(rubbed_out=40)))
    send(app, png(square()), (STROKE, STROKE))
    assert press(app, "undo_stroke") == f"({SIDE}, {SIDE}, 4) 3200"
    assert kept(app).begun_with == (STROKE,)
    assert press(app, "undo_stroke") == "Nothing" and app.button(key="undo_stroke").disabled
    assert press(app, "redo_stroke") == f"({SIDE}, {SIDE}, 4) 3200"
    assert press(app, "clear_drawing") == "Nothing"
    assert app.button(key="redo_stroke").disabled  # a new step ends what could be redone
    assert press(app, "undo_stroke") == f"({SIDE}, {SIDE}, 4) 3200"


def test_the_history_is_bounded_and_shares_its_strokes():
    history = drawing_board.Kept()
    for count in range(300):
        history.add(drawing_board.Drawing(tuple({"type": "Path", "n": n} for n in range(count % 40)), b""))
    assert len(history.history) <= 101
    before, after = history.history[-2:]
    assert all(one is other for one, other in zip(before.strokes, after.strokes, strict=False))


@pytest.mark.parametrize(
    "data",
    [
        png(transparent()),
        png(Image.new("RGBA", (1, 1), "black")),
        png(Image.new("RGBA", (SIDE + 1, SIDE), "black")),
        png(Image.new("1", (20_000, 20_000))),
        "data:image/png;base64,AAAA",
        "data:image/png;base64,?",
        "data:text/html;base64,AAAA",
        "https://example.org/drawing.png",
        7,
        ["data:image/png;base64,AAAA"],
    ],
)
def test_what_is_no_drawing_is_none(data):
    assert send(board(), data) == "Nothing"


@pytest.mark.parametrize(
    "sent",
    [
        {"drawing": "anything"},
        {"drawing": ["anything"]},
        {"drawing": {"raw": None, "data": png(square())}},
        {"drawing": {"raw": [], "data": png(square())}},
        {"drawing": {"raw": {"objects": 7}, "data": png(square())}},
        {"drawing": {"raw": {"objects": [STROKE]}, "data": png(square())}, "backgroundFit": 7},
        {"backgroundFit": {"naturalWidth": 1}},
    ],
)
def test_what_no_canvas_would_send_is_no_drawing(sent):
    app = board()
    assert send_anything(app, sent) == "Nothing"
    assert send(app, png(square())) == f"({SIDE}, {SIDE}, 4) 6400"  # and the board goes on


def test_only_strokes_are_put_on_a_canvas_again():
    app = board()
    send(app, png(square()), [STROKE, {"type": "Image", "src": "https://example.org/a.png"}, {"type": []}, 7])
    assert kept(app).drawing.strokes == (STROKE,)


def test_a_template_is_chosen_by_class():
    app = board()
    app.selectbox(key="tracing_template").select("Ankle boot")
    assert run(app) == "Nothing"


def lines(template: int | None, mirrored: bool = False) -> np.ndarray:
    """Where the paper is not white, bool (SIDE, SIDE)."""
    image = Image.open(io.BytesIO(drawing_board.paper(template, mirrored)))
    assert image.size == (SIDE, SIDE)
    return np.asarray(image.convert("L")) < 230


@pytest.mark.parametrize("label", range(10), ids=CLASS_NAMES)
def test_a_template_lies_in_the_middle_of_the_board(label):
    points = np.argwhere(lines(label))
    low, high = points.min(0), points.max(0)
    assert low.min() >= 0.07 * SIDE and high.max() <= 0.93 * SIDE
    assert (high - low).max() >= 0.75 * SIDE
    assert np.abs((low + high) / 2 - (SIDE - 1) / 2).max() <= 3


@pytest.mark.parametrize("label", [CLASS_NAMES.index(name) for name in ("Trouser", "Pullover", "Dress", "Shirt")])
def test_a_template_that_can_be_mirrored_stands_astride_the_mirror(label):
    drawn = lines(label)
    drawn[:, SIDE // 2 - 46 : SIDE // 2 + 46] = False  # buttons and pockets are on one side
    outline = drawn.any(axis=0).nonzero()[0]
    assert np.abs(np.sort(outline[[0, -1]]) - np.sort(SIDE - 1 - outline[[0, -1]])).max() <= 2


def test_without_a_template_the_paper_is_white_but_for_the_mirror():
    assert not lines(None).any()
    assert lines(None, mirrored=True).any(axis=0).nonzero()[0].tolist() in ([140], [139, 140], [139, 140, 141])

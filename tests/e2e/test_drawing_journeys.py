"""The drawing board in a real browser: what is drawn is what the network gets."""

import base64
import io
import re
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, WebSocket, expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
_PICTURE = re.compile(rb"data:image/png;base64,([A-Za-z0-9+/=]+)")
NOTHING = "Nothing is drawn yet"
HALF_A_SHIRT = ((136, 40), (80, 60), (40, 120), (62, 136), (80, 110), (80, 240), (136, 240))


class Board:
    """A hand at the drawing board of an open page, and an eye on the pictures that the board sends to Python."""

    def __init__(self, page: Page):
        self.page = page
        self.sent: list[np.ndarray] = []  # (280, 280): how much ink, 0 to 255
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framesent", self._look)

    def leave(self) -> None:
        self.page.remove_listener("websocket", self._listen)

    def _look(self, frame: bytes | str) -> None:
        if isinstance(frame, bytes) and (found := _PICTURE.search(frame)):
            rgba = np.asarray(Image.open(io.BytesIO(base64.b64decode(found[1]))).convert("RGBA"))
            assert not rgba[..., :3].any()  # black, whatever the theme
            self.sent.append(rgba[..., 3].astype(int))

    def open(self, url: str) -> None:
        self.page.goto(url)
        self.page.get_by_role("radio", name="Draw").click()
        expect(self.canvas).to_be_visible()
        expect(self.page.get_by_text(NOTHING)).to_be_visible()
        self.page.get_by_role("slider", name="Width").fill("22")

    @property
    def canvas(self):
        return self.page.get_by_role("application", name="Drawing board")

    @property
    def picture(self) -> np.ndarray:
        return self.sent[-1]

    def choose(self, *names: str) -> None:
        for name in names:
            self.page.locator(".board label", has_text=name).click()

    def stroke(self, *points: tuple[float, float]) -> np.ndarray:
        """Drag through points of the board, 280 wide and high. Returns the picture that came of it."""
        before = len(self.sent)
        self._go(*points[0])
        self.page.mouse.down()
        for point in points[1:]:
            self._go(*point, steps=6)
        self.page.mouse.up()
        return self.news(before)

    def click(self, x: float, y: float) -> None:
        self._go(x, y)
        self.page.mouse.down()
        self.page.mouse.up()

    def _go(self, x: float, y: float, steps: int = 1) -> None:
        self.canvas.scroll_into_view_if_needed()
        box = self.canvas.bounding_box()
        scale = box["width"] / 280
        self.page.mouse.move(box["x"] + x * scale, box["y"] + y * scale, steps=steps)

    def press(self, key: str) -> np.ndarray:
        before = len(self.sent)
        self.page.keyboard.press(key)
        return self.news(before)

    def news(self, before: int) -> np.ndarray:
        for _ in range(100):
            if len(self.sent) > before:
                return self.picture
            self.page.wait_for_timeout(50)
        raise AssertionError("The board sent no picture.")

    def expect_answer(self) -> None:
        expect(self.page.get_by_text(NOTHING)).to_be_hidden()
        expect(self.page.get_by_text(re.compile(r"\d+(\.\d+)?\s?%")).first).to_be_visible()


@pytest.fixture
def board(page, workshop) -> Iterator[Board]:
    board = Board(page)
    board.open(f"{workshop.url}/Predict")
    yield board
    board.leave()


def is_symmetrical(picture: np.ndarray) -> bool:
    return np.abs(picture - picture[:, ::-1]).max() <= 8  # of 255: edges are smooth


def test_mirror_fill_undo_and_clear(board):
    page = board.page
    board.choose("Mirror")
    outline = board.stroke(*HALF_A_SHIRT)
    assert is_symmetrical(outline) and outline[130, 195:205].max() == 255  # the other side
    board.expect_answer()

    board.choose("Fill")
    before = len(board.sent)
    board.click(10, 10)
    expect(page.get_by_text("Nothing was filled")).to_be_visible()
    assert len(board.sent) == before
    board.click(100, 150)
    filled = board.news(before)
    assert is_symmetrical(filled) and filled[60:235, 85:195].min() == 255 and filled[10, 10] == 0

    board.choose("Eraser")
    erased = board.stroke((110, 120), (110, 200))
    assert is_symmetrical(erased) and erased[150, 110] == erased[150, 169] == 0

    # One step each, whether it was mirrored or not.
    assert (board.press("Control+z") == filled).all()
    assert (board.press("Control+z") == outline).all()
    assert (board.press("Control+Shift+z") == filled).all()
    assert (board.press("Control+y") == erased).all()
    expect(page.get_by_role("button", name="Redo")).to_be_disabled()

    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text(NOTHING)).to_be_visible()
    before = len(board.sent)
    page.get_by_role("button", name="Undo").click()
    assert (board.news(before) == erased).all()
    board.expect_answer()


def test_shapes_and_polygons_are_filled(board):
    board.choose("Mirror", "Shape")
    shirt = board.stroke(*HALF_A_SHIRT)
    assert is_symmetrical(shirt) and shirt[60:230, 90:190].min() == 255  # without a seam in the middle
    board.choose("Mirror", "Polygon")
    for corner in ((20, 200), (60, 200), (60, 250), (20, 250)):
        board.click(*corner)
    before = len(board.sent)
    board.click(20, 200)  # the first again
    both = board.news(before)
    assert both[205:245, 25:55].min() == 255 and both[225, 240] == 0


def test_a_drawing_outlives_its_page_and_the_outline_is_not_in_it(board):
    page = board.page
    page.get_by_role("combobox", name="Outline to trace").click()
    page.get_by_role("option", name="Ankle boot").click()
    traced = page.locator(".board img.template")
    expect(traced).to_have_js_property("complete", True)
    expect(traced).to_be_visible()
    expect(page.get_by_text(NOTHING)).to_be_visible()
    drawn = board.stroke((60, 60), (60, 200))
    assert not drawn[:, 100:].any()

    page.get_by_role("link", name="Explore", exact=True).first.click()
    expect(page.get_by_role("heading", name="Explore", exact=True)).to_be_visible()
    expect(board.canvas).to_be_visible()  # the page remembers the way in, and the board its drawing
    expect(traced).to_be_visible()
    more = board.stroke((200, 60), (200, 200))
    assert more[130, 60] == more[130, 200] == 255
    assert (board.press("Control+z") == drawn).all()

    page.reload()
    page.get_by_role("radio", name="Draw").click()
    expect(page.get_by_text(NOTHING)).to_be_hidden()
    assert (board.picture == drawn).all()


def test_drawing_without_a_mouse(board):
    board.canvas.focus()
    for key in ("Space", "ArrowDown", "ArrowDown", "ArrowDown"):
        board.page.keyboard.press(key)
    drawn = board.press("Space")
    assert drawn[140:161, 140].min() == 255 and drawn[110, 140] == drawn[190, 140] == 0
    board.page.keyboard.press("Control+z")
    expect(board.page.get_by_text(NOTHING)).to_be_visible()


def test_the_board_fits_a_phone(browser, workshop):
    context = browser.new_context(viewport={"width": 400, "height": 800}, has_touch=True)
    board = Board(context.new_page())
    board.open(f"{workshop.url}/Predict")
    box = board.canvas.bounding_box()
    assert box["x"] >= 0 and 300 <= box["width"] <= 400 - 2 * box["x"]
    assert board.page.evaluate("document.documentElement.scrollWidth") <= 400
    board.canvas.tap(position={"x": box["width"] / 2, "y": box["height"] / 2})
    assert board.news(0)[140, 140] == 255
    context.close()

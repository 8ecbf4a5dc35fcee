"""The drawing board in a real browser: what is drawn is what the network gets."""

import base64
import io
import re
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from cnn.ui.components.drawing_board import SIDE

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
NOTHING = "Nothing is drawn yet"
_PIXELS = """image => {
    if (!image.complete || !image.naturalWidth) return null;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    canvas.getContext("2d").drawImage(image, 0, 0);
    return canvas.toDataURL();
}"""


class Board:
    """A hand at the drawing board of an open page, and an eye on the drawing beside the prediction."""

    def __init__(self, page: Page):
        self.page = page

    def open(self, url: str) -> None:
        self.page.goto(url)
        self.page.get_by_role("radio", name="Draw").click()
        expect(self.canvas).to_be_visible()
        expect(self.page.get_by_text(NOTHING)).to_be_visible()
        self.settle()

    @property
    def canvas(self) -> Locator:
        return self.page.locator("canvas.upper-canvas")

    def choose(self, *names: str) -> None:
        for name in names:
            self.page.get_by_test_id("stButtonGroup").get_by_text(name, exact=True).click()
            expect(self.page.get_by_role("radio", name=name, exact=True)).to_be_checked()
        self.settle()

    def toggle(self, name: str) -> None:
        self.page.get_by_test_id("stCheckbox").get_by_text(name, exact=True).click()
        self.settle()

    def press(self, name: str) -> None:
        """One of the buttons under the board."""
        self.page.get_by_test_id("stButton").get_by_role("button", name=name).click()
        self.settle()

    def settle(self) -> None:
        self.page.locator("[data-test-script-state=notRunning]").wait_for()
        self.page.wait_for_timeout(400)  # then the canvas takes its tool

    def stroke(self, *points: tuple[float, float]) -> None:
        self._go(*points[0])
        self.page.mouse.down()
        for point in points[1:]:
            self._go(*point, steps=6)
        self.page.mouse.up()

    def click(self, x: float, y: float) -> None:
        self.stroke((x, y))

    def _go(self, x: float, y: float, steps: int = 1) -> None:
        self.canvas.scroll_into_view_if_needed()
        box = self.canvas.bounding_box()
        self.page.mouse.move(box["x"] + x, box["y"] + y, steps=steps)

    def shown(self) -> np.ndarray | None:
        """The drawing as the page shows it, bool (SIDE, SIDE): where it is dark."""
        image = self.page.locator('img[alt^="Your drawing"]').first
        address = image.evaluate(_PIXELS) if image.count() else None
        if address is None:
            return None
        png = address.partition(",")[2]
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("L").resize((SIDE, SIDE))) < 128

    def expect(self, is_so: Callable[[np.ndarray], bool]) -> np.ndarray:
        """Wait until the drawing is as it should be."""
        drawn = None
        for _ in range(100):
            drawn = self.shown()
            if drawn is not None and is_so(drawn):
                return drawn
            self.page.wait_for_timeout(100)
        raise AssertionError(f"The drawing stayed otherwise: {None if drawn is None else np.argwhere(drawn)}")


@pytest.fixture
def board(page, workshop) -> Board:
    board = Board(page)
    board.open(f"{workshop.url}/Predict")
    return board


@pytest.mark.slow
def test_lines_eraser_and_mirror(board):
    board.choose("Bold lines")
    board.stroke((60, 60), (60, 250))
    board.expect(lambda drawn: drawn[160, 52:68].all() and not drawn[:, 100:].any())
    expect(board.page.get_by_text(NOTHING)).to_be_hidden()
    expect(board.page.get_by_text(re.compile(r"\d+(\.\d+)?\s?%")).first).to_be_visible()

    board.choose("Line", "Thin lines")
    board.stroke((100, 60), (100, 250))
    board.expect(lambda drawn: drawn[160, 99:101].all() and not drawn[160, 110:].any())
    board.choose("Eraser", "Bold lines")
    board.stroke((40, 160), (130, 160))
    board.expect(lambda drawn: drawn[100, 60] and not drawn[154:166].any())
    board.toggle("Mirror")
    drawn = board.expect(lambda drawn: drawn[100, SIDE - 60])
    assert (drawn == drawn[:, ::-1]).mean() > 0.97 and not drawn[154:166].any()


@pytest.mark.slow
def test_shapes_are_filled_or_not(board):
    board.choose("Rectangle")
    board.stroke((20, 20), (120, 100))
    board.choose("Polygon")
    for corner in ((160, 20), (260, 20), (260, 100), (160, 100), (160, 20)):
        board.click(*corner)
    board.expect(lambda drawn: drawn[30:90, 30:110].all() and drawn[30:90, 170:250].all())
    board.toggle("Fill shapes")
    board.choose("Circle")
    board.stroke((60, 220), (160, 220))  # its diameter
    board.expect(
        lambda drawn: drawn[218:222, 58:64].any() and drawn[30:90, 30:110].all() and not drawn[220, 70:150].any()
    )


@pytest.mark.slow
def test_undo_redo_and_clear(board):
    board.stroke((60, 60), (60, 250))
    board.expect(lambda drawn: drawn[160, 60])
    board.stroke((200, 60), (200, 250))
    board.expect(lambda drawn: drawn[160, 60] and drawn[160, 200])
    board.press("Undo")
    board.expect(lambda drawn: drawn[160, 60] and not drawn[160, 200])
    board.press("Redo")
    board.expect(lambda drawn: drawn[160, 60] and drawn[160, 200])
    board.press("Clear")
    expect(board.page.get_by_text(NOTHING)).to_be_visible()
    board.stroke((120, 60), (120, 250))
    board.expect(lambda drawn: drawn[160, 120] and not drawn[160, 60])
    board.press("Undo")
    board.press("Undo")
    board.expect(lambda drawn: drawn[160, 60] and drawn[160, 200] and not drawn[160, 120])


@pytest.mark.slow
def test_a_drawing_outlives_its_page_and_the_template_is_not_in_it(board):
    page = board.page
    templates = page.get_by_role("combobox", name="Tracing template")
    templates.click()
    templates.fill("Ankle boot")
    page.get_by_role("option", name="Ankle boot").click()
    board.settle()
    expect(page.get_by_text(NOTHING)).to_be_visible()
    board.stroke((60, 60), (60, 200))
    board.expect(lambda drawn: drawn[130, 60] and not drawn[:, 100:].any())

    page.get_by_role("link", name="Explore", exact=True).first.click()
    expect(page.get_by_role("heading", name="Explore", exact=True)).to_be_visible()
    page.get_by_role("link", name="Predict", exact=True).first.click()
    expect(page.get_by_role("heading", name="Predict", exact=True)).to_be_visible()
    expect(board.canvas).to_be_visible()  # the page remembers the way in, and the board its drawing
    board.expect(lambda drawn: drawn[130, 60])
    expect(templates).to_have_value("Ankle boot")
    board.settle()
    board.stroke((200, 60), (200, 200))
    board.expect(lambda drawn: drawn[130, 60] and drawn[130, 200])
    board.press("Undo")
    board.expect(lambda drawn: drawn[130, 60] and not drawn[:, 100:].any())


@pytest.mark.slow
def test_the_board_asks_nobody_outside(page, workshop):
    page.goto(f"{workshop.url}/Predict")
    expect(page.get_by_role("radio", name="Draw")).to_be_visible()
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    board = Board(page)
    page.get_by_role("radio", name="Draw").click()
    expect(board.canvas).to_be_visible()
    board.stroke((60, 60), (60, 200))
    board.expect(lambda drawn: drawn[130, 60])
    assert any("drawable" in url for url in asked)
    assert all(url.startswith((f"{workshop.url}/", "data:", "blob:")) for url in asked), asked


@pytest.mark.slow
def test_the_board_fits_a_phone(browser: Browser, workshop):
    context = browser.new_context(viewport={"width": 400, "height": 800}, has_touch=True)
    board = Board(context.new_page())
    board.open(f"{workshop.url}/Predict")
    box = board.canvas.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 400
    assert board.page.evaluate("document.documentElement.scrollWidth") <= 400
    board.canvas.tap(position={"x": 100, "y": 160})
    board.expect(lambda drawn: drawn[160, 100])
    board.canvas.tap(position={"x": 200, "y": 160})
    board.expect(lambda drawn: drawn[160, 200])
    board.press("Undo")
    board.expect(lambda drawn: drawn[160, 100] and not drawn[160, 200])
    context.close()

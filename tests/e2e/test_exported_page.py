"""The exported page in a real browser, opened from disk without a connection: it draws, and answers as the program."""

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from cnn import data, runs
from cnn.config import CLASS_NAMES
from cnn.config.datasets import Reading
from cnn.evaluation.examples import read_examples
from cnn.networks.exports.browser_page import browser_page
from cnn.networks.exports.operations import operations
from cnn.networks.load import load
from cnn.pictures.photo import photo
from tests.networks.every_layer import COLOUR, STACKS, images, network, other_shape
from tests.sampling import one_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
ASK = "async (all) => { const found = []; for (const one of all) found.push([...await predict(one)]); return found }"


@pytest.fixture
def offline(browser) -> Iterator[Page]:
    """A window without a connection, in which no script may fail and nothing may be asked for."""
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.wrong = []
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("console", lambda message: page.wrong.append(message.text) if message.type == "error" else None)
    page.on(
        "request", lambda request: page.wrong.append(request.url) if request.url[:5] not in ("file:", "blob:") else None
    )
    yield page
    assert page.wrong == []
    context.close()


def opened(page: Page, folder: Path, model: keras.Model, about: str = "", reading: Reading = "garment") -> Page:
    """The page of a network, written into a folder and opened from there."""
    classes = (CLASS_NAMES * 20)[: model.output_shape[-1]]
    file = folder / "network.html"
    content = browser_page(operations(model), model.input_shape[1:], classes, "Mine & yours", about, reading)
    file.write_text(content, "utf-8")
    page.goto(file.as_uri())
    return page


def answers(page: Page, pixels: np.ndarray) -> np.ndarray:
    """What the page's own network answers to images (n, h, w, c): (n, classes)."""
    return np.array(page.evaluate(ASK, [one.ravel().tolist() for one in pixels]))


def drawn(page: Page, *points: tuple[float, float]) -> None:
    """One stroke by the mouse; points in fractions of the board."""
    box = page.locator("#board").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=5)
    page.mouse.up()


def pixels(page: Page) -> np.ndarray:
    """The network input that the page shows, uint8 (h, w)."""
    shown = page.evaluate(
        "() => { const c = document.getElementById('input');"
        " return [c.height, c.width, [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]] }"
    )
    return np.array(shown[2], np.uint8).reshape(shown[0], shown[1], 4)[..., 0]


@pytest.mark.parametrize("name", [*COLOUR, *one_in(2, [*STACKS, "other shape"])])
def test_the_page_answers_as_the_program(name, offline, tmp_path):
    model = other_shape() if name == "other shape" else network(name)
    x = images(model)
    found = answers(opened(offline, tmp_path, model), x)
    assert np.abs(found - model.predict(x, verbose=0)).max() < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("run", runs.shipped(), ids=lambda run: run.id)
def test_the_pages_of_the_shipped_networks_answer_as_the_program(run, offline, tmp_path):
    model = load(run)
    large = run.id == runs.COLOUR_ID  # 966 million multiplications an image take a browser seconds
    x = data.scaled(read_examples(run).images)[: 5 if large else 100]
    assert len(x) == (5 if large else 100)
    opened(offline, tmp_path, model)
    assert np.abs(answers(offline, x) - model.predict(x, verbose=0)).max() < 2e-3
    assert (tmp_path / "network.html").stat().st_size < (14_000_000 if large else 4_000_000)


def test_draw_undo_clear_and_choose_a_file(offline, tmp_path):
    model = load(runs.get("dense"))
    page = opened(offline, tmp_path, model, about="Accuracy: 85%.")
    expect(page.get_by_role("heading", level=1)).to_have_text("Mine & yours")
    answer = page.locator("#answer")
    expect(answer).to_have_text("Draw, or choose an image")
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    expect(page.get_by_role("listitem")).to_have_count(10)

    trousers = [(0.36, 0.1), (0.64, 0.1), (0.68, 0.9), (0.55, 0.9), (0.5, 0.4), (0.45, 0.9), (0.32, 0.9), (0.36, 0.1)]
    drawn(page, *trousers)
    expect(answer).to_contain_text("Trouser")
    expect(page.locator("#bars .best .name")).to_have_text("Trouser")
    assert float(page.locator("#bars .best .value").inner_text().rstrip("%")) > 80
    assert sum(float(text.rstrip("%")) for text in page.locator("#bars .value").all_inner_texts()) == pytest.approx(
        100, abs=0.6
    )
    expect(page.locator("#steps")).to_contain_text("Light background: inverted, outlines filled, cropped to")
    seen = pixels(page)
    assert seen.shape == (28, 28) and seen[:, :5].max() == 0 and seen[13, 12] > 100
    shown = answers(page, seen[None, ..., None] / np.float32(255))[0]
    assert CLASS_NAMES[shown.argmax()] == "Trouser"

    page.get_by_label("Fill outlines").uncheck()
    expect(page.locator("#steps")).not_to_contain_text("filled")
    drawn(page, (0.1, 0.1), (0.1, 0.9))
    expect(page.locator("#steps")).to_contain_text("padded")
    two = pixels(page)
    page.get_by_role("button", name="Undo").click()
    page.wait_for_timeout(200)
    assert not np.array_equal(pixels(page), two)
    page.get_by_role("button", name="Clear").click()
    expect(answer).to_have_text("Draw, or choose an image")
    page.get_by_role("button", name="Undo").click()  # the drawing is back
    expect(page.locator("#steps")).to_contain_text("cropped to")

    photo = Image.new("RGB", (300, 400), (235, 235, 230))
    ImageDraw.Draw(photo).polygon([(x * 300, y * 400) for x, y in trousers], fill=(60, 60, 70))
    photo.save(tmp_path / "photo.png")
    page.get_by_label("Choose an image").set_input_files(tmp_path / "photo.png")
    expect(page.locator("#steps")).to_contain_text("Light background: inverted, cropped to")
    expect(answer).to_contain_text("Trouser")
    expect(page.get_by_label("Fill outlines")).to_be_hidden()  # a photo has none
    (tmp_path / "letter.txt").write_text("Dear")
    page.get_by_label("Choose an image").set_input_files(tmp_path / "letter.txt")
    expect(answer).to_have_text("This file is not an image that the browser can open.")


@pytest.mark.slow
def test_the_keyboard_and_a_finger_draw_too_and_nothing_bars_the_way(offline, browser, tmp_path):
    page = opened(offline, tmp_path, network("average"))
    page.locator("#board").focus()
    for key in (" ", *["ArrowRight"] * 5, *["ArrowDown"] * 5, " ", *["ArrowDown"] * 3):
        page.keyboard.press(key)
    expect(page.locator("#steps")).to_contain_text("cropped to")
    assert pixels(page).max() > 200
    assert page.evaluate("() => done.length") == 1
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(100)
        found = Axe().run(page)
        assert not found.response["violations"], found.generate_report()

    context = browser.new_context(has_touch=True, viewport={"width": 400, "height": 800}, offline=True)
    phone = context.new_page()
    phone.goto(page.url)
    expect(phone.get_by_text("Take a photo")).to_be_visible()
    phone.locator("#board").tap()  # a dot
    expect(phone.locator("#steps")).to_contain_text("cropped to")
    assert phone.evaluate("() => document.documentElement.scrollWidth") <= 400
    context.close()


def painted(page: Page, file: Path, image: Image.Image) -> np.ndarray:
    """What the page makes of a file: float32 (h, w, c) in [0, 1]."""
    image.save(file)
    page.get_by_label("Choose an image").set_input_files(file)
    expect(page.locator("#steps")).to_contain_text("caled to")
    page.wait_for_function("() => !busy")
    return np.array(page.evaluate("() => [...prepared().pixels]")).reshape(page.evaluate("() => NETWORK.input"))


@pytest.mark.parametrize("size", [(280, 210), (560, 112)], ids=["squeezed", "filled up"])
def test_a_photo_is_brought_to_the_networks_size_in_colour_as_the_program_does(size, offline, tmp_path):
    rows, columns = np.mgrid[: size[1], : size[0]]
    values = np.stack([columns / size[0], rows / size[1], 0.5 + 0.4 * np.sin(columns / 40)], axis=-1)
    image = Image.fromarray(np.uint8(values * 255))
    page = opened(offline, tmp_path, network("blocks"), reading="photo")
    found = painted(page, tmp_path / "photo.png", image)
    expected = photo(image, (32, 32), 3) / 255
    assert np.abs(found - expected).mean() < 0.01 and np.abs(found - expected).max() < 0.1
    expect(page.locator("#steps")).to_contain_text("Filled up at the edges" if size[0] == 560 else "Scaled to 32×32")
    expect(page.get_by_label("Fill outlines")).to_be_hidden()


def test_a_digit_is_centred_by_its_mass_in_a_box_of_twenty_pixels(offline, tmp_path):
    image = Image.new("RGB", (280, 280), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((60, 40, 80, 239), fill="black")  # an L: 200 pixels high, most of it at the left
    draw.rectangle((60, 220, 159, 239), fill="black")
    found = painted(opened(offline, tmp_path, network("average"), reading="shape"), tmp_path / "l.png", image)[..., 0]
    lit = np.argwhere(found > 0.5)
    assert lit[:, 0].max() - lit[:, 0].min() + 1 == 20 and lit[:, 1].max() - lit[:, 1].min() + 1 == 10
    rows, columns = np.mgrid[:28, :28] + 0.5
    middle = [(places * found).sum() / found.sum() for places in (rows, columns)]
    assert np.abs(np.array(middle) - 14).max() <= 0.6

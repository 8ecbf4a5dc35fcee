"""Looking inside a network with the mouse and with the keyboard."""

import contextlib
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Dashboard
from tests.e2e.test_journeys import maps_of

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_from_the_whole_network_to_one_product_and_back(page: Page, workshop: Dashboard):
    page.goto(f"{workshop.url}/Explore?run=lecture")
    strips = page.locator(".st-key-overview .strip")
    expect(strips).to_have_count(9)  # the image and eight blocks
    written = page.get_by_text("In 64 bits here").first

    # By mouse: a map in the overview, a pixel of it, and what is in its window.
    strips.nth(3).locator(".map").nth(2).click()
    expect(maps_of(page, r"128 maps of max_pooling2d_1; map \d+ is marked")).to_be_visible()
    expect(written).to_have_count(0)
    page.locator(".st-key-parts .strip").first.locator(".map").nth(1).click()
    expect(maps_of(page, "128 maps of conv2d_2;")).to_be_visible()
    page.locator(".st-key-map .frame").click()
    expect(written).to_be_visible()
    expect(page.get_by_text("Its receptive field: 16×16 pixels")).to_be_visible()
    page.locator(".st-key-window .frame").click()
    expect(maps_of(page, "128 maps of conv2d_1;")).to_be_visible()
    expect(written).to_be_visible()

    # By keyboard: from the image down to a block, along it, and a pixel.
    page.locator(".st-key-overview .map").first.focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(maps_of(page, "64 maps of max_pooling2d;")).to_be_visible()
    chosen = page.locator(".st-key-overview .map:focus")
    expect(chosen).to_have_attribute("aria-pressed", "true")
    page.locator(".st-key-map .frame").focus()
    for key in ("ArrowLeft", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_text("The largest value of a window of conv2d:")).to_be_visible()


@pytest.mark.slow
def test_back_forward_and_reload_bring_the_view_with_its_layer_and_pixel(page: Page, workshop: Dashboard):
    page.goto(f"{workshop.url}/Explore?run=lecture")
    opened, written = maps_of(page, "128 maps of max_pooling2d_1;"), page.get_by_text("In 64 bits here").first
    page.locator(".st-key-overview .strip").nth(3).locator(".map").nth(2).click()
    expect(opened).to_be_visible()
    page.locator(".st-key-map .frame").click()
    expect(written).to_be_visible()
    view = page.locator(".st-key-view")
    view.get_by_text("Explain").click()
    expect(page.get_by_text("What speaks for")).to_be_visible()
    view.get_by_text("Filters").click()
    expect(page.get_by_role("heading", name="Kernels")).to_be_visible()

    page.go_back()
    expect(page.get_by_text("What speaks for")).to_be_visible()
    page.go_back()
    expect(opened).to_be_visible()
    expect(written).to_be_visible()
    page.go_forward()
    expect(page.get_by_text("What speaks for")).to_be_visible()
    page.go_back()
    expect(opened).to_be_visible()
    page.reload()
    expect(opened).to_be_visible()
    expect(written).to_be_visible()


@pytest.mark.slow
def test_another_network_is_compared_and_the_link_keeps_it(page: Page, workshop: Dashboard):
    page.goto(f"{workshop.url}/Explore?run=wardrobe")
    page.get_by_role("combobox", name="Compare with run").click()
    page.get_by_role("option", name="Dense").click()
    strips = page.locator(".st-key-overview_other .strip")
    expect(strips).to_have_count(4)  # the image and three layers
    expect(page).to_have_url(re.compile("explore-compare=dense"))
    page.get_by_role("link", name="Predict", exact=True).click()
    expect(page.get_by_role("heading", name="Predict", exact=True)).to_be_visible()
    expect(page).not_to_have_url(re.compile("explore-"))
    page.go_back()
    expect(strips).to_have_count(4)


def test_hovering_reads_a_value(page: Page, workshop: Dashboard):
    page.goto(f"{workshop.url}/Explore?run=lecture")
    layer, large = page.locator(".st-key-layer"), page.locator(".st-key-map")
    _hover_until_read(layer.locator(".map").nth(3), layer.locator(".tip"), r"map 4 · row 1[45], column 1[45]: -?[\d.]+")
    _hover_until_read(large.locator(".frame"), large.locator(".tip"), r"row 1[45], column 1[45]: -?[\d.]+")


def _hover_until_read(place: Locator, tip: Locator, text: str) -> None:
    """Once more where the page, still being drawn, moved away under the pointer."""
    for _ in range(20):
        place.hover()
        with contextlib.suppress(AssertionError):
            expect(tip).to_have_text(re.compile(text), timeout=3_000)
            expect(tip).to_be_visible(timeout=1_000)
            return
    raise AssertionError(f"Hovering never read {text}.")


@pytest.mark.slow
def test_edits_change_the_predictions_and_are_undone(page: Page, workshop: Dashboard):
    page.goto(f"{workshop.url}/Explore?run=lecture&view=Edit")
    accuracy = page.get_by_test_id("stMetric").first
    expect(accuracy).to_contain_text("Test accuracy")
    before = accuracy.inner_text().splitlines()[-1]
    maps = page.locator(".st-key-edited_maps .map")
    for index in (58, 3):
        maps.nth(index).click()
        expect(maps.nth(index)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Ablate", exact=True).click()
    expect(page.get_by_text("Edited network")).to_be_visible()
    expect(page.get_by_text("ablate filters 4, 59 of conv2d")).to_be_visible()
    expect(accuracy).to_contain_text("points")
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_text("Edited network")).to_have_count(0)
    expect(accuracy).to_contain_text(before)
    expect(accuracy).not_to_contain_text("points")


@pytest.mark.slow
def test_long_work_shows_its_progress_and_stops(page: Page, workshop: Dashboard):
    page.goto(f"{workshop.url}/Explore?run=lecture&view=Filters")
    page.get_by_role("combobox", name="Convolution").click()
    page.get_by_role("option", name="conv2d_4").click()  # the one that takes the longest
    begin = page.get_by_role("button", name="Find them for all 256 filters of conv2d_4")
    begin.click()
    expect(page.get_by_text(re.compile("Finding the top activations of conv2d_4: .* left"))).to_be_visible()
    page.get_by_test_id("stMainBlockContainer").get_by_role("button", name="Stop").click()
    expect(begin).to_be_visible()


@pytest.mark.slow
def test_an_image_of_the_embedding_is_opened(page: Page, workshop: Dashboard):
    page.goto(f"{workshop.url}/Explore?run=lecture&view=Embedding")
    plot = page.locator("canvas.over")
    expect(plot).to_be_visible()
    plot.focus()
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    page.get_by_role("button", name="Open this image").click()
    expect(page.get_by_role("button", name="Pin")).to_be_visible()

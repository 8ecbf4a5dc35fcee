"""Looking inside a network with the mouse and with the keyboard."""

import contextlib
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Dashboard

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_from_the_whole_network_to_one_product_and_back(page: Page, workshop: Dashboard):
    page.goto(f"{workshop.url}/Explore?run=lecture")
    strips = page.locator(".st-key-overview .strip")
    expect(strips).to_have_count(12)  # the picture and eleven layers
    layer, written = page.locator(".st-key-layer .sheet"), page.get_by_text("In 64 bits here")

    # By mouse: a map in the overview, a pixel of it, and what is in its window.
    strips.nth(4).locator(".map").nth(2).click()
    expect(layer).to_have_attribute("aria-label", re.compile(r"128 maps of conv2d_2; map \d+ is marked"))
    expect(written).to_have_count(0)
    page.locator(".st-key-map .frame").click()
    expect(written).to_be_visible()
    expect(page.get_by_text("Its receptive field: 16×16 pixels")).to_be_visible()
    page.locator(".st-key-window .frame").click()
    expect(layer).to_have_attribute("aria-label", re.compile("128 maps of conv2d_1;"))
    expect(written).to_be_visible()

    # By keyboard: from the picture down to a layer, along it, and a pixel.
    page.locator(".st-key-overview .map").first.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(layer).to_have_attribute("aria-label", re.compile("64 maps of max_pooling2d;"))
    chosen = page.locator(".st-key-overview .map:focus")
    expect(chosen).to_have_attribute("aria-pressed", "true")
    page.locator(".st-key-map .frame").focus()
    for key in ("ArrowLeft", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_text("The largest value of a window of conv2d:")).to_be_visible()


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


def test_operations_move_the_answers_and_are_undone(page: Page, workshop: Dashboard):
    page.goto(f"{workshop.url}/Explore?run=lecture&view=What%20if")
    accuracy = page.get_by_test_id("stMetric").first
    expect(accuracy).to_contain_text("Right of")
    before = accuracy.inner_text().splitlines()[-1]
    maps = page.locator(".st-key-operated_maps .map")
    for index in (58, 3):
        maps.nth(index).click()
        expect(maps.nth(index)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Mute", exact=True).click()
    expect(page.get_by_text("Operated network: mute filters 4, 59 of conv2d")).to_be_visible()
    expect(accuracy).to_contain_text("points")
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_text("Operated network")).to_have_count(0)
    expect(accuracy).to_contain_text(before)
    expect(accuracy).not_to_contain_text("points")


def test_long_work_shows_its_progress_and_stops(page: Page, workshop: Dashboard):
    page.goto(f"{workshop.url}/Explore?run=lecture&view=Filters")
    page.get_by_role("combobox", name="Convolution").click()
    page.get_by_role("option", name="conv2d_4").click()  # the one that takes the longest
    begin = page.get_by_role("button", name="Find it for all 256 filters of conv2d_4")
    begin.click()
    expect(page.get_by_text(re.compile("Looking for what excites conv2d_4: .* left"))).to_be_visible()
    page.get_by_test_id("stMainBlockContainer").get_by_role("button", name="Stop").click()
    expect(begin).to_be_visible()


def test_a_picture_of_the_embedding_is_opened(page: Page, workshop: Dashboard):
    page.goto(f"{workshop.url}/Explore?run=lecture&view=Embedding")
    plot = page.locator("canvas.over")
    expect(plot).to_be_visible()
    plot.focus()
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    page.get_by_role("button", name="Open this picture").click()
    expect(page.get_by_role("button", name="Keep for comparison")).to_be_visible()

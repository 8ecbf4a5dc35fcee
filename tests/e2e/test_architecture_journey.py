"""From a layer of the diagram, by keyboard, to its feature maps on Explore, and back."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Dashboard
from tests.e2e.test_journeys import heading, maps_of, settled

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.slow]


def test_keys_lead_to_a_layer_to_its_maps_and_back(page: Page, workshop: Dashboard):
    page.goto(f"{workshop.url}/Model?run=lecture")
    expect(page.locator(".network [data-box]")).to_have_count(15)
    settled(page)
    page.get_by_role("button", name=re.compile("^Image, 28×28×1")).focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    layer = page.get_by_role("button", name=re.compile("^Layer 3: Conv 128 3×3 same relu, 14×14×128"))
    expect(layer).to_be_focused()
    expect(page.locator(".diagram > .card img")).to_be_visible()  # its maps, for which TensorFlow is loaded
    page.keyboard.press("Enter")
    expect(layer).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("3·3·64·128 + 128 = 73,856")).to_be_visible()
    expect(page).to_have_url(re.compile("model-layer=3"))

    with page.expect_download() as download:
        page.get_by_role("button", name="Download SVG").click()
    text = download.value.path().read_text("utf-8")
    assert text.startswith("<svg") and text.count("data-box") == 15

    page.get_by_role("link", name="Its feature maps").click()
    expect(heading(page, "Explore")).to_be_visible()
    expect(maps_of(page, "The 128 maps of conv2d_1;")).to_be_visible()
    page.go_back()
    expect(heading(page, "Architecture")).to_be_visible()
    expect(layer).to_have_attribute("aria-pressed", "true")

    page.goto(f"{workshop.url}/Model?run=wardrobe&model-compare=lecture")
    expect(page.locator(".network")).to_have_count(2)
    settled(page)
    first = page.locator(".network").first
    expect(first.locator("[data-box]")).to_have_count(17)
    first.get_by_role("button", name="Unfold layer 1", exact=True).click()
    expect(first.locator("[data-box]")).to_have_count(19)
    expect(page).to_have_url(re.compile("model-unfolded=1"))
    page.reload()
    expect(page.locator(".network").first.locator("[data-box]")).to_have_count(19)

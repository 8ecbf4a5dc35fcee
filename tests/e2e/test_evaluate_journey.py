"""From the confusion matrix to an image, to the explanation of its prediction, and back."""

import re
import shutil

import pytest
from playwright.sync_api import Page, expect

from cnn.evaluation import predictions, scores
from tests.e2e.conftest import Dashboard
from tests.e2e.test_journeys import choose, heading, settled

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_from_a_cell_to_an_image_to_its_explanation_and_back(page: Page, workshop: Dashboard, tiny):
    run = f"evaluated-{tiny.id}"
    shutil.copytree(tiny.path, workshop.runs / run)
    found = predictions.kept(tiny, "test")
    worst = scores.most_confused(scores.confusion(found))[0]
    true, predicted = found.class_names[worst.true], found.class_names[worst.predicted]
    page.goto(f"{workshop.url}/Evaluate?run={run}")
    expect(page.get_by_text("of 100 images right")).to_be_visible()

    # By mouse: the cell of the most frequent mistake.
    settled(page)
    matrix = page.locator(".st-key-confusion .nsewdrag")
    matrix.scroll_into_view_if_needed()
    box, cells = matrix.bounding_box(), len(found.class_names) + 1
    where = {"x": box["width"] * (worst.predicted + 0.5) / cells, "y": box["height"] * (worst.true + 0.5) / cells}
    matrix.hover(position=where)
    matrix.click(position=where)
    expect(page.get_by_text(f"{worst.count} images, {worst.count} of them wrong")).to_be_visible()
    expect(page).to_have_url(re.compile(f"true={re.escape(true.replace('/', '%2F').replace(' ', '+'))}"))

    # By keyboard: along the images, and one is opened.
    images = page.locator("[class*=st-key-cell-page] .map")
    images.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"Predicted: {predicted}").first).to_be_visible()
    opened = page.get_by_text(re.compile(r"^Test image [\d,]+$")).inner_text()

    page.get_by_role("link", name="Explain its prediction").click()
    expect(heading(page, "Explore")).to_be_visible()
    expect(page.get_by_text("What speaks for")).to_be_visible()
    expect(page.get_by_text(f"true label: {true}")).to_be_visible()

    page.go_back()
    expect(page.get_by_text(opened, exact=True)).to_be_visible()
    expect(page.get_by_text(f"{worst.count} images, {worst.count} of them wrong")).to_be_visible()

    # The menus do what a click does, and each view is a step back.
    choose(page, "Predicted", "Any")
    expect(page.get_by_text(f"{worst.of} images, ")).to_be_visible()
    page.get_by_role("radio", name="Classes", exact=True).click()
    expect(heading(page, "Each class")).to_be_visible()
    page.go_back()
    expect(page.get_by_text(f"{worst.of} images, ")).to_be_visible()

"""What somebody does who has many pictures, in a real browser on a real server."""

import csv
import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from cnn.config import CLASS_NAMES
from cnn.data import synthetic
from tests.e2e.test_journeys import settled

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
COUNT, BROKEN = 30, 4


def files() -> list[dict]:
    """Drawn clothes as if photographed on paper, and one letter."""
    given = []
    for number in range(COUNT):
        picture = Image.fromarray(255 - synthetic.draw(number % 10, np.random.default_rng(number), size=600))
        buffer = io.BytesIO()
        picture.convert("RGB").save(buffer, "JPEG")
        given.append({"name": f"picture {number}.jpg", "mimeType": "image/jpeg", "buffer": buffer.getvalue()})
    given[BROKEN] = {"name": "letter.jpg", "mimeType": "image/jpeg", "buffer": b"Dear Sir or Madam"}
    return given


def open_upload(page: Page, url: str) -> None:
    page.goto(f"{url}/Predict")
    expect(page.get_by_text("How it was read")).to_be_visible()  # of a sample; TensorFlow is loaded
    page.get_by_role("radio", name="Upload").click()


def choose_row(page: Page, number: int) -> None:
    """The table is painted: its rows are 52 pixels high, below a head of 35."""
    table = page.get_by_test_id("stDataFrame")
    table.scroll_into_view_if_needed()
    table.click(position={"x": 16, "y": 35 + 52 * number + 26})


def test_many_pictures_at_once(page, workshop, tmp_path):
    open_upload(page, workshop.url)
    given = files()
    page.locator("input[type=file]").set_input_files(given)

    # It can be stopped, and goes on from there.
    progress = page.get_by_test_id("stProgress")
    expect(progress).to_contain_text(re.compile(rf"[1-9]\d* of {COUNT} files"))
    page.locator(".st-key-stop_batch button").click()  # Streamlit has a Stop of its own
    expect(progress).to_contain_text("Stopped after")
    stopped = progress.inner_text()
    settled(page)
    page.wait_for_timeout(2000)
    assert progress.inner_text() == stopped
    page.get_by_role("button", name="Continue").click()
    expect(progress).to_contain_text(f"All {COUNT} files", timeout=180_000)
    expect(page.get_by_text("letter.jpg: This is no picture")).to_be_visible()

    with page.expect_download() as download:
        page.get_by_test_id("stDownloadButton").get_by_role("button").click()
    assert download.value.suggested_filename == "predictions.csv"
    download.value.save_as(tmp_path / "predictions.csv")
    lines = list(csv.DictReader(io.StringIO((tmp_path / "predictions.csv").read_text("utf-8"))))
    assert [line["file"] for line in lines] == [file["name"] for file in given]
    assert [line["file"] for line in lines if line["error"]] == ["letter.jpg"]
    assert all(line["label"] in CLASS_NAMES for line in lines if not line["error"])

    # A row opens its picture, which the Explore page then looks into.
    settled(page)
    expect(page.get_by_text("picture 0.jpg: confidence")).to_be_visible()
    choose_row(page, 2)
    expect(page.get_by_text("picture 2.jpg: confidence")).to_be_visible()
    expect(page.get_by_text("How it was read")).to_be_visible()
    settled(page)
    page.get_by_role("link", name="Explore", exact=True).click()
    expect(page.get_by_alt_text("picture 2.jpg as the network sees it")).to_be_visible()
    page.get_by_role("link", name="Predict", exact=True).click()
    expect(page.get_by_test_id("stProgress")).to_contain_text(f"All {COUNT} files")
    expect(page.get_by_text("picture 2.jpg: confidence")).to_be_visible()


def test_another_reading_and_a_turn(page, workshop):
    open_upload(page, workshop.url)
    page.locator("input[type=file]").set_input_files(files()[0])
    expect(page.get_by_text("How should it be read?")).to_be_visible()
    settled(page)  # the readings are drawn one after the other
    last = page.locator("[class*=st-key-reading-] button").filter(visible=True).last
    name = last.inner_text()
    last.click()
    expect(page.get_by_text(f"How it was read: {name}")).to_be_visible()
    settled(page)

    page.get_by_role("link", name="Explore", exact=True).click()
    expect(page.get_by_text(f"Read as: {name}.")).to_be_visible()
    settled(page)
    page.get_by_role("link", name="Predict", exact=True).click()
    expect(page.get_by_text(f"How it was read: {name}")).to_be_visible()

    settled(page)
    page.get_by_role("button", name="Turn left").click()
    expect(page.get_by_text("Turned", exact=True)).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Reset").click()
    expect(page.get_by_role("button", name="Reset")).to_have_count(0)
    expect(page.get_by_text("As it came", exact=True)).to_be_visible()

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
COUNT, BROKEN = 80, 4


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
    expect(page.get_by_text("Prediction for")).to_be_visible()  # of a sample; TensorFlow is loaded
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
    progress = page.get_by_test_id("stProgress").filter(has_text="files")
    expect(progress).to_contain_text(re.compile(rf"[1-9]\d* of {COUNT} files"))
    page.locator(".st-key-stop_batch button").click()  # Streamlit has a Stop of its own
    expect(progress).to_contain_text("Stopped after")
    stopped = progress.inner_text()
    settled(page)
    page.wait_for_timeout(2000)
    assert progress.inner_text() == stopped
    page.get_by_role("button", name="Continue").click()
    expect(progress).to_contain_text(f"All {COUNT} files", timeout=180_000)
    expect(page.get_by_text("letter.jpg: This file is not an image")).to_be_visible()

    with page.expect_download() as download:
        page.get_by_test_id("stDownloadButton").get_by_role("button").click()
    assert download.value.suggested_filename == "predictions.csv"
    download.value.save_as(tmp_path / "predictions.csv")
    lines = list(csv.DictReader(io.StringIO((tmp_path / "predictions.csv").read_text("utf-8-sig"))))
    assert [line["file"] for line in lines] == [file["name"] for file in given]
    assert [line["file"] for line in lines if line["error"]] == ["letter.jpg"]
    assert all(line["label"] in CLASS_NAMES for line in lines if not line["error"])

    # A row opens its picture, which the Explore page then looks into.
    settled(page)
    expect(page.get_by_text("Prediction for picture 0.jpg")).to_be_visible()
    choose_row(page, 2)
    expect(page.get_by_text("Prediction for picture 2.jpg")).to_be_visible()
    settled(page)
    page.get_by_role("link", name="Explore", exact=True).click()
    expect(page.get_by_text("picture 2.jpg").first).to_be_visible()
    page.get_by_role("link", name="Predict", exact=True).click()
    expect(progress).to_contain_text(f"All {COUNT} files")
    expect(page.get_by_text("Prediction for picture 2.jpg")).to_be_visible()


@pytest.mark.slow
def test_another_reading_and_a_turn(page, workshop):
    open_upload(page, workshop.url)
    page.locator("input[type=file]").set_input_files(files()[0])
    page.get_by_text("Preprocessing", exact=True).click()
    expect(page.get_by_text("Or choose one:")).to_be_visible()
    settled(page)  # the readings are drawn one after the other
    last = page.locator("[class*=st-key-reading-] button").filter(visible=True).last
    name = last.inner_text()
    last.click()
    expect(page.get_by_text(f"Steps: {name}")).to_be_visible()
    settled(page)

    page.get_by_role("link", name="Explore", exact=True).click()
    expect(page.get_by_text(f": {name}.")).to_be_visible()
    settled(page)
    page.get_by_role("link", name="Predict", exact=True).click()
    expect(page.get_by_text(f"Steps: {name}")).to_be_visible()

    settled(page)
    page.get_by_role("button", name="Rotate left").click()
    expect(page.get_by_text("Rotated", exact=True)).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Reset").click()
    expect(page.get_by_role("button", name="Reset")).to_have_count(0)
    expect(page.get_by_text("Original", exact=True).first).to_be_visible()


def test_the_image_in_view_survives_reload_and_back(page, workshop):
    page.goto(f"{workshop.url}/Predict?run=wardrobe")
    expect(page.get_by_text("Prediction for")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Number 4").click()  # a thumbnail
    expect(page.get_by_text("Prediction for T-shirt/top 4")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Prediction for T-shirt/top 4")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Random").click()
    expect(page.get_by_text("Prediction for T-shirt/top 4")).to_have_count(0)

    page.get_by_role("radio", name="Mistake").click()
    expect(page.get_by_text("Wrong: the true label is")).to_be_visible()
    settled(page)
    page.get_by_role("link", name="Explore", exact=True).click()
    expect(page.get_by_role("radio", name="Mistake")).to_be_checked()  # the image goes along
    settled(page)
    page.get_by_role("radio", name="Upload").click()
    settled(page)
    page.go_back()
    expect(page.get_by_text("Wrong: the true label is")).to_be_visible()
    expect(page.get_by_role("radio", name="Mistake")).to_be_checked()


def test_a_file_without_a_known_ending_is_read_by_its_content(page, workshop):
    open_upload(page, workshop.url)
    heic = {"name": "IMG_1.HEIC", "mimeType": "image/heic", "buffer": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"}
    page.locator("input[type=file]").set_input_files(heic)
    expect(page.get_by_text("IMG_1.HEIC: HEIC images (iPhone) cannot be read. Choose JPEG")).to_be_visible()
    page.reload()
    page.locator("input[type=file]").set_input_files({**files()[0], "name": "scan.jfif"})
    expect(page.get_by_text("Prediction for scan.jfif")).to_be_visible()

"""What somebody does who has many pictures, in a real browser on a real server."""

import csv
import io
import re

import numpy as np
import pillow_heif
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


@pytest.mark.slow
def test_many_pictures_at_once(page, workshop, tmp_path):
    open_upload(page, workshop.url)
    given = files()
    page.locator("input[type=file]").set_input_files(given)

    # It can be stopped, and goes on from there.
    progress = page.get_by_test_id("stProgress").filter(has_text=re.compile("files|chosen"))
    expect(progress).to_contain_text(re.compile(rf"[1-9]\d* of {COUNT} files"))
    page.locator(".st-key-stop_batch button").click()  # Streamlit has a Stop of its own
    expect(progress).to_contain_text("Stopped after")
    stopped = progress.inner_text()
    settled(page)
    page.wait_for_timeout(2000)
    assert progress.inner_text() == stopped
    page.get_by_role("button", name="Continue").click()
    expect(progress).to_contain_text(f"{COUNT} chosen, {COUNT - 1} read, 1 refused", timeout=180_000)
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
    expect(progress).to_contain_text(f"{COUNT} chosen, {COUNT - 1} read")
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


@pytest.mark.slow
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


ENDINGS = {  # by the format's name in Pillow
    "JPEG": (
        "photo.jpg",
        "photo.JPG",
        "photo.jpeg",
        "photo.jfif",
        "photo.jpe",
        "photo.pjpeg",
        "photo",
        "photo.heic.tmp",
    ),
    "HEIF": ("IMG_0001.HEIC", "IMG_0001.heif"),
    "AVIF": ("photo.avif",),
    "JPEG2000": ("photo.jp2", "photo.jpx"),
    "TIFF": ("photo.tif",),
    "MPO": ("photo.mpo",),
    "WEBP": ("photo.webp",),
    "GIF": ("photo.gif",),
    "BMP": ("photo.bmp",),
}
ODD_NAMES = (
    "1. front view.jpg",
    "=1+1.jpg",
    "Größe 38 – 裤子.jpg",
    "icon :material_home: .jpg",
    "user@example.com.jpg",
)


@pytest.mark.slow
def test_every_format_under_every_ending_is_read(page, workshop, tmp_path):
    pillow_heif.register_heif_opener()
    picture = Image.fromarray(255 - synthetic.draw(1, np.random.default_rng(3), size=600)).convert("RGB")
    paths = []  # given as paths, so that the browser itself says of what type they are
    for kind, names in {**ENDINGS, "JPEG": (*ENDINGS["JPEG"], *ODD_NAMES)}.items():
        for name in names:
            picture.save(tmp_path / name, kind, **({"big_tiff": True} if kind == "TIFF" else {}))
            paths.append(tmp_path / name)
    open_upload(page, workshop.url)
    page.locator("input[type=file]").set_input_files(paths)
    progress = page.get_by_test_id("stProgress").filter(has_text=re.compile("files|chosen"))
    expect(progress).to_contain_text(f"All {len(paths)} files read", timeout=120_000)
    with page.expect_download() as download:
        page.get_by_test_id("stDownloadButton").get_by_role("button").click()
    download.value.save_as(tmp_path / "predictions.csv")
    content = (tmp_path / "predictions.csv").read_bytes()
    assert content.startswith("\ufeff".encode())  # by which spreadsheets know UTF-8
    lines = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert [line["file"].removeprefix("'") for line in lines] == [path.name for path in paths]
    assert not [line["file"] for line in lines if line["file"].startswith("=")]
    assert {line["label"] for line in lines} == {"Trouser"}


@pytest.mark.slow
def test_a_file_without_an_ending_or_with_another_is_read_by_its_content(page, workshop, tmp_path):
    open_upload(page, workshop.url)
    video = {"name": "IMG_1.HEIC", "mimeType": "image/heic", "buffer": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"}
    page.locator("input[type=file]").set_input_files(video)
    expect(page.get_by_text("IMG_1.HEIC: This is a video, not an image. Take a screenshot")).to_be_visible()
    for name in ("scan.jfif", "1. scan without ending"):
        page.reload()
        (tmp_path / name).write_bytes(files()[0]["buffer"])
        page.locator("input[type=file]").set_input_files(tmp_path / name)
        expect(page.get_by_text(f"Prediction for {name}")).to_be_visible()

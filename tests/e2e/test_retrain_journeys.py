"""From images in two folders to a network that recognises one that it has not seen, in a real browser."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Dashboard
from tests.e2e.test_journeys import TRAINED, choose, enter, heading, settled

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
CLASSES = ("Horizontal", "Vertical")


def stripes(number: int, class_name: str, edge: int = 56) -> Image.Image:
    """Coloured stripes with noise: another width, place and colour for every number."""
    rng = np.random.default_rng(number)
    width, begin = rng.integers(5, 9), rng.integers(0, 12)
    bright = ((np.arange(edge) + begin) // width % 2 > 0)[:, None].repeat(edge, axis=1)
    bright = bright if class_name == "Horizontal" else bright.T
    colours = rng.integers(0, 70, 3), rng.integers(170, 256, 3)
    values = np.where(bright[..., None], colours[1], colours[0]) + rng.normal(0, 12, (edge, edge, 3))
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def fill(dashboard: Dashboard, name: str) -> Path:
    """Two classes of twenty images each."""
    folder = dashboard.runs.parent / "datasets" / name
    for class_number, class_name in enumerate(CLASSES):
        (folder / class_name).mkdir(parents=True, exist_ok=True)
        for number in range(20):
            stripes(100 * class_number + number, class_name).save(folder / class_name / f"{number:02}.png")
    return folder


def begin(page: Page) -> None:
    expect(page.get_by_role("button", name="Start training")).to_be_enabled()
    settled(page)
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"/Train\?(.*&)?run=\d{8}-\d{6}-"))
    expect(page.get_by_test_id("stProgress").first).to_contain_text("finished", timeout=TRAINED)


def expect_recognised(page: Page, tmp_path: Path) -> None:
    """From the finished run to an image that it has not seen."""
    settled(page)
    page.get_by_role("link", name="Try a photo").click()
    expect(heading(page, "Predict")).to_be_visible()
    page.get_by_role("radio", name="Upload").click()
    stripes(999, "Vertical").save(tmp_path / "unseen.png")
    page.locator("input[type=file]").set_input_files(tmp_path / "unseen.png")
    expect(page.get_by_text("Prediction for unseen.png")).to_be_visible()
    expect(page.get_by_test_id("stMain")).to_contain_text(re.compile(r"Vertical\D{0,40}\d{2}"))


def expect_explained(page: Page) -> None:
    """On to Explore with the same image: Grad-CAM lies over it."""
    settled(page)
    page.get_by_role("link", name="Explore", exact=True).first.click()
    expect(heading(page, "Explore")).to_be_visible()
    expect(page.get_by_text("unseen.png").first).to_be_visible()
    settled(page)
    page.get_by_role("radio", name="Explain").click()
    expect(page.get_by_alt_text("Grad-CAM for Vertical over the original image.")).to_be_visible(timeout=TRAINED)


def expect_usable_outside(page: Page, tmp_path: Path) -> None:
    """The network and its script, downloaded, answer without this program."""
    settled(page)
    page.get_by_role("link", name="Architecture", exact=True).first.click()
    expect(heading(page, "Architecture")).to_be_visible()
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("Network (.keras)", "Prediction script (.py)"):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        download.value.save_as(outside / download.value.suggested_filename)
    (script,) = outside.glob("*.py")
    command = [sys.executable, "-I", script.name, str(tmp_path / "unseen.png")]
    done = subprocess.run(command, cwd=outside, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    first, second = re.findall(r"([\d.]+)% +(\w+)", done.stdout)
    assert (first[1], second[1]) == ("Vertical", "Horizontal") and float(first[0]) > 60


@pytest.mark.slow
def test_a_shipped_run_is_retrained_with_two_folders_of_images(page, dashboard, tmp_path):
    fill(dashboard, "Stripes")
    page.goto(f"{dashboard.url}/New_network")
    choose(page, "Dataset", "Stripes · 40 images, 2 classes")
    expect(page.get_by_text(re.compile(r"Horizontal, Vertical\. 3\d images to train with"))).to_be_visible()
    choose(page, "Weights of", "Run Lecture · 90.9%")
    expect(page.get_by_text("The first 9 layers stay as they are")).to_be_visible()
    expect(page.get_by_role("button", name="1–13 · Lecture · 9 frozen")).to_be_visible()
    link = page.url
    begin(page)
    expect(page.get_by_text("trains the last third of the layers at a low rate")).to_be_visible()
    expect_recognised(page, tmp_path)

    # The link of the form brings all of it back.
    page.goto(link)
    expect(page.get_by_text("The first 9 layers stay as they are")).to_be_visible()


@pytest.mark.slow
def test_the_shipped_backbone_recognises_after_twenty_images_a_class(page, dashboard, tmp_path):
    fill(dashboard, "Stripes")
    page.goto(f"{dashboard.url}/New_network?dataset=Stripes")
    expect(page.get_by_text("All 25 transferred layers stay as they are")).to_be_visible()
    enter(page, "Augmented views", "1")
    begin(page)
    expect_recognised(page, tmp_path)
    expect_explained(page)
    expect_usable_outside(page, tmp_path)

"""What a student, a teacher and a tinkerer come for, click by click, in a real browser on a real server."""

import re
import subprocess
import sys

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from cnn.config import CLASS_NAMES
from tests.e2e.conftest import Dashboard
from tests.e2e.test_history import shows
from tests.e2e.test_journeys import TRAINED, add_layer, choose, enter, prepare_training, settled, tab

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.mark.slow  # test_journeys.py trains in short
def test_a_student_guesses_trains_a_network_and_judges_it(page: Page, dashboard: Dashboard):
    page.goto(dashboard.url)
    shows(page, "Start")
    page.get_by_role("radiogroup", name="Your guess").get_by_role("radio").first.click()
    expect(page.get_by_text("it is labelled")).to_be_visible()
    expect(page.get_by_text("So far: you")).to_be_visible()

    prepare_training(page, dashboard.url, epochs=2)
    page.get_by_role("button", name="Start training").click()
    shows(page, "Training")
    expect(page.get_by_text("What next?")).to_be_visible(timeout=TRAINED)
    expect(page.get_by_text("Test accuracy").first).to_be_visible()
    expect(page.get_by_text("Diagnosis", exact=True)).to_be_visible()
    expect(page.get_by_text(re.compile("Underfitting|Too early to tell"))).to_be_visible()
    page.get_by_role("link", name="Look inside").click()
    shows(page, "Explore")
    page.go_back()
    shows(page, "Training")
    page.get_by_role("link", name="Compare with Lecture").click()
    shows(page, "Runs")
    expect(page.get_by_text("Comparison", exact=True)).to_be_visible()
    page.go_back()
    shows(page, "Training")
    page.go_back()
    shows(page, "New network")


@pytest.mark.slow
def test_a_teacher_shares_a_lesson_and_comes_back(page: Page, workshop: Dashboard):
    page.goto(f"{workshop.url}/Learn?topic=filter")
    shows(page, "Lessons")
    choose(page, "Kernel", "Gaussian")
    shown = page.get_by_role("combobox", name="Kernel")
    expect(shown).to_have_value("Gaussian")
    page.get_by_role("button", name="Share lesson").click()
    shared = page.get_by_test_id("stPopoverBody").get_by_test_id("stCode")
    expect(shared).to_contain_text("filter_kernel=Gaussian")
    link = shared.inner_text().strip()
    page.keyboard.press("Escape")

    pupil = page.context.new_page()
    pupil.goto(link)
    shows(pupil, "Lessons")
    expect(pupil.get_by_role("combobox", name="Kernel")).to_have_value("Gaussian")

    page.get_by_role("link", name="The filters that this network has learned").click()
    shows(page, "Explore")
    page.go_back()
    shows(page, "Lessons")
    expect(shown).to_have_value("Gaussian")


@pytest.mark.slow
def test_a_tinkerer_builds_sweeps_compares_and_uses_the_file_elsewhere(page: Page, dashboard: Dashboard, tmp_path):
    prepare_training(page, dashboard.url, epochs=1)
    tab(page, "Data")
    enter(page, "Training examples", "200")
    add_layer(page, "Convolution")
    expect(page.get_by_text("Conv 32 3×3 same relu").first).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Run a sweep from this").click()
    shows(page, "Sweeps")
    enter(page, "Values (comma-separated)", "0.001, 0.01", "textbox")
    expect(page.get_by_text("2 trials").first).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Start sweep").click()
    expect(page.get_by_text("2 of 2", exact=True)).to_be_visible(timeout=TRAINED)
    settled(page)
    page.get_by_role("button", name="Compare the best 2").click()
    shows(page, "Runs")
    expect(page.get_by_text("Comparison", exact=True)).to_be_visible()
    page.go_back()
    shows(page, "Sweeps")
    page.locator(".st-key-trial-best").get_by_role("button", name="Open run").click()
    shows(page, "Training")
    page.get_by_role("link", name="Architecture", exact=True).first.click()
    shows(page, "Architecture")
    for name in ("Network (.keras)", "Prediction script (.py)"):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        download.value.save_as(tmp_path / download.value.suggested_filename)

    bag = Image.new("RGB", (300, 300), "white")
    ImageDraw.Draw(bag).rectangle((60, 120, 240, 260), fill="black")
    bag.save(tmp_path / "bag.png")
    [script] = tmp_path.glob("*.py")
    printed = subprocess.run(
        [sys.executable, script.name, "bag.png"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120
    ).stdout
    assert sorted(re.findall(r"% +(.+)", printed)) == sorted(CLASS_NAMES)

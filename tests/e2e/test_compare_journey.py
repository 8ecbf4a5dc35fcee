"""From two ticked runs to an image on which only one of them is right, to its explanation, and back."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from cnn.networks.load import load
from cnn.runs import Run
from tests.e2e.test_journeys import heading, settled
from tests.e2e.test_training_journeys import tick_rows

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def copied(run: Run, folder: Path, name: str) -> Path:
    """The run under another name, its network as if written now; what was found about that stays behind."""
    path = folder / f"{run.id}-{name.lower()}"
    shutil.copytree(run.path, path, ignore=shutil.ignore_patterns("found"), copy_function=shutil.copy)
    label = json.loads((path / "label.json").read_text())
    (path / "label.json").write_text(json.dumps({**label, "name": name}))
    return path


def biased(run: Run, path: Path) -> None:
    """The run's network, which predicts the first class more often."""
    model = load(run)
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([kernel, bias + 0.5 * np.eye(1, len(bias))[0]])
    model.save(path / "model.keras")


def open_first_image(page: Page) -> None:
    page.locator(".st-key-runs-images-images .map").first.focus()
    page.keyboard.press("Enter")


@pytest.mark.slow  # a minute, most of it for TensorFlow; tests/pages/test_compare_predictions.py does it in short
def test_two_ticked_runs_lead_to_an_image_of_which_only_one_is_right(page, dashboard, tiny):
    dashboard.runs.mkdir(parents=True, exist_ok=True)
    copied(tiny, dashboard.runs, "Plain")
    biased(tiny, copied(tiny, dashboard.runs, "Biased"))
    page.goto(f"{dashboard.url}/Runs")
    expect(page.get_by_text("6 runs.")).to_be_visible()
    settled(page)
    tick_rows(page, 0, 1)
    expect(page.get_by_text("2 selected", exact=True)).to_be_visible()  # none of them from the program
    page.locator(".st-key-compare_selected").get_by_role("button").click()
    expect(heading(page, "On the same images")).to_be_visible()
    expect(page).to_have_url(re.compile("runs-view=Compare"))

    settled(page)
    page.get_by_role("button", name="Measure 2 networks").click()
    said = re.compile(r"^(?!An ensemble).*(more|equally many) of 2,000 images")  # that of the ensemble is worded alike
    expect(page.get_by_text(said)).to_be_visible()
    settled(page)
    page.get_by_role("button", name=re.compile("only (Plain|Biased) right")).and_(
        page.locator(":enabled")
    ).first.click()
    expect(page.locator(".st-key-runs-images-images .map").first).to_be_visible()
    settled(page)
    open_first_image(page)
    opened = page.get_by_text(re.compile(r"Test image [\d,]+: "))
    expect(opened).to_be_visible()
    title = opened.inner_text()
    expect(page).to_have_url(re.compile("runs-image="))
    settled(page)

    page.get_by_role("link", name="Explain both predictions").click()
    expect(heading(page, "Explore")).to_be_visible()
    expect(page).to_have_url(re.compile("explore-compare="))
    expect(page.get_by_role("combobox", name="Class to explain")).to_be_visible()
    settled(page)

    page.go_back()
    expect(heading(page, "On the same images")).to_be_visible()
    expect(page.get_by_text(title)).to_be_visible()
    expect(page).to_have_url(re.compile("runs-box=only-"))

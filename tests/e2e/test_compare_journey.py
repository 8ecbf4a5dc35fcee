"""From two ticked runs to their comparison; tests/pages/test_compare_predictions.py goes on from there."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from cnn.networks.load import load
from cnn.runs import Run
from tests.e2e.test_journeys import heading, settled
from tests.e2e.test_training_journeys import tick_rows

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def copied(run: Run, folder: Path, name: str) -> Path:
    """The run under another name; what was found about its network stays behind."""
    path = folder / f"{run.id}-{name.lower()}"
    shutil.copytree(run.path, path, ignore=shutil.ignore_patterns("found"))
    label = json.loads((path / "label.json").read_text())
    (path / "label.json").write_text(json.dumps({**label, "name": name}))
    return path


def biased(run: Run, path: Path) -> None:
    """The run's network, which predicts the first class more often."""
    model = load(run)
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([kernel, bias + 0.5 * np.eye(1, len(bias))[0]])
    model.save(path / "model.keras")


@pytest.mark.slow
def test_two_ticked_runs_lead_to_their_comparison(page, dashboard, tiny):
    dashboard.runs.mkdir(parents=True, exist_ok=True)
    copied(tiny, dashboard.runs, "Plain")
    biased(tiny, copied(tiny, dashboard.runs, "Biased"))
    page.goto(f"{dashboard.url}/Runs")
    expect(page.get_by_text("5 runs.")).to_be_visible()
    settled(page)
    tick_rows(page, 0, 1)
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.locator(".st-key-compare_selected").get_by_role("button").click()
    expect(heading(page, "On the same images")).to_be_visible()
    expect(page).to_have_url(re.compile("runs-view=Compare"))

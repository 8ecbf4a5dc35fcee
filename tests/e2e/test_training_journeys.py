"""A training that a person steers, in a real browser on a real server: nothing is lost, whoever is killed."""

import json
import os
import re
import shutil
import signal
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PROJECT
from tests.e2e.test_journeys import (
    TRAINED,
    add_layer,
    begin_training,
    enter,
    epoch_shown,
    expect_points,
    heading,
    prepare_training,
    settled,
    stop,
    wait_for_epoch,
)

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def the_run(runs: Path, name: str) -> Path:
    """The directory of the run that is called so."""
    return next(path for path in runs.glob("*-*") if json.loads((path / "label.json").read_text())["name"] == name)


def finished_run(folder: Path, name: str) -> None:
    """A run that has been trained: one of the shipped ones, under another name."""
    run = Path(shutil.copytree(PROJECT / "cnn" / "pretrained" / "dense", folder / "20261101-120000-copied"))
    label = json.loads((run / "label.json").read_text())
    (run / "label.json").write_text(json.dumps({**label, "name": name}))
    (run / "status.json").write_text(json.dumps({**status(run), "created": time.time()}))


def status(run: Path) -> dict:
    return json.loads((run / "status.json").read_text())


def kill_trainer(run: Path) -> None:
    os.kill(status(run)["pid"], signal.SIGKILL)


def progress(page: Page):
    return page.get_by_test_id("stProgress").first


def set_rate(page: Page, rate: str) -> None:
    """Another learning rate from the next batch on."""
    settled(page)
    enter(page, "Learning rate", rate)
    settled(page)
    page.get_by_role("button", name="Set LR", exact=True).click()


def tick_rows(page: Page, *rows: int) -> None:
    """Tick rows of the table of runs, which is one canvas: the boxes stand at its left."""
    table = page.get_by_test_id("stDataFrame").first
    expect(table).to_be_visible()
    for row in rows:
        table.scroll_into_view_if_needed()
        box = table.bounding_box()
        page.mouse.click(box["x"] + 18, box["y"] + 35 * (row + 1) + 17)
        settled(page)


@pytest.mark.slow  # test_journeys.py and test_three_visitors.py train in short
def test_build_a_network_change_its_rate_kill_it_resume_it_and_compare_it(page, dashboard):
    finished_run(dashboard.runs, "Preset")
    prepare_training(page, dashboard.url, epochs=40)

    # Your own network: one more convolution, which finds its place before the pooling.
    add_layer(page, "Convolution")
    expect(page.get_by_text("Conv 32 3×3 same relu").first).to_be_visible()
    enter(page, "Filters", "24")
    expect(page.get_by_text("Conv 24 3×3 same relu").first).to_be_visible()
    enter(page, "Name of the run", "My network", "textbox")
    page.get_by_role("button", name="Start training").click()
    expect(heading(page, "My network")).to_be_visible()
    own = the_run(dashboard.runs, "My network")
    layers = json.loads((own / "config.json").read_text())["layers"]
    assert [layer.get("filters") for layer in layers].count(24) == 1

    # Half way: pause, a single step, another learning rate, and on.
    wait_for_epoch(page, 3)
    expect(page.get_by_role("slider", name="Epoch")).to_be_visible()  # the time lapse grows while it trains
    page.get_by_role("button", name="Pause").click()
    expect(progress(page)).to_contain_text("paused")
    page.get_by_role("button", name="Single step").click()
    expect(page.get_by_text("gradient norm").first).to_be_attached()
    set_rate(page, "0.002")
    expect(page.get_by_text("Manual changes (3)")).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    expect(progress(page)).to_contain_text("training")
    lines = (own / "metrics.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines if '"event"' in line]
    assert [event["what"] for event in events] == ["paused", "step", "learning rate", "continued"]
    assert events[2]["to"] == 0.002

    # The trainer is killed; the page says so, and the run goes on from its checkpoint.
    wait_for_epoch(page, 6)
    kill_trainer(own)
    expect(page.get_by_text(re.compile("Interrupted after"))).to_be_visible()
    page.get_by_role("button", name="Resume", exact=True).first.click()
    expect(progress(page)).to_contain_text("training")
    expect(progress(page)).to_contain_text("finished", timeout=TRAINED)
    expect_points(page, 40)
    settled(page)
    expect(page.get_by_text(re.compile(r"Manual changes \(5\)"))).to_be_visible()
    epochs = [json.loads(line) for line in (own / "metrics.jsonl").read_text().splitlines() if '"epoch", ' in line]
    assert [record["epoch"] for record in epochs] == list(range(1, 41))

    # The time lapse of it: back to the first epoch.
    slider = page.get_by_role("slider", name="Epoch")
    slider.focus()
    slider.press("Home")
    expect(page.get_by_text(re.compile(r"Validation images: \d+\.\d% correct"))).to_be_visible()

    # Beside the preset.
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(heading(page, "Runs")).to_be_visible()
    settled(page)
    tick_rows(page, 0, 1)
    expect(heading(page, "Comparison")).to_be_visible()
    expect(page.get_by_text(re.compile(r"\d+ settings differ"))).to_be_visible()
    expect(page).to_have_url(re.compile("compare="))
    expect(page.locator(".st-key-overlay-loss .js-plotly-plot").first).to_be_visible()


@pytest.mark.slow
def test_a_paused_training_that_is_killed_with_its_dashboard_comes_back(page, dashboard):
    begin_training(page, dashboard.url, epochs=500)
    link = page.url
    run = next(dashboard.runs.glob("*-tiny"))
    wait_for_epoch(page, 2)
    page.get_by_role("button", name="Pause").click()
    expect(progress(page)).to_contain_text("paused")
    epoch = epoch_shown(page)

    dashboard.kill()
    kill_trainer(run)
    dashboard.start()
    page.goto(link)
    expect(page.get_by_text(re.compile("Interrupted after"))).to_be_visible()
    page.get_by_role("button", name="Resume", exact=True).first.click()
    wait_for_epoch(page, epoch + 1)
    stop(page)
    expect(page.get_by_text(re.compile("Stopped after"))).to_be_visible()
    assert status(run)["epoch"] >= epoch


@pytest.mark.slow
def test_runs_are_found_labelled_hidden_and_deleted(page, dashboard):
    finished_run(dashboard.runs, "tiny")
    page.goto(f"{dashboard.url}/Runs")
    expect(heading(page, "Runs")).to_be_visible()
    enter(page, "Search", "tiny", "searchbox")
    expect(page.get_by_text(re.compile("1 of 5 runs"))).to_be_visible()
    tick_rows(page, 0)
    page.get_by_role("button", name="Label").click()
    page.get_by_role("textbox", name="Name").fill("Found again")
    page.get_by_role("button", name="Save").click()
    enter(page, "Search", "found", "searchbox")
    expect(page.get_by_text(re.compile("1 of 5 runs"))).to_be_visible()
    settled(page)
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_text("Delete…").click()
    page.get_by_test_id("stDialog").get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("Deleted: Found again")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Deleted: Found again")).to_be_hidden()
    run = the_run(dashboard.runs, "Found again")
    assert (run / "model.keras").is_file()

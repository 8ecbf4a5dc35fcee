"""A sweep in a real browser on a real server: started, stopped, resumed after a restart, and read."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.test_journeys import TRAINED, choose, enter, heading, settled

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def progress(page: Page):
    return page.get_by_test_id("stProgress").first


def newest_chart(page: Page, name: str):
    """Of the two slots of a chart, the one that is raised."""
    place = page.locator(f".st-key-{name}")
    expect(place.locator(".js-plotly-plot .scatterlayer").first).to_be_visible()
    top = place.evaluate(
        """place => [...place.children].sort((a, b) => getComputedStyle(a).zIndex === '1' ? -1 : 1)[0].className
            .match(/st-key-[a-z0-9-]+/)[0]"""
    )
    return page.locator(f".{top}")


@pytest.mark.slow  # the tinkerer of test_three_visitors.py starts and reads a sweep
def test_a_grid_is_started_stopped_resumed_after_a_restart_and_read(page, dashboard):
    page.goto(f"{dashboard.url}/Sweeps")
    expect(page.get_by_text("see which matter").first).to_be_visible()
    choose(page, "Start from", "Preset Tiny")
    choose(page, "Dataset", "synthetic")
    enter(page, "Training examples", "200")
    enter(page, "Epochs", "1")
    enter(page, "Values (comma-separated)", "0.01, much", "textbox")
    expect(page.get_by_text("“much” is not a number")).to_be_visible()
    expect(page.get_by_role("button", name="Start sweep")).to_be_disabled()
    enter(page, "Values (comma-separated)", "0.0001, 0.03", "textbox")
    expect(page.get_by_text("2 trials")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Start sweep").click()
    page.wait_for_url(re.compile(r"[?&]sweep=\d{8}-\d{6}"))
    link = page.url

    # It is stopped before its first trial has ended; the dashboard dies and comes back, and it goes on.
    expect(progress(page)).to_contain_text("in progress")
    # Streamlit has a Stop of its own while a page is drawn.
    page.locator(".st-key-stop_sweep").get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("Resume goes on with the trials that are left")).to_be_visible()
    dashboard.kill()
    dashboard.start()
    page.goto(link)
    page.get_by_role("button", name="Resume", exact=True).click()
    expect(page.get_by_text("2 of 2", exact=True)).to_be_visible(timeout=TRAINED)

    # The plots, and a trial that is chosen by its point.
    expect(page.get_by_text("Learning rate", exact=True).first).to_be_visible()
    chart = newest_chart(page, "sweep-setting-0")
    expect(chart.locator(".points path.point")).to_have_count(3)  # two trials, and the ring around the best
    expect(chart.get_by_text("0.0001", exact=True)).to_be_visible()
    best = page.locator(".st-key-trial-best")
    expect(best).to_contain_text(re.compile(r"Best: lr 0\.\d+ · trial \d"))
    settled(page)
    point = chart.locator(".points path.point").first
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator(".st-key-trial-chosen")).to_contain_text("Chosen: lr 0.0001 · trial 1")
    page.wait_for_url(re.compile(r"[?&]sweep-trial=1"))
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV", exact=True).click()
    lines = download.value.path().read_text("utf-8-sig").splitlines()
    assert lines[0].startswith("trial,training.learning_rate,validation_accuracy") and len(lines) == 3

    # The best run, on the Training page, and back.
    label = re.search(r"lr 0\.\d+", best.inner_text())[0]
    best.get_by_role("button", name="Open run").click()
    expect(heading(page, "Training")).to_be_visible()
    page.wait_for_url(re.compile(r"[?&]run=\d{8}-\d{6}-lr-0"))
    expect(page.get_by_role("heading", name=f"{label} · Learning rate")).to_be_visible()
    page.go_back()
    expect(heading(page, "Sweeps")).to_be_visible()
    expect(page.locator(".st-key-trial-chosen")).to_contain_text("Chosen: lr 0.0001 · trial 1")

    # Deleted with its runs, and brought back.
    settled(page)
    page.get_by_role("button", name="More").click()
    page.get_by_text("Delete…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Also delete its 2 runs").click()
    settled(page)
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("It stays in the bin for 30 days.")).to_be_visible()
    assert not list(dashboard.runs.glob("2*")) and len(list(dashboard.runs.glob(".deleted/*"))) == 2
    page.get_by_role("button", name="Undo").click()
    expect(best).to_contain_text(label)
    assert len(list(dashboard.runs.glob("2*"))) == 2

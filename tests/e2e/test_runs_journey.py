"""The Runs page in a real browser: a name that is clicked, the way back, and the bin."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.test_journeys import heading, settled
from tests.e2e.test_training_journeys import finished_run, tick_rows

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_click_on_a_name_opens_the_run_and_back_brings_the_comparison(page, workshop):
    page.goto(f"{workshop.url}/Runs?compare=dense,lecture&runs-order=Name")
    expect(heading(page, "Comparison")).to_be_visible()
    settled(page)
    table = page.get_by_test_id("stDataFrame").first.bounding_box()
    page.mouse.click(table["x"] + 80, table["y"] + 35 + 17)
    expect(heading(page, "Training")).to_be_visible()
    page.wait_for_url(re.compile(r"/Train\?run=dense"))
    settled(page)
    page.go_back()
    expect(heading(page, "Comparison")).to_be_visible()
    expect(page).to_have_url(re.compile("runs-order=Name"))
    expect(page.get_by_test_id("stMain")).to_contain_text("2 selected")


@pytest.mark.slow
def test_the_bin_gives_back_a_run_or_deletes_it_for_ever(page, dashboard):
    finished_run(dashboard.runs, "One")
    page.goto(f"{dashboard.url}/Runs?runs-search=One")
    expect(page.get_by_text("1 of 5 runs")).to_be_visible()
    for action in ("Restore", "Delete for ever"):
        settled(page)
        tick_rows(page, 0)
        expect(page.get_by_text("1 selected")).to_be_visible()
        page.get_by_role("button", name="More", exact=True).click()
        page.get_by_text("Delete…").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
        expect(page.get_by_text("It stays in the bin for 30 days.")).to_be_visible()
        page.get_by_test_id("stMain").get_by_role("radio", name="Bin").click()
        expect(page.get_by_text("1 item")).to_be_visible()
        settled(page)
        tick_rows(page, 0)
        page.get_by_role("button", name=action, exact=True).click()
        if action == "Restore":
            expect(page.get_by_text("The bin is empty")).to_be_visible()
            assert len(list(dashboard.runs.glob("2*"))) == 1
            page.get_by_test_id("stMain").get_by_role("radio", name="Runs").click()
            settled(page)
    page.get_by_role("dialog").get_by_role("button", name="Delete for ever", exact=True).click()
    expect(page.get_by_text("The bin is empty")).to_be_visible()
    assert not list(dashboard.runs.glob("2*")) and not list(dashboard.runs.glob(".deleted/*"))

"""Back, Forward, reload, a second window and a bookmark, on every page: what one had, and never an error."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import Dashboard

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PAGES = (
    "Start", "Lessons", "Collect", "New network", "Sweeps", "Runs", "Training", "Architecture", "Evaluate",
    "Explore", "Predict",
)  # fmt: skip
PATHS = {
    "Start": "/", "Lessons": "/Learn", "Collect": "/Collect", "New network": "/New_network", "Sweeps": "/Sweeps",
    "Runs": "/Runs",
    "Training": "/Train", "Architecture": "/Model", "Evaluate": "/Evaluate", "Explore": "/Explore",
    "Predict": "/Predict",
}  # fmt: skip


def shows(page: Page, name: str) -> None:
    """The page of this name is there, whole, and nothing failed in it."""
    title = "CNN Atelier" if name == "Start" else name
    expect(page.get_by_role("heading", name=title, level=1, exact=True)).to_be_visible()
    settled(page)


def settled(page: Page) -> None:
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)


def go_to(page: Page, name: str) -> None:
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()
    shows(page, name)


@pytest.mark.slow
def test_back_and_forward_take_one_step_a_page(page: Page, workshop: Dashboard):
    page.goto(workshop.url)
    shows(page, "Start")
    for name in PAGES[1:]:
        go_to(page, name)
    for name in reversed(PAGES[:-1]):
        page.go_back()
        shows(page, name)
    for name in PAGES[1:4]:
        page.go_forward()
        shows(page, name)


def test_a_click_counts_before_its_listener_is_there(page: Page, workshop: Dashboard):
    """The script that keeps the history may arrive between a click and the page that it opens."""
    late: list[Route] = []
    page.route(re.compile("/BidiComponent"), lambda request: late.append(request))
    page.goto(workshop.url)
    shows(page, "Start")
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Runs", exact=True).hover()
    assert late
    page.mouse.down()
    for request in late:
        request.continue_()
    page.wait_for_function("window.historyHasSteps")
    page.mouse.up()
    shows(page, "Runs")
    page.unroute_all()
    page.go_back()
    shows(page, "Start")


@pytest.mark.slow
def test_back_takes_one_step_a_page_that_was_typed(page: Page, workshop: Dashboard):
    names = ("Start", "Lessons", "Sweeps", "Architecture", "Runs")
    for name in names:
        page.goto(workshop.url + PATHS[name])
        shows(page, name)
    for name in reversed(names[:-1]):
        page.go_back()
        shows(page, name)

    page.goto(f"{workshop.url}/Model")  # whose link does not name the run
    shows(page, "Architecture")
    page.get_by_test_id("stSidebar").get_by_role("combobox", name="Run").click()
    page.get_by_role("option", name=re.compile("Dense")).click()
    expect(page.get_by_text("109,386").first).to_be_visible()
    settled(page)
    page.go_back()
    expect(page).to_have_url(re.compile("run=wardrobe"))
    expect(page.get_by_text("109,386")).to_have_count(0)
    shows(page, "Architecture")


def test_back_returns_to_the_run_one_looked_at(page: Page, workshop: Dashboard):
    page.goto(f"{workshop.url}/Model?run=lecture")
    shows(page, "Architecture")
    picker = page.get_by_test_id("stSidebar").get_by_test_id("stSelectbox")
    picker.get_by_role("combobox").click()
    page.get_by_role("option", name=re.compile("Dense")).click()
    expect(page).to_have_url(re.compile("run=dense"))
    expect(page.get_by_text("109,386").first).to_be_visible()
    go_to(page, "Training")
    expect(page).to_have_url(re.compile("run=dense"))
    page.go_back()
    shows(page, "Architecture")
    expect(page.get_by_text("109,386").first).to_be_visible()
    page.go_back()
    expect(page.get_by_text("1,413,834").first).to_be_visible()
    settled(page)
    page.go_forward()
    expect(page.get_by_text("109,386").first).to_be_visible()


@pytest.mark.slow
def test_an_opened_layer_is_in_the_link(page: Page, workshop: Dashboard):
    page.goto(f"{workshop.url}/Model?run=lecture")
    shows(page, "Architecture")
    page.get_by_role("combobox", name=re.compile("Open a layer")).click()
    page.get_by_role("option", name=re.compile("^1 ")).click()
    opened = page.get_by_text(re.compile(r"Conv2D\(filters=64, kernel_size=7"))
    expect(opened).to_be_visible()
    page.reload()
    shows(page, "Architecture")
    expect(opened).to_be_visible()
    go_to(page, "Runs")
    expect(page).not_to_have_url(re.compile("model-layer"))  # a page keeps its parameters to itself
    page.go_back()
    shows(page, "Architecture")
    expect(opened).to_be_visible()
    other = page.context.new_page()
    other.goto(page.url)
    shows(other, "Architecture")
    expect(other.get_by_text(re.compile(r"Conv2D\(filters=64, kernel_size=7"))).to_be_visible()


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_a_bookmark_of_another_time_opens(page: Page, workshop: Dashboard, name):
    """Values that there are not, or no longer: the page with a sentence, or with what it has in their place."""
    nonsense = "&".join(
        f"{key}={value}"
        for key in ("view", "topic", "sweep", "compare", "model-layer", "garment", "done", "hide", "network", "preset")
        for value in ("%00", "%F0%9F%91%97", "-99999999999999999999")
    )
    page.goto(f"{workshop.url}{PATHS[name]}?run=nobody&{nonsense}")
    shows(page, name)
    expect(page.get_by_text("there is no such run")).to_be_visible()

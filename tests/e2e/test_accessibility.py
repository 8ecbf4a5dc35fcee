"""Every page is searched for barriers with axe-core: in light, in dark on a phone, and at 200 % zoom."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from cnn.lessons import questions
from tests.e2e.conftest import Dashboard
from tests.e2e.test_journeys import settled

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def pick(option: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_role("radio", name=option, exact=True).click()


def open_pixel(page: Page) -> None:
    page.locator(".st-key-map .frame").click()
    expect(page.locator(".katex-display").first).to_be_visible()


class Place(NamedTuple):
    """What is looked at: the link, and what is done there first."""

    link: str
    first: Callable[[Page], None] = lambda page: None


PLACES = {
    "Start": Place(""),
    "Train": Place("Train"),
    "Train, a run": Place("Train?run=lecture", pick("This run")),
    "Runs": Place("Runs"),
    "Sweeps": Place("Sweeps"),
    "Model": Place("Model"),
    "Explore, one sum": Place("Explore?run=lecture", open_pixel),
    "Explore, Filters": Place("Explore?run=lecture&view=Filters"),
    "Explore, Why": Place("Explore?run=lecture&view=Why"),
    "Explore, What if": Place("Explore?run=lecture&view=What%20if"),
    "Explore, Embedding": Place("Explore?run=lecture&view=Embedding"),
    "Predict, a sample": Place("Predict?run=lecture"),
    "Predict, a drawing": Place("Predict?run=lecture", pick("Draw")),
    **{f"Learn, {topic}": Place(f"Learn?run=lecture&topic={topic}") for topic in questions.TOPICS},
}

HIGH = 10_000  # pixels of a window in which no page scrolls: axe reads no contrast of what it would have to scroll to

# What Streamlit draws and nobody else can change: axe's rule, and where it may be broken.
EXCUSED = {
    # A formula scrolls in a box of KaTeX that takes no tabindex; Chromium and Firefox focus such a box by themselves.
    "scrollable-region-focusable": ".katex-display",
}


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[BrowserContext]:
    """One for all visits, so that it loads Streamlit's scripts once."""
    context = browser.new_context()
    context.set_default_timeout(30_000)
    expect.set_options(timeout=60_000)  # a first page loads TensorFlow, on a busy machine
    yield context
    context.close()


@pytest.fixture(scope="module", params=PLACES)
def visited(request: pytest.FixtureRequest, window: BrowserContext, workshop: Dashboard) -> Iterator[Page]:
    """One visit for all that is looked at in a place."""
    place = PLACES[request.param]
    page = window.new_page()
    page.goto(f"{workshop.url}/{place.link}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    settled(page)
    place.first(page)
    settled(page)
    yield page
    page.close()


def look(page: Page, scheme: str, width: int, height: int = HIGH) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": height})
    expect(page.get_by_test_id("stApp")).to_have_css("color-scheme", scheme)
    page.wait_for_timeout(500)  # charts are drawn anew, in other colours and widths
    settled(page)


def barriers(page: Page) -> list[str]:
    """What axe calls serious or critical, but for what is excused."""
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollHeight <= main.clientHeight")
    found = Axe().run(page).response["violations"]
    return [
        f"{violation['id']} {node['target']}\n{node['html']}\n{node['failureSummary']}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
        if not excused(page, violation["id"], node["target"])
    ]


def excused(page: Page, rule: str, target: list) -> bool:
    """Whether Streamlit, not this program, drew the element. Within a shadow root nothing is Streamlit's."""
    return (
        rule in EXCUSED
        and isinstance(target[0], str)
        and page.evaluate("([it, where]) => document.querySelector(it)?.matches(where)", [target[0], EXCUSED[rule]])
    )


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 400)])
def test_there_is_no_barrier(visited, scheme, width):
    look(visited, scheme, width)
    found = barriers(visited)
    assert not found, "\n\n".join(found)


def test_nothing_is_lost_at_twice_the_size(visited):
    """A window of 1280×1000 at 200 %: a reader must not have to scroll two ways."""
    look(visited, "light", 640, 500)
    overflow = visited.get_by_test_id("stMain").evaluate("main => main.scrollWidth - main.clientWidth")
    assert overflow <= 0

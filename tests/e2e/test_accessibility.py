"""Every page is searched for barriers with axe-core: in light, in dark on a phone, and at 200 % zoom."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from _pytest.mark import ParameterSet
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from cnn.lessons import questions
from tests.data.folders_of_images import fill
from tests.e2e.conftest import Dashboard, leave
from tests.e2e.test_journeys import settled

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def pick(option: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_role("radio", name=option, exact=True).click()


def open_pixel(page: Page) -> None:
    page.locator(".st-key-map .frame").click()
    expect(page.locator(".katex-display").first).to_be_visible()


def show_layers(page: Page) -> None:
    fold = page.get_by_role("button", name="1–25 · EfficientNet-Lite2")
    expect(fold).to_be_visible()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    fold.click()
    expect(page.get_by_text("Layers 1–25 are frozen.")).to_be_visible()


class Place(NamedTuple):
    """What is looked at: the link, and what is done there first."""

    link: str
    first: Callable[[Page], None] = lambda page: None


def measured(page: Page) -> None:
    """Wait until the network is evaluated, once in the life of a server."""
    expect(page.get_by_text("Predicting every")).to_have_count(0)


PLACES = {
    "Start": Place(""),
    "Collect": Place("Collect"),
    "Collect, classes": Place("Collect?dataset=Pets"),
    "Collect, a class": Place("Collect?dataset=Pets&collect-class=Cat"),
    "Collect, adding": Place("Collect?dataset=Pets&collect-add=Cat"),
    "New network": Place("New_network"),
    "New network, transfer": Place("New_network?preset=transfer", show_layers),
    "Training": Place("Train?run=lecture"),
    "Runs": Place("Runs"),
    "Runs, bin": Place("Runs?runs-view=Bin"),
    "Sweeps": Place("Sweeps"),
    "Architecture": Place("Model"),
    "Evaluate": Place("Evaluate?run=dense&true=Shirt&evaluate-image=40", measured),
    **{
        f"Evaluate, {view}": Place(f"Evaluate?run=dense&evaluate-view={view}", measured)
        for view in ("Images", "Classes", "Calibration", "Robustness", "Dataset", "Report")
    },
    "Explore, one sum": Place("Explore?run=lecture", open_pixel),
    "Explore, Filters": Place("Explore?run=lecture&view=Filters"),
    "Explore, Explain": Place("Explore?run=lecture&view=Explain"),
    "Explore, Edit": Place("Explore?run=lecture&view=Edit"),
    "Explore, Embedding": Place("Explore?run=lecture&view=Embedding"),
    "Predict, a sample": Place("Predict?run=lecture"),
    "Predict, a drawing": Place("Predict?run=lecture", pick("Draw")),
    **{f"Learn, {topic}": Place(f"Learn?run=lecture&topic={topic}") for topic in questions.TOPICS},
}

LOOKS = {"light": ("light", 1280), "dark": ("dark", 400)}
SOON = ("Learn, filter",)
HIGH = 10_000  # pixels of a window in which no page scrolls: axe reads no contrast of what it would have to scroll to

# What Streamlit draws and nobody else can change: axe's rule, and where it may be broken.
EXCUSED = {
    # A formula scrolls in a box of KaTeX that takes no tabindex; Chromium and Firefox focus such a box by themselves.
    "scrollable-region-focusable": ".katex-display",
    # The list of pages holds a box for each section, which holds its items.
    "list": "[data-testid=stSidebarNavItems]",
    "listitem": "[data-testid=stSidebarNavItems] li",
}


@pytest.fixture(scope="module")
def visit(tab: Page, workshop: Dashboard) -> Iterator[Callable[[str], Page]]:
    """Goes to a place; one visit is for all that is looked at there."""
    visited = []
    fill(workshop.runs.parent / "datasets" / "Pets", {"Cat": 12, "Dog": 3, "Owl": 0})

    def go(name: str) -> Page:
        if name not in visited[-1:]:
            visited.append(name)
            place = PLACES[name]
            tab.set_viewport_size({"width": 1280, "height": 1000})
            tab.goto(f"{workshop.url}/{place.link}")
            expect(tab.get_by_role("heading", level=1)).to_be_visible()
            settled(tab)
            place.first(tab)
            settled(tab)
        return tab

    yield go
    leave(tab)


def show(page: Page, scheme: str, width: int, height: int = HIGH) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": height})
    expect(page.get_by_test_id("stApp")).to_have_css("color-scheme", scheme)
    page.wait_for_timeout(500)  # charts are drawn anew, in other colours and widths
    settled(page)


def barriers(page: Page) -> list[str]:
    """What axe calls serious or critical, but for what is excused."""
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollHeight <= main.clientHeight")
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
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


def looks() -> Iterator[ParameterSet]:
    """One place in one look at once; all others, and the zoomed ones, are slow."""
    for number, name in enumerate(PLACES):
        soon = list(LOOKS)[number % 2] if name in SOON else None
        for look in (*LOOKS, "zoomed"):
            yield pytest.param(name, look, marks=() if look == soon else pytest.mark.slow)


@pytest.mark.parametrize(("place", "look"), list(looks()))
def test_nothing_hinders_a_reader(place, look, visit):
    """No barrier; in a window of 1280×1000 at 200 % a reader must not have to scroll two ways."""
    visited = visit(place)
    if look == "zoomed":
        show(visited, "light", 640, 500)
        overflow = visited.get_by_test_id("stMain").evaluate("main => main.scrollWidth - main.clientWidth")
        assert overflow <= 0
    else:
        show(visited, *LOOKS[look])
        found = barriers(visited)
        assert not found, "\n\n".join(found)

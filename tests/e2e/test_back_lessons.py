"""Back, Forward, reload and bookmarks on the Lessons page: every lesson comes back as it was left."""

import re
from typing import NamedTuple
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, expect

from cnn.ui.learn.lessons import LESSONS
from tests.e2e.conftest import Dashboard

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

TITLES = {lesson.name: lesson.title for lesson in LESSONS}


class Setting(NamedTuple):
    """What is changed in a lesson. kind: how. key: of the parameter. label: of the control. value: afterwards."""

    kind: str
    key: str
    label: str
    value: str


SETTINGS = {
    "why": Setting("choice", "why_kernel", "Kernel k", "5×5"),
    "filter": Setting("choice", "filter_size", "Size", "7×7"),
    "stride": Setting("choice", "stride_padding", "Padding", "valid"),
    "channels": Setting("slider", "channels_bias", "Bias b", "0.05"),
    "relu": Setting("typed", "relu_map", "Map, 1 to 64", "5"),
    "pooling": Setting("choice", "pooling_direction", "Shift the image by one pixel", "up"),
    "classes": Setting("slider", "classes_temperature", "Temperature T", "1.1"),
    "learning": Setting("typed", "learning_seed", "Random seed", "7"),
    "field": Setting("typed", "field_layers", "Layers (comma-separated)", "conv 5, pool 2"),
    "transfer": Setting("choice", "transfer_examples", "Examples of each digit", "1"),
    "large": Setting("switch", "large_colour", "In colour", "false"),
    "uses": Setting("slider", "uses_angle", "Rotation (degrees)", "1"),
}


def control(page: Page, setting: Setting) -> Locator:
    match setting.kind:
        case "choice":
            group = page.get_by_role("radiogroup", name=setting.label, exact=True)
            return group.get_by_role("radio", name=setting.value, exact=True)
        case "slider":
            return page.get_by_role("slider", name=setting.label)
        case "switch":
            return page.get_by_role("switch", name=setting.label, exact=True)
        case _:
            return page.get_by_label(setting.label, exact=True)


def change(page: Page, setting: Setting) -> None:
    found = control(page, setting)
    match setting.kind:
        case "choice":
            found.click()
        case "slider":
            found.press("ArrowRight")
        case "switch":
            found.press("Space")
        case _:
            found.fill(setting.value)
            found.press("Enter")
    expect(page).to_have_url(re.compile(f"[?&]{setting.key}="))
    expect_complete(page)


def expect_complete(page: Page) -> None:
    """The server has sent all of the page."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def expect_lesson(page: Page, topic: str) -> None:
    expect(page.get_by_role("heading", name=TITLES[topic], exact=True)).to_be_visible()
    expect(page.get_by_text("Predict, then check")).to_be_visible()
    expect_complete(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def expect_as_left(page: Page, topic: str) -> None:
    expect_lesson(page, topic)
    setting = SETTINGS[topic]
    found = control(page, setting)
    match setting.kind:
        case "choice":
            expect(found).to_be_checked()
        case "switch":
            expect(found).not_to_be_checked()
        case _:
            expect(found).to_have_value(setting.value)
    expect(page).to_have_url(re.compile(rf"[?&]topic={topic}\b"))


@pytest.mark.slow
def test_every_lesson_comes_back_as_it_was_left(page: Page, workshop: Dashboard):
    page = page.context.new_page()  # a browser keeps 50 entries of a window: the journeys before may have used them
    page.goto(f"{workshop.url}/Learn?run=lecture")
    topics = list(TITLES)
    for number, topic in enumerate(topics, 1):
        expect_lesson(page, topic)
        change(page, SETTINGS[topic])
        if number < len(topics):
            before = page.evaluate("history.length")
            page.get_by_role("radio", name=str(number + 1), exact=True).click()
            expect_lesson(page, topics[number])
            expect(page).to_have_url(re.compile(f"topic={topics[number]}"))
            assert page.evaluate("history.length") == before + 1, topic
    for topic in reversed(topics[:-1]):
        page.go_back()
        expect_as_left(page, topic)
    for topic in topics[1:]:
        page.go_forward()
        expect_as_left(page, topic)
    page.reload()
    expect_as_left(page, topics[-1])
    other = page.context.new_page()
    other.goto(page.url)
    expect_as_left(other, topics[-1])
    other.close()
    page.go_back()
    expect_as_left(page, topics[-2])


@pytest.mark.slow
def test_a_bare_link_shows_the_lesson_that_was_open_last(page: Page, workshop: Dashboard):
    page.goto(f"{workshop.url}/Learn?run=lecture&topic=field")
    expect_lesson(page, "field")
    change(page, SETTINGS["field"])
    page.get_by_role("link", name="Predict", exact=True).click()
    expect(page.get_by_role("heading", name="Predict", exact=True)).to_be_visible()
    page.get_by_role("link", name="Lessons", exact=True).click()
    expect_lesson(page, "field")
    expect(page).to_have_url(re.compile("topic=field"))
    page.get_by_role("button", name="All lessons").click()
    page.get_by_role("menuitem", name=re.compile("Pooling")).click()
    expect_lesson(page, "pooling")
    page.go_back()
    expect_lesson(page, "field")
    page.go_back()
    expect(page.get_by_role("heading", name="Predict", exact=True)).to_be_visible()
    page.go_back()
    expect_as_left(page, "field")


@pytest.mark.slow
@pytest.mark.parametrize("nonsense", ["☃ 1e999 nan"])
def test_a_bookmark_may_say_anything(page: Page, workshop: Dashboard, nonsense):
    for topic, setting in SETTINGS.items():
        page.goto(f"{workshop.url}/Learn?run=lecture&topic={topic}&{setting.key}={quote(nonsense)}&{setting.key}=inf")
        expect_lesson(page, topic)

"""The camera in a real browser, live: Chromium shows a moving test pattern as if it were one."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import _CHROMIUM
from tests.e2e.test_journeys import settled

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]
LIVE = "/Predict?run=wardrobe&predict-from=Camera&predict-live=true"
_FAKE_CAMERA, _YES = "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"


@pytest.fixture
def window(browser: Browser, request) -> Iterator[Page]:
    """A window of a Chromium with the options of the test."""
    options = ["--no-sandbox", "--disable-gpu", *request.param]
    launched = browser.browser_type.launch(executable_path=_CHROMIUM, args=options)
    page = launched.new_page()
    page.set_default_timeout(90_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    launched.close()
    assert not errors


@pytest.mark.parametrize("window", [[_FAKE_CAMERA, _YES]], indirect=True, ids=["a camera"])
def test_the_camera_is_answered_stopped_and_kept(window, workshop):
    window.goto(workshop.url + LIVE)
    pace = window.locator(".pace")
    expect(pace).to_have_text(re.compile(r"[\d.]+ predictions a second"), timeout=120_000)
    expect(window.locator(".bars li")).to_have_count(5)
    expect(window.locator(".label")).not_to_be_empty()

    window.get_by_role("button", name="Stop", exact=True).click()
    expect(window.get_by_role("button", name="Start camera")).to_be_visible()
    settled(window)
    before = window.locator(".bars").inner_text()
    window.wait_for_timeout(1500)
    assert window.locator(".bars").inner_text() == before, "nothing is predicted any more"

    window.get_by_role("button", name="Start camera").click()
    window.get_by_role("button", name="Keep this image").click()
    expect(window.get_by_text("Prediction for Your photo")).to_be_visible(timeout=90_000)
    expect(window.get_by_text("From before: Your photo")).to_be_visible()


@pytest.mark.parametrize(
    ("window", "words"),
    [([_YES], "There is no camera."), ([_FAKE_CAMERA], "The camera is not allowed.")],
    indirect=["window"],
    ids=["none", "not allowed"],
)
def test_without_a_camera_the_page_says_why(window, words, workshop):
    window.goto(workshop.url + LIVE)
    expect(window.locator(".problem")).to_contain_text(words, timeout=120_000)
    expect(window.get_by_role("button", name="Start camera")).to_be_enabled()

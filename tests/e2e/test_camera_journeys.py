"""The camera in a real browser, live: Chromium shows a moving test pattern as if it were one."""

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from cnn.ui import state
from tests.e2e.conftest import _CHROMIUM
from tests.e2e.test_journeys import settled

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]
LIVE = "/Predict?run=wardrobe&predict-from=Camera&predict-live=true"
_SOME = re.compile(r"^([3-9]|\d\d+)$")  # photos
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


@pytest.mark.parametrize("window", [[_FAKE_CAMERA, _YES]], indirect=True, ids=["a camera"])
def test_photos_are_taken_as_long_as_the_button_is_held(window, workshop):
    shutil.rmtree(workshop.runs.parent / "datasets", ignore_errors=True)  # of other tests
    folder = workshop.runs.parent / "datasets" / "Shoes" / "Boot"
    folder.mkdir(parents=True)
    window.goto(f"{workshop.url}/Collect?dataset=Shoes&{state.ADDING_TO}=Boot")
    dialog = window.get_by_role("dialog")
    dialog.get_by_text("Camera", exact=True).click()
    dialog.get_by_role("button", name="Start camera").click()
    hold = dialog.get_by_role("button", name="Hold to take images")
    count = dialog.locator(".count")

    # By pointer, which leaves the button meanwhile.
    hold.hover()
    window.mouse.down()
    expect(count).to_have_text(_SOME)
    expect(dialog.get_by_role("button", name="Release to stop")).to_be_visible()
    window.mouse.move(5, 5)
    before = int(count.inner_text())
    window.wait_for_timeout(1000)
    assert int(count.inner_text()) > before
    assert not list(folder.iterdir()), "they come once it is released"
    window.mouse.up()
    expect(count).to_be_hidden()
    expect(dialog.get_by_text(re.compile(r"^\d+ images? added to Boot"))).to_be_visible()
    settled(window)
    first = len(list(folder.iterdir()))
    assert first > 3, "of a moving picture, no two alike"

    # By a key, of which the browser sends repetitions.
    for key in ("Space", "Enter"):
        hold.focus()
        window.keyboard.down(key)
        window.keyboard.down(key)
        expect(count).to_have_text(_SOME)
        window.keyboard.up(key)
        expect(count).to_be_hidden()
        settled(window)
        assert len(list(folder.iterdir())) > first
        first = len(list(folder.iterdir()))
    expect(dialog.get_by_text(f"{first} images in Boot now.")).to_be_visible()

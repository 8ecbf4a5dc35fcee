"""Nothing that a visitor opens is asked of another server."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PROJECT, Dashboard

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
SOON = ("", "New_network", "Explore", "Predict")
PAGES = ["", *(file.stem.partition("_")[2] for file in sorted((PROJECT / "pages").glob("*.py"))[1:])]


@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name in SOON else pytest.mark.slow) for name in PAGES])
def test_no_request_leaves_the_machine(page: Page, workshop: Dashboard, name):
    asked: list[str] = []
    listen = lambda request: asked.append(request.url)  # noqa: E731
    page.context.on("request", listen)
    page.goto(f"{workshop.url}/{name}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    icon = page.locator("link[rel='shortcut icon'], link[rel=icon]").first.get_attribute("href")
    page.context.remove_listener("request", listen)
    assert len(asked) > 10
    assert {urlsplit(url).netloc for url in [*asked, icon] if not url.startswith(("data:", "blob:"))} <= {
        "",
        urlsplit(workshop.url).netloc,
    }, asked

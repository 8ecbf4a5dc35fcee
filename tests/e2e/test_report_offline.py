"""The report of a run as a reader opens it: from the disk, without a network, on a screen, on a phone and on paper."""

import re
import shutil

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from cnn import report, runs

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def file(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    copy = runs.read(shutil.copytree(tiny.path, folder / tiny.id))
    path = folder / "report.html"
    path.write_text(report.html(copy), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("width", "scheme"),
    [pytest.param(1280, "light", marks=pytest.mark.slow), (400, "dark")],
    ids=["light", "dark on a phone"],
)
def test_a_report_opens_from_the_disk_with_the_network_off(browser, file, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    window = context.new_page()
    asked, said = [], []
    window.on("request", lambda request: asked.append(request.url))
    window.on("console", lambda message: said.append(message.text))
    window.on("pageerror", lambda error: said.append(str(error)))
    window.goto(file.as_uri())
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]
    assert said == []
    headings = window.get_by_role("heading", level=2).all_inner_texts()
    assert {"The network", "Confusion matrix", "Typical mistakes", "How to reproduce it"} <= set(headings)
    assert window.get_by_role("img").count() >= 6
    assert window.evaluate("document.documentElement.scrollWidth <= innerWidth")  # only tables scroll sideways
    window.get_by_role("link", name="Calibration").click()
    assert window.url.endswith("#calibration")
    expect(window.get_by_role("heading", name="Calibration")).to_be_in_viewport()
    assert Axe().run(window).response["violations"] == []
    context.close()


@pytest.mark.slow
def test_a_report_is_printed_on_several_pages(browser, file):
    window = browser.new_page()
    window.goto(file.as_uri())
    printed = window.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) > 3
    window.emulate_media(media="print")
    assert window.get_by_text('"version": 2').is_visible()  # what is folded on the screen is on the paper
    window.close()

"""Learning with the mouse and with the keyboard: the window that slides, a weight that is typed, a link for a class."""

import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from cnn.lessons import convolution, kernels
from cnn.lessons.convolution import Sliding
from tests.e2e.conftest import Dashboard

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

NUMBERS = "0 1 2 3; 4 5 6 7; 8 9 1 2; 3 4 5 6"
TYPED = f"typed=true&numbers={NUMBERS}".replace(" ", "%20")


def shown(page: Page, selector: str) -> float:
    """The number that an element shows."""
    words = page.locator(selector).inner_text().replace("−", "-")
    return float(re.findall(r"-?[\d.]+(?:e-?\d+)?", words)[-1])


def test_the_window_slides_by_key_by_hand_and_by_itself(page: Page, workshop: Dashboard):
    picture = kernels.from_text(NUMBERS, square=False)
    page.goto(f"{workshop.url}/Learn?topic=filter&run=lecture&{TYPED}&filter_kernel=emboss&filter_bias=1.5")
    stage = ".st-key-filter_stage"
    expect(page.locator(f"{stage} .where")).to_contain_text("row 1, column 1: z = ")
    map_ = convolution.convolved(picture[..., None], kernels.named("emboss", 3)[..., None], Sliding(3), 1.5)

    page.locator(f"{stage} .output").focus()
    for key, (row, column) in (
        ("ArrowLeft", (1, 0)),
        ("ArrowUp", (0, 0)),
        ("ArrowRight", (0, 1)),
        ("ArrowRight", (0, 1)),  # there is no further
        ("ArrowDown", (1, 1)),
    ):
        page.keyboard.press(key)
        expect(page.locator(f"{stage} .where")).to_contain_text(f"row {row}, column {column}: z = ")
        assert shown(page, f"{stage} .z") == pytest.approx(map_[row, column], abs=1e-4)
        products = picture[row : row + 3, column : column + 3] * kernels.named("emboss", 3)
        cells = page.locator(f"{stage} .grids .grid").nth(2).locator("output").all_inner_texts()
        assert [float(cell) for cell in cells] == pytest.approx(products.ravel().tolist(), abs=0.006)
        rows = page.locator(f"{stage} .terms span").all_inner_texts()
        ends = [float(line.split("= ")[-1].replace("−", "-")) for line in rows]
        assert ends == pytest.approx(products.sum(axis=1).tolist(), abs=1e-4)

    edge = page.locator(f"{stage} .output").bounding_box()["width"]
    page.locator(f"{stage} .output").click(position={"x": edge * 0.75, "y": edge * 0.25})
    expect(page.locator(f"{stage} .where")).to_contain_text("row 0, column 1: z = ")

    page.get_by_role("slider", name="Speed").fill("40")
    page.get_by_role("button", name="Slide").click()
    expect(page.locator(f"{stage} .where")).to_contain_text("row 1, column 1: z = ")
    expect(page.get_by_role("button", name="Slide")).to_be_visible()


def test_a_weight_is_typed_and_stays_in_the_link(page: Page, workshop: Dashboard):
    page.goto(f"{workshop.url}/Learn?topic=filter&run=lecture&{TYPED}&filter_kernel=identity")
    weight = page.get_by_role("textbox", name="Weight in row 0, column 0")
    expect(weight).to_have_value("0")
    weight.fill("2")
    weight.press("Tab")
    expect(page.get_by_role("textbox", name="Weights (rows separated by ;)")).to_have_value("2 0 0; 0 1 0; 0 0 0")
    expect(page.locator(".st-key-filter_stage .where")).to_contain_text("z = 11")  # 2 times 5 and 1
    expect(page).to_have_url(re.compile("filter_weights=2"))
    page.get_by_role("textbox", name="Weight in row 0, column 0").fill("two")
    page.keyboard.press("Tab")
    expect(page.get_by_role("textbox", name="Weight in row 0, column 0")).to_have_value("2")


def test_the_channels_add_up(page: Page, workshop: Dashboard):
    page.goto(f"{workshop.url}/Learn?topic=channels&run=lecture&channels_kernel=Gaussian&channels_bias=0.5")
    stage = ".st-key-channels_stage"
    expect(page.locator(f"{stage} .where")).to_contain_text("row 14, column 14: z = ")
    words = page.locator(f"{stage} .result").inner_text().replace("−", "-")
    bias, *sums, total = [float(n) for n in re.findall(r"-?[\d.]+(?:e-?\d+)?", words.split("= ", 2)[2])]
    assert len(sums) == 3 and bias == 0.5
    assert total == pytest.approx(bias + sum(sums), abs=1e-3)
    assert np.sign(sums[0]) == 1 and sums[1] < 0  # red counts, green counts against it


@pytest.mark.slow
def test_a_teachers_link_leaves_controls_out(page: Page, workshop: Dashboard):
    page.goto(f"{workshop.url}/Learn?topic=stride&run=lecture&stride_stride=3")
    page.get_by_role("button", name="Share lesson").click()
    page.get_by_role("combobox", name="Hide").click()
    for label in ("The list of lessons", "Stride s"):
        page.get_by_role("option", name=label).click()
    link = page.get_by_test_id("stCode")
    expect(link).to_contain_text("hide=topic.stride_stride")
    expect(link).to_contain_text("stride_stride=3")
    page.goto(link.inner_text().strip())
    expect(page.get_by_role("slider", name="Kernel size f")).to_be_visible()
    expect(page.get_by_role("slider", name="Stride s")).to_have_count(0)  # neither seen nor reached by key
    expect(page.get_by_role("button", name="All lessons")).to_have_count(0)
    page.get_by_role("button", name="Show all").click()
    expect(page.get_by_role("slider", name="Stride s")).to_have_value("3")


@pytest.mark.slow
def test_a_question_is_answered_and_survives_a_reload(page: Page, workshop: Dashboard):
    page.goto(f"{workshop.url}/Learn?topic=uses&run=lecture")
    form = page.get_by_test_id("stForm")
    for _ in range(4):  # one of the choices is right
        choices = form.get_by_role("radio")
        expect(choices.first).to_be_attached()
        for index in range(choices.count()):
            form.locator("label").filter(has=page.get_by_role("radio")).nth(index).click()
            form.get_by_role("button", name="Check").click()
            told = page.get_by_text(re.compile("^(Right|Not quite)"))
            expect(told).to_be_visible()
            if told.inner_text().startswith("Right"):
                expect(page.get_by_text("1 of 12 questions answered")).to_be_visible()
                page.reload()
                expect(page.get_by_text("1 of 12 questions answered")).to_be_visible()
                return
    raise AssertionError("No choice was right.")

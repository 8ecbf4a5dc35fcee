"""What a newcomer does, in a real browser on a real server."""

import io
import re

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
TRAINED = 300_000  # milliseconds for a small training, which gives way to all other processes of a busy machine


def heading(page: Page, name: str):
    return page.get_by_role("heading", name=name, exact=True)


def choose(page: Page, label: str, option: str) -> None:
    """Pick an option of a select box. Scrolling closes one that is open, so that comes first."""
    settled(page)
    page.get_by_role("combobox", name=label).hover()  # which scrolls to it, and tries again where it is drawn anew
    page.wait_for_timeout(300)
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()


def settled(page: Page) -> None:
    """Wait until the page has been drawn: a redraw would close what is opened now."""
    page.wait_for_timeout(200)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def enter(page: Page, label: str, value: str, role: str = "spinbutton") -> None:
    settled(page)  # while a page is drawn again, the field it had before may stand beside the new one
    field = page.get_by_role(role, name=label, exact=True)
    field.fill(value)
    field.press("Enter")


def tab(page: Page, name: str) -> None:
    """Open one of the tabs of the settings."""
    settled(page)
    page.get_by_role("tab", name=name, exact=True).click()


def add_layer(page: Page, kind: str, below: bool = False) -> None:
    """Add a layer by the menu above the list, or by the one of an open layer."""
    settled(page)
    page.get_by_role("button", name="Add below" if below else "Add layer").click()
    page.get_by_role("option", name=kind, exact=True).or_(page.get_by_role("menuitem", name=kind, exact=True)).click()


def begin_training(page: Page, url: str, epochs: int) -> None:
    """Start the tiny preset on drawn clothes."""
    prepare_training(page, url, epochs)
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"/Train\?(.*&)?run=\d{8}-\d{6}-tiny"))


def prepare_training(page: Page, url: str, epochs: int) -> None:
    """The tiny preset on drawn clothes, ready to start."""
    page.goto(f"{url}/New_network")
    page.get_by_role("button", name="Tiny").click()
    expect(page.get_by_text("Conv 8 5×5 same stride 2 relu")).to_be_visible()
    choose(page, "Dataset", "synthetic")
    enter(page, "Training examples", "1000")
    tab(page, "Training")
    enter(page, "Epochs", str(epochs))
    expect(page.get_by_role("button", name="Start training")).to_be_enabled()


def stop(page: Page) -> None:
    """Press the run's own Stop: Streamlit has another one while a page is drawn."""
    page.locator(".st-key-stop").get_by_role("button", name="Stop", exact=True).click()


def epoch_shown(page: Page) -> int:
    """The epoch in the progress line; 0 before the first."""
    found = re.search(r"epoch (\d+) of", page.get_by_test_id("stProgress").first.inner_text())
    return int(found[1]) if found else 0


def wait_for_epoch(page: Page, epoch: int) -> None:
    for _ in range(TRAINED // 250):
        if epoch_shown(page) >= epoch:
            return
        page.wait_for_timeout(250)
    raise AssertionError(f"epoch {epoch} was never shown")


def points(page: Page) -> int:
    """Epochs drawn on the accuracy curve for validation, read from the newest of its charts."""
    expect(page.locator(".st-key-curve-loss, .st-key-curve-accuracy")).to_have_count(2)
    expect(page.locator(".st-key-curve-accuracy .js-plotly-plot").first).to_be_visible()
    return page.evaluate(
        """() => Math.max(...[...document.querySelectorAll('.st-key-curve-accuracy .js-plotly-plot')].map(
            chart => chart.data[2].x.length || 0))"""
    )


def expect_points(page: Page, count: int) -> None:
    """The curve is drawn a moment after the words that stand above it."""
    for _ in range(240):
        if points(page) == count:
            return
        page.wait_for_timeout(250)
    assert points(page) == count


def maps_of(page: Page, told: str) -> Locator:
    """The maps of a layer, by what is said of them: for a moment those of the layer before are still beside them."""
    return page.get_by_role("group", name=re.compile(told))


def test_a_training_is_watched_to_its_end(page, dashboard):
    begin_training(page, dashboard.url, epochs=3)
    expect(page.get_by_test_id("stProgress").first).to_contain_text("finished", timeout=TRAINED)
    expect_points(page, 3)
    expect(page.get_by_text("test images, which are synthetic data")).to_be_visible()
    settled(page)
    page.get_by_role("link", name="Look inside").click()
    expect(maps_of(page, "The 8 maps of conv2d;")).to_be_visible()


@pytest.mark.slow
def test_train_reload_and_look_at_the_network(page, dashboard):
    begin_training(page, dashboard.url, epochs=40)
    link = page.url
    wait_for_epoch(page, 3)
    expect(page.get_by_text("Images/s")).to_be_visible()

    page.reload()
    wait_for_epoch(page, 4)
    before = points(page)

    # The dashboard dies and comes back; a second window finds the same run through its link, still moving.
    dashboard.kill()
    page.wait_for_timeout(1500)
    dashboard.start()
    other = page.context.new_page()
    other.goto(link)
    expect(other.get_by_test_id("stProgress").first).to_contain_text(re.compile("training|finished"))
    expect(other.get_by_test_id("stProgress").first).to_contain_text("finished", timeout=TRAINED)
    expect_points(other, 40)
    assert before < 40
    expect(other.get_by_text("test images, which are synthetic data")).to_be_visible()
    expect(other.get_by_role("link", name="Look inside")).to_be_visible()
    other.get_by_text("Devices, settings and log").click()
    expect(other.get_by_text("PhysicalDevice(name='/physical_device:CPU:0'").first).to_be_visible()

    other.get_by_test_id("stSidebar").get_by_role("link", name="Architecture", exact=True).click()
    expect(heading(other, "Summary")).to_be_visible()
    expect(other.get_by_text("1,546").first).to_be_visible()
    with other.expect_download() as download:
        other.get_by_role("button", name="Network (.keras)").click()
    assert download.value.suggested_filename.endswith(".keras")

    other.get_by_role("link", name="Explore", exact=True).click()
    maps_of(other, "The 8 maps of conv2d;").locator(".map").nth(7).click()
    expect(other.get_by_text("Map 8 of conv2d")).to_be_visible()
    other.get_by_role("slider").focus()
    other.keyboard.press("Home")  # the network after its first epoch
    expect(other.get_by_text("Map 8 of conv2d")).to_be_visible()

    other.get_by_role("link", name="Predict", exact=True).click()
    expect(other.get_by_text("Prediction for")).to_be_visible()
    expect(other.get_by_text("trained on drawn clothes only")).to_be_visible()
    expect(other).to_have_url(re.compile("run="))


@pytest.mark.slow
def test_stop_resume_rename_delete_undo(page, dashboard):
    begin_training(page, dashboard.url, epochs=500)
    wait_for_epoch(page, 2)
    stop(page)
    expect(page.get_by_text(re.compile(r"Stopped after \d+ whole epoch"))).to_be_visible()

    settled(page)
    page.get_by_role("button", name="More").click()
    enter(page, "Name", "My first network", "textbox")
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Rename").click()
    expect(heading(page, "My first network")).to_be_visible()

    page.get_by_role("button", name="Resume", exact=True).click()
    expect(page.get_by_test_id("stProgress").first).to_contain_text("training")
    wait_for_epoch(page, 3)
    stop(page)
    expect(page.get_by_role("button", name="Resume", exact=True)).to_be_visible()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")

    page.get_by_role("button", name="More").click()
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Delete").click()
    page.get_by_test_id("stDialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Deleted: My first network")).to_be_visible()
    expect(page.get_by_test_id("stDialog")).to_have_count(0)
    expect(heading(page, "Wardrobe")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(heading(page, "My first network")).to_be_visible()


def test_an_invalid_network_is_refused_where_it_breaks(page, workshop):
    page.goto(f"{workshop.url}/New_network")
    page.get_by_role("button", name="↑", exact=True).last.click()
    expect(page.get_by_text("Layer 7 (Conv 192 3×3 same batch norm relu) needs feature maps")).to_have_count(2)
    expect(page.get_by_text("Cannot start:")).to_be_visible()
    expect(page.get_by_role("button", name="Start training")).to_be_disabled()
    page.get_by_role("button", name="Move it before layer 6").click()
    expect(page.get_by_text("needs feature maps")).to_have_count(0)
    expect(page.get_by_role("button", name="Start training")).to_be_enabled()


@pytest.mark.slow
def test_a_network_is_built_undone_kept_and_reloaded(page, workshop, tmp_path):
    page.goto(f"{workshop.url}/New_network")
    add_layer(page, "Convolution")
    filters = page.get_by_role("spinbutton", name="Filters")
    expect(filters).to_have_value("32")
    filters.focus()
    for value in (33, 34):  # the arrow keys work on, because a redraw leaves the focus where it is
        page.keyboard.press("ArrowUp")
        expect(page.get_by_role("button", name=f"7 · Conv {value} 3×3 same relu")).to_be_visible()
        expect(filters).to_be_focused()
    page.get_by_role("button", name="Undo").click()
    expect(filters).to_have_value("33")
    page.get_by_role("button", name="Redo").click()
    expect(filters).to_have_value("34")

    add_layer(page, "Dropout", below=True)
    dropout = page.get_by_role("button", name="8 · Dropout 0.5")
    expect(dropout).to_be_visible()
    settled(page)
    page.reload()  # the link has the whole network
    expect(dropout).to_be_visible()
    expect(page.get_by_role("button", name="7 · Conv 34 3×3 same relu")).to_be_visible()

    page.get_by_role("button", name="Save as preset").click()
    page.get_by_role("textbox", name="Name of the preset").fill("My net")
    page.get_by_role("button", name="Save", exact=True).click()
    mine = page.locator(".st-key-preset-card-my-net")
    expect(mine.get_by_text("Chosen")).to_be_visible()
    expect(page).to_have_url(re.compile("preset=my-net"))

    page.get_by_role("button", name="Import or export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Configuration (.json)").click()
    exported = tmp_path / download.value.suggested_filename
    download.value.save_as(exported)
    assert exported.name == "my-net.json"

    page.goto(f"{workshop.url}/New_network")  # another visit, which begins with the preset that learns fastest
    expect(page.locator(".st-key-preset-card-fast").get_by_text("Chosen")).to_be_visible()
    mine.get_by_role("button", name="my-net").click()
    expect(dropout).to_be_visible()
    page.get_by_role("button", name="Tiny").click()
    expect(dropout).to_have_count(0)
    settled(page)
    page.get_by_role("button", name="Import or export").click()
    page.locator("input[type=file]").set_input_files(exported)
    expect(dropout).to_be_visible()
    expect(mine.get_by_text("Chosen")).to_be_visible()


@pytest.mark.slow  # test_editor_page.py adds and starts each
def test_every_kind_of_layer_can_be_built(page, workshop):
    page.goto(f"{workshop.url}/New_network")
    for kind, title in (
        ("Depthwise convolution", "Depthwise conv 3×3 same relu"),
        ("Separable convolution", "Separable conv 32 3×3 same relu"),
        ("Dense", "Dense 64 relu"),
        ("Skip connection", "Skip connection over"),
    ):
        add_layer(page, kind)
        expect(page.get_by_role("button", name=title).first).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Skip connection over").click()  # leaves the one below alone in view
    page.get_by_role("button", name="Dense 64 relu").click()
    page.get_by_role("button", name="Dense 64 relu").click()
    dense = page.locator("[class*=st-key-layer-]").filter(has_text="Connects every input to every unit.").last
    dense.get_by_text("Batch normalisation").click()
    expect(page.get_by_role("button", name="Dense 64 batch norm relu")).to_be_visible()
    rate = dense.get_by_role("spinbutton", name="L2 weight decay")
    rate.fill("0.001")
    rate.press("Enter")
    expect(page.get_by_role("button", name="Dense 64 batch norm relu L2 0.001")).to_be_visible()
    expect(page.get_by_role("button", name="Start training")).to_be_enabled()


def test_draw_a_shape(page, workshop):
    page.goto(f"{workshop.url}/Predict")
    page.get_by_role("radio", name="Draw").click()
    expect(page.get_by_text("Nothing is drawn yet")).to_be_visible()
    page.get_by_role("radio", name="Bold lines").click()
    page.locator("[data-test-script-state=notRunning]").wait_for()
    canvas = page.locator("canvas.upper-canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    # Two legs of two strokes each and a waist of three, in bold lines: trousers.
    legs = ((98, 30, 80, 250), (118, 30, 102, 250), (152, 30, 168, 250), (172, 30, 190, 250))
    waist = ((98, 40, 172, 40), (98, 60, 172, 60), (98, 80, 172, 80))
    for x0, y0, x1, y1 in (*legs, *waist):
        page.mouse.move(box["x"] + x0, box["y"] + y0)
        page.mouse.down()
        page.mouse.move(box["x"] + x1, box["y"] + y1, steps=12)
        page.mouse.up()
        page.wait_for_timeout(400)
    expect(heading(page, "Trouser")).to_be_visible()
    page.locator("summary", has_text="Preprocessing").click()
    expect(page.get_by_text("28 × 28", exact=False).first).to_be_visible()

    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Nothing is drawn yet")).to_be_visible()


def trousers() -> bytes:
    image = Image.new("RGB", (300, 400), "white")
    outline = [(90, 20), (210, 20), (230, 380), (170, 380), (150, 120), (130, 380), (70, 380)]
    ImageDraw.Draw(image).polygon(outline, "#345")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_upload_a_good_and_a_bad_file(page, workshop):
    page.goto(f"{workshop.url}/Predict")
    page.get_by_role("radio", name="Upload").click()
    page.locator("input[type=file]").set_input_files(
        [
            {"name": "trousers.png", "mimeType": "image/png", "buffer": trousers()},
            {"name": "letter.jpg", "mimeType": "image/jpeg", "buffer": b"Dear Sir or Madam, this is no picture."},
        ]
    )
    expect(page.get_by_text("letter.jpg: This file is not an image")).to_be_visible()
    expect(heading(page, "Trouser")).to_be_visible()
    expect(page.get_by_text("Prediction for")).to_have_count(1)


PAGES = {  # titles by the path in the link
    "": "Start",
    "Learn": "Lessons",
    "Collect": "Collect",
    "New_network": "New network",
    "Sweeps": "Sweeps",
    "Runs": "Runs",
    "Train": "Training",
    "Model": "Architecture",
    "Explore": "Explore",
    "Predict": "Predict",
}


@pytest.mark.parametrize("path", [pytest.param("Model", marks=pytest.mark.slow), "Explore"])
def test_a_deep_link_to_a_cold_server(page, dashboard, path):
    dashboard.kill()
    dashboard.start()
    page.goto(f"{dashboard.url}/{path}?run=lecture")
    expect(heading(page, PAGES[path])).to_be_visible()
    sidebar = page.get_by_test_id("stSidebar")
    for name in PAGES.values():
        expect(sidebar.get_by_role("link", name=name, exact=True)).to_be_visible()
    expect(sidebar.get_by_text("finished")).to_be_visible()
    assert page.title() == f"{PAGES[path]} · CNN Atelier"


def test_an_unknown_run_in_the_link(page, workshop):
    page.goto(f"{workshop.url}/Model?run=..%2F..%2Fetc")
    expect(page.get_by_text("Showing the shipped model instead")).to_be_visible()
    expect(heading(page, "Summary")).to_be_visible()


@pytest.mark.slow
def test_a_phone_sees_every_page_without_scrolling_sideways(page, workshop):
    page.set_viewport_size({"width": 400, "height": 800})
    for path, title in PAGES.items():
        page.goto(f"{workshop.url}/{path}")
        expect(page.get_by_role("heading", level=1)).to_have_text(title if path else re.compile("."))
        expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
        page.wait_for_timeout(1500)
        overflow = page.evaluate(
            "() => { const e = document.querySelector('[data-testid=stMain]'); return e.scrollWidth - e.clientWidth }"
        )
        assert overflow <= 0, path


@pytest.mark.slow  # tests/ui and the journeys of a training see the curves drawn
def test_the_curves_are_never_blank_while_they_are_redrawn(page, dashboard):
    begin_training(page, dashboard.url, epochs=40)
    wait_for_epoch(page, 2)
    for metric in ("loss", "accuracy", "pace"):
        expect(page.locator(f".st-key-curve-{metric} .main-svg .scatterlayer").first).to_be_attached()
    # Look at every frame to the end and two seconds more: has either place a drawn chart, and does what stands below
    # stay in place?
    frames = page.evaluate(
        """async () => {
            const seen = [], start = performance.now();
            let end = start + 120000;
            while (performance.now() < end) {
                await new Promise(requestAnimationFrame);
                const drawn = ['loss', 'accuracy', 'pace'].map(metric => document.querySelectorAll(
                    `.st-key-curve-${metric} .js-plotly-plot .main-svg .scatterlayer`).length);
                const below = document.querySelector('[data-testid=stExpander]')?.getBoundingClientRect().top;
                const ended = document.querySelector('[data-testid=stProgress]')?.innerText.includes('finished');
                if (ended) end = Math.min(end, performance.now() + 2000);
                seen.push([...drawn, Math.round(below ?? -1000), performance.now(), end]);
            }
            return seen;
        }"""
    )
    loss, accuracy, against_time, below, now, end = np.array(frames, float).T
    assert end[-1] < end[0], "it finished"
    in_training = now < end[-1] - 2500
    assert np.ptp(now[in_training]) > 1000 and in_training.sum() > 30
    assert loss.min() >= 1
    assert accuracy.min() >= 1
    assert against_time.min() >= 1
    assert np.ptp(below[in_training]) <= 2, "at the end other figures take the place of the time left"

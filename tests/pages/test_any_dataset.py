"""Pages that look into a network, for classes of your own: colour, not square, names that need care."""

import io
import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from cnn import report, runs
from cnn.config.layers import Convolution
from cnn.data import own_datasets
from cnn.evaluation import predictions
from cnn.evaluation.examples import write_examples
from cnn.evaluation.predictions import Predictions
from cnn.interpret import activation_maximization
from cnn.networks.load import load
from cnn.runs import Run
from cnn.ui.evaluate import images
from cnn.ui.evaluate import measured as kept_predictions
from cnn.ui.explore import filters
from cnn.ui.learn import given, lessons
from cnn.ui.runs.predictions import BOXES
from cnn.ui.text import plain
from tests.any_run import HATS, random_split, untrained
from tests.data.folders_of_images import fill
from tests.interpret.test_activation_maximization import colour_network, finish
from tests.pages.visit import open_page, refresh, text

VIEWS = ("Feature maps", "Filters", "Explain", "Edit", "Embedding")


@pytest.fixture
def hats(runs_folder) -> Run:
    """A network that is not trained, with its dataset: twelve images of each of three classes."""
    fill(own_datasets.root() / HATS["dataset"], dict.fromkeys(HATS["classes"], 12))
    return untrained(HATS)


def open_view(view: str, run: Run, **link: str) -> AppTest:
    return open_page("Explore", run.id, view=view, **link)


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_drawn(view, hats):
    app = open_view(view, hats)
    assert not app.error and "Skirt *midi*" not in text(app), "a class's name is no Markdown"


def test_a_value_over_colours_is_written_out_with_their_names(hats):
    app = open_view("Feature maps", hats, **{"explore-sum": "true"})
    assert app.selectbox(key="explore-layer").value == "conv2d"
    words = text(app)
    assert "Window of the image, " in words and any(colour in words for colour in ("red (", "green (", "blue ("))
    difference = next(caption.value for caption in app.caption if "In 64 bits" in caption.value)
    assert float(difference.rsplit(" ", 1)[1].rstrip(".")) < 1e-4
    app.selectbox(key="explore-layer").set_value("dense")
    refresh(app)
    assert "The logits: " in text(app) and "帽子" in text(app)


def test_filters_over_an_image_are_seen_in_colour_and_colour_by_colour(hats):
    app = open_view("Filters", hats)
    colours = app.segmented_control(key="explore-colour")
    assert colours.options == ["together", "red", "green", "blue"] and "over red, green and blue" in text(app)
    colours.set_value("green")
    refresh(app)
    assert "3×3 weights each, for green." in text(app)


def test_without_its_dataset_a_run_is_explored_by_what_it_keeps(hats):
    split = random_split(hats)
    write_examples(hats.path, load(hats), split)
    shutil.rmtree(own_datasets.root() / HATS["dataset"])
    for view in VIEWS:
        app = open_view(view, hats)
        assert "test images that are kept with the run" in text(app), view
    (hats.path / "examples.npz").unlink()
    assert "The run keeps no test images itself." in text(open_view("Filters", runs.read(hats.path)))


def test_two_networks_of_different_datasets_beside_one_image(hats):
    for view in ("Feature maps", "Explain"):
        app = open_view(view, hats, **{"explore-compare": "lecture"})
        assert not app.error and not any("cannot be compared" in one.value for one in app.warning)
    assert "its own prediction" in text(app), "the other network does not know the class"


def test_a_contact_sheet_is_in_colour_and_small():
    forward, rows = colour_network((64, 48), Convolution(filters=6), Convolution(filters=4))
    images = np.random.default_rng(0).integers(0, 256, (9, 64, 48, 3), np.uint8)
    found = finish(activation_maximization.of(forward, rows, ["conv2d_1"], images, starts=1, steps=2))["conv2d_1"]
    cells = filters.contact_cells(found)
    height, width = found.crops.shape[2:4]
    assert cells.shape == (4, 3 * (height + 1), 3 * width + 2 + 3 * (width + 1), 3)
    np.testing.assert_array_equal(cells[2, :height, 3 * width + 2 :][:, :width], found.crops[2, 0])
    large = found._replace(crops=found.crops.repeat(60, axis=2).repeat(60, axis=3))
    assert max(filters.contact_cells(large).shape[1:3]) < 500


# --- Evaluate ---------------------------------------------------------------------------------------------------

EVALUATED = ("Overview", "Images", "Classes", "Calibration", "Robustness", "Dataset", "Report")


@pytest.fixture
def measured(hats) -> Run:
    for split in ("test", "validation"):
        predictions.of_run(hats, split)
    return hats


@pytest.mark.parametrize("view", EVALUATED)
def test_every_view_of_an_evaluation_is_drawn(view, measured):
    app = open_page("Evaluate", measured.id, **{"evaluate-view": view})
    assert not app.error and "Skirt *midi*" not in text(app), "a class's name is no Markdown"


def test_few_images_are_said_before_labels_are_doubted(measured):
    app = open_page("Evaluate", measured.id, **{"evaluate-view": "Dataset"})
    assert any("images for 3 classes" in one.value for one in app.warning)
    cross_validated = open_page(
        "Evaluate", measured.id, **{"evaluate-view": "Dataset", "dataset-network": "This run's"}
    )
    assert "the layers of Untrained" in text(cross_validated)


def test_an_opened_image_in_colour_and_all_images_as_folders(measured):
    app = open_page("Evaluate", measured.id, **{"evaluate-view": "Images", "evaluate-image": "1"})
    assert "Test image 1" in text(app)
    found = predictions.of_run(measured, "test")
    shown = predictions.images_of(measured, "test").images
    with zipfile.ZipFile(io.BytesIO(images.as_folders(shown, found, np.arange(len(found))))) as file:
        names = file.namelist()
        assert {name.partition("/")[0] for name in names} == {"0_Hat", "1_Skirt-midi", "2_帽子"}
        first = np.asarray(Image.open(io.BytesIO(file.read(names[0]))))
    np.testing.assert_array_equal(first, shown[0])


def test_what_is_known_of_a_run_whose_dataset_is_gone(measured):
    shutil.rmtree(own_datasets.root() / HATS["dataset"])
    words = text(open_page("Evaluate", measured.id, **{"evaluate-view": "Images"}))
    assert "There is no dataset" in words and "of them wrong" in words
    shutil.rmtree(runs.found_folder(measured))
    kept_predictions._kept.clear()
    runs.write_json(measured.path / "evaluation.json", {"split": "test", "n": 30, "accuracy": 0.9, "loss": 0.4})
    app = open_page("Evaluate", measured.id)
    assert "Measured when it was trained:" in text(app) and "90.00%" in [one.value for one in app.metric]


def test_a_report_in_colour(measured):
    made = report.html(measured)
    assert "帽子" in made and "20×30×3" in made and made.count("data:image/png") >= 3


def test_200_classes_are_evaluated():
    names = [f"Class {index} with a name" for index in range(200)]
    run = untrained({"dataset": "Many", "classes": names, "image_size": [16, 16]})
    chance = np.random.default_rng(0)
    labels = np.arange(400) % 200
    logits = chance.normal(size=(400, 200)).astype(np.float32)
    predictions.keep(run, Predictions("test", labels, logits, tuple(names)))
    for view in ("Overview", "Images", "Classes", "Calibration"):
        app = open_page("Evaluate", run.id, **{"evaluate-view": view})
        assert not app.error
        if view == "Overview":
            assert "Most frequent mistakes" in text(app)


# --- Architecture -----------------------------------------------------------------------------------------------


def test_the_architecture_says_shape_classes_and_what_is_frozen(hats):
    frozen = untrained({**HATS}, "Transferred", transfer={"source": hats.id, "layers": 1, "frozen": 1})
    app = open_page("Model", frozen.id)
    table = next(frame.value for frame in app.dataframe if "trained" in frame.value)
    assert table["trained"].tolist() == ["frozen", "", "", "yes"]
    words = text(app)
    assert "of them in frozen layers: 112" in words and "20×30 pixels, 3 channels (red, green, blue)" in words
    assert "1 Skirt \\*midi\\*" in words and "2 帽子" in words


# --- Learn ------------------------------------------------------------------------------------------------------

_SLOW = ("why", "transfer")  # they predict a thousand images with shipped networks
LESSON_NAMES = [pytest.param(one.name, marks=[pytest.mark.slow] * (one.name in _SLOW)) for one in lessons.LESSONS]


@pytest.mark.parametrize("lesson", LESSON_NAMES)
def test_every_lesson_is_drawn_beside_such_a_network(lesson, hats):
    app = open_page("Learn", hats.id, topic=lesson)
    assert not app.error and "Skirt *midi*" not in text(app)
    if lesson == "transfer":
        assert "shows the run Wardrobe instead" in text(app)


def test_the_lessons_on_classes_and_uses_speak_of_the_networks_own_classes(hats):
    for lesson in ("classes", "uses"):
        words = text(open_page("Learn", hats.id, topic=lesson))
        assert any(plain(name) in words for name in HATS["classes"]) and "Pullover" not in words


def test_a_network_without_convolution_is_replaced_by_one_that_sees_the_same_image(hats):
    flat = untrained(HATS, "Flat", layers=[{"kind": "flatten"}])
    for lesson in ("relu", "pooling"):
        app = open_page("Learn", flat.id, topic=lesson)
        assert any("This lesson shows the run" in one.value for one in app.info)


def test_a_lessons_image_is_small_grey_and_square():
    pixels = np.zeros((224, 160, 3), np.float32)
    pixels[..., 1] = 1
    small = given.in_small(pixels)
    assert small.shape == (28, 28) and small.dtype == np.float32
    np.testing.assert_allclose(small[:, 4:24], 0.587, atol=1e-5)
    assert not small[:, :4].any() and not small[:, 24:].any()
    grey = np.random.default_rng(0).random((28, 28, 1)).astype(np.float32)
    np.testing.assert_array_equal(given.in_small(grey), grey[..., 0])


# --- Compare ----------------------------------------------------------------------------------------------------


def test_runs_of_the_same_images_are_compared_in_whatever_size_and_colour(measured):
    small = untrained({**HATS, "image_size": [16, 16], "channels": 1}, "Small and grey", seed=2)
    found = [predictions.of_run(run, "test") for run in (measured, small)]
    np.testing.assert_array_equal(found[0].labels, found[1].labels, "the test images are in the same order")
    other = untrained({**HATS, "classes": ["Hat", "帽子"]}, "Two classes")
    app = open_page("Runs", compare=",".join(run.id for run in (measured, small, other)), **{"runs-view": "Compare"})
    words = text(app)
    assert "Who is right where" in words
    assert any("with other classes" in one.value for one in app.info)
    box = next(name for name in BOXES if not app.button(key=f"box-{name}").disabled)
    app.button(key=f"box-{box}").click()
    refresh(app)
    assert not app.error

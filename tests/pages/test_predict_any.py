"""Predict and Start with networks of other datasets: colour, three classes, digits; a dataset that is gone."""

import csv
import io
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from cnn import runs
from cnn.config.datasets import FASHION_MNIST, own_dataset
from cnn.data import own_datasets
from cnn.evaluation.examples import read_examples, write_examples, write_reference
from cnn.networks.load import load
from cnn.runs import Run
from cnn.ui import shell, state
from cnn.ui.components import camera
from cnn.ui.predict import batch, inputs, pictures
from cnn.ui.predict.pictures import Changes, File
from tests.any_run import HATS, random_split, untrained
from tests.data.folders_of_images import fill
from tests.pages.test_pages import click, open_expander, read_all, upload
from tests.pages.visit import open_page, refresh, text

NAMES = HATS["classes"]


@pytest.fixture
def hats(runs_folder) -> Run:
    """A network that is not trained, whose dataset is gone; it keeps four test images of each class."""
    run = untrained(HATS)
    split, model = random_split(run), load(run)
    write_examples(run.path, model, split)
    write_reference(run.path, split, False, 0, model)
    return run


def png(run: Run, number: int = 1) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(random_split(run).images[number]).resize((240, 160)).save(buffer, "PNG")
    return buffer.getvalue()


def plain_text(app: AppTest) -> str:
    return text(app).replace("\\", "")


def test_a_dataset_that_is_gone_leaves_the_kept_examples(hats):
    app = open_page("Predict", hats.id, **{"predict-class": NAMES[1]})
    assert "Here are the 12 test images that are kept with the run." in plain_text(app)
    assert f"Prediction for {NAMES[1]} 1" in plain_text(app) and not app.error
    assert "Skirt *midi*" not in text(app), "a class's name is no Markdown"
    assert "All 3 classes" in text(app)
    open_expander(app, "predict-nearest")
    assert "The 8 of 12 training examples" in plain_text(app)


def test_the_dataset_itself_is_preferred(hats):
    fill(own_datasets.root() / HATS["dataset"], dict.fromkeys(NAMES, 12))
    app = open_page("Predict", hats.id)
    assert f"The test images of {HATS['dataset']}, your own." in plain_text(app) and not app.error


@pytest.mark.parametrize("way", ["Sample", "Mistake"])
def test_a_run_without_any_image_says_so_and_can_be_used(way, runs_folder):
    run = untrained(HATS)
    app = open_page("Predict", run.id, **{"predict-from": way})
    assert "The run keeps no test images itself." in plain_text(app) and not app.error
    app = upload(app, ("hat.png", png(run)))
    assert "Prediction for hat.png" in plain_text(app)


def test_mistakes_are_those_of_the_kept_examples(hats):
    examples = read_examples(hats)
    wrong = int((examples.probabilities.argmax(axis=1) != examples.labels).sum())
    app = open_page("Predict", hats.id, **{"predict-from": "Mistake"})
    assert wrong and f"{wrong} of 12 test images are misclassified" in plain_text(app)
    assert "Wrong: the true label is" in text(app)


def test_many_colour_files_become_a_table_and_a_csv_of_the_runs_classes(hats):
    app = read_all(upload(open_page("Predict", hats.id), *((f"{n}.png", png(hats, n)) for n in range(3))))
    table = app.dataframe[0].value
    assert set(table["predicted"]) <= set(NAMES) and set(table["preprocessing"]) == {"Photo"}
    lines = list(csv.DictReader(io.StringIO(batch.as_csv(app.session_state["batch"].done, NAMES).decode("utf-8-sig"))))
    assert [name for name in lines[0] if name in NAMES] == list(NAMES)
    assert sum(float(lines[0][name]) for name in NAMES) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(("data_", "templates"), [(HATS, False), ({"dataset": "mnist"}, False), (None, True)])
def test_only_garments_can_be_traced(data_, templates, runs_folder):
    run = untrained(data_) if data_ else runs.get(runs.DEFAULT_ID)
    app = open_page("Predict", run.id, **{"predict-from": "Draw"})
    assert any(box.key == "tracing_template" for box in app.selectbox) == templates
    assert "Nothing is drawn yet" in text(app) and not app.error


def test_two_networks_of_different_datasets_on_one_image(hats):
    app = upload(open_page("Predict", hats.id, **{"predict-compare": "wardrobe"}), ("hat.png", png(hats)))
    charts = [str(json.loads(chart.proto.spec)) for chart in app.get("plotly_chart")]
    assert len(charts) == 2 and NAMES[2] in charts[0] and NAMES[2] not in charts[1]
    assert "Trouser" in charts[1] and "Trouser" not in charts[0]
    assert app.subheader[0].value.replace("\\", "") in NAMES
    captions = [image.caption for element in app.get("image") for image in element.proto.imgs]
    assert captions.count("Network input") == 2 and captions.count("Original") == 1


def test_an_image_is_kept_as_the_file_that_it_was_unless_it_was_changed(hats):
    card, content = hats.config.data.card, png(hats)
    picture = pictures.read(File("1", "hat.png", content), card)
    assert picture.to_keep == content
    turned = replace(picture, changes=Changes(turns=1))
    assert turned.to_keep.size == (160, 240) and replace(picture, changes=Changes(inverted=True)).to_keep != content
    sample = pictures.of_sample(random_split(hats).images[0], "Hat 1", 0, card)
    assert sample.to_keep.size == (30, 20), "an image of a dataset has no file"


def test_a_class_of_the_same_name_is_the_true_label_of_both():
    array = random_split(SimpleNamespace(config=SimpleNamespace(data=SimpleNamespace(card=FASHION_MNIST)))).images[0]
    sample = pictures.of_sample(array, "A bag", 8)
    other = own_dataset("Things", ("Hat", "Bag"), (20, 30, 3))
    seen = pictures.seen_by(sample, other)
    assert seen.label == 1 and seen.seen.pixels.shape == (20, 30, 3) and seen.original is sample.original
    assert pictures.seen_by(sample, own_dataset("Hats", ("Hat", "Skirt"), (20, 30, 3))).label is None
    assert pictures.seen_by(seen, FASHION_MNIST).label == 8


@pytest.mark.parametrize("name", ["mnist", "cifar-10"])
def test_a_dataset_that_was_not_downloaded_leaves_the_kept_examples(name, runs_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    run = untrained({"dataset": name})
    write_examples(run.path, load(run), random_split(run))
    app = open_page("Predict", run.id)
    assert "Here are the 40 test images that are kept with the run." in plain_text(app) and not app.error
    label = run.config.data.card.class_names[0]
    assert f"Prediction for {label} 1" in plain_text(app)


# ---------------------------------------------------------------- live


@pytest.fixture
def browser(monkeypatch) -> SimpleNamespace:
    """Stands in for the camera in the browser: what it was given last."""
    found = SimpleNamespace(data={})

    def mount(key, data, on_frame_change, on_taken_change) -> None:
        found.data = data

    monkeypatch.setattr(camera, "_camera", mount)
    return found


def test_the_camera_is_answered_live_in_a_single_pass(hats, browser):
    app = open_page("Predict", hats.id, **{"predict-from": "Camera", "predict-live": "true"})
    assert browser.data["live"] and browser.data["answered"] == 0
    assert "The predictions stand under the camera" in app.info[0].value
    buffer = io.BytesIO()
    Image.open(io.BytesIO(png(hats))).convert("RGB").save(buffer, "JPEG")
    app.session_state[state.camera_frame(state.LIVE_CAMERA)] = (3, buffer.getvalue())
    refresh(app)
    from cnn.networks.predictor import Predictor

    predictor = Predictor(hats)
    expected = predictor.glance(predictor.read(buffer.getvalue()))
    bars = browser.data["bars"]
    assert browser.data["answered"] == 3 and [bar["name"] for bar in bars] == [NAMES[n] for n in (-expected).argsort()]
    assert [bar["value"] for bar in bars] == pytest.approx(sorted(expected, reverse=True), abs=1e-3)


def test_explore_takes_single_photos(hats, browser):
    app = open_page("Explore", hats.id, **{"explore-from": "Camera"})
    assert not browser.data and not [toggle for toggle in app.toggle if toggle.key == state.LIVE]


# ---------------------------------------------------------------- thumbnails, and the Start page


@pytest.mark.parametrize(("size", "shown"), [((28, 28), (28, 28)), ((20, 30), (20, 30)), ((112, 224), (28, 56))])
def test_thumbnails_are_small(size, shown):
    run = SimpleNamespace(
        config=SimpleNamespace(data=SimpleNamespace(card=SimpleNamespace(input_shape=(*size, 3), class_names="ab")))
    )
    assert inputs.thumbnails(random_split(run).images).shape == (8, *shown, 3)


def test_start_asks_for_the_classes_of_the_run(hats):
    app = open_page("Start", hats.id)
    [pills] = [group for group in app.button_group if group.label == "Your guess"]
    assert set(pills.options) == {shell.plain(name) for name in NAMES}
    pills.set_value(pills.options[0])
    refresh(app)
    assert "it is labelled" in text(app) and click(app, "another_garment").button(key="another_garment").label == (
        "Another image"
    )


def test_a_photo_can_be_predicted_in_colour_beside_the_grey_prediction():
    app = upload(open_page("Predict", "wardrobe"), ("hat.png", png(untrained(HATS))))
    click(app, "compare_in_colour")
    assert app.query_params["predict-compare"] == "photos"
    assert all(
        any(element.value.startswith(f"**{name}") for element in app.markdown) for name in ("Wardrobe", "Photos")
    )
    assert not [button for button in app.button if button.key == "compare_in_colour"]


def test_what_has_no_colours_is_not_offered_in_colour():
    grey = Image.effect_noise((60, 80), 90).convert("RGB")
    content = io.BytesIO()
    grey.save(content, "PNG")
    app = upload(open_page("Predict", "wardrobe"), ("grey.png", content.getvalue()))
    assert not [button for button in app.button if button.key == "compare_in_colour"]

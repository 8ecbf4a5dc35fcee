"""New network with images of people's own and layers of another network; what is made of a finished run."""

import re
import shutil

import pytest
from streamlit.testing.v1 import AppTest

from cnn import runs
from cnn.config import Data, RunConfig, presets
from cnn.config.backbones import layers_of
from cnn.config.transfer_learning import on_backbone, on_run
from cnn.data import data_of, own_datasets
from cnn.runs import Run, saved_presets
from cnn.ui import draft_link
from cnn.ui.train import retrain
from tests.any_run import untrained
from tests.data.folders_of_images import fill
from tests.pages.visit import open_page, picker, refresh, text

LITE2 = "efficientnet-lite2"


@pytest.fixture
def shoes(runs_folder) -> str:
    fill(own_datasets.root() / "Shoes", {"Boot": 12, "Sandal": 12})
    return "Shoes"


@pytest.fixture
def app(launcher, shoes) -> AppTest:
    return open_page("New network")


def source_run(**data) -> Run:
    """A finished run whose extractor has five layers."""
    layers = [
        {"kind": "convolution", "filters": 4},
        {"kind": "pooling"},
        {"kind": "convolution", "filters": 6, "batch_normalisation": True},
        {"kind": "pooling"},
        {"kind": "global pooling"},
        {"kind": "dropout"},
    ]
    return untrained({"dataset": "synthetic", "flip": True, **data}, "Source", layers)


def part(app: AppTest, name: str) -> dict:
    return app.session_state["draft"][name]


def choose_images(app: AppTest, dataset: str) -> AppTest:
    box = picker(app, "images_of")
    box.select(next(option for option in box.options if option.split(" · ")[0] == dataset))
    return refresh(app)


def begin(app: AppTest, words: str) -> AppTest:
    box = picker(app, "begin_with")
    box.select(next(option for option in box.options if words in option))
    return refresh(app)


def click(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click()
    return refresh(app)


def number(app: AppTest, label: str):
    return next(field for field in app.number_input if field.label == label)


def labels(app: AppTest) -> list[str]:
    return [field.label for kind in ("number_input", "toggle", "selectbox", "slider") for field in app.get(kind)]


def titles(app: AppTest) -> list[str]:
    return [button.label for button in app.button if (button.key or "").startswith("layer-title-")]


def started(app: AppTest) -> RunConfig:
    before = {run.id for run in runs.all_runs()}
    click(app, "start")
    (new,) = [run for run in runs.all_runs() if run.id not in before]
    return new.config


# --- images -----------------------------------------------------------------------------------------------------


def test_images_of_ones_own_are_chosen_with_their_classes_size_and_colour(app):
    assert "Shoes · 24 images, 2 classes" in picker(app, "images_of").options
    choose_images(app, "Shoes")
    data = part(app, "data")
    assert (data["dataset"], tuple(data["classes"])) == ("Shoes", ("Boot", "Sandal"))
    assert (tuple(data["image_size"]), data["channels"]) == ((64, 64), 3)
    words = text(app)
    assert re.search(r"Boot, Sandal\. 20 images to train with, 2 to choose by, 2 to measure with", words)
    assert part(app, "training")["class_weights"] and not app.error
    config = started(app)
    assert config.data.classes == ("Boot", "Sandal") and config.rows()[-1].output_shape == (2,)


def test_what_is_only_for_fashion_mnist_is_set_to_0_and_said_once(app):
    number(app, "Style augmentation (fraction)").set_value(0.2)
    refresh(app)
    choose_images(app, "Shoes")
    assert "are only for Fashion-MNIST" in text(app) and part(app, "data")["style_augmentation"] == 0
    assert "Style augmentation (fraction)" not in labels(app) and "Outlier exposure (fraction)" not in labels(app)
    assert "are only for Fashion-MNIST" not in text(refresh(app))
    click(app, "draft-undo")
    assert part(app, "data")["style_augmentation"] == 0.2 and part(app, "data")["dataset"] == "fashion-mnist"
    assert "Style augmentation (fraction)" in labels(app)


def test_a_size_is_chosen_and_the_dataset_s_own_is_the_default(app):
    assert (number(app, "Height (px)").value, number(app, "Width (px)").value) == (28, 28)
    number(app, "Height (px)").set_value(40)
    refresh(app)
    assert part(app, "data")["image_size"] == (40, 28) and part(app, "data")["channels"] == 1
    assert "40×28×1" in text(app) and "Style augmentation (fraction)" not in labels(app)
    number(app, "Height (px)").set_value(28)
    refresh(app)
    assert part(app, "data")["image_size"] is None and part(app, "data")["channels"] is None
    app.selectbox(key=next(box.key for box in app.selectbox if box.label == "Colour")).select("RGB")
    refresh(app)
    assert started(app).data.card.input_shape == (28, 28, 3)


def test_a_link_with_a_dataset_begins_with_transfer_learning(launcher, shoes):
    app = open_page("New network", dataset="Shoes")
    assert part(app, "preset") == "transfer" and part(app, "transfer")["source"] == LITE2
    assert part(app, "data")["dataset"] == "Shoes" and part(app, "data")["limit"] is None
    assert "dataset" not in app.query_params
    config = started(app)
    assert config.data.card.input_shape == (288, 288, 3) and config.transfer.frozen == 25


def test_a_link_with_a_dataset_that_is_gone_changes_nothing(launcher, shoes):
    app = open_page("New network", dataset="Gloves")
    assert "There is no dataset 'Gloves'" in text(app).replace("\\", "") and part(app, "preset") == "fast"


def test_a_preset_keeps_ones_own_images(app):
    choose_images(app, "Shoes")
    click(app, "preset-tiny")
    assert part(app, "data")["dataset"] == "Shoes" and part(app, "preset") == "tiny" and not app.error
    click(app, "draft-undo")
    assert part(app, "preset") == "fast" and part(app, "data")["dataset"] == "Shoes"


def test_a_dataset_that_is_gone_is_said_and_the_settings_stay(app):
    choose_images(app, "Shoes")
    shutil.rmtree(own_datasets.root() / "Shoes")
    refresh(app)
    assert any("There is no dataset" in one.value and "The settings stay" in one.value for one in app.warning)
    assert app.button(key="start").disabled and part(app, "data")["classes"] == ("Boot", "Sandal")
    assert "Shoes · gone" in picker(app, "images_of").options
    choose_images(app, "synthetic")
    assert not app.button(key="start").disabled and not part(app, "data")["classes"]


def test_a_preset_replaces_images_that_are_gone(app):
    choose_images(app, "Shoes")
    shutil.rmtree(own_datasets.root() / "Shoes")
    click(app, "preset-tiny")
    assert part(app, "data")["dataset"] == "fashion-mnist" and not app.error


def test_a_saved_preset_brings_its_own_images(app):
    fill(own_datasets.root() / "Hats", {"Beret": 12, "Cap": 12}, first=500)
    saved_presets.save("hats", presets()["fast"].model_copy(update={"data": data_of("Hats")}))
    refresh(app)
    choose_images(app, "Shoes")
    click(app, "preset-hats")
    assert part(app, "data")["dataset"] == "Hats" and not app.error


def test_a_link_to_a_dataset_that_there_never_was_is_said(launcher):
    fast = presets()["fast"]
    values = sections(fast)
    values["data"]["dataset"] = "spots"
    app = open_page("New network", network=draft_link.encode("fast", values, list(fast.layers)))
    assert "There is no dataset 'spots'" in app.error[0].value and app.button(key="start").disabled
    number(app, "Height (px)").set_value(40)
    refresh(app)
    choose_images(app, "mnist")
    assert not app.error and not app.button(key="start").disabled


def test_few_and_unequal_classes_and_a_class_that_came_later_are_said(app):
    fill(own_datasets.root() / "Odd", {"Hat": 30, "Skirt": 4}, first=100)
    refresh(app)
    choose_images(app, "Odd")
    words = text(app).replace("\\", "")
    assert "Skirt (4) has fewer than 10 images" in words and "The classes are very unequal" in words
    fill(own_datasets.root() / "Odd", {"Glove": 12}, first=200)
    refresh(app)
    assert "The classes of the dataset have changed" in text(app)
    click(app, "present_classes")
    assert part(app, "data")["classes"] == ("Glove", "Hat", "Skirt") and "have changed" not in text(app)


def test_one_class_is_not_enough_and_nothing_changes(app):
    fill(own_datasets.root() / "Lonely", {"Hat": 12}, first=300)
    refresh(app)
    choose_images(app, "Lonely")
    assert "needs at least two classes with images" in app.error[0].value
    assert part(app, "data")["dataset"] == "fashion-mnist"


def test_the_settings_of_two_hundred_classes_fit_on_the_page(app):
    fill(own_datasets.root() / "Many", {f"Class {number:03}": 3 for number in range(200)}, first=1000)
    refresh(app)
    choose_images(app, "Many")
    assert "Class 007 and 192 more" in text(app) and not app.error
    assert started(app).rows()[-1].output_shape == (200,)


# --- what to begin with -----------------------------------------------------------------------------------------


def test_a_backbone_is_frozen_below_a_new_output_layer(app):
    choose_images(app, "Shoes")
    begin(app, "EfficientNet-Lite2")
    assert titles(app) == [f"26 · {presets()['transfer'].layers[25]}"], "the 25 layers of the backbone are folded"
    words = text(app).replace("\\", "")
    assert "1–25 · EfficientNet-Lite2 · 25 frozen" in words
    assert "**2,562** parameters are trained, **4,869,168** are frozen." in words
    click(app, "transferred_layers")
    assert len(titles(app)) == 26 and titles(app)[0].startswith(":gray[:material/lock: 1 · Rescaling")
    assert "Layers 1–25 are frozen. Trained from here on:" in text(app)
    config = started(app)
    assert config.layers[:25] == layers_of(LITE2) and config.transfer.frozen == config.transfer.layers == 25
    assert config.data.card.input_shape == (288, 288, 3) and config.data.flip
    assert sum(row.trainable for row in config.rows()) == 1280 * 2 + 2


def test_the_slider_freezes_fewer_layers_and_the_counts_follow(app):
    choose_images(app, "Shoes")
    begin(app, "EfficientNet-Lite2")
    slider = next(field for field in app.slider if field.label == "Frozen layers")
    assert (slider.min, slider.max, slider.value) == (0, 25, 25)
    slider.set_value(23)
    refresh(app)
    assert "The first 23 layers stay as they are; 2 layers after them and the output layer are trained." in text(app)
    config = started(app)
    trained = sum(row.trainable for row in config.rows())
    app = open_page("New network", network=draft_link.encode(None, sections(config), list(config.layers)))
    assert f"**{trained:,}** parameters are trained" in text(app) and "23 frozen" in text(app)
    assert started(app) == config, "the link has all of it"


def sections(config: RunConfig) -> dict:
    return {name: getattr(config, name).model_dump() for name in draft_link.SECTIONS}


def test_a_transfer_is_undone_and_redone(app):
    begin(app, "EfficientNet-Lite2")
    assert part(app, "data")["limit"] == 1000 and "It trains on 1,000 images" in text(app)
    click(app, "draft-undo")
    assert part(app, "transfer")["source"] == "" and part(app, "data")["limit"] is None
    assert picker(app, "begin_with").value in ("", "Random weights")
    click(app, "draft-redo")
    assert part(app, "transfer")["source"] == LITE2 and "1–25" in text(app)
    begin(app, "Random weights")
    assert part(app, "transfer")["source"] == "" and len(titles(app)) == 26


def test_weights_that_are_to_be_downloaded_are_said(app, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    begin(app, "MobileNetV3 Small")
    assert "the first training downloads 4 MB" in text(app)


def test_a_run_is_a_beginning_with_its_size_and_colour(app):
    run = source_run()
    refresh(app)
    choose_images(app, "Shoes")
    begin(app, "Run Source")
    expected = on_run(run.id, run.config, Data(dataset="Shoes", classes=("Boot", "Sandal")))
    assert "Also the output layer" not in labels(app), "its classes are others"
    config = started(app)
    assert config.transfer == expected.transfer and config.layers == run.config.layers
    assert config.data.card.input_shape == (28, 28, 1)


def test_the_output_layer_is_offered_for_equal_classes(app):
    source_run()
    refresh(app)
    begin(app, "Run Source")
    toggle = next(field for field in app.toggle if field.label == "Also the output layer")
    toggle.set_value(True)
    refresh(app)
    assert started(app).transfer.output
    app = open_page("New network")
    begin(app, "Run Source")
    next(field for field in app.toggle if field.label == "Also the output layer").set_value(True)
    refresh(app)
    choose_images(app, "Shoes")
    assert not part(app, "transfer")["output"] and not app.button(key="start").disabled


def test_a_layer_that_no_longer_fits_is_said_with_what_helps(app):
    source_run()
    refresh(app)
    begin(app, "Run Source")
    click(app, "transferred_layers")
    third = app.session_state["draft"]["layers"][2]["uid"]
    click(app, f"layer-title-{third}")
    number(app, "Filters").set_value(9)
    refresh(app)
    assert "Layer 3 is “Conv 9 3×3" in app.error[0].value.replace("\\", "") and app.button(key="start").disabled
    assert app.button(key="transfer_less").label == "Transfer only the first 2 layers"
    click(app, "transfer_repair")
    assert not app.error and app.session_state["draft"]["layers"][2]["filters"] == 6
    click(app, "draft-undo")
    click(app, "transfer_less")
    assert not app.error and part(app, "transfer") | {"layers": 2, "frozen": 2} == part(app, "transfer")
    assert started(app).transfer.layers == 2


def test_images_of_another_size_may_not_fit_and_are_brought_back(app):
    layers = [{"kind": "convolution", "filters": 4}, {"kind": "flatten"}, {"kind": "dense", "units": 5}]
    untrained({"dataset": "synthetic"}, "Flat", layers)
    refresh(app)
    begin(app, "Run Flat")
    number(app, "Height (px)").set_value(32)
    refresh(app)
    assert "Layer 3 (Dense 5 relu) has" in app.error[0].value.replace("\\", "")
    assert app.button(key="transfer_less").label == "Transfer only the first 2 layers"
    click(app, "transfer_size")
    assert not app.error and not app.button(key="start").disabled


def test_a_run_that_is_gone_is_said(app):
    run = source_run()
    refresh(app)
    begin(app, "Run Source")
    runs.delete(run)
    refresh(app)
    assert "is gone: choose another one" in app.error[0].value.replace("\\", "") and app.button(key="start").disabled
    click(app, "transfer_less")
    assert part(app, "transfer")["source"] == "" and not app.button(key="start").disabled


# --- what is made of a finished run -----------------------------------------------------------------------------


def test_a_run_is_retrained_with_images_of_ones_own(launcher, shoes):
    run = source_run()
    app = open_page("Train", run.id)
    click(app, f"next-{retrain.RETRAIN}")
    assert part(app, "transfer")["source"] == run.id and part(app, "data")["dataset"] == "Shoes"
    assert part(app, "transfer")["frozen"] == 5


def test_after_a_new_head_fine_tuning_and_a_baseline_are_one_click_away(launcher, shoes):
    source = source_run()
    config = on_run(source.id, source.config, data_of("Shoes"))
    head = untrained_of(config, "Head")
    app = open_page("Train", head.id)
    assert "trains the last third of the layers at a low rate" in text(app)
    click(app, f"start-{retrain.FINE_TUNE}")
    fine = next(run for run in runs.all_runs() if run.name == "Head, fine-tuned")
    assert ("start", fine.id) in launcher.calls
    assert fine.config.transfer.source == head.id and fine.config.transfer.output
    app = open_page("Train", head.id)
    click(app, f"start-{retrain.BASELINE}")
    baseline = next(run for run in runs.all_runs() if run.name == "Head, from scratch")
    assert not baseline.config.transfer.source and baseline.config.layers == config.layers
    assert baseline.config.data == config.data
    finish(baseline)
    app = open_page("Train", head.id)
    assert "Compare with Head, from scratch" in [link.proto.label for link in app.get("page_link")]


def untrained_of(config: RunConfig, name: str) -> Run:
    return finish(runs.create(config, name))


def finish(run: Run) -> Run:
    from cnn.networks.build import build

    build(run.config).save(run.model_path)
    runs.write_status(run.path, runs.closed(run.status, "finished"))
    return runs.read(run.path)


def test_a_baseline_of_a_large_network_is_a_small_one():
    data = Data(dataset="Shoes", classes=("Boot", "Sandal"), image_size=(224, 224), flip=True)
    baseline = retrain.from_scratch(on_backbone(LITE2, data))
    assert baseline.layers == presets()["fast"].layers and baseline.data.card.input_shape == (64, 64, 3)
    assert baseline.data.flip and baseline.data.classes == data.classes and baseline.training.epochs >= 30


def test_a_run_s_actions_are_on_runs_and_architecture(launcher, shoes):
    run = source_run()
    app = open_page("Model", run.id)
    click(app, f"model-{retrain.FINE_TUNE}")
    assert part(app, "transfer")["source"] == run.id and part(app, "transfer")["output"]


def test_a_run_without_a_network_cannot_be_retrained(runs_folder):
    assert retrain.actions_of(runs.create(presets()["tiny"], "Queued")) == []

"""The network's files on the Architecture page, how good they are, and what is said about their use elsewhere."""

from functools import partial

import numpy as np
import pytest

from cnn import runs
from cnn.config.layers import Convolution, Flatten, Pooling
from cnn.evaluation import exports
from cnn.networks.portable import portable
from cnn.training.prediction_script import prediction_script
from cnn.ui.model import download
from tests.pages.visit import make_run, open_page, own, text


def labels(app) -> list[str]:
    return [button.proto.label for button in app.get("download_button")]


def disabled(app) -> dict[str, bool]:
    return {button.proto.label: button.proto.disabled for button in app.get("download_button")}


def test_the_page_says_what_goes_into_the_network_and_what_comes_out():
    app = open_page("Model")
    words = text(app).replace("\\", "")
    for fact in ("Keras 3.10 and newer", "`(28, 28, 1)`", "from 0 (black) to 1 (white)", "garment on black"):
        assert fact in words
    assert "after softmax (no logits)" in words and "0 T-shirt/top, 1 Trouser, " in words and "9 Ankle boot." in words
    assert "Custom layer" not in words
    assert {"Network (.keras)", "Prediction script (.py)", "Page (.html)"} < set(labels(app))
    script = prediction_script(runs.get(runs.DEFAULT_ID).config, "wardrobe.keras", "predict_wardrobe.py")
    scripts = [code.value for code in app.code]
    assert script.strip() in scripts
    assert any("import onnxruntime" in code and "wardrobe.onnx" in code for code in scripts)
    assert any("ai_edge_litert" in code and "wardrobe.tflite" in code for code in scripts)


def test_a_layer_that_keras_does_not_have_is_explained():
    run = own(Convolution(filters=4), Pooling(mode="depthwise max"), Flatten())
    app = open_page("Model", run.id)
    assert "Define the class `DepthwiseMaxPooling`" in text(app)
    assert any("class DepthwiseMaxPooling(keras.layers.Layer)" in code.value for code in app.code)


def test_the_file_of_an_earlier_version_is_made_portable_when_it_is_taken():
    run = own(Convolution(filters=4), Flatten())
    whole = run.model_path.read_bytes()
    assert b"quantization_config" in whole
    assert download._portable(run) == portable(whole) != whole


def test_before_the_first_epoch_there_is_nothing_to_take():
    app = open_page("Model", make_run("stopped").id)
    assert "Network (.keras)" not in labels(app)
    assert "The model can be downloaded after the first epoch" in text(app)


@pytest.fixture
def few_images(monkeypatch):
    """In every format, as what is measured is tested elsewhere."""
    monkeypatch.setattr(exports, "COMPARED", 5)
    monkeypatch.setattr(exports, "SAMPLE", 50)
    monkeypatch.setattr(exports, "making", partial(exports.making, patience=0))


def test_exports_are_made_once_and_stand_with_their_size_and_accuracy(own_tiny, draw_once, few_images):
    app = open_page("Model", own_tiny.id)
    network = ("Network (.tflite)", "Network (8-bit .tflite)", "Network (.onnx)", "Page (.html)")
    assert not disabled(app)["Network (.keras)"] and all(disabled(app)[label] for label in network)
    app.button(key="make_exports").click()
    for _ in range(60):
        app.run()
        assert not app.exception, app.exception[0].stack_trace
        if exports.kept(own_tiny):
            break
    app = open_page("Model", own_tiny.id)  # another visit: nothing is made again
    table = exports.kept(own_tiny)
    assert not any(disabled(app)[label] for label in network)
    assert not [button for button in app.button if button.key == "make_exports"]
    words = text(app)
    assert "on the first 50 synthetic test images" in words and f"{table.accuracy:.2%}" in words
    for one in table.measured.values():
        assert f"{one.accuracy:.2%}" in words and download._difference(one.difference) in words


def test_what_is_missing_is_said_and_its_button_is_off(own_tiny, monkeypatch):
    monkeypatch.setattr(exports, "_ONNX_PACKAGES", ("no_such_package",))
    app = open_page("Model", own_tiny.id)
    assert "pip install no" in text(app).replace("\\", "") and disabled(app)["Network (.onnx)"]
    measured = {"keras": exports.Measured(1, 0.0)}
    table = exports.Table(measured, {"litert-int8": "8 bits need images."}, "3 images of noise")
    monkeypatch.setattr(exports, "kept", lambda run: table)
    app = open_page("Model", own_tiny.id)
    words = text(app)
    assert "8 bits need images." in words and "accuracies were not measured" in words and "3 images of noise" in words
    assert disabled(app)["Network (8-bit .tflite)"] and app.button(key="make_exports").label.endswith("again")


@pytest.mark.parametrize(("value", "words"), [(0.0, "none"), (4e-7, "< 0.00001"), (0.0521, "0.05210")])
def test_differences_in_words(value, words):
    assert download._difference(np.float64(value)) == words

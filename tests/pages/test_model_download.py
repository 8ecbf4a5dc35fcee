"""The network's file on the Model page, and what is said about its use elsewhere."""

from cnn import runs
from cnn.config.layers import Convolution, Flatten, Pooling
from cnn.networks.portable import portable
from cnn.training.prediction_script import prediction_script
from cnn.ui.model import download
from tests.pages.visit import make_run, open_page, own, text


def labels(app) -> list[str]:
    return [button.proto.label for button in app.get("download_button")]


def test_the_page_says_what_goes_into_the_network_and_what_comes_out():
    app = open_page("Model")
    words = text(app)
    for fact in ("Keras 3.10 and newer", "`(28, 28, 1)`", "from 0 (black) to 1 (white)", "garment on black"):
        assert fact in words
    assert "after softmax (no logits)" in words and "0 T-shirt/top, 1 Trouser, " in words and "9 Ankle boot." in words
    assert "Custom layer" not in words
    assert labels(app)[:2] == ["Network (.keras)", "Prediction script (.py)"]
    script = prediction_script(runs.get(runs.DEFAULT_ID).config, "wardrobe.keras", "predict_wardrobe.py")
    assert script.strip() in [code.value for code in app.code]


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

"""The weights with which a network begins: shipped ones, Keras's, and another run's."""

import json
from hashlib import sha256

import keras
import numpy as np
import pytest

from cnn import runs
from cnn.config import Data, RunConfig, Transfer
from cnn.config.backbones import BACKBONES, layers_of
from cnn.config.layers import Convolution, Dense, Dropout, Flatten, GlobalPooling, Pooling, trace
from cnn.networks import backbones
from cnn.networks.backbones import (
    SHIPPED,
    Source,
    TransferImpossible,
    fitting_weights,
    kerass_weights,
    source_of,
    to_do,
    transfer_weights,
)
from cnn.networks.build import build
from cnn.networks.transfer_fit import misfit
from tests.networks.every_layer import disturbed

LITE2 = "efficientnet-lite2"
KERASS = [card.name for card in BACKBONES.values() if card.keras_name]
FAST = "mobilenet-v3-small"


def transferring(layers, source: str, count: int, size: int = 64, channels: int = 3) -> RunConfig:
    data = Data(dataset="cifar-10", image_size=(size, size), channels=channels)
    return RunConfig(data=data, layers=layers, transfer=Transfer(source=source, layers=count))


def source(layers, shape=(16, 16, 3)) -> Source:
    """A network with weights by chance."""
    rows = tuple(trace(layers, shape, 2)[:-1])
    data = Data(dataset="cifar-10", image_size=shape[:2], channels=shape[2])
    model = disturbed(build(RunConfig(data=data, layers=layers)))
    weights = {row.name: model.get_layer(row.name).get_weights() for row in rows if row.parameters}
    return Source("another network", tuple(layers), shape, rows, weights)


# ---------------------------------------------------------------- what is shipped


def test_the_shipped_files_say_what_they_are():
    folder = SHIPPED / LITE2
    about = json.loads((folder / "backbone.json").read_text("utf-8"))
    card = BACKBONES[LITE2]
    assert about["layers"] == [layer.model_dump() for layer in card.layers]
    assert (about["name"], about["input_shape"], about["licence"]) == (LITE2, [*card.input_shape], "Apache-2.0")
    assert about["sha256"] == sha256((folder / "weights.npz").read_bytes()).hexdigest()
    assert "Apache License" in (folder / "LICENSE").read_text("utf-8")
    assert sum(path.stat().st_size for path in folder.iterdir()) < 9_500_000


def test_a_backbone_is_no_run():
    assert LITE2 not in {run.id for run in runs.shipped()} and "_backbones" not in {run.id for run in runs.shipped()}
    with pytest.raises(runs.UnknownRun):
        runs.get("_backbones")


@pytest.mark.parametrize("name", BACKBONES)
def test_a_card_says_what_its_layers_are(name):
    card = BACKBONES[name]
    rows = trace(card.layers, card.input_shape, 5)
    assert card.features == rows[-2].output_shape[0] and len(rows[-2].output_shape) == 1
    assert card.parameters == sum(row.parameters for row in rows[:-1])
    assert len(layers_of(name)) <= 25
    RunConfig(data=Data(image_size=(224, 224), channels=3, dataset="cifar-10"), layers=(*card.layers, Dropout()))


def test_the_shipped_weights_are_those_of_a_network_that_sees():
    """Two halves of an image that are alike have alike features; noise has other ones."""
    config = transferring(layers_of(LITE2), LITE2, 25, size=96)
    model = build(config)
    transfer_weights(model, config)
    features = keras.Model(model.input, model.layers[-2].output)
    rows, columns = np.mgrid[:96, :96]
    disc = ((rows - 48) ** 2 + (columns - 48) ** 2 < 900)[..., None] * np.array([0.9, 0.2, 0.1])
    images = np.stack([disc, np.roll(disc, 5, axis=1), np.random.default_rng(0).random((96, 96, 3))]).astype(np.float32)
    found = features.predict(images, verbose=0)
    assert found.shape == (3, 1280) and found.min() >= 0 and 0.1 < found.mean() < 1
    one, moved, noise = found / np.linalg.norm(found, axis=1, keepdims=True)
    assert one @ moved > 0.9 > 0.7 > one @ noise


# ---------------------------------------------------------------- Keras's networks


@pytest.mark.parametrize(
    "name", [FAST, *(pytest.param(name, marks=pytest.mark.slow) for name in KERASS if name != FAST)]
)
def test_kerass_network_is_the_one_of_these_layers(name):
    card = BACKBONES[name]
    shape = (64, 64, 3)
    make = getattr(keras.applications, card.keras_name)
    theirs = make(weights=None, include_top=False, pooling="avg", input_shape=shape)
    images = np.random.default_rng(0).random((3, *shape), np.float32)
    for layer in theirs.layers:  # a new normalisation would do nothing: each gets the means and variances of images
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
            layer.gamma.assign(np.linspace(0.5, 1.5, layer.gamma.shape[0]))
            layer.beta.assign(np.linspace(0.5, -0.5, layer.gamma.shape[0]))
    theirs(images * 255, training=True)
    rows = trace(card.layers, shape, 2)[:-1]
    weights = kerass_weights(card, rows, theirs)
    ours = build(transferring(card.layers, name, len(card.layers)))
    for row_name, arrays in weights.items():
        ours.get_layer(row_name).set_weights(arrays)
    found = keras.Model(ours.input, ours.layers[-2].output)(images)
    expected = np.asarray(theirs(images * 255, training=False))
    assert expected.shape == (3, card.features) and expected.std(axis=0).max() > 0.01
    np.testing.assert_allclose(np.asarray(found), expected, atol=1e-4 * np.abs(expected).max())


def test_the_weights_of_another_network_of_kerass_are_refused():
    small = keras.applications.MobileNetV3Small(weights=None, include_top=False, input_shape=(64, 64, 3))
    card = BACKBONES["mobilenet-v3-large"]
    with pytest.raises(TransferImpossible, match="are those of another network"):
        kerass_weights(card, trace(card.layers, (64, 64, 3), 2)[:-1], small)


def test_what_cannot_be_downloaded_is_said_with_what_to_do(monkeypatch, tmp_path):
    def fails(**_):
        raise Exception("URL fetch failure on https://somewhere: None -- no route to host")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(keras.applications, "MobileNetV3Small", fails)
    told: list[str] = []
    with pytest.raises(TransferImpossible) as caught:
        source_of("mobilenet-v3-small", told.append)
    (note,) = told
    for part in ("could not be downloaded (no route to host)", "connect to the internet", str(tmp_path / "models")):
        assert part in str(caught.value)
    assert "the first training downloads 4 MB" in note and note == to_do("mobilenet-v3-small")


def test_what_is_in_kerass_cache_needs_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert to_do(LITE2) is None and "24 MB" in to_do("efficientnet-v2-b0")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "efficientnetv2-b0_notop.h5").write_bytes(b"")
    assert to_do("efficientnet-v2-b0") is None


@pytest.mark.parametrize("content", [None, b"", b"no zip", "other arrays"])
def test_shipped_weights_that_are_missing_or_damaged_are_a_sentence(content, monkeypatch, tmp_path):
    monkeypatch.setattr(backbones, "SHIPPED", tmp_path)
    (tmp_path / LITE2).mkdir()
    file = tmp_path / LITE2 / "weights.npz"
    if content == "other arrays":
        np.savez(file, **{"conv2d.0": np.zeros(3, np.float16)})
    elif content is not None:
        file.write_bytes(content)
    with pytest.raises(TransferImpossible, match="weights of EfficientNet-Lite2"):
        source_of(LITE2)
    assert (to_do(LITE2) is None) == (content is not None)


# ---------------------------------------------------------------- another run's


def test_a_run_gives_its_weights_by_its_id():
    lecture = runs.get("lecture")
    config = RunConfig(layers=(*lecture.config.layers[:8], Flatten()), transfer=Transfer(source="lecture", layers=8))
    model = build(config)
    kept = model.layers[-1].get_weights()
    transfer_weights(model, config)
    given = source_of("lecture")
    assert given.title == lecture.name
    for row in config.rows()[:8]:
        found = model.get_layer(row.name).get_weights()
        assert all(np.array_equal(a, b) for a, b in zip(found, given.weights.get(row.name, []), strict=True)), row.name
    assert all(np.array_equal(a, b) for a, b in zip(kept, model.layers[-1].get_weights(), strict=True))


def test_nothing_happens_where_nothing_is_transferred():
    config = RunConfig(layers=(Convolution(filters=2), Flatten()))
    model = build(config)
    before = model.get_weights()
    transfer_weights(model, config)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_a_source_that_is_gone_is_said():
    with pytest.raises(TransferImpossible, match=r"'no-such-run', is gone: choose another run or one of .*lite2"):
        source_of("no-such-run")


BLOCK = (Convolution(filters=4, batch_normalisation=True, l2=0.01), Pooling(), Convolution(filters=6))
OTHERS = {
    "another activation": (
        (BLOCK[0], BLOCK[1], Convolution(filters=6, activation="tanh"), GlobalPooling()),
        3,
        "Layer 3 is “Conv 6 3×3 same tanh” here and “Conv 6 3×3 same relu” in another network: "
        "transfer only the 2 layers before it, or make it the same.",
    ),
    "another first layer": (
        (Convolution(filters=5), GlobalPooling()),
        1,
        "The first layer is “Conv 5 3×3 same relu” here and “Conv 4 3×3 same batch norm relu L2 0.01” in another "
        "network: begin with its layers.",
    ),
    "too many": (
        (*BLOCK, GlobalPooling(), Dense()),
        5,
        "5 layers are to be transferred, but another network has only 4 before its output layer: transfer at most 4.",
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_layers_that_do_not_match_are_named(name):
    layers, count, sentence = OTHERS[name]
    given = source((*BLOCK, GlobalPooling()))
    assert misfit(given, layers, count) == sentence
    assert misfit(given, layers, 0) is None
    with pytest.raises(TransferImpossible):
        fitting_weights(given, transferring(layers, "x", count, size=16))


def test_how_a_layer_is_trained_does_not_count():
    given = source((*BLOCK, Dropout(rate=0.2), GlobalPooling()))
    plain = (BLOCK[0].model_copy(update={"l2": 0.0}), *BLOCK[1:], Dropout(rate=0.5), GlobalPooling())
    assert misfit(given, plain, 5) is None


def test_a_dense_layer_of_larger_images_is_named_with_both_sizes():
    given = source((Convolution(filters=2), Flatten(), Dense(units=3)))
    with pytest.raises(TransferImpossible) as caught:
        fitting_weights(given, transferring(given.layers, "x", 3, size=20))
    assert "Layer 3 (Dense 3 relu) has 2,403 parameters here and 1,539 in another network" in str(caught.value)
    assert "whose images are 16×16×3" in str(caught.value)
    assert set(fitting_weights(given, transferring(given.layers, "x", 2, size=20))) == {"conv2d"}


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_colour_networks_see_the_same_in_grey(channels):
    """A network of grey images computes what one of colour images does of three equal channels, and the other way."""
    given = source((*BLOCK, GlobalPooling()), (16, 16, 4 - channels))
    ours = transferring(given.layers, "x", 4, size=16, channels=channels)
    model = build(ours)
    for name, arrays in fitting_weights(given, ours).items():
        model.get_layer(name).set_weights(arrays)
    theirs = build(transferring(given.layers, "x", 4, size=16, channels=4 - channels))
    for name, arrays in given.weights.items():
        theirs.get_layer(name).set_weights(arrays)
    grey = np.random.default_rng(0).random((5, 16, 16, 1), np.float32)
    colour = np.repeat(grey, 3, axis=3)
    inputs = {1: grey, 3: colour}
    found, expected = (
        keras.Model(network.input, network.layers[-2].output)(inputs[network.input_shape[-1]])
        for network in (model, theirs)
    )
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), atol=1e-5)

"""Model files that earlier versions of Keras open too."""

import io
import json
import zipfile
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from cnn import runs
from cnn.config import RunConfig
from cnn.config.layers import (
    Convolution,
    Dense,
    DepthwiseConvolution,
    Dropout,
    Flatten,
    GlobalPooling,
    Pooling,
    SeparableConvolution,
    SkipConnection,
)
from cnn.networks.backbones import source_of
from cnn.networks.build import build
from cnn.networks.load import load, whole_file
from cnn.networks.portable import compressed, load_weights, portable, save
from cnn.runs import Run
from tests.command import TINY, train_here

IMAGES = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)
LAYERS = (
    Convolution(filters=4, stride=2, padding="valid", activation="leaky_relu", batch_normalisation=True, l2=0.01),
    Pooling(mode="depthwise max"),
    SeparableConvolution(filters=4, dilation=2),
    SkipConnection(over=1, projection=True),
    DepthwiseConvolution(activation="gelu"),
    Dropout(rate=0.3),
    Pooling(mode="average", size=3, stride=1, padding="same"),
    Flatten(),
    Dense(units=8, l2=0.001),
)


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return {name: file.read(name) for name in file.namelist()}


def layer_configs(content: bytes) -> list[dict]:
    return [layer["config"] for layer in json.loads(members(content)["config.json"])["config"]["layers"]]


@pytest.mark.parametrize("layers", [LAYERS, (GlobalPooling(mode="max"),)], ids=["every layer", "pooling alone"])
def test_a_portable_file_holds_the_same_network(layers, tmp_path):
    network = build(RunConfig(layers=layers))
    network.save(tmp_path / "whole.keras")
    save(network, tmp_path / "portable.keras")
    whole, content = ((tmp_path / f"{name}.keras").read_bytes() for name in ("whole", "portable"))

    assert list(members(content)) == list(members(whole))
    assert members(portable(whole))["model.weights.h5"] == members(whole)["model.weights.h5"]
    again = keras.models.load_model(tmp_path / "portable.keras")
    assert again.get_config() == keras.models.load_model(tmp_path / "whole.keras").get_config()
    assert np.array_equal(again.predict(IMAGES, verbose=0), network.predict(IMAGES, verbose=0))


def test_arguments_with_their_default_value_are_left_out(tmp_path):
    save(build(RunConfig(layers=LAYERS)), tmp_path / "portable.keras")
    written = {config["name"]: config for config in layer_configs((tmp_path / "portable.keras").read_bytes())}
    assert not {"quantization_config", "use_bias", "bias_constraint"} & {*written["dense"]}
    assert not {"renorm", "renorm_momentum", "synchronized"} & {*written["batch_normalization"]}
    assert (written["conv2d"]["use_bias"], written["conv2d"]["strides"]) == (False, [2, 2])
    assert written["depthwise_max_pooling"]["size"] == 2
    assert written["dropout"]["rate"] == 0.3


def test_making_a_file_portable_twice_changes_nothing(tmp_path):
    save(build(RunConfig(layers=LAYERS)), tmp_path / "portable.keras")
    content = (tmp_path / "portable.keras").read_bytes()
    assert portable(content) == content


@pytest.mark.parametrize("run", runs.shipped(), ids=lambda run: run.id)
def test_the_shipped_networks_are_portable(run):
    content = run.model_path.read_bytes()
    assert members(portable(content)) == members(content) and len(portable(content)) == run.model_size


def test_the_frozen_layers_of_the_shipped_run_in_colour_are_shipped_with_the_backbone(tmp_path):
    run = runs.get(runs.COLOUR_ID)
    assert run.model_path.stat().st_size < 200_000
    with pytest.raises(ValueError, match="only zeros"):
        assert_learned(keras.models.load_model(run.model_path, compile=False))
    model, weights = load(run), source_of(run.config.transfer.source).weights
    assert_learned(model)
    for name, arrays in weights.items():
        assert all(map(np.array_equal, model.get_layer(name).get_weights(), arrays)), name
    taken = tmp_path / "taken.keras"
    taken.write_bytes(whole_file(run))
    assert taken.stat().st_size == pytest.approx(run.model_size, rel=0.01)
    again = keras.models.load_model(taken, compile=False)
    assert all(map(np.array_equal, again.get_weights(), model.get_weights()))


def assert_learned(model: keras.Model) -> None:
    for layer in model.layers:
        if layer.weights and not any(array.any() for array in layer.get_weights()):
            raise ValueError(f"{layer.name} has only zeros")


def other_zip(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04 not a model", other_zip("letter.txt", b"Dear"), other_zip("config.json", b"{")],
    ids=["empty", "broken", "another zip", "broken configuration"],
)
def test_what_is_no_model_file_stays_as_it_is(content):
    assert portable(content) == content


@pytest.mark.parametrize(
    "layer",
    [
        {"module": "keras.layers", "class_name": "Unheard"},
        {"module": "os", "class_name": "Popen"},
        {"module": "keras.nothing", "class_name": "Dense"},
        {"module": 3, "class_name": None},
    ],
)
def test_the_arguments_of_unknown_layers_stay(layer):
    layer = {**layer, "registered_name": None, "config": {"units": 3, "use_bias": True}}
    content = other_zip("config.json", json.dumps({"config": {"layers": [layer]}}).encode())
    assert layer_configs(portable(content)) == [layer["config"]]


def test_the_trainer_leaves_a_portable_file():
    content = train_here(*TINY).run.model_path.read_bytes()
    assert "quantization_config" not in members(content)["config.json"].decode()
    assert portable(content) == content


def test_a_compressed_file_holds_the_same_network_and_is_read_as_quickly(tmp_path):
    network = build(RunConfig(layers=LAYERS))
    network.set_weights([array.astype(np.float16).astype(np.float32) for array in network.get_weights()])
    save(network, tmp_path / "plain.keras")
    content = (tmp_path / "plain.keras").read_bytes()
    small = tmp_path / "small.keras"
    small.write_bytes(compressed(content))
    assert small.stat().st_size < 0.7 * len(content) and members(small.read_bytes()) == members(content)
    taken = portable(small.read_bytes())
    assert members(taken) == members(content) and len(taken) == len(content), "whoever takes it along gets a plain one"
    assert Run.model_size.fget(SimpleNamespace(model_path=small)) == pytest.approx(len(content), rel=0.01)

    again = build(RunConfig(layers=LAYERS))
    load_weights(again, small)
    assert all(map(np.array_equal, again.get_weights(), network.get_weights()))
    plain = keras.models.load_model(small, compile=False)
    assert all(map(np.array_equal, plain.get_weights(), network.get_weights()))

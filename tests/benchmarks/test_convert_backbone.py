"""The reader of PyTorch's old files, which makes nothing but arrays, and the conversion of EfficientNet-Lite2."""

import io
import pickle
import sys
from collections import OrderedDict
from types import ModuleType

import keras
import numpy as np
import pytest

from benchmarks import convert_backbone
from benchmarks.convert_backbone import converted, layers_in_torch, tensors, write
from cnn.config import Data, RunConfig, Transfer
from cnn.config.backbones import EFFICIENTNET_LITE2
from cnn.config.layers import trace
from cnn.networks import backbones
from cnn.networks.backbones import source_of, transfer_weights
from cnn.networks.build import build


class Storage:
    """Stands for PyTorch's, in a file of which only its type, key and size are written."""

    def __init__(self, kind: type, key: str, values: np.ndarray):
        self.kind, self.key, self.values = kind, key, values


class Tensor:
    def __init__(self, storage: Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...]):
        self.parts = (storage, offset, size, stride, False, OrderedDict())

    def __reduce__(self):
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.parts


class Writer(pickle.Pickler):
    def persistent_id(self, thing):
        if isinstance(thing, Storage):
            return "storage", thing.kind, thing.key, "cpu", thing.values.size, None
        return None


@pytest.fixture
def torch(monkeypatch) -> ModuleType:
    """As much of PyTorch as a file names: two types of storage and a function."""

    def named(name: str, module: str) -> type:
        return type(name, (), {"__module__": module})

    def _rebuild_tensor_v2(*_):
        raise AssertionError("no reader calls this")

    module, utils = ModuleType("torch"), ModuleType("torch._utils")
    module.FloatStorage, module.LongStorage = named("FloatStorage", "torch"), named("LongStorage", "torch")
    module.Other = named("Other", "torch")
    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    monkeypatch.setitem(sys.modules, "torch", module)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)
    return module


def saved(state: object, storages: list[Storage], magic: int = 0x1950A86A20F9469CFC6C, cut: int = 0) -> bytes:
    """A file as PyTorch wrote it before version 1.6."""
    file = io.BytesIO()
    for thing in (magic, 1001, {"little_endian": True}, state, [storage.key for storage in storages]):
        Writer(file, 2).dump(thing)
    for storage in storages:
        file.write(storage.values.size.to_bytes(8, "little") + storage.values.tobytes())
    return file.getvalue()[: -cut or None]


@pytest.fixture
def floats(torch) -> Storage:
    return Storage(torch.FloatStorage, "94", np.arange(24, dtype="<f4"))


def test_tensors_are_views_of_their_storages(torch, floats):
    counts = Storage(torch.LongStorage, "7", np.array([5], "<i8"))
    state = OrderedDict(
        whole=Tensor(floats, 0, (2, 3, 4), (12, 4, 1)),
        turned=Tensor(floats, 2, (4, 3), (1, 4)),
        scalar=Tensor(counts, 0, (), ()),
    )
    found = tensors(saved(state, [floats, counts]))
    assert list(found) == ["whole", "turned", "scalar"]
    assert np.array_equal(found["whole"], np.arange(24).reshape(2, 3, 4)) and found["whole"].dtype == np.float32
    assert np.array_equal(found["turned"], np.arange(24)[2:14].reshape(3, 4).T)
    assert found["scalar"] == 5 and found["scalar"].shape == ()


def test_a_file_that_asks_for_anything_else_is_refused(torch, floats):
    class Evil:
        def __reduce__(self):
            return print, ("executed",)

    for thing in (Evil(), torch.Other, np.float32(1)):
        with pytest.raises(pickle.UnpicklingError, match="which no file of weights needs"):
            tensors(saved(OrderedDict(thing=thing), [floats]))


def test_a_tensor_outside_of_its_storage_is_refused(floats):
    for tensor in (
        Tensor(floats, 20, (3, 4), (4, 1)),
        Tensor(floats, -4, (2,), (1,)),
        Tensor(floats, 9, (4, 4), (4, -3)),
    ):
        with pytest.raises(ValueError, match="lies outside"):
            tensors(saved(OrderedDict(one=tensor), [floats]))


def test_another_format_and_a_cut_file_are_refused(floats):
    state = OrderedDict(one=Tensor(floats, 0, (24,), (1,)))
    with pytest.raises(ValueError, match="no file of PyTorch's old format"):
        tensors(saved(state, [floats], magic=1))
    with pytest.raises(ValueError):
        tensors(saved(state, [floats], cut=8))
    with pytest.raises(pickle.UnpicklingError):
        tensors(b"PK\x03\x04 a file of a newer PyTorch is a zip")


def drawn_weights() -> tuple[list, dict[str, np.ndarray]]:
    """The table of EfficientNet-Lite2, and weights by chance as PyTorch names and orders them."""
    chance = np.random.default_rng(0)
    rows = trace(EFFICIENTNET_LITE2.layers, EFFICIENTNET_LITE2.input_shape, 2)[:-1]
    by_name = {row.name: row for row in rows}
    found: dict[str, np.ndarray] = {}
    convolutions = [row for row in rows if row.type in ("Conv2D", "DepthwiseConv2D")]
    for (convolution, normalisation), row in zip(layers_in_torch(), convolutions, strict=True):
        inputs = 3 if row.takes == ("rescaling",) else by_name[row.takes[0]].output_shape[2]
        size, filters = row.window.kernel, row.output_shape[2]
        shape = (filters, 1 if row.type == "DepthwiseConv2D" else inputs, size, size)
        found[f"{convolution}.weight"] = chance.normal(size=shape).astype(np.float32)
        for name in ("weight", "bias", "running_mean", "running_var"):
            found[f"{normalisation}.{name}"] = chance.uniform(size=filters).astype(np.float32)
    return rows, found


def test_converted_weights_are_written_and_read_in_16_bits(tmp_path, monkeypatch):
    rows, found = drawn_weights()
    weights = converted(found, rows)
    write(weights, tmp_path / EFFICIENTNET_LITE2.name)
    monkeypatch.setattr(backbones, "SHIPPED", tmp_path)
    again = source_of(EFFICIENTNET_LITE2.name).weights
    assert list(again) == [row.name for row in rows if row.parameters]
    for name, arrays in again.items():
        for array, other in zip(arrays, weights[name], strict=True):
            assert array.shape == other.shape and array.dtype == np.float32
            np.testing.assert_allclose(array, other, rtol=1e-3, atol=1e-6)
    depthwise = found["_blocks.4._depthwise_conv.weight"]
    assert again["depthwise_conv2d_4"][0][1, 2, 7, 0] == pytest.approx(depthwise[7, 0, 1, 2], rel=1e-3)
    assert again["conv2d"][0][0, 2, 1, 30] == pytest.approx(found["_conv_stem.weight"][30, 1, 0, 2], rel=1e-3)
    assert again["batch_normalization_2"][3][4] == pytest.approx(found["_blocks.0._bn2.running_var"][4], rel=1e-3)


def test_the_first_blocks_are_what_numpy_computes_by_hand():
    card = EFFICIENTNET_LITE2
    config = RunConfig(
        data=Data(dataset="cifar-10"), layers=card.layers, transfer=Transfer(source=card.name, layers=len(card.layers))
    )
    model = build(config)
    transfer_weights(model, config)
    images = np.random.default_rng(1).random((2, 32, 32, 3), np.float32)
    found = keras.Model(model.input, model.get_layer("batch_normalization_5").output)(images)
    by_hand = convert_backbone._second_block(source_of(card.name).weights, images)
    np.testing.assert_allclose(np.asarray(found), by_hand, atol=1e-5 * np.abs(by_hand).max())

"""The time lapse: what was kept of an epoch, how exactly, and how large it may get."""

import numpy as np
import pytest

from cnn import data
from cnn.config import RunConfig, presets
from cnn.config.layers import Convolution, Dense, Flatten, GlobalPooling
from cnn.data import synthetic
from cnn.networks import activations
from cnn.networks.build import build
from cnn.runs import time_lapse

PICTURE = synthetic.dataset(1, 3, "validation")[0][0]
CONFUSION = np.arange(100).reshape(10, 10)
WEIGHTS = [np.linspace(-2, 2, 54, dtype=np.float32).reshape(3, 3, 1, 6), np.linspace(0, 1e9, 6, dtype=np.float32)]
MEGABYTE = 1_000_000


def written(path, config: RunConfig, epoch: int = 1) -> dict[str, np.ndarray]:
    """Write what a fresh network of a configuration looks like inside. Returns its convolutions' feature maps."""
    network = build(config, "float32")
    outputs = activations.FeatureMaps(network)(data.scaled(PICTURE[None])[0])
    maps = {name: outputs[name] for name in outputs if name.startswith("conv2d")}
    kernels = activations.kernels(network)
    time_lapse.write(path, epoch, PICTURE, 4, kernels[0].weights if kernels else None, maps, CONFUSION)
    return maps


def test_an_epoch_reads_back_to_a_255th_of_each_layers_range(tmp_path):
    maps = {"a": np.linspace(-3, 5, 600, dtype=np.float32).reshape(10, 10, 6), "b": np.full((4, 4, 2), 7.5, np.float32)}
    kernels = np.random.default_rng(1).normal(size=(3, 3, 1, 6)).astype(np.float32)
    time_lapse.write(tmp_path, 12, PICTURE, 4, kernels, maps, CONFUSION)
    frame = time_lapse.read(tmp_path, 12)
    assert (frame.epoch, frame.label, list(frame.maps)) == (12, 4, ["a", "b"])
    assert np.array_equal(frame.picture, PICTURE) and frame.picture.dtype == np.uint8
    assert np.array_equal(frame.confusion, CONFUSION)
    assert frame.kernels == pytest.approx(kernels, abs=2e-3) and frame.kernels.dtype == np.float32
    assert frame.maps["a"] == pytest.approx(maps["a"], abs=8 / 255 / 2 + 1e-5)
    assert np.array_equal(frame.maps["b"], maps["b"])


def test_a_network_without_a_convolution_has_no_kernels(tmp_path):
    assert written(tmp_path, RunConfig(layers=(Flatten(), Dense(units=5)))) == {}
    frame = time_lapse.read(tmp_path, 1)
    assert frame.kernels is None and frame.maps == {}


WIDE = RunConfig(layers=(*(Convolution(filters=1024, kernel=3),) * 2, GlobalPooling()))
LARGE_KERNELS = RunConfig(layers=(Convolution(filters=1024, kernel=11), GlobalPooling()))
DEEP = RunConfig(layers=(*(Convolution(filters=64),) * 20, GlobalPooling()))


@pytest.mark.parametrize(
    "config", [presets()["lecture"], presets()["wardrobe"], WIDE, LARGE_KERNELS, DEEP], ids=lambda c: c.preset or ""
)
def test_an_epoch_takes_at_most_a_megabyte(config, tmp_path):
    maps = written(tmp_path, config)
    (file,) = (tmp_path / "lapse").iterdir()
    assert file.stat().st_size <= MEGABYTE
    frame = time_lapse.read(tmp_path, 1)
    assert frame.kernels.shape[-1] > 0
    for name, kept in frame.maps.items():  # of a large network some of the first maps
        some = maps[name][..., : kept.shape[-1]]
        assert np.abs(kept - some).max() <= np.ptp(some) / 255
    assert next(iter(frame.maps)) == next(iter(maps))


def test_what_cannot_be_compressed_takes_no_more(tmp_path):
    chance = np.random.default_rng(2)
    maps = {f"conv2d_{n}": chance.random((28, 28, 300), np.float32) for n in range(5)}
    time_lapse.write(tmp_path, 1, PICTURE, 4, chance.normal(size=(11, 11, 1, 1024)), maps, CONFUSION)
    assert 600_000 < (tmp_path / "lapse" / "epoch-0001.npz").stat().st_size <= MEGABYTE


def test_the_lectures_network_is_kept_whole(tmp_path):
    maps = written(tmp_path, presets()["lecture"])
    frame = time_lapse.read(tmp_path, 1)
    assert {name: kept.shape for name, kept in frame.maps.items()} == {name: kept.shape for name, kept in maps.items()}
    assert frame.kernels.shape == (7, 7, 1, 64)


def test_exploding_weights_are_kept_as_numbers(tmp_path):
    time_lapse.write(tmp_path, 1, PICTURE, 4, np.full((3, 3, 1, 2), -1e9, np.float32), {}, CONFUSION)
    assert np.array_equal(time_lapse.read(tmp_path, 1).kernels, np.full((3, 3, 1, 2), -65504.0))


def test_the_epochs_that_were_kept_are_listed_in_order(tmp_path):
    assert time_lapse.epochs(tmp_path) == []
    for epoch in (10, 2, 1):
        written(tmp_path, RunConfig(layers=(Flatten(),)), epoch)
    for name in ("epoch-x.npz", ".9.epoch-0003.npz", "epoch-0004.txt", "weights-0005.npz"):
        (tmp_path / "lapse" / name).touch()
    assert time_lapse.epochs(tmp_path) == [1, 2, 10]


def test_later_epochs_and_half_written_ones_are_forgotten(tmp_path):
    time_lapse.forget_after(tmp_path, 0)
    for epoch in (1, 2, 3):
        written(tmp_path, RunConfig(layers=(Flatten(),)), epoch)
        time_lapse.write_weights(tmp_path, epoch, WEIGHTS)
    time_lapse.write_weights(tmp_path, 4, WEIGHTS)  # its frame was lost
    for name in (".9.epoch-0003.npz", ".9.weights-0001.npz"):
        (tmp_path / "lapse" / name).touch()
    time_lapse.forget_after(tmp_path, 1)
    assert sorted(file.name for file in (tmp_path / "lapse").iterdir()) == ["epoch-0001.npz", "weights-0001.npz"]


@pytest.mark.parametrize("content", [None, b"", b"junk" * 99], ids=["missing", "empty", "junk"])
def test_an_epoch_that_is_missing_or_damaged_is_none(content, tmp_path):
    (tmp_path / "lapse").mkdir()
    if content is not None:
        for name in ("epoch-0001.npz", "weights-0001.npz"):
            (tmp_path / "lapse" / name).write_bytes(content)
    assert time_lapse.read(tmp_path, 1) is None
    assert time_lapse.read_weights(tmp_path, 1) is None


def test_a_changed_byte_never_raises(tmp_path):
    written(tmp_path, RunConfig(layers=(Convolution(filters=4), Flatten())))
    file = tmp_path / "lapse" / "epoch-0001.npz"
    good, missing = file.read_bytes(), 0
    for place in np.random.default_rng(3).integers(0, len(good), 60):
        file.write_bytes(good[:place] + bytes([good[place] ^ 0x5A]) + good[place + 1 :])
        missing += time_lapse.read(tmp_path, 1) is None
    assert missing >= 30


# ---------------------------------------------------------------- weights


def test_weights_read_back_to_the_rounding_of_float16_and_one_dimension_exactly(tmp_path):
    network = build(presets()["lecture"], "float32")
    chance = np.random.default_rng(4)
    weights = [chance.normal(size=array.shape).astype(np.float32) for array in network.get_weights()]
    time_lapse.write_weights(tmp_path, 12, weights)
    kept = time_lapse.read_weights(tmp_path, 12)
    assert [array.shape for array in kept] == [array.shape for array in weights]
    assert {array.dtype for array in kept} == {np.dtype(np.float32)}
    for array, before in zip(kept, weights, strict=True):
        if before.ndim == 1:
            assert np.array_equal(array, before)
        else:
            assert np.allclose(array, before, rtol=2**-11, atol=2**-25) and not np.array_equal(array, before)
    assert (tmp_path / "lapse" / "weights-0012.npz").stat().st_size < 2.01 * network.count_params()
    network.set_weights(kept)


def test_weights_outside_the_range_of_float16_are_kept_as_numbers(tmp_path):
    """A bias or a variance of batch normalisation is kept as it is."""
    time_lapse.write_weights(tmp_path, 1, [np.array([[-1e9, 7e4]], np.float32), np.array([1e9, 1e-30], np.float32)])
    matrix, vector = time_lapse.read_weights(tmp_path, 1)
    assert matrix.tolist() == [[-65504, 65504]]
    assert np.array_equal(vector, np.array([1e9, 1e-30], np.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_longer_numbers_are_not_kept(value, tmp_path):
    time_lapse.write_weights(tmp_path, 1, [*WEIGHTS, np.array([0, value], np.float32)])
    assert time_lapse.epochs_with_weights(tmp_path) == [] and time_lapse.read_weights(tmp_path, 1) is None


def test_the_epochs_whose_weights_were_kept_are_listed_in_order(tmp_path):
    assert time_lapse.epochs_with_weights(tmp_path) == []
    for epoch in (100, 20, 3):
        time_lapse.write_weights(tmp_path, epoch, WEIGHTS)
    for name in ("weights-x.npz", ".9.weights-0004.npz", "weights-0005.txt", "epoch-0006.npz"):
        (tmp_path / "lapse" / name).touch()
    assert time_lapse.epochs_with_weights(tmp_path) == [3, 20, 100]
    assert time_lapse.epochs(tmp_path) == [6]


def test_no_half_of_the_weights_is_left_where_they_cannot_be_written(tmp_path, monkeypatch):
    def full(file, **arrays):
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space"):
        time_lapse.write_weights(tmp_path, 1, WEIGHTS)
    assert list((tmp_path / "lapse").iterdir()) == []


def test_a_changed_byte_is_noticed_or_changes_no_weight(tmp_path):
    time_lapse.write_weights(tmp_path, 1, WEIGHTS)
    file, whole = tmp_path / "lapse" / "weights-0001.npz", time_lapse.read_weights(tmp_path, 1)
    good, missing = file.read_bytes(), 0
    for place in np.random.default_rng(3).integers(0, len(good), 120):
        file.write_bytes(good[:place] + bytes([good[place] ^ 0x5A]) + good[place + 1 :])
        kept = time_lapse.read_weights(tmp_path, 1)
        missing += kept is None
        assert kept is None or all(np.array_equal(*pair) for pair in zip(kept, whole, strict=True))
    assert missing >= 60


def chosen(epochs: int, weights: list[np.ndarray]) -> list[int]:
    return [epoch for epoch in range(1, epochs + 1) if time_lapse.is_chosen(epoch, epochs, weights)]


@pytest.mark.parametrize("room", [2, 3, 7, 30])
@pytest.mark.parametrize("epochs", [1, 2, 3, 10, 29, 500])
def test_as_many_evenly_spaced_epochs_are_chosen_as_fit(epochs, room, monkeypatch):
    size = 54 * 2 + 6 * 4
    monkeypatch.setattr(time_lapse, "_WEIGHTS", room * size + 1)
    found = chosen(epochs, WEIGHTS)
    assert len(found) <= room and found[0] == 1 and found[-1] == epochs
    steps = np.diff(found)
    assert len(set(steps[:-1])) <= 1 and all(steps[-1:] <= steps[:1]), "only the last step may be shorter"
    if epochs <= room:
        assert found == list(range(1, epochs + 1))
    else:
        assert 1 + -(-(epochs - 1) // (steps[0] - 1)) > room, "a smaller step would take too much"


def test_every_epoch_of_the_lectures_network_is_chosen_while_they_fit():
    weights = build(presets()["lecture"], "float32").get_weights()
    assert chosen(53, weights) == list(range(1, 54))
    assert chosen(54, weights) == [*range(1, 54, 2), 54]
    assert 26 < len(chosen(500, weights)) <= 53


def test_nothing_is_chosen_of_a_network_of_which_not_even_two_epochs_fit(monkeypatch):
    monkeypatch.setattr(time_lapse, "_WEIGHTS", 2 * 132 - 1)
    assert chosen(5, WEIGHTS) == []

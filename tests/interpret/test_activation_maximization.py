"""What excites a filter, against all its maps, windows cut by hand, and optima that are known."""

from collections.abc import Generator
from typing import TypeVar

import keras
import numpy as np
import pytest
from keras import layers as kl

from cnn import data
from cnn.config import Data, RunConfig, presets
from cnn.config.geometry import ReceptiveField
from cnn.config.layers import (
    Convolution,
    DepthwiseConvolution,
    Flatten,
    GlobalPooling,
    Pooling,
    Row,
    SeparableConvolution,
    SkipConnection,
    trace,
)
from cnn.data import synthetic
from cnn.interpret import activation_maximization
from cnn.interpret.activation_maximization import Strongest
from cnn.networks.build import build
from cnn.networks.forward import Forward
from tests.sampling import one_in

T = TypeVar("T")


def finish(steps: Generator[float, None, T]) -> T:
    """The result of a generator, whose shares must rise to 1."""
    shares = []
    while True:
        try:
            shares.append(next(steps))
        except StopIteration as stop:
            assert shares == sorted(shares) and shares[0] > 0 and shares[-1] == pytest.approx(1)
            return stop.value


def network(*layers, seed: int = 1) -> tuple[Forward, list[Row]]:
    """A network of these layers, flattened, with random weights everywhere, those of batch normalisation too."""
    return shuffled(RunConfig(layers=(*layers, GlobalPooling())), seed)


def shuffled(config: RunConfig, seed: int = 1) -> tuple[Forward, list[Row]]:
    keras.utils.set_random_seed(seed)
    made, rng = build(config, precision="float32"), np.random.default_rng(seed)
    for layer in made.layers:
        if isinstance(layer, kl.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()])
        elif isinstance(layer, kl.Conv2D) and layer.use_bias:
            layer.bias.assign(rng.normal(0, 0.1, layer.bias.shape))
    return Forward(made), config.rows()


def sums(forward: Forward, name: str, pictures: np.ndarray) -> np.ndarray:
    """A convolution's sums, by Keras's own pass up to it and its own convolution."""
    layer = forward.layer(name)
    x = pictures
    if not isinstance(layer.input._keras_history.operation, kl.InputLayer):
        x = keras.Model(forward.model.input, layer.input)(pictures, training=False)
    x = keras.ops.conv(x, layer.kernel, layer.strides, layer.padding, dilation_rate=layer.dilation_rate)
    return np.asarray(x if layer.bias is None else x + layer.bias)


def convolutions(forward: Forward) -> list[str]:
    return [layer.name for layer, _ in forward.steps if isinstance(layer, kl.Conv2D)]


def field_of(rows: list[Row], name: str) -> ReceptiveField:
    return next(row.receptive_field for row in rows if row.name == name)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return synthetic.dataset(130, 9, "test")[0]


STACKS = {
    "same": (Convolution(filters=4), Pooling(), Convolution(filters=5, kernel=5)),
    "valid": (Convolution(filters=4, padding="valid"), Pooling(size=3), Convolution(filters=5, padding="valid")),
    "strides": (Convolution(filters=4, kernel=5, stride=2), Convolution(filters=6, kernel=4, stride=3)),
    "overlapping": (Convolution(filters=3), Pooling(size=3, stride=2, padding="same"), Convolution(filters=4)),
    "average": (
        Convolution(filters=4, activation="tanh"),
        Pooling(mode="average"),
        Convolution(filters=4, kernel=2, activation="gelu"),
    ),
    "dilated": (Convolution(filters=4, dilation=2), Convolution(filters=4, dilation=3, padding="valid")),
    "normalised": (
        Convolution(filters=6, batch_normalisation=True),
        Pooling(mode="depthwise max", size=2),
        Convolution(filters=4, batch_normalisation=True, activation="linear"),
    ),
    "skipping": (
        Convolution(filters=4, kernel=4),
        Pooling(),
        Convolution(filters=4, kernel=2),
        Convolution(filters=4, kernel=2),
        Convolution(filters=4, kernel=4),
        SkipConnection(over=3),
        Convolution(filters=3),
    ),
    "projected": (
        Convolution(filters=4),
        DepthwiseConvolution(kernel=4, stride=2),
        SeparableConvolution(filters=5, dilation=2),
        SkipConnection(over=2, projection=True, stride=2),
        Convolution(filters=3),
        SkipConnection(over=1, mode="concatenate"),
        Convolution(filters=3, kernel=2),
    ),
    "skipping the start": (Convolution(filters=1, kernel=5), SkipConnection(over=1), Convolution(filters=3)),
}


@pytest.mark.parametrize("name", ["same", "strides", "dilated", "normalised"])
def test_the_strongest_are_those_of_all_maps(name, images):
    forward, _ = network(*STACKS[name])
    layers = convolutions(forward)
    found = finish(activation_maximization.strongest(forward, layers, images, 5))
    assert list(found) == layers
    for layer in layers:
        maps = sums(forward, layer, data.scaled(images))
        n, height, width, filters = maps.shape
        for number in range(filters):
            flat = maps[..., number].reshape(n, -1)
            order = np.argsort(-flat.max(axis=1), kind="stable")[:5]
            assert found[layer].images[number].tolist() == order.tolist()
            places = [np.unravel_index(flat[image].argmax(), (height, width)) for image in order]
            assert found[layer].places[number].tolist() == [list(place) for place in places]
            assert found[layer].values[number] == pytest.approx(flat[order].max(axis=1), abs=1e-5)


def test_of_equal_sums_the_first_counts(images):
    forward, _ = network(Convolution(filters=2))
    forward.layer("conv2d").set_weights([np.zeros((3, 3, 1, 2)), np.array([1.0, -1.0])])
    found = finish(activation_maximization.strongest(forward, ["conv2d"], images, 60))["conv2d"]
    assert found.images.tolist() == [list(range(60))] * 2 and not found.places.any()
    assert found.values.tolist() == [[1.0] * 60, [-1.0] * 60]


def test_there_are_no_more_than_there_are_pictures(images):
    forward, _ = network(Convolution(filters=2))
    found = finish(activation_maximization.strongest(forward, ["conv2d"], images[:4], 9))["conv2d"]
    assert found.images.shape == found.values.shape == (2, 4) and found.places.shape == (2, 4, 2)


@pytest.mark.parametrize(
    "layer",
    [
        Convolution(filters=16, kernel=5),
        Convolution(filters=16, kernel=4, stride=3),
        Convolution(filters=16, kernel=3, padding="valid", stride=2),
        Convolution(filters=16, kernel=3, dilation=4),
        Convolution(filters=16, kernel=4, dilation=3, padding="valid"),
    ],
    ids=str,
)
def test_a_crop_is_what_the_filter_weighs(layer, images):
    """The sum follows from the crop and the kernel alone, at the borders too."""
    forward, rows = network(layer)
    found = finish(activation_maximization.strongest(forward, ["conv2d"], images))["conv2d"]
    cut, seen = activation_maximization.crops(images, found, field_of(rows, "conv2d"))
    kernel, bias = forward.layer("conv2d").get_weights()
    assert cut.dtype == np.uint8 and cut.shape == seen.shape and not cut[~seen].any()
    if layer.padding == "same":
        assert not seen.all(), "one of so many lies at the border"
    read = cut[:, :, :: layer.dilation, :: layer.dilation] / 255
    again = np.einsum("fnij,ijf->fn", read, kernel[:, :, 0]) + bias[:, None]
    assert again == pytest.approx(found.values, abs=1e-4)


@pytest.mark.parametrize("name", one_in(2, ["same", "valid", "strides", "overlapping", "dilated", "skipping"]))
def test_a_deep_filter_sees_nothing_beside_the_crop(name, images):
    forward, rows = network(*STACKS[name])
    layer, field = convolutions(forward)[-1], field_of(rows, convolutions(forward)[-1])
    found = finish(activation_maximization.strongest(forward, [layer], images, 3))[layer]
    cut, _ = activation_maximization.crops(images, found, field)
    for number, position in np.ndindex(found.images.shape):
        row, column = found.places[number, position]
        (top, bottom), (left, right) = field.seen_by(row), field.seen_by(column)
        only = np.zeros((128, 128), np.uint8)  # the image with black around it
        only[top + 50 : bottom + 50, left + 50 : right + 50] = cut[number, position]
        only = only[50:78, 50:78]
        value = sums(forward, layer, data.scaled(only[None]))[0, row, column, number]
        assert value == pytest.approx(found.values[number, position], abs=1e-4)


def test_crops_are_windows_of_the_picture_with_black_around_it():
    pictures = np.arange(1, 33, dtype=np.uint8).reshape(2, 4, 4)
    found = Strongest(np.array([[1, 0]]), np.array([[[0, 1], [1, 0]]]), np.zeros((1, 2)))
    cut, seen = activation_maximization.crops(pictures, found, ReceptiveField(size=3, jump=2, start=-1))
    assert cut[0, 0].tolist() == [[0, 0, 0], [18, 19, 20], [22, 23, 24]]
    assert cut[0, 1].tolist() == [[0, 5, 6], [0, 9, 10], [0, 13, 14]]
    assert np.array_equal(seen, cut > 0)
    cut, _ = activation_maximization.crops(pictures, found, ReceptiveField(size=4, jump=1, start=-2))
    assert cut[0, 0].tolist() == [[0] * 4, [0] * 4, [0, 17, 18, 19], [0, 21, 22, 23]]


def test_a_field_larger_than_the_picture_shows_the_whole_picture():
    pictures = np.arange(32, dtype=np.float32).reshape(2, 4, 4, 1)
    found = Strongest(np.array([[1, 0]]), np.array([[[0, 1], [3, 3]]]), np.zeros((1, 2)))
    cut, seen = activation_maximization.crops(pictures, found, ReceptiveField(size=5, jump=2, start=-3))
    assert np.array_equal(cut[0], pictures[[1, 0]]) and cut.dtype == np.float32 and seen.all()
    assert seen.shape == (1, 2, 4, 4)


SEEN = [*STACKS, *(name for name in presets() if name not in ("dense", "transfer"))]


@pytest.mark.parametrize("name", one_in(3, SEEN))
def test_a_patch_excites_as_the_same_part_of_a_picture(name):
    """At every inner place of every convolution."""
    forward, rows = network(*STACKS[name]) if name in STACKS else shuffled(presets()[name])
    pictures = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)
    compared = 0
    for layer in convolutions(forward):
        field = field_of(rows, layer)
        maps = sums(forward, layer, pictures)
        inner = [index for index in range(maps.shape[1]) if 0 <= field.seen_by(index)[0] <= 28 - field.size]
        for row, column in zip(inner, inner[::-1], strict=True):
            patch = pictures[:, slice(*field.seen_by(row)), slice(*field.seen_by(column))]
            found = np.asarray(activation_maximization.middle_sums(forward, rows, layer, patch))
            scale = np.abs(maps).max()
            assert found == pytest.approx(maps[:, row, column], abs=1e-5 * scale)
            compared += 1
    assert compared >= 5


@pytest.mark.parametrize("name", ["lecture", "accurate"])
def test_of_a_whole_picture_the_middle_unit_counts(name):
    forward, rows = shuffled(presets()[name])
    layer = convolutions(forward)[-1]
    assert field_of(rows, layer).size > 28
    pictures = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)
    maps = sums(forward, layer, pictures)
    middle = maps[:, maps.shape[1] // 2, maps.shape[2] // 2]
    found = np.asarray(activation_maximization.middle_sums(forward, rows, layer, pictures))
    assert found == pytest.approx(middle, abs=1e-5 * np.abs(maps).max())


def test_a_linear_filter_is_maximised_by_ones_where_it_weighs_positive():
    forward, rows = network(Convolution(filters=12, kernel=5, activation="linear"))
    found = finish(activation_maximization.maximised(forward, rows, "conv2d", smoothing=0, darkening=0))
    kernel, bias = forward.layer("conv2d").get_weights()
    assert np.array_equal(found.pictures[..., 0], kernel[:, :, 0].transpose(2, 0, 1) > 0)
    assert found.sums == pytest.approx(kernel.clip(min=0).sum(axis=(0, 1, 2)) + bias, abs=1e-5)
    assert found.starts.std(axis=1).max() < 1e-6


def test_the_regularised_optimum_of_a_linear_filter_is_found():
    """It is concave, so that plain projected gradient ascent finds it as well, in many more steps."""
    forward, rows = network(Convolution(filters=6, kernel=7, activation="linear"))
    found = finish(activation_maximization.maximised(forward, rows, "conv2d", smoothing=0.3, darkening=0.1))
    weights = forward.layer("conv2d").get_weights()[0][:, :, 0].transpose(2, 0, 1)
    weights = weights / np.abs(weights).mean(axis=(1, 2), keepdims=True)
    x = np.full_like(weights, 0.5)
    for _ in range(3000):
        slope = weights - 2 * 0.1 * x
        for axis in (1, 2):
            difference = 2 * 0.3 * np.diff(x, axis=axis)
            ends = [(0, 0)] * 3
            ends[axis] = (0, 1)
            slope += np.pad(difference, ends)
            ends[axis] = (1, 0)
            slope -= np.pad(difference, ends)
        x = np.clip(x + 0.05 * slope, 0, 1)
    assert np.abs(found.pictures[..., 0] - x).max() < 0.05
    assert np.abs(np.diff(x, axis=1)).mean() < 0.8 * np.abs(np.diff(weights > 0, axis=1)).mean(), "it is smoother"


@pytest.mark.parametrize("name", one_in(4, ["same", "dilated", "normalised", "skipping"]))
def test_the_pictures_made_excite_more_than_a_thousand_random_ones(name):
    forward, rows = network(*STACKS[name])
    rng = np.random.default_rng(0)
    for layer in convolutions(forward)[-2:]:
        size = field_of(rows, layer).size
        shades = rng.random((1000, 1, 1, 1), np.float32)
        random = (shades * rng.random((1000, size, size, 1))).astype(np.float32)
        best = np.asarray(activation_maximization.middle_sums(forward, rows, layer, random)).max(axis=0)
        found = finish(activation_maximization.maximised(forward, rows, layer))
        assert found.pictures.shape == (len(best), size, size, 1) and found.pictures.dtype == np.float32
        assert found.pictures.min() >= 0 and found.pictures.max() <= 1
        assert (found.sums > best).all()
        assert np.array_equal(found.sums, found.starts.max(axis=1)) and found.starts.shape == (len(best), 4)
        again = np.asarray(activation_maximization.middle_sums(forward, rows, layer, found.pictures))
        assert np.diag(again) == pytest.approx(found.sums, rel=1e-5)


def test_a_filter_with_a_large_field_gets_a_whole_picture():
    forward, rows = network(
        Convolution(filters=3, kernel=7), Pooling(size=4), Convolution(filters=3, kernel=9), Convolution(filters=2)
    )
    assert field_of(rows, "conv2d_2").size > 28
    found = finish(activation_maximization.maximised(forward, rows, "conv2d_2", starts=2, steps=20))
    maps = sums(forward, "conv2d_2", found.pictures)
    assert found.pictures.shape == (2, 28, 28, 1)
    assert [maps[number, 3, 3, number] for number in range(2)] == pytest.approx(found.sums, rel=1e-4)
    random = np.random.default_rng(0).random((1000, 28, 28, 1), np.float32)
    assert (found.sums > sums(forward, "conv2d_2", random)[:, 3, 3].max(axis=0)).all()


def test_only_the_filters_asked_for_in_pieces_as_in_one(monkeypatch):
    """Each filter has its own random starts, which depend on the seed and its turn."""
    forward, rows = network(*STACKS["same"])
    at_once = finish(activation_maximization.maximised(forward, rows, "conv2d_1", filters=[4, 1, 2], steps=10, seed=3))
    monkeypatch.setattr(activation_maximization, "_VALUES", 2**12)
    in_pieces = finish(
        activation_maximization.maximised(forward, rows, "conv2d_1", filters=[4, 1, 2], steps=10, seed=3)
    )
    assert at_once.pictures == pytest.approx(in_pieces.pictures, abs=1e-4)
    sums_of = np.asarray(activation_maximization.middle_sums(forward, rows, "conv2d_1", at_once.pictures))
    assert sums_of[[0, 1, 2], [4, 1, 2]] == pytest.approx(at_once.sums, rel=1e-5)


@pytest.mark.slow
def test_a_seed_decides_and_leaving_early_does_no_harm(images):
    forward, rows = network(*STACKS["same"])
    before = forward.model.get_weights()

    def everything(seed):
        return activation_maximization.of(forward, rows, ["conv2d", "conv2d_1"], images, steps=10, seed=seed)

    first = finish(everything(5))
    for stops in (1, 20):
        left = everything(5)
        assert all(0 < next(left) < 1 for _ in range(stops))
        left.close()
    second, other = finish(everything(5)), finish(everything(6))
    for name in first:
        assert all(np.array_equal(a, b) for a, b in zip(first[name], second[name], strict=True))
    assert not np.array_equal(first["conv2d_1"].maximised, other["conv2d_1"].maximised)
    assert all(np.array_equal(a, b) for a, b in zip(before, forward.model.get_weights(), strict=True))


def test_everything_fits_into_a_file(images, tmp_path):
    forward, rows = network(*STACKS["same"])
    found = finish(activation_maximization.of(forward, rows, ["conv2d_1"], images, count=3, steps=5))["conv2d_1"]
    np.savez(tmp_path / "kept.npz", **found._asdict())
    with np.load(tmp_path / "kept.npz", allow_pickle=False) as file:
        kept = activation_maximization.Excitement(**file)
    assert all(np.array_equal(a, b) for a, b in zip(found, kept, strict=True))
    size = field_of(rows, "conv2d_1").size
    assert kept.images.shape == kept.values.shape == (5, 3) and kept.places.shape == (5, 3, 2)
    assert kept.crops.shape == kept.seen.shape == (5, 3, size, size) and kept.crops.dtype == np.uint8
    assert kept.maximised.shape == (5, size, size, 1) and kept.maximised.dtype == np.uint8
    assert kept.reached.shape == kept.spread.shape == (5,) and (kept.spread >= 0).all()


def test_pictures_may_have_colours():
    rows = trace([Convolution(filters=4), Pooling(), Convolution(filters=3), Flatten()], (12, 12, 3), 10)
    x = inputs = keras.Input((12, 12, 3))
    x = kl.Conv2D(4, 3, padding="same", activation="relu", name="conv2d")(x)
    x = kl.MaxPooling2D(name="max_pooling2d")(x)
    x = kl.Conv2D(3, 3, padding="same", activation="relu", name="conv2d_1")(x)
    forward = Forward(keras.Model(inputs, kl.Dense(10, name="dense")(kl.Flatten(name="flatten")(x))))
    pictures = np.random.default_rng(0).random((60, 12, 12, 3), np.float32)
    found = finish(activation_maximization.of(forward, rows, ["conv2d_1"], pictures, count=2, steps=30))["conv2d_1"]
    maps = sums(forward, "conv2d_1", pictures)
    assert found.values[:, 0] == pytest.approx(maps.max(axis=(0, 1, 2)), abs=1e-5)
    assert found.crops.shape == (3, 2, 8, 8, 3) and found.seen.shape == (3, 2, 8, 8)
    assert found.maximised.shape == (3, 8, 8, 3) and (found.reached > found.values[:, 0]).all()
    first, _ = ReceptiveField(8, 2, -3).seen_by(found.places[0, 0])
    reached = np.pad(pictures[found.images[0, 0]], ((8, 8), (8, 8), (0, 0)))
    window = reached[first[0] + 8 : first[0] + 16, first[1] + 8 : first[1] + 16]
    assert np.array_equal(found.crops[0, 0], np.rint(255 * window))


# ---------------------------------------------------------------- colour, large images, and networks that take long


def colour_network(size: tuple[int, int], *layers) -> tuple[Forward, list[Row]]:
    own = Data(dataset="hats", classes=("a", "b", "c"), image_size=size)
    return shuffled(RunConfig(data=own, layers=(*layers, GlobalPooling())))


def test_everything_about_filters_over_colour_images_that_are_not_square():
    forward, rows = colour_network((20, 30), Convolution(filters=4), Pooling(), Convolution(filters=3, kernel=5))
    images = np.random.default_rng(0).integers(0, 256, (12, 20, 30, 3), np.uint8)
    found = finish(activation_maximization.of(forward, rows, ["conv2d_1"], images, count=5, starts=2, steps=8))[
        "conv2d_1"
    ]
    size = field_of(rows, "conv2d_1").size
    assert found.crops.shape == (3, 5, size, size, 3) and found.maximised.shape == (3, size, size, 3)
    whole, _ = activation_maximization.crops(images, Strongest(*found[:3]), field_of(rows, "conv2d_1"))
    np.testing.assert_array_equal(found.crops, whole)
    assert np.isfinite(found.reached).all() and np.isfinite(found.spread).all()


def test_where_images_take_too_long_they_are_made_for_some_filters_the_wanted_one_first(monkeypatch):
    forward, rows = colour_network((20, 30), Convolution(filters=6))
    images = np.random.default_rng(0).integers(0, 256, (4, 20, 30, 3), np.uint8)
    step = 3 * rows[0].macs * 9 / 600
    monkeypatch.setattr(activation_maximization, "_MADE", 2 * 20 * step)  # two filters, one start, 20 steps
    found = finish(activation_maximization.of(forward, rows, ["conv2d"], images, first=5))["conv2d"]
    assert np.flatnonzero(np.isfinite(found.reached)).tolist() == [0, 5]
    assert np.isnan(found.spread).all() and not found.maximised[1:5].any() and found.maximised[[0, 5]].any()


def test_crops_of_many_filters_over_large_images_are_reduced(monkeypatch):
    forward, rows = colour_network(
        (64, 48),
        Convolution(filters=8, kernel=7),
        Pooling(),
        Pooling(),
        Convolution(filters=8, kernel=7),
        Pooling(),
        Convolution(filters=8),
    )
    images = np.random.default_rng(0).integers(0, 256, (4, 64, 48, 3), np.uint8)
    (found,) = [finish(activation_maximization.strongest(forward, ["conv2d_2"], images, 4))["conv2d_2"]]
    field = field_of(rows, "conv2d_2")
    monkeypatch.setattr(activation_maximization, "_CROPS", 8 * 4 * 32 * 24 * 3)
    cut, seen = activation_maximization._small_crops(images, found, field)
    whole, _ = activation_maximization.crops(images, found, field)
    assert whole.shape[2:] == (64, 48, 3) and cut.shape == (8, 4, 32, 24, 3) and seen.shape == cut.shape[:4]
    means = whole.reshape(8, 4, 32, 2, 24, 2, 3).mean(axis=(3, 5))
    assert np.abs(cut - means).max() <= 1


def test_fewer_images_are_searched_where_each_takes_long():
    assert activation_maximization.searched(presets()["wardrobe"].rows(), "conv2d", 10_000) == 10_000
    large = RunConfig(
        data=Data(dataset="hats", classes=("a", "b"), image_size=(224, 224)),
        layers=(Convolution(filters=32, stride=2), Convolution(filters=128), GlobalPooling()),
    ).rows()
    few = activation_maximization.searched(large, "conv2d_1", 10_000)
    assert 100 < few < activation_maximization.searched(large, "conv2d", 10_000) == 10_000

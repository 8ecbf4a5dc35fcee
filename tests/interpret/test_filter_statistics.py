"""Statistics of filters, of weights made by hand and against whole maps."""

import keras
import numpy as np
import pytest
from keras import layers as kl

from cnn import data
from cnn.config import RunConfig
from cnn.config.layers import Convolution, Flatten, Pooling
from cnn.data import synthetic
from cnn.interpret import filter_statistics
from cnn.interpret.filter_statistics import Activity
from cnn.networks.build import build
from cnn.networks.forward import Forward
from tests.sampling import one_in


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return synthetic.dataset(120, 9, "test")[0]


def silent(count: int) -> Activity:
    return Activity(*np.zeros((4, count)))


def test_the_numbers_of_weights_made_by_hand():
    weights = np.zeros((2, 2, 1, 5))
    weights[..., 0, 0] = [[1, 2], [2, 4]]
    weights[..., 0, 1] = [[2, 4], [4, 8]]  # the first one, twice as strong
    weights[..., 0, 2] = [[-1, -2], [-2, -4]]
    weights[..., 0, 3] = [[8, 0.08], [-0.08, 0.081]]  # two within 1% of 8
    found = filter_statistics.of(weights, np.arange(5.0), silent(5))
    assert found.norm == pytest.approx([5, 10, 5, np.sqrt(64 + 2 * 0.08**2 + 0.081**2), 0])
    assert found.sparsity.tolist() == [0, 0, 0, 0.5, 1]
    assert found.twin[:2].tolist() == [1, 0] and found.similarity[:2] == pytest.approx([1, 1])
    assert found.twin[2] == 4 and found.similarity[2] == 0, "nothing is less unlike it than zeros"
    third = (8 * 1 + 0.08 * 2 - 0.08 * 2 + 0.081 * 4) / (5 * found.norm[3])
    assert found.twin[3] in (0, 1) and found.similarity[3] == pytest.approx(third)
    assert found.similarity[4] == 0 and found.bias.tolist() == [0, 1, 2, 3, 4]
    assert all(array.shape == (5,) for array in found)


def test_a_layer_of_zeros_is_sparse_and_a_single_filter_has_no_twin():
    found = filter_statistics.of(np.zeros((3, 3, 2, 1)), np.zeros(1), silent(1))
    assert found.sparsity.tolist() == [1] and found.norm.tolist() == [0]
    assert found.twin.tolist() == [-1] and np.isnan(found.similarity).all()


def test_channels_are_ordered_by_norm():
    weights = np.zeros((2, 2, 4))
    weights[0, 0] = [1, -5, 0, 2]
    weights[1, 1] = [4.5, 0, 0, 4]
    assert filter_statistics.by_norm(weights).tolist() == [1, 0, 3, 2]
    assert filter_statistics.by_norm(np.ones((3, 3, 3))).tolist() == [0, 1, 2]


def test_dead_filters_and_those_always_on(images):
    network = build(RunConfig(layers=(Convolution(filters=4), Flatten())))
    kernel = np.zeros((3, 3, 1, 4))
    kernel[1, 1, 0] = [1, 1, 0, 1]
    network.get_layer("conv2d").set_weights([kernel, np.array([0, -1000, 0.5, 0.001])])
    activity = filter_statistics.activity(Forward(network), images)["conv2d"]
    found = filter_statistics.of(kernel, np.zeros(4), activity)
    assert found.dead.tolist() == [False, True, False, False]
    assert found.always_on.tolist() == [False, False, True, True]
    assert found.pictures.tolist() == [1, 0, 1, 1]
    assert found.values == pytest.approx([(images > 0).mean(), 0, 1, 1])
    assert found.mean == pytest.approx([images.mean() / 255, 0, 0.5, images.mean() / 255 + 0.001], abs=1e-6)
    assert found.highest == pytest.approx([images.max() / 255, 0, 0.5, images.max() / 255 + 0.001], abs=1e-6)


def test_a_filter_that_one_picture_wakes_is_not_dead():
    network = build(RunConfig(layers=(Convolution(filters=1, kernel=1), Flatten())))
    network.get_layer("conv2d").set_weights([np.ones((1, 1, 1, 1)), np.array([-0.5])])
    dark = np.zeros((101, 28, 28), np.uint8)
    dark[77, 3, 5] = 255
    found = filter_statistics.activity(Forward(network), dark)["conv2d"]
    assert found.pictures == pytest.approx([1 / 101]) and found.values == pytest.approx([1 / (101 * 784)])
    assert found.highest.tolist() == [0.5]


@pytest.mark.parametrize("activation", one_in(3, ["relu", "leaky_relu", "gelu", "tanh", "sigmoid", "linear"]))
@pytest.mark.parametrize("normalised", [False, True])
def test_activity_is_that_of_all_maps(activation, normalised, images):
    """Of both layers, the second behind a pooling across maps."""
    keras.utils.set_random_seed(2)
    convolution = Convolution(filters=6, activation=activation, batch_normalisation=normalised)
    layers = (convolution, Pooling(mode="depthwise max", size=2), convolution, Flatten())
    network, rng = build(RunConfig(layers=layers)), np.random.default_rng(2)
    for layer in network.layers:
        if isinstance(layer, kl.BatchNormalization):
            layer.set_weights([rng.uniform(-0.5, 0.5, 6), rng.normal(0, 0.2, 6), rng.normal(0, 0.2, 6), np.ones(6)])
    found = filter_statistics.activity(Forward(network), images)
    assert list(found) == ["conv2d", "conv2d_1"]
    ends = {"conv2d": "", "conv2d_1": "_1"}
    for name, end in ends.items():
        last = f"{'batch_normalization' if activation == 'linear' else 'activation'}{end}" if normalised else name
        maps = np.asarray(keras.Model(network.input, network.get_layer(last).output)(data.scaled(images)))
        active = maps > (0.5 if activation == "sigmoid" else 0)
        assert found[name].pictures == pytest.approx(active.any(axis=(1, 2)).mean(axis=0))
        assert found[name].values == pytest.approx(active.mean(axis=(0, 1, 2)), abs=2e-5)
        assert found[name].mean == pytest.approx(maps.mean(axis=(0, 1, 2), dtype=float), abs=1e-5)
        assert found[name].highest == pytest.approx(maps.max(axis=(0, 1, 2)), abs=1e-5)


def test_pictures_may_have_colours():
    inputs = keras.Input((12, 12, 3))
    x = kl.Conv2D(4, 3, activation="relu", name="conv2d")(inputs)
    network = keras.Model(inputs, kl.Flatten(name="flatten")(x))
    pictures = np.random.default_rng(0).random((60, 12, 12, 3), np.float32)
    found = filter_statistics.activity(Forward(network), pictures)["conv2d"]
    maps = np.asarray(keras.Model(inputs, x)(pictures))
    assert found.mean == pytest.approx(maps.mean(axis=(0, 1, 2), dtype=float), abs=1e-5)
    assert filter_statistics.of(*network.get_layer("conv2d").get_weights(), found).norm.shape == (4,)


def test_a_network_without_convolutions_has_no_filters(images):
    assert filter_statistics.activity(Forward(build(RunConfig(layers=(Flatten(),)))), images) == {}

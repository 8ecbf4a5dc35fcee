"""Kernels and feature maps against arithmetic by hand."""

import numpy as np
import pytest

from cnn import data
from cnn.config import RunConfig
from cnn.config.layers import Convolution, Dense, Dropout, Flatten, Pooling
from cnn.data import synthetic
from cnn.networks.activations import FeatureMaps, dead_relus, kernels
from cnn.networks.build import build
from cnn.networks.load import load


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return data.scaled(synthetic.dataset(1, 9, "test")[0])[0]


@pytest.fixture(scope="module")
def network(tiny):
    return load(tiny)


def test_every_pixel_of_a_convolution_is_a_window_sum_through_relu(network, picture):
    """tiny's first layer: 8 kernels of 5×5, stride 2, "same": 1 row of zeros above, 2 below, so that 14 windows fit."""
    found = FeatureMaps(network)(picture)["conv2d"]
    (first, *_) = kernels(network)
    assert found.shape == (14, 14, 8)
    padded = np.pad(picture[:, :, 0], ((1, 2), (1, 2)))
    for row, column, channel in [(0, 0, 0), (6, 7, 3), (13, 13, 7), (4, 9, 5), (7, 7, 1)]:
        window = padded[2 * row : 2 * row + 5, 2 * column : 2 * column + 5]
        total = (window * first.weights[:, :, 0, channel]).sum() + first.bias[channel]
        assert found[row, column, channel] == pytest.approx(max(total, 0.0), abs=1e-5)
    assert found.min() == 0.0 < found.max()


def test_later_layers_follow_from_earlier_ones(network, picture):
    maps = FeatureMaps(network)(picture)
    conv, pooled = maps["conv2d"], maps["max_pooling2d"]
    assert np.array_equal(pooled, conv.reshape(7, 2, 7, 2, 8).max(axis=(1, 3)))
    _, second = kernels(network)
    window = np.pad(pooled, ((1, 1), (1, 1), (0, 0)))[3:6, 2:5]  # around row 3, column 2
    total = np.tensordot(window, second.weights[..., 11], 3) + second.bias[11]
    assert maps["conv2d_1"][3, 2, 11] == pytest.approx(max(total, 0.0), abs=1e-4)
    assert maps["global_max_pooling2d"] == pytest.approx(maps["conv2d_1"].max(axis=(0, 1)))


def test_the_maps_are_those_of_the_layers_table(network, tiny, picture):
    maps = FeatureMaps(network)(picture)
    assert [(name, values.shape) for name, values in maps.items()] == [
        (row.name, row.output_shape) for row in tiny.config.rows()
    ]
    assert maps["dense"] == pytest.approx(np.asarray(network(picture[None]))[0], abs=1e-5)


def test_kernels_have_their_convolutions_shapes(network):
    found = kernels(network)
    assert [kernel.layer for kernel in found] == ["conv2d", "conv2d_1"]
    assert [kernel.weights.shape for kernel in found] == [(5, 5, 1, 8), (3, 3, 8, 16)]
    assert [kernel.bias.shape for kernel in found] == [(8,), (16,)]
    assert np.array_equal(found[1].weights, network.get_layer("conv2d_1").get_weights()[0])


def test_a_convolution_without_bias_has_zeros_in_its_place():
    (found,) = kernels(build(RunConfig(layers=(Convolution(filters=4, batch_normalisation=True), Flatten()))))
    assert found.weights.shape == (3, 3, 1, 4) and found.bias.tolist() == [0.0] * 4


def test_a_network_without_convolutions_has_no_kernels(picture):
    network = build(RunConfig(layers=(Flatten(),)))
    assert kernels(network) == []
    assert list(FeatureMaps(network)(picture)) == ["flatten", "dense"]


def test_looking_changes_nothing(picture):
    config = RunConfig(layers=(Convolution(filters=4, batch_normalisation=True), Dropout(rate=0.9), Flatten()))
    network = build(config)
    before, looking = [weight.copy() for weight in network.get_weights()], FeatureMaps(network)
    first, second = looking(picture), looking(picture)
    assert all(np.array_equal(first[name], second[name]) for name in first), "dropout is off"
    assert np.array_equal(first["dropout"], first["activation"])
    assert all(np.array_equal(a, b) for a, b in zip(before, network.get_weights(), strict=True))


def with_dead_units(network, name: str, *units: int):
    """Give some units of a layer so low a bias that no image can wake them."""
    kernel, bias = network.get_layer(name).get_weights()
    bias[list(units)] = -1000.0
    network.get_layer(name).set_weights([kernel, bias])


def test_relus_that_no_picture_wakes_are_dead():
    """In a convolution a unit is a whole map. Other activations do not die, and neither does the output."""
    layers = (Convolution(filters=4), Pooling(), Convolution(filters=8, activation="tanh"), Flatten(), Dense(units=10))
    network = build(RunConfig(layers=layers))
    pictures = data.scaled(synthetic.dataset(20, 9, "test")[0])
    alive = dead_relus(network, FeatureMaps(network).of_many(pictures))
    assert set(alive) == {"conv2d", "dense"} and all(0 <= share < 1 for share in alive.values())

    with_dead_units(network, "conv2d", 0, 1, 3)
    with_dead_units(network, "conv2d_1", *range(8))
    with_dead_units(network, "dense", *range(10))
    found = dead_relus(network, FeatureMaps(network).of_many(pictures))
    assert found["dense"] == 1.0 and found["conv2d"] >= 0.75
    expected = (FeatureMaps(network).of_many(pictures)["conv2d"].max(axis=(0, 1, 2)) == 0).mean()
    assert found["conv2d"] == expected


def test_a_unit_that_one_picture_wakes_is_alive():
    network = build(RunConfig(layers=(Flatten(), Dense(units=2))))
    outputs = {"flatten": np.zeros((3, 4)), "dense": np.array([[0, 0], [0, 0.1], [0, 0]]), "dense_1": np.zeros((3, 10))}
    assert dead_relus(network, outputs) == {"dense": 0.5}


def test_relus_after_a_normalisation_count_under_the_activations_name():
    network = build(RunConfig(layers=(Convolution(filters=4, batch_normalisation=True), Flatten())))
    outputs = FeatureMaps(network).of_many(np.ones((2, 28, 28, 1), np.float32))
    assert list(dead_relus(network, outputs)) == ["activation"]

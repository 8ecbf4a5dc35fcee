"""A new last layer on frozen features, against Keras, OpenCV and scikit-learn."""

import cv2
import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from cnn import runs
from cnn.config import RunConfig, geometry
from cnn.config.layers import Convolution, Dense, Dropout, Flatten, GlobalPooling, Pooling
from cnn.lessons import transfer_learning
from cnn.lessons.transfer_learning import CLASSES, EDGE
from cnn.networks.build import build
from cnn.networks.forward import Forward
from cnn.networks.load import load
from tests.sampling import one_in


@pytest.fixture(scope="module")
def digits() -> transfer_learning.Digits:
    return transfer_learning.digits()


def blobs(seed: int, features: int) -> tuple[np.ndarray, np.ndarray]:
    """Ten overlapping clouds of vectors: (300, features), (300,)."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(CLASSES), 30)
    middles = rng.normal(size=(CLASSES, features))
    return (5 + middles[labels] + 1.5 * rng.normal(size=(300, features))).astype(np.float32), labels


# ---------------------------------------------------------------- digits


def test_digits_are_the_first_hundred_of_each_enlarged(digits):
    found = load_digits()
    assert np.array_equal(np.bincount(digits.labels), [100] * 10)
    seen = np.zeros(10, int)
    kept = []
    for index, label in enumerate(found.target):
        if seen[label] < 100:
            kept.append(index)
        seen[label] += 1
    assert np.array_equal(found.target[kept], digits.labels)
    for image, index in zip(digits.images[::97, ..., 0], kept[::97], strict=True):
        enlarged = cv2.resize(found.images[index] / 16, (20, 20), interpolation=cv2.INTER_LINEAR)
        assert np.allclose(image[4:24, 4:24], enlarged, atol=1e-3)
    around = digits.images.copy()
    around[:, 4:24, 4:24] = 0
    assert not around.any() and digits.images.min() >= 0 and digits.images.max() <= 1


@pytest.mark.parametrize("per_class", (1, 2, 5, 10, 20, 50))
def test_draws_have_as_many_of_each_and_are_by_chance(digits, per_class):
    one, other = (transfer_learning.drawn(digits.labels, per_class, [seed, 0]) for seed in (1, 2))
    assert np.array_equal(digits.labels[one], np.repeat(np.arange(10), per_class))
    assert len(set(one.tolist())) == len(one) and not np.array_equal(one, other)
    assert np.array_equal(one, transfer_learning.drawn(digits.labels, per_class, [1, 0]))


# ---------------------------------------------------------------- frozen layers


def test_the_shipped_networks_are_cut_where_something_changes():
    shipped = [run for run in runs.shipped() if run.id != runs.COLOUR_ID]
    names = {run.id: [row.name for row in transfer_learning.cuts(run.config.rows())] for run in shipped}
    pools = ["max_pooling2d", "max_pooling2d_1", "max_pooling2d_2"]
    assert names == {
        "dense": ["dense", "dense_1"],
        "lecture": [*pools, "dense", "dense_1"],
        "wardrobe": [*pools, "activation_8", "global_average_pooling2d"],
    }


def test_a_network_of_one_layer_has_nowhere_to_be_cut():
    assert transfer_learning.cuts(RunConfig(layers=[Flatten()]).rows()) == []


CONFIGS = (
    RunConfig(layers=[Convolution(filters=5, batch_normalisation=True), Pooling(), Flatten(), Dense(units=7)]),
    RunConfig(layers=[Convolution(filters=4, stride=2), Convolution(filters=6, padding="valid"), GlobalPooling()]),
    RunConfig(layers=[Convolution(filters=3, stride=8), Dropout(), Flatten(), Dense(units=9), Dense(units=9)]),
    RunConfig(
        layers=[Pooling(size=3, mode="average"), Convolution(filters=4), Pooling(mode="depthwise max"), Flatten()]
    ),
)


def part(network: keras.Model, name: str) -> keras.Model:
    return keras.Model(network.inputs, network.get_layer(name).output)


@pytest.mark.parametrize("config", CONFIGS)
def test_parameters_are_kerass(config):
    network, rows = build(config), config.rows()
    assert transfer_learning.cuts(rows)
    for cut in transfer_learning.cuts(rows):
        frozen = part(network, cut.name)
        assert transfer_learning.frozen_parameters(rows, cut.name) == frozen.count_params()
        vectors = transfer_learning.features(network, [cut.name], np.zeros((2, 28, 28, 1), np.float32))[cut.name]
        layer = keras.layers.Dense(CLASSES)
        layer.build((None, vectors.shape[1]))
        assert layer.count_params() == geometry.dense_parameters(vectors.shape[1], CLASSES)


@pytest.mark.parametrize("config", CONFIGS)
def test_features_are_what_comes_out_of_the_layers(config, digits):
    network = build(config)
    names = [row.name for row in transfer_learning.cuts(config.rows())]
    shown = digits.images[:120]
    found = transfer_learning.features(network, names, shown)
    for name in names:
        expected = part(network, name).predict(shown, verbose=0)
        if expected.ndim == 4:
            expected = largest_of_each_part(expected)
        assert np.allclose(found[name], expected.reshape(120, -1), atol=1e-5)


def largest_of_each_part(maps: np.ndarray) -> np.ndarray:
    """(n, h, w, c) -> (n, at most 4, at most 4, c), each pixel in one part."""
    count, height, width, channels = maps.shape
    rows, columns = min(height, EDGE), min(width, EDGE)
    found = np.full((count, rows, columns, channels), -np.inf)
    row_of = [max(p for p in range(rows) if p * height // rows <= i) for i in range(height)]
    column_of = [max(p for p in range(columns) if p * width // columns <= j) for j in range(width)]
    for i in range(height):
        for j in range(width):
            there = found[:, row_of[i], column_of[j]]
            np.maximum(there, maps[:, i, j], out=there)
    return found


def test_one_and_several_layers_are_asked_alike(digits):
    network = build(CONFIGS[0])
    names = [row.name for row in transfer_learning.cuts(CONFIGS[0].rows())]
    together = transfer_learning.features(network, names, digits.images[:20])
    for name in names:
        assert np.array_equal(transfer_learning.features(network, [name], digits.images[:20])[name], together[name])


def test_random_weights_are_glorots_and_the_same_for_each_seed():
    run = runs.get("lecture")
    one, again, other = (transfer_learning.untrained(run.config, seed).get_weights() for seed in (1, 1, 2))
    for a, b, c in zip(one, again, other, strict=True):
        assert np.array_equal(a, b)
        if a.ndim == 1:
            assert not a.any()
            continue
        area = np.prod(a.shape[:-2], dtype=int)
        limit = np.sqrt(6 / (area * (a.shape[-2] + a.shape[-1])))
        assert 0.95 * limit < np.abs(a).max() <= limit and not np.array_equal(a, c)


def test_the_features_of_a_trained_network_are_those_of_its_forward_pass(digits):
    run = runs.get("dense")
    network = load(run)
    found = transfer_learning.features(network, ["dense_1"], digits.images[:50])["dense_1"]
    assert np.allclose(found, Forward(network)(digits.images[:50])["dense_1"], atol=1e-5)


# ---------------------------------------------------------------- the new last layer


@pytest.mark.parametrize("seed", one_in(3, range(6)))
@pytest.mark.parametrize("features", (6, 400))
def test_it_learns_what_scikit_learn_learns_from_all_values(seed, features):
    vectors, labels = blobs(seed, features)
    chosen = transfer_learning.drawn(labels, 4, seed)
    found = transfer_learning.learn(vectors, labels, chosen)
    others = np.setdiff1d(np.arange(300), chosen)
    scaled = vectors.astype(np.float64) - vectors[chosen].mean(axis=0)
    scaled /= np.sqrt((scaled[chosen] ** 2).sum(axis=1).mean())
    layer = LogisticRegression(C=100, max_iter=5000, tol=1e-8).fit(scaled[chosen], labels[chosen])
    expected = layer.predict(scaled)
    assert (found.answers == expected).mean() > 0.985, "it stops a little earlier"
    assert found.accuracy == pytest.approx((found.answers[others] == labels[others]).mean(), abs=1e-12)
    assert 0.2 < found.accuracy <= 1


def test_it_is_no_better_than_chance_where_there_is_nothing_to_learn():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 100)
    accuracy = transfer_learning.learn(
        rng.normal(size=(1000, 50)), labels, transfer_learning.drawn(labels, 20, 0)
    ).accuracy
    assert 0.05 < accuracy < 0.15


def test_vectors_that_are_all_alike_are_no_error():
    labels = np.repeat(np.arange(10), 5)
    for features in (3, 80):
        assert transfer_learning.learn(np.ones((50, features), np.float32), labels, np.arange(0, 50, 5)).accuracy == 0.1

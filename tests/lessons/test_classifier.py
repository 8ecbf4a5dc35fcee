"""The head of a network against Keras, on random logits, temperatures, vectors and rates."""

import keras
import numpy as np
import pytest

from cnn.lessons import classifier
from tests.sampling import one_in


def cases(count: int, seed: int) -> list[np.random.Generator]:
    return [np.random.default_rng([seed, index]) for index in range(count)]


@pytest.mark.parametrize("rng", one_in(2, cases(40, 1)))
def test_logits_softmax_and_cross_entropy_are_those_of_keras(rng):
    size, classes, temperature = int(rng.integers(1, 200)), int(rng.integers(2, 12)), float(rng.uniform(0.1, 10))
    vectors = rng.normal(0, 1, (5, size)).astype(np.float32)
    dense = keras.layers.Dense(classes, bias_initializer="random_normal")
    expected = dense(vectors).numpy()
    logits = classifier.logits(vectors, *dense.get_weights())
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)

    scaled = keras.ops.convert_to_tensor(logits / temperature, "float64")
    probabilities = classifier.softmax(logits, temperature)
    np.testing.assert_allclose(probabilities, keras.ops.softmax(scaled).numpy(), rtol=1e-9)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-12)
    true = int(rng.integers(classes))
    losses = keras.losses.sparse_categorical_crossentropy(np.full(5, true), scaled, from_logits=True).numpy()
    np.testing.assert_allclose(classifier.cross_entropy(logits, true, temperature), losses, rtol=1e-9)
    np.testing.assert_allclose(-np.log(probabilities[:, true]), losses, rtol=1e-9)
    np.testing.assert_allclose(classifier.cross_entropy(logits[2], true, temperature), losses[2], rtol=1e-9)


@pytest.mark.parametrize("rng", cases(20, 2))
def test_powers_are_relative_to_the_largest(rng):
    logits, temperature = rng.normal(0, 3, 10), float(rng.uniform(0.5, 10))
    shares = classifier.powers(logits, temperature)
    exponentials = keras.ops.exp(keras.ops.convert_to_tensor(logits / temperature, "float64")).numpy()
    assert shares.max() == 1.0
    np.testing.assert_allclose(shares, exponentials / exponentials.max(), rtol=1e-12)


def test_huge_logits_and_a_low_temperature_stay_finite():
    logits = np.array([900.0, -900.0, 0.0])
    np.testing.assert_array_equal(classifier.softmax(logits, 0.1), [1.0, 0.0, 0.0])
    assert classifier.cross_entropy(logits, 1, 0.1) == 18_000.0


@pytest.mark.parametrize("rng", cases(20, 3))
def test_dropout_enlarges_as_keras_does(rng):
    rate, size = float(rng.uniform(0, 0.9)), int(rng.integers(20, 300))
    vector = rng.uniform(0.5, 2, size).astype(np.float32)
    expected = keras.layers.Dropout(rate, seed=int(rng.integers(1000)))(vector[None], training=True).numpy()[0]
    kept = expected != 0
    np.testing.assert_allclose(classifier.dropout(vector, kept, rate), expected, rtol=1e-6)
    np.testing.assert_allclose(classifier.dropout(vector, np.stack([kept, ~kept]), rate)[0], expected, rtol=1e-6)


@pytest.mark.parametrize("rng", cases(10, 4))
def test_so_many_units_are_dropped_and_the_mean_stays(rng):
    rate, seed, size = float(rng.uniform(0, 0.9)), int(rng.integers(10_000)), 50
    kept = classifier.kept(size, rate, 4000, seed)
    assert kept.mean() == pytest.approx(1 - rate, abs=5 * (rate * (1 - rate) / kept.size) ** 0.5 + 1e-12)
    vector = rng.uniform(0.5, 2, size)
    # The standard error of the mean is x times the square root of rate / (1 - rate) / draws.
    error = 6 * (rate / (1 - rate) / 4000) ** 0.5 + 1e-12
    np.testing.assert_allclose(classifier.dropout(vector, kept, rate).mean(axis=0) / vector, 1.0, atol=error)


def test_a_seed_draws_the_same_units_and_another_seed_others():
    one, again, other = (classifier.kept(64, 0.5, draws, seed) for draws, seed in ((1, 7), (100, 7), (1, 8)))
    np.testing.assert_array_equal(one[0], again[0])
    assert (one != other).any() and (again[0] != again[1]).any()
    assert classifier.kept(64, 0.0, 3, 7).all()

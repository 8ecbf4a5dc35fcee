"""One learning kernel against Keras's Conv2D, gradient tape and SGD, and against SciPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import signal

from cnn.lessons import gradient_descent, kernels
from tests.sampling import one_in


def cases(count: int, seed: int) -> list[np.random.Generator]:
    return [np.random.default_rng([seed, index]) for index in range(count)]


def case(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An image, a first kernel and a wanted map."""
    size, height, width = int(rng.choice([1, 3, 5])), int(rng.integers(5, 30)), int(rng.integers(5, 30))
    x, kernel = rng.uniform(0, 1, (height, width)), rng.uniform(-1, 1, (size, size))
    return x, kernel, rng.normal(0, 1, (height - size + 1, width - size + 1))


def convolution(kernel: np.ndarray) -> keras.layers.Conv2D:
    layer = keras.layers.Conv2D(1, len(kernel), use_bias=False, dtype="float64")
    layer.build((None, None, None, 1))
    layer.set_weights([kernel[..., None, None]])
    return layer


@pytest.mark.parametrize("rng", one_in(3, cases(12, 1)))
def test_every_step_is_that_of_keras(rng):
    x, kernel, target = case(rng)
    rate = 0.7 * gradient_descent.largest_rate(x, len(kernel))
    layer, sgd = convolution(kernel), keras.optimizers.SGD(rate)
    found = gradient_descent.descend(x, target, kernel, rate, 6)
    assert found.kernels.shape == (7, *kernel.shape) and found.losses.shape == (7,)
    for step in range(7):
        own = found.kernels[step]
        with tf.GradientTape() as tape:
            z = layer(x[None, ..., None])
            loss = keras.ops.mean(keras.losses.mean_squared_error(target[None, ..., None], z))
        slope = tape.gradient(loss, layer.trainable_variables)
        np.testing.assert_allclose(own, layer.get_weights()[0][..., 0, 0], rtol=1e-6, atol=1e-6)
        prediction = gradient_descent.predict(x, own)
        np.testing.assert_allclose(prediction, z.numpy()[0, ..., 0], rtol=1e-5, atol=1e-6)
        assert found.losses[step] == pytest.approx(float(loss), rel=1e-6)
        gradient = gradient_descent.gradient(x, prediction - target, len(kernel))
        np.testing.assert_allclose(gradient, slope[0].numpy()[..., 0, 0], rtol=1e-5, atol=1e-6)
        if step < 6:
            np.testing.assert_allclose(found.kernels[step + 1], own - rate * gradient, rtol=1e-12, atol=1e-12)
        sgd.apply_gradients(zip(slope, layer.trainable_variables, strict=True))


@pytest.mark.parametrize("rng", cases(12, 2))
def test_the_map_and_the_gradient_are_correlations(rng):
    x, kernel, target = case(rng)
    z = gradient_descent.predict(x, kernel)
    np.testing.assert_allclose(z, signal.correlate2d(x, kernel, "valid"), atol=1e-12)
    gradient = gradient_descent.gradient(x, z - target, len(kernel))
    np.testing.assert_allclose(gradient, 2 / z.size * signal.correlate2d(x, z - target, "valid"), atol=1e-12)
    row, column = (int(index) for index in rng.integers(0, len(kernel), 2))
    products = (z - target) * gradient_descent.inputs(x, len(kernel), row, column)
    assert gradient[row, column] == pytest.approx(2 / z.size * products.sum())


@pytest.mark.parametrize("rng", cases(12, 3))
def test_the_loss_falls_below_the_largest_rate_and_grows_without_end_above(rng):
    x, kernel, target = case(rng)
    largest = gradient_descent.largest_rate(x, len(kernel))
    below = gradient_descent.descend(x, target, kernel, 0.99 * largest, 400).losses
    assert (np.diff(below) <= 1e-12).all() and below[-1] < below[0]
    above = gradient_descent.descend(x, target, kernel, 1.05 * largest, 400).losses
    assert above[-1] > 1e6 * above[200]


@pytest.mark.parametrize("rng", cases(8, 4))
def test_the_largest_rate_is_by_the_second_derivatives_of_the_loss(rng):
    """By differences of the gradient, without the formula."""
    x, kernel, target = case(rng)
    size = len(kernel)

    def slope(weights: np.ndarray) -> np.ndarray:
        return gradient_descent.gradient(
            x, gradient_descent.predict(x, weights.reshape(size, size)) - target, size
        ).ravel()

    columns = [slope(kernel.ravel() + one) - slope(kernel.ravel() - one) for one in np.eye(size * size)]
    steepest = np.linalg.eigvals(np.array(columns) / 2).real.max()
    assert gradient_descent.largest_rate(x, size) == pytest.approx(2 / steepest)


def test_a_black_image_has_no_largest_rate():
    assert gradient_descent.largest_rate(np.zeros((9, 9)), 3) == np.inf


@pytest.mark.parametrize("name", kernels.NAMES)
def test_maps_of_wanted_kernels_stay_within_one(name):
    kernel = gradient_descent.wanted(kernels.named(name, 3))
    assert kernel[kernel > 0].sum() == pytest.approx(1)
    image = np.random.default_rng(5).uniform(0, 1, (28, 28))
    bound = max(1.0, float(-kernel[kernel < 0].sum()))
    assert np.abs(gradient_descent.predict(image, kernel)).max() <= bound


def test_a_seed_draws_the_same_small_kernel_and_another_seed_another():
    one, again, other = (gradient_descent.begin(3, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).all() and np.abs([one, other]).max() <= gradient_descent.START

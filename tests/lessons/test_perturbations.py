"""Moved, turned, resized and noisy images, and how many a network gets right."""

import keras
import numpy as np
import pytest
from scipy import ndimage

from cnn.lessons import perturbations
from cnn.lessons.perturbations import Change
from tests.sampling import one_in


def images(rng: np.random.Generator, count: int = 3, height: int = 28, width: int = 28) -> np.ndarray:
    return rng.random((count, height, width, 1), np.float32)


@pytest.mark.parametrize("seed", range(40))
def test_shifted_is_as_by_slices_and_as_by_scipy(seed):
    rng = np.random.default_rng(seed)
    height, width = rng.integers(3, 30, 2)
    x = images(rng, 2, height, width)
    right, down = (int(n) for n in rng.integers(-8, 9, 2))
    found = perturbations.shifted(x, right, down)
    padded = np.pad(x, ((0, 0), (8, 8), (8, 8), (0, 0)))
    assert np.array_equal(found, padded[:, 8 - down : 8 - down + height, 8 - right : 8 - right + width])
    assert np.allclose(found[0, ..., 0], ndimage.shift(x[0, ..., 0], (down, right), order=0), atol=1e-7)
    assert found.dtype == x.dtype


def test_nothing_is_left_of_a_image_that_is_moved_out_of_sight():
    x = images(np.random.default_rng(0), height=5, width=7)
    assert (
        not perturbations.shifted(x, 7, 0).any()
        and not perturbations.shifted(x, 0, -5).any()
        and not perturbations.shifted(x, 99, 99).any()
    )
    assert perturbations.shifted(x, 6, 4).any()


@pytest.mark.parametrize("seed", range(10))
def test_quarter_turns_are_numpys(seed):
    grey = np.random.default_rng(seed).random((28, 28), np.float32)
    for quarters in range(-3, 4):
        assert np.array_equal(perturbations.turned(grey, 90 * quarters), np.rot90(grey, quarters))


@pytest.mark.parametrize("seed", range(20))
def test_any_turn_is_scipys_within_the_image(seed):
    rng = np.random.default_rng(seed)
    grey, angle = rng.random((28, 28), np.float32), float(rng.uniform(-180, 180))
    expected = ndimage.rotate(grey, angle, reshape=False, order=1)
    row, column = np.mgrid[:28, :28] - 13.5
    within = np.hypot(row, column) < 12  # at its border the two treat what is outside differently
    assert np.abs(perturbations.turned(grey, angle) - expected)[within].max() < 2e-3
    outside = np.abs(np.cos(np.deg2rad(angle)) * column - np.sin(np.deg2rad(angle)) * row) > 14.6
    assert not perturbations.turned(grey, angle)[outside].any()


def triangle(size: int, factor: float) -> np.ndarray:
    """What each new pixel is made of along an axis, (size, size): a triangle around its place in the old image."""
    spread = max(1.0, 1 / factor)
    centre = size / 2 + (np.arange(size) + 0.5 - size / 2) / factor
    weights = np.maximum(0, 1 - np.abs(centre[:, None] - (np.arange(-size, 2 * size) + 0.5)) / spread)
    return (weights / weights.sum(axis=1, keepdims=True))[:, size : 2 * size]


@pytest.mark.parametrize("seed", range(20))
def test_resized_weighs_what_each_pixel_covers(seed):
    rng = np.random.default_rng(seed)
    grey, factor = rng.random((28, 28), np.float32), float(rng.uniform(0.4, 2.0))
    weights = triangle(28, factor)
    assert np.allclose(perturbations.resized(grey, factor), weights @ grey @ weights.T, atol=1e-4)
    assert perturbations.resized(grey, 1.0) is grey


def test_a_change_does_all_in_its_order():
    rng = np.random.default_rng(5)
    grey = rng.random((28, 28), np.float32)
    assert np.array_equal(Change()(grey), grey)
    assert np.array_equal(Change(mirrored=True)(grey), grey[:, ::-1])
    assert np.allclose(Change(exchanged=True)(grey), 1 - grey)
    assert np.array_equal(Change(degrees=90, mirrored=True)(grey), np.rot90(grey)[:, ::-1])
    half = Change(size=0.5, exchanged=True)(grey)
    assert np.all(half[:5] == 1), "what comes in is black before light and dark are exchanged"


def test_noise_is_normal_the_same_each_time_and_stays_within_range():
    grey = np.full((28, 28), 0.5, np.float32)
    found = Change(noise=0.1)(grey)
    assert np.array_equal(found, Change(noise=0.1)(grey))
    assert 0.09 < found.std() < 0.11 and abs(found.mean() - 0.5) < 0.02
    loud = Change(noise=0.5)(grey)
    assert loud.min() == 0 and loud.max() == 1 and loud.dtype == np.float32


def test_all_angles_are_each_angle():
    grey = np.random.default_rng(6).random((28, 28), np.float32)
    change = Change(size=0.8, degrees=77, mirrored=True, noise=0.1)
    angles = np.array([-90, 0, 35])
    found = change.at_angles(grey, angles)
    assert found.shape == (3, 28, 28, 1)
    for one, angle in zip(found, angles, strict=True):
        assert np.array_equal(one[..., 0], change._replace(degrees=angle)(grey))


@pytest.mark.parametrize("seed", one_in(3, range(5)))
def test_right_answers_are_counted_as_keras_does(seed):
    rng = np.random.default_rng(seed)
    keras.utils.set_random_seed(seed)
    network = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(4, "softmax")])
    network.compile(metrics=["sparse_categorical_accuracy"], loss="sparse_categorical_crossentropy")
    x, labels = images(rng, 60), rng.integers(0, 4, 60)
    accuracy = network.evaluate(x, labels, verbose=0, return_dict=True)["sparse_categorical_accuracy"]
    assert perturbations.count_right(network.predict_on_batch, x, labels) == round(60 * accuracy)


def test_a_colour_image_is_changed_channel_by_channel():
    image = np.random.default_rng(4).random((20, 30, 3)).astype(np.float32)
    change = Change(size=0.8, degrees=30, mirrored=True, exchanged=True)
    made = change(image)
    assert made.shape == image.shape
    for channel in range(3):
        np.testing.assert_array_equal(made[..., channel], change(image[..., channel]))
    assert change.at_angles(image, np.array([0, 45])).shape == (2, 20, 30, 3)

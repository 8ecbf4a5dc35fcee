"""Kernels by name against OpenCV and SciPy, and kernels as people type them."""

import cv2
import numpy as np
import pytest
from scipy import ndimage

from cnn.lessons import kernels
from cnn.lessons.kernels import UnreadableNumbers


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(1).random((12, 15))


def slid(image: np.ndarray, name: str, size: int) -> np.ndarray:
    """What a kernel makes of an image where all of it lies inside, by SciPy."""
    whole = ndimage.correlate(image, kernels.named(name, size), mode="constant")
    edge = size // 2
    return whole[edge:-edge, edge:-edge]


@pytest.mark.parametrize("size", (3, 5, 7))
def test_every_kernel_has_a_note_and_its_size(size):
    assert set(kernels.NOTES) == set(kernels.NAMES)
    for name in kernels.NAMES:
        assert kernels.named(name, size).shape == (size, size)


@pytest.mark.parametrize("size", (3, 5, 7))
def test_sobel_is_opencvs(size):
    across, down = cv2.getDerivKernels(1, 0, size)
    assert np.array_equal(kernels.named("Sobel, vertical edges", size), np.outer(down, across))
    assert np.array_equal(kernels.named("Sobel, horizontal edges", size), np.outer(across, down))


@pytest.mark.parametrize("size", (3, 5, 7))
def test_kernels_do_what_their_notes_say(image, size):
    edge = size // 2
    inner = image[edge:-edge, edge:-edge]
    mean = ndimage.uniform_filter(image, size, mode="constant")[edge:-edge, edge:-edge]
    assert np.allclose(slid(image, "identity", size), inner)
    assert np.allclose(slid(image, "blur", size), mean)
    assert np.allclose(slid(image, "sharpen", size), 2 * inner - mean)
    assert np.allclose(slid(image, "Laplacian", size), size**2 * (mean - inner))
    for name in ("vertical edges", "horizontal edges", "Laplacian", "Sobel, vertical edges"):
        assert np.allclose(slid(np.ones_like(image), name, size), 0), "zero on flat ground"
    right = np.tile(np.arange(15.0), (12, 1))
    for name in ("vertical edges", "Sobel, vertical edges", "emboss"):
        assert (slid(right, name, size)[:, 1:] > 0).all(), "bright where it becomes brighter to the right"
    for name in ("horizontal edges", "Sobel, horizontal edges"):
        assert (slid(right.T[:12, :12], name, size) > 0).all()
        assert np.allclose(slid(right, name, size), 0)


@pytest.mark.parametrize("size", (3, 5, 7))
def test_a_gaussian_falls_off_like_a_bell(size):
    kernel = kernels.named("Gaussian", size)
    away = np.arange(size) - size // 2
    variance = (kernel.sum(axis=0) * away**2).sum()
    assert kernel.sum() == pytest.approx(1)
    assert variance == pytest.approx((size - 1) / 4)  # of the binomial distribution
    bell = cv2.getGaussianKernel(size, 0)  # with 7 it is a little narrower
    assert np.allclose(kernel, bell @ bell.T, atol=1e-9 if size < 7 else 0.02)


def test_random_kernels_are_drawn_as_keras_draws_them():
    import keras

    drawn = np.array([kernels.named("random", 3, seed) for seed in range(500)])
    keras_drawn = keras.initializers.GlorotUniform(seed=1)((3, 3, 1, 1)).numpy()
    limit = np.sqrt(6 / 18)
    assert np.abs(keras_drawn).max() <= limit and np.abs(drawn).max() <= limit
    assert drawn.std() == pytest.approx(limit / np.sqrt(3), rel=0.03)
    assert np.array_equal(kernels.named("random", 5, 7), kernels.named("random", 5, 7))


@pytest.mark.parametrize(
    "text", ["0 1 0; 1 -4 1; 0 1 0", "0,1,0\n1,−4,1\n0,1,0\n", " 0\t1 0 ;\n; 1 -4 1; 0 1 0;", "0 1. 0e3; 1 -4 1; 0 1 0"]
)
def test_numbers_are_read_as_people_write_them(text):
    assert np.array_equal(kernels.from_text(text), [[0, 1, 0], [1, -4, 1], [0, 1, 0]])


def test_a_kernel_survives_being_written():
    kernel = np.random.default_rng(3).normal(size=(5, 5))
    assert np.allclose(kernels.from_text(kernels.as_text(kernel)), kernel, rtol=1e-3, atol=1e-4)
    assert kernels.as_text(-np.zeros((1, 1))) == "0"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "There are no numbers"),
        ("1 2 3; 4 5; 6 7 8", "Row 1 has 3 numbers and row 2 has 2"),
        ("1 2; 3 4", "a square with an odd edge"),
        ("1 x 3; 4 5 6; 7 8 9", "'x' is not a number"),
        ("nan 1 1; 1 1 1; 1 1 1", "too large"),
        ("1e9 1 1; 1 1 1; 1 1 1", "too large"),
        ("; ".join(["1 " * 11] * 11), "at most 9 rows of 9"),
    ],
)
def test_what_is_no_kernel_is_said(text, says):
    with pytest.raises(UnreadableNumbers, match=says):
        kernels.from_text(text)


def test_images_may_have_any_shape():
    assert kernels.from_text("1 2; 3 4; 5 6", largest=28, square=False).shape == (3, 2)

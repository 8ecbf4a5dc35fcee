"""One kernel that learns to make a wanted map of an image, by gradient descent; plain NumPy in 64 bits.

For the lessons, which show every number on the way. The map is a convolution without a border of zeros and without a
bias, z = sum of x w, and the loss its mean squared error. That is a quadratic bowl over the weights, so how steep it is
at most (the largest eigenvalue of its second derivatives) says which learning rates are stable: below 2 / eigenvalue,
see Goodfellow, Bengio and Courville, "Deep Learning", 4.3.1.
"""

from typing import NamedTuple

import numpy as np

from cnn.lessons import convolution
from cnn.lessons.convolution import Sliding

START = 0.2  # first weights lie between minus and plus this


class Descent(NamedTuple):
    """What happened. kernels: before each step and after the last, (steps + 1, k, k). losses: of them, (steps + 1,)."""

    kernels: np.ndarray
    losses: np.ndarray


def wanted(kernel: np.ndarray) -> np.ndarray:
    """A kernel (k, k) to be learned, such that its positive weights add up to 1 and any image's map stays small."""
    return kernel / kernel[kernel > 0].sum()


def begin(size: int, seed: int) -> np.ndarray:
    """A kernel (size, size) of small random weights."""
    return np.random.default_rng(seed).uniform(-START, START, (size, size))


def predict(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The map z that a kernel (k, k) makes of an image (h, w): (h - k + 1, w - k + 1)."""
    return convolution.convolved(x[..., None], kernel[..., None], Sliding(len(kernel)))


def inputs(x: np.ndarray, size: int, row: int, column: int) -> np.ndarray:
    """The pixels that one weight of a kernel is multiplied with, x[i + row, j + column] for each place (i, j)."""
    return convolution.cut(x.astype(np.float64)[..., None], Sliding(size))[:, :, 0, row, column]


def gradient(x: np.ndarray, difference: np.ndarray, size: int) -> np.ndarray:
    """How the loss changes with each weight, 2/N sum of (z - t) x[i + u, j + v]: (size, size).

    Args:
        x: the image (h, w). difference: z - t, (h - size + 1, w - size + 1).

    >>> gradient(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.5]]), 2).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    every = convolution.cut(x.astype(np.float64)[..., None], Sliding(size))[:, :, 0]
    return 2 / difference.size * np.einsum("ij,ijuv->uv", difference, every)


def largest_rate(x: np.ndarray, size: int) -> float:
    """The learning rate from which on steps overshoot on this image (h, w): 2 / the largest eigenvalue.

    The second derivatives of the loss are 2/N A'A, with a row of A for each window. Infinite for a black image.
    """
    rows = _rows(x, size)
    steepest = float(np.linalg.eigvalsh(2 / len(rows) * rows.T @ rows)[-1])
    return 2 / steepest if steepest > 0 else np.inf


def descend(x: np.ndarray, target: np.ndarray, kernel: np.ndarray, rate: float, steps: int) -> Descent:
    """Take steps w - rate x gradient, from a kernel (k, k) on."""
    size, rows, wanted_ = len(kernel), _rows(x, len(kernel)), target.ravel()
    weights, kernels, losses = kernel.ravel().astype(np.float64), [], []
    for _ in range(steps + 1):
        difference = rows @ weights - wanted_
        kernels.append(weights)
        losses.append(np.mean(difference**2))
        weights = weights - rate * (2 / len(rows)) * (difference @ rows)
    return Descent(np.array(kernels).reshape(-1, size, size), np.array(losses))


def _rows(x: np.ndarray, size: int) -> np.ndarray:
    """All windows of an image as rows of a matrix: (places, size²)."""
    return convolution.cut(x.astype(np.float64)[..., None], Sliding(size)).reshape(-1, size * size)

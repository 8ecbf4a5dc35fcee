"""What slides over an image: convolution and pooling in plain NumPy, and which pixels their windows see.

For the lessons, which show every number on the way; networks are computed by Keras. Knows no network and no layer.
All functions take one image, (height, width, channels), with whatever border of zeros has been put around it.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cnn.config import geometry
from cnn.config.geometry import Padding
from cnn.errors import AtelierError

Zeros = tuple[tuple[int, int], tuple[int, int]]  # (above, below), (left, right), as `numpy.pad` takes them


class DoesNotFit(AtelierError, ValueError):
    """A kernel spans more pixels than the image has with its border."""


class Sliding(NamedTuple):
    """How a square window slides. padding: "same", "valid", or so many zeros on every side."""

    kernel: int
    stride: int = 1
    padding: Padding | int = "valid"
    dilation: int = 1

    def zeros(self, shape: tuple[int, ...]) -> Zeros:
        """The border around an image of (height, width, ...)."""
        rows, columns = (geometry.zeros_around(size, *self) for size in shape[:2])
        return rows, columns

    def output(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Height and width of what comes out.

        Raises:
            DoesNotFit: nothing does.
        """
        span = geometry.extent(self.kernel, self.dilation)
        sizes = [size + sum(zeros) for size, zeros in zip(shape[:2], self.zeros(shape), strict=True)]
        if span > min(sizes):
            raise DoesNotFit(
                f"The kernel spans {span}×{span} pixels, but the image with its border has only {sizes[0]}×{sizes[1]}. "
                "Use a smaller kernel or dilation, or more zeros."
            )
        rows, columns = (geometry.output_size(size, self.kernel, self.stride, "valid", self.dilation) for size in sizes)
        return rows, columns


def padded(x: np.ndarray, zeros: Zeros) -> np.ndarray:
    """(h, w, c) -> with a border of zeros."""
    return np.pad(x, (*zeros, (0, 0)))


def cut(x: np.ndarray, sliding: Sliding) -> np.ndarray:
    """All windows of an image (h, w, c): (rows, columns, c, kernel, kernel), a view into the padded image.

    Raises:
        DoesNotFit: there is none.
    """
    sliding.output(x.shape)
    span = geometry.extent(sliding.kernel, sliding.dilation)
    every = sliding_window_view(padded(x, sliding.zeros(x.shape)), (span, span), axis=(0, 1))
    return every[:: sliding.stride, :: sliding.stride, :, :: sliding.dilation, :: sliding.dilation]


def convolved(x: np.ndarray, kernel: np.ndarray, sliding: Sliding, bias: float = 0.0) -> np.ndarray:
    """One feature map, z = b + the sum of x w over a window and its channels; as deep learning does, without a flip.

    Args:
        x: (h, w, c). kernel: (kernel, kernel, c).

    Returns:
        (rows, columns), float64.

    >>> edge = np.array([[[-1.0], [1.0]], [[-1.0], [1.0]]])
    >>> convolved(np.array([[0, 0, 5], [0, 0, 5]])[..., None], edge, Sliding(2), bias=1.0).tolist()
    [[1.0, 11.0]]
    """
    return bias + np.einsum("ijcuv,uvc->ij", cut(x.astype(np.float64), sliding), kernel, optimize=True)


def visits(shape: tuple[int, ...], sliding: Sliding) -> np.ndarray:
    """In how many windows each pixel of an image (h, w, ...) lies: int (h, w); 0 where it is never seen.

    >>> visits((4, 4), Sliding(2, 2)).tolist() == [[1] * 4] * 4, int(visits((4, 4), Sliding(3, 2)).sum())
    (True, 9)
    """
    (above, _), (left, _) = zeros = sliding.zeros(shape)
    count = np.zeros([size + sum(border) for size, border in zip(shape[:2], zeros, strict=True)], int)
    rows, columns = sliding.output(shape)
    for u in range(0, sliding.kernel * sliding.dilation, sliding.dilation):
        for v in range(0, sliding.kernel * sliding.dilation, sliding.dilation):
            count[u : u + (rows - 1) * sliding.stride + 1 : sliding.stride, v:][
                :, : (columns - 1) * sliding.stride + 1 : sliding.stride
            ] += 1
    return count[above : above + shape[0], left : left + shape[1]]


def pooled(maps: np.ndarray, size: int, stride: int, mode: Literal["max", "average"]) -> np.ndarray:
    """Maps (h, w, n) -> (rows, columns, n): of each window the largest value or the mean; no border.

    >>> map_ = np.array([[1.0, 2.0], [3.0, 6.0]])[..., None]
    >>> pooled(map_, 2, 2, "max").item(), pooled(map_, 2, 2, "average").item()
    (6.0, 3.0)
    """
    windows = cut(maps, Sliding(size, stride))
    return windows.max(axis=(-2, -1)) if mode == "max" else windows.mean(axis=(-2, -1))


def winners(map_: np.ndarray, size: int, stride: int) -> np.ndarray:
    """Where in a map (h, w) the largest value of each window lies, the first of equal ones: int (rows, columns, 2)."""
    windows = cut(map_[..., None], Sliding(size, stride))[:, :, 0]
    rows, columns = windows.shape[:2]
    row, column = np.unravel_index(windows.reshape(rows, columns, -1).argmax(axis=-1), (size, size))
    return np.stack([row + np.arange(rows)[:, None] * stride, column + np.arange(columns) * stride], axis=-1)


def pooled_across(maps: np.ndarray, size: int) -> np.ndarray:
    """Depthwise max pooling: maps (h, w, n) -> (h, w, n // size), the largest of each group of neighbouring maps."""
    height, width, count = maps.shape
    groups = count // size
    return maps[..., : groups * size].reshape(height, width, groups, size).max(axis=-1)


def relative_change(before: np.ndarray, after: np.ndarray) -> float:
    """How far values have moved, by their own size: |after - before| / |before|; infinite if they were all zero."""
    size = float(np.linalg.norm(before))
    moved = float(np.linalg.norm(after.astype(np.float64) - before))
    return moved / size if size else (np.inf if moved else 0.0)

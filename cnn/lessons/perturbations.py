"""Images shifted, turned, resized, mirrored, with light and dark exchanged or with noise, and a network's accuracy.

For the lessons on what a network makes of a garment that is not where, or as, it was in training. What comes in from
outside an image is black. Arrays in, arrays out.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image

Answer = Callable[[np.ndarray], np.ndarray]  # images float32 (n, h, w, c) -> probabilities (n, classes)
_BILINEAR = Image.Resampling.BILINEAR


def shifted(images: np.ndarray, right: int, down: int) -> np.ndarray:
    """Images (n, h, w, ...) moved by whole pixels, negative ones to the left and up; zeros come in."""
    height, width = images.shape[1:3]
    moved = np.zeros_like(images)
    if abs(right) < width and abs(down) < height:
        to, from_ = (_overlap(height, down), _overlap(width, right)), (_overlap(height, -down), _overlap(width, -right))
        moved[:, to[0], to[1]] = images[:, from_[0], from_[1]]
    return moved


def _overlap(size: int, by: int) -> slice:
    """Where along an axis there is something of an image that was moved."""
    return slice(max(0, by), size + min(0, by))


def count_right(answer: Answer, images: np.ndarray, labels: np.ndarray) -> int:
    """How many of images (n, h, w, c) a network answers with their labels (n,)."""
    return int((answer(images).argmax(axis=1) == labels).sum())


class Change(NamedTuple):
    """What is done to an image, in this order.

    size: of what is in it, as a factor, about the middle. degrees: it is turned by, against the clock. mirrored: left
    and right. exchanged: light and dark, x to 1 - x. noise: the standard deviation of normal noise, the same at each
    call; values then stay within [0, 1].
    """

    size: float = 1.0
    degrees: float = 0.0
    mirrored: bool = False
    exchanged: bool = False
    noise: float = 0.0

    def __call__(self, grey: np.ndarray) -> np.ndarray:
        """An image in [0, 1], (h, w) or (h, w, c) -> float32 of the same shape."""
        if grey.ndim == 3:
            return np.stack([self(grey[..., channel]) for channel in range(grey.shape[2])], axis=-1)
        found = turned(resized(grey.astype(np.float32), self.size), self.degrees)
        found = found[:, ::-1] if self.mirrored else found
        found = 1 - found if self.exchanged else found
        if self.noise:
            found = found + self.noise * np.random.default_rng(0).standard_normal(found.shape)
        return np.clip(found, 0, 1).astype(np.float32)

    def at_angles(self, grey: np.ndarray, angles: np.ndarray) -> np.ndarray:
        """An image (h, w) or (h, w, c) with this change but at each of angles (n,) in degrees: float32 (n, h, w, c)."""
        found = np.stack([self._replace(degrees=float(angle))(grey) for angle in angles])
        return found if grey.ndim == 3 else found[..., None]


def turned(grey: np.ndarray, degrees: float) -> np.ndarray:
    """An image float32 (h, w) turned about its middle against the clock, bilinearly; black comes in."""
    return np.asarray(Image.fromarray(grey).rotate(degrees, _BILINEAR))


def resized(grey: np.ndarray, factor: float) -> np.ndarray:
    """What is in an image float32 (h, w) made larger or smaller by a factor of at least 1/3, about its middle.

    Bilinearly; where it becomes smaller, each pixel is a weighted mean of all that it covers.
    """
    if factor == 1:
        return grey
    height, width = grey.shape
    around = np.pad(grey, ((height, height), (width, width)))
    high, wide = height / factor, width / factor
    top, left = (3 * height - high) / 2, (3 * width - wide) / 2
    box = (left, top, left + wide, top + high)
    return np.asarray(Image.fromarray(around).resize((width, height), _BILINEAR, box))

"""Several views of one image: its answer is the mean over them (test-time augmentation).

Which way a shoe points, or on which side a shirt is buttoned, says nothing about what it is; nor does it matter that a
garment lies a little askew or was drawn a little too narrow. Krizhevsky, Sutskever, Hinton 2012 did so with crops and
mirror images. A photo is as it is, or mirrored; a mirrored digit is no digit.
"""

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from cnn import data
from cnn.config.datasets import Reading

if TYPE_CHECKING:
    import keras

_AT_ONCE = 200  # images of which all views are predicted at once


class _View(NamedTuple):
    """What is done to an image: turned by degrees, squeezed across and down, and mirrored."""

    degrees: float = 0.0
    across: float = 1.0
    down: float = 1.0
    mirrored: bool = False


_TURNED = (_View(), _View(6, 0.95, 0.95), _View(-6, 0.95, 0.95), _View(across=0.92), _View(down=0.92))
_VIEWS: dict[Reading, tuple[_View, ...]] = {
    "garment": tuple(view._replace(mirrored=mirrored) for view in _TURNED for mirrored in (False, True)),
    "shape": _TURNED,
    "photo": (_View(), _View(mirrored=True)),
}
COUNT = len(_VIEWS["garment"])


def count(reading: Reading) -> int:
    """How many views of an image there are, by the reading of its dataset."""
    return len(_VIEWS[reading])


def augment(pixels: np.ndarray, reading: Reading = "garment") -> np.ndarray:
    """Images float32 (n, h, w, c) -> (views n, h, w, c): first all as they are, then all in the second view, ..."""
    turned: dict[_View, np.ndarray] = {}
    views = []
    for view in _VIEWS[reading]:
        upright = view._replace(mirrored=False)
        if upright not in turned:
            turned[upright] = pixels if upright == _View() else _turned(pixels, upright)
        views.append(turned[upright][:, :, ::-1] if view.mirrored else turned[upright])
    return np.concatenate(views)


def average(found: np.ndarray, reading: Reading = "garment") -> np.ndarray:
    """What was found for each of `augment(pixels, reading)`, (views n, ...) -> the images' own, (n, ...)."""
    return found.reshape(count(reading), -1, *found.shape[1:]).mean(axis=0)


def predict(model: "keras.Model", images: np.ndarray, reading: Reading = "garment") -> np.ndarray:
    """The mean of the probabilities of all views of each image.

    Args:
        model: whose output are probabilities. images: (n, h, w, c), n >= 1, as `cnn.data` loads them.

    Returns:
        float32 (n, classes).
    """
    parts = (data.scaled(images[start : start + _AT_ONCE]) for start in range(0, len(images), _AT_ONCE))
    views = (np.asarray(model.predict_on_batch(augment(part, reading))) for part in parts)
    return np.concatenate([average(found, reading) for found in views])


def _turned(pixels: np.ndarray, view: _View) -> np.ndarray:
    """Images turned and squeezed about their middle, black around."""
    size = pixels.shape[2:0:-1]  # x, y
    middle = (np.array(size) - 1) / 2
    matrix = cv2.getRotationMatrix2D((0, 0), view.degrees, 1.0)
    matrix[:, :2] *= (view.across, view.down)
    matrix[:, 2] = middle - matrix[:, :2] @ middle
    return np.stack([cv2.warpAffine(image, matrix, size).reshape(image.shape) for image in pixels])

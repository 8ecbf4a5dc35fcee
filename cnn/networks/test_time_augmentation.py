"""Several looks at one image: its answer is the mean over them (test-time augmentation).

Which way a shoe points, or on which side a shirt is buttoned, says nothing about what it is; nor does it matter that a
garment lies a little askew or was drawn a little too narrow. Krizhevsky, Sutskever, Hinton 2012 did so with crops and
mirror images.
"""

import cv2
import numpy as np

_TURNS = ((0, 1.0, 1.0), (6, 0.95, 0.95), (-6, 0.95, 0.95), (0, 0.92, 1.0), (0, 1.0, 0.92))  # degrees, across, down
COUNT = 2 * len(_TURNS)


def augment(pixels: np.ndarray) -> np.ndarray:
    """Images float32 (n, h, w, 1) -> (10 n, h, w, 1): all as they are, all mirrored, then each turned or squeezed."""
    middle = (np.array(pixels.shape[2:0:-1]) - 1) / 2  # x, y
    looks = []
    for degrees, across, down in _TURNS:
        matrix = cv2.getRotationMatrix2D((0, 0), degrees, 1.0)
        matrix[:, :2] *= (across, down)
        matrix[:, 2] = middle - matrix[:, :2] @ middle
        if (degrees, across, down) == (0, 1, 1):
            turned = pixels
        else:
            size = pixels.shape[2:0:-1]
            turned = np.stack([cv2.warpAffine(picture[..., 0], matrix, size)[..., None] for picture in pixels])
        looks += [turned, turned[:, :, ::-1]]
    return np.concatenate(looks)


def average(found: np.ndarray) -> np.ndarray:
    """What was found for each of `augment(pixels)`, (10 n, ...) -> the images' own, (n, ...)."""
    return found.reshape(COUNT, -1, *found.shape[1:]).mean(axis=0)

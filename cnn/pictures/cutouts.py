"""A garment that has been cut out of a photo -> the network's input. Knows nothing of how it was found."""

import cv2
import numpy as np

from cnn.pictures import network_input
from cnn.pictures.network_input import Frame

SIZE = 28

_DARKEST = 64  # of 255: the garment's lightest cloth, so that it still stands out from the black around it
_LEAST_SPAN = 60.0  # grey levels; less contrast than that is not stretched, or noise would look like a pattern


def tones(negative: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The tones of a cut-out garment, stretched: dark cloth bright, as in Fashion-MNIST, the ground black.

    Args:
        negative: float32 (H, W) in [0, 255], 255 minus the luminance.
        mask: bool (H, W), the garment.

    Returns:
        uint8 (H, W): 64 to 255 within the mask, 0 outside.
    """
    low, high = np.percentile(negative[mask], (4, 96)) if mask.any() else (0.0, 255.0)
    span = max(float(high - low), _LEAST_SPAN)
    low = (low + high - span) / 2
    stretched = _DARKEST + (negative - low) * ((255 - _DARKEST) / span)
    return np.where(mask, np.clip(stretched, _DARKEST, 255), 0).astype(np.uint8)


def framed(grey: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Cropped to the mask, its longest edge scaled to 28, centred on black: uint8 (H, W) -> uint8 (28, 28)."""
    canvas = np.zeros((SIZE, SIZE), np.uint8)
    if not mask.any():
        return canvas
    (left, top, right, bottom), (x, y), size = _fit(mask)
    piece = np.where(mask, grey, 0)[top:bottom, left:right].astype(np.uint8)
    smaller = max(piece.shape) > SIZE
    piece = cv2.resize(piece, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    canvas[y : y + size[1], x : x + size[0]] = piece
    return canvas


def frame_of(mask: np.ndarray) -> Frame:
    """Where the square that `framed` makes lies on the image; bool (H, W), not empty."""
    box, corner, size = _fit(mask)
    return network_input.frame_of(box, mask.shape[::-1], corner, size, (SIZE, SIZE))


def _fit(mask: np.ndarray) -> tuple[tuple[int, int, int, int], tuple[int, int], tuple[int, int]]:
    """The mask's box (left, top, right, bottom); its corner (x, y) and size (width, height) on the 28 x 28 pixels."""
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    scale = SIZE / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # An odd pixel goes to the left and the top, as in Fashion-MNIST.
    corner = (SIZE - size[0] + 1) // 2, (SIZE - size[1] + 1) // 2
    return (left, top, left + width, top + height), corner, size

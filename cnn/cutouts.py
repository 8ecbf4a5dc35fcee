"""A garment that has been cut out of a photo -> the network's input. Knows nothing of how it was found."""

import cv2
import numpy as np

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
    return np.uint8(np.where(mask, np.clip(stretched, _DARKEST, 255), 0))


def framed(grey: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Cropped to the mask, its longest edge scaled to 28, centred on black: uint8 (H, W) -> uint8 (28, 28)."""
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    frame = np.zeros((SIZE, SIZE), np.uint8)
    if not width:
        return frame
    piece = np.where(mask, grey, 0)[top : top + height, left : left + width].astype(np.uint8)
    scale = SIZE / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    piece = cv2.resize(piece, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    # An odd pixel goes to the left and the top, as in Fashion-MNIST.
    x, y = (SIZE - size[0] + 1) // 2, (SIZE - size[1] + 1) // 2
    frame[y : y + size[1], x : x + size[0]] = piece
    return frame

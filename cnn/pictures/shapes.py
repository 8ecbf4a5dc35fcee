"""A digit, or another shape drawn by hand, in any image -> the network's input: bright on black, as MNIST's images are.

MNIST's recipe: "The original black and white (bilevel) images from NIST were size normalized to fit in a 20x20 pixel
box while preserving their aspect ratio. [...] the images were centered in a 28x28 image by computing the center of mass
of the pixels, and translating the image so as to position this point at the center of the 28x28 field" (LeCun, Cortes,
Burges, yann.lecun.com/exdb/mnist). Here in any size; the strokes of a thin pen are thickened first to what is usual in
MNIST.
"""

import cv2
import numpy as np
from PIL import Image

from cnn.pictures.ink import ink_of
from cnn.pictures.line_drawings import stroke_width
from cnn.pictures.network_input import Step, UnreadableImage, as_network_input, frame_of
from cnn.pictures.reading import PLAIN, Reading
from cnn.pictures.recipe import ground_colour

NAME = "Shape"
_BOX = 20 / 28  # of the input's edges: the box that a shape fills
_LEAST_WIDTH = 0.1  # of a shape's longest edge: thinner strokes are thickened, to two pixels of MNIST's
_SPECK = 0.02  # of the largest piece: smaller ones are dust


def reading_of(rgb: np.ndarray, shape: tuple[int, int, int]) -> Reading:
    """The one reading of an image: uint8 (H, W, 3) -> float32 `shape`.

    Raises:
        UnreadableImage: it shows nothing but background.
    """
    found = _standing_out(rgb)
    mask = _thickened(found)
    pixels, corner, box, size = _placed(mask, shape[:2])
    shown = Image.fromarray(np.uint8(np.rint(pixels * 255)))
    height, width, channels = shape
    steps = [
        Step("Original", "The image, upright.", Image.fromarray(rgb)),
        Step("Shape", "White: what stands out from the background.", _white(found)),
    ]
    if mask is not found:
        steps.append(Step("Stroke width", "Thin strokes are thickened.", _white(mask)))
    why = "Scaled into a box of 5/7 of the edges, as MNIST's digits are, and centred by its mass: the network input."
    steps.append(Step(f"{height} × {width}", why, shown if channels == 1 else shown.convert("RGB")))
    frame = frame_of(box, mask.shape[::-1], corner, size, (width, height))
    seen = as_network_input(pixels[..., None].repeat(channels, axis=-1), steps, (), frame)
    return Reading(NAME, "Whatever stands out from the background, bright on black.", seen, 1.0)


def _standing_out(rgb: np.ndarray) -> np.ndarray:
    """Strokes on paper, else what differs from the colour of the corners, without dust: bool (H, W)."""
    drawn = ink_of(rgb)
    if drawn.is_drawing and drawn.strokes.any():
        mask = drawn.strokes
    else:
        ground, _ = ground_colour(rgb)
        apart = np.sqrt(((rgb.astype(np.float32) - ground.astype(np.float32)) ** 2).sum(-1))
        mask = apart > max(40.0, 0.4 * float(np.percentile(apart, 99.5)))
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    if not areas.any():
        raise UnreadableImage(PLAIN)
    return (areas >= _SPECK * areas.max())[pieces] & mask


def _thickened(mask: np.ndarray) -> np.ndarray:
    """The mask itself, or with strokes of `_LEAST_WIDTH` where they are thinner, in an image with room for that."""
    plane = mask.astype(np.uint8) * 255
    *_, width, height = cv2.boundingRect(plane)
    missing = round(_LEAST_WIDTH * max(width, height) - stroke_width(plane))
    if missing < 1:
        return mask
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (missing + 1, missing + 1))
    return cv2.dilate(plane, disc) > 0


def _placed(
    mask: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, tuple[int, int], tuple[int, int, int, int], tuple[int, int]]:
    """A mask scaled into the box, its centre of mass in the middle.

    Args:
        mask: bool (H, W), not empty.
        size: (height, width) of the result.

    Returns:
        float32 `size` in [0, 1]; the corner (x, y) of the piece on it; the piece's box (left, top, right, bottom) on
        the mask; its (width, height) on the result.
    """
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    piece = mask[top : top + height, left : left + width].astype(np.float32)
    scale = min(_BOX * size[1] / width, _BOX * size[0] / height)
    fitted = max(1, round(width * scale)), max(1, round(height * scale))
    piece = cv2.resize(piece, fitted, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    piece = piece / piece.max()
    middle = (np.array(piece.shape) / 2 - _centre(piece)) + (np.array(size) - piece.shape) / 2
    y, x = (
        int(np.clip(round(place), 0, room)) for place, room in zip(middle, np.array(size) - piece.shape, strict=True)
    )
    canvas = np.zeros(size, np.float32)
    canvas[y : y + fitted[1], x : x + fitted[0]] = piece
    return canvas, (x, y), (left, top, left + width, top + height), fitted


def _centre(piece: np.ndarray) -> np.ndarray:
    """The centre of mass (y, x) of float32 (h, w), in pixels from its upper left corner."""
    rows, columns = np.mgrid[: piece.shape[0], : piece.shape[1]] + 0.5
    return np.array([(rows * piece).sum(), (columns * piece).sum()]) / piece.sum()


def _white(mask: np.ndarray) -> Image.Image:
    return Image.fromarray(mask.astype(np.uint8) * 255)

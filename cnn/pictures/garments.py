"""A garment in any image -> its readings: as a line drawing, a painted shape, or a photo in which it must be found.

Each of them ends as Fashion-MNIST's own images are: 28 x 28, grey, a bright garment on black.
"""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from PIL import Image

from cnn.pictures import cutouts, line_drawings, segmentation
from cnn.pictures.ink import ink_of
from cnn.pictures.network_input import Step, UnreadableImage, as_network_input
from cnn.pictures.reading import PLAIN, Reading
from cnn.pictures.recipe import as_it_is, follow, ground_colour

LINE_DRAWING, PAINTED = "Line drawing", "Painted shape"  # names of readings

_THIN = 0.055  # strokes up to this share of the drawing's longest edge make a line drawing
_INK = 0.4  # a line drawing leaves more than this of its box blank
_PLAIN = 0.9  # share of the border that has the background's colour on plain ground
_ONE_TONE = 14.0  # grey levels: the spread of a shape painted in one tone


def readings_of(picture: Image.Image, rgb: np.ndarray, used_only: bool) -> list[Reading]:
    """The readings of an image that is not in Fashion-MNIST's format; their weights do not add up to 1 yet.

    Args:
        picture: RGB. rgb: a small copy of it, uint8 (H, W, 3).
        used_only: leave out the readings without a weight.

    Raises:
        UnreadableImage: it shows nothing but background.
    """
    made = [reading for make in _ways(rgb, used_only) for reading in make(picture, rgb)]
    return [reading for reading in made if reading.weight or not used_only]


_Way = Callable[[Image.Image, np.ndarray], list[Reading]]


def _ways(rgb: np.ndarray, used_only: bool) -> list[_Way]:
    """How this image, uint8 (H, W, 3), may be read: functions of the image and of `rgb`.

    Raises:
        UnreadableImage: there is nothing but background.
    """
    ink, plain = _ink(rgb)
    block = max(1, min(8, min(rgb.shape[:2]) // 4))  # a camera's noise is averaged out before it can count
    size = rgb.shape[1] // block, rgb.shape[0] // block
    if cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).std(axis=(0, 1)).max() < 1:
        raise UnreadableImage(PLAIN)
    drawn = ink_of(rgb)
    painted = plain >= _PLAIN and _one_tone(rgb, ink)
    if plain >= _PLAIN and _is_thin(ink) and (drawn.is_clean or (painted and drawn.is_one_ink)):
        used, offered = [_line_drawing(ink, 1.0)], [_recipe(0.0), _cut_out(0.0)]
    elif painted and not (drawn.is_drawing and drawn.is_clean):
        used, offered = [_painted(ink, 1.0)], [_recipe(0.0), _cut_out(0.0), _line_drawing(ink, 0.0)]
    elif drawn.is_drawing:
        used, offered = [_line_drawing(drawn.strokes, 1.0)], [_recipe(0.0), _cut_out(0.0)]
    elif plain >= _PLAIN:
        used, offered = [_on_plain_ground], [_line_drawing(ink, 0.0)]
    else:
        used, offered = [_cut_out(1.0)], [_recipe(0.0), _line_drawing(ink, 0.0)]
    return used if used_only else used + offered


# ---------------------------------------------------------------- drawings


def _ink(rgb: np.ndarray) -> tuple[np.ndarray, float]:
    """What stands out from the background's colour, bool (H, W), and the share of the border that has that colour."""
    background, plain = ground_colour(rgb)
    apart = np.sqrt(((rgb.astype(np.float32) - background.astype(np.float32)) ** 2).sum(-1))
    return apart > max(40.0, 0.4 * float(np.percentile(apart, 99.5))), plain


def _is_thin(ink: np.ndarray) -> bool:
    if ink.sum() < 12:
        return False
    mask = ink.astype(np.uint8) * 255
    *_, width, height = cv2.boundingRect(mask)
    share = ink.sum() / (width * height)
    return (
        share < 1 - _INK
        and line_drawings.stroke_width(mask) <= _THIN * max(width, height)
        and _widest(mask) <= 3 * _THIN * max(width, height)
    )


def _widest(mask: np.ndarray) -> float:
    """The width below which 98% of the ink lies: a black shoe with thin laces is no line drawing."""
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    return float(2 * np.percentile(distance[distance > 0], 98))


def _one_tone(rgb: np.ndarray, ink: np.ndarray) -> bool:
    core = cv2.erode(ink.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return bool(core.sum() > 30 and rgb[core].astype(np.float32).std(axis=0).max() < _ONE_TONE)


def _line_drawing(ink: np.ndarray, weight: float) -> _Way:
    def read(picture: Image.Image, rgb: np.ndarray) -> list[Reading]:
        if not ink.any():
            return []
        pixels, strokes, inside = line_drawings.strokes_to_pixels(ink)
        filled = Image.fromarray(np.maximum(strokes, np.uint8(inside * line_drawings.FILL)))
        steps = [
            Step("Original", "The image, upright.", Image.fromarray(rgb)),
            Step("Strokes", "What stands out from the paper counts as ink.", _white(ink)),
            Step(
                "Stroke width",
                "All strokes get the same width, about one pixel of the network input.",
                Image.fromarray(strokes),
            ),
            Step("Fill", "Enclosed areas are filled at half brightness. Small gaps are bridged.", filled),
            _last(pixels),
        ]
        why = "Strokes on plain paper: an outline and a few lines inside."
        return [Reading(LINE_DRAWING, why, as_network_input(pixels, steps, (), line_drawings.frame_of(ink)), weight)]

    return read


# ---------------------------------------------------------------- photos and shapes


def _recipe(weight: float) -> _Way:
    def read(picture: Image.Image, rgb: np.ndarray) -> list[Reading]:
        try:
            # What was transparent may be in Fashion-MNIST's format once it is filled.
            seen = as_it_is(picture, picture) or follow(picture)
        except UnreadableImage:
            return []
        why = "Everything that differs from the corners' colour is the garment, as in the pipeline of Fashion-MNIST."
        return [Reading("Plain background", why, seen, weight)]

    return read


def _painted(ink: np.ndarray, weight: float) -> _Way:
    def read(picture: Image.Image, rgb: np.ndarray) -> list[Reading]:
        negative = 255 - cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
        shape = _of_mask(segmentation.Mask(PAINTED, ink, 1.0), rgb, negative, weight)
        return [replace(shape, explanation="One shape in one tone; the plain background is removed.")]

    return read


def _cut_out(weight: float) -> _Way:
    def read(picture: Image.Image, rgb: np.ndarray) -> list[Reading]:
        negative = 255 - cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
        found = segmentation.masks(rgb)
        best = max(found[0].score, 1e-3)
        return [
            _of_mask(guess, rgb, negative, weight * (max(guess.score, 1e-3) / best) ** 2)
            for guess in found
            if guess.mask.any()
        ]

    return read


def _on_plain_ground(picture: Image.Image, rgb: np.ndarray) -> list[Reading]:
    """Cut out, and by the recipe; which would take a person for the garment."""
    found = _cut_out(1.0)(picture, rgb)
    worn = any(reading.name == segmentation.WORN for reading in found[:1])
    return found + _recipe(0.0 if worn else 0.5)(picture, rgb)


def _of_mask(guess: segmentation.Mask, rgb: np.ndarray, negative: np.ndarray, weight: float) -> Reading:
    grey = cutouts.tones(negative, guess.mask)
    pixels = cutouts.framed(grey, guess.mask).astype(np.float32) / 255
    steps = [
        Step("Original", "The image, upright.", Image.fromarray(rgb)),
        Step("Mask", "White: what was found to be the garment.", _white(guess.mask)),
        Step(
            "Background removed",
            "Everything outside the mask becomes black.",
            Image.fromarray(np.where(guess.mask[..., None], rgb, 0)),
        ),
        Step(
            "Contrast",
            "Light becomes dark, and the garment's tones are stretched over the range.",
            Image.fromarray(grey),
        ),
        _last(pixels),
    ]
    why = "A photo: the garment was separated from its background."
    return Reading(guess.name, why, as_network_input(pixels, steps, (), cutouts.frame_of(guess.mask)), weight)


def _white(mask: np.ndarray) -> Image.Image:
    return Image.fromarray(mask.astype(np.uint8) * 255)


def _last(pixels: np.ndarray) -> Step:
    why = "Cropped, longest edge scaled to 28 pixels, centred on black: the network input."
    return Step("28 × 28", why, Image.fromarray(np.uint8(np.rint(pixels * 255))))

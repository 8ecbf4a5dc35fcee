"""An image -> its readings: the ways in which it can be understood, each ready for the network.

What makes sense depends on the dataset of the network (`DatasetCard.reading`). For clothes the same pixels may be a
line drawing, a painted shape, or a photo in which a garment must be found first: every way is offered as a `Reading`,
and their weights say how much each counts in the automatic answer. A digit is whatever stands out; a photo is itself.
Knows nothing about networks: what they make of the readings is `cnn.networks.predictor`'s business.
"""

from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from cnn.config.datasets import FASHION_MNIST, DatasetCard
from cnn.pictures import garments, shapes
from cnn.pictures.files import open_image
from cnn.pictures.garments import LINE_DRAWING, PAINTED
from cnn.pictures.network_input import Frame, NetworkInput, Step, UnreadableImage, as_network_input
from cnn.pictures.normalise import filled, normalised, on_paper, reduced
from cnn.pictures.photo import MOST_SQUEEZED, brought_to, photo
from cnn.pictures.reading import PLAIN, Reading
from cnn.pictures.recipe import as_it_is

__all__ = ["AS_IT_IS", "LINE_DRAWING", "PAINTED", "PHOTO", "Reading", "of_canvas", "of_picture", "read"]

AS_IT_IS, PHOTO = "Fashion-MNIST's format", "Photo"  # names of readings

_EDGE = 256  # longest edge of the copy on which an image is understood


def read(
    source: bytes | BinaryIO | str | Path, used_only: bool = False, card: DatasetCard = FASHION_MNIST
) -> tuple[Reading, ...]:
    """An untrusted file -> its readings, the one with the largest weight first; the weights add up to 1.

    Args:
        source: the file's bytes, an open binary file, or a path.
        used_only: leave out the readings without a weight, and the time that they take.
        card: the dataset of the network that is asked: its `reading` and its `input_shape` count.

    Raises:
        UnreadableImage: the file cannot be decoded, or, unless it is read as a photo, shows nothing but background.
    """
    return of_picture(*open_image(source), used_only, card)


def of_canvas(
    rgba: np.ndarray | None, used_only: bool = False, card: DatasetCard = FASHION_MNIST
) -> tuple[Reading, ...]:
    """A drawing, uint8 (H, W, 4), transparent where nothing was drawn -> its readings, as from `read`.

    Raises:
        UnreadableImage: nothing is drawn.
    """
    return of_picture(on_paper(rgba), used_only=used_only, card=card)


def of_picture(
    image: Image.Image | np.ndarray,
    notes: tuple[str, ...] = (),
    used_only: bool = False,
    card: DatasetCard = FASHION_MNIST,
) -> tuple[Reading, ...]:
    """An image (any mode, or an array as in `recipe.to_network_input`) -> its readings, as from `read`."""
    picture = normalised(image)  # once, for all ways to read it
    if card.reading == "photo":
        return (_photo(picture, notes, card.input_shape),)
    title = FASHION_MNIST.title if card.reading == "garment" else card.title
    seen = as_it_is(picture, image, notes, card.input_shape, title)
    if seen is not None:
        return (Reading(seen.steps[0].name, seen.steps[0].explanation, seen, 1.0),)
    if card.reading == "garment" and (seen := as_it_is(picture, image, notes)) is not None:
        found = [Reading(AS_IT_IS, seen.steps[0].explanation, seen, 1.0)]
    else:
        picture = filled(picture)
        rgb = np.asarray(reduced(picture, _EDGE).convert("RGB"))
        if card.reading == "garment":
            found = garments.readings_of(picture, rgb, used_only)
        else:
            found = [shapes.reading_of(rgb, card.input_shape)]
    if not any(reading.weight for reading in found):
        raise UnreadableImage(PLAIN)
    total = sum(reading.weight for reading in found)
    found = [
        replace(
            reading,
            weight=reading.weight / total,
            seen=_in_shape(replace(reading.seen, notes=(*notes, *reading.seen.notes)), card.input_shape),
        )
        for reading in found
    ]
    return tuple(sorted(found, key=lambda reading: -reading.weight))


def _photo(picture: Image.Image, notes: tuple[str, ...], shape: tuple[int, int, int]) -> Reading:
    """The whole image, in colour or grey, squeezed to the size of the network's input."""
    height, width, channels = shape
    pixels = photo(picture, (height, width), channels)
    tones = "grey" if channels == 1 else "colour"
    steps = [
        Step("Original", "The image, upright.", reduced(picture, _EDGE)),
        Step(
            f"{height} × {width}",
            f"The whole image in {tones}, brought to {height} × {width} pixels: the network input.",
            Image.fromarray(pixels),
        ),
    ]
    seen = as_network_input(pixels.astype(np.float32) / 255, steps, notes, _frame(picture.size, width / height))
    return Reading(PHOTO, f"The whole image in {tones}, as it is.", seen, 1.0)


def _frame(size: tuple[int, int], aspect: float) -> Frame:
    """Where a photo's input lies on an image of this (width, height): beyond it, where `photo` fills it up."""
    width, height = size
    wide = max(width, round(height * aspect / MOST_SQUEEZED))
    high = max(height, round(width / aspect / MOST_SQUEEZED))
    x, y = (wide - width) // 2, (high - height) // 2
    return Frame(-x / width, -y / height, (wide - x) / width, (high - y) / height)


def _in_shape(seen: NetworkInput, shape: tuple[int, int, int]) -> NetworkInput:
    """An input brought to the size and the channels of a dataset whose images were brought there, too."""
    if seen.pixels.shape == shape:
        return seen
    height, width, channels = shape
    grey = Image.fromarray(np.uint8(np.rint(seen.pixels[..., 0] * 255)))
    pixels = brought_to(grey, (height, width), channels)
    why = f"Brought to {height} × {width} pixels, as the training images were: the network input."
    steps = [*seen.steps, Step(f"{height} × {width}", why, Image.fromarray(pixels))]
    return as_network_input(pixels.astype(np.float32) / 255, steps, seen.notes, seen.frame)

"""What the network sees of an image, how it came about step by step, and where it lies on the image."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image

from cnn.errors import AtelierError


class UnreadableImage(AtelierError, ValueError):
    """An image nobody can use; the message tells the user in two short sentences what is wrong and what to do."""


@dataclass(frozen=True)
class Step:
    """One step from the image to the network's input.

    Attributes:
        name: a word or two, for a caption.
        explanation: one sentence.
        image: the image after this step, at most 256 pixels along its longest edge.
    """

    name: str
    explanation: str
    image: Image.Image


class Frame(NamedTuple):
    """The place of the network's input on the image that was read.

    In shares of that image's width (left, right) and height (top, bottom), from its upper left corner; outside [0, 1]
    where the input was extended with background.
    """

    left: float
    top: float
    right: float
    bottom: float


WHOLE = Frame(0.0, 0.0, 1.0, 1.0)  # the input is the image


@dataclass(frozen=True, eq=False)  # eq: comparing arrays with == has no single answer
class NetworkInput:
    """What the network sees, and how it came about.

    Attributes:
        pixels: float32 (h, w, c) in [0, 1], read-only; c is 1 for grey, 3 for RGB.
        steps: in order; the last one's image is `pixels` in 8 bits.
        notes: sentences for the user about choices made on the way.
        frame: where `pixels` lie on the image.
    """

    pixels: np.ndarray
    steps: tuple[Step, ...]
    notes: tuple[str, ...]
    frame: Frame


def as_network_input(
    pixels: np.ndarray, steps: list[Step], notes: list[str] | tuple[str, ...], frame: Frame
) -> NetworkInput:
    """What the network sees, of float32 (h, w) in grey or (h, w, c), which nobody may change from now on."""
    pixels = pixels if pixels.ndim == 3 else pixels[..., None]
    pixels.setflags(write=False)  # one input may be cached and shared by many readers
    return NetworkInput(pixels, tuple(steps), tuple(notes), frame)


def frame_of(
    box: tuple[int, int, int, int],
    whole: tuple[int, int],
    corner: tuple[int, int],
    size: tuple[int, int],
    canvas: tuple[int, int],
) -> Frame:
    """Where a canvas lies on an image of which one piece was scaled and pasted onto it.

    Args:
        box: the piece on the image, (left, top, right, bottom) in the image's pixels.
        whole: (width, height) of the image.
        corner: (x, y) of the piece's upper left corner on the canvas, in the canvas's pixels.
        size: (width, height) of the piece on the canvas. Rounded, so the scale may differ between across and down.
        canvas: its (width, height).
    """
    left, top, right, bottom = box
    across, down = (right - left) / size[0], (bottom - top) / size[1]  # the image's pixels for one of the canvas's
    x, y = left - corner[0] * across, top - corner[1] * down
    ends = x + canvas[0] * across, y + canvas[1] * down
    return Frame(x / whole[0], y / whole[1], ends[0] / whole[0], ends[1] / whole[1])


def mapped_back(values: np.ndarray, frame: Frame, size: tuple[int, int]) -> np.ndarray:
    """A map over the network's input, laid on the image: bilinear between the centres of its pixels.

    Args:
        values: float32 (h, w), a value for each pixel of the input.
        frame: where the input lies on the image.
        size: (width, height) of the image, in pixels: as it was read or any copy of it.

    Returns:
        float32 (height, width), 0 outside the frame.
    """
    across = _shares(frame.left, frame.right, size[0], values.shape[1])
    down = _shares(frame.top, frame.bottom, size[1], values.shape[0])
    return (down @ values @ across.T).astype(np.float32)


def _shares(start: float, end: float, length: int, count: int) -> np.ndarray:
    """How much each of the input's pixels counts at each of the image's, along one axis: float64 (length, count)."""
    place = ((np.arange(length) + 0.5) / length - start) / (end - start) * count
    between = np.clip(place, 0.5, count - 0.5)  # around the outermost centres there is nothing to mix with
    shares = np.maximum(0, 1 - np.abs(between[:, None] - (np.arange(count) + 0.5)))
    return shares * ((place >= 0) & (place <= count))[:, None]

"""A picture -> its readings: the ways in which it can be understood, each ready for the network.

The same pixels may be a line drawing, a filled shape, or a photo in which a garment must be found first. Every way
that makes sense is offered as a `Reading`; their weights say how much each counts in the automatic answer. Knows
nothing about networks: what they make of the readings is `cnn.predict`'s business.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from cnn import images
from cnn.images import NetworkInput


@dataclass(frozen=True, eq=False)
class Reading:
    """One way to understand a picture.

    Attributes:
        name: a few words for a button, such as "Line drawing".
        explanation: one sentence: how the picture was understood.
        seen: what the network sees, with the steps that led there.
        weight: its share in the automatic answer, in [0, 1]; 0: offered to the user, not used by itself.
    """

    name: str
    explanation: str
    seen: NetworkInput
    weight: float


def read(source: bytes | BinaryIO | str | Path) -> tuple[Reading, ...]:
    """An untrusted file -> its readings, the one with the largest weight first; the weights add up to 1.

    Raises:
        UnreadableImage: the file cannot be decoded, or shows nothing but background.
    """
    return of_picture(*images.open_image(source))


def of_picture(image: Image.Image | np.ndarray, notes: tuple[str, ...] = ()) -> tuple[Reading, ...]:
    """A picture (any mode, or an array as in `images.to_network_input`) -> its readings, as from `read`."""
    seen = images.to_network_input(image, notes)
    return (Reading("Plain background", "A garment on a plain background.", seen, 1.0),)


def of_canvas(rgba: np.ndarray | None) -> tuple[Reading, ...]:
    """A drawing, uint8 (H, W, 4), transparent where nothing was drawn -> its readings, as from `read`.

    Raises:
        UnreadableImage: nothing is drawn.
    """
    return (Reading("Filled shape", "A drawing.", images.from_canvas(rgba), 1.0),)

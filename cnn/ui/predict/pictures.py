"""An image that somebody gave: the original, its readings, and what was changed by hand.

Changes belong to the image in view: they follow it from page to page, and end when another one comes.
"""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import streamlit as st
from PIL import Image

from cnn.config import DatasetCard
from cnn.config.datasets import FASHION_MNIST
from cnn.pictures import NetworkInput, UnreadableImage, open_image, readings
from cnn.pictures.readings import Reading
from cnn.ui import state

_DRAWING = "drawing"  # id of the drawing, whatever is on the board
_TURNS = (None, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)


@dataclass(frozen=True)
class File:
    """An uploaded file. Its id is another one for each upload."""

    id: str
    name: str
    content: bytes


@dataclass(frozen=True)
class Changes:
    """What a person changed: quarter turns to the left, light and dark exchanged, the reading to use by its name."""

    turns: int = 0
    inverted: bool = False
    reading: str | None = None


@dataclass(frozen=True, eq=False)  # eq: comparing images with == has no single answer
class Picture:
    """An image with its readings.

    Attributes:
        id: tells it from every other image.
        title: what to call it.
        original: as it came, upright, at most 500 pixels along its longest edge.
        readings: of the image as it is now, with its changes; no two have the same name.
        card: the dataset of the network that they are for.
        label: its true class, if the dataset knows it.
        drawn: it is a drawing, transparent where nothing was drawn.
        notes: what is known from opening it.
        changes: made by hand.
        content: the file's bytes, where it came as a file.
    """

    id: str
    title: str
    original: Image.Image
    readings: tuple[Reading, ...]
    card: DatasetCard
    label: int | None = None
    drawn: bool = False
    notes: tuple[str, ...] = ()
    changes: Changes = Changes()
    content: bytes = b""

    @property
    def chosen(self) -> Reading | None:
        """The reading that was chosen by hand; None: all together, by their weights."""
        return next((reading for reading in self.readings if reading.name == self.changes.reading), None)

    @property
    def reading(self) -> Reading:
        """The one reading to look at: what was chosen, else the heaviest."""
        return self.chosen or max(self.readings, key=lambda reading: reading.weight)

    @property
    def seen(self) -> NetworkInput:
        """What the network sees of that reading."""
        return self.reading.seen

    @cached_property
    def shown(self) -> Image.Image:
        """The image as it is now, for the eye: turned, inverted, and on paper where it is transparent."""
        picture = _changed(self.original, self.changes)
        if picture.mode != "RGBA":
            return picture
        paper = Image.new("RGBA", picture.size, "white" if self.drawn else "#bfc4ca")
        return Image.alpha_composite(paper, picture).convert("RGB")

    @cached_property
    def inverting_is_idle(self) -> bool:
        """Whether exchanging light and dark makes no difference to any reading."""
        before = _read_changed(self, replace(self.changes, inverted=not self.changes.inverted))
        pairs = zip(self.readings, before, strict=False)
        return len(before) == len(self.readings) and all(
            np.abs(one.seen.pixels - other.seen.pixels).max() < 0.02 for one, other in pairs
        )

    @property
    def to_keep(self) -> bytes | Image.Image:
        """The image as it is to be kept: the file itself, unless it was changed by hand."""
        changed = self.changes.turns % 4 or self.changes.inverted
        return self.content if self.content and not changed else self.shown

    def pixels(self, factor: int = 8) -> np.ndarray:
        """The network's input to be shown, each pixel a square: uint8 (h factor, w factor), in colour (..., 3)."""
        return magnified(_eight_bit(self.seen), max(1, factor))

    def input_within(self, edge: int) -> Image.Image:
        """The network's input to be shown, as large as fits into a square of so many pixels."""
        return input_within(self.seen, edge)

    @property
    def input_in_words(self) -> str:
        """What the network's input is: 28 by 28 grey pixels, a bright garment on black."""
        height, width, channels = self.card.input_shape
        about = {"garment": ", a bright garment on black", "shape": ", bright on black", "photo": ""}[self.card.reading]
        return f"{height} by {width} {'grey' if channels == 1 else 'colour'} pixels{about}"


def input_within(seen: NetworkInput, edge: int) -> Image.Image:
    """A network's input to be shown, as large as fits into a square: small ones with their pixels as equal squares."""
    pixels = _eight_bit(seen)
    factor = edge // max(pixels.shape[:2])
    return Image.fromarray(magnified(pixels, factor)) if factor else fitted(Image.fromarray(pixels), edge)


def _eight_bit(seen: NetworkInput) -> np.ndarray:
    pixels = (seen.pixels * 255).round().astype(np.uint8)
    return pixels[..., 0] if pixels.shape[-1] == 1 else pixels


def magnified(image: np.ndarray, factor: int) -> np.ndarray:
    """An array (h, w, ...) with each pixel a square of factor x factor."""
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def fitted(image: Image.Image, edge: int) -> Image.Image:
    """Small images are shown with their pixels as squares, large ones reduced."""
    factor = edge / max(image.size)
    size = tuple(max(1, round(length * factor)) for length in image.size)
    return image.resize(size, Image.Resampling.NEAREST if factor > 1 else Image.Resampling.BOX)


# ---------------------------------------------------------------- from what was given to an image


def read(file: File, card: DatasetCard) -> Picture:
    """Decode a file, for a network of a dataset.

    Raises:
        UnreadableImage: it is broken, or shows nothing but background.
    """
    original, notes = open_image(file.content)
    found = readings.of_picture(original, notes, card=card)
    return Picture(file.id, file.name, original, found, card, notes=notes, content=file.content)


def of_file(file: File, card: DatasetCard) -> Picture:
    """The same as `read`, once for a file that is in view: a page runs again at every click."""
    return _of_file(file.id, card, file)


@st.cache_resource(max_entries=8, show_spinner="Preprocessing the image…", hash_funcs={DatasetCard: repr})
def _of_file(id_: str, card: DatasetCard, _file: File) -> Picture:
    return read(_file, card)


def of_sample(array: np.ndarray, title: str, label: int, card: DatasetCard = FASHION_MNIST) -> Picture:
    """An image of the dataset, uint8 (h, w) or (h, w, 3)."""
    found = readings.of_picture(array, card=card)
    return Picture(digest(array), title, Image.fromarray(array), found, card, label)


def of_drawing(rgba: np.ndarray | None, card: DatasetCard) -> Picture:
    """A drawing as from `drawing.ask`. It stays the same image while it grows.

    The prediction is to follow a stroke: readings that are only offered wait until they are asked for.

    Raises:
        UnreadableImage: nothing is drawn.
    """
    id_, changes = st.session_state.get(state.CHANGES, (None, Changes()))
    chosen = id_ == _DRAWING and changes.reading is not None
    used_only = not (chosen or st.session_state.get(state.PREPROCESSING))
    found = readings.of_canvas(None) if rgba is None else _of_canvas(digest(rgba), used_only, card, rgba)
    return Picture(_DRAWING, "Your drawing", Image.fromarray(rgba), found, card, drawn=True)


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs={DatasetCard: repr})
def _of_canvas(digest: str, used_only: bool, card: DatasetCard, _rgba: np.ndarray) -> tuple[Reading, ...]:
    return readings.of_canvas(_rgba, used_only, card)


def digest(pixels: np.ndarray) -> str:
    """Tells arrays apart. Streamlit's own hash of a large array looks at a part of it only."""
    return f"{pixels.shape} {hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()}"


# ---------------------------------------------------------------- changes made by hand


def with_changes(picture: Picture) -> Picture:
    """An image that comes into view, with the changes made to it. Those of the image before are forgotten."""
    changes = _changes(picture)
    if not changes.turns and not changes.inverted:
        return replace(picture, changes=changes)
    try:
        return replace(picture, changes=changes, readings=_read_changed(picture, changes))
    except UnreadableImage as error:
        st.error(f"{error} The original is shown.", icon=":material/broken_image:")
        reset()
        return picture


def seen_by(picture: Picture, card: DatasetCard) -> Picture:
    """The same image, with the same changes, for a network of another dataset; its class is that of the same name.

    Raises:
        UnreadableImage: to that network it shows nothing.
    """
    mine, its = picture.card, card
    name = None if picture.label is None else mine.class_names[picture.label]
    label = its.class_names.index(name) if name in its.class_names else None
    if (mine.reading, mine.input_shape, mine.title) == (its.reading, its.input_shape, its.title):
        return replace(picture, card=card, label=label)
    readings_ = _read_changed(replace(picture, card=card), picture.changes)
    return replace(picture, card=card, label=label, readings=readings_)


def change(picture: Picture, **changes) -> None:
    """Change an image on the next run of the page; see `Changes`."""
    st.session_state[state.CHANGES] = (picture.id, replace(picture.changes, **changes))


def reset() -> None:
    """Take back all changes."""
    st.session_state.pop(state.CHANGES, None)


def _changes(picture: Picture) -> Changes:
    id_, changes = st.session_state.get(state.CHANGES, (None, None))
    if id_ != picture.id:
        reset()
        return Changes()
    return changes


def _read_changed(picture: Picture, changes: Changes) -> tuple[Reading, ...]:
    id_ = digest(np.asarray(picture.original))
    return _reread(id_, changes.turns, changes.inverted, picture.drawn, picture.card, picture)


@st.cache_resource(max_entries=8, show_spinner="Preprocessing the image again…", hash_funcs={DatasetCard: repr})
def _reread(
    digest: str, turns: int, inverted: bool, drawn: bool, card: DatasetCard, _picture: Picture
) -> tuple[Reading, ...]:
    changed = _changed(_picture.original, Changes(turns, inverted))
    if drawn:
        return readings.of_canvas(np.asarray(changed), card=card)
    return readings.of_picture(changed, _picture.notes, card=card)


def turned(picture: Image.Image, turns: int) -> Image.Image:
    """After so many quarter turns to the left."""
    turn = _TURNS[turns % 4]
    return picture if turn is None else picture.transpose(turn)


def _changed(picture: Image.Image, changes: Changes) -> Image.Image:
    picture = turned(picture, changes.turns)
    if changes.inverted:
        pixels = np.array(picture)
        colours = pixels[..., :3] if picture.mode == "RGBA" else pixels
        colours[...] = 255 - colours
        picture = Image.fromarray(pixels)
    return picture

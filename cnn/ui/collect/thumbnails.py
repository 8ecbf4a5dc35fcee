"""Small copies of a dataset's images for the screen: single ones, and a few of a class in one file."""

import io
from collections.abc import Sequence

import streamlit as st
from PIL import Image

from cnn.data import image_folders, own_datasets
from cnn.data.datasets import DataUnavailable
from cnn.data.image_folders import ImageFolder, OwnImage

COLUMNS, ROWS = 3, 2  # of the images in a class's box
_EDGE, _GAP = 44, 3  # pixels on the screen in the narrowest box; drawn more finely, as boxes share the whole width
_FINE = 3
_EMPTY = (128, 128, 128, 40)  # where there is no image yet, on light and on dark
_WIDTH = COLUMNS * (_EDGE + _GAP) - _GAP
BOX = 156  # pixels that a box has at least: two stand beside each other on a phone of 360


def of(dataset: ImageFolder, images: Sequence[OwnImage]) -> list[bytes]:
    """A WebP file of each image; empty where it is gone or was changed this moment."""

    def made(image: OwnImage) -> bytes:
        try:
            return own_datasets.thumbnail(dataset, image)
        except (DataUnavailable, OSError, ValueError):
            return b""

    return list(image_folders.mapped(made, images))


def newest(images: Sequence[OwnImage], count: int) -> list[OwnImage]:
    """The images whose files are the newest, the newest first."""
    return sorted(images, key=lambda image: (-image.known.changed, image.name))[:count]


def sheet(dataset: ImageFolder, images: Sequence[OwnImage]) -> bytes:
    """The newest images of a class, COLUMNS × ROWS at most, in one WebP file."""
    few = newest(images, COLUMNS * ROWS)
    return _sheet(str(dataset.path), tuple(image.content for image in few), dataset, few)


def _square(content: bytes, edge: int) -> Image.Image:
    """The middle of an image file, as a square of so many pixels."""
    with Image.open(io.BytesIO(content)) as opened:
        tile = opened.convert("RGBA")
    side = min(tile.size)
    left, top = (tile.width - side) // 2, (tile.height - side) // 2
    return tile.resize((edge, edge), Image.Resampling.BILINEAR, (left, top, left + side, top + side))


def _box(left: int, top: int, edge: int) -> tuple[int, int, int, int]:
    return left, top, left + edge, top + edge


@st.cache_data(max_entries=400, show_spinner=False)  # 8 kB each
def _sheet(path: str, contents: tuple[str, ...], _dataset: ImageFolder, _images: Sequence[OwnImage]) -> bytes:
    edge, step = _EDGE * _FINE, (_EDGE + _GAP) * _FINE
    whole = Image.new("RGBA", (_WIDTH * _FINE, (ROWS * (_EDGE + _GAP) - _GAP) * _FINE))
    contents_ = [*of(_dataset, _images), *[b""] * (COLUMNS * ROWS)]
    for number, content in enumerate(contents_[: COLUMNS * ROWS]):
        row, column = divmod(number, COLUMNS)
        whole.paste(_square(content, edge) if content else _EMPTY, _box(column * step, row * step, edge))
    file = io.BytesIO()
    whole.save(file, "WEBP", quality=75)
    return file.getvalue()

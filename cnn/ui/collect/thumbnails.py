"""Small copies of a dataset's images for the screen: single ones, and a few of a class in one file."""

import io
from collections.abc import Sequence

import streamlit as st
from PIL import Image

from cnn.data import image_folders, own_datasets
from cnn.data.datasets import DataUnavailable
from cnn.data.image_folders import ImageFolder, OwnImage

COLUMNS, ROWS = 4, 2  # of the images in a class's box
_EDGE, _GAP = 42, 3  # pixels on the screen; drawn twice as fine
_FINE = 2


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


@st.cache_data(max_entries=400, show_spinner=False)  # 5 kB each
def _sheet(path: str, contents: tuple[str, ...], _dataset: ImageFolder, _images: Sequence[OwnImage]) -> bytes:
    edge, gap = _EDGE * _FINE, _GAP * _FINE
    rows = min(ROWS, -(-len(_images) // COLUMNS)) or 1
    whole = Image.new("RGBA", (COLUMNS * (edge + gap) - gap, rows * (edge + gap) - gap))
    for number, content in enumerate(of(_dataset, _images)):
        if not content:
            continue
        with Image.open(io.BytesIO(content)) as opened:
            tile = opened.convert("RGBA")
        side = min(tile.size)
        left, top = (tile.width - side) // 2, (tile.height - side) // 2
        tile = tile.resize((edge, edge), Image.Resampling.BILINEAR, (left, top, left + side, top + side))
        row, column = divmod(number, COLUMNS)
        whole.paste(tile, (column * (edge + gap), row * (edge + gap)))
    file = io.BytesIO()
    whole.save(file, "WEBP", quality=75)
    return file.getvalue()


WIDTH = COLUMNS * (_EDGE + _GAP) - _GAP  # screen pixels of a sheet
BOX = WIDTH + 34  # screen pixels of a box with a border around it

"""Images of a split by the hundred, each to be clicked or reached with the arrow keys; a page travels as one image."""

from collections.abc import Callable, Collection, Sequence
from math import ceil

import numpy as np
from PIL import Image

from cnn.ui import links
from cnn.ui.components import sheet

PAGE = 100  # images
_EDGE = 56  # screen pixels of a thumbnail, at least
_FRAME = 1  # pixels of a small image's frame
_WRONG, _RIGHT, _SELECTED = np.array([(213, 94, 0), (128, 128, 128), (0, 114, 178)], np.uint8)


class Together:
    """Arrays of images (n, h, w[, c]) one after the other, to be taken from by index; they may lie on disk."""

    def __init__(self, arrays: Sequence[np.ndarray]):
        self._arrays = arrays
        self._starts = np.cumsum([0, *map(len, arrays)])

    def __getitem__(self, index: int | Sequence[int]) -> np.ndarray:
        if isinstance(index, int | np.integer):
            number = int(np.searchsorted(self._starts, index, side="right")) - 1
            return self._arrays[number][index - self._starts[number]]
        return np.stack([self[int(one)] for one in index])


def show(
    images: np.ndarray | Together,
    shown: Sequence[int] | np.ndarray,
    names: Sequence[str],
    key: str,
    label: str,
    wrong: Sequence[bool] | np.ndarray = (),
    opened: int | None = None,
    selected: Collection[int] = (),
    on_open: Callable[[int], None] | None = None,
) -> None:
    """Draw a page of images, and the number of the page where there are several.

    Args:
        images: uint8 (n, h, w) or (n, h, w, channels) of a whole split.
        shown: which of them, in this order; at least one.
        names: of the shown ones, read out and shown on hover.
        key: the name of the parameter that holds the page; unique among all pages.
        label: what is shown, for who cannot see it.
        wrong: for each of the shown ones, whether it is framed as a mistake.
        opened: the one that is marked, an index of `images`.
        selected: indices of `images` that are framed as selected.
        on_open: called with an index of `images` that was clicked.
    """
    pages, first = ceil(len(shown) / PAGE), 0
    if pages > 1:
        number = links.number(key, f"Page (of {pages})", 1, pages, width=140)
        first = (number - 1) * PAGE
    here = [int(index) for index in shown[first : first + PAGE]]
    marks = np.asarray(wrong, bool)[first : first + PAGE] if len(wrong) else np.zeros(len(here), bool)
    tiles = framed(thumbnails(images[here]), marks, np.isin(here, list(selected)))
    strip = sheet.Strip(
        tiles,
        names[first : first + PAGE],
        here,
        scale=max(1, round(_EDGE / max(tiles.shape[1:3]))),
        chosen=[here.index(opened)] if opened in here else (),
    )
    on_pick = None if on_open is None else lambda _, index: on_open(index)
    sheet.show([strip], f"{key}-images", label, on_pick=on_pick)


def thumbnails(images: np.ndarray) -> np.ndarray:
    """uint8 (n, h, w[, channels]) -> uint8 (n, h', w', 3), made smaller where an edge is longer than a thumbnail's."""
    if images.ndim == 3:
        images = images[..., None]
    if images.shape[3] == 1:
        images = images.repeat(3, axis=3)
    height, width = images.shape[1:3]
    if max(height, width) <= _EDGE:
        return images
    factor = _EDGE / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.stack([np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BOX)) for one in images])


def width_within(image: np.ndarray, edge: int) -> int:
    """Screen pixels that an image (h, w, ...) is wide where its longer side has so many."""
    height, width = image.shape[:2]
    return max(1, round(edge * width / max(height, width)))


def framed(tiles: np.ndarray, wrong: np.ndarray, selected: np.ndarray) -> np.ndarray:
    """Tiles uint8 (n, h, w, 3) with a frame around each: blue for a selected one, orange for a mistake, else grey.

    Args:
        wrong, selected: bool (n,).
    """
    count, height, width = tiles.shape[:3]
    whole = np.empty((count, height + 2 * _FRAME, width + 2 * _FRAME, 3), np.uint8)
    whole[:] = np.where(selected[:, None], _SELECTED, np.where(wrong[:, None], _WRONG, _RIGHT))[:, None, None]
    whole[:, _FRAME:-_FRAME, _FRAME:-_FRAME] = tiles
    return whole

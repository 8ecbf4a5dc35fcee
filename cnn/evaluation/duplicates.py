"""Pairs of images that are the same, or nearly, within and across the splits of a dataset.

Two images are as far apart as the root mean square of the differences of their pixels, in levels from 0 to 255; one of
them may be mirrored. Large images are first reduced, so that ten thousand photos are compared in little memory.
Distances of all pairs are bounded by blocks of matrix products, and those of the few that may be close are computed
from the pixels. Knows pixels and labels, no network.
"""

from collections.abc import Generator
from dataclasses import dataclass

import cv2
import numpy as np

from cnn import data

SEARCHED = 16.0  # grey levels: closer pairs are listed
NEAR = 8.0  # grey levels: in Fashion-MNIST, closer pairs show the same article, and from 10 on most are of two alike
MOST = 5_000  # pairs that are listed, the closest ones
SPLITS = ("train", "validation", "test")
LARGEST = 48  # pixels of the longer side that images are compared with, at most
_BLOCK = 2_000  # images a side of a product of 16 MB
_SAMPLE, _DIRECTIONS = 1_000, 64  # images that choose the directions of the projection, and how many there are
_SLACK = 0.5  # grey levels by which a distance of 32-bit floats may be wrong, with room to spare


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of images, the closest first.

    Attributes:
        first, second: int (m,), places among all images: those of train, then validation, then test; first < second.
        distance: float32 (m,), in grey levels; 0 for the same pixels.
        mirrored: bool (m,), whether that is the distance to the second one's mirror image.
        count: how many pairs there are that are close, of which at most `MOST` are listed.
    """

    first: np.ndarray
    second: np.ndarray
    distance: np.ndarray
    mirrored: np.ndarray
    count: int

    def __len__(self) -> int:
        return len(self.first)

    @property
    def exact(self) -> np.ndarray:
        """bool (m,): the same pixels, neither of the two mirrored."""
        return (self.distance == 0) & ~self.mirrored

    def within(self, near: float) -> "Pairs":
        """Those closer than so many grey levels."""
        return self.only(self.distance < near)

    def only(self, chosen: np.ndarray) -> "Pairs":
        """Some of them: bool (m,)."""
        arrays = (self.first[chosen], self.second[chosen], self.distance[chosen], self.mirrored[chosen])
        return Pairs(*arrays, count=int(chosen.sum()))


@dataclass(frozen=True, eq=False)
class Everything:
    """All images of a dataset in one row: train, validation, test.

    images: uint8 (n, h, w[, c]), reduced where a side is longer than `LARGEST`. labels: int (n,). split: int (n,), a
    place in `SPLITS`. index: int (n,), within it. reduced: whether the images were larger.
    """

    images: np.ndarray
    labels: np.ndarray
    split: np.ndarray
    index: np.ndarray
    reduced: bool = False


def everything(splits: data.Splits) -> Everything:
    each = [getattr(splits, name) for name in SPLITS]
    sizes = [len(split.labels) for split in each]
    return Everything(
        np.concatenate([_reduced(split.images) for split in each]),
        np.concatenate([split.labels for split in each]).astype(np.int64),
        np.repeat(np.arange(len(SPLITS)), sizes),
        np.concatenate([np.arange(size) for size in sizes]),
        max(each[0].images.shape[1:3]) > LARGEST,
    )


def _reduced(images: np.ndarray) -> np.ndarray:
    """Images uint8 (n, h, w[, c]) with no side longer than `LARGEST`, in their proportions, by the means of areas."""
    height, width = images.shape[1:3]
    factor = LARGEST / max(height, width)
    if factor >= 1:
        return images
    size = max(1, round(width * factor)), max(1, round(height * factor))
    found = np.empty((len(images), size[1], size[0], *images.shape[3:]), np.uint8)
    for place, image in enumerate(images):  # one at a time: they may lie on disk
        found[place] = cv2.resize(np.ascontiguousarray(image), size, interpolation=cv2.INTER_AREA)
    return found


def finding(images: np.ndarray, near: float = SEARCHED) -> Generator[float, None, Pairs]:
    """Find all pairs of images closer than `near` grey levels; yields the fraction that is done, in [0, 1].

    No pair is missed: a projection on some directions at right angles makes no distance larger, so that pairs which are
    close are close there, too.

    Args:
        images: uint8 (n, h, w) or (n, h, w, c). near: in grey levels, above 0.
    """
    count = len(images)
    whole = images.reshape(count, images.shape[1], images.shape[2], -1)
    flat = whole.reshape(count, -1)
    turned = np.ascontiguousarray(whole[:, :, ::-1]).reshape(count, -1)
    middle, directions = _directions(flat)
    limit = np.float32((near + _SLACK) ** 2 * flat.shape[1])
    places = []
    for one in (flat, turned):
        yield 0.0  # to be stopped here, too
        places.append(_projected(one, middle, directions))
    lengths = [np.einsum("ij,ij->i", one, one)[:, None] for one in places]
    ones = np.ones((count, 1), np.float32)
    # The squared distance as one product: -2ab + a² · 1 + 1 · b².
    left = np.concatenate([-2 * places[0], lengths[0], ones], axis=1)
    rights = [np.concatenate([one, ones, length], axis=1) for one, length in zip(places, lengths, strict=True)]
    kept, number = np.empty((0, 4)), 0  # first, second, distance, mirrored
    starts = range(0, count, _BLOCK)
    total, done = len(starts) * (len(starts) + 1) / 2, 0
    for start in starts:
        for other in range(start, count, _BLOCK):
            close = []
            for mirrored, (pixels, right) in enumerate(zip((flat, turned), rights, strict=True)):
                squares = left[start : start + _BLOCK] @ right[other : other + _BLOCK].T
                i, j = np.divmod(np.flatnonzero(squares < limit), squares.shape[1])
                inside = i + start < j + other  # each pair once, none with itself
                i, j = i[inside] + start, j[inside] + other
                close.append(_measured(flat, pixels, i, j, mirrored, near))
            found = _closer_of_two(np.concatenate(close))
            number += len(found)
            if len(found):
                kept = np.concatenate([kept, found])
                kept = kept[np.lexsort((kept[:, 1], kept[:, 0], kept[:, 2]))][:MOST]
            done += 1
            yield done / total
    first, second = kept[:, 0].astype(np.int64), kept[:, 1].astype(np.int64)
    return Pairs(first, second, kept[:, 2].astype(np.float32), kept[:, 3] > 0, number)


def _directions(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean of some images (n, pixels), and the directions in which these vary most: float32 (pixels, d)."""
    some = flat[:: max(1, len(flat) // _SAMPLE)].astype(np.float64)
    middle = some.mean(axis=0)
    _, _, rows = np.linalg.svd(some - middle, full_matrices=False)
    return middle.astype(np.float32), np.ascontiguousarray(rows[:_DIRECTIONS].T, np.float32)


def _projected(flat: np.ndarray, middle: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Images (n, pixels) in these directions, float32 (n, d), a block at a time."""
    blocks = (flat[start : start + _BLOCK].astype(np.float32) for start in range(0, len(flat), _BLOCK))
    return np.concatenate([(block - middle) @ directions for block in blocks])


def _measured(
    flat: np.ndarray, right: np.ndarray, i: np.ndarray, j: np.ndarray, mirrored: int, near: float
) -> np.ndarray:
    """Rows (first, second, distance, mirrored) of the pairs that really are close, (m, 4)."""
    distances = np.concatenate(
        [
            np.sqrt(np.square(flat[i[part]].astype(np.float64) - right[j[part]]).mean(axis=1))
            for part in (slice(start, start + _BLOCK) for start in range(0, max(1, len(i)), _BLOCK))
        ]
    )
    is_near = distances < near
    return np.stack([i[is_near], j[is_near], distances[is_near], np.full(is_near.sum(), mirrored)], axis=1)


def _closer_of_two(rows: np.ndarray) -> np.ndarray:
    """Each pair once, as it is or mirrored, whichever is closer; as it is where both are the same."""
    rows = rows[np.lexsort((rows[:, 3], rows[:, 2], rows[:, 1], rows[:, 0]))]
    is_new = np.ones(len(rows), bool)
    is_new[1:] = (rows[1:, :2] != rows[:-1, :2]).any(axis=1)
    return rows[is_new]


@dataclass(frozen=True)
class Counts:
    """How many pairs there are of a kind."""

    exact: int
    near: int
    other_label: int  # of both, those with different labels


def counts(pairs: Pairs, of: Everything) -> dict[tuple[str, str], Counts]:
    """The listed pairs by the splits of both, in the order of `SPLITS`: ("train", "test") for those across."""
    one, two = of.split[pairs.first], of.split[pairs.second]
    differ = of.labels[pairs.first] != of.labels[pairs.second]
    found = {}
    for a, name in enumerate(SPLITS):
        for b in range(a, len(SPLITS)):
            here = (one == a) & (two == b)
            exact = int((here & pairs.exact).sum())
            found[name, SPLITS[b]] = Counts(exact, int(here.sum()) - exact, int((here & differ).sum()))
    return found


def twins(pairs: Pairs, of: Everything, exact: bool = False) -> np.ndarray:
    """Which test images have a twin among the training or validation images: their indices, rising, int (k,).

    exact: only a twin of the same pixels counts.
    """
    across = (of.split[pairs.second] == SPLITS.index("test")) & (of.split[pairs.first] != SPLITS.index("test"))
    chosen = across & pairs.exact if exact else across
    return np.unique(of.index[pairs.second[chosen]])

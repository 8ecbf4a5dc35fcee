"""What a network is shown besides the dataset's own images, so that it knows what people will bring.

Three sources, each a fraction of every batch: training images in other styles (`cnn.data.restyle`), things that are no
garment, and labelled images of your own, read exactly as they will be read later (`cnn.pictures.readings`). They are
made before training starts; which of them a batch shows is decided in `cnn.data`, from (seed, epoch, step) alone.
"""

import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from cnn.config import CLASS_NAMES, Data
from cnn.data import restyle, synthetic
from cnn.data.batches import Source
from cnn.data.datasets import NO_GARMENT, Split
from cnn.data.drawn import line_drawing
from cnn.data.folders import (
    COPY,
    HELD,
    USED,
    Account,
    NoPictures,
    contents,
    is_held_out,
    lines,
    search,
)
from cnn.data.folders import labelled_files as labelled_files
from cnn.data.outliers import on_ground, outlier
from cnn.pictures import UnreadableImage, open_image, readings

_STYLES = 2  # other styles made of each training image
_SYNTHETIC = 0.2  # drawn clothes among the restyled, as a share of the training images: other poses and proportions
_OUTLIERS = 8_000
_CHUNK = 500  # images between two reports
_LEAST = 0.15  # of an image's readings, those with less weight than this share of the best are left out


class HeldOut(NamedTuple):
    """Readings of the labelled images that are kept for measuring, in the order of their files.

    images: uint8 (n, 28, 28). labels: uint8 (n,), 0 to 9 or `NO_GARMENT`. files: int (n,), the number of the file that
    each is of. weights: float32 (n,), how much each counts among those of its file.
    """

    images: np.ndarray
    labels: np.ndarray
    files: np.ndarray
    weights: np.ndarray


class OwnPictures(NamedTuple):
    """Readings of labelled images to train on: uint8 (n, 28, 28), labels uint8 (n,), whether each was a line drawing.

    Labels are 0 to 9, or `NO_GARMENT`. held_out: those to measure on; None if there are none.
    """

    images: np.ndarray
    labels: np.ndarray
    drawn: np.ndarray
    held_out: HeldOut | None = None


def sources(
    config: Data, train: Split, seed: int, own: OwnPictures | None, report: Callable[[str], None]
) -> tuple[Source, ...]:
    """Make the configured sources, the same for the same seed. Two cores take about four minutes for Fashion-MNIST.

    Args:
        config: the fractions.
        train: the training images.
        seed: of every random choice.
        own: your labelled images, if there are any.
        report: called with a sentence now and then; whatever it raises ends the work.
    """
    found = []
    if config.style_augmentation:
        found.append(Source(config.style_augmentation, _restyled(train, seed, report), random_affine=0.8))
    if config.outlier_exposure:
        images = _in_processes(_outlier_chunk, [seed, 2], _OUTLIERS, (), "Making images of no garment", report)
        if own is not None and (own.labels == NO_GARMENT).any():
            images = np.concatenate([images, _others(own.images[own.labels == NO_GARMENT], seed)])
        split = Split(images, np.full(len(images), NO_GARMENT, np.uint8))
        found.append(Source(config.outlier_exposure, split, random_affine=1.0))
    if config.own_images and own is not None:
        found.append(Source(config.own_images, _balanced(own), random_affine=1.5))
    return tuple(found)


def _restyled(train: Split, seed: int, report: Callable[[str], None]) -> Split:
    drawn = Split(*synthetic.dataset(max(10, int(len(train.labels) * _SYNTHETIC)), seed, "train"))
    pictures, labels = [], []
    for split, times, stream in ((train, _STYLES, [seed, 1]), (drawn, 1, [seed, 3])):
        message = "Drawing the training images in other styles"
        count = times * len(split.labels)
        pictures.append(_in_processes(_restyled_chunk, stream, count, split, message, report))
        labels.append(np.tile(split.labels, times))
    return Split(np.concatenate(pictures), np.concatenate(labels))


def _in_processes(
    make: Callable,
    stream: list[int],
    count: int,
    given: Sequence[np.ndarray],
    message: str,
    report: Callable[[str], None],
) -> np.ndarray:
    """Images 0 to count, made on all cores; `stream` and its number seed each one's random choices.

    Fresh processes: a fork of one that runs TensorFlow may hang.
    """
    report(message)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), context, initializer=_begin, initargs=(given,)) as pool:
        chunks = [range(start, min(start + _CHUNK, count)) for start in range(0, count, _CHUNK)]
        made = []
        try:
            for chunk in pool.map(make, [stream] * len(chunks), chunks):
                made.append(chunk)
                report(f"{message}: {len(made) / len(chunks):.0%}")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return np.concatenate(made)


_given: Sequence[np.ndarray] = ()  # of a worker process: the images and labels it works on


def _begin(given: Sequence[np.ndarray]) -> None:
    global _given
    _given = given
    if trainer := multiprocessing.parent_process():
        threading.Thread(target=_end_with, args=(trainer,), daemon=True).start()
    cv2.setNumThreads(1)


def _end_with(parent: multiprocessing.process.BaseProcess) -> None:
    """A killed trainer cannot end its workers, which would wait for more to do for ever."""
    parent.join()
    os._exit(1)


def _restyled_chunk(stream: list[int], numbers: range) -> np.ndarray:
    pictures, labels = _given
    return np.stack(
        [
            restyle.restyled(pictures, labels, number % len(labels), np.random.default_rng([*stream, number]))
            for number in numbers
        ]
    )


def _outlier_chunk(stream: list[int], numbers: range) -> np.ndarray:
    return np.stack([outlier(np.random.default_rng([*stream, number])) for number in numbers])


def _others(images: np.ndarray, seed: int) -> np.ndarray:
    """Own images of no garment as they are and drawn by hand, as many as are made: uint8 (8,000, 28, 28)."""
    chance = np.random.default_rng([seed, 4])
    drawn = np.stack([line_drawing(image, NO_GARMENT, chance) for image in images])
    return np.resize(np.concatenate([images, drawn]), (_OUTLIERS, *images.shape[1:]))


def _balanced(own: OwnPictures) -> Split:
    """As many images of each class and kind, by repeating the rarer ones (at most eight times)."""
    groups = [np.flatnonzero((own.labels == c) & (own.drawn == d)) for c in range(len(CLASS_NAMES)) for d in (0, 1)]
    largest = max(len(group) for group in groups)
    chosen = np.concatenate([np.resize(group, min(largest, 8 * len(group))) for group in groups])
    return Split(own.images[chosen], own.labels[chosen])


# ---------------------------------------------------------------- labelled images, from the folders to a run


def read_own(folders: Sequence[Path], report: Callable[[str], None]) -> tuple[OwnPictures, dict[str, Any]]:
    """Read labelled images for training: each once in a class, and none that is held out, nor a copy of such a one.

    Args:
        folders: they hold subfolders named `<label>_<class>`.
        report: called with a sentence now and then; whatever it raises ends the work.

    Returns:
        The readings, and what became of every file, as `Account.values` counts it.

    Raises:
        WrongFolders: the number and the name of subfolders disagree.
        NoPictures: a folder holds no labelled images, or none of them all can be used.
    """
    files, passed_over = search(folders)
    keys = contents([file for file, _ in files])
    held = [is_held_out(file) for file, _ in files]
    kept = {key for key, is_so in zip(keys, held, strict=True) if is_so}
    first: dict[tuple[str, int, bool], int] = {}  # of the files that have one content in one class
    every = list(zip(keys, (label for _, label in files), held, strict=True))
    for number, each in enumerate(every):
        first.setdefault(each, number)
    found = dict(zip(first, _read_all([files[number] for number in first.values()], report), strict=True))

    fates = []
    for number, ((file, label), each) in enumerate(zip(files, every, strict=True)):
        key, _, is_held = each
        if isinstance(reason := found[each], str):
            fate = reason
        elif is_held:
            fate = HELD
        else:
            fate = USED if number == first[each] and key not in kept else COPY
        fates.append((file, label, fate))
    account = Account(fates, keys, passed_over).values()
    used = [each for each, number in first.items() if fates[number][2] == USED]
    if not used:
        raise NoPictures("\n".join(["None of your images can be used: give more files.", *lines(account)]))
    seen = {each: one for each, one in found.items() if not isinstance(one, str)}
    rows = [(*one, each[1]) for each in used for one in seen[each] if one.weight >= _LEAST * seen[each][0].weight]
    images, drawn, _, labels = zip(*rows, strict=True)
    measuring = [(each[1], seen[each]) for each, number in first.items() if fates[number][2] == HELD]
    own = OwnPictures(np.stack(images), np.array(labels, np.uint8), np.array(drawn, np.uint8))
    return own._replace(held_out=_held_out(measuring)), account


class _Seen(NamedTuple):
    """One reading of a file: uint8 (28, 28), whether it is a line drawing, and its weight."""

    image: np.ndarray
    drawn: bool
    weight: float


def _held_out(files: Sequence[tuple[int, Sequence[_Seen]]]) -> HeldOut | None:
    """The readings of files with their labels."""
    rows = [(one.image, label, number, one.weight) for number, (label, seen) in enumerate(files) for one in seen]
    if not rows:
        return None
    images, labels, numbers, weights = zip(*rows, strict=True)
    return HeldOut(np.stack(images), np.array(labels, np.uint8), np.array(numbers), np.array(weights, np.float32))


def _read_all(files: Sequence[tuple[Path, int]], report: Callable[[str], None]) -> list[list[_Seen] | str]:
    """What `_read` returns for every file, read on all cores."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), context, initializer=_begin, initargs=((),)) as pool:
        found = []
        try:
            for number, readings_of_one in enumerate(pool.map(_read, files, chunksize=16), 1):
                found.append(readings_of_one)
                if number % 100 == 0 or number == len(files):
                    report(f"Reading your images: {number:,} of {len(files):,}")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return found


def _read(item: tuple[Path, int]) -> list[_Seen] | str:
    """A file's readings, those with most weight first; or a sentence why it cannot be read."""
    file, label = item
    try:
        image, notes = open_image(file)
        found = readings.of_picture(image, notes, used_only=True)
    except UnreadableImage as error:
        return str(error)
    seen = [
        _Seen(np.rint(one.seen.pixels[..., 0] * 255).astype(np.uint8), one.name == readings.LINE_DRAWING, one.weight)
        for one in found
    ]
    if label == NO_GARMENT and not is_held_out(file):  # what was cut out already is seen on some ground, too
        seen += [_Seen(pixels, False, seen[0].weight) for pixels in on_ground(image)]
    return seen


def save_own(path: Path, own: OwnPictures) -> None:
    """Keep them with a run, as `pictures.npz`, so that it can be resumed."""
    arrays = own._asdict()
    held_out = arrays.pop("held_out")
    if held_out is not None:
        arrays |= {f"held_out_{name}": array for name, array in held_out._asdict().items()}
    np.savez_compressed(path, **arrays)


def load_own(path: Path) -> OwnPictures | None:
    """What `save_own` kept; None where there is nothing."""
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as file:
        own = OwnPictures(*(file[name] for name in OwnPictures._fields[:-1]))
        names = [f"held_out_{name}" for name in HeldOut._fields]
        return own._replace(held_out=HeldOut(*(file[name] for name in names))) if names[0] in file else own

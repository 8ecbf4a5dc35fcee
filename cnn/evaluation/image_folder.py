"""A network measured on all images of a folder that has a folder for each class, as people's files are predicted.

Every file goes the way of `cnn.predict`: the readings of a garment, or the photo as it is, and test-time augmentation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnn.config.printable import printable
from cnn.data import class_names, image_folders, own_datasets
from cnn.data.image_folders import OwnImage, UnusableFolder
from cnn.evaluation.predictions import Predictions
from cnn.networks.predictor import Predictor, combined
from cnn.pictures import UnreadableImage
from cnn.pictures.readings import Reading
from cnn.runs import Run

_BATCH = 32  # images that are predicted at once


@dataclass(frozen=True, eq=False)
class Measured:
    """What a network predicts of the images of a folder.

    Attributes:
        folder: that was measured on.
        predictions: in the order of `images`, whose split is called test.
        images: those that could be read.
        unknown: names of folders that mean none of the network's classes. missing: classes that no folder means.
        unreadable: files, with a sentence why.
    """

    folder: Path
    predictions: Predictions
    images: tuple[OwnImage, ...]
    unknown: tuple[str, ...]
    missing: tuple[str, ...]
    unreadable: tuple[tuple[Path, str], ...]

    def notes(self) -> list[str]:
        """In sentences: what of the folder was not measured."""
        said = []
        if self.unknown:
            said.append(f"Folders of no class of the network, left out: {_some(self.unknown)}.")
        if self.missing:
            said.append(f"Classes without images: {_some(self.missing)}.")
        if self.unreadable:
            file, why = self.unreadable[0]
            more = f" and {len(self.unreadable) - 1:,} more" if len(self.unreadable) > 1 else ""
            said.append(f"Not read: {printable(file)}{more}. {why}")
        return said


def measure(run: Run, dataset: str | Path, on_progress: Callable[[int, int], None] | None = None) -> Measured:
    """Predict every image of a folder of class folders, or of a dataset of the datasets folder by its name.

    Args:
        on_progress: called with how many images are predicted, and how many there are.

    Raises:
        UnusableFolder: there is none, or it has no image of any class of the network.
        UnreadableModel: the run has no network.
    """
    if run.config is None:
        Predictor(run)  # of a damaged run this says what is wrong
    folder = own_datasets.get(dataset)
    names = run.config.data.card.class_names
    try:
        found = class_names.matched(folder.classes(), names)
    except ValueError as error:
        raise UnusableFolder(f"A folder's number and name disagree: {error}.") from error
    listing = folder.listing()
    chosen = [image for image in listing.images if image.class_name in found.labels]
    if not chosen:
        raise UnusableFolder(
            f"{printable(folder.path)} has no images of the network's classes: it must have folders named like "
            f"{_some(names)}{f' (it has {_some(found.unknown)})' if found.unknown else ''}."
        )
    predictor = Predictor(run)
    read, unreadable = [], [(image.path, image.known.problem) for image in listing.unreadable]
    waiting: list[tuple[Reading, ...]] = []
    probabilities: list[np.ndarray] = []

    def readings(image: OwnImage) -> tuple[Reading, ...] | str:
        try:
            return predictor.read(image.path, used_only=True)
        except UnreadableImage as error:
            return str(error)

    for image, seen in zip(chosen, image_folders.mapped(readings, chosen), strict=True):
        if isinstance(seen, str):
            unreadable.append((image.path, seen))
            continue
        read.append(image)
        waiting.append(tuple(reading for reading in seen if reading.weight > 0))
        if len(waiting) == _BATCH:
            probabilities += _answers(predictor, waiting)
            waiting = []
            if on_progress:
                on_progress(len(probabilities), len(chosen))
    probabilities += _answers(predictor, waiting)
    if not read:
        raise UnusableFolder(f"No image of {printable(folder.path)} could be read. {unreadable[0][1]}")
    labels = np.array([found.labels[image.class_name] for image in read], np.int64)
    logits = np.log(np.maximum(np.stack(probabilities), 1e-30)).astype(np.float32)  # whose softmax they are
    predictions = Predictions("test", labels, logits, names)
    return Measured(folder.path, predictions, tuple(read), found.unknown, found.missing, tuple(unreadable))


def _answers(predictor: Predictor, waiting: list[tuple[Reading, ...]]) -> list[np.ndarray]:
    """The probabilities of several images, predicted at once."""
    if not waiting:
        return []
    each = predictor.each([reading for readings in waiting for reading in readings])
    ends = np.cumsum([0, *map(len, waiting)]).tolist()
    return [
        combined([reading.weight for reading in readings], each[start:end]).probabilities
        for readings, start, end in zip(waiting, ends, ends[1:], strict=False)
    ]


def _some(names: tuple[str, ...]) -> str:
    """The first few, and how many more there are."""
    more = len(names) - 3
    return ", ".join(map(printable, names[:3])) + (f" and {more:,} more" if more > 0 else "")

"""What a dataset is, and which there are: how each is loaded, what is to be downloaded, how a script gets it.

Its name and what people read about it are in `cnn.config.datasets`. Where a dataset cannot be loaded,
`DataUnavailable` says in one sentence what to do; nothing is ever replaced silently. Those that Keras downloads are in
`cnn.data.keras_datasets`, those of people's own in `cnn.data.own_images`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cnn.config import DATASET_CARDS, DatasetCard
from cnn.config.datasets import SYNTHETIC
from cnn.data import synthetic
from cnn.errors import AtelierError

NO_GARMENT = 255  # the label of an image that shows none of the ten classes


class DataUnavailable(AtelierError, RuntimeError):
    """The dataset can be neither found nor downloaded; the message says what to do."""


class Split(NamedTuple):
    """Images uint8 (n, h, w), or (n, h, w, 3) in colour, and labels uint8 (n,).

    The images may be a read-only `np.memmap`: a part of a file, which is read when it is looked at.
    """

    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Splits:
    train: Split
    validation: Split
    test: Split


OnDownload = Callable[[str], None]


class Script(NamedTuple):
    """How an exported script, which has Keras and NumPy, gets a dataset.

    lines: they make train_images and train_labels, and the same for validation and test, as in `Split`. imports: what
    the lines need. copied: a module of this program whose source goes before the lines, with its own imports. needs:
    which package has to be installed, and what for.
    """

    lines: tuple[str, ...]
    imports: tuple[str, ...] = ()
    copied: str = ""
    needs: str = ""


class Dataset(ABC):
    """A dataset: everything that the program has to know of it.

    card: its name and what people read about it. samples: what its test images are, in a sentence of Markdown.
    """

    card: DatasetCard
    samples: str

    @abstractmethod
    def load(self, limit: int | None, on_download: OnDownload) -> Splits:
        """See `cnn.data.load`. limit: how many training images; None for all."""

    @abstractmethod
    def script(self, limit: int | None) -> Script:
        """How an exported script gets the very same images."""

    def missing(self) -> str:
        """What is not on this machine yet, and what follows from it, in a sentence; empty where everything is here."""
        return ""

    def by_hand(self) -> str:
        """How to get what is missing without a connection, in a sentence."""
        return ""


class Synthetic(Dataset):
    card = SYNTHETIC
    samples = "**Synthetic** test images, drawn by this program."

    def _sizes(self, limit: int | None) -> dict[str, int]:
        return {"train": limit or self.card.training_images, "validation": 1_000, "test": 2_000}

    def load(self, limit: int | None, on_download: OnDownload) -> Splits:
        return Splits(**{split: Split(*synthetic.dataset(n, 0, split)) for split, n in self._sizes(limit).items()})

    def script(self, limit: int | None) -> Script:
        lines = [
            f'{split}_images, {split}_labels = dataset({n}, 0, "{split}")' for split, n in self._sizes(limit).items()
        ]
        return Script(tuple(lines), copied="cnn.data.synthetic", needs="pillow to draw the clothes")


DATASETS: dict[str, Dataset] = {}


def register(dataset: Dataset) -> None:
    """Let a dataset be named in configurations, and with that be offered, loaded and exported."""
    DATASET_CARDS[dataset.card.name] = dataset.card
    DATASETS[dataset.card.name] = dataset

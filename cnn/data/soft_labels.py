"""Soft labels: what networks that have not learned a training image predict of it, a probability for each class.

They come with the program, for the 55,000 training images of Fashion-MNIST, and were made by `benchmarks.soft_labels`.
A network that learns from them as well as from the dataset's labels learns which classes an image resembles, and how
far its label can be trusted: "Distilling the Knowledge in a Neural Network" (Hinton, Vinyals, Dean 2015,
arXiv:1503.02531). Of networks that had learned the image they would say little more than its label.
"""

from functools import cache
from pathlib import Path

import numpy as np

from cnn.config import Data
from cnn.errors import AtelierError

FILE = Path(__file__).resolve().parents[1] / "pretrained" / "_soft_labels" / "fashion-mnist.npz"


class NoSoftLabels(AtelierError, RuntimeError):
    """The file that comes with the program is missing or damaged; the message says what to do."""


@cache
def out_of_fold() -> np.ndarray:
    """A probability for each class of each training image of Fashion-MNIST: float32 (55,000, 10), rows sum to 1.

    Raises:
        NoSoftLabels: the file is missing or damaged.
    """
    try:
        with np.load(FILE, allow_pickle=False) as file:
            return normalised(file["probabilities"])
    except Exception as error:  # zip and NumPy's format each raise their own kinds
        raise NoSoftLabels(
            f"{FILE.name} in {FILE.parent.name} is missing or damaged: install the program again, or set the "
            "distillation to 0."
        ) from error


def normalised(probabilities: np.ndarray) -> np.ndarray:
    """What 16 bits have kept, as float32 (n, classes) whose rows sum to 1."""
    found = np.asarray(probabilities, np.float32)
    return found / found.sum(axis=1, keepdims=True)


def targets(config: Data, labels: np.ndarray) -> np.ndarray | None:
    """What a network is to predict of the training images: float32 (n, classes), rows sum to 1; None: their labels.

    (1 - w) times the label, one-hot, and w times the soft label, with the configured weight w.

    Args:
        config: with the weight. labels: uint8 (n,), of the first n training images.

    Raises:
        NoSoftLabels: see `out_of_fold`.
    """
    if not config.distillation:
        return None
    hard = np.eye(len(config.card.class_names), dtype=np.float32)[labels]
    weight = np.float32(config.distillation)
    return (1 - weight) * hard + weight * out_of_fold()[: len(labels)]

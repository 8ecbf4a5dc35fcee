"""Test images kept with a run, with the network's answers, and training images to compare others with."""

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cnn import data
from cnn.config import CLASS_NAMES, INPUT_SHAPE
from cnn.data import restyle
from cnn.evaluation.metrics import predict
from cnn.evaluation.out_of_distribution import Reference
from cnn.runs import Run

EXAMPLES_PER_CLASS = 10
REFERENCE_PER_CLASS = 200


class Examples(NamedTuple):
    """Test images uint8 (n, 28, 28), their labels uint8 (n,), the network's answers float32 (n, 10)."""

    images: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray


def write_examples(path: Path, model, split: data.Split) -> None:
    """Keep the first images of each class with the model's answers, so that they can be shown without a model."""
    chosen = np.concatenate([np.flatnonzero(split.labels == c)[:EXAMPLES_PER_CLASS] for c in range(len(CLASS_NAMES))])
    images = split.images[chosen]
    np.savez_compressed(
        path / "examples.npz", images=images, labels=split.labels[chosen], probabilities=predict(model, images)
    )


def write_reference(path: Path, split: data.Split, restyled: bool, seed: int) -> None:
    """Keep some training images of each class with the run, a quarter of them in other styles if it saw such."""
    images, labels = [], []
    for label in range(len(CLASS_NAMES)):
        chosen = np.flatnonzero(split.labels == label)[:REFERENCE_PER_CLASS]
        for number, index in enumerate(chosen):
            if restyled and number % 4 == 0:
                chance = np.random.default_rng([seed, 4, int(index)])
                images.append(restyle.restyled(split.images, split.labels, int(index), chance))
            else:
                images.append(split.images[index])
            labels.append(label)
    np.savez_compressed(path / "reference.npz", images=np.stack(images), labels=np.array(labels, np.uint8))


def read_reference(run: Run) -> Reference | None:
    """The training images kept with a run; None where there are none, or they cannot be read."""
    found = _arrays(run.path / "reference.npz", Reference._fields)
    if found is None:
        return None
    reference = Reference(*found)
    fits = reference.images.shape == (len(reference.labels), *INPUT_SHAPE[:2])
    return reference if fits and len(reference.labels) and reference.labels.max() < len(CLASS_NAMES) else None


def _arrays(path: Path, names: Sequence[str]) -> list[np.ndarray] | None:
    """The named arrays of a file that may be missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return [file[name] for name in names]
    except (OSError, ValueError, KeyError, EOFError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error):
        return None


def read_examples(run: Run) -> Examples | None:
    """The examples of a run; None where it has none yet, or they cannot be read."""
    found = _arrays(run.path / "examples.npz", Examples._fields)
    if found is None:
        return None
    examples = Examples(*found)
    count, classes = examples.labels.size, len(CLASS_NAMES)
    fits = [array.shape for array in examples] == [(count, *INPUT_SHAPE[:2]), (count,), (count, classes)]
    return examples if fits and count and examples.labels.max() < classes else None

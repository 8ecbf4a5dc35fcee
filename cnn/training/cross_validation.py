"""Predictions of images by networks that have not learned them: starting, stopping and reading a cross-validation.

    runs/.found/dataset.<name>.<digest>/folds-<digest>/
      config.json      the RunConfig of the networks, with the epochs of each
      folds.json       into how many folds the images are divided
      fold-1.npz       of a fold that is finished, its images and what the network of the others predicts of them
      ...              as `cnn.runs.measurement` has it

The training and validation images of a dataset are divided into folds, as many of each class in every one. For each
fold a fresh network learns the images of all others, and predicts this one. A process of its own does that,
`cnn.training.fold_trainer`, and what is finished stays, so that it goes on from there. The settings are in the folder's
name: other settings have another folder. Nothing here imports TensorFlow, and no run is ever changed.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnn import data, runs
from cnn.config import RunConfig
from cnn.config.run_config import BY_SOFT_LABELS, FOR_GARMENTS
from cnn.runs import measurement

FEWEST, MOST = 2, 10  # folds


@dataclass(frozen=True)
class Progress(measurement.Progress):
    """A cross-validation as it was when it was read: how many folds there are, and how many of them are finished."""

    folds: int = 0
    finished: int = 0


def images_of(splits: data.Splits) -> data.Split:
    """The images that are divided into folds: those of train, then those of validation."""
    both = splits.train, splits.validation
    return data.Split(np.concatenate([one.images for one in both]), np.concatenate([one.labels for one in both]))


def fold_of(labels: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """The fold of each image, from 0: int (n,). Each class is spread over all folds as evenly as can be.

    >>> fold_of(np.array([0, 0, 1, 1]), 2, 0)[:2].sum()
    np.int64(1)
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]
    found = np.empty(len(labels), int)
    found[by_class] = np.arange(len(labels)) % folds
    return found


def settings(config: RunConfig, epochs: int) -> RunConfig:
    """What the networks of a cross-validation are: of a run's configuration, with other epochs.

    Images that a configuration mixes in are left out: they are not of the dataset. So are soft labels.
    """
    training = {"epochs": epochs, "patience": None, "calibrate": False, "tensorboard": False}
    return config.model_copy(
        update={
            "data": config.data.model_copy(update=dict.fromkeys((*FOR_GARMENTS, *BY_SOFT_LABELS), 0.0)),
            "training": config.training.model_copy(update=training),
        }
    )


def folder(place: Path, config: RunConfig, folds: int) -> Path:
    """Where the cross-validation with these settings is, or would be, within the folder of its dataset."""
    text = json.dumps([config.model_dump(mode="json", exclude={"preset", "resources"}), folds], sort_keys=True)
    return place / f"folds-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def start(place: Path, config: RunConfig, folds: int) -> Path:
    """Start a cross-validation, or go on with it. Returns its folder.

    Raises:
        OSError: the runs folder cannot be written.
    """
    path = folder(place, config, folds)
    path.mkdir(parents=True, exist_ok=True)
    runs.write_json(path / "folds.json", {"folds": folds})
    measurement.start(path, "cnn.training.fold_trainer", config)
    return path


def fold_count(path: Path) -> int:
    """Into how many folds the images of a folder are divided; 0 where its file does not say."""
    count = runs.read_json(path / "folds.json").get("folds")
    return count if type(count) is int and FEWEST <= count <= MOST else 0


def fold_file(path: Path, fold: int) -> Path:
    """Where a fold, from 0, is kept."""
    return path / f"fold-{fold + 1}.npz"


def read(path: Path) -> Progress:
    """A cross-validation as it stands. Never raises for what is in its folder."""
    folds = fold_count(path)
    finished = sum(fold_file(path, fold).is_file() for fold in range(folds))
    if not folds:
        return Progress("new")
    known = measurement.read(path, finished == folds)
    share = max(known.share, finished / folds)
    return Progress(known.state, share, known.message, known.seconds_left, folds, finished)


def probabilities(path: Path, count: int, classes: int) -> np.ndarray | None:
    """What was predicted out of fold, float32 (count, classes); None where a fold is missing or not of these images."""
    found = np.full((count, classes), np.nan, np.float32)
    try:
        for fold in range(fold_count(path)):
            with np.load(fold_file(path, fold), allow_pickle=False) as file:
                found[file["index"]] = file["probabilities"]
    except Exception:  # zip, deflate and NumPy's format each raise their own kinds
        return None
    return None if np.isnan(found).any() else found

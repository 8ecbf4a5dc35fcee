"""How accuracy grows with the images of each class, with transfer learning and from scratch: starting and reading it.

    runs/.found/dataset.<name>.<digest>/curve-<digest>/
      config.json      the RunConfig of the networks that begin with another's weights
      points.jsonl     one JSON object for each network that was trained and measured
      ...              as `cnn.runs.measurement` has it

All images of the dataset are divided into five folds, near duplicates of people's own together. In each of five draws
one fold measures, and networks learn from 1, 5, 10, 20, 40 and all images of each class of the others, each number
containing the smaller ones. A process of its own does that, `cnn.training.curve_trainer`, and what is measured stays,
so that it goes on from there. Nothing here imports TensorFlow, and no run is ever changed.
"""

import contextlib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from cnn.config import Data, RunConfig, Training, presets
from cnn.config.transfer_learning import PHOTO_AUGMENTATION
from cnn.runs import measurement

Kind = Literal["transfer", "scratch"]
KINDS: tuple[Kind, ...] = ("transfer", "scratch")
PER_CLASS: tuple[int | None, ...] = (1, 5, 10, 20, 40, None)  # images of each class; None: all
DRAWS = 5
SCRATCH_SIZE = (64, 64)  # of the images from which a network learns from scratch, so that a CPU can train it
FEWEST = 10  # images of the smallest class, so that each fold has two
_SCRATCH = Training(
    optimizer="adamw", learning_rate=0.005, schedule="cosine", batch_size=32, epochs=40, class_weights=True
)


class Point(NamedTuple):
    """A network that was measured.

    kind: what it began with. per_class: how many images of each class it learned from, at most; None: all. draw: from
    0. images: it learned from, in all. accuracy: balanced, the mean of the classes' recalls, in [0, 1]. seconds: of its
    training, without the features of frozen layers.
    """

    kind: Kind
    per_class: int | None
    draw: int
    images: int
    accuracy: float
    seconds: float


@dataclass(frozen=True)
class Progress(measurement.Progress):
    """A curve as it stands."""

    points: tuple[Point, ...] = ()


class Mean(NamedTuple):
    """The draws of one number of images: their mean, least and highest accuracy, and the mean number of images."""

    per_class: int | None
    images: float
    accuracy: float
    low: float
    high: float


def scratch(config: RunConfig) -> RunConfig:
    """What transfer learning is compared with: a small network with random weights, on the same images in 64×64."""
    data = Data.model_validate(
        config.data.model_dump() | PHOTO_AUGMENTATION | {"image_size": SCRATCH_SIZE, "limit": None}
    )
    return RunConfig(data=data, layers=presets()["fast"].layers, training=_SCRATCH)


def _of_all(config: RunConfig) -> RunConfig:
    """The same with all images of its dataset."""
    return config.model_copy(update={"data": config.data.model_copy(update={"limit": None})})


def folder(place: Path, config: RunConfig) -> Path:
    """Where the curve with these settings is, or would be, within the folder of its dataset."""
    text = _of_all(config).model_dump_json(exclude={"preset", "resources"})
    return place / f"curve-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def start(place: Path, config: RunConfig) -> Path:
    """Start measuring, or go on with it. Returns its folder.

    Raises:
        OSError: the runs folder cannot be written.
    """
    path = folder(place, config)
    measurement.start(path, "cnn.training.curve_trainer", _of_all(config))
    return path


def read(path: Path) -> Progress:
    """A curve as it stands. Never raises for what is in its folder."""
    return Progress(**vars(measurement.read(path)), points=points_of(path))


def points_of(path: Path) -> tuple[Point, ...]:
    """What was measured so far; lines that are damaged are left out."""
    found = []
    with contextlib.suppress(OSError):
        for line in (path / "points.jsonl").read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError, TypeError, KeyError):
                found.append(_checked(json.loads(line)))
    return tuple(found)


def _checked(values: dict[str, Any]) -> Point:
    point = Point(**values)
    numbers = point.draw, point.images, point.accuracy, point.seconds, point.per_class or 0
    if point.kind not in KINDS or not all(isinstance(number, int | float) for number in numbers):
        raise ValueError(f"no point: {values}")
    return point


def append(path: Path, point: Point) -> None:
    """Keep a point."""
    with (path / "points.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(point._asdict()) + "\n")


def means(points: Sequence[Point], kind: Kind) -> list[Mean]:
    """The curve of a kind, the fewest images first; numbers of which a draw is there.

    >>> means([Point("scratch", 5, 0, 10, 0.5, 1.0), Point("scratch", 5, 1, 10, 0.7, 1.0)], "scratch")
    [Mean(per_class=5, images=10.0, accuracy=0.6, low=0.5, high=0.7)]
    """
    found = []
    for number in PER_CLASS:
        of = [point for point in points if point.kind == kind and point.per_class == number]
        if of:
            accuracies = [point.accuracy for point in of]
            images = float(np.mean([point.images for point in of]))
            found.append(Mean(number, images, float(np.mean(accuracies)), min(accuracies), max(accuracies)))
    return found


# --- what is learned from, and what measures --------------------------------------------------------------------


def fold_of(labels: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
    """The fold of each image, from 0: int (n,); one group is in one fold, and each class is spread over all folds.

    Args:
        labels: int (n,). groups: int (n,), see `cnn.data.near_duplicates.groups`; a group has its first image's class.
    """
    chance = np.random.default_rng(seed)
    found = np.empty(len(labels), int)
    first = {int(group): place for place, group in reversed(list(enumerate(groups)))}
    for label in np.unique(labels):
        own = [group for group, place in first.items() if labels[place] == label]
        for number, group in enumerate(chance.permutation(own)):
            found[groups == group] = number % DRAWS
    return found


def drawn(labels: np.ndarray, folds: np.ndarray, draw: int, per_class: int | None, seed: int) -> np.ndarray:
    """The images that a network learns from: int (m,), so many of each class outside of the fold that measures.

    A smaller number's are among a larger one's.
    """
    chosen = []
    for label in np.unique(labels):
        pool = np.flatnonzero((labels == label) & (folds != draw))
        order = np.random.default_rng([seed, draw, int(label)]).permutation(len(pool))
        chosen.append(pool[order[:per_class]])
    return np.sort(np.concatenate(chosen))


def numbers(labels: np.ndarray, folds: np.ndarray) -> list[int | None]:
    """The numbers of images of each class that make a difference: those that a class has outside of every fold."""
    most = max(int(((labels == label) & (folds != 0)).sum()) for label in np.unique(labels))
    return [number for number in PER_CLASS if number is None or number < most]

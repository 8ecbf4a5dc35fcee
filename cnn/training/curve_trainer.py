"""Train and measure the networks of a learning curve: `python -m cnn.training.curve_trainer FOLDER`.

What FOLDER holds is described in `cnn.training.learning_curve`, which starts this. What is measured already is passed
over. It keeps no network, waits for no other training, and ends when FOLDER/stop appears or when the folder is gone.
"""

import sys
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np

from cnn import data
from cnn.config import RunConfig, counted, frozen_layers
from cnn.data import near_duplicates
from cnn.data.own_images import OwnImages
from cnn.errors import CannotGoOn
from cnn.runs.measurement import Reporter, measure
from cnn.training import learning_curve
from cnn.training.learning_curve import DRAWS, FEWEST, Kind, Point

_AT_MOST = 600_000_000  # bytes of the images that are used
Report = Callable[[str], None]


class _Learner(Protocol):
    """Trains a fresh network on some images, by their places, and predicts others."""

    def train(self, places: np.ndarray) -> None: ...

    def predict(self, places: np.ndarray) -> np.ndarray:
        """The classes of images, int (n,)."""
        ...


def main(arguments: list[str]) -> int:
    """See `cnn.runs.measurement.measure`."""
    return measure(arguments, "cnn.training.curve_trainer", "the learning curve", _measure)


def _measure(reporter: Reporter, config: RunConfig) -> None:
    """Train and measure every network that is not measured yet."""
    reporter.prepares("Loading TensorFlow")
    import keras

    configs: dict[Kind, RunConfig] = {"transfer": config, "scratch": learning_curve.scratch(config)}
    seed = config.training.seed
    splits = {kind: data.load(config.data, reporter.prepares) for kind, config in configs.items()}
    places = _places(splits["transfer"])
    wholes = {kind: _taken(of, places) for kind, of in splits.items()}
    labels = np.asarray(wholes["transfer"].labels, np.int64)
    if (least := int(np.bincount(labels).min())) < FEWEST:
        raise CannotGoOn(
            f"A class has only {counted(least, 'image')}: a learning curve needs at least {FEWEST} of each class."
        )
    folds = learning_curve.fold_of(labels, _groups(config, places), seed)
    known = {point[:3] for point in learning_curve.points_of(reporter.folder)}
    work = {  # of each network, which grows with the images that it learns from
        (kind, number, draw): config.training.epochs
        * len(learning_curve.drawn(labels, folds, draw, number, seed))
        * sum(row.macs for row in config.rows() if row.layer >= config.transfer.frozen)
        for number in learning_curve.numbers(labels, folds)
        for kind, config in configs.items()
        for draw in range(DRAWS)
    }
    missing = [one for one in work if one not in known]
    learners = {kind: _learner(config, wholes[kind], reporter.prepares) for kind, config in configs.items()}
    begun, done = time.monotonic(), 0
    for step, (kind, number, draw) in enumerate(missing, len(work) - len(missing)):
        each = "all images" if number is None else counted(number, "image")
        name = "Transfer learning" if kind == "transfer" else "From scratch"
        left = sum(work[one] for one in missing) - done
        seconds_left = (time.monotonic() - begun) / done * left if done else None
        message = f"{name} with {each} of each class, draw {draw + 1} of {DRAWS}"
        reporter.trains(step, len(work), message, seconds_left)
        learned = learning_curve.drawn(labels, folds, draw, number, seed)
        started = time.monotonic()
        keras.utils.set_random_seed(seed + draw)
        learners[kind].train(learned)
        seconds = round(time.monotonic() - started, 2)
        held_out = np.flatnonzero(folds == draw)
        accuracy = _balanced(labels[held_out], learners[kind].predict(held_out))
        learning_curve.append(reporter.folder, Point(kind, number, draw, len(learned), round(accuracy, 6), seconds))
        done += work[kind, number, draw]


def _places(splits: data.Splits) -> np.ndarray:
    """The images that are used: of all splits, one after the other; of a large dataset the first of each class."""
    parts = splits.train, splits.validation, splits.test
    labels, image = np.concatenate([part.labels for part in parts]), splits.train.images[:1]
    most = max(FEWEST, _AT_MOST // image.nbytes // len(np.unique(labels)))
    return np.sort(np.concatenate([np.flatnonzero(labels == label)[:most] for label in np.unique(labels)]))


def _taken(splits: data.Splits, places: np.ndarray) -> data.Split:
    """These images of a dataset, in memory."""
    parts, ends = (splits.train, splits.validation, splits.test), 0
    images, labels = [], []
    for part in parts:
        own = places[(places >= ends) & (places < ends + len(part.labels))] - ends
        images.append(part.images[own])
        labels.append(part.labels[own])
        ends += len(part.labels)
    return data.Split(np.concatenate(images), np.concatenate(labels))


def _groups(config: RunConfig, places: np.ndarray) -> np.ndarray:
    """The groups of near duplicates of people's own images; of a built-in dataset, each image is one by itself."""
    if not config.data.classes:
        return np.arange(len(places))
    parts = OwnImages(config.data).parts()
    signatures = [image.known.signature for part in parts for image in part]
    return near_duplicates.groups([signatures[place] for place in places])


def _balanced(labels: np.ndarray, predicted: np.ndarray) -> float:
    """The mean of the recalls of the classes that are there."""
    return float(np.mean([(predicted[labels == label] == label).mean() for label in np.unique(labels)]))


def _learner(config: RunConfig, whole: data.Split, report: Report) -> _Learner:
    from cnn.networks.backbones import transfer_weights
    from cnn.networks.build import build
    from cnn.training import frozen_features

    network = build(config, precision="float32")
    transfer_weights(network, config, report)
    boundary = frozen_layers.boundary(config, len(whole.labels))
    if boundary is None:
        return _Network(config, whole, report)
    count = frozen_layers.views_of(config)
    return _Head(
        config,
        frozen_features.head_of(network, config, boundary),
        frozen_features.views(config, network, boundary, "whole", whole, count, report),
        whole.labels,
    )


class _Head:
    """What comes after frozen layers, on their features: float16 (views, n, ...), of which the first is plain."""

    def __init__(self, config: RunConfig, head, features: np.ndarray, labels: np.ndarray):
        self._config, self._head, self._features, self._labels = config, head, features, labels
        self._fresh = head.get_weights()

    def train(self, places: np.ndarray) -> None:
        from cnn.training import frozen_features

        self._head.set_weights(self._fresh)
        labels = self._labels[places]
        _make_ready(self._head, self._config, labels)
        for x, y in frozen_features.training_batches(self._features[:, places], labels, self._config, 0):
            self._head.train_on_batch(x, y)

    def predict(self, places: np.ndarray) -> np.ndarray:
        return self._head.predict(np.float32(self._features[0][places]), verbose=0).argmax(axis=1)


class _Network:
    """A whole network, built for each training."""

    def __init__(self, config: RunConfig, whole: data.Split, report: Report):
        self._config, self._whole, self._report = config, whole, report

    def train(self, places: np.ndarray) -> None:
        from cnn.networks.backbones import transfer_weights
        from cnn.networks.build import build

        split = data.Split(self._whole.images[places], self._whole.labels[places])
        self._trained = build(self._config, precision="float32", for_training=True)
        transfer_weights(self._trained, self._config, self._report)
        _make_ready(self._trained, self._config, split.labels)
        training = self._config.training
        batches = data.training_batches(
            split, training.batch_size, training.seed, 0, training.epochs, self._config.data
        )
        for x, y in batches:
            self._trained.train_on_batch(x, y)
        self._trained.optimizer.finalize_variable_values(self._trained.trainable_variables)  # averages, if it keeps any

    def predict(self, places: np.ndarray) -> np.ndarray:
        from cnn.networks.batch_size import images_at_once

        split = data.Split(self._whole.images[places], self._whole.labels[places])
        batches = data.evaluation_batches(split, images_at_once(self._trained, 500))
        return self._trained.predict(batches, verbose=0).argmax(axis=1)


def _make_ready(network, config: RunConfig, labels: np.ndarray) -> None:
    """Compile a network to be trained on images with these labels."""
    from cnn.networks.compile import balanced_weights, compile_for_training

    training, classes = config.training, len(config.data.card.class_names)
    steps = data.steps(len(labels), training.batch_size)
    weights = balanced_weights(labels, classes) if training.class_weights else None
    compile_for_training(network, config, steps * training.epochs, weights)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

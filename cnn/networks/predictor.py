"""A trained network that answers quickly: loaded once, compiled and warmed; a lock keeps visitors apart.

How an image becomes the network's input is the business of `cnn.pictures.readings`; here its readings become one
answer.
"""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from PIL import Image

from cnn.config import datasets
from cnn.networks import test_time_augmentation
from cnn.networks.batch_size import images_at_once
from cnn.pictures import readings as pictures
from cnn.pictures.readings import AS_IT_IS, Reading
from cnn.runs import Run


def energy(logits: np.ndarray) -> np.ndarray:
    """How familiar images are: the log of the summed exponentials of their logits, (n, classes) -> (n,).

    The negative of the paper's free energy at temperature 1, so that more is more familiar. The logits' mean is taken
    away first: the softmax, and with it the training, leaves it free, and it says nothing.

    >>> energy(np.array([[0.0, 0.0], [4.0, -4.0]])).round(3).tolist()
    [0.693, 4.0]
    """
    logits = logits - logits.mean(axis=1, keepdims=True)
    highest = logits.max(axis=1, keepdims=True)
    return highest[:, 0] + np.log(np.exp(logits - highest).sum(axis=1))


def looks(
    forward: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    pixels: np.ndarray,
    reading: datasets.Reading = "garment",
) -> tuple[np.ndarray, np.ndarray]:
    """Several looks at each image: probabilities (n, classes) and familiarities (n,), the means over them.

    The familiarity of one look alone tells clothes from other things much less well.

    Args:
        forward: images (m, h, w, c) -> probabilities and logits (m, classes).
        pixels: float32 (n, h, w, c) in [0, 1].
        reading: of the dataset, which says what views of an image show the same.
    """
    views = test_time_augmentation.count(reading)
    at_once = max(1, _AT_ONCE // (views * pixels[0].nbytes))
    found = []
    for start in range(0, len(pixels), at_once):
        probabilities, logits = forward(test_time_augmentation.augment(pixels[start : start + at_once], reading))
        found.append([test_time_augmentation.average(part, reading) for part in (probabilities, energy(logits))])
    probabilities, familiarities = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return probabilities, familiarities


_AT_ONCE = 2**26  # bytes of the views that are made at once
_TURNED_BY = 2.0  # how much more familiar a turned image must be
_TURNED_FROM = 0.7  # its least confidence
_UNSURE = 1 / 3  # of the way from chance to certainty


def unsure_below(classes: int) -> float:
    """The highest probability below which an answer is called unsure, a third of the way from chance to certainty.

    For ten classes it is 40%, below which `wardrobe` was right less often than wrong on people's own images. With two
    classes no answer is below 50%, with 200 a guess reaches half a percent: only the distance from chance means the
    same.

    >>> [round(unsure_below(classes), 3) for classes in (2, 3, 10, 200)]
    [0.667, 0.556, 0.4, 0.337]
    """
    return 1 / classes + (1 - 1 / classes) * _UNSURE


class Answer(NamedTuple):
    """What a network says to one image: the probabilities float32 (classes,), and how familiar it is, see `energy`."""

    probabilities: np.ndarray
    familiarity: float

    @property
    def label(self) -> int:
        """The most probable class, from 0."""
        return int(self.probabilities.argmax())

    @property
    def confidence(self) -> float:
        """Its probability, in [0, 1]."""
        return float(self.probabilities[self.label])


class Turned(NamedTuple):
    """A better answer: to the image after so many quarter turns to the left, 1 to 3; and what its class is called."""

    turns: int
    answer: Answer
    name: str

    @property
    def hint(self) -> str:
        """Recognised better when turned left: Trouser 94%."""
        where = {1: "left", 2: "upside down", 3: "right"}[self.turns]
        return f"Recognised better when turned {where}: {self.name} {self.answer.confidence:.0%}."


class Predictor:
    """The network of one run, ready to answer.

    Attributes:
        run: whose network it is.
        model: it.
        card: of the dataset: class names, the input's shape, and how an image becomes that.
        unlike: what is said of an image that is unlike all that it has learned, after "it is".

    Args:
        run: a run with a model.

    Raises:
        UnreadableModel: the run has no model, or it cannot be read.
    """

    def __init__(self, run: Run):
        import tensorflow as tf

        from cnn.networks.load import load, logits, with_features

        self.run = run
        self.card = run.config.data.card if run.config else datasets.FASHION_MNIST  # `load` refuses a damaged run
        self.unlike = "not like clothes" if self.card.reading == "garment" else "not like its training images"
        self.model = load(run)
        self._lock = Lock()
        both = with_features(self.model)
        self._batch = images_at_once(self.model, 500)
        signature = [tf.TensorSpec((None, *self.card.input_shape), tf.float32)]
        self._forward = tf.function(lambda x: both(x, training=False), input_signature=signature)
        self._logits = functools.partial(logits, self.model)
        self._temperature = (run.evaluation or {}).get("own_temperature") or 1.0
        self(np.zeros((1, *self.card.input_shape), np.float32))

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Images float32 (n, h, w, c) in [0, 1] -> probabilities float32 (n, classes), in a single forward pass."""
        return self._both(pixels)[0]

    def features(self, pixels: np.ndarray) -> np.ndarray:
        """Images float32 (n, h, w, c) in [0, 1] -> what the output layer reads of them, float32 (n, f)."""
        return self._both(pixels)[1]

    def _both(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = []
        for start in range(0, len(pixels), self._batch):
            with self._lock:
                found.append(self._forward(pixels[start : start + self._batch]))
        probabilities, features = (
            np.concatenate([part.numpy() for part in parts]) for parts in zip(*found, strict=True)
        )
        return probabilities, features

    def read(
        self, source: bytes | BinaryIO | str | Path | Image.Image | np.ndarray, used_only: bool = False
    ) -> tuple[Reading, ...]:
        """A file, an image or an array -> its readings for this network, see `cnn.pictures.readings`.

        Raises:
            UnreadableImage: it cannot be read.
        """
        if isinstance(source, Image.Image | np.ndarray):
            return pictures.of_picture(source, used_only=used_only, card=self.card)
        return pictures.read(source, used_only, self.card)

    @property
    def threshold(self) -> float | None:
        """The familiarity below which an image is unlike all training images; None if it says too little."""
        return ((self.run.evaluation or {}).get("familiarity") or {}).get("unlike_below")

    def doubt(self, answer: Answer) -> str | None:
        """Whether an answer is to be doubted: `unlike` where its familiarity is below the threshold, else "unsure"
        where its confidence is below `unsure_below`."""
        if self.threshold is not None and answer.familiarity < self.threshold:
            return self.unlike
        return "unsure" if answer.confidence < unsure_below(len(self.card.class_names)) else None

    def looks(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What it says to images float32 (n, h, w, c), each for itself: see `looks`."""

        def forward(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            probabilities, features = self._both(pixels)
            return probabilities, self._logits(features)

        return looks(forward, pixels, self.card.reading)

    def better_turned(self, readings: Sequence[Reading]) -> Turned | None:
        """What an image that lies on its side, or on its head, would be; None where it is answered well as it is.

        Its readings are turned, which is nearly what is read of the turned image. Clothes are more familiar upright; of
        other images nobody has measured that, and nothing is said.
        """
        if self.card.reading != "garment" or self.card.input_shape[0] != self.card.input_shape[1]:
            return None
        used = [reading for reading in readings if reading.weight > 0]
        weights, pixels = [reading.weight for reading in used], np.stack([reading.seen.pixels for reading in used])
        turned = [np.rot90(pixels, turns, axes=(1, 2)) for turns in range(4)]
        each = self._answers(np.concatenate(turned), [reading.name for reading in used] * 4)
        upright, *others = (combined(weights, each[n * len(used) : (n + 1) * len(used)]) for n in range(4))
        best = max(range(3), key=lambda number: others[number].familiarity)
        better = others[best].familiarity > upright.familiarity + _TURNED_BY
        if not better or others[best].confidence <= _TURNED_FROM:
            return None
        return Turned(best + 1, others[best], self.card.class_names[others[best].label])

    def each(self, readings: Sequence[Reading]) -> list[Answer]:
        """What the network says to every reading."""
        return self._answers(
            np.stack([reading.seen.pixels for reading in readings]), [reading.name for reading in readings]
        )

    def _answers(self, pixels: np.ndarray, names: Sequence[str]) -> list[Answer]:
        """To images float32 (n, h, w, c), by the names of their readings.

        On what people bring, a network is as sure as it was on their images that were held out from training; on the
        dataset's own images, as on those.
        """
        probabilities, familiarities = self.looks(pixels)
        sure = [
            one if name == AS_IT_IS else tempered(one, self._temperature)
            for one, name in zip(probabilities, names, strict=True)
        ]
        return [Answer(*one) for one in zip(sure, familiarities.tolist(), strict=True)]

    def answer(self, readings: Sequence[Reading]) -> Answer:
        """The automatic answer: all readings that have a weight, each as much as it weighs."""
        used = [reading for reading in readings if reading.weight > 0]
        return combined([reading.weight for reading in used], self.each(used))

    def glance(self, readings: Sequence[Reading]) -> np.ndarray:
        """The same in a single forward pass, several times as fast: probabilities float32 (classes,)."""
        used = [reading for reading in readings if reading.weight > 0]
        weights = np.array([reading.weight for reading in used], np.float32)
        return weights / weights.sum() @ self(np.stack([reading.seen.pixels for reading in used]))


def tempered(probabilities: np.ndarray, divisor: float) -> np.ndarray:
    """Probabilities (..., classes) whose logits are divided by a temperature: surer below 1, less sure above.

    >>> tempered(np.array([0.8, 0.2]), 0.5).round(3).tolist()
    [0.941, 0.059]
    """
    powers = np.maximum(probabilities, 1e-12) ** (1 / divisor)
    return powers / powers.sum(axis=-1, keepdims=True)


def combined(weights: Sequence[float] | np.ndarray, each: Sequence[Answer]) -> Answer:
    """The automatic answer: the answers to an image's readings in the proportion of the readings' weights."""
    weights = np.array(weights, np.float32) / np.sum(weights)
    familiarity = float(weights @ np.array([answer.familiarity for answer in each]))
    return Answer(weights @ np.stack([answer.probabilities for answer in each]), familiarity)


def labelled(probabilities: np.ndarray, class_names: Sequence[str]) -> dict[str, Any]:
    """Probabilities (classes,) with the most probable class by its name and number, ready for JSON."""
    index = int(probabilities.argmax())
    return {
        "label": class_names[index],
        "index": index,
        "confidence": round(float(probabilities[index]), 6),
        "probabilities": [round(float(p), 6) for p in probabilities],
    }

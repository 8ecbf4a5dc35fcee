"""A trained network that answers quickly: loaded once, compiled and warmed; a lock keeps visitors apart.

How an image becomes the network's input is the business of `cnn.pictures.readings`; here its readings become one
answer.
"""

import functools
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, Literal, NamedTuple

import numpy as np

from cnn.config import CLASS_NAMES, INPUT_SHAPE
from cnn.networks import test_time_augmentation
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
    forward: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]], pixels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Several looks at each image: probabilities (n, 10) and familiarities (n,), the means over them.

    The familiarity of one look alone tells clothes from other things much less well.

    Args:
        forward: images (m, 28, 28, 1) -> probabilities and logits (m, 10).
        pixels: float32 (n, 28, 28, 1) in [0, 1].
    """
    probabilities, logits = forward(test_time_augmentation.augment(pixels))
    return test_time_augmentation.average(probabilities), test_time_augmentation.average(energy(logits))


_TURNED_BY = 2.0  # how much more familiar a turned image must be
_TURNED_FROM = 0.7  # its least confidence
UNSURE = 0.4  # a highest probability below this is right less often than wrong


class Answer(NamedTuple):
    """What a network says to one image: the probabilities float32 (10,), and how familiar it is, see `energy`."""

    probabilities: np.ndarray
    familiarity: float

    @property
    def label(self) -> int:
        """The most probable class, 0 to 9."""
        return int(self.probabilities.argmax())

    @property
    def confidence(self) -> float:
        """Its probability, in [0, 1]."""
        return float(self.probabilities[self.label])


class Turned(NamedTuple):
    """A better answer: to the image after so many quarter turns to the left, 1 to 3."""

    turns: int
    answer: Answer

    @property
    def hint(self) -> str:
        """Recognised better when turned left: Trouser 94%."""
        where = {1: "left", 2: "upside down", 3: "right"}[self.turns]
        label = CLASS_NAMES[self.answer.label]
        return f"Recognised better when turned {where}: {label} {self.answer.confidence:.0%}."


Doubt = Literal["not like clothes", "unsure"]


class Predictor:
    """The network of one run, ready to answer.

    Args:
        run: a run with a model.

    Raises:
        UnreadableModel: the run has no model, or it cannot be read.
    """

    def __init__(self, run: Run):
        import tensorflow as tf

        from cnn.networks.load import load, logits, with_features

        self.run = run
        self.model = load(run)
        self._lock = Lock()
        both = with_features(self.model)
        signature = [tf.TensorSpec((None, *INPUT_SHAPE), tf.float32)]
        self._forward = tf.function(lambda x: both(x, training=False), input_signature=signature)
        self._logits = functools.partial(logits, self.model)
        self._temperature = (run.evaluation or {}).get("own_temperature") or 1.0
        self(np.zeros((1, *INPUT_SHAPE), np.float32))

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Images float32 (n, 28, 28, 1) in [0, 1] -> probabilities float32 (n, 10)."""
        return self._both(pixels)[0]

    def features(self, pixels: np.ndarray) -> np.ndarray:
        """Images float32 (n, 28, 28, 1) in [0, 1] -> what the output layer reads of them, float32 (n, f)."""
        return self._both(pixels)[1]

    def _both(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with self._lock:
            probabilities, features = self._forward(pixels)
        return probabilities.numpy(), features.numpy()

    @property
    def threshold(self) -> float | None:
        """The familiarity below which an image is not like clothes; None if it was not measured."""
        return ((self.run.evaluation or {}).get("familiarity") or {}).get("unlike_below")

    def doubt(self, answer: Answer) -> Doubt | None:
        """Whether an answer is to be doubted: its familiarity is below the threshold, else its confidence below 40%."""
        if self.threshold is not None and answer.familiarity < self.threshold:
            return "not like clothes"
        return "unsure" if answer.confidence < UNSURE else None

    def looks(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What it says to images float32 (n, 28, 28, 1), each for itself: see `looks`."""

        def forward(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            probabilities, features = self._both(pixels)
            return probabilities, self._logits(features)

        return looks(forward, pixels)

    def better_turned(self, readings: Sequence[Reading]) -> Turned | None:
        """What an image that lies on its side, or on its head, would be; None where it is answered well as it is.

        Its readings are turned, which is nearly what is read of the turned image. Clothes are more familiar upright.
        """
        used = [reading for reading in readings if reading.weight > 0]
        weights, pixels = [reading.weight for reading in used], np.stack([reading.seen.pixels for reading in used])
        turned = [np.rot90(pixels, turns, axes=(1, 2)) for turns in range(4)]
        each = self._answers(np.concatenate(turned), [reading.name for reading in used] * 4)
        upright, *others = (combined(weights, each[n * len(used) : (n + 1) * len(used)]) for n in range(4))
        best = max(range(3), key=lambda number: others[number].familiarity)
        better = others[best].familiarity > upright.familiarity + _TURNED_BY
        return Turned(best + 1, others[best]) if better and others[best].confidence > _TURNED_FROM else None

    def each(self, readings: Sequence[Reading]) -> list[Answer]:
        """What the network says to every reading."""
        return self._answers(
            np.stack([reading.seen.pixels for reading in readings]), [reading.name for reading in readings]
        )

    def _answers(self, pixels: np.ndarray, names: Sequence[str]) -> list[Answer]:
        """To images float32 (n, 28, 28, 1), by the names of their readings.

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


def labelled(probabilities: np.ndarray) -> dict[str, Any]:
    """Probabilities (10,) with the most probable class by its name and number, ready for JSON."""
    index = int(probabilities.argmax())
    return {
        "label": CLASS_NAMES[index],
        "index": index,
        "confidence": round(float(probabilities[index]), 6),
        "probabilities": [round(float(p), 6) for p in probabilities],
    }

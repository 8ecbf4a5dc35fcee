"""A trained network that answers quickly: loaded once, compiled and warmed; a lock keeps visitors apart.

How an image becomes the network's input is the business of `cnn.pictures.readings`; here its readings become one
answer.
"""

import functools
from collections.abc import Sequence
from threading import Lock
from typing import Any

import numpy as np

from cnn.config import CLASS_NAMES, INPUT_SHAPE
from cnn.networks import test_time_augmentation
from cnn.pictures.readings import Reading
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
        """The energy below which an image is unlike what the network was trained on; None if it was not measured."""
        return ((self.run.evaluation or {}).get("familiarity") or {}).get("threshold")

    def energy(self, readings: Sequence[Reading]) -> float:
        """How familiar the readings that have a weight are, each as much as it weighs: see `energy`.

        Where none has one, as when a reading was chosen by hand, they count alike.
        """
        used = [reading for reading in readings if reading.weight > 0] or list(readings)
        found = self.energies(np.stack([reading.seen.pixels for reading in used]))
        return float(np.average(found, weights=[reading.weight or 1 for reading in used]))

    def energies(self, pixels: np.ndarray) -> np.ndarray:
        """How familiar images float32 (n, 28, 28, 1) are, each for itself: (n,)."""
        batches = [pixels[start : start + 500] for start in range(0, len(pixels), 500)]
        return np.concatenate([energy(self._logits(self.features(batch))) for batch in batches])

    def each(self, readings: Sequence[Reading]) -> np.ndarray:
        """What the network says to every reading, float32 (n, 10): the mean of `test_time_augmentation`."""
        return test_time_augmentation.average(
            self(test_time_augmentation.augment(np.stack([reading.seen.pixels for reading in readings])))
        )

    def answer(self, readings: Sequence[Reading]) -> np.ndarray:
        """The automatic answer (10,): all readings that have a weight, each as much as it weighs."""
        used = [reading for reading in readings if reading.weight > 0]
        return combined(used, self.each(used))


def combined(readings: Sequence[Reading], each: np.ndarray) -> np.ndarray:
    """The automatic answer: the readings' probabilities (n, 10) in the proportion of their weights -> (10,)."""
    weights = np.array([reading.weight for reading in readings], np.float32)
    return weights @ each / weights.sum()


def labelled(probabilities: np.ndarray) -> dict[str, Any]:
    """Probabilities (10,) with the most probable class by its name and number, ready for JSON."""
    index = int(probabilities.argmax())
    return {
        "label": CLASS_NAMES[index],
        "index": index,
        "confidence": round(float(probabilities[index]), 6),
        "probabilities": [round(float(p), 6) for p in probabilities],
    }

"""How far a network's confidence can be believed, and making it so. Knows probabilities and labels, no images."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

BINS = 15


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean distance of confidence from accuracy over 15 equal bins of confidence, weighted by their size.

    "On Calibration of Modern Neural Networks" (Guo et al. 2017, arXiv:1706.04599), equation 3.

    Args:
        probabilities: (n, classes), n > 0.
        labels: (n,), the true classes.

    Returns:
        In [0, 1]; 0 where, of all answers given with confidence c, the fraction c is right.

    >>> answers = np.array([[0.9, 0.1], [0.9, 0.1]])
    >>> round(expected_calibration_error(answers, np.array([0, 1])), 3)
    0.4
    """
    bins = reliability(probabilities, labels)
    return float((bins.count * np.abs(bins.confidence - bins.accuracy)).sum() / len(labels))


@dataclass(frozen=True, eq=False)
class Reliability:
    """The bins of a reliability diagram, those with images only, each array (m,).

    low, high: the ends of the bin, in [0, 1]. confidence: mean of its images. accuracy: fraction of them that is right.
    count: how many. right: how many of these are right.
    """

    low: np.ndarray
    high: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    count: np.ndarray
    right: np.ndarray


def reliability(probabilities: np.ndarray, labels: np.ndarray) -> Reliability:
    """Accuracy by confidence in 15 equal bins: Guo et al. 2017, section 2.

    Args:
        probabilities: (n, classes), n > 0. labels: (n,).
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    count = np.bincount(place, minlength=BINS)
    used = np.flatnonzero(count)
    sums, hits = (np.bincount(place, values, BINS)[used] for values in (confidence, right))
    return Reliability(
        used / BINS, (used + 1) / BINS, sums / count[used], hits / count[used], count[used], hits.astype(int)
    )


class Coverage(NamedTuple):
    """Accuracy where only what is as sure as a threshold is answered, each array (m,), from all images to the surest.

    threshold: the least confidence that is answered, rising, one for each that there is. coverage: fraction of the
    images that is answered, in (0, 1]. accuracy: of these.
    """

    threshold: np.ndarray
    coverage: np.ndarray
    accuracy: np.ndarray


def coverage(probabilities: np.ndarray, labels: np.ndarray) -> Coverage:
    """Accuracy against coverage: El-Yaniv and Wiener 2010, "On the Foundations of Noise-free Selective Classification".

    Images of equal confidence are answered together, so the last of them stands for all.

    >>> coverage(np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]]), np.array([0, 0, 1])).accuracy.round(3).tolist()
    [0.667, 1.0, 1.0]
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    order = np.argsort(-confidence, kind="stable")
    confidence, answered = confidence[order], np.arange(1, len(labels) + 1)
    accuracy = np.cumsum(right[order]) / answered
    last = np.append(confidence[1:] < confidence[:-1], True)
    return Coverage(*(array[last][::-1] for array in (confidence, answered / len(labels), accuracy)))


def temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The number that the logits must be divided by so that the mean cross-entropy is least (Guo et al., section 4.2).

    Args:
        probabilities: (n, classes). labels: (n,).

    Returns:
        In [0.25, 4], to 1%; above 1 where the network was too sure.
    """
    logits = np.log(np.maximum(probabilities, 1e-12))
    chosen = np.arange(len(labels)), labels

    def loss(divisor: float) -> float:
        scaled = logits / divisor
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        return float((np.log(np.exp(scaled).sum(axis=1)) - scaled[chosen]).mean())

    return float(min(np.geomspace(0.25, 4, 281), key=loss))


def apply_temperature(model, divisor: float) -> None:
    """Divide a network's logits by a temperature, in the weights of its output layer."""
    output = model.layers[-1]
    output.set_weights([weights / divisor for weights in output.get_weights()])

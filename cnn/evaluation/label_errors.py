"""Images whose label may be wrong: what networks that never learned it say, against what the dataset says.

"Confident Learning: Estimating Uncertainty in Dataset Labels" (Northcutt, Jiang, Chuang 2021, JAIR 70, 1373-1411,
arXiv:1911.00068), for one network's out-of-fold predictions; and the agreement of several networks, for images that
none of them was trained on. Both find suspects, not errors: a hard image with the right label looks the same. Knows
probabilities and labels, no images.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cnn.evaluation.predictions import Predictions

AGREEING = 3  # networks that must agree on another class; all of them, where there are fewer


@dataclass(frozen=True, eq=False)
class Suspects:
    """Images whose label may be wrong, the most suspect first.

    Attributes:
        index: int (m,), places among the images that were looked at.
        given: int (m,), the labels that the dataset gives.
        suggested: int (m,), the classes that are predicted instead.
        confidence: float (m,), the probability of the suggested class; with several networks, its mean over those
            that agree.
        self_confidence: float (m,), the probability of the given label, with several networks the mean over all.
        margin: float (m,), the normalised margin: the probability of the given label less the highest of the others,
            rising from -1. With several networks, of the mean of their probabilities.
        agreeing: int (m,), how many networks predict the suggested class.
        networks: how many there are.
    """

    index: np.ndarray
    given: np.ndarray
    suggested: np.ndarray
    confidence: np.ndarray
    self_confidence: np.ndarray
    margin: np.ndarray
    agreeing: np.ndarray
    networks: int = 1

    def __len__(self) -> int:
        return len(self.index)

    def only(self, chosen: np.ndarray) -> "Suspects":
        """Some of them, by bool (m,) or by their places."""
        columns = [name for name in self.__dataclass_fields__ if name != "networks"]
        return replace(self, **{name: getattr(self, name)[chosen] for name in columns})


def thresholds(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """For each class the mean self-confidence of the images with that label, equation 2 of the paper: float (classes,).

    A class without images has the threshold infinity, which nothing reaches.

    >>> thresholds(np.array([[0.9, 0.1], [0.7, 0.3], [0.4, 0.6]]), np.array([0, 0, 1])).round(3).tolist()
    [0.8, 0.6]
    """
    classes = probabilities.shape[1]
    sums = np.bincount(labels, probabilities[np.arange(len(labels)), labels], classes)
    counts = np.bincount(labels, minlength=classes)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)


def confident_class(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The most probable class among those whose probability reaches their threshold; -1 where none does. int (n,).

    Counted by label and by this, images give the confident joint, equation 1 of the paper.

    Args:
        probabilities: (n, classes), of a network that was not trained on the image. labels: int (n,).
    """
    reached = probabilities >= thresholds(probabilities, labels) - 1e-12  # a sum's last digit must not decide
    return np.where(reached.any(axis=1), np.where(reached, probabilities, -1.0).argmax(axis=1), -1)


def normalised_margin(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The probability of the given label less the highest of the other classes: float (n,), from -1 to 1."""
    places = np.arange(len(labels))
    others = probabilities.copy()
    others[places, labels] = -np.inf
    return probabilities[places, labels] - others.max(axis=1)


def out_of_fold(probabilities: np.ndarray, labels: np.ndarray) -> Suspects:
    """Suspects by one network's predictions: confidently another class, ranked by the normalised margin.

    Args:
        probabilities: float (n, classes), out of fold. labels: int (n,).
    """
    found = confident_class(probabilities, labels)
    return _ranked(
        np.flatnonzero((found >= 0) & (found != labels)), labels, found, probabilities, np.ones(len(labels), int)
    )


def agreement(networks: Sequence[Predictions]) -> Suspects:
    """Suspects by several networks: enough of them predict the same other class, and more than predict the label.

    Args:
        networks: at least one, all of the same images.
    """
    labels = networks[0].labels
    needed, classes = min(AGREEING, len(networks)), networks[0].probabilities.shape[1]
    votes = np.zeros((len(labels), classes), int)
    for one in networks:
        votes[np.arange(len(labels)), one.predicted] += 1
    own = votes[np.arange(len(labels)), labels]
    others = votes.copy()
    others[np.arange(len(labels)), labels] = 0
    suggested = others.argmax(axis=1)
    most = others.max(axis=1)
    chosen = np.flatnonzero((most >= needed) & (most > own))
    mean = np.mean([one.probabilities for one in networks], axis=0)
    suspects = _ranked(chosen, labels, suggested, mean, most)
    agree = np.array([one.predicted[suspects.index] == suspects.suggested for one in networks])
    theirs = np.array([one.probabilities[suspects.index, suspects.suggested] for one in networks])
    confidence = (agree * theirs).sum(axis=0) / np.maximum(agree.sum(axis=0), 1)
    return replace(suspects, confidence=confidence, networks=len(networks))


def _ranked(
    chosen: np.ndarray, labels: np.ndarray, suggested: np.ndarray, probabilities: np.ndarray, agreeing: np.ndarray
) -> Suspects:
    """The chosen images (m,) of all, the lowest normalised margin first."""
    margin = normalised_margin(probabilities[chosen], labels[chosen])
    order = np.argsort(margin, kind="stable")
    index = chosen[order]
    return Suspects(
        index,
        labels[index],
        suggested[index],
        probabilities[index, suggested[index]],
        probabilities[index, labels[index]],
        margin[order],
        agreeing[index],
    )

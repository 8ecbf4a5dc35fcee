"""Rates of a network on a whole split: accuracy with its interval, confusion, precision and recall, curves, orders.

The numbers are scikit-learn's where it has them. Knows predictions; knows no image and no page.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cnn.evaluation.predictions import Predictions

_Z = 1.959964  # of a 95% interval


def interval(right: int, count: int) -> tuple[float, float]:
    """The 95% interval of a proportion: Wilson 1927, "Probable Inference", JASA 22, without continuity correction.

    Args:
        right: how many of `count` are so; count > 0.

    Returns:
        Its ends, in [0, 1].

    >>> [round(end, 4) for end in interval(81, 263)]  # Newcombe 1998, table I
    [0.2553, 0.3662]
    """
    rate, square = right / count, _Z**2 / count
    centre, half = rate + square / 2, _Z * (rate * (1 - rate) / count + square / (4 * count)) ** 0.5
    low, high = (centre - half) / (1 + square), (centre + half) / (1 + square)
    return (0.0 if right == 0 else low), (1.0 if right == count else high)


def confusion(predictions: Predictions) -> np.ndarray:
    """How often each class was predicted as which: int (classes, classes), rows are true labels."""
    from sklearn.metrics import confusion_matrix  # a second to load

    return confusion_matrix(predictions.labels, predictions.predicted, labels=range(predictions.logits.shape[1]))


@dataclass(frozen=True)
class Confused:
    """A class that is taken for another: both by index, and how often, of how many."""

    true: int
    predicted: int
    count: int
    of: int


def most_confused(matrix: np.ndarray, count: int = 1) -> list[Confused]:
    """The most frequent mistakes of a confusion matrix (classes, classes), the most frequent first."""
    errors = matrix - np.diag(np.diag(matrix))
    places = np.argsort(-errors, axis=None, kind="stable")[:count]
    found = [divmod(int(place), len(matrix)) for place in places]
    return [
        Confused(true, predicted, int(errors[true, predicted]), int(matrix[true].sum()))
        for true, predicted in found
        if errors[true, predicted]
    ]


@dataclass(frozen=True)
class ClassScores:
    """How well one class is predicted; a mean over classes has no support of its own but that of all.

    Attributes:
        name: of the class.
        precision: of the images predicted as this class, the fraction that is of it, in [0, 1]; 0 where none is.
        recall: of the images of this class, the fraction predicted as it; 0 where there is none.
        f1: the harmonic mean of both.
        support: images of this class.
        confidence: mean confidence of what is predicted for its images; NaN where there is none.
    """

    name: str
    precision: float
    recall: float
    f1: float
    support: int
    confidence: float

    def rounded(self) -> dict[str, Any]:
        """Ready for JSON and CSV."""
        values = asdict(self)
        named = {"class": values.pop("name"), **values}
        return {
            key: (None if np.isnan(value) else round(value, 6)) if isinstance(value, float) else value
            for key, value in named.items()
        }


def per_class(predictions: Predictions) -> list[ClassScores]:
    """The scores of each class, in the classes' order."""
    from sklearn.metrics import precision_recall_fscore_support

    classes = range(predictions.logits.shape[1])
    found = precision_recall_fscore_support(
        predictions.labels, predictions.predicted, labels=classes, zero_division=0.0
    )
    sums = np.bincount(predictions.labels, predictions.confidence, len(classes))
    return [
        ClassScores(name, float(p), float(r), float(f), int(n), float(total / n) if n else float("nan"))
        for name, p, r, f, n, total in zip(predictions.class_names, *found, sums, strict=True)
    ]


def balanced_accuracy(predictions: Predictions) -> float:
    """The mean recall of the classes that there are images of, in [0, 1]: each counts the same, however many it has."""
    counts = np.bincount(predictions.labels, minlength=predictions.logits.shape[1])
    hits = np.bincount(predictions.labels, predictions.right, len(counts))
    return float((hits[counts > 0] / counts[counts > 0]).mean())


def is_unequal(predictions: Predictions) -> bool:
    """Whether the largest class has more than one and a half times as many images as the smallest that has some."""
    counts = np.bincount(predictions.labels)
    return bool(counts.max() > 1.5 * counts[counts > 0].min())


def means(predictions: Predictions) -> list[ClassScores]:
    """The macro mean, in which each class counts the same, and the mean weighted by support."""
    from sklearn.metrics import precision_recall_fscore_support

    present = np.unique(predictions.labels)
    found = []
    for average in ("macro", "weighted"):
        p, r, f, _ = precision_recall_fscore_support(
            predictions.labels, predictions.predicted, labels=present, average=average, zero_division=0.0
        )
        by_class = [predictions.confidence[predictions.labels == label].mean() for label in present]
        confidence = np.mean(by_class) if average == "macro" else predictions.confidence.mean()
        name = f"{average.capitalize()} mean"
        found.append(ClassScores(name, float(p), float(r), float(f), len(predictions), float(confidence)))
    return found


@dataclass(frozen=True, eq=False)
class Curves:
    """One class against all others as the threshold on its probability moves.

    Attributes:
        thresholds: float (m,), falling; the first is above every probability, so nothing is called the class.
        true_positive_rate, false_positive_rate: float (m,), the ROC curve. precision: float (m,), 1 where nothing is
            called the class; the recall is the true-positive rate.
        auroc, average_precision: the areas, in [0, 1]; NaN where all images are of the class, or none is.
    """

    thresholds: np.ndarray
    true_positive_rate: np.ndarray
    false_positive_rate: np.ndarray
    precision: np.ndarray
    auroc: float
    average_precision: float

    def at(self, threshold: float) -> int:
        """The place on the curves where everything with at least this probability is called the class."""
        return int(np.searchsorted(-self.thresholds, -threshold, side="right")) - 1


def curves(predictions: Predictions, label: int) -> Curves:
    """The ROC curve and the precision-recall curve of a class against all others.

    Fawcett 2006, "An introduction to ROC analysis", Pattern Recognition Letters 27; Davis and Goadrich 2006, "The
    Relationship Between Precision-Recall and ROC Curves", ICML.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

    is_class, scores = predictions.labels == label, predictions.probabilities[:, label]
    positives, negatives = int(is_class.sum()), int((~is_class).sum())
    if not positives or not negatives:
        nothing = np.array([np.nan])
        return Curves(np.array([np.inf]), nothing, nothing, nothing, float("nan"), float("nan"))
    false, true, thresholds = roc_curve(is_class, scores, drop_intermediate=False)
    called = true * positives + false * negatives
    precision = np.divide(true * positives, called, out=np.ones_like(true), where=called > 0)
    return Curves(
        thresholds,
        true,
        false,
        precision,
        float(roc_auc_score(is_class, scores)),
        float(average_precision_score(is_class, scores)),
    )


def by_similarity(matrix: np.ndarray) -> list[int]:
    """The classes in an order in which those that are confused stand together, so that blocks show.

    Average linkage of 1 minus the fraction of two classes' images that are taken for the other, with the leaves turned
    so that neighbours are as near as can be: Bar-Joseph, Gifford, Jaakkola 2001, "Fast optimal leaf ordering for
    hierarchical clustering", Bioinformatics 17.

    Args:
        matrix: (classes, classes), rows are true labels.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    if len(matrix) < 3:
        return list(range(len(matrix)))
    fractions = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    distance = 1 - (fractions + fractions.T) / 2
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), method="average", optimal_ordering=True)
    return leaves_list(tree).tolist()


def ordered(predictions: Predictions, indices: Sequence[int] | np.ndarray, by: str) -> np.ndarray:
    """Images in one of `ORDERS`: int (m,), the same indices."""
    indices = np.asarray(indices, int)
    return indices[np.argsort(_KEYS[by](predictions)[indices], kind="stable")]


_KEYS = {
    "Most confident mistake": lambda p: np.where(p.right, 2 - p.confidence, -p.confidence),
    "Least confident hit": lambda p: np.where(p.right, p.confidence, 1 + p.confidence),
    "Highest loss": lambda p: -p.losses,
    "Highest entropy": lambda p: -p.entropy,
    "Least familiar": lambda p: p.familiarity,
    "Index": lambda p: np.arange(len(p)),
}
ORDERS = tuple(_KEYS)

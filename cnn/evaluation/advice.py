"""What to do next, from the numbers of an evaluation: a sentence each, with its numbers. Knows no page."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from cnn.config import counted
from cnn.evaluation import calibration, scores
from cnn.evaluation.predictions import Predictions

Kind = Literal["leak", "overfitting", "underfitting", "confused", "few images", "weak class", "calibration"]

_GAP = 0.05  # by which training accuracy exceeds accuracy here
_TOO_LITTLE = 0.9  # training accuracy, below which a network has not learned its own images
_FREQUENT = 0.05  # fraction of all mistakes from which a confusion is worth a word
_MORE_THAN_EVEN = 2  # times as often as if all pairs of classes were confused alike
_COUNT = 10  # images, of which less says nothing
_FEW = 1 / 3  # of the median class's training images
_LEAST = 20  # training images of a class, of which less than so many is little for any network
_WEAK = 0.08  # by which a class's recall is below the mean
_MISCALIBRATED = 0.03  # expected calibration error


@dataclass(frozen=True)
class Advice:
    """kind: what it is about. title, text: plain sentences. classes: that it is about, by name, the true one first."""

    kind: Kind
    title: str
    text: str
    classes: tuple[str, ...] = ()


def advise(
    predictions: Predictions,
    last_epoch: dict[str, Any] | None = None,
    training_images: np.ndarray | None = None,
    suspicious_above: float | None = None,
) -> list[Advice]:
    """What the numbers advise, the most serious first; at most one of each kind.

    Args:
        predictions: on images that the network has not seen.
        last_epoch: the last line of kind "epoch" in the run's metrics, with its training accuracy.
        training_images: int (classes,), how many of each class it was trained on.
        suspicious_above: see `DatasetCard`.
    """
    trained = (last_epoch or {}).get("accuracy")
    trained = trained if trained is not None and np.isfinite(trained) else None
    found = [
        _leak(predictions, suspicious_above),
        _overfitting(predictions, trained) or _underfitting(predictions, trained),
        _confused(predictions),
        _few(predictions, training_images),
        _weak(predictions),
        _calibration(predictions),
    ]
    return [advice for advice in found if advice]


def _leak(predictions: Predictions, above: float | None) -> Advice | None:
    if above is None or predictions.accuracy <= above:
        return None
    return Advice(
        "leak",
        "Have data leaked?",
        f"{predictions.accuracy:.1%} is more than any published network of this kind reaches. "
        "Check that no image it was trained on, or a copy of one, is measured here.",
    )


def _overfitting(predictions: Predictions, trained: float | None) -> Advice | None:
    if trained is None or trained - predictions.accuracy < _GAP:
        return None
    return Advice(
        "overfitting",
        "Overfitting.",
        f"It is right on {trained:.1%} of its training images, but on {predictions.accuracy:.1%} "
        "here. Add augmentation or dropout, stop earlier, or train on more images.",
    )


def _underfitting(predictions: Predictions, trained: float | None) -> Advice | None:
    if trained is None or trained >= _TOO_LITTLE or trained > predictions.accuracy + _GAP:
        return None
    return Advice(
        "underfitting",
        "It could learn more.",
        f"It is right on {trained:.1%} of its training images as they were shown to it. Train "
        "for more epochs, or use a larger network.",
    )


def _confused(predictions: Predictions) -> Advice | None:
    matrix = scores.confusion(predictions)
    errors = int((~predictions.right).sum())
    both = matrix + matrix.T
    if not errors or len(matrix) < 3:
        return None
    np.fill_diagonal(both, 0)
    one, other = sorted(np.unravel_index(both.argmax(), both.shape), key=lambda label: -matrix[label].sum())
    count = int(both[one, other])
    even = 2 / (len(matrix) * (len(matrix) - 1))
    if count < _COUNT or count / errors < max(_FREQUENT, _MORE_THAN_EVEN * even):
        return None
    if matrix[other, one] > matrix[one, other]:
        one, other = other, one
    names = predictions.class_names
    return Advice(
        "confused",
        f"{names[one]} and {names[other]} are confused.",
        f"{counted(count, 'time')}, which is {count / errors:.0%} of all mistakes. Look at these images. "
        "More varied images of both help, or finer feature maps: less pooling, more "
        "filters.",
        (names[one], names[other]),
    )


def _few(predictions: Predictions, training_images: np.ndarray | None) -> Advice | None:
    if training_images is None or not len(training_images):
        return None
    least, median = int(training_images.argmin()), float(np.median(training_images))
    few = int((training_images < _LEAST).sum())
    if few > 1 and training_images[least] >= _FEW * median:
        return Advice(
            "few images",
            "Few images.",
            f"{few} of {len(training_images)} classes have fewer than {_LEAST} training images, the smallest "
            f"{training_images[least]:,}. Add images, or begin with the weights of a network that has learned others.",
        )
    if training_images[least] >= _FEW * median:
        return None
    name = predictions.class_names[least]
    return Advice(
        "few images",
        f"Few images of {name}.",
        f"It was trained on {training_images[least]:,} of them, and on {median:,.0f} of the "
        "median class. Add images of this class.",
        (name,),
    )


def _weak(predictions: Predictions) -> Advice | None:
    rows = [row for row in scores.per_class(predictions) if row.support]
    mean = float(np.mean([row.recall for row in rows]))
    enough = [row for row in rows if row.support >= _COUNT]
    if not enough:
        return None
    worst = min(enough, key=lambda row: row.recall)
    if mean - worst.recall < _WEAK:
        return None
    return Advice(
        "weak class",
        f"{worst.name} is recognised least often.",
        f"{worst.recall:.0%} of its images, where the mean over the classes is {mean:.0%}. "
        f"What is called {worst.name} is right in {worst.precision:.0%} of the cases.",
        (worst.name,),
    )


def _calibration(predictions: Predictions) -> Advice | None:
    error = calibration.expected_calibration_error(predictions.probabilities, predictions.labels)
    if error < _MISCALIBRATED:
        return None
    confidence = float(predictions.confidence.mean())
    word = "sure" if confidence > predictions.accuracy else "unsure"
    return Advice(
        "calibration",
        f"It is too {word}.",
        f"Its mean confidence is {confidence:.0%}, and {predictions.accuracy:.0%} of its "
        "predictions are right. Temperature scaling mends that without training.",
    )

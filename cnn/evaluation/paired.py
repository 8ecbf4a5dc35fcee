"""Two or more networks on the same images: who is right where, and whether the difference could be chance.

Knows predictions and labels; knows no run, no image and no page.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cnn.config import counted
from cnn.errors import AtelierError
from cnn.evaluation import scores
from cnn.evaluation.predictions import Predictions


class NotComparable(AtelierError, ValueError):
    """Predictions that are not of the same images with the same labels."""


def require_same_images(first: Predictions, *others: Predictions) -> None:
    """Raises NotComparable where predictions are not of the same images, labels and classes."""
    for other in others:
        if other.class_names != first.class_names:
            raise NotComparable("These networks cannot be compared: they know different classes.")
        if other.split != first.split:
            raise NotComparable(
                f"These networks cannot be compared: one was measured on {first.split}, one on {other.split} images."
            )
        if not np.array_equal(other.labels, first.labels):
            raise NotComparable(
                f"These networks cannot be compared: their {first.split} images are not the same, because they were "
                "trained on different datasets."
            )


@dataclass(frozen=True)
class Comparison:
    """Two networks on the same images, as counts: both right, only the first, only the second, both wrong."""

    both_right: int
    only_first: int
    only_second: int
    both_wrong: int

    @property
    def count(self) -> int:
        """How many images there are."""
        return self.both_right + self.only_first + self.only_second + self.both_wrong

    @property
    def accuracies(self) -> tuple[float, float]:
        """Of the first and of the second, in [0, 1]."""
        first, second = self.both_right + self.only_first, self.both_right + self.only_second
        return first / self.count, second / self.count

    @property
    def difference(self) -> float:
        """The accuracy of the first less that of the second, in [-1, 1]."""
        return (self.only_first - self.only_second) / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval of the difference, in [-1, 1].

        Method 10 of Newcombe 1998, "Improved confidence intervals for the difference between binomial proportions based
        on paired data", Statistics in Medicine 17, 2635-2650: the Wilson intervals of both accuracies, combined by the
        correlation of the two networks, which is corrected for continuity where it is positive.

        >>> [round(end, 3) for end in Comparison(14, 5, 0, 22).interval]  # Altman et al. 2000, table 6.2
        [0.011, 0.226]
        """
        first, second = self.accuracies
        low1, high1 = scores.interval(self.both_right + self.only_first, self.count)
        low2, high2 = scores.interval(self.both_right + self.only_second, self.count)
        phi = self._correlation()
        below, above = _combined(first - low1, high2 - second, phi), _combined(high1 - first, second - low2, phi)
        return max(-1.0, self.difference - below), min(1.0, self.difference + above)

    def _correlation(self) -> float:
        """Newcombe's corrected phi."""
        a, b, c, d = self.both_right, self.only_first, self.only_second, self.both_wrong
        margins = (a + b) * (c + d) * (a + c) * (b + d)
        if not margins:
            return 0.0
        excess = a * d - b * c
        return (max(excess - self.count / 2, 0.0) if excess > 0 else excess) / margins**0.5

    @property
    def p_value(self) -> float:
        """How probable a difference at least as large is if both networks are equally good, in [0, 1].

        McNemar's exact test: of the images on which only one is right, as many are for the first as heads in fair
        tosses, two-sided. McNemar 1947, "Note on the sampling error of the difference between correlated proportions or
        percentages", Psychometrika 12, 153-157.

        >>> round(Comparison(20, 12, 2, 16).p_value, 4)  # Armitage and Berry 1994, page 127
        0.0129
        """
        tosses, fewer = self.only_first + self.only_second, min(self.only_first, self.only_second)
        ways = total = 1  # in whole numbers: exact, however small the probability
        for heads in range(fewer):
            ways = ways * (tosses - heads) // (heads + 1)
            total += ways
        return min(1.0, 2 * total / 2**tosses)

    @property
    def turned(self) -> "Comparison":
        """The same with the second network first."""
        return Comparison(self.both_right, self.only_second, self.only_first, self.both_wrong)

    def in_words(self, first: str, second: str) -> str:
        """The difference in a sentence or two, the better network first.

        >>> Comparison(20, 12, 2, 16).in_words("Deep", "Flat").partition(". ")[0]
        'Deep is right on 10 more of 50 images than Flat: +20.0 points (5.6 to 32.9)'
        """
        if self.only_first < self.only_second:
            return self.turned.in_words(second, first)
        more, images, digits = self.only_first - self.only_second, counted(self.count, "image"), _digits(self.count)
        low, high = (f"{100 * end:.{digits}f}".replace("-", "−") for end in self.interval)
        by_chance = f"{p_in_words(self.p_value)} (McNemar's exact test)"
        if not more:
            return f"{first} and {second} are right on equally many of {images}: 0 points apart ({low} to {high})."
        found = f"{first} is right on {more:,} more of {images} than {second}: "
        found += f"+{100 * self.difference:.{digits}f} points ({low} to {high}). "
        if self.p_value >= _SIGNIFICANT:
            return f"{found}A difference of this size may well be chance: {by_chance}."
        return f"{found}If both were equally good, a difference of this size would come up by chance with {by_chance}."


_SIGNIFICANT = 0.05  # the usual level; what is above it may well be chance


def p_in_words(p_value: float) -> str:
    """A p-value as it is written.

    >>> p_in_words(1e-9), p_in_words(0.01294), p_in_words(0.5)
    ('p < 0.001', 'p = 0.013', 'p = 0.50')
    """
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.{2 if p_value >= 0.1 else 3}f}"


def _digits(count: int) -> int:
    """Decimals of points that so many images are enough for."""
    return 1 if count < 5000 else 2


def _combined(one: float, other: float, phi: float) -> float:
    return max(0.0, one**2 - 2 * phi * one * other + other**2) ** 0.5


class Boxes(NamedTuple):
    """The images by who is right, each int (m,), rising: indices into the split."""

    both_right: np.ndarray
    only_first: np.ndarray
    only_second: np.ndarray
    both_wrong: np.ndarray


def boxes(first: Predictions, second: Predictions) -> Boxes:
    """Sort the images of a split into four boxes.

    Raises:
        NotComparable: the predictions are of different images.
    """
    require_same_images(first, second)
    one, other = first.right, second.right
    return Boxes(*map(np.flatnonzero, (one & other, one & ~other, ~one & other, ~one & ~other)))


def compare(first: Predictions, second: Predictions) -> Comparison:
    """Compare two networks on all images of a split.

    Raises:
        NotComparable: the predictions are of different images.
    """
    return Comparison(*map(len, boxes(first, second)))


class ClassDifference(NamedTuple):
    """Two networks on the images of one class: their accuracies there are its recalls."""

    name: str
    comparison: Comparison


def per_class(first: Predictions, second: Predictions) -> list[ClassDifference]:
    """Compare two networks class by class, in the classes' order, without classes that have no images.

    Raises:
        NotComparable: the predictions are of different images.
    """
    counts = [np.bincount(first.labels[box], minlength=len(first.class_names)) for box in boxes(first, second)]
    return [
        ClassDifference(name, Comparison(*map(int, of_class)))
        for name, of_class in zip(first.class_names, np.transpose(counts), strict=True)
        if of_class.any()
    ]


def same_mistakes(first: Predictions, second: Predictions) -> np.ndarray:
    """bool (n,): where both are wrong and predict the same class."""
    return ~first.right & (first.predicted == second.predicted)


def agreement(first: Predictions, second: Predictions) -> tuple[float, float]:
    """On what fraction of the images two networks predict the same class, and Cohen's kappa.

    Kappa is how far that goes beyond chance, in [-1, 1]; NaN where both always predict the same one class. Cohen 1960,
    "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20, 37-46.
    """
    same, classes = float((first.predicted == second.predicted).mean()), first.logits.shape[1]
    often = [np.bincount(one.predicted, minlength=classes) / len(one) for one in (first, second)]
    by_chance = float(often[0] @ often[1])
    return same, (same - by_chance) / (1 - by_chance) if by_chance < 1 else float("nan")


def ensemble(first: Predictions, *others: Predictions) -> Predictions:
    """What several networks predict together: the means of their probabilities.

    Raises:
        NotComparable: the predictions are of different images.
    """
    require_same_images(first, *others)
    mean = np.mean([one.probabilities for one in (first, *others)], axis=0)
    return Predictions(first.split, first.labels, np.log(np.maximum(mean, 1e-300)), first.class_names)

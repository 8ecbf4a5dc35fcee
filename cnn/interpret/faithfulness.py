"""Whether an explanation is true: what its pixels do to the answer, whether it is about the model, and who agrees.

The maps are of any origin, arrays (h, w) in which a larger value is a more important pixel (`attribution.importance`).
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import combinations
from typing import Literal, NamedTuple

import cv2
import numpy as np

from cnn.interpret.attribution import Explainer
from cnn.networks.forward import Weights

STEPS = 28  # of a curve; of an image of 28 x 28 each changes 28 pixels
ORDERS = 4  # random ones, over which chance is averaged
SCRAMBLINGS = 3  # over which the randomisation check is averaged
SAME = 0.5  # on the shipped networks Grad-CAM keeps 0.2 at most with scrambled weights, integrated gradients 0.6 to 0.9
RULE = (  # what `_verdict` goes by, for people; "signs": whether a place speaks for the class or against it
    f"at {SAME:g} or more a map does not depend on the network; where this holds only without the signs, the map "
    "depends on the network in its signs only"
)
APART = 0.2  # maps that are less similar than this disagree

Measure = Callable[[Explainer, np.ndarray, int, np.ndarray, Weights | None], "Curve"]
Verdict = Literal["about the model", "about the model in its signs only", "not about the model", "says nothing"]


class Curve(NamedTuple):
    """A class's probability while an image is taken apart or put together.

    Attributes:
        shares: (steps + 1,) of the pixels changed so far, from 0 to 1.
        probabilities: (steps + 1,).
        area: under the curve, in [0, 1].
    """

    shares: np.ndarray
    probabilities: np.ndarray
    area: float


def deletion(
    explainer: Explainer, pixels: np.ndarray, class_: int, importance: np.ndarray, weights: Weights | None = None
) -> Curve:
    """The class's probability while the most important pixels turn black first (Petsiuk, Das, Saenko 2018).

    "RISE", arXiv:1806.07421, section 4.1. The smaller the area the better the map.

    Args:
        explainer: of the network.
        pixels: float32 (h, w, c) in [0, 1].
        class_: its index.
        importance: (h, w). Pixels of one value take turns at random.
        weights: used instead of the network's own.
    """
    return _curve(explainer, pixels, np.zeros_like(pixels), class_, importance, weights)


def insertion(
    explainer: Explainer, pixels: np.ndarray, class_: int, importance: np.ndarray, weights: Weights | None = None
) -> Curve:
    """The class's probability while a black image gets its most important pixels first (RISE, section 4.1).

    The larger the area the better the map. Petsiuk et al. begin with the blurred image, whose class these networks
    often know already; black is these images' own background.
    """
    return _curve(explainer, np.zeros_like(pixels), pixels, class_, importance, weights)


def by_chance(
    measure: Measure, explainer: Explainer, pixels: np.ndarray, class_: int, weights: Weights | None = None
) -> Curve:
    """The mean curve of `deletion` or `insertion` over random orders, which a map has to beat. The same every time."""
    generator = np.random.default_rng(0)
    curves = [measure(explainer, pixels, class_, generator.random(pixels.shape[:2]), weights) for _ in range(ORDERS)]
    probabilities = np.mean([curve.probabilities for curve in curves], axis=0)
    return Curve(curves[0].shares, probabilities, float(np.mean([curve.area for curve in curves])))


def _curve(
    explainer: Explainer,
    start: np.ndarray,
    end: np.ndarray,
    class_: int,
    importance: np.ndarray,
    weights: Weights | None,
) -> Curve:
    """What the network thinks of images from `start` to `end`, which take over pixel by pixel in a map's order."""
    shares = np.linspace(0, 1, STEPS + 1)
    turns = np.random.default_rng(0).random(importance.size)
    order = np.lexsort((turns, -importance.ravel()))
    place = np.empty(importance.size, int)
    place[order] = np.arange(importance.size)
    changed = place.reshape(importance.shape) < np.round(shares * importance.size)[:, None, None]
    pictures = np.where(changed[..., None], end, start)
    probabilities = explainer.probabilities(pictures, weights)[:, class_]
    return Curve(shares, probabilities, float(np.trapezoid(probabilities, shares)))


class Stage(NamedTuple):
    """How similar a map is to those of partly scrambled weights; None where each of these is the same everywhere.

    Attributes:
        layers: whose weights are scrambled.
        correlation: the mean rank correlation of absolute values, in [-1, 1].
        signed: that of the values themselves.
        similarity: the mean structural similarity of absolute values, in [-1, 1].
    """

    layers: tuple[str, ...]
    correlation: float | None
    signed: float | None
    similarity: float | None


class Randomisation(NamedTuple):
    """What is left of a map when the weights that it should be about are scrambled.

    Attributes:
        stages: from the output layer alone to all layers; empty where the map is the same everywhere.
        verdict: by what is left when all layers are scrambled. "about the model in its signs only": where the map is
            strong stays, and with it what the eye sees first; whether it speaks for the class or against it changes.
            "says nothing": the map is the same everywhere.
    """

    stages: tuple[Stage, ...]
    verdict: Verdict


def randomisation(explain: Callable[[Weights], np.ndarray], weights: Weights, cascade: bool = False) -> Randomisation:
    """Whether a map is about the model at all (Adebayo et al. 2018, "Sanity Checks for Saliency Maps").

    arXiv:1810.03292, section 3: what looks the same with random weights shows the image, not what a network has
    learned. They find so of methods that multiply by the image, as integrated gradients does: what is black stays 0.

    Args:
        explain: weights -> the map (h, w) that they lead to.
        weights: the network's own, in the order of its layers (`Forward.weights`).
        cascade: whether to go down from the output layer, layer by layer, as in the paper, or only to look at the
            output layer alone and at all layers.
    """
    own = explain(weights)
    if _is_flat(own):
        return Randomisation((), "says nothing")
    names = list(weights)
    counts = range(1, len(names) + 1) if cascade else sorted({1, len(names)})
    stages = tuple(_stage(explain, weights, own, tuple(names[-count:])) for count in counts)
    return Randomisation(stages, _verdict(stages[-1]))


def _stage(
    explain: Callable[[Weights], np.ndarray], weights: Weights, own: np.ndarray, layers: tuple[str, ...]
) -> Stage:
    maps = [explain(scrambled(weights, seed, layers)) for seed in range(SCRAMBLINGS)]
    maps = [other for other in maps if not _is_flat(other)]
    if not maps:
        return Stage(layers, None, None, None)
    return Stage(
        layers,
        _mean(rank_correlation(np.abs(own), np.abs(other)) for other in maps),
        _mean(rank_correlation(own, other) for other in maps),
        _mean(structural_similarity(np.abs(own), np.abs(other)) for other in maps),
    )


def _verdict(all_layers: Stage) -> Verdict:
    """See `RULE`."""
    if (all_layers.signed or 0) >= SAME:
        return "not about the model"
    return "about the model in its signs only" if (all_layers.correlation or 0) >= SAME else "about the model"


def _mean(found: Iterable[float | None]) -> float | None:
    """The mean of the numbers among them; None where there are none."""
    numbers = [number for number in found if number is not None]
    return float(np.mean(numbers)) if numbers else None


def scrambled(weights: Weights, seed: int, layers: Collection[str] | None = None) -> dict[str, list[np.ndarray]]:
    """The same weights with the numbers of each array in another order; their distribution stays as it is.

    Args:
        weights: of each layer, by its name.
        seed: with which a layer is always scrambled in the same way, whichever others are.
        layers: which; None: all.
    """
    mixed = {}
    for index, (name, arrays) in enumerate(weights.items()):
        generator = np.random.default_rng([seed, index])
        if layers is None or name in layers:
            arrays = [generator.permutation(array.ravel()).reshape(array.shape) for array in arrays]
        mixed[name] = list(arrays)
    return mixed


class Agreement(NamedTuple):
    """How far the maps of several methods agree.

    Attributes:
        names: of the methods.
        matrix: (n, n), the rank correlation of each pair in [-1, 1]; NaN for a map that is the same everywhere.
        mean: over all pairs; None where there are none.
        apart: the pairs that disagree and their correlation, the worst first.
    """

    names: tuple[str, ...]
    matrix: np.ndarray
    mean: float | None
    apart: tuple[tuple[str, str, float], ...]


def agreement(maps: Mapping[str, np.ndarray]) -> Agreement:
    """How far maps (h, w) of one image agree on which pixels are the more important ones, pair by pair.

    That methods agree does not make them true, but of two that disagree one at least misleads.
    """
    names = tuple(maps)
    matrix = np.full((len(names), len(names)), np.nan)
    for row, column in combinations(range(len(names)), 2):
        found = rank_correlation(maps[names[row]], maps[names[column]])
        matrix[row, column] = matrix[column, row] = np.nan if found is None else found
    for index, name in enumerate(names):
        matrix[index, index] = np.nan if _is_flat(maps[name]) else 1.0
    pairs = [
        (names[row], names[column], float(matrix[row, column]))
        for row, column in combinations(range(len(names)), 2)
        if not np.isnan(matrix[row, column])
    ]
    apart = sorted((pair for pair in pairs if pair[2] < APART), key=lambda pair: pair[2])
    return Agreement(names, matrix, _mean(correlation for *_, correlation in pairs), tuple(apart))


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float | None:
    """Spearman's rank correlation of two maps, in [-1, 1]; None where one of them is the same everywhere."""
    if _is_flat(one) or _is_flat(other):
        return None
    return float(np.corrcoef(_ranks(one), _ranks(other))[0, 1])


def structural_similarity(one: np.ndarray, other: np.ndarray) -> float:
    """The mean structural similarity of two maps (h, w) >= 0, each divided by its greatest value; 1 where equal.

    Wang, Bovik, Sheikh, Simoncelli 2004, doi:10.1109/TIP.2003.819861, equation 13, with its window and constants.
    """
    one, other = (values.astype(float) / max(values.max(), np.finfo(np.float32).tiny) for values in (one, other))

    def blurred(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, (11, 11), 1.5)

    mean, mean_other = blurred(one), blurred(other)
    variance, variance_other = blurred(one**2) - mean**2, blurred(other**2) - mean_other**2
    covariance = blurred(one * other) - mean * mean_other
    level, contrast = 0.01**2, 0.03**2
    similar = (2 * mean * mean_other + level) * (2 * covariance + contrast)
    return float((similar / ((mean**2 + mean_other**2 + level) * (variance + variance_other + contrast))).mean())


def _ranks(values: np.ndarray) -> np.ndarray:
    """The rank of each value, equal values sharing the mean of theirs."""
    _, places, counts = np.unique(values.ravel(), return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[places]


def _is_flat(values: np.ndarray) -> bool:
    """Whether a map is the same everywhere, or holds no numbers to compare."""
    return not np.isfinite(values).all() or np.ptp(values) == 0

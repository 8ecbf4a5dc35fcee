"""What a network knows that is like an image: the nearest training images, and whether it knows anything like it.

Both are asked of the network's own features, the numbers that its last layer decides by. An image of something else
than clothing leaves them small and undecided, which shows in the energy of the logits: Liu, Wang, Owens, Li 2020,
"Energy-based Out-of-distribution Detection", arXiv:2010.03759, equation 4.

The threshold is measured on what people bring, where a run has labelled images of theirs that it was not trained on:
the dataset's own images are far more familiar than any drawing or photo.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from cnn import data
from cnn.config.datasets import FASHION_MNIST, DatasetCard
from cnn.data.mixture import HeldOut
from cnn.data.outliers import outlier
from cnn.evaluation.metrics import answers_and_logits
from cnn.networks.predictor import Answer, combined, looks, tempered, unsure_below

KEPT = 0.95  # fraction of the rightly recognised garments above the threshold
OUTLIERS = 500  # images of no garment, drawn by this program, that are to be below it
_USEFUL = 0.9  # area under the ROC curve; with less, whoever is told "not like clothes" is told nothing
_GARMENTS = 500  # images of the dataset on which it is measured
_LEAST = 100  # images of people's own are enough to measure on


class Reference(NamedTuple):
    """Training images to compare with.

    Attributes:
        images: uint8 (n, h, w) or (n, h, w, 3); of large ones thumbnails, for the eye only.
        labels: uint8 (n,).
        features: float16 (n, f), what the network's output layer reads of the whole images; None where `images` are
            whole, so that it can be asked.
    """

    images: np.ndarray
    labels: np.ndarray
    features: np.ndarray | None = None


def separation(garments: np.ndarray, others: np.ndarray) -> dict[str, Any]:
    """The threshold on a score that keeps 95% of the garments, and what it does to images of other things.

    Args:
        garments: scores (n,) of garments that are recognised. others: scores (m,) of other things.

    Returns:
        auroc: the chance that a garment scores higher; unlike_below, the threshold, None where the score says too
        little; garments_kept and others_refused at the threshold, in [0, 1].
    """
    threshold, area = float(np.quantile(garments, 1 - KEPT)), auroc(garments, others)
    return {
        "unlike_below": round(threshold, 5) if area >= _USEFUL else None,
        "garments_kept": round(float((garments >= threshold).mean()), 4),
        "others_refused": round(float((others < threshold).mean()), 4),
        "auroc": round(area, 4),
    }


def auroc(positives: np.ndarray, negatives: np.ndarray) -> float:
    """The area under the ROC curve: the chance that a positive scores above a negative, ties counting half."""
    from sklearn.metrics import roc_auc_score  # a second to load

    is_positive = np.repeat([True, False], [len(positives), len(negatives)])
    return float(roc_auc_score(is_positive, np.concatenate([positives, negatives])))


def nearest(features: np.ndarray, reference: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The training images whose features point most nearly the same way.

    Args:
        features: (f,) of one image. reference: (n, f).
        count: how many.

    Returns:
        Their positions (count,), the nearest first, and their cosine similarities (count,), in [-1, 1].
    """
    lengths = np.linalg.norm(reference, axis=1) * np.linalg.norm(features)
    similarity = reference @ features / np.maximum(lengths, 1e-9)
    best = np.argsort(-similarity)[:count]
    return best, similarity[best]


def own_temperature(model, held_out: HeldOut | None) -> float | None:
    """The temperature that makes a network as sure as it is right on people's own images; None if they are too few.

    The one with the least mean cross-entropy, from 0.5 to 2 to 2.5%; see `calibration.temperature`.
    """
    if held_out is None or len(np.unique(held_out.files[held_out.labels != data.NO_GARMENT])) < _LEAST:
        return None
    answers = _answers(model, held_out.images)

    def loss(divisor: float) -> float:
        garments = [one for one in _of_files(held_out, answers, divisor) if one[1] != data.NO_GARMENT]
        return float(np.mean([-np.log(answer.probabilities[label] + 1e-12) for answer, label in garments]))

    return round(float(min(np.geomspace(0.5, 2, 57), key=loss)), 4)


def familiarity_of(
    model,
    validation: data.Split,
    held_out: HeldOut | None,
    temperature: float,
    seed: int,
    card: DatasetCard = FASHION_MNIST,
) -> dict[str, Any] | None:
    """How well the energy of a network's logits tells garments from other things, and how good a doubted answer is.

    None for other images than clothes: what their other things are is not known, and noise and drawings, which any
    network tells from photos, would make a threshold look good that lets every other photo pass.

    Args:
        model: the network.
        validation: images of the dataset, not trained on.
        held_out: people's own images, not trained on; measured on instead of the dataset's where they are enough.
        temperature: of the answers to people's own images.
        seed: of the other things, drawn by `outliers.outlier` with other random numbers than for training.
        card: of the dataset.

    Returns:
        As `separation`; measured_on; and for rightly and wrongly recognised garments ("right", "wrong") how many there
        are and what fraction of them is called "unlike" or else "unsure".
    """
    if card.reading != "garment" or card.input_shape != FASHION_MNIST.input_shape:
        return None
    ask = partial(_answers, model)
    drawn = np.stack([outlier(np.random.default_rng([seed, 3, number])) for number in range(OUTLIERS)])
    others = ask(drawn)
    own = _of_files(held_out, ask(held_out.images), temperature) if held_out is not None else []
    others += [answer for answer, label in own if label == data.NO_GARMENT]
    garments = [(answer, label) for answer, label in own if label != data.NO_GARMENT]
    is_own = len(garments) >= _LEAST
    if not is_own:
        images, labels = (part[:_GARMENTS] for part in validation)
        garments = list(zip(ask(images), labels, strict=True))
    right = [answer for answer, label in garments if answer.label == label]
    wrong = [answer for answer, label in garments if answer.label != label]
    found = separation(_familiarities(right or wrong), _familiarities(others))
    threshold = -np.inf if found["unlike_below"] is None else found["unlike_below"]

    def doubted(answers: Sequence[Answer]) -> dict[str, Any]:
        unlike = [answer.familiarity < threshold for answer in answers]
        least = unsure_below(len(card.class_names))
        unsure = [answer.confidence < least and not is_so for answer, is_so in zip(answers, unlike, strict=True)]
        count = max(1, len(answers))
        return {"n": len(answers), "unlike": round(sum(unlike) / count, 4), "unsure": round(sum(unsure) / count, 4)}

    found["measured_on"] = "own images" if is_own else "validation images"
    return {**found, "right": doubted(right), "wrong": doubted(wrong)}


def _answers(model, images: np.ndarray) -> list[Answer]:
    """What a network says to images uint8 (n, h, w) of clothes, each for itself."""
    found = []
    for start in range(0, len(images), 500):
        pixels = data.scaled(images[start : start + 500])
        probabilities, familiarities = looks(partial(answers_and_logits, model), pixels)
        found += [Answer(*one) for one in zip(probabilities, familiarities.tolist(), strict=True)]
    return found


def _of_files(held_out: HeldOut, answers: Sequence[Answer], temperature: float) -> list[tuple[Answer, int]]:
    """The automatic answer to each file, from those to its readings, and its label."""
    answers = [Answer(tempered(answer.probabilities, temperature), answer.familiarity) for answer in answers]
    found = []
    for file in np.unique(held_out.files):
        rows = np.flatnonzero(held_out.files == file).tolist()
        answer = combined(held_out.weights[rows], [answers[row] for row in rows])
        found.append((answer, int(held_out.labels[rows[0]])))
    return found


def _familiarities(answers: Sequence[Answer]) -> np.ndarray:
    return np.array([answer.familiarity for answer in answers])

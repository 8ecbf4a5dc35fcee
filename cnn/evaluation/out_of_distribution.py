"""What a network knows that is like an image: the nearest training images, and whether it knows anything like it.

Both are asked of the network's own features, the numbers that its last layer decides by. An image of something else
than clothing leaves them small and undecided, which shows in the energy of the logits: Liu, Wang, Owens, Li 2020,
"Energy-based Out-of-distribution Detection", arXiv:2010.03759, equation 4.
"""

from typing import Any, NamedTuple

import numpy as np

from cnn.data.outliers import outlier
from cnn.evaluation.metrics import answers_and_logits
from cnn.networks.predictor import energy

KEPT = 0.98  # share of held-out garments above the threshold: one that is wrongly doubted annoys more than a missed cat


class Reference(NamedTuple):
    """Training images to compare with: uint8 (n, 28, 28), and their labels uint8 (n,)."""

    images: np.ndarray
    labels: np.ndarray


def separation(garments: np.ndarray, others: np.ndarray) -> dict[str, Any]:
    """The threshold on a score that keeps 98% of held-out garments, and what it does to images of other things.

    Args:
        garments: scores (n,) of garments. others: scores (m,) of other things.

    Returns:
        threshold, garments_kept and others_refused in [0, 1], and auroc: the chance that a garment scores higher.
    """
    threshold = float(np.quantile(garments, 1 - KEPT))
    return {
        "threshold": round(threshold, 5),
        "garments_kept": round(float((garments >= threshold).mean()), 4),
        "others_refused": round(float((others < threshold).mean()), 4),
        "auroc": round(auroc(garments, others), 4),
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


OUTLIERS = 500  # images of no garment against which the familiarity score is tried


def familiarity_of(model, garments: np.ndarray, seed: int) -> dict[str, Any]:
    """How well the energy of a network's logits tells garments from other things: see `out_of_distribution.separation`.

    Args:
        model: the network.
        garments: uint8 (n, 28, 28), not trained on.
        seed: of the other things, drawn by `outliers.outlier` with other random numbers than for training.
    """

    def energies(images: np.ndarray) -> np.ndarray:
        return energy(answers_and_logits(model, images)[1])

    others = np.stack([outlier(np.random.default_rng([seed, 3, n])) for n in range(OUTLIERS)])
    return separation(energies(garments), energies(others))

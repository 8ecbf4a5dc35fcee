"""A network's features as a map: images that it finds alike lie together.

Two ways to get from many numbers to two. Principal components are directions: what lies apart along them does so in the
features, but most of the features' variance may lie in others. t-SNE keeps neighbours together and gives up distances:
how far groups are apart, and how large they are, means nothing (Wattenberg, Viégas, Johnson 2016, "How to Use t-SNE
Effectively", Distill). How much either map may be believed is measured.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

COMPONENTS = 50  # that t-SNE arranges by, at most; more are mostly noise and cost time
PERPLEXITY = 30.0  # about how many neighbours t-SNE keeps an image together with
NEIGHBOURS = 10  # by which a map is judged, and among which a new image is put


class Projection(NamedTuple):
    """Features along the directions in which they vary most.

    Attributes:
        scores: float (n, c), the first direction first.
        explained: float (c,), the share of the variance along each, in [0, 1]; all 0 where nothing varies.
        mean: float (f,), the features' mean.
        axes: float (c, f), orthonormal; the largest part of each is positive.
    """

    scores: np.ndarray
    explained: np.ndarray
    mean: np.ndarray
    axes: np.ndarray

    def project(self, features: np.ndarray) -> np.ndarray:
        """Features (m, f) of other images -> their scores (m, c)."""
        return (features - self.mean) @ self.axes.T


@dataclass(frozen=True)
class Fidelity:
    """How well neighbours keep together; shares in [0, 1].

    Attributes:
        count: how many neighbours were looked at.
        features: share of the nearest in the features that are of the same class.
        places: the same on the map.
        trustworthiness: see `fidelity`.
    """

    count: int
    features: float
    places: float
    trustworthiness: float


def pca(features: np.ndarray, count: int = COMPONENTS) -> Projection:
    """Principal components: Pearson 1901, "On Lines and Planes of Closest Fit to Systems of Points in Space".

    Args:
        features: float (n, f).
        count: directions, if features and images allow as many.
    """
    from sklearn.decomposition import PCA  # a second to load

    few = features.shape[1] <= len(features)
    # Exact where there are few features; a layer may have 50,000, of which the first directions are looked for.
    found = PCA(min(count, *features.shape), svd_solver="covariance_eigh" if few else "auto", random_state=0)
    with np.errstate(divide="ignore", invalid="ignore"):  # where nothing varies, nothing has a share of it
        found.fit(features.astype(np.float64) if few else features)
    varies = bool(np.ptp(features, axis=0).any())
    explained = found.explained_variance_ratio_.astype(np.float64) if varies else np.zeros(len(found.components_))
    # scikit-learn turns each direction such that its largest part is positive, which keeps a map from being mirrored.
    mean, axes = found.mean_.astype(features.dtype), found.components_.astype(features.dtype)
    return Projection((features - mean) @ axes.T, explained, mean, axes)


def tsne(features: np.ndarray, seed: int = 0) -> np.ndarray:
    """t-SNE: van der Maaten and Hinton 2008, "Visualizing Data using t-SNE", JMLR 9.

    Starts from the principal components, which keeps the groups' order (Kobak and Linderman 2021, Nature Biotechnology
    39), and approximates far points by the Barnes-Hut tree (van der Maaten 2014, JMLR 15).

    Args:
        features: float (n, f), at least four of them; reduced to at most 50 principal components first.
        seed: the same one gives the same map.

    Returns:
        Places, float32 (n, 2).
    """
    from sklearn.manifold import TSNE  # seconds to load, and only this needs it
    from threadpoolctl import threadpool_limits

    if features.shape[1] > COMPONENTS:
        features = pca(features, COMPONENTS).scores
    perplexity = min(PERPLEXITY, (len(features) - 1) / 3)
    with threadpool_limits(1, user_api="openmp"):  # also: more than two threads add up in another order each time
        return TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(features.astype(np.float32))


def placed(features: np.ndarray, reference: np.ndarray, places: np.ndarray, count: int = NEIGHBOURS) -> np.ndarray:
    """Where a new image goes on a map that has no rule for new images, as t-SNE's.

    At the mean of its nearest neighbours' places, each weighted by its similarity, the inverse square of its distance
    (Shepard 1968, "A two-dimensional interpolation function for irregularly-spaced data"). This is no place that t-SNE
    would give it: an image between two groups lands in the emptiness between them. One that is on the map stays put.

    Args:
        features: (f,) of the new image. reference: (n, f) of those on the map. places: (n, 2), theirs.
        count: of neighbours.

    Returns:
        Its place (2,).
    """
    squares = ((reference - features) ** 2).sum(axis=1)
    nearest = np.argsort(squares, kind="stable")[:count]
    weights = 1 / np.maximum(squares[nearest], 1e-9)
    return weights @ places[nearest] / weights.sum()


def agreement(points: np.ndarray, labels: np.ndarray, count: int = NEIGHBOURS) -> float:
    """Of each point's nearest neighbours, the share that is of its own class: points (n, d), labels (n,) -> [0, 1]."""
    lengths = (points**2).sum(axis=1)
    squares = lengths[:, None] + lengths - 2 * points @ points.T
    np.fill_diagonal(squares, np.inf)
    nearest = np.argpartition(squares, count - 1, axis=1)[:, :count]
    return float((labels[nearest] == labels[:, None]).mean())


def fidelity(features: np.ndarray, places: np.ndarray, labels: np.ndarray) -> Fidelity:
    """How much a map (n, 2) of features (n, f) may be believed.

    Trustworthiness (Venna and Kaski 2001, "Neighborhood Preservation in Nonlinear Projection Methods", ICANN) is 1
    where all neighbours on the map are neighbours in the features, and less the farther away the false ones are there.
    A map at random has about 0.5.
    """
    from sklearn.manifold import trustworthiness

    count = min(NEIGHBOURS, (len(labels) - 1) // 2)
    trust = float(trustworthiness(features, places, n_neighbors=count))
    return Fidelity(count, agreement(features, labels, count), agreement(places, labels, count), trust)

"""The head of a network in plain NumPy, in 64 bits: logits, softmax with a temperature, cross-entropy and dropout.

For the lessons, which show every number on the way; networks are computed by Keras. Knows no network and no layer.
Sources: softmax and cross-entropy, Goodfellow, Bengio and Courville, "Deep Learning", 6.2.2.3; the temperature, Guo et
al. 2017, arXiv:1706.04599; dropout, Srivastava et al. 2014, whose kept values are here enlarged while training.
"""

import numpy as np


def logits(vectors: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """What a dense layer makes of vectors before its activation, z = b + x w: (..., n), (n, c), (c,) -> (..., c).

    >>> logits(np.array([1.0, 2.0]), np.array([[1.0, 0.0], [3.0, -1.0]]), np.array([0.5, 0.0])).tolist()
    [7.5, -2.0]
    """
    return vectors.astype(np.float64) @ weights.astype(np.float64) + bias.astype(np.float64)


def powers(logits_: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """e^(z / T) of each class, divided by that of the largest logit: (..., c) -> (..., c) in [0, 1].

    A softmax is the same with any common factor, and with this one nothing becomes too large to be a number.
    """
    return np.exp((logits_ - logits_.max(axis=-1, keepdims=True)) / temperature)


def softmax(logits_: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """p = e^(z / T) / sum of e^(z / T): probabilities (..., c) that add up to 1.

    >>> softmax(np.array([2.0, 1.0, 0.0])).round(3).tolist()
    [0.665, 0.245, 0.09]
    >>> softmax(np.array([2.0, 1.0, 0.0]), temperature=2.0).round(3).tolist()
    [0.506, 0.307, 0.186]
    """
    shares = powers(logits_, temperature)
    return shares / shares.sum(axis=-1, keepdims=True)


def cross_entropy(logits_: np.ndarray, true: int, temperature: float = 1.0) -> np.ndarray:
    """-ln p of the true class, (..., c) -> (...). Finite even where p itself is too small to be a number.

    >>> float(cross_entropy(np.array([2.0, 1.0, 0.0]), true=0).round(4))
    0.4076
    """
    below = (logits_.max(axis=-1) - logits_[..., true]) / temperature
    return below + np.log(powers(logits_, temperature).sum(axis=-1))


def kept(size: int, rate: float, draws: int, seed: int) -> np.ndarray:
    """Which units dropout keeps, bool (draws, size): each is dropped with the probability `rate`, in [0, 1).

    The first draw of a seed is the same however many follow.
    """
    return np.random.default_rng(seed).random((draws, size)) >= rate


def dropout(vector: np.ndarray, kept_: np.ndarray, rate: float) -> np.ndarray:
    """x / (1 - rate) where a unit is kept, else 0: (n,), bool (..., n) -> (..., n). Its mean over all draws is x.

    >>> dropout(np.array([1.0, 2.0, 3.0]), np.array([True, False, True]), rate=0.5).tolist()
    [2.0, 0.0, 6.0]
    """
    return np.where(kept_, vector.astype(np.float64) / (1.0 - rate), 0.0)

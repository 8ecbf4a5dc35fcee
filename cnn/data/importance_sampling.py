"""Importance sampling: a network sees what it does not know yet more often than what is easy.

"Not All Samples Are Created Equal: Deep Learning with Importance Sampling" (Katharopoulos and Fleuret 2018,
arXiv:1803.00942). Here the soft labels say what is easy, before the training: so the order of the images depends on the
seed alone. An image that is drawn half as often counts twice in the loss, which stays what it was in the mean.
"""

from typing import TYPE_CHECKING

import numpy as np

from cnn.config import Data
from cnn.data import soft_labels

if TYPE_CHECKING:
    import tensorflow as tf


def chances(config: Data, labels: np.ndarray) -> np.ndarray | None:
    """How often each training image is drawn in an epoch, in the mean: float32 (n,) of mean 1; None: once each.

    Args:
        config: with the strength. labels: uint8 (n,), of the first n training images.

    Raises:
        NoSoftLabels: see `cnn.data.soft_labels.out_of_fold`.
    """
    if not config.importance_sampling:
        return None
    return relative_chances(soft_labels.out_of_fold()[: len(labels)], labels, config.importance_sampling)


def relative_chances(soft: np.ndarray, labels: np.ndarray, strength: float) -> np.ndarray:
    """1 - strength * the probability of an image's label among its soft labels, (n, classes); of mean 1, (n,).

    >>> relative_chances(np.array([[1.0, 0.0], [0.75, 0.25]], np.float32), np.array([0, 1]), 0.8).tolist()
    [0.4000000059604645, 1.600000023841858]
    """
    found = 1 - strength * soft[np.arange(len(labels)), labels].astype(np.float64)
    return (found / found.mean()).astype(np.float32)


def draw(order: "tf.Tensor", chances: "tf.Tensor", key: "tf.Tensor") -> "tf.Tensor":
    """As many images as there are, each as often as its chance says, rounded up or down (systematic sampling).

    Args:
        order: all images, shuffled, int32 (n,). chances: of each image, float32 (n,). key: the seed, (2,).

    Returns:
        int32 (n,), shuffled again.
    """
    import tensorflow as tf

    ends = tf.cumsum(tf.cast(tf.gather(chances, order), tf.float64))
    count = tf.size(order)
    first = tf.random.stateless_uniform([], tf.random.fold_in(key, -1), dtype=tf.float64)
    places = (tf.cast(tf.range(count), tf.float64) + first) * (ends[-1] / tf.cast(count, tf.float64))
    chosen = tf.minimum(tf.searchsorted(ends, places, side="right"), count - 1)
    return tf.random.experimental.stateless_shuffle(tf.gather(order, chosen), tf.random.fold_in(key, -2))

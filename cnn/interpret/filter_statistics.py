"""Statistics of the filters of a convolution: of their weights, and of what they do in many images.

A filter is active where the value that goes into its activation is above zero. For ReLU that is where something comes
out of it; leaky ReLU, GELU and tanh, which are zero nowhere else, pass on a positive value there, and sigmoid more than
a half. Where a batch normalisation stands between, it is the normalised value.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf
from keras import layers as kl

from cnn import data
from cnn.config.layers import CONVOLUTIONS
from cnn.networks.batch_size import images_at_once
from cnn.networks.forward import INPUT, PREACTIVATION, Forward, is_linear

_BATCH = 50  # images, at most; more at once are no faster
_NEARLY_ZERO = 0.01  # of the layer's largest absolute weight


class Activity(NamedTuple):
    """What the filters of one convolution do in some images, each as an array (filters,).

    pictures: the share of the images in which a filter is active anywhere. values: the share of all places of all
    images at which it is active. mean, highest: of what comes out of its activation.
    """

    pictures: np.ndarray
    values: np.ndarray
    mean: np.ndarray
    highest: np.ndarray


class Statistics(NamedTuple):
    """The filters of one convolution, each as an array (filters,).

    norm: the L2 norm of a filter's weights. sparsity: the share of them within 1% of the layer's largest absolute
    weight. twin: the filter whose weights point most nearly the same way, and similarity: the cosine of the angle
    between them, in [-1, 1]; -1 and NaN where there is no other. images, values, mean, highest: as in `Activity`.
    dead: active in no image. always_on: active at every place of every image.
    """

    norm: np.ndarray
    bias: np.ndarray
    sparsity: np.ndarray
    twin: np.ndarray
    similarity: np.ndarray
    pictures: np.ndarray
    values: np.ndarray
    mean: np.ndarray
    highest: np.ndarray
    dead: np.ndarray
    always_on: np.ndarray


def of(weights: np.ndarray, bias: np.ndarray, activity: Activity) -> Statistics:
    """Everything about the filters of one convolution.

    Args:
        weights: (k, k, channels in, filters). bias: (filters,).
    """
    flat = weights.reshape(-1, weights.shape[-1])
    norm = np.linalg.norm(flat, axis=0)
    twin, similarity = _twins(flat / np.maximum(norm, 1e-12))
    return Statistics(
        norm=norm,
        bias=bias,
        sparsity=(np.abs(flat) <= _NEARLY_ZERO * np.abs(flat).max()).mean(axis=0),
        twin=twin,
        similarity=similarity,
        **activity._asdict(),
        dead=activity.pictures == 0,
        always_on=activity.values == 1,
    )


def by_norm(weights: np.ndarray) -> np.ndarray:
    """The input channels of one filter (k, k, channels in), those with the largest L2 norm first: (channels in,)."""
    return np.argsort(-np.linalg.norm(weights, axis=(0, 1)), kind="stable")


def activity(forward: Forward, images: np.ndarray) -> dict[str, Activity]:
    """What the filters of every convolution do in some images, in one pass.

    Args:
        images: uint8 (n, h, w) or (n, h, w, c), or float32 (n, h, w, c) in [0, 1].

    Returns:
        One value for each convolution, by its name, in order.
    """
    names = [layer.name for layer, _ in forward.steps if type(layer).__name__ in CONVOLUTIONS]
    if not names:
        return {}
    around = [_around_activation(forward, name) for name in names]
    last = max((after for _, after in around), key=forward.names.index)

    @tf.function(input_signature=[tf.TensorSpec((None, *forward.model.input_shape[1:]))], autograph=False)
    def reduced(pictures):
        values = forward.run({INPUT: pictures}, stop=last)
        return [_reduced(values[before] > 0, values[after]) for before, after in around]

    batches, at_once = [], images_at_once(forward.model, _BATCH)
    for start in range(0, len(images), at_once):
        batch = images[start : start + at_once]
        found = reduced(data.scaled(batch) if batch.dtype == np.uint8 else batch)
        batches.append([[array.numpy() for array in layer] for layer in found])
    result = {}
    for name, parts in zip(names, zip(*batches, strict=True), strict=True):
        awake, active, total, highest = (np.stack(arrays) for arrays in zip(*parts, strict=True))
        places = len(images) * np.prod(forward.layer(name).output.shape[1:3])
        result[name] = Activity(
            pictures=awake.sum(axis=0) / len(images),
            values=active.sum(axis=0) / places,
            mean=total.sum(axis=0) / len(images),
            highest=highest.max(axis=0),
        )
    return result


def _reduced(active: tf.Tensor, values: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Of maps (n, h, w, filters): active images, active values, sum of the images' means, highest: (filters,)."""
    awake = tf.reduce_any(active, axis=(1, 2))
    counts = (tf.reduce_sum(tf.cast(awake, tf.int64), axis=0), tf.reduce_sum(tf.cast(active, tf.int64), axis=(0, 1, 2)))
    means = tf.cast(tf.reduce_mean(values, axis=(1, 2)), tf.float64)  # 32 bits are too few to add up so many
    return *counts, tf.reduce_sum(means, axis=0), tf.reduce_max(values, axis=(0, 1, 2))


def _around_activation(forward: Forward, name: str) -> tuple[str, str]:
    """The names of the values that go into the activation of a convolution, and of those that come out."""
    before, after = name + PREACTIVATION, name
    if is_linear(forward.layer(name)):
        for layer, takes in forward.steps:
            if takes == (after,) and isinstance(layer, kl.BatchNormalization):
                before = after = layer.name
            elif takes == (after,) and isinstance(layer, kl.Activation):
                after = layer.name
    return before, after


def _twins(directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest other one of each of some directions (weights, filters), and the cosines: (filters,) each."""
    filters = directions.shape[1]
    if filters == 1:
        return np.array([-1]), np.array([np.nan])
    cosines = directions.T @ directions
    np.fill_diagonal(cosines, -np.inf)
    twin = cosines.argmax(axis=1)
    return twin, cosines[np.arange(filters), twin].clip(-1, 1)

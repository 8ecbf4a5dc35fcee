"""The stream of training batches, which depends on (seed, epoch, step) alone, and the batches for measuring."""

import os
from collections.abc import Callable, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cnn.config import Data
from cnn.data.augmentation import (
    colour_jitter,
    mixup,
    random_affine,
    random_crop,
    random_erasing,
    random_flip,
    random_shift,
)
from cnn.data.datasets import Split
from cnn.data.importance_sampling import draw

if TYPE_CHECKING:
    import tensorflow as tf


FIRST_EPOCHS = 0.8  # of all, with mixup or importance sampling; in the last fifth they are off
_THREADS = min(8, (os.cpu_count() or 1) - 1)  # that make batches, beside the one that trains


def scaled(images: np.ndarray) -> np.ndarray:
    """uint8 (n, h, w) or (n, h, w, channels) in [0, 255] -> float32 (n, h, w, channels) in [0, 1]."""
    pixels = images.astype(np.float32) / 255.0
    return pixels if pixels.ndim == 4 else pixels[..., None]


def steps(pictures: int, batch_size: int) -> int:
    """Batches in an epoch; the last may be smaller."""
    return ceil(pictures / batch_size)


class Source(NamedTuple):
    """Images that take the place of some in every batch.

    fraction: of each batch, in [0, 1]. random_affine: how strongly they are varied, as `Data.random_affine`.
    """

    fraction: float
    split: Split
    random_affine: float


def training_batches(
    split: Split,
    batch_size: int,
    seed: int,
    first_epoch: int,
    epochs: int,
    settings: Data,
    sources: Sequence[Source] = (),
    first_step: int = 0,
    replicas: int = 1,
    targets: np.ndarray | None = None,
    chances: np.ndarray | None = None,
) -> "tf.data.Dataset":
    """The batches of all epochs from `first_epoch` on, one after the other, of the first one from `first_step` on.

    Every epoch is a new permutation drawn from (seed, epoch); every batch's augmentation, and which of its images
    come from another source, from (seed, epoch, step).

    Args:
        replicas: devices that share each batch out among themselves. A batch that leaves a remainder is filled up with
            its own images once more, so that none of them goes empty.
        targets: a probability for each class of each image of `split`, float32 (n, classes); None: its label.
        chances: how often each image of `split` is drawn, see `cnn.data.importance_sampling`; None: once in each epoch.

    Returns:
        Batches (x float32 (b, h, w, c) in [0, 1], y uint8 (b,), `NO_GARMENT` for what is none). With targets or mixup,
        y is float32 (b, classes): probabilities, all 0 for what is none. With chances, a third part says what each
        image counts in the loss: float32 (b,), of mean 1 over all images.
    """
    import tensorflow as tf

    # Kept as bytes, a quarter of the memory of float32, and scaled batch by batch in the pipeline's own thread.
    images, classes = pipeline_images(split.images), len(settings.card.class_names)
    is_soft = targets is not None or settings.mixup > 0

    def learned(labels):
        """What is learned of images with these labels, for each of them."""
        return tf.one_hot(labels, classes) if is_soft else tf.constant(labels)  # zeros for NO_GARMENT

    labels = learned(split.labels) if targets is None else tf.constant(targets)
    others = [(pipeline_images(other.split.images), learned(other.split.labels)) for other in sources]
    bounds = np.cumsum([0.0, *(other.fraction for other in sources)])
    count = len(split.labels)
    per_epoch = steps(count, batch_size)
    seed = tf.constant(seed, tf.int64)
    # The same batches in the same order, on however many threads. Two cores are too few to share: one thread is plenty.
    parallel = {"num_parallel_calls": _THREADS, "deterministic": True} if _THREADS > 1 else {}

    def is_early(epoch):
        return tf.cast(epoch, tf.float32) < FIRST_EPOCHS * epochs

    def epoch_batches(epoch):
        order = tf.random.experimental.stateless_shuffle(tf.range(count), seed=tf.stack([seed, epoch]))
        if chances is not None:
            order = tf.where(is_early(epoch), draw(order, tf.constant(chances), tf.stack([seed, epoch])), order)
        begin = tf.where(epoch == first_epoch, tf.constant(first_step, tf.int64), 0)
        return tf.data.Dataset.range(begin, per_epoch).map(lambda step: batch(order, epoch, step), **parallel)

    def batch(order, epoch, step):
        chosen = order[step * batch_size : (step + 1) * batch_size]
        if replicas > 1:
            there = tf.size(chosen)
            chosen = tf.gather(chosen, tf.range(-(-there // replicas) * replicas) % there)
        x, y = images(chosen), tf.gather(labels, chosen)
        chance = tf.random.fold_in(tf.stack([seed, epoch]), step)
        strength = tf.fill(tf.shape(chosen), settings.random_affine)
        counted = tf.ones(tf.shape(chosen))
        if chances is not None:
            counted = tf.where(is_early(epoch), 1 / tf.gather(tf.constant(chances), chosen), counted)
        place = tf.random.stateless_uniform(tf.shape(chosen), tf.random.fold_in(chance, 2)) if sources else None
        for number, ((pictures, names), other) in enumerate(zip(others, sources, strict=True)):
            taken = (place >= bounds[number]) & (place < bounds[number + 1])
            key = tf.random.fold_in(chance, 4 + number)
            which = tf.random.stateless_uniform(tf.shape(chosen), key, 0, len(other.split.labels), tf.int32)
            x = tf.where(taken[:, None, None, None], pictures(which), x)
            y = tf.where(taken[:, None] if is_soft else taken, tf.gather(names, which), y)
            strength = tf.where(taken, other.random_affine, strength)
            counted = tf.where(taken, 1.0, counted)
        x = augmented(tf.cast(x, tf.float32) / 255.0, settings, chance, strength, len(sources))
        if settings.mixup:
            alpha = tf.where(is_early(epoch), settings.mixup, 0.0)
            x, y = mixup(x, y, alpha, tf.random.fold_in(chance, 102))
        return (x, y) if chances is None else (x, y, counted)

    return tf.data.Dataset.range(first_epoch, epochs).flat_map(epoch_batches).prefetch(4)


def augmented(x, settings: Data, chance, strength=None, sources: int = 0):
    """A batch float32 (b, h, w, c) in [0, 1], varied as the configuration says.

    Args:
        chance: the seed, (2,).
        strength: of the affine changes, (b,); None: the configured one.
        sources: how many sources are mixed in, which have seeds of their own.
    """
    import tensorflow as tf

    reflect = settings.card.reading == "photo"
    if strength is None:
        strength = tf.fill(tf.shape(x)[:1], settings.random_affine)
    if settings.random_crop:
        x = random_crop(x, settings.random_crop, tf.random.fold_in(chance, 100))
    if settings.flip:
        x = random_flip(x, tf.random.fold_in(chance, 0))
    if settings.shift:
        x = random_shift(x, settings.shift, tf.random.fold_in(chance, 1), reflect)
    if settings.random_affine or sources:
        x = random_affine(x, strength, tf.random.fold_in(chance, 3), reflect)
    if settings.colour_jitter:
        x = colour_jitter(x, settings.colour_jitter, tf.random.fold_in(chance, 101))
    if settings.random_erasing:
        x = random_erasing(x, settings.random_erasing, tf.random.fold_in(chance, 4 + sources))
    return x


def evaluation_batches(split: Split, batch_size: int) -> "tf.data.Dataset":
    """The split in its own order. Batches as in `training_batches`."""
    import tensorflow as tf

    images, labels = pipeline_images(split.images), tf.constant(split.labels)

    def batch(start):
        chosen = tf.range(start, tf.minimum(start + batch_size, len(split.labels)))
        return tf.cast(images(chosen), tf.float32) / 255.0, tf.gather(labels, chosen)

    return tf.data.Dataset.range(0, len(split.labels), batch_size).map(batch).prefetch(2)


def pipeline_images(images: np.ndarray) -> Callable[[Any], Any]:
    """A function of indices (b,) that gives these images as uint8 (b, h, w, c) within a `tf.data` pipeline.

    Images in a file stay there: of them only the batch is read.
    """
    import tensorflow as tf

    shape = images.shape[1:] if images.ndim == 4 else (*images.shape[1:], 1)
    if not isinstance(images, np.memmap):
        held = tf.constant(images.reshape(-1, *shape))
        return lambda chosen: tf.gather(held, chosen)

    def read(chosen):
        batch = tf.numpy_function(lambda rows: np.asarray(images[rows]), [chosen], tf.uint8, stateful=False)
        return tf.reshape(batch, (-1, *shape))

    return read

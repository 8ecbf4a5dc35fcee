"""Transfer learning: a new last layer that learns handwritten digits from what a frozen network makes of them.

The layers up to a place are kept as they are, what comes out of them is reduced to 4x4 values a map, and a dense layer
with softmax is trained on it. How general the features of early and late layers are: Yosinski, Clune, Bengio, Lipson
2014, "How transferable are features in deep neural networks?", arXiv:1411.1792.
"""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import keras
import numpy as np
from PIL import Image
from threadpoolctl import threadpool_limits

from cnn.config import RunConfig
from cnn.config.layers import Row
from cnn.networks.build import build

CLASSES, PER_CLASS = 10, 100
EDGE = 4  # of what is kept of a map
_DIGIT, _IMAGE = 20, 28  # edges in pixels: the digit stands in the middle, as in MNIST
_BATCH = 100
_PENALTY = 0.01  # on the squared weights, 1 / C in scikit-learn's terms
POOLING = ("MaxPooling2D", "AveragePooling2D", "DepthwiseMaxPooling")


class Digits(NamedTuple):
    """Handwritten digits float32 (n, 28, 28, 1) in [0, 1], bright on black, and which they are, int (n,)."""

    images: np.ndarray
    labels: np.ndarray


@cache
def digits() -> Digits:
    """The first 100 of each digit that come with scikit-learn: 8x8 pixels, enlarged bilinearly to 20x20.

    Alpaydin and Kaynak 1998, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository.
    """
    from sklearn.datasets import load_digits  # a second to load

    found = load_digits()
    each = [np.flatnonzero(found.target == label)[:PER_CLASS] for label in range(CLASSES)]
    kept = np.sort(np.concatenate(each))
    before = (_IMAGE - _DIGIT) // 2
    images = np.zeros((len(kept), _IMAGE, _IMAGE, 1), np.float32)
    within = slice(before, before + _DIGIT)
    for image, small in zip(images, found.images[kept].astype(np.float32) / 16, strict=True):
        image[within, within, 0] = Image.fromarray(small).resize((_DIGIT, _DIGIT), Image.Resampling.BILINEAR)
    return Digits(images, found.target[kept])


# ---------------------------------------------------------------- frozen layers


def cuts(rows: Sequence[Row]) -> list[Row]:
    """The layers of a network (`RunConfig.rows()`) up to which it may be frozen, from the first to the last.

    The last one before each change of shape, because those between say much the same; what is pooled, after it.
    """
    hidden = [row for row in rows[:-1] if row.type not in ("Dropout", "Flatten")]
    found = [
        row for row, after in pairwise(hidden) if after.output_shape != row.output_shape and after.type not in POOLING
    ]
    return [*found, *hidden[-1:]]


def frozen_parameters(rows: Sequence[Row], cut: str) -> int:
    """Of all layers up to this one."""
    names = [row.name for row in rows]
    return sum(row.parameters for row in rows[: names.index(cut) + 1])


def untrained(config: RunConfig, seed: int = 1) -> keras.Model:
    """The network of a configuration with random weights, Keras's own (Glorot uniform), the same for each seed."""
    network = build(config, precision="float32")
    for number, variable in enumerate(network.trainable_weights):
        if len(variable.shape) > 1:
            variable.assign(keras.initializers.GlorotUniform(seed=1000 * seed + number)(variable.shape))
    return network


def features(network: keras.Model, names: Sequence[str], images: np.ndarray) -> dict[str, np.ndarray]:
    """What comes out of some layers for images (n, h, w, c), each reduced by `reduced`: float32 (n, f) by name."""
    inside = keras.Model(network.inputs, {name: network.get_layer(name).output for name in names})
    found: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for start in range(0, len(images), _BATCH):
        outputs = inside.predict_on_batch(images[start : start + _BATCH])
        for name, values in outputs.items():
            found[name].append(reduced(np.asarray(values)))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def reduced(values: np.ndarray) -> np.ndarray:
    """Vectors as they are; maps (n, h, w, c) as vectors of the largest value in each 16th of a map, (n, 16 c).

    Maps that have no more than 4x4 values keep all.
    """
    if values.ndim == 2:
        return values
    for axis in (1, 2):
        size = values.shape[axis]
        if size > EDGE:
            values = np.maximum.reduceat(values, [place * size // EDGE for place in range(EDGE)], axis=axis)
    return values.reshape(len(values), -1)


# ---------------------------------------------------------------- the new last layer


def drawn(labels: np.ndarray, per_class: int, seed: int | Sequence[int]) -> np.ndarray:
    """Which images are learned from, so many of each class by chance: int (10 per_class,), class by class."""
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [rng.permutation(np.flatnonzero(labels == label))[:per_class] for label in range(labels.max() + 1)]
    )


class Learned(NamedTuple):
    """What a new last layer answers to all images, int (n,), and its accuracy on those it did not learn from."""

    answers: np.ndarray
    accuracy: float


def learn(vectors: np.ndarray, labels: np.ndarray, chosen: np.ndarray) -> Learned:
    """Train a dense layer with softmax on the chosen ones of all vectors (n, f), with a small penalty on its weights.

    The vectors are centred and divided by one number, those of the chosen ones: so one penalty suits all kinds.
    """
    from sklearn.linear_model import LogisticRegression

    known = vectors[chosen]
    mean = known.mean(axis=0)
    spread = np.sqrt(((known - mean) ** 2).sum(axis=1).mean()) + 1e-9
    with threadpool_limits(1):  # these are small, and threads would wait for each other
        scaled = (vectors - mean) / spread
        if len(chosen) < scaled.shape[1]:
            # The best weights are a sum of the vectors learned from. In axes that span these alone the same ones are
            # found among fewer, in a fraction of the time.
            scaled = scaled @ np.linalg.qr(scaled[chosen].T)[0]
        layer = LogisticRegression(C=1 / _PENALTY, max_iter=500).fit(scaled[chosen], labels[chosen])
        answers = layer.predict(scaled)
    others = np.ones(len(labels), bool)
    others[chosen] = False
    return Learned(answers, float((answers == labels)[others].mean()))

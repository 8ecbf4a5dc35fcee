"""Small networks that together have every kind of layer with every setting, and weights as if they were trained."""

import keras
import numpy as np

from cnn.config import Data, RunConfig
from cnn.config.layers import (
    Convolution,
    Dense,
    DepthwiseConvolution,
    Dropout,
    Flatten,
    GlobalPooling,
    InvertedResidual,
    Pooling,
    Rescaling,
    SeparableConvolution,
    SkipConnection,
)
from cnn.networks.build import build

STACKS = {
    "every kind": (
        Convolution(
            filters=6, kernel=5, stride=2, padding="valid", activation="leaky_relu", batch_normalisation=True, l2=0.01
        ),
        Convolution(filters=8, dilation=2, activation="gelu"),
        Pooling(mode="depthwise max", size=2),
        SeparableConvolution(filters=4, dilation=2, activation="tanh"),
        SkipConnection(over=1),
        DepthwiseConvolution(kernel=4, stride=2, activation="sigmoid", batch_normalisation=True),
        SkipConnection(over=1, projection=True, stride=2, mode="concatenate"),
        Dropout(rate=0.3),
        Pooling(mode="average", size=3, stride=1, padding="same"),
        Pooling(mode="max", size=3, stride=2, padding="same"),
        SeparableConvolution(filters=6, kernel=2, padding="valid", batch_normalisation=True),
        Flatten(),
        Dense(units=12, l2=0.001, batch_normalisation=True, activation="gelu"),
        Dense(units=12, activation="linear"),
        SkipConnection(over=1),
        SkipConnection(over=1, mode="concatenate"),
    ),
    "average": (
        Convolution(filters=4, kernel=7, stride=3),
        Pooling(mode="average", size=2, padding="same"),
        Convolution(filters=5, kernel=2, dilation=3, padding="valid"),
        GlobalPooling(mode="average"),
    ),
    "maximum": (
        Convolution(filters=5, kernel=1),
        SkipConnection(over=1, projection=True),
        DepthwiseConvolution(dilation=3, padding="valid"),
        Pooling(mode="max", size=3, stride=1),
        Pooling(mode="average", size=3, stride=3),
        GlobalPooling(mode="max"),
    ),
}


COLOUR = {  # of photos, 32×32×3
    "blocks": (
        Rescaling(scale=1.0, offset=0.0, standardise=True),
        Convolution(filters=8, stride=2, activation="hard_silu", batch_normalisation=True),
        InvertedResidual(filters=8, expansion=1, activation="relu6"),
        InvertedResidual(filters=8, expansion=2, kernel=5, squeeze=3, activation="hard_silu"),
        InvertedResidual(filters=12, expansion=1.5, stride=2, squeeze=4, activation="silu"),
        InvertedResidual(filters=12, expansion=1, fused=True, activation="silu"),
        InvertedResidual(filters=10, expansion=2, fused=True, stride=2, activation="relu"),
        Convolution(filters=16, kernel=1, activation="hard_sigmoid"),
        Rescaling(scale=8.0, offset=-0.5),
        GlobalPooling(),
        Dense(units=8, activation="silu"),
    )
}


def network(name: str) -> keras.Model:
    """The network of `STACKS` or `COLOUR`, whose moving means and variances are not those of a new one."""
    if name in COLOUR:
        return disturbed(build(RunConfig(data=Data(dataset="cifar-10"), layers=COLOUR[name])))
    return disturbed(build(RunConfig(layers=STACKS[name])))


def disturbed(model: keras.Model) -> keras.Model:
    """The same network with other weights."""
    chance = np.random.default_rng(1)
    weights = []
    for variable, values in zip(model.weights, model.get_weights(), strict=True):
        noisy = values + chance.normal(0, 0.25, values.shape)
        weights.append(np.abs(noisy) + 0.1 if "variance" in variable.path else noisy)
    model.set_weights(weights)
    return model


def other_shape() -> keras.Model:
    """A network of images that are no square and have three channels, with three classes."""
    kl = keras.layers
    x = inputs = keras.Input((13, 18, 3), name="input")
    x = kl.Conv2D(5, 4, strides=3, padding="same", activation="relu", name="a")(x)
    x = kl.DepthwiseConv2D(2, padding="same", name="b")(x)
    x = kl.MaxPooling2D(2, padding="same", name="c")(x)
    x = kl.Flatten(name="d")(x)
    return disturbed(keras.Model(inputs, kl.Dense(3, activation="softmax", name="e")(x)))


def images(model: keras.Model, count: int = 100) -> np.ndarray:
    """Noise that a network takes, float32 (n, h, w, c) in [0, 1]."""
    return np.random.default_rng(2).random((count, *model.input_shape[1:]), np.float32)

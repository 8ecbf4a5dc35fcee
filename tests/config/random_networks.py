"""Networks of layers drawn at random from all kinds, small enough that Keras builds hundreds."""

import random
from typing import NamedTuple

from cnn.config.layers import (
    Convolution,
    Dense,
    DepthwiseConvolution,
    Dropout,
    Flatten,
    GlobalPooling,
    ImpossibleStack,
    InvertedResidual,
    Layer,
    Pooling,
    Rescaling,
    Row,
    SeparableConvolution,
    SkipConnection,
    trace,
)

_SPECIES = [
    Convolution,
    DepthwiseConvolution,
    SeparableConvolution,
    Pooling,
    SkipConnection,
    Dropout,
    InvertedResidual,
    Rescaling,
]
_MOST_LAYERS, _TRIES = 7, 40


class Drawn(NamedTuple):
    """A network and what it is for: its layers, the shape of an image, the number of classes, its table."""

    layers: list[Layer]
    input_shape: tuple[int, int, int]
    classes: int
    rows: list[Row]


def drawn(seed: int) -> Drawn:
    """A network; another seed gives another one."""
    chance = random.Random(seed)
    shape = (chance.randint(6, 20), chance.randint(6, 20), chance.choice([1, 3]))
    classes = chance.choice([2, 5, 10, 200])
    layers: list[Layer] = []
    flat = False
    for _ in range(_TRIES):
        if len(layers) == _MOST_LAYERS or (flat and chance.random() < 0.3):
            break
        added = _layer(chance, flat)
        if _fits([*layers, added], shape, classes):
            layers.append(added)
            flat = flat or isinstance(added, Flatten | GlobalPooling)
    if not flat:
        layers.append(Flatten())
    return Drawn(layers, shape, classes, trace(layers, shape, classes))


def _fits(layers: list[Layer], shape: tuple[int, int, int], classes: int) -> bool:
    """Whether they can be built, but perhaps for a flatten layer at the end."""
    try:
        trace(layers, shape, classes)
    except ImpossibleStack as error:
        return error.index == len(layers)
    return True


def _layer(chance: random.Random, flat: bool) -> Layer:
    kinds = [Dense, Dropout, SkipConnection] if flat else [*_SPECIES * 2, Flatten, GlobalPooling]
    kind = chance.choice(kinds)
    activation = {"activation": chance.choice(["relu", "gelu", "linear"]), "batch_normalisation": chance.random() < 0.4}
    if kind in _SPECIES[:3]:
        own = {} if kind is DepthwiseConvolution else {"filters": chance.choice([2, 4, 6])}
        window = {"kernel": chance.randint(1, 5), "stride": chance.choice([1, 1, 2, 3]), "l2": chance.choice([0, 0.01])}
        return kind(
            **own,
            **window,
            dilation=chance.choice([1, 1, 2, 3]),
            padding=chance.choice(["same", "valid"]),
            **activation,
        )
    if kind is Pooling:
        mode = chance.choice(["max", "average", "depthwise max"])
        stride = chance.choice([None, 1, 2, 3])
        return Pooling(mode=mode, size=chance.randint(2, 4), stride=stride, padding=chance.choice(["same", "valid"]))
    if kind is InvertedResidual:
        return InvertedResidual(
            filters=chance.choice([2, 4, 6]),
            expansion=chance.choice([1, 1.5, 3]),
            kernel=chance.randint(1, 5),
            stride=chance.choice([1, 1, 2, 3]),
            squeeze=chance.choice([0, 2]),
            fused=chance.random() < 0.4,
            activation=chance.choice(["relu6", "silu"]),
        )
    if kind is Rescaling:
        return Rescaling(scale=chance.uniform(-2, 2), offset=chance.uniform(-1, 1), standardise=chance.random() < 0.5)
    if kind is SkipConnection:
        mode = chance.choice(["add", "concatenate"])
        return SkipConnection(
            over=chance.randint(1, 3), mode=mode, projection=chance.random() < 0.5, stride=chance.choice([1, 1, 2])
        )
    if kind is GlobalPooling:
        return GlobalPooling(mode=chance.choice(["average", "max"]))
    if kind is Dense:
        return Dense(units=chance.choice([1, 3, 8]), **activation)
    return Dropout(rate=0.25) if kind is Dropout else Flatten()

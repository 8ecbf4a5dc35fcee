"""How one value of a layer comes about: the numbers that go into it, what is done with them, and the result.

Of every kind of layer that `cnn.networks.build` builds, at any place, with any kernel, stride, padding and dilation.
Plain NumPy in 64 bits, so that it can be held against what TensorFlow computes in 32. Draws nothing and
writes no formula.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers as kl

from cnn.config import geometry
from cnn.config.layers import CONVOLUTIONS
from cnn.networks.forward import INPUT, Forward
from cnn.networks.layers import DepthwiseMaxPooling

Place = tuple[int, ...]  # (row, column, channel) in feature maps, (unit,) in a vector


@dataclass(frozen=True, eq=False)
class Window:
    """The part of a layer's input that one value is made of.

    values: (h, w, channels), zeros where the window overhangs the border. rows (h,), columns (w,): where in the input
    it lies; outside of it where it overhangs. channels (c,): which of the input's. inside: bool (h, w).
    """

    values: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    channels: np.ndarray
    inside: np.ndarray


@dataclass(frozen=True, eq=False)
class WeightedSum:
    """z = b + sum of x w, and what the activation makes of it: one value of a convolution or a dense layer.

    A vector that goes into a dense layer is a window of one pixel with many channels. kernel: (h, w, channels), as the
    window's values. all_sums: of the whole vector where the activation looks at it, as softmax does; else None.
    """

    window: Window
    kernel: np.ndarray
    bias: float
    activation: str
    value: float
    all_sums: np.ndarray | None = None

    @property
    def products(self) -> np.ndarray:
        """(h, w, channels)"""
        return self.window.values * self.kernel

    @property
    def per_channel(self) -> np.ndarray:
        """What each input channel adds, (channels,)."""
        return self.products.sum(axis=(0, 1))

    @property
    def total(self) -> float:
        """z, before the activation."""
        return self.bias + float(self.products.sum())


@dataclass(frozen=True, eq=False)
class Pooled:
    """The largest or the mean value of a window, which may be a whole map. mode: "max" or "average"."""

    window: Window
    mode: str
    value: float

    @property
    def winner(self) -> Place:
        """Where in the window (row, column, channel) the largest value lies, the first of equal ones."""
        values = np.where(self.window.inside[..., None], self.window.values, -np.inf)
        return tuple(int(index) for index in np.unravel_index(values.argmax(), values.shape))


@dataclass(frozen=True)
class Normalised:
    """y = gamma (x - mean) / sqrt(variance + epsilon) + beta, with the running mean and variance."""

    x: float
    mean: float
    variance: float
    epsilon: float
    gamma: float
    beta: float
    value: float


@dataclass(frozen=True)
class Activated:
    """What an activation makes of one value."""

    x: float
    activation: str
    value: float


@dataclass(frozen=True)
class Added:
    """What a skip connection adds up: the values of its two ways."""

    terms: tuple[float, ...]
    value: float


@dataclass(frozen=True)
class Multiplied:
    """A value of a map times the map's factor, by squeeze and excite. places: of both, each in its own input."""

    factors: tuple[float, ...]
    places: tuple[Place, ...]
    value: float


@dataclass(frozen=True)
class Rescaled:
    """y = scale x + offset."""

    x: float
    scale: float
    offset: float
    value: float


@dataclass(frozen=True)
class Copied:
    """A value that a layer only passes on: concatenate, flatten, and dropout at prediction.

    place: where in its input it stands. taken: which of the layer's inputs that is, from 0.
    """

    place: Place
    value: float
    taken: int = 0


Working = WeightedSum | Pooled | Normalised | Activated | Added | Multiplied | Rescaled | Copied


def working(
    layer: kl.Layer, inputs: Sequence[np.ndarray], place: Place, weights: Sequence[np.ndarray] | None = None
) -> Working:
    """How one value of a layer comes about.

    Args:
        layer: a layer of a network, with its weights.
        inputs: what goes into it for one image: (h, w, c) each, or (n,).
        place: of the value: (row, column, channel) in feature maps, (unit,) in a vector.
        weights: to use instead of its own, in Keras's order.

    Raises:
        TypeError: a kind of layer that is not known here.
    """
    x = np.asarray(inputs[0], np.float64)
    own = [np.asarray(weight, np.float64) for weight in (layer.get_weights() if weights is None else weights)]
    match layer:
        case _ if convolution := CONVOLUTIONS.get(type(layer).__name__):
            window = _window(layer, x, place, layer.kernel_size, layer.dilation_rate)
            window = _channels(window, convolution.channels_seen(place[-1], x.shape[2]))
            kernel = convolution.filters_of(own)[..., place[-1]]
            bias = own[-1][place[-1]] if layer.use_bias else 0.0
            return _weighted_sum(layer, window, kernel, bias)
        case kl.Dense():
            window = Window(x[None, None], np.zeros(1, int), np.zeros(1, int), np.arange(len(x)), np.ones((1, 1), bool))
            kernel = own[0][None, None, :, place[-1]]
            return _weighted_sum(layer, window, kernel, _bias(own)[place[-1]], x @ own[0] + _bias(own), place[-1])
        case kl.MaxPooling2D() | kl.AveragePooling2D():
            mode = "max" if isinstance(layer, kl.MaxPooling2D) else "average"
            return _pooled(_channels(_window(layer, x, place, layer.pool_size), [place[-1]]), mode)
        case DepthwiseMaxPooling():
            channels = np.arange(place[-1] * layer.size, (place[-1] + 1) * layer.size)
            row, column = place[:2]
            values = x[row : row + 1, column : column + 1, channels]
            there = np.ones((1, 1), bool)
            return _pooled(Window(values, np.array([row]), np.array([column]), channels, there), "max")
        case kl.GlobalAveragePooling2D() | kl.GlobalMaxPooling2D():
            rows, columns = np.arange(x.shape[0]), np.arange(x.shape[1])
            whole = Window(x, rows, columns, np.arange(x.shape[2]), np.ones(x.shape[:2], bool))
            mode = "max" if isinstance(layer, kl.GlobalMaxPooling2D) else "average"
            return _pooled(_channels(whole, [place[-1]]), mode)
        case kl.BatchNormalization():
            gamma, beta, mean, variance = (float(weight[place[-1]]) for weight in own)
            before = float(x[place])
            value = gamma * (before - mean) / np.sqrt(variance + layer.epsilon) + beta
            return Normalised(before, mean, variance, layer.epsilon, gamma, beta, float(value))
        case kl.Activation():
            before = float(x[place])
            return Activated(before, layer.activation.__name__, float(_applied(layer, np.array(before))))
        case kl.Add():
            terms = tuple(float(term[place]) for term in inputs)
            return Added(terms, sum(terms))
        case kl.Multiply():
            # One of the two may have a single place, whose values count for all places of the other.
            places = tuple(
                tuple(min(index, size - 1) for index, size in zip(place, term.shape, strict=True)) for term in inputs
            )
            factors = tuple(float(term[where]) for term, where in zip(inputs, places, strict=True))
            return Multiplied(factors, places, float(np.prod(factors)))
        case kl.Rescaling():
            before = float(x[place])
            scale, offset = (float(np.ravel(of)[place[-1] % np.size(of)]) for of in (layer.scale, layer.offset))
            return Rescaled(before, scale, offset, scale * before + offset)
        case kl.Flatten() | kl.Dropout() | kl.Concatenate():
            taken, source = _source(layer, [given.shape for given in inputs], place)
            return Copied(source, float(inputs[taken][source]), taken)
    raise TypeError(f"No arithmetic is known for a {type(layer).__name__}.")


def origin(forward: Forward, name: str, place: Place) -> tuple[str, Place]:
    """Where a value was made that some layers only passed on: the layer's name, or INPUT, and its place."""
    while name != INPUT and isinstance(forward.layer(name), kl.Flatten | kl.Dropout | kl.Concatenate):
        given = forward.layer(name).input
        shapes = [tensor.shape[1:] for tensor in (given if isinstance(given, list) else [given])]
        taken, place = _source(forward.layer(name), shapes, place)
        name = forward.takes(name)[taken]
    return name, place


def _source(layer: kl.Layer, shapes: Sequence[tuple[int, ...]], place: Place) -> tuple[int, Place]:
    """From which of its inputs, of these shapes, and from where in it a layer passes on a value."""
    match layer:
        case kl.Flatten():
            return 0, tuple(int(index) for index in np.unravel_index(place[-1], shapes[0]))
        case kl.Concatenate():
            *where, channel = place
            for taken, shape in enumerate(shapes):
                if channel < shape[-1]:
                    return taken, (*where, channel)
                channel -= shape[-1]
    return 0, place


def _window(
    layer: kl.Layer, x: np.ndarray, place: Place, size: Sequence[int], dilation: Sequence[int] = (1, 1)
) -> Window:
    """The window of a convolution or of pooling over (h, w, c): i' = i s - p + u d."""
    places = []
    for axis in (0, 1):
        stride = layer.strides[axis]
        before = geometry.padding_before(x.shape[axis], size[axis], stride, layer.padding, dilation[axis])
        places.append(place[axis] * stride - before + np.arange(size[axis]) * dilation[axis])
    rows, columns = places
    inside = np.outer((rows >= 0) & (rows < x.shape[0]), (columns >= 0) & (columns < x.shape[1]))
    nearest = np.ix_(rows.clip(0, x.shape[0] - 1), columns.clip(0, x.shape[1] - 1))
    return Window(x[nearest] * inside[..., None], rows, columns, np.arange(x.shape[2]), inside)


def _channels(window: Window, channels: Sequence[int]) -> Window:
    """The same window of some channels only."""
    some = np.asarray(channels)
    return Window(window.values[..., some], window.rows, window.columns, window.channels[some], window.inside)


def _bias(weights: list[np.ndarray]) -> np.ndarray:
    return weights[1] if len(weights) > 1 else np.zeros(weights[0].shape[-1])


def _weighted_sum(
    layer: kl.Layer,
    window: Window,
    kernel: np.ndarray,
    bias: float,
    sums: np.ndarray | None = None,
    unit: int = 0,
) -> WeightedSum:
    """`sums`: of the whole vector, and `unit` the place in it, for an activation that looks at all of them."""
    total = np.array(float(bias) + float((window.values * kernel).sum()))
    if layer.activation is keras.activations.softmax:
        value = _applied(layer, sums)[unit]
    else:
        value, sums = _applied(layer, total), None
    return WeightedSum(window, kernel, float(bias), layer.activation.__name__, float(value), sums)


def _pooled(window: Window, mode: str) -> Pooled:
    values = window.values[window.inside]  # what overhangs the border does not count
    return Pooled(window, mode, float(values.max() if mode == "max" else values.mean()))


def _applied(layer: kl.Layer, sums: np.ndarray) -> np.ndarray:
    """What a layer's activation makes of a value or a vector."""
    return np.asarray(layer.activation(keras.ops.convert_to_tensor(np.atleast_1d(sums)))).reshape(sums.shape)

"""A network's forward pass that can be looked into, stopped, entered and changed at any layer.

Every value on the way is at hand: each layer's output, and of convolutions and dense layers also the sums before their
activation. The weights are an argument, so that others can be tried without touching the network. Knows nothing of
images, classes or explanations.
"""

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import layers as kl

from cnn.config.layers import CONVOLUTIONS

Values = dict[str, tf.Tensor]
Weights = Mapping[str, Sequence[np.ndarray]]  # of every layer that has some, by its name, in Keras's order
Change = Callable[[str, tf.Tensor], tf.Tensor]
PREACTIVATION = ":sums"  # after a layer's name: its values before the activation
INPUT = "input"


class Step(NamedTuple):
    """One layer, and the names of the values that go into it; `INPUT` is the image."""

    layer: kl.Layer
    takes: tuple[str, ...]


class Forward:
    """The forward pass of a Functional model, layer by layer, as at prediction: dropout is off, running means are used.

    Args:
        model: of Keras's own layers and `cnn.networks.build`'s, with one input.
    """

    def __init__(self, model: keras.Model):
        self.model = model
        source = {id(model.inputs[0]): INPUT}
        self.steps: list[Step] = []
        for layer in model.layers:
            if isinstance(layer, kl.InputLayer):
                continue
            taken = layer.input if isinstance(layer.input, list) else [layer.input]
            self.steps.append(Step(layer, tuple(source[id(tensor)] for tensor in taken)))
            source[id(layer.output)] = layer.name
        self.names = [step.layer.name for step in self.steps]
        self._linear: dict[tuple[str, bool], kl.Layer] = {}
        for name in self.names:
            if has_sums(self.layer(name)):
                self.linear(name)
        self._compiled = tf.function(lambda pictures, weights: self.run({INPUT: pictures}, weights=weights))
        self._lock = Lock()

    def __call__(self, pictures: np.ndarray, weights: Weights | None = None) -> dict[str, np.ndarray]:
        """Every value of images float32 (n, h, w, c), as `run` gives it, compiled and safe in several threads."""
        with self._lock:
            values = self._compiled(tf.convert_to_tensor(pictures), weights)
        return {name: value.numpy() for name, value in values.items()}

    @property
    def output(self) -> str:
        """The last layer's name."""
        return self.names[-1]

    def layer(self, name: str) -> kl.Layer:
        return self.model.get_layer(name)

    def linear(self, name: str, border: bool = True) -> kl.Layer:
        """A layer with sums, without its activation; on demand also without zeros around its input.

        Its own weights mean nothing: give others to its `stateless_call`. The first call for each layer must not be
        within a `tf.function`.
        """
        if (name, border) not in self._linear:
            without = {} if border else {"padding": "valid"}
            self._linear[name, border] = altered(self.layer(name), activation=None, **without)
        return self._linear[name, border]

    def weights(self) -> dict[str, list[np.ndarray]]:
        """The network's present weights, as copies that may be changed."""
        return {step.layer.name: step.layer.get_weights() for step in self.steps if step.layer.weights}

    def named(self, weights: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        """All weights of a network like this one, in Keras's order, by the names of their layers.

        Raises:
            ValueError: they are those of another network.
        """
        if [weight.shape for weight in weights] != [tuple(weight.shape) for weight in self.model.weights]:
            raise ValueError("These are the weights of another network.")
        rest = iter(weights)
        return {step.layer.name: [next(rest) for _ in step.layer.weights] for step in self.steps if step.layer.weights}

    def takes(self, name: str) -> tuple[str, ...]:
        """What goes into a layer."""
        return self.steps[self.names.index(name)].takes

    def needed(self, name: str) -> set[str]:
        """A layer and all those whose output it depends on, by their names."""
        found = {name}
        for step in reversed(self.steps):
            if step.layer.name in found:
                found |= {taken for taken in step.takes if taken != INPUT}
        return found

    def before(self, name: str) -> tuple[str, ...]:
        """The values by which a pass can begin at a layer: all that it or a later one takes of what comes before it."""
        start = self.names.index(name)
        earlier = {INPUT, *self.names[:start]}
        taken = dict.fromkeys(value for step in self.steps[start:] for value in step.takes)
        return tuple(value for value in taken if value in earlier)

    def run(
        self,
        values: Mapping[str, tf.Tensor],
        start: str | None = None,
        stop: str | None = None,
        weights: Weights | None = None,
        change: Change | None = None,
    ) -> Values:
        """Pass through the layers from `start` to `stop`, both included.

        To be called eagerly, or within a `tf.function` or a `tf.GradientTape`.

        Args:
            values: `{INPUT: images (n, h, w, c)}`, or what `before(start)` names.
            start: the first layer's name; None: of the network.
            stop: the last layer's name; None: of the network.
            weights: what to use instead of the network's own; layers that are not named keep theirs.
            change: is given each value's name and tensor as soon as it is there; what it returns takes its place.

        Returns:
            `values` and those of each layer passed, by its name; before the activation by that and `PREACTIVATION`.
        """
        values = {name: tf.convert_to_tensor(value) for name, value in values.items()}
        first = self.names.index(start) if start else 0
        last = self.names.index(stop) if stop else len(self.names) - 1
        for layer, takes in self.steps[first : last + 1]:
            inputs = [values[name] for name in takes]
            given = (weights or {}).get(layer.name)
            if has_sums(layer):
                own = layer.weights if given is None else given
                sums, _ = self.linear(layer.name).stateless_call(own, [], inputs[0])
                values[layer.name + PREACTIVATION] = sums = change(layer.name + PREACTIVATION, sums) if change else sums
                output = layer.activation(sums)
            elif isinstance(layer, kl.BatchNormalization):
                output = _normalised(layer, inputs[0], layer.weights if given is None else given)
            else:
                output = layer(inputs if len(inputs) > 1 else inputs[0], training=False)
            values[layer.name] = change(layer.name, output) if change else output
        return values


def has_sums(layer: kl.Layer) -> bool:
    """Whether a layer adds up weighted inputs, before whatever activation it has: convolutions and dense layers."""
    return hasattr(layer, "activation") and bool(layer.weights)


def filters(layer: kl.Layer, weights: Sequence) -> np.ndarray | tf.Tensor:
    """The filters of a convolution (k, k, channels seen, filters), or the units of a dense layer (inputs, units)."""
    convolution = CONVOLUTIONS.get(type(layer).__name__)
    return convolution.filters_of(weights) if convolution else weights[0]


def altered(layer: kl.Layer, **arguments: object) -> kl.Layer:
    """A layer like another, with other arguments, such as `activation=None`, and weights of its own.

    It can be trained, also where the other is frozen: a frozen layer keeps its weights among others in Keras.
    """
    copy = type(layer).from_config({**layer.get_config(), "trainable": True, **arguments})
    copy.build(layer.input.shape)
    return copy


def is_linear(layer: kl.Layer) -> bool:
    """Whether a layer has no activation of its own."""
    return getattr(layer, "activation", keras.activations.linear) is keras.activations.linear


def _normalised(layer: kl.BatchNormalization, x: tf.Tensor, weights: Sequence) -> tf.Tensor:
    gamma, beta, mean, variance = (tf.convert_to_tensor(weight) for weight in weights)
    return tf.nn.batch_normalization(x, mean, variance, beta, gamma, layer.epsilon)

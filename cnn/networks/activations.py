"""Kernels and feature maps of a network, as arrays. Draws nothing, and changes nothing in the network."""

from dataclasses import dataclass

import keras
import numpy as np

from cnn.config.layers import CONVOLUTIONS


@dataclass(frozen=True)
class Kernels:
    """What one convolution has learned: weights (k, k, channels that a filter sees, filters) and bias (filters,)."""

    layer: str
    weights: np.ndarray
    bias: np.ndarray


def kernels(model: keras.Model) -> list[Kernels]:
    """The kernels of every convolution, in order. A convolution without bias has zeros in its place."""
    found = []
    for layer in model.layers:
        if kind := CONVOLUTIONS.get(type(layer).__name__):
            arrays = layer.get_weights()
            weights = kind.filters_of(arrays)
            bias = arrays[-1] if layer.use_bias else np.zeros(weights.shape[-1], np.float32)
            found.append(Kernels(layer.name, weights, bias))
    return found


class FeatureMaps:
    """Shows what every layer of a network makes of an image, in one pass."""

    def __init__(self, model: keras.Model):
        self._names = [layer.name for layer in model.layers[1:]]
        self._model = keras.Model(model.input, [layer.output for layer in model.layers[1:]])

    def __call__(self, pixels: np.ndarray) -> dict[str, np.ndarray]:
        """One image float32 (28, 28, 1) -> each layer's output: maps (h, w, c), or a vector (n,) once it is flat."""
        return {name: output[0] for name, output in self.of_many(pixels[None]).items()}

    def of_many(self, pixels: np.ndarray) -> dict[str, np.ndarray]:
        """Images float32 (n, 28, 28, 1) -> each layer's outputs, maps (n, h, w, c) or vectors (n, u)."""
        outputs = self._model(pixels, training=False)
        return {name: np.asarray(output) for name, output in zip(self._names, outputs, strict=True)}


def dead_relus(model: keras.Model, outputs: dict[str, np.ndarray]) -> dict[str, float]:
    """The share of each ReLU layer's units that are zero for all images; in a convolution a unit is a whole map.

    Args:
        model: the network.
        outputs: what `FeatureMaps.of_many` makes of some images.

    Returns:
        For each layer with ReLUs a share in [0, 1].
    """
    relus = [layer.name for layer in model.layers if getattr(layer, "activation", None) is keras.activations.relu]
    return {name: float((outputs[name].reshape(-1, outputs[name].shape[-1]) <= 0).all(axis=0).mean()) for name in relus}

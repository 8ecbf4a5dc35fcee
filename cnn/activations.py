"""Kernels and feature maps of a network, as arrays. Draws nothing, and changes nothing in the network."""

from dataclasses import dataclass

import keras
import numpy as np

from cnn.layers import Row


@dataclass(frozen=True)
class Kernels:
    """What one convolution has learned: weights (k, k, channels in, filters) and bias (filters,)."""

    layer: str
    weights: np.ndarray
    bias: np.ndarray


def kernels(model: keras.Model) -> list[Kernels]:
    """The kernels of every convolution, in order. A convolution without bias has zeros in its place."""
    found = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            weights, *bias = layer.get_weights()
            found.append(Kernels(layer.name, weights, bias[0] if bias else np.zeros(weights.shape[-1], np.float32)))
    return found


class FeatureMaps:
    """Shows what every layer of a network makes of a picture, in one pass."""

    def __init__(self, model: keras.Model):
        self._names = [layer.name for layer in model.layers[1:]]
        self._model = keras.Model(model.input, [layer.output for layer in model.layers[1:]])

    def __call__(self, pixels: np.ndarray) -> dict[str, np.ndarray]:
        """One picture float32 (28, 28, 1) -> each layer's output: maps (h, w, c), or a vector (n,) once it is flat."""
        return {name: output[0] for name, output in self.of_many(pixels[None]).items()}

    def of_many(self, pixels: np.ndarray) -> dict[str, np.ndarray]:
        """Pictures float32 (n, 28, 28, 1) -> each layer's outputs, maps (n, h, w, c) or vectors (n, u)."""
        outputs = self._model(pixels, training=False)
        return {name: np.asarray(output) for name, output in zip(self._names, outputs, strict=True)}


def dead_relus(model: keras.Model, outputs: dict[str, np.ndarray]) -> dict[str, float]:
    """The share of each ReLU layer's units that are zero for all pictures; in a convolution a unit is a whole map.

    Args:
        model: the network.
        outputs: what `FeatureMaps.of_many` makes of some pictures.

    Returns:
        For each layer with ReLUs a share in [0, 1].
    """
    relus = [layer.name for layer in model.layers if getattr(layer, "activation", None) is keras.activations.relu]
    return {name: float((outputs[name].reshape(-1, outputs[name].shape[-1]) <= 0).all(axis=0).mean()) for name in relus}


def source_filter(rows: list[Row], name: str, channel: int) -> tuple[str, int] | None:
    """The convolution and the filter that a feature map comes from: itself, or the nearest convolution before it.

    Pooling, normalisation and activation keep the channels apart; pooling across maps joins a group, of which the
    first filter is named. Of what a skip connection adds up, the one that it skipped less far from is meant.

    Returns:
        (name of the convolution, index of its filter); None where no convolution stands before.
    """
    position = next(index for index, row in enumerate(rows) if row.name == name)
    for index in range(position, -1, -1):
        if rows[index].type == "Conv2D":
            return rows[index].name, channel
        if rows[index].type == "DepthwiseMaxPooling" and index:
            channel *= rows[index - 1].output_shape[-1] // rows[index].output_shape[-1]
    return None

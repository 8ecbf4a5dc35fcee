"""From a configuration to a Keras model.

Always a Functional model with named layers and an explicit input, so that any layer's output can be asked for
(`cnn.networks.activations`). The names and the order are those of `RunConfig.rows()`.
"""

import re
import unicodedata

import keras
from keras import layers as kl

from cnn.config import CLASS_NAMES, INPUT_SHAPE, RunConfig
from cnn.config.layers import Convolution, Dense, Dropout, Flatten, GlobalPooling, Layer, Pooling, SkipConnection
from cnn.networks.layers import DepthwiseMaxPooling, FusedBatchNormalization


def build(config: RunConfig, precision: str | None = None, for_training: bool = False) -> keras.Model:
    """The network of a configuration, with fresh weights.

    Args:
        config: layers and precision.
        precision: overrides the configured one; predictions and files on disk are always "float32". "auto" is
            float32 here: `faster_precision` finds out what it means in training.
        for_training: with `FusedBatchNormalization`; otherwise of Keras's own layers, so that a file of the network
            can be read without this project.

    Returns:
        A Functional model, pictures float32 (n, 28, 28, 1) in [0, 1] -> probabilities float32 (n, 10).
    """
    policy = precision or config.training.precision
    policy = "float32" if policy == "auto" else policy
    names = iter([row.name for row in config.rows()])
    x = inputs = keras.Input(INPUT_SHAPE, name="input")
    reached = []  # the input of each configured layer
    for index, layer in enumerate(config.layers):
        reached.append(x)
        if isinstance(layer, SkipConnection):
            x = kl.Add(name=next(names), dtype=policy)([reached[index - layer.over], x])
            continue
        for make, arguments in _keras_layers(layer):
            if make is kl.BatchNormalization and for_training:
                make = FusedBatchNormalization
            x = make(name=next(names), dtype=policy, **arguments)(x)
    # The softmax stays in 32 bits: in 16 the smallest probabilities and the loss lose their digits.
    outputs = kl.Dense(len(CLASS_NAMES), activation="softmax", dtype="float32", name=next(names))(x)
    return keras.Model(inputs, outputs, name=_scope(config.preset))


def _scope(preset: str | None) -> str:
    """A preset's name as a network can have it: TensorFlow allows ASCII letters, digits and -._, and not _ in front."""
    plain = unicodedata.normalize("NFKD", preset or "").encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "_", plain).strip("._-") or "network"


def _keras_layers(layer: Layer) -> list[tuple[type[kl.Layer], dict]]:
    match layer:
        case Convolution(batch_normalisation=normalised):
            convolution = {
                "filters": layer.filters,
                "kernel_size": layer.kernel,
                "strides": layer.stride,
                "padding": layer.padding,
                "dilation_rate": layer.dilation,
                "use_bias": not normalised,
                "activation": None if normalised else layer.activation,
            }
            made = [(kl.Conv2D, convolution)]
            if normalised:
                made.append((kl.BatchNormalization, {"momentum": layer.normalisation_momentum}))
                if layer.activation != "linear":
                    made.append((kl.Activation, {"activation": layer.activation}))
            return made
        case Pooling(mode="depthwise max"):
            return [(DepthwiseMaxPooling, {"size": layer.size})]
        case Pooling():
            window = {"pool_size": layer.size, "strides": layer.stride or layer.size, "padding": layer.padding}
            return [(kl.MaxPooling2D if layer.mode == "max" else kl.AveragePooling2D, window)]
        case GlobalPooling():
            return [(kl.GlobalAveragePooling2D if layer.mode == "average" else kl.GlobalMaxPooling2D, {})]
        case Flatten():
            return [(kl.Flatten, {})]
        case Dense():
            return [(kl.Dense, {"units": layer.units, "activation": layer.activation})]
        case Dropout():
            return [(kl.Dropout, {"rate": layer.rate})]
    raise TypeError(f"No Keras layer for {layer!r}")

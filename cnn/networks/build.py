"""From a configuration to a Keras model.

Always a Functional model with named layers and an explicit input, so that any layer's output can be asked for
(`cnn.networks.activations`). The names and the order are those of `RunConfig.rows()`.
"""

import re
import unicodedata

import keras
from keras import layers as kl

from cnn.config import RunConfig
from cnn.config.layers import L2, Row
from cnn.networks import layers
from cnn.networks.layers import FusedBatchNormalization


def build(config: RunConfig, precision: str | None = None, for_training: bool = False) -> keras.Model:
    """The network of a configuration, with fresh weights.

    Args:
        config: layers and precision.
        precision: overrides the configured one; predictions and files on disk are always "float32". "auto" is
            float32 here: `faster_precision` finds out what it means in training.
        for_training: with `FusedBatchNormalization`; otherwise of Keras's own layers, so that a file of the network
            can be read without this project.

    Returns:
        A Functional model, images float32 (n, h, w, c) in [0, 1] -> probabilities float32 (n, classes), of the size and
        the classes that the configuration's data have. Layers that it freezes are not trainable.
    """
    policy = precision or config.training.precision
    policy = "float32" if policy == "auto" else policy
    *hidden, output = config.rows()
    values = {"input": keras.Input(config.data.card.input_shape, name="input")}
    for row in hidden:
        values[row.name] = _made(row, policy, for_training)(_taken(row, values))
    # The softmax stays in 32 bits: in 16 the smallest probabilities and the loss lose their digits.
    probabilities = _made(output, "float32", for_training)(_taken(output, values))
    return keras.Model(values["input"], probabilities, name=_scope(config.preset))


def _made(row: Row, policy: str, for_training: bool) -> kl.Layer:
    """The Keras layer of a row of the table."""
    if row.type == "BatchNormalization" and for_training:
        make = FusedBatchNormalization
    else:
        make = getattr(kl, row.type, None) or getattr(layers, row.type)
    arguments = {
        name: keras.regularizers.L2(value.factor) if isinstance(value, L2) else value
        for name, value in row.arguments.items()
    }
    layer = make(name=row.name, dtype=policy, **arguments)
    layer.trainable = row.trainable > 0 or not row.parameters
    return layer


def _taken(row: Row, values: dict[str, keras.KerasTensor]) -> keras.KerasTensor | list[keras.KerasTensor]:
    """What goes into a layer."""
    taken = [values[name] for name in row.takes]
    return taken if len(taken) > 1 else taken[0]


def _scope(preset: str | None) -> str:
    """A preset's name as a network can have it: TensorFlow allows ASCII letters, digits and -._, and not _ in front."""
    plain = unicodedata.normalize("NFKD", preset or "").encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "_", plain).strip("._-") or "network"

"""Which pixels a value of a network depends on, against gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn.config import RunConfig
from cnn.config.layers import (
    Convolution,
    DepthwiseConvolution,
    Flatten,
    InvertedResidual,
    Pooling,
    SeparableConvolution,
    SkipConnection,
)
from cnn.interpret.seen_pixels import pixels_seen
from cnn.networks.build import build
from cnn.networks.forward import Forward
from tests.sampling import one_in

NETWORKS = {
    "dilated": (Convolution(filters=2, dilation=3), Convolution(filters=2, kernel=5, dilation=2)),
    "strides and pools": (
        Convolution(filters=2, kernel=4, stride=2, batch_normalisation=True),
        Pooling(mode="average", size=3, stride=2, padding="same"),
        Pooling(mode="depthwise max", size=2),
        Convolution(filters=2, dilation=2),
    ),
    "past a skip connection": (
        Convolution(filters=2, kernel=2, dilation=4),
        Convolution(filters=2, kernel=2, dilation=3),
        SkipConnection(over=1),
    ),
    "squeezed": (
        Convolution(filters=2, stride=2),
        InvertedResidual(filters=2, expansion=2, squeeze=2, activation="silu"),
        InvertedResidual(filters=3, expansion=1, kernel=5, stride=2, activation="silu"),
    ),
    "past a projection with a stride, one map at a time": (
        DepthwiseConvolution(kernel=5, dilation=2),
        SeparableConvolution(filters=3, kernel=2, stride=2),
        SkipConnection(over=2, projection=True, stride=2),
        Convolution(filters=2, dilation=2),
        SkipConnection(over=1, mode="concatenate"),
    ),
}


@pytest.mark.parametrize("name", one_in(2, NETWORKS))
def test_a_gradient_reaches_exactly_these_rows_and_columns(name):
    # In 64 bits TensorFlow uses Eigen: oneDNN's gradient of a 1×1 convolution with a stride fails now and then.
    network = build(RunConfig(layers=(*NETWORKS[name], Flatten())), precision="float64")
    for layer in network.layers:
        if hasattr(layer, "kernel_size"):  # positive, so that no gradient cancels out or is cut off
            layer.set_weights([np.abs(weight) / 10 + 0.1 for weight in layer.get_weights()])
    forward = Forward(network)
    for layer in network.layers:
        if len(layer.output.shape) != 4 or isinstance(layer, keras.layers.InputLayer):
            continue
        height, width = layer.output.shape[1:3]
        for row, column in [(0, 0), (0, width // 2), (height // 2, min(1, width - 1)), (height - 1, width - 1)]:
            picture = tf.ones((1, 28, 28, 1), tf.float64)
            with tf.GradientTape() as tape:
                tape.watch(picture)
                value = tf.reduce_sum(forward.run({"input": picture}, stop=layer.name)[layer.name][0, row, column])
            touched = tape.gradient(value, picture)[0, :, :, 0].numpy() != 0
            expected = [np.flatnonzero(touched.any(axis=axis)).tolist() for axis in (1, 0)]
            assert [*pixels_seen(forward, layer.name, (row, column))] == expected, (layer.name, row, column)


def test_a_window_that_lies_in_the_padding_alone_sees_nothing():
    layers = (Pooling(size=14), Convolution(filters=2, kernel=2, dilation=8), Flatten())
    forward = Forward(build(RunConfig(layers=layers), precision="float32"))
    assert pixels_seen(forward, "conv2d", (1, 1)) == ([], [])

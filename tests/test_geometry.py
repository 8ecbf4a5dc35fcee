"""Output sizes, parameters and receptive fields against Keras itself."""

from itertools import product

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn import geometry
from cnn.geometry import ReceptiveField

GRID = [
    (size, kernel, stride, padding, dilation)
    for size, kernel, stride, padding, dilation in product(
        (5, 8, 13), (1, 2, 3, 5), (1, 2, 3), ("same", "valid"), (1, 2, 3)
    )
    if stride == 1 or dilation == 1  # Keras allows no more
]


def keras_output(layer: keras.layers.Layer, size: int, channels: int = 1) -> tuple[int, ...]:
    return tuple(layer(np.zeros((1, size, size, channels), np.float32)).shape[1:])


def test_convolutions_have_kerass_output_size():
    fitting = 0
    for size, kernel, stride, padding, dilation in GRID:
        expected = geometry.output_size(size, kernel, stride, padding, dilation)
        layer = keras.layers.Conv2D(1, kernel, stride, padding, dilation_rate=dilation)
        if expected > 0:
            fitting += 1
            assert keras_output(layer, size) == (expected, expected, 1), (size, kernel, stride, padding, dilation)
        else:
            with pytest.raises(ValueError):
                keras_output(layer, size)
    assert fitting > 100


@pytest.mark.parametrize("kind", [keras.layers.MaxPooling2D, keras.layers.AveragePooling2D])
def test_poolings_have_kerass_output_size(kind):
    for size, window, stride, padding in product((5, 8), (2, 3, 5), (1, 2, 3, 7), ("same", "valid")):
        expected = geometry.output_size(size, window, stride, padding)
        assert keras_output(kind(window, stride, padding), size) == (expected, expected, 1), (
            size,
            window,
            stride,
            padding,
        )


@pytest.mark.parametrize(
    ("kernel", "channels", "filters", "bias"), [*product((1, 3, 7), (1, 5), (1, 8), (True, False))]
)
def test_convolutions_have_kerass_parameters(kernel, channels, filters, bias):
    layer = keras.layers.Conv2D(filters, kernel, use_bias=bias)
    layer.build((None, 9, 9, channels))
    assert geometry.convolution_parameters(kernel, channels, filters, bias) == layer.count_params()


@pytest.mark.parametrize(("inputs", "units"), [(1, 1), (2304, 128), (64, 10)])
def test_dense_layers_have_kerass_parameters(inputs, units):
    layer = keras.layers.Dense(units)
    layer.build((None, inputs))
    assert geometry.dense_parameters(inputs, units) == layer.count_params()


@pytest.mark.parametrize(("kernel", "dilation", "expected"), [(1, 8, 1), (3, 1, 3), (3, 2, 5), (5, 3, 13), (2, 4, 5)])
def test_extent_counts_the_gaps(kernel, dilation, expected):
    assert geometry.extent(kernel, dilation) == expected


STACKS = {
    "nothing": ([], (1, 1)),
    "two 3×3 see as much as one 5×5": ([(3, 1, 1)] * 2, (5, 1)),
    "three 3×3 see as much as one 7×7": ([(3, 1, 1)] * 3, (7, 1)),
    "dilations 1, 2, 4": ([(3, 1, 1), (3, 1, 2), (3, 1, 4)], (15, 1)),
    "ResNet's stem": ([(7, 2, 1), (3, 2, 1)], (11, 4)),
    "LeNet-5": ([(5, 1, 1), (2, 2, 1), (5, 1, 1), (2, 2, 1)], (16, 4)),
    "the lecture's convolutions": (
        [(7, 1, 1), (2, 2, 1), *[(3, 1, 1)] * 2, (2, 2, 1), *[(3, 1, 1)] * 2, (2, 2, 1)],
        (38, 8),
    ),
}


@pytest.mark.parametrize("name", STACKS)
def test_receptive_fields_of_known_stacks(name):
    windows, expected = STACKS[name]
    field = ReceptiveField()
    for window in windows:
        field = field.through(*window)
    assert field == expected


@pytest.mark.parametrize("windows", [[(3, 1, 1), (3, 2, 1), (2, 2, 1)], [(5, 2, 1), (3, 1, 3)], [(2, 3, 1), (4, 1, 1)]])
def test_a_gradient_reaches_exactly_the_receptive_field(windows):
    """Two neighbouring outputs of an all-ones network depend on squares of `size` pixels, `jump` apart."""
    field = ReceptiveField()
    layers = []
    for kernel, stride, dilation in windows:
        field = field.through(kernel, stride, dilation)
        layers.append(keras.layers.Conv2D(1, kernel, stride, dilation_rate=dilation, kernel_initializer="ones"))
    reached = []
    for column in (1, 2):
        with tf.GradientTape() as tape:
            picture = x = tf.zeros((1, 48, 48, 1))
            tape.watch(picture)
            for layer in layers:
                x = layer(x)
            output = x[0, 1, column, 0]
        gradient = tape.gradient(output, picture)[0, :, :, 0].numpy()
        reached.append((np.flatnonzero(gradient.any(axis=0)), np.flatnonzero(gradient.any(axis=1))))
    (left, rows), (right, _) = reached
    assert left.max() - left.min() + 1 == rows.max() - rows.min() + 1 == field.size
    assert right.min() - left.min() == field.jump

"""Output sizes, parameters and receptive fields against Keras itself."""

from itertools import product

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn.config import geometry
from cnn.config.geometry import ReceptiveField

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
    assert (field.size, field.jump, field.start) == (*expected, 0)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("windows", [[(3, 1, 1), (3, 2, 1), (2, 2, 1)], [(5, 2, 1), (3, 1, 3)], [(2, 3, 1), (4, 1, 1)]])
def test_a_gradient_reaches_exactly_the_receptive_field(windows, padding):
    """An output of an all-ones network depends on the square that starts where the arithmetic says, and no more."""
    field, size, x = ReceptiveField(), 48, keras.Input((48, 48, 1))
    source = x
    for kernel, stride, dilation in windows:
        before = geometry.padding_before(size, kernel, stride, padding, dilation)
        field = field.through(kernel, stride, dilation, before)
        size = geometry.output_size(size, kernel, stride, padding, dilation)
        x = keras.layers.Conv2D(1, kernel, stride, padding, dilation_rate=dilation, kernel_initializer="ones")(x)
    network = keras.Model(source, x)
    for row, column in [(0, 0), (size // 2 - 1, size // 2), (size - 1, size // 2)]:
        with tf.GradientTape() as tape:
            picture = tf.zeros((1, 48, 48, 1))
            tape.watch(picture)
            output = network(picture)[0, row, column, 0]
        gradient = tape.gradient(output, picture)[0, :, :, 0].numpy()
        reached = np.flatnonzero(gradient.any(axis=1)), np.flatnonzero(gradient.any(axis=0))
        for index, found in zip((row, column), reached, strict=True):
            first, behind = field.seen_by(index)
            if first >= 0 and behind <= 48:
                assert (found.min(), found.max() + 1) == (first, behind)
            else:  # what lies in the padding of a later layer is no pixel, so that it may see less
                assert max(0, first) <= found.min() and found.max() < min(48, behind)


BORDERS = {
    "a dilated kernel behind a dilated kernel": [(3, 1, 4), (3, 1, 3)],
    "strides between dilations": [(3, 1, 2), (4, 3, 1), (3, 1, 3)],
    "kernels with an even edge": [(2, 1, 5), (4, 1, 1), (2, 2, 1)],
    "a stride beyond the window": [(5, 1, 1), (2, 3, 1), (3, 1, 2)],
}


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("name", BORDERS)
def test_a_gradient_reaches_exactly_the_inputs_walked_back_to(name, padding):
    """Of every output, those at the border too, where a part of a dilated kernel hangs over."""
    sizes, x = [32], keras.Input((32, 32, 1))
    source = x
    for kernel, stride, dilation in BORDERS[name]:
        sizes.append(geometry.output_size(sizes[-1], kernel, stride, padding, dilation))
        x = keras.layers.Conv2D(1, kernel, stride, padding, dilation_rate=dilation, kernel_initializer="ones")(x)
    network, picture = keras.Model(source, x), tf.Variable(tf.zeros((1, 32, 32, 1)))
    with tf.GradientTape(persistent=True) as tape:
        maps = network(picture)[0, :, :, 0]
        outputs = [maps[index, index] for index in range(sizes[-1])]
    for index, output in enumerate(outputs):
        touched = tape.gradient(output, picture)[0, :, :, 0].numpy() != 0
        places = {index}
        for (kernel, stride, dilation), size in zip(reversed(BORDERS[name]), reversed(sizes[:-1]), strict=True):
            places = geometry.inputs_of(places, size, kernel, stride, padding, dilation)
        for axis in (0, 1):
            assert np.flatnonzero(touched.any(axis=axis)).tolist() == sorted(places), index


@pytest.mark.parametrize(
    "case", [(28, 7, 1, 1), (28, 3, 2, 1), (7, 2, 2, 1), (28, 5, 2, 1), (9, 4, 3, 1), (13, 3, 1, 4)]
)
def test_padding_is_where_keras_puts_it(case):
    """A kernel with one weight at its first place shows how far the image was moved."""
    size, kernel, stride, dilation = case
    layer = keras.layers.Conv2D(
        1, (kernel, 1), (stride, 1) if stride == 1 else stride, "same", dilation_rate=(dilation, 1)
    )
    layer.build((None, size, size, 1))
    weights = np.zeros((kernel, 1, 1, 1), np.float32)
    weights[0] = 1
    layer.set_weights([weights, np.zeros(1)])
    picture = np.arange(1.0, size + 1)[None, :, None, None].repeat(size, axis=2)
    before = geometry.padding_before(size, kernel, stride, "same", dilation)
    expected = [
        max(0.0, index * stride - before + 1) for index in range(geometry.output_size(size, kernel, stride, "same"))
    ]
    assert layer(picture)[0, :, 0, 0].numpy().tolist() == expected

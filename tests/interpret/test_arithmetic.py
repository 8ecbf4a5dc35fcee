"""The numbers of one value, against what Keras computes: every kind of layer, at 1,000 random places each."""

import keras
import numpy as np
import pytest
from keras import layers as kl

from cnn import data, runs
from cnn.data import synthetic
from cnn.interpret import arithmetic
from cnn.interpret.arithmetic import Added, Copied, Normalised, Pooled, WeightedSum, working
from cnn.networks.forward import INPUT, PREACTIVATION, Forward, has_sums
from cnn.networks.layers import DepthwiseMaxPooling
from cnn.networks.load import load
from tests.sampling import one_in

PLACES = 1000


@pytest.fixture
def chance() -> np.random.Generator:
    return np.random.default_rng(6)


def rounding(found: object) -> float:
    """What float32 may lose where the terms of a sum cancel out, in proportion to their size."""
    terms = np.abs(found.products).sum() if isinstance(found, WeightedSum) else 0.0
    return max(2e-6, float(np.finfo(np.float32).eps * terms))


def conv(**options) -> kl.Layer:
    return kl.Conv2D(6, **{"kernel_size": 3, "padding": "same", **options})


LAYERS = {
    "convolution": lambda: conv(),
    "valid": lambda: conv(padding="valid", kernel_size=5),
    "stride 2, same": lambda: conv(strides=2),
    "stride 3, kernel 4": lambda: conv(strides=3, kernel_size=4),
    "stride 2, valid": lambda: conv(strides=2, padding="valid"),
    "dilation 2": lambda: conv(dilation_rate=2),
    "dilation 3, valid": lambda: conv(dilation_rate=3, padding="valid"),
    "a kernel of 3 by 5": lambda: conv(kernel_size=(3, 5), strides=(1, 1)),
    "without bias": lambda: conv(use_bias=False),
    **{name: lambda name=name: conv(activation=name) for name in ("relu", "leaky_relu", "gelu", "tanh", "sigmoid")},
    **{name: lambda name=name: conv(activation=name) for name in ("relu6", "silu", "hard_silu", "hard_sigmoid")},
    "depthwise convolution": lambda: kl.DepthwiseConv2D(3, strides=2, padding="same", activation="tanh"),
    "depthwise convolution, dilation 2": lambda: kl.DepthwiseConv2D(3, dilation_rate=2, use_bias=False),
    "separable convolution": lambda: kl.SeparableConv2D(5, 3, strides=2, padding="same", activation="tanh"),
    "separable convolution, dilation 2": lambda: kl.SeparableConv2D(5, 3, dilation_rate=2, use_bias=False),
    "max pooling": lambda: kl.MaxPooling2D(2),
    "max pooling, same": lambda: kl.MaxPooling2D(3, 2, "same"),
    "average pooling": lambda: kl.AveragePooling2D(3),
    "average pooling, same": lambda: kl.AveragePooling2D(4, 3, "same"),
    "depthwise max pooling": lambda: DepthwiseMaxPooling(2),
    "global average pooling": lambda: kl.GlobalAveragePooling2D(),
    "global max pooling": lambda: kl.GlobalMaxPooling2D(),
    "batch normalisation": lambda: kl.BatchNormalization(),
    "activation": lambda: kl.Activation("relu"),
    "flatten": lambda: kl.Flatten(),
    "dropout": lambda: kl.Dropout(0.5),
    "means as maps": lambda: kl.GlobalAveragePooling2D(keepdims=True),
    "rescaling": lambda: kl.Rescaling(2.5, -0.5),
    "rescaling of each channel": lambda: kl.Rescaling([0.5, 1.0, 2.0, 3.0], [1.0, 0.0, -1.0, 0.25]),
    "skip connection": lambda: kl.Add(),
    "skip connection, concatenate": lambda: kl.Concatenate(),
    "dense": lambda: kl.Dense(9, activation="relu"),
    "dense, linear": lambda: kl.Dense(9),
    "softmax": lambda: kl.Dense(9, activation="softmax"),
}


@pytest.mark.parametrize("name", one_in(6, LAYERS))
def test_a_value_is_kerass_own_to_float32_rounding(name, chance):
    """Windows of any stride, padding and dilation over an image that is not square, with several channels."""
    layer = LAYERS[name]()
    shape = (40,) if isinstance(layer, kl.Dense) else (13, 17, 4)
    inputs = [
        chance.normal(size=(1, *shape)).astype(np.float32)
        for _ in range(2 if isinstance(layer, kl.Add | kl.Concatenate) else 1)
    ]
    layer.build([x.shape for x in inputs] if len(inputs) > 1 else inputs[0].shape)
    layer.set_weights([chance.uniform(0.1, 1.0, weight.shape) for weight in layer.get_weights()])
    output = np.asarray(layer(inputs if len(inputs) > 1 else inputs[0], training=False))[0]
    for place in zip(*(chance.integers(0, size, PLACES) for size in output.shape), strict=True):
        found = working(layer, [x[0] for x in inputs], tuple(int(index) for index in place))
        assert found.value == pytest.approx(output[place], rel=2e-5, abs=rounding(found))


def test_a_network_in_rgb_with_all_kinds_of_layers_is_written_out_at_every_layer(chance):
    source = x = keras.Input((21, 18, 3), name=INPUT)
    x = conv(strides=2, activation="relu")(x)
    skipped = x = kl.BatchNormalization()(x)
    x = kl.Activation("tanh")(conv(dilation_rate=2)(x))
    x = kl.MaxPooling2D(2, padding="same")(kl.Add()([skipped, x]))
    x = kl.Dropout(0.3)(DepthwiseMaxPooling(3)(kl.AveragePooling2D(2)(x)))
    x = kl.Dense(5, activation="softmax")(kl.Dense(7, activation="gelu")(kl.Flatten()(x)))
    forward = Forward(keras.Model(source, x))
    values = forward.run({INPUT: chance.uniform(size=(1, 21, 18, 3)).astype(np.float32)})
    for layer, takes in forward.steps:
        output = values[layer.name][0].numpy()
        for place in zip(*(chance.integers(0, size, 100) for size in output.shape), strict=True):
            place = tuple(int(index) for index in place)
            found = working(layer, [values[name][0].numpy() for name in takes], place)
            assert found.value == pytest.approx(output[place], rel=2e-5, abs=rounding(found))
            if has_sums(layer):
                total = values[layer.name + PREACTIVATION][0].numpy()[place]
                assert found.total == pytest.approx(total, rel=2e-5, abs=rounding(found))


@pytest.mark.parametrize("run", runs.shipped(), ids=lambda run: run.id)
def test_the_shipped_networks_are_written_out(run, chance):
    forward = Forward(load(run))
    shape = run.config.data.card.input_shape
    grey = shape == (28, 28, 1)
    picture = data.scaled(synthetic.dataset(1, 3, "test")[0]) if grey else chance.random((1, *shape), np.float32)
    values = {name: value[0].numpy() for name, value in forward.run({INPUT: picture}).items()}
    for layer, takes in forward.steps:
        output, inputs = values[layer.name], [values[name] for name in takes]
        size = max(1.0, float(np.abs(output).max()))
        for place in zip(*(chance.integers(0, edge, 40) for edge in output.shape), strict=True):
            place = tuple(int(index) for index in place)
            assert working(layer, inputs, place).value == pytest.approx(output[place], rel=1e-4, abs=2e-6 * size)


def test_the_parts_of_a_convolution_add_up(chance):
    layer = conv(strides=2)
    layer.build((None, 9, 9, 4))
    x = chance.normal(size=(9, 9, 4))
    found = working(layer, [x], (0, 2, 5))
    assert isinstance(found, WeightedSum)
    assert found.window.rows.tolist() == [-1, 0, 1] and found.window.columns.tolist() == [3, 4, 5]
    assert found.window.inside.tolist() == [[False] * 3, [True] * 3, [True] * 3]
    assert not found.window.values[0].any() and np.allclose(found.window.values[1:], x[0:2, 3:6])
    assert found.per_channel.sum() + found.bias == pytest.approx(found.total)
    assert np.allclose(found.products, found.window.values * layer.get_weights()[0][..., 5])


def test_a_maximum_names_where_it_was_found_and_padding_never_wins():
    x = -np.ones((3, 3, 1))
    x[0, 1] = -0.5
    found = working(kl.MaxPooling2D(2, 2, "same"), [x], (1, 1, 0))
    assert isinstance(found, Pooled) and found.value == -1.0, "zeros of the padding would be larger"
    found = working(kl.MaxPooling2D(2, 2, "same"), [x], (0, 0, 0))
    assert (found.value, found.winner) == (-0.5, (0, 1, 0))


def test_the_average_of_an_overhanging_window_counts_only_what_is_there():
    found = working(kl.AveragePooling2D(2, 2, "same"), [np.full((3, 3, 1), 4.0)], (1, 1, 0))
    assert found.value == 4.0 and found.window.inside.sum() == 1


def test_depthwise_pooling_looks_at_its_own_group():
    x = np.arange(6.0)[None, None]
    found = working(DepthwiseMaxPooling(3), [x], (0, 0, 1))
    assert (found.value, found.window.channels.tolist(), found.winner) == (5.0, [3, 4, 5], (0, 0, 2))


def test_a_normalisation_is_by_its_running_mean_and_variance():
    layer = kl.BatchNormalization(epsilon=0.0)
    layer.build((None, 1, 1, 1))
    layer.set_weights([np.array([value]) for value in (2.0, 10.0, 3.0, 4.0)])
    found = working(layer, [np.full((1, 1, 1), 7.0)], (0, 0, 0))
    assert found == Normalised(7.0, 3.0, 4.0, 0.0, 2.0, 10.0, 14.0)


def test_what_only_passes_a_value_on_says_where_it_comes_from():
    x = np.arange(24.0).reshape(2, 3, 4)
    assert working(kl.Flatten(), [x], (17,)) == Copied((1, 1, 1), 17.0)
    assert working(kl.Dropout(0.9), [x], (1, 2, 3)) == Copied((1, 2, 3), 23.0)
    assert working(kl.Add(), [x, 2 * x], (0, 0, 1)) == Added((1.0, 2.0), 3.0)


def test_a_value_that_was_only_passed_on_is_led_back_to_where_it_was_made(chance):
    source = keras.Input((6, 8, 1), name=INPUT)
    x = kl.Dropout(0.5, name="first")(conv(name="maps")(source))
    x = kl.Dropout(0.5, name="later")(kl.Flatten(name="vector")(x))
    forward = Forward(keras.Model(source, kl.Dense(2)(x)))
    picture = chance.uniform(size=(1, 6, 8, 1)).astype(np.float32)
    values = {name: value[0].numpy() for name, value in forward.run({INPUT: picture}).items()}
    for index in chance.integers(0, 6 * 8 * 6, 50):
        name, place = arithmetic.origin(forward, "later", (int(index),))
        assert name == "maps" and values[name][place] == values["later"][index]
    assert arithmetic.origin(forward, "first", (1, 2, 3)) == ("maps", (1, 2, 3))
    assert arithmetic.origin(forward, INPUT, (0, 0, 0)) == (INPUT, (0, 0, 0))


def test_other_weights_can_be_tried():
    layer = conv(activation="relu")
    layer.build((None, 5, 5, 1))
    kernel, bias = layer.get_weights()
    found = working(layer, [np.ones((5, 5, 1))], (2, 2, 0), [np.ones_like(kernel), bias + 0.5])
    assert found.value == 9.5


def test_an_unknown_layer_is_named():
    with pytest.raises(TypeError, match="UpSampling2D"):
        arithmetic.working(kl.UpSampling2D(), [np.ones((2, 2, 1))], (0, 0, 0))

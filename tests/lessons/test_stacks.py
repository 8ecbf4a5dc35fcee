"""What a stack of layers sees, against Keras: sizes by its layers, receptive fields by gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as kl

from cnn.config import RunConfig, presets
from cnn.config.layers import Convolution, Flatten, InvertedResidual
from cnn.lessons import stacks
from cnn.lessons.stacks import UnreadableStack, Window
from tests.sampling import one_in


def drawn(rng: np.random.Generator) -> tuple[Window, ...]:
    """A random stack of one to four layers."""
    found = []
    for _ in range(rng.integers(1, 5)):
        if rng.random() < 0.4:
            size = int(rng.integers(2, 4))
            found.append(Window("pool", size, int(rng.integers(1, size + 1))))
        else:
            stride, dilation = [(1, 1), (2, 1), (1, 2), (1, 3)][rng.integers(4)]
            found.append(Window("conv", int(rng.choice([1, 2, 3, 5])), stride, dilation))
    return tuple(found)


def built(stack: tuple[Window, ...]) -> keras.Sequential:
    """The same in Keras, with positive weights, so that no gradient cancels out.

    A convolution of 1×1 reads what a pooling of 1×1 does, and its gradient with stride 2 on 40×40 breaks the memory
    of TensorFlow 2.21 with oneDNN (sizes up to 28 do not, with strides 2 and 3).
    """
    layers = [
        kl.Conv2D(1, w.kernel, w.stride, w.padding, dilation_rate=w.dilation, kernel_initializer="ones")
        if w.kind == "conv" and w.kernel > 1
        else kl.AveragePooling2D(w.kernel, w.stride)
        for w in stack
    ]
    return keras.Sequential([keras.Input((40, 40, 1)), *layers])


@pytest.mark.parametrize("seed", one_in(3, range(25)))
def test_sizes_and_receptive_fields_are_those_of_keras(seed):
    rng = np.random.default_rng(seed)
    stack = drawn(rng)
    seen = stacks.follow(stack, 40)
    network = built(stack)
    assert [layer.size for layer in seen] == [layer.output.shape[1] for layer in network.layers]
    image = tf.Variable(np.ones((1, 40, 40, 1), np.float32))
    place = int(rng.integers(seen[-1].size))
    with tf.GradientTape() as tape:
        value = network(image)[0, place, place, 0]
    touched = np.flatnonzero(np.abs(tape.gradient(value, image).numpy()[0, ..., 0]).sum(axis=0))
    first, end = seen[-1].field.seen_by(place)
    if not any(w.dilation > 1 or w.stride > w.kernel for w in stack):
        assert (touched[0], touched[-1] + 1) == (max(0, first), min(40, end))
    assert touched[0] >= first and touched[-1] < end
    assert stacks.pixels_seen(stack, 40, place) == touched.tolist()


@pytest.mark.parametrize("seed", range(20))
def test_a_stack_survives_being_written(seed):
    stack = drawn(np.random.default_rng(seed))
    assert stacks.parse(", ".join(map(str, stack))) == stack


def test_the_lectures_stack():
    line = ", ".join(map(str, stacks.of_layers(presets()["lecture"].layers)))
    assert line == "conv 7, pool 2, conv 3, conv 3, pool 2, conv 3, conv 3, pool 2"
    rows = {row.name: row for row in presets()["lecture"].rows()}
    fields = [layer.field for layer in stacks.follow(stacks.parse(line), 28)]
    assert fields[-1] == rows["max_pooling2d_2"].receptive_field


def test_a_block_has_the_window_of_its_depthwise_convolution():
    layers = (Convolution(filters=4), InvertedResidual(kernel=5, stride=2), InvertedResidual(fused=True), Flatten())
    line = ", ".join(map(str, stacks.of_layers(layers)))
    assert line == "conv 3, conv 5 stride 2, conv 3"
    fields = [layer.field for layer in stacks.follow(stacks.parse(line), 28)]
    assert fields[-1] == RunConfig(layers=layers).rows()[-3].receptive_field


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "There are no layers"),
        ("conv", "'conv' is not a layer"),
        ("dense 3", "is not a layer"),
        ("conv 0", "kernel of 0"),
        ("conv 99", "kernel of 99"),
        ("conv 3 stride 0", "stride of 0"),
        ("conv 3 dilation 9", "dilation of 9"),
        ("pool 2 dilation 2", "only convolutions"),
        (", ".join(["conv 3"] * 17), "17 layers"),
    ],
)
def test_what_is_no_stack_is_said(line, says):
    with pytest.raises(UnreadableStack, match=says):
        stacks.parse(line)


def test_a_dilated_kernel_in_a_corner_sees_none_of_the_padding():
    stack = stacks.parse("conv 3 dilation 4, conv 3 dilation 2")
    assert stacks.pixels_seen(stack, 28, 0) == [0, 2, 4, 6]
    assert stacks.follow(stack, 28)[-1].field.seen_by(0) == (-6, 7), "which the frame without this would be cut from"
    assert stacks.pixels_seen(stacks.parse("pool 9, conv 2 dilation 8"), 28, 1) == [], "all weights are in the padding"


def test_a_window_larger_than_its_input_is_said():
    with pytest.raises(UnreadableStack, match="Layer 3, pool 3, has a window larger than its input of 2×2"):
        stacks.follow(stacks.parse("pool 5, pool 2, pool 3"), 28)

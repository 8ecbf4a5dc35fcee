"""Sliding windows against Keras's layers and SciPy's correlation, on random images."""

import keras
import numpy as np
import pytest
from keras import layers as kl
from scipy import signal

from cnn.config import geometry
from cnn.lessons import convolution
from cnn.lessons.convolution import DoesNotFit, Sliding
from cnn.networks.layers import DepthwiseMaxPooling
from tests.sampling import one_in

SEEDS = one_in(2, range(40))


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, 1603])


def draw(chance: np.random.Generator) -> tuple[np.ndarray, Sliding]:
    """An image that is not square, of one to four channels, and a window that fits."""
    shape = (*chance.integers(7, 16, 2), chance.integers(1, 5))
    stride = int(chance.integers(1, 5))
    dilation = int(chance.integers(1, 4)) if stride == 1 else 1  # Keras allows no more
    padding = ["same", "valid", int(chance.integers(0, 4))][chance.integers(3)]
    largest = 7 if padding == "same" else (min(shape[:2]) - 1) // dilation + 1
    kernel = int(chance.integers(1, min(7, largest) + 1))
    return chance.normal(size=shape), Sliding(kernel, stride, padding, dilation)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_convolution_is_kerass(seed):
    chance = rng(seed)
    x, sliding = draw(chance)
    weights, bias = chance.normal(size=(sliding.kernel, sliding.kernel, x.shape[2])), chance.normal()
    zeros, padding = [], sliding.padding
    if isinstance(padding, int):
        zeros, padding = [kl.ZeroPadding2D(padding, dtype="float64")], "valid"
    layer = kl.Conv2D(1, sliding.kernel, sliding.stride, padding, dilation_rate=sliding.dilation, dtype="float64")
    network = keras.Sequential([keras.Input(x.shape, dtype="float64"), *zeros, layer])
    layer.set_weights([weights[..., None], np.array([bias])])
    expected = np.asarray(network(x[None]))[0, ..., 0]
    found = convolution.convolved(x, weights, sliding, bias)
    assert sliding.output(x.shape) == found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_convolution_is_scipys_correlation_added_up_over_the_channels(seed):
    chance = rng(seed)
    x, sliding = draw(chance)
    weights = chance.normal(size=(sliding.kernel, sliding.kernel, x.shape[2]))
    span = geometry.extent(sliding.kernel, sliding.dilation)
    with_gaps = np.zeros((span, span, x.shape[2]))
    with_gaps[:: sliding.dilation, :: sliding.dilation] = weights
    framed = np.pad(x, (*sliding.zeros(x.shape), (0, 0)))
    expected = sum(
        signal.correlate2d(framed[..., channel], with_gaps[..., channel], "valid") for channel in range(x.shape[2])
    )[:: sliding.stride, :: sliding.stride]
    np.testing.assert_allclose(convolution.convolved(x, weights, sliding), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_same_padding_has_its_zeros_where_keras_has_them(seed):
    """A convolution with "same" padding is one with "valid" padding of an image with these zeros around."""
    chance = rng(seed)
    height, width = (int(size) for size in chance.integers(3, 15, 2))
    kernel, stride = int(chance.integers(1, 8)), int(chance.integers(1, 5))
    dilation = int(chance.integers(1, 4)) if stride == 1 else 1
    zeros = tuple(geometry.zeros_around(size, kernel, stride, "same", dilation) for size in (height, width))
    same = kl.Conv2D(2, kernel, stride, "same", dilation_rate=dilation, dtype="float64")
    valid = kl.Conv2D(2, kernel, stride, "valid", dilation_rate=dilation, dtype="float64")
    x = chance.normal(size=(1, height, width, 1))
    expected = np.asarray(same(x))
    framed = kl.ZeroPadding2D(zeros, dtype="float64")(x)
    valid.build(framed.shape)
    valid.set_weights(same.get_weights())
    np.testing.assert_allclose(np.asarray(valid(framed)), expected, rtol=0, atol=1e-10)
    assert Sliding(kernel, stride, "same", dilation).zeros((height, width)) == zeros


def test_a_number_of_zeros_is_kerass_zero_padding():
    x = rng(0).normal(size=(5, 8, 3))
    for count in range(4):
        zeros = Sliding(3, padding=count).zeros(x.shape)
        expected = np.asarray(kl.ZeroPadding2D(count, dtype="float64")(x[None]))[0]
        np.testing.assert_array_equal(convolution.padded(x, zeros), expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_window_is_cut_where_the_formula_says(seed):
    x, sliding = draw(rng(seed))
    framed, found = np.pad(x, (*sliding.zeros(x.shape), (0, 0))), convolution.cut(x, sliding)
    offsets = np.arange(sliding.kernel) * sliding.dilation
    for i in range(found.shape[0]):
        for j in range(found.shape[1]):
            rows, columns = i * sliding.stride + offsets, j * sliding.stride + offsets
            np.testing.assert_array_equal(found[i, j], np.moveaxis(framed[np.ix_(rows, columns)], -1, 0))


@pytest.mark.parametrize("seed", SEEDS)
def test_visits_are_counted_pixel_by_pixel(seed):
    x, sliding = draw(rng(seed))
    (above, _), (left, _) = sliding.zeros(x.shape)
    expected = np.zeros(x.shape[:2], int)
    rows, columns = sliding.output(x.shape)
    for i in range(rows):
        for j in range(columns):
            for u in range(sliding.kernel):
                for v in range(sliding.kernel):
                    row = i * sliding.stride - above + u * sliding.dilation
                    column = j * sliding.stride - left + v * sliding.dilation
                    if 0 <= row < x.shape[0] and 0 <= column < x.shape[1]:
                        expected[row, column] += 1
    np.testing.assert_array_equal(convolution.visits(x.shape, sliding), expected)


def test_visits_are_the_gradient_of_the_sum_of_a_map_of_ones():
    """An independent view: with all weights one, a pixel counts as often as it lies in a window."""
    for seed in range(10):
        x, sliding = draw(rng(seed))
        ones = np.ones((sliding.kernel, sliding.kernel, 1))
        counted = convolution.visits(x.shape, sliding)
        total = convolution.convolved(x[..., :1], ones, sliding).sum()
        assert total == pytest.approx((counted * x[..., 0]).sum())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("mode", "kind"), [("max", kl.MaxPooling2D), ("average", kl.AveragePooling2D)])
def test_pooling_is_kerass(mode, kind, seed):
    chance = rng(seed)
    x = chance.normal(size=(*chance.integers(4, 13, 2), 3)).astype(np.float32)
    size, stride = (int(number) for number in chance.integers(1, 5, 2))
    expected = np.asarray(kind(size, stride)(x[None]))[0]
    np.testing.assert_allclose(convolution.pooled(x, size, stride, mode), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("seed", range(10))
def test_depthwise_pooling_is_the_networks_own(seed):
    chance = rng(seed)
    size, groups = int(chance.integers(1, 6)), int(chance.integers(1, 6))
    x = chance.normal(size=(*chance.integers(1, 9, 2), size * groups)).astype(np.float32)
    expected = np.asarray(DepthwiseMaxPooling(size)(x[None]))[0]
    np.testing.assert_array_equal(convolution.pooled_across(x, size), expected)


def test_maps_that_fill_no_group_are_left_out():
    x = rng(0).normal(size=(3, 4, 7))
    np.testing.assert_array_equal(convolution.pooled_across(x, 3), convolution.pooled_across(x[..., :6], 3))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_winner_of_a_window_holds_its_largest_value_and_is_the_first(seed):
    chance = rng(seed)
    map_ = chance.integers(0, 4, chance.integers(4, 13, 2)).astype(float)  # with many equal values
    size, stride = (int(number) for number in chance.integers(1, 5, 2))
    found = convolution.winners(map_, size, stride)
    pooled = np.asarray(kl.MaxPooling2D(size, stride)(map_[None, ..., None]))[0, ..., 0]
    assert found.shape == (*pooled.shape, 2)
    np.testing.assert_array_equal(map_[found[..., 0], found[..., 1]], pooled)
    for i, j in np.ndindex(pooled.shape):
        top, left = i * stride, j * stride
        places = [(top + u, left + v) for u in range(size) for v in range(size)]
        assert tuple(found[i, j]) == next(place for place in places if map_[place] == pooled[i, j])


def test_a_window_that_spans_too_much_is_refused_exactly_where_keras_refuses_it():
    refused = 0
    for seed in range(60):
        chance = rng(seed)
        shape = (*(int(size) for size in chance.integers(2, 9, 2)), 1)
        kernel, dilation, zeros = (int(number) for number in chance.integers((1, 1, 0), (6, 4, 3)))
        sliding = Sliding(kernel, 1, zeros, dilation)
        network = [kl.ZeroPadding2D(zeros), kl.Conv2D(1, kernel, dilation_rate=dilation)]
        try:
            x = np.zeros((1, *shape), np.float32)
            for layer in network:
                x = layer(x)
        except ValueError:
            refused += 1
            for use in (sliding.output, lambda shape, s=sliding: convolution.visits(shape, s)):
                with pytest.raises(DoesNotFit, match="smaller kernel or dilation, or more zeros"):
                    use(shape)
            with pytest.raises(DoesNotFit):
                convolution.convolved(np.zeros(shape), np.zeros((kernel, kernel, 1)), sliding)
        else:
            assert sliding.output(shape) == tuple(x.shape[1:3])
    assert 10 < refused < 50


def test_a_change_is_measured_by_what_was_there():
    before = rng(0).normal(size=(4, 5)).astype(np.float32)
    assert convolution.relative_change(before, before) == 0
    assert convolution.relative_change(before, 3 * before) == pytest.approx(2)
    assert convolution.relative_change(np.array([3.0, 4.0]), np.array([3.0, 5.0])) == pytest.approx(0.2)
    assert convolution.relative_change(np.zeros(3), np.zeros(3)) == 0
    assert convolution.relative_change(np.zeros(3), np.ones(3)) == np.inf

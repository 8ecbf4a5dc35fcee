"""The table of a network's layers, known before TensorFlow, against the network that Keras builds."""

from itertools import pairwise
from math import prod
from typing import get_args

import numpy as np
import pytest

from cnn.config import CLASS_NAMES, INPUT_SHAPE, RunConfig, presets
from cnn.config.layers import (
    KINDS,
    Activation,
    Convolution,
    Dense,
    DepthwiseConvolution,
    Dropout,
    Flatten,
    GlobalPooling,
    ImpossibleStack,
    InvertedResidual,
    Pooling,
    Rescaling,
    SeparableConvolution,
    SkipConnection,
    trace,
)
from cnn.config.repairs import fitted, fixes
from cnn.networks.build import build

# Between them, these use every kind of layer and every option of each.
STACKS = {
    "convolutions": (
        Convolution(filters=4, kernel=5, stride=2, padding="valid", activation="leaky_relu"),
        Convolution(filters=6, kernel=2, dilation=3, activation="gelu", batch_normalisation=True),
        Convolution(filters=6, kernel=3, dilation=2, padding="valid", activation="linear", batch_normalisation=True),
        Convolution(filters=3, kernel=1, activation="tanh", batch_normalisation=True),
        Convolution(filters=5, activation="sigmoid"),
        Convolution(filters=5, kernel=4, activation="linear"),
        Flatten(),
    ),
    "depthwise convolutions": (
        Convolution(filters=4),
        DepthwiseConvolution(kernel=5, stride=2, padding="valid", activation="tanh"),
        DepthwiseConvolution(kernel=2, dilation=3, batch_normalisation=True),
        Flatten(),
    ),
    "separable convolutions": (
        Convolution(filters=4),
        SeparableConvolution(filters=6, kernel=5, stride=2, padding="valid", activation="tanh"),
        SeparableConvolution(filters=3, kernel=2, dilation=3, batch_normalisation=True),
        Flatten(),
    ),
    "inverted residuals": (
        Rescaling(scale=3.0, offset=0.5),
        Convolution(filters=4, stride=2, activation="hard_silu", batch_normalisation=True),
        InvertedResidual(filters=4, expansion=1, activation="relu6"),
        InvertedResidual(filters=4, expansion=1.5, kernel=5, squeeze=3, activation="silu"),
        InvertedResidual(filters=6, stride=2, squeeze=2, activation="hard_silu"),
        InvertedResidual(filters=6, expansion=1, fused=True, activation="silu"),
        InvertedResidual(filters=6, expansion=2, fused=True, squeeze=2, activation="relu"),
        InvertedResidual(filters=5, expansion=3, fused=True, kernel=2, stride=2),
        Convolution(filters=3, kernel=1, activation="relu6"),
        Convolution(filters=3, kernel=1, activation="silu"),
        Convolution(filters=3, kernel=1, activation="hard_sigmoid"),
        Rescaling(standardise=True),
        GlobalPooling(),
    ),
    "poolings": (
        Convolution(filters=12),
        Pooling(),
        Pooling(mode="average", size=3, stride=1, padding="same"),
        Pooling(mode="depthwise max", size=3),
        Pooling(mode="max", size=3, stride=2),
        Pooling(mode="average", size=5, stride=4, padding="same"),
        Dropout(rate=0.25),
        GlobalPooling(mode="average"),
    ),
    "vectors": (
        Dropout(rate=0.0),
        GlobalPooling(mode="max"),
        Dense(units=7, activation="tanh"),
        Dropout(rate=0.95),
        Dense(units=1, activation="linear"),
    ),
    "no convolution": (Flatten(),),
    "projections": (
        Convolution(filters=4, l2=0.01),
        DepthwiseConvolution(stride=2, l2=0.02),
        SeparableConvolution(filters=6, l2=0.03),
        SkipConnection(over=2, projection=True, stride=2),
        SkipConnection(over=1, mode="concatenate"),
        Convolution(filters=5, stride=3, padding="same"),
        SkipConnection(over=1, mode="concatenate", projection=True, stride=3),
        Flatten(),
        Dense(units=5, batch_normalisation=True, activation="tanh", l2=0.1),
        Dense(units=4, batch_normalisation=True, activation="linear"),
        SkipConnection(over=1, mode="concatenate"),
    ),
    "skips": (
        Dropout(rate=0.1),
        SkipConnection(over=1),
        Convolution(filters=4),
        Convolution(filters=4, activation="linear", batch_normalisation=True),
        Convolution(filters=4, kernel=5, batch_normalisation=True),
        SkipConnection(over=2),
        Flatten(),
        Dense(units=6),
        Dense(units=6),
        SkipConnection(over=1),
    ),
}
NETWORKS = {
    **presets(),
    **{name: RunConfig(layers=stack) for name, stack in STACKS.items()},
}


@pytest.mark.parametrize("name", NETWORKS)
def test_rows_are_the_layers_that_keras_builds(name):
    config = NETWORKS[name]
    network = build(config)
    rows = config.rows()
    built = [
        (
            layer.name,
            type(layer).__name__,
            tuple(layer.output.shape[1:]),
            layer.count_params(),
            sum(prod(variable.shape) for variable in layer.trainable_variables),
        )
        for layer in network.layers[1:]
    ]
    assert [(r.name, r.type, r.output_shape, r.parameters, r.trainable) for r in rows] == built
    assert sum(row.parameters for row in rows) == network.count_params()
    assert network.inputs[0].shape[1:] == config.data.card.input_shape
    assert network.outputs[0].shape[1:] == (len(config.data.card.class_names),)


def test_a_skip_connection_adds_the_input_of_the_first_layer_it_skips():
    config = NETWORKS["skips"]
    network, rows = build(config), config.rows()
    added = {row.name: row.takes for row in rows if row.type == "Add"}
    assert {name: skipped for name, (skipped, _) in added.items()} == {
        "add": "input",
        "add_1": "conv2d",
        "add_2": "dense",
    }
    for before, row in pairwise(rows):
        if row.type == "Add":
            taken = [tensor._keras_history.operation.name for tensor in network.get_layer(row.name).input]
            assert taken == [*row.takes] and row.takes[1] == before.name
        else:
            assert row.takes == (before.name,)


def test_the_stacks_use_every_kind_and_every_choice():
    used = [layer for name in STACKS for layer in STACKS[name]]
    assert {layer.kind for layer in used} == set(KINDS)
    assert {layer.activation for layer in used if isinstance(layer, Convolution)} == set(get_args(Activation))
    assert {layer.mode for layer in used if isinstance(layer, Pooling)} == {"max", "average", "depthwise max"}


def test_the_lecture_has_the_lectures_table():
    rows = presets()["lecture"].rows()
    assert [(r.name, r.type, r.output_shape, r.parameters) for r in rows] == [
        ("conv2d", "Conv2D", (28, 28, 64), 3_200),
        ("max_pooling2d", "MaxPooling2D", (14, 14, 64), 0),
        ("conv2d_1", "Conv2D", (14, 14, 128), 73_856),
        ("conv2d_2", "Conv2D", (14, 14, 128), 147_584),
        ("max_pooling2d_1", "MaxPooling2D", (7, 7, 128), 0),
        ("conv2d_3", "Conv2D", (7, 7, 256), 295_168),
        ("conv2d_4", "Conv2D", (7, 7, 256), 590_080),
        ("max_pooling2d_2", "MaxPooling2D", (3, 3, 256), 0),
        ("flatten", "Flatten", (2304,), 0),
        ("dense", "Dense", (128,), 295_040),
        ("dropout", "Dropout", (128,), 0),
        ("dense_1", "Dense", (64,), 8_256),
        ("dropout_1", "Dropout", (64,), 0),
        ("dense_2", "Dense", (10,), 650),
    ]
    assert sum(row.parameters for row in rows) == sum(row.trainable for row in rows) == 1_413_834


def test_the_lectures_multiply_accumulates():
    macs = [row.macs for row in presets()["lecture"].rows() if row.macs]
    assert macs == [
        28 * 28 * 7 * 7 * 1 * 64,
        14 * 14 * 3 * 3 * 64 * 128,
        14 * 14 * 3 * 3 * 128 * 128,
        7 * 7 * 3 * 3 * 128 * 256,
        7 * 7 * 3 * 3 * 256 * 256,
        2304 * 128,
        128 * 64,
        64 * 10,
    ]


def test_the_lectures_receptive_fields_end_where_positions_are_lost():
    fields = [row.receptive_field for row in presets()["lecture"].rows()]
    sizes = [(7, 1), (8, 2), (12, 2), (16, 2), (18, 4), (26, 4), (34, 4), (38, 8)]
    starts = [-3, -3, -5, -7, -7, -11, -15, -15]
    assert fields[:8] == [(*size, start) for size, start in zip(sizes, starts, strict=True)]
    assert fields[8:] == [None] * 6


def test_a_block_multiplies_the_maps_sees_each_and_adds_what_came_in():
    layers = (Convolution(filters=4), InvertedResidual(filters=4, squeeze=2, activation="silu"), GlobalPooling())
    rows = RunConfig(layers=layers).rows()[1:-2]
    assert [(row.type, row.output_shape, row.parameters, row.macs) for row in rows] == [
        ("Conv2D", (28, 28, 24), 4 * 24, 28 * 28 * 4 * 24),
        ("BatchNormalization", (28, 28, 24), 4 * 24, 28 * 28 * 24),
        ("Activation", (28, 28, 24), 0, 0),
        ("DepthwiseConv2D", (28, 28, 24), 9 * 24, 28 * 28 * 9 * 24),
        ("BatchNormalization", (28, 28, 24), 4 * 24, 28 * 28 * 24),
        ("Activation", (28, 28, 24), 0, 0),
        ("GlobalAveragePooling2D", (1, 1, 24), 0, 0),
        ("Conv2D", (1, 1, 2), 24 * 2 + 2, 24 * 2),
        ("Conv2D", (1, 1, 24), 2 * 24 + 24, 2 * 24),
        ("Multiply", (28, 28, 24), 0, 0),
        ("Conv2D", (28, 28, 4), 24 * 4, 28 * 28 * 24 * 4),
        ("BatchNormalization", (28, 28, 4), 4 * 4, 28 * 28 * 4),
        ("Add", (28, 28, 4), 0, 0),
    ]
    by_name = {row.name: row for row in rows}
    (multiply,) = (row for row in rows if row.type == "Multiply")
    assert multiply.takes == (rows[5].name, rows[8].name)
    assert rows[-1].takes == ("conv2d", rows[-2].name)
    assert (by_name["conv2d_2"].activation, by_name["conv2d_3"].activation) == ("silu", "sigmoid")


def test_a_block_that_changes_size_or_maps_adds_nothing():
    for change in ({"stride": 2}, {"filters": 5}):
        block = InvertedResidual(**{"filters": 4, **change})
        rows = RunConfig(layers=(Convolution(filters=4), block, GlobalPooling())).rows()
        assert "Add" not in {row.type for row in rows}


def test_a_standardised_image_has_a_mean_of_zero_and_a_deviation_of_one():
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    (row, *_) = trace([Rescaling(scale=1.0, offset=0.0, standardise=True), Flatten()], (4, 4, 3), 2)
    scale, offset = (np.array(row.arguments[name]) for name in ("scale", "offset"))
    assert scale * mean + offset == pytest.approx(np.zeros(3), abs=1e-12) and scale * deviation == pytest.approx(1)
    (row, *_) = trace([Rescaling(scale=2.0, offset=-0.1, standardise=True), Flatten()], (4, 4, 3), 2)
    scale, offset = (np.array(row.arguments[name]) for name in ("scale", "offset"))
    assert scale * 0.3 + offset == pytest.approx((2.0 * 0.3 - 0.1 - mean) / deviation)


def test_batch_normalisation_counts_what_is_not_trained():
    rows = RunConfig(layers=(Convolution(filters=16, batch_normalisation=True), GlobalPooling())).rows()
    assert [(r.type, r.parameters, r.trainable) for r in rows[:3]] == [
        ("Conv2D", 144, 144),  # no bias
        ("BatchNormalization", 64, 32),  # the moving mean and variance are not trained
        ("Activation", 0, 0),
    ]
    assert {row.layer for row in rows[:3]} == {0}


def test_every_row_knows_its_configured_layer():
    config = presets()["fast"]
    places = [row.layer for row in config.rows()]
    assert places == sorted(places) and set(places) == set(range(len(config.layers) + 1))


IMPOSSIBLE = {
    "kernel larger than its input": (
        [Pooling(size=8), Convolution(filters=4, kernel=5, padding="valid"), Flatten()],
        1,
        ["Layer 2 (Conv 4 5×5 valid relu)", "5×5 pixels", "3×3 input", "use a smaller kernel"],
    ),
    "dilated kernel larger than its input": (
        [Convolution(filters=4, kernel=5, dilation=8, padding="valid"), Flatten()],
        0,
        [
            "Layer 1 (Conv 4 5×5 valid dilation 8 relu)",
            "33×33 pixels (dilation 8)",
            "28×28 input",
            "use a smaller kernel",
        ],
    ),
    "dense before flatten": (
        [Convolution(filters=4), Dense(units=9)],
        1,
        ["Layer 2 (Dense 9 relu)", "4 feature maps of 28×28", "add a flatten or global pooling layer before it"],
    ),
    "convolution after flatten": (
        [Flatten(), Convolution(filters=4)],
        1,
        ["Layer 2 (Conv 4 3×3 same relu)", "already a vector of 784", "move it before the flatten"],
    ),
    "pooling after global pooling": (
        [Convolution(filters=4), GlobalPooling(), Pooling()],
        2,
        ["Layer 3 (Max pool 2)", "already a vector of 4", "move it before"],
    ),
    "flatten twice": ([Flatten(), Flatten()], 1, ["Layer 2 (Flatten)", "already a vector of 784", "or remove it"]),
    "global pooling twice": (
        [GlobalPooling(), GlobalPooling(mode="max")],
        1,
        ["Layer 2 (Global max pool)", "already a vector of 1", "or remove it"],
    ),
    "pooling window larger than its input": (
        [Pooling(size=16), Pooling(mode="average", size=2), Flatten()],
        1,
        ["Layer 2 (Average pool 2)", "window of 2×2", "1×1 input", "use a smaller window, or remove a pooling layer"],
    ),
    "depthwise groups that do not divide": (
        [Convolution(filters=10), Pooling(mode="depthwise max", size=4), Flatten()],
        1,
        ["Layer 2 (Depthwise max pool 4)", "10 feature maps into groups of 4", "choose a size that divides 10"],
    ),
    "stride and dilation": (
        [Convolution(filters=4, stride=2, dilation=3), Flatten()],
        0,
        ["Layer 1 (Conv 4 3×3 same stride 2 dilation 3 relu)", "stride 2 and dilation 3", "set one of them to 1"],
    ),
    "a skip from before the start": (
        [Convolution(filters=4), SkipConnection(), Flatten()],
        1,
        ["Layer 2 (Skip connection over 2)", "only 1 layer before it", "let it skip fewer layers"],
    ),
    "a skip over a pooling": (
        [Convolution(filters=4), Convolution(filters=4), Pooling(), SkipConnection(), Flatten()],
        3,
        ["Layer 4 (Skip connection over 2)", "adds 28×28×4 values to 14×14×4", "let it skip only layers that keep"],
    ),
    "a skip over a flatten": (
        [Flatten(), SkipConnection(over=1)],
        1,
        ["Layer 2 (Skip connection over 1)", "adds 28×28×1 values to 784", "must have one shape"],
    ),
    "no flatten before the output": (
        [Convolution(filters=4), Dropout()],
        2,
        ["The output layer", "4 feature maps of 28×28", "add a flatten or global pooling layer before it"],
    ),
    "standardised maps": (
        [Convolution(filters=4), Rescaling(standardise=True), Flatten()],
        1,
        ["Layer 2 (Rescaling ×2 -1 ImageNet)", "are 1 or 3, but gets 4 values", "move it to the start"],
    ),
    "a block after flatten": (
        [Flatten(), InvertedResidual()],
        1,
        ["Layer 2 (Inverted residual 24 ×6 3×3 relu6)", "already a vector of 784", "move it before the flatten"],
    ),
    "too many parameters": (
        [Convolution(filters=1024), Flatten(), Dense(units=4096)],
        2,
        ["Layer 3 (Dense 4096 relu)", "50,000,000", "use fewer units, or pool more before it"],
    ),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_impossible_stacks_are_refused_with_the_layer_and_the_fix(name):
    stack, index, parts = IMPOSSIBLE[name]
    with pytest.raises(ImpossibleStack) as caught:
        trace(stack, INPUT_SHAPE, len(CLASS_NAMES))
    message = str(caught.value)
    assert caught.value.index == index
    for part in parts:
        assert part in message
    assert message.endswith(".") and message.count(". ") == 0, "one sentence"


def broken_at(stack) -> ImpossibleStack | None:
    try:
        trace(stack, INPUT_SHAPE, len(CLASS_NAMES))
    except ImpossibleStack as error:
        return error
    return None


FIXES = {
    "kernel larger than its input": ['Set its padding to "same"', "Set its kernel size to 3", "Remove it"],
    "dilated kernel larger than its input": ['Set its padding to "same"', "Set its kernel size to 4", "Remove it"],
    "dense before flatten": [
        "Insert a flatten layer before it",
        "Insert a global pooling layer before it",
        "Remove it",
    ],
    "convolution after flatten": ["Move it before layer 1", "Remove it"],
    "pooling after global pooling": ["Move it before layer 2", "Remove it"],
    "flatten twice": ["Replace layer 1 (Flatten) with it", "Remove it"],
    "global pooling twice": ["Replace layer 1 (Global average pool) with it", "Remove it"],
    "pooling window larger than its input": ['Set its padding to "same"', "Remove it"],
    "depthwise groups that do not divide": ["Set its size to 5", "Remove it"],
    "stride and dilation": ["Set its stride to 1", "Set its dilation to 1", "Remove it"],
    "a skip from before the start": ["Move it below layer 3", "Remove it"],
    "a skip over a pooling": ["Give it a 1×1 projection with stride 2", "Move it below layer 5", "Remove it"],
    "a skip over a flatten": ["Remove it"],
    "no flatten before the output": ["Insert a global pooling layer before it", "Insert a flatten layer before it"],
    "standardised maps": ["Switch off its standardising", "Move it to the start", "Remove it"],
    "a block after flatten": ["Move it before layer 1", "Remove it"],
    "too many parameters": ["Set its units to 32", "Remove it"],
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_every_offered_fix_helps(name):
    stack, index, _ = IMPOSSIBLE[name]
    offered = fixes(stack, broken_at(stack), INPUT_SHAPE, len(CLASS_NAMES))
    assert [fix.label for fix in offered] == FIXES[name]
    for fix in offered:
        mended = fix.apply(stack)
        still = broken_at(mended)
        assert still is None or len(mended) - still.index < len(stack) - index, fix
        assert all(KINDS[layer.kind].model_validate(layer.model_dump()) == layer for layer in mended), "in range"
    if name == "convolution after flatten":
        assert offered[0].apply(stack) == [stack[1], stack[0]]


@pytest.mark.parametrize(
    ("stack", "label", "over"),
    [
        ([Convolution(filters=4), Convolution(filters=4), SkipConnection(), Flatten()], "Let it skip 1 layer", 1),
        ([*[Convolution(filters=4)] * 3, SkipConnection(over=5), Flatten()], "Let it skip 2 layers", 2),
        (
            [Convolution(filters=1), Convolution(filters=3), Convolution(filters=1), SkipConnection(over=1), Flatten()],
            "Let it skip 2 layers",
            2,
        ),
    ],
)
def test_a_skip_is_led_to_the_nearest_layer_of_its_shape(stack, label, over):
    fix = fixes(stack, broken_at(stack), INPUT_SHAPE, len(CLASS_NAMES))[0]
    assert fix.label == label
    assert fix.layers == (SkipConnection(over=over),)
    assert broken_at(fix.apply(stack)) is None


def test_the_only_layer_is_not_offered_to_be_removed():
    stack = [Dense()]
    offered = fixes(stack, broken_at(stack), INPUT_SHAPE, len(CLASS_NAMES))
    assert [fix.label for fix in offered] == FIXES["dense before flatten"][:2]


@pytest.mark.parametrize("name", presets())
@pytest.mark.parametrize("layer", [Convolution(), Pooling(padding="same"), Dense(), Dropout(), SkipConnection(over=1)])
def test_what_is_added_to_a_preset_goes_to_the_last_place_where_it_fits(name, layer):
    stack = list(presets()[name].layers)
    at, added = fitted(stack, layer, INPUT_SHAPE, len(CLASS_NAMES))

    def fits(index: int) -> bool:
        return broken_at([*stack[:index], layer, *stack[index:]]) is None

    if any(map(fits, range(len(stack) + 1))):
        assert fits(at) and not any(map(fits, range(at + 1, len(stack) + 1))) and added == layer
    else:
        assert isinstance(layer, SkipConnection) and added != layer
    assert broken_at([*stack[:at], added, *stack[at:]]) is None
    assert at == len(stack) or not isinstance(layer, Dense | Dropout)


def test_what_fits_nowhere_goes_where_its_kind_belongs():
    stack = [Convolution(filters=4), Flatten(), Dense(), Flatten()]
    assert fitted(stack, Convolution(), INPUT_SHAPE, len(CLASS_NAMES)) == (1, Convolution())
    assert fitted(stack, GlobalPooling(), INPUT_SHAPE, len(CLASS_NAMES)) == (4, GlobalPooling())
    assert fitted([], Flatten(), INPUT_SHAPE, len(CLASS_NAMES)) == (0, Flatten())


def test_a_new_skip_connection_gets_what_it_needs_to_fit():
    kept = [Convolution(filters=8), Convolution(filters=8), Convolution(filters=8), Flatten()]
    assert fitted(kept, SkipConnection(), INPUT_SHAPE, len(CLASS_NAMES)) == (3, SkipConnection())
    wider = [Convolution(filters=8), Pooling(), Convolution(filters=16), Flatten()]
    place, skip = fitted(wider, SkipConnection(), INPUT_SHAPE, len(CLASS_NAMES))
    assert place <= 3 and skip.projection and broken_at([*wider[:place], skip, *wider[place:]]) is None


def test_a_refusal_brings_the_rows_that_still_fit():
    with pytest.raises(ImpossibleStack) as caught:
        trace([Convolution(filters=4), Pooling(), Dense()], INPUT_SHAPE, 10)
    assert [row.type for row in caught.value.rows] == ["Conv2D", "MaxPooling2D"]


@pytest.mark.parametrize(
    "stack",
    [
        [Convolution(kernel=28, padding="valid"), Flatten()],
        [Pooling(size=28), Flatten()],
        [Pooling(size=16), Pooling(size=2, padding="same"), Flatten()],
        [Pooling(size=16), Convolution(filters=4, kernel=5, padding="same"), Flatten()],
        [Convolution(filters=4), Pooling(mode="depthwise max", size=4), Flatten()],
    ],
)
def test_what_just_fits_is_possible(stack):
    assert trace(stack, INPUT_SHAPE, 10)[0].output_shape[:2] in [(1, 1), (28, 28)]


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (Convolution(filters=64, kernel=7), "Conv 64 7×7 same relu"),
        (Convolution(filters=8, stride=2, batch_normalisation=True), "Conv 8 3×3 same stride 2 batch norm relu"),
        (Pooling(size=3, stride=2, padding="same"), "Max pool 3 stride 2 same"),
        (Pooling(stride=2), "Max pool 2"),
        (Pooling(mode="depthwise max", size=4), "Depthwise max pool 4"),
        (GlobalPooling(), "Global average pool"),
        (Dense(units=128), "Dense 128 relu"),
        (Dropout(rate=0.5), "Dropout 0.5"),
        (Flatten(), "Flatten"),
        (SkipConnection(over=3), "Skip connection over 3"),
        (InvertedResidual(filters=16, expansion=1), "Inverted residual 16 ×1 3×3 relu6"),
        (
            InvertedResidual(expansion=88 / 24, stride=2, squeeze=8, fused=True, activation="silu"),
            "Fused inverted residual 24 ×3.67 3×3 stride 2 squeeze 8 silu",
        ),
        (Rescaling(scale=255 / 128, offset=-127 / 128), "Rescaling ×1.992 -0.9922"),
    ],
)
def test_a_layer_reads_as_a_line(layer, text):
    assert str(layer) == text

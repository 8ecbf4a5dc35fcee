"""The table of networks drawn at random, against Keras and against counting by hand."""

from itertools import islice
from math import prod

import keras
import numpy as np
import pytest

from cnn.config import geometry, presets
from cnn.config.layers import KINDS, Row
from cnn.config.totals import totals
from cnn.networks.build import _made, _taken
from tests.config.random_networks import drawn

NAMES = [*presets(), *range(20)]


def rows_and_shape(name: str | int) -> tuple[list[Row], tuple[int, ...]]:
    if isinstance(name, int):
        network = drawn(name)
        return network.rows, network.input_shape
    return presets()[name].rows(), presets()[name].data.card.input_shape


def built(rows: list[Row], input_shape: tuple[int, ...]) -> keras.Model:
    values = {"input": keras.Input(input_shape)}
    for row in rows:
        values[row.name] = _made(row, "float32", False)(_taken(row, values))
    return keras.Model(values["input"], [values[row.name] for row in rows])


def check_against_keras(name: str | int) -> None:
    rows, shape = rows_and_shape(name)
    network = built(rows, shape)
    for row, output in zip(rows, network.outputs, strict=True):
        layer = network.get_layer(row.name)
        trainable = sum(prod(variable.shape) for variable in layer.trainable_variables)
        assert (row.output_shape, row.parameters, row.trainable) == (
            tuple(output.shape[1:]),
            layer.count_params(),
            trainable,
        ), f"{row.name} of {name}"
        arguments = layer.get_config()
        if row.window:
            size = arguments.get("kernel_size") or arguments["pool_size"]
            dilation = arguments.get("dilation_rate", (1, 1))
            assert (*row.window[:2], row.window.dilation) == (size[0], arguments["strides"][0], dilation[0]), row.name
            assert row.window.padding == arguments["padding"]
        assert (row.activation or "linear") == arguments.get("activation", "linear"), row.name
    found = totals(rows, shape)
    assert found.parameters == network.count_params()
    assert found.trainable == sum(prod(variable.shape) for variable in network.trainable_variables)


@pytest.mark.parametrize("name", NAMES)
def test_the_table_is_what_keras_builds(name):
    check_against_keras(name)


@pytest.mark.slow
def test_the_table_of_two_hundred_networks_is_what_keras_builds():
    for seed in range(20, 200):
        check_against_keras(seed)
        if seed % 20 == 0:
            keras.utils.clear_session()


def test_two_hundred_networks_have_every_kind_and_hold_together():
    networks = [drawn(seed) for seed in range(200)]
    assert {layer.kind for network in networks for layer in network.layers} == set(KINDS)
    assert len({repr(network.layers) for network in networks}) > 180
    assert any(len(row.takes) > 1 for network in networks for row in network.rows)


@pytest.mark.parametrize("name", [*range(4)])
def test_the_memory_is_that_of_the_values_that_come_out(name):
    rows, shape = rows_and_shape(name)
    outputs = built(rows, shape)(np.zeros((1, *shape), np.float32))
    assert [row.memory for row in rows] == [np.asarray(output).nbytes for output in outputs]


@pytest.mark.parametrize("names", [[*presets()], range(200)], ids=["presets", "random"])
def test_the_peak_counts_what_is_still_needed(names):
    for name in names:
        check_peak(name)


def check_peak(name: str | int) -> None:
    rows, shape = rows_and_shape(name)
    sizes = {"input": 4 * prod(shape)} | {row.name: 4 * prod(row.output_shape) for row in rows}
    most = 0
    for place, row in enumerate(rows):
        made = ["input", *(earlier.name for earlier in rows[:place])]
        taken = {name for later in rows[place:] for name in later.takes}
        most = max(most, sizes[row.name] + sum(sizes[name] for name in made if name in taken))
    found = totals(rows, shape)
    assert found.peak == most, name
    assert found.memory == sum(sizes.values()) - sizes["input"]
    assert found.peak_at in sizes


def pixels(row: Row, rows: dict[str, Row], place: int, size: int, sizes: dict[str, int]) -> set[int]:
    """The input pixels along the first axis that one value of a layer depends on, by walking back."""
    places = {place}
    if row.type == "GlobalAveragePooling2D":
        places = set(range(sizes[row.takes[0]]))
    elif row.window:
        (taken,) = row.takes
        places = geometry.inputs_of(places, sizes[taken], *row.window)
    found: set[int] = set()
    for name in row.takes:
        if name == "input":
            found |= places
        else:
            for one in {min(one, sizes[name] - 1) for one in places}:  # a factor of a map counts for all its places
                found |= pixels(rows[name], rows, one, size, sizes)
    return found


def test_the_receptive_field_frames_the_pixels_that_a_value_depends_on():
    for seed in range(200):
        check_receptive_fields(seed)


def check_receptive_fields(seed: int) -> None:
    rows, shape = rows_and_shape(seed)
    by_name = {row.name: row for row in rows}
    sizes = {"input": shape[0]} | {row.name: row.output_shape[0] for row in rows}
    for row in islice((row for row in rows if row.receptive_field), 5):
        for place in {0, row.output_shape[0] // 2, row.output_shape[0] - 1}:
            first, behind = row.receptive_field.seen_by(place)
            seen = pixels(row, by_name, place, shape[0], sizes)
            assert seen <= set(range(first, behind)), (row.name, place)
            if first >= 0 and behind <= shape[0]:  # near the border a value depends on fewer
                assert {first, behind - 1} <= seen, (row.name, place)

"""What is written out of a layer's numbers: evaluated, it gives the number."""

import re
from math import floor

import pytest

from cnn.config import presets
from cnn.config.layers import Row
from tests.config.random_networks import drawn


def evaluated(expression: str) -> float:
    assert re.fullmatch(r"(floor|[\d ·+−/()])+", expression), expression
    return eval(expression.replace("·", "*").replace("−", "-"), {"floor": floor})


def numbers(row: Row) -> dict[str, int]:
    """What the table says of a row, by what its arithmetic calls it."""
    shape = row.output_shape
    found = {"parameters": row.parameters, "MACs": row.macs, "memory in bytes": row.memory}
    if len(shape) == 3:
        found |= {"height": shape[0], "width": shape[1], "feature maps": shape[2]}
        if shape[0] == shape[1]:
            found["height and width"] = shape[0]
        found |= {"receptive field": row.receptive_field.size, "jump": row.receptive_field.jump}
    else:
        found["values"] = shape[0]
    return found


@pytest.mark.parametrize("name", [*presets(), "random"])
def test_each_expression_gives_the_number_in_the_table(name):
    rows = [row for seed in range(200) for row in drawn(seed).rows] if name == "random" else presets()[name].rows()
    for row in rows:
        known = numbers(row)
        for working in row.workings:
            assert evaluated(working.expression) == working.result == known[working.of], (row.name, working)


def test_whatever_is_not_nought_is_written_out():
    for row in (row for seed in range(200) for row in drawn(seed).rows):
        written = {working.of for working in row.workings}
        assert ("parameters" in written) == (row.parameters > 0)
        assert ("MACs" in written) == (row.macs > 0)
        assert "memory in bytes" in written
        is_slid = row.window is not None or row.arguments.get("keepdims", False)  # a mean of whole maps
        assert ({"receptive field", "jump"} <= written) == is_slid


def test_the_lectures_first_layer_on_the_board():
    first, pooling, *_ = presets()["lecture"].rows()
    assert [str(working) for working in first.workings] == [
        "floor((28 + 2·3 − 7)/1) + 1 = 28",
        "1 + (7 − 1)·1·1 = 7",
        "1·1 = 1",
        "7·7·1·64 + 64 = 3,200",
        "28·28·7·7·1·64 = 2,458,624",
        "28·28·64·4 = 200,704",
    ]
    assert str(pooling.workings[0]) == "floor((28 + 2·0 − 2)/2) + 1 = 14"

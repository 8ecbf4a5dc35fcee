"""Two networks layer by layer: what is the same, and what is not."""

import pytest

from cnn.config import presets
from cnn.config.alignment import aligned
from cnn.config.layers import Convolution, Dense, Dropout, Flatten, Pooling
from tests.config.random_networks import drawn


@pytest.mark.parametrize("first, second", [(a, b) for a in range(0, 40, 3) for b in (a, a + 1)])
def test_every_layer_is_in_one_pair_and_both_orders_are_kept(first, second):
    one, other = drawn(first).layers, drawn(second).layers
    pairs = aligned(one, other)
    assert [pair.first for pair in pairs if pair.first is not None] == list(range(len(one)))
    assert [pair.second for pair in pairs if pair.second is not None] == list(range(len(other)))
    for pair in pairs:
        if None not in pair[:2]:
            a, b = one[pair.first], other[pair.second]
            assert a.kind == b.kind and (a == b) == (pair.mark == "same")
    if first == second:
        assert {pair.mark for pair in pairs} == {"same"}


def test_a_network_and_one_that_grew():
    one = [Convolution(filters=8), Pooling(), Flatten(), Dense(units=16), Dropout()]
    other = [
        Convolution(filters=8),
        Convolution(filters=8, batch_normalisation=True),
        Pooling(stride=1),
        Flatten(),
        Dense(units=32),
    ]
    found = [(pair.first, pair.second, pair.mark, pair.changes) for pair in aligned(one, other)]
    assert found == [
        (0, 0, "same", ()),
        (None, 1, "added", ()),
        (1, 2, "changed", ("Stride as the window → 1",)),
        (2, 3, "same", ()),
        (3, 4, "changed", ("Units 16 → 32",)),
        (4, None, "removed", ()),
    ]


def test_every_preset_against_every_other_one():
    for one in presets().values():
        for other in presets().values():
            marks = [pair.mark for pair in aligned(one.layers, other.layers)]
            assert (set(marks) == {"same"}) == (one.layers == other.layers)

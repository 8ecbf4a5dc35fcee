"""Muted, kept, scaled and edited filters, against networks whose weights were changed by hand."""

import numpy as np
import pytest

from cnn.config import RunConfig
from cnn.config.layers import CONVOLUTIONS, Convolution, Dense, Flatten, GlobalPooling, Pooling, SkipConnection
from cnn.data import synthetic
from cnn.interpret.ablation import Bench, Operation, gate, operable, operated
from cnn.networks.build import build
from cnn.networks.forward import Forward
from tests.sampling import one_in

CONFIG = RunConfig(
    layers=(
        Convolution(filters=5, batch_normalisation=True),
        Convolution(filters=5, kernel=5, activation="sigmoid"),
        SkipConnection(over=1),
        Pooling(),
        Flatten(),
        Dense(units=7),
    )
)


@pytest.fixture(scope="module")
def forward() -> Forward:
    network = build(CONFIG)
    chance = np.random.default_rng(2)
    network.set_weights([weight + chance.uniform(0, 0.2, weight.shape) for weight in network.get_weights()])
    return Forward(network)


@pytest.fixture(scope="module")
def pictures():
    return synthetic.dataset(230, 5, "test")


@pytest.fixture
def bench(forward, pictures) -> Bench:
    return Bench(forward, *pictures)


def direct(forward: Forward, weights, pictures) -> np.ndarray:
    """By a network that really has these weights."""
    network = build(CONFIG)
    network.set_weights([array for arrays in weights.values() for array in arrays])
    return network(pictures[0].astype(np.float32)[..., None] / 255, training=False).numpy()


def test_layers_with_filters_can_be_operated_on_and_the_output_cannot(forward):
    assert operable(forward) == ["conv2d", "conv2d_1", "dense"]
    assert [gate(forward, name) for name in operable(forward)] == ["batch_normalization", "conv2d_1", "dense"]


@pytest.mark.parametrize("kind", CONVOLUTIONS.values(), ids=lambda kind: kind.keras_type)
@pytest.mark.parametrize("normalised", one_in(2, [False, True]))
def test_filters_of_every_kind_are_muted_and_scaled(kind, normalised, pictures):
    layers = (Convolution(filters=4), kind(activation="linear", batch_normalisation=normalised), GlobalPooling())
    forward = Forward(build(RunConfig(layers=layers)))
    name = next(row.name for row in RunConfig(layers=layers).rows() if row.layer == 1)
    shown = gate(forward, name)
    weights, pixels = forward.weights(), pictures[0][:3].astype(np.float32)[..., None] / 255
    before, muted, scaled = (
        forward(pixels, operated(forward, weights, operations))[shown]
        for operations in ([], [Operation("ablate", name, (1,))], [Operation("scale", name, (2,), factor=3.0)])
    )
    assert before[..., 1].any() and not muted[..., 1].any()
    assert np.array_equal(np.delete(muted, 1, axis=-1), np.delete(before, 1, axis=-1))
    assert scaled[..., 2] == pytest.approx(3 * before[..., 2], rel=1e-5, abs=1e-6)
    assert np.array_equal(np.delete(scaled, 2, axis=-1), np.delete(before, 2, axis=-1))


@pytest.mark.parametrize(("layer", "shown"), [("conv2d", "activation"), ("conv2d_1", "conv2d_1"), ("dense", "dense")])
def test_a_muted_filter_makes_what_zero_makes_and_leaves_the_others(forward, pictures, layer, shown):
    weights = forward.weights()
    before, after = (
        forward(pictures[0][:4].astype(np.float32)[..., None] / 255, some)[shown]
        for some in (weights, operated(forward, weights, [Operation("ablate", layer, (1, 3))]))
    )
    silent = 0.5 if layer == "conv2d_1" else 0.0  # the sigmoid of 0
    others = [index for index in range(before.shape[-1]) if index not in (1, 3)]
    assert np.allclose(after[..., [1, 3]], silent)
    assert np.allclose(after[..., others], before[..., others], atol=1e-6)


def test_keep_only_scale_and_edit(forward):
    weights = forward.weights()
    only = operated(forward, weights, [Operation("isolate", "conv2d_1", (2,))])["conv2d_1"]
    assert np.flatnonzero(np.abs(only[0]).sum(axis=(0, 1, 2))).tolist() == [2] and np.flatnonzero(only[1]).tolist() == [
        2
    ]
    scaled = operated(forward, weights, [Operation("scale", "dense", (0,), factor=-2.0)])["dense"]
    assert np.allclose(scaled[0][:, 0], -2 * weights["dense"][0][:, 0])
    assert np.array_equal(scaled[0][:, 1:], weights["dense"][0][:, 1:])
    edited = operated(forward, weights, [Operation("edit", "conv2d", (4,), weight=(0, 2, 0), value=9.0)])["conv2d"][0]
    assert edited[0, 2, 0, 4] == 9.0 and (edited != weights["conv2d"][0]).sum() == 1
    bias = operated(forward, weights, [Operation("edit", "dense", (6,), value=-3.0)])["dense"][1]
    assert bias[6] == -3.0 and (bias != weights["dense"][1]).sum() == 1


def test_operations_follow_each_other_and_leave_what_they_were_given(forward):
    weights = forward.weights()
    copies = {name: [array.copy() for array in arrays] for name, arrays in weights.items()}
    twice = operated(forward, weights, [Operation("scale", "conv2d_1", (1,), factor=3.0)] * 2)
    assert np.allclose(twice["conv2d_1"][0][..., 1], 9 * weights["conv2d_1"][0][..., 1])
    assert all(np.array_equal(a, b) for name in weights for a, b in zip(weights[name], copies[name], strict=True))
    assert twice["dense"][0] is weights["dense"][0], "what has not changed is the same object"


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (Operation("ablate", "max_pooling2d", (0,)), "no filters"),
        (Operation("ablate", "dense_1", (0,)), "no filters"),
        (Operation("ablate", "conv2d", ()), "filters 1 to 5"),
        (Operation("ablate", "conv2d", (5,)), "filters 1 to 5"),
        (Operation("scale", "conv2d", (0,), factor=float("nan")), "finite"),
        (Operation("edit", "conv2d", (0,), value=1.0), "no bias"),
        (Operation("edit", "conv2d", (0,), weight=(3, 0, 0), value=1.0), "no weight"),
        (Operation("edit", "dense", (0,), weight=(0, 0), value=1.0), "no weight"),
    ],
)
def test_an_impossible_operation_says_why(forward, operation, words):
    with pytest.raises(ValueError, match=words):
        operated(forward, forward.weights(), [operation])


@pytest.mark.parametrize("layer", one_in(2, ["conv2d", "conv2d_1", "dense"]))
def test_the_bench_answers_as_a_network_with_these_weights(forward, bench, pictures, layer):
    base = forward.weights()
    for operations in ([], [Operation("ablate", layer, (0, 2))], [Operation("scale", layer, (1,), factor=4.0)]):
        weights = operated(forward, base, operations)
        assert np.allclose(bench.answers(weights, base), direct(forward, weights, pictures), atol=1e-5)


def test_the_bench_keeps_nothing_of_other_weights(forward, bench, pictures):
    base = forward.weights()
    other = {name: [array * 0.7 for array in arrays] for name, arrays in base.items()}
    cut = [Operation("ablate", "dense", (0,))]
    for some, id_ in ((base, "one"), (other, "other"), (base, "one")):
        weights = operated(forward, some, cut)
        assert np.allclose(bench.answers(weights, some, id_), direct(forward, weights, pictures), atol=1e-5)


@pytest.mark.parametrize("layer", one_in(2, ["conv2d", "conv2d_1", "dense"]))
def test_each_filter_is_left_out_in_turn(forward, bench, pictures, layer):
    base = forward.weights()
    steps, shares = bench.without_each(layer, base), []
    try:
        while True:
            shares.append(next(steps))
    except StopIteration as stop:
        accuracies = stop.value
    filters = base[layer][0].shape[-1]
    assert shares == sorted(shares) and shares[-1] == 1.0 and len(accuracies) == filters
    for index in range(filters):
        muted = direct(forward, operated(forward, base, [Operation("ablate", layer, (index,))]), pictures)
        assert accuracies[index] == pytest.approx((muted.argmax(axis=1) == pictures[1]).mean(), abs=0.006)


def test_operations_are_told_in_words():
    assert str(Operation("ablate", "conv2d", (0, 4))) == "ablate filters 1, 5 of conv2d"
    assert str(Operation("scale", "conv2d", (0,), factor=0.5)) == "scale filter 1 of conv2d by 0.5"
    assert str(Operation("edit", "dense", (1,), value=2)) == "set the bias of filter 2 of dense to 2"
    edit = Operation("edit", "conv2d", (1,), weight=(0, 1, 2), value=3)
    assert str(edit) == "set weight (1, 2, 3) of filter 2 of conv2d to 3"

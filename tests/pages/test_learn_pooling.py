"""The lesson "Pooling": every number on it against Keras."""

import re
from math import prod

import keras
import numpy as np
import pytest
from keras import layers as kl
from streamlit.testing.v1 import AppTest

from cnn import runs
from cnn.config.layers import Convolution, Dense, Flatten, GlobalPooling, Pooling
from cnn.networks.load import load
from cnn.runs import Run
from cnn.ui.learn import pooling
from cnn.ui.learn.pooling import Pools
from tests.pages.visit import first_picture, open_page, own, picker, refresh, text
from tests.sampling import one_in


def open_lesson(run: str, **link: str) -> AppTest:
    return open_page("Learn", run, topic="pooling", **link)


def maps_of(run: Run, layer: str, picture: np.ndarray) -> np.ndarray:
    """(1, h, w, n), by Keras."""
    network = load(run)
    return np.asarray(keras.Model(network.input, network.get_layer(layer).output)(picture))


def by_keras(maps: np.ndarray, index: int, size: int, stride: int, group: int) -> dict[str, np.ndarray]:
    """A map through the four poolings: (rows, columns) each."""
    one = maps[..., index : index + 1]
    together = maps[..., index // group * group :][..., :group]
    return {
        "max": np.asarray(kl.MaxPooling2D(size, stride)(one))[0, ..., 0],
        "average": np.asarray(kl.AveragePooling2D(size, stride)(one))[0, ..., 0],
        "depthwise": np.asarray(kl.Maximum()([together[..., k] for k in range(group)]))[0],
        "global average": np.asarray(kl.GlobalAveragePooling2D()(one)),
    }


def latex_number(number: str) -> float:
    mantissa, _, exponent = number.partition(r"\cdot 10^")
    return float(mantissa) * 10.0 ** int(exponent.strip("{}") or 0)


def written(app: AppTest) -> tuple[list[float], float]:
    """The numbers that go into the value in view, and the value. A mean of a whole map has its sum and its size."""
    every = [element.value.strip("$\n ") for element in app.latex]
    latex = next(value for value in every if value.startswith((r"\begin{aligned} y", "y =")))
    result = latex_number(re.search(r"= ([^=&]+?)(?: \\end\{aligned\})?$", latex).group(1))
    if latex.startswith("y ="):
        total, count = re.search(r"x_\{i,j\} = \\frac\{(.+)\}\{(\d+)\} = ", latex).groups()
        return [latex_number(total), int(count)], result
    listed = re.search(r"(?:max\\\{|\}\\,\()(.*?)(?:\\\}|\)) \\\\ &=", latex, re.DOTALL).group(1)
    terms = re.split(r",\\ | \+ ", re.sub(r"\\\\ &\\qquad ", "", listed))
    return [latex_number(term.strip("() ")) for term in terms], result


def shown_changes(app: AppTest) -> dict[str, str]:
    table = next(m.value for m in app.markdown if m.value.startswith("| | Change"))
    return dict(re.findall(r"^\| ([a-z ]+) \| \*\*(.+?)\*\* \|$", table, re.MULTILINE))


# --- the arithmetic ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_a_map_is_pooled_as_by_keras(seed):
    chance = np.random.default_rng(seed)
    group = int(chance.integers(2, 9))
    maps = chance.normal(size=(1, *chance.integers(4, 15, 2), group * 3)).astype(np.float32)
    index, size, stride = int(chance.integers(group * 3)), int(chance.integers(2, 5)), int(chance.integers(1, 5))
    found = pooling.pooled(maps[0], index, Pools(size, stride, group))
    expected = by_keras(maps, index, size, stride, group)
    assert list(found) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=0, atol=1e-6, err_msg=name)


def test_maps_that_cannot_be_split_are_not_pooled_depthwise():
    maps = np.random.default_rng(0).normal(size=(5, 5, 11))
    assert list(pooling.pooled(maps, 3, Pools(2, 2, None))) == ["max", "average", "global average"]


# --- the page ---------------------------------------------------------------------------------------------------

KEYS = ("map", "row", "column")
CASES = [
    ("lecture", "conv2d", "conv2d", 64, 2, 2, 4),
    ("lecture", "max_pooling2d_1", "max_pooling2d_1", 128, 4, 1, 8),
    ("wardrobe", "conv2d_1", "activation_1", 64, 3, 4, 4),
    ("wardrobe", "add", "add", 64, 2, 3, 2),
]


@pytest.mark.parametrize(("run", "layer", "output", "count", "size", "stride", "group"), one_in(2, CASES))
def test_every_number_is_kerass(run, layer, output, count, size, stride, group):
    chance = np.random.default_rng(count + size)
    picture = first_picture(runs.get(run))
    maps = maps_of(runs.get(run), output, picture)
    means = np.abs(maps[0]).mean(axis=(0, 1))
    index = int(chance.choice(np.flatnonzero(means > np.median(means) / 2)))
    expected = by_keras(maps, index, size, stride, group)
    row, column = (int(chance.integers(length)) for length in expected["max"].shape)
    app = open_lesson(
        run, pooling_layer=layer, pooling_map=str(index + 1), pooling_size=str(size), pooling_stride=str(stride),
        pooling_group=str(group), pooling_row=str(row + 1), pooling_column=str(column + 1),
    )  # fmt: skip
    one = maps[0, ..., index]
    window = one[row * stride : row * stride + size, column * stride : column * stride + size]
    for kind, terms in (
        ("max", window.ravel()),
        ("average", window.ravel()),
        ("depthwise", maps[0, row, column, index // group * group :][:group]),
        ("global average", [one.sum(dtype=np.float64), one.size]),
    ):
        app.segmented_control(key="pooling_kind").set_value(kind)
        refresh(app)
        if kind != "global average":
            app.number_input(key="pooling_row").set_value(row + 1)
            app.number_input(key="pooling_column").set_value(column + 1)
            refresh(app)
        numbers, value = written(app)
        assert numbers == pytest.approx(list(terms), rel=1e-4, abs=1e-9), kind
        place = (0, 0) if kind == "global average" else (row, column)
        assert value == pytest.approx(float(expected[kind][place]), rel=1e-4, abs=1e-9), kind
        if kind == "max":
            where = re.search(r"largest is in row (\d+), column (\d+) of the map", text(app))
            found = int(where.group(1)) - 1, int(where.group(2)) - 1
            assert one[found] == expected["max"][row, column]
            assert found in [(row * stride + u, column * stride + v) for u in range(size) for v in range(size)]
        if kind == "depthwise":
            winner = int(re.search(r"the largest, from map (\d+)", text(app)).group(1)) - 1
            assert winner // group == index // group
            assert maps[0, row, column, winner] == expected["depthwise"][row, column]


@pytest.mark.parametrize(
    ("direction", "axis", "by"), one_in(3, [("right", 2, 1), ("left", 2, -1), ("up", 1, -1), ("down", 1, 1)])
)
def test_a_shift_of_the_image_changes_what_keras_says(direction, axis, by):
    run = runs.get("lecture")
    picture = first_picture(run)
    moved = np.roll(picture, by, axis)
    edge = [slice(None)] * 4
    edge[axis] = 0 if by > 0 else -1
    moved[tuple(edge)] = 0
    before, after = (maps_of(run, "conv2d_1", seen) for seen in (picture, moved))
    app = open_lesson("lecture", pooling_layer="conv2d_1", pooling_size="3", pooling_stride="2", pooling_group="8")
    app.segmented_control(key="pooling_direction").set_value(direction)
    refresh(app)
    index = app.number_input(key="pooling_map").value - 1
    expected = {"the map itself": [maps[0, ..., index] for maps in (before, after)]}
    pooled = [by_keras(maps, index, 3, 2, 8) for maps in (before, after)]
    expected |= {f"{name} pooling": [one[name] for one in pooled] for name in pooled[0]}
    shown = shown_changes(app)
    assert list(shown) == list(expected)
    for name, (first, second) in expected.items():
        change = np.linalg.norm(second.astype(float) - first) / np.linalg.norm(first)
        assert float(shown[name].rstrip("%")) == pytest.approx(100 * change, abs=0.06), name


@pytest.mark.parametrize(
    ("head", "units"),
    [
        ((Flatten(), Dense(units=7), Dense(units=5)), 7),
        ((GlobalPooling(), Dense(units=9)), 9),
        ((Flatten(),), 10),
        ((GlobalPooling(mode="max"),), 10),
    ],
)
def test_what_flatten_costs_is_what_keras_counts(head, units):
    run = own(Convolution(filters=6, stride=2), Pooling(), *head)
    app = open_lesson(run.id)
    assert app.number_input(key="pooling_units").value == units, "of the network's own first dense layer"
    for chosen in (units, 300):
        app.number_input(key="pooling_units").set_value(chosen)
        refresh(app)
        x = keras.Input((7, 7, 6))
        for name, bridge in (("Flatten", kl.Flatten()), ("Global average", kl.GlobalAveragePooling2D())):
            dense = kl.Dense(chosen)
            dense(bridge(x))
            line = next(m.value for m in app.markdown if m.value.startswith(f"**{name}**:"))
            shown = re.search(r"\$(.+) = (.+)\$", line)
            weights, bias = shown.group(1).split(" + ")
            by_hand = prod(map(int, weights.split(r" \cdot "))) + int(bias)
            assert int(shown.group(2).replace("{,}", "")) == dense.count_params() == by_hand
    own_dense = load(run).get_layer("dense")
    assert f"dense has {units} units and {own_dense.count_params():,} parameters" in text(app)


def test_max_and_average_keep_the_window_in_view():
    app = open_lesson("lecture", pooling_layer="conv2d_1")
    windows = []
    for kind in ("max", "average", "max"):
        app.segmented_control(key="pooling_kind").set_value(kind)
        refresh(app)
        windows.append(written(app)[0])
    assert windows[0] == windows[1] == windows[2] and len(windows[0]) == 4


def test_what_nobody_has_touched_follows_the_image_so_that_a_link_opens_alike():
    app = open_lesson("lecture", pooling_layer="conv2d_4")
    seen = set()
    for number in (2, 5, 9, 12):
        app.number_input(key="sample_number").set_value(number)
        refresh(app)
        again = open_lesson("lecture", pooling_layer="conv2d_4", sample_number=str(number))
        shown = [[page.number_input(key=f"pooling_{key}").value for key in KEYS] for page in (app, again)]
        assert shown[0] == shown[1]
        seen.add(shown[0][0])
    assert len(seen) > 1
    app.number_input(key="pooling_map").set_value(200)
    app.number_input(key="sample_number").set_value(1)
    refresh(app)
    assert app.number_input(key="pooling_map").value == 200, "what somebody has chosen stays"


def test_another_layer_begins_with_its_strongest_map_and_keeps_what_fits():
    app = open_lesson("wardrobe", pooling_group="8", pooling_row="14", pooling_column="14")
    app.selectbox(key="pooling_layer").set_value("conv2d_6")
    refresh(app)
    maps = maps_of(runs.get("wardrobe"), "activation_6", first_picture(runs.get("wardrobe")))[0]
    strength = np.linalg.norm(maps, axis=(0, 1))
    assert strength[app.number_input(key="pooling_map").value - 1] == pytest.approx(strength.max())
    app.slider(key="pooling_size").set_value(4)
    app.slider(key="pooling_stride").set_value(4)
    refresh(app)
    assert [app.number_input(key=f"pooling_{key}").value for key in ("row", "column")] == [1, 1]


def test_maps_of_which_there_is_one_have_no_depthwise_pooling():
    run = own(Convolution(filters=1), Flatten())
    app = open_lesson(run.id)
    assert "1 maps cannot be split" not in text(app)
    assert "One map cannot be split into groups" in text(app)
    assert list(app.segmented_control(key="pooling_kind").options) == ["max", "average", "global average"]
    assert list(shown_changes(app)) == ["the map itself", "max pooling", "average pooling", "global average pooling"]


def test_a_network_without_convolution_borrows_one_that_has():
    app = open_lesson("dense")
    assert "Dense has no convolution" in text(app) and len(shown_changes(app)) == 5


def test_a_network_whose_maps_are_too_small_says_so():
    run = own(Convolution(filters=4, stride=8), Flatten())
    assert "Feature maps of" in " ".join(s.label for s in open_lesson(run.id).selectbox), "4×4 is large enough"
    run = own(Convolution(filters=4, stride=8), Pooling(), Flatten())
    assert list(open_lesson(run.id).selectbox(key="pooling_layer").options) == ["conv2d"]
    run = own(Convolution(filters=4, stride=8, padding="valid", kernel=7), Flatten())
    assert "No layer of this network has maps of 4×4" in text(open_lesson(run.id))


def test_another_run_without_that_layer_begins_with_its_first():
    app = open_lesson("wardrobe", pooling_layer="conv2d_6", pooling_map="100")
    assert (app.selectbox(key="pooling_layer").value, app.number_input(key="pooling_map").value) == ("conv2d_6", 100)
    picker(app, "run_picker").set_value("lecture")
    refresh(app)
    assert app.selectbox(key="pooling_layer").value == "conv2d" and app.number_input(key="pooling_map").value <= 64

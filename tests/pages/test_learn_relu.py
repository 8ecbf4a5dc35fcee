"""The lesson "Feature map and ReLU": every number on it against Keras and SciPy."""

import base64
import json
import re

import keras
import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm
from streamlit.testing.v1 import AppTest

from cnn import charts, runs
from cnn.config import RunConfig
from cnn.config.layers import Convolution, Flatten, SkipConnection
from cnn.networks.build import build
from cnn.networks.load import load
from cnn.runs import Run
from tests.pages.visit import first_picture, open_page, own, picker, refresh, text
from tests.sampling import one_in

TRUE = {  # not by Keras, which the lesson asks
    "linear": lambda z: z,
    "ReLU": lambda z: np.maximum(z, 0),
    "leaky ReLU": lambda z: np.where(z > 0, z, 0.2 * z),
    "GELU": lambda z: z * norm.cdf(z),
    "tanh": np.tanh,
    "sigmoid": expit,
}


def open_lesson(run: str, **link: str) -> AppTest:
    return open_page("Learn", run, topic="relu", **link)


def around(run: Run, convolution: str) -> tuple[np.ndarray, np.ndarray]:
    """The values before and after a convolution's activation, (h, w, n), by Keras alone."""
    network = load(run)
    names = [layer.name for layer in network.layers]
    layer, later = network.get_layer(convolution), network.layers[names.index(convolution) + 1 :][:2]
    goes_in = keras.Model(network.input, layer.input)(first_picture(run))
    sums = keras.ops.conv(goes_in, layer.kernel, layer.strides, layer.padding, dilation_rate=layer.dilation_rate)
    sums = sums + layer.bias if layer.use_bias else sums
    if later and isinstance(later[0], keras.layers.BatchNormalization):
        sums, layer = later[0](sums, training=False), later[-1]
    return np.asarray(sums)[0], np.asarray(keras.Model(network.input, layer.output)(first_picture(run)))[0]


def shown_values(app: AppTest) -> dict[str, float]:
    """What is written out of one value, by activation."""
    found = {}
    for line in (m.value for m in app.markdown if m.value.startswith("$a = ")):
        name = re.search(r"\\text\{(.+?)\}\(z\)", line)
        number = line.strip("$").rsplit("= ", 1)[1]
        found[name.group(1) if name else "linear"] = latex_number(number)
    return found


def latex_number(number: str) -> float:
    mantissa, _, exponent = number.partition(r"\cdot 10^")
    return float(mantissa) * 10.0 ** int(exponent.strip("{}") or 0)


def ranges(app: AppTest) -> dict[str, tuple[float, float]]:
    """The range below each small map."""
    found = [re.match(r"\*\*(.+?)\*\*.*  \n(\S+) to (\S+)$", c.value) for c in app.caption]
    return {match.group(1): (float(match.group(2)), float(match.group(3))) for match in found if match}


def check(app: AppTest, z: np.ndarray, a: np.ndarray, row: int, column: int) -> None:
    """Every number that is shown of a map before (h, w) and after its activation, and of one of its values."""
    assert f"**{(z < 0).mean():.1%} of the {z.size} values are negative.**" in text(app)
    caption = next(c.value for c in app.caption if "All three share one scale" in c.value)
    numbers = [float(n) for n in re.findall(r"from (\S+) to (\S+) (?:before|after)", caption) for n in n]
    assert numbers == pytest.approx([z.min(), z.max(), a.min(), a.max()], rel=1e-3, abs=1e-6)
    for name, (low, high) in ranges(app).items():
        assert (low, high) == pytest.approx((TRUE[name](z).min(), TRUE[name](z).max()), rel=6e-3, abs=1e-6)
    assert list(ranges(app)) == list(TRUE)
    for name, value in shown_values(app).items():
        assert value == pytest.approx(float(TRUE[name](z[row, column])), rel=1e-3, abs=1e-6), name
    assert set(shown_values(app)) == set(TRUE)
    for line in (m.value for m in app.markdown if m.value.startswith("$a = ")):
        terms = [latex_number(n) for n in re.findall(r"[\d.]+(?:\\cdot 10\^\{-?\d+\})?", line)]
        size = abs(float(z[row, column]))  # the sign may be the formula's, as in that of the sigmoid
        assert any(term == pytest.approx(size, rel=1e-4, abs=1e-9) for term in terms[:-1] or terms), line


@pytest.mark.parametrize(("run", "layer"), [("lecture", "conv2d"), ("lecture", "conv2d_3"), ("wardrobe", "conv2d_1")])
def test_every_number_is_kerass(run, layer):
    chance = np.random.default_rng(len(run) + len(layer))
    before, after = around(runs.get(run), layer)
    height, width, count = before.shape
    row, column, number = (int(chance.integers(1, size + 1)) for size in (height, width, count))
    app = open_lesson(
        run, relu_layer=layer, relu_map=str(number), relu_row=str(row), relu_column=str(column)
    )  # fmt: skip
    assert app.number_input(key="relu_map").value == number, "as the link says"
    check(app, before[..., number - 1], after[..., number - 1], row - 1, column - 1)
    other = int(chance.integers(1, count + 1))
    app.number_input(key="relu_map").set_value(other)
    refresh(app)
    app.number_input(key="relu_row").set_value(height)
    app.number_input(key="relu_column").set_value(1)
    refresh(app)
    check(app, before[..., other - 1], after[..., other - 1], height - 1, 0)


def test_another_layer_begins_with_a_map_that_has_much_on_both_sides_of_zero():
    app = open_lesson("lecture")
    run = runs.get("lecture")
    for layer in ("conv2d", "conv2d_2", "conv2d_4"):
        app.selectbox(key="relu_layer").set_value(layer)
        refresh(app)
        before, after = around(run, layer)
        strength = [
            min(np.linalg.norm(z[z > 0]), np.linalg.norm(z[z < 0]))
            for z in (before[..., k] for k in range(len(after.T)))
        ]
        number = app.number_input(key="relu_map").value
        assert strength[number - 1] == pytest.approx(max(strength))
        row, column = (app.number_input(key=f"relu_{key}").value - 1 for key in ("row", "column"))
        assert before[row, column, number - 1] < 0
        check(app, before[..., number - 1], after[..., number - 1], row, column)


def test_the_scale_can_be_each_maps_own():
    app = open_lesson("lecture", relu_scale="each map")
    assert any("Each has its own scale" in caption.value for caption in app.caption)
    app.segmented_control(key="relu_scale").set_value("all six")
    refresh(app)
    assert not any("Each has its own scale" in caption.value for caption in app.caption)


def test_the_chart_has_the_activations_and_the_maps_values():
    app = open_lesson("lecture")
    (chart,) = app.get("plotly_chart")
    traces = json.loads(chart.proto.spec)["data"]
    z = app.number_input(key="relu_map").value - 1
    before = around(runs.get("lecture"), "conv2d")[0][..., z]
    bars = next(trace for trace in traces if trace["type"] == "bar")
    assert sum(numbers(bars["y"])) == before.size
    for name, function in TRUE.items():
        curve, point = (trace for trace in traces if trace["name"] == name)
        np.testing.assert_allclose(numbers(curve["y"]), function(numbers(curve["x"])), atol=2e-4)
        np.testing.assert_allclose(numbers(point["y"]), function(numbers(point["x"])), atol=1e-5)
        assert shown_values(app)[name] == pytest.approx(numbers(point["y"])[0], abs=1e-4)


def numbers(values: list | dict) -> np.ndarray:
    """Plotly's JSON: a list, or an array in base64."""
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]).astype(float)
    return np.array(values, float)


def test_the_histogram_counts_every_value_where_it_lies():
    z = np.random.default_rng(3).normal(size=(14, 14))
    x = np.linspace(z.min(), z.max(), 50)
    figure = charts.activations(x, {"linear": np.append(x, 0.5)}, z, 0.5)
    bars = figure.data[0]
    for middle, count, width in zip(bars.x, bars.y, bars.width, strict=True):
        inside = (z > middle - width / 2 - 1e-4) & (z < middle + width / 2 + 1e-4)
        assert abs(int(inside.sum()) - count) <= 1
    assert sum(bars.y) == z.size


def test_a_network_without_convolution_borrows_one_that_has():
    app = open_lesson("dense")
    assert "Dense has no convolution" in text(app)
    before, after = around(runs.get(runs.DEFAULT_ID), "conv2d")
    number = app.number_input(key="relu_map").value - 1
    row, column = (app.number_input(key=f"relu_{key}").value - 1 for key in ("row", "column"))
    check(app, before[..., number], after[..., number], row, column)


@pytest.mark.parametrize("activation", one_in(3, ["leaky_relu", "gelu", "tanh", "sigmoid", "linear"]))
@pytest.mark.parametrize("normalised", [False, True])
def test_every_activation_of_ones_own_network(activation, normalised):
    layer = Convolution(
        filters=3, stride=5, padding="valid", activation=activation, batch_normalisation=normalised
    )  # fmt: skip
    config = RunConfig(layers=(layer, Flatten()), data={"dataset": "synthetic"})
    run = runs.create(config, "my own")
    build(config).save(run.model_path)
    runs.write_status(run.path, runs.closed(run.status, "finished"))
    run = runs.read(run.path)
    app = open_lesson(run.id)
    before, after = around(run, "conv2d")
    if normalised and activation == "linear":
        after = before  # the layer behind is none of an activation
    number = app.number_input(key="relu_map").value - 1
    row, column = (app.number_input(key=f"relu_{key}").value - 1 for key in ("row", "column"))
    check(app, before[..., number], after[..., number], row, column)
    words = {
        "linear": "no activation",
        "leaky_relu": "Leaky ReLU multiplies them by 0.2",
        "gelu": "GELU brings them close",
    }
    assert words.get(activation, "maps all values to between") in text(app)
    assert ("normalised sums z" in text(app)) == normalised


@pytest.mark.parametrize("activation", one_in(2, ["relu6", "silu", "hard_silu", "hard_sigmoid"]))
def test_an_activation_that_is_none_of_the_six_is_the_seventh(activation):
    app = open_lesson(own(Convolution(filters=3, stride=5, activation=activation), Flatten()).id)
    name = {"relu6": "ReLU6", "silu": "SiLU", "hard_silu": "hard SiLU", "hard_sigmoid": "hard sigmoid"}[activation]
    assert list(ranges(app)) == [*TRUE, name] and name.lower() in text(app).lower()
    assert "The same values through seven activations" in [heading.value for heading in app.subheader]


def test_the_projection_of_a_skip_connection_is_none_of_the_convolutions():
    layer = Convolution(filters=3, stride=5, padding="same")
    app = open_lesson(own(layer, Convolution(filters=4), SkipConnection(over=1, projection=True), Flatten()).id)
    assert app.selectbox(key="relu_layer").options == ["conv2d", "conv2d_1"]


def test_another_run_without_that_layer_begins_with_its_first():
    app = open_lesson("wardrobe", relu_layer="conv2d_8", relu_map="100")
    assert (app.selectbox(key="relu_layer").value, app.number_input(key="relu_map").value) == ("conv2d_8", 100)
    picker(app, "run_picker").set_value("lecture")
    refresh(app)
    assert app.selectbox(key="relu_layer").value == "conv2d" and app.number_input(key="relu_map").value <= 64

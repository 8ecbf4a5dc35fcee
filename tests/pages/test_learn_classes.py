"""The lesson From maps to classes: every number that it shows, against Keras."""

import base64
import io
import json
import re
from functools import cache

import keras
import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from cnn import data, runs
from cnn.config import CLASS_NAMES
from cnn.networks.load import load
from cnn.ui.predict import inputs
from cnn.ui.text import plain
from tests.pages.visit import open_page, refresh, text

SHIPPED = ("lecture", "wardrobe", "dense")


def lesson(run: str = "lecture", **link: str) -> AppTest:
    return open_page("Learn", run, topic="classes", **link)


@cache
def pixels(label: int, number: int = 0) -> np.ndarray:
    """A test image as the page names it, float32 (1, 28, 28, 1)."""
    examples, _ = inputs.test_pictures(runs.get("lecture"))
    return data.scaled(examples.images[np.flatnonzero(examples.labels == label)[number]][None])


def keras_values(run: str, label: int) -> dict[str, np.ndarray]:
    """Of a test image what the last maps, the vector that they become, and the last layer's input and logits are."""
    network = load(runs.get(run))
    bridge = next(layer for layer in network.layers[1:] if len(layer.output.shape) == 2)
    last = network.layers[-1]
    both = keras.Model(network.input, [bridge.input, bridge.output, last.input])
    maps, vector, features = (np.asarray(value) for value in both(pixels(label), training=False))
    kernel, bias = (keras.ops.convert_to_tensor(weight, "float64") for weight in last.get_weights())
    logits = keras.ops.matmul(keras.ops.convert_to_tensor(features, "float64"), kernel) + bias
    return {"maps": maps[0], "vector": vector[0], "features": features[0], "logits": logits.numpy()[0], "last": last}


def softmax(logits: np.ndarray, temperature: float) -> np.ndarray:
    return keras.ops.softmax(keras.ops.convert_to_tensor(logits / temperature, "float64")).numpy()


def sent(app: AppTest, key: str) -> dict:
    """What the browser is given by the component with this key."""
    return next(json.loads(e.proto.json) for e in app.get("bidi_component") if e.proto.id.endswith(f"-{key}"))


def number(written: str) -> float:
    """A number as the page writes it, in a table or in LaTeX."""
    plain = written.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−·", "-0123456789-*"))
    mantissa, _, exponent = re.sub(r"[{}^() \n]", "", plain.replace(r"\cdot ", "*")).partition("*10")
    return float(mantissa) * 10.0 ** int(exponent or 0)


def table(app: AppTest) -> tuple[np.ndarray, list[str]]:
    """The numbers (10, 4) of the table, and the classes that are marked as true."""
    lines = next(m.value for m in app.markdown if "$z$" in m.value).splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines]
    assert [re.sub(r"[*✓ ]", "", row[0]) for row in cells] == [re.sub(" ", "", plain(name)) for name in CLASS_NAMES]
    marked = [name for row, name in zip(cells, CLASS_NAMES, strict=True) if "✓" in row[0]]
    return np.array([[number(cell) for cell in row[1:]] for row in cells]), marked


def written(app: AppTest) -> str:
    return next(latex.value for latex in app.latex if r"\ln p" in latex.value)


def bars(app: AppTest, key: str) -> np.ndarray:
    """The probabilities that a chart shows."""
    chart = next(chart for chart in app.get("plotly_chart") if chart.proto.id.endswith(f"-{key}"))
    values = json.loads(chart.proto.spec)["data"][0]["x"]
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])
    return np.array(values)


@pytest.mark.parametrize(("run", "label", "temperature"), [("lecture", 6, 2.5), ("wardrobe", 2, 0.5), ("dense", 9, 7)])
def test_the_table_and_the_loss_are_those_of_keras(run, label, temperature):
    app = lesson(run, sample_class=CLASS_NAMES[label])
    app.slider(key="classes_temperature").set_value(temperature)
    true = (label + 4) % 10
    app.selectbox(key="classes_true").set_value(CLASS_NAMES[true])
    shown, marked = table(refresh(app))
    assert marked == [CLASS_NAMES[true]]
    logits = keras_values(run, label)["logits"]
    np.testing.assert_allclose(shown[:, 0], logits, atol=6e-4)
    np.testing.assert_allclose(shown[:, 1], logits / temperature, atol=6e-4 / min(1, temperature))
    probabilities = softmax(logits, temperature)
    np.testing.assert_allclose(shown[:, 2], probabilities / probabilities.max(), rtol=6e-3)
    np.testing.assert_allclose(shown[:, 3], probabilities, rtol=6e-3)
    np.testing.assert_allclose(bars(app, "classes_bars"), probabilities, rtol=1e-3, atol=1e-9)

    scaled = keras.ops.convert_to_tensor(logits[None] / temperature, "float64")
    loss = float(keras.losses.sparse_categorical_crossentropy(np.array([true]), scaled, from_logits=True)[0])
    lines = written(app).replace("$", "").split(r"\\")
    assert number(lines[-1].split("=")[-1].split(r"\end")[0].strip()) == pytest.approx(loss, rel=2e-4)
    ratio = next(line for line in lines if line.lstrip("[2ex] \n").startswith(r"p &= \frac{") and "e^{z" not in line)
    assert number(ratio.split("=")[-1].strip()) == pytest.approx(probabilities[true], rel=2e-4)
    shares = probabilities / probabilities.max()
    above, below = re.search(r"\\frac\{(.*)\}\{(.*)\} =", ratio).groups()
    np.testing.assert_allclose([number(above), number(below)], [shares[true], shares.sum()], rtol=2e-4)
    sum_ = written(app).split("S &=")[1].split("&= ")[0]
    terms = [number(term) for term in sum_.replace(r"\\", "").replace("&", "").split("+")]
    np.testing.assert_allclose(terms, shares, rtol=6e-3)
    of, largest = re.search(r"e\^\{\((.*?) - (.*?)\) /", written(app)).groups()
    np.testing.assert_allclose([number(of), number(largest)], [logits[true], logits.max()], rtol=2e-4)
    total = next(line for line in lines if line.strip().startswith("&= "))
    assert number(total.split("=")[-1].strip()) == pytest.approx(1 / probabilities.max(), rel=2e-4)


@pytest.mark.parametrize("label", [0, 8])
def test_the_true_class_is_the_images_label_unless_another_is_chosen(label):
    app = lesson(sample_class=CLASS_NAMES[label])
    assert table(app)[1] == [CLASS_NAMES[label]]
    p = softmax(keras_values("lecture", label)["logits"], 1.0)[label]
    assert f"{p:.5g}" in written(app) or p > 0.9
    assert "divided by a temperature" not in text(app) and "(temperature scaling)" in text(lesson("wardrobe"))


def test_of_a_drawing_the_prediction_counts_as_true():
    """Nobody knows its label."""
    board = Image.new("RGBA", (280, 280))
    board.paste("black", (80, 60, 200, 230))
    buffer = io.BytesIO()
    board.save(buffer, "PNG")
    app = lesson()
    app.segmented_control(key="learn-from").set_value("Draw")
    refresh(app)
    url = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    app.session_state["drawing_board-0"] = {"drawing": {"raw": {"objects": []}, "data": url}}
    shown, marked = table(refresh(app))
    assert marked == [CLASS_NAMES[shown[:, 0].argmax()]]


def test_a_certain_and_an_impossible_class_have_a_loss_as_well():
    app = lesson(sample_class="Trouser", classes_temperature="0.1")
    logits = keras_values("lecture", 1)["logits"]
    for true in (int(logits.argmax()), int(logits.argmin())):
        app.selectbox(key="classes_true").set_value(CLASS_NAMES[true])
        last = written(refresh(app)).split(r"\\")[-1]
        scaled = keras.ops.convert_to_tensor(logits[None] / 0.1, "float64")
        loss = float(keras.losses.sparse_categorical_crossentropy(np.array([true]), scaled, from_logits=True)[0])
        assert number(last.split("=")[-1].split(r"\end")[0].strip()) == pytest.approx(loss, rel=2e-4, abs=1e-12)


# --- the way to the logits --------------------------------------------------------------------------------------


def strip_values(strip: dict) -> np.ndarray:
    return np.array([float(name.rsplit(": ")[-1]) for name in strip["names"]])


@pytest.mark.parametrize("run", SHIPPED)
def test_the_vectors_on_the_way_are_those_of_keras(run):
    app, expected = lesson(run, sample_class="Bag"), keras_values(run, 8)
    strips = sent(app, "classes_strips")["strips"]
    np.testing.assert_allclose(strip_values(strips[-1]), expected["logits"], rtol=1e-3)
    if len(strips) > 1:
        np.testing.assert_allclose(strip_values(strips[-2]), expected["features"], rtol=1e-3, atol=1e-6)
    if run == "dense":
        assert "no convolution" in app.info[0].value
        assert r"$28 \cdot 28 \cdot 1 = 784$" in text(app)
    if run == "wardrobe":
        [pooled] = sent(app, "classes_vector")["strips"]
        np.testing.assert_allclose(strip_values(pooled), expected["maps"].mean(axis=(0, 1)), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("map_", [1, 100, 256])
def test_the_values_of_a_map_are_where_the_lesson_says(map_):
    """In the vector that Keras makes."""
    app, expected = lesson(classes_map=str(map_), sample_class="Coat"), keras_values("lecture", 4)
    [places] = [c.value for c in app.caption if "go to the indices" in c.value]
    listed = [int(word.replace(",", "")) for word in re.findall(r"[\d,]*\d", places.split("to the indices")[1])]
    np.testing.assert_array_equal(expected["vector"][listed], expected["maps"][..., map_ - 1].ravel())
    assert sent(app, "classes_maps")["strips"][0]["chosen"] == [map_ - 1]


@pytest.mark.parametrize("map_", [5, 90])
def test_the_mean_of_a_map_is_written_out(map_):
    app, expected = lesson("wardrobe", classes_map=str(map_)), keras_values("wardrobe", 0)
    formula = next(latex.value for latex in app.latex if r"\frac{1}{9} \cdot" in latex.value).replace("$", "")
    assert number(formula.split("=")[-1]) == pytest.approx(expected["vector"][map_ - 1], rel=1e-4, abs=1e-7)
    assert number(formula.split("9} \\cdot")[1].split("=")[0]) == pytest.approx(
        expected["maps"][..., map_ - 1].sum(), rel=1e-4, abs=1e-7
    )


def test_a_network_with_fewer_maps_follows_one_that_it_has():
    app = lesson(classes_map="256")
    app.query_params["run"] = "wardrobe"
    refresh(app)
    assert 1 <= app.number_input(key="classes_map").value <= 144


# --- dropout ----------------------------------------------------------------------------------------------------


def spread(app: AppTest) -> list[float]:
    """Smallest, largest and median probability, and that without dropout."""
    [sentence] = [m.value for m in app.markdown if "random draws, of which" in m.value]
    return [float(share) / 100 for share in re.findall(r"\*\*([\d.]+)%\*\*", sentence)]


DRAWN = [("lecture", 6, 0.5, 3, 1.0), ("wardrobe", 4, 0.8, 1, 2.5), ("dense", 0, 0.15, 9, 0.4)]


@pytest.mark.parametrize(("run", "label", "rate", "draw", "temperature"), DRAWN)
def test_dropout_leaves_what_keras_makes_of_the_units_that_are_kept(run, label, rate, draw, temperature):
    app = lesson(run, sample_class=CLASS_NAMES[label], classes_rate=str(rate), classes_draw=str(draw))
    app.slider(key="classes_temperature").set_value(temperature)
    refresh(app)
    expected = keras_values(run, label)
    whole, thinned = sent(app, "classes_units")["strips"]
    np.testing.assert_allclose(strip_values(whole), expected["features"], rtol=1e-3, atol=1e-6)
    kept = np.array(["dropped" not in name for name in thinned["names"]])
    assert 0 < kept.sum() < len(kept)
    assert f"{(~kept).sum()} are 0, the other {kept.sum()}" in thinned["caption"]
    enlarged = expected["features"] * kept / (1 - rate)
    shown = [float(name.split(": ")[1]) for name in thinned["names"] if "dropped" not in name]
    np.testing.assert_allclose(shown, enlarged[kept], rtol=1e-3, atol=1e-6)
    last = expected["last"]
    last.set_weights([weights / temperature for weights in last.get_weights()])
    answer = np.asarray(last(enlarged[None].astype(np.float32)))[0]
    np.testing.assert_allclose(bars(app, "classes_dropped"), answer, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(
        bars(app, "classes_whole"), softmax(expected["logits"], temperature), rtol=1e-3, atol=1e-6
    )

    chance = np.random.default_rng(draw).random((100, len(kept)))
    np.testing.assert_array_equal(chance[0] >= rate, kept)
    every = np.where(chance >= rate, expected["features"] / (1 - rate), 0).astype(np.float32)
    of_true = np.asarray(last(every))[:, label]
    without = softmax(expected["logits"], temperature)[label]
    np.testing.assert_allclose(spread(app), [of_true.min(), of_true.max(), np.median(of_true), without], atol=6e-5)


def test_other_units_are_dropped_again_and_the_link_says_which():
    app = lesson(classes_rate="0.5")
    first = sent(app, "classes_units")["strips"][1]["names"]
    app.button(key="classes_again").click()
    assert sent(refresh(app), "classes_units")["strips"][1]["names"] != first
    assert app.number_input(key="classes_draw").value == 2
    app.number_input(key="classes_draw").set_value(1)
    assert sent(refresh(app), "classes_units")["strips"][1]["names"] == first


def test_nothing_is_dropped_at_first_nor_with_a_link_that_asks_for_nonsense():
    for link in ({}, {"classes_rate": "7", "classes_draw": "-3", "classes_temperature": "0", "classes_map": "x"}):
        app = lesson(**link)
        assert "When a network predicts, nothing is dropped" in text(app) and app.button(key="classes_again").disabled
        assert app.slider(key="classes_temperature").value == 1.0

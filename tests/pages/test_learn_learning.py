"""The lesson How filters learn: every number that it shows, against Keras."""

import base64
import json
import re
from functools import cache

import keras
import numpy as np
import pytest
import tensorflow as tf
from streamlit.testing.v1 import AppTest

from cnn import data, runs
from cnn.config import CLASS_NAMES
from cnn.lessons import gradient_descent, kernels
from cnn.ui.learn import given
from cnn.ui.learn.given import Given
from cnn.ui.predict import inputs
from tests.pages.visit import open_page, refresh, text

WEIGHTS = ("top left", "top", "top right", "left", "middle", "right", "bottom left", "bottom", "bottom right")


def lesson(run: str = "lecture", **link: str) -> AppTest:
    return open_page("Learn", run, topic="learning", **link)


@cache
def image(label: int) -> np.ndarray:
    """The first test image of a class, float64 (28, 28)."""
    examples, _ = inputs.test_pictures(runs.get("lecture"))
    return data.scaled(examples.images[np.flatnonzero(examples.labels == label)[0]][None])[0, ..., 0].astype(float)


def convolution(kernel: np.ndarray) -> keras.layers.Conv2D:
    layer = keras.layers.Conv2D(1, 3, use_bias=False, dtype="float64")
    layer.build((None, None, None, 1))
    layer.set_weights([kernel[..., None, None]])
    return layer


def largest_rate(x: np.ndarray) -> float:
    """2 / λ of the Hessian, whose columns are TensorFlow's gradients at unit kernels: the loss is quadratic."""
    columns = []
    for unit in np.eye(9):
        kernel = tf.Variable(unit.reshape(3, 3, 1, 1))
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.conv2d(x[None, ..., None], kernel, 1, "VALID") ** 2)
        columns.append(tape.gradient(loss, kernel).numpy().ravel())
    return 2 / float(np.linalg.eigvalsh(np.array(columns))[-1])


def trained(x: np.ndarray, name: str, seed: int, rate: float, steps: int) -> dict[str, np.ndarray]:
    """What Keras finds in so many steps of SGD, and in the next one."""
    kernel = kernels.named(name, 3)
    target = convolution(kernel / kernel[kernel > 0].sum())(x[None, ..., None])
    layer, sgd = convolution(gradient_descent.begin(3, seed)), keras.optimizers.SGD(rate)
    losses = []
    for _ in range(steps + 1):
        before = layer.get_weights()[0][..., 0, 0]
        with tf.GradientTape() as tape:
            z = layer(x[None, ..., None])
            loss = keras.ops.mean((z - target) ** 2)
        slope = tape.gradient(loss, layer.trainable_variables)
        losses.append(float(loss))
        sgd.apply_gradients(zip(slope, layer.trainable_variables, strict=True))
    maps = {"z": z.numpy()[0, ..., 0], "t": target.numpy()[0, ..., 0]}
    after = layer.get_weights()[0][..., 0, 0]
    return {"losses": np.array(losses), "before": before, "slope": slope[0].numpy()[..., 0, 0], "after": after, **maps}


def sent(app: AppTest, key: str) -> np.ndarray:
    """The values that the browser is given by the map with this key."""
    sent_ = next(json.loads(e.proto.json) for e in app.get("bidi_component") if e.proto.id.endswith(f"-{key}"))
    values = np.frombuffer(base64.b64decode(sent_["values"]), "<f4")
    return values.reshape(sent_["rows"], sent_["columns"])


def number(written: str) -> float:
    plain = re.sub(r"[{}^ ()\n$]|\\end.*|\\\\.*", "", written.replace(r"\cdot 10^", "e"))
    return float(plain)


def tens(app: AppTest) -> float:
    """The factor by which the gradient is shown larger than it is."""
    [title] = [m.value for m in app.markdown if m.value.startswith("**Gradient")]
    found = re.search(r"10\^\{(\d+)\}", title)
    return 10.0 ** int(found[1]) if found else 1.0


def lines(app: AppTest) -> list[str]:
    return next(latex.value for latex in app.latex if r"\partial L" in latex.value).split(r"\\")


def step(app: AppTest) -> int:
    return app.slider(key="learning_step").value


CASES = [
    ("lecture", 0, "Sobel, vertical edges", 1, 0.8, 0),
    ("wardrobe", 7, "Laplacian", 5, 0.3, 7),
    ("dense", 3, "blur", 99, 1.05, 12),
    ("lecture", 9, "emboss", 4, 1.0, 25),
]


@pytest.mark.parametrize(("run", "label", "name", "seed", "fraction", "steps"), CASES)
def test_every_number_of_a_step_is_that_of_keras(run, label, name, seed, fraction, steps):
    app = lesson(run, sample_class=CLASS_NAMES[label], learning_seed=str(seed), learning_rate=str(fraction))
    app.selectbox(key="learning_kernel").set_value(name)
    app.slider(key="learning_step").set_value(steps)
    weight = (label + steps) % 9
    app.selectbox(key="learning_weight").set_value(WEIGHTS[weight])
    refresh(app)
    x = image(label)
    rate = fraction * largest_rate(x)
    [sentence] = [m.value for m in app.markdown if "largest eigenvalue" in m.value]
    shown = [float(value) for value in re.findall(r"[=t] ?([\d.]+)\$", sentence)]
    np.testing.assert_allclose(shown, [2 / largest_rate(x), largest_rate(x), rate], rtol=1e-4)

    expected = trained(x, name, seed, rate, steps)
    close = {"rtol": 2e-4, "atol": 2e-5}
    for key, value in (
        ("x", x), ("z", expected["z"]), ("t", expected["t"]), ("d", expected["z"] - expected["t"]),
        ("before", expected["before"]), ("slope", expected["slope"] * tens(app)), ("after", expected["after"]),
    ):  # fmt: skip
        np.testing.assert_allclose(sent(app, f"learning_{key}"), value, **close, err_msg=key)
    goal = kernels.named(name, 3)
    np.testing.assert_allclose(sent(app, "learning_goal"), goal / goal[goal > 0].sum(), atol=1e-6)

    row, column = divmod(weight, 3)
    found = [line.split("=")[-1] for line in lines(app)]
    difference = expected["z"] - expected["t"]
    np.testing.assert_allclose(number(found[1]), expected["losses"][-1], **close)
    np.testing.assert_allclose(number(found[4]), expected["slope"][row, column], **close)
    np.testing.assert_allclose(number(found[-1]), expected["after"][row, column], **close)
    assert rf"\frac{{1}}{{{difference.size}}}" in lines(app)[1] and rf"x_{{i+{row},\,j+{column}}}" in lines(app)[3]
    squares, products = (lines(app)[i].split("} \\cdot")[1].split("=")[0] for i in (1, 4))
    np.testing.assert_allclose(number(squares), (difference**2).sum(), **close)
    every = difference * x[row : row + 26, column : column + 26]
    np.testing.assert_allclose(number(products), every.sum(), rtol=2e-4, atol=2e-3)
    before, eta, slope = re.findall(r"-?[\d.]+(?:\\cdot 10\^\{-?\d+\})?", lines(app)[-2].split("&=")[1])
    np.testing.assert_allclose(number(before), expected["before"][row, column], **close)
    np.testing.assert_allclose(number(eta), rate, rtol=1e-4)
    np.testing.assert_allclose(number(slope), expected["slope"][row, column], **close)

    [terms] = [m.value for m in app.markdown if "three largest" in m.value]
    factors = [number(value) for value in re.findall(r"-?\d[\d.]*(?:e-?\d+)?", terms.split("$")[1])]
    largest = np.sort(np.abs(every), axis=None)[:-4:-1]
    np.testing.assert_allclose(np.abs(np.prod(np.reshape(factors, (3, 2)), axis=1)), largest, rtol=1e-3)

    [told] = [c.value for c in app.caption if c.value.startswith("From ")]
    first, now, away = (float(value) for value in re.findall(r"(?:From|to|within) (-?[\d.e-]+\d)", told))
    np.testing.assert_allclose([first, now], expected["losses"][[0, -1]], rtol=6e-3)
    assert away == pytest.approx(np.abs(expected["before"] - goal / goal[goal > 0].sum()).max(), rel=6e-3)
    spec = json.loads(next(c.proto.spec for c in app.get("plotly_chart")))["data"]
    assert len(plotted(spec[0]["y"])) == steps + 1
    np.testing.assert_allclose(plotted(spec[0]["y"]), expected["losses"], rtol=1e-3)


def plotted(values) -> np.ndarray:
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])
    return np.array(values)


def test_steps_are_taken_one_by_one_and_all_begins_again():
    app = lesson()
    assert app.button(key="learning_again").disabled
    for taken in (1, 2):
        app.button(key="learning_one").click()
        assert step(refresh(app)) == taken
    app.slider(key="learning_step").set_value(300)
    refresh(app)
    assert app.button(key="learning_one").disabled and app.button(key="learning_play").disabled
    app.button(key="learning_again").click()
    assert step(refresh(app)) == 0


def test_playing_takes_a_hundred_steps_and_can_be_paused():
    app = lesson(learning_step="3")
    app.button(key="learning_play").click()
    seen = [step(refresh(app))]
    assert app.button(key="learning_halt").label == "Pause" and seen[0] == 4
    while any(button.key == "learning_halt" for button in app.button) and len(seen) < 60:
        seen.append(step(refresh(app)))  # as the clock would
    assert seen[-1] == 103 and seen == sorted(seen) and len(seen) < 45
    assert step(refresh(app)) == 103

    app.button(key="learning_play").click()
    refresh(app)
    app.button(key="learning_halt").click()
    halted = step(refresh(app))
    assert 103 < halted < 110 and step(refresh(app)) == halted


@pytest.mark.parametrize("label", [0, 6])
def test_a_hundred_steps_find_the_kernel_on_a_garment(label):
    app = lesson(sample_class=CLASS_NAMES[label], learning_step="100")
    found, goal = sent(app, "learning_before").ravel(), sent(app, "learning_goal").ravel()
    assert found @ goal / np.linalg.norm(found) / np.linalg.norm(goal) > 0.9
    assert not app.warning


def test_a_rate_that_is_too_large_is_told_and_the_loss_grows():
    app = lesson(learning_step="100", learning_rate="1.1")
    assert "too large" in app.warning[0].value
    [told] = [c.value for c in app.caption if c.value.startswith("From ")]
    first, now = (float(value) for value in re.findall(r"(?:From|to) ([\d.e+]+)", told)[:2])
    assert now > 1000 * first
    assert "limit" in lesson(learning_rate="1.0").warning[0].value


def test_a_black_image_is_a_sentence(monkeypatch):
    monkeypatch.setattr(given, "ask", lambda *_: Given(np.zeros((28, 28), np.float32), "Night", None))
    assert "all black" in lesson().info[0].value


def test_a_link_that_asks_for_nonsense_opens_the_lesson_as_it_begins():
    app = lesson(learning_step="9999", learning_kernel="magic", learning_rate="x", learning_weight="nowhere")
    assert step(app) == 0 and app.selectbox(key="learning_kernel").value == "Sobel, vertical edges"
    assert "top left" in app.selectbox(key="learning_weight").value and "The next step written out" in text(app)

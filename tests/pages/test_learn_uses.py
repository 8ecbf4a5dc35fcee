"""The lesson on where convolutional networks fail, its numbers against Keras."""

import base64
import json
import re
from functools import cache

import keras
import numpy as np
import pytest
from scipy.special import logsumexp
from streamlit.testing.v1 import AppTest

from cnn import charts, data, runs
from cnn.config import CLASS_NAMES
from cnn.evaluation.examples import read_examples
from cnn.networks.load import load
from cnn.networks.test_time_augmentation import augment
from cnn.ui.text import plain
from tests.pages.visit import open_page, refresh, text
from tests.sampling import one_in

EXAMPLES = read_examples(runs.get("wardrobe"))


@pytest.fixture(autouse=True)
def examples_only(monkeypatch):
    monkeypatch.setattr(data.FashionMnist, "is_cached", lambda self: False)


def learn(run: str = "lecture", **link: str) -> AppTest:
    return open_page("Learn", run, topic="uses", **link)


def spec(app: AppTest, key: str) -> dict:
    return json.loads(next(chart.proto.spec for chart in app.get("plotly_chart") if key in chart.proto.id))


def values(numbers) -> np.ndarray:
    if isinstance(numbers, dict):
        return np.frombuffer(base64.b64decode(numbers["bdata"]), numbers["dtype"])
    return np.array(numbers)


def garment(label: int) -> np.ndarray:
    return EXAMPLES.images[EXAMPLES.labels == label][0].astype(np.float32) / 255


@cache
def shipped(run: str) -> keras.Model:
    return load(runs.get(run))


def answer(run: str, grey: np.ndarray) -> np.ndarray:
    return shipped(run).predict(grey[None, ..., None], verbose=0)[0]


@pytest.mark.parametrize("run", one_in(3, ("lecture", "dense", "wardrobe")))
@pytest.mark.parametrize(
    ("link", "label", "change"),
    [
        ({}, 0, lambda grey: grey),
        ({"uses_angle": "90"}, 1, np.rot90),
        ({"uses_angle": "-90", "uses_mirrored": "true"}, 5, lambda grey: np.rot90(grey, -1)[:, ::-1]),
        ({"uses_exchanged": "true", "uses_angle": "180"}, 8, lambda grey: 1 - np.rot90(grey, 2)),
    ],
)
def test_the_prediction_is_kerass_and_what_is_said_of_it_is_so(run, link, label, change):
    app = learn(run, sample_class=CLASS_NAMES[label], **link)
    changed = np.ascontiguousarray(change(garment(label)))
    expected = answer(run, changed)
    assert values(spec(app, "uses_bars")["data"][0]["x"]) == pytest.approx(expected, abs=2e-5)
    best = int(expected.argmax())
    said = next(element.value for element in app.markdown if "it is predicted as" in element.value)
    assert f"**{plain(CLASS_NAMES[best])}** with **{expected[best]:.1%}**" in said
    assert ("right, " in said) == (best == label) and ("wrong, " in said) == (best != label)
    assert ("and confident" in said) == (expected[best] >= 0.9)
    if best != label:
        assert f"The true label, {plain(CLASS_NAMES[label])}, gets {expected[label]:.1%}" in said
    if run == "wardrobe":
        energy = float(re.search(r"familiarity, (-?[\d.]+),", said)[1])
        # The logits are known from their softmax but for their mean, which is taken away.
        looks = augment(changed[None, ..., None])
        logits = np.log(shipped(run).predict(looks, verbose=0).astype(np.float64))
        energies = logsumexp(logits - logits.mean(axis=1, keepdims=True), axis=1)
        assert energy == pytest.approx(energies.mean(), abs=0.02)
        threshold = runs.get(run).evaluation["familiarity"]["unlike_below"]
        assert ("**unlike**" in said) == (energy < threshold)


def test_the_curve_has_kerass_prediction_at_every_right_angle():
    app = learn(sample_class="Trouser", uses_angle="35", uses_mirrored="true")
    curve = spec(app, "uses_curve")
    angles, true, best = (values(curve["data"][index][axis]) for index, axis in ((0, "x"), (0, "y"), (1, "y")))
    assert np.array_equal(angles, np.arange(-180, 181, 5))
    for quarters in (-2, -1, 0, 1, 2):
        expected = answer("lecture", np.ascontiguousarray(np.rot90(garment(1), quarters)[:, ::-1]))
        at = int(np.flatnonzero(angles == 90 * quarters)[0])
        assert true[at] == pytest.approx(expected[1], abs=2e-4) and best[at] == pytest.approx(expected.max(), abs=2e-4)
    assert np.all(best >= true) and true[0] == true[-1]
    assert curve["layout"]["shapes"][0]["x0"] == 35
    assert "Trouser is the true label" in text(app)


def test_everything_can_be_changed():
    app = learn()
    app.slider(key="uses_angle").set_value(-45)
    app.slider(key="uses_size").set_value(0.7)
    app.slider(key="uses_noise").set_value(0.2)
    app.toggle(key="uses_mirrored").set_value(True)
    app.toggle(key="uses_exchanged").set_value(True)
    words = "Rotated by −45°, at 0.7 times its size, flipped, inverted, with noise of 0.2, it is predicted as"
    assert words in text(refresh(app))


def test_a_drawing_has_no_true_class():
    ink = np.zeros((280, 280, 4), np.uint8)
    ink[60:220, 90:190, 3] = 255
    app = learn()
    app.segmented_control(key="learn-from").set_value("Draw")
    app.session_state["drawing_board-0"] = {"drawing": {"raw": {"objects": []}, "data": charts.data_url(ink)}}
    refresh(app)
    assert "is the prediction for the original image" in text(app) and "Unchanged, it is predicted as" in text(app)
    app.slider(key="uses_angle").set_value(90)
    app.session_state["drawing_board-0"] = {"drawing": {"raw": {"objects": []}, "data": charts.data_url(ink)}}
    said = text(refresh(app))
    assert "for the original image" in said and "wrong" not in said

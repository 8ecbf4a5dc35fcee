"""The lesson on why convolutions, its numbers against Keras."""

import base64
import json
import re
from functools import cache

import keras
import numpy as np
import pytest
from keras import layers as kl
from streamlit.testing.v1 import AppTest

from cnn import data, runs
from cnn.config.layers import Convolution, GlobalPooling, trace
from cnn.evaluation.examples import read_examples
from cnn.networks.load import load
from cnn.ui.predict import inputs
from tests.pages.visit import open_page, refresh, text

EXAMPLES = read_examples(runs.get("wardrobe"))


@pytest.fixture(autouse=True)
def examples_only(monkeypatch):
    """As on a machine that has never trained: 100 test images."""
    monkeypatch.setattr(data.FashionMnist, "is_cached", lambda self: False)


def learn(run: str = "lecture", **link: str) -> AppTest:
    return open_page("Learn", run, topic="why", **link)


@cache
def shipped(run: str) -> keras.Model:
    return load(runs.get(run))


def sums(app: AppTest) -> list[int]:
    """The results of what is written out."""
    results = [latex.value.rsplit("=", 1)[1] for latex in app.get("latex")]
    return [int(result.split(r"\end")[0].replace("{,}", "").strip("& \\$")) for result in results]


def spec(app: AppTest, key: str) -> dict:
    return json.loads(next(chart.proto.spec for chart in app.get("plotly_chart") if key in chart.proto.id))


def values(numbers) -> np.ndarray:
    if isinstance(numbers, dict):
        return np.frombuffer(base64.b64decode(numbers["bdata"]), numbers["dtype"])
    return np.array(numbers)


@pytest.mark.parametrize(
    ("height", "width", "channels", "units", "kernel"), [(28, 28, 1, 64, 3), (56, 28, 3, 10, 7), (84, 112, 3, 128, 5)]
)
def test_what_is_counted_is_kerass(height, width, channels, units, kernel):
    app = learn(
        why_height=str(height), why_width=str(width), why_channels=str(channels), why_units=str(units),
        why_kernel=f"{kernel}×{kernel}",
    )  # fmt: skip
    dense, convolution = kl.Dense(units), kl.Conv2D(units, kernel, padding="same")
    dense.build((None, height * width * channels))
    convolution.build((None, height, width, channels))
    row = trace([Convolution(filters=units, kernel=kernel), GlobalPooling()], (height, width, channels), classes=10)[0]
    every = int(np.prod(convolution.compute_output_shape((1, height, width, channels))))
    all_dense = int(np.prod(dense.kernel.shape)) // units * every
    assert sums(app) == [dense.count_params(), all_dense, convolution.count_params(), row.macs]
    bars = spec(app, "why_amounts")["data"]
    assert [values(bar["x"]).tolist() for bar in bars] == [
        [dense.count_params(), all_dense],
        [row.parameters, row.macs],
    ]
    times = re.findall(r"\*\*(?:only )?([\d.,]+) times as many\*\*", text(app))
    assert [float(number.replace(",", "")) for number in times] == pytest.approx(
        [dense.count_params() / row.parameters, all_dense / row.macs], rel=0.006
    )


def test_the_largest_image_is_still_counted():
    app = learn(why_height="1024", why_width="1024", why_channels="3", why_units="1024")
    assert sums(app)[1] == 1024**2 * 3 * 1024**2 * 1024
    assert spec(app, "why_amounts")["data"][0]["text"][1] == "3.38·10¹⁵"


def test_the_window_is_where_it_was_put_and_is_cut_at_the_border():
    app = learn()
    assert "A convolution: 9 pixels" in text(app) and "all 784 pixels" in text(app)
    app.session_state["why_row"], app.session_state["why_column"] = 0, 27
    assert "A convolution: 4 pixels" in text(refresh(app))
    app.segmented_control(key="why_kernel").set_value("7×7")
    assert "A convolution: 16 pixels" in text(refresh(app))


# ---------------------------------------------------------------- a garment that moves


def moved(images: np.ndarray, right: int, down: int) -> np.ndarray:
    around = np.pad(images, ((0, 0), (6, 6), (6, 6)))[:, 6 - down : 34 - down, 6 - right : 34 - right]
    return around[..., None].astype(np.float32) / 255


@pytest.mark.parametrize(
    ("right", "down"), [(3, 0), pytest.param(-4, 5, marks=pytest.mark.slow), pytest.param(0, 0, marks=pytest.mark.slow)]
)
def test_both_networks_are_kerass_on_shifted_images(right, down):
    app = learn(why_right=str(right), why_down=str(down))
    shown = EXAMPLES.images[EXAMPLES.labels == 0][:1]
    measured = {metric.label.split(",")[0]: metric for metric in app.metric}
    assert list(measured) == ["Dense", "Lecture"]
    for number, (id_, name) in enumerate((("dense", "Dense"), ("lecture", "Lecture"))):
        network = shipped(id_)
        probabilities = network.predict(moved(shown, right, down), verbose=0)[0]
        assert values(spec(app, f"why_bars_{number}")["data"][0]["x"]) == pytest.approx(probabilities, abs=1e-5)
        whole, shifted = (
            (network.predict(moved(EXAMPLES.images, *by), verbose=0).argmax(axis=1) == EXAMPLES.labels).mean()
            for by in ((0, 0), (right, down))
        )
        assert measured[name].value == f"{shifted:.1%}"
        assert measured[name].delta == f"not shifted: {whole:.1%}"
    if (right, down) == (0, 0):
        assert "Nothing is shifted yet" in text(app)


@pytest.mark.slow
def test_another_run_can_be_tried_as_well():
    app = learn("wardrobe")
    app.toggle(key="why_this").set_value(True)
    refresh(app)
    assert [metric.label.split(",")[0] for metric in app.metric] == ["Dense", "Lecture", "Wardrobe"]
    assert "why_this" not in [toggle.key for toggle in learn("lecture").toggle]


@pytest.mark.slow
def test_all_images_are_predicted_with_progress(monkeypatch):
    many = data.Split(np.tile(EXAMPLES.images, (11, 1, 1)), np.tile(EXAMPLES.labels, 11))
    monkeypatch.setattr(inputs, "test_pictures", lambda run: (many, "Eleven times the same."))
    app = learn()
    few = [metric.value for metric in app.metric]
    app.segmented_control(key="why_count").set_value("1,100")
    refresh(app)
    assert not app.metric
    app.button(key="why_measure").click()
    for _ in range(20):
        if refresh(app).metric:
            break
    assert [metric.value for metric in app.metric] == few, "each image is there as often as the others"
    assert "Eleven times the same" in text(app)

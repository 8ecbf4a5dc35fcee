"""The lesson on transfer learning, its numbers against Keras and scikit-learn."""

import base64
import json
import re

import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from streamlit.testing.v1 import AppTest

from cnn import runs
from cnn.config import RunConfig
from cnn.config.layers import Flatten
from cnn.data import own_datasets
from cnn.lessons import transfer_learning
from cnn.networks.build import build
from cnn.networks.load import load
from tests.pages.visit import open_page, picker, refresh, text


def learn(run: str = "dense", **link: str) -> AppTest:
    return open_page("Learn", run, topic="transfer", **link)


def table(app: AppTest) -> list[list[float]]:
    """Of each row: the median, the lowest and the highest accuracy in per cent, parameters trained and frozen."""
    found = next(element.value for element in app.markdown if "The new layer reads" in element.value)
    return [
        [float(number.replace(",", "")) for number in re.findall(r"[\d,]*\d(?:\.\d+)?", row.split("|", 2)[2])]
        for row in found.splitlines()[2:]
    ]


def learned(vectors: np.ndarray, per_class: int, seed: int) -> np.ndarray:
    """The accuracies of five draws, in per cent."""
    labels, accuracies = transfer_learning.digits().labels, []
    for draw in range(5):
        chosen = transfer_learning.drawn(labels, per_class, [seed, draw])
        others = np.setdiff1d(np.arange(len(labels)), chosen)
        scaled = vectors - vectors[chosen].mean(axis=0)
        scaled = scaled / np.sqrt((scaled[chosen] ** 2).sum(axis=1).mean())
        layer = LogisticRegression(C=100, max_iter=500).fit(scaled[chosen], labels[chosen])
        accuracies.append(100 * layer.score(scaled[others], labels[others]))
    return np.array(accuracies)


@pytest.mark.slow
@pytest.mark.parametrize(("per_class", "cut", "draw"), [(1, "dense_1", 1), (10, "dense", 2)])
def test_accuracies_and_parameters_are_those_of_scikit_learn_and_keras(per_class, cut, draw):
    app = learn(transfer_examples=str(per_class), transfer_cut=cut, transfer_draw=str(draw))
    run = runs.get("dense")
    images = transfer_learning.digits().images
    networks = load(run), transfer_learning.untrained(run.config)
    parts = [keras.Model(network.inputs, network.get_layer(cut).output) for network in networks]
    features = [part.predict(images, verbose=0) for part in parts]
    expected = [learned(vectors, per_class, draw) for vectors in (images.reshape(1000, -1), *features)]
    rows = table(app)
    for (middle, low, high, trained, frozen), accuracies, vectors, before in zip(
        rows,
        expected,
        (images.reshape(1000, -1), *features),
        (0, *[part.count_params() for part in parts]),
        strict=True,
    ):
        assert [middle, low, high] == pytest.approx(
            [np.median(accuracies), accuracies.min(), accuracies.max()], abs=0.35
        )
        layer = keras.layers.Dense(10)
        layer.build((None, vectors.shape[1]))
        assert trained == layer.count_params() and frozen == before
    said = next(element.value for element in app.markdown if "learned on clothes" in element.value)
    points = [float(number) for number in re.findall(r"\*\*([\d.]+) points", said)]
    words = re.findall(r"points (better|worse)", said)
    for number, word, other in zip(points, words, rows[:1] + rows[2:], strict=True):
        assert (number if word == "better" else -number) == pytest.approx(rows[1][0] - other[0], abs=0.11)
    assert f"{1000 - 10 * per_class} digits" in text(app)


def test_the_chart_is_of_every_layer():
    app = learn()
    chart = json.loads(next(chart.proto.spec for chart in app.get("plotly_chart") if "cuts" in chart.proto.id))
    assert [line["x"] for line in chart["data"]] == [["dense", "dense_1"]] * 3
    for line, row in zip(chart["data"], (1, 2, 0), strict=True):
        found = line["y"]
        if isinstance(found, dict):
            found = np.frombuffer(base64.b64decode(found["bdata"]), found["dtype"])
        assert 100 * found[1] == pytest.approx(table(app)[row][0], abs=0.06)
    assert chart["layout"]["shapes"][0]["x0"] == "dense_1", "where nothing is pooled, the last layer is the default"


def test_digits_are_shown_with_their_predictions():
    app = learn(transfer_examples="20")
    assert "5 of the 20 of each" in text(app)
    said = [element.value for element in app.markdown if element.value.count(" · ") == 2 and len(element.value) < 30]
    assert len(said) == 10
    for label, answers in enumerate(said):
        for one in answers.split(" · "):
            assert one == f"**{label}**" or (one.startswith("~~") and one != f"~~{label}~~")


@pytest.mark.slow
def test_a_layer_that_another_network_does_not_have_is_no_error():
    app = learn("wardrobe", transfer_cut="activation_8", transfer_examples="1")
    assert app.selectbox(key="transfer_cut").value == "activation_8"
    picker(app, "run_picker").set_value("dense")
    refresh(app)
    assert app.selectbox(key="transfer_cut").value == "dense_1" and not app.error


def test_a_network_of_one_layer_cannot_be_frozen():
    config = RunConfig(layers=[Flatten()], data={"dataset": "synthetic"})
    run = runs.create(config, "one layer")
    build(config).save(run.model_path)
    runs.write_status(run.path, runs.closed(run.status, "finished"))
    assert "nothing to freeze" in text(learn(run.id))


@pytest.mark.parametrize("topic", ["transfer", "large"])
def test_a_lesson_leads_to_a_network_of_your_own(topic):
    """One click to collect images; where a dataset is there already, one to a new network of it."""
    (link,) = (
        each.proto
        for each in open_page("Learn", "lecture", topic=topic).get("page_link")
        if "Collect" in each.proto.label
    )
    assert (link.page, link.label) == ("Collect", "Collect images of your own")

    dataset = own_datasets.create("Hats & caps")
    dataset.add_class("hat")
    app = open_page("Learn", "lecture", topic=topic)
    links = {each.proto.page: each.proto for each in app.get("page_link")}
    assert links["Collect"].label == "Collect images" and links["New_network"].query_string == "dataset=Hats+%26+caps"

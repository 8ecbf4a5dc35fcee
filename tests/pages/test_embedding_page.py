"""The map of a network's features, in a page of its own."""

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cnn import runs
from cnn.config import CLASS_NAMES
from cnn.data import Split
from cnn.evaluation.metrics import predict
from cnn.interpret import embedding as projections
from cnn.ui.explore import embedding
from cnn.ui.predict import inputs
from cnn.ui.text import plain
from tests.pages.visit import refresh, text

COUNT = 60


def page(run_id: str) -> None:
    import streamlit as st

    from cnn import runs
    from cnn.ui import models
    from cnn.ui.explore import embedding
    from cnn.ui.predict import inputs, pictures

    run = runs.get(run_id)
    split, _ = inputs.test_pictures(run)
    number = st.session_state.get("opened", 3)
    picture = pictures.of_sample(split.images[number], "Mine *1*", int(split.labels[number]))
    st.caption(f"In view: {number}")
    embedding.show(run, models.load(run).predict, picture, lambda index: st.session_state.update(opened=index))


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(embedding, "_MOST", COUNT)


@pytest.fixture
def app(own_tiny) -> AppTest:
    return refresh(AppTest.from_function(page, default_timeout=120, args=(own_tiny.id,)))


@pytest.fixture
def split(own_tiny) -> Split:
    return inputs.test_pictures(own_tiny)[0]


def digest(split: Split) -> str:
    return embedding._digest(split, COUNT)


def test_the_map_says_what_it_shows_and_how_far_it_can_be_trusted(app):
    words = text(app)
    assert f"the first {COUNT} of them" in words
    assert "Principal components." in words
    assert "trustworthiness" in words
    assert not app.get("button"), "nothing is picked yet"


def test_the_predictions_are_the_networks_own(own_tiny, app, split):
    kept = runs.read_found(own_tiny, "embedding")
    from cnn.networks.load import load

    probabilities = predict(load(own_tiny), split.images[:COUNT])
    assert np.array_equal(kept["answers"], probabilities.argmax(axis=1))
    assert kept["confidences"] == pytest.approx(probabilities.max(axis=1), abs=1e-4)
    assert kept["scores"].shape[0] == COUNT


def test_t_sne_is_arranged_once_for_a_network(app, own_tiny, monkeypatch):
    app.segmented_control(key="explore-embedding").set_value("t-SNE")
    refresh(app)
    assert "The image in view is one of them." in text(app)
    assert runs.read_found(own_tiny, "embedding")["tsne"].shape == (COUNT, 2)

    monkeypatch.setattr(projections, "tsne", lambda scores: pytest.fail("it is on the disk"))
    monkeypatch.setattr(projections, "pca", lambda features: pytest.fail("it is on the disk"))
    st.cache_resource.clear()  # as in another process
    refresh(app)
    assert "t-SNE." in text(app)


def test_what_was_found_of_other_images_or_half_written_is_found_again(own_tiny, split):
    one, other = digest(split), digest(Split(split.images[1:], split.labels[1:]))
    assert one != other
    runs.write_found(own_tiny, "embedding", digest=np.array(one), answers=np.zeros(3))
    assert not embedding._kept(own_tiny, one)
    everything = dict.fromkeys(("answers", "confidences", "scores", "explained", "mean", "axes"), np.zeros(3))
    runs.write_found(own_tiny, "embedding", digest=np.array(one), **everything)
    assert embedding._kept(own_tiny, one)
    assert not embedding._kept(own_tiny, other)


def test_an_image_that_is_picked_is_shown_and_opened(app, split):
    app.session_state["embedding_picked"] = (digest(split), 17)
    refresh(app)
    name = CLASS_NAMES[split.labels[17]]
    number = (split.labels[:18] == split.labels[17]).sum()
    assert f"**{name} {number}**" in text(app)
    app.button(key="embedding_open").click()
    refresh(app)
    assert app.session_state["opened"] == 17
    assert "In view: 17" in text(app)


def test_a_lasso_makes_a_gallery(app, split):
    gathered = list(range(5, 30))
    app.session_state["embedding_gathered"] = (digest(split), gathered)
    refresh(app)
    words = text(app)
    assert "25 images: " in words
    names, counts = np.unique(split.labels[5:30], return_counts=True)
    assert all(f"{count} {plain(CLASS_NAMES[label])}" in words for label, count in zip(names, counts, strict=True))
    app.button(key="embedding_open_9").click()
    refresh(app)
    assert app.session_state["opened"] == 9
    app.button(key="embedding_forget").click()
    refresh(app)
    assert "Selected with the lasso" not in text(app)


def test_a_large_gallery_says_how_much_of_it_is_shown(app, split, monkeypatch):
    monkeypatch.setattr(embedding, "_GALLERY", 8)
    app.session_state["embedding_gathered"] = (digest(split), list(range(20)))
    refresh(app)
    assert "8 of 20 are shown." in text(app)
    assert len([button for button in app.button if "embedding_open_" in str(button.key)]) == 8


def test_only_the_mistakes(app, own_tiny, split):
    wrong = (runs.read_found(own_tiny, "embedding")["answers"] != split.labels[:COUNT]).nonzero()[0]
    assert 0 < len(wrong) < COUNT, "or this test tells nothing"
    app.session_state["embedding_gathered"] = (digest(split), list(range(COUNT)))
    app.toggle(key="explore-wrong").set_value(True)
    refresh(app)
    words = text(app)
    assert f"the {len(wrong)} of {COUNT} that the network misclassifies" in words
    assert f"misclassifies {len(wrong)} of them" in words
    opened = {button.key for button in app.button if "embedding_open_" in str(button.key)}
    assert opened == {f"embedding_open_{index}" for index in wrong}


def test_what_was_picked_among_other_images_is_forgotten(app):
    app.session_state["embedding_picked"] = ("other pictures", 17)
    app.session_state["embedding_gathered"] = ("other pictures", [100_000])
    refresh(app)
    assert "Click an image on the map" in text(app)
    assert "Selected with the lasso" not in text(app)


@pytest.mark.parametrize(
    "features, words",
    [
        (np.ones((COUNT, 1), np.float32), "a single unit"),
        (np.ones((COUNT, 4), np.float32), "the same for every image"),
        (np.full((COUNT, 4), np.nan, np.float32), "not finite"),
    ],
)
def test_where_there_is_no_map_a_sentence_says_why(own_tiny, features, words, monkeypatch):
    from cnn.networks.predictor import Predictor

    monkeypatch.setattr(Predictor, "features", lambda predictor, pixels: features[: len(pixels)])
    app = refresh(AppTest.from_function(page, default_timeout=120, args=(own_tiny.id,)))
    assert words in app.info[0].value
    assert not app.get("segmented_control")

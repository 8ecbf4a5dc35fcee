"""The Evaluate page's view for robustness, in a page of its own."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnn import runs
from cnn.config import Data
from cnn.evaluation import robustness as measured
from cnn.evaluation.corruptions import CORRUPTIONS, STRENGTHS
from cnn.ui.evaluate import gallery, robustness
from tests.pages.visit import refresh, text


def page(run_id: str) -> None:
    import streamlit as st

    from cnn import runs
    from cnn.ui import state
    from cnn.ui.evaluate import robustness

    st.session_state[state.LISTED] = runs.listed()
    robustness.show(runs.get(run_id))


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(robustness, "_SIZES", {"500": 30, "2,000": 60, "All": 90})


@pytest.fixture
def shown(monkeypatch) -> list[dict]:
    """What galleries are asked to draw."""
    calls: list[dict] = []
    draw = gallery.show

    def spied(images, indices, names, key, label, **how):
        calls.append({"images": images, "names": names, **how})
        draw(images, indices, names, key, label, **how)

    monkeypatch.setattr(gallery, "show", spied)
    return calls


def opened(run_id: str, **link: str) -> AppTest:
    app = AppTest.from_function(page, default_timeout=120, args=(run_id,))
    for name, value in link.items():
        app.query_params[name.replace("_", "-")] = value
    return refresh(app)


def measure(app: AppTest) -> AppTest:
    app.button(key="measure_robustness").click()
    for _ in range(60):
        refresh(app)
        if "measure_robustness" not in {button.key for button in app.button} and not app.get("progress"):
            return app
    raise AssertionError("it does not end")


def test_before_it_is_measured_the_view_says_what_it_does_and_how_long_it_takes(own_tiny):
    app = opened(own_tiny.id)
    assert "60 test images are changed in 9 ways" in text(app) and "JPEG" in text(app)
    assert "Not measured yet: Tiny one. That takes about" in text(app)
    assert not app.get("plotly_chart")


def test_a_measured_run_shows_curves_numbers_and_the_images_that_flip(own_tiny, shown):
    app = measure(opened(own_tiny.id))
    split = robustness.inputs.split_of(Data(dataset="synthetic"), "test")
    found = measured.kept(own_tiny, split, 60)
    (mean, *_) = app.metric
    assert mean.label == "Mean accuracy under corruption" and mean.value == f"{found.mean_accuracy():.1%}"
    assert len(app.get("plotly_chart")) == 2
    assert "dotted line is guessing, 1 of 10. · synthetic data" in text(app)
    (table,) = app.dataframe
    assert table.value["Corruption"].tolist() == list(CORRUPTIONS)
    assert table.value["0"].tolist() == pytest.approx([found.clean_accuracy] * 9)
    app.selectbox(key="robustness-corruption").select("Noise")
    refresh(app)
    places, firsts = found.flips("Noise")
    last = shown[-1]
    assert len(last["images"]) == (firsts == 1).sum()
    index = int(measured.sample(split.images)[places[0]])
    assert last["names"][0].startswith(f"{index}: ")
    np.testing.assert_array_equal(
        last["images"][0], robustness.corrupted(split.images[[index]], CORRUPTIONS["Noise"], 1)[0]
    )
    last["on_open"](0)


def test_an_opened_image_stands_beside_itself_as_it_is(own_tiny, shown, monkeypatch):
    app = measure(opened(own_tiny.id, robustness_corruption="Noise"))
    assert len(shown[-1]["images"]) and not app.get("imgs")
    links = []
    monkeypatch.setattr(robustness, "explain_link", lambda run, split, labels, index: links.append((split, index)))
    index = int(shown[-1]["names"][0].partition(":")[0])
    app.session_state["opened_flip"] = index
    refresh(app)
    assert f"**Test image {index:,}**" in text(app) and links == [("test", index)]


def test_a_stop_keeps_what_is_done_and_going_on_measures_the_rest(own_tiny, monkeypatch):
    app = opened(own_tiny.id)
    split = robustness.inputs.split_of(Data(dataset="synthetic"), "test")
    model = robustness._network(*own_tiny.network_key, own_tiny)
    steps = measured.measuring(own_tiny, model, split, 60)
    for _ in range(1 + 3 * STRENGTHS + 1):  # one batch each
        next(steps)
    steps.close()
    refresh(app)
    assert "Not all of it is measured yet" in text(app)
    assert app.button(key="measure_robustness").label == "Resume"
    assert len(measured.kept(own_tiny, split, 60).found) == 3
    assert app.get("plotly_chart"), "what is done is shown"
    assert [metric.label for metric in app.metric] == ["Mean accuracy under corruption (3 of 9 so far)"]
    passes = []
    predict = measured._predict

    def counted(model, images):
        passes.append(len(images))
        return predict(model, images)

    monkeypatch.setattr(measured, "_predict", counted)
    measure(app)
    assert sum(passes) == 60 * STRENGTHS * 6


@pytest.mark.slow
def test_runs_are_compared_on_the_same_images(own_tiny, tiny):
    other = runs.create(own_tiny.config, "Second")
    other.model_path.write_bytes(own_tiny.model_path.read_bytes())
    runs.write_status(other.path, runs.closed(other.status, "finished"))
    app = measure(opened(own_tiny.id))
    app.multiselect(key="robustness-with").select("Second")
    refresh(app)
    assert "Not measured yet: Second." in text(app)
    measure(app)
    assert len(app.metric) == 2 and app.metric[0].value == app.metric[1].value, "the same network"
    assert set(app.dataframe[0].value["Run"]) > {"Second"}


def test_without_the_dataset_the_view_says_what_to_do(own_tiny, monkeypatch):
    from cnn import data

    monkeypatch.setattr(type(data.DATASETS["synthetic"]), "missing", lambda self: "It is not here.")
    assert "It is not here." in text(opened(own_tiny.id))


def test_a_choice_that_cannot_be_is_brought_into_range(own_tiny):
    app = opened(own_tiny.id, robustness_images="7", robustness_corruption="Fog", robustness_with="Nobody")
    assert "60 test images are changed" in text(app)

"""The Start page: guess first, then the prediction; ways in; what trains now."""

import numpy as np
import pytest

from cnn import runs
from cnn.config import CLASS_NAMES
from cnn.evaluation.examples import read_examples
from cnn.ui import shell
from cnn.ui.start import guess
from tests.pages.visit import make_run, open_page, refresh, text


@pytest.fixture(autouse=True)
def runs_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CNN_RUNS", str(tmp_path))


def shipped_examples():
    examples = read_examples(runs.get(runs.DEFAULT_ID))
    return examples, guess.hard_to_tell(examples)


def choose(app, name: str):
    [pills] = [group for group in app.button_group if group.label == "Your guess"]
    pills.set_value(shell.plain(name))
    return refresh(app)


def test_the_prediction_is_shown_after_the_guess_only():
    examples, hardest = shipped_examples()
    true = CLASS_NAMES[examples.labels[hardest[0]]]
    app = open_page("Start")
    assert "it is labelled" not in text(app) and not app.get("plotly_chart")
    app = choose(app, true)
    predicted = CLASS_NAMES[examples.probabilities[hardest[0]].argmax()]
    assert f"You are right: it is labelled **{true}**" in text(app).replace("\\", "")
    assert f"predicts **{predicted}**" in text(app).replace("\\", "") and app.get("plotly_chart")
    assert "So far: you 1 of 1" in text(app)


def test_a_wrong_guess_is_called_that_and_the_next_garment_is_another_one():
    examples, hardest = shipped_examples()
    index = hardest[0]
    wrong = next(
        i for i in guess.choices(examples.probabilities[index], examples.labels[index]) if i != examples.labels[index]
    )
    app = choose(open_page("Start"), CLASS_NAMES[wrong])
    assert "Not quite" in text(app) and "So far: you 0 of 1" in text(app)
    app.button(key="another_garment").click()
    app = refresh(app)
    assert "it is labelled" not in text(app) and app.query_params["garment"][0] == "2"


@pytest.mark.parametrize("number", ["0", "31", "-1", "x", "", "1e3", "²"])
def test_a_link_to_no_garment_shows_the_first(number):
    assert "Your guess" in [group.label for group in open_page("Start", garment=number).button_group]


def test_the_true_class_is_among_the_choices_even_if_the_network_finds_it_unlikely():
    probabilities = np.linspace(1, 0, 10) / np.linspace(1, 0, 10).sum()
    assert guess.choices(probabilities, 9) == [0, 1, 2, 9]
    assert guess.choices(probabilities, 1) == [0, 1, 2, 3]


def test_the_first_network_starts_with_one_click_and_opens_the_training_page(launcher):
    app = open_page("Start")
    app.button(key="first_network").click()
    app = refresh(app)
    [run] = runs.all_runs()
    assert run.name == "My first network" and run.config.preset == "fast"
    assert launcher.calls == [("start", run.id)] and app.title[0].value == "Training"


def test_what_trains_now_and_the_last_runs_are_shown():
    assert "Training now" not in text(open_page("Start")) and "Last runs" not in text(open_page("Start"))
    make_run(state="training")
    for _ in range(4):
        make_run(state="finished")
    app = open_page("Start")
    assert "Training now" in text(app) and "Last runs" in text(app)
    assert sum(link.proto.page == "Train" for link in app.get("page_link")) == 4  # one trains, three are the last

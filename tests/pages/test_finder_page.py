"""The panel on the Train page that finds a learning rate."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnn.config import RunConfig
from cnn.runs import measurement
from cnn.tuning import rate_search
from cnn.tuning.rate_search import Progress
from tests.pages.visit import open_page, refresh, text

RATES = tuple(rate_search.rate_of(batch) for batch in range(rate_search.BATCHES))
_SCALE = np.log10(RATES)
LOSSES = tuple((0.8 + 1.5 / (1 + np.exp(6 * (_SCALE + 3))) + 0.3 * np.exp(6 * (_SCALE + 1.5))).tolist())
SUGGESTED = rate_search.suggest(RATES, LOSSES, 10).rate


class Searches:
    """Stands in for the processes: one search, which stands where a test puts it."""

    def __init__(self):
        self.started: list[RunConfig] = []
        self.stopped = 0
        self.progress: Progress | None = None

    def start(self, config: RunConfig) -> Path:
        self.started.append(config)
        self.progress = Progress("starting", message="Loading TensorFlow", config=config)
        return Path("a search")

    def stop(self, folder: Path) -> None:
        assert folder == Path("a search")
        self.stopped += 1

    def read(self, folder: Path) -> Progress | None:
        assert folder == Path("a search")
        return self.progress

    def now(self, **changes) -> None:
        self.progress = replace(self.progress, **changes)


@pytest.fixture
def searches(monkeypatch) -> Searches:
    fake = Searches()
    for module, name in ((rate_search, "start"), (rate_search, "read"), (measurement, "stop")):
        monkeypatch.setattr(module, name, getattr(fake, name))
    return fake


@pytest.fixture
def app(searches, launcher) -> AppTest:
    """The Train page with the panel open."""
    app = open_page("New network")
    app.session_state["finder"] = True
    return refresh(app)


def click(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click()
    return refresh(app)


def keys(app: AppTest) -> set[str]:
    return {button.key for button in app.button}


def learning_rate(app: AppTest) -> float:
    return next(field.value for field in app.number_input if field.label == "Learning rate")


def measured(app: AppTest, searches: Searches, **changes) -> AppTest:
    """Start a search and let it end."""
    click(app, "find_rate")
    searches.now(
        **{"state": "finished", "message": "All rates were tried.", "rates": RATES, "losses": LOSSES, **changes}
    )
    return refresh(app)


def test_a_closed_panel_draws_nothing(searches, launcher):
    app = open_page("New network")
    assert "Find a learning rate" in [expander.label for expander in app.expander]
    assert "find_rate" not in keys(app)


def test_a_search_is_started_for_the_settings_on_the_page(app, searches):
    assert "The copy is not kept" in text(app) and not searches.started
    click(app, "find_rate")
    (config,) = searches.started
    assert config.preset == "fast" and config.training.learning_rate == learning_rate(app)
    assert "stop_finder" in keys(app) and "find_rate" not in keys(app)


def test_progress_is_shown_with_the_time_that_is_left(app, searches):
    click(app, "find_rate")
    assert app.get("progress")[0].proto.text == "Loading TensorFlow"
    searches.now(state="training", share=0.25, rates=RATES[:35], losses=LOSSES[:35], seconds_left=12.4)
    refresh(app)
    (bar,) = app.get("progress")
    assert bar.proto.text == "Batch 35 of 140 · at most 12 s left" and bar.proto.value == 25
    assert len(app.get("plotly_chart")) == 1
    click(app, "stop_finder")
    assert searches.stopped == 1


def test_the_suggestion_is_in_words_and_on_the_curve(app, searches):
    measured(app, searches)
    assert rate_search.suggest(RATES, LOSSES, 10).text in text(app)
    (chart,) = app.get("plotly_chart")
    assert f"suggested {SUGGESTED:g}" in chart.proto.spec
    assert f"suggested: {SUGGESTED:g}" in chart.proto.alt
    assert app.button(key="use_rate").label == f"Use {SUGGESTED:g}"


def test_using_the_rate_sets_it_in_the_form_and_does_not_call_the_curve_old(app, searches):
    before = learning_rate(app)
    measured(app, searches)
    click(app, "use_rate")
    assert learning_rate(app) == pytest.approx(SUGGESTED) != before
    assert app.session_state["draft"]["training"]["learning_rate"] == pytest.approx(SUGGESTED)
    assert "other settings" not in text(app)


def test_a_curve_of_other_settings_is_called_that(app, searches):
    measured(app, searches)
    next(field for field in app.number_input if field.label == "Batch size").set_value(16)
    refresh(app)
    assert "Measured with different settings" in text(app)


def test_a_loss_that_does_not_fall_suggests_nothing(app, searches):
    measured(app, searches, losses=(2.3,) * len(RATES))
    assert "so none is suggested" in text(app) and "use_rate" not in keys(app) and "find_rate" in keys(app)


def test_a_stopped_search_suggests_only_what_it_has_seen_the_end_of(app, searches):
    measured(app, searches, state="stopped", message="Stopped by request.", rates=RATES[:75], losses=LOSSES[:75])
    assert rate_search.suggest(RATES[:75], LOSSES[:75], 10).rises is None
    assert "too few batches to suggest" in text(app) and "use_rate" not in keys(app)
    searches.now(rates=RATES, losses=LOSSES)
    assert "use_rate" in keys(refresh(app))


@pytest.mark.parametrize("state", ["failed", "interrupted"])
def test_a_search_that_failed_says_why_and_can_be_tried_again(state, app, searches):
    measured(app, searches, state=state, message="It was *killed*.")
    (error,) = app.error
    assert "The search failed. It was \\*killed\\*." in error.value
    click(app, "find_rate")
    assert len(searches.started) == 2


def test_a_search_that_is_gone_can_be_made_anew(app, searches):
    click(app, "find_rate")
    searches.progress = None
    assert "find_rate" in keys(refresh(app))


def test_an_unwritable_runs_folder_is_a_sentence(app, searches, monkeypatch):
    def full(config):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rate_search, "start", full)
    click(app, "find_rate")
    assert "No space left on device" in app.error[0].value


def test_what_is_left_out_of_the_curve_is_said(app, searches):
    measured(app, searches)
    assert "mixed in" not in text(app)
    with_others = searches.progress.config.model_copy(
        update={"data": searches.progress.config.data.model_copy(update={"style_augmentation": 0.2})}
    )
    searches.now(config=with_others)
    assert "Images that are mixed in are left out" in text(refresh(app))

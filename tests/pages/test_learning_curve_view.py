"""The Evaluate page's learning curve, in a page of its own: begin, follow, stop, go on, and what it says."""

import pytest
from streamlit.testing.v1 import AppTest

from cnn import runs
from cnn.config import Data, RunConfig
from cnn.runs import launchers
from cnn.training import learning_curve
from cnn.training.learning_curve import DRAWS, KINDS, Point
from cnn.ui.evaluate.learning_curve import _transfer
from tests.pages.visit import text

ACCURACY = {
    "transfer": {1: 0.5, 5: 0.8, 10: 0.85, 20: 0.9, 40: 0.93, None: 0.95},
    "scratch": {1: 0.3, 5: 0.4, 10: 0.5, 20: 0.6, 40: 0.7, None: 0.79},
}


def page(run_id: str, place: str) -> None:
    from pathlib import Path

    from cnn import runs
    from cnn.ui.evaluate import learning_curve

    learning_curve.show(runs.get(run_id), Path(place))


@pytest.fixture
def opened(own_tiny, tmp_path):
    def open_() -> AppTest:
        app = AppTest.from_function(page, args=(own_tiny.id, str(tmp_path)), default_timeout=30).run()
        assert not app.exception
        return app

    return open_


@pytest.fixture
def started(monkeypatch) -> list[tuple[str, ...]]:
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(launchers, "spawn", lambda *command: calls.append(command))
    return calls


def measure(path, count: int) -> None:
    """Keep so many points, in the order in which they are measured."""
    points = [
        Point(kind, number, draw, 10 * (number or 60), ACCURACY[kind][number], 1.0)
        for number in learning_curve.PER_CLASS
        for kind in KINDS
        for draw in range(DRAWS)
    ]
    for point in points[:count]:
        learning_curve.append(path, point)


def test_it_is_begun_followed_stopped_and_taken_up_again(own_tiny, tmp_path, opened, started):
    path = learning_curve.folder(tmp_path, _transfer(own_tiny))
    app = opened()
    assert "EfficientNet-Lite2" in text(app) and "5 random draws" in text(app)
    app.button(key="start_curve").click().run()
    assert started == [("cnn.training.curve_trainer", path)]

    measure(path, 12)
    status = runs.Status("training", step=12, steps=60, seconds_left=75.0)
    runs.write_status(path, runs.signed(status, "training", "Transfer learning with 5 images of each class"))
    app = opened()
    assert "1 min 15 s left" in app.get("progress")[0].proto.text
    app.button(key="stop_curve").click().run()
    assert (path / "stop").exists()

    runs.write_status(path, runs.closed(status, "stopped", "Stopped by request."))
    app = opened()
    assert app.button(key="start_curve").label == "Resume" and "not seen" not in text(app)


def test_what_transfer_learning_buys_is_said(own_tiny, tmp_path, opened, started):
    path = learning_curve.start(tmp_path, _transfer(own_tiny))
    measure(path, 60)
    runs.write_status(path, runs.closed(runs.Status("training", step=60, steps=60), "stopped"))
    said = text(opened())
    assert "With 5 images of each class, transfer learning reaches **80.0%**" in said
    assert "from scratch, all 600 images give 79.0%" in said and "reaches **95.0%**" in said


def test_a_failure_says_why_and_can_be_tried_again(own_tiny, tmp_path, opened, started):
    path = learning_curve.start(tmp_path, _transfer(own_tiny))
    runs.write_status(path, runs.closed(runs.Status("starting"), "failed", "A class has only 3 images."))
    app = opened()
    assert "A class has only 3 images." in app.error[0].value
    app.button(key="start_curve").click().run()
    assert len(started) == 2


def test_a_run_that_began_with_learned_weights_is_measured_as_it_is(own_tiny):
    config = own_tiny.config.model_dump() | {"transfer": {"source": "lecture", "layers": 2, "frozen": 1}}
    config = RunConfig.model_validate(config)
    assert _transfer(runs.Run("x", own_tiny.path, "x", own_tiny.status, config)) == config
    other = _transfer(own_tiny)
    assert other.data == Data(dataset="synthetic", image_size=(288, 288), channels=3)
    assert other.transfer.source == "efficientnet-lite2"

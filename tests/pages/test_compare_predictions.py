"""The comparison view of the Runs page: what it says of runs on the same images, and of those it cannot compare."""

import json
import shutil

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnn import data, runs
from cnn.charts.comparison import class_differences
from cnn.config import RunConfig, presets
from cnn.evaluation import latency, predictions
from cnn.evaluation.predictions import Predictions
from cnn.runs import Run
from cnn.ui.evaluate import measured
from cnn.ui.predict import inputs
from cnn.ui.runs.predictions import BOXES
from tests.pages.visit import open_page, refresh, text

COUNT = 2000  # synthetic test images


@pytest.fixture(autouse=True)
def nothing_is_remembered():
    yield
    measured._kept.clear()


def finished(name: str, right: np.ndarray | None = None, dataset: str = "synthetic") -> Run:
    """A finished run that predicts the images of `right` rightly, the others as the next class; None: no network."""
    values = presets()["tiny"].model_dump()
    values["data"]["dataset"] = dataset
    run = runs.create(RunConfig.model_validate(values), name)
    runs.write_status(run.path, runs.Status("finished", created=1e9, epoch=3, steps=5, seconds=90.0))
    if right is not None:
        run.model_path.write_bytes(b"a network that is never read")
        labels = np.arange(COUNT) % 10
        logits = 4.0 * np.eye(10, dtype=np.float32)[np.where(right, labels, (labels + 1) % 10)]
        predictions.keep(run, Predictions("test", labels, logits, run.config.data.card.class_names))
        latency.keep(run, latency.Latency(np.array([0.002, 0.001, 0.009]), latency.machine()))
    return runs.read(run.path)


def compared(*listed: Run, **link: str) -> AppTest:
    return open_page("Runs", compare=",".join(run.id for run in listed), **{"runs-view": "Compare"} | link)


def first_of(count: int) -> np.ndarray:
    return np.arange(COUNT) < count


def boxes(app: AppTest) -> list[str]:
    return [app.button(key=f"box-{box}").label for box in BOXES]


def test_a_button_leads_from_two_ticked_runs_to_their_comparison():
    one, two = finished("One", first_of(1700)), finished("Two", first_of(1500))
    app = open_page("Runs")
    assert app.button(key="compare_selected").disabled
    app.session_state["selected_runs"] = [one.id, two.id]
    refresh(app)
    assert "On the same images" not in text(app), "the table stays quick"
    app.button(key="compare_selected").click()
    refresh(app)
    assert "On the same images" in text(app) and not app.get("menu_button")
    assert app.segmented_control(key="runs-view").value == "Compare"


def test_the_difference_is_said_and_counted():
    app = compared(finished("One", first_of(1500)), finished("Two", first_of(1700)))
    assert "Two is right on 200 more of 2,000 images than One" in text(app).replace("\\", "")
    assert "p < 0.001" in text(app).replace("\\", "").replace(":color[<]", "<")
    assert [label.split("**")[1] for label in boxes(app)] == ["1,500", "200", "0", "300"]
    assert app.button(key=f"box-{BOXES[2]}").disabled and "300 with the same class" in boxes(app)[3]
    results = app.dataframe[0].value.set_index("Run")
    assert results.loc["One", "Latency (ms)"] == pytest.approx(2) and results.loc["One", "MACs"] > 1e4
    together = next(frame.value for frame in app.dataframe if "Network" in frame.value).set_index("Network")
    assert together.loc["Average of 2", "Accuracy"] >= 75 and together.loc["Two", "Right"] == 1700
    chart = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert {trace["name"] for trace in chart["data"]} == {"Two better"}


def test_of_three_runs_two_are_chosen_and_any_can_be_averaged():
    listed = [finished(name, first_of(count)) for name, count in (("One", 1500), ("Two", 1700), ("Three", 1600))]
    app = compared(*listed)
    assert "Two is right on 100 more" in text(app), "the best two at first"
    app.selectbox(key="runs-second").select("One")
    assert "Two is right on 200 more" in text(refresh(app))
    app.selectbox(key="runs-second").select("Two")
    assert "Choose two different runs" in refresh(app).info[0].value
    app.button_group(key="runs-ensemble").set_value(["One", "Three"])
    assert "average of the 2 networks" in text(refresh(app))


def test_a_box_opens_its_images_and_the_link_an_image(draw_once):
    one, two = finished("One", first_of(1500)), finished("Two", first_of(1700))
    app = compared(one, two)
    app.button(key="box-only-first").click()
    assert "200 images, by the difference" in text(refresh(app))
    app.selectbox(key="runs-box-class").select("Coat")
    assert "20 images, by the difference" in text(refresh(app))
    app = compared(one, two, **{"runs-box": "only-first", "runs-image": "1504"})
    assert "Test image 1,504: Coat" in text(app) and "**Two:** Coat" in text(app) and "**One:** Sandal" in text(app)
    for refused in ("3", "99999", "x", "-1", "²"):
        assert "Test image" not in text(compared(one, two, **{"runs-box": "only-first", "runs-image": refused}))
    assert "by the difference" not in text(compared(one, two, **{"runs-box": "no such box"}))


def test_networks_are_measured_on_the_page(own_tiny, draw_once):
    other = runs.read(shutil.copytree(own_tiny.path, own_tiny.path.with_name(f"{own_tiny.id}-2")))
    app = compared(own_tiny, other, **{"runs-split": "Validation"})
    button = app.button(key="measure_compared")
    assert button.label == "Measure 2 networks" and "must predict all validation images once" in text(app)
    button.click()
    for _ in range(40):
        if "On the same" in text(refresh(app)) and any(b.key == "box-both-right" for b in app.button):
            break
    assert "are right on equally many of 1,000 images" in text(app)
    assert predictions.kept(own_tiny, "validation").accuracy == predictions.kept(other, "validation").accuracy
    assert latency.kept(other).median > 0 and not [b for b in app.button if b.key == "measure_compared"]


# --- what cannot be compared ------------------------------------------------------------------------------------


def test_one_ticked_run_is_not_enough():
    one = finished("One", first_of(5))
    app = compared(one)
    assert "Only One is ticked" in app.info[0].value
    app.button(key="choose_runs").click()
    assert refresh(app).segmented_control(key="runs-view").value == "Runs"
    assert "No run is ticked" in open_page("Runs", **{"runs-view": "Compare"}).info[0].value


def test_a_run_without_a_network_is_left_out():
    one, two, none = finished("One", first_of(9)), finished("Two", first_of(5)), finished("None")
    assert "None: no trained network yet" in text(compared(one, none)) and "are needed here" in text(
        compared(one, none)
    )
    assert "Two is right" not in text(compared(one, none)) and "One is right on 4 more" in text(
        compared(one, two, none)
    )


def test_runs_of_different_datasets_have_no_images_in_common():
    one, two = finished("One", first_of(9)), finished("Two", first_of(5), "fashion-mnist")
    app = compared(one, two)
    assert "they have no images in common" in text(app) and not [b for b in app.button if b.key.startswith("box-")]


def test_without_the_dataset_the_numbers_stay(monkeypatch):
    def nowhere(*arguments):
        raise data.DataUnavailable("It is nowhere.")

    inputs._split_of.clear()
    monkeypatch.setattr(data, "load", nowhere)
    app = compared(finished("One", first_of(1500)), finished("Two", first_of(1700)), **{"runs-box": "only-first"})
    assert "It is nowhere." in app.warning[0].value and "200 more" in text(app)


def test_the_chart_marks_what_may_be_chance():
    found = class_differences(
        ["a<b", "c", "d"], [0.1, -0.1, 0.01], [(0.05, 0.2), (-0.2, -0.01), (-0.1, 0.1)], ("One", "Two")
    )
    assert [(trace.name, trace.x[0]) for trace in found.data] == [
        ("One better", "a&lt;b"),
        ("Two better", "c"),
        ("may be chance", "d"),
    ]
    assert found.data[0].error_y.array[0] == pytest.approx(10) and found.data[0].error_y.arrayminus[0] == pytest.approx(
        5
    )

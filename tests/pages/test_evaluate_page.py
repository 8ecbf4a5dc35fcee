"""The Evaluate page: its sentence, the matrix and its cells, filters, classes, calibration, what stands in the way."""

import io
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

from cnn import data, runs
from cnn.data import DataUnavailable
from cnn.data.folders import class_of
from cnn.evaluation import predictions, scores
from cnn.ui import background_work, state
from cnn.ui.evaluate import images, measured
from tests.pages.visit import make_run, open_page, refresh, text


def evaluate(run, view: str = "Overview", **link: str):
    return open_page("Evaluate", run.id, **{state.EVALUATE_VIEW: view}, **link)


@pytest.fixture
def found(own_tiny):
    return predictions.kept(own_tiny, "test")


def test_the_sentence_has_the_accuracy_its_interval_and_the_worst_mistake(own_tiny, found):
    shown = text(evaluate(own_tiny))
    low, high = scores.interval(int(found.right.sum()), len(found))
    worst = scores.most_confused(scores.confusion(found))[0]
    names = found.class_names
    assert f"{100 * found.accuracy:.1f} of 100 images right ({low:.1%} to {high:.1%})." in shown
    assert f"Most often wrong: {names[worst.true]} taken for {names[worst.predicted]}." in shown
    assert "synthetic data" in shown and f"{int((~found.right).sum()):,}" in shown


def test_a_cell_of_the_matrix_opens_its_images(own_tiny, found):
    worst = scores.most_confused(scores.confusion(found))[0]
    names = found.class_names
    app = evaluate(own_tiny, true=names[worst.true], predicted=names[worst.predicted])
    assert f"**{worst.count} images**" in text(app)
    (sheet,) = (e.proto for e in app.get("bidi_component") if e.proto.component_name.endswith("sheet"))
    assert f'"label": "{min(worst.count, 60)} test images' in sheet.json


@pytest.mark.slow
def test_validation_images_are_measured_where_they_were_not(own_tiny, monkeypatch):
    monkeypatch.setattr(background_work, "_SLICE", 60.0)
    assert predictions.kept(own_tiny, "validation") is None
    app = evaluate(own_tiny, **{state.EVALUATE_SPLIT: "Validation images"})
    while "Predicting" in text(app):
        refresh(app)
    assert predictions.kept(own_tiny, "validation") is not None and "of 100 images right" in text(app)


def test_whoever_stops_it_begins_it_again(own_tiny, monkeypatch):
    monkeypatch.setattr(background_work, "_SLICE", 0.0)
    os.utime(own_tiny.model_path, (1, 1))  # what was kept is of another network
    app = evaluate(runs.read(own_tiny.path))
    next(button for button in app.button if button.label == "Stop").click()
    refresh(app)
    assert "The evaluation was stopped." in text(app) and not app.get("plotly_chart")
    next(button for button in app.button if button.label == "Evaluate again").click()
    assert "Predicting every test image" in text(refresh(app))


def test_what_stands_in_the_way_is_said(own_tiny, monkeypatch):
    os.utime(own_tiny.model_path, (1, 1))

    def unavailable(*_):
        raise DataUnavailable("The disk has gone.")

    monkeypatch.setattr(measured.predictions, "images_of", unavailable)
    app = evaluate(runs.read(own_tiny.path))
    for _ in range(5):
        if "The disk has gone." in text(app):
            break
        refresh(app)
    assert "The disk has gone." in text(app)
    assert "Evaluate again" in text(app)


def test_a_dataset_that_is_not_here_is_asked_for(own_tiny, monkeypatch):
    os.utime(own_tiny.model_path, (1, 1))
    dataset = type(data.DATASETS["synthetic"])
    monkeypatch.setattr(dataset, "missing", lambda self: "It is not here.")
    shown = text(evaluate(runs.read(own_tiny.path)))
    assert "It is not here." in shown and "Download and evaluate" in shown


@pytest.mark.parametrize("view", ["Overview", "Images"])
def test_predictions_whose_images_are_gone_are_listed_with_one_sentence(own_tiny, found, monkeypatch, view):
    monkeypatch.setattr(type(data.DATASETS["synthetic"]), "missing", lambda self: "It is not here.")
    names = found.class_names
    app = evaluate(own_tiny, view, true=names[scores.most_confused(scores.confusion(found))[0].true])
    assert text(app).count("It is not here.") == 1
    assert any("true label" in table.value for table in app.dataframe)


def test_a_run_without_a_network_says_so():
    assert "no trained network yet" in text(open_page("Evaluate", make_run("queued").id))


@pytest.mark.parametrize(
    "link", [{"true": "Hat"}, {"evaluate-image": "999999"}, {"evaluate-image": "-1"}, {"predicted": ""}]
)
def test_links_that_name_what_is_not_there_do_no_harm(own_tiny, link):
    assert "of 100 images right" in text(evaluate(own_tiny, **link))


@pytest.mark.parametrize(
    ("link", "passes"),
    [
        ({"true": "Shirt"}, lambda p: p.labels == 6),
        ({"predicted": "Bag", "evaluate-outcome": "Wrong"}, lambda p: (p.predicted == 8) & ~p.right),
        ({"evaluate-outcome": "Right"}, lambda p: p.right),
        ({"evaluate-loss": "2.0"}, lambda p: p.losses >= 2.0),
        ({"evaluate-entropy": "1.5"}, lambda p: p.entropy >= 1.5),
    ],
)
def test_filters_narrow_the_images(own_tiny, found, link, passes):
    expected = passes(found)
    shown = text(evaluate(own_tiny, "Images", **link))
    count = f"{expected.sum():,} image{'' if expected.sum() == 1 else 's'}"
    assert f"**{count}** of 2,000, {(expected & ~found.right).sum():,} of them wrong." in shown


def test_confidence_and_index_are_narrowed_by_both_ends(own_tiny, found):
    low = int(100 * np.median(found.confidence))
    app = evaluate(own_tiny, "Images")
    next(slider for slider in app.slider if slider.key == "evaluate-confidence").set_value((low, low + 10))
    next(slider for slider in app.slider if slider.key == "evaluate-index").set_value((100, 900))
    expected = (100 * found.confidence >= low) & (100 * found.confidence <= low + 10)
    expected[:100] = expected[901:] = False
    assert f"**{expected.sum()} images**" in text(refresh(app))


def test_an_opened_image_leads_to_its_explanation(own_tiny, found):
    app = evaluate(own_tiny, "Images", **{state.EVALUATE_IMAGE: "123"})
    assert "**Test image 123**" in text(app)
    (link,) = (e.proto for e in app.get("page_link") if e.proto.label == "Explain its prediction")
    number = (found.labels[:124] == found.labels[123]).sum()
    assert f"explore-number={number}" in link.query_string and "view=Explain" in link.query_string


def test_images_are_selected_one_by_one_and_taken_along_together(own_tiny):
    app = evaluate(own_tiny, "Images", **{state.EVALUATE_IMAGE: "123"})
    assert "selected**" not in text(app)
    app.button(key="select_image").click()
    refresh(app)
    app.query_params[state.EVALUATE_IMAGE] = "7"
    app.query_params[state.EVALUATE_TRUE] = "Bag"
    refresh(app).button(key="select_image").click()
    assert "**2 selected**" in text(refresh(app))
    labels = [button.proto.label for button in app.get("download_button")]
    assert labels.count("Download images (ZIP)") == 2, "one for what is listed, one for what is selected"
    app.button(key="select_image").click()  # 7 is selected: not any more
    assert "**1 selected**" in text(refresh(app))
    app.button(key="deselect").click()
    assert "selected**" not in text(refresh(app))


def test_the_table_has_every_number_of_the_images(found):
    listed = np.array([5, 3])
    table = images.as_table(found, listed)
    assert table["index"].tolist() == [5, 3] and table["true label"][0] == found.class_names[found.labels[5]]
    assert table["loss"].to_numpy() == pytest.approx(found.losses[listed], abs=1e-6)
    assert table[list(found.class_names)].sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-5)


def test_images_are_taken_along_as_folders_that_a_training_reads(own_tiny, found):
    pixels = measured.images(own_tiny, "test")
    with zipfile.ZipFile(io.BytesIO(images.as_folders(pixels, found, np.arange(40)))) as file:
        names = file.namelist()
        assert len(names) == 40
        for name in names:
            folder, _, rest = name.partition("/")
            index = int(rest.removesuffix(".png").rpartition("-")[2])
            assert class_of(folder) == found.labels[index]
            assert (np.asarray(Image.open(file.open(name))) == pixels[index]).all()


def test_each_class_has_its_row_and_one_is_followed_as_the_threshold_moves(own_tiny, found):
    app = evaluate(own_tiny, "Classes", **{state.EVALUATE_CLASS: "Shirt"})
    rows = app.dataframe[0].value
    assert rows["Class"].tolist() == [*found.class_names, "Macro mean", "Weighted mean"]
    assert rows["Recall"].to_numpy()[6] == pytest.approx(100 * scores.per_class(found)[6].recall)
    next(slider for slider in app.slider if slider.key == "evaluate-threshold").set_value(20)
    called, is_class = found.probabilities[:, 6] >= 0.2, found.labels == 6
    metrics = {metric.label: metric.value for metric in refresh(app).metric}
    assert metrics["Missed"] == f"{(~called & is_class).sum():,}"
    assert metrics["Called so, wrongly"] == f"{(called & ~is_class).sum():,}"


def test_a_temperature_is_fitted_on_the_validation_images_and_kept(own_tiny, monkeypatch):
    monkeypatch.setattr(background_work, "_SLICE", 60.0)
    app = evaluate(own_tiny, "Calibration")
    app.button(key="fit_temperature").click()
    for _ in range(5):
        refresh(app)
    fitted = predictions.kept_temperature(own_tiny)
    assert fitted is not None and f"**Temperature {fitted:.2f}**" in text(app)
    assert f"**Temperature {fitted:.2f}**" in text(evaluate(own_tiny, "Calibration"))


def test_answering_only_when_sure(own_tiny, found):
    percent = int(100 * np.median(found.confidence))
    app = evaluate(own_tiny, "Calibration", **{"evaluate-answer-from": str(percent)})
    sure = found.confidence >= percent / 100
    assert f"**{sure.mean():.1%}** of the images, **{found.right[sure].mean():.2%}**" in text(app)


@pytest.mark.slow
def test_an_evaluation_opens_without_tensorflow(own_tiny):
    """What was measured is read: nothing is loaded that takes seconds."""
    script = (
        "import sys; from cnn.ui import preload; preload.begin = lambda: None; "
        "from streamlit.testing.v1 import AppTest; app = AppTest.from_file('app.py', default_timeout=60); "
        f"app.query_params['run'] = {own_tiny.id!r}; app.switch_page('pages/8_Evaluate.py'); app.run(); "
        "assert any('of 100 images right' in s.value for s in app.subheader), app.exception; "
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules"
    )
    env = {**os.environ, "CNN_RUNS": str(own_tiny.path.parent)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_shipped_network_in_colour_is_evaluated_although_its_images_are_not_shipped():
    app = open_page("Evaluate", runs.COLOUR_ID)
    right = f"{100 * runs.get(runs.COLOUR_ID).evaluation['accuracy']:.1f} of 100 images right"
    assert right in text(app) and "do not come with the program" not in text(app)
    app = open_page("Evaluate", runs.COLOUR_ID, **{state.EVALUATE_VIEW: "Images"})
    assert "The images that Photos was trained on do not come with the program." in text(app)

"""The numbers of every figure, as a table."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from cnn import charts
from cnn.charts import table
from cnn.config import CLASS_NAMES
from cnn.tuning import Trial

BATCH = {"kind": "batch", "epoch": 0, "step": 5, "steps": 10, "loss": 2.0, "accuracy": 0.2, "seconds": 1.0}
EPOCH = {
    "kind": "epoch", "epoch": 1, "loss": 1.5, "accuracy": 0.4, "val_loss": 1.75, "val_accuracy": 0.35, "seconds": 2.0,
}  # fmt: skip
PAUSED = {"kind": "event", "what": "paused", "epoch": 0, "step": 6, "steps": 10}


def test_curves_have_a_row_for_every_value_and_the_manual_changes():
    found = table(charts.curves([BATCH, PAUSED, EPOCH], "loss", epochs=2))
    assert list(found) == ["Series", "Epoch", "Loss (cross-entropy)", "Note"]
    assert found.iloc[:3, :3].values.tolist() == [
        ["training batches", 0.5, 2.0],
        ["training", 1, 1.5],
        ["validation", 1, 1.75],
    ]
    assert found.iloc[3].fillna("").tolist() == ["manual changes", 0.6, "", "paused"]


def test_a_confusion_matrix_is_a_table_of_its_counts():
    matrix = np.arange(100).reshape(10, 10)
    found = table(charts.confusion(matrix, CLASS_NAMES))
    assert list(found) == ["True label / Predicted", *CLASS_NAMES]
    assert found.iloc[:, 0].tolist() == list(CLASS_NAMES) and np.array_equal(found.iloc[:, 1:], matrix)


def test_bars_along_the_other_axis_keep_their_names():
    found = table(charts.probabilities(np.linspace(0.0, 0.9, 10), CLASS_NAMES))
    assert list(found) == ["Probability", "Class"], "although neither axis has a title"
    assert found.iloc[9].tolist() == [pytest.approx(0.9), CLASS_NAMES[9]]


def test_words_are_without_markup():
    found = table(charts.accuracy_over_time(("<b>x</b> & y", [EPOCH])))
    assert set(found["Series"]) == {"<b>x</b> & y"}, "what somebody typed stays"
    assert found["Note"].tolist() == ["epoch 1, 2 s", "best: epoch 1, 2 s"]
    trials = [Trial(3, {"training.batch_size": 32}, "finished", "a", (0.5,), 20.0)]
    (note, _) = table(charts.time_and_accuracy(trials))["Note"]
    assert note == "trial 3: 50.00%; Batch size: 32; 1 epoch, 20 s, finished"


def test_lines_that_only_lead_the_eye_are_left_out():
    trials = [Trial(n, {"training.batch_size": 32 * n}, "finished", "a", (0.5 + n / 10,), 20.0 * n) for n in (1, 2)]
    for figure in (
        charts.time_and_accuracy(trials),
        charts.setting_and_accuracy(trials, "training.batch_size", logarithmic=False, joined=True),
    ):
        assert table(figure)["Series"].tolist() == ["finished", "finished", "best"]


def test_a_spread_has_its_ends():
    middle, low, high = np.array([0.5, 0.6]), np.array([0.4, 0.55]), np.array([0.7, 0.61])
    found = table(charts.shares(["a", "b"], {"one": (middle, low, high)}, ("layer", "accuracy")))
    assert found.values.tolist() == [["one", "a", 0.5, 0.4, 0.7], ["one", "b", 0.6, 0.55, 0.61]]
    assert list(found)[3:] == ["Lower", "Upper"]


@pytest.mark.parametrize("figure", [go.Figure(), charts.curves([], "loss", 3), charts.rate_curve([], [], [], (0.1, 1))])
def test_a_chart_without_values_is_an_empty_table(figure):
    assert table(figure).empty


def test_a_figure_without_titles_has_columns_all_the_same():
    figure = go.Figure(go.Scatter(x=np.arange(2), y=[3, 4]))
    pd.testing.assert_frame_equal(table(figure), pd.DataFrame({"X": [0, 1], "Y": [3, 4]}, dtype=object))

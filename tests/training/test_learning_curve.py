"""The learning curve: who learns from what, that it is kept and goes on, and what it makes of a damaged folder."""

import json
from pathlib import Path

import numpy as np
import pytest

from cnn import data, runs
from cnn.config import Data, RunConfig, Training, presets
from cnn.runs import launchers, measurement
from cnn.training import curve_trainer, frozen_features, learning_curve
from cnn.training.learning_curve import DRAWS, Point, drawn, fold_of, means, numbers
from tests.training.test_frozen_features import coloured as coloured
from tests.training.test_frozen_features import retrained, source

LABELS = np.repeat([0, 1, 2], [60, 40, 11])


def test_every_image_measures_once_and_near_duplicates_measure_together():
    groups = np.arange(len(LABELS))
    groups[1], groups[61] = 0, 60  # two pairs
    groups[100] = 3  # of another class than its group's first image
    folds = fold_of(LABELS, groups, 4)
    assert set(folds) == set(range(DRAWS)) and np.array_equal(folds, fold_of(LABELS, groups, 4))
    assert folds[0] == folds[1] and folds[60] == folds[61] and folds[100] == folds[3]
    assert not np.array_equal(folds, fold_of(LABELS, groups, 5))
    for label in range(3):
        counts = np.bincount(folds[label == LABELS], minlength=DRAWS)
        assert counts.max() - counts.min() <= 2


def test_a_number_of_images_contains_the_smaller_ones_and_none_that_measures():
    folds = fold_of(LABELS, np.arange(len(LABELS)), 0)
    for draw in range(DRAWS):
        before: set[int] = set()
        for number in learning_curve.PER_CLASS:
            chosen = drawn(LABELS, folds, draw, number, 0)
            assert before <= set(chosen.tolist()) and not (folds[chosen] == draw).any()
            counts = np.bincount(LABELS[chosen], minlength=3)
            available = np.bincount(LABELS[folds != draw], minlength=3)
            assert np.array_equal(counts, available if number is None else np.minimum(available, number))
            before = set(chosen.tolist())
    assert numbers(LABELS, folds) == [1, 5, 10, 20, 40, None]
    assert numbers(LABELS[90:], folds[90:]) == [1, 5, None], "40 of each class would be all of them"


def test_the_mean_of_the_draws():
    points = [Point("transfer", None, draw, 30 + draw, 0.8 + draw / 100, 1.0) for draw in range(5)]
    (mean,) = means([*points, Point("scratch", 5, 0, 10, 0.5, 1.0)], "transfer")
    assert mean == pytest.approx((None, 32.0, 0.82, 0.8, 0.84))


def test_the_baseline_is_small_has_random_weights_and_the_same_classes(coloured):
    config = learning_curve.scratch(retrained(coloured, source(coloured)))
    assert config.data.card.class_names == coloured.classes and config.data.card.input_shape == (64, 64, 3)
    assert not config.transfer.source and config.layers == presets()["fast"].layers


@pytest.fixture
def quick(coloured: Data, monkeypatch: pytest.MonkeyPatch) -> RunConfig:
    """A head of few epochs, measured at two numbers, against a baseline of one epoch; nothing is started by itself."""
    monkeypatch.setattr(learning_curve, "PER_CLASS", (2, None))
    monkeypatch.setattr(learning_curve, "_SCRATCH", Training(epochs=1))
    monkeypatch.setattr(launchers, "spawn", lambda *command: None)
    return retrained(coloured.model_copy(update={"flip": True}), source(coloured), epochs=2)


@pytest.mark.slow
def test_every_network_is_measured_and_what_is_measured_stays(quick, tmp_path):
    assert learning_curve.read(learning_curve.folder(tmp_path, quick)).state == "new"
    path = learning_curve.start(tmp_path, quick)
    assert learning_curve.read(path).active
    assert curve_trainer.main([str(path)]) == 0
    progress = learning_curve.read(path)
    assert (progress.state, progress.share) == ("finished", 1.0)
    assert sorted(point[:3] for point in progress.points if point.per_class) == sorted(
        (kind, 2, draw) for kind in learning_curve.KINDS for draw in range(DRAWS)
    )
    assert len(progress.points) == 20 and all(0 <= point.accuracy <= 1 for point in progress.points)
    assert {point.images for point in progress.points} == {6, 48}
    assert len(list(frozen_features.folder().glob("*.npy"))) == 1, "the features of all images, once"

    lines = (path / "points.jsonl").read_text().splitlines()
    (path / "points.jsonl").write_text("\n".join([*lines[:18], "{ damaged", '{"kind": "transfer"}']) + "\n")
    assert curve_trainer.main([str(path)]) == 0
    again = learning_curve.read(path)
    assert again.points[:18] == progress.points[:18] and len(again.points) == 20
    assert {point[:3] for point in again.points} == {point[:3] for point in progress.points}


def test_a_stop_is_heard_between_two_networks_and_it_goes_on_from_there(quick, tmp_path, monkeypatch):
    path = learning_curve.start(tmp_path, quick)
    append = learning_curve.append

    def append_and_stop(path: Path, point: Point) -> None:
        append(path, point)
        measurement.stop(path)

    with monkeypatch.context() as patch:
        patch.setattr(learning_curve, "append", append_and_stop)
        assert curve_trainer.main([str(path)]) == 0
    stopped = learning_curve.read(path)
    assert (stopped.state, len(stopped.points), stopped.message) == ("stopped", 1, "Stopped by request.")
    assert learning_curve.start(tmp_path, quick) == path and not (path / "stop").exists()


def test_a_class_of_few_images_and_a_folder_that_is_none_are_said(quick, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(curve_trainer, "FEWEST", 21)
    path = learning_curve.start(tmp_path, quick)
    assert curve_trainer.main([str(path)]) == 1
    assert "only 20 images: a learning curve needs at least 21" in learning_curve.read(path).message
    assert curve_trainer.main([str(tmp_path)]) == 2 and curve_trainer.main([]) == 2
    assert "cannot be used" in capsys.readouterr().err


def test_of_a_large_dataset_the_first_images_of_each_class_are_used(coloured, monkeypatch):
    splits = data.load(coloured)
    monkeypatch.setattr(curve_trainer, "_AT_MOST", 3 * 12 * 20 * 24 * 3)
    places = curve_trainer._places(splits)
    taken = curve_trainer._taken(splits, places)
    assert len(places) == 36 and np.bincount(taken.labels).tolist() == [12, 12, 12]
    parts = (splits.train, splits.validation, splits.test)
    assert np.array_equal(taken.images, np.concatenate([part.images for part in parts])[places])


def test_what_is_no_point_is_left_out(tmp_path):
    good = Point("scratch", None, 1, 9, 0.5, 2.0)
    lines = [good._asdict(), {**good._asdict(), "kind": "other"}, {**good._asdict(), "accuracy": "high"}, [1], None]
    (tmp_path / "points.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert learning_curve.points_of(tmp_path) == (good,)
    runs.write_json(tmp_path / "config.json", {})
    assert learning_curve.read(tmp_path).state == "failed"

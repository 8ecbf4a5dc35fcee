"""Which runs a run is measured against, and when each first reached an accuracy."""

import json

import pytest

from cnn import runs
from cnn.config import RunConfig, duration, presets
from cnn.config.run_config import BY_SOFT_LABELS
from cnn.runs import Run, pace


def finished(preset: str, state: str = "finished", **changes) -> Run:
    """A run of a preset; `data` and `training` change its settings."""
    values = presets()[preset].model_dump()
    for section, change in changes.items():
        values[section] |= change
    run = runs.create(RunConfig.model_validate(values))
    (run.path / "model.keras").touch()
    runs.write_status(run.path, runs.Status(state, epoch=10, seconds=700.0))
    return runs.read(run.path)


def epoch(number: int, accuracy: float, seconds: float | None = None) -> dict:
    whole = {"kind": "epoch", "epoch": number, "loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": accuracy}
    return whole | {"seconds": seconds if seconds is not None else 10.0 * number}


def test_the_shipped_runs_are_the_first_rivals():
    run = finished("fast", "training")
    found = pace.baselines(run, runs.listed())
    assert found.lecture.id == "lecture" and [other.id for other in found.others] == ["dense", "wardrobe"]


def test_a_lecture_run_of_ones_own_goes_before_the_shipped_one():
    own = finished("lecture", training={"seed": 7, "tensorboard": True})
    run = finished("fast")
    found = pace.baselines(run, runs.listed())
    assert found.lecture.id == own.id
    assert own.id not in [other.id for other in found.others], "no second line for it"


@pytest.mark.parametrize(
    "changes",
    [
        {"data": {"limit": 5000}},
        {"data": {"flip": True}},
        {"training": {"epochs": 3}},
        {"training": {"batch_size": 128}},
        {"training": {"precision": "auto"}},
    ],
)
def test_a_lecture_run_with_other_settings_is_not_the_reference(changes):
    own = finished("lecture", **changes)
    found = pace.baselines(finished("fast"), runs.listed())
    assert found.lecture.id == "lecture" and found.lecture.shipped
    assert own.id in [other.id for other in found.others]


def test_an_unfinished_lecture_run_is_no_reference():
    finished("lecture", "stopped")
    assert pace.baselines(finished("fast"), runs.listed()).lecture.shipped


def test_no_run_is_its_own_rival():
    lecture = runs.get("lecture")
    assert pace.baselines(lecture, runs.listed()).lecture is None
    own = finished("lecture")
    assert pace.baselines(own, runs.listed()).lecture.shipped
    assert pace.baselines(lecture, runs.listed()).lecture.id == own.id


def test_of_each_other_preset_the_newest_finished_run_counts():
    old, new = finished("tiny"), finished("tiny")
    failed, run = finished("lenet5", "failed"), finished("fast")
    ids = [other.id for other in pace.baselines(run, runs.listed()).others]
    assert new.id in ids and old.id not in ids and failed.id not in ids and "wardrobe" in ids
    assert run.id not in ids


def test_runs_on_another_dataset_cannot_be_compared():
    synthetic = {"data": {"dataset": "synthetic"} | dict.fromkeys(BY_SOFT_LABELS, 0.0)}
    run = finished("fast", **synthetic)
    assert pace.baselines(run, runs.listed()) == pace.Baselines(None, ())
    own, other = finished("lecture", **synthetic), finished("tiny", **synthetic)
    found = pace.baselines(run, runs.listed())
    assert (found.lecture.id, [r.id for r in found.others]) == (own.id, [other.id])


def test_a_damaged_run_has_no_rivals():
    run = finished("fast")
    (run.path / "config.json").unlink()
    assert pace.baselines(runs.read(run.path), runs.listed()) == pace.Baselines(None, ())


def test_few_lines_stand_beside_a_run():
    listed = []
    for number in range(12):
        run = finished("tiny")
        values = run.config.model_dump() | {"preset": f"own-{number}"}
        runs.write_json(run.path / "config.json", RunConfig.model_validate(values).model_dump(mode="json"))
        listed.append(runs.read(run.path))
    others = pace.baselines(finished("fast"), listed).others
    assert 3 <= len(others) < 8 and list(others) == listed[: len(others)]


def test_an_accuracy_is_reached_by_the_first_epoch_that_has_it():
    epochs = [epoch(1, 0.8), epoch(2, 0.9), epoch(3, 0.85), epoch(4, 0.91)]
    assert pace.reached(epochs, 0.9) == 20.0 and pace.reached(epochs, 0.901) == 40.0
    assert pace.reached(epochs, 0.92) is None and pace.reached([], 0.1) is None


def test_epochs_that_tell_no_time_are_left_out():
    records = [
        epoch(1, 0.5) | {"seconds": None},
        epoch(2, 0.6) | {"seconds": "60"},
        epoch(3, 0.7) | {"seconds": 0},
        epoch(4, 0.7) | {"seconds": float("nan")},
        epoch(5, 0.8),
        {"kind": "batch", "epoch": 5, "step": 1, "steps": 2, "loss": 1, "accuracy": 1, "seconds": 55.0},
    ]
    assert [record["epoch"] for record in pace.timed_epochs(records)] == [5]


def test_the_shipped_lecture_run_tells_its_times():
    epochs = pace.timed_epochs(runs.read_metrics(runs.get("lecture")))
    assert len(epochs) == 10 and json.dumps(epochs)
    assert pace.reached(epochs, epochs[-1]["val_accuracy"]) == epochs[-1]["seconds"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (-3, "0 s"), (59.4, "59 s"), (75.0, "1 min 15 s"), (750.0, "12 min"), (4571.0, "1 h 16 min")],
)
def test_durations_are_as_exact_as_they_need_to_be(seconds, text):
    assert duration(seconds) == text

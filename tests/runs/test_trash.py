"""The bin: what goes in together, what comes back, how long it stays, and what cannot be deleted."""

import os
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from cnn import runs
from cnn.runs import RunExists, UnknownRun, trash
from tests.runs.test_directory import finished, in_state

DAY = 24 * 3600


@pytest.fixture
def clock(monkeypatch):
    """Sets how many days have passed."""
    begun = time.time()

    def days_later(days: float) -> None:
        now = begun + days * DAY
        monkeypatch.setattr(trash.time, "time", lambda: now)

    return days_later


def test_delete_and_restore():
    run = finished()
    runs.delete(run)
    assert runs.all_runs() == [] and not run.path.exists()
    with pytest.raises(UnknownRun):
        runs.get(run.id)
    assert runs.restore(run.id) == [run]
    assert [found.id for found in runs.all_runs()] == [run.id]
    with pytest.raises(UnknownRun, match="no longer in the bin"):
        runs.restore(run.id)


def test_several_runs_go_to_the_bin_together_and_come_back_together():
    first, second, third = finished("first"), finished("second"), finished("third")
    assert runs.delete(first, second) == [first, second]
    assert runs.all_runs() == [third]
    assert runs.restore(first.id, second.id) == [first, second]
    assert {run.id for run in runs.all_runs()} == {first.id, second.id, third.id}


def test_either_all_are_deleted_or_none():
    old, busy, new = finished("old"), in_state(), finished("new")
    runs.delete(old)
    with pytest.raises(RunExists, match="Nothing was deleted"):
        runs.delete(new, busy)
    with pytest.raises(RunExists, match="comes with the project"):
        runs.delete(new, runs.get("lecture"))
    assert new.path.is_dir() and runs.is_in_bin(old.id)


def test_a_deletion_that_breaks_off_is_taken_back(monkeypatch):
    first, second = finished("first"), finished("second")
    replace_ = Path.replace

    def fail_for_second(self, target):
        if self == second.path:
            raise PermissionError(13, "Permission denied")
        return replace_(self, target)

    monkeypatch.setattr(Path, "replace", fail_for_second)
    with pytest.raises(PermissionError):
        runs.delete(first, second)
    assert first.path.is_dir() and second.path.is_dir()


def test_what_another_window_deleted_is_passed_over_and_stays_in_the_bin():
    first, second = finished("first"), finished("second")
    runs.delete(first)
    with pytest.raises(UnknownRun, match="first is no longer here"):
        runs.delete(first)
    assert runs.is_in_bin(first.id)
    assert runs.delete(first, second) == [second]


def test_all_come_back_or_none():
    first, second = finished("first"), finished("second")
    runs.delete(first, second)
    runs.restore(second.id)
    with pytest.raises(UnknownRun, match="another has taken its place"):
        runs.restore(first.id, second.id)
    assert not first.path.exists() and second.path.is_dir()


def test_a_run_in_training_cannot_be_deleted():
    run = in_state()
    with pytest.raises(RunExists, match="stop it first"):
        runs.delete(run)
    assert run.path.is_dir()


def test_a_run_that_was_resumed_since_it_was_read_cannot_be_deleted():
    run = in_state()
    old = replace(run, status=replace(run.status, state="stopped"))  # what a second tab still shows
    with pytest.raises(RunExists, match="stop it first"):
        runs.delete(old)
    assert run.path.is_dir()


# --- how long it stays ------------------------------------------------------------------------------------------


def test_the_bin_keeps_everything_for_30_days(clock):
    first, second, third = finished("first"), finished("second"), finished("third")
    runs.delete(first)
    clock(29)
    runs.delete(second)
    assert [run.id for run, _ in runs.deleted()] == [second.id, first.id], "the last first"
    clock(30.5)
    runs.delete(third)
    assert not runs.is_in_bin(first.id) and not list((runs.root() / ".deleted").glob(f"{first.id}*"))
    assert runs.restore(second.id, third.id) == [second, third]


def test_a_run_in_the_bin_is_read_as_it_was():
    run = finished("One")
    before = datetime.fromtimestamp(int(time.time()))
    runs.delete(run)
    [(found, when)] = runs.deleted()
    assert (found.id, found.name, found.state, found.size) == (run.id, "One", "finished", run.size)
    assert before <= when <= datetime.now() and found.path.is_dir()


def test_a_run_without_a_label_is_named_by_its_id():
    run = finished("One")
    (run.path / "label.json").unlink()
    runs.delete(run)
    assert runs.deleted()[0][0].name == run.id


def test_what_an_older_version_deleted_stays_30_days_too(runs_folder, clock):
    run = finished("old")
    os.utime(run.path, (0, 0))  # it was trained long ago
    (runs_folder / ".deleted").mkdir()
    run.path.replace(runs_folder / ".deleted" / run.id)
    runs.purge()
    assert runs.is_in_bin(run.id) and runs.restore(run.id) == [run]
    run.path.replace(runs_folder / ".deleted" / run.id)
    clock(31)
    runs.purge()
    assert not runs.is_in_bin(run.id)


def test_of_two_runs_with_one_id_the_last_comes_back(runs_folder):
    run = finished("One")
    runs.delete(run)
    run.path.mkdir()
    runs.write_json(run.path / "config.json", run.config.model_dump(mode="json"))
    runs.write_json(run.path / "label.json", {"name": "Copied back"})
    runs.delete(runs.read(run.path))
    assert len(runs.deleted()) == 2
    assert runs.restore(run.id)[0].name == "Copied back"
    assert not runs.is_in_bin(run.id), "its place is taken"


def test_what_is_erased_is_gone_and_the_rest_stays():
    first, second = finished("first"), finished("second")
    runs.delete(first, second)
    runs.erase(first.id)
    assert [run.id for run, _ in runs.deleted()] == [second.id]
    runs.erase(first.id)  # another window was faster
    assert runs.restore(second.id) == [second]


def test_what_else_lies_in_the_bin_is_left_alone(runs_folder, clock):
    (runs_folder / ".deleted" / "Not a run").mkdir(parents=True)
    (runs_folder / ".deleted" / "notes.txt").write_text("mine")
    clock(60)
    runs.purge()
    assert runs.deleted() == [] and len(list((runs_folder / ".deleted").iterdir())) == 2

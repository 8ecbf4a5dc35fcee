"""A measurement in a process of its own: started once, read from its files, and ended with a sentence."""

from dataclasses import replace
from pathlib import Path

import pytest

from cnn import runs
from cnn.config import RunConfig, presets
from cnn.errors import CannotGoOn
from cnn.runs import Status, launchers, measurement
from cnn.runs.measurement import Progress, Reporter
from tests.command import NO_PROCESS

TINY = presets()["tiny"]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Path]]:
    calls: list[tuple[str, Path]] = []
    monkeypatch.setattr(launchers, "spawn", lambda module, folder: calls.append((module, folder)))
    return calls


@pytest.fixture
def folder(tmp_path: Path, started) -> Path:
    """A measurement that was started by nobody's process."""
    measurement.start(tmp_path / "one", "cnn.some", TINY)
    return tmp_path / "one"


def done(folder: Path, work) -> tuple[int, Progress]:
    """Do some work in this process: its exit code, and what is read then."""
    return measurement.measure([str(folder)], "cnn.some", "the work", work), measurement.read(folder)


def test_it_is_started_once_and_again_when_it_has_stopped(folder, started):
    assert started == [("cnn.some", folder)]
    assert measurement.read(folder) == Progress("starting", 0.0, "Loading TensorFlow")
    measurement.start(folder, "cnn.some", TINY)
    assert len(started) == 1, "it is going"
    measurement.stop(folder)
    runs.write_status(folder, runs.closed(Status("training"), "stopped", "Stopped by request."))
    measurement.start(folder, "cnn.some", TINY)
    assert len(started) == 2 and not (folder / "stop").exists()


def test_its_progress_is_read_while_it_works(folder, monkeypatch):
    monkeypatch.setattr(measurement, "_BEAT", 0.0)
    seen = []

    def work(reporter: Reporter, config: RunConfig) -> str:
        assert config == TINY
        reporter.prepares("Loading the dataset")
        seen.append(measurement.read(folder))
        reporter.trains(3, 12, "The third", 4.5)
        seen.append(measurement.read(folder))
        return "All were tried."

    assert done(folder, work) == (0, Progress("finished", 1.0, "All were tried."))
    assert seen == [Progress("starting", 0.0, "Loading the dataset"), Progress("training", 0.25, "The third", 4.5)]


def test_few_of_many_steps_are_written_down(folder, monkeypatch):
    written = []
    monkeypatch.setattr(measurement, "write_status", lambda _, status: written.append(status.step))
    reporter = Reporter(folder)
    for step in range(1000):
        reporter.trains(step, 1000)
    assert written[0] == 0 and len(written) < 100


def test_a_stop_is_heard_by_whatever_is_reported(folder):
    for report in (lambda of: of.prepares("Loading"), lambda of: of.trains(1, 4)):
        measurement.stop(folder)
        code, progress = done(folder, lambda reporter, _, report=report: report(reporter))
        assert (code, progress.state, progress.message) == (0, "stopped", "Stopped by request.")


def test_a_failure_is_a_sentence(folder, capsys):
    def work(reporter: Reporter, config: RunConfig) -> None:
        raise CannotGoOn("There are too few images.")

    code, progress = done(folder, work)
    assert (code, progress.state, progress.message) == (1, "failed", "There are too few images.")
    assert capsys.readouterr().err == "cnn.some: There are too few images.\n"


def test_a_process_that_is_gone_is_noticed(folder):
    status = replace(runs.signed(Status("training", step=1, steps=2), "training"), pid=NO_PROCESS)
    runs.write_status(folder, status)
    progress = measurement.read(folder)
    assert (progress.state, progress.active, progress.share) == ("interrupted", False, 0.5)
    assert progress.message.startswith("Its process is gone")


def test_its_files_may_know_better_whether_all_is_there(folder):
    runs.write_status(folder, runs.closed(Status("stopped", step=1, steps=1), "stopped"))
    assert measurement.read(folder).state == "finished" == measurement.read(folder, True).state
    assert measurement.read(folder, False).state == "stopped"


def test_a_folder_that_is_none_or_damaged_is_said(folder, tmp_path, capsys):
    assert measurement.read(tmp_path / "none").state == "new"
    (folder / "config.json").write_text("{")
    progress = measurement.read(folder)
    assert progress.state == "failed" and "config.json" in progress.message
    assert done(folder, lambda *_: None)[0] == 2 and "cannot be used" in capsys.readouterr().err
    assert measurement.measure([], "cnn.some", "the work", lambda *_: None) == 2

"""Starting, stopping and ending runs in processes of their own."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

from cnn import runs
from cnn.config import Data, presets
from cnn.runs import Run, RunExists, directory, launchers, queue
from cnn.runs.launchers import LocalLauncher
from tests.command import wait_until

CONFIG = presets()["tiny"].model_copy(update={"data": Data(dataset="synthetic", limit=100)})


def state(run: Run) -> str:
    return runs.read(run.path).state


def test_a_run_is_started_by_the_documented_command(commands):
    run = runs.create(CONFIG)
    LocalLauncher().start(run)
    (started,) = commands
    assert started.command == [sys.executable, "-m", "cnn.train", str(run.path)]
    assert started.options["start_new_session"] is True, "it outlives the dashboard"
    assert (Path(started.options["cwd"]) / "cnn" / "train.py").is_file()
    assert state(run) == "queued" and (run.path / "log.txt").exists()


def test_a_start_forgets_what_was_asked_of_the_old_process(commands):
    run = runs.create(CONFIG)
    runs.write_status(run.path, runs.closed(replace(runs.signed(run.status, "training"), epoch=1), "stopped"))
    runs.request_stop(run)
    runs.ask(run, "pause")
    LocalLauncher().start(runs.read(run.path))
    started = runs.read(run.path)
    assert (started.state, started.status.epoch, started.status.pid) == ("queued", 1, None)
    assert not started.stop_requested and runs.read_requests(run.path, 0) == ([], 0)


@pytest.mark.parametrize("state", ["queued", "stopped"])
def test_two_dashboards_start_a_run_once(state, commands):
    """A new run, and one that is taken up again. Each dashboard has seen it before the other started it."""
    run = runs.create(CONFIG, "One")
    runs.write_status(run.path, runs.closed(run.status, state))
    run, refused, together = runs.read(run.path), [], threading.Barrier(4)

    def start() -> None:
        together.wait()
        try:
            LocalLauncher().start(run)
        except RunExists as error:
            refused.append(str(error))

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(commands) == 1
    assert refused == ["One is queued and cannot be started."] * 3


def test_a_start_gives_way_to_a_dashboard_that_hangs(commands, monkeypatch):
    monkeypatch.setattr(queue, "_PATIENCE", 0.1)
    run = runs.create(CONFIG)
    with FileLock(run.path.parent / ".starting.lock"), pytest.raises(RunExists, match="Another window"):
        LocalLauncher().start(run)
    assert commands == [] and runs.read(run.path).status == run.status


def test_a_run_that_cannot_be_started_stays_as_it_was(commands):
    """Full disk, read-only folder: the log is opened first."""
    run = runs.create(CONFIG)
    runs.write_status(run.path, runs.closed(run.status, "stopped"))
    (run.path / "log.txt").mkdir()
    with pytest.raises(OSError, match=r"log\.txt"):
        LocalLauncher().start(runs.read(run.path))
    assert commands == [] and state(run) == "stopped"


@pytest.mark.parametrize("kind", ["shipped", "without configuration", "finished", "in training"])
def test_what_cannot_be_trained_is_refused_and_left_alone(kind, commands, monkeypatch, tmp_path):
    run = runs.create(CONFIG, "One")
    (run.path / "model.keras").write_bytes(b"weights")
    runs.write_status(run.path, runs.closed(run.status, "stopped"))
    match kind:
        case "shipped":
            monkeypatch.setattr(directory, "PRETRAINED", run.path.parent)
        case "without configuration":
            (run.path / "config.json").write_text("{}")
        case "finished":
            runs.write_status(run.path, runs.closed(run.status, "finished"))
        case "in training":
            runs.write_status(run.path, runs.signed(run.status, "training"))
    before = {file.name: file.read_bytes() for file in run.path.iterdir()}
    with pytest.raises(RunExists, match="One"):
        LocalLauncher().start(runs.read(run.path))
    assert commands == []
    assert {file.name: file.read_bytes() for file in run.path.iterdir()} == before


def test_a_stop_is_a_file(commands):
    run = runs.create(CONFIG)
    LocalLauncher().stop(run)
    assert runs.read(run.path).stop_requested


def pretend_trainer(code: str) -> tuple[subprocess.Popen, Run]:
    """A process that a run names as its trainer."""
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    run = runs.create(CONFIG)
    process = {"pid": child.pid, "pid_created": runs.since_boot(psutil.Process(child.pid))}
    runs.write_status(run.path, replace(runs.signed(run.status, "training"), **process))
    return child, runs.read(run.path)


def test_kill_ends_a_trainer_that_does_not_listen(monkeypatch):
    monkeypatch.setattr(launchers, "_PATIENCE", 0.2)
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
    )
    child, run = pretend_trainer(code)
    assert run.state == "training"
    LocalLauncher().kill(run)
    assert not psutil.pid_exists(child.pid), "ended, and no zombie"
    assert state(run) == "interrupted"


@pytest.mark.skipif(os.name != "posix", reason="Only Unix can hold a process.")
def test_kill_ends_a_trainer_that_hangs(monkeypatch):
    monkeypatch.setattr(launchers, "_PATIENCE", 0.2)
    child, run = pretend_trainer("import time; print('ready', flush=True); time.sleep(60)")
    os.kill(child.pid, signal.SIGSTOP)
    LocalLauncher().kill(run)
    assert not psutil.pid_exists(child.pid) and state(run) == "interrupted"


def test_kill_needs_no_space_on_the_disk(monkeypatch):
    def full(run) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(launchers, "request_stop", full)
    child, run = pretend_trainer("import time; print('ready', flush=True); time.sleep(60)")
    LocalLauncher().kill(run)
    assert not psutil.pid_exists(child.pid)


def test_kill_first_asks(tmp_path):
    code = (
        "import pathlib, signal, sys, time; "
        f"signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path({str(tmp_path / 'asked')!r}).touch(), sys.exit())); "
        "print('ready', flush=True); time.sleep(60)"
    )
    child, run = pretend_trainer(code)
    LocalLauncher().kill(run)
    child.wait(10)
    assert (tmp_path / "asked").exists()


@pytest.mark.parametrize(
    "change", [{"pid_created": 1.0}, {"host": "elsewhere", "heartbeat": time.time() + 1e6}, {"state": "stopped"}]
)
def test_kill_never_ends_another_process(change):
    """A reused process id, a process of another machine, a run that has ended."""
    code = "import time; print('ready', flush=True); time.sleep(60)"
    child, run = pretend_trainer(code)
    try:
        runs.write_status(run.path, replace(run.status, **change))
        LocalLauncher().kill(runs.read(run.path))
        time.sleep(0.1)
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()


def test_kill_looks_again_before_it_ends_a_process():
    """The page's image of a run may be old: its process may have ended and its id been reused since."""
    code = "import time; print('ready', flush=True); time.sleep(60)"
    child, run = pretend_trainer(code)
    try:
        runs.write_status(run.path, replace(run.status, pid_created=1.0))
        LocalLauncher().kill(run)
        time.sleep(0.1)
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()


def test_an_ended_trainer_is_no_zombie(monkeypatch):
    """Nobody has to ask for it."""
    real, started = subprocess.Popen, []

    def start(command, **options):
        started.append(real([sys.executable, "-c", ""], **options))
        return started[-1]

    monkeypatch.setattr(launchers.subprocess, "Popen", start)
    LocalLauncher().start(runs.create(CONFIG))
    wait_until(lambda: not psutil.pid_exists(started[0].pid), 20)


@pytest.mark.slow
def test_three_runs_wait_for_each_other_and_end_in_every_way():
    """Real processes. Someone else trains; three runs queue; the first trains to its end, the second is killed at its
    start, the third in training."""
    launcher, made = LocalLauncher(), []
    try:
        runs.root().mkdir(parents=True)
        with FileLock(runs.root() / ".training.lock"):
            for name in ("first", "second", "third"):
                epochs = 1 if name == "first" else 500
                config = CONFIG.model_copy(update={"training": CONFIG.training.model_copy(update={"epochs": epochs})})
                made.append(runs.create(config, name))
                launcher.start(made[-1])
            first, second, third = made
            wait_until(lambda: all(runs.read(run.path).status.message == "Waiting for its turn" for run in made))
            assert [state(run) for run in made] == ["queued"] * 3
        wait_until(lambda: state(first) in ("starting", "training"))
        assert [state(second), state(third)] == ["queued"] * 2
        wait_until(lambda: not runs.read(first.path).active)
        assert state(first) == "finished", runs.log_tail(first)

        wait_until(lambda: state(second) in ("starting", "training"))
        assert state(third) == "queued"
        launcher.kill(runs.read(second.path))  # in the middle of loading TensorFlow
        assert state(second) in ("stopped", "interrupted"), runs.log_tail(second)

        wait_until(lambda: runs.read(third.path).status.epoch >= 1 or not runs.read(third.path).active)
        launcher.kill(runs.read(third.path))
        assert state(third) == "stopped", runs.log_tail(third)
        assert runs.read(third.path).has_model
        assert runs.log_tail(first).splitlines()[-1] == str(first.path)
        assert "waiting for its turn" in runs.log_tail(third, 10_000)
    finally:
        for run in made:
            launcher.kill(run)


@pytest.mark.skipif(os.name != "posix", reason="Sessions are Unix's.")
def test_a_training_has_a_session_of_its_own(monkeypatch):
    """Ctrl-C in the dashboard's terminal must not reach it."""
    monkeypatch.setattr(sys, "executable", "/bin/sleep")
    real, started = subprocess.Popen, []
    monkeypatch.setattr(
        launchers.subprocess,
        "Popen",
        lambda command, **options: started.append(real(["sleep", "60"], **options)) or started[-1],
    )
    LocalLauncher().start(runs.create(CONFIG))
    try:
        assert os.getsid(started[0].pid) == started[0].pid != os.getsid(0)
    finally:
        started[0].kill()
        started[0].wait()

"""What can go wrong around a training: full and read-only disks, deleted folders, two trainers, clocks, hung processes.

Each leaves a clear state with what to do, a run that can be resumed to the same end, and no process.
"""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from filelock import FileLock

from benchmarks.interruptions import differences
from cnn import runs
from cnn.config import Data, RunConfig, Training
from cnn.config.layers import Convolution, Dense, Dropout, Flatten, Pooling
from cnn.networks.load import load
from cnn.runs import Run, directory, launchers, queue
from cnn.training import recorder, trainer
from cnn.training.recorder import Recorder
from tests.command import train_here, train_undisturbed, wait_until

ROOT = Path(__file__).resolve().parents[2]
CONFIG = RunConfig(
    data=Data(dataset="synthetic", limit=300, shift=1),
    layers=(Convolution(filters=8), Pooling(), Flatten(), Dropout(rate=0.2), Dense(units=16)),
    training=Training(batch_size=32, epochs=3, tensorboard=True, patience=5),
)
FULL = "The disk is full: free some space for {folder}, then resume. Nothing is lost."


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, draw_once: None) -> Run:
    """The run that nothing happened to."""
    return train_undisturbed(CONFIG, tmp_path_factory.mktemp("whole") / "runs")


def at_step(monkeypatch: pytest.MonkeyPatch, number: int, act: Callable[[], None]) -> None:
    """Do something before the given step of a session, from 1, is recorded."""
    record, steps = Recorder.on_train_batch_end, []

    def act_and_record(self, batch, logs=None):
        steps.append(batch)
        if len(steps) == number:
            act()
        record(self, batch, logs)

    monkeypatch.setattr(Recorder, "on_train_batch_end", act_and_record)


def resumes(run: Run, whole: Run) -> None:
    result = train_here(run.path)
    assert result.code == 0, result.err
    assert runs.read(run.path).state == "finished" and differences(whole, runs.read(run.path)) == []


# ---------------------------------------------------------------- a full disk


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runs folder on a disk of 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("Only the superuser can make a small disk.")
    monkeypatch.setenv("CNN_RUNS", str(folder))
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("kilobytes", [0, 48, 160])
def test_a_training_on_a_disk_that_fills_up_is_resumed_to_the_same_end(kilobytes, small_disk, whole, monkeypatch):
    """Whatever it is that finds no space: the status, the event file, a checkpoint, the time lapse or the network."""
    monkeypatch.setattr(recorder, "_CHECKPOINT", 0.0)
    run, other = runs.create(CONFIG, "full"), runs.create(CONFIG, "other")
    runs.write_status(other.path, runs.closed(other.status, "stopped"))
    untouched = (other.path / "status.json").read_bytes()

    def fill() -> None:
        free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
        (small_disk / "filling").write_bytes(bytes(free - kilobytes * 1024))

    with monkeypatch.context() as patch:
        at_step(patch, 14, fill)
        result = train_here(run.path)
    assert result.code == 1 and "Traceback" not in result.err
    assert result.err.splitlines()[-1] == "cnn.train: " + FULL.format(folder=small_disk)
    failed = runs.read(run.path)
    assert (failed.state, failed.status.message) == ("failed", FULL.format(folder=small_disk))
    assert failed.has_checkpoint and failed.status.epoch == 1 and failed.has_model
    assert (other.path / "status.json").read_bytes() == untouched
    (small_disk / "filling").unlink()
    resumes(run, whole)


@pytest.mark.slow
@pytest.mark.parametrize(
    "writer",
    ["status.json", "checkpoint.npz", "epoch-0002.npz", "weights-0002.npz", "best.keras", "evaluation.json"],
)
def test_no_space_for_one_file(writer, whole, monkeypatch):
    """The same without a small disk: writing one file fails until there is space again."""
    real, armed = Path.replace, []

    def replace_file(self, target):
        if armed and Path(target).name == writer:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(self, target)

    run = runs.create(CONFIG, "full")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace_file)
        at_step(patch, 12, lambda: armed.append(True))
        result = train_here(run.path)
    assert result.code == 1 and "Traceback" not in result.err
    failed = runs.read(run.path)
    assert (failed.state, failed.status.message) == ("failed", FULL.format(folder=run.path.parent))
    assert not [file for file in run.path.rglob(".*") if file.name != ".lock"], "no half-written file fills the disk"
    resumes(run, whole)


def test_a_log_that_cannot_be_written_does_not_hide_the_reason(monkeypatch, draw_once):
    """Where the dashboard's log lies on the full disk, printing fails too."""

    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    run = runs.create(CONFIG)
    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "save_checkpoint", full)
        patch.setattr("builtins.print", full)
        patch.setattr(trainer, "_train", full)
        assert trainer.train_in_turn(run) == 1
    assert runs.read(run.path).status.message == FULL.format(folder=run.path.parent)


# ---------------------------------------------------------------- a read-only folder, a deleted folder


@pytest.mark.slow
def test_a_folder_that_becomes_read_only_is_said(whole, monkeypatch):
    real, armed = Path.replace, []

    def refuse(self, target):
        if armed:
            raise OSError(errno.EROFS, "Read-only file system")
        return real(self, target)

    run = runs.create(CONFIG)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        at_step(patch, 12, lambda: armed.append(True))
        result = train_here(run.path)
    message = f"{run.path} cannot be written (Read-only file system): allow it, then resume."
    assert result.code == 1 and result.err.splitlines()[-1] == f"cnn.train: {message}"
    assert "Traceback" not in result.err
    resumes(run, whole)


def test_a_run_in_a_read_only_folder_is_refused_with_a_sentence(monkeypatch):
    run = runs.create(CONFIG)

    def refuse(*arguments, **options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(FileLock, "acquire", refuse)
    result = train_here(run.path)
    assert result.code == 1 and "Traceback" not in result.err
    assert result.err.splitlines()[-1].endswith(
        f"{run.path} cannot be written (Permission denied): allow it, then resume."
    )


@pytest.mark.parametrize("what", ["the run", "all runs"])
def test_a_folder_that_is_deleted_while_it_trains_ends_the_training(what, monkeypatch, draw_once):
    run, other = runs.create(CONFIG), runs.create(CONFIG, "other")
    gone = run.path if what == "the run" else run.path.parent
    untouched = (other.path / "status.json").read_bytes()
    at_step(monkeypatch, 12, lambda: shutil.rmtree(gone))
    result = train_here(run.path)
    assert result.code == 1 and "Traceback" not in result.err
    message = f"cnn.train: The folder {run.path} was deleted, and the training has ended."
    assert result.err.splitlines()[-1] == message
    assert not run.path.exists(), "nothing of it comes back"
    assert what == "all runs" or (other.path / "status.json").read_bytes() == untouched


def test_a_run_that_is_deleted_while_it_waits_gives_up_its_place(monkeypatch):
    monkeypatch.setattr(queue, "_POLL", 0.01)
    monkeypatch.setattr(queue, "_BEATS", 5)
    run = runs.create(CONFIG)

    def delete() -> None:
        while run.path.exists():  # a file that is written meanwhile makes the first try fail
            shutil.rmtree(run.path, ignore_errors=True)

    with FileLock(run.path.parent / ".training.lock"):
        deleting = threading.Timer(0.5, delete)
        deleting.start()
        result = train_here(run.path)
    assert result.code == 1 and "was deleted" in result.err and not run.path.exists()


# ---------------------------------------------------------------- two trainers


@pytest.mark.slow
def test_a_second_trainer_leaves_a_run_that_the_first_has_finished(monkeypatch, draw_once):
    """It has read the run before, and gets its lock when the first lets go of it."""
    run = runs.create(CONFIG)
    stale = runs.read(run.path)
    assert train_here(run.path).code == 0
    before = {file.name: file.stat().st_mtime_ns for file in run.path.iterdir() if file.name != ".lock"}
    assert trainer.train_in_turn(stale) == 0
    assert {file.name: file.stat().st_mtime_ns for file in run.path.iterdir() if file.name != ".lock"} == before


# ---------------------------------------------------------------- the clock


@pytest.mark.parametrize("hours", [-48, -1, 1])
def test_the_clock_does_not_decide_whether_a_trainer_here_lives(hours, monkeypatch):
    """Neither that of a living one nor that of a dead one."""
    alive, dead = runs.create(CONFIG, "alive"), runs.create(CONFIG, "dead")
    runs.write_status(alive.path, runs.signed(alive.status, "training"))
    runs.write_status(dead.path, replace(runs.signed(dead.status, "training"), pid_created=1.0))
    now, boot, create_time = time.time(), psutil.boot_time(), psutil.Process.create_time
    monkeypatch.setattr(directory.time, "time", lambda: now + hours * 3600)
    monkeypatch.setattr(psutil, "boot_time", lambda: boot + hours * 3600)
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: create_time(self) + hours * 3600)
    assert runs.read(alive.path).state == "training"
    assert runs.read(dead.path).state == "interrupted"


def test_a_clock_that_is_set_back_keeps_no_dead_run_alive(monkeypatch):
    """Of a process that never signed, or on another machine, only the heartbeat is known; it lies in the future now."""
    silent, elsewhere = runs.create(CONFIG, "silent"), runs.create(CONFIG, "elsewhere")
    runs.write_status(elsewhere.path, replace(runs.signed(elsewhere.status, "training"), host="elsewhere"))
    now = time.time()
    monkeypatch.setattr(directory.time, "time", lambda: now - 3600)
    assert runs.read(silent.path).state == runs.read(elsewhere.path).state == "interrupted"


# ---------------------------------------------------------------- processes


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="Only Unix can hold a process.")
def test_a_trainer_that_hangs_is_ended_with_its_workers_and_resumed(monkeypatch):
    """It is held while its workers make images to mix in."""
    monkeypatch.setattr(launchers, "_PATIENCE", 0.5)
    data = Data(dataset="synthetic", limit=100, outlier_exposure=0.1)
    run = runs.create(CONFIG.model_copy(update={"data": data}))
    launcher = launchers.LocalLauncher()
    launcher.start(run)
    try:
        wait_until(lambda: "no garment" in runs.read(run.path).status.message)
        trainer = psutil.Process(runs.read(run.path).status.pid)
        wait_until(lambda: len(trainer.children()) >= 2)
        family = [trainer, *trainer.children(recursive=True)]
        trainer.send_signal(signal.SIGSTOP)
        assert runs.read(run.path).active
    finally:
        launcher.kill(run)
    wait_until(lambda: runs.read(run.path).state == "interrupted", 20)  # a busy machine takes its time
    _, left = psutil.wait_procs(family, timeout=20)
    assert left == [], "no orphan and no zombie"


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="Only Unix has zombies.")
def test_a_killed_trainer_leaves_no_worker(tmp_path):
    """Nobody is there to end them."""
    data = Data(dataset="synthetic", limit=100, outlier_exposure=0.1)
    run = runs.create(CONFIG.model_copy(update={"data": data}))
    command = [sys.executable, "-m", "cnn.train", str(run.path)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        trainer = psutil.Process(child.pid)
        wait_until(lambda: "no garment" in runs.read(run.path).status.message and len(trainer.children()) >= 2)
        workers = trainer.children(recursive=True)
        child.kill()
        child.wait()
        _, left = psutil.wait_procs(workers, timeout=20)
        assert left == []
    finally:
        child.kill()
        child.wait()
    assert runs.read(run.path).state == "interrupted"


@pytest.mark.slow
def test_the_benchmarks_comparison_sees_one_bit_of_a_weight_and_one_figure(whole):
    """What the comparisons above and those of `benchmarks.interruptions` rest on."""
    copy = Path(shutil.copytree(whole.path, runs.root() / whole.id))
    assert differences(whole, runs.read(copy)) == []
    metrics = (copy / "metrics.jsonl").read_text()
    lines = metrics.splitlines(keepends=True)
    last = json.loads(lines[-1])
    assert last["kind"] == "epoch"
    (copy / "metrics.jsonl").write_text("".join(lines[:-1]))
    assert differences(whole, runs.read(copy)) == ["3 and 2 epochs"]
    other = {**last, "val_loss": float(np.nextafter(last["val_loss"], 9)), "seconds": 0.0}
    (copy / "metrics.jsonl").write_text("".join([*lines[:-1], json.dumps(other) + "\n"]))
    (found,) = differences(whole, runs.read(copy))
    assert found.startswith("epoch 3: ")
    (copy / "metrics.jsonl").write_text("".join([*lines[:-1], json.dumps({**last, "seconds": 0.0}) + "\n"]))
    assert differences(whole, runs.read(copy)) == [], "the clock is left out"
    network = load(runs.read(copy))
    weights = network.get_weights()
    weights[0].flat[0] = np.nextafter(weights[0].flat[0], np.float32(9))
    network.set_weights(weights)
    network.save(copy / "model.keras")
    assert differences(whole, runs.read(copy)) == ["weights 0"]

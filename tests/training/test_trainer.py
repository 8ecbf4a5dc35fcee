"""The trainer and its recorder: what a training leaves behind, and every way in which it can end early."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import psutil
import pytest
import tensorflow as tf
from filelock import FileLock
from PIL import Image

from benchmarks import interruptions
from benchmarks.interruptions import differences
from cnn import data, runs, train
from cnn.config import CLASS_NAMES, Data, RunConfig, Training, presets
from cnn.config.layers import Convolution, Dense, Dropout, Flatten, Pooling
from cnn.data import mixture, synthetic
from cnn.evaluation import calibration
from cnn.evaluation.examples import read_examples
from cnn.evaluation.metrics import evaluate, predict
from cnn.networks import compile
from cnn.networks.build import build
from cnn.networks.compile import Confusion, compile_for_training
from cnn.networks.load import load
from cnn.runs import Run, directory, launchers, queue, time_lapse
from cnn.runs.queue import turn
from cnn.training import precision_trial, recorder, trainer
from cnn.training.recorder import Recorder
from tests.command import NO_PROCESS, TINY, Command, as_killed, train_here, wait_until
from tests.data.test_mixture import Here
from tests.training.test_event_file import events, scalars

ROOT = Path(__file__).resolve().parents[2]
SMALL = RunConfig(
    data=Data(dataset="synthetic", limit=300, shift=1, flip=True),
    layers=(Flatten(), Dense(units=16), Dropout(rate=0.3)),
    training=Training(batch_size=64, epochs=2, schedule="cosine", learning_rate=0.01),
)


def changed(config: RunConfig, **training) -> RunConfig:
    return config.model_copy(update={"training": config.training.model_copy(update=training)})


def epochs_of(run: Run) -> list[int]:
    return [record["epoch"] for record in runs.read_metrics(run) if record["kind"] == "epoch"]


def events_of(run: Run) -> list[str]:
    return [record["what"] for record in runs.read_metrics(run) if record["kind"] == "event"]


def looks_inside(run: Run) -> dict[str, bytes]:
    """What was kept after each epoch: frames of the time lapse and weights."""
    return {file.name: file.read_bytes() for file in (run.path / "lapse").iterdir()}


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen]]:
    """Start `python -m cnn.train ...` in a process of its own; ended with the test at the latest."""
    children = []

    def start(*arguments: object) -> subprocess.Popen:
        command = [sys.executable, "-m", "cnn.train", *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        children.append(subprocess.Popen(command, cwd=ROOT, start_new_session=True, **pipes))
        return children[-1]

    yield start
    for child in children:
        child.kill()
        child.communicate()


# ---------------------------------------------------------------- a whole training


def test_the_command_trains_and_its_last_line_is_the_runs_directory(trained):
    assert trained.code == 0, trained.err
    run = trained.run
    assert (run.state, run.name, run.progress, run.problem) == ("finished", "Tiny one", 1.0, None)
    assert run.config == presets()["tiny"].model_copy(
        update={"data": Data(dataset="synthetic", limit=300), "training": changed(presets()["tiny"], epochs=2).training}
    )
    assert (run.status.epoch, run.status.steps, run.status.pid, run.status.host) == (2, 5, None, None)
    assert run.status.seconds > 0 and "CPU" in run.status.devices and run.status.precision == "float32"


def test_a_finished_run_has_the_files_of_the_run_directory(trained):
    left = {file.name for file in trained.run.path.iterdir() if not file.name.startswith(".")}
    table = {line.split()[0] for line in directory.__doc__.splitlines() if line.startswith("      ")}
    table = {name.rstrip("/") for name in table}
    gone, asked_for = (
        {"checkpoint.npz", "best.keras"},
        {"stop", "requests.jsonl", "pictures.npz", "pictures.json", "tensorboard", "dataset.json"},
    )
    assert {"config.json", "log.txt", "lapse"} | gone | asked_for < table
    assert left == table - gone - asked_for - {"log.txt"}, "log.txt comes with the dashboard's launcher"
    assert not [file for file in trained.run.path.glob(".*") if file.name != ".lock"]


def test_metrics_are_of_both_kinds(trained):
    records = runs.read_metrics(trained.run)
    batches = [record for record in records if record["kind"] == "batch"]
    assert epochs_of(trained.run) == [1, 2]
    assert {record["epoch"] for record in batches} == {0, 1}
    for record in batches:
        assert set(record) - {"update"} == {"kind", "epoch", "step", "steps", "loss", "accuracy", "seconds"}
        assert 0 < record.get("update", 0.1) < 1
        assert 1 <= record["step"] <= record["steps"] == 5
    for record in records:
        if record["kind"] == "epoch":
            figures = {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "waiting", "dead"}
            assert set(record) == {"kind", "epoch", "seconds"} | figures
            assert 0 <= record["learning_rate"] <= 0.01 and set(record["dead"]) == {"conv2d", "conv2d_1"}
            assert 0 <= record["waiting"] <= 1
        assert np.isfinite(record["loss"]) and 0 <= record["accuracy"] <= 1
    assert [record["seconds"] for record in records] == sorted(record["seconds"] for record in records)
    lines = (trained.run.path / "metrics.jsonl").read_text().splitlines()
    assert len(lines) == len(records)


def test_the_weights_of_every_epoch_are_kept_and_the_last_are_those_of_the_network_on_disk(trained):
    path = trained.run.path
    assert time_lapse.epochs_with_weights(path) == time_lapse.epochs(path) == [1, 2]
    first, last, network = time_lapse.read_weights(path, 1), time_lapse.read_weights(path, 2), load(trained.run)
    for before, kept, weights in zip(first, last, network.get_weights(), strict=True):
        assert before.shape == kept.shape == weights.shape and not np.array_equal(before, kept)
        assert np.allclose(kept, weights, rtol=2**-11, atol=2**-25)
        assert weights.ndim > 1 or np.array_equal(kept, weights)


def test_the_evaluation_is_that_of_the_network_on_disk(trained, draw_once):
    run = trained.run
    assert run.evaluation == json.loads((run.path / "evaluation.json").read_text())
    measured = evaluate(load(run), data.load(run.config.data).test)
    assert (measured["split"], measured["n"]) == ("test", 2000)
    for name in ("accuracy", "loss", "calibration_error"):
        assert run.evaluation[name] == pytest.approx(measured[name], abs=0.002)
    assert run.evaluation["accuracy"] > 0.2, "twice what guessing gives"
    assert f"Test accuracy {run.evaluation['accuracy']:.4f}" in trained.out


def test_examples_and_environment_are_kept(trained):
    examples = read_examples(trained.run)
    assert examples.labels.tolist() == [label for label in range(10) for _ in range(10)]
    assert examples.probabilities.sum(axis=1) == pytest.approx(np.ones(100), abs=1e-5)
    environment = json.loads((trained.run.path / "environment.json").read_text())
    assert environment["keras"] == keras.__version__ and environment["classes"] == list(CLASS_NAMES)


def test_a_finished_run_is_not_trained_again(own_tiny):
    before = {file.name: file.stat().st_mtime_ns for file in own_tiny.path.iterdir()}
    again = train_here(own_tiny.path)
    assert again.code == 0 and "Tiny one is already finished" in again.err
    assert {file.name: file.stat().st_mtime_ns for file in own_tiny.path.iterdir()} == before


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "give either a run's directory or --preset NAME"),
        (["some-run", "--preset", "tiny"], "give either a run's directory or --preset NAME"),
        (["some-run", "--epochs", "3"], "a run's configuration cannot be changed"),
        (["some-run", "--name", "x"], "a run's configuration cannot be changed"),
        (["--preset", "resnet"], "resnet"),
        (["--preset", "tiny", "--epochs", "many"], "many"),
        (
            ["--preset", "tiny", "--epochs", "0"],
            "epochs (training > epochs): input should be greater than or equal to 1",
        ),
        (["--preset", "tiny", "--limit", "1"], "limit (data > limit): input should be greater than or equal to 2"),
        (["--preset", "tiny", "--seed", "-1"], "seed (training > seed)"),
        (["--preset", "tiny", "--dataset", "imagenet"], "imagenet"),
        (["--preset", "tiny", "--pictures", "no-such-folder"], "no-such-folder holds no labelled images"),
        (["some-run", "--pictures", "tests"], "a run's configuration cannot be changed"),
        (["no-such-run"], "There is no run 'no-such-run'"),
        (["/etc"], "There is no run '/etc'"),
    ],
)
def test_bad_arguments_end_with_code_2_and_a_sentence(arguments, sentence, capsys, runs_folder):
    handler = signal.getsignal(signal.SIGTERM)
    try:
        code = train.main(arguments)
    except SystemExit as end:
        code = end.code
    captured = capsys.readouterr()
    assert code == 2
    assert sentence in captured.err and "Traceback" not in captured.err and captured.out == ""
    assert not runs_folder.exists()
    assert signal.getsignal(signal.SIGTERM) == handler


def test_a_runs_folder_that_cannot_be_made_ends_with_code_2(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CNN_RUNS", str(tmp_path / "file"))
    assert train.main(["--preset", "tiny"]) == 2
    assert capsys.readouterr().err.startswith("cnn.train: ")


def test_a_shipped_run_is_not_trained(own_tiny, monkeypatch):
    runs.write_status(own_tiny.path, runs.closed(own_tiny.status, "stopped"))
    monkeypatch.setattr(directory, "PRETRAINED", own_tiny.path.parent)
    before = {file.name: file.stat().st_mtime_ns for file in own_tiny.path.iterdir()}
    result = train_here(own_tiny.path)
    assert result.code == 1 and "Tiny one cannot be trained" in result.err
    assert {file.name: file.stat().st_mtime_ns for file in own_tiny.path.iterdir()} == before


def test_a_damaged_run_is_not_trained(own_tiny):
    (own_tiny.path / "config.json").write_text("{")
    result = train_here(own_tiny.path)
    assert result.code == 1 and "cannot be trained. Its config.json is not" in result.err
    assert "Traceback" not in result.err


def test_a_run_is_trained_by_one_process_at_a_time(own_tiny):
    runs.write_status(own_tiny.path, runs.signed(own_tiny.status, "training"))
    before = (own_tiny.path / "status.json").read_bytes()
    with FileLock(own_tiny.path / ".lock"):
        result = train_here(own_tiny.path)
    assert result.code == 1 and "already in training in another process" in result.err
    assert (own_tiny.path / "status.json").read_bytes() == before


# ---------------------------------------------------------------- failing


def test_missing_data_fail_with_their_own_sentence(monkeypatch):
    def unavailable(*arguments):
        raise data.DataUnavailable("Fashion-MNIST is nowhere: use the synthetic dataset.")

    monkeypatch.setattr(data, "load", unavailable)
    run = runs.create(SMALL)
    assert train_here(run.path).code == 1
    failed = runs.read(run.path)
    assert (failed.state, failed.status.message) == ("failed", "Fashion-MNIST is nowhere: use the synthetic dataset.")
    assert failed.status.pid is None and failed.state in runs.RESUMABLE


def test_a_bug_fails_with_its_name_and_a_traceback_in_the_log(monkeypatch):
    monkeypatch.setattr(data, "load", lambda *arguments: 1 / 0)
    run = runs.create(SMALL)
    result = train_here(run.path)
    assert result.code == 1 and "Traceback" in result.err
    failed = runs.read(run.path)
    assert (failed.state, failed.status.message) == ("failed", "ZeroDivisionError: division by zero")
    assert result.out.splitlines()[-1] == str(run.path)


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_loss_that_is_no_number_fails_and_is_not_kept(epochs, monkeypatch, draw_once):
    def break_down(network, config, steps, class_weights):
        rate = compile_for_training(network, config, steps)
        network.loss = lambda y, p: keras.ops.sum(p, axis=-1) * float("nan")
        network.compile(network.optimizer, network.loss, metrics=[Confusion(10, name="accuracy")])
        return rate

    monkeypatch.setattr(compile, "compile_for_training", break_down)
    run = runs.create(changed(SMALL, epochs=epochs))
    assert train_here(run.path).code == 1
    failed = runs.read(run.path)
    message = r"The loss is no longer a number at a learning rate of 0\.\d+: go on with a lower one\."
    assert failed.state == "failed" and re.fullmatch(message, failed.status.message)
    assert failed.status.epoch == 0 and epochs_of(failed) == [] and events_of(failed) == ["diverged"]
    assert not failed.has_model and not failed.has_checkpoint


# ---------------------------------------------------------------- stopping and resuming


def stop_after(monkeypatch: pytest.MonkeyPatch, epoch: int, step: int) -> None:
    """Somebody asks for a stop just before the given step, from 1, of an epoch, from 0."""
    record = Recorder.on_train_batch_end

    def stop_and_record(self, batch, logs=None):
        if (self._epoch, self._begun + batch + 1) == (epoch, step):
            (self.path / "stop").touch()
        record(self, batch, logs)

    monkeypatch.setattr(Recorder, "on_train_batch_end", stop_and_record)


@pytest.mark.slow
def test_a_stopped_and_resumed_training_equals_an_uninterrupted_one(monkeypatch, draw_once):
    """Weights, optimizer, schedule, order, augmentation, dropout and the sums behind the figures go on as they were."""
    whole = runs.create(changed(SMALL, epochs=3), "whole")
    assert train_here(whole.path).code == 0
    run = runs.create(changed(SMALL, epochs=3), "stopped")
    seconds = 0.0
    for epoch, step, steps_saved in ((0, 5, 0), (1, 3, 3), (1, 4, 4), (2, 1, 1)):  # the end of one, and in the middle
        with monkeypatch.context() as patch:
            stop_after(patch, epoch, step)
            result = train_here(run.path)
        stopped = runs.read(run.path)
        assert result.code == 0 and (stopped.state, stopped.status.message) == ("stopped", "Stopped by request.")
        assert (stopped.status.epoch, stopped.status.step) == (epoch + (step == 5), steps_saved)
        assert stopped.status.pid is None and not stopped.stop_requested
        assert epochs_of(stopped) == list(range(1, stopped.status.epoch + 1)) and stopped.has_model
        assert stopped.has_checkpoint and stopped.evaluation is None and stopped.status.seconds >= seconds
        seconds = stopped.status.seconds

    result = train_here(run.path)
    assert result.code == 0, result.err
    resumed, whole = runs.read(run.path), runs.read(whole.path)
    assert resumed.state == "finished" and epochs_of(resumed) == [1, 2, 3] and not resumed.has_checkpoint
    assert events_of(resumed) == ["stopped", "resumed"] * 4 and resumed.status.seconds >= seconds
    assert differences(whole, resumed) == [] and resumed.evaluation == whole.evaluation
    assert looks_inside(resumed) == looks_inside(whole) and time_lapse.epochs_with_weights(whole.path) == [1, 2, 3]


@pytest.mark.slow
def test_a_training_with_averaged_weights_and_mixup_goes_on_as_it_was(monkeypatch, draw_once):
    """It is validated and saved with the averages, trains on with the weights, and resumes with both."""
    small = SMALL.model_copy(update={"data": SMALL.data.model_copy(update={"mixup": 0.3})})
    config = changed(small, ema_momentum=0.9, epochs=3, optimizer="adamw")
    whole, run = runs.create(config, "whole"), runs.create(config, "stopped")
    assert train_here(whole.path).code == 0
    for epoch, step in ((0, 5), (1, 3), (2, 1)):
        with monkeypatch.context() as patch:
            stop_after(patch, epoch, step)
            assert train_here(run.path).code == 0
    assert train_here(run.path).code == 0
    assert differences(runs.read(whole.path), runs.read(run.path)) == []
    plain = runs.create(changed(small, epochs=3, optimizer="adamw"), "plain")
    assert train_here(plain.path).code == 0
    first, other = (runs.read_metrics(runs.read(one.path)) for one in (whole, plain))
    (first, *_), (other, *_) = ([line for line in lines if line["kind"] == "epoch"] for lines in (first, other))
    assert first["loss"] == other["loss"], "the weights learn as without averages"
    assert first["val_loss"] != other["val_loss"], "the averages are validated"


@pytest.mark.slow
def test_a_resumed_training_keeps_the_weights_of_the_epochs_that_were_chosen_at_first(monkeypatch, draw_once):
    size = sum(array.size * (2 if array.ndim > 1 else 4) for array in build(SMALL, "float32").get_weights())
    monkeypatch.setattr(time_lapse, "_WEIGHTS", 3 * size)
    run = runs.create(changed(SMALL, epochs=6))
    with monkeypatch.context() as patch:
        stop_after(patch, 3, 2)
        assert train_here(run.path).code == 0
    assert time_lapse.epochs_with_weights(run.path) == [1]
    assert train_here(run.path).code == 0
    assert time_lapse.epochs(run.path) == [1, 2, 3, 4, 5, 6] and time_lapse.epochs_with_weights(run.path) == [1, 4, 6]


@pytest.mark.slow
def test_a_training_in_float16_goes_on_with_its_scaled_loss(monkeypatch, draw_once):
    config = changed(SMALL, precision="mixed_float16", optimizer="adamw")
    whole, run = runs.create(config, "whole"), runs.create(config, "stopped")
    assert train_here(whole.path).code == 0
    with monkeypatch.context() as patch:
        stop_after(patch, 1, 2)
        assert train_here(run.path).code == 0
    with np.load(run.path / "checkpoint.npz") as file:
        state = [file[name] for name in file.files if name.startswith("state")]
    assert sum(array.shape == () and array == 2.0**15 for array in state) == 1, "the scale"
    assert train_here(run.path).code == 0
    assert differences(runs.read(whole.path), runs.read(run.path)) == []
    assert runs.read(run.path).status.precision == "mixed_float16"


@pytest.mark.slow
def test_killed_at_any_moment_and_resumed_it_ends_bit_for_bit_like_the_uninterrupted_one(monkeypatch, draw_once):
    """In the middle of the second epoch, and at the end of the third; in front of a write each."""
    monkeypatch.setattr(recorder, "_CHECKPOINT", 0.0)
    whole, written, left = interruptions.create("whole", epochs=3), Counter(), []
    replace_file = Path.replace

    def leave_and_replace(self, target):
        name = Path(target).name
        written[name] += whole.path in self.parents
        if (name, written[name]) in {("checkpoint.npz", 30), ("weights-0003.npz", 1)}:
            written[name] += 1
            left.append(as_killed(whole, f"before-{name}"))
            assert list(left[-1].path.rglob(f".*{name}*")), "half-written"
        return replace_file(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", leave_and_replace)
        assert train_here(whole.path).code == 0
    whole = runs.read(whole.path)
    assert [(run.state, run.status.epoch) for run in left] == [("interrupted", epoch) for epoch in (1, 2)]
    for run in left:
        result = train_here(run.path)
        assert result.code == 0, result.err
        run = runs.read(run.path)
        assert differences(whole, run) == [] and looks_inside(run) == looks_inside(whole)
        assert not [file for file in run.path.rglob(".*") if file.name != ".lock"], "nothing half-written is left"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_random_moments_and_resumed_it_ends_bit_for_bit_like_the_uninterrupted_one(seed, draw_once):
    """Real processes, ended by SIGKILL: once somewhere in the start, twice somewhere in the training."""
    chance = random.Random(seed)
    run = interruptions.create("killed", epochs=8)
    kills = [
        interruptions.kill_when(run, interruptions.is_training, chance.uniform(0, 1)),
        interruptions.kill_at_start(run, chance.uniform(0, 4)),
        interruptions.kill_when(run, interruptions.is_training, chance.uniform(0, 1)),
    ]
    result = train_here(run.path)
    assert result.code == 0, f"{kills}: {result.err}"
    whole = interruptions.create("whole", epochs=8)
    assert train_here(whole.path).code == 0
    run, whole = runs.read(run.path), runs.read(whole.path)
    assert differences(whole, run) == [], kills
    assert looks_inside(run) == looks_inside(whole), kills
    assert time_lapse.epochs_with_weights(run.path) == list(range(1, 9))
    assert not [file for file in run.path.rglob(".*") if file.name != ".lock"], "nothing half-written is left"


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["predictions.measure", "examples.write_reference"])
def test_killed_while_it_is_measured_it_is_calibrated_once(moment, monkeypatch, draw_once):
    """Before and after the calibrated network has been written; with early stopping, where the best one is kept."""
    config = changed(SMALL, epochs=3, calibrate=True, patience=1)
    whole, run = runs.create(config, "whole"), runs.create(config, "killed")
    assert train_here(whole.path).code == 0
    with monkeypatch.context() as patch:
        patch.setattr(f"cnn.evaluation.{moment}", lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM))
        assert train_here(run.path).code == 0
    assert runs.read(run.path).state == "stopped"
    assert train_here(run.path).code == 0
    assert differences(runs.read(whole.path), runs.read(run.path)) == []


def test_what_a_killed_process_has_left_half_written_is_removed(draw_once):
    run = runs.create(changed(SMALL, epochs=1))
    (run.path / "lapse").mkdir()
    names = [".12.checkpoint.npz", ".12.model.keras", ".metrics.jsonl.12.3"]
    for name in (*names, "lapse/.12.epoch-0001.npz", "lapse/.12.weights-0001.npz"):
        (run.path / name).write_bytes(b"half")
    for name in ("epoch-0007.npz", "weights-0007.npz"):
        (run.path / "lapse" / name).write_bytes(b"of weights that will be trained again")
    assert train_here(run.path).code == 0
    assert [file.name for file in run.path.glob(".*")] == [".lock"]
    assert set(looks_inside(run)) == {"epoch-0001.npz", "weights-0001.npz"}


@pytest.mark.slow
def test_a_damaged_checkpoint_is_said_and_the_run_can_be_trained_anew(monkeypatch, draw_once):
    run = runs.create(SMALL, "damaged")
    with monkeypatch.context() as patch:
        stop_after(patch, 1, 2)
        assert train_here(run.path).code == 0
    file = run.path / "checkpoint.npz"
    file.write_bytes(file.read_bytes()[:-500])
    result = train_here(run.path)
    failed = runs.read(run.path)
    assert result.code == 1 and "Traceback" not in result.err and failed.state == "failed"
    assert failed.status.message == (
        f"checkpoint.npz is damaged or belongs to another network. Delete {file} to train the run from its beginning."
    )
    assert epochs_of(failed) == [1], "nothing is thrown away before somebody has decided"
    file.unlink()
    assert train_here(run.path).code == 0
    whole = runs.create(SMALL, "whole")
    assert train_here(whole.path).code == 0
    assert differences(runs.read(whole.path), runs.read(run.path)) == []


# ---------------------------------------------------------------- early stopping and event files


def told_losses(monkeypatch: pytest.MonkeyPatch, val_losses: list[float]) -> None:
    """The validation losses that a training is told, one an epoch."""
    record = Recorder.on_epoch_end
    monkeypatch.setattr(
        Recorder, "on_epoch_end", lambda self, epoch, logs: record(self, epoch, logs | {"val_loss": val_losses[epoch]})
    )


@pytest.mark.slow
def test_early_stopping_ends_on_a_plateau_and_keeps_the_best_network(monkeypatch, draw_once):
    """Also where the training was stopped in the middle of it."""
    told_losses(monkeypatch, [2.0, 1.5, 1.6, 1.5, 1.4, 1.0])
    run = runs.create(changed(SMALL, epochs=6, patience=2))
    weights: dict[int, list[np.ndarray]] = {}
    save = Recorder.save

    def save_and_keep(self, network, name):
        weights[self._epoch + 1] = network.get_weights()
        save(self, network, name)

    monkeypatch.setattr(Recorder, "save", save_and_keep)
    with monkeypatch.context() as patch:
        stop_after(patch, 2, 2)
        assert train_here(run.path).code == 0
    result = train_here(run.path)
    assert result.code == 0, result.err
    run = runs.read(run.path)
    assert (run.state, epochs_of(run)) == ("finished", [1, 2, 3, 4]) and list(weights) == [1, 2]
    assert run.status.message == "The network of epoch 2 is kept, which had the lowest validation loss."
    assert all(np.array_equal(*pair) for pair in zip(load(run).get_weights(), weights[2], strict=True))
    assert run.evaluation["accuracy"] == evaluate(load(run), data.load(SMALL.data).test)["accuracy"]
    assert not (run.path / "best.keras").exists()


@pytest.mark.slow
def test_a_training_that_keeps_improving_is_not_ended_early(monkeypatch, draw_once):
    told_losses(monkeypatch, [2.0, 2.1, 1.9])
    run = runs.create(changed(SMALL, epochs=3, patience=2))
    assert train_here(run.path).code == 0
    assert epochs_of(runs.read(run.path)) == [1, 2, 3]


@pytest.mark.slow
def test_a_training_killed_at_its_plateau_trains_no_further(monkeypatch, draw_once):
    told_losses(monkeypatch, [2.0, 2.1, 1.0, 1.0])
    run = runs.create(changed(SMALL, epochs=4, patience=1))
    with monkeypatch.context() as patch:
        patch.setattr("cnn.evaluation.predictions.measure", lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM))
        assert train_here(run.path).code == 0
    assert train_here(run.path).code == 0
    assert runs.read(run.path).state == "finished" and epochs_of(runs.read(run.path)) == [1, 2]


@pytest.mark.slow
def test_event_files_hold_what_the_metrics_do(monkeypatch, draw_once):
    run = runs.create(changed(SMALL, tensorboard=True))
    with monkeypatch.context() as patch:
        stop_after(patch, 1, 2)
        assert train_here(run.path).code == 0
    assert train_here(run.path).code == 0
    assert len(list((run.path / "tensorboard").iterdir())) == 2, "a file for each session"
    written = scalars(events(run.path / "tensorboard"))
    for record in runs.read_metrics(runs.read(run.path)):
        match record:
            case {"kind": "epoch", "epoch": epoch, "val_loss": loss}:
                assert (5 * epoch, "epoch/val_loss", loss) in written
            case {"kind": "batch", "epoch": epoch, "step": step, "loss": loss}:
                assert (5 * epoch + step, "batch/loss", loss) in written


# ---------------------------------------------------------------- mixing in other images

MIXED = RunConfig(
    data=Data(
        dataset="synthetic",
        limit=100,
        random_affine=0.3,
        random_erasing=0.2,
        flip=True,
        style_augmentation=0.2,
        outlier_exposure=0.1,
        own_images=0.3,
    ),
    layers=(Flatten(), Dense(units=16), Dropout(rate=0.3)),
    training=Training(batch_size=32, epochs=2, learning_rate=0.01, calibrate=True),
)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch, draw_once: None) -> None:
    """Few images are mixed in, made in this process; how familiar images are is not measured."""
    monkeypatch.setattr(mixture, "ProcessPoolExecutor", Here)
    for name, value in (("_given", ()), ("_STYLES", 1), ("_SYNTHETIC", 0.0), ("_OUTLIERS", 20), ("_CHUNK", 50)):
        monkeypatch.setattr(mixture, name, value)
    monkeypatch.setattr("cnn.evaluation.out_of_distribution.familiarity_of", lambda *arguments: {}, raising=False)


def own_pictures() -> mixture.OwnPictures:
    pictures, labels = synthetic.dataset(20, 8, "test")
    return mixture.OwnPictures(pictures, labels, np.zeros(20, np.uint8))


def mixed_run(name: str, config: RunConfig = MIXED) -> Run:
    run = runs.create(config, name)
    mixture.save_own(run.path / "pictures.npz", own_pictures())
    return run


def test_pictures_of_ones_own_are_read_kept_and_mixed_in(tmp_path, monkeypatch, few):
    """In other processes, as it will be: `few` is for the rest."""
    monkeypatch.setattr(mixture, "ProcessPoolExecutor", ProcessPoolExecutor)
    for label, name in ((0, "T-shirt"), (8, "Bag")):
        folder = tmp_path / "mine" / f"{label}_{name}"
        folder.mkdir(parents=True)
        for number in range(4):
            picture = synthetic.draw(label, np.random.default_rng(number), size=140)
            Image.fromarray(255 - picture).save(folder / f"{label}{number}.png")
    mixed_in = []
    stream = data.training_batches
    monkeypatch.setattr(data, "training_batches", lambda *given: mixed_in.append(given[6]) or stream(*given))
    result = train_here(*TINY[:-1], "1", "--pictures", tmp_path / "mine")
    assert result.code == 0, result.err
    run = result.run
    assert run.state == "finished" and run.has_model and run.config.data.own_images == 0.15
    assert "Reading your images: " in result.out
    own = mixture.load_own(run.path / "pictures.npz")
    trained_on = [file for file, _ in mixture.labelled_files(tmp_path / "mine") if not mixture.is_held_out(file)]
    assert set(own.labels.tolist()) == {0, 8} and len(own.labels) >= len(trained_on) > 2
    ((source,),) = mixed_in
    assert source.fraction == 0.15
    assert {image.tobytes() for image in source.split.images} == {image.tobytes() for image in own.images}


def test_a_share_of_ones_own_in_a_preset_is_kept():
    options = train._parse(["--preset", "wardrobe", "--pictures", "anywhere"])
    assert train._configure(options).data == presets()["wardrobe"].data


@pytest.mark.slow
def test_a_resumed_training_with_a_mixture_equals_an_uninterrupted_one(monkeypatch, few):
    """The mixture is made again, the same; the network is cooled once, at the end."""
    cooled = []
    cool = calibration.apply_temperature

    def observed(network, divisor) -> None:
        before = [weights.copy() for weights in network.layers[-1].get_weights()]
        cool(network, divisor)
        cooled.append((divisor, before))

    monkeypatch.setattr(calibration, "apply_temperature", observed)
    whole, run = mixed_run("whole"), mixed_run("stopped")
    assert train_here(whole.path).code == 0
    with monkeypatch.context() as patch:
        stop_after(patch, 1, 2)
        assert train_here(run.path).code == 0
    assert (runs.read(run.path).state, len(cooled)) == ("stopped", 1)
    assert train_here(run.path).code == 0
    whole, resumed = runs.read(whole.path), runs.read(run.path)
    assert resumed.state == "finished" and epochs_of(resumed) == [1, 2] and len(cooled) == 2
    networks = [load(one) for one in (whole, resumed)]
    assert differences(whole, resumed) == []
    for network, (divisor, before) in zip(networks, cooled, strict=True):
        assert divisor != 1
        for weights, warm in zip(network.layers[-1].get_weights(), before, strict=True):
            assert np.array_equal(weights, warm / divisor), "the network on disk is the cooled one"
    validation = data.load(MIXED.data).validation
    again = calibration.temperature(predict(networks[0], validation.images), validation.labels)
    assert again == pytest.approx(1, abs=0.03)
    measured = evaluate(networks[0], data.load(MIXED.data).test)
    assert whole.evaluation["loss"] == pytest.approx(measured["loss"], abs=1e-4)
    assert whole.evaluation["accuracy"] == pytest.approx(measured["accuracy"], abs=1e-3)


def test_a_stop_is_heard_while_the_mixture_is_made(monkeypatch, few):
    make, made = mixture._outlier_chunk, []
    monkeypatch.setattr(mixture, "_CHUNK", 5)
    run = mixed_run("stopped early")

    def make_and_stop(stream, numbers):
        made.append(numbers)
        (run.path / "stop").touch()
        return make(stream, numbers)

    monkeypatch.setattr(mixture, "_outlier_chunk", make_and_stop)
    assert train_here(run.path).code == 0
    stopped = runs.read(run.path)
    assert (stopped.state, stopped.status.epoch, made) == ("stopped", 0, [range(5)])
    assert stopped.state in runs.RESUMABLE and (run.path / "pictures.npz").exists()


@pytest.mark.slow
@pytest.mark.parametrize("calibrate", [False, True])
def test_a_training_killed_while_it_is_measured_keeps_its_network(calibrate, monkeypatch, few):
    run = runs.create(changed(SMALL, epochs=3, calibrate=calibrate))
    with monkeypatch.context() as patch:
        patch.setattr("cnn.evaluation.predictions.measure", lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM))
        assert train_here(run.path).code == 0
    stopped = runs.read(run.path)
    assert (stopped.state, stopped.status.epoch) == ("stopped", 3)
    before = predict(load(stopped), data.load(SMALL.data).test.images)
    assert train_here(run.path).code == 0
    resumed = runs.read(run.path)
    after = predict(load(resumed), data.load(SMALL.data).test.images)
    assert (after.argmax(axis=1) == before.argmax(axis=1)).mean() > 0.99
    right = (before.argmax(axis=1) == data.load(SMALL.data).test.labels).mean()
    assert resumed.evaluation["accuracy"] == pytest.approx(right, abs=0.01)


# ---------------------------------------------------------------- stopping


def test_a_stop_asked_for_while_it_waits_is_meant_for_it():
    run = runs.create(SMALL)
    with FileLock(run.path.parent / ".training.lock"):
        runs.request_stop(run)
        assert train_here(run.path).code == 0
    stopped = runs.read(run.path)
    assert (stopped.state, stopped.status.epoch, stopped.stop_requested) == ("stopped", 0, False)


def test_an_old_stop_does_not_stop_a_resumed_run(monkeypatch):
    reached = []
    monkeypatch.setattr(trainer, "_train", lambda run, status: reached.append(run.stop_requested))
    run = runs.create(SMALL)
    runs.write_status(run.path, runs.closed(run.status, "failed"))
    runs.request_stop(run)
    assert train_here(run.path).code == 0
    assert reached == [False]


@pytest.mark.slow
def test_ctrl_c_stops_the_command(spawn):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite started in the background ignores it
    child = spawn(*TINY[:-1], "500", "--name", "Long")
    wait_until(lambda: (runs.all_runs() and runs.all_runs()[0].status.epoch >= 1) or child.poll() is not None)
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 0, out
    (run,) = runs.all_runs()
    assert out.splitlines()[-1] == str(run.path)
    assert "Traceback" not in out
    assert (run.name, run.state) == ("Long", "stopped") and 1 <= run.status.epoch < 500
    assert epochs_of(run) == list(range(1, run.status.epoch + 1))
    assert run.has_model and run.has_checkpoint


@pytest.mark.slow
def test_a_killed_training_is_interrupted_and_resumes_from_its_last_checkpoint(spawn, draw_once):
    run, whole = (runs.create(changed(SMALL, epochs=8), name) for name in ("killed", "whole"))
    child = spawn(run.path)
    wait_until(lambda: runs.read(run.path).status.epoch >= 1 or child.poll() is not None)
    os.kill(child.pid, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(child.pid) or psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE)
    killed = runs.read(run.path)  # the process is a zombie now, because nobody has asked for its exit code
    assert (killed.state, killed.active) == ("interrupted", False), child.communicate()[0]
    assert "process is gone" in killed.status.message and 1 <= killed.status.epoch < 8
    with (run.path / "metrics.jsonl").open("ab") as file:
        file.write(b'{"kind": "batch", "epoch": 7, "st')

    result = train_here(run.path)
    assert result.code == 0, result.err
    resumed = runs.read(run.path)
    assert resumed.state == "finished" and resumed.status.epoch == 8
    assert epochs_of(resumed) == list(range(1, 9))
    batches = [(record["epoch"], record["step"]) for record in runs.read_metrics(resumed) if record["kind"] == "batch"]
    assert len(set(batches)) == len(batches) and {epoch for epoch, _ in batches} == set(range(8))
    assert "Epoch 1/8" not in result.out and f"Epoch {killed.status.epoch + 2}/8" in result.out
    seconds = [record["seconds"] for record in runs.read_metrics(resumed)]
    assert seconds == sorted(seconds), "the time axis goes on"
    assert train_here(whole.path).code == 0
    assert differences(runs.read(whole.path), resumed) == [], "bit for bit"


# ---------------------------------------------------------------- the queue


def in_turn(run: Run, order: list[str]) -> threading.Thread:
    """A thread that takes the run's turn, writes down that it had it, and ends."""

    def take() -> None:
        with turn(run, run.status):
            order.append(run.name)
            time.sleep(0.05)
            runs.write_status(run.path, runs.closed(run.status, "finished"))

    thread = threading.Thread(target=take)
    thread.start()
    return thread


def waiting(run: Run) -> bool:
    return (runs.read(run.path).state, runs.read(run.path).status.message) == ("queued", "Waiting for its turn")


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """Three runs as the launcher leaves them, the oldest first, their processes not yet there."""
    monkeypatch.setattr(queue, "_POLL", 0.02)
    monkeypatch.setattr(
        launchers.subprocess, "Popen", lambda *arguments, **options: SimpleNamespace(wait=lambda: None, pid=NO_PROCESS)
    )
    made = [runs.create(SMALL, name) for name in ("first", "second", "third")]
    launcher = launchers.LocalLauncher()
    for run in made:
        launcher.start(run)
        time.sleep(0.01)
    return [runs.read(run.path) for run in made]


@pytest.mark.parametrize("arrival", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_runs_train_in_the_order_in_which_they_were_queued(arrival, queued):
    """However long each process takes to start."""
    order, threads = [], []
    with FileLock(runs.root() / ".training.lock"):
        for place in arrival:
            threads.append(in_turn(queued[place], order))
            wait_until(lambda place=place: waiting(queued[place]), 10)
    for thread in threads:
        thread.join(20)
    assert order == ["first", "second", "third"]


def test_a_resumed_run_goes_to_the_end_of_the_queue(queued):
    old = queued[0]
    runs.write_status(old.path, runs.closed(replace(old.status, created=1.0), "stopped"))
    launchers.LocalLauncher().start(runs.read(old.path))
    order, threads = [], []
    with FileLock(runs.root() / ".training.lock"):
        for run in queued:
            threads.append(in_turn(runs.read(run.path), order))
            wait_until(lambda run=run: waiting(run), 10)
    for thread in threads:
        thread.join(20)
    assert order == ["second", "third", "first"]


def test_a_run_whose_process_died_in_the_queue_holds_nobody_up(queued):
    dead, alive, _ = queued
    runs.write_status(dead.path, replace(runs.signed(dead.status, "queued"), pid_created=1.0))
    order = []
    in_turn(alive, order).join(20)
    assert order == ["second"]


# ---------------------------------------------------------------- the recorder


class FakeWeights(np.ndarray):
    def numpy(self) -> np.ndarray:
        return np.array(self)


class FakeNetwork:
    """What the recorder needs of a network: a layer, itself, with one weight."""

    name = "layer"
    stop_training = stop_evaluating = False
    metrics_variables = ()

    def __init__(self) -> None:
        self.weight = np.ones(1).view(FakeWeights)
        self.trainable_weights = self.trainable_variables = self.variables = self.weights = [self.weight]
        self.layers = [self]
        self.optimizer = SimpleNamespace(learning_rate=0.25, variables=[])

    def get_layer(self, name):
        return self

    def get_weights(self):
        return [self.weight]

    def set_weights(self, weights):
        self.weight[:] = weights[0]

    def save(self, path):
        Path(path).write_text(json.dumps(self.weight.tolist()))


class Clock:
    """Seconds that pass when the test says so; `wall` is what the clock on the wall is ahead of them."""

    now = 1000.0
    wall = 1e9

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now + self.wall

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(recorder, "time", clock)
    return clock


def new_recorder(pictures: int, batch_size: int, epochs: int = 2) -> Recorder:
    run = runs.create(changed(SMALL, batch_size=batch_size, epochs=epochs))
    made = Recorder(run, FakeNetwork(), data.steps(pictures, batch_size), pictures, runs.signed(run.status, "starting"))
    made.set_model(FakeNetwork())
    made.on_train_begin()
    return made


def play_epoch(made: Recorder, clock: Clock, losses: np.ndarray, seconds: float, epoch: int = 0) -> None:
    """Tell the recorder, as Keras does, the mean since the epoch began after each batch. losses: one an image."""
    made.on_epoch_begin(epoch)
    for step in range(made.steps):
        clock.now += seconds
        so_far = losses[: (step + 1) * made.training.batch_size]
        made.on_train_batch_end(step, {"loss": so_far.mean(), "accuracy": (so_far < 1).mean()})


def points(made: Recorder) -> list[dict]:
    return [record for record in runs.read_metrics(runs.read(made.path)) if record["kind"] == "batch"]


def test_points_are_the_means_of_the_pictures_since_the_point_before(clock):
    losses = np.random.default_rng(3).random(1030) * 2
    made = new_recorder(pictures=1030, batch_size=10)
    play_epoch(made, clock, losses, seconds=0.1)
    found = points(made)
    assert len(found) == pytest.approx(103 * 0.1 / 0.5, abs=4), "about two points a second"
    start = 0
    for point in found:
        window = losses[start : point["step"] * 10]
        assert point["loss"] == pytest.approx(window.mean(), abs=2e-5)
        assert point["accuracy"] == pytest.approx((window < 1).mean(), abs=2e-5)
        start = point["step"] * 10
    assert [point["step"] for point in found] == sorted({point["step"] for point in found})


def test_the_last_batch_counts_by_its_pictures(clock):
    losses = np.concatenate([np.zeros(20), np.full(5, 9.0)])
    made = new_recorder(pictures=25, batch_size=10)
    play_epoch(made, clock, losses, seconds=0.1, epoch=1)  # one point, at the end of the epoch
    assert [(point["step"], point["loss"], point["accuracy"]) for point in points(made)] == [(3, 1.8, 0.8)]


def test_a_new_epoch_starts_from_zero(clock):
    made = new_recorder(pictures=100, batch_size=10, epochs=3)
    play_epoch(made, clock, np.full(100, 5.0), seconds=0.01, epoch=1)
    play_epoch(made, clock, np.full(100, 0.5), seconds=0.01, epoch=2)
    assert [(point["epoch"], point["loss"], point["accuracy"]) for point in points(made)] == [
        (1, 5.0, 0.0),
        (2, 0.5, 1.0),
    ]


@pytest.mark.parametrize("steps", [10, 19, 20, 21, 25, 39, 40, 41, 100, 1719])
@pytest.mark.parametrize("seconds", [1e-5, 0.1])
def test_the_first_epoch_has_a_curve_however_short_it_is(steps, seconds, clock):
    losses = np.random.default_rng(5).random(4 * steps)
    made = new_recorder(pictures=4 * steps, batch_size=4)
    play_epoch(made, clock, losses, seconds)
    found = [point["step"] for point in points(made)]
    assert 10 <= len(found) <= 20 + 200 and np.diff([0, *found]).max() <= max(2, steps / 10), "from end to end"
    assert found[-1] >= 0.99 * steps
    start = 0
    for point in points(made):
        assert point["loss"] == pytest.approx(losses[start : point["step"] * 4].mean(), abs=2e-5)
        start = point["step"] * 4


def test_a_first_epoch_of_few_batches_has_a_point_for_each(clock):
    made = new_recorder(pictures=80, batch_size=10)
    play_epoch(made, clock, np.ones(80), seconds=1e-5)
    assert [point["step"] for point in points(made)] == [1, 2, 3, 4, 5, 6, 7, 8]
    play_epoch(made, clock, np.ones(80), seconds=1e-5, epoch=1)
    assert [point["step"] for point in points(made) if point["epoch"] == 1] == [8], "later ones are drawn by the clock"


def test_a_few_pictures_at_the_end_of_an_epoch_draw_no_spike(clock):
    losses = np.concatenate([np.zeros(50), np.full(3, 99.0)])
    made = new_recorder(pictures=53, batch_size=10)
    play_epoch(made, clock, losses, seconds=0.1)
    play_epoch(made, clock, losses, seconds=0.1, epoch=1)
    found = [(point["epoch"], point["step"], point["loss"]) for point in points(made)]
    assert found == [*((0, step, 0.0) for step in (1, 2, 3, 4, 5)), (1, 5, 0.0)]


def test_slow_batches_draw_points_too(clock):
    losses = np.random.default_rng(4).random(200)
    made = new_recorder(pictures=200, batch_size=10)
    play_epoch(made, clock, losses, seconds=3.0)
    found = points(made)
    assert len(found) >= 10, "at least every other batch of a minute-long epoch"
    start = 0
    for point in found:
        assert point["loss"] == pytest.approx(losses[start : point["step"] * 10].mean(), abs=2e-5)
        start = point["step"] * 10


def test_an_epoch_of_one_batch_is_a_point(clock):
    made = new_recorder(pictures=7, batch_size=10)
    play_epoch(made, clock, np.full(7, 2.0), seconds=0.1)
    assert [(point["step"], point["loss"]) for point in points(made)] == [(1, 2.0)]


def test_the_status_tells_progress_speed_and_time_left(clock):
    made = new_recorder(pictures=100, batch_size=10, epochs=3)
    made.on_epoch_begin(0)
    clock.now += 5.0
    made.on_train_batch_end(4, {"loss": 1.0, "accuracy": 0.5})
    status = runs.read(made.path).status
    assert (status.state, status.epoch, status.step, status.steps) == ("training", 0, 5, 10)
    assert status.images_per_second == 10.0
    assert status.seconds_left == 25.0, "half an epoch and two more, at 10 images a second"
    assert status.heartbeat == clock.time() and status.seconds == 5.0 and status.learning_rate == 0.25


EPOCH_LOGS = {"loss": 1.25, "accuracy": 0.5, "val_loss": 1.5, "val_accuracy": 0.25}


def test_an_epoch_is_recorded_saved_and_counted(clock):
    made = new_recorder(pictures=100, batch_size=10)
    made.model.weight[:] = 7
    play_epoch(made, clock, np.ones(100), seconds=0.1)
    made.on_epoch_end(0, EPOCH_LOGS)
    run = runs.read(made.path)
    assert run.status.epoch == 1 and run.status.step == 0
    assert runs.read_metrics(run)[-1] == {
        "kind": "epoch",
        "epoch": 1,
        **EPOCH_LOGS,
        "learning_rate": 0.25,
        "seconds": 1.0,
    }
    assert json.loads((run.path / "model.keras").read_text()) == [7]
    with np.load(run.path / "checkpoint.npz") as file:
        assert file["position"].tolist() == [1, 0] and file["state_0"] == 7
    assert not list(run.path.glob(".*"))


def position_of_checkpoint(run: Run) -> list[int]:
    with np.load(run.path / "checkpoint.npz") as file:
        return file["position"].tolist()


def test_a_stop_keeps_the_part_of_the_epoch_in_a_checkpoint(clock):
    made = new_recorder(pictures=100, batch_size=10)
    made.on_epoch_begin(0)
    for step in range(4):
        if step == 3:
            (made.path / "stop").touch()
        made.on_train_batch_end(step, {"loss": 1.0, "accuracy": 0.5})
    assert made.stopped and made.model.stop_training
    made.on_test_batch_end(0)
    assert made.model.stop_evaluating, "the validation images of half an epoch say nothing"
    made.on_epoch_end(0, EPOCH_LOGS)
    run = runs.read(made.path)
    assert (run.status.epoch, run.status.step) == (0, 4) and position_of_checkpoint(run) == [0, 4]
    assert epochs_of(run) == [] and events_of(run) == ["stopped"] and not run.has_model


def test_a_stop_in_the_last_batch_makes_the_epoch_whole(clock):
    made = new_recorder(pictures=100, batch_size=10)
    made.on_epoch_begin(0)
    for step in range(10):
        if step == 9:
            (made.path / "stop").touch()
        made.on_train_batch_end(step, {"loss": 1.0, "accuracy": 0.5})
    made.on_test_batch_end(0)
    assert made.stopped and made.model.stop_training and not made.model.stop_evaluating
    made.on_epoch_end(0, EPOCH_LOGS)
    run = runs.read(made.path)
    assert (run.status.epoch, run.status.step) == (1, 0) and position_of_checkpoint(run) == [1, 0]
    assert epochs_of(run) == [1] and events_of(run) == ["stopped"] and run.has_model


def test_a_long_epoch_has_a_checkpoint_at_least_every_two_minutes(clock, monkeypatch):
    made, saved = new_recorder(pictures=1000, batch_size=10), []
    save = made.save_checkpoint
    monkeypatch.setattr(made, "save_checkpoint", lambda: (save(), saved.append(clock.now)))
    started = clock.now
    play_epoch(made, clock, np.ones(1000), seconds=7.0)
    clock.now += 50  # validation
    made.on_epoch_end(0, EPOCH_LOGS)
    assert np.diff([started, *saved]).max() <= 120 and saved[-1] == clock.now
    assert len(saved) < 15


def test_weights_that_are_no_number_are_not_kept_in_a_checkpoint(clock):
    made = new_recorder(pictures=100, batch_size=10)
    made.save_checkpoint()
    made.model.weight[:] = np.nan
    made.save_checkpoint()
    with np.load(made.path / "checkpoint.npz") as file:
        assert file["state_0"] == 1


def test_a_point_tells_how_far_one_step_moves_the_weights(clock):
    """Measured on the batch after the point before."""
    made = new_recorder(pictures=100, batch_size=10)
    made.on_epoch_begin(1)
    made.model.weight[:] = 2.0
    for step in range(10):
        clock.now += 0.3
        made.model.weight *= 1.5 if step == 2 else 1.25
        made.on_train_batch_end(step, {"loss": 1.0, "accuracy": 0.5})
    assert [(point["step"], point.get("update")) for point in points(made)] == [
        (2, None),
        (4, 0.5),
        (6, 0.25),
        (8, 0.25),
        (10, 0.25),
    ]


def test_what_is_no_number_is_not_drawn(clock):
    made = new_recorder(pictures=100, batch_size=10)
    play_epoch(made, clock, np.full(100, np.nan), seconds=0.5)
    made.on_epoch_end(0, EPOCH_LOGS | {"loss": np.nan})
    lines = (made.path / "metrics.jsonl").read_text()
    assert "NaN" not in lines and events_of(runs.read(made.path)) == ["diverged"] and made.model.stop_training


def test_a_clock_that_is_set_back_changes_nothing(clock):
    made = new_recorder(pictures=100, batch_size=10)
    play_epoch(made, clock, np.ones(100), seconds=0.6)
    clock.wall -= 3600
    play_epoch(made, clock, np.ones(100), seconds=0.6, epoch=1)
    clock.wall, clock.now = clock.wall - 3600, clock.now + 1
    made.on_test_batch_end(0)
    status = runs.read(made.path).status
    assert status.heartbeat == clock.time() and status.seconds == 13.0
    assert status.images_per_second == pytest.approx(10 / 0.6, abs=0.1) and status.seconds_left >= 0
    seconds = [record["seconds"] for record in runs.read_metrics(runs.read(made.path))]
    assert seconds == sorted(seconds)


def test_a_pause_is_no_time_of_training(clock):
    made = new_recorder(pictures=100, batch_size=10)
    play_epoch(made, clock, np.ones(100), seconds=0.6)
    made.wait(500.0)
    play_epoch(made, clock, np.ones(100), seconds=0.6, epoch=1)
    assert runs.read(made.path).status.seconds == 12.0


def test_a_stop_is_noticed_even_in_very_short_epochs(clock):
    made = new_recorder(pictures=100, batch_size=10)
    (made.path / "stop").touch()
    play_epoch(made, clock, np.ones(100), seconds=0.0001)
    assert made.stopped


def test_seconds_go_on_where_the_last_session_ended(clock):
    made = new_recorder(pictures=100, batch_size=10)
    again = Recorder(runs.read(made.path), FakeNetwork(), 10, 100, replace(made.status, seconds=60.0, epoch=1))
    again.set_model(FakeNetwork())
    again.on_train_begin()
    play_epoch(again, clock, np.ones(100), seconds=0.1, epoch=1)
    assert points(again)[-1]["seconds"] == pytest.approx(61.0)


def test_command_reads_the_last_line():
    """The helper that all of these rest on."""
    run = runs.create(SMALL)
    assert Command(0, f"anything\n{run.path}\n", "").run == run


# ---------------------------------------------------------------- precision


def test_auto_is_tried_once_and_kept_by_a_resumed_run(monkeypatch):
    tried, found = [], precision_trial.Trial("mixed_bfloat16", "mixed_bfloat16: 2.3 times as fast as float32.")
    monkeypatch.setattr("cnn.training.precision_trial.faster_precision", lambda config: tried.append(config) or found)
    config = changed(SMALL, precision="auto")
    run, said = runs.create(config), []
    assert trainer._precision(run, said.append) == found
    assert tried == [config] and said == ["Trying which precision is the fastest"]

    resumed = replace(run, status=replace(run.status, precision="float32", precision_trial="float32: as before."))
    assert trainer._precision(resumed, said.append) == ("float32", "float32: as before.")
    assert len(tried) == len(said) == 1

    configured = replace(resumed, config=changed(SMALL, precision="mixed_bfloat16"))
    assert trainer._precision(configured, said.append) == ("mixed_bfloat16", "")
    assert len(tried) == 1


@pytest.mark.slow
def test_what_the_trial_found_is_told_and_kept(monkeypatch, draw_once):
    found = precision_trial.Trial(
        "mixed_bfloat16", "mixed_bfloat16: 2.3 times as fast as float32 in a trial of 8 steps."
    )
    monkeypatch.setattr("cnn.training.precision_trial.faster_precision", lambda config: found)
    run = runs.create(changed(SMALL, precision="auto", epochs=1))
    result = train_here(run.path)
    assert result.code == 0 and f"Computing in {found.outcome}" in result.out
    status = runs.read(run.path).status
    assert (status.state, status.precision, status.precision_trial) == ("finished", *found)


# ---------------------------------------------------------------- waiting for data


@pytest.mark.slow
def test_a_slow_stream_of_batches_shows_in_the_metrics_and_the_status(monkeypatch, draw_once):
    stream = data.training_batches

    def slow(pictures, labels):
        time.sleep(0.05)
        return pictures, labels

    def slowly(*arguments):
        made = stream(*arguments)
        types = [spec.dtype for spec in made.element_spec]
        return tf.data.Dataset.zip(made.map(lambda x, y: tf.numpy_function(slow, [x, y], types)), made).map(
            lambda waited, batch: batch
        )

    monkeypatch.setattr(data, "training_batches", slowly)
    run = runs.create(SMALL)
    assert train_here(run.path).code == 0
    run = runs.read(run.path)
    shares = [record["waiting"] for record in runs.read_metrics(run) if record["kind"] == "epoch"]
    assert len(shares) == 2 and shares[-1] > 0.5, "while the first batch compiles, some others are made"
    assert run.status.waiting == shares[-1]


def test_what_the_first_batch_of_a_session_waits_is_left_out(clock):
    """It begins the stream and compiles the network."""
    waiting = SimpleNamespace(seconds=0.0)
    made = new_recorder(pictures=40, batch_size=10)
    made._waiting = waiting
    for epoch, (waits, expected) in enumerate([((7.0, 0.1, 0.2, 0.3), 0.2), ((0.5, 0.5, 0.5, 0.5), 0.5)]):
        made.on_epoch_begin(epoch)
        for step, seconds in enumerate(waits):
            clock.now += max(1.0, seconds)
            waiting.seconds += seconds
            made.on_train_batch_end(step, {"loss": 1.0, "accuracy": 0.5})
        clock.now += 50  # validation
        made.on_epoch_end(epoch, EPOCH_LOGS)
        assert runs.read_metrics(runs.read(made.path))[-1]["waiting"] == pytest.approx(expected)
        assert runs.read(made.path).status.waiting == pytest.approx(expected)


# ---------------------------------------------------------------- several devices


def on_two_devices(run: Run) -> subprocess.Popen:
    command = [sys.executable, "-m", "tests.two_devices", str(run.path)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ended(child: subprocess.Popen) -> tuple[int, str]:
    try:
        out, _ = child.communicate(timeout=240)
    finally:
        child.kill()
    return child.returncode, out


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "epochs"), [("float32", 2), ("mixed_float16", 1)])
def test_two_devices_learn_what_one_learns_and_can_be_steered_and_resumed(precision, epochs, draw_once):
    """The last batch has one image, fewer than there are devices."""
    config = RunConfig(
        data=Data(dataset="synthetic", limit=257, flip=True, shift=1),
        layers=(Convolution(filters=4, kernel=5, stride=2), Pooling(), Flatten(), Dense(units=16)),
        training=Training(optimizer="adamw", batch_size=64, epochs=epochs, schedule="cosine", precision=precision),
    )
    alone, shared = runs.create(config, "alone"), runs.create(config, "shared")
    assert train_here(alone.path).code == 0
    runs.ask(shared, "pause")
    runs.ask(shared, "step")
    child = on_two_devices(shared)
    wait_until(lambda: "step" in events_of(shared) or child.poll() is not None, 240)
    runs.request_stop(shared)
    code, out = ended(child)
    assert code == 0, out
    stopped = runs.read(shared.path)
    assert (stopped.state, stopped.status.epoch, stopped.status.step) == ("stopped", 0, 1), out
    assert stopped.status.devices.endswith("shared out among 2 devices, CPU:0, CPU:1")

    code, out = ended(on_two_devices(shared))
    assert code == 0, out
    alone, shared = runs.read(alone.path), runs.read(shared.path)
    assert shared.state == "finished" and epochs_of(shared) == list(range(1, epochs + 1))
    near = 0.02 if precision == "float32" else 0.1
    figures = [[r for r in runs.read_metrics(run) if r["kind"] == "epoch"] for run in (alone, shared)]
    for one, two in zip(*figures, strict=True):
        assert two["val_loss"] == pytest.approx(one["val_loss"], rel=near)
        assert two["loss"] == pytest.approx(one["loss"], rel=near)
    assert shared.evaluation["loss"] == pytest.approx(alone.evaluation["loss"], rel=near)
    (event,) = [record for record in runs.read_metrics(shared) if record.get("what") == "step"]
    assert all(values["gradient"] > 0 and values["change"] > 0 for values in event["layers"].values())

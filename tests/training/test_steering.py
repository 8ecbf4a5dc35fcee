"""Pause, continue, single steps, another learning rate: what a person asks for is done, recorded, and nothing else."""

import json
import math
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from benchmarks import interruptions
from benchmarks.interruptions import differences
from cnn import data, runs, train
from cnn.config import Data, RunConfig, Training
from cnn.config.layers import Convolution, Dense, Dropout, Flatten, GlobalPooling
from cnn.networks.build import build
from cnn.runs import Run, launchers
from cnn.training import recorder, steering
from cnn.training.recorder import Recorder, relative_change
from cnn.training.steering import Steering
from tests.command import NO_PROCESS, Command, as_killed, train_here, train_undisturbed, wait_until
from tests.sampling import one_in

# All that keeps a state. 5 steps an epoch.
CONFIG = RunConfig(
    data=Data(dataset="synthetic", limit=300, shift=1, flip=True),
    layers=(Convolution(filters=4, batch_normalisation=True), GlobalPooling(), Dropout(rate=0.3), Dense(units=8)),
    training=Training(optimizer="adamw", batch_size=64, epochs=3, schedule="cosine", learning_rate=0.01),
)


@pytest.fixture(autouse=True)
def drawn_once(draw_once: None) -> None:
    """Each training here takes a second or two; drawing its images would take longer."""


def changed(config: RunConfig, **training) -> RunConfig:
    return config.model_copy(update={"training": config.training.model_copy(update=training)})


def events(run: Run, *kinds: str) -> list[dict[str, Any]]:
    return [r for r in runs.read_metrics(run) if r["kind"] == "event" and (not kinds or r["what"] in kinds)]


def told(run: Run) -> list[tuple[str, int, int]]:
    """What happened, after how many steps of which epoch."""
    return [(event["what"], event["epoch"], event["step"]) for event in events(run)]


def steered(run: Run, *acts: Callable[[Run], None]) -> Command:
    """Train a run while somebody does one thing after the other, each once the training is paused."""

    def is_paused() -> bool:
        """By what is written down: a training between two pauses may be too short to show in the state."""
        return runs.read(run.path).state == "paused" and len(events(run, "paused")) > len(events(run, "continued"))

    def person() -> None:
        try:
            for number, act in enumerate(acts):
                wait_until(is_paused)
                act(run)
                if what := {step: "step", go_on: "continued"}.get(act):
                    before = acts[:number].count(act)
                    wait_until(lambda what=what, before=before: len(events(run, what)) > before)
        except BaseException:
            runs.request_stop(run)  # or the training would wait for ever
            raise

    thread = threading.Thread(target=person)
    thread.start()
    result = train_here(run.path)
    thread.join(10)
    assert not thread.is_alive()
    return result


def pause(run: Run) -> None:
    runs.ask(run, "pause")


def step(run: Run) -> None:
    runs.ask(run, "step")


def go_on(run: Run) -> None:
    runs.ask(run, "continue")


def stop(run: Run) -> None:
    runs.request_stop(run)


def before_step(monkeypatch: pytest.MonkeyPatch, at: dict[tuple[int, int], Callable[[Run], None]]) -> None:
    """Do something just before the given steps, from 1, of epochs, from 0, are recorded, for whoever trains here."""
    record = Recorder.on_train_batch_end

    def act_and_record(self, batch, logs=None):
        if act := at.get((self._epoch, self._begun + batch + 1)):
            act(runs.read(self.path))
        record(self, batch, logs)

    monkeypatch.setattr(Recorder, "on_train_batch_end", act_and_record)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, draw_once: None) -> Run:
    """The run that nobody touches."""
    return train_undisturbed(CONFIG, tmp_path_factory.mktemp("whole") / "runs")


# ---------------------------------------------------------------- pause, step, continue


def test_a_training_that_is_paused_and_stepped_through_ends_bit_for_bit_the_same(whole, monkeypatch):
    """At the first batch, in the middle of an epoch, over the end of one, and at the last batch of all."""
    run = runs.create(CONFIG)
    pause(run)
    before_step(monkeypatch, {(0, 4): pause, (2, 4): pause})
    result = steered(run, step, step, go_on, step, step, go_on, step)
    assert result.code == 0, result.err
    run = runs.read(run.path)
    assert told(run) == [
        ("paused", 0, 0),
        ("step", 0, 1),
        ("step", 0, 2),
        ("continued", 0, 2),
        ("paused", 0, 4),
        ("step", 0, 5),
        ("step", 1, 1),
        ("continued", 1, 1),
        ("paused", 2, 4),
        ("step", 2, 5),
    ], "with the last step the training has ended: there is nothing to continue"
    assert run.state == "finished" and differences(whole, run) == []


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "near"), [("float32", 1e-3), ("mixed_float16", 2e-2)])
def test_a_step_tells_loss_gradient_norm_and_change_of_every_layer(precision, near):
    """Against arithmetic: the first step of SGD with Nesterov momentum 0.9 moves weights by 1.9 × rate × gradient."""
    config = RunConfig(
        data=CONFIG.data,
        layers=(Convolution(filters=3), Flatten(), Dense(units=5)),
        training=Training(optimizer="sgd", learning_rate=0.02, batch_size=64, epochs=1, precision=precision),
    )
    run = runs.create(config)
    pause(run)
    assert steered(run, step, go_on).code == 0
    (event,) = events(run, "step")
    assert list(event["layers"]) == ["conv2d", "dense", "dense_1"]

    keras.utils.set_random_seed(config.training.seed)
    network = build(config, "float32")
    split = data.load(config.data).train
    x, y = next(iter(data.training_batches(split, 64, config.training.seed, 0, 1, config.data)))
    loss = keras.losses.sparse_categorical_crossentropy(y, network(x))
    assert event["loss"] == pytest.approx(float(keras.ops.mean(loss)), rel=near / 10)
    for name, values in event["layers"].items():
        length = math.sqrt(sum(float(np.square(w.numpy()).sum()) for w in network.get_layer(name).trainable_weights))
        assert values["change"] * length == pytest.approx(1.9 * 0.02 * values["gradient"], rel=near)
    squares = sum(values["gradient"] ** 2 for values in event["layers"].values())
    assert event["gradient"] == pytest.approx(math.sqrt(squares), rel=1e-3)


@pytest.mark.slow
def test_steps_that_are_asked_for_while_it_trains_are_not_kept_for_a_pause(whole, monkeypatch):
    run = runs.create(CONFIG)
    step(run)
    go_on(run)
    before_step(monkeypatch, {(0, 2): step, (0, 3): pause})
    assert steered(run, go_on).code == 0
    assert told(run) == [("paused", 0, 3), ("continued", 0, 3)]


@pytest.mark.slow
def test_a_pause_shows_in_the_status_and_takes_no_time_of_training(monkeypatch):
    monkeypatch.setattr(steering, "_BEAT", 0.1)
    run, seen = runs.create(CONFIG), []
    pause(run)

    def look(run: Run) -> None:
        seen.append(runs.read(run.path))
        assert seen[0].has_checkpoint
        time.sleep(0.5)
        seen.append(runs.read(run.path))

    result = steered(run, look, go_on)
    assert result.code == 0, result.err
    first, second = seen
    assert (first.state, first.active, first.status.message) == ("paused", True, "Paused by request.")
    assert first.status.images_per_second is None
    assert second.state == "paused" and second.status.heartbeat > first.status.heartbeat, "it gives signs of life"
    assert second.status.seconds - first.status.seconds < 0.2


@pytest.mark.slow
def test_a_stop_is_heard_in_a_pause(whole):
    """Before the first batch, where Keras trains one batch more, and in the middle of an epoch."""
    run = runs.create(CONFIG)
    for acts, steps in (((stop,), 0), ((step, step, stop), 2)):
        runs.write_status(run.path, runs.closed(runs.read(run.path).status, "queued"))  # as the launcher does
        pause(run)
        result = steered(run, *acts)
        stopped = runs.read(run.path)
        assert result.code == 0 and (stopped.state, stopped.status.epoch, stopped.status.step) == ("stopped", 0, steps)
        assert stopped.has_checkpoint and not (run.path / "requests.jsonl").exists()
    assert train_here(run.path).code == 0
    assert told(run)[-2:] == [("stopped", 0, 2), ("resumed", 0, 2)], "a training that is taken up again trains"
    assert differences(whole, runs.read(run.path)) == []


@pytest.mark.slow
def test_a_training_killed_in_a_pause_trains_when_it_is_resumed(whole):
    run, killed = runs.create(CONFIG), []
    pause(run)

    def kill(run: Run) -> None:
        wait_until(lambda: np.load(run.path / "checkpoint.npz")["position"].tolist() == [0, 1])
        wait_until(lambda: runs.read(run.path).status.step == 1)
        killed.append(as_killed(run, "killed"))

    assert steered(run, step, kill, stop).code == 0
    (run,) = killed
    assert run.state == "interrupted" and (run.path / "requests.jsonl").exists()
    result = train_here(run.path)
    assert result.code == 0, result.err
    assert told(run) == [("paused", 0, 0), ("step", 0, 1), ("resumed", 0, 1)]
    assert differences(whole, runs.read(run.path)) == []


def test_a_paused_run_that_is_deleted_ends(monkeypatch):
    monkeypatch.setattr(steering, "_BEAT", 0.1)
    run = runs.create(CONFIG)
    pause(run)
    result = steered(run, lambda run: run.path.rename(run.path.with_name("moved-away")))
    assert (
        result.code == 1 and "was deleted, and the training has ended" in result.err and "Traceback" not in result.err
    )
    assert not run.path.exists()


# ---------------------------------------------------------------- another learning rate


def rate(value: object) -> Callable[[Run], None]:
    return lambda run: runs.ask(run, "learning rate", value)


@pytest.mark.slow
def test_another_learning_rate_holds_from_the_next_batch_on(monkeypatch):
    run = runs.create(changed(CONFIG, schedule="constant"))
    before_step(monkeypatch, {(0, 2): rate(0.005), (1, 5): rate(0.001)})
    assert train_here(run.path).code == 0
    first, second = events(run, "learning rate")
    assert [(event["epoch"], event["step"], event["from"], event["to"]) for event in (first, second)] == [
        (0, 2, pytest.approx(0.01), 0.005),
        (2, 0, pytest.approx(0.005), 0.001),
    ], "a request in the last batch is met once the epoch is whole"
    epochs = [record["learning_rate"] for record in runs.read_metrics(run) if record["kind"] == "epoch"]
    assert epochs == pytest.approx([0.005, 0.005, 0.001])
    assert runs.read(run.path).status.learning_rate == pytest.approx(0.001)


@pytest.mark.slow
def test_a_schedule_goes_on_from_the_new_rate(monkeypatch):
    run = runs.create(CONFIG)
    before_step(monkeypatch, {(0, 5): rate(0.02)})  # 5 of the cosine's 15 steps are done
    assert train_here(run.path).code == 0
    (event,) = events(run, "learning rate")
    planned = 0.005 * (1 + np.cos(np.pi * np.array([5, 10, 15]) / 15))
    assert event["from"] == pytest.approx(planned[0], rel=1e-4)
    epochs = [record["learning_rate"] for record in runs.read_metrics(run) if record["kind"] == "epoch"]
    assert epochs == pytest.approx([planned[0], *(planned[1:] * 0.02 / planned[0])], rel=1e-4, abs=1e-8)


@pytest.mark.parametrize("value", [0, -0.1, 11, None, "0.1", True, [1], float("nan"), float("inf"), 10**400])
def test_what_is_no_learning_rate_changes_nothing(value):
    """Nor does it end the training: what is asked for next is done."""
    run, done = runs.create(CONFIG), []
    teller = SimpleNamespace(path=run.path, position=(0, 1), event=lambda what, **more: done.append((what, more["to"])))
    planned = SimpleNamespace(factor=SimpleNamespace(assign=done.append), planned=lambda step: 0.01)
    made = Steering(teller, planned, [(0, 3, 0.5)], None)
    made.set_model(SimpleNamespace(optimizer=SimpleNamespace(learning_rate=0.01, iterations=1)))
    rate(value)(run)
    made._obey()
    assert done == [] and made._pending == [(0, 3, 0.5)]
    rate(0.005)(run)
    made._obey()
    assert done == [0.5, ("learning rate", 0.005)] and made._pending == []


@pytest.mark.slow
def test_a_change_is_made_again_when_the_part_with_it_is_trained_again(monkeypatch):
    """One training goes through; the other dies after the change, with a checkpoint from before it."""
    monkeypatch.setattr(recorder, "_CHECKPOINT", 1000.0)
    one, other = runs.create(CONFIG, "one"), runs.create(CONFIG, "other")
    acts = {(1, 2): rate(0.03), (1, 4): rate(0.001)}
    with monkeypatch.context() as patch:
        before_step(patch, acts)
        assert train_here(one.path).code == 0
    with monkeypatch.context() as patch:
        before_step(patch, {**acts, (2, 2): lambda run: 1 / 0, (1, 5): lambda run: 1 / 0})
        assert train_here(other.path).code == 1
    assert runs.read(other.path).status.epoch == 1, "both changes come after the checkpoint"
    assert train_here(other.path).code == 0
    assert told(other)[-1][0] == "resumed"
    assert len(events(other, "learning rate")) == 2, "they are not written down again"
    assert differences(runs.read(one.path), runs.read(other.path)) == []


@pytest.mark.slow
def test_who_changes_the_rate_of_a_resumed_run_takes_later_changes_back(monkeypatch):
    monkeypatch.setattr(recorder, "_CHECKPOINT", 1000.0)
    run = runs.create(changed(CONFIG, schedule="constant"))
    with monkeypatch.context() as patch:
        before_step(patch, {(1, 3): rate(0.5), (1, 4): lambda run: 1 / 0})
        assert train_here(run.path).code == 1
    runs.write_status(run.path, runs.closed(runs.read(run.path).status, "queued"))
    rate(0.002)(run)
    assert train_here(run.path).code == 0
    epochs = [record["learning_rate"] for record in runs.read_metrics(run) if record["kind"] == "epoch"]
    assert epochs == pytest.approx([0.01, 0.002, 0.002])


# ---------------------------------------------------------------- a loss that is no number

EXPLODES = RunConfig(
    data=Data(dataset="synthetic", limit=300),
    layers=(Flatten(), *(Dense(units=32, activation="linear"),) * 3),
    training=Training(optimizer="sgd", learning_rate=10.0, batch_size=32, epochs=2),
)


@pytest.mark.parametrize("late", one_in(2, [False, True]), ids=["at once", "a slow start of the process"])
def test_a_failed_run_is_resumed_at_a_lower_rate_asked_for_right_after_the_launch(late, monkeypatch):
    class Process:
        pid = NO_PROCESS

        def wait(self) -> None: ...

    monkeypatch.setattr(launchers.subprocess, "Popen", lambda *command, **options: Process())
    run = runs.create(EXPLODES)
    assert train_here(run.path).code == 1
    failed = runs.read(run.path)
    assert failed.state == "failed" and "no longer a number at a learning rate of 10:" in failed.status.message
    assert events(run)[-1]["what"] == "diverged"

    launchers.LocalLauncher().start(failed)
    rate(0.001)(run)
    if late:
        status = json.loads((run.path / "status.json").read_text())
        runs.write_json(run.path / "status.json", status | {"heartbeat": time.time() - 60})
        assert runs.read(run.path).state == "interrupted"
    result = train_here(run.path)  # what the launched process does
    assert result.code == 0, result.err
    assert runs.read(run.path).state == "finished"
    assert [event["to"] for event in events(run, "learning rate")] == [0.001]


# ---------------------------------------------------------------- arithmetic


def test_a_relative_change_is_a_share_of_the_weights_own_length():
    before = [np.array([3.0, 0.0]), np.array([[0.0], [4.0]])]
    after = [np.array([3.0, 0.3]), np.array([[0.4], [4.0]])]
    assert relative_change(before, after) == pytest.approx(0.5 / 5)
    assert relative_change(before, before) == 0
    assert relative_change([np.zeros(2)], [np.ones(2)]) == 0, "nothing to compare with"


def test_the_pieces_of_the_interruptions_benchmark_are_the_trainers():
    """It asks for a change of the learning rate in the words that the trainer reads back."""
    run = interruptions.create("one", epochs=3)
    assert runs.learning_rate_changes(runs.read_metrics(run)) == [(2, 7, 0.5)]
    assert train._parse([str(run.path)]).run == str(run.path)

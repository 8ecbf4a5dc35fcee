"""A Keras callback that writes a training into its run directory: progress, metrics, checkpoints and time lapse.

It is the only writer of a run in training. It knows no widget and decides nothing about training, except that it ends
it when the run's `stop` file appears, and after an epoch that early stopping names.
"""

import json
import math
import time
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from cnn import data, disk, runs
from cnn.config import Training
from cnn.config.layers import AnyConvolution
from cnn.networks import activations, portable
from cnn.networks.compile import confusion_of
from cnn.runs import Run, State, Status, diagnosis, time_lapse
from cnn.training import checkpoint
from cnn.training.checkpoint import Restored
from cnn.training.data_wait import InputWaitTimer
from cnn.training.event_file import EventFile
from cnn.training.weight_averaging import averaged

_INTERVAL = 0.5  # seconds between two writes for a batch
_POINTS = 200  # of the curves for each epoch, at most
_FIRST_POINTS = 20  # of the curves in the first epoch, however short it is; at most one for each batch
_SAVED_AT_LEAST = 5.0  # seconds between two files of a network of which only the last layers are trained
_CHECKPOINT = 60.0  # seconds between two checkpoints within an epoch; two minutes are promised, validation included
_BEAT = 10.0  # seconds between two signs of life during validation


class Recorder(keras.callbacks.Callback):
    """Writes status.json, metrics.jsonl, checkpoint.npz, model.keras and lapse/.

    Args:
        run: the run in training.
        export: the same network in float32; its weights, or their averages, are copied from the trained one and saved
            as model.keras.
        is_head: whether only the last layers are trained, on kept features.
        steps: batches in an epoch.
        pictures: training images in an epoch.
        status: the status to continue from.
        start: the checkpoint to continue from.
        sample: some validation images on which the network is looked into after each epoch.
        waiting: how long the network waits for its batches.
    """

    def __init__(
        self,
        run: Run,
        export: keras.Model,
        steps: int,
        pictures: int,
        status: Status,
        start: Restored | None = None,
        sample: data.Split | None = None,
        waiting: InputWaitTimer | None = None,
        is_head: bool = False,
    ):
        super().__init__()
        start = start or Restored()
        self.path = run.path
        self._stop = run.path / "stop"
        self.export = export
        self._is_head = is_head
        self.steps = steps
        self.pictures = pictures
        self.training: Training = run.config.training
        self.status = replace(status, state="training", message="", steps=steps, epoch=start.epoch, step=start.step)
        self.stopped = False
        self.seen_enough = False  # early stopping has ended the training
        self._cut_short = False  # the stop came in the middle of an epoch
        self._start = start
        self._epoch, self._step = start.epoch, start.step
        self._idle = 0.0  # seconds spent in pauses
        self._waiting = waiting
        self._is_running = False  # the first batch is behind it, which begins the stream and compiles everything
        self._before: list[np.ndarray] | None = None  # the weights before the present batch, where its step is measured
        self._update: float | None = None
        self._metrics = (self.path / "metrics.jsonl").open("a", encoding="utf-8")
        self._events = None
        if self.training.tensorboard:
            self._events = EventFile(self.path / "tensorboard", start.epoch * steps + start.step)
        self._sample = sample
        self._inside = None
        self._written = -math.inf  # when model.keras was, in seconds from any beginning
        self._is_unsaved = False  # the export holds an epoch that model.keras does not
        if sample is not None and not is_head:
            self._inside = activations.FeatureMaps(export)
            rows = {row.layer: row.name for row in run.config.rows()}  # of each layer the last, after its activation
            layers = enumerate(run.config.layers)
            self._convolutions = [rows[index] for index, layer in layers if isinstance(layer, AnyConvolution)]
        self._session = time.monotonic() - status.seconds  # as if all earlier sessions had ended just now
        self._overhead = 0.0  # seconds that an epoch spends outside its batches: validation and saving
        self._saved = time.monotonic()

    def close(self) -> None:
        self._metrics.close()
        if self._events:
            self._events.close()

    # --- what Keras calls ---------------------------------------------------------------------------------------

    def on_train_begin(self, logs=None):
        self._is_running = False
        runs.write_summary(self.path)  # metrics after the checkpoint to continue from are gone
        self._write_status()

    def on_epoch_begin(self, epoch, logs=None):
        begun = self._start.step if epoch == self._start.epoch else 0
        if begun:
            checkpoint.set_metrics(self.model, self._start.metrics)
        self._epoch, self._begun, self._step = epoch, begun, begun
        seen = begun * self.training.batch_size
        self._epoch_start = self._now()
        self._last = (self._epoch_start, seen)  # time and images at the last look
        self._count_waiting_from(self._epoch_start)
        # Images, summed loss, summed correct up to the last point of the curves.
        self._drawn = (seen, *(seen * value for value in self._means())) if begun else (0, 0.0, 0.0)

    def on_train_batch_end(self, batch, logs=None):
        if self._cut_short:  # in a pause before this batch, which Keras trains nevertheless: it is trained again
            return
        # One look at the clock for most batches: reading `logs` makes the device wait.
        self._step = self._begun + batch + 1
        now, is_last = self._now(), self._step == self.steps
        if not self._is_running:
            self._is_running = True
            self._count_waiting_from(now)
        if self._before is not None:
            self._update, self._before = relative_change(self._before, self._weights()), None
        if is_last or now - self._last[0] >= _INTERVAL or self._is_point_of_first_epoch():
            self._record_batch(now, logs)
            self._before = self._weights()
        self.heed_stop()
        if not is_last and not self._cut_short and time.monotonic() - self._saved >= _CHECKPOINT:
            self.save_checkpoint()

    def on_test_batch_end(self, batch, logs=None):
        if self._cut_short:  # Keras would go through all validation images before it stops
            self.model.stop_evaluating = True
        elif abs(time.time() - self.status.heartbeat) >= _BEAT:  # the clock may have been set back
            self._write_status()

    def on_epoch_end(self, epoch, logs=None):
        if self._cut_short:  # the checkpoint holds what there is of this epoch
            return
        values = {name: round(float(logs[name]), 5) for name in ("loss", "accuracy", "val_loss", "val_accuracy")}
        if not all(map(math.isfinite, values.values())):  # what was saved before stays
            self.event("diverged")
            self.model.stop_training = True
            return
        with averaged(self.model) if self.training.ema_momentum else nullcontext():
            for layer in self.model.layers:  # on kept features the others are frozen, and those of the export already
                if layer.weights:
                    self.export.get_layer(layer.name).set_weights(layer.get_weights())
        self._is_unsaved = True
        record = {**values, "learning_rate": self._rate(), **self._waited(), **self._look_inside(epoch + 1)}
        self._append(kind="epoch", epoch=epoch + 1, **record, seconds=self._seconds())
        runs.write_summary(self.path)
        if self._events:
            self._events.write((epoch + 1) * self.steps, **{f"epoch/{name}": value for name, value in values.items()})
        self._judge()
        self._epoch, self._step = epoch + 1, 0
        self.save_checkpoint()
        self._overhead = self._now() - self._last[0]
        self._write_status(epoch=epoch + 1, step=0)
        if self.stopped:
            self.event("stopped")

    # --- what the steering calls --------------------------------------------------------------------------------

    @property
    def position(self) -> tuple[int, int]:
        """The epoch in training, from 0, and the steps done in it."""
        return self._epoch, self._step

    def event(self, what: str, **values: Any) -> None:
        """Write down that somebody intervened, or that the training went on after a break."""
        place = {"epoch": self._epoch, "step": self._step, "steps": self.steps}
        self._append(kind="event", what=what, **place, **values, seconds=self._seconds())

    def heed_stop(self) -> None:
        """End the training here if somebody asked for it; nothing is lost."""
        if self.stopped or not self._stop.exists():
            return
        self.stopped = self.model.stop_training = True
        if self._step < self.steps:  # otherwise the epoch is whole, and gets what belongs to it
            self._cut_short = True
            self.event("stopped")
            if self.training.patience is None:
                self._save_export()
            self.save_checkpoint()
            self._write_status(step=self._step)

    def wait(self, seconds: float) -> None:
        """Let time pass that is no time of training."""
        time.sleep(seconds)
        self._idle += seconds

    def show(self, state: State) -> None:
        """Say that the training is paused, or goes on."""
        message = "Paused by request." if state == "paused" else ""
        self._write_status(state=state, message=message, step=self._step, images_per_second=None)

    def save_checkpoint(self) -> None:
        checkpoint.save(self.path / "checkpoint.npz", self.model, *self.position)
        self._saved = time.monotonic()

    # --- writing ------------------------------------------------------------------------------------------------

    def _record_batch(self, now: float, logs: dict[str, float]) -> None:
        # Keras reports means since the epoch began; the differences of their sums give the mean since the last point.
        step, batch_size = self._step, self.training.batch_size
        seen = min(step * batch_size, self.pictures)
        loss_sum, correct = float(logs["loss"]) * seen, float(logs["accuracy"]) * seen
        then, seen_then = self._last
        rate = (seen - seen_then) / max(now - then, 1e-6)
        self._last = (now, seen)
        seen_then, loss_then, correct_then = self._drawn
        new = seen - seen_then
        # A stretch of a few images, as at the end of an epoch, would only draw a spike; and many draw one curve.
        few = self._epoch == 0 and self.steps < 2 * _FIRST_POINTS
        least = batch_size if few else max(2 * batch_size, self.pictures / _POINTS)
        is_worth_it = new >= least or self.steps == 1
        if is_worth_it and math.isfinite(loss_sum):
            self._drawn = (seen, loss_sum, correct)
            values = {
                "loss": round((loss_sum - loss_then) / new, 5),
                "accuracy": round((correct - correct_then) / new, 5),
            }
            if self._update is not None and math.isfinite(self._update):
                values["update"] = float(f"{self._update:.3g}")
            place = {"epoch": self._epoch, "step": step, "steps": self.steps}
            self._append(kind="batch", **place, **values, seconds=self._seconds())
            if self._events:
                self._events.write(
                    self._epoch * self.steps + step, **{f"batch/{name}": value for name, value in values.items()}
                )
        average = (seen - self._begun * batch_size) / max(now - self._epoch_start, 1e-6)
        epochs_after = self.training.epochs - self._epoch - 1
        left = (self.pictures - seen + epochs_after * self.pictures) / average + self._overhead * (epochs_after + 1)
        self._write_status(step=step, images_per_second=round(rate, 1), seconds_left=round(left, 1), **self._waited())

    def _is_point_of_first_epoch(self) -> bool:
        """Whether this batch ends one of the equal parts of the first epoch."""
        part = self._step * _FIRST_POINTS // self.steps
        return self._epoch == 0 and part > (self._step - 1) * _FIRST_POINTS // self.steps

    def _count_waiting_from(self, now: float) -> None:
        self._waiting_from = (now, self._waiting.seconds if self._waiting else 0.0)

    def _waited(self) -> dict[str, float]:
        """The share of the time in this epoch's batches, up to the last look, that was spent waiting for them."""
        began, before = self._waiting_from
        if self._waiting is None or self._last[0] <= began:
            return {}
        return {"waiting": min(1.0, round((self._waiting.seconds - before) / (self._last[0] - began), 4))}

    def _judge(self) -> None:
        """Save the network, unless early stopping keeps an earlier one, and end a training that has seen enough."""
        patience = self.training.patience
        if patience is None:
            last = self.stopped or self._epoch + 1 == self.training.epochs
            # Epochs on kept features last a fraction of a second, less than writing the frozen layers once more.
            if not self._is_head or last or time.monotonic() - self._written > _SAVED_AT_LEAST:
                self._save_export()
            return
        records = runs.read_metrics(runs.read(self.path))
        if diagnosis.best_epoch(records) == self._epoch + 1:
            for name in ("best.keras", "model.keras"):  # the latter is what people see, and is calibrated in the end
                self.save(self.export, name)
        if diagnosis.is_plateau(records, patience):
            self.seen_enough = self.model.stop_training = True

    def _save_export(self) -> None:
        """Write model.keras, unless it holds the last whole epoch already."""
        if self._is_unsaved:
            self.save(self.export, "model.keras")
            self._written, self._is_unsaved = time.monotonic(), False

    def _look_inside(self, epoch: int) -> dict[str, Any]:
        """Keep the epoch's frame of the time lapse and its weights. Returns the share of dead ReLUs of each layer.

        Frozen layers show the same in every epoch: of a network of which only the others are trained, the frame has
        only the confusion matrix.
        """
        if self._sample is None:
            return {}
        frame = self._sample.images[0], int(self._sample.labels[0])
        matrix = confusion_of(self.model).matrix
        if self._inside is None:
            time_lapse.write(self.path, epoch, *frame, None, {}, matrix)
            return {}
        outputs = self._inside.of_many(data.scaled(self._sample.images))
        kernels = activations.kernels(self.export)
        maps = {name: outputs[name][0] for name in self._convolutions}
        time_lapse.write(self.path, epoch, *frame, kernels[0].weights if kernels else None, maps, matrix)
        weights = self.export.get_weights()
        if time_lapse.is_chosen(epoch, self.training.epochs, weights):
            time_lapse.write_weights(self.path, epoch, weights)
        return {"dead": {name: round(share, 4) for name, share in activations.dead_relus(self.export, outputs).items()}}

    def save(self, model: keras.Model, name: str) -> None:
        """Write a model into the run's directory, whole or not at all."""
        with disk.replacing(self.path / name) as temporary:
            portable.save(model, temporary)

    def _append(self, **record: Any) -> None:
        self._metrics.write(json.dumps(record) + "\n")
        self._metrics.flush()

    def _write_status(self, **changes: Any) -> None:
        self.status = replace(
            self.status,
            **{"heartbeat": time.time(), "seconds": self._seconds(), "learning_rate": self._rate(), **changes},
        )
        runs.write_status(self.path, self.status)

    def _now(self) -> float:
        """Seconds of training, from any beginning. Unlike the clock on the wall, they cannot be set back."""
        return time.monotonic() - self._idle

    def _seconds(self) -> float:
        return round(self._now() - self._session, 2)

    def _rate(self) -> float:
        return float(f"{float(self.model.optimizer.learning_rate):.6g}")

    def _means(self) -> list[float]:
        """Loss and accuracy over the steps of this epoch that an earlier session did."""
        results = self.model.get_metrics_result()
        return [float(results["loss"]), float(results["accuracy"])]

    def _weights(self) -> list[np.ndarray]:
        return [weights.numpy() for weights in self.model.trainable_weights]


def relative_change(before: list[np.ndarray], after: list[np.ndarray]) -> float:
    """How far a step moves weights, as a share of their own length: |after - before| / |before|."""
    moved = sum(float(np.square(new - old).sum()) for old, new in zip(before, after, strict=True))
    length = sum(float(np.square(old).sum()) for old in before)
    return math.sqrt(moved / length) if length else 0.0

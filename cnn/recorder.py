"""A Keras callback that writes a training into its run directory: progress, metrics and checkpoints.

It is the only writer of a run in training. It knows no widget and decides nothing about training, except that it ends
it at the next batch when the run's `stop` file appears.
"""

import json
import math
import os
import time
from dataclasses import replace
from typing import Any

import keras

from cnn import runs
from cnn.runs import Run, Status

_INTERVAL = 0.5  # seconds between two writes for a batch
_POINTS = 200  # of the curves for each epoch, at most


class Recorder(keras.callbacks.Callback):
    """Writes status.json, metrics.jsonl, checkpoint.keras and model.keras.

    Args:
        run: the run in training.
        export: the same network in float32; its weights are copied from the trained one and saved as model.keras.
        steps: batches in an epoch.
        pictures: training pictures in an epoch.
        status: the status to continue from.
    """

    def __init__(self, run: Run, export: keras.Model, steps: int, pictures: int, status: Status):
        super().__init__()
        self.path = run.path
        self.export = export
        self.steps = steps
        self.pictures = pictures
        self.epochs = run.config.training.epochs
        self.batch_size = run.config.training.batch_size
        self.status = replace(status, state="training", message="", steps=steps)
        self.stopped = False
        self._cut_short = False  # the stop came in the middle of an epoch
        self._metrics = None

    def on_train_begin(self, logs=None):
        self._metrics = (self.path / "metrics.jsonl").open("a", encoding="utf-8")
        self._session = time.time() - self.status.seconds  # as if all earlier sessions had ended just now
        self._overhead = 0.0  # seconds that an epoch spends outside its batches: validation and saving
        self._write_status(step=0)

    def on_train_end(self, logs=None):
        self._metrics.close()

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self._epoch_start = epoch, time.time()
        self._last = (self._epoch_start, 0)  # time and pictures at the last look
        self._drawn = (0, 0.0, 0.0)  # pictures, summed loss, summed correct up to the last point of the curves

    def on_train_batch_end(self, batch, logs=None):
        # One look at the clock for most batches: reading `logs` makes the device wait.
        now, is_last = time.time(), batch + 1 == self.steps
        is_due = is_last or now - self._last[0] >= _INTERVAL
        if (is_due or batch == 0) and not self.stopped and (self.path / "stop").exists():
            self.stopped = self.model.stop_training = True
            self._cut_short = not is_last
        if is_due:
            self._record_batch(batch + 1, now, logs)

    def on_test_batch_end(self, batch, logs=None):
        if self._cut_short:  # Keras would go through all validation pictures before it stops
            self.model.stop_evaluating = True

    def _record_batch(self, step: int, now: float, logs: dict[str, float]) -> None:
        # Keras reports means since the epoch began; the differences of their sums give the mean since the last point.
        seen = min(step * self.batch_size, self.pictures)
        loss_sum, correct = float(logs["loss"]) * seen, float(logs["accuracy"]) * seen
        then, seen_then = self._last
        rate = (seen - seen_then) / max(now - then, 1e-6)
        self._last = (now, seen)
        seen_then, loss_then, correct_then = self._drawn
        new = seen - seen_then
        # A stretch of a few pictures, as at the end of an epoch, would only draw a spike; and many draw one curve.
        if new >= max(2 * self.batch_size, self.pictures / _POINTS) or self.steps == 1:
            self._drawn = (seen, loss_sum, correct)
            self._append(
                kind="batch",
                epoch=self._epoch,
                step=step,
                steps=self.steps,
                loss=round((loss_sum - loss_then) / new, 5),
                accuracy=round((correct - correct_then) / new, 5),
                seconds=round(now - self._session, 2),
            )
        average = seen / (now - self._epoch_start)
        epochs_after = self.epochs - self._epoch - 1
        left = (self.pictures - seen + epochs_after * self.pictures) / average + self._overhead * (epochs_after + 1)
        self._write_status(step=step, images_per_second=round(rate, 1), seconds_left=round(left, 1))

    def on_epoch_end(self, epoch, logs=None):
        if self._cut_short:  # nothing of the epoch is kept, and it starts anew when the run is resumed
            return
        values = {name: round(float(logs[name]), 5) for name in ("loss", "accuracy", "val_loss", "val_accuracy")}
        if not all(map(math.isfinite, values.values())):  # diverged: what was saved before stays
            self.model.stop_training = True
            return
        self._append(kind="epoch", epoch=epoch + 1, **values, seconds=round(time.time() - self._session, 2))
        self._save()
        self._overhead = time.time() - self._last[0]
        self._write_status(epoch=epoch + 1, step=0)

    def _save(self) -> None:
        self.export.set_weights(self.model.get_weights())
        self.save(self.export, "model.keras")
        self.save(self.model, "checkpoint.keras")

    def save(self, model: keras.Model, name: str) -> None:
        """Write a model into the run's directory, whole or not at all."""
        temporary = self.path / f".{os.getpid()}.{name}"
        model.save(temporary)
        temporary.replace(self.path / name)

    def _append(self, **record: Any) -> None:
        self._metrics.write(json.dumps(record) + "\n")
        self._metrics.flush()

    def _write_status(self, **changes: Any) -> None:
        now = time.time()
        self.status = replace(self.status, heartbeat=now, seconds=round(now - self._session, 2), **changes)
        runs.write_status(self.path, self.status)

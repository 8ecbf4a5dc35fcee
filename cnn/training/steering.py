"""A Keras callback by which a person steers a training: pause, continue, one step, another learning rate.

What is asked for stands in the run's `requests.jsonl`; what was done, and after which step, among its metrics. Changes
of the learning rate are read back from there, so that a training that is taken up again repeats them at the same steps.
"""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cnn import runs
from cnn.config import MAX_LEARNING_RATE
from cnn.networks.compile import ScaledSchedule
from cnn.training.recorder import Recorder, relative_change

_POLL = 0.05  # seconds between two looks while paused
_BEAT = 10.0  # seconds between two signs of life while paused


class Steering(keras.callbacks.Callback):
    """Looks for requests before each batch. Among the callbacks it comes after the recorder, which writes for it.

    Args:
        recorder: of the same training.
        rate: the learning rate of the network's optimizer.
        changes: of the learning rate, made in earlier sessions; see `runs.learning_rate_changes`.
        batch: gives a step's batch, see `cnn.data.training_batches`, by its epoch and its number, both from 0.
    """

    def __init__(
        self,
        recorder: Recorder,
        rate: ScaledSchedule,
        changes: list[tuple[int, int, float]],
        batch: Callable[[int, int], tuple[Any, ...]],
    ):
        super().__init__()
        self._recorder, self._rate, self._batch = recorder, rate, batch
        self._pending = list(changes)
        self._read = 0  # bytes of the requests
        self._paused = False
        self._steps = 0  # that may be trained in the pause
        self._measured: dict[str, Any] | None = None  # the step in training, if it is a single one

    def on_epoch_begin(self, epoch, logs=None):
        self._attend()

    def on_train_batch_end(self, batch, logs=None):
        if self._measured is not None:
            self._tell_step()
        if self._recorder.position[1] < self._recorder.steps:  # after the last batch, the epoch is first made whole
            self._attend()

    def _attend(self) -> None:
        """Do what was asked for before the next batch; in a pause, wait for more."""
        if self._recorder.stopped:
            return
        while self._pending and self._pending[0][:2] <= self._recorder.position:  # an earlier session made them here
            self._rate.factor.assign(self._pending.pop(0)[2])
        self._obey()
        if self._paused and not self._steps:
            self._wait()
        if self._paused and self._steps and not self._recorder.stopped:
            self._steps -= 1
            self._measure()

    def _wait(self) -> None:
        self._recorder.save_checkpoint()
        self._recorder.show("paused")
        beat = 0.0
        while self._paused and not self._steps and not (self._recorder.path / "stop").exists():
            self._recorder.wait(_POLL)
            if (beat := beat + _POLL) >= _BEAT:
                beat = 0.0
                self._recorder.show("paused")
            self._obey()
        self._recorder.heed_stop()
        if not self._paused:
            self._recorder.show("training")

    def _obey(self) -> None:
        asked, self._read = runs.read_requests(self._recorder.path, self._read)
        for request in asked:
            match request.get("what"):
                case "pause" if not self._paused:
                    self._paused = True
                    self._recorder.event("paused")
                case "continue" if self._paused:
                    self._paused, self._steps = False, 0
                    self._recorder.event("continued")
                case "step" if self._paused:
                    self._steps += 1
                case "learning rate":
                    self._set_rate(request.get("value"))

    # --- the learning rate --------------------------------------------------------------------------------------

    def _set_rate(self, value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MAX_LEARNING_RATE:
            return
        before = float(self.model.optimizer.learning_rate)
        planned = float(self._rate.planned(self.model.optimizer.iterations))
        factor = float(np.float32(value / max(planned, 1e-12)))
        self._rate.factor.assign(factor)
        place = self._recorder.position
        self._pending = [change for change in self._pending if change[:2] <= place]
        self._recorder.event("learning rate", **{"from": before, "to": float(value)}, factor=factor)

    # --- one step -----------------------------------------------------------------------------------------------

    def _measure(self) -> None:
        """Compute the next batch's loss and gradients as the step will, and put everything back that this moved."""
        network = self.model
        kept = [variable.numpy() for variable in network.variables]
        x, y, counted = keras.utils.unpack_x_y_sample_weight(self._batch(*self._recorder.position))
        with tf.GradientTape() as tape:
            loss = network.compute_loss(x, y, network(x, training=True), counted, training=True)
            scaled = network.optimizer.scale_loss(loss)  # in float16, where small gradients would be zero
        weights, scale = network.trainable_weights, float(network.optimizer.scale_loss(1.0))
        gradients = [
            np.zeros(weight.shape) if gradient is None else np.asarray(gradient) / scale
            for weight, gradient in zip(weights, tape.gradient(scaled, [w.value for w in weights]), strict=True)
        ]
        for variable, value in zip(network.variables, kept, strict=True):
            variable.assign(value)
        norms = dict(zip((id(weight) for weight in weights), gradients, strict=True))
        self._measured = {
            "loss": float(loss),
            "gradients": {
                layer.name: math.sqrt(sum(float(np.square(norms[id(w)]).sum()) for w in layer.trainable_weights))
                for layer in _trainable(network)
            },
            "weights": {layer.name: [w.numpy() for w in layer.trainable_weights] for layer in _trainable(network)},
        }

    def _tell_step(self) -> None:
        measured, self._measured = self._measured, None
        layers = {
            layer.name: {
                "gradient": _short(measured["gradients"][layer.name]),
                "change": _short(
                    relative_change(measured["weights"][layer.name], [w.numpy() for w in layer.trainable_weights])
                ),
            }
            for layer in _trainable(self.model)
        }
        gradient = _short(math.sqrt(sum(value**2 for value in measured["gradients"].values())))
        self._recorder.event("step", loss=_short(measured["loss"]), gradient=gradient, layers=layers)


def _trainable(network: keras.Model) -> list[keras.layers.Layer]:
    return [layer for layer in network.layers if layer.trainable_weights]


def _short(value: float) -> float:
    return float(f"{value:.5g}")

"""Edits of a network's filters: ablate, isolate, scale or set them, and see what that does to its predictions.

A list of `Operation`s is applied to a copy of the weights: to undo one is to leave it out. A filter that is ablated
makes a map of zeros; where batch normalisation follows a convolution, it is the normalisation's scale and offset that
are changed, because it would undo any scaling of the kernel.
"""

import contextlib
import shutil
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Literal

import keras
import numpy as np
import tensorflow as tf
from keras import layers as kl

from cnn import data, runs
from cnn.config.layers import CONVOLUTIONS, AnyConvolution
from cnn.evaluation.examples import copy_reference, write_examples
from cnn.evaluation.metrics import evaluate
from cnn.networks import portable
from cnn.networks.batch_size import images_at_once
from cnn.networks.build import build
from cnn.networks.forward import INPUT, Forward, Weights, filters, has_sums
from cnn.runs import Run

_BATCH = 100  # images, at most; larger ones were slower, see DECISIONS
_SMALL = 15_000  # values for each image that are kept as soon as they are known, so that no later cut waits for them
_KEPT = 2**27  # values of all images together that are kept so: 512 MB
Kind = Literal["ablate", "isolate", "scale", "edit"]


@dataclass(frozen=True)
class Operation:
    """One cut.

    Attributes:
        kind: of it.
        layer: the name of a convolution or a dense layer.
        filters: which of its filters, or units, from 0.
        factor: of "scale".
        weight: of "edit", which one: (row, column, input channel) of a kernel, (input,) of a unit, () for the bias.
        value: of "edit", the weight's new value.
    """

    kind: Kind
    layer: str
    filters: tuple[int, ...]
    factor: float = 1.0
    weight: tuple[int, ...] = ()
    value: float = 0.0

    def __str__(self) -> str:
        numbers = ", ".join(str(index + 1) for index in self.filters[:6]) + ("…" if len(self.filters) > 6 else "")
        which = f"filter{'s' * (len(self.filters) > 1)} {numbers} of {self.layer}"
        match self.kind:
            case "scale":
                return f"scale {which} by {self.factor:g}"
            case "edit" if not self.weight:
                return f"set the bias of {which} to {self.value:g}"
            case "edit":
                place = ", ".join(str(index + 1) for index in self.weight)
                return f"set weight ({place}) of {which} to {self.value:g}"
        return f"{self.kind} {which}"


def operable(forward: Forward) -> list[str]:
    """The layers whose filters can be operated on: all that have some, but the output."""
    return [step.layer.name for step in forward.steps[:-1] if has_sums(step.layer)]


def operated(forward: Forward, weights: Weights, operations: Sequence[Operation]) -> dict[str, list[np.ndarray]]:
    """The weights after some operations, in their order; those given stay as they are.

    Raises:
        ValueError: an operation names a layer, filter or weight that is not there, or a value that is no number.
    """
    changed = {name: list(arrays) for name, arrays in weights.items()}
    for operation in operations:
        _check(forward, changed, operation)
        if operation.kind == "edit":
            _edit(forward, changed, operation)
            continue
        factors = np.ones(filters(forward.layer(operation.layer), changed[operation.layer]).shape[-1], np.float32)
        if operation.kind == "isolate":
            factors[:] = 0
        factors[list(operation.filters)] = {"ablate": 0.0, "isolate": 1.0, "scale": operation.factor}[operation.kind]
        name = gate(forward, operation.layer)
        if name == operation.layer:
            changed[name] = _kind(forward, name).scaled(changed[name], factors)
        else:
            gamma, beta, *running = changed[name]
            changed[name] = [gamma * factors, beta * factors, *running]
    return changed


def _check(forward: Forward, weights: Weights, operation: Operation) -> None:
    if operation.layer not in operable(forward):
        raise ValueError(f"{operation.layer} has no filters to edit.")
    count = filters(forward.layer(operation.layer), weights[operation.layer]).shape[-1]
    if not operation.filters or not all(0 <= index < count for index in operation.filters):
        raise ValueError(f"{operation.layer} has the filters 1 to {count}: choose among them.")
    if not np.isfinite([operation.factor, operation.value]).all():
        raise ValueError("A weight or a factor must be a finite number.")


def _kind(forward: Forward, layer: str) -> type[AnyConvolution]:
    """What knows where a layer's filters stand among its weights; a dense layer's units stand as a convolution's do."""
    return CONVOLUTIONS.get(type(forward.layer(layer)).__name__, AnyConvolution)


def _edit(forward: Forward, weights: dict[str, list[np.ndarray]], operation: Operation) -> None:
    arrays, layer = weights[operation.layer], forward.layer(operation.layer)
    if not operation.weight and not layer.use_bias:
        raise ValueError(f"{operation.layer} has no bias: the batch normalisation after it has an offset instead.")
    index = 0 if operation.weight else len(arrays) - 1
    array = arrays[index].copy()
    for channel in operation.filters:
        place = _kind(forward, operation.layer).place_of(operation.weight, channel) if operation.weight else (channel,)
        if place is None:
            raise ValueError(f"A weight of {operation.layer} is a product of two: scale or ablate the filter instead.")
        if len(place) != array.ndim or not all(0 <= i < size for i, size in zip(place, array.shape, strict=True)):
            raise ValueError(f"{operation.layer} has no weight {operation.weight}: its kernel is {array.shape[:-1]}.")
        array[place] = operation.value
    weights[operation.layer] = [*arrays[:index], array, *arrays[index + 1 :]]


def gate(forward: Forward, layer: str) -> str:
    """Where a filter of a layer is switched off: at the batch normalisation that reads it, if there is one."""
    for step in forward.steps:
        if layer in step.takes and isinstance(step.layer, kl.BatchNormalization):
            return step.layer.name
    return layer


def network(run: Run, weights: Weights) -> keras.Model:
    """A network of the run's configuration with these weights, of all layers in their order."""
    model = build(run.config, precision="float32")
    model.set_weights([array for arrays in weights.values() for array in arrays])
    return model


def save(run: Run, weights: Weights, operations: Sequence[Operation], name: str) -> Run:
    """Keep an edited network as a new, finished run, measured on the test images where they are to be had.

    It has no curves, because it was not trained. Its note says what it was made of.

    Args:
        run: whose network was operated on.
        weights: after the operations, of all layers in their order.
        operations: for the note.
        name: of the new run.

    Raises:
        OSError: the runs folder cannot be written.
    """
    model = network(run, weights)
    made = runs.create(run.config, name)
    try:
        portable.save(model, made.path / "model.keras")
        copy_reference(run, made.path)
        with contextlib.suppress(data.DataUnavailable):
            test = data.load(run.config.data).test
            runs.write_json(made.path / "evaluation.json", evaluate(model, test))
            write_examples(made.path, model, test)
        done = "\n".join(f"- {operation}" for operation in operations)
        runs.relabel(made, tags=["edited"], note=f"Made from {run.name} ({run.id}) by hand, not trained:\n{done}")
        runs.write_status(made.path, runs.closed(made.status, "finished"))
    except BaseException:
        shutil.rmtree(made.path, ignore_errors=True)
        raise
    return runs.read(made.path)


class Bench:
    """Some test images on which a network is tried again and again, with other weights each time.

    Little that has not changed is computed twice: the values before the first changed layer are kept.

    Args:
        forward: the network.
        images: uint8 (n, h, w) or (n, h, w, c). labels: (n,).
    """

    def __init__(self, forward: Forward, images: np.ndarray, labels: np.ndarray):
        self.labels = np.asarray(labels)
        self._forward = forward
        self._at_once = images_at_once(forward.model, _BATCH)
        starts = range(0, len(images), self._at_once)
        self._batches = [data.scaled(images[start : start + self._at_once]) for start in starts]
        self._kept: list[dict[str, tf.Tensor]] = []  # of each batch, values before a layer
        self._base_id: str | None = None  # of the weights that they were computed with
        before = {name for layer in [*operable(forward), forward.output] for name in forward.before(layer)}
        sizes = {name: np.prod(forward.layer(name).output.shape[1:]) for name in before - {INPUT}}
        kept = 0  # values of all images, within a budget
        self._small = set()
        for name, size in sorted(sizes.items(), key=lambda one: one[1]):
            kept += size * len(images)
            if size <= _SMALL and kept <= _KEPT:
                self._small.add(name)
        self._passes: dict[tuple, tf.types.experimental.PolymorphicFunction] = {}
        self._lock = Lock()  # visitors share it

    def answers(self, weights: Weights, base: Weights, base_id: str = "") -> np.ndarray:
        """The answers, float32 (n, classes), of the network with these weights.

        Args:
            weights: of the network, all of them.
            base: those that they were made of; layers whose arrays are the same objects have not changed.
            base_id: another one for other `base` weights.
        """
        start = next((name for name in self._forward.names if _differ(weights.get(name), base.get(name))), None)
        begin = start or self._forward.output
        with self._lock:
            given = self._before(begin, base, base_id)
            compiled = self._pass(begin, self._forward.output)
        return np.concatenate([compiled(values, dict(weights))[self._forward.output].numpy() for values in given])

    def _before(self, start: str, weights: Weights, base_id: str) -> list[dict[str, tf.Tensor]]:
        """For each batch, the values by which a pass can begin at a layer."""
        if base_id != self._base_id:
            self._kept, self._base_id = [{INPUT: tf.constant(batch)} for batch in self._batches], base_id
        needed = self._forward.before(start)
        if any(name not in self._kept[0] for name in needed):
            last = max(self._forward.names.index(name) for name in needed if name != INPUT)
            compiled, keep = self._pass(None, self._forward.names[last]), {INPUT, *needed, *self._small}
            for number, kept in enumerate(self._kept):
                values = {**kept, **compiled({INPUT: kept[INPUT]}, dict(weights))}
                self._kept[number] = {name: value for name, value in values.items() if name in keep}
        return [{name: kept[name] for name in needed} for kept in self._kept]

    def _pass(self, start: str | None, stop: str):
        """A compiled pass between two layers."""
        if (start, stop) not in self._passes:
            self._passes[start, stop] = tf.function(
                lambda values, weights: self._forward.run(values, start, stop, weights), reduce_retracing=True
            )
        return self._passes[start, stop]

    def without_each(self, layer: str, weights: Weights, base_id: str = "") -> Generator[float, None, np.ndarray]:
        """The accuracy without each filter of a layer.

        Yields:
            The share done, in [0, 1].

        Returns:
            The accuracies float64 (filters,) in [0, 1].
        """
        forward, closed = self._forward, gate(self._forward, layer)
        after = forward.names[forward.names.index(closed) + 1]
        silent = forward.layer(closed)
        silence = float(silent.activation(tf.zeros(1))[0]) if has_sums(silent) else 0.0
        with self._lock:
            given = self._before(after, weights, base_id)
        count = int(filters(forward.layer(layer), weights[layer]).shape[-1])

        @tf.function(reduce_retracing=True)
        def answer(values, kept, all_weights):
            muted = tf.where(kept, values[closed], silence)
            return forward.run({**values, closed: muted}, after, weights=all_weights)[forward.output]

        accuracies = np.zeros(count)
        for index in range(count):
            kept, right = tf.constant(np.arange(count) != index), 0
            for number, values in enumerate(given):
                labels = self.labels[number * self._at_once : (number + 1) * self._at_once]
                right += int((answer(values, kept, dict(weights)).numpy().argmax(axis=1) == labels).sum())
                yield (index + (number + 1) / len(given)) / count
            accuracies[index] = right / len(self.labels)
        return accuracies


def _differ(some: Sequence[np.ndarray] | None, others: Sequence[np.ndarray] | None) -> bool:
    return any(one is not other for one, other in zip(some or (), others or (), strict=True))

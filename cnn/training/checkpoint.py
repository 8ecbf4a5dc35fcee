"""The whole state of a training in one file, so that it can go on as if it had never been interrupted.

Weights, optimizer, the counts of every random generator and the metrics' running sums, all exactly as they are, and
how far the training is. (A `.keras` file leaves the generators and the metrics out.) Knows no run and no schedule:
those are functions of the configuration and of the position.
"""

from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from cnn import runs
from cnn.errors import AtelierError


class UnreadableCheckpoint(AtelierError, RuntimeError):
    """A checkpoint is damaged or belongs to another network."""


class Restored(NamedTuple):
    """Where a training goes on: whole epochs, steps done in the next one, and the metrics' sums over these steps."""

    epoch: int = 0
    step: int = 0
    metrics: tuple[np.ndarray, ...] = ()


def save(path: Path, network: keras.Model, epoch: int, step: int) -> bool:
    """Write a checkpoint, whole or not at all. Returns False, and writes none, if a weight is no longer a number."""
    state = [np.asarray(variable) for variable in _state(network)]
    if not all(np.isfinite(array).all() for array in state if array.dtype.kind == "f"):
        return False
    arrays = {f"state_{index}": array for index, array in enumerate(state)}
    if step:
        arrays |= {f"metric_{index}": np.asarray(v) for index, v in enumerate(network.metrics_variables)}
    runs.write_npz(path, np.savez, position=np.array([epoch, step]), **arrays)
    return True


def restore(path: Path, network: keras.Model) -> Restored:
    """Set a compiled network and its optimizer to a checkpoint.

    The metrics' sums are returned, because Keras resets the metrics when an epoch begins: see `set_metrics`.

    Raises:
        UnreadableCheckpoint: the file is damaged or belongs to another network; nothing has been changed.
    """
    variables = _state(network)
    try:
        with np.load(path) as file:
            epoch, step = map(int, file["position"])
            state = [file[f"state_{index}"] for index in range(len(variables))]
            metrics = [file[f"metric_{index}"] for index in range(sum(name[0] == "m" for name in file.files))]
    except Exception as error:  # zip and NumPy's format each raise their own kinds
        raise UnreadableCheckpoint(f"{path.name} is damaged or belongs to another network.") from error
    if [array.shape for array in state] != [tuple(variable.shape) for variable in variables]:
        raise UnreadableCheckpoint(f"{path.name} belongs to another network.")
    for variable, array in zip(variables, state, strict=True):
        variable.assign(array)
    return Restored(epoch, step, tuple(metrics))


def set_metrics(network: keras.Model, values: tuple[np.ndarray, ...]) -> None:
    """Let the metrics of a compiled network go on from the sums of an earlier session."""
    # Keras makes them with the first batch, too late: let it see one.
    network.compute_metrics(None, np.zeros(1, np.uint8), np.zeros((1, network.output_shape[-1]), np.float32))
    for variable, value in zip(network.metrics_variables, values, strict=True):
        variable.assign(value)


def _state(network: keras.Model) -> list:
    """Every variable that a training step changes, the metrics left out, in an order that the network determines."""
    return [*network.variables, *network.optimizer.variables]

"""A trained network from its run's directory, and what its last layer reads.

A model is rebuilt from the run's own validated configuration and only its weights are read from disk: nothing that a
file says is executed. The frozen layers of a run that comes with the program are those of a backbone that comes with
it, too: their weights are shipped once, with the backbone, and the run's file has zeros in their place.
"""

import json
import tempfile
import zipfile
from pathlib import Path

import keras
import numpy as np

from cnn.errors import AtelierError
from cnn.networks import backbones, portable
from cnn.networks.build import build
from cnn.runs import Run


class UnreadableModel(AtelierError, RuntimeError):
    """A run's model file is missing, damaged or belongs to another network."""


def load(run: Run) -> keras.Model:
    """The trained network of a run, in float32.

    Raises:
        UnreadableModel: there is no model yet, or its file does not hold the weights of this configuration.
    """
    if run.problem:
        raise UnreadableModel(f"{run.name} is damaged. {run.problem}")
    if not run.has_model:
        raise UnreadableModel(f"{run.name} has no trained network yet: it is written at the end of its first epoch.")
    model = build(run.config, precision="float32")
    try:
        _check_layers(run)
        portable.load_weights(model, run.model_path)
        if run.shipped:
            backbones.transfer_frozen(model, run.config)
    except Exception as error:  # zip, HDF5, JSON and Keras each raise their own kinds
        raise UnreadableModel(
            f"The model of {run.name} cannot be read: {run.model_path.name} is damaged or belongs to another network."
        ) from error
    return model


def whole_file(run: Run) -> bytes:
    """The content of a run's `.keras` file as it is handed out: nothing left out, not compressed, portable.

    Raises:
        UnreadableModel: as `load` does, where the file must be put together.
        OSError: there is no file.
    """
    if not (run.shipped and run.config.transfer.frozen):
        return portable.portable(run.model_path.read_bytes())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / run.model_path.name
        portable.save(load(run), file)
        return file.read_bytes()


def with_features(model: keras.Model) -> keras.Model:
    """The same network with what its output layer reads: images -> (probabilities (n, 10), features (n, f))."""
    return keras.Model(model.input, [model.output, model.layers[-1].input])


def logits(model: keras.Model, features: np.ndarray) -> np.ndarray:
    """What the output layer makes of features (n, f), before the softmax: (n, 10)."""
    kernel, bias = model.layers[-1].get_weights()
    return features @ kernel + bias


def _check_layers(run: Run) -> None:
    """Keras matches weights by position and leaves over what does not match: compare the layers' names first."""
    with zipfile.ZipFile(run.model_path) as file:
        saved = json.loads(file.read("config.json"))
    names = [layer["config"]["name"] for layer in saved["config"]["layers"]]
    if names != ["input", *(row.name for row in run.config.rows())]:
        raise ValueError(f"the file holds the layers {names}")

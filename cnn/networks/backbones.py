"""The weights with which the first layers of a network begin: of a backbone trained on ImageNet, or of another run.

EfficientNet-Lite2 comes with this project (`benchmarks/convert_backbone.py` made its files); the other backbones of
`cnn.config.backbones` are networks of `keras.applications`, whose weights lie in Keras's cache or are downloaded by
Keras, which checks them. Read are arrays only: no file can make anything else. TensorFlow is loaded with the first
weights of a run or of Keras, so that a page can ask what is there.
"""

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cnn import runs
from cnn.config import RunConfig
from cnn.config.backbones import BACKBONES, BackboneCard
from cnn.config.layers import Row
from cnn.errors import AtelierError
from cnn.networks.transfer_fit import Source, Weights, described, problem
from cnn.runs.directory import PRETRAINED

if TYPE_CHECKING:
    import keras

SHIPPED = PRETRAINED / "_backbones"  # no run's id begins so
WEIGHTS_FILE, ABOUT_FILE = "weights.npz", "backbone.json"
_CACHED = {  # the file without an output layer, by its name in Keras's cache, and its size in MB
    "mobilenet-v3-small": ("weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5", 4),
    "mobilenet-v3-large": ("weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5", 13),
    "efficientnet-v2-b0": ("efficientnetv2-b0_notop.h5", 24),
}
_TIMEOUT = 20.0  # seconds without an answer after which a download has failed

OnDownload = Callable[[str], None]


class TransferImpossible(AtelierError, RuntimeError):
    """The weights to begin with cannot be had, or are for other layers; the message says why and what to do."""


def to_do(name: str) -> str | None:
    """What happens or is to be done before a backbone can be used, in a sentence; None where its weights are here."""
    card = BACKBONES[name]
    if _file(card).is_file():
        return None
    if card.keras_name is None:
        return f"The weights of {card.title} are missing: put {_file(card)} back, which belongs to this program."
    file, size = _CACHED[name]
    return (
        f"The weights of {card.title} are not in Keras's cache yet: the first training downloads {size} MB. Without a "
        f"connection, put the file {file} into {_file(card).parent}."
    )


def source_of(name: str, on_download: OnDownload = lambda _: None) -> Source:
    """The network of this name: a backbone, or a run by its id.

    Args:
        on_download: is told, in a sentence, that a download begins.

    Raises:
        TransferImpossible: there is none, or its weights cannot be read or downloaded.
    """
    if card := BACKBONES.get(name):
        source = described(name, None)
        weights = _kerass(card, source.rows, on_download) if card.keras_name else _shipped(card, source.rows)
        return source._replace(weights=weights)
    from cnn.networks.load import UnreadableModel, load

    try:
        run = runs.get(name)
        model = load(run)
    except runs.UnknownRun as error:
        raise TransferImpossible(
            f"The network whose weights are to be transferred, {name!r}, is gone: choose another run or one of the "
            f"backbones {', '.join(BACKBONES)}."
        ) from error
    except UnreadableModel as error:
        raise TransferImpossible(f"The weights cannot be transferred. {error}") from error
    source = described(name, run)
    weights = {row.name: model.get_layer(row.name).get_weights() for row in source.rows if row.parameters}
    return source._replace(weights=weights, output=model.layers[-1].get_weights())


def transfer_weights(model: "keras.Model", config: RunConfig, on_download: OnDownload = lambda _: None) -> None:
    """Give the first `config.transfer.layers` layers of a network the weights of `config.transfer.source`.

    Does nothing where the configuration transfers nothing.

    Args:
        model: of `cnn.networks.build.build(config)`, with weights of any kind, which are replaced.

    Raises:
        TransferImpossible: see `source_of`; or the layers do not fit, see `cnn.networks.transfer_fit.problem`.
    """
    if not config.transfer.source:
        return
    source = source_of(config.transfer.source, on_download)
    for name, arrays in fitting_weights(source, config).items():
        model.get_layer(name).set_weights(arrays)
    if config.transfer.output:
        if source.classes != config.data.card.class_names:
            raise TransferImpossible(
                f"The output layer of {source.title} cannot be transferred, because its classes are others: transfer "
                "only the layers before it."
            )
        model.layers[-1].set_weights(source.output)


def transfer_frozen(model: "keras.Model", config: RunConfig) -> None:
    """Give the frozen layers of a network the weights of `config.transfer.source`, and no other layer any.

    Raises:
        TransferImpossible: see `transfer_weights`.
    """
    if config.transfer.frozen:
        frozen = config.transfer.model_copy(update={"layers": config.transfer.frozen, "output": False})
        transfer_weights(model, config.model_copy(update={"transfer": frozen}))


def fitting_weights(source: Source, config: RunConfig) -> Weights:
    """The weights of a source for the layers of a configuration that are transferred, by the names of its rows.

    A network of grey images takes the kernels of one of colour images, added up over red, green and blue: it then
    computes of a grey image what the other computes of that image in three equal channels. The other way round, each
    colour gets a third of the kernels.

    Raises:
        TransferImpossible: the layers are others, or have inputs of another size.
    """
    count, table = config.transfer.layers, config.rows()
    if misfit := problem(source, config.layers, table, count):
        raise TransferImpossible(misfit.text)
    rows = [row for row in table if row.layer < count and row.parameters]
    given = [row for row in source.rows if row.layer < count and row.parameters]
    channels = config.data.card.input_shape[2]
    found: Weights = {}
    for row, other in zip(rows, given, strict=True):  # the same layers become the same rows
        arrays = source.weights[other.name]
        if row is rows[0] and row.type == "Conv2D" and arrays[0].shape[2] != channels:
            arrays = [_recoloured(arrays[0], channels), *arrays[1:]]
        found[row.name] = arrays
    return found


def _recoloured(kernels: np.ndarray, channels: int) -> np.ndarray:
    """Kernels (k, k, channels, filters) for another number of channels, of images that are grey in either."""
    grey = kernels.sum(axis=2, keepdims=True)
    return np.repeat(grey / channels, channels, axis=2)


# ---------------------------------------------------------------- files


def _file(card: BackboneCard) -> Path:
    """Where a backbone's weights lie once they are here."""
    if card.keras_name is None:
        return SHIPPED / card.name / WEIGHTS_FILE
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models" / _CACHED[card.name][0]


def _shipped(card: BackboneCard, rows: Sequence[Row]) -> Weights:
    """The weights of a file of this project: arrays named by their row and their number within it."""
    try:
        with np.load(_file(card), allow_pickle=False) as file:
            names = {row.name: [name for name in file.files if name.split(".")[0] == row.name] for row in rows}
            weights = {name: [file[key].astype(np.float32) for key in keys] for name, keys in names.items() if keys}
    except Exception as error:  # zip and NumPy each raise their own kinds
        raise TransferImpossible(
            f"The weights of {card.title} cannot be read: {_file(card)} is missing or damaged. Put it back, which "
            "belongs to this program."
        ) from error
    _check(card, rows, weights)
    return weights


def _kerass(card: BackboneCard, rows: Sequence[Row], on_download: OnDownload) -> Weights:
    """The weights that Keras hands on, downloaded into its cache unless they are there.

    Its networks have the layers of this program's in the same order, under other names.
    """
    import keras

    if note := to_do(card.name):
        on_download(note)
    try:
        with _patience():
            model = getattr(keras.applications, str(card.keras_name))(
                weights="imagenet", include_top=False, pooling="avg", input_shape=card.input_shape
            )
    except Exception as error:  # Keras raises a bare Exception for a failed download
        reason = str(error).rsplit("-- ", 1)[-1].strip() or type(error).__name__
        raise TransferImpossible(
            f"The weights of {card.title} are not in Keras's cache and could not be downloaded ({reason}): connect to "
            f"the internet, put the file {_CACHED[card.name][0]} into {_file(card).parent}, or use EfficientNet-Lite2, "
            "which is here."
        ) from error
    return kerass_weights(card, rows, model)


def kerass_weights(card: BackboneCard, rows: Sequence[Row], model: "keras.Model") -> Weights:
    """The weights of a network of `keras.applications`, by the rows of this program's."""
    arrays = [layer.get_weights() for layer in model.layers if layer.weights]
    named = [row.name for row in rows if row.parameters]
    if len(named) != len(arrays):
        raise _foreign(card)
    weights = dict(zip(named, arrays, strict=True))
    _check(card, rows, weights)
    return weights


def _check(card: BackboneCard, rows: Sequence[Row], weights: Weights) -> None:
    """Each row has as many parameters as its arrays have values."""
    counts = {name: sum(array.size for array in arrays) for name, arrays in weights.items()}
    if counts != {row.name: row.parameters for row in rows if row.parameters}:
        raise _foreign(card)


def _foreign(card: BackboneCard) -> TransferImpossible:
    return TransferImpossible(f"The weights of {card.title} in {_file(card)} are those of another network: delete it.")


@contextmanager
def _patience() -> Iterator[None]:
    """A server that never answers is given up."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)

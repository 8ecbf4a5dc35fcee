"""Whether layers can begin with the weights of another network, judged by what is known without its weights.

What `cnn.networks.backbones` finds when a training begins, a form says while the layers are changed. Loads no
TensorFlow.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cnn.config.backbones import BACKBONES
from cnn.config.layers import Layer, Row, trace
from cnn.config.repairs import Fix
from cnn.runs import Run

Weights = dict[str, list[np.ndarray]]  # of every Keras layer that has some, by its row's name, in Keras's order


class Source(NamedTuple):
    """A network whose weights others can begin with.

    title: what people call it. layers, input_shape: what it is made of. rows: its table, without the output layer.
    weights: float32. classes: of its output layer, and that layer's weights; empty where it has none.
    """

    title: str
    layers: tuple[Layer, ...]
    input_shape: tuple[int, int, int]
    rows: tuple[Row, ...]
    weights: Weights
    classes: tuple[str, ...] = ()
    output: Sequence[np.ndarray] = ()


class Misfit(NamedTuple):
    """What does not fit.

    text: in a sentence. fitting: how many layers do fit. shape: of images with which all would. repair: a change of the
    layers that makes the first one that does not fit the source's again.
    """

    text: str
    fitting: int
    shape: tuple[int, ...] | None = None
    repair: Fix | None = None


def described(source: str, run: Run | None) -> Source | None:
    """A network that others can begin with, without its weights; None where it is gone.

    Args:
        source: as in `Transfer`. run: of that id, where there is one.
    """
    if card := BACKBONES.get(source):
        rows = tuple(trace(card.layers, card.input_shape, 2)[:-1])
        return Source(card.title, card.layers, card.input_shape, rows, {})
    if run is None or run.config is None or not run.has_model:
        return None
    images = run.config.data.card
    rows = tuple(run.config.rows()[:-1])
    return Source(run.name, run.config.layers, images.input_shape, rows, {}, images.class_names)


def misfit(source: Source, layers: Sequence[Layer], count: int) -> str | None:
    """Why the first layers of a stack, so many, cannot get the weights of a source, in a sentence; None where they can.

    How they are trained does not count: dropout and weight decay may be others.
    """
    if count > len(source.layers):
        return (
            f"{count} layers are to be transferred, but {source.title} has only {len(source.layers)} before its output "
            f"layer: transfer at most {len(source.layers)}."
        )
    for index, (layer, other) in enumerate(zip(layers[:count], source.layers, strict=False)):
        if _plain(layer) != _plain(other):
            return (
                f"Layer {index + 1} is “{layer}” here and “{other}” in {source.title}: transfer only the "
                f"{index} layers before it, or make it the same."
                if index
                else f"The first layer is “{layer}” here and “{other}” in {source.title}: begin with its layers."
            )
    return None


def problem(source: Source, layers: Sequence[Layer], rows: Sequence[Row], count: int) -> Misfit | None:
    """Why layers cannot get a source's weights; None where they can.

    Args:
        layers: of the new network. rows: its table, as far as they fit together.
        count: how many of the first layers are transferred.
    """
    if count > len(layers):
        have = "is only one layer" if len(layers) == 1 else f"are only {len(layers)}"
        text = f"{count} layers are transferred, but there {have} before the output layer."
        fitting = fitting_layers(source, layers, count)
        return Misfit(text, fitting, repair=_repair(source, layers, fitting))
    if text := misfit(source, layers, count):
        fitting = fitting_layers(source, layers, count)
        return Misfit(text, fitting, repair=_repair(source, layers, fitting))
    here = [row for row in rows if row.layer < count and row.parameters]
    given = [row for row in source.rows if row.layer < count and row.parameters]
    for row, other in zip(here, given, strict=False):  # the same layers become the same rows; the table may end early
        if row.parameters == other.parameters or (row is here[0] and row.type == "Conv2D"):
            continue  # a first convolution's kernels are made to fit other channels
        size = "×".join(map(str, source.input_shape))
        text = (
            f"Layer {row.layer + 1} ({layers[row.layer]}) has {row.parameters:,} parameters here and "
            f"{other.parameters:,} in {source.title}, whose images are {size}: transfer only the layers before it, or "
            "choose images of this size."
        )
        return Misfit(text, row.layer, source.input_shape)
    return None


def _repair(source: Source, layers: Sequence[Layer], at: int) -> Fix | None:
    """Take out what was put in, put back what was taken out, or undo what was changed, at a layer from 0."""
    if at >= len(source.layers):
        return None
    same = source.layers[at]
    rest, given = layers[at:], source.layers[at:]
    if len(rest) > 1 and not _differ(rest[1:2], given[:1]):
        return Fix(f"Remove layer {at + 1}", at, at + 1)
    if not rest or (len(given) > 1 and not _differ(rest[:1], given[1:2])):
        return Fix(f"Put back layer {at + 1} ({same})", at, at, (same,))
    return Fix(f"Make layer {at + 1} as it was ({same})", at, at + 1, (same,))


def _differ(layers: Sequence[Layer], given: Sequence[Layer]) -> bool:
    return misfit(Source("", tuple(given), (1, 1, 1), (), {}), layers, len(layers)) is not None


def fitting_layers(source: Source, layers: Sequence[Layer], count: int) -> int:
    """How many of the first layers are those of the source."""
    count = min(count, len(source.layers), len(layers))
    while count and misfit(source, layers, count):
        count -= 1
    return count


def _plain(layer: Layer) -> Layer:
    """A layer without what only training asks for."""
    fields = type(layer).model_fields
    return layer.model_copy(update={name: 0.0 for name in ("l2", "rate") if name in fields})

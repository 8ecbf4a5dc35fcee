"""How long a training will take, judged by trainings of which the time is known. Draws nothing."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from cnn.config import PRESET_CARDS, RunConfig, presets
from cnn.config.frozen_layers import boundary, views_of
from cnn.config.layers import InvertedResidual
from cnn.runs.run import Run

# What an image costs beside its multiply-accumulates (loading, augmentation, the optimizer's step), as so many of
# them: between the presets dense and fast, this explains the measured times.
_OVERHEAD = 2.5e6
_UNCOUNTED = 1_000  # training images of a dataset whose images nobody has counted
_FORWARD = 1 / 3  # of the work for an image where no gradient is computed
# A multiply-accumulate of an inverted residual, whose depthwise convolutions are bound by memory, costs as much as so
# many of a convolution: with it, the measured 24 to 27 images a second through EfficientNet-Lite2 are explained.
_OF_BLOCKS = 4.7
_BY_LITERT = 0.46  # of TensorFlow's time for the same layers: 52 images a second
_KEPT_OVERHEAD = 5e4  # as `_OVERHEAD`, of the features of an image, which are neither loaded nor augmented
_VALIDATION = 1 / 8  # images for each training image


class Estimate(NamedTuple):
    """seconds: of training. run: this machine's run that they are judged by; None where it is a measured preset.

    machine: of the measured preset. exact: it trained the same network in the same way, if not as long.
    """

    seconds: float
    run: Run | None
    machine: str
    exact: bool


def estimate(config: RunConfig, listed: Sequence[Run], images: int | None = None) -> Estimate:
    """How long a training of a configuration takes, by this machine's runs if there are any.

    Args:
        config: of the training.
        listed: all runs, newest first. Those that came with the program were trained on other machines.
        images: how many training images its dataset has, where that is people's own.
    """
    own = [run for run in listed if run.state == "finished" and not run.shipped and run.config and run.status.seconds]
    own = [run for run in own if not _trained_on_features(run)]
    whole = work(config, config.training.epochs, images)
    same = next((run for run in own if _same_work(run.config, config)), None)
    if same is not None:
        return Estimate(same.status.seconds * whole / _done(same), same, "", True)
    if own:
        near = min(own, key=lambda run: _distance(run.config, config))
        return Estimate(near.status.seconds * whole / _done(near), near, "", False)
    known = [(presets()[name], card.measured) for name, card in PRESET_CARDS.items() if card.measured.seconds]
    preset, measured = min(known, key=lambda pair: (not _same_work(pair[0], config), _distance(pair[0], config)))
    seconds = (measured.seconds or 0.0) * whole / work(preset, preset.training.epochs)
    return Estimate(seconds, None, measured.machine, _same_work(preset, config))


def work(config: RunConfig, epochs: int, images: int | None = None) -> float:
    """What a training costs, as so many multiply-accumulates of a convolution, forward and backward.

    What frozen layers make of the images is computed once, for every view, and kept where it is not too large: then an
    epoch costs only the layers after them.

    Args:
        epochs: passes over the training images.
        images: how many there are; None: as the dataset's card says.
    """
    count = _images(config, images)
    frozen, trained = _costs(config)
    if not config.transfer.frozen:
        return (trained + _OVERHEAD) * count * epochs
    if boundary(config, count) is None:
        return (frozen * _FORWARD + trained + _OVERHEAD) * count * epochs
    once = (frozen * _FORWARD * _BY_LITERT + _OVERHEAD) * count * (views_of(config) + _VALIDATION)
    return once + (trained + _KEPT_OVERHEAD) * count * epochs


def _costs(config: RunConfig) -> tuple[float, float]:
    """The work for an image in the frozen layers and in the others, in weighted multiply-accumulates."""
    found = [0.0, 0.0]
    for row in config.rows():
        layer = config.layers[row.layer] if row.layer < len(config.layers) else None
        weight = _OF_BLOCKS if isinstance(layer, InvertedResidual) else 1.0
        found[row.layer >= config.transfer.frozen] += row.macs * weight
    return found[0], found[1]


def macs(config: RunConfig) -> int:
    """Multiply-accumulates of its network for one image."""
    return sum(row.macs for row in config.rows())


def _done(run: Run) -> float:
    """The work that a finished run has done."""
    config, status = run.config, run.status
    assert config is not None
    return work(config, status.epoch or config.training.epochs, _images_of(run))


def _images_of(run: Run) -> int | None:
    """How many images of people's own a run was trained on, to a whole batch; None where its dataset's card knows."""
    if run.config is None or not run.config.data.classes or not run.status.steps:
        return None
    return run.status.steps * run.config.training.batch_size


def _trained_on_features(run: Run) -> bool:
    """Whether a run's time is only that of its head: what came before, its features, is not in it."""
    config = run.config
    return config is not None and boundary(config, _images(config, _images_of(run))) is not None


def _distance(one: RunConfig, other: RunConfig) -> float:
    """How different the work for an image is, as a factor's logarithm."""
    sizes = [sum(_costs(config)) + _OVERHEAD for config in (one, other)]
    return abs(math.log(sizes[0] / sizes[1]))


def _images(config: RunConfig, images: int | None) -> int:
    """Images of an epoch."""
    counts = [count for count in (images or config.data.card.training_images, config.data.limit) if count]
    return min(counts, default=_UNCOUNTED)


def _same_work(one: RunConfig, other: RunConfig) -> bool:
    """Whether an image costs both the same time."""
    kept = ("optimizer", "batch_size", "precision")
    varied = {name: getattr(other.data, name) for name in ("dataset", "limit", "classes", "image_size", "channels")}
    return (
        (one.layers, one.data.card.input_shape) == (other.layers, other.data.card.input_shape)
        and one.data.model_copy(update=varied) == other.data
        and one.transfer.frozen == other.transfer.frozen
        and all(getattr(one.training, name) == getattr(other.training, name) for name in kept)
    )

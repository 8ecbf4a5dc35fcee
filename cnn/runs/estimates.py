"""How long a training will take, judged by trainings of which the time is known. Draws nothing."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from cnn.config import PRESET_CARDS, RunConfig, presets
from cnn.runs.run import Run

# What an image costs beside its multiply-accumulates (loading, augmentation, the optimizer's step), as so many of
# them: between the presets dense and fast, this explains the measured times.
_OVERHEAD = 2.5e6
_UNCOUNTED = 1_000  # training images of a dataset whose images nobody has counted


class Estimate(NamedTuple):
    """seconds: of training. run: this machine's run that they are judged by; None where it is a measured preset.

    machine: of the measured preset. exact: it trained the same network in the same way, if not as long.
    """

    seconds: float
    run: Run | None
    machine: str
    exact: bool


def estimate(config: RunConfig, listed: Sequence[Run]) -> Estimate:
    """How long a training of a configuration takes, by this machine's runs if there are any.

    Args:
        config: of the training.
        listed: all runs, newest first. Those that came with the program were trained on other machines.
    """
    own = [run for run in listed if run.state == "finished" and not run.shipped and run.config and run.status.seconds]
    same = next((run for run in own if _same_work(run.config, config)), None)
    if same is not None:
        return Estimate(_scaled(same.config, same.status.seconds, same.status.epoch, config), same, "", True)
    if own:
        near = min(own, key=lambda run: _distance(run.config, config))
        return Estimate(_scaled(near.config, near.status.seconds, near.status.epoch, config), near, "", False)
    known = [(presets()[name], card.measured) for name, card in PRESET_CARDS.items() if card.measured.seconds]
    preset, measured = min(known, key=lambda pair: (not _same_work(pair[0], config), _distance(pair[0], config)))
    seconds = _scaled(preset, measured.seconds or 0.0, preset.training.epochs, config)
    return Estimate(seconds, None, measured.machine, _same_work(preset, config))


def macs(config: RunConfig) -> int:
    """Multiply-accumulates of its network for one image."""
    return sum(row.macs for row in config.rows())


def _scaled(known: RunConfig, seconds: float, epochs: int, config: RunConfig) -> float:
    work = (macs(config) + _OVERHEAD) / (macs(known) + _OVERHEAD)
    return seconds * work * _images(config, config.training.epochs) / _images(known, epochs or known.training.epochs)


def _distance(one: RunConfig, other: RunConfig) -> float:
    """How different the work for an image is, as a factor's logarithm."""
    return abs(math.log((macs(one) + _OVERHEAD) / (macs(other) + _OVERHEAD)))


def _images(config: RunConfig, epochs: int) -> int:
    """Images that a training sees, over so many epochs."""
    every = config.data.card.training_images
    counts = [count for count in (every, config.data.limit) if count]
    return min(counts, default=_UNCOUNTED) * epochs


def _same_work(one: RunConfig, other: RunConfig) -> bool:
    """Whether an image costs both the same time."""
    free = {"dataset": other.data.dataset, "limit": other.data.limit}
    kept = ("optimizer", "batch_size", "precision")
    return (one.layers, one.data.model_copy(update=free)) == (other.layers, other.data) and all(
        getattr(one.training, name) == getattr(other.training, name) for name in kept
    )

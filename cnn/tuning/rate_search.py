"""The search for a learning rate: starting, stopping and reading it, and what its curve suggests.

    runs/.finder/<id>/
      config.json      the RunConfig that it is for
      curve.jsonl      one JSON object for each batch: the learning rate and the loss before its step
      ...              as `cnn.runs.measurement` has it

It is the learning-rate range test of "Cyclical Learning Rates for Training Neural Networks" (Smith 2015,
arXiv:1506.01186, section 3.3), with the rate rising exponentially: a fresh network is trained for a few batches, each
at a higher rate than the last, until its loss explodes. A process of its own does that, `cnn.tuning.rate_finder`.
Nothing here imports TensorFlow, and no run is ever changed.
"""

import contextlib
import math
import secrets
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cnn import runs
from cnn.config import RunConfig
from cnn.runs import measurement

LOWEST, HIGHEST = 1e-6, 10.0  # learning rates of the first and the last batch
BATCHES = 140  # twenty for each power of ten
EXPLODED = 4.0  # times the lowest smoothed loss: what comes after it is noise

_KEPT = 3600.0  # seconds that a search which has ended stays on disk: somebody may have it on the screen
_FEWEST = 20  # batches from which a rate can be suggested
_SPREAD = 3.0  # batches: standard deviation of the smoothing
_FALL = 0.05  # share by which the smoothed loss must fall before a rate is suggested
_SURE = 4.0  # standard errors of the smoothed loss that a fall must exceed
_RISE = 0.05  # share of that fall by which the loss must rise again to count as rising
_MARGIN = 10.0  # times below the rate from which on the loss rises


@dataclass(frozen=True)
class Suggestion:
    """What a curve suggests. Learning rates, and the rule in words.

    steepest: where the smoothed loss falls fastest. lowest: where it is lowest. rises: from where on it rises again;
    None where it does not up to the highest rate.
    """

    rate: float
    steepest: float
    lowest: float
    rises: float | None
    text: str


@dataclass(frozen=True)
class Progress(measurement.Progress):
    """A search as it was when it was read. rates, losses: of every batch so far. config: None where it is damaged."""

    rates: tuple[float, ...] = ()
    losses: tuple[float, ...] = ()
    config: RunConfig | None = None


# --- what a curve suggests --------------------------------------------------------------------------------------


def rate_of(batch: int) -> float:
    """The learning rate of a batch, counted from 0."""
    return LOWEST * (HIGHEST / LOWEST) ** (batch / (BATCHES - 1))


def smoothed(losses: Sequence[float] | np.ndarray) -> np.ndarray:
    """Each loss as the mean of itself and its neighbours, by a Gaussian of 3 batches: (n,). The losses are finite."""
    values = np.asarray(losses, np.float64)
    place = np.arange(len(values))
    weights = np.exp(-0.5 * ((place[:, None] - place[None, :]) / _SPREAD) ** 2)
    return weights @ values / weights.sum(axis=1)


def has_exploded(losses: Sequence[float]) -> bool:
    """Whether the loss is no number any more, or so high that nothing is to be learned from higher rates."""
    if not all(map(math.isfinite, losses)):
        return True
    means = [sum(losses[end - 3 : end]) / 3 for end in range(3, len(losses) + 1)]
    return bool(means) and means[-1] > EXPLODED * max(min(means), 0.1)


def suggest(rates: Sequence[float], losses: Sequence[float], classes: int) -> Suggestion | None:
    """The learning rate that a curve suggests: a tenth of the one from which on the smoothed loss rises again.

    The rate at which the loss is lowest would be the usual mark, but where it stays low over a wide range, noise alone
    decides where that is. A network whose first loss is far above guessing falls fastest long before it has learned
    anything: so the steepest place is told, but not suggested.

    Args:
        rates: rising, above 0.
        losses: of the batches at these rates. What follows the first that is no number is left out.
        classes: how many there are; the logarithm of that is the loss of guessing.

    Returns:
        None where the loss falls no further than its noise explains, or too little was measured.
    """
    count = next((index for index, loss in enumerate(losses) if not math.isfinite(loss)), len(losses))
    if count < _FEWEST:
        return None
    guessing = math.log(classes)
    clipped = np.minimum(losses[:count], 2 * max(guessing, float(np.median(losses[:_FEWEST]))))  # the last ones soar
    values = smoothed(clipped)
    lowest = int(values.argmin())
    begin = min(float(values[0]), guessing)
    fall = begin - float(values[lowest])
    neighbours = 2 * math.sqrt(math.pi) * _SPREAD  # that a smoothed value is as good as the mean of
    noise = float(np.std((clipped - values)[: lowest + 1])) / math.sqrt(neighbours)
    if fall < max(_FALL * begin, _SURE * noise):
        return None
    slope = np.gradient(values, np.log10(rates[:count]))
    steepest = float(rates[int(slope[: lowest + 1].argmin())])
    higher = np.flatnonzero(values[lowest:] > values[lowest] + _RISE * fall)
    rises = float(rates[lowest + int(higher[0])]) if len(higher) else None
    rate = _rounded((rises or float(rates[count - 1])) / _MARGIN)
    end = f"rises from {rises:.2g} on" if rises else f"does not rise up to {rates[count - 1]:.2g}"
    text = (
        f"The loss falls fastest at {steepest:.2g}, is lowest at {rates[lowest]:.2g} and {end}. "
        f"A tenth of that is the usual margin: {rate:g}."
    )
    return Suggestion(rate, steepest, float(rates[lowest]), rises, text)


def _rounded(rate: float) -> float:
    """To one digit: a curve of a few batches does not tell more."""
    return float(f"{rate:.0e}")


# --- the process ------------------------------------------------------------------------------------------------


def start(config: RunConfig) -> Path:
    """Start a search. Returns its folder.

    Raises:
        OSError: the runs folder cannot be written.
    """
    _clear()
    folder = runs.root() / ".finder" / secrets.token_hex(8)
    measurement.start(folder, "cnn.tuning.rate_finder", config)
    return folder


def read(folder: Path) -> Progress | None:
    """A search as it stands; None if it is no longer there. Never raises for what is in its folder."""
    known = measurement.read(folder)
    if known.state == "new":
        return None
    curve = b""
    with contextlib.suppress(OSError):
        curve = (folder / "curve.jsonl").read_bytes()
    points = [point for point in runs.json_objects(curve) if _is_point(point)]
    rates, losses = tuple(point["rate"] for point in points), tuple(point["loss"] for point in points)
    return Progress(**vars(known), rates=rates, losses=losses, config=runs.read(folder).config)


def same_question(one: RunConfig, other: RunConfig) -> bool:
    """Whether a curve measured for one configuration holds for another: of the training, only a few settings count."""
    kept = ("optimizer", "batch_size", "seed", "precision")
    return (one.data, one.layers) == (other.data, other.layers) and all(
        getattr(one.training, name) == getattr(other.training, name) for name in kept
    )


def _clear() -> None:
    """Remove the searches that have ended some time ago."""
    for folder in (runs.root() / ".finder").glob("*/"):
        with contextlib.suppress(OSError):
            ended = not runs.read(folder).active
            if ended and abs(time.time() - folder.stat().st_mtime) > _KEPT:
                shutil.rmtree(folder)


def _is_point(value: dict[str, Any]) -> bool:
    return all(type(value.get(name)) is float and math.isfinite(value[name]) for name in ("rate", "loss"))

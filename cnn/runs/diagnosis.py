"""What a run's curves say, in words, each with the number behind it. Pure functions of the records in metrics.jsonl."""

import math
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from cnn.config import CLASS_NAMES

Records = list[dict[str, Any]]

_GUESSING = math.log(len(CLASS_NAMES))  # cross-entropy of ten equal probabilities
_STRETCH = 5  # points of the curve that are averaged
_DEAD = 0.6  # share of a layer's ReLUs from which on it is worth a word; a third is dead in many a good network
_AFTER = 3  # epochs in a row whose validation loss must have risen: a single one may be chance
_STEPS = 50  # that a learning rate is given before it is judged

# How far one step moves the weights, as a share of their own length. Usual is about 0.001 (Karpathy, CS231n notes,
# "Ratio of weights:updates"). Where the bounds lie was found by training the presets with every optimizer at rates from
# 1e-6 to 10.
_USUAL = "about 0.1% is usual"
_LEAP, _LARGE, _MOVING, _TINY = 0.3, 0.1, 0.001, 0.0002


@dataclass(frozen=True)
class Finding:
    """What stands out in a training. kind: which trouble; text: a sentence with its numbers and what helps."""

    kind: str
    text: str


def best_epoch(records: Records) -> int | None:
    """The epoch, from 1, with the lowest validation loss, the first of equals; None before the first."""
    whole = _epochs(records)
    return min(whole, key=lambda record: record["val_loss"])["epoch"] if whole else None


def is_plateau(records: Records, patience: int) -> bool:
    """Whether the validation loss has not fallen for `patience` epochs."""
    best = best_epoch(records)
    return best is not None and _epochs(records)[-1]["epoch"] - best >= patience


def diagnose(records: Records) -> list[Finding]:
    """What stands out so far, the gravest first; nothing in a training that goes well, or has just begun."""
    unstable = _no_number(records) or _diverging(records) or _rate_too_high(records)
    found = (unstable, _rate_too_low(records), _overfitting(records) or _lagging(records), _dead(records))
    return [finding for finding in found if finding]


def _epochs(records: Records) -> Records:
    return [record for record in records if record["kind"] == "epoch"]


def _batches(records: Records) -> Records:
    return [record for record in records if record["kind"] == "batch"]


def _since_change(records: Records) -> Records:
    """What followed the last change of the learning rate by hand: a new rate has a new chance."""
    changes = [n for n, record in enumerate(records) if record["kind"] == "event" and record["what"] == "learning rate"]
    return records[changes[-1] :] if changes else records


def _no_number(records: Records) -> Finding | None:
    events = [record for record in records if record["kind"] == "event" and record["what"] in ("diverged", "resumed")]
    if not events or events[-1]["what"] == "resumed":
        return None
    place = f"epoch {events[-1]['epoch'] + 1}, batch {events[-1]['step']:,}"
    losses = [record["loss"] for record in _batches(records)]
    before = f" It was {losses[-1]:.3g} when it was last written down." if losses else ""
    return Finding(
        "diverged", f"Diverged: in {place}, the loss was no longer a number.{before} Go on with a lower learning rate."
    )


def _diverging(records: Records) -> Finding | None:
    losses = [record["loss"] for record in _batches(_since_change(records))]
    if len(losses) < 3 * _STRETCH:
        return None
    means = [fmean(losses[start : start + _STRETCH]) for start in range(len(losses) - _STRETCH + 1)]
    last, lowest = means[-1], min(means)
    if last < 2 * lowest or last - lowest < 0.5:
        return None
    return Finding(
        "diverging",
        f"Diverging: the training loss has risen from {lowest:.2f} to {last:.2f}. Lower the learning rate.",
    )


def _steps(points: Records) -> int:
    """How many steps lie between the first and the last point of a curve."""
    first, last = points[0], points[-1]
    return (last["epoch"] - first["epoch"]) * last["steps"] + last["step"] - first["step"]


def _share(value: float) -> str:
    """Per cent with two digits, however small."""
    return f"{value:.0%}" if value >= 1 else f"{100 * value:.2g}%"


def _present_loss(points: Records) -> float:
    return fmean(record["loss"] for record in points[-min(_STRETCH, max(1, len(points) // 4)) :])


def _rate_too_high(records: Records) -> Finding | None:
    points = _batches(_since_change(records))
    updates = [record["update"] for record in points if type(record.get("update")) is float]
    if len(updates) < 2 or _steps(points) < _STEPS:
        return None
    loss, largest, present = _present_loss(points), max(updates), median(updates[-_STRETCH:])
    many_dead = _largest_dead_share(records) >= _DEAD
    advice = f"Lower the learning rate{', and start anew: many ReLUs are dead' * many_dead}."
    if present >= _LARGE:
        moved = f"each step moves the weights by {_share(present)} of their length ({_USUAL})"
        return Finding("learning rate too high", f"Learning rate too high: {moved}. {advice}")
    no_better = loss >= _GUESSING - 0.01
    leapt = largest >= _LEAP and loss >= _GUESSING / 2
    jumped = no_better and max(record["loss"] for record in points) >= _GUESSING + 1
    numb = no_better and (largest >= _LARGE or _largest_dead_share(records) >= 0.9)
    if present < _MOVING or not (leapt or jumped or numb):
        return None
    batches = points[-1]["epoch"] * points[-1]["steps"] + points[-1]["step"]
    than = f", no better than guessing ({_GUESSING:.2f})" * no_better
    moved = f"single steps have moved the weights by up to {_share(largest)} of their length ({_USUAL})"
    return Finding(
        "learning rate too high",
        f"Learning rate too high: after {batches:,} batches the training loss is {loss:.3g}{than}, and {moved}. "
        f"{advice}",
    )


def _rate_too_low(records: Records) -> Finding | None:
    points = _batches(_since_change(records))
    updates = [record["update"] for record in points if type(record.get("update")) is float]
    if len(updates) < 2 or _steps(points) < _STEPS or _largest_dead_share(records) >= 0.9:
        return None
    first, loss, present = _batches(records)[0]["loss"], _present_loss(points), median(updates[-_STRETCH:])
    if present >= _TINY or loss < 0.9 * first:
        return None
    return Finding(
        "learning rate too low",
        f"Learning rate too low: each step moves the weights by {_share(present)} of their length ({_USUAL}), and the "
        f"training loss has come from {first:.2f} to {loss:.2f} only. Raise it.",
    )


def _overfitting(records: Records) -> Finding | None:
    whole, best = _epochs(records), best_epoch(records)
    if best is None or whole[-1]["epoch"] - best < _AFTER:
        return None
    last, then = whole[-1], next(record for record in whole if record["epoch"] == best)
    if then["val_loss"] > 0.8 * _GUESSING:  # it knew nothing yet; the means of batch normalisation may lag behind
        return None
    least = min(record["val_loss"] for record in whole[-_AFTER:])
    if least < 1.1 * then["val_loss"] or last["loss"] >= then["loss"]:
        return None
    risen = last["val_loss"] / max(then["val_loss"], 1e-9) - 1
    return Finding(
        "overfitting",
        f"Overfitting since epoch {best}: the validation loss has risen from {then['val_loss']:.3f} to "
        f"{last['val_loss']:.3f} ({risen:+.0%}), while the training loss fell from {then['loss']:.3f} to "
        f"{last['loss']:.3f}. Dropout, augmentation, more pictures or early stopping help.",
    )


def _lagging(records: Records) -> Finding | None:
    """The running means of batch normalisation, which only validation uses, may be far from those of the batches."""
    whole = _epochs(records)
    if not whole:
        return None
    last = whole[-1]
    if not (last["loss"] < 0.5 * _GUESSING and last["val_loss"] > 0.8 * _GUESSING):
        return None
    return Finding(
        "lagging means",
        f"The training pictures are learned (loss {last['loss']:.3f}), but the validation pictures are answered hardly "
        f"better than by guessing ({last['val_loss']:.3f}). With batch normalisation, whose running means "
        "need some dozens of batches, this passes: more epochs, more pictures or smaller batches help.",
    )


def _dead(records: Records) -> Finding | None:
    many = {layer: share for layer, share in _dead_shares(records).items() if share >= _DEAD}
    if not many:
        return None
    shares = ", ".join(f"{share:.0%} of the units of {layer}" for layer, share in many.items())
    return Finding(
        "dead ReLUs",
        f"Dead ReLUs: {shares} are zero for every picture that was tried after the last epoch, and learn nothing any "
        "more. A new start at a lower learning rate helps.",
    )


def _dead_shares(records: Records) -> dict[str, float]:
    whole = _epochs(records)
    shares = whole[-1].get("dead") if whole else None
    return shares if isinstance(shares, dict) else {}


def _largest_dead_share(records: Records) -> float:
    return max(_dead_shares(records).values(), default=0.0)

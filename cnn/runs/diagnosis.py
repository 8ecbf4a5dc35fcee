"""What a run's curves say, in words, each with the number behind it. Pure functions of the records in metrics.jsonl."""

import math
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from cnn.config import Data, RunConfig, counted
from cnn.config.layers import Dropout

Records = list[dict[str, Any]]

_STRETCH = 5  # points of the curve that are averaged
_DEAD = 0.6  # fraction of a layer's ReLUs from which on it is worth a word; a third is dead in many a good network
_AFTER = 3  # epochs in a row whose validation loss must have risen: a single one may be chance
_STEPS = 50  # before a learning rate, or a training, is judged
_GAP = 0.1  # by which training accuracy exceeds validation accuracy where a network learns its images by heart
_ABOVE = 0.01  # by which validation accuracy exceeds training accuracy before that is explained
_FALL = 0.1  # of the training loss in the last epoch that ends too early
_FLAT = 0.03  # of the training loss in an epoch, below which more epochs alone do not help
_LITTLE_LEFT = 0.02  # errors, of which more training takes away too few to speak of

# How far one step moves the weights, as a fraction of their own length. Usual is about 0.001 (Karpathy, CS231n notes,
# "Ratio of weights:updates"). Where the bounds lie was found by training the presets with every optimizer at rates from
# 1e-6 to 10.
_USUAL = "about 0.1% is usual"
_LEAP, _LARGE, _MOVING, _TINY = 0.3, 0.1, 0.001, 0.0002


@dataclass(frozen=True)
class Finding:
    """What the curves of a training say.

    kind: what it is. text: a sentence with its numbers and what helps. is_problem: else it only explains.
    """

    kind: str
    text: str
    is_problem: bool = True


def best_epoch(records: Records) -> int | None:
    """The epoch, from 1, with the lowest validation loss, the first of equals; None before the first."""
    whole = _epochs(records)
    return min(whole, key=lambda record: record["val_loss"])["epoch"] if whole else None


def is_plateau(records: Records, patience: int) -> bool:
    """Whether the validation loss has not fallen for `patience` epochs."""
    best = best_epoch(records)
    return best is not None and _epochs(records)[-1]["epoch"] - best >= patience


def diagnose(records: Records, config: RunConfig | None = None, active: bool = False) -> list[Finding]:
    """What the curves say so far: problems, the most serious first, then what only explains.

    Args:
        records: lines of metrics.jsonl, see `cnn.runs.metrics.read_metrics`.
        config: of the run; without it, nothing is said about what its dataset makes possible, and ten classes are
            taken for granted.
        active: whether the training goes on.

    Returns:
        At least one: that there is no problem is one, too.
    """
    guessing = _guessing(config)
    rate = _no_number(records) or _diverging(records) or _rate_too_high(records, guessing) or _rate_too_low(records)
    fit = _overfitting(records, guessing) or _lagging(records, guessing) or _gap(records)
    too_early = None if rate or fit else _too_early(records, active)
    capacity = None if rate or fit or too_early else _underfitting(records, config, active)
    found = [finding for finding in (rate, fit, capacity or too_early, _dead(records)) if finding]
    found = sorted(found, key=lambda finding: not finding.is_problem) or [_nothing(records)]
    above = _validation_above_training(records, config)
    return [*found, above] if above else found


def _guessing(config: RunConfig | None) -> float:
    """The cross-entropy of equal probabilities, of as many as there are classes."""
    return math.log(len((config.data if config else Data()).card.class_names))


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
    before = f" It was {losses[-1]:.3g} in the last point of the curve." if losses else ""
    return Finding(
        "diverged", f"Diverged: in {place}, the loss was no longer a number.{before} Resume with a lower learning rate."
    )


def _diverging(records: Records) -> Finding | None:
    points = _batches(_since_change(records))
    if len(points) < 3 * _STRETCH or _steps(points) < _STEPS:
        return None
    losses = [record["loss"] for record in points]
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


def _percent(value: float) -> str:
    """With two digits, however small."""
    return f"{value:.0%}" if value >= 1 else f"{100 * value:.2g}%"


def _present_loss(points: Records) -> float:
    return fmean(record["loss"] for record in points[-min(_STRETCH, max(1, len(points) // 4)) :])


def _rate_too_high(records: Records, guessing: float) -> Finding | None:
    points = _batches(_since_change(records))
    updates = [record["update"] for record in points if type(record.get("update")) is float]
    if len(updates) < 2 or _steps(points) < _STEPS:
        return None
    loss, largest, present = _present_loss(points), max(updates), median(updates[-_STRETCH:])
    many_dead = _largest_dead_share(records) >= _DEAD
    advice = f"Lower the learning rate{', and start again: many ReLUs are dead' * many_dead}."
    if present >= _LARGE:
        moved = f"each step moves the weights by {_percent(present)} of their length ({_USUAL})"
        return Finding("learning rate too high", f"Learning rate too high: {moved}. {advice}")
    no_better = loss >= guessing - 0.01
    leapt = largest >= _LEAP and loss >= guessing / 2
    jumped = no_better and max(record["loss"] for record in points) >= guessing + 1
    numb = no_better and (largest >= _LARGE or _largest_dead_share(records) >= 0.9)
    if present < _MOVING or not (leapt or jumped or numb):
        return None
    batches = points[-1]["epoch"] * points[-1]["steps"] + points[-1]["step"]
    than = f", no better than guessing ({guessing:.2f})" * no_better
    moved = f"single steps have moved the weights by up to {_percent(largest)} of their length ({_USUAL})"
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
        f"Learning rate too low: each step moves the weights by {_percent(present)} of their length ({_USUAL}), and "
        f"the training loss has only moved from {first:.2f} to {loss:.2f}. Raise it.",
    )


def _overfitting(records: Records, guessing: float) -> Finding | None:
    whole, best = _epochs(records), best_epoch(records)
    if best is None or whole[-1]["epoch"] - best < _AFTER:
        return None
    last, then = whole[-1], next(record for record in whole if record["epoch"] == best)
    if then["val_loss"] > 0.8 * guessing:  # it knew nothing yet; the means of batch normalisation may lag behind
        return None
    least = min(record["val_loss"] for record in whole[-_AFTER:])
    if least < 1.1 * then["val_loss"] or last["loss"] >= then["loss"]:
        return None
    if last["val_loss"] <= last["loss"]:  # with augmentation: nothing is learned by heart that is not known elsewhere
        return None
    risen = last["val_loss"] / max(then["val_loss"], 1e-9) - 1
    return Finding(
        "overfitting",
        f"Overfitting since epoch {best}: the validation loss has risen from {then['val_loss']:.3f} to "
        f"{last['val_loss']:.3f} ({risen:+.0%}), while the training loss fell from {then['loss']:.3f} to "
        f"{last['loss']:.3f}. Dropout, augmentation, more images or early stopping help.",
    )


def _lagging(records: Records, guessing: float) -> Finding | None:
    """The running means of batch normalisation, which only validation uses, may be far from those of the batches."""
    whole = _epochs(records)
    if not whole:
        return None
    last = whole[-1]
    if not (last["loss"] < 0.5 * guessing and last["val_loss"] > 0.8 * guessing):
        return None
    return Finding(
        "lagging means",
        f"The network has learned the training images (loss {last['loss']:.3f}), but on the validation images it is "
        f"hardly better than guessing ({last['val_loss']:.3f}). With batch normalisation, whose running means need a "
        "few dozen batches, this passes: more epochs, more images or smaller batches help.",
    )


def _gap(records: Records) -> Finding | None:
    """Overfitting may show in the accuracies long before the validation loss has risen for some epochs.

    A validation loss that still falls, as with the lagging means of batch normalisation, is not called that.
    """
    whole = _epochs(records)
    if len(whole) < 3 or any(record["accuracy"] - record["val_accuracy"] < _GAP for record in whole[-2:]):
        return None
    if whole[-1]["val_loss"] < 0.95 * min(record["val_loss"] for record in whole[:-1]):
        return None
    training, validation = whole[-1]["accuracy"], whole[-1]["val_accuracy"]
    return Finding(
        "overfitting",
        f"Overfitting: the training accuracy, {training:.1%}, is {100 * (training - validation):.0f} points above the "
        f"validation accuracy, {validation:.1%}. More images, augmentation, dropout or a smaller network help.",
    )


def _batches_seen(records: Records) -> int | None:
    """How many batches have been trained so far; None where only epochs were written down."""
    steps = next((record["steps"] for record in reversed(records) if record["kind"] != "epoch"), None)
    if steps is None:
        return None if _epochs(records) else 0
    whole = max((record["epoch"] * steps for record in _epochs(records)), default=0)
    return max([whole, *(record["epoch"] * steps + record["step"] for record in records if record["kind"] != "epoch")])


def _too_early(records: Records, active: bool) -> Finding | None:
    seen, epochs = _batches_seen(records), len(_epochs(records))
    if epochs and (seen is None or seen >= _STEPS):
        return None
    so_far = f"{seen or 0:,} batch{'es' * (seen != 1)} and {counted(epochs, 'whole epoch')} so far"
    longer = "" if active else " Train longer, or on more images."
    return Finding(
        "too early",
        f"Too early to tell: {so_far}. A diagnosis needs at least {_STEPS} batches and one whole epoch.{longer}",
        is_problem=False,
    )


def _underfitting(records: Records, config: RunConfig | None, active: bool) -> Finding | None:
    """Whether a network has learned less than it could: too little training, or too small a network."""
    last = _epochs(records)[-1]
    training, validation = last["accuracy"], last["val_accuracy"]
    simple = config and config.data.card.linear_accuracy
    so_far = f"after {counted(last['epoch'], 'epoch')}, training accuracy is {training:.1%} and validation accuracy "
    so_far += f"{validation:.1%}"
    if config and simple and max(training, validation) < simple:
        than = f"a linear classifier reaches {simple:.0%} on this dataset"
        if active:
            planned = f"{last['epoch']} of {counted(config.training.epochs, 'epoch')}"
            return Finding(
                "still learning",
                f"Still learning: after {planned}, validation accuracy is {validation:.1%}; {than}.",
                is_problem=False,
            )
        return Finding("underfitting", f"Underfitting: {so_far}; {than}. {_remedy(records, config)}")
    fall = _fall(records)
    at_its_best = best_epoch(records) == last["epoch"]
    if active or fall is None or fall < _FALL or not at_its_best or max(training, validation) > 1 - _LITTLE_LEFT:
        return None
    lowest = ", and the validation loss is at its lowest" if last["epoch"] > 1 else ""
    return Finding(
        "still improving",
        f"Still improving at the end: in the last {'epoch' if last['epoch'] > 1 else 'third of the epoch'}, the "
        f"training loss fell by {fall:.0%}{lowest}. Train longer.",
        is_problem=False,
    )


def _remedy(records: Records, config: RunConfig) -> str:
    """What helps against underfitting: more training, as long as that still has an effect."""
    fall, limit = _fall(records), config.data.limit
    anneals = config.training.schedule != "constant"  # its last epoch is flat by design
    every = config.data.card.training_images
    data = f"use more than {limit:,} images" if limit and (every is None or limit < every) else ""
    larger = "use a larger network"
    if fall is None or fall >= _FLAT or len(_epochs(records)) == 1 or anneals:
        return f"{_either('train longer', data, larger).capitalize()}."
    less = " and ".join(["dropout"] * _has_dropout(config) + ["augmentation"] * _is_augmented(config))
    ways = _either(larger, data, "use a higher learning rate", f"use less {less}" if less else "")
    return f"In the last epoch, the training loss fell by only {max(fall, 0.0):.1%}: {ways}."


def _either(*ways: str) -> str:
    """Those that are not empty: "one, two, or three"."""
    *before, last = [way for way in ways if way]
    return f"{', '.join(before)}{',' * (len(before) > 1)} or {last}"


def _fall(records: Records) -> float | None:
    """By which fraction the training loss fell in the last epoch; in the last third of the first. None if unknown."""
    whole = _epochs(records)
    if len(whole) > 1:
        before, now = whole[-2]["loss"], whole[-1]["loss"]
    else:
        losses = [record["loss"] for record in _batches(records) if record["epoch"] == 0]
        third = len(losses) // 3
        if third < 3:
            return None
        before, now = fmean(losses[-2 * third : -third]), fmean(losses[-third:])
    return 1 - now / before if before > 0 else None


def _nothing(records: Records) -> Finding:
    last = _epochs(records)[-1]
    return Finding(
        "no problem",
        f"No problems found after {counted(last['epoch'], 'epoch')}: training accuracy {last['accuracy']:.1%}, "
        f"validation accuracy {last['val_accuracy']:.1%}. The loss does not diverge, the network does not overfit, few "
        "ReLUs are dead, and the learning rate is neither too high nor too low.",
        is_problem=False,
    )


_AUGMENTATION = (
    "flip",
    "shift",
    "random_affine",
    "random_erasing",
    "random_crop",
    "colour_jitter",
    "mixup",
    "style_augmentation",
    "outlier_exposure",
    "own_images",
)


def _is_augmented(config: RunConfig | None) -> bool:
    return config is not None and any(getattr(config.data, way) for way in _AUGMENTATION)


def _has_dropout(config: RunConfig | None) -> bool:
    return config is not None and any(isinstance(layer, Dropout) for layer in config.layers)


def _validation_above_training(records: Records, config: RunConfig | None) -> Finding | None:
    """The network does better on what it has not seen: newcomers take that for a mistake."""
    whole = _epochs(records)
    if not whole or whole[-1]["val_accuracy"] - whole[-1]["accuracy"] < _ABOVE:
        return None
    training, validation = whole[-1]["accuracy"], whole[-1]["val_accuracy"]
    why = ["augmentation makes the training images harder"] * _is_augmented(config)
    why += ["dropout is off in validation"] * _has_dropout(config)
    why += ["training accuracy is a mean over the epoch, during which the network improved"]
    return Finding(
        "validation above training",
        f"Validation accuracy, {validation:.1%}, is above training accuracy, {training:.1%}. That is normal: "
        f"{'; '.join(why)}.",
        is_problem=False,
    )


def _dead(records: Records) -> Finding | None:
    many = {layer: share for layer, share in _dead_shares(records).items() if share >= _DEAD}
    if not many:
        return None
    shares = ", ".join(f"{share:.0%} of the units of {layer}" for layer, share in many.items())
    return Finding(
        "dead ReLUs",
        f"Dead ReLUs: {shares} are zero for every image that was tried after the last epoch, and no longer learn. "
        "Start again with a lower learning rate.",
    )


def _dead_shares(records: Records) -> dict[str, float]:
    whole = _epochs(records)
    shares = whole[-1].get("dead") if whole else None
    return shares if isinstance(shares, dict) else {}


def _largest_dead_share(records: Records) -> float:
    return max(_dead_shares(records).values(), default=0.0)

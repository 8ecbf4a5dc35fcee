"""What a network predicts of every image of a split: measured once, kept with the run, and all that follows from it.

Everything that is said about a run's predictions (rates, curves, mistakes, comparisons, reports) is computed from these
arrays. Knows no image once they are measured.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, get_args

import numpy as np

from cnn import data, runs
from cnn.errors import AtelierError
from cnn.networks.batch_size import images_at_once
from cnn.networks.predictor import energy, tempered
from cnn.runs import Run

SplitName = Literal["test", "validation"]
SPLITS: tuple[SplitName, ...] = get_args(SplitName)
_BATCH = 250  # images of a forward pass, at most: short enough for a Stop button to react


class NotANumber(AtelierError, ArithmeticError):
    """A network predicts infinities or NaN."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """A network's logits for every image of a split, in the split's order.

    Attributes:
        split: which images.
        labels: int (n,), the true classes.
        logits: float32 (n, classes), before the softmax, in a single forward pass.
        class_names: of the labels.
        penalty: what L2 weight decay adds to the loss.
    """

    split: SplitName
    labels: np.ndarray
    logits: np.ndarray
    class_names: tuple[str, ...] = field(default=(), repr=False)
    penalty: float = 0.0

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def probabilities(self) -> np.ndarray:
        """float64 (n, classes): the softmax of the logits."""
        exponentials = np.exp(self._from_highest)
        return exponentials / exponentials.sum(axis=1, keepdims=True)

    @cached_property
    def predicted(self) -> np.ndarray:
        """int (n,): the most probable class."""
        return self.logits.argmax(axis=1)

    @cached_property
    def confidence(self) -> np.ndarray:
        """float (n,): the probability of the predicted class."""
        return self.probabilities.max(axis=1)

    @cached_property
    def right(self) -> np.ndarray:
        """bool (n,): whether the predicted class is the true one."""
        return self.predicted == self.labels

    @cached_property
    def losses(self) -> np.ndarray:
        """float (n,): the cross-entropy of each image in nats. From the logits: a probability may have become 0."""
        logits = self._from_highest
        return np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(self)), self.labels]

    @cached_property
    def entropy(self) -> np.ndarray:
        """float (n,): the entropy of the probabilities in nats, from 0 (one class) to the log of the classes."""
        return -(self.probabilities * np.log(np.maximum(self.probabilities, 1e-300))).sum(axis=1)

    @cached_property
    def familiarity(self) -> np.ndarray:
        """float (n,): see `cnn.networks.predictor.energy`."""
        return energy(self.logits)

    @property
    def accuracy(self) -> float:
        """In [0, 1]."""
        return float(self.right.mean())

    @property
    def loss(self) -> float:
        """The loss of `keras.Model.evaluate`: the mean cross-entropy and the penalties of the weights."""
        return float(self.losses.mean()) + self.penalty

    def at_temperature(self, divisor: float) -> np.ndarray:
        """The probabilities with the logits divided by a temperature, float64 (n, classes)."""
        return tempered(self.probabilities, divisor)

    @cached_property
    def _from_highest(self) -> np.ndarray:
        """The logits less the highest of each image, so that no exponential overflows."""
        logits = self.logits.astype(np.float64)
        return logits - logits.max(axis=1, keepdims=True)


def measuring(
    model, split: data.Split, name: SplitName = "test", class_names: tuple[str, ...] = ()
) -> Generator[float, None, Predictions]:
    """Measure a network on all images of a split; yields the fraction that is done, in [0, 1].

    Args:
        model: with a dense output layer of one unit a class, as `cnn.networks.load` returns it.
        split: images and labels. name: which split it is. class_names: of the labels.
    """
    from cnn.networks.load import logits, with_features

    both, count, found = with_features(model), len(split.labels), []
    at_once = images_at_once(model, _BATCH)
    for start in range(0, count, at_once):
        _, features = both.predict_on_batch(data.scaled(split.images[start : start + at_once]))
        found.append(logits(model, np.asarray(features)))
        yield min(1.0, (start + at_once) / count)
    penalty = float(sum(map(float, model.losses)))
    return Predictions(name, np.asarray(split.labels, np.int64), np.concatenate(found), class_names, penalty)


def measure(model, split: data.Split, name: SplitName = "test", class_names: tuple[str, ...] = ()) -> Predictions:
    """As `measuring`, at once."""
    return _finished(measuring(model, split, name, class_names))


def _finished(steps: Generator[float, None, Predictions]) -> Predictions:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def images_of(run: Run, name: SplitName) -> data.Split:
    """The images and labels that a run is measured on.

    Raises:
        DataUnavailable: the dataset can be neither found nor downloaded.
    """
    return getattr(data.load(run.config.data), name)


def keep(run: Run, predictions: Predictions, since: tuple[str, int] | None = None) -> None:
    """Keep what was measured with the run, until its network changes; `since` is that of `cnn.runs.write_found`."""
    runs.write_found(
        run,
        f"predictions-{predictions.split}",
        since,
        labels=predictions.labels,
        logits=predictions.logits,
        penalty=np.array(predictions.penalty),
    )


def kept(run: Run, name: SplitName) -> Predictions | None:
    """What was measured before; None where nothing was, or the network has changed since."""
    found = runs.read_found(run, f"predictions-{name}")
    classes = run.config.data.card.class_names
    if found is None or not {"labels", "logits", "penalty"} <= set(found):
        return None
    labels, logits, penalty = found["labels"], found["logits"], found["penalty"]
    fits = labels.ndim == 1 and len(labels) and logits.shape == (len(labels), len(classes))
    if not fits or labels.min() < 0 or labels.max() >= len(classes):
        return None
    return Predictions(name, labels, logits, classes, float(penalty))


def measuring_run(run: Run, name: SplitName) -> Generator[float, None, Predictions]:
    """What a run predicts of a split: kept from before, else measured now and kept; yields the fraction that is done.

    Raises:
        DataUnavailable: the dataset is not here. UnreadableModel: the run has no network. NotANumber: it has diverged.
    """
    if (before := kept(run, name)) is not None:
        return before
    from cnn.networks.load import load

    since = run.network_key if run.has_model else None  # without a network, `load` says so
    model, images = load(run), images_of(run, name)
    found = yield from measuring(model, images, name, run.config.data.card.class_names)
    if not np.isfinite(found.logits).all():
        raise NotANumber(f"{run.name} predicts values that are no numbers: its training diverged. Train it again.")
    keep(run, found, since)
    return found


def of_run(run: Run, name: SplitName = "test") -> Predictions:
    """As `measuring_run`, at once."""
    return _finished(measuring_run(run, name))


def keep_temperature(run: Run, divisor: float) -> None:
    """Keep the temperature that was fitted on the validation images with the run, until its network changes."""
    runs.write_found(run, "temperature", divisor=np.array(divisor))


def kept_temperature(run: Run) -> float | None:
    """The temperature that was fitted before; None where none was."""
    found = runs.read_found(run, "temperature")
    return float(found["divisor"]) if found and found.get("divisor", np.zeros(1)).shape == () else None

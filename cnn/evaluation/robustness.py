"""How a network's accuracy falls as its test images are made harder, measured once and kept with the run.

What is measured is the predicted class and the probability of the true one, for every image, corruption and strength;
all else follows from these arrays. Draws nothing. The corruptions themselves are in `cnn.evaluation.corruptions`.
"""

import hashlib
import time
from collections.abc import Generator
from dataclasses import dataclass, field

import numpy as np

from cnn import data, runs
from cnn.evaluation import pixels
from cnn.evaluation.corruptions import CORRUPTIONS, STRENGTHS, corrupted, keys
from cnn.networks.batch_size import images_at_once
from cnn.runs import Run

_NAME = "robustness"  # of what is kept with the run
_BATCH = 250  # images of a forward pass, at most: short enough for a Stop button to react


@dataclass(frozen=True, eq=False)
class Answers:
    """What a network predicts of some images at one or more strengths.

    predicted: int (s, n), the most probable class. truth: float32 (s, n), the probability of the true class.
    """

    predicted: np.ndarray
    truth: np.ndarray

    def first(self, count: int) -> "Answers":
        return Answers(self.predicted[:, :count], self.truth[:, :count])


@dataclass(frozen=True, eq=False)
class Robustness:
    """What was measured of a run so far. Images stand in the order of `sample`, so that a larger sample goes on.

    Attributes:
        labels: int (n,), the true classes of the first n images of the order.
        clean: of the images as they are, (1, n).
        found: by the name of a corruption, those that are measured on all n images, (STRENGTHS, n).
    """

    labels: np.ndarray
    clean: Answers
    found: dict[str, Answers] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def is_whole(self) -> bool:
        return set(self.found) == set(CORRUPTIONS)

    def right(self, corruption: str) -> np.ndarray:
        """How many images are right at each strength, from 0 on: int (STRENGTHS + 1,)."""
        predicted = np.concatenate([self.clean.predicted, self.found[corruption].predicted])
        return (predicted == self.labels).sum(axis=1)

    def mean_accuracy(self, *corruptions: str) -> float:
        """Over all strengths from 1 on of these corruptions, or of all that are measured, each counting the same."""
        return float(np.mean([self.right(name)[1:].mean() for name in corruptions or self.found])) / len(self)

    @property
    def clean_accuracy(self) -> float:
        """Of the images as they are, in [0, 1]."""
        return float((self.clean.predicted[0] == self.labels).mean())

    def flips(self, corruption: str) -> tuple[np.ndarray, np.ndarray]:
        """The images that are right as they are and wrong at some strength, those that flip first in front.

        Returns:
            Their places in the sample (m,), and the lowest strength at which each is wrong (m,), rising. Among equals,
            the image whose true class has the least probability there comes first.
        """
        answers = self.found[corruption]
        wrong = answers.predicted != self.labels
        right_before = self.clean.predicted[0] == self.labels
        places = np.flatnonzero(right_before & wrong.any(axis=0))
        first = wrong[:, places].argmax(axis=0)
        order = np.lexsort((answers.truth[first, places], first))
        return places[order], first[order] + 1


def sample(images: np.ndarray) -> np.ndarray:
    """The order in which images uint8 (n, ...) are taken: by a hash of their pixels, the same for every run. int (n,).

    The first 500 of the first 2,000 are the first 500.
    """
    return pixels.once("sample", images, lambda all_: np.argsort(keys(all_), kind="stable"))


def kept(run: Run, split: data.Split, count: int) -> Robustness | None:
    """What was measured of a run on the first `count` images of the sample; None where that is not even begun."""
    stored = _stored(run, split)
    if stored is None or _done(stored, "clean") < count:
        return None
    return _of(stored, count)


def most_kept(run: Run, split: data.Split) -> int:
    """On how many images something is measured already; 0 where nothing is."""
    stored = _stored(run, split)
    return 0 if stored is None else max(_done(stored, name) for name in CORRUPTIONS)


def measuring(run: Run, model, split: data.Split, count: int) -> Generator[float, None, Robustness]:
    """Measure a run on the first `count` images of the sample; yields the fraction that is done, in [0, 1].

    What is there from before, of however many images, is not computed again. Each corruption is kept with the run as
    soon as it is finished, so that whoever stops goes on from there.

    Args:
        run: the run. model: its network, as `cnn.networks.load` returns it.
        split: the images and labels, uint8 (n, h, w[, c]) and (n,). count: at most n.

    Raises:
        NetworkChanged: a training has written another network meanwhile. OSError: the run is gone.
    """
    since = run.network_key
    order = sample(split.images)[:count]
    labels, at_once = np.asarray(split.labels, np.int64)[order], images_at_once(model, _BATCH)
    stored = _stored(run, split) or {}
    if len(stored.get("labels", ())) < count:
        stored["labels"] = labels
    names = ["clean", *CORRUPTIONS]
    left = {name: count - min(count, _done(stored, name)) for name in names}
    passes = {name: left[name] * (1 if name == "clean" else STRENGTHS) for name in names}
    total, done = max(1, sum(passes.values())), 0
    for name in names:
        if not left[name]:
            continue
        start = count - left[name]
        parts = [_answers(stored, name)] if start else []
        for begin in range(start, count, at_once):
            part = slice(begin, min(begin + at_once, count))
            images, at_strengths = split.images[order[part]], []
            for strength in (0,) if name == "clean" else range(1, STRENGTHS + 1):
                made = images if strength == 0 else corrupted(images, CORRUPTIONS[name], strength)
                probabilities = _predict(model, made)
                truth = probabilities[np.arange(len(made)), labels[part]]
                at_strengths.append((probabilities.argmax(axis=1), truth))
                done += len(made)
                yield done / total
            parts.append(Answers(*(np.stack(column) for column in zip(*at_strengths, strict=True))))
        for what in ("predicted", "truth"):
            stored[f"{name}-{what}"] = np.concatenate([getattr(part, what) for part in parts], axis=1)
        runs.require_unchanged(run, since)  # or answers of two networks would stand side by side
        _write(run, split, stored, since)
    return _of(stored, count)


def seconds_an_image(model, images: np.ndarray) -> float:
    """How long one image takes here at one strength of a corruption, on average: a batch of each corruption is tried.

    Args:
        images: some tens, uint8 (n, h, w[, c]); of large ones as many as are predicted at once.
    """
    images = images[: images_at_once(model, len(images))]
    _predict(model, images)  # the first pass builds the graph
    begin = time.perf_counter()
    for corruption in CORRUPTIONS.values():
        _predict(model, corrupted(images, corruption, 3))
    return (time.perf_counter() - begin) / (len(CORRUPTIONS) * len(images))


def left_to_do(run: Run, split: data.Split, count: int) -> int:
    """How many forward passes of one image `measuring` would make."""
    stored = _stored(run, split) or {}
    return sum(
        (count - min(count, _done(stored, name))) * (1 if name == "clean" else STRENGTHS)
        for name in ("clean", *CORRUPTIONS)
    )


# --- what is kept -----------------------------------------------------------------------------------------------


def _stored(run: Run, split: data.Split) -> dict[str, np.ndarray] | None:
    """The arrays beside the run, if they are of these images; all in the order of the sample."""
    stored = runs.read_found(run, _NAME)
    return stored if stored is not None and str(stored.get("images")) == _digest(split) else None


def _write(run: Run, split: data.Split, stored: dict[str, np.ndarray], since: tuple[str, int]) -> None:
    runs.write_found(run, _NAME, since, **{**stored, "images": np.array(_digest(split))})


def _digest(split: data.Split) -> str:
    """Tells datasets apart, and versions of the corruptions."""
    amounts = repr([(name, one.amounts) for name, one in CORRUPTIONS.items()]).encode()
    return hashlib.sha256(pixels.digest(split.images).encode() + split.labels.tobytes() + amounts).hexdigest()


def _done(stored: dict[str, np.ndarray], name: str) -> int:
    """Images of the sample that are measured."""
    both = [stored.get(f"{name}-{what}") for what in ("predicted", "truth")]
    return 0 if any(one is None or one.ndim != 2 for one in both) else both[0].shape[1]


def _answers(stored: dict[str, np.ndarray], name: str) -> Answers:
    return Answers(stored[f"{name}-predicted"], stored[f"{name}-truth"])


def _of(stored: dict[str, np.ndarray], count: int) -> Robustness:
    whole = {name: _answers(stored, name).first(count) for name in CORRUPTIONS if _done(stored, name) >= count}
    return Robustness(stored["labels"][:count], _answers(stored, "clean").first(count), whole)


def _predict(model, images: np.ndarray) -> np.ndarray:
    """Images uint8 (n, h, w) or (n, h, w, c) -> probabilities float32 (n, classes)."""
    return np.asarray(model.predict_on_batch(data.scaled(images)))

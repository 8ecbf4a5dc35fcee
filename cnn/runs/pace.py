"""How quickly a training learns: when it first reached an accuracy, and which other runs it is measured against.

Times are seconds of training as metrics.jsonl has them: without the queue, loading, and the test at the end. Which
machine they were measured on is not known here. Draws nothing.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from cnn.config import RunConfig, presets
from cnn.runs.run import Run

Records = list[dict[str, Any]]

_OTHERS = 5  # thin lines, at most; more would hide the one that matters


class Baselines(NamedTuple):
    """The runs that another is measured against."""

    lecture: Run | None  # the network of the lecture, trained as there
    others: tuple[Run, ...]


def baselines(run: Run, listed: Sequence[Run]) -> Baselines:
    """The finished runs on the same dataset: the lecture's network, and the newest one of each preset.

    Args:
        run: the run that is looked at; never its own rival.
        listed: all runs as `cnn.runs.listed` has them. A run made here goes before the one that came with the
            program, whose times are those of another machine.
    """
    if run.config is None:
        return Baselines(None, ())
    dataset = run.config.data.dataset
    comparable = [r for r in listed if r.state == "finished" and r.config and r.config.data.dataset == dataset]
    comparable = [other for other in comparable if other.id != run.id]
    lecture = next((other for other in comparable if is_lecture(other.config)), None)
    newest: dict[str | None, Run] = {}
    for other in comparable:
        if not is_lecture(other.config):
            newest.setdefault(other.config.preset, other)
    return Baselines(lecture, tuple(newest.values())[:_OTHERS])


def is_lecture(config: RunConfig) -> bool:
    """Whether this trains the lecture's network as the lecture does, on all images; any seed and any dataset."""
    lecture = presets()["lecture"]
    data = config.data.model_copy(update={"dataset": lecture.data.dataset})
    free = {"seed": lecture.training.seed, "tensorboard": lecture.training.tensorboard}
    training = config.training.model_copy(update=free)
    return (data, config.layers, training) == (lecture.data, lecture.layers, lecture.training)


def timed_epochs(records: Records) -> Records:
    """The whole epochs that tell when they ended, in seconds of training above 0."""
    return [record for record in records if record["kind"] == "epoch" and _is_time(record.get("seconds"))]


def _is_time(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and value > 0


def reached(epochs: Records, accuracy: float) -> float | None:
    """Seconds of training until the validation accuracy first was at least this; None where it never was."""
    return next((record["seconds"] for record in epochs if record["val_accuracy"] >= accuracy), None)

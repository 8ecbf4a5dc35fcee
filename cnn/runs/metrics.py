"""The curves of a run: the lines of metrics.jsonl, and the summary that a list of runs shows."""

import math
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from cnn.runs.files import Version, checked, json_objects, unless_unsettled, version_of, write_json
from cnn.runs.run import CURVE_POINTS, Run, Summary


def read_metrics(run: Run) -> list[dict[str, Any]]:
    """Every whole line of metrics.jsonl; lines that are half-written or not JSON objects are passed over."""
    try:
        content = (run.path / "metrics.jsonl").read_bytes()
    except OSError:
        return []
    return [record for record in json_objects(content) if _is_metric(record)]


_METRICS = {
    "batch": ("epoch", "step", "steps", "loss", "accuracy"),
    "epoch": ("epoch", "loss", "accuracy", "val_loss", "val_accuracy"),
    "event": ("epoch", "step", "steps"),  # and "what": somebody paused it, changed the learning rate, ...
}


def _is_metric(record: dict[str, Any]) -> bool:
    """Whether a line holds all the finite numbers that its kind promises."""
    names = _METRICS.get(str(record.get("kind")))
    if names is None:
        return False
    values = [record.get(name) for name in names]
    if not all(type(value) in (int, float) and math.isfinite(value) for value in values):
        return False
    if record["kind"] == "event" and not isinstance(record.get("what"), str):
        return False
    return record["kind"] == "epoch" or record["steps"] > 0


def summary(run: Run) -> Summary:
    """The summary that the trainer left; where there is none, as in runs of an older version, that of the metrics."""
    if run.stored_summary is not None:
        return run.stored_summary
    try:
        version = version_of((run.path / "metrics.jsonl").stat())
    except OSError:
        return Summary()
    return unless_unsettled(_summarised, [version])(run.path, version)


def validation_curve(run: Run) -> tuple[float, ...]:
    """The accuracy on the validation images after each whole epoch of a run, in [0, 1]."""
    accuracies = [float(record["val_accuracy"]) for record in _epochs(run.path)]
    return tuple(accuracy for accuracy in accuracies if 0 <= accuracy <= 1)


def _epochs(path: Path) -> list[dict[str, Any]]:
    """The metrics of whole epochs. Most lines are of batches: those are not even parsed."""
    try:
        lines = (path / "metrics.jsonl").read_bytes().splitlines()
    except OSError:
        return []
    records = json_objects(b"\n".join(line for line in lines if b'"val_accuracy"' in line))
    return [record for record in records if _is_metric(record) and record["kind"] == "epoch"]


@lru_cache(maxsize=4096)
def _summarised(path: Path, version: Version | None = None) -> Summary:
    """The summary of a run's metrics."""
    epochs = _epochs(path)
    if not epochs:
        return Summary()
    curve = [float(record["val_accuracy"]) for record in epochs]
    best = curve.index(max(curve))
    chosen = [round(place) for place in np.linspace(0, len(curve) - 1, min(len(curve), CURVE_POINTS))]
    values = {
        "epoch": epochs[-1]["epoch"],
        "best_epoch": epochs[best]["epoch"],
        "best_accuracy": curve[best],
        "accuracy": curve[-1],
        "loss": float(epochs[-1]["val_loss"]),
        "curve": [curve[place] for place in chosen],
    }
    return checked(Summary, values) or Summary()


def write_summary(path: Path) -> None:
    """Bring summary.json up to the metrics. For the trainer, after each epoch."""
    write_json(path / "summary.json", asdict(_summarised.__wrapped__(path)))


def learning_rate_changes(records: list[dict[str, Any]]) -> list[tuple[int, int, float]]:
    """The changes of the learning rate made by hand, as a training replays them: (epoch, step, factor on the schedule).

    Each holds once `step` steps of the epoch (counted from 0) are done. The records stand in the order in which they
    were made: who changes the rate of a resumed run before an earlier change has come up again takes that one back.
    """
    changes: list[tuple[int, int, float]] = []
    for record in records:
        if record["kind"] == "event" and record["what"] == "learning rate" and type(record.get("factor")) is float:
            place = (record["epoch"], record["step"])
            changes = [change for change in changes if change[:2] <= place] + [(*place, record["factor"])]
    return changes

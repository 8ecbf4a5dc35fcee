"""What people ask of a trainer through files: stop, pause, continue, one step, another learning rate."""

import json
from pathlib import Path
from typing import Any, Literal

from cnn.runs.directory import check_own
from cnn.runs.files import json_objects
from cnn.runs.run import Run


def request_stop(run: Run) -> None:
    """Ask the trainer to stop after the batch that it is working on."""
    check_own(run)
    (run.path / "stop").touch()


Request = Literal["pause", "continue", "step", "learning rate"]


def ask(run: Run, what: Request, value: float | None = None) -> None:
    """Ask the trainer for something. It answers after its present batch, by an event in the run's metrics.

    Args:
        run: a run in training, or one that is about to be.
        what: "step" trains one batch and pauses again; "learning rate" goes on at `value` from there.
        value: the learning rate, above 0.
    """
    check_own(run)
    with (run.path / "requests.jsonl").open("a", encoding="utf-8") as file:  # short lines are appended whole
        file.write(json.dumps({"what": what, "value": value}) + "\n")


def read_requests(path: Path, start: int) -> tuple[list[dict[str, Any]], int]:
    """The requests from byte `start` on, and where the next ones will begin."""
    try:
        with (path / "requests.jsonl").open("rb") as file:
            file.seek(start)
            whole = file.read().rpartition(b"\n")[0]
    except OSError:
        return [], start
    return json_objects(whole), start + len(whole) + bool(whole)


def forget_requests(path: Path) -> None:
    """What was asked of an earlier session does not count for the next one."""
    for name in ("stop", "requests.jsonl"):
        (path / name).unlink(missing_ok=True)

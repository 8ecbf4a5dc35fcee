"""The queue of runs: how a run is put into it, and how one is closed whose process cannot do that itself.

Several dashboards may start, stop and close the same run at the same time; here one comes after the other. Knows
neither processes nor clusters, only the run directory.
"""

import contextlib
import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from filelock import FileLock, Timeout

from cnn.errors import AtelierError, Stopped
from cnn.runs.directory import read
from cnn.runs.requests import forget_requests
from cnn.runs.run import Run, RunExists
from cnn.runs.status import RESUMABLE, State, Status, closed, signed, write_status

_PATIENCE = 5.0  # seconds until a start gives way to another


class Unreachable(AtelierError, RuntimeError):
    """Nothing can be trained where runs are to be trained; the message says why and what to do."""


@dataclass(frozen=True)
class Place:
    """Where runs are trained, as it was a few seconds ago.

    name: "this machine", or which cluster. text: how full it is, in sentences. problem: why nothing can be started
    there, and what to do; empty if something can. takes_turns: whether a run waits for every run before it.
    """

    name: str
    text: str = ""
    problem: str = ""
    takes_turns: bool = True


def enter(run: Run, message: str, job: str | None = None) -> Run:
    """Queue a new run, or a stopped, failed or interrupted one to be resumed. Returns it as it was before.

    Args:
        run: whose configuration can be trained.
        message: what it waits for.
        job: the job of a cluster that will train it; None for a process on this machine.

    Raises:
        RunExists: it is of another kind.
        OSError: its folder cannot be written; it is as it was.
    """
    if run.shipped or run.config is None:
        raise RunExists(f"{run.name} cannot be trained. {run.problem or 'It comes with the project.'}")
    with _alone(run):
        run = read(run.path)  # it may have changed since the page was drawn
        is_new = run.state == "queued" and run.status.pid is None and not run.status.message
        if not is_new and run.state not in RESUMABLE:
            raise RunExists(f"{run.name} is {run.state} and cannot be started.")
        (run.path / "log.txt").open("ab").close()  # where that is impossible, nothing has been changed yet
        forget_requests(run.path)
        status = replace(closed(run.status, "queued", message), created=time.time(), job=job)
        write_status(run.path, status)
        return run


def hand_over(run: Run, job: str, to: str) -> bool:
    """Let another job train a run that waits for one. Returns whether it still waited for that one."""
    with _alone(run):
        status = read(run.path).status
        if status.job != job or status.pid is not None:
            return False
        write_status(run.path, replace(status, job=to, heartbeat=time.time()))
        return True


def close(run: Run, job: str, state: State, message: str) -> bool:
    """Say how a run has ended whose job cannot say it. Returns whether it was still the run's job."""
    with _alone(run):
        status = read(run.path).status
        if status.job != job:  # it has ended by itself, or was given to another
            return False
        write_status(run.path, closed(status, state, message))
        return True


@contextlib.contextmanager
def _alone(run: Run) -> Iterator[None]:
    try:
        with FileLock(run.path.parent / ".starting.lock", timeout=_PATIENCE):
            yield
    except Timeout:
        raise RunExists("Another window is just starting a run and does not get on: try again.") from None


_POLL = 0.5  # seconds between two looks at the queue
_BEATS = 60  # looks between two signs of life while waiting


@contextmanager
def turn(run: Run, status: Status):
    """Hold the one training place of the runs folder; wait for it in the order in which runs were queued."""
    place = FileLock(run.path.parent / ".training.lock")
    status = signed(status, "queued", "Waiting for its turn")
    write_status(run.path, status)
    told = False
    for look in itertools.count(1):
        try:
            place.acquire(timeout=0)
            if not _older_in_queue(run, status):
                break
            place.release()
        except Timeout:
            pass
        if look % _BEATS == 0:
            write_status(run.path, signed(status, "queued", "Waiting for its turn"))
        if not told:
            told = True
            print("Another run is in training: waiting for its turn.", flush=True)
        if (run.path / "stop").exists():
            raise Stopped
        time.sleep(_POLL)
    try:
        yield
    finally:
        place.release()


def _older_in_queue(run: Run, status: Status) -> bool:
    mine = (status.created, run.id)
    siblings = [read(path) for path in run.path.parent.iterdir() if (path / "status.json").exists()]
    here = [r for r in siblings if r.state == "queued" and r.id != run.id and r.status.job is None]
    return any((r.status.created, r.id) < mine for r in here)

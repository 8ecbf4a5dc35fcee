"""Where a run stands, whether its process still lives, and how a process signs and closes it."""

import json
import socket
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import psutil
from pydantic import ConfigDict, Field, NonNegativeInt, PositiveInt
from pydantic.dataclasses import dataclass as pydantic_dataclass

from cnn.runs.files import write_json

State = Literal["queued", "starting", "training", "paused", "finished", "stopped", "failed", "interrupted", "damaged"]
ACTIVE: tuple[State, ...] = ("queued", "starting", "training", "paused")
Seconds = Annotated[float, Field(ge=0, le=1e11)]
RESUMABLE: tuple[State, ...] = ("stopped", "failed", "interrupted")
_LAUNCH_GRACE = 20.0  # seconds that a new process may take until it writes its own status
HANGS = 120.0  # seconds without a heartbeat after which a living process is thought to hang
_SILENCE = 180.0  # seconds without a heartbeat after which a run on another machine counts as dead


@pydantic_dataclass(frozen=True, config=ConfigDict(strict=True, extra="forbid", allow_inf_nan=False))
class Status:
    """Where a run stands. Steps count from 1 within an epoch, epochs completed from 0; times in seconds."""

    state: State
    message: str = ""
    created: Seconds = 0.0  # when it was last put into the queue, which is served in this order
    heartbeat: Seconds = 0.0
    pid: PositiveInt | None = None
    pid_created: float | None = None  # since the start of the system
    host: str | None = None
    job: Annotated[str, Field(max_length=200)] | None = None  # of a cluster that trains it, or is to
    epoch: NonNegativeInt = 0  # whole epochs that are trained and saved
    step: NonNegativeInt = 0  # of the epoch now in training
    steps: NonNegativeInt = 0  # in an epoch
    images_per_second: Seconds | None = None
    seconds_left: Seconds | None = None
    learning_rate: Annotated[float, Field(ge=0)] | None = None  # of the last step
    seconds: Seconds = 0.0  # spent training, over all sessions of the run
    devices: str = ""
    precision: str = ""  # that its training computes in
    precision_trial: str = ""  # what was found when it was chosen by a trial
    waiting: Annotated[float, Field(ge=0, le=1)] | None = None  # share of the time in an epoch's batches, for data


Share = Annotated[float, Field(ge=0, le=1)]


def is_alive(status: Status) -> bool:
    """Whether the process that wrote this status still runs. A reused process id or a zombie does not count."""
    silence = abs(time.time() - status.heartbeat)  # a clock that was set back must not keep a dead run alive
    if status.pid is None:
        # A job may wait in its cluster for hours: only who can ask the cluster knows that it is gone.
        return status.job is not None or silence < _LAUNCH_GRACE
    if not is_here(status):
        return silence < _SILENCE
    try:
        process = psutil.Process(status.pid)
        same = status.pid_created is None or abs(since_boot(process) - status.pid_created) < 2.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def since_boot(process: psutil.Process) -> float:
    """Seconds from the start of the system to that of a process: setting the clock does not change them."""
    return process.create_time() - psutil.boot_time()


def is_here(status: Status) -> bool:
    """Whether the process that wrote this status ran on this machine."""
    return status.host == socket.gethostname()


def write_status(path: Path, status: Status) -> None:
    write_json(path / "status.json", _known(status))


def overwrite_status(path: Path, status: Status) -> None:
    """Write a status into the file that is there, for a full disk: it takes no space, but may be seen half."""
    with (path / "status.json").open("r+b") as file:
        file.write(json.dumps(_known(status)).encode())
        file.truncate()


def _known(status: Status) -> dict[str, Any]:
    return {key: value for key, value in asdict(status).items() if value is not None}


def signed(status: Status, state: State, message: str = "") -> Status:
    """The status with this process's name on it, by which others can tell whether it still runs."""
    me = psutil.Process()
    process = {"pid": me.pid, "pid_created": since_boot(me), "host": socket.gethostname()}
    return replace(status, state=state, message=message, heartbeat=time.time(), **process)


def closed(status: Status, state: State, message: str = "") -> Status:
    """The last status that a process writes; it names no process and no job any more."""
    process = {"pid": None, "pid_created": None, "host": None, "job": None}
    pace = {"images_per_second": None, "seconds_left": None}
    return replace(status, state=state, message=message, heartbeat=time.time(), **process, **pace)

"""What a process of its own measures beside the runs: starting, stopping and reading it, and what that process says.

    FOLDER/
      config.json      the RunConfig of the networks that it trains
      status.json      as of a run: state, process, progress; all steps are done once it has ended by itself
      stop             exists once somebody has asked it to stop
      log.txt          what its process printed

What is measured stays beside these files, in a form of its own. No run is ever changed.
"""

import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from cnn.config import RunConfig
from cnn.errors import Stopped
from cnn.runs import directory, launchers
from cnn.runs.files import write_json
from cnn.runs.status import Status, closed, signed, write_status
from cnn.runs.worker import close, complain, failure

State = Literal["new", "starting", "training", "finished", "stopped", "failed", "interrupted"]
_BEAT = 0.5  # seconds between two reports of progress


@dataclass(frozen=True)
class Progress:
    """A measurement as it was when it was read.

    share: how much is done, in [0, 1]. message: what goes on, or how it ended, in a sentence. seconds_left: None until
    it is known.
    """

    state: State
    share: float = 0.0
    message: str = ""
    seconds_left: float | None = None

    @property
    def active(self) -> bool:
        return self.state in ("starting", "training")


def start(folder: Path, module: str, config: RunConfig) -> None:
    """Start `python -m MODULE FOLDER`, or go on with it; does nothing where it is going.

    Raises:
        OSError: the folder cannot be written.
    """
    if read(folder).active:
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stop").unlink(missing_ok=True)
    write_json(folder / "config.json", config.model_dump(mode="json"))
    write_status(folder, Status("starting", "Loading TensorFlow", heartbeat=time.time()))
    launchers.spawn(module, folder)


def stop(folder: Path) -> None:
    """Ask it to end soon; what is measured stays."""
    with contextlib.suppress(OSError):
        (folder / "stop").touch()


def read(folder: Path, finished: bool | None = None) -> Progress:
    """How far it is; new where there is no folder. Never raises for what is in it.

    Args:
        finished: whether all that is measured is there, where its files tell; None: as the status has it.
    """
    if not folder.is_dir():
        return Progress("new")
    run = directory.read(folder)  # it has the files that tell how a process does
    status, share = run.status, min(1.0, run.status.step / max(1, run.status.steps))
    if finished or (finished is None and run.state == "stopped" and share >= 1):
        return Progress("finished", 1.0, status.message)
    match run.state:
        case "starting" | "training" | "stopped" | "failed" as state:
            return Progress(state, share, status.message, status.seconds_left)
        case "interrupted":
            return Progress("interrupted", share, "Its process is gone: killed, or out of memory.")
    return Progress("failed", share, run.problem or "Its status cannot be read.")


# --- in the process ---------------------------------------------------------------------------------------------


class Reporter:
    """Writes the status of a measurement. Whatever it is told, it raises `Stopped` once somebody has asked for that."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._status = Status("starting")
        self._told = -math.inf

    def _heed_stop(self) -> None:
        """Raise `Stopped` where the folder has a file `stop`, or is gone."""
        if (self.folder / "stop").exists() or not self.folder.is_dir():
            raise Stopped

    def prepares(self, what: str) -> None:
        """Something is made ready, as a sentence says."""
        self._heed_stop()
        write_status(self.folder, signed(self._status, "starting", what))
        self._told = -math.inf

    def trains(self, step: float, steps: float, message: str = "", seconds_left: float | None = None) -> None:
        """So many of all steps are done. Twice a second is written down."""
        self._heed_stop()
        if (now := time.monotonic()) - self._told >= _BEAT:
            self._told = now
            self._status = replace(self._status, step=round(step), steps=round(steps), seconds_left=seconds_left)
            write_status(self.folder, signed(self._status, "training", message))


def measure(arguments: list[str], command: str, name: str, work: Callable[[Reporter, RunConfig], str | None]) -> int:
    """The main function of a process that measures: do the work of a folder, and write there how it ended.

    Args:
        arguments: the folder. command: to complain by. name: of the work, "the search".
        work: returns what it has come to, in a sentence, where there is something to say.

    Returns:
        The exit code: 0 finished or stopped, 1 failed, 2 bad arguments.
    """
    if len(arguments) != 1:
        complain(command, "give one folder that holds a config.json.")
        return 2
    folder = Path(arguments[0])
    run = directory.read(folder)
    if run.config is None:
        complain(command, f"{folder} cannot be used. {run.problem}")
        return 2
    try:
        message = work(Reporter(folder), run.config) or ""
        write_status(folder, closed(Status("stopped", step=1, steps=1), "stopped", message))
        return 0
    except (Stopped, KeyboardInterrupt):
        close(folder, directory.read(folder).status, "stopped", "Stopped by request.")
        return 0
    except Exception as error:
        message = failure(error, folder, name)
    complain(command, message)
    close(folder, directory.read(folder).status, "failed", message)
    return 1

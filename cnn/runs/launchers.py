"""Starting, stopping and resuming runs in processes of their own.

The dashboard and the trainer meet only in the run directory: whoever starts a run may go away, and whoever comes
later reads its state with `cnn.runs`. Knows neither TensorFlow nor Streamlit.
"""

import contextlib
import os
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path
from typing import Protocol

import psutil

from cnn.runs.directory import PROJECT, read
from cnn.runs.queue import Place, close, enter
from cnn.runs.ray_launcher import RayLauncher
from cnn.runs.requests import request_stop
from cnn.runs.run import Run
from cnn.runs.status import is_here

# A training takes every core it can get: the dashboard goes first, or a click waits for minutes.
_NICENESS = 5 if os.name == "posix" else psutil.BELOW_NORMAL_PRIORITY_CLASS
_PATIENCE = 5.0  # seconds between asking a process to end and ending it
_STARTING = "Starting"  # the message of a run whose process has been started and has not said anything yet


class Launcher(Protocol):
    """Where runs are trained."""

    def start(self, run: Run) -> None:
        """Queue a new run, or a stopped, failed or interrupted one to be resumed.

        Raises:
            RunExists: the run is of another kind.
            Unreachable: nothing can be trained there. The run can be started again.
            OSError: its folder cannot be written.
        """

    def stop(self, run: Run) -> None:
        """Ask a run to stop after its present batch; nothing of it is lost."""

    def kill(self, run: Run) -> None:
        """End a run that does not answer; its last checkpoint stays. May take some seconds.

        Raises:
            Unreachable: nobody there can be asked to.
        """

    def place(self) -> Place:
        """Where runs are trained. Takes no time."""

    def waiting(self, run: Run) -> str:
        """What a queued run waits for; empty where its status says it. Takes no time."""


def spawn(module: str, folder: Path) -> None:
    """Start `python -m MODULE FOLDER` in a session of its own. What it prints goes to FOLDER/log.txt.

    Raises:
        OSError: the folder cannot be written.
    """
    with (folder / "log.txt").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", module, str(folder)],
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    # Until somebody has asked how it ended, the system keeps an ended process as a zombie.
    threading.Thread(target=child.wait, daemon=True).start()
    with contextlib.suppress(psutil.Error):
        psutil.Process(child.pid).nice(_NICENESS)
    # Linux weighs sessions against each other before it weighs the processes of one: sched(7), "The autogroup feature".
    with contextlib.suppress(OSError):
        Path(f"/proc/{child.pid}/autogroup").write_text(str(_NICENESS))


class LocalLauncher:
    """Trains on this machine: `python -m cnn.train RUN_DIR` in its own session, so that it outlives the dashboard."""

    def start(self, run: Run) -> None:
        enter(run, _STARTING)
        spawn("cnn.train", run.path)

    def stop(self, run: Run) -> None:
        request_stop(run)
        status = read(run.path).status
        if status.job is not None and status.pid is None:  # of a cluster, from which nobody may be heard any more
            close(run, status.job, "stopped", "Stopped by request.")

    def kill(self, run: Run) -> None:
        run = read(run.path)  # the process id may belong to another program by now
        with contextlib.suppress(OSError):  # a full disk must not keep it alive
            request_stop(run)
        if not run.active or run.status.pid is None or not is_here(run.status):
            return
        try:
            process = psutil.Process(run.status.pid)
            for end in (process.terminate, process.kill):
                end()
                with contextlib.suppress(psutil.TimeoutExpired):
                    process.wait(_PATIENCE)
                    return
        except psutil.NoSuchProcess:
            pass

    def place(self) -> Place:
        return Place("this machine", "One run at a time.")

    def waiting(self, run: Run) -> str:
        return ""


@cache
def launcher() -> Launcher:
    """The launcher of this process: a Ray cluster's where `$CNN_RAY_ADDRESS` names one, else this machine's."""
    address = os.environ.get("CNN_RAY_ADDRESS", "").strip()
    return RayLauncher(address, LocalLauncher().kill) if address else LocalLauncher()

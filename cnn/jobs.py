"""Starting, stopping and resuming runs in processes of their own.

The dashboard and the trainer meet only in the run directory: whoever starts a run may go away, and whoever comes
later reads its state with `cnn.runs`. Knows neither TensorFlow nor Streamlit.
"""

import contextlib
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Protocol

import psutil
from filelock import FileLock, Timeout

from cnn import runs
from cnn.runs import Run

_PROJECT = Path(__file__).resolve().parent.parent
# A training takes every core it can get: the dashboard goes first, or a click waits for minutes.
_NICENESS = 10 if os.name == "posix" else psutil.BELOW_NORMAL_PRIORITY_CLASS
_PATIENCE = 5.0  # seconds between asking a process to end and ending it, and until a start gives way to another
_STARTING = "Starting"  # the message of a run whose process has been started and has not said anything yet


class Launcher(Protocol):
    """Where runs are trained."""

    def start(self, run: Run) -> None:
        """Queue a new run, or a stopped, failed or interrupted one to be resumed.

        Raises:
            RunExists: the run is of another kind.
        """

    def stop(self, run: Run) -> None:
        """Ask a run to stop after its present batch; nothing of it is lost."""

    def kill(self, run: Run) -> None:
        """End a run that does not answer; its last checkpoint stays. May take some seconds."""


def spawn(module: str, folder: Path) -> None:
    """Start `python -m MODULE FOLDER` in a session of its own. What it prints goes to FOLDER/log.txt.

    Raises:
        OSError: the folder cannot be written.
    """
    with (folder / "log.txt").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", module, str(folder)],
            cwd=_PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    # Until somebody has asked how it ended, the system keeps an ended process as a zombie.
    threading.Thread(target=child.wait, daemon=True).start()
    with contextlib.suppress(psutil.Error):
        psutil.Process(child.pid).nice(_NICENESS)


class LocalLauncher:
    """Trains on this machine: `python -m cnn.train RUN_DIR` in its own session, so that it outlives the dashboard."""

    def start(self, run: Run) -> None:
        if run.shipped or run.config is None:
            raise runs.RunExists(f"{run.name} cannot be trained. {run.problem or 'It comes with the project.'}")
        # Two dashboards may start one run at the same time.
        try:
            with FileLock(run.path.parent / ".starting.lock", timeout=_PATIENCE):
                self._start(runs.read(run.path))  # it may have changed since the page was drawn
        except Timeout:
            raise runs.RunExists("Another window is just starting a run and does not get on: try again.") from None

    def _start(self, run: Run) -> None:
        is_new = run.state == "queued" and run.status.pid is None and run.status.message != _STARTING
        if not is_new and run.state not in runs.RESUMABLE:
            raise runs.RunExists(f"{run.name} is {run.state} and cannot be started.")
        (run.path / "log.txt").open("ab").close()  # where that is impossible, nothing has been changed yet
        runs.forget_requests(run.path)
        runs.write_status(run.path, replace(runs.closed(run.status, "queued", _STARTING), created=time.time()))
        spawn("cnn.train", run.path)

    def stop(self, run: Run) -> None:
        runs.request_stop(run)

    def kill(self, run: Run) -> None:
        run = runs.read(run.path)  # the process id may belong to another program by now
        with contextlib.suppress(OSError):  # a full disk must not keep it alive
            runs.request_stop(run)
        if not run.active or run.status.pid is None or not runs.is_here(run.status):
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


@cache
def launcher() -> Launcher:
    """The launcher of this process."""
    return LocalLauncher()

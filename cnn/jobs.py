"""Starting, stopping and resuming runs in processes of their own.

The dashboard and the trainer meet only in the run directory: whoever starts a run may go away, and whoever comes
later reads its state with `cnn.runs`. Knows neither TensorFlow nor Streamlit.
"""

import contextlib
import os
import subprocess
import sys
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Protocol

import psutil

from cnn import runs
from cnn.runs import Run

_PROJECT = Path(__file__).resolve().parent.parent
# A training takes every core it can get: the dashboard goes first, or a click waits for minutes.
_NICENESS = 10 if os.name == "posix" else psutil.BELOW_NORMAL_PRIORITY_CLASS
_PATIENCE = 5.0  # seconds between asking a process to end and ending it


class Launcher(Protocol):
    """Where runs are trained."""

    def start(self, run: Run) -> None:
        """Queue a new run, or a stopped, failed or interrupted one to be resumed.

        Raises:
            RunExists: the run is of another kind.
        """

    def stop(self, run: Run) -> None:
        """Ask a run to stop after its present batch; its last whole epoch stays."""

    def kill(self, run: Run) -> None:
        """End a run that does not answer. May take some seconds."""


class LocalLauncher:
    """Trains on this machine: `python -m cnn.train RUN_DIR` in its own session, so that it outlives the dashboard."""

    def __init__(self) -> None:
        self._children: list[subprocess.Popen] = []

    def start(self, run: Run) -> None:
        run = runs.read(run.path)  # it may have changed since the page was drawn
        if run.shipped or run.config is None:
            raise runs.RunExists(f"{run.name} cannot be trained. {run.problem or 'It comes with the project.'}")
        is_new = run.state == "queued" and run.status.pid is None
        if not is_new and run.state not in runs.RESUMABLE:
            raise runs.RunExists(f"{run.name} is {run.state} and cannot be started.")
        self._reap()
        (run.path / "stop").unlink(missing_ok=True)
        runs.write_status(run.path, replace(runs.closed(run.status, "queued", "Starting"), created=time.time()))
        with (run.path / "log.txt").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "cnn.train", str(run.path)],
                cwd=_PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children.append(child)
        with contextlib.suppress(psutil.Error):
            psutil.Process(child.pid).nice(_NICENESS)

    def stop(self, run: Run) -> None:
        runs.request_stop(run)

    def kill(self, run: Run) -> None:
        run = runs.read(run.path)  # the process id may belong to another program by now
        runs.request_stop(run)
        if not run.active or run.status.pid is None or not runs.is_here(run.status):
            return
        try:
            process = psutil.Process(run.status.pid)
            process.terminate()
            try:
                process.wait(_PATIENCE)
            except psutil.TimeoutExpired:
                process.kill()
        except psutil.NoSuchProcess:
            pass
        self._reap()

    def _reap(self) -> None:
        """Collect children that have ended: until then the system keeps them as zombies."""
        self._children = [child for child in self._children if child.poll() is None]


@cache
def launcher() -> Launcher:
    """The launcher of this process."""
    return LocalLauncher()

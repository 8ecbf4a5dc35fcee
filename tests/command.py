"""The trainer's command line, run in the process of the tests."""

import contextlib
import io
import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

from cnn import runs, train
from cnn.config import RunConfig
from cnn.runs import Run

NO_PROCESS = 2**22 + 1  # above the highest process id of Linux
TINY = ["--preset", "tiny", "--dataset", "synthetic", "--limit", "300", "--epochs", "2"]


@dataclass(frozen=True)
class Command:
    """What `python -m cnn.train` did: exit code, what it printed, and the run that it left."""

    code: int
    out: str
    err: str

    @property
    def run(self) -> Run:
        return runs.read(Path(self.out.splitlines()[-1]))


def train_here(*arguments: str) -> Command:
    """The trainer's command line in this process, with its signal handler taken back afterwards."""
    out, err, handler = io.StringIO(), io.StringIO(), signal.getsignal(signal.SIGTERM)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = train.main([str(argument) for argument in arguments])
    finally:
        signal.signal(signal.SIGTERM, handler)
    return Command(code, out.getvalue(), err.getvalue())


def train_undisturbed(config: RunConfig, folder: Path) -> Run:
    """The run that nothing happened to, trained to its end in a runs folder of its own."""
    with patch.dict(os.environ, CNN_RUNS=str(folder)):
        run = runs.create(config, "whole")
        assert train_here(run.path).code == 0
        return runs.read(run.path)


def as_killed(run: Run, name: str) -> Run:
    """What SIGKILL would leave of a run in training, at this moment: a copy, whose trainer is gone."""
    copy = Path(shutil.copytree(run.path, run.path.with_name(f"{run.id}-{name}")))
    runs.write_status(copy, replace(runs.read(copy).status, pid=NO_PROCESS))
    return runs.read(copy)


def wait_until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened in time"
        time.sleep(0.01)

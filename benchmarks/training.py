"""One training as people start it: `python -m cnn.train` in a process of its own, timed from outside."""

import subprocess
import sys
import time
from pathlib import Path

from cnn import runs
from cnn.config import RunConfig
from cnn.runs import Run

PROJECT = Path(__file__).resolve().parents[1]


def train(config: RunConfig, name: str = "", again: bool = True) -> tuple[Run, float | None]:
    """Train a run in the runs folder to its end; what it prints goes to the standard error.

    Args:
        again: train a new run, whatever is there. Otherwise one of this configuration that is in the folder is taken as
            it is, or resumed where it is not finished.

    Returns:
        The finished run, and the seconds from the start of its process to its end; None of a run that was there.
    """
    kept = None if again else next((r for r in runs.all_runs() if r.config == config and not r.shipped), None)
    run = kept or runs.create(config, name)
    start = time.perf_counter()
    if run.state != "finished":
        command = [sys.executable, "-m", "cnn.train", str(run.path)]
        subprocess.run(command, cwd=PROJECT, stdout=sys.stderr, check=False)
    seconds = time.perf_counter() - start
    run = runs.read(run.path)
    if run.state != "finished":
        sys.exit(f"The training of {run.name} did not end well: {run.state}. {run.status.message}")
    return run, None if kept else seconds

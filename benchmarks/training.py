"""One training as people start it: `python -m cnn.train` in a process of its own, timed from outside."""

import subprocess
import sys
import time
from pathlib import Path

from cnn import runs
from cnn.config import RunConfig
from cnn.runs import Run

PROJECT = Path(__file__).resolve().parents[1]


def train(config: RunConfig, name: str = "") -> tuple[Run, float]:
    """Train a new run in the runs folder to its end; what it prints goes to the standard error.

    Returns:
        The finished run, and the seconds from the start of its process to its end.
    """
    run = runs.create(config, name)
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "cnn.train", str(run.path)], cwd=PROJECT, stdout=sys.stderr, check=False)
    seconds = time.perf_counter() - start
    run = runs.read(run.path)
    if run.state != "finished":
        sys.exit(f"The training of {run.name} did not end well: {run.state}. {run.status.message}")
    return run, seconds

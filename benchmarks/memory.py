"""Whether a training's memory stays flat: `python -m benchmarks.memory [--epochs N] [--limit N] [--preset NAME]`.

A training as it is started from the page, in a process of its own, whose resident memory is read from outside after
every fifth epoch. In the first epochs it still grows, until all is compiled and every buffer has been used; the slope
is that of the line of least squares through what follows the tenth. Target: no growth that would be felt.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import psutil

from benchmarks.report import machine
from cnn import runs
from cnn.config import RunConfig, presets
from cnn.runs import Run

_EVERY = 5  # epochs between two looks
_WARM = 10  # epochs after which it should be flat


def resident(run: Run, epochs: int) -> dict[int, float]:
    """Train the run to its end. Returns MB of resident memory after every fifth of its epochs."""
    command = [sys.executable, "-m", "cnn.train", str(run.path)]
    with (run.path / "log.txt").open("w") as log:
        child = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    process, found = psutil.Process(child.pid), {}
    while child.poll() is None and len(found) < epochs // _EVERY:
        epoch = runs.read(run.path).status.epoch
        if epoch and epoch % _EVERY == 0 and epoch not in found:
            found[epoch] = process.memory_info().rss / 1e6
        time.sleep(0.01)
    if child.wait():
        sys.exit(runs.log_tail(run))
    return found


def slope(found: dict[int, float]) -> float:
    """MB an epoch, once it is warm."""
    warm = [(epoch, size) for epoch, size in found.items() if epoch >= _WARM]
    return float(np.polyfit(*zip(*warm, strict=True), 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--preset", default="fast", choices=list(presets()))
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--limit", type=int, default=1_000, help="training images")
    options = parser.parse_args()
    if options.epochs < _WARM + _EVERY:
        parser.error(f"at least {_WARM + _EVERY} epochs are needed for a slope")
    values = presets()[options.preset].model_dump()
    values["data"]["limit"], values["training"]["epochs"] = options.limit, options.epochs
    print(machine())
    print(f"{options.preset}: {options.epochs} epochs of {options.limit:,} images, resident memory in MB")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CNN_RUNS"] = folder
        found = resident(runs.create(RunConfig.model_validate(values)), options.epochs)
    print("  ".join(f"epoch {epoch}: {size:,.0f}" for epoch, size in found.items()))
    print(f"from epoch {_WARM} on: {slope(found):+.2f} MB an epoch")


if __name__ == "__main__":
    main()

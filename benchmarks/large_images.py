"""How much memory a training from scratch on large colour images takes, and how fast it is.

    python -m benchmarks.large_images [--images N] [--size N] [--epochs N]

Images of five classes are drawn into folders (noise in the colours of each class, as JPEG), and the preset `fast` is
trained on them by the command, 32 images a batch. Resident memory is that of the trainer and the processes that it
starts, at its highest. Target: 5,000 images of 128×128 within 2 GB.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from benchmarks.report import machine
from cnn import data, runs
from cnn.config import Data, RunConfig, presets

_COLOURS = {
    "blue": (40, 60, 200),
    "green": (50, 170, 60),
    "grey": (120, 120, 120),
    "red": (210, 40, 50),
    "yellow": (220, 200, 60),
}


def draw(folder: Path, count: int, size: int) -> None:
    """Write so many images into a folder for each class."""
    chance = np.random.default_rng(0)
    for name, colour in _COLOURS.items():
        (folder / name).mkdir(parents=True)
        for number in range(count // len(_COLOURS)):
            coarse = np.clip(chance.normal(colour, 40, (16, 16, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(coarse).resize((size, size)).save(folder / name / f"{number}.jpg")


def highest(process: psutil.Process) -> float:
    """Bytes of resident memory of a process and its children, now."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_info().rss
        except psutil.Error:
            continue
    return total


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large_images", description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=5_000)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["CNN_RUNS"] = f"{temporary}/runs"
        draw(Path(temporary) / "images", options.images, options.size)
        fast = presets()["fast"]
        chosen = data.data_of(Path(temporary) / "images", (options.size, options.size))
        training = fast.training.model_copy(update={"epochs": options.epochs, "batch_size": 32})
        run = runs.create(RunConfig(data=Data.model_validate(chosen), layers=fast.layers, training=training))
        begun, most = time.perf_counter(), 0.0
        with (run.path / "log.txt").open("w") as log:
            child = psutil.Popen(
                [sys.executable, "-m", "cnn.train", str(run.path)], stdout=log, stderr=subprocess.STDOUT
            )
        while child.poll() is None:
            most = max(most, highest(child))
            time.sleep(0.05)
        seconds, run = time.perf_counter() - begun, runs.read(run.path)
        if run.state != "finished":
            sys.exit(runs.log_tail(run))
        print(machine())
        of = f"{options.images:,} images of {options.size}×{options.size}×3, {options.epochs} epochs"
        print(
            f"{of}: {most / 1e9:.2f} GB at the highest, {seconds:.0f} s with the start, "
            f"{run.status.seconds:.0f} s of training"
        )


if __name__ == "__main__":
    main()

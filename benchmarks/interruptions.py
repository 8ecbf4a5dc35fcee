"""Kill a training with SIGKILL at random moments, resume it each time, and compare its end with one that ran through.

    python -m benchmarks.interruptions [--kills N] [--seed N]

The network has all that keeps a state: batch normalisation, a skip connection, dropout, AdamW, a schedule,
augmentation, early stopping, calibration, and a change of the learning rate by hand. Every weight, and every epoch's
figures, must be equal bit for bit.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.report import machine
from cnn import runs
from cnn.config import Data, RunConfig, Training
from cnn.config.layers import Convolution, Dense, Dropout, Flatten, Pooling, SkipConnection
from cnn.runs import Run, Status

CONFIG = RunConfig(
    data=Data(dataset="synthetic", limit=600, flip=True, shift=1, random_affine=0.3, random_erasing=0.2),
    layers=(
        Convolution(filters=12, batch_normalisation=True),
        Pooling(),
        Convolution(filters=12, batch_normalisation=True),
        Convolution(filters=12),
        SkipConnection(),
        Flatten(),
        Dropout(rate=0.4),
        Dense(units=32),
        Dropout(rate=0.2),
    ),
    training=Training(
        optimizer="adamw",
        learning_rate=0.003,
        schedule="one-cycle",
        batch_size=32,
        epochs=12,
        patience=100,
        calibrate=True,
    ),
)
CHANGE = {"kind": "event", "what": "learning rate", "epoch": 2, "step": 7, "steps": 19, "factor": 0.5}
_COMMAND = """
import sys
from cnn import train
from cnn.training import recorder
recorder._CHECKPOINT = 0.05
sys.exit(train.main(sys.argv[1:]))
"""


@dataclass
class Kill:
    """A training that was ended by SIGKILL: what its status said last, and after how many steps its checkpoint is."""

    state: str
    message: str
    checkpoint: str


def create(name: str, epochs: int) -> Run:
    """A run whose learning rate is halved by hand in its third epoch."""
    training = CONFIG.training.model_copy(update={"epochs": epochs})
    run = runs.create(CONFIG.model_copy(update={"training": training}), name)
    (run.path / "metrics.jsonl").write_text(json.dumps(CHANGE) + "\n")
    return run


def begin(run: Run) -> subprocess.Popen:
    """The trainer, which writes a checkpoint every 0.05 seconds here, so in the middle of epochs too."""
    command = [sys.executable, "-c", _COMMAND, str(run.path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def kill_at_start(run: Run, seconds: float) -> Kill | None:
    """Start or resume the run, and kill it some seconds later."""
    child = begin(run)
    time.sleep(seconds)
    return _kill(run, child)


def kill_when(run: Run, reached: Callable[[Status], object], seconds: float) -> Kill | None:
    """Start or resume the run, and kill it some seconds after this process's status says what is waited for."""
    child = begin(run)
    while child.poll() is None:
        status = runs.read(run.path).status
        if status.pid == child.pid and reached(status):
            break
        time.sleep(0.005)
    time.sleep(seconds)
    return _kill(run, child)


def is_training(status: Status) -> bool:
    return bool(status.images_per_second)


def is_measuring(status: Status) -> bool:
    return status.message.startswith("Measuring")


def _kill(run: Run, child: subprocess.Popen) -> Kill | None:
    """Returns None if it had ended by itself."""
    ended = child.poll() is not None
    child.kill()  # SIGKILL
    child.communicate()
    if ended:
        return None
    status = json.loads((run.path / "status.json").read_text())
    checkpoint = "none"
    if runs.read(run.path).has_checkpoint:
        with np.load(run.path / "checkpoint.npz") as file:
            checkpoint = "epoch {}, step {}".format(*file["position"])
    return Kill(status["state"], status["message"], checkpoint)


def differences(one: Run, other: Run) -> list[str]:
    """What is not equal, bit for bit: weights and the figures of the epochs, those of the clock left out."""
    from cnn.networks.load import load

    weights = [load(run).get_weights() for run in (one, other)]
    found = [f"weights {i}" for i, pair in enumerate(zip(*weights, strict=True)) if not np.array_equal(*pair)]
    figures = [
        [
            {k: v for k, v in r.items() if k not in ("seconds", "waiting")}
            for r in runs.read_metrics(run)
            if r["kind"] == "epoch"
        ]
        for run in (one, other)
    ]
    if len(figures[0]) != len(figures[1]):
        return [*found, f"{len(figures[0])} and {len(figures[1])} epochs"]
    return found + [f"epoch {a['epoch']}: {a} and {b}" for a, b in zip(*figures, strict=True) if a != b]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CNN_RUNS"] = folder
        epochs = 4 * options.kills
        whole, killed = create("whole", epochs), create("killed", epochs)
        begin(whole).communicate()
        for number in range(1, options.kills + 1):
            if number == options.kills:
                kill = kill_when(killed, is_measuring, chance.uniform(0, 0.5))
            elif chance.random() < 0.25:
                kill = kill_at_start(killed, chance.uniform(0, 4))
            else:
                kill = kill_when(killed, is_training, chance.uniform(0, 1.5))
            print(f"kill {number}: {kill or 'too late'}", flush=True)
        out, _ = begin(killed).communicate()
        whole, killed = runs.read(whole.path), runs.read(killed.path)
        print(f"{whole.state} and {killed.state} after {options.kills} kills")
        if killed.state != "finished":
            sys.exit(out.decode())
        found = differences(whole, killed)
        sys.exit("\n".join(found)) if found else print("Equal, bit for bit: every weight and every epoch's figures.")


if __name__ == "__main__":
    main()

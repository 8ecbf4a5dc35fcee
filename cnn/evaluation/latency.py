"""How long a network takes for a single image on this machine. Knows a model; knows no page."""

import os
import platform
import re
import time
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cnn import runs
from cnn.config import counted
from cnn.runs import Run

PASSES = 100
_WARM_UP = 10  # passes that are not counted: the first compiles, the next fill caches
_SLICE = 10  # passes between two looks at a Stop button
_NAME = "latency"


class Latency(NamedTuple):
    """Seconds of each single pass, float (n,), in the order of measuring, and on what machine."""

    seconds: np.ndarray
    machine: str

    @property
    def median(self) -> float:
        """In seconds: what else the machine does delays a few passes, and hardly moves this."""
        return float(np.median(self.seconds))


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine() -> str:
    """The processor of this machine and its cores: "AMD EPYC, 2 cores"."""
    name = platform.processor() or platform.machine()
    with suppress(OSError):  # Linux tells more there
        if found := re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE):
            name = found[1].strip()
    return f"{name}, {counted(cores(), 'core')}"


def measuring(model) -> Generator[float, None, Latency]:
    """Time single images, one after the other; yields the fraction that is done, in [0, 1].

    What an image shows takes no time of its own: noise serves.

    Args:
        model: a Keras model of one input, (height, width, channels).
    """
    image = np.random.default_rng(0).random((1, *model.input_shape[1:]), np.float32)
    for _ in range(_WARM_UP):
        model.predict_on_batch(image)
    seconds: list[float] = []
    while len(seconds) < PASSES:
        for _ in range(_SLICE):
            begin = time.perf_counter()
            model.predict_on_batch(image)
            seconds.append(time.perf_counter() - begin)
        yield len(seconds) / PASSES
    return Latency(np.array(seconds), machine())


def keep(run: Run, found: Latency) -> None:
    """Keep what was measured with the run, until its network changes."""
    runs.write_found(run, _NAME, seconds=found.seconds, machine=np.array(found.machine))


def kept(run: Run) -> Latency | None:
    """What was measured before on this machine; None where nothing was, or on another."""
    found = runs.read_found(run, _NAME)
    if found is None or not {"seconds", "machine"} <= set(found) or not found["seconds"].size:
        return None
    here = Latency(found["seconds"], str(found["machine"]))
    return here if here.machine == machine() else None

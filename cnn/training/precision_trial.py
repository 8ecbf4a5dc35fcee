"""Which precision trains a network the fastest on this machine: a few steps of each that may be worth it."""

import math
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from cnn.config import RunConfig
from cnn.networks.build import build
from cnn.networks.compile import compile_for_training, distribution

_TRIAL = 8  # steps at most to tell which precision is faster
_TRIAL_SECONDS = 2.0  # for all these steps, beside the time that building the graphs takes
_CLEAR = 2.0  # times as slow as the fastest so far: no more steps are needed to see it
_GAIN = 1.05  # times as fast as float32 is what another precision must be to be worth it


class Trial(NamedTuple):
    """The precision that was the fastest, and the sentence that says so."""

    precision: str
    outcome: str


def faster_precision(config: RunConfig) -> Trial:
    """Which precision trains this network the fastest on this machine: some steps of each that may be worth it."""
    others = _other_precisions()
    if not others:
        return Trial("float32", "float32, without a trial: this processor does not compute in 16 bits.")
    seconds = _shortest_steps(config, ("float32", *others))
    gains = {precision: seconds["float32"] / seconds[precision] for precision in others}
    best = max(gains, key=gains.get)
    in_a_trial = f"in a trial of up to {_TRIAL} steps."
    if gains[best] >= _GAIN:
        return Trial(best, f"{best}: {gains[best]:.1f} times as fast as float32 {in_a_trial}")
    return Trial("float32", f"float32: {best} was {gains[best]:.2f} times as fast {in_a_trial}")


def _other_precisions() -> tuple[str, ...]:
    """What to try beside float32."""
    if tf.config.list_logical_devices("GPU"):
        return ("mixed_bfloat16", "mixed_float16")
    with suppress(OSError):  # where Linux tells, a trial of several seconds may be spared
        if flags := re.search(r"^(?:flags|Features)\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE):
            return ("mixed_bfloat16",) if "bf16" in flags[1] else ()
    return ("mixed_bfloat16",)


def _shortest_steps(config: RunConfig, precisions: Sequence[str]) -> dict[str, float]:
    """Seconds that the shortest of some training steps took in each precision.

    They take turns, so that whatever else the machine does meets them alike. What is clearly slower takes no more.
    """
    steps = {precision: _step(config, precision) for precision in precisions}
    seconds, begin = dict.fromkeys(precisions, math.inf), time.perf_counter()
    for number in range(1, _TRIAL + 1):
        for precision, step in steps.items():
            start = time.perf_counter()
            step()
            seconds[precision] = min(seconds[precision], time.perf_counter() - start)
        if number > 1:  # the first ones settle the memory
            best = min(seconds.values())
            steps = {precision: step for precision, step in steps.items() if seconds[precision] <= _CLEAR * best}
            if len(steps) == 1 or time.perf_counter() - begin > _TRIAL_SECONDS:
                break
    return seconds


def _step(config: RunConfig, precision: str) -> Callable[[], object]:
    """A step of training, whose graph is built."""
    with distribution().scope():
        network = build(config, precision, for_training=True)
        compile_for_training(network, config, total_steps=_TRIAL)
    share = math.ceil(config.training.batch_size / distribution().num_replicas_in_sync)  # that each device is given
    x, y = np.zeros((share, *config.data.card.input_shape), np.float32), np.zeros(share)
    network.train_on_batch(x, y)
    return lambda: network.train_on_batch(x, y)

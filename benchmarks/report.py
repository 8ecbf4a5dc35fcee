"""The machine and the spread, said the same way by every benchmark."""

import os
import platform
import statistics
from pathlib import Path


def machine() -> str:
    """The processor's name, the cores that may be used, and the Python and framework versions."""
    import keras
    import tensorflow as tf

    name = platform.processor() or platform.machine()
    if (cpuinfo := Path("/proc/cpuinfo")).exists():
        models = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        name = models[0] if models else name
    versions = f"Python {platform.python_version()}, TensorFlow {tf.__version__}, Keras {keras.__version__}"
    return f"{name}, {len(os.sched_getaffinity(0))} cores; {versions}"


def spread(values: list[float], digits: int = 1) -> str:
    """Median and range: 12.3 (11.9 to 13.0)"""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"

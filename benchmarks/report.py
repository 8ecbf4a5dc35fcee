"""The machine and the spread, said the same way by every benchmark."""

import os
import platform
import statistics
from pathlib import Path

_VECTORS = {"avx512_bf16": "AVX-512 and BF16", "avx512f": "AVX-512", "avx2": "AVX2"}  # by the kernel's name, best first


def machine() -> str:
    """The processor's name, its widest vectors, the cores that may be used, and the Python and framework versions."""
    import keras
    import tensorflow as tf

    name = platform.processor() or platform.machine()
    if (cpuinfo := Path("/proc/cpuinfo")).exists():
        said = dict(line.split(":", 1) for line in cpuinfo.read_text().splitlines() if ":" in line)
        said = {key.strip(): value.strip() for key, value in said.items()}
        name = said.get("model name", name)
        flags = said.get("flags", "").split()
        name += next((f" with {vectors}" for flag, vectors in _VECTORS.items() if flag in flags), "")
    versions = f"Python {platform.python_version()}, TensorFlow {tf.__version__}, Keras {keras.__version__}"
    return f"{name}, {len(os.sched_getaffinity(0))} cores; {versions}"


def spread(values: list[float], digits: int = 1) -> str:
    """Median and range: 12.3 (11.9 to 13.0)"""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"

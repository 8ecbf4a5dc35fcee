"""Every performance claim of the README has its script here: `python -m benchmarks.NAME`."""

import cnn  # noqa: F401 - before TensorFlow, whose start it settles

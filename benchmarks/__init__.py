"""Every performance claim of the README has its script here: `python -m benchmarks.NAME`."""

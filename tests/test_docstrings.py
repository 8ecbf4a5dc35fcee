"""The examples in docstrings give what they say."""

import doctest
import importlib
from pathlib import Path

import pytest

CNN = Path(__file__).resolve().parents[1] / "cnn"
WITH_EXAMPLES = sorted(
    ".".join(file.relative_to(CNN.parent).with_suffix("").parts)
    for file in CNN.rglob("*.py")
    if ">>> " in file.read_text(encoding="utf-8")
)


def test_formulas_have_examples():
    formulas = {
        "config.geometry",
        "config.layers",
        "lessons.classifier",
        "lessons.convolution",
        "evaluation.calibration",
    }
    assert {f"cnn.{name}" for name in formulas} <= set(WITH_EXAMPLES)


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_give_what_they_say(name):
    done = doctest.testmod(importlib.import_module(name))
    assert done.attempted and not done.failed

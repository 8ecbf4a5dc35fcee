"""The files of a run's network: made, measured, kept, and made without what is missing."""

import os

import numpy as np
import pytest

from cnn import data, runs
from cnn.evaluation import exports
from cnn.evaluation.exports import FORMATS, Table, file_of, kept
from cnn.networks.load import load
from cnn.runs import Run


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer images: the tests of each format compare 100."""
    monkeypatch.setattr(exports, "COMPARED", 10)


def make(run: Run, **how: float) -> tuple[Table, list[float]]:
    steps, fractions = exports.making(run, **how), []
    while True:
        try:
            fractions.append(next(steps))
        except StopIteration as end:
            return end.value, fractions


def test_every_file_is_made_measured_and_kept(own_tiny, draw_once, quick):
    table, fractions = make(own_tiny)
    assert list(table.measured) == list(FORMATS) and not table.problems
    assert fractions == sorted(fractions) and fractions[0] == 0 and fractions[-1] == pytest.approx(1)
    test = data.load(own_tiny.config.data).test
    right = load(own_tiny).predict(data.scaled(test.images), verbose=0).argmax(axis=1) == test.labels
    assert (table.images, table.total, table.compared) == (len(right), len(right), "10 test images")
    assert table.accuracy == pytest.approx(np.mean(right), abs=1e-9)
    for key, one in table.measured.items():
        assert file_of(own_tiny, key).stat().st_size == one.size
        if key != "litert-int8":
            assert one.accuracy == pytest.approx(table.accuracy, abs=1e-3) and one.difference < 1e-4
    assert table.measured["litert-int8"].accuracy > table.accuracy - 0.05
    assert f"{own_tiny.evaluation['accuracy']:.2%} of" in file_of(own_tiny, "page").read_text("utf-8")
    assert kept(own_tiny) == table

    file_of(own_tiny, "onnx").write_bytes(b"half")
    assert kept(own_tiny) is None
    table, _ = make(own_tiny, patience=0)
    assert table.images == min(exports.SAMPLE, table.total)
    os.utime(own_tiny.model_path, (1, 1))  # another network
    assert kept(own_tiny) is None


def test_without_the_dataset_and_the_packages_the_rest_is_made(own_tiny, monkeypatch, quick):
    monkeypatch.setattr(type(data.DATASETS[own_tiny.config.data.dataset]), "missing", lambda self: "It is not here.")
    monkeypatch.setattr(exports, "_ONNX_PACKAGES", ("onnx", "no_such_runtime"))
    table, _ = make(own_tiny)
    assert list(table.measured) == ["keras", "litert", "page"]
    assert table.problems["litert-int8"].endswith("It is not here.")
    assert table.problems["onnx"] == "It needs no_such_runtime: pip install no_such_runtime"
    assert (table.images, table.accuracy) == (0, None)
    assert {one.accuracy for one in table.measured.values()} == {None}
    assert max(one.difference for one in table.measured.values()) < 1e-4
    assert table.compared == "10 test images"  # those that are kept with the run
    (own_tiny.path / "examples.npz").unlink()
    assert make(own_tiny)[0].compared == "10 images of noise"


def test_a_network_that_is_written_meanwhile_is_said(own_tiny, monkeypatch, quick):
    monkeypatch.setattr(exports, "FORMATS", {"keras": FORMATS["keras"]})
    steps = exports.making(own_tiny)
    next(steps)
    next(steps)
    os.utime(own_tiny.model_path, (1, 1))
    with pytest.raises(runs.NetworkChanged, match="do this again"):
        list(steps)
    assert kept(runs.read(own_tiny.path)) is None

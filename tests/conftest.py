"""What every test shares: a runs folder of its own, and one small trained run for those that need a network."""

import contextlib
import io
import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before anything loads TensorFlow

from cnn import runs, synthetic, train
from cnn.runs import Run

TINY = ["--preset", "tiny", "--dataset", "synthetic", "--limit", "300", "--epochs", "2"]


@pytest.fixture(autouse=True)
def runs_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test ever sees, or writes into, the runs of whoever runs it."""
    folder = tmp_path / "runs"
    monkeypatch.setenv("CNN_RUNS", str(folder))
    return folder


@pytest.fixture(scope="session")
def draw_once() -> Iterator[None]:
    """Draw each synthetic set once in a test session, for the tests that train in this process."""
    with pytest.MonkeyPatch.context() as patch:
        draw = cache(synthetic.dataset)
        patch.setattr(
            synthetic, "dataset", lambda n, seed, split: tuple(array.copy() for array in draw(n, seed, split))
        )
        yield


@dataclass(frozen=True)
class Command:
    """What `python -m cnn.train` did: exit code, what it printed, and the run that it left."""

    code: int
    out: str
    err: str

    @property
    def run(self) -> Run:
        return runs.read(Path(self.out.splitlines()[-1]))


def train_here(*arguments: str) -> Command:
    """The trainer's command line in this process, with its signal handler taken back afterwards."""
    out, err, handler = io.StringIO(), io.StringIO(), signal.getsignal(signal.SIGTERM)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = train.main([str(argument) for argument in arguments])
    finally:
        signal.signal(signal.SIGTERM, handler)
    return Command(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, draw_once: None) -> Command:
    """The preset `tiny`, trained for two epochs on 300 synthetic pictures. Read only: copy it to change it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CNN_RUNS", str(tmp_path_factory.mktemp("trained") / "runs"))
        return train_here(*TINY, "--name", "Tiny one")


@pytest.fixture(scope="session")
def tiny(trained: Command) -> Run:
    assert trained.code == 0, trained.err
    return trained.run


@pytest.fixture
def own_tiny(tiny: Run, runs_folder: Path) -> Run:
    """A copy of the trained run in this test's own runs folder."""
    return runs.read(Path(shutil.copytree(tiny.path, runs_folder / tiny.id)))

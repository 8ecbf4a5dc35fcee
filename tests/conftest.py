"""What every test shares: a runs folder of its own, and one small trained run for those that need a network."""

import gc
import shutil
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest

from cnn import runs
from cnn.data import synthetic
from cnn.evaluation import out_of_distribution
from cnn.runs import Run, launchers
from tests.command import NO_PROCESS, TINY, Command, train_here


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What one worker has to do in one piece comes first: at the end the other would have nothing left to do.

    A journey in the browser has a second try: when a machine stalls, a window may show for longer than a test expects
    what it is about to take away. The report names each that needed it.
    """
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_collection_finish() -> None:
    """Streamlit searches for garbage after each script: not among all that was imported, 0.3 s each time."""
    gc.freeze()


@pytest.fixture(autouse=True)
def runs_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test ever sees, or writes into, the runs of whoever runs it."""
    folder = tmp_path / "runs"
    monkeypatch.setenv("CNN_RUNS", str(folder))
    monkeypatch.delenv("CNN_DATASETS", raising=False)  # nor their datasets: they are beside the runs
    monkeypatch.delenv("CNN_RAY_ADDRESS", raising=False)  # nor trains in a cluster
    return folder


@pytest.fixture(autouse=True)
def alike_in_any_order() -> None:
    """A test's own networks begin with the same weights and names, whatever was tested before."""
    if keras := sys.modules.get("keras"):
        keras.utils.clear_session(free_memory=False)
        keras.utils.set_random_seed(1)


@pytest.fixture(autouse=True, scope="session")
def few_strangers() -> Iterator[None]:
    """A training in this process is tried on 20 strange images: to draw 500 would take a third of its time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(out_of_distribution, "OUTLIERS", 20)
        yield


@pytest.fixture(scope="session")
def draw_once() -> Iterator[None]:
    """Draw each synthetic set once in a test session, for the tests that train in this process."""
    with pytest.MonkeyPatch.context() as patch:
        draw = cache(synthetic.dataset)
        patch.setattr(
            synthetic, "dataset", lambda n, seed, split: tuple(array.copy() for array in draw(n, seed, split))
        )
        yield


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, draw_once: None) -> Command:
    """The preset `tiny`, trained for two epochs on 300 synthetic images. Read only: copy it to change it."""
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


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[SimpleNamespace]:
    """The processes that would have been started."""
    started = []

    def start(command, **options):
        started.append(SimpleNamespace(command=command, options=options, wait=lambda: None, pid=NO_PROCESS))
        return started[-1]

    monkeypatch.setattr(launchers.subprocess, "Popen", start)
    return started


@pytest.fixture(autouse=True)
def own_main_module(monkeypatch):
    """Streamlit's AppTest leaves its script as `__main__`, which worker processes started later would run."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])

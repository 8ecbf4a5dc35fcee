"""The process that measures the curve of losses over learning rates."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from cnn import data, runs
from cnn.config import Data, RunConfig, presets
from cnn.runs import measurement
from cnn.tuning import rate_finder, rate_search
from tests.command import wait_until

TINY = presets()["tiny"].model_copy(update={"data": Data(dataset="synthetic", limit=300)})
LARGE = presets()["lecture"].model_copy(update={"data": Data(dataset="synthetic", limit=300)})


def ended(folder: Path) -> rate_search.Progress:
    wait_until(lambda: not rate_search.read(folder).active)
    return rate_search.read(folder)


def prepared(config: RunConfig) -> Path:
    """The folder of a search, without a process."""
    folder = runs.root() / ".finder" / "search"
    folder.mkdir(parents=True)
    runs.write_json(folder / "config.json", config.model_dump(mode="json"))
    runs.write_status(folder, runs.Status("starting", heartbeat=time.time()))
    return folder


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "cnn.tuning.rate_finder" in _command(child)]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline() or ["zombie", "cnn.tuning.rate_finder"]
    except psutil.NoSuchProcess:
        return []


@pytest.mark.slow
def test_a_search_ends_with_a_sane_suggestion_and_leaves_no_process():
    folder = rate_search.start(TINY)
    wait_until(lambda: rate_search.read(folder).state == "training")
    (child,) = children()
    assert child.nice() == 5, "the dashboard goes first"
    if (session := Path(f"/proc/{child.pid}/autogroup")).exists():
        assert session.read_text().endswith(" nice 5\n")
    progress = ended(folder)
    assert progress.state == "finished", (progress, (folder / "log.txt").read_text())
    assert len(progress.rates) > 80 and progress.rates == tuple(map(rate_search.rate_of, range(len(progress.rates))))
    assert progress.losses[0] == pytest.approx(2.3, abs=0.5), "it begins by guessing"
    suggestion = rate_search.suggest(progress.rates, progress.losses, 10)
    assert 1e-3 < suggestion.rate < 0.2 and suggestion.rises is not None
    assert 1e-3 < suggestion.steepest < suggestion.lowest < suggestion.rises
    assert runs.all_runs() == []
    wait_until(lambda: rate_search.read(folder) and not children(), 10)


@pytest.mark.slow
def test_a_search_stops_when_asked_and_keeps_what_it_has():
    folder = rate_search.start(LARGE)
    wait_until(lambda: len(rate_search.read(folder).rates) >= 2)
    measurement.stop(folder)
    progress = ended(folder)
    assert progress.state == "stopped" and 2 <= len(progress.rates) < rate_search.BATCHES
    wait_until(lambda: rate_search.read(folder) and not children(), 20)


def test_a_killed_search_is_noticed_and_leaves_no_zombie():
    folder = rate_search.start(TINY)
    wait_until(lambda: runs.read(folder).status.pid is not None)
    (child,) = children()
    child.kill()
    wait_until(lambda: not rate_search.read(folder).active, 10)
    assert rate_search.read(folder).state == "interrupted"
    assert children() == []


@pytest.mark.slow
def test_a_search_whose_folder_is_gone_ends():
    folder = rate_search.start(LARGE)
    wait_until(lambda: rate_search.read(folder).rates)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)  # a status may have been written in between
    wait_until(lambda: rate_search.read(folder) or not children(), 30)
    assert not folder.exists()


# ---------------------------------------------------------------- in this process


@pytest.fixture
def quick(monkeypatch, draw_once):
    """A search of few batches."""
    monkeypatch.setattr(rate_search, "BATCHES", 12)


@pytest.mark.slow
def test_the_same_settings_give_the_same_curve(quick):
    folder = prepared(TINY)
    assert rate_finder.main([str(folder)]) == 0
    first = rate_search.read(folder)
    assert rate_finder.main([str(folder)]) == 0
    assert rate_search.read(folder).losses == first.losses and len(first.losses) == 12
    assert (first.state, first.message) == ("finished", "All rates were tried.")


@pytest.mark.slow
def test_the_losses_are_those_of_single_batches(quick, monkeypatch):
    """At a rate of almost nothing the network stays as it is, so the same images have the same loss."""
    monkeypatch.setattr(rate_search, "rate_of", lambda batch: 1e-12)
    folder = prepared(TINY)
    assert rate_finder.main([str(folder)]) == 0
    losses = rate_search.read(folder).losses
    assert len(losses) == 12 and len(set(losses)) == 12

    import keras
    import numpy as np

    from cnn.networks.build import build

    keras.utils.set_random_seed(TINY.training.seed)
    network = build(TINY)
    split = data.load(TINY.data).train
    for (x, y), loss in zip(data.training_batches(split, 64, 42, 0, 3, TINY.data), losses, strict=False):
        expected = keras.losses.sparse_categorical_crossentropy(y, network(x))
        assert loss == pytest.approx(float(np.mean(expected)), rel=1e-4)


@pytest.mark.parametrize("content", ["{", '{"layers": []}', None], ids=["no JSON", "no layers", "missing"])
def test_a_bad_configuration_gets_a_sentence(content, capsys):
    folder = prepared(TINY)
    (folder / "config.json").unlink()
    if content is not None:
        (folder / "config.json").write_text(content)
    assert rate_finder.main([str(folder)]) == 2
    message = capsys.readouterr().err
    assert message.startswith("cnn.tuning.rate_finder: ") and "config.json" in message and "Traceback" not in message
    assert rate_search.read(folder).state == "failed"


@pytest.mark.parametrize("arguments", [[], ["one", "two"]])
def test_anything_but_one_folder_gets_a_sentence(arguments, capsys):
    assert rate_finder.main(arguments) == 2
    assert "give one folder" in capsys.readouterr().err


def test_without_the_dataset_it_says_what_to_do(quick, monkeypatch, capsys):
    def missing(*arguments):
        raise data.DataUnavailable("It is not there: fetch it.")

    monkeypatch.setattr(data, "load", missing)
    folder = prepared(TINY)
    assert rate_finder.main([str(folder)]) == 1
    progress = rate_search.read(folder)
    assert (progress.state, progress.message) == ("failed", "It is not there: fetch it.")
    assert "Traceback" not in capsys.readouterr().err


def test_a_bug_is_a_failed_search_with_its_traceback_in_the_log(quick, monkeypatch, capsys):
    monkeypatch.setattr(data, "training_batches", lambda *arguments: 1 / 0)
    folder = prepared(TINY)
    assert rate_finder.main([str(folder)]) == 1
    progress = rate_search.read(folder)
    assert progress.state == "failed" and "ZeroDivisionError" in progress.message
    assert "Traceback" in capsys.readouterr().err


def test_a_stop_before_the_first_batch_counts(quick):
    folder = prepared(TINY)
    measurement.stop(folder)
    assert rate_finder.main([str(folder)]) == 0
    assert (rate_search.read(folder).state, rate_search.read(folder).rates) == ("stopped", ())


def before_batch(monkeypatch: pytest.MonkeyPatch, number: int, act: Callable[[], None]) -> None:
    """Do something before the given batch, from 0, is trained."""
    rate_of, acts = rate_search.rate_of, {number: act}

    def act_and_rate(batch: int) -> float:
        acts.pop(batch, lambda: None)()
        return rate_of(batch)

    monkeypatch.setattr(rate_search, "rate_of", act_and_rate)


def test_a_stop_between_two_batches_keeps_what_it_has(quick, monkeypatch):
    folder = prepared(TINY)
    with monkeypatch.context() as patch:
        before_batch(patch, 4, lambda: measurement.stop(folder))
        assert rate_finder.main([str(folder)]) == 0
    progress = rate_search.read(folder)
    assert (progress.state, progress.rates) == ("stopped", tuple(map(rate_search.rate_of, range(5))))


def test_a_search_whose_folder_is_deleted_between_two_batches_ends_and_makes_none(quick, monkeypatch):
    folder = prepared(TINY)
    before_batch(monkeypatch, 4, lambda: shutil.rmtree(folder))
    assert rate_finder.main([str(folder)]) in (0, 1), "whichever it finds first: no folder, or no place for its status"
    assert not folder.exists()

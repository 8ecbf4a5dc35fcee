"""How long a training will take: by this machine's runs, else by what was measured."""

import pytest

from cnn import runs
from cnn.config import PRESET_CARDS, RunConfig, presets
from cnn.runs.estimates import estimate

FAST = presets()["fast"]


def finished(config: RunConfig, seconds: float, epochs: int | None = None) -> runs.Run:
    run = runs.create(config, "Mine")
    (run.path / "model.keras").touch()
    runs.write_status(run.path, runs.Status("finished", epoch=epochs or config.training.epochs, seconds=seconds))
    return runs.read(run.path)


def changed(config: RunConfig, section: str, **values) -> RunConfig:
    return config.model_copy(update={section: getattr(config, section).model_copy(update=values)})


@pytest.mark.parametrize("name", presets())
def test_without_a_run_a_preset_takes_what_was_measured(name):
    found = estimate(presets()[name], runs.shipped())
    measured = PRESET_CARDS[name].measured
    assert found.seconds == pytest.approx(measured.seconds) and found.exact
    assert found.run is None and found.machine == measured.machine


def test_a_run_of_this_machine_goes_before_what_was_measured():
    own = finished(FAST, 90.0)
    found = estimate(changed(changed(FAST, "training", epochs=6), "data", limit=27_500), runs.listed())
    assert found.seconds == pytest.approx(90.0) and found.run == own and found.exact


def test_a_run_that_stopped_early_counts_for_the_epochs_that_it_made():
    finished(FAST, 30.0, epochs=1)
    assert estimate(FAST, runs.listed()).seconds == pytest.approx(90.0)


def test_a_different_network_is_judged_by_its_work():
    own = finished(FAST, 90.0)
    found = estimate(presets()["lecture"], runs.listed())
    assert found.run == own and not found.exact
    assert found.seconds > 90.0 * 10 / 3 * 5, "ten epochs, and more work for each image"


def test_an_unfinished_run_and_one_without_a_time_tell_nothing():
    run = finished(FAST, 0.0)
    runs.write_status(runs.create(FAST).path, runs.Status("stopped", epoch=1, seconds=10.0))
    assert estimate(FAST, runs.listed()).run is None and run.state == "finished"

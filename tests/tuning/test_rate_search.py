"""What a curve of losses over learning rates suggests, and searches as they are started and read."""

import json
import math
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cnn import runs
from cnn.config import Data, RunConfig, Training
from cnn.config.layers import Dense, Flatten
from cnn.runs import measurement
from cnn.tuning import rate_search
from cnn.tuning.rate_search import BATCHES, HIGHEST, LOWEST, has_exploded, rate_of, same_question, smoothed, suggest
from tests.command import NO_PROCESS

RATES = [rate_of(batch) for batch in range(BATCHES)]
CONFIG = RunConfig(data=Data(dataset="synthetic", limit=300), layers=(Flatten(),))


def curve(falls: float, rises: float, begin: float = 2.3, low: float = 0.8, noise: float = 0.0) -> list[float]:
    """A loss that falls around one learning rate, by a logistic function of its logarithm, and soars around another."""
    scale = np.log10(RATES)
    values = low + (begin - low) / (1 + np.exp(6 * (scale - math.log10(falls))))
    values += 0.3 * np.exp(6 * (scale - math.log10(rises)))
    return (values + np.random.default_rng(0).normal(0, noise, BATCHES)).tolist()


# ---------------------------------------------------------------- rates and smoothing


def test_the_rates_rise_by_one_factor_from_the_lowest_to_the_highest():
    assert RATES[0] == LOWEST and RATES[-1] == pytest.approx(HIGHEST)
    factors = np.divide(RATES[1:], RATES[:-1])
    assert factors == pytest.approx(np.full(BATCHES - 1, factors[0])) and factors[0] > 1


def test_smoothing_keeps_a_constant_and_takes_noise_away():
    assert smoothed([2.5] * 30) == pytest.approx(np.full(30, 2.5))
    noisy = np.random.default_rng(1).normal(2, 0.5, 200)
    assert np.std(smoothed(noisy)[10:-10]) < 0.2 * 2 < np.std(noisy)
    spike = np.zeros(41)
    spike[20] = 1
    assert smoothed(spike).argmax() == 20 and smoothed(spike)[10:31] == pytest.approx(smoothed(spike)[30:9:-1])


# ---------------------------------------------------------------- the suggestion


@pytest.mark.parametrize(("falls", "rises"), [(1e-4, 1e-2), (1e-3, 1e-1), (1e-2, 1.0)])
def test_the_suggestion_is_a_tenth_of_where_the_loss_rises_again(falls, rises):
    found = suggest(RATES, curve(falls, rises, noise=0.05), 10)
    assert found.steepest == pytest.approx(falls, rel=0.6)
    assert falls < found.lowest < found.rises < 2 * rises
    assert found.rate == pytest.approx(found.rises / 10, rel=0.3)
    assert rises / 50 < found.rate < rises / 5, "a safe distance below"
    for number in (found.steepest, found.lowest, found.rises):
        assert f"{number:.2g}" in found.text
    assert f"{found.rate:g}" in found.text and "A tenth" in found.text


def test_a_wide_valley_is_used_up_to_its_far_end():
    """Where the loss is low over several powers of ten, noise decides where it is lowest."""
    found = suggest(RATES, curve(1e-5, 1.0, noise=0.02), 10)
    assert found.rate > 0.01 and found.steepest < 1e-4


@pytest.mark.parametrize("rises", [0.013, 0.047, 0.22])
def test_a_suggestion_has_one_digit(rises):
    rate = suggest(RATES, curve(1e-3, rises), 10).rate
    assert rate == float(f"{rate:.0e}")


def test_a_loss_that_never_rises_is_said_to_do_so():
    found = suggest(RATES, curve(1e-2, 1e9), 10)
    assert found.rises is None and "does not rise up to 10" in found.text and found.rate == 1.0


def test_a_first_loss_far_above_guessing_does_not_hide_the_valley():
    high = suggest(RATES, curve(1e-3, 1e-1, begin=6.5), 10)
    assert high.rate == pytest.approx(suggest(RATES, curve(1e-3, 1e-1), 10).rate, rel=0.5)


def test_the_soaring_end_does_not_reach_back():
    losses = curve(1e-3, 1e-1)
    cut = next(index for index, loss in enumerate(losses) if loss > 4)
    soaring = [*losses[:cut], 1e12]
    assert suggest(RATES, soaring, 10).rises == pytest.approx(suggest(RATES, losses, 10).rises, rel=0.5)


@pytest.mark.parametrize("end", [math.nan, math.inf])
def test_what_follows_the_first_loss_that_is_no_number_is_left_out(end):
    losses = curve(1e-3, 1e-1)
    broken = [*losses[:110], end, *losses[111:]]
    assert suggest(RATES, broken, 10) == suggest(RATES[:110], losses[:110], 10)


@pytest.mark.parametrize(
    "losses",
    [
        [],
        [2.3],
        curve(1e-3, 1e-1)[:19],
        [math.nan] * BATCHES,
        [2.3] * BATCHES,
        curve(1e-3, 1e-1, low=2.28),
        np.random.default_rng(2).normal(2.3, 0.5, BATCHES).tolist(),
        np.linspace(2.3, 9, BATCHES).tolist(),
    ],
    ids=["empty", "one", "too short", "no numbers", "flat", "hardly falls", "noise alone", "only rises"],
)
def test_a_curve_that_does_not_fall_suggests_nothing(losses):
    assert suggest(RATES[: len(losses)], losses, 10) is None


def test_noise_alone_suggests_nothing_whatever_its_draw():
    draws = [np.random.default_rng(seed).normal(2.3, 0.6, BATCHES).tolist() for seed in range(50)]
    assert sum(suggest(RATES, draw, 10) is not None for draw in draws) <= 1


def test_an_explosion_is_four_times_the_lowest_loss_or_no_number():
    assert not has_exploded([]) and not has_exploded([2.3, 2.3])
    assert not has_exploded([2.3, 1.0, 0.9, 0.9, 0.9, 3.0, 3.1, 3.0])
    assert has_exploded([2.3, 1.0, 0.9, 0.9, 0.9, 4.5, 4.1, 5.0])
    assert not has_exploded([2.3, 1.0, 0.9, 0.9, 0.9, 1.0, 1.0, 5.0]), "one batch may be odd"
    assert has_exploded([2.3, math.nan]) and has_exploded([math.inf])
    assert not has_exploded([1e-6] * 5 + [1e-4] * 5), "nothing explodes below any loss that matters"


def test_only_some_settings_of_the_training_count():
    other = replace_training(CONFIG, learning_rate=0.5, epochs=77, schedule="cosine", patience=3, calibrate=True)
    assert same_question(CONFIG, other.model_copy(update={"preset": "another"}))
    assert not same_question(CONFIG, replace_training(CONFIG, optimizer="sgd"))
    assert not same_question(CONFIG, replace_training(CONFIG, batch_size=7))
    assert not same_question(CONFIG, CONFIG.model_copy(update={"layers": (Flatten(), Dense(units=5))}))
    assert not same_question(CONFIG, CONFIG.model_copy(update={"data": Data(limit=200)}))


def replace_training(config: RunConfig, **changes) -> RunConfig:
    return config.model_copy(update={"training": Training(**{**config.training.model_dump(), **changes})})


# ---------------------------------------------------------------- starting and reading


def test_a_search_starts_in_a_process_of_its_own_beside_the_runs(commands):
    folder = rate_search.start(CONFIG)
    (started,) = commands
    assert started.command == [sys.executable, "-m", "cnn.tuning.rate_finder", str(folder)]
    assert started.options["start_new_session"] is True
    progress = rate_search.read(folder)
    assert (progress.state, progress.active, progress.rates, progress.config) == ("starting", True, (), CONFIG)
    assert runs.all_runs() == [], "no run is made or changed"


def test_two_searches_do_not_meet(commands):
    assert rate_search.start(CONFIG) != rate_search.start(CONFIG)


def test_old_searches_are_cleared_when_a_new_one_starts(commands):
    old, recent, active = (rate_search.start(CONFIG) for _ in range(3))
    for folder in (old, recent):
        runs.write_status(folder, runs.closed(runs.Status("training"), "stopped"))
    runs.write_status(active, runs.signed(runs.Status("training"), "training"))
    for folder in (old, active):
        os.utime(folder, (time.time() - 7200,) * 2)
    rate_search.start(CONFIG)
    assert (old.exists(), recent.exists(), active.exists()) == (False, True, True)


def with_points(folder: Path, count: int) -> None:
    lines = [json.dumps({"rate": RATES[batch], "loss": 2.3}) for batch in range(count)]
    (folder / "curve.jsonl").write_text("\n".join([*lines, '{"rate": 0.1, "lo']))


def test_progress_is_read_while_it_is_written(commands):
    folder = rate_search.start(CONFIG)
    with_points(folder, 35)
    status = replace(runs.signed(runs.Status("training"), "training"), step=35, steps=BATCHES, seconds_left=12.5)
    runs.write_status(folder, status)
    progress = rate_search.read(folder)
    assert (progress.state, progress.seconds_left, progress.share) == ("training", 12.5, 35 / BATCHES)
    assert progress.rates == tuple(RATES[:35]) and progress.losses == (2.3,) * 35


@pytest.mark.parametrize(
    "line", ['{"rate": 1, "loss": 2.0}', '{"rate": 0.1}', "[1, 2]", '{"rate": 0.1, "loss": NaN}', ""]
)
def test_lines_that_are_no_points_are_passed_over(line, commands):
    folder = rate_search.start(CONFIG)
    (folder / "curve.jsonl").write_text(f'{line}\n{{"rate": 0.1, "loss": 2.0}}\n')
    assert rate_search.read(folder).rates == (0.1,)


def test_a_killed_process_is_noticed(commands):
    folder = rate_search.start(CONFIG)
    runs.write_status(folder, replace(runs.signed(runs.Status("training"), "training"), pid=NO_PROCESS))
    progress = rate_search.read(folder)
    assert (progress.state, progress.active) == ("interrupted", False) and "killed" in progress.message


def test_that_all_steps_are_done_tells_that_it_has_finished(commands):
    folder = rate_search.start(CONFIG)
    runs.write_status(folder, runs.closed(runs.Status("stopped", step=1, steps=1), "stopped", "All rates were tried."))
    assert (rate_search.read(folder).state, rate_search.read(folder).message) == ("finished", "All rates were tried.")


@pytest.mark.parametrize("name", ["config.json", "status.json"])
def test_a_broken_folder_is_a_failed_search_with_a_sentence(name, commands):
    folder = rate_search.start(CONFIG)
    (folder / name).write_text("{")
    progress = rate_search.read(folder)
    assert progress.state == "failed" and name in progress.message


def test_a_folder_that_is_gone_is_no_search(tmp_path):
    assert rate_search.read(tmp_path / "gone") is None
    measurement.stop(tmp_path / "gone")

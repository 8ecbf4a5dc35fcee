"""What a run's curves say: each trouble is named with its number, and a healthy run is left in peace."""

import math
from typing import Any

import pytest

from cnn import runs
from cnn.config import Data, presets
from cnn.runs import diagnosis
from cnn.runs.diagnosis import best_epoch, diagnose, is_plateau
from tests.command import train_here

STEPS = 50  # an epoch


def batch(number: int, loss: float, update: float | None = 0.002, every: int = 5) -> dict[str, Any]:
    """The point of the curve after `number` times `every` batches."""
    epoch, step = divmod(number * every - 1, STEPS)
    record = {"kind": "batch", "epoch": epoch, "step": step + 1, "steps": STEPS, "loss": loss, "accuracy": 0.5}
    return record if update is None else record | {"update": update}


def batches(losses: list[float], *updates: float | None) -> list[dict[str, Any]]:
    """A curve; the updates are spread over it."""
    updates = updates or (0.002,)
    return [batch(n + 1, loss, updates[n * len(updates) // len(losses)]) for n, loss in enumerate(losses)]


def epoch(number: int, loss: float, val_loss: float, **dead: float) -> dict[str, Any]:
    figures = {"loss": loss, "accuracy": 0.5, "val_loss": val_loss, "val_accuracy": 0.5, "dead": dead}
    return {"kind": "epoch", "epoch": number, **figures}


def event(what: str, **values: Any) -> dict[str, Any]:
    return {"kind": "event", "what": what, "epoch": 1, "step": 7, "steps": STEPS, **values}


def falling(first: float, last: float, count: int = 40) -> list[float]:
    return [first + (last - first) * n / (count - 1) for n in range(count)]


def kinds(records: list[dict[str, Any]]) -> list[str]:
    return [finding.kind for finding in diagnose(records)]


def text(records: list[dict[str, Any]], kind: str) -> str:
    (found,) = (finding.text for finding in diagnose(records) if finding.kind == kind)
    return found


STUCK = [2.31] * 40
GOOD = batches(falling(2.3, 0.4), 0.05, 0.003, 0.002, 0.001)
RISES = falling(2.3, 0.6, 30) + falling(0.7, 1.8, 12)
OVERFITS = [epoch(n + 1, 1.0 - n / 10, loss) for n, loss in enumerate([0.9, 0.6, 0.5, 0.58, 0.61, 0.65])]


@pytest.mark.parametrize(
    "records",
    [
        [],
        batches([2.3, 2.2]),
        GOOD,
        [*GOOD, epoch(1, 0.9, 0.8, conv2d=0.0, dense=0.31)],
        [epoch(n + 1, 1.0 - n / 10, loss) for n, loss in enumerate([0.9, 0.6, 0.5, 0.6, 0.52, 0.6])],
        [epoch(n + 1, loss, loss + 0.02) for n, loss in enumerate([1.0, 0.6, 0.5, 0.6, 0.7, 0.8])],
        batches(falling(2.3, 0.2), 0.01, 0.001, 1e-5, 1e-6),
        batches(falling(0.9, 0.3, 20) + falling(0.3, 0.55, 20)),
        batches(falling(2.3, 1.0), 0.45, 0.05, 0.01, 0.005),
        batches(STUCK, None),
        batches(STUCK[:8], 1e-6),
        [event("resumed"), *batches(STUCK[:3], 0.5)],
        [*GOOD, {"kind": "epoch", "epoch": 1, "loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.4}],
        [*GOOD, {**epoch(1, 1.0, 1.0), "dead": "a word"}, {**batch(41, 0.4), "update": "a word"}],
    ],
    ids=[
        "nothing yet",
        "just begun",
        "falling",
        "a third of the ReLUs dead",
        "one bad epoch",
        "both losses rise",
        "settling under a falling rate",
        "a little noise",
        "a leap at the start that did no harm",
        "a run of an older version",
        "few steps at a low rate",
        "few steps at a high rate",
        "an epoch of an older version",
        "written by another program",
    ],
)
def test_a_healthy_run_is_left_in_peace(records):
    assert diagnose(records) == []


def test_shipped_runs_are_left_in_peace_all_the_way():
    for run in runs.shipped():
        records = runs.read_metrics(run)
        ends = [n + 1 for n, record in enumerate(records) if record["kind"] == "epoch"]
        assert ends and not any(diagnose(records[:end]) for end in ends)


# ---------------------------------------------------------------- diverging


def test_a_loss_that_has_doubled_diverges():
    assert kinds(batches(RISES)) == ["diverging"]
    said = text(batches(RISES), "diverging")
    assert "has risen from 0.69 to 1.60" in said and "Lower the learning rate" in said


def test_a_lower_rate_has_a_new_chance():
    assert diagnose([*batches(RISES), event("learning rate", factor=0.1), batch(43, 1.8)]) == []


def test_a_loss_that_is_no_number_any_more_is_told_until_the_run_goes_on():
    records = [*batches([2.0, 3.5, 812.4]), event("diverged")]
    assert kinds(records) == ["diverged"]
    said = text(records, "diverged")
    assert "epoch 2, batch 7" in said and "812" in said and "lower learning rate" in said
    assert kinds([*records, event("learning rate", factor=0.1), event("resumed")]) == []
    assert kinds([*records, event("resumed"), event("diverged")]) == ["diverged"]
    assert "It was" not in text([event("diverged")], "diverged"), "in the first batches nothing had been written down"


# ---------------------------------------------------------------- the learning rate


@pytest.mark.parametrize(
    ("records", "numbers"),
    [
        (batches(STUCK, 0.44, 0.01, 0.005, 0.004), ("2.31, no better than guessing (2.30)", "44%", "200 batches")),
        (batches(STUCK, 0.12, 0.01, 0.005, 0.004), ("2.31, no better than guessing (2.30)", "12%")),
        (batches([*falling(96, 40, 20), *falling(39, 37, 20)], 0.02, 0.005), ("37", "no better than guessing", "2%")),
        ([*batches(STUCK, 0.004), epoch(1, 2.31, 2.31, conv2d=1.0)], ("2.31", "0.4%", "start anew")),
        (batches(falling(2.3, 1.6), 0.51, 0.02, 0.02), ("1.64", "51%")),
        (batches(falling(2.3, 1.0), 0.15), ("each step", "15%")),
        (batches([*falling(20, 6, 20), *falling(6, 3.8, 20)], 42.0, 0.002), ("4200%",)),
    ],
)
def test_a_learning_rate_that_is_too_high_is_named_with_its_numbers(records, numbers):
    said = text(records, "learning rate too high")
    assert all(number in said for number in (*numbers, "about 0.1% is usual")), said
    assert "learning rate too low" not in kinds(records)


@pytest.mark.parametrize(
    ("records", "numbers"),
    [
        (batches(falling(2.32, 2.315), 4.1e-6), ("0.00041%", "2.32 to 2.32")),
        (batches(falling(2.36, 2.23), 9.4e-5), ("0.0094%", "2.36 to 2.24")),
        (batches(falling(6.4, 5.9), 0.00011), ("0.011%", "6.40 to 5.93")),
        ([*batches(STUCK[:20], 0.01), event("learning rate"), *batches(STUCK, 1e-5)[20:]], ("0.001%",)),
    ],
)
def test_a_learning_rate_that_is_too_low_is_named_with_its_numbers(records, numbers):
    said = text(records, "learning rate too low")
    assert all(number in said for number in (*numbers, "about 0.1% is usual", "Raise it")), said
    assert kinds(records) == ["learning rate too low"]


def test_a_dead_network_is_not_asked_for_a_higher_rate():
    assert kinds([*batches(STUCK, 1e-5), epoch(1, 2.31, 2.31, conv2d=1.0)]) == ["dead ReLUs"]


def test_a_low_rate_at_the_end_is_nobody_s_mistake():
    records = [*GOOD, event("learning rate", factor=0.001), *[batch(n, 0.4, 1e-6) for n in range(41, 80)]]
    assert diagnose(records) == []


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (1e-6, ["learning rate too low"]),
        pytest.param(1e-3, [], marks=pytest.mark.slow),
        (1e-2, []),
        (10.0, ["learning rate too high", "dead ReLUs"]),
    ],
)
def test_real_trainings_at_sane_rates_are_left_in_peace_and_absurd_ones_named(rate, expected, draw_once):
    preset = presets()["tiny"]
    training = preset.training.model_copy(update={"learning_rate": rate, "schedule": "constant", "batch_size": 16})
    config = preset.model_copy(update={"data": Data(dataset="synthetic", limit=1000), "training": training})
    run = runs.create(config)
    assert train_here(run.path).code == 0
    assert kinds(runs.read_metrics(run)) == expected


# ---------------------------------------------------------------- overfitting and dead ReLUs


def test_overfitting_is_told_with_the_epoch_since_when():
    assert kinds(OVERFITS) == ["overfitting"]
    said = text(OVERFITS, "overfitting")
    assert "since epoch 3" in said and "from 0.500 to 0.650 (+30%)" in said and "fell from 0.800 to 0.500" in said
    assert kinds(OVERFITS[:5]) == []


def test_a_network_that_knows_nothing_yet_does_not_overfit():
    """With batch normalisation the validation loss rises at first, while the running means lag behind."""
    records = [epoch(n + 1, 1.5 - n / 10, loss) for n, loss in enumerate([2.2, 2.6, 2.8, 2.9, 2.9])]
    assert kinds(records[:4]) == [], "nor has it learned the training pictures"
    assert kinds(records) == ["lagging means"]
    assert "(loss 1.100)" in text(records, "lagging means") and "(2.900)" in text(records, "lagging means")
    assert kinds([*records, epoch(6, 1.0, 1.2)]) == []


def test_layers_whose_relus_are_mostly_dead_are_named_with_their_shares():
    records = [epoch(1, 0.9, 0.8, conv2d=1.0), epoch(2, 0.9, 0.8, conv2d=0.25, conv2d_1=0.625, dense=0.97)]
    assert kinds(records) == ["dead ReLUs"]
    said = text(records, "dead ReLUs")
    assert "62% of the units of conv2d_1, 97% of the units of dense" in said and "conv2d " not in said


def test_the_gravest_comes_first_and_one_trouble_is_told_once():
    records = [*batches(RISES, 0.4), *OVERFITS[:-1], {**OVERFITS[-1], "dead": {"dense": 0.9}}]
    assert kinds(records) == ["diverging", "overfitting", "dead ReLUs"]


# ---------------------------------------------------------------- the best epoch


def test_the_best_epoch_has_the_lowest_validation_loss_the_first_of_equals():
    assert best_epoch([]) is None and best_epoch(GOOD) is None
    assert best_epoch(OVERFITS) == 3
    assert best_epoch([epoch(1, 1, 0.5), epoch(2, 1, 0.4), epoch(3, 1, 0.4)]) == 2


@pytest.mark.parametrize(("epochs", "expected"), [(3, []), (4, [1]), (5, [1, 2]), (6, [1, 2, 3])])
def test_a_plateau_lasts_as_many_epochs_as_patience_allows(epochs, expected):
    assert [patience for patience in (1, 2, 3, 4) if is_plateau(OVERFITS[:epochs], patience)] == expected
    assert not is_plateau([], 1)


def test_guessing_is_the_cross_entropy_of_ten_equal_probabilities():
    assert abs(diagnosis._GUESSING + math.log(0.1)) < 1e-12

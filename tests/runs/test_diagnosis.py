"""What a run's curves say: each trouble is named with its number, and a healthy run is left in peace."""

import math
from typing import Any

import pytest

from cnn import runs
from cnn.config import DATASET_CARDS, Data, RunConfig, Training, presets
from cnn.config.layers import Dense, Dropout, Flatten
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
    """Of the problems."""
    return [finding.kind for finding in diagnose(records) if finding.is_problem]


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
    assert kinds(records) == []
    assert diagnose(records), "which is said"


def test_shipped_runs_are_left_in_peace_all_the_way():
    """Those of Fashion-MNIST. The one in colour has learned 800 photos, and better than others: that is said."""
    for run in runs.shipped():
        if run.id == runs.COLOUR_ID:
            continue
        records = runs.read_metrics(run)
        ends = [n + 1 for n, record in enumerate(records) if record["kind"] == "epoch"]
        found = [diagnose(records[:end], run.config, active=True) for end in ends]
        assert ends and not any(finding.is_problem for findings in found for finding in findings)
        last = diagnose(records, run.config)
        assert last[0].kind == "no problem" and not any(finding.is_problem for finding in last)


# ---------------------------------------------------------------- diverging


def test_a_loss_that_has_doubled_diverges():
    assert kinds(batches(RISES)) == ["diverging"]
    said = text(batches(RISES), "diverging")
    assert "has risen from 0.69 to 1.60" in said and "Lower the learning rate" in said


def test_a_lower_rate_has_a_new_chance():
    assert kinds([*batches(RISES), event("learning rate", factor=0.1), batch(43, 1.8)]) == []


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
        ([*batches(STUCK, 0.004), epoch(1, 2.31, 2.31, conv2d=1.0)], ("2.31", "0.4%", "start again")),
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
    assert kinds(records) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rate", "expected"),
    [(1e-6, ["learning rate too low"]), (1e-3, []), (1e-2, []), (10.0, ["learning rate too high", "dead ReLUs"])],
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


def test_a_network_that_does_better_on_the_validation_images_does_not_overfit():
    """Augmented training images are harder than any; what rises there and falls again is the learning rate's doing."""
    harder = [{**record, "loss": record["loss"] + 0.3} if record["kind"] == "epoch" else record for record in OVERFITS]
    assert harder[-1]["loss"] > harder[-1]["val_loss"] and kinds(harder) == []


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


# ---------------------------------------------------------------- too early, underfitting, still improving


def whole(
    number: int, accuracy: float, val_accuracy: float, loss: float = 1.0, val_loss: float = 1.0
) -> dict[str, Any]:
    figures = {"loss": loss, "accuracy": accuracy, "val_loss": val_loss, "val_accuracy": val_accuracy}
    return {"kind": "epoch", "epoch": number, **figures}


def config(dataset: str = "fashion-mnist", schedule: str = "constant", *layers, **data: Any) -> RunConfig:
    training = Training(epochs=10, schedule=schedule)
    return RunConfig(data=Data(dataset=dataset, **data), layers=(Flatten(), Dense(), *layers), training=training)


def said(records: list[dict[str, Any]], config_: RunConfig | None = None, active: bool = False) -> dict[str, str]:
    return {finding.kind: finding.text for finding in diagnose(records, config_, active)}


BEGUN = batches(falling(2.3, 2.0, 8))
ENOUGH = batches(falling(2.3, 0.5), 0.01, 0.001)  # 200 batches, four epochs


@pytest.mark.parametrize(
    ("records", "numbers"),
    [
        ([], "0 batches and 0 whole epochs"),
        ([batch(1, 2.3, every=1)], "1 batch and 0 whole epochs"),
        (BEGUN, "40 batches and 0 whole epochs"),
        ([*BEGUN, {**event("stopped"), "epoch": 0, "step": 41}], "41 batches and 0 whole epochs"),
        (ENOUGH[:9], "45 batches and 0 whole epochs"),
        (ENOUGH, "200 batches and 0 whole epochs"),
        ([{**BEGUN[0], "step": 8, "steps": 8}, whole(1, 0.3, 0.4)], "8 batches and 1 whole epoch so far"),
        ([{**BEGUN[0], "step": 8, "steps": 8}, *(whole(n, 0.9, 0.2) for n in (1, 2))], "16 batches and 2 whole epochs"),
    ],
)
@pytest.mark.parametrize("active", [True, False])
def test_too_early_is_told_with_what_was_seen(records, numbers, active):
    found = said(records, config(), active)
    assert numbers in found["too early"] and "at least 50 batches and one whole epoch" in found["too early"]
    assert ("Train longer" in found["too early"]) == (not active)
    assert found.keys() <= {"too early", "validation above training"}


def test_fifty_batches_and_an_epoch_are_enough():
    records = [{**BEGUN[0], "step": 25, "steps": 25}]
    assert "too early" in said([*records, whole(1, 0.5, 0.5)])
    assert "too early" not in said([*records, whole(1, 0.5, 0.5), whole(2, 0.5, 0.5)])
    assert "too early" not in said([whole(1, 0.5, 0.5)]), "of an older version, which told no batches"


@pytest.mark.parametrize("dataset", DATASET_CARDS)
@pytest.mark.parametrize("augmented", [False, True])
@pytest.mark.parametrize(("training", "validation"), [(0.45, 0.44), (0.55, 0.68), (0.68, 0.66)])
def test_a_network_that_ends_below_a_linear_one_underfits(training, validation, dataset, augmented):
    linear = DATASET_CARDS[dataset].linear_accuracy
    training, validation = (accuracy / 0.84 * linear for accuracy in (training, validation))  # given for 0.84
    records = [*ENOUGH, whole(4, training, validation)]
    ended = diagnose(records, config(dataset, flip=augmented))
    assert [finding.kind for finding in ended if finding.is_problem] == ["underfitting"]
    reached = f"{linear:.0%}"
    assert all(part in ended[0].text for part in ("4 epochs", f"{training:.1%}", f"{validation:.1%}", reached))
    assert "Train longer or use a larger network" in ended[0].text
    goes_on = said(records, config(dataset), active=True)
    assert "4 of 10 epochs" in goes_on["still learning"] and f"{validation:.1%}" in goes_on["still learning"]
    assert "underfitting" not in goes_on and "no problem" not in goes_on


@pytest.mark.parametrize(("training", "validation"), [(0.85, 0.78), (0.7, 0.85), (0.92, 0.91)])
def test_a_network_that_does_better_than_a_linear_one_does_not_underfit(training, validation):
    """Augmentation makes training accuracy low, few images validation accuracy: neither alone is underfitting."""
    found = said([*ENOUGH, whole(4, training, validation)], config())
    assert "underfitting" not in found and f"{training:.1%}" in found["no problem"]


def test_without_a_linear_accuracy_only_the_curves_count(monkeypatch):
    assert "no problem" in said([*ENOUGH, whole(4, 0.3, 0.3)])


def test_more_images_are_advised_where_there_are_more():
    records = [*ENOUGH, whole(4, 0.4, 0.4)]
    assert "use more than 500 images" in said(records, config(limit=500))["underfitting"]
    assert "images," not in said(records, config("synthetic", limit=10_000))["underfitting"]


def test_a_flat_loss_is_not_trained_longer():
    flat = [*ENOUGH, whole(3, 0.4, 0.4, loss=1.5), whole(4, 0.4, 0.4, loss=1.49)]
    found = said(flat, config("fashion-mnist", "constant", Dropout(), shift=2))["underfitting"]
    assert "fell by only 0.7%: use a larger network" in found and "rain longer" not in found
    assert "less dropout and augmentation" in found
    assert "less" not in said(flat, config())["underfitting"]
    assert "Train longer" in said(flat, config(schedule="cosine"))["underfitting"], "its last epoch is flat by design"


def test_a_training_that_ended_too_early_is_still_improving():
    falls = [*ENOUGH, whole(3, 0.85, 0.85, 0.5, 0.45), whole(4, 0.88, 0.87, 0.42, 0.4)]
    found = said(falls, config())
    assert "fell by 16%" in found["still improving"] and "no problem" not in found
    assert "still improving" not in said(falls, config(), active=True)
    settled = [*ENOUGH, whole(3, 0.88, 0.87, 0.43, 0.4), whole(4, 0.88, 0.87, 0.42, 0.4)]
    assert "no problem" in said(settled, config())
    risen = [*ENOUGH, whole(3, 0.85, 0.85, 0.5, 0.4), whole(4, 0.88, 0.87, 0.42, 0.41)]
    assert "no problem" in said(risen, config())
    solved = [*ENOUGH, whole(3, 0.98, 0.985, 0.05, 0.04), whole(4, 0.99, 0.99, 0.02, 0.02)]
    assert "no problem" in said(solved, config())


@pytest.mark.parametrize(("last", "expected"), [(0.45, "fell by 25%. Train longer"), (0.59, None)])
def test_within_a_first_epoch_the_points_tell_whether_it_still_improves(last, expected):
    losses = [1.0] * 6 + [0.6] * 6 + [last] * 6
    points = [{**batch(1, loss), "epoch": 0, "step": 5 * n + 5, "steps": 90} for n, loss in enumerate(losses)]
    found = said([*points, whole(1, 0.8, 0.86)], config())
    assert "no problem" in found if expected is None else expected in found["still improving"]


def test_images_learned_by_heart_are_overfitting_before_the_loss_rises():
    records = [*ENOUGH, *(whole(n, 0.8 + n / 30, 0.75, 0.5 / n, 0.7) for n in (1, 2, 3, 4))]
    found = said(records, config(limit=500))
    assert "93.3%" in found["overfitting"] and "18 points" in found["overfitting"] and "75.0%" in found["overfitting"]
    assert "overfitting" not in said(records[:-2], config()), "two epochs are too few"
    falls = [*ENOUGH, *(whole(n, 0.9, 0.7, 0.5 / n, 0.9 - n / 8) for n in (1, 2, 3, 4))]
    assert "overfitting" not in said(falls, config()), "the running means of batch normalisation lag behind"


def test_another_problem_explains_a_low_accuracy():
    diverged = [*ENOUGH, whole(4, 0.3, 0.3), event("diverged")]
    assert list(said(diverged, config())) == ["diverged"]
    low = [*batches(falling(2.32, 2.315), 4.1e-6), whole(4, 0.1, 0.1)]
    assert list(said(low, config())) == ["learning rate too low"]


def test_a_training_that_diverged_in_its_first_batches_is_not_too_young():
    assert list(said([{**event("diverged"), "epoch": 0, "step": 3}], config())) == ["diverged"]


# ---------------------------------------------------------------- validation above training


def test_validation_above_training_is_explained():
    records = [*ENOUGH, whole(4, 0.86, 0.9)]
    plain = said(records, config())["validation above training"]
    assert "90.0%" in plain and "86.0%" in plain and "mean over the epoch" in plain
    assert "augmentation" not in plain and "dropout" not in plain
    varied = said(records, config("fashion-mnist", "constant", Dropout(), random_erasing=0.2))
    assert (
        "augmentation makes" in varied["validation above training"]
        and "dropout is off" in varied["validation above training"]
    )
    assert not [finding for finding in diagnose(records) if finding.is_problem], "it is no problem"
    assert "validation above training" not in said([*ENOUGH, whole(4, 0.9, 0.905)])


@pytest.mark.parametrize(
    "way", ["flip", "shift", "random_affine", "random_erasing", "style_augmentation", "own_images"]
)
def test_every_way_to_vary_images_counts_as_augmentation(way):
    value = {"flip": True, "shift": 1}.get(way, 0.2)
    found = said([*ENOUGH, whole(4, 0.86, 0.9)], config(**{way: value}))
    assert "augmentation makes" in found["validation above training"]


# ---------------------------------------------------------------- the best epoch


def test_the_best_epoch_has_the_lowest_validation_loss_the_first_of_equals():
    assert best_epoch([]) is None and best_epoch(GOOD) is None
    assert best_epoch(OVERFITS) == 3
    assert best_epoch([epoch(1, 1, 0.5), epoch(2, 1, 0.4), epoch(3, 1, 0.4)]) == 2


@pytest.mark.parametrize(("epochs", "expected"), [(3, []), (4, [1]), (5, [1, 2]), (6, [1, 2, 3])])
def test_a_plateau_lasts_as_many_epochs_as_patience_allows(epochs, expected):
    assert [patience for patience in (1, 2, 3, 4) if is_plateau(OVERFITS[:epochs], patience)] == expected
    assert not is_plateau([], 1)


def test_guessing_is_the_cross_entropy_of_equal_probabilities_of_all_classes():
    data = Data(dataset="Hats", classes=("hat", "cap", "scarf"), image_size=(20, 30))
    assert abs(diagnosis._guessing(config().model_copy(update={"data": data})) - math.log(3)) < 1e-12
    assert abs(diagnosis._guessing(None) - math.log(10)) < 1e-12

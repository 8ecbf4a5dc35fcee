"""Two networks on the same images: the test and the interval against published examples, SciPy and scikit-learn."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score, recall_score

from cnn.evaluation import latency, paired
from cnn.evaluation.paired import Comparison
from cnn.evaluation.predictions import Predictions

NAMES = ("boot", "bag", "coat")


def predicting(predicted: list[int] | np.ndarray, labels: list[int] | np.ndarray, **changed) -> Predictions:
    """Predictions of these classes, each with a probability of about 0.84."""
    logits = np.float32(3.0) * np.eye(len(NAMES), dtype=np.float32)[np.asarray(predicted)]
    return Predictions(
        **{"split": "test", "labels": np.asarray(labels), "logits": logits, "class_names": NAMES} | changed
    )


def at_random(seed: int, count: int = 500) -> tuple[Predictions, Predictions]:
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, 3, count)
    found = [np.where(chance.random(count) < right, labels, chance.integers(0, 3, count)) for right in (0.8, 0.7)]
    return predicting(found[0], labels), predicting(found[1], labels)


# --- the numbers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "interval", "half_a_digit"),
    [
        ((36, 12, 2, 0), (0.0569, 0.3404), 5e-5),  # Newcombe 1998, table III, case (a)
        ((14, 5, 0, 22), (0.011, 0.226), 5e-4),  # Altman et al. 2000, "Statistics with Confidence", table 6.2
        ((1, 1, 7, 12), (-0.507, -0.026), 5e-4),  # Fagerland et al. 2014, Statistics in Medicine 33, its first example
    ],
)
def test_the_interval_is_that_of_published_examples(counts, interval, half_a_digit):
    assert Comparison(*counts).interval == pytest.approx(interval, abs=half_a_digit)


def test_the_interval_turns_with_the_networks_and_holds_at_the_ends():
    low, high = Comparison(20, 12, 2, 16).interval
    assert Comparison(20, 12, 2, 16).turned.interval == pytest.approx((-high, -low))
    for counts in ((10, 0, 0, 0), (0, 0, 0, 10), (0, 10, 0, 0), (0, 0, 10, 0), (1, 0, 0, 0), (0, 5, 5, 0)):
        found = Comparison(*counts)
        low, high = found.interval
        assert -1 <= low <= found.difference <= high <= 1
    assert Comparison(10_000, 0, 0, 0).interval == pytest.approx((0, 0), abs=1e-3)


@pytest.mark.parametrize("shares", [(0.88, 0.06, 0.03, 0.03), (0.5, 0.01, 0.01, 0.48), (0.2, 0.3, 0.3, 0.2)])
def test_95_of_100_intervals_hold_the_true_difference(shares):
    samples = np.random.default_rng(7).multinomial(300, shares, 2000)
    ends = np.array([Comparison(*map(int, counts)).interval for counts in samples])
    true = shares[1] - shares[2]
    assert ((ends[:, 0] <= true) & (true <= ends[:, 1])).mean() == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("counts", [(0, 0), (1, 0), (5, 5), (12, 2), (2, 12), (30, 31), (482, 189), (900, 1200)])
def test_the_p_value_is_scipys(counts):
    expected = binomtest(counts[0], sum(counts)).pvalue if sum(counts) else 1.0
    assert Comparison(100, *counts, 50).p_value == pytest.approx(expected, rel=1e-9)


def test_a_p_value_may_be_as_small_as_it_is():
    assert 0 <= Comparison(0, 5000, 0, 0).p_value < 1e-300


def test_equally_good_networks_are_rarely_told_apart():
    chance = np.random.default_rng(3)
    found = [Comparison(900, one, 40 - one, 60).p_value for one in chance.binomial(40, 0.5, 3000).tolist()]
    assert 0.01 < np.mean(np.array(found) < 0.05) <= 0.055


def test_agreement_is_scikit_learns():
    first, second = at_random(1)
    same, kappa = paired.agreement(first, second)
    assert same == (first.predicted == second.predicted).mean()
    assert kappa == pytest.approx(cohen_kappa_score(first.predicted, second.predicted))
    always = predicting([1, 1], [0, 1])
    assert paired.agreement(always, always)[0] == 1 and np.isnan(paired.agreement(always, always)[1])


# --- which images -----------------------------------------------------------------------------------------------


def test_every_image_is_in_the_box_that_it_belongs_to():
    labels = [0, 1, 2, 0, 1, 2]
    first, second = predicting([0, 1, 0, 1, 2, 2], labels), predicting([0, 2, 2, 1, 0, 2], labels)
    assert [box.tolist() for box in paired.boxes(first, second)] == [[0, 5], [1], [2], [3, 4]]
    assert np.flatnonzero(paired.same_mistakes(first, second)).tolist() == [3]
    found = paired.compare(first, second)
    assert found == Comparison(2, 1, 1, 2) and found.accuracies == (0.5, 0.5) and found.p_value == 1


def test_the_differences_of_classes_are_those_of_their_recalls():
    first, second = at_random(2)
    found = paired.per_class(first, second)
    recalls = [recall_score(one.labels, one.predicted, average=None) for one in (first, second)]
    assert [row.comparison.accuracies for row in found] == [pytest.approx(pair) for pair in zip(*recalls, strict=True)]
    assert sum(row.comparison.count for row in found) == len(first)
    assert sum(row.comparison.only_first for row in found) == paired.compare(first, second).only_first
    without = predicting([0, 1], [0, 0])
    assert [row.name for row in paired.per_class(without, without)] == ["boot"], "no rate of a class without images"


def test_an_ensemble_predicts_by_the_mean_of_the_probabilities():
    first, second = at_random(4)
    sure = Predictions("test", first.labels, second.logits * 50, NAMES)  # whose probabilities reach 0
    found = paired.ensemble(first, sure)
    assert found.probabilities == pytest.approx((first.probabilities + sure.probabilities) / 2)
    assert np.isfinite(found.losses).all()
    assert (found.predicted == (first.probabilities + sure.probabilities).argmax(axis=1)).all()
    assert paired.ensemble(first).accuracy == first.accuracy


# --- what cannot be compared ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"class_names": ("boot", "bag", "hat")}, "different classes"),
        ({"split": "validation"}, "one was measured on test, one on validation images"),
        ({"labels": np.array([0, 2])}, "test images are not the same"),
    ],
)
def test_what_is_not_of_the_same_images_is_refused_in_a_sentence(changed, words):
    first, other = predicting([0, 1], [0, 1]), predicting([0, 1], **{"labels": [0, 1]} | changed)
    for refused in (paired.compare, paired.per_class, paired.ensemble):
        with pytest.raises(paired.NotComparable, match=words):
            refused(first, other)
    with pytest.raises(paired.NotComparable, match="not the same"):
        paired.compare(first, predicting([0, 1, 2], [0, 1, 2]))


# --- in words ---------------------------------------------------------------------------------------------------


def test_the_better_network_is_named_first():
    found = Comparison(9013, 482, 189, 316)
    said = found.in_words("Deep", "Flat")
    assert said.startswith("Deep is right on 293 more of 10,000 images than Flat: +2.93 points (2.4")
    assert said.endswith("would come up by chance with p < 0.001 (McNemar's exact test).")
    assert found.turned.in_words("Flat", "Deep") == said
    assert "may well be chance: p = 0.69" in Comparison(10, 4, 2, 0).in_words("a", "b")
    equal = Comparison(10, 2, 2, 0).in_words("a", "b")
    assert equal.startswith("a and b are right on equally many of 14 images: 0 points apart (−")


# --- latency ----------------------------------------------------------------------------------------------------


class Immediate:
    """A network that takes no time and counts what it was given."""

    input_shape = (None, 4, 5, 3)

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def predict_on_batch(self, batch: np.ndarray) -> np.ndarray:
        self.shapes.append(batch.shape)
        return batch


def test_latency_is_of_single_images_and_kept_for_this_machine(own_tiny, monkeypatch):
    network, shares = Immediate(), []
    steps = latency.measuring(network)
    try:
        while True:
            shares.append(next(steps))
    except StopIteration as end:
        found = end.value
    assert shares[-1] == 1 and shares == sorted(shares)
    assert set(network.shapes) == {(1, 4, 5, 3)} and len(network.shapes) > len(found.seconds) == latency.PASSES
    assert 0 < found.median < 0.01 and "core" in found.machine
    assert latency.kept(own_tiny) is None
    latency.keep(own_tiny, found)
    assert latency.kept(own_tiny).median == found.median
    monkeypatch.setattr(latency, "machine", lambda: "another, 1 core")
    assert latency.kept(own_tiny) is None, "measured elsewhere"

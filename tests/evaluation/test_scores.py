"""Rates, intervals, curves and orders, against published examples, brute force and scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from cnn.evaluation import scores
from cnn.evaluation.predictions import Predictions

NAMES = ("cap", "glove", "scarf", "sock")
RNG = np.random.default_rng(3)
LABELS = RNG.integers(0, 4, 300)
LOGITS = (RNG.normal(size=(300, 4)) + 2 * np.eye(4)[LABELS]).astype(np.float32)
FOUND = Predictions("test", LABELS, LOGITS, NAMES)


@pytest.mark.parametrize(
    ("right", "count", "ends"),
    [(81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)), (0, 20, (0.0, 0.1611)), (1, 29, (0.0061, 0.1718))],
)
def test_the_interval_is_that_of_newcombe_1998_table_1(right, count, ends):
    assert scores.interval(right, count) == pytest.approx(ends, abs=5e-5)


def test_the_interval_holds_the_true_rate_19_times_in_20():
    right = np.random.default_rng(1).binomial(500, 0.93, 4000)
    held = [low <= 0.93 <= high for low, high in (scores.interval(int(n), 500) for n in right)]
    assert 0.94 < np.mean(held) < 0.965


def test_all_right_ends_at_one():
    low, high = scores.interval(50, 50)
    assert high == 1.0 and 0.9 < low < 1


def test_confusion_and_its_largest_cells():
    matrix = scores.confusion(FOUND)
    assert matrix.sum() == 300 and np.trace(matrix) == FOUND.right.sum()
    worst = scores.most_confused(matrix, 20)
    assert [one.count for one in worst] == sorted(matrix[~np.eye(4, dtype=bool)], reverse=True)[: len(worst)]
    assert all(matrix[one.true, one.predicted] == one.count and one.of == matrix[one.true].sum() for one in worst)
    assert scores.most_confused(np.diag([3, 4])) == []


def test_scores_of_each_class_by_hand():
    for label, row in enumerate(scores.per_class(FOUND)):
        called, is_class = FOUND.predicted == label, label == LABELS
        precision, recall = (called & is_class).sum() / called.sum(), (called & is_class).sum() / is_class.sum()
        assert (row.name, row.support) == (NAMES[label], is_class.sum())
        assert (row.precision, row.recall) == pytest.approx((precision, recall))
        assert row.f1 == pytest.approx(2 * precision * recall / (precision + recall))
        assert row.confidence == pytest.approx(FOUND.confidence[is_class].mean())


def test_means_over_classes():
    macro, weighted = scores.means(FOUND)
    rows = scores.per_class(FOUND)
    assert macro.recall == pytest.approx(np.mean([row.recall for row in rows]))
    assert weighted.recall == pytest.approx(FOUND.accuracy)
    assert weighted.f1 == pytest.approx(np.average([row.f1 for row in rows], weights=[row.support for row in rows]))


def test_a_class_without_images_has_no_confidence_and_spoils_no_mean():
    found = Predictions("test", np.array([0, 1]), np.eye(4, dtype=np.float32)[:2], NAMES)
    absent = scores.per_class(found)[3]
    assert (absent.precision, absent.recall, absent.support) == (0, 0, 0) and np.isnan(absent.confidence)
    assert absent.rounded()["confidence"] is None and absent.rounded()["class"] == "sock"
    assert scores.means(found)[0].recall == 1.0


def test_curves_are_those_of_scikit_learn():
    curves, is_class = scores.curves(FOUND, 2), LABELS == 2
    assert curves.auroc == pytest.approx(metrics.roc_auc_score(is_class, FOUND.probabilities[:, 2]))
    false, true, _ = metrics.roc_curve(is_class, FOUND.probabilities[:, 2], drop_intermediate=False)
    assert (curves.false_positive_rate == false).all() and (curves.true_positive_rate == true).all()
    called = [(FOUND.probabilities[:, 2] >= threshold) for threshold in curves.thresholds[1:]]
    assert curves.precision[1:] == pytest.approx([(one & is_class).sum() / one.sum() for one in called])
    assert curves.average_precision == pytest.approx(
        metrics.average_precision_score(is_class, FOUND.probabilities[:, 2])
    )


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.5, 0.99, 1.0])
def test_a_threshold_is_found_on_the_curves(threshold):
    curves, is_class = scores.curves(FOUND, 1), LABELS == 1
    called = FOUND.probabilities[:, 1] >= threshold
    at = curves.at(threshold)
    assert curves.true_positive_rate[at] == pytest.approx((called & is_class).sum() / is_class.sum())
    assert curves.false_positive_rate[at] == pytest.approx((called & ~is_class).sum() / (~is_class).sum())


def test_no_curve_where_there_is_nothing_to_tell_apart():
    assert np.isnan(scores.curves(Predictions("test", np.zeros(4, int), LOGITS[:4], NAMES), 0).auroc)


def test_classes_that_are_confused_stand_together():
    matrix = np.diag([50] * 6)
    for one, other in ((0, 3), (1, 4), (2, 5)):
        matrix[one, other] = matrix[other, one] = 20
    order = scores.by_similarity(matrix)
    assert sorted(order) == list(range(6))
    places = {label: place for place, label in enumerate(order)}
    assert all(abs(places[one] - places[other]) == 1 for one, other in ((0, 3), (1, 4), (2, 5)))
    assert scores.by_similarity(np.eye(2)) == [0, 1]


@pytest.mark.parametrize("order", scores.ORDERS)
def test_an_order_changes_nothing_but_the_order(order):
    chosen = np.flatnonzero(LABELS < 2)
    assert sorted(scores.ordered(FOUND, chosen, order)) == chosen.tolist()


def test_mistakes_come_before_hits_the_most_confident_first():
    listed = scores.ordered(FOUND, np.arange(300), "Most confident mistake")
    wrong = int((~FOUND.right).sum())
    assert not FOUND.right[listed[:wrong]].any() and FOUND.right[listed[wrong:]].all()
    assert (np.diff(FOUND.confidence[listed[:wrong]]) <= 0).all()
    hits = scores.ordered(FOUND, np.arange(300), "Least confident hit")
    assert FOUND.right[hits[: 300 - wrong]].all() and (np.diff(FOUND.confidence[hits[: 300 - wrong]]) >= 0).all()


def test_balanced_accuracy_is_scikit_learns_and_leaves_out_classes_without_images():
    assert scores.balanced_accuracy(FOUND) == pytest.approx(metrics.balanced_accuracy_score(LABELS, FOUND.predicted))
    assert not scores.is_unequal(FOUND)
    few = Predictions("test", np.array([0, 0, 0, 1]), 4 * np.eye(4, dtype=np.float32)[[0, 0, 1, 1]], NAMES)
    assert scores.balanced_accuracy(few) == pytest.approx((2 / 3 + 1) / 2)
    assert scores.is_unequal(few)

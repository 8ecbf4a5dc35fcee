"""Planted label errors are found, by out-of-fold predictions and by networks that agree."""

import numpy as np
import pytest

from cnn.evaluation import label_errors
from cnn.evaluation.predictions import Predictions


def of(probabilities: list | np.ndarray, labels: np.ndarray) -> Predictions:
    return Predictions("test", labels, np.log(np.maximum(np.asarray(probabilities, float), 1e-9)), ("a", "b", "c", "d"))


def test_the_confident_joint_is_that_of_the_paper():
    """Against a loop over equation 1, as it stands."""
    chance = np.random.default_rng(4)
    probabilities, labels = chance.dirichlet(np.ones(4), 300), chance.integers(0, 4, 300)
    means = [probabilities[labels == j, j].mean() for j in range(4)]
    expected = []
    for row in probabilities:
        reached = [j for j in range(4) if row[j] >= means[j]]
        expected.append(max(reached, key=lambda j: row[j]) if reached else -1)
    np.testing.assert_allclose(label_errors.thresholds(probabilities, labels), means)
    assert label_errors.confident_class(probabilities, labels).tolist() == expected
    suspects = label_errors.out_of_fold(probabilities, labels)
    assert sorted(suspects.index) == [i for i, y in enumerate(expected) if y not in (-1, labels[i])]
    assert (suspects.suggested == np.array(expected)[suspects.index]).all()


def test_the_ranking_is_by_the_normalised_margin():
    labels = np.array([0, 0, 0, 1, 1, 1, 1])
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.05, 0.95], [0.1, 0.9], [0.99, 0.01], [0.3, 0.7]])
    suspects = label_errors.out_of_fold(probabilities, labels)
    assert suspects.index.tolist() == [5, 2] and suspects.suggested.tolist() == [0, 1]
    np.testing.assert_allclose(suspects.margin, [-0.98, -0.6])
    np.testing.assert_allclose(suspects.self_confidence, [0.01, 0.2])
    np.testing.assert_allclose(suspects.confidence, [0.99, 0.8])


def test_flipped_labels_come_first():
    """2% of 3,000 labels are flipped; a good but imperfect classifier, as out-of-fold predictions are one."""
    chance = np.random.default_rng(0)
    classes, count = 5, 3000
    truth = chance.integers(0, classes, count)
    logits = chance.normal(0, 1, (count, classes))
    logits[np.arange(count), truth] += 5
    labels = truth.copy()
    flipped = chance.choice(count, count // 50, replace=False)
    labels[flipped] = (truth[flipped] + chance.integers(1, classes, len(flipped))) % classes
    powers = np.exp(logits)
    suspects = label_errors.out_of_fold(powers / powers.sum(axis=1, keepdims=True), labels)
    planted = np.isin(suspects.index, flipped)
    assert planted.mean() > 0.95 and planted.sum() / len(flipped) > 0.8, "precision and recall"
    assert (suspects.suggested == truth[suspects.index])[planted].all()


def test_a_class_without_images_is_never_suggested():
    probabilities = np.array([[0.6, 0.1, 0.3], [0.2, 0.1, 0.7], [0.3, 0.6, 0.1]])
    suspects = label_errors.out_of_fold(probabilities, np.array([0, 0, 1]))
    assert 2 not in suspects.suggested


def test_networks_that_agree_on_another_class_make_a_suspect():
    labels = np.array([0, 0, 0, 1, 2])
    three = [
        of([[0.1, 0.9, 0, 0], [0.1, 0.9, 0, 0], [0.9, 0.1, 0, 0], [0, 1, 0, 0], [0.05, 0, 0, 0.95]], labels),
        of([[0.2, 0.8, 0, 0], [0.1, 0, 0.9, 0], [0.1, 0.9, 0, 0], [0, 1, 0, 0], [0.01, 0, 0, 0.99]], labels),
        of([[0.4, 0.6, 0, 0], [0.1, 0.9, 0, 0], [0.1, 0.9, 0, 0], [0, 1, 0, 0], [0.01, 0, 0, 0.99]], labels),
    ]
    suspects = label_errors.agreement(three)
    assert suspects.index.tolist() == [4, 0] and suspects.suggested.tolist() == [3, 1] and suspects.networks == 3
    assert suspects.agreeing.tolist() == [3, 3]
    assert suspects.confidence[1] == pytest.approx((0.9 + 0.8 + 0.6) / 3, abs=1e-6)
    two = label_errors.agreement(three[:2])
    assert two.index.tolist() == [4, 0], "where there are two, both must agree"
    assert label_errors.agreement([*three, *three[:1] * 4]).agreeing.tolist() == [7, 7, 6], "more than for the label"


def test_more_networks_that_predict_the_label_outvote_three():
    labels = np.zeros(1, int)
    against, by = of([[0.1, 0.9, 0, 0]], labels), of([[0.9, 0.1, 0, 0]], labels)
    assert len(label_errors.agreement([against] * 3 + [by] * 2)) == 1
    assert len(label_errors.agreement([against] * 3 + [by] * 3)) == 0


def test_some_of_the_suspects():
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.05, 0.95], [0.1, 0.9], [0.1, 0.9], [0.98, 0.02]])
    suspects = label_errors.out_of_fold(probabilities, np.array([0, 0, 0, 1, 1, 1]))
    only = suspects.only(suspects.given == 1)
    assert only.index.tolist() == [5] and only.networks == 1 and len(suspects) == 2

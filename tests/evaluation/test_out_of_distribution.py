"""How familiar an image is, where the threshold lies, and which training images are nearest."""

import numpy as np
import pytest

from cnn import data, runs
from cnn.data.outliers import outlier
from cnn.evaluation.examples import read_examples
from cnn.evaluation.out_of_distribution import KEPT, auroc, nearest, separation
from cnn.networks.predictor import Predictor, energy

LOGITS = np.random.default_rng(3).normal(0, 4, (50, 10)).astype(np.float32)


def test_the_energy_is_the_log_of_the_summed_exponentials_about_the_mean():
    expected = np.log(np.exp(LOGITS - LOGITS.mean(1, keepdims=True)).sum(1))
    assert energy(LOGITS) == pytest.approx(expected, rel=1e-5)


def test_the_level_of_the_logits_does_not_count():
    """Softmax leaves it free, so that no training can give it a meaning."""
    assert energy(LOGITS + 70) == pytest.approx(energy(LOGITS), abs=1e-3)


def test_nothing_is_less_familiar_than_ten_equal_probabilities():
    assert energy(np.full((1, 10), 5.0)) == pytest.approx(np.log(10))
    assert (energy(LOGITS) > np.log(10)).all()
    assert (energy(2 * LOGITS) > energy(LOGITS)).all(), "the surer, the more familiar"


def test_the_threshold_keeps_the_agreed_share_of_garments():
    garments, others = np.linspace(1, 2, 1001), np.linspace(0, 1.5, 301)
    found = separation(garments, others)
    assert found["garments_kept"] == pytest.approx(KEPT, abs=0.001)
    assert found["unlike_below"] == pytest.approx(1.05)
    assert found["others_refused"] == pytest.approx(1.05 / 1.5, abs=0.005)
    pairs = (garments[:, None] > others).mean() + (garments[:, None] == others).mean() / 2
    assert found["auroc"] == pytest.approx(pairs, abs=1e-4)


def test_a_score_that_says_too_little_has_no_threshold():
    same = np.linspace(0, 1, 100)
    assert separation(same, same)["unlike_below"] is None
    assert separation(same + 0.5, same)["unlike_below"] is None
    assert separation(same + 0.7, same)["unlike_below"] is not None


def test_the_area_under_the_curve_at_its_ends_and_in_the_middle():
    low, high = np.arange(5.0), np.arange(5.0) + 10
    assert (auroc(high, low), auroc(low, high), auroc(low, low)) == (1, 0, 0.5)


def test_ties_count_half_under_the_curve():
    positives, negatives = np.array([1.0, 2, 2, 3], np.float32), np.array([2.0, 2, 0], np.float32)
    pairs = (positives[:, None] > negatives).mean() + (positives[:, None] == negatives).mean() / 2
    assert auroc(positives, negatives) == pytest.approx(pairs)


def test_the_nearest_point_the_same_way_whatever_their_length():
    reference = np.array([[1.0, 0], [0, 3], [2, 2], [-1, 0]])
    positions, similarities = nearest(np.array([5.0, 4.9]), reference, 2)
    assert positions.tolist() == [2, 0]
    assert similarities == pytest.approx([1.0, 5 / np.hypot(5, 4.9)], abs=1e-3)


@pytest.mark.slow
def test_the_shipped_network_tells_its_garments_from_what_is_none():
    run = runs.get("wardrobe")
    predictor = Predictor(run)
    garments = predictor.looks(data.scaled(read_examples(run).images))[1]
    others = np.stack([outlier(np.random.default_rng([999, number])) for number in range(100)])
    assert (garments >= predictor.threshold).mean() > 0.93
    assert (predictor.looks(data.scaled(others))[1] < predictor.threshold).mean() > 0.8

"""The calibration error by hand, the temperature of a made-up network, and cooling a real one."""

from types import SimpleNamespace

import numpy as np
import pytest

from cnn.config import RunConfig
from cnn.config.layers import Convolution, Flatten
from cnn.evaluation import calibration
from cnn.evaluation.calibration import apply_temperature, expected_calibration_error, temperature
from cnn.networks.build import build


def sure_of(confidences: list[float], classes: int = 3) -> np.ndarray:
    """Answers that give class 0 the confidence and share the rest among the others."""
    confidence = np.array(confidences)[:, None]
    return np.hstack([confidence, np.repeat((1 - confidence) / (classes - 1), classes - 1, axis=1)])


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def drawn(logits: np.ndarray) -> np.ndarray:
    """Labels that are as often right as the softmax of the logits says."""
    chance = np.random.default_rng(5).random(len(logits))
    return (softmax(logits).cumsum(axis=1) > chance[:, None]).argmax(axis=1)


LOGITS = np.random.default_rng(4).normal(0, 2, (5_000, 10))


def test_the_calibration_error_of_a_case_done_by_hand():
    """15 bins: 0.95 and 0.96 share the last, [14/15, 1]; 0.7 is in [10/15, 11/15), 0.5 in [7/15, 8/15)."""
    probabilities = sure_of([0.95, 0.96, 0.7, 0.7, 0.7, 0.5])
    labels = np.array([0, 1, 0, 0, 2, 0])
    last, middle, low = abs((0.95 + 0.96) / 2 - 1 / 2), abs(0.7 - 2 / 3), abs(0.5 - 1)
    expected = (2 * last + 3 * middle + 1 * low) / 6
    assert expected_calibration_error(probabilities, labels) == pytest.approx(expected)


def test_gaps_in_one_bin_cancel_and_in_different_bins_do_not():
    same = sure_of([0.81, 0.81, 0.81, 0.81, 0.85])
    assert expected_calibration_error(same, np.array([0, 0, 0, 0, 1])) == pytest.approx(abs(4.09 - 4) / 5)
    apart = sure_of([0.61, 0.95])
    assert expected_calibration_error(apart, np.array([0, 1])) == pytest.approx((0.39 + 0.95) / 2)


def test_complete_certainty_has_a_bin():
    assert expected_calibration_error(sure_of([1.0, 1.0]), np.array([0, 0])) == 0
    assert expected_calibration_error(sure_of([1.0, 1.0]), np.array([1, 2])) == 1


def test_an_honest_network_has_no_error_and_a_temperature_of_1():
    labels = drawn(LOGITS)
    assert expected_calibration_error(softmax(LOGITS), labels) < 0.025
    assert temperature(softmax(LOGITS), labels) == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("known", [0.5, 1.7, 3.0])
def test_a_known_temperature_is_found_again(known):
    """Too sure where it is above 1."""
    answers, labels = softmax(LOGITS * known), drawn(LOGITS)
    found = temperature(answers, labels)
    assert found == pytest.approx(known, rel=0.06)
    cooled = softmax(np.log(answers) / found)
    assert expected_calibration_error(cooled, labels) < 0.025 < expected_calibration_error(answers, labels)


def test_a_temperature_stays_within_its_bounds_and_certainty_is_no_error():
    certain = np.eye(10)[np.arange(200) % 10]
    labels = np.arange(200) % 10
    assert temperature(certain, labels) == pytest.approx(0.25), "always right: the surer the better"
    assert temperature(certain, (labels + 1) % 10) == pytest.approx(4), "always wrong"
    assert np.isfinite(temperature(certain.astype(np.float32), labels))


def test_cooling_divides_the_logits_and_nothing_else():
    network = build(RunConfig(layers=(Convolution(filters=4), Flatten())))
    output = network.layers[-1]
    output.set_weights([np.random.default_rng(3).normal(0, 0.1, w.shape) for w in output.get_weights()])
    pixels = np.random.default_rng(0).random((50, 28, 28, 1), np.float32)
    others = [weights.copy() for layer in network.layers[:-1] for weights in layer.get_weights()]
    before = np.asarray(network(pixels)).astype(float)
    apply_temperature(network, 2.5)
    after = np.asarray(network(pixels))
    assert after == pytest.approx(softmax(np.log(before) / 2.5), abs=1e-5)
    assert np.array_equal(after.argmax(axis=1), before.argmax(axis=1)) and len(set(after.argmax(axis=1))) > 1
    left = [weights for layer in network.layers[:-1] for weights in layer.get_weights()]
    assert all(np.array_equal(one, other) for one, other in zip(left, others, strict=True))


def test_cooling_divides_exactly():
    kept = {}
    weights = [np.float32([[3, 5]]), np.float32([7, -1])]
    output = SimpleNamespace(get_weights=lambda: weights, set_weights=lambda new: kept.update(new=new))
    apply_temperature(SimpleNamespace(layers=[None, output]), 4.0)
    assert [array.tolist() for array in kept["new"]] == [[[0.75, 1.25]], [1.75, -0.25]]


def test_there_are_fifteen_bins_as_in_the_paper():
    assert calibration.BINS == 15


def test_the_bins_of_the_diagram_are_those_of_the_error():
    probabilities = softmax(np.random.default_rng(2).normal(size=(500, 4)) * 2)
    labels = drawn(np.log(probabilities))
    bins = calibration.reliability(probabilities, labels)
    assert bins.count.sum() == 500 and (bins.low <= bins.confidence).all() and (bins.confidence <= bins.high).all()
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    error = 0.0  # over the intervals of the paper, one after the other
    for low in range(15):
        inside = (confidence >= low / 15) & (confidence < (low + 1) / 15)
        error += inside.sum() / 500 * abs(confidence[inside].mean() - right[inside].mean()) if inside.any() else 0
    assert error == pytest.approx(expected_calibration_error(probabilities, labels))
    assert (bins.right / bins.count == bins.accuracy).all()


def test_accuracy_against_coverage_by_brute_force():
    probabilities = softmax(np.random.default_rng(4).normal(size=(200, 3)).round(1))
    labels = np.random.default_rng(5).integers(0, 3, 200)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    curve = calibration.coverage(probabilities, labels)
    assert curve.coverage[0] == 1 and (np.diff(curve.threshold) > 0).all()
    for threshold, fraction, accuracy in zip(*curve, strict=True):
        answered = confidence >= threshold
        assert (fraction, accuracy) == pytest.approx((answered.mean(), right[answered].mean()))

"""What the numbers of an evaluation advise, and that nothing is advised without them."""

import numpy as np

from cnn.evaluation.advice import advise
from cnn.evaluation.predictions import Predictions

NAMES = ("cap", "glove", "scarf")


def found(labels, predicted, logit: float = 4.0) -> Predictions:
    logits = logit * np.eye(3, dtype=np.float32)[np.array(predicted)]
    return Predictions("test", np.array(labels), logits, NAMES)


def kinds(*arguments, **named) -> list[str]:
    return [advice.kind for advice in advise(*arguments, **named)]


BALANCED = [0, 1, 2] * 100
GOOD = found(BALANCED, [0, 1, 2] * 97 + [1, 2, 0] * 3)


def test_nothing_stands_out_of_a_good_network():
    assert kinds(GOOD, {"accuracy": 0.98}, np.array([100, 100, 100]), 0.99) == []


def test_too_good_to_be_true():
    assert kinds(GOOD, suspicious_above=0.95) == ["leak"]
    assert "97.0%" in advise(GOOD, suspicious_above=0.95)[0].text


def test_training_far_above_what_is_measured():
    (advice,) = advise(found(BALANCED, [0, 1, 2] * 85 + [1, 2, 0] * 15, logit=2.6), {"accuracy": 0.99})
    assert advice.kind == "overfitting" and "99.0%" in advice.text and "85.0%" in advice.text


def test_training_images_are_not_learned():
    assert kinds(found(BALANCED, [0, 1, 2] * 80 + [1, 2, 0] * 20, logit=2.1), {"accuracy": 0.7})[0] == "underfitting"


def test_two_classes_are_confused_by_name():
    predicted = [0, 1, 2] * 80 + [1, 0, 2] * 20
    advice = advise(found(BALANCED, predicted, logit=2.6))[0]
    assert advice.kind == "confused" and set(advice.classes) == {"cap", "glove"} and "100%" in advice.text


def test_a_class_with_few_images():
    advice = advise(GOOD, training_images=np.array([100, 20, 110]))
    assert [(one.kind, one.classes) for one in advice] == [("few images", ("glove",))]


def test_a_class_that_is_recognised_least():
    predicted = [0, 1, 2] * 70 + [0, 1, 0, 0, 1, 1] * 15
    assert ("weak class", ("scarf",)) in [(one.kind, one.classes) for one in advise(found(BALANCED, predicted))]


def test_confidence_above_and_below_accuracy():
    predicted = [0, 1, 2] * 90 + [1, 2, 0] * 10
    sure, unsure = (advise(found(BALANCED, predicted, logit))[-1] for logit in (9.0, 1.0))
    assert "too sure" in sure.title and "too unsure" in unsure.title


def test_no_mistake_at_all():
    assert "confused" not in kinds(found(BALANCED, BALANCED))


def test_all_classes_with_few_images():
    (advice,) = [one for one in advise(GOOD, training_images=np.array([10, 9, 30])) if one.kind == "few images"]
    assert "2 of 3 classes" in advice.text and "the smallest 9" in advice.text and advice.classes == ()
    assert kinds(GOOD, training_images=np.array([20, 20, 30])) == []

"""Predictions of a whole split: their numbers against Keras's, kept with a run, and found again."""

import os

import keras
import numpy as np
import pytest

from cnn import data, runs
from cnn.evaluation import predictions
from cnn.evaluation.predictions import Predictions
from cnn.networks.load import load

NAMES = ("cap", "glove", "scarf")


def of(logits, labels=(0, 1, 2)) -> Predictions:
    return Predictions("test", np.array(labels), np.array(logits, np.float32), NAMES)


def test_the_numbers_are_kerass(tiny):
    network, split = load(tiny), data.load(tiny.config.data).test
    found = predictions.measure(network, split, class_names=tiny.config.data.card.class_names)
    x = data.scaled(split.images)
    assert found.probabilities == pytest.approx(network.predict(x, verbose=0), abs=1e-5)
    network.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    loss, accuracy = network.evaluate(x, split.labels, verbose=0)
    assert found.loss == pytest.approx(loss, rel=1e-5) and found.accuracy == pytest.approx(accuracy, abs=1e-6)
    each = keras.losses.sparse_categorical_crossentropy(split.labels, found.logits, from_logits=True)
    assert found.losses == pytest.approx(np.asarray(each), abs=1e-4)


def test_what_follows_from_the_logits():
    found = of([[2.0, 1.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    exponentials = np.exp([2.0, 1.0, 0.0])
    assert found.probabilities[0] == pytest.approx(exponentials / exponentials.sum())
    assert found.predicted.tolist() == [0, 0, 0] and found.right.tolist() == [True, False, False]
    assert found.entropy[2] == pytest.approx(np.log(3)) and found.confidence[2] == pytest.approx(1 / 3)
    assert found.losses[1] == pytest.approx(-np.log(exponentials[1] / exponentials.sum()))
    assert found.at_temperature(1e6)[0] == pytest.approx(np.full(3, 1 / 3), abs=1e-5)


def test_a_certain_mistake_has_a_finite_loss_and_no_warning(recwarn):
    found = of([[1000.0, 0.0, -1000.0]], labels=[2])
    assert found.losses[0] == pytest.approx(2000) and found.entropy[0] == 0
    assert not recwarn.list


def test_the_fraction_that_is_done_rises_to_one(tiny):
    steps = predictions.measuring(load(tiny), data.load(tiny.config.data).test)
    fractions = list(steps)
    assert fractions == sorted(fractions) and len(fractions) > 2 and fractions[-1] == 1.0


def test_they_are_measured_once(own_tiny, monkeypatch):
    first = predictions.of_run(own_tiny, "validation")
    monkeypatch.setattr(predictions, "measuring", None)
    again = predictions.of_run(own_tiny, "validation")
    assert (again.logits == first.logits).all() and again.class_names == own_tiny.config.data.card.class_names
    assert predictions.kept(own_tiny, "validation").split == "validation"


def test_those_of_a_network_that_is_written_meanwhile_are_not_kept(own_tiny):
    (own_tiny.path / "found" / "predictions-validation.npz").unlink(missing_ok=True)
    steps = predictions.measuring_run(own_tiny, "validation")
    next(steps)
    os.utime(own_tiny.model_path, (1, 1))
    list(steps)
    assert predictions.kept(own_tiny, "validation") is None


def test_a_training_leaves_those_of_the_test_images(tiny):
    found = predictions.kept(tiny, "test")
    assert found.accuracy == pytest.approx(tiny.evaluation["accuracy"], abs=1e-6)
    assert found.loss == pytest.approx(tiny.evaluation["loss"], abs=1e-6)


def test_another_network_forgets_them(own_tiny):
    predictions.keep_temperature(own_tiny, 1.5)
    assert predictions.kept(own_tiny, "test") is not None and predictions.kept_temperature(own_tiny) == 1.5
    os.utime(own_tiny.model_path, (1, 1))
    assert predictions.kept(own_tiny, "test") is None and predictions.kept_temperature(own_tiny) is None


@pytest.mark.parametrize(
    "arrays",
    [
        {"labels": np.zeros(3), "logits": np.zeros((3, 4)), "penalty": np.array(0.0)},
        {"labels": np.zeros(2, int), "logits": np.zeros((3, 10)), "penalty": np.array(0.0)},
        {"labels": np.full(3, 10), "logits": np.zeros((3, 10)), "penalty": np.array(0.0)},
        {"labels": np.zeros(0, int), "logits": np.zeros((0, 10)), "penalty": np.array(0.0)},
        {"labels": np.zeros(3, int)},
    ],
    ids=["other classes", "other count", "label too high", "nothing", "parts missing"],
)
def test_kept_ones_that_do_not_fit_are_measured_again(own_tiny, arrays):
    runs.write_found(own_tiny, "predictions-test", **arrays)
    assert predictions.kept(own_tiny, "test") is None


def test_a_network_that_has_diverged_is_refused(own_tiny):
    network = load(own_tiny)
    network.layers[-1].set_weights([np.full_like(weights, np.nan) for weights in network.layers[-1].get_weights()])
    network.save(own_tiny.model_path)
    with pytest.raises(predictions.NotANumber, match="its training diverged"):
        predictions.of_run(runs.read(own_tiny.path))
    assert predictions.kept(own_tiny, "test") is None


def test_colour_images_are_measured_as_they_are():
    inputs = keras.Input((8, 6, 3))
    model = keras.Model(inputs, keras.layers.Dense(4, activation="softmax")(keras.layers.Flatten()(inputs)))
    images = np.random.default_rng(0).integers(0, 256, (9, 8, 6, 3), np.uint8)
    found = predictions.measure(model, data.Split(images, np.zeros(9, np.uint8)))
    assert found.probabilities == pytest.approx(model.predict(images.astype(np.float32) / 255, verbose=0), abs=1e-5)

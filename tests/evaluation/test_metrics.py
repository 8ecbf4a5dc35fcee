"""Measuring a network, and the kept examples."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers as kl

from cnn import data, runs
from cnn.config import RunConfig
from cnn.config.layers import Convolution, Dense, GlobalPooling, SeparableConvolution
from cnn.data import Split
from cnn.data.mixture import HeldOut
from cnn.data.outliers import outlier
from cnn.evaluation import out_of_distribution
from cnn.evaluation.examples import read_examples, write_examples
from cnn.evaluation.metrics import evaluate, predict
from cnn.evaluation.out_of_distribution import OUTLIERS, familiarity_of
from cnn.networks.build import build
from cnn.networks.load import load


class FakeNetwork:
    """Sure, to `confidence`, that an image's class is a tenth of the first pixel's value."""

    def __init__(self, confidence: float = 0.91) -> None:
        self.confidence, self.sizes = confidence, []
        self.layers = [SimpleNamespace(output=SimpleNamespace(shape=(None, 28, 28, 1)))]

    def predict_on_batch(self, x: np.ndarray) -> np.ndarray:
        self.sizes.append(len(x))
        classes = (x[:, 0, 0, 0] * 255).round().astype(int) // 10
        answers = np.full((len(x), 10), (1 - self.confidence) / 9, np.float32)
        answers[np.arange(len(x)), classes] = self.confidence
        return answers


def split(labels: list[int], shown: list[int]) -> Split:
    images = np.zeros((len(labels), 28, 28), np.uint8)
    images[:, 0, 0] = np.array(shown) * 10
    return Split(images, np.array(labels, np.uint8))


def sure(confidence: float) -> keras.Model:
    """A network as sure that an image's class is the column of the pixel in its first row that is bright."""
    inputs = keras.Input((28, 28, 1))
    network = keras.Model(inputs, kl.Dense(10, activation="softmax")(kl.Flatten()(inputs)))
    logit = np.log(9 * confidence / (1 - confidence)) if confidence < 1 else 1000.0
    network.set_weights([logit * np.eye(784, 10), np.zeros(10)])
    return network


def marked(labels: list[int], shown: list[int]) -> Split:
    images = np.zeros((len(labels), 28, 28), np.uint8)
    images[np.arange(len(labels)), 0, shown] = 255
    return Split(images, np.array(labels, np.uint8))


def kerass(network: keras.Model, pictures: Split) -> float:
    """The loss of `keras.Model.evaluate`."""
    network.compile(loss="sparse_categorical_crossentropy")
    return network.evaluate(data.scaled(pictures.images), pictures.labels, batch_size=500, verbose=0)


def test_accuracy_and_loss_are_what_they_say():
    result = evaluate(sure(0.91), marked(labels=[0, 1, 2, 3], shown=[0, 1, 2, 9]))
    expected = -(3 * np.log(0.91) + np.log(0.01)) / 4
    assert (result["split"], result["n"], result["accuracy"]) == ("test", 4, 0.75)
    assert result["loss"] == pytest.approx(expected, abs=1e-5)
    json.dumps(result)


def test_a_certain_mistake_has_a_finite_loss():
    network, pictures = sure(1.0), marked(labels=[1], shown=[0])
    result = evaluate(network, pictures)
    assert result["loss"] == pytest.approx(1000) == kerass(network, pictures) and result["accuracy"] == 0.0


@pytest.mark.parametrize("factor", [1, 30])
def test_the_loss_is_kerass(tiny, factor):
    """Also where a network is so sure that probabilities become 0 in 32 bits."""
    network = load(tiny)
    network.layers[-1].set_weights([factor * weights for weights in network.layers[-1].get_weights()])
    pictures = data.load(tiny.config.data).test
    result = evaluate(network, pictures)
    assert result["loss"] == pytest.approx(kerass(network, pictures), rel=1e-5)
    answers = predict(network, pictures.images)
    assert result["accuracy"] == pytest.approx((answers.argmax(axis=1) == pictures.labels).mean(), abs=1e-6)


def test_penalties_of_weights_are_in_the_loss_as_in_kerass():
    layers = (Convolution(filters=4, l2=0.1), SeparableConvolution(filters=4, l2=0.2), GlobalPooling(), Dense(l2=0.3))
    network, pictures = build(RunConfig(layers=layers)), marked(labels=[0, 1, 2], shown=[0, 1, 5])
    result = evaluate(network, pictures)
    assert result["loss"] == pytest.approx(kerass(network, pictures), rel=1e-5)
    assert result["loss"] > 1 + result_without_penalties(network, pictures)


def result_without_penalties(network: keras.Model, pictures: Split) -> float:
    answers = predict(network, pictures.images)
    return float(-np.log(answers[np.arange(len(answers)), pictures.labels]).mean())


def test_pictures_are_predicted_in_batches_and_in_order():
    network, shown = FakeNetwork(), list(np.random.default_rng(1).integers(0, 10, 1203))
    probabilities = predict(network, split(shown, shown).images)
    assert network.sizes == [500, 500, 203]
    assert probabilities.argmax(axis=1).tolist() == shown


def test_examples_are_the_first_of_each_class(own_tiny):
    labels = [int(label) for label in np.random.default_rng(2).permutation(np.repeat(np.arange(10), 15))]
    pictures = split(labels, [9 - label for label in labels])
    pictures.images[:, 27, 27] = np.arange(150)  # which one it is
    write_examples(own_tiny.path, FakeNetwork(), pictures)
    kept = read_examples(own_tiny)
    assert kept.images.dtype == np.uint8 and kept.images.shape == (100, 28, 28)
    assert kept.labels.tolist() == [label for label in range(10) for _ in range(10)]
    first = [index for label in range(10) for index in np.flatnonzero(np.array(labels) == label)[:10]]
    assert kept.images[:, 27, 27].tolist() == first
    assert kept.probabilities.argmax(axis=1).tolist() == [9 - label for label in kept.labels]


def test_classes_with_few_pictures_bring_few_examples(own_tiny):
    write_examples(own_tiny.path, FakeNetwork(), split([3, 3, 7], [3, 3, 7]))
    assert read_examples(own_tiny).labels.tolist() == [3, 3, 7]


def saved(images=None, labels=None, probabilities=None) -> Callable[[Path], None]:
    """Write examples of three images, with some arrays replaced."""
    arrays = {
        "images": np.zeros((3, 28, 28), np.uint8) if images is None else images,
        "labels": np.zeros(3, np.uint8) if labels is None else labels,
        "probabilities": np.full((3, 10), 0.1, np.float32) if probabilities is None else probabilities,
    }
    return lambda path: np.savez_compressed(path, **arrays)


def rewritten(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(change(path.read_bytes()))


def array_in_place_of_a_zip(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


BAD_EXAMPLES = {
    "empty file": rewritten(lambda content: b""),
    "junk": rewritten(lambda content: b"\x00\xff junk" * 99),
    "cut off": rewritten(lambda content: content[:-200]),
    "bytes changed": rewritten(lambda b: b[:400] + bytes(~byte & 255 for byte in b[400:900]) + b[900:]),
    "missing": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "other arrays": lambda path: np.savez_compressed(path, a=np.zeros(3)),
    "not a zip": array_in_place_of_a_zip,
    "no examples": saved(np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.uint8), np.zeros((0, 10), np.float32)),
    "larger images": saved(images=np.zeros((3, 32, 32), np.uint8)),
    "fewer answers": saved(probabilities=np.zeros((2, 10), np.float32)),
    "scalars": saved(np.uint8(1), np.uint8(1), np.float32(1)),
    "labels of no class": saved(labels=np.full(3, 77, np.uint8)),
    "objects": saved(labels=np.array([{}, {}, {}])),
}


def test_examples_as_they_should_be_can_be_read(own_tiny):
    saved()(own_tiny.path / "examples.npz")
    assert len(read_examples(own_tiny).labels) == 3


@pytest.mark.parametrize("kind", BAD_EXAMPLES)
def test_examples_that_cannot_be_read_are_none(kind, own_tiny):
    BAD_EXAMPLES[kind](own_tiny.path / "examples.npz")
    assert read_examples(own_tiny) is None


@pytest.mark.slow
def test_familiarity_is_measured_on_500_pictures_of_no_garment(monkeypatch):
    """Against what was measured when the shipped network was trained, on other garments."""
    monkeypatch.setattr(out_of_distribution, "OUTLIERS", OUTLIERS)  # the trainings of the tests draw fewer
    drawn, draw = [], outlier
    monkeypatch.setattr(out_of_distribution, "outlier", lambda chance: drawn.append(draw(chance)) or drawn[-1])
    run = runs.get("wardrobe")
    examples = read_examples(run)
    found = familiarity_of(load(run), data.Split(examples.images, examples.labels), None, 1.0, 42)
    assert len({picture.tobytes() for picture in drawn}) == 500
    assert found["measured_on"] == "validation images" and found["auroc"] > 0.95
    assert found["right"]["n"] + found["wrong"]["n"] == 100 and found["right"]["unlike"] <= 0.06


@pytest.mark.slow
def test_familiarity_is_measured_on_own_images_where_they_are_enough(monkeypatch):
    """Two readings of a file are one answer, by their weights; images of no garment are among the other things."""
    monkeypatch.setattr(out_of_distribution, "OUTLIERS", 20)
    run = runs.get("wardrobe")
    examples = read_examples(run)
    images, labels = np.tile(examples.images, (3, 1, 1)), np.tile(examples.labels, 3)
    images[100:200] = 0  # a reading that hardly counts
    labels[200:] = data.NO_GARMENT
    files = np.r_[np.arange(100), np.arange(100), np.arange(100, 200)]
    held_out = HeldOut(images, labels, files, np.repeat([0.999, 0.001, 1.0], 100))
    nothing = data.Split(examples.images[:0], examples.labels[:0])
    found = familiarity_of(load(run), nothing, held_out, 1.0, 0)
    assert found["measured_on"] == "own images" and found["right"]["n"] + found["wrong"]["n"] == 100
    assert found["right"]["n"] > 85
    assert found["auroc"] < 0.7 and found["unlike_below"] is None, "the same images are said to be no garments"


def test_the_shipped_run_has_examples():
    kept = read_examples(runs.get(runs.DEFAULT_ID))
    assert np.bincount(kept.labels).tolist() == [10] * 10
    right = (kept.probabilities.argmax(axis=1) == kept.labels).mean()
    assert 0.6 < right <= 1.0

"""Accuracy under corruptions: measured once, kept, gone on with, and equal to what Keras says of the same images."""

import os

import numpy as np
import pytest

from cnn import data, runs
from cnn.evaluation import robustness
from cnn.evaluation.corruptions import CORRUPTIONS, STRENGTHS, corrupted
from cnn.evaluation.robustness import Answers, Robustness, measuring

COUNT = 40


def finished(steps):
    """What a generator returns, and what it yielded."""
    fractions = []
    while True:
        try:
            fractions.append(next(steps))
        except StopIteration as end:
            return end.value, fractions


@pytest.fixture
def split() -> data.Split:
    chance = np.random.default_rng(5)
    return data.Split(chance.integers(0, 255, (60, 28, 28)).astype(np.uint8), (np.arange(60) % 10).astype(np.uint8))


@pytest.fixture
def network(own_tiny):
    from cnn.networks.load import load

    return load(own_tiny)


def test_accuracies_are_those_of_keras_on_the_same_images(own_tiny, network, split):
    found, fractions = finished(measuring(own_tiny, network, split, COUNT))
    assert fractions == sorted(fractions) and fractions[-1] == 1.0 and found.is_whole
    order = robustness.sample(split.images)[:COUNT]
    images, labels = split.images[order], split.labels[order]
    for name in ("Rotation", "Noise", "JPEG"):
        for strength in (0, 2, 5):
            pixels = data.scaled(corrupted(images, CORRUPTIONS[name], strength))
            expected = network.predict(pixels, verbose=0).argmax(axis=1)
            assert found.right(name)[strength] == (expected == labels).sum()
    assert found.clean_accuracy == found.right("Blur")[0] / COUNT
    every = [found.right(name)[1:] / COUNT for name in CORRUPTIONS]
    assert found.mean_accuracy() == pytest.approx(np.mean(every))
    assert found.mean_accuracy("Blur") == pytest.approx(found.right("Blur")[1:].mean() / COUNT)


def test_a_sample_is_the_same_for_every_run_and_a_smaller_one_is_its_beginning(split):
    order = robustness.sample(split.images)
    assert sorted(order) == list(range(60))
    mixed = np.random.default_rng(0).permutation(60)
    np.testing.assert_array_equal(split.images[mixed][robustness.sample(split.images[mixed])], split.images[order])


def test_what_is_stopped_goes_on_and_nothing_is_computed_twice(own_tiny, network, split, monkeypatch):
    passes = []
    predict = robustness._predict

    def counted(model, images):
        passes.append(len(images))
        return predict(model, images)

    monkeypatch.setattr(robustness, "_predict", counted)
    whole, _ = finished(measuring(own_tiny, network, split, COUNT))
    assert sum(passes) == COUNT * (1 + len(CORRUPTIONS) * STRENGTHS)
    runs.write_found(own_tiny, "robustness", nothing=np.array(0))

    passes.clear()
    steps = measuring(own_tiny, network, split, 20)
    for _ in range(1 + 2 * STRENGTHS + 3):  # in the middle of the third corruption
        next(steps)
    steps.close()
    part = robustness.kept(own_tiny, split, 20)
    assert list(part.found) == list(CORRUPTIONS)[:2] and not part.is_whole
    assert robustness.left_to_do(own_tiny, split, 20) == 20 * STRENGTHS * (len(CORRUPTIONS) - 2)
    before = sum(passes)
    _, fractions = finished(measuring(own_tiny, network, split, COUNT))
    assert sum(passes) - before == 20 * (1 + 2 * STRENGTHS) + COUNT * STRENGTHS * (len(CORRUPTIONS) - 2)
    assert 0 < fractions[0] < 0.1
    gone_on = robustness.kept(own_tiny, split, COUNT)
    for name in CORRUPTIONS:
        np.testing.assert_array_equal(gone_on.found[name].predicted, whole.found[name].predicted)
        np.testing.assert_allclose(gone_on.found[name].truth, whole.found[name].truth, atol=1e-5)
    passes.clear()
    _, fractions = finished(measuring(own_tiny, network, split, 20))
    assert passes == [] and fractions == []
    assert robustness.most_kept(own_tiny, split) == COUNT


def test_other_images_or_another_network_are_measured_again(own_tiny, network, split):
    finished(measuring(own_tiny, network, split, 20))
    other = data.Split(split.images[::-1], split.labels)
    assert robustness.kept(own_tiny, other, 20) is None and robustness.kept(own_tiny, split, 20) is not None
    network.save(own_tiny.model_path)
    assert robustness.kept(runs.read(own_tiny.path), split, 20) is None


def test_answers_of_two_networks_are_never_mixed(own_tiny, network, split):
    steps = measuring(own_tiny, network, split, 20)
    next(steps)
    os.utime(own_tiny.model_path, (1, 1))
    with pytest.raises(runs.NetworkChanged):
        list(steps)
    assert robustness.kept(own_tiny, split, 20) is None


def test_where_nothing_can_be_written_the_result_is_there_all_the_same(own_tiny, network, split, monkeypatch):
    monkeypatch.setattr(runs, "write_found", lambda *arguments, **arrays: None)
    found, _ = finished(measuring(own_tiny, network, split, 20))
    assert found.is_whole and robustness.kept(own_tiny, split, 20) is None


def test_images_that_flip_first_come_first():
    labels = np.array([0, 1, 2, 3, 0])
    clean = Answers(np.array([[0, 1, 2, 0, 0]]), np.ones((1, 5)))
    predicted = np.array([[0, 0, 2, 3, 1], [0, 0, 0, 3, 1], [1, 1, 0, 3, 1], [0, 1, 2, 3, 0], [0, 1, 2, 3, 0]])
    truth = np.full((5, 5), 0.5)
    truth[0] = [0.9, 0.4, 0.9, 0.9, 0.1]
    found = Robustness(labels, clean, {"Blur": Answers(predicted, truth)})
    places, strengths = found.flips("Blur")
    assert places.tolist() == [4, 1, 2, 0] and strengths.tolist() == [1, 1, 2, 3], "3 was wrong from the start"
    assert found.right("Blur").tolist() == [4, 3, 2, 2, 5, 5] and not found.is_whole


def test_large_colour_images_of_four_classes_work(own_tiny):
    import keras

    chance = np.random.default_rng(1)
    split = data.Split(chance.integers(0, 255, (12, 32, 20, 3)).astype(np.uint8), (np.arange(12) % 4).astype(np.uint8))
    entry = keras.Input((32, 20, 3))
    model = keras.Model(entry, keras.layers.Dense(4, "softmax")(keras.layers.Flatten()(entry)))
    found, _ = finished(measuring(own_tiny, model, split, 12))
    assert found.is_whole and found.found["JPEG"].predicted.max() < 4
    assert robustness.seconds_an_image(model, split.images) > 0

"""Importance sampling: hard images are drawn more often, and the loss stays the same in the mean."""

import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from cnn import data
from cnn.config import Data, RunConfig, presets
from cnn.config.layers import Flatten
from cnn.config.transfer_learning import fine_tuning
from cnn.data import Split, importance_sampling, soft_labels

COUNT = 90
LABELS = (np.arange(COUNT) % 10).astype(np.uint8)
EASY = np.arange(COUNT) % 3 == 0
CHANCES = importance_sampling.relative_chances(
    np.where(EASY, 1.0, 0.5).astype(np.float32)[:, None].repeat(10, axis=1), LABELS, 0.8
)


def stream(epochs: int = 5, first_epoch: int = 0, first_step: int = 0, **settings):
    """Batches of images of which each pixel is the image's number."""
    images = np.arange(COUNT, dtype=np.uint8)[:, None, None].repeat(28, axis=1).repeat(28, axis=2)
    settings = {"chances": CHANCES} | settings
    batches = data.training_batches(
        Split(images, LABELS), 32, 3, first_epoch, epochs, Data(), first_step=first_step, **settings
    )
    return [tuple(np.asarray(part) for part in batch) for batch in batches]


def numbers(batches) -> np.ndarray:
    return np.concatenate([(x[:, 0, 0, 0] * 255).round().astype(int) for x, *_ in batches])


def test_what_is_easy_has_a_lower_chance_and_the_mean_is_one():
    assert CHANCES.dtype == np.float32 and CHANCES.mean() == pytest.approx(1)
    assert CHANCES[EASY] == pytest.approx(0.2 / (0.2 / 3 + 0.6 * 2 / 3)) and CHANCES[~EASY] == pytest.approx(
        CHANCES[0] * 3
    )


def test_an_image_is_drawn_as_often_as_its_chance_says_rounded_up_or_down():
    order = tf.random.shuffle(tf.range(COUNT), seed=1)
    drawn = [importance_sampling.draw(order, tf.constant(CHANCES), tf.constant([7, n], tf.int64)) for n in range(200)]
    counts = np.stack([np.bincount(one, minlength=COUNT) for one in drawn])
    assert (counts.sum(axis=1) == COUNT).all()
    assert (counts >= np.floor(CHANCES)).all() and (counts <= np.ceil(CHANCES)).all()
    assert counts.mean(axis=0) == pytest.approx(CHANCES, abs=0.15)
    alike = importance_sampling.draw(order, tf.ones(COUNT), tf.constant([7, 0], tf.int64))
    assert sorted(alike.numpy()) == list(range(COUNT)), "where all are as hard, each comes once"
    twice = [np.flatnonzero(np.diff(one.numpy()) == 0).size for one in drawn[:20]]
    assert np.mean(twice) < 3, "an image that comes twice comes at different times"


def test_hard_images_come_more_often_and_count_less_but_in_the_last_fifth_of_the_epochs():
    batches = stream()
    assert len(batches) == 5 * 3 and [len(x) for x, _, _ in batches[:3]] == [32, 32, 26]
    for first in (0, 3, 6, 9):
        epoch = batches[first : first + 3]
        drawn, counted = numbers(epoch), np.concatenate([parts[2] for parts in epoch])
        assert counted == pytest.approx(1 / CHANCES[drawn])
        assert np.isin(drawn, np.flatnonzero(EASY)).mean() == pytest.approx(CHANCES[EASY].sum() / COUNT, abs=0.05)
        assert counted.mean() == pytest.approx(1, abs=0.1), "the loss is the same in the mean"
    last = batches[12:]
    assert sorted(numbers(last)) == list(range(COUNT)) and all((counted == 1).all() for _, _, counted in last)
    labels = np.concatenate([y for _, y, _ in batches])
    assert np.array_equal(labels, LABELS[numbers(batches)])


def test_a_resumed_stream_goes_on_as_the_uninterrupted_one():
    whole, resumed = stream(), stream(first_epoch=2, first_step=1)
    assert len(resumed) == len(whole) - 7
    for batch, expected in zip(resumed, whole[7:], strict=True):
        assert all(np.array_equal(*parts) for parts in zip(batch, expected, strict=True))


def test_what_is_mixed_in_counts_as_it_is():
    other = data.Source(0.4, Split(np.full((4, 28, 28), 255, np.uint8), np.full(4, 2, np.uint8)), 0.0)
    batches = stream(sources=[other])
    drawn, counted = numbers(batches), np.concatenate([counted for _, _, counted in batches])
    assert (counted[drawn == 255] == 1).all() and 0.25 < (drawn == 255).mean() < 0.55
    own = drawn[: 4 * COUNT] < 255
    assert counted[: 4 * COUNT][own] == pytest.approx(1 / CHANCES[drawn[: 4 * COUNT][own]])


def test_the_chances_of_a_training_are_by_the_soft_labels(monkeypatch):
    found = np.random.default_rng(0).dirichlet(np.ones(10), COUNT + 5).astype(np.float32)
    monkeypatch.setattr(soft_labels, "out_of_fold", lambda: found)
    assert importance_sampling.chances(Data(), LABELS) is None
    chances = importance_sampling.chances(Data(importance_sampling=0.9), LABELS)
    known = found[np.arange(COUNT), LABELS]
    assert np.array_equal(np.argsort(chances), np.argsort(-known)) and chances.mean() == pytest.approx(1)


def test_what_it_does_not_go_with_is_a_sentence():
    with pytest.raises(ValidationError, match="Importance sampling needs soft labels, which only Fashion-MNIST has"):
        Data(dataset="mnist", importance_sampling=0.5)
    assert data.with_dataset(Data(importance_sampling=0.5), "mnist").importance_sampling == 0
    with pytest.raises(ValidationError, match="set one of the two to 0"):
        Data(mixup=0.2, importance_sampling=0.5)
    config = RunConfig(layers=(Flatten(),), data=Data(importance_sampling=0.5))
    with pytest.raises(ValidationError, match="set importance sampling to 0, or freeze no layer"):
        transfer = {"source": "lecture", "layers": 1, "frozen": 1}
        RunConfig.model_validate(config.model_dump() | {"transfer": transfer})
    lecture = presets()["lecture"].model_copy(update={"data": Data(importance_sampling=0.5)})
    assert RunConfig.model_validate(fine_tuning("a-run", lecture).model_dump()).data.importance_sampling == 0

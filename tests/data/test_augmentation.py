"""Augmentation of images of any size, grey and in colour, at the border too."""

import numpy as np
import pytest
import tensorflow as tf

from cnn.config import Data
from cnn.config.run_config import AUGMENTATIONS
from cnn.data import augmentation
from cnn.data.batches import augmented

SEED = tf.constant([3, 1], tf.int64)
RAMP = np.linspace(0.2, 0.8, 8 * 20 * 30 * 3, dtype=np.float32).reshape(8, 20, 30, 3)
EVERYTHING = {
    "random_crop": 0.5,
    "flip": True,
    "shift": 2,
    "random_affine": 1.0,
    "colour_jitter": 0.8,
    "random_erasing": 1.0,
}
COLOUR = {"dataset": "Hats", "classes": ("hat", "cap"), "image_size": (20, 30)}


@pytest.mark.parametrize("way", AUGMENTATIONS)
def test_every_way_keeps_shape_and_range_and_repeats_itself_from_its_seed(way):
    settings = Data(**COLOUR, **{way: EVERYTHING[way]})
    assert settings.is_augmented and not Data(**COLOUR).is_augmented
    varied = augmented(RAMP, settings, SEED).numpy()
    assert varied.shape == RAMP.shape and varied.dtype == np.float32
    assert varied.min() >= 0 and varied.max() <= 1
    assert np.array_equal(varied, augmented(RAMP, settings, SEED)), "the same seed"
    assert not np.array_equal(varied, augmented(RAMP, settings, SEED + 1)), "another seed"
    assert not np.allclose(varied, RAMP)


def test_mixup_blends_an_image_and_its_label_alike_and_keeps_the_larger_share():
    images = np.eye(8, dtype=np.float32)[:, :, None, None] * np.ones((1, 1, 5, 1), np.float32)
    labels = np.eye(8, dtype=np.float32)
    x, y = (value.numpy() for value in augmentation.mixup(images, labels, 0.4, SEED))
    share = y[np.arange(8), np.arange(8)]
    assert y.sum(axis=1) == pytest.approx(1) and (share >= 0.5).all() and share.std() > 0.05
    assert y[np.arange(8), 7 - np.arange(8)] == pytest.approx(1 - share), "with the image at the other end of the batch"
    assert x[:, :, 2, 0] == pytest.approx(y), "pixels in the shares of the labels"
    untouched = augmentation.mixup(images, labels, 0.0, SEED)
    assert np.array_equal(untouched[0], images) and np.array_equal(untouched[1], labels)


def test_the_share_of_mixup_is_of_a_beta_distribution():
    images, labels = np.zeros((4000, 1, 1, 1), np.float32), np.eye(2, dtype=np.float32)[np.arange(4000) // 2000]
    for alpha in (0.2, 1.0):
        y = augmentation.mixup(images, labels, alpha, SEED)[1].numpy()
        drawn = np.random.default_rng(0).beta(alpha, alpha, 100_000)
        assert y.max(axis=1).mean() == pytest.approx(np.maximum(drawn, 1 - drawn).mean(), abs=0.01)


@pytest.mark.parametrize("way", ["shift", "random_affine"])
def test_black_comes_in_around_a_garment_and_the_image_itself_around_a_photo(way):
    grey = np.full((16, 28, 28, 1), 0.5, np.float32)
    garments = augmented(grey, Data(**{way: EVERYTHING[way]}), SEED).numpy()
    photos = augmented(grey, Data(**COLOUR, **{way: EVERYTHING[way]}), SEED).numpy()
    assert garments.min() == 0
    assert photos == pytest.approx(0.5, abs=1e-6)


def test_an_affine_change_of_an_image_that_is_not_square_turns_about_its_middle():
    images = np.zeros((64, 20, 40, 1), np.float32)
    images[:, 9:11, 19:21] = 1
    turned = augmentation.random_affine(images, tf.fill([64], 0.3), SEED).numpy()
    rows, columns = np.indices((20, 40))
    weight = turned[..., 0] / turned.sum(axis=(1, 2, 3))[:, None, None]
    middle = [(weight * place).sum(axis=(1, 2)).mean() for place in (rows, columns)]
    assert middle == pytest.approx([9.5, 19.5], abs=0.6), "on average it stays where it is"


def test_a_crop_keeps_at_least_what_it_must_and_shows_a_part_of_the_image():
    columns = np.broadcast_to(np.arange(40, dtype=np.float32) / 39, (200, 20, 40))[..., None]
    cropped = augmentation.random_crop(columns, 0.4, SEED).numpy()[:, 0, :, 0]
    kept = cropped[:, -1] - cropped[:, 0]
    assert (np.diff(cropped, axis=1) >= -1e-6).all(), "left stays left"
    assert 0.6 * np.sqrt(0.75) - 0.01 < kept.min() < 0.85 and kept.max() == pytest.approx(1, abs=0.01)
    assert np.array_equal(augmentation.random_crop(columns, 0.0, SEED).shape, columns.shape)


def test_colours_vary_together_and_grey_stays_grey():
    grey = np.broadcast_to(np.float32(0.5), (50, 4, 4, 3)) * np.linspace(0.8, 1.2, 16).reshape(1, 4, 4, 1)
    varied = augmentation.colour_jitter(grey.astype(np.float32), 1.0, SEED).numpy()
    assert np.ptp(varied, axis=3).max() < 1e-6
    means = varied.mean(axis=(1, 2, 3))
    assert 0.3 <= means.min() < 0.4 and 0.6 < means.max() <= 0.71

"""A cut-out garment becomes the network's input: its tones and its frame."""

import numpy as np
import pytest

from cnn.pictures import cutouts
from cnn.pictures.cutouts import frame_of, framed, tones


def box(rows: slice, columns: slice, shape=(60, 50)) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[rows, columns] = True
    return mask


def test_tones_fill_the_range_within_the_mask_and_the_ground_is_black():
    negative = np.tile(np.linspace(20, 220, 50, dtype=np.float32), (60, 1))
    mask = box(slice(10, 50), slice(5, 45))
    grey = tones(negative, mask)
    assert grey.dtype == np.uint8 and not grey[~mask].any()
    assert (grey[mask].min(), grey[mask].max()) == (64, 255)
    assert np.all(np.diff(grey[20, 5:45].astype(int)) >= 0), "dark cloth is brighter than light cloth"


def test_the_ground_does_not_change_the_tones():
    rng = np.random.default_rng(1)
    negative, mask = rng.uniform(0, 255, (60, 50)).astype(np.float32), box(slice(10, 50), slice(5, 45))
    other = np.where(mask, negative, 255 - negative)
    assert np.array_equal(tones(negative, mask), tones(other, mask))


@pytest.mark.parametrize("level", [0.0, 30.0, 128.0, 255.0])
def test_cloth_of_one_tone_is_of_a_middle_brightness_and_its_noise_stays_noise(level):
    mask = box(slice(10, 50), slice(5, 45))
    flat = tones(np.full((60, 50), level, np.float32), mask)
    assert set(flat[mask].tolist()) == {159}, "half-way between 64 and 255"
    noise = np.random.default_rng(2).normal(0, 3, (60, 50))
    noisy = tones(np.clip(level + noise, 0, 255).astype(np.float32), mask)
    assert np.std(noisy[mask]) < 3.5 * 3


def test_a_few_highlights_do_not_press_the_rest_together():
    mask = box(slice(10, 50), slice(5, 45))
    negative = np.tile(np.linspace(100, 200, 50, dtype=np.float32), (60, 1))
    glaring = negative.copy()
    glaring[10:12, 5:15] = 0
    assert np.abs(tones(glaring, mask)[20:50].astype(int) - tones(negative, mask)[20:50]).max() < 12


def test_no_mask_is_black():
    nothing = np.zeros((60, 50), bool)
    assert not tones(np.full((60, 50), 90, np.float32), nothing).any()
    assert not framed(np.full((60, 50), 90, np.uint8), nothing).any()


BOXES = [  # rows, columns, what becomes of them
    (slice(2, 58), slice(10, 38), (28, 14)),
    (slice(20, 34), slice(3, 45), (9, 28)),
    (slice(5, 10), slice(5, 10), (28, 28)),
    (slice(0, 60), slice(20, 21), (28, 1)),
    (slice(0, 60), slice(0, 50), (28, 23)),
]


@pytest.mark.parametrize(("rows", "columns", "size"), BOXES)
def test_the_longest_edge_becomes_28_and_the_garment_is_centred(rows, columns, size):
    mask = box(rows, columns)
    frame = framed(np.full(mask.shape, 200, np.uint8), mask)
    assert frame.shape == (28, 28) and frame.dtype == np.uint8 and set(frame.ravel().tolist()) <= {0, 200}
    down, across = np.flatnonzero(frame.any(1)), np.flatnonzero(frame.any(0))
    assert (len(down), len(across)) == size
    assert 0 <= down[0] - (27 - down[-1]) <= 1 and 0 <= across[0] - (27 - across[-1]) <= 1


@pytest.mark.parametrize(("rows", "columns", "size"), BOXES)
def test_the_frame_says_where_on_the_picture_every_pixel_lies(rows, columns, size):
    mask = box(rows, columns)
    grey, frame = framed(np.full(mask.shape, 200, np.uint8), mask), frame_of(mask)
    for pixels, start, end, length, piece in [
        (np.flatnonzero(grey.any(0)), frame.left, frame.right, 50, columns),
        (np.flatnonzero(grey.any(1)), frame.top, frame.bottom, 60, rows),
    ]:
        edges = np.linspace(start * length, end * length, 29)
        assert (edges[pixels[0]], edges[pixels[-1] + 1]) == pytest.approx((piece.start, piece.stop))


def test_what_lies_outside_the_mask_is_left_out():
    mask = box(slice(10, 50), slice(10, 40))
    mask[20:40, 20:30] = False
    frame = framed(np.full(mask.shape, 255, np.uint8), mask)
    assert frame[14, 14] == 0 and frame[2, 14] == 255
    elsewhere = np.where(mask, 255, 77).astype(np.uint8)
    assert np.array_equal(framed(elsewhere, mask), frame)


def test_reducing_averages():
    stripes = np.zeros((280, 280), np.uint8)
    stripes[::2] = 200
    frame = framed(stripes, np.ones((280, 280), bool))
    assert np.all(frame == 100)


def test_the_size_is_the_networks():
    assert cutouts.SIZE == 28

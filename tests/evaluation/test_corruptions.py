"""The nine corruptions: what each strength does to images of any size, and that chance is the same every time."""

import numpy as np
import pytest

from cnn.evaluation import corruptions
from cnn.evaluation.corruptions import CORRUPTIONS, STRENGTHS, corrupted

SHAPES = [(28, 28), (28, 28, 1), (32, 20, 3), (16, 22, 1), (64, 64, 3)]
each_corruption = pytest.mark.parametrize("corruption", CORRUPTIONS.values(), ids=list(CORRUPTIONS))


def garments(shape: tuple[int, ...], count: int = 6) -> np.ndarray:
    """Bright shapes on black, none like the other: uint8 (count, *shape)."""
    chance = np.random.default_rng(3)
    images = np.zeros((count, *shape), np.uint8)
    height, width = shape[:2]
    for image in images:
        top, left = chance.integers(1, height // 3), chance.integers(1, width // 3)
        image[top:-top, left:-left] = chance.integers(90, 250, shape)[top:-top, left:-left]
    return images


def distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.sqrt(np.square(one.astype(float) - other).mean()))


@each_corruption
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_strength_0_is_the_image_and_each_strength_is_further_from_it(corruption, shape):
    images = garments(shape)
    before = images.copy()
    np.testing.assert_array_equal(corrupted(images, corruption, 0), images)
    made = [corrupted(images, corruption, strength) for strength in range(STRENGTHS + 1)]
    assert all(one.shape == images.shape and one.dtype == np.uint8 for one in made)
    distances = [distance(one, images) for one in made]
    assert distances[0] == 0 < distances[1], distances
    if corruption.name in ("Noise", "Blur", "Contrast", "Brightness"):  # others move edges over edges
        assert distances == sorted(distances), distances
    else:
        assert distances[-1] > distances[1], distances
    np.testing.assert_array_equal(images, before, "what is given stays as it is")


@each_corruption
def test_a_large_colour_image_that_lies_on_disk_is_changed_in_proportion(corruption, tmp_path):
    small = garments((32, 24, 3), 1)
    np.save(tmp_path / "images.npy", small.repeat(7, axis=1).repeat(7, axis=2))
    large = np.load(tmp_path / "images.npy", mmap_mode="r")
    made = corrupted(large, corruption, 3)
    assert made.shape == large.shape == (1, 224, 168, 3)
    assert 0.4 < distance(made, large) / distance(corrupted(small, corruption, 3), small) < 2.5


@each_corruption
def test_chance_is_the_images_and_the_seeds_own(corruption):
    images = garments((28, 28))
    whole = corrupted(images, corruption, 3)
    np.testing.assert_array_equal(corrupted(images, corruption, 3), whole)
    np.testing.assert_array_equal(corrupted(images[::-1][:3], corruption, 3), whole[::-1][:3], "wherever it stands")
    if corruption.name in ("Translation", "Rotation", "Noise", "Occlusion"):
        assert (corrupted(images, corruption, 3, seed=1) != whole).any()


@each_corruption
def test_grey_images_are_corrupted_as_colour_images_of_the_same_grey(corruption):
    grey = garments((24, 30, 1))[0]
    one, three = (
        corruption.corrupt(image, corruption.amounts[1], np.random.default_rng(4))
        for image in (grey, grey.repeat(3, axis=2))
    )
    if corruption.name == "Noise":
        assert not (three[..., 0] == three[..., 1]).all(), "each channel has noise of its own"
    else:
        assert np.abs(one.astype(int) - three).max() <= 3, "JPEG rounds colours once more"


def test_the_units_are_what_they_say():
    image = np.zeros((1, 40, 60), np.uint8)
    image[0, 20, 30] = 255
    moved = corrupted(image, CORRUPTIONS["Translation"], 3)
    ((_, row, column),) = np.argwhere(moved)
    assert sorted((abs(row - 20), abs(column - 30))) == [0, round(0.11 * 40)]
    flat = np.full((1, 100, 50), 100, np.uint8)
    covered = (corrupted(flat, CORRUPTIONS["Occlusion"], 4) == 128).mean()
    assert covered == pytest.approx(0.3, abs=0.01)
    assert (corrupted(flat, CORRUPTIONS["Brightness"], 2) == 100 + 51).all()
    noise = corrupted(np.full((1, 200, 200), 128, np.uint8), CORRUPTIONS["Noise"], 1).astype(float)
    assert noise.std() / 255 == pytest.approx(0.08, rel=0.03)
    half = np.zeros((1, 50, 50), np.uint8)
    half[0, :25] = 200
    pale = corrupted(half, CORRUPTIONS["Contrast"], 2)
    assert (int(pale.max()) - int(pale.min())) == 100 and pale.mean() == 100
    reduced = corrupted(np.full((1, 40, 40), 200, np.uint8), CORRUPTIONS["Scale"], 5)
    assert (reduced > 0).sum() == 20 * 20 and (reduced[0, 10:30, 10:30] == 200).all()


def test_a_right_angle_is_numpys():
    image = garments((21, 21), 1)
    turned = corruptions._rotation(image[0][..., None], 90, np.random.default_rng(0))[..., 0]
    assert any((turned == np.rot90(image[0], k)).all() for k in (1, 3))


def test_a_strength_that_there_is_not_gets_a_sentence():
    for strength in (-1, STRENGTHS + 1):
        with pytest.raises(IndexError, match="choose 0 to 5"):
            corrupted(garments((8, 8)), CORRUPTIONS["Blur"], strength)


def test_strengths_have_words():
    assert CORRUPTIONS["Rotation"].label(0) == "none" and CORRUPTIONS["Rotation"].label(3) == "15°"
    assert {len(one.amounts) for one in CORRUPTIONS.values()} == {STRENGTHS}

"""Training images in other styles, and images of no garment."""

import numpy as np
import pytest

from cnn.data import restyle, synthetic
from cnn.data.outliers import outlier

SAMPLES = 60


@pytest.fixture(scope="module")
def clothes() -> tuple[np.ndarray, np.ndarray]:
    return synthetic.dataset(40, 3, "train")


def generator(*numbers: int) -> np.random.Generator:
    return np.random.default_rng(numbers)


@pytest.fixture(scope="module")
def pictures(clothes) -> np.ndarray:
    """Each of the 40 clothes, three times in other styles: uint8 (3, 40, 28, 28)."""
    return np.stack(
        [[restyle.restyled(*clothes, index, generator(1, time, index)) for index in range(40)] for time in range(3)]
    )


def test_a_restyled_picture_is_one_of_the_networks_and_shows_something(pictures):
    assert pictures.dtype == np.uint8 and pictures.shape == (3, 40, 28, 28)
    assert (pictures.max(axis=(2, 3)) >= 64).all()
    assert ((pictures > 20).mean(axis=(2, 3)) > 0.03).all()


def test_all_ten_labels_are_restyled_each_time_otherwise(clothes, pictures):
    assert set(clothes[1].tolist()) == set(range(10))
    assert len({picture.tobytes() for picture in pictures.reshape(-1, 28, 28)}) == 120


def test_a_restyled_picture_depends_on_its_generator_alone(clothes, pictures):
    images, labels = clothes
    before = images.copy()
    again = [restyle.restyled(images, labels, index, generator(1, 2, index)) for index in reversed(range(40))]
    assert np.array_equal(again[::-1], pictures[2])
    assert np.array_equal(images, before), "the training images are left as they are"


def test_every_style_occurs(clothes, monkeypatch):
    asked = []
    for name in ("line_drawing", "filled_shape", "_pair", "_worn", "_badly_cut"):
        real = getattr(restyle, name)
        monkeypatch.setattr(restyle, name, lambda *a, name=name, real=real: asked.append(name) or real(*a))
    for number in range(SAMPLES):
        restyle.restyled(*clothes, number % 40, generator(2, number))
    counts = {name: asked.count(name) for name in asked}
    assert len(counts) == 5
    assert counts["line_drawing"] + counts["filled_shape"] + counts["_badly_cut"] == SAMPLES
    assert counts["line_drawing"] > counts["filled_shape"] > 0


@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_pictures_of_one_tone_are_no_error(value):
    flat = np.full((10, 28, 28), value, np.uint8)
    for number in range(SAMPLES):
        picture = restyle.restyled(flat, np.arange(10, dtype=np.uint8), number % 10, generator(3, number))
        assert picture.shape == (28, 28) and picture.dtype == np.uint8
        assert picture.any() or value < 128, "what shows something still does"


@pytest.mark.parametrize("picture", ["point", "line", "frame"])
def test_scraps_are_no_error(picture):
    scrap = np.zeros((28, 28), np.uint8)
    match picture:
        case "point":
            scrap[14, 14] = 255
        case "line":
            scrap[3, :] = 255
        case "frame":
            scrap[[0, -1]] = scrap[:, [0, -1]] = 255
    for label in range(10):
        for number in range(4):
            made = restyle.restyled(scrap[None], np.array([label], np.uint8), 0, generator(4, label, number))
            assert made.shape == (28, 28) and made.dtype == np.uint8


def test_a_silhouette_fills_specks_in_cloth_and_keeps_holes():
    bag = np.zeros((28, 28), np.uint8)
    bag[4:26, 4:24] = 200
    bag[7:11, 9:19] = 0  # seen through the handle
    bag[18, 14] = 0  # a button
    bag[1, 1] = 200  # a speck
    shape = restyle.silhouette(bag, 112) > 0
    assert shape[72, 56] and not shape[36, 56] and not shape[6, 6]
    assert shape[60:100, 24:88].all() and not shape[:, 108:].any()


def test_a_silhouette_of_nothing_is_empty():
    assert not restyle.silhouette(np.zeros((28, 28), np.uint8), 112).any()


def test_a_line_drawing_is_bright_strokes_around_a_darker_inside(clothes):
    images, labels = clothes
    index = int(np.flatnonzero(labels == 3)[0])
    drawn = [restyle.line_drawing(images[index], 3, generator(5, number)) for number in range(12)]
    assert all(picture.max() == 255 for picture in drawn)
    middling = [((picture > 90) & (picture < 140)).mean() for picture in drawn]
    assert np.median(middling) > 0.05, "what the outline encloses is filled at half the brightness"
    assert len({picture.tobytes() for picture in drawn}) == 12


def test_a_filled_shape_has_one_tone(clothes):
    images, _ = clothes
    for number in range(10):
        painted = restyle.filled_shape(images[number], generator(6, number))
        assert painted.shape == (28, 28) and painted.dtype == np.uint8 and painted.max() >= 60
        inner = painted[painted > 0]
        assert (inner >= painted.max() * 0.9).mean() > 0.5


def test_a_restyled_picture_still_resembles_its_garment(pictures, clothes):
    """More than it resembles the others, on average: trousers stay narrow, pullovers wide."""
    images, labels = clothes
    made, own = pictures.reshape(-1, 28 * 28) > 30, np.tile(labels, 3)
    cut = made.mean(axis=1) < 0.95  # some are not cut out at all
    assert 0.9 < cut.mean() < 1
    means = np.stack([(images[labels == c] > 30).mean(axis=0).ravel() for c in range(10)])
    likeness = np.corrcoef(made[cut], means)[: cut.sum(), cut.sum() :]
    assert likeness[np.arange(cut.sum()), own[cut]].mean() > likeness.mean() + 0.15


def test_outliers_show_something_and_depend_on_their_generator_alone():
    made = [outlier(generator(7, number)) for number in range(SAMPLES)]
    for picture in made:
        assert picture.shape == (28, 28) and picture.dtype == np.uint8 and picture.max() >= 64
    assert len({picture.tobytes() for picture in made}) == SAMPLES
    assert all(np.array_equal(outlier(generator(7, number)), made[number]) for number in (5, 40, 17))
    whole = np.mean([(picture > 0).mean() > 0.95 for picture in made])
    assert 0.05 < whole < 0.5, "some fill the frame, others are cut out or drawn"

"""Images of no garment."""

import numpy as np
import pytest

from cnn.data import outliers
from cnn.data.outliers import outlier

SAMPLES = 60


def generator(*numbers: int) -> np.random.Generator:
    return np.random.default_rng(numbers)


def test_outliers_show_something_and_depend_on_their_generator_alone():
    made = [outlier(generator(7, number)) for number in range(SAMPLES)]
    for picture in made:
        assert picture.shape == (28, 28) and picture.dtype == np.uint8 and picture.max() >= 64
    assert len({picture.tobytes() for picture in made}) == SAMPLES
    assert all(np.array_equal(outlier(generator(7, number)), made[number]) for number in (5, 40, 17))
    whole = np.mean([(picture > 0).mean() > 0.95 for picture in made])
    assert 0.01 < whole < 0.5, "some fill the frame, others are cut out or drawn"


@pytest.mark.parametrize("make", [kind for kind, _ in outliers._KINDS])
def test_every_kind_shows_something_each_time_otherwise(make):
    found = [make(generator(8, number)) for number in range(10)]
    made = [picture for picture in found if picture is not None]
    assert len(made) >= 8, "what cannot be read is rare"
    assert len({picture.tobytes() for picture in made}) == len(made)
    assert all(picture.shape == (28, 28) and picture.dtype == np.uint8 and picture.any() for picture in made)


@pytest.mark.parametrize("figure", sorted(set(outliers._FIGURES), key=lambda figure: figure.__name__))
def test_every_figure_is_made_of_strokes(figure):
    for number in range(5):
        pencil = outliers.Pencil(generator(9, number))
        figure(pencil)
        assert pencil.strokes
        assert all(stroke.ndim == 2 and np.isfinite(stroke).all() for stroke in pencil.strokes)


def test_what_cannot_be_read_is_replaced(monkeypatch):
    monkeypatch.setattr(outliers, "_KINDS", ((lambda rng: None, 1.0),))
    assert outlier(generator(10)).max() >= 64

"""How many images a network is given at once."""

from types import SimpleNamespace as Stub

import pytest

from cnn.config import presets
from cnn.networks.batch_size import images_at_once, images_in_time


def model(*shapes: tuple[int, ...]) -> Stub:
    return Stub(layers=[Stub(output=Stub(shape=(None, *shape))) for shape in shapes])


@pytest.mark.parametrize(
    ("shapes", "all_kept", "count"),
    [
        ([(28, 28, 1), (28, 28, 64), (10,)], False, 250),  # small images as before
        ([(28, 28, 1), (28, 28, 64), (10,)], True, 250),
        ([(224, 224, 3), (112, 112, 96), (12,)], False, 27),
        ([(224, 224, 3), *[(112, 112, 96)] * 20, (12,)], True, 5),
        ([(224, 224, 1024)], False, 1),  # never none
    ],
    ids=str,
)
def test_the_largest_layer_decides(shapes, all_kept, count):
    assert images_at_once(model(*shapes), 250, all_kept) == count


def test_the_work_for_an_image_decides_how_many_are_passed():
    small = presets()["fast"].rows()
    assert images_in_time(small, 2000, 1e11) == 2000
    macs = sum(row.macs for row in small)
    assert images_in_time(small, 2000, 300 * macs) == 300
    assert images_in_time(small, 2000, 1) == 100 and images_in_time(small, 60, 1) == 60

"""How many images a network is given at once."""

from types import SimpleNamespace as Stub

import pytest

from cnn.networks.batch_size import images_at_once


def model(*shapes: tuple[int, ...]) -> Stub:
    return Stub(layers=[Stub(output=Stub(shape=(None, *shape))) for shape in shapes])


@pytest.mark.parametrize(
    ("shapes", "kept", "count"),
    [
        ([(28, 28, 1), (28, 28, 64), (10,)], 1, 250),  # small images as before
        ([(224, 224, 3), (112, 112, 96), (12,)], 1, 27),
        ([(224, 224, 3), (112, 112, 96), (12,)], 3, 9),
        ([(224, 224, 1024)], 1, 1),  # never none
    ],
    ids=str,
)
def test_the_largest_layer_decides(shapes, kept, count):
    assert images_at_once(model(*shapes), 250, kept) == count

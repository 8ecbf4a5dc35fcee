"""How many images a network is given, so that large ones need no more memory than small ones, nor much more time."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cnn.config.layers import Row

if TYPE_CHECKING:
    import keras

_LARGEST = 2**27  # bytes that the largest layer's output of a batch may take: 128 MB
_TOGETHER = 2**29  # bytes that all layers' outputs of a batch may take, where all are needed at the same time: 512 MB


def images_at_once(model: "keras.Model", most: int, all_kept: bool = False) -> int:
    """The largest number of images, at most `most`, whose values fit into a fixed budget of memory.

    Args:
        model: with one input. most: above which nothing is gained, or progress is shown too rarely.
        all_kept: whether every layer's output stays in memory, as for a gradient.

    >>> from types import SimpleNamespace as Stub
    >>> layer = Stub(output=Stub(shape=(None, 112, 112, 96)))
    >>> images_at_once(Stub(layers=[layer]), 250)
    27
    """
    values = [int(np.prod(layer.output.shape[1:])) for layer in model.layers]
    fit = _TOGETHER // (4 * sum(values)) if all_kept else _LARGEST // (4 * max(values))
    return max(1, min(most, fit))


_FEWEST = 100  # images, of which fewer would say little


def images_in_time(rows: Sequence[Row], most: int, macs: float) -> int:
    """How many images, at most `most`, pass through a network with so many multiply-accumulates in all.

    Two cores do about 1e10 of them a second. A hundred images are passed in any case.

    Args:
        rows: the table of its layers. most: that there are, or that are wanted.
    """
    return int(np.clip(macs / max(1, sum(row.macs for row in rows)), min(_FEWEST, most), most))

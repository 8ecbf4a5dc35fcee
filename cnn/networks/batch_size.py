"""How many images a network is given at once, so that large ones need no more memory than small ones."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

_BYTES = 2**27  # that the largest layer's output of a batch may take: 128 MB


def images_at_once(model: "keras.Model", most: int, layers_kept: int = 1) -> int:
    """The largest number of images, at most `most`, whose values fit into a fixed budget of memory.

    Args:
        model: with one input. most: above which nothing is gained, or progress is shown too rarely.
        layers_kept: how many outputs as large as the largest layer's are in memory at the same time.

    >>> from types import SimpleNamespace as Stub
    >>> layer = Stub(output=Stub(shape=(None, 112, 112, 96)))
    >>> images_at_once(Stub(layers=[layer]), 250)
    27
    """
    values = max(int(np.prod(layer.output.shape[1:])) for layer in model.layers)
    return max(1, min(most, _BYTES // (4 * values * layers_kept)))

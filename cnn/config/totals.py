"""What the rows of a network's table come to together: parameters, multiply-accumulates, memory."""

from collections.abc import Sequence
from typing import NamedTuple

from cnn.config import workings
from cnn.config.layers import Row


class Totals(NamedTuple):
    """Of one network, for one image.

    parameters, trainable: how many there are. macs: multiply-accumulates. memory: bytes of all outputs in float32.
    peak: bytes of the most outputs that are needed at one time, while the layer `peak_at` is computed.
    """

    parameters: int
    trainable: int
    macs: int
    memory: int
    peak: int
    peak_at: str


def totals(rows: Sequence[Row], input_shape: Sequence[int]) -> Totals:
    """Add up a table.

    At the peak lie in memory: what goes into the layer that is computed, what comes out of it, and whatever a later
    layer still takes, as those after a skip connection do. Weights and what a library needs besides are left out.

    Args:
        rows: of `cnn.config.layers.trace`, at least the output layer's.
        input_shape: (height, width, channels) of the image, which counts at the peak.
    """
    sizes = {"input": workings.memory(input_shape).result} | {row.name: row.memory for row in rows}
    last = {name: place for place, row in enumerate(rows) for name in (row.name, *row.takes)}  # where it is needed last
    needed = {"input": sizes["input"]}
    peak, peak_at = 0, ""
    for place, row in enumerate(rows):
        needed[row.name] = row.memory
        if (now := sum(needed.values())) > peak:
            peak, peak_at = now, row.name
        needed = {name: size for name, size in needed.items() if last[name] > place}
    return Totals(
        sum(row.parameters for row in rows),
        sum(row.trainable for row in rows),
        sum(row.macs for row in rows),
        sum(row.memory for row in rows),
        peak,
        peak_at,
    )

"""Sizes, receptive fields, parameters and multiply-accumulates of layers, as pure integer arithmetic.

Knows no network, no configuration and no framework: every function takes integers and returns integers. One
spatial axis at a time, because every layer here treats height and width alike.

Formulas: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285 (2016);
receptive fields: Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks",
Distill (2019), doi:10.23915/distill.00021.
"""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

if TYPE_CHECKING:
    import numpy as np

Padding = Literal["same", "valid"]
Index = TypeVar("Index", int, "np.ndarray")  # one, or many at once


def extent(kernel: int, dilation: int = 1) -> int:
    """Pixels that a kernel spans along one axis: dilation - 1 gaps between neighbouring weights.

    >>> extent(3), extent(3, dilation=2)
    (3, 5)
    """
    return dilation * (kernel - 1) + 1


def output_size(size: int, kernel: int, stride: int = 1, padding: Padding = "valid", dilation: int = 1) -> int:
    """Length of the output along one axis; 0 or less where the kernel does not fit into the input.

    "valid": floor((size - extent) / stride) + 1.  "same": ceil(size / stride).

    >>> output_size(28, 5), output_size(28, 5, stride=2), output_size(28, 5, stride=2, padding="same")
    (24, 12, 14)
    """
    if padding == "same":
        return math.ceil(size / stride)
    return (size - extent(kernel, dilation)) // stride + 1


def zeros_around(
    size: int, kernel: int, stride: int = 1, padding: Padding | int = "valid", dilation: int = 1
) -> tuple[int, int]:
    """Zeros in front of the first pixel and behind the last along one axis.

    "same" puts an odd one behind, as TensorFlow does; a number is put on both sides, as by a layer ZeroPadding2D.

    >>> zeros_around(28, 3, padding="same"), zeros_around(28, 3, stride=2, padding="same")
    ((1, 1), (0, 1))
    """
    if padding == "valid":
        return 0, 0
    if padding != "same":
        return padding, padding
    outputs = output_size(size, kernel, stride, padding, dilation)
    total = max(0, (outputs - 1) * stride + extent(kernel, dilation) - size)
    return total // 2, total - total // 2


def padding_before(size: int, kernel: int, stride: int = 1, padding: Padding = "valid", dilation: int = 1) -> int:
    """Zeros in front of the first pixel along one axis.

    >>> padding_before(28, 5, padding="same")
    2
    """
    return zeros_around(size, kernel, stride, padding, dilation)[0]


class Window(NamedTuple):
    """What slides along both axes: pixels of its edge, pixels that it moves, padding, distance between its weights.

    >>> Window(7, padding="same").outputs(28), Window(3, stride=2, padding="same").zeros(28)
    (28, (0, 1))
    """

    kernel: int
    stride: int = 1
    padding: Padding = "valid"
    dilation: int = 1

    def outputs(self, size: int) -> int:
        """See `output_size`."""
        return output_size(size, *self)

    def zeros(self, size: int) -> tuple[int, int]:
        """See `zeros_around`."""
        return zeros_around(size, *self)


def inputs_of(
    outputs: Iterable[int], size: int, kernel: int, stride: int = 1, padding: Padding = "valid", dilation: int = 1
) -> set[int]:
    """The inputs along one axis, of `size`, that these outputs of a layer are computed from; padding is none of them.

    From layer to layer back to the image this gives the very pixels that a value depends on. `ReceptiveField` gives
    the frame around them away from the border; near it, and between the weights of a dilated kernel, there are fewer.

    >>> inputs_of({0}, 8, kernel=3, padding="same", dilation=3)  # its first weight hangs over the border
    {0, 3}
    >>> inputs_of({0, 3}, 8, kernel=3, padding="same")  # a layer further back
    {0, 1, 2, 3, 4}
    """
    before = padding_before(size, kernel, stride, padding, dilation)
    read = {output * stride - before + weight * dilation for output in outputs for weight in range(kernel)}
    return {place for place in read if 0 <= place < size}


def convolution_parameters(kernel: int, inputs: int, filters: int, bias: bool = True) -> int:
    """Weights (kernel x kernel x inputs for each filter) and one bias for each filter.

    >>> convolution_parameters(7, 1, 64)  # the lecture's first layer
    3200
    """
    return filters * (kernel * kernel * inputs + bias)


def dense_parameters(inputs: int, units: int) -> int:
    """One weight for each pair of input and unit, and one bias for each unit.

    >>> dense_parameters(2304, 128)
    295040
    """
    return units * (inputs + 1)


class ReceptiveField(NamedTuple):
    """The square of input pixels that one output value can see.

    size: its edge in input pixels. jump: how many input pixels apart two neighbouring output values look.
    start: the first input pixel that the first output value sees; negative where that lies in the padding.

    >>> ReceptiveField().through(7, before=3).through(2, stride=2)  # a convolution of 7x7, then a pooling
    ReceptiveField(size=8, jump=2, start=-3)
    >>> ReceptiveField(size=8, jump=2, start=-3).seen_by(4)
    (5, 13)
    """

    size: int = 1
    jump: int = 1
    start: int = 0

    def through(self, kernel: int, stride: int = 1, dilation: int = 1, before: int = 0) -> "ReceptiveField":
        """The receptive field after one more layer with this window; `before`: its padding in front."""
        size = self.size + (extent(kernel, dilation) - 1) * self.jump
        return ReceptiveField(size, self.jump * stride, self.start - before * self.jump)

    def seen_by(self, index: Index) -> tuple[Index, Index]:
        """The first input pixel that an output value sees along one axis, and the one behind the last."""
        first = self.start + index * self.jump
        return first, first + self.size

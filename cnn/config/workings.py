"""Numbers about a layer together with the arithmetic that gives them, as one writes it on a board.

Knows integers and windows, no kind of layer: each kind says in `cnn.config.layers` which of these hold for it.
"""

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from cnn.config.geometry import ReceptiveField, Window

FLOAT32 = 4  # bytes of one value
Products = tuple[tuple[int, ...], ...]  # a sum of products, such as ((7, 7, 1, 64), (64,))


class Working(NamedTuple):
    """A number, `of` what it is, and an expression that gives it.

    The expression has whole numbers, + − · / and floor( ) only.

    >>> print(Working("parameters", "7·7·1·64 + 64", 3200))
    7·7·1·64 + 64 = 3,200
    """

    of: str
    expression: str
    result: int

    def __str__(self) -> str:
        return f"{self.expression} = {self.result:,}"


def total(terms: Products) -> int:
    """What a sum of products comes to.

    >>> total(((7, 7, 1, 64), (64,)))
    3200
    """
    return sum(map(prod, terms))


def summed(of: str, terms: Products) -> Working:
    """A sum of products, written out.

    >>> print(summed("parameters", ((7, 7, 1, 64), (64,))))
    7·7·1·64 + 64 = 3,200
    """
    return Working(of, " + ".join("·".join(map(str, factors)) for factors in terms), total(terms))


def memory(shape: Sequence[int]) -> Working:
    """The bytes of an output of this shape, in float32.

    >>> print(memory((28, 28, 64)))
    28·28·64·4 = 200,704
    """
    return summed("memory in bytes", ((*shape, FLOAT32),))


def slid(shape: Sequence[int], window: Window) -> tuple[Working, ...]:
    """How large a map is after a window has slid over maps (height, width, ...): floor((n + 2p − f) / s) + 1.

    f is what the kernel spans; padding that differs in front and behind is written as two numbers. "same" pads such
    that this gives ceil(n / s).

    >>> print(*slid((28, 28, 1), Window(7, padding="same")))
    floor((28 + 2·3 − 7)/1) + 1 = 28
    >>> print(*slid((28, 28, 1), Window(3, dilation=2)))
    floor((28 + 2·0 − (2·(3 − 1) + 1))/1) + 1 = 24
    """
    height, width = (_slid(size, window) for size in shape[:2])
    if shape[0] == shape[1]:
        return (Working("height and width", *height),)
    return Working("height", *height), Working("width", *width)


def _slid(size: int, window: Window) -> tuple[str, int]:
    before, behind = window.zeros(size)
    zeros = f"2·{before}" if before == behind else f"{before} + {behind}"
    span = f"({window.dilation}·({window.kernel} − 1) + 1)" if window.dilation > 1 else str(window.kernel)
    return f"floor(({size} + {zeros} − {span})/{window.stride}) + 1", window.outputs(size)


def seen(before: ReceptiveField, window: Window) -> tuple[Working, ...]:
    """The recursion of the receptive field: r + (k − 1)·d·j, and of its jump: j·s (Araujo, Norris and Sim 2019).

    >>> print(*seen(ReceptiveField(size=7, jump=2), Window(3, stride=2)), sep="; ")
    7 + (3 − 1)·1·2 = 11; 2·2 = 4
    """
    after = before.through(window.kernel, window.stride, window.dilation)
    size = f"{before.size} + ({window.kernel} − 1)·{window.dilation}·{before.jump}"
    return (
        Working("receptive field", size, after.size),
        Working("jump", f"{before.jump}·{window.stride}", after.jump),
    )

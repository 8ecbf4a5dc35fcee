"""Stacks of convolutions and poolings written in a line, "conv 3, pool 2, conv 5 stride 2", and what each layer sees.

For the lesson on receptive fields: no filters, no weights. Networks that are trained are described by
`cnn.config.layers`.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cnn.config import geometry
from cnn.config.geometry import Padding, ReceptiveField
from cnn.config.layers import AnyConvolution, InvertedResidual, Layer, Pooling
from cnn.errors import AtelierError

MAX_LAYERS = 16
_WORDS = re.compile(r"(conv|pool)\s+(\d{1,4})((?:\s+(?:stride|dilation)\s+\d{1,4})*)")
_LIMITS = {"kernel": 15, "stride": 8, "dilation": 8}


class UnreadableStack(AtelierError, ValueError):
    """A line that is not a stack of layers; the message says what to do."""


class Window(NamedTuple):
    """A layer's window. Convolutions keep the size ("same"), poolings have no border ("valid")."""

    kind: str  # "conv" or "pool"
    kernel: int
    stride: int = 1
    dilation: int = 1

    @property
    def padding(self) -> Padding:
        return "same" if self.kind == "conv" else "valid"

    def __str__(self) -> str:
        usual = 1 if self.kind == "conv" else self.kernel
        stride = f" stride {self.stride}" if self.stride != usual else ""
        dilation = f" dilation {self.dilation}" if self.dilation > 1 else ""
        return f"{self.kind} {self.kernel}{stride}{dilation}"


class Seen(NamedTuple):
    """What a layer sees: its window, the values along an edge of its maps, and its receptive field."""

    window: Window
    size: int
    field: ReceptiveField


def parse(line: str) -> tuple[Window, ...]:
    """Read a stack.

    Raises:
        UnreadableStack: with a sentence for the person who typed it.
    """
    parts = [part.strip().lower() for part in line.split(",") if part.strip()]
    if not parts:
        raise UnreadableStack("There are no layers. Type some, such as conv 3, pool 2, conv 3.")
    if len(parts) > MAX_LAYERS:
        raise UnreadableStack(f"There are {len(parts)} layers; at most {MAX_LAYERS} are allowed.")
    return tuple(map(_window, parts))


def _window(part: str) -> Window:
    match = _WORDS.fullmatch(part)
    if not match:
        raise UnreadableStack(
            f"{part[:40]!r} is not a layer. Type conv or pool and a size, then stride or dilation, such as "
            "conv 5 stride 2."
        )
    kind, kernel, rest = match[1], int(match[2]), dict(re.findall(r"(stride|dilation)\s+(\d+)", match[3]))
    usual = {"stride": kernel if kind == "pool" else 1, "dilation": 1}
    given = {"kernel": kernel, **{name: int(rest.get(name, usual[name])) for name in usual}}
    for name, limit in _LIMITS.items():
        if not 1 <= given[name] <= (limit if name in rest or name == "kernel" else max(limit, kernel)):
            raise UnreadableStack(f"{part[:40]!r} has a {name} of {given[name]}. Use 1 to {limit}.")
    if kind == "pool" and given["dilation"] > 1:
        raise UnreadableStack(f"{part[:40]!r}: only convolutions can have a dilation here.")
    return Window(kind, **given)


def of_layers(layers: Iterable[Layer]) -> tuple[Window, ...]:
    """The windows of a network's layers, up to where its maps end."""
    found = []
    for layer in layers:
        if isinstance(layer, AnyConvolution):
            found.append(Window("conv", layer.kernel, layer.stride, layer.dilation))
        elif isinstance(layer, InvertedResidual):  # its other windows have one place
            found.append(Window("conv", layer.kernel, layer.stride))
        elif isinstance(layer, Pooling) and layer.mode != "depthwise max":
            found.append(Window("pool", layer.size, layer.stride or layer.size))
    return tuple(found)


def pixels_seen(stack: Sequence[Window], size: int, place: int) -> list[int]:
    """The pixels along an edge of `size` that one value behind the stack depends on, in order.

    None where all of its windows' weights lie in the padding.

    Raises:
        UnreadableStack: a window is larger than what comes to it.
    """
    sizes = [size, *(layer.size for layer in follow(stack, size))]
    places = {place}
    for window, inputs in zip(reversed(stack), reversed(sizes[:-1]), strict=True):
        places = geometry.inputs_of(places, inputs, window.kernel, window.stride, window.padding, window.dilation)
    return sorted(places)


def follow(stack: Sequence[Window], size: int) -> list[Seen]:
    """What each layer sees of an image with an edge of `size` pixels.

    Raises:
        UnreadableStack: a window is larger than what comes to it.
    """
    seen, field = [], ReceptiveField()
    for number, window in enumerate(stack, 1):
        kernel, stride, dilation = window.kernel, window.stride, window.dilation
        before = geometry.padding_before(size, kernel, stride, window.padding, dilation)
        output = geometry.output_size(size, kernel, stride, window.padding, dilation)
        if output < 1:
            raise UnreadableStack(
                f"Layer {number}, {window}, has a window larger than its input of {size}×{size}. Remove layers, "
                "or use a smaller window."
            )
        field = field.through(kernel, stride, dilation, before)
        size = output
        seen.append(Seen(window, size, field))
    return seen

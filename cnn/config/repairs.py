"""Where a new layer goes, and what can be changed so that layers which do not fit together do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cnn.config.layers import (
    AnyConvolution,
    Dense,
    Flatten,
    GlobalPooling,
    ImpossibleStack,
    Layer,
    Pooling,
    Shape,
    SkipConnection,
    trace,
)


def place(layers: Sequence[Layer], layer: Layer, input_shape: Shape, classes: int) -> int:
    """Where a new layer is best put: the last place at which the whole stack fits.

    Where there is none, a layer of feature maps goes before the first one that makes a vector, any other to the end.
    """
    for index in range(len(layers), -1, -1):
        if _remaining([*layers[:index], layer, *layers[index:]], input_shape, classes) == 0:
            return index
    vector = next((i for i, other in enumerate(layers) if isinstance(other, Flatten | GlobalPooling)), len(layers))
    return vector if isinstance(layer, AnyConvolution | Pooling | SkipConnection) else len(layers)


@dataclass(frozen=True)
class Fix:
    """A change that lets a stack fit, or fit further: the layers from `start` up to `stop` make way for `layers`."""

    label: str
    start: int
    stop: int
    layers: tuple[Layer, ...] = ()

    def apply(self, layers: Sequence[Layer]) -> list[Layer]:
        """The whole stack with the change made."""
        return [*layers[: self.start], *self.layers, *layers[self.stop :]]


def fixes(layers: Sequence[Layer], broken: ImpossibleStack, input_shape: Shape, classes: int) -> list[Fix]:
    """The changes that help where `layers` break, the obvious ones first. Each leaves fewer layers that do not fit."""
    remaining = len(layers) + 1 - broken.index
    shapes = [input_shape] * (broken.index + 1)  # what goes into each layer up to the one that breaks
    for row in broken.rows:
        shapes[row.layer + 1 :] = [row.output_shape] * (broken.index - row.layer)
    possible = [(fix, fix.apply(layers)) for fix in _candidates(layers, shapes)]
    return [fix for fix, mended in possible if mended and _remaining(mended, input_shape, classes) < remaining]


def _remaining(layers: Sequence[Layer], input_shape: Shape, classes: int) -> int:
    """How many layers, the output layer among them, there are from the one that breaks on; 0 where all fit."""
    try:
        trace(layers, input_shape, classes)
    except ImpossibleStack as error:
        return len(layers) + 1 - error.index
    return 0


def _candidates(layers: Sequence[Layer], shapes: Sequence[Shape]) -> Iterator[Fix]:
    """What might help the layer that cannot take the last of these shapes."""
    *_, shape = shapes
    index = len(shapes) - 1
    if index == len(layers):  # the output layer
        yield Fix("Insert a global pooling layer before it", index, index, (GlobalPooling(),))
        yield Fix("Insert a flatten layer before it", index, index, (Flatten(),))
        return
    layer = layers[index]

    def changed(label: str, **values: int | str) -> Fix:
        return Fix(label, index, index + 1, (layer.model_copy(update=values),))

    match layer:
        case Dense():
            yield Fix("Insert a flatten layer before it", index, index, (Flatten(),))
            yield Fix("Insert a global pooling layer before it", index, index, (GlobalPooling(),))
        case AnyConvolution() | Pooling() if len(shape) == 1:
            vector = next(i for i, other in enumerate(layers) if isinstance(other, Flatten | GlobalPooling))
            yield Fix(f"Move it before layer {vector + 1}", vector, index + 1, (layer, *layers[vector:index]))
        case AnyConvolution() if layer.stride > 1 and layer.dilation > 1:
            yield changed("Set its stride to 1", stride=1)
            yield changed("Set its dilation to 1", dilation=1)
        case AnyConvolution() | Pooling(mode="max" | "average"):
            yield changed('Set its padding to "same"', padding="same")
        case Pooling():
            divisors = [size for size in range(2, min(shape[2], 64) + 1) if shape[2] % size == 0]
            for size in sorted(divisors, key=lambda size: abs(size - layer.size))[:1]:
                yield changed(f"Set its size to {size}", size=size)
        case SkipConnection():
            fitting = [over for over in range(1, min(index, 16) + 1) if shapes[index - over] == shape]
            for over in sorted(fitting, key=lambda over: abs(over - layer.over))[:1]:
                yield changed(f"Let it skip {over} layer{'s' * (over > 1)}", over=over)
            if layer.over <= index and len(skipped := shapes[index - layer.over]) == 3:
                stride = max(1, min(8, round(skipped[0] / shape[0])))
                named = "a 1×1 projection" + f" with stride {stride}" * (stride > 1)
                yield changed(f"Give it {named}", projection=True, stride=stride)
            yield changed("Set its stride to 1", stride=1)
    yield Fix("Remove it", index, index + 1)

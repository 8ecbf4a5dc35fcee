"""Where a new layer goes, and what can be changed so that layers which do not fit together do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cnn.config.layers import (
    MAX_PARAMETERS,
    AnyConvolution,
    Convolution,
    Dense,
    Flatten,
    GlobalPooling,
    ImpossibleStack,
    InvertedResidual,
    Layer,
    Pooling,
    Rescaling,
    Shape,
    SkipConnection,
    trace,
)


def fitted(layers: Sequence[Layer], layer: Layer, input_shape: Shape, classes: int) -> tuple[int, Layer]:
    """Where a new layer is best put, and what it is there: the last place at which the whole stack fits.

    A skip connection that fits nowhere as it is skips another number of layers, or gets a projection. Where nothing
    helps, a layer of feature maps goes before the first one that makes a vector, any other to the end.
    """
    for variant in (layer, *_variants(layer)):
        for index in range(len(layers), -1, -1):
            if _remaining([*layers[:index], variant, *layers[index:]], input_shape, classes) == 0:
                return index, variant
    vector = next((i for i, other in enumerate(layers) if isinstance(other, Flatten | GlobalPooling)), len(layers))
    of_maps = isinstance(layer, AnyConvolution | InvertedResidual | Pooling | SkipConnection)
    return vector if of_maps else len(layers), layer


def _variants(layer: Layer) -> Iterator[Layer]:
    """The skip connections that may fit where this one does not: without a projection first, then with one."""
    if isinstance(layer, SkipConnection):
        lengths = sorted({2, 3, 1}, key=lambda over: abs(over - layer.over))
        yield from (layer.model_copy(update={"over": over}) for over in lengths if over > 1)
        for stride in (1, 2):
            for over in lengths:
                yield layer.model_copy(update={"over": over, "projection": True, "stride": stride})
        yield layer.model_copy(update={"over": 1})


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
    left = MAX_PARAMETERS - sum(row.parameters for row in broken.rows if row.layer < broken.index)
    possible = [(fix, fix.apply(layers)) for fix in (*_smaller(layers, shapes, left), *_candidates(layers, shapes))]
    return [fix for fix, mended in possible if mended and _remaining(mended, input_shape, classes) < remaining]


def _remaining(layers: Sequence[Layer], input_shape: Shape, classes: int) -> int:
    """How many layers, the output layer among them, there are from the one that breaks on; 0 where all fit."""
    try:
        trace(layers, input_shape, classes)
    except ImpossibleStack as error:
        return len(layers) + 1 - error.index
    return 0


def _smaller(layers: Sequence[Layer], shapes: Sequence[Shape], left: int) -> Iterator[Fix]:
    """Fewer units or filters for a layer that has more parameters than are left: the largest power of two that fits."""
    index = len(shapes) - 1
    layer = layers[index] if index < len(layers) else None
    *_, inputs = shapes[-1]
    if isinstance(layer, Convolution):
        name, of_each = "filters", layer.kernel**2 * inputs + 1
    elif isinstance(layer, Dense) and len(shapes[-1]) == 1:
        name, of_each = "units", inputs + 1
    else:
        return
    if left // of_each:
        value = 2 ** ((left // of_each).bit_length() - 1)
        if value < getattr(layer, name):
            change = layer.model_copy(update={name: value})
            yield Fix(f"Set its {name} to {value}", index, index + 1, (change,))


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
        case AnyConvolution() | InvertedResidual() | Pooling() | Flatten() | GlobalPooling() if len(shape) == 1:
            vector = next(i for i, other in enumerate(layers) if isinstance(other, Flatten | GlobalPooling))
            if isinstance(layer, Flatten | GlobalPooling):
                old = f"layer {vector + 1} ({layers[vector]})"
                yield Fix(f"Replace {old} with it", vector, index + 1, (layer, *layers[vector + 1 : index]))
            yield Fix(f"Move it before layer {vector + 1}", vector, index + 1, (layer, *layers[vector:index]))
        case AnyConvolution() if layer.stride > 1 and layer.dilation > 1:
            yield changed("Set its stride to 1", stride=1)
            yield changed("Set its dilation to 1", dilation=1)
        case AnyConvolution() | Pooling(mode="max" | "average"):
            yield changed('Set its padding to "same"', padding="same")
            if isinstance(layer, AnyConvolution):
                kernel = (min(shape[:2]) - 1) // layer.dilation + 1
                yield changed(f"Set its kernel size to {kernel}", kernel=kernel)
            elif min(shape[:2]) > 1:
                yield changed(f"Set its window size to {min(shape[:2])}", size=min(shape[:2]), stride=None)
        case Rescaling():
            yield changed("Switch off its standardising", standardise=False)
            yield Fix("Move it to the start", 0, index + 1, (layer, *layers[:index]))
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
            others = [*layers[:index], *layers[index + 1 :]]
            for place in range(index + 1, len(layers)):
                moved = [*others[:place], layer, *others[place:]]
                yield Fix(f"Move it below layer {place + 1}", index, place + 1, tuple(moved[index : place + 1]))
    yield Fix("Remove it", index, index + 1)

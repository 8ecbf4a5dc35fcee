"""The layers that a network is made of, and what each makes of its input's shape.

A network is described as a list of `Layer` values (pydantic models, so that they can be edited in a form and read
back from disk). `trace` follows a picture's shape through the list and returns one `Row` for each Keras layer that
`cnn.networks.build` will create: it is the table of `model.summary()`, known before TensorFlow is loaded. Knows nothing
about training, and builds nothing.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from cnn.config import geometry
from cnn.config.geometry import Padding, ReceptiveField
from cnn.config.words import counted

Activation = Literal["relu", "leaky_relu", "gelu", "tanh", "sigmoid", "linear"]
Shape = tuple[int, ...]  # of one picture: (height, width, channels), or (features,) once it is flat

MAX_PARAMETERS = 50_000_000  # 200 MB of float32 weights, four times that while Adam trains them


class ImpossibleStack(ValueError):
    """The layers do not fit together. `index` is the layer that breaks, from 0; `rows` what comes before it."""

    def __init__(self, index: int, message: str, rows: "list[Row]"):
        super().__init__(message)
        self.index = index
        self.rows = rows


class _Layer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Convolution(_Layer):
    """Slides `filters` learned kernels over the input; each makes one feature map."""

    kind: Literal["convolution"] = "convolution"
    filters: int = Field(32, ge=1, le=1024, description="How many kernels are learned; each makes one feature map.")
    kernel: int = Field(3, ge=1, le=31, description="Edge of the square kernel, in pixels.")
    stride: int = Field(1, ge=1, le=8, description="Pixels the window moves between two outputs.")
    padding: Padding = Field(
        "same", description="same: zeros around the border keep the size (at stride 1). valid: no border is added."
    )
    dilation: int = Field(1, ge=1, le=8, description="Distance between neighbouring weights; 1 leaves no gaps.")
    activation: Activation = Field("relu", description="Function applied to every value of the feature map.")
    batch_normalisation: bool = Field(
        False, description="Normalise each feature map over the batch before the activation (Ioffe and Szegedy 2015)."
    )
    # How much of its running mean and variance the normalisation keeps at each step. With Keras's 0.99 they lag
    # hundreds of batches behind, and a network that has trained for fewer answers at random.
    normalisation_momentum: ClassVar[float] = 0.9

    def __str__(self) -> str:
        extras = [f"stride {self.stride}"] * (self.stride > 1) + [f"dilation {self.dilation}"] * (self.dilation > 1)
        extras += ["batch norm"] * self.batch_normalisation + [self.activation]
        return " ".join([f"Conv {self.filters} {self.kernel}×{self.kernel} {self.padding}", *extras])


class Pooling(_Layer):
    """Replaces each window by one value. "depthwise max" pools across feature maps instead of across pixels."""

    kind: Literal["pooling"] = "pooling"
    mode: Literal["max", "average", "depthwise max"] = Field(
        "max", description="max and average: over a window of pixels. depthwise max: over a group of feature maps."
    )
    size: int = Field(
        2, ge=2, le=64, description="Edge of the window in pixels; for depthwise max, feature maps in a group."
    )
    stride: int | None = Field(
        None, ge=1, le=64, description="Pixels the window moves; empty: the window's own size. Depthwise: unused."
    )
    padding: Padding = Field("valid", description="valid: only whole windows. same: windows may overhang the border.")

    def __str__(self) -> str:
        if self.mode == "depthwise max":
            return f"Depthwise max pool {self.size}"
        stride = f" stride {self.stride}" if self.stride not in (None, self.size) else ""
        same = " same" if self.padding == "same" else ""
        return f"{self.mode.capitalize()} pool {self.size}{stride}{same}"


class GlobalPooling(_Layer):
    """Replaces each whole feature map by one value, and so ends the convolutional part of a network."""

    kind: Literal["global pooling"] = "global pooling"
    mode: Literal["average", "max"] = Field("average", description="The value that stands for the whole map.")

    def __str__(self) -> str:
        return f"Global {self.mode} pool"


class Flatten(_Layer):
    """Lays all values of all feature maps out in one vector, for the dense layers that follow."""

    kind: Literal["flatten"] = "flatten"

    def __str__(self) -> str:
        return "Flatten"


class Dense(_Layer):
    """Connects every input to every unit."""

    kind: Literal["dense"] = "dense"
    units: int = Field(64, ge=1, le=4096, description="How many units; each sees every input.")
    activation: Activation = Field("relu", description="Function applied to the output of every unit.")

    def __str__(self) -> str:
        return f"Dense {self.units} {self.activation}"


class Dropout(_Layer):
    """Sets a random share of its inputs to zero while training (Srivastava et al. 2014)."""

    kind: Literal["dropout"] = "dropout"
    rate: float = Field(0.5, ge=0.0, le=0.95, description="Share of the inputs set to zero at each training step.")

    def __str__(self) -> str:
        return f"Dropout {self.rate:g}"


class SkipConnection(_Layer):
    """Adds what went into an earlier layer to what comes out of the last (He et al. 2015, arXiv:1512.03385).

    The layers between need to learn only what must change, and the gradient has a short way past them.
    """

    kind: Literal["skip connection"] = "skip connection"
    over: int = Field(2, ge=1, le=16, description="How many layers it skips: the input of the first is added.")

    def __str__(self) -> str:
        return f"Skip connection over {self.over}"


Layer = Annotated[
    Convolution | Pooling | GlobalPooling | Flatten | Dense | Dropout | SkipConnection,
    Field(discriminator="kind", title="Layer"),
]
KINDS: dict[str, type[_Layer]] = {
    layer.model_fields["kind"].default: layer
    for layer in (Convolution, Pooling, GlobalPooling, Flatten, Dense, Dropout, SkipConnection)
}


@dataclass(frozen=True)
class Row:
    """One Keras layer, as `model.summary()` lists it.

    layer: index of the configured layer it belongs to (the output layer is the one after the last).
    macs: multiply-accumulates for one picture. receptive_field: in input pixels; None once positions are lost.
    adds: the name of the Keras layer whose output a skip connection adds ("input": the picture); None for all others.
    """

    name: str
    type: str
    output_shape: Shape
    parameters: int
    trainable: int
    macs: int
    receptive_field: ReceptiveField | None
    layer: int
    adds: str | None = None


_NAMES = {
    "Conv2D": "conv2d",
    "BatchNormalization": "batch_normalization",
    "Activation": "activation",
    "MaxPooling2D": "max_pooling2d",
    "AveragePooling2D": "average_pooling2d",
    "DepthwiseMaxPooling": "depthwise_max_pooling",
    "GlobalAveragePooling2D": "global_average_pooling2d",
    "GlobalMaxPooling2D": "global_max_pooling2d",
    "Flatten": "flatten",
    "Dense": "dense",
    "Dropout": "dropout",
    "Add": "add",
}


def trace(layers: Sequence[Layer], input_shape: Shape, classes: int) -> list[Row]:
    """Follow one picture through the layers and the output layer (dense, softmax, one unit a class).

    Args:
        layers: the configured layers, without the output layer.
        input_shape: (height, width, channels) of one picture.
        classes: units of the output layer.

    Returns:
        One row for each Keras layer, in order, the input layer left out.

    Raises:
        ImpossibleStack: the layers do not fit together; the message names the layer and the fix.
    """
    rows: list[Row] = []
    seen: Counter[str] = Counter()
    shape, field = input_shape, ReceptiveField()
    inputs = []  # of each configured layer: the name of the Keras layer that it comes from, and its shape

    for index, layer in enumerate([*layers, Dense(units=classes)]):
        where = "The output layer" if index == len(layers) else f"Layer {index + 1} ({layer})"
        inputs.append((rows[-1].name if rows else "input", shape))
        if problem := _misfit(layer, [shape for _, shape in inputs]):
            raise ImpossibleStack(index, f"{where} {problem}", rows)
        for type_, output_shape, parameters, trainable, macs, sees in _expand(layer, shape, field):
            count, seen[type_] = seen[type_], seen[type_] + 1
            name = _NAMES[type_] + (f"_{count}" if count else "")
            adds = inputs[index - layer.over][0] if isinstance(layer, SkipConnection) else None
            rows.append(Row(name, type_, output_shape, parameters, trainable, macs, sees, index, adds))
            shape, field = output_shape, sees
        if (total := sum(row.parameters for row in rows)) > MAX_PARAMETERS:
            raise ImpossibleStack(
                index,
                f"{where} brings the network to {total:,} parameters, more than the limit of "
                f"{MAX_PARAMETERS:,}: use fewer units, or pool more before it.",
                rows,
            )
    return rows


def _misfit(layer: Layer, shapes: Sequence[Shape]) -> str | None:
    """Why `layer` cannot take its input, the last of all layers' so far, and the fix; None where it can."""
    shape = shapes[-1]
    flat = len(shape) == 1
    match layer:
        case SkipConnection() if layer.over >= len(shapes):
            before = len(shapes) - 1
            if not before:
                return "is the first layer, so there is none for it to skip: move it down."
            return f"has only {counted(before, 'layer')} before it: let it skip fewer layers, or move it down."
        case SkipConnection() if shapes[-1 - layer.over] != shape:
            added, to = ("×".join(map(str, sizes)) for sizes in (shapes[-1 - layer.over], shape))
            return (
                f"adds {added} values to {to}, and the two must have one shape: let it skip only layers that keep "
                'the size and the number of feature maps (stride 1, padding "same", as many filters as come in).'
            )
        case Dense() if not flat:
            height, width, channels = shape
            return (
                f"needs a vector, but gets {counted(channels, 'feature map')} of {height}×{width}: "
                f"add a flatten or global pooling layer before it."
            )
        case Convolution() | Pooling() | GlobalPooling() | Flatten() if flat:
            return (
                f"needs feature maps, but its input is already a vector of {shape[0]}: "
                "move it before the flatten or global pooling layer, or remove it."
            )
        case Convolution() if layer.stride > 1 and layer.dilation > 1:
            return (
                f"has stride {layer.stride} and dilation {layer.dilation}, and Keras allows only one of them above 1: "
                "set one of them to 1."
            )
        case Convolution(padding="valid"):
            span = geometry.extent(layer.kernel, layer.dilation)
            if span > min(shape[:2]):
                dilated = f" (dilation {layer.dilation})" if layer.dilation > 1 else ""
                return (
                    f"has a kernel that spans {span}×{span} pixels{dilated}, larger than its {shape[0]}×{shape[1]} "
                    'input: use a smaller kernel or dilation, padding "same", or pool less before it.'
                )
        case Pooling(mode="depthwise max") if shape[2] % layer.size:
            return (
                f"cannot split {counted(shape[2], 'feature map')} into groups of {layer.size}: choose a size that "
                f"divides {shape[2]}, or change the filters of the convolution before it."
            )
        case Pooling(mode="max" | "average", padding="valid") if layer.size > min(shape[:2]):
            return (
                f"has a window of {layer.size}×{layer.size}, larger than its {shape[0]}×{shape[1]} input: "
                "use a smaller window, or remove a pooling layer before it."
            )
    return None


def _expand(layer: Layer, shape: Shape, field: ReceptiveField | None):
    """The Keras layers that one configured layer becomes: (type, shape, parameters, trainable, MACs, field)."""
    match layer:
        case Convolution():
            size = [
                geometry.output_size(n, layer.kernel, layer.stride, layer.padding, layer.dilation) for n in shape[:2]
            ]
            out = (*size, layer.filters)
            weights = geometry.convolution_parameters(layer.kernel, shape[2], layer.filters, bias=False)
            before = geometry.padding_before(shape[0], layer.kernel, layer.stride, layer.padding, layer.dilation)
            field = field.through(layer.kernel, layer.stride, layer.dilation, before)
            macs = weights * size[0] * size[1]
            if not layer.batch_normalisation:
                parameters = weights + layer.filters
                yield "Conv2D", out, parameters, parameters, macs, field
                return
            # The normalisation's own offset takes the place of the convolution's bias.
            yield "Conv2D", out, weights, weights, macs, field
            yield "BatchNormalization", out, 4 * layer.filters, 2 * layer.filters, prod(out), field
            if layer.activation != "linear":
                yield "Activation", out, 0, 0, 0, field
        case Pooling(mode="depthwise max"):
            yield "DepthwiseMaxPooling", (*shape[:2], shape[2] // layer.size), 0, 0, 0, field
        case Pooling():
            stride = layer.stride or layer.size
            size = [geometry.output_size(n, layer.size, stride, layer.padding) for n in shape[:2]]
            kind = "MaxPooling2D" if layer.mode == "max" else "AveragePooling2D"
            before = geometry.padding_before(shape[0], layer.size, stride, layer.padding)
            yield kind, (*size, shape[2]), 0, 0, 0, field.through(layer.size, stride, before=before)
        case GlobalPooling():
            yield f"Global{layer.mode.capitalize()}Pooling2D", (shape[2],), 0, 0, 0, None
        case Flatten():
            yield "Flatten", (prod(shape),), 0, 0, 0, None
        case Dense():
            parameters = geometry.dense_parameters(shape[0], layer.units)
            yield "Dense", (layer.units,), parameters, parameters, shape[0] * layer.units, None
        case Dropout():
            yield "Dropout", shape, 0, 0, 0, field
        case SkipConnection():
            yield "Add", shape, 0, 0, 0, field

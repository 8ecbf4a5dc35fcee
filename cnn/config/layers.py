"""The layers that a network is made of, and all that there is to know about each kind before TensorFlow is loaded.

A network is described as a list of `Layer` values (pydantic models, so that they can be edited in a form and read
back from disk). A kind is one class: its fields are the form's, its `parts` are the Keras layers that it becomes, with
their arguments, shapes, parameters, multiply-accumulates and receptive fields, each with its arithmetic, its `misfit`
says what it cannot take, and, where it has filters, `filters_of` finds them among Keras's weights. `trace` follows an
image through the list and returns a `Row` for each Keras layer: the table of `model.summary()`, from which
`cnn.networks.build` builds the network and `cnn.training.keras_script` writes it. Knows nothing about training, and
builds nothing.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, Field

from cnn.config import geometry, workings
from cnn.config.geometry import Padding, ReceptiveField, Window
from cnn.config.words import counted
from cnn.config.workings import Products, Working
from cnn.errors import AtelierError

Activation = Literal[
    "relu", "relu6", "leaky_relu", "gelu", "silu", "hard_silu", "tanh", "sigmoid", "hard_sigmoid", "linear"
]
Shape = tuple[int, ...]  # of one image: (height, width, channels), or (features,) once it is flat

MAX_PARAMETERS = 50_000_000  # 200 MB of float32 weights, four times that while Adam trains them
# How much of its running mean and variance a batch normalisation keeps at each step. With Keras's 0.99 they lag
# hundreds of batches behind, and a network that has trained for fewer predicts at random.
NORMALISATION_MOMENTUM = 0.9
# Mean and standard deviation of the red, green and blue values in [0, 1] of ImageNet's training images, as torchvision
# and Keras's EfficientNetV2 have them.
_IMAGENET = ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))


class ImpossibleStack(AtelierError, ValueError):
    """The layers do not fit together. `index` is the layer that breaks, from 0; `rows` what comes before it."""

    def __init__(self, index: int, message: str, rows: "list[Row]"):
        super().__init__(message)
        self.index = index
        self.rows = rows


class Flow(NamedTuple):
    """What goes from one Keras layer to the next: whose output it is, its shape, and what of the image a value sees.

    receptive_field: None once positions are lost.
    """

    name: str
    shape: Shape
    receptive_field: ReceptiveField | None


class Part(NamedTuple):
    """One of the Keras layers that a configured layer becomes.

    type: its class, of `keras.layers` or `cnn.networks.layers`.
    arguments: what it is made with, by Keras's names, those without a default first; Keras's defaults are left out.
    parameters, macs: how many there are, of the multiply-accumulates for one image, as sums of products.
    frozen: parameters that training does not change.
    takes: what goes into it; None stands for what the part before gives, a number for what that part of the same layer
        gives, from 0.
    window: what it slides over its maps. workings: how its output shape and its receptive field come about.
    """

    type: str
    arguments: Mapping[str, Any]
    output_shape: Shape
    receptive_field: ReceptiveField | None
    parameters: Products = ()
    frozen: int = 0
    macs: Products = ()
    takes: tuple[Flow | int | None, ...] = (None,)
    window: Window | None = None
    workings: tuple[Working, ...] = ()


class L2(NamedTuple):
    """A regulariser: `factor` times the sum of the squared weights is added to the loss."""

    factor: float


def _slid(window: Window, flow: Flow) -> tuple[list[int], ReceptiveField, dict[str, Any]]:
    """What a window makes of maps: their height and width, what a value then sees, and how both come about."""
    shape, sees = flow.shape, flow.receptive_field
    size = [window.outputs(n) for n in shape[:2]]
    after = sees.through(window.kernel, window.stride, window.dilation, window.zeros(shape[0])[0])
    how = {"window": window, "workings": (*workings.slid(shape, window), *workings.seen(sees, window))}
    return size, after, how


def _changed(**values: tuple[Any, Any]) -> dict[str, Any]:
    """Of arguments, each with Keras's default, those that differ from it."""
    return {name: value for name, (value, default) in values.items() if value != default}


class _Layer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    needs: ClassVar[Literal["maps", "vector", "either"]] = "maps"  # what may go into it

    def parts(self, inputs: Sequence[Flow]) -> Iterator[Part]:
        """The Keras layers that it becomes.

        Args:
            inputs: what goes into each configured layer up to this one, whose own is the last. It can take it.
        """
        raise NotImplementedError

    def misfit(self, inputs: Sequence[Flow]) -> str | None:
        """Why it cannot take its input, the last of `inputs`, and the fix; None where it can."""
        shape = inputs[-1].shape
        if self.needs == "vector" and len(shape) > 1:
            height, width, channels = shape
            return (
                f"needs a vector, but gets {counted(channels, 'feature map')} of {height}×{width}: "
                f"add a flatten or global pooling layer before it."
            )
        if self.needs == "maps" and len(shape) == 1:
            return (
                f"needs feature maps, but its input is already a vector of {shape[0]}: "
                "move it before the flatten or global pooling layer, or remove it."
            )
        return None


def _activated(activation: Activation, normalised: bool, inner: Part) -> Iterator[Part]:
    """A weighted sum with its activation, which comes after the batch normalisation where there is one.

    The normalisation's own offset takes the place of the bias.
    """
    out, sees = inner.output_shape, inner.receptive_field
    if not normalised:
        biases = (out[-1],)
        yield inner._replace(
            arguments={**inner.arguments, "activation": activation}, parameters=(*inner.parameters, biases)
        )
        return
    yield inner._replace(arguments={**inner.arguments, "use_bias": False})
    momentum = {"momentum": NORMALISATION_MOMENTUM}
    channels = out[-1]
    yield Part("BatchNormalization", momentum, out, sees, ((4, channels),), 2 * channels, (out,))
    if activation != "linear":
        yield Part("Activation", {"activation": activation}, out, sees)


_L2 = Field(
    0.0,
    ge=0.0,
    le=1.0,
    description="L2 weight decay: this times the sum of the squared weights is added to the loss.",
)


class AnyConvolution(_Layer):
    """What slides learned kernels over feature maps. Stated for a convolution whose filters see every channel."""

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
    l2: float = _L2

    keras_type: ClassVar[str]
    kernels: ClassVar[tuple[str, ...]] = ("kernel",)  # what Keras calls its arrays of weights
    formula: ClassVar[str]  # of its sum z, in LaTeX

    @property
    def name(self) -> str:
        """In a line of text."""
        raise NotImplementedError

    def __str__(self) -> str:
        extras = [f"stride {self.stride}"] * (self.stride > 1) + [f"dilation {self.dilation}"] * (self.dilation > 1)
        extras += ["batch norm"] * self.batch_normalisation + [self.activation] + [f"L2 {self.l2:g}"] * (self.l2 > 0)
        return " ".join([self.name, f"{self.kernel}×{self.kernel}", self.padding, *extras])

    def misfit(self, inputs: Sequence[Flow]) -> str | None:
        if problem := super().misfit(inputs):
            return problem
        if self.stride > 1 and self.dilation > 1:
            return (
                f"has stride {self.stride} and dilation {self.dilation}, and Keras allows only one of them above 1: "
                "set one of them to 1."
            )
        height, width, _ = inputs[-1].shape
        span = geometry.extent(self.kernel, self.dilation)
        if self.padding == "valid" and span > min(height, width):
            dilated = f" (dilation {self.dilation})" if self.dilation > 1 else ""
            return (
                f"has a kernel that spans {span}×{span} pixels{dilated}, larger than its {height}×{width} "
                'input: use a smaller kernel or dilation, padding "same", or pool less before it.'
            )
        return None

    def parts(self, inputs: Sequence[Flow]) -> Iterator[Part]:
        size, sees, how = _slid(Window(self.kernel, self.stride, self.padding, self.dilation), inputs[-1])
        window = _changed(strides=(self.stride, 1), padding=(self.padding, "valid"), dilation_rate=(self.dilation, 1))
        penalty = {f"{kernel}_regularizer": L2(self.l2) for kernel in self.kernels if self.l2}
        own, maps, weights = self._weights(inputs[-1].shape[2])
        sum_ = Part(
            self.keras_type,
            {**own, **window, **penalty},
            (*size, maps),
            sees,
            parameters=weights,
            macs=tuple((*size, *factors) for factors in weights),
            **how,
        )
        yield from _activated(self.activation, self.batch_normalisation, sum_)

    def _weights(self, channels: int) -> tuple[dict[str, Any], int, Products]:
        """Keras's arguments without a default, the feature maps that come out, and its weights for so many channels.

        These are without biases; each is multiplied once at each place.
        """
        raise NotImplementedError

    @staticmethod
    def filters_of(weights: Sequence[Any]) -> Any:
        """The filters (k, k, channels that a filter sees, filters) among Keras's weights, arrays or tensors."""
        return weights[0]

    @staticmethod
    def channels_seen(filter_: int, channels: int) -> range:
        """The input channels, of so many, that one filter sees."""
        return range(channels)

    @staticmethod
    def scaled(weights: Sequence[Any], factors: Any) -> list[Any]:
        """Keras's weights with each filter, bias included, times its factor, (filters,)."""
        return [array * factors for array in weights]

    @staticmethod
    def place_of(weight: tuple[int, ...], filter_: int) -> tuple[int, ...] | None:
        """Where in Keras's first array a filter's weight (row, column, channel seen) stands; None: it is a product."""
        return (*weight, filter_)


class _Filters(_Layer):
    filters: int = Field(32, ge=1, le=2048, description="Number of learned kernels; each makes one feature map.")


class Convolution(AnyConvolution, _Filters):
    """Slides `filters` learned kernels over the input; each makes one feature map."""

    kind: Literal["convolution"] = "convolution"
    keras_type: ClassVar = "Conv2D"
    formula: ClassVar = r"b_k + \sum_{u}\sum_{v}\sum_{k'} x_{i',\,j',\,k'}\; w_{u,v,k',k}"

    @property
    def name(self) -> str:
        return f"Conv {self.filters}"

    def _weights(self, channels: int) -> tuple[dict[str, Any], int, Products]:
        weights = ((self.kernel, self.kernel, channels, self.filters),)
        return {"filters": self.filters, "kernel_size": self.kernel}, self.filters, weights


class DepthwiseConvolution(AnyConvolution):
    """Slides one learned kernel over each feature map by itself; as many maps come out as go in."""

    kind: Literal["depthwise convolution"] = "depthwise convolution"
    keras_type: ClassVar = "DepthwiseConv2D"
    kernels: ClassVar = ("depthwise",)
    name: ClassVar = "Depthwise conv"
    formula: ClassVar = r"b_k + \sum_{u}\sum_{v} x_{i',\,j',\,k}\; w_{u,v,k}"

    def _weights(self, channels: int) -> tuple[dict[str, Any], int, Products]:
        return {"kernel_size": self.kernel}, channels, ((self.kernel, self.kernel, channels),)

    @staticmethod
    def filters_of(weights: Sequence[Any]) -> Any:
        return weights[0][..., 0][:, :, None, :]  # Keras's array: (k, k, channels, 1)

    @staticmethod
    def channels_seen(filter_: int, channels: int) -> range:
        return range(filter_, filter_ + 1)

    @staticmethod
    def scaled(weights: Sequence[Any], factors: Any) -> list[Any]:
        kernels, *bias = weights
        return [kernels * factors[:, None], *(array * factors for array in bias)]

    @staticmethod
    def place_of(weight: tuple[int, ...], filter_: int) -> tuple[int, ...]:
        row, column, _ = weight
        return row, column, filter_, 0


class SeparableConvolution(AnyConvolution, _Filters):
    """A depthwise convolution, then `filters` sums over its maps at each place (Chollet 2016, arXiv:1610.02357)."""

    kind: Literal["separable convolution"] = "separable convolution"
    keras_type: ClassVar = "SeparableConv2D"
    kernels: ClassVar = ("depthwise", "pointwise")
    formula: ClassVar = r"b_k + \sum_{k'} p_{k',k} \sum_{u}\sum_{v} x_{i',\,j',\,k'}\; d_{u,v,k'}"

    @property
    def name(self) -> str:
        return f"Separable conv {self.filters}"

    def _weights(self, channels: int) -> tuple[dict[str, Any], int, Products]:
        weights = ((self.kernel, self.kernel, channels), (channels, self.filters))
        return {"filters": self.filters, "kernel_size": self.kernel}, self.filters, weights

    @staticmethod
    def filters_of(weights: Sequence[Any]) -> Any:
        depthwise, pointwise, *_ = weights  # Keras's arrays: (k, k, channels, 1) and (1, 1, channels, filters)
        return depthwise * pointwise

    @staticmethod
    def scaled(weights: Sequence[Any], factors: Any) -> list[Any]:
        depthwise, *rest = weights
        return [depthwise, *(array * factors for array in rest)]

    @staticmethod
    def place_of(weight: tuple[int, ...], filter_: int) -> None:
        return None


class Pooling(_Layer):
    """Replaces each window by one value. "depthwise max" pools across feature maps instead of across pixels."""

    kind: Literal["pooling"] = "pooling"
    mode: Literal["max", "average", "depthwise max"] = Field(
        "max", description="max, average: over a window of pixels. depthwise max: over a group of feature maps."
    )
    size: int = Field(
        2, ge=2, le=64, description="Edge of the window in pixels; for depthwise max, feature maps in a group."
    )
    stride: int | None = Field(
        None, ge=1, le=64, description="Pixels the window moves; empty: the window size. Not used by depthwise max."
    )
    padding: Padding = Field("valid", description="valid: only whole windows. same: windows may overhang the border.")

    def __str__(self) -> str:
        if self.mode == "depthwise max":
            return f"Depthwise max pool {self.size}"
        stride = f" stride {self.stride}" if self.stride not in (None, self.size) else ""
        same = " same" if self.padding == "same" else ""
        return f"{self.mode.capitalize()} pool {self.size}{stride}{same}"

    def misfit(self, inputs: Sequence[Flow]) -> str | None:
        if problem := super().misfit(inputs):
            return problem
        height, width, channels = inputs[-1].shape
        if self.mode == "depthwise max" and channels % self.size:
            return (
                f"cannot split {counted(channels, 'feature map')} into groups of {self.size}: choose a size that "
                f"divides {channels}, or change the filters of the convolution before it."
            )
        if self.mode != "depthwise max" and self.padding == "valid" and self.size > min(height, width):
            return (
                f"has a window of {self.size}×{self.size}, larger than its {height}×{width} input: "
                "use a smaller window, or remove a pooling layer before it."
            )
        return None

    def parts(self, inputs: Sequence[Flow]) -> Iterator[Part]:
        _, shape, sees = inputs[-1]
        if self.mode == "depthwise max":
            groups = shape[2] // self.size
            how = Working("feature maps", f"{shape[2]}/{self.size}", groups)
            yield Part("DepthwiseMaxPooling", {"size": self.size}, (*shape[:2], groups), sees, workings=(how,))
            return
        stride = self.stride or self.size
        size, sees, slid = _slid(Window(self.size, stride, self.padding), inputs[-1])
        window = _changed(strides=(stride, self.size), padding=(self.padding, "valid"))
        type_ = "MaxPooling2D" if self.mode == "max" else "AveragePooling2D"
        yield Part(type_, {"pool_size": self.size, **window}, (*size, shape[2]), sees, **slid)


class GlobalPooling(_Layer):
    """Replaces each whole feature map by one value, and so ends the convolutional part of a network."""

    kind: Literal["global pooling"] = "global pooling"
    mode: Literal["average", "max"] = Field("average", description="How each feature map becomes one value.")

    def __str__(self) -> str:
        return f"Global {self.mode} pool"

    def parts(self, inputs: Sequence[Flow]) -> Iterator[Part]:
        yield Part(f"Global{self.mode.capitalize()}Pooling2D", {}, inputs[-1].shape[2:], None)


class Flatten(_Layer):
    """Lays all values of all feature maps out in one vector, for the dense layers that follow."""

    kind: Literal["flatten"] = "flatten"

    def __str__(self) -> str:
        return "Flatten"

    def parts(self, inputs: Sequence[Flow]) -> Iterator[Part]:
        shape = inputs[-1].shape
        yield Part("Flatten", {}, (prod(shape),), None, workings=(workings.summed("values", (shape,)),))


class Dense(_Layer):
    """Connects every input to every unit."""

    kind: Literal["dense"] = "dense"
    units: int = Field(64, ge=1, le=4096, description="Number of units; each is connected to every input.")
    activation: Activation = Field("relu", description="Function applied to the output of every unit.")
    batch_normalisation: bool = Field(
        False, description="Normalise each unit over the batch before the activation (Ioffe and Szegedy 2015)."
    )
    l2: float = _L2

    needs: ClassVar = "vector"

    def __str__(self) -> str:
        extras = ["batch norm"] * self.batch_normalisation + [self.activation] + [f"L2 {self.l2:g}"] * (self.l2 > 0)
        return " ".join([f"Dense {self.units}", *extras])

    def parts(self, inputs: Sequence[Flow]) -> Iterator[Part]:
        weights = ((inputs[-1].shape[0], self.units),)
        penalty = {"kernel_regularizer": L2(self.l2)} if self.l2 else {}
        sum_ = Part("Dense", {"units": self.units, **penalty}, (self.units,), None, parameters=weights, macs=weights)
        yield from _activated(self.activation, self.batch_normalisation, sum_)


class Dropout(_Layer):
    """Sets a random fraction of its inputs to zero while training (Srivastava et al. 2014)."""

    kind: Literal["dropout"] = "dropout"
    rate: float = Field(0.5, ge=0.0, le=0.95, description="Fraction of the inputs set to zero at each training step.")

    needs: ClassVar = "either"

    def __str__(self) -> str:
        return f"Dropout {self.rate:g}"

    def parts(self, inputs: Sequence[Flow]) -> Iterator[Part]:
        _, shape, sees = inputs[-1]
        yield Part("Dropout", {"rate": self.rate}, shape, sees)


class SkipConnection(_Layer):
    """Adds what went into an earlier layer to what comes out of the last (He et al. 2015, arXiv:1512.03385).

    The layers between need to learn only what must change, and the gradient has a short way past them. Or it sets the
    two side by side, so that both stay as they are (Huang et al. 2016, arXiv:1608.06993).
    """

    kind: Literal["skip connection"] = "skip connection"
    over: int = Field(2, ge=1, le=16, description="Number of layers it skips: the input of the first of them is added.")
    mode: Literal["add", "concatenate"] = Field(
        "add", description="add: element-wise, so both need the same shape. concatenate: along the channels."
    )
    projection: bool = Field(
        False, description="A 1×1 convolution on the shortcut, to match the number of feature maps."
    )
    stride: int = Field(
        1, ge=1, le=8, description="Stride of the projection: the shortcut is downsampled by this factor."
    )

    needs: ClassVar = "either"

    def __str__(self) -> str:
        extras = ["concatenate"] * (self.mode == "concatenate") + ["1×1 projection"] * self.projection
        extras += [f"stride {self.stride}"] * (self.stride > 1)
        return " ".join([f"Skip connection over {self.over}", *extras])

    def misfit(self, inputs: Sequence[Flow]) -> str | None:
        if self.over >= len(inputs):
            before = len(inputs) - 1
            if not before:
                return "is the first layer, so there is none for it to skip: move it down."
            return f"has only {counted(before, 'layer')} before it: let it skip fewer layers, or move it down."
        if self.stride > 1 and not self.projection:
            return f"has stride {self.stride}, which only a projection can have: switch that on, or set it to 1."
        skipped, main = inputs[-1 - self.over], inputs[-1]
        flat = 1 in (len(skipped.shape), len(main.shape))
        if flat and self.projection:
            return "has a projection, a 1×1 convolution, but no feature maps to project: switch the projection off."
        shape = skipped.shape
        if not flat:
            size = [geometry.output_size(n, 1, self.stride, "same") for n in shape[:2]]
            shape = (*size, main.shape[2] if self.projection and self.mode == "add" else shape[2])
        fits = shape == main.shape if self.mode == "add" else shape[:-1] == main.shape[:-1]
        if not fits:
            given, to = ("×".join(map(str, sizes)) for sizes in (shape, main.shape))
            if self.mode == "add":
                return (
                    f"adds {given} values to {to}, and the two must have one shape: let it skip only layers that keep "
                    'the size and the number of feature maps (stride 1, padding "same", as many filters as come in), '
                    "or give it a projection with their stride."
                )
            return (
                f"sets {given} values beside {to}, and the two must have one size: let it skip only layers that keep "
                'the size (stride 1, padding "same"), or give it a projection with their stride.'
            )
        if main.receptive_field and skipped.receptive_field.jump * self.stride != main.receptive_field.jump:
            return (
                "brings together values from different places of the image, because what it skips has another stride: "
                f"set its own to {main.receptive_field.jump // skipped.receptive_field.jump}."
            )
        return None

    def parts(self, inputs: Sequence[Flow]) -> Iterator[Part]:
        skipped, main = inputs[-1 - self.over], inputs[-1]
        channels, maps = skipped.shape[-1], main.shape[-1] if self.mode == "add" else skipped.shape[-1]
        if self.projection:
            size, sees, how = _slid(Window(1, self.stride), skipped)
            weights = (1, 1, channels, maps)
            arguments = {"filters": maps, "kernel_size": 1, **_changed(strides=(self.stride, 1))}
            macs = ((*size, *weights),)
            yield Part("Conv2D", arguments, (*size, maps), sees, (weights, (maps,)), macs=macs, takes=(skipped,), **how)
        # With the projection last, the rows have the order in which Keras lists the layers of a network.
        merged: tuple[Flow | None, ...] = (main, None) if self.projection else (skipped, main)
        beside = (main.shape[-1], maps) if self.projection else (maps, main.shape[-1])
        if self.mode == "add":
            yield Part("Add", {}, main.shape, main.receptive_field, takes=merged)
        else:
            both = workings.summed("feature maps" if len(main.shape) > 1 else "values", tuple((n,) for n in beside))
            out = (*main.shape[:-1], both.result)
            yield Part("Concatenate", {}, out, main.receptive_field, takes=merged, workings=(both,))


class Rescaling(_Layer):
    """Multiplies every value by a number and adds another: brings images to the range that a network expects."""

    kind: Literal["rescaling"] = "rescaling"
    scale: float = Field(2.0, ge=-1000.0, le=1000.0, description="Each value is multiplied by this.")
    offset: float = Field(-1.0, ge=-1000.0, le=1000.0, description="Added to each value after that.")
    standardise: bool = Field(
        False,
        description="Then subtract the mean of ImageNet's images and divide by their standard deviation, in each of "
        "the channels red, green and blue.",
    )

    needs: ClassVar = "either"

    def __str__(self) -> str:
        return f"Rescaling ×{self.scale:.4g} {self.offset:+.4g}" + " ImageNet" * self.standardise

    def misfit(self, inputs: Sequence[Flow]) -> str | None:
        channels = inputs[-1].shape[-1]
        if self.standardise and (len(inputs[-1].shape) == 1 or channels not in (1, 3)):
            return (
                f"standardises the channels of images, which are 1 or 3, but gets {counted(channels, 'value')} "
                "at each place: move it to the start, or switch that off."
            )
        return None

    def parts(self, inputs: Sequence[Flow]) -> Iterator[Part]:
        _, shape, sees = inputs[-1]
        arguments: dict[str, Any] = {"scale": self.scale, **_changed(offset=(self.offset, 0.0))}
        if self.standardise:
            # ((x s + o) - m) / d = x (s / d) + (o - m) / d. Grey has the mean of the three channels' numbers.
            pairs = _IMAGENET if shape[-1] == 3 else [tuple(sum(of) / 3 for of in zip(*_IMAGENET, strict=True))]
            arguments = {
                "scale": [self.scale / deviation for _, deviation in pairs],
                "offset": [(self.offset - mean) / deviation for mean, deviation in pairs],
            }
        yield Part("Rescaling", arguments, shape, sees)


class InvertedResidual(_Filters):
    """A block that works on many maps and hands on few (Sandler et al. 2018, arXiv:1801.04381).

    A 1×1 convolution multiplies the maps by `expansion` (not where that is 1), a depthwise convolution sees each of
    them, and a 1×1 convolution without activation brings them to `filters`. Each has batch normalisation. Where size
    and number of maps stay, what came in is added. `squeeze` lets the block weigh its maps by their means, so that each
    value sees the whole image (Hu et al. 2017, arXiv:1709.01507). `fused` makes one convolution of the first two (Tan
    and Le 2021, arXiv:2104.00298).
    """

    kind: Literal["inverted residual"] = "inverted residual"
    filters: int = Field(24, ge=1, le=2048, description="Feature maps that come out.")
    expansion: float = Field(
        6.0, ge=1.0, le=10.0, description="How many times as many feature maps there are within the block."
    )
    kernel: int = Field(3, ge=1, le=31, description="Edge of the square kernel, in pixels.")
    stride: int = Field(1, ge=1, le=8, description="Pixels the window moves between two outputs.")
    activation: Activation = Field(
        "relu6", description="Function applied within the block; what comes out of it has none."
    )
    squeeze: int = Field(
        0,
        ge=0,
        le=1024,
        description="Squeeze and excite: each map is multiplied by a factor from 0 to 1, computed from the means of "
        "all maps through this many units; 0: no factors.",
    )
    fused: bool = Field(
        False, description="One convolution in place of the 1×1 convolution and the depthwise one: faster in few maps."
    )

    def __str__(self) -> str:
        extras = [f"stride {self.stride}"] * (self.stride > 1) + [f"squeeze {self.squeeze}"] * (self.squeeze > 0)
        name = f"{'Fused inverted' if self.fused else 'Inverted'} residual {self.filters} ×{self.expansion:.3g}"
        return " ".join([name, f"{self.kernel}×{self.kernel}", *extras, self.activation])

    def parts(self, inputs: Sequence[Flow]) -> Iterator[Part]:
        start = flow = inputs[-1]
        *within, project = self._convolutions(start.shape[2])
        made: list[Part] = []
        for layer in within:
            made += layer.parts([flow])
            flow = _out(made[-1])
        if self.squeeze:
            made += _squeezed(flow, self.squeeze, self.activation, len(made) - 1)
            flow = _out(made[-1])
        made += project.parts([flow])
        yield from made
        if self.stride == 1 and made[-1].output_shape == start.shape:
            yield Part("Add", {}, start.shape, made[-1].receptive_field, takes=(start, None))

    def _convolutions(self, channels: int) -> list[AnyConvolution]:
        """Those that it becomes for so many channels, without those of `squeeze`, which come before the last."""
        expanded = round(channels * self.expansion)
        own: dict[str, Any] = {"activation": self.activation, "batch_normalisation": True}
        slid: dict[str, Any] = {"kernel": self.kernel, "stride": self.stride}
        project = Convolution(filters=self.filters, kernel=1, activation="linear", batch_normalisation=True)
        if self.fused and expanded == channels and not self.squeeze:
            return [Convolution(filters=self.filters, **slid, **own)]
        if self.fused:
            return [_widened(Convolution(**slid, **own), expanded), project]
        expand = [_widened(Convolution(kernel=1, **own), expanded)] * (expanded != channels)
        return [*expand, DepthwiseConvolution(**slid, **own), project]


def _widened(layer: Convolution, filters: int) -> Convolution:
    """With so many filters, be they more than the form allows."""
    return layer.model_copy(update={"filters": filters})


def _out(part: Part) -> Flow:
    """What a part hands on within its layer, where names do not count."""
    return Flow("", part.output_shape, part.receptive_field)


def _squeezed(flow: Flow, units: int, activation: Activation, last: int) -> Iterator[Part]:
    """Squeeze and excite: maps times factors of their means, as EfficientNet (with SiLU) and MobileNetV3 compute them.

    last: which part of the layer gives the maps.
    """
    *edges, maps = flow.shape
    sees, edge = flow.receptive_field, max(edges)
    functions = ("silu", "sigmoid") if activation == "silu" else ("relu", "hard_sigmoid")
    mean = sees.through(edge, edge)
    seen = workings.seen(sees, Window(edge, edge))
    yield Part("GlobalAveragePooling2D", {"keepdims": True}, (1, 1, maps), mean, workings=seen)
    for before, after, function in zip((maps, units), (units, maps), functions, strict=True):
        weights = (1, 1, before, after)
        arguments = {"filters": after, "kernel_size": 1, "activation": function}
        *_, how = _slid(Window(1), Flow("", (1, 1, before), mean))
        yield Part("Conv2D", arguments, (1, 1, after), mean, (weights, (after,)), macs=(weights,), **how)
    # The frame around all that the first and the last of the values see together, so that it holds for each of them.
    everywhere = sees._replace(size=mean.size + (edge - 1) * sees.jump, start=sees.start - (edge - 1) * sees.jump)
    doubled = Working("receptive field", f"{sees.size} + 2·({edge} − 1)·{sees.jump}", everywhere.size)
    yield Part("Multiply", {}, flow.shape, everywhere, takes=(last, None), workings=(doubled,))


Layer = Annotated[
    Convolution
    | DepthwiseConvolution
    | SeparableConvolution
    | Pooling
    | GlobalPooling
    | Flatten
    | Dense
    | Dropout
    | SkipConnection
    | InvertedResidual
    | Rescaling,
    Field(discriminator="kind", title="Layer"),
]
KINDS: dict[str, type[Layer]] = {kind.model_fields["kind"].default: kind for kind in get_args(get_args(Layer)[0])}
# Of each Keras type that has filters, the kind that makes it.
CONVOLUTIONS = {kind.keras_type: kind for kind in KINDS.values() if issubclass(kind, AnyConvolution)}


@dataclass(frozen=True)
class Row:
    """One Keras layer, as `model.summary()` lists it.

    takes: the names of the Keras layers whose outputs go into it ("input": the image). arguments: what it is made with,
    as in `Part`. macs: multiply-accumulates for one image. memory: bytes of its output for one image, in float32.
    receptive_field: in input pixels; None once positions are lost. layer: index of the configured layer it belongs to
    (the output layer is the one after the last). window: what it slides over its maps. workings: the arithmetic of all
    these numbers.
    """

    name: str
    type: str
    takes: tuple[str, ...]
    output_shape: Shape
    parameters: int
    trainable: int
    macs: int
    memory: int
    receptive_field: ReceptiveField | None
    layer: int
    window: Window | None
    arguments: Mapping[str, Any] = field(compare=False, repr=False)
    workings: tuple[Working, ...] = field(compare=False, repr=False)

    @property
    def activation(self) -> str | None:
        """The function after the sum, where it has one."""
        return self.arguments.get("activation")


def trace(layers: Sequence[Layer], input_shape: Shape, classes: int) -> list[Row]:
    """Follow one image through the layers and the output layer (dense, softmax, one unit a class).

    Args:
        layers: the configured layers, without the output layer.
        input_shape: (height, width, channels) of one image.
        classes: units of the output layer.

    Returns:
        One row for each Keras layer, in order, the input layer left out.

    Raises:
        ImpossibleStack: the layers do not fit together; the message names the layer and the fix.

    >>> [row.output_shape for row in trace([Convolution(filters=8, stride=2), Flatten()], (28, 28, 1), 10)]
    [(14, 14, 8), (1568,), (10,)]
    """
    rows: list[Row] = []
    seen: Counter[str] = Counter()
    inputs = [Flow("input", input_shape, ReceptiveField())]  # of each configured layer up to the present one

    for index, layer in enumerate([*layers, Dense(units=classes, activation="linear")]):
        is_output = index == len(layers)
        where = "The output layer" if is_output else f"Layer {index + 1} ({layer})"
        if problem := layer.misfit(inputs):
            raise ImpossibleStack(index, f"{where} {problem}", rows)
        last = inputs[-1]
        own: list[str] = []  # the names of this layer's parts
        for part in layer.parts(inputs):
            count, seen[part.type] = seen[part.type], seen[part.type] + 1
            name = _snake_case(part.type) + (f"_{count}" if count else "")
            takes = tuple(own[flow] if isinstance(flow, int) else (flow or last).name for flow in part.takes)
            own.append(name)
            arguments = {**part.arguments, "activation": "softmax"} if is_output else part.arguments
            parameters, macs = (workings.total(terms) for terms in (part.parameters, part.macs))
            memory = workings.memory(part.output_shape)
            counts = {"parameters": part.parameters, "MACs": part.macs}
            written = [workings.summed(of, terms) for of, terms in counts.items() if terms]
            rows.append(
                Row(
                    name,
                    part.type,
                    takes,
                    part.output_shape,
                    parameters,
                    parameters - part.frozen,
                    macs,
                    memory.result,
                    part.receptive_field,
                    index,
                    part.window,
                    arguments,
                    (*part.workings, *written, memory),
                )
            )
            last = Flow(name, part.output_shape, part.receptive_field)
        inputs.append(last)
        if (total := sum(row.parameters for row in rows)) > MAX_PARAMETERS:
            raise ImpossibleStack(
                index,
                f"{where} brings the network to {total:,} parameters, more than the limit of "
                f"{MAX_PARAMETERS:,}: use fewer units, or pool more before it.",
                rows,
            )
    return rows


def _snake_case(type_: str) -> str:
    """A Keras layer's name as Keras makes it of its type: MaxPooling2D -> max_pooling2d."""
    parted = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", type_)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", parted).lower()

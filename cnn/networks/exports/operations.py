"""A trained network as the plain operations of a single forward pass, with the weights of each.

What only training needs is gone: dropout and L2 are left out, batch normalisation is folded into the sums before it,
and a separable convolution is the two that it is made of. From these the ONNX file and the browser page are written.
Everything is read from the Keras layers, and nothing from a configuration.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import layers as kl

from cnn.config import geometry
from cnn.networks.forward import INPUT, Forward

IMAGE = -1  # stands for the image among what an operation takes


class Operation(NamedTuple):
    """One step of the forward pass. Maps are (h, w, channels), vectors (n,).

    Attributes:
        kind: what it does, a key of `_COMPUTED`.
        takes: the numbers of the operations whose results go into it, from 0; `IMAGE` is the image.
        shape: of its result for one image.
        options: what there is to know beside the weights. size, stride, dilation: of its window. pads: zeros above,
            left of, below and right of its input. function: the name of an activation in Keras. scale, offset: a
            number, or one for each channel.
        weights: kernel and bias, float32. A convolution's kernel is (k, k, channels in, channels out), a depthwise
            one's (k, k, channels), that of a dense layer (inputs, units).
    """

    kind: str
    takes: tuple[int, ...]
    shape: tuple[int, ...]
    options: dict[str, Any]
    weights: tuple[np.ndarray, ...] = ()


def operations(model: keras.Model) -> list[Operation]:
    """The operations of a network of `cnn.networks.build`, in an order in which they can be done; the last is softmax.

    Raises:
        ValueError: it has a layer that `cnn.networks.build` does not make.
    """
    found: list[Operation] = []
    shapes = [tuple(model.input_shape[1:])]  # of the image and of each result: shapes[number + 1]
    numbers = {INPUT: IMAGE}

    def add(kind: str, takes: Sequence[int], shape: tuple[int, ...], options: dict[str, Any], *weights: Any) -> int:
        found.append(Operation(kind, tuple(takes), shape, options, tuple(np.asarray(array) for array in weights)))
        shapes.append(shape)
        return len(found) - 1

    for layer, names in Forward(model).steps:
        takes = [numbers[name] for name in names]
        comes, shape = shapes[takes[0] + 1], tuple(layer.output.shape[1:])
        kind, arrays = type(layer).__name__, layer.get_weights()
        number = takes[0]
        match kind:
            case "Dropout":
                pass
            case "BatchNormalization" | "FusedBatchNormalization":
                found[number] = _normalised(found[number], layer)
            case "Conv2D":
                number = add("convolution", takes, shape, _window(layer, comes), *_biased(arrays))
            case "DepthwiseConv2D":
                kernel, bias = _biased([arrays[0][..., 0], *arrays[1:]])
                number = add("depthwise convolution", takes, shape, _window(layer, comes), kernel, bias)
            case "SeparableConv2D":
                depthwise, pointwise, *bias = arrays
                between = (*shape[:2], comes[2])
                own = [depthwise[..., 0], np.zeros(comes[2], np.float32)]
                number = add("depthwise convolution", takes, between, _window(layer, comes), *own)
                plain = {"size": 1, "stride": 1, "dilation": 1, "pads": (0, 0, 0, 0)}
                number = add("convolution", [number], shape, plain, *_biased([pointwise, *bias]))
            case "MaxPooling2D":
                number = add("max pooling", takes, shape, _window(layer, comes))
            case "AveragePooling2D":
                number = add("average pooling", takes, shape, _window(layer, comes))
            case "DepthwiseMaxPooling":
                number = add("depthwise max pooling", takes, shape, {"size": layer.size})
            case "GlobalMaxPooling2D":
                number = add("global max pooling", takes, shape, {})
            case "GlobalAveragePooling2D":
                number = add("global average pooling", takes, shape, {})
            case "Dense":
                number = add("dense", takes, shape, {}, *_biased(arrays))
            case "Rescaling":
                numbers_of = {"scale": np.ravel(layer.scale).tolist(), "offset": np.ravel(layer.offset).tolist()}
                number = add("rescaling", takes, shape, numbers_of)
            case "Flatten" | "Add" | "Concatenate" | "Multiply":
                number = add(kind.lower(), takes, shape, {})
            case "Activation":
                pass  # its function is added below, as that of any other layer
            case _:
                raise ValueError(f"the layer {layer.name} is a {kind}, which no file can hold")
        function = getattr(layer, "activation", keras.activations.linear).__name__
        if function != "linear":
            number = add("activation", [number], shape, {"function": function})
        numbers[layer.name] = number
    return found


def _biased(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """A kernel with its bias; zeros where it has none."""
    return [*arrays, np.zeros(arrays[0].shape[-1], np.float32)][:2]


def _normalised(sums: Operation, layer: kl.BatchNormalization) -> Operation:
    """Weighted sums with the batch normalisation after them.

    (z - mean) / sqrt(variance + epsilon) * gamma + beta is linear in z (Ioffe and Szegedy 2015, arXiv:1502.03167,
    section 3.1), and so are weighted sums of their input.
    """
    kernel, bias = sums.weights
    gamma, beta, mean, variance = (array.astype(np.float64) for array in layer.get_weights())
    scale = gamma / np.sqrt(variance + layer.epsilon)
    folded = kernel * scale, (bias - mean) * scale + beta
    return sums._replace(weights=tuple(array.astype(np.float32) for array in folded))


def _window(layer: kl.Layer, comes: Sequence[int]) -> dict[str, Any]:
    """Size, stride, dilation and padding of a square window over maps of a size, as `Operation.options` has them."""
    size = (getattr(layer, "kernel_size", None) or layer.pool_size)[0]
    stride, dilation = layer.strides[0], getattr(layer, "dilation_rate", (1, 1))[0]
    rows, columns = comes[:2]
    top, bottom = geometry.zeros_around(rows, size, stride, layer.padding, dilation)
    left, right = geometry.zeros_around(columns, size, stride, layer.padding, dilation)
    return {"size": size, "stride": stride, "dilation": dilation, "pads": (top, left, bottom, right)}


# ---------------------------------------------------------------- the operations done


def compute(steps: Sequence[Operation], images: np.ndarray) -> np.ndarray:
    """Do the operations: images float32 (n, h, w, c) in [0, 1] -> probabilities float32 (n, classes).

    By TensorFlow, whatever file the operations were read from: a check of what the file holds.
    """
    values = [tf.convert_to_tensor(images)]
    for step in steps:
        values.append(_COMPUTED[step.kind](step, *(values[number + 1] for number in step.takes)))
    return values[-1].numpy()


def _padded(step: Operation, x: tf.Tensor, value: float = 0.0) -> tf.Tensor:
    top, left, bottom, right = step.options["pads"]
    return tf.pad(x, [(0, 0), (top, bottom), (left, right), (0, 0)], constant_values=value)


def _convolution(step: Operation, x: tf.Tensor) -> tf.Tensor:
    kernel, bias = step.weights
    return (
        tf.nn.conv2d(_padded(step, x), kernel, step.options["stride"], "VALID", None, step.options["dilation"]) + bias
    )


def _depthwise_convolution(step: Operation, x: tf.Tensor) -> tf.Tensor:
    kernel, bias = step.weights
    stride, dilation = step.options["stride"], step.options["dilation"]
    strides, dilations = (1, stride, stride, 1), (dilation, dilation)
    return tf.nn.depthwise_conv2d(_padded(step, x), kernel[..., None], strides, "VALID", None, dilations) + bias


def _max_pooling(step: Operation, x: tf.Tensor) -> tf.Tensor:
    return tf.nn.max_pool2d(_padded(step, x, -np.inf), step.options["size"], step.options["stride"], "VALID")


def _average_pooling(step: Operation, x: tf.Tensor) -> tf.Tensor:
    """The mean of what lies inside the image: zeros around it do not count."""
    window = step.options["size"], step.options["stride"], "VALID"
    return tf.nn.avg_pool2d(_padded(step, x), *window) / tf.nn.avg_pool2d(_padded(step, tf.ones_like(x)), *window)


def _depthwise_max_pooling(step: Operation, x: tf.Tensor) -> tf.Tensor:
    return tf.reduce_max(tf.reshape(x, (-1, *step.shape, step.options["size"])), axis=-1)


_COMPUTED: dict[str, Callable[..., tf.Tensor]] = {
    "convolution": _convolution,
    "depthwise convolution": _depthwise_convolution,
    "max pooling": _max_pooling,
    "average pooling": _average_pooling,
    "depthwise max pooling": _depthwise_max_pooling,
    "global average pooling": lambda step, x: tf.reduce_mean(x, (1, 2), keepdims=len(step.shape) > 1),
    "global max pooling": lambda step, x: tf.reduce_max(x, (1, 2), keepdims=len(step.shape) > 1),
    "rescaling": lambda step, x: x * step.options["scale"] + step.options["offset"],
    "flatten": lambda step, x: tf.reshape(x, (-1, *step.shape)),
    "dense": lambda step, x: x @ step.weights[0] + step.weights[1],
    "add": lambda step, x, y: x + y,
    "multiply": lambda step, x, y: x * y,
    "concatenate": lambda step, x, y: tf.concat([x, y], -1),
    "activation": lambda step, x: keras.activations.get(step.options["function"])(x),
}

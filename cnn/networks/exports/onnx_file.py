"""A network as an ONNX file, the exchange format of other frameworks: ONNX Runtime, OpenCV, TensorRT, MATLAB.

Written operation by operation: tf2onnx, by which Keras exports, knows no GELU and then writes a file that nothing can
read (tried: tf2onnx 1.17 with Keras 3.15). Images go in as everywhere here, float32 (n, h, w, c); inside, channels come
first, as the format's convolutions want them. The packages `onnx`, which writes the file, and `onnxruntime`, which runs
it, are optional.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cnn.networks.exports.operations import IMAGE, Operation

INPUT, OUTPUT = "image", "probabilities"  # as the file calls them
_OPSET = 20  # the first with Gelu
_IR_VERSION = 10  # of the file: the oldest for that opset's runtimes, so that most of them read it
_FUNCTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("Relu", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.2}),  # Keras's default
    "gelu": ("Gelu", {}),
    "tanh": ("Tanh", {}),
    "sigmoid": ("Sigmoid", {}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "hard_silu": ("HardSwish", {}),
    "softmax": ("Softmax", {"axis": -1}),
}


def onnx_file(steps: Sequence[Operation], input_shape: Sequence[int]) -> bytes:
    """The file of a network, checked by the `onnx` package, which has to be installed.

    Args:
        steps: its operations.
        input_shape: (h, w, c) of one image.
    """
    from onnx import TensorProto, checker, helper

    graph = _Graph()
    results = {IMAGE: graph.node("Transpose", INPUT, perm=(0, 3, 1, 2))}
    for number, step in enumerate(steps):
        results[number] = _written(graph, step, [results[taken] for taken in step.takes])
    graph.nodes[-1].output[0] = OUTPUT
    image = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", *input_shape])
    probabilities = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", *steps[-1].shape])
    made = helper.make_model(
        helper.make_graph(graph.nodes, "network", [image], [probabilities], graph.arrays),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="CNN Atelier",
    )
    checker.check_model(made, full_check=True)
    return made.SerializeToString()


class _Graph:
    """The nodes and constant arrays written so far; each gets a name."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.arrays: list[Any] = []

    def node(self, type_: str, *takes: str, **attributes: Any) -> str:
        from onnx import helper

        name = f"{type_.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(type_, takes, [name], name, **attributes))
        return name

    def array(self, values: np.ndarray | Sequence[int]) -> str:
        from onnx import numpy_helper

        name = f"constant_{len(self.arrays)}"
        self.arrays.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name


def _written(graph: _Graph, step: Operation, takes: Sequence[str]) -> str:
    """Write one operation, on maps (n, c, h, w) or vectors (n, u); returns the name of its result."""
    match step.kind:
        case "convolution":
            kernel, bias = step.weights
            weights = graph.array(kernel.transpose(3, 2, 0, 1)), graph.array(bias)
            return graph.node("Conv", *takes, *weights, **_window(step), **_dilated(step))
        case "depthwise convolution":
            kernel, bias = step.weights
            weights = graph.array(kernel.transpose(2, 0, 1)[:, None]), graph.array(bias)
            return graph.node("Conv", *takes, *weights, group=len(bias), **_window(step), **_dilated(step))
        case "max pooling":
            return graph.node("MaxPool", *takes, **_window(step))
        case "average pooling":
            return graph.node("AveragePool", *takes, count_include_pad=0, **_window(step))
        case "depthwise max pooling":
            height, width, groups = step.shape
            grouped = graph.array([0, groups, step.options["size"], height, width])  # 0: as many as there are
            return graph.node("ReduceMax", graph.node("Reshape", *takes, grouped), graph.array([2]), keepdims=0)
        case "global average pooling":
            return graph.node("ReduceMean", *takes, graph.array([2, 3]), keepdims=int(len(step.shape) > 1))
        case "global max pooling":
            return graph.node("ReduceMax", *takes, graph.array([2, 3]), keepdims=int(len(step.shape) > 1))
        case "flatten":  # in the order of the dense weights, channels last
            return graph.node("Flatten", graph.node("Transpose", *takes, perm=(0, 2, 3, 1)))
        case "dense":
            return graph.node("Gemm", *takes, *map(graph.array, step.weights))
        case "add":
            return graph.node("Add", *takes)
        case "multiply":
            return graph.node("Mul", *takes)
        case "rescaling":
            scale, offset = (
                graph.array(np.reshape(np.float32(step.options[name]), (-1, *(1,) * (len(step.shape) - 1))))
                for name in ("scale", "offset")
            )
            return graph.node("Add", graph.node("Mul", *takes, scale), offset)
        case "concatenate":
            return graph.node("Concat", *takes, axis=1)
    match step.options["function"]:
        case "relu6":
            return graph.node("Clip", *takes, *(graph.array(np.array(bound, np.float32)) for bound in (0, 6)))
        case "silu":
            return graph.node("Mul", *takes, graph.node("Sigmoid", *takes))
        case function:
            type_, attributes = _FUNCTIONS[function]
            return graph.node(type_, *takes, **attributes)


def _window(step: Operation) -> dict[str, Sequence[int]]:
    size, stride = step.options["size"], step.options["stride"]
    return {"kernel_shape": (size, size), "strides": (stride, stride), "pads": step.options["pads"]}


def _dilated(step: Operation) -> dict[str, Sequence[int]]:
    return {"dilations": (step.options["dilation"],) * 2}


class Session:
    """A file of `onnx_file`, loaded by ONNX Runtime: images float32 (n, h, w, c) -> probabilities (n, classes)."""

    def __init__(self, content: bytes):
        import onnxruntime

        self._session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])

    def __call__(self, images: np.ndarray) -> np.ndarray:
        return self._session.run([OUTPUT], {INPUT: images})[0]

"""A network as one HTML file that runs it in any browser or phone, offline: draw or photograph, and read the bars.

The weights are in the file as whole numbers of 24 bits, or of 16 where the file would grow too large, with a scale for
each filter: a 16-bit float has eleven significant bits, too few for answers that are equal to a thousandth. The
arithmetic is the project's own JavaScript (`network.js`), and a content security policy in the file forbids it every
request.
"""

import base64
import html
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cnn.config.datasets import Reading
from cnn.networks.exports.operations import Operation, compute

_FOLDER = Path(__file__).parent
_MOST_BYTES = 2_850_000  # of weights with 24 bits: the file stays below 4 MB


def browser_page(
    steps: Sequence[Operation],
    input_shape: Sequence[int],
    classes: Sequence[str],
    name: str,
    about: str,
    reading: Reading = "garment",
) -> str:
    """The file of a network.

    Args:
        steps: its operations.
        input_shape: (h, w, c) of one image, with 1 or 3 channels.
        classes: their names, in order.
        name: the network's, a heading. about: a sentence below it, such as its accuracy.
        reading: how an image becomes the network's input, as in `DatasetCard`.
    """
    count = sum(array.size for step in steps for array in step.weights)
    width = 3 if count * 3 <= _MOST_BYTES else 2
    written, numbers = [], []
    for step in steps:
        weights = []
        for array in step.weights:
            whole, scales = _whole(array, width)
            numbers.append(whole)
            weights.append({"shape": array.shape, "length": array.size, "scales": scales.tolist()})
        written.append({**step._asdict(), "weights": weights})
    network = {
        "input": [*input_shape],
        "classes": [*classes],
        "reading": reading,
        "bytes": width,
        "operations": written,
    }
    parts = {
        "NAME": html.escape(name),
        "ABOUT": html.escape(about),
        "STYLE": _read("page.css"),
        "NETWORK": json.dumps(network, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
        "WEIGHTS": base64.b64encode(b"".join(numbers)).decode(),
        "FORWARD": _read("network.js"),
        "PAGE": _read("page.js"),
    }
    return re.sub(r"\{\{([A-Z]+)\}\}", lambda mark: parts[mark[1]], _read("page.html"))


def _whole(array: np.ndarray, width: int) -> tuple[bytes, np.ndarray]:
    """Weights as whole numbers of so many bytes, and what they are to be multiplied by: a scale for each filter.

    Biases have one scale together.
    """
    table = array.reshape(-1, array.shape[-1] if array.ndim > 1 else 1).astype(np.float64)
    largest = 2 ** (8 * width - 1) - 1
    scales = np.maximum(np.abs(table).max(axis=0), 1e-30) / largest
    scales = np.array([float(f"{scale:.8g}") for scale in scales])  # short in the file
    whole = np.clip(np.round(table / scales), -largest, largest).astype("<i4")
    return whole.reshape(-1, 1).view(np.uint8)[:, :width].tobytes(), scales


def _decoded(content: bytes, width: int) -> np.ndarray:
    """Whole numbers of so many bytes each, the lowest first -> int32 (n,)."""
    padded = np.zeros((len(content) // width, 4), np.uint8)
    padded[:, 4 - width :] = np.frombuffer(content, np.uint8).reshape(-1, width)
    return padded.view("<i4")[:, 0] >> 8 * (4 - width)


def _read(file: str) -> str:
    return (_FOLDER / file).read_text("utf-8")


class Page:
    """What a file of `browser_page` holds, done by TensorFlow: images float32 (n, h, w, c) -> (n, classes).

    Its operations and weights are read from the file; that its JavaScript does the same is tested in a browser.
    """

    def __init__(self, content: str):
        network = json.loads(_script(content, "operations"))
        numbers = _decoded(base64.b64decode(_script(content, "weights")), network["bytes"])
        self._steps, start = [], 0
        for step in network["operations"]:
            weights = []
            for array in step.pop("weights"):
                part = numbers[start : start + array["length"]].reshape(-1, len(array["scales"])) * array["scales"]
                weights.append(part.reshape(array["shape"]).astype(np.float32))
                start += array["length"]
            self._steps.append(Operation(**step, weights=tuple(weights)))

    def __call__(self, images: np.ndarray) -> np.ndarray:
        return compute(self._steps, images)


def _script(content: str, name: str) -> str:
    return re.search(rf'<script id="{name}"[^>]*>(.*?)</script>', content, re.DOTALL)[1]

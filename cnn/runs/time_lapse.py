"""The time lapse of a training: what the network looks like inside after each epoch.

For every epoch a file `lapse/epoch-0001.npz` in the run's directory, at most 1 MB: the kernels of the first
convolution, what every convolution makes of one fixed image, and the confusion matrix of the validation images.
Beside it `lapse/weights-0001.npz`: all weights, with which the network of that epoch can be asked anything later. Where
those of all epochs would take more than 150 MB, only evenly chosen epochs have one. Imports neither TensorFlow nor
Streamlit.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnn.runs.files import write_npz

_MAPS = 700_000  # bytes that the feature maps of an epoch may take before compression
_KERNELS = 200_000  # bytes that the kernels may take
_WEIGHTS = 150_000_000  # bytes that the weights of all epochs of a run may take
_HALF = np.finfo(np.float16).max


@dataclass(frozen=True)
class Frame:
    """One epoch.

    picture: uint8 (28, 28), the same in every epoch. label: its class. kernels: (k, k, channels, filters), or None
    without a convolution. maps: of each convolution float32 (h, w, c), to a 255th of its layer's range; of a large
    network only the first ones. confusion: int (10, 10), rows are the true classes, columns the answers.
    """

    epoch: int
    picture: np.ndarray
    label: int
    kernels: np.ndarray | None
    maps: Mapping[str, np.ndarray]
    confusion: np.ndarray


def write(
    path: Path,
    epoch: int,
    picture: np.ndarray,
    label: int,
    kernels: np.ndarray | None,
    maps: Mapping[str, np.ndarray],
    confusion: np.ndarray,
) -> None:
    """Keep one epoch of the run in `path`. Arguments as in `Frame`; maps float32."""
    arrays = {
        "picture": picture,
        "label": np.array(label),
        "confusion": confusion.astype(np.int32),
    }
    if kernels is not None:
        some = kernels[..., : max(1, _KERNELS // (2 * kernels[..., 0].size))]
        arrays["kernels"] = _halved(some)
    room = _MAPS
    for name, values in maps.items():
        values = values[..., : room // values[..., 0].size]  # a part of a layer's maps is better than none
        room -= values.size
        if values.size:
            low, high = float(values.min()), float(values.max())
            arrays[f"map_{name}"] = np.round((values - low) / ((high - low) or 1) * 255).astype(np.uint8)
            arrays[f"range_{name}"] = np.array([low, high], np.float32)
    (path / "lapse").mkdir(exist_ok=True)
    write_npz(_file(path, epoch), np.savez_compressed, **arrays)


def read(path: Path, epoch: int) -> Frame | None:
    """One epoch; None where it was not kept or its file is damaged."""
    try:
        with np.load(_file(path, epoch)) as file:
            maps = {}
            for name in (name.removeprefix("map_") for name in file.files if name.startswith("map_")):
                low, high = file[f"range_{name}"]
                maps[name] = low + file[f"map_{name}"].astype(np.float32) / 255 * (high - low)
            kernels = file["kernels"].astype(np.float32) if "kernels" in file.files else None
            return Frame(epoch, file["picture"], int(file["label"]), kernels, maps, file["confusion"])
    except Exception:  # zip, deflate and NumPy's format each raise their own kinds
        return None


def is_chosen(epoch: int, epochs: int, weights: Sequence[np.ndarray]) -> bool:
    """Whether the weights of an epoch, from 1, of so many planned ones are to be kept.

    All epochs that fit into 150 MB; otherwise the first, the last and as many evenly spaced ones as do; none where
    these two do not.
    """
    room = _WEIGHTS // sum(array.size * (2 if array.ndim > 1 else 4) for array in weights)
    if room < 2:
        return False
    stride = max(1, math.ceil((epochs - 1) / (room - 1)))
    return epoch == epochs or (epoch - 1) % stride == 0


def write_weights(path: Path, epoch: int, weights: Sequence[np.ndarray]) -> None:
    """Keep a network's weights after one epoch of the run in `path`; nothing if one of them is no longer a number.

    weights: float32, in the order of `network.get_weights()`. Those of two and more dimensions are kept in float16, the
    others, which are few and may be the variances of batch normalisation, exactly.
    """
    if not all(np.isfinite(array).all() for array in weights):
        return
    arrays = {
        f"weights_{index}": _halved(array) if array.ndim > 1 else array.astype(np.float32)
        for index, array in enumerate(weights)
    }
    (path / "lapse").mkdir(exist_ok=True)
    # Compressed they would be a tenth smaller at best and take eight times as long.
    write_npz(_weights_file(path, epoch), np.savez, **arrays)


def read_weights(path: Path, epoch: int) -> list[np.ndarray] | None:
    """The weights after one epoch, float32, in the order of `network.get_weights()`; None as in `read`.

    Their number and shapes are whatever the file holds: compare them with the network's.
    """
    try:
        with np.load(_weights_file(path, epoch)) as file:
            return [file[f"weights_{index}"].astype(np.float32) for index in range(len(file.files))]
    except Exception:  # as in `read`
        return None


def forget_after(path: Path, epoch: int) -> None:
    """Delete the later epochs, which will be trained again, and what a killed process has left half-written."""
    for file in (path / "lapse").glob(".*.npz"):
        file.unlink(missing_ok=True)
    for later in (number for number in epochs(path) if number > epoch):
        _file(path, later).unlink(missing_ok=True)
    for later in (number for number in epochs_with_weights(path) if number > epoch):
        _weights_file(path, later).unlink(missing_ok=True)


def epochs(path: Path) -> list[int]:
    """The epochs that were kept, in order."""
    return _numbers(path, "epoch-")


def epochs_with_weights(path: Path) -> list[int]:
    """The epochs whose weights were kept, in order."""
    return _numbers(path, "weights-")


def _numbers(path: Path, prefix: str) -> list[int]:
    names = [file.stem.removeprefix(prefix) for file in (path / "lapse").glob(f"{prefix}*.npz")]
    return sorted(int(name) for name in names if name.isdigit())


def _halved(values: np.ndarray) -> np.ndarray:
    return values.clip(-_HALF, _HALF).astype(np.float16)


def _file(path: Path, epoch: int) -> Path:
    return path / "lapse" / f"epoch-{epoch:04}.npz"


def _weights_file(path: Path, epoch: int) -> Path:
    return path / "lapse" / f"weights-{epoch:04}.npz"

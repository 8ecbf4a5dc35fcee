"""The time lapse of a training: what the network looks like inside after each epoch.

For every epoch a file `lapse/epoch-0001.npz` in the run's directory, at most 1 MB: the kernels of the first
convolution, what every convolution makes of one fixed picture, and the confusion matrix of the validation pictures.
Imports neither TensorFlow nor Streamlit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnn import runs

_MAPS = 700_000  # bytes that the feature maps of an epoch may take before compression
_KERNELS = 200_000  # bytes that the kernels may take


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
        largest = np.finfo(np.float16).max
        arrays["kernels"] = some.clip(-largest, largest).astype(np.float16)
    room = _MAPS
    for name, values in maps.items():
        values = values[..., : room // values[..., 0].size]  # a part of a layer's maps is better than none
        room -= values.size
        if values.size:
            low, high = float(values.min()), float(values.max())
            arrays[f"map_{name}"] = np.round((values - low) / ((high - low) or 1) * 255).astype(np.uint8)
            arrays[f"range_{name}"] = np.array([low, high], np.float32)
    (path / "lapse").mkdir(exist_ok=True)
    runs.write_npz(_file(path, epoch), np.savez_compressed, **arrays)


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


def forget_after(path: Path, epoch: int) -> None:
    """Delete the later epochs, which will be trained again, and what a killed process has left half-written."""
    for file in (path / "lapse").glob(".*.npz"):
        file.unlink(missing_ok=True)
    for later in (number for number in epochs(path) if number > epoch):
        _file(path, later).unlink(missing_ok=True)


def epochs(path: Path) -> list[int]:
    """The epochs that were kept, in order."""
    names = [file.stem.removeprefix("epoch-") for file in (path / "lapse").glob("epoch-*.npz")]
    return sorted(int(name) for name in names if name.isdigit())


def _file(path: Path, epoch: int) -> Path:
    return path / "lapse" / f"epoch-{epoch:04}.npz"

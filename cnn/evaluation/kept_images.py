"""Images in an .npz file that may come from anywhere: small ones as an array, larger ones as JPEG files in a row."""

import io
import itertools
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

_SMALL = 4096  # values of an image that is kept as they are; JPEG would spare little and spoil it
_MOST = 5000  # images in a file

Shape = tuple[int, int, int]  # height, width, channels


def is_small(shape: Shape) -> bool:
    """Whether images of a shape are kept as an array."""
    return prod(shape) <= _SMALL


def as_jpeg(image: np.ndarray, quality: int) -> bytes:
    """uint8 (h, w) or (h, w, 3) as a JPEG file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def packed(files: Sequence[bytes]) -> dict[str, np.ndarray]:
    """JPEG files as arrays: all their bytes, and where each of them begins and the last one ends."""
    ends = np.cumsum([0, *map(len, files)], dtype=np.int64)
    return {"jpeg": np.frombuffer(b"".join(files), np.uint8), "offsets": ends}


def images_in(arrays: Mapping[str, np.ndarray], shape: Shape, count: int) -> np.ndarray:
    """The images of a file: uint8 (count, h, w) in grey, (count, h, w, 3) in colour.

    Args:
        arrays: what the file holds: `images`, or what `packed` returns.
        shape: that they must have.
        count: how many there must be.

    Raises:
        ValueError, OSError, KeyError: it holds anything else.
    """
    if not 0 < count <= _MOST:
        raise ValueError(f"{count} images")
    of_each = shape[:2] if shape[2] == 1 else shape
    if "images" in arrays:
        images = arrays["images"]
        if images.shape != (count, *of_each) or images.dtype != np.uint8:
            raise ValueError(f"images {images.dtype} {images.shape}")
        return images
    content, ends = arrays["jpeg"], arrays["offsets"]
    whole = content.ndim == ends.ndim == 1 and len(ends) == count + 1 and content.dtype == np.uint8
    if not whole or ends.dtype != np.int64 or ends[0] != 0 or ends[-1] != len(content) or (np.diff(ends) <= 0).any():
        raise ValueError("the offsets are not those of the files")
    return np.stack([_decoded(content[a:b].tobytes(), shape) for a, b in itertools.pairwise(ends)])


def _decoded(content: bytes, shape: Shape) -> np.ndarray:
    image = JpegImageFile(io.BytesIO(content))  # reads the head only: nothing is decoded before its size is known
    if image.size != (shape[1], shape[0]) or image.mode != ("L" if shape[2] == 1 else "RGB"):
        raise ValueError(f"a JPEG of {image.size} in mode {image.mode}")
    return np.asarray(image)


def arrays_of(path: Path) -> dict[str, np.ndarray] | None:
    """All arrays of a file; None where it is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, KeyError, EOFError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error):
        return None

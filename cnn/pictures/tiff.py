"""What Pillow cannot read of a TIFF file, or not in full: deep levels above all; and why nothing can read it."""

import contextlib
import io
import logging
import math

import numpy as np
import tifffile
from PIL import Image

from cnn.pictures.deep import in_strips, to_eight_bit
from cnn.pictures.network_input import UnreadableImage

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what is wrong with a file is said to who gave it

_NO_DATA = 42113  # GDAL's tag: a level, as text
_DNG, _MAKE, _SUB_IMAGES = 50706, 271, 330
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _CMYK, _FILTERS, _LINEAR_RAW = 0, 1, 2, 5, 32803, 34892
_LZW = 5
_FLOATS = 3  # a predictor: the bytes of a row are sorted by their place in a number
_COMPRESSIONS = {1, 2, 3, 4, _LZW, 6, 7, 8, 32771, 32773, 32946, 34925, 50000, 50001}  # that Pillow or tifffile knows


def pages_of(data: bytes) -> list[tifffile.TiffPage] | None:
    """The pages of a file, at most 50, as what they say of themselves; None if they say it in no way that is known.

    Raises:
        UnreadableImage: it is a raw camera file.
    """
    try:
        file = tifffile.TiffFile(io.BytesIO(data))
        pages = []
        for number in range(50):
            try:
                page = file.pages[number]
            except IndexError:
                break
            if isinstance(page, tifffile.TiffPage):
                pages.append(page)
        raw = data[8:10] == b"CR" or _is_raw(pages[0])
    except Exception:  # of hostile bytes
        return None
    if raw:
        raise UnreadableImage("This is a raw camera file, not a finished image. Export it as a JPEG file.")
    return pages


def is_deep(page: tifffile.TiffPage) -> bool:
    """Whether it has more than 8 bits a sample, so that Pillow would show few of its levels or none."""
    return page.bitspersample > 8 or page.sampleformat not in (1, 4)


def bytes_a_pixel(page: tifffile.TiffPage) -> int:
    return max(1, math.ceil(page.bitspersample * page.samplesperpixel / 8))


def decoded(page: tifffile.TiffPage, data: bytes, edge: int) -> Image.Image:
    """A page as an 8-bit image, its longest edge at most `edge` pixels.

    Raises:
        ValueError, or whatever tifffile raises: it cannot be read, see `why_not`.
    """
    levels = _levels(page, data)
    photometric, samples = int(page.photometric), levels.shape[-1]
    extra = [int(one) for one in page.extrasamples or ()]
    alpha = bool(extra) and extra[0] in (1, 2)
    no_data = None
    with contextlib.suppress(Exception):
        no_data = float(page.tags[_NO_DATA].value)
    factor = math.ceil(max(levels.shape[:2]) / edge)
    if photometric == _CMYK and levels.dtype == np.uint16 and samples >= 4:
        return in_strips(levels[..., :4], factor, _inks_as_rgb)
    if photometric == _RGB and samples >= 3:
        wanted = 3
    elif photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO):
        wanted = 1
    else:
        raise ValueError(f"no colours are known of photometric interpretation {photometric}")
    alpha = alpha and samples > wanted
    return to_eight_bit(
        levels[..., : wanted + alpha], factor, alpha, white_is_zero=photometric == _WHITE_IS_ZERO, no_data=no_data
    )


def _inks_as_rgb(inks: np.ndarray) -> np.ndarray:
    size = (inks.shape[1], inks.shape[0])
    return np.asarray(Image.frombytes("CMYK", size, (inks >> 8).astype(np.uint8).tobytes()).convert("RGB"))


def why_not(page: tifffile.TiffPage) -> str:
    """A sentence about a page that no reader could read: unsupported, by its name, else damaged."""
    kind = int(page.compression)
    save = "Save it without compression, or as a PNG file."
    if kind not in _COMPRESSIONS or (kind not in (1, 8, _LZW, 32773, 32946) and is_deep(page)):
        name = getattr(page.compression, "name", "").replace("_", " ") or f"method {kind}"
        return f"This TIFF file is compressed with {name}, which cannot be read. {save}"
    colours = getattr(page.photometric, "name", f"number {int(page.photometric)}").replace("_", " ")
    if int(page.photometric) not in (0, 1, 2, 3, 5, 6, 8):
        return f"This TIFF file has colours of the kind {colours}, which cannot be read. Save it as a PNG file."
    if page.dtype is None or page.dtype.kind == "c" or (is_deep(page) and int(page.photometric) not in (0, 1, 2, 5)):
        what = f"{page.bitspersample} bits a sample ({colours})"
        return f"This TIFF file has {what}, which cannot be read. Save it as a PNG file."
    return "This TIFF file is damaged or incomplete. Choose another file."


def _is_raw(page: tifffile.TiffPage) -> bool:
    """A camera's raw file: its first image is a thumbnail, or levels of single colour filters."""
    sub_images = _MAKE in page.tags and _SUB_IMAGES in page.tags
    return _DNG in page.tags or sub_images or int(page.photometric) in (_FILTERS, _LINEAR_RAW)


def _levels(page: tifffile.TiffPage, data: bytes) -> np.ndarray:
    """(H, W, samples), as they are stored."""
    if page.index == 0 and (
        int(page.compression) == _LZW or int(page.predictor) == _FLOATS
    ):  # tifffile cannot by itself
        import cv2  # only here: a page that opens an ordinary image does without

        levels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        whole = levels is not None and levels.dtype == page.dtype and int(page.planarconfig) == 1
        if not whole or levels.shape[:2] != (page.imagelength, page.imagewidth):
            raise ValueError("OpenCV cannot read it either")
        levels = levels[..., None] if levels.ndim == 2 else levels
        if levels.shape[-1] != page.samplesperpixel:
            raise ValueError("OpenCV has left samples out")
        order = [2, 1, 0, 3][: levels.shape[-1]] if levels.shape[-1] > 1 else [0]
        return levels[..., order]
    levels = page.asarray(maxworkers=1)
    if page.samplesperpixel == 1:
        levels = levels.reshape(page.imagelength, page.imagewidth, 1)
    elif int(page.planarconfig) == 2:
        levels = np.moveaxis(levels, 0, -1)
    if levels.shape != (page.imagelength, page.imagewidth, page.samplesperpixel):
        raise ValueError(f"levels of shape {levels.shape}")
    return levels

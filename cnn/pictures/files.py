"""An untrusted file -> an 8-bit image, upright, of a size that can be worked with; or a sentence why not."""

import contextlib
import io
import math
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from cnn.pictures import incomplete
from cnn.pictures.deep import in_strips, to_eight_bit
from cnn.pictures.kinds import kind_of
from cnn.pictures.network_input import UnreadableImage
from cnn.pictures.normalise import WORKING_EDGE, check_shape, eight_bit

MAX_BYTES = 40 * 1024 * 1024  # of a file; .streamlit/config.toml says the same
MAX_PIXELS = 16_000_000  # decoded whole, at 4 bytes a pixel, with one copy while it is reduced
MAX_WEBP_PIXELS = 8_000_000  # its decoder holds the canvas three times, and takes twice as long
MAX_JPEG_PIXELS = 65_000_000  # a JPEG of one scan is decoded at 1/2, 1/4 or 1/8 of its size, in little memory
MAX_JPEG_SCANS = 50  # cameras write 1, progressive encoders about 10; thousands would decode for hours
MAX_HEIC_PIXELS = 50_000_000  # as phones write it, at 5 bytes a pixel; others have `MAX_PIXELS`
MAX_JPEG_2000_PIXELS = 8_000_000  # at 19 bytes a pixel, after it is reduced by the levels that are in the file
MAX_DEEP_BYTES = 96_000_000  # of levels with more than 8 bits, decoded whole, some with a copy
_MAX_FRAMES = 50  # that are looked at for one that shows something
_MAX_FRAME_PIXELS = 64_000_000  # of all of them together
_SHOWS = 16  # levels between the darkest and the brightest of an image that shows something


class _Decoded(NamedTuple):
    """An 8-bit image; its EXIF orientation, whether that is done already, and notes for users."""

    picture: Image.Image
    orientation: int = 1
    turned: bool = False
    notes: tuple[str, ...] = ()


_TURNS = {  # the EXIF orientation's values -> what sets the image upright, and how to say it
    2: (Image.Transpose.FLIP_LEFT_RIGHT, "mirrored"),
    3: (Image.Transpose.ROTATE_180, "rotated upright"),
    4: (Image.Transpose.FLIP_TOP_BOTTOM, "mirrored"),
    5: (Image.Transpose.TRANSPOSE, "mirrored and rotated upright"),
    6: (Image.Transpose.ROTATE_270, "rotated upright"),
    7: (Image.Transpose.TRANSVERSE, "mirrored and rotated upright"),
    8: (Image.Transpose.ROTATE_90, "rotated upright"),
}


def open_image(source: bytes | BinaryIO | str | Path) -> tuple[Image.Image, tuple[str, ...]]:
    """Decode an untrusted file.

    Args:
        source: the file's bytes, an open binary file (read from its start), or a path.

    Returns:
        The image, upright, 8-bit RGB or RGBA, at most 500 pixels along its longest edge; notes for users.

    Raises:
        UnreadableImage: whatever is wrong with the file; no other exception comes from its contents.
    """
    data = _bytes_of(source)
    kind = kind_of(data)
    try:
        found = _SPECIAL[kind](data) if kind in _SPECIAL else _plain(data, kind)
        picture = eight_bit(found.picture)
    except UnreadableImage:
        raise
    except Exception as error:  # decoders of hostile bytes raise nearly anything, OSError to struct.error
        message = f"This {kind} file is damaged or incomplete. Choose another file."
        raise UnreadableImage(message) from error
    notes = found.notes
    if found.orientation in _TURNS:
        turn, said = _TURNS[found.orientation]
        picture = picture if found.turned else picture.transpose(turn)
        notes = (*notes, f"The image was {said}, as the camera recorded.")
    return picture, notes


def _bytes_of(source: bytes | BinaryIO | str | Path) -> bytes:
    if isinstance(source, str | Path):
        try:
            with Path(source).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            message = f"{source} could not be opened ({error.strerror}). Check that the file exists and can be read."
            raise UnreadableImage(message) from error
    elif isinstance(source, bytes):
        data = source
    else:
        if source.seekable():
            source.seek(0)  # an upload widget hands over the same file on every rerun, read to its end
        data = source.read(MAX_BYTES + 1)
    if not data:
        raise UnreadableImage("The file is empty (0 bytes). Choose another file.")
    if len(data) > MAX_BYTES:
        raise UnreadableImage(f"The file is larger than {MAX_BYTES >> 20} MB. Save it smaller, or as a JPEG file.")
    return data


def _check_cost(size: tuple[int, int], limit: int, what: str) -> None:
    """Refuse, before anything is decoded, what would take too much memory or time."""
    check_shape(size)
    width, height = size
    if width * height > limit:
        raise UnreadableImage(
            f"The image has {width:,} × {height:,} pixels ({width * height / 1e6:,.0f} megapixels), more than the "
            f"{limit / 1e6:.0f} megapixels allowed for {what}. Save it smaller."
        )


# ---------------------------------------------------------------- what Pillow reads as it is

# Its readers are called directly, not through `Image.open`, which refuses or warns about a large image before its
# size can be named.
_READERS = {
    "GIF": GifImageFile,
    "WebP": WebPImageFile,
    "BMP": BmpImageFile,
    "AVIF": AvifImageFile,
    "JPEG 2000": Jpeg2KImageFile,
}


def _a_file(kind: str) -> str:
    return f"{'an' if kind[0] in 'AH' else 'a'} {kind} file"


def _plain(data: bytes, kind: str) -> _Decoded:
    picture = _READERS[kind](io.BytesIO(data))
    limits = {"WebP": MAX_WEBP_PIXELS, "JPEG 2000": MAX_JPEG_PIXELS}
    _check_cost(picture.size, limits.get(kind, MAX_PIXELS), _a_file(kind))
    if kind == "BMP" and picture.tile[0][0] != "raw":  # run lengths would be decoded in Python, slowly
        raise UnreadableImage("Compressed BMP files cannot be read. Save the image as a PNG file.")
    if kind == "JPEG 2000":
        halvings = _halvings(picture.size, data)
        smaller = tuple(edge >> halvings for edge in picture.size)
        _check_cost(smaller, MAX_JPEG_2000_PIXELS, "a JPEG 2000 file without smaller copies")
        picture.reduce = halvings
    return _frames(picture, kind)


def _halvings(size: tuple[int, int], data: bytes) -> int:
    """How many times a JPEG 2000 image can be halved while it is decoded, without becoming too small."""
    at = data.find(b"\xff\x52", data.find(b"\xff\x4f\xff\x51"))
    levels = data[at + 9] if 0 <= at < len(data) - 9 else 0
    return max(0, min(levels, int(math.log2(max(1, max(size) / WORKING_EDGE)))))


def _frames(picture: ImageFile, kind: str) -> _Decoded:
    """The first frame or page that shows something, of a file that Pillow has opened."""

    def read(number: int) -> _Decoded:
        if number:
            picture.seek(number)
            _check_cost(picture.size, MAX_PIXELS, _a_file(kind))
        turned = kind == "TIFF"  # Pillow turns these itself, and forgets it
        orientation = _orientation(picture) if turned else 1
        picture.load()
        return _Decoded(eight_bit(picture), orientation if turned else _orientation(picture), turned)

    return _first_that_shows(
        read, picture.n_frames if getattr(picture, "is_animated", False) else 1, picture.size, kind
    )


def _first_that_shows(read: Callable[[int], _Decoded], count: int, size: tuple[int, int], kind: str) -> _Decoded:
    """The first of many frames or pages that is not blank, with a note.

    Args:
        read: decodes the one of this number, from 0.
        count: how many there are.
        size: width and height of one.
    """
    if count == 1:
        return read(0)
    page, file = ("page", "A TIFF file with several pages") if kind == "TIFF" else ("frame", f"An animated {kind} file")
    first = None
    for number in range(min(count, _MAX_FRAMES, max(1, _MAX_FRAME_PIXELS // math.prod(size)))):
        try:
            found = read(number)
        except Exception:
            if first is None:
                raise
            break
        first = first or found
        if shows(found.picture):
            which = f"{page} {number + 1}, the first that shows something," if number else f"first {page}"
            return found._replace(notes=(f"{file}: only its {which} was used.",))
    return first._replace(notes=(f"{file}: only its first {page} was used.",))


def shows(picture: Image.Image) -> bool:
    """Whether there is anything to be seen in an 8-bit image: it is neither transparent nor of one colour."""
    bands = picture.getextrema()
    return bands[-1][1] > 0 and any(high - low > _SHOWS for low, high in bands)


def _orientation(picture: ImageFile) -> int:
    with contextlib.suppress(Exception):  # broken camera data says nothing about the pixels
        return int(picture.getexif().get(0x0112, 1))
    return 1


# ---------------------------------------------------------------- JPEG


def _jpeg(data: bytes) -> _Decoded:
    data = data.rstrip(b"\0")  # in the place of what was not copied
    markers = [marker for marker, _ in _markers(data)]
    frame, precision = next(((marker, data[at + 4]) for marker, at in _markers(data) if marker in _FRAMES), (None, 8))
    if frame not in _ORDINARY or precision != 8:
        message = "This kind of JPEG file (lossless, or with 12 bits) cannot be read. Save it as an ordinary JPEG file."
        raise UnreadableImage(message)
    scans = markers.count(_SCAN)
    if scans > MAX_JPEG_SCANS:
        raise UnreadableImage("This JPEG file has too many scans. Save it again as an ordinary JPEG file.")
    header = JpegImageFile(io.BytesIO(data))
    # All coefficients of an image sent in several scans are in memory at once, at whatever scale it is decoded.
    if scans > 1 or "progressive" in header.info:
        _check_cost(header.size, MAX_PIXELS, "a progressive JPEG file")
    _check_cost(header.size, MAX_JPEG_PIXELS, "a JPEG file")
    orientation = _orientation(header)
    try:
        return _Decoded(_decoded_jpeg(data), orientation)
    except Exception:
        picture, note = incomplete.cut_jpeg(data, scans > 1, _decoded_jpeg)
        return _Decoded(picture, orientation, notes=(note,))


_SCAN, _END = 0xDA, 0xD9
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_ORDINARY = {None, 0xC0, 0xC1, 0xC2, 0xC9, 0xCA}  # baseline, extended, progressive; None: cut before it
_MARKER = re.compile(rb"\xff+([^\0\xff\xd0-\xd7])")
_MAX_MARKERS = 100_000


def _markers(data: bytes) -> Iterator[tuple[int, int]]:
    """The markers of a JPEG file's first image, and where each begins; what cameras append is not looked at."""
    at = 2
    for _ in range(_MAX_MARKERS):
        found = _MARKER.search(data, at)
        if found is None or found[1][0] == _END:
            return
        begin = found.end() - 2
        yield found[1][0], begin
        at = begin + 2 + int.from_bytes(data[begin + 2 : begin + 4])
    raise UnreadableImage("This JPEG file has too many parts. Save it again as an ordinary JPEG file.")


def _decoded_jpeg(data: bytes) -> Image.Image:
    picture = JpegImageFile(io.BytesIO(data))
    shrink = max(1, max(picture.size) / WORKING_EDGE)
    picture.draft(None, tuple(max(1, int(edge / shrink)) for edge in picture.size))
    picture.load()
    return picture


# ---------------------------------------------------------------- PNG


def _png(data: bytes) -> _Decoded:
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    deep = 2 * {2: 3, 4: 2, 6: 4}.get(colour, 0) if depth == 16 else 0  # bytes a pixel; Pillow would halve them
    if deep:
        _check_cost((width, height), min(MAX_PIXELS, MAX_DEEP_BYTES // deep), "a PNG file of 16 bits")
    _check_cost((width, height), MAX_PIXELS, "a PNG file")
    for mend in (bytes, incomplete.mended_png, lambda content: incomplete.mended_png(content, animated=False)):
        with contextlib.suppress(Exception):
            content = mend(data)
            found = _frames(PngImageFile(io.BytesIO(content)), "PNG")
            return found._replace(picture=_deep_png(content)) if deep else found
    content, step, lost = incomplete.cut_png(data)
    picture = PngImageFile(io.BytesIO(content))
    picture.load()
    orientation = _orientation(picture)
    known = picture
    if step > 1:
        half = (-(-width // step), -(-height // step))
        known = picture.transform(half, Image.Transform.AFFINE, (step, 0, -step / 4, 0, step, -step / 4))
    return _Decoded(_deep_png(content, step) if deep else known, orientation, notes=(incomplete.missing(lost),))


def _deep_png(data: bytes, step: int = 1) -> Image.Image:
    """A PNG file of 16-bit colours, every so many pixels."""
    import cv2  # only here: a page that opens an ordinary image does without

    levels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    levels = levels[::step, ::step, [2, 1, 0, 3][: levels.shape[-1]]]
    return to_eight_bit(levels, math.ceil(max(levels.shape[:2]) / WORKING_EDGE), alpha=levels.shape[-1] == 4)


# ---------------------------------------------------------------- HEIC


def _heic(data: bytes) -> _Decoded:
    import pillow_heif  # only here: it takes time to load

    file = pillow_heif.open_heif(io.BytesIO(data))
    image = file[file.primary_index]
    ordinary = image.mode == "RGB" and image.info.get("bit_depth") == 8 and image.info.get("chroma") in (420, 400)
    limit = MAX_HEIC_PIXELS if ordinary else MAX_PIXELS
    _check_cost(image.size, limit, _a_file("HEIC") if ordinary else "this kind of HEIC file")
    pixels = np.asarray(image)
    factor = math.ceil(max(pixels.shape[:2]) / WORKING_EDGE)
    picture = in_strips(pixels, factor, lambda strip: strip)
    # The decoder has turned it: what its container says counts, and EXIF data does not.
    turns = re.findall(rb"\0\0\0\x09(irot[\x01-\x03]|imir[\0\x01])", data)
    orientation = {(): 1, (b"irot",): 6, (b"imir",): 2}.get(tuple(sorted({turn[:4] for turn in turns})), 5)
    return _Decoded(picture, orientation, turned=True)


# ---------------------------------------------------------------- TIFF


def _tiff(data: bytes) -> _Decoded:
    from cnn.pictures import tiff  # only here: it takes time to load

    pages = tiff.pages_of(data)
    if not pages:
        return _pillow_tiff(data)
    page = pages[0]
    size = (page.imagewidth, page.imagelength)
    _check_cost(size, MAX_PIXELS, "a TIFF file")
    if not tiff.is_deep(page):
        try:
            return _pillow_tiff(data)
        except UnreadableImage:
            raise
        except Exception:  # `tiff` may know what Pillow does not
            pages = pages[:1]

    def read(number: int) -> _Decoded:
        page = pages[number]
        most = MAX_DEEP_BYTES // tiff.bytes_a_pixel(page)
        _check_cost((page.imagewidth, page.imagelength), most, f"a TIFF file of {page.bitspersample} bits a sample")
        orientation = page.tags.valueof(0x0112, 1)
        picture = eight_bit(tiff.decoded(page, data, WORKING_EDGE))
        return _Decoded(picture, orientation if isinstance(orientation, int) else 1)

    try:
        return _first_that_shows(read, len(pages), size, "TIFF")
    except UnreadableImage:
        raise
    except Exception as error:
        with contextlib.suppress(Exception):  # 12 bits a sample, say
            return _pillow_tiff(data)
        raise UnreadableImage(tiff.why_not(page)) from error


def _pillow_tiff(data: bytes) -> _Decoded:
    picture = TiffImageFile(io.BytesIO(data))
    _check_cost(picture.size, MAX_PIXELS, "a TIFF file")
    return _frames(picture, "TIFF")


_SPECIAL = {"JPEG": _jpeg, "PNG": _png, "HEIC": _heic, "TIFF": _tiff}

"""An untrusted file -> an 8-bit image, upright, of a size that can be worked with; or a sentence why not."""

import contextlib
import io
import re
from pathlib import Path
from typing import BinaryIO

from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from cnn.pictures.network_input import UnreadableImage
from cnn.pictures.normalise import WORKING_EDGE, check_shape, eight_bit

MAX_BYTES = 10 * 1024 * 1024  # of a file
MAX_PIXELS = 16_000_000  # decoded whole, at 4 bytes a pixel, with one copy while it is reduced
MAX_WEBP_PIXELS = 8_000_000  # its decoder holds the canvas three times, and takes twice as long
MAX_JPEG_PIXELS = 65_000_000  # a JPEG of one scan is decoded at 1/2, 1/4 or 1/8 of its size, in little memory
MAX_JPEG_SCANS = 50  # cameras write 1, progressive encoders about 10; thousands would decode for hours


# ---------------------------------------------------------------- a file -> an 8-bit image

# Which reader a file gets is decided by its first bytes, never by its name. The readers are called directly,
# not through `Image.open`, which refuses or warns about a large image before its size can be named.
_READERS = (
    ("PNG", rb"\x89PNG\r\n\x1a\n", PngImageFile),
    ("JPEG", rb"\xff\xd8\xff", JpegImageFile),
    ("GIF", rb"GIF8[79]a", GifImageFile),
    ("WebP", rb"RIFF....WEBP", WebPImageFile),
    ("BMP", rb"BM....\0\0\0\0", BmpImageFile),
    ("TIFF", rb"II\*\0|MM\0\*", TiffImageFile),
)
_REFUSED = {
    rb"....ftyp(hei|hev|mif1|msf1)": (
        "HEIC images (iPhone) cannot be read. Choose JPEG: Settings > Camera > Formats > Most Compatible."
    ),
    rb"....ftypavi": "AVIF images cannot be read. Save the image as a JPEG or PNG file.",
    rb"%PDF": "This is a PDF document, not an image. Save the page as a PNG file, or take a screenshot.",
    rb"(\xef\xbb\xbf)?\s*(<svg|<!DOCTYPE svg|<(\?xml|!--).{0,2000}<svg)": (
        "An SVG file holds shapes, not pixels. Export it as a PNG file."
    ),
}
_TURNS = {  # the EXIF orientation tag's values -> what sets the image upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
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
    kind, reader = _reader_of(data)
    try:
        picture = reader(io.BytesIO(data))
        _check_cost(picture, kind, data)
        notes = []
        if getattr(picture, "is_animated", False):
            many = "A TIFF file with several pages" if kind == "TIFF" else f"An animated {kind} file"
            notes.append(f"{many}: only its first {'page' if kind == 'TIFF' else 'frame'} was used.")
        if kind == "JPEG":
            shrink = max(1, max(picture.size) / WORKING_EDGE)
            picture.draft(None, tuple(max(1, int(edge / shrink)) for edge in picture.size))
        picture.load()
        turn = None
        with contextlib.suppress(Exception):  # broken camera data says nothing about the pixels
            turn = _TURNS.get(picture.getexif().get(0x0112))
        picture = eight_bit(picture)
    except UnreadableImage:
        raise
    except Exception as error:  # decoders of hostile bytes raise nearly anything, OSError to struct.error
        message = f"This {kind} file is damaged or incomplete. Choose another file."
        raise UnreadableImage(message) from error
    if turn:
        picture = picture.transpose(turn)
        notes.append("The image was rotated upright, as the camera recorded.")
    return picture, tuple(notes)


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


def _reader_of(data: bytes) -> tuple[str, type[ImageFile]]:
    for kind, signature, reader in _READERS:
        if re.match(signature, data, re.DOTALL):
            return kind, reader
    for signature, sentence in _REFUSED.items():
        if re.match(signature, data[:4096], re.DOTALL | re.IGNORECASE):
            raise UnreadableImage(sentence)
    kinds = ", ".join(kind for kind, *_ in _READERS[:-1])
    message = f"This file is not an image. Choose a {kinds} or {_READERS[-1][0]} file."
    raise UnreadableImage(message)


def _check_cost(picture: ImageFile, kind: str, data: bytes) -> None:
    """Refuse, before anything is decoded, what would take too much memory or time."""
    check_shape(picture.size)
    width, height = picture.size
    limit, what = MAX_WEBP_PIXELS if kind == "WebP" else MAX_PIXELS, f"a {kind} file"
    if kind == "JPEG":
        # All coefficients of an image sent in several scans are in memory at once, at whatever scale it is
        # decoded. The bytes ff da start a scan and occur nowhere else in the compressed data.
        progressive = "progressive" in picture.info
        if progressive or (picture.mode != "L" and re.search(rb"\xff\xda\0[\x08\x0a][\x01\x02]", data)):
            what = "a progressive JPEG file"
        else:
            limit = MAX_JPEG_PIXELS
        if data.count(b"\xff\xda") > MAX_JPEG_SCANS:
            raise UnreadableImage("This JPEG file has too many scans. Save it again as an ordinary JPEG file.")
    if width * height > limit:
        raise UnreadableImage(
            f"The image has {width:,} × {height:,} pixels ({width * height / 1e6:,.0f} megapixels), more than the "
            f"{limit / 1e6:.0f} megapixels allowed for {what}. Save it smaller."
        )
    if kind == "BMP" and picture.tile[0][0] != "raw":  # run lengths would be decoded in Python, slowly
        raise UnreadableImage("Compressed BMP files cannot be read. Save the image as a PNG file.")

"""PNG and JPEG files with a fault that browsers overlook: a wrong checksum, too much text, an end that is missing."""

import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from cnn.pictures.network_input import UnreadableImage

_LEAST = 0.5  # of the image: with less, it is refused
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"eXIf"}
_ANIMATION = {b"acTL", b"fcTL", b"fdAT"}
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by the colour type
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_LONG_TEXT = 65_536  # bytes; a shorter one may say how the image was turned
_PIECE = 1024  # bytes that are decompressed at a time: at most so many are lost where the data is damaged


class Incomplete(UnreadableImage):
    """Too little of an image is in its file."""

    def __init__(self, kind: str):
        super().__init__(f"This {kind} file is incomplete: less than half of the image is in it. Copy it again.")


def missing(part: float) -> str:
    """A note about the part of the image, 0 to 1, that is not in its file."""
    if not part:
        return "The end of this file is missing, but all of the image is there."
    return f"The end of this file is missing, and {max(1, round(part * 100))}% of the image with it."


# ---------------------------------------------------------------- PNG


def mended_png(data: bytes, animated: bool = True) -> bytes:
    """The same image without what Pillow stumbles over: texts, colour profiles, wrong checksums."""
    kept = _KEPT | _ANIMATION if animated else _KEPT
    chunks = []
    for name, content, sound in _chunks(data):
        critical = not name[0] & 32
        turn = name == b"iTXt" and len(content) < _LONG_TEXT and bytes(content).startswith(b"XML:com.adobe.xmp")
        if (name in kept and (critical or sound)) or (turn and sound):
            chunks.append(_chunk(name, content))
    return b"".join((_SIGNATURE, *chunks))


def cut_png(data: bytes) -> tuple[bytes, int, float]:
    """A PNG file whose end is missing or damaged -> one of the rows that are there.

    Returns:
        The file; the pixels, 1 or 2, from one to the next that is known across and down (2 where the image was sent in
        passes, each finer than the one before); the part of the image that is missing, 0 to 1.

    Raises:
        Incomplete: less than half of the image is there.
    """
    chunks = {name: content for name, content, _ in _chunks(data) if name in _KEPT - {b"IDAT", b"IEND"}}
    width, height, depth, colour, *_, interlaced = struct.unpack(">IIBBBBB", chunks.pop(b"IHDR"))
    bits = depth * _CHANNELS[colour]
    passes = [(width, height)]
    if interlaced:
        passes = [(-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in _ADAM7]
    total = sum((-(-across * bits // 8) + 1) * down for across, down in passes if across > 0 < down)
    pixels = _inflated((content for name, content, _ in _chunks(data) if name == b"IDAT"), total)
    part = len(pixels) / total
    if part < _LEAST:
        raise Incomplete("PNG")
    if interlaced:
        pixels += bytes(total - len(pixels))
    else:
        row = total // height
        height, part = len(pixels) // row, len(pixels) // row / height
        del pixels[height * row :]
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    rest = [_chunk(name, content) for name, content in chunks.items()]
    end = (_chunk(b"IDAT", zlib.compress(pixels, 1)), _chunk(b"IEND", b""))
    return b"".join((_SIGNATURE, _chunk(b"IHDR", header), *rest, *end)), 1 + interlaced, 1 - part


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, bool]]:
    """Name and content of each chunk, and whether its checksum is right."""
    view, at = memoryview(data), len(_SIGNATURE)
    while at + 8 <= len(data):
        length, name = struct.unpack(">I4s", view[at : at + 8])
        content = view[at + 8 : at + 8 + length]
        checksum = view[at + 8 + length : at + 12 + length]
        yield name, content, checksum == struct.pack(">I", zlib.crc32(content, zlib.crc32(name)))
        at += 12 + length


def _chunk(name: bytes, content: bytes | memoryview) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(name))
    return b"".join((struct.pack(">I4s", len(content), name), content, struct.pack(">I", checksum)))


def _inflated(pieces: Iterator[memoryview], size: int) -> bytearray:
    """What can be decompressed of a damaged stream, `size` bytes at most."""
    found, decompressor = bytearray(), zlib.decompressobj()
    for piece in pieces:
        for start in range(0, len(piece), _PIECE):
            try:
                found += decompressor.decompress(piece[start : start + _PIECE], size - len(found))
            except zlib.error:
                return found
            if len(found) >= size:
                return found
    return found


# ---------------------------------------------------------------- JPEG


def cut_jpeg(data: bytes, in_scans: bool, decode: Callable[[bytes], Image.Image]) -> tuple[Image.Image, str]:
    """A JPEG file without its end -> what is there of the image, and a note.

    Args:
        data: the file.
        in_scans: it has more than one scan, each finer than the one before.
        decode: decodes a whole file, at whatever scale.

    Raises:
        Incomplete: less than half of the image is there.
    """
    data = data.rstrip(b"\xff")  # half a marker
    picture = decode(data + b"\xff\xd9")
    if in_scans:
        return picture, "The end of this file is missing, and fine detail with it."
    # Whatever is put in the place of what is missing changes the image from there on.
    other = decode(data + b"\x55\x2a" * 500 + b"\xff\xd9")
    differ = (np.asarray(picture) != np.asarray(other)).reshape(picture.height, -1).any(axis=1)
    rows = int(differ.argmax()) if differ.any() else picture.height
    part = rows / picture.height
    if part < _LEAST:
        raise Incomplete("JPEG")
    return picture.crop((0, 0, picture.width, rows)), missing(1 - part)

"""Files of people's: read rightly in every format, turned upright once, as far as they are there; else refused."""

import contextlib
import io
import struct
import tomllib
import zlib

import numpy as np
import pillow_heif
import pytest
import tifffile
from PIL import Image

from cnn.pictures import MAX_BYTES, UnreadableImage, files, open_image, to_network_input
from cnn.pictures.kinds import _OTHERS
from tests.pictures.test_recipe import ROOT, chunk, encoded, shirt

pillow_heif.register_heif_opener()
SIZE = (180, 240)
GREY = np.asarray(shirt(size=SIZE).convert("L"))
TEN = GREY * (1023 / 255)  # levels as a camera of 10 bits writes them
EXPECTED = to_network_input(shirt(size=SIZE)).pixels


def same(source, notes: tuple[str, ...] = (), within=0.02, expected: np.ndarray = GREY) -> bool:
    """Whether a file is read as the shirt, with these notes."""
    picture, found = open_image(source)
    assert found == notes
    return np.abs(to_network_input(picture).pixels - to_network_input(expected).pixels).mean() < within


def refusal(data: bytes) -> str:
    with pytest.raises(UnreadableImage) as caught:
        open_image(data)
    return str(caught.value)


# ---------------------------------------------------------------- upright

NOTES = {
    1: (),
    **dict.fromkeys((2, 4), ("The image was mirrored, as the camera recorded.",)),
    **dict.fromkeys((3, 6, 8), ("The image was rotated upright, as the camera recorded.",)),
    **dict.fromkeys((5, 7), ("The image was mirrored and rotated upright, as the camera recorded.",)),
}
STORED = {  # the orientation -> how a camera stores what is upright
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def boot() -> Image.Image:
    """A shape that every orientation shows otherwise."""
    picture = Image.new("RGB", SIZE, "white")
    picture.paste("black", (40, 20, 90, 220))
    picture.paste("black", (90, 160, 160, 220))
    return picture


def stored(orientation: int) -> Image.Image:
    turn = STORED[orientation]
    return boot() if turn is None else boot().transpose(turn)


def exif(orientation: int) -> Image.Exif:
    data = Image.Exif()
    data[0x0112] = orientation
    return data


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF", "16-bit TIFF"])
@pytest.mark.parametrize("orientation", STORED)
def test_all_orientations_in_all_formats_are_one_image(kind, orientation):
    if kind == "16-bit TIFF":
        data = io.BytesIO()
        pixels = np.asarray(stored(orientation)).astype(np.uint16) * 257
        tifffile.imwrite(data, pixels, photometric="rgb", metadata=None, extratags=[(274, 3, 1, orientation, True)])
        data = data.getvalue()
    else:
        data = encoded(stored(orientation), kind, exif=exif(orientation).tobytes())
    picture, notes = open_image(data)
    assert picture.size == SIZE
    assert np.abs(np.asarray(picture).astype(int) - np.asarray(boot())).mean() < 4
    assert notes == NOTES[orientation]


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
def test_an_orientation_in_xmp_counts_too(kind):
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    if kind == "PNG":
        data = encoded(stored(6))
        data = data[:33] + chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp) + data[33:]
    else:
        data = encoded(stored(6), kind, xmp=xmp)
    picture, notes = open_image(data)
    assert (picture.size, notes) == (SIZE, NOTES[6])


def test_a_heic_file_is_turned_by_its_container_and_not_again_by_its_exif_data():
    data = encoded(boot(), "HEIF", exif=exif(1).tobytes())
    tag = data.index(b"\x01\x12\x00\x03\x00\x00\x00\x01")  # orientation, a short, big-endian
    data = data[: tag + 8] + struct.pack(">H", 6) + data[tag + 10 :]
    picture, notes = open_image(data)
    assert (picture.size, notes) == (SIZE, ())


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_impossible_orientation_is_none(value):
    assert open_image(encoded(boot(), "JPEG", exif=exif(value).tobytes()))[1] == ()


# ---------------------------------------------------------------- deep levels


def tiff(values: np.ndarray, **options) -> bytes:
    file = io.BytesIO()
    writer = {name: options.pop(name) for name in ("bigtiff", "byteorder") if name in options}
    with tifffile.TiffWriter(file, **writer) as written:
        written.write(values, metadata=None, **options)
    return file.getvalue()


def coloured(values: np.ndarray) -> np.ndarray:
    return np.stack([values] * 3, axis=-1)


def with_pixels(values: np.ndarray, *levels: float) -> np.ndarray:
    values = values.copy()
    for number, level in enumerate(levels):
        values[5 + number, 7] = level
    return values


def png16(values: np.ndarray, colour: int, interlaced: int = 0) -> bytes:
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, colour, 0, 0, interlaced)
    rest = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rest


TYPES = ["u2", "i2", "u4", "i4", "f2", "f4", "f8"]


@pytest.mark.parametrize("kind", TYPES)
def test_deep_tiffs_of_every_type_are_read(kind):
    ten, colours = TEN.astype(kind), coloured(TEN).astype(kind)
    opaque = np.full_like(ten[..., None], np.iinfo(kind).max if kind[0] in "iu" else 1)
    for data in (
        tiff(ten),
        tiff((1023 - TEN).astype(kind), photometric="miniswhite"),
        tiff(colours, photometric="rgb"),
        tiff(np.moveaxis(colours, -1, 0), photometric="rgb", planarconfig="separate"),
        tiff(colours, photometric="rgb", tile=(64, 64), compression="zlib"),
        tiff(colours, photometric="rgb", byteorder=">", bigtiff=True),
        tiff(np.concatenate([colours, opaque], -1), photometric="rgb", extrasamples=("unassalpha",)),
        tiff(np.stack([ten, opaque[..., 0]], -1), photometric="minisblack", extrasamples=("unassalpha",)),
        tiff(np.concatenate([colours, opaque], -1), photometric="rgb", extrasamples=("unspecified",)),
    ):
        assert same(data)


def test_deep_tiffs_are_read_whatever_compresses_them():
    cv2 = pytest.importorskip("cv2")
    for kind, predictor in (("u2", 1), ("u2", 2), ("f4", 1), ("f4", 3)):
        for compression in (1, 5, 8, 32773):
            options = [cv2.IMWRITE_TIFF_COMPRESSION, compression, cv2.IMWRITE_TIFF_PREDICTOR, predictor]
            for levels in (TEN.astype(kind), coloured(TEN).astype(kind)):
                assert same(cv2.imencode(".tif", levels, options)[1].tobytes())


@pytest.mark.parametrize("level", [np.inf, -np.inf, np.nan, -9999, 1e38, -3.4028234663852886e38, 70_000])
def test_a_few_pixels_decide_nothing(level):
    for kind in ("f4", "f8"):
        assert same(tiff(with_pixels(TEN.astype(kind), level)))
        assert same(tiff(with_pixels(coloured(TEN).astype(kind), level), photometric="rgb"))
        assert same(tiff(with_pixels(GREY.astype(kind) / 255, level, level, level)))
    if np.isfinite(level) and abs(level) < 2**31:
        assert same(tiff(with_pixels(TEN.astype("i4"), level)))
    if level == 70_000:
        hot = with_pixels(TEN, 65535, 65535)
        assert same(tiff(hot.astype("u2")))
        assert same(png16(hot, 0)) and same(png16(coloured(hot), 2))


def test_16_bit_colours_of_a_png_are_not_cut_to_their_high_byte():
    opaque = np.full_like(TEN[..., None], 65535)
    assert same(png16(coloured(TEN), 2))
    assert same(png16(np.concatenate([coloured(TEN), opaque], -1), 6))
    assert same(png16(np.concatenate([TEN[..., None], opaque], -1), 4))
    clear = np.concatenate([coloured(TEN), np.where(GREY < 128, 65535, 0)[..., None]], -1)
    assert open_image(png16(clear, 6))[0].getpixel((0, 0))[3] == 0


@pytest.mark.parametrize(
    ("kind", "offset"), [("u2", 1000), ("u2", 20_000), ("u2", 64_000), ("i2", -500), ("f4", 1e6), ("i4", 2e9)]
)
def test_an_offset_decides_nothing(kind, offset):
    assert same(tiff((TEN + offset).astype(kind)))


@pytest.mark.parametrize(("kind", "mark"), [("f4", -9999), ("f4", np.nan), ("i2", -32768), ("f4", 3e38)])
def test_a_border_without_data_looks_like_what_it_surrounds(kind, mark):
    wide = np.pad(GREY, 40, constant_values=255)
    assert same(tiff(np.pad(TEN + 100, 40, constant_values=mark).astype(kind)), expected=wide)


def test_the_files_own_mark_for_no_data_counts():
    data = tiff(np.pad(TEN + 100, 40, constant_values=77).astype("f4"), extratags=[(42113, 2, 0, "77", True)])
    assert same(data, expected=np.pad(GREY, 40, constant_values=255))


def test_of_16_bits_a_pale_image_stays_pale_as_viewers_show_it():
    pale = (200 + GREY / 255 * 50).astype(np.uint8)
    for data in (tiff(pale.astype("u2") * 257), png16(coloured(pale) * 257.0, 2), tiff((pale / 255).astype("f4"))):
        assert np.abs(np.asarray(open_image(data)[0])[..., 0].astype(int) - pale).max() <= 1


def test_a_large_deep_image_is_averaged():
    paper = np.random.default_rng(1).integers(900, 1100, (2000, 1500))
    paper[500:1500, 500:1000] = 0
    picture = np.asarray(open_image(tiff(paper.astype("f4")))[0])[..., 0]
    assert picture.shape == (500, 375)
    assert picture[:100].std() < 4 and picture[200:300, 150:200].max() == 0  # each pixel alone: 13


def test_levels_without_a_number_are_refused():
    assert "damaged" in refusal(tiff(np.full((30, 30), np.nan, np.float32)))


# ---------------------------------------------------------------- TIFF, else


def test_colours_for_print_are_read():
    black = np.concatenate([np.zeros_like(coloured(GREY)), 255 - GREY[..., None]], -1)
    assert same(tiff(black, photometric="separated"))
    assert same(tiff(black.astype("u2") * 257, photometric="separated"))


@pytest.mark.parametrize(
    ("compression", "name"),
    [(34712, "JPEG2000"), (50002, "JPEGXL"), (34887, "LERC"), (34661, "JBIG"), (61111, "61111")],
)
def test_an_unsupported_compression_is_called_by_its_name(compression, name):
    for values in (GREY, TEN.astype("u2")):
        data = bytearray(tiff(values))
        tag = data.index(struct.pack("<HHI", 259, 3, 1))
        data[tag + 8 : tag + 10] = struct.pack("<H", compression)
        message = refusal(bytes(data))
        assert name in message and "compressed with" in message and "damaged" not in message


def test_complex_numbers_are_called_that_they_cannot_be_read():
    assert "cannot be read" in refusal(tiff(TEN.astype("c8")))


def test_a_raw_camera_file_is_called_that():
    preview = np.zeros((120, 160, 3), np.uint8)
    dng = tiff(preview, photometric="rgb", extratags=[(50706, 1, 4, b"\1\4\0\0", True)])
    nef = tiff(preview, photometric="rgb", subifds=1, extratags=[(271, 2, 0, "NIKON CORPORATION", True)])
    cr2 = b"II*\0\x10\0\0\0CR\2\0" + bytes(400)
    for data in (dng, nef, cr2, b"FUJIFILMCCD-RAW 0201", b"\0\0\0\x18ftypcrx \0\0\0\1crx isom"):
        assert refusal(data).startswith("This is a raw camera file")


# ---------------------------------------------------------------- cut or with a fault


@pytest.mark.parametrize("left", [0.6, 0.8, 0.97])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_cut_jpeg_is_what_is_there_of_it(left, mode):
    rng = np.random.default_rng(2)
    noise = np.uint8(rng.integers(0, 40, (400, 300, 3)) + 200)
    whole = encoded(Image.fromarray(noise).convert(mode), "JPEG", quality=90)
    picture, notes = open_image(whole[: int(len(whole) * left)])
    lost = int(notes[0].split("and ")[1].split("%")[0]) / 100
    assert abs(1 - left - lost) < 0.06
    assert abs(picture.height - 400 * left) < 24
    assert np.asarray(picture.convert("L")).min() > 150  # nothing of it is made up


def test_a_jpeg_without_its_last_bytes_is_whole():
    data = encoded(shirt(size=SIZE), "JPEG", quality=95)
    note = "The end of this file is missing, but all of the image is there."
    assert same(data[:-2], (note,)) and same(data[:-1], (note,))


def test_a_cut_progressive_jpeg_is_shown_without_detail():
    data = encoded(shirt(size=SIZE), "JPEG", quality=95, progressive=True)
    second = data.index(b"\xff\xda", data.index(b"\xff\xda") + 2)
    assert same(data[: second + 40], ("The end of this file is missing, and fine detail with it.",), within=0.2)


def test_what_cameras_append_to_a_jpeg_is_not_part_of_it():
    data = encoded(shirt(size=SIZE), "JPEG", quality=95)
    video = np.random.default_rng(6).integers(0, 256, 9_000_000, dtype=np.uint8).tobytes()
    assert video.count(b"\xff\xda") > files.MAX_JPEG_SCANS
    assert same(data + b"\0\0\0\x18ftypmp42" + video)


def test_zeros_in_the_place_of_the_end_are_no_part_of_a_jpeg():
    data = encoded(Image.fromarray(np.random.default_rng(7).integers(0, 255, (400, 300), dtype=np.uint8)), "JPEG")
    whole = len(data)
    picture, notes = open_image(data[: whole * 4 // 5] + bytes(whole // 5))
    assert abs(picture.height - 320) < 24 and "The end of this file is missing" in notes[0]
    assert open_image(data + bytes(999))[1] == ()


def test_scans_behind_a_comment_are_counted():
    data = encoded(shirt(size=SIZE), "JPEG", progressive=True)
    second = data.index(b"\xff\xda", data.index(b"\xff\xda") + 2)
    comment = b"\xff\xfe\0\x04\xff\xd9"  # it looks like the end
    assert "too many scans" in refusal(data[:second] + comment + data[second:-2] * 60 + data[-2:])


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_less_than_half_an_image_is_refused_as_incomplete(kind):
    noise = np.random.default_rng(3).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    assert refusal(data[: len(data) * 2 // 5]).startswith(f"This {kind} file is incomplete: less than half")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1", "I;16"])
def test_a_cut_png_is_the_rows_that_are_there(mode):
    noise = np.random.default_rng(4).integers(0, 255, (200, 150), dtype=np.uint8)
    picture = Image.fromarray(noise.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(noise).convert(mode)
    data = encoded(picture)
    found, notes = open_image(data[: len(data) * 3 // 4])
    assert found.width == 150 and 140 <= found.height <= 152
    assert notes[0].startswith("The end of this file is missing, and 2")
    rows = np.asarray(picture.convert("RGB") if mode != "I;16" else Image.fromarray(noise).convert("RGB"))
    np.testing.assert_allclose(
        np.asarray(found.convert("RGB"))[:130].astype(int), rows[:130], atol=1 + 9 * (mode == "I;16")
    )


def adam7(pixels: np.ndarray) -> bytes:
    """A grey PNG that is sent in passes."""
    rows = b""
    for x, y, across, down in (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ):
        rows += b"".join(b"\0" + row.tobytes() for row in pixels[y::down, x::across])
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 0, 0, 0, 1)
    data = chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data


def test_a_cut_interlaced_png_is_shown_in_half_its_detail():
    pixels = np.random.default_rng(5).integers(0, 255, (101, 150), dtype=np.uint8)
    data = adam7(pixels)
    np.testing.assert_array_equal(np.asarray(open_image(data)[0])[..., 0], pixels)
    found, notes = open_image(data[: len(data) * 4 // 5])
    np.testing.assert_array_equal(np.asarray(found)[..., 0], pixels[::2, ::2])
    assert "20%" in notes[0]


def test_a_png_with_wrong_checksums_is_read():
    data = bytearray(encoded(shirt(size=SIZE)))
    text = bytearray(chunk(b"tEXt", b"Comment\0wrong"))
    text[-1] ^= 1
    profile = bytearray(chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(900))))
    profile[-1] ^= 1
    assert same(bytes(data[:33] + text + data[33:]))
    assert same(bytes(data[:33] + profile + text + data[33:]))
    data[-13] ^= 1  # of the pixels themselves, which are sound
    assert same(bytes(data))


def test_a_png_that_needs_mending_is_turned_all_the_same():
    data = encoded(stored(6), exif=exif(6).tobytes())
    text = chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(3_000_000)))
    picture, notes = open_image(data[:33] + text + data[33:])
    assert (picture.size, notes) == (SIZE, NOTES[6])


# ---------------------------------------------------------------- animations


def blank_then_shirt(kind: str, blank, **options) -> bytes:
    first = Image.new("RGBA", SIZE, blank)
    return encoded(first, kind, save_all=True, append_images=[first, shirt(size=SIZE).convert("RGBA")], **options)


@pytest.mark.parametrize(("kind", "name"), [("GIF", "GIF"), ("PNG", "PNG"), ("WEBP", "WebP"), ("AVIF", "AVIF")])
@pytest.mark.parametrize("blank", [(0, 0, 0, 0), (255, 255, 255, 255), (0, 0, 0, 255)])
def test_an_animation_that_begins_blank_is_its_first_frame_that_shows_something(kind, name, blank):
    data = blank_then_shirt(kind, blank, duration=[100, 110, 120])
    picture, notes = open_image(data)
    assert len(notes) == 1 and notes[0].startswith(f"An animated {name} file: only its frame ")
    assert notes[0].endswith("the first that shows something, was used.")
    assert np.abs(to_network_input(picture).pixels - EXPECTED).mean() < 0.05


def test_pages_that_begin_blank_are_the_first_that_shows_something():
    note = ("A TIFF file with several pages: only its page 3, the first that shows something, was used.",)
    assert same(blank_then_shirt("TIFF", (255, 255, 255, 255)), note)
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for page in (np.zeros_like(TEN), np.full_like(TEN, 9), TEN):
            writer.write(page.astype("f4"), metadata=None)
    assert same(file.getvalue(), note)


def test_an_animation_that_shows_nothing_is_its_first_frame():
    blank = [Image.new("RGB", SIZE, (level, level, level)) for level in range(0, 200, 20)]
    picture, notes = open_image(encoded(blank[0], "GIF", save_all=True, append_images=blank[1:]))
    assert notes == ("An animated GIF file: only its first frame was used.",)
    assert picture.getextrema() == ((0, 0),) * 3


# ---------------------------------------------------------------- what is refused

BOX = b"\0\0\0\x18ftyp"
NAMED = {
    "a video": [BOX + b"isom\0\0\0\1mp42", BOX + b"qt  \0\0\0\0qt  ", b"\x1aE\xdf\xa3webm", b"\0\0\0\x08wide\0\0mdat"],
    "a sound file": [BOX + b"M4A \0\0\0\0", b"ID3\4" + bytes(9), b"RIFF\0\0\0\0WAVEfmt "],
    "Photoshop": [b"8BPS\0\1" + bytes(20)],
    "PostScript": [b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\xc5\xd0\xd3\xc6" + bytes(30)],
    "ICO": [encoded(shirt(size=(64, 64)), "ICO")],
    "archive": [b"PK\3\4" + bytes(26) + b"IMG_0001.jpg", b"\x1f\x8b\x08" + bytes(20), b"Rar!\x1a\x07"],
    "office document": [b"PK\3\4" + bytes(26) + b"[Content_Types].xml"],
    "web page": [b"<!DOCTYPE html>\n<html>", b"\n<html lang=en>", b"<!-- saved -->\n<html>"],
    "not an image but text": [b"Dear Sir or Madam", "Größe".encode("utf-16"), b'{"a": 1}', b"BMW, MZ and P1 are names"],
    "PCX": [encoded(shirt(size=(64, 64)), "PCX")],
    "TGA": [encoded(shirt(size=(64, 64)), "TGA")],
    "PNM": [encoded(shirt(size=(64, 64)), "PPM")],
    "SGI": [encoded(shirt(size=(64, 64)), "SGI")],
    "DDS": [encoded(shirt(size=(64, 64)), "DDS")],
    "ICNS": [b"icns" + bytes(20)],
    "JPEG XL": [b"\xff\x0a" + bytes(20), b"\0\0\0\x0cJXL \r\n\x87\n"],
    "PDF": [b"%PDF-1.7\n"],
    "DICOM": [bytes(128) + b"DICM"],
    "nothing but zeros": [bytes(5000)],
    "not an image": [bytes(range(128, 256)) * 9],
    "0 bytes": [b""],
}


@pytest.mark.parametrize("name", NAMED)
def test_what_is_no_image_is_called_by_its_name(name):
    for data in NAMED[name]:
        message = refusal(data)
        assert name in message
        assert message.count(". ") == 1 and message.endswith(".")


def test_every_sentence_says_what_to_do():
    for sentence in _OTHERS.values():
        assert sentence.count(". ") == 1 and sentence.endswith(".")


def test_an_image_is_known_by_its_content_whatever_its_container_is_called():
    heic, avif = encoded(shirt(size=SIZE), "HEIF"), encoded(shirt(size=SIZE), "AVIF", quality=90)
    assert same(heic[:8] + b"mif1" + heic[12:])
    assert same(avif[:8] + b"mif1" + avif[12:])


def test_a_jpeg_that_few_programs_read_is_called_that():
    data = bytearray(encoded(shirt(size=SIZE), "JPEG"))
    data[data.index(b"\xff\xc0") + 4] = 12
    assert "12 bits" in refusal(bytes(data))


def test_the_server_takes_what_is_read():
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert settings["server"]["maxUploadSize"] == MAX_BYTES >> 20


def test_what_is_too_large_is_refused_before_it_is_decoded(monkeypatch):
    data = encoded(shirt(size=SIZE), "HEIF")
    monkeypatch.setattr(files, "MAX_HEIC_PIXELS", 40_000)
    assert "180 × 240 pixels" in refusal(data) and "HEIC file" in refusal(data)
    monkeypatch.setattr(files, "MAX_JPEG_2000_PIXELS", 40_000)
    assert "JPEG 2000" in refusal(encoded(shirt(size=SIZE), "JPEG2000"))
    monkeypatch.setattr(files, "MAX_DEEP_BYTES", 300_000)
    assert "32 bits" in refusal(tiff(coloured(TEN).astype("f4"), photometric="rgb", compression="zlib"))
    assert same(tiff(TEN.astype("f4")))


def test_a_large_jpeg_2000_file_is_decoded_reduced():
    data = encoded(shirt(size=(3000, 4000)), "JPEG2000", quality_mode="rates", quality_layers=[100])
    assert open_image(data)[0].size == (375, 500)
    assert same(data)


def test_damaged_bytes_of_any_kind_are_read_or_refused():
    rng = np.random.default_rng(8)
    small = TEN[::4, ::4]
    for whole in (
        encoded(shirt(size=(64, 64)), "HEIF"),
        tiff(small.astype("f4"), bigtiff=True),
        tiff(coloured(small).astype("u2"), photometric="rgb", compression="zlib"),
        png16(coloured(small), 2),
        blank_then_shirt("GIF", (0, 0, 0, 0)),
    ):
        data = np.frombuffer(whole, np.uint8)
        for _ in range(30):
            damaged = data.copy()
            damaged[rng.integers(2, min(len(data), 400), 4)] = rng.integers(0, 256, 4)
            with contextlib.suppress(UnreadableImage):
                open_image(damaged[: rng.integers(len(data) // 2, 2 * len(data))].tobytes())

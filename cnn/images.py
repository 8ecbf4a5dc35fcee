"""A picture -> the network's input: 28 x 28, grey, a bright garment on black, as named visible steps.

Two halves meet in one seam, an 8-bit RGB or RGBA picture. `open_image` knows untrusted files and nothing of
clothes. `to_network_input` knows the recipe that made Fashion-MNIST (Xiao, Rasul, Vollgraf 2017,
arXiv:1708.07747, section 2) and nothing of files: whatever differs from the colour of the corners is the garment.
Every input knows its place on the picture, its frame, so that a map over the input can be laid on the picture.

It does not know which network reads the result, what a page looks like, or how to read anything else than a garment
on a plain background: that is `cnn.readings`, through which every picture goes.
"""

import contextlib
import io
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, ImageOps
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

SIZE = 28  # pixels along each edge of the network's input
MAX_BYTES = 10 * 1024 * 1024  # of a file
MAX_PIXELS = 16_000_000  # decoded whole, at 4 bytes a pixel, with one copy while it is reduced
MAX_WEBP_PIXELS = 8_000_000  # its decoder holds the canvas three times, and takes twice as long
MAX_JPEG_PIXELS = 65_000_000  # a JPEG of one scan is decoded at 1/2, 1/4 or 1/8 of its size, in little memory
MAX_JPEG_SCANS = 50  # cameras write 1, progressive encoders about 10; thousands would decode for hours

_WORKING_EDGE = 500  # longest edge of what leaves `open_image`; 1/7 of it is still a thumbnail
_SEARCH_EDGE = 256  # of the copy on which the background and the garment are found; also what a page shows
_THUMBNAIL_EDGE = 73  # of the garment before it is subsampled: Fashion-MNIST began with thumbnails of 51 x 73
_MIN_EDGE = 8  # a longest edge below this shows no garment
_FUZZ = 0.05 * math.sqrt(3) * 255  # "within 5%": Euclidean distance in RGB, as in ImageMagick's -fuzz 5%
_NEAR_WHITE = 250  # a background from here up becomes at most 5 of 255 when negated: black enough
_MIN_BACKGROUND = 64  # of 255; a darker channel is not amplified more than 4 times, or its noise would show
_LIGHT = 208  # mean grey level from which a cut-out would be lost on white


class UnreadableImage(ValueError):
    """A picture nobody can use; the message is one sentence for the user: what was wrong and what to do."""


@dataclass(frozen=True)
class Step:
    """One step from the picture to the network's input.

    Attributes:
        name: a word or two, for a caption.
        explanation: one sentence.
        image: the picture after this step, at most 256 pixels along its longest edge.
    """

    name: str
    explanation: str
    image: Image.Image


class Frame(NamedTuple):
    """The place of the network's square, 28 x 28, on the picture that was read.

    In shares of that picture's width (left, right) and height (top, bottom), from its upper left corner; outside [0, 1]
    where the square was extended with background.
    """

    left: float
    top: float
    right: float
    bottom: float


WHOLE = Frame(0.0, 0.0, 1.0, 1.0)  # the square is the picture


@dataclass(frozen=True, eq=False)  # eq: comparing arrays with == has no single answer
class NetworkInput:
    """What the network sees, and how it came about.

    Attributes:
        pixels: float32 (28, 28, 1) in [0, 1], a bright garment on black, read-only.
        steps: in order; the last one's image is `pixels` as 8-bit grey.
        notes: sentences for the user about choices made on the way.
        frame: where `pixels` lie on the picture.
    """

    pixels: np.ndarray
    steps: tuple[Step, ...]
    notes: tuple[str, ...]
    frame: Frame


# ---------------------------------------------------------------- a file -> an 8-bit picture

# Which reader a file gets is decided by its first bytes, never by its name. The readers are called directly,
# not through `Image.open`, which refuses or warns about a large picture before its size can be named.
_READERS = (
    ("PNG", rb"\x89PNG\r\n\x1a\n", PngImageFile),
    ("JPEG", rb"\xff\xd8\xff", JpegImageFile),
    ("GIF", rb"GIF8[79]a", GifImageFile),
    ("WebP", rb"RIFF....WEBP", WebPImageFile),
    ("BMP", rb"BM....\0\0\0\0", BmpImageFile),
    ("TIFF", rb"II\*\0|MM\0\*", TiffImageFile),
)
_REFUSED = {
    rb"....ftyp(hei|hev|mif1|msf1)": "This is a HEIC picture, which cannot be read here: save it as a JPEG.",
    rb"....ftypavi": "This is an AVIF picture, which cannot be read here: save it as a JPEG or a PNG.",
    rb"%PDF": "This is a PDF document, not a picture: save its page as a PNG, or take a screenshot of it.",
    rb"(\xef\xbb\xbf)?\s*(<svg|<!DOCTYPE svg|<(\?xml|!--).{0,2000}<svg)": (
        "An SVG is a drawing program's text, not pixels: export it as a PNG and choose that."
    ),
}
_TURNS = {  # the EXIF orientation tag's values -> what sets the picture upright
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
        The picture, upright, 8-bit RGB or RGBA, at most 500 pixels along its longest edge; notes for users.

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
            many = "A TIFF of several pages" if kind == "TIFF" else f"An animated {kind}"
            notes.append(f"{many}: only its first {'page' if kind == 'TIFF' else 'frame'} was used.")
        if kind == "JPEG":
            shrink = max(1, max(picture.size) / _WORKING_EDGE)
            picture.draft(None, tuple(max(1, int(edge / shrink)) for edge in picture.size))
        picture.load()
        turn = None
        with contextlib.suppress(Exception):  # broken camera data says nothing about the pixels
            turn = _TURNS.get(picture.getexif().get(0x0112))
        picture = _eight_bit(picture)
    except UnreadableImage:
        raise
    except Exception as error:  # decoders of hostile bytes raise nearly anything, OSError to struct.error
        message = f"This {kind} could not be decoded, it is damaged or incomplete: choose another one."
        raise UnreadableImage(message) from error
    if turn:
        picture = picture.transpose(turn)
        notes.append("The picture was turned upright, as its camera had recorded.")
    return picture, tuple(notes)


def _bytes_of(source: bytes | BinaryIO | str | Path) -> bytes:
    if isinstance(source, str | Path):
        try:
            with Path(source).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            message = f"{source} could not be opened ({error.strerror}): check that it is there and readable."
            raise UnreadableImage(message) from error
    elif isinstance(source, bytes):
        data = source
    else:
        if source.seekable():
            source.seek(0)  # an upload widget hands over the same file on every rerun, read to its end
        data = source.read(MAX_BYTES + 1)
    if not data:
        raise UnreadableImage("The file is empty (0 bytes): choose another one.")
    if len(data) > MAX_BYTES:
        raise UnreadableImage(f"The file is larger than {MAX_BYTES >> 20} MB: save it smaller, or as a JPEG.")
    return data


def _reader_of(data: bytes) -> tuple[str, type[ImageFile]]:
    for kind, signature, reader in _READERS:
        if re.match(signature, data, re.DOTALL):
            return kind, reader
    for signature, sentence in _REFUSED.items():
        if re.match(signature, data[:4096], re.DOTALL | re.IGNORECASE):
            raise UnreadableImage(sentence)
    kinds = ", ".join(kind for kind, *_ in _READERS[:-1])
    message = f"This is no picture, whatever its name says: choose a {kinds} or {_READERS[-1][0]} file."
    raise UnreadableImage(message)


def _check_cost(picture: ImageFile, kind: str, data: bytes) -> None:
    """Refuse, before anything is decoded, what would take too much memory or time."""
    _check_shape(picture.size)
    width, height = picture.size
    limit, what = MAX_WEBP_PIXELS if kind == "WebP" else MAX_PIXELS, f"a {kind}"
    if kind == "JPEG":
        # All coefficients of a picture sent in several scans are in memory at once, at whatever scale it is
        # decoded. The bytes ff da start a scan and occur nowhere else in the compressed data.
        progressive = "progressive" in picture.info
        if progressive or (picture.mode != "L" and re.search(rb"\xff\xda\0[\x08\x0a][\x01\x02]", data)):
            what = "a progressive JPEG"
        else:
            limit = MAX_JPEG_PIXELS
        if data.count(b"\xff\xda") > MAX_JPEG_SCANS:
            raise UnreadableImage("This JPEG has too many layers (scans): save it again as an ordinary JPEG.")
    if width * height > limit:
        raise UnreadableImage(
            f"The picture is {width:,} x {height:,} pixels, {width * height / 1e6:,.0f} megapixels, more "
            f"than the {limit / 1e6:.0f} that {what} may have: save it smaller."
        )
    if kind == "BMP" and picture.tile[0][0] != "raw":  # run lengths would be decoded in Python, slowly
        raise UnreadableImage("This is a compressed BMP, which cannot be read here: save it as a PNG.")


def _check_shape(size: tuple[int, int]) -> None:
    width, height = size
    if max(size) < _MIN_EDGE:
        raise UnreadableImage(
            f"The picture is only {width} x {height} pixels: choose one at least {_MIN_EDGE} pixels long."
        )
    if max(size) > SIZE * min(size):  # its shorter edge would be less than one pixel of the network's input
        raise UnreadableImage(
            f"The picture is {width:,} x {height:,} pixels, a strip too thin for a garment: choose another."
        )


def _eight_bit(picture: Image.Image) -> Image.Image:
    """Any Pillow mode -> RGB, or RGBA if anything in it may be transparent; longest edge at most 500."""
    factor = math.ceil(max(picture.size) / _WORKING_EDGE)
    if picture.mode[0] in "IF":  # 16-bit, 32-bit and floating-point grey: convert() would clip at 255
        values = np.nan_to_num(np.asarray(picture.convert("F").reduce(factor)))
        low, high = min(0.0, float(values.min())), float(values.max())
        # The file does not say how many of its bits are in use (12 of 16, say): the brightest is white.
        levels = (values - low) * (255 / max(high - low, 1e-9))
        picture, factor = Image.fromarray(np.uint8(np.rint(levels))), 1
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    if picture.mode != mode:
        picture = picture.convert(mode)
    return picture.reduce(factor) if factor > 1 else picture


# ---------------------------------------------------------------- a picture -> the network's input


def on_paper(rgba: np.ndarray | None) -> Image.Image:
    """A drawing from the canvas, on white paper.

    Args:
        rgba: uint8 (H, W, 4), transparent where nothing was drawn; None before the first stroke.

    Raises:
        UnreadableImage: nothing is drawn.
    """
    if rgba is None or not rgba[..., 3].any() or (rgba == rgba[0, 0]).all():
        raise UnreadableImage("Nothing is drawn yet: draw a garment, its outline or its whole shape.")
    drawing = _as_image(rgba)
    return Image.alpha_composite(Image.new("RGBA", drawing.size, "white"), drawing).convert("RGB")


def on_ground(image: Image.Image | np.ndarray) -> Image.Image:
    """A picture of any mode as 8-bit RGB, its longest edge at most 500, transparent parts filled.

    Raises:
        UnreadableImage: it is transparent all over, or has too few pixels.
        ValueError: an array of another shape, type or range.
    """
    picture = _eight_bit(image if isinstance(image, Image.Image) else _as_image(image))
    _check_shape(picture.size)
    return _without_alpha(picture)[0] if picture.mode == "RGBA" else picture


def is_prepared(image: Image.Image | np.ndarray) -> bool:
    """Whether a picture is in Fashion-MNIST's own format, and is taken as it is."""
    return _already_prepared(image) is not None


def to_network_input(image: Image.Image | np.ndarray, notes: tuple[str, ...] = ()) -> NetworkInput:
    """The one way from a picture to what the network sees.

    Args:
        image: a picture of any mode, or an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of uint8, bool, or
            floats in [0, 1]. A 28 x 28 grey one with dark corners is in Fashion-MNIST's format: kept as is.
        notes: what is known already; returned in front of the notes made here.

    Raises:
        UnreadableImage: there is nothing but background, or too few pixels.
        ValueError: an array of another shape, type or range.
    """
    if (prepared := _already_prepared(image)) is not None:
        shown = Image.fromarray(np.uint8(np.rint(prepared * 255)))
        why = "The picture is 28 x 28, grey, on black, as Fashion-MNIST's own are: it is taken as it is."
        return network_input(prepared, [Step("Fashion-MNIST's format", why, shown)], notes, WHOLE)

    picture = _eight_bit(image if isinstance(image, Image.Image) else _as_image(image))
    _check_shape(picture.size)
    notes = list(notes)
    steps: list[Step] = []

    def show(name: str, explanation: str, image: Image.Image) -> Image.Image:
        steps.append(Step(name, explanation, reduced(image, _SEARCH_EDGE)))
        return image

    show("Picture", "The picture as it came, upright.", picture)
    if picture.mode == "RGBA":
        picture, paper = _without_alpha(picture)
        if paper:
            show("Fill transparency", f"Transparent parts are filled with {paper}.", picture)

    # The background, the garment and which of the two is lighter are found on a small copy, where noise has
    # averaged out. Reducing comes before inverting because it is cheaper so, with the same averages.
    small = steps[-1].image.convert("RGB")
    background, plain = ground_colour(np.asarray(small))
    box, mask = _garment(small, background)
    if plain < 0.5:
        notes.append("The background is not plain, so the garment was not told from it: use a plain one.")
    edge = max(box[2] - box[0], box[3] - box[1]) * max(picture.size) / max(small.size)
    if edge > _THUMBNAIL_EDGE:
        picture = reduced(picture, round(max(picture.size) * _THUMBNAIL_EDGE / edge))
        why = "Blocks of pixels are averaged until the garment is about the size of Fashion-MNIST's thumbnails."
        show("Reduce", why, picture)
    # Lighter or darker is asked of the middle of the box: around it, uneven light may differ as well.
    left, top, right, bottom = box
    middle = np.s_[(3 * top + bottom) // 4 : (top + 3 * bottom) // 4, (3 * left + right) // 4 : (left + 3 * right) // 4]
    inner = np.asarray(small)[middle][mask[middle]]
    garment = inner if len(inner) else np.asarray(small)[mask]
    if _darkness(255.0 - garment, 255 - background) > _darkness(garment, background):
        picture, background = ImageOps.invert(picture), 255 - background
        show("Invert", "The garment is lighter than its background, but the recipe expects it darker.", picture)
        notes.append("The garment is lighter than its background: the picture was inverted first.")
    if background.min() < _NEAR_WHITE:
        levels = _on_white(np.arange(256.0)[:, None], background)  # (256, 3)
        picture = picture.point(np.uint8(np.rint(levels)).T.ravel().tolist())
        background = np.full(3, 255.0)
        show(
            "White background",
            "Each colour is scaled until the background is white, the recipe's paper.",
            picture,
        )

    box, _ = _garment(picture, background)
    whole = picture.size
    picture = show("Trim", "Edges within 5% of the background's colour are cut off.", picture.crop(box))
    scale = SIZE / max(picture.size)
    size = tuple(max(1, int(edge * scale + 0.5)) for edge in picture.size)
    picture = picture.resize(size, Image.Resampling.NEAREST)
    show("Subsample", "Rows and columns are skipped (or repeated) until the longest edge is 28.", picture)
    picture = show("Sharpen", "A 3 x 3 Gaussian kernel (sigma 1) makes outlines stronger.", _sharpened(picture))
    canvas = Image.new("RGB", (SIZE, SIZE), tuple(int(level + 0.5) for level in background))
    # An odd pixel goes to the left and the top, as in Fashion-MNIST (ImageMagick's -gravity center).
    corner = ((SIZE - size[0] + 1) // 2, (SIZE - size[1] + 1) // 2)
    canvas.paste(picture, corner)
    show(
        "Extend",
        "The shortest edge is extended to 28 with the background's colour, the garment centred.",
        canvas,
    )
    picture = show("Negate", "Light becomes dark: the garment is bright on black.", ImageOps.invert(canvas))
    picture = show("Grey", "Colours become one of 256 levels of grey, the network's input.", picture.convert("L"))
    frame = frame_of(box, whole, corner, size)
    return network_input(np.asarray(picture, np.float32) / 255, steps, notes, frame)


def network_input(
    grey: np.ndarray, steps: list[Step], notes: list[str] | tuple[str, ...], frame: Frame
) -> NetworkInput:
    pixels = grey.reshape(SIZE, SIZE, 1)
    pixels.setflags(write=False)  # one input may be cached and shared by many readers
    return NetworkInput(pixels, tuple(steps), tuple(notes), frame)


def frame_of(
    box: tuple[int, int, int, int],
    whole: tuple[int, int],
    corner: tuple[int, int],
    size: tuple[int, int],
    edge: int = SIZE,
) -> Frame:
    """Where a square lies on a picture of which one piece was scaled and pasted onto it.

    Args:
        box: the piece on the picture, (left, top, right, bottom) in the picture's pixels.
        whole: (width, height) of the picture.
        corner: (x, y) of the piece's upper left corner on the square, in the square's pixels.
        size: (width, height) of the piece on the square. Rounded, so the scale may differ between across and down.
        edge: of the square.
    """
    left, top, right, bottom = box
    across, down = (right - left) / size[0], (bottom - top) / size[1]  # the picture's pixels for one of the square's
    left, top = left - corner[0] * across, top - corner[1] * down
    right, bottom = left + edge * across, top + edge * down
    return Frame(left / whole[0], top / whole[1], right / whole[0], bottom / whole[1])


def mapped_back(values: np.ndarray, frame: Frame, size: tuple[int, int]) -> np.ndarray:
    """A map over the network's input, laid on the picture: bilinear between the centres of the 28 x 28 pixels.

    Args:
        values: float32 (28, 28).
        frame: where the input lies on the picture.
        size: (width, height) of the picture, in pixels: as it was read or any copy of it.

    Returns:
        float32 (height, width), 0 outside the frame.
    """
    across = _shares(frame.left, frame.right, size[0])
    down = _shares(frame.top, frame.bottom, size[1])
    return (down @ values @ across.T).astype(np.float32)


def _shares(start: float, end: float, length: int) -> np.ndarray:
    """How much each of the input's 28 pixels counts at each of the picture's, along one axis: float64 (length, 28)."""
    place = ((np.arange(length) + 0.5) / length - start) / (end - start) * SIZE
    between = np.clip(place, 0.5, SIZE - 0.5)  # around the outermost centres there is nothing to mix with
    shares = np.maximum(0, 1 - np.abs(between[:, None] - (np.arange(SIZE) + 0.5)))
    return shares * ((place >= 0) & (place <= SIZE))[:, None]


def _as_image(array: np.ndarray) -> Image.Image:
    """(H, W[, 1 | 3 | 4]) of uint8, bool or floats in [0, 1] -> an 8-bit picture."""
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if 0 in array.shape or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise ValueError(f"a picture is (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), not {array.shape}")
    if array.dtype == bool:
        array = array.astype(np.float32)
    if np.issubdtype(array.dtype, np.floating):
        if not (array.min() >= 0 and array.max() <= 1):  # written so that NaN fails too
            raise ValueError(f"floats must be in [0, 1], these are in [{array.min()}, {array.max()}]")
        array = np.uint8(np.rint(array * 255))
    if array.dtype != np.uint8:
        raise ValueError(f"a picture is uint8, bool or floats in [0, 1], not {array.dtype}")
    return Image.fromarray(np.ascontiguousarray(array))


def _already_prepared(image: Image.Image | np.ndarray) -> np.ndarray | None:
    """float32 (28, 28) in [0, 1] if the picture is in Fashion-MNIST's own format, else None.

    Every one of the 70,000 has at least two dark corners (a wide bag may fill the others).
    """
    if isinstance(image, Image.Image):
        if image.size != (SIZE, SIZE):
            return None
        image = np.asarray(_eight_bit(image))
    if image.shape[:2] != (SIZE, SIZE):
        return None
    exact = image if np.issubdtype(image.dtype, np.floating) else np.asarray(_as_image(image)) / np.float32(255)
    _as_image(image)  # checks shape and range
    channels = exact.astype(np.float32).reshape(SIZE, SIZE, -1)
    if channels.shape[2] == 4:
        if channels[..., 3].min() < 1:
            return None
        channels = channels[..., :3]
    grey = channels[..., 0].copy()
    if (channels != grey[..., None]).any():
        return None
    second_darkest = np.sort(grey[[0, 0, -1, -1], [0, -1, 0, -1]])[1]
    return grey if second_darkest <= 0.05 < grey.max() else None


def reduced(picture: Image.Image, edge: int) -> Image.Image:
    """A copy whose longest edge is at most `edge` pixels, each the mean of its area; never larger."""
    scale = edge / max(picture.size)
    if scale >= 1:
        return picture
    size = tuple(max(1, round(length * scale)) for length in picture.size)
    return picture.resize(size, Image.Resampling.BOX, reducing_gap=2)  # the gap: several times as fast


def _without_alpha(picture: Image.Image) -> tuple[Image.Image, str]:
    """RGBA -> RGB on a paper from which it differs, and that paper's name ("" if nothing was transparent)."""
    small = np.asarray(reduced(picture, _SEARCH_EDGE), np.float32)
    alpha = small[..., 3]
    if alpha.min() == 255:
        return picture.convert("RGB"), ""
    if not alpha.any():
        raise UnreadableImage("The picture is transparent all over: choose one that shows a garment.")
    light = (_luma(small[..., :3]) * alpha).sum() / alpha.sum() > _LIGHT
    paper, name = ("#000000", "black, because what is visible is light") if light else ("#fdfdfd", "near-white")
    return Image.alpha_composite(Image.new("RGBA", picture.size, paper), picture).convert("RGB"), name


def _luma(rgb: np.ndarray) -> np.ndarray:
    return rgb @ np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as Pillow's mode "L"


def _differs(rgb: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Which colours, (..., 3) in [0, 255], are not within 5% of `colour`, (3,)."""
    apart = rgb - colour.astype(np.float32)
    return np.einsum("...c,...c->...", apart, apart) > _FUZZ**2  # much faster than .sum(-1)


def ground_colour(rgb: np.ndarray) -> tuple[np.ndarray, float]:
    """The colour of the corners of uint8 (H, W, 3), as float (3,), and the share of the border that has it.

    ImageMagick compares with single corner pixels; here a noisy one must not matter. The candidates are the
    median of the four corner patches together, which levels out small differences, and the median of each, in
    case a sleeve or a leg runs into another corner. The border votes.
    """
    side = max(1, min(rgb.shape[:2]) // 32)
    near, far = slice(None, side), slice(-side, None)
    patches = [rgb[rows, columns].reshape(-1, 3) for rows in (near, far) for columns in (near, far)]
    candidates = [np.median(patch, axis=0) for patch in [np.concatenate(patches), *patches]]
    border = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])
    shares = [1 - _differs(border, candidate).mean() for candidate in candidates]
    best = int(np.argmax(shares))
    return candidates[best], float(shares[best])


def _garment(picture: Image.Image, background: np.ndarray) -> tuple[tuple[int, int, int, int], np.ndarray]:
    """The box (left, top, right, bottom) of what differs from the background, and its mask, bool (H, W).

    Specks (fewer than 5 pixels within 5 x 5) are no garment unless they touch it: dust, or traces of JPEG.

    Raises:
        UnreadableImage: nothing differs.
    """
    mask = _differs(np.asarray(picture, np.float32), background)
    mask &= _count_around(mask & (_count_around(mask) >= 5)) > 0
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        raise UnreadableImage(
            "There is nothing in the picture but one plain colour: choose one with a garment that stands out."
        )
    return (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1), mask


def _count_around(mask: np.ndarray) -> np.ndarray:
    """How many of the 5 x 5 pixels around each one are set: bool (H, W) -> uint8 (H, W)."""
    height, width = mask.shape
    padded = np.pad(mask.astype(np.uint8), 2)
    rows = sum(padded[offset : offset + height] for offset in range(5))
    return sum(rows[:, offset : offset + width] for offset in range(5))


def _on_white(rgb: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Scale each channel so that the background becomes 255, as a photographer's white balance; (..., 3)."""
    return np.clip(255 - (background - rgb) * (255 / np.maximum(background, _MIN_BACKGROUND)), 0, 255)


def _darkness(rgb: np.ndarray, background: np.ndarray) -> float:
    """How bright these pixels would be, on average, in the network's input, were they on this background."""
    return float(_luma(255 - _on_white(rgb, background)).mean())


def _sharpened(picture: Image.Image) -> Image.Image:
    """ImageMagick's -sharpen 1x1: a 3 x 3 Gaussian (sigma 1), negated, with twice its sum at the centre."""
    u, v = np.mgrid[-1:2, -1:2]
    gaussian = np.exp(-(u**2 + v**2) / 2) / (2 * np.pi)
    kernel = -gaussian
    kernel[1, 1] = 2 * gaussian.sum()
    kernel /= kernel.sum()
    rgb = np.asarray(picture, np.float64)
    height, width = rgb.shape[:2]
    around = np.pad(rgb, ((1, 1), (1, 1), (0, 0)), mode="edge")
    sharp = sum(kernel[i, j] * around[i : i + height, j : j + width] for i in range(3) for j in range(3))
    return Image.fromarray(np.uint8(np.clip(np.rint(sharp), 0, 255)))

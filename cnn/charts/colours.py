"""The palette, the colour scales, and maps as coloured pixels: what all charts share and what is drawn without Plotly.

Colours are safe for colour-blind readers. Where values have a sign, zero is neutral and the scale is symmetric.
"""

import base64
import io
from functools import cache

import numpy as np
import plotly.colors
from PIL import Image

# Okabe and Ito's palette; .streamlit/config.toml gives all charts the same colours, and a test keeps them equal.
BLUE, ORANGE, GREEN, PINK, SKY, RED, YELLOW, GREY = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#888888",
)  # fmt: skip
SEQUENTIAL = "Cividis"
DIVERGING = "PuOr"
RANGES = ("map", "layer", "network")  # within which the colours of maps are normalised

Range = tuple[float, float]


def value_range(values: np.ndarray, signed: bool = False) -> Range:
    """Lowest and highest value; symmetric about zero if some are negative, or could be (`signed`), as weights can."""
    low, high = float(values.min()), float(values.max())
    if signed or low < 0:
        high = max(-low, high)
        low = -high
    if high > low:
        return low, high
    pad = max(1e-6, abs(low) * 1e-6)  # all values are equal: any scale will do that has two ends
    return (-pad, pad) if signed else (low, low + pad)


def tile(
    maps: np.ndarray, range_: Range | None = None, signed: bool = False, width: int = 840, height: int = 600
) -> np.ndarray:
    """Lay maps out in a grid, every pixel enlarged to a square of whole pixels, as large as they fit: see `layout`.

    Args:
        maps: (height, width, n).
        range_: the values of the scale's two ends; None gives each map its own, see `value_range` for `signed`.
        width: pixels that the image may be wide.
        height: pixels that the image may be high; many large maps make it higher.

    Returns:
        uint8 (h, w, 3), grey between the maps.
    """
    return tiled(coloured_maps(maps, range_, signed), width, height)


def tiled(colours: np.ndarray, width: int = 840, height: int = 600) -> np.ndarray:
    """Small images uint8 (n, h, w, 3) as `tile` lays out maps."""
    count, map_height, map_width = colours.shape[:3]
    scale, columns = layout(map_height, map_width, count, width, height)
    rows = -(-count // columns)
    cell_height, cell_width = map_height * scale + _GAP, map_width * scale + _GAP
    image = np.full((rows * cell_height, columns * cell_width, 3), 128, np.uint8)
    for index, one in enumerate(colours):
        top, left = index // columns * cell_height, index % columns * cell_width
        enlarged = one.repeat(scale, axis=0).repeat(scale, axis=1)
        image[top : top + cell_height - _GAP, left : left + cell_width - _GAP] = enlarged
    return image[:-_GAP, :-_GAP]


_GAP = 2  # pixels between two maps
_MAX_SCALE = 16  # no pixel of a map needs to be larger


def layout(map_height: int, map_width: int, count: int, width: int, height: int) -> tuple[int, int]:
    """The largest whole scale at which `count` maps fit into so many pixels, one beside the other, and the columns."""
    for scale in range(_MAX_SCALE, 1, -1):
        columns = min(count, max(1, (width + _GAP) // (map_width * scale + _GAP)))
        if -(-count // columns) * (map_height * scale + _GAP) <= height:
            return scale, columns
    return 1, min(count, max(1, (width + _GAP) // (map_width + _GAP)))


def coloured(values: np.ndarray, range_: Range) -> np.ndarray:
    """Values (h, w) -> colours uint8 (h, w, 3), on the diverging scale if the range reaches below zero."""
    low, high = range_
    positions = np.clip((values - low) / (high - low), 0.0, 1.0)
    return _lookup(DIVERGING if low < 0 else SEQUENTIAL)[(positions * 255).round().astype(np.uint8)]


def coloured_maps(maps: np.ndarray, range_: Range | None = None, signed: bool = False) -> np.ndarray:
    """Maps (h, w, n) -> colours uint8 (n, h, w, 3), see `coloured`; without a range each map has its own."""
    each = np.ascontiguousarray(np.moveaxis(maps, -1, 0))
    if range_:
        return coloured(each, range_)
    low, high = each.min(axis=(1, 2), keepdims=True), each.max(axis=(1, 2), keepdims=True)
    signs = (low < 0) | signed
    high = np.where(signs, np.maximum(-low, high), high)
    low = np.where(signs, -high, low)
    # All values of a map may be equal: they then are the middle of a scale with signs, else its low end.
    positions = (each - low) / np.where(high > low, high - low, np.inf) + np.where(signs & (high <= low), 0.5, 0.0)
    places = (positions * 255).round().astype(np.intp) + 256 * signs
    return np.concatenate([_lookup(SEQUENTIAL), _lookup(DIVERGING)])[places]


def picture(pixels: np.ndarray) -> np.ndarray:
    """A network's input float (h, w, c) in [0, 1] for the eye: RGB as it is, grey on the sequential scale.

    Returns:
        uint8 (h, w, 3).
    """
    if pixels.shape[2] == 3:
        return np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    return coloured(pixels[..., 0], (0.0, 1.0))


def rgb_kernels(kernels: np.ndarray, range_: Range | None = None) -> np.ndarray:
    """Kernels (k, k, 3, n) over red, green and blue as colours uint8 (n, k, k, 3); a weight of zero is mid-grey.

    Bright in a colour: the filter answers to more of it; dark: to less. Without a range each has its own.
    """
    each = np.ascontiguousarray(np.moveaxis(kernels, -1, 0))
    most = np.abs(each).max(axis=(1, 2, 3), keepdims=True) if range_ is None else max(map(abs, range_))
    return np.rint(255 * np.clip(0.5 + each / np.maximum(2 * most, 1e-12), 0, 1)).astype(np.uint8)


def reduced(maps: np.ndarray, edge: int) -> np.ndarray:
    """Maps or images (h, w, n) with no side longer than so many pixels, in their proportions, by the means of areas.

    A map's highest value is then lower: for thumbnails, not for numbers.
    """
    height, width = maps.shape[:2]
    factor = edge / max(height, width)
    if factor >= 1:
        return maps
    import cv2  # a page that draws no large map does without

    size = max(1, round(width * factor)), max(1, round(height * factor))
    made = [
        cv2.resize(np.ascontiguousarray(one), size, interpolation=cv2.INTER_AREA) for one in np.moveaxis(maps, -1, 0)
    ]
    return np.stack(made, axis=-1)


def bars(values: np.ndarray, height: int = 25) -> np.ndarray:
    """Values (n,) as small images, uint8 (n, height, 3, 3): a bar up from the middle if positive, down if negative.

    The colours are those of the diverging scale, the longest bar has the largest absolute value.
    """
    middle = height // 2
    largest = max(float(np.abs(values).max(initial=0.0)), 1e-12)
    lengths = np.rint(values / largest * middle).astype(int)[:, None]
    rows = middle - np.arange(height)  # above the middle positive
    filled = (rows != 0) & (np.sign(rows) == np.sign(lengths)) & (np.abs(rows) <= np.abs(lengths))
    shown = np.where(filled, np.sign(lengths) * 0.8, 0.0)[..., None].repeat(3, axis=-1)
    image = coloured(shown, (-1.0, 1.0))
    image[:, middle] = 128
    return image


def sprite(colours: np.ndarray) -> tuple[np.ndarray, int]:
    """Images uint8 (n, h, w, 3) -> all of them in one, without gaps, in about a square; and its columns."""
    count, height, width = colours.shape[:3]
    columns = max(1, min(count, round((count * height / width) ** 0.5)))
    rows = -(-count // columns)
    filled = np.zeros((rows * columns, height, width, 3), np.uint8)
    filled[:count] = colours
    grid = filled.reshape(rows, columns, height, width, 3).swapaxes(1, 2)
    return grid.reshape(rows * height, columns * width, 3), columns


def is_dark(colours: np.ndarray) -> np.ndarray:
    """Whether white is better read than black on colours uint8 (..., 3): bool (...). By luma (ITU-R BT.601)."""
    return colours.astype(int) @ [299, 587, 114] < 128_000


def data_url(image: np.ndarray, lossy: bool = False) -> str:
    """An image uint8 (h, w, 3) or (h, w) in a data URL: as a PNG, or `lossy` as a JPEG, which photos need less for."""
    buffer = io.BytesIO()
    if lossy:
        Image.fromarray(image).save(buffer, "JPEG", quality=85)
    else:
        Image.fromarray(image).save(buffer, "PNG", compress_level=1)
    return f"data:image/{'jpeg' if lossy else 'png'};base64," + base64.b64encode(buffer.getvalue()).decode()


def base64_floats(values: np.ndarray) -> str:
    """Values as 32-bit floats, the smallest byte first, row by row, in base64."""
    return base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode()


def scale_colours(range_: Range, count: int = 9) -> list[str]:
    """The colours of a scale from its low to its high end, as CSS."""
    colours = coloured(np.linspace(*range_, count), range_)
    return [f"rgb({red},{green},{blue})" for red, green, blue in colours.tolist()]


@cache
def _lookup(scale: str) -> np.ndarray:
    colours = plotly.colors.sample_colorscale(scale, np.linspace(0, 1, 256), colortype="tuple")
    return (np.array(colours) * 255).round().astype(np.uint8)


def laid_over(image: np.ndarray, values: np.ndarray) -> np.ndarray:
    """A map over an image in grey: the stronger a value, the more of its colour and the less of the image.

    Args:
        image: uint8 (h, w, 3) or (h, w).
        values: (h, w); on the diverging scale if some are negative.

    Returns:
        uint8 (h, w, 3).
    """
    grey = image @ np.array([0.299, 0.587, 0.114]) if image.ndim == 3 else image.astype(np.float64)
    low, high = value_range(values)
    strength = np.clip(np.abs(values) / max(abs(low), abs(high)), 0, 1)[..., None] ** 0.7 * 0.85
    mixed = (1 - strength) * grey[..., None] + strength * coloured(values, (low, high))
    return np.rint(mixed).astype(np.uint8)

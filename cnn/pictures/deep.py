"""Levels of more than 8 bits, from scanners, microscopes and calculations -> 8-bit grey or colour.

Such a file seldom says how many of its bits are in use, or which levels are black and white. Few pixels must not decide
it: a hot pixel, an infinity, a NaN, a -9999 for "no data".
"""

from collections.abc import Callable

import numpy as np
from PIL import Image

_TAIL = 0.5  # percent of the pixels at either end of the levels that do not count
_SAMPLE = 1_000_000  # pixels that the range is measured on
_STRIP = 250_000  # pixels at a time, as float64
_FAINT = 1 / 8  # of the whole range: less than that between the darkest and the brightest is stretched
_NO_DATA = (-999, -9999, -99999, -32767, -32768)  # common marks for it
_IMPOSSIBLE = 1e30  # levels beyond it are marks, too: the largest float, the 9.97e36 of netCDF


def to_eight_bit(
    values: np.ndarray, factor: int = 1, alpha: bool = False, white_is_zero: bool = False, no_data: float | None = None
) -> Image.Image:
    """Levels of any range -> an 8-bit image, each pixel the mean of factor x factor.

    Levels that use the whole range of their type, from 0, are shown as viewers show them; of floats, this is 0 to 1 or
    to 255. Others are stretched from their 0.5th to their 99.5th percentile. What is no number or no data gets the
    level of what surrounds it.

    Args:
        values: (H, W) or (H, W, C) of any real type; C is 1 or 3, one more with alpha.
        alpha: the last channel is opacity.
        white_is_zero: the higher the darker.
        no_data: a level that marks missing pixels.

    Raises:
        ValueError: an array of another shape or type, or no number in it.
    """
    values = values[..., None] if values.ndim == 2 else values
    colours = values.shape[-1] - alpha if values.ndim == 3 else 0
    if colours not in (1, 3) or values.dtype.kind not in "buif":
        raise ValueError(f"levels are real (H, W) or (H, W, C), not {values.dtype} {values.shape}")
    step = max(1, round((values.shape[0] * values.shape[1] / _SAMPLE) ** 0.5))
    sample = values[::step, ::step, :colours].astype(np.float64)
    marks = _marks(sample, values.dtype, no_data)
    known = _is_level(sample, marks)
    if not known.any():
        raise ValueError("there is no number among the levels")
    low, high = _black_and_white(sample[known], values.dtype)
    around = _around(sample, known)
    opaque = np.iinfo(values.dtype).max if values.dtype.kind in "iu" else 1

    def shown(part: np.ndarray) -> np.ndarray:
        part = part.astype(np.float64)
        levels = part[..., :colours]
        levels[...] = np.where(_is_level(levels, marks), levels, around)
        levels[...] = (levels.clip(low, high) - low) / max(high - low, 1e-300)
        if white_is_zero:
            levels[...] = 1 - levels
        if alpha:
            part[..., -1] = np.nan_to_num(part[..., -1] / opaque).clip(0, 1)
        return np.rint(part * 255).astype(np.uint8)

    return in_strips(values, factor, shown)


def in_strips(values: np.ndarray, factor: int, shown: Callable[[np.ndarray], np.ndarray]) -> Image.Image:
    """An array as an image, each pixel the mean of factor x factor, in little memory.

    Args:
        values: (H, W) or (H, W, C).
        shown: some rows of it -> uint8 (h, W, C) or (h, W); C is 1 (grey), 2 (with opacity), 3 (colours) or 4.
    """
    height, width = values.shape[:2]
    rows = max(1, _STRIP // (width * factor)) * factor
    small = None
    for top in range(0, height, rows):
        levels = shown(values[top : top + rows])
        strip = Image.fromarray(levels[..., 0] if levels.ndim == 3 and levels.shape[-1] == 1 else levels)
        if small is None:
            small = Image.new(strip.mode, (-(-width // factor), -(-height // factor)))
        small.paste(strip.reduce(factor), (0, top // factor))
    return small


def _marks(sample: np.ndarray, dtype: np.dtype, no_data: float | None) -> list[float]:
    """The levels that stand for missing pixels: what the file names, and a common mark far below all others."""
    marks = [] if no_data is None else [float(no_data)]
    known = sample[_is_level(sample, marks)]
    least = known.min() if known.size else 0.0
    if least in _NO_DATA and dtype.kind != "u":
        others = known[known > least]
        if others.size and others.min() - least > np.ptp(others) > 0:
            marks.append(float(least))
    return marks


def _is_level(values: np.ndarray, marks: list[float]) -> np.ndarray:
    return np.isfinite(values) & (abs(values) < _IMPOSSIBLE) & ~np.isin(values, marks)


def _around(sample: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The median level, in each channel, of the known pixels beside unknown ones, else of all; shape (C,)."""
    beside = np.zeros_like(known)
    for axis in (0, 1):
        for way in (1, -1):
            beside |= np.roll(~known, way, axis)
    found = []
    for channel in range(sample.shape[-1]):
        levels, here = sample[..., channel], known[..., channel]
        chosen = levels[here & beside[..., channel]]
        found.append(np.median(chosen if chosen.size else levels[here] if here.any() else sample[known]))
    return np.array(found)


def _black_and_white(known: np.ndarray, dtype: np.dtype) -> tuple[float, float]:
    """The levels that are shown as black and as white."""
    low = float(np.percentile(known, _TAIL, method="higher"))  # inwards: of a few pixels, too, one decides nothing
    high = float(np.percentile(known, 100 - _TAIL, method="lower"))
    if high <= low:  # all but a few are the same
        low, high = float(known.min()), float(known.max())
    white = float(np.iinfo(dtype).max) if dtype.kind in "iu" else 1.0 if high <= 1 else 255.0
    in_full = low >= 0 and white / 2 < high <= white and high - low >= white * _FAINT
    return (0.0, white) if in_full else (low, high)

"""An image of any mode or an array -> 8-bit RGB on a ground; sizes that are refused."""

import math

import numpy as np
from PIL import Image, ImageCms

from cnn.pictures.deep import to_eight_bit
from cnn.pictures.network_input import UnreadableImage

WORKING_EDGE = 500  # longest edge of what leaves `open_image`; 1/7 of it is still a thumbnail
SEARCH_EDGE = 256  # of the copy on which the background and the garment are found; also what a page shows
_MIN_EDGE = 8  # a longest edge below this shows nothing
_NARROWEST = 28  # times as long as wide: what is narrower would be less than a pixel wide in a garment's 28 x 28
_LIGHT = 208  # mean grey level from which a cut-out would be lost on white


def check_shape(size: tuple[int, int]) -> None:
    width, height = size
    if max(size) < _MIN_EDGE:
        raise UnreadableImage(
            f"The image has only {width} × {height} pixels. Choose one at least {_MIN_EDGE} pixels wide or high."
        )
    if max(size) > _NARROWEST * min(size):
        raise UnreadableImage(
            f"The image has {width:,} × {height:,} pixels, too narrow to show anything. Choose another one."
        )


def eight_bit(picture: Image.Image) -> Image.Image:
    """Any Pillow mode -> RGB, or RGBA if anything in it may be transparent; longest edge at most 500."""
    factor = math.ceil(max(picture.size) / WORKING_EDGE)
    if picture.mode[0] in "IF":  # 16-bit, 32-bit and floating-point grey: convert() would clip at 255
        picture, factor = to_eight_bit(np.asarray(picture), factor), 1
    elif picture.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        picture = ImageCms.profileToProfile(picture, lab, srgb, outputMode="RGB")
    elif picture.mode == "La":
        picture = picture.convert("LA")
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    if picture.mode != mode:
        picture = picture.convert(mode)
    return Image.Image.reduce(picture, factor) if factor > 1 else picture  # one of its readers has another `reduce`


# ---------------------------------------------------------------- an image -> the network's input


def on_paper(rgba: np.ndarray | None) -> Image.Image:
    """A drawing from the canvas, on white paper.

    Args:
        rgba: uint8 (H, W, 4), transparent where nothing was drawn; None before the first stroke.

    Raises:
        UnreadableImage: nothing is drawn.
    """
    if rgba is None or not rgba[..., 3].any() or (rgba == rgba[0, 0]).all():
        raise UnreadableImage("Nothing is drawn yet. Draw an outline, or a whole shape.")
    drawing = as_image(rgba)
    return Image.alpha_composite(Image.new("RGBA", drawing.size, "white"), drawing).convert("RGB")


def normalised(image: Image.Image | np.ndarray) -> Image.Image:
    """An image of any mode as 8-bit RGB, or RGBA if anything in it may be transparent; its longest edge at most 500.

    Raises:
        UnreadableImage: it has too few pixels.
        ValueError: an array of another shape, type or range.
    """
    picture = eight_bit(image if isinstance(image, Image.Image) else as_image(image))
    check_shape(picture.size)
    return picture


def filled(picture: Image.Image) -> Image.Image:
    """An image as from `normalised` -> RGB, transparent parts filled.

    Raises:
        UnreadableImage: it is transparent all over.
    """
    return without_alpha(picture)[0] if picture.mode == "RGBA" else picture


def on_ground(image: Image.Image | np.ndarray) -> Image.Image:
    """An image of any mode as 8-bit RGB, its longest edge at most 500, transparent parts filled.

    Raises:
        UnreadableImage: it is transparent all over, or has too few pixels.
        ValueError: an array of another shape, type or range.
    """
    return filled(normalised(image))


def as_image(array: np.ndarray) -> Image.Image:
    """(H, W[, 1 | 3 | 4]) of uint8, bool or floats in [0, 1] -> an 8-bit image."""
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if 0 in array.shape or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise ValueError(f"an image is (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), not {array.shape}")
    if array.dtype == bool:
        array = array.astype(np.float32)
    if np.issubdtype(array.dtype, np.floating):
        if not (array.min() >= 0 and array.max() <= 1):  # written so that NaN fails too
            raise ValueError(f"floats must be in [0, 1], these are in [{array.min()}, {array.max()}]")
        array = np.rint(array * 255).astype(np.uint8)
    if array.dtype != np.uint8:
        raise ValueError(f"an image is uint8, bool or floats in [0, 1], not {array.dtype}")
    return Image.fromarray(np.ascontiguousarray(array))


def reduced(picture: Image.Image, edge: int) -> Image.Image:
    """A copy whose longest edge is at most `edge` pixels, each the mean of its area; never larger."""
    scale = edge / max(picture.size)
    if scale >= 1:
        return picture
    size = tuple(max(1, round(length * scale)) for length in picture.size)
    return picture.resize(size, Image.Resampling.BOX, reducing_gap=2)  # the gap: several times as fast


def without_alpha(picture: Image.Image) -> tuple[Image.Image, str]:
    """RGBA -> RGB on a paper from which it differs, and that paper's name ("" if nothing was transparent)."""
    small = np.asarray(reduced(picture, SEARCH_EDGE), np.float32)
    alpha = small[..., 3]
    if alpha.min() == 255:
        return picture.convert("RGB"), ""
    if not alpha.any():
        raise UnreadableImage("The image is fully transparent. Choose one that shows something.")
    light = (luma(small[..., :3]) * alpha).sum() / alpha.sum() > _LIGHT
    paper, name = ("#000000", "black, because what is visible is light") if light else ("#fdfdfd", "near-white")
    return Image.alpha_composite(Image.new("RGBA", picture.size, paper), picture).convert("RGB"), name


def luma(rgb: np.ndarray) -> np.ndarray:
    return rgb @ np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as Pillow's mode "L"

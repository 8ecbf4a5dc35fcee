"""An image -> the network's input: 28 x 28, grey, a bright garment on black, as named visible steps.

It is the recipe that made Fashion-MNIST (Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747, section 2): whatever differs
from the colour of the corners is the garment. It begins with an 8-bit RGB or RGBA image and knows nothing of files,
which are the business of `cnn.pictures.files`.

It does not know which network reads the result, what a page looks like, or how to read anything else than a garment
on a plain background: that is `cnn.pictures.readings`, through which every image goes.
"""

import math

import numpy as np
from PIL import Image, ImageOps

from cnn.pictures.network_input import WHOLE, NetworkInput, Step, UnreadableImage, as_network_input, frame_of
from cnn.pictures.normalise import SEARCH_EDGE, luma, normalised, reduced, without_alpha

SIZE = 28  # pixels along each edge of an image of Fashion-MNIST
_THUMBNAIL_EDGE = 73  # of the garment before it is subsampled: Fashion-MNIST began with thumbnails of 51 x 73
_FUZZ = 0.05 * math.sqrt(3) * 255  # "within 5%": Euclidean distance in RGB, as in ImageMagick's -fuzz 5%
_NEAR_WHITE = 250  # a background from here up becomes at most 5 of 255 when negated: black enough
_MIN_BACKGROUND = 64  # of 255; a darker channel is not amplified more than 4 times, or its noise would show


def to_network_input(image: Image.Image | np.ndarray, notes: tuple[str, ...] = ()) -> NetworkInput:
    """The one way from an image to what the network sees.

    Args:
        image: an image of any mode, or an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of uint8, bool, or
            floats in [0, 1]. A 28 x 28 grey one with dark corners is in Fashion-MNIST's format: kept as is.
        notes: what is known already; returned in front of the notes made here.

    Raises:
        UnreadableImage: there is nothing but background, or too few pixels.
        ValueError: an array of another shape, type or range.
    """
    picture = normalised(image)
    prepared = as_it_is(picture, image, notes)
    return prepared if prepared is not None else follow(picture, notes)


def as_it_is(
    picture: Image.Image,
    given: Image.Image | np.ndarray,
    notes: tuple[str, ...] = (),
    shape: tuple[int, int, int] = (SIZE, SIZE, 1),
    title: str = "Fashion-MNIST",
) -> NetworkInput | None:
    """An image in a dataset's own format, grey on black, taken as it is; None for any other.

    Args:
        picture: as from `normalise.normalised`. given: what it came as; floats keep what 8 bits would lose.
        notes: as in `to_network_input`.
        shape: (height, width, channels) of the dataset's images; grey ones have three equal channels in colour.
        title: the dataset's.
    """
    height, width, channels = shape
    if (prepared := _already_prepared(picture, given, (height, width))) is None:
        return None
    pixels = prepared[..., None].repeat(channels, axis=-1)
    shown = Image.fromarray(np.uint8(np.rint(prepared * 255)))
    shown = shown if channels == 1 else shown.convert("RGB")
    why = f"The image has {height} × {width} grey pixels on black, as in {title}: it is used unchanged."
    return as_network_input(pixels, [Step(f"{title}'s format", why, shown)], notes, WHOLE)


def follow(picture: Image.Image, notes: tuple[str, ...] = ()) -> NetworkInput:
    """The recipe, for an image as from `normalise.normalised` that is not in Fashion-MNIST's format already.

    Raises:
        UnreadableImage: there is nothing but background.
    """
    said = list(notes)
    steps: list[Step] = []

    def show(name: str, explanation: str, image: Image.Image) -> Image.Image:
        steps.append(Step(name, explanation, reduced(image, SEARCH_EDGE)))
        return image

    show("Original", "The image, upright.", picture)
    if picture.mode == "RGBA":
        picture, paper = without_alpha(picture)
        if paper:
            show("Fill transparency", f"Transparent parts are filled with {paper}.", picture)

    # The background, the garment and which of the two is lighter are found on a small copy, where noise has
    # averaged out. Reducing comes before inverting because it is cheaper so, with the same averages.
    small = steps[-1].image.convert("RGB")
    background, plain = ground_colour(np.asarray(small))
    box, mask = _garment(small, background)
    if plain < 0.5:
        said.append("The garment could not be separated from its background. Use a plain background.")
    edge = max(box[2] - box[0], box[3] - box[1]) * max(picture.size) / max(small.size)
    if edge > _THUMBNAIL_EDGE:
        picture = reduced(picture, round(max(picture.size) * _THUMBNAIL_EDGE / edge))
        why = "Blocks of pixels are averaged until the garment is about as large as in Fashion-MNIST's thumbnails."
        show("Reduce", why, picture)
    # Lighter or darker is asked of the middle of the box: around it, uneven light may differ as well.
    left, top, right, bottom = box
    middle = np.s_[(3 * top + bottom) // 4 : (top + 3 * bottom) // 4, (3 * left + right) // 4 : (left + 3 * right) // 4]
    inner = np.asarray(small)[middle][mask[middle]]
    garment = inner if len(inner) else np.asarray(small)[mask]
    if _darkness(255.0 - garment, 255 - background) > _darkness(garment, background):
        picture, background = ImageOps.invert(picture), 255 - background
        show("Invert", "The garment is lighter than its background; the pipeline expects it darker.", picture)
        said.append("The garment is lighter than its background, so the image was inverted first.")
    if background.min() < _NEAR_WHITE:
        levels = _on_white(np.arange(256.0)[:, None], background)  # (256, 3)
        picture = picture.point(np.uint8(np.rint(levels)).T.ravel().tolist())
        background = np.full(3, 255.0)
        show(
            "White background",
            "Each colour is scaled until the background is white.",
            picture,
        )

    box, _ = _garment(picture, background)
    whole = picture.size
    picture = show("Trim", "Edges within 5% of the background's colour are cropped.", picture.crop(box))
    scale = SIZE / max(picture.size)
    width, height = (max(1, int(edge * scale + 0.5)) for edge in picture.size)
    picture = picture.resize((width, height), Image.Resampling.NEAREST)
    show("Subsample", "Rows and columns are skipped (or repeated) until the longest edge has 28 pixels.", picture)
    picture = show("Sharpen", "A 3 × 3 Gaussian kernel (sigma 1) sharpens outlines.", _sharpened(picture))
    canvas = Image.new("RGB", (SIZE, SIZE), tuple(int(level + 0.5) for level in background))
    # An odd pixel goes to the left and the top, as in Fashion-MNIST (ImageMagick's -gravity center).
    corner = ((SIZE - width + 1) // 2, (SIZE - height + 1) // 2)
    canvas.paste(picture, corner)
    show(
        "Extend",
        "The shortest edge is padded to 28 pixels with the background's colour; the garment is centred.",
        canvas,
    )
    picture = show("Negate", "Light becomes dark: a bright garment on black.", ImageOps.invert(canvas))
    picture = show("Grey", "Colours become 256 levels of grey: the network input.", picture.convert("L"))
    frame = frame_of(box, whole, corner, (width, height), (SIZE, SIZE))
    return as_network_input(np.asarray(picture, np.float32) / 255, steps, said, frame)


def _already_prepared(
    picture: Image.Image, given: Image.Image | np.ndarray, size: tuple[int, int]
) -> np.ndarray | None:
    """float32 (height, width) = `size` in [0, 1] if the image is in the format of Fashion-MNIST or MNIST, else None.

    Every one of the 70,000 has at least two dark corners (a wide bag may fill the others).
    """
    if picture.size != size[::-1]:
        return None
    is_exact = isinstance(given, np.ndarray) and np.issubdtype(given.dtype, np.floating)
    exact = given if is_exact else np.asarray(picture) / np.float32(255)
    channels = exact.astype(np.float32).reshape(*size, -1)
    if channels.shape[2] == 4:
        if channels[..., 3].min() < 1:
            return None
        channels = channels[..., :3]
    grey = channels[..., 0].copy()
    if (channels != grey[..., None]).any():
        return None
    second_darkest = np.sort(grey[[0, 0, -1, -1], [0, -1, 0, -1]])[1]
    return grey if second_darkest <= 0.05 < grey.max() else None


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
        raise UnreadableImage("The image shows only one plain colour. Choose one in which something stands out.")
    return (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1), mask


def _count_around(mask: np.ndarray) -> np.ndarray:
    """How many of the 5 x 5 pixels around each one are set: bool (H, W) -> uint8 (H, W)."""
    height, width = mask.shape
    padded = np.pad(mask.astype(np.uint8), 2)
    rows = sum((padded[offset : offset + height] for offset in range(1, 5)), padded[:height])
    return sum((rows[:, offset : offset + width] for offset in range(1, 5)), rows[:, :width])


def _on_white(rgb: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Scale each channel so that the background becomes 255, as a photographer's white balance; (..., 3)."""
    return np.clip(255 - (background - rgb) * (255 / np.maximum(background, _MIN_BACKGROUND)), 0, 255)


def _darkness(rgb: np.ndarray, background: np.ndarray) -> float:
    """How bright these pixels would be, on average, in the network's input, were they on this background."""
    return float(luma(255 - _on_white(rgb, background)).mean())


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

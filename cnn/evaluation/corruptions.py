"""Images made harder step by step: moved, turned, reduced, noisy, blurred, pale, covered, bright, compressed.

Nine corruptions in five strengths each, in the spirit of "Benchmarking Neural Network Robustness to Common Corruptions
and Perturbations" (Hendrycks and Dietterich 2019, arXiv:1903.12261), whose table of strengths for ImageNet-C (224
pixels) or CIFAR-C (32 pixels) is used where it fits. What is random depends on the seed and the image alone, never on
its place among others, and stays the same from one strength to the next. Arrays in, arrays out: knows no network.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

STRENGTHS = 5  # 0 is the image as it is

Corrupt = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]  # image uint8 (h, w, c), amount, chance


@dataclass(frozen=True)
class Corruption:
    """One way to make images harder.

    Attributes:
        name: what it is, for people.
        about: what is done, in whose units, and where its strengths are from; a sentence or two.
        amounts: from the weakest strength to the strongest, each in the unit that `about` names.
        unit: how an amount is written, a format such as "{:g}°".
        corrupt: makes one image so.
    """

    name: str
    about: str
    amounts: tuple[float, ...]
    unit: str
    corrupt: Corrupt

    def label(self, strength: int) -> str:
        """A strength in words: "none" for 0, "10°"."""
        return self.unit.format(self.amounts[strength - 1]) if strength else "none"


def keys(images: np.ndarray) -> np.ndarray:
    """What tells images uint8 (n, ...) apart, by their pixels alone: uint64 (n,)."""
    digests = [hashlib.sha256(np.ascontiguousarray(image).tobytes()).digest()[:8] for image in images]
    return np.frombuffer(b"".join(digests), ">u8").astype(np.uint64)


def corrupted(images: np.ndarray, corruption: Corruption, strength: int, seed: int = 0) -> np.ndarray:
    """Images made harder.

    Args:
        images: uint8 (n, h, w) or (n, h, w, c) with 1 or 3 channels, of any size.
        corruption: what is done to each.
        strength: from 0, which changes nothing, to `STRENGTHS`.
        seed: the same one gives the same images.

    Returns:
        uint8, of the shape of `images`.

    Raises:
        IndexError: there is no such strength.
    """
    if not 0 <= strength <= STRENGTHS:
        raise IndexError(f"There is no strength {strength}: choose 0 to {STRENGTHS}.")
    if strength == 0:
        return images.copy()
    amount = corruption.amounts[strength - 1]
    with_channels = images if images.ndim == 4 else images[..., None]
    made = np.empty_like(with_channels)
    for index, key in enumerate(keys(images).tolist()):
        made[index] = corruption.corrupt(with_channels[index], amount, np.random.default_rng((seed, key)))
    return made.reshape(images.shape)


# --- one image uint8 (h, w, c) each -----------------------------------------------------------------------------


def _translation(image: np.ndarray, percent: float, chance: np.random.Generator) -> np.ndarray:
    height, width = image.shape[:2]
    by = max(1, round(percent / 100 * min(height, width)))
    right, down = ((by, 0), (-by, 0), (0, by), (0, -by))[chance.integers(4)]
    moved = np.zeros_like(image)
    rows, columns = slice(max(0, down), height + min(0, down)), slice(max(0, right), width + min(0, right))
    from_rows, from_columns = slice(max(0, -down), height - max(0, down)), slice(max(0, -right), width - max(0, right))
    moved[rows, columns] = image[from_rows, from_columns]
    return moved


def _rotation(image: np.ndarray, degrees: float, chance: np.random.Generator) -> np.ndarray:
    height, width = image.shape[:2]
    middle = ((width - 1) / 2, (height - 1) / 2)
    turn = cv2.getRotationMatrix2D(middle, degrees * chance.choice((-1, 1)), 1.0)
    return cv2.warpAffine(image, turn, (width, height), flags=cv2.INTER_LINEAR).reshape(image.shape)


def _scale(image: np.ndarray, percent: float, chance: np.random.Generator) -> np.ndarray:
    height, width, channels = image.shape
    high, wide = (max(1, round(length * percent / 100)) for length in (height, width))
    small = cv2.resize(image, (wide, high), interpolation=cv2.INTER_AREA).reshape(high, wide, channels)
    around = np.zeros_like(image)
    top, left = (height - high) // 2, (width - wide) // 2
    around[top : top + high, left : left + wide] = small
    return around


def _noise(image: np.ndarray, deviation: float, chance: np.random.Generator) -> np.ndarray:
    return _bytes(image + 255 * deviation * chance.standard_normal(image.shape))


def _blur(image: np.ndarray, percent: float, chance: np.random.Generator) -> np.ndarray:
    deviation = percent / 100 * min(image.shape[:2])
    return cv2.GaussianBlur(image, (0, 0), deviation, borderType=cv2.BORDER_REPLICATE).reshape(image.shape)


def _contrast(image: np.ndarray, percent: float, chance: np.random.Generator) -> np.ndarray:
    mean = image.mean(axis=(0, 1), keepdims=True)
    return _bytes((image - mean) * (percent / 100) + mean)


def _occlusion(image: np.ndarray, percent: float, chance: np.random.Generator) -> np.ndarray:
    height, width = image.shape[:2]
    high, wide = (max(1, round(length * (percent / 100) ** 0.5)) for length in (height, width))
    down, across = chance.random(2)
    top, left = round(down * (height - high)), round(across * (width - wide))
    covered = image.copy()
    covered[top : top + high, left : left + wide] = 128
    return covered


def _brightness(image: np.ndarray, percent: float, chance: np.random.Generator) -> np.ndarray:
    return _bytes(image + 255.0 * percent / 100)


def _jpeg(image: np.ndarray, quality: float, chance: np.random.Generator) -> np.ndarray:
    is_colour = image.shape[2] == 3  # OpenCV's order of the channels is the other one: there and back
    _, file = cv2.imencode(".jpg", image[..., ::-1] if is_colour else image, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    read = cv2.imdecode(file, cv2.IMREAD_COLOR if is_colour else cv2.IMREAD_GRAYSCALE)
    return (read[..., ::-1] if is_colour else read).reshape(image.shape)


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


CORRUPTIONS = {
    corruption.name: corruption
    for corruption in (
        Corruption(
            "Translation",
            "Moved left, right, up or down by a percentage of the shorter side, in whole pixels; black comes in.",
            (4, 7, 11, 14, 21),
            "{:g}%",
            _translation,
        ),
        Corruption(
            "Rotation",
            "Turned about the middle, one way or the other, by an angle in degrees; black comes in.",
            (5, 10, 15, 30, 45),
            "{:g}°",
            _rotation,
        ),
        Corruption(
            "Scale",
            "Height and width are reduced to a percentage, about the middle; black comes in.",
            (90, 80, 70, 60, 50),
            "{:g}%",
            _scale,
        ),
        Corruption(
            "Noise",
            "Normal noise is added to each pixel. Its standard deviation is a fraction of the range from black to "
            "white; the strengths are those of ImageNet-C.",
            (0.08, 0.12, 0.18, 0.26, 0.38),
            "σ {:g}",
            _noise,
        ),
        Corruption(
            "Blur",
            "Blurred by a Gaussian whose standard deviation is a percentage of the shorter side.",
            (2, 3, 4, 5.5, 7),
            "{:g}%",
            _blur,
        ),
        Corruption(
            "Contrast",
            "Each pixel's distance from the mean of its image is reduced to a percentage, as in CIFAR-C.",
            (75, 50, 40, 30, 15),
            "{:g}%",
            _contrast,
        ),
        Corruption(
            "Occlusion",
            "A grey rectangle in the image's proportions, at a random place, covers a percentage of its area.",
            (5, 10, 20, 30, 40),
            "{:g}%",
            _occlusion,
        ),
        Corruption(
            "Brightness",
            "A percentage of the range from black to white is added to each pixel, as in ImageNet-C.",
            (10, 20, 30, 40, 50),
            "+{:g}%",
            _brightness,
        ),
        Corruption(
            "JPEG",
            "Compressed as JPEG of a quality from 100 to 1 and read again; the strengths are those of ImageNet-C.",
            (25, 18, 15, 10, 7),
            "quality {:g}",
            _jpeg,
        ),
    )
}

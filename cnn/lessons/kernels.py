"""Kernels by name, as image processing knows them, for any odd size; and kernels as text, to be typed and linked.

Sources: Gonzalez and Woods, "Digital Image Processing", chapter 3; Sobel's operator for sizes above 3 from binomial
smoothing and its difference, as OpenCV's `getDerivKernels` makes it.
"""

from math import comb

import numpy as np

from cnn.errors import AtelierError

NAMES = (
    "identity",
    "vertical edges",
    "horizontal edges",
    "Sobel, vertical edges",
    "Sobel, horizontal edges",
    "blur",
    "Gaussian",
    "sharpen",
    "Laplacian",
    "emboss",
    "random",
)
NOTES = {
    "identity": "A one in the middle, zeros around it: the output equals the input.",
    "vertical edges": "Right minus left: positive where it gets brighter to the right, negative where it gets darker.",
    "horizontal edges": "Below minus above: positive where it gets brighter downwards, negative where it gets darker.",
    "Sobel, vertical edges": "Right minus left, smoothed along the edge: less noise than the plain difference.",
    "Sobel, horizontal edges": "Below minus above, smoothed along the edge: less noise than the plain difference.",
    "blur": "The mean of the window: all weights are equal and add up to 1.",
    "Gaussian": "A weighted mean: the weights fall off from the middle like a bell curve.",
    "sharpen": "Twice the image minus its local mean: differences from the surroundings stand out.",
    "Laplacian": "The surroundings minus the middle: zero in uniform areas, large at edges and dots in any direction.",
    "emboss": "Lower right minus upper left, plus the pixel itself: as if lit from one side.",
    "random": "Random weights, as every learned kernel starts out.",
}
MAX_SIZE = 9
_LARGEST = 1000.0  # of a weight that is typed


class UnreadableNumbers(AtelierError, ValueError):
    """What was typed is not numbers, or not a rectangle of them; the message says what to do."""


def named(name: str, size: int, seed: int = 0) -> np.ndarray:
    """A kernel, float64 (size, size).

    Args:
        name: one of NAMES. size: odd. seed: of the random one, drawn as Keras draws those of an image with one
            channel and one map: uniform up to the square root of 6 / (2 size²) (Glorot and Bengio 2010).

    Raises:
        KeyError: no kernel has that name.
    """
    middle = size // 2
    one = np.zeros((size, size))
    one[middle, middle] = 1.0
    difference = np.sign(np.arange(size) - middle).astype(float)
    bell = np.array([comb(size - 1, k) for k in range(size)], float)
    slope = np.convolve([comb(size - 3, k) for k in range(size - 2)], [-1.0, 0.0, 1.0])  # binomial smoothing, derived
    mean = np.full((size, size), 1 / size**2)
    away = np.ones((size, size)) - size**2 * one
    diagonal = np.sign(np.add.outer(difference, difference))
    limit = np.sqrt(6 / (2 * size**2))
    return {
        "identity": lambda: one,
        "vertical edges": lambda: np.tile(difference, (size, 1)),
        "horizontal edges": lambda: np.tile(difference[:, None], (1, size)),
        "Sobel, vertical edges": lambda: np.outer(bell, slope),
        "Sobel, horizontal edges": lambda: np.outer(slope, bell),
        "blur": lambda: mean,
        "Gaussian": lambda: np.outer(bell, bell) / bell.sum() ** 2,
        "sharpen": lambda: 2 * one - mean,
        "Laplacian": lambda: away,
        "emboss": lambda: diagonal + one,
        "random": lambda: np.random.default_rng(seed).uniform(-limit, limit, (size, size)),
    }[name]()


def as_text(numbers: np.ndarray) -> str:
    """(h, w) -> rows separated by semicolons, as `from_text` reads them: "0 1 0; 1 -4 1; 0 1 0"."""
    return "; ".join(" ".join(f"{value:.4g}" for value in row) for row in np.asarray(numbers) + 0.0)


def from_text(text: str, largest: int = MAX_SIZE, square: bool = True) -> np.ndarray:
    """Read rows of numbers, separated by semicolons or line breaks, the numbers by blanks, tabs or commas.

    Args:
        largest: rows and columns at most. square: whether it must be a square with an odd edge, as a kernel.

    Returns:
        float64 (h, w).

    Raises:
        UnreadableNumbers: with a sentence for the person who typed them.
    """
    rows = [row.replace(",", " ").split() for row in text.replace("\n", ";").split(";") if row.strip(" ,\t\r")]
    if not rows:
        raise UnreadableNumbers("There are no numbers. Type rows such as 0 1 0; 1 -4 1; 0 1 0.")
    for index, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise UnreadableNumbers(
                f"Row 1 has {len(rows[0])} numbers and row {index + 1} has {len(row)}. Every row needs the same number."
            )
    if max(len(rows), len(rows[0])) > largest:
        raise UnreadableNumbers(
            f"There are {len(rows)} rows of {len(rows[0])} numbers; at most {largest} rows of {largest} are allowed."
        )
    if square and (len(rows) != len(rows[0]) or len(rows) % 2 == 0):
        raise UnreadableNumbers(
            f"A kernel is a square with an odd edge, such as 3×3; this one has {len(rows)} rows of {len(rows[0])}."
        )
    return np.array([[_number(word) for word in row] for row in rows])


def _number(word: str) -> float:
    try:
        value = float(word.replace("−", "-"))
    except ValueError:
        raise UnreadableNumbers(f"{word[:20]!r} is not a number. Type numbers such as -0.5 or 2.") from None
    if not abs(value) <= _LARGEST:
        raise UnreadableNumbers(f"{word[:20]} is too large. Numbers from -{_LARGEST:g} to {_LARGEST:g} are allowed.")
    return value

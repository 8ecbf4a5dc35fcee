"""What several ways to find a garment want to know of an image: how common its colours are, and where.

Colours are counted with the weight of where they occur, in cells of the Lab space. It does not know what is looked for.
"""

import cv2
import numpy as np

_CELL = 8  # levels of Lab that count as one colour, along each axis
RING = 0.06  # of the shorter edge: how wide the border is


class View:
    """A small copy of an image, and what several guesses want to know of it.

    Attributes:
        lab: uint8 (H, W, 3), OpenCV's 8-bit Lab.
        shape: (H, W).
        middle: 1 in the middle of the image, less towards its border; float32 (H, W).
        edge: the outermost pixels; bool (H, W).
        ring: the pixels along the border, those and more; bool (H, W).
        gradient: how fast the colour changes, in levels per pixel; float32 (H, W).
        strange: how much rarer each pixel's colour is along the border than in the image; (H, W) in [0, 1].
        garment: where a plain background shows a garment, in [0, 1], better than `strange` does; None if it is
            not plain.
    """

    def __init__(self, rgb: np.ndarray) -> None:
        self.lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)
        self.shape = self.lab.shape[:2]
        self.middle = prior(self.shape, 0.4)
        self.edge, self.ring = border(self.shape, 0), border(self.shape, RING)
        across, down = (cv2.Scharr(self.lab, cv2.CV_32F, dx, 1 - dx, scale=1 / 32) for dx in (1, 0))
        self.gradient = np.sqrt((across**2 + down**2).sum(-1))
        cells = (self.lab // _CELL).astype(np.int64)
        cells -= cells.min((0, 1))  # most images are pale: few cells are left, quick to blur
        self._extent = tuple(int(length) + 1 for length in cells.max((0, 1)))
        self._cells = (cells[..., 0] * self._extent[1] + cells[..., 1]) * self._extent[2] + cells[..., 2]
        self._anywhere = self._histogram(self._cells)
        wide = max(1, round(min(self.shape) * RING))
        self._sides = np.s_[:wide], np.s_[-wide:], np.s_[:, :wide], np.s_[:, -wide:]
        self.strange = self.strange_to(np.zeros(self.shape, bool))
        self.garment: np.ndarray | None = None

    def density(self, weights: np.ndarray) -> np.ndarray:
        """How common each pixel's colour is among the pixels, weighted by (H, W): float32 (H, W)."""
        return self._histogram(self._cells, weights)[self._cells]

    def strange_to(self, mask: np.ndarray) -> np.ndarray:
        """`strange`, to the border apart from a mask: bool (H, W) -> float32 (H, W)."""
        there = np.sort([self._histogram(self._cells[side][~mask[side]]) for side in self._sides], axis=0)
        # What only one side has may be a garment that the image's edge cuts.
        there = 0.5 * there[2] + 0.5 * there.mean(0)
        return np.clip(1 - there / (self._anywhere + 1e-9), 0, 1)[self._cells]

    def _histogram(self, cells: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """The share of each cell of the Lab space, blurred, or noise would make each pixel its own colour."""
        size = int(np.prod(self._extent))
        counts = np.bincount(cells.ravel(), None if weights is None else weights.ravel(), size)
        table = counts.astype(np.float32) / max(float(counts.sum()), 1e-6)
        lightness, reds, yellows = self._extent
        table = _blurred(table.reshape(lightness * reds, yellows))
        table = table.reshape(lightness, reds * yellows).T
        table = _blurred(table).reshape(reds, yellows * lightness).T
        table = _blurred(table).reshape(yellows, lightness, reds)
        return table.transpose(1, 2, 0).ravel()


def _blurred(rows: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(np.ascontiguousarray(rows), (5, 1), 0.9, borderType=cv2.BORDER_CONSTANT)


def reduced(rgb: np.ndarray, edge: int) -> np.ndarray:
    scale = min(1, edge / max(rgb.shape[:2]))
    size = tuple(max(1, round(length * scale)) for length in rgb.shape[1::-1])
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)


def resized(mask: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A mask at another size, with a smooth outline: bool -> bool `shape`."""
    return cv2.resize(mask.astype(np.float32), shape[::-1], interpolation=cv2.INTER_LINEAR) > 0.5


def prior(shape: tuple[int, int], spread: float) -> np.ndarray:
    """1 in the middle of the image, less towards its border: float32 (H, W)."""
    height, width = shape
    y = (np.arange(height, dtype=np.float32)[:, None] + 0.5) * (2 / height) - 1
    x = (np.arange(width, dtype=np.float32) + 0.5) * (2 / width) - 1
    return np.exp(-((np.abs(x) ** 3 + np.abs(y) ** 3) / (2 * spread)))


def border(shape: tuple[int, int], share: float) -> np.ndarray:
    """The pixels along the image's border, `share` of its shorter edge wide: bool (H, W)."""
    wide = max(1, round(min(shape) * share))
    ring = np.ones(shape, bool)
    ring[wide:-wide, wide:-wide] = False
    return ring


def disc(wide: int) -> np.ndarray:
    """A round structuring element: uint8 (wide, wide)."""
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (wide, wide))

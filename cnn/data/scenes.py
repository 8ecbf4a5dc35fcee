"""A small photo made by code, of which is known where the garment is; clothes laid down or hung up, pairs of shoes."""

from dataclasses import dataclass

import cv2
import numpy as np

from cnn.data.cloth import EDGE, ground, noise

TOPS, DRESS = (0, 2, 4, 6), 3


@dataclass
class Scene:
    """A photo and what is known of it.

    Attributes:
        rgb: float32 (H, W, 3) in [0, 255].
        garment, body, skin: bool (H, W); body: garment, skin and what else is worn.
    """

    rgb: np.ndarray
    garment: np.ndarray
    body: np.ndarray
    skin: np.ndarray

    def part(self, top: int, bottom: int, left: int, right: int) -> "Scene":
        window = np.s_[max(top, 0) : bottom, max(left, 0) : right]
        return Scene(self.rgb[window], self.garment[window], self.body[window], self.skin[window])


def alone(rgb: np.ndarray, mask: np.ndarray, label: int, rng: np.random.Generator) -> Scene:
    """Laid down or hung up: turned a little, crumpled, with a shadow, on any ground."""
    shape = int(rng.uniform(100, 140)), int(rng.uniform(100, 140))
    matrix = cv2.getRotationMatrix2D((EDGE / 2, EDGE / 2), rng.normal(0, 7), rng.uniform(0.75, 1.15))
    matrix[:, :2] *= np.exp(rng.normal(0, 0.08, 2))
    middle = np.array(shape[::-1]) * rng.uniform(0.44, 0.56, 2)
    matrix[:, 2] = middle - matrix[:, :2] @ [EDGE / 2, EDGE / 2]
    rgb, mask = _crumpled(rgb, mask, rng)
    moved = cv2.warpAffine(rgb, matrix, shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    where = cv2.warpAffine(np.float32(mask), matrix, shape[::-1])
    below = ground(shape, rng)
    if rng.random() < 0.6:
        below = _shaded(below, where, rng)
    if label in (*TOPS, DRESS) and rng.random() < 0.12:
        _hanger(below, where, rng)
    soft = cv2.GaussianBlur(where, (0, 0), 0.6)[..., None]
    garment = where > 0.5
    return Scene(moved * soft + below * (1 - soft), garment, garment, np.zeros_like(garment))


def _crumpled(rgb: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Every point moved a little, its neighbours with it."""
    y, x = np.mgrid[0:EDGE, 0:EDGE].astype(np.float32)
    strength, grain = rng.uniform(0, 1.8), rng.uniform(18, 40)
    x, y = (axis + strength * noise((EDGE, EDGE), grain, rng) for axis in (x, y))
    return cv2.remap(rgb, x, y, cv2.INTER_LINEAR), cv2.remap(np.uint8(mask), x, y, cv2.INTER_NEAREST) > 0


def _shaded(below: np.ndarray, where: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The ground darkened beside what lies on it."""
    step = np.array([[1, 0, rng.uniform(-5, 5)], [0, 1, rng.uniform(-2, 6)]], np.float32)
    shadow = cv2.GaussianBlur(cv2.warpAffine(where, step, where.shape[::-1]), (0, 0), rng.uniform(1.5, 6))
    return below * (1 - rng.uniform(0.05, 0.45) * shadow[..., None])


def _hanger(below: np.ndarray, where: np.ndarray, rng: np.random.Generator) -> None:
    rows, columns = np.flatnonzero((where > 0.5).any(1)), np.flatnonzero((where > 0.5).any(0))
    if not len(rows):
        return
    x, y = int(columns.mean()), int(rows[0])
    tone = (rng.uniform(20, 200),) * 3
    cv2.line(below, (x, y + 6), (x, y - 7), tone, 2)
    cv2.ellipse(below, (x + 3, y - 9), (3, 4), 0, 90, 360, tone, 2)


def shoes(rgb: np.ndarray, mask: np.ndarray, label: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Seen obliquely, or a pair, or on a foot."""
    kind = rng.random()
    if kind < 0.4:
        return _pair(rgb, mask, rng)
    if kind < 0.6:  # foreshortened
        matrix = np.array([[rng.uniform(0.55, 0.9), rng.normal(0, 0.15), 0], [rng.normal(0, 0.22), 1, 0]])
        matrix[:, 2] = EDGE / 2 - matrix[:, :2] @ [EDGE / 2, EDGE / 2]
        return _moved(rgb, mask, matrix)
    return rgb, mask


def _moved(rgb: np.ndarray, mask: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    size = mask.shape[::-1]
    return cv2.warpAffine(rgb, matrix, size), cv2.warpAffine(np.uint8(mask), matrix, size) > 0


def _pair(rgb: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two shoes side by side, turned."""
    out, shape = np.zeros_like(rgb), np.zeros_like(mask)
    turn = rng.choice((0.0, rng.uniform(-180, 180), rng.choice((-90.0, 90.0)))) + rng.normal(0, 10)
    across, size = rng.uniform(0.07, 0.27) * EDGE, rng.uniform(0.55, 0.85)
    direction = np.deg2rad(turn + 90 + rng.normal(0, 35))
    step = np.array([np.cos(direction), np.sin(direction)]) * across
    for sign in (-1, 1):
        matrix = cv2.getRotationMatrix2D((EDGE / 2, EDGE / 2), turn + rng.normal(0, 8), size)
        matrix[:, 2] += sign * step
        moved, where = _moved(rgb, mask, matrix)
        out[where] = moved[where] * (rng.uniform(0.7, 1.0) if sign > 0 else 1.0)
        shape |= where
    return out, shape

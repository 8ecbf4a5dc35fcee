"""Cloth and ground of a photo: a training image's tones in colour, with patterns, folds, prints, collars and buttons.

Garments are `EDGE` pixels wide and high. Tones are as in Fashion-MNIST, dark cloth bright, until they get their colour.
"""

import cv2
import numpy as np

from cnn.data.drawn import by_hand, silhouette
from cnn.pictures import line_drawings

TSHIRT, PULLOVER, SHIRT = 0, 2, 6
EDGE = 96  # of a garment's square
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
_LETTERS = list("ABCDEFGHKLMNOPRSTUVXYZ0123456789")


def cloth(level: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A garment in colour: its tones, float32 (96, 96) in [0, 1], dark cloth bright, and where it is, bool (96, 96).

    Returns:
        float32 (96, 96, 3) in [0, 255], and the same mask.
    """
    light = 1 - _retoned(level, mask, rng)
    return light[..., None] * 255 * tint(rng), mask


def enlarged(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A training image's tones, float32 (96, 96) in [0, 1], continued beyond its outline; and its shape."""
    shape = silhouette(image, EDGE) > 0
    there = np.float32(cv2.erode(np.uint8(image > 22), np.ones((2, 2), np.uint8)))
    if there.any():
        near = cv2.blur(there, (5, 5))
        beyond = cv2.blur(image * there, (5, 5)) / np.maximum(near, 1e-3)
        image = np.where(there > 0, image, np.where(near > 0, beyond, image))
    level = cv2.resize(np.float32(image), (EDGE, EDGE), interpolation=cv2.INTER_LINEAR) / 255
    return level, shape


def trimmed(level: np.ndarray, mask: np.ndarray, label: int, rng: np.random.Generator) -> np.ndarray:
    """A top's tones with what 28 pixels are too few for: a print on T-shirts and pullovers; what shirts and coats are
    closed by."""
    if not mask.any():
        return level
    tone = float(np.clip(level[mask].mean() + rng.choice((-1, 1)) * rng.uniform(0.15, 0.5), 0, 1))
    trim = _print if label in (TSHIRT, PULLOVER) else _fasten
    deepest = 0.16 if label == SHIRT else 0.35  # a shirt has a collar, a coat may have lapels
    level = level.copy()
    trim(level, cv2.boundingRect(np.uint8(mask)), tone, deepest, rng)
    return level


_Box = tuple[int, int, int, int]


def _print(level: np.ndarray, box: _Box, tone: float, _: float, rng: np.random.Generator) -> None:
    """Letters or a blot on the chest."""
    left, top, across, down = box
    middle, wide, y = left + across // 2, rng.uniform(0.12, 0.3) * across, top + rng.uniform(0.28, 0.6) * down
    if rng.random() < 0.5:
        text, printed = "".join(rng.choice(_LETTERS, int(rng.integers(2, 6)))), np.zeros(level.shape, np.uint8)
        start, size = (int(middle - wide), int(y)), wide / (8 * len(text)) + 0.1
        cv2.putText(printed, text, start, int(rng.choice((0, 2, 3, 4))), size, 255, 2)
        level[printed > 127] = tone
    else:
        blot = noise(level.shape, rng.uniform(4, 12), rng) > rng.uniform(-0.5, 0.8)
        rows, columns = np.ogrid[: len(level), : len(level)]
        level[blot & (np.hypot(columns - middle, rows - y) < wide)] = tone


def _fasten(level: np.ndarray, box: _Box, tone: float, deepest: float, rng: np.random.Generator) -> None:
    """A placket or zip, a collar or lapels down to `deepest`, a fraction of the height, and buttons."""
    left, top, across, down = box
    middle = left + across // 2
    cv2.line(level, (middle, top + int(0.05 * down)), (middle, top + down), tone, int(rng.integers(1, 3)))
    out, deep = int(rng.uniform(0.1, 0.2) * across), int(rng.uniform(0.08, deepest) * down)
    for side in (-1, 1):
        lapel = [(middle, top + 1), (middle + side * out, top + deep), (middle, top + deep + 2)]
        cv2.polylines(level, [np.array(lapel, np.int32)], False, tone, 1)
    if rng.random() < 0.6:
        for y in np.linspace(top + 0.15 * down, top + 0.92 * down, int(rng.integers(3, 8))):
            cv2.circle(level, (middle + 2, int(y)), 1, 1 - tone, -1)


def sewn(strokes: list[np.ndarray], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A sketch as cloth: what its strokes enclose, shapes within in another tone, strokes as seams: as `enlarged`."""
    warp = by_hand(EDGE, rng)
    every = np.concatenate(strokes)
    low, high = every.min(0), every.max(0)
    scale = 0.8 * EDGE / max(float((high - low).max()), 1e-6)
    placed = [np.rint(warp((stroke - (low + high) / 2) * scale + EDGE / 2)).astype(np.int32) for stroke in strokes]
    lines = cv2.polylines(np.zeros((EDGE, EDGE), np.uint8), placed, False, 255, 2)
    mask = cv2.bitwise_or(line_drawings.enclosed(lines), lines) > 0
    level = np.full((EDGE, EDGE), 0.5, np.float32)
    for points in placed[1:]:
        if (points[0] == points[-1]).all() and cv2.contourArea(points) < 0.3 * mask.sum():
            cv2.fillPoly(level, [points], 0.5 + rng.normal(0, 0.3))
    cv2.polylines(level, placed, False, 0.5 + rng.normal(0, 0.15), int(rng.integers(1, 4)))
    return cv2.GaussianBlur(level, (0, 0), 0.6), mask


def tint(rng: np.random.Generator) -> np.ndarray:
    """A colour of about luminance 1, float32 (3,): grey to vivid."""
    hue, saturation = rng.uniform(0, 180), rng.choice((0.0, rng.uniform(0.05, 0.4), rng.uniform(0.3, 0.9)))
    rgb = cv2.cvtColor(np.array([[[hue, saturation * 255, 220]]], np.uint8), cv2.COLOR_HSV2RGB)[0, 0].astype(np.float32)
    return np.minimum(rgb / max(float(rgb @ LUMA), 40), 1.8).astype(np.float32)


def _retoned(level: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another cloth: brightness, contrast, pattern, folds, light from one side. float32 (n, n) in [0, 1]."""
    if rng.random() < 0.3:
        level = 1 - level
    level = np.clip(level, 0, 1) ** np.exp(rng.normal(0, 0.5))
    level = rng.uniform(0.08, 0.92) + (level - level[mask].mean() if mask.any() else level) * rng.uniform(0.2, 1.0)
    edge = len(level)
    y, x = np.mgrid[0:edge, 0:edge].astype(np.float32) / edge
    if rng.random() < 0.22:
        level = level + _striped(x, y, rng) * 0.8
    if rng.random() < 0.7:
        level = level + _folds(edge, rng)
    if rng.random() < 0.08:  # a patch
        cx, cy, half = rng.uniform(0.4, 0.6), rng.uniform(0.32, 0.6), rng.uniform(0.05, 0.16)
        inside = (np.abs(x - cx) < half) & (np.abs(y - cy) < half * rng.uniform(0.5, 1.2))
        level = level + inside * rng.normal(0, 0.4)
    return np.clip(level + rng.normal(0, 0.15) * (x - 0.5) + rng.normal(0, 0.15) * (y - 0.5), 0.02, 1)


def _folds(edge: int, rng: np.random.Generator) -> np.ndarray:
    """Creases along one direction, mostly faint; now and then a print all over. float32 (edge, edge)."""
    if rng.random() < 0.2:
        return noise((edge, edge), edge * rng.uniform(0.02, 0.08), rng) * rng.uniform(0.03, 0.18)
    creases = noise((edge, edge), edge * rng.uniform(0.03, 0.12), rng)
    slant, slim = rng.normal(0, 0.4), rng.uniform(0.15, 0.5)
    matrix = np.array([[1, slant, -slant * edge / 2], [0, slim, (1 - slim) * edge / 2]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(creases, matrix, (edge, edge), flags=flags, borderMode=cv2.BORDER_REFLECT) * rng.uniform(
        0.01, 0.09
    )


def _striped(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    angle, count = rng.choice((0, 1.57, rng.uniform(0, 3.14))), rng.uniform(3, 14)
    stripes = np.sin(6.283 * count * (x * np.cos(angle) + y * np.sin(angle)))
    if rng.random() < 0.5:  # checks
        stripes = stripes + np.sin(6.283 * count * (x * np.sin(angle) - y * np.cos(angle)))
    return rng.uniform(0.05, 0.25) * stripes


def noise(shape: tuple[int, int], grain: float, rng: np.random.Generator) -> np.ndarray:
    """Blobs of about `grain` pixels: float32 `shape`, standard deviation 1. Drawn small and enlarged, to be quick."""
    step = max(1.0, grain / 2)
    small = rng.standard_normal([max(3, int(length / step)) for length in shape], np.float32)
    blobs = cv2.GaussianBlur(
        cv2.resize(small, shape[::-1], interpolation=cv2.INTER_LINEAR), (0, 0), max(grain / 2, 0.3)
    )
    return blobs / max(float(blobs.std()), 1e-6)


def ground(shape: tuple[int, int], rng: np.random.Generator, studio: float = 0.35) -> np.ndarray:
    """What clothes lie on or hang before: a studio's white, a plain wall, wood, carpet, cloth. float32 (H, W, 3)."""
    height, width = shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / max(shape)
    kind = rng.random()
    if kind < studio:
        return np.full((height, width, 3), rng.choice((255.0, 255.0, rng.uniform(225, 255))), np.float32)
    light = np.full(shape, rng.uniform(0.15, 0.95), np.float32)
    rest = (kind - studio) / (1 - studio)
    if rest < 0.25:
        light += noise(shape, 1.0, rng) * rng.uniform(0, 0.03)
    elif rest < 0.45:  # boards
        angle, period = rng.choice((0.0, 1.57)), rng.uniform(0.12, 0.3)
        along = x * np.cos(angle) + y * np.sin(angle)
        grain = noise((8, max(shape)), 3, rng)[0]
        light += 0.04 * grain[np.int32(along * (max(shape) - 1)) % max(shape)]
        light[(along % period) < 0.015] *= 0.6
    elif rest < 0.7:  # carpet, fur, crumpled sheets
        light += noise(shape, rng.uniform(1, 14), rng) * rng.uniform(0.03, 0.15)
    elif rest < 0.85:  # a patterned cloth
        light += _striped(x, y, rng) * 0.5
    else:  # a wall and a floor, or the edge of a bed
        cut = rng.uniform(0.2, 0.8) + rng.normal(0, 0.2) * (x - 0.5) < y
        light[cut] = rng.uniform(0.15, 0.95)
    light += rng.normal(0, 0.15) * (x - 0.5) + rng.normal(0, 0.15) * (y - 0.5)
    return np.clip(light, 0.02, 1)[..., None] * 255 * (tint(rng) * 0.6 + 0.4)

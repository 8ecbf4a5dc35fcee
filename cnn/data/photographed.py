"""Training images photographed: clothes in colour on a floor, a wall or a person, and cut out of that again.

A `Scene` is a small photo made by code, of which is known what is garment, skin and body. `read` puts it through the
reader that people's photos go through (`cnn.pictures.readings`), so that a network learns from what it will be given;
`cut` does the like in a tenth of the time, with a mask that is known and then spoilt. Lengths of the body are in cm,
from the middle of the shoulders: x to the right, y down.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from cnn.data import sketches
from cnn.data.drawn import by_hand, silhouette
from cnn.pictures import UnreadableImage, cutouts, line_drawings, readings
from cnn.pictures.network_input import NetworkInput, mapped_back

TOPS, SHOES = (0, 2, 4, 6), (5, 7, 9)
TSHIRT, TROUSER, PULLOVER, DRESS, SHIRT, BAG = 0, 1, 2, 3, 6, 8

_LETTERS = list("ABCDEFGHKLMNOPRSTUVXYZ0123456789")
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
_EDGE = 96  # of a garment's square
_SEWN = 0.22  # fraction of the photos that show a sketched garment
_CUT = 56  # of what `cut` works on
_LENGTHS = {0: 68, 1: 100, 2: 66, 3: 98, 4: 82, 6: 74}  # of clothes, in cm
_SCALE = 1.1  # pixels for a cm of a body


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


def photographed(image: np.ndarray, label: int, rng: np.random.Generator) -> Scene:
    """A photo of a training image, uint8 (28, 28): worn or alone, a pair of shoes perhaps.

    Some show another garment of the class, sewn after a sketch: sleeves spread on the floor, shoes seen from above.
    """
    if label != BAG and rng.random() < _SEWN:  # what a handle encloses is no cloth
        return alone(*cloth(*_sewn(sketches.sketch(label, rng), rng), rng), label, rng)
    level, mask = _enlarged(image)
    if label in TOPS and rng.random() < 0.6:
        level = _trimmed(level, mask, label, rng)
    rgb, mask = cloth(level, mask, rng)
    if label in (*TOPS, TROUSER, DRESS) and rng.random() < 0.5:
        return worn(rgb, mask, label, rng)
    if label in SHOES:
        rgb, mask = _shoes(rgb, mask, label, rng)
    return alone(rgb, mask, label, rng)


def read(rgb: np.ndarray, rng: np.random.Generator, garment: np.ndarray | None = None) -> np.ndarray | None:
    """A photo, float32 (H, W, 3) in [0, 255], put through the reader: one of its readings, by their weights.

    Args:
        garment: where it is, bool (H, W); readings that show less than 40% of it, a head or a wall, are passed over.

    Returns:
        uint8 (28, 28), or None if nothing is found.
    """
    try:
        found = readings.of_picture(as_photo(rgb, rng), used_only=True)
    except UnreadableImage:
        return None
    weights = np.array([reading.weight for reading in found])
    if garment is not None:
        weights *= [_shown(reading.seen, garment) >= 0.4 for reading in found]
    if not weights.any():
        return None
    chosen = found[int(rng.choice(len(found), p=weights / weights.sum()))]
    return np.rint(chosen.seen.pixels[..., 0] * 255).astype(np.uint8)


def _shown(seen: NetworkInput, garment: np.ndarray) -> float:
    """The fraction of a garment, bool (H, W), that a network input shows."""
    there = mapped_back((seen.pixels[..., 0] > 0).astype(np.float32), seen.frame, garment.shape[::-1])
    return float((there[garment] > 0.5).mean()) if garment.any() else 0.0


def as_photo(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """With a camera's noise and blur: float32 (H, W, 3) -> uint8."""
    rgb = cv2.GaussianBlur(rgb, (0, 0), rng.uniform(0.4, 0.9))
    grain = rng.standard_normal(rgb.shape, np.float32) * rng.uniform(0, 4)
    return np.clip(rgb + grain, 0, 255).astype(np.uint8)


# ---------------------------------------------------------------- cloth and ground


def cloth(level: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A garment in colour: its tones, float32 (96, 96) in [0, 1], dark cloth bright, and where it is, bool (96, 96).

    Returns:
        float32 (96, 96, 3) in [0, 255], and the same mask.
    """
    light = 1 - _retoned(level, mask, rng)
    return light[..., None] * 255 * tint(rng), mask


def _enlarged(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A training image's tones, float32 (96, 96) in [0, 1], continued beyond its outline; and its shape."""
    shape = silhouette(image, _EDGE) > 0
    there = np.float32(cv2.erode(np.uint8(image > 22), np.ones((2, 2), np.uint8)))
    if there.any():
        near = cv2.blur(there, (5, 5))
        beyond = cv2.blur(image * there, (5, 5)) / np.maximum(near, 1e-3)
        image = np.where(there > 0, image, np.where(near > 0, beyond, image))
    level = cv2.resize(np.float32(image), (_EDGE, _EDGE), interpolation=cv2.INTER_LINEAR) / 255
    return level, shape


def _trimmed(level: np.ndarray, mask: np.ndarray, label: int, rng: np.random.Generator) -> np.ndarray:
    """A top's tones with what 28 pixels are too few for: letters and pictures printed on the chest of T-shirts and
    pullovers; the collar, placket and buttons of shirts, the zip and lapels of coats."""
    left, top, across, down = cv2.boundingRect(np.uint8(mask))
    middle, level = left + across // 2, level.copy()
    tone = (
        float(np.clip(level[mask].mean() + rng.choice((-1, 1)) * rng.uniform(0.15, 0.5), 0, 1)) if mask.any() else 0.0
    )
    if label in (TSHIRT, PULLOVER):
        wide, y = rng.uniform(0.12, 0.3) * across, top + rng.uniform(0.28, 0.6) * down
        if rng.random() < 0.5:
            text, printed = "".join(rng.choice(_LETTERS, int(rng.integers(2, 6)))), np.zeros(level.shape, np.uint8)
            start, size = (int(middle - wide), int(y)), wide / (8 * len(text)) + 0.1
            cv2.putText(printed, text, start, int(rng.choice((0, 2, 3, 4))), size, 255, 2)
            level[printed > 127] = tone
        else:
            blot = noise(level.shape, rng.uniform(4, 12), rng) > rng.uniform(-0.5, 0.8)
            rows, columns = np.ogrid[: len(level), : len(level)]
            level[blot & (np.hypot(columns - middle, rows - y) < wide)] = tone
        return level
    cv2.line(level, (middle, top + int(0.05 * down)), (middle, top + down), tone, int(rng.integers(1, 3)))
    out, deep = int(rng.uniform(0.1, 0.2) * across), int(rng.uniform(0.08, 0.16 if label == SHIRT else 0.35) * down)
    for side in (-1, 1):
        lapel = [(middle, top + 1), (middle + side * out, top + deep), (middle, top + deep + 2)]
        cv2.polylines(level, [np.array(lapel, np.int32)], False, tone, 1)
    if rng.random() < 0.6:
        for y in np.linspace(top + 0.15 * down, top + 0.92 * down, int(rng.integers(3, 8))):
            cv2.circle(level, (middle + 2, int(y)), 1, 1 - tone, -1)
    return level


def _sewn(strokes: list[np.ndarray], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A sketch as cloth: what its strokes enclose, shapes within in another tone, strokes as seams: as `_enlarged`."""
    warp = by_hand(_EDGE, rng)
    every = np.concatenate(strokes)
    low, high = every.min(0), every.max(0)
    scale = 0.8 * _EDGE / max(float((high - low).max()), 1e-6)
    placed = [np.rint(warp((stroke - (low + high) / 2) * scale + _EDGE / 2)).astype(np.int32) for stroke in strokes]
    lines = cv2.polylines(np.zeros((_EDGE, _EDGE), np.uint8), placed, False, 255, 2)
    mask = cv2.bitwise_or(line_drawings.enclosed(lines), lines) > 0
    level = np.full((_EDGE, _EDGE), 0.5, np.float32)
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
    if rng.random() < 0.2:  # a print on the chest
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


# ---------------------------------------------------------------- a garment alone


def alone(rgb: np.ndarray, mask: np.ndarray, label: int, rng: np.random.Generator) -> Scene:
    """Laid down or hung up: turned a little, crumpled, with a shadow, on any ground."""
    shape = int(rng.uniform(100, 140)), int(rng.uniform(100, 140))
    matrix = cv2.getRotationMatrix2D((_EDGE / 2, _EDGE / 2), rng.normal(0, 7), rng.uniform(0.75, 1.15))
    matrix[:, :2] *= np.exp(rng.normal(0, 0.08, 2))
    middle = np.array(shape[::-1]) * rng.uniform(0.44, 0.56, 2)
    matrix[:, 2] = middle - matrix[:, :2] @ [_EDGE / 2, _EDGE / 2]
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
    y, x = np.mgrid[0:_EDGE, 0:_EDGE].astype(np.float32)
    strength, grain = rng.uniform(0, 1.8), rng.uniform(18, 40)
    x, y = (axis + strength * noise((_EDGE, _EDGE), grain, rng) for axis in (x, y))
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


def _shoes(rgb: np.ndarray, mask: np.ndarray, label: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Seen obliquely, or a pair, or on a foot."""
    kind = rng.random()
    if kind < 0.4:
        return _pair(rgb, mask, rng)
    if kind < 0.6:  # foreshortened
        matrix = np.array([[rng.uniform(0.55, 0.9), rng.normal(0, 0.15), 0], [rng.normal(0, 0.22), 1, 0]])
        matrix[:, 2] = _EDGE / 2 - matrix[:, :2] @ [_EDGE / 2, _EDGE / 2]
        return _moved(rgb, mask, matrix)
    return rgb, mask


def _moved(rgb: np.ndarray, mask: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    size = mask.shape[::-1]
    return cv2.warpAffine(rgb, matrix, size), cv2.warpAffine(np.uint8(mask), matrix, size) > 0


def _pair(rgb: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two shoes side by side, turned."""
    out, shape = np.zeros_like(rgb), np.zeros_like(mask)
    turn = rng.choice((0.0, rng.uniform(-180, 180), rng.choice((-90.0, 90.0)))) + rng.normal(0, 10)
    across, size = rng.uniform(0.07, 0.27) * _EDGE, rng.uniform(0.55, 0.85)
    direction = np.deg2rad(turn + 90 + rng.normal(0, 35))
    step = np.array([np.cos(direction), np.sin(direction)]) * across
    for sign in (-1, 1):
        matrix = cv2.getRotationMatrix2D((_EDGE / 2, _EDGE / 2), turn + rng.normal(0, 8), size)
        matrix[:, 2] += sign * step
        moved, where = _moved(rgb, mask, matrix)
        out[where] = moved[where] * (rng.uniform(0.7, 1.0) if sign > 0 else 1.0)
        shape |= where
    return out, shape


# ---------------------------------------------------------------- a garment on a person


class _Body:
    """Somebody on a ground, drawn from the back to the front; points in cm, from the middle of the shoulders."""

    def __init__(self, rng: np.random.Generator) -> None:
        shape = int(195 * _SCALE), int(130 * _SCALE)
        self.rng = rng
        self.origin = np.array([65, 38]) * _SCALE
        self.skin_tone = _skin_tone(rng)
        self.hair = np.array([rng.uniform(15, 60)] * 3, np.float32) * rng.choice(([1, 0.9, 0.8], [1.6, 1.2, 0.8]))
        clear = np.zeros(shape, bool)
        self.scene = Scene(ground(shape, rng, studio=0.6), clear, clear.copy(), clear.copy())

    def at(self, x: float, y: float) -> tuple[int, int]:
        across, down = np.rint(self.origin + np.array([x, y]) * _SCALE).tolist()
        return int(across), int(down)

    def paint(self, mask: np.ndarray, colour: np.ndarray, skin: bool = False) -> None:
        """Fill uint8 (H, W)."""
        where = mask > 0
        self.scene.rgb[where] = colour * self.rng.uniform(0.88, 1.0)
        self.scene.body |= where
        self.scene.skin &= ~where
        if skin:
            self.scene.skin |= where

    def limb(self, points: Sequence[tuple[float, float]], width: float, colour: np.ndarray, skin: bool = False) -> None:
        mask = np.zeros(self.scene.body.shape, np.uint8)
        line = np.array([self.at(*point) for point in points], np.int32)
        cv2.polylines(mask, [line], False, 255, max(1, round(width * _SCALE)))
        self.paint(mask, colour, skin)

    def oval(self, x: float, y: float, across: float, down: float, colour: np.ndarray, skin: bool = False) -> None:
        mask = np.zeros(self.scene.body.shape, np.uint8)
        axes = max(1, round(across * _SCALE)), max(1, round(down * _SCALE))
        cv2.ellipse(mask, self.at(x, y), axes, 0, 0, 360, 255, -1)
        self.paint(mask, colour, skin)

    def area(self, points: list[tuple[float, float]], colour: np.ndarray, skin: bool = False) -> None:
        mask = np.zeros(self.scene.body.shape, np.uint8)
        cv2.fillPoly(mask, [np.array([self.at(*point) for point in points], np.int32)], 255)
        self.paint(mask, colour, skin)

    def wear(self, rgb: np.ndarray, mask: np.ndarray, top: float, length: float, width: float) -> np.ndarray:
        """Lay a garment over the body, `top` cm below the shoulders, `length` cm long. Returns where: bool (H, W)."""
        left, upper, across, down = cv2.boundingRect(np.uint8(mask))
        scale = length * _SCALE / max(down, 1)
        corner = np.array(self.at(0, top)) - np.array([(left + across / 2) * scale * width, upper * scale])
        matrix = np.array([[scale * width, 0, corner[0]], [0, scale, corner[1]]])
        size = self.scene.body.shape[::-1]
        moved = cv2.warpAffine(rgb, matrix, size, borderMode=cv2.BORDER_REPLICATE)
        where = cv2.warpAffine(np.float32(mask), matrix, size)
        soft = cv2.GaussianBlur(where, (0, 0), 0.6)[..., None]
        self.scene.rgb = moved * soft + self.scene.rgb * (1 - soft)
        on = where > 0.5
        self.scene.garment, self.scene.body = on, self.scene.body | on
        self.scene.skin &= ~on
        return on


def _skin_tone(rng: np.random.Generator) -> np.ndarray:
    """From pale to dark, float32 (3,) RGB: red falls least, blue most."""
    dark = rng.beta(1.2, 1.8)
    return np.array([245 - 150 * dark, 205 - 145 * dark, 180 - 140 * dark], np.float32) + rng.normal(0, 6, 3).astype(
        np.float32
    )


def _colour(rng: np.random.Generator) -> np.ndarray:
    """Of another garment: dark ones and denim more often."""
    light = rng.choice((rng.uniform(15, 90), rng.uniform(40, 240)))
    hue = np.array([0.75, 0.95, 1.4], np.float32) if rng.random() < 0.35 else tint(rng)
    return np.clip(light * hue, 0, 255).astype(np.float32)


def worn(rgb: np.ndarray, mask: np.ndarray, label: int, rng: np.random.Generator) -> Scene:
    """Somebody who wears it, cropped by the image's edge at the head, the hips, the knees or not at all."""
    if not mask.any():
        return alone(rgb, mask, label, rng)
    body = _Body(rng)
    length = _LENGTHS[label] * rng.uniform(0.9, 1.12)
    top = rng.uniform(40, 50) if label == TROUSER else rng.uniform(-6, -2)
    if label == TROUSER:
        _legs_and_shoes(body, top + length, label)
        _head(body)
        where = _trousers_and_top(body, rgb, mask, top, length)
    else:
        _legs_and_shoes(body, top + length, label)
        _head(body)
        _arms(body, mask, length, top)
        where = body.wear(rgb, mask, top, length, rng.uniform(0.85, 1.3))
        if label != TSHIRT and label != DRESS and rng.random() < 0.15:
            _open_front(body, where, length)
        _long_hair(body)
    body.scene.garment &= where
    return _cropped(body.scene, top, top + length, label, rng)


def _head(body: _Body) -> None:
    rng, high = body.rng, body.rng.uniform(-22, -18)
    hair = rng.uniform(8.2, 9.5)
    if rng.random() < 0.9:
        body.oval(rng.normal(0, 0.5), high - 3, hair, hair * 1.25, body.hair)
    body.limb([(0, high), (0, 2)], rng.uniform(9, 13), body.skin_tone * 0.92, skin=True)
    body.oval(0, 0, rng.uniform(11, 14), rng.uniform(3, 7), body.skin_tone * 0.95, skin=True)  # collarbones
    body.oval(0, high, rng.uniform(6.8, 8), rng.uniform(9.5, 11), body.skin_tone, skin=True)
    for x in (-3, 3):
        body.oval(x, high - 1.5, 1.1, 0.7, body.hair)
    body.oval(0, high + 5.5, 2.2, 0.7, body.skin_tone * 0.6)


def _long_hair(body: _Body) -> None:
    rng = body.rng
    if rng.random() < 0.12:
        low = rng.uniform(-4, 14)
        for side in (-1, 1):
            body.limb([(side * 7.5, -22), (side * rng.uniform(8, 10), -6), (side * 9, low)], 5, body.hair)


def _arms(body: _Body, mask: np.ndarray, length: float, top: float) -> None:
    """Hands at the ends of long sleeves, whole arms below short ones."""
    rng = body.rng
    left, upper, across, down = cv2.boundingRect(np.uint8(mask))
    unit = length / max(down, 1)
    for side in (-1, 1):
        columns = np.s_[left : left + max(2, across // 9)] if side < 0 else np.s_[left + across - max(2, across // 9) :]
        rows = np.flatnonzero(mask[:, columns].any(1))
        end = top + (rows[-1] - upper if len(rows) else 0.3 * down) * unit
        x = side * (across / 2 * unit * 0.9 - 3)
        if end > 38:  # a long sleeve
            body.limb([(x, end - 6), (x + rng.normal(0, 1), end + 5)], 6, body.skin_tone, skin=True)
            continue
        if rng.random() < 0.2:  # the hand on the hip
            way = [(x, end - 12), (x + side * 13, 30), (side * 17, 52)]
        else:
            way = [(x, end - 12), (x + side * rng.uniform(0, 5), 30), (x + side * rng.uniform(-4, 6), 60)]
        body.limb([(side * 17, 3), *way], rng.uniform(6, 8.5), body.skin_tone * rng.uniform(0.9, 1), skin=True)


def _legs_and_shoes(body: _Body, hem: float, label: int) -> None:
    """Legs in trousers, or bare, down to shoes."""
    rng = body.rng
    bare = rng.random() < (0.85 if label == DRESS else 0.08)
    colour = body.skin_tone if bare else _colour(rng)
    wide = rng.uniform(8, 11) if bare else rng.uniform(12, 18)
    shoe = _colour(rng)
    for side in (-1, 1):
        foot = side * rng.uniform(6, 14)
        if label != TROUSER:
            body.limb([(side * 8, 55), (side * 9, 95), (foot, 138)], wide, colour, skin=bare)
            body.oval(foot + side * 2, 142, 6, 4, shoe)
        else:
            body.oval(side * rng.uniform(8, 12) + side * 2, hem + 1, 6, 4, shoe)
    if label != TROUSER and not bare:
        body.area([(-15, 48), (15, 48), (18, 66), (-18, 66)], colour)


def _trousers_and_top(body: _Body, rgb: np.ndarray, mask: np.ndarray, top: float, length: float) -> np.ndarray:
    """Trousers, a plain top over or in them, arms beside: bool (H, W), where the trousers are seen."""
    rng = body.rng
    where = body.wear(rgb, mask, top, length, rng.uniform(0.9, 1.15))
    colour, bare = _colour(rng), rng.random() < 0.5
    hem = top + rng.choice((1.0, rng.uniform(2, 18)))
    half = rng.uniform(16, 19)
    body.area([(-20, 0), (20, 0), (half, hem), (-half, hem)], colour)
    for side in (-1, 1):
        way = [(side * 20, 4), (side * rng.uniform(24, 30), 30), (side * rng.uniform(20, 29), 54)]
        body.limb(way, rng.uniform(7, 9), body.skin_tone if bare else colour, skin=bare)
        body.limb([way[-1], (way[-1][0], 62)], 6.5, body.skin_tone, skin=True)
        body.limb([(side * 17, 3), (side * 22, 16)], 10, colour)
    seen = np.abs(body.scene.rgb - colour).sum(-1) > 1
    return where & seen & ~body.scene.skin


def _open_front(body: _Body, where: np.ndarray, length: float) -> None:
    """Worn open over something else."""
    rng = body.rng
    wide = rng.uniform(2, 9)
    mask = np.zeros(where.shape, np.uint8)
    corners = [(-wide * 0.6, -4), (wide * 0.6, -4), (wide, length), (-wide, length)]
    cv2.fillPoly(mask, [np.array([body.at(*corner) for corner in corners], np.int32)], 255)
    body.paint(mask * where, _colour(rng))


def _cropped(scene: Scene, top: float, hem: float, label: int, rng: np.random.Generator) -> Scene:
    """What the photo shows of the body: its edge may cut the head, the sleeves and what is below, hem included."""
    if label == TROUSER:
        first, last = top - rng.uniform(2, 30), hem + rng.uniform(-12, 12)
    else:
        above = (rng.uniform(32, 38), rng.uniform(16, 26), rng.uniform(-2, 8))
        below = (rng.uniform(-25, 0), rng.uniform(0, 25), rng.uniform(20, 80))
        first, last = top - rng.choice(above, p=(0.5, 0.15, 0.35)), hem + rng.choice(below, p=(0.3, 0.57, 0.13))
    half = rng.choice((rng.uniform(21, 30), rng.uniform(28, 40), rng.uniform(38, 64)), p=(0.2, 0.4, 0.4))
    x, y = np.array([65, 38]) * _SCALE
    rows = int(y + first * _SCALE), int(y + last * _SCALE)
    return scene.part(*rows, int(x - half * _SCALE), int(x + half * _SCALE))


# ---------------------------------------------------------------- cut out with a known mask


def cut(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """Cut out with bites and leftovers, toned and framed as cut-outs of photos are: uint8 (28, 28).

    Of a person, the garment alone, all that is worn, or everything.
    """
    mask = scene.garment
    if scene.skin.any():
        bare = cv2.dilate(np.uint8(scene.skin), np.ones((3, 3), np.uint8)) > 0
        clothes = scene.body & ~bare
        clothes[: np.argmax(scene.garment.any(1))] = False  # hair
        mask = (mask, clothes, scene.body)[int(rng.choice(3, p=(0.4, 0.35, 0.25)))]
    negative = 255 - scene.rgb @ LUMA
    negative, mask = _turned(negative, mask, rng)
    kept = _spoilt(mask, rng)
    return cutouts.framed(cutouts.tones(negative, kept), kept)


def _turned(negative: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The mask's box, turned and stretched a little, on 56 x 56 pixels."""
    left, top, across, down = cv2.boundingRect(np.uint8(mask)) if mask.any() else (0, 0, *mask.shape[::-1])
    matrix = cv2.getRotationMatrix2D((0, 0), rng.normal(0, 6), rng.uniform(0.75, 0.95) * _CUT / max(across, down))
    matrix[:, :2] *= np.exp(rng.normal(0, 0.08, 2))
    matrix[:, 2] = [_CUT / 2, _CUT / 2] - matrix[:, :2] @ [left + across / 2, top + down / 2]
    tones = cv2.warpAffine(np.float32(negative), matrix, (_CUT, _CUT), borderMode=cv2.BORDER_REPLICATE)
    return tones, cv2.warpAffine(np.uint8(mask) * 255, matrix, (_CUT, _CUT)) > 127


def _spoilt(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A mask as a bad cut-out has it: bool (56, 56)."""
    kind = rng.random()
    if kind < 0.05:  # not cut at all: the whole image, ground included
        return np.ones_like(mask)
    if kind > 0.6:
        return mask if mask.any() else np.ones_like(mask)
    wobble = noise(mask.shape, rng.uniform(3, 8), rng) * rng.uniform(0, 1.6)
    inside = cv2.distanceTransform(np.uint8(mask), cv2.DIST_L2, 3)
    outside = cv2.distanceTransform(np.uint8(~mask), cv2.DIST_L2, 3)
    kept = inside - outside + wobble + rng.normal(0, 0.6) > 0
    if kind < 0.2:  # a leftover of the ground, or a bite
        spot = np.zeros(mask.shape, np.uint8)
        centre, axes = np.int32(rng.uniform(6, _CUT - 6, 2)).tolist(), np.int32(rng.uniform(2, 11, 2)).tolist()
        cv2.ellipse(spot, centre, axes, rng.uniform(0, 180), 0, 360, 1, -1)
        kept = kept | (spot > 0) if rng.random() < 0.6 else kept & (spot == 0)
    return kept if kept.sum() >= 40 else np.ones_like(mask)

"""The synthetic dataset: clothes drawn by code, in Fashion-MNIST's ten classes and format.

It stands in, always labelled synthetic, where Fashion-MNIST can be neither found nor downloaded. A garment
is a sketch of polygons and lines in its own coordinates (x to the right, y down, about one unit long); `draw`
poses it, fits it to the frame, rasterises it with Pillow and lays cloth over it: stripes, knit, folds,
shading. No choice depends on the size of the image, so one generator state gives one garment at any size.

It knows nothing of real clothes: it holds no image, and a score on it says nothing about a score on
Fashion-MNIST. Nor does it know how data are batched, cached or augmented.
"""

from collections.abc import Callable
from functools import lru_cache
from math import cos, pi, sin

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw

SPLITS = ("train", "validation", "test")
GRID = 28  # side of the noise fields, whatever the size of the image
OVERSAMPLE = 4  # a sketch is drawn this many times larger, then averaged

Point = tuple[float, float]


def dataset(n: int, seed: int, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Draws n garments. Image i depends on (seed, split, i) only, so a smaller set begins a larger one.

    Args:
        n: how many images, 0 or more. Each run of ten holds every class once, in shuffled order.
        seed: an integer from 0 to 2**32 - 1.
        split: "train", "validation" or "test"; different splits are different draws.

    The same bytes come back in every process. Another machine or library version draws the same garments,
    but its rounding may move single pixels by a grey level.

    Returns:
        images: uint8 (n, 28, 28), 0 is background; labels: uint8 (n,) in 0..9.

    Raises:
        ValueError: if n, seed or split is none of these.
    """
    if n < 0:
        raise ValueError(f"n is {n}: ask for 0 images or more.")
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed is {seed}: use an integer from 0 to 2**32 - 1.")
    if split not in SPLITS:
        raise ValueError(f"split is {split!r}: use one of {', '.join(SPLITS)}.")
    part = SPLITS.index(split)
    images, labels = np.zeros((n, GRID, GRID), np.uint8), np.zeros(n, np.uint8)
    for first in range(0, n, 10):
        order = np.random.default_rng([seed, part, 0, first]).permutation(10)
        labels[first : first + 10] = order[: n - first]
    for i, label in enumerate(labels.tolist()):
        images[i] = draw(label, np.random.default_rng(np.array([seed, part, 1, i], np.uint32)))
    return images, labels


def draw(label: int, rng: Generator, size: int = GRID) -> np.ndarray:
    """Draws one garment of class `label`, bright on black, its longer side filling the frame.

    Args:
        label: 0 to 9, in Fashion-MNIST's order.
        rng: where every choice comes from. The same state gives the same garment at every size.
        size: side of the image in pixels.

    Returns:
        uint8 (size, size), 0 is background.

    Raises:
        ValueError: if label or size is out of range.
    """
    if label not in range(10):
        raise ValueError(f"label is {label}: the classes are numbered 0 to 9.")
    if size < 1:
        raise ValueError(f"size is {size}: ask for at least 1 pixel.")
    recipe, cloths = GARMENTS[label]
    sketch = Sketch(rng)
    recipe(sketch)
    points, scale = _posed(sketch, shoe=recipe in (_sandal, _sneaker, _boot))
    return _dressed(sketch, _rasterised(sketch, points, scale, size), cloths, size)


class Sketch:
    """A garment being drawn: its strokes so far, its base tone, and the generator that makes the choices.

    Points are in garment units. Tones are multiples of the base tone; 0 cuts a hole down to the background.
    """

    def __init__(self, rng: Generator) -> None:
        self.rng = rng
        self.base = 0.12 + 0.88 * rng.beta(2.7, 1.0)  # grey in (0, 1]: more light clothes than dark ones
        self.strokes: list[tuple[list[Point], int, float, bool]] = []  # points, grey 0..255, width, cloth

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.rng.random()

    def maybe(self, probability: float) -> bool:
        return self.rng.random() < probability

    def pick(self, **weights: float) -> str:
        """Picks a name with probability proportional to its weight."""
        left = self.rng.random() * sum(weights.values())
        for name, weight in weights.items():
            left -= weight
            if left <= 0:
                return name
        return name  # rounding left a crumb

    def other(self) -> float:
        """Returns a tone clearly unlike the base: mostly darker on light cloth, lighter on dark."""
        step = self.between(0.25, 0.6)
        grey = self.base - step if self.base > self.between(0.3, 0.6) else self.base + step
        return min(max(grey, 0.1), 1.0) / self.base

    def fill(self, points: list[Point], tone: float = 1.0, cloth: bool = True, both: bool = False) -> None:
        """Adds a polygon. cloth: it wears the garment's texture. both: add its mirror image in x = 0 too."""
        self.line(points, 0.0, tone, cloth, both)

    def line(
        self, points: list[Point], width: float, tone: float = 1.0, cloth: bool = False, both: bool = False
    ) -> None:
        """Adds a line `width` thick; with width 0, a polygon."""
        grey = min(max(round(255 * tone * self.base), 8), 255) if tone > 0 else 0
        self.strokes.append((points, grey, width, cloth))
        if both:
            self.strokes.append(([(-x, y) for x, y in points], grey, width, cloth))

    def dot(self, x: float, y: float, radius: float, tone: float) -> None:
        self.fill([(x + radius * a, y + radius * b) for a, b in CIRCLE[::2]], tone, cloth=False)


CIRCLE = [(cos(k * pi / 12), sin(k * pi / 12)) for k in range(24)]


def _smooth(points: list[Point], closed: bool = True) -> list[Point]:
    """Rounds the corners of an outline: Chaikin's corner cutting, twice."""
    for _ in range(2):
        ends = zip(points, points[1:] + points[:1] if closed else points[1:], strict=False)
        cut = [(a + t * (c - a), b + t * (d - b)) for (a, b), (c, d) in ends for t in (0.25, 0.75)]
        points = cut if closed else [points[0], *cut, points[-1]]
    return points


# ---- from a sketch to an image


def _posed(sketch: Sketch, shoe: bool) -> tuple[np.ndarray, float]:
    """Turns, shears, stretches and bends a sketch a little and fits it to the unit square.

    Returns:
        all points in order: float (2, points) in about [0, 1]; and how much widths grow on the way there.
    """
    flat = [coordinate for points, *_ in sketch.strokes for point in points for coordinate in point]
    at = np.array(flat).reshape(-1, 2).T
    pad = np.array([width / 2 for points, _, width, _ in sketch.strokes for _ in points])
    turn, shear, stretch, *bend = (sketch.rng.standard_normal(5) * (0.022, 0.025, 0.05, 0.02, 0.02)).tolist()
    at = at - at.sum(1, keepdims=True) / at.shape[1]
    if shoe and sketch.maybe(0.07):
        at[0] *= -1  # toe to the right
    at += np.array(bend)[:, None] * at[::-1] * (1 + 2 * at[::-1])
    matrix = [[(1 + stretch) * cos(turn), (1 + stretch) * (shear - sin(turn))], [sin(turn), cos(turn)]]
    at = np.array(matrix) @ at
    low, high = (at - pad).min(1), (at + pad).max(1)
    scale = sketch.between(0.97, 1.0) / float((high - low).max())
    middle = [[sketch.between(0.494, 0.506)], [sketch.between(0.494, 0.506)]]
    return (at - (low + high)[:, None] / 2) * scale + middle, scale


def _rasterised(sketch: Sketch, points: np.ndarray, scale: float, size: int) -> np.ndarray:
    """Returns float32 (3, size, size) in [0, 1]: tone, tone where it is cloth, and coverage.

    The tones are weighted by coverage: half a pixel of tone 0.8 is 0.4.
    """
    side = size * OVERSAMPLE
    canvas = Image.new("RGB", (side, side))
    pen = ImageDraw.Draw(canvas)
    flat, first = (points * side - 0.5).T.ravel().tolist(), 0
    for corners, grey, wide, cloth in sketch.strokes:
        last = first + 2 * len(corners)
        ink = (grey, grey * cloth, 255 * (grey > 0))
        if wide:
            width = max(1, round(wide * scale * side))
            pen.line(flat[first:last], ink, width, joint="curve" if width > 16 and len(corners) > 2 else None)
        else:
            pen.polygon(flat[first:last], ink)
        first = last
    pixels = np.frombuffer(canvas.reduce(OVERSAMPLE).tobytes(), np.uint8).reshape(size, size, 3)
    return pixels.transpose(2, 0, 1).astype(np.float32, order="C") * np.float32(1 / 255)


def _dressed(sketch: Sketch, canvas: np.ndarray, cloths: dict[str, float], size: int) -> np.ndarray:
    """Lays texture, folds, edge shading and noise over `_rasterised`'s canvas. Returns uint8 (size, size)."""
    tone, cloth, cover = canvas
    texture = _texture(sketch, cloths, size)
    depth, edge = sketch.between(0.02, 0.1), sketch.between(0.0, 0.4)
    folds = _field(depth * sketch.rng.standard_normal((5, 14), np.float32), size)
    noise = _field(0.012 * sketch.rng.standard_normal((GRID, GRID), np.float32), size)
    blur = _weights(size, size, 1.6 * size / GRID)
    tone = tone if texture is None else tone + cloth * (texture - 1)
    tone = tone * (1 - edge + edge * (blur @ cover @ blur.T) + folds) + noise * cover
    return ((255 * np.minimum(np.maximum(tone, 0.004), 1) + 0.5) * (cover > 0.02)).astype(np.uint8)


@lru_cache(maxsize=32)
def _weights(size: int, cells: int, spread: float) -> np.ndarray:
    """Returns float32 (size, cells), rows adding to 1: the Gaussian weight of each cell in each pixel.

    spread: standard deviation in cells.
    """
    at = (np.arange(size)[:, None] + 0.5) / size * cells - (np.arange(cells)[None, :] + 0.5)
    weights = np.exp(-0.5 * (at / spread) ** 2)
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)


def _field(values: np.ndarray, size: int, spread: float = 0.4) -> np.ndarray:
    """Enlarges values float32 (h, w) smoothly to (size, size)."""
    return _weights(size, values.shape[0], spread) @ values @ _weights(size, values.shape[1], spread).T


def _texture(sketch: "Sketch", cloths: dict[str, float], size: int) -> np.ndarray | None:
    """Returns float32 (size, size): what the cloth's tone is multiplied by; None for plain."""
    rng, kind, ratio = sketch.rng, sketch.pick(**cloths), sketch.other()
    period, phase, share, tilt = rng.random(4).tolist()
    if kind == "plain":
        return None
    at = (np.arange(size, dtype=np.float32) + 0.5) / size
    x, y = at[None, :] + 0.12 * (tilt - 0.5) * at[:, None], at[:, None] - 0.12 * (tilt - 0.5) * at[None, :]
    waves = 2 * pi * (4 + 6 * period)

    def steep(wave: np.ndarray, threshold: float) -> np.ndarray:
        return np.minimum(np.maximum(2.5 * (wave - threshold) + 0.5, 0), 1)

    def bands(along: np.ndarray) -> np.ndarray:
        return steep(np.sin(waves * along + 6 * phase), 0.8 * share - 0.3)

    if kind == "across":
        weight = bands(y)
    elif kind == "upright":
        weight = bands(x)
    elif kind == "checks":
        weight = (bands(x) + bands(y)) / 2
    elif kind == "dots":
        weight = steep(np.sin(waves * x) * np.sin(waves * y), 0.2 + 0.3 * share)
    elif kind == "blocks":  # one to three wide bands of another tone
        weight = bands(y / (3 + 3 * share))
    elif kind == "gradient":
        weight = (y if phase < 0.6 else 1 - y) * (0.4 + 0.5 * share)
    elif kind == "flowers":
        weight = steep(_field(rng.standard_normal((15, 15), np.float32), size), 0.2 + 0.4 * share)
    else:  # knit and denim: fine grain, denim with paler fronts
        worn = 0.2 * np.cos(8 * pi * (x - 0.5)) * (1 - y) if kind == "denim" else 0.06 * np.sin(2 * waves * x)
        return 1 + worn + (0.02 + 0.07 * share) * _field(rng.standard_normal((GRID, GRID), np.float32), size)
    return 1 + weight * (ratio - 1)


# ---- tops, dresses and coats: shoulders at y = 0, the middle of the body at x = 0


def _upper(
    s: Sketch,
    chest: float,
    hem: float,
    neck: float,
    drop: float,
    sleeve: float,
    angle: float,
    cuff: float,
    pointed: bool = False,
    waist: float = 0.95,
) -> None:
    """Body, sleeves and neck opening of anything worn on the upper body, hem near y = 1.

    Args:
        chest, hem, neck: half widths. drop: depth of the neckline. sleeve: its length, 0 for none.
        angle: of the arm from straight down, in radians. cuff: the sleeve's width at its end.
        pointed: a V neck. waist: its width as a share of the chest's.
    """
    slope, pit, bow = s.between(0.03, 0.08), s.between(0.23, 0.29), s.between(-0.01, 0.05)
    shoulder = chest * (s.between(0.96, 1.08) if sleeve else s.between(0.72, 0.95))
    side = [(chest, pit), (chest * waist, pit + 0.45 * (1 - pit)), (hem, 1.0)]
    seam = s.between(0.35, 0.85)
    if sleeve:
        end = (shoulder + sleeve * sin(angle), slope + sleeve * cos(angle))
        inner = (end[0] - cuff * cos(angle), end[1] + cuff * sin(angle))
        elbow = (shoulder + 0.3 * (end[0] - shoulder) + s.between(0, 0.05), slope + 0.3 * (end[1] - slope))
        under = (chest + 0.35 * (inner[0] - chest), pit + 0.35 * (end[1] - pit))
        arm = [(neck, 0.01), (shoulder * 0.95, slope * 0.7), elbow, end, inner, under, (chest * 0.9, pit)]
        s.fill(arm, s.other() if s.maybe(0.07) else s.between(0.85, 1.08), both=True)
        if s.maybe(0.4):
            s.line([end, inner], 0.03, 0.75, both=True)
    curve = (neck * 0.5, drop * 0.5) if pointed else (neck * 0.72, drop * 0.72)
    inside = [(-neck, 0.0), (neck, 0.0), curve, (0, drop), (-curve[0], curve[1])]
    s.fill(inside, s.between(0.4, 0.75), cloth=False)
    half = [(0.0, drop), curve, (neck, 0.0), (shoulder, slope), *side]
    half += [(hem / 2, 1 + bow * 0.8), (0.0, 1 + bow)]
    s.fill(half + [(-x, y) for x, y in half[::-1]])
    if sleeve:
        s.line([(shoulder, slope), side[0]], 0.012, seam, both=True)
    if sleeve > 0.5:  # the gap between arm and body
        s.line([(chest, pit + 0.06), *side[1:]], s.between(0.015, 0.04), seam * s.maybe(0.4), both=True)


def _neckband(s: Sketch, neck: float, drop: float, pointed: bool, tone: float, width: float) -> None:
    curve = (neck * 0.5, drop * 0.5) if pointed else (neck * 0.72, drop * 0.72)
    s.line([(-neck, 0.0), (-curve[0], curve[1]), (0.0, drop), curve, (neck, 0.0)], width, tone)


def _collar(s: Sketch, neck: float, drop: float, dark: float) -> None:
    flap = [(neck * 0.7, -0.03), (neck * 1.15, 0.03), (neck * 0.75, drop + 0.05), (0.0, drop)]
    s.fill(flap, s.between(1.0, 1.25), cloth=False, both=True)
    s.line(flap[1:], 0.014, dark, both=True)


def _buttons(s: Sketch, drop: float, low: float, dark: float) -> None:
    """Draws a placket from the neckline down to y = low, with buttons."""
    s.line([(0, drop), (0, low)], s.between(0.01, 0.02), dark)
    spot, gap = s.other(), s.between(0.11, 0.17)
    for k in range(int((low - drop - 0.1) / gap) + 1):
        s.dot(0.012, drop + 0.08 + k * gap, 0.012, spot)


def _motif(s: Sketch) -> None:
    """Prints something on the chest: a box, a disc, or lines of text."""
    tone, y, half = s.other(), s.between(0.25, 0.42), s.between(0.05, 0.14)
    kind = s.pick(box=1, disc=1, text=2)
    if kind == "box":
        s.line([(-half, y), (half, y)], half * s.between(0.5, 1.4), tone)
    elif kind == "disc":
        s.dot(0, y, half, tone)
        s.dot(0, y, half * s.between(0, 0.8), 1.0)
    else:
        for row in range(1 + int(s.between(0, 3))):
            wide = half * s.between(0.6, 1.1)
            s.line([(-wide, y + 0.06 * row), (wide, y + 0.06 * row)], 0.03, tone)


def _tshirt(s: Sketch) -> None:
    chest, neck, drop = s.between(0.22, 0.29), s.between(0.09, 0.14), s.between(0.04, 0.14)
    cut, pointed = s.pick(short=7, half=2, none=1.3), s.maybe(0.25)
    sleeve = {"short": s.between(0.16, 0.28), "half": s.between(0.3, 0.42), "none": 0.0}[cut]
    angle = s.between(0.3, 0.95) if cut == "short" else s.between(0.2, 0.5)
    drop += 0.1 * (cut == "none")
    _upper(s, chest, chest * s.between(0.9, 1.12), neck, drop, sleeve, angle, s.between(0.1, 0.17), pointed)
    if s.maybe(0.12):  # a polo shirt
        _collar(s, neck, drop, 0.7)
        _buttons(s, drop, drop + 0.2, 0.7)
    elif s.maybe(0.6):
        _neckband(s, neck, drop, pointed, s.between(0.6, 1.2), 0.02)
    if s.maybe(0.4):
        _motif(s)


def _pullover(s: Sketch) -> None:
    chest, neck, drop = s.between(0.22, 0.29), s.between(0.08, 0.13), s.between(0.03, 0.1)
    hem, band, pointed = chest * s.between(0.85, 1.1), s.between(0.6, 1.15), s.maybe(0.2)
    sleeve, angle, cuff = s.between(0.72, 0.92), s.between(0.08, 0.22), s.between(0.08, 0.12)
    _upper(s, chest, hem, neck, drop, sleeve, angle, cuff, pointed, s.between(0.92, 1.06))
    _neckband(s, neck, drop, pointed, band, 0.035)
    if s.maybe(0.7):
        s.line([(-hem, 0.975), (hem, 0.975)], 0.05, band)  # the ribbed hem
    if s.maybe(0.2):  # a roll neck
        s.fill([(-neck, -0.07), (neck, -0.07), (neck * 1.1, drop), (-neck * 1.1, drop)], 0.85, cloth=False)
    elif s.maybe(0.12):  # a hood
        rim = [(-neck * 1.2, -0.08), (neck * 1.2, -0.08), (neck, 0.04), (0, drop + 0.08), (-neck, 0.04)]
        s.fill(_smooth(rim), 0.8)
    if s.maybe(0.35):
        _motif(s)
    elif s.maybe(0.2):  # a cardigan
        _buttons(s, drop, 1.0, 0.6)


def _dress(s: Sketch) -> None:
    chest, neck, drop = s.between(0.13, 0.19), s.between(0.06, 0.1), s.between(0.03, 0.15)
    cut = s.pick(none=5, short=4, long=2)
    sleeve = {"none": 0.0, "short": s.between(0.1, 0.2), "long": s.between(0.4, 0.6)}[cut]
    angle = s.between(0.3, 0.8) if cut == "short" else s.between(0.1, 0.25)
    hem, middle, waist = chest * s.between(0.9, 1.9), s.between(0.36, 0.46), s.between(0.72, 1.0)
    _upper(s, chest, hem, neck, drop, sleeve, angle, s.between(0.06, 0.09), s.maybe(0.3), waist)
    if s.maybe(0.55):  # a waistline or a belt
        s.line([(-chest, middle), (chest, middle)], 0.025, s.between(0.3, 0.9))
    for _ in range(int(s.between(0, 5))):  # pleats
        x = s.between(-0.8, 0.8)
        s.line([(x * chest * 0.7, middle), (x * hem, 1.0)], 0.012, s.between(0.7, 0.9))


def _coat(s: Sketch) -> None:
    chest, neck, drop = s.between(0.22, 0.28), s.between(0.08, 0.12), s.between(0.06, 0.3)
    sleeve, angle, cuff = s.between(0.66, 0.9), s.between(0.08, 0.22), s.between(0.08, 0.13)
    hem, waist = chest * s.between(0.9, 1.25), s.between(0.9, 1.05)
    _upper(s, chest, hem, neck, drop, sleeve, angle, cuff, True, waist)
    line, x = s.between(0.2, 0.85) if s.maybe(0.75) else s.other(), s.between(-0.03, 0.03)
    s.line([(x, drop), (x, 1.0)], s.between(0.012, 0.035), line)  # the front opening
    flap = {
        "lapels": [(neck * 0.8, -0.02), (neck * 1.7, 0.1), (neck * 0.9, drop), (0.0, drop + 0.04)],
        "stand": [(neck * 1.05, 0.02), (neck * 0.9, -0.05), (0.0, drop * 0.5), (0.0, drop)],
        "hood": [(0.0, -0.09), (neck * 1.2, -0.07), (neck * 1.3, 0.04), (0.0, drop)],
    }[s.pick(lapels=3, stand=3, hood=2)]
    s.fill(flap, s.between(0.75, 1.2), both=True)
    s.line(flap[1:], 0.014, line, both=True)
    if s.maybe(0.6):  # pockets
        y = s.between(0.6, 0.72)
        s.line([(chest * 0.35, y + s.between(-0.02, 0.08)), (chest * 0.8, y)], 0.022, line, both=True)
    if s.maybe(0.55):  # buttons, in one row or two
        columns = (x + 0.05,) if s.maybe(0.6) else (x - 0.07, x + 0.07)
        for y in np.arange(drop + 0.1, s.between(0.6, 0.95), 0.15).tolist():
            for column in columns:
                s.dot(column, y, 0.016, line)
    if s.maybe(0.25):
        s.line([(-chest, 0.55), (chest, 0.55)], 0.03, line)  # a belt


def _shirt(s: Sketch) -> None:
    chest, neck, drop = s.between(0.22, 0.3), s.between(0.07, 0.11), s.between(0.05, 0.14)
    hem, dark, collar = chest * s.between(0.9, 1.12), s.between(0.4, 0.9), s.maybe(0.7)
    if s.maybe(0.55):
        sleeve, angle, cuff = s.between(0.66, 0.9), s.between(0.08, 0.22), s.between(0.07, 0.12)
    else:
        sleeve, angle, cuff = s.between(0.18, 0.34), s.between(0.25, 0.75), s.between(0.11, 0.16)
    _upper(s, chest, hem, neck, drop, sleeve, angle, cuff, collar)
    if collar:
        _collar(s, neck, drop, dark)
    if s.maybe(0.75):
        _buttons(s, drop, 1.0 if s.maybe(0.8) else 0.4, dark)
    if s.maybe(0.4):  # a chest pocket
        x, wide = chest * 0.3, chest * 0.42
        s.line([(x, 0.3), (x + wide, 0.3), (x + wide, 0.42), (x, 0.42), (x, 0.3)], 0.012, dark)


def _trouser(s: Sketch) -> None:
    waist, hip, crotch = s.between(0.12, 0.17), s.between(0.16, 0.2), s.between(0.26, 0.36)
    foot, width, length = s.between(0.13, 0.21), s.between(0.07, 0.12), s.between(0.8, 1.05)
    knee, bend = (hip + foot) / 2, 0.6 * length
    leg = [(-0.005, 0.0), (waist, 0.0), (hip, crotch * 0.7), (knee, bend), (foot, length)]
    leg += [(foot - width, length), (max(knee - width - 0.025, 0.012), bend)]
    leg += [(0.012, crotch), (-0.005, crotch)]
    s.fill(leg, both=True)
    if s.maybe(0.4):  # a crease, or a worn front
        s.line([(hip * 0.55, 0.2), (foot - width / 2, length)], 0.025, s.between(0.75, 1.25), both=True)
    if s.maybe(0.5):  # pockets
        s.line([(waist * 0.5, 0.04), (hip * 0.95, 0.12)], 0.015, 0.6, both=True)
    if s.maybe(0.7):
        s.line([(-waist, 0.03), (waist, 0.03)], 0.02, s.between(0.5, 0.9))
    s.line([(0, 0.03), (0, crotch)], 0.015, s.between(0.4, 0.8))


# ---- shoes: toe at x = 0, heel at x = 1, the ground at y = 0 and the shoe above it, so at negative y


def _sandal(s: Sketch) -> None:
    kind = s.pick(flat=5, wedge=2, heel=3)
    rise = {"flat": s.between(0.0, 0.04), "wedge": s.between(0.08, 0.25), "heel": s.between(0.2, 0.55)}[kind]
    thick = s.between(0.03, 0.06) if kind == "heel" else s.between(0.05, 0.14)
    xs, ys = (0.0, 0.3, 0.5, 0.78, 1.0), (0.0, 0.0, -0.35 * rise, -0.9 * rise, -rise)
    sole = s.between(0.55, 1.3)
    arch = list(zip(xs, ys, strict=True))
    ground = [(0.98, 0.0), (0.4, 0.0)] if kind == "wedge" else arch[:0:-1]
    s.fill([(x, y - thick) for x, y in arch] + ground + [(0.02, 0.0)], sole, cloth=kind == "wedge")
    if kind == "heel":
        slim = s.between(0.03, 0.12)
        heel = [(0.84, -rise), (1.0, -rise), (0.98, 0.0), (0.98 - slim, 0.0), (0.94 - slim, -rise / 2)]
        s.fill(heel, sole, cloth=False)

    def strap(width: float, *stops: Point) -> None:
        """Draws a strap through stops: x, and the height above the sole there."""
        path = [(x, float(np.interp(x, xs, ys)) - thick - height) for x, height in stops]
        s.line(_smooth(path, closed=False), width, s.between(0.8, 1.25), cloth=True)

    tall = s.between(0.12, 0.24)
    for _ in range(1 + int(s.between(0, 3))):  # over the toes
        x, wide, lean = s.between(0.08, 0.3), s.between(0.08, 0.28), s.between(-0.05, 0.15)
        crown = (x + lean, tall), (x + wide + lean, tall * 1.15)
        strap(s.between(0.03, 0.1), (x, -0.02), *crown, (x + wide, -0.02))
    if s.maybe(0.8):  # around heel and ankle
        ring, front, width = s.between(0.16, 0.36), s.between(0.6, 0.75), s.between(0.03, 0.07)
        strap(width * (2 if s.maybe(0.3) else 1), (0.97, -0.02), (1.0, ring * 0.6), (0.95, ring))
        strap(width, (0.95, ring), (0.85, ring - 0.05), (front, ring + 0.01))
        if s.maybe(0.55):  # along the instep to the toes
            strap(width, (front, ring), (front - 0.15, tall * 1.1), (0.3, tall * 0.9), (0.18, 0.0))
        if s.maybe(0.6):  # down to the sole
            strap(width, (front, ring), (front + s.between(-0.1, 0.1), 0.0))


def _sneaker(s: Sketch) -> None:
    tall = s.between(0.32, 0.54) + 0.12 * s.maybe(0.1)  # now and then a high top
    thick, toe = s.between(0.05, 0.12), s.between(0.45, 0.62)
    vamp, dip, tab = s.between(0.4, 0.52), s.between(0.72, 0.85), s.between(0.95, 1.1)
    top = [(0.0, -thick), (0.02, -tall * toe * 0.7), (0.16, -tall * toe), (vamp * 0.75, -tall * 0.78)]
    top += [(vamp, -tall), (vamp + 0.08, -tall * 1.03), (0.7, -tall * dip), (0.9, -tall * 0.85)]
    s.fill(_smooth([*top, (0.97, -tall * tab), (1.0, -tall * 0.7), (0.98, -thick)]))
    other, dark = s.other(), s.base > 0.6 and s.maybe(0.6)
    sole = s.between(0.4, 0.7) if dark else s.between(0.6, 1.0) / s.base
    bed = [(-0.01, -thick * 1.3), (0.5, -thick), (1.0, -thick * 1.3), (1.0, -0.015), (0.9, 0.0), (0.12, 0.0)]
    s.fill([*bed, (0.0, -0.03)], sole, cloth=False)
    s.line([(0.0, -thick * 1.2), (1.0, -thick * 1.2)], 0.015, min(1.0, sole) * 0.5)
    if s.maybe(0.7):  # laces
        for k in np.linspace(0.3, 0.95, 3 + int(s.between(0, 3))).tolist():
            x, y = 0.16 + k * (vamp - 0.16), -tall * (toe + k * (1 - toe))
            s.line([(x, y + 0.01), (x + 0.06, y + 0.09)], 0.022, other)
    slant, width = s.between(0.05, 0.12), s.between(0.02, 0.05)
    for k in range(int(s.between(0, 4))):  # stripes on the side
        s.line([(0.42 + 0.09 * k, -thick * 1.3), (0.42 + 0.09 * k + slant, -tall * 0.7)], width, other)
    if s.maybe(0.4):  # toe cap
        s.fill([(0.02, -tall * 0.35), (0.2, -thick * 1.2), (0.0, -thick * 1.2)], other)
    if s.maybe(0.5):  # heel counter
        s.fill([(0.86, -tall * 0.7), (0.99, -tall * 0.75), (0.98, -thick * 1.3), (0.82, -thick * 1.3)], other)
    s.line([(vamp + 0.1, -tall * 0.92), (0.7, -tall * 0.72), (0.93, -tall * 0.82)], 0.02, 0.5)


def _boot(s: Sketch) -> None:
    heeled = s.maybe(0.45)
    rise, thick = heeled * s.between(0.12, 0.34), s.between(0.03, 0.09)
    tall, front, toe = s.between(0.5, 0.85) + 0.1 * heeled, s.between(0.4, 0.55), s.between(0.13, 0.2)
    ankle = -rise * 0.8 - s.between(0.3, 0.38)
    shaft = [(0.0, -thick), (0.03, -toe * 0.8), (0.14, -toe - 0.03), (front * 0.75, ankle * 0.75)]
    shaft += [(front, ankle), (front - s.between(-0.03, 0.06), -tall)]
    shaft += [(0.75, -tall + s.between(-0.01, 0.03)), (0.97, -tall)]
    shaft += [(0.94, ankle), (0.99, -rise - 0.12), (0.98, -rise - thick), (0.72, -rise - thick)]
    s.fill(_smooth([*shaft, (0.35, -thick)]))
    other, sole = s.other(), s.between(0.4, 0.8) if s.maybe(0.7) else s.between(0.5, 1.0) / s.base
    seam = thick + 0.02  # the sole reaches a little over the upper
    tread = [(0.0, -seam), (0.35, -seam), (0.75, -rise - seam), (1.0, -rise - seam), (0.99, -rise)]
    s.fill([*tread, (0.75, -rise), (0.35, 0.0), (0.02, 0.0)], sole, cloth=False)
    if heeled:
        slim = s.between(0.06, 0.2)
        s.fill([(0.76, -rise), (0.99, -rise), (0.98, 0.0), (0.98 - slim, 0.0)], sole, cloth=False)
    elif s.maybe(0.6):  # a low heel: the sole is hollow before it
        s.fill([(0.42, 0.0), (0.5, -thick * 0.5), (0.64, -thick * 0.5), (0.68, 0.0)], 0.0)
    detail = s.pick(zip=2, gore=2, laces=2, strap=1.5, none=1.5)
    if detail == "zip":
        s.line([(0.72, -tall + 0.02), (0.68, -rise - 0.15)], 0.018, other)
    elif detail == "gore":
        s.fill([(0.62, -tall), (0.82, -tall), (0.75, ankle * 0.8)], 0.55, cloth=False)
    elif detail == "laces":
        for y in np.linspace(ankle * 0.85, 0.04 - tall, 5).tolist():
            s.line([(front - 0.03, y), (front + 0.1, y + 0.03)], 0.022, other)
    elif detail == "strap":
        s.line([(front, ankle), (0.95, ankle + 0.06)], 0.04, other)
    if s.maybe(0.4):  # a rim of another tone
        s.line([(front, -tall + 0.03), (0.96, -tall + 0.03)], 0.06, s.between(0.6, 1.3))


def _bag(s: Sketch) -> None:
    tall, top, bottom = s.between(0.42, 0.9), s.between(0.36, 0.5), s.between(0.4, 0.5)
    rim, belly = (top * 0.6, 0.6) if s.maybe(0.25) else (top, 0.5)
    body = [(-rim, 0.0), (rim, 0.0), (bottom, tall * belly), (bottom, tall), (-bottom, tall)]
    body += [(-bottom, tall * belly)]
    line, tone, width = s.between(0.4, 0.8), s.between(0.5, 1.1), s.between(0.02, 0.05)
    carry = s.pick(loop=5, two=2, side=2.5, none=1.5)
    if carry in ("loop", "two"):
        wide, high = top * s.between(0.35, 0.75), s.between(0.15, 0.6)
        for shift in (0.0,) if carry == "loop" else (-0.03, 0.04):
            s.line([(shift + wide * a, 0.02 - (high + shift) * b) for a, b in CIRCLE[:13]], width, tone)
    elif carry == "side":
        strap = [(top, 0.05), (bottom + 0.1, tall * 0.2), (bottom + 0.06, tall * 0.8)]
        s.line(_smooth(strap, closed=False), width, tone, both=True)
    s.fill(_smooth(body) if s.maybe(0.6) else body)
    if s.maybe(0.5):  # a flap with a clasp
        low = tall * s.between(0.3, 0.65)
        flap = [(-rim * 0.95, 0.02), (rim * 0.95, 0.02), (top * 0.9, low * 0.7), (0.0, low)]
        flap += [(-top * 0.9, low * 0.7)]
        s.fill(flap, s.between(0.85, 1.15))
        s.line(flap[2:], 0.016, line)
        s.dot(0.0, low - 0.02, s.between(0.015, 0.04), s.other())
    elif s.maybe(0.7):  # a zip
        y = tall * s.between(0.08, 0.3)
        s.line([(-rim * 0.9, y), (rim * 0.9, y)], 0.018, line)
    if s.maybe(0.3):  # a front pocket
        half, high, low = bottom * 0.6, tall * 0.5, tall * 0.9
        s.line([(-half, high), (half, high), (half, low), (-half, low), (-half, high)], 0.014, line)


# per class: its cut, and its cloths with their weights
GARMENTS: tuple[tuple[Callable[[Sketch], None], dict[str, float]], ...] = (
    (_tshirt, {"plain": 5, "across": 2, "knit": 1, "flowers": 1, "blocks": 0.7, "dots": 0.5}),
    (_trouser, {"plain": 5, "denim": 4, "knit": 1, "flowers": 0.4, "upright": 0.3, "checks": 0.3}),
    (_pullover, {"plain": 3, "knit": 4, "across": 1.5, "blocks": 1.2, "flowers": 0.5, "gradient": 0.3}),
    (_dress, {"plain": 5, "flowers": 1.2, "across": 0.8, "blocks": 0.8, "dots": 0.7, "gradient": 0.5}),
    (_coat, {"plain": 5, "knit": 2, "checks": 0.6, "denim": 0.5, "blocks": 0.5}),
    (_sandal, {"plain": 5, "knit": 1, "flowers": 0.5}),
    (_shirt, {"plain": 3.5, "checks": 2, "upright": 1.5, "flowers": 1.2, "dots": 0.7, "denim": 0.7}),
    (_sneaker, {"plain": 4, "knit": 2, "flowers": 0.5, "gradient": 0.5}),
    (_bag, {"plain": 5, "knit": 2, "flowers": 0.8, "gradient": 0.7, "checks": 0.6, "upright": 0.3}),
    (_boot, {"plain": 5, "knit": 2, "gradient": 0.7, "flowers": 0.3}),
)

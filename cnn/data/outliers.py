"""Images that show no garment, drawn by code, for a network to learn to be unsure of.

This is outlier exposure (Hendrycks, Mazeika, Dietterich 2019, arXiv:1812.04606). Faces, animals, plants, houses, cars,
dishes and furniture, signs, pages, landscapes, rooms and noise: drawn in lines, painted, or photographed and put
through the reader that people's images go through. Nothing here has a garment's outline; hats, socks and gloves are
left out, because they are something between.
"""

import zlib
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

from cnn.data import cloth, photographed
from cnn.data.drawn import from_memory, rounded
from cnn.data.sketches import Pencil, Strokes
from cnn.pictures import cutouts, line_drawings
from cnn.pictures.normalise import reduced

_EDGE = 112  # of what is drawn
_FIELD = 56  # of noise
_SIGNS = list("0123456789ABCDEFGHKLMNPRSXYZabdefghkmnqrt?&@#%+")


def outlier(rng: np.random.Generator) -> np.ndarray:
    """Something that is no garment, as the readings would show it: uint8 (28, 28)."""
    kinds, weights = zip(*_KINDS, strict=True)
    make = kinds[int(rng.choice(len(kinds), p=np.array(weights) / sum(weights)))]
    pixels = make(rng)
    return pixels if pixels is not None and pixels.max() >= 64 else _texture(rng)


def on_ground(image: Image.Image) -> list[np.ndarray]:
    """A thing that was cut out, photographed before some ground: uint8 (28, 28); none if the image is not transparent.

    The ground is chosen by the image, so that it is the same each time.
    """
    if image.mode != "RGBA":
        return []
    small = np.asarray(reduced(image, _EDGE), np.float32)
    rng = np.random.default_rng(zlib.crc32(small.tobytes()))
    margins = (np.array(small.shape[:2]) * rng.uniform(0, 0.25, 2)).astype(int)
    small = np.pad(small, ((margins[0],) * 2, (margins[1],) * 2, (0, 0)))
    alpha = small[..., 3:] / 255
    rgb = alpha * small[..., :3] + (1 - alpha) * cloth.ground(small.shape[:2], rng, studio=0.1)
    found = photographed.read(rgb.astype(np.float32), rng)
    return [] if found is None else [found]


def _inked(paper: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """Ink, uint8 (112, 112), read as a line drawing or as a cut-out; None if there is none."""
    if not paper.any():
        return None
    if rng.random() < 0.6:
        return np.rint(line_drawings.strokes_to_pixels(paper)[0] * 255).astype(np.uint8)
    return cutouts.framed(paper, paper > 0)


# ---------------------------------------------------------------- signs, scribbles, polygons


def _sign(rng: np.random.Generator) -> np.ndarray | None:
    paper = np.zeros((_EDGE, _EDGE), np.uint8)
    text = "".join(rng.choice(_SIGNS, int(rng.integers(1, 4))))
    font, size = int(rng.choice((0, 2, 3, 4, 6, 7))), rng.uniform(1.6, 3.6)
    cv2.putText(paper, text, (8, 90), font, size, 255, int(rng.integers(2, 14)))
    return _inked(paper, rng)


def _scribble(rng: np.random.Generator) -> np.ndarray | None:
    paper = np.zeros((_EDGE, _EDGE), np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        points = np.cumsum(rng.normal(0, rng.uniform(6, 25), (int(rng.integers(3, 30)), 2)), axis=0)
        points = rounded((points - points.mean(0) + _EDGE / 2).astype(np.float32))[:-4]
        cv2.polylines(paper, [np.int32(points)], bool(rng.random() < 0.3), 255, int(rng.integers(2, 7)))
    return _inked(paper, rng)


def _polygons(rng: np.random.Generator) -> np.ndarray | None:
    """Rectangles and ellipses, filled or not; two or more, because a sandal may be drawn as one ellipse."""
    paper = np.zeros((_EDGE, _EDGE), np.uint8)
    for _ in range(int(rng.integers(2, 7))):
        (x, y), (across, down) = rng.uniform(20, 92, 2).tolist(), rng.uniform(4, 45, 2).tolist()
        thickness = -1 if rng.random() < 0.5 else int(rng.integers(2, 6))
        tone, turn = int(rng.integers(90, 256)), float(rng.uniform(0, 180))
        if rng.random() < 0.5:
            corners = np.int32(cv2.boxPoints(((x, y), (across, down), turn)))
            if thickness < 0:
                cv2.fillPoly(paper, [corners], tone)
            else:
                cv2.polylines(paper, [corners], True, tone, thickness)
        else:
            cv2.ellipse(paper, (int(x), int(y)), (int(across), int(down)), turn, 0, 360, tone, thickness)
    return _inked(paper, rng)


# ---------------------------------------------------------------- figures: faces, animals, plants, things


def _figure(rng: np.random.Generator) -> np.ndarray | None:
    """Drawn from memory, or in colour on some ground and photographed."""
    pencil = Pencil(rng)
    _FIGURES[int(rng.integers(len(_FIGURES)))](pencil)
    if rng.random() < 0.5:
        return from_memory(pencil.strokes, rng)
    return photographed.read(_coloured(pencil.strokes, rng), rng)


def _coloured(strokes: Strokes, rng: np.random.Generator) -> np.ndarray:
    """Closed strokes filled, open ones as lines, on a ground: float32 (H, W, 3) in [0, 255]."""
    shape = int(rng.uniform(90, 140)), int(rng.uniform(90, 140))
    rgb = np.ascontiguousarray(cloth.ground(shape, rng))
    every = np.concatenate(strokes)
    low, high = every.min(0), every.max(0)
    scale = rng.uniform(0.5, 1.0) * min(shape) / max(float((high - low).max()), 1e-6)
    line = (rng.uniform(0, 120),) * 3
    for stroke in strokes:
        points = np.int32((stroke - (low + high) / 2) * scale + np.array(shape[::-1]) / 2)
        if np.abs(stroke[0] - stroke[-1]).max() < 1e-4:
            cv2.fillPoly(rgb, [points], (rng.uniform(20, 240) * cloth.tint(rng)).tolist())
        else:
            cv2.polylines(rgb, [points], False, line, int(rng.integers(1, 4)))
    return rgb


def _face(p: Pencil) -> None:
    wide = p.between(0.7, 1.0)
    p.oval(0, 0, wide, 1.0)
    eye, size = p.between(0.3, 0.42), p.between(0.06, 0.16)
    for side in (-1, 1):
        p.oval(side * eye, -0.2, size, size * p.between(0.6, 1.1))
    p.curve((-0.35, 0.5), (0.0, 0.5 + p.between(-0.2, 0.3)), (0.35, 0.5))
    if p.maybe(0.6):
        p.line((0.0, -0.1), (-0.1, 0.2), (0.05, 0.22))
    if p.maybe(0.6):  # hair
        for x in np.linspace(-0.8, 0.8, int(p.rng.integers(4, 12))) * wide:
            p.line((x, -0.6 - 0.3 * (1 - abs(x))), (x * 1.2, -1.0 - p.between(0.1, 0.4)))
    if p.maybe(0.4):
        p.oval(wide, 0, 0.15, 0.22)
        p.oval(-wide, 0, 0.15, 0.22)


def _animal(p: Pencil) -> None:
    """Cat, dog, horse or the like: body, head, ears, four legs, a tail."""
    long, tall, leg = p.between(0.6, 1.0), p.between(0.25, 0.5), p.between(0.3, 0.8)
    p.oval(0, 0, long, tall)
    x, y, head = -long - p.between(0.0, 0.25), -tall - p.between(0.0, 0.5), p.between(0.22, 0.4)
    p.oval(x, y, head, head * p.between(0.7, 1.0))
    for side in (-1, 1):
        ear = x + side * head * 0.6
        p.line((ear - 0.1, y - head * 0.6), (ear, y - head * 1.5), (ear + 0.1, y - head * 0.6))
    p.oval(x - 0.1, y - 0.05, 0.04, 0.04)
    for at in (-0.8, -0.5, 0.5, 0.8):
        p.line(
            (at * long, tall * 0.6),
            (at * long, tall + leg),
            (at * long + 0.1, tall + leg),
            (at * long + 0.1, tall * 0.6),
        )
    p.curve((long * 0.95, -0.1), (long * 1.3, -0.2 - p.between(0, 0.5)), (long * 1.4, p.between(-0.8, 0.3)))


def _fish_or_bird(p: Pencil) -> None:
    tall = p.between(0.25, 0.5)
    p.oval(0, 0, 1.0, tall)
    p.line((0.9, 0.0), (1.5, -tall), (1.4, 0.0), (1.5, tall), (0.9, 0.0))
    p.oval(-0.6, -0.1, 0.06, 0.06)
    if p.maybe(0.5):  # a bird: beak, wing, legs
        p.line((-0.95, -0.1), (-1.35, 0.0), (-0.95, 0.1))
        p.curve((-0.2, -0.1), (0.3, 0.3 + tall), (0.6, 0.0))
        p.line((-0.1, tall), (-0.1, tall + 0.4), (-0.25, tall + 0.4))
        p.line((0.15, tall), (0.15, tall + 0.4), (0.0, tall + 0.4))
    else:
        p.curve((-0.35, -tall), (-0.2, 0), (-0.35, tall))


def _plant(p: Pencil) -> None:
    if p.maybe(0.4):  # a tree
        half = p.between(0.08, 0.16)
        p.line((-half, 0.2), (-half, 1.2), (half, 1.2), (half, 0.2))
        for _ in range(int(p.rng.integers(1, 5))):
            p.oval(p.between(-0.3, 0.3), p.between(-0.5, 0.1), p.between(0.35, 0.7), p.between(0.3, 0.6))
        return
    petals, size = int(p.rng.integers(5, 9)), p.between(0.12, 0.25)
    for angle in np.linspace(0, 2 * np.pi, petals, endpoint=False):
        p.oval(0.35 * np.cos(angle), 0.35 * np.sin(angle), size, size)
    p.oval(0, 0, 0.18, 0.18)
    p.curve((0.0, 0.4), (p.between(-0.2, 0.2), 1.0), (0.0, 1.6))
    for side in (-1, 1):
        if p.maybe(0.7):
            p.closed([(0.0, 1.2), (side * 0.3, 0.8), (side * 0.6, 0.8), (side * 0.3, 1.1)], True)


def _house(p: Pencil) -> None:
    wide, tall, roof = p.between(0.5, 1.0), p.between(0.6, 1.2), p.between(0.3, 0.8)
    p.closed([(-wide, 0), (wide, 0), (wide, tall), (-wide, tall)], False)
    p.closed([(-wide * 1.15, 0), (0, -roof), (wide * 1.15, 0)], False)
    p.closed([(-0.12, tall), (-0.12, tall * 0.55), (0.12, tall * 0.55), (0.12, tall)], False)
    for x in (-0.6 * wide, 0.6 * wide):
        p.closed([(x - 0.12, 0.2), (x + 0.12, 0.2), (x + 0.12, 0.42), (x - 0.12, 0.42)], False)
        p.line((x, 0.2), (x, 0.42))
    if p.maybe(0.5):
        p.line((0.4 * wide, -roof * 0.6), (0.4 * wide, -roof), (0.6 * wide, -roof), (0.6 * wide, -roof * 0.45))


def _car(p: Pencil) -> None:
    high, cab = p.between(0.25, 0.4), p.between(0.25, 0.4)
    p.closed([(-1, 0), (-0.6, 0), (-0.35, -cab), (0.35, -cab), (0.6, 0), (1, 0.05), (1, high), (-1, high)], False)
    for x in (-0.55, 0.55):
        p.oval(x, high, 0.2, 0.2)
        p.oval(x, high, 0.09, 0.09)
    p.closed([(-0.5, 0), (-0.3, -cab * 0.85), (-0.03, -cab * 0.85), (-0.03, 0)], False)
    p.closed([(0.5, 0), (0.3, -cab * 0.85), (0.03, -cab * 0.85), (0.03, 0)], False)


def _bottle(p: Pencil) -> None:
    wide, neck = p.between(0.2, 0.3), p.between(0.07, 0.1)
    right = [(neck, 0.0), (neck, 0.4), (wide, 0.65), (wide, 1.6)]
    p.closed([(-x, y) for x, y in right] + right[::-1], False)
    p.line((-neck * 1.2, 0.08), (neck * 1.2, 0.08))
    if p.maybe(0.6):
        p.closed([(-wide, 0.9), (wide, 0.9), (wide, 1.3), (-wide, 1.3)], False)


def _cup(p: Pencil) -> None:
    tall, bottom = p.between(0.6, 1.0), p.between(0.25, 0.45)
    p.closed([(-0.5, 0), (0.5, 0), (bottom, tall), (-bottom, tall)], False)
    p.oval(0, 0, 0.5, 0.12)
    p.oval(0.5, tall * 0.45, 0.22, 0.25, -100, 100)
    if p.maybe(0.5):
        p.oval(0, tall + 0.05, 0.8, 0.1)
    if p.maybe(0.4):
        for x in (-0.2, 0.0, 0.2):
            p.curve((x, -0.2), (x + 0.08, -0.35), (x - 0.08, -0.5), (x, -0.7))


def _plate(p: Pencil) -> None:
    """Food on a plate, seen from above or obliquely."""
    tilt = p.between(0.5, 1.0)
    p.oval(0, 0, 1.0, tilt)
    p.oval(0, 0, 0.7, 0.7 * tilt)
    for _ in range(int(p.rng.integers(2, 7))):
        p.oval(p.between(-0.4, 0.4), p.between(-0.35, 0.35) * tilt, p.between(0.08, 0.3), p.between(0.08, 0.25) * tilt)
    if p.maybe(0.5):
        p.line((1.25, -0.8), (1.25, 0.8))
        p.line((-1.25, -0.8), (-1.25, 0.8))


def _fruit(p: Pencil) -> None:
    p.oval(0, 0, p.between(0.6, 1.0), p.between(0.7, 1.0))
    p.curve((0.0, -0.8), (0.05, -1.1), (0.15, -1.25))
    p.closed([(0.05, -1.0), (0.3, -1.3), (0.6, -1.2), (0.3, -1.0)], True)


def _chair(p: Pencil) -> None:
    dx, dy, back = p.between(0.2, 0.4), p.between(0.15, 0.3), p.between(0.7, 1.1)
    p.closed([(0, 0), (0.8, 0), (0.8 + dx, -dy), (dx, -dy)], False)
    p.closed([(dx, -dy), (0.8 + dx, -dy), (0.8 + dx, -dy - back), (dx, -dy - back)], False)
    for x, y in ((0, 0), (0.8, 0), (0.8 + dx, -dy), (dx, -dy)):
        p.line((x, y), (x, y + 0.8))


def _lamp(p: Pencil) -> None:
    p.closed([(-0.25, 0), (0.25, 0), (0.5, 0.5), (-0.5, 0.5)], False)
    p.line((0.0, 0.5), (0.0, 1.6))
    p.oval(0, 1.65, 0.35, 0.08)


def _star_or_sun(p: Pencil) -> None:
    rays, inner = int(p.rng.integers(4, 12)), p.between(0.3, 0.7)
    angles = np.linspace(0, 2 * np.pi, 2 * rays, endpoint=False)
    sizes = np.where(np.arange(2 * rays) % 2, inner, 1.0)
    corners = np.stack([np.sin(angles) * sizes, -np.cos(angles) * sizes], 1)
    if p.maybe(0.6):
        p.closed([(float(x), float(y)) for x, y in corners], False)
        return
    p.oval(0, 0, inner, inner)
    for x, y in corners[::2]:
        p.line((x * inner * 1.2, y * inner * 1.2), (x * 1.3, y * 1.3))


def _bicycle(p: Pencil) -> None:
    wheel = p.between(0.4, 0.55)
    for x in (-0.8, 0.8):
        p.oval(x, 0, wheel, wheel)
    p.line((-0.8, 0), (-0.3, -0.7), (0.5, -0.7), (0.0, 0.0), (-0.8, 0.0))
    p.line((0.0, 0.0), (-0.35, -0.85))
    p.line((0.8, 0.0), (0.45, -0.95), (0.65, -1.0))


_FIGURES: tuple[Callable[[Pencil], None], ...] = (
    _face,
    _face,
    _animal,
    _animal,
    _fish_or_bird,
    _plant,
    _plant,
    _house,
    _car,
    _bottle,
    _cup,
    _plate,
    _fruit,
    _chair,
    _lamp,
    _star_or_sun,
    _bicycle,
)


# ---------------------------------------------------------------- pages and screens


def _page(rng: np.random.Generator) -> np.ndarray | None:
    """Lines of text, or a screen with bars, boxes and charts; read as a photo."""
    shape = int(rng.uniform(90, 140)), int(rng.uniform(90, 140))
    dark = rng.random() < 0.25
    rgb = np.full((*shape, 3), rng.uniform(10, 60) if dark else rng.uniform(225, 255), np.float32)
    ink = (rng.uniform(180, 250) if dark else rng.uniform(0, 90),) * 3
    if rng.random() < 0.5:
        for _ in range(int(rng.integers(1, 5))):  # boxes and pictures
            corner = rng.uniform(0, 0.7, 2) * shape[::-1]
            size = rng.uniform(0.1, 0.6, 2) * shape[::-1]
            colour = (rng.uniform(20, 240) * cloth.tint(rng)).tolist()
            cv2.rectangle(
                rgb, np.int32(corner).tolist(), np.int32(corner + size).tolist(), colour, int(rng.choice((-1, 1)))
            )
    step, left = rng.uniform(6, 12), rng.uniform(3, 15)
    for y in np.arange(rng.uniform(8, 20), shape[0] * rng.uniform(0.5, 1.0), step):
        x = left
        while x < shape[1] * rng.uniform(0.7, 1.0):  # a word
            word = rng.uniform(3, 18)
            cv2.line(rgb, (int(x), int(y)), (int(x + word), int(y)), ink, int(rng.integers(1, 1 + int(step / 3))))
            x += word + rng.uniform(2, 5)
    return photographed.read(rgb, rng)


# ---------------------------------------------------------------- landscapes, rooms, heaps


def _landscape(rng: np.random.Generator) -> np.ndarray | None:
    """Sky, hills one before the other, and trees or houses on them perhaps."""
    height, width = shape = int(rng.uniform(90, 120)), int(rng.uniform(100, 140))
    light = np.linspace(rng.uniform(0.5, 1), rng.uniform(0.5, 1), height, dtype=np.float32)[:, None]
    rgb = 255 * np.broadcast_to(light, shape)[..., None] * cloth.tint(rng)
    rgb = rgb + 20 * rng.uniform(0, 1.5) * cloth.noise(shape, rng.uniform(8, 30), rng)[..., None]
    horizon = rng.uniform(0.25, 0.7) * height
    x = np.arange(width)
    for _ in range(int(rng.integers(1, 5))):
        ridge = horizon + np.interp(x, np.linspace(0, width, 8), rng.normal(0, rng.uniform(0, 12), 8))
        below = np.arange(height)[:, None] > ridge
        colour = rng.uniform(30, 200) * cloth.tint(rng)
        grain = 1 + rng.uniform(0, 0.35) * cloth.noise(shape, np.exp(rng.uniform(0, 2.5)), rng)
        rgb = np.where(below[..., None], colour * grain[..., None], rgb)
        horizon += rng.uniform(0.05, 0.25) * height
    rgb = np.ascontiguousarray(rgb, np.float32)
    for _ in range(int(rng.integers(0, 6))):
        _blob(rgb, rng)
    return _seen(rgb, rng)


def _room(rng: np.random.Generator) -> np.ndarray | None:
    """Walls and a floor in perspective, boxes and rounds before them."""
    height, width = shape = int(rng.uniform(90, 120)), int(rng.uniform(90, 140))
    rgb = np.ascontiguousarray(cloth.ground(shape, rng, studio=0.1))
    x, y = rng.uniform(0.2, 0.8) * width, rng.uniform(0.4, 0.75) * height
    floor = np.array([(x, y), (width * 2, height * 1.1), (-width, height * 1.1)], np.int32)
    cv2.fillPoly(rgb, [floor], (rng.uniform(40, 220) * cloth.tint(rng)).tolist())
    cv2.line(rgb, (int(x), 0), (int(x), int(y)), (rng.uniform(30, 150),) * 3, 1)
    for _ in range(int(rng.integers(2, 8))):
        if rng.random() < 0.6:
            corner, size = rng.uniform(-0.1, 0.8, 2) * shape[::-1], rng.uniform(0.08, 0.5, 2) * shape[::-1]
            colour = (rng.uniform(20, 240) * cloth.tint(rng)).tolist()
            cv2.rectangle(rgb, np.int32(corner).tolist(), np.int32(corner + size).tolist(), colour, -1)
        else:
            _blob(rgb, rng)
    return _seen(rgb, rng)


def _blob(rgb: np.ndarray, rng: np.random.Generator) -> None:
    centre = np.int32(rng.uniform(0, 1, 2) * rgb.shape[1::-1]).tolist()
    axes = np.int32(rng.uniform(0.03, 0.25, 2) * rgb.shape[1::-1]).tolist()
    colour = (rng.uniform(20, 240) * cloth.tint(rng)).tolist()
    cv2.ellipse(rgb, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1)


def _heap(rng: np.random.Generator) -> np.ndarray | None:
    """Many things of one kind: leaves, stones, sweets, a crowd."""
    rgb = np.ascontiguousarray(cloth.ground((100, 100), rng, studio=0.2))
    size, hue = rng.uniform(3, 16), cloth.tint(rng)
    for _ in range(int(rng.integers(5, 60))):
        centre, axes = np.int32(rng.uniform(0, 100, 2)).tolist(), np.int32(size * rng.uniform(0.5, 1.3, 2) + 1).tolist()
        cv2.ellipse(rgb, centre, axes, float(rng.uniform(0, 180)), 0, 360, (rng.uniform(30, 230) * hue).tolist(), -1)
    return _seen(rgb, rng)


def _seen(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """Put through the reader, or all of it."""
    if rng.random() < 0.7:
        return photographed.read(rgb, rng)
    negative = 255 - photographed.as_photo(rgb, rng) @ cloth.LUMA
    everything = np.ones(negative.shape, bool)
    return cutouts.framed(cutouts.tones(negative, everything), everything)


def _texture(rng: np.random.Generator) -> np.ndarray:
    """Noise of any grain, all of it or a blob."""
    grain = np.exp(rng.uniform(np.log(0.3), np.log(14)))
    field = rng.normal(0, 1, (_FIELD, _FIELD)).astype(np.float32)
    noise = cv2.GaussianBlur(field, (0, 0), grain)
    if rng.random() < 0.5:
        noise += cv2.GaussianBlur(field[::-1], (0, 0), 3 * grain) * rng.uniform(0.5, 4)
    if rng.random() < 0.4:
        noise += np.linspace(-1, 1, _FIELD, dtype=np.float32)[:, None] * noise.std() * rng.normal(0, 2)
    tones = np.clip(128 + noise * (rng.uniform(15, 90) / max(float(noise.std()), 1e-6)), 0, 255)
    kept = np.ones((_FIELD, _FIELD), bool)
    if rng.random() < 0.55:  # a blob of it, as a cut-out of nothing in particular
        blob = cv2.GaussianBlur(rng.normal(0, 1, (_FIELD, _FIELD)).astype(np.float32), (0, 0), rng.uniform(3, 9))
        kept = blob > np.quantile(blob, rng.uniform(0.3, 0.8))
    return cutouts.framed(cutouts.tones(tones.astype(np.float32), kept), kept)


_KINDS: tuple[tuple[Callable[[np.random.Generator], np.ndarray | None], float], ...] = (
    (_sign, 0.16),
    (_scribble, 0.1),
    (_polygons, 0.08),
    (_figure, 0.3),
    (_page, 0.07),
    (_landscape, 0.08),
    (_room, 0.06),
    (_heap, 0.04),
    (_texture, 0.11),
)

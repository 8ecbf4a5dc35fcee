"""Clothes as people draw them from memory: each class's outline, and the few strokes that tell it from the others.

A sketch is a list of strokes, float32 (n, 2) each, x to the right and y down, in any unit; an outline ends where it
begins, unless a neck, waist or hem is left open. Tops differ in how long their sleeves are and how far they are
spread; coats and shirts have a front that opens: a centre line, buttons, lapels or a collar. Shoes are solids seen from
the side, obliquely or from above, so that their opening is an ellipse and their sole a line around them. Proportions,
and how often each detail is drawn, were chosen by looking at people's drawings.
"""

import itertools
from collections.abc import Callable

import cv2
import numpy as np

from cnn.data.drawn import rounded

Strokes = list[np.ndarray]
Points = list[tuple[float, float]]

_PLAIN = {0: 0.55, 2: 0.5, 4: 0.1, 6: 0.04}  # how often a top is its outline alone


class Pencil:
    """The strokes of a sketch so far, and the generator that makes the choices."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.strokes: Strokes = []

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def maybe(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def line(self, *points: tuple[float, float], both: bool = False) -> None:
        """A stroke through points. both: its mirror image in x = 0 too."""
        self.add(np.array(points, np.float32), both)

    def curve(self, *points: tuple[float, float], both: bool = False) -> None:
        """A stroke whose corners are rounded."""
        ends = np.array(points, np.float32)
        self.add(np.concatenate([ends[:1], rounded(ends)[:-4], ends[-1:]]), both)

    def closed(self, points: Points | np.ndarray, smooth: bool) -> None:
        """An outline that ends where it begins."""
        outline = np.array(points, np.float32)
        outline = rounded(outline) if smooth else outline
        self.add(np.concatenate([outline, outline[:1]]), False)

    def oval(self, x: float, y: float, across: float, down: float, start: float = 0, end: float = 360) -> None:
        """Part of an ellipse about (x, y), angles in degrees, clockwise from the right."""
        angle = np.deg2rad(np.linspace(start, end, 17))
        self.add(np.stack([x + across * np.cos(angle), y + down * np.sin(angle)], 1), False)

    def add(self, points: np.ndarray, both: bool) -> None:
        self.strokes.append(np.asarray(points, np.float32))
        if both:
            self.strokes.append(self.strokes[-1] * np.array([-1, 1], np.float32))


def sketch(label: int, rng: np.random.Generator) -> Strokes:
    """The strokes of one garment of a class, 0 to 9."""
    pencil = Pencil(rng)
    _RECIPES[label](pencil)
    return pencil.strokes


# ---------------------------------------------------------------- tops: the neck's middle is at (0, 0)


def _top(
    p: Pencil, sleeve: float, angle: float, cuff: float, chest: float, hem: float, length: float, neck: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Outline of what is worn on the upper body; the outer and the inner end of the right sleeve.

    Args:
        sleeve: its length. angle: from straight down, in radians. cuff: the width of its end.
        chest, hem, neck: half widths. length: from the neck to the hem.
    """
    slope = p.between(0.0, 0.12)
    shoulder = chest * p.between(0.95, 1.15)
    pit = min(slope + p.between(0.2, 0.34), 0.6 * length)
    end = (shoulder + sleeve * np.sin(angle), slope + sleeve * np.cos(angle))
    inner = (max(end[0] - cuff * np.cos(angle), chest * 1.05), end[1] + cuff * np.sin(angle))
    half = [(neck, 0.0), (shoulder, slope), end, inner, (chest, pit), (hem, length)]
    if p.maybe(0.12):  # no corner at the shoulder: the sleeve is an arch
        half[1:2] = [(shoulder * 0.7, slope * 0.3), (shoulder * 1.15, slope + 0.25 * sleeve * np.cos(angle))]
    left = [(-x, y) for x, y in half]
    opening = _neckline(p, neck)
    smooth = p.maybe(0.2)
    if p.maybe(0.12):  # open hem, two strokes
        p.line(*half) if not smooth else p.curve(*half)
        p.line(*left) if not smooth else p.curve(*left)
        p.line(left[0], *opening, half[0])
    elif p.maybe(0.12):  # open neck, one stroke
        p.line(*left, *half[::-1]) if not smooth else p.curve(*left, *half[::-1])
    else:
        p.closed([*left, *half[::-1], *opening[::-1]], smooth)
    return end, inner


def _neckline(p: Pencil, neck: float) -> Points:
    """What lies between the two ends of the neck, from left to right."""
    deep = p.between(0.03, 0.16)
    return [[], [(0.0, deep)], [(-neck * 0.7, deep * 0.7), (0.0, deep), (neck * 0.7, deep * 0.7)]][p.rng.integers(3)]


def _tshirt(p: Pencil) -> None:
    neck, length = p.between(0.08, 0.2), p.between(0.6, 1.05)
    chest = p.between(0.2, 0.38)
    _top(
        p,
        sleeve=p.between(0.15, 0.42),
        angle=p.between(0.5, 1.6),
        cuff=p.between(0.13, 0.28),
        chest=chest,
        hem=chest * p.between(0.85, 1.15),
        length=length,
        neck=neck,
    )
    if p.maybe(_PLAIN[0]):
        return
    if p.maybe(0.45):
        _second_neckline(p, neck)
    if p.maybe(0.15):  # armholes
        p.line((chest * 1.05, 0.06), (chest, 0.28), both=True)
    if p.maybe(0.3):
        _print(p, chest, length)
    if p.maybe(0.12):
        p.line((chest * 0.25, 0.3), (chest * 0.7, 0.3), (chest * 0.65, 0.45), (chest * 0.3, 0.45), (chest * 0.25, 0.3))


def _second_neckline(p: Pencil, neck: float) -> None:
    deep = p.between(0.06, 0.2)
    p.curve((-neck * 1.15, 0.01), (-neck * 0.6, deep), (neck * 0.6, deep), (neck * 1.15, 0.01))


def _print(p: Pencil, chest: float, length: float) -> None:
    """Letters, a heart, a sign, stripes or a figure on the chest."""
    y, kind = p.between(0.3, 0.5) * length, p.rng.integers(4)
    if kind == 0:
        p.oval(0, y, p.between(0.06, 0.5 * chest), p.between(0.06, 0.16))
    elif kind == 1:
        for row in np.arange(p.rng.integers(2, 5)) * 0.12:
            p.line((-chest * 0.95, 0.3 + row), (chest * 0.95, 0.3 + row))
    elif kind == 2:
        p.add(p.rng.normal([0, y], 0.08, (int(p.rng.integers(3, 8)), 2)), False)
    else:
        for x in np.linspace(-0.5, 0.5, int(p.rng.integers(2, 5))) * chest:
            p.line((x - 0.03, y + 0.1), (x, y), (x + 0.03, y + 0.1))


def _pullover(p: Pencil) -> None:
    neck, length, chest = p.between(0.08, 0.2), p.between(0.5, 1.0), p.between(0.18, 0.34)
    angle = p.between(0.12, 1.0) if p.maybe(0.75) else p.between(1.0, 1.6)
    sleeve, cuff = p.between(0.48, 0.92), p.between(0.08, 0.22)
    end, inner = _top(p, sleeve, angle, cuff, chest, chest * p.between(0.85, 1.15), length, neck)
    if p.maybe(_PLAIN[2]):
        return
    if p.maybe(0.35):
        _second_neckline(p, neck)
    if p.maybe(0.12):  # a turtleneck
        high = p.between(0.06, 0.14)
        p.line((-neck, 0), (-neck * 0.9, -high), (neck * 0.9, -high), (neck, 0))
    if p.maybe(0.35):
        _cuffs(p, end, inner)
    if p.maybe(0.35):  # a hem, ribbed perhaps
        y = length * p.between(0.86, 0.94)
        p.line((-chest, y), (chest, y))
        if p.maybe(0.35):
            for x in np.linspace(-0.85, 0.85, int(p.rng.integers(4, 9))) * chest:
                p.line((x, y), (x, length))
    if p.maybe(0.25):
        _print(p, chest, length)
    if p.maybe(0.12):  # a zigzag of the knitting
        x = np.linspace(-0.9, 0.9, 9) * chest
        p.line(*zip(x, 0.4 * length + 0.05 * (-1.0) ** np.arange(9), strict=True))
    if p.maybe(0.15):  # armholes
        p.line((chest * 1.02, 0.05), (chest, 0.28), both=True)
    if p.maybe(0.06):
        _hood(p, neck)


def _cuffs(p: Pencil, end: tuple[float, float], inner: tuple[float, float]) -> None:
    """A line across each sleeve, a little above its end."""
    back = np.array([p.between(0.03, 0.07) * -np.sign(end[0]), -p.between(0.04, 0.08)])
    p.add(np.array([end, inner]) + back, both=True)


def _hood(p: Pencil, neck: float) -> None:
    p.oval(0, -0.02, neck * p.between(1.1, 1.7), p.between(0.14, 0.28), 180, 360)


def _coat(p: Pencil) -> None:
    neck, chest = p.between(0.08, 0.18), p.between(0.2, 0.36)
    length = p.between(0.6, 1.0) if p.maybe(0.55) else p.between(1.0, 1.45)
    angle = p.between(0.08, 0.9) if p.maybe(0.8) else p.between(0.9, 1.5)
    hem = chest * p.between(0.9, 1.2) * (1.25 if length > 1.0 and p.maybe(0.4) else 1)
    end, inner = _top(p, p.between(0.45, 0.85), angle, p.between(0.1, 0.22), chest, hem, length, neck)
    if p.maybe(_PLAIN[4]):
        return
    front = p.rng.random()
    top = p.between(0.0, 0.12)
    if front < 0.6:
        p.line((0, top), (p.between(-0.02, 0.02), length))
    elif front < 0.8:  # a placket or zip
        wide = p.between(0.02, 0.05)
        p.line((wide, top), (wide, length), both=True)
    else:  # worn open
        p.curve((neck * 0.6, 0.0), (p.between(0.03, 0.1), 0.5 * length), (p.between(0.05, 0.2), length), both=True)
    if p.maybe(0.4):
        _buttons(p, p.between(0.04, 0.1) * p.rng.choice((-1, 1)), 0.25 * length, 0.85 * length, p.maybe(0.3))
    if p.maybe(0.45):
        _lapels(p, neck, p.between(0.2, 0.45) * length)
    if p.maybe(0.4):
        _low_pockets(p, chest, length)
    if p.maybe(0.18):
        y = p.between(0.5, 0.65) * length
        p.line((-chest, y), (chest, y))
        p.line((-chest, y + 0.06), (chest, y + 0.06))
    if p.maybe(0.2):
        _hood(p, neck)
    if p.maybe(0.25):
        _cuffs(p, end, inner)


def _buttons(p: Pencil, x: float, top: float, bottom: float, twice: bool = False) -> None:
    """Dots or small circles, one below the other, in two rows perhaps."""
    small = p.maybe(0.4)
    for y in np.linspace(top, bottom, int(p.rng.integers(2, 7))):
        for at in (x, -x) if twice else (x,):
            if small:
                p.line((at, y), (at + 0.012, y + 0.012))
            else:
                p.oval(at, y, 0.018, 0.018)


def _lapels(p: Pencil, neck: float, deep: float) -> None:
    wide = neck * p.between(1.2, 1.9)
    p.line((neck, 0.0), (wide, deep * 0.45), (0.0, deep), both=True)
    if p.maybe(0.4):
        p.line((neck, 0.0), (0.0, deep), both=True)


def _low_pockets(p: Pencil, chest: float, length: float) -> None:
    y, left, right = p.between(0.58, 0.75) * length, chest * 0.3, chest * 0.8
    if p.maybe(0.5):
        p.line((left, y), (right, y + p.between(-0.05, 0.05)), both=True)
    else:
        low = y + p.between(0.1, 0.2) * length
        p.line((left, y), (right, y), (right, low), (left, low), (left, y), both=True)


def _shirt(p: Pencil) -> None:
    neck, length, chest = p.between(0.07, 0.15), p.between(0.7, 1.1), p.between(0.2, 0.34)
    if p.maybe(0.55):
        sleeve, angle, cuff = p.between(0.5, 0.85), p.between(0.1, 0.9), p.between(0.08, 0.17)
    else:
        sleeve, angle, cuff = p.between(0.15, 0.34), p.between(0.5, 1.4), p.between(0.13, 0.24)
    end, inner = _top(p, sleeve, angle, cuff, chest, chest * p.between(0.88, 1.15), length, neck)
    if p.maybe(_PLAIN[6]):
        return
    collar = p.maybe(0.85)
    if collar:
        _collar(p, neck)
    placket = p.maybe(0.75)
    if placket:
        wide = p.between(0.02, 0.04) if p.maybe(0.3) else 0.0
        p.line((wide, p.between(0.06, 0.14)), (wide, length), both=wide > 0)
    if p.maybe(0.75) or not (placket or collar):
        _buttons(p, p.between(0.0, 0.04), 0.2 * length, 0.9 * length)
    if p.maybe(0.35):  # chest pockets
        left, right, y = chest * 0.3, chest * 0.78, p.between(0.28, 0.36)
        p.line((left, y), (right, y), (right, y + 0.14), (left, y + 0.14), (left, y), both=p.maybe(0.4))
    if p.maybe(0.35):
        _cuffs(p, end, inner)
    if p.maybe(0.08):  # checks
        for y in np.linspace(0.3, 0.9, 4) * length:
            p.line((-chest, y), (chest, y))


def _collar(p: Pencil, neck: float) -> None:
    """Two points to the left and right of the top button."""
    drop, out = p.between(0.08, 0.18), neck * p.between(0.7, 1.5)
    p.line((neck, -0.01), (out, drop), (0.0, p.between(0.03, 0.1)), both=True)
    if p.maybe(0.4):
        p.line((-neck, -0.01), (neck, -0.01))


def _dress(p: Pencil) -> None:
    length, chest = p.between(0.95, 1.5), p.between(0.18, 0.3)
    waist, hips = chest * p.between(0.6, 1.0), p.between(0.36, 0.5)
    hem = p.between(1.1, 3.0) * chest if p.maybe(0.75) else p.between(0.8, 1.1) * chest
    neck = chest * p.between(0.4, 0.75)
    top = _bodice(p, chest, neck)
    belly = [(waist, hips)]
    if p.maybe(0.25):  # a full skirt
        belly.append(((waist + hem) / 2 + 0.1 * hem, hips + 0.3 * (length - hips)))
    half = [*top, *belly, (hem, length)]
    left, smooth = [(-x, y) for x, y in half], p.maybe(0.35)
    bottom = _dress_hem(p, hem, length)
    if p.maybe(0.1):
        p.line(*half)
        p.line(*left)
    else:
        p.closed([*left, *bottom, *half[::-1], *_neckline(p, neck)[::-1]], smooth)
    if p.maybe(0.5):
        p.line((-waist, hips), (waist, hips))
        if p.maybe(0.35):
            p.line((-waist, hips + 0.07), (waist, hips + 0.07))
    if p.maybe(0.3):  # pleats
        for x in np.linspace(-0.7, 0.7, int(p.rng.integers(2, 6))):
            p.line((x * waist, hips + 0.08), (x * hem, length * p.between(0.8, 1.0)))
    if p.maybe(0.2):
        y = p.between(0.85, 0.95) * length
        p.line((-hem * 0.95, y), (hem * 0.95, y))
    if p.maybe(0.2):
        _second_neckline(p, neck)
    if p.maybe(0.1):
        p.line((0.0, hips), (-0.08, hips + 0.2), (0.0, hips), (0.08, hips + 0.2))  # a bow


def _bodice(p: Pencil, chest: float, neck: float) -> Points:
    """The right half of a dress's upper part, from the neck to the armpit: straps, no sleeves, or sleeves."""
    kind = p.rng.random()
    if kind < 0.3:  # straps
        return [(neck, p.between(-0.12, 0.0)), (neck + 0.05, 0.0), (chest, p.between(0.12, 0.2))]
    if kind < 0.5:  # no straps
        return [(chest * 0.8, 0.0), (chest, 0.1)]
    if kind < 0.7:  # no sleeves
        return [(neck, 0.0), (chest * 0.95, 0.03), (chest * 0.85, 0.12), (chest, 0.22)]
    sleeve, angle = (p.between(0.12, 0.28), p.between(0.5, 1.4)) if kind < 0.88 else (p.between(0.45, 0.7), 0.4)
    end = (chest + sleeve * np.sin(angle), 0.05 + sleeve * np.cos(angle))
    inner = (max(end[0] - 0.13 * np.cos(angle), chest * 1.05), end[1] + 0.13 * np.sin(angle))
    return [(neck, 0.0), (chest, 0.05), end, inner, (chest, 0.25)]


def _dress_hem(p: Pencil, hem: float, length: float) -> Points:
    """From the left corner to the right: straight, bowed or wavy."""
    kind = p.rng.integers(3)
    if kind == 0:
        return []
    if kind == 1:
        return [(0.0, length + p.between(0.03, 0.12))]
    x = np.linspace(-0.85, 0.85, 7)
    return [(hem * at, length + 0.05 * (number % 2)) for number, at in enumerate(x)]


def _trouser(p: Pencil) -> None:
    waist, crotch, length = p.between(0.16, 0.3), p.between(0.25, 0.5), p.between(0.75, 1.3)
    foot, gap = p.between(0.15, 0.42), p.between(0.01, 0.16)
    inner = max(gap, foot - p.between(0.1, 0.28))
    hip = max(waist, foot * 0.7) * p.between(0.95, 1.12)
    right = [(waist, 0.0), (hip, crotch * 0.8), (foot, length), (inner, length)]
    middle = [(0.0, crotch)] if p.maybe(0.7) else [(-0.04, crotch), (0.04, crotch)]
    left = [(-x, y) for x, y in right]
    way = p.rng.random()
    if way < 0.7:
        p.closed([*left, *middle, *right[::-1]], p.maybe(0.2))
    elif way < 0.85:  # open hems
        p.line(left[2], left[1], left[0], right[0], right[1], right[2])
        p.line(left[3], *middle, right[3])
    else:  # an open waist
        p.line(*left, *middle, *right[::-1])
    if p.maybe(0.35):
        y = p.between(0.05, 0.1)
        p.line((-waist * 1.02, y), (waist * 1.02, y))
    if p.maybe(0.35):
        p.line((0.0, 0.0), (0.0, crotch))
    if p.maybe(0.12):
        p.curve((0.0, 0.05), (0.05, 0.12), (0.0, crotch * 0.7))
    if p.maybe(0.3):
        p.curve((waist * 0.55, 0.03), (waist * 0.65, 0.13), (hip * 0.98, 0.16), both=True)
    if p.maybe(0.15):  # creases
        p.line(((hip) / 2, crotch), ((foot + inner) / 2, length * 0.95), both=True)
    if p.maybe(0.12):  # turned up
        y = length * 0.93
        p.line((inner, y), (foot, y), both=True)


def _bag(p: Pencil) -> None:
    wide, tall = p.between(0.32, 0.6), p.between(0.35, 0.85)
    rim = wide * p.between(0.6, 1.1)
    body = [(-rim, 0.0), (rim, 0.0), (wide, tall), (-wide, tall)]
    kind = p.rng.random()
    if kind < 0.1:
        p.oval(0, tall / 2, wide, tall / 2)
        rim = wide * 0.6
    elif kind < 0.3:  # seen obliquely: a box
        dx, dy = p.between(0.08, 0.2), -p.between(0.05, 0.15)
        p.closed(body, False)
        p.line((-rim, 0.0), (-rim + dx, dy), (rim + dx, dy), (wide + dx, tall + dy), (wide, tall))
        p.line((rim, 0.0), (rim + dx, dy))
    else:
        p.closed(body, p.maybe(0.35))
    _handle(p, rim, tall)
    if p.maybe(0.35):  # a flap
        low = tall * p.between(0.3, 0.65)
        p.line((-rim * 0.97, 0.03), (0.0, low), (rim * 0.97, 0.03)) if p.maybe(0.5) else p.curve(
            (-rim, 0.02), (-rim * 0.8, low), (rim * 0.8, low), (rim, 0.02)
        )
        if p.maybe(0.5):
            p.oval(0, low, 0.03, 0.04)
    elif p.maybe(0.4):
        y = tall * p.between(0.08, 0.4)
        p.line((-rim, y), (rim, y))
    if p.maybe(0.25):  # a pocket or a buckle
        half, y = wide * p.between(0.2, 0.6), tall * p.between(0.4, 0.6)
        p.line((-half, y), (half, y), (half, tall * 0.9), (-half, tall * 0.9), (-half, y))


def _handle(p: Pencil, rim: float, tall: float) -> None:
    """An arc above the bag, or two, or a square one, or a long strap."""
    half, high, kind = rim * p.between(0.3, 0.95), p.between(0.12, 0.6), p.rng.random()
    if kind < 0.5:
        p.oval(0, 0.0, half, high, 180, 360)
        if p.maybe(0.5):
            p.oval(0, 0.0, half * 0.8, high * 0.75, 180, 360)
    elif kind < 0.68:
        p.line((-half, 0.0), (-half * 0.9, -high), (half * 0.9, -high), (half, 0.0))
        if p.maybe(0.4):
            p.line((-half * 0.75, 0.0), (-half * 0.7, -high * 0.75), (half * 0.7, -high * 0.75), (half * 0.75, 0.0))
    elif kind < 0.85:
        p.curve((-rim, 0.02), (-rim * 0.5, -1.6 * high), (rim * 0.5, -1.6 * high), (rim, 0.02))
    elif kind < 0.95:  # a strap hangs aside
        p.curve((rim, 0.0), (rim + 0.25, tall * 0.3), (rim + 0.15, tall * 0.9), (rim, tall * 0.5))


# ---------------------------------------------------------------- shoes: solids, the heel at x = 0, the toe at x = 1

_ALONG = np.linspace(0, 1, 15)
_AROUND = np.linspace(0, np.pi, 11)


class _View:
    """A camera: points (n, 3) of length, width and height -> (n, 2) on paper, the near side at negative widths."""

    def __init__(self, p: Pencil) -> None:
        kind = p.rng.random()
        if kind < 0.4:  # from the side
            turn, up = p.between(-0.1, 0.1), p.between(0.0, 0.15)
        elif kind < 0.8:  # obliquely, from the front
            turn, up = p.between(0.2, 1.1), p.between(0.2, 0.8)
        else:  # obliquely, from behind, or nearly from above
            turn, up = p.between(-0.6, 0.4), p.between(0.3, 1.25)
        self._turn, self._up = turn, up
        self.is_side = kind < 0.4

    def __call__(self, points: np.ndarray) -> np.ndarray:
        x, y, z = np.asarray(points, float).T
        across = x * np.cos(self._turn) + y * np.sin(self._turn)
        deep = y * np.cos(self._turn) - x * np.sin(self._turn)
        return np.stack([across, -z * np.cos(self._up) - deep * np.sin(self._up)], 1)


class _Shoe:
    """A shoe's upper as cross-sections: half widths and heights at `_ALONG`, and the opening that the foot enters.

    Args:
        tall, instep, toe: heights. opening, vamp: lengths, from the heel and from there, over which it falls.
    """

    def __init__(self, p: Pencil, tall: float, instep: float, toe: float, opening: float, vamp: float) -> None:
        self.wide = p.between(0.13, 0.19)
        self.half = self.wide * np.interp(_ALONG, [0, 0.1, 0.4, 0.72, 0.93, 1], [0.35, 0.7, 0.75, 1, 0.7, 0.3])
        vamp += opening
        dip = tall * p.between(0.75, 1.0)
        stops = [0, opening / 2, opening, vamp, max(0.88, vamp + 0.02), 1.0]
        self.high = np.interp(_ALONG, stops, [tall * p.between(0.95, 1.1), dip, tall, instep, toe, toe * 0.7])
        self.tall, self.opening, self.vamp = tall, opening, vamp
        self.view = _View(p)

    def section(self, x: float, share: float = 1.0) -> np.ndarray:
        """The upper's arch at a length x, from the near side to the far one: (11, 3)."""
        half, high = np.interp(x, _ALONG, self.half), np.interp(x, _ALONG, self.high) * share
        arch = np.sin(_AROUND) ** 0.6 * high
        return np.stack([np.full(len(arch), x), -half * np.cos(_AROUND), arch], 1)

    def outline(self) -> np.ndarray:
        """The silhouette on paper: (n, 2)."""
        scale, middle = 150, np.array([150.0, 200.0])
        mask = np.zeros((320, 380), np.uint8)
        rings = [self.view(self.section(x)) * scale + middle for x in _ALONG]
        for one, other in itertools.pairwise(rings):
            cv2.fillConvexPoly(mask, cv2.convexHull(np.int32(np.concatenate([one, other]))), 255)
        contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        outline = cv2.approxPolyDP(max(contours, key=cv2.contourArea), 1.8, True)[:, 0]
        return (outline - middle) / scale

    def rim(self) -> np.ndarray:
        """The opening, an ellipse seen obliquely: (n, 3)."""
        angle = np.linspace(0, 2 * np.pi, 19)
        x = self.opening / 2 * (1 + np.cos(angle))
        return np.stack([x, self.wide * 0.6 * np.sin(angle), np.full(len(x), self.tall * 0.98)], 1)

    def sole(self, height: float) -> np.ndarray:
        """A line along the near side, above the ground: (n, 3)."""
        return np.stack([_ALONG, -self.half, np.full(len(_ALONG), height)], 1)


def _draw_shoe(p: Pencil, shoe: _Shoe, sole: float, laces: float, cap: float) -> None:
    """Outline, opening, sole, laces, toe cap and tongue, each as often as people draw it."""
    view = shoe.view
    p.closed(shoe.outline(), p.maybe(0.5))
    if not view.is_side and p.maybe(0.85):
        p.add(view(shoe.rim()), False)
    if p.maybe(sole):
        p.add(view(shoe.sole(p.between(0.04, 0.09))), False)
    if p.maybe(laces):
        for x in np.linspace(shoe.opening + 0.04, shoe.vamp + 0.12, int(p.rng.integers(2, 6))):
            arch = shoe.section(x)[3:8]
            p.add(view(arch + np.array([p.between(0, 0.05), 0, 0]) if p.maybe(0.3) else arch[[0, 2, 4]]), False)
    if p.maybe(cap):
        p.add(view(shoe.section(p.between(0.75, 0.87))[:9]), False)
    if p.maybe(0.15):  # the tongue
        x, z = shoe.opening, shoe.tall
        tongue = [[x, -0.05, z], [x - 0.04, -0.04, z + 0.09], [x - 0.04, 0.04, z + 0.09], [x, 0.05, z]]
        p.add(view(np.array(tongue)), False)


def _stripes(p: Pencil, shoe: _Shoe) -> None:
    """Marks on the near side, and a seam at the heel."""
    if p.maybe(0.2):
        for x in 0.4 + 0.08 * np.arange(int(p.rng.integers(1, 4))):
            p.add(shoe.view(shoe.section(x)[[0, 3]] + [[0, 0, 0.06], [-0.08, 0, 0]]), False)
    if p.maybe(0.15):
        p.add(shoe.view(shoe.section(0.14)[:5]), False)


def _sneaker(p: Pencil) -> None:
    tall = p.between(0.25, 0.54)
    shoe = _Shoe(
        p,
        tall,
        min(tall * p.between(0.65, 1.0), 0.36),
        p.between(0.12, 0.22),
        p.between(0.26, 0.42),
        p.between(0.06, 0.3),
    )
    _draw_shoe(p, shoe, sole=0.6, laces=0.6, cap=0.35)
    _stripes(p, shoe)
    _perhaps_a_pair(p, 0.25)


def _boot(p: Pencil) -> None:
    tall = p.between(0.52, 1.0)
    shoe = _Shoe(p, tall, p.between(0.28, 0.4), p.between(0.14, 0.26), p.between(0.36, 0.5), p.between(0.03, 0.2))
    heel = p.between(0.05, 0.3) if p.maybe(0.55) else 0.0
    _draw_shoe(p, shoe, sole=0.5, laces=0.15, cap=0.2)
    if heel:
        _heel(p, shoe, heel)
    view, x, detail = shoe.view, shoe.opening, p.rng.random()
    if detail < 0.25:  # laces up the front
        for z in np.linspace(0.4, 0.92, int(p.rng.integers(3, 6))) * tall:
            p.add(view(np.array([[x, -0.05, z], [x - 0.12, -0.12, z + p.between(-0.04, 0.04)]])), False)
    elif detail < 0.4:  # a zip
        p.add(view(np.array([[x * 0.6, -0.12, 0.1], [x * 0.55, -0.12, tall]])), False)
    elif detail < 0.5:  # elastic
        p.add(view(np.array([[x * 0.3, -0.12, tall], [x * 0.5, -0.12, 0.3], [x * 0.75, -0.12, tall]])), False)
    if p.maybe(0.3):  # a rim, or fur
        z = tall * p.between(0.8, 0.92)
        p.add(view(np.array([[0.0, -0.06, z], [x / 2, -0.13, z - 0.02], [x, -0.06, z]])), False)
    if p.maybe(0.15):
        p.add(view(np.array([[0.0, -0.1, 0.25], [x, -0.13, 0.3], [x * 1.3, -0.1, 0.22]])), False)  # a strap
    if p.maybe(0.15):  # a loop behind
        loop = [[0, 0, tall - 0.02], [-0.06, 0, tall + 0.03], [0.02, 0, tall + 0.06], [0.05, 0, tall]]
        p.add(view(np.array(loop)), False)
    _perhaps_a_pair(p, 0.2)


def _heel(p: Pencil, shoe: _Shoe, high: float) -> None:
    """A block under the heel, below the ground line."""
    back = p.between(0.15, 0.35)
    slim = back * p.between(0.5, 1.0)
    p.add(shoe.view(np.array([[0, -0.08, 0], [0.02, -0.08, -high], [slim, -0.08, -high], [back, -0.08, 0]])), False)
    if p.maybe(0.5):
        p.add(shoe.view(np.array([[back, -0.08, 0], [0.6, -0.1, -high], [1, -0.04, -high], [1.02, -0.02, 0]])), False)


def _sandal(p: Pencil) -> None:
    kind = p.rng.random()
    if kind < 0.45:
        _from_above(p)
    elif kind < 0.75:
        _strapped(p)
    else:
        _heeled_sandal(p)
    _perhaps_a_pair(p, 0.35)


def _from_above(p: Pencil) -> None:
    """A flip-flop or slide: a sole as the foot leaves it, and straps across."""
    heel, waist, ball = p.between(0.13, 0.2), p.between(0.12, 0.19), p.between(0.17, 0.26)
    side = [(heel * 0.7, 0.97), (heel, 0.85), (waist, 0.5), (ball, 0.22), (ball * 0.6, 0.03)]
    p.closed([(0.0, 1.0), *side, (0.0, 0.0), *[(-x, y) for x, y in side[::-1]]], True)
    way, y = p.rng.random(), p.between(0.15, 0.3)
    if way < 0.55:
        p.curve((-ball, y + 0.3), (-0.08, y + 0.06), (0.0, y)) if p.maybe(0.5) else p.line((-ball, y + 0.3), (0.0, y))
        p.line((0.0, y), (ball, y + 0.3))
        if p.maybe(0.3):
            p.curve((-ball * 0.9, y + 0.38), (0.0, y + 0.08), (ball * 0.9, y + 0.38))
    elif way < 0.9:
        for at in y + np.arange(int(p.rng.integers(1, 4))) * p.between(0.1, 0.2):
            p.curve((-ball, at), (0.0, at - 0.05), (ball, at))
    turn = p.rng.choice((0.0, p.between(-1.6, 1.6)))
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]], np.float32)
    p.strokes = [stroke @ matrix.T for stroke in p.strokes]


def _strapped(p: Pencil) -> None:
    """A flat sole and straps, from the side or obliquely."""
    flat = p.between(0.03, 0.1)
    shoe = _Shoe(p, flat, flat, flat, 0.4, 0.2)
    p.closed(shoe.outline(), p.maybe(0.5))
    high = p.between(0.14, 0.26)
    for x in p.between(0.6, 0.8) - np.arange(int(p.rng.integers(1, 4))) * p.between(0.08, 0.16):
        arch = shoe.section(x) * [1, 1, 0] + [[0, 0, flat]] + np.sin(_AROUND)[:, None] * [[-0.05, 0, high]]
        p.add(shoe.view(arch), False)
        if p.maybe(0.5):
            p.add(shoe.view(arch + np.array([0.07, 0, 0])), False)
    if p.maybe(0.6):  # around the heel
        z = flat + p.between(0.12, 0.28)
        ring = [[0.3, -0.11, flat], [0.28, -0.1, z], [0.0, 0.0, z], [0.05, -0.09, flat]]
        p.add(shoe.view(np.array(ring)), False)
        if p.maybe(0.4):
            p.add(shoe.view(np.array([[0.28, -0.1, z], [0.65, -0.05, flat + high]])), False)


def _heeled_sandal(p: Pencil) -> None:
    """From the side: a slanting sole on a heel or wedge, a strap over the toes and one around the ankle."""
    rise, thick = p.between(0.15, 0.55), p.between(0.03, 0.08)
    p.curve((1.0, 0.0), (0.7, 0.0), (0.25, -rise), (0.0, -rise))
    if p.maybe(0.3):  # a wedge
        p.line((0.0, -rise), (0.03, thick), (1.0, thick), (1.0, 0.0))
    else:
        p.curve((1.0, thick), (0.68, thick), (0.25, thick - rise), (0.12, thick - rise))
        p.line((0.0, -rise), (p.between(0.0, 0.08), thick), (p.between(0.08, 0.14), thick), (0.16, thick - rise))
        p.line((1.0, 0.0), (1.0, thick))
    top = p.between(0.14, 0.22)
    p.curve((0.95, 0.0), (0.85, -top), (0.68, -0.3 * rise - top), (0.62, -0.15 * rise))
    if p.maybe(0.75):
        y = -rise - p.between(0.15, 0.35)
        p.oval(0.12, y, p.between(0.1, 0.16), p.between(0.03, 0.06))
        p.line((0.0, y), (0.0, -rise))
    if p.maybe(0.3):
        p.line((0.25, -rise - 0.2), (0.7, -top))


def _perhaps_a_pair(p: Pencil, probability: float) -> None:
    """The same shoe once more beside it."""
    if not p.maybe(probability):
        return
    points = np.concatenate(p.strokes)
    size = np.ptp(points, axis=0)
    if size[1] > size[0]:
        step = np.array([size[0] * p.between(0.8, 1.2), size[1] * p.between(-0.1, 0.1)])
    else:
        step = np.array([size[0] * p.between(-0.35, 0.35), size[1] * p.between(0.6, 1.1)])
    mirrored = np.array([-1 if size[1] > size[0] and p.maybe(0.6) else 1, 1])
    middle = points.mean(0)
    p.strokes += [((stroke - middle) * mirrored + middle + step).astype(np.float32) for stroke in p.strokes]


_RECIPES: tuple[Callable[[Pencil], None], ...] = (
    _tshirt,
    _trouser,
    _pullover,
    _dress,
    _coat,
    _sandal,
    _shirt,
    _sneaker,
    _bag,
    _boot,
)

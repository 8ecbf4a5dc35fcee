"""Clothes on a person, cropped as photos are. Lengths are in cm, from the middle of the shoulders."""

from collections.abc import Sequence

import cv2
import numpy as np

from cnn.data.cloth import ground, tint
from cnn.data.scenes import Scene, alone

TSHIRT, TROUSER, DRESS = 0, 1, 3

_LENGTHS = {0: 68, 1: 100, 2: 66, 3: 98, 4: 82, 6: 74}  # of clothes, in cm
_SCALE = 1.1  # pixels for a cm of a body


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

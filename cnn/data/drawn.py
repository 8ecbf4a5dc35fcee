"""Training images drawn by hand: in lines or as painted shapes, from their own contours or from memory.

Nobody draws as a camera sees: a hand shakes, scales and bends, cuts corners, stops early or goes too far. What is drawn
becomes pixels as people's drawings do (`cnn.pictures.line_drawings`).
"""

import cv2
import numpy as np

from cnn.pictures import cutouts, line_drawings

TROUSER, PULLOVER, COAT, SHIRT, SNEAKER, BAG = 1, 2, 4, 6, 7, 8


def silhouette(image: np.ndarray, edge: int) -> np.ndarray:
    """The garment's shape: uint8 0 or 255 (edge, edge), small holes filled, specks left out."""
    smooth = cv2.resize(image, (edge, edge), interpolation=cv2.INTER_CUBIC)
    mask = (cv2.GaussianBlur(smooth, (0, 0), edge / 112) > 22).astype(np.uint8) * 255
    contours, tree = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    shape = np.zeros_like(mask)
    if not contours:
        return shape
    largest = max(cv2.contourArea(contour) for contour in contours)
    for contour, (*_, parent) in zip(contours, tree[0], strict=True):
        area = cv2.contourArea(contour)
        if parent < 0 and area > 0.04 * largest:
            cv2.drawContours(shape, [contour], -1, 255, -1)
    for contour, (*_, parent) in zip(contours, tree[0], strict=True):
        if parent >= 0 and cv2.contourArea(contour) > 0.02 * largest:
            cv2.drawContours(shape, [contour], -1, 0, -1)
    return shape


class Hand:
    """A hand that draws on paper: it shakes, bends what it draws, stops early or goes too far.

    Attributes:
        paper: what it has drawn, uint8 0 or 255 (112, 112).
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.paper = np.zeros((line_drawings.EDGE, line_drawings.EDGE), np.uint8)
        self.shake = rng.uniform(0, 2.2)
        self._width = int(rng.integers(2, 6))
        self._warp = by_hand(line_drawings.EDGE, rng)

    def outline(self, points: np.ndarray) -> None:
        """A closed line through float (n, 2), from any of them; its end may miss its beginning."""
        points = np.roll(points, -int(self.rng.integers(len(points))), axis=0)
        points = np.concatenate([points, points[:1] + self.rng.normal(0, 2.0, 2) * (self.rng.random() < 0.4)])
        if self.rng.random() < 0.2:  # the pen stopped early
            points = points[: max(2, int(len(points) * self.rng.uniform(0.8, 1.0)))]
        self.stroke(points)

    def stroke(self, points: np.ndarray) -> None:
        """A line through float (n, 2), from the first to the last."""
        cv2.polylines(self.paper, [np.int32(np.rint(self._warp(points) * 16))], False, 255, self._width, cv2.LINE_8, 4)

    def shaken(self, points: np.ndarray, strength: float = 1.0) -> np.ndarray:
        return points + self.rng.normal(0, self.shake * strength, points.shape)

    def pixels(self) -> np.ndarray:
        """What was drawn as the network's input: uint8 (28, 28); black if it is nothing."""
        if not self.paper.any():
            return np.zeros((line_drawings.SIZE, line_drawings.SIZE), np.uint8)
        return np.rint(line_drawings.strokes_to_pixels(self.paper)[0] * 255).astype(np.uint8)


def from_memory(strokes: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """A sketch, float (n, 2) for each stroke in any unit, drawn by a hand: uint8 (28, 28)."""
    hand = Hand(rng)
    every = np.concatenate(strokes)
    low, high = every.min(0), every.max(0)
    scale = 0.85 * line_drawings.EDGE / max(float((high - low).max()), 1e-6)
    for points in strokes:
        placed = (points - (low + high) / 2) * scale + line_drawings.EDGE / 2
        length = np.linalg.norm(np.diff(placed, axis=0), axis=1).sum()
        placed = hand.shaken(placed, min(1.0, length / 60))
        if length > 40 and np.linalg.norm(points[0] - points[-1]) < 1e-4:
            hand.outline(placed[:-1])
        else:
            hand.stroke(_inexact(placed, rng))
    return hand.pixels()


def _inexact(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A stroke that begins and ends a little too early or too late."""
    points = points.copy()
    if rng.random() < 0.5 and len(points) > 1:
        points[0] += (points[0] - points[1]) * rng.normal(0, 0.06)
        points[-1] += (points[-1] - points[-2]) * rng.normal(0, 0.06)
    return points


def line_drawing(image: np.ndarray, label: int, rng: np.random.Generator) -> np.ndarray:
    """A training image's outline and some inner strokes, in a shaky hand: uint8 (28, 28)."""
    edge = line_drawings.EDGE
    shape = silhouette(image, edge)
    hand = Hand(rng)
    coarse = rng.uniform(0.6, 3.5)
    contours, _ = cv2.findContours(shape, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    for contour in contours:
        if len(contour) >= 12:
            points = hand.shaken(cv2.approxPolyDP(contour, coarse, True)[:, 0].astype(np.float32))
            hand.outline(rounded(points) if rng.random() < 0.5 else points)
    if rng.random() < 0.55:
        for line in _inner_lines(image, shape, int(rng.integers(1, 6))):
            hand.stroke(hand.shaken(line, 0.5))
    left, top, across, down = cv2.boundingRect(shape) if shape.any() else (0, 0, edge, edge)
    for points in _hints(label, left, top, across, down, rng):
        hand.stroke(hand.shaken(points, 0.5))
    return hand.pixels() if hand.paper.any() else image


def _inner_lines(image: np.ndarray, shape: np.ndarray, count: int) -> list[np.ndarray]:
    """The longest edges within a shape, float32 (n, 2) each."""
    inner = cv2.Canny(cv2.GaussianBlur(cv2.resize(image, shape.shape), (0, 0), 1.5), 25, 60)
    core = cv2.erode(shape, np.ones((7, 7), np.uint8))
    lines, _ = cv2.findContours(cv2.bitwise_and(inner, core), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    lines = sorted((line for line in lines if len(line) > 16), key=len, reverse=True)[:count]
    return [cv2.approxPolyDP(line, 1.5, False)[:, 0].astype(np.float32) for line in lines]


def _hints(label: int, left: int, top: int, across: int, down: int, rng: np.random.Generator) -> list[np.ndarray]:
    """The few strokes by which people tell garments of one outline apart: centre line, buttons, cuffs, laces."""

    def at(*points: tuple[float, float]) -> np.ndarray:
        return np.array([(left + across * x, top + down * y) for x, y in points], np.float32)

    found, middle = [], 0.5 + rng.normal(0, 0.02)
    if (label == COAT and rng.random() < 0.75) or (label == SHIRT and rng.random() < 0.35):
        found.append(at((middle, rng.uniform(0.02, 0.15)), (middle, 0.99)))
        if rng.random() < 0.3:
            found.append(at((middle + 0.05, rng.uniform(0.02, 0.15)), (middle + 0.05, 0.99)))
        if rng.random() < 0.45:
            side, n = rng.choice((-0.05, 0.0, 0.05)), int(rng.integers(2, 6))
            found += [at((middle + side, y), (middle + side + 0.012, y + 0.012)) for y in np.linspace(0.25, 0.85, n)]
        if rng.random() < 0.3:  # pockets
            y = rng.uniform(0.6, 0.75)
            found += [at((middle - 0.2, y), (middle - 0.09, y)), at((middle + 0.09, y), (middle + 0.2, y))]
    if label in (COAT, SHIRT) and rng.random() < 0.45:  # collar or lapels
        depth, half = rng.uniform(0.1, 0.3), rng.uniform(0.08, 0.16)
        found.append(at((middle - half, 0.01), (middle, depth), (middle + half, 0.01)))
    if label == PULLOVER:
        if rng.random() < 0.35:  # hem
            y = rng.uniform(0.88, 0.94)
            found.append(at((0.3, y), (0.7, y)))
        if rng.random() < 0.45:  # neck
            half, depth = rng.uniform(0.08, 0.15), rng.uniform(0.04, 0.1)
            found.append(at((middle - half, 0.02), (middle, depth), (middle + half, 0.02)))
        if rng.random() < 0.1:
            found += [at((0.3, y), (0.7, y)) for y in (0.4, 0.5, 0.6)]
    if label == TROUSER and rng.random() < 0.3:
        y = rng.uniform(0.04, 0.09)
        found.append(at((0.1, y), (0.9, y)))
    if label in (SNEAKER, 9) and rng.random() < 0.35:  # laces
        x, y = rng.uniform(0.35, 0.55), rng.uniform(0.25, 0.45)
        found += [at((x + d, y + d / 2), (x + d + 0.06, y + d / 2 - 0.1)) for d in np.arange(3) * 0.07]
    if label in (SNEAKER, 9) and rng.random() < 0.35:  # sole
        y = rng.uniform(0.78, 0.9)
        found.append(at((0.03, y), (0.97, y)))
    if label == BAG and rng.random() < 0.35:  # flap
        y = rng.uniform(0.4, 0.6)
        found.append(at((0.05, rng.uniform(0.25, 0.4)), (middle, y + 0.1), (0.95, rng.uniform(0.25, 0.4))))
    return found


def by_hand(edge: int, rng: np.random.Generator):
    """Nobody draws proportions: a function that scales, shears and bends points about the middle."""
    scale = np.exp(rng.normal(0, [0.16, 0.12]))
    shear, turn = rng.normal(0, 0.06), rng.normal(0, 0.06)
    matrix = np.array([[scale[0], shear + turn], [-turn, scale[1]]], np.float32)
    wave, phase = rng.normal(0, 0.018 * edge, 2), rng.uniform(0, 6.28, 2)

    def warp(points: np.ndarray) -> np.ndarray:
        centred = points - edge / 2
        bent = centred + wave * np.sin(centred[:, ::-1] * (5 / edge) + phase)
        return bent @ matrix.T + edge / 2

    return warp


def rounded(points: np.ndarray) -> np.ndarray:
    """Chaikin's corner cutting (1974), twice: (n, 2) -> (4n, 2)."""
    for _ in range(2):
        following = np.roll(points, -1, axis=0)
        points = np.stack([0.75 * points + 0.25 * following, 0.25 * points + 0.75 * following], 1).reshape(-1, 2)
    return points


def filled_shape(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A training image's garment painted with a broad brush in one tone: uint8 (28, 28)."""
    shape = silhouette(image, line_drawings.EDGE)
    return painted(shape, rng) if shape.any() else image


def painted(shape: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A shape, uint8 (n, n), nonzero inside, painted by hand: uint8 (28, 28)."""
    edge = len(shape)
    warp, paper = by_hand(edge, rng), np.zeros_like(shape)
    contours, _ = cv2.findContours(shape, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    outlines = []
    for contour in contours:
        points = cv2.approxPolyDP(contour, rng.uniform(0.6, 3.0), True)[:, 0].astype(np.float32)
        points = rounded(points + rng.normal(0, rng.uniform(0, 1.5), points.shape))
        outlines.append(np.rint(warp(points)).astype(np.int32))
    cv2.fillPoly(paper, outlines, int(rng.integers(120, 256)))
    if rng.random() < 0.4:  # unpainted spots
        spots = cv2.GaussianBlur(rng.random((edge, edge), np.float32), (0, 0), rng.uniform(1, 4))
        paper[spots < np.quantile(spots, rng.uniform(0.0, 0.15))] //= 2
    return cutouts.framed(paper, paper > 0)

"""Line drawings: what tells them from shapes and photos, and how strokes become the network's input.

A line drawing has a garment's outline and a few inner strokes, a centre line, a collar, cuffs; averaged down to
28 x 28 its thin strokes would fade away, and filled in they would be lost. So strokes are brought to one width of about
a pixel of the result and drawn bright, and what they enclose is filled at half the brightness. Small gaps in the
outline are bridged, and where a hem or a neck was left open, the loose ends are joined. `strokes_to_pixels` is used
for people's drawings and, in `cnn.data.restyle`, for training alike.
"""

import itertools
import math
from collections.abc import Iterator

import cv2
import numpy as np

from cnn.pictures import network_input
from cnn.pictures.network_input import Frame

SIZE = 28
SCALE = 4  # pixels of the working copy for each pixel of the network's input
EDGE = SIZE * SCALE
STROKE = 4.5  # width of a stroke in the working copy: about one pixel of the network's input
FILL = 0.45  # brightness of what the strokes enclose

_ROOM = EDGE - SCALE  # for the strokes, which are thickened on both sides
_GAPS = (0, 2, 4, 7, 11)  # radii of the closings that are tried in turn: the last bridges gaps of about 6 pixels
_ENOUGH = 0.45  # share of the strokes' convex hull that must be enclosed before wider gaps are tried
_MOUTH = 0.7  # of the working copy's edge: the widest opening that is closed by joining loose ends
_RIM = 10  # pixels of the working copy: how near to the strokes' convex hull an end is at the figure's rim


def strokes_to_pixels(strokes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Strokes -> the network's input.

    Args:
        strokes: bool or uint8 (H, W), nonzero where there is ink; not empty.

    Returns:
        float32 (28, 28) in [0, 1]; and for show, uint8 (112, 112) each: the even strokes, and the filled inside.
    """
    ink = _fitted(strokes)
    ink = _even_width(ink)
    inside = enclosed(ink)
    grey = np.where(ink > 0, 1.0, np.where(inside > 0, FILL, 0.0)).astype(np.float32)
    pixels = cv2.resize(grey, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    return np.minimum(pixels * (1 / max(float(pixels.max()), 1e-6)), 1.0), ink, inside


def frame_of(strokes: np.ndarray) -> Frame:
    """Where the square that `strokes_to_pixels` makes lies on the paper; bool or uint8 (H, W), not empty."""
    box, corner, size = _fit(strokes)
    return network_input.frame_of(box, strokes.shape[::-1], corner, size, (EDGE, EDGE))


def _fit(strokes: np.ndarray) -> tuple[tuple[int, int, int, int], tuple[int, int], tuple[int, int]]:
    """The ink's box (left, top, right, bottom); its corner (x, y) and size (width, height) on the working copy."""
    left, top, width, height = cv2.boundingRect((strokes > 0).astype(np.uint8))
    scale = _ROOM / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    corner = (EDGE - size[0]) // 2, (EDGE - size[1]) // 2
    return (left, top, left + width, top + height), corner, size


def _fitted(strokes: np.ndarray) -> np.ndarray:
    """Cropped to the ink, its longest edge scaled to the working copy, centred: uint8 0 or 255 (112, 112)."""
    (left, top, right, bottom), (x, y), size = _fit(strokes)
    ink = (strokes > 0).astype(np.uint8)[top:bottom, left:right] * 255
    scale = _ROOM / max(ink.shape)
    if scale < 1:  # the mean of an area, not a sample: thin strokes must not break
        if scale < 0.6:
            edge = max(2, math.ceil(0.5 / scale))
            ink = cv2.dilate(ink, np.ones((edge, edge), np.uint8))
        ink = (cv2.resize(ink, size, interpolation=cv2.INTER_AREA) > 70).astype(np.uint8) * 255
    else:
        ink = (cv2.resize(ink, size, interpolation=cv2.INTER_LINEAR) > 127).astype(np.uint8) * 255
    canvas = np.zeros((EDGE, EDGE), np.uint8)
    canvas[y : y + size[1], x : x + size[0]] = ink
    return canvas


def stroke_width(ink: np.ndarray) -> float:
    """The typical width of the strokes of uint8 (H, W), in pixels: twice the ridge of the distance to the ground."""
    distance = cv2.distanceTransform(ink, cv2.DIST_L2, 3)
    ridge = (distance > 0) & (distance >= cv2.dilate(distance, np.ones((3, 3), np.uint8)) - 1e-3)
    return float(2 * np.median(distance[ridge])) if ridge.any() else 0.0


def _even_width(ink: np.ndarray) -> np.ndarray:
    grow = STROKE - stroke_width(ink)
    if abs(grow) < 0.8:
        return ink
    edge = min(2 * round(abs(grow) / 2) + 1, 15)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (edge, edge))
    if grow > 0:
        return cv2.dilate(ink, kernel)
    thin = cv2.erode(ink, kernel)
    return thin if (thin > 0).sum() > 0.35 * (ink > 0).sum() else ink


def enclosed(ink: np.ndarray) -> np.ndarray:
    """What the strokes enclose, gaps bridged as far as needed: uint8 0 or 255 (H, W), the strokes left out.

    First small gaps, by closings of growing radius; then open hems, waists and necks, by joining loose ends.
    """
    points = cv2.findNonZero(ink)
    hull = cv2.contourArea(cv2.convexHull(points)) if points is not None else 0.0
    best = np.zeros_like(ink)
    for walls, gap in itertools.chain(((ink, gap) for gap in _GAPS), ((walls, 2) for walls in _joined(ink))):
        inside = cv2.bitwise_and(_inside(walls, gap), cv2.bitwise_not(ink))
        if inside.any() and (inside > 0).sum() > 1.15 * (best > 0).sum():
            best = inside
        if (best > 0).sum() + (ink > 0).sum() * 0.5 >= _ENOUGH * hull:
            break
    return best


def _joined(ink: np.ndarray) -> Iterator[np.ndarray]:
    """The strokes with one loose end after the other joined to another by a straight line, the nearest pairs first.

    Openings are at the rim, so an end inside the figure counts as twice as far away. So do two ends of one stroke: a
    trouser's inner seam ends at two hems, not at itself.
    """
    ends = loose_ends(ink)
    if len(ends) < 2:
        return
    apart = np.linalg.norm(ends[:, None] - ends, axis=-1)
    hull = cv2.convexHull(cv2.findNonZero(ink))
    deep = np.array([cv2.pointPolygonTest(hull, end, True) > _RIM for end in ends.astype(float)])
    stroke = cv2.connectedComponents(ink)[1][ends[:, 1], ends[:, 0]]
    order = apart * np.where(deep[:, None] | deep, 2, 1) * np.where(stroke[:, None] == stroke, 2, 1)
    free = set(range(len(ends)))
    walls = ink.copy()
    for one, other in sorted(itertools.combinations(free, 2), key=lambda pair: order[pair]):
        if apart[one, other] <= _MOUTH * EDGE and {one, other} <= free:
            free -= {one, other}
            cv2.line(walls, ends[one].tolist(), ends[other].tolist(), 255, 2)
            yield walls


def loose_ends(ink: np.ndarray) -> np.ndarray:
    """Where the strokes of uint8 (H, W) begin and end: int (n, 2), x and y of the pixels of their skeleton that have
    one neighbour."""
    skeleton = _thinned(ink)
    around = cv2.filter2D(skeleton, -1, np.ones((3, 3)), borderType=cv2.BORDER_CONSTANT)
    return np.argwhere((skeleton > 0) & (around == 2))[:, ::-1]


def _thinned(ink: np.ndarray) -> np.ndarray:
    """The skeleton of uint8 (H, W), uint8 0 or 1 (H, W): "A fast parallel algorithm for thinning digital patterns"
    (Zhang and Suen 1984)."""
    shape = (ink > 0).astype(np.uint8)
    left = cv2.countNonZero(shape)
    while True:
        before = left
        for stays in _STAYS:
            around = cv2.filter2D(shape, -1, _AROUND, borderType=cv2.BORDER_CONSTANT)
            shape &= cv2.LUT(around, stays)
        left = cv2.countNonZero(shape)
        if left == before:
            return shape


def _thinning() -> tuple[np.ndarray, np.ndarray]:
    """Whether a pixel stays in the first and in the second half of a round of thinning: uint8 0 or 1 (256,) each, by
    its neighbours, one bit for each as in `_AROUND`."""
    near = (np.arange(256) >> np.arange(8)[:, None] & 1).astype(bool)
    turns = (~near & np.roll(near, -1, 0)).sum(0)
    up, right, down, left = near[::2]
    within = (near.sum(0) < 2) | (near.sum(0) > 6) | (turns != 1)
    first, second = (up & right & down) | (right & down & left), (up & right & left) | (up & down & left)
    return (within | first).astype(np.uint8), (within | second).astype(np.uint8)


_AROUND = np.array([[128, 1, 2], [64, 0, 4], [32, 16, 8]], np.float32)  # the bits, clockwise from the one above
_STAYS = _thinning()


def _inside(ink: np.ndarray, gap: int) -> np.ndarray:
    pad = gap + 2
    walls = cv2.copyMakeBorder(ink, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
    if gap:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * gap + 1, 2 * gap + 1))
        walls = cv2.morphologyEx(walls, cv2.MORPH_CLOSE, kernel)
    ground = walls.copy()
    cv2.floodFill(ground, None, (0, 0), 128)
    return np.where(ground == 128, 0, 255).astype(np.uint8)[pad:-pad, pad:-pad]

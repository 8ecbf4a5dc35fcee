"""Line drawings: what tells them from shapes and photos, and how strokes become the network's input.

A line drawing has a garment's outline and a few inner strokes, a centre line, a collar, cuffs; averaged down to
28 x 28 its thin strokes would fade away, and filled in they would be lost. So strokes are brought to one width of about
a pixel of the result and drawn bright, and what they enclose is filled at half the brightness, through gaps in the
outline if they are small. `strokes_to_pixels` is used for people's drawings and, in `cnn.restyle`, for training alike.
"""

import math

import cv2
import numpy as np

SIZE = 28
SCALE = 4  # pixels of the working copy for each pixel of the network's input
EDGE = SIZE * SCALE
STROKE = 4.5  # width of a stroke in the working copy: about one pixel of the network's input
FILL = 0.45  # brightness of what the strokes enclose

_GAPS = (0, 2, 4, 7, 11)  # radii of the closings that are tried in turn: the last bridges gaps of about 6 pixels
_ENOUGH = 0.45  # share of the strokes' convex hull that must be enclosed before wider gaps are tried


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


def _fitted(strokes: np.ndarray) -> np.ndarray:
    """Cropped to the ink, its longest edge scaled to the working copy, centred: uint8 0 or 255 (112, 112)."""
    ink = (strokes > 0).astype(np.uint8) * 255
    left, top, width, height = cv2.boundingRect(ink)
    ink = ink[top : top + height, left : left + width]
    room = EDGE - SCALE  # strokes are thickened on both sides
    scale = room / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if scale < 1:  # the mean of an area, not a sample: thin strokes must not break
        if scale < 0.6:
            edge = max(2, math.ceil(0.5 / scale))
            ink = cv2.dilate(ink, np.ones((edge, edge), np.uint8))
        ink = (cv2.resize(ink, size, interpolation=cv2.INTER_AREA) > 70).astype(np.uint8) * 255
    else:
        ink = (cv2.resize(ink, size, interpolation=cv2.INTER_LINEAR) > 127).astype(np.uint8) * 255
    canvas = np.zeros((EDGE, EDGE), np.uint8)
    x, y = (EDGE - size[0]) // 2, (EDGE - size[1]) // 2
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
    """What the strokes enclose, gaps bridged as far as needed: uint8 0 or 255 (H, W), the strokes left out."""
    points = cv2.findNonZero(ink)
    hull = cv2.contourArea(cv2.convexHull(points)) if points is not None else 0.0
    best = np.zeros_like(ink)
    for gap in _GAPS:
        inside = _inside(ink, gap)
        if inside.any() and (inside > 0).sum() > 1.15 * (best > 0).sum():
            best = inside
        if (best > 0).sum() + (ink > 0).sum() * 0.5 >= _ENOUGH * hull:
            break
    return best


def _inside(ink: np.ndarray, gap: int) -> np.ndarray:
    pad = gap + 2
    walls = cv2.copyMakeBorder(ink, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
    if gap:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * gap + 1, 2 * gap + 1))
        walls = cv2.morphologyEx(walls, cv2.MORPH_CLOSE, kernel)
    ground = walls.copy()
    cv2.floodFill(ground, None, (0, 0), 128)
    inside = np.where(ground == 128, 0, 255).astype(np.uint8)[pad:-pad, pad:-pad]
    return cv2.bitwise_and(inside, cv2.bitwise_not(ink))

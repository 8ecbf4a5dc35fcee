"""Ink on paper: what tells a drawing from a photo, and its strokes from shadows, rules, and the table around the sheet.

Paper is what a closing leaves, as it is wider than any stroke. Strokes are darker than the paper around them, however
the light falls; rules go on in straight lines, many times. A drawing has strokes and paper and nothing else, while
cloth has tones and colours: `Ink` holds the evidence, and what it must be.
"""

from dataclasses import dataclass

import cv2
import numpy as np

_CLEAN, _CLEAN_AROUND, _CLEAN_WIDEST, _CLEAN_FILLED = 0.1, 0.3, 0.16, 0.4  # at most this, on clean paper
_FINE_WIDEST, _FINE_FILLED = 0.05, 0.3  # at most this, where there are shadows or rules
_BETWEEN, _AROUND, _MORE = 0.85, 0.6, 0.45  # at most this there; between the strokes, around them, the difference
_ONE_INK_BETWEEN, _ONE_INK_FILLED = 0.3, 0.5  # at most this, where all ink is known to have one tone
_LEAST_SHEET = 0.57  # of the image: a sheet of paper is what was photographed
_TONE = 0.05  # of the paper's brightness, in any channel: a pixel that differs as much has a tone

_WIDEST = 1 / 12  # of the image's longest edge: a square of paper, wider than any stroke
_DARK = 110  # median grey level of a board, on which chalk is light
_SHEET_COLOUR = 14  # levels of Lab's a and b within which paper has one colour
_SHADE = 0.45  # of the brightest paper: the deepest shadow on it
_RULE = 0.28  # of the image's longest edge: rules go on for longer
_RULES = 7  # as many lines in one direction are rules; trousers have four
_RULED_RIM = 0.04  # of the paper near the sheet's edge: rules cover more of it; to look for them takes time
_TILTS = range(-8, 9, 2)  # degrees by which a sheet may lie askew
_FAINT = 0.06  # contrast below which nothing is ink
_DARKEST, _PALEST = 0.45, 0.25  # of the darkest ink: what every stroke has somewhere, and where it ends
_FREE = 0.15  # of the strokes' hull: where less lies apart from strokes, the paper under them is looked at, too
_SPECK = 0.04  # of the largest stroke: what is smaller is no stroke

_LOGARITHM = np.log(np.maximum(np.arange(256, dtype=np.float32), 8))


@dataclass(frozen=True, eq=False)  # eq: comparing arrays with == has no single answer
class Ink:
    """The strokes that an image has if it is a drawing, and the evidence for that.

    Attributes:
        strokes: bool (H, W).
        widest: the width below which 98% of the strokes lies, as a fraction of their box's longest edge.
        filled: the fraction of their box that the strokes cover.
        sheet: the fraction of the image that is paper, strokes included.
        between: the fraction of the paper between the strokes that has a tone or a colour.
        around: that of the paper around them.
    """

    strokes: np.ndarray
    widest: float = 1.0
    filled: float = 1.0
    sheet: float = 0.0
    between: float = 1.0
    around: float = 1.0

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing but paper between strokes that leave much of it free."""
        return self.between <= _CLEAN and self.filled <= _CLEAN_FILLED

    @property
    def is_one_ink(self) -> bool:
        """Whether these are strokes if all that is not paper is known to have one tone."""
        return self.between <= _ONE_INK_BETWEEN and self.filled <= _ONE_INK_FILLED

    @property
    def is_drawing(self) -> bool:
        """Whether these are strokes on a sheet: on clean paper, or fine ones where there are shadows or rules."""
        clean = self.is_clean and self.around <= _CLEAN_AROUND and self.widest <= _CLEAN_WIDEST
        fine = self.widest <= _FINE_WIDEST and self.filled <= _FINE_FILLED
        paper = self.between <= min(_BETWEEN, self.around + _MORE) and self.around <= _AROUND
        return self.sheet >= _LEAST_SHEET and (clean or (fine and paper))


def ink_of(rgb: np.ndarray) -> Ink:
    """The ink of uint8 (H, W, 3), as if it were a drawing."""
    if np.median(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)) < _DARK:
        rgb = 255 - rgb
    wide = max(7, round(max(rgb.shape) * _WIDEST)) | 1
    paper = cv2.morphologyEx(rgb, cv2.MORPH_CLOSE, np.ones((wide, wide), np.uint8), borderType=cv2.BORDER_REPLICATE)
    paper = cv2.blur(paper, (wide // 2 | 1, wide // 2 | 1))
    sheet = _sheet(paper)
    if sheet.mean() < _LEAST_SHEET:
        return Ink(np.zeros(sheet.shape, bool))
    contrast = 1 - cv2.divide(rgb, np.maximum(paper, 24), dtype=cv2.CV_32F)
    contrast = np.clip(_most(contrast), 0, 1) * sheet
    strokes = _strokes(np.maximum(contrast - _rules(contrast, sheet), 0), sheet)
    mask = strokes.astype(np.uint8)
    if mask.sum() < 12:
        return Ink(strokes)
    *_, width, height = cv2.boundingRect(mask)
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    reach = max(3, max(mask.shape) // 36) | 1
    near = cv2.dilate(mask, np.ones((reach, reach), np.uint8)) > 0
    hull = cv2.fillConvexPoly(np.zeros_like(mask), cv2.convexHull(cv2.findNonZero(mask)), 1) > 0
    between, around = hull & ~near, sheet & ~hull & ~near
    if between.sum() < _FREE * hull.sum():
        between = hull
    toned = _toned(np.where(near[..., None], paper, cv2.blur(rgb, (3, 3))), paper, around)
    return Ink(
        strokes,
        widest=2 * float(np.percentile(distance[distance > 0], 98)) / max(width, height),
        filled=float(mask.sum()) / (width * height),
        sheet=float(sheet.mean()),
        between=float(toned[between].mean()),
        around=float(toned[around].mean()) if around.any() else 0.0,
    )


def _sheet(paper: np.ndarray) -> np.ndarray:
    """Where the paper in the middle goes on, without the table around it: uint8 (H, W, 3) -> bool (H, W)."""
    height, width = paper.shape[:2]
    lab = cv2.cvtColor(paper, cv2.COLOR_RGB2LAB)
    middle = np.s_[height // 4 : height - height // 4, width // 4 : width - width // 4]
    low, high = [0, 0, 0], [255, 255, 255]
    for channel in (1, 2):
        own = int(np.median(lab[..., channel][middle]))
        low[channel], high[channel] = own - _SHEET_COLOUR, own + _SHEET_COLOUR
    light = cv2.cvtColor(paper, cv2.COLOR_RGB2GRAY)
    like = (cv2.inRange(lab, tuple(low), tuple(high)) > 0) & (light > _SHADE * np.percentile(light, 90))
    edge = max(3, max(height, width) // 40)
    opened = cv2.morphologyEx(like.astype(np.uint8), cv2.MORPH_OPEN, np.ones((edge, edge), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if not len(areas) or areas.max() > 0.97 * height * width:
        return np.ones((height, width), bool)
    outline = cv2.convexHull(cv2.findNonZero((labels == 1 + int(np.argmax(areas))).astype(np.uint8)))
    sheet = cv2.fillConvexPoly(np.zeros((height, width), np.uint8), outline, 1)
    kernel = np.ones((2 * edge + 1, 2 * edge + 1), np.uint8)
    return cv2.erode(sheet, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=1) > 0


def _rules(contrast: np.ndarray, sheet: np.ndarray) -> np.ndarray:
    """How much of the contrast, float32 (H, W), comes from the rules of ruled or squared paper: float32 (H, W).

    A grey opening by a long line keeps what goes on in its direction; a stroke that crosses a rule stays darker.
    """
    rules = np.zeros_like(contrast)
    floor = 0.03 + float(np.median(contrast[sheet]))
    wide = max(contrast.shape) // 6
    rim = sheet & (cv2.erode(np.uint8(sheet), np.ones((wide, wide), np.uint8), borderValue=0) == 0)
    if (contrast[rim] > floor).sum() <= _RULED_RIM * rim.sum():
        return rules
    for turned in (False, True):
        plane = np.ascontiguousarray(contrast.T) if turned else contrast
        height, width = plane.shape
        line = np.ones((1, round(max(plane.shape) * _RULE)), np.uint8)
        thick = cv2.dilate(plane, np.ones((3, 1), np.uint8))
        found = np.zeros_like(plane)
        for tilt in _TILTS:
            slope = float(np.tan(np.deg2rad(tilt)))
            there, back = (np.array([[1, 0, 0], [s, 1, -s * width / 2]], np.float32) for s in (slope, -slope))
            level = cv2.morphologyEx(cv2.warpAffine(thick, there, (width, height)), cv2.MORPH_OPEN, line)
            if level.max() > floor:
                found = np.maximum(found, cv2.warpAffine(level, back, (width, height)))
        lines = found > floor
        starts = np.diff(lines[:, width // 3 : 2 * width // 3 + 1].astype(np.int8), axis=0) == 1
        if np.median(starts.sum(0)) >= _RULES:
            found = np.minimum(1.3 * found, 1.8 * float(np.median(found[lines])))
            rules = np.maximum(rules, found.T if turned else found)
    return rules


def _strokes(contrast: np.ndarray, sheet: np.ndarray) -> np.ndarray:
    """Dark places with what is connected to them and not much paler: float32 (H, W), bool (H, W) -> bool (H, W).

    What lies at the sheet's edge is left out, unless that is most of the ink.
    """
    top = float(np.percentile(contrast, 99.7))
    noise = _FAINT + 2 * float(np.median(contrast))
    pale = (contrast > max(noise, _PALEST * top)).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(pale, connectivity=8)
    kept = np.zeros(count, bool)
    kept[labels[contrast > max(noise, _DARKEST * top)]] = True
    kept[0] = False
    inner = kept.copy()
    kernel = np.ones((5, 5), np.uint8)
    inner[labels[cv2.erode(np.uint8(sheet), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0) == 0]] = False
    area = stats[:, cv2.CC_STAT_AREA]
    if area[inner].sum() > 0.25 * area[kept].max(initial=0):
        kept = inner
    kept &= area >= max(4, _SPECK * area[kept].max(initial=0))
    return kept[labels]


def _toned(rgb: np.ndarray, paper: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Which pixels of uint8 (H, W, 3) differ from the paper: bool (H, W).

    The paper's brightness is a quadratic in x and y, fitted channel by channel to the logarithm of the paper around
    the strokes, bool (H, W), without what a shadow makes darker.
    """
    chosen = np.zeros_like(around)
    chosen[::4, ::4] = around[::4, ::4]
    if chosen.sum() < 20:
        chosen[::4, ::4] = True
    rows, columns = np.nonzero(chosen)
    height, width = around.shape
    given, levels = _quadratic((rows + 0.5) / height, (columns + 0.5) / width), _LOGARITHM[paper[chosen]]
    fits = np.ones(len(given), bool)
    for _ in range(3):
        light, *_ = np.linalg.lstsq(given[fits], levels[fits], rcond=None)
        apart = _most(np.abs(levels - given @ light))
        fits = apart <= max(0.03, 1.5 * float(np.median(apart)))
    grid = (np.mgrid[:64, :64] + 0.5) / 64  # light changes slowly: a coarse grid saves most of the time
    coarse = (_quadratic(*grid.reshape(2, -1)) @ light).reshape(64, 64, 3)
    return _most(np.abs(_LOGARITHM[rgb] - cv2.resize(coarse, (width, height)))) > _TONE


def _quadratic(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The terms of a quadratic at points in [0, 1]: (n,), (n,) -> float32 (n, 6)."""
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=-1).astype(np.float32)


def _most(channels: np.ndarray) -> np.ndarray:
    """The largest of three channels, (..., 3) -> (...): several times as fast as `max(-1)`."""
    return np.maximum(np.maximum(channels[..., 0], channels[..., 1]), channels[..., 2])

"""A photo -> where the garment in it is, as up to three different guesses, without any learned weights.

Nothing here knows what clothes look like. A garment is what the middle of the image has and its border has
not: colours are counted with the weight of where they occur, then GrabCut (Rother, Kolmogorov, Blake 2004,
doi:10.1145/1015706.1015720) draws the outline. A plain background is a case of its own, where a colour a few
levels away from the background's is enough, and skin is taken off what may be a person. Each guess is judged
by how much it resembles a garment's outline, and by how far the guesses agree.

It does not know what becomes of a mask, nor the files that images come from.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

_EDGE = 80  # longest edge, in pixels, of the copy on which GrabCut works: its time grows with the area
_PLAIN_EDGE = 128  # of the copy on which a plain background is recognised, which is cheap
_DIFFERENT = 0.9  # two masks that overlap more than this (intersection over union) are one
_MOST = 3  # masks returned
_SURE = 0.85  # plausible enough to save the time of looking further
_CELL = 8  # levels of Lab that count as one colour, along each axis
_RING = 0.06  # of the shorter edge: how wide the border is
_SEED = 7  # cv2's GrabCut draws random numbers


@dataclass(frozen=True, eq=False)  # eq: comparing arrays with == has no single answer
class Mask:
    """One guess of where the garment is.

    Attributes:
        name: how it was found, short enough for a button.
        mask: bool (H, W), True on the garment; the same size as the image.
        score: how plausible it looks, in [0, 1].
    """

    name: str
    mask: np.ndarray
    score: float


def masks(rgb: np.ndarray) -> list[Mask]:
    """Guess where the garment is.

    Args:
        rgb: uint8 (H, W, 3).

    Returns:
        One to three different masks, the most plausible first.
    """
    small = _reduced(rgb, _EDGE)
    view = _View(small)
    guesses: list[Mask] = []

    def add(name: str, mask: np.ndarray) -> float:
        mask = _cleaned(mask, view)
        guesses.append(Mask(name, mask, _plausibility(mask, view)))
        return guesses[-1].score

    plain = [_resized(mask, view.shape) for mask in _from_plain(_reduced(rgb, _PLAIN_EDGE))]
    if len(plain) == 2:
        view.garment = np.stack(plain).mean(axis=0, dtype=np.float32)
    for name, mask in zip(
        ("Background removed (plain background)", "Background removed (faint edges)"), plain, strict=False
    ):
        add(name, mask)
    colours = _by_colours(view)
    # GrabCut prefers short outlines, and would fill the gap between two legs with carpet.
    gaps = cv2.morphologyEx(np.uint8(colours < 0.45), cv2.MORPH_OPEN, _disc(5)) > 0
    if add("Background removed (border colours)", _grab(view, colours > 0.5, colours) & ~gaps) < _SURE:
        add("Background removed (GrabCut from the centre)", _grab(view, view.middle > 0.5, view.middle) & ~gaps)
        add("Background removed (two methods combined)", guesses[-1].mask | guesses[-2].mask)

    agreed = [np.mean([_overlap(one.mask, other.mask) for other in guesses]) for one in guesses]
    judged = [
        replace(one, score=one.score * (0.7 + 0.3 * float(share))) for one, share in zip(guesses, agreed, strict=True)
    ]
    best = max(judged, key=_score)
    if (clothes := _without_skin(small, best, view)) is not None:
        judged.append(clothes)
    different: list[Mask] = []
    for one in sorted(judged, key=_score, reverse=True):
        if one.mask.any() and all(_overlap(one.mask, other.mask) <= _DIFFERENT for other in different):
            different.append(one)
    full = [replace(one, mask=_resized(one.mask, rgb.shape[:2])) for one in different[:_MOST]]
    full = [one for one in full if one.mask.any()]  # a speck may be lost between the pixels of a narrow strip
    return full or [Mask("Centre of the image", _prior(rgb.shape[:2], 0.4) > 0.5, 0.0)]


def _score(mask: Mask) -> float:
    return mask.score


# ---------------------------------------------------------------- what is known of an image


class _View:
    """A small copy of an image, and what several guesses want to know of it.

    Attributes:
        lab: uint8 (H, W, 3), OpenCV's 8-bit Lab.
        shape: (H, W).
        middle: 1 in the middle of the image, less towards its border; float32 (H, W).
        edge: the outermost pixels; bool (H, W).
        ring: the pixels along the border, those and more; bool (H, W).
        gradient: how fast the colour changes, in levels per pixel; float32 (H, W).
        strange: how much rarer each pixel's colour is along the border than in the image; (H, W) in [0, 1].
        garment: where a plain background shows a garment, in [0, 1], better than `strange` does; None if it is
            not plain.
    """

    def __init__(self, rgb: np.ndarray) -> None:
        self.lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)
        self.shape = self.lab.shape[:2]
        self.middle = _prior(self.shape, 0.4)
        self.edge, self.ring = _ring(self.shape, 0), _ring(self.shape, _RING)
        across, down = (cv2.Scharr(self.lab, cv2.CV_32F, dx, 1 - dx, scale=1 / 32) for dx in (1, 0))
        self.gradient = np.sqrt((across**2 + down**2).sum(-1))
        cells = (self.lab // _CELL).astype(np.int64)
        cells -= cells.min((0, 1))  # most images are pale: few cells are left, quick to blur
        self._extent = tuple(int(length) + 1 for length in cells.max((0, 1)))
        self._cells = (cells[..., 0] * self._extent[1] + cells[..., 1]) * self._extent[2] + cells[..., 2]
        self._anywhere = self._histogram(self._cells)
        wide = max(1, round(min(self.shape) * _RING))
        self._sides = np.s_[:wide], np.s_[-wide:], np.s_[:, :wide], np.s_[:, -wide:]
        self.strange = self.strange_to(np.zeros(self.shape, bool))
        self.garment: np.ndarray | None = None

    def density(self, weights: np.ndarray) -> np.ndarray:
        """How common each pixel's colour is among the pixels, weighted by (H, W): float32 (H, W)."""
        return self._histogram(self._cells, weights)[self._cells]

    def strange_to(self, mask: np.ndarray) -> np.ndarray:
        """`strange`, to the border apart from a mask: bool (H, W) -> float32 (H, W)."""
        there = np.sort([self._histogram(self._cells[side][~mask[side]]) for side in self._sides], axis=0)
        # What only one side has may be a garment that the image's edge cuts.
        there = 0.5 * there[2] + 0.5 * there.mean(0)
        return np.clip(1 - there / (self._anywhere + 1e-9), 0, 1)[self._cells]

    def _histogram(self, cells: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """The share of each cell of the Lab space, blurred, or noise would make each pixel its own colour."""
        size = int(np.prod(self._extent))
        counts = np.bincount(cells.ravel(), None if weights is None else weights.ravel(), size)
        table = counts.astype(np.float32) / max(float(counts.sum()), 1e-6)
        lightness, reds, yellows = self._extent
        table = _blurred(table.reshape(lightness * reds, yellows))
        table = table.reshape(lightness, reds * yellows).T
        table = _blurred(table).reshape(reds, yellows * lightness).T
        table = _blurred(table).reshape(yellows, lightness, reds)
        return table.transpose(1, 2, 0).ravel()


def _blurred(rows: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(np.ascontiguousarray(rows), (5, 1), 0.9, borderType=cv2.BORDER_CONSTANT)


def _reduced(rgb: np.ndarray, edge: int) -> np.ndarray:
    scale = min(1, edge / max(rgb.shape[:2]))
    size = tuple(max(1, round(length * scale)) for length in rgb.shape[1::-1])
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)


def _resized(mask: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A mask at another size, with a smooth outline: bool -> bool `shape`."""
    return cv2.resize(mask.astype(np.float32), shape[::-1], interpolation=cv2.INTER_LINEAR) > 0.5


def _prior(shape: tuple[int, int], spread: float) -> np.ndarray:
    """1 in the middle of the image, less towards its border: float32 (H, W)."""
    height, width = shape
    y = (np.arange(height, dtype=np.float32)[:, None] + 0.5) * (2 / height) - 1
    x = (np.arange(width, dtype=np.float32) + 0.5) * (2 / width) - 1
    return np.exp(-((np.abs(x) ** 3 + np.abs(y) ** 3) / (2 * spread)))


def _ring(shape: tuple[int, int], share: float) -> np.ndarray:
    """The pixels along the image's border, `share` of its shorter edge wide: bool (H, W)."""
    wide = max(1, round(min(shape) * share))
    ring = np.ones(shape, bool)
    ring[wide:-wide, wide:-wide] = False
    return ring


# ---------------------------------------------------------------- guesses


def _by_colours(view: _View) -> np.ndarray:
    """How far each pixel's colour belongs to the middle rather than to the border: float32 (H, W) in [0, 1]."""
    middle = _prior(view.shape, 0.25)
    inside, outside = middle * view.strange, (1 - view.strange) * (1.2 - middle)
    for _ in range(3):
        here, there = view.density(inside), view.density(outside)
        likely = cv2.GaussianBlur(here / (here + there + 1e-9), (0, 0), 1)
        inside, outside = likely * np.where(view.ring, 0.3, middle + 0.2), (1 - likely) * (1.2 - middle)
    return likely


def _grab(view: _View, guess: np.ndarray, likely: np.ndarray) -> np.ndarray:
    """GrabCut from a guess: bool (H, W) -> bool (H, W)."""
    state = np.where(guess, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    state[_ring(view.shape, 0.03) & (likely < 0.7)] = cv2.GC_BGD
    state[(view.middle > 0.95) & (view.strange > 0.6)] = cv2.GC_FGD
    if (state % 2 == 1).all() or not (state % 2 == 1).any():
        return guess
    cv2.setRNGSeed(_SEED)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(view.lab, state, None, *models, 1, cv2.GC_INIT_WITH_MASK)
    return state % 2 == 1


def _from_plain(rgb: np.ndarray) -> list[np.ndarray]:
    """What differs from a background of one colour, lit unevenly or not.

    Returns:
        Nothing if the background is not plain. Else what clearly differs, bool (H, W), and, if the background
        is quiet enough for that, what faintly differs or is surrounded by it: a white garment on white.
    """
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
    height, width = lab.shape[:2]
    ring = _ring((height, width), 0.04)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    terms = np.stack([np.ones_like(x), x / width, y / height], axis=-1)
    chosen = ring.copy()
    for _ in range(4):  # the light may fall off in one direction: a plane through the border's colours
        plane, *_ = np.linalg.lstsq(terms[chosen], lab[chosen], rcond=None)
        apart = np.linalg.norm(lab - terms @ plane, axis=-1)
        limit = float(np.clip(3 * np.median(apart[ring]), 2.5, 10))
        chosen = ring & (apart < limit)
        if chosen.sum() < 0.6 * ring.sum():
            return []
    apart = cv2.GaussianBlur(apart, (0, 0), 0.7)
    faint = apart > limit
    if not faint.any():
        return []
    # Half-way between the colours is where the outline is; less, for a garment of several.
    clear = apart > max(limit, 0.35 * float(np.median(apart[faint])))
    if limit > 5:
        return [clear]
    closed = cv2.morphologyEx(faint.astype(np.uint8), cv2.MORPH_CLOSE, _disc(7))
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return [clear, cv2.drawContours(closed, outlines, -1, 1, cv2.FILLED) > 0]


def _disc(wide: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (wide, wide))


def _without_skin(rgb: np.ndarray, whole: Mask, view: _View) -> Mask | None:
    """The clothes of what may be a person; None if it is none.

    Skin is what lies in its usual range of YCrCb (Chai, Ngan 1999, doi:10.1109/76.767122), but so do wood,
    leather and pink cloth: only below a face, on a background without skin's colours, are the clothes preferred.
    """
    skin = cv2.inRange(cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb), (60, 135, 77), (250, 173, 127)) > 0
    around = skin[view.ring & ~whole.mask]
    skin = cv2.morphologyEx(np.uint8(skin & whole.mask), cv2.MORPH_OPEN, _disc(3))
    clothes = whole.mask & (cv2.dilate(skin, _disc(3)) == 0)
    if not 0.03 < skin.sum() / max(whole.mask.sum(), 1) < 0.6 or not clothes.any():
        return None
    if np.linalg.norm(view.lab[skin > 0].mean(0) - view.lab[clothes].mean(0)) < 20:
        return None  # one cloth, whose colour is at the edge of skin's range
    chin = _chin(skin, whole.mask) if len(around) and around.mean() < 0.1 else 0
    clothes[:chin] = False  # hair
    clothes = _cleaned(clothes, view)
    if clothes.sum() < 0.25 * whole.mask.sum():
        return None
    return Mask("Background and skin removed", clothes, min(1.0, whole.score * (1.15 if chin else 0.6)))


def _chin(skin: np.ndarray, mask: np.ndarray) -> int:
    """The row where a face ends, 0 if there seems to be none: uint8 (H, W), bool (H, W) -> int."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    top, high, wide = rows[0], rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    _, _, stats, centres = cv2.connectedComponentsWithStats(skin, connectivity=4)
    for (_, y, w, h, area), (x, _) in zip(stats[1:], centres[1:], strict=True):
        upper = y - top < 0.15 * high and y + h - top < 0.45 * high
        head = mask[y : y + h].sum(1).mean()
        central = abs(x - columns.mean()) < 0.25 * wide and head < 0.6 * mask.sum(1).max()
        round_ = area > 0.5 * w * h and 0.7 < h / w < 2.5
        if upper and central and round_ and 0.01 < area / mask.sum() < 0.25:
            return int(y + h)
    return 0


def _cleaned(mask: np.ndarray, view: _View) -> np.ndarray:
    """Without specks and small holes, and of one garment, or of a pair."""
    plane = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, _disc(3))
    plane = cv2.morphologyEx(plane, cv2.MORPH_OPEN, _disc(3))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(plane, connectivity=4)
    if count == 1:
        return mask
    weights = np.bincount(labels.ravel(), view.middle.ravel(), count)
    weights[0] = 0
    first = int(np.argmax(weights))
    kept = [first]
    colour = view.lab[labels == first].mean(0)
    cut = (labels[view.edge] == first).any()
    for other in np.flatnonzero(weights > 0.35 * weights[first]):
        area = stats[other, cv2.CC_STAT_AREA] / stats[first, cv2.CC_STAT_AREA]
        alike = np.linalg.norm(view.lab[labels == other].mean(0) - colour) < 30
        if other != first and area > 0.4 and alike and (cut or not (labels[view.edge] == other).any()):
            kept.append(int(other))
    result = np.isin(labels, kept)
    holes, labels, stats, _ = cv2.connectedComponentsWithStats(np.uint8(~result), connectivity=4)
    for hole in range(1, holes):
        inside = labels == hole
        small = stats[hole, cv2.CC_STAT_AREA] < 0.04 * result.sum()
        if not (inside & view.edge).any() and (small or view.strange[inside].mean() > 0.4):
            result |= inside  # a print; but not what is seen through a bag's handle
    return result


# ---------------------------------------------------------------- which guess to prefer


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 1.0


def _plausibility(mask: np.ndarray, view: _View) -> float:
    """How much a mask resembles a garment's outline, in [0, 1]."""
    share = mask.mean()
    if share < 0.01 or share > 0.97:
        return 0.02
    size = min(share / 0.06, 1) * min((0.97 - share) / 0.15, 1)
    central = (view.middle * mask).sum() / mask.sum()
    factors = (
        size,
        1 - mask[view.edge].mean(),
        0.3 + 0.7 * _solidity(mask),
        0.4 + 0.6 * _contrast(mask, view),
        min(0.3 + central, 1),
        min(0.2 + _sharpness(mask, view), 1),
        _completeness(mask, view),
    )
    return float(np.asarray(factors).prod()) ** 0.6  # so that a good outline has about 0.85


def _solidity(mask: np.ndarray) -> float:
    """The mask's share of the convex hulls of its parts."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    # An outline runs through the middles of its pixels: half of them lie outside of it.
    hulls = sum(cv2.contourArea(cv2.convexHull(one)) + len(one) / 2 for one in outlines)
    return min(mask.sum() / max(hulls, 1), 1)


def _contrast(mask: np.ndarray, view: _View) -> float | np.floating:
    """How much the colours just inside differ from those just outside, compared with how mixed these are."""
    near, plane = np.ones((5, 5), np.uint8), mask.astype(np.uint8)
    outer = (cv2.dilate(plane, near) > 0) & ~mask
    inner = mask & (cv2.erode(plane, near) == 0)
    if not outer.any() or not inner.any():
        return 0
    apart = np.linalg.norm(view.lab[outer].mean(0) - view.lab[inner].mean(0))
    return apart / (apart + np.linalg.norm(view.lab[outer].std(0)) + 3)


def _sharpness(mask: np.ndarray, view: _View) -> float:
    """How steep the image is along the outline, compared with the steepest nearby: a shadow is not."""
    plane = mask.astype(np.uint8)
    outline = (cv2.dilate(plane, _disc(3)) != cv2.erode(plane, _disc(3))) & ~view.edge
    steepest = cv2.dilate(view.gradient, np.ones((5, 5), np.uint8))
    return view.gradient[outline].sum() / (steepest[outline].sum() + 1e-6)


def _completeness(mask: np.ndarray, view: _View) -> float:
    """How far the mask holds all that the border does not have, and nothing else (the F measure)."""
    strange = view.garment
    if strange is None:
        much = (view.ring & ~mask).sum() > 0.4 * view.ring.sum()
        strange = view.strange_to(mask & much)
    pure = strange[mask].mean()
    whole = (strange * view.middle)[mask].sum() / ((strange * view.middle).sum() + 1e-6)
    return 2 * pure * whole / (pure + whole + 1e-6)

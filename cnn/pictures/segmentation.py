"""A photo -> where the garment in it is, as up to three different guesses, without any learned weights.

Nothing here knows what clothes look like. A garment is what the middle of the image has and its border has
not: colours are counted with the weight of where they occur, then GrabCut (Rother, Kolmogorov, Blake 2004,
doi:10.1145/1015706.1015720) draws the outline. A plain background is a case of its own, where a colour a few
levels away from the background's is enough. What may be a person is left to `worn`. Each guess is judged by how
much it resembles a garment's outline, and by how far the guesses agree.

It does not know what becomes of a mask, nor the files that images come from.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from cnn.pictures import worn
from cnn.pictures.view import View, border, disc, prior, reduced, resized

_EDGE = 80  # longest edge, in pixels, of the copy on which GrabCut works: its time grows with the area
_PLAIN_EDGE = 128  # of the copy on which a plain background is recognised, which is cheap
_DIFFERENT = 0.9  # two masks that overlap more than this (intersection over union) are one
_MOST = 3  # masks returned
_SURE = 0.85  # plausible enough to save the time of looking further
_PERSON = 0.4  # what a mask of a whole person counts beside that of the garment, before it is squared
_TRIMMED = 0.6  # of the border's pixels have a plain background's colour, or more
_SEED = 7  # cv2's GrabCut draws random numbers


WORN = "Worn garment"  # the name of a mask that leaves out the person


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
    small = reduced(rgb, _EDGE)
    view = View(small)
    guesses: list[Mask] = []

    def add(name: str, mask: np.ndarray) -> float:
        mask = _cleaned(mask, view)
        guesses.append(Mask(name, mask, _plausibility(mask, view)))
        return guesses[-1].score

    large = _from_plain(reduced(rgb, _PLAIN_EDGE))
    plain = [resized(mask, view.shape) for mask in large]
    if len(plain) == 2:
        view.garment = np.stack(plain).mean(axis=0, dtype=np.float32)
    for name, mask in zip(
        ("Background removed (plain background)", "Background removed (faint edges)"), plain, strict=False
    ):
        add(name, mask)
    colours = _by_colours(view)
    # GrabCut prefers short outlines, and would fill the gap between two legs with carpet.
    gaps = cv2.morphologyEx(np.uint8(colours < 0.45), cv2.MORPH_OPEN, disc(5)) > 0
    if add("Background removed (border colours)", _grab(view, colours > 0.5, colours) & ~gaps) < _SURE:
        add("Background removed (GrabCut from the centre)", _grab(view, view.middle > 0.5, view.middle) & ~gaps)
        add("Background removed (two methods combined)", guesses[-1].mask | guesses[-2].mask)

    agreed = [np.mean([_overlap(one.mask, other.mask) for other in guesses]) for one in guesses]
    judged = [
        replace(one, score=one.score * (0.7 + 0.3 * float(share))) for one, share in zip(guesses, agreed, strict=True)
    ]
    best = max(judged, key=_score)
    if (clothes := _worn(reduced(rgb, _PLAIN_EDGE), best, large)) is not None:
        judged = [replace(one, score=one.score * _PERSON) for one in judged]  # offered, hardly counted
        judged.append(Mask(WORN, resized(clothes, view.shape), min(1.0, best.score * 1.15)))
    different: list[Mask] = []
    for one in sorted(judged, key=_score, reverse=True):
        if one.mask.any() and all(_overlap(one.mask, other.mask) <= _DIFFERENT for other in different):
            different.append(one)
    full = [replace(one, mask=resized(one.mask, rgb.shape[:2])) for one in different[:_MOST]]
    full = [one for one in full if one.mask.any()]  # a speck may be lost between the pixels of a narrow strip
    return full or [Mask("Centre of the image", prior(rgb.shape[:2], 0.4) > 0.5, 0.0)]


def _score(mask: Mask) -> float:
    return mask.score


# ---------------------------------------------------------------- guesses


def _by_colours(view: View) -> np.ndarray:
    """How far each pixel's colour belongs to the middle rather than to the border: float32 (H, W) in [0, 1]."""
    middle = prior(view.shape, 0.25)
    inside, outside = middle * view.strange, (1 - view.strange) * (1.2 - middle)
    for _ in range(3):
        here, there = view.density(inside), view.density(outside)
        likely = cv2.GaussianBlur(here / (here + there + 1e-9), (0, 0), 1)
        inside, outside = likely * np.where(view.ring, 0.3, middle + 0.2), (1 - likely) * (1.2 - middle)
    return likely


def _grab(view: View, guess: np.ndarray, likely: np.ndarray) -> np.ndarray:
    """GrabCut from a guess: bool (H, W) -> bool (H, W)."""
    state = np.where(guess, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    state[border(view.shape, 0.03) & (likely < 0.7)] = cv2.GC_BGD
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
    ring = border((height, width), 0.04)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    terms = np.stack([np.ones_like(x), x / width, y / height], axis=-1)
    # The light may fall off in one direction: a plane through the border's colours, by least trimmed squares
    # (Rousseeuw 1984, doi:10.1080/01621459.1984.10477105), for the edge may cut a garment.
    apart = np.linalg.norm(lab - np.median(lab[ring], axis=0), axis=-1)
    for _ in range(5):
        chosen = ring & (apart <= np.quantile(apart[ring], _TRIMMED))
        plane, *_ = np.linalg.lstsq(terms[chosen], lab[chosen], rcond=None)
        apart = np.linalg.norm(lab - terms @ plane, axis=-1)
    limit = float(np.clip(3 * np.median(apart[ring]), 2.5, 10))
    if (apart[ring] < limit).mean() < _TRIMMED:
        return []
    apart = cv2.GaussianBlur(apart, (0, 0), 0.7)
    faint = apart > limit
    if not faint.any():
        return []
    # Half-way between the colours is where the outline is; less, for a garment of several.
    clear = apart > max(limit, 0.35 * float(np.median(apart[faint])))
    if limit > 5:
        return [clear]
    closed = cv2.morphologyEx(faint.astype(np.uint8), cv2.MORPH_CLOSE, disc(7))
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return [clear, cv2.drawContours(closed, outlines, -1, 1, cv2.FILLED) > 0]


def _worn(rgb: np.ndarray, whole: Mask, plain: list[np.ndarray]) -> np.ndarray | None:
    """The garment on what may be a person, bool (H, W); None if it is none."""
    view, skin = View(rgb), worn.skin_colours(rgb)
    silhouette = resized(whole.mask, view.shape)
    if len(plain) == 2:  # white clothes on white, without the rim
        silhouette = plain[0] | (cv2.erode(np.uint8(plain[1]), disc(3)) > 0)
    around = skin[view.ring & ~silhouette]
    head = worn.head(silhouette, skin) if len(around) and around.mean() < 0.1 else None
    if head is None:
        return None
    mask = worn.garment(view, silhouette, skin, head)
    return mask if mask.sum() > 0.15 * silhouette.sum() else None


def _cleaned(mask: np.ndarray, view: View) -> np.ndarray:
    """Without specks and small holes, and of one garment, or of a pair."""
    plane = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, disc(3))
    plane = cv2.morphologyEx(plane, cv2.MORPH_OPEN, disc(3))
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


def _plausibility(mask: np.ndarray, view: View) -> float:
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


def _contrast(mask: np.ndarray, view: View) -> float | np.floating:
    """How much the colours just inside differ from those just outside, compared with how mixed these are."""
    near, plane = np.ones((5, 5), np.uint8), mask.astype(np.uint8)
    outer = (cv2.dilate(plane, near) > 0) & ~mask
    inner = mask & (cv2.erode(plane, near) == 0)
    if not outer.any() or not inner.any():
        return 0
    apart = np.linalg.norm(view.lab[outer].mean(0) - view.lab[inner].mean(0))
    return apart / (apart + np.linalg.norm(view.lab[outer].std(0)) + 3)


def _sharpness(mask: np.ndarray, view: View) -> float:
    """How steep the image is along the outline, compared with the steepest nearby: a shadow is not."""
    plane = mask.astype(np.uint8)
    outline = (cv2.dilate(plane, disc(3)) != cv2.erode(plane, disc(3))) & ~view.edge
    steepest = cv2.dilate(view.gradient, np.ones((5, 5), np.uint8))
    return view.gradient[outline].sum() / (steepest[outline].sum() + 1e-6)


def _completeness(mask: np.ndarray, view: View) -> float:
    """How far the mask holds all that the border does not have, and nothing else (the F measure)."""
    strange = view.garment
    if strange is None:
        much = (view.ring & ~mask).sum() > 0.4 * view.ring.sum()
        strange = view.strange_to(mask & much)
    pure = strange[mask].mean()
    whole = (strange * view.middle)[mask].sum() / ((strange * view.middle).sum() + 1e-6)
    return 2 * pure * whole / (pure + whole + 1e-6)

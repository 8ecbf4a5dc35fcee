"""A person in a photo -> the garment that is meant, between the neck and the hips, or down to a dress's hem.

A head is what the silhouette has above the shoulders, if there is skin in it. From the head follow the person's own
colours of skin and hair, and where on the body a part may be. A hem is where the colours change from top to bottom.
It does not know how the silhouette was found.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from cnn.pictures.view import View, disc

_SMALL = 0.06  # of a silhouette's height: no head is narrower
_WIDER = 1.35  # shoulders are wider than a head by this, or more
_SHOULDERS = 2.3  # widths of a head that they are wide
_SKIN_OF_FACE = 0.3  # a face shows this much skin, or more
_HEM = 0.45  # how well the colours above and below a hem are told apart, from 0 to 1
_ROUNDS = 2  # in which the parts' colours are counted


@dataclass(frozen=True)
class Head:
    """Where a head is, in pixels.

    Attributes:
        x: its middle.
        chin: the row of its chin.
        wide: its width, hair included. Bodies are measured in widths of their heads.
    """

    x: float
    chin: float
    wide: float


def skin_colours(rgb: np.ndarray) -> np.ndarray:
    """What may be skin: uint8 (H, W, 3) -> bool (H, W).

    By its usual range of YCrCb (Chai, Ngan 1999, doi:10.1109/76.767122), in which wood, leather and pink cloth lie
    too, and redder and yellower in Lab than gold and grey linings of hoods are.
    """
    usual = cv2.inRange(cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb), (50, 135, 77), (250, 173, 127))
    return (usual & cv2.inRange(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB), (0, 131, 137), (255, 255, 255))) > 0


def head(silhouette: np.ndarray, skin: np.ndarray) -> Head | None:
    """Find a person's head, or where it was before the upper edge cut it off.

    Args:
        silhouette: what may be a person; bool (H, W).
        skin: what may be skin; bool (H, W).
    """
    widths, centres, top = _runs(silhouette)
    for y in range(4, int(0.6 * len(widths))):
        wide = float(widths[: y - max(2, y // 5)].max())  # shoulders slope
        if y > 0.8 * wide > _SMALL * len(widths) and widths[y] > _WIDER * wide:
            found = Head(float(np.median(centres[: y - y // 5])), top + y - 0.3 * wide, wide)
            face = _face(found, silhouette.shape) & silhouette
            if face.any() and skin[face].mean() > _SKIN_OF_FACE:
                return found
    return _above_edge(widths, centres, skin & silhouette) if top == 0 and len(widths) else None


def _above_edge(widths: np.ndarray, centres: np.ndarray, skin: np.ndarray) -> Head | None:
    """A head that the upper edge cuts off at the neck, by the shoulders' width; None if no bare neck is there."""
    shoulders = float(np.median(widths[: max(1, len(widths) // 3)]))
    found = Head(float(np.median(centres)), 0.0, shoulders / _SHOULDERS)
    x, y = _body(found, skin.shape)
    neck = (np.abs(x) < 0.3) & (y < 0.2)
    return found if widths[0] < 0.7 * shoulders and neck.any() and skin[neck].mean() > _SKIN_OF_FACE else None


def _runs(silhouette: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """The widths and middles of the run of pixels in each row, from the highest point on, and its row."""
    rows = np.flatnonzero(silhouette.any(1))
    if not len(rows):
        return np.zeros(0), np.zeros(0), 0
    widths, centres = [], []
    x = float(np.flatnonzero(silhouette[rows[0]]).mean())
    for row in silhouette[rows[0] : rows[-1] + 1]:
        change = np.diff(np.concatenate([[0], row.view(np.int8), [0]]))
        starts, ends = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
        if not len(starts):
            break
        near = int(np.argmin(np.maximum(np.maximum(starts - x, x - ends + 1), 0)))
        widths.append(ends[near] - starts[near])
        centres.append((starts[near] + ends[near] - 1) / 2)
        x += 0.3 * (centres[-1] - x)
    return np.array(widths), np.array(centres), int(rows[0])


def _body(found: Head, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """How far right of the head's middle and below the chin each pixel is, in widths of the head."""
    y = (np.arange(shape[0], dtype=np.float32)[:, None] - found.chin) / found.wide
    x = (np.arange(shape[1], dtype=np.float32)[None] - found.x) / found.wide
    return np.broadcast_to(x, shape), np.broadcast_to(y, shape)


def _face(found: Head, shape: tuple[int, int]) -> np.ndarray:
    """Where a face is, or the neck if the edge cuts the head off."""
    x, y = _body(found, shape)
    return (np.abs(x) < 0.3) & (y > -0.75) & (y < (0.05 if found.chin > 0 else 0.2))


def garment(view: View, silhouette: np.ndarray, skin: np.ndarray, found: Head) -> np.ndarray:
    """The garment on the upper body of a person: bool (H, W).

    Each pixel of the silhouette belongs to the part (hair, skin, top, legs or ground) that has its colour most often
    and may be there: Bayes' rule, with colours that are counted again after each round.
    """
    x, y = _body(found, view.shape)
    side = np.abs(x)
    face = _face(found, view.shape) & silhouette & skin
    core = silhouette & (y > 0.5) & (y < 2.2) & (side < 0.6)
    bare = view.density(face) > view.density(core)
    hem = _hem(view, silhouette & ~(bare & skin), found)
    under = _step(y - hem, 0.1)
    over = 1 - under
    below = _step(y - 0.25, 0.12)  # the chin, and a neck
    collar = np.clip(1 - y / 1.2, 0, 1) * np.exp(-((side / 0.4) ** 2))
    may = {
        "hair": (1 - below) + 0.4 * below * np.clip(1 - y / 1.5, 0, 1) * (side < 0.9),
        "skin": (1 - below) + below * (0.04 + 0.3 * _step(side - 0.8, 0.1) + 0.5 * collar + 0.2 * under),
        "top": 0.02 + below * (over + 0.03),
        "legs": under,
        "ground": 0.02 + 0.2 * _step(side - 0.7, 0.1) + 0.1 * under,
    }
    parts = {
        "hair": silhouette & (y < -0.1) & ~skin,
        "skin": face,
        "top": core & ~(bare & skin) & (y < hem),
        "legs": silhouette & (y > hem + 0.2),
        "ground": ~silhouette,
    }
    parts = {name: part.astype(np.float32) for name, part in parts.items()}
    sure = parts
    for _ in range(_ROUNDS):
        likely = {name: view.density(part) * may[name] for name, part in parts.items()}
        total = sum(likely.values()) + 1e-9
        parts = {name: cv2.GaussianBlur(one / total, (0, 0), 0.8) * silhouette for name, one in likely.items()}
        parts["ground"] = sure["ground"] + parts["ground"]
        parts["skin"] = sure["skin"] + parts["skin"]
    best = np.maximum.reduce([part for name, part in parts.items() if name != "top"])
    return _whole(silhouette & (parts["top"] >= best), silhouette & (parts["ground"] < 0.5), core)


def _step(distance: np.ndarray, soft: float) -> np.ndarray:
    """From 0 to 1 where a distance passes 0 (the logistic function)."""
    return 1 / (1 + np.exp(-np.clip(distance / soft, -30, 30)))


def _hem(view: View, clothes: np.ndarray, found: Head) -> float:
    """How far below the chin the colours change, in widths of the head; infinite if they do not.

    The mutual information of a pixel's colour and of its side of the hem, as a fraction of the side's entropy.
    """
    first = max(0, round(found.chin + 0.4 * found.wide))
    x, _ = _body(found, view.shape)
    rows = (clothes & (np.abs(x) < 1.1))[first:]
    colours = (view.lab[first:] // 16).astype(np.int64)
    cells = (colours[..., 0] * 16 + colours[..., 1]) * 16 + colours[..., 2]
    names, numbers = np.unique(cells[rows], return_inverse=True)
    if len(names) < 2:
        return np.inf
    table = np.zeros((len(rows), len(names)), np.float32)
    np.add.at(table, (np.nonzero(rows)[0], numbers), 1)
    above = np.cumsum(table, axis=0)
    under = above[-1] - above
    n = np.stack([above.sum(1), under.sum(1)])
    fraction = n / n[:, :1].sum()
    sides = _entropy(fraction.T)
    both = _entropy(above[-1:] / above[-1].sum())
    apart = np.stack([_entropy(one / np.maximum(one.sum(1, keepdims=True), 1)) for one in (above, under)])
    gain = (both - (fraction * apart).sum(0)) / np.maximum(sides, 1e-6)
    at = (first + 1 + np.arange(len(gain)) - found.chin) / found.wide
    gain[(at < 1.6) | (at > 5.5) | (fraction.min(0) < 0.06)] = 0
    best = int(np.argmax(gain))
    return float(at[best]) if gain[best] > _HEM else np.inf


def _entropy(fractions: np.ndarray) -> np.ndarray:
    return -(fractions * np.log(fractions + 1e-9)).sum(-1)


def _whole(part: np.ndarray, person: np.ndarray, core: np.ndarray) -> np.ndarray:
    """The largest piece in the middle of the body, without specks, with its prints."""
    plane = cv2.morphologyEx(part.astype(np.uint8), cv2.MORPH_OPEN, disc(3))
    plane = cv2.morphologyEx(plane, cv2.MORPH_CLOSE, disc(3))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(plane, connectivity=4)
    if count == 1:
        return part & False
    inside = np.bincount(labels[core], minlength=count)
    inside[0] = 0
    area = stats[:, cv2.CC_STAT_AREA].astype(float)
    area[0] = 0
    score = inside + 0.2 * area
    first = int(np.argmax(score))
    kept = np.isin(labels, np.flatnonzero((score > 0.15 * score[first]) & (area > 0)))
    outlines, _ = cv2.findContours(kept.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros(part.shape, np.uint8), outlines, -1, 1, cv2.FILLED) > 0
    return kept | (filled & person)

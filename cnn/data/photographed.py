"""Training images photographed: clothes in colour on a floor, a wall or a person, and cut out of that again.

`read` puts a photo through the reader that people's photos go through (`cnn.pictures.readings`), so that a network
learns from what it will be given; `cut` does the like in a fraction of the time, with a known mask that it spoils.
"""

import cv2
import numpy as np

from cnn.data import cloth, scenes, sketches, worn
from cnn.pictures import UnreadableImage, cutouts, readings
from cnn.pictures.network_input import NetworkInput, mapped_back

TOPS, SHOES, TROUSER, DRESS, BAG = (0, 2, 4, 6), (5, 7, 9), 1, 3, 8

_SEWN = 0.22  # fraction of the photos that show a sketched garment
_CUT = 56  # of what `cut` works on


def photographed(image: np.ndarray, label: int, rng: np.random.Generator) -> scenes.Scene:
    """A photo of a training image, uint8 (28, 28): worn or alone, a pair of shoes perhaps.

    Some show another garment of the class, sewn after a sketch: sleeves spread on the floor, shoes seen from above.
    """
    if label != BAG and rng.random() < _SEWN:  # what a handle encloses is no cloth
        return scenes.alone(*cloth.cloth(*cloth.sewn(sketches.sketch(label, rng), rng), rng), label, rng)
    level, mask = cloth.enlarged(image)
    if label in TOPS and rng.random() < 0.6:
        level = cloth.trimmed(level, mask, label, rng)
    rgb, mask = cloth.cloth(level, mask, rng)
    if label in (*TOPS, TROUSER, DRESS) and rng.random() < 0.5:
        return worn.worn(rgb, mask, label, rng)
    if label in SHOES:
        rgb, mask = scenes.shoes(rgb, mask, label, rng)
    return scenes.alone(rgb, mask, label, rng)


def read(rgb: np.ndarray, rng: np.random.Generator, garment: np.ndarray | None = None) -> np.ndarray | None:
    """A photo, float32 (H, W, 3) in [0, 255], put through the reader: one of its readings, by their weights.

    Args:
        garment: where it is, bool (H, W); readings that show less than 40% of it, a head or a wall, are passed over.

    Returns:
        uint8 (28, 28), or None if nothing is found.
    """
    try:
        found = readings.of_picture(as_photo(rgb, rng), used_only=True)
    except UnreadableImage:
        return None
    weights = np.array([reading.weight for reading in found])
    if garment is not None:
        weights *= [_shown(reading.seen, garment) >= 0.4 for reading in found]
    if not weights.any():
        return None
    chosen = found[int(rng.choice(len(found), p=weights / weights.sum()))]
    return np.rint(chosen.seen.pixels[..., 0] * 255).astype(np.uint8)


def _shown(seen: NetworkInput, garment: np.ndarray) -> float:
    """The fraction of a garment, bool (H, W), that a network input shows."""
    there = mapped_back((seen.pixels[..., 0] > 0).astype(np.float32), seen.frame, garment.shape[::-1])
    return float((there[garment] > 0.5).mean()) if garment.any() else 0.0


def as_photo(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """With a camera's noise and blur: float32 (H, W, 3) -> uint8."""
    rgb = cv2.GaussianBlur(rgb, (0, 0), rng.uniform(0.4, 0.9))
    grain = rng.standard_normal(rgb.shape, np.float32) * rng.uniform(0, 4)
    return np.clip(rgb + grain, 0, 255).astype(np.uint8)


def cut(scene: scenes.Scene, rng: np.random.Generator) -> np.ndarray:
    """Cut out with bites and leftovers, toned and framed as cut-outs of photos are: uint8 (28, 28).

    Of a person, the garment alone, all that is worn, or everything.
    """
    mask = scene.garment
    if scene.skin.any():
        bare = cv2.dilate(np.uint8(scene.skin), np.ones((3, 3), np.uint8)) > 0
        clothes = scene.body & ~bare
        clothes[: np.argmax(scene.garment.any(1))] = False  # hair
        mask = (mask, clothes, scene.body)[int(rng.choice(3, p=(0.4, 0.35, 0.25)))]
    negative = 255 - scene.rgb @ cloth.LUMA
    negative, mask = _turned(negative, mask, rng)
    kept = _spoilt(mask, rng)
    return cutouts.framed(cutouts.tones(negative, kept), kept)


def _turned(negative: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The mask's box, turned and stretched a little, on 56 x 56 pixels."""
    left, top, across, down = cv2.boundingRect(np.uint8(mask)) if mask.any() else (0, 0, *mask.shape[::-1])
    matrix = cv2.getRotationMatrix2D((0, 0), rng.normal(0, 6), rng.uniform(0.75, 0.95) * _CUT / max(across, down))
    matrix[:, :2] *= np.exp(rng.normal(0, 0.08, 2))
    matrix[:, 2] = [_CUT / 2, _CUT / 2] - matrix[:, :2] @ [left + across / 2, top + down / 2]
    tones = cv2.warpAffine(np.float32(negative), matrix, (_CUT, _CUT), borderMode=cv2.BORDER_REPLICATE)
    return tones, cv2.warpAffine(np.uint8(mask) * 255, matrix, (_CUT, _CUT)) > 127


def _spoilt(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A mask as a bad cut-out has it: bool (56, 56)."""
    kind = rng.random()
    if kind < 0.03:  # not cut at all: the whole image, ground included
        return np.ones_like(mask)
    if kind > 0.6:
        return mask if mask.any() else np.ones_like(mask)
    wobble = cloth.noise(mask.shape, rng.uniform(3, 8), rng) * rng.uniform(0, 1.6)
    inside = cv2.distanceTransform(np.uint8(mask), cv2.DIST_L2, 3)
    outside = cv2.distanceTransform(np.uint8(~mask), cv2.DIST_L2, 3)
    kept = inside - outside + wobble + rng.normal(0, 0.6) > 0
    if kind < 0.2:  # a leftover of the ground, or a bite
        spot = np.zeros(mask.shape, np.uint8)
        centre, axes = np.int32(rng.uniform(6, _CUT - 6, 2)).tolist(), np.int32(rng.uniform(2, 11, 2)).tolist()
        cv2.ellipse(spot, centre, axes, rng.uniform(0, 180), 0, 360, 1, -1)
        kept = kept | (spot > 0) if rng.random() < 0.6 else kept & (spot == 0)
    return kept if kept.sum() >= 40 else np.ones_like(mask)

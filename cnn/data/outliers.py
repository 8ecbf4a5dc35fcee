"""Images that show no garment, drawn by code, for a network to learn to be unsure of.

This is outlier exposure (Hendrycks, Mazeika, Dietterich 2019, arXiv:1812.04606).
"""

import cv2
import numpy as np

from cnn.data.drawn import rounded as _rounded

_BIG = 56
from cnn.pictures import cutouts, line_drawings

# ---------------------------------------------------------------- no garment at all


def outlier(rng: np.random.Generator) -> np.ndarray:
    """Something that is no garment, as the readings would show it: uint8 (28, 28).

    Letters, digits and signs; scribbles; polygons and ellipses; noise of every grain; gradients, pieces of landscape.
    """
    kind = rng.random()
    paper = np.zeros((112, 112), np.uint8)
    if kind < 0.3:
        text = "".join(rng.choice(list("0123456789ABCDEFGHKLMNPRSTXYZabdefghkmnqrt?&@#%+"), int(rng.integers(1, 3))))
        cv2.putText(
            paper,
            text,
            (8, 90),
            int(rng.choice((0, 2, 3, 4, 6, 7))),
            rng.uniform(2.2, 3.6),
            255,
            int(rng.integers(3, 14)),
        )
    elif kind < 0.45:
        points = np.cumsum(rng.normal(0, rng.uniform(6, 25), (int(rng.integers(3, 30)), 2)), axis=0)
        points = _rounded((points - points.mean(0) + 56).astype(np.float32))[:-4]
        cv2.polylines(paper, [np.int32(points)], bool(rng.random() < 0.3), 255, int(rng.integers(2, 7)))
    elif kind < 0.6:
        for _ in range(int(rng.integers(1, 6))):
            centre, axes = rng.uniform(20, 92, 2), rng.uniform(4, 45, 2)
            thickness = -1 if rng.random() < 0.5 else int(rng.integers(2, 6))
            tone = int(rng.integers(90, 256))
            if rng.random() < 0.5:
                box = (tuple(map(float, centre)), tuple(map(float, axes)), float(rng.uniform(0, 180)))
                corners = np.int32(cv2.boxPoints(box))
                cv2.fillPoly(paper, [corners], tone) if thickness < 0 else cv2.polylines(
                    paper, [corners], True, tone, thickness
                )
            else:
                cv2.ellipse(
                    paper,
                    np.int32(centre).tolist(),
                    np.int32(axes).tolist(),
                    float(rng.uniform(0, 180)),
                    0,
                    360,
                    tone,
                    thickness,
                )
    if kind < 0.6:
        if not paper.any():
            return outlier(rng)
        if rng.random() < 0.6:
            return np.rint(line_drawings.strokes_to_pixels(paper)[0] * 255).astype(np.uint8)
        return cutouts.framed(paper, paper > 0)
    grain = np.exp(rng.uniform(np.log(0.3), np.log(14)))
    noise = cv2.GaussianBlur(rng.normal(0, 1, (_BIG, _BIG)).astype(np.float32), (0, 0), grain)
    if rng.random() < 0.5:
        noise += cv2.GaussianBlur(rng.normal(0, 1, (_BIG, _BIG)).astype(np.float32), (0, 0), 3 * grain) * rng.uniform(
            0.5, 4
        )
    if rng.random() < 0.4:
        noise += np.linspace(-1, 1, _BIG, dtype=np.float32)[:, None] * noise.std() * rng.normal(0, 2)
    tones = 128 + noise * (rng.uniform(15, 90) / max(float(noise.std()), 1e-6))
    cut = np.ones((_BIG, _BIG), bool)
    if rng.random() < 0.55:  # a blob of it, as a cut-out of nothing in particular
        field = cv2.GaussianBlur(rng.normal(0, 1, (_BIG, _BIG)).astype(np.float32), (0, 0), rng.uniform(3, 9))
        cut = field > np.quantile(field, rng.uniform(0.3, 0.8))
    return cutouts.framed(cutouts.tones(np.clip(tones, 0, 255).astype(np.float32), cut), cut)

"""Training images as they will be met at work: drawn by hand, cut out of photos, worn, in pairs.

Fashion-MNIST shows each garment once, evenly lit, on black. What people bring are line drawings, filled shapes, and
photos from which a garment was cut more or less well. `restyled` makes such an image out of a training image, at
random, so that a network learns what survives: the shape and a few inner strokes. Random choices come from the
generator that is handed in, so that an image depends on (seed, number) alone. The shares, sizes and tones in here were
chosen by looking at the results beside people's drawings and photos.
"""

import cv2
import numpy as np

from cnn.pictures import cutouts, line_drawings

_BIG = 56  # working size for what is pasted and cut
_TOPS, _SHOES = (0, 2, 4, 6), (5, 7, 9)
TROUSER, PULLOVER, DRESS, COAT, SHIRT, SNEAKER, BAG = 1, 2, 3, 4, 6, 7, 8


def restyled(images: np.ndarray, labels: np.ndarray, index: int, rng: np.random.Generator) -> np.ndarray:
    """One training image in another style.

    Args:
        images: uint8 (n, 28, 28), bright garments on black; others than the chosen one are worn with it.
        labels: uint8 (n,).
        index: the chosen image.
        rng: source of every random choice.

    Returns:
        uint8 (28, 28).
    """
    image, label = images[index], int(labels[index])
    draw = rng.random()
    if draw < 0.45:
        return line_drawing(image, label, rng)
    if draw < 0.52:
        return filled_shape(image, rng)
    grey, mask = _big(image, rng)
    grey = _retoned(grey, mask, rng)
    if label in _SHOES and rng.random() < 0.4:
        grey, mask = _pair(grey, mask, rng)
    elif label not in _SHOES and label != BAG and rng.random() < 0.4:
        grey, mask = _worn(grey, mask, label, images, labels, rng)
    return _badly_cut(grey, mask, rng)


# ---------------------------------------------------------------- drawn by hand


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


def line_drawing(image: np.ndarray, label: int, rng: np.random.Generator) -> np.ndarray:
    """The outline and some inner strokes, in a shaky hand: uint8 (28, 28)."""
    edge = line_drawings.EDGE
    shape = silhouette(image, edge)
    paper = np.zeros((edge, edge), np.uint8)
    contours, _ = cv2.findContours(shape, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    width = int(rng.integers(2, 6))
    shake = rng.uniform(0, 2.2)
    coarse = rng.uniform(0.6, 3.5)
    warp = _by_hand(edge, rng)
    for contour in contours:
        if len(contour) < 12:
            continue
        points = cv2.approxPolyDP(contour, coarse, True)[:, 0].astype(np.float32)
        points = points + rng.normal(0, shake, points.shape)
        if rng.random() < 0.5:
            points = _rounded(points)
        _stroke(paper, warp(points), width, rng, closed=True)
    left, top, across, down = cv2.boundingRect(shape) if shape.any() else (0, 0, edge, edge)
    if rng.random() < 0.7:
        inner = cv2.Canny(cv2.GaussianBlur(cv2.resize(image, (edge, edge)), (0, 0), 1.5), 25, 60)
        core = cv2.erode(shape, np.ones((7, 7), np.uint8))
        lines, _ = cv2.findContours(cv2.bitwise_and(inner, core), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        lines = sorted((line for line in lines if len(line) > 16), key=len, reverse=True)[: int(rng.integers(1, 7))]
        for line in lines:
            points = cv2.approxPolyDP(line, 1.5, False)[:, 0].astype(np.float32)
            _stroke(paper, warp(points + rng.normal(0, shake / 2, points.shape)), width, rng, closed=False)
    for points in _hints(label, left, top, across, down, rng):
        _stroke(paper, warp(points + rng.normal(0, shake / 2, points.shape)), width, rng, closed=False)
    if not paper.any():
        return image
    pixels, *_ = line_drawings.strokes_to_pixels(paper)
    return np.rint(pixels * 255).astype(np.uint8)


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


def _by_hand(edge: int, rng: np.random.Generator):
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


def _rounded(points: np.ndarray) -> np.ndarray:
    """Chaikin's corner cutting (1974), twice: (n, 2) -> (4n, 2)."""
    for _ in range(2):
        following = np.roll(points, -1, axis=0)
        points = np.stack([0.75 * points + 0.25 * following, 0.25 * points + 0.75 * following], 1).reshape(-1, 2)
    return points


def _stroke(paper: np.ndarray, points: np.ndarray, width: int, rng: np.random.Generator, closed: bool) -> None:
    if closed:
        start = int(rng.integers(len(points)))
        points = np.roll(points, -start, axis=0)
        points = np.concatenate([points, points[:1] + rng.normal(0, 2.0, 2) * (rng.random() < 0.4)])
        if rng.random() < 0.2:  # the pen stopped early
            points = points[: max(2, int(len(points) * rng.uniform(0.8, 1.0)))]
    cv2.polylines(paper, [np.int32(np.rint(points * 16))], False, 255, width, cv2.LINE_8, 4)


def filled_shape(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The garment painted with a broad brush in one tone: uint8 (28, 28)."""
    shape = silhouette(image, 112)
    warp = _by_hand(112, rng)
    paper = np.zeros_like(shape)
    contours, _ = cv2.findContours(shape, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    shapes = []
    for contour in contours:
        points = cv2.approxPolyDP(contour, rng.uniform(0.6, 3.0), True)[:, 0].astype(np.float32)
        if len(points) > 2:
            shapes.append(np.int32(np.rint(warp(_rounded(points + rng.normal(0, rng.uniform(0, 1.5), points.shape))))))
    if not shapes:
        return image
    cv2.fillPoly(paper, shapes, int(rng.integers(120, 256)))
    if rng.random() < 0.4:  # unpainted spots
        spots = cv2.GaussianBlur(rng.random((112, 112), np.float32), (0, 0), rng.uniform(1, 4))
        paper[spots < np.quantile(spots, rng.uniform(0.0, 0.15))] //= 2
    return cutouts.framed(paper, paper > 0)


# ---------------------------------------------------------------- cut out of photos


def _big(image: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    grey = cv2.resize(image, (_BIG, _BIG), interpolation=cv2.INTER_LINEAR)
    return grey.astype(np.float32), silhouette(image, _BIG) > 0


def _retoned(grey: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another cloth: brightness, contrast, pattern, folds, light from one side. float32 (56, 56) in [0, 255]."""
    level = grey / 255
    if rng.random() < 0.35:
        level = 1 - level
    level = level ** np.exp(rng.normal(0, 0.5))
    level = rng.uniform(0.1, 0.9) + (level - level[mask].mean() if mask.any() else level) * rng.uniform(0.2, 1.0)
    y, x = np.mgrid[0:_BIG, 0:_BIG].astype(np.float32) / _BIG
    if rng.random() < 0.22:
        angle, count = rng.choice((0, 1.57, rng.uniform(0, 3.14))), rng.uniform(3, 14)
        stripes = np.sin(6.283 * count * (x * np.cos(angle) + y * np.sin(angle)))
        if rng.random() < 0.4:
            stripes = stripes + np.sin(6.283 * count * (x * np.sin(angle) - y * np.cos(angle)))
        level = level + rng.uniform(0.05, 0.3) * stripes
    if rng.random() < 0.5:  # folds, prints
        noise = cv2.GaussianBlur(rng.normal(0, 1, (_BIG, _BIG)).astype(np.float32), (0, 0), rng.uniform(1, 6))
        level = level + noise * (rng.uniform(0.03, 0.22) / max(float(noise.std()), 1e-6))
    if rng.random() < 0.15:  # a print on the chest
        cx, cy, r = rng.uniform(22, 34), rng.uniform(18, 34), rng.uniform(3, 9)
        inside = (np.abs(x * _BIG - cx) < r) & (np.abs(y * _BIG - cy) < r * rng.uniform(0.5, 1.2))
        level = level + inside * rng.normal(0, 0.4)
    level = level + rng.normal(0, 0.15) * (x - 0.5) + rng.normal(0, 0.15) * (y - 0.5)
    return np.clip(level, 0, 1) * 255


def _pair(grey: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two shoes side by side, turned."""
    out, shape = np.zeros_like(grey), np.zeros(mask.shape, bool)
    turn = rng.choice((0.0, rng.uniform(-180, 180), rng.choice((-90.0, 90.0)))) + rng.normal(0, 10)
    across, size = rng.uniform(4, 15), rng.uniform(0.55, 0.85)
    direction = np.deg2rad(turn + 90 + rng.normal(0, 35))
    step = np.array([np.cos(direction), np.sin(direction)]) * across
    for sign in (-1, 1):
        matrix = cv2.getRotationMatrix2D((_BIG / 2, _BIG / 2), turn + rng.normal(0, 8), size)
        matrix[:, 2] += sign * step
        moved = cv2.warpAffine(grey, matrix, (_BIG, _BIG))
        where = cv2.warpAffine(mask.astype(np.uint8), matrix, (_BIG, _BIG)) > 0
        if sign > 0 and rng.random() < 0.5:
            moved = moved * rng.uniform(0.7, 1.0)
        out[where] = moved[where]
        shape |= where
    return out, shape


def _worn(grey, mask, label, images, labels, rng) -> tuple[np.ndarray, np.ndarray]:
    """Head, neck, arms, legs, and another garment above or below, cut by the image's edge as people are."""
    canvas, shape = np.zeros((_BIG, _BIG), np.float32), np.zeros((_BIG, _BIG), np.uint8)
    skin = rng.uniform(40, 190)
    size = rng.uniform(0.5, 0.85) if label in (*_TOPS, TROUSER) else rng.uniform(0.6, 0.85)
    left, top, across, down = cv2.boundingRect(mask.astype(np.uint8))
    x0 = _BIG / 2 - size * (left + across / 2)
    highest = (0.2, 0.42) if label == TROUSER else (0.08, 0.25)
    y0 = rng.uniform(*highest) * _BIG - size * top
    matrix = np.array([[size, 0, x0], [0, size, y0]])
    mine = cv2.warpAffine(grey, matrix, (_BIG, _BIG))
    my_mask = cv2.warpAffine(mask.astype(np.uint8), matrix, (_BIG, _BIG)) > 0
    cx, neck, hem = _BIG / 2, y0 + size * top, y0 + size * (top + down)
    half = size * across / 2

    def blob(centre, axes, tone):
        cv2.ellipse(
            canvas, (int(centre[0]), int(centre[1])), (max(1, int(axes[0])), max(1, int(axes[1]))), 0, 0, 360, tone, -1
        )
        cv2.ellipse(
            shape, (int(centre[0]), int(centre[1])), (max(1, int(axes[0])), max(1, int(axes[1]))), 0, 0, 360, 255, -1
        )

    def limb(start, end, width, tone):
        for target, value in ((canvas, tone), (shape, 255)):
            cv2.line(target, (int(start[0]), int(start[1])), (int(end[0]), int(end[1])), value, max(1, int(width)))

    other = rng.uniform(20, 240)
    head = rng.uniform(3.5, 5.5) * size / 0.7
    if label == TROUSER:
        waist = neck
        blob((cx, waist - rng.uniform(2, 8)), (half * rng.uniform(0.8, 1.2), rng.uniform(6, 16)), other)
        for side in (-1, 1):
            limb(
                (cx + side * half * 0.6, hem - 1),
                (cx + side * half * rng.uniform(0.6, 0.9), hem + 4),
                3,
                rng.choice((skin, other)),
            )
            if rng.random() < 0.5:
                limb(
                    (cx + side * half * 1.1, waist - 8), (cx + side * half * rng.uniform(1.0, 1.6), waist + 8), 3, skin
                )
    else:
        if rng.random() < 0.75:
            blob((cx + rng.normal(0, 1), neck - head * 0.8), (head * 0.75, head), skin)
            if rng.random() < 0.7:
                blob((cx, neck - head * 1.3), (head * 0.85, head * 0.7), rng.uniform(120, 250))
        limb((cx, neck - 2), (cx, neck + 3), head * 0.8, skin)
        if label == DRESS or rng.random() < 0.15:
            for side in (-1, 1):
                limb((cx + side * half * 0.3, hem - 3), (cx + side * half * rng.uniform(0.1, 0.5), hem + 14), 3, skin)
        elif rng.random() < 0.85:
            for side in (-1, 1):
                limb(
                    (cx + side * half * 0.3, hem - 3),
                    (cx + side * half * rng.uniform(0.2, 0.5), hem + 20),
                    half * rng.uniform(0.4, 0.65),
                    other,
                )
        if label in (0, DRESS) or rng.random() < 0.3:
            for side in (-1, 1):
                elbow = (cx + side * half * rng.uniform(0.9, 1.3), neck + size * down * rng.uniform(0.45, 0.6))
                limb((cx + side * half * 0.85, neck + size * down * 0.2), elbow, 2.6 * size / 0.7, skin)
                limb(
                    elbow,
                    (cx + side * half * rng.uniform(0.3, 1.2), neck + size * down * rng.uniform(0.6, 0.95)),
                    2.3 * size / 0.7,
                    skin,
                )
    canvas[my_mask] = mine[my_mask]
    whole = (shape > 0) | my_mask
    if rng.random() < 0.3:  # skin was told from cloth
        whole &= my_mask | (rng.random() < 0.5) & (canvas != np.float32(skin))
    return canvas, whole


def _badly_cut(grey: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turned a little, cut out with bites and leftovers, toned and framed as cut-outs of photos are: uint8 (28, 28)."""
    matrix = cv2.getRotationMatrix2D((_BIG / 2, _BIG / 2), rng.normal(0, 9), rng.uniform(0.75, 0.95))
    matrix[:, :2] *= np.exp(rng.normal(0, 0.08, 2))
    matrix[:, 2] = [_BIG / 2, _BIG / 2] - matrix[:, :2] @ [_BIG / 2, _BIG / 2]
    grey = cv2.warpAffine(grey, matrix, (_BIG, _BIG))
    mask = cv2.warpAffine(mask.astype(np.uint8) * 255, matrix, (_BIG, _BIG)) > 127
    kind = rng.random()
    ground = np.full((_BIG, _BIG), rng.uniform(0, 255), np.float32)
    noise = cv2.GaussianBlur(rng.normal(0, 1, (_BIG, _BIG)).astype(np.float32), (0, 0), rng.uniform(0.7, 5))
    ground += noise * (rng.uniform(0, 45) / max(float(noise.std()), 1e-6))
    if kind < 0.55:  # an uneven edge
        wobble = cv2.GaussianBlur(rng.normal(0, 1, (_BIG, _BIG)).astype(np.float32), (0, 0), rng.uniform(1.5, 4))
        wobble *= rng.uniform(0, 1.6) / max(float(wobble.std()), 1e-6)
        inside = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
        outside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3)
        cut = inside - outside + wobble + rng.normal(0, 0.6) > 0
        if kind < 0.2:  # a leftover of the ground, or a bite
            cx, cy = rng.uniform(6, _BIG - 6, 2)
            spot = np.zeros_like(cut, np.uint8)
            cv2.ellipse(
                spot,
                (int(cx), int(cy)),
                (int(rng.uniform(2, 12)), int(rng.uniform(2, 9))),
                rng.uniform(0, 180),
                0,
                360,
                1,
                -1,
            )
            cut = cut | (spot > 0) if rng.random() < 0.6 else cut & ~(spot > 0)
    elif kind < 0.65:  # not cut at all: the whole image, ground included
        cut = np.ones_like(mask)
    else:
        cut = mask
    if cut.sum() < 40:
        cut = mask
    grey = np.where(mask, grey, ground)
    return cutouts.framed(cutouts.tones(grey, cut), cut)

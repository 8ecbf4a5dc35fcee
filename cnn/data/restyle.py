"""Training images as they will be met at work: drawn by hand, cut out of photos, worn, in pairs.

Fashion-MNIST shows each garment once, evenly lit, on black. What people bring are line drawings, filled shapes, and
photos from which a garment was cut more or less well. `restyled` makes such an image out of a training image, at
random, so that a network learns what survives: the shape and a few inner strokes. Random choices come from the
generator that is handed in, so that an image depends on (seed, number) alone. The fractions, sizes and tones were
chosen by looking at the results beside people's drawings and photos.
"""

import numpy as np

from cnn.data import cloth, drawn, photographed, sketches

BAG = 8

_FROM_MEMORY, _TRACED, _PAINTED, _READ = 0.22, 0.2, 0.07, 0.1  # fractions of each style; the rest is cut out, not read


def restyled(images: np.ndarray, labels: np.ndarray, index: int, rng: np.random.Generator) -> np.ndarray:
    """One training image in another style. A drawing from memory takes no more than its class from it.

    Args:
        images: uint8 (n, 28, 28), bright garments on black.
        labels: uint8 (n,).
        index: the chosen image.
        rng: source of every random choice.

    Returns:
        uint8 (28, 28).
    """
    image, label = images[index], int(labels[index])
    draw = rng.random()
    if draw < _FROM_MEMORY:
        return drawn.from_memory(sketches.sketch(label, rng), rng)
    if draw < _FROM_MEMORY + _TRACED:
        return drawn.line_drawing(image, label, rng)
    if draw < _FROM_MEMORY + _TRACED + _PAINTED:
        if label == BAG or rng.random() < 0.6:  # what a sketched handle encloses would be painted too
            return drawn.filled_shape(image, rng)
        return drawn.painted(cloth.sewn(sketches.sketch(label, rng), rng)[1].astype(np.uint8), rng)
    scene = photographed.photographed(image, label, rng)
    seen = photographed.read(scene.rgb, rng, scene.garment) if draw > 1 - _READ else None
    return photographed.cut(scene, rng) if seen is None else seen

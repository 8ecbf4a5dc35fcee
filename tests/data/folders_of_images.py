"""Small datasets of people's own: images that can be told apart, in folders of classes."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image


def pixels(number: int, edge: int = 24) -> np.ndarray:
    """An image of large random blocks, uint8 (edge, edge, 3): another one for every number."""
    blocks = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
    return blocks.repeat(edge // 8, axis=0).repeat(edge // 8, axis=1)


def png(number: int, edge: int = 24) -> bytes:
    """The same as a PNG file."""
    return encoded(pixels(number, edge), "PNG")


def encoded(image: np.ndarray, kind: str, **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, **options)
    return file.getvalue()


def fill(folder: Path, counts: Mapping[str, int], first: int = 0, edge: int = 24) -> Path:
    """Folders of these names with so many different images each."""
    for name, count in counts.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for _ in range(count):
            (folder / name / f"{first:03}.png").write_bytes(png(first, edge))
            first += 1
    return folder

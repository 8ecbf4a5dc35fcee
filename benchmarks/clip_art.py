"""The images of no garment that `wardrobe` is trained with: `python -m benchmarks.clip_art OPENCLIPART DIR`.

OPENCLIPART is the folder `/usr/share/openclipart/png` of Debian's package openclipart-png: drawings in the public
domain of animals, food, plants, houses, furniture, vehicles, tools, toys, instruments, signs. A choice of them, at most
80 of each folder (25 of the plain signs), is written to DIR/none for `python -m cnn.train --pictures`; people and their
clothes, flags, playing cards and buttons are left out. The same choice each time.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

_LEFT_OUT = ("people/clothing", "computer/icons", "computer/folders", "buttons", "flags", "cards", "logos", "special")
_UNSORTED = ("people", "unsorted", "unsorted/duplicates")
_PLAIN = ("shapes", "office", "signs_and_symbols", "computer", "education", "transportation/aiga-symbols")
_EDGE = 320  # of what is written; nothing is read at more than 256 pixels
_SMALLEST, _LARGEST = 16, 2_000  # pixels along an edge of what is read


def chosen(source: Path) -> list[Path]:
    """The files that are copied, in order."""
    chance = np.random.default_rng(1)
    found: list[Path] = []
    for folder in sorted(path for path in source.rglob("*") if path.is_dir()):
        name = folder.relative_to(source).as_posix()
        if name in _UNSORTED or any(part in name for part in _LEFT_OUT):
            continue
        files, most = sorted(folder.glob("*.png")), 25 if name.startswith(_PLAIN) else 80
        found += [files[index] for index in sorted(chance.choice(len(files), min(most, len(files)), replace=False))]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("source", type=Path, metavar="OPENCLIPART")
    parser.add_argument("target", type=Path, metavar="DIR")
    options = parser.parse_args()
    folder = options.target / "none"
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    Image.MAX_IMAGE_PIXELS = None  # the largest are not decoded
    for file in chosen(options.source):
        with Image.open(file) as image:
            if min(image.size) >= _SMALLEST and max(image.size) <= _LARGEST:
                picture = image.convert("RGBA")
                picture.thumbnail((_EDGE, _EDGE))
                picture.save(folder / f"{file.parent.name}-{file.name}")
                written += 1
    print(f"{written:,} images in {folder}")


if __name__ == "__main__":
    main()

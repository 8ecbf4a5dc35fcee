"""Are images of other things called unlike clothing? `python -m benchmarks.unlike [--garments DIR ...] [--others DIR]`.

Garments are 2,000 of Fashion-MNIST's test images, which neither training nor the threshold has seen, and those of your
labelled folders (`<label>_<class>`) that were held out from training. Other things are hand-written digits, faces,
landscapes and scenes, textures, and noise, none of them drawn by this project, and the images in DIR, each subfolder a
kind; each goes through the program's own readings, as an upload would. Prints, at the run's own threshold on the
familiarity (`cnn.networks.predictor.energy`, of several looks), the fraction of rightly recognised garments that is
kept and of each kind of thing that is refused, and the area under the ROC curve between these and all others.
The last line is one JSON object. Needs `pip install -r benchmarks/requirements.txt`.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import skimage
import skimage.data
from PIL import Image
from sklearn import datasets

from benchmarks.report import machine
from cnn import data, runs
from cnn.config import Data
from cnn.data import mixture
from cnn.evaluation.out_of_distribution import auroc
from cnn.networks.predictor import Predictor
from cnn.pictures import UnreadableImage, readings

_OF_EACH = 100
_TESTED = 2_000  # test images
_REFUSED = -1e6  # the familiarity of what the program refuses before it asks the network
_SCENES = ("astronaut", "camera", "chelsea", "coffee", "coins", "moon", "rocket", "hubble_deep_field")
_TEXTURES = ("brick", "grass", "gravel")


def digits(chance: np.random.Generator) -> Iterator[Image.Image]:
    """Dark on light, 8 x 8 enlarged to 200 x 200."""
    found = datasets.load_digits().images
    for index in chance.choice(len(found), _OF_EACH, replace=False):
        yield Image.fromarray(np.uint8(255 - found[index] * 15.9)).resize((200, 200), Image.Resampling.BICUBIC)


def faces(chance: np.random.Generator) -> Iterator[Image.Image]:
    """25 x 25, enlarged to 200 x 200."""
    for face in skimage.data.lfw_subset()[:_OF_EACH]:
        yield Image.fromarray(np.uint8(face * 255)).resize((200, 200), Image.Resampling.BICUBIC)


def landscapes(chance: np.random.Generator) -> Iterator[Image.Image]:
    """Pieces of a temple in a landscape, a flower in a garden, and scenes."""
    scenes = [*datasets.load_sample_images().images, *(getattr(skimage.data, name)() for name in _SCENES)]
    yield from _pieces(scenes, chance)


def textures(chance: np.random.Generator) -> Iterator[Image.Image]:
    yield from _pieces([getattr(skimage.data, name)() for name in _TEXTURES], chance)


def noise(chance: np.random.Generator) -> Iterator[Image.Image]:
    """Of every pixel on its own, and of blocks of 2 to 32."""
    for number in range(_OF_EACH):
        edge = 200 >> (number % 6)
        small = Image.fromarray(chance.integers(0, 256, (edge, edge, 3), np.uint8))
        yield small.resize((200, 200), Image.Resampling.BILINEAR)


def _pieces(scenes: list[np.ndarray], chance: np.random.Generator) -> Iterator[Image.Image]:
    for number in range(_OF_EACH):
        scene = scenes[number % len(scenes)]
        edge = int(chance.uniform(0.4, 1.0) * min(scene.shape[:2]))
        top, left = (int(chance.integers(0, length - edge + 1)) for length in scene.shape[:2])
        yield Image.fromarray(scene[top : top + edge, left : left + edge])


KINDS = {"digits": digits, "faces": faces, "landscapes": landscapes, "textures": textures, "noise": noise}


def of_folder(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.rglob("*") if path.is_file())


def familiarity(predictor: Predictor, picture: Image.Image | Path) -> float:
    """Of one image, as an upload would get it; none at all where it is refused before the network is asked."""
    try:
        found = (
            readings.read(picture, used_only=True)
            if isinstance(picture, Path)
            else readings.of_picture(picture, used_only=True)
        )
    except UnreadableImage:
        return _REFUSED
    return predictor.answer(found).familiarity


def recognised(predictor: Predictor, folder: Path) -> np.ndarray:
    """The familiarities of a folder's held-out images that are classified rightly."""
    items = [item for item in mixture.labelled_files(folder) if mixture.is_held_out(item[0])]
    answers = [(predictor.answer(readings.read(file, used_only=True)), label) for file, label in items]
    return np.array([answer.familiarity for answer, label in answers if answer.label == label])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", default=runs.DEFAULT_ID)
    parser.add_argument("--garments", nargs="+", type=Path, default=[], metavar="DIR")
    parser.add_argument("--others", type=Path, metavar="DIR")
    options = parser.parse_args()
    predictor = Predictor(runs.find(options.run))
    if predictor.threshold is None:
        sys.exit(f"{predictor.run.name} has no threshold: its familiarity says too little.")
    test = data.load(Data()).test
    looks = [predictor.looks(data.scaled(test.images[start : start + 200])) for start in range(0, _TESTED, 200)]
    probabilities, scores = (np.concatenate(parts) for parts in zip(*looks, strict=True))
    garments = {"test images": scores[probabilities.argmax(axis=1) == test.labels[:_TESTED]]}
    garments |= {folder.name: recognised(predictor, folder) for folder in options.garments}
    kinds = {kind: make(np.random.default_rng(7)) for kind, make in KINDS.items()}
    if options.others:
        kinds |= {path.name: of_folder(path) for path in sorted(options.others.iterdir()) if path.is_dir()}
    others = {
        kind: np.array([familiarity(predictor, picture) for picture in pictures]) for kind, pictures in kinds.items()
    }
    every = np.concatenate(list(others.values()))
    print(machine())
    print(f"{predictor.run.id}, threshold {predictor.threshold:.2f}")
    result: dict[str, dict[str, Any]] = {"garments": {}, "others": {}}
    for kind, scores in garments.items():
        kept, area = float((scores >= predictor.threshold).mean()), auroc(scores, every)
        result["garments"][kind] = {"n": len(scores), "kept": round(kept, 4), "auroc": round(area, 4)}
        print(
            f"{kind:16} {len(scores):4} recognised garments  kept {kept:.1%}  AUROC against all other things {area:.3f}"
        )
    for kind, scores in {**others, "all": every}.items():
        refused = float((scores < predictor.threshold).mean())
        result["others"][kind] = {"n": len(scores), "refused": round(refused, 4)}
        print(f"{kind:16} {len(scores):4} images  refused {refused:.1%}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()

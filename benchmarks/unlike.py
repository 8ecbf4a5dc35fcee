"""Are images of other things called unlike clothing? `python -m benchmarks.unlike [--run RUN]`.

Garments are Fashion-MNIST's 10,000 test images, which neither training nor the threshold has seen. Other things are
hand-written digits, faces, landscapes and scenes, textures, and noise, none of them drawn by this project; each goes
through the program's own readings, as an upload would. Prints the area under the ROC curve of the familiarity score
(`cnn.networks.predictor.energy`), and at the run's own threshold the fraction of garments kept and of each kind of
thing refused. The last line is one JSON object. Needs `pip install -r benchmarks/requirements.txt`.
"""

import argparse
import json
import sys
from collections.abc import Iterator

import numpy as np
import skimage
import skimage.data
from PIL import Image
from sklearn import datasets

from benchmarks.report import machine
from cnn import data, runs
from cnn.config import Data
from cnn.evaluation.out_of_distribution import auroc
from cnn.networks.predictor import Predictor
from cnn.pictures import UnreadableImage, readings

_OF_EACH = 100
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", default=runs.DEFAULT_ID)
    options = parser.parse_args()
    predictor = Predictor(runs.find(options.run))
    if predictor.threshold is None:
        sys.exit(f"{predictor.run.name} has no threshold: it is measured at the end of a training.")
    test = data.load(Data()).test
    garments = predictor.energies(data.scaled(test.images))
    others = {}
    for kind, pictures in KINDS.items():
        scores = []
        for picture in pictures(np.random.default_rng(7)):
            try:
                scores.append(predictor.energy(readings.of_picture(picture, used_only=True)))
            except UnreadableImage:
                scores.append(-np.inf)  # refused before the network was asked
        others[kind] = np.array(scores)
    every = np.concatenate(list(others.values()))
    print(machine())
    kept = float((garments >= predictor.threshold).mean())
    print(f"{predictor.run.id}, threshold {predictor.threshold:.2f}: {kept:.1%} of {len(garments):,} garments kept")
    result = {"garments_kept": round(kept, 4), "kinds": {}}
    for kind, scores in {**others, "all": every}.items():
        refused, area = float((scores < predictor.threshold).mean()), auroc(garments, scores)
        result["kinds"][kind] = {"n": len(scores), "auroc": round(area, 4), "refused": round(refused, 4)}
        print(f"{kind:11} {len(scores):4} images  AUROC {area:.3f}  refused {refused:.1%}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()

"""A trained network that answers quickly: `python -m cnn.predict [--run RUN] [--json] FILE...`.

The network is loaded once, compiled and warmed; a lock keeps the visitors of the dashboard apart. How a picture
becomes the network's input is the business of `cnn.readings`; here its readings become one answer.
"""

import argparse
import functools
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from cnn import images, readings, runs, views
from cnn.config import CLASS_NAMES, INPUT_SHAPE
from cnn.familiarity import energy
from cnn.readings import Reading
from cnn.runs import Run


class Predictor:
    """The network of one run, ready to answer.

    Args:
        run: a run with a model.

    Raises:
        UnreadableModel: the run has no model, or it cannot be read.
    """

    def __init__(self, run: Run):
        import tensorflow as tf

        from cnn import model as networks

        self.run = run
        self.model = networks.load(run)
        self._lock = Lock()
        both = networks.with_features(self.model)
        signature = [tf.TensorSpec((None, *INPUT_SHAPE), tf.float32)]
        self._forward = tf.function(lambda x: both(x, training=False), input_signature=signature)
        self._logits = functools.partial(networks.logits, self.model)
        self(np.zeros((1, *INPUT_SHAPE), np.float32))

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Pictures float32 (n, 28, 28, 1) in [0, 1] -> probabilities float32 (n, 10)."""
        return self._both(pixels)[0]

    def features(self, pixels: np.ndarray) -> np.ndarray:
        """Pictures float32 (n, 28, 28, 1) in [0, 1] -> what the output layer reads of them, float32 (n, f)."""
        return self._both(pixels)[1]

    def _both(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with self._lock:
            probabilities, features = self._forward(pixels)
        return probabilities.numpy(), features.numpy()

    @property
    def threshold(self) -> float | None:
        """The energy below which a picture is unlike what the network was trained on; None if it was not measured."""
        return ((self.run.evaluation or {}).get("familiarity") or {}).get("threshold")

    def energy(self, readings: Sequence[Reading]) -> float:
        """How familiar the readings that have a weight are, each as much as it weighs: see `cnn.familiarity`.

        Where none has one, as when a reading was chosen by hand, they count alike.
        """
        used = [reading for reading in readings if reading.weight > 0] or list(readings)
        found = self.energies(np.stack([reading.seen.pixels for reading in used]))
        return float(np.average(found, weights=[reading.weight or 1 for reading in used]))

    def energies(self, pixels: np.ndarray) -> np.ndarray:
        """How familiar pictures float32 (n, 28, 28, 1) are, each for itself: (n,)."""
        batches = [pixels[start : start + 500] for start in range(0, len(pixels), 500)]
        return np.concatenate([energy(self._logits(self.features(batch))) for batch in batches])

    def each(self, readings: Sequence[Reading]) -> np.ndarray:
        """What the network says to every reading, float32 (n, 10): the mean over several looks, see `cnn.views`."""
        return views.mean(self(views.of(np.stack([reading.seen.pixels for reading in readings]))))

    def answer(self, readings: Sequence[Reading]) -> np.ndarray:
        """The automatic answer (10,): all readings that have a weight, each as much as it weighs."""
        used = [reading for reading in readings if reading.weight > 0]
        return combined(used, self.each(used))


def combined(readings: Sequence[Reading], each: np.ndarray) -> np.ndarray:
    """The automatic answer: the readings' probabilities (n, 10) in the proportion of their weights -> (10,)."""
    weights = np.array([reading.weight for reading in readings], np.float32)
    return weights @ each / weights.sum()


def labelled(probabilities: np.ndarray) -> dict[str, Any]:
    """Probabilities (10,) with the most probable class by its name and number, ready for JSON."""
    index = int(probabilities.argmax())
    return {
        "label": CLASS_NAMES[index],
        "index": index,
        "confidence": round(float(probabilities[index]), 6),
        "probabilities": [round(float(p), 6) for p in probabilities],
    }


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0, 1 if a file could not be classified, 2 if there is no such run or model."""
    parser = argparse.ArgumentParser(prog="python -m cnn.predict", description="Classify pictures of clothes.")
    parser.add_argument("--run", default=runs.DEFAULT_ID, help="id or directory; the shipped model where left out")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
    options = parser.parse_args(arguments)
    from cnn import model as networks

    try:
        predictor = Predictor(runs.find(options.run))
    except (runs.UnknownRun, networks.UnreadableModel) as error:
        print(f"cnn.predict: {error}", file=sys.stderr)
        return 2
    failed = False
    for file in options.files:
        result = _classify(predictor, file)
        failed |= "error" in result
        print(json.dumps(result) if options.json else _sentence(result), flush=True)
    return int(failed)


def _classify(predictor: Predictor, file: Path) -> dict[str, Any]:
    try:
        found = readings.read(file, used_only=True)
    except images.UnreadableImage as error:
        return {"file": str(file), "error": str(error)}
    heaviest = max(found, key=lambda reading: reading.weight)
    result = {"file": str(file), **labelled(predictor.answer(found)), "reading": heaviest.name}
    if predictor.threshold is not None:
        familiarity = predictor.energy(found)
        result |= {"familiarity": round(familiarity, 3), "unlike": familiarity < predictor.threshold}
    return result


def _sentence(result: dict[str, Any]) -> str:
    if "error" in result:
        return f"{result['file']}: {result['error']}"
    unlike = "; unlike anything it was trained on" if result.get("unlike") else ""
    return f"{result['file']}: {result['label']} (confidence {result['confidence']:.1%}{unlike})"


if __name__ == "__main__":
    sys.exit(main())

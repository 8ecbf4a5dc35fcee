"""A trained network that answers quickly: `python -m cnn.predict [--run RUN] [--json] FILE...`.

The network is loaded once, compiled and warmed; a lock keeps the visitors of the dashboard apart. How a picture
becomes the network's input is `cnn.images`' business.
"""

import argparse
import json
import sys
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from cnn import images, runs
from cnn.config import CLASS_NAMES, INPUT_SHAPE
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
        signature = [tf.TensorSpec((None, *INPUT_SHAPE), tf.float32)]
        self._forward = tf.function(lambda x: self.model(x, training=False), input_signature=signature)
        self(np.zeros((1, *INPUT_SHAPE), np.float32))

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Pictures float32 (n, 28, 28, 1) in [0, 1] -> probabilities float32 (n, 10)."""
        with self._lock:
            return self._forward(pixels).numpy()


def answer(probabilities: np.ndarray) -> dict[str, Any]:
    """The most probable class of one picture. probabilities: (10,)."""
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
        seen = images.read(file)
    except images.UnreadableImage as error:
        return {"file": str(file), "error": str(error)}
    return {"file": str(file), **answer(predictor(seen.pixels[None])[0])}


def _sentence(result: dict[str, Any]) -> str:
    if "error" in result:
        return f"{result['file']}: {result['error']}"
    return f"{result['file']}: {result['label']} (confidence {result['confidence']:.1%})"


if __name__ == "__main__":
    sys.exit(main())

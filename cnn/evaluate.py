"""Measure a run on its test pictures: `python -m cnn.evaluate [--run RUN] [--json]`.

Returns arrays and numbers; draws nothing.
"""

import argparse
import contextlib
import json
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cnn import data, runs
from cnn.config import CLASS_NAMES, INPUT_SHAPE
from cnn.runs import Run

EXAMPLES_PER_CLASS = 10


class Examples(NamedTuple):
    """Test pictures uint8 (n, 28, 28), their labels uint8 (n,), the network's answers float32 (n, 10)."""

    images: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray


def evaluate(model, split: data.Split) -> dict[str, Any]:
    """Accuracy in [0, 1] and mean cross-entropy (in nats) of a model on all pictures of a split."""
    probabilities = predict(model, split.images)
    chosen = probabilities[np.arange(len(split.labels)), split.labels]
    return {
        "split": "test",
        "n": len(split.labels),
        "accuracy": round(float((probabilities.argmax(axis=1) == split.labels).mean()), 6),
        "loss": round(float(-np.log(np.maximum(chosen, 1e-7)).mean()), 6),
    }


def predict(model, images: np.ndarray, batch_size: int = 500) -> np.ndarray:
    """Pictures uint8 (n, 28, 28) -> probabilities float32 (n, 10)."""
    batches = [images[start : start + batch_size] for start in range(0, len(images), batch_size)]
    return np.concatenate([np.asarray(model.predict_on_batch(data.scaled(batch))) for batch in batches])


def write_examples(path: Path, model, split: data.Split) -> None:
    """Keep the first pictures of each class with the model's answers, so that they can be shown without a model."""
    chosen = np.concatenate([np.flatnonzero(split.labels == c)[:EXAMPLES_PER_CLASS] for c in range(len(CLASS_NAMES))])
    images = split.images[chosen]
    np.savez_compressed(
        path / "examples.npz", images=images, labels=split.labels[chosen], probabilities=predict(model, images)
    )


def read_examples(run: Run) -> Examples | None:
    """The examples of a run; None where it has none yet, or they cannot be read."""
    try:
        with np.load(run.path / "examples.npz", allow_pickle=False) as file:
            examples = Examples(file["images"], file["labels"], file["probabilities"])
    except (OSError, ValueError, KeyError, EOFError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error):
        return None
    count, classes = examples.labels.size, len(CLASS_NAMES)
    fits = [array.shape for array in examples] == [(count, *INPUT_SHAPE[:2]), (count,), (count, classes)]
    return examples if fits and count and examples.labels.max() < classes else None


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0, 1 if the dataset cannot be had, 2 if there is no such run or model."""
    parser = argparse.ArgumentParser(prog="python -m cnn.evaluate", description=__doc__.split(":")[0] + ".")
    parser.add_argument("--run", default=runs.DEFAULT_ID, help="id or directory; the shipped model where left out")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    from cnn import model as networks

    try:
        run = runs.find(options.run)
        network = networks.load(run)
        with contextlib.redirect_stdout(sys.stderr):  # where Keras may draw the progress of a download
            dataset = data.load(run.config.data)
        result = {"run": run.id, **evaluate(network, dataset.test)}
    except (runs.UnknownRun, networks.UnreadableModel, data.DataUnavailable) as error:
        print(json.dumps({"error": str(error)}) if options.json else f"cnn.evaluate: {error}", file=sys.stderr)
        return 1 if isinstance(error, data.DataUnavailable) else 2
    if options.json:
        print(json.dumps(result))
    else:
        print(f"{result['run']}: accuracy {result['accuracy']:.4f}, loss {result['loss']:.4f}", end=" ")
        print(f"on the {result['n']:,} {result['split']} pictures")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Measure a run on its test pictures: `python -m cnn.evaluate [--run RUN] [--json]`.

Returns arrays and numbers; draws nothing.
"""

import argparse
import contextlib
import json
import sys
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cnn import calibration, data, familiarity, restyle, runs, views
from cnn.config import CLASS_NAMES, INPUT_SHAPE
from cnn.familiarity import Reference
from cnn.runs import Run

EXAMPLES_PER_CLASS = 10
REFERENCE_PER_CLASS = 200
STRANGERS = 500  # pictures of no garment against which the familiarity score is tried


class Examples(NamedTuple):
    """Test pictures uint8 (n, 28, 28), their labels uint8 (n,), the network's answers float32 (n, 10)."""

    images: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray


def evaluate(model, split: data.Split) -> dict[str, Any]:
    """Accuracy in [0, 1], mean cross-entropy (in nats) and expected calibration error in [0, 1] on a whole split."""
    probabilities = predict(model, split.images)
    chosen = probabilities[np.arange(len(split.labels)), split.labels]
    return {
        "split": "test",
        "n": len(split.labels),
        "accuracy": round(float((probabilities.argmax(axis=1) == split.labels).mean()), 6),
        "loss": round(float(-np.log(np.maximum(chosen, 1e-7)).mean()), 6),
        "calibration_error": round(calibration.expected_calibration_error(probabilities, split.labels), 6),
    }


def evaluate_answers(model, split: data.Split) -> dict[str, Any]:
    """Accuracy and expected calibration error of the answers that `cnn.predict` gives, means over several looks."""
    starts = range(0, len(split.labels), 200)
    looks = [views.of(data.scaled(split.images[start : start + 200])) for start in starts]
    answers = np.concatenate([views.mean(np.asarray(model.predict_on_batch(batch))) for batch in looks])
    return {
        "split": "test",
        "n": len(split.labels),
        "accuracy": round(float((answers.argmax(axis=1) == split.labels).mean()), 6),
        "calibration_error": round(calibration.expected_calibration_error(answers, split.labels), 6),
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


def familiarity_of(model, garments: np.ndarray, seed: int) -> dict[str, Any]:
    """How well the energy of a network's logits tells garments from other things: see `familiarity.separation`.

    Args:
        model: the network.
        garments: uint8 (n, 28, 28), not trained on.
        seed: of the other things, drawn by `restyle.strange` with other random numbers than for training.
    """
    from cnn import model as networks

    both = networks.with_features(model)

    def energies(images: np.ndarray) -> np.ndarray:
        starts = range(0, len(images), 500)
        features = [np.asarray(both.predict_on_batch(data.scaled(images[s : s + 500]))[1]) for s in starts]
        return familiarity.energy(networks.logits(model, np.concatenate(features)))

    others = np.stack([restyle.strange(np.random.default_rng([seed, 3, n])) for n in range(STRANGERS)])
    return familiarity.separation(energies(garments), energies(others))


def write_reference(path: Path, split: data.Split, restyled: bool, seed: int) -> None:
    """Keep some training pictures of each class with the run, a quarter of them in other styles if it saw such."""
    images, labels = [], []
    for label in range(len(CLASS_NAMES)):
        chosen = np.flatnonzero(split.labels == label)[:REFERENCE_PER_CLASS]
        for number, index in enumerate(chosen):
            if restyled and number % 4 == 0:
                chance = np.random.default_rng([seed, 4, int(index)])
                images.append(restyle.restyled(split.images, split.labels, int(index), chance))
            else:
                images.append(split.images[index])
            labels.append(label)
    np.savez_compressed(path / "reference.npz", images=np.stack(images), labels=np.array(labels, np.uint8))


def read_reference(run: Run) -> Reference | None:
    """The training pictures kept with a run; None where there are none, or they cannot be read."""
    found = _arrays(run.path / "reference.npz", Reference._fields)
    if found is None:
        return None
    reference = Reference(*found)
    fits = reference.images.shape == (len(reference.labels), *INPUT_SHAPE[:2])
    return reference if fits and len(reference.labels) and reference.labels.max() < len(CLASS_NAMES) else None


def _arrays(path: Path, names: Sequence[str]) -> list[np.ndarray] | None:
    """The named arrays of a file that may be missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return [file[name] for name in names]
    except (OSError, ValueError, KeyError, EOFError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error):
        return None


def read_examples(run: Run) -> Examples | None:
    """The examples of a run; None where it has none yet, or they cannot be read."""
    found = _arrays(run.path / "examples.npz", Examples._fields)
    if found is None:
        return None
    examples = Examples(*found)
    count, classes = examples.labels.size, len(CLASS_NAMES)
    fits = [array.shape for array in examples] == [(count, *INPUT_SHAPE[:2]), (count,), (count, classes)]
    return examples if fits and count and examples.labels.max() < classes else None


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0, 1 if the dataset cannot be had, 2 if there is no such run or model."""
    parser = argparse.ArgumentParser(prog="python -m cnn.evaluate", description=__doc__.split(":")[0] + ".")
    parser.add_argument("--run", default=runs.DEFAULT_ID, help="id or directory; the shipped model where left out")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--answers", action="store_true", help="as cnn.predict answers: several looks at each picture")
    options = parser.parse_args(arguments)
    from cnn import model as networks

    try:
        run = runs.find(options.run)
        network = networks.load(run)
        with contextlib.redirect_stdout(sys.stderr):  # where Keras may draw the progress of a download
            dataset = data.load(run.config.data)
        measure = evaluate_answers if options.answers else evaluate
        result = {"run": run.id, **measure(network, dataset.test)}
    except (runs.UnknownRun, networks.UnreadableModel, data.DataUnavailable) as error:
        print(json.dumps({"error": str(error)}) if options.json else f"cnn.evaluate: {error}", file=sys.stderr)
        return 1 if isinstance(error, data.DataUnavailable) else 2
    if options.json:
        print(json.dumps(result))
    else:
        numbers = (
            f"{name.replace('_', ' ')} {value:.4f}" for name, value in result.items() if isinstance(value, float)
        )
        print(f"{result['run']}: {', '.join(numbers)} on the {result['n']:,} {result['split']} pictures")
    return 0


if __name__ == "__main__":
    sys.exit(main())

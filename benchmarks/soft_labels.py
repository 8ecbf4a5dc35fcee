"""The soft labels that come with the program: `python -m benchmarks.soft_labels FOLDER [--epochs 20] [--folds 4]`.

The 55,000 training images of Fashion-MNIST are divided into folds. For each fold a teacher learns the others and
predicts this one, so that no image is predicted by a network that has learned it; the validation and test images are
never shown. The predictions are means over ten views of each image, with one temperature for all, which fits the labels
best.

Each fold's predictions are kept in FOLDER, so that an interrupted run goes on from there. On two cores a fold takes
about 13 minutes. The result goes to `cnn/data/soft_labels.py`'s file, rounded to 16 bits.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from benchmarks.report import machine
from cnn import data, runs
from cnn.config import Data, RunConfig, presets
from cnn.config.run_config import BY_SOFT_LABELS
from cnn.data import soft_labels
from cnn.evaluation.calibration import expected_calibration_error, temperature
from cnn.networks import test_time_augmentation
from cnn.networks.predictor import tempered
from cnn.training import cross_validation
from cnn.training.fold_trainer import trained_without

_SEED = 1


def teacher(epochs: int) -> RunConfig:
    """The network that predicts what others have learned: `accurate`, without soft labels and in a shorter training."""
    accurate = presets()["accurate"]
    training = {"epochs": epochs, "seed": _SEED, "precision": "mixed_bfloat16", "ema_momentum": 0.0}
    return accurate.model_copy(
        update={
            "data": accurate.data.model_copy(update=dict.fromkeys(BY_SOFT_LABELS, 0.0)),
            "training": accurate.training.model_copy(update=training),
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soft_labels", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="where the predictions of each fold are kept")
    parser.add_argument("--folds", type=int, default=4, help="parts of the images: a network is trained for each")
    parser.add_argument("--epochs", type=int, default=20)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    print(machine())
    train = data.load(Data()).train
    labels, begun = np.asarray(train.labels), time.monotonic()
    config = teacher(options.epochs)
    fold_of = cross_validation.fold_of(labels, options.folds, _SEED)
    found = np.zeros((len(labels), 10))
    for fold in range(options.folds):
        held_out = np.flatnonzero(fold_of == fold)
        file = options.folder / f"fold-{fold + 1}-of-{options.folds}.npy"
        if not file.exists():
            network = trained_without(config, train, held_out, 100 * _SEED + fold, lambda: None, print)
            np.save(file, test_time_augmentation.predict(network, train.images[held_out]))
        found[held_out] = np.load(file)
        right = (found[held_out].argmax(axis=1) == labels[held_out]).mean()
        minutes = (time.monotonic() - begun) / 60
        print(f"fold {fold + 1}: {right:.2%} of what was held out; {minutes:.0f} min", flush=True)
    divisor = temperature(found, labels)
    cooled = tempered(found, divisor)
    soft_labels.FILE.parent.mkdir(parents=True, exist_ok=True)
    runs.write_npz(soft_labels.FILE, np.savez_compressed, probabilities=cooled.astype(np.float16))
    right, error = (cooled.argmax(axis=1) == labels).mean(), expected_calibration_error(cooled, labels)
    size = soft_labels.FILE.stat().st_size / 1e6
    print(f"{right:.2%} right, temperature {divisor:.2f}, calibration error {error:.2%}, {size:.2f} MB")


if __name__ == "__main__":
    main()

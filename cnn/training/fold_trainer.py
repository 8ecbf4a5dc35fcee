"""Train the networks of a cross-validation, fold after fold: `python -m cnn.training.fold_trainer FOLDER`.

What FOLDER holds is described in `cnn.training.cross_validation`, which starts this. Folds that are finished are passed
over. It keeps no network, waits for no other training, and ends when FOLDER/stop appears or when the folder is gone.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from cnn import data, runs
from cnn.config import RunConfig
from cnn.errors import CannotGoOn
from cnn.runs.worker import complain, heed_stop, work_in
from cnn.training import cross_validation

_COMMAND = "cnn.training.fold_trainer"
_BEAT = 0.5  # seconds between two reports of progress


def main(arguments: list[str]) -> int:
    """Returns the exit code: 0 finished or stopped, 1 failed, 2 bad arguments."""
    if len(arguments) != 1:
        complain(_COMMAND, "give one folder that holds a config.json and a folds.json.")
        return 2
    folder = Path(arguments[0])
    run, folds = runs.read(folder), cross_validation.fold_count(folder)
    if run.config is None or not folds:
        complain(_COMMAND, f"{folder} cannot be used. {run.problem or 'Its folds.json names no number of folds.'}")
        return 2
    return work_in(folder, _COMMAND, "the cross-validation", lambda: _train(folder, run.config, folds))


def _train(folder: Path, config: RunConfig, folds: int) -> None:
    """Train and predict all folds that are not there yet."""
    status = runs.Status("starting")

    def report(message: str) -> None:
        heed_stop(folder)
        runs.write_status(folder, runs.signed(status, "starting", message))

    report("Loading TensorFlow")
    import keras

    from cnn.evaluation import predictions
    from cnn.networks.backbones import transfer_weights
    from cnn.networks.build import build
    from cnn.networks.compile import compile_for_training

    report("Loading the dataset")
    whole = cross_validation.images_of(data.load(config.data, report))
    training = config.training
    fold_of = cross_validation.fold_of(np.asarray(whole.labels), folds, training.seed)
    missing = [fold for fold in range(folds) if not cross_validation.fold_file(folder, fold).is_file()]
    batches_of = [data.steps(int((fold_of != fold).sum()), training.batch_size) * training.epochs for fold in missing]
    total = sum(batches_of)
    before = (folds - len(missing)) * total / max(1, len(missing))  # batches of the folds that are there already
    status = replace(status, steps=round(before + total))
    done, told, begun = 0, 0.0, time.monotonic()
    for fold, count in zip(missing, batches_of, strict=True):
        message = f"Training the network of fold {fold + 1} of {folds}"
        learned, held_out = fold_of != fold, np.flatnonzero(fold_of == fold)
        split = data.Split(whole.images[learned], whole.labels[learned])
        keras.backend.clear_session(free_memory=False)
        keras.utils.set_random_seed(training.seed + fold)
        network = build(config, for_training=True)
        transfer_weights(network, config, report)
        compile_for_training(network, config, count)
        batches = data.training_batches(split, training.batch_size, training.seed, 0, training.epochs, config.data)
        for x, y in batches:
            heed_stop(folder)
            network.train_on_batch(x, y)
            done += 1
            if (now := time.monotonic()) - told >= _BEAT:
                told = now
                left = (now - begun) / done * (total - done)
                status = replace(status, step=round(before + done), seconds_left=left)
                runs.write_status(folder, runs.signed(status, "training", message))
        trained = build(config, precision="float32")
        trained.set_weights(network.get_weights())
        found = predictions.measure(trained, data.Split(whole.images[held_out], whole.labels[held_out]))
        if not np.isfinite(found.logits).all():
            raise CannotGoOn("The loss is no longer a number: choose a configuration with a lower learning rate.")
        runs.write_npz(
            cross_validation.fold_file(folder, fold),
            np.savez,
            index=held_out,
            probabilities=found.probabilities.astype(np.float32),
        )
    runs.write_status(folder, runs.closed(status, "stopped"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

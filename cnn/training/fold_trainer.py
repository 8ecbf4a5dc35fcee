"""Train the networks of a cross-validation, fold after fold: `python -m cnn.training.fold_trainer FOLDER`.

What FOLDER holds is described in `cnn.training.cross_validation`, which starts this. Folds that are finished are passed
over. It keeps no network, waits for no other training, and ends when FOLDER/stop appears or when the folder is gone.
"""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from cnn import data, runs
from cnn.config import RunConfig
from cnn.errors import CannotGoOn
from cnn.runs.measurement import Reporter, measure
from cnn.training import cross_validation

if TYPE_CHECKING:
    import keras


def main(arguments: list[str]) -> int:
    """See `cnn.runs.measurement.measure`."""
    return measure(arguments, "cnn.training.fold_trainer", "the cross-validation", _train)


def _train(reporter: Reporter, config: RunConfig) -> None:
    """Train and predict all folds that are not there yet."""
    folder = reporter.folder
    folds = cross_validation.fold_count(folder)
    if not folds:
        raise CannotGoOn("Its folds.json names no number of folds.")
    reporter.prepares("Loading TensorFlow")
    from cnn.evaluation import predictions

    reporter.prepares("Loading the dataset")
    whole = cross_validation.images_of(data.load(config.data, reporter.prepares))
    training = config.training
    fold_of = cross_validation.fold_of(np.asarray(whole.labels), folds, training.seed)
    missing = [fold for fold in range(folds) if not cross_validation.fold_file(folder, fold).is_file()]
    total = sum(data.steps(int((fold_of != fold).sum()), training.batch_size) * training.epochs for fold in missing)
    before = (folds - len(missing)) * total / max(1, len(missing))  # batches of the folds that are there already
    done, begun = 0, time.monotonic()
    for fold in missing:
        message = f"Training the network of fold {fold + 1} of {folds}"

        def count(message: str = message) -> None:
            nonlocal done
            left = (time.monotonic() - begun) / done * (total - done) if done else None
            reporter.trains(before + done, before + total, message, left)
            done += 1

        held_out = np.flatnonzero(fold_of == fold)
        trained = trained_without(config, whole, held_out, training.seed + fold, count, reporter.prepares)
        found = predictions.measure(trained, data.Split(whole.images[held_out], whole.labels[held_out]))
        if not np.isfinite(found.logits).all():
            raise CannotGoOn("The loss is no longer a number: choose a configuration with a lower learning rate.")
        runs.write_npz(
            cross_validation.fold_file(folder, fold),
            np.savez,
            index=held_out,
            probabilities=found.probabilities.astype(np.float32),
        )


def trained_without(
    config: RunConfig,
    whole: data.Split,
    held_out: np.ndarray,
    seed: int,
    on_batch: Callable[[], None],
    report: Callable[[str], None],
) -> "keras.Model":
    """A network of a configuration, in float32, that has learned all images but those at the places `held_out` (m,).

    Args:
        seed: of its first weights. on_batch: called before each batch; report: with a sentence now and then. What they
            raise ends the training.
    """
    import keras

    from cnn.networks.backbones import transfer_weights
    from cnn.networks.build import build
    from cnn.networks.compile import compile_for_training

    learned = np.ones(len(whole.labels), bool)
    learned[held_out] = False
    split, training = data.Split(whole.images[learned], whole.labels[learned]), config.training
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(seed)
    network = build(config, for_training=True)
    transfer_weights(network, config, report)
    compile_for_training(network, config, data.steps(len(split.labels), training.batch_size) * training.epochs)
    for x, y in data.training_batches(split, training.batch_size, training.seed, 0, training.epochs, config.data):
        on_batch()
        network.train_on_batch(x, y)
    network.optimizer.finalize_variable_values(network.trainable_variables)  # with averages, where it keeps any
    trained = build(config, precision="float32")
    trained.set_weights(network.get_weights())
    return trained


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

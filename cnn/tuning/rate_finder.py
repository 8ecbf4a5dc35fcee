"""Measure how the loss of a fresh network answers to a rising learning rate: `python -m cnn.tuning.rate_finder FOLDER`.

It reads FOLDER/config.json and writes the curve beside it, see `cnn.tuning.rate_search`, which starts it. It trains
nothing that is kept, waits for no other training, and ends when the loss explodes, when FOLDER/stop appears or when
the folder is gone. Images that a configuration mixes in are left out: they take longer to make than the search.
"""

import json
import sys
import time
from math import ceil, isfinite

from cnn import data
from cnn.config import RunConfig
from cnn.runs.measurement import Reporter, measure
from cnn.tuning import rate_search


def main(arguments: list[str]) -> int:
    """See `cnn.runs.measurement.measure`."""
    return measure(arguments, "cnn.tuning.rate_finder", "the search", _measure)


def _measure(reporter: Reporter, config: RunConfig) -> str:
    """Train batch after batch, each at a higher rate, and write the curve. Returns how it ended."""
    reporter.prepares("Loading TensorFlow")
    import keras

    from cnn.networks.build import build
    from cnn.networks.compile import compile_for_training

    reporter.prepares("Loading the dataset")
    train = data.load(config.data, reporter.prepares).train
    reporter.prepares("Building the network")
    # At a constant rate of 1, the factor by which a person steers a training is the rate itself.
    training = config.training.model_copy(update={"learning_rate": 1.0, "schedule": "constant"})
    config = config.model_copy(update={"training": training})
    keras.utils.set_random_seed(training.seed)
    network = build(config, for_training=True)
    rate = compile_for_training(network, config, rate_search.BATCHES)
    epochs = ceil(rate_search.BATCHES / data.steps(len(train.labels), training.batch_size))
    batches = data.training_batches(train, training.batch_size, training.seed, 0, epochs, config.data)

    losses: list[float] = []
    begun = time.monotonic()
    with (reporter.folder / "curve.jsonl").open("w", encoding="utf-8") as curve:
        for step, (x, y) in enumerate(batches.take(rate_search.BATCHES)):
            left = (time.monotonic() - begun) / (step - 1) * (rate_search.BATCHES - step) if step > 1 else None
            reporter.trains(step, rate_search.BATCHES, seconds_left=left)
            rate.factor.assign(rate_search.rate_of(step))
            network.reset_metrics()  # or the loss would be the mean of all batches so far
            losses.append(float(network.train_on_batch(x, y, return_dict=True)["loss"]))
            if isfinite(losses[-1]):
                curve.write(json.dumps({"rate": rate_search.rate_of(step), "loss": losses[-1]}) + "\n")
                curve.flush()
            if step == 0:
                begun = time.monotonic()  # the first batch builds the graph
            if rate_search.has_exploded(losses):
                break
    return _verdict(losses)


def _verdict(losses: list[float]) -> str:
    end = f"The loss exploded at {rate_search.rate_of(len(losses) - 1):.2g}"
    return f"{end}: higher rates were left out." if rate_search.has_exploded(losses) else "All rates were tried."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

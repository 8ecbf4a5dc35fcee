"""Measure how the loss of a fresh network answers to a rising learning rate: `python -m cnn.tuning.rate_finder FOLDER`.

It reads FOLDER/config.json and writes the curve beside it, see `cnn.tuning.rate_search`, which starts it. It trains
nothing that is kept, waits for no other training, and ends when the loss explodes, when FOLDER/stop appears or when
the folder is gone. Images that a configuration mixes in are left out: they take longer to make than the search.
"""

import json
import sys
import time
from dataclasses import replace
from math import ceil, isfinite
from pathlib import Path

from cnn import data, runs
from cnn.config import RunConfig
from cnn.runs.worker import complain, heed_stop, work_in
from cnn.tuning import rate_search

_COMMAND = "cnn.tuning.rate_finder"
_BEAT = 0.5  # seconds between two reports of progress


def main(arguments: list[str]) -> int:
    """Returns the exit code: 0 finished or stopped, 1 failed, 2 bad arguments."""
    if len(arguments) != 1:
        complain(_COMMAND, "give one folder that holds a config.json.")
        return 2
    folder = Path(arguments[0])
    run = runs.read(folder)
    if run.config is None:
        complain(_COMMAND, f"{folder} cannot be used. {run.problem}")
        return 2
    return work_in(folder, _COMMAND, "the search", lambda: _measure(folder, run.config))


def _measure(folder: Path, config: RunConfig) -> None:
    """Train batch after batch, each at a higher rate, and write the curve."""
    status = runs.Status("starting")

    def report(message: str) -> None:
        heed_stop(folder)
        runs.write_status(folder, runs.signed(status, "starting", message))

    report("Loading TensorFlow")
    import keras

    from cnn.networks.build import build
    from cnn.networks.compile import compile_for_training

    report("Loading the dataset")
    train = data.load(config.data, report).train
    report("Building the network")
    # At a constant rate of 1, the factor by which a person steers a training is the rate itself.
    training = config.training.model_copy(update={"learning_rate": 1.0, "schedule": "constant"})
    config = config.model_copy(update={"training": training})
    keras.utils.set_random_seed(training.seed)
    network = build(config, for_training=True)
    rate = compile_for_training(network, config, rate_search.BATCHES)
    epochs = ceil(rate_search.BATCHES / data.steps(len(train.labels), training.batch_size))
    batches = data.training_batches(train, training.batch_size, training.seed, 0, epochs, config.data)

    losses: list[float] = []
    told = begun = time.monotonic()
    status = replace(status, steps=rate_search.BATCHES)
    with (folder / "curve.jsonl").open("w", encoding="utf-8") as curve:
        for step, (x, y) in enumerate(batches.take(rate_search.BATCHES)):
            heed_stop(folder)
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
            if (now := time.monotonic()) - told >= _BEAT:
                told = now
                left = (now - begun) / max(step, 1) * (rate_search.BATCHES - 1 - step) if step else None
                status = replace(status, step=step + 1, seconds_left=left)
                runs.write_status(folder, runs.signed(status, "training"))
    heed_stop(folder)
    runs.write_json(folder / "result.json", {"message": _verdict(losses)})
    runs.write_status(folder, runs.closed(status, "stopped"))


def _verdict(losses: list[float]) -> str:
    end = f"The loss exploded at {rate_search.rate_of(len(losses) - 1):.2g}"
    return f"{end}: higher rates were left out." if rate_search.has_exploded(losses) else "All rates were tried."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

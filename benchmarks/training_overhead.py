"""What a run costs over a bare `model.fit`: `python -m benchmarks.training_overhead [--trials N] [--limit N]`.

Rival: the same network and the same arrays given to `model.fit` with validation data, as in the lecture's notebook,
in the same process. Each trial trains both for one epoch, in turn, and their order changes from trial to trial. The
run does all that a run does: its own batches, metrics, status, ears for who steers it, and what the end of an epoch
leaves behind: a look inside, time lapse, network and checkpoint. The clock runs from the tenth batch, when everything
is compiled, to the end of `fit`, validation and files included. With a --limit below 55,000 the files weigh more than
in a whole epoch. Targets: at most 2% slower, and at most 3% of the time in batches spent waiting for them.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import keras

from benchmarks.report import machine, spread
from cnn import data, runs
from cnn.config import RunConfig, presets
from cnn.networks.build import build
from cnn.networks.compile import compile_for_training
from cnn.training.data_wait import InputWaitTimer
from cnn.training.recorder import Recorder
from cnn.training.steering import Steering


class Clock(keras.callbacks.Callback):
    """Seconds from the tenth batch to the end of the training, saving and validation included."""

    def on_train_batch_end(self, batch, logs=None):
        if batch == 9:
            self.start = time.perf_counter()

    def on_train_end(self, logs=None):
        self.seconds = time.perf_counter() - self.start


def bare(config: RunConfig, dataset: data.Splits) -> float:
    network = build(config, for_training=True)
    compile_for_training(network, config, 1)
    clock = Clock()
    network.fit(
        data.scaled(dataset.train.images),
        dataset.train.labels,
        batch_size=config.training.batch_size,
        epochs=config.training.epochs,
        validation_data=(data.scaled(dataset.validation.images), dataset.validation.labels),
        callbacks=[clock],
        verbose=0,
    )
    return clock.seconds


def recorded(config: RunConfig, dataset: data.Splits, folder: Path) -> tuple[float, float]:
    """Seconds, and the share of the time in batches that was spent waiting for them."""
    folder.mkdir()
    runs.write_json(folder / "config.json", config.model_dump(mode="json"))
    runs.write_status(folder, runs.Status("queued"))
    network = build(config, for_training=True)
    rate = compile_for_training(network, config, 1)
    training, pictures = config.training, len(dataset.train.labels)
    steps = data.steps(pictures, training.batch_size)
    export = build(config, precision="float32")
    status = runs.signed(runs.Status("queued"), "training")
    sample = data.Split(dataset.validation.images[:100], dataset.validation.labels[:100])
    waiting = InputWaitTimer(network)
    recorder = Recorder(runs.read(folder), export, steps, pictures, status, None, sample, waiting)
    clock, batches = Clock(), data.training_batches(dataset.train, training.batch_size, 0, 0, 1, config.data)
    network.fit(
        batches,
        epochs=training.epochs,
        steps_per_epoch=steps,
        shuffle=False,
        validation_data=data.evaluation_batches(dataset.validation, 500),
        callbacks=[recorder, Steering(recorder, rate, [], None), keras.callbacks.TerminateOnNaN(), clock],
        verbose=0,
    )
    return clock.seconds, recorder.status.waiting or 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, default=3)
    parser.add_argument("--limit", type=int, default=15_000, help="training images")
    parser.add_argument("--presets", nargs="+", default=["lecture", "fast"], choices=list(presets()))
    options = parser.parse_args()
    print(machine())
    print(f"{options.trials} trials of one epoch, {options.limit:,} training and 5,000 validation images")
    print(f"{'preset':8}  {'bare fit, s':22}  {'run, s':22}  {'waiting for data, %':22}  run / bare, pair by pair")
    for name in options.presets:
        bares, recordeds, shares = map(list, zip(*trials(name, options.trials, options.limit), strict=True))
        ratios = [run / rival for rival, run in zip(bares, recordeds, strict=True)]
        overhead = 100 * (statistics.median(ratios) - 1)
        waiting = spread([100 * share for share in shares], 2)
        print(
            f"{name:8}  {spread(bares):22}  {spread(recordeds):22}  {waiting:22}  {spread(ratios, 3)}, "
            f"median {overhead:+.1f}%"
        )


def trials(preset: str, count: int, limit: int) -> list[tuple[float, float, float]]:
    """Seconds of the bare fit and of the run, and the run's share of waiting, for each trial."""
    values = presets()[preset].model_dump()
    values["data"]["limit"], values["training"]["epochs"] = limit, 1
    config = RunConfig.model_validate(values)
    dataset = data.load(config.data)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for trial in range(count):
            if trial % 2:
                rival = bare(config, dataset)
                ours = recorded(config, dataset, Path(folder) / str(trial))
            else:
                ours = recorded(config, dataset, Path(folder) / str(trial))
                rival = bare(config, dataset)
            found.append((rival, *ours))
    return found


if __name__ == "__main__":
    main()

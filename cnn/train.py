"""Train a run, in the foreground, in a process of its own: `python -m cnn.train`.

    python -m cnn.train --preset fast [--epochs N] [--dataset NAME] [--limit N] [--seed N] [--name TEXT]
    python -m cnn.train RUN_DIR                                     starts it, or resumes it from its last whole epoch

The dashboard starts this same command. One run trains at a time in a runs folder; the others wait here, each in its
own process, the oldest first, so the queue needs no dashboard and no broker. This module is the only caller of
`fit()`. TensorFlow is loaded when the run's turn has come.
"""

import argparse
import itertools
import json
import platform
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import get_args

from filelock import FileLock, Timeout
from pydantic import ValidationError

from cnn import calibration, data, mixture, runs
from cnn.config import CLASS_NAMES, Data, RunConfig, explain, presets
from cnn.runs import Run, Status

_POLL = 0.5  # seconds between two looks at the queue
_GRACE = 3.0  # seconds that a killed process may take until its last thread has let go of its lock
_BEATS = 60  # looks between two signs of life while waiting


class Stopped(Exception):
    """Somebody asked the run to stop."""


class Diverged(RuntimeError):
    """The loss is no longer a number."""


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 finished or stopped, 1 failed, 2 bad arguments."""
    options = _parse(arguments)
    try:
        run = runs.find(options.run) if options.run else _create(options)
    except (runs.UnknownRun, ValueError, OSError) as error:
        message = explain(error) if isinstance(error, ValidationError) else str(error)
        print(f"cnn.train: {message}", file=sys.stderr)
        return 2
    # A stop from outside ends like Ctrl-C: the status is written, the checkpoint of the last epoch stays. Ctrl-C is
    # set too, because a shell starts what it sends to the background with it ignored.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    code = _train_in_turn(run)
    print(run.path)
    return code


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m cnn.train", description=__doc__.split("\n")[0])
    parser.add_argument("run", nargs="?", metavar="RUN_DIR", help="an existing run to start or resume")
    parser.add_argument("--preset", choices=list(presets()), help="make a new run from this preset")
    parser.add_argument("--epochs", type=int, help="instead of the preset's")
    parser.add_argument(
        "--dataset", choices=get_args(Data.model_fields["dataset"].annotation), help="instead of the preset's"
    )
    parser.add_argument("--limit", type=int, help="train on only the first N pictures")
    parser.add_argument("--seed", type=int, help="instead of the preset's")
    parser.add_argument("--name", help="what to call the run")
    parser.add_argument(
        "--pictures",
        nargs="+",
        type=Path,
        metavar="DIR",
        help="folders of your own pictures, in <label>_<class>, to mix in",
    )
    options = parser.parse_args(arguments)
    changes = [options.epochs, options.dataset, options.limit, options.seed, options.name, options.pictures]
    if bool(options.run) == bool(options.preset):
        parser.error("give either a run's directory or --preset NAME")
    if options.run and any(change is not None for change in changes):
        parser.error("a run's configuration cannot be changed: use --preset to make a new one")
    return options


def _create(options: argparse.Namespace) -> Run:
    """A new run from a preset, with the pictures of one's own that it mixes in."""
    config = _configure(options)
    if not options.pictures:
        return runs.create(config, options.name or "")
    own = mixture.read_own(options.pictures, lambda text: print(text, flush=True))
    run = runs.create(config, options.name or "")
    mixture.save_own(run.path / "pictures.npz", own)
    return run


def _configure(options: argparse.Namespace) -> RunConfig:
    values = presets()[options.preset].model_dump()
    for section, name in (("data", "dataset"), ("data", "limit"), ("training", "epochs"), ("training", "seed")):
        if (value := getattr(options, name)) is not None:
            values[section][name] = value
    if options.pictures and not values["data"]["own"]:
        values["data"]["own"] = 0.15
    return RunConfig.model_validate(values)


def _train_in_turn(run: Run) -> int:
    """Wait for the run's turn and train it; every way out leaves a status that tells the story."""
    if run.shipped or run.config is None or run.state == "finished":
        reason = "is already finished" if run.state == "finished" else "cannot be trained"
        print(f"cnn.train: {run.name} {reason}. {run.problem or ''}".rstrip(), file=sys.stderr)
        return 0 if run.state == "finished" else 1
    try:
        with FileLock(run.path / ".lock", timeout=_GRACE):
            return _guarded(run)
    except Timeout:
        print(f"cnn.train: {run.name} is already in training in another process.", file=sys.stderr)
        return 1


def _guarded(run: Run) -> int:
    def last() -> Status:
        return runs.read(run.path).status

    status = run.status
    if run.state != "queued":  # taken up again from the command line; what an earlier session left does not count
        (run.path / "stop").unlink(missing_ok=True)
        status = replace(status, created=time.time())
    try:
        with _turn(run, status):
            _train(run, runs.signed(status, "starting", "Loading TensorFlow"))
        return 0
    except (Stopped, KeyboardInterrupt):
        runs.write_status(run.path, runs.closed(last(), "stopped", "Stopped by request."))
        return 0
    except Exception as error:
        message = str(error)
        if not isinstance(error, data.DataUnavailable | Diverged):
            traceback.print_exc()
            message = f"{type(error).__name__}: {error}"[:500]
        print(f"cnn.train: {message}", file=sys.stderr)
        runs.write_status(run.path, runs.closed(last(), "failed", message))
        return 1
    finally:
        (run.path / "stop").unlink(missing_ok=True)


@contextmanager
def _turn(run: Run, status: Status):
    """Hold the one training place of the runs folder; wait for it in the order in which runs were queued."""
    place = FileLock(run.path.parent / ".training.lock")
    status = runs.signed(status, "queued", "Waiting for its turn")
    runs.write_status(run.path, status)
    told = False
    for look in itertools.count(1):
        try:
            place.acquire(timeout=0)
            if not _older_in_queue(run, status):
                break
            place.release()
        except Timeout:
            pass
        if look % _BEATS == 0:
            runs.write_status(run.path, runs.signed(status, "queued", "Waiting for its turn"))
        if not told:
            told = True
            print("Another run is in training: waiting for its turn.", flush=True)
        if (run.path / "stop").exists():
            raise Stopped
        time.sleep(_POLL)
    try:
        yield
    finally:
        place.release()


def _older_in_queue(run: Run, status: Status) -> bool:
    mine = (status.created, run.id)
    siblings = [runs.read(path) for path in run.path.parent.iterdir() if (path / "status.json").exists()]
    return any(r.state == "queued" and (r.status.created, r.id) < mine for r in siblings if r.id != run.id)


def _train(run: Run, status: Status) -> None:
    runs.write_status(run.path, status)
    import keras
    import tensorflow as tf

    from cnn import model as networks
    from cnn.evaluate import evaluate, familiarity_of, predict, write_examples, write_reference
    from cnn.recorder import Recorder

    devices = str(tf.config.list_physical_devices())
    print(devices, flush=True)
    status = replace(status, devices=devices)
    _write_environment(run.path, tf.__version__, keras.__version__, devices)

    def report(message: str) -> None:
        if (run.path / "stop").exists():
            raise Stopped
        runs.write_status(run.path, runs.signed(status, "starting", message))

    report("Loading the dataset")
    dataset = data.load(run.config.data, report)
    training = run.config.training
    pictures = len(dataset.train.labels)
    steps = data.steps(pictures, training.batch_size)

    own = mixture.load_own(run.path / "pictures.npz")
    sources = mixture.sources(run.config.data, dataset.train, training.seed, own, report)

    status = replace(status, precision=_precision(run, report))
    print(f"Computing in {status.precision}", flush=True)
    report("Building the network")
    keras.utils.set_random_seed(training.seed)
    network = networks.build(run.config, status.precision)
    export = networks.build(run.config, precision="float32")
    networks.compile_for_training(network, run.config, steps * training.epochs)
    first_epoch = _restore(run, network, steps)
    _forget_after(run.path, first_epoch)
    status = runs.signed(replace(status, epoch=first_epoch, step=0), "training")

    recorder = Recorder(run, export, steps, pictures, status)
    network.fit(
        data.training_batches(
            dataset.train, training.batch_size, training.seed, first_epoch, training.epochs, run.config.data, sources
        ),
        epochs=training.epochs,
        initial_epoch=first_epoch,
        steps_per_epoch=steps,
        shuffle=False,  # the batches come shuffled
        validation_data=data.evaluation_batches(dataset.validation),
        callbacks=[recorder, keras.callbacks.TerminateOnNaN()],
        verbose=1 if sys.stdout.isatty() else 2,
    )
    if recorder.status.epoch < training.epochs:
        raise (
            Stopped
            if recorder.stopped
            else Diverged("The loss is no longer a number: start a new run with a lower learning rate.")
        )

    status = runs.signed(recorder.status, "training", "Measuring on the test pictures")
    runs.write_status(run.path, status)
    export.set_weights(network.get_weights())  # as they are saved already, unless the run was resumed right here
    if training.calibrate:
        validation = predict(export, dataset.validation.images)
        calibration.cool(export, calibration.temperature(validation, dataset.validation.labels))
        recorder.save(export, "model.keras")
    result = evaluate(export, dataset.test)
    result["familiarity"] = familiarity_of(export, dataset.validation.images, training.seed)
    runs.write_json(run.path / "evaluation.json", result)
    write_examples(run.path, export, dataset.test)
    write_reference(run.path, dataset.train, run.config.data.restyled > 0, training.seed)
    print(f"Test accuracy {result['accuracy']:.4f}, loss {result['loss']:.4f} on {result['n']:,} pictures", flush=True)
    runs.write_status(run.path, runs.closed(status, "finished"))
    (run.path / "checkpoint.keras").unlink(missing_ok=True)


def _precision(run: Run, report: Callable[[str], None]) -> str:
    """The configured one; where it is "auto", the faster one, or what an earlier session of the run took for it."""
    if run.config.training.precision != "auto":
        return run.config.training.precision
    from cnn import model as networks

    if run.status.precision and (run.path / "checkpoint.keras").exists():
        return run.status.precision
    report("Trying which precision is faster")
    return networks.faster_precision(run.config)


def _restore(run: Run, network, steps: int) -> int:
    """Continue from the checkpoint, if there is one. Returns the number of whole epochs that it has seen."""
    checkpoint = run.path / "checkpoint.keras"
    if not checkpoint.exists():
        return 0
    network.optimizer.build(network.trainable_variables)
    network.load_weights(checkpoint)
    seen = int(network.optimizer.iterations)
    for layer in network.layers:
        if generator := getattr(layer, "seed_generator", None):
            # Keras leaves out the count of draws, one a step, and dropout would repeat its first masks.
            generator.state.assign([generator.state[0], seen])
    return seen // steps


def _forget_after(path: Path, epochs: int) -> None:
    """Drop the metrics of what will be trained again: everything after the last whole epoch."""
    file = path / "metrics.jsonl"
    if not file.exists():
        return
    kept = []
    for record in runs.metrics(runs.read(path)):
        done = record["epoch"] if record["kind"] == "epoch" else record["epoch"] + 1
        if done <= epochs:
            kept.append(json.dumps(record) + "\n")
    file.write_text("".join(kept), encoding="utf-8")


def _write_environment(path: Path, tensorflow: str, keras: str, devices: str) -> None:
    runs.write_json(
        path / "environment.json",
        {
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
            "tensorflow": tensorflow,
            "keras": keras,
            "devices": devices,
            "classes": CLASS_NAMES,
        },
    )


if __name__ == "__main__":
    sys.exit(main())

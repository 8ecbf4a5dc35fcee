"""The trainer: a run from its turn to its last status. The only caller of `fit()`.

Whatever happens, the run's status tells the story. TensorFlow is loaded when the run's turn has come.
"""

import json
import platform
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from cnn import data, runs
from cnn.config import RunConfig, counted, frozen_layers
from cnn.data import importance_sampling, mixture, soft_labels
from cnn.errors import CannotGoOn, Stopped
from cnn.evaluation import calibration
from cnn.runs import Run, State, Status, diagnosis, time_lapse
from cnn.runs.queue import turn
from cnn.runs.worker import close, complain, failure

if TYPE_CHECKING:
    from cnn.training.checkpoint import Restored


_GRACE = 3.0  # seconds that a killed process may take until its last thread has let go of its lock
_SAMPLE = 100  # validation images on which the network is looked into after each epoch, at most
_SAMPLE_BYTES = 200_000_000  # that the values of all layers may take for these images
interrupted = threading.Event()  # by a signal; some imports turn the KeyboardInterrupt into an ImportError, or drop it


_complain = partial(complain, "cnn.train")


def train_in_turn(run: Run, job: str | None = None) -> int:
    """Wait for the run's turn and train it; every way out leaves a status that tells the story."""
    if (code := _refused(run, job)) is not None:
        return code
    try:
        with FileLock(run.path / ".lock", timeout=_GRACE):
            run = runs.read(run.path)  # whoever held the lock may have finished it
            code = _refused(run, job)
            return _guarded(run, job) if code is None else code
    except Timeout:
        _complain(f"{run.name} is already in training in another process.")
    except OSError as error:
        _complain(failure(error, run.path, "the training"))
    return 1


def _refused(run: Run, job: str | None) -> int | None:
    """The exit code for a run that is not to be trained, after a sentence why; None for others."""
    if job and run.status.job != job:  # stopped, or given to another job, while this one waited in its cluster
        _complain(f"{run.name} does not wait for the job {job} any more.")
        return 0
    if run.state == "finished":
        _complain(f"{run.name} is already finished.")
        return 0
    if run.shipped or run.config is None:
        _complain(f"{run.name} cannot be trained. {run.problem or ''}".rstrip())
        return 1
    return None


def _guarded(run: Run, job: str | None) -> int:
    try:
        # A run that was put into the queue and whose process has never signed it is new to this one, however long the
        # process took to begin; what has been asked for since then counts.
        was_queued = run.status.pid is None and run.state in ("queued", "interrupted")
        # Without the process and the speed of an earlier session.
        status = replace(runs.closed(run.status, "queued"), job=job)
        if not was_queued:
            runs.forget_requests(run.path)
            status = replace(status, created=time.time())
        with turn(run, status) if job is None else nullcontext():
            _train(run, runs.signed(status, "starting", "Loading TensorFlow"))
        return 0
    except (Stopped, KeyboardInterrupt):
        _close(run, "stopped", "Stopped by request.")
        return 0
    except Exception as error:
        if interrupted.is_set():  # in the middle of an import, which made another error of it
            _close(run, "stopped", "Stopped by request.")
            return 0
        message = failure(error, run.path, "the training")
        _close(run, "failed", message)
        _complain(message)
        return 1
    finally:
        with suppress(OSError):
            runs.forget_requests(run.path)


def _close(run: Run, state: State, message: str) -> None:
    close(run.path, runs.read(run.path).status, state, message)


def _train(run: Run, status: Status) -> None:
    runs.write_status(run.path, status)
    import keras
    import tensorflow as tf

    from cnn.evaluation import predictions
    from cnn.evaluation.examples import write_examples, write_reference
    from cnn.evaluation.metrics import predict, summary
    from cnn.evaluation.out_of_distribution import familiarity_of, own_temperature
    from cnn.networks import portable
    from cnn.networks.backbones import transfer_weights
    from cnn.networks.batch_size import images_at_once
    from cnn.networks.build import build
    from cnn.networks.compile import balanced_weights, compile_for_training, devices_to_train_on, distribution
    from cnn.training import dataset_record, frozen_features
    from cnn.training.data_wait import InputWaitTimer
    from cnn.training.recorder import Recorder
    from cnn.training.steering import Steering
    from cnn.training.weight_averaging import ValidatedAverages

    strategy = distribution()
    devices = _devices(str(tf.config.list_physical_devices()), devices_to_train_on())
    print(devices, flush=True)
    status = replace(status, devices=devices)
    _write_environment(run, tf.__version__, keras.__version__, devices)

    def report(message: str) -> None:
        if interrupted.is_set() or (run.path / "stop").exists():
            raise Stopped
        runs.write_status(run.path, runs.signed(status, "starting", message))

    report("Loading the dataset")
    known = dataset_record.of(run.config.data, report)
    dataset_record.check(run, known)
    dataset = data.load(run.config.data, report)
    if dataset_record.of(run.config.data) != known:
        raise CannotGoOn("The dataset was changed while it was loaded: start again.")
    training = run.config.training
    pictures = len(dataset.train.labels)
    steps = data.steps(pictures, training.batch_size)

    targets = soft_labels.targets(run.config.data, dataset.train.labels)
    chances = importance_sampling.chances(run.config.data, dataset.train.labels)
    own = mixture.load_own(run.path / "pictures.npz")
    sources = mixture.sources(run.config.data, dataset.train, training.seed, own, report)

    precision, trial = _precision(run, report)
    status = replace(status, precision=precision, precision_trial=trial)
    print(f"Computing in {trial or precision}", flush=True)
    report("Building the network")
    keras.utils.set_random_seed(training.seed)
    export = build(run.config, precision="float32")
    if run.has_model:  # of an earlier session; what the weights came from may be gone
        portable.load_weights(export, run.model_path)
    else:
        transfer_weights(export, run.config, report)
    boundary = frozen_layers.boundary(run.config, pictures)
    kept = frozen_features.features(run.config, export, boundary, dataset, report) if boundary else None
    weights = balanced_weights(dataset.train.labels, export.output_shape[-1]) if training.class_weights else None
    report("Building the network")
    keras.utils.set_random_seed(training.seed)
    with strategy.scope():
        whole = build(run.config, status.precision, for_training=True)
        if run.config.transfer.source:
            whole.set_weights(export.get_weights())
        network = frozen_features.head_of(whole, run.config, boundary) if boundary else whole
        rate = compile_for_training(network, run.config, steps * training.epochs, weights)
    learned = dataset.train.labels if targets is None else targets
    start = _restore(run, network)
    waiting = InputWaitTimer(network)
    records = _forget_after(run.path, start.epoch, start.step)
    seconds = max([status.seconds, *(record.get("seconds", 0.0) for record in records)])
    status = replace(runs.signed(status, "training"), seconds=seconds)

    def batches(epoch: int, step: int):
        if kept is not None:
            return frozen_features.training_batches(kept.train, learned, run.config, epoch, step)
        return data.training_batches(
            dataset.train,
            training.batch_size,
            training.seed,
            epoch,
            training.epochs,
            run.config.data,
            sources,
            step,
            strategy.num_replicas_in_sync,
            targets,
            chances,
        )

    if kept is not None:
        validation = frozen_features.evaluation_batches(kept.validation, dataset.validation.labels)
    else:
        validation = data.evaluation_batches(dataset.validation, images_at_once(export, 500))
    count = _sample_size(run.config)
    sample = data.Split(dataset.validation.images[:count], dataset.validation.labels[:count])
    recorder = Recorder(run, export, steps, pictures, status, start, sample, waiting, is_head=network is not whole)
    with closing(recorder):
        steering = Steering(
            recorder,
            rate,
            runs.learning_rate_changes(records),
            lambda epoch, step: next(iter(batches(epoch, step).take(1))),
        )
        if records:
            recorder.event("resumed")
        averages = [ValidatedAverages()] * bool(training.ema_momentum)
        recorder.seen_enough = bool(training.patience and diagnosis.is_plateau(records, training.patience))

        def fit(epoch: int, last: int, step: int = 0) -> None:
            network.fit(
                batches(epoch, step),
                epochs=last,
                initial_epoch=epoch,
                steps_per_epoch=steps - step,
                shuffle=False,  # the batches come shuffled
                validation_data=validation,
                callbacks=[recorder, steering, keras.callbacks.TerminateOnNaN(), *averages],
                verbose=1 if sys.stdout.isatty() else 2,
            )

        if start.step:  # the rest of an epoch
            fit(start.epoch, start.epoch + 1, start.step)
            if averages:  # which Keras has put in place of the weights
                _restore(run, network)
        if recorder.status.epoch < training.epochs and not recorder.seen_enough and not network.stop_training:
            fit(recorder.status.epoch, training.epochs)
    if recorder.status.epoch < training.epochs and not recorder.seen_enough:
        if recorder.stopped:
            raise Stopped
        last_rate = recorder.status.learning_rate
        raise CannotGoOn(f"The loss is no longer a number at a learning rate of {last_rate:g}: go on with a lower one.")

    status = runs.signed(recorder.status, "training", "Measuring on the test images")
    runs.write_status(run.path, status)
    ended = ""
    if training.patience:
        best = diagnosis.best_epoch(runs.read_metrics(runs.read(run.path)))
        ended = f"The network of epoch {best} is kept, which had the lowest validation loss."
        export.load_weights(run.path / "best.keras")
    else:
        network.optimizer.finalize_variable_values(network.trainable_variables)  # with averages, where it keeps any
        export.set_weights(whole.get_weights())  # as they are saved already, unless the run was resumed right here
    if training.calibrate:
        predicted = predict(export, dataset.validation.images)
        calibration.apply_temperature(export, calibration.temperature(predicted, dataset.validation.labels))
        recorder.save(export, "model.keras")
    measured = predictions.measure(export, dataset.test, class_names=run.config.data.card.class_names)
    predictions.keep(run, measured)  # for the Evaluate page
    result = summary(measured)
    held_out = own.held_out if own is not None else None
    result["own_temperature"] = own_temperature(export, held_out) if training.calibrate else None
    result["familiarity"] = familiarity_of(
        export, dataset.validation, held_out, result["own_temperature"] or 1.0, training.seed, run.config.data.card
    )
    runs.write_json(run.path / "evaluation.json", result)
    write_examples(run.path, export, dataset.test)
    write_reference(run.path, dataset.train, run.config.data.style_augmentation > 0, training.seed, export)
    print(
        f"Test accuracy {result['accuracy']:.4f}, loss {result['loss']:.4f} on {counted(result['n'], 'image')}",
        flush=True,
    )
    runs.write_status(run.path, runs.closed(status, "finished", ended))
    for name in ("checkpoint.npz", "best.keras"):
        (run.path / name).unlink(missing_ok=True)


def _sample_size(config: RunConfig) -> int:
    """On how many validation images a network is looked into after each epoch."""
    return max(1, min(_SAMPLE, _SAMPLE_BYTES // sum(row.memory for row in config.rows())))


def _devices(all_of_them: str, shared: list[str]) -> str:
    """What the page and the log say of the devices."""
    if len(shared) < 2:
        return all_of_them
    names = ", ".join(name.removeprefix("/device:") for name in shared)
    return f"{all_of_them}\nMirroredStrategy: each batch is shared out among {len(shared)} devices, {names}"


def _precision(run: Run, report: Callable[[str], None]) -> tuple[str, str]:
    """The configured one; where it is "auto", the fastest one, or what an earlier session of the run took for it.

    Returns:
        The precision, and what the trial found, empty without one.
    """
    if run.config.training.precision != "auto":
        return run.config.training.precision, ""
    from cnn.training import precision_trial

    if run.status.precision:
        return run.status.precision, run.status.precision_trial
    report("Trying which precision is the fastest")
    return precision_trial.faster_precision(run.config)


def _restore(run: Run, network) -> "Restored":
    """Continue from the checkpoint, if there is one."""
    from cnn.training import checkpoint

    file = run.path / "checkpoint.npz"
    if not file.exists():
        return checkpoint.Restored()
    try:
        return checkpoint.restore(file, network)
    except checkpoint.UnreadableCheckpoint as error:
        raise CannotGoOn(f"{error} Delete {file} to train the run from its beginning.") from error


def _forget_after(path: Path, epoch: int, step: int) -> list[dict[str, Any]]:
    """Drop what is known of that which will be trained again, after `step` steps of `epoch`. Returns the metrics left.

    Events stay: they did happen, and changes of the learning rate will be repeated.
    """
    time_lapse.forget_after(path, epoch)
    for pattern in (".[0-9]*", ".status.json.*", ".metrics.jsonl.*"):  # a killed process left them half-written
        for file in path.glob(pattern):
            file.unlink(missing_ok=True)
    kept = []
    for record in runs.read_metrics(runs.read(path)):
        place = (record["epoch"], record.get("step", 0))
        if record["kind"] == "event" or place <= (epoch, step):
            kept.append(record)
    runs.write_text(path / "metrics.jsonl", "".join(json.dumps(record) + "\n" for record in kept))
    return kept


def _write_environment(run: Run, tensorflow: str, keras: str, devices: str) -> None:
    runs.write_json(
        run.path / "environment.json",
        {
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
            "tensorflow": tensorflow,
            "keras": keras,
            "devices": devices,
            "classes": run.config.data.card.class_names,
        },
    )

"""How long a training takes, and how good it gets: `python -m benchmarks.time_to_accuracy [--quick] [--seeds N]`.

Rival: the lecture's notebook as it stands, as a student runs it: a plain Sequential network, `model.fit`, float32,
batches of 32, 10 epochs with validation, in a process of its own that knows nothing of this project. Against it our
presets through the real machinery: each a run of its own by `python -m cnn.train`, with checkpoints, metrics and time
lapse. Both split the images alike (55,000 / 5,000 / 10,000). In turn: for each seed the lecture, then each preset.
The test images are used once, at the end of each training; the same network then predicts them with test-time
augmentation, too. Targets on 2 cores: `fast` ends at 92.5% in 1/40 of the lecture's time, `accurate` at 95.0% within 60
minutes where the processor computes in bfloat16.

The clock "training" runs over all of `fit`, validation and files included; "whole process" also over the imports,
loading the images, a trial of precisions, and the test. With --quick the lecture's time is extrapolated from a part
of one epoch, and each preset is trained once, or as often as --seeds says. The whole takes more than an hour:
--output FILE keeps each result as it comes, and --resume FILE goes on from there; --keep FOLDER keeps the runs, takes
those that are there, and resumes what is not finished. Run it on an otherwise idle machine; how much of the processor
others took is measured, and told below the table where it is much.
"""

import argparse
import hashlib
import inspect
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from benchmarks.report import machine
from benchmarks.training import PROJECT, train
from cnn import runs
from cnn.config import RunConfig, presets
from cnn.runs import Run, diagnosis

LECTURE = "lecture's notebook"
_QUICK = 400  # steps from which --quick extrapolates
_BUSY = 0.05  # share of the processor that others may take without a word
_OURS = ("TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS")  # which `import cnn` sets, and a notebook does not


@dataclass(frozen=True)
class Result:
    """One training. Times in seconds, shares and accuracies in [0, 1]."""

    network: str
    seed: int
    recipe: str  # a digest of all that it is trained with
    machine: str
    sitting: str  # when the benchmark that measured it was started
    seconds: float  # of the training
    process: float | None  # of the whole process; None where the training is extrapolated
    pictures: int  # training images, counted in every epoch
    epochs: int
    parameters: int
    precision: str
    waiting: float | None  # share of the time in the batches that was spent waiting for them
    validation: float | None  # accuracy
    test: float | None  # accuracy
    averaged: float | None  # the same with test-time augmentation; None of the lecture, which has none
    others: float  # share of the processor's time that other programs took meanwhile

    @property
    def key(self) -> tuple[str, int, str, str]:
        return self.network, self.seed, self.recipe, self.machine


# --- the lecture ------------------------------------------------------------------------------------------------


def lecture(seed: int, limit: int | None, steps: int | None, result: str) -> None:
    """The lecture's notebook from top to bottom. Only the source of this function runs in the student's process.

    Args:
        seed: of all random choices. The notebook sets none.
        limit: training images; None for all.
        steps: extrapolate from so many steps; None trains all epochs.
        result: the file to write the figures to, as JSON.
    """
    import json
    import time
    from pathlib import Path

    from tensorflow import keras

    keras.utils.set_random_seed(seed)
    (x_train_full, y_train_full), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()

    x_train, x_valid = x_train_full[:-5000][:limit], x_train_full[-5000:]
    y_train, y_valid = y_train_full[:-5000][:limit], y_train_full[-5000:]

    x_train = x_train / 255.0
    x_valid = x_valid / 255.0
    x_test = x_test / 255.0

    x_train = x_train.reshape(-1, 28, 28, 1)
    x_valid = x_valid.reshape(-1, 28, 28, 1)
    x_test = x_test.reshape(-1, 28, 28, 1)

    cnn = keras.models.Sequential(
        [
            keras.layers.Conv2D(64, 7, activation="relu", padding="same", input_shape=(28, 28, 1)),
            keras.layers.MaxPooling2D(2),
            keras.layers.Conv2D(128, 3, activation="relu", padding="same"),
            keras.layers.Conv2D(128, 3, activation="relu", padding="same"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Conv2D(256, 3, activation="relu", padding="same"),
            keras.layers.Conv2D(256, 3, activation="relu", padding="same"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    cnn.compile(
        optimizer=keras.optimizers.Adam(),
        loss=keras.losses.sparse_categorical_crossentropy,
        metrics=[keras.metrics.sparse_categorical_accuracy],
    )
    epochs = 10
    figures = {"pictures": epochs * len(x_train), "epochs": epochs, "parameters": cnn.count_params()}

    if steps is None:
        start = time.perf_counter()
        history = cnn.fit(x_train, y_train, epochs=epochs, validation_data=(x_valid, y_valid))
        figures["seconds"] = time.perf_counter() - start
        figures["validation"] = history.history["val_sparse_categorical_accuracy"][-1]
        figures["test"] = cnn.evaluate(x_test, y_test)[1]
    else:
        per_epoch = -(-len(x_train) // 32)
        first = min(20, per_epoch // 4)  # until everything is compiled and in place
        last = min(first + steps, per_epoch - 1)
        times = {}

        class Clock(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                if batch in (first, last):
                    times[batch] = time.perf_counter()
                if batch == last:
                    self.model.stop_training = True

        cnn.fit(x_train, y_train, callbacks=[Clock()])
        step = (times[last] - times[first]) / (last - first)
        cnn.evaluate(x_valid, y_valid, verbose=0)
        start = time.perf_counter()
        cnn.evaluate(x_valid, y_valid, verbose=0)
        figures["seconds"] = epochs * (per_epoch * step + time.perf_counter() - start)
    Path(result).write_text(json.dumps(figures))


def run_lecture(seed: int, limit: int | None, steps: int | None) -> tuple[dict, float]:
    """The figures of `lecture` from a process of its own, and the seconds of that process."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures.json"
        command = f"{inspect.getsource(lecture)}\nlecture({seed}, {limit}, {steps}, {str(file)!r})"
        student = {name: value for name, value in os.environ.items() if name not in _OURS}
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", command], cwd=folder, env=student, stdout=sys.stderr, check=True)
        return json.loads(file.read_text()), time.perf_counter() - start


# --- measuring --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trial:
    """One training that is to be measured. `measure` returns what only the training can tell of its Result."""

    network: str
    seed: int
    recipe: str
    measure: Callable[[], dict]


def trials(names: Sequence[str], seeds: Sequence[int], limit: int | None, quick: bool) -> list[Trial]:
    """All that is to be trained, in its order. With `quick` the lecture is extrapolated once."""
    steps = _QUICK if quick else None
    planned = []
    for seed in seeds:
        if not quick or seed == seeds[0]:
            recipe = _digest(inspect.getsource(lecture), limit, steps)
            planned.append(Trial(LECTURE, seed, recipe, lambda seed=seed: _measure_lecture(seed, limit, steps)))
        for name in names:
            config = _configured(name, seed, limit)
            recipe = _digest(config.model_dump_json())
            planned.append(Trial(name, seed, recipe, lambda config=config: _measure_preset(config)))
    return planned


def _configured(name: str, seed: int, limit: int | None) -> RunConfig:
    values = presets()[name].model_dump()
    values["training"]["seed"] = seed
    values["data"]["limit"] = limit or values["data"]["limit"]
    return RunConfig.model_validate(values)


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def _measure_lecture(seed: int, limit: int | None, steps: int | None) -> dict:
    figures, process = run_lecture(seed, limit, steps)
    common = {"precision": "float32", "waiting": None, "validation": None, "test": None, "averaged": None}
    return {**common, **figures, "process": process if steps is None else None}


def _measure_preset(config: RunConfig) -> dict:
    run, process = train(config, again=False)
    return {**figures_of(run), "averaged": _averaged(run), "process": process}


def figures_of(run: Run) -> dict:
    """What a finished run tells of itself."""
    epochs = [record for record in runs.read_metrics(run) if record["kind"] == "epoch"]
    kept = diagnosis.best_epoch(epochs) if run.config.training.patience else epochs[-1]["epoch"]
    waits = [record["waiting"] for record in epochs if "waiting" in record]
    return {
        "seconds": run.status.seconds,
        "pictures": (run.config.data.limit or 55_000) * len(epochs),
        "epochs": len(epochs),
        "parameters": run.parameters,
        "precision": run.status.precision,
        "waiting": statistics.fmean(waits) if waits else None,
        "validation": next(record["val_accuracy"] for record in epochs if record["epoch"] == kept),
        "test": run.evaluation["accuracy"],
    }


def _averaged(run: Run) -> float:
    """The test accuracy with test-time augmentation, measured in a process of its own."""
    command = [sys.executable, "-m", "cnn.evaluate", "--run", str(run.path), "--answers", "--json"]
    done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)["accuracy"]


@contextmanager
def share_of_others() -> Iterator[list[float]]:
    """Fills the list with the share of the processor's time that others took: neither idle nor used by our children."""
    found: list[float] = []
    busy, own, start = _busy(), _of_children(), time.perf_counter()
    yield found
    available = (time.perf_counter() - start) * psutil.cpu_count()
    found.append(max(0.0, (_busy() - busy - (_of_children() - own)) / available))


def _busy() -> float:
    times = psutil.cpu_times()
    return sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def read(file: Path | None) -> list[Result]:
    """The results that earlier sittings left; none where there is no file yet."""
    if file is None or not file.exists():
        return []
    try:
        return [Result(**line) for line in runs.json_objects(file.read_bytes())]
    except TypeError as error:
        sys.exit(f"{file} is not of this version of the benchmark ({error}): give the name of a new file.")


def measure_all(
    planned: Sequence[Trial], known: Sequence[Result], this_machine: str, output: Path | None
) -> list[Result]:
    """The results of all trials; what is known already, from the same recipe on the same machine, is not measured."""
    found = {result.key: result for result in known}
    sitting = time.strftime("%Y-%m-%d %H:%M:%S")
    results = []
    for number, trial in enumerate(planned, 1):
        said = f"{number} of {len(planned)}: {trial.network}, seed {trial.seed}"
        key = (trial.network, trial.seed, trial.recipe, this_machine)
        if key in found:
            print(f"{said}: measured on {found[key].sitting}", file=sys.stderr, flush=True)
            results.append(found[key])
            continue
        print(said, file=sys.stderr, flush=True)
        with share_of_others() as others:
            figures = trial.measure()
        result = Result(*key, sitting=sitting, others=others[0], **figures)
        results.append(result)
        if output is not None:
            with output.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(result)) + "\n")
    return results


# --- the table --------------------------------------------------------------------------------------------------


def table(results: Sequence[Result]) -> str:
    """One column for each network, the lecture's first, in Markdown; and what is to be known about it."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.network, []).append(result)
    rival = groups[LECTURE]
    whole = [result.process for result in rival if result.process is not None]

    def share(values: list[float], of: list[float]) -> list[float]:
        return [value / statistics.median(of) for value in values] if of else []

    rows: dict[str, list[str]] = {"": list(groups)}
    for group in groups.values():
        times = [result.seconds for result in group]
        processes = [result.process for result in group if result.process is not None]
        column = {
            "trainings": str(len(group)),
            "training, s": _spread(times, "{:.1f}"),
            "/ lecture's": _spread(share(times, [result.seconds for result in rival]), "{:.3f}"),
            "whole process, s": _spread(processes, "{:.1f}"),
            "/ lecture's whole process": _spread(share(processes, whole), "{:.3f}"),
            "images a second": _spread([result.pictures / result.seconds for result in group], "{:,.0f}"),
            "epochs": _same(f"{result.epochs}" for result in group),
            "parameters": _same(f"{result.parameters:,}" for result in group),
            "precision": _same(result.precision for result in group),
            "waiting for data": _spread([r.waiting for r in group if r.waiting is not None], "{:.1%}"),
            "validation accuracy": _mean([r.validation for r in group if r.validation is not None]),
            "test accuracy": _mean([r.test for r in group if r.test is not None]),
            "with test-time augmentation": _mean([r.averaged for r in group if r.averaged is not None]),
        }
        for name, text in column.items():
            rows.setdefault(name, []).append(text)
    widths = [max(map(len, cells)) for cells in zip(*([name, *cells] for name, cells in rows.items()), strict=True)]
    lines = [_row([name, *cells], widths) for name, cells in rows.items()]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join([*lines, "", "Times: median (range); accuracies: mean (range).", *_notes(results)])


def _notes(results: Sequence[Result]) -> Iterator[str]:
    if any(result.process is None for result in results):
        yield (
            f"The lecture was not trained: its time is extrapolated from up to {_QUICK} steps of one epoch and one "
            "validation."
        )
    sittings = {result.sitting for result in results}
    if len(sittings) > 1:
        yield f"Measured in {len(sittings)} sittings, begun on {', '.join(sorted(sittings))}."
    busiest = max(results, key=lambda result: result.others)
    if busiest.others > _BUSY:
        yield (
            f"The machine was not idle: other programs took up to {busiest.others:.0%} of the processor "
            f"({busiest.network}, seed {busiest.seed})."
        )


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"


def _spread(values: list[float], form: str) -> str:
    return _around(statistics.median(values), values, form) if values else "–"


def _mean(values: list[float]) -> str:
    return _around(statistics.fmean(values), values, "{:.2%}") if values else "–"


def _around(middle: float, values: list[float], form: str) -> str:
    if len(values) == 1:
        return form.format(middle)
    return f"{form.format(middle)} ({form.format(min(values))} to {form.format(max(values))})"


def _same(texts: Iterator[str]) -> str:
    """What all of them agree on, or each of what they have."""
    return ", ".join(dict.fromkeys(texts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ours = [name for name in ("fast", "accurate") if name in presets()]
    parser.add_argument("--quick", action="store_true", help="extrapolate the lecture's time from a part of an epoch")
    parser.add_argument("--seeds", type=int, help="trainings of each network: 3, with --quick 1")
    parser.add_argument("--presets", nargs="+", default=ours, choices=list(presets()), metavar="NAME")
    parser.add_argument("--limit", type=int, help="training images; below 55,000 it only shows that all works")
    parser.add_argument("--output", type=Path, metavar="FILE", help="append a line of JSON after each training")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="measure only what is not in there, and append")
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep the runs in this folder, and take those there"
    )
    options = parser.parse_args()
    seeds = range(1, (options.seeds or (1 if options.quick else 3)) + 1)
    print(this_machine := machine())
    with nullcontext(options.keep) if options.keep else tempfile.TemporaryDirectory() as folder:
        os.environ["CNN_RUNS"] = str(folder)
        planned = trials(options.presets, seeds, options.limit, options.quick)
        output = options.output or options.resume
        results = measure_all(planned, read(options.resume), this_machine, output)
    pictures = f"{options.limit or 55_000:,} training, 5,000 validation and 10,000 test images"
    print(f"Fashion-MNIST, {pictures}\n\n{table(results)}")


if __name__ == "__main__":
    main()

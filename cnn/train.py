"""Train a run, in the foreground, in a process of its own: `python -m cnn.train`.

    python -m cnn.train --preset fast [--epochs N] [--dataset DATASET] [--limit N] [--seed N] [--name TEXT]
                        DATASET is the name of one, or a folder that has a folder for each class
    python -m cnn.train RUN_DIR                                     starts it, or resumes it from its last checkpoint
    python -m cnn.train RUN_DIR --job ID                            as the job of a cluster, which has waited there

The dashboard starts this same command. One run trains at a time in a runs folder; the others wait here, each in its
own process, the oldest first, so the queue needs no dashboard and no broker. This module is the only caller of
`fit()`. TensorFlow is loaded when the run's turn has come.
"""

import argparse
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from cnn import data, runs
from cnn.config import DATASET_CARDS, RunConfig, explain
from cnn.data import folders, mixture
from cnn.errors import AtelierError
from cnn.runs import Run, saved_presets
from cnn.runs.worker import complain, print_anything, say, with_dashes
from cnn.training.trainer import interrupted, train_in_turn


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 finished or stopped, 1 failed, 2 bad arguments."""
    print_anything()
    options = _parse(arguments)
    try:
        run = runs.find(options.run) if options.run else _create(options)
    except (AtelierError, ValidationError, OSError) as error:
        complain("cnn.train", explain(error))
        return 2
    # A stop from outside ends like Ctrl-C: the status is written, the last checkpoint stays. Ctrl-C is set too, because
    # a shell starts what it sends to the background with it ignored.
    interrupted.clear()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    code = train_in_turn(run, options.job)
    if account := runs.read_json(run.path / "pictures.json"):
        say(folders.headline(account))
    say(str(run.path))
    return code


def _interrupt(*signal_and_frame: object) -> None:
    interrupted.set()
    raise KeyboardInterrupt


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m cnn.train", description=__doc__.split("\n")[0])
    parser.add_argument("run", nargs="?", metavar="RUN_DIR", help="an existing run to start or resume")
    parser.add_argument("--preset", metavar="NAME", help=f"make a new run from {', '.join(saved_presets.names())}")
    parser.add_argument("--epochs", type=int, help="instead of the preset's")
    parser.add_argument(
        "--dataset",
        metavar="DATASET",
        help=f"instead of the preset's: {', '.join(DATASET_CARDS)}, the name of one of your own, or a folder that has "
        "a folder for each class",
    )
    parser.add_argument("--limit", type=int, help="train on only the first N images")
    parser.add_argument("--seed", type=int, help="instead of the preset's")
    parser.add_argument("--name", help="what to call the run")
    parser.add_argument(
        "--pictures",
        nargs="+",
        type=Path,
        metavar="DIR",
        help="folders of your own images, in <label>_<class>, to mix in",
    )
    parser.add_argument("--job", metavar="ID", help="the cluster's job that this is: trains at once, in no queue here")
    options = parser.parse_args(with_dashes(arguments))
    changes = [options.epochs, options.dataset, options.limit, options.seed, options.name, options.pictures]
    if bool(options.run) == bool(options.preset):
        parser.error("give either a run's directory or --preset NAME")
    if options.run and any(change is not None for change in changes):
        parser.error("a run's configuration cannot be changed: use --preset to make a new one")
    if options.job and options.preset:
        parser.error("--job needs the directory of the run that waits for the job")
    return options


def _create(options: argparse.Namespace) -> Run:
    """A new run from a preset, with your own images that it mixes in."""
    config = _configure(options)
    if not options.pictures:
        return runs.create(config, options.name or "")
    own, account = mixture.read_own(options.pictures, say)
    for line in folders.lines(account):
        say(line)
    run = runs.create(config, options.name or "")
    mixture.save_own(run.path / "pictures.npz", own)
    runs.write_json(run.path / "pictures.json", account)
    return run


def _configure(options: argparse.Namespace) -> RunConfig:
    values = saved_presets.find(options.preset).model_dump()
    if options.dataset is not None:
        chosen = data.with_dataset(saved_presets.find(options.preset).data, options.dataset, _looking())
        values["data"] = chosen.model_dump()
    for section, name in (("data", "limit"), ("training", "epochs"), ("training", "seed")):
        if (value := getattr(options, name)) is not None:
            values[section][name] = value
    if options.pictures and not values["data"]["own_images"]:
        values["data"]["own_images"] = 0.15
    return RunConfig.model_validate(values)


def _looking() -> Callable[[int, int], None]:
    """Says how far the images of a folder are looked at, every few seconds."""
    said = time.monotonic()

    def report(done: int, of: int) -> None:
        nonlocal said
        if time.monotonic() - said > 3:
            said = time.monotonic()
            say(f"Looking at your images: {done:,} of {of:,}")

    return report


if __name__ == "__main__":
    sys.exit(main())

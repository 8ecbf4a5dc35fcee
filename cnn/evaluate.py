"""Measure a run on a whole split or a folder of images, or two runs: `python -m cnn.evaluate [--run RUN] [--json]`.

Returns numbers; draws nothing.
"""

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cnn import data, runs
from cnn.config import counted
from cnn.config.printable import printable
from cnn.data import own_datasets
from cnn.disk import NotWritten, in_words
from cnn.errors import AtelierError
from cnn.evaluation import calibration, image_folder, paired, predictions, scores
from cnn.evaluation.predictions import SPLITS, Predictions, SplitName
from cnn.networks import test_time_augmentation
from cnn.runs import Run
from cnn.runs.worker import print_anything

_HELP = """\
--json prints one object: run, split, n, accuracy, interval (of the accuracy, 95%, Wilson), balanced_accuracy (the mean
recall of the classes that have images), loss, ece (expected calibration error), per_class (class, precision, recall,
f1, support, confidence), confusion (rows are true classes).
--dataset measures on all images of a folder that has a folder for each class, whose names mean the network's classes in
any spelling (`T-shirt`, `t_shirts`, `0_T-shirt`); each is predicted as cnn.predict does. In place of split, --json then
has dataset (the folder), unknown (folders of no class), missing (classes without images) and unreadable (files).
--against adds other (the second run), difference (accuracy of RUN less that of RUN2), difference_interval (95%,
Newcombe 1998), p_value (McNemar's exact test), only_first and only_second (images on which only that run is right):
interval is always the accuracy's, so that a script reads the same with and without --against. Rates are fractions
from 0 to 1. What was measured is kept with the run; the next call takes seconds.

Exit codes: 0; 1 if the dataset cannot be had or the report cannot be written; 2 if there is no such run or network, or
two runs cannot be compared.
"""


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0, 1 if the dataset or the report fails, 2 for a run, network or pair that cannot be."""
    print_anything()
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.dataset and (options.report or options.split or options.answers):
        parser.error("--dataset goes with --run, --against and --json alone")
    options.split = options.split or SPLITS[0]
    try:
        run = runs.find(options.run)
        other = runs.find(options.against) if options.against else None
        if options.report:
            _require_writable(options.report)
        folder = _folder_measured(run, options.dataset) if options.dataset else None
        found = folder.predictions if folder else _measured(run, options.split, options.answers)
        result = _numbers(run, found, folder)
        if other:
            on_folder = options.dataset and _folder_measured(other, options.dataset)
            second = on_folder.predictions if on_folder else _measured(other, options.split, options.answers)
            result |= _compared(other, paired.compare(found, second))
        if options.report:
            _write_report(options.report, run, options.split)
    except AtelierError as error:
        if options.json:
            print(json.dumps({"error": str(error)}), file=sys.stderr)
        else:
            print(f"cnn.evaluate: {error}", file=sys.stderr)
        return 1 if isinstance(error, data.DataUnavailable | NotWritten) else 2
    if options.json:
        print(json.dumps(result))
    else:
        print(_text(run, found, folder))
        if other:
            print(f"\n{printable(paired.compare(found, second).in_words(*_names(run, other)))}")
        if options.report:
            print(f"\nThe report is in {printable(options.report)}.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cnn.evaluate",
        description="Measure a run on a whole split, or two runs on the same images.",
        epilog=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--run", default=runs.DEFAULT_ID, help="id or directory; the shipped model where left out")
    parser.add_argument("--split", choices=SPLITS, help="which images; test where left out")
    parser.add_argument(
        "--dataset", metavar="DIR", help="measure on all images of a folder, or of a dataset of your own"
    )
    parser.add_argument("--against", metavar="RUN2", help="a second run to compare with on the same images")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--report", metavar="FILE.html", type=Path, help="write a report of the run to this file")
    parser.add_argument("--answers", action="store_true", help="as cnn.predict does, with test-time augmentation")
    return parser


def _measured(run: Run, split: SplitName, averaged: bool) -> Predictions:
    """What a run predicts of a split, in a single forward pass or as the mean over several views."""
    with contextlib.redirect_stdout(sys.stderr):  # where Keras may draw the progress of a download
        if run.config is not None and not averaged:
            return predictions.of_run(run, split)
        from cnn.networks.load import load

        model = load(run)  # of a damaged run this says what is wrong
        images, labels = predictions.images_of(run, split)
    card = run.config.data.card
    means = test_time_augmentation.predict(model, images, card.reading)
    logits = np.log(np.maximum(means, 1e-30))  # of which the means are the softmax
    return Predictions(split, np.asarray(labels, np.int64), logits, card.class_names)


def _folder_measured(run: Run, dataset: str) -> image_folder.Measured:
    """What a run predicts of the images of a folder, or of a dataset of people's own by its name."""
    said = time.monotonic()

    def report(done: int, of: int) -> None:
        nonlocal said
        if time.monotonic() - said > 5:
            said = time.monotonic()
            print(f"Predicting your images: {done:,} of {of:,}", file=sys.stderr, flush=True)

    with contextlib.redirect_stdout(sys.stderr):
        return image_folder.measure(run, own_datasets.find(dataset).path, report)


# --- as numbers -------------------------------------------------------------------------------------------------


def _numbers(run: Run, found: Predictions, folder: image_folder.Measured | None = None) -> dict[str, Any]:
    on = {"split": found.split} if folder is None else {"dataset": str(folder.folder)}
    return {
        "run": run.id,
        **on,
        "n": len(found),
        "accuracy": round(found.accuracy, 6),
        "interval": _rounded(scores.interval(int(found.right.sum()), len(found))),
        "balanced_accuracy": round(_balanced_accuracy(found), 6),
        "loss": round(found.loss, 6),
        "ece": round(_calibration_error(found), 6),
        "per_class": [row.rounded() for row in scores.per_class(found)],
        "confusion": scores.confusion(found).tolist(),
        **({} if folder is None else _left_out(folder)),
    }


def _left_out(folder: image_folder.Measured) -> dict[str, Any]:
    return {
        "unknown": list(folder.unknown),
        "missing": list(folder.missing),
        "unreadable": [{"file": str(file), "error": why} for file, why in folder.unreadable],
    }


def _balanced_accuracy(found: Predictions) -> float:
    """The mean recall of the classes that have images, in [0, 1]."""
    macro, _ = scores.means(found)
    return macro.recall


def _compared(other: Run, comparison: paired.Comparison) -> dict[str, Any]:
    return {
        "other": other.id,
        "difference": round(comparison.difference, 6),
        "difference_interval": _rounded(comparison.interval),
        "p_value": float(f"{comparison.p_value:.6g}"),  # which may be tiny
        "only_first": comparison.only_first,
        "only_second": comparison.only_second,
    }


def _rounded(ends: Sequence[float]) -> list[float]:
    return [round(end, 6) for end in ends]


def _calibration_error(found: Predictions) -> float:
    return calibration.expected_calibration_error(found.probabilities, found.labels)


# --- in words ---------------------------------------------------------------------------------------------------


def _text(run: Run, found: Predictions, folder: image_folder.Measured | None = None) -> str:
    low, high = scores.interval(int(found.right.sum()), len(found))
    card = run.config.data.card
    images = counted(len(found), f"{found.split} image" if folder is None else "image")
    where = card.title if folder is None else folder.folder
    balanced = f"balanced {_balanced_accuracy(found):.2%}"
    lines = [
        f"{printable(run.name)} ({run.id}) on the {images} of {printable(where)}",
        f"Accuracy {found.accuracy:.2%} (95% interval {low:.2%} to {high:.2%}), {balanced}, "
        f"loss {found.loss:.4f}, calibration error {_calibration_error(found):.2%}",
        *(folder.notes() if folder else []),
        "",
        *_table(found),
    ]
    for worst in scores.most_confused(scores.confusion(found)):
        true, predicted = (printable(card.class_names[label]) for label in (worst.true, worst.predicted))
        lines += ["", f"Most often wrong: {true} predicted as {predicted}, {worst.count:,} of {worst.of:,}."]
    return "\n".join(lines)


def _table(found: Predictions) -> list[str]:
    head = ("Class", "Precision", "Recall", "F1", "Images", "Confidence")
    rows = [
        (
            printable(row.name),
            *(f"{value:.1%}" for value in (row.precision, row.recall, row.f1)),
            f"{row.support:,}",
            f"{row.confidence:.1%}" if row.support else "–",
        )
        for row in scores.per_class(found)
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return [
        f"{name:<{widths[0]}}  " + "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True))
        for name, *cells in (head, *rows)
    ]


def _names(run: Run, other: Run) -> tuple[str, str]:
    """What the sentence calls two runs: by their ids where their names are the same."""
    return (run.name, other.name) if run.name != other.name else (run.id, other.id)


# --- the report -------------------------------------------------------------------------------------------------


def _require_writable(path: Path) -> None:
    """Say at once, not after minutes of measuring, that a file cannot be written."""
    folder = path.absolute().parent
    if path.is_dir():
        raise NotWritten(f"The report cannot be written: {printable(path)} is a folder.")
    if not folder.is_dir():
        raise NotWritten(f"The report cannot be written: there is no folder {printable(folder)}.")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise NotWritten(f"The report cannot be written: {printable(path)} is not yours to write.")


def _write_report(path: Path, run: Run, split: SplitName) -> None:
    from cnn.report import html  # draws, which nothing else here does

    with contextlib.redirect_stdout(sys.stderr):
        page = html(run, split)
    with in_words("The report", path.absolute().parent, "Its numbers are kept with the run."):
        runs.write_text(path, page)


if __name__ == "__main__":
    sys.exit(main())

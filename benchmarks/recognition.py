"""How many of people's own images are recognised: `python -m benchmarks.recognition --sketches DIR --photos DIR`.

Each folder has subfolders named `<label>_<class>`; `--catalogue DIR` is a third one. Three ways from file to network
are compared in one run, for every shipped model: a plain resize to 28 x 28 as many demonstrations do it, the recipe
that made Fashion-MNIST (for plain backgrounds), and the program's own readings. For each: accuracy, balanced accuracy
(the mean over the classes), expected calibration error, the confusion matrix, and the accuracy by file-name prefix;
which fraction was read as a drawing, a painted shape, a photo; and which fraction of the right and of the wrong answers
is called "not like clothes" or "unsure". A file that cannot be read counts as wrong.

A fifth of all images, chosen by their names, is never trained on (`cnn.data.mixture.is_held_out`): where a model was
trained with the very folders that are given here, only the column "held out" says how well it will do elsewhere.
The last line is one JSON object.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import machine
from cnn import runs
from cnn.config import CLASS_NAMES
from cnn.data import mixture
from cnn.evaluation import calibration
from cnn.networks.predictor import Answer, Predictor
from cnn.pictures import (
    SIZE,
    WHOLE,
    UnreadableImage,
    as_network_input,
    on_ground,
    open_image,
    readings,
    to_network_input,
)
from cnn.pictures.readings import Reading


def plain_resize(file: Path) -> tuple[Reading, ...]:
    """Grey, squeezed to 28 x 28, negated where the border is light."""
    picture = on_ground(open_image(file)[0]).convert("L").resize((SIZE, SIZE))
    grey = np.asarray(picture, np.float32) / 255
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    return _one("Plain resize", 1 - grey if border.mean() > 0.5 else grey)


def recipe(file: Path) -> tuple[Reading, ...]:
    """The recipe of Fashion-MNIST: whatever differs from the corners' colour is the garment."""
    return _one("Recipe", to_network_input(*open_image(file)).pixels[..., 0])


def full(file: Path) -> tuple[Reading, ...]:
    """What `python -m cnn.predict` does."""
    return readings.read(file, used_only=True)


KINDS = ("sketches", "photos", "catalogue")
DOUBTS = ("not like clothes", "unsure")
WAYS: dict[str, Callable[[Path], tuple[Reading, ...]]] = {
    "plain resize": plain_resize,
    "recipe": recipe,
    "full pipeline": full,
}


def _one(name: str, grey: np.ndarray) -> tuple[Reading, ...]:
    return (Reading(name, name, as_network_input(grey.copy(), [], (), WHOLE), 1.0),)


def read_all(files: Sequence[Path], way: Callable[[Path], tuple[Reading, ...]]) -> list[tuple[Reading, ...]]:
    """The readings of every file; none where a file cannot be read."""
    found = []
    for file in files:
        try:
            found.append(way(file))
        except UnreadableImage:
            found.append(())
    return found


def measure(answers: Sequence[Answer | None], labels: np.ndarray, predictor: Predictor) -> dict[str, Any]:
    """Scores in [0, 1] of the answers; None stands for a file without one."""
    nothing = np.zeros(len(CLASS_NAMES), np.float32)
    probabilities = np.stack([nothing if answer is None else answer.probabilities for answer in answers])
    chosen = np.array([len(CLASS_NAMES) if answer is None else answer.label for answer in answers])
    confusion = np.zeros((len(CLASS_NAMES), len(CLASS_NAMES) + 1), int)
    np.add.at(confusion, (labels, chosen), 1)
    counts = confusion.sum(axis=1)
    recall = np.diag(confusion)[counts > 0] / counts[counts > 0]
    right = chosen == labels
    doubts = np.array([None if answer is None else predictor.doubt(answer) for answer in answers])
    return {
        "n": len(labels),
        "accuracy": round(float(right.mean()), 4),
        "balanced_accuracy": round(float(recall.mean()), 4),
        "calibration_error": round(calibration.expected_calibration_error(probabilities, labels), 4),
        "doubted": {
            which: {doubt: round(float((doubts[rows] == doubt).mean()), 4) for doubt in DOUBTS} if rows.any() else None
            for which, rows in (("right", right), ("wrong", ~right))
        },
        "confusion": confusion.tolist(),
    }


def read_as(found: Sequence[tuple[Reading, ...]]) -> dict[str, float]:
    """Which fraction of the files was read as what, by the reading with most weight."""
    kinds = [_kind(each[0].name) if each else "not read" for each in found]
    return {kind: round(kinds.count(kind) / len(kinds), 4) for kind in ("drawing", "shape", "photo", "not read")}


def _kind(name: str) -> str:
    return {readings.LINE_DRAWING: "drawing", readings.PAINTED: "shape"}.get(name, "photo")


def scores(answers: Sequence[Answer | None], items: Sequence[tuple[Path, int]], predictor: Predictor) -> dict[str, Any]:
    """`measure` for all images, for the held-out ones, and the accuracy for each file-name prefix."""
    labels = np.array([label for _, label in items])

    def of(rows: np.ndarray) -> dict[str, Any]:
        return measure([answers[row] for row in rows], labels[rows], predictor)

    held = np.flatnonzero([mixture.is_held_out(file) for file, _ in items])
    prefixes = np.array([file.name.split("_")[0] for file, _ in items])
    return {
        "all": of(np.arange(len(items))),
        "held_out": of(held) if len(held) else None,
        "prefixes": {
            prefix: of(np.flatnonzero(prefixes == prefix))["accuracy"] for prefix in np.unique(prefixes).tolist()
        },
    }


def show(kind: str, run: str, way: str, found: dict[str, Any]) -> None:
    held = found["held_out"]
    print(
        f"{kind:9} {run:10} {way:14} {found['all']['accuracy']:9.1%} {found['all']['balanced_accuracy']:9.1%} "
        f"{found['all']['calibration_error']:6.3f}   "
        + (f"{held['balanced_accuracy']:9.1%} {held['calibration_error']:6.3f} ({held['n']})" if held else "-"),
        flush=True,
    )


def show_doubts(found: dict[str, Any]) -> None:
    for name, part in (("all", found["all"]), ("held out", found["held_out"])):
        for which, doubted in part["doubted"].items() if part else ():
            if doubted:
                said = ", ".join(f"{share:.1%} {doubt}" for doubt, share in doubted.items())
                print(f"Of the {which} answers ({name}): {said}")


def show_confusion(found: dict[str, Any], title: str) -> None:
    print(f"\n{title}: rows are the true classes, columns the answers 0 to 9, the last column: could not be read")
    for label, row in enumerate(found["confusion"]):
        if sum(row):
            share = row[label] / sum(row)
            print(f"{label} {CLASS_NAMES[label]:12} {share:6.1%}  {' '.join(f'{count:4}' for count in row)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sketches", type=Path, metavar="DIR")
    parser.add_argument("--photos", type=Path, metavar="DIR")
    parser.add_argument("--catalogue", type=Path, metavar="DIR")
    parser.add_argument("--run", action="append", help="id or directory; every shipped model where left out")
    options = parser.parse_args()
    folders = {kind: path for kind in KINDS if (path := getattr(options, kind))}
    if not folders:
        parser.error("give --sketches DIR, --photos DIR or --catalogue DIR")
    try:
        pictures = {
            kind: [item for item in mixture.labelled_files(path) if item[1] < len(CLASS_NAMES)]
            for kind, path in folders.items()
        }
    except ValueError as error:
        parser.error(str(error))
    chosen = [runs.find(name) for name in options.run] if options.run else runs.shipped()
    predictors = {run.id: Predictor(run) for run in chosen}

    print(machine())
    print(f"{'':9} {'model':10} {'way':14} {'accuracy':>9} {'balanced':>9} {'ECE':>6}   held out: balanced, ECE (n)")
    result: dict[str, Any] = {}
    for kind, items in pictures.items():
        for way, read in WAYS.items():
            found = read_all([file for file, _ in items], read)
            for run_id, predictor in predictors.items():
                answers = [predictor.answer(each) if each else None for each in found]
                by_way = result.setdefault(kind, {}).setdefault(run_id, {})
                by_way[way] = {**scores(answers, items, predictor), "read_as": read_as(found)}
                show(kind, run_id, way, by_way[way])
    for kind, by_run in result.items():
        for run_id, by_way in by_run.items():
            measured = by_way["full pipeline"]
            show_confusion(measured["all"], f"{kind}, {run_id}, all")
            if measured["held_out"]:
                show_confusion(measured["held_out"], f"{kind}, {run_id}, held out")
            print("Read as:", ", ".join(f"{share:.1%} {name}" for name, share in measured["read_as"].items()))
            show_doubts(measured)
            prefixes = measured["prefixes"].items()
            if len(prefixes) < len(pictures[kind]) / 2:
                print("By file-name prefix:", ", ".join(f"{name} {share:.1%}" for name, share in prefixes))
    print(json.dumps(result))


if __name__ == "__main__":
    main()

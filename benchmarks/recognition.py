"""How many of people's own images are recognised: `python -m benchmarks.recognition --sketches DIR --photos DIR`.

Each folder has subfolders named `<label>_<class>`. Three ways from file to network are compared in one run, for every
shipped model: a plain resize to 28 x 28 as many demonstrations do it, the recipe that made Fashion-MNIST (for plain
backgrounds), and the program's own readings. For each: accuracy, balanced accuracy (the mean over the classes),
expected calibration error, the confusion matrix, and the balanced accuracy by file-name prefix. A file that cannot be
read counts as wrong.

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
from cnn.networks.predictor import Predictor
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


def measure(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Scores in [0, 1] of answers (n, 10); all-zero rows stand for files without an answer."""
    chosen = np.where(probabilities.any(axis=1), probabilities.argmax(axis=1), len(CLASS_NAMES))
    confusion = np.zeros((len(CLASS_NAMES), len(CLASS_NAMES) + 1), int)
    np.add.at(confusion, (labels, chosen), 1)
    counts = confusion.sum(axis=1)
    recall = np.diag(confusion)[counts > 0] / counts[counts > 0]
    return {
        "n": len(labels),
        "accuracy": round(float(np.diag(confusion).sum() / len(labels)), 4),
        "balanced_accuracy": round(float(recall.mean()), 4),
        "calibration_error": round(calibration.expected_calibration_error(probabilities, labels), 4),
        "confusion": confusion.tolist(),
    }


def scores(probabilities: np.ndarray, items: Sequence[tuple[Path, int]]) -> dict[str, Any]:
    """`measure` for all images, for the held-out ones, and the balanced accuracy for each file-name prefix."""
    labels = np.array([label for _, label in items])
    held = np.array([mixture.is_held_out(file) for file, _ in items])
    prefixes = np.array([file.name.split("_")[0] for file, _ in items])
    return {
        "all": measure(probabilities, labels),
        "held_out": measure(probabilities[held], labels[held]) if held.any() else None,
        "prefixes": {
            prefix: measure(probabilities[prefixes == prefix], labels[prefixes == prefix])["accuracy"]
            for prefix in np.unique(prefixes).tolist()
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
    parser.add_argument("--run", action="append", help="id or directory; every shipped model where left out")
    options = parser.parse_args()
    folders = {kind: path for kind, path in (("sketches", options.sketches), ("photos", options.photos)) if path}
    if not folders:
        parser.error("give --sketches DIR or --photos DIR, or both")
    try:
        pictures = {kind: mixture.labelled_files(path) for kind, path in folders.items()}
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
                answers = np.stack(
                    [predictor.answer(each) if each else np.zeros(len(CLASS_NAMES), np.float32) for each in found]
                )
                result.setdefault(kind, {}).setdefault(run_id, {})[way] = scores(answers, items)
                show(kind, run_id, way, result[kind][run_id][way])
    for kind, by_run in result.items():
        for run_id, by_way in by_run.items():
            found = by_way["full pipeline"]
            show_confusion(found["all"], f"{kind}, {run_id}, all")
            if found["held_out"]:
                show_confusion(found["held_out"], f"{kind}, {run_id}, held out")
            print("By file-name prefix:", ", ".join(f"{name} {share:.1%}" for name, share in found["prefixes"].items()))
    print(json.dumps(result))


if __name__ == "__main__":
    main()

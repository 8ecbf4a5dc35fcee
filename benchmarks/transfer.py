"""How well a few photos of each class are told apart, as people do it: with the commands that train and evaluate.

    python -m benchmarks.transfer DIR [--per-class N...] [--draws N] [--preset NAME]

DIR holds a folder of photos for each class. In each draw, N photos of every class, or a fraction N below 1, are copied
into a dataset, on which the preset trains (as always, a tenth of them for validation and a tenth for the test); all
other photos of DIR are then predicted. Targets, for three classes: at least 90% balanced accuracy with 20 photos of
each class, 93% with 60; the head trains in under 10 s once the features are there, and these come at 20 a second.
"""

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from benchmarks.report import machine, spread
from cnn import runs

_PROJECT = Path(__file__).resolve().parents[1]


class Trial(NamedTuple):
    """accuracy: balanced, on the photos that were not learned. n: how many these are. head: seconds of training.

    rate: images a second of which the frozen layers' features were computed; None where none were.
    """

    accuracy: float
    n: int
    head: float
    rate: float | None


def trial(folder: Path, per_class: float, draw: int, preset: str) -> Trial:
    """Train on so many photos of each class, or on that fraction of them, and predict the others."""
    chance = random.Random(draw)
    with tempfile.TemporaryDirectory() as temporary:
        learned, others = Path(temporary) / "learned", Path(temporary) / "others"
        for class_ in sorted(path for path in folder.iterdir() if path.is_dir()):
            files = sorted(class_.iterdir())
            chance.shuffle(files)
            count = int(per_class) if per_class >= 1 else round(per_class * len(files))
            for place, part in ((learned, files[:count]), (others, files[count:])):
                (place / class_.name).mkdir(parents=True)
                for file in part:
                    shutil.copy(file, place / class_.name)
        environment = {**os.environ, "CNN_RUNS": f"{temporary}/runs", "PYTHONUNBUFFERED": "1"}

        def command(*arguments: str) -> str:
            done = subprocess.run(
                [sys.executable, "-m", *arguments], cwd=_PROJECT, env=environment, capture_output=True, text=True
            )
            if done.returncode:
                sys.exit(done.stdout + done.stderr)
            return done.stdout

        trained = command("cnn.train", "--preset", preset, "--dataset", str(learned))
        run = runs.read(Path(trained.splitlines()[-1]))
        rates = re.findall(r"([\d,]+) a second", trained)
        measured = json.loads(command("cnn.evaluate", "--run", str(run.path), "--dataset", str(others), "--json"))
        rate = float(rates[0].replace(",", "")) if rates else None
        return Trial(measured["balanced_accuracy"], measured["n"], run.status.seconds, rate)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transfer", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--per-class", type=float, nargs="+", default=[5, 10, 20, 40])
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--preset", default="transfer")
    options = parser.parse_args()
    print(machine())
    print("| photos of each class | draws | balanced accuracy on the others | photos | head, s | features a second |")
    print("|---|---|---|---|---|---|")
    for per_class in options.per_class:
        found = [trial(options.folder, per_class, draw, options.preset) for draw in range(options.draws)]
        rates = [one.rate for one in found if one.rate]
        print(
            f"| {per_class:g} | {options.draws} | {spread([100 * one.accuracy for one in found])}% | {found[0].n} "
            f"| {spread([one.head for one in found])} | {spread(rates, 0) if rates else '–'} |",
            flush=True,
        )


if __name__ == "__main__":
    main()

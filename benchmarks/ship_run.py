"""Put a finished run among those that come with the program: `python -m benchmarks.ship_run RUN NAME`.

Takes what the pages read and leaves out what only its training needed (its log, its time lapse, what was computed of it
since, except for its predictions of the test images). The network's file is compressed where that saves a fifth of it
or more, and has zeros in place of the weights of frozen layers: they come with their backbone, see `cnn.networks.load`.
"""

import argparse
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from cnn import runs
from cnn.networks.load import load
from cnn.networks.portable import compressed, save
from cnn.runs.directory import PRETRAINED

_FILES = (
    "config.json",
    "label.json",
    "metrics.jsonl",
    "evaluation.json",
    "environment.json",
    "examples.npz",
    "reference.npz",
    "pictures.json",
)
_WORTH_IT = 0.8  # of the size


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ship_run", description=__doc__.split("\n")[0])
    parser.add_argument("run", help="id or folder")
    parser.add_argument("name", help="its id from now on, such as photos")
    options = parser.parse_args()
    run, folder = runs.find(options.run), PRETRAINED / options.name
    if run.state != "finished":
        parser.error(f"{run.name} is {run.state}, not finished")
    folder.mkdir(exist_ok=True)
    for name in _FILES:
        if (run.path / name).is_file():
            shutil.copy(run.path / name, folder / name)
    if (found := run.path / "found" / "predictions-test.npz").is_file():
        (folder / "found").mkdir(exist_ok=True)
        shutil.copy(found, folder / "found" / found.name)
    content = _without_frozen(run)
    small = compressed(content)
    (folder / "model.keras").write_bytes(small if len(small) < _WORTH_IT * len(content) else content)
    runs.write_status(folder, replace(runs.closed(run.status, "finished"), job=None))
    size = sum(file.stat().st_size for file in PRETRAINED.rglob("*") if file.is_file())
    print(f"{folder}: all that is shipped takes {size / 1e6:.1f} MB")


def _without_frozen(run: runs.Run) -> bytes:
    """The content of the network's file with zeros as the weights of frozen layers."""
    if not run.config.transfer.frozen:
        return run.model_path.read_bytes()
    model = load(run)
    for row in run.config.rows():
        if row.layer < run.config.transfer.frozen:
            layer = model.get_layer(row.name)
            layer.set_weights([np.zeros_like(array) for array in layer.get_weights()])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / run.model_path.name
        save(model, file)
        return file.read_bytes()


if __name__ == "__main__":
    main()

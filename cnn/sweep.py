"""Drive a sweep, in the foreground, in a process of its own: `python -m cnn.sweep`.

    python -m cnn.sweep SWEEP_DIR       starts a sweep, or goes on with one that was stopped or interrupted
    python -m cnn.sweep FILE.json       makes a sweep from a `cnn.tuning.SweepConfig` and starts it

The dashboard starts this same command. Each trial is an ordinary run, in a process of its own.
"""

import signal
import sys
from pathlib import Path

from pydantic import ValidationError

from cnn import runs
from cnn.config import explain
from cnn.errors import AtelierError
from cnn.runs.worker import complain, print_anything
from cnn.tuning import SweepConfig, sweeper, sweeps


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 finished or stopped, 1 failed, 2 bad arguments."""
    print_anything()
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) != 1:
        complain("cnn.sweep", "give one folder of a sweep, or one JSON file to make a sweep from.")
        return 2
    try:
        folder = _folder(Path(arguments[0]))
    except (AtelierError, ValidationError, OSError) as error:
        complain("cnn.sweep", explain(error))
        return 2
    sweeper.interrupted.clear()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sweeper.interrupted.set())
    return sweeper.drive(folder)


def _folder(given: Path) -> Path:
    """The folder that was given, or that of a new sweep made from the file that was given."""
    if given.is_dir():
        return given.resolve()
    return sweeps.create(SweepConfig.model_validate_json(runs.decoded(given.read_bytes()))).path


if __name__ == "__main__":
    sys.exit(main())

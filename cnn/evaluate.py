"""Measure a run on its test images: `python -m cnn.evaluate [--run RUN] [--json]`.

Returns arrays and numbers; draws nothing.
"""

import argparse
import contextlib
import json
import sys

from cnn import data, runs
from cnn.config import counted
from cnn.errors import AtelierError
from cnn.evaluation.metrics import evaluate, evaluate_answers
from cnn.runs.worker import print_anything


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0, 1 if the dataset cannot be had, 2 if there is no such run or model."""
    print_anything()
    parser = argparse.ArgumentParser(prog="python -m cnn.evaluate", description=__doc__.split(":")[0] + ".")
    parser.add_argument("--run", default=runs.DEFAULT_ID, help="id or directory; the shipped model where left out")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--answers", action="store_true", help="as cnn.predict does, with test-time augmentation")
    options = parser.parse_args(arguments)
    from cnn.networks.load import load

    try:
        run = runs.find(options.run)
        network = load(run)
        with contextlib.redirect_stdout(sys.stderr):  # where Keras may draw the progress of a download
            dataset = data.load(run.config.data)
        measure = evaluate_answers if options.answers else evaluate
        result = {"run": run.id, **measure(network, dataset.test)}
    except AtelierError as error:
        print(json.dumps({"error": str(error)}) if options.json else f"cnn.evaluate: {error}", file=sys.stderr)
        return 1 if isinstance(error, data.DataUnavailable) else 2
    if options.json:
        print(json.dumps(result))
    else:
        numbers = (
            f"{name.replace('_', ' ')} {value:.4f}" for name, value in result.items() if isinstance(value, float)
        )
        print(f"{result['run']}: {', '.join(numbers)} on the {counted(result['n'], result['split'] + ' image')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

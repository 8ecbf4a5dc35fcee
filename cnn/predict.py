"""Classify files with a trained network of any dataset: `python -m cnn.predict [--run RUN] [--json] FILE...`.

How an image becomes the network's input is the business of `cnn.pictures.readings`; how its readings become one answer,
that of `cnn.networks.predictor`.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from cnn import runs
from cnn.config.printable import printable
from cnn.errors import AtelierError
from cnn.networks.predictor import Predictor, labelled
from cnn.pictures import UnreadableImage
from cnn.runs.worker import complain, print_anything, with_dashes


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0, 1 if a file could not be classified, 2 if there is no such run or model."""
    print_anything()
    parser = argparse.ArgumentParser(
        prog="python -m cnn.predict", description="Classify images with a trained network."
    )
    parser.add_argument("--run", default=runs.DEFAULT_ID, help="id or directory; the shipped model where left out")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
    options = parser.parse_args(with_dashes(arguments))
    try:
        predictor = Predictor(runs.find(options.run))
    except AtelierError as error:
        complain("cnn.predict", str(error))
        return 2
    failed = False
    for file in options.files:
        result = _classify(predictor, file)
        failed |= "error" in result
        print(json.dumps(result) if options.json else printable(_sentence(result)), flush=True)
    return int(failed)


def _classify(predictor: Predictor, file: Path) -> dict[str, Any]:
    try:
        found = predictor.read(file, used_only=True)
    except UnreadableImage as error:
        return {"file": str(file), "error": str(error)}
    heaviest = max(found, key=lambda reading: reading.weight)
    answer = predictor.answer(found)
    doubt, turned = predictor.doubt(answer), predictor.better_turned(found)
    hints = [turned.hint] if turned else []
    return {
        "file": str(file),
        **labelled(answer.probabilities, predictor.card.class_names),
        "reading": heaviest.name,
        "familiarity": round(answer.familiarity, 3),
        "unlike": doubt == predictor.unlike,
        "doubt": doubt,
        "notes": [*dict.fromkeys(note for reading in found for note in reading.seen.notes), *hints],
    }


def _sentence(result: dict[str, Any]) -> str:
    if "error" in result:
        return f"{result['file']}: {result['error']}"
    doubt = f"; {result['doubt']}" if result["doubt"] else ""
    said = [f"{result['file']}: {result['label']} (confidence {result['confidence']:.1%}{doubt})", *result["notes"]]
    return " ".join(said)


if __name__ == "__main__":
    sys.exit(main())

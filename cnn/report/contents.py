"""What a report says of a run: all its numbers, and the mistakes that it shows. Draws nothing."""

import re
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cnn import charts, data, runs
from cnn.config import RunConfig
from cnn.config.layers import Row
from cnn.evaluation import calibration, metrics, predictions, scores
from cnn.evaluation.predictions import Predictions
from cnn.evaluation.scores import Confused
from cnn.report import recipe
from cnn.runs import Run

CONFUSIONS = 8  # of the most frequent ones that are listed
SHOWN_CONFUSIONS, MISTAKES_EACH = 3, 4  # whose images are shown
_METHOD, _WITHOUT_MAPS = "grad_cam", "integrated_gradients"  # the second where a network has no feature maps
_LARGEST = 128  # pixels of an image's edge in the report


class Mistake(NamedTuple):
    """An image that was predicted wrongly, and what speaks for the two classes in it.

    number: in the split, from 0. confidence: in the predicted class; probability: of the true one.
    image: uint8 (h, w) or (h, w, 3). for_predicted, for_true: maps laid over it, uint8 (h, w, 3).
    """

    number: int
    confidence: float
    probability: float
    image: np.ndarray
    for_predicted: np.ndarray
    for_true: np.ndarray


class Shown(NamedTuple):
    """A confusion with the most confident mistakes of its kind."""

    confused: Confused
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True, eq=False)
class Contents:
    """Everything that a report of a run says.

    Attributes:
        run: whose report it is.
        found: what its network predicts.
        records: lines of its metrics.jsonl.
        environment: of its environment.json; empty where there is none.
        made: when the report was made, local time.
        shown: typical mistakes; method: the name of the maps; missing: why there are none, in a sentence.
    """

    run: Run
    found: Predictions
    records: list[dict[str, Any]]
    environment: dict[str, Any]
    made: datetime
    shown: tuple[Shown, ...] = ()
    method: str = ""
    missing: str = ""

    @property
    def config(self) -> RunConfig:
        return self.run.config

    @cached_property
    def rows(self) -> list[Row]:
        return self.config.rows()

    @cached_property
    def matrix(self) -> np.ndarray:
        return scores.confusion(self.found)

    @cached_property
    def confusions(self) -> list[Confused]:
        return scores.most_confused(self.matrix, CONFUSIONS)

    @cached_property
    def classes(self) -> list[scores.ClassScores]:
        return scores.per_class(self.found)

    @property
    def present(self) -> list[scores.ClassScores]:
        """Those of the classes that have images in the split: of others there is nothing to draw."""
        return [one for one in self.classes if one.support]

    @cached_property
    def means(self) -> list[scores.ClassScores]:
        return scores.means(self.found)

    @cached_property
    def right(self) -> int:
        return int(self.found.right.sum())

    @cached_property
    def interval(self) -> tuple[float, float]:
        return scores.interval(self.right, len(self.found))

    @cached_property
    def summary(self) -> dict[str, Any]:
        return metrics.summary(self.found)

    @cached_property
    def reliability(self) -> calibration.Reliability:
        return calibration.reliability(self.found.probabilities, self.found.labels)

    @cached_property
    def temperature(self) -> float | None:
        """What was fitted on the validation images after the training; None where nothing was."""
        return predictions.kept_temperature(self.run)

    @cached_property
    def error_at_temperature(self) -> float:
        """The expected calibration error with the logits divided by `temperature`, where there is one."""
        return calibration.expected_calibration_error(self.found.at_temperature(self.temperature), self.found.labels)

    @property
    def epochs(self) -> list[dict[str, Any]]:
        return [record for record in self.records if record["kind"] == "epoch"]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [record for record in self.records if record["kind"] == "event"]

    @property
    def devices(self) -> str:
        """What it was trained on in words: "1 CPU"."""
        kinds = Counter(re.findall(r"device_type='(\w+)'", str(self.environment.get("devices", ""))))
        return ", ".join(f"{count} {kind}" for kind, count in kinds.items())


def without_images(run: Run, found: Predictions) -> Contents:
    """The contents with all numbers, before the mistakes are explained."""
    environment = runs.read_json(run.path / "environment.json")
    return Contents(run, found, runs.read_metrics(run), environment, datetime.now().astimezone())


def explaining(contents: Contents) -> Generator[float, None, tuple[str, tuple[Shown, ...]]]:
    """Explain the most confident mistakes of the most frequent confusions; yields the fraction that is done.

    Returns:
        The name of the method, and the mistakes.

    Raises:
        DataUnavailable, UnreadableModel: see `cnn.evaluation.predictions.measuring_run`.
    """
    run, found = contents.run, contents.found
    chosen = [(confused, most_confident(found, confused)) for confused in contents.confusions[:SHOWN_CONFUSIONS]]
    if not chosen:
        return "", ()
    images = predictions.images_of(run, found.split).images
    yield 0.05
    from cnn.interpret.attribution import METHODS, Explainer
    from cnn.networks.forward import Forward
    from cnn.networks.load import load

    explainer = Explainer(Forward(load(run)))
    method = _METHOD if explainer.layers else _WITHOUT_MAPS
    shown, count, done = [], sum(len(indices) for _, indices in chosen), 0
    for confused, indices in chosen:
        mistakes = []
        for index in indices:
            pixels = data.scaled(images[index : index + 1])[0]
            image = _small(images[index])
            maps = [
                charts.laid_over(image, _small(explainer.explain(method, pixels, class_)))
                for class_ in (confused.predicted, confused.true)
            ]
            probability = float(found.probabilities[index, confused.true])
            mistakes.append(Mistake(index, float(found.confidence[index]), probability, image, *maps))
            done += 1
            yield 0.05 + 0.95 * done / count
        shown.append(Shown(confused, tuple(mistakes)))
    return METHODS[method].name, tuple(shown)


def most_confident(found: Predictions, confused: Confused) -> list[int]:
    """The mistakes of one kind of which the network was surest, as indices of the split."""
    kind = np.flatnonzero((found.labels == confused.true) & (found.predicted == confused.predicted))
    return scores.ordered(found, kind, "Most confident mistake")[:MISTAKES_EACH].tolist()


def _small(values: np.ndarray) -> np.ndarray:
    """An image or a map (h, w[, c]), made smaller by whole pixels where an edge is longer than `_LARGEST`."""
    values = values[..., 0] if values.ndim == 3 and values.shape[2] == 1 else values
    step = -(-max(values.shape[:2]) // _LARGEST)
    return values[::step, ::step]


# ---------------------------------------------------------------- numbers and tables


def numbers(contents: Contents) -> dict[str, Any]:
    """Everything of a report that is a number, ready for JSON."""
    run, found = contents.run, contents.found
    rows, bins = contents.rows, contents.reliability
    names = found.class_names
    return {
        "run": run.id,
        "name": run.name,
        "made": contents.made.isoformat(timespec="seconds"),
        "dataset": contents.config.data.dataset,
        "split": found.split,
        "n": len(found),
        "right": contents.right,
        "accuracy": contents.summary["accuracy"],
        "interval": [round(end, 6) for end in contents.interval],
        "loss": contents.summary["loss"],
        "ece": contents.summary["calibration_error"],
        "temperature": contents.temperature and round(contents.temperature, 4),
        "class_names": list(names),
        "per_class": [one.rounded() for one in contents.classes],
        "means": [one.rounded() for one in contents.means],
        "confusion": contents.matrix.tolist(),
        "most_confused": [
            {"true": names[one.true], "predicted": names[one.predicted], "count": one.count, "of": one.of}
            for one in contents.confusions
        ],
        "reliability": {name: np.round(values, 6).tolist() for name, values in vars(bins).items()},
        "epochs": [{name: value for name, value in record.items() if name != "kind"} for record in contents.epochs],
        "parameters": sum(row.parameters for row in rows),
        "trainable": sum(row.trainable for row in rows),
        "macs": sum(row.macs for row in rows),
        "layers": [
            {
                "name": row.name,
                "type": row.type,
                "output_shape": list(row.output_shape),
                "parameters": row.parameters,
                "macs": row.macs,
            }
            for row in rows
        ],
        "seconds": round(run.status.seconds, 2),
        "seed": contents.config.training.seed,
        "environment": contents.environment,
        "configuration": contents.config.model_dump(mode="json"),
    }


def tables(contents: Contents) -> dict[str, pd.DataFrame]:
    """The tables of a report, by the names of their files."""
    found = numbers(contents)
    names = list(contents.found.class_names)
    confusion = pd.DataFrame(contents.matrix, columns=names)
    confusion.insert(0, "true label", names)
    return {
        "per-class": pd.DataFrame(found["per_class"] + found["means"]),
        "confusion": confusion,
        "most-confused": pd.DataFrame(found["most_confused"], columns=["true", "predicted", "count", "of"]),
        "epochs": pd.DataFrame(found["epochs"]),
        "reliability": pd.DataFrame(found["reliability"]),
        "layers": pd.DataFrame(found["layers"]).assign(
            output_shape=[charts.shape_text(r.output_shape) for r in contents.rows]
        ),
        "settings": pd.DataFrame(recipe.settings(contents.config)),
    }

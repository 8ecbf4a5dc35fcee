"""The report as one HTML file that asks nobody for anything: sentences, tables, drawings and images.

The words that no number changes stand in `report.html`, the looks in `report.css`. Every text is escaped by Jinja.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cnn import charts
from cnn.config import counted, duration, preset_title
from cnn.config.layers import CONVOLUTIONS
from cnn.config.printable import printable
from cnn.report import drawings, recipe
from cnn.report.contents import Contents

_TITLES = {
    "loss": "Loss over the epochs",
    "accuracy": "Accuracy over the epochs",
    "confusion": "Confusion matrix",
    "per-class": "Precision and recall of each class",
    "reliability": "Reliability diagram",
    "layers": "Parameters and multiply-accumulates by layer",
}
_OWN = "Own images: labelled images from folders, mixed into the training. The report does not know their licences."
_OWN_OF_SHIPPED = (
    "Own images mixed into the training: drawings of Google's Quick, Draw! (CC BY 4.0), phone photos of "
    "clothing-dataset-small (CC0), and, of other things, the Open Clip Art Library (public domain)."
)
_CLEARLY = 0.005  # by how much confidence and accuracy differ before the one is called higher


def draw(contents: Contents) -> dict[str, str]:
    """The drawings by name, as `cnn.report.drawings` returns them; no curves of a run that has none."""
    shown = charts.METRICS if contents.epochs else ()
    return {
        **{str(metric): drawings.curve(contents.records, metric) for metric in shown},
        "confusion": drawings.confusion(contents.matrix, contents.found.class_names),
        "per-class": drawings.per_class(contents.present),
        "reliability": drawings.reliability(contents.reliability),
        "layers": drawings.layers(charts.blocks([str(layer) for layer in contents.config.layers], contents.rows)),
    }


def files(drawn: Mapping[str, str]) -> dict[str, bytes]:
    """Of each drawing an SVG file, by its name."""
    return {f"{name}.svg": drawings.alone(svg, _TITLES[name]).encode() for name, svg in drawn.items()}


def page(contents: Contents, drawn: Mapping[str, str]) -> str:
    """The whole file.

    Args:
        contents: what it says. drawn: see `draw`.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: _printable_lines(value) if type(value) is str else value,
    )
    environment.filters |= {
        "percent": lambda value, digits=1: "–" if value is None or np.isnan(value) else f"{value:.{digits}%}",
        "thousands": lambda value: f"{value:,}",
        "counted": counted,
        "image": charts.data_url,
        "shape": charts.shape_text,
        "arithmetic": lambda row: next((work.expression for work in row.workings if work.of == "parameters"), ""),
    }
    alts = _alts(contents)
    inline = {name: Markup(drawings.inline(svg, name, alts[name])) for name, svg in drawn.items()}
    style = Markup((Path(__file__).parent / "report.css").read_text(encoding="utf-8"))
    return environment.get_template("report.html").render(
        it=contents, drawn=inline, alts=alts, style=style, names=contents.found.class_names, **_words(contents)
    )


def _printable_lines(text: str) -> str:
    """A text of one or more lines, each without what HTML cannot hold."""
    return "\n".join(map(printable, text.split("\n")))


def _words(contents: Contents) -> dict[str, Any]:
    """What the template says besides the numbers themselves."""
    config, run = contents.config, contents.run
    settings = recipe.settings(config)
    events = [charts.intervention_text(event) for event in contents.events]
    return {
        "card": config.data.card,
        "most_classes": drawings.MOST_CLASSES,
        "preset": preset_title(config.preset),
        "preset_known": recipe.preset_of(config) is not None,
        "convolutional": any(row.type in CONVOLUTIONS for row in contents.rows),
        "parameters": sum(row.parameters for row in contents.rows),
        "trainable": sum(row.trainable for row in contents.rows),
        "macs": sum(row.macs for row in contents.rows),
        "kinds": _kinds(contents),
        "settings": settings,
        "changed": sum(setting.usual is not None for setting in settings),
        "other_layers": recipe.other_layers(config),
        "changes": [text for text, event in zip(events, contents.events, strict=True) if event["what"] != "step"],
        "best": max(contents.epochs, key=lambda record: record["val_accuracy"], default=None),
        "training_time": duration(run.status.seconds) if run.status.seconds else None,
        "belief": _belief(contents),
        "command": recipe.command(config),
        "configuration": _lines_of(config.model_dump(mode="json")),
        "sources": [*_sources(contents)],
    }


def _kinds(contents: Contents) -> dict[str, str]:
    """What each kind of layer in the network does, in a sentence."""
    kinds = {type(layer) for layer in contents.config.layers}
    return {
        kind.model_fields["kind"].default: re.sub(r"`\w+` ?", "", (kind.__doc__ or "").split("\n")[0])
        for kind in sorted(kinds, key=lambda kind: kind.__name__)
    }


def _belief(contents: Contents) -> str:
    """Whether the network is too sure of itself."""
    mean, accuracy = float(contents.found.confidence.mean()), contents.found.accuracy
    values = f"its mean confidence is {mean:.1%} and its accuracy {accuracy:.1%}"
    if mean - accuracy > _CLEARLY:
        return f"The network is too sure of itself: {values}."
    if accuracy - mean > _CLEARLY:
        return f"The network is less sure of itself than it could be: {values}."
    return f"On average its confidence can be believed: {values}."


def _sources(contents: Contents) -> Iterable[str]:
    card = contents.config.data.card
    yield card.source or f"{card.title}: {card.about}."
    if contents.config.data.own_images:
        yield _OWN_OF_SHIPPED if contents.run.shipped else _OWN


def _alts(contents: Contents) -> dict[str, str]:
    """What each drawing shows, for who cannot see it."""
    last = contents.epochs[-1] if contents.epochs else None
    after = f"after {counted(last['epoch'], 'epoch')}" if last else ""
    worst = min(contents.present, key=lambda one: one.f1)
    bins = contents.reliability
    most = max(contents.rows, key=lambda row: row.parameters)
    return {
        "loss": f"Loss over the epochs; {after} {last['loss']:.3f} in training, {last['val_loss']:.3f} in validation."
        if last
        else "",
        "accuracy": f"Accuracy over the epochs; {after} {last['accuracy']:.1%} in training, "
        f"{last['val_accuracy']:.1%} in validation."
        if last
        else "",
        "confusion": f"Confusion matrix of {len(contents.classes)} classes, rows are true labels. "
        f"{contents.right:,} images are on the diagonal.",
        "per-class": f"Precision and recall of each class. {worst.name} has the lowest F1, {worst.f1:.2f}.",
        "reliability": f"Accuracy over confidence in {len(bins.count)} bins, and how many images each holds.",
        "layers": f"Fractions of parameters and multiply-accumulates by layer. {most.name} has the most parameters.",
    }


def _lines_of(configuration: dict[str, Any]) -> str:
    """JSON with a line for each layer and each section, so that it stays short on paper."""
    parts = [
        f' "{name}": [\n  ' + ",\n  ".join(map(json.dumps, value)) + "\n ]"
        if isinstance(value, list)
        else f" {json.dumps(name)}: {json.dumps(value)}"
        for name, value in configuration.items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}"

"""What of a configuration can be varied: which values make sense, in which words, and how they are put in."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import (
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
)
from pydantic.fields import FieldInfo

from cnn.config import Data, RunConfig, Training, Transfer, empty_word, field_label
from cnn.config.layers import KINDS

Scalar = StrictBool | StrictInt | StrictFloat | StrictStr | None
WIDTH = "layers.width"  # the path of the factor on the filters of all convolutions
# No trials could be compared, or nothing would differ.
_SAME_FOR_ALL = ("dataset", "classes", "image_size", "channels", "own_images", "calibrate", "tensorboard")
_LOGARITHMIC = ("learning_rate", "batch_size", "limit", "filters", "units", "width", "weight_decay", "l2")
_WIDTH_FIELD = FieldInfo(
    annotation=float,
    description="Multiplies the filters of every convolution: 0.5 makes a network of half the width.",
    ge=0.05,
    le=20.0,
)


# --- what can be varied -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hyperparameter:
    """A setting of a configuration that a sweep can vary.

    path: "training.learning_rate", "layers.0.filters" (layers count from 0), "layers.convolution.kernel" (of all
    layers of that kind), or WIDTH. label: in words, as in the form. group: what it belongs to, for a menu. help: what
    the form says about it. kind: which values it can have. choices: all of them, of a choice. low, high: its bounds, of
    a number; whole numbers are int. present: its value in the configuration; None also where layers differ. optional:
    whether None is a value, see `value_words`. logarithmic: whether its values are best spread on a logarithmic scale.
    usual: a range around its present value that is worth trying first, of a number.
    """

    path: str
    label: str
    group: str
    help: str
    kind: Literal["whole number", "number", "choice"]
    choices: tuple[Scalar, ...]
    low: float | None
    high: float | None
    present: Scalar
    optional: bool
    logarithmic: bool
    usual: tuple[float, float] | None


@lru_cache(maxsize=64)
def hyperparameters_of(base: RunConfig) -> tuple[Hyperparameter, ...]:
    """Everything that a sweep can vary in a configuration: of the training, of the data, of a transfer, of the layers.

    Layers that are transferred stay as they are: their weights fit no others.
    """
    found = []
    for group, part in (("training", Training), ("data", Data)):
        for name, info in part.model_fields.items():
            if name not in _SAME_FOR_ALL:
                present = getattr(getattr(base, group), name)
                found.append(_hyperparameter(f"{group}.{name}", group.capitalize(), info, present))
    if base.transfer.source:
        frozen, most = base.transfer.frozen, base.transfer.layers
        known = _hyperparameter("transfer.frozen", "Transfer", Transfer.model_fields["frozen"], frozen)
        found.append(replace(known, high=most, usual=(0, most)))
    fixed = base.transfer.layers
    if not fixed and any("filters" in type(layer).model_fields for layer in base.layers):
        found.append(_hyperparameter(WIDTH, "All convolutions", _WIDTH_FIELD, 1.0))
    for kind, model in KINDS.items():
        alike = [layer for layer in base.layers if layer.kind == kind]
        if any(layer.kind == kind for layer in base.layers[:fixed]):
            continue
        for name, info in model.model_fields.items() if len(alike) > 1 else ():
            if name != "kind":
                values = {getattr(layer, name) for layer in alike}
                present = values.pop() if len(values) == 1 else None
                found.append(_hyperparameter(f"layers.{kind}.{name}", f"All {_plural(kind)}", info, present))
    for index, layer in enumerate(base.layers):
        if index < fixed:
            continue
        for name, info in type(layer).model_fields.items():
            if name != "kind":
                group = f"Layer {index + 1} · {layer}"
                found.append(_hyperparameter(f"layers.{index}.{name}", group, info, getattr(layer, name)))
    return tuple(found)


def path_label(path: str) -> str:
    """A setting in words, as in the form: "Learning rate", "Filters of layer 4", "Kernel size of all convolutions"."""
    if path == WIDTH:
        return "Width"
    *middle, name = path.split(".")[1:] or [path]
    label = field_label(name)
    if not middle:
        return label
    return f"{label} of layer {int(middle[0]) + 1}" if middle[0].isdigit() else f"{label} of all {_plural(middle[0])}"


def value_words(path: str, value: Scalar) -> str:
    """A value of a setting in words: "0.01", "on", "all" (of no limit)."""
    if value is None:
        return empty_word(path.rpartition(".")[2])
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


_SHORT = {
    "ema_momentum": "EMA",
    "batch_normalisation": "BN",
    "batch_size": "batch",
    "importance_sampling": "importance",
    "l2": "L2",
    "learning_rate": "lr",
    "limit": "examples",
    "outlier_exposure": "outliers",
    "random_affine": "affine",
    "random_erasing": "erasing",
    "rate": "dropout",
    "shift": "translation",
    "style_augmentation": "styles",
}
_PLAIN = ("activation", "optimizer", "schedule")  # whose values speak for themselves


def short_label(values: Mapping[str, Scalar]) -> str:
    """What sets a trial apart, short enough for a menu or a legend: "lr 0.01 · BN off · width ×2".

    Args:
        values: a value for each path that differs between the trials.
    """
    return " · ".join(_short(path, value) for path, value in values.items())


def _short(path: str, value: Scalar) -> str:
    words = value_words(path, value)
    if path == WIDTH:
        return f"width ×{words}"
    *middle, name = path.split(".")[1:] or [path]
    label = _SHORT.get(name, name.replace("_", " "))
    said = words if name in _PLAIN and value is not None else f"{label} {words}"
    if not middle or middle[0] == "convolution" or middle[0] == label:
        return said
    return f"L{int(middle[0]) + 1} {said}" if middle[0].isdigit() else f"{middle[0].split()[0]} {said}"


def apply(base: RunConfig, values: dict[str, Scalar]) -> RunConfig:
    """The configuration of a trial.

    Args:
        base: the configuration that all trials share.
        values: a value for each path that differs from it.

    Raises:
        ValueError: it is no valid configuration (pydantic's ValidationError is one), or has no such setting.
    """
    contents = base.model_dump()
    contents["layers"] = list(contents["layers"])
    for path, value in values.items():
        for *way, name in _places(base, path):
            place: Any = contents
            for step in way:
                place = place[step]
            place[name] = max(1, round(place[name] * value)) if path == WIDTH else value
    return RunConfig.model_validate(contents)


def _places(base: RunConfig, path: str) -> list[tuple[str | int, ...]]:
    """The places in a configuration's contents that a path stands for."""
    if path not in {known.path for known in hyperparameters_of(base)}:
        raise ValueError(f"This configuration has no setting {path[:80]!r} that a sweep can vary.")
    if path == WIDTH:
        with_filters = [i for i, layer in enumerate(base.layers) if "filters" in type(layer).model_fields]
        return [("layers", index, "filters") for index in with_filters]
    section, *middle, name = path.split(".")
    if not middle:
        return [(section, name)]
    which = middle[0]
    indices = [int(which)] if which.isdigit() else [i for i, layer in enumerate(base.layers) if layer.kind == which]
    return [("layers", index, name) for index in indices]


def _plural(kind: str) -> str:
    return f"{kind}s" if kind.endswith(("convolution", "connection")) else f"{kind} layers"


def _hyperparameter(path: str, group: str, info: FieldInfo, present: Scalar) -> Hyperparameter:
    """What the field of a pydantic model says about a setting."""
    name = path.rpartition(".")[2]
    type_ = info.annotation
    optional = NoneType in get_args(type_)
    if optional:
        type_ = next(part for part in get_args(type_) if part is not NoneType)
    words = (path, path_label(path), group, info.description or "")
    if type_ is bool or get_origin(type_) is Literal:
        choices = (False, True) if type_ is bool else get_args(type_)
        return Hyperparameter(*words, "choice", choices, None, None, present, optional, False, None)
    limits = {type(part).__name__: part for part in info.metadata}
    low, high = type_(limits["Ge"].ge), type_(limits["Le"].le)
    logarithmic = name in _LOGARITHMIC
    usual = _usual(low, high, present, logarithmic, type_ is int, path == WIDTH)
    kind: Literal["whole number", "number"] = "whole number" if type_ is int else "number"
    return Hyperparameter(*words, kind, (), low, high, present, optional, logarithmic, usual)


def _usual(
    low: float, high: float, present: Scalar, logarithmic: bool, whole: bool, is_width: bool
) -> tuple[float, float]:
    """A range within the bounds: a factor of ten around a rate, of four around a count, else from low to the double."""
    middle = float(present or (high if logarithmic else (low + high) / 2))
    factor = (4.0 if whole else 10.0) if logarithmic and not is_width else 2.0
    begin, end = (max(low, middle / factor) if logarithmic else low), min(high, middle * factor)
    if whole:
        begin, end = round(begin), max(round(end), round(begin) + 1)
    return begin, end


def listed_values(known: Hyperparameter) -> str:
    return ", ".join(value_words(known.path, choice) for choice in known.choices)


def uncapitalised(label: str) -> str:
    """A label within a sentence."""
    return label[:1].lower() + label[1:]

"""Widgets made from the fields of a pydantic model: the kind, range, choices and help of each are the field's."""

from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin

import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cnn.config import DATASET_CARDS, datasets_help, empty_word, field_label
from cnn.ui import draft

_FORMATS = {
    "learning_rate": "%g",
    "weight_decay": "%g",
    "l2": "%g",
    "scale": "%g",
    "offset": "%g",
    "expansion": "%g",
    "rate": "%.2f",
    "random_affine": "%.1f",
    "random_erasing": "%.2f",
    "mixup": "%.2f",
    "ema_momentum": "%g",
    "distillation": "%.2f",
    "importance_sampling": "%.2f",
    "style_augmentation": "%.2f",
    "outlier_exposure": "%.2f",
}
_STEPS = {
    "rate": 0.05,
    "learning_rate": 0.001,
    "weight_decay": 0.001,
    "l2": 0.0001,
    "scale": 0.1,
    "offset": 0.1,
    "expansion": 0.5,
    "limit": 1000,
    "batch_size": 16,
    "random_affine": 0.1,
    "random_erasing": 0.05,
    "mixup": 0.1,
    "ema_momentum": 0.001,
    "distillation": 0.1,
    "importance_sampling": 0.1,
    "style_augmentation": 0.05,
    "outlier_exposure": 0.01,
}
# A browser cannot name the folders that hold own images; classes, size and channels come with the dataset.
_NOT_HERE = {"own_images", "classes", "image_size", "channels"}


def section(model: type[BaseModel], values: draft.Values, place: str, names: Sequence[str] | None = None) -> None:
    """One widget for each field, as many beside each other as fit; writes what they say into `values`.

    Args:
        model: whose fields are drawn.
        values: the fields' values by name.
        place: what the widgets' keys begin with.
        names: the fields to draw, in this order; None: all of them.
    """
    with st.grid("auto", min_column_width=150, vertical_alignment="bottom"):
        for name in model.model_fields if names is None else names:
            if name != "kind" and name not in _NOT_HERE:
                values[name] = _widget(name, model.model_fields[name], values[name], draft.key(place, name))


def _widget(name: str, info: FieldInfo, value: Any, key: str) -> Any:
    label = field_label(name)
    kind = info.annotation
    if type(None) in get_args(kind):
        kind = next(part for part in get_args(kind) if part is not type(None))
    if get_origin(kind) is Literal or name == "dataset":
        options = list(dict.fromkeys([*DATASET_CARDS, value]) if name == "dataset" else get_args(kind))
        help_ = datasets_help() if name == "dataset" else info.description
        return st.selectbox(label, options, index=options.index(value), key=key, help=help_)
    if kind is bool:
        return st.toggle(label, value, key=key, help=info.description, wrap=True)
    limits = {type(part).__name__: part for part in info.metadata}
    low, high = limits["Ge"].ge, limits["Le"].le
    return st.number_input(
        label,
        kind(low),
        kind(high),
        value,
        step=_STEPS.get(name, None if kind is float else 1),
        format=_FORMATS.get(name),
        placeholder=None if info.is_required() or info.default is not None else empty_word(name),
        key=key,
        help=info.description,
    )

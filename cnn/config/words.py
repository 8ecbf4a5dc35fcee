"""What people read instead of names and numbers: labels of fields, reasons why a value is refused, durations."""

import math

from pydantic import ValidationError


def counted(count: int, noun: str) -> str:
    """A number with its noun, in the plural unless it is one.

    >>> counted(1, "layer"), counted(1000, "layer")
    ('1 layer', '1,000 layers')
    """
    return f"{count:,} {noun}{'s' * (count != 1)}"


def duration(seconds: float | None) -> str:
    """75.0 -> 1 min 15 s; 750.0 -> 12 min"""
    if seconds is None:
        return "–"
    seconds = max(0, round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 600:
        return f"{seconds // 60} min {seconds % 60:02} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02} min"


_LABELS = {
    "limit": "Training examples",
    "flip": "Random horizontal flip",
    "shift": "Random translation (px)",
    "random_affine": "Random affine (strength)",
    "random_erasing": "Random erasing (probability)",
    "mixup": "Mixup (α)",
    "random_crop": "Random resized crop (fraction)",
    "colour_jitter": "Colour jitter (strength)",
    "style_augmentation": "Style augmentation (fraction)",
    "outlier_exposure": "Outlier exposure (fraction)",
    "own_images": "Own images (fraction)",
    "ema_momentum": "Weight averaging (EMA momentum)",
    "distillation": "Distillation (fraction)",
    "importance_sampling": "Importance sampling (fraction)",
    "patience": "Early stopping: patience (epochs)",
    "schedule": "Learning-rate schedule",
    "calibrate": "Temperature scaling",
    "tensorboard": "TensorBoard event files",
    "batch_normalisation": "Batch normalisation",
    "kernel": "Kernel size",
    "size": "Window size",
    "over": "Layers skipped",
    "expansion": "Expansion (times the maps)",
    "squeeze": "Squeeze-and-excite units",
    "standardise": "Standardise as ImageNet",
    "projection": "1×1 projection",
    "l2": "L2 weight decay",
    "frozen": "Frozen layers",
    "output": "Transfer the output layer",
    "views": "Augmented views",
    "cpus": "CPUs",
    "gpus": "GPUs",
}
_EMPTY = {
    "limit": "all",
    "image_size": "the dataset's",
    "channels": "the dataset's",
    "patience": "off",
    "stride": "as the window",
}


def field_label(name: str) -> str:
    """What people read for a field of a configuration or of a layer: "Training examples" for `limit`."""
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def empty_word(name: str) -> str:
    """What it means that a field is empty: "all" for `limit`."""
    return _EMPTY.get(name, "none")


def explain(error: Exception) -> str:
    """Of pydantic's error a sentence for each thing that is wrong, naming the value and where it stands.

    Any other error has its sentences already.
    """
    if not isinstance(error, ValidationError):
        return str(error)
    sentences = []
    for problem in error.errors(include_url=False):
        if problem["type"] == "value_error":  # raised by our own code: already a sentence
            sentences.append(str(problem["ctx"]["error"]))
            continue
        if problem["type"] == "json_invalid":
            sentences.append(f"It is not JSON. {_place_in_json(problem['ctx']['error'])}")
            continue
        if problem["type"] == "too_short" and problem["loc"] == ("layers",):
            sentences.append("There is no layer before the output layer: add at least one, such as a flatten layer.")
            continue
        *_, name = place = [str(part + 1 if isinstance(part, int) else part) for part in problem["loc"]] or [
            "configuration"
        ]
        where = f" ({' > '.join(place)})" if len(place) > 1 else ""
        if isinstance(problem["input"], float) and not math.isfinite(problem["input"]):
            what = "not a number" if math.isnan(problem["input"]) else "infinite"
            sentences.append(f"{name.replace('_', ' ')}{where}: the value is {what}: enter an ordinary number.")
            continue
        given = "" if problem["type"] == "missing" else f", but it is {str(problem['input'])[:60]!r}"
        sentences.append(f"{name.replace('_', ' ')}{where}: {problem['msg'].lower()}{given}.")
    return " ".join(sentences)


def _place_in_json(reason: str) -> str:
    """Where JSON ends, of "trailing comma at line 1 column 9" for example."""
    what, _, place = reason.replace("`", '"').rpartition(" at ")
    what = "unexpected end of the file" if what.startswith("EOF") else what
    return f"{place.replace(' column', ', column').capitalize()}: {what}."

"""Test images kept with a run, with the network's answers, and training images to compare others with.

Large images are kept as JPEG, and the answers are those to the images as they were kept. Of large training images there
are thumbnails only, and the network's features of the whole ones.
"""

import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from cnn import data
from cnn.data import restyle
from cnn.evaluation.kept_images import Shape, arrays_of, as_jpeg, images_in, is_small, packed
from cnn.evaluation.metrics import predict
from cnn.evaluation.out_of_distribution import Reference
from cnn.networks.batch_size import images_at_once
from cnn.runs import Run

EXAMPLES_PER_CLASS = 10
REFERENCE_PER_CLASS = 200
_REFERENCE_LARGE = 240  # thumbnails of large images, at most: the network is asked for the features of each
_EXAMPLES_BYTES, _REFERENCE_BYTES = 700_000, 2_000_000  # of the files, about and at most
_QUALITY, _THUMBNAIL_QUALITY = 92, 85  # of JPEG
_THUMBNAIL = 64  # pixels along its longest edge
_UNREADABLE = (ValueError, OSError, KeyError, IndexError, SyntaxError)  # what damaged arrays and JPEGs raise


class Examples(NamedTuple):
    """Test images uint8 (n, h, w) or (n, h, w, 3), their labels uint8 (n,), the network's answers (n, classes)."""

    images: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray


def write_examples(path: Path, model, split: data.Split) -> None:
    """Keep the first images of each class with the model's answers, so that they can be shown without a model.

    Ten of each class, or fewer where they would take more than 0.7 MB.
    """
    chosen, files, used = [], [], 0
    small = is_small(_shape_of(split))
    for index in _in_turn(split.labels, EXAMPLES_PER_CLASS):
        file = b"" if small else as_jpeg(np.asarray(split.images[index]), _QUALITY)
        used += split.images[index].nbytes if small else len(file)
        if used > _EXAMPLES_BYTES:
            break
        chosen.append(index)
        files.append(file)
    order = sorted(range(len(chosen)), key=lambda place: (split.labels[chosen[place]], chosen[place]))
    labels = split.labels[[chosen[place] for place in order]]
    if small:
        arrays = {"images": split.images[[chosen[place] for place in order]]}
    else:
        arrays = packed([files[place] for place in order])
    answers = predict(model, images_in(arrays, _shape_of(split), len(order))) if order else np.zeros((0, 0), np.float32)
    _save(path / "examples.npz", arrays | {"labels": labels, "probabilities": answers})


def write_reference(path: Path, split: data.Split, restyled: bool, seed: int, model) -> None:
    """Keep some training images of each class with the run, a quarter of them in other styles if it saw such.

    Args:
        path: of the run.
        split: the training images.
        restyled: whether the network saw images in other styles.
        seed: of these styles.
        model: the network, whose features are kept with thumbnails where the images are large.
    """
    if not is_small(_shape_of(split)):
        _write_thumbnails(path, model, split)
        return
    classes = np.unique(split.labels)
    per_class = min(REFERENCE_PER_CLASS, max(1, _REFERENCE_BYTES // (len(classes) * split.images[0].nbytes)))
    images, labels = [], []
    for label in classes:
        chosen = np.flatnonzero(split.labels == label)[:per_class]
        for number, index in enumerate(chosen):
            if restyled and number % 4 == 0:
                chance = np.random.default_rng([seed, 4, int(index)])
                images.append(restyle.restyled(split.images, split.labels, int(index), chance))
            else:
                images.append(split.images[index])
            labels.append(label)
    np.savez_compressed(path / "reference.npz", images=np.stack(images), labels=np.array(labels, np.uint8))


def _write_thumbnails(path: Path, model, split: data.Split) -> None:
    """Thumbnails of large training images, and what the output layer reads of the images themselves."""
    from cnn.networks.load import with_features

    both = with_features(model)
    width = both.output_shape[1][-1]
    most = min(_REFERENCE_LARGE, max(1, _REFERENCE_BYTES // (2 * width + 3000)))  # 3,000 bytes: a thumbnail
    chosen = sorted(_in_turn(split.labels, REFERENCE_PER_CLASS)[:most])
    height, wide, _ = _thumbnail_shape(_shape_of(split))
    files, features, at_once = [], [], images_at_once(model, 100)
    for start in range(0, len(chosen), at_once):
        images = np.asarray(split.images[chosen[start : start + at_once]])
        features.append(np.asarray(both.predict_on_batch(data.scaled(images))[1]))
        thumbnails = (Image.fromarray(image).resize((wide, height), Image.Resampling.BOX) for image in images)
        files += [as_jpeg(np.asarray(thumbnail), _THUMBNAIL_QUALITY) for thumbnail in thumbnails]
    largest = np.finfo(np.float16).max
    kept = np.concatenate(features).clip(-largest, largest).astype(np.float16)
    _save(path / "reference.npz", packed(files) | {"labels": split.labels[chosen], "features": kept})


def _save(path: Path, arrays: dict[str, np.ndarray]) -> None:
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]  # of the names none is `allow_pickle`


def read_reference(run: Run) -> Reference | None:
    """The training images kept with a run; None where there are none, or they cannot be read."""
    shape = run.config.data.card.input_shape if run.config else (0, 0, 0)
    small = is_small(shape)
    found = _read(run, "reference.npz", shape if small else _thumbnail_shape(shape))
    if found is None:
        return None
    arrays, images, labels = found
    if small:
        return Reference(images, labels)
    features = arrays.get("features", np.zeros(0))
    fits = features.ndim == 2 and len(features) == len(labels) and features.dtype == np.float16
    return Reference(images, labels, features) if fits and np.isfinite(features).all() else None


def copy_reference(run: Run, path: Path) -> None:
    """Keep the training images of a run with one of the same dataset and another network: not its features."""
    if run.config and is_small(run.config.data.card.input_shape) and (run.path / "reference.npz").is_file():
        shutil.copy(run.path / "reference.npz", path)


def read_examples(run: Run) -> Examples | None:
    """The examples of a run; None where it has none yet, or they cannot be read."""
    found = _read(run, "examples.npz", run.config.data.card.input_shape if run.config else (0, 0, 0))
    if found is None:
        return None
    arrays, images, labels = found
    answers = arrays.get("probabilities", np.zeros(0))
    return Examples(images, labels, answers) if answers.shape == (len(labels), _classes(run)) else None


def _read(run: Run, name: str, shape: Shape) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray] | None:
    """All arrays of a file, and its images and labels, which are those of the run's dataset."""
    arrays = arrays_of(run.path / name)
    if arrays is None or run.config is None:
        return None
    labels = arrays.get("labels", np.zeros(0))
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or not len(labels):
        return None
    if labels.min() < 0 or labels.max() >= _classes(run):
        return None
    try:
        return arrays, images_in(arrays, shape, len(labels)), labels
    except _UNREADABLE:
        return None


def _classes(run: Run) -> int:
    return len(run.config.data.card.class_names)


def _shape_of(split: data.Split) -> Shape:
    """(height, width, channels) of its images."""
    height, width, *channels = split.images.shape[1:]
    return height, width, channels[0] if channels else 1


def _thumbnail_shape(shape: Shape) -> Shape:
    """That of a thumbnail of a large image."""
    height, width, channels = shape
    scale = min(1.0, _THUMBNAIL / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale)), channels


def _in_turn(labels: np.ndarray, per_class: int) -> list[int]:
    """Places of the first images of each class: the first of all classes, then the second of all, ..."""
    of_classes = [np.flatnonzero(labels == label)[:per_class].tolist() for label in np.unique(labels)]
    return [of_class[number] for number in range(per_class) for of_class in of_classes if number < len(of_class)]

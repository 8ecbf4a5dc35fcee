"""Finished runs of networks for any dataset, untrained: with random weights and without a single epoch."""

from typing import Any

import numpy as np

from cnn import data, runs
from cnn.config import RunConfig
from cnn.runs import Run

HATS: dict[str, Any] = {
    "dataset": "Hats and skirts",
    "classes": ["Hat", "Skirt *midi*", "帽子"],
    "image_size": [20, 30],
}
LAYERS: list[dict[str, Any]] = [
    {"kind": "convolution", "filters": 4},
    {"kind": "pooling"},
    {"kind": "flatten"},
]


def untrained(
    data_: dict[str, Any],
    name: str = "Untrained",
    layers: list[dict[str, Any]] | None = None,
    seed: int = 1,
    transfer: dict[str, Any] | None = None,
) -> Run:
    """A run of a dataset, in the runs folder of the test, whose network has the seed's weights."""
    import keras

    from cnn.networks.build import build  # most pages are visited without TensorFlow

    config = RunConfig.model_validate({"layers": layers or LAYERS, "data": data_, "transfer": transfer or {}})
    run = runs.create(config, name)
    keras.utils.set_random_seed(seed)
    build(config).save(run.model_path)
    runs.write_status(run.path, runs.closed(run.status, "finished"))
    return runs.read(run.path)


def random_split(run: Run, per_class: int = 4, seed: int = 0) -> data.Split:
    """Smooth random images in the run's shape and classes, in turn, as a split has them."""
    height, width, channels = run.config.data.card.input_shape
    classes = len(run.config.data.card.class_names)
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (per_class * classes, -(-height // 4), -(-width // 4), channels), np.uint8)
    images = coarse.repeat(4, axis=1).repeat(4, axis=2)[:, :height, :width]
    return data.Split(images if channels == 3 else images[..., 0], np.arange(len(images), dtype=np.uint8) % classes)

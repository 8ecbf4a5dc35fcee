"""Datasets, their splits, and the stream of training batches with all that varies and mixes them.

Knows arrays of images and labels; knows no network and no run. TensorFlow is loaded by the functions that need it.
"""

from cnn.data.batches import Source, evaluation_batches, scaled, steps, training_batches
from cnn.data.datasets import (
    FILES,
    NO_GARMENT,
    SYNTHETIC_SIZES,
    VALIDATION,
    Dataset,
    DataUnavailable,
    Split,
    cache_folder,
    is_cached,
    load,
)

__all__ = [
    "FILES",
    "NO_GARMENT",
    "SYNTHETIC_SIZES",
    "VALIDATION",
    "DataUnavailable",
    "Dataset",
    "Source",
    "Split",
    "cache_folder",
    "evaluation_batches",
    "is_cached",
    "load",
    "scaled",
    "steps",
    "training_batches",
]

"""Datasets, their splits, and the stream of training batches with all that varies and mixes them.

Knows arrays of images and labels; knows no network and no run. TensorFlow is loaded by the functions that need it.
"""

from cnn.data.batches import Source, evaluation_batches, scaled, steps, training_batches
from cnn.data.datasets import (
    DATASETS,
    NO_GARMENT,
    Dataset,
    DataUnavailable,
    Script,
    Split,
    Splits,
    load,
    register,
)

__all__ = [
    "DATASETS",
    "NO_GARMENT",
    "DataUnavailable",
    "Dataset",
    "Script",
    "Source",
    "Split",
    "Splits",
    "evaluation_batches",
    "load",
    "register",
    "scaled",
    "steps",
    "training_batches",
]

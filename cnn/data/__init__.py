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
    Synthetic,
    register,
)
from cnn.data.keras_datasets import Cifar10, FashionMnist, Mnist
from cnn.data.loading import dataset_of, fingerprint, load, with_dataset
from cnn.data.own_images import data_of

for _dataset in (FashionMnist(), Synthetic(), Mnist(), Cifar10()):
    register(_dataset)

__all__ = [
    "DATASETS",
    "NO_GARMENT",
    "Cifar10",
    "DataUnavailable",
    "Dataset",
    "FashionMnist",
    "Mnist",
    "Script",
    "Source",
    "Split",
    "Splits",
    "Synthetic",
    "data_of",
    "dataset_of",
    "evaluation_batches",
    "fingerprint",
    "load",
    "register",
    "scaled",
    "steps",
    "training_batches",
    "with_dataset",
]

"""What the pages for new networks and sweeps show of datasets of people's own, read once for all visitors."""

import os
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from cnn.config import DATASET_CARDS, counted
from cnn.config.printable import printable
from cnn.data import DataUnavailable, own_datasets, own_findings, own_splits
from cnn.data.image_folders import ImageFolder

LEAST = own_splits.LEAST_GROUPS  # images of a class, of which one is kept for measuring
_SAID = ("few", "unequal", "empty")  # kinds of findings that matter when a network is trained


@dataclass(frozen=True)
class Facts:
    """A dataset of people's own as it is now.

    images: so many can be read. classes: those that have some, in order. split: how many of the images are for
    training, validation and test. findings: what there is to say of its classes, a sentence each.
    """

    images: int
    classes: tuple[str, ...]
    split: tuple[int, int, int]
    findings: tuple[str, ...]


def facts(dataset: str) -> Facts:
    """A dataset by its name or its folder; 10,000 images take seconds, once after each change.

    Raises:
        DataUnavailable: it is gone or cannot be read.
    """
    folder = own_datasets.get(dataset)
    return _facts(str(folder.path), _stamp(folder), folder)


@st.cache_resource(max_entries=16, show_spinner="Looking through your images…")
def _facts(path: str, stamp: tuple[tuple[str, int], ...], _folder: ImageFolder) -> Facts:
    listing = _folder.listing()
    train, validation, test = map(len, own_splits.split(listing.images))
    found = [finding for finding in own_findings.findings(listing) if finding.kind in _SAID]
    return Facts(
        len(listing.images),
        tuple(name for name, count in listing.counts().items() if count),
        (train, validation, test),
        tuple(finding.text for finding in found),
    )


def training_images(dataset: str) -> int | None:
    """How many images of a dataset of people's own are trained on; None where it is gone."""
    try:
        return facts(dataset).split[0]
    except DataUnavailable:
        return None


def options(present: str) -> dict[str, str]:
    """All datasets by what a configuration calls them, and how a menu does.

    Args:
        present: the one that is chosen now; it may be a folder elsewhere, or gone.
    """
    found = {name: name for name in DATASET_CARDS}
    for name in own_datasets.listed():
        found[name] = f"{printable(name)} · {_counts(name)}"
    if present not in found:
        place = own_datasets.place_of(present)
        found[present] = f"{printable(place.name)} · {_counts(present) if place.is_dir() else 'gone'}"
    return found


def _counts(dataset: str) -> str:
    """So many images and classes, counted without opening one."""
    try:
        folder = own_datasets.get(dataset)
        return _counted(str(folder.path), _stamp(folder), folder)
    except DataUnavailable:
        return "cannot be read"


@st.cache_data(max_entries=200, show_spinner=False)
def _counted(path: str, stamp: tuple[tuple[str, int], ...], _folder: ImageFolder) -> str:
    counts = [_files(folder) for folder in _folder.class_folders().values()]
    classes = sum(count > 0 for count in counts)
    return f"{counted(sum(counts), 'image')}, {classes} {'class' if classes == 1 else 'classes'}"


def _files(folder: Path) -> int:
    try:
        with os.scandir(folder) as entries:
            return sum(not entry.name.startswith(".") and entry.is_file() for entry in entries)
    except OSError:
        return 0


def _stamp(folder: ImageFolder) -> tuple[tuple[str, int], ...]:
    """Another one once an image was added or removed."""
    found = []
    for name, path in folder.class_folders().items():
        try:
            found.append((name, path.stat().st_mtime_ns))
        except OSError:
            found.append((name, 0))
    return tuple(found)

"""What comes after collecting: how the images will be split, whether there are enough, and the way to a training."""

import hashlib
from dataclasses import dataclass

import streamlit as st

from cnn.data import own_findings, own_splits
from cnn.data.dataset_editing import OwnDataset
from cnn.data.image_folders import Listing
from cnn.data.own_findings import Finding
from cnn.ui import shell, state

_GOOD = 20  # images of each class, with which transfer learning does well


@dataclass(frozen=True)
class Examined:
    """What was found in a dataset, and how many of its images are for training, validation and test."""

    findings: tuple[Finding, ...]
    split: tuple[int, int, int]


def examined(dataset: OwnDataset, listing: Listing) -> Examined:
    """Look through a dataset; 10,000 images take seconds, once after each change."""
    digest = hashlib.sha256(repr((str(dataset.path), listing.classes, listing.passed_over)).encode())
    for image in (*listing.images, *listing.unreadable):
        digest.update(f"{image.class_name}/{image.name} {image.content}\n".encode("utf-8", "surrogateescape"))
    return _examined(digest.hexdigest(), listing)


@st.cache_resource(max_entries=4, show_spinner="Looking for duplicates…")
def _examined(digest: str, _listing: Listing) -> Examined:
    train, validation, test = map(len, own_splits.split(_listing.images))
    return Examined(tuple(own_findings.findings(_listing)), (train, validation, test))


def show(dataset: OwnDataset, listing: Listing) -> None:
    """Draw what comes next."""
    st.subheader("What next", anchor=False)
    counts = {name: count for name, count in listing.counts().items() if count}
    train, validation, test = examined(dataset, listing).split
    if len(counts) < 2:
        st.markdown("A network needs images of at least two classes.")
    elif not validation:
        st.markdown(f"Add images until a class has at least {own_splits.LEAST_GROUPS} that differ.")
    else:
        st.markdown(
            f"{train:,} images to train with, {validation:,} to choose by, {test:,} to measure with: about 80, 10 and "
            "10 percent of each class, or 90, 5 and 5 of one with fewer than 40 images. The contents of the files "
            "decide, so it stays the same; copies stay together."
        )
        least = min(counts.values())
        few = f"The smallest class has {least:,} images. With {_GOOD} of each, results get reliable."
        st.caption(few if least < _GOOD else f"Each class has {_GOOD} images or more: enough to begin with.")


def train_button(dataset: OwnDataset, listing: Listing) -> None:
    """Draw the button that leads to a new network of this dataset."""
    counts = [count for count in listing.counts().values() if count]
    enough = len(counts) > 1 and max(counts) >= own_splits.LEAST_GROUPS
    if st.button(
        "Train with this dataset",
        icon=":material/model_training:",
        type="primary",
        disabled=not enough,
        key="train_own",
        help=None if enough else "Two classes with images are needed, at least, and three images of one of them.",
    ):
        st.switch_page(shell.NEW_NETWORK, query_params={state.DATASET: dataset.name})

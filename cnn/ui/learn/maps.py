"""The feature maps of a network, for the lessons that begin with some."""

from collections.abc import Hashable, Mapping

import numpy as np
import streamlit as st

from cnn import runs
from cnn.config.layers import CONVOLUTIONS, Row
from cnn.pictures import UnreadableImage
from cnn.runs import Run
from cnn.ui import models, shell, state
from cnn.ui.byte_cache import ByteCache
from cnn.ui.learn import controls
from cnn.ui.models import Network
from cnn.ui.predict import pictures
from cnn.ui.predict.pictures import Picture

_KEPT = 2**27  # bytes of forward passes


def with_convolution(run: Run, network: Network, picture: Picture) -> tuple[Run, Network, np.ndarray]:
    """The run, its network, and what that gets of an image; where it has no convolution, the shipped one that has."""
    if any(row.type in CONVOLUTIONS for row in run.config.rows()):
        return run, network, picture.seen.pixels
    return shipped_instead(run, picture, "has no convolution and so no feature maps")


def shipped_instead(run: Run, picture: Picture, because: str) -> tuple[Run, Network, np.ndarray]:
    """The shipped run, its network and what that gets of an image, with a sentence why it is shown instead of a run."""
    other = runs.get(runs.DEFAULT_ID)
    st.info(
        f"{shell.plain(run.name)} {because}. This lesson shows the run {shell.plain(other.name)} instead.",
        icon=":material/info:",
    )
    return other, models.load(other), seen_by(picture, other).seen.pixels


def seen_by(picture: Picture, run: Run) -> Picture:
    """An image as the network of another run gets it; ends the lesson where it shows nothing to that."""
    try:
        return pictures.seen_by(picture, run.config.data.card)
    except UnreadableImage as error:
        st.info(shell.plain(str(error)), icon=":material/broken_image:")
    st.stop()
    return picture  # which is not reached


def values(run: Run, network: Network, pixels: np.ndarray) -> Mapping[str, np.ndarray]:
    """Every value of the forward pass of an image (h, w, c), each (h, w, c) or (n,), see `cnn.networks.forward`."""
    return _kept().get(
        (*run.network_key, pictures.digest(pixels)),
        lambda: {name: value[0] for name, value in network.forward(pixels[None]).items()},
    )


@st.cache_resource
def _kept() -> ByteCache:
    return ByteCache(_KEPT)


def blocks(run: Run) -> list[list[Row]]:
    """The Keras layers of each configured layer: of a convolution also its normalisation and activation."""
    found: dict[int, list[Row]] = {}
    for row in run.config.rows():
        found.setdefault(row.layer, []).append(row)
    return list(found.values())


def number(key: str, label: str, high: int, first: int, of: Hashable) -> int:
    """A number from 1 to `high` that is `first` until somebody chooses another, and again once it is of another thing.

    While untouched it follows `first`, which may depend on the image: the link then leaves it out, and opens alike.
    """
    known = state.first_number(key)
    of_before, first_before = st.session_state.get(known, (of, first))
    st.session_state[known] = of, first
    if key in st.session_state:
        value = st.session_state[key]
        wanted = first if of != of_before or value == first_before else min(value, high)
        if value != wanted:
            st.session_state[key] = wanted
    return controls.number(key, label, 1, high, first)

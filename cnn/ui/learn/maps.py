"""The feature maps of a network, for the lessons that begin with some."""

from collections.abc import Hashable

import numpy as np
import streamlit as st

from cnn import runs
from cnn.config.layers import CONVOLUTIONS, Row
from cnn.runs import Run
from cnn.ui import models, shell, state
from cnn.ui.learn import controls
from cnn.ui.models import Network
from cnn.ui.predict import pictures


def with_convolution(run: Run, network: Network) -> tuple[Run, Network]:
    """The run and its network; where that has no convolution, the shipped one that has, and a sentence about it."""
    if any(row.type in CONVOLUTIONS for row in run.config.rows()):
        return run, network
    other = runs.get(runs.DEFAULT_ID)
    st.info(
        f"{shell.plain(run.name)} has no convolution and so no feature maps. This lesson shows the run "
        f"{shell.plain(other.name)} instead.",
        icon=":material/info:",
    )
    return other, models.load(other)


def values(run: Run, network: Network, pixels: np.ndarray) -> dict[str, np.ndarray]:
    """Every value of the forward pass of an image (28, 28, 1), (h, w, c) or (n,), see `cnn.networks.forward`."""
    return _values(*run.network_key, pictures.digest(pixels), network, pixels)


@st.cache_resource(max_entries=12, show_spinner=False)
def _values(path: str, written: int, digest: str, _network: Network, _pixels: np.ndarray) -> dict[str, np.ndarray]:
    return {name: value[0] for name, value in _network.forward(_pixels[None]).items()}


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

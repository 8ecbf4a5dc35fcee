"""Loaded networks, shared by all visitors. The pages that import this load TensorFlow; the others do not."""

import gc
from dataclasses import dataclass

import keras
import streamlit as st
import tensorflow as tf

from cnn.errors import AtelierError
from cnn.interpret.attribution import Explainer
from cnn.networks.forward import Forward, Weights
from cnn.networks.predictor import Predictor
from cnn.runs import Run
from cnn.ui import shell

# A training may need the whole GPU, and TensorFlow takes all of it in each process: here the CPU is fast enough.
tf.config.set_visible_devices([], "GPU")

# After each run of a page Streamlit searches for garbage: 0.22 s among 414,000 objects, most of them TensorFlow's.
gc.freeze()

# It also calls this function, upon which TensorFlow forgets what it has prepared of every network: the next prediction
# would prepare it again, in 0.4 s for a network as deep as the backbone. Nothing here depends on what else it resets.
setattr(keras.backend, "clear_session", lambda free_memory=True: None)  # noqa: B010


@dataclass(frozen=True)
class Network:
    """A trained network, ready to predict and to be looked into. `weights`: its own, by layer."""

    predict: Predictor
    forward: Forward
    explain: Explainer
    weights: Weights


def load(run: Run) -> Network:
    """The network of a run; ends the page with a sentence where there is none."""
    shell.require_model(run)
    try:
        network = read(run)
    except (AtelierError, OSError) as error:
        st.error(shell.plain(str(error)), icon=":material/broken_image:")
        st.stop()
    return network


def read(run: Run) -> Network:
    """The network of a run.

    Raises:
        AtelierError, OSError: it cannot be read.
    """
    return _load(*run.network_key, run)


@st.cache_resource(max_entries=8, show_spinner="Loading the network…")
def _load(path: str, written: int, _run: Run) -> Network:
    predictor = Predictor(_run)
    forward = Forward(predictor.model)
    return Network(predictor, forward, Explainer(forward), forward.weights())

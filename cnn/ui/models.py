"""Loaded networks, shared by all visitors. The pages that import this load TensorFlow; the others do not."""

import streamlit as st
import tensorflow as tf

from cnn import activations
from cnn.activations import FeatureMaps, Kernels
from cnn.model import UnreadableModel
from cnn.predict import Predictor
from cnn.runs import Run
from cnn.ui import shell

# A training may need the whole GPU, and TensorFlow takes all of it in each process: here the CPU is fast enough.
tf.config.set_visible_devices([], "GPU")


def predictor(run: Run) -> Predictor:
    """The network of a run, ready to answer; ends the page with a sentence where there is none."""
    shell.require_model(run)
    try:
        return _predictor(*_key(run), run)
    except (UnreadableModel, OSError) as error:
        st.error(str(error), icon=":material/broken_image:")
        st.stop()


def feature_maps(loaded: Predictor) -> FeatureMaps:
    """What every layer of a loaded network makes of a picture."""
    return _feature_maps(*_key(loaded.run), loaded)


def kernels(loaded: Predictor) -> list[Kernels]:
    """The kernels of every convolution of a loaded network."""
    return _kernels(*_key(loaded.run), loaded)


def _key(run: Run) -> tuple[str, int]:
    """A run in training writes its network anew after every epoch."""
    return str(run.path), run.model_path.stat().st_mtime_ns


@st.cache_resource(max_entries=4, show_spinner="Loading the network…")
def _predictor(path: str, written: int, _run: Run) -> Predictor:
    return Predictor(_run)


@st.cache_resource(max_entries=4, show_spinner=False)
def _feature_maps(path: str, written: int, _loaded: Predictor) -> FeatureMaps:
    return FeatureMaps(_loaded.model)


@st.cache_resource(max_entries=4, show_spinner=False)
def _kernels(path: str, written: int, _loaded: Predictor) -> list[Kernels]:
    return activations.kernels(_loaded.model)

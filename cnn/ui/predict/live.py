"""The camera answered live: a single forward pass of each frame, drawn in the browser by the camera itself."""

import time

import streamlit as st

from cnn.networks.predictor import Predictor
from cnn.ui import state
from cnn.ui.components import camera
from cnn.ui.predict.pictures import File

_TOP = 5  # classes


def is_wanted() -> bool:
    """Ask whether the camera is answered live."""
    return st.toggle(
        "Live",
        key=state.LIVE,
        bind="query-params",
        help="Predicts continuously what the camera sees, in a single forward pass of each frame.",
    )


def show(predictor: Predictor) -> None:
    """Draw the camera with its answers. A frame that is kept becomes the photo of the page."""

    def predict(frame: bytes) -> camera.Bars:
        probabilities = predictor.glance(predictor.read(frame, used_only=True))
        best = (-probabilities).argsort(kind="stable")[:_TOP]
        return [(predictor.card.class_names[label], float(probabilities[label])) for label in best]

    camera.live(state.LIVE_CAMERA, predict, _keep)


def _keep(frame: bytes) -> None:
    files = st.session_state.setdefault(state.KEPT_FILES, {})
    files["Camera"] = [File(f"camera-{time.time_ns()}", "Your photo", frame)]
    st.session_state[state.LIVE] = False

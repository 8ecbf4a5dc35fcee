"""The predictions that the page speaks of: kept with the run, else measured while the visitor watches."""

from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeVar

import numpy as np
import streamlit as st

from cnn.config import duration
from cnn.data import DataUnavailable
from cnn.evaluation import predictions
from cnn.evaluation.predictions import Predictions, SplitName
from cnn.runs import Run, measurement
from cnn.ui import background_work, preload, shell, state
from cnn.ui.predict import inputs

Found = TypeVar("Found")


def require(run: Run, split: SplitName) -> Predictions:
    """What the network predicts of every image of a split. Until that is known, the page ends with its progress."""
    name = f"predictions-{run.id}-{split}-{run.network_key[1]}"
    found = kept(run, split) or background_work.result(name)
    if found is None:
        _measure_first(run, split, name)
    return found


def _measure_first(run: Run, split: SplitName, name: str) -> None:
    """Draw the progress in the place of the page."""
    begun = st.session_state.setdefault(state.EVALUATED, set())  # by itself: whoever stops it begins it again by hand
    if not background_work.is_running(name):
        if problem := background_work.problem(name):
            st.error(shell.plain(problem), icon=":material/error:")
        elif name in begun:
            st.info("The evaluation was stopped.", icon=":material/pause_circle:")
        if name in begun:
            st.button(
                "Evaluate again", icon=":material/replay:", key="evaluate_again", on_click=begun.discard, args=(name,)
            )
            st.stop()
        missing, by_hand = inputs.what_is_missing(run)
        if missing:
            then = f"{by_hand} Then every image is predicted here." if by_hand else ""
            st.info(shell.plain(f"{missing} {then}"), icon=":material/cloud_off:")
            if run.config.data.card.own:
                _kept_with_run(run)
                st.stop()
            if not st.button("Download and evaluate", icon=":material/download:", key="evaluate_download"):
                st.stop()
        begun.add(name)
        background_work.begin(name, lambda: measuring(run, split))
    st.markdown(f"Predicting every {split} image, once for this network. Afterwards this page opens at once.")
    background_work.follow(name, f"Predicting the {split} images")
    st.stop()


def _kept_with_run(run: Run) -> None:
    """What is known without the images: the numbers of the training's end."""
    known = run.evaluation or {}
    if not {"accuracy", "loss", "n"} <= known.keys():
        return
    st.markdown("Measured when it was trained:")
    with st.grid(3, min_column_width=150):
        st.metric("Accuracy", f"{known['accuracy']:.2%}", border=True, help=f"On {known['n']:,} test images.")
        st.metric("Loss", f"{known['loss']:.3f}", border=True)
        st.metric("Test images", f"{known['n']:,}", border=True)


def measuring(run: Run, split: SplitName) -> Generator[float, None, Predictions]:
    """Measure a network and keep what was found; yields the fraction that is done. For `background_work`."""
    yield 0.0  # the page is drawn before TensorFlow and the network are loaded
    preload.tensorflow()
    return (yield from predictions.measuring_run(run, split))


def kept(run: Run, split: SplitName) -> Predictions | None:
    """As `predictions.kept`, read once and shared by all visitors."""
    found = _kept(*run.network_key, split, run)
    if found is None:
        _kept.clear(*run.network_key, split, run)
    return found


@st.cache_resource(max_entries=16, show_spinner=False)
def _kept(path: str, written: int, split: SplitName, _run: Run) -> Predictions | None:
    return predictions.kept(_run, split)


def images(run: Run, split: str) -> np.ndarray | None:
    """The images of a split, uint8 (n, h, w) or (n, h, w, 3); None, with a sentence, where the dataset is not here."""
    found = if_here(run, lambda: inputs.split_of(run.config.data, split))
    return None if found is None else found.images


def if_here(run: Run, load: Callable[[], Found]) -> Found | None:
    """What `load` finds of a run's dataset; None, with a sentence, where the dataset is not on this machine."""
    missing, by_hand = inputs.what_is_missing(run)
    if missing:
        st.info(shell.plain(f"{missing} {by_hand}"), icon=":material/cloud_off:")
        return None
    try:
        return load()
    except DataUnavailable as error:
        st.warning(shell.plain(str(error)), icon=":material/cloud_off:")
        return None


def follow(progress: measurement.Progress, folder: Path, key: str) -> None:
    """What moves while a process of its own trains networks. Its end redraws the page.

    Args:
        progress: as it stands. folder: of the measurement. key: of the button that stops it.
    """
    if not progress.active:
        st.rerun()
    text = shell.plain(progress.message)
    if progress.seconds_left is not None:
        text += f" · {duration(progress.seconds_left)} left"
    st.progress(progress.share, text=text)
    if st.button("Stop", icon=":material/stop:", key=key):
        measurement.stop(folder)
    st.caption("Runs in the background: close this tab and come back through the same link.")

"""The picture that a lesson is about: a garment, a drawing, a photo, or numbers that somebody types."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from cnn.lessons import kernels
from cnn.lessons.kernels import UnreadableNumbers
from cnn.runs import Run
from cnn.ui import shell, state
from cnn.ui.learn import controls
from cnn.ui.models import Network
from cnn.ui.predict import batch, inputs
from cnn.ui.predict.pictures import Picture

_FIRST_NUMBERS = "0 0 0 0 0 0\n0 1 1 1 1 0\n0 1 0 0 1 0\n0 1 0 0 1 0\n0 1 1 1 1 0\n0 0 0 0 0 0"
_LARGEST = 28


@dataclass(frozen=True, eq=False)
class Given:
    """What a lesson works on.

    Attributes:
        grey: float32 (h, w), in [0, 1] unless numbers were typed.
        title: what it is.
        picture: where it came from; None if numbers were typed.
    """

    grey: np.ndarray
    title: str
    picture: Picture | None


def ask(run: Run, network: Network, numbers: bool) -> Given | None:
    """Ask for a picture; None until there is one.

    Args:
        numbers: whether numbers may be typed instead.
    """
    if numbers and controls.switch("typed", "Type numbers instead of choosing a picture"):
        return _typed()
    with controls.place("picture", "The choice of the picture", state.LEARN_IMAGE):
        found = inputs.ask(run, network.predict, state.LEARN_IMAGE)
        picture = batch.opened(found) if isinstance(found, list) else found
    if picture is None:
        st.info("Choose, draw or upload a picture above.", icon=":material/arrow_upward:")
        return None
    return Given(picture.seen.pixels[..., 0], shell.plain(picture.title), picture)


def _typed() -> Given | None:
    text = controls.text(
        "numbers", "Numbers, a row a line", _FIRST_NUMBERS, lines=7, help=f"At most {_LARGEST} rows of {_LARGEST}."
    )
    try:
        grey = kernels.from_text(text, largest=_LARGEST, square=False).astype(np.float32)
    except UnreadableNumbers as error:
        st.error(shell.plain(str(error)), icon=":material/error:")
        return None
    return Given(grey, "Your numbers", None)

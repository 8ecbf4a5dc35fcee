"""The image that a lesson is about: one of the dataset, a drawing, a photo, or numbers that somebody types."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from cnn import charts
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
_THUMBNAIL = 84  # screen pixels
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


@dataclass(frozen=True, eq=False)
class Given:
    """What a lesson works on.

    Attributes:
        grey: float32 (h, w), in [0, 1] unless numbers were typed. Of a network with larger images, or images in colour,
            these in grey, at most 28 by 28 pixels and square: small enough to be looked at pixel by pixel.
        title: what it is, as it was typed or uploaded.
        picture: where it came from; None if numbers were typed.
    """

    grey: np.ndarray
    title: str
    picture: Picture | None


def ask(run: Run, network: Network, numbers: bool) -> Given | None:
    """Draw the image in small and the button behind which another is chosen; None until there is one.

    Args:
        numbers: whether numbers may be typed instead.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        seen = st.container(width=_THUMBNAIL)
        with st.container(width="content", gap="xsmall"):
            title = st.container()
            with (
                controls.place("picture", "The choice of the image", state.LEARN_IMAGE),
                st.popover("Change image", icon=":material/image:"),
            ):
                typed = numbers and controls.switch("typed", "Type numbers instead of choosing an image")
                text = _text() if typed else ""
                picture = None if typed else _picture(run, network)
    if typed:
        return _numbers(text)
    if picture is None:
        st.info("Choose, draw or upload an image: click **Change image**.", icon=":material/image:")
        return None
    seen.image(picture.input_within(_THUMBNAIL), alt=f"{picture.title}, as the network gets it.")
    title.caption(shell.plain(picture.title))
    return Given(in_small(picture.seen.pixels), picture.title, picture)


def in_small(pixels: np.ndarray) -> np.ndarray:
    """A network's input float32 (h, w, c) in [0, 1] in grey, at most 28 by 28 pixels; what is not square gets black."""
    grey = pixels[..., 0] if pixels.shape[2] == 1 else (pixels @ _LUMA).astype(np.float32)
    small = charts.reduced(grey[..., None], _LARGEST)[..., 0]
    edge = max(small.shape)
    rows, columns = ((edge - size) // 2 for size in small.shape)
    return np.pad(small, ((rows, edge - small.shape[0] - rows), (columns, edge - small.shape[1] - columns)))


def _picture(run: Run, network: Network) -> Picture | None:
    found = inputs.ask(run, network.predict, state.LEARN_IMAGE)
    return batch.opened(found, run.config.data.card) if isinstance(found, list) else found


def _text() -> str:
    return controls.text(
        "numbers", "Numbers, one row per line", _FIRST_NUMBERS, lines=7, help=f"At most {_LARGEST} rows of {_LARGEST}."
    )


def _numbers(text: str) -> Given | None:
    try:
        grey = kernels.from_text(text, largest=_LARGEST, square=False).astype(np.float32)
    except UnreadableNumbers as error:
        st.error(shell.plain(str(error)), icon=":material/error:")
        return None
    return Given(grey, "Your numbers", None)

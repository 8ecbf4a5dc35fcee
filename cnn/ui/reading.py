"""How a picture was read, step by step, and the network's answer."""

import numpy as np
import streamlit as st

from cnn import figures
from cnn.config import CLASS_NAMES
from cnn.ui import shell
from cnn.ui.inputs import Picture

_STEP_SIZE = 112  # pixels along the longest edge of a step's picture on the page


def show(picture: Picture, probabilities: np.ndarray, key: str, expanded: bool) -> None:
    """One picture: its answer beside its bars, and the steps from the picture to the network's input."""
    best, second = probabilities.argsort()[::-1][:2]
    with st.container(border=True):
        answer, bars = st.columns([2, 3], gap="large", vertical_alignment="center")
        with answer:
            st.image(
                picture.pixels(),
                caption="What the network sees: 28×28 grey pixels",
                alt=f"{picture.title} as the network's input, a bright garment on black.",
            )
            st.markdown(f"### {CLASS_NAMES[best]}")
            st.markdown(
                f"{shell.plain(picture.title)}: confidence {probabilities[best]:.1%}, then {CLASS_NAMES[second]} with "
                f"{probabilities[second]:.1%}."
            )
            if picture.label is not None:
                right = "Right" if picture.label == best else "Wrong"
                st.caption(f"{right}: the dataset calls it {CLASS_NAMES[picture.label]}.")
        with bars:
            st.plotly_chart(
                figures.probabilities(probabilities, CLASS_NAMES, true=picture.label),
                key=key,
                config={"displayModeBar": False},
                alt=f"Probabilities of the ten classes for {picture.title}; the highest is {CLASS_NAMES[best]}.",
            )
        for note in picture.seen.notes:
            st.caption(f":material/info: {note}")
        with (
            st.expander("How it was read", expanded=expanded),
            st.grid("auto", min_column_width=_STEP_SIZE, gap="small"),
        ):
            for number, step in enumerate(picture.seen.steps, 1):
                with st.container(gap="xsmall"):
                    st.image(_enlarged(step.image), alt=f"The picture after step {number}, {step.name}.")
                    st.caption(f"{number}. {step.name}", help=step.explanation)


def _enlarged(image):
    """Small pictures are shown with their pixels as squares, large ones reduced."""
    factor = _STEP_SIZE / max(image.size)
    size = tuple(max(1, round(edge * factor)) for edge in image.size)
    return image.resize(size, resample=0 if factor > 1 else 4)  # NEAREST, BOX

"""Stride, padding, dilation: how the window slides, what size comes out, and which pixels are never seen."""

from typing import Final, Literal

import numpy as np
import streamlit as st
from PIL import Image
from streamlit.delta_generator import DeltaGenerator

from cnn.config import geometry
from cnn.config.geometry import Padding
from cnn.lessons import convolution
from cnn.lessons.convolution import DoesNotFit, Sliding
from cnn.runs import Run
from cnn.ui.components import sliding
from cnn.ui.learn import controls
from cnn.ui.learn.given import Given
from cnn.ui.learn.prose import note
from cnn.ui.models import Network

_ZEROS: Final = "zeros"
_SIZE = 280  # screen pixels of the image and of the map


def show(run: Run, network: Network, on: Given, below: DeltaGenerator) -> None:
    """The window's settings and the window; below, the output size with its numbers."""
    first, second, third = st.columns(3)
    with first:
        kernel = controls.whole("stride_kernel", "Kernel size f", 1, 7, 3)
    with second:
        stride = controls.whole("stride_stride", "Stride s", 1, 5, 2)
    with third:
        dilation = controls.whole("stride_dilation", "Dilation d", 1, 4, 1)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        grey = _resized(on)
        options: list[Padding | Literal["zeros"]] = ["same", "valid", _ZEROS]
        chosen = controls.choice("stride_padding", "Padding", options)
        if chosen == _ZEROS:
            with st.container(width=150):
                padding: Padding | int = controls.whole("stride_zeros", "Zeros on every side", 0, 6, 1)
        else:
            padding = chosen
    slides = Sliding(kernel, stride, padding, dilation)
    try:
        slides.output(grey.shape)
    except DoesNotFit as error:
        st.error(str(error), icon=":material/error:")
        return
    if stride > 1 and dilation > 1:
        note("Keras allows only one of stride and dilation above 1 in a layer; the arithmetic works with both.")
    mean = np.full((kernel, kernel, 1), 1 / kernel**2)
    sliding.show(grey[..., None], mean, slides, 0.0, "stride_stage", on.title, size=_SIZE)
    visits = convolution.visits(grey.shape, slides)
    note(
        f"The kernel takes the mean, so the map looks like the image. Each pixel lies in {visits.min()} to "
        f"{visits.max()} windows; {int((visits == 0).sum())} of {visits.size} pixels lie in none. i' and j' count "
        "from the corner of the border."
    )
    with below:
        st.subheader("Output size", anchor=False)
        _sizes(grey, slides)


def _resized(on: Given) -> np.ndarray:
    """The image small enough for its numbers to be read, or as it is; typed numbers stay."""
    if on.picture is None:
        return on.grey
    edge = int(controls.choice("stride_edge", "Image size", ["7×7", "14×14", "28×28"]).split("×")[0])
    small = Image.fromarray(on.grey).resize((edge, edge), Image.Resampling.BOX)
    return np.asarray(small, np.float32)


def _sizes(grey: np.ndarray, slides: Sliding) -> None:
    """The formula of the output's size with the numbers put in."""
    zeros, output = slides.zeros(grey.shape), slides.output(grey.shape)
    span = geometry.extent(slides.kernel, slides.dilation)
    if slides.dilation > 1:
        st.latex(rf"\text{{span}} = d\,(f-1)+1 = {slides.dilation}\cdot({slides.kernel}-1)+1 = {span}", width="content")
    named = (("height", *zeros[0], grey.shape[0], output[0]), ("width", *zeros[1], grey.shape[1], output[1]))
    for name, before, after, size, result in named[: 1 if grey.shape[0] == grey.shape[1] else 2]:
        st.latex(
            rf"\begin{{aligned}} \text{{{name}}} &= \left\lfloor \frac{{n + p - \text{{span}}}}{{s}} \right\rfloor + 1 "
            rf"\\ &= \left\lfloor \frac{{{size} + {before + after} - {span}}}{{{slides.stride}}} \right\rfloor + 1 "
            rf"= {result} \end{{aligned}}",
            width="content",
        )
    if slides.padding == "same":
        note(
            f'"same" adds as many zeros p as give {grey.shape[0]} / {slides.stride}, rounded up. If p is odd, the '
            "extra zero goes below and to the right, as in TensorFlow."
        )

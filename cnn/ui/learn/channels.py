"""Multiple channels: a filter over red, green and blue, with a kernel for each, and their sums added up."""

import numpy as np
import streamlit as st
from PIL import Image, ImageColor
from streamlit.delta_generator import DeltaGenerator

from cnn.config import geometry
from cnn.lessons import kernels
from cnn.lessons.convolution import Sliding
from cnn.runs import Run
from cnn.ui.components import sliding
from cnn.ui.learn import controls
from cnn.ui.learn.given import Given
from cnn.ui.learn.prose import note
from cnn.ui.models import Network

_NAMES = ("red", "green", "blue")
_EDGE = 28
_SIZE = 280  # screen pixels of the image and of the map


def show(run: Run, network: Network, on: Given, below: DeltaGenerator) -> None:
    """A kernel, its factor in each channel, the window over all three; below, the parameters of a layer."""
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        name = controls.menu("channels_kernel", "Kernel", kernels.NAMES, value="identity")
    with right:
        bias = controls.decimal("channels_bias", "Bias b", -2.0, 2.0, 0.0, 0.05)
    colours = coloured(on)
    factors = []
    for cell, colour, factor in zip(st.columns(3), _NAMES, (1.0, -0.5, -0.5), strict=True):
        with cell:
            factors.append(controls.decimal(f"channels_{colour}", f"Factor in {colour}", -1.0, 1.0, factor, 0.1))
    kernel = kernels.named(name, 3)[..., None] * np.array(factors)
    map_ = sliding.show(
        colours, kernel, Sliding(3, padding="same"), bias, "channels_stage", on.title, _NAMES, size=_SIZE
    )
    note(
        f"One filter, three kernels of 3×3, one map of {map_.shape[0]}×{map_.shape[1]}. Violet is positive, orange "
        "negative, white zero; where nothing is negative, yellow is high and dark blue low."
    )
    with below:
        st.subheader("Parameters of a layer", anchor=False)
        with st.container(width=280):
            filters = controls.whole("channels_filters", "Filters in the layer", 1, 256, 64)
        weights = geometry.convolution_parameters(3, 3, filters)
        st.latex(
            rf"\text{{parameters}} = {filters} \cdot (3 \cdot 3 \cdot 3 + 1) = {weights:,}".replace(",", "{,}"),
            width="content",
        )
        note("Each filter has 3×3 weights in each of the three channels, and one bias.")


def coloured(on: Given) -> np.ndarray:
    """The image in colour, float32 (h, w, 3) in [0, 1]; a grey one is tinted in a colour that one chooses."""
    shown = on.picture.shown.convert("RGB")
    pixels = np.asarray(shown)
    if np.ptp(pixels, axis=-1).max() == 0:
        tint = controls.colour("channels_dye", "This image is grey. Tint", "#d55e00")
        return (on.grey[..., None] * (np.array(ImageColor.getrgb(tint)) / 255)).astype(np.float32)
    shown.thumbnail((_EDGE, _EDGE), Image.Resampling.LANCZOS)
    return (np.asarray(shown) / 255).astype(np.float32)

"""Several channels: a filter over red, green and blue, with a kernel for each, and their sums added up."""

import numpy as np
import streamlit as st
from PIL import Image, ImageColor

from cnn.config import geometry
from cnn.lessons import kernels
from cnn.lessons.convolution import Sliding
from cnn.runs import Run
from cnn.ui.components import sliding
from cnn.ui.learn import controls
from cnn.ui.learn.given import Given
from cnn.ui.models import Network

_NAMES = ("red", "green", "blue")
_EDGE = 28


def show(run: Run, network: Network, on: Given | None) -> None:
    """A kernel, how much of it each channel gets, and the window over all three."""
    setting, picture = st.columns([2, 5], gap="large")
    with setting:
        colours = coloured(on)
        name = controls.menu("channels_kernel", "Kernel", kernels.NAMES, value="identity")
        shares = [
            controls.decimal(f"channels_{name_}", f"Times, in {name_}", -1.0, 1.0, share, 0.1)
            for name_, share in zip(_NAMES, (1.0, -0.5, -0.5), strict=True)
        ]
        bias = controls.decimal("channels_bias", "Bias b", -2.0, 2.0, 0.0, 0.05)
        filters = controls.whole("channels_filters", "Filters in the layer", 1, 256, 64)
    kernel = kernels.named(name, 3)[..., None] * np.array(shares)
    with picture:
        map_ = sliding.show(
            colours, kernel, Sliding(3, padding="same"), bias, "channels_stage", on.title, _NAMES, size=380
        )
        weights = geometry.convolution_parameters(3, 3, filters)
        st.caption(
            f"One filter, three kernels of 3×3, one map of {map_.shape[0]}×{map_.shape[1]}. Violet is positive, orange "
            "negative, white zero; where nothing is negative, yellow is high and dark blue low."
        )
        st.latex(rf"\text{{parameters}} = {filters} \cdot (3 \cdot 3 \cdot 3 + 1) = {weights:,}".replace(",", "{,}"))


def coloured(on: Given) -> np.ndarray:
    """The picture in colour, float32 (h, w, 3) in [0, 1]; a grey one is dyed in a colour that one chooses."""
    shown = on.picture.shown.convert("RGB")
    pixels = np.asarray(shown)
    if np.ptp(pixels, axis=-1).max() == 0:
        dye = controls.colour("channels_dye", "This picture is grey: dye it", "#d55e00")
        return (on.grey[..., None] * (np.array(ImageColor.getrgb(dye)) / 255)).astype(np.float32)
    shown.thumbnail((_EDGE, _EDGE), Image.Resampling.LANCZOS)
    return (np.asarray(shown) / 255).astype(np.float32)

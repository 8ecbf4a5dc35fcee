"""Large and colour pictures: one kernel over any size, and what grows with the picture."""

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from cnn import charts
from cnn.config import counted, geometry
from cnn.lessons import convolution, kernels
from cnn.lessons.convolution import Sliding
from cnn.runs import Run
from cnn.ui.learn import controls
from cnn.ui.learn.channels import coloured
from cnn.ui.learn.given import Given
from cnn.ui.models import Network
from cnn.ui.predict import pictures

_UNITS = 64
_WIDTH = 290  # screen pixels


def show(run: Run, network: Network, on: Given | None) -> None:
    """The same kernel over the picture at a size that one chooses, and what that costs."""
    setting, shown = st.columns([2, 5], gap="large")
    with setting:
        edge = controls.whole("large_edge", "Edge of the picture, pixels", 28, 448, 112)
        colour = controls.switch("large_colour", "In colour", True)
        name = controls.menu("large_kernel", "Kernel, 3×3", kernels.NAMES, value="Sobel, vertical edges")
        x = _sized(on, edge, colour)
        channels = x.shape[-1]
        kernel = np.repeat(kernels.named(name, 3)[..., None] / channels, channels, axis=-1)
    map_ = convolution.convolved(x, kernel, Sliding(3, padding="same"))
    with shown:
        with st.container(horizontal=True, gap="small"):
            st.image(
                _magnified((x.squeeze() * 255).round().astype(np.uint8)),
                width=_WIDTH,
                alt=f"{on.title} at {x.shape[0]} by {x.shape[1]} pixels, {counted(channels, 'channel')}.",
            )
            st.image(
                _magnified(charts.coloured(map_, charts.value_range(map_))),
                width=_WIDTH,
                alt=f"Its feature map by the kernel {name}, {map_.shape[0]} by {map_.shape[1]}.",
            )
        st.caption(
            f"The picture at {x.shape[0]}×{x.shape[1]}×{channels} and its map, {map_.shape[0]}×{map_.shape[1]}, by "
            f"the same {kernel.size} weights at every size, from {map_.min():.3g} to {map_.max():.3g}. "
            "Violet is positive, orange negative, white zero."
        )
    _costs(x.shape, _UNITS)


def _sized(on: Given, edge: int, colour: bool) -> np.ndarray:
    """The picture with its longest edge of so many pixels: float32 (h, w, 3) in colour, else (h, w, 1), in [0, 1]."""
    shown = on.picture.shown.convert("RGB")
    if np.ptp(np.asarray(shown), axis=-1).max() == 0:  # grey: dyed where colour is asked for
        pixels = coloured(on) if colour else np.repeat(on.grey[..., None], 3, axis=-1)
        shown = Image.fromarray((pixels * 255).round().astype(np.uint8))
    scale = edge / max(shown.size)
    size = [max(3, round(side * scale)) for side in shown.size]
    resized = shown.resize(size, Image.Resampling.BICUBIC)
    if colour:
        return (np.asarray(resized) / 255).astype(np.float32)
    return (np.asarray(resized.convert("L"))[..., None] / 255).astype(np.float32)


def _magnified(image: np.ndarray) -> np.ndarray:
    """Small pictures with each pixel a square."""
    return pictures.magnified(image, max(1, _WIDTH // max(image.shape[:2])))


def _costs(shape: tuple[int, int, int], count: int) -> None:
    """Parameters, values and multiplications at this size beside those of 28×28×1."""
    small, large = _cost((28, 28, 1), count), _cost(shape, count)
    rows = [("28×28×1", small), ("×".join(map(str, shape)), large)]
    words = [{"": size} | {name: f"{value:,}" for name, value in row.items()} for size, row in rows]
    ratio = {"": "times as many"} | {name: f"{large[name] / small[name]:,.4g}" for name in small}
    st.markdown(f"**A layer with {count} filters of 3×3, or {count} dense units, on this picture**")
    st.table(pd.DataFrame([*words, ratio]).set_index("").T)
    st.caption(
        "With padding “same” a map has a value for each pixel; a filter multiplies 3·3·channels numbers for each of "
        "them. A dense unit has a weight for each number of the picture."
    )


def _cost(shape: tuple[int, int, int], count: int) -> dict[str, int]:
    height, width, channels = shape
    weights = geometry.convolution_parameters(3, channels, count, bias=False)
    return {
        "numbers in the picture": height * width * channels,
        "parameters of the convolution": geometry.convolution_parameters(3, channels, count),
        "parameters of the dense layer": geometry.dense_parameters(height * width * channels, count),
        "values of the maps": height * width * count,
        "multiplications of the convolution": height * width * weights,
    }

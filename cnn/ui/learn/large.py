"""Image size and colour: one kernel over any size, and what grows with the image."""

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image
from streamlit.delta_generator import DeltaGenerator

from cnn import charts
from cnn.config import counted, geometry
from cnn.lessons import convolution, kernels
from cnn.lessons.convolution import Sliding
from cnn.runs import Run
from cnn.ui.learn import controls, your_own
from cnn.ui.learn.channels import coloured
from cnn.ui.learn.given import Given
from cnn.ui.learn.prose import note
from cnn.ui.models import Network
from cnn.ui.predict import pictures

_UNITS = 64
_WIDTH = 280  # screen pixels


def show(run: Run, network: Network, on: Given, below: DeltaGenerator) -> None:
    """The same kernel over the image at a size that one chooses; below, what that costs."""
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        edge = controls.whole("large_edge", "Longest edge (pixels)", 28, 448, 112)
    with right:
        name = controls.menu("large_kernel", "Kernel, 3×3", kernels.NAMES, value="Sobel, vertical edges")
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        colour = controls.switch("large_colour", "In colour", True)
        x = _sized(on, edge, colour)
    channels = x.shape[-1]
    kernel = np.repeat(kernels.named(name, 3)[..., None] / channels, channels, axis=-1)
    map_ = convolution.convolved(x, kernel, Sliding(3, padding="same"))
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
    note(
        f"The image at {x.shape[0]}×{x.shape[1]}×{channels} and its map, {map_.shape[0]}×{map_.shape[1]}, with "
        f"the same {kernel.size} weights at every size; values from {map_.min():.3g} to {map_.max():.3g}. "
        "Violet is positive, orange negative, white zero."
    )
    with below:
        _costs(x.shape, _UNITS)
        your_own.show(
            "large",
            "A network for photos of 288×288 pixels in colour, trained from scratch, needs many thousands of them. One "
            "that others have trained needs only a new output layer: see the lesson on transfer learning.",
        )


def _sized(on: Given, edge: int, colour: bool) -> np.ndarray:
    """The image with its longest edge of so many pixels: float32 (h, w, 3) in colour, else (h, w, 1), in [0, 1]."""
    shown = on.picture.shown.convert("RGB")
    if np.ptp(np.asarray(shown), axis=-1).max() == 0:  # grey: tinted where colour is asked for
        pixels = coloured(on) if colour else np.repeat(on.grey[..., None], 3, axis=-1)
        shown = Image.fromarray((pixels * 255).round().astype(np.uint8))
    scale = edge / max(shown.size)
    size = [max(3, round(side * scale)) for side in shown.size]
    resized = shown.resize(size, Image.Resampling.BICUBIC)
    if colour:
        return (np.asarray(resized) / 255).astype(np.float32)
    return (np.asarray(resized.convert("L"))[..., None] / 255).astype(np.float32)


def _magnified(image: np.ndarray) -> np.ndarray:
    """Small images with each pixel a square."""
    return pictures.magnified(image, max(1, _WIDTH // max(image.shape[:2])))


def _costs(shape: tuple[int, int, int], count: int) -> None:
    """Parameters, values and multiplications at this size beside those of 28×28×1."""
    small, large = _cost((28, 28, 1), count), _cost(shape, count)
    rows = [("28×28×1", small), ("×".join(map(str, shape)), large)]
    words = [{"": size} | {name: f"{value:,}" for name, value in row.items()} for size, row in rows]
    ratio = {"": "ratio"} | {name: f"{large[name] / small[name]:,.4g}" for name in small}
    st.subheader(f"A layer with {count} filters of 3×3, or {count} dense units, on this image", anchor=False)
    st.table(pd.DataFrame([*words, ratio]).set_index("").T, width="content")
    note(
        "With padding “same”, a map has one value for each pixel; for each of them a filter takes 3·3·channels "
        "multiplications. A dense unit has a weight for each value of the image."
    )


def _cost(shape: tuple[int, int, int], count: int) -> dict[str, int]:
    height, width, channels = shape
    weights = geometry.convolution_parameters(3, channels, count, bias=False)
    return {
        "values of the image": height * width * channels,
        "parameters of the convolution": geometry.convolution_parameters(3, channels, count),
        "parameters of the dense layer": geometry.dense_parameters(height * width * channels, count),
        "values of the maps": height * width * count,
        "multiplications of the convolution": height * width * weights,
    }

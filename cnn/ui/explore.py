"""The parts of the Explore page: tiled maps of a layer, one map large with its kernel, the kernels of a layer."""

import numpy as np
import streamlit as st

from cnn import figures
from cnn.activations import Kernels, source_filter
from cnn.config import CLASS_NAMES
from cnn.layers import Row
from cnn.ui import shell
from cnn.ui.inputs import Picture

_NO_BAR = {"displayModeBar": False}
_NUMBERS_UP_TO = 7  # edge of a kernel whose weights are also written as numbers


def answer(picture: Picture, probabilities: np.ndarray) -> None:
    """The picture as the network sees it, and its answer in a line."""
    best = int(probabilities.argmax())
    st.image(
        picture.pixels(),
        caption=f"{shell.plain(picture.title)}, as the network sees it",
        alt=f"{picture.title}: 28 by 28 grey pixels, bright garment on black.",
    )
    truth = "" if picture.label is None else f" · in truth: {CLASS_NAMES[picture.label]}"
    st.markdown(f"**{CLASS_NAMES[best]}** with confidence {probabilities[best]:.1%}{truth}")


def scale_choice() -> str:
    return st.segmented_control(
        "One colour scale for",
        figures.RANGES,
        default=figures.RANGES[0],
        required=True,
        key="scale",
        persist_state="session",
        help="A scale for each map shows faint detail; a common one shows which maps are strong.",
    )


@st.fragment
def feature_maps(rows: list[Row], outputs: dict[str, np.ndarray], kernels: list[Kernels], scale: str) -> None:
    """One layer's maps as a tile; the chosen one large, with the kernel it came from beside it."""
    spatial = [row for row in rows if len(row.output_shape) == 3 and row.type != "Dropout"]
    if not spatial:
        st.info("This network has no feature maps: it goes from the pixels straight to dense layers.")
        return
    names = {row.name: f"{row.name} · {figures.shape_text(row.output_shape)}" for row in spatial}
    with st.container(horizontal=True):
        layer = st.selectbox(
            "Layer",
            list(names),
            format_func=lambda name: names.get(name, name),
            key="map_layer",
            persist_state="session",
            width=320,
        )
        maps = outputs[layer]
        count = maps.shape[-1]
        key = f"map-{layer}"
        chosen = st.number_input("Map", 1, count, key=key, width=160) - 1
    range_ = _range(scale, maps, [outputs[row.name] for row in spatial])
    signed = bool((maps if range_ is None else np.array(range_)).min() < 0)
    silent = int((np.abs(maps).max(axis=(0, 1)) == 0).sum())
    chart = f"tile-{layer}"
    st.plotly_chart(
        figures.clickable_tile(
            figures.tile(maps, range_, signed), count, chosen, [f"map {i + 1}" for i in range(count)]
        ),
        key=chart,
        on_select=lambda: _pick(chart, key),
        selection_mode="points",
        config=_NO_BAR,
        alt=f"The {count} feature maps of {layer}, in a grid; map {chosen + 1} is marked.",
    )
    zeros = f" {silent} of them are zero everywhere in this picture." if silent else ""
    st.caption(f"The {count} maps of {layer}. {_colours(signed)}{zeros} Click one, or choose its number.")
    one = maps[..., chosen]
    map_column, kernel_column = st.columns(2, gap="large")
    with map_column:
        st.markdown(f"**Map {chosen + 1} of {layer}**")
        st.plotly_chart(
            figures.heatmap(
                one, range_ or figures.value_range(one, signed), show_numbers=one.shape[0] <= _NUMBERS_UP_TO
            ),
            key=f"large-{layer}",
            config=_NO_BAR,
            alt=f"Map {chosen + 1} of {layer} as a heat map, values from {one.min():.3f} to {one.max():.3f}.",
        )
        st.caption(f"Lowest {one.min():.3f}, mean {one.mean():.3f}, highest {one.max():.3f}; the values show on hover.")
    with kernel_column:
        source = source_filter(rows, layer, chosen)
        if source is None:
            st.caption("No convolution stands before this layer.")
            return
        _one_kernel(next(k for k in kernels if k.layer == source[0]), source[1])


def _colours(signed: bool) -> str:
    """What the colours of a picture mean."""
    if signed:
        return "Violet is positive, orange negative, white zero."
    return "Yellow is the highest value, dark blue the lowest."


def _range(scale: str, layer: np.ndarray, network: list[np.ndarray], signed: bool = False) -> figures.Range | None:
    """The common range of the chosen colour scale; None where each map has its own."""
    match scale:
        case "the layer":
            return figures.value_range(layer, signed)
        case "the whole network":
            return figures.value_range(np.concatenate([values.ravel() for values in network]), signed)
    return None


def _pick(chart: str, key: str) -> None:
    points = st.session_state[chart].selection.points
    if points:
        st.session_state[key] = int(points[0]["customdata"]) + 1


def _one_kernel(kernels: Kernels, index: int) -> None:
    """All weights of one filter: a kernel for each input channel."""
    weights = kernels.weights[..., index]
    size, _, channels = weights.shape
    st.markdown(f"**Its kernel: filter {index + 1} of {kernels.layer}**, bias {kernels.bias[index]:+.4f}")
    channel = 0
    if channels > 1:
        channel = st.number_input(f"Input channel (of {channels})", 1, channels, key="kernel_channel", width=200) - 1
    st.plotly_chart(
        figures.heatmap(
            weights[..., channel], figures.value_range(weights, signed=True), 340, show_numbers=size <= _NUMBERS_UP_TO
        ),
        key="large-kernel",
        config=_NO_BAR,
        alt=f"The {size} by {size} weights of filter {index + 1} of {kernels.layer} for input channel {channel + 1}.",
    )
    if channels > 1:
        st.image(
            figures.tile(weights, figures.value_range(weights, signed=True), width=440, height=300).image,
            caption=f"The same filter's {channels} kernels, one for each input channel. {_colours(signed=True)}",
            alt=f"A grid of {channels} small kernels.",
        )


@st.fragment
def kernels(all_kernels: list[Kernels], scale: str) -> None:
    """All filters of one convolution, for one of its input channels."""
    if not all_kernels:
        st.info("This network has no convolution.")
        return
    by_layer = {k.layer: k for k in all_kernels}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        layer = st.selectbox("Convolution", list(by_layer), key="kernel_layer", persist_state="session", width=240)
        weights = by_layer[layer].weights
        size, _, channels, filters = weights.shape
        channel = 1
        if channels > 1:
            channel = st.number_input(f"Input channel (of {channels})", 1, channels, key=f"channel-{layer}", width=200)
    range_ = _range(scale, weights, [k.weights for k in all_kernels], signed=True)
    st.image(
        figures.tile(weights[:, :, channel - 1], range_, signed=True).image,
        caption=f"The {filters} kernels of {layer}, {size}×{size} weights each; input channel {channel} of {channels}. "
        + _colours(signed=True),
        alt=f"A grid of {filters} kernels of {layer}.",
    )

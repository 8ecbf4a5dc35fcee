"""Feature map and ReLU: all sums of one filter before and after the activation, and through five others."""

from typing import NamedTuple

import keras
import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn import charts
from cnn.config.layers import AnyConvolution
from cnn.networks.forward import PREACTIVATION
from cnn.runs import Run
from cnn.ui import figures, state
from cnn.ui.components import pixels
from cnn.ui.explore.written_out import activation_latex, called, tex
from cnn.ui.learn import controls, maps
from cnn.ui.learn.given import Given
from cnn.ui.learn.prose import note, say
from cnn.ui.models import Network
from cnn.ui.predict import pictures

_ACTIVATIONS = ("linear", "relu", "leaky_relu", "gelu", "tanh", "sigmoid")
_DOES = {
    "linear": "This layer has no activation, so they stay as they are.",
    "relu": "ReLU sets them to zero and keeps the others.",
    "leaky_relu": "Leaky ReLU multiplies them by 0.2 and keeps the others.",
    "relu6": "ReLU6 makes them zero, and whatever is above 6 becomes 6.",
    "silu": "SiLU multiplies each value by its sigmoid, so that only a little is left of them.",
    "hard_silu": "Hard SiLU makes them zero up to −3, and a little is left of those between −3 and 0.",
    "hard_sigmoid": "Hard sigmoid brings every value to a number from 0 to 1: these become less than a half.",
    "gelu": "GELU brings them close to zero, the most negative ones closest.",
    "tanh": "Tanh keeps the signs and maps all values to between −1 and 1.",
    "sigmoid": "Sigmoid maps all values to between 0 and 1, the negative ones to below 0.5.",
}
_TOGETHER, _EACH = "all six", "each map"
_SMALL = 120  # screen pixels of a small map


class Stage(NamedTuple):
    """A convolution. before, after: the names of the values around its activation."""

    before: str
    after: str
    activation: str
    normalised: bool


def show(run: Run, network: Network, on: Given, below: DeltaGenerator) -> None:
    """Draw the lesson."""
    run, network, seen = maps.with_convolution(run, network, on.picture)
    stages = _stages(run)
    values = maps.values(run, network, seen)
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        layer = controls.menu("relu_layer", "Convolution", list(stages))
    stage = stages[layer]
    count, telling = values[stage.before].shape[-1], _telling(values[stage.before]) + 1
    with right:
        number = maps.number(state.RELU_MAP, f"Map, 1 to {count}", count, telling, of=(run.id, layer))
    z, a = values[stage.before][..., number - 1], values[stage.after][..., number - 1]
    after_all = {name: _applied(name, z) for name in _shown(stage.activation)}
    count = "six" if len(after_all) == len(_ACTIVATIONS) else "seven"
    with below:
        st.subheader(f"The same values through {count} activations", anchor=False)
        _six(after_all, stage.activation)
        curves = st.container()
        st.subheader(f"One value through all {count}", anchor=False)
        choice, formulas = st.columns([1, 2], gap="large")
        with choice:
            row, column = _place(z, (run.id, layer))
        with formulas:
            _written(after_all, float(z[row, column]), row, column)
        with curves:
            _curves(z, float(z[row, column]), list(after_all))
    _large(stage, z, a, (row, column), f"map {number} of {layer}")


def _stages(run: Run) -> dict[str, Stage]:
    """The network's convolutions by their names."""
    found = {}
    configured = dict(enumerate(run.config.layers))  # all but the output layer
    for block in maps.blocks(run):
        layer = configured.get(block[0].layer)
        if isinstance(layer, AnyConvolution):
            normalised = len(block) > 1
            before = block[1].name if normalised else block[0].name + PREACTIVATION
            found[block[0].name] = Stage(before, block[-1].name, layer.activation, normalised)
    return found


def _telling(sums: np.ndarray) -> int:
    """The map (of h, w, n) of which there is much on both sides of zero."""
    positive, negative = (np.linalg.norm(side, axis=(0, 1)) for side in (sums.clip(min=0), sums.clip(max=0)))
    return int(np.minimum(positive, negative).argmax())


def _place(z: np.ndarray, of: tuple[str, str]) -> tuple[int, int]:
    """Row and column of the value in view, at first of one about half as low as the lowest."""
    first = np.unravel_index(np.abs(z - min(0.0, float(z.min())) / 2).argmin(), z.shape)
    chosen = []
    with st.container(horizontal=True):
        for key, label, index, size in zip(
            (state.RELU_ROW, state.RELU_COLUMN), ("Row", "Column"), first, z.shape, strict=True
        ):
            chosen.append(maps.number(key, f"{label}, 1 to {size}", size, int(index) + 1, of) - 1)
    return chosen[0], chosen[1]


def _applied(name: str, z: np.ndarray) -> np.ndarray:
    """What an activation makes of values, by Keras."""
    return np.asarray(keras.activations.get(name)(keras.ops.convert_to_tensor(z)))


# ---------------------------------------------------------------- before and after


def _large(stage: Stage, z: np.ndarray, a: np.ndarray, chosen: tuple[int, int], name: str) -> None:
    """The map before and after its own activation, and what of it is negative, on one scale."""
    range_ = charts.value_range(np.concatenate([z, a]), signed=True)
    own = called(stage.activation)
    goes_in = "the normalised sums z" if stage.normalised else "the sums z"
    parts = (
        ("before", f"Before: {goes_in}", z),
        ("after", f"After: {own if stage.activation != 'linear' else 'no activation'}", a),
        ("negative", "The negative part of z", z.clip(max=0)),
    )
    for column, (key, title, values) in zip(st.columns(3, gap="small"), parts, strict=True):
        with column:
            st.markdown(f"**{title}**")
            pixels.show(
                values,
                range_,
                key=f"relu_{key}",
                label=f"{title}, {name}: {z.shape[0]} by {z.shape[1]} values from {values.min():.4g} to "
                f"{values.max():.4g}.",
                chosen=chosen,
                on_pick=_pick,
            )
    say(f"**{(z < 0).mean():.1%} of the {z.size} values are negative.** {_DOES[stage.activation]}")
    normalised = (
        " Batch normalisation scales and shifts the sums of each map before they reach the activation."
        if stage.normalised
        else ""
    )
    note(
        f"{name[0].upper()}{name[1:]}, from {z.min():.4g} to {z.max():.4g} before and from {a.min():.4g} to "
        f"{a.max():.4g} after. All three share one scale: violet is positive, orange negative, white zero. Click a "
        f"value, or choose it with the arrow keys and Enter, to see it written out below.{normalised}"
    )


def _pick(row: int, column: int) -> None:
    st.session_state[state.RELU_ROW], st.session_state[state.RELU_COLUMN] = row + 1, column + 1


# ---------------------------------------------------------------- six activations


def _six(after_all: dict[str, np.ndarray], own: str) -> None:
    """The map through each activation, small."""
    together = controls.choice("relu_scale", "Normalise colours over", [_TOGETHER, _EACH]) == _TOGETHER
    common = charts.value_range(np.stack(list(after_all.values())), signed=True)
    with st.container(horizontal=True, gap="small"):
        for name, values in after_all.items():
            colours = charts.coloured(values, common if together else charts.value_range(values))
            words = f"{values.min():.3g} to {values.max():.3g}"
            mark = ", this layer" if name == own else ""
            with st.container(width=_SMALL, gap="xsmall"):
                st.image(
                    pictures.magnified(colours, -(-2 * _SMALL // max(values.shape))),
                    width=_SMALL,
                    alt=f"The map after {called(name)}, values from {words}.",
                )
                st.caption(f"**{called(name)}**{mark}  \n{words}")
    note(
        "The map after each activation, with its lowest and highest value. "
        + (
            "Violet is positive, orange negative, white zero, on one scale."
            if together
            else "Each has its own scale: violet is positive, orange negative, white zero; where nothing is "
            "negative, yellow is the highest value and dark blue the lowest."
        )
    )


def _shown(own: str) -> list[str]:
    """The activations to compare: the usual ones and the layer's own."""
    return list(dict.fromkeys([*_ACTIVATIONS, own]))


def _curves(z: np.ndarray, chosen: float, names: list[str]) -> None:
    """The activations as functions, over the map's values."""
    low, high = min(float(z.min()), -3.0), max(float(z.max()), 3.0)
    x = np.linspace(low, high, 241).astype(np.float32)
    points = np.append(x, np.float32(chosen))
    curves = {called(name): _applied(name, points) for name in names}
    figures.show(
        charts.activations(points[:-1], curves, z, chosen),
        key="relu_curves",
        title="The activations as functions",
        alt=f"The activations as curves from {low:.3g} to {high:.3g} over a histogram of the map's values; "
        f"the value {chosen:.3g} is marked.",
    )
    note(
        f"The input z runs from left to right, the output a upwards. The bars are a histogram of the {z.size} values "
        "of the map; the dots mark the value that is written out below."
    )


def _written(after_all: dict[str, np.ndarray], z: float, row: int, column: int) -> None:
    """One value through each activation, with numbers."""
    for name, values in after_all.items():
        value = float(values[row, column]) + 0.0  # no minus before a zero
        st.markdown(f"$a = z = {tex(z)}$" if name == "linear" else f"${activation_latex(name, z, value)}$")
    note(
        r"$\Phi(z)$ is the probability that a standard normal variable is below z. Below zero, leaky ReLU has a slope "
        "of 0.2."
    )

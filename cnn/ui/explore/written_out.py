"""How one value of a layer is computed, written out with its numbers, which `cnn.interpret.arithmetic` has found."""

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from cnn import charts
from cnn.config import counted
from cnn.config.geometry import padding_before
from cnn.config.layers import CONVOLUTIONS
from cnn.interpret.arithmetic import (
    Activated,
    Added,
    Copied,
    Multiplied,
    Normalised,
    Pooled,
    Rescaled,
    WeightedSum,
    Working,
    origin,
    working,
)
from cnn.networks.forward import INPUT
from cnn.ui import links, shell, state
from cnn.ui.components import pixels, sheet
from cnn.ui.components.sheet import Strip
from cnn.ui.explore.model_view import ModelView

Go = Callable[..., None]
_SIZE = 250  # screen pixels of a window
COLOURS = ("red", "green", "blue")  # of the three channels of an image, in this order


def show(now: ModelView, layer: str, channel: int, where: tuple[int, ...], go: Go) -> None:
    """Write out one value.

    Args:
        layer: its layer's name. channel: its map or unit. where: (row, column) in the map, () in a vector.
        go: opens (layer, map, row, column): what was clicked among the numbers that go into the value.
    """
    forward = now.network.forward
    place = (*where, channel)
    takes = forward.takes(layer)
    inputs = [now.image.seen.pixels if name == INPUT else now.values[name] for name in takes]
    found = working(forward.layer(layer), inputs, place, now.weights.get(layer))

    def back(source: str, channel: int, row: int | None = None, column: int | None = None) -> None:
        """Open what went into the value; what flatten and dropout only pass on, where it was made."""
        name, there = origin(forward, source, (channel,) if row is None else (row, column, channel))
        if name != INPUT:
            go(name, there[-1], *there[:-1])

    source = takes[found.taken] if isinstance(found, Copied) else takes[0]
    _written(now, layer, place, found, source, back)
    keras = float(now.values[layer][place])
    st.caption(
        f"In 64 bits here: {found.value:.7g}. By the network, in 32 bits: {keras:.7g}. "
        f"Difference {abs(found.value - keras):.1e}."
    )


def _written(now: ModelView, layer: str, place: tuple[int, ...], found: Working, source: str, go: Go) -> None:
    match found:
        case WeightedSum():
            _weighted_sum(now, layer, place, found, source, go)
        case Pooled():
            _pooled(layer, place, found, source, go)
        case Normalised():
            st.markdown("Batch normalisation, with the running mean and variance from training:")
            st.latex(
                r"y = \gamma\,\frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta = "
                rf"{tex(found.gamma)} \cdot \frac{{{tex(found.x)} - {tex_term(found.mean)}}}"
                rf"{{\sqrt{{{tex(found.variance)} + {tex(found.epsilon)}}}}} + {tex_term(found.beta)} = "
                rf"{tex(found.value)}"
            )
        case Activated():
            st.markdown(f"The activation, {called(found.activation)}, of the value at the same place in {source}:")
            st.latex(activation_latex(found.activation, found.x, found.value))
        case Added():
            st.markdown("A skip connection adds the values at the same place of its two branches:")
            st.latex(rf"{' + '.join(map(tex_term, found.terms))} = {tex(found.value)}")
        case Multiplied():
            gate = now.network.forward.takes(layer)[1]
            st.markdown(
                f"Squeeze and excite multiplies the value at the same place of map {place[-1] + 1} of {source} by this "
                f"map's factor, a value of {gate}:"
            )
            value, factor = map(tex_term, found.factors)
            st.latex(rf"{value} \cdot {factor} = {tex(found.value)}")
            st.button(
                f"Back to {gate}",
                icon=":material/arrow_back:",
                key="walk_back_factor",
                on_click=go,
                args=(gate, found.places[1][-1], *found.places[1][:-1]),
            )
        case Rescaled():
            what = "The pixel in this channel" if source == INPUT else f"The value at the same place of {source}"
            st.markdown(f"{what}, brought to the range that the network expects:")
            st.latex(rf"{tex(found.scale)} \cdot {tex_term(found.x)} + {tex_term(found.offset)} = {tex(found.value)}")
        case Copied():
            st.markdown(f"A skip connection concatenates maps: this one is map {found.place[-1] + 1} of {source}.")
            place = found.place
    if isinstance(found, Normalised | Activated | Added | Multiplied | Rescaled | Copied) and source != INPUT:
        st.button(
            f"Back to {source}",
            icon=":material/arrow_back:",
            key="walk_back",
            on_click=go,
            args=(source, place[-1], *place[:-1]),
        )


def _weighted_sum(now: ModelView, layer: str, place: tuple[int, ...], found: WeightedSum, source: str, go: Go) -> None:
    per_channel, spatial = found.per_channel, len(place) == 3
    if spatial:
        _formula(now, layer, place)
    channel = _channel(per_channel) if spatial else None
    colours = colours_of(now, source) if spatial else ()
    if len(per_channel) > 1:
        _contributions(found, source, channel, go, colours)
    if channel is not None:
        _window(found, channel, source, go, colours)
    total = per_channel.sum()
    kinds = "inputs" if not spatial else "input channels"
    name = rf"z_{{{','.join(str(index + 1) for index in place)}}}"
    st.markdown(
        f"The bias and what the {len(per_channel):,} {kinds} add up to:" if len(per_channel) > 1 else "With the bias:"
    )
    st.latex(rf"{name} = {tex(found.bias)} + {tex_term(total)} = {tex(found.total)}")
    if found.all_sums is not None:
        _softmax(found, place[-1], now.class_names)
    elif found.activation != "linear":
        st.latex(activation_latex(found.activation, found.total, found.value))


def _formula(now: ModelView, layer: str, place: tuple[int, ...]) -> None:
    """The convolution's formula, and where this window lies."""
    convolution = now.network.forward.layer(layer)
    source = now.network.forward.takes(layer)[0]
    size = (now.image.seen.pixels if source == INPUT else now.values[source]).shape
    kernel, stride, dilation = convolution.kernel_size, convolution.strides, convolution.dilation_rate
    before = [padding_before(size[a], kernel[a], stride[a], convolution.padding, dilation[a]) for a in (0, 1)]
    st.latex(rf"z_{{i,j,k}} = {CONVOLUTIONS[type(convolution).__name__].formula}")
    st.caption(
        f"i' = i·{stride[0]} − {before[0]} + u·{dilation[0]} and j' = j·{stride[1]} − {before[1]} + v·{dilation[1]}: "
        f"stride {stride[0]}, padding “{convolution.padding}” with {counted(before[0], 'zero')} in front, "
        f"dilation {dilation[0]}, counted from 0. Rows and columns on this page are counted from 1."
    )


def colours_of(now: ModelView, source: str) -> tuple[str, ...]:
    """What the channels of a value are called where they are an image's colours, as it came or rescaled; else none."""
    forward = now.network.forward
    if source != INPUT and type(forward.layer(source)).__name__ == "Rescaling":
        source = forward.takes(source)[0]
    return COLOURS if source == INPUT and forward.model.input_shape[-1] == len(COLOURS) else ()


def _contributions(found: WeightedSum, source: str, channel: int | None, go: Go, colours: tuple[str, ...]) -> None:
    """What each input channel adds, as bars; `channel`: the one in view, None where they are units."""
    per_channel, spatial = found.per_channel, channel is not None
    what = "channel" if spatial else "unit"
    names = colours or [f"{what} {index + 1}" for index in range(len(per_channel))]

    def picked(_: int, clicked: int | None) -> None:
        if clicked is not None and spatial:
            st.session_state[state.INPUT_CHANNEL] = clicked + 1
        elif clicked is not None:
            go(source, clicked)

    sheet.show(
        [
            Strip(
                charts.bars(per_channel),
                [f"{name} adds {value:+.5f}" for name, value in zip(names, per_channel, strict=True)],
                range(len(per_channel)),
                chosen=() if channel is None else [channel],
            )
        ],
        key="contributions",
        label=f"What each of {counted(len(per_channel), 'input')} adds to the value.",
        on_pick=picked,
    )
    top = np.argsort(-np.abs(per_channel))[:3]
    listed = colours or range(1, len(per_channel) + 1)
    words = ", ".join(f"{listed[index]} ({per_channel[index]:+.4f})" for index in top)
    st.caption(
        f"What each {what} of {'the image' if source == INPUT else source} adds, as a bar; the largest: {words}."
        + (" A click on a bar shows its numbers." if spatial else " A click on a bar opens its unit.")
    )


def _channel(per_channel: np.ndarray) -> int:
    """Choose the input channel in view, at first the one that adds the most."""
    if len(per_channel) == 1:
        return 0
    strongest = int(np.abs(per_channel).argmax())
    if not st.session_state.get(state.INPUT_CHANNEL, 1):
        st.session_state[state.INPUT_CHANNEL] = strongest + 1
    return links.number(state.INPUT_CHANNEL, "Input channel", 1, len(per_channel), strongest + 1, width=160) - 1


def _window(found: WeightedSum, channel: int, source: str, go: Go, colours: tuple[str, ...]) -> None:
    """Window, kernel and products of one input channel, as numbers."""
    window = found.window
    called = "the image" if source == INPUT else f"map {window.channels[channel] + 1} of {source}"
    if colours:
        called = f"the image, {colours[window.channels[channel]]}"

    def opened(row: int, column: int) -> None:
        if window.inside[row, column] and source != INPUT:
            go(source, int(window.channels[channel]), int(window.rows[row]), int(window.columns[column]))

    parts = (
        ("window", f"Window of {called}", window.values[..., channel], opened if source != INPUT else None),
        ("window_kernel", "× kernel", found.kernel[..., channel], None),
        ("window_products", "= products", found.products[..., channel], None),
    )
    for column, (key, title, values, on_pick) in zip(st.columns(3), parts, strict=True):
        with column:
            st.markdown(f"**{title}**")
            pixels.show(
                values,
                charts.value_range(values, signed=True),
                key=key,
                label=f"{title}, {values.shape[0]} by {values.shape[1]} numbers.",
                on_pick=on_pick,
                size=_SIZE,
            )
    outside = int((~window.inside).sum())
    lie = f"{outside} of the window's {counted(window.inside.size, 'place')} {'lies' if outside == 1 else 'lie'}"
    padding = f" {lie} in the padding: zeros." if outside else ""
    back = " A click in the window opens the value that it shows." if source != INPUT else ""
    st.caption(
        f"Rows {window.rows[0] + 1} to {window.rows[-1] + 1}, columns {window.columns[0] + 1} to "
        f"{window.columns[-1] + 1}. The products of this channel add up to {found.per_channel[channel]:+.5f}."
        f"{padding}{back}"
    )


def _pooled(layer: str, place: tuple[int, ...], found: Pooled, source: str, go: Go) -> None:
    window = found.window
    across = len(window.channels) > 1
    values = window.values[0] if across else window.values[..., 0]
    row, column, channel = found.winner
    what = "group of maps" if across else "window"
    st.markdown(f"The {'largest' if found.mode == 'max' else 'mean'} value of a {what} of {source}:")

    def opened(r: int, c: int) -> None:
        at = (0, 0, c) if across else (r, c, 0)
        if window.inside[at[:2]]:
            go(source, int(window.channels[at[2]]), int(window.rows[at[0]]), int(window.columns[at[1]]))

    marked = ((0, channel) if across else (row, column)) if found.mode == "max" else None
    pixels.show(
        values,
        charts.value_range(values),
        key="pooled_window",
        label=f"The {counted(values.size, 'value')} that {'is' if values.size == 1 else 'are'} pooled.",
        chosen=marked,
        on_pick=opened,
        size=min(420, max(60, 60 * values.shape[1])),
    )
    count = int(window.inside.sum()) * len(window.channels)
    if found.mode == "max":
        shown = values.ravel() if across else values[window.inside]
        listed = ",\\,".join(map(tex, shown)) if shown.size <= 16 else r"\ldots"
        st.latex(rf"\max\{{{listed}\}} = {tex(found.value)}")
    else:
        st.latex(rf"\frac{{1}}{{{count}}} \cdot {tex_term(float(values[window.inside].sum()))} = {tex(found.value)}")
    overhang = int((~window.inside).sum())
    do = "overhangs the border and does" if overhang == 1 else "overhang the border and do"
    note = f" {counted(overhang, 'place')} {do} not count." if overhang else ""
    st.caption(f"{counted(count, 'value')}; a click opens the one that it shows.{note} {_tells(found)}")


def _tells(found: Pooled) -> str:
    if found.mode != "max":
        return ""
    row, column, channel = found.winner
    if len(found.window.channels) > 1:
        return f"The largest is in map {found.window.channels[channel] + 1}."
    return f"The largest is in row {found.window.rows[row] + 1}, column {found.window.columns[column] + 1}."


def _softmax(found: WeightedSum, unit: int, class_names: Sequence[str]) -> None:
    sums = found.all_sums
    names = class_names if len(sums) == len(class_names) else [str(index + 1) for index in range(len(sums))]
    st.markdown("The softmax compares it with the sums of the other classes:")
    st.latex(
        rf"p = \frac{{e^{{{tex(sums[unit])}}}}}{{\sum_c e^{{z_c}}}} = "
        rf"\frac{{{tex(np.exp(sums[unit] - sums.max()))}}}{{{tex(np.exp(sums - sums.max()).sum())}}} = "
        rf"{tex(found.value)}"
    )
    shown = charts.most_probable(sums, unit)
    logits = " · ".join(f"{shell.plain(names[index])} {sums[index]:.3f}" for index in shown)
    which = "The logits" if len(shown) == len(sums) else f"The highest of {len(sums)} logits, and this one"
    st.caption(f"{which}: {logits}. Both sides of the fraction are divided by e to the power of the largest of them.")


# ---------------------------------------------------------------- numbers and functions in LaTeX


def tex(value: float) -> str:
    """A number with five significant digits."""
    text = f"{value:.5g}"
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    return rf"{mantissa}\cdot 10^{{{int(exponent)}}}"


def tex_term(value: float) -> str:
    """The same as a term of a sum: in brackets if it is negative."""
    return f"({tex(value)})" if value < 0 else tex(value)


_CALLED = {
    "relu": "ReLU",
    "relu6": "ReLU6",
    "leaky_relu": "leaky ReLU",
    "gelu": "GELU",
    "silu": "SiLU",
    "hard_silu": "hard SiLU",
    "hard_sigmoid": "hard sigmoid",
}


def called(activation: str) -> str:
    """An activation's name as people write it."""
    return _CALLED.get(activation, activation)


def activation_latex(name: str, x: float, value: float) -> str:
    """An activation of one value."""
    formulas = {
        "relu": rf"\max(0,\ {tex(x)})",
        "leaky_relu": rf"\max({tex_term(x)},\ 0.2\cdot {tex_term(x)})",
        "tanh": rf"\tanh({tex(x)})",
        "sigmoid": rf"\frac{{1}}{{1 + e^{{-{tex_term(x)}}}}}",
        "relu6": rf"\min(\max(0,\ {tex(x)}),\ 6)",
        "silu": rf"\frac{{{tex(x)}}}{{1 + e^{{-{tex_term(x)}}}}}",
        "hard_sigmoid": rf"\min\left(\max\left(0,\ \frac{{{tex(x)} + 3}}{{6}}\right),\ 1\right)",
        "hard_silu": rf"{tex_term(x)} \cdot \min\left(\max\left(0,\ \frac{{{tex(x)} + 3}}{{6}}\right),\ 1\right)",
        "gelu": rf"{tex_term(x)} \cdot \Phi({tex(x)})",
        "linear": tex(x),
    }
    return rf"a = \text{{{called(name)}}}(z) = {formulas.get(name, rf'f({tex(x)})')} = {tex(value)}"

"""From maps to classes: an image on its way through the head of the network, softmax, cross-entropy and dropout."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
import streamlit as st
from keras import layers as kl
from streamlit.delta_generator import DeltaGenerator

from cnn import charts
from cnn.lessons import classifier
from cnn.networks.forward import INPUT, PREACTIVATION
from cnn.runs import Run
from cnn.ui import figures, shell, state
from cnn.ui.components import pixels, sheet
from cnn.ui.components.sheet import Strip
from cnn.ui.explore import feature_maps
from cnn.ui.explore.written_out import called, tex, tex_term
from cnn.ui.learn import controls, maps
from cnn.ui.learn.given import Given
from cnn.ui.learn.maps import number
from cnn.ui.learn.prose import note, say
from cnn.ui.models import Network
from cnn.ui.predict.pictures import Picture

_OWN = "the label of the image"  # true class
_DRAWS = 100
_LARGE_BARS = 40  # logits that are drawn large, at most
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LAST_DRAW = 9999
_FRAME = (0xD5, 0x5E, 0x00)  # what is chosen, as in `cnn.ui.components.sheet`

Values = dict[str, np.ndarray]


class Head(NamedTuple):
    """The end of a network. maps: the last values with rows and columns. bridge: what makes a vector of them.

    dense: the dense layers behind it, the output layer left out. vector: what goes into the output layer.
    """

    maps: str
    bridge: str
    dense: tuple[str, ...]
    vector: str


def show(run: Run, network: Network, on: Given, below: DeltaGenerator) -> None:
    """Draw the lesson."""
    picture = on.picture
    values = {INPUT: picture.seen.pixels, **maps.values(run, network, picture.seen.pixels)}
    names = run.config.data.card.class_names
    head = _head(network, values)
    _way(network, picture, values, head, of=(run.id, head.maps))
    weights = network.weights[network.forward.output]
    vector = values[head.vector].astype(np.float64)
    logits = classifier.logits(vector, *weights)
    with below:
        st.subheader("Softmax and cross-entropy", anchor=False)
        temperature, true = _settings(picture, logits, run)
        _softmax(logits, temperature, true, names)
        st.subheader("Dropout", anchor=False)
        _dropout(vector, weights, temperature, true, head.vector, names)


def _head(network: Network, values: Values) -> Head:
    forward = network.forward
    bridge = next(name for name in forward.names if values[name].ndim == 1)
    behind = forward.names[forward.names.index(bridge) : -1]
    dense = tuple(name for name in behind if isinstance(forward.layer(name), kl.Dense))
    return Head(forward.takes(bridge)[0], bridge, dense, forward.takes(forward.output)[0])


# ---------------------------------------------------------------- from the last maps to the logits


def _way(network: Network, picture: Picture, values: Values, head: Head, of: Hashable) -> None:
    last_maps, vector, forward = values[head.maps], values[head.bridge], network.forward
    count = last_maps.shape[-1]
    flat = isinstance(forward.layer(head.bridge), kl.Flatten)
    chosen = None
    if head.maps == INPUT:
        st.info(
            "This network has no convolution: the image itself becomes the vector. The runs Lecture and Wardrobe have "
            "maps.",
            icon=":material/info:",
        )
    with st.container(horizontal=True, gap="medium"):
        st.image(
            picture.input_within(140),
            alt=f"{picture.title} as the network gets it: {picture.input_in_words}.",
        )
        if head.maps != INPUT and count > 1:
            chosen = _followed(last_maps, of)
    if count > 1:
        _maps(last_maps, head.maps, chosen)
    if flat:
        _flattened(vector, last_maps.shape, chosen)
    else:
        _pooled(vector, last_maps, forward.layer(head.bridge), chosen)
    strips = [
        _strip(values[name], f"{name} · {len(values[name])} units, {called(forward.layer(name).activation.__name__)}")
        for name in head.dense
    ]
    logits = values[forward.output + PREACTIVATION]
    names, scale = picture.card.class_names, 4 if len(logits) <= _LARGE_BARS else 1
    strips.append(_strip(logits, f"{forward.output} · {len(logits)} logits, one for each class", names, scale=scale))
    sheet.show(strips, key="classes_strips", label="The values of the dense layers as bars.")
    note(
        "Each unit of a dense layer is a weighted sum of all values before it. A bar is one unit: upwards if its value "
        "is positive, downwards if negative. The last layer makes the logits."
    )


def _followed(maps: np.ndarray, of: Hashable) -> int:
    """Choose one of the maps, the strongest at first, and see it large."""
    count, strongest = maps.shape[-1], int(np.abs(maps).sum(axis=(0, 1)).argmax()) + 1
    with st.container(width=170):
        chosen = number(state.CLASSES_MAP, f"Follow map, 1 to {count}", count, strongest, of) - 1
    with st.container(width=150):
        pixels.show(
            maps[..., chosen],
            charts.value_range(maps),
            key="classes_followed",
            label=f"Map {chosen + 1}, {maps.shape[0]} by {maps.shape[1]} values.",
            size=140,
        )
    return chosen


def _maps(maps: np.ndarray, name: str, chosen: int | None) -> None:
    height, width, count = maps.shape
    strip = Strip(
        charts.coloured_maps(charts.reduced(maps, 28), signed=bool(maps.min() < 0)),
        [f"map {index + 1}" for index in range(count)],
        range(count),
        f"{name} · {charts.shape_text(maps.shape)}",
        scale=max(1, round(15 / height)),
        chosen=() if chosen is None else [chosen],
        values=np.moveaxis(maps, -1, 0) if max(height, width) <= 28 else None,
    )
    sheet.show(
        [strip], key="classes_maps", label=f"The last {count} maps, {height} by {width} values each.", on_pick=_follow
    )


def _follow(_: int, map_: int | None) -> None:
    if map_ is not None:
        st.session_state[state.CLASSES_MAP] = map_ + 1


def _flattened(vector: np.ndarray, shape: tuple[int, ...], chosen: int | None) -> None:
    height, width, count = shape
    lines = (height * width, count) if count > 1 else (height, width)
    st.markdown(
        rf"**Flatten** lays them out as a vector of ${height} \cdot {width} \cdot {count} = {_grouped(len(vector))}$ "
        "values."
    )
    colours = charts.coloured(vector.reshape(lines), charts.value_range(vector))
    st.image(
        _stretched(colours, chosen),
        width="stretch" if count > 1 else 240,
        alt=f"The vector of {len(vector)} values in {lines[0]} lines.",
    )
    if chosen is None:
        note(f"The vector, split into {lines[0]} lines to fit here: line by line, as one reads.")
        return
    note(
        f"The vector, split into {lines[0]} lines to fit here; a line is one position of the maps, a column one map. "
        f"Row i, column j of map k (counted from 0) goes to index (i·{width} + j)·{count} + k, so the {height * width} "
        f"values of map {chosen + 1}, framed, go to the indices {_places(height * width, count, chosen)}. "
        f"{feature_maps.colours(bool(vector.min() < 0))}"
    )


def _stretched(colours: np.ndarray, chosen: int | None) -> np.ndarray:
    """Colours (lines, columns, 3) as an image about 1000 pixels wide, with a frame around one column."""
    lines, columns = colours.shape[:2]
    wide, high = max(1, round(1024 / columns)), max(1, round(126 / lines))
    if chosen is None:
        return colours.repeat(9, axis=0).repeat(9, axis=1)
    picture = colours.repeat(high, axis=0).repeat(wide, axis=1)
    for edge in (chosen * wide - 3, (chosen + 1) * wide):
        picture[:, max(0, edge) : max(0, edge + 3)] = _FRAME
    return picture


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", "{,}")


def _places(places: int, count: int, chosen: int) -> str:
    every = [f"{place * count + chosen:,}" for place in range(places)]
    return ", ".join(every) if len(every) <= 9 else ", ".join([*every[:3], "…", every[-1]])


def _pooled(vector: np.ndarray, maps: np.ndarray, layer: kl.Layer, chosen: int | None) -> None:
    mean = isinstance(layer, kl.GlobalAveragePooling2D)
    mode, size = "average" if mean else "max", maps.shape[0] * maps.shape[1]
    st.markdown(f"**Global {mode} pooling** keeps one number from each map, its {'mean' if mean else 'largest value'}.")
    strip = _strip(vector, f"{layer.name} · {len(vector)} values", chosen=chosen)
    sheet.show([strip], key="classes_vector", label=f"The vector of {len(vector)} values.", on_pick=_follow)
    if chosen is None:
        return
    values = maps[..., chosen]
    if mean:
        st.latex(rf"\frac{{1}}{{{size}}} \cdot {tex_term(float(values.sum(dtype=np.float64)))} = {tex(vector[chosen])}")
    else:
        st.latex(rf"\max = {tex(vector[chosen])}")
    note(f"The {size} values of map {chosen + 1} become value {chosen + 1} of the vector.")


def _strip(
    values: np.ndarray, caption: str, names: Sequence[str] = (), chosen: int | None = None, scale: int = 1
) -> Strip:
    """A vector as bars, three pixels each."""
    words = names or [f"unit {index + 1}" for index in range(len(values))]
    return Strip(
        charts.bars(values),
        [f"{word}: {value:.4g}" for word, value in zip(words, values, strict=True)],
        range(len(values)),
        caption,
        scale=scale,
        chosen=() if chosen is None else [chosen],
    )


# ---------------------------------------------------------------- softmax and cross-entropy


def _settings(picture: Picture, logits: np.ndarray, run: Run) -> tuple[float, int]:
    """The temperature and the true class."""
    names = run.config.data.card.class_names
    with st.container(horizontal=True, vertical_alignment="bottom"):
        temperature = controls.decimal(
            "classes_temperature", "Temperature T", 0.1, 10.0, 1.0, help="The logits are divided by it."
        )
        choice = controls.menu(
            "classes_true",
            "True class",
            [_OWN, *(name for name in names if name != _OWN)],
            help="An image without a label counts as what the network predicts.",
        )
    own = int(logits.argmax()) if picture.label is None else picture.label
    folded = " This network's logits have already been divided by a temperature after training (temperature scaling)."
    note(
        "A high temperature brings the probabilities closer together, a low one moves them apart; their order does not "
        "change." + folded * run.config.training.calibrate
    )
    return temperature, own if choice == _OWN else names.index(choice)


def _softmax(logits: np.ndarray, temperature: float, true: int, names: Sequence[str]) -> None:
    probabilities = classifier.softmax(logits, temperature)
    table, chart = st.columns([3, 2], gap="medium")
    with table:
        _table(logits, temperature, true, names)
    with chart:
        _bars(probabilities, true, "classes_bars", f"Probabilities at temperature {temperature:g}", names)
    powers = classifier.powers(logits, temperature)
    largest, p, loss = logits.max(), probabilities[true], float(classifier.cross_entropy(logits, true, temperature))
    terms = [_short(powers[index]) for index in charts.most_probable(powers, true)]
    terms += [r"\cdots"] * (len(terms) < len(powers))  # of many classes the largest, and the true one
    lines = [" + ".join(terms[start : start + 2]) for start in range(0, len(terms), 2)]
    listed = r" \\ &+ ".join(lines)
    probability, of = _near_one(p), rf"-\ln {_near_one(p)}"
    if p == 0:  # too small for 64 bits
        probability, of = rf"e^{{-{tex(loss)}}}", rf"\frac{{{tex(largest - logits[true])}}}{{{temperature:g}}} + \ln S"
    st.markdown(f"Written out for the true class, **{shell.plain(names[true])}**:")
    st.latex(
        rf"""\begin{{aligned}}
        p &= \frac{{e^{{z / T}}}}{{\sum_c e^{{z_c / T}}}}
        = \frac{{e^{{({tex(logits[true])} - {tex_term(largest)}) / {temperature:g}}}}}{{S}} \\[2ex]
        S &= {listed} \\
        &= {_near_one(powers.sum())} \\[2ex]
        p &= \frac{{{tex(powers[true])}}}{{{_near_one(powers.sum())}}} = {probability} \\[2ex]
        L &= -\ln p = {of} \\
        &= {tex(loss)}
        \end{{aligned}}"""
    )
    note(
        f"Numerator and denominator are divided by e to the power of the largest z/T; S is the sum of these powers. "
        f"L is the cross-entropy: 0 if the true class has probability 1, {np.log(len(logits)):.4f} for a random guess "
        f"among {len(logits)} classes."
    )


def _short(value: float) -> str:
    """A number with three significant digits, in LaTeX."""
    mantissa, _, exponent = f"{value:.3g}".partition("e")
    return rf"{mantissa}\cdot 10^{{{int(exponent)}}}" if exponent else mantissa


def _near_one(value: float) -> str:
    """A number with five significant digits, and so many of its distance to 1 where that is small."""
    distance = abs(value - 1)
    if not 1e-11 < distance < 0.1:
        return tex(value)
    return f"{value:.{4 - int(np.floor(np.log10(distance)))}f}"


def _table(logits: np.ndarray, temperature: float, true: int, names: Sequence[str]) -> None:
    powers, probabilities = classifier.powers(logits, temperature), classifier.softmax(logits, temperature)
    rows = [r"| | $z$ | $z/T$ | $e^{z/T}$ | $p$ |", "|:--|--:|--:|--:|--:|"]
    shown = charts.most_probable(probabilities, true)
    for index in shown:
        name = shell.plain(names[index]).replace("|", "&#124;")
        numbers = (f"{logits[index]:.3f}", f"{logits[index] / temperature:.3f}")
        cells = [number.replace("-", "−") for number in numbers]
        cells += [_plain(powers[index]), _plain(probabilities[index])]
        mark = f"**{name}** ✓" if index == true else name
        rows.append(f"| {' | '.join([mark, *cells])} |")
    shell.style(
        ".st-key-classes_table :is(td, th) { padding: 0.25rem 0.4rem; white-space: nowrap; font-size: 0.85rem; "
        "font-variant-numeric: tabular-nums }"
    )
    with st.container(key="classes_table"):
        st.markdown("\n".join(rows))
    some = "" if len(shown) == len(logits) else f"The most probable of {len(logits)} classes. "
    note(f"{some}Each power of e is divided by the largest one. That does not change p and keeps the numbers readable.")


def _plain(value: float) -> str:
    """A number with three significant digits, such as 6.79·10⁻⁷."""
    mantissa, _, exponent = f"{value:.3g}".partition("e")
    raised = str(int(exponent)).translate(_RAISED) if exponent else ""
    return f"{mantissa}·10{raised}" if exponent else mantissa


def _bars(probabilities: np.ndarray, true: int, key: str, title: str, names: Sequence[str]) -> None:
    best = int(probabilities.argmax())
    figures.show(
        charts.probabilities(probabilities, names, true=true),
        key=key,
        title=title,
        alt=f"{title}: {names[best]} has the highest, {probabilities[best]:.1%}; "
        f"the true class {names[true]} has {probabilities[true]:.1%}.",
    )


# ---------------------------------------------------------------- dropout


def _dropout(
    vector: np.ndarray,
    weights: Sequence[np.ndarray],
    temperature: float,
    true: int,
    name: str,
    names: Sequence[str],
) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        rate = controls.decimal("classes_rate", "Dropout rate r", 0.0, 0.9, 0.0, 0.05, help="0: nothing is dropped.")
        draw = controls.number(state.CLASSES_DRAW, "Random seed", 1, _LAST_DRAW, 1, help="Each seed drops other units.")
        with controls.place("classes_again", "The button “Drop again”", (state.CLASSES_DRAW,)):
            st.button(
                "Drop again", icon=":material/casino:", key="classes_again", on_click=_again, args=(draw,),
                disabled=rate == 0,
            )  # fmt: skip
    if rate == 0:
        note(
            f"When a network predicts, nothing is dropped. Raise the rate to see what dropout does during training to "
            f"the {len(vector)} values that go into the last layer."
        )
        return
    kept = classifier.kept(len(vector), rate, _DRAWS, draw)
    with_dropout = classifier.dropout(vector, kept, rate)
    probabilities = classifier.softmax(classifier.logits(with_dropout, *weights), temperature)
    _units(vector, with_dropout[0], kept[0], rate, name)
    whole = classifier.softmax(classifier.logits(vector, *weights), temperature)
    before, after = st.columns(2, gap="medium")
    with before:
        _bars(whole, true, "classes_whole", "Without dropout", names)
    with after:
        _bars(probabilities[0], true, "classes_dropped", "With these units dropped", names)
    spread = probabilities[:, true]
    say(
        f"In {_DRAWS} random draws, of which this is the first, the probability of **{shell.plain(names[true])}** lies "
        f"between **{spread.min():.2%}** and **{spread.max():.2%}**, with a median of **{np.median(spread):.2%}**; "
        f"without dropout it is **{whole[true]:.2%}**."
    )


def _again(draw: int) -> None:
    st.session_state[state.CLASSES_DRAW] = draw % _LAST_DRAW + 1


def _units(vector: np.ndarray, with_dropout: np.ndarray, kept: np.ndarray, rate: float, name: str) -> None:
    """The vector before and after, on one scale."""
    colours = charts.bars(np.concatenate([vector, with_dropout])).repeat(3, axis=2)
    before, after = np.split(colours, 2)
    after[~kept] = _crossed(*after.shape[1:3])
    units = range(len(vector))
    strips = [
        Strip(before, [f"unit {i + 1}: {vector[i]:.4g}" for i in units], units, f"{name} · {len(vector)} values x", 1),
        Strip(
            after,
            [f"unit {i + 1}: {f'{with_dropout[i]:.4g}' if kept[i] else 'dropped'}" for i in units],
            units,
            f"with dropout: {int((~kept).sum())} are 0, the other {int(kept.sum())} are x / (1 − r)",
            1,
        ),
    ]
    sheet.show(strips, key="classes_units", label="The vector without dropout and with it, as bars.")
    st.latex(rf"\frac{{1}}{{1 - r}} = \frac{{1}}{{1 - {rate:g}}} = {tex(1 / (1 - rate))}", width="content")
    note(
        "A grey cross marks a unit that is dropped: its value is zero. The others are multiplied by this factor, so "
        "the sums in the next layer stay the same on average. Both strips share one scale."
    )


def _crossed(height: int, width: int) -> np.ndarray:
    """A grey cell with a cross in it, uint8 (height, width, 3)."""
    cell = np.full((height, width, 3), 205, np.uint8)
    across = np.arange(width)
    middle = (height - width) // 2
    for column in (across, across[::-1]):
        cell[middle + across, column] = 90
    return cell

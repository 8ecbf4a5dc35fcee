"""Pooling: a map through all four poolings, what a shift of the image does to each, and what Flatten costs."""

from typing import Final, NamedTuple

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn import charts
from cnn.charts import Range
from cnn.config import geometry
from cnn.lessons import convolution
from cnn.lessons.perturbations import shifted
from cnn.runs import Run
from cnn.ui import state
from cnn.ui.components import pixels, sheet
from cnn.ui.components.sheet import Strip
from cnn.ui.explore.written_out import tex, tex_term
from cnn.ui.learn import controls, maps
from cnn.ui.learn.given import Given
from cnn.ui.learn.prose import note, say
from cnn.ui.models import Network

_MAX: Final = "max"
_AVERAGE: Final = "average"
_DEPTHWISE, _GLOBAL = "depthwise", "global average"
_MOVES = {"right": (1, 0), "left": (-1, 0), "up": (0, -1), "down": (0, 1)}  # (right, down)
_SMALLEST = 4  # edge of a map that all windows fit into
_LARGEST_GROUP = 8


class Pools(NamedTuple):
    """How maps are pooled. group: how many neighbouring maps; None if they cannot be split."""

    size: int
    stride: int
    group: int | None


def show(run: Run, network: Network, on: Given, below: DeltaGenerator) -> None:
    """Draw the lesson."""
    run, network, picture = maps.with_convolution(run, network, on.picture)
    layers = _layers(run)
    if not layers:
        st.info(f"No layer of this network has maps of {_SMALLEST}×{_SMALLEST} or more values.", icon=":material/info:")
        return
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        layer = controls.menu("pooling_layer", "Feature maps of", list(layers))
    all_maps = maps.values(run, network, picture)[layers[layer]]
    count = all_maps.shape[-1]
    strongest = int(np.linalg.norm(all_maps, axis=(0, 1)).argmax()) + 1
    with right:
        number = maps.number(state.POOLING_MAP, f"Map, 1 to {count}", count, strongest, of=(run.id, layer))
    pools = _settings(count)
    index = number - 1
    found = pooled(all_maps, index, pools)
    with below:
        st.subheader("One value written out", anchor=False)
        kind, place = _choose(found, of=(run.id, layer))
        _written(all_maps, index, pools, found, kind, place)
        st.subheader("The effect of a one-pixel shift", anchor=False)
        direction = controls.choice("pooling_direction", "Shift the image by one pixel", list(_MOVES))
        moved = maps.values(run, network, shifted(picture[None], *_MOVES[direction])[0])[layers[layer]]
        _shift(all_maps, moved, direction, index, pools, found)
        st.subheader("The cost of Flatten", anchor=False)
        _flatten(run)
    _four(all_maps, index, pools, found, kind, place, layer)


def pooled(all_maps: np.ndarray, index: int, pools: Pools) -> dict[str, np.ndarray]:
    """One of the maps (h, w, n) through each pooling, (rows, columns) each."""
    one = all_maps[..., index : index + 1]
    found = {
        _MAX: convolution.pooled(one, pools.size, pools.stride, _MAX)[..., 0],
        _AVERAGE: convolution.pooled(one, pools.size, pools.stride, _AVERAGE)[..., 0],
    }
    if pools.group:
        found[_DEPTHWISE] = convolution.pooled_across(all_maps, pools.group)[..., index // pools.group]
    return {**found, _GLOBAL: one.mean(axis=(0, 1), dtype=np.float64)[None]}


def _layers(run: Run) -> dict[str, str]:
    """The layers whose maps are large enough: the names of their values, after a convolution's activation."""
    large = (b for b in maps.blocks(run) if len(b[-1].output_shape) == 3 and min(b[-1].output_shape[:2]) >= _SMALLEST)
    return {block[0].name: block[-1].name for block in large if block[-1].type != "Dropout"}


def _settings(count: int) -> Pools:
    sizes = [str(size) for size in range(2, _LARGEST_GROUP + 1) if count % size == 0]
    first, second, third = st.columns([2, 2, 3])
    with first:
        size = controls.whole("pooling_size", "Window size f", 2, 4, 2)
    with second:
        stride = controls.whole("pooling_stride", "Stride s", 1, 4, 2)
    with third:
        if not sizes:
            what = "One map" if count == 1 else f"{count} maps"
            st.caption(f"{what} cannot be split into groups of 2 to {_LARGEST_GROUP} for depthwise pooling.")
            return Pools(size, stride, None)
        group = controls.choice(
            state.POOLING_GROUP,
            "Depthwise group size",
            sizes,
            help=f"How many neighbouring maps are pooled together; {count} maps can be split into these sizes.",
        )
    return Pools(size, stride, int(group))


def _choose(found: dict[str, np.ndarray], of: tuple[str, str]) -> tuple[str, tuple[int, int]]:
    """Which pooling is written out, and which of its values."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = controls.choice(state.POOLING_KIND, "Pooling", list(found))
        if kind == _GLOBAL:
            return kind, (0, 0)
        strongest = found[_DEPTHWISE if kind == _DEPTHWISE else _MAX]  # max and average have the same windows
        first = np.unravel_index(strongest.argmax(), strongest.shape)
        chosen = []
        for key, label, at, size in zip(
            (state.POOLING_ROW, state.POOLING_COLUMN), ("Row", "Column"), first, found[kind].shape, strict=True
        ):
            with st.container(width=150):
                chosen.append(maps.number(key, f"{label}, 1 to {size}", size, int(at) + 1, of) - 1)
    return kind, (chosen[0], chosen[1])


# ---------------------------------------------------------------- the four poolings


def _four(
    all_maps: np.ndarray,
    index: int,
    pools: Pools,
    found: dict[str, np.ndarray],
    kind: str,
    place: tuple[int, int],
    layer: str,
) -> None:
    """The map with the window, and beside it the map through each pooling, all on one scale."""
    one = all_maps[..., index]
    range_ = charts.value_range(all_maps[..., _group(index, pools)])
    bare, small = st.columns(2, gap="medium")
    with bare:
        st.markdown(f"**Map {index + 1} of {layer}** · {charts.shape_text(one.shape)}")
        top, left, size = place[0] * pools.stride, place[1] * pools.stride, pools.size
        marked = {_GLOBAL: (0, 0, *one.shape), _DEPTHWISE: place}.get(kind, (top, left, size, size))
        pixels.show(
            one,
            range_,
            key="pooling_bare",
            label=f"Map {index + 1} of {layer}, values from {one.min():.4g} to {one.max():.4g}; the pooled window is "
            "marked.",
            chosen=marked,
        )
    with small:
        cells = [cell for _ in range(2) for cell in st.columns(2, gap="small")]
    for cell, (name, values) in zip(cells, found.items(), strict=False):
        with cell:
            _pooled(name, values, range_, place if name == kind or {name, kind} == {_MAX, _AVERAGE} else None)
    colours = (
        "violet is positive, orange negative, white zero"
        if range_[0] < 0
        else "yellow is the highest value, dark blue the lowest"
    )
    group = _group(index, pools)
    depthwise = (
        f" Depthwise pooling takes the largest value across maps {group.start + 1} to {group.stop} at each position."
        if pools.group
        else ""
    )
    note(
        f"The map before and after each kind of pooling. All share one scale: {colours}. Click a pooled value, or "
        f"choose it with the arrow keys and Enter, to mark its window and see it written out below.{depthwise}"
    )


def _pooled(name: str, values: np.ndarray, range_: Range, chosen: tuple[int, int] | None) -> None:
    size = f" · {charts.shape_text(values.shape)}" if values.size > 1 else ""
    st.markdown(f"**{name.capitalize()}**{size}")
    pixels.show(
        values,
        range_,
        key=f"pooling_{name.replace(' ', '_')}_map",
        label=f"{name.capitalize()} pooling: {charts.shape_text(values.shape)} values from {values.min():.4g} to "
        f"{values.max():.4g}.",
        chosen=chosen,
        on_pick=lambda row, column: _pick(name, row, column),
        size=230 if values.size > 1 else 110,
    )


def _pick(kind: str, row: int, column: int) -> None:
    st.session_state[state.POOLING_KIND] = kind
    if kind != _GLOBAL:
        st.session_state[state.POOLING_ROW], st.session_state[state.POOLING_COLUMN] = row + 1, column + 1


def _group(index: int, pools: Pools) -> slice:
    """The maps that are pooled together with one, only itself if they cannot be split."""
    size = pools.group or 1
    return slice(index // size * size, (index // size + 1) * size)


# ---------------------------------------------------------------- one value with its numbers


def _written(
    all_maps: np.ndarray, index: int, pools: Pools, found: dict[str, np.ndarray], kind: str, place: tuple[int, int]
) -> None:
    value = float(found[kind][place])
    if kind == _GLOBAL:
        one = all_maps[..., index]
        total = float(one.sum(dtype=np.float64))
        st.latex(
            rf"y = \frac{{1}}{{h \cdot w}} \sum_{{i,j}} x_{{i,j}} = \frac{{{tex(total)}}}{{{one.size}}} = {tex(value)}"
        )
        note(f"The mean of all {one.size} values of the map: one number represents the whole map.")
    elif kind == _DEPTHWISE:
        _across(all_maps, index, pools, place, value)
    else:
        _window(all_maps[..., index], pools, kind, place, value)


def _window(one: np.ndarray, pools: Pools, kind: str, place: tuple[int, int], value: float) -> None:
    size, stride = pools.size, pools.stride
    top, left = place[0] * stride, place[1] * stride
    window = one[top : top + size, left : left + size]
    row, column = convolution.winners(one, size, stride)[place]
    numbers, formula = st.columns([1, 2], gap="large", vertical_alignment="center")
    with numbers:
        pixels.show(
            window,
            charts.value_range(one),
            key="pooling_window",
            label=f"The window, {size} by {size} values.",
            chosen=(int(row) - top, int(column) - left) if kind == _MAX else None,
            size=220,
        )
    with formula:
        st.latex(_max_latex(window) if kind == _MAX else _mean_latex(window, value))
    what = (
        f"The largest is in row {row + 1}, column {column + 1} of the map, and is marked"
        if kind == _MAX
        else f"The mean of all {size * size}"
    )
    note(
        f"The window: rows {top + 1} to {top + size}, columns {left + 1} to {left + size} of the map. {what}. Window "
        f"(i, j) starts at row {stride}·i, column {stride}·j, counted from 0."
    )


def _across(all_maps: np.ndarray, index: int, pools: Pools, place: tuple[int, int], value: float) -> None:
    group = _group(index, pools)
    values = all_maps[place][group]
    winner = int(values.argmax())
    together = all_maps[..., group]
    range_ = charts.value_range(together)
    names = [f"map {number + 1}" for number in range(group.start, group.stop)]
    sheet.show(
        [
            Strip(
                charts.coloured_maps(together, range_),
                names,
                range(group.start, group.stop),
                f"maps {group.start + 1} to {group.stop}",
                scale=max(2, 76 // together.shape[0]),
                chosen=[winner],
                values=np.moveaxis(together, -1, 0),
            )
        ],
        key="pooling_group_maps",
        label=f"The maps that are pooled together; {names[winner]}, which has the largest value, is marked.",
        on_pick=_open_map,
    )
    pixels.show(
        values[None],
        range_,
        key="pooling_group_values",
        label=f"The {len(values)} values at this position, one from each map.",
        chosen=(0, winner),
        size=60 * len(values),
    )
    st.latex(_max_latex(values.reshape(1, -1)))
    note(
        f"The values of these maps in row {place[0] + 1}, column {place[1] + 1}; the largest, from {names[winner]}, "
        "is marked. Click a map to choose it."
    )


def _open_map(_: int, map_: int | None) -> None:
    if map_ is not None:
        st.session_state[state.POOLING_MAP] = map_ + 1


def _lines(numbers: list[str], between: str) -> str:
    """Numbers of a formula, four on a line."""
    rows = [between.join(numbers[start : start + 4]) for start in range(0, len(numbers), 4)]
    return rf"{between} \\ &\qquad ".join(rows)


def _max_latex(window: np.ndarray) -> str:
    listed = _lines([tex(float(value)) for value in window.ravel()], r",\ ")
    return rf"\begin{{aligned}} y &= \max\{{{listed}\}} \\ &= {tex(float(window.max()))} \end{{aligned}}"


def _mean_latex(window: np.ndarray, value: float) -> str:
    terms = [tex(float(term)) if not index else tex_term(float(term)) for index, term in enumerate(window.ravel())]
    total = float(window.sum(dtype=np.float64))
    return (
        rf"\begin{{aligned}} y &= \tfrac{{1}}{{{window.size}}}\,({_lines(terms, ' + ')}) \\ "
        rf"&= \frac{{{tex(total)}}}{{{window.size}}} = {tex(value)} \end{{aligned}}"
    )


# ---------------------------------------------------------------- a shift of the image


def _shift(
    before: np.ndarray, after: np.ndarray, direction: str, index: int, pools: Pools, found: dict[str, np.ndarray]
) -> None:
    """How much the map, as it is and pooled, changes when the image is shifted by one pixel."""
    changes = {"the map itself": convolution.relative_change(before[..., index], after[..., index])}
    pooled_after = pooled(after, index, pools)
    changes |= {f"{name} pooling": convolution.relative_change(found[name], pooled_after[name]) for name in found}
    range_ = charts.value_range(np.stack([before[..., index], after[..., index]]))
    columns = st.columns([1, 1, 2], gap="medium")
    for column, (key, title, values) in zip(
        columns[:2], (("before", "Before", before), ("after", f"One pixel {direction}", after)), strict=True
    ):
        with column:
            st.markdown(f"**{title}**")
            pixels.show(
                values[..., index],
                range_,
                key=f"pooling_{key}",
                label=f"{title}: map {index + 1}.",
                size=230,
            )
    with columns[2]:
        rows = ["| | Change |", "|:--|--:|"]
        rows += [f"| {name} | **{_percent(value)}** |" for name, value in changes.items()]
        st.markdown("\n".join(rows))
    note(
        f"The image is shifted one pixel {direction}, the edge is filled with zeros, and the network computes the map "
        "again. The change is ‖after − before‖ / ‖before‖, with Euclidean norms: the smaller it is, the less a shift "
        "matters."
    )


def _percent(fraction: float) -> str:
    return f"{fraction:.1%}" if np.isfinite(fraction) else "from zero"


# ---------------------------------------------------------------- the vector that follows


def _flatten(run: Run) -> None:
    """Parameters of the first dense layer after Flatten, and after global average pooling."""
    rows = run.config.rows()
    last = max(index for index, row in enumerate(rows) if len(row.output_shape) == 3)
    height, width, count = rows[last].output_shape
    bridge = rows[last + 1]
    dense = next(row for row in rows[last:] if row.type == "Dense")
    own = dense.output_shape[0]
    with st.container(width=260):
        units = maps.number("pooling_units", "Units of the dense layer", 4096, own, of=run.id)
    flat = geometry.dense_parameters(height * width * count, units)
    mean = geometry.dense_parameters(count, units)
    for name, product, parameters in (
        ("Flatten", rf"{height} \cdot {width} \cdot {count} \cdot {units} + {units}", flat),
        ("Global average", rf"{count} \cdot {units} + {units}", mean),
    ):
        say(f"**{name}**: ${product} = {_grouped(parameters)}$ parameters")
    does = {"Flatten": "flattens them", "GlobalAveragePooling2D": "takes the mean of each"}.get(
        bridge.type, "takes the largest value of each"
    )
    note(
        f"The last maps of this network are {charts.shape_text((height, width, count))}, and it {does}: "
        f"{dense.name} has {own} units and {dense.parameters:,} parameters. After Flatten, a dense layer with {units} "
        f"units needs {flat / mean:.1f} times as many as after global average pooling: a weight for every position of "
        "every map, and one bias for each unit."
    )


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", "{,}")

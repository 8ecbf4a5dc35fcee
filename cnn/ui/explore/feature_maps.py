"""The Explore page's view of the feature maps: the whole network, a layer, a map, and the arithmetic of a pixel."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import streamlit as st

from cnn import charts
from cnn.config import counted
from cnn.networks.forward import PREACTIVATION, Forward, has_sums, is_linear
from cnn.ui import fragments, links, state
from cnn.ui.components import pixels, sheet
from cnn.ui.components.sheet import Strip
from cnn.ui.explore import receptive_field, written_out
from cnn.ui.explore.model_view import ModelView
from cnn.ui.explore.receptive_field import MAP
from cnn.ui.predict.pictures import Picture

_STRIP = 6  # maps of a block in the overview: as many as a phone has room for
_UNITS = 128  # units of a vector in the overview
_EDGE = 42  # screen pixels of a map in the overview, about
_LARGEST = 42  # screen pixels of a map in the overview, at most: larger ones are reduced
_SMALLEST = 14  # pixels, to which no map is reduced any further
_SENT = 400_000  # pixels of all maps of a layer together; more of them are reduced
_HIGH = 480  # pixels of the overview where two stand side by side; it scrolls
_MANY = 12  # blocks from which on an overview scrolls in any case
_HOVERED = 60_000  # values of a layer that are sent along to be read by hovering
_AFTER, _BEFORE = "after", "before"
_PASSED_ON = ("Dropout", "Flatten")  # layers that only pass on what they are given, so they have nothing to show
_SHORT = {
    "BatchNormalization": "BN",
    "MaxPooling2D": "max pool",
    "AveragePooling2D": "average pool",
    "GlobalAveragePooling2D": "global average pool",
    "GlobalMaxPooling2D": "global max pool",
    "Add": "add",
    "Concatenate": "concatenate",
    "Multiply": "multiply",
}


class Block(NamedTuple):
    """A convolution or dense layer with all that follows up to the next one: the names of the layers, and a title."""

    parts: tuple[str, ...]
    title: str

    @property
    def result(self) -> str:
        return self.parts[-1]


@fragments.fragment
def show(now: ModelView) -> None:
    """Draw the view. A click runs this part again, not the whole page."""
    blocks = _blocks(now.network.forward)
    if now.pinned or now.other:
        overview, detail = st.container(), st.container()
    else:
        overview, detail = st.columns([5, 7], gap="large")
    with detail:  # first, because it is what a click asks for: the browser shows it while the rest is on its way
        st.subheader("One layer", anchor=False)
        layer, chosen, value, scale = _choose(now, blocks)
        block = next(block for block in blocks if layer in block.parts)
        _parts(now, block, layer, chosen, scale)
        ranges = _tiles(now, value, layer, chosen, scale)
        where: tuple[int, ...] = ()
        with st.container(horizontal=True, vertical_alignment="bottom"):
            if now.values[layer].ndim == 3:
                where = _pixel(now, layer, chosen)
            written = links.switch(state.WRITTEN_OUT, "Write out this value")
        if where:
            _map(now, value, layer, chosen, where, ranges)
    with overview:
        st.subheader("The whole network", anchor=False)
        _overview(now, blocks, block, chosen, scale)
    if written:
        st.subheader("The arithmetic of one value", anchor=False)
        written_out.show(now, layer, chosen, where, go)


def scale_choice() -> str:
    return links.choice(
        "explore-scale",
        "Normalise colours per",
        charts.RANGES,
        help="Per map shows faint detail; per layer or per network shows which maps are strong.",
    )


def colours(signed: bool) -> str:
    """What the colours of a map mean."""
    if signed:
        return "Violet is positive, orange negative, white zero."
    return "Yellow is the highest value, dark blue the lowest."


def go(layer: str, map_: int | None = None, row: int | None = None, column: int | None = None) -> None:
    """Open a layer, one of its maps and one of its pixels on the next run, which is then written out; for callbacks.

    What is not given is chosen when the layer is drawn: its strongest map, the map's highest value.
    """
    st.session_state[state.MAP_LAYER] = layer
    _reset(map_)
    if row is not None and column is not None:
        st.session_state[state.MAP_ROW], st.session_state[state.MAP_COLUMN] = row + 1, column + 1
        st.session_state[state.WRITTEN_OUT] = True


def _reset(map_: int | None = None) -> None:
    """Another layer, or another map of it: nothing that was chosen in the one before holds."""
    st.session_state[state.MAP] = 0 if map_ is None else map_ + 1
    for key in (state.MAP_ROW, state.MAP_COLUMN, state.INPUT_CHANNEL):
        st.session_state[key] = 0


def _reset_pixel() -> None:
    _reset(st.session_state[state.MAP] - 1)


def _blocks(forward: Forward) -> list[Block]:
    found: list[list[str]] = []
    for name in forward.names:
        layer = forward.layer(name)
        if type(layer).__name__ in _PASSED_ON:
            continue
        if has_sums(layer) or not found or getattr(layer, "keepdims", False):  # the means of squeeze and excite
            found.append([])
        found[-1].append(name)
    return [Block(tuple(parts), _title(forward, parts)) for parts in found]


def _title(forward: Forward, parts: Sequence[str]) -> str:
    words = [parts[0]]
    for name in parts[1:]:
        layer = forward.layer(name)
        kind = type(layer).__name__
        is_activation = kind == "Activation"
        words.append(written_out.called(layer.activation.__name__) if is_activation else _SHORT.get(kind, name))
    return " + ".join(words)


def _maps(values: np.ndarray) -> np.ndarray:
    """Feature maps (h, w, c) as they are; a vector (n,) as n maps of one pixel."""
    return values if values.ndim == 3 else values[None, None]


def _spatial(values: Mapping[str, np.ndarray], names: Sequence[str]) -> list[np.ndarray]:
    return [values[name] for name in names if values[name].ndim == 3]


# ---------------------------------------------------------------- the whole network


def _overview(now: ModelView, blocks: list[Block], opened: Block, chosen: int, scale: str) -> None:
    """One strip a block: for the image, for the pinned one, and of the other network."""
    order = {block: _strongest(now.values[block.result]) for block in blocks}
    count = len(now.images) + bool(now.other)
    high = _HIGH if count > 1 else 70 * _MANY if len(blocks) > _MANY else "content"

    def picked(strip: int, map_: int | None) -> None:
        if strip:
            go(blocks[strip - 1].result, map_)

    with st.container(height=high, border=count > 1):
        columns = iter(st.columns(count, gap="large"))
        for image in now.images:
            with next(columns):
                pinned = image is now.pinned
                if count > 1:
                    st.markdown(f"**{now.title(image)}**")
                sheet.show(
                    _strips(image, now.values_of(image), order, scale, opened, chosen),
                    key="overview_pinned" if pinned else "overview",
                    label=f"Every block of the network as a strip of its maps for {image.title}.",
                    on_pick=picked,
                )
        if now.other:
            with next(columns):
                st.markdown(f"**{now.other.name}**")
                values = now.other.values_of(now.image)
                theirs = {block: _strongest(values[block.result]) for block in _blocks(now.other.network.forward)}
                sheet.show(
                    _strips(now.image, values, theirs, scale),
                    key="overview_other",
                    label=f"Every block of {now.other.run.name} as a strip of its maps for {now.image.title}.",
                )
    st.caption(
        "Each strip is the output of a block: a convolution or dense layer and what follows it. Shown are the "
        f"{_STRIP} maps that are strongest in this image. Click one, or press Enter on it, to open the block."
    )


def _strips(
    image: Picture,
    values: Mapping[str, np.ndarray],
    order: Mapping[Block, np.ndarray],
    scale: str,
    opened: Block | None = None,
    chosen: int = 0,
) -> list[Strip]:
    spatial = _spatial(values, [name for block in order for name in block.parts])
    seen = charts.picture(charts.reduced(image.seen.pixels, _LARGEST))
    caption = f"input · {charts.shape_text(image.seen.pixels.shape)}"
    strips = [Strip(seen[None], ["the image"], [0], caption, scale=_scale(seen.shape))]
    for block, some in order.items():
        marked = [chosen] if block == opened else []
        caption = f"{block.title} · {charts.shape_text(values[block.result].shape)}"
        strips.append(_strip(values[block.result], block.result, some, caption, scale, spatial, marked))
    return strips


def _strip(
    value: np.ndarray,
    name: str,
    some: np.ndarray,
    caption: str,
    scale: str,
    network: list[np.ndarray],
    marked: Sequence[int],
) -> Strip:
    """Some maps of a layer."""
    maps, is_spatial = _maps(value), value.ndim == 3
    range_ = common_range(scale if is_spatial else "layer", maps, network)
    return Strip(
        charts.coloured_maps(charts.reduced(maps[..., some], _LARGEST), range_, signed=bool(maps.min() < 0)),
        [f"{name}, {'map' if is_spatial else 'unit'} {index + 1}" for index in some],
        some.tolist(),
        caption,
        scale=_scale(maps.shape) if is_spatial else 11,
        chosen=np.flatnonzero(np.isin(some, marked)).tolist(),
    )


def _scale(shape: Sequence[int]) -> int:
    """Screen pixels for each of a map (h, w, ...) in the overview."""
    return max(1, round(_EDGE / max(shape[:2])))


def _strongest(values: np.ndarray) -> np.ndarray:
    """The maps with the largest mean absolute value, in their own order where all are shown; units as they come."""
    maps = _maps(values)
    count = maps.shape[-1]
    if values.ndim == 1:
        return np.arange(min(count, _UNITS))
    if count <= _STRIP:
        return np.arange(count)
    return np.argsort(-np.abs(maps).mean(axis=(0, 1)), kind="stable")[:_STRIP]


def common_range(scale: str, layer: np.ndarray, network: list[np.ndarray], signed: bool = False) -> charts.Range | None:
    """The common range of the chosen colour scale; None where each map has its own."""
    match scale:
        case "layer":
            return charts.value_range(layer, signed)
        case "network" if network:
            return charts.value_range(
                np.array([end for values in network for end in (values.min(), values.max())]), signed
            )
    return None


# ---------------------------------------------------------------- a layer and a map


def _choose(now: ModelView, blocks: list[Block]) -> tuple[str, int, str, str]:
    """Choose a layer, one of its maps, and the colours.

    Returns:
        The layer's name, the map's index, the name of the value that is shown, and the scale.
    """
    names = [name for block in blocks for name in block.parts]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        layer = links.menu(state.MAP_LAYER, "Layer", names, on_change=_reset, width=220)
        values = now.values[layer]
        first = int(np.abs(_maps(values)).mean(axis=(0, 1)).argmax()) + 1
        _or(state.MAP, first)
        chosen = links.number(
            state.MAP,
            "Map" if values.ndim == 3 else "Unit",
            1,
            values.shape[-1],
            first,
            on_change=_reset_pixel,
            width=130,
        )
        keras_layer = now.network.forward.layer(layer)
        stage = _AFTER
        if has_sums(keras_layer) and not is_linear(keras_layer):
            activation = written_out.called(keras_layer.activation.__name__)
            stage = links.choice("explore-stage", f"Before or after {activation}", (_BEFORE, _AFTER), _AFTER)
        scale = scale_choice()
    return layer, chosen - 1, layer + PREACTIVATION if stage == _BEFORE else layer, scale


def _or(key: str, value: int) -> None:
    """What is to be chosen is this value, unless something is."""
    if st.session_state.get(key) == 0:
        st.session_state[key] = value


def _parts(now: ModelView, block: Block, layer: str, chosen: int, scale: str) -> None:
    """The layers of a block one below the other, in each the same maps."""
    if len(block.parts) == 1:
        return
    some = _strongest(now.values[layer])
    if chosen not in some:
        some = np.append(some[: _STRIP - 1] if len(some) >= _STRIP else some, chosen)
    spatial = _spatial(now.values, now.network.forward.names)
    count = now.values[layer].shape[-1]

    def strip(name: str) -> Strip:
        value = now.values[name]
        shown = some if value.shape[-1] == count and value.ndim == now.values[layer].ndim else _strongest(value)
        caption = f"{name} · {charts.shape_text(value.shape)}"
        return _strip(value, name, shown, caption, scale, spatial, [chosen] if name == layer else [])

    sheet.show(
        [strip(name) for name in block.parts],
        key="parts",
        label=f"The {counted(len(block.parts), 'layer')} of the block, in each the same maps.",
        on_pick=lambda number, map_: go(block.parts[number], chosen if map_ is None else map_),
    )


def _tiles(now: ModelView, value: str, layer: str, chosen: int, scale: str) -> list[charts.Range | None]:
    """All maps of a layer, for each image. Returns their common ranges of colours, if they have one."""
    found = []
    for column, image in zip(st.columns(len(now.images)), now.images, strict=True):
        with column:
            found.append(_tile(now, image, value, layer, chosen, scale))
    return found


def _tile(now: ModelView, image: Picture, value: str, layer: str, chosen: int, scale: str) -> charts.Range | None:
    values = now.values_of(image)
    maps, pinned = _maps(values[value]), image is now.pinned
    spatial = values[value].ndim == 3
    network = _spatial(values, now.network.forward.names)
    range_ = common_range(scale if spatial else "layer", maps, network)
    count = maps.shape[-1]
    small = charts.reduced(maps, max(_SMALLEST, int((_SENT / count) ** 0.5)))
    height, width = small.shape[:2]
    what = "map" if spatial else "unit"
    zoom = charts.layout(height, width, count, 480, 260)[0] if spatial else 14
    named = [f"{what} {index + 1}" for index in range(count)]
    sheet.show(
        [
            Strip(
                charts.coloured_maps(small, range_, signed=bool(maps.min() < 0)),
                named if spatial else [f"{name}: {v:.4g}" for name, v in zip(named, maps[0, 0], strict=True)],
                range(count),
                scale=zoom,
                chosen=[chosen],
                values=np.moveaxis(maps, -1, 0) if spatial and maps.size <= _HOVERED and small is maps else None,
            )
        ],
        key="layer_pinned" if pinned else "layer",
        label=f"The {counted(count, what)} of {layer}; {what} {chosen + 1} is marked.",
        on_pick=lambda _, map_: go(layer, map_),
    )
    signed = bool((maps if range_ is None else np.array(range_)).min() < 0)
    st.caption(f"{_statistics(maps, what)} {colours(signed)}")
    return range_


def _statistics(maps: np.ndarray, what: str) -> str:
    count = maps.shape[-1]
    silent = int((np.abs(maps).max(axis=(0, 1)) == 0).sum())
    zeros = f", {silent} of them zero everywhere in this image" if silent else ""
    return (
        f"{counted(count, what)}{zeros}. Values from {maps.min():.4g} to {maps.max():.4g}, mean {maps.mean():.4g}, "
        f"standard deviation {maps.std():.4g}; {(maps == 0).mean():.0%} are zero."
    )


# ---------------------------------------------------------------- a pixel


def _pixel(now: ModelView, layer: str, chosen: int) -> tuple[int, int]:
    """Row and column as numbers, at first those of the map's highest value."""
    values = now.values[layer]
    height, width = values.shape[:2]
    row, column = np.unravel_index(values[..., chosen].argmax(), (height, width))
    _or(state.MAP_ROW, int(row) + 1)
    _or(state.MAP_COLUMN, int(column) + 1)
    return (
        links.number(state.MAP_ROW, "Row", 1, height, int(row) + 1, width=120) - 1,
        links.number(state.MAP_COLUMN, "Column", 1, width, int(column) + 1, width=120) - 1,
    )


def _map(
    now: ModelView,
    value: str,
    layer: str,
    chosen: int,
    where: tuple[int, ...],
    ranges: list[charts.Range | None],
) -> None:
    """The map large, and what its pixel sees, for each image."""
    columns = iter(st.columns(2, gap="medium"))
    for image, range_ in zip(now.images, ranges, strict=True):
        with next(columns):
            _large(now, _maps(now.values_of(image)[value])[..., chosen], range_, layer, chosen, where, image)
            if now.pinned:
                receptive_field.show(now, image, layer, where)
    if not now.pinned:
        with next(columns):
            receptive_field.show(now, now.image, layer, where)


def _large(
    now: ModelView,
    one: np.ndarray,
    range_: charts.Range | None,
    layer: str,
    chosen: int,
    where: tuple[int, ...],
    image: Picture,
) -> None:
    pinned, signed = image is now.pinned, bool(now.values_of(image)[layer].min() < 0 or one.min() < 0)
    st.markdown(f"**Map {chosen + 1} of {layer}**" + (", pinned image" if pinned else ""))
    pixels.show(
        one,
        range_ or charts.value_range(one, signed),
        key="map_pinned" if pinned else "map",
        label=f"Map {chosen + 1} of {layer}, {one.shape[0]} by {one.shape[1]} values up to {one.max():.3g}.",
        chosen=where,
        on_pick=lambda r, c: go(layer, chosen, r, c),
        size=MAP,
    )
    st.caption(
        f"Lowest {one.min():.4g}, mean {one.mean():.4g}, highest {one.max():.4g}, {(one == 0).mean():.0%} zero. "
        "Click a pixel, or press Enter on it, to see how its value is computed."
    )

"""The Explore page's view of the feature maps: the whole network, a layer, a map, and the arithmetic of a pixel."""

import numpy as np
import streamlit as st

from cnn import charts
from cnn.config import counted
from cnn.networks.forward import PREACTIVATION, has_sums, is_linear
from cnn.ui import state
from cnn.ui.components import pixels, sheet
from cnn.ui.components.sheet import Strip
from cnn.ui.explore import receptive_field, written_out
from cnn.ui.explore.model_view import ModelView
from cnn.ui.predict.pictures import Picture

_STRIP = 12  # maps of a layer in the overview
_UNITS = 128  # units of a vector in the overview
_EDGE = 52  # screen pixels of a map in the overview, about
_HOVERED = 60_000  # values of a layer that are sent along to be read by hovering
_STAGE = "map_stage"
_AFTER, _BEFORE = "after", "before"


@st.fragment
def show(now: ModelView) -> None:
    """Draw the view. A click runs this part anew, not the whole page."""
    scale = scale_choice()
    network, layers = st.container(), st.container()
    with layers:  # first, because it is what a click asks for: the browser shows it while the rest is on its way
        st.subheader("One layer", anchor=False)
        layer, chosen = _layer(now, scale)
    with network:
        st.subheader("The whole network", anchor=False)
        _overview(now, scale)
    st.subheader("The arithmetic of one value", anchor=False)
    where = row_and_column(now, layer, chosen)
    if where and state.chosen_row(layer, chosen) not in st.session_state:
        st.button(
            f"Write out row {where[0] + 1}, column {where[1] + 1}, the highest value of map {chosen + 1}",
            icon=":material/calculate:",
            key="write_out",
            on_click=go,
            args=(layer, chosen, *where),
        )
        st.caption("Or click any pixel of the map above: its window, its kernel and the sum, with all numbers.")
        return
    written_out.show(now, layer, chosen, where, go)


def scale_choice() -> str:
    return st.segmented_control(
        "One colour scale for",
        charts.RANGES,
        default=charts.RANGES[0],
        required=True,
        key="scale",
        persist_state="session",
        help="A scale for each map shows faint detail; a common one shows which maps are strong.",
    )


def colours(signed: bool) -> str:
    """What the colours of a picture mean."""
    if signed:
        return "Violet is positive, orange negative, white zero."
    return "Yellow is the highest value, dark blue the lowest."


def go(layer: str, map_: int | None, row: int | None = None, column: int | None = None) -> None:
    """Open a layer, one of its maps and one of its pixels on the next run; for callbacks."""
    st.session_state[state.MAP_LAYER] = layer
    if map_ is not None:
        st.session_state[state.chosen_map(layer)] = map_ + 1
        if row is not None and column is not None:
            st.session_state[state.chosen_row(layer, map_)] = row + 1
            st.session_state[state.chosen_column(layer, map_)] = column + 1


def _shown(now: ModelView) -> list[str]:
    """The layers that have something to show; dropout and flatten only pass on what they are given."""
    kinds = {row.name: row.type for row in now.run.config.rows()}
    return [name for name in now.network.forward.names if kinds[name] not in ("Dropout", "Flatten")]


def _maps(values: np.ndarray) -> np.ndarray:
    """Feature maps (h, w, c) as they are; a vector (n,) as n maps of one pixel."""
    return values if values.ndim == 3 else values[None, None]


# ---------------------------------------------------------------- the whole network


def _overview(now: ModelView, scale: str) -> None:
    names = _shown(now)
    pictures = [now.picture, now.pinned] if now.pinned else [now.picture]
    order = {name: _strongest(_maps(now.values[name]), now.values[name].ndim == 3) for name in names}
    for column, picture in zip(st.columns(len(pictures)), pictures, strict=True):
        with column:
            _strips(now, picture, names, order, scale)
    st.caption(
        "From the picture to the answer. Of each layer the maps that are strongest in this picture; a click on one, or "
        "Enter on the one that the arrow keys reach, opens it below. A click on a layer's name opens the layer."
    )


def _strips(now: ModelView, picture: Picture, names: list[str], order: dict[str, np.ndarray], scale: str) -> None:
    values = now.values_of(picture)
    spatial = [values[name] for name in names if values[name].ndim == 3]
    strips = [Strip(charts.coloured_maps(picture.seen.pixels, (0.0, 1.0)), ["the picture"], [0], "input · 28×28×1")]
    opened = st.session_state.get(state.MAP_LAYER)
    for name in names:
        maps, some = _maps(values[name]), order[name]
        is_spatial = values[name].ndim == 3
        range_ = common_range(scale if is_spatial else "the layer", maps, spatial)
        colours_ = charts.coloured_maps(maps[..., some], range_, signed=bool(maps.min() < 0))
        total = maps.shape[-1]
        part = f" · the strongest {len(some)} of {total}" if len(some) < total else ""
        chosen = st.session_state.get(state.chosen_map(name), 1) - 1 if name == opened else None
        strips.append(
            Strip(
                colours_,
                [f"{name}, {'map' if is_spatial else 'unit'} {index + 1}" for index in some],
                some.tolist(),
                f"{name} · {charts.shape_text(values[name].shape)}{part}",
                scale=max(1, round(_EDGE / maps.shape[0])) if is_spatial else 11,
                chosen=np.flatnonzero(some == chosen).tolist(),
            )
        )

    def picked(strip: int, map_: int | None) -> None:
        if strip:
            go(names[strip - 1], map_)

    kept = picture is now.pinned
    sheet.show(
        strips,
        key="overview_kept" if kept else "overview",
        label=f"Every layer of the network as a strip of its maps for {picture.title}.",
        on_pick=picked,
    )


def _strongest(maps: np.ndarray, spatial: bool) -> np.ndarray:
    """The maps with the largest mean absolute value, in their own order where all are shown; units as they come."""
    count = maps.shape[-1]
    if not spatial:
        return np.arange(min(count, _UNITS))
    if count <= _STRIP:
        return np.arange(count)
    return np.argsort(-np.abs(maps).mean(axis=(0, 1)), kind="stable")[:_STRIP]


def common_range(scale: str, layer: np.ndarray, network: list[np.ndarray], signed: bool = False) -> charts.Range | None:
    """The common range of the chosen colour scale; None where each map has its own."""
    match scale:
        case "the layer":
            return charts.value_range(layer, signed)
        case "the whole network" if network:
            return charts.value_range(np.concatenate([values.ravel() for values in network]), signed)
    return None


# ---------------------------------------------------------------- a layer and a map


def _layer(now: ModelView, scale: str) -> tuple[str, int]:
    """One layer's maps, the chosen one large. Returns the layer's name and the map's index."""
    names = _shown(now)
    rows = {row.name: row for row in now.run.config.rows()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        layer = st.selectbox(
            "Layer",
            names,
            format_func=lambda name: f"{name} · {charts.shape_text(rows[name].output_shape)}",
            key=state.MAP_LAYER,
            persist_state="session",
            width=320,
        )
        count = rows[layer].output_shape[-1]
        spatial = len(rows[layer].output_shape) == 3
        key = state.chosen_map(layer)
        st.session_state.setdefault(key, int(np.abs(_maps(now.values[layer])).mean(axis=(0, 1)).argmax()) + 1)
        chosen = st.number_input("Map" if spatial else "Unit", 1, count, key=key, width=140) - 1
        keras_layer = now.network.forward.layer(layer)
        stage = _AFTER
        if has_sums(keras_layer) and not is_linear(keras_layer):
            stage = st.segmented_control(
                f"Before or after {written_out.called(keras_layer.activation.__name__)}",
                [_BEFORE, _AFTER],
                default=_AFTER,
                required=True,
                key=_STAGE,
                persist_state="session",
            )
    value = layer + PREACTIVATION if stage == _BEFORE else layer
    pictures = [now.picture, now.pinned] if now.pinned else [now.picture]
    for column, picture in zip(st.columns(len(pictures)), pictures, strict=True):
        with column:
            range_ = _tile(now, picture, value, layer, chosen, scale)
            if spatial:
                large, field = (st.container(), st.container()) if now.pinned else st.columns([3, 2], gap="large")
                with large:
                    _large(now, _maps(now.values_of(picture)[value])[..., chosen], range_, layer, chosen, picture)
                with field:
                    receptive_field.show(now, picture, layer, row_and_column(now, layer, chosen))
    return layer, chosen


def _tile(now: ModelView, picture: Picture, value: str, layer: str, chosen: int, scale: str) -> charts.Range | None:
    """All maps of a layer. Returns their common range of colours, if they have one."""
    values = now.values_of(picture)
    maps, kept = _maps(values[value]), picture is now.pinned
    spatial = values[value].ndim == 3
    network = [values[name] for name in _shown(now) if values[name].ndim == 3]
    range_ = common_range(scale if spatial else "the layer", maps, network)
    height, width, count = maps.shape
    what = "map" if spatial else "unit"
    zoom = charts.layout(height, width, count, 440 if now.pinned else 900, 430)[0] if spatial else 14
    named = [f"{what} {index + 1}" for index in range(count)]
    sheet.show(
        [
            Strip(
                charts.coloured_maps(maps, range_, signed=bool(maps.min() < 0)),
                named if spatial else [f"{name}: {v:.4g}" for name, v in zip(named, maps[0, 0], strict=True)],
                range(count),
                scale=zoom,
                chosen=[chosen],
                values=np.moveaxis(maps, -1, 0) if spatial and maps.size <= _HOVERED else None,
            )
        ],
        key="layer_kept" if kept else "layer",
        label=f"The {counted(count, what)} of {layer}; {what} {chosen + 1} is marked.",
        on_pick=lambda _, map_: go(layer, map_),
    )
    signed = bool((maps if range_ is None else np.array(range_)).min() < 0)
    st.caption(f"{_statistics(maps, what)} {colours(signed)}")
    return range_


def _statistics(maps: np.ndarray, what: str) -> str:
    count = maps.shape[-1]
    silent = int((np.abs(maps).max(axis=(0, 1)) == 0).sum())
    zeros = f", {silent} of them zero everywhere in this picture" if silent else ""
    return (
        f"{counted(count, what)}{zeros}. Values from {maps.min():.4g} to {maps.max():.4g}, mean {maps.mean():.4g}, "
        f"standard deviation {maps.std():.4g}; {(maps == 0).mean():.0%} are zero."
    )


def _large(
    now: ModelView, one: np.ndarray, range_: charts.Range | None, layer: str, chosen: int, picture: Picture
) -> None:
    kept, signed = picture is now.pinned, bool(now.values_of(picture)[layer].min() < 0 or one.min() < 0)
    row, column = row_and_column(now, layer, chosen)
    st.markdown(f"**Map {chosen + 1} of {layer}**" + (", kept picture" if kept else ""))
    pixels.show(
        one,
        range_ or charts.value_range(one, signed),
        key="map_kept" if kept else "map",
        label=f"Map {chosen + 1} of {layer}, {one.shape[0]} by {one.shape[1]} values up to {one.max():.3g}.",
        chosen=(row, column),
        on_pick=lambda r, c: go(layer, chosen, r, c),
    )
    st.caption(
        f"Lowest {one.min():.4g}, mean {one.mean():.4g}, highest {one.max():.4g}, {(one == 0).mean():.0%} zero. "
        "A click on a pixel, or Enter on the one that the arrow keys reach, writes out how it comes about."
    )


def row_and_column(now: ModelView, layer: str, chosen: int) -> tuple[int, ...]:
    """The pixel in view: what was clicked, at first the one with the highest value; () in a vector."""
    values = now.values[layer]
    if values.ndim == 1:
        return ()
    highest = np.unravel_index(values[..., chosen].argmax(), values.shape[:2])
    keys = state.chosen_row(layer, chosen), state.chosen_column(layer, chosen)
    sizes = values.shape[:2]
    return tuple(
        min(st.session_state.get(key, int(index) + 1), size) - 1
        for key, index, size in zip(keys, highest, sizes, strict=True)
    )

"""The Explore page's view of the filters: their kernels, their statistics, and their top activations."""

from collections.abc import Generator

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from cnn import charts, runs
from cnn.config import counted
from cnn.config.layers import CONVOLUTIONS
from cnn.interpret import activation_maximization, filter_statistics
from cnn.interpret.activation_maximization import Excitement
from cnn.interpret.filter_statistics import Statistics
from cnn.networks.batch_size import images_in_time
from cnn.networks.forward import filters
from cnn.ui import background_work, fragments, links, shell, state
from cnn.ui.components import pixels, sheet
from cnn.ui.components.sheet import Strip
from cnn.ui.explore import feature_maps, written_out
from cnn.ui.explore.model_view import ModelView
from cnn.ui.predict import inputs, pictures

_ACTIVITY = 1000  # test images on which the filters' activity is measured, at most
_WORK = 1e11  # multiply-accumulates of all of them: about ten seconds
_CONTACT = 110  # screen pixels that a filter may be wide on the contact sheet
_LARGE = 90  # screen pixels of a crop
_LINE = 90  # grey between crops
_CELL = 168  # pixels of the square of crops on the contact sheet, at most


@fragments.fragment
def show(now: ModelView) -> None:
    """Draw the view."""
    layers = [row.name for row in now.run.config.rows() if row.type in CONVOLUTIONS]
    if not layers:
        st.info("This network has no convolution, so it has no filters to look at.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        layer = links.menu("explore-convolution", "Convolution", layers, on_change=_choose, args=(0,), width=200)
        kernel, bias = _weights(now, layer)
        channels, count = kernel.shape[-2:]
        chosen = links.number(state.FILTER, "Filter", 1, count, width=130) - 1
        channel, in_colour = 0, _in_colour(now, layer, kernel)
        if in_colour:
            shown = links.choice("explore-colour", "Input channels", (_TOGETHER, *written_out.COLOURS))
            in_colour = shown == _TOGETHER
            channel = 0 if in_colour else written_out.COLOURS.index(shown)
        elif channels > 1:
            channel = links.number("explore-channel", f"Input channel (of {channels})", 1, channels, width=180) - 1
        scale = feature_maps.scale_choice()
    all_kernels, one_filter = st.columns(2, gap="large")
    with all_kernels:
        st.subheader("Kernels", anchor=False)
        _kernels(now, layer, kernel, None if in_colour else channel, chosen, scale)
    with one_filter:
        st.subheader(f"Filter {chosen + 1}", anchor=False)
        _one_filter(now, layer, kernel, bias, chosen)
    st.subheader("Top activations", anchor=False)
    _excitement(now, layer, chosen)
    st.subheader("Statistics", anchor=False)
    _statistics(now, layer, kernel, bias)


def _weights(now: ModelView, layer: str) -> tuple[np.ndarray, np.ndarray]:
    """Kernels (k, k, channels seen, filters) and biases (filters,), zeros where there are none."""
    keras_layer, arrays = now.network.forward.layer(layer), now.weights[layer]
    kernel = filters(keras_layer, arrays)
    return kernel, arrays[-1] if keras_layer.use_bias else np.zeros(kernel.shape[-1], np.float32)


def _in_colour(now: ModelView, layer: str, kernel: np.ndarray) -> bool:
    """Whether the filters of a layer look at red, green and blue."""
    (source,) = now.network.forward.takes(layer)
    return kernel.shape[-2] == len(written_out.COLOURS) and bool(written_out.colours_of(now, source))


def _choose(filter_: int | None) -> None:
    if filter_ is not None:
        st.session_state[state.FILTER] = filter_ + 1


def _all(count: int) -> str:
    return f"all {count} filters" if count > 1 else "the one filter"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


# ---------------------------------------------------------------- kernels


def _kernels(now: ModelView, layer: str, kernel: np.ndarray, channel: int | None, chosen: int, scale: str) -> None:
    """All filters of the layer, for one of its input channels; None: as colours, for red, green and blue together."""
    size, _, channels, count = kernel.shape
    every = [_weights(now, row.name)[0] for row in now.run.config.rows() if row.type in CONVOLUTIONS]
    shown = None if channel is None else kernel[:, :, channel]
    sees_own = len(CONVOLUTIONS[type(now.network.forward.layer(layer)).__name__].channels_seen(0, 2)) == 1
    if channel is None:
        over = "over red, green and blue"
    elif _in_colour(now, layer, kernel):
        over = f"for {written_out.COLOURS[channel]}"
    else:
        over = "each for its own input channel" if sees_own else f"for input channel {channel + 1} of {channels}"
    range_ = feature_maps.common_range(scale, kernel, every, signed=True)
    sheet.show(
        [
            Strip(
                charts.rgb_kernels(kernel, range_)
                if shown is None
                else charts.coloured_maps(shown, range_, signed=True),
                [f"filter {index + 1}" for index in range(count)],
                range(count),
                scale=charts.layout(size, size, count, 440, 260)[0],
                chosen=[chosen],
                values=None if shown is None else np.moveaxis(shown, -1, 0),
            )
        ],
        key="kernels",
        label=f"The {counted(count, 'kernel')} of {layer}, {over}.",
        on_pick=lambda _, filter_: _choose(filter_),
    )
    st.caption(
        f"The {counted(count, 'kernel')} of {layer}, {size}×{size} weights each, {over}. "
        + (_GREY_IS_ZERO if channel is None else feature_maps.colours(signed=True))
    )


def _one_filter(now: ModelView, layer: str, kernel: np.ndarray, bias: np.ndarray, chosen: int) -> None:
    """One filter with all its input channels, those with the largest norm first."""
    one = kernel[..., chosen]
    size, _, channels = one.shape
    range_ = charts.value_range(one, signed=True)
    st.markdown(f"{layer} · bias {bias[chosen]:+.5f} · norm {np.linalg.norm(one):.4f}")
    if channels == 1:
        pixels.show(one[..., 0], range_, "kernel", f"The kernel of filter {chosen + 1}.", size=280)
        return
    in_colour = _in_colour(now, layer, kernel)
    order = np.arange(channels) if in_colour else filter_statistics.by_norm(one)
    norms = np.linalg.norm(one, axis=(0, 1))
    names = written_out.COLOURS if in_colour else [f"input channel {index + 1}" for index in range(channels)]
    if in_colour:
        st.image(
            pictures.magnified(charts.rgb_kernels(one[..., None])[0], max(1, _LARGE // size)),
            alt=f"The kernel of filter {chosen + 1} over red, green and blue.",
        )
    sheet.show(
        [
            Strip(
                charts.coloured_maps(one[..., order], range_),
                [f"{names[index]}, norm {norms[index]:.4f}" for index in order],
                [int(index) for index in order],
                scale=charts.layout(size, size, channels, 440, 230)[0],
                values=np.moveaxis(one[..., order], -1, 0),
            )
        ],
        key="channels",
        label=f"The {counted(channels, 'kernel')} of filter {chosen + 1}, one for each input channel.",
    )
    if in_colour:
        st.caption(f"{_GREY_IS_ZERO} Below, its kernels for red, green and blue, on one colour scale.")
        return
    st.caption(
        f"Its {counted(channels, 'kernel')}, one for each input channel, those with the largest norm first, on one "
        "colour scale."
    )


_GREY_IS_ZERO = "Grey is zero: the filter answers to the colours that are brighter than grey, and against the darker."
_TOGETHER = "together"


# ---------------------------------------------------------------- top activations


def _excitement(now: ModelView, layer: str, chosen: int) -> None:
    name, kept = f"excites {layer} {now.state}", f"excites-{layer}"
    found = _found(now, name, kept)
    if found is None and background_work.is_running(name):
        background_work.follow(name, f"Finding the top activations of {layer}", lambda made: _keep(now, kept, made))
        return
    if found is None:
        split, source = inputs.test_pictures(now.run)
        if not len(split.labels):
            st.info(source, icon=":material/image_not_supported:")
            return
        count = activation_maximization.searched(now.run.config.rows(), layer, len(split.labels))
        st.markdown(
            f"The nine of {counted(count, 'test image')} with each filter's highest activations, cropped "
            "to its receptive field, and an image synthesised to activate it as much as possible.",
            width=shell.TEXT_WIDTH,
        )
        st.button(
            f"Find them for {_all(now.values[layer].shape[-1])} of {layer}",
            icon=":material/play_arrow:",
            key="find_excitement",
            on_click=background_work.begin,
            args=(name, lambda: _finding(now, layer, chosen)),
            type="primary",
            help="Takes from a few seconds to a minute. The result is saved with the run.",
        )
        return
    _contact_sheet(now, found, layer, chosen)
    _most_exciting(now, found, layer, chosen)


def _found(now: ModelView, name: str, kept: str) -> Excitement | None:
    if made := background_work.result(name):
        return made
    return None if now.changed else _read(str(now.run.path), now.state, kept, now)


@st.cache_resource(max_entries=8, show_spinner=False)
def _read(path: str, state: str, kept: str, _now: ModelView) -> Excitement | None:
    arrays = runs.read_found(_now.run, kept)
    return Excitement(**arrays) if arrays and set(arrays) == set(Excitement._fields) else None


def _finding(now: ModelView, layer: str, chosen: int) -> Generator[float, None, Excitement]:
    split, _ = inputs.test_pictures(now.run)
    rows = now.run.config.rows()
    images = split.images[: activation_maximization.searched(rows, layer, len(split.labels))]
    found = yield from activation_maximization.of(now.forward, rows, [layer], images, first=chosen)
    return found[layer]


def _keep(now: ModelView, kept: str, made: Excitement) -> None:
    if not now.changed:
        runs.write_found(now.run, kept, **made._asdict())
        _read.clear()


def _contact_sheet(now: ModelView, found: Excitement, layer: str, chosen: int) -> None:
    """Every filter: the image synthesised for it, and its nine crops."""
    cells = contact_cells(found)
    count, crops = found.crops.shape[:2]
    field = next(row.receptive_field for row in now.run.config.rows() if row.name == layer)
    edges = now.network.forward.model.input_shape[1:3]
    whole = f"the whole image, {charts.shape_text(edges)} pixels"
    sees = whole if field.size > min(edges) else f"{field.size}×{field.size} pixels"
    sheet.show(
        [
            Strip(
                cells,
                [f"filter {index + 1}" for index in range(count)],
                range(count),
                scale=max(1, round(_CONTACT / cells.shape[2])),
                chosen=[chosen],
            )
        ],
        key="contact_sheet",
        label=f"For each filter of {layer} the image synthesised for it and the nine crops with its top activations.",
        on_pick=lambda _, filter_: _choose(filter_),
    )
    st.caption(
        f"{_all(count).capitalize()} of {layer}: on the left of each the image synthesised for it, on the right the "
        f"{counted(crops, 'test image')} with its highest {'activation' if crops == 1 else 'activations'}, cropped to "
        f"its receptive field: {sees}.{_made_for(found)}",
        width=shell.TEXT_WIDTH,
    )


def _made_for(found: Excitement) -> str:
    """For how many filters an image was synthesised, where not for all."""
    made = np.isfinite(found.reached)
    if made.all():
        return ""
    first, last = np.flatnonzero(made)[[0, -1]] + 1
    which = f"{int(made.sum())} of {len(made)} filters, among them {first} and {last}"
    return f" In this large network an image takes long, so it was synthesised for {which}."


def contact_cells(found: Excitement) -> np.ndarray:
    """For each filter the image synthesised for it beside a square of its crops, small: uint8 (filters, h, w, 3)."""
    crops = _in_rgb(found.crops, 0 if found.crops.ndim == 4 else found.crops.shape[-1])
    made = _in_rgb(found.maximised, found.maximised.shape[-1])
    count, number, height, width = crops.shape[:4]
    edge = max(1, round(number**0.5 + 0.49))
    step = -(-edge * max(height, width) // _CELL)  # large ones with every second or third pixel
    if step > 1:
        crops, made = crops[:, :, ::step, ::step], made[:, ::step, ::step]
        height, width = crops.shape[2:4]
    grid = np.full((count, edge * edge, height + 1, width + 1, 3), _LINE, np.uint8)  # a line below and right of each
    grid[:, :number, :-1, :-1] = crops
    rows, columns = edge * (height + 1), edge * (width + 1)
    tiled = grid.reshape(count, edge, edge, height + 1, width + 1, 3).swapaxes(2, 3).reshape(count, rows, columns, 3)
    large = np.stack(
        [
            np.asarray(Image.fromarray(one).resize((edge * width, edge * height), Image.Resampling.NEAREST))
            for one in made
        ]
    )
    cells = np.full((count, rows, edge * width + 2 + columns, 3), _LINE, np.uint8)
    cells[:, : edge * height, : edge * width] = large
    cells[:, :, edge * width + 2 :] = tiled
    return cells


def _in_rgb(images: np.ndarray, channels: int) -> np.ndarray:
    """Grey images (..., h, w) without channels (0) or (..., h, w, 1), or in colour (..., h, w, 3) -> (..., h, w, 3)"""
    with_channels = images if channels else images[..., None]
    return with_channels if channels == 3 else with_channels.repeat(3, axis=-1)


def _most_exciting(now: ModelView, found: Excitement, layer: str, chosen: int) -> None:
    """One filter's image and crops, large."""
    split, _ = inputs.test_pictures(now.run)
    st.markdown(f"**Filter {chosen + 1} of {layer}**")
    height, width = found.crops.shape[2:4]
    factor = max(1, _LARGE // max(height, width))
    wide = min(width * factor, round(_LARGE * width / max(height, width)))
    made = np.isfinite(found.reached[chosen])
    with st.container(horizontal=True, gap="small"):
        with st.container(width=max(120, wide), gap="xsmall"):
            if made:
                st.image(
                    pictures.magnified(found.maximised[chosen].squeeze(), factor),
                    width=wide,
                    alt=f"The image synthesised for filter {chosen + 1}.",
                )
            said = f"Synthesised (activation {found.reached[chosen]:.3g})"
            st.caption(said if made else "No image was synthesised for this filter: it would take too long.")
        for index, place, value, crop in zip(
            found.images[chosen], found.places[chosen], found.values[chosen], found.crops[chosen], strict=True
        ):
            known = index < len(split.labels)
            name = now.class_names[split.labels[index]] if known else "a test image"
            with st.container(width=max(100, wide), gap="xsmall"):
                st.image(
                    pictures.magnified(crop, factor),
                    width=wide,
                    alt=f"{name}, row {place[0] + 1}, column {place[1] + 1}, sum {value:.3g}.",
                )
                st.caption(f"{shell.plain(name)} {value:.3g}")
    starts = "from a random start"
    if np.isfinite(found.spread[chosen]):
        spread = f"{found.spread[chosen]:.2g}"
        starts = f"from several random starts, which differ by a standard deviation of {spread}"
    st.caption(
        "The numbers are the filter's sums before the activation function. "
        + (
            f"The image was synthesised by activation maximisation {starts}; it is kept smooth and dark where that "
            "costs nothing."
            if made
            else ""
        ),
        width=shell.TEXT_WIDTH,
    )


# ---------------------------------------------------------------- statistics


def _statistics(now: ModelView, layer: str, kernel: np.ndarray, bias: np.ndarray) -> None:
    split, source = inputs.test_pictures(now.run)
    if not len(split.labels):
        st.info(source, icon=":material/image_not_supported:")
        return
    images = split.images[: images_in_time(now.run.config.rows(), min(_ACTIVITY, len(split.labels)), _WORK)]
    activity = _activity(now.state, len(images), now, images)[layer]
    found = filter_statistics.of(kernel, bias, activity)
    dead, always = int(found.dead.sum()), int(found.always_on.sum())
    twins = int((found.similarity > 0.9).sum())
    st.markdown(
        f"On {counted(len(images), 'test image')}, **{dead}** of {counted(len(bias), 'filter')} {_is(dead)} dead "
        f"(never active) and **{always}** {_is(always)} always on. **{twins}** {'has' if twins == 1 else 'have'} a "
        "nearly identical other one (cosine similarity above 0.9).",
        width=shell.TEXT_WIDTH,
    )
    st.dataframe(
        _table(found),
        hide_index=True,
        height=320,
        on_select=_row_chosen,
        selection_mode="single-row",
        key=state.FILTER_TABLE,
        alt=f"The {counted(len(bias), 'filter')} of {layer} with norm, bias, sparsity, activity and most similar "
        "filter.",
        column_config={
            "norm": st.column_config.NumberColumn(format="%.3f", help="L2 norm of all its weights."),
            "bias": st.column_config.NumberColumn(format="%.4f"),
            "near zero": st.column_config.NumberColumn(
                format="percent", help="Weights within 1% of the layer's largest."
            ),
            "images": st.column_config.ProgressColumn(
                "active in",
                min_value=0.0,
                max_value=1.0,
                format="percent",
                help="Fraction of the images with an activation anywhere in the map.",
            ),
            "places": st.column_config.NumberColumn("active places", format="percent"),
            "mean": st.column_config.NumberColumn(format="%.4f", help="Mean output of the activation function."),
            "cosine": st.column_config.NumberColumn(
                format="%.2f", help="Cosine similarity of its weights and the most similar filter's."
            ),
        },
    )
    st.caption(f"{source} A row opens its filter. A click on a column's name sorts by it.")


@st.cache_resource(max_entries=8, show_spinner="Measuring the activity on test images…")
def _activity(state: str, count: int, _now: ModelView, _images: np.ndarray) -> dict[str, filter_statistics.Activity]:
    return filter_statistics.activity(_now.forward, _images)


def _table(found: Statistics) -> pd.DataFrame:
    state = np.where(found.dead, "dead", np.where(found.always_on, "always on", ""))
    return pd.DataFrame(
        {
            "filter": np.arange(len(found.norm)) + 1,
            "norm": found.norm,
            "bias": found.bias,
            "near zero": found.sparsity,
            "images": found.pictures,
            "places": found.values,
            "mean": found.mean,
            "state": state,
            "most similar": found.twin + 1,
            "cosine": found.similarity,
        }
    )


def _row_chosen() -> None:
    if rows := st.session_state[state.FILTER_TABLE].selection.rows:
        _choose(rows[0])

"""The Explore page's view for edits: filters ablated, isolated, scaled or set, and what that does at once."""

from collections.abc import Generator
from math import prod

import numpy as np
import streamlit as st

from cnn import charts, runs
from cnn.config import counted
from cnn.interpret import ablation
from cnn.interpret.ablation import Bench, Operation
from cnn.networks.batch_size import images_in_time
from cnn.networks.forward import INPUT, filters
from cnn.runs import Run
from cnn.ui import background_work, figures, links, shell, state
from cnn.ui.components import pixels, sheet
from cnn.ui.components.sheet import Strip
from cnn.ui.explore import model_view
from cnn.ui.explore.model_view import ModelView
from cnn.ui.models import Network
from cnn.ui.predict import inputs

_TESTED = 1000  # test images on which every edit is tried, at most
_ABLATED_ON = 500  # of them, for the chart of every filter ablated in turn, at most
_WORK = 1e11  # multiply-accumulates of all tested images: about ten seconds
_SENT = 400_000  # pixels of all maps of a layer together; more of them are reduced
_VALUES = 2**25  # of all tested images, which are kept: 128 MB


def show(now: ModelView) -> None:
    """Draw the view. The whole page follows an edit, because every part of it sees the edited network."""
    layers = ablation.operable(now.network.forward)
    if not layers:
        st.info("This network has no filters to edit: its only layer with weights is the output.")
        return
    bench, source = _bench(now)
    if bench is None:
        st.info(source, icon=":material/image_not_supported:")
        return
    before = _predictions(now.base_state, now.base_state, now.network, bench, now.base, now.base)
    after = _predictions(now.state, now.base_state, now.network, bench, now.weights, now.base)
    table, outcome = st.columns(2, gap="large")
    with table:
        layer, filters = _edits(now, layers)
    with outcome:
        _outcome(now, bench, before, after, source)
    _importance(now, layer, filters)


# ---------------------------------------------------------------- the edits


def _edits(now: ModelView, layers: list[str]) -> tuple[str, list[int]]:
    """Choose filters and do something to them. Returns the layer and the chosen filters."""
    layer = links.menu("explore-edit", "Layer to edit", layers, width=300)
    key = state.edited_filters(now.run.id, layer)
    values = now.values[layer]
    count = values.shape[-1]
    _filters(now, layer, key)
    chosen = st.multiselect(
        "Filters",
        range(1, count + 1),
        key=key,
        persist_state="session",
        placeholder="Click maps above, or choose numbers",
    )
    filters = sorted(number - 1 for number in chosen)

    def do(kind: ablation.Kind, **options) -> None:
        done = model_view.operations(now.run)
        model_view.operate(now.run, [*done, Operation(kind, layer, tuple(filters), **options)])

    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        nothing = not filters
        st.button(
            "Ablate",
            icon=":material/visibility_off:",
            key="ablate",
            disabled=nothing,
            on_click=do,
            args=("ablate",),
            help="Sets the output of the chosen filters to zero.",
        )
        st.button(
            "Isolate",
            icon=":material/filter_1:",
            key="isolate",
            disabled=nothing,
            on_click=do,
            args=("isolate",),
            help="Sets the output of all other filters of the layer to zero.",
        )
        factor = st.number_input("Factor", -10.0, 10.0, 0.5, step=0.5, key="scale_factor", width=105)
        st.button(
            "Scale", icon=":material/tune:", key="scale_filters", disabled=nothing, on_click=do, args=("scale",),
            kwargs={"factor": factor},
        )  # fmt: skip
    if len(filters) == 1:
        _edit(now, layer, filters[0], do)
    elif nothing:
        st.caption("Choose filters to ablate, isolate or scale them; choose a single one to change its weights.")
    return layer, filters


def _filters(now: ModelView, layer: str, key: str) -> None:
    """All maps of a layer; a click selects or deselects one."""
    values = now.values[layer]
    spatial = values.ndim == 3
    maps = values if spatial else values[None, None]
    height, width, count = maps.shape

    def toggle(_: int, map_: int | None) -> None:
        chosen = st.session_state.get(key, [])
        if map_ is not None:
            now_without = [number for number in chosen if number != map_ + 1]
            st.session_state[key] = now_without if len(now_without) < len(chosen) else [*chosen, map_ + 1]

    chosen = st.session_state.get(key, [])
    small = charts.reduced(maps, max(14, int((_SENT / count) ** 0.5)))
    height, width = small.shape[:2]
    zoom = charts.layout(height, width, count, 430, 260)[0] if spatial else 14
    sheet.show(
        [
            Strip(
                charts.coloured_maps(small, None if spatial else charts.value_range(maps), bool(maps.min() < 0)),
                [f"filter {index + 1}" for index in range(count)],
                range(count),
                scale=max(1, min(zoom, 4 if height > 7 else 8)),
                chosen=[number - 1 for number in chosen],
            )
        ],
        key="edited_maps",
        label=f"The {counted(count, 'map')} of {layer} for this image; the selected ones are marked.",
        on_pick=toggle,
    )
    st.caption(f"The {counted(count, 'map')} of {layer} for this image. A click selects or deselects a filter.")


def _edit(now: ModelView, layer: str, filter_: int, do) -> None:
    """One filter's kernel, of which a weight can be set."""
    keras_layer, arrays = now.network.forward.layer(layer), now.weights[layer]
    kernel = filters(keras_layer, arrays)[..., filter_]
    spatial = kernel.ndim == 3
    st.markdown(f"**Filter {filter_ + 1} of {layer}**")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        channels = kernel.shape[-1]
        source = now.network.forward.takes(layer)[0]
        channel = 0
        if channels > 1:
            norms = np.abs(kernel).sum(axis=(0, 1)) if spatial else np.abs(kernel)
            st.session_state.setdefault(state.edited_channel(layer, filter_), int(norms.argmax()) + 1)
            label = f"Input {'channel ' if spatial else ''}(of {channels})"
            channel = st.number_input(label, 1, channels, key=state.edited_channel(layer, filter_), width=170) - 1
        kinds = ["Weight", "Bias"][: 1 + keras_layer.use_bias]
        what = st.segmented_control("Change", kinds, default="Weight", required=True, key="edit_what")
    place: tuple[int, ...] = ()
    if what == "Weight":
        place = (channel,)
        if spatial:
            row, column = st.session_state.get(state.EDIT_PLACE, (kernel.shape[0] // 2, kernel.shape[1] // 2))
            row, column = min(row, kernel.shape[0] - 1), min(column, kernel.shape[1] - 1)
            pixels.show(
                kernel[..., channel],
                charts.value_range(kernel, signed=True),
                key="edited_kernel",
                label=f"The kernel of filter {filter_ + 1} for input channel {channel + 1}.",
                chosen=(row, column),
                on_pick=lambda r, c: st.session_state.update({state.EDIT_PLACE: (r, c)}),
                size=260,
            )
            of = "the image" if source == INPUT else f"map {channel + 1} of {source}"
            st.caption(
                f"Its weights for {of}. A click, or Enter on the one that the arrow keys reach, selects a weight."
            )
            place = (row, column, channel)
    present = float(kernel[place]) if place else float(arrays[-1][filter_])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        value = st.number_input(
            f"New value (now {present:.5g})",
            value=present,
            format="%.5f",
            step=0.1,
            key=f"edit-{layer}-{filter_}-{place}",
        )
        st.button(
            "Set", icon=":material/edit:", key="set_weight", on_click=do, args=("edit",),
            kwargs={"weight": place, "value": value}, disabled=abs(value - present) < 1e-9,
        )  # fmt: skip


# ---------------------------------------------------------------- what they do


def _tested(now: ModelView, most: int) -> int:
    """How many test images every edit is tried on: fewer of a large network."""
    config = now.run.config
    fit = max(50, _VALUES // prod(config.data.card.input_shape))
    return min(fit, images_in_time(config.rows(), most, _WORK))


def _bench(now: ModelView) -> tuple[Bench | None, str]:
    """Where edits are tried, and what the test images are; None where there are none."""
    split, source = inputs.test_pictures(now.run)
    if not len(split.labels):
        return None, source
    count = _tested(now, _TESTED)
    images, labels = split.images[:count], split.labels[:count]
    return _made(*now.run.network_key, len(labels), now.network, images, labels), source


@st.cache_resource(max_entries=2, show_spinner=False)
def _made(path: str, written: int, count: int, _network: Network, _images: np.ndarray, _labels: np.ndarray) -> Bench:
    return Bench(_network.forward, _images, _labels)


@st.cache_resource(max_entries=60, show_spinner="Measuring it on the test images…")
def _predictions(state: str, base_state: str, _network: Network, _bench: Bench, _weights, _base) -> np.ndarray:
    return _bench.answers(_weights, _base, base_state)


def _outcome(now: ModelView, bench: Bench, before: np.ndarray, after: np.ndarray, source: str) -> None:
    """The prediction, and accuracy and confusion on test images, before and after."""
    labels = bench.labels
    accuracies = [float((found.argmax(axis=1) == labels).mean()) for found in (before, after)]
    done = model_view.operations(now.run)
    confidences = now.probabilities_before, now.probabilities
    best = int(now.probabilities.argmax())
    accuracy, confidence = st.columns(2)
    with accuracy:
        st.metric(
            "Test accuracy",
            f"{accuracies[1]:.1%}",
            f"{(accuracies[1] - accuracies[0]) * 100:+.1f} points" if done else None,
            border=True,
            help=f"On {counted(len(labels), 'test image')}.",
        )
    with confidence:
        st.metric(
            f"This image: {shell.plain(now.class_names[best])}",
            f"{confidences[1][best]:.1%}",
            f"{(confidences[1][best] - confidences[0][best]) * 100:+.1f} points" if done else None,
            border=True,
        )
    changed = int((before.argmax(axis=1) != after.argmax(axis=1)).sum())
    matrix = np.zeros((len(now.class_names),) * 2, int)
    np.add.at(matrix, (labels, after.argmax(axis=1)), 1)
    if done:
        st.markdown("**Edited network**")
        st.markdown("\n".join(f"{number}. {shell.plain(str(one))}" for number, one in enumerate(done, 1)))
        with st.container(horizontal=True):
            model_view.undo_buttons(now.run)
            _save(now)
    figures.show(
        charts.confusion(matrix, now.class_names, height=380),
        key="edited_confusion",
        title="Confusion matrix",
        alt=f"Confusion matrix of {counted(len(labels), 'test image')}: {np.trace(matrix)} correct.",
    )
    differ = f"{changed:,} of {counted(len(labels), 'prediction')} {'differs' if changed == 1 else 'differ'}"
    moved = f"{differ} from those before the edits. " if done else ""
    st.caption(f"{moved}Rows are true labels, columns predictions. {source}")


def _save(now: ModelView) -> None:
    with st.popover("Save as a new run", icon=":material/save:"):
        name = st.text_input("Name", f"{now.run.name}, edited", max_chars=80, key="edited_name")
        if st.button("Save", type="primary", key="save_edited"):
            with shell.show_errors(), st.spinner("Saving it, and measuring it on all test images…"):
                saved = ablation.save(now.run, now.weights, model_view.operations(now.run), name)
                model_view.operate(now.run, [])
                shell.open_run(saved.id)


# ---------------------------------------------------------------- filter importance


def _importance(now: ModelView, layer: str, filters: list[int]) -> None:
    st.subheader("Filter importance (ablation)", anchor=False)
    name, kept = f"ablated {layer} {now.state}", f"muted-{layer}"
    found = background_work.result(name) or (None if now.changed else runs.read_found(now.run, kept))
    if found is None and not background_work.is_running(name):
        st.button(
            f"Ablate each of the {counted(now.values[layer].shape[-1], 'filter')} of {layer} in turn",
            icon=":material/play_arrow:",
            key="ablate_each",
            on_click=background_work.begin,
            args=(name, lambda: _ablating(now, layer)),
            help=f"The accuracy without each of them, on {_tested(now, _ABLATED_ON)} test images at most.",
        )
        return
    if found is None:
        background_work.follow(
            name, "Ablating one filter at a time", None if now.changed else lambda made: _keep(now, kept, made)
        )
        return
    whole, accuracies = float(found["whole"]), found["accuracies"]
    figures.show(
        charts.muted_filters(accuracies, whole, filters),
        key=state.FILTER_IMPORTANCE,
        on_select=lambda: _pick(now.run, layer),
        alt=f"Points of accuracy lost by ablating each filter; at most {(whole - accuracies.min()) * 100:.1f}.",
    )
    idle = int((accuracies >= whole).sum())
    worst = int(accuracies.argmin())
    st.caption(
        f"Accuracy lost on {counted(int(found['pictures']), 'test image')} by ablating one filter of {layer} at a "
        f"time. {idle} of {len(accuracies)} can each be ablated without loss; filter {worst + 1} matters most, "
        f"{(whole - accuracies[worst]) * 100:.1f} points. Green bars are gains. A click on a bar selects its filter.",
        width=shell.TEXT_WIDTH,
    )


def _ablating(now: ModelView, layer: str) -> Generator[float, None, dict[str, np.ndarray]]:
    split, _ = inputs.test_pictures(now.run)
    count = _tested(now, _ABLATED_ON)
    images, labels = split.images[:count], split.labels[:count]
    bench = Bench(now.network.forward, images, labels)
    whole = (bench.answers(now.weights, now.weights, now.state).argmax(axis=1) == labels).mean()
    accuracies = yield from bench.without_each(layer, now.weights, now.state)
    return {"accuracies": accuracies, "whole": np.array(whole), "pictures": np.array(len(labels))}


def _keep(now: ModelView, name: str, found: dict[str, np.ndarray]) -> None:
    runs.write_found(now.run, name, **found)


def _pick(run: Run, layer: str) -> None:
    if points := st.session_state[state.FILTER_IMPORTANCE].selection.points:
        st.session_state[state.edited_filters(run.id, layer)] = [int(points[0]["x"])]

"""Why convolutions: what a value depends on, parameters against a dense layer, and a garment that is shifted."""

from collections.abc import Generator

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn import charts, data, runs
from cnn.config import geometry
from cnn.config.layers import CONVOLUTIONS
from cnn.evaluation.examples import Examples
from cnn.lessons import perturbations
from cnn.runs import Run
from cnn.ui import background_work, figures, models, shell, state
from cnn.ui.components import pixels
from cnn.ui.learn import controls, maps
from cnn.ui.learn.given import Given
from cnn.ui.learn.prose import note, say
from cnn.ui.models import Network
from cnn.ui.predict import inputs, pictures
from cnn.ui.predict.pictures import Picture

_SHIPPED = ("dense", "lecture")  # alike but for the convolutions
_FEW = 1_000  # test images
_SLICE = 500  # test images that are predicted without a pause
_LARGEST = 1024  # edge of an image that is counted for
_PLACE = (state.WHY_ROW, state.WHY_COLUMN)
_SIZE = 280  # screen pixels of an image


def show(run: Run, network: Network, on: Given, below: DeltaGenerator) -> None:
    """Draw the lesson."""
    kernel = int(controls.choice("why_kernel", "Kernel k", ["3×3", "5×5", "7×7"])[0])
    _locality(on, kernel)
    with below:
        st.subheader("Parameters and connections", anchor=False)
        _counting(kernel)
        st.subheader("A shifted garment", anchor=False)
        _trial(run, on.picture)


# ---------------------------------------------------------------- parameters and connections


def _counting(kernel: int) -> None:
    """Compare the two layers on an image of any size."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        with st.container(width=150):
            height = controls.number("why_height", "Height h", 28, _LARGEST, 28, 28)
        with st.container(width=150):
            width = controls.number("why_width", "Width w", 28, _LARGEST, 28, 28)
        with st.container(width=150):
            units = controls.number("why_units", "Units or filters n", 1, 1024, 64)
        channels = int(controls.choice("why_channels", "Channels c", ["1", "3"]))
    places, window = height * width, kernel * kernel * channels
    dense = geometry.dense_parameters(places * channels, units)
    convolution = geometry.convolution_parameters(kernel, channels, units)
    all_dense = places * channels * places * units
    shared = geometry.convolution_parameters(kernel, channels, units, bias=False) * places
    size = rf"{height} \cdot {width}"
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**Dense layer**: each unit has a weight for each of the {places * channels:,} input values.")
        _sum("parameters", r"h\,w\,c\,n + n", rf"{size} \cdot {channels} \cdot {units} + {units}", dense)
        _sum("connections", r"(h\,w\,c)\,(h\,w\,n)", rf"{size} \cdot {channels} \cdot {size} \cdot {units}", all_dense)
    with right:
        st.markdown(f"**Convolution**: each filter has {window} weights, the same ones at every position.")
        square = rf"{kernel} \cdot {kernel}"
        _sum("parameters", r"k\,k\,c\,n + n", rf"{square} \cdot {channels} \cdot {units} + {units}", convolution)
        _sum("connections", r"(h\,w\,n)\,(k\,k\,c)", rf"{size} \cdot {units} \cdot {square} \cdot {channels}", shared)
    named = {"dense": [dense, all_dense], "convolution": [convolution, shared]}
    figures.show(
        charts.amounts(["parameters", "connections"], named),
        key="why_amounts",
        title="Parameters and connections, logarithmic scale",
        alt=f"Bars: {dense:,} parameters of the dense layer and {convolution:,} of the convolution; {all_dense:,} "
        f"connections of a dense layer and {shared:,} of the convolution.",
    )
    say(
        f"The dense layer has **{_times(dense, convolution)}** parameters. To produce the same number of values as the "
        f"convolution, it needs **{_times(all_dense, shared)}** connections."
    )
    note(
        f"Parameters: {units} dense units compared with {units} filters, biases included. Connections: the number of "
        f"products that make {units} maps of {height}×{width} values, with stride 1 and padding “same”, those with "
        "the zeros of the border included."
    )


def _sum(what: str, letters: str, numbers: str, result: int) -> None:
    written = f"{result:,}".replace(",", "{,}")
    st.latex(rf"\begin{{aligned}} \text{{{what}}} &= {letters} \\ &= {numbers} \\ &= {written} \end{{aligned}}")


def _times(many: int, few: int) -> str:
    """How many times as many, in words."""
    ratio = many / few
    if ratio < 1:
        return f"only {ratio:.3g} times as many"
    return f"{ratio:,.0f} times as many" if ratio >= 100 else f"{ratio:.3g} times as many"


# ---------------------------------------------------------------- locality


def _locality(on: Given, kernel: int) -> None:
    """The pixels that one value of a convolution depends on, and those that one unit of a dense layer does."""
    height, width = on.grey.shape
    row, column = (
        min(st.session_state.get(key, size // 2), size - 1) for key, size in zip(_PLACE, (height, width), strict=True)
    )
    before = geometry.padding_before(height, kernel, padding="same")
    top, left = max(0, row - before), max(0, column - before)
    seen = (top, left, min(height, row - before + kernel) - top, min(width, column - before + kernel) - left)
    views = (
        ("why_local", f"A convolution: {seen[2] * seen[3]} pixels", seen, _pick),
        ("why_all", f"A dense layer: all {height * width} pixels", (0, 0, height, width), None),
    )
    with st.container(horizontal=True, gap="small"):
        for key, title, frame, on_pick in views:
            with st.container(width=_SIZE, gap="xsmall"):
                st.markdown(f"**{title}**")
                label = f"{on.title} with a frame around {frame[2]} by {frame[3]} pixels from row {frame[0] + 1}, "
                pixels.show(
                    on.grey,
                    (0.0, 1.0),
                    key,
                    f"{label}column {frame[1] + 1}.",
                    chosen=frame,
                    on_pick=on_pick,
                    size=_SIZE,
                )
    note(
        f"{shell.plain(on.title)}: yellow is bright, dark blue dark. The frame holds the pixels that one value "
        "depends on. Click anywhere in the left image, or press Enter there: the window moves and keeps its weights."
    )


def _pick(row: int, column: int) -> None:
    st.session_state.update(zip(_PLACE, (row, column), strict=True))


# ---------------------------------------------------------------- a shifted garment


def _trial(run: Run, picture: Picture) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        with st.container(width=260):
            right = controls.whole(
                "why_right", "Shift right by", -6, 6, 3, "Pixels. Negative values shift to the left."
            )
        with st.container(width=260):
            down = controls.whole("why_down", "Shift down by", -6, 6, 0, "Pixels. Negative values shift up.")
        shipped = {found.id: found for found in runs.shipped()}
        tried = [shipped[id_] for id_ in _SHIPPED]
        cards = {found.config.data.card for found in (tried[0], run)}
        comparable = len({(card.class_names, card.input_shape, card.name) for card in cards}) == 1
        if (
            comparable
            and run.path not in [found.path for found in tried]
            and controls.switch("why_this", "Also this run")
        ):
            tried.append(run)
    _answers(tried, maps.seen_by(picture, tried[0]), right, down)
    _accuracies(tried, right, down)


def _answers(tried: list[Run], picture: Picture, right: int, down: int) -> None:
    """The image where it is now, and what each network predicts."""
    shifted, names = perturbations.shifted(picture.seen.pixels[None], right, down), picture.card.class_names
    first, *columns = st.columns([1, *[2] * len(tried)], gap="medium")
    with first:
        st.image(
            pictures.magnified((shifted[0, ..., 0] * 255).round().astype(np.uint8), 6),
            width=168,
            alt=f"{picture.title}, {_moved_by(right, down)}; the rest is filled with black.",
        )
        note(_moved_by(right, down).capitalize() + ".")
    for number, (column, found) in enumerate(zip(columns, tried, strict=True)):
        probabilities = models.load(found).predict(shifted)[0]
        best = int(probabilities.argmax())
        with column:
            figures.show(
                charts.probabilities(probabilities, names, height=280, true=picture.label),
                key=f"why_bars_{number}",
                title=f"{shell.plain(found.name)}, {_convolutions(found)}",
                alt=f"{found.name} predicts {names[best]} with {probabilities[best]:.1%}.",
            )
    ticked = f" ✓ marks the true label, {names[picture.label]}." if picture.label is not None else ""
    note(f"Probabilities; the prediction is blue.{ticked}")


def _convolutions(run: Run) -> str:
    count = sum(row.type in CONVOLUTIONS for row in run.config.rows())
    return "no convolution" if not count else f"{count} convolution{'s' * (count > 1)}"


def _moved_by(right: int, down: int) -> str:
    """In words."""
    ways = [(right, "to the right", "to the left"), (down, "down", "up")]
    words = [f"{abs(by)} pixel{'s' * (abs(by) > 1)} {forth if by > 0 else back}" for by, forth, back in ways if by]
    return f"shifted {' and '.join(words)}" if words else "not shifted"


def _accuracies(tried: list[Run], right: int, down: int) -> None:
    """How many of the test images each network predicts correctly, as they are and shifted."""
    split, source = inputs.test_pictures(tried[0])
    available = len(split.labels)
    count = min(available, _FEW)
    sizes = [f"{_FEW:,}", f"{available:,}"]
    if available > _FEW and controls.choice("why_count", "Test images", sizes) == sizes[1]:
        count = available
        name = f"why-{right}-{down}-" + "-".join(f"{found.path}" for found in tried)
        found = _in_the_background(name, tried, split, right, down)
    else:
        with st.spinner(f"Predicting {count:,} images…"):
            found = _finished(_counts(tried, split, count, right, down))
    if found is None:
        return
    accuracies = np.array(found) / count
    with st.container(horizontal=True, gap="large"):
        for run, (whole, shifted) in zip(tried, accuracies, strict=True):
            st.metric(
                f"{shell.plain(run.name)}, {_moved_by(right, down)}",
                f"{shifted:.1%}",
                f"not shifted: {whole:.1%}",
                delta_color="off",
                delta_arrow="off",
                width="content",
            )
    say(_verdict(tried, accuracies, right, down))
    first = f", the first {count:,} of them" if count < available else ""
    chance = " With so few images, a difference of a few points may be chance." if count < _FEW else ""
    note(f"Accuracy, measured on this machine. {source.rstrip('.')}{first}.{chance}")


def _verdict(tried: list[Run], accuracies: np.ndarray, right: int, down: int) -> str:
    """What the numbers, (networks, 2), say."""
    if not right and not down:
        return "Nothing is shifted yet. Shift the image by a few pixels."
    lost = 100 * (accuracies[:, 0] - accuracies[:, 1])
    first, *others = np.argsort(lost, kind="stable")
    words = [f"{shell.plain(tried[index].name)} {_points(lost[index])}" for index in others]
    said = (
        f"{_moved_by(right, down).capitalize()}: **{shell.plain(tried[first].name)}** loses the fewest points of "
        f"accuracy, **{_points(lost[first])}**; {', '.join(words)}."
    )
    all_lose = "Both lose accuracy." if len(tried) == 2 else "All lose accuracy."
    return f"{said} {all_lose}" if lost.min() > 0 else said


def _points(points: float) -> str:
    return f"{points:.1f}".replace("-", "−")


def _counts(
    tried: list[Run], split: data.Split | Examples, count: int, right: int, down: int
) -> Generator[float, None, list[tuple[int, int]]]:
    """How many of the first images each network predicts correctly, as they are and shifted; yields the progress."""
    networks = [models.load(run) for run in tried]
    starts = range(0, count, _SLICE)
    found = [[0, 0] for _ in tried]
    for number, start in enumerate(starts, 1):
        for counts, run, network in zip(found, tried, networks, strict=True):
            for place, (x, y) in enumerate(((0, 0), (right, down))):
                stop = min(start + _SLICE, count)
                counts[place] += _right(*run.network_key, len(split.labels), start, stop, x, y, network, split)
        yield number / len(starts)
    return [(whole, shifted) for whole, shifted in found]


@st.cache_data(max_entries=20_000, show_spinner=False)
def _right(
    path: str, written: int, available: int, start: int, stop: int, right: int, down: int,
    _network: Network, _split: data.Split | Examples,
) -> int:  # fmt: skip
    """How many of some test images are predicted correctly once they are shifted."""
    shifted = perturbations.shifted(data.scaled(_split.images[start:stop]), right, down)
    parts = [slice(begin, begin + 100) for begin in range(0, len(shifted), 100)]
    labels = _split.labels[start:stop]
    return sum(perturbations.count_right(_network.predict, shifted[part], labels[part]) for part in parts)


def _finished(steps: Generator[float, None, list[tuple[int, int]]]) -> list[tuple[int, int]]:
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def _in_the_background(
    name: str, tried: list[Run], split: data.Split | Examples, right: int, down: int
) -> list[tuple[int, int]] | None:
    """The same on all images, with progress and a stop; None until it is there."""
    if (found := background_work.result(name)) is not None:
        return found
    count = len(split.labels)
    if background_work.is_running(name):
        background_work.follow(name, f"Predicting {count:,} images")
        return None
    st.button(
        f"Measure on {count:,} images",
        icon=":material/play_arrow:",
        key="why_measure",
        on_click=background_work.begin,
        args=(name, lambda: _counts(tried, split, count, right, down)),
    )
    return None

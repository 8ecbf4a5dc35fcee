"""The Evaluate page's view for robustness: accuracy as the test images are made harder, and the images that flip first.

Loads TensorFlow only to measure: what was measured before is drawn without it.
"""

from collections.abc import Generator

import numpy as np
import pandas as pd
import streamlit as st

from cnn import charts, data
from cnn.charts.robustness import Line, accuracy_over_strength
from cnn.config import counted, duration
from cnn.evaluation import robustness, scores
from cnn.evaluation.corruptions import CORRUPTIONS, STRENGTHS, corrupted
from cnn.evaluation.robustness import Robustness
from cnn.runs import Run
from cnn.ui import background_work, figures, fragments, links, preload, shell, state
from cnn.ui.evaluate import gallery, measured
from cnn.ui.evaluate.open_image import explain_link
from cnn.ui.predict import inputs, pictures

_SIZES = {"500": 500, "2,000": 2_000, "All": None}  # images
_TIMED = 60  # images of a batch by which the pace is measured
_LARGE = 150  # screen pixels of an opened image
_MOST_RUNS = charts.MAX_OVERLAY


def show(run: Run) -> None:
    """Draw the view."""
    split = measured.if_here(run, lambda: inputs.split_of(run.config.data, "test"))
    if split is None:
        return
    chosen, count = _choices(run, split)
    found = {one.id: robustness.kept(one, split, count) for one in chosen}
    missing = [one for one in chosen if found[one.id] is None or not found[one.id].is_whole]
    name = f"robustness-{count}-{'-'.join(str(one.network_key) for one in chosen)}"
    for one in list(missing):  # where nothing can be kept
        if (result := (background_work.result(name) or {}).get(one.id)) is not None:
            found[one.id] = result
            missing.remove(one)
    if missing:
        _measure(name, run, missing, split, count)
    begun = [(one, found[one.id]) for one in chosen if found[one.id] is not None and found[one.id].found]
    if not begun:
        return
    whole = [corruption for corruption in CORRUPTIONS if all(corruption in one.found for _, one in begun)]
    if whole:
        _numbers(run, begun, whole)
        _curves(run, begun, whole)
    if begun[0][0].id == run.id:
        fragments.fragment(_flipped)(run, begun, split, count)


def _choices(run: Run, split: data.Split) -> tuple[list[Run], int]:
    """Which runs, the current one first, and how many images."""
    names = shell.labels()
    fits = {
        names[other.id]: other
        for other in shell.listed()
        if other.has_model and not other.problem and other.id != run.id and _same_images(other, run)
    }
    with st.container(horizontal=True, vertical_alignment="bottom"):
        size = links.choice(
            "robustness-images",
            "Test images",
            list(_SIZES),
            "2,000",
            help="The same ones for every run: those whose pixels have the lowest hashes. A larger sample contains the "
            "smaller ones, so nothing is computed twice.",
        )
        others = links.several(
            "robustness-with",
            "Compare with runs",
            list(fits),
            max_selections=_MOST_RUNS - 1,
            placeholder="None" if fits else "No other run with these test images",
            disabled=not fits,
            width=420,
        )
    return [run, *(fits[other] for other in others)], min(_SIZES[size] or len(split.labels), len(split.labels))


def _same_images(one: Run, other: Run) -> bool:
    """Whether both are measured on the same pixels: a network that needs another size gets others."""
    cards = [run.config.data.card for run in (one, other)]
    return len({(card.name, card.class_names, card.input_shape) for card in cards}) == 1


# ---------------------------------------------------------------- measuring


def _measure(name: str, run: Run, missing: list[Run], split: data.Split, count: int) -> None:
    """Progress, or what measuring does, how long it takes here, and the button that begins it."""
    if background_work.is_running(name):
        background_work.follow(name, f"Measuring {counted(count, 'test image')} under {len(CORRUPTIONS)} corruptions")
        return
    if problem := background_work.problem(name):
        st.error(shell.plain(problem), icon=":material/error:")
    begun = any(robustness.kept(one, split, 1) is not None for one in missing)
    with st.container(border=True):
        if not begun:
            st.markdown(
                f"**How well does it recognise images that are not as in training?** {counted(count, 'test image')} "
                f"{'is' if count == 1 else 'are'} changed in {len(CORRUPTIONS)} ways ("
                f"{', '.join(name if name.isupper() else name.lower() for name in CORRUPTIONS)}), each in "
                f"{STRENGTHS} strengths, and predicted again. What is done is kept, also when it is stopped.",
                width=shell.TEXT_WIDTH,
            )
        names = ", ".join(shell.plain(one.name) for one in missing)
        needs = f"Not measured yet: {names}." if not begun else f"Not all of it is measured yet: {names}."
        with st.spinner("Measuring how fast this machine is…"):
            seconds = sum(
                robustness.left_to_do(one, split, count) * _pace(*one.network_key, one, split) for one in missing
            )
        st.caption(f"{needs} That takes about {duration(max(1.0, seconds))} here, judged by a first batch of each.")
        st.button(
            "Resume" if begun else "Measure",
            icon=":material/play_arrow:",
            type="primary",
            key="measure_robustness",
            on_click=background_work.begin,
            args=(name, lambda: _measuring(missing, split, count)),
        )


def _measuring(missing: list[Run], split: data.Split, count: int) -> Generator[float, None, dict[str, Robustness]]:
    """One run after the other; each takes a fraction of the bar by its work."""
    work = [robustness.left_to_do(one, split, count) * _pace(*one.network_key, one, split) for one in missing]
    found, before = {}, 0.0
    for one, seconds in zip(missing, work, strict=True):
        steps = robustness.measuring(one, _network(*one.network_key, one), split, count)
        while True:
            try:
                yield (before + next(steps) * seconds) / max(sum(work), 1e-9)
            except StopIteration as end:
                found[one.id] = end.value
                break
        before += seconds
    return found


@st.cache_resource(max_entries=16, show_spinner=False)
def _pace(path: str, written: int, _run: Run, _split: data.Split) -> float:
    return robustness.seconds_an_image(_network(path, written, _run), _split.images[:_TIMED])


@st.cache_resource(max_entries=4, show_spinner=False)
def _network(path: str, written: int, _run: Run):
    preload.tensorflow()
    from cnn.networks.load import load

    return load(_run)


# ---------------------------------------------------------------- what was found


def _numbers(run: Run, begun: list[tuple[Run, Robustness]], whole: list[str]) -> None:
    """The headline: accuracy without and with corruptions."""
    names = shell.labels()
    is_whole = len(whole) == len(CORRUPTIONS)
    partly = "" if is_whole else f" ({len(whole)} of {len(CORRUPTIONS)} so far)"
    if len(begun) > 1:
        st.markdown(f"**Mean accuracy under corruption{partly}**")
    with st.grid("auto", min_column_width=220):
        for one, found in begun:
            mean = found.mean_accuracy(*whole)
            drop = (mean - found.clean_accuracy) * 100
            st.metric(
                shell.plain(names.get(one.id, one.name))
                if len(begun) > 1
                else f"Mean accuracy under corruption{partly}",
                f"{mean:.1%}",
                f"{drop:+.1f} points from {found.clean_accuracy:.1%}",
                border=True,
                help=f"The mean over {counted(len(whole), 'corruption')} and {STRENGTHS} strengths of the accuracy on "
                f"{counted(len(found), 'test image')}, each counting the same. Without corruption: "
                f"{found.clean_accuracy:.1%}.",
            )
        if len(begun) == 1 and is_whole:
            means = {name: begun[0][1].mean_accuracy(name) for name in whole}
            for title, name in (("Hardest", min(means, key=means.get)), ("Easiest", max(means, key=means.get))):
                st.metric(
                    f"{title}: {name if name.isupper() else name.lower()}",
                    f"{means[name]:.1%}",
                    border=True,
                    help="Mean accuracy over its strengths.",
                )


def _line(run: Run, found: Robustness, corruption: str) -> Line:
    right, count = found.right(corruption), len(found)
    low, high = zip(*(scores.interval(int(one), count) for one in right), strict=True)
    return Line(shell.labels().get(run.id, run.name), right / count, np.array(low), np.array(high))


def _labels(corruption: str) -> list[str]:
    return [CORRUPTIONS[corruption].label(strength) for strength in range(STRENGTHS + 1)]


def _curves(run: Run, begun: list[tuple[Run, Robustness]], whole: list[str]) -> None:
    classes = len(run.config.data.card.class_names)
    lines = {name: [_line(one, found, name) for one, found in begun] for name in whole}
    count = len(begun[0][1])
    figures.show(
        accuracy_over_strength(lines, {name: _labels(name) for name in whole}, classes),
        key="robustness_curves",
        title="Accuracy over strength",
        alt="Accuracy at strengths 0 to 5: "
        + "; ".join(f"{name} {each[0].accuracy[0]:.0%} to {each[0].accuracy[-1]:.0%}" for name, each in lines.items()),
    )
    st.caption(
        f"Accuracy on {counted(count, 'test image')} with 95% intervals; strength 0 is the image as it is. The dotted "
        f"line is guessing, 1 of {classes}.{shell.synthetic_note(run)}"
    )
    with st.expander("Table", icon=":material/table:"):
        _table(begun, whole)


def _table(begun: list[tuple[Run, Robustness]], whole: list[str]) -> None:
    names = shell.labels()
    rows = []
    for one, found in begun:
        for corruption in whole:
            accuracy = found.right(corruption) / len(found)
            steps = {str(strength): value for strength, value in enumerate(accuracy)}
            first = {"Run": names.get(one.id, one.name)} if len(begun) > 1 else {}
            strengths = ", ".join(_labels(corruption)[1:])
            rows.append(
                {**first, "Corruption": corruption, **steps, "Mean": accuracy[1:].mean(), "Strengths": strengths}
            )
    percent = st.column_config.NumberColumn(format="percent")
    columns = dict.fromkeys(("Mean", *map(str, range(STRENGTHS + 1))), percent)
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=columns, key="robustness_table")


# ---------------------------------------------------------------- the images that flip first


def _flipped(run: Run, begun: list[tuple[Run, Robustness]], split: data.Split, count: int) -> None:
    found = begun[0][1]
    st.subheader("One corruption, and the images that flip first", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = links.menu("robustness-corruption", "Corruption", list(found.found), width=200)
        strengths = _labels(name)[1:]
        strength = (
            strengths.index(links.steps(f"robustness-{name.lower()}", "First wrong at", strengths, width=320)) + 1
        )
    chart, images = st.columns([4, 6], gap="large")
    with chart:
        lines = [_line(one, result, name) for one, result in begun if name in result.found]
        figures.show(
            accuracy_over_strength({name: lines}, {name: _labels(name)}, len(run.config.data.card.class_names)),
            key="robustness_one",
            title=name,
            alt=f"Accuracy without and under {name} at five strengths: "
            + ", ".join(f"{value:.0%}" for value in lines[0].accuracy),
        )
        st.caption(CORRUPTIONS[name].about)
    with images:
        _gallery(run, found, split, name, strength)


def _gallery(run: Run, found: Robustness, split: data.Split, name: str, strength: int) -> None:
    """The images that are right below this strength and wrong at it, as they are then."""
    places, firsts = found.flips(name)
    places = places[firsts == strength]
    label = CORRUPTIONS[name].label(strength)
    if not len(places):
        st.info(f"No image becomes wrong at {label}. Choose another strength.", icon=":material/check_circle:")
        return
    indices = robustness.sample(split.images)[places]
    names = run.config.data.card.class_names
    predicted = found.found[name].predicted[strength - 1, places]
    truth = found.found[name].truth[strength - 1, places]
    shown = _corrupted(name, strength, indices.tobytes(), split.images[indices])
    st.markdown(
        f"**{counted(len(places), 'image')}** of {found.right(name)[0]:,} that are right as they are "
        f"become wrong at {label}; the clearest mistakes first."
    )
    captions = [
        f"{index}: {names[label]}, predicted {names[said]}, true label {probability:.0%}"
        for index, label, said, probability in zip(indices, found.labels[places], predicted, truth, strict=True)
    ]
    key = state.OPENED_FLIP
    opened = st.session_state.get(key)
    at = int(np.flatnonzero(indices == opened)[0]) if opened in indices else None
    if at is not None:
        _pair(run, split, shown[at], int(indices[at]), captions[at], label)
    gallery.show(
        shown,
        range(len(places)),
        captions,
        f"robustness-{name.lower()}-{strength}-page",
        f"{len(places)} test images with {name.lower()} {label}, each predicted wrongly.",
        opened=at,
        on_open=lambda place: st.session_state.update({key: int(indices[place])}),
    )
    st.caption("As the network gets them. Point at an image to read what is predicted; click it to see it large.")


def _pair(run: Run, split: data.Split, made: np.ndarray, index: int, caption: str, label: str) -> None:
    """The opened image without and with the corruption."""
    with st.container(border=True, horizontal=True, gap="medium"):
        for image, alt in ((split.images[index], "as it is"), (made, label)):
            factor = max(1, 2 * _LARGE // max(image.shape[:2]))  # enough pixels that each stays a square
            wide = gallery.width_within(image, _LARGE)
            st.image(pictures.magnified(image, factor), alt=f"Test image {index} {alt}.", caption=alt, width=wide)
        with st.container(width="stretch", gap="xsmall"):
            st.markdown(f"**Test image {index:,}**")
            st.markdown(shell.plain(caption.partition(": ")[2]) + ".")
            explain_link(run, "test", split.labels, index)


@st.cache_data(max_entries=20, show_spinner=False)
def _corrupted(name: str, strength: int, indices: bytes, _images: np.ndarray) -> np.ndarray:
    return corrupted(_images, CORRUPTIONS[name], strength)

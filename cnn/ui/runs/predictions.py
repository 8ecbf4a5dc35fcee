"""The compared runs on the same images: how far apart they are, on which images, class by class, and together."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import streamlit as st

from cnn.charts.comparison import class_differences
from cnn.config import counted
from cnn.evaluation import calibration, latency, paired, scores
from cnn.evaluation.paired import Boxes, ClassDifference
from cnn.evaluation.predictions import SPLITS, Predictions, SplitName
from cnn.runs import Run
from cnn.ui import background_work, figures, fragments, links, preload, shell, state
from cnn.ui.evaluate import gallery, measured
from cnn.ui.evaluate.open_image import image_query
from cnn.ui.predict.pictures import magnified

Found = TypeVar("Found")
BOXES = ("both-right", "only-first", "only-second", "both-wrong")  # as the link says, in the order of `Boxes`
_ALL = "All classes"
_ORDERS = ("Largest difference", "Smallest difference", "By index")
_MISTAKES = ("Any", "Same class", "Different classes")
_LARGE = 200  # screen pixels of the opened image
_MOST_CLASSES = 40  # in the chart; the table has all
_ROW = 35  # pixels


@dataclass(frozen=True, eq=False)
class Measured:
    """A run with what it predicts, and what it is called here."""

    run: Run
    name: str
    found: Predictions

    @property
    def plain(self) -> str:
        """Its name as Markdown."""
        return shell.plain(self.name)


def show(compared: Sequence[Run], names: Sequence[str]) -> None:
    """Draw the part. Networks that have not been measured yet are measured here, if the visitor wants it."""
    st.subheader("On the same images", anchor=False)
    able = _comparable(compared, names)
    if len(able) < 2:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names_of_splits = {name.capitalize(): name for name in SPLITS}
        split = names_of_splits[links.choice(state.COMPARED_SPLIT, "Images", list(names_of_splits), on_change=_close)]
        beside = st.empty()
    listed = [run for run, _ in able]
    work = f"compared-{split}-" + "-".join(f"{run.id}-{run.network_key[1]}" for run in listed)
    if background_work.is_running(work):
        background_work.follow(work, f"Measuring {counted(len(able), 'network')} on the {split} images")
        return
    just = background_work.result(work) or {}
    found = {run.id: measured.kept(run, split) or just.get(run.id) for run in listed}
    missing = [run for run in listed if found[run.id] is None]
    untimed = [run for run in listed if latency.kept(run) is None and run.id not in just]
    if problem := background_work.problem(work):
        st.error(shell.plain(problem), icon=":material/error:")
    if missing:
        st.markdown(
            f"{'Each network' if len(missing) == len(able) else counted(len(missing), 'network')} must predict all "
            f"{split} images once. The predictions are kept, and the comparison then opens at once.",
            width=shell.TEXT_WIDTH,
        )
    if missing:
        _offer(st, f"Measure {counted(len(missing), 'network')}", work, listed, split, type="primary")
    elif untimed:
        _offer(beside, "Measure latency", work, listed, split)
    if not missing:
        fragments.fragment(_compared)([Measured(run, name, found[run.id]) for run, name in able])


def _offer(place: Any, label: str, work: str, listed: Sequence[Run], split: SplitName, **how: Any) -> None:
    """The button that begins to measure. how: what else `st.button` takes."""
    if place.button(label, icon=":material/play_arrow:", key="measure_compared", **how):
        with st.spinner(preload.LOADING):
            preload.tensorflow()
        background_work.begin(work, lambda: measuring(listed, split))
        st.rerun()


def _comparable(compared: Sequence[Run], names: Sequence[str]) -> list[tuple[Run, str]]:
    """The runs that can be compared with the first that has a network; a sentence says why others cannot."""
    able = [(run, name) for run, name in zip(compared, names, strict=True) if run.has_model and not run.problem]
    left_out = [shell.plain(name) for run, name in zip(compared, names, strict=True) if (run, name) not in able]
    if left_out:
        st.caption(f"{', '.join(left_out)}: no trained network yet, so there is nothing to compare on images.")
    if len(able) < 2:
        st.info("Two runs with a trained network are needed here.", icon=":material/compare:")
        return able
    kinds = [(card.name, card.class_names) for card in (run.config.data.card for run, _ in able)]  # in whatever size
    kind = max(dict.fromkeys(kinds), key=kinds.count)
    same = [one for one, its in zip(able, kinds, strict=True) if its == kind]
    first, first_name = same[0]
    for run, name in able:
        if (run, name) in same:
            continue
        card = run.config.data.card
        why = "they have no images in common and cannot be compared image by image."
        if card.name == kind[0]:
            why = "with other classes, so they cannot be compared image by image."
        st.info(
            f"{shell.plain(name)} was trained on {shell.plain(card.title)}, {shell.plain(first_name)} on "
            f"{shell.plain(first.config.data.card.title)}: {why}",
            icon=":material/compare:",
        )
    return same


def measuring(listed: Sequence[Run], split: SplitName) -> Generator[float, None, dict[str, Predictions]]:
    """Measure what is not kept of runs yet, predictions and latency, and keep it; yields the fraction that is done.

    Returns:
        The predictions by the ids of the runs.
    """
    found = {}
    for number, run in enumerate(listed):
        yield number / len(listed)
        from cnn.networks.load import load

        present = measured.kept(run, split)
        if present is None:
            present = yield from _in_part(measured.measuring(run, split), number, len(listed))
        found[run.id] = present
        if latency.kept(run) is None:
            latency.keep(run, (yield from _in_part(latency.measuring(load(run)), number, len(listed), begin=0.9)))
    return found


def _in_part(
    steps: Generator[float, None, Found], number: int, of: int, begin: float = 0.0
) -> Generator[float, None, Found]:
    """Work on one run as a part of the whole: its first nine tenths, or from `begin` the last."""
    low, high = (0.0, 0.9) if not begin else (begin, 1.0)
    while True:
        try:
            share = next(steps)
        except StopIteration as end:
            return end.value
        yield (number + low + share * (high - low)) / of


# --- what was found ---------------------------------------------------------------------------------------------


def _compared(listed: Sequence[Measured]) -> None:
    with shell.show_errors():
        paired.require_same_images(*(one.found for one in listed))
        first, second = _pair(listed)
        if first is second:
            st.info("Choose two different runs.", icon=":material/compare:")
        else:
            _difference(first, second)
            _boxes(first, second)
            _classes(first, second)
        _together(listed)


def _pair(listed: Sequence[Measured]) -> tuple[Measured, Measured]:
    """The two that are compared, of more than two the most accurate ones until others are chosen."""
    best = sorted(listed, key=lambda one: -one.found.accuracy)
    if len(listed) == 2:
        return best[0], best[1]
    known = {one.name: one for one in best}
    with st.container(horizontal=True):
        one = links.menu(state.COMPARED_FIRST, "Compare", list(known), width=240, on_change=_close)
        other = links.menu(state.COMPARED_SECOND, "with", list(known), best[1].name, width=240, on_change=_close)
    return known[one], known[other]


def _difference(first: Measured, second: Measured) -> None:
    found = paired.compare(first.found, second.found)
    st.markdown(shell.plain(found.in_words(first.name, second.name)), width=shell.TEXT_WIDTH)
    same, kappa = paired.agreement(first.found, second.found)
    beyond = "" if np.isnan(kappa) else f", Cohen's kappa {kappa:.2f} (0: by chance alone, 1: always)"
    st.caption(
        f"The numbers in brackets are the 95% interval of the difference. The two predict the same class for "
        f"{same:.1%} of the images{beyond}.",
        width=shell.TEXT_WIDTH,
    )


# --- the four boxes, and the images in them ---------------------------------------------------------------------


def _boxes(first: Measured, second: Measured) -> None:
    found = paired.boxes(first.found, second.found)
    alike = int(paired.same_mistakes(first.found, second.found).sum())
    titles = (
        "both right",
        f"only {first.plain} right",
        f"only {second.plain} right",
        f"both wrong, {alike:,} with the same class",
    )
    opened = st.query_params.get(state.COMPARED_BOX)
    st.markdown("**Who is right where.** Open a box to see its images.")
    with st.grid(2, min_column_width=150, gap="small"):
        for box, title, images in zip(BOXES, titles, found, strict=True):
            st.button(
                f"**{len(images):,}** {title}",
                key=f"box-{box}",
                icon=":material/expand_less:" if box == opened else ":material/photo_library:",
                width="stretch",
                wrap=True,
                disabled=not len(images),
                on_click=_open_box,
                args=(None if box == opened else box,),
            )
    if opened in BOXES and len(found[BOXES.index(opened)]):
        _images(first, second, found, opened)


def _open_box(box: str | None) -> None:
    links.write(state.COMPARED_BOX, box)
    _close()


def _close() -> None:
    """Close the opened image, and begin with the first page."""
    links.write(state.COMPARED_IMAGE, None)
    st.session_state.pop(state.COMPARED_PAGE, None)
    links.write(state.COMPARED_PAGE, None)


def _images(first: Measured, second: Measured, found: Boxes, box: str) -> None:
    """The images of a box, filtered and ordered, and the one that is opened."""
    with st.container(border=True):
        with st.spinner("Loading the images…"):
            images = measured.images(first.run, first.found.split)
        listed = _filtered(first, second, found[BOXES.index(box)], box)
        if images is None:
            return
        if not len(listed):
            st.info("No image is like that. Choose another filter.", icon=":material/filter_alt_off:")
            return
        shown, details = st.columns([7, 4], gap="large")
        opened = _opened(listed)
        with shown:
            gallery.show(
                images,
                listed.tolist(),
                [_caption(first, second, index) for index in listed.tolist()],
                state.COMPARED_PAGE,
                f"{counted(len(listed), f'{first.found.split} image')} of this box.",
                opened=opened,
                on_open=lambda index: links.write(state.COMPARED_IMAGE, str(index)),
            )
        with details:
            if opened is None:
                st.caption("Click an image, or walk with the arrow keys and press Enter, to see both predictions.")
            else:
                _details(first, second, images, opened)


def _filtered(first: Measured, second: Measured, box: np.ndarray, name: str) -> np.ndarray:
    labels, classes = first.found.labels[box], first.found.class_names
    with st.container(horizontal=True, vertical_alignment="bottom"):
        present = [classes[label] for label in np.unique(labels)]
        true = links.menu("runs-box-class", "True label", [_ALL, *present], width=170, on_change=_close)
        order = links.menu("runs-box-order", "Order", _ORDERS, width=200, on_change=_close)
        mistakes = _MISTAKES[0]
        if name == "both-wrong":
            mistakes = links.choice("runs-box-mistakes", "Wrong with", _MISTAKES, on_change=_close)
    if true != _ALL:
        box = box[labels == classes.index(true)]
    if mistakes != _MISTAKES[0]:
        alike = first.found.predicted[box] == second.found.predicted[box]
        box = box[alike == (mistakes == "Same class")]
    apart = np.abs(difference(first.found, second.found)[box])
    chosen = {
        "Largest difference": np.argsort(-apart, kind="stable"),
        "Smallest difference": np.argsort(apart, kind="stable"),
        "By index": np.arange(len(box)),
    }[order]
    what = "" if order == "By index" else ", by the difference in the probability of the true label"
    st.caption(f"{counted(len(box), 'image')}{what}.")
    return box[chosen]


def difference(first: Predictions, second: Predictions) -> np.ndarray:
    """How much more probable the first network finds the true label: float (n,), in [-1, 1]."""
    images = np.arange(len(first))
    return first.probabilities[images, first.labels] - second.probabilities[images, second.labels]


def _caption(first: Measured, second: Measured, index: int) -> str:
    said = "; ".join(
        f"{one.name}: {one.found.class_names[one.found.predicted[index]]} {one.found.confidence[index]:.0%}"
        for one in (first, second)
    )
    return f"{index}: {first.found.class_names[first.found.labels[index]]}. {said}"


def _opened(listed: np.ndarray) -> int | None:
    """The image that the link names, if it is listed."""
    text = st.query_params.get(state.COMPARED_IMAGE, "")
    index = int(text) if text.isascii() and text.isdigit() else -1
    return index if index in listed else None


def _details(first: Measured, second: Measured, images: np.ndarray, index: int) -> None:
    """An image with what both networks predict, and the way to the explanation."""
    found = first.found
    true = found.class_names[found.labels[index]]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{found.split.capitalize()} image {index:,}: {shell.plain(true)}**", width="stretch")
        st.button("Close", icon=":material/close:", type="tertiary", key="close_compared", on_click=_close_image)
    factor = max(1, _LARGE // max(images.shape[1:3]))
    st.image(
        magnified(images[index], factor),
        alt=f"The {found.split} image {index}, true label {true}.",
        width=gallery.width_within(images[index], _LARGE),
    )
    for one in (first, second):
        predicted = shell.plain(one.found.class_names[one.found.predicted[index]])
        mark = ":material/check: right" if one.found.right[index] else ":material/close: wrong"
        with st.container(gap="xxsmall"):
            st.markdown(f"**{one.plain}:** {predicted}, {one.found.confidence[index]:.1%} {mark}")
            best = np.argsort(-one.found.probabilities[index])[:3]
            probable = (f"{found.class_names[label]} {one.found.probabilities[index, label]:.1%}" for label in best)
            st.caption(shell.plain(" · ".join(probable)))
    st.page_link(
        shell.EXPLORE,
        label="Explain both predictions",
        icon=":material/search_insights:",
        query_params={
            "run": first.run.id,
            "explore-compare": second.run.id,
            state.EXPLORE_VIEW: "Explain",
            **image_query(first.run, found.split, found.labels, index),
        },
    )


def _close_image() -> None:
    links.write(state.COMPARED_IMAGE, None)


# --- class by class ---------------------------------------------------------------------------------------------


def _classes(first: Measured, second: Measured) -> None:
    rows = paired.per_class(first.found, second.found)
    most = sorted(rows, key=lambda row: -abs(row.comparison.difference))[:_MOST_CLASSES]
    drawn = [row for row in rows if row in most]
    names = (first.name, second.name)
    figures.show(
        class_differences(
            [row.name for row in drawn],
            [row.comparison.difference for row in drawn],
            [row.comparison.interval for row in drawn],
            names,
        ),
        key="class-differences",
        title="Class by class",
        alt=f"By how many points the recall of {names[0]} is above that of {names[1]}, class by class with intervals.",
    )
    shown = f"The {len(drawn)} of {len(rows)} classes that differ most. " if len(drawn) < len(rows) else ""
    st.caption(
        f"{shown}Above zero {first.plain} recognises more of a class, below zero {second.plain}. Bars are 95% "
        "intervals: where one crosses zero, the difference may be chance. Of twenty such intervals, one misses on "
        "average.",
        width=shell.TEXT_WIDTH,
    )
    with st.expander("Numbers of each class", icon=":material/table:"):
        percent = st.column_config.NumberColumn(format="%.1f%%")
        points = st.column_config.NumberColumn(format="%+.1f")
        st.dataframe(
            class_table(rows, names),
            hide_index=True,
            height="content",
            row_height=_ROW,
            alt="Recall of both networks, its difference and interval, for each class.",
            column_config={
                **{f"Recall, {name}": percent for name in names},
                **dict.fromkeys(("Difference (points)", "From", "To"), points),
            },
        )


def class_table(rows: Sequence[ClassDifference], names: tuple[str, str]) -> pd.DataFrame:
    """The numbers of each class; recalls in per cent, differences in points."""
    accuracies = [[100 * rate for rate in row.comparison.accuracies] for row in rows]
    intervals = [[100 * end for end in row.comparison.interval] for row in rows]
    return pd.DataFrame(
        {
            "Class": [row.name for row in rows],
            "Images": [row.comparison.count for row in rows],
            **{f"Recall, {name}": [pair[place] for pair in accuracies] for place, name in enumerate(names)},
            "Difference (points)": [100 * row.comparison.difference for row in rows],
            "From": [ends[0] for ends in intervals],
            "To": [ends[1] for ends in intervals],
            f"Only {names[0]}": [row.comparison.only_first for row in rows],
            f"Only {names[1]}": [row.comparison.only_second for row in rows],
        }
    )


# --- all of them together ---------------------------------------------------------------------------------------


def _together(listed: Sequence[Measured]) -> None:
    """What the networks predict together, against the best of them alone."""
    st.markdown("**Together**")
    chosen = _chosen(listed)
    rows = [(one.name, one.found) for one in listed]
    if len(chosen) > 1:
        joint = paired.ensemble(*(one.found for one in chosen))
        best = max(chosen, key=lambda one: one.found.accuracy)
        name = f"the average of the {len(chosen)} networks"
        said = paired.compare(joint, best.found).in_words(name, best.name)
        said = said[0].upper() + said[1:] if said.startswith(name) else said
        st.markdown(
            f"An ensemble predicts by the mean of its networks' probabilities. {shell.plain(said)}",
            width=shell.TEXT_WIDTH,
        )
        rows.append((f"Average of {len(chosen)}", joint))
    else:
        st.caption("Choose two networks or more for an ensemble.")
    percent = st.column_config.NumberColumn(format="%.2f%%")
    st.dataframe(
        together_table(rows),
        hide_index=True,
        height="content",
        row_height=_ROW,
        alt="Accuracy with its interval, loss and calibration error of each network and of their average.",
        column_config={
            "Accuracy": percent,
            "From": st.column_config.NumberColumn(format="%.2f%%", help="Of the 95% interval."),
            "To": st.column_config.NumberColumn(format="%.2f%%", help="Of the 95% interval."),
            "Right": st.column_config.NumberColumn(format="localized"),
            "Loss": st.column_config.NumberColumn(format="%.4f", help="Mean cross-entropy."),
            "Calibration error": percent,
        },
    )
    st.caption("From and to: the 95% interval of the accuracy. An ensemble takes as long as all its networks together.")


def _chosen(listed: Sequence[Measured]) -> list[Measured]:
    """The networks of the ensemble: both, or those chosen of more."""
    if len(listed) == 2:
        return list(listed)
    options = [one.name for one in listed]
    names = links.some("runs-ensemble", "Networks of the ensemble", options, options)
    return [one for one in listed if one.name in names]


def together_table(rows: Sequence[tuple[str, Predictions]]) -> pd.DataFrame:
    """Accuracy with its interval and calibration error in per cent, and mean cross-entropy, a row for each name."""
    intervals = [scores.interval(int(found.right.sum()), len(found)) for _, found in rows]
    return pd.DataFrame(
        {
            "Network": [name for name, _ in rows],
            "Right": [int(found.right.sum()) for _, found in rows],
            "Accuracy": [100 * found.accuracy for _, found in rows],
            "From": [100 * low for low, _ in intervals],
            "To": [100 * high for _, high in intervals],
            "Loss": [float(found.losses.mean()) for _, found in rows],
            "Calibration error": [
                100 * calibration.expected_calibration_error(found.probabilities, found.labels) for _, found in rows
            ],
        }
    )

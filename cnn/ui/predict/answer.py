"""An image with its prediction, how it was preprocessed, and in which other ways it could be.

The prediction comes first, so that it follows a stroke at once. What stands in a closed expander is not computed.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import streamlit as st

from cnn import charts, runs
from cnn.networks.predictor import Answer, Predictor, combined
from cnn.pictures import UnreadableImage
from cnn.pictures.readings import Reading
from cnn.runs import Run
from cnn.ui import compare, figures, links, shell, state
from cnn.ui.predict import doubts, nearest, pictures
from cnn.ui.predict.pictures import Picture

_STEP_SIZE = 112  # pixels along the longest edge of a step's image on the page
_EDGE = 112  # of the original and of the network input
_TOP = 3  # classes
_COMPARED = "predict-compare"  # parameter of the link: the second run
_COLOURFUL = 12.0  # grey levels between the highest and the lowest channel, on average, from which an image has colour
_UNMEASURED = (
    " Whether an image is unlike all training images is not measured for this dataset: also of a thing that it has "
    "never seen, the network names one of its classes."
)
_HOW = {
    "garment": "With test-time augmentation: the mean over the image and slightly changed copies of it.",
    "shape": f"With test-time augmentation: the mean over the image and slightly changed copies of it.{_UNMEASURED}",
    "photo": f"With test-time augmentation: the mean over the image and its mirror image.{_UNMEASURED}",
}


class _Prediction(NamedTuple):
    """What one network predicts: its name as Markdown, its answer, and the image as it was read for that network."""

    network: str
    answer: Answer
    picture: Picture

    def called(self, label: int) -> str:
        """A class's name as Markdown."""
        return shell.plain(self.picture.card.class_names[label])


def show(picture: Picture, run: Run, predictor: Predictor, wide: bool = False) -> None:
    """Draw one image with everything about it. `wide`: in two columns instead of one."""
    left, right = st.columns(2, gap="large") if wide else (st.container(), st.container())
    with left:
        first = st.container()
        _tools(picture)
        other = compare.other_run(_COMPARED, run)
        if other is None:
            _offer_colour(picture, run)
        with first:
            found = [_predict(picture, run, predictor)]
            if other and (second := compare.load(other)):
                found += _predicted_by_another(picture, other, second.predict)
            _labels(picture, found)
            doubts.show(found[0].answer, predictor)
            doubts.suggest_turn(picture, predictor)
    with right:
        _bars(found)
        _preprocessing(picture, predictor)
        nearest.show(picture, predictor)


def _offer_colour(picture: Picture, run: Run) -> None:
    """For a photo whose colours this network does not see, a click to the shipped one that does."""
    shipped = {one.id: one for one in shell.listed() if one.has_model and not one.problem}
    if runs.COLOUR_ID not in shipped or run.config.data.card.input_shape[2] == 3 or not _is_colourful(picture):
        return
    st.button(
        f"Compare in colour with {shell.plain(shipped[runs.COLOUR_ID].name)}",
        icon=":material/palette:",
        type="tertiary",
        key="compare_in_colour",
        on_click=links.write,
        args=(_COMPARED, runs.COLOUR_ID),
        help="This network sees the image in grey. That one sees its colours, in {}×{} pixels.".format(
            *shipped[runs.COLOUR_ID].config.data.card.input_shape
        ),
    )


def _is_colourful(picture: Picture) -> bool:
    return not picture.drawn and float(np.ptp(np.asarray(picture.shown.convert("RGB")), axis=-1).mean()) > _COLOURFUL


def _predict(picture: Picture, run: Run, predictor: Predictor) -> _Prediction:
    chosen = picture.chosen
    answer = predictor.each([chosen])[0] if chosen else predictor.answer(picture.readings)
    return _Prediction(shell.plain(shell.labels().get(run.id, run.name)), answer, picture)


def _predicted_by_another(picture: Picture, run: Run, predictor: Predictor) -> list[_Prediction]:
    """What a network of any dataset predicts of the image, read for that network; none where it shows nothing to it."""
    try:
        return [_predict(pictures.seen_by(picture, predictor.card), run, predictor)]
    except UnreadableImage as error:
        name = shell.plain(shell.labels().get(run.id, run.name))
        st.warning(f"{name} cannot read this image. {error}", icon=":material/broken_image:")
        return []


def _labels(picture: Picture, found: Sequence[_Prediction]) -> None:
    """The most probable classes by each network, and beside or below them what was predicted from."""
    st.caption(
        f"Prediction for {shell.plain(picture.title)}",
        help=_HOW[picture.card.reading],
    )
    if len(found) == 1:
        with st.container(horizontal=True, gap="medium"):
            with st.container(gap="xsmall"):
                _top(found[0])
            with st.container(width=_EDGE, gap="xsmall"):
                _original(picture)
                _input(picture)
    else:
        alike = len({(one.picture.card.input_shape, one.picture.card.reading) for one in found}) == 1
        with st.grid(len(found), min_column_width=150, gap="medium"):
            for one in found:
                with st.container(gap="xsmall"):
                    st.markdown(f"**{one.network}**")
                    _top(one)
                    if not alike:
                        with st.container(width=_EDGE):
                            _input(one.picture)
        with st.container(horizontal=True, gap="medium"):
            _original(picture)
            if alike:
                _input(picture)
    for note in picture.seen.notes:
        st.caption(f":material/info: {note}")


def _top(found: _Prediction) -> None:
    probabilities, label = found.answer.probabilities, found.picture.label
    st.subheader(found.called(found.answer.label), anchor=False)
    for index in (-probabilities).argsort(kind="stable")[:_TOP]:
        probability = float(probabilities[index])
        st.progress(min(probability, 1.0), text=f"{found.called(index)} · {probability:.1%}")
    if label == found.answer.label:
        st.caption(":material/check: Correct: this is the true label.")
    elif label is not None:
        st.caption(f":material/close: Wrong: the true label is {found.called(label)}.")


def _original(picture: Picture) -> None:
    changes = picture.changes
    hands = [word for word, is_so in (("rotated", changes.turns), ("inverted", changes.inverted)) if is_so]
    st.image(
        pictures.fitted(picture.shown, _EDGE),
        caption=" and ".join(hands).capitalize() if hands else "Original",
        alt=f"{picture.title}, {' and '.join(hands) or 'the original'}.",
    )


def _input(picture: Picture) -> None:
    st.image(
        picture.input_within(_EDGE),
        caption="Network input",
        alt=f"{picture.title} as the network input, {picture.input_in_words}.",
    )


def _bars(found: Sequence[_Prediction]) -> None:
    """The probabilities of all classes, of many the most probable ones."""
    with st.grid(len(found), min_column_width=230, gap="medium"):
        for number, one in enumerate(found):
            with st.container():
                picture, names = one.picture, one.picture.card.class_names
                classes = f"{len(names)} classes"
                figures.show(
                    charts.probabilities(one.answer.probabilities, names, height=270, true=picture.label),
                    key="compared_bars" if number else "bars",
                    alt=f"Probabilities of the {classes} for {picture.title}; "
                    f"the highest is {names[one.answer.label]}.",
                    title=one.network if len(found) > 1 else f"All {classes}",
                )


def _tools(picture: Picture) -> None:
    """Buttons that change the image before it is preprocessed."""
    changes = picture.changes
    with st.container(horizontal=True, gap="small"):
        for label, icon, turn in (("Rotate left", "rotate_left", 1), ("Rotate right", "rotate_right", -1)):
            st.button(
                label,
                icon=f":material/{icon}:",
                key=label,
                on_click=pictures.change,
                args=(picture,),
                kwargs={"turns": (changes.turns + turn) % 4},
                help="Rotates the image by 90°, then preprocesses it again.",
            )
        if not picture.drawn:
            st.button(
                "Invert",
                icon=":material/invert_colors:",
                key="invert",
                on_click=pictures.change,
                args=(picture,),
                kwargs={"inverted": not changes.inverted},
                help="Swaps light and dark, then preprocesses the image again.",
            )
        if changes != pictures.Changes():
            st.button("Reset", icon=":material/undo:", key="reset", on_click=pictures.reset)
    if changes.inverted and picture.inverting_is_idle:
        st.caption("Inverting changes nothing here: it may be lighter or darker than its background.")


# ---------------------------------------------------------------- preprocessing


def _preprocessing(picture: Picture, predictor: Predictor) -> None:
    place = st.expander(
        "Preprocessing", icon=":material/tune:", key=state.PREPROCESSING, on_change="rerun", bind="query-params"
    )
    if place.open:
        with place:
            if len(picture.readings) > 1:
                _choice(picture, predictor)
            _steps(picture.reading)


def _choice(picture: Picture, predictor: Predictor) -> None:
    """Every way to preprocess the image with its prediction; the one in use is marked, another can be chosen."""
    each = predictor.each(picture.readings)
    used = [reading for reading in picture.readings if reading.weight > 0]
    st.button(
        f"Automatic: {_in_short(combined([reading.weight for reading in picture.readings], each), picture)}",
        icon=":material/auto_awesome:",
        key="reading-automatic",
        type="primary" if picture.chosen is None else "secondary",
        width="stretch",
        wrap=True,
        on_click=pictures.change,
        args=(picture,),
        kwargs={"reading": None},
    )
    st.caption(f"Automatic uses {_weights(used)}. Or choose one:")
    with st.grid("auto", min_column_width=132, gap="small"):
        for number, (reading, answer) in enumerate(zip(picture.readings, each, strict=True)):
            with st.container(border=True, height="stretch", gap="xsmall", horizontal_alignment="center"):
                _card(picture, number, reading, answer)


def _card(picture: Picture, number: int, reading: Reading, answer: Answer) -> None:
    st.image(
        pictures.input_within(reading.seen, _STEP_SIZE),
        alt=f"The network input with the preprocessing “{reading.name}”: {_in_short(answer, picture)}.",
    )
    st.caption(_in_short(answer, picture), text_alignment="center")
    st.button(
        reading.name,
        key=f"reading-{number}",
        type="primary" if reading is picture.chosen else "secondary",
        width="stretch",
        wrap=True,
        on_click=pictures.change,
        args=(picture,),
        kwargs={"reading": reading.name},
        help=reading.explanation,
    )


def _in_short(answer: Answer, picture: Picture) -> str:
    return f"{shell.plain(picture.card.class_names[answer.label])} {answer.confidence:.0%}"


def _weights(used: list[Reading]) -> str:
    """What counts in the automatic prediction, as an enumeration."""
    if len(used) == 1:
        return f"“{used[0].name}” alone"
    parts = [f"“{reading.name}” ({reading.weight:.0%})" for reading in used]
    return f"the mean of {', '.join(parts[:-1])} and {parts[-1]}"


def _steps(reading: Reading) -> None:
    st.markdown(f"**Steps: {reading.name}**")
    st.caption(reading.explanation)
    with st.grid("auto", min_column_width=_STEP_SIZE, gap="small"):
        for number, step in enumerate(reading.seen.steps, 1):
            with st.container(gap="xsmall"):
                st.image(pictures.fitted(step.image, _STEP_SIZE), alt=f"The image after step {number}, {step.name}.")
                st.caption(f"{number}. {step.name}", help=step.explanation)

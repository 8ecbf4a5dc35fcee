"""A picture with the network's answer, the other ways in which it can be read, and how the one in view was read."""

import numpy as np
import streamlit as st
from PIL import Image

from cnn import charts
from cnn.config import CLASS_NAMES
from cnn.networks.predictor import Predictor, combined
from cnn.pictures import SIZE
from cnn.pictures.readings import Reading
from cnn.ui import shell
from cnn.ui.predict import nearest, pictures
from cnn.ui.predict.pictures import Picture

_STEP_SIZE = 112  # pixels along the longest edge of a step's picture on the page
_EDGE = 224  # of the picture and of what the network sees


def show(picture: Picture, predictor: Predictor, wide: bool = False) -> None:
    """Draw one picture with everything about it. `wide`: in two columns instead of one.

    The answer comes first, so that it follows a stroke at once; the readings that are only offered are asked later.
    """
    with st.container(border=True):
        what, how = st.columns(2, gap="large") if wide else (st.container(), st.container())
        with what:
            _given_and_seen(picture)
            _tools(picture)
            nearest.warn(picture, predictor)
            chosen = picture.chosen
            _verdict(picture, predictor.each([chosen])[0] if chosen else predictor.answer(picture.readings))
        with how:
            if len(picture.readings) > 1:
                _choice(picture, predictor)
            _steps(picture.reading)
            nearest.show(picture, predictor)


def _given_and_seen(picture: Picture) -> None:
    """What the person gave beside what the network sees."""
    changes = picture.changes
    hands = [word for word, is_so in (("turned", changes.turns), ("inverted", changes.inverted)) if is_so]
    with st.grid(2, min_column_width=120):
        st.image(
            _fitted(picture.shown, _EDGE),
            caption=" and ".join(hands).capitalize() if hands else "As it came",
            alt=f"{picture.title} {' and '.join(hands) or 'as it came'}.",
        )
        st.image(
            picture.pixels(_EDGE // SIZE),
            caption="What the network sees",
            alt=f"{picture.title} as the network's input, 28 by 28 grey pixels, a bright garment on black.",
        )


def _verdict(picture: Picture, probabilities: np.ndarray) -> None:
    best, second = probabilities.argsort()[::-1][:2]
    st.markdown(f"### {CLASS_NAMES[best]}")
    st.markdown(
        f"{shell.plain(picture.title)}: confidence {probabilities[best]:.1%}, then {CLASS_NAMES[second]} with "
        f"{probabilities[second]:.1%}."
    )
    if picture.label is not None:
        right = "Right" if picture.label == best else "Wrong"
        st.caption(f"{right}: the dataset calls it {CLASS_NAMES[picture.label]}.")
    st.plotly_chart(
        charts.probabilities(probabilities, CLASS_NAMES, height=270, true=picture.label),
        key="bars",
        config={"displayModeBar": False},
        alt=f"Probabilities of the ten classes for {picture.title}; the highest is {CLASS_NAMES[best]}.",
    )
    for note in picture.seen.notes:
        st.caption(f":material/info: {note}")


def _tools(picture: Picture) -> None:
    """Buttons that change the picture before it is read."""
    changes = picture.changes
    with st.container(horizontal=True, gap="small"):
        for label, icon, turn in (("Turn left", "rotate_left", 1), ("Turn right", "rotate_right", -1)):
            st.button(
                label,
                icon=f":material/{icon}:",
                key=label,
                on_click=pictures.change,
                args=(picture,),
                kwargs={"turns": (changes.turns + turn) % 4},
                help="By 90 degrees; the picture is then read anew.",
            )
        if not picture.drawn:
            st.button(
                "Invert",
                icon=":material/invert_colors:",
                key="invert",
                on_click=pictures.change,
                args=(picture,),
                kwargs={"inverted": not changes.inverted},
                help="Exchange light and dark; the picture is then read anew.",
            )
        if changes != pictures.Changes():
            st.button("Reset", icon=":material/undo:", key="reset", on_click=pictures.reset)
    if changes.inverted and picture.inverting_is_idle:
        st.caption("Inverting changes nothing here: either of garment and background may be the lighter one.")


def _choice(picture: Picture, predictor: Predictor) -> None:
    """Every reading with its prediction; the one in view is marked, and another can be put in its place."""
    each = predictor.each(picture.readings)
    st.markdown("**How should it be read?**")
    used = [reading for reading in picture.readings if reading.weight > 0]
    st.button(
        f"Automatic: {_in_short(combined(picture.readings, each))}",
        icon=":material/auto_awesome:",
        key="reading-automatic",
        type="primary" if picture.chosen is None else "secondary",
        width="stretch",
        wrap=True,
        on_click=pictures.change,
        args=(picture,),
        kwargs={"reading": None},
    )
    st.caption(f"Automatic uses {_shares(used)}.")
    with st.grid("auto", min_column_width=132, gap="small"):
        for number, (reading, probabilities) in enumerate(zip(picture.readings, each, strict=True)):
            with st.container(border=True, height="stretch", gap="xsmall", horizontal_alignment="center"):
                _card(picture, number, reading, probabilities)


def _card(picture: Picture, number: int, reading: Reading, probabilities: np.ndarray) -> None:
    st.image(
        pictures.enlarged(reading.seen, 4),
        alt=f"What the network sees of the reading “{reading.name}”: {_in_short(probabilities)}.",
    )
    st.caption(_in_short(probabilities), text_alignment="center")
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


def _in_short(probabilities: np.ndarray) -> str:
    best = int(probabilities.argmax())
    return f"{CLASS_NAMES[best]} {probabilities[best]:.0%}"


def _shares(used: list[Reading]) -> str:
    """The readings in the automatic answer, as an enumeration."""
    if len(used) == 1:
        return f"“{used[0].name}” alone"
    parts = [f"“{reading.name}” ({reading.weight:.0%})" for reading in used]
    return f"the mean of {', '.join(parts[:-1])} and {parts[-1]}"


def _steps(reading: Reading) -> None:
    with st.expander(f"How it was read: {reading.name}", expanded=True):
        st.caption(reading.explanation)
        with st.grid("auto", min_column_width=_STEP_SIZE, gap="small"):
            for number, step in enumerate(reading.seen.steps, 1):
                with st.container(gap="xsmall"):
                    st.image(_fitted(step.image, _STEP_SIZE), alt=f"The picture after step {number}, {step.name}.")
                    st.caption(f"{number}. {step.name}", help=step.explanation)


def _fitted(image: Image.Image, edge: int) -> Image.Image:
    """Small pictures are shown with their pixels as squares, large ones reduced."""
    factor = edge / max(image.size)
    size = tuple(max(1, round(length * factor)) for length in image.size)
    return image.resize(size, Image.Resampling.NEAREST if factor > 1 else Image.Resampling.BOX)

"""Why a prediction is to be doubted: the image is unlike all others, the network is unsure, or it lies on its side."""

import streamlit as st

from cnn.networks.predictor import Answer, Predictor, unsure_below
from cnn.ui import shell
from cnn.ui.predict import pictures
from cnn.ui.predict.pictures import Picture

_EDGE = 96  # pixels along the longest edge of a turned image
_ENOUGH = 10  # unsure predictions, before a fraction of them is given


def show(answer: Answer, predictor: Predictor) -> None:
    """Say so, where an answer is to be doubted."""
    doubt = predictor.doubt(answer)
    if doubt == predictor.unlike:
        st.warning(_unlike(answer, predictor), icon=":material/help:")
    elif doubt == "unsure":
        st.info(_unsure(predictor), icon=":material/help:")


def suggest_turn(picture: Picture, predictor: Predictor) -> None:
    """Offer the turned image, where it is recognised better; nothing is turned unasked."""
    if picture.drawn or picture.label is not None:  # whoever draws here, and the dataset, know which way is up
        return
    if (turned := predictor.better_turned(picture.readings)) is None:
        return
    turns = (picture.changes.turns + turned.turns) % 4
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        image = pictures.turned(picture.shown, turned.turns)
        st.image(pictures.fitted(image, _EDGE), alt=f"{picture.title}, turned.")
        with st.container(gap="xsmall"):
            st.markdown(shell.plain(turned.hint))
            st.button(
                "Rotate",
                icon=":material/rotate_90_degrees_ccw:",
                key="rotate",
                on_click=pictures.change,
                args=(picture,),
                kwargs={"turns": turns},
            )


def _unlike(answer: Answer, predictor: Predictor) -> str:
    measured = predictor.run.evaluation["familiarity"]
    return (
        f"**{predictor.unlike.capitalize()}.** The network has learned nothing like this image: the prediction is the "
        f"least wrong of {len(predictor.card.class_names)} classes. In a test, this was said of "
        f"{measured['others_refused']:.0%} of the images of other things, and of {1 - measured['garments_kept']:.0%} "
        f"of the garments that it recognised. (Familiarity {answer.familiarity:.1f}, below the threshold of "
        f"{predictor.threshold:.1f}.)"
    )


def _unsure(predictor: Predictor) -> str:
    said = f"**Unsure.** No class reaches {unsure_below(len(predictor.card.class_names)):.0%}."
    measured = (predictor.run.evaluation or {}).get("familiarity") or {}
    counts = [measured[which]["unsure"] * measured[which]["n"] for which in ("right", "wrong") if which in measured]
    if sum(counts) >= _ENOUGH:
        said += f" In a test, {counts[0] / sum(counts):.0%} of such predictions were right."
    return said

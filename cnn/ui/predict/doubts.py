"""Why a prediction is to be doubted: the image is not like clothes, or the network is unsure; as it was measured."""

import streamlit as st

from cnn.networks.predictor import UNSURE, Answer, Predictor

_ENOUGH = 10  # unsure predictions, before a fraction of them is given


def show(answer: Answer, predictor: Predictor) -> None:
    """Say so, where an answer is to be doubted."""
    doubt = predictor.doubt(answer)
    if doubt == "not like clothes":
        st.warning(_unlike(answer, predictor), icon=":material/help:")
    elif doubt == "unsure":
        st.info(_unsure(predictor), icon=":material/help:")


def _unlike(answer: Answer, predictor: Predictor) -> str:
    measured = predictor.run.evaluation["familiarity"]
    return (
        "**Not like clothes.** The network has learned nothing like this image: the prediction is the least wrong of "
        f"ten classes. In a test, this was said of {measured['others_refused']:.0%} of the images of other things, and "
        f"of {1 - measured['garments_kept']:.0%} of the garments that it recognised. (Familiarity "
        f"{answer.familiarity:.1f}, below the threshold of {predictor.threshold:.1f}.)"
    )


def _unsure(predictor: Predictor) -> str:
    said = f"**Unsure.** No class reaches {UNSURE:.0%}."
    measured = (predictor.run.evaluation or {}).get("familiarity") or {}
    counts = [measured[which]["unsure"] * measured[which]["n"] for which in ("right", "wrong") if which in measured]
    if sum(counts) >= _ENOUGH:
        said += f" In a test, {counts[0] / sum(counts):.0%} of such predictions were right."
    return said

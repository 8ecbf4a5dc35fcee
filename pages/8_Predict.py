"""Show the network a drawing, a photo, many photos or a sample, and see how they were read and what it says."""

import streamlit as st

from cnn.ui import shell, state

run = shell.page(
    "Predict", "Show the network a garment. It sees what the steps below make of your picture, nothing else."
)
shell.require_model(run)
with st.spinner("Loading TensorFlow…"):
    from cnn.ui import models
    from cnn.ui.predict import answer, batch, inputs

    network = models.load(run)

if run.config.data.card.synthetic:
    st.warning(
        "This network was trained on drawn clothes only: expect it to fail on photos.", icon=":material/warning:"
    )


@st.fragment
def workshop() -> None:
    """A click or a stroke runs this part anew, not the whole page: the answer follows more quickly."""
    ways_in, answers = st.columns([2, 3], gap="large")
    with ways_in:
        given = inputs.ask(run, network.predict, state.PREDICT_IMAGE)
    if isinstance(given, list):
        batch.show(given, run, network.predict, place=answers)
    elif given:
        with answers:
            answer.show(given, network.predict)


workshop()

"""Show the network a drawing, a photo, many photos or a sample: how they were preprocessed, and what it predicts."""

import streamlit as st

from cnn.ui import fragments, preload, shell, state
from cnn.ui.collect import add_dialog

run = shell.page("Predict", "Draw, upload or photograph something, and see what the network predicts.")
shell.require_model(run)
with st.spinner(preload.LOADING):
    preload.tensorflow()
    from cnn.ui import models
    from cnn.ui.predict import answer, batch, inputs

    network = models.load(run)

if run.config.data.card.synthetic:
    st.warning(
        "This network was trained on drawn clothes only. Expect it to fail on photos.", icon=":material/warning:"
    )


@fragments.fragment
def workshop() -> None:
    """A click or a stroke runs this part again, not the whole page: the prediction follows more quickly."""
    with st.container(horizontal=True, gap="medium"):
        ways_in, predictions = st.container(width=400), st.container()
    with ways_in:
        given = inputs.ask(run, network.predict, state.PREDICT_IMAGE)
        if isinstance(given, list):
            add_dialog.offer("predict", lambda: [(file.name, file.content) for file in given], len(given))
        elif given:
            name = f"{add_dialog.stamped(given.title)}.png"
            add_dialog.offer(
                "predict",
                lambda: [(name, given.to_keep)],
                1,
                "" if given.label is None else run.config.data.card.class_names[given.label],
            )
    if isinstance(given, list):
        batch.show(given, run, network.predict, place=predictions)
    elif given:
        with predictions:
            answer.show(given, run, network.predict)
    else:
        predictions.info(inputs.missing(state.PREDICT_IMAGE), icon=":material/image:")


workshop()

"""Show the network a drawing, a photo or a sample, and see how it was read and what it says."""

import streamlit as st

from cnn.ui import shell

run = shell.page(
    "Predict", "Show the network a garment. It sees what the steps below make of your picture, nothing else."
)
shell.require_model(run)
with st.spinner("Loading TensorFlow…"):
    from cnn.ui import inputs, models, reading

    network = models.load(run)

if run.config.data.dataset == "synthetic":
    st.warning(
        "This network was trained on drawn clothes only: expect it to fail on photos.", icon=":material/warning:"
    )

ways_in, answers = st.columns([2, 3], gap="large")
with ways_in:
    pictures = inputs.pictures(run)
with answers:
    for number, picture in enumerate(pictures):
        reading.show(
            picture, network.predict(picture.seen.pixels[None])[0], key=f"answer-{number}", expanded=len(pictures) == 1
        )

"""The kernels of every convolution, and what every layer makes of a picture."""

import streamlit as st

from cnn.ui import shell

run = shell.page("Explore", "What the network has learned to look for, and what each layer finds in a picture.")
shell.require_model(run)
with st.spinner("Loading TensorFlow…"):
    from cnn.ui import batch, explore, inputs, models

    network = models.load(run)

picture_column, answer_column = st.columns([3, 2], gap="large")
with picture_column:
    given = inputs.ask(run)
    picture = batch.opened(given) if isinstance(given, list) else given
if not picture:
    st.info(
        "Choose, draw or upload a picture above to see what the network makes of it.", icon=":material/arrow_upward:"
    )
    st.stop()
with answer_column:
    explore.answer(picture, network.predict(picture.seen.pixels[None])[0])
    read_as = f"Read as: {picture.reading.name}. " if len(picture.readings) > 1 else ""
    st.caption(f"{read_as}The answer to these very pixels; Predict takes the mean of several looks.")

scale = explore.scale_choice()
st.header("Feature maps")
st.markdown(
    "What each filter of a layer finds in the picture. A convolution is shown after its activation; with batch "
    "normalisation it is three layers here: its sums, these normalised, and these after the activation."
)
explore.feature_maps(run.config.rows(), network.feature_maps(picture.seen.pixels), network.kernels, scale)

st.header("Kernels")
st.markdown("The weights that each convolution has learned: what its filters look for in their input.")
explore.kernels(network.kernels, scale)

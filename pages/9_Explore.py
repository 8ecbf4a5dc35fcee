"""Inside a network: what every layer makes of an image, down to one sum; what its filters look for; and why."""

import streamlit as st

from cnn.ui import links, preload, shell, state

VIEWS = ("Feature maps", "Filters", "Explain", "Edit", "Embedding")

run = shell.page(
    "Explore", "What each layer finds in an image, what its filters look for, and why a class is predicted."
)
shell.require_model(run)
links.renamed(state.EXPLORE_VIEW, {"Why": "Explain", "What if": "Edit"})
with st.spinner(preload.LOADING):
    preload.tensorflow()
    from cnn.ui import models
    from cnn.ui.explore import ablation, embedding, explanation, feature_maps, filters, model_view
    from cnn.ui.predict import batch, inputs

    network = models.load(run)

image_column, prediction_column = st.columns(2, gap="large")
with image_column:
    given = inputs.ask(run, network.predict, state.EXPLORE_IMAGE)
    image = batch.opened(given, run.config.data.card) if isinstance(given, list) else given
    if not image:
        prediction_column.info(inputs.missing(state.EXPLORE_IMAGE), icon=":material/checkroom:")
        st.stop()
    now = model_view.look(run, network, image)
with prediction_column:
    model_view.prediction(now)

view = links.choice(state.EXPLORE_VIEW, "View", VIEWS)
if view != "Edit":  # which lists the edits itself
    model_view.banner(run)
if view == "Feature maps":
    feature_maps.show(now)
elif view == "Filters":
    filters.show(now)
elif view == "Explain":
    explanation.show(now)
elif view == "Edit":
    ablation.show(now)
else:
    if now.changed:
        st.info("This view shows the network after its last epoch, without edits.", icon=":material/history:")
    embedding.show(run, network.predict, image, on_open=lambda index: inputs.open_sample(run, index))

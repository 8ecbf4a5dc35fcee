"""Inside a network: what every layer makes of a picture, down to one sum; what its filters look for; and why."""

import streamlit as st

from cnn.ui import shell, state

VIEWS = ["Feature maps", "Filters", "Why", "What if", "Embedding"]

run = shell.page("Explore", "What the network has learned to look for, what each layer finds in a picture, and why.")
shell.require_model(run)
with st.spinner("Loading TensorFlow…"):
    from cnn.ui import models
    from cnn.ui.explore import ablation, embedding, explanation, feature_maps, filters, model_view
    from cnn.ui.predict import batch, inputs

    network = models.load(run)

picture_column, answer_column = st.columns(2, gap="large")
with picture_column:
    given = inputs.ask(run, network.predict)
    picture = batch.opened(given) if isinstance(given, list) else given
    if not picture:
        st.info(
            "Choose, draw or upload a picture above to see what the network makes of it.",
            icon=":material/arrow_upward:",
        )
        st.stop()
    now = model_view.look(run, network, picture)
    model_view.banner(run)
with answer_column:
    model_view.answer(now)

asked = st.query_params.get("view")
st.session_state.setdefault(state.EXPLORE_VIEW, asked if asked in VIEWS else VIEWS[0])
view = st.segmented_control(
    "View",
    VIEWS,
    required=True,
    key=state.EXPLORE_VIEW,
    bind="query-params",
    wrap=True,
)
if view == "Feature maps":
    feature_maps.show(now)
elif view == "Filters":
    filters.show(now)
elif view == "Why":
    explanation.show(now)
elif view == "What if":
    ablation.show(now)
else:
    if now.changed:
        st.info("This view is of the network as it was trained in the end.", icon=":material/history:")
    embedding.show(run, network.predict, picture, on_open=lambda index: inputs.open_sample(run, index))

"""CNN Atelier: `streamlit run app.py`. Only says which pages there are; each page stands on its own."""

from pathlib import Path

import streamlit as st

from cnn.ui import state

PAGES = Path(__file__).parent / "pages"

st.session_state[state.ROUTED] = True  # tells a page that it was reached through here, see cnn.ui.shell
st.navigation(
    [
        st.Page(PAGES / "0_Start.py", title="Start", icon=":material/home:", default=True, help="What this is."),
        st.Page(
            PAGES / "1_Train.py",
            title="Train",
            icon=":material/model_training:",
            help="Build a network, watch it learn.",
        ),
        st.Page(
            PAGES / "2_Runs.py", title="Runs", icon=":material/table_rows:", help="Find and compare your trainings."
        ),
        st.Page(
            PAGES / "3_Sweeps.py",
            title="Sweeps",
            icon=":material/scatter_plot:",
            help="Train many variants, see which settings count.",
        ),
        st.Page(
            PAGES / "4_Model.py",
            title="Model",
            icon=":material/account_tree:",
            help="Its layers, shapes and parameters.",
        ),
        st.Page(
            PAGES / "5_Explore.py",
            title="Explore",
            icon=":material/grid_view:",
            help="Look inside it, ask it why, operate on it.",
        ),
        st.Page(
            PAGES / "6_Predict.py", title="Predict", icon=":material/checkroom:", help="Show it a drawing or a photo."
        ),
        st.Page(
            PAGES / "7_Learn.py", title="Learn", icon=":material/school:", help="Every idea of the lecture, to touch."
        ),
    ]
).run()

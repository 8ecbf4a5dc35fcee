"""CNN Atelier: `streamlit run app.py`. Only says which pages there are; each page stands on its own."""

from pathlib import Path

import streamlit as st

from cnn.ui import state
from cnn.ui.shell import FAVICON

PAGES = Path(__file__).parent / "pages"


def _page(name: str, title: str, icon: str, about: str, default: bool = False):
    return st.Page(PAGES / f"{name}.py", title=title, icon=f":material/{icon}:", help=about, default=default)


st.set_page_config(page_icon=FAVICON)  # before the pages' icons, one of which the browser would ask another server for
st.session_state[state.ROUTED] = True  # tells a page that it was reached through here, see cnn.ui.shell
st.navigation(
    {
        "Learn": [
            _page("0_Start", "Start", "home", "Guess a garment, and choose a way in.", default=True),
            _page("1_Learn", "Lessons", "school", "Twelve interactive lessons with every number written out."),
        ],
        "Build": [
            _page("2_Collect", "Collect", "add_photo_alternate", "Make a dataset of your own images."),
            _page("3_New_network", "New network", "add_circle", "Choose a preset, change anything, start training."),
            _page("4_Sweeps", "Sweeps", "scatter_plot", "Train many variants, see which settings matter."),
        ],
        "Results": [
            _page("5_Runs", "Runs", "table_rows", "Find and compare your trainings."),
        ],
        "This network": [
            _page("6_Train", "Training", "model_training", "Watch it learn, pause it, steer it."),
            _page("7_Model", "Architecture", "account_tree", "Its layers, shapes and parameters, and its file."),
            _page("8_Evaluate", "Evaluate", "fact_check", "How good it is, where it fails, and what to do next."),
            _page("9_Explore", "Explore", "grid_view", "Look inside, explain a prediction, edit the network."),
            _page("10_Predict", "Predict", "checkroom", "Show it a drawing or a photo."),
        ],
    }
).run()

"""The way from a lesson to a network of your own: choose a dataset, or collect one; the rest is a click."""

import streamlit as st

from cnn.data import own_datasets
from cnn.ui import shell, state
from cnn.ui.learn import controls
from cnn.ui.learn.prose import say


def show(key: str, lead: str) -> None:
    """Draw the part.

    Args:
        key: of its widgets, which begins with the lesson's name.
        lead: a sentence or two on what a network of your own has to do with the lesson.
    """
    st.subheader("Your own network", anchor=False)
    say(lead)
    datasets = own_datasets.listed()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if datasets:
            chosen = controls.menu(f"{key}_dataset", "Your dataset", datasets, value=datasets[0])
            st.page_link(
                shell.NEW_NETWORK,
                label="Retrain EfficientNet-Lite2 on it",
                icon=":material/model_training:",
                query_params={state.DATASET: chosen},
                width="content",
            )
        st.page_link(
            shell.COLLECT,
            label="Collect images" if datasets else "Collect images of your own",
            icon=":material/add_photo_alternate:",
            width="content",
        )

"""Every run in one table: find them, label them, compare them, delete them."""

import streamlit as st

from cnn import runs
from cnn.ui import shell
from cnn.ui.runs import actions, comparison, deletion, table

shell.page(
    "Runs",
    "Every training that is kept here, and the networks that come with the program. Tick two or more to compare.",
)
deletion.offer_undo()

listed = shell.listed()
if all(run.shipped for run in listed):
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(f"You have no run yet. Train a network, and it will be kept in {runs.root()}.", icon=":material/info:")
        st.page_link(shell.TRAIN, label="Train a network", icon=":material/model_training:")

view = table.choose_view(listed)
selected = table.selection(view.of(listed))
actions.show(selected)
table.show(view, listed)
comparison.show(selected)

"""Every run in one table: find them, label them, compare them, delete them, and bring deleted ones back."""

import streamlit as st

from cnn.ui import links, shell, state
from cnn.ui.runs import actions, bin_view, comparison, deletion, table

shell.page("Runs", "Find, compare and tidy your trainings. The networks that come with the program are here, too.")
deletion.offer_undo()

listed = shell.listed()
with st.container(horizontal=True, vertical_alignment="bottom"):
    views = [table.TABLE, table.COMPARISON, table.BIN]
    showing = links.choice(state.RUNS_VIEW, "View", views, label_visibility="collapsed")
    view = table.choose_view(listed) if showing == table.TABLE else None
if showing == table.BIN:
    bin_view.show()
    st.stop()
if view is None:
    selected = table.selection(listed)
    table.link_selection(selected)
    comparison.show_whole(selected)
    st.stop()
if all(run.shipped for run in listed):
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info("You have no runs yet. Train a network, and it appears here.", icon=":material/info:")
        st.page_link(shell.NEW_NETWORK, label="Train a network", icon=":material/model_training:")
selected = table.selection(view.of(listed))
table.link_selection(selected)
actions.show(selected)
table.show(view, listed)
comparison.show(selected)

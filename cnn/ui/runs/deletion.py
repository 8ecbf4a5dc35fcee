"""Deleting runs, and taking that back: the same words and the same Undo on every page that offers it."""

import streamlit as st

from cnn import runs
from cnn.runs import Run
from cnn.ui import shell, state


def delete(listed: list[Run]) -> None:
    """Move runs to the bin and draw the page anew. The current run, if it is among them, gives way to the newest."""
    with shell.show_errors():
        draw_without(runs.delete(*listed))


def draw_without(gone: list[Run]) -> None:
    """Draw the page anew after runs went into the bin, from which `offer_undo` brings them back."""
    current = st.session_state.get(state.RUN)
    st.session_state[state.DELETED] = ({run.id: run.name for run in gone}, current)
    if current in {run.id for run in gone}:
        remaining = runs.all_runs()
        shell.open_run(remaining[0].id if remaining else runs.DEFAULT_ID)
    st.rerun()


def offer_undo() -> None:
    """Offer the runs that were deleted last, as long as they are in the bin."""
    names, current = st.session_state.get(state.DELETED, ({}, None))
    here = {run_id: name for run_id, name in names.items() if runs.is_in_bin(run_id)}
    if not here:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        what = shell.plain(next(iter(here.values()))) if len(here) == 1 else f"{len(here)} runs"
        st.caption(f"Deleted: {what}")
        if st.button("Undo", icon=":material/undo:", key="undo"):
            with shell.show_errors():
                runs.restore(*here)
                st.session_state.pop(state.DELETED, None)
                if current in here:
                    shell.open_run(current)
                st.rerun()

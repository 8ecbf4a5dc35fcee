"""What trains now, and the runs that were made last."""

import streamlit as st

from cnn import runs
from cnn.runs import Run
from cnn.ui import fragments, shell

_TICK = 2.0  # seconds between two looks while something trains
_LAST = 3  # runs


def show() -> None:
    """Draw a card for each run in training, and for the last ones that have ended. They follow what goes on."""
    any_active = any(run.active for run in shell.listed())
    fragments.fragment(_cards, run_every=_TICK if any_active else None)()


def _cards() -> None:
    own = [run for run in runs.listed() if not run.shipped]
    active = [run for run in own if run.active]
    ended = [run for run in own if not run.active][:_LAST]
    if active:
        st.subheader("Training now", anchor=False)
        _row(active)
    if ended:
        st.subheader("Last runs", anchor=False)
        _row(ended)


def _row(listed: list[Run]) -> None:
    with st.grid(3, min_column_width=240):
        for run in listed:
            with st.container(border=True):
                st.page_link(
                    shell.TRAIN,
                    label=shell.plain(run.name),
                    icon=shell.STATE_ICONS[run.state],
                    query_params={"run": run.id},
                )
                if run.active:
                    st.progress(run.progress, text=run.state)
                else:
                    accuracy = f" · test accuracy {run.evaluation['accuracy']:.1%}" if run.evaluation else ""
                    st.caption(f"{run.state}{accuracy}{shell.synthetic_note(run)}")

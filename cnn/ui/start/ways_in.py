"""What one may come for, and where to begin."""

from collections.abc import Mapping

import streamlit as st

from cnn.config import presets
from cnn.ui import shell
from cnn.ui.train import progress

_FIRST = "fast"  # the preset that is trained by one click; about a minute on two cores, see docs/benchmarks.md


def first_steps(run_id: str) -> None:
    """The two buttons of a newcomer, and the way to the canvas."""
    if st.button(
        "Train your first network",
        type="primary",
        icon=":material/play_arrow:",
        key="first_network",
        help="The preset Fast on Fashion-MNIST: 55,000 training images, 317,450 parameters.",
    ):
        progress.start_new(presets()[_FIRST], "My first network")
    st.caption("About a minute on two cores. You watch it learn.")
    with st.container(horizontal=True, gap="medium"):
        _link(shell.LEARN, "Start lesson 1", "school", run_id, {"topic": "why"})
        _link(shell.PREDICT, "Draw something", "draw", run_id, {"predict-from": "Draw"})


def cards(run_id: str) -> None:
    """A card for those who learn, who teach and who build."""
    with st.grid(3, min_column_width=240):
        with st.container(border=True):
            st.markdown("**I'm learning**")
            st.caption(
                "Twelve lessons, from the sliding filter to transfer learning: move things, read every number, answer "
                "a question."
            )
            _link(shell.LEARN, "Open the lessons", "school", run_id)
            _link(shell.EXPLORE, "Look inside a trained network", "grid_view", run_id)
        with st.container(border=True):
            st.markdown("**I'm teaching**")
            st.caption(
                "Set a lesson up, hide what the class does not need yet, and share the link: all see what you see."
            )
            _link(shell.LEARN, "Prepare a lesson", "share", run_id, {"topic": "filter"})
            _link(shell.RUNS, "Compare networks", "table_rows", run_id, {"compare": "dense,lecture,wardrobe"})
        with st.container(border=True):
            st.markdown("**I'm building**")
            st.caption("Build a network layer by layer, vary its settings, compare the runs, and download the model.")
            _link(shell.NEW_NETWORK, "Build a network", "add_circle", run_id)
            _link(shell.SWEEPS, "Run a sweep", "scatter_plot", run_id)


def _link(page: str, label: str, icon: str, run_id: str, query: Mapping[str, str] | None = None) -> None:
    st.page_link(page, label=label, icon=f":material/{icon}:", query_params={"run": run_id, **(query or {})})

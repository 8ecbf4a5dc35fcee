"""The layers of a network: totals, a diagram and a table beside each other, and a second network to compare with."""

from functools import partial

import streamlit as st

from cnn import charts
from cnn.runs import Run
from cnn.ui import compare, fragments, links, state
from cnn.ui.model import details, diagram, side_by_side, table, totals
from cnn.ui.train import retrain

_HEIGHT = 480  # pixels of the diagram


@fragments.fragment
def show(run: Run) -> None:
    """Draw them. A click on a box of the diagram or on a cell of the table opens a layer in both."""
    rows = run.config.rows()
    blocks = charts.blocks([str(layer) for layer in run.config.layers], rows)
    choices = st.container(horizontal=True, vertical_alignment="bottom")
    with choices:
        other = compare.other_run(
            state.MODEL_COMPARE, run, trained=False, help="Shows both networks side by side, with what differs marked."
        )
    if other:
        side_by_side.show(run, other)
        return
    with choices:
        opened = diagram.ask(blocks, state.MODEL, width=320)
        arithmetic = links.switch(
            state.MODEL_ARITHMETIC, "Arithmetic", help="Writes out how the numbers of the table come about."
        )
    totals.show(run)
    with st.container(horizontal=True):
        retrain.offer(run, "model")
    left, right = st.columns([2, 3], gap="medium")
    with left:
        st.subheader("Diagram", anchor=False)
        diagram.show(run, blocks, opened, state.MODEL, _HEIGHT)
    with right:
        if opened:
            details.show(run, opened)
        st.subheader("Summary", anchor=False)
        index = opened.index if opened else None
        table.show(run, rows, index, arithmetic, partial(diagram.open_layer, blocks, state.MODEL))

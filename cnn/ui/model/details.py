"""One layer of a network, opened: what its Keras layers are made with, the arithmetic of its numbers, a way inside."""

import streamlit as st

from cnn.charts import Block
from cnn.config.layers import CONVOLUTIONS
from cnn.runs import Run
from cnn.ui import shell

_NOTHING_OF_THEIR_OWN = ("Dropout", "Flatten")  # Explore shows no maps of what only passes values on
_LETTERS = (
    "Sizes: floor((n + 2p − f)/s) + 1, with n pixels, p zeros on each side, a kernel that spans f = d·(k − 1) + 1, and "
    "stride s. Receptive field: r + (k − 1)·d·j, with kernel k, dilation d and the jump j between two values; then j·s."
)


def show(run: Run, block: Block) -> None:
    """Draw it in a frame."""
    with st.container(border=True):
        st.markdown(f"**Layer {block.index + 1}: {block.title}**")
        with st.container(horizontal=True):
            _links(run, block)
        for row in block.rows:
            arguments = ", ".join(f"{name}={value!r}" for name, value in row.arguments.items())
            st.code(f"{row.type}({arguments})  # {row.name}", language=None, wrap_lines=True)
            st.markdown("\n".join(f"- {working.of}: {working}" for working in row.workings))
        if any(row.window for row in block.rows):
            st.caption(_LETTERS)


def _links(run: Run, block: Block) -> None:
    """To the layer on the Explore page, where the network is trained; Back returns."""
    if not run.has_model:
        return
    shown = [row.name for row in block.rows if row.type not in _NOTHING_OF_THEIR_OWN]
    filters = next((row.name for row in block.rows if row.type in CONVOLUTIONS), None)
    if shown:
        maps = "feature maps" if len(block.rows[-1].output_shape) > 1 else "values"
        query = {"run": run.id, "view": "Feature maps", "explore-layer": filters or shown[-1]}
        st.page_link(shell.EXPLORE, label=f"Its {maps}", icon=":material/grid_view:", query_params=query)
    if filters:
        query = {"run": run.id, "view": "Filters", "explore-convolution": filters}
        st.page_link(shell.EXPLORE, label="Its filters", icon=":material/filter_frames:", query_params=query)

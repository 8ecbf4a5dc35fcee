"""The layers of a network: a table, a diagram whose boxes open, and what one layer is made with."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from cnn import charts
from cnn.charts import Block
from cnn.config import INPUT_SHAPE
from cnn.config.layers import CONVOLUTIONS, Row
from cnn.runs import Run
from cnn.ui import figures, fragments, links, shell, state

_NONE = "None"  # no layer is opened


def totals(run: Run, rows: Sequence[Row]) -> None:
    """How large the network is, and how good."""
    total, trainable = sum(row.parameters for row in rows), sum(row.trainable for row in rows)
    with st.grid(4, min_column_width=150):
        st.metric("Parameters", f"{total:,}", border=True, help=f"{trainable:,} of them are trained.")
        st.metric(
            "Non-trainable",
            f"{total - trainable:,}",
            border=True,
            help="The moving means and variances of batch normalisation.",
        )
        st.metric(
            "MACs",
            f"{sum(row.macs for row in rows) / 1e6:,.1f} M",
            border=True,
            help="Multiply-accumulates for one image.",
        )
        if run.evaluation:
            st.metric(
                "Test accuracy" + shell.synthetic_note(run),
                f"{run.evaluation['accuracy']:.2%}",
                border=True,
                help=f"On {run.evaluation['n']:,} images that it has not seen, in a single forward pass. Predict uses "
                "test-time augmentation, which is usually a little better.",
            )


@fragments.fragment
def show(run: Run, rows: Sequence[Row]) -> None:
    """Draw the table beside the diagram. A click on a box, or the menu, opens a layer in both."""
    blocks = charts.blocks([str(layer) for layer in run.config.layers], rows)
    titles = {block.index: f"{block.index + 1} · {block.title}" for block in blocks}
    table, diagram = st.columns([3, 2], gap="large")
    with diagram:
        st.subheader("Diagram", anchor=False)
        title = links.menu(state.MODEL_LAYER, "Open a layer", [_NONE, *titles.values()])
        opened = next((index for index, name in titles.items() if name == title), None)
        figures.show(
            charts.network_diagram(blocks, INPUT_SHAPE, opened),
            key=state.MODEL_DIAGRAM,
            alt=f"The {len(blocks)} layers of the network from the image at the top to the ten probabilities at the "
            "bottom. The menu above opens one.",
            on_select=lambda: _clicked(titles, opened),
        )
        st.caption(
            "Blue: convolutions. Orange: dense layers. Grey: dropout. Green: the others. Dashed: skip connections. "
            "Click a box to open it."
        )
    with table:
        if opened is not None:
            _details(run, blocks[opened])
        st.subheader("Summary", anchor=False)
        _summary(rows, opened)


def _clicked(titles: dict[int, str], opened: int | None) -> None:
    points = st.session_state[state.MODEL_DIAGRAM]["selection"]["points"]
    if points:
        data = points[0]["customdata"]
        index = int(data[0] if isinstance(data, list | tuple) else data)
        st.session_state[state.MODEL_LAYER] = _NONE if index in (-1, opened) else titles[index]


def _summary(rows: Sequence[Row], opened: int | None) -> None:
    table = pd.DataFrame(
        {
            "layer": ("▸ " if row.layer == opened else "") + row.name,
            "type": row.type,
            "output shape": str((None, *row.output_shape)),
            "parameters": row.parameters,
            "MACs": row.macs,
            "receptive field": f"{row.receptive_field.size}×{row.receptive_field.size}"
            if row.receptive_field
            else "all",
        }
        for row in rows
    )
    st.dataframe(
        table,
        hide_index=True,
        height="content",
        alt=f"The {len(rows)} layers with type, output shape, parameters, multiply-accumulates and receptive field.",
        column_config={
            "parameters": st.column_config.NumberColumn(format="localized"),
            "MACs": st.column_config.NumberColumn(format="localized", help="Multiply-accumulates for one image."),
            "receptive field": st.column_config.Column(help="Input pixels that one output value can see."),
        },
    )
    total, trainable = sum(row.parameters for row in rows), sum(row.trainable for row in rows)
    st.caption(
        f"Total parameters: {total:,} · trainable: {trainable:,} · non-trainable: {total - trainable:,}. "
        "None in a shape is the number of images in a batch."
    )


def _details(run: Run, block: Block) -> None:
    """The Keras layers of a block with the arguments that are not Keras's defaults, and the ways to look inside."""
    with st.container(border=True):
        st.markdown(f"**Layer {block.index + 1}: {block.title}**")
        for row in block.rows:
            arguments = ", ".join(f"{name}={value!r}" for name, value in row.arguments.items())
            st.code(f"{row.type}({arguments})  # {row.name}", language="python", wrap_lines=True)
        maps = next((row.name for row in block.rows if row.type in CONVOLUTIONS), None)
        if run.has_model and maps:
            with st.container(horizontal=True):
                query = {"run": run.id, "view": "Feature maps", "explore-layer": maps}
                st.page_link(shell.EXPLORE, label="Its feature maps", icon=":material/grid_view:", query_params=query)
                query = {"run": run.id, "view": "Filters", "explore-convolution": maps}
                st.page_link(shell.EXPLORE, label="Its filters", icon=":material/filter_frames:", query_params=query)

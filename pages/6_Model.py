"""What a network is made of: the table of `model.summary()`, a diagram, and the file to keep."""

import pandas as pd
import streamlit as st

from cnn import charts, runs
from cnn.config import INPUT_SHAPE
from cnn.ui import shell
from cnn.ui.model import download
from cnn.ui.train import export

run = shell.page("Model", "The layers of the current run, as Keras lists them, with what each costs and sees.")
if run.config is None:
    shell.require_model(run)

rows = run.config.rows()
total, trainable = sum(row.parameters for row in rows), sum(row.trainable for row in rows)

with st.grid("auto", min_column_width=150):
    st.metric("Total parameters", f"{total:,}")
    st.metric("Trainable", f"{trainable:,}")
    st.metric("Non-trainable", f"{total - trainable:,}", help="The running means and variances of batch normalisation.")
    st.metric("Multiply-accumulates", f"{sum(row.macs for row in rows) / 1e6:,.1f} M", help="For one picture.")
    if run.evaluation:
        st.metric(
            "Test accuracy" + shell.synthetic_note(run),
            f"{run.evaluation['accuracy']:.2%}",
            help=f"On {run.evaluation['n']:,} unseen pictures.",
        )

st.subheader("Summary")
table = pd.DataFrame(
    {
        "layer": row.name,
        "type": row.type,
        "output shape": str((None, *row.output_shape)),
        "parameters": row.parameters,
        "MACs": row.macs,
        "receptive field": f"{row.receptive_field.size}×{row.receptive_field.size}" if row.receptive_field else "all",
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
        "MACs": st.column_config.NumberColumn(format="localized", help="Multiply-accumulates for one picture."),
        "receptive field": st.column_config.Column(help="Input pixels that one output value can see."),
    },
)
st.caption(
    f"Total parameters: {total:,} · trainable: {trainable:,} · non-trainable: {total - trainable:,}. "
    "None in a shape is the number of pictures in a batch."
)

if run.has_model:
    download.offer_model(run)
else:
    st.caption("The network's file is here once the first epoch has been trained.")

export.offer(run.config, run.id, runs.learning_rate_changes(runs.read_metrics(run)), run.status.precision or None)

st.subheader("Diagram")
st.graphviz_chart(
    charts.network_diagram(rows, INPUT_SHAPE, dark=st.context.theme.type == "dark"),
    alt=f"The {len(rows)} layers of the network from the input at the top to the ten probabilities at the bottom.",
)
st.caption("Blue: convolutions, orange: dense layers, grey: dropout, green: the others. The arrows carry the shapes.")

"""What a network is made of: the table of `model.summary()`, a diagram, and the files to keep."""

import streamlit as st

from cnn import runs
from cnn.ui import shell
from cnn.ui.model import download, layers
from cnn.ui.train import export

run = shell.page("Architecture", "The layers of this network, as Keras lists them, and its files to download.")
if run.config is None:
    shell.require_model(run)

layers.show(run)

st.subheader("Download", anchor=False)
if run.has_model:
    download.offer_model(run)
else:
    st.caption("The model can be downloaded after the first epoch.")
export.offer(run.config, run.id, runs.learning_rate_changes(runs.read_metrics(run)), run.status.precision or None)

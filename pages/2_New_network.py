"""Build a network and start its training."""

import streamlit as st

from cnn import data
from cnn.config import STAND_IN
from cnn.ui import shell
from cnn.ui.train import form

shell.page("New network", "Choose a preset, change anything, and start the training.")

for dataset in data.DATASETS.values():
    if missing := dataset.missing():
        st.info(
            f"{missing} {dataset.by_hand()} Or choose the {STAND_IN.name} dataset below.",
            icon=":material/cloud_download:",
        )
form.show()

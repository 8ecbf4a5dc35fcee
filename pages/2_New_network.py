"""Build a network and start its training."""

import streamlit as st

from cnn import data, runs
from cnn.config import STAND_IN
from cnn.runs import launchers
from cnn.ui import shell
from cnn.ui.sweeps import form as sweep_form
from cnn.ui.train import form, progress

shell.page("New network", "Choose a preset, change anything, and start the training.")

for dataset in data.DATASETS.values():
    if missing := dataset.missing():
        st.info(
            f"{missing} {dataset.by_hand()} Or choose the {STAND_IN.name} dataset below.",
            icon=":material/cloud_download:",
        )
form.choose_preset()
start_row = st.container(horizontal=True, vertical_alignment="bottom")
progress.place()
config = form.configure()
with start_row:
    name = form.name_of_run()
    place = launchers.launcher().place()
    busy = sum(other.active for other in runs.all_runs()) if place.takes_turns else 0
    label = f"Queue behind {busy} other{'s' if busy > 1 else ''}" if busy else "Start training"
    if st.button(
        label,
        type="primary",
        icon=":material/play_arrow:",
        disabled=config is None or place.problem != "",
        key="start",
    ):
        progress.start_new(config, name)
    if config is not None:
        sweep_form.offer()

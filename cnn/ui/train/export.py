"""A configuration as files to keep: JSON, which can be imported again, and a Keras script that needs no Atelier."""

from collections.abc import Sequence

import streamlit as st

from cnn.config import RunConfig
from cnn.data import DataUnavailable, soft_labels
from cnn.runs import saved_presets
from cnn.training.keras_script import keras_script, left_out
from cnn.ui import shell


def offer(
    config: RunConfig, name: str, changes: Sequence[tuple[int, int, float]] = (), precision: str | None = None
) -> None:
    """Draw a button for each file, and say what the script has to leave out.

    Args:
        config: the configuration.
        name: of the files, without ending.
        changes: of the learning rate by hand, which the script repeats; see `runs.learning_rate_changes`.
        precision: that a run took where its configuration says "auto".
    """
    script, problem = "", ""
    try:
        script = keras_script(config, changes, precision)
    except DataUnavailable as error:  # it names the files of a dataset of people's own, which may be gone
        problem = str(error)
    with st.container(horizontal=True):
        st.download_button(
            "Configuration (.json)",
            saved_presets.to_json(config),
            f"{name}.json",
            "application/json",
            icon=":material/data_object:",
            key="export_json",
            on_click="ignore",
            help="What a run keeps as its config.json. It can be imported on the New network page.",
        )
        st.download_button(
            "Keras script (.py)",
            script,
            f"{name}.py",
            "text/x-python",
            icon=":material/code:",
            key="export_script",
            disabled=bool(problem),
            on_click="ignore",
            help="Trains the same network with Keras alone, without this program.",
        )
        if config.data.uses_soft_labels:
            st.download_button(
                "Soft labels (.npz)",
                soft_labels.FILE.read_bytes,
                soft_labels.FILE.name,
                "application/octet-stream",
                icon=":material/label:",
                key="export_soft_labels",
                on_click="ignore",
                help="What the script learns from besides the labels: put it into the folder in which you run it.",
            )
    for sentence in [shell.plain(problem)] if problem else left_out(config):
        st.caption(sentence)

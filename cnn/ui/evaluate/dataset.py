"""The Evaluate page's view for the dataset itself: wrong labels, duplicates, and whether more images would help."""

from pathlib import Path

import streamlit as st

from cnn import data, runs
from cnn.config import Data
from cnn.data import Splits
from cnn.evaluation import dataset_findings
from cnn.runs import Run
from cnn.ui import links
from cnn.ui.evaluate import duplicate_pairs, label_suspects, learning_curve, measured

_TRAINING, _TEST, _DUPLICATES, _CURVE = "Training labels", "Test labels", "Duplicates", "Learning curve"


def show(run: Run) -> None:
    """Draw the view."""
    config = run.config.data
    splits = measured.if_here(run, lambda: _loaded(data.fingerprint(config), config))
    if splits is None:
        return
    part = links.choice(
        "dataset-part", "Look for", (_TRAINING, _TEST, _DUPLICATES, _CURVE), label_visibility="collapsed"
    )
    if part == _TEST:
        label_suspects.of_test(run, splits)
        return
    place = _place(data.fingerprint(config), str(runs.root()), config, splits)
    if part == _TRAINING:
        label_suspects.of_training(run, splits, place)
    elif part == _CURVE:
        learning_curve.show(run, place)
    else:
        duplicate_pairs.show(run, splits, place)


@st.cache_resource(max_entries=2, show_spinner="Loading the images…")
def _loaded(fingerprint: str, _config: Data) -> Splits:
    return data.load(_config)


@st.cache_resource(max_entries=4, show_spinner=False)
def _place(fingerprint: str, root: str, _config: Data, _splits: Splits) -> Path:
    """Where what is found about these images is kept."""
    return dataset_findings.folder(_config, _splits)

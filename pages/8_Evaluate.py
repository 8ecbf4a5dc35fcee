"""How good a network is on images that it has not seen, where it fails, and what to do about it."""

import streamlit as st

from cnn.evaluation.predictions import SplitName
from cnn.ui import links, shell, state
from cnn.ui.evaluate import classes, confidence, dataset, images, measured, overview, report, robustness

SPLITS: dict[str, SplitName] = {"Test images": "test", "Validation images": "validation"}
VIEWS = ("Overview", "Images", "Classes", "Calibration", "Robustness", "Dataset", "Report")

run = shell.page("Evaluate", "How good it is on images that it has not seen, where it fails, and what to do next.")
shell.require_model(run)
with st.container(horizontal=True, vertical_alignment="bottom"):
    view = links.choice(state.EVALUATE_VIEW, "View", VIEWS, label_visibility="collapsed")
    other = view in ("Robustness", "Dataset")  # they say for themselves which images they are about
    split = SPLITS[
        links.choice(state.EVALUATE_SPLIT, "Images", list(SPLITS), label_visibility="collapsed", disabled=other)
    ]
if run.active:
    st.info(f"This network is still training: these are the results after epoch {run.status.epoch}.")

if view == "Robustness":
    robustness.show(run)
elif view == "Dataset":
    dataset.show(run)
else:
    found = measured.require(run, split)
    if view == "Overview":
        overview.show(run, found)
    elif view == "Images":
        images.show(run, found)
    elif view == "Classes":
        classes.show(run, found)
    elif view == "Calibration":
        confidence.show(run, found)
    else:
        report.show(run, split)

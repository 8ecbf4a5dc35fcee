"""The way from an image of a dataset to the page that explains its prediction; Back returns from there."""

import numpy as np
import streamlit as st

from cnn.runs import Run
from cnn.ui import shell, state


def explain_link(run: Run, split: str, labels: np.ndarray, index: int, label: str = "Explain its prediction") -> None:
    """Draw a link that opens an image of the run's dataset on Explore, with its attribution maps.

    Args:
        run: whose network explains it.
        split: train, validation or test.
        labels: int (n,), of the whole split.
        index: of the image in the split.
        label: of the link.
    """
    st.page_link(
        shell.EXPLORE,
        label=label,
        icon=":material/search_insights:",
        query_params={"run": run.id, state.EXPLORE_VIEW: "Explain", **image_query(run, split, labels, index)},
    )


def image_query(run: Run, split: str, labels: np.ndarray, index: int) -> dict[str, str]:
    """The parameters by which Explore's link names an image of the dataset: its split, class and number."""
    keys, of_class = state.EXPLORE_IMAGE, int(labels[index])
    query = {
        keys.way: "Sample",
        keys.label: run.config.data.card.class_names[of_class],
        keys.number: str(int((labels[: index + 1] == of_class).sum())),
    }
    return query if split == "test" else {**query, keys.split: split.capitalize()}

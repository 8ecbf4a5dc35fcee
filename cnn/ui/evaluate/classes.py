"""How well each class is predicted: a table, and one class against all others as a threshold moves."""

import numpy as np
import pandas as pd
import streamlit as st

from cnn import charts
from cnn.evaluation import scores
from cnn.evaluation.predictions import Predictions
from cnn.runs import Run
from cnn.ui import csv, figures, fragments, links, shell, state

_WHOLE, _HIGH = 30, 640  # classes up to which the whole table is shown, and the pixels of a longer one
_PERCENT = ("Precision", "Recall", "F1", "Mean confidence")


def show(run: Run, found: Predictions) -> None:
    """Draw the view."""
    st.subheader("Each class", anchor=False)
    _table(run, found)
    fragments.fragment(_one_class)(found)


def _table(run: Run, found: Predictions) -> None:
    rows = scores.per_class(found)
    shown = _as_table([*rows, *scores.means(found)])
    percent = {name: st.column_config.NumberColumn(format="%.1f%%", help=help_) for name, help_ in _HELP.items()}
    st.dataframe(
        shown.assign(**{name: shown[name] * 100 for name in _PERCENT}),
        hide_index=True,
        height="content" if len(rows) <= _WHOLE else _HIGH,
        key=state.CLASSES_TABLE,
        alt=f"Precision, recall, F1, support and mean confidence of {len(rows)} classes and their means.",
        on_select=lambda: _open(found),
        selection_mode="single-row",
        column_config={**percent, "Support": st.column_config.NumberColumn(format="localized", help="Images of it.")},
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Click a column's name to sort by it. Select a row to follow that class below.", width="stretch")
        csv.download(lambda: csv.to_csv(shown.round(6)), f"{run.id}-{found.split}-classes.csv", key="classes_csv")


_HELP = {
    "Precision": "Of the images predicted as this class, how many are of it.",
    "Recall": "Of the images of this class, how many are predicted as it.",
    "F1": "The harmonic mean of precision and recall.",
    "Mean confidence": "Of the predictions for its images.",
}


def _as_table(rows: list[scores.ClassScores]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Class": row.name,
            "Precision": row.precision,
            "Recall": row.recall,
            "F1": row.f1,
            "Support": row.support,
            "Mean confidence": row.confidence,
        }
        for row in rows
    )


def _open(found: Predictions) -> None:
    rows = st.session_state[state.CLASSES_TABLE].selection.rows
    if rows and rows[0] < len(found.class_names):
        st.session_state[state.EVALUATE_CLASS] = found.class_names[rows[0]]


def _one_class(found: Predictions) -> None:
    """One class against all others."""
    st.subheader("One class against all others", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        name = links.menu(state.EVALUATE_CLASS, "Class", found.class_names, width=170)
        percent = links.slider(
            "evaluate-threshold",
            "Threshold on its probability (%)",
            0,
            100,
            50,
            width=340,
            help="Every image with at least this probability of the class is called the class, whatever else it is.",
        )
    label = found.class_names.index(name)
    if len(found.class_names) > _WHOLE:
        st.caption(f"{int((found.labels == label).sum()):,} of {len(found):,} images are {shell.plain(name)}.")
    curves = scores.curves(found, label)
    if np.isnan(curves.auroc):
        st.info(f"All {found.split} images are {shell.plain(name)}, or none is: there is nothing to tell apart.")
        return
    at = curves.at(percent / 100)
    _at_threshold(found, label, percent / 100)
    left, right = st.columns(2, gap="large")
    with left:
        figures.show(
            charts.roc(curves, at),
            key="roc",
            alt=f"ROC curve of {name}. Area under it: {curves.auroc:.4f}.",
            title=f"ROC curve · AUROC {curves.auroc:.4f}",
        )
    with right:
        figures.show(
            charts.precision_recall(curves, at),
            key="precision-recall",
            alt=f"Precision-recall curve of {name}. Average precision: {curves.average_precision:.4f}.",
            title=f"Precision-recall · AP {curves.average_precision:.4f}",
        )
    st.caption("The diamond is the threshold. Dashed: chance.")


def _at_threshold(found: Predictions, label: int, threshold: float) -> None:
    """What is called the class at this threshold, and what is missed."""
    called, is_class = found.probabilities[:, label] >= threshold, found.labels == label
    hits, false, missed = (int(chosen.sum()) for chosen in (called & is_class, called & ~is_class, ~called & is_class))
    precision = f"{hits / (hits + false):.1%}" if hits + false else "–"
    with st.grid(4, min_column_width=150):
        st.metric("Recall", f"{hits / is_class.sum():.1%}", border=True, help=f"{hits:,} found, {missed:,} missed.")
        st.metric("Precision", precision, border=True, help=f"{hits:,} right, {false:,} wrong.")
        st.metric("Called so, wrongly", f"{false:,}", border=True, help="False positives.")
        st.metric("Missed", f"{missed:,}", border=True, help="False negatives.")

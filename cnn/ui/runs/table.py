"""All runs in one table, which can be searched, filtered and sorted, and the selection of some of them.

The selection is a list of ids in the session, not of rows: runs may come, go and change places under it.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from cnn import runs
from cnn.runs import Run
from cnn.ui import shell, state

_TICK = 3.0  # seconds between two looks while something is in training
_ROWS = 15  # shown without scrolling
_ROW = 35  # pixels

ORDERS: dict[
    str, tuple[Callable[[Run], datetime | float | str], bool]
] = {  # what to sort by, and whether the highest comes first
    "newest": (lambda run: run.created or datetime.min, True),
    "best validation accuracy": (lambda run: runs.summary(run).best_accuracy or 0.0, True),
    "test accuracy": (lambda run: run.evaluation["accuracy"] if run.evaluation else 0.0, True),
    "parameters": (lambda run: run.parameters or 0, True),
    "time trained": (lambda run: run.status.seconds, True),
    "size on disk": (lambda run: run.size, True),
    "name": (lambda run: run.name.casefold(), False),
}


class View(NamedTuple):
    """Which runs are shown, and in which order. Empty lists let everything through."""

    words: str = ""
    states: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    hidden: bool = False
    order: str = "newest"

    def of(self, listed: list[Run]) -> list[Run]:
        """The runs that are shown, of those listed."""
        value, falling = ORDERS[self.order]
        return sorted(filter(self._shows, listed), key=value, reverse=falling)

    def _shows(self, run: Run) -> bool:
        text = " ".join([run.name, run.id, run.note, *run.tags]).casefold()
        return (
            all(word in text for word in self.words.casefold().split())
            and (not self.states or run.state in self.states)
            and (not self.tags or not set(self.tags).isdisjoint(run.tags))
            and (not self.datasets or _dataset(run) in self.datasets)
            and (self.hidden or not run.hidden)
        )


def choose_view(listed: list[Run]) -> View:
    """Draw the filters. They keep their values while the visitor is on other pages."""
    with st.grid("auto", min_column_width=115, vertical_alignment="bottom"):
        words = st.text_input(
            "Search", key="runs_search", type="search", help="In names, tags, notes and ids.", persist_state="session"
        )
        states = _several("State", [state for state in shell.STATE_ICONS if any(run.state == state for run in listed)])
        tags = _several("Tag", sorted({tag for run in listed for tag in run.tags}, key=str.casefold))
        datasets = _several("Dataset", sorted({name for run in listed if (name := _dataset(run))}))
        order = st.selectbox("Sort by", list(ORDERS), key="runs_order", persist_state="session")
        hidden = st.toggle("Show hidden", key="runs_hidden", persist_state="session")
    return View(words or "", states, tags, datasets, hidden, order or "newest")


def _several(label: str, options: list[str]) -> tuple[str, ...]:
    key = state.runs_filter(label)
    if not set(st.session_state.get(key, ())) <= set(options):  # the last run of that kind is gone
        st.session_state[key] = [value for value in st.session_state[key] if value in options]
    return tuple(st.multiselect(label, options, key=key, placeholder="Any", persist_state="session"))


def selection(shown: list[Run]) -> list[Run]:
    """The runs that are selected and shown. The first time, those that a link compares."""
    if state.SELECTED_RUNS not in st.session_state:
        st.session_state[state.SELECTED_RUNS] = st.query_params.get("compare", "").split(",")
    ids = set(st.session_state[state.SELECTED_RUNS])
    return [run for run in shown if run.id in ids]


def show(view: View, listed: list[Run]) -> None:
    """Draw the table of the runs that the view shows. While something is in training, it follows that."""
    st.session_state.pop(state.SELECTION_CHANGED, None)
    active = sum(run.active for run in listed)
    st.fragment(_follow, run_every=_TICK if active else None)(view, active, [listed])


def _follow(view: View, active: int, fresh: list[list[Run]]) -> None:
    """The list that was read for this page serves the first time; then each look reads anew."""
    if st.session_state.pop(state.SELECTION_CHANGED, False):
        st.rerun()  # what can be done with the selection stands outside
    listed = fresh.pop() if fresh else runs.listed()
    if sum(run.active for run in listed) != active:
        st.rerun()
    shown = view.of(listed)
    if not shown:
        st.info("No run is like that. Take back some of the filters above.", icon=":material/filter_alt_off:")
        return
    ids = [run.id for run in shown]
    key = f"runs-{hash(tuple(ids))}"  # the grid knows a selection as positions: others in the list, another grid
    st.dataframe(
        table(shown),
        hide_index=True,
        height=(min(len(shown), _ROWS) + 1) * _ROW + 3,
        row_height=_ROW,
        placeholder="",
        on_select=partial(_select, key, ids),
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [ids.index(run.id) for run in selection(shown)]}},
        key=key,
        alt="The runs with their state, tags, validation curve, accuracies, settings, time and size.",
        column_config=_columns(listed),
    )
    of_all = f"{len(shown):,} of {len(listed):,} runs" if len(shown) < len(listed) else f"{len(listed):,} runs"
    st.caption(f"{of_all}. Tick some to label, hide, delete or compare them. They are kept in `{runs.root()}`.")


def _select(key: str, ids: list[str]) -> None:
    """Take over what was ticked in the grid. What is selected but filtered away stays as it is."""
    rows = st.session_state[key]["selection"]["rows"]
    elsewhere = [run_id for run_id in st.session_state[state.SELECTED_RUNS] if run_id not in ids]
    st.session_state[state.SELECTED_RUNS] = elsewhere + [ids[row] for row in rows if row < len(ids)]
    st.session_state[state.SELECTION_CHANGED] = True


def table(shown: list[Run]) -> pd.DataFrame:
    """The runs as rows. A column in which no run has anything is left out."""
    summaries = [runs.summary(run) for run in shown]
    configs = [run.config for run in shown]
    training = [config.training if config else None for config in configs]
    columns = {
        "name": [run.name for run in shown],
        "state": [run.state for run in shown],
        "tags": [list(run.tags) or None for run in shown],
        "validation": [np.array(summary.curve, np.float32) if summary.curve else None for summary in summaries],
        "best validation accuracy": [_percent(summary.best_accuracy) for summary in summaries],
        "test accuracy": [_percent(run.evaluation["accuracy"]) if run.evaluation else None for run in shown],
        "parameters": [run.parameters for run in shown],
        "epochs": [f"{run.status.epoch} of {run.config.training.epochs}" if run.config else None for run in shown],
        "learning rate": [part.learning_rate if part else None for part in training],
        "batch size": [part.batch_size if part else None for part in training],
        "optimizer": [part.optimizer if part else None for part in training],
        "dataset": [_dataset(run) for run in shown],
        "time": pd.to_timedelta([round(run.status.seconds) or None for run in shown], unit="s"),
        "size": [run.size for run in shown],
        "created": pd.to_datetime([run.created for run in shown]),
        "note": [run.note or None for run in shown],
        "problem": [run.problem for run in shown],
        "id": [run.id for run in shown],
    }
    return pd.DataFrame(columns).dropna(axis="columns", how="all")


def _columns(listed: list[Run]) -> dict:
    column = st.column_config
    tags = sorted({tag for run in listed for tag in run.tags}, key=str.casefold)
    percent = partial(column.NumberColumn, format="%.2f%%", width=110)
    return {
        "name": column.TextColumn(width=190, pinned=True),
        "state": column.TextColumn(width=95),
        "tags": column.MultiselectColumn(options=tags, color="auto", width=150),
        "validation": column.LineChartColumn(
            "validation curve", width=130, help="Accuracy on the validation pictures, epoch by epoch."
        ),
        "best validation accuracy": percent("best validation"),
        "test accuracy": percent("test", help="Accuracy on the test pictures, measured once, at the end."),
        "parameters": column.NumberColumn(format="localized", width=100),
        "epochs": column.TextColumn(width=80),
        "learning rate": column.NumberColumn(format="%g", width=105),
        "batch size": column.NumberColumn(width=85),
        "optimizer": column.TextColumn(width=85),
        "dataset": column.TextColumn(width=120),
        "time": column.NumberColumn("time trained", format="compact", width=105),
        "size": column.NumberColumn("size on disk", format="bytes", width=100),
        "created": column.DatetimeColumn(format="YYYY-MM-DD HH:mm", width=140),
        "note": column.TextColumn(width=220),
        "problem": column.TextColumn(width=260),
        "id": column.TextColumn(width=220),
    }


def _percent(share: float | None) -> float | None:
    return share if share is None else 100 * share


def _dataset(run: Run) -> str | None:
    return run.config.data.dataset if run.config else None

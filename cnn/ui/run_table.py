"""All runs in one table; a row that is chosen becomes the current run."""

import pandas as pd
import streamlit as st

from cnn import runs
from cnn.ui import shell

_TICK = 3.0  # seconds between two looks while something is in training


def show() -> None:
    listed = runs.all_runs()
    if not listed:
        st.caption(f"None yet. They will be kept in `{runs.root()}`.")
        return
    st.fragment(_table, run_every=_TICK if any(run.active for run in listed) else None)()


def _table() -> None:
    listed = runs.all_runs()
    table = pd.DataFrame(
        {
            "name": run.name,
            "state": run.state,
            "progress": run.progress,
            "started from": run.config.preset if run.config else None,
            "dataset": run.config.data.dataset if run.config else None,
            "test accuracy": run.evaluation.get("accuracy") if run.evaluation else None,
            "trained": pd.to_timedelta(run.status.seconds, unit="s").floor("s") if run.status.seconds else None,
            "id": run.id,
            "problem": run.problem,
        }
        for run in listed
    )
    chosen = st.dataframe(
        table.dropna(axis="columns", how="all"),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        # A selection is a position: where another run comes or goes, it must not slip to a neighbour.
        key=f"run_table-{hash(tuple(run.id for run in listed))}",
        alt="All runs with their state, progress, dataset and test accuracy.",
        column_config={
            "progress": st.column_config.ProgressColumn(min_value=0.0, max_value=1.0, format="percent", width="small"),
            "test accuracy": st.column_config.NumberColumn(format="percent"),
        },
    )
    st.caption(f"Choose a row to open that run. They are kept in `{runs.root()}`.")
    rows = chosen.selection.rows
    picked = listed[rows[0]].id if rows and rows[0] < len(listed) else None
    # A selection stays until it is changed: only a new one opens a run.
    if picked != st.session_state.get("picked_row"):
        st.session_state["picked_row"] = picked
        if picked and picked != st.session_state.get("run"):
            shell.open_run(picked)

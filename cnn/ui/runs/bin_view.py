"""The bin: what was deleted in the last 30 days, brought back or deleted for good."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

import pandas as pd
import streamlit as st

from cnn import runs
from cnn.config import counted
from cnn.tuning import sweeps
from cnn.ui import shell, state
from cnn.ui.runs import deletion

_ROWS, _ROW = 15, 35  # of the table: shown without scrolling, and pixels of each


class Item(NamedTuple):
    """A run or a sweep in the bin. when: it was deleted, local time. size: bytes."""

    kind: str
    id: str
    name: str
    when: datetime
    size: int


def items() -> list[Item]:
    """All that is in the bin, the last deleted first."""
    found = [Item("Run", run.id, run.name, when, run.size) for run, when in runs.deleted()]
    found += [Item("Sweep", sweep.id, sweep.name, when, _size(sweep)) for sweep, when in sweeps.deleted()]
    return sorted(found, key=lambda item: item.when, reverse=True)


def _size(sweep: sweeps.Sweep) -> int:
    total = 0
    for file in sweep.path.glob("*"):
        with suppress(OSError):
            total += file.stat().st_size
    return total


def show() -> None:
    """Draw what is in the bin, and what can be done with it."""
    listed = items()
    if not listed:
        st.info(
            f"The bin is empty. Deleted runs and sweeps stay here for {runs.DAYS_IN_BIN} days.",
            icon=":material/delete:",
        )
        return
    buttons = st.container(horizontal=True, vertical_alignment="center")
    grid = st.dataframe(
        tabulated(listed),
        hide_index=True,
        height=(min(len(listed), _ROWS) + 1) * _ROW + 3,
        row_height=_ROW,
        on_select="rerun",
        selection_mode="multi-row",
        key=f"bin-{hash(tuple(listed))}",
        alt="The runs and sweeps in the bin, when they were deleted and until when they are kept.",
        column_config={
            "Name": st.column_config.TextColumn(width="large"),
            "Deleted": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
            "Kept until": st.column_config.DateColumn(format="YYYY-MM-DD"),
            "Size": st.column_config.NumberColumn(format="bytes"),
        },
    )
    chosen = [listed[row] for row in grid["selection"]["rows"] if row < len(listed)]
    total = sum(item.size for item in listed) / 1e6
    st.caption(f"{counted(len(listed), 'item')}, {total:,.1f} MB. Kept for {runs.DAYS_IN_BIN} days. Tick to restore.")
    with buttons:
        if st.button("Restore", type="primary", icon=":material/restore:", disabled=not chosen, key="restore"):
            restore(chosen)
        if st.button("Delete for ever", icon=":material/delete_forever:", disabled=not chosen, key="erase"):
            st.session_state[state.ERASING] = chosen
        if st.button("Empty bin", icon=":material/delete_sweep:", type="tertiary", key="empty_bin"):
            st.session_state[state.ERASING] = listed
    doomed = [item for item in st.session_state.get(state.ERASING, []) if item in listed]
    if doomed:
        _confirm(doomed)


def tabulated(listed: list[Item]) -> pd.DataFrame:
    """What is in the bin as rows."""
    return pd.DataFrame(
        {
            "Name": [item.name for item in listed],
            "Kind": [item.kind for item in listed],
            "Deleted": pd.to_datetime([item.when for item in listed]),
            "Kept until": [(item.when + timedelta(days=runs.DAYS_IN_BIN)).date() for item in listed],
            "Size": [item.size for item in listed],
        }
    )


def restore(chosen: list[Item]) -> None:
    """Bring items back, and draw the page again."""
    with shell.show_errors():
        runs.restore(*(item.id for item in chosen if item.kind == "Run"))
        for item in chosen:
            if item.kind == "Sweep":
                sweeps.restore(item.id)
        st.toast(f"Restored: {deletion.named([item.name for item in chosen])}", icon=":material/restore:")
        st.rerun()


def _close() -> None:
    st.session_state.pop(state.ERASING, None)


@st.dialog("Delete for ever?", icon=":material/delete_forever:", on_dismiss=_close)
def _confirm(chosen: list[Item]) -> None:
    megabytes = sum(item.size for item in chosen) / 1e6
    st.markdown(f"{deletion.named([item.name for item in chosen])} ({megabytes:,.1f} MB). This cannot be undone.")
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Cancel", key="cancel_erase"):
            _close()
            st.rerun()
        if st.button("Delete for ever", type="primary", key="confirm_erase"):
            with shell.show_errors():
                runs.erase(*(item.id for item in chosen if item.kind == "Run"))
                sweeps.erase(*(item.id for item in chosen if item.kind == "Sweep"))
                _close()
                st.rerun()

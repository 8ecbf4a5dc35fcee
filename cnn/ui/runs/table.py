"""All runs in one table, which can be searched, filtered and sorted, and the selection of some of them.

The selection is a list of ids in the session, not of rows: runs may come, go and change places under it.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from cnn import charts, runs
from cnn.config import field_label
from cnn.runs import Run
from cnn.tuning import sweeps
from cnn.tuning.sweeps import Place
from cnn.ui import csv, fragments, links, shell, state

_TICK = 3.0  # seconds between two looks while something is in training
_ROWS = 15  # shown without scrolling
_ROW = 35  # pixels

ORDERS: dict[
    str, tuple[Callable[[Run], datetime | float | str], bool]
] = {  # what to sort by, and whether the highest comes first
    "Newest": (lambda run: run.created or datetime.min, True),
    "Best val. accuracy": (lambda run: runs.summary(run).best_accuracy or 0.0, True),
    "Test accuracy": (lambda run: run.evaluation["accuracy"] if run.evaluation else 0.0, True),
    "Parameters": (lambda run: run.parameters or 0, True),
    "Training time": (lambda run: run.status.seconds, True),
    "Size on disk": (lambda run: run.size, True),
    "Name": (lambda run: run.name.casefold(), False),
}


class View(NamedTuple):
    """Which runs are shown, and in which order. Empty lists let everything through."""

    words: str = ""
    states: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    sweeps: tuple[str, ...] = ()
    hidden: bool = False
    order: str = "Newest"

    def of(self, listed: list[Run]) -> list[Run]:
        """The runs that are shown, of those listed. The trials of a sweep stay together unless they are ranked."""
        value, falling = ORDERS[self.order]
        named = sweep_of(listed)
        shown = [run for run in listed if self._shows(run, named.get(run.id))]
        shown.sort(key=value, reverse=falling)
        if self.order != "Newest":
            return shown
        first: dict[str, int] = {}  # where the newest of each sweep stands
        for position, run in enumerate(shown):
            first.setdefault(named.get(run.id, run.id), position)
        return sorted(shown, key=lambda run: first[named.get(run.id, run.id)])

    def _shows(self, run: Run, sweep: str | None) -> bool:
        text = " ".join([run.name, run.id, run.note, sweep or "", *run.tags]).casefold()
        return (
            all(word in text for word in self.words.casefold().split())
            and (not self.states or run.state in self.states)
            and (not self.tags or not set(self.tags).isdisjoint(run.tags))
            and (not self.datasets or _dataset(run) in self.datasets)
            and (not self.sweeps or sweep in self.sweeps)
            and (self.hidden or not run.hidden)
        )


def sweep_of(listed: list[Run]) -> dict[str, str]:
    """The sweep of each run that is a trial, by its id; where two sweeps have one name, with their dates."""
    places = _places(listed)
    count = Counter({place.sweep_id: place.sweep for place in places.values()}.values())
    return {run_id: place.sweep + _when(place) * (count[place.sweep] > 1) for run_id, place in places.items()}


def _when(place: Place) -> str:
    created = runs.stamp(place.sweep_id)
    return f" · {created:%d %b, %H:%M:%S}" if created else f" · {place.sweep_id}"


def short_names(listed: list[Run]) -> list[str]:
    """The names of runs beside those of their sweeps, which they need not repeat."""
    places = _places(listed)
    return [
        run.name.removesuffix(f" · {places[run.id].sweep}") if run.id in places else run.name for run in listed
    ]  # fmt: skip


def _places(listed: list[Run]) -> Mapping[str, Place]:
    places = sweeps.places()
    return {run.id: places[run.id] for run in listed if run.id in places}


def choose_view(listed: list[Run]) -> View:
    """Draw what the list is narrowed to, and its order. The link has all of it."""
    hint = "Name, tag, note, sweep or id"
    words = links.words(state.RUNS_SEARCH, "Search", type="search", placeholder=hint, width=280)
    order = links.menu("runs-order", "Sort by", list(ORDERS), width=200)
    names = ("State", "Tag", "Dataset", "Sweep")
    active = sum(bool(st.session_state.get(state.runs_filter(name))) for name in names)
    active += bool(st.session_state.get(state.RUNS_HIDDEN))
    label = f"Filters · {active}" if active else "Filters"
    with st.popover(label, icon=":material/filter_alt:", key="runs-filters", width="content"):
        states = [state for state in shell.STATE_ICONS if any(run.state == state for run in listed)]
        tags = sorted({tag for run in listed for tag in run.tags}, key=str.casefold)
        datasets = sorted({name for run in listed if (name := _dataset(run))})
        made = list(dict.fromkeys(sweep_of(listed).values()))
        chosen = {
            name: tuple(links.several(state.runs_filter(name), name, options, placeholder="Any"))
            for name, options in zip(names, (states, tags, datasets, made), strict=True)
        }
        hidden = links.switch(state.RUNS_HIDDEN, "Show hidden runs")
    return View(words, chosen["State"], chosen["Tag"], chosen["Dataset"], chosen["Sweep"], hidden, order)


def _clear() -> None:
    """Take back all filters."""
    st.session_state[state.RUNS_SEARCH] = ""
    for name in ("State", "Tag", "Dataset", "Sweep"):
        st.session_state[state.runs_filter(name)] = []


TABLE, COMPARISON, BIN = "Runs", "Compare", "Bin"  # views of the page


def open_view(view: str = TABLE) -> None:
    """Show another view of the page; for callbacks."""
    st.session_state[state.RUNS_VIEW] = view


def selection(shown: list[Run]) -> list[Run]:
    """The runs that are selected and shown: those of the link, unless the browser does not know the newest one yet."""
    link = st.query_params.get("compare")
    selected = st.session_state.setdefault(state.SELECTED_RUNS, [])
    seen = st.session_state.setdefault(state.SELECTION_LINKS, [])
    arrived = state.RUNS_MENU not in st.session_state  # from another page, also by Back
    ticked = st.session_state.get(state.SELECTION_CHANGED, False)
    if link is not None and seen[-1:] != [link] and not ticked and (arrived or link not in seen):
        selected = st.session_state[state.SELECTED_RUNS] = link.split(",")
        seen.append(link)
    return [run for run in shown if run.id in set(selected)]


def link_selection(selected: list[Run]) -> None:
    """Let the link say which runs are selected, as far as they can be compared."""
    link = ",".join(run.id for run in selected) if len(selected) <= charts.MAX_OVERLAY else ""
    seen = st.session_state[state.SELECTION_LINKS]
    if seen[-1:] != [link]:
        seen.append(link)
    links.write("compare", link or None)


def show(view: View, listed: list[Run]) -> None:
    """Draw the table of the runs that the view shows. While something is in training, it follows that."""
    st.session_state.pop(state.SELECTION_CHANGED, None)
    active = sum(run.active for run in listed)
    fragments.fragment(_follow, run_every=_TICK if active else None)(view, active, [listed])


def _follow(view: View, active: int, fresh: list[list[Run]]) -> None:
    """The list that was read for this page serves the first time; then each look reads the folder again."""
    if opened := st.session_state.pop(state.OPENED_RUN, None):
        shell.make_current(opened)
        st.switch_page(shell.TRAIN, query_params={"run": opened})
    if st.session_state.get(state.SELECTION_CHANGED, False):
        st.rerun()  # what can be done with the selection stands outside
    listed = fresh.pop() if fresh else runs.listed()
    if sum(run.active for run in listed) != active:
        st.rerun()
    shown = view.of(listed)
    if not shown:
        st.info("No runs match. Clear some filters.", icon=":material/filter_alt_off:")
        if st.button("Clear filters", key="clear_filters", on_click=_clear):
            st.rerun()
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
        alt="The runs with their state, accuracies, validation curve, settings, time and size.",
        column_config=_columns(listed, ids),
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        of_all = f"{len(shown):,} of {len(listed):,} runs" if len(shown) < len(listed) else f"{len(listed):,} runs"
        st.caption(f"{of_all}. Click a name to open the run. Tick two or more, and press Compare.", width="content")
        csv.download(partial(as_csv, shown), "runs.csv", key="runs_csv")


def _select(key: str, ids: list[str]) -> None:
    """Take over what was ticked in the grid. What is selected but filtered away stays as it is."""
    rows = st.session_state[key]["selection"]["rows"]
    elsewhere = [run_id for run_id in st.session_state[state.SELECTED_RUNS] if run_id not in ids]
    st.session_state[state.SELECTED_RUNS] = elsewhere + [ids[row] for row in rows if row < len(ids)]
    st.session_state[state.SELECTION_CHANGED] = True


def _open(ids: list[str]) -> None:
    """Take over which name was clicked."""
    row = st.session_state[state.RUNS_NAMES]["row"]
    if row < len(ids):
        st.session_state[state.OPENED_RUN] = ids[row]


def table(shown: list[Run]) -> pd.DataFrame:
    """The runs as rows. A column in which no run has anything is left out."""
    summaries = [runs.summary(run) for run in shown]
    training = [run.config.training if run.config else None for run in shown]
    named = sweep_of(shown)
    columns = {
        "Name": [_as_button(name) for name in short_names(shown)],
        "Sweep": [named.get(run.id) for run in shown],
        "State": [run.state for run in shown],
        "Best val. accuracy": [_percent(summary.best_accuracy) for summary in summaries],
        "Test accuracy": [_percent(run.evaluation["accuracy"]) if run.evaluation else None for run in shown],
        "Validation curve": [np.array(summary.curve, np.float32) if summary.curve else None for summary in summaries],
        "Epochs": [f"{run.status.epoch} of {run.config.training.epochs}" if run.config else None for run in shown],
        "Training time": pd.to_timedelta([round(run.status.seconds) or None for run in shown], unit="s"),
        "Parameters": [run.parameters for run in shown],
        field_label("learning_rate"): [part.learning_rate if part else None for part in training],
        field_label("batch_size"): [part.batch_size if part else None for part in training],
        field_label("optimizer"): [part.optimizer if part else None for part in training],
        "Dataset": [_dataset(run) for run in shown],
        "Tags": [list(run.tags) or None for run in shown],
        "Note": [run.note or None for run in shown],
        "Problem": [run.problem for run in shown],
        "Size on disk": [run.size for run in shown],
        "Created": pd.to_datetime([run.created for run in shown]),
        "ID": [run.id for run in shown],
    }
    return pd.DataFrame(columns).dropna(axis="columns", how="all")


def _as_button(name: str) -> str:
    """A name that the table shows as it is: what begins so would be a list of buttons, or an icon."""
    return f"\u200b{name}" if name.startswith(("[", ":")) else name


def as_csv(shown: list[Run]) -> bytes:
    """The table as a file, with whole names, and times in seconds."""
    rows = table(shown).drop(columns="Validation curve", errors="ignore")
    rows["Name"] = [run.name for run in shown]
    if "Training time" in rows:
        rows["Training time"] = [round(run.status.seconds, 2) for run in shown]
        rows = rows.rename(columns={"Training time": "Training time (s)"})
    if "Tags" in rows:
        rows["Tags"] = [", ".join(run.tags) for run in shown]
    return csv.to_csv(rows)


def _columns(listed: list[Run], ids: list[str]) -> dict:
    column = st.column_config
    tags = sorted({tag for run in listed for tag in run.tags}, key=str.casefold)
    percent = partial(column.NumberColumn, format="%.2f%%", width=130)
    return {
        "Name": column.ButtonColumn(
            width=240,
            pinned=True,
            type="tertiary",
            alignment="left",
            key=state.RUNS_NAMES,
            on_click=partial(_open, ids),
        ),
        "Sweep": column.TextColumn(width=150),
        "State": column.TextColumn(width=90),
        "Best val. accuracy": percent(help="Of the best epoch, on the validation images."),
        "Test accuracy": percent(help="On the test images, measured once, at the end."),
        "Validation curve": column.LineChartColumn(width=130, help="Validation accuracy, epoch by epoch."),
        "Epochs": column.TextColumn(width=80),
        "Training time": column.NumberColumn(format="compact", width=110),
        "Parameters": column.NumberColumn(format="localized", width=100),
        field_label("learning_rate"): column.NumberColumn(format="%g", width=105),
        field_label("batch_size"): column.NumberColumn(width=85),
        field_label("optimizer"): column.TextColumn(width=85),
        "Dataset": column.TextColumn(width=120),
        "Tags": column.MultiselectColumn(options=tags, color="auto", width=150),
        "Note": column.TextColumn(width=220),
        "Problem": column.TextColumn(width=260),
        "Size on disk": column.NumberColumn(format="bytes", width=100),
        "Created": column.DatetimeColumn(format="YYYY-MM-DD HH:mm", width=140),
        "ID": column.TextColumn(width=220),
    }


def _percent(fraction: float | None) -> float | None:
    return fraction if fraction is None else 100 * fraction


def _dataset(run: Run) -> str | None:
    if not run.config:
        return None
    return run.config.data.card.title if run.config.data.classes else run.config.data.dataset

"""Two networks beside each other: both diagrams with what differs marked, and one list of all their layers."""

import math
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from cnn import charts
from cnn.charts import Block, shape_text
from cnn.config.alignment import Pair, aligned
from cnn.runs import Run
from cnn.ui import csv, shell, state
from cnn.ui.model import details, diagram, totals

_HEIGHT = 520  # pixels of a diagram
_COUNTS = ("parameters", "MACs")
_COLOURS = {
    "added": "background-color: #009E7340",
    "removed": "background-color: #D55E0040",
    "changed": "background-color: #E69F0040",
}


def show(run: Run, other: Run) -> None:
    """Draw both."""
    both = [(run, _blocks(run), state.MODEL), (other, _blocks(other), state.MODEL_OTHER)]
    pairs = [*aligned(run.config.layers, other.config.layers), _outputs(run, other)]
    marked = [pair for pair in pairs if pair.mark != "same"]
    marks = [
        {pair.first: pair.mark for pair in marked if pair.first is not None},
        {pair.second: pair.mark for pair in marked if pair.second is not None},
    ]
    totals.show_both(run, other)
    for column, (one, blocks, keys), own in zip(st.columns(2, gap="large"), both, marks, strict=True):
        with column:
            st.subheader(shell.plain(shell.labels().get(one.id, one.name)), anchor=False)
            opened = diagram.ask(blocks, keys)
            diagram.show(one, blocks, opened, keys, _HEIGHT, own)
            if opened:
                details.show(one, opened)
    st.subheader("What differs", anchor=False)
    _list(pairs, both[0][1], both[1][1], run, other)


def _outputs(run: Run, other: Run) -> Pair:
    """The output layers, which differ where the classes do."""
    first, second = (len(one.config.data.card.class_names) for one in (run, other))
    changes = (f"Units {first} → {second}",) if first != second else ()
    return Pair(len(run.config.layers), len(other.config.layers), changes)


def _blocks(run: Run) -> list[Block]:
    return charts.blocks([str(layer) for layer in run.config.layers], run.config.rows())


def _list(pairs: Sequence[Pair], first: Sequence[Block], second: Sequence[Block], run: Run, other: Run) -> None:
    """All layers of both, those that stand for each other in one row."""
    table = compared(pairs, first, second)
    counts = [name for name in table if name.startswith(_COUNTS)]
    shown = table.assign(**{name: [f"{n:,.0f}" if n == n else "" for n in table[name]] for name in counts})
    st.dataframe(
        shown.style.apply(lambda row: [_COLOURS.get(row["mark"], "")] * len(row), axis=1),
        hide_index=True,
        height="content",
        alt="The layers of both networks in order, which are the same, changed, removed or added, and their sizes.",
        column_config={name: st.column_config.TextColumn(alignment="right") for name in counts},
    )
    count = {mark: sum(pair.mark == mark for pair in pairs) for mark in ("same", "changed", "removed", "added")}
    st.caption(
        f"Of the layers, {count['same']} are the same, {count['changed']} changed, {count['removed']} removed and "
        f"{count['added']} added in the other network."
    )
    csv.download(lambda: csv.to_csv(table), f"{run.id}-{other.id}.csv", "model-compare-csv")


def compared(pairs: Sequence[Pair], first: Sequence[Block], second: Sequence[Block]) -> pd.DataFrame:
    """A row for each pair: the mark, both layers, the changes, the sizes of both, not a number where one is missing."""
    rows = []
    for pair in pairs:
        one = None if pair.first is None else first[pair.first]
        two = None if pair.second is None else second[pair.second]
        row: dict[str, object] = {"mark": pair.mark, "layer": _named(one), "layer, other": _named(two)}
        row["changes"] = ", ".join(pair.changes)
        theirs = _cells(two)
        for name, cell in _cells(one).items():
            row |= {name: cell, f"{name}, other": theirs[name]}
        rows.append(row)
    return pd.DataFrame(rows)


def _named(block: Block | None) -> str:
    return f"{block.index + 1} · {block.title}" if block else ""


def _cells(block: Block | None) -> dict[str, object]:
    if block is None:
        return {"output": "", "parameters": math.nan, "MACs": math.nan}
    return {
        "output": shape_text(block.rows[-1].output_shape),
        "parameters": block.parameters,
        "MACs": sum(row.macs for row in block.rows),
    }

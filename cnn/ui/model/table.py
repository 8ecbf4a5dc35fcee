"""The table of a network's Keras layers, with bars for parameters and MACs and, on demand, all arithmetic."""

from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd
import streamlit as st

from cnn.config.layers import Row
from cnn.config.totals import totals
from cnn.runs import Run
from cnn.ui import csv, state

_ROW, _MOST = 35, 13  # pixels of a row, and how many are seen at once
_NAME, _BAR = 148, 116  # pixels of columns
_WRITTEN = {  # the columns of the arithmetic, and what stands in them, by what a working is of
    "output shape, written out": ("height and width", "height", "width", "feature maps", "values"),
    "parameters, written out": ("parameters",),
    "MACs, written out": ("MACs",),
    "receptive field, written out": ("receptive field",),
    "jump, written out": ("jump",),
}


def show(run: Run, rows: Sequence[Row], opened: int | None, arithmetic: bool, on_open: Callable[[int], None]) -> None:
    """Draw it, with its CSV file.

    Args:
        run: whose network it is.
        rows: of the network.
        opened: the index of the layer that is marked.
        arithmetic: whether the numbers are written out.
        on_open: called with the index of the layer of a cell that was clicked, before the page runs again.
    """

    def clicked() -> None:
        if cells := st.session_state[state.MODEL_TABLE].selection.cells:
            row = int(cells[0][0])
            if 0 <= row < len(rows):
                on_open(rows[row].layer)

    found = totals(rows, run.config.data.card.input_shape)
    table = frame(rows, arithmetic)
    table["layer"] = [("▸ " if row.layer == opened else "") + row.name for row in rows]
    st.dataframe(
        table,
        hide_index=True,
        height=_ROW * (min(len(rows), _MOST) + 1) + 3,
        key=state.MODEL_TABLE,
        on_select=clicked,
        selection_mode="single-cell",
        alt=f"The {len(rows)} Keras layers with output shape, parameters, multiply-accumulates, memory, receptive "
        "field and settings.",
        column_config={
            "layer": st.column_config.Column(pinned=True, width=_NAME),
            "parameters": st.column_config.ProgressColumn(
                width=_BAR,
                format="localized",
                min_value=0,
                max_value=max(found.parameters, 1),
                help="The bar: the fraction of all parameters.",
            ),
            "trained": st.column_config.Column(
                help="frozen: it keeps the weights that it came with. partly: of batch normalisation, the moving mean "
                "and variance are counted but not trained."
            ),
            "MACs": st.column_config.ProgressColumn(
                width=_BAR,
                format="localized",
                min_value=0,
                max_value=max(found.macs, 1),
                help="Multiply-accumulates for one image. The bar: the fraction of all.",
            ),
            "memory": st.column_config.NumberColumn(
                format="bytes", help="Of its output for one image, in float32: 4 bytes a value."
            ),
            "receptive field": st.column_config.Column(help="Input pixels that one output value can see."),
            "jump": st.column_config.Column(help="Input pixels between what two neighbouring values look at."),
            "dilation": st.column_config.Column(help="Distance between neighbouring weights; 1: no gaps."),
        },
    )
    frozen = sum(row.parameters for row in rows if row.parameters and not row.trainable)
    of_frozen = f", of them in frozen layers: {frozen:,}" if frozen else ""
    st.caption(
        f"Total parameters: {found.parameters:,} · trainable: {found.trainable:,} · non-trainable: "
        f"{found.parameters - found.trainable:,}{of_frozen}. None in a shape is the number of images in a batch. "
        "Click a cell to open its layer."
    )
    csv.download(partial(_csv, rows), f"{run.id}-layers.csv", "model-csv")


def frame(rows: Sequence[Row], arithmetic: bool = False) -> pd.DataFrame:
    """The table. What a layer does not have is empty; memory is in bytes."""
    return pd.DataFrame([_cells(row, arithmetic) for row in rows])


def trained(row: Row) -> str:
    """Whether the parameters of a layer are trained, in a word; of those without any, none."""
    if not row.parameters:
        return ""
    return "yes" if row.trainable == row.parameters else "partly" if row.trainable else "frozen"


def _csv(rows: Sequence[Row]) -> bytes:
    table = frame(rows, arithmetic=True)
    for column in ("parameters", "MACs"):
        table.insert(
            table.columns.get_loc(column) + 1, f"fraction of {column}", table[column] / max(table[column].sum(), 1)
        )
    return csv.to_csv(table)


def _cells(row: Row, arithmetic: bool) -> dict[str, object]:
    field, window = row.receptive_field, row.window
    cells: dict[str, object] = {
        "layer": row.name,
        "output shape": str((None, *row.output_shape)),
        "parameters": row.parameters,
        "trained": trained(row),
        "MACs": row.macs,
        "memory": row.memory,
        "receptive field": f"{field.size}×{field.size}" if field else "all",
        "jump": str(field.jump) if field else "",
        "kernel": f"{window.kernel}×{window.kernel}" if window else "",
        "stride": str(window.stride) if window else "",
        "padding": window.padding if window else "",
        "dilation": str(window.dilation) if window else "",
        "activation": row.activation or "",
        "type": row.type,
    }
    if not arithmetic:
        return cells
    written = {}
    for name, cell in cells.items():
        written[name] = cell
        if kinds := _WRITTEN.get(f"{name}, written out"):
            written[f"{name}, written out"] = "; ".join(str(one) for one in row.workings if one.of in kinds)
    return written

"""A table as a CSV file that a spreadsheet opens right, and the button that hands it out."""

import csv
import io
from collections.abc import Callable

import pandas as pd
import streamlit as st

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a cell begins that a spreadsheet would calculate


def download(make: Callable[[], bytes], file_name: str, key: str) -> None:
    """Draw the button below a table. The file is made when somebody takes it, by `make`."""
    st.download_button(
        "Download CSV",
        make,
        file_name=file_name,
        mime="text/csv",
        icon=":material/download:",
        type="tertiary",
        key=key,
        on_click="ignore",
    )


def to_csv(table: pd.DataFrame) -> bytes:
    """The table without its index: other scripts stay readable, no text runs as a formula."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerow(map(_cell, table.columns))
    writer.writerows(map(_cell, row) for row in table.itertuples(index=False, name=None))
    return lines.getvalue().encode("utf-8-sig", errors="replace")


def _cell(value: object) -> object:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return "" if pd.api.types.is_scalar(value) and pd.isna(value) else value

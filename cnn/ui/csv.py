"""A table as a CSV file that a spreadsheet opens right."""

import csv
import io

import pandas as pd

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a cell begins that a spreadsheet would calculate


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
    return "" if pd.isna(value) else value

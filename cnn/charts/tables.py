"""The numbers of a figure as a table."""

import html
import re
from typing import Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go


def table(figure: go.Figure) -> pd.DataFrame:
    """The numbers that a figure shows, in columns named by its axes.

    Lines, bars and points have a row for each value; a heat map keeps its own rows and columns. What is drawn only to
    lead the eye, without hover, is left out. A note holds the words that a point shows on hover.
    """
    if figure.data and figure.data[0].type == "heatmap":
        return _matrix(figure)
    x, y = _title(figure, "x"), _title(figure, "y")
    parts = [_rows(figure, trace, x, y) for trace in figure.data if trace.hoverinfo != "skip" and trace.x is not None]
    parts = [part for part in parts if len(part)]
    if not parts:
        return pd.DataFrame(columns=[x, y])
    rows = pd.concat(parts, ignore_index=True)
    order = [name for name in ("Series", x, y, "Lower", "Upper", "Note") if name in rows]
    return rows[order]


def _title(figure: go.Figure, axis: Literal["x", "y"]) -> str:
    """What an axis shows: its title, or what `layout.meta` says of an axis that has none."""
    text = _plain(figure.layout[f"{axis}axis"].title.text or (figure.layout.meta or {}).get(axis, axis))
    return text[0].upper() + text[1:]


def _rows(figure: go.Figure, trace: go.Scatter | go.Bar, x: str, y: str) -> pd.DataFrame:
    rows = {x: list(trace.x), y: list(trace.y)}
    if trace.yaxis == "y2" and figure.layout.yaxis2.visible is False:  # marks at the border, which have no height
        rows[y] = [None] * len(rows[x])
    if trace.name:
        rows["Series"] = [_plain(trace.name)] * len(rows[x])
    if trace.error_y.array is not None:
        below = trace.error_y.array if trace.error_y.arrayminus is None else trace.error_y.arrayminus
        rows["Lower"] = list(np.round(np.subtract(trace.y, below), 6))
        rows["Upper"] = list(np.round(np.add(trace.y, trace.error_y.array), 6))
    if trace.text is not None and "%{text}" in (trace.hovertemplate or ""):
        rows["Note"] = [_plain(text) for text in trace.text]
    return pd.DataFrame(rows, dtype=object)


def _matrix(figure: go.Figure) -> pd.DataFrame:
    """A heat map as it stands; of counts that are coloured by something else, the counts."""
    heat = figure.data[0]  # above it may lie points to click
    values = heat.z if heat.customdata is None else heat.customdata
    rows = pd.DataFrame(np.asarray(values), columns=[_plain(str(name)) for name in heat.x])
    corner = f"{_title(figure, 'y')} / {_title(figure, 'x')}"
    rows.insert(0, corner, [_plain(str(name)) for name in heat.y])
    return rows


def _plain(text: str) -> str:
    """Words without the markup that Plotly reads."""
    return html.unescape(re.sub(r"</?\w+>", "", re.sub(r"<br ?/?>", "; ", text))).strip()

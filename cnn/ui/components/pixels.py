"""One map or kernel in the browser, large: its values by hovering or with the arrow keys, a pixel chosen by a click.

The browser's part is `pixels.js`, beside this file.
"""

from collections.abc import Callable

import numpy as np
import streamlit as st

from cnn import charts
from cnn.charts import Range
from cnn.ui.components.files import component

_pixels = component("pixels")
_NUMBERS_UP_TO = 9  # edge of a map whose values are also written into it


def show(
    values: np.ndarray,
    range_: Range,
    key: str,
    label: str,
    chosen: tuple[int, ...] | None = None,
    on_pick: Callable[[int, int], None] | None = None,
    size: int = 420,
) -> None:
    """Draw a map.

    Args:
        values: (h, w); or an image in colour (h, w, 3) in [0, 1], which is shown as it is.
        range_: the values at the two ends of the colour scale, which an image in colour has not.
        key: of the element.
        label: what it shows, for who cannot see it.
        chosen: what is marked: (row, column), or (row, column, height, width).
        on_pick: called with row and column of what was clicked, before the page runs again.
        size: screen pixels that it may be wide.
    """
    rows, columns = values.shape[:2]
    in_colour = values.ndim == 3

    def picked() -> None:
        match st.session_state[key].picked:
            case {"row": int(row), "column": int(column)} if 0 <= row < rows and 0 <= column < columns:
                on_pick(row, column)

    colours = charts.picture(values) if in_colour else charts.coloured(values, range_)
    numbers = None
    if max(rows, columns) <= _NUMBERS_UP_TO and not in_colour:
        numbers = [
            {"text": _short(float(value)), "dark": bool(is_dark)}
            for value, is_dark in zip(values.ravel(), charts.is_dark(colours).ravel(), strict=True)
        ]
    _pixels(
        key=key,
        data={
            "label": label,
            "picks": on_pick is not None,
            "rows": rows,
            "columns": columns,
            "size": size,
            "picture": charts.data_url(colours),
            "values": charts.base64_floats(values),
            "numbers": numbers,
            "chosen": None if chosen is None else list(chosen),
            "channels": ["red", "green", "blue"] if in_colour else [""],
            "low": f"{range_[0]:.3g}",
            "high": f"{range_[1]:.3g}",
            "colours": charts.scale_colours(range_),
        },
        on_picked_change=picked if on_pick else lambda: None,
    )


def _short(value: float) -> str:
    """In three or four characters: .07, −.5, 1.3"""
    if abs(value) >= 1:
        return f"{value:.3g}"
    text = f"{value:.2f}".replace("0.", ".", 1)
    return ".00" if text == "-.00" else text

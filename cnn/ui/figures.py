"""Charts as every page shows them: what they say to a screen reader, saved as an image, and their numbers.

The camera in a chart's corner saves it, as PNG or SVG, whichever the visitor chose last. Streamlit draws in the browser
only, so a page cannot make the image itself.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import streamlit as st

from cnn import charts
from cnn.ui import fragments, state
from cnn.ui.csv import to_csv

_FORMATS = ("PNG", "SVG")
_ZOOMING = (  # buttons of Plotly's bar; dragging zooms, a double click shows all again
    "zoom2d", "pan2d", "select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d", "resetScale2d",
)  # fmt: skip
_ROW, _MOST_ROWS = 35, 6  # pixels, and how many of a table are seen at once


def show(
    figure: Any,
    *,
    key: str,
    alt: str,
    title: str = "",
    on_select: Literal["ignore", "rerun"] | Callable[[], None] = "ignore",
    selection_mode: Literal["points", "box", "lasso"] = "points",
) -> Any:
    """Draw a chart below a line with its title and the button Export.

    Args:
        figure: from `cnn.charts`.
        key: of the chart; its files are named so, too.
        alt: the text in the place of the image.
        title: Markdown, in bold above the chart; none where a heading says it already.
        on_select: see `st.plotly_chart`.
        selection_mode: see `st.plotly_chart`.

    Returns:
        What `st.plotly_chart` returns.
    """
    head(figure, key=key, title=title)
    return st.plotly_chart(
        figure, key=key, alt=alt, config=config(key), on_select=on_select, selection_mode=selection_mode
    )


def head(figure: Any, *, key: str, title: str = "") -> None:
    """The line above a chart: its title, and the button Export."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"{key}-head"):
        if title:
            st.markdown(f"**{title}**")
        fragments.fragment(_export)(figure, key)


def config(key: str) -> dict[str, Any]:
    """How Plotly draws every chart: with a bar that appears on hover and focus, to save the image or enlarge it."""
    chosen = st.session_state.get(state.IMAGE_FORMAT, _FORMATS[0])
    return {
        "modeBarButtonsToRemove": list(_ZOOMING),
        "toImageButtonOptions": {"format": chosen.lower(), "filename": _file_name(key), "scale": 2},
    }


def _export(figure: Any, key: str) -> None:
    """The menu. Opening it draws nothing but itself, and what is in it is made only then."""
    menu = st.popover("Export", icon=":material/download:", type="tertiary", key=f"{key}-export", on_change="rerun")
    if not menu.open:
        return
    with menu:
        _image(key)
        numbers = charts.table(figure)
        if numbers.empty:
            return
        st.markdown("**Numbers**")
        st.download_button(
            "Download CSV",
            partial(to_csv, numbers),
            file_name=f"{_file_name(key)}.csv",
            mime="text/csv",
            key=f"{key}-csv",
            on_click="ignore",
            icon=":material/table:",
        )
        rows = min(len(numbers), _MOST_ROWS)
        st.dataframe(numbers, key=f"{key}-numbers", hide_index=True, height=_ROW * (rows + 1) + 3)


def _image(key: str) -> None:
    st.markdown("**Image**")
    widget = f"{key}-format"
    st.session_state[widget] = st.session_state.get(state.IMAGE_FORMAT, _FORMATS[0])
    st.segmented_control(
        "Image format",
        _FORMATS,
        key=widget,
        required=True,
        on_change=_choose,
        args=(widget,),
        label_visibility="collapsed",
    )
    st.caption("To save it, point at the chart and click :material/photo_camera: in its upper right corner.")
    if st.session_state.pop(state.FORMAT_CHOSEN, False):
        st.rerun()  # all charts of the page


def _choose(widget: str) -> None:
    st.session_state[state.IMAGE_FORMAT] = st.session_state[widget]
    st.session_state[state.FORMAT_CHOSEN] = True


def _file_name(key: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", key).strip("-").lower()

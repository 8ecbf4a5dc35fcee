"""A Plotly chart that follows what it shows, without ever being empty in between.

To the browser, a chart with new data is a new element, which is empty until it is drawn. Each chart therefore has two
slots in one place: the new figure goes into the one below, and is raised while the last one still shows. Knows nothing
of what is drawn.
"""

import time
from collections.abc import Callable
from typing import Any

import streamlit as st

from cnn.ui import figures, shell, state

_REDRAW = 2.0  # seconds between two redraws: each one replaces the whole chart in the browser


def show(
    name: str,
    owner: str,
    version: Any,
    draw: Callable[[], Any],
    alt: str,
    title: str = "",
    hurry: bool = False,
    on_click: Callable[[Any], None] | None = None,
) -> None:
    """Draw a chart, or leave it as it is until there is something new to draw and some time has passed.

    Args:
        name: what the chart shows; the beginning of its keys.
        owner: of whom it shows that. Another one's chart is not the old one with new data.
        version: compares equal for equal figures.
        draw: makes the figure, when it is needed.
        alt: the text in the place of the image.
        title: Markdown, in bold above the chart; none where a heading says it already.
        hurry: draw what is new at once, as for what no longer changes.
        on_click: what a click on a point does, given the point's `customdata`.
    """
    now, kept = time.monotonic(), state.drawn(name)
    drawn = st.session_state.get(kept)
    if drawn is None or drawn["owner"] != owner:
        drawn = {"owner": owner, "slots": [(version, draw(), alt), None], "top": 0, "time": now}
    elif drawn["slots"][drawn["top"]][0] != version and (hurry or now - drawn["time"] >= _REDRAW):
        top = 1 - drawn["top"]
        slots = [(version, draw(), alt) if slot == top else other for slot, other in enumerate(drawn["slots"])]
        drawn = {"owner": owner, "slots": slots, "top": top, "time": now}
    st.session_state[kept] = drawn
    figures.head(drawn["slots"][drawn["top"]][1], key=name, title=title)
    with st.container(key=name):
        shell.style(_in_one_place(name))  # first, that it stands before a second slot comes
        for slot, shown in enumerate(drawn["slots"]):
            if shown is not None:
                _, figure, text = shown
                key = f"{name}-{slot}"
                st.plotly_chart(
                    figure,
                    key=key,
                    config=figures.config(name),
                    alt=text,
                    on_select=(lambda key=key: _clicked(key, on_click)) if on_click else "ignore",
                    selection_mode="points",
                )
        shell.style(_raised(name, drawn["top"]))


def _clicked(key: str, on_click: Callable[[Any], None]) -> None:
    points = st.session_state[key]["selection"]["points"]
    if points:
        data = points[0].get("customdata")
        on_click(data[0] if isinstance(data, list | tuple) else data)


def _in_one_place(name: str) -> str:
    """The style that lays both slots into one place."""
    place = f".st-key-{name}"
    return f"""
        {place} {{ display: grid; grid-template-columns: minmax(0, 1fr); isolation: isolate; }}
        {place} > * {{ grid-area: 1 / 1; }}
    """


def _raised(name: str, top: int) -> str:
    """The style that shows the slot `top` above the other. It comes after the figures."""
    return f".st-key-{name} > .st-key-{name}-{top} {{ z-index: 1; }}"

"""The diagram of a network in the browser: walked through and opened by pointer and keys, folded, and zoomed.

Python draws it and owns what is opened and unfolded; the browser (`network_diagram.js`, beside this file) owns the
zoom. What the layers make of an image is sent once, when the browser asks for it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import streamlit as st

from cnn.charts.architecture import Box, Diagram
from cnn.errors import AtelierError
from cnn.ui import state
from cnn.ui.components.files import component

_diagram = component("network_diagram")

Maps = Mapping[str, Mapping[str, str]]  # by the name of a Keras layer an image as a data URL and words for it


def show(
    diagram: Diagram,
    svg: str,
    key: str,
    *,
    network: str,
    on_open: Callable[[int | None], None],
    on_fold: Callable[[int | Literal["all", "none"]], None],
    opened: int | None = None,
    height: int = 560,
    maps: Callable[[], Maps] | None = None,
) -> None:
    """Draw a diagram.

    Args:
        diagram: as from `cnn.charts.network_diagram`.
        svg: the same, written down.
        key: of the element.
        network: another text for another network.
        on_open: called with the index of the layer that was clicked, None where it was open already, before the page
            runs again.
        on_fold: called with the index of the layer to fold or unfold, or with which of them are to be unfolded.
        opened: the layer that stands out.
        height: in pixels; what does not fit scrolls.
        maps: makes what the card beside a box shows (`image`, `words`), once the browser wants it, or raises an
            `AtelierError`, which the card says; None where the network is not trained.
    """
    count = max(box.block for box in diagram.boxes) + 1

    def opened_() -> None:
        block = st.session_state[key].opened
        if type(block) is int and -1 <= block < count:
            on_open(None if block == -1 else block)

    def folded() -> None:
        which = st.session_state[key].folded
        if (type(which) is int and 0 <= which < count) or which in ("all", "none"):
            on_fold(which)

    def wanted() -> None:
        st.session_state[state.maps_wanted(key)] = st.session_state[key].wanted

    shown, problem = None, None
    if maps and st.session_state.pop(state.maps_wanted(key), None) == network:
        try:
            shown = maps()
        except (AtelierError, OSError) as error:
            problem = str(error)
    _diagram(
        key=key,
        data={
            "svg": svg,
            "key": network,
            "boxes": [*map(_sent, diagram.boxes)],
            "opened": opened,
            "foldable": bool(diagram.groups) or any(box.parts > 1 for box in diagram.boxes),
            "unfolded": bool(diagram.groups) and not any(box.parts > 1 for box in diagram.boxes),
            "height": height,
            "trained": maps is not None,
            "maps": shown,
            "problem": problem,
        },
        on_opened_change=opened_,
        on_folded_change=folded,
        on_wanted_change=wanted,
    )


def _sent(box: Box) -> dict[str, Any]:
    return {
        "block": box.block,
        "output": box.output,
        "title": " ".join(box.title),
        "facts": list(box.facts),
        "foldable": box.parts > 1,
        "part": box.indented,
    }

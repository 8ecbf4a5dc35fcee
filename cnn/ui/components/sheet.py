"""Many small maps in the browser, in strips: to be clicked, walked through with the keyboard, and read by hovering.

The browser lays them out (`sheet.js`, beside this file); each strip travels as one small image.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from cnn import charts
from cnn.ui.components.files import component

_sheet = component("sheet")


@dataclass(frozen=True, eq=False)
class Strip:
    """Maps of one size.

    Attributes:
        colours: uint8 (n, h, w, 3), a pixel for each value.
        names: of the maps, read out and shown on hover.
        maps: what a click on each is to report, such as its index in the layer.
        caption: above the strip.
        scale: screen pixels for each value.
        chosen: the places in the strip of the maps that are marked.
        values: float32 (n, h, w), shown on hover.
    """

    colours: np.ndarray
    names: Sequence[str]
    maps: Sequence[int]
    caption: str = ""
    scale: int = 2
    chosen: Sequence[int] = ()
    values: np.ndarray | None = None


def show(
    strips: Sequence[Strip], key: str, label: str, on_pick: Callable[[int, int | None], None] | None = None
) -> None:
    """Draw strips.

    Args:
        strips: from top to bottom.
        key: of the element.
        label: what the whole shows, for who cannot see it.
        on_pick: called with a strip's place and what its map reports, None for its caption, before the page runs again.
    """

    def picked() -> None:
        match st.session_state[key].picked:
            case {"strip": int(strip), "map": int() | None as map_} if 0 <= strip < len(strips):
                if map_ is None or map_ in strips[strip].maps:
                    on_pick(strip, map_)

    _sheet(
        key=key,
        data={
            "label": label,
            "picks": on_pick is not None,
            "strips": [*map(sent, strips)],
        },
        on_picked_change=picked if on_pick else lambda: None,
    )


def sent(strip: Strip) -> dict[str, Any]:
    """What the browser is given of a strip."""
    count, height, width = strip.colours.shape[:3]
    sprite, columns = charts.sprite(strip.colours)
    return {
        "caption": strip.caption,
        "names": list(strip.names),
        "maps": [int(map_) for map_ in strip.maps],
        "sprite": charts.data_url(sprite),
        "width": width,
        "height": height,
        "columns": columns,
        "rows": -(-count // columns),
        "scale": strip.scale,
        "chosen": [int(place) for place in strip.chosen],
        "values": None if strip.values is None else charts.base64_floats(strip.values),
    }

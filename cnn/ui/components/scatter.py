"""A map of images in the browser: a point for each, with its class's colour and shape, that shows it on hover.

A click picks an image, a lasso gathers. Python owns what is picked and gathered; the browser owns the view of it: its
zoom, and which classes are hidden. All images travel as one, from which the browser cuts each. The browser's part is
`scatter.js`, beside this file.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from cnn import charts
from cnn.ui.components.files import component

_scatter = component("scatter")
_LARGEST = 48  # pixels of an image's longer side, as it travels; two thousand of them are a megabyte
_VIOLET, _BROWN = "#8F6BC9", "#9C6644"  # two more than Okabe and Ito's, which also stand out on light and dark


class Look(NamedTuple):
    """How a class is told from the others: a colour, and a shape for who cannot tell the colours.

    Attributes:
        colour: as CSS.
        shape: an SVG path about the origin, about 2 wide and high.
        hollow: only its outline is drawn.
    """

    colour: str
    shape: str
    hollow: bool = False


# The clothes that are confused most have the colours that differ most.
LOOKS = (
    Look(charts.BLUE, "M1 0A1 1 0 1 1-1 0A1 1 0 1 1 1 0Z"),
    Look(_VIOLET, "M-.5-1.2H.5V1.2H-.5Z"),
    Look(charts.ORANGE, "M-.9-.9H.9V.9H-.9Z"),
    Look(charts.PINK, "M0-1.2L1.15.9H-1.15Z"),
    Look(charts.GREEN, "M0-1.3L1.3 0L0 1.3L-1.3 0Z"),
    Look(charts.SKY, "M-1.2-.5H1.2V.5H-1.2Z"),
    Look(charts.RED, "M0 1.2L1.15-.9H-1.15Z"),
    Look(charts.YELLOW, "M-.4-1.2H.4V-.4H1.2V.4H.4V1.2H-.4V.4H-1.2V-.4H-.4Z"),
    Look(_BROWN, "M0-1.35L.32-.44L1.28-.42L.52.17L.79 1.09L0 .54L-.79 1.09L-.52.17L-1.28-.42L-.32-.44Z"),
    Look(charts.GREY, "M-1.1-.55L-.55-1.1L0-.55L.55-1.1L1.1-.55L.55 0L1.1.55L.55 1.1L0 .55L-.55 1.1L-1.1.55L-.55 0Z"),
)


def look(label: int) -> Look:
    """How a class is told from the others: of up to 200 classes no two look the same, and of ten no two are alike."""
    turn, place = divmod(label, len(LOOKS))
    shape = LOOKS[(place + turn) % len(LOOKS)].shape
    return Look(LOOKS[place].colour, shape, hollow=turn // len(LOOKS) % 2 == 1)


class Sheet(NamedTuple):
    """Images in one, row by row.

    url: as a data URL. columns: how many stand in a row. height, width: of each, in pixels.
    """

    url: str
    columns: int
    height: int
    width: int


@dataclass(frozen=True, eq=False)
class Points:
    """Images on a map.

    Attributes:
        places: float (n, 2), in any unit, the second axis upwards.
        labels: int (n,), the true classes.
        classes: their names.
        names: of the images.
        answers: what the network says to each.
        wrong: bool (n,), whether it is mistaken.
        sheet: all images in one, as from `sheet`.
        axes: what the two directions are, if they are anything.
    """

    places: np.ndarray
    labels: np.ndarray
    classes: Sequence[str]
    names: Sequence[str]
    answers: Sequence[str]
    wrong: np.ndarray
    sheet: Sheet
    axes: tuple[str, str] | None = None


@dataclass(frozen=True, eq=False)
class Mark:
    """The image in view: its place (2,), its name, what the network says to it, and itself as a data URL."""

    place: np.ndarray
    name: str
    answer: str
    picture: str


def show(
    points: Points,
    mark: Mark,
    key: str,
    label: str,
    on_pick: Callable[[int], None],
    on_gather: Callable[[list[int]], None],
    picked: int | None = None,
    gathered: Sequence[int] = (),
    only_wrong: bool = False,
) -> None:
    """Draw the map.

    Args:
        points: the map.
        mark: what is marked by a ring.
        key: of the element.
        label: what the map shows, for who cannot see it.
        on_pick: called with the place in the list of what was clicked, before the page runs again.
        on_gather: called with the places in the list of what lies within the lasso, none where it holds nothing.
        picked: the one that stands out.
        gathered: those that stand out.
        only_wrong: leave out the images that the network answers rightly.
    """

    def pick() -> None:
        if chosen := known([st.session_state[key].picked], len(points.labels)):
            on_pick(chosen[0])

    def gather() -> None:
        on_gather(known(st.session_state[key].lassoed, len(points.labels)))

    _scatter(
        key=key,
        data={
            **sent(points, mark),
            "label": label,
            "picked": picked,
            "gathered": list(gathered),
            "onlyWrong": only_wrong,
        },
        on_picked_change=pick,
        on_lassoed_change=gather,
    )


def sent(points: Points, mark: Mark) -> dict[str, Any]:
    """What the browser is given of a map."""
    return {
        "places": points.places.round(4).tolist(),
        "labels": points.labels.tolist(),
        "names": list(points.names),
        "answers": list(points.answers),
        "wrong": points.wrong.tolist(),
        "axes": points.axes,
        "sheet": points.sheet.url,
        **{name: getattr(points.sheet, name) for name in ("columns", "height", "width")},
        "classes": [{"name": name, **look(label)._asdict()} for label, name in enumerate(points.classes)],
        "mark": {
            "place": mark.place.round(4).tolist(),
            "name": mark.name,
            "answer": mark.answer,
            "picture": mark.picture,
        },
    }


def sheet(images: np.ndarray) -> Sheet:
    """Images uint8 (n, h, w), or (n, h, w, 3) in colour, as one; large ones are reduced."""
    tiles = np.stack([_tile(image) for image in images])
    whole, columns = charts.sprite(tiles)
    is_colour = images.ndim == 4
    url = charts.data_url(whole if is_colour else whole[..., 0], lossy=is_colour)
    return Sheet(url, columns, *tiles.shape[1:3])


def _tile(image: np.ndarray) -> np.ndarray:
    """uint8 (h, w) or (h, w, 3) -> (h', w', 3)"""
    return charts.reduced(image if image.ndim == 3 else image[..., None].repeat(3, axis=2), _LARGEST)


def known(sent_back: Any, count: int) -> list[int]:
    """Places in a list of `count`, as a browser sends them; what is none is passed over."""
    listed = sent_back if isinstance(sent_back, list) else []
    return [place for place in listed if type(place) is int and 0 <= place < count]

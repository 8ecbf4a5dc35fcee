"""The diagram of a network on the Architecture page: what is open and unfolded in it stands in the link."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import streamlit as st

from cnn import charts
from cnn.charts import Block
from cnn.runs import Run
from cnn.ui import links
from cnn.ui.components import network_diagram
from cnn.ui.model import maps
from cnn.ui.state import DiagramKeys

_NONE = "None"  # no layer is opened
_ALL = "all"


def titles(blocks: Sequence[Block]) -> dict[int, str]:
    """What the menu and the link call each layer, by its index."""
    return {block.index: f"{block.index + 1} · {block.title}" for block in blocks}


def ask(blocks: Sequence[Block], keys: DiagramKeys, **how: Any) -> Block | None:
    """The layer that is open, by a menu of all; how: what else `st.selectbox` takes."""
    names = titles(blocks)
    title = links.menu(keys.layer, "Open a layer", [_NONE, *names.values()], **how)
    return next((block for block in blocks if names[block.index] == title), None)


def open_layer(blocks: Sequence[Block], keys: DiagramKeys, index: int | None) -> None:
    """Open a layer by its index, or none; for callbacks."""
    st.session_state[keys.layer] = _NONE if index is None else titles(blocks)[index]


def show(
    run: Run,
    blocks: Sequence[Block],
    opened: Block | None,
    keys: DiagramKeys,
    height: int,
    marks: Mapping[int, str] | None = None,
) -> None:
    """Draw it, with its SVG file.

    Args:
        run: whose network it is; if it is trained, its feature maps are shown.
        blocks: its layers.
        opened: the one that stands out.
        keys: of the widgets.
        height: in pixels.
        marks: a word for layers that differ from those of another network, by index.
    """
    unfolded = _unfolded(keys, blocks)
    card = run.config.data.card
    drawn = charts.network_diagram(blocks, card.input_shape, unfolded, marks)
    svg = charts.network_svg(
        drawn,
        f"The {len(blocks)} layers of {run.name}, from the image at the top to the {len(card.class_names)} "
        "probabilities at the bottom.",
    )
    network_diagram.show(
        drawn,
        svg,
        keys.diagram,
        network=str(run.network_key) if run.has_model else run.id,
        on_open=partial(open_layer, blocks, keys),
        on_fold=_fold(keys, unfolded),
        opened=opened.index if opened else None,
        height=height,
        maps=partial(maps.of, run) if run.has_model and not run.problem else None,
    )
    st.download_button(
        "Download SVG",
        svg,
        file_name=f"{run.id}.svg",
        mime="image/svg+xml",
        icon=":material/download:",
        type="tertiary",
        key=f"{keys.diagram}-svg",
        on_click="ignore",
        help="The whole diagram as it is folded now.",
    )


def _unfolded(keys: DiagramKeys, blocks: Sequence[Block]) -> set[int]:
    """The unfolded layers by index; the link has them by number, or "all"."""
    said = st.query_params.get(keys.unfolded, "")
    if said == _ALL:
        return {block.index for block in blocks}
    return {block.index for block in blocks if str(block.index + 1) in said.split("-")}


def _fold(keys: DiagramKeys, unfolded: set[int]) -> Callable[[int | Literal["all", "none"]], None]:
    def fold(which: int | Literal["all", "none"]) -> None:
        if isinstance(which, int):
            left = unfolded ^ {which}
            links.write(keys.unfolded, "-".join(str(index + 1) for index in sorted(left)) or None)
        else:
            links.write(keys.unfolded, _ALL if which == "all" else None)

    return fold

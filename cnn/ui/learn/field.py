"""Receptive field: how much of the image a value depends on, layer by layer, for any stack of layers."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn.config import geometry
from cnn.config.geometry import ReceptiveField
from cnn.lessons import stacks
from cnn.lessons.stacks import Seen, UnreadableStack, Window
from cnn.runs import Run
from cnn.ui import shell, state
from cnn.ui.components import pixels, seen
from cnn.ui.learn import controls
from cnn.ui.learn.given import Given
from cnn.ui.learn.prose import note
from cnn.ui.models import Network

_FIRST = "conv 7, pool 2, conv 3, conv 3, pool 2"
_ADDED = ("conv 3", "conv 5", "conv 3 stride 2", "conv 3 dilation 2", "pool 2")


def show(run: Run, network: Network, on: Given, below: DeltaGenerator) -> None:
    """The stack and the image with what a value sees of it; below, the arithmetic of every layer."""
    line = controls.text(
        state.FIELD_LAYERS,
        "Layers (comma-separated)",
        _FIRST,
        'For example "conv 5 stride 2, pool 2, conv 3 dilation 2".',
    )
    with controls.place(f"{state.FIELD_LAYERS}_buttons", "The buttons for layers"), st.container(horizontal=True):
        for layer in _ADDED:
            st.button(f"+ {layer}", key=f"field_add_{layer}", on_click=_add, args=(layer,))
        st.button("Remove last", icon=":material/undo:", key="field_remove", on_click=_remove)
        own = ", ".join(map(str, stacks.of_layers(run.config.layers)))
        if own:
            st.button(
                f"Layers of {shell.plain(run.name)}",
                icon=":material/download:",
                key="field_own",
                on_click=_put,
                args=(own,),
            )
    edge = on.grey.shape[0]
    try:
        followed = stacks.follow(stacks.parse(line), edge)
    except UnreadableStack as error:
        st.error(shell.plain(str(error)), icon=":material/error:")
        return
    number = controls.whole("field_layer", "After layer", 1, len(followed), len(followed)) if len(followed) > 1 else 1
    _marked(on, [layer.window for layer in followed[:number]], followed[number - 1])
    with below:
        st.subheader("Layer by layer", anchor=False)
        _arithmetic(followed, number)


def _marked(on: Given, stack: Sequence[Window], layer: Seen) -> None:
    """The image with what is seen by the value of the stack whose receptive field is centred where one clicked."""
    row, column = st.session_state.setdefault(state.FIELD_PLACE, (on.grey.shape[0] // 2, on.grey.shape[1] // 2))
    places = [_nearest(layer.field, layer.size, at) for at in (row, column)]
    rows, columns = (stacks.pixels_seen(stack, on.grey.shape[0], at) for at in places)
    frame = seen.frame(rows, columns)

    def moved(row: int, column: int) -> None:
        st.session_state[state.FIELD_PLACE] = (row, column)

    pixels.show(
        on.grey,
        (0.0, 1.0),
        key="field_picture",
        label=f"{on.title} with what the value sees: {seen.words(rows, columns)}.",
        chosen=frame,
        on_pick=moved,
        size=340,
    )
    overhangs = frame is None or min(frame[2:]) < layer.field.size
    beyond = " Part of its receptive field lies beyond the border, in the padding." if overhangs else ""
    note(
        f"The value in row {places[0] + 1}, column {places[1] + 1} of layer {len(stack)} sees "
        f"{seen.words(rows, columns)}.{beyond} Rows and columns are counted from 1 here. To choose another position, "
        "click, or use the arrow keys and Enter."
    )


def _nearest(field: ReceptiveField, size: int, pixel: int) -> int:
    """The value of a layer whose receptive field has its middle nearest to a pixel."""
    return min(range(size), key=lambda index: abs(sum(field.seen_by(index)) - 1 - 2 * pixel))


def _arithmetic(followed: list[Seen], number: int) -> None:
    """How the receptive field grows."""
    before = ReceptiveField()
    rows = []
    for index, layer in enumerate(followed, 1):
        span = geometry.extent(layer.window.kernel, layer.window.dilation)
        rows.append(
            {
                "": "▶" if index == number else "",
                "Layer": f"{index}. {layer.window}",
                "Maps": f"{layer.size}×{layer.size}",
                "Receptive field r": f"{before.size} + ({span} − 1)·{before.jump} = {layer.field.size}",
                "Jump j": f"{before.jump}·{layer.window.stride} = {layer.field.jump}",
            }
        )
        before = layer.field
    st.latex(
        r"\begin{aligned} r_l &= r_{l-1} + (\text{span}_l - 1)\, j_{l-1} \\ j_l &= j_{l-1}\, s_l \end{aligned}",
        width="content",
    )
    st.table(pd.DataFrame(rows).set_index(""), width="content")
    note(
        "r is the edge of the receptive field in pixels. j, the jump, is the distance in pixels between two "
        "neighbouring values. Both start at 1, a single pixel. Here convolutions pad with zeros (same) and poolings do "
        "not (valid)."
    )


def _add(layer: str) -> None:
    line = st.session_state[state.FIELD_LAYERS].strip().rstrip(",")
    _put(f"{line}, {layer}" if line else layer)


def _remove() -> None:
    _put(", ".join(st.session_state[state.FIELD_LAYERS].split(",")[:-1]))


def _put(line: str) -> None:
    st.session_state[state.FIELD_LAYERS] = line
    st.session_state.pop(state.FIELD_LAYER, None)  # the slider goes to the last layer

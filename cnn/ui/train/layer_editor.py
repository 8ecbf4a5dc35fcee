"""The layers of a new run: one list, in which each layer is a row that opens to be changed.

Layers that are transferred from another network are folded into one row until somebody wants to see them.
Every figure is `cnn.config.layers.trace`'s, so that all of them follow each change at once and without TensorFlow.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import streamlit as st

from cnn.charts import shape_text
from cnn.config.layers import KINDS, ImpossibleStack, Layer, Row, Shape, trace
from cnn.config.repairs import Fix, fitted, fixes
from cnn.ui import draft, shell, state
from cnn.ui.train import fields, images
from cnn.ui.train.begin_with import Transferred

_FIXES_SHOWN = 4
_WORTH_FOLDING = 4  # transferred layers
_SHAPE, _PARAMETERS, _ARROWS = 74, 72, 40  # pixels of the columns
NO_BREAK = "\N{NO-BREAK SPACE}"


@lru_cache(64)
def rows_of(layers: tuple[Layer, ...], shape: Shape, classes: int) -> tuple[list[Row], ImpossibleStack | None]:
    """The Keras layers of a stack as far as they fit, and where they do not. Arguments as for `trace`."""
    try:
        return trace(layers, shape, classes), None
    except ImpossibleStack as error:
        return error.rows, error


def show(
    layers: Sequence[Layer],
    rows: Sequence[Row],
    broken: ImpossibleStack | None,
    transferred: Transferred,
) -> None:
    """Every layer from the image to the output, and what is wrong at the one that does not fit."""
    values, (shape, classes) = draft.current()["layers"], _ends()
    helps = fixes(layers, broken, shape, classes)[:_FIXES_SHOWN] if broken else []
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("Layers", anchor=False, width="stretch")
        _steps()
        st.menu_button(
            "Add layer",
            list(KINDS),
            format_func=str.capitalize,
            icon=":material/add:",
            key=state.ADD_LAYER,
            on_click=_add,
            help="It goes to the last place where it fits. Open a layer to add one below it.",
        )
    with st.container(gap=None, key="layer-list"):
        _fixed("image", "Input: one image", shape_text(shape), "")
        folded = _fold(transferred, layers, rows, broken)
        for index, layer in enumerate(layers):
            if index < folded:
                continue
            if index and index == transferred.frozen and not folded:
                st.caption(f":material/lock_open: Layers 1–{index} are frozen. Trained from here on:")
            here = [row for row in rows if row.layer == index]
            fits = broken is None or broken.index != index
            with st.container(border=not fits, gap=None):
                _row(index, len(layers), layer, values[index], here, fits, index < transferred.frozen)
                if broken is not None and not fits:
                    _explain(broken, helps)
        output = [row for row in rows if row.layer == len(layers)]
        _fixed("category", f"Output: dense {classes} softmax", *_figures(output)[:2])
        if broken is not None and broken.index == len(layers):
            with st.container(border=True):
                _explain(broken, helps)


def _ends() -> tuple[Shape, int]:
    """The shape of an image that goes into the draft's network, and the number of classes that come out."""
    data = draft.current()["data"]
    return draft.shape_of(data), len(images.classes_of(data))


def _fold(
    transferred: Transferred, layers: Sequence[Layer], rows: Sequence[Row], broken: ImpossibleStack | None
) -> int:
    """Draw the row that stands for the transferred layers. Returns how many of them are not drawn one by one."""
    count = min(transferred.layers, len(layers))
    if count < _WORTH_FOLDING or transferred.problem or (broken is not None and broken.index < count):
        return 0
    shown = st.session_state.get(state.SHOWN_LAYERS, False)
    here = [row for row in rows if row.layer < count]
    frozen = f"{transferred.frozen} frozen" if transferred.frozen else "none frozen"
    icon = ":material/lock:" if transferred.frozen else ":material/lock_open:"
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.button(
            f"{icon} 1–{count} · {shell.plain(transferred.title)} · {frozen}",
            icon=":material/expand_less:" if shown else ":material/expand_more:",
            key="transferred_layers",
            type="tertiary",
            help="Hide these layers" if shown else "Show these layers one by one",
            on_click=lambda: st.session_state.update({state.SHOWN_LAYERS: not shown}),
        )
        st.space("stretch")
        total = sum(row.parameters for row in here)
        _numbers(shape_text(here[-1].output_shape) if here else "", f"{total:,}" if total else "")
        st.space(_ARROWS)
    return 0 if shown else count


def short(count: int) -> str:
    """Three digits: 1234 -> 1,234; 112896 -> 113 k; 28901376 -> 28.9 M"""
    rounded = float(f"{count:.3g}") if count >= 10_000 else 0.0
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if rounded >= unit:
            return f"{rounded / unit:.3g}{NO_BREAK}{letter}"
    return f"{count:,}"


def _figures(rows: Sequence[Row]) -> tuple[str, str, str, str]:
    """Output shape, parameters, MACs and receptive field of one configured layer; empty where they are unknown."""
    if not rows:
        return "", "", "", ""
    parameters, macs = sum(row.parameters for row in rows), sum(row.macs for row in rows)
    field = rows[-1].receptive_field
    return (
        shape_text(rows[-1].output_shape),
        f"{parameters:,}" if parameters else "",
        short(macs) if macs else "",
        f"{field.size}×{field.size}" if field else "",
    )


def _fixed(icon: str, about: str, shape: str, parameters: str) -> None:
    """A row that cannot be changed: input or output."""
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.caption(f":material/{icon}: {about}", width="stretch")
        _numbers(shape, parameters)
        st.space(_ARROWS)


def _numbers(shape: str, parameters: str) -> None:
    """The figures at the right of a row: shape and parameters."""
    with st.container(horizontal=True, gap="xsmall", width=_SHAPE + _PARAMETERS + 8, wrap=False):
        st.caption(shape or "–", width=_SHAPE, text_alignment="right")
        st.caption(parameters or NO_BREAK, width=_PARAMETERS, text_alignment="right")


def _row(
    index: int, count: int, layer: Layer, values: draft.Values, rows: Sequence[Row], fits: bool, frozen: bool
) -> None:
    """A layer's title, which opens and closes its settings, its figures, and the buttons that move it.

    Not an expander: to Streamlit, one with another title is another one, and its fields would lose the focus.
    """
    uid = values["uid"]
    opened = uid in _open_layers()
    title = f"{index + 1} · {layer}"
    if frozen:
        title = f":gray[:material/lock: {title}]"
    with st.container(border=opened and fits, gap="xsmall", key=f"layer-{uid}"):
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", wrap=False):
            with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
                st.button(
                    title if fits else f":red[:material/block: {title}]",
                    icon=":material/expand_less:" if opened else ":material/expand_more:",
                    key=f"layer-title-{uid}",
                    type="tertiary",
                    wrap=True,
                    help="Frozen: it keeps the weights that it comes with." if frozen else None,
                    on_click=_toggle,
                    args=(uid,),
                )
                st.space("stretch")
                _numbers(*_figures(rows)[:2])
            for way, arrow, by, end in (("up", "↑", -1, 0), ("down", "↓", 1, count - 1)):
                st.button(
                    arrow,
                    key=f"{way}-{uid}",
                    help=f"Move layer {index + 1} {way}",
                    type="tertiary",
                    disabled=index == end,
                    on_click=_move,
                    args=(index, by),
                )
        if opened:
            _settings(index, count, layer, values, rows)


def _settings(index: int, count: int, layer: Layer, values: draft.Values, rows: Sequence[Row]) -> None:
    """What can be changed of a layer, its figures in words, and what can be done with it."""
    uid = values["uid"]
    st.caption(_in_words(layer, rows))
    fields.section(type(layer), values, draft.place(values))
    with st.container(horizontal=True):
        st.menu_button(
            "Add below",
            list(KINDS),
            format_func=str.capitalize,
            icon=":material/add:",
            key=state.layer_below(uid),
            on_click=_add_below,
            args=(uid,),
        )
        _button("Duplicate", "content_copy", f"duplicate-{uid}", _duplicate, index)
        _button("Remove", "delete", f"remove-{uid}", _remove, index, disabled=count == 1)


def _in_words(layer: Layer, rows: Sequence[Row]) -> str:
    """What a layer is and makes of its input, on lines that break between the figures only."""
    about = (layer.__doc__ or "").split("\n")[0]
    shape, parameters, macs, field = _figures(rows)
    figures = [f"output {shape}"] * bool(shape) + [f"{parameters} parameters"] * bool(parameters)
    figures += [f"{macs} MACs per image"] * bool(macs) + [f"receptive field {field}"] * bool(field)
    words = " · ".join(figure.replace(" ", NO_BREAK) for figure in figures)
    return f"{about} {words[:1].upper()}{words[1:]}"


def _explain(broken: ImpossibleStack, helps: Sequence[Fix]) -> None:
    """Why the layer above does not fit, and buttons for what would help."""
    st.markdown(f":red[{shell.plain(str(broken))}]")
    with st.container(horizontal=True):
        for number, fix in enumerate(helps):
            _button(fix.label, "build", f"fix-{number}", draft.mend, fix)


def _steps() -> None:
    """Undo and redo, for every change of layers and settings, of the preset, and for an import."""
    for label, by in (("Undo", -1), ("Redo", 1)):  # a shortcut would also take Ctrl+Z away from the text fields
        st.button(
            label,
            icon=f":material/{label.lower()}:",
            key=f"draft-{label.lower()}",
            disabled=not draft.can_step(by),
            on_click=draft.step,
            args=(by,),
        )


def _button(
    label: str, icon: str, key: str, act: Callable[..., None], *args: int | Fix, disabled: bool = False
) -> None:
    st.button(label, icon=f":material/{icon}:", key=key, disabled=disabled, on_click=act, args=args)


# --- what the buttons do ----------------------------------------------------------------------------------------


def _open_layers() -> set[int]:
    """The numbers of the layers whose settings are shown."""
    return st.session_state.setdefault(state.OPEN_LAYERS, set())


def _toggle(uid: int) -> None:
    _open_layers().symmetric_difference_update({uid})


def _add() -> None:
    """Put a new layer where it fits, changed if it fits nowhere as it is, and open it."""
    draft.settle()
    layer = KINDS[st.session_state[state.ADD_LAYER]]()
    index, layer = fitted(draft.layers(draft.current()), layer, *_ends())
    _insert(index, layer)


def _add_below(uid: int) -> None:
    """Put a new layer right below another, whether it fits there or not."""
    numbers = [layer["uid"] for layer in draft.current()["layers"]]
    _insert(numbers.index(uid) + 1, KINDS[st.session_state[state.layer_below(uid)]]())


def _insert(index: int, layer: Layer) -> None:
    new = draft.numbered(layer)
    _open_layers().add(new["uid"])
    draft.edit_layers(lambda layers: layers.insert(index, new))


def _duplicate(index: int) -> None:
    draft.settle()
    _insert(index + 1, draft.layers(draft.current())[index])


def _move(index: int, by: int) -> None:
    draft.edit_layers(lambda layers: layers.insert(index + by, layers.pop(index)))


def _remove(index: int) -> None:
    draft.edit_layers(lambda layers: layers.pop(index))

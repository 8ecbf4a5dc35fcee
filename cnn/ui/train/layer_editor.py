"""The layers of a new run: a table of the whole network, and a card for each layer to change it.

Every figure is `cnn.config.layers.trace`'s, so that all of them follow each change at once and without TensorFlow.
"""

from collections.abc import Callable, Sequence

import streamlit as st

from cnn.charts import shape_text
from cnn.config import CLASS_NAMES, INPUT_SHAPE
from cnn.config.layers import KINDS, ImpossibleStack, Layer, Row, trace
from cnn.config.repairs import Fix, fixes
from cnn.config.repairs import place as best_place
from cnn.ui import draft, state
from cnn.ui.train import fields

_FIXES_SHOWN = 3
NO_BREAK = "\N{NO-BREAK SPACE}"


def rows_of(layers: Sequence[Layer]) -> tuple[list[Row], ImpossibleStack | None]:
    """The Keras layers of a stack as far as they fit, and where they do not."""
    try:
        return trace(layers, INPUT_SHAPE, len(CLASS_NAMES)), None
    except ImpossibleStack as error:
        return error.rows, error


def overview(layers: Sequence[Layer], rows: Sequence[Row], broken: ImpossibleStack | None) -> None:
    """A table of every layer from the picture to the output, and the sums; it marks the layer that does not fit."""
    table = [("Input: one picture", shape_text(INPUT_SHAPE), "", "", "")]
    texts = [*map(_numbered, range(len(layers)), layers), f"Output: dense {len(CLASS_NAMES)} softmax"]
    for index, text in enumerate(texts):
        here = [row for row in rows if row.layer == index]
        if broken is not None and broken.index == index:
            table.append((f":red[:material/block: **{text}**]", ":red[does not fit]", "", "", ""))
        elif here:
            table.append((text, *_figures(here)))
        else:
            table.append((f":gray[{text}]", ":gray[–]", "", "", ""))
    if broken is None:
        parameters, macs = sum(row.parameters for row in rows), sum(row.macs for row in rows)
        table.append(("**Total**", "", f"**{parameters:,}**", f"**{short(macs)}**", ""))
    heads = ("Layer", "Output", "Params", "MACs", "Field")
    st.table(
        {head: list(column) for head, column in zip(heads, zip(*table, strict=True), strict=True)},
        border="horizontal",
        hide_header=False,
        alt="The layers of the network with their output shapes, parameters, multiply-accumulates and receptive fields",
    )
    st.caption(
        "Output: height × width × feature maps, or the length of a vector. Params: parameters. MACs: "
        "multiply-accumulates for one picture. Field: the receptive field, that is the pixels of the picture that one "
        "output value sees; a vector's values have no place in the picture."
    )


def cards(layers: Sequence[Layer], rows: Sequence[Row], broken: ImpossibleStack | None) -> None:
    """A card for each layer, what is wrong at the one that does not fit, and the layers that can be added."""
    values = draft.current()["layers"]
    helps = fixes(layers, broken, INPUT_SHAPE, len(CLASS_NAMES))[:_FIXES_SHOWN] if broken else []
    with st.container(gap="xsmall"):
        for index, layer in enumerate(layers):
            fits = broken is None or broken.index != index
            title = f"**{_numbered(index, layer)}**"
            if fits:
                figures = _in_words([row for row in rows if row.layer == index])
            else:
                title, figures = f":red[:material/block: {title}]", ":red[does not fit]"
            _card(index, len(layers), title, figures, layer, values[index])
            if broken is not None and not fits:
                _explain(broken, helps)
        if broken is not None and broken.index == len(layers):
            _explain(broken, helps)
    st.caption("Add a layer; it goes to the last place where it fits:")
    with st.container(horizontal=True):
        for kind, model in KINDS.items():
            st.button(
                kind.capitalize(),
                icon=":material/add:",
                key=f"add-{kind}",
                help=(model.__doc__ or "").split("\n")[0],
                on_click=_add,
                args=(kind,),
            )


def short(count: int) -> str:
    """Three digits: 1234 -> 1,234; 112896 -> 113 k; 28901376 -> 28.9 M"""
    rounded = float(f"{count:.3g}") if count >= 10_000 else 0.0
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if rounded >= unit:
            return f"{rounded / unit:.3g}{NO_BREAK}{letter}"
    return f"{count:,}"


def _figures(rows: Sequence[Row]) -> tuple[str, str, str, str]:
    """Output shape, parameters, MACs and receptive field of one configured layer."""
    parameters, macs = sum(row.parameters for row in rows), sum(row.macs for row in rows)
    field = rows[-1].receptive_field
    return (
        shape_text(rows[-1].output_shape),
        f"{parameters:,}" if parameters else "",
        short(macs) if macs else "",
        f"{field.size}×{field.size}" if field else "",
    )


def _card(index: int, count: int, title: str, figures: str, layer: Layer, values: draft.Values) -> None:
    """A layer's title, which opens and closes its settings, and the buttons that move it.

    Not an expander: to Streamlit, one with another title is another one, and its fields would lose the focus.
    """
    uid = values["uid"]
    opened = uid in _open_cards()
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", wrap=False):
            with st.container(gap=None):
                st.button(
                    title,
                    icon=":material/expand_less:" if opened else ":material/expand_more:",
                    key=f"card-{uid}",
                    type="tertiary",
                    wrap=True,
                    on_click=_toggle,
                    args=(uid,),
                )
                if figures:
                    st.caption(figures)
            for way, arrow, by, end in (("up", "↑", -1, 0), ("down", "↓", 1, count - 1)):
                st.button(
                    arrow,
                    key=f"{way}-{uid}",
                    help=f"Move {way}",
                    type="tertiary",
                    disabled=index == end,
                    on_click=_move,
                    args=(index, by),
                )
        if not opened:
            return
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


def _numbered(index: int, layer: Layer) -> str:
    return f"{index + 1} · {layer}"


def _in_words(rows: Sequence[Row]) -> str:
    """What a layer makes of its input, on a line that breaks between the figures only; empty where it is unknown."""
    if not rows:
        return ""
    shape, parameters, macs, field = _figures(rows)
    figures = [f"→ {shape}", *[f"{parameters} parameters"] * bool(parameters), *[f"{macs} MACs"] * bool(macs)]
    figures += [f"sees {field}"] * bool(field)
    return " · ".join(figure.replace(" ", NO_BREAK) for figure in figures)


def _explain(broken: ImpossibleStack, helps: Sequence[Fix]) -> None:
    """Why the layer above does not fit, and buttons for what would help."""
    st.error(str(broken), icon=":material/block:")
    if helps:
        with st.container(horizontal=True):
            for number, fix in enumerate(helps):
                _button(fix.label, "build", f"fix-{number}", _mend, fix)


def _button(
    label: str, icon: str, key: str, act: Callable[..., None], *args: int | Fix, disabled: bool = False
) -> None:
    st.button(label, icon=f":material/{icon}:", key=key, disabled=disabled, on_click=act, args=args)


# --- what the buttons do ----------------------------------------------------------------------------------------


def _open_cards() -> set[int]:
    """The numbers of the layers whose settings are shown."""
    return st.session_state.setdefault(state.OPEN_CARDS, set())


def _toggle(uid: int) -> None:
    _open_cards().symmetric_difference_update({uid})


def _add(kind: str) -> None:
    """Put a new layer where it fits, and open its card."""
    draft.settle()
    layer = KINDS[kind]()
    _insert(best_place(draft.layers(draft.current()), layer, INPUT_SHAPE, len(CLASS_NAMES)), layer)


def _add_below(uid: int) -> None:
    """Put a new layer right below another, whether it fits there or not."""
    numbers = [layer["uid"] for layer in draft.current()["layers"]]
    _insert(numbers.index(uid) + 1, KINDS[st.session_state[state.layer_below(uid)]]())


def _insert(index: int, layer: Layer) -> None:
    new = draft.numbered(layer)
    _open_cards().add(new["uid"])
    draft.edit_layers(lambda layers: layers.insert(index, new))


def _duplicate(index: int) -> None:
    draft.settle()
    _insert(index + 1, draft.layers(draft.current())[index])


def _move(index: int, by: int) -> None:
    draft.edit_layers(lambda layers: layers.insert(index + by, layers.pop(index)))


def _remove(index: int) -> None:
    draft.edit_layers(lambda layers: layers.pop(index))


def _mend(fix: Fix) -> None:
    def change(layers: list[draft.Values]) -> None:
        layers[fix.start : fix.stop] = [draft.numbered(layer) for layer in fix.layers]

    draft.edit_layers(change)

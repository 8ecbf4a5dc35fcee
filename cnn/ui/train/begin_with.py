"""What the weights of a new network begin with: random ones, a backbone's, or those of a run; and what stays frozen."""

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from cnn.config import counted
from cnn.config.backbones import BACKBONES
from cnn.config.layers import Layer, Row
from cnn.networks import backbones, transfer_fit
from cnn.networks.backbones import Source
from cnn.networks.transfer_fit import Misfit
from cnn.runs import Run
from cnn.ui import draft, links, shell, state
from cnn.ui.train import images

_RANDOM = "Random weights"


class Transferred(NamedTuple):
    """What is transferred to the draft.

    title: whose layers they are; empty where all weights are random. layers: how many get its weights. frozen: how many
    are not trained. problem: why that cannot be, None where it can.
    """

    title: str = ""
    layers: int = 0
    frozen: int = 0
    problem: Misfit | None = None


def of(values: draft.Values, layers: Sequence[Layer], rows: Sequence[Row]) -> Transferred:
    """What is transferred to the draft.

    Args:
        values: the draft. layers: its layers. rows: their table, as far as they fit together.
    """
    transfer = values["transfer"]
    if not transfer["source"]:
        return Transferred()
    source = _source(transfer["source"])
    if source is None:
        text = f"The network whose weights are to be transferred, {transfer['source']}, is gone: choose another one."
        return Transferred(transfer["source"], transfer["layers"], transfer["frozen"], Misfit(text, 0))
    problem = transfer_fit.problem(source, layers, rows, transfer["layers"])
    return Transferred(source.title, transfer["layers"], transfer["frozen"], problem)


def show(values: draft.Values, layers: Sequence[Layer], rows: Sequence[Row], found: Transferred) -> None:
    """Draw the menu, and what can be set of a transfer. Arguments as for `of`; found: what that returned."""
    st.markdown("**Begin with**")
    present = values["transfer"]["source"]
    options = _options(present)
    links.picker(
        "begin_with",
        "Weights of",
        list(options),
        present,
        _choose,
        format_func=lambda source: options.get(source, source),
        help="Transfer learning: the layers of a trained network come with their weights, below a new output layer. "
        "With few images this is far better than random weights.",
    )
    if not present:
        st.caption("All layers learn from the images alone. With few of them, begin with a trained network.")
        return
    if present in BACKBONES:
        card = BACKBONES[present]
        st.caption(f"Trained on ImageNet's 1,000 classes; {card.about}.", help=card.source)
        if note := backbones.to_do(present):
            st.caption(f":material/cloud_download: {shell.plain(note)}")
    _frozen(values, found)
    _counts(rows, found)
    if found.problem:
        _mend(found.problem)
        return
    _more(values, layers)


def _source(name: str) -> Source | None:
    return transfer_fit.described(name, _run(name))


def _run(run_id: str) -> Run | None:
    return next((run for run in st.session_state.get(state.LISTED, []) if run.id == run_id), None)


def _options(present: str) -> dict[str, str]:
    """What to begin with, and how the menu calls it."""
    found = {"": _RANDOM}
    for name, card in BACKBONES.items():
        found[name] = f"{card.title} (ImageNet)"
    listed = st.session_state.get(state.LISTED, [])
    labels = shell.labels() if listed else {}
    for run in sorted(listed, key=lambda run: run.shipped):  # else the newest first, as they are listed
        if run.has_model:
            found[run.id] = f"Run {labels[run.id]}"
    return found if present in found else {**found, present: f"{present} · gone"}


def _choose(source: str | None) -> None:
    with shell.show_errors():
        draft.begin_with(source or "", _run(source or ""))


def _frozen(values: draft.Values, found: Transferred) -> None:
    transfer = values["transfer"]
    most = transfer["layers"]
    if most:
        transfer["frozen"] = st.slider(
            "Frozen layers",
            0,
            most,
            min(transfer["frozen"], most),
            key=draft.key("transfer", "frozen"),
            help="Frozen layers keep the weights that they come with. All frozen: only what follows is trained, which "
            "is quick and right for few images. Fewer frozen: slower, better with many images; lower the learning "
            "rate then.",
        )
    trained = most - transfer["frozen"]
    if not transfer["frozen"]:
        words = f"All {most} layers of {shell.plain(found.title)} are trained on."
    elif trained:
        words = f"The first {transfer['frozen']} layers stay as they are; {counted(trained, 'layer')} after them and "
        words += "the output layer are trained."
    else:
        words = f"All {most} transferred layers stay as they are; only what comes after them is trained."
    st.caption(words)


def _counts(rows: Sequence[Row], found: Transferred) -> None:
    """How many parameters are trained."""
    if not rows:
        return
    whole = sum(row.parameters for row in rows)
    kept = sum(row.parameters if is_kept(row, found) else row.parameters - row.trainable for row in rows)
    st.caption(f"**{whole - kept:,}** parameters are trained, **{kept:,}** are frozen.")


def is_kept(row: Row, found: Transferred) -> bool:
    """Whether a row of the table keeps its weights, as `RunConfig.rows` has it."""
    return row.layer < (found.layers if row.type == "BatchNormalization" else found.frozen)


def _mend(problem: Misfit) -> None:
    st.error(shell.plain(problem.text), icon=":material/block:")
    with st.container(horizontal=True):
        if problem.repair:
            label = problem.repair.label
            st.button(label, icon=":material/undo:", key="transfer_repair", on_click=draft.mend, args=(problem.repair,))
        few = problem.fitting
        label = f"Transfer only the first {counted(few, 'layer')}" if few else "Begin with random weights"
        st.button(label, icon=":material/build:", key="transfer_less", on_click=draft.transfer_less, args=(few,))
        if problem.shape:
            size = "×".join(map(str, problem.shape))
            st.button(
                f"Use images of {size}",
                icon=":material/build:",
                key="transfer_size",
                on_click=draft.use_size,
                args=problem.shape,
            )


def _more(values: draft.Values, layers: Sequence[Layer]) -> None:
    """The settings of a transfer that are not always there."""
    transfer = values["transfer"]
    source = _source(transfer["source"])
    whole = transfer["layers"] == len(layers)
    same = source is not None and source.classes == images.classes_of(values["data"])
    if transfer["output"] or (whole and same):
        transfer["output"] = st.toggle(
            "Also the output layer",
            transfer["output"],
            key=draft.key("transfer", "output"),
            help="The classes are the same, so its weights can be transferred, too.",
        )
    if transfer["frozen"] and any(values["data"][name] for name in draft.AUGMENTATIONS):
        transfer["views"] = st.number_input(
            "Augmented views",
            1,
            32,
            transfer["views"],
            step=1,
            key=draft.key("transfer", "views"),
            width=180,
            help="What the frozen layers make of the images is computed once and kept: of each image and of so many "
            "augmented views of it. More views take longer and teach more.",
        )

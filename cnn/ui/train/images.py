"""The images of a new network: which dataset, in which size, grey or in colour, and what there is to say of them."""

import streamlit as st

from cnn import data
from cnn.config import DATASET_CARDS, STAND_IN, datasets_help
from cnn.config.run_config import LARGEST_EDGE, LEAST_EDGE
from cnn.data import DataUnavailable
from cnn.ui import draft, links, own_datasets, shell

_COLOURS = {1: "Grey", 3: "RGB"}
_CLASSES_SHOWN = 8
_ABOUT_SIZE = (
    f"All images are brought to this size, {LEAST_EDGE} to {LARGEST_EDGE} pixels high and wide. Twice the height and "
    "the width take four times as long."
)


def show(values: draft.Values) -> str:
    """Draw them.

    Args:
        values: the draft.

    Returns:
        Why no training can start with them, in a sentence; empty where it can.
    """
    st.markdown("**Images**")
    chosen = values["data"]
    _menu(chosen["dataset"])
    _size(draft.shape_of(chosen))
    if news := draft.news():
        st.info(news, icon=":material/info:")
    if not chosen["classes"]:
        dataset = data.DATASETS.get(chosen["dataset"])  # a link may name one that there is not
        if dataset is not None and (missing := dataset.missing()):
            st.info(
                f"{missing} {dataset.by_hand()} Or choose the {STAND_IN.name} dataset.",
                icon=":material/cloud_download:",
            )
        return ""
    return _own(values)


def classes_of(chosen: draft.Values) -> tuple[str, ...]:
    """The classes of the images that the draft's data name."""
    return tuple(chosen["classes"]) or DATASET_CARDS.get(chosen["dataset"], STAND_IN).class_names


def _menu(present: str) -> None:
    options = own_datasets.options(present)
    links.picker(
        "images_of",
        "Dataset",
        list(options),
        present,
        _choose,
        format_func=lambda name: options.get(name, name),
        help=f"{datasets_help()} Datasets of your own are made on the Collect page.",
    )


def _choose(name: str | None) -> None:
    with shell.show_errors():
        draft.use_dataset(name or "")


def _size(shape: tuple[int, int, int]) -> None:
    with st.grid(3, min_column_width=90, vertical_alignment="bottom"):
        for label, value in zip(("Height (px)", "Width (px)"), shape, strict=False):
            st.number_input(
                label,
                LEAST_EDGE,
                LARGEST_EDGE,
                value,
                step=1,
                key=_key(label),
                on_change=_resize,
                help=_ABOUT_SIZE if label.startswith("Height") else None,
            )
        st.selectbox(
            "Colour",
            list(_COLOURS),
            list(_COLOURS).index(shape[2]),
            key=_key("Colour"),
            format_func=_COLOURS.__getitem__,
            on_change=_resize,
        )


def _key(label: str) -> str:
    return draft.key("images", label)


def _resize() -> None:
    height, width, channels = (st.session_state[_key(label)] for label in ("Height (px)", "Width (px)", "Colour"))
    if height is not None and width is not None:
        draft.use_size(height, width, channels)


def _own(values: draft.Values) -> str:
    """What there is to say of people's own images, and what can be done about it."""
    chosen = values["data"]
    try:
        facts = own_datasets.facts(chosen["dataset"])
    except DataUnavailable as error:
        st.warning(f"{shell.plain(str(error))} The settings stay.", icon=":material/folder_off:")
        return "The dataset is gone."
    train, validation, test = facts.split
    names = ", ".join(map(shell.plain, facts.classes[:_CLASSES_SHOWN]))
    more = f" and {len(facts.classes) - _CLASSES_SHOWN} more" if len(facts.classes) > _CLASSES_SHOWN else ""
    st.caption(
        f"{names}{more}. {train:,} images to train with, {validation:,} to choose by, {test:,} to measure with: about "
        "80, 10 and 10 percent of each class (90, 5 and 5 of fewer than 40 images), fixed by the contents of the files."
    )
    for finding in facts.findings:
        st.caption(f":material/warning: {shell.plain(finding)}")
    training = values["training"]
    training["class_weights"] = st.toggle(
        "Let each class count equally (class weights)",
        training["class_weights"],
        key=draft.key("training", "class_weights"),
        help="A mistake in a class with few images weighs more in the loss, so that no class is neglected.",
    )
    if len(facts.classes) < 2:
        return "A network needs images of at least two classes."
    if not validation:
        return f"Add images until a class has at least {own_datasets.LEAST} that differ."
    if facts.classes != tuple(chosen["classes"]):
        st.warning("The classes of the dataset have changed since these settings were made.", icon=":material/update:")
        st.button("Use the present classes", key="present_classes", on_click=_choose, args=(chosen["dataset"],))
    return ""

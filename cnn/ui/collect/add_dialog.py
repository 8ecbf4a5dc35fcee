"""Add to my images: from any page, images into a class of a dataset, either of which may be new."""

import io
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from PIL import Image

from cnn.config import counted
from cnn.data import names, own_datasets
from cnn.data.changes import NotChanged
from cnn.data.dataset_editing import OwnDataset
from cnn.errors import AtelierError
from cnn.ui import shell, state

MOST = 500  # images at once
Images = Sequence[tuple[str, bytes | np.ndarray | Image.Image]]


@dataclass(frozen=True)
class _Outcome:
    """What became of images that were added from a place. change: the id of what can be taken back, or empty."""

    place: str
    dataset: str
    lines: tuple[str, ...]
    change: str
    is_good: bool


def offer(place: str, images: Callable[[], Images], count: int, class_name: str = "") -> None:
    """Draw "Add to my images", which opens a small form.

    Args:
        place: where it stands; unique among all pages.
        images: gives each with a name for its file, once they are to be added: a file's bytes, uint8 (h, w) or
            (h, w, 3), or an opened image.
        count: how many there are.
        class_name: that is proposed.
    """
    popover = st.popover(
        "Add to my images",
        icon=":material/add_photo_alternate:",
        type="tertiary",
        key=state.add_popover(place),
        on_change="rerun",
        help="Keeps it in a dataset of your own, to train with: a correction becomes a training image.",
    )
    if popover.open:
        with popover:
            _ask(place, images, count, class_name)


def _ask(place: str, images: Callable[[], Images], count: int, class_name: str) -> None:
    last_dataset, last_class = st.session_state.get(state.ADD_LAST, ("", ""))
    datasets = own_datasets.listed()
    dataset = st.selectbox(
        "Dataset",
        datasets,
        datasets.index(last_dataset) if last_dataset in datasets else 0 if len(datasets) == 1 else None,
        key=f"add-dataset-{place}",
        accept_new_options=True,
        placeholder="Choose, or type a new one" if datasets else "Type a name for a new one",
        help="Choose one, or type a name for a new one.",
    )
    classes = _classes(dataset)
    wanted = [name for name in (class_name, last_class) if name]
    known = {names.key(name): name for name in classes}
    proposed = next((known[names.key(name)] for name in wanted if names.key(name) in known), class_name)
    if proposed and proposed not in classes:
        classes = [*classes, proposed]
    class_ = st.selectbox(
        "Class",
        classes,
        classes.index(proposed) if proposed in classes else None,
        key=f"add-class-{place}-{dataset}-{class_name}",
        accept_new_options=True,
        placeholder="Choose, or type a new one",
        help="Choose one, or type a name for a new one.",
    )
    st.button(
        f"Add {counted(min(count, MOST), 'image')}",
        type="primary",
        key=f"add-now-{place}",
        disabled=not (dataset and class_),
        on_click=_add,
        args=(place, dataset, class_, images),
    )
    if count > MOST:
        st.caption(f"The first {MOST} of {count:,}.")
    _say(place)


def _classes(dataset: str | None) -> list[str]:
    """The classes of a dataset; none of one that is to be made."""
    try:
        return list(own_datasets.own(dataset).classes()) if dataset else []
    except AtelierError:
        return []


def _say(place: str) -> None:
    """What became of the images that were added here last."""
    outcome: _Outcome | None = st.session_state.get(state.ADD_OUTCOME)
    if outcome is None or outcome.place != place:
        return
    lines = [f"To the dataset {outcome.dataset}:", *outcome.lines] if outcome.change else outcome.lines
    (st.success if outcome.is_good else st.warning)("  \n".join(map(shell.plain, lines)))
    if outcome.change:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Undo",
                icon=":material/undo:",
                key=f"add-undo-{place}",
                on_click=_undo,
                args=(outcome,),
                type="tertiary",
            )
            st.page_link(
                shell.COLLECT,
                label="Open the dataset",
                icon=":material/arrow_forward:",
                query_params={state.DATASET: outcome.dataset},
            )


def _add(place: str, dataset: str, class_name: str, images: Callable[[], Images]) -> None:
    """Add the images; for callbacks."""
    try:
        outcome = add(dataset, class_name, images())
    except AtelierError as error:
        st.session_state[state.ADD_OUTCOME] = _Outcome(place, dataset, (str(error),), "", False)
        return
    name, lines, change = outcome
    st.session_state[state.ADD_OUTCOME] = _Outcome(place, name, tuple(lines), change, bool(change))
    st.session_state[state.ADD_LAST] = (name, names.cleaned(class_name))


def add(dataset: str, class_name: str, images: Images) -> tuple[str, list[str], str]:
    """Add images to a class of a dataset; both are made where they are missing.

    Returns:
        The dataset's name, what became of the images in sentences, and the id of the change, if any.

    Raises:
        BadName, NotChanged, NotWritten, UnusableFolder: it cannot be done. Then nothing was changed.
    """
    class_name = names.cleaned(class_name)
    wanted = names.cleaned(dataset, "dataset")
    known = {names.key(name): name for name in own_datasets.listed()}
    is_new = names.key(wanted) not in known
    into: OwnDataset = own_datasets.create(wanted) if is_new else own_datasets.own(known[names.key(wanted)])
    change = ""
    try:
        files = ((class_name, name, _as_file(image)) for name, image in images[:MOST])
        added = into.add_to_classes(files)
        change = added.change.id if added.change else ""
        return into.name, added.lines(), change
    finally:
        if is_new and not change:
            shutil.rmtree(into.path, ignore_errors=True)


def _as_file(image: bytes | np.ndarray | Image.Image) -> bytes:
    """Bytes as they are, anything else as a PNG file."""
    if isinstance(image, bytes):
        return image
    file = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(file, "PNG")
    return file.getvalue()


def _undo(outcome: _Outcome) -> None:
    """Take back what was added; for callbacks."""
    try:
        dataset = own_datasets.own(outcome.dataset)
        last = dataset.last_change()
        if last is None or last.id != outcome.change:
            raise NotChanged("This dataset was changed again since: undo the later changes first, on Collect.")
        dataset.undo(last)
        lines = ("Undone: nothing was added.",)
    except AtelierError as error:
        lines = (str(error),)
    st.session_state[state.ADD_OUTCOME] = _Outcome(outcome.place, outcome.dataset, lines, "", False)


def stamped(name: str) -> str:
    """A name for a file that no other has: with the time of the day."""
    return f"{name} {time.strftime('%Y-%m-%d %H.%M.%S')}"

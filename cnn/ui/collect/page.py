"""What the page Collect shows: all datasets, one of them, or a class of it; the link says which."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from cnn.data import own_datasets
from cnn.data.dataset_editing import OwnDataset
from cnn.data.image_folders import Listing, UnusableFolder
from cnn.ui import links, shell, state
from cnn.ui.collect import adding, board, changing, jobs, naming, opened, overview


def show() -> None:
    """Draw what the link names."""
    opened_dialog = _shown()
    if not naming.show_dialog() and opened_dialog is not None:
        opened_dialog()


def _shown() -> Callable[[], None] | None:
    """Draw the part that the link names. Returns what draws the dialog that is open by the link."""
    name = st.query_params.get(state.DATASET)
    if name is None:
        changing.complain()
        overview.show()
        return None
    try:
        dataset = own_datasets.own(name)
        listing = listed(dataset)
    except UnusableFolder as error:
        changing.complain()
        _lost(name, str(error))
        return None
    class_name = st.query_params.get(state.OWN_CLASS)
    board.head(dataset, listing, class_name not in listing.classes)
    changing.complain()
    jobs.show(dataset, "page")
    if class_name is None:
        board.show(dataset, listing)
    elif class_name in listing.classes:
        opened.show(dataset, listing, class_name)
        if state.OWN_IMAGE in st.query_params:
            return partial(opened.show_large, dataset, listing, class_name)
    else:
        st.warning(
            f"There is no class {shell.plain(class_name[:80])} in this dataset any more: it was renamed or deleted.",
            icon=":material/folder_off:",
        )
        links.write(state.OWN_CLASS, None)
        board.show(dataset, listing)
    return partial(adding.show_dialog, dataset, listing)


def listed(dataset: OwnDataset) -> Listing:
    """What is in a dataset now. Where many files are new it says how far it has looked at them.

    Raises:
        UnusableFolder: it is gone, or cannot be read.
    """
    place = st.empty()

    def report(done: int, of: int) -> None:
        if of > 50 and done % 20 == 0:
            place.progress(done / of, text=f"Looking at new files: {done:,} of {of:,}")

    found = dataset.listing(report)
    place.empty()
    return found


def _lost(name: str, why: str) -> None:
    """Say that the dataset of the link is gone, offer to restore it, and show the others."""
    in_bin = any(one.name == name for one in own_datasets.deleted())
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning(shell.plain(why), icon=":material/folder_off:")
        if in_bin:
            st.button("Restore", icon=":material/restore:", key="restore_lost", on_click=overview.restore, args=(name,))
    overview.show()

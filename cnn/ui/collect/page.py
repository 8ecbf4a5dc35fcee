"""What the page Collect shows: all datasets, one of them, or a class of it; the link says which."""

import streamlit as st

from cnn.data import own_datasets
from cnn.data.dataset_editing import OwnDataset
from cnn.data.image_folders import Listing, UnusableFolder
from cnn.ui import links, shell, state
from cnn.ui.collect import adding, board, changing, jobs, naming, opened, overview


def show() -> None:
    """Draw what the link names."""
    name = st.query_params.get(state.DATASET)
    if name is None:
        changing.complain()
        overview.show()
        naming.show_dialog()
        return
    try:
        dataset = own_datasets.own(name)
        listing = listed(dataset)
    except UnusableFolder as error:
        changing.complain()
        _lost(name, str(error))
        naming.show_dialog()
        return
    class_name = st.query_params.get(state.OWN_CLASS)
    is_whole = class_name not in listing.classes
    board.head(dataset, listing, is_whole)
    changing.complain()
    jobs.show(dataset, "page")
    if class_name is not None and is_whole:
        st.warning(
            f"There is no class {shell.plain(class_name[:80])} in this dataset any more: it was renamed or deleted.",
            icon=":material/folder_off:",
        )
        links.write(state.OWN_CLASS, None)
    if class_name is None or is_whole:
        board.show(dataset, listing)
    else:
        opened.show(dataset, listing, class_name)
    if naming.show_dialog():
        pass  # Streamlit has one dialog at a time
    elif state.ADDING_TO in st.query_params:
        adding.show_dialog(dataset, listing)
    elif class_name is not None and not is_whole:
        opened.show_large(dataset, listing, class_name)
    if is_whole:
        board.show_below(dataset, listing)


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

"""One dataset: what can be done with it, its classes as boxes, what there is to say, and what comes next."""

import io
import tempfile
from functools import partial
from math import ceil
from typing import BinaryIO, cast

import streamlit as st

from cnn.config import counted
from cnn.config.run_config import MAX_CLASSES
from cnn.data import names, own_datasets, zips
from cnn.data.dataset_editing import OwnDataset
from cnn.data.image_folders import Listing, OwnImage
from cnn.ui import links, shell, state
from cnn.ui.collect import changing, findings, naming, next_steps, overview, thumbnails

BOXES = 24  # on a page
_DOWNLOADED = 300_000_000  # bytes of a dataset that is handed to the browser at once: it is held in memory meanwhile
_OPEN, _RENAME, _DELETE = "Open", "Rename", "Delete"
_MENU = {_OPEN: ":material/open_in_full:", _RENAME: ":material/edit:", _DELETE: ":material/delete:"}


def head(dataset: OwnDataset, listing: Listing, is_whole: bool) -> None:
    """Draw which dataset is open, and what can be done with the whole of it; is_whole: whether no class is open."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "All datasets",
            icon=":material/arrow_back:",
            type="tertiary",
            key="all_datasets",
            on_click=naming.open_dataset,
            args=(None,),
        )
        st.subheader(shell.plain(dataset.name), anchor=False, width="content")
        st.caption(
            f"{counted(len(listing.images), 'image')} · {naming.class_count(len(listing.classes))}", width="content"
        )
        with st.popover(
            "Import and export",
            icon=":material/folder_zip:",
            type="tertiary",
            key=state.IMPORT_MENU,
            on_change="rerun",
        ):
            overview.ask_import(dataset)
            st.divider()
            _export(dataset, listing)
        what = st.menu_button("Dataset", ["Rename", "Delete"], icon=":material/more_vert:", type="tertiary", key="more")
        if is_whole and listing.images:
            next_steps.train_button(dataset, listing)
    if what == "Rename":
        naming.open_dialog("rename dataset", dataset.name)
    elif what == "Delete":
        naming.open_dialog("delete dataset", dataset.name)
    changing.offer_undo(dataset)


def _export(dataset: OwnDataset, listing: Listing) -> None:
    """A ZIP file for the browser; of a large dataset a file beside the datasets, which no memory has to hold."""
    size = sum(image.known.size for image in listing.images)
    said = f"The original files in a folder for each class, {size / 1e6:,.0f} MB."
    if size <= _DOWNLOADED:
        st.download_button(
            "Export as a ZIP file",
            partial(_zipped, dataset),
            f"{dataset.path.name}.zip",
            "application/zip",
            icon=":material/download:",
            key="export",
            disabled=not listing.images,
            on_click="ignore",
        )
        st.caption(said)
        return
    target = own_datasets.root() / f"{dataset.path.name}.zip"
    if st.button("Export as a ZIP file", icon=":material/download:", key="export"):
        bar = st.progress(0.0)
        with shell.show_errors():
            count = zips.export_zip(dataset, target, lambda done, of: _report(bar, done, of))
            bar.empty()
            st.success(f"{counted(count, 'image')} written to {shell.plain(str(target))}.", icon=":material/check:")
    st.caption(f"{said} It is written into the datasets folder, as it is large.")


def _report(bar, done: int, of: int) -> None:
    if done % 50 == 0:
        bar.progress(done / of, text=f"{done:,} of {of:,}")


def _zipped(dataset: OwnDataset) -> io.RawIOBase:
    """The archive in a file that has no name, so that it is gone once the browser has it."""
    file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  Streamlit reads raw files, and lets go of this one
    zips.export_zip(dataset, cast(BinaryIO, file))
    file.seek(0)
    return cast(io.RawIOBase, file)


# ---------------------------------------------------------------- the classes


def show(dataset: OwnDataset, listing: Listing) -> None:
    """Draw the classes as boxes."""
    of_class: dict[str, list[OwnImage]] = {name: [] for name in listing.classes}
    for image in listing.images:
        of_class[image.class_name].append(image)
    if not listing.classes:
        st.caption("Name the classes first, such as Cat and Dog. Then add images to each.")
    shown = _on_this_page(listing.classes)
    with st.grid("auto", min_column_width=thumbnails.BOX):
        for name in shown:
            with st.container(border=True, gap="xsmall", key=f"box-{names.key(name)}"):
                _box(dataset, name, of_class[name])
        with st.container(border=True, gap="xsmall", key="box-class_to_add"):
            _ask_class(dataset, listing)


def show_below(dataset: OwnDataset, listing: Listing) -> None:
    """Draw what there is to say; of 10,000 images it takes seconds to find out, once after each change."""
    if listing.images:
        left, right = st.columns(2, gap="large")
        with left:
            next_steps.show(dataset, listing)
        with right:
            findings.show(dataset, listing)


def _on_this_page(classes: tuple[str, ...]) -> tuple[str, ...]:
    """The classes of the page that is open, of those that the visitor looks for."""
    if len(classes) <= BOXES:
        return classes
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = links.words(
            state.CLASSES_FOUND, "Find a class", icon=":material/search:", width=220, placeholder="Part of its name"
        )
        found = tuple(name for name in classes if names.key(wanted.strip()) in names.key(name))
        pages = ceil(len(found) / BOXES)
        page = 1
        if pages > 1:
            page = links.number(state.CLASSES_PAGE, f"Page (of {pages})", 1, pages, width=140)
        if wanted:
            st.caption(f"{len(found):,} of {naming.class_count(len(classes))}.")
    return found[(page - 1) * BOXES : page * BOXES]


def _box(dataset: OwnDataset, name: str, images: list[OwnImage]) -> None:
    """A class: its name, how many images it has, the newest of them, and what can be done with it."""
    key = names.key(name)
    st.button(
        f"**{shell.plain(name)}**",
        type="tertiary",
        key=f"open-{key}",
        on_click=naming.open_dataset,
        args=(dataset.name, name),
        help="Open this class",
    )
    st.image(
        thumbnails.sheet(dataset, images),
        width="stretch",
        alt=f"The newest images of the class {name}." if images else "No images yet.",
    )
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="xsmall", wrap=False
    ):
        st.caption(counted(len(images), "image") if images else "No images", width="content")
        what = st.menu_button(
            "More",
            list(_MENU),
            format_func=lambda word: f"{_MENU[word]} {word}",
            type="tertiary",
            key=f"menu-{key}",
            width="content",
        )
    st.button(
        "Add",
        icon=":material/add_photo_alternate:",
        key=f"add-{key}",
        on_click=links.write,
        args=(state.ADDING_TO, name),
        width="stretch",
        help="Add images to this class",
    )
    if what == _OPEN:
        naming.open_dataset(dataset.name, name)
        st.rerun()
    elif what == _RENAME:
        naming.open_dialog("rename class", dataset.name, name)
    elif what == _DELETE:
        changing.attempt(lambda: dataset.delete_class(name))
        st.rerun()


def _ask_class(dataset: OwnDataset, listing: Listing) -> None:
    """Ask for the name of another class; Enter adds it, and the next can be typed."""
    with st.form("add_class", border=False, clear_on_submit=False):
        st.text_input("New class", key=state.NEW_CLASS, placeholder="Name, then Enter")
        st.form_submit_button(
            "Add class", icon=":material/add:", on_click=_add_class, args=(dataset,), key="add_class_button"
        )
    few = len(listing.classes)
    if few < 2:
        st.caption("A network needs at least two classes." if few == 0 else "One more class is needed, at least.")
    elif few >= MAX_CLASSES:
        st.caption(f"A dataset has at most {MAX_CLASSES} classes.")


def _add_class(dataset: OwnDataset) -> None:
    """Add the class that was typed; for callbacks."""
    with changing.guarded():
        dataset.add_class(st.session_state[state.NEW_CLASS])
        st.session_state[state.NEW_CLASS] = ""

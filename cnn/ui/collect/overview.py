"""All datasets of people's own: to be opened, made, imported, and restored from the bin."""

import shutil
import time

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from cnn.config import counted
from cnn.data import own_datasets, zips
from cnn.data.changes import NotChanged
from cnn.data.dataset_editing import OwnDataset
from cnn.data.image_folders import UnusableFolder
from cnn.ui import shell, state
from cnn.ui.collect import changing, jobs, naming, thumbnails, uploads

ZIP_MEGABYTES = 2000  # of an archive that is uploaded
_SHOWN = 24  # datasets with thumbnails; the others have their names only
_RECENT = 15 * 60  # seconds in which the last deletion is offered to be undone


def show() -> None:
    """Draw the datasets, or what to do where there is none."""
    listed = own_datasets.listed()
    if not listed:
        st.info(
            "A dataset is a set of classes with images of each, from which a network learns to tell the classes apart. "
            "Make one and add at least two classes with ten or more images each, or upload a ZIP file that has a "
            "folder for each class.",
            icon=":material/add_photo_alternate:",
        )
    _undo()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "New dataset",
            icon=":material/create_new_folder:",
            type="primary",
            key="new_dataset_button",
            on_click=naming.open_dialog,
            args=("new dataset",),
        )
        with st.popover("Import a ZIP file", icon=":material/folder_zip:"):
            ask_zip(None)
        if own_datasets.deleted():
            with st.popover("Bin", icon=":material/delete:", type="tertiary"):
                _bin()
    with st.grid("auto", min_column_width=thumbnails.BOX):
        for number, name in enumerate(listed):
            with st.container(border=True, key=f"dataset-{number}", gap="xsmall"):
                _box(name, number < _SHOWN)


def _box(name: str, with_images: bool) -> None:
    """A dataset: its name, what is in it, and its newest images."""
    st.button(
        f"**{shell.plain(name)}**",
        type="tertiary",
        icon=":material/folder:",
        key=f"open-{name}",
        on_click=naming.open_dataset,
        args=(name,),
    )
    try:
        dataset = own_datasets.own(name)
        if not with_images:
            st.caption(naming.class_count(len(dataset.classes())))
            return
        listing = dataset.listing()
    except UnusableFolder as error:
        st.caption(shell.plain(str(error)))
        return
    st.caption(f"{counted(len(listing.images), 'image')} · {naming.class_count(len(listing.classes))}")
    if listing.images:
        names = ", ".join(listing.classes[:5])
        st.image(thumbnails.sheet(dataset, listing.images), width="stretch", alt=f"Newest images of: {names}.")


def _undo() -> None:
    """Offer to bring back the dataset that was deleted last, shortly after that."""
    last = next(iter(own_datasets.deleted()), None)
    if last is None or time.time() - last.time > _RECENT:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="undo-bar-datasets"):
        st.caption(
            f":material/delete: Deleted: {shell.plain(last.name)}. It stays in the bin for "
            f"{own_datasets.DAYS_IN_BIN} days.",
            width="content",
        )
        st.button(
            "Undo", icon=":material/undo:", type="tertiary", key="undo_dataset", on_click=restore, args=(last.name,)
        )


def _bin() -> None:
    st.caption(f"Deleted datasets stay here for {own_datasets.DAYS_IN_BIN} days.")
    for name in dict.fromkeys(one.name for one in own_datasets.deleted()):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(shell.plain(name), width="stretch")
            st.button("Restore", icon=":material/restore:", key=f"restore-{name}", on_click=restore, args=(name,))


def restore(name: str) -> None:
    """Take a dataset back from the bin and open it; for callbacks."""
    with changing.guarded():
        own_datasets.restore(name)
        naming.open_dataset(name)


# ---------------------------------------------------------------- import


def ask_zip(dataset: OwnDataset | None) -> None:
    """Ask for a ZIP file; its images are added to a dataset, or to a new one that is called as the file."""
    number = st.session_state.get(state.UPLOADS, 0)
    key = f"zip-{'new' if dataset is None else 'into'}-{number}"
    st.file_uploader(
        "A ZIP file with a folder for each class",
        "zip",
        key=key,
        max_upload_size=ZIP_MEGABYTES,
        on_change=_import,
        args=(key, dataset),
    )
    st.caption(
        "One that was exported here, or any other. "
        + ("The dataset is called as the file." if dataset is None else "Classes that are missing are added.")
    )


def _import(key: str, dataset: OwnDataset | None) -> None:
    """Begin to import an uploaded archive; for callbacks."""
    file: UploadedFile | None = st.session_state[key]
    if file is None:
        return
    st.session_state[state.UPLOADS] = st.session_state.get(state.UPLOADS, 0) + 1
    forget = uploads.forgetting([file])
    with changing.guarded():
        into = dataset or _new_called(file.name)
        job = jobs.begin(into, "Adding images", lambda report: zips.import_zip(into, file, report), forget)
        if dataset is None and job.problem:
            jobs.dismiss(into)
            shutil.rmtree(into.path, ignore_errors=True)  # made a moment ago, and empty
            raise NotChanged(job.problem)
        naming.open_dataset(into.name)


def _new_called(file: str) -> OwnDataset:
    """A new dataset, called as a file; with a number where the name is taken."""
    stem = file.rpartition(".")[0] or "Dataset"
    for number in range(2, 100):
        try:
            return own_datasets.create(stem)
        except NotChanged:
            stem = f"{file.rpartition('.')[0] or 'Dataset'} {number}"
    return own_datasets.create(stem)

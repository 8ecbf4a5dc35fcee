"""All datasets of people's own: to be opened, made, imported, and restored from the bin."""

import shutil
import time
from collections.abc import Callable

import streamlit as st

from cnn.config import counted
from cnn.data import own_datasets, uploaded_folders, zips
from cnn.data.changes import NotChanged
from cnn.data.dataset_editing import Added, OwnDataset
from cnn.data.image_folders import OnProgress, UnusableFolder
from cnn.errors import AtelierError
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
            "Make one and add at least two classes with ten or more images each, or upload a ZIP file or a "
            "folder that has a folder for each class.",
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
        with st.popover("Import a ZIP file or folder", icon=":material/folder_zip:"):
            ask_import(None)
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


def ask_import(dataset: OwnDataset | None) -> None:
    """Ask for a ZIP file or a folder; its images are added to a dataset, or to a new one that is called like it."""
    number, place = st.session_state.get(state.UPLOADS, 0), "new" if dataset is None else "into"
    zip_key, folder_key = f"zip-{place}-{number}", f"folder-{place}-{number}"
    st.file_uploader(
        "A ZIP file with a folder for each class",
        "zip",
        key=zip_key,
        max_upload_size=ZIP_MEGABYTES,
        on_change=_import_zip,
        args=(zip_key, dataset),
    )
    st.caption(
        "One that was exported here, or any other. "
        + ("The dataset is called as the file." if dataset is None else "Classes that are missing are added.")
    )
    uploads.ask_folder("Or a folder with a folder for each class", folder_key, _import_folder, (folder_key, dataset))
    st.caption(f"A folder without folders becomes one class. {uploads.FOLDER_LIMITS}")


def _import_zip(key: str, dataset: OwnDataset | None) -> None:
    """Begin to import an uploaded archive; for callbacks."""
    files = uploads.chosen(key)
    if not files:
        return
    (file,) = files
    st.session_state[state.UPLOADS] = st.session_state.get(state.UPLOADS, 0) + 1
    forget = uploads.forgetting(files)
    with changing.guarded():
        name = file.name.rpartition(".")[0]
        _import(dataset, name, lambda into, report: zips.import_zip(into, file, report), forget)


def _import_folder(key: str, dataset: OwnDataset | None) -> None:
    """Begin to import an uploaded folder; for callbacks."""
    if (taken := uploads.taken_folder(key)) is None:
        return
    files, forget = taken
    with changing.guarded():
        try:
            name = uploaded_folders.name_of(files)
        except uploaded_folders.UnusableUpload:
            forget()
            raise
        add = uploaded_folders.add_folder
        _import(dataset, name, lambda into, report: add(into, files, on_progress=report), forget)


def _import(
    dataset: OwnDataset | None,
    name: str,
    work: Callable[[OwnDataset, OnProgress], Added],
    forget: Callable[[], None],
) -> None:
    """Begin the work that adds images to a dataset, or to a new one of that name."""
    try:
        into = dataset or _new_called(name)
    except AtelierError:
        forget()
        raise
    job = jobs.begin(into, "Adding images", lambda report: work(into, report), forget)
    if dataset is None and job.problem:
        jobs.dismiss(into)
        shutil.rmtree(into.path, ignore_errors=True)  # made a moment ago, and empty
        raise NotChanged(job.problem)
    st.session_state[state.IMPORT_MENU] = False  # it would cover what became of it
    naming.open_dataset(into.name)


def _new_called(name: str) -> OwnDataset:
    """A new dataset of that name, with a number where the name is taken."""
    name = tried = name or "Dataset"
    for number in range(2, 100):
        try:
            return own_datasets.create(tried)
        except NotChanged:
            tried = f"{name} {number}"
    return own_datasets.create(tried)

"""The dialog that adds images to a class: files, the camera, a drawing. It stays open until one is done with it."""

import io
import time
from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st
from PIL import Image

from cnn.config import counted
from cnn.data.dataset_editing import OwnDataset
from cnn.data.image_folders import Listing
from cnn.data.uploaded_folders import add_folder
from cnn.pictures import MAX_BYTES, READ_IN_WORDS
from cnn.ui import links, shell, state
from cnn.ui.collect import changing, jobs, uploads
from cnn.ui.components import camera, drawing_board

WAYS = ("Upload", "Folder", "Camera", "Draw")
_HOLD = "While held"
_PHOTOS = {_HOLD: camera.MAX_BURST, "10 photos": 10, "1 photo": 1}
_EVERY, _EVERY_HELD = 0.3, 0.2  # seconds between two photos


def show_dialog(dataset: OwnDataset, listing: Listing) -> None:
    """Draw the dialog, where the link says that one is open."""
    class_name = st.query_params.get(state.ADDING_TO)
    if class_name is None:
        return
    job = jobs.of(dataset)
    if class_name not in listing.classes or (job is not None and job.is_running):
        links.write(state.ADDING_TO, None)  # the page says how far it is
        return
    dialog = st.dialog(
        f"Add images to {shell.plain(class_name)}",
        width="medium",
        icon=":material/add_photo_alternate:",
        on_dismiss=lambda: _close(dataset),
    )
    dialog(_ask)(dataset, class_name)


def _close(dataset: OwnDataset) -> None:
    """Close the dialog, whose visitor has read what became of the images; for callbacks."""
    links.write(state.ADDING_TO, None)
    jobs.dismiss(dataset)


def _ask(dataset: OwnDataset, class_name: str) -> None:
    job = jobs.of(dataset)
    if job is not None and job.is_running:
        st.rerun()
    changing.complain()
    way = st.segmented_control(
        "From",
        WAYS,
        default=WAYS[0],
        required=True,
        key=state.ADD_WAY,
        width="stretch",
        label_visibility="collapsed",
    )
    if way == "Folder":
        _folder(dataset, class_name)
    elif way == "Camera":
        _camera(dataset, class_name)
    elif way == "Draw":
        _draw(dataset, class_name)
    else:
        _upload(dataset, class_name)
    if job is not None:
        _say(job)
    with st.container(horizontal=True, vertical_alignment="center"):
        count = len(dataset.listing().of(class_name))
        st.caption(f"{counted(count, 'image')} in {shell.plain(class_name)} now.", width="stretch")
        if st.button("Done", type="primary", key="done_adding"):
            _close(dataset)
            st.rerun()


def _say(job: jobs.Job) -> None:
    """What became of the images that were added last."""
    if job.added is None:
        st.error(shell.plain(job.problem), icon=":material/error:")
        return
    words = "  \n".join(map(shell.plain, job.added.lines()))
    if job.added.skipped:
        st.warning(words, icon=":material/info:")
    else:
        st.success(words, icon=":material/check_circle:")


def add(
    dataset: OwnDataset,
    class_name: str,
    files: Sequence[tuple[str, Callable[[], bytes]]],
    at_end: Callable[[], None] = lambda: None,
) -> None:
    """Begin to add images to a class; for callbacks.

    Args:
        files: their names, and what reads their bytes.
        at_end: called once they have been used.
    """
    read = ((name, content()) for name, content in files)
    with changing.guarded():
        jobs.begin(
            dataset,
            f"Adding images to {class_name}",
            lambda report: dataset.add(class_name, jobs.counted(read, len(files), report)),
            at_end,
        )


# ---------------------------------------------------------------- ways in


def _upload(dataset: OwnDataset, class_name: str) -> None:
    key = state.uploader(st.session_state.get(state.UPLOADS, 0))
    st.file_uploader(
        "Image files",
        accept_multiple_files=True,
        key=key,
        max_upload_size=MAX_BYTES >> 20,
        on_change=_uploaded,
        args=(key, dataset, class_name),
    )
    st.caption(
        f"{READ_IN_WORDS}. At most {MAX_BYTES >> 20} MB a file and {uploads.MAX_FILES} files at once; more as a ZIP "
        "file."
    )


def _uploaded(key: str, dataset: OwnDataset, class_name: str) -> None:
    files = uploads.chosen(key)
    if not files:
        return
    st.session_state[state.UPLOADS] = st.session_state.get(state.UPLOADS, 0) + 1
    forget = uploads.forgetting(files)
    add(dataset, class_name, [(file.name, file.getvalue) for file in files[: uploads.MAX_FILES]], forget)
    if len(files) > uploads.MAX_FILES:
        st.session_state[state.COLLECT_PROBLEM] = (
            f"Only the first {uploads.MAX_FILES} of {len(files):,} files were added: upload the others afterwards."
        )


def _folder(dataset: OwnDataset, class_name: str) -> None:
    key = f"folder-{st.session_state.get(state.UPLOADS, 0)}"
    uploads.ask_folder("A folder", key, _folder_chosen, (key, dataset, class_name))
    st.caption(
        f"A folder of images goes into {shell.plain(class_name)}. A folder of folders becomes classes, called as these "
        f"folders are. {uploads.FOLDER_LIMITS}"
    )


def _folder_chosen(key: str, dataset: OwnDataset, class_name: str) -> None:
    if (taken := uploads.taken_folder(key)) is None:
        return
    files, forget = taken
    with changing.guarded():
        jobs.begin(dataset, "Adding a folder", lambda report: add_folder(dataset, files, class_name, report), forget)


def _camera(dataset: OwnDataset, class_name: str) -> None:
    photos = st.segmented_control("Photos", list(_PHOTOS), default=_HOLD, required=True, key="collect-photos")

    def taken(frames: list[bytes]) -> None:
        now = time.strftime("%Y-%m-%d %H.%M.%S")
        add(
            dataset,
            class_name,
            [
                (f"photo {now} {number:02}.jpg", lambda frame=frame: frame)  # type: ignore[misc]
                for number, frame in enumerate(frames, 1)
            ],
        )

    is_held = photos in (_HOLD, None)
    every = _EVERY_HELD if is_held else _EVERY
    camera.burst(f"collect-camera-{photos}", _PHOTOS[photos or _HOLD], every, taken, is_held)
    if is_held:
        st.caption(
            f"{1 / every:.0f} photos a second while you hold the button, or Space once it is chosen; at most "
            f"{camera.MAX_BURST} at once. Turn the thing and move the camera: images that differ teach more."
        )
    elif photos == "1 photo":
        st.caption("Move a little between two photos: images that differ teach more.")
    else:
        st.caption("Turn the thing and move the camera while it takes photos: images that differ teach more.")


def _draw(dataset: OwnDataset, class_name: str) -> None:
    drawn = drawing_board.ask(templates=False)
    st.button(
        "Add this drawing",
        icon=":material/add:",
        disabled=drawn is None,
        key="add_drawing",
        on_click=_add_drawing,
        args=(dataset, class_name, drawn),
    )


def _add_drawing(dataset: OwnDataset, class_name: str, drawn: np.ndarray) -> None:
    """Add what is drawn, uint8 (h, w, 4), as black on white, and take a new sheet; for callbacks."""
    image = Image.fromarray(drawn)
    paper = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("L")
    file = io.BytesIO()
    paper.save(file, "PNG")
    name = f"drawing {time.strftime('%Y-%m-%d %H.%M.%S')}.png"
    add(dataset, class_name, [(name, file.getvalue)])
    st.session_state[state.KEPT_DRAWING].clear()

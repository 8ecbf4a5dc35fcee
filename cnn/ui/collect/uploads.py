"""Uploaded files and folders: asked for, and taken out of the server's memory as soon as they have been used."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from cnn.data.uploaded_folders import UploadedPath
from cnn.pictures import MAX_BYTES
from cnn.ui import state

MAX_FILES = 500  # of one upload: they are in memory until they are written
FOLDER_LIMITS = (
    "Choose it with the button: one that is dropped comes without its folders. At most "
    f"{MAX_BYTES >> 20} MB a file; more than {MAX_FILES} files come faster as a ZIP file."
)


def forgetting(files: Sequence[UploadedFile]) -> Callable[[], None]:
    """What lets the server forget files, to be called from any thread once they have been used.

    Streamlit keeps whatever was uploaded in memory until the visit ends, also where its widget is gone.
    """
    context = get_script_run_ctx()
    manager: Any = getattr(context, "uploaded_file_mgr", None)  # the one in memory can remove files, others need not
    remove = getattr(manager, "remove_file", None)
    if context is None or remove is None:
        return lambda: None
    session, ids = context.session_id, [file.file_id for file in files]

    def forget() -> None:
        for file_id in ids:
            remove(session_id=session, file_id=file_id)

    return forget


def ask_folder(label: str, key: str, on_change: Callable[..., None], args: tuple) -> None:
    """Ask for a whole folder. key: of its files in the session; on_change, args: a callback for when they are there."""
    st.file_uploader(
        label,
        accept_multiple_files="directory",
        key=key,
        max_upload_size=MAX_BYTES >> 20,
        on_change=on_change,
        args=args,
    )


def chosen(key: str) -> list[UploadedFile]:
    """The files of an uploader in the session, one or many, without those that the server has forgotten; in callbacks.

    A browser that is late tells once more of files that were taken and forgotten meanwhile.
    """
    value = st.session_state.get(key)
    files = value if isinstance(value, list) else [value]
    return [file for file in files if isinstance(file, UploadedFile)]


def taken_folder(key: str) -> tuple[list[UploadedPath], Callable[[], None]] | None:
    """The files of a folder that was chosen, with what lets the server forget them; for callbacks, once."""
    files = chosen(key)
    if not files:
        return None
    st.session_state[state.UPLOADS] = st.session_state.get(state.UPLOADS, 0) + 1
    return [UploadedPath(file.name, file.size, file.getvalue) for file in files], forgetting(files)

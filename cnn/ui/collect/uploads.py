"""Uploaded files: taken out of the server's memory as soon as they have been used."""

from collections.abc import Callable, Sequence
from typing import Any

from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile


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

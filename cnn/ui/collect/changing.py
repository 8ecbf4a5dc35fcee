"""Changes of datasets as a page makes them: in callbacks, each with its sentence where it fails, and its undo."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from cnn.data.dataset_editing import OwnDataset
from cnn.errors import AtelierError
from cnn.ui import shell, state


@contextmanager
def guarded() -> Iterator[None]:
    """Keep the sentence of what cannot be done, for `complain`; for callbacks."""
    st.session_state.pop(state.COLLECT_PROBLEM, None)
    try:
        yield
    except AtelierError as error:
        st.session_state[state.COLLECT_PROBLEM] = str(error)


def attempt(change: Callable[[], object]) -> None:
    """Make a change, or keep the sentence why not; for callbacks."""
    with guarded():
        change()


def complain() -> None:
    """Say once why the last change was not made."""
    if problem := st.session_state.pop(state.COLLECT_PROBLEM, ""):
        st.error(shell.plain(problem), icon=":material/error:")


def offer_undo(dataset: OwnDataset, place: str = "page") -> None:
    """Offer to take back the dataset's last change, whoever made it, also after a reload."""
    last = dataset.last_change()
    if last is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key=f"undo-bar-{place}", gap="small"):
        st.caption(f":material/history: {shell.plain(last.text)}", width="content")
        st.button(
            "Undo",
            icon=":material/undo:",
            type="tertiary",
            key=f"undo-{place}",
            on_click=attempt,
            args=(lambda: dataset.undo(last),),
        )

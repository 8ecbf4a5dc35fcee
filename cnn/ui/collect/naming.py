"""The dialogs that name, rename and delete datasets and classes, and which dataset and class the link names."""

from collections.abc import Callable
from typing import Literal

import streamlit as st

from cnn.config import counted
from cnn.data import names, own_datasets
from cnn.errors import AtelierError
from cnn.ui import links, shell, state

Kind = Literal["new dataset", "rename dataset", "delete dataset", "rename class"]
_TITLES: dict[Kind, tuple[str, str]] = {
    "new dataset": ("New dataset", ":material/create_new_folder:"),
    "rename dataset": ("Rename dataset", ":material/edit:"),
    "delete dataset": ("Delete dataset?", ":material/delete:"),
    "rename class": ("Rename class", ":material/edit:"),
}


def open_dataset(name: str | None, class_name: str | None = None) -> None:
    """Let the link name a dataset and perhaps a class of it, or none; for callbacks and before a page runs again."""
    for parameter, value in ((state.DATASET, name), (state.OWN_CLASS, class_name)):
        links.write(parameter, value)
    for parameter in (state.OWN_IMAGE, state.ADDING_TO, state.ALBUM_PAGE):
        links.write(parameter, None)


def class_count(count: int) -> str:
    """1 class, 2 classes."""
    return f"{count:,} {'class' if count == 1 else 'classes'}"


def open_dialog(kind: Kind, dataset: str = "", class_name: str = "") -> None:
    """Open a dialog. `show_dialog` keeps it open while the page follows."""
    st.session_state[state.COLLECT_DIALOG] = (kind, dataset, class_name, st.context.url)


def show_dialog() -> bool:
    """Draw the open dialog, at the end of the page. Returns whether there is one."""
    kind, dataset, class_name, page = st.session_state.get(state.COLLECT_DIALOG, (None, "", "", None))
    if kind is None or page != st.context.url:  # the visitor has left the page
        _close()
        return False
    title, icon = _TITLES[kind]
    draw: dict[Kind, Callable[[str, str], None]] = {
        "new dataset": _new_dataset,
        "rename dataset": _rename_dataset,
        "delete dataset": _delete_dataset,
        "rename class": _rename_class,
    }
    st.dialog(title, icon=icon, on_dismiss=_close)(draw[kind])(dataset, class_name)
    return True


def _close() -> None:
    st.session_state.pop(state.COLLECT_DIALOG, None)


def _new_dataset(dataset: str, class_name: str) -> None:
    def make(name: str) -> None:
        open_dataset(own_datasets.create(name).name)

    _ask("", "Create", make, "Such as: Shoes")
    st.caption("Everybody who can open this program sees it.")


def _rename_dataset(dataset: str, class_name: str) -> None:
    def rename(name: str) -> None:
        open_dataset(own_datasets.rename(dataset, name).name)

    _ask(dataset, "Rename", rename)
    st.caption("Networks that were trained with it keep the old name, and no longer find its images.")


def _rename_class(dataset: str, class_name: str) -> None:
    def rename(name: str) -> None:
        own_datasets.own(dataset).rename_class(class_name, name)
        if st.query_params.get(state.OWN_CLASS) == class_name:
            open_dataset(dataset, names.cleaned(name))

    _ask(class_name, "Rename", rename)


def _ask(value: str, button: str, change: Callable[[str], None], example: str = "") -> None:
    """A name in a form, so that Enter does it, too; what is wrong with it stands below."""
    with st.form("collect_name", border=False):
        name = st.text_input("Name", value, placeholder=example, key=f"collect_name-{value}")
        done = st.form_submit_button(button, type="primary", key="collect_named")
    if done:
        try:
            change(name)
        except AtelierError as error:
            st.error(shell.plain(str(error)), icon=":material/error:")
        else:
            _close()
            st.rerun()


def _delete_dataset(dataset: str, class_name: str) -> None:
    try:
        count = counted(len(own_datasets.own(dataset).listing().images), "image")
    except AtelierError as error:
        st.info(shell.plain(str(error)), icon=":material/delete:")
        return
    st.markdown(f"**{shell.plain(dataset)}**, with {count}.")
    st.caption(
        f"It stays in the bin for {own_datasets.DAYS_IN_BIN} days, from which you can restore it. A training that "
        "still has to read it fails."
    )
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Cancel", key="cancel_delete_dataset"):
            _close()
            st.rerun()
        if st.button("Delete", type="primary", key="confirm_delete_dataset"):
            with shell.show_errors():
                own_datasets.delete(dataset)
                _close()
                open_dataset(None)
                st.rerun()

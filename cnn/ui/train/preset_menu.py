"""Presets to start a new run from, the program's and one's own; a configuration to a file and back."""

import streamlit as st

from cnn.config import PRESET_NOTES, RunConfig, presets
from cnn.errors import AtelierError
from cnn.runs import saved_presets
from cnn.ui import draft, shell, state
from cnn.ui.train import export


def choose() -> None:
    """Draw the presets. Choosing one replaces the draft."""
    own, problems = saved_presets.own()
    now = draft.current()["preset"]
    known = [*presets(), *own]
    st.session_state[state.PRESET] = now if now in known else None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            "Preset",
            known,
            format_func=lambda name: f":material/bookmark: {name}" if name in own else name,
            required=True,
            key=state.PRESET,
            on_change=_choose,
            help="A network and a way to train it, to start from. Choosing one replaces what you changed below; Undo "
            "brings it back. With a bookmark: your own.",
        )
        if now in own:
            with st.popover("Delete preset", icon=":material/delete:", key="delete_preset_popover"):
                st.markdown(f"Delete the preset **{now}**? The settings below stay.")
                st.button("Delete", type="primary", key="delete_preset", on_click=_delete, args=(now,))
    if now in presets():
        st.caption(PRESET_NOTES[now])
    elif now in own:
        st.caption(f"Your own preset; for the command line: `python -m cnn.train --preset {now}`")
    else:
        st.caption("Settings of no preset that is here.")
    for problem in problems:
        st.caption(f":material/warning: {shell.plain(problem)}")


def save(settings: RunConfig | None) -> None:
    """Draw what keeps the settings as a preset of one's own; nothing can be kept while they are impossible."""
    with st.popover(
        "Save as preset",
        icon=":material/bookmark_add:",
        key=state.SAVE_POPOVER,
        on_change="rerun",
        disabled=settings is None,
    ) as opened:
        if not opened.open:
            return
        text = st.text_input("Name of the preset", max_chars=40, placeholder="my-network", key=state.PRESET_NAME)
        try:
            taken = bool(text) and saved_presets.name_for(text) in saved_presets.own()[0]
        except AtelierError:
            taken = False
        if problem := st.session_state.pop(state.SAVE_PROBLEM, None):
            st.error(problem, icon=":material/block:")
        if taken:
            st.warning(f"You have a preset {saved_presets.name_for(text)} already.", icon=":material/warning:")
        st.button(
            "Overwrite it" if taken else "Save",
            type="primary",
            key="save_preset",
            on_click=_save,
            args=(settings, taken),
        )


def exchange(settings: RunConfig | None) -> None:
    """Draw what writes the settings to a file, or reads them from one; impossible ones cannot be written."""
    with st.popover(
        "Import or export", icon=":material/swap_vert:", key=state.FILES_POPOVER, on_change="rerun"
    ) as opened:
        if not opened.open:
            return
        if settings is None:
            st.caption("There is nothing to export while the settings are impossible.")
        else:
            export.offer(settings, settings.preset or "network")
        uploads = st.session_state.setdefault(state.IMPORTS, 0)  # a new number empties the widget
        st.file_uploader(
            "Import a configuration (JSON)",
            type="json",
            max_upload_size=1,
            key=state.imported(uploads),
            on_change=_import,
            help="A file that was exported here, or the config.json of a run.",
        )
        if problem := st.session_state.pop(state.IMPORT_PROBLEM, None):
            st.error(problem, icon=":material/block:")


def _choose() -> None:
    name = st.session_state[state.PRESET]
    with shell.show_errors():  # it may have been deleted or changed in another window
        draft.load(saved_presets.find(name))


def _delete(name: str) -> None:
    with shell.show_errors():
        saved_presets.delete(name)


def _save(settings: RunConfig, overwrite: bool) -> None:
    with shell.show_errors():
        try:
            name = saved_presets.save(st.session_state[state.PRESET_NAME], settings, overwrite)
        except AtelierError as error:
            st.session_state[state.SAVE_PROBLEM] = str(error)
            return
        draft.call_it(name)
        st.session_state[state.SAVE_POPOVER] = False
        st.toast(f"Saved as the preset {name}.", icon=":material/bookmark_added:")


def _import() -> None:
    uploads = st.session_state[state.IMPORTS]
    file = st.session_state[state.imported(uploads)]
    if file is None:
        return
    try:
        draft.load(saved_presets.parse(file.getvalue()))
    except AtelierError as error:
        st.session_state[state.IMPORT_PROBLEM] = f"{shell.plain(file.name)} is not imported. {shell.plain(str(error))}"
        return
    st.session_state[state.IMPORTS] = uploads + 1
    st.session_state[state.FILES_POPOVER] = False
    st.toast("Imported.", icon=":material/check:")

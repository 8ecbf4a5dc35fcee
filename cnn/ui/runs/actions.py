"""What can be done with the selected runs: open, label, hide, delete. Buttons that do not apply stay in their place."""

import streamlit as st

from cnn import runs
from cnn.runs import Run
from cnn.ui import shell, state
from cnn.ui.runs import deletion


def show(selected: list[Run]) -> None:
    """Draw the buttons for the selected runs."""
    own = [run for run in selected if not run.shipped]
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Open", icon=":material/visibility:", disabled=len(selected) != 1, key="open_selected"):
            shell.make_current(selected[0].id)
            st.switch_page(shell.TRAIN, query_params={"run": selected[0].id})
        _opener("Label", ":material/label:", own, _LABEL)
        visible = [run for run in own if not run.hidden]
        if own and not visible:
            if st.button("Show again", icon=":material/visibility_lock:", key="show_selected"):
                _hide(own, False)
        elif st.button("Hide", icon=":material/visibility_off:", disabled=not visible, key="hide_selected", help=_HIDE):
            _hide(visible, True)
        _opener("Delete", ":material/delete:", own)
        if selected:
            shipped = len(selected) - len(own)
            note = f", of which {shipped} came with the program and cannot be changed" if shipped else ""
            st.caption(f"{len(selected)} selected{note}")
    if len(selected) == 1 and selected[0].problem:
        problem = shell.plain(selected[0].problem)
        st.warning(f"This run is damaged. {problem} It can be labelled and deleted.", icon=":material/broken_image:")

    # The dialog that is open stands in the session: it outlasts a redraw, as when a training ends meanwhile.
    dialog = st.session_state.get(state.RUN_DIALOG)
    if not own:
        _close()
    elif dialog == "Label":
        _label_one(own[0]) if len(own) == 1 else _label_several(own)
    elif dialog == "Delete":
        _delete(own)


def _opener(name: str, icon: str, own: list[Run], tip: str | None = None) -> None:
    """The button that opens a dialog on the user's own runs."""
    st.button(
        name,
        icon=icon,
        disabled=not own,
        key=f"{name.lower()}_selected",
        help=tip,
        on_click=st.session_state.__setitem__,
        args=(state.RUN_DIALOG, name),
    )


def _close() -> None:
    st.session_state.pop(state.RUN_DIALOG, None)


_LABEL = "Name, tags and note of one run; tags of several."
_HIDE = "Leaves the list, and comes back with “Show hidden”. Nothing is deleted."


def _hide(listed: list[Run], hidden: bool) -> None:
    with shell.show_errors():
        for run in listed:
            runs.relabel(run, hidden=hidden)
        st.rerun()


@st.dialog("Label", icon=":material/label:", on_dismiss=_close)
def _label_one(run: Run) -> None:
    with st.form(f"label-{run.id}", border=False):
        name = st.text_input("Name", run.name, max_chars=80, key=f"label-name-{run.id}")
        tags = _tags("Tags", list(run.tags), f"label-tags-{run.id}")
        note = st.text_area("Note", run.note, max_chars=runs.MAX_NOTE, height=140, key=f"label-note-{run.id}")
        if st.form_submit_button("Save", type="primary", key="save_label"):
            with shell.show_errors():
                runs.relabel(run, name=name, tags=tags, note=note)
                _close()
                st.rerun()


@st.dialog("Tags", icon=":material/label:", on_dismiss=_close)
def _label_several(listed: list[Run]) -> None:
    present = sorted({tag for run in listed for tag in run.tags}, key=str.casefold)
    with st.form("tag-several", border=False):
        st.caption(f"Of {len(listed)} runs")
        added = _tags("Add to all", [], "tags-added")
        removed = st.multiselect("Remove from all", present, key="tags-removed", placeholder="None")
        if st.form_submit_button("Save", type="primary", key="save_label"):
            with shell.show_errors():
                for run in listed:
                    runs.relabel(run, tags=[*(tag for tag in run.tags if tag not in removed), *added])
                _close()
                st.rerun()


def _tags(label: str, chosen: list[str], key: str) -> list[str]:
    known = sorted({tag for run in runs.all_runs() for tag in run.tags} | set(chosen), key=str.casefold)
    return st.multiselect(
        label,
        known,
        chosen,
        key=key,
        accept_new_options=True,
        max_selections=runs.MAX_TAGS,
        placeholder="Type a new one, or choose",
        help=f"At most {runs.MAX_TAG} characters each.",
    )


@st.dialog("Delete", icon=":material/delete:", on_dismiss=_close)
def _delete(listed: list[Run]) -> None:
    training = [run for run in listed if run.active]
    if training:
        names = ", ".join(shell.plain(run.name) for run in training[:5])
        are = "is" if len(training) == 1 else "are"
        st.warning(f"{names} {are} still in training: stop that first, on the Train page.", icon=":material/block:")
        return
    what = f"**{shell.plain(listed[0].name)}**" if len(listed) == 1 else f"**{len(listed)} runs**"
    megabytes = sum(run.size for run in listed) / 1e6
    st.markdown(f"Delete {what} with networks and curves, {megabytes:,.1f} MB? This can be undone until the next time.")
    if st.button("Delete", type="primary", key="confirm_delete"):
        _close()
        deletion.delete(listed)

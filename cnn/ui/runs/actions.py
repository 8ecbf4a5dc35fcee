"""What can be done with the selected runs: open, label, and what is needed more rarely, in a menu."""

import streamlit as st

from cnn import charts, runs
from cnn.runs import Run
from cnn.ui import draft, shell, state
from cnn.ui.runs import deletion, table
from cnn.ui.sweeps import form as sweep_form
from cnn.ui.train import retrain

_DUPLICATE, _SWEEP, _HIDE, _SHOW, _DELETE = (
    "Duplicate settings",
    "Run a sweep from this",
    "Hide",
    "Show again",
    "Delete…",
)
_ICONS = {
    _DUPLICATE: ":material/tune:",
    _SWEEP: ":material/scatter_plot:",
    _HIDE: ":material/visibility_off:",
    _SHOW: ":material/visibility:",
    _DELETE: ":material/delete:",
    **retrain.ICONS,
}


def show(selected: list[Run]) -> None:
    """Draw the buttons for the selected runs. Those that do not apply stay in their place."""
    own = [run for run in selected if not run.shipped]
    with st.container(horizontal=True, vertical_alignment="center"):
        several = len(selected) > 1
        one = "secondary" if several else "primary"
        if st.button("Open", type=one, disabled=len(selected) != 1, key="open_selected"):
            shell.make_current(selected[0].id)
            st.switch_page(shell.TRAIN, query_params={"run": selected[0].id})
        st.button(
            "Compare",
            type="primary" if several else "secondary",
            icon=":material/compare:",
            disabled=not 1 < len(selected) <= charts.MAX_OVERLAY,
            key="compare_selected",
            help=f"Two to {charts.MAX_OVERLAY} runs, down to the images on which they differ.",
            on_click=table.open_view,
            args=(table.COMPARISON,),
        )
        st.button(
            "Label",
            icon=":material/label:",
            disabled=not own,
            key="label_selected",
            help=_LABEL,
            on_click=st.session_state.__setitem__,
            args=(state.RUN_DIALOG, "Label"),
        )
        _more(selected, own)
        if selected:
            shipped = len(selected) - len(own)
            note = f", {shipped} of them from the program: these cannot be changed" if shipped else ""
            st.caption(f"{len(selected)} selected{note}", width="content")
    if len(selected) == 1 and selected[0].problem:
        problem = shell.plain(selected[0].problem)
        st.warning(f"This run is damaged. {problem} It can be labelled and deleted.", icon=":material/broken_image:")

    # The dialog that is open stands in the session: it outlasts a redraw, as when a training ends meanwhile.
    if not own:
        _close()
    elif st.session_state.get(state.RUN_DIALOG) == "Label" and state.DELETING not in st.session_state:
        _label_one(own[0]) if len(own) == 1 else _label_several(own)


def _more(selected: list[Run], own: list[Run]) -> None:
    """The menu of what is needed more rarely, and what takes something away."""
    alone = len(selected) == 1 and selected[0].config is not None
    visible = [run for run in own if not run.hidden]
    options = [_DUPLICATE, _SWEEP, *retrain.actions_of(selected[0])] if alone else []
    if own:
        options += [_HIDE if visible else _SHOW, _DELETE]
    chosen = st.menu_button(
        "More",
        options or [_DELETE],
        format_func=lambda option: f"{_ICONS[option]} {option}",
        icon=":material/more_horiz:",
        disabled=not options,
        key=state.RUNS_MENU,
    )
    if chosen == _DUPLICATE:
        draft.load(selected[0].config)
        st.switch_page(shell.NEW_NETWORK, query_params={"run": st.session_state[state.RUN]})
    elif chosen == _SWEEP:
        sweep_form.begin(f"run:{selected[0].id}")
    elif chosen in retrain.ICONS:
        retrain.open_(chosen, selected[0])
    elif chosen in (_HIDE, _SHOW):
        _hide(visible or own, chosen == _HIDE)
    elif chosen == _DELETE:
        deletion.confirm(own)


def _close() -> None:
    st.session_state.pop(state.RUN_DIALOG, None)


_LABEL = "Name, tags and note of one run; tags of several."


def _hide(listed: list[Run], hidden: bool) -> None:
    """Take runs off the list, or put them back. The filter “Show hidden runs” brings them back, too."""
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
        st.caption(f"{len(listed)} runs")
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

"""Deleting runs and sweeps, and undoing that: the same dialog and the same Undo on every page that offers it."""

import streamlit as st

from cnn import runs
from cnn.config import counted
from cnn.runs import Run
from cnn.tuning import sweeps
from cnn.tuning.sweeps import Sweep
from cnn.ui import shell, state

_NAMED = 8  # in a question; of more, it says how many


def confirm(listed: list[Run]) -> None:
    """Open the dialog that deletes these runs and no others. `offer_undo` keeps it open while the page follows."""
    st.session_state[state.DELETING] = ([run.id for run in listed], st.context.url)
    _dialog([run.id for run in listed])


def offer_undo() -> None:
    """Draw the open dialog, and offer to bring back what was deleted last. At the top of a page that can delete."""
    ids, page = st.session_state.get(state.DELETING, ([], None))
    if page != st.context.url:  # the visitor has left the page
        _close()
    elif ids:
        _dialog(ids)
    _undo()


def _close() -> None:
    st.session_state.pop(state.DELETING, None)


@st.dialog("Delete runs?", icon=":material/delete:", on_dismiss=_close)
def _dialog(ids: list[str]) -> None:
    here = {run.id: run for run in runs.all_runs()}
    listed = [here[run_id] for run_id in ids if run_id in here]
    training = [run for run in listed if run.active]
    if not listed:
        st.info("Already deleted, in another window.", icon=":material/delete:")
    elif training:
        words = f"{named([run.name for run in training])} {'is' if len(training) == 1 else 'are'} still training."
        st.warning(f"{words} Stop first, on the Training page.", icon=":material/block:")
    else:
        megabytes = sum(run.size for run in listed) / 1e6
        st.markdown(f"{named([run.name for run in listed])}, with networks and curves ({megabytes:,.1f} MB).")
        st.caption(kept())
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Cancel", key="cancel_delete"):
            _close()
            st.rerun()
        if listed and not training and st.button("Delete", type="primary", key="confirm_delete"):
            with shell.show_errors():
                gone = runs.delete(*listed)
                _close()
                draw_without(gone)


def named(names: list[str]) -> str:
    """Some names in a sentence, as Markdown; of many, how many more there are."""
    shown = [f"**{shell.plain(name)}**" for name in names[:_NAMED]]
    more = [f"{len(names) - _NAMED} more"] if len(names) > _NAMED else []
    *first, last = shown + more
    return f"{', '.join(first)} and {last}" if first else last


def kept() -> str:
    """For how long something deleted can come back."""
    return f"Deleted items stay in the bin on the Runs page for {runs.DAYS_IN_BIN} days."


def draw_without(gone: list[Run], sweep: Sweep | None = None) -> None:
    """Draw the page again after runs, and perhaps their sweep, went into the bin. `offer_undo` brings them back."""
    current = st.session_state.get(state.RUN)
    st.session_state[state.DELETED] = {
        "runs": {run.id: run.name for run in gone},
        "sweep": (sweep.id, sweep.name) if sweep else None,
        "current": current,
    }
    if current in {run.id for run in gone}:
        shell.make_current(runs.DEFAULT_ID)
    st.rerun()


def _undo() -> None:
    """Offer what was deleted last in this visit, as long as it is in the bin."""
    last = st.session_state.get(state.DELETED, {"runs": {}, "sweep": None, "current": None})
    here = {run_id: name for run_id, name in last["runs"].items() if runs.is_in_bin(run_id)}
    sweep_id, sweep_name = last["sweep"] or (None, "")
    with_sweep = sweep_id is not None and sweeps.is_in_bin(sweep_id)
    if not here and not with_sweep:
        return
    parts = [shell.plain(sweep_name)] if with_sweep else []
    if here:
        parts.append(shell.plain(next(iter(here.values()))) if len(here) == 1 else counted(len(here), "run"))
    with st.container(horizontal=True, vertical_alignment="center", key="undo-bar"):
        st.caption(
            f":material/delete: Deleted: {', with '.join(parts)}. It stays in the bin for {runs.DAYS_IN_BIN} days.",
            width="content",
        )
        if st.button("Undo", icon=":material/undo:", key="undo"):
            with shell.show_errors():
                runs.restore(*here)
                if with_sweep:
                    sweeps.restore(sweep_id)
                    st.session_state[state.SWEEP] = sweep_id
                    st.session_state[state.OPENED_SWEEP] = True
                st.session_state.pop(state.DELETED, None)
                if last["current"] in here:
                    shell.make_current(last["current"])
                st.rerun()

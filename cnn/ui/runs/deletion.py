"""Deleting runs and sweeps, and undoing that: the same dialog and the same Undo on every page that offers it."""

import streamlit as st

from cnn import runs
from cnn.config import counted
from cnn.runs import Run
from cnn.tuning import sweeps
from cnn.tuning.sweeps import Sweep
from cnn.ui import links, shell, state

_NAMED = 8  # in a question; of more, it says how many


def confirm(listed: list[Run]) -> None:
    """Open the dialog that deletes these runs and no others. `offer_undo` keeps it open while the page follows."""
    ids = [run.id for run in listed]
    st.session_state[state.DELETING] = (ids, st.context.url)
    _runs_dialog(ids)


def confirm_sweep(sweep: Sweep) -> None:
    """Open the dialog that deletes this sweep. `offer_undo` keeps it open while the page follows."""
    st.session_state[state.DELETING] = (sweep.id, st.context.url)
    _sweep_dialog(sweep.id)


def offer_undo() -> None:
    """Draw the open dialog, and offer to bring back what was deleted last. At the top of a page that can delete."""
    what, page = st.session_state.get(state.DELETING, (None, None))
    if page != st.context.url:  # the visitor has left the page
        _close()
    elif isinstance(what, str):
        _sweep_dialog(what)
    elif what:
        _runs_dialog(what)
    _undo()


def _close() -> None:
    st.session_state.pop(state.DELETING, None)


def _runs_dialog(ids: list[str]) -> None:
    title = "Delete run?" if len(ids) == 1 else f"Delete {len(ids)} runs?"
    st.dialog(title, icon=":material/delete:", on_dismiss=_close)(_ask_about_runs)(ids)


def _ask_about_runs(ids: list[str]) -> None:
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
        st.caption(_KEPT)
    if _decided(bool(listed) and not training):
        with shell.show_errors():
            gone = runs.delete(*listed)
            _close()
            _draw_without(gone)


@st.dialog("Delete sweep?", icon=":material/delete:", on_dismiss=_close)
def _sweep_dialog(sweep_id: str) -> None:
    sweep = next((sweep for sweep in sweeps.all_sweeps() if sweep.id == sweep_id), None)
    made: list[Run] = []
    if sweep is None:
        st.info("Already deleted, in another window.", icon=":material/delete:")
    else:
        st.markdown(f"The sweep {named([sweep.name])}, with its charts and log.")
        made = [run for trial in sweep.trials if (run := sweeps.run_of(trial)) is not None]
        if made:
            megabytes = sum(run.size for run in made) / 1e6
            few = counted(len(made), "run")
            with_runs = st.checkbox(f"Also delete its {few} ({megabytes:,.1f} MB)", key=f"delete_runs-{sweep_id}")
            made = made if with_runs else []
        st.caption(_KEPT)
    if _decided(sweep is not None):
        with shell.show_errors():
            sweeps.delete(sweep, with_runs=bool(made))
            _close()
            st.session_state.pop(state.SWEEP, None)
            links.write("sweep", None)
            _draw_without(made, sweep)


_KEPT = f"Deleted items stay in the bin on the Runs page for {runs.DAYS_IN_BIN} days."


def _decided(possible: bool) -> bool:
    """Draw the buttons of a dialog. Returns whether to delete."""
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Cancel" if possible else "Close", key="cancel_delete"):
            _close()
            st.rerun()
        return possible and st.button("Delete", type="primary", key="confirm_delete")


def named(names: list[str]) -> str:
    """Some names in a sentence, as Markdown; of many, how many more there are."""
    shown = [f"**{shell.plain(name)}**" for name in names[:_NAMED]]
    more = [f"{len(names) - _NAMED} more"] if len(names) > _NAMED else []
    *first, last = shown + more
    return f"{', '.join(first)} and {last}" if first else last


def _draw_without(gone: list[Run], sweep: Sweep | None = None) -> None:
    """Draw the page again after runs, and perhaps their sweep, went into the bin. `offer_undo` brings them back."""
    current = st.session_state.get(state.RUN)
    ids = {run.id for run in gone}
    selected = st.session_state.get(state.SELECTED_RUNS, [])
    st.session_state[state.SELECTED_RUNS] = [run_id for run_id in selected if run_id not in ids]
    st.session_state[state.DELETED] = {
        "runs": {run.id: run.name for run in gone},
        "sweep": (sweep.id, sweep.name) if sweep else None,
        "current": current,
    }
    if current in ids:
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

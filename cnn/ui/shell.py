"""The frame of every page: title, sidebar, and the current run.

A page begins with `run = shell.page(...)` and needs nothing else: Streamlit runs a page without `app.py` when a link
to it is the first thing that a newly started server sees.
"""

import runpy
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

from cnn import runs
from cnn.errors import AtelierError
from cnn.runs import Run
from cnn.ui import hosts, links, preload, state
from cnn.ui.text import plain as plain

_PROJECT = Path(__file__).resolve().parents[2]
FAVICON = Path(__file__).with_name("favicon.svg")  # a Material symbol would come from another server
START, LEARN, COLLECT, NEW_NETWORK, SWEEPS, RUNS, TRAIN, MODEL, EVALUATE, EXPLORE, PREDICT = (
    f"pages/{name}.py"
    for name in (
        "0_Start",
        "1_Learn",
        "2_Collect",
        "3_New_network",
        "4_Sweeps",
        "5_Runs",
        "6_Train",
        "7_Model",
        "8_Evaluate",
        "9_Explore",
        "10_Predict",
    )
)  # for st.page_link; in the order of the navigation, see app.py
TEXT_WIDTH = 800  # pixels of a line of text, at most
_LEAD = 560  # pixels of the sentence beside the title; where there is no room, it stands below
# Streamlit writes white on the primary colour, for which the dark theme's is too light: both themes take this one.
_LEGIBLE = """
[data-testid^=stBaseButton-primary]:enabled, [data-testid=stMultiSelect] [data-tag]
{ background-color: #006299; border-color: #006299; }
[data-testid^=stBaseButton-primary]:enabled:is(:hover, :focus-visible) { background-color: #004B75; }
"""
STATE_ICONS = {
    "queued": ":material/schedule:",
    "starting": ":material/hourglass_top:",
    "training": ":material/model_training:",
    "paused": ":material/pause:",
    "finished": ":material/check_circle:",
    "stopped": ":material/pause_circle:",
    "failed": ":material/error:",
    "interrupted": ":material/power_off:",
    "damaged": ":material/broken_image:",
}


def page(title: str, lead: str) -> Run:
    """Draw the head of a page and the sidebar.

    Args:
        title: of the page.
        lead: what one does there, in a sentence or two.

    Returns:
        The current run, which is the one in the link (`?run=`).
    """
    st.set_page_config(page_title=f"{title} · CNN Atelier", page_icon=FAVICON, layout="wide")
    hosts.check()
    if state.ROUTED not in st.session_state:
        # The first visitor of a new server came by a deep link. Once app.py has run, the server goes through it by
        # itself; without another run from the top, fragments would belong to this nested one and never update.
        runpy.run_path(str(_PROJECT / "app.py"), run_name="__main__")
        st.rerun()
    st.html(f"<style>{_LEGIBLE}</style>")
    st.session_state[state.VISITED] = state.VISITED in st.session_state
    run, problem = _current_run()
    _sidebar(run)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.title(title, anchor=False, width="content")
        st.caption(lead, width=_LEAD)
    if problem:
        st.session_state[state.UNKNOWN_RUN] = (title, run.id, problem)
    # The corrected link may make the browser ask for the page again: the words stay while this run is shown here.
    *shown, problem = st.session_state.get(state.UNKNOWN_RUN, (None, None, None))
    if shown == [title, run.id]:
        st.warning(f"{problem} Showing the shipped model instead.", icon=":material/link_off:")
    else:
        st.session_state.pop(state.UNKNOWN_RUN, None)
    preload.begin()
    return run


def listed() -> list[Run]:
    """All runs, as the sidebar of this page has just read them."""
    return st.session_state[state.LISTED]


def labels() -> dict[str, str]:
    """What menus call each of the listed runs, by its id; no two are the same, since the browser sends the label."""
    known = {r.id: r for r in listed()}
    count = Counter(map(_label, known.values()))
    return {r.id: _label(r) + (f" · {r.id}" if count[_label(r)] > 1 else "") for r in known.values()}


def make_current(run_id: str) -> None:
    """Put a run into the link."""
    links.step("run", st.session_state[state.RUN], run_id)
    st.session_state[state.RUN] = run_id


def open_run(run_id: str) -> None:
    """Make a run the current one, and draw the page again."""
    make_current(run_id)
    st.rerun()


@contextmanager
def show_errors() -> Iterator[None]:
    """Say in a sentence what stood in the way: another window was faster, the disk is full, or nobody answers."""
    try:
        yield
    except AtelierError as error:
        st.error(plain(str(error)), icon=":material/error:")
    except OSError as error:
        problem = f"The runs folder {runs.root()} cannot be written ({error.strerror})"
        st.error(plain(f"{problem}: free some space or set $CNN_RUNS."))


def style(rules: str) -> None:
    """CSS for what the page draws.

    The empty span is there because Streamlit puts a style alone outside of the fragment.
    """
    st.html(f"<span></span><style>{rules}</style>")


def synthetic_note(run: Run) -> str:
    """What stands behind every figure that was not measured on photos."""
    return " · synthetic data" if run.config and run.config.data.card.synthetic else ""


def _current_run() -> tuple[Run, str | None]:
    """The run in the link; else the one this visitor looked at last; else the shipped one, and why."""
    wanted = st.query_params.get("run") or st.session_state.get(state.RUN) or runs.DEFAULT_ID
    problem = None
    try:
        run = runs.get(wanted)
    except runs.UnknownRun:
        problem = f"The link names the run {plain(wanted[:80])}, but there is no such run."
        run = runs.get(runs.DEFAULT_ID)
    st.session_state[state.RUN] = run.id
    links.complete("run", run.id)
    return run, problem


def _sidebar(run: Run) -> None:
    st.session_state[state.LISTED] = runs.listed()
    names = labels()
    with st.sidebar:
        links.picker(
            "run_picker",
            "Run",
            list(names),
            run.id,
            make_current,
            format_func=lambda run_id: names.get(run_id, run_id),
            help="The network that every page shows. It is part of the link, so a link opens the same run.",
        )
        st.caption(f"{STATE_ICONS[run.state]} {run.state} · `{run.id}`")
        if synthetic_note(run):
            st.badge("synthetic data", color="orange")  # in a caption it would be too pale to read
            st.caption("Trained on drawn clothes, not on photos.")
        links.keep_history()


def _label(run: Run) -> str:
    """A run in the list: its name, and its test accuracy in a single forward pass or how far it is."""
    if run.evaluation:
        return f"{run.name} · {run.evaluation['accuracy']:.1%}"
    return run.name if run.state == "finished" else f"{run.name} · {run.state}"


def require_model(run: Run) -> None:
    """End the page with a sentence where the run has no network to show."""
    if run.problem:
        st.error(
            f"This run is damaged. {plain(run.problem)} Choose another run in the sidebar.",
            icon=":material/broken_image:",
        )
        st.stop()
    if not run.has_model:
        st.info(
            "This run has no trained network yet. It is saved at the end of the first epoch.",
            icon=":material/hourglass_top:",
        )
        st.page_link(TRAIN, label="Watch its training", icon=":material/model_training:")
        st.stop()

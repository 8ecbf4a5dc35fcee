"""The panel that finds a learning rate: start, progress, curve, and the rate that it suggests."""

from pathlib import Path

import streamlit as st

from cnn import charts
from cnn.config import RunConfig
from cnn.runs import measurement
from cnn.tuning import rate_search
from cnn.tuning.rate_search import Progress, Suggestion
from cnn.ui import figures, fragments, shell, state

_TICK = 1.0  # seconds between two looks at a search


def show(config: RunConfig | None) -> float | None:
    """Draw the panel.

    Args:
        config: the settings to search for; None while they are invalid.

    Returns:
        A learning rate once the visitor has chosen to use it, otherwise None.
    """
    panel = st.expander("Find a learning rate", key="finder", on_change="rerun")
    if not panel.open:
        return None
    with panel:
        progress = _read()
        if progress and progress.active:
            fragments.fragment(_follow, run_every=_TICK)()
            return None
        suggestion = _outcome(progress, config) if progress else None
        if not progress:
            st.markdown(
                f"Trains a new copy of this network for up to {rate_search.BATCHES} batches, each at a higher learning "
                "rate, and shows where the loss falls and where it explodes. The copy is not kept."
            )
        with st.container(horizontal=True):
            used = suggestion and st.button(
                f"Use {suggestion.rate:g}", type="primary", icon=":material/check:", key="use_rate"
            )
            if st.button(
                "Measure again" if progress else "Measure",
                icon=":material/replay:" if progress else ":material/play_arrow:",
                key="find_rate",
                disabled=config is None,
                help=None if config else "Not available while settings are invalid.",
            ):
                with shell.show_errors():
                    st.session_state[state.RATE_SEARCH] = str(rate_search.start(config))
                    st.rerun()
        return suggestion.rate if used else None


def _read() -> Progress | None:
    folder = st.session_state.get(state.RATE_SEARCH)
    return rate_search.read(Path(folder)) if folder else None


def _follow() -> None:
    """What moves while a search runs. Its end redraws the page, because the buttons depend on it."""
    progress = _read()
    if progress is None or not progress.active:
        st.rerun()
    text = f"Batch {len(progress.rates)} of {rate_search.BATCHES}"
    if progress.state == "starting":
        text = shell.plain(progress.message)
    elif progress.seconds_left is not None:
        text += f" · at most {progress.seconds_left:.0f} s left"
    st.progress(progress.share, text=text)
    if st.button("Stop", icon=":material/stop:", key="stop_finder"):
        measurement.stop(Path(st.session_state[state.RATE_SEARCH]))
    _curve(progress, None)


def _outcome(progress: Progress, config: RunConfig | None) -> Suggestion | None:
    """The curve of a search that has ended, and what it suggests, in words."""
    if progress.state in ("failed", "interrupted"):
        st.error(f"The search failed. {shell.plain(progress.message)}", icon=":material/error:")
        return None
    classes = len(progress.config.data.card.class_names) if progress.config else 0
    suggestion = rate_search.suggest(progress.rates, progress.losses, classes) if classes else None
    if progress.state == "stopped" and suggestion and suggestion.rises is None:
        suggestion = None  # it was still falling
    _curve(progress, suggestion)
    if suggestion:
        st.markdown(suggestion.text)
    elif progress.state == "stopped":
        st.markdown("Stopped before the loss fell and rose again: too few batches to suggest a learning rate.")
    else:
        st.markdown(
            "At no learning rate does the loss fall by more than its noise, so none is suggested. Try a larger batch "
            "size or another network."
        )
    if config and progress.config and not rate_search.same_question(config, progress.config):
        st.info("Measured with different settings: measure again.", icon=":material/update:")
    return suggestion


def _curve(progress: Progress, suggestion: Suggestion | None) -> None:
    if len(progress.rates) < 2:
        return
    smoothed = rate_search.smoothed(progress.losses)
    rate = suggestion.rate if suggestion else None
    figures.show(
        charts.rate_curve(progress.rates, progress.losses, smoothed, (rate_search.LOWEST, rate_search.HIGHEST), rate),
        key="rate_curve",
        alt=f"Loss of {len(progress.rates)} batches over a learning rate that rises from {progress.rates[0]:.0e} to "
        f"{progress.rates[-1]:.2g}, lowest {smoothed.min():.2f}" + (f"; suggested: {rate:g}." if rate else "."),
        title="Loss over the learning rate",
    )
    st.caption("Loss of an untrained network, each batch at a higher learning rate. " + shell.plain(_note(progress)))


def _note(progress: Progress) -> str:
    data = progress.config.data if progress.config else None
    mixed = data and (data.style_augmentation or data.outlier_exposure or data.own_images)
    note = progress.message if progress.state == "finished" else ""
    return note + (" Images that are mixed in are left out here." if mixed else "")

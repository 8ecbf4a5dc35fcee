"""The time lapse of a run: its kernels, feature maps and confusion matrix after each epoch, by a slider or played."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from cnn import charts
from cnn.config import counted
from cnn.runs import Run, time_lapse
from cnn.runs.time_lapse import Frame
from cnn.ui import figures, fragments, shell, state
from cnn.ui.train import retrain

_PACE = 0.7  # seconds an epoch is shown while it plays
_TICK = 3.0  # seconds between two looks for a new epoch while the run trains


def show(run: Run) -> None:
    """Draw the player. It follows a training from epoch to epoch as long as it stands at the newest one."""
    if not run.active and not time_lapse.epochs(run.path):
        return
    st.subheader("Time lapse", anchor=False)
    if st.session_state.get(state.LAPSE_RUN) != run.id:
        st.session_state.update({state.LAPSE_RUN: run.id, state.LAPSE_PLAYING: False, state.LAPSE_AT: None})
    tick = _PACE if st.session_state[state.LAPSE_PLAYING] else _TICK if run.active else None
    fragments.fragment(_player, run_every=tick)(run)


def _player(run: Run) -> None:
    kept = time_lapse.epochs(run.path)
    if not kept:
        alone = run.config is not None and retrain.is_head_only(run.config)
        what = "The confusion matrix" if alone else "Kernels, feature maps and confusion matrix"
        st.caption(f"{what}, epoch by epoch: to be seen after the first epoch.")
        return
    at = st.session_state[state.LAPSE_AT]
    at = at if at in kept else kept[-1]  # None: the newest
    if st.session_state[state.LAPSE_PLAYING]:
        at = _next(kept, at)
    _choose(kept, at)
    frame, first, last = (time_lapse.read(run.path, epoch) for epoch in (at, kept[0], kept[-1]))
    if not (frame and first and last):
        st.caption(f"The files of epoch {at} cannot be read. Choose another epoch.")
        return
    names = run.config.data.card.class_names if run.config else ()
    if run.config and run.config.transfer.frozen and frame.kernels is None and not frame.maps:
        # The layers that have any are frozen: what they make of an image never changes.
        predictions, note = st.columns([3, 2], gap="medium")
        with predictions:
            _predictions(frame, names)
        note.caption("Kernels and feature maps stay as they are, because the layers that have them are frozen.")
        return
    kernels, maps, predictions = st.columns([5, 9, 10], gap="medium")
    with kernels:
        _kernels(frame, first, last)
    with maps:
        _maps(frame, first, last, names)
    with predictions:
        _predictions(frame, names)


def _next(kept: list[int], at: int) -> int:
    """The epoch to show next; the player stops at the last."""
    after = [epoch for epoch in kept if epoch > at]
    if not after:
        st.session_state.update({state.LAPSE_PLAYING: False, state.LAPSE_AT: None})
        st.rerun()
    st.session_state[state.LAPSE_AT] = after[0]
    return after[0]


def _choose(kept: list[int], at: int) -> None:
    """The slider and the button that plays."""
    if len(kept) == 1:
        st.caption("After epoch 1. The slider appears after epoch 2.")
        return
    st.session_state[state.LAPSE_EPOCH] = at
    with st.container(horizontal=True, vertical_alignment="bottom"):
        playing = st.session_state[state.LAPSE_PLAYING]
        label, icon = ("Pause", ":material/pause:") if playing else ("Play", ":material/play_arrow:")
        if st.button(label, icon=icon, key="lapse_play"):
            begin = kept[0] if at == kept[-1] else at
            st.session_state.update({state.LAPSE_PLAYING: not playing, state.LAPSE_AT: at if playing else begin})
            st.rerun()
        st.select_slider(
            "Epoch",
            kept,
            key=state.LAPSE_EPOCH,
            on_change=_moved,
            args=(kept[-1],),
            disabled=playing,  # what a slow browser still says of an earlier epoch would stop the player
            help="Arrow keys move it by one epoch. It can be moved while the player is paused.",
        )


def _moved(newest: int) -> None:
    chosen = st.session_state[state.LAPSE_EPOCH]
    st.session_state[state.LAPSE_AT] = None if chosen == newest else chosen


def _kernels(frame: Frame, first: Frame, last: Frame) -> None:
    st.markdown("**Kernels of the first convolution**")
    if frame.kernels is None:
        st.caption("This network has no convolution.")
        return
    scale = _common(frame.kernels, first.kernels, last.kernels, signed=True)
    channels, count = frame.kernels.shape[-2:]
    room = {"width": 230, "height": 420}
    in_colour = channels == 3
    st.image(
        charts.tiled(charts.rgb_kernels(frame.kernels, scale), **room)
        if in_colour
        else charts.tile(frame.kernels[:, :, 0, :], scale, signed=True, **room),
        alt=f"A grid of {counted(count, 'kernel')} of the first convolution after epoch {frame.epoch}.",
    )
    colours = (
        "Red, green and blue together; grey is zero" if in_colour else "Violet is positive, orange negative, white zero"
    )
    st.caption(f"{colours}. One scale for all epochs.")


def _maps(frame: Frame, first: Frame, last: Frame, names: Sequence[str]) -> None:
    name = f": {shell.plain(names[frame.label])}" if frame.label < len(names) else ""
    st.markdown(f"**Feature maps of a validation image{name}**")
    if not frame.maps:
        st.caption("This network has no feature maps.")
        return
    layers = list(frame.maps)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        high, wide = frame.picture.shape[:2]
        times = max(1, 112 // max(high, wide))
        shown = frame.picture.repeat(times, 0).repeat(times, 1)
        st.image(shown, width=max(1, round(56 * wide / max(high, wide))), alt="The image that the maps are of.")
        chosen = st.selectbox("Layer", layers, key="lapse_layer", persist_state="session")
    chosen = chosen if chosen in layers else layers[0]
    maps = frame.maps[chosen]
    scale = _common(maps, first.maps.get(chosen), last.maps.get(chosen))
    st.image(
        charts.tile(maps, scale, width=460, height=420),
        width="stretch",
        alt=f"A grid of {counted(maps.shape[-1], 'feature map')} of {chosen} after epoch {frame.epoch}.",
    )
    ends = "Violet is positive, orange negative" if scale[0] < 0 else "Yellow is high, dark blue low"
    st.caption(f"The {counted(maps.shape[-1], 'map')} of {chosen}. {ends}. One scale for all epochs.")


def _predictions(frame: Frame, names: Sequence[str]) -> None:
    right, total = int(np.trace(frame.confusion)), int(frame.confusion.sum())
    figures.show(
        charts.confusion(frame.confusion, names),
        key="lapse_confusion",
        alt=f"Confusion matrix after epoch {frame.epoch}: {right:,} of {total:,} validation images correct.",
        title=f"Validation images: {right / max(total, 1):.1%} correct",
    )
    st.caption("Grey is correct, orange an error: the darker, the larger its fraction of the row.")


def _common(*values: np.ndarray | None, signed: bool = False) -> charts.Range:
    """One colour scale for the first, the present and the last epoch."""
    return charts.value_range(np.concatenate([value.ravel() for value in values if value is not None]), signed)

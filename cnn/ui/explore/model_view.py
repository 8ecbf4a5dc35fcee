"""What the Explore page looks into: a network as it was after some epoch, or after an operation, and a picture.

All parts of the page see the same: whoever mutes a filter, or goes back in time, finds every map and every
explanation changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import streamlit as st

from cnn import charts
from cnn.config import CLASS_NAMES
from cnn.interpret import ablation
from cnn.interpret.ablation import Operation
from cnn.networks.forward import Forward, Weights
from cnn.runs import Run, time_lapse
from cnn.ui import shell, state
from cnn.ui.models import Network
from cnn.ui.predict.pictures import Picture, digest

_FINAL = "trained"


@dataclass(frozen=True, eq=False)
class ModelView:
    """A network in one state and a picture, with a second one beside it where somebody kept one.

    weights: of all layers, after the operations. base: before them. state: another text for other weights.
    """

    run: Run
    network: Network
    picture: Picture
    pinned: Picture | None
    base: Weights
    weights: Weights
    base_state: str
    state: str

    @cached_property
    def values(self) -> dict[str, np.ndarray]:
        """Every value of the forward pass of the picture, (h, w, c) or (n,), see `cnn.networks.forward`."""
        return self.values_of(self.picture)

    def values_of(self, picture: Picture) -> dict[str, np.ndarray]:
        pixels = picture.seen.pixels
        return _values(self.state, digest(pixels), self.network, pixels, self.weights)

    @property
    def probabilities(self) -> np.ndarray:
        """The answer to the picture, (10,)."""
        return self.values[self.network.forward.output]

    @property
    def probabilities_before(self) -> np.ndarray:
        """The answer to the picture before the operations, (10,)."""
        pixels = self.picture.seen.pixels
        return _values(self.base_state, digest(pixels), self.network, pixels, self.base)[self.network.forward.output]

    @property
    def forward(self) -> Forward:
        """The forward pass of a network that really has these weights."""
        return _with_weights(self.state, self.run, self.weights) if self.changed else self.network.forward

    @property
    def changed(self) -> bool:
        """Whether these are not the network's own weights."""
        return self.weights is not self.network.weights


@st.cache_resource(max_entries=24, show_spinner=False)
def _values(
    state: str, digest: str, _network: Network, _pixels: np.ndarray, _weights: Weights
) -> dict[str, np.ndarray]:
    return {name: value[0] for name, value in _network.forward(_pixels[None], dict(_weights)).items()}


@st.cache_resource(max_entries=2, show_spinner=False)
def _with_weights(state: str, _run: Run, _weights: Weights) -> Forward:
    return Forward(ablation.network(_run, _weights))


def look(run: Run, network: Network, picture: Picture) -> ModelView:
    """What is to be looked into, with the controls for it: a second picture, and the epoch."""
    epoch = _epoch(run)
    base, base_state = network.weights, str(run.network_key)
    if epoch is not None and (earlier := _weights_after(str(run.path), epoch, network)):
        base, base_state = earlier, f"{base_state} epoch {epoch}"
    elif epoch is not None:
        st.warning(f"What was kept of epoch {epoch} cannot be read: this is the network as it was in the end.")
    done = operations(run)
    weights, version = base, base_state
    if done:
        weights = ablation.operated(network.forward, base, done)
        version = f"{base_state} {done!r}"
    return ModelView(
        run, network, picture, st.session_state.get(state.PINNED_PICTURE), base, weights, base_state, version
    )


def _epoch(run: Run) -> int | None:
    """The epoch after which the network is looked into; None: as it is in the end."""
    kept = time_lapse.epochs_with_weights(run.path)
    if not kept:
        return None
    chosen = st.select_slider(
        "Through training: the network after epoch",
        [*map(str, kept), _FINAL],
        value=_FINAL,
        key=f"epoch-{run.id}",
        persist_state="session",
        help="Moves everything on this page. Epochs are kept with 16 bits a weight. Arrow keys move it by one epoch.",
    )
    return None if chosen == _FINAL else int(chosen)


@st.cache_resource(max_entries=12, show_spinner=False)
def _weights_after(path: str, epoch: int, _network: Network) -> Weights | None:
    kept = time_lapse.read_weights(Path(path), epoch)
    try:
        return _network.forward.named(kept) if kept else None
    except ValueError:
        return None


# ---------------------------------------------------------------- operations, see `cnn.interpret.ablation`


def operations(run: Run) -> list[Operation]:
    """What was done to this run's network in this visit, in order."""
    return st.session_state.get(state.OPERATIONS, {}).get(run.id, [])


def operate(run: Run, done: Sequence[Operation]) -> None:
    """Put these operations in the place of those so far; for callbacks."""
    st.session_state.setdefault(state.OPERATIONS, {})[run.id] = list(done)


def undo(run: Run) -> None:
    operate(run, operations(run)[:-1])


def banner(run: Run) -> None:
    """Where the network is not as it was trained, say so, and offer to undo it."""
    done = operations(run)
    if not done:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        more = f" and {len(done) - 1} more" if len(done) > 1 else ""
        st.markdown(f":material/content_cut: **Operated network**: {shell.plain(str(done[-1]))}{more}.")
        st.button("Undo", icon=":material/undo:", key="undo_operation", on_click=undo, args=(run,))
        if len(done) > 1:
            st.button("Undo all", icon=":material/restart_alt:", key="undo_all", on_click=operate, args=(run, []))


# ---------------------------------------------------------------- two pictures side by side


def answer(now: ModelView) -> None:
    """The picture as the network sees it, and its answer; the same of the second picture where there is one."""
    shown = [now.picture, now.pinned] if now.pinned else [now.picture]
    for picture in shown:
        _answer(picture, now.values_of(picture)[now.network.forward.output], pinned=picture is now.pinned)
    read_as = f"Read as: {now.picture.reading.name}. " if len(now.picture.readings) > 1 else ""
    st.caption(f"{read_as}The answer to these very pixels; Predict takes the mean of several looks.")
    with st.container(horizontal=True):
        if now.pinned:
            st.button(
                "Swap", icon=":material/swap_horiz:", key="swap", on_click=_pin, args=(now.picture,),
                help="Keep the picture in view instead.",
            )  # fmt: skip
            st.button("Only one", icon=":material/close:", key="unpin", on_click=_pin, args=(None,))
        else:
            st.button(
                "Keep for comparison",
                icon=":material/keep:",
                key="pin",
                on_click=_pin,
                args=(now.picture,),
                help="Keeps this picture here: choose another one, and both are shown side by side.",
            )


def _pin(picture: Picture | None) -> None:
    st.session_state[state.PINNED_PICTURE] = picture


def _answer(picture: Picture, probabilities: np.ndarray, pinned: bool) -> None:
    best = int(probabilities.argmax())
    truth = "" if picture.label is None else f" · in truth: {CLASS_NAMES[picture.label]}"
    name = ("Kept: " if pinned else "") + shell.plain(picture.title)
    st.markdown(f"{name}: **{CLASS_NAMES[best]}** with confidence {probabilities[best]:.1%}{truth}")
    with st.container(horizontal=True, gap="small"):
        st.image(
            picture.pixels(5),
            width=140,
            alt=f"{picture.title} as the network sees it: 28 by 28 grey pixels, bright garment on black.",
        )
        with st.container(width="stretch"):
            st.plotly_chart(
                charts.probabilities(probabilities, CLASS_NAMES, height=200, true=picture.label),
                key="kept_bars" if pinned else "answer_bars",
                config={"displayModeBar": False},
                alt=f"Probabilities of the ten classes for {picture.title}; the highest is {CLASS_NAMES[best]}.",
            )

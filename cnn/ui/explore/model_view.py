"""What the Explore page looks into: a network as it was after some epoch, or as it was edited, and an image.

All parts of the page see the same: whoever ablates a filter, or goes back in time, finds every map and every
explanation changed. A second image, or a second network, can stand beside them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import streamlit as st

from cnn import charts
from cnn.interpret import ablation
from cnn.interpret.ablation import Operation
from cnn.networks.forward import Forward, Weights
from cnn.pictures import UnreadableImage
from cnn.runs import Run, time_lapse
from cnn.ui import compare, figures, links, shell, state
from cnn.ui.byte_cache import ByteCache
from cnn.ui.models import Network
from cnn.ui.predict import pictures
from cnn.ui.predict.pictures import Picture, digest

_FINAL = "final"
_THUMBNAIL, _NARROW = 112, 64  # screen pixels of the network's input, where two stand side by side the latter
_CHART = 215  # pixels that the probabilities are high
_KEPT = 2**28  # bytes of the forward passes that are kept: a large one has a hundred million


@dataclass(frozen=True, eq=False)
class Other:
    """The network of another run, to compare with.

    images: what it is given of the images in view, which it may need in another size or without colour.
    """

    run: Run
    network: Network
    images: dict[int, Picture]

    @property
    def name(self) -> str:
        return _name(self.run)

    @property
    def state(self) -> str:
        return str(self.run.network_key)

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.run.config.data.card.class_names

    def given(self, image: Picture) -> Picture:
        """An image in view as this network gets it."""
        return self.images[id(image)]

    def values_of(self, image: Picture) -> Mapping[str, np.ndarray]:
        """Every value of its forward pass of an image in view."""
        pixels = self.given(image).seen.pixels
        return _values(self.state, self.network, pixels, self.network.weights)


@dataclass(frozen=True, eq=False)
class ModelView:
    """A network in one state and an image, with a second image beside it where one is pinned, or a second network.

    weights: of all layers, after the edits. base: before them. state: another text for other weights.
    """

    run: Run
    network: Network
    image: Picture
    pinned: Picture | None
    other: Other | None
    base: Weights
    weights: Weights
    base_state: str
    state: str

    @property
    def name(self) -> str:
        """The network's, as Markdown."""
        return _name(self.run)

    def title(self, image: Picture) -> str:
        """What stands above one of two things that are compared: the network's name, or the image's; as Markdown."""
        if image is self.pinned:
            return f"Pinned: {shell.plain(image.title)}"
        return self.name if self.other else shell.plain(image.title)

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.run.config.data.card.class_names

    @property
    def images(self) -> list[Picture]:
        """The image, and the pinned one where there is one."""
        return [self.image, self.pinned] if self.pinned else [self.image]

    @cached_property
    def values(self) -> Mapping[str, np.ndarray]:
        """Every value of the forward pass of the image, (h, w, c) or (n,), see `cnn.networks.forward`."""
        return self.values_of(self.image)

    def values_of(self, image: Picture) -> Mapping[str, np.ndarray]:
        return _values(self.state, self.network, image.seen.pixels, self.weights)

    @property
    def probabilities(self) -> np.ndarray:
        """The prediction for the image, (classes,)."""
        return self.values[self.network.forward.output]

    @property
    def probabilities_before(self) -> np.ndarray:
        """The prediction for the image before the edits, (classes,)."""
        values = _values(self.base_state, self.network, self.image.seen.pixels, self.base)
        return values[self.network.forward.output]

    @property
    def forward(self) -> Forward:
        """The forward pass of a network that really has these weights."""
        return _with_weights(self.state, self.run, self.weights) if self.changed else self.network.forward

    @property
    def changed(self) -> bool:
        """Whether these are not the network's own weights."""
        return self.weights is not self.network.weights


def _name(run: Run) -> str:
    return shell.plain(shell.labels().get(run.id, run.name))


def _values(state: str, network: Network, pixels: np.ndarray, weights: Weights) -> Mapping[str, np.ndarray]:
    return _kept().get(
        (state, digest(pixels)),
        lambda: {name: value[0] for name, value in network.forward(pixels[None], dict(weights)).items()},
    )


@st.cache_resource
def _kept() -> ByteCache:
    return ByteCache(_KEPT)


@st.cache_resource(max_entries=2, show_spinner=False)
def _with_weights(state: str, _run: Run, _weights: Weights) -> Forward:
    return Forward(ablation.network(_run, _weights))


def look(run: Run, network: Network, image: Picture) -> ModelView:
    """What is to be looked into, with the controls for it: a second network, and the epoch."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        with st.container(width=320):
            other = _other(run)
        epoch = _epoch(run)
    base, base_state = network.weights, str(run.network_key)
    if epoch is not None and (earlier := _weights_after(str(run.path), epoch, network)):
        base, base_state = earlier, f"{base_state} epoch {epoch}"
    elif epoch is not None:
        st.warning(f"The weights after epoch {epoch} cannot be read: this is the network after its last epoch.")
    done = operations(run)
    weights, version = base, base_state
    if done:
        weights = ablation.operated(network.forward, base, done)
        version = f"{base_state} {done!r}"
    pinned = _pinned(run, image)
    seen = [image, pinned] if pinned else [image]
    return ModelView(run, network, image, pinned, _compared(other, seen), base, weights, base_state, version)


def _pinned(run: Run, image: Picture) -> Picture | None:
    """The image that is pinned, as this network gets it: it may have been pinned beside another one."""
    pinned = st.session_state.get(state.PINNED_IMAGE)
    if pinned is None:
        return None
    try:
        return replace(pictures.seen_by(pinned, run.config.data.card))  # each is known by its identity
    except UnreadableImage as error:
        st.warning(f"The pinned image cannot be shown. {shell.plain(str(error))}", icon=":material/broken_image:")
        return None


def _other(run: Run) -> tuple[Run, Network] | None:
    other = compare.other_run("explore-compare", run)
    network = other and compare.load(other)
    return (other, network) if other and network else None


def _compared(other: tuple[Run, Network] | None, images: Sequence[Picture]) -> Other | None:
    """The other network with the images in view as it gets them."""
    if other is None:
        return None
    try:
        given = {id(image): pictures.seen_by(image, other[0].config.data.card) for image in images}
    except UnreadableImage as error:
        name = shell.plain(other[0].name)
        st.warning(f"{name} cannot be compared. {shell.plain(str(error))}", icon=":material/broken_image:")
        return None
    return Other(*other, given)


def _epoch(run: Run) -> int | None:
    """The epoch after which the network is looked into; None: as it is in the end."""
    kept = time_lapse.epochs_with_weights(run.path)
    if not kept:
        return None
    chosen = links.steps(
        "explore-epoch",
        "Training epoch",
        [*map(str, kept), _FINAL],
        value=_FINAL,
        width=320,
        help="Shows the network as it was after this epoch, everywhere on this page. "
        "The weights of each epoch are kept with 16 bits.",
    )
    return None if chosen == _FINAL else int(chosen)


@st.cache_resource(max_entries=12, show_spinner=False)
def _weights_after(path: str, epoch: int, _network: Network) -> Weights | None:
    kept = time_lapse.read_weights(Path(path), epoch)
    try:
        return _network.forward.named(kept) if kept else None
    except ValueError:
        return None


# ---------------------------------------------------------------- edits, see `cnn.interpret.ablation`


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
        st.markdown(f":material/content_cut: **Edited network**: {shell.plain(str(done[-1]))}{more}.")
        undo_buttons(run)


def undo_buttons(run: Run) -> None:
    """Undo the last edit, or reset all of them."""
    done = operations(run)
    st.button("Undo", icon=":material/undo:", key="undo_operation", on_click=undo, args=(run,))
    if len(done) > 1:
        st.button("Reset", icon=":material/restart_alt:", key="undo_all", on_click=operate, args=(run, []))


# ---------------------------------------------------------------- two images, or two networks, side by side


class _Prediction(NamedTuple):
    image: Picture
    probabilities: np.ndarray
    title: str
    key: str
    class_names: tuple[str, ...]


def prediction(now: ModelView) -> None:
    """The image as the network sees it, and its prediction; those of the pinned image and the other network beside."""
    output = now.network.forward.output
    keys = ["prediction", "pinned_prediction"]
    shown = [
        _Prediction(image, now.values_of(image)[output], now.title(image), key, now.class_names)
        for image, key in zip(now.images, keys, strict=False)
    ]
    if now.other:
        theirs = now.other.network.forward.output
        shown += [
            _Prediction(
                now.other.given(image),
                now.other.values_of(image)[theirs],
                now.other.name,
                f"other_{key}",
                now.other.class_names,
            )
            for image, key in zip(now.images, keys, strict=False)
        ]
    width = min(2, len(shown))
    for start in range(0, len(shown), width):
        for column, one in zip(st.columns(width), shown[start : start + width], strict=True):
            with column:
                _prediction(one, narrow=width > 1)
    read_as = f"Read as: {now.image.reading.name}. " if len(now.image.readings) > 1 else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        if now.pinned:
            st.button(
                "Swap",
                icon=":material/swap_horiz:",
                key="swap",
                on_click=_pin,
                args=(now.image,),
                help="Pins the image in view instead.",
            )
            st.button("Unpin", icon=":material/keep_off:", key="unpin", on_click=_pin, args=(None,))
        else:
            st.button(
                "Pin",
                icon=":material/keep:",
                key="pin",
                on_click=_pin,
                args=(now.image,),
                help="Keeps this image here: choose another one, and both are shown side by side.",
            )
        st.caption(f"{read_as}Single forward pass; Predict uses test-time augmentation.", width="content")


def _pin(image: Picture | None) -> None:
    st.session_state[state.PINNED_IMAGE] = image


def _prediction(one: _Prediction, narrow: bool) -> None:
    best, image = int(one.probabilities.argmax()), one.image
    truth = "" if image.label is None else f" · true label: {shell.plain(one.class_names[image.label])}"
    predicted = f"{shell.plain(one.class_names[best])}, {one.probabilities[best]:.1%}"
    if narrow:
        st.markdown(f"**{one.title}**")
    st.caption(f"{shell.plain(image.title)}{truth}")
    with st.container(horizontal=True, gap="small", vertical_alignment="center" if narrow else "top"):
        st.image(
            image.input_within(2 * _THUMBNAIL),
            width=_width(image, _NARROW if narrow else _THUMBNAIL),
            alt=f"{image.title} as the network sees it: {image.input_in_words}.",
        )
        beside = st.container(width="stretch")
    with beside:
        if narrow:
            st.markdown(f"**{predicted}**")
    with st.container() if narrow else beside:
        figures.show(
            charts.probabilities(one.probabilities, one.class_names, height=_CHART, true=image.label),
            key=one.key,
            title="" if narrow else predicted,
            alt=f"Probabilities of the {len(one.class_names)} classes for {one.image.title}; the highest is "
            f"{one.class_names[best]}.",
        )


def _width(image: Picture, edge: int) -> int:
    """The screen pixels that the network's input is wide where its longer side has so many."""
    height, width = image.seen.pixels.shape[:2]
    return round(edge * width / max(height, width))

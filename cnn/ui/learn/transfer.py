"""Transfer learning: a new last layer on a frozen network reads handwritten digits, from a few examples of each."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn import charts, runs
from cnn.config import geometry
from cnn.config.layers import Row
from cnn.lessons import transfer_learning
from cnn.lessons.transfer_learning import CLASSES, Learned
from cnn.runs import Run
from cnn.ui import figures, models, shell, state
from cnn.ui.learn import controls, your_own
from cnn.ui.learn.given import Given
from cnn.ui.learn.prose import note, say
from cnn.ui.models import Network
from cnn.ui.predict import pictures

_DRAWS = 5  # of examples, for which the median and the range are shown
_SIZE = (28, 28)
_ROWS = 5  # examples of a digit that are shown, at most


class Kind(NamedTuple):
    """What the new layer reads. key: for caches. vectors: (n, f). frozen: parameters of the layers before it."""

    name: str
    key: tuple
    vectors: np.ndarray
    frozen: int


class Both(NamedTuple):
    """What comes out of the layers of a network, by name, (n, f): with what it has learned, and with random weights."""

    trained: dict[str, np.ndarray]
    untrained: dict[str, np.ndarray]


def show(run: Run, network: Network, on: Given | None, below: DeltaGenerator) -> None:
    """Draw the lesson."""
    if run.config.data.card.input_shape != (*_SIZE, 1):
        other = runs.get(runs.DEFAULT_ID)
        shape = charts.shape_text(run.config.data.card.input_shape)
        st.info(
            f"The digits of this lesson are 28×28 and grey, and {shell.plain(run.name)} takes images of {shape}. The "
            f"lesson shows the run {shell.plain(other.name)} instead.",
            icon=":material/info:",
        )
        run, network = other, models.load(other)
    cuts = transfer_learning.cuts(run.config.rows())
    if not cuts:
        st.info("This network has no layer before its last one: there is nothing to freeze.", icon=":material/info:")
        return
    per_class, seed, cut = _settings(cuts)
    found = _features(*run.network_key, run, network)
    kinds = _kinds(run, cut, found)
    learned = [_draws(kind, per_class, seed) for kind in kinds]
    _numbers(kinds, learned, per_class)
    say(_verdict(run, learned, per_class, cut))
    with below:
        st.subheader("Which layers to freeze", anchor=False)
        _over_cuts(run, cuts, cut, found, per_class, seed)
        st.subheader("Training examples and predictions", anchor=False)
        chosen = transfer_learning.drawn(transfer_learning.digits().labels, per_class, [seed, 0])
        left, right = st.columns([1, 2], gap="large")
        with left:
            _examples(chosen, per_class)
        with right:
            _some_predictions([draws[0] for draws in learned], chosen, seed)
        your_own.show(
            "transfer",
            "The same with photos: EfficientNet-Lite2 has learned 1.3 million photos of ImageNet. Frozen, with a new "
            "output layer, it tells your own classes apart after twenty photos of each.",
        )


def _settings(cuts: Sequence[Row]) -> tuple[int, int, str]:
    """Examples of each digit, the draw, and the last layer that is frozen."""
    left, middle, right = st.columns([5, 4, 3], vertical_alignment="bottom")
    with left:
        per_class = int(
            controls.choice(
                state.TRANSFER_EXAMPLES, "Examples of each digit", ["1", "2", "5", "10", "20", "50"], value="5"
            )
        )
    pooled = [row.name for row in cuts if row.type in transfer_learning.POOLING]
    with middle:
        cut = controls.menu(
            "transfer_cut",
            "Frozen up to",
            [row.name for row in cuts],
            value=pooled[-1] if pooled else cuts[-1].name,
            help="This layer and all before it keep their weights; those after it are left out.",
        )
    with right:
        seed = controls.number("transfer_draw", "Random seed", 1, 999, 1, help="Each seed draws other examples.")
    return per_class, seed, cut


@st.cache_resource(max_entries=2, show_spinner="Computing the features of 1,000 digits…")
def _features(path: str, written: int, _run: Run, _network: Network) -> Both:
    names = [row.name for row in transfer_learning.cuts(_run.config.rows())]
    shown = transfer_learning.digits().images
    networks = _network.predict.model, transfer_learning.untrained(_run.config)
    return Both(*(transfer_learning.features(network, names, shown) for network in networks))


def _learned_from(run: Run) -> str:
    card = run.config.data.card
    return "clothes" if card.reading == "garment" else card.title


def _kinds(run: Run, cut: str, found: Both) -> list[Kind]:
    """What is compared: pixels, the frozen network, and the same one with random weights."""
    images = transfer_learning.digits().images
    frozen, key = transfer_learning.frozen_parameters(run.config.rows(), cut), (*run.network_key, cut)
    return [
        Kind("raw pixels", (), images.reshape(len(images), -1), 0),
        Kind(f"frozen, trained on {_learned_from(run)}", (*key, "trained"), found.trained[cut], frozen),
        Kind("frozen, random weights", (*key, "untrained"), found.untrained[cut], frozen),
    ]


def _draws(kind: Kind, per_class: int, seed: int) -> list[Learned]:
    return [_learned(kind.key, per_class, seed, draw, kind.vectors) for draw in range(_DRAWS)]


@st.cache_resource(max_entries=3000, show_spinner=False)
def _learned(key: tuple, per_class: int, seed: int, draw: int, _vectors: np.ndarray) -> Learned:
    labels = transfer_learning.digits().labels
    return transfer_learning.learn(_vectors, labels, transfer_learning.drawn(labels, per_class, [seed, draw]))


# ---------------------------------------------------------------- how good it is


def _numbers(kinds: list[Kind], learned: list[list[Learned]], per_class: int) -> None:
    """Accuracies and parameters, as a table."""
    rows = ["| The new layer reads | Accuracy | Parameters trained | Frozen |", "|:--|:--|--:|--:|"]
    for kind, draws in zip(kinds, learned, strict=True):
        middle, low, high = _spread(draws)
        trained = geometry.dense_parameters(kind.vectors.shape[1], CLASSES)
        rows.append(f"| {kind.name} | **{middle:.1%}** ({low:.1%} to {high:.1%}) | {trained:,} | {kind.frozen:,} |")
    shell.style(
        ".st-key-transfer_table :is(td, th) { padding: 0.3rem 0.45rem; font-size: 0.9rem; "
        "font-variant-numeric: tabular-nums }"
    )
    with st.container(key="transfer_table"):
        st.markdown("\n".join(rows))
    count, values = len(kinds[0].vectors), kinds[1].vectors.shape[1]
    note(
        f"Accuracy on the {count - CLASSES * per_class} digits that were not used for training: median and range of "
        f"{_DRAWS} random draws of {CLASSES * per_class} examples. After the frozen layers, the new one has a weight "
        f"for each of {values:,} values and {CLASSES} digits, and {CLASSES} biases: {values:,} · {CLASSES} + "
        f"{CLASSES}. Maps larger than {transfer_learning.EDGE}×{transfer_learning.EDGE} are first reduced to that size "
        "by max pooling."
    )


def _spread(draws: Sequence[Learned]) -> tuple[float, float, float]:
    """The median, the lowest and the highest accuracy."""
    accuracies = [draw.accuracy for draw in draws]
    return float(np.median(accuracies)), min(accuracies), max(accuracies)


def _verdict(run: Run, learned: list[list[Learned]], per_class: int, cut: str) -> str:
    """Whether the frozen features help, in numbers."""
    pixels, trained, untrained = learned
    than_pixels = _against(trained, pixels, "raw pixels")
    than_untrained = _against(trained, untrained, "the same layers with random weights")
    examples = "one example" if per_class == 1 else f"{per_class} examples"
    return (
        f"With {examples} of each digit, the features that {shell.plain(run.name)} learned on clothes, up to "
        f"`{cut}`, work {than_pixels}, and {than_untrained}."
    )


def _against(one: list[Learned], other: list[Learned], name: str) -> str:
    """How much better or worse, and in how many draws."""
    difference = 100 * (_spread(one)[0] - _spread(other)[0])
    sign = np.sign(difference)
    agreeing = sum(np.sign(a.accuracy - b.accuracy) == sign for a, b in zip(one, other, strict=True))
    if round(abs(difference), 1) == 0:
        return f"**as well as** {name}"
    better = "better" if sign > 0 else "worse"
    return f"**{abs(difference):.1f} points {better}** than {name} (in {agreeing} of {_DRAWS} draws)"


def _over_cuts(run: Run, cuts: Sequence[Row], cut: str, found: Both, per_class: int, seed: int) -> None:
    """The same comparison wherever the network is cut."""
    with st.spinner("Training new last layers…"):
        every = [[_draws(kind, per_class, seed) for kind in _kinds(run, row.name, found)] for row in cuts]
    names = [kind.name for kind in _kinds(run, cut, found)]
    spreads = np.array([[_spread(draws) for draws in at] for at in every])  # (cuts, kinds, 3)
    order = (1, 2, 0)
    figures.show(
        charts.shares(
            [row.name for row in cuts],
            {names[kind]: tuple(spreads[:, kind].T) for kind in order},
            ("frozen up to", "accuracy"),
            at=cut,
            height=340,
        ),
        key="transfer_cuts",
        alt="Accuracy over the layer up to which the network is frozen: "
        + "; ".join(f"{row.name} {accuracy:.1%}" for row, accuracy in zip(cuts, spreads[:, 1, 0], strict=True))
        + f"; raw pixels {spreads[0, 0, 0]:.1%}.",
    )
    best = int(spreads[:, 1, 0].argmax())
    note(
        f"First layers on the left, last ones on the right: medians and ranges of the same draws; the dotted red "
        f"line marks the chosen layer. With this network, freezing up to `{cuts[best].name}` gives the highest "
        f"accuracy, {spreads[best, 1, 0]:.1%}. In large networks too, early layers are general and the last ones "
        "specific to the task that they were trained on (Yosinski et al. 2014)."
    )


# ---------------------------------------------------------------- digits


def _examples(chosen: np.ndarray, per_class: int) -> None:
    """The digits of the first draw, a column for each class."""
    rows = min(per_class, _ROWS)
    shown = transfer_learning.digits().images[chosen, ..., 0].reshape(CLASSES, per_class, *_SIZE)[:, :rows]
    tiled = shown.transpose(1, 2, 0, 3).reshape(rows * _SIZE[0], CLASSES * _SIZE[1])
    st.image(
        pictures.magnified(_bytes(tiled), 2),
        width=300,
        alt=f"Handwritten digits from 0 to 9, {rows} of each.",
    )
    more = f", {rows} of the {per_class} of each" if per_class > rows else ""
    note(f"The training examples of the first draw{more}: real handwriting of 8×8 pixels, enlarged.")


def _some_predictions(learned: list[Learned], chosen: np.ndarray, seed: int) -> None:
    """One digit of each class that was not used for training, and what the three layers predict."""
    digits = transfer_learning.digits()
    others = np.setdiff1d(np.arange(len(digits.labels)), chosen)
    others = np.random.default_rng([seed, _DRAWS]).permutation(others)
    with st.container(horizontal=True, gap="small"):
        for label in range(CLASSES):
            index = int(others[digits.labels[others] == label][0])
            answers = [int(each.answers[index]) for each in learned]
            with st.container(width=74, gap="xsmall"):
                st.image(
                    pictures.magnified(_bytes(digits.images[index, ..., 0]), 3),
                    width=70,
                    alt=f"A handwritten {label}; the predictions are {', '.join(map(str, answers))}.",
                )
                st.markdown(" · ".join(f"**{said}**" if said == label else f"~~{said}~~" for said in answers))
    note(
        "One random digit of each class that was not used for training, with the predictions of the first draw: from "
        "raw pixels, from features trained on clothes, from random weights. Wrong ones are struck through."
    )


def _bytes(grey: np.ndarray) -> np.ndarray:
    return (grey * 255).round().astype(np.uint8)

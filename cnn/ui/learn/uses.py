"""Uses and limitations: an image rotated, mirrored, resized or noisy, and the prediction for it."""

from collections.abc import Sequence

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn import charts
from cnn.lessons.perturbations import Change
from cnn.networks.batch_size import images_at_once
from cnn.runs import Run
from cnn.ui import figures, shell
from cnn.ui.learn import controls
from cnn.ui.learn.given import Given
from cnn.ui.learn.prose import note, say
from cnn.ui.models import Network
from cnn.ui.predict import pictures

_ANGLES = np.arange(-180, 181, 5)
_SURE, _UNSURE = 0.9, 0.5  # probability of the prediction, for the words


def show(run: Run, network: Network, on: Given, below: DeltaGenerator) -> None:
    """Draw the lesson."""
    change = _settings()
    picture, names = on.picture, run.config.data.card.class_names
    given = picture.seen.pixels
    changed = change(given)
    probabilities = network.predict(changed[None])[0]
    before = network.predict(given[None])[0]
    reference = int(before.argmax()) if picture.label is None else picture.label
    seen, predicted = st.columns([1, 2], gap="medium")
    with seen:
        for name, pixels in (("Original", given), ("Now", changed)):
            with st.container(width=140, gap="xsmall"):
                eight_bit = (pixels * 255).round().astype(np.uint8)
                st.image(
                    pictures.magnified(eight_bit.squeeze(), max(1, 140 // max(pixels.shape[:2]))),
                    width=round(140 * pixels.shape[1] / max(pixels.shape[:2])),
                    alt=f"{on.title}, {'as the network gets it' if name == 'Original' else _words(change)}.",
                )
                st.caption(name)
    best = int(probabilities.argmax())
    with predicted:
        figures.show(
            charts.probabilities(probabilities, names, height=280, true=picture.label),
            key="uses_bars",
            title="Prediction now",
            alt=f"The network predicts {names[best]} with {probabilities[best]:.1%}.",
        )
    say(_verdict(network, change, changed, probabilities, before, picture.label, [*map(shell.plain, names)]))
    with below:
        _curve(run, network, on, change, reference, float(probabilities[reference]), picture.label is not None)


def _settings() -> Change:
    first, second, third = st.columns([4, 3, 3], vertical_alignment="bottom")
    with first:
        degrees = controls.whole(
            "uses_angle", "Rotation (degrees)", -180, 180, 0, "Positive angles turn it to the left."
        )
    with second:
        size = controls.decimal("uses_size", "Size", 0.5, 1.5, 1.0, 0.05)
    with third:
        noise = controls.decimal(
            "uses_noise", "Noise", 0.0, 0.5, 0.0, 0.02, "Standard deviation, for pixels between 0 and 1."
        )
    with st.container(horizontal=True, gap="medium"):
        mirrored = controls.switch("uses_mirrored", "Flip horizontally")
        exchanged = controls.switch("uses_exchanged", "Invert")
    return Change(size, degrees, mirrored, exchanged, noise)


def _words(change: Change) -> str:
    """What is done to the image."""
    done = []
    if change.degrees:
        done.append(f"rotated by {f'{change.degrees:g}'.replace('-', '−')}°")
    if change.size != 1:
        done.append(f"at {change.size:g} times its size")
    if change.mirrored:
        done.append("flipped")
    if change.exchanged:
        done.append("inverted")
    if change.noise:
        done.append(f"with noise of {change.noise:g}")
    return ", ".join(done) if done else "unchanged"


def _verdict(
    network: Network, change: Change, changed: np.ndarray, probabilities: np.ndarray, before: np.ndarray,
    label: int | None, names: Sequence[str],
) -> str:  # fmt: skip
    """What happened, in one sentence; and how familiar it is, if the network can tell what is unlike its training."""
    best, first = int(probabilities.argmax()), int(before.argmax())
    sure = probabilities[best]
    how = "confident" if sure >= _SURE else "unsure" if sure < _UNSURE else "not quite sure"
    words = _words(change)
    said = f"{words[0].upper()}{words[1:]}, it is predicted as **{names[best]}** with **{sure:.1%}**"
    if label is not None:
        is_right = best == label
        said += f": {'right' if is_right else 'wrong'}, {'and' if sure >= _SURE else 'but'} {how}."
        if not is_right:
            said += f" The true label, {names[label]}, gets {probabilities[label]:.1%}."
    elif words != "unchanged":
        same = "the same class as" if best == first else f"no longer {names[first]} as"
        said += f": {same} for the original image, {how}."
    else:
        said += f": {how}."
    threshold = network.predict.threshold
    if threshold is not None:
        energy = float(network.predict.looks(changed[None])[1][0])
        finds = "above" if energy >= threshold else "below"
        meaning = "like" if energy >= threshold else "**unlike**"
        said += (
            f" The familiarity, {energy:.2f}, is {finds} the threshold of {threshold:.2f}: {meaning} the training "
            "images."
        )
    return said


def _curve(run: Run, network: Network, on: Given, change: Change, reference: int, present: float, known: bool) -> None:
    """The probability of the true class, or of the first prediction, over all angles."""
    found = _over_angles(
        *run.network_key,
        pictures.digest(on.picture.seen.pixels),
        tuple(change._replace(degrees=0)),
        network,
        on.picture.seen.pixels,
    )
    name = run.config.data.card.class_names[reference]
    st.subheader(f"Probability of {shell.plain(name)} at every angle", anchor=False)
    figures.show(
        charts.shares(
            _ANGLES.tolist(),
            {charts.literal(name): found[:, reference], "predicted class": found.max(axis=1)},
            ("rotation (degrees)", "probability"),
            at=change.degrees,
            step=45,
        ),
        key="uses_curve",
        alt=f"The probability of {name} over all angles: from {found[:, reference].min():.1%} to "
        f"{found[:, reference].max():.1%}; now {present:.1%}.",
    )
    kept = int((found.argmax(axis=1) == reference)[:-1].sum())
    what = "the true label" if known else "the prediction for the original image"
    note(
        f"{shell.plain(name)} is {what}; the dotted red line marks the current angle. At {kept} of "
        f"{len(_ANGLES) - 1} angles, 5° apart, it is also the prediction. Where the dashed line is above the other, "
        "another class is more probable."
    )


@st.cache_resource(max_entries=64, show_spinner=False)
def _over_angles(
    path: str, written: int, digest: str, change: tuple, _network: Network, _pixels: np.ndarray
) -> np.ndarray:
    """The probabilities (73, classes) at all angles."""
    at_once = images_at_once(_network.predict.model, len(_ANGLES))
    parts = [_ANGLES[start : start + at_once] for start in range(0, len(_ANGLES), at_once)]
    return np.concatenate([_network.predict(Change(*change).at_angles(_pixels, part)) for part in parts])

"""Uses and limitations: a garment rotated, mirrored, resized or noisy, and the prediction for it."""

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn import charts
from cnn.config import CLASS_NAMES
from cnn.lessons.perturbations import Change
from cnn.runs import Run
from cnn.ui import figures
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
    picture = on.picture
    changed = change(on.grey)
    probabilities = network.predict(changed[None, ..., None])[0]
    before = network.predict(on.grey[None, ..., None])[0]
    reference = int(before.argmax()) if picture.label is None else picture.label
    seen, predicted = st.columns([1, 2], gap="medium")
    with seen:
        for name, grey in (("Original", on.grey), ("Now", changed)):
            with st.container(width=140, gap="xsmall"):
                st.image(
                    pictures.magnified((grey * 255).round().astype(np.uint8), 5),
                    width=140,
                    alt=f"{on.title}, {'as the network gets it' if name == 'Original' else _words(change)}.",
                )
                st.caption(name)
    best = int(probabilities.argmax())
    with predicted:
        figures.show(
            charts.probabilities(probabilities, CLASS_NAMES, height=280, true=picture.label),
            key="uses_bars",
            title="Prediction now",
            alt=f"The network predicts {CLASS_NAMES[best]} with {probabilities[best]:.1%}.",
        )
    say(_verdict(network, change, changed, probabilities, before, picture.label))
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
    label: int | None,
) -> str:  # fmt: skip
    """What happened, in one sentence; and how familiar it is, if the network can tell what is unlike its training."""
    best, first = int(probabilities.argmax()), int(before.argmax())
    sure = probabilities[best]
    how = "confident" if sure >= _SURE else "unsure" if sure < _UNSURE else "not quite sure"
    words = _words(change)
    said = f"{words[0].upper()}{words[1:]}, it is predicted as **{CLASS_NAMES[best]}** with **{sure:.1%}**"
    if label is not None:
        is_right = best == label
        said += f": {'right' if is_right else 'wrong'}, {'and' if sure >= _SURE else 'but'} {how}."
        if not is_right:
            said += f" The true label, {CLASS_NAMES[label]}, gets {probabilities[label]:.1%}."
    elif words != "unchanged":
        same = "the same class as" if best == first else f"no longer {CLASS_NAMES[first]} as"
        said += f": {same} for the original image, {how}."
    else:
        said += f": {how}."
    threshold = network.predict.threshold
    if threshold is not None:
        energy = float(network.predict.looks(changed[None, ..., None])[1][0])
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
        *run.network_key, pictures.digest(on.grey), tuple(change._replace(degrees=0)), network, on.grey
    )
    name = CLASS_NAMES[reference]
    st.subheader(f"Probability of {name} at every angle", anchor=False)
    figures.show(
        charts.shares(
            _ANGLES.tolist(),
            {name: found[:, reference], "predicted class": found.max(axis=1)},
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
        f"{name} is {what}; the dotted red line marks the current angle. At {kept} of {len(_ANGLES) - 1} angles, 5° "
        "apart, it is also the prediction. Where the dashed line is above the other, another class is more probable."
    )


@st.cache_resource(max_entries=64, show_spinner=False)
def _over_angles(
    path: str, written: int, digest: str, change: tuple, _network: Network, _grey: np.ndarray
) -> np.ndarray:
    """The probabilities (73, 10) at all angles."""
    return _network.predict(Change(*change).at_angles(_grey, _ANGLES))

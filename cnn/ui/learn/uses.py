"""Where CNNs serve, and where they fail: a garment turned, mirrored, resized or noisy, and the answer to it."""

import numpy as np
import streamlit as st

from cnn import charts
from cnn.config import CLASS_NAMES
from cnn.lessons.perturbations import Change
from cnn.runs import Run
from cnn.ui.learn import controls
from cnn.ui.learn.given import Given
from cnn.ui.models import Network
from cnn.ui.predict import pictures

_ANGLES = np.arange(-180, 181, 5)
_SURE, _UNSURE = 0.9, 0.5  # of the answer, for the words
_CHART = {"displayModeBar": False}


def show(run: Run, network: Network, on: Given) -> None:
    """Draw the lesson."""
    change = _settings()
    picture = on.picture
    changed = change(on.grey)
    probabilities = network.predict(changed[None, ..., None])[0]
    before = network.predict(on.grey[None, ..., None])[0]
    reference = int(before.argmax()) if picture.label is None else picture.label
    seen, answer = st.columns([2, 3], gap="medium")
    with seen, st.container(horizontal=True, gap="small"):
        for name, grey in (("As given", on.grey), ("Now", changed)):
            with st.container(width=140, gap="xsmall"):
                st.image(
                    pictures.magnified((grey * 255).round().astype(np.uint8), 5),
                    width=140,
                    alt=f"{on.title}, {'as the network is given it' if name == 'As given' else _words(change)}.",
                )
                st.caption(name)
    best = int(probabilities.argmax())
    with answer:
        st.plotly_chart(
            charts.probabilities(probabilities, CLASS_NAMES, height=280, true=picture.label),
            key="uses_bars",
            config=_CHART,
            alt=f"The network says {CLASS_NAMES[best]} with {probabilities[best]:.1%}.",
        )
    st.markdown(_verdict(network, change, changed, probabilities, before, picture.label))
    _curve(run, network, on, change, reference, float(probabilities[reference]), picture.label is not None)


def _settings() -> Change:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        with st.container(width=300):
            degrees = controls.whole("uses_angle", "Turn by (degrees)", -180, 180, 0, "Positive: against the clock.")
        with st.container(width=180):
            size = controls.decimal("uses_size", "Size", 0.5, 1.5, 1.0, 0.05)
        with st.container(width=180):
            noise = controls.decimal(
                "uses_noise", "Noise", 0.0, 0.5, 0.0, 0.02, "Standard deviation; a pixel is between 0 and 1."
            )
    with st.container(horizontal=True, gap="medium"):
        mirrored = controls.switch("uses_mirrored", "Mirror it")
        exchanged = controls.switch("uses_exchanged", "Exchange light and dark")
    return Change(size, degrees, mirrored, exchanged, noise)


def _words(change: Change) -> str:
    """What is done to the picture."""
    done = []
    if change.degrees:
        done.append(f"turned by {f'{change.degrees:g}'.replace('-', '−')}°")
    if change.size != 1:
        done.append(f"at {change.size:g} of its size")
    if change.mirrored:
        done.append("mirrored")
    if change.exchanged:
        done.append("with light and dark exchanged")
    if change.noise:
        done.append(f"with noise of {change.noise:g}")
    return ", ".join(done) if done else "unchanged"


def _verdict(
    network: Network, change: Change, changed: np.ndarray, probabilities: np.ndarray, before: np.ndarray,
    label: int | None,
) -> str:  # fmt: skip
    """What happened, in one sentence; and what the network makes of it, if it can tell what is unlike its training."""
    best, first = int(probabilities.argmax()), int(before.argmax())
    sure = probabilities[best]
    how = "confident" if sure >= _SURE else "unsure" if sure < _UNSURE else "not quite sure"
    words = _words(change)
    said = f"{words[0].upper()}{words[1:]}, it says **{CLASS_NAMES[best]}** with **{sure:.1%}**"
    if label is not None:
        is_right = best == label
        said += f": {'right' if is_right else 'wrong'}, {'and' if sure >= _SURE else 'but'} {how}."
        if not is_right:
            said += f" It is labelled {CLASS_NAMES[label]}, which gets {probabilities[label]:.1%}."
    elif words != "unchanged":
        same = "the same answer as" if best == first else f"no longer {CLASS_NAMES[first]} as"
        said += f": {same} for the picture as given, {how}."
    else:
        said += f": {how}."
    threshold = network.predict.threshold
    if threshold is not None:
        energy = float(network.predict.energies(changed[None, ..., None])[0])
        finds = "above" if energy >= threshold else "below"
        meaning = "like" if energy >= threshold else "**unlike**"
        said += (
            f" Its familiarity, {energy:.2f}, is {finds} the threshold {threshold:.2f}: {meaning} what it was "
            "trained on."
        )
    return said


def _curve(run: Run, network: Network, on: Given, change: Change, reference: int, present: float, known: bool) -> None:
    """The probability of the true class, or of the first answer, over all angles."""
    found = _over_angles(
        *run.network_key, pictures.digest(on.grey), tuple(change._replace(degrees=0)), network, on.grey
    )
    name = CLASS_NAMES[reference]
    st.plotly_chart(
        charts.shares(
            _ANGLES.tolist(),
            {name: found[:, reference], "the answer, whatever it is": found.max(axis=1)},
            ("turned by (degrees)", "probability"),
            at=change.degrees,
            step=45,
        ),
        key="uses_curve",
        config=_CHART,
        alt=f"The probability of {name} over all angles: from {found[:, reference].min():.1%} to "
        f"{found[:, reference].max():.1%}; now {present:.1%}.",
    )
    kept = int((found.argmax(axis=1) == reference)[:-1].sum())
    what = "the true class" if known else "what it answers to the picture as given"
    st.caption(
        f"{name} is {what}; the dotted red line is the present angle. Of {len(_ANGLES) - 1} angles, 5° apart, {kept} "
        f"are answered with it. Where the dashed line is higher than the other, another class is more probable."
    )


@st.cache_resource(max_entries=64, show_spinner=False)
def _over_angles(
    path: str, written: int, digest: str, change: tuple, _network: Network, _grey: np.ndarray
) -> np.ndarray:
    """The probabilities (73, 10) at all angles."""
    return _network.predict(Change(*change).at_angles(_grey, _ANGLES))

"""How far the network's confidence can be believed: reliability, temperature scaling, and answering only when sure."""

from collections.abc import Generator

import numpy as np
import streamlit as st

from cnn import charts
from cnn.evaluation import calibration, predictions, scores
from cnn.evaluation.predictions import Predictions
from cnn.runs import Run
from cnn.ui import background_work, figures, fragments, links, shell
from cnn.ui.evaluate import measured

_CALIBRATED = 1.03  # a temperature nearer to 1 than this changes nothing that is to be seen


def show(run: Run, found: Predictions) -> None:
    """Draw the view."""
    left, right = st.columns(2, gap="large")
    with left:
        _reliability(run, found)
    with right:
        fragments.fragment(_coverage)(found)


def _reliability(run: Run, found: Predictions) -> None:
    name = f"temperature-{run.id}-{run.network_key[1]}"
    fitted = predictions.kept_temperature(run) or background_work.result(name)
    before = calibration.reliability(found.probabilities, found.labels)
    error = calibration.expected_calibration_error(found.probabilities, found.labels)
    after = None if fitted is None else found.at_temperature(fitted)
    figures.show(
        charts.reliability(
            before,
            [scores.interval(*one) for one in zip(before.right.tolist(), before.count.tolist(), strict=True)],
            None if after is None else calibration.reliability(after, found.labels),
        ),
        key="reliability",
        alt=f"Accuracy over confidence in {len(before.count)} bins. Expected calibration error: {error:.2%}.",
        title=f"Reliability · calibration error {error:.2%}",
    )
    st.caption(
        f"Bars: how often predictions of that confidence are right, with 95% intervals. {before.count[-1]:,} of the "
        f"{len(found):,} images are in the last. Where bars stay below the dashed line, the network is too sure."
    )
    if after is not None:
        _before_and_after(found, after, fitted)
    elif background_work.is_running(name):
        background_work.follow(name, "Predicting the validation images")
    else:
        if problem := background_work.problem(name):
            st.error(shell.plain(problem), icon=":material/error:")
        st.button(
            "Fit a temperature",
            icon=":material/device_thermostat:",
            key="fit_temperature",
            on_click=_fit,
            args=(run, name),
            help="Finds the number by which the logits are divided so that the loss on the validation images is least. "
            "It changes no prediction, only the confidences, and is kept with the run.",
        )


def _before_and_after(found: Predictions, after: np.ndarray, fitted: float) -> None:
    chosen = np.arange(len(found)), found.labels
    errors, losses = (
        [measure(probabilities) for probabilities in (found.probabilities, after)]
        for measure in (
            lambda p: calibration.expected_calibration_error(p, found.labels),
            lambda p: float(-np.log(np.maximum(p[chosen], 1e-12)).mean()),
        )
    )
    if max(fitted, 1 / fitted) < _CALIBRATED:
        verdict = "The network was calibrated already."
    else:
        verdict = "The network was too sure." if fitted > 1 else "The network was not sure enough."
    st.markdown(
        f"**Temperature {fitted:.2f}**, fitted on the validation images and kept with the run. {verdict} On these "
        f"{found.split} images the calibration error goes from {errors[0]:.2%} to {errors[1]:.2%}, and the mean "
        f"cross-entropy from {losses[0]:.4f} to {losses[1]:.4f}. No prediction changes."
    )


def _fit(run: Run, name: str) -> None:
    background_work.begin(name, lambda: _fitting(run))


def _fitting(run: Run) -> Generator[float, None, float]:
    validation = measured.kept(run, "validation")
    if validation is None:
        validation = yield from measured.measuring(run, "validation")
    divisor = calibration.temperature(validation.probabilities, validation.labels)
    predictions.keep_temperature(run, divisor)
    return divisor


def _coverage(found: Predictions) -> None:
    """What accuracy is gained where the network answers only when it is sure."""
    curve = calibration.coverage(found.probabilities, found.labels)
    place = st.container()
    percent = links.slider(
        "evaluate-answer-from",
        "Answer only from a confidence of (%)",
        0,
        100,
        90,
        help="Where the network is less sure, a person would have to look.",
    )
    answered = curve.threshold >= percent / 100
    at = int(answered.argmax()) if answered.any() else None
    with place:
        figures.show(
            charts.coverage(curve, at),
            key="coverage",
            alt=f"Accuracy over the fraction of {len(found):,} images that is answered.",
            title="Accuracy against coverage",
        )
    if at is None:
        st.markdown("At this threshold, no image is answered.")
        return
    left_out = 1 - curve.coverage[at]
    st.markdown(
        f"It answers **{curve.coverage[at]:.1%}** of the images, **{curve.accuracy[at]:.2%}** of them rightly. "
        f"The other {left_out:.1%} are left to a person. Answering all, it is right on {found.accuracy:.2%}."
    )

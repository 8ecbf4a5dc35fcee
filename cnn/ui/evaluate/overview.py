"""How good the network is in a sentence, where it fails as a matrix whose cells open, and what to do next."""

from functools import lru_cache

import numpy as np
import pandas as pd
import streamlit as st

from cnn import charts, data, runs
from cnn.config import Data, counted
from cnn.evaluation import calibration, scores
from cnn.evaluation.advice import Advice, advise
from cnn.evaluation.predictions import Predictions
from cnn.runs import Run
from cnn.ui import figures, fragments, links, shell, state
from cnn.ui.evaluate import images

_WRITTEN: dict[str, charts.Normalised] = {"Counts": "count", "% of true label": "true", "% of predicted": "predicted"}
_BY_CLASS, _BY_SIMILARITY = "By class", "By similarity"
_CELL, _FRAME = 36, 110  # pixels of a row of the matrix, and of what stands around it
_SMALLEST, _LARGEST = 420, 900
_FINE = 620  # pixels of a matrix whose cells hold no numbers: about as high as it is wide
_MANY, _LISTED = (
    charts.MOST_WRITTEN,
    10,
)  # classes from which on the most frequent mistakes are listed, too, and how many of them


def show(run: Run, found: Predictions) -> None:
    """Draw the view."""
    _headline(run, found)
    _matrix(run, found)
    _next(run, found)


# ---------------------------------------------------------------- in a sentence


def _headline(run: Run, found: Predictions) -> None:
    right, count = int(found.right.sum()), len(found)
    low, high = scores.interval(right, count)
    st.subheader(
        f"{100 * found.accuracy:.1f} of 100 images right ({low:.1%} to {high:.1%}). {_most_often_wrong(found)}",
        anchor=False,
    )
    with st.grid(4, min_column_width=150):
        st.metric(
            "Accuracy" + shell.synthetic_note(run),
            f"{found.accuracy:.2%}",
            border=True,
            help=f"{right:,} of {count:,} {found.split} images, in a single forward pass. The interval in the sentence "
            "above is Wilson's, 95%: other images of this kind would give an accuracy in it 19 times in 20. Predict "
            "uses test-time augmentation, which is usually a little better.",
        )
        st.metric("Mistakes", f"{count - right:,}", border=True, help=f"Of {count:,} {found.split} images.")
        st.metric("Loss", f"{found.loss:.3f}", border=True, help="Mean cross-entropy in nats, as Keras evaluates it.")
        st.metric(
            "Calibration error",
            f"{calibration.expected_calibration_error(found.probabilities, found.labels):.1%}",
            border=True,
            help="Expected calibration error: how far confidence is from accuracy, on average.",
        )
    if scores.is_unequal(found):
        st.caption(
            f"Its classes are of unequal size. Each counting the same, it is right on "
            f"**{scores.balanced_accuracy(found):.1%}** (balanced accuracy, the mean recall of the classes)."
        )
    _published(run, found, (low, high))


def _most_often_wrong(found: Predictions) -> str:
    worst = scores.most_confused(scores.confusion(found))
    if not worst:
        return "No image is wrong."
    if worst[0].count == 1 and (~found.right).sum() > 1:
        return "No two images are confused alike."
    names = [shell.plain(name) for name in found.class_names]
    return f"Most often wrong: {names[worst[0].true]} taken for {names[worst[0].predicted]}."


def _published(run: Run, found: Predictions, interval: tuple[float, float]) -> None:
    """For orientation: what people and other networks reach on the same test images."""
    card = run.config.data.card
    if found.split != "test" or not card.published:
        return
    with st.expander("How others do on these images", icon=":material/leaderboard:"):
        figures.show(
            charts.published([(one.name, one.accuracy) for one in card.published], run.name, found.accuracy, interval),
            key="published",
            alt=f"Accuracy of {run.name} among {counted(len(card.published), 'published result')} on {card.title}.",
        )
        sources = "; ".join(f"{one.name} {one.accuracy:.1%}: {one.source}" for one in card.published)
        st.caption(f"Sources: {sources}.")


# ---------------------------------------------------------------- the matrix


@fragments.fragment
def _matrix(run: Run, found: Predictions) -> None:
    """The confusion matrix beside the images of the cell that was chosen."""
    matrix, names = scores.confusion(found), found.class_names
    with st.container(horizontal=True, vertical_alignment="bottom"):
        written = links.choice("matrix-shows", "Matrix", list(_WRITTEN), label_visibility="collapsed")
        order = links.choice("matrix-order", "Order", [_BY_CLASS, _BY_SIMILARITY], label_visibility="collapsed")
    of = _WRITTEN[written]
    places = scores.by_similarity(matrix) if order == _BY_SIMILARITY else list(range(len(names)))
    left, right = st.columns([11, 9], gap="large")
    with right:
        filter_ = images.ask_classes(found)
    many = len(names) > _MANY
    with left:
        figures.show(
            charts.confusion(
                matrix[np.ix_(places, places)],
                [names[place] for place in places],
                height=_FINE if many else int(np.clip(_CELL * (len(names) + 1) + _FRAME, _SMALLEST, _LARGEST)),
                of=of,
                chosen=_frame(filter_, places),
                clickable=True,
            ),
            key=state.CONFUSION,
            alt=_in_words(matrix, names),
            title="Confusion matrix",
            on_select=lambda: _clicked(names, places),
        )
        st.caption(
            "Rows: true labels. Columns: predictions. Grey: right. Orange: wrong; the darker, the larger the fraction. "
            "Click a cell, or a number in the last row or column, to see its images; the two menus do the same."
        )
    with right:
        if many and filter_ == images.Classes():
            _most_frequent(matrix, names)
        images.of_cell(run, found, filter_)


def _most_frequent(matrix: np.ndarray, names: tuple[str, ...]) -> None:
    """The most frequent mistakes as a table, where the matrix is too fine to be read."""
    worst = [one for one in scores.most_confused(matrix, _LISTED) if one.count > 1]
    if not worst:
        return
    rows = [
        {"True label": names[one.true], "Predicted": names[one.predicted], "Images": one.count, "Of": one.of}
        for one in worst
    ]
    st.markdown("**Most frequent mistakes**")
    st.dataframe(pd.DataFrame(rows), hide_index=True, height="content", key="most_frequent_mistakes")


def _frame(filter_: images.Classes, places: list[int]) -> tuple[int, int] | None:
    """Where the chosen cell stands in the matrix."""
    if filter_.true is None and filter_.predicted is None:
        return None
    row, column = (charts.ALL if label is None else places.index(label) for label in (filter_.true, filter_.predicted))
    return row, column


def _clicked(names: tuple[str, ...], places: list[int]) -> None:
    points = st.session_state[state.CONFUSION]["selection"]["points"]
    if points:
        row, column = points[0]["customdata"]
        for key, place in ((state.EVALUATE_TRUE, row), (state.EVALUATE_PREDICTED, column)):
            st.session_state[key] = images.ANY if place == charts.ALL else names[places[int(place)]]
        images.forget_opened()


def _in_words(matrix: np.ndarray, names: tuple[str, ...]) -> str:
    frequent = ", ".join(
        f"{names[one.true]} taken for {names[one.predicted]} {counted(one.count, 'time')}"
        for one in scores.most_confused(matrix, 3)
    )
    return f"Confusion matrix of {len(names)} classes. Most frequent mistakes: {frequent or 'none'}."


# ---------------------------------------------------------------- what to do next


def _next(run: Run, found: Predictions) -> None:
    st.subheader("What to do next", anchor=False)
    epochs = [record for record in runs.read_metrics(run) if record["kind"] == "epoch"]
    card = run.config.data.card
    above = card.suspicious_above if found.split == "test" else None
    advice = advise(found, epochs[-1] if epochs else None, _training_images(run), above)
    if not advice:
        st.markdown("Nothing stands out. See how it copes with noise, blur and shifts under **Robustness**.")
    for number, one in enumerate(advice):
        with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"advice-{number}"):
            st.markdown(f"**{shell.plain(one.title)}** {shell.plain(one.text)}", width="stretch")
            _way(run, one)


def _training_images(run: Run) -> np.ndarray | None:
    """How many of each class it was trained on, where the dataset is here."""
    config = run.config.data
    if data.dataset_of(config).missing():
        return None
    try:
        return _counts(data.fingerprint(config), config)
    except data.DataUnavailable:  # gone meanwhile
        return None


@lru_cache(maxsize=16)
def _counts(fingerprint: str, config: Data) -> np.ndarray:
    return np.bincount(data.load(config).train.labels, minlength=len(config.card.class_names))


def _way(run: Run, advice: Advice) -> None:
    """The link to the page that does what is advised."""
    here = {"run": run.id}
    match advice.kind:
        case "leak":
            _go("See duplicates", shell.EVALUATE, "content_copy", {**here, state.EVALUATE_VIEW: "Dataset"})
        case "confused":
            true, predicted = advice.classes
            query = {**here, state.EVALUATE_TRUE: true, state.EVALUATE_PREDICTED: predicted}
            _go("See these images", shell.EVALUATE, "image_search", {**query, state.EVALUATE_VIEW: "Images"})
        case "weak class":
            query = {**here, state.EVALUATE_TRUE: advice.classes[0], "evaluate-outcome": "Wrong"}
            _go("See its mistakes", shell.EVALUATE, "image_search", {**query, state.EVALUATE_VIEW: "Images"})
        case "calibration":
            _go("Calibrate", shell.EVALUATE, "tune", {**here, state.EVALUATE_VIEW: "Calibration"})
        case "few images" if run.config.data.card.own:
            _go("Collect more images", shell.COLLECT, "add_photo_alternate", {state.DATASET: run.config.data.dataset})
        case _:
            _go("Train another network", shell.NEW_NETWORK, "add_circle", here)


def _go(label: str, page: str, icon: str, query: dict[str, str]) -> None:
    st.page_link(page, label=label, icon=f":material/{icon}:", query_params=query, width="content")

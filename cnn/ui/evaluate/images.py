"""All images of a split to be filtered, ordered, opened and taken along."""

import io
import re
import zipfile
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from cnn.config import counted
from cnn.evaluation import scores
from cnn.evaluation.predictions import Predictions
from cnn.runs import Run
from cnn.ui import csv, fragments, links, shell, state
from cnn.ui.collect import add_dialog
from cnn.ui.evaluate import gallery, measured
from cnn.ui.evaluate.open_image import explain_link
from cnn.ui.predict import pictures

ANY = "Any"
_OUTCOMES = ("All", "Wrong", "Right")
_LARGE = 140  # screen pixels of the opened image
_IN_CELL = 60  # images of a cell that are shown beside the matrix, before a link to all


@dataclass(frozen=True)
class Classes:
    """The classes that the images are narrowed to, as indices; None: any."""

    true: int | None = None
    predicted: int | None = None

    def of(self, found: Predictions) -> np.ndarray:
        """The images of these classes, int (m,)."""
        chosen = np.ones(len(found), bool)
        if self.true is not None:
            chosen &= found.labels == self.true
        if self.predicted is not None:
            chosen &= found.predicted == self.predicted
        return np.flatnonzero(chosen)


def ask_classes(found: Predictions) -> Classes:
    """Two menus, whose classes are in the link."""
    names = found.class_names
    with st.container(horizontal=True, vertical_alignment="bottom"):
        options = [ANY, *names]
        true, predicted = (
            links.menu(key, label, options, width=150, on_change=forget_opened)
            for key, label in ((state.EVALUATE_TRUE, "True label"), (state.EVALUATE_PREDICTED, "Predicted"))
        )
    return Classes(*(None if name == ANY else names.index(name) for name in (true, predicted)))


def of_cell(run: Run, found: Predictions, filter_: Classes) -> None:
    """The images of a cell of the confusion matrix, of a row or of a column, the most confident mistakes first."""
    if filter_ == Classes():
        st.info("Choose a cell of the matrix, and its images appear here.", icon=":material/touch_app:")
        return
    listed = scores.ordered(found, filter_.of(found), "Most confident mistake")
    wrong = int((~found.right[listed]).sum())
    st.markdown(f"**{counted(len(listed), 'image')}**, {wrong:,} of them wrong, the most confident mistakes first.")
    images = measured.images(run, found.split)
    if len(listed):
        _draw(run, found, images, listed[:_IN_CELL], "cell-page")
    if len(listed) > _IN_CELL:
        st.caption(f"{_IN_CELL} of {len(listed):,} are shown here, all of them under Images.")
    _offer_selected(run, found, images)


def show(run: Run, found: Predictions) -> None:
    """Draw the view: filters, gallery, and what can be done with what is listed."""
    fragments.fragment(_view)(run, found)


def _view(run: Run, found: Predictions) -> None:
    listed = _filtered(run, found)
    images = measured.images(run, found.split)
    with st.container(horizontal=True, vertical_alignment="center"):
        wrong = int((~found.right[listed]).sum())
        st.markdown(f"**{counted(len(listed), 'image')}** of {len(found):,}, {wrong:,} of them wrong.", width="stretch")
        if len(listed):
            _downloads(found, images, listed, f"{run.id}-{found.split}", "images")
    _offer_selected(run, found, images)
    if not len(listed):
        st.info("No image is like that. Clear some filters.", icon=":material/filter_alt_off:")
        return
    _draw(run, found, images, listed, "images-page", wide=True)


# ---------------------------------------------------------------- filters


def _filtered(run: Run, found: Predictions) -> np.ndarray:
    """The images that pass all filters, in the order that was chosen."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        classes = ask_classes(found)
        outcome = links.choice("evaluate-outcome", "Outcome", _OUTCOMES)
        order = links.menu("evaluate-order", "Order", scores.ORDERS, width=210)
        with st.popover("More filters", icon=":material/filter_alt:"):
            passed = _more(run, found)
    chosen = np.zeros(len(found), bool)
    chosen[classes.of(found)] = True
    chosen &= passed
    if outcome != "All":
        chosen &= found.right == (outcome == "Right")
    return scores.ordered(found, np.flatnonzero(chosen), order)


def _more(run: Run, found: Predictions) -> np.ndarray:
    """Filters that are needed more rarely: bool (n,), which images pass."""
    low, high = links.span("evaluate-confidence", "Confidence (%)", 0, 100)
    passed = (found.confidence * 100 >= low) & (found.confidence * 100 <= high)
    most_loss = float(np.ceil(found.losses.max() * 10) / 10) or 0.1
    passed &= found.losses >= links.slider("evaluate-loss", "Loss at least", 0.0, most_loss, step=0.1)
    most_entropy = float(np.ceil(np.log(found.logits.shape[1]) * 10) / 10)
    passed &= found.entropy >= links.slider("evaluate-entropy", "Entropy at least (nats)", 0.0, most_entropy, step=0.1)
    below = _unlike_below(run)
    unlike = "clothes" if run.config.data.card.reading == "garment" else "the training images"
    if below is not None and links.switch(
        "evaluate-unlike",
        f"Only images unlike {unlike}",
        help="The energy of their logits is below the threshold by which Predict says so. Here it is measured in a "
        "single forward pass.",
    ):
        passed &= found.familiarity < below
    first, last = links.span("evaluate-index", "Index", 0, len(found) - 1)
    passed[: int(first)] = False
    passed[int(last) + 1 :] = False
    return passed


def _unlike_below(run: Run) -> float | None:
    return ((run.evaluation or {}).get("familiarity") or {}).get("unlike_below")


# ---------------------------------------------------------------- the images, and the one that is opened


def _draw(
    run: Run, found: Predictions, images: np.ndarray | None, listed: np.ndarray, key: str, wide: bool = False
) -> None:
    """The gallery, and the opened image beside or above it; a table where the images are not here."""
    opened = _opened(found)
    if images is None:
        st.dataframe(as_table(found, listed).head(gallery.PAGE), hide_index=True)
        return
    if wide:
        details, place = st.columns([3, 7], gap="large")  # in this order: one above the other where it is narrow
    else:
        details, place = st.container(), st.container()
    with details:
        if opened is not None:
            _details(run, found, images, opened)
        elif wide:
            st.caption("Click an image, or walk with the arrow keys and press Enter, to see it large.")
    with place:
        gallery.show(
            images,
            listed,
            [name(found, index) for index in listed.tolist()],
            key,
            f"{len(listed)} {found.split} images; orange frames are mistakes.",
            wrong=~found.right[listed],
            opened=opened,
            selected=_selected(run, found),
            on_open=lambda index: links.write(state.EVALUATE_IMAGE, str(index)),
        )
        st.caption(
            "An orange frame is a mistake, a blue one is selected. Point at an image to read what was predicted."
        )


def name(found: Predictions, index: int) -> str:
    """What an image is called: its index, its true label and what is predicted."""
    true, predicted = found.class_names[found.labels[index]], found.class_names[found.predicted[index]]
    said = "" if found.right[index] else f", predicted {predicted}"
    return f"{index}: {true}{said} {found.confidence[index]:.0%}"


def _opened(found: Predictions) -> int | None:
    """The image that the link names."""
    text = st.query_params.get(state.EVALUATE_IMAGE, "")
    return int(text) if text.isascii() and text.isdigit() and int(text) < len(found) else None


def forget_opened() -> None:
    """Close the opened image; for callbacks."""
    links.write(state.EVALUATE_IMAGE, None)


def _details(run: Run, found: Predictions, images: np.ndarray, index: int) -> None:
    """The opened image with its probabilities and the ways on."""
    with st.container(border=True, horizontal=True, gap="medium"):
        factor = max(1, 2 * _LARGE // max(images.shape[1:3]))  # enough pixels that each stays a square
        with st.container(width=_LARGE):
            true = found.class_names[found.labels[index]]
            st.image(
                pictures.magnified(images[index], factor),
                alt=f"The {found.split} image {index}, true label {true}.",
                width=gallery.width_within(images[index], _LARGE),
            )
        with st.container(width="stretch", gap="xsmall"):
            predicted = shell.plain(found.class_names[found.predicted[index]])
            st.markdown(f"**{found.split.capitalize()} image {index:,}**")
            if found.right[index]:
                st.markdown(f"Predicted correctly: {predicted}, {found.confidence[index]:.1%}.")
            else:
                st.markdown(
                    f":red[Predicted: {predicted}], {found.confidence[index]:.1%}. True label: {shell.plain(true)}."
                )
            best = np.argsort(-found.probabilities[index])[:3]
            st.caption(
                shell.plain(
                    " · ".join(f"{found.class_names[label]} {found.probabilities[index, label]:.1%}" for label in best)
                )
                + f" · loss {found.losses[index]:.2f} · entropy {found.entropy[index]:.2f}"
            )
            explain_link(run, found.split, found.labels, index)
            with st.container(horizontal=True):
                _select_button(run, found, index)
                st.button("Close", icon=":material/close:", type="tertiary", key="close_image", on_click=forget_opened)


# ---------------------------------------------------------------- to take along


def _selected(run: Run, found: Predictions) -> set[int]:
    """The images of this split that are selected, in this visit."""
    return st.session_state.setdefault(state.SELECTED_IMAGES, {}).setdefault((run.id, found.split), set())


def _select_button(run: Run, found: Predictions, index: int) -> None:
    selected = _selected(run, found)
    chosen = index in selected
    st.button(
        "Deselect" if chosen else "Select",
        icon=":material/check_box:" if chosen else ":material/check_box_outline_blank:",
        type="tertiary",
        key="select_image",
        on_click=selected.discard if chosen else selected.add,
        args=(index,),
        help="Selected images are downloaded together, whatever the filters are.",
    )


def _offer_selected(run: Run, found: Predictions, images: np.ndarray | None) -> None:
    """What can be done with the selected images, where there are any."""
    selected = _selected(run, found)
    if not selected:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{len(selected):,} selected**", width="stretch")
        listed = np.array(sorted(selected))
        _downloads(found, images, listed, f"{run.id}-{found.split}-selected", "selected")
        if images is not None:
            true = {found.class_names[label] for label in found.labels[listed]}
            add_dialog.offer(
                "evaluate",
                lambda: [(f"{run.id} {found.split} {index}.png", images[index]) for index in listed.tolist()],
                len(listed),
                true.pop() if len(true) == 1 else "",
            )
        st.button(
            "Clear selection", icon=":material/deselect:", type="tertiary", key="deselect", on_click=selected.clear
        )


def _downloads(found: Predictions, images: np.ndarray | None, listed: np.ndarray, name: str, key: str) -> None:
    """Images as a table and, where they are here, as labelled folders, which a training takes as own images."""
    csv.download(lambda: csv.to_csv(as_table(found, listed)), f"{name}.csv", key=f"{key}_csv")
    if images is None:
        return
    st.download_button(
        "Download images (ZIP)",
        partial(as_folders, images, found, listed),
        f"{name}.zip",
        "application/zip",
        icon=":material/folder_zip:",
        type="tertiary",
        key=f"{key}_zip",
        on_click="ignore",
        help="PNG files in a folder for each true label. Correct their labels by moving them, and train with them as "
        "your own images: python -m cnn.train --pictures FOLDER.",
    )


def as_table(found: Predictions, listed: np.ndarray) -> pd.DataFrame:
    """A row for each image: index, labels, confidence, loss, entropy, familiarity and all probabilities."""
    names = np.array(found.class_names, object)
    columns = {
        "index": listed,
        "true label": names[found.labels[listed]],
        "predicted": names[found.predicted[listed]],
        "confidence": found.confidence[listed].round(6),
        "loss": found.losses[listed].round(6),
        "entropy": found.entropy[listed].round(6),
        "familiarity": found.familiarity[listed].round(6),
    }
    probabilities = found.probabilities[listed].round(6)
    titles = [f"{name} (probability)" if name in columns else str(name) for name in names]
    return pd.DataFrame({**columns, **{name: probabilities[:, label] for label, name in enumerate(titles)}})


def as_folders(images: np.ndarray, found: Predictions, listed: np.ndarray) -> bytes:
    """A ZIP with `<label>_<class>/<split>-<index>.png`, see `cnn.data.folders`."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for index in listed.tolist():
            label = int(found.labels[index])
            folder = re.sub(r"[^\w-]+", "-", found.class_names[label]).strip("-") or "class"
            png = io.BytesIO()
            Image.fromarray(images[index]).save(png, "PNG")
            file.writestr(f"{label}_{folder}/{found.split}-{index}.png", png.getvalue())
    return content.getvalue()

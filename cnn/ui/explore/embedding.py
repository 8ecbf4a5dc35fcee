"""Test images on a map of the network's features: images with similar features lie together."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import streamlit as st
from PIL import Image

from cnn import charts, data, runs
from cnn.config import counted
from cnn.data import Split
from cnn.evaluation import pixels as digests
from cnn.evaluation.examples import Examples
from cnn.interpret import embedding
from cnn.interpret.embedding import Fidelity, Projection
from cnn.networks.batch_size import images_at_once, images_in_time
from cnn.networks.load import logits
from cnn.networks.predictor import Predictor
from cnn.runs import Run
from cnn.ui import fragments, links, shell, state
from cnn.ui.components import scatter
from cnn.ui.components.scatter import Mark, Points
from cnn.ui.predict import inputs, pictures
from cnn.ui.predict.pictures import Picture

_MOST = 2000  # images on the map, at most: t-SNE takes 14 seconds of a processor core for these, and longer for more
_WORK = 2e11  # multiply-accumulates of all of them: about twenty seconds
_BATCH = 250  # images at once, at most
_GALLERY = 60  # images of a lasso that are shown
_EDGE, _LARGE = 84, 140  # screen pixels of an image in the gallery, and of the one that was picked
_NAMED = 12  # classes of a selection that are listed
_FEWEST = 8  # images that make a map
_PCA, _TSNE = "PCA", "t-SNE"


class Shown(NamedTuple):
    """The images on the map.

    Attributes:
        images: uint8 (n, h, w) or (n, h, w, 3), which may lie on disk.
        labels: uint8 (n,).
        class_names: of the labels.
        numbers: of each within its class, from 1, as in the choice of a sample.
        total: test images that there are.
        digest: identifies these images.
    """

    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    numbers: np.ndarray
    total: int
    digest: str

    def name(self, index: int) -> str:
        return f"{self.class_names[self.labels[index]]} {self.numbers[index]}"


class Found(NamedTuple):
    """What a network makes of the images: their features' projection, its predictions (n,) and confidences (n,)."""

    projection: Projection
    predictions: np.ndarray
    confidences: np.ndarray

    def prediction(self, index: int, class_names: tuple[str, ...]) -> str:
        return _prediction(class_names[self.predictions[index]], self.confidences[index])


@fragments.fragment
def show(run: Run, predictor: Predictor, image: Picture, on_open: Callable[[int], None]) -> None:
    """The map, what is picked on it, and what is gathered by its lasso.

    Args:
        run: whose test images are shown.
        predictor: its network.
        image: in view; it is marked on the map.
        on_open: called with the index of a test image that is to come into view; then the page runs again.
    """
    if st.session_state.pop(state.EMBEDDING_LEFT, False):
        st.rerun()
    split, source = inputs.test_pictures(run)
    if len(split.labels) < _FEWEST:
        st.info(
            f"{source} A map needs at least {_FEWEST} images." if len(split.labels) else source,
            icon=":material/scatter_plot:",
        )
        return
    shown = _first(run, split)
    with st.spinner(
        f"Computing the features of {len(shown.labels):,} test images, once for this network…", show_time=True
    ):
        found = _found(*run.network_key, shown.digest, run, predictor, shown)
    if isinstance(found, str):
        st.info(found, icon=":material/scatter_plot:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        method = links.choice("explore-embedding", "Method", (_PCA, _TSNE))
        only_wrong = links.switch("explore-wrong", "Only misclassified images")
    with st.spinner(_waiting(method, len(shown.labels)), show_time=True):
        places, fidelity = _map(*run.network_key, shown.digest, method, run, found, shown)
    map_column, picked_column = st.columns([4, 1], gap="medium")
    with map_column:
        _draw(shown, found, method, places, image, predictor, only_wrong)
    with picked_column:
        _picked(shown, found, on_open)
    st.caption(f"{source} {_images(shown, found, only_wrong)}", width=shell.TEXT_WIDTH)
    st.markdown(_what_it_is(method, found, image, shown), width=shell.TEXT_WIDTH)
    st.markdown(_how_faithful(fidelity, found.projection), width=shell.TEXT_WIDTH)
    _gallery(shown, found, only_wrong, on_open)


# ---------------------------------------------------------------- the images, and what the network makes of them


def _first(run: Run, split: Split | Examples) -> Shown:
    count = images_in_time(run.config.rows(), min(_MOST, len(split.labels)), _WORK)
    labels, class_names = split.labels[:count], run.config.data.card.class_names
    numbers = np.zeros(len(labels), int)
    for label in np.unique(labels):
        of_class = labels == label
        numbers[of_class] = np.arange(1, of_class.sum() + 1)
    return Shown(split.images[:count], labels, class_names, numbers, len(split.labels), _digest(split, count))


def _digest(split: Split | Examples, count: int) -> str:
    """Identifies the first so many images with their labels."""

    def first(images: np.ndarray) -> str:
        return digests.digest(np.asarray(images[:count]))

    labels = hashlib.sha256(split.labels[:count].tobytes()).hexdigest()
    return f"{digests.once(f'first {count}', split.images, first)} {labels}"


@st.cache_resource(max_entries=4, show_spinner=False)
def _found(path: str, written: int, digest: str, _run: Run, _predictor: Predictor, _shown: Shown) -> Found | str:
    """What the network makes of the images; a sentence where that is no map."""
    if kept := _kept(_run, digest):
        return _of_arrays(kept)
    at_once = images_at_once(_predictor.model, _BATCH)
    starts = range(0, len(_shown.labels), at_once)
    features = np.concatenate(
        [_predictor.features(data.scaled(_shown.images[start : start + at_once])) for start in starts]
    )
    if features.shape[1] < 2:
        return "The layer before the output has a single unit: all images lie on a line, so there is no map."
    if not np.isfinite(features).all():
        return "The network's features are not finite numbers: its training failed, so there is no map."
    projection = embedding.pca(features)
    if not projection.explained.any():
        return "The features are the same for every image: all of them lie on one point, so there is no map."
    # From the features: the network's predictions would take as long again.
    scores = logits(_predictor.model, features)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    found = Found(projection, scores.argmax(axis=1), powers.max(axis=1) / powers.sum(axis=1))
    runs.write_found(_run, "embedding", **_as_arrays(found, digest))
    return found


@st.cache_resource(max_entries=4, show_spinner=False)
def _map(
    path: str, written: int, digest: str, method: str, _run: Run, _found: Found, _shown: Shown
) -> tuple[np.ndarray, Fidelity]:
    """The images' places (n, 2), and how far they can be trusted."""
    scores = _found.projection.scores
    if method == _PCA:
        places = scores[:, :2]
    else:
        kept = _kept(_run, digest) or {}
        places = kept.get("tsne")
        if places is None:
            places = embedding.tsne(scores)
            runs.write_found(_run, "embedding", **_as_arrays(_found, digest), tsne=places)
    return places, embedding.fidelity(scores, places, _shown.labels)


def _kept(run: Run, digest: str) -> dict[str, np.ndarray] | None:
    """What was found on an earlier visit, if it was of the same images."""
    kept = runs.read_found(run, "embedding") or {}
    is_whole = {"answers", "confidences", *Projection._fields} <= kept.keys()
    return kept if is_whole and str(kept.get("digest")) == digest else None


def _as_arrays(found: Found, digest: str) -> dict[str, np.ndarray]:
    return {
        "digest": np.array(digest),
        "answers": found.predictions,
        "confidences": found.confidences,
        **found.projection._asdict(),
    }


def _of_arrays(kept: dict[str, np.ndarray]) -> Found:
    return Found(Projection(*(kept[name] for name in Projection._fields)), kept["answers"], kept["confidences"])


@st.cache_resource(max_entries=2, show_spinner=False)
def _sheet(digest: str, _images: np.ndarray) -> scatter.Sheet:
    return scatter.sheet(_images)


# ---------------------------------------------------------------- the map


def _waiting(method: str, count: int) -> str:
    if method == _PCA:
        return "Drawing the map…"
    return f"t-SNE arranges {count:,} images, once for this network: 2,000 take about 15 seconds…"


def _draw(
    shown: Shown,
    found: Found,
    method: str,
    places: np.ndarray,
    image: Picture,
    predictor: Predictor,
    only_wrong: bool,
) -> None:
    pixels = image.seen.pixels
    scores = found.projection.project(predictor.features(pixels[None]))[0]
    place = scores[:2] if method == _PCA else embedding.placed(scores, found.projection.scores, places)
    probabilities = predictor(pixels[None])[0]
    best = int(probabilities.argmax())
    first, second = found.projection.explained[:2]
    points = Points(
        places,
        shown.labels,
        shown.class_names,
        [shown.name(index) for index in range(len(shown.labels))],
        [found.prediction(index, shown.class_names) for index in range(len(shown.labels))],
        found.predictions != shown.labels,
        _sheet(shown.digest, shown.images),
        (f"First component, {first:.0%} of the variance", f"Second, {second:.0%}") if method == _PCA else None,
    )
    scatter.show(
        points,
        Mark(
            place,
            image.title,
            _prediction(shown.class_names[best], probabilities[best]),
            charts.data_url(image.pixels(1)),
        ),
        state.EMBEDDING_MAP,
        f"A map of {len(shown.labels)} test images by {method}. Colours and shapes are their classes.",
        lambda index: _keep(state.EMBEDDING_PICKED, shown, index),
        lambda indices: _keep(state.EMBEDDING_GATHERED, shown, indices),
        _recall_picked(shown),
        _recall_gathered(shown) or (),
        only_wrong,
    )


def _prediction(name: str, confidence: float) -> str:
    return f"{name} {confidence:.0%}"


def _keep(key: str, shown: Shown, value: int | Sequence[int] | None) -> None:
    st.session_state[key] = (shown.digest, value)


def _recall_picked(shown: Shown) -> int | None:
    """The image that was picked, if these images are still on the map."""
    digest, index = st.session_state.get(state.EMBEDDING_PICKED, (None, None))
    return index if digest == shown.digest else None


def _recall_gathered(shown: Shown) -> Sequence[int] | None:
    """The images that were gathered, if these are still on the map."""
    digest, indices = st.session_state.get(state.EMBEDDING_GATHERED, (None, None))
    return indices if digest == shown.digest else None


def _images(shown: Shown, found: Found, only_wrong: bool) -> str:
    """Which of them are on the map, and what their colours mean."""
    count = len(shown.labels)
    them = (
        f"the first {count:,} of them, because the network and t-SNE take longer the more there are"
        if count < shown.total
        else "all"
    )
    if only_wrong:
        them = f"the {(found.predictions != shown.labels).sum():,} of {count:,} that the network misclassifies"
    return (
        f"On the map: {them}. Colours and shapes are the true labels; a click on a class hides it. A ring marks the "
        "image in view."
    )


def _what_it_is(method: str, found: Found, image: Picture, shown: Shown) -> str:
    width = len(found.projection.mean)
    if method == _PCA:
        fraction = found.projection.explained[:2].sum()
        return (
            f"**Principal components.** The {width} features that go into the last layer, projected on the two "
            f"directions in which they vary most, which explain {fraction:.0%} of their variance. The image in view is "
            "projected in the same way."
        )
    here = (
        "The image in view is one of them."
        if _is_among(image, shown)
        else "t-SNE cannot place an image that it has not arranged: the one in view is drawn at the mean of its "
        f"{embedding.NEIGHBOURS} nearest neighbours' places, nearer ones weighted more. Between two groups that may be "
        "an empty place."
    )
    return (
        f"**t-SNE.** The {width} features that go into the last layer, arranged so that images that are neighbours "
        "there are neighbours here. Distances between groups, and their sizes, mean nothing. " + here
    )


def _is_among(image: Picture, shown: Shown) -> bool:
    """Whether the image in view is one of those on the map."""
    pixels = image.pixels(1)
    same_class = np.flatnonzero(shown.labels == image.label)  # of none, where its class is not known
    return pixels.shape == shown.images.shape[1:] and any(np.array_equal(shown.images[at], pixels) for at in same_class)


def _how_faithful(fidelity: Fidelity, projection: Projection) -> str:
    """What was measured, and nothing beyond."""
    components, width = len(projection.explained), len(projection.mean)
    trust = int(fidelity.trustworthiness * 1000) / 1000  # rounded down: 1 would say that there is no error at all
    those = f"{width} features" if components == width else f"features' first {components} components"
    return (
        f"Of the {fidelity.count} images nearest to each in the {those}, {fidelity.features:.0%} are of its class; "
        f"of the {fidelity.count} nearest on this map, {fidelity.places:.0%}. Its trustworthiness is {trust:.3f}: "
        "1 if all neighbours here are neighbours in the features, about 0.5 by chance."
    )


# ---------------------------------------------------------------- what was picked and gathered


def _picked(shown: Shown, found: Found, on_open: Callable[[int], None]) -> None:
    index = _recall_picked(shown)
    if index is None:
        st.caption("Click an image on the map to see it here.")
        return
    name = shown.name(index)
    st.image(pictures.fitted(Image.fromarray(shown.images[index]), _LARGE), alt=f"The test image {name}.")
    truth, prediction = (
        shell.plain(words)
        for words in (shown.class_names[shown.labels[index]], found.prediction(index, shown.class_names))
    )
    st.markdown(f"**{shell.plain(name)}**")
    if found.predictions[index] == shown.labels[index]:
        st.markdown(f"Predicted correctly: {prediction}.")
    else:
        st.markdown(f":red[Predicted: {prediction}.] True label: {truth}.")
    _open_button("Open this image", "embedding_open", index, on_open, type="primary")


def _gallery(shown: Shown, found: Found, only_wrong: bool, on_open: Callable[[int], None]) -> None:
    """The images within the lasso."""
    gathered = _recall_gathered(shown)
    if gathered is None:
        return
    wrong = found.predictions != shown.labels
    listed = [index for index in gathered if wrong[index] or not only_wrong]
    st.subheader("Selected with the lasso", anchor=False)
    if not listed:
        st.caption("None of the images shown.")
        return
    st.markdown(_counts(listed, shown, wrong))
    with st.container(horizontal=True, vertical_alignment="center"):
        if len(listed) > _GALLERY:
            st.caption(f"{_GALLERY} of {len(listed):,} are shown.")
        st.button(
            "Clear the selection", icon=":material/close:", key="embedding_forget", on_click=_keep,
            args=(state.EMBEDDING_GATHERED, shown, None),
        )  # fmt: skip
    with st.grid("auto", min_column_width=_EDGE + 20, gap="small"):
        for index in listed[:_GALLERY]:
            name = shown.name(index)
            with st.container(gap="xsmall"):
                st.image(pictures.fitted(Image.fromarray(shown.images[index]), _EDGE), alt=f"The test image {name}.")
                _open_button(
                    shell.plain(name),
                    f"embedding_open_{index}",
                    index,
                    on_open,
                    type="tertiary",
                    icon=":material/arrow_outward:",
                    help="Open this image",
                )
                if wrong[index]:
                    said = shell.plain(found.prediction(index, shown.class_names))
                    st.markdown(f":small[:red[Predicted: {said}]]")


def _counts(listed: Sequence[int], shown: Shown, wrong: np.ndarray) -> str:
    """How many there are, of which classes, and how many the network gets wrong."""
    names = Counter(shown.class_names[label] for label in shown.labels[list(listed)]).most_common()
    them = ", ".join(f"{count} {shell.plain(name)}" for name, count in names[:_NAMED])
    if len(names) > _NAMED:
        them += f" and of {len(names) - _NAMED} more classes"
    errors = int(wrong[list(listed)].sum())
    return f"{counted(len(listed), 'image')}: {them}. The network misclassifies {errors or 'none'} of them."


def _open_button(label: str, key: str, index: int, on_open: Callable[[int], None], **options: str) -> None:
    def leave() -> None:
        on_open(index)
        st.session_state[state.EMBEDDING_LEFT] = True  # only this part of the page would run again

    st.button(label, key=key, on_click=leave, **options)

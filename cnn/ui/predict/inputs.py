"""The ways in for an image: a sample of the dataset, a mistake, a drawing, uploaded files, the camera.

Every one of them ends in `cnn.pictures.readings`, so the network input never depends on where an image came from.
What was drawn, uploaded or photographed is kept for the visit: draw it on one page, look inside the network on the
next. The way in, the class and the number are in the link, too; each page has parameters of its own for them.
"""

from math import prod

import numpy as np
import streamlit as st
from PIL import Image

from cnn import data, runs
from cnn.config import Data, DatasetCard, counted
from cnn.evaluation.examples import Examples, read_examples
from cnn.networks.predictor import Predictor
from cnn.pictures import MAX_BYTES, READ_IN_WORDS, UnreadableImage
from cnn.runs import Run
from cnn.ui import links, shell, state
from cnn.ui.components import drawing_board, sheet
from cnn.ui.predict import live, pictures
from cnn.ui.predict.pictures import File, Picture
from cnn.ui.state import ImageKeys

WAYS = ("Sample", "Mistake", "Draw", "Upload", "Camera")
SPLITS = ("Test", "Validation", "Train")  # of a sample
MAX_FILES = 300
_PAGES = (state.EXPLORE_IMAGE, state.PREDICT_IMAGE, state.LEARN_IMAGE)
_ANY = "Any"
_TRIED = 1000  # test images among which mistakes are looked for, at most
_TRIED_VALUES = 8_000_000  # of these images together: 32 of 288×288 pixels in colour
_STRIP = 12  # thumbnails
_STRIP_WIDTH = 360  # pixels: six thumbnails a row
_STRIP_EDGE = 56  # pixels of a thumbnail's longest edge, at most


def ask(run: Run, predictor: Predictor, keys: ImageKeys) -> Picture | list[File] | None:
    """Ask for an image. Returns the files where there are several, and None until there is something.

    Args:
        run: the current one, whose dataset the samples are from.
        predictor: its network, whose mistakes are offered.
        keys: of the page that asks.
    """
    way = links.choice(keys.way, "Image", WAYS, width="stretch")
    found: Picture | list[File] | None
    if way == "Sample":
        found = _sample(run, keys)
    elif way == "Mistake":
        found = _mistake(run, predictor, keys)
    elif way == "Draw":
        found = _drawing(predictor.card)
    elif way == "Camera" and keys is state.PREDICT_IMAGE and live.is_wanted():
        live.show(predictor)
        found = None
    else:
        files = _kept(way, {"Upload": _upload, "Camera": _camera}[way](predictor.card))
        found = files if len(files) > 1 else _picture(files[0], predictor.card) if files else None
    _bring_along(keys)
    if found is None:
        pictures.reset()
    return pictures.with_changes(found) if isinstance(found, Picture) else found


def missing(keys: ImageKeys) -> str:
    """What stands in the place of the prediction where `ask` returned None."""
    if st.session_state[keys.way] == "Draw":
        return "Nothing is drawn yet. Draw an outline, or a whole shape."
    if st.session_state[keys.way] == "Camera" and keys is state.PREDICT_IMAGE and st.session_state.get(state.LIVE):
        return "The predictions stand under the camera. Keep an image to see why the network predicts so."
    return "The prediction appears here."


def _bring_along(keys: ImageKeys) -> None:
    """Choose the same image on the other pages."""
    for others in _PAGES:
        if others is not keys:
            for mine, other in zip(keys, others, strict=True):
                if mine in st.session_state:
                    st.session_state[other] = st.session_state[mine]


def _kept(way: str, files: list[File]) -> list[File]:
    """A file that was given stays until another one comes, although its widget forgets it with the page."""
    kept = st.session_state.setdefault(state.KEPT_FILES, {})
    if files:
        kept[way] = files
    elif way in kept:
        count = len(kept[way])
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(
                f"From before: {shell.plain(kept[way][0].name) if count == 1 else f'{count} files'}", width="content"
            )
            st.button("Remove", icon=":material/close:", key="remove_files", on_click=_remove, args=(way,))
    return kept.get(way, [])


def _remove(way: str) -> None:
    st.session_state.get(state.KEPT_FILES, {}).pop(way, None)


# ---------------------------------------------------------------- samples and mistakes


def _sample(run: Run, keys: ImageKeys) -> Picture | None:
    """Choose an image of the dataset by class and number, by its thumbnail, or at random."""
    examples, source = _of_split(run, keys)
    card = run.config.data.card
    if not len(examples.labels):
        st.info(source, icon=":material/image_not_supported:")
        return None
    there = [card.class_names[label] for label in np.unique(examples.labels)]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        name = links.menu(keys.label, "Class", there, width=130)
        label = card.class_names.index(name)
        of_class = np.flatnonzero(examples.labels == label)
        number = links.number(keys.number, "Number", 1, len(of_class), width=120, help="Within its class.")
        st.button(
            "Random",
            icon=":material/shuffle:",
            key="random_sample",
            on_click=_choose_sample,
            args=(keys, examples.labels, card),
            help="Chooses an image of any class at random.",
        )
    _thumbnails(examples.images, of_class, number, keys.number, f"Images of class {name}")
    st.caption(source)
    return pictures.of_sample(examples.images[int(of_class[number - 1])], f"{name} {number}", label, card)


def _of_split(run: Run, keys: ImageKeys) -> tuple[data.Split | Examples, str]:
    """The images to choose from: test images, unless a link names another split; only then is there a menu for it."""
    if (st.session_state.get(keys.split) or st.query_params.get(keys.split, SPLITS[0])) == SPLITS[0]:
        return test_pictures(run)
    split = links.menu(keys.split, "Split", SPLITS, width=130)
    if split == SPLITS[0] or data.dataset_of(run.config.data).missing():
        return test_pictures(run)
    found = split_of(run.config.data, split.lower())
    title = shell.plain(run.config.data.card.title)
    return found, f"The {counted(len(found.labels), f'{split.lower()} image')} of {title}."


def open_sample(run: Run, index: int) -> None:
    """Bring a test image into view on the next run of the Explore page; for callbacks."""
    st.session_state[state.EXPLORE_IMAGE.split] = SPLITS[0]
    _choose_sample(state.EXPLORE_IMAGE, test_pictures(run)[0].labels, run.config.data.card, index)


def _choose_sample(keys: ImageKeys, labels: np.ndarray, card: DatasetCard, index: int | None = None) -> None:
    """Choose a test image by its index, else at random; for callbacks."""
    index = int(np.random.default_rng().integers(len(labels))) if index is None else index
    label = int(labels[index])
    st.session_state[keys.way] = "Sample"
    st.session_state[keys.label] = card.class_names[label]
    st.session_state[keys.number] = int((labels[: index + 1] == label).sum())


def _mistake(run: Run, predictor: Predictor, keys: ImageKeys) -> Picture | None:
    """Choose a test image that the network gets wrong, the most confident mistakes first."""
    examples, source = test_pictures(run)
    if not len(examples.labels):
        st.info(source, icon=":material/image_not_supported:")
        return None
    card, names = run.config.data.card, run.config.data.card.class_names
    count = max(50, min(_TRIED, _TRIED_VALUES // prod(card.input_shape)))
    labels = examples.labels[:count]
    if isinstance(examples, Examples):
        found = examples.probabilities[:count]
    else:
        found = _predictions(*run.network_key, len(labels), predictor, examples.images[:count])
    predicted, confidence = found.argmax(axis=1), found.max(axis=1)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        of = links.menu(keys.mistakes, "True label", [_ANY, *(name for name in names if name != _ANY)], width=130)
        asked = predicted != labels if of == _ANY else (predicted != labels) & (labels == names.index(of))
        wrong = np.flatnonzero(asked)
        wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
        if not len(wrong):
            of_class = "" if of == _ANY else f" of class {shell.plain(of)}"
            st.info(f"None of the {len(labels):,} test images{of_class} is misclassified.", icon=":material/check:")
            return None
        number = links.number(keys.mistake, "Number", 1, len(wrong), width=120, help="Most confident first.")
        st.button(
            "Random",
            icon=":material/shuffle:",
            key="random_mistake",
            on_click=_choose_mistake,
            args=(keys, len(wrong)),
            help="Chooses one of these mistakes at random.",
        )
    _thumbnails(examples.images, wrong, number, keys.mistake, "Misclassified test images, most confident first")
    index = int(wrong[number - 1])
    true = names[labels[index]]
    st.caption(
        f"Predicted {shell.plain(names[predicted[index]])} ({confidence[index]:.1%} in a single forward pass), "
        f"true label {shell.plain(true)}. "
        f"{len(wrong):,} of {len(labels):,} test images are misclassified"
        f"{'' if of == _ANY else f' and have the true label {shell.plain(of)}'}. {source}"
    )
    return pictures.of_sample(examples.images[index], f"{true}, mistake {number}", int(labels[index]), card)


def _choose_mistake(keys: ImageKeys, count: int) -> None:
    st.session_state[keys.mistake] = int(np.random.default_rng().integers(count)) + 1


def _thumbnails(images: np.ndarray, indices: np.ndarray, number: int, key: str, label: str) -> None:
    """Thumbnails of the images around the chosen one; a click on one chooses it.

    Args:
        images: uint8 (n, h, w) or (n, h, w, 3).
        indices: of the images on offer, in their order.
        number: of the chosen one among these, from 1.
        key: of the control with the number.
        label: what the strip shows, for who cannot see it.
    """
    first = (number - 1) // _STRIP * _STRIP
    numbers = range(first + 1, min(first + _STRIP, len(indices)) + 1)
    shown = thumbnails(images[indices[first : first + _STRIP]])
    strip = sheet.Strip(
        shown,
        [f"Number {one}" for one in numbers],
        numbers,
        scale=max(1, _STRIP_EDGE // max(shown.shape[1:3])),
        chosen=[number - 1 - first],
    )

    def pick(_: int, chosen: int | None) -> None:
        st.session_state[key] = chosen

    with st.container(width=_STRIP_WIDTH):
        sheet.show([strip], f"{key}-thumbnails", label, on_pick=pick)


def thumbnails(images: np.ndarray) -> np.ndarray:
    """Images uint8 (n, h, w) or (n, h, w, 3) -> uint8 (n, h', w', 3), large ones reduced to 56 pixels."""
    colours = images if images.ndim == 4 else images[..., None].repeat(3, axis=-1)
    if max(colours.shape[1:3]) <= _STRIP_EDGE:
        return colours
    return np.stack([np.asarray(pictures.fitted(Image.fromarray(image), _STRIP_EDGE)) for image in colours])


@st.cache_resource(max_entries=4, show_spinner="Looking for mistakes…")
def _predictions(path: str, written: int, count: int, _predictor: Predictor, _images: np.ndarray) -> np.ndarray:
    """One forward pass of each of the test images, (n, classes)."""
    batches = [data.scaled(_images[start : start + 50]) for start in range(0, count, 50)]
    return np.concatenate([_predictor(batch) for batch in batches])


def test_pictures(run: Run) -> tuple[data.Split | Examples, str]:
    """The test images of the run's dataset, all that are on this machine, and where they come from.

    Where the dataset is gone or has not been downloaded, those that are kept with the run or with the shipped one; none
    where there are none of these, and a sentence why.
    """
    config, card = run.config.data, run.config.data.card
    dataset = data.dataset_of(config)
    gone, _ = what_is_missing(run)
    if not gone:
        try:
            of_dataset = f"The test images of {shell.plain(card.title)}, your own." if card.own else dataset.samples
            return split_of(config, "test"), of_dataset
        except data.DataUnavailable as error:
            gone = str(error)
            if not card.own:
                st.warning(shell.plain(gone))
    shipped = runs.get(runs.DEFAULT_ID)
    if shipped.config and shipped.config.data.card == card and (examples := read_examples(shipped)):
        title = card.title
        return examples, f"100 test images of {title}, shipped with the program; all of them after your first training."
    if examples := read_examples(run):
        kept = counted(len(examples.labels), "test image")
        return examples, f"{shell.plain(gone)} Here are the {kept} that are kept with the run."
    height, width, channels = card.input_shape
    empty = np.zeros((0, height, width) if channels == 1 else (0, *card.input_shape), np.uint8)
    return data.Split(empty, np.zeros(0, np.uint8)), f"{shell.plain(gone)} The run keeps no test images itself."


def what_is_missing(run: Run) -> tuple[str, str]:
    """Why the images of a run's dataset are not here, and how to get them, a sentence each; empty where they are."""
    dataset = data.dataset_of(run.config.data)
    missing = dataset.missing()
    if missing and run.shipped and run.config.data.card.own:
        return f"The images that {run.name} was trained on do not come with the program.", ""
    return missing, dataset.by_hand() if missing else ""


def split_of(config: Data, split: str) -> data.Split:
    """The images that a configuration names, shared by all visitors; split: train, validation or test.

    Raises:
        DataUnavailable: they can be neither found nor downloaded.
    """
    whole = config if split == "train" or config.classes else config.model_copy(update={"limit": 100})
    return _split_of(data.fingerprint(whole), split, whole)


@st.cache_resource(max_entries=4, show_spinner="Loading the images…")
def _split_of(fingerprint: str, split: str, _config: Data) -> data.Split:
    return getattr(data.load(_config), split)


# ---------------------------------------------------------------- drawings and files


def _drawing(card: DatasetCard) -> Picture | None:
    rgba = drawing_board.ask(templates=card.reading == "garment")
    try:
        return pictures.of_drawing(rgba, card)
    except UnreadableImage:  # nothing is drawn yet
        return None


def _upload(card: DatasetCard) -> list[File]:
    each = "One garment in each: " if card.reading == "garment" else ""
    files = st.file_uploader(
        "One image, or many at once",
        accept_multiple_files=True,
        key="upload",
        on_change=lambda: _remove("Upload"),
        help=(
            f"{each}{READ_IN_WORDS}, whatever its name ends in. "
            f"At most {MAX_BYTES >> 20} MB a file and {MAX_FILES} files."
        ),
    )
    if len(files) > MAX_FILES:
        st.warning(f"Only the first {MAX_FILES} of {len(files)} files are used. Upload the others afterwards.")
    return [File(file.file_id, file.name, file.getvalue()) for file in files[:MAX_FILES]]


def _camera(card: DatasetCard) -> list[File]:
    label = "A photo of one garment on a plain background" if card.reading == "garment" else "A photo"
    photo = st.camera_input(label, key="camera", on_change=lambda: _remove("Camera"))
    return [File(photo.file_id, "Your photo", photo.getvalue())] if photo else []


def _picture(file: File, card: DatasetCard) -> Picture | None:
    try:
        return pictures.of_file(file, card)
    except UnreadableImage as error:
        st.error(f"{shell.plain(file.name)}: {error}", icon=":material/broken_image:")
        return None

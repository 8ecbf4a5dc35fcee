"""The ways in for a picture: a sample of the dataset, a drawing, uploaded files, the camera.

Every one of them ends in `cnn.pictures.readings`, so what the network sees never depends on where a picture came from.
What was drawn, uploaded or photographed is kept for the visit: draw it on one page, look inside the network
on the next.
"""

import numpy as np
import streamlit as st

from cnn import data, runs
from cnn.config import CLASS_NAMES, STAND_IN, Data
from cnn.evaluation.examples import Examples, read_examples
from cnn.networks.predictor import Predictor
from cnn.pictures import UnreadableImage
from cnn.runs import Run
from cnn.ui import shell, state
from cnn.ui.components import drawing_board
from cnn.ui.predict import pictures
from cnn.ui.predict.pictures import File, Picture

WAYS = {
    "Sample": ":material/apparel:",
    "Mistake": ":material/rule:",
    "Draw": ":material/draw:",
    "Upload": ":material/upload_file:",
    "Camera": ":material/photo_camera:",
}
KEYS = ("sample_class", "sample_number")  # what a link says of a sample
FILE_TYPES = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff"]
MAX_FILES = 300
_TRIED = 1000  # test pictures among which mistakes are looked for


def ask(run: Run, predictor: Predictor) -> Picture | list[File] | None:
    """Ask for a picture. Returns the files where there are several, and None until there is something."""
    way = st.segmented_control(
        "Picture",
        list(WAYS),
        default="Sample",
        required=True,
        format_func=lambda name: f"{WAYS[name]} {name}",
        key=state.WAY,
        persist_state="session",
        wrap=True,
    )
    if way == "Sample":
        picture = sample(run)
    elif way == "Mistake":
        picture = _mistake(run, predictor)
    elif way == "Draw":
        picture = _drawing()
    else:
        files = _kept(way, {"Upload": _upload, "Camera": _camera}[way]())
        if len(files) > 1:
            return files
        picture = _picture(files[0]) if files else None
    if picture is None:
        pictures.reset()
        return None
    return pictures.with_changes(picture)


def _kept(way: str, files: list[File]) -> list[File]:
    """A file that was given stays until another one comes, although its widget forgets it with the page."""
    kept = st.session_state.setdefault(state.KEPT_FILES, {})
    if files:
        kept[way] = files
    elif way in kept:
        count = len(kept[way])
        st.caption(f"From before: {shell.plain(kept[way][0].name) if count == 1 else f'{count} files'}")
        st.button(
            "Forget it" if count == 1 else "Forget them",
            icon=":material/close:",
            key="forget",
            on_click=_forget,
            args=(way,),
        )
    return kept.get(way, [])


def _forget(way: str) -> None:
    st.session_state.get(state.KEPT_FILES, {}).pop(way, None)


def sample(run: Run) -> Picture:
    """Choose a test picture by class and number."""
    examples, source = test_pictures(run)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Class", CLASS_NAMES, key=state.SAMPLE_CLASS, bind="query-params", width=200)
        label = CLASS_NAMES.index(name)
        of_class = (examples.labels == label).nonzero()[0]
        number = st.number_input(
            "Number",
            1,
            len(of_class),
            key=state.SAMPLE_NUMBER,
            bind="query-params",
            width=160,
            help="Within its class.",
        )
    st.caption(source)
    return pictures.of_sample(examples.images[int(of_class[number - 1])], f"{name} {number}", label)


def open_sample(run: Run, index: int) -> None:
    """Bring a test picture into view on the next run; for callbacks."""
    labels = test_pictures(run)[0].labels
    label = int(labels[index])
    st.session_state[state.WAY] = "Sample"
    st.session_state[state.SAMPLE_CLASS] = CLASS_NAMES[label]
    st.session_state[state.SAMPLE_NUMBER] = int((labels[: index + 1] == label).sum())


def _mistake(run: Run, predictor: Predictor) -> Picture | None:
    """Choose a test picture that the network gets wrong, the most confident mistakes first."""
    examples, source = test_pictures(run)
    labels = examples.labels[:_TRIED]
    answers = _answers(*run.network_key, len(labels), predictor, examples.images[:_TRIED])
    chosen, confidence = answers.argmax(axis=1), answers.max(axis=1)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        of = st.selectbox("Class", ["Any", *CLASS_NAMES], key="mistake_class", persist_state="session", width=200)
        asked = chosen != labels if of == "Any" else (chosen != labels) & (labels == CLASS_NAMES.index(of))
        wrong = np.flatnonzero(asked)
        wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
        if not len(wrong):
            st.info(f"None of these {len(labels):,} test pictures is answered wrongly.", icon=":material/check:")
            return None
        number = st.number_input(
            "Number", 1, len(wrong), key=f"mistake-{of}-{run.id}", width=160, help="The most confident first."
        )
    index = int(wrong[number - 1])
    true = CLASS_NAMES[labels[index]]
    st.caption(
        f"{len(wrong)} of {len(labels):,} test pictures are answered wrongly"
        f"{'' if of == 'Any' else ' of this class'}; here {true} is taken for {CLASS_NAMES[chosen[index]]} with "
        f"{confidence[index]:.1%}. {source}"
    )
    return pictures.of_sample(examples.images[index], f"{true}, mistake {number}", int(labels[index]))


@st.cache_resource(max_entries=4, show_spinner="Looking for mistakes…")
def _answers(path: str, written: int, count: int, _predictor: Predictor, _images: np.ndarray) -> np.ndarray:
    """One look at each of the test pictures, (n, 10)."""
    batches = [data.scaled(_images[start : start + 100]) for start in range(0, count, 100)]
    return np.concatenate([_predictor(batch) for batch in batches])


def test_pictures(run: Run) -> tuple[data.Split | Examples, str]:
    """The test pictures of the run's dataset, all that are on this machine, and where they come from."""
    dataset = data.DATASETS[run.config.data.dataset]
    if not dataset.missing():
        try:
            return _test_split(dataset.card.name), dataset.samples
        except data.DataUnavailable as error:
            st.warning(str(error))
    shipped = runs.get(runs.DEFAULT_ID)
    examples = read_examples(shipped)
    if examples is None:
        stand_in = data.DATASETS[STAND_IN.name]
        return _test_split(STAND_IN.name), f"{stand_in.samples} The shipped examples are damaged."
    title = shipped.config.data.card.title
    return examples, f"100 test pictures of {title} that come with the program; all of them after a first training."


@st.cache_resource(max_entries=2, show_spinner="Loading the test pictures…")
def _test_split(dataset: str) -> data.Split:
    return data.load(Data(dataset=dataset, limit=100)).test


def _drawing() -> Picture | None:
    rgba = drawing_board.ask()
    try:
        return pictures.of_drawing(rgba)
    except UnreadableImage as error:
        st.info(str(error), icon=":material/draw:")
        return None


def _upload() -> list[File]:
    files = st.file_uploader(
        "One picture, or many at once",
        type=FILE_TYPES,
        accept_multiple_files=True,
        key="upload",
        on_change=lambda: _forget("Upload"),
        help=f"One garment in each, at most 10 MB a file and {MAX_FILES} files at a time.",
    )
    if len(files) > MAX_FILES:
        st.warning(f"Only the first {MAX_FILES} of {len(files)} files are read: upload the others after these.")
    return [File(file.file_id, file.name, file.getvalue()) for file in files[:MAX_FILES]]


def _camera() -> list[File]:
    photo = st.camera_input(
        "A photo of one garment on a plain background", key="camera", on_change=lambda: _forget("Camera")
    )
    return [File(photo.file_id, "Your photo", photo.getvalue())] if photo else []


def _picture(file: File) -> Picture | None:
    try:
        return pictures.of_file(file)
    except UnreadableImage as error:
        st.error(f"{shell.plain(file.name)}: {error}", icon=":material/broken_image:")
        return None

"""The ways in for a picture: a sample of the dataset, a drawing, uploaded files, the camera.

Every one of them ends in `cnn.images`, so what the network sees never depends on where a picture came from. What was
drawn, uploaded or photographed is kept for the visit: draw it on one page, look inside the network on the next.
"""

from dataclasses import dataclass

import numpy as np
import streamlit as st
from streamlit_drawable_canvas import st_canvas

from cnn import data, evaluate, images, runs
from cnn.config import CLASS_NAMES, Data
from cnn.evaluate import Examples
from cnn.images import NetworkInput, UnreadableImage
from cnn.runs import Run
from cnn.ui import shell

WAYS = {
    "Sample": ":material/apparel:",
    "Draw": ":material/draw:",
    "Upload": ":material/upload_file:",
    "Camera": ":material/photo_camera:",
}
FILE_TYPES = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff"]
MAX_FILES = 20
_CANVAS = 280  # pixels; 10 for each of the network's, and narrow enough for a phone
_KEPT = "kept_pictures"


@dataclass(frozen=True)
class Picture:
    """A picture as the network sees it, what to call it, and the true class if the dataset knows it."""

    title: str
    seen: NetworkInput
    label: int | None = None

    def pixels(self, factor: int = 8) -> np.ndarray:
        """The network's input to be shown: uint8 (28 factor, 28 factor), each pixel a square."""
        grey = (self.seen.pixels[..., 0] * 255).round().astype(np.uint8)
        return grey.repeat(factor, axis=0).repeat(factor, axis=1)


def pictures(run: Run) -> list[Picture]:
    """Ask for a picture, or for several files. Empty until there is one."""
    way = st.segmented_control(
        "Picture",
        list(WAYS),
        default="Sample",
        required=True,
        format_func=lambda name: f"{WAYS[name]} {name}",
        key="way",
        persist_state="session",
        wrap=True,
    )
    if way == "Sample":
        return [sample(run)]
    found = {"Draw": _drawing, "Upload": _upload, "Camera": _camera}[way]()
    kept = st.session_state.setdefault(_KEPT, {})
    if found:
        kept[way] = found
    elif way in kept:
        st.caption(f"From before: {', '.join(shell.plain(picture.title) for picture in kept[way])}")
        st.button("Forget it", icon=":material/close:", key="forget", on_click=_forget, args=(way,))
    return kept.get(way, [])


def _forget(way: str) -> None:
    st.session_state.get(_KEPT, {}).pop(way, None)


def sample(run: Run) -> Picture:
    """Choose a test picture by class and number."""
    examples, source = _samples(run)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Class", CLASS_NAMES, key="sample_class", persist_state="session", width=200)
        label = CLASS_NAMES.index(name)
        of_class = (examples.labels == label).nonzero()[0]
        number = st.number_input(
            "Number",
            1,
            len(of_class),
            key="sample_number",
            persist_state="session",
            width=160,
            help="Within its class.",
        )
    st.caption(source)
    index = int(of_class[number - 1])
    return Picture(f"{name} {number}", images.to_network_input(examples.images[index]), label)


def _samples(run: Run) -> tuple[data.Split | Examples, str]:
    """Test pictures to choose from, and where they come from."""
    if run.config.data.dataset == "synthetic":
        return _test_split("synthetic"), ":orange-badge[synthetic] Test pictures drawn by this program."
    if data.is_cached():
        try:
            return _test_split("fashion-mnist"), "The 10,000 test pictures of Fashion-MNIST."
        except data.DataUnavailable as error:
            st.warning(str(error))
    shipped = evaluate.read_examples(runs.get(runs.DEFAULT_ID))
    if shipped is None:
        return _test_split(
            "synthetic"
        ), ":orange-badge[synthetic] Drawn by this program: the shipped examples are damaged."
    return shipped, "100 test pictures of Fashion-MNIST that come with the program; all 10,000 after a first training."


@st.cache_resource(max_entries=2, show_spinner="Loading the test pictures…")
def _test_split(dataset: str) -> data.Split:
    return data.load(Data(dataset=dataset, limit=100)).test


def _drawing() -> list[Picture]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        tools = ["Brush", "Polygon", "Eraser"]
        tool = st.segmented_control(
            "Tool", tools, default="Brush", required=True, key="tool", persist_state="session", wrap=True
        )
        width = st.slider("Width (pixels)", 2, 60, 22, key="brush_width", persist_state="session", width=160)
    st.space("small")  # the canvas's own toolbar floats here
    st.session_state.setdefault("canvas_count", 0)
    canvas = st_canvas(
        fill_color="black",
        stroke_width=1 if tool == "Polygon" else width,
        stroke_color="white" if tool == "Eraser" else "black",
        background_color="white",
        height=_CANVAS,
        width=_CANVAS,
        drawing_mode="polygon" if tool == "Polygon" else "freedraw",
        return_image_data=True,
        key=f"canvas-{st.session_state['canvas_count']}",
        on_change=lambda: _forget("Draw"),
    )
    st.button("Clear", icon=":material/ink_eraser:", key="clear", on_click=_clear)
    st.caption(
        "Draw a garment that fills the canvas, as one dark shape. Polygon: click the corners, and the first one again "
        "to close it. The arrows above the canvas undo and redo. Without a mouse: choose a sample, or upload a picture."
    )
    drawn = canvas.json_data is not None and canvas.json_data.get("objects")
    try:
        return [Picture("Your drawing", images.from_canvas(canvas.image_data if drawn else None))]
    except UnreadableImage as error:
        if "Draw" not in st.session_state.get(_KEPT, {}):
            st.info(str(error), icon=":material/draw:")
        return []


def _clear() -> None:
    """A canvas with another key is a new one."""
    st.session_state["canvas_count"] += 1
    _forget("Draw")


def _upload() -> list[Picture]:
    files = st.file_uploader(
        "Pictures of one garment each",
        type=FILE_TYPES,
        accept_multiple_files=True,
        key="upload",
        on_change=lambda: _forget("Upload"),
        help="On a plain background, at most 10 MB each.",
    )
    if len(files) > MAX_FILES:
        st.warning(f"Only the first {MAX_FILES} of {len(files)} files are shown: upload fewer at a time.")
    return [picture for file in files[:MAX_FILES] for picture in _read(file, file.name)]


def _camera() -> list[Picture]:
    photo = st.camera_input(
        "A photo of one garment on a plain background", key="camera", on_change=lambda: _forget("Camera")
    )
    return _read(photo, "Your photo") if photo else []


def _read(file, title: str) -> list[Picture]:
    try:
        return [Picture(title, _network_input(file.getvalue()))]
    except UnreadableImage as error:
        st.error(f"{shell.plain(title)}: {error}", icon=":material/broken_image:")
        return []


@st.cache_resource(max_entries=2 * MAX_FILES, show_spinner=False)
def _network_input(content: bytes) -> NetworkInput:
    """A page runs anew at every click, and a file stays the same."""
    return images.read(content)

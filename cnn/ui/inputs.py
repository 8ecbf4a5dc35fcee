"""The ways in for a picture: a sample of the dataset, a drawing, uploaded files, the camera.

Every one of them ends in `cnn.images`, so what the network sees never depends on where a picture came from.
"""

from dataclasses import dataclass

import streamlit as st
from streamlit_drawable_canvas import st_canvas

from cnn import data, evaluate, images, runs
from cnn.config import CLASS_NAMES, Data
from cnn.evaluate import Examples
from cnn.images import NetworkInput, UnreadableImage
from cnn.runs import Run

WAYS = {
    "Sample": ":material/apparel:",
    "Draw": ":material/draw:",
    "Upload": ":material/upload_file:",
    "Camera": ":material/photo_camera:",
}
_CANVAS = 308  # pixels; 11 for each of the network's, and narrow enough for a phone
FILE_TYPES = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff"]


@dataclass(frozen=True)
class Picture:
    """A picture as the network sees it, what to call it, and the true class if the dataset knows it."""

    title: str
    seen: NetworkInput
    label: int | None = None


def pictures(run: Run, many: bool = False) -> list[Picture]:
    """Ask for a picture (or, where `many`, for any number of files). Empty until there is one."""
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
    match way:
        case "Draw":
            return _drawing()
        case "Upload":
            return _upload(many)
        case "Camera":
            return _camera()
    return [sample(run)]


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
    index = int(of_class[min(number, len(of_class)) - 1])
    st.caption(source)
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
    examples = evaluate.read_examples(runs.get(runs.DEFAULT_ID))
    return examples, "100 test pictures of Fashion-MNIST that come with the program; all 10,000 after a first training."


@st.cache_resource(max_entries=2, show_spinner="Loading the test pictures…")
def _test_split(dataset: str) -> data.Split:
    return data.load(Data(dataset=dataset, limit=100)).test


def _drawing() -> list[Picture]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        tool = st.segmented_control("Tool", ["Brush", "Polygon", "Eraser"], default="Brush", required=True, key="tool")
        width = st.slider("Width (pixels)", 2, 60, 22, key="brush_width", width=160)
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
    )
    if st.button("Clear", icon=":material/ink_eraser:", key="clear"):
        st.session_state["canvas_count"] += 1
        st.rerun()
    st.caption(
        "Draw a garment that fills the canvas, as one dark shape. Polygon: click the corners, and the first one again "
        "to close it. The arrows under the canvas undo and redo."
    )
    drawn = canvas.json_data is not None and canvas.json_data.get("objects")
    try:
        return [Picture("Your drawing", images.from_canvas(canvas.image_data if drawn else None))]
    except UnreadableImage as error:
        st.info(str(error), icon=":material/draw:")
        return []


def _upload(many: bool) -> list[Picture]:
    label = "Pictures of one garment each" if many else "A picture of one garment"
    files = st.file_uploader(
        label,
        type=FILE_TYPES,
        accept_multiple_files=many,
        key=f"upload-{many}",
        help="At most 10 MB each, on a plain background.",
    )
    return [picture for file in (files if many else [files]) if file for picture in _read(file, file.name)]


def _camera() -> list[Picture]:
    photo = st.camera_input("A photo of one garment on a plain background", key="camera")
    return _read(photo, "Your photo") if photo else []


def _read(file, title: str) -> list[Picture]:
    try:
        return [Picture(title, images.read(file.getvalue()))]
    except UnreadableImage as error:
        st.error(f"{title}: {error}", icon=":material/broken_image:")
        return []

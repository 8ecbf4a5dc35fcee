"""What a value of a feature map sees of the image: of the network's input, and of the original."""

import streamlit as st
from PIL import Image, ImageDraw

from cnn import charts
from cnn.interpret.seen_pixels import pixels_seen
from cnn.ui.components import pixels, seen
from cnn.ui.components.seen import Frame
from cnn.ui.explore.model_view import ModelView
from cnn.ui.predict.pictures import Picture

MAP = 300  # screen pixels that a map may be wide
_FIELD = 240  # and the image with what its pixel sees


def show(now: ModelView, image: Picture, layer: str, where: tuple[int, ...]) -> None:
    """Draw the receptive field of the value in (row, column) of a layer; nothing where it sees everything."""
    field = next(known for known in now.run.config.rows() if known.name == layer).receptive_field
    if field is None:
        return
    row, column = where
    rows, columns = pixels_seen(now.network.forward, layer, (row, column))
    frame = seen.frame(rows, columns)
    seen_by_network, which = image.seen.pixels, "field_pinned" if image is now.pinned else "field"
    height, width, channels = seen_by_network.shape
    st.markdown("**What the marked pixel sees**")
    pixels.show(
        seen_by_network if channels == 3 else seen_by_network[..., 0],
        (0.0, 1.0),
        key=which,
        label=f"The image with what the marked pixel sees: {seen.words(rows, columns)}.",
        chosen=frame,
        size=_FIELD,
    )
    beyond = " Part of it lies beyond the border." if frame is None or min(frame[2:]) < field.size else ""
    st.caption(
        f"Its receptive field: {field.size}×{field.size} pixels of the network's input.{beyond} "
        f"It sees {seen.words(rows, columns)}."
    )
    if frame and image.shown.size != (width, height):
        st.image(
            _outlined(image, frame),
            caption="The same on the original.",
            width=_FIELD,
            alt=f"{image.title} with a rectangle around what the marked pixel sees.",
        )


def _outlined(image: Picture, frame: Frame) -> Image.Image:
    """The original, with a rectangle around these pixels of the network's input."""
    drawn, whole = image.shown.convert("RGB"), image.seen.frame
    high, wide = image.seen.pixels.shape[:2]
    top, left, height, width = (index / edge for index, edge in zip(frame, (high, wide) * 2, strict=True))
    x, y = whole.left * drawn.width, whole.top * drawn.height
    across, down = (whole.right - whole.left) * drawn.width, (whole.bottom - whole.top) * drawn.height
    box = [x + left * across, y + top * down, x + (left + width) * across, y + (top + height) * down]
    ImageDraw.Draw(drawn).rectangle(box, outline=charts.RED, width=max(2, drawn.width // 120))
    return drawn

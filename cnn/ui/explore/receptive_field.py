"""What a value of a feature map sees of the picture, as the network sees it and as it came."""

import streamlit as st
from PIL import Image, ImageDraw

from cnn import charts
from cnn.interpret.seen_pixels import pixels_seen
from cnn.ui.components import pixels, seen
from cnn.ui.components.seen import Frame
from cnn.ui.explore.model_view import ModelView
from cnn.ui.predict.pictures import Picture

_SIZE = 280  # screen pixels


def show(now: ModelView, picture: Picture, layer: str, where: tuple[int, ...]) -> None:
    """Draw the receptive field of the value in (row, column) of a layer; nothing where it sees all."""
    field = next(known for known in now.run.config.rows() if known.name == layer).receptive_field
    if field is None:
        return
    row, column = where
    rows, columns = pixels_seen(now.network.forward, layer, (row, column))
    frame = seen.frame(rows, columns)
    image, which = picture.seen.pixels[..., 0], "field_kept" if picture is now.pinned else "field"
    st.markdown("**What the marked pixel sees**")
    pixels.show(
        image,
        (0.0, 1.0),
        key=which,
        label=f"The picture with what the marked pixel sees: {seen.words(rows, columns)}.",
        chosen=frame,
        size=_SIZE,
    )
    beyond = " A part of it lies beyond the border." if frame is None or min(frame[2:]) < field.size else ""
    st.caption(
        f"Its receptive field: {field.size}×{field.size} pixels of the network's input.{beyond} "
        f"It sees {seen.words(rows, columns)}."
    )
    if frame and picture.shown.size != image.shape[::-1]:
        st.image(
            _outlined(picture, frame),
            caption="The same on the picture as it came.",
            width=_SIZE,
            alt=f"{picture.title} with a rectangle around what the marked pixel sees.",
        )


def _outlined(picture: Picture, frame: Frame) -> Image.Image:
    """The picture as it came, with a rectangle around these pixels of the network's input."""
    drawn, whole, edge = picture.shown.convert("RGB"), picture.seen.frame, len(picture.seen.pixels)
    top, left, height, width = (index / edge for index in frame)
    x, y = whole.left * drawn.width, whole.top * drawn.height
    across, down = (whole.right - whole.left) * drawn.width, (whole.bottom - whole.top) * drawn.height
    box = [x + left * across, y + top * down, x + (left + width) * across, y + (top + height) * down]
    ImageDraw.Draw(drawn).rectangle(box, outline=charts.RED, width=max(2, drawn.width // 120))
    return drawn

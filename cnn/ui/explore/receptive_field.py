"""What a value of a feature map sees of the picture, as the network sees it and as it came."""

import streamlit as st
from PIL import Image, ImageDraw

from cnn import charts
from cnn.ui.components import pixels
from cnn.ui.explore.model_view import ModelView
from cnn.ui.predict.pictures import Picture

_SIZE = 280  # screen pixels


def show(now: ModelView, picture: Picture, layer: str, where: tuple[int, ...]) -> None:
    """Draw the receptive field of the value in (row, column) of a layer; nothing where it sees all."""
    field = next(row for row in now.run.config.rows() if row.name == layer).receptive_field
    if field is None:
        return
    (top, bottom), (left, right) = (field.seen_by(index) for index in where)
    seen = picture.seen.pixels[..., 0]
    edge, which = len(seen), "field_kept" if picture is now.pinned else "field"
    inside = max(0, top), max(0, left), min(edge, bottom), min(edge, right)
    st.markdown("**What the marked pixel sees**")
    pixels.show(
        seen,
        (0.0, 1.0),
        key=which,
        label=f"The picture with the receptive field: rows {top + 1} to {bottom}, columns {left + 1} to {right}.",
        chosen=(inside[0], inside[1], inside[2] - inside[0], inside[3] - inside[1]),
        size=_SIZE,
    )
    overhangs = (top, left, bottom, right) != inside
    beyond = " A part of it lies beyond the border." if overhangs else ""
    st.caption(f"Its receptive field: {field.size}×{field.size} pixels of the network's input.{beyond}")
    if picture.shown.size != (edge, edge):
        st.image(
            _outlined(picture, inside),
            caption="The same on the picture as it came.",
            width=_SIZE,
            alt=f"{picture.title} with a rectangle around what the marked pixel sees.",
        )


def _outlined(picture: Picture, inside: tuple[int, int, int, int]) -> Image.Image:
    """The picture as it came, with a rectangle around pixels (top, left, bottom, right) of the network's input."""
    drawn, frame, edge = picture.shown.convert("RGB"), picture.seen.frame, len(picture.seen.pixels)
    top, left, bottom, right = (index / edge for index in inside)
    x, y = frame.left * drawn.width, frame.top * drawn.height
    across, down = (frame.right - frame.left) * drawn.width, (frame.bottom - frame.top) * drawn.height
    box = [x + left * across, y + top * down, x + right * across, y + bottom * down]
    ImageDraw.Draw(drawn).rectangle(box, outline=charts.RED, width=max(2, drawn.width // 120))
    return drawn

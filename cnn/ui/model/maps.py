"""What every layer of a trained network makes of one image, small enough for the card beside a box of the diagram."""

from collections.abc import Mapping

import numpy as np
import streamlit as st

from cnn import charts
from cnn.config import counted
from cnn.errors import AtelierError
from cnn.runs import Run
from cnn.ui import preload

_SHOWN = 9  # maps of a layer, those that vary most
_EDGE = 168  # pixels of them all together
_FINEST = 32  # values along an edge of a map; of a larger one every second, third, ... is shown
_COLUMNS = 16  # of the values of a vector


class NoExample(AtelierError):
    """The run keeps no test image that could be shown."""


def of(run: Run) -> Mapping[str, Mapping[str, str]]:
    """By the name of a Keras layer, and "input" for the image: an image as a data URL, and words for it.

    Loads TensorFlow and the network, where they are not loaded yet.

    Raises:
        AtelierError, OSError: the network cannot be read, or there is no image.
    """
    return _of(*run.network_key, run)


@st.cache_data(max_entries=8, show_spinner=False)
def _of(path: str, written: int, _run: Run) -> dict[str, dict[str, str]]:
    preload.tensorflow()
    from cnn.evaluation.examples import read_examples
    from cnn.networks.forward import INPUT, PREACTIVATION
    from cnn.ui import models

    examples = read_examples(_run)
    if examples is None:
        raise NoExample("This run keeps no test image to show feature maps of.")
    card = _run.config.data.card
    network = models.read(_run)
    pixels = (examples.images[:1] / np.float32(255)).reshape(1, *card.input_shape)
    name = card.class_names[examples.labels[0]]
    values = {key: value[0] for key, value in network.forward(pixels).items() if not key.endswith(PREACTIVATION)}
    shown = {key: _card(value, name) for key, value in values.items()}
    if card.input_shape[2] == 3:
        shown[INPUT]["image"] = charts.data_url(charts.picture(charts.reduced(pixels[0], _EDGE)))
    shown[INPUT]["words"] = f"A test image: {name}"
    answer = values[network.forward.output]
    best = int(answer.argmax())
    shown[network.forward.output]["words"] = f"Predicted: {card.class_names[best]}, {answer[best]:.1%}; true: {name}"
    return shown


def _card(value: np.ndarray, name: str) -> dict[str, str]:
    """An output (h, w, c) or (n,) as an image and words; `name`: what the network was shown."""
    if value.ndim == 1:
        columns = min(_COLUMNS, len(value))
        filled = np.full(-(-len(value) // columns) * columns, value.min(), value.dtype)
        filled[: len(value)] = value
        image = charts.coloured(filled.reshape(-1, columns), charts.value_range(value))
        return {"image": charts.data_url(image), "words": f"{counted(len(value), 'value')} for: {name}"}
    count = value.shape[-1]
    most = np.sort(np.argsort(-value.std(axis=(0, 1)), kind="stable")[:_SHOWN])
    step = -(-max(value.shape[:2]) // _FINEST)
    image = charts.tile(value[::step, ::step, most], width=_EDGE, height=_EDGE)
    which = (
        f"The {len(most)} of {count} feature maps that vary most"
        if count > len(most)
        else counted(count, "feature map")
    )
    return {"image": charts.data_url(image), "words": f"{which}, for: {name}"}

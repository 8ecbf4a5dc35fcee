"""Filter: a kernel that one chooses, edits or takes from a network slides over an image, every sum written out."""

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn.config.layers import CONVOLUTIONS
from cnn.lessons import kernels
from cnn.lessons.convolution import DoesNotFit, Sliding
from cnn.lessons.kernels import UnreadableNumbers
from cnn.networks.forward import filters
from cnn.runs import Run
from cnn.ui import links, shell, state
from cnn.ui.components import sliding
from cnn.ui.learn import controls
from cnn.ui.learn.given import Given
from cnn.ui.learn.prose import note
from cnn.ui.models import Network

_OWN, _LEARNED = "your own", "learned by this run"
_SIZE = 280  # screen pixels of the image and of the map


def show(run: Run, network: Network, on: Given, below: DeltaGenerator) -> None:
    """A kernel, the bias, and the window that slides; below, the formula."""
    left, middle, right = st.columns([4, 5, 4], vertical_alignment="bottom")
    learned = _learned(network)
    options = [*kernels.NAMES, *([_LEARNED] if learned is not None else []), _OWN]
    with left:
        name = controls.menu(state.FILTER_KERNEL, "Kernel", options, value="Sobel, vertical edges")
    with middle:
        kernel, does = _kernel(name, learned)
    with right:
        bias = controls.decimal(
            "filter_bias", "Bias b", -4.0, 4.0, 0.0, 0.05, "Makes the whole map brighter or darker."
        )
    note(does)
    if kernel is None:
        return

    def edited(new: np.ndarray) -> None:
        text = kernels.as_text(new)
        if st.session_state[state.FILTER_KERNEL] != _OWN:  # the field that will keep it in the link is not there yet
            links.write(state.FILTER_WEIGHTS, text)
        st.session_state[state.FILTER_KERNEL], st.session_state[state.FILTER_WEIGHTS] = _OWN, text

    try:
        sliding.show(
            on.grey[..., None],
            kernel[..., None],
            Sliding(len(kernel)),
            bias,
            "filter_stage",
            on.title,
            on_edit=edited,
            size=_SIZE,
        )
    except DoesNotFit as error:
        st.error(shell.plain(str(error)), icon=":material/error:")
        return
    note(
        "Drag the window over the image, move it with the arrow keys, or let it slide. To change a weight, type into "
        "its cell. Violet is positive, orange negative, white zero; where nothing is negative, yellow is high and "
        "dark blue low."
    )
    with below:
        st.subheader("The formula", anchor=False)
        st.latex(
            r"\begin{gathered} z_{i,j,k} = b_k + \sum_{u=0}^{f_h-1} \sum_{v=0}^{f_w-1} \sum_{k'=0}^{f_{n'}-1} "
            r"x_{i',j',k'} \cdot w_{u,v,k',k} \\ i' = i \times s_h + u \qquad j' = j \times s_w + v \end{gathered}",
            width="content",
        )
        note("Here x has a single channel, the strides are 1, and there is no border.")


def _kernel(name: str, learned: np.ndarray | None) -> tuple[np.ndarray | None, str]:
    """The chosen kernel (k, k), None if it cannot be read, and what it does."""
    if name == _OWN:
        text = controls.text(
            state.FILTER_WEIGHTS,
            "Weights (rows separated by ;)",
            "0 -1 0; -1 4 -1; 0 -1 0",
            "From 1×1 to 9×9; the edge must be odd.",
        )
        try:
            return kernels.from_text(
                text
            ), "Your own kernel. In uniform areas, its response is the sum of its weights times the pixel value."
        except UnreadableNumbers as error:
            return None, f":material/error: {shell.plain(str(error))}"
    if name == _LEARNED:
        count = learned.shape[-1]
        number = controls.number("filter_number", f"Filter, 1 to {count}", 1, count, 1)
        return learned[..., number - 1], "A kernel that this network has learned, without its bias."
    size = int(controls.choice("filter_size", "Size", ["3×3", "5×5", "7×7"])[0])
    seed = controls.number("filter_seed", "Random seed", 1, 999, 1) if name == "random" else 0
    return kernels.named(name, size, seed), kernels.NOTES[name]


def _learned(network: Network) -> np.ndarray | None:
    """The kernels of the network's first convolution, (k, k, n); None if it has none."""
    first = next((step.layer for step in network.forward.steps if type(step.layer).__name__ in CONVOLUTIONS), None)
    if first is None:
        return None
    kernel = filters(first, network.weights[first.name])
    # What a filter over red, green and blue makes of a grey image: the image here is shown in grey.
    return kernel.sum(axis=2) if network.forward.model.input_shape[-1] > 1 else kernel[:, :, 0]

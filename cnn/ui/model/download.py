"""The trained network as a file to take along, and how it is used outside of this program."""

import streamlit as st

from cnn.config import CLASS_NAMES, INPUT_SHAPE
from cnn.runs import Run
from cnn.training.prediction_script import FIRST_KERAS, needs_own_layer, prediction_script
from cnn.ui import preload


def offer_model(run: Run) -> None:
    """Draw the buttons for the network and its script, and say what goes into the network and what comes out."""
    model, name = f"{run.id}.keras", f"predict_{run.id}.py"
    script = prediction_script(run.config, model, name)
    with st.container(horizontal=True):
        st.download_button(
            "Network (.keras)",
            lambda: _portable(run),
            file_name=model,
            mime="application/octet-stream",
            icon=":material/download:",
            key="download_model",
            on_click="ignore",
            help=f"Opens in Keras {FIRST_KERAS} and newer, and in Netron.",
        )
        st.download_button(
            "Prediction script (.py)",
            script,
            file_name=name,
            mime="text/x-python",
            icon=":material/code:",
            key="download_prediction_script",
            on_click="ignore",
            help="Predicts the class of an image file with the network. Keep both files in one folder.",
        )
    with st.expander("Use the network in your own program", icon=":material/integration_instructions:"):
        st.markdown(_facts(run))
        st.markdown(f"**Example.** `python {name} IMAGE` prints the ten probabilities, the largest first.")
        st.code(script, language="python")


def _portable(run: Run) -> bytes:
    """The file as the trainer has left it; one of an earlier version of this program is made portable here."""
    preload.tensorflow()  # not before somebody takes the file
    from cnn.networks.portable import portable

    return portable(run.model_path.read_bytes())


def _facts(run: Run) -> str:
    height, width, _ = INPUT_SHAPE
    facts = [
        f"**Opens in:** Keras {FIRST_KERAS} and newer (TensorFlow, JAX or PyTorch), with `keras.models.load_model`.",
        f"**Input:** images of shape `{INPUT_SHAPE}`: {height}×{width} pixels, greyscale, values from 0 (black) to 1 "
        "(white), a light garment on black. A batch has the shape "
        f"`(n, {', '.join(map(str, INPUT_SHAPE))})`.",
        f"**Output:** `(n, {len(CLASS_NAMES)})`, the probabilities of the classes after softmax (no logits). They sum "
        "to 1.",
        "**Classes by index:** " + ", ".join(f"{index} {label}" for index, label in enumerate(CLASS_NAMES)) + ".",
    ]
    if needs_own_layer(run.config):
        facts.append(
            "**Custom layer:** Keras has no depthwise max pooling. Define the class `DepthwiseMaxPooling` before you "
            "load the file, as the example does."
        )
    return "\n".join(f"- {fact}" for fact in facts)

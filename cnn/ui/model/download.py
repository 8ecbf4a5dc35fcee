"""The trained network as files to take along, how good each of them is, and how it is used outside of this program."""

import streamlit as st

from cnn.config import counted
from cnn.evaluation import exports
from cnn.evaluation.exports import FORMATS, Measured, Table
from cnn.runs import Run
from cnn.training.prediction_script import (
    FIRST_KERAS,
    KERAS,
    LITERT,
    ONNX,
    Runtime,
    needs_own_layer,
    prediction_script,
)
from cnn.ui import background_work, preload, shell
from cnn.ui.model import totals

_RUNTIMES = {"keras": KERAS, "litert": LITERT, "litert-int8": LITERT, "onnx": ONNX}
_BUTTONS = {  # of each file and of its script
    "keras": ("Network (.keras)", "Prediction script (.py)"),
    "litert": ("Network (.tflite)", "Prediction script (LiteRT)"),
    "litert-int8": ("Network (8-bit .tflite)", "Prediction script (8-bit)"),
    "onnx": ("Network (.onnx)", "Prediction script (ONNX)"),
    "page": ("Page (.html)", ""),
}
_ROW = 900  # pixels
_SMALL = 1e-5  # a difference below this one is said to be
_NOT_YET = "–"  # in the place of a number


def offer_model(run: Run) -> None:
    """Draw a row for each file of the network with its size, accuracy and difference, and say how it is used."""
    table = exports.kept(run)
    st.caption(_what_was_measured(run, table), width=shell.TEXT_WIDTH)
    _make(run, table)
    for key in FORMATS:
        _row(run, key, table)
    with st.expander("Use the network in your own program", icon=":material/integration_instructions:"):
        st.markdown(_facts(run))
        tabs = {"keras": KERAS, "litert": LITERT, "onnx": ONNX}
        for (key, runtime), tab in zip(tabs.items(), st.tabs([runtime.name for runtime in tabs.values()]), strict=True):
            with tab:
                st.markdown(
                    f"`pip install {runtime.install}`, then `python {_script_name(run, key)} IMAGE` prints the "
                    "probabilities, the largest first."
                )
                st.code(_script(run, key), language="python")


def _what_was_measured(run: Run, table: Table | None) -> str:
    """What the numbers in the rows are, in a few sentences."""
    if table is None:
        return (
            "The network for other programs and devices. The files are made once; each is then loaded again and "
            "compared with the network."
        )
    compared = (
        f"Each file was loaded again and compared with the network. Largest difference of a probability: on "
        f"{table.compared}."
    )
    if not table.images:
        return f"{compared} The dataset is not on this machine, so accuracies were not measured."
    which = "the" if table.images == table.total else "the first"
    synthetic = "synthetic " if run.config.data.card.synthetic else ""
    return (
        f"{compared} Accuracy: on {which} {counted(table.images, synthetic + 'test image')}, in a single forward pass; "
        f"the network itself has {table.accuracy:.2%} on them."
    )


def _row(run: Run, key: str, table: Table | None) -> None:
    """A file: what it is for, how good it is, and its buttons."""
    format_, made = FORMATS[key], table.measured.get(key) if table else None
    with st.container(border=True, horizontal=True, vertical_alignment="center", width=_ROW):
        st.markdown(f"**{format_.title}**  \n:small[{format_.purpose}]", width=280)
        problem = _problem(key, table)
        if problem:
            st.markdown(shell.plain(problem), width=332)
        else:
            for (label, value), width in zip(_numbers(run, key, made).items(), (80, 80, 140), strict=True):
                st.markdown(f"{value}  \n:small[{label}]", width=width)
        with st.container(width=210, gap="xsmall"):
            _buttons(run, key, made)


def _buttons(run: Run, key: str, made: Measured | None) -> None:
    """A file and its script, one below the other."""
    label, script = _BUTTONS[key]
    st.download_button(
        label,
        (lambda: exports.file_of(run, key).read_bytes()) if made else (lambda: _portable(run)),
        file_name=exports.file_of(run, key).name,
        mime="text/html" if key == "page" else "application/octet-stream",
        icon=":material/download:",
        key=f"download-{key}",
        on_click="ignore",
        disabled=made is None and key != "keras",
        width="stretch",
        help=_help(key, made),
    )
    if script:
        st.download_button(
            script,
            _script(run, key),
            file_name=_script_name(run, key),
            mime="text/x-python",
            icon=":material/code:",
            key=f"download-script-{key}",
            on_click="ignore",
            width="stretch",
            help=f"Predicts the class of an image file by {_RUNTIMES[key].name}. Keep both files in one folder.",
        )


def _problem(key: str, table: Table | None) -> str:
    """Why there is no such file, in a sentence; empty where there is one, or can be."""
    if table:
        return table.problems.get(key, "")
    return exports.onnx_problem() if key == "onnx" else ""


def _numbers(run: Run, key: str, made: Measured | None) -> dict[str, str]:
    """What is known of a file, in words, by what it is."""
    if made is None:
        size = totals.size(run.model_size) if key == "keras" else _NOT_YET
        return {"size": size, "accuracy": _NOT_YET, "largest difference": _NOT_YET}
    return {
        "size": totals.size(made.size),
        "accuracy": _NOT_YET if made.accuracy is None else f"{made.accuracy:.2%}",
        "largest difference": _difference(made.difference),
    }


def _difference(value: float) -> str:
    """0.0 -> none; 4e-7 -> < 0.00001; 0.0521 -> 0.05210"""
    if not value:
        return "none"
    return f"{value:.5f}" if value >= _SMALL else f"< {_SMALL:.5f}"


def _help(key: str, made: Measured | None) -> str:
    match key:
        case "keras":
            return f"Opens in Keras {FIRST_KERAS} and newer, and in Netron."
        case _ if made is None:
            return "Make the exports first, above."
        case "litert-int8":
            return "Weights and activations are 8-bit integers; images go in and probabilities come out as floats."
        case "page":
            return (
                "One file: open it in a browser, or send it to a phone. It asks nothing of any server. Its accuracy is "
                "that of the weights and operations in the file."
            )
    return "Images go in as floats (n, height, width, channels), probabilities come out."


def _make(run: Run, table: Table | None) -> None:
    """The button that makes the files, its progress, and what stood in the way."""
    name = f"exports-{run.id}-{run.network_key[1]}"
    if background_work.is_running(name):
        background_work.follow(name, "Making and checking the exports")
        return
    if problem := background_work.problem(name):
        st.error(shell.plain(problem), icon=":material/error:")
    if table and table.images and not table.problems:
        return  # nothing would be better
    label = "Make and check the exports" + (" again" if table else "")
    if st.button(label, icon=":material/deployed_code:", key="make_exports"):
        with st.spinner(preload.LOADING):
            preload.tensorflow()
        background_work.begin(name, lambda: exports.making(run))
        st.rerun()


def _script(run: Run, key: str) -> str:
    runtime: Runtime = _RUNTIMES[key]
    return prediction_script(run.config, exports.file_of(run, key).name, _script_name(run, key), runtime)


def _script_name(run: Run, key: str) -> str:
    return f"predict_{run.id}{'' if key == 'keras' else '_' + key.replace('-', '_')}.py"


def _portable(run: Run) -> bytes:
    preload.tensorflow()  # not before somebody takes the file
    from cnn.networks.load import whole_file

    return whole_file(run)


_READ_AS = {"garment": ", a light garment on black", "shape": ", a light shape on black"}
_LISTED = 40  # classes whose names are listed


def _facts(run: Run) -> str:
    card = run.config.data.card
    height, width, channels = card.input_shape
    colour = (
        "greyscale, values from 0 (black) to 1 (white)" + _READ_AS.get(card.reading, "")
        if channels == 1
        else f"{counted(channels, 'channel')} (red, green, blue), values from 0 to 1"
    )
    names = [f"{index} {shell.plain(label)}" for index, label in enumerate(card.class_names)]
    if len(names) > _LISTED:
        names[_LISTED:] = [f"and {len(names) - _LISTED} more"]
    facts = [
        f"**Opens in:** Keras {FIRST_KERAS} and newer (TensorFlow, JAX or PyTorch), with `keras.models.load_model`; "
        "LiteRT, with `ai_edge_litert.interpreter.Interpreter`; ONNX Runtime, with `onnxruntime.InferenceSession`.",
        f"**Input:** images of shape `{card.input_shape}`: {height}×{width} pixels, {colour}. A batch has the shape "
        f"`(n, {', '.join(map(str, card.input_shape))})`; LiteRT takes one image at a time.",
        f"**Output:** `(n, {len(card.class_names)})`, the probabilities of the classes after softmax (no logits). They "
        "sum to 1.",
        "**Classes by index:** " + ", ".join(names) + ".",
    ]
    if needs_own_layer(run.config):
        facts.append(
            "**Custom layer:** Keras has no depthwise max pooling. Define the class `DepthwiseMaxPooling` before you "
            "load the file, as the example does. The other files need no such class."
        )
    return "\n".join(f"- {fact}" for fact in facts)

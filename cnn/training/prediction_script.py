"""A short script that predicts the class of an image file with a downloaded network, by one runtime and Pillow."""

import json
from typing import NamedTuple

from cnn.config import RunConfig
from cnn.training.keras_script import depthwise_max_pooling

FIRST_KERAS = "3.10"  # the earliest version in which the tests open the files of `cnn.networks.portable`


class Runtime(NamedTuple):
    """What runs a file of a network.

    Attributes:
        name: for a heading.
        needs: in a sentence, after "Needs".
        install: the packages that `pip install` gets.
        imports: of the script, in the order of their names.
        lines: they make `probabilities` of `batch`, an image float32 (1, h, w, c), by the file `MODEL`.
    """

    name: str
    needs: str
    install: str
    imports: tuple[str, ...]
    lines: tuple[str, ...]


KERAS = Runtime(
    "Keras",
    f"Keras {FIRST_KERAS} or newer with a backend (TensorFlow, JAX or PyTorch)",
    "keras tensorflow pillow",
    ("import keras", "import numpy as np"),
    ("network = keras.models.load_model(MODEL)", "probabilities = network.predict(batch, verbose=0)[0]"),
)
LITERT = Runtime(
    "LiteRT",
    "LiteRT (ai-edge-litert)",
    "ai-edge-litert numpy pillow",
    ("import numpy as np", "from ai_edge_litert.interpreter import Interpreter"),
    (
        "network = Interpreter(str(MODEL))",
        "network.allocate_tensors()",
        'network.set_tensor(network.get_input_details()[0]["index"], batch)',
        "network.invoke()",
        'probabilities = network.get_tensor(network.get_output_details()[0]["index"])[0]',
    ),
)
ONNX = Runtime(
    "ONNX",
    "ONNX Runtime",
    "onnxruntime numpy pillow",
    ("import numpy as np", "import onnxruntime"),
    (
        "network = onnxruntime.InferenceSession(MODEL)",
        'probabilities = network.run(["probabilities"], {"image": batch})[0][0]',
    ),
)

_SCRIPT = '''\
"""Predict the class of an image with the network in {model}:

    python {script} IMAGE

Needs {needs}, NumPy and Pillow, and {model} beside it:

    pip install {install}

Input: {shape}, values from 0 (black) to 1 (white){ground}.
Output: the probabilities of the {count} classes, in the order of CLASS_NAMES.
"""

import sys
from pathlib import Path

{imports}
from PIL import Image, ImageOps

MODEL = Path(__file__).with_name("{model}")
CLASS_NAMES = [
{classes}
]
{layer}
image = ImageOps.exif_transpose(Image.open(sys.argv[1])).convert("RGBA")
{prepared}
batch = np.asarray(image, np.float32).reshape(1, {height}, {width}, {channels}) / 255

{predicted}
for index in probabilities.argsort()[::-1]:
    print(f"{{probabilities[index]:7.2%}}  {{CLASS_NAMES[index]}}")
'''

_GREY = """\
image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("L")
pixels = np.asarray(image)
if np.median(np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])) > 127:  # a light background
    image = ImageOps.invert(image)
garment = image.point(lambda value: 255 if value > 31 else 0).getbbox()  # None where all is black
image = ImageOps.pad(image.crop(garment), ({width}, {height}))"""

_PHOTO = """\
image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("{mode}")
image = image.resize(({width}, {height}), Image.Resampling.BICUBIC)  # the whole image, squeezed"""


def prediction_script(config: RunConfig, model: str, script: str, runtime: Runtime = KERAS) -> str:
    """The script for the network of a configuration.

    Args:
        config: of the run.
        model: name of the file with the network.
        script: name of the file with the script.
        runtime: what runs the file.
    """
    height, width, channels = config.data.card.input_shape
    classes = config.data.card.class_names
    is_photo = channels == 3 or config.data.card.reading == "photo"
    layer = depthwise_max_pooling() if runtime is KERAS and needs_own_layer(config) else ""
    return _SCRIPT.format(
        model=model,
        script=script,
        needs=runtime.needs,
        install=runtime.install,
        imports="\n".join(runtime.imports),
        shape=(height, width, channels),
        ground="" if is_photo else ", a light garment on black",
        count=len(classes),
        classes="\n".join(
            f"    {json.dumps(name, ensure_ascii=False)},  # {index}" for index, name in enumerate(classes)
        ),
        layer=f"\n\n{layer}\n\n" if layer else "",
        prepared=(_PHOTO if is_photo else _GREY).format(
            width=width, height=height, mode="RGB" if channels == 3 else "L"
        ),
        height=height,
        width=width,
        channels=channels,
        predicted="\n".join(runtime.lines),
    )


def needs_own_layer(config: RunConfig) -> bool:
    """Whether the network has a layer that Keras does not have: the file opens once its class is defined."""
    return any(row.type == "DepthwiseMaxPooling" for row in config.rows())

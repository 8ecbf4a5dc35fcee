"""A short script that predicts the class of an image file with a downloaded network, by Keras alone."""

from cnn.config import CLASS_NAMES, INPUT_SHAPE, RunConfig
from cnn.training.keras_script import depthwise_max_pooling

FIRST_KERAS = "3.10"  # the earliest version in which the tests open the files of `cnn.networks.portable`

_SCRIPT = '''\
"""Predict the class of an image with the network in {model}:

    python {script} IMAGE

Needs Keras {keras} or newer with a backend (TensorFlow, JAX or PyTorch), NumPy and Pillow, and {model} beside it.
Input: {shape}, values from 0 (black) to 1 (white), a light garment on black.
Output: the probabilities of the ten classes, in the order of CLASS_NAMES.
"""

import sys
from pathlib import Path

import keras
import numpy as np
from PIL import Image, ImageOps

CLASS_NAMES = [
{classes}
]
{layer}
network = keras.models.load_model(Path(__file__).with_name("{model}"))

image = ImageOps.exif_transpose(Image.open(sys.argv[1])).convert("RGBA")
image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("L")
pixels = np.asarray(image)
if np.median(np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])) > 127:  # a light background
    image = ImageOps.invert(image)
garment = image.point(lambda value: 255 if value > 31 else 0).getbbox()  # None where all is black
image = ImageOps.pad(image.crop(garment), ({width}, {height}))
batch = np.asarray(image, np.float32).reshape(1, {height}, {width}, 1) / 255

probabilities = network.predict(batch, verbose=0)[0]
for index in probabilities.argsort()[::-1]:
    print(f"{{probabilities[index]:7.2%}}  {{CLASS_NAMES[index]}}")
'''


def prediction_script(config: RunConfig, model: str, script: str) -> str:
    """The script for the network of a configuration.

    Args:
        config: of the run.
        model: name of the file with the network.
        script: name of the file with the script.
    """
    height, width, _ = INPUT_SHAPE
    layer = depthwise_max_pooling() if needs_own_layer(config) else ""
    return _SCRIPT.format(
        model=model,
        script=script,
        keras=FIRST_KERAS,
        shape=INPUT_SHAPE,
        classes="\n".join(f'    "{name}",  # {index}' for index, name in enumerate(CLASS_NAMES)),
        layer=f"\n\n{layer}\n\n" if layer else "",
        height=height,
        width=width,
    )


def needs_own_layer(config: RunConfig) -> bool:
    """Whether the network has a layer that Keras does not have: the file opens once its class is defined."""
    return any(row.type == "DepthwiseMaxPooling" for row in config.rows())

"""Any file or drawing to the network's input, in named steps that can be shown.

Knows Pillow, OpenCV and NumPy; knows neither classes nor networks, nor what a page looks like. What needs OpenCV
(`readings` and what it reads by) is imported by name, so that a page can open an image without it.
"""

from cnn.pictures.files import MAX_BYTES, open_image
from cnn.pictures.kinds import READ_IN_WORDS
from cnn.pictures.network_input import WHOLE, Frame, NetworkInput, UnreadableImage, as_network_input, mapped_back
from cnn.pictures.normalise import on_ground, on_paper
from cnn.pictures.recipe import SIZE, to_network_input

__all__ = [
    "MAX_BYTES",
    "READ_IN_WORDS",
    "SIZE",
    "WHOLE",
    "Frame",
    "NetworkInput",
    "UnreadableImage",
    "as_network_input",
    "mapped_back",
    "on_ground",
    "on_paper",
    "open_image",
    "to_network_input",
]

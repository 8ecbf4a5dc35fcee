"""One way to understand an image, and how much it counts in the automatic answer."""

from dataclasses import dataclass

from cnn.pictures.network_input import NetworkInput

PLAIN = "The image shows only one plain colour. Choose one in which something stands out."


@dataclass(frozen=True, eq=False)
class Reading:
    """One way to understand an image.

    Attributes:
        name: a few words for a button, such as "Line drawing".
        explanation: one sentence: how the image was understood.
        seen: what the network sees, with the steps that led there.
        weight: its share in the automatic answer, in [0, 1]; 0: offered to the user, not used by itself.
    """

    name: str
    explanation: str
    seen: NetworkInput
    weight: float

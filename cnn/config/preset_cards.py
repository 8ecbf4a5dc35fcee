"""What people read about the program's presets before they choose one: title, a sentence, and what was measured.

The only place that holds these figures. Each is from docs/benchmarks.md, which names machine, trials and command. The
test accuracy of a preset that was trained for this program (Lecture, Wardrobe, Dense baseline) stands with its run in
`cnn/pretrained` and is not repeated here.
"""

from dataclasses import dataclass

_CORES = "2 CPU cores"


@dataclass(frozen=True)
class Measured:
    """Figures of a training that has been measured; None where it has not been.

    accuracy: on the test images of Fashion-MNIST, in a single forward pass. averaged: the same with test-time
    augmentation. seconds: of training, without the start. machine: where these passed.
    """

    accuracy: float | None = None
    averaged: float | None = None
    seconds: float | None = None
    machine: str = f"{_CORES} with AVX-512"


@dataclass(frozen=True)
class PresetCard:
    """title: of the preset, where its name is only its id. about: a sentence on what it is good for."""

    title: str
    about: str
    measured: Measured = Measured()


PRESET_CARDS = {
    "lecture": PresetCard(
        "Lecture", "The lecture's own network: five convolutions, ten epochs.", Measured(seconds=1431)
    ),
    "wardrobe": PresetCard(
        "Wardrobe",
        "Also trained for your own drawings and photos of clothes.",
        Measured(averaged=0.9448, seconds=39 * 60),
    ),
    "fast": PresetCard(
        "Fast", "Small, with batch normalisation: beats Lecture within a minute.", Measured(accuracy=0.9249, seconds=48)
    ),
    "accurate": PresetCard("Accurate", "A residual network: the most accurate with under a million parameters."),
    "record": PresetCard("Record", "The most accurate of all: for a GPU, or a night of two cores."),
    "lenet5": PresetCard(
        "LeNet-5", "The classic of LeCun et al. (1998), for 28×28 images.", Measured(accuracy=0.8813, seconds=96)
    ),
    "dense": PresetCard(
        "Dense baseline", "No convolution: what dense layers make of the bare pixels.", Measured(seconds=36)
    ),
    "tiny": PresetCard(
        "Tiny", "5,000 images, a few thousand parameters: done in seconds.", Measured(accuracy=0.7486, seconds=2.7)
    ),
    "transfer": PresetCard(
        "Transfer", "ImageNet's features, a new output layer: for a few photos of your own in each class."
    ),
}


def preset_title(name: str | None) -> str:
    """What people read for the name of a preset: "LeNet-5" for `lenet5`; their own presets have only a name."""
    if name is None:
        return "Custom settings"
    return PRESET_CARDS[name].title if name in PRESET_CARDS else name

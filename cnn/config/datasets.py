"""The datasets that a configuration can name, and what people read about them.

How each of them is loaded is said by a class in `cnn.data.datasets`, which this plain part knows nothing of: a run is
read where no image is.
"""

from dataclasses import dataclass
from typing import Literal

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
INPUT_SHAPE = (28, 28, 1)
_DIGITS = tuple(map(str, range(10)))
_CIFAR_10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

# How any image becomes the input of a network of this dataset. garment: as Fashion-MNIST's own images were made, bright
# on black, cut out of its background. shape: whatever stands out, bright on black, whole. photo: as it is.
Reading = Literal["garment", "shape", "photo"]


@dataclass(frozen=True)
class Published:
    """A result of others on a dataset's test images: who or what, accuracy in [0, 1], and where it stands."""

    name: str
    accuracy: float
    source: str


@dataclass(frozen=True)
class DatasetCard:
    """What is known of a dataset without loading it.

    name: in files, in the form and on the command line. title: within a sentence. about: a few words for who chooses.
    training_images: how many there are; None where nobody has counted. own: whether it is a folder of people's own.
    synthetic: whether it is drawn by code, which is said wherever it counts.
    linear_accuracy: what logistic regression on the pixels of all training images reaches on the test images.
    class_names: of its labels, in order. input_shape: (height, width, channels) of an image; 1 channel is grey, 3 RGB.
    reading: how any image becomes the input of its networks.
    source: whose it is, where it is described, and its licence, in a sentence.
    published: results to compare with, the lowest accuracy first. suspicious_above: an accuracy on the test images that
    no published network of this size reaches, so that the data are to be checked first.
    """

    name: str
    title: str
    about: str
    training_images: int | None
    synthetic: bool = False
    own: bool = False
    linear_accuracy: float | None = None
    class_names: tuple[str, ...] = CLASS_NAMES
    input_shape: tuple[int, int, int] = INPUT_SHAPE
    reading: Reading = "garment"
    source: str = ""
    published: tuple[Published, ...] = ()
    suspicious_above: float | None = None


_README = "github.com/zalandoresearch/fashion-mnist"  # whose table of benchmarks has no parameters for most
FASHION_MNIST = DatasetCard(
    "fashion-mnist",
    "Fashion-MNIST",
    "70,000 real images",
    55_000,
    linear_accuracy=0.84,
    source="Fashion-MNIST: Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747. By Zalando SE, MIT licence.",
    published=(
        Published("People, without training", 0.835, "Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747"),
        Published("Two convolutions (TensorFlow tutorial)", 0.916, _README),
        Published("ResNet-18", 0.949, _README),
        Published("WRN-40-4, 8.9 M parameters", 0.967, _README),
        Published("Fine-tuned DARTS", 0.9691, "Tanveer, Khan, Kyung 2020, arXiv:2006.09042"),
    ),
    suspicious_above=0.97,
)
SYNTHETIC = DatasetCard(
    "synthetic",
    "synthetic clothes",
    "clothes drawn by this program",
    10_000,
    synthetic=True,
    linear_accuracy=0.9,
    source="Synthetic clothes, drawn by CNN Atelier itself (MIT licence).",
)
MNIST = DatasetCard(
    "mnist",
    "MNIST",
    "70,000 handwritten digits",
    55_000,
    linear_accuracy=0.92,
    class_names=_DIGITS,
    reading="shape",
    source="MNIST: LeCun, Bottou, Bengio and Haffner 1998, of data of NIST. CC BY-SA 3.0.",
)
CIFAR_10 = DatasetCard(
    "cifar-10",
    "CIFAR-10",
    "60,000 colour photos of animals and vehicles",
    45_000,
    linear_accuracy=0.39,
    class_names=_CIFAR_10,
    input_shape=(32, 32, 3),
    reading="photo",
    source="CIFAR-10: Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images. No licence is stated.",
)
STAND_IN = SYNTHETIC  # it is always here, whatever cannot be downloaded
DATASET_CARDS = {card.name: card for card in (FASHION_MNIST, SYNTHETIC, MNIST, CIFAR_10)}


def known_dataset(name: str) -> str:
    """The name of a dataset. Raises ValueError where there is none of this name."""
    if name not in DATASET_CARDS:
        raise ValueError(f"There is no dataset {name[:60]!r}: choose one of {', '.join(DATASET_CARDS)}.")
    return name


def own_dataset(
    name: str, class_names: tuple[str, ...], input_shape: tuple[int, int, int], training_images: int | None = None
) -> DatasetCard:
    """What is known of a dataset of people's own, by its name or by the path of its folder."""
    title = name.replace("\\", "/").rstrip("/").rpartition("/")[2] or name
    return DatasetCard(
        name,
        title,
        "your own images",
        training_images,
        own=True,
        class_names=class_names,
        input_shape=input_shape,
        reading="photo",
        source="Images of your own.",
    )


def datasets_help() -> str:
    """A sentence on each dataset, for the form."""
    return " ".join(f"{card.name}: {card.about}." for card in DATASET_CARDS.values())

"""What a run is made of: the data, the layers, and how they are trained; and the presets to start from.

A `RunConfig` is written once into a run's directory and never changed. It is checked when it is made, in the form
and when it is read back from disk alike, so that no other module needs to doubt it. Imports neither TensorFlow nor
Streamlit.
"""

import dataclasses
import unicodedata
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from cnn.config import versions
from cnn.config.datasets import (
    DATASET_CARDS,
    FASHION_MNIST,
    INPUT_SHAPE,
    DatasetCard,
    known_dataset,
    own_dataset,
)
from cnn.config.layers import Layer, Row, trace

MAX_LEARNING_RATE = 10.0
MAX_CLASSES = 200
MAX_CLASS_NAME = 80  # characters
LEAST_EDGE, LARGEST_EDGE = 16, 320  # pixels of an image's height and width
PHOTO_SIZE = (224, 224)  # of images of your own, where no other is chosen
_Edge = Annotated[int, Field(ge=LEAST_EDGE, le=LARGEST_EDGE)]
_FromJson = BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


# The fields of `Data` that vary the training images.
AUGMENTATIONS = ("random_crop", "flip", "shift", "random_affine", "colour_jitter", "random_erasing")

# The fields of `Data` that are for clothes as in Fashion-MNIST: what is mixed in with its images.
FOR_GARMENTS = ("style_augmentation", "outlier_exposure", "own_images")

# The fields of `Data` that need soft labels, which only Fashion-MNIST has.
BY_SOFT_LABELS = ("distillation", "importance_sampling")


def not_for(card: DatasetCard) -> tuple[str, ...]:
    """The fields of `Data` that must be 0 for a dataset."""
    garments = card.reading == "garment" and card.input_shape == INPUT_SHAPE
    return FOR_GARMENTS * (not garments) + BY_SOFT_LABELS * (card.own or card.name != FASHION_MNIST.name)


class Data(_Section):
    """Which images a network is trained on, and how they are varied."""

    dataset: str = Field(
        FASHION_MNIST.name,
        max_length=1000,
        description="The name of one of `DATASET_CARDS`, or the name or the folder of a dataset of your own.",
    )
    classes: Annotated[tuple[str, ...], _FromJson] = Field(
        (),
        max_length=MAX_CLASSES,
        description="The classes of a dataset of your own, in order; empty: the dataset is a built-in one.",
    )
    image_size: Annotated[tuple[_Edge, _Edge] | None, _FromJson] = Field(
        None,
        description="Height and width in pixels that images are brought to; empty: the dataset's own.",
    )
    channels: Literal[1, 3] | None = Field(None, description="1: grey. 3: RGB. Empty: the dataset's own.")
    limit: int | None = Field(
        None, ge=2, le=1_000_000, description="Train on only this many images; empty: on all of them."
    )
    flip: bool = Field(False, description="Augmentation: mirror a random half of the training images.")
    shift: int = Field(0, ge=0, le=6, description="Augmentation: shift each training image by up to this many pixels.")
    random_affine: float = Field(
        0.0,
        ge=0.0,
        le=2.0,
        description="Augmentation: rotate, scale, shear and shift each training image; 1 is about 7 degrees.",
    )
    random_erasing: float = Field(
        0.0,
        ge=0.0,
        le=1.0,
        description="Augmentation: probability that a random rectangle of a training image is painted over. Zhong et "
        "al. 2017, arXiv:1708.04896.",
    )
    random_crop: float = Field(
        0.0,
        ge=0.0,
        le=0.9,
        description="Augmentation: up to this fraction of a training image's area is cut off, and the rest stretched.",
    )
    colour_jitter: float = Field(
        0.0,
        ge=0.0,
        le=1.0,
        description="Augmentation: vary the brightness, contrast and saturation of each training image this strongly.",
    )
    mixup: float = Field(
        0.0,
        ge=0.0,
        le=2.0,
        description="Augmentation: blend each training image, and its label, with another one, in parts that are drawn "
        "from Beta(α, α) with this α. Off in the last fifth of the epochs. Zhang et al. 2018, arXiv:1710.09412.",
    )
    style_augmentation: float = Field(
        0.0,
        ge=0.0,
        le=0.7,
        description="Fraction of images redrawn in other styles: sketches, photo cut-outs, worn, or in pairs.",
    )
    outlier_exposure: float = Field(
        0.0,
        ge=0.0,
        le=0.2,
        description="Fraction of images that show no garment; here the network learns to predict all classes equally.",
    )
    own_images: float = Field(
        0.0, ge=0.0, le=0.5, description="Fraction of labelled images from your own folders, where a run has them."
    )
    distillation: float = Field(
        0.0,
        ge=0.0,
        le=1.0,
        description="Weight of the soft labels, against the dataset's own: what networks that have not learned an "
        "image predict of it. Hinton et al. 2015, arXiv:1503.02531.",
    )
    importance_sampling: float = Field(
        0.0,
        ge=0.0,
        le=0.95,
        description="How much less often an image is drawn that is easy by its soft label; it counts for as much more "
        "in the loss. Off in the last fifth of the epochs. Katharopoulos and Fleuret 2018, arXiv:1803.00942.",
    )

    @property
    def card(self) -> DatasetCard:
        """What is known of its dataset without loading it, with the size and the channels that were chosen."""
        if self.classes:
            return own_dataset(self.dataset, self.classes, (*(self.image_size or PHOTO_SIZE), self.channels or 3))
        card = DATASET_CARDS[self.dataset]
        if self.image_size is None and self.channels is None:
            return card
        *size, channels = card.input_shape
        shape = (*(self.image_size or size), self.channels or channels)
        return dataclasses.replace(card, input_shape=shape)

    @property
    def has_soft_targets(self) -> bool:
        """Whether what a network learns of an image is a probability for each class, not one class."""
        return bool(self.mixup or self.distillation)

    @property
    def uses_soft_labels(self) -> bool:
        """Whether a training needs the soft labels that come with the program."""
        return bool(self.distillation or self.importance_sampling)

    @property
    def is_augmented(self) -> bool:
        """Whether anything varies the training images."""
        return any(getattr(self, way) for way in AUGMENTATIONS)

    @model_validator(mode="before")
    @classmethod
    def _has_todays_names(cls, contents: Any) -> Any:
        if isinstance(contents, dict):
            versions.refuse_old_names(contents)
        return contents

    @field_validator("classes")
    @classmethod
    def _are_names(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if len(classes) == 1:
            raise ValueError(f"There is only one class, {classes[0][:MAX_CLASS_NAME]!r}: a network needs at least two.")
        for name in classes:
            if not name.strip() or len(name) > MAX_CLASS_NAME:
                raise ValueError(f"The name of a class must have 1 to {MAX_CLASS_NAME} characters: {name[:90]!r}.")
            if any(unicodedata.category(character) == "Cc" for character in name):
                raise ValueError(f"The name of the class {name!r} contains a control character: leave it out.")
        if twice := [name for index, name in enumerate(classes) if name in classes[:index]]:
            raise ValueError(f"Two classes are called {twice[0]!r}: give one of them another name.")
        return classes

    @model_validator(mode="after")
    def _is_a_dataset(self) -> Self:
        if not self.classes:
            known_dataset(self.dataset)
        elif self.dataset in DATASET_CARDS or not self.dataset.strip():
            raise ValueError(f"A dataset of your own cannot be called {self.dataset!r}: choose another name.")
        return self

    @model_validator(mode="after")
    def _mixes_garments_with_garments(self) -> Self:
        if any(getattr(self, name) for name in FOR_GARMENTS if name in not_for(self.card)):
            raise ValueError(
                "Style augmentation, outlier exposure and own images are for clothes as in Fashion-MNIST, 28×28 and "
                "grey: set them to 0 for this dataset."
            )
        return self

    @model_validator(mode="after")
    def _has_soft_labels(self) -> Self:
        for name in BY_SOFT_LABELS:
            if getattr(self, name) and name in not_for(self.card):
                raise ValueError(
                    f"{name.replace('_', ' ').capitalize()} needs soft labels, which only {FASHION_MNIST.title} has: "
                    "set it to 0 for this dataset."
                )
        if self.importance_sampling and self.mixup:
            raise ValueError(
                "Mixup blends images that importance sampling counts differently: set one of the two to 0."
            )
        return self

    @model_validator(mode="after")
    def _fractions_leave_room(self) -> Self:
        if self.style_augmentation + self.outlier_exposure + self.own_images > 0.9:
            raise ValueError(
                "Style augmentation, outlier exposure and own images fill more than 90% of a batch: lower one of them."
            )
        return self


class Training(_Section):
    """How the weights are learned. The loss is always sparse categorical cross-entropy."""

    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"] = Field(
        "adam", description="sgd: with Nesterov momentum 0.9. adamw: Adam with decoupled weight decay."
    )
    learning_rate: float = Field(
        0.001, ge=1e-6, le=MAX_LEARNING_RATE, description="Step size; with a schedule, its highest value."
    )
    weight_decay: float = Field(
        0.004,
        ge=0.0,
        le=1.0,
        description="Only for adamw: each step shrinks every weight by this times the learning rate.",
    )
    schedule: Literal["constant", "cosine", "one-cycle"] = Field(
        "constant",
        description="cosine: falls to zero along a cosine. one-cycle: first rises over 30% of the steps, then falls.",
    )
    batch_size: int = Field(32, ge=1, le=4096, description="Images per step of the optimizer.")
    epochs: int = Field(10, ge=1, le=500, description="Passes over the training set.")
    seed: int = Field(
        42,
        ge=0,
        le=2**31 - 1,
        description="Seed of every random choice: initial weights, order, dropout, augmentation.",
    )
    ema_momentum: float = Field(
        0.0,
        ge=0.0,
        le=0.9999,
        description="Measure and keep an exponential moving average of the weights with this momentum, such as 0.998, "
        "in their place; 0: off. Polyak and Juditsky 1992.",
    )
    patience: int | None = Field(
        None,
        ge=1,
        le=100,
        description="Early stopping: end once the validation loss has not fallen for this many epochs, and keep the "
        "weights of the best epoch; empty: train all epochs.",
    )
    class_weights: bool = Field(
        False, description="Let each class count equally in the loss, however many images it has."
    )
    calibrate: bool = Field(
        False, description="After training, divide the logits by the temperature that fits the validation images best."
    )
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = Field(
        "float32",
        description="mixed: compute in 16 bits, keep 32-bit weights; faster where the hardware supports it "
        "(mixed_float16: GPUs). auto: tries each for a few steps and takes the fastest.",
    )
    tensorboard: bool = Field(False, description="Also write event files for TensorBoard.")


class Resources(_Section):
    """What a run asks a cluster for. On this machine a training uses every core and GPU it finds."""

    cpus: int = Field(2, ge=1, le=256, description="CPU cores to request; as many threads are used.")
    gpus: int = Field(0, ge=0, le=16, description="GPUs of one machine to request; several split each batch.")


class Transfer(_Section):
    """Which layers begin with what another network has learned, and which of them stay as they are."""

    source: str = Field(
        "",
        max_length=200,
        description="The network whose weights the first layers get: a backbone's name, or a run's id. Empty: none.",
    )
    layers: int = Field(0, ge=0, le=64, description="How many layers, from the first, get its weights.")
    frozen: int = Field(0, ge=0, le=64, description="How many layers, from the first, are not trained.")
    output: bool = Field(
        False, description="Whether the output layer gets its weights, too: where the classes are the same."
    )
    views: int = Field(
        8,
        ge=1,
        le=32,
        description="Augmented views of each image of which the features of the frozen layers are computed and kept.",
    )

    @model_validator(mode="after")
    def _frozen_are_transferred(self) -> Self:
        if not self.source and (self.layers or self.frozen or self.output):
            raise ValueError("Layers can only be transferred or frozen where there is a network to take them from.")
        if self.source and not self.layers:
            raise ValueError(f"No layer is transferred from {self.source!r}: transfer at least one.")
        if self.frozen > self.layers:
            raise ValueError(
                f"{self.frozen} layers are frozen, but only {self.layers} transferred: a layer with random weights "
                "must be trained."
            )
        return self


class RunConfig(_Section):
    """A whole run. The output layer (dense, softmax, one unit a class) is not listed: it is always the last."""

    version: Literal[2] = versions.VERSION
    preset: str | None = Field(
        None, max_length=80, description="The preset that this configuration started from."
    )  # any text on one line: what Keras allows is taken from it where a network is built
    data: Data = Data()
    layers: tuple[Layer, ...] = Field(min_length=1, max_length=64)
    training: Training = Training()
    transfer: Transfer = Transfer()
    resources: Resources = Resources()

    @model_validator(mode="before")
    @classmethod
    def _brought_up_to_date(cls, contents: Any) -> Any:
        if not isinstance(contents, dict) or "version" not in contents:
            return contents
        versions.check_version(contents["version"], "configuration")
        if contents["version"] == 1:
            data = contents.get("data")
            renamed = {"data": versions.renamed_data(data)} if isinstance(data, dict) else {}
            contents = {**contents, **renamed, "version": versions.VERSION}
        return contents

    @field_validator("preset")
    @classmethod
    def _on_one_line(cls, preset: str | None) -> str | None:
        if any(unicodedata.category(character) == "Cc" for character in preset or ""):
            raise ValueError(
                f"The name of the preset, {preset!r}, contains a control character, such as a line break or a tab: "
                "leave it out."
            )
        return preset

    @model_validator(mode="after")
    def _suits_frozen_layers(self) -> Self:
        if self.data.mixup and self.transfer.frozen:
            raise ValueError("Mixup blends images before the first layer: set it to 0, or freeze no layer.")
        if self.data.importance_sampling and self.transfer.frozen:
            raise ValueError(
                "With frozen layers each image is seen once an epoch: set importance sampling to 0, or freeze no layer."
            )
        return self

    @model_validator(mode="after")
    def _layers_fit(self) -> Self:
        self.rows()
        if self.transfer.layers > len(self.layers):
            raise ValueError(
                f"{self.transfer.layers} layers are transferred, but there are only {len(self.layers)} before the "
                "output layer."
            )
        if self.transfer.output and self.transfer.layers < len(self.layers):
            raise ValueError("The output layer can only be transferred with all layers before it.")
        return self

    def rows(self) -> list[Row]:
        """The table of the network's Keras layers.

        Raises:
            ImpossibleStack: the layers do not fit together.
        """
        card, transfer = self.data.card, self.transfer
        return list(_traced(self.layers, card.input_shape, len(card.class_names), transfer.layers, transfer.frozen))


@lru_cache(256)  # a page asks for the tables of all presets and of all known runs each time it is drawn
def _traced(
    layers: tuple[Layer, ...], shape: tuple[int, ...], classes: int, transferred: int, frozen: int
) -> tuple[Row, ...]:
    rows = trace(layers, shape, classes)
    return tuple(dataclasses.replace(row, trainable=0) if _is_kept(row, transferred, frozen) else row for row in rows)


def _is_kept(row: Row, transferred: int, frozen: int) -> bool:
    """Whether a row keeps its weights. The statistics of a few images would spoil a normalisation that has learned."""
    return row.layer < (transferred if row.type == "BatchNormalization" else frozen)

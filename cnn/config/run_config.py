"""What a run is made of: the data, the layers, and how they are trained; and the presets to start from.

A `RunConfig` is written once into a run's directory and never changed. It is checked when it is made, in the form
and when it is read back from disk alike, so that no other module needs to doubt it. Imports neither TensorFlow nor
Streamlit.
"""

import unicodedata
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from cnn.config import versions
from cnn.config.datasets import DATASET_CARDS, FASHION_MNIST, DatasetCard, known_dataset
from cnn.config.layers import Layer, Row, trace

MAX_LEARNING_RATE = 10.0


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(_Section):
    """Which images a network is trained on, and how they are varied."""

    dataset: Annotated[str, AfterValidator(known_dataset)] = Field(
        FASHION_MNIST.name, description="The name of one of `DATASET_CARDS`."
    )
    limit: int | None = Field(
        None, ge=100, le=55_000, description="Train on only this many images; empty: on all of them."
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
        description="Augmentation: probability that a random rectangle of a training image is painted over.",
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

    @property
    def card(self) -> DatasetCard:
        """What is known of its dataset without loading it."""
        return DATASET_CARDS[self.dataset]

    @model_validator(mode="before")
    @classmethod
    def _has_todays_names(cls, contents: Any) -> Any:
        if isinstance(contents, dict):
            versions.refuse_old_names(contents)
        return contents

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
    patience: int | None = Field(
        None,
        ge=1,
        le=100,
        description="Early stopping: end once the validation loss has not fallen for this many epochs, and keep the "
        "weights of the best epoch; empty: train all epochs.",
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


class RunConfig(_Section):
    """A whole run. The output layer (dense, softmax, one unit a class) is not listed: it is always the last."""

    version: Literal[2] = versions.VERSION
    preset: str | None = Field(
        None, max_length=80, description="The preset that this configuration started from."
    )  # any text on one line: what Keras allows is taken from it where a network is built
    data: Data = Data()
    layers: tuple[Layer, ...] = Field(min_length=1, max_length=64)
    training: Training = Training()
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
    def _layers_fit(self) -> Self:
        self.rows()
        return self

    def rows(self) -> list[Row]:
        """The table of the network's Keras layers.

        Raises:
            ImpossibleStack: the layers do not fit together.
        """
        return list(_traced(self.layers, self.data.card.input_shape, len(self.data.card.class_names)))


@lru_cache(256)  # a page asks for the tables of all presets and of all known runs each time it is drawn
def _traced(layers: tuple[Layer, ...], shape: tuple[int, ...], classes: int) -> tuple[Row, ...]:
    return tuple(trace(layers, shape, classes))

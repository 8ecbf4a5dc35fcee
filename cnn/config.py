"""What a run is made of: the data, the layers, and how they are trained; and the presets to start from.

A `RunConfig` is written once into a run's directory and never changed. It is checked when it is made, in the form
and when it is read back from disk alike, so that no other module needs to doubt it. Imports neither TensorFlow nor
Streamlit.
"""

from functools import cache
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cnn.layers import Convolution, Dense, Dropout, Flatten, GlobalPooling, Layer, Pooling, Row, SkipConnection, trace

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
MAX_LEARNING_RATE = 10.0


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(_Section):
    """Which pictures a network is trained on, and how they are varied."""

    dataset: Literal["fashion-mnist", "synthetic"] = Field(
        "fashion-mnist", description="fashion-mnist: 70,000 real pictures. synthetic: clothes drawn by this program."
    )
    limit: int | None = Field(
        None, ge=100, le=55_000, description="Train on only the first so many pictures; empty: on all of them."
    )
    flip: bool = Field(False, description="Augmentation: mirror every other training picture at random.")
    shift: int = Field(0, ge=0, le=6, description="Augmentation: move each training picture by up to so many pixels.")
    warp: float = Field(
        0.0,
        ge=0.0,
        le=2.0,
        description="Augmentation: turn, stretch, shear and move each picture; 1 is about 7 degrees.",
    )
    erase: float = Field(
        0.0,
        ge=0.0,
        le=1.0,
        description="Augmentation: share of the pictures in which a random rectangle is blotted out (random erasing).",
    )
    restyled: float = Field(
        0.0,
        ge=0.0,
        le=0.7,
        description="Share of pictures drawn by hand, cut out of a photo, worn, or in pairs instead.",
    )
    strange: float = Field(
        0.0, ge=0.0, le=0.2, description="Share of pictures of no garment, to learn to be unsure (outlier exposure)."
    )
    own: float = Field(
        0.0, ge=0.0, le=0.5, description="Share of labelled pictures from folders of your own, where a run has them."
    )

    @model_validator(mode="after")
    def _shares_leave_room(self) -> Self:
        if self.restyled + self.strange + self.own > 0.9:
            raise ValueError("Restyled, strange and own pictures take more than 90% of each batch: lower one of them.")
        return self


class Training(_Section):
    """How the weights are learned. The loss is always sparse categorical cross-entropy."""

    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"] = Field(
        "adam", description="sgd runs with Nesterov momentum 0.9; adamw is Adam with weight decay."
    )
    learning_rate: float = Field(
        0.001, ge=1e-6, le=MAX_LEARNING_RATE, description="Step size; the peak where a schedule varies it."
    )
    weight_decay: float = Field(
        0.004, ge=0.0, le=1.0, description="Of adamw: each step shrinks every weight by this times the learning rate."
    )
    schedule: Literal["constant", "cosine", "one-cycle"] = Field(
        "constant",
        description="cosine: falls to zero along a cosine. one-cycle: first rises over 30% of the steps, then falls.",
    )
    batch_size: int = Field(32, ge=1, le=4096, description="Pictures averaged for one step of the optimizer.")
    epochs: int = Field(10, ge=1, le=500, description="How often the whole training set is seen.")
    seed: int = Field(42, ge=0, le=2**31 - 1, description="Start of every random choice: weights, order, dropout.")
    patience: int | None = Field(
        None,
        ge=1,
        le=100,
        description="Early stopping: end once the validation loss has not fallen for so many epochs, and keep the "
        "network of the best one; empty: train all epochs.",
    )
    calibrate: bool = Field(
        False, description="At the end, divide the logits by the temperature that fits the validation pictures best."
    )
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = Field(
        "float32",
        description="The mixed ones compute in 16 bits and keep 32-bit weights: faster where the processor has it; "
        "mixed_float16 is for GPUs. auto: tries them for a few steps and takes the fastest.",
    )
    tensorboard: bool = Field(False, description="Also write event files, which the package tensorboard can show.")


class Resources(_Section):
    """What a run asks for where a cluster trains it. On this machine a training takes every core and GPU it finds."""

    cpus: int = Field(2, ge=1, le=256, description="CPU cores that it asks for; it computes with as many threads.")
    gpus: int = Field(0, ge=0, le=16, description="GPUs of one machine; several share each batch.")


class RunConfig(_Section):
    """A whole run. The output layer (dense, softmax, one unit a class) is not listed: it is always the last."""

    version: Literal[1] = 1
    preset: str | None = Field(
        None, max_length=80, pattern="^[^/]*$", description="The preset that this configuration started from."
    )  # it names the Keras model, which allows no slash
    data: Data = Data()
    layers: tuple[Layer, ...] = Field(min_length=1, max_length=64)
    training: Training = Training()
    resources: Resources = Resources()

    @model_validator(mode="after")
    def _layers_fit(self) -> Self:
        self.rows()
        return self

    def rows(self) -> list[Row]:
        """The table of the network's Keras layers.

        Raises:
            ImpossibleStack: the layers do not fit together.
        """
        return trace(self.layers, INPUT_SHAPE, len(CLASS_NAMES))


_LABELS = {
    "limit": "Training pictures",
    "flip": "Mirror at random",
    "shift": "Shift by up to (pixels)",
    "warp": "Turn and stretch",
    "erase": "Share with a blot",
    "restyled": "Share in other styles",
    "strange": "Share of no garment",
    "patience": "Early stopping: patience (epochs)",
    "calibrate": "Calibrate at the end",
    "tensorboard": "TensorBoard event files",
    "batch_normalisation": "Batch normalisation",
    "kernel": "Kernel size",
    "size": "Window size",
    "over": "Layers skipped",
    "cpus": "CPUs",
    "gpus": "GPUs",
}
_EMPTY = {"limit": "all", "patience": "off", "stride": "as the window"}


def field_label(name: str) -> str:
    """What people read for a field of a configuration or of a layer: "Training pictures" for `limit`."""
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def empty_word(name: str) -> str:
    """What it means that a field is empty: "all" for `limit`."""
    return _EMPTY.get(name, "none")


def explain(error: ValidationError) -> str:
    """One sentence for each thing that is wrong, naming the value and where it stands."""
    sentences = []
    for problem in error.errors(include_url=False):
        if problem["type"] == "value_error":  # raised by our own code: already a sentence
            sentences.append(str(problem["ctx"]["error"]))
            continue
        if problem["type"] == "json_invalid":
            sentences.append("It is not JSON.")
            continue
        *_, name = place = [str(part + 1 if isinstance(part, int) else part) for part in problem["loc"]] or [
            "configuration"
        ]
        where = f" ({' > '.join(place)})" if len(place) > 1 else ""
        given = "" if problem["type"] == "missing" else f", but it is {str(problem['input'])[:60]!r}"
        sentences.append(f"{name.replace('_', ' ')}{where}: {problem['msg'].lower()}{given}.")
    return " ".join(sentences)


@cache
def presets() -> dict[str, RunConfig]:
    """The named configurations, in the order in which they are offered."""
    return {
        "lecture": RunConfig(
            preset="lecture",
            layers=(
                Convolution(filters=64, kernel=7),
                Pooling(),
                Convolution(filters=128),
                Convolution(filters=128),
                Pooling(),
                Convolution(filters=256),
                Convolution(filters=256),
                Pooling(),
                Flatten(),
                Dense(units=128),
                Dropout(rate=0.5),
                Dense(units=64),
                Dropout(rate=0.5),
            ),
        ),
        "wardrobe": RunConfig(
            preset="wardrobe",
            data=Data(flip=True, warp=0.3, erase=0.25, restyled=0.24, strange=0.03, own=0.12),
            layers=(
                Convolution(filters=40, batch_normalisation=True),
                Pooling(),
                Convolution(filters=80, batch_normalisation=True),
                Convolution(filters=80, batch_normalisation=True),
                Convolution(filters=80, batch_normalisation=True),
                SkipConnection(),
                Pooling(),
                Convolution(filters=128, batch_normalisation=True),
                Convolution(filters=128, batch_normalisation=True),
                Convolution(filters=128, batch_normalisation=True),
                SkipConnection(),
                Pooling(),
                Convolution(filters=144, batch_normalisation=True),
                Convolution(filters=144, batch_normalisation=True),
                GlobalPooling(),
            ),
            training=Training(
                optimizer="adamw",
                learning_rate=0.008,
                schedule="one-cycle",
                batch_size=128,
                epochs=36,
                calibrate=True,
                precision="auto",
            ),
        ),
        "fast": RunConfig(
            preset="fast",
            layers=(
                Convolution(filters=32, batch_normalisation=True),
                Pooling(),
                Convolution(filters=64, batch_normalisation=True),
                Pooling(),
                Convolution(filters=128, batch_normalisation=True),
                GlobalPooling(mode="max"),
            ),
            training=Training(
                optimizer="adamw",
                learning_rate=0.01,
                schedule="one-cycle",
                batch_size=128,
                epochs=3,
                precision="auto",
            ),
        ),
        "accurate": RunConfig(
            preset="accurate",
            data=Data(flip=True, shift=2, erase=0.25),
            layers=(
                Convolution(filters=32, batch_normalisation=True),
                Pooling(),
                Convolution(filters=64, batch_normalisation=True),
                Convolution(filters=64, batch_normalisation=True),
                Convolution(filters=64, batch_normalisation=True),
                SkipConnection(),
                Pooling(),
                Convolution(filters=128, batch_normalisation=True),
                Convolution(filters=128, batch_normalisation=True),
                Convolution(filters=128, batch_normalisation=True),
                SkipConnection(),
                Pooling(),
                Convolution(filters=160, batch_normalisation=True),
                Convolution(filters=160, batch_normalisation=True),
                GlobalPooling(),
            ),
            training=Training(
                optimizer="adamw",
                learning_rate=0.005,
                weight_decay=0.05,
                schedule="one-cycle",
                batch_size=128,
                epochs=26,
                precision="auto",
            ),
        ),
        "lenet5": RunConfig(
            preset="lenet5",
            layers=(
                Convolution(filters=6, kernel=5, activation="tanh"),
                Pooling(mode="average"),
                Convolution(filters=16, kernel=5, padding="valid", activation="tanh"),
                Pooling(mode="average"),
                Flatten(),
                Dense(units=120, activation="tanh"),
                Dense(units=84, activation="tanh"),
            ),
            training=Training(batch_size=64),
        ),
        "dense": RunConfig(
            preset="dense",
            layers=(Flatten(), Dense(units=128), Dropout(rate=0.5), Dense(units=64), Dropout(rate=0.5)),
        ),
        "tiny": RunConfig(
            preset="tiny",
            data=Data(limit=5000),
            layers=(
                Convolution(filters=8, kernel=5, stride=2),
                Pooling(),
                Convolution(filters=16),
                GlobalPooling(mode="max"),
            ),
            training=Training(learning_rate=0.01, schedule="cosine", batch_size=64, epochs=3),
        ),
    }


PRESET_NOTES = {
    "wardrobe": "Trained also on garments as people draw, photograph and wear them: for pictures of your own.",
    "lecture": "The lecture's own network: five convolutions, 1,413,834 parameters, ten epochs. The slowest here.",
    "fast": "A small batch-normalised network: better than the lecture's after one or two minutes on 2 CPU cores.",
    "accurate": "The most accurate one on the dataset's own pictures, in less time than the lecture's network takes.",
    "lenet5": "LeNet-5 (LeCun et al. 1998) with padding on its first convolution, for 28×28 pictures.",
    "dense": "The lecture's classifier on the bare pixels, without a convolution: to see what those are good for.",
    "tiny": "A few thousand parameters on 5,000 pictures: seconds, even on an old laptop.",
}

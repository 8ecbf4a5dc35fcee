"""Configurations of networks that begin with what another one has learned: a new head, then fine-tuning.

Transfer learning in its two usual steps. First the layers of a trained network are taken, all of them frozen, under an
output layer of the new classes; only that is trained. Then more of the layers are trained on at a low learning rate.
Each step is a run of its own, so that the two can be compared.
"""

from cnn.config.backbones import BACKBONES
from cnn.config.layers import AnyConvolution, Dropout, Flatten, GlobalPooling, InvertedResidual, Layer
from cnn.config.run_config import Data, RunConfig, Training, Transfer

DROPOUT = 0.5  # before the output layer on a backbone
FINE_TUNED = 1 / 3  # fraction of the layers with filters that fine-tuning trains on, the last ones
FINE_TUNING_RATE = 0.0003
# How a photo is varied: what is on it stays what it is.
PHOTO_AUGMENTATION = {"flip": True, "random_affine": 0.5, "random_crop": 0.5, "colour_jitter": 0.5}
HEAD = Training(
    optimizer="adamw",
    learning_rate=0.003,
    weight_decay=0.1,
    schedule="cosine",
    batch_size=16,
    epochs=40,
    class_weights=True,
)


def on_backbone(name: str, data: Data, preset: str | None = None) -> RunConfig:
    """A new output layer on a backbone, all of which is frozen.

    Args:
        name: of a backbone, see `BACKBONES`.
        data: whose images are brought to its size where they have none of their own.
    """
    layers = BACKBONES[name].layers
    transfer = Transfer(source=name, layers=len(layers), frozen=len(layers))
    head = (Dropout(rate=DROPOUT),)
    data = _through_frozen_layers(data)
    return RunConfig(preset=preset, data=data, layers=(*layers, *head), training=HEAD, transfer=transfer)


def on_run(source: str, config: RunConfig, data: Data) -> RunConfig:
    """A new output layer on the layers of a trained run, with its feature extractor frozen.

    Args:
        source: the run's id. config: its configuration.
        data: the new images; their size and channels become those that the run was trained with.
    """
    card = config.data.card
    data = data.model_copy(update={"image_size": card.input_shape[:2], "channels": card.input_shape[2]})
    data = _through_frozen_layers(data)
    data = Data.model_validate(data.model_dump())  # with that size, what is only for Fashion-MNIST may not fit any more
    transfer = Transfer(source=source, layers=len(config.layers), frozen=extractor(config.layers))
    return RunConfig(preset=None, data=data, layers=config.layers, training=HEAD, transfer=transfer)


def fine_tuning(source: str, config: RunConfig) -> RunConfig:
    """A finished run trained on at a low learning rate: its output layer too, and the last of the layers with filters.

    Args:
        source: the run's id. config: its configuration.
    """
    layers = config.layers
    transfer = Transfer(source=source, layers=len(layers), frozen=first_fine_tuned(layers), output=True)
    training = config.training.model_copy(
        update={"learning_rate": FINE_TUNING_RATE, "schedule": "cosine", "epochs": 15, "batch_size": 16}
    )
    data = _through_frozen_layers(config.data)
    return config.model_copy(update={"transfer": transfer, "training": training, "data": data})


def _through_frozen_layers(data: Data) -> Data:
    """Without what frozen layers rule out: images that are blended before them, or drawn more than once an epoch."""
    return data.model_copy(update={"mixup": 0.0, "importance_sampling": 0.0})


def extractor(layers: tuple[Layer, ...]) -> int:
    """How many layers there are up to the flatten or global pooling layer, it included: those that see the image.

    >>> from cnn.config.built_in_presets import presets
    >>> extractor(presets()["lecture"].layers)
    9
    """
    return next((index for index, layer in enumerate(layers, 1) if isinstance(layer, Flatten | GlobalPooling)), 0)


def first_fine_tuned(layers: tuple[Layer, ...]) -> int:
    """The first layer that fine-tuning trains, from 0; those before it are frozen.

    Early layers see edges and colours, which are the same in all images; late ones see what the classes differ in.
    """
    learning = [index for index, layer in enumerate(layers) if isinstance(layer, AnyConvolution | InvertedResidual)]
    return learning[min(round(len(learning) * (1 - FINE_TUNED)), len(learning) - 1)] if learning else 0

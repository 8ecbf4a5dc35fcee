"""The configurations that the program offers by name, from seconds of training to an hour."""

from functools import cache
from typing import Any

from cnn.config.backbones import EFFICIENTNET_LITE2
from cnn.config.layers import Convolution, Dense, Dropout, Flatten, GlobalPooling, Layer, Pooling, SkipConnection
from cnn.config.run_config import Data, RunConfig, Training
from cnn.config.transfer_learning import PHOTO_AUGMENTATION, on_backbone

# How the networks with batch normalisation are trained; learning rate, epochs and the rest are each one's own.
_ONE_CYCLE: dict[str, Any] = {"optimizer": "adamw", "schedule": "one-cycle", "batch_size": 128, "precision": "auto"}


def _normalised(filters: int, count: int) -> list[Layer]:
    return [Convolution(filters=filters, batch_normalisation=True)] * count


def _blocks(filters: int, count: int) -> list[Layer]:
    """A normalised convolution, and so many pairs of them with a skip connection over each pair."""
    return [*_normalised(filters, 1), *[*_normalised(filters, 2), SkipConnection()] * count]


def _residual(first: int, second: int, third: int, fourth: int) -> tuple[Layer, ...]:
    """Nine normalised convolutions of so many filters at each size; skip connections in the middle ones."""

    middle = [layer for filters in (second, third) for layer in (Pooling(), *_blocks(filters, 1))]
    return (*_normalised(first, 1), *middle, Pooling(), *_normalised(fourth, 2), GlobalPooling())


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
            data=Data(
                flip=True,
                random_affine=0.3,
                random_erasing=0.5,
                style_augmentation=0.26,
                outlier_exposure=0.06,
                own_images=0.08,
            ),
            layers=_residual(32, 64, 128, 160),
            training=Training(
                **_ONE_CYCLE,
                learning_rate=0.006,
                weight_decay=0.05,
                epochs=80,
                calibrate=True,
            ),
        ),
        "fast": RunConfig(
            preset="fast",
            data=Data(distillation=0.8, importance_sampling=0.8),
            layers=(
                Convolution(filters=32, kernel=4, stride=2, batch_normalisation=True),
                *_normalised(64, 1),
                Pooling(),
                *_normalised(128, 1),
                Pooling(),
                *_normalised(192, 1),
                GlobalPooling(mode="max"),
            ),
            training=Training(
                **_ONE_CYCLE,
                learning_rate=0.03,
                weight_decay=0.02,
                epochs=3,
            ),
        ),
        "accurate": RunConfig(
            preset="accurate",
            data=Data(flip=True, shift=2, random_erasing=0.5, distillation=0.5, importance_sampling=0.8),
            layers=(
                *_normalised(32, 1),
                Pooling(),
                *_blocks(96, 1),
                Pooling(),
                *_blocks(176, 1),
                GlobalPooling(),
            ),
            training=Training(
                **_ONE_CYCLE,
                learning_rate=0.006,
                weight_decay=0.05,
                epochs=70,
            ),
        ),
        "record": RunConfig(
            preset="record",
            data=Data(flip=True, shift=2, random_erasing=0.5, mixup=0.2, distillation=0.5),
            layers=(
                *_blocks(64, 1),
                Pooling(),
                *_blocks(128, 2),
                Pooling(),
                *_blocks(256, 2),
                GlobalPooling(),
            ),
            training=Training(
                **_ONE_CYCLE,
                learning_rate=0.005,
                weight_decay=0.05,
                epochs=150,
                ema_momentum=0.999,
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
        "transfer": on_backbone(
            EFFICIENTNET_LITE2.name,
            Data(image_size=EFFICIENTNET_LITE2.input_shape[:2], channels=3, limit=1000, **PHOTO_AUGMENTATION),
            preset="transfer",
        ),
    }

"""A network made ready to train: optimizer, learning-rate schedule, loss, accuracy, and the devices that share it."""

from collections.abc import Callable
from functools import cache

import keras
import numpy as np
import tensorflow as tf

from cnn.config import RunConfig


def devices_to_train_on() -> list[str]:
    """The GPUs of this machine, by name. With none or one, TensorFlow finds the place by itself."""
    return [device.name for device in tf.config.list_logical_devices("GPU")]


@cache
def distribution() -> tf.distribute.Strategy:
    """How a network is trained here: on several GPUs each takes its share of every batch, all have the same weights.

    A network to be trained is built and compiled within its `scope()`.
    """
    devices = devices_to_train_on()
    return tf.distribute.MirroredStrategy(devices) if len(devices) > 1 else tf.distribute.get_strategy()


def compile_for_training(
    model: keras.Model, config: RunConfig, total_steps: int, class_weights: np.ndarray | None = None
) -> "ScaledSchedule":
    """Attach the configured optimizer and the lecture's loss and metric. Returns the learning rate, to be steered.

    Args:
        class_weights: what an image of each class counts in the loss, (classes,); None: all count 1.
    """
    training = config.training
    rate = ScaledSchedule(_learning_rate(training.learning_rate, training.schedule, total_steps))
    average = {"use_ema": True, "ema_momentum": training.ema_momentum} if training.ema_momentum else {}
    optimizer = {
        "adam": lambda: keras.optimizers.Adam(rate, **average),
        "adamw": lambda: keras.optimizers.AdamW(rate, weight_decay=training.weight_decay, **average),
        "sgd": lambda: keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, **average),
        "rmsprop": lambda: keras.optimizers.RMSprop(rate, **average),
    }[training.optimizer]()
    # Small gradients are zero in float16. Keras does this by itself only where the whole network has one policy.
    if any(layer.compute_dtype == "float16" for layer in model.layers):
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(model.trainable_variables)  # now, where all its variables come to the same devices
    model.compile(
        optimizer=optimizer,
        loss=_loss(config, class_weights),
        weighted_metrics=[Confusion(model.output_shape[-1], name="accuracy")],
    )
    return rate


def _loss(config: RunConfig, class_weights: np.ndarray | None) -> Callable:
    data = config.data
    loss = keras.losses.sparse_categorical_crossentropy
    if data.outlier_exposure or data.has_soft_targets:
        loss = soft_cross_entropy
    return loss if class_weights is None else weighted_loss(loss, class_weights)


def weighted_loss(loss: Callable, class_weights: np.ndarray) -> Callable:
    """A loss (labels (b,), probabilities (b, classes)) -> (b,), times what the true class counts.

    Of an image without a class (`NO_GARMENT`) it stays as it is. See `soft_targets` for other labels.
    """
    weights = class_weights.astype(np.float32)

    def weighted(labels, probabilities):
        targets = soft_targets(labels, len(weights))
        counted = keras.ops.matmul(targets, weights[:, None])[:, 0] + 1 - keras.ops.sum(targets, axis=-1)
        return counted * loss(labels, probabilities)

    return weighted


def balanced_weights(labels: np.ndarray, classes: int) -> np.ndarray:
    """What an image of each class must count so that all classes count the same: n / (classes * n_class), (classes,).

    scikit-learn's `class_weight="balanced"` (King and Zeng 2001). A class without images counts 1.

    >>> balanced_weights(np.array([0, 0, 0, 1]), 2).round(3).tolist()
    [0.667, 2.0]
    """
    counts = np.bincount(labels, minlength=classes)
    return np.where(counts, len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1)), 1.0)


def soft_targets(labels, classes: int):
    """Labels (b,) or (b, 1), one-hot; probabilities (b, classes) as they are. float32 (b, classes).

    Zeros for what is no garment (`NO_GARMENT`).
    """
    if len(labels.shape) == 2 and labels.shape[1] == classes:
        return keras.ops.cast(labels, "float32")
    return keras.ops.one_hot(keras.ops.reshape(keras.ops.cast(labels, "int32"), (-1,)), classes, dtype="float32")


def soft_cross_entropy(labels, probabilities):
    """Cross-entropy against labels or probabilities; where there is no garment, against equal ones of all classes.

    The latter is "Deep Anomaly Detection with Outlier Exposure" (Hendrycks, Mazeika, Dietterich 2019,
    arXiv:1812.04606), equation 1 with the loss of its section 4.3. labels: see `soft_targets`; what is missing in their
    sum is shared out among all classes. probabilities: (b, classes). Returns (b,), in nats.
    """
    classes = probabilities.shape[-1]
    targets = soft_targets(labels, classes)
    missing = 1 - keras.ops.sum(targets, axis=-1, keepdims=True)
    return keras.losses.categorical_crossentropy(targets + missing / classes, probabilities)


class Confusion(keras.metrics.Metric):
    """Accuracy, the share of garments that are classified rightly, and the counts behind it.

    What is no garment (`NO_GARMENT`) does not count; of probabilities (b, classes), the highest is the true class.
    """

    def __init__(self, classes: int, **kwargs):
        super().__init__(**kwargs)
        self._classes = classes
        self._counts = self.add_variable((classes, classes), initializer="zeros", dtype="float32", name="counts")

    @property
    def matrix(self) -> np.ndarray:
        """int (classes, classes): rows are the true classes, columns the answers."""
        return np.asarray(self._counts).astype(int)

    def update_state(self, y_true, y_pred, sample_weight=None):
        targets = soft_targets(y_true, self._classes)
        true = keras.ops.one_hot(keras.ops.argmax(targets, axis=-1), self._classes, dtype="float32")
        true *= keras.ops.cast(keras.ops.sum(targets, axis=-1, keepdims=True) > 0.5, "float32")  # no garment: zeros
        if sample_weight is not None:
            true *= keras.ops.cast(sample_weight, "float32")[:, None]
        answered = keras.ops.one_hot(keras.ops.argmax(y_pred, axis=-1), self._classes, dtype="float32")
        self._counts.assign_add(keras.ops.matmul(keras.ops.transpose(true), answered))

    def result(self):
        total = keras.ops.sum(self._counts)
        return keras.ops.sum(keras.ops.diagonal(self._counts)) / keras.ops.maximum(total, 1.0)


def confusion_of(network: keras.Model) -> Confusion:
    """The metric of a compiled network."""
    nested = (getattr(metric, "metrics", [metric]) for metric in network.metrics)
    return next(metric for metrics in nested for metric in metrics if isinstance(metric, Confusion))


class ScaledSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate or a schedule of it, times a factor that can be changed while a network trains."""

    def __init__(self, base: float | keras.optimizers.schedules.LearningRateSchedule):
        self._base = base
        self.factor = keras.Variable(1.0, trainable=False, dtype="float32", name="factor")

    def __call__(self, step):
        return self.planned(step) * self.factor

    def planned(self, step):
        """The rate without the factor."""
        return self._base(step) if callable(self._base) else self._base


def _learning_rate(peak: float, schedule: str, total_steps: int):
    match schedule:
        case "cosine":
            return keras.optimizers.schedules.CosineDecay(peak, decay_steps=total_steps)
        case "one-cycle":  # Smith and Topin, "Super-Convergence", arXiv:1708.07120
            rise = max(1, int(0.3 * total_steps))
            return keras.optimizers.schedules.CosineDecay(
                peak / 25, decay_steps=max(1, total_steps - rise), warmup_target=peak, warmup_steps=rise
            )
    return peak

"""From a configuration to a Keras model.

Always a Functional model with named layers and an explicit input, so that any layer's output can be asked for
(`cnn.activations`). The names and the order are those of `RunConfig.rows()`. A model is rebuilt from the run's own
validated configuration and only its weights are read from disk: nothing that a file says is executed.
"""

import json
import math
import re
import time
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import layers as kl

from cnn.config import CLASS_NAMES, INPUT_SHAPE, RunConfig
from cnn.layers import Convolution, Dense, Dropout, Flatten, GlobalPooling, Layer, Pooling, SkipConnection
from cnn.runs import Run

_TRIAL = 8  # steps at most to tell which precision is faster
_TRIAL_SECONDS = 2.0  # for all these steps, beside the time that building the graphs takes
_CLEAR = 2.0  # times as slow as the fastest so far: no more steps are needed to see it
_GAIN = 1.05  # times as fast as float32 is what another precision must be to be worth it


class UnreadableModel(RuntimeError):
    """A run's model file is missing, damaged or belongs to another network."""


@keras.saving.register_keras_serializable(package="cnn")
class DepthwiseMaxPooling(kl.Layer):
    """Maximum over groups of neighbouring feature maps: (h, w, c) -> (h, w, c / size).

    Keras has no such layer. Géron, "Hands-On Machine Learning", chapter 14, describes it: a network can learn maps
    that are one pattern in several poses, and this makes what follows indifferent to the pose.
    """

    def __init__(self, size: int, **kwargs):
        super().__init__(**kwargs)
        self.size = size

    def call(self, x):
        shape = keras.ops.shape(x)
        grouped = keras.ops.reshape(x, (-1, shape[1], shape[2], shape[3] // self.size, self.size))
        return keras.ops.max(grouped, axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] // self.size)

    def get_config(self):
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable(package="cnn")
class FusedBatchNormalization(kl.BatchNormalization):
    """Batch normalisation of maps (n, h, w, c) whose training step is one operation, where Keras's own has about ten.

    It has Keras's variables and, rounding apart, its results; only the moving variance counts with one picture fewer
    (Bessel's correction). Without `training` it is Keras's own.
    """

    def call(self, inputs, training=None, mask=None):
        if not training or not self.trainable:
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma,
            offset=self.beta,
            mean=self.moving_mean,
            variance=self.moving_variance,
            epsilon=self.epsilon,
            exponential_avg_factor=1 - self.momentum,
            is_training=True,
        )
        self.moving_mean.assign(mean)
        self.moving_variance.assign(variance)
        return outputs


def build(config: RunConfig, precision: str | None = None, for_training: bool = False) -> keras.Model:
    """The network of a configuration, with fresh weights.

    Args:
        config: layers and precision.
        precision: overrides the configured one; predictions and files on disk are always "float32". "auto" is
            float32 here: `faster_precision` finds out what it means in training.
        for_training: with `FusedBatchNormalization`; otherwise of Keras's own layers, so that a file of the network
            can be read without this project.

    Returns:
        A Functional model, pictures float32 (n, 28, 28, 1) in [0, 1] -> probabilities float32 (n, 10).
    """
    policy = precision or config.training.precision
    policy = "float32" if policy == "auto" else policy
    names = iter([row.name for row in config.rows()])
    x = inputs = keras.Input(INPUT_SHAPE, name="input")
    reached = []  # the input of each configured layer
    for index, layer in enumerate(config.layers):
        reached.append(x)
        if isinstance(layer, SkipConnection):
            x = kl.Add(name=next(names), dtype=policy)([reached[index - layer.over], x])
            continue
        for make, arguments in _keras_layers(layer):
            if make is kl.BatchNormalization and for_training:
                make = FusedBatchNormalization
            x = make(name=next(names), dtype=policy, **arguments)(x)
    # The softmax stays in 32 bits: in 16 the smallest probabilities and the loss lose their digits.
    outputs = kl.Dense(len(CLASS_NAMES), activation="softmax", dtype="float32", name=next(names))(x)
    return keras.Model(inputs, outputs, name=config.preset or "network")


def _keras_layers(layer: Layer) -> list[tuple[type[kl.Layer], dict]]:
    match layer:
        case Convolution(batch_normalisation=normalised):
            convolution = {
                "filters": layer.filters,
                "kernel_size": layer.kernel,
                "strides": layer.stride,
                "padding": layer.padding,
                "dilation_rate": layer.dilation,
                "use_bias": not normalised,
                "activation": None if normalised else layer.activation,
            }
            made = [(kl.Conv2D, convolution)]
            if normalised:
                made.append((kl.BatchNormalization, {"momentum": layer.normalisation_momentum}))
                if layer.activation != "linear":
                    made.append((kl.Activation, {"activation": layer.activation}))
            return made
        case Pooling(mode="depthwise max"):
            return [(DepthwiseMaxPooling, {"size": layer.size})]
        case Pooling():
            window = {"pool_size": layer.size, "strides": layer.stride or layer.size, "padding": layer.padding}
            return [(kl.MaxPooling2D if layer.mode == "max" else kl.AveragePooling2D, window)]
        case GlobalPooling():
            return [(kl.GlobalAveragePooling2D if layer.mode == "average" else kl.GlobalMaxPooling2D, {})]
        case Flatten():
            return [(kl.Flatten, {})]
        case Dense():
            return [(kl.Dense, {"units": layer.units, "activation": layer.activation})]
        case Dropout():
            return [(kl.Dropout, {"rate": layer.rate})]
    raise TypeError(f"No Keras layer for {layer!r}")


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


def compile_for_training(model: keras.Model, config: RunConfig, total_steps: int) -> "Steered":
    """Attach the configured optimizer and the lecture's loss and metric. Returns the learning rate, to be steered."""
    training = config.training
    rate = Steered(_learning_rate(training.learning_rate, training.schedule, total_steps))
    optimizer = {
        "adam": lambda: keras.optimizers.Adam(rate),
        "adamw": lambda: keras.optimizers.AdamW(rate, weight_decay=training.weight_decay),
        "sgd": lambda: keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
        "rmsprop": lambda: keras.optimizers.RMSprop(rate),
    }[training.optimizer]()
    # Small gradients are zero in float16. Keras does this by itself only where the whole network has one policy.
    if any(layer.compute_dtype == "float16" for layer in model.layers):
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(model.trainable_variables)  # now, where all its variables come to the same devices
    strange = config.data.strange > 0
    model.compile(
        optimizer=optimizer,
        loss=unsure_cross_entropy if strange else keras.losses.sparse_categorical_crossentropy,
        metrics=[Confusion(name="accuracy")],
    )
    return rate


def unsure_cross_entropy(labels, probabilities):
    """Cross-entropy; where there is no garment (`NO_GARMENT`), against ten equal probabilities.

    "Deep Anomaly Detection with Outlier Exposure" (Hendrycks, Mazeika, Dietterich 2019, arXiv:1812.04606), equation 1
    with the loss of its section 4.3. labels: (b,). probabilities: (b, 10). Returns (b,), in nats.
    """
    labels = keras.ops.reshape(keras.ops.cast(labels, "int32"), (-1,))
    classes = len(CLASS_NAMES)
    target = keras.ops.one_hot(labels, classes, dtype="float32")  # zeros for NO_GARMENT
    target = keras.ops.where(labels[:, None] < classes, target, 1 / classes)
    return keras.losses.categorical_crossentropy(target, probabilities)


class Confusion(keras.metrics.Metric):
    """Accuracy, the share of garments that are classified rightly, and the counts behind it.

    What is no garment (`NO_GARMENT`) does not count.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._counts = self.add_variable((len(CLASS_NAMES),) * 2, initializer="zeros", dtype="float32", name="counts")

    @property
    def matrix(self) -> np.ndarray:
        """int (10, 10): rows are the true classes, columns the answers."""
        return np.asarray(self._counts).astype(int)

    def update_state(self, y_true, y_pred, sample_weight=None):
        classes = len(CLASS_NAMES)
        labels = keras.ops.reshape(keras.ops.cast(y_true, "int32"), (-1,))
        true = keras.ops.one_hot(labels, classes, dtype="float32")  # zeros for what is no garment
        answered = keras.ops.one_hot(keras.ops.argmax(y_pred, axis=-1), classes, dtype="float32")
        self._counts.assign_add(keras.ops.matmul(keras.ops.transpose(true), answered))

    def result(self):
        total = keras.ops.sum(self._counts)
        return keras.ops.sum(keras.ops.diagonal(self._counts)) / keras.ops.maximum(total, 1.0)


def confusion_of(network: keras.Model) -> Confusion:
    """The metric of a compiled network."""
    nested = (getattr(metric, "metrics", [metric]) for metric in network.metrics)
    return next(metric for metrics in nested for metric in metrics if isinstance(metric, Confusion))


class Steered(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate or a schedule of it, times a factor that can be changed while a network trains."""

    def __init__(self, base: float | keras.optimizers.schedules.LearningRateSchedule):
        self._base = base
        self.factor = keras.Variable(1.0, trainable=False, dtype="float32", name="factor")

    def __call__(self, step):
        return self.planned(step) * self.factor

    def planned(self, step):
        """The rate without the factor."""
        return self._base(step) if callable(self._base) else self._base


class Waiting:
    """How long a compiled network's training waits for its batches. It trains as it would without this, bit for bit."""

    def __init__(self, network: keras.Model):
        with tf.device("CPU:0"):
            self._seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        network.make_train_function()
        train = network.train_function

        # One compiled function takes a batch and trains on it, as Keras's own, which tells nobody how long it waited.
        # To take the batch outside of it, in Python, made the training of `fast` half as slow again.
        @tf.function(reduce_retracing=True, autograph=False)
        def take_and_train(batches):
            start = tf.timestamp()
            with tf.control_dependencies([start]):
                batch = batches.get_next()
            with tf.control_dependencies(tf.nest.flatten(batch, expand_composites=True)):
                self._seconds.assign_add(tf.timestamp() - start)
            return train(iter((batch,)))

        def step(batches):
            is_stream = isinstance(batches, tf.data.Iterator | tf.distribute.DistributedIterator)
            return take_and_train(batches) if is_stream else train(batches)

        network.train_function = step

    @property
    def seconds(self) -> float:
        """All the time so far."""
        return float(self._seconds.numpy())


class Trial(NamedTuple):
    """The precision that was the fastest, and the sentence that says so."""

    precision: str
    outcome: str


def faster_precision(config: RunConfig) -> Trial:
    """Which precision trains this network the fastest on this machine: some steps of each that may be worth it."""
    others = _other_precisions()
    if not others:
        return Trial("float32", "float32, without a trial: this processor does not compute in 16 bits.")
    seconds = _shortest_steps(config, ("float32", *others))
    gains = {precision: seconds["float32"] / seconds[precision] for precision in others}
    best = max(gains, key=gains.get)
    in_a_trial = f"in a trial of up to {_TRIAL} steps."
    if gains[best] >= _GAIN:
        return Trial(best, f"{best}: {gains[best]:.1f} times as fast as float32 {in_a_trial}")
    return Trial("float32", f"float32: {best} was {gains[best]:.2f} times as fast {in_a_trial}")


def _other_precisions() -> tuple[str, ...]:
    """What to try beside float32."""
    if tf.config.list_logical_devices("GPU"):
        return ("mixed_bfloat16", "mixed_float16")
    with suppress(OSError):  # where Linux tells, a trial of several seconds may be spared
        if flags := re.search(r"^(?:flags|Features)\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE):
            return ("mixed_bfloat16",) if "bf16" in flags[1] else ()
    return ("mixed_bfloat16",)


def _shortest_steps(config: RunConfig, precisions: Sequence[str]) -> dict[str, float]:
    """Seconds that the shortest of some training steps took in each precision.

    They take turns, so that whatever else the machine does meets them alike. What is clearly slower takes no more.
    """
    steps = {precision: _step(config, precision) for precision in precisions}
    seconds, begin = dict.fromkeys(precisions, math.inf), time.perf_counter()
    for number in range(1, _TRIAL + 1):
        for precision, step in steps.items():
            start = time.perf_counter()
            step()
            seconds[precision] = min(seconds[precision], time.perf_counter() - start)
        if number > 1:  # the first ones settle the memory
            best = min(seconds.values())
            steps = {precision: step for precision, step in steps.items() if seconds[precision] <= _CLEAR * best}
            if len(steps) == 1 or time.perf_counter() - begin > _TRIAL_SECONDS:
                break
    return seconds


def _step(config: RunConfig, precision: str) -> Callable[[], object]:
    """A step of training, whose graph is built."""
    with distribution().scope():
        network = build(config, precision, for_training=True)
        compile_for_training(network, config, total_steps=_TRIAL)
    share = math.ceil(config.training.batch_size / distribution().num_replicas_in_sync)  # that each device is given
    x, y = np.zeros((share, *INPUT_SHAPE), np.float32), np.zeros(share)
    network.train_on_batch(x, y)
    return lambda: network.train_on_batch(x, y)


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


def load(run: Run) -> keras.Model:
    """The trained network of a run, in float32.

    Raises:
        UnreadableModel: there is no model yet, or its file does not hold the weights of this configuration.
    """
    if run.problem:
        raise UnreadableModel(f"{run.name} is damaged. {run.problem}")
    if not run.has_model:
        raise UnreadableModel(f"{run.name} has no trained network yet: it is written at the end of its first epoch.")
    model = build(run.config, precision="float32")
    try:
        _check_layers(run)
        model.load_weights(run.model_path)
    except Exception as error:  # zip, HDF5, JSON and Keras each raise their own kinds
        raise UnreadableModel(
            f"The model of {run.name} cannot be read: {run.model_path.name} is damaged or belongs to another network."
        ) from error
    return model


def with_features(model: keras.Model) -> keras.Model:
    """The same network with what its output layer reads: pictures -> (probabilities (n, 10), features (n, f))."""
    return keras.Model(model.input, [model.output, model.layers[-1].input])


def logits(model: keras.Model, features: np.ndarray) -> np.ndarray:
    """What the output layer makes of features (n, f), before the softmax: (n, 10)."""
    kernel, bias = model.layers[-1].get_weights()
    return features @ kernel + bias


def _check_layers(run: Run) -> None:
    """Keras matches weights by position and leaves over what does not match: compare the layers' names first."""
    with zipfile.ZipFile(run.model_path) as file:
        saved = json.loads(file.read("config.json"))
    names = [layer["config"]["name"] for layer in saved["config"]["layers"]]
    if names != ["input", *(row.name for row in run.config.rows())]:
        raise ValueError(f"the file holds the layers {names}")

"""From a configuration to a Keras model.

Always a Functional model with named layers and an explicit input, so that any layer's output can be asked for
(`cnn.activations`). The names and the order are those of `RunConfig.rows()`. A model is rebuilt from the run's own
validated configuration and only its weights are read from disk: nothing that a file says is executed.
"""

import json
import time
import zipfile

import keras
import numpy as np
from keras import layers as kl

from cnn.config import CLASS_NAMES, INPUT_SHAPE, RunConfig
from cnn.layers import Convolution, Dense, Dropout, Flatten, GlobalPooling, Layer, Pooling, SkipConnection
from cnn.runs import Run

_TRIAL = 8  # steps to tell which precision is faster


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


def build(config: RunConfig, precision: str | None = None) -> keras.Model:
    """The network of a configuration, with fresh weights.

    Args:
        config: layers and precision.
        precision: overrides the configured one; predictions and files on disk are always "float32". "auto" is
            float32 here: `faster_precision` finds out what it means in training.

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
                made.append((kl.BatchNormalization, {}))
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


def compile_for_training(model: keras.Model, config: RunConfig, total_steps: int) -> "Steered":
    """Attach the configured optimizer and the lecture's loss and metric. Returns the learning rate, to be steered."""
    training = config.training
    rate = Steered(_learning_rate(training.learning_rate, training.schedule, total_steps))
    optimizer = {
        "adam": lambda: keras.optimizers.Adam(rate),
        "adamw": lambda: keras.optimizers.AdamW(rate, weight_decay=0.004),
        "sgd": lambda: keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
        "rmsprop": lambda: keras.optimizers.RMSprop(rate),
    }[training.optimizer]()
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


def faster_precision(config: RunConfig) -> str:
    """Which precision trains this network faster on this machine, "float32" or "mixed_bfloat16": some steps of each."""
    return min(("float32", "mixed_bfloat16"), key=lambda precision: _seconds_a_step(config, precision))


def _seconds_a_step(config: RunConfig, precision: str) -> float:
    network = build(config, precision)
    compile_for_training(network, config, total_steps=_TRIAL)
    x, y = np.zeros((config.training.batch_size, *INPUT_SHAPE), np.float32), np.zeros(config.training.batch_size)
    seconds = []
    for _ in range(_TRIAL):
        start = time.perf_counter()
        network.train_on_batch(x, y)
        seconds.append(time.perf_counter() - start)
    return min(seconds)  # the first ones build the graph and settle the memory


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

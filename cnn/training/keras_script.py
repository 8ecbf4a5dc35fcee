"""A configuration as a plain Keras script, which trains the same network without this project.

The script is put together from what the configuration needs and nothing else. What it must do exactly as the project
does (drawing clothes, varying images, cooling a network) is copied from the project's own source, so that the two
cannot drift apart; what is for reading (the batches, the layers, the optimizer) is written out. Imports no TensorFlow,
and runs nothing.
"""

import ast
import importlib.util
import sys
import textwrap
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

from cnn.config import Data, RunConfig, Training, counted
from cnn.config.layers import L2, Row
from cnn.data import Script, dataset_of
from cnn.data.batches import FIRST_EPOCHS
from cnn.data.soft_labels import FILE

_WIDTH = 120  # columns

Changes = Sequence[tuple[int, int, float]]


def keras_script(config: RunConfig, changes: Changes = (), precision: str | None = None) -> str:
    """The Python source of a script that trains this configuration with Keras alone.

    On the same machine, with the same versions, it ends with the weights of the project's own training, bit for bit,
    unless something is left out, see `left_out`.

    Args:
        config: of the run.
        changes: of the learning rate, made by hand, see `runs.learning_rate_changes`.
        precision: that the run took where its configuration says "auto"; without it, "auto" is written as float32.
    """
    configured = config.training.precision
    computed = (precision or "float32") if configured == "auto" else configured
    mixed = None if computed == "float32" else computed
    dataset = dataset_of(config.data).script(config.data.limit)
    parts = [
        _head(config, dataset, changes, mixed),
        _constants(config.training),
        _data(dataset, config.data),
        _batches(config.data),
        _network(config),
        _learning_rate(config.training, changes),
        _fit(config, mixed),
        _end(config, mixed),
    ]
    return "\n".join(filter(None, parts)).replace("\n\n\n\n", "\n\n\n")


def left_out(config: RunConfig) -> list[str]:
    """What the script cannot do without the project, a sentence each. Empty where it repeats the run exactly."""
    data, transfer = config.data, config.transfer
    sources = (
        (data.style_augmentation, "images in other styles"),
        (data.outlier_exposure, "images of no garment, with their own loss"),
        (data.own_images, "images of your own, if the run had any"),
    )
    missing = [f"{what} ({share:.0%} of each batch)" for share, what in sources if share]
    if transfer.source:
        missing.append(f'the weights that the first {counted(transfer.layers, "layer")} got from "{transfer.source}"')
    if not missing:
        return []
    return [
        f"Left out, because only CNN Atelier can make or read them: {'; '.join(missing)}.",
        "So the script trains another network than the run: expect other weights and other numbers.",
    ]


# --- the parts of the script ------------------------------------------------------------------------------------


def _head(config: RunConfig, dataset: Script, changes: Changes, mixed: str | None) -> str:
    training, missing = config.training, left_out(config)
    name = f'the network "{_plain(config.preset)}"' if config.preset else "a convolutional network"
    text = [f"Train {name} on {config.data.card.title}, with Keras alone."]
    if missing:
        text.append("Written by CNN Atelier. " + " ".join(missing))
    else:
        text.append(
            "Written by CNN Atelier from the configuration of a run. On the machine of that run, with Keras "
            f"{version('keras')} and TensorFlow {version('tensorflow')}, it ends with the same weights, bit for bit: "
            "it starts from the same ones and sees the same images in the same order. Elsewhere, rounding differs."
        )
    notes = []
    if changes:
        notes.append("The learning rate was changed by hand in the run; the script makes the same changes.")
    if training.patience:
        notes.append("Early stopping keeps the network with the lowest validation loss.")
    if training.calibrate:
        notes.append("At the end the logits are divided by the temperature that fits the validation images best.")
    if mixed:
        notes.append(f"It computes in 16 bits ({mixed.removeprefix('mixed_')}), and keeps and saves 32-bit weights.")
    if notes:
        text.append(" ".join(notes))
    others = f", numpy, and {dataset.needs}" if dataset.needs else " and numpy"
    beside = f", and in the current folder {FILE.name}, the soft labels" if config.data.uses_soft_labels else ""
    text.append(
        f"Needs keras, tensorflow{others}{beside}. Writes the trained network to model.keras in the current folder."
    )
    paragraphs = "\n\n".join(textwrap.fill(paragraph, _WIDTH) for paragraph in text)

    lines = ["import math", "import os", "import keras", "import numpy as np", "import tensorflow as tf"]
    lines += dataset.imports
    lines += _imports(dataset.copied) if dataset.copied else ()
    lines += ["from collections.abc import Callable"] * training.class_weights
    lines += _imports("cnn.training.weight_averaging") if training.ema_momentum else ()
    first, plain = _sorted(lines)
    return "\n".join(
        [
            f'"""{paragraphs}\n"""',
            "",
            *first,
            "",
            "# Read when TensorFlow is loaded: how it computes decides how its results are rounded.",
            'os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")',
            "",
            *plain,
            "",
        ]
    )


def _sorted(imports: Sequence[str]) -> tuple[list[str], list[str]]:
    """Lines that import, those of the standard library first; of one module, one line says all that is taken of it."""
    taken: dict[str, set[str]] = {}
    for line in imports:
        what, _, names = line.partition(" import ")
        taken.setdefault(what, set()).update(names.split(", ") if names else ())
    lines = [f"{what} import {', '.join(sorted(names))}" if names else what for what, names in taken.items()]
    lines.sort(key=lambda line: (line.startswith("from"), line))
    standard = [line for line in lines if line.split()[1].partition(".")[0] in sys.stdlib_module_names]
    return standard, [line for line in lines if line not in standard]


def _plain(name: str) -> str:
    """A name that can stand in a docstring."""
    return name.replace("\\", "/").replace('"', "'")


def _constants(training: Training) -> str:
    return textwrap.dedent(f"""\
        SEED = {training.seed}
        EPOCHS = {training.epochs}
        BATCH_SIZE = {training.batch_size}
        """)


def _data(dataset: Script, data: Data) -> str:
    card = data.card
    height, width, channels = card.input_shape
    shape = f"(n, {height}, {width}{', 3' * (channels == 3)})"
    bright = "" if card.reading == "photo" else ", bright on black,"
    last = len(card.class_names) - 1
    lines = ["", f"# --- the data: images uint8 {shape}{bright} and labels uint8 (n,) from 0 to {last}", ""]
    if dataset.copied:
        lines += ["", _body(dataset.copied), "", ""]
    lines += dataset.lines
    if data.has_soft_targets:
        lines += ["", "# What is to be predicted of each image: a probability for each class."]
        lines += [f"train_targets = np.eye({last + 1}, dtype=np.float32)[train_labels]"]
    if data.uses_soft_labels:
        lines += ["", "", *_source("cnn.data.soft_labels", "normalised").split("\n"), "", ""]
        lines += [f'soft_labels = normalised(np.load("{FILE.name}")["probabilities"])[: len(train_labels)]']
    if data.distillation:
        lines += [
            f"weight = np.float32({data.distillation!r})",
            "train_targets = (1 - weight) * train_targets + weight * soft_labels",
        ]
    if data.importance_sampling:
        lines += ["", "", *_source("cnn.data.importance_sampling", "relative_chances").split("\n"), "", ""]
        lines += [f"chances = relative_chances(soft_labels, train_labels, {data.importance_sampling!r})"]
    if data.has_soft_targets or data.uses_soft_labels:
        lines += [""]
    return "\n".join([*lines, "STEPS = math.ceil(len(train_labels) / BATCH_SIZE)  # in an epoch", ""])


# What varies a batch: the setting, the function, its arguments, and its number among the random keys of a batch.
_AUGMENTATIONS = (
    ("random_crop", "random_crop", "{random_crop}, {chance}", 100),
    ("flip", "random_flip", "{chance}", 0),
    ("shift", "random_shift", "{shift}, {chance}{reflect}", 1),
    ("random_affine", "random_affine", "tf.fill(tf.shape(chosen), {random_affine}), {chance}{reflect}", 3),
    ("colour_jitter", "colour_jitter", "{colour_jitter}, {chance}", 101),
    ("random_erasing", "random_erasing", "{random_erasing}, {chance}", 4),
)


def _batches(data: Data) -> str:
    shape, dim = data.card.input_shape, "[..., None]" if data.card.input_shape[2] == 1 else ""
    settings = {**data.model_dump(), "reflect": ", reflect=True" if data.card.reading == "photo" else ""}
    used = [entry for entry in _AUGMENTATIONS if settings[entry[0]]]
    blended = ["mixup"] * bool(data.mixup)
    names = [*(name for _, name, _, _ in used), *blended]
    functions = [_source("cnn.data.augmentation", name) + "\n\n\n" for name in names]
    vary = [
        f"        x = {name}(x, {arguments.format(**settings, chance=f'tf.random.fold_in(chance, {number})')})"
        for _, name, arguments, number in used
    ]
    varied = ", how a batch is varied from (seed, epoch, step)" if names else " alone"
    chance = ["        chance = tf.random.fold_in(tf.stack([seed, epoch]), step)"] if names else []
    early = f"tf.cast(epoch, tf.float32) < {FIRST_EPOCHS} * EPOCHS"
    given = ["        return x, tf.gather(labels, chosen)"]
    if data.mixup:
        given = [
            f"        # Images are blended in the first {FIRST_EPOCHS:.0%} of the epochs.",
            f"        alpha = tf.where({early}, {data.mixup!r}, 0.0)",
            "        return mixup(x, tf.gather(labels, chosen), alpha, tf.random.fold_in(chance, 102))",
        ]
    sampled = []
    if data.importance_sampling:
        functions += [_source("cnn.data.importance_sampling", "draw") + "\n\n\n"]
        sampled = [
            f"        # In the first {FIRST_EPOCHS:.0%} of the epochs, hard images come more often and count less.",
            "        drawn = draw(order, tf.constant(chances), tf.stack([seed, epoch]))",
            f"        order = tf.where({early}, drawn, order)",
        ]
        given = [
            f"        counted = tf.where({early}, 1 / tf.gather(tf.constant(chances), chosen), 1.0)",
            "        return x, tf.gather(labels, chosen), counted",
        ]
    learned = "train_targets" if data.has_soft_targets else "train_labels"
    y = f"float32 (b, {len(data.card.class_names)})" if data.has_soft_targets else "uint8 (b,)"
    y += "; what each counts, float32 (b,)" if data.importance_sampling else ""
    return "\n".join(
        [
            "",
            "".join(functions) + "def training_batches():",
            f'    """The batches of all epochs: x float32 (b, {", ".join(map(str, shape))}) in [0, 1], y {y}.',
            "",
            f"    The order of the images is drawn from (seed, epoch){varied}.",
            '    """',
            f"    images, labels = tf.constant(train_images{dim}), tf.constant({learned})",
            "    seed = tf.constant(SEED, tf.int64)",
            "",
            "    def epoch_batches(epoch):",
            "        images = tf.range(len(train_labels))",
            "        order = tf.random.experimental.stateless_shuffle(images, seed=tf.stack([seed, epoch]))",
            *sampled,
            "        return tf.data.Dataset.range(STEPS).map(lambda step: batch(order, epoch, step))",
            "",
            "    def batch(order, epoch, step):",
            "        chosen = order[step * BATCH_SIZE : (step + 1) * BATCH_SIZE]",
            "        x = tf.cast(tf.gather(images, chosen), tf.float32) / 255.0",
            *chance,
            *vary,
            *given,
            "",
            "    return tf.data.Dataset.range(EPOCHS).flat_map(epoch_batches).prefetch(4)",
            "",
            "",
            "def evaluation_batches(images, labels):",
            '    """The images in their own order, 500 in a batch."""',
            f"    x = images{dim}.astype(np.float32) / 255.0",
            "    return tf.data.Dataset.from_tensor_slices((x, labels)).batch(500).prefetch(2)",
            "",
        ]
    )


def depthwise_max_pooling() -> str:
    """The source of the layer that Keras does not have."""
    return _source("cnn.networks.layers", "DepthwiseMaxPooling").replace("(kl.Layer)", "(keras.layers.Layer)")


def _network(config: RunConfig) -> str:
    rows = config.rows()
    types = {row.type for row in rows}
    lines = ["", "# --- the network; behind each layer, the shape of what comes out of it for one image", "", ""]
    choices = []  # what is one layer for training, and something else of plain Keras layers for use
    if "DepthwiseMaxPooling" in types:
        lines += [*depthwise_max_pooling().split("\n"), "", "", *_DEPTHWISE.split("\n"), "", ""]
        choices += ["depthwise_max_pooling=plain_depthwise_max_pooling"]
    if "BatchNormalization" in types:
        source = _source("cnn.networks.layers", "FusedBatchNormalization").replace("(kl.B", "(keras.layers.B")
        lines += [*source.split("\n"), "", ""]
        choices += ["batch_normalisation=keras.layers.BatchNormalization"]
    lines += ["def build_network():"] if not choices else ["def build_network("]
    lines += [f"    {choice}," for choice in choices] + ["):"] * bool(choices)
    lines += [f'    x = inputs = keras.Input({config.data.card.input_shape}, name="input")']

    before = ["input", *(row.name for row in rows)]  # of each layer, what is in x when its turn comes
    later = {name for latest, row in zip(before, rows, strict=False) for name in row.takes if name != latest}
    kept: dict[str, str] = {}  # what a later layer takes, and the variable that it goes by
    for latest, row in zip(before, rows, strict=False):
        if latest in later:
            kept[latest] = f"shortcut_{len(kept) + 1}"
            lines.append(f"    {kept[latest]} = x")
        taken = ["x" if name == latest else kept[name] for name in row.takes]
        given = f"[{', '.join(taken)}]" if len(taken) > 1 else taken[0]
        lines += _call(row, given, is_output=row is rows[-1])
    return "\n".join([*lines, "    return keras.Model(inputs, outputs)", ""])


_DEPTHWISE = '''\
def plain_depthwise_max_pooling(size, name):
    """What DepthwiseMaxPooling does, of plain Keras layers, so that a file of the network needs no other class."""

    def pooled(x):
        height, width, maps = x.shape[1:]
        x = keras.layers.Reshape((height * width, maps // size, size, 1))(x)
        x = keras.layers.MaxPooling3D((1, 1, size))(x)
        return keras.layers.Reshape((height, width, maps // size), name=name)(x)

    return pooled'''


_CHOSEN = {"BatchNormalization": "batch_normalisation", "DepthwiseMaxPooling": "depthwise_max_pooling"}
_PLAIN = {"filters", "kernel_size", "pool_size", "size", "units", "rate"}  # arguments that need no name


def _call(row: Row, given: str, is_output: bool) -> list[str]:
    """A layer applied to a tensor, on one line or, where that is too long, on three or a line for each argument."""
    made, layer = "outputs" if is_output else "x", _CHOSEN.get(row.type, f"keras.layers.{row.type}")
    plain = _PLAIN | ({"activation"} if row.type == "Activation" else set())
    given_by_name = [(name, _literal(value)) for name, value in row.arguments.items()]
    arguments = [value if name in plain else f"{name}={value}" for name, value in given_by_name]
    arguments += ['dtype="float32"'] * is_output
    arguments.append(f'name="{row.name}"')
    inside, comment = ", ".join(arguments), "  # " + "×".join(map(str, row.output_shape))
    line = f"    {made} = {layer}({inside})({given})"
    if len(line + comment) <= _WIDTH:
        return [line + comment]
    lines = [inside] if len(inside) + 8 <= _WIDTH else [f"{argument}," for argument in arguments]
    return [f"    {made} = {layer}(", *(f"        {line}" for line in lines), f"    )({given}){comment}"]


def _literal(value: object) -> str:
    if isinstance(value, L2):
        return f"keras.regularizers.L2({value.factor!r})"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _learning_rate(training: Training, changes: Changes) -> str:
    peak = training.learning_rate
    lines = ["", "# --- the learning rate", ""]
    match training.schedule:
        case "cosine":
            lines += [f"learning_rate = keras.optimizers.schedules.CosineDecay({peak!r}, decay_steps=STEPS * EPOCHS)"]
        case "one-cycle":
            lines += [
                "# One cycle: it rises over 30% of the steps and falls to zero (Smith and Topin, arXiv:1708.07120).",
                "rise = max(1, int(0.3 * STEPS * EPOCHS))",
                "learning_rate = keras.optimizers.schedules.CosineDecay(",
                f"    {peak!r} / 25,",
                "    decay_steps=max(1, STEPS * EPOCHS - rise),",
                f"    warmup_target={peak!r},",
                "    warmup_steps=rise,",
                ")",
            ]
        case _:
            lines += [f"learning_rate = {peak!r}"]
    if changes:
        lines += ["", "", *_CHANGED.format(changes=_listed(changes)).split("\n")]
    return "\n".join([*lines, ""])


_CHANGED = '''\
@keras.saving.register_keras_serializable()
class ChangedByHand(keras.optimizers.schedules.LearningRateSchedule):
    """A planned learning rate, or a schedule of it, times the factors that somebody chose while the run trained."""

    def __init__(self, planned, changes):
        self.planned = planned
        self.changes = changes

    def __call__(self, step):
        factor = 1.0
        for epoch, begin, chosen in self.changes:
            factor = keras.ops.where(step >= epoch * STEPS + begin, chosen, factor)
        return (self.planned(step) if callable(self.planned) else self.planned) * factor

    def get_config(self):
        return {{"planned": self.planned, "changes": self.changes}}


learning_rate = ChangedByHand(
    learning_rate,
    [  # epoch and batch, from 0, before which it was changed; the factor from there on
{changes}
    ],
)'''


def _listed(changes: Changes) -> str:
    return "\n".join(f"        ({epoch}, {step}, {factor!r})," for epoch, step, factor in changes)


_OPTIMIZERS = {
    "adam": "Adam(learning_rate)",
    "adamw": "AdamW(learning_rate, weight_decay={weight_decay!r})",
    "sgd": "SGD(learning_rate, momentum=0.9, nesterov=True)",
    "rmsprop": "RMSprop(learning_rate)",
}

_EARLY_STOPPING = '''
class EarlyStopping(keras.callbacks.EarlyStopping):
    """Goes by the validation loss to five decimals."""

    def get_monitor_value(self, logs):
        return round(float(super().get_monitor_value(logs)), 5)

'''
_KEEPS_AVERAGES = """\
    def on_epoch_end(self, epoch, logs=None):
        with averaged(self.model):  # which are kept
            super().on_epoch_end(epoch, logs)

"""


def _fit(config: RunConfig, mixed: str | None) -> str:
    training = config.training
    lines = ["", "# --- the training", ""]
    used = ["keras.callbacks.TerminateOnNaN()"]
    if training.ema_momentum:
        lines += ["", *_body("cnn.training.weight_averaging").split("\n"), ""]
        used.insert(0, "ValidatedAverages()")
    if training.patience:
        lines += (_EARLY_STOPPING + _KEEPS_AVERAGES * bool(training.ema_momentum)).split("\n")
        used.insert(0, f"EarlyStopping(patience={training.patience}, restore_best_weights=True)")
    loss = '"sparse_categorical_crossentropy"'
    copied = ["soft_targets"] * (training.class_weights or config.data.has_soft_targets)
    if config.data.has_soft_targets:
        loss, copied = "soft_cross_entropy", [*copied, "soft_cross_entropy"]
    for name in copied:
        lines += ["", *_source("cnn.networks.compile", name).split("\n"), ""]
    if training.class_weights:
        for name in ("balanced_weights", "weighted_loss"):
            lines += ["", *_source("cnn.networks.compile", name).split("\n"), ""]
        plain = loss if config.data.has_soft_targets else "keras.losses.sparse_categorical_crossentropy"
        loss = "loss"
        lines += [
            "",
            f"class_weights = balanced_weights(train_labels, {len(config.data.card.class_names)})",
            f"loss = weighted_loss({plain}, class_weights)",
        ]
    optimizer = _OPTIMIZERS[training.optimizer].format(weight_decay=training.weight_decay).removesuffix(")")
    average = f", use_ema=True, ema_momentum={training.ema_momentum!r}" if training.ema_momentum else ""
    classes = len(config.data.card.class_names)
    validation = f"np.eye({classes})[validation_labels]" if config.data.has_soft_targets else "validation_labels"
    callbacks = [f"    callbacks=[{', '.join(used)}],"]
    if len(callbacks[0]) > _WIDTH:
        callbacks = ["    callbacks=[", *(f"        {one}," for one in used), "    ],"]
    lines += ["keras.utils.set_random_seed(SEED)"]
    if mixed:
        lines += [f'keras.config.set_dtype_policy("{mixed}")']
    lines += [
        f"network = build_network({', '.join(_for_training(config))})",
        "network.summary()",
        "network.compile(",
        f"    optimizer=keras.optimizers.{optimizer}{average}),",
        f"    loss={loss},",
        '    metrics=["accuracy"],',
        ")",
        "network.fit(",
        "    training_batches(),",
        "    epochs=EPOCHS,",
        "    steps_per_epoch=STEPS,",
        f"    validation_data=evaluation_batches(validation_images, {validation}),",
        *callbacks,
        "    verbose=2,",
        ")",
        "",
    ]
    return "\n".join(lines)


def _for_training(config: RunConfig) -> list[str]:
    """The classes of the script's own that the network is trained with, in the order of `build_network`."""
    types = {row.type for row in config.rows()}
    own = ["DepthwiseMaxPooling"] * ("DepthwiseMaxPooling" in types)
    return own + ["FusedBatchNormalization"] * ("BatchNormalization" in types)


def _end(config: RunConfig, mixed: str | None) -> str:
    training = config.training
    lines = []
    if mixed or _for_training(config):
        lines += [
            f"# The same network {'in 32 bits' if mixed else 'of plain Keras layers'}, for use.",
            "trained = network",
            *['keras.config.set_dtype_policy("float32")'] * bool(mixed),
            "network = build_network()",
            "network.set_weights(trained.get_weights())",
            'network.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])',
            "",
        ]
    elif config.data.has_soft_targets:
        lines += ['network.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])  # for the labels', ""]
    if training.calibrate:
        source = [*_source("cnn.evaluation.calibration", "temperature").split("\n"), "", ""]
        lines += [
            "",
            *source,
            *_source("cnn.evaluation.calibration", "apply_temperature").split("\n"),
            "",
            "",
            "answers = network.predict(evaluation_batches(validation_images, validation_labels), verbose=0)",
            "apply_temperature(network, temperature(answers, validation_labels))",
            "",
        ]
    lines += [
        "loss, accuracy = network.evaluate(evaluation_batches(test_images, test_labels), verbose=0)",
        'print(f"Test accuracy {accuracy:.4f}, loss {loss:.4f} on {len(test_labels):,} images")',
        "",
        "# Without the optimizer and its learning rate: keras.models.load_model reads the file in any other program.",
        "plain = build_network()",
        "plain.set_weights(network.get_weights())",
        'plain.save("model.keras")',
        "",
    ]
    return "\n".join(lines)


# --- from the project's own source ------------------------------------------------------------------------------


@cache
def _module(name: str) -> tuple[str, ast.Module]:
    """The source of a module of the project, which is not imported for it."""
    source = Path(importlib.util.find_spec(name).origin).read_text(encoding="utf-8")
    return source, ast.parse(source)


def _source(module: str, name: str) -> str:
    """The source of one function or class, without its own import of TensorFlow."""
    source, tree = _module(module)
    definitions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    node = next(node for node in definitions if node.name == name)
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    lines = source.split("\n")[first - 1 : node.end_lineno]
    text = "\n".join(lines)
    return text.replace("    import tensorflow as tf\n\n", "")


def _imports(module: str) -> list[str]:
    return [ast.unparse(node) for node in _module(module)[1].body if isinstance(node, ast.Import | ast.ImportFrom)]


def _body(module: str) -> str:
    """A whole module without its docstring and its imports."""
    source, tree = _module(module)
    last = max(node.end_lineno for node in tree.body[1:] if isinstance(node, ast.Import | ast.ImportFrom))
    return "\n".join(source.split("\n")[last:]).strip("\n")

"""From a configuration to a Keras model, and its weights from disk."""

import zipfile
from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn import runs
from cnn.config import Data, RunConfig, Training
from cnn.config.layers import (
    Convolution,
    Dense,
    DepthwiseConvolution,
    Dropout,
    Flatten,
    GlobalPooling,
    Pooling,
    SeparableConvolution,
    SkipConnection,
)
from cnn.data import NO_GARMENT
from cnn.networks.build import build
from cnn.networks.compile import (
    Confusion,
    compile_for_training,
    confusion_of,
    distribution,
    soft_cross_entropy,
    weighted_loss,
)
from cnn.networks.layers import DepthwiseMaxPooling, FusedBatchNormalization
from cnn.networks.load import UnreadableModel, load
from cnn.training import precision_trial
from cnn.training.data_wait import InputWaitTimer
from cnn.training.weight_averaging import averaged
from tests.sampling import one_in

PICTURES = np.random.default_rng(0).random((4, 28, 28, 1), np.float32)
LABELS = np.array([0, 3, 9, 3], np.uint8)


def built(*layers, **training) -> keras.Model:
    return build(RunConfig(layers=layers, training=Training(**training)))


# ---------------------------------------------------------------- building

CONVOLUTION = {"filters": 3, "kernel_size": (5, 5), "strides": (2, 2), "padding": "valid", "dilation_rate": (1, 1)}
KINDS = [
    (
        (Convolution(filters=3, kernel=5, stride=2, padding="valid", activation="tanh"), Flatten()),
        keras.layers.Conv2D,
        {**CONVOLUTION, "activation": "tanh", "use_bias": True},
    ),
    (
        (Convolution(filters=3, dilation=2, activation="gelu", batch_normalisation=True), Flatten()),
        keras.layers.Conv2D,
        {"dilation_rate": (2, 2), "padding": "same", "activation": "linear", "use_bias": False},
    ),
    (
        (Convolution(activation="leaky_relu", batch_normalisation=True), Flatten()),
        keras.layers.Activation,
        {"activation": "leaky_relu"},
    ),
    (
        (DepthwiseConvolution(kernel=5, stride=2, padding="valid", activation="tanh"), Flatten()),
        keras.layers.DepthwiseConv2D,
        {"kernel_size": (5, 5), "strides": (2, 2), "padding": "valid", "activation": "tanh", "use_bias": True},
    ),
    (
        (SeparableConvolution(filters=3, dilation=2, batch_normalisation=True), Flatten()),
        keras.layers.SeparableConv2D,
        {"filters": 3, "kernel_size": (3, 3), "dilation_rate": (2, 2), "activation": "linear", "use_bias": False},
    ),
    (
        (Pooling(), Flatten()),
        keras.layers.MaxPooling2D,
        {"pool_size": (2, 2), "strides": (2, 2), "padding": "valid"},
    ),
    (
        (Pooling(mode="average", size=3, stride=1, padding="same"), Flatten()),
        keras.layers.AveragePooling2D,
        {"pool_size": (3, 3), "strides": (1, 1), "padding": "same"},
    ),
    ((Convolution(filters=6), Pooling(mode="depthwise max", size=3), Flatten()), DepthwiseMaxPooling, {"size": 3}),
    ((GlobalPooling(),), keras.layers.GlobalAveragePooling2D, {}),
    ((GlobalPooling(mode="max"),), keras.layers.GlobalMaxPooling2D, {}),
    ((Flatten(), Dense(units=7, activation="sigmoid")), keras.layers.Dense, {"units": 7, "activation": "sigmoid"}),
    ((Flatten(), Dropout(rate=0.3)), keras.layers.Dropout, {"rate": 0.3}),
    ((Convolution(filters=1), SkipConnection(over=1), Flatten()), keras.layers.Add, {}),
]


@pytest.mark.parametrize(("layers", "kind", "options"), KINDS, ids=lambda value: getattr(value, "__name__", ""))
def test_every_kind_of_layer_is_built_with_its_options(layers, kind, options):
    network = built(*layers)
    layer = next(layer for layer in network.layers if isinstance(layer, kind))
    found = layer.get_config()
    assert {name: found[name] for name in options} == options
    probabilities = np.asarray(network(PICTURES))
    assert probabilities.shape == (4, 10) and probabilities.sum(axis=1) == pytest.approx(np.ones(4), abs=1e-5)


NAMES = {
    "lecture": "lecture",
    "my-net_2.1": "my-net_2.1",
    "my net": "my_net",
    "übung": "ubung",
    "网络": "network",
    "_x": "x",
    "net:1": "net_1",
    "a/b": "a_b",
    "<ñ> & 'q' \\ \"r\"": "n_q_r",
    "_": "network",
    "": "network",
    None: "network",
}


@pytest.mark.parametrize("preset", one_in(3, NAMES))
def test_a_network_of_any_name_trains_and_answers(preset, tmp_path):
    config = RunConfig(preset=preset, layers=(Flatten(),))
    with distribution().scope():
        network = build(config, for_training=True)
        compile_for_training(network, config, total_steps=1)
    assert network.name == NAMES[preset]
    with tf.name_scope(network.name):
        network.train_on_batch(PICTURES, LABELS)
    export = build(config)
    export.set_weights(network.get_weights())
    export.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(again.predict_on_batch(PICTURES), export.predict_on_batch(PICTURES))


def test_a_normalisation_comes_before_the_activation():
    network = built(Convolution(filters=3, activation="relu", batch_normalisation=True), Flatten())
    kinds = [type(layer).__name__ for layer in network.layers]
    assert kinds == ["InputLayer", "Conv2D", "BatchNormalization", "Activation", "Flatten", "Dense"]


@pytest.mark.parametrize("kind", ["same", "other"])
def test_the_seed_decides_the_first_weights(kind):
    config = RunConfig(layers=(Convolution(filters=3), Flatten()))
    keras.utils.set_random_seed(7)
    first = build(config).get_weights()
    keras.utils.set_random_seed(7 if kind == "same" else 8)
    second = build(config).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True)) == (kind == "same")


def test_depthwise_max_pooling_takes_the_maximum_of_neighbouring_maps():
    maps = np.random.default_rng(1).normal(size=(2, 5, 4, 12)).astype(np.float32)
    for size in (2, 3, 12):
        pooled = np.asarray(DepthwiseMaxPooling(size)(maps))
        expected = np.stack([maps[..., start : start + size].max(axis=-1) for start in range(0, 12, size)], axis=-1)
        assert np.array_equal(pooled, expected)
        assert DepthwiseMaxPooling(size).compute_output_shape(maps.shape) == pooled.shape


def test_depthwise_max_pooling_survives_its_configuration():
    layer = DepthwiseMaxPooling(3, name="groups")
    assert DepthwiseMaxPooling.from_config(layer.get_config()).get_config() == layer.get_config()
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert isinstance(again, DepthwiseMaxPooling) and (again.size, again.name) == (3, "groups")


def test_mixed_precision_computes_in_16_bits_and_keeps_32():
    network = built(Convolution(filters=4, batch_normalisation=True), Pooling(), Flatten(), precision="mixed_bfloat16")
    by_name = {layer.name: layer for layer in network.layers}
    assert by_name["conv2d"].compute_dtype == by_name["max_pooling2d"].compute_dtype == "bfloat16"
    assert {variable.dtype for variable in network.variables if "seed" not in variable.name} == {"float32"}
    assert by_name["dense"].compute_dtype == "float32"
    probabilities = network(PICTURES)
    assert probabilities.dtype == "float32" and np.asarray(probabilities).sum(axis=1) == pytest.approx(
        np.ones(4), abs=1e-6
    )


def test_files_and_predictions_are_float32_whatever_the_training_was():
    config = RunConfig(layers=(Convolution(filters=4), Flatten()), training=Training(precision="mixed_bfloat16"))
    network = build(config, precision="float32")
    assert {layer.compute_dtype for layer in network.layers} == {"float32"}


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_fused_batch_normalisation_does_what_keras_does(precision):
    maps = np.random.default_rng(1).normal(2, 3, (16, 5, 6, 8)).astype(np.float32)
    weight = np.random.default_rng(2).normal(0, 1, maps.shape)
    layers = [kind(dtype=precision) for kind in (keras.layers.BatchNormalization, FusedBatchNormalization)]
    results = []
    for layer in layers:
        layer.build(maps.shape)
        layer.gamma.assign(np.linspace(0.5, 2, 8))
        layer.beta.assign(np.linspace(-1, 1, 8))
        x = tf.Variable(maps)
        with tf.GradientTape() as tape:
            out = layer(x, training=True)
            loss = tf.reduce_sum(tf.cast(out, tf.float32) * weight)
        gradients = tape.gradient(loss, [x, layer.gamma.value, layer.beta.value])
        results.append([out, *gradients, layer(maps, training=False), layer(maps)])
        assert out.dtype == layer.compute_dtype
    digits = {"float32": 1e-4, "mixed_bfloat16": 0.1, "mixed_float16": 0.02}[precision]
    for keras_, fused in zip(*results, strict=True):
        np.testing.assert_allclose(np.asarray(fused, np.float32), np.asarray(keras_, np.float32), digits, digits)
    (_, _, mean, variance), (_, _, fused_mean, fused_variance) = [layer.get_weights() for layer in layers]
    pictures = maps[..., 0].size
    assert fused_mean == pytest.approx(mean, rel=1e-4)
    moved = (variance - 0.99) * pictures / (pictures - 1)
    assert fused_variance == pytest.approx(0.99 + moved, rel=1e-4), "with one image fewer (Bessel's correction)"


def test_after_some_dozens_of_batches_a_normalised_network_answers_as_it_trains():
    """Its running means have caught up, where with Keras's momentum they would stand at a third of the way."""
    network = build(RunConfig(layers=(Convolution(filters=4, batch_normalisation=True), Flatten())))
    layer = network.get_layer("batch_normalization")
    maps = np.random.default_rng(1).normal(5, 1, (16, 28, 28, 4)).astype(np.float32)
    for _ in range(40):
        layer(maps, training=True)
    assert np.asarray(layer.moving_mean) == pytest.approx(5, rel=0.05)


def test_a_network_for_training_has_the_weights_of_the_one_for_use():
    config = RunConfig(layers=(Convolution(filters=4, batch_normalisation=True), Flatten()))
    training, plain = build(config, for_training=True), build(config)
    assert isinstance(training.get_layer("batch_normalization"), FusedBatchNormalization)
    assert type(plain.get_layer("batch_normalization")) is keras.layers.BatchNormalization
    plain.set_weights(training.get_weights())
    np.testing.assert_allclose(plain(PICTURES), training(PICTURES), atol=1e-6)


@pytest.mark.parametrize(
    ("seconds", "chosen", "outcome"),
    [
        ({"mixed_bfloat16": 0.5}, "mixed_bfloat16", "mixed_bfloat16: 2.0 times as fast as float32 in a trial of"),
        ({"mixed_bfloat16": 0.5, "mixed_float16": 0.4}, "mixed_float16", "mixed_float16: 2.5 times as fast as float32"),
        ({"mixed_bfloat16": 0.98}, "float32", "float32: mixed_bfloat16 was 1.02 times as fast in a trial of"),
        ({"mixed_bfloat16": 4.0, "mixed_float16": 5.0}, "float32", "float32: mixed_bfloat16 was 0.25 times as fast"),
        ({}, "float32", "float32, without a trial: this processor does not compute in 16 bits."),
    ],
)
def test_the_fastest_precision_is_the_one_whose_steps_are_shorter_by_more_than_chance(
    seconds, chosen, outcome, monkeypatch
):
    monkeypatch.setattr(precision_trial, "_other_precisions", lambda: tuple(seconds))
    monkeypatch.setattr(precision_trial, "_shortest_steps", lambda config, precisions: {"float32": 1.0, **seconds})
    found = precision_trial.faster_precision(RunConfig(layers=(Flatten(),)))
    assert found.precision == chosen and found.outcome.startswith(outcome)


@pytest.mark.parametrize(
    ("cpuinfo", "others"),
    [
        ("processor : 0\nflags\t\t: fpu avx512f avx512_bf16\n", ("mixed_bfloat16",)),
        ("flags : fpu amx_bf16\n", ("mixed_bfloat16",)),
        ("Features\t: fp asimd bf16\n", ("mixed_bfloat16",)),
        ("processor : 0\nflags : fpu avx2 avx512f\n", ()),
        ("Hardware : something else\n", ("mixed_bfloat16",)),
        (None, ("mixed_bfloat16",)),
    ],
)
def test_16_bits_are_tried_unless_the_processor_says_that_it_has_none(cpuinfo, others, tmp_path, monkeypatch):
    if cpuinfo is not None:
        (tmp_path / "cpuinfo").write_text(cpuinfo)
    monkeypatch.setattr(precision_trial, "Path", lambda name: tmp_path / "cpuinfo")
    assert precision_trial._other_precisions() == others


def test_the_precisions_of_a_trial_take_turns_and_what_is_clearly_slower_is_left_out(monkeypatch):
    taken = []
    seconds = {"float32": 0.005, "mixed_bfloat16": 0.006, "mixed_float16": 0.05}
    monkeypatch.setattr(
        precision_trial, "time", SimpleNamespace(perf_counter=lambda: sum(seconds[name] for name in taken))
    )
    monkeypatch.setattr(precision_trial, "_step", lambda config, name: lambda: taken.append(name))
    monkeypatch.setattr(precision_trial, "_CLEAR", 5.0)
    found = precision_trial._shortest_steps(RunConfig(layers=(Flatten(),)), list(seconds))
    assert found == pytest.approx(seconds)
    assert taken[:6] == [*seconds] * 2 and taken.count("mixed_float16") == 2
    assert taken[6:] == ["float32", "mixed_bfloat16"] * 6

    monkeypatch.setattr(precision_trial, "_TRIAL_SECONDS", 0.0)
    taken.clear()
    precision_trial._shortest_steps(RunConfig(layers=(Flatten(),)), ["float32", "mixed_bfloat16"])
    assert taken == ["float32", "mixed_bfloat16"] * 2


def test_a_trial_trains_for_some_steps_and_times_them():
    config = RunConfig(layers=(Convolution(filters=4), Flatten()), training=Training(precision="auto", batch_size=8))
    found = precision_trial._shortest_steps(config, ("float32", "mixed_bfloat16"))
    assert set(found) == {"float32", "mixed_bfloat16"} and all(0 < seconds < 60 for seconds in found.values())
    assert {layer.compute_dtype for layer in build(config).layers} == {"float32"}


def test_building_leaves_keras_s_own_precision_alone():
    built(Convolution(filters=4), Flatten(), precision="mixed_bfloat16")
    assert keras.config.dtype_policy().name == "float32"


# ---------------------------------------------------------------- optimizers and schedules

OPTIMIZERS = {
    "adam": (keras.optimizers.Adam, {}),
    "adamw": (keras.optimizers.AdamW, {"weight_decay": 0.004}),
    "sgd": (keras.optimizers.SGD, {"momentum": 0.9, "nesterov": True}),
    "rmsprop": (keras.optimizers.RMSprop, {}),
}


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one-cycle"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_takes_a_step_with_every_schedule(name, schedule):
    config = RunConfig(layers=(Flatten(),), training=Training(optimizer=name, schedule=schedule, learning_rate=0.01))
    network = build(config)
    compile_for_training(network, config, total_steps=20)
    network.run_eagerly = True  # one step is not worth tracing
    kind, options = OPTIMIZERS[name]
    assert type(network.optimizer) is kind
    assert {key: getattr(network.optimizer, key) for key in options} == options
    before = network.get_weights()
    logs = [network.train_on_batch(PICTURES, LABELS, return_dict=True) for _ in range(3)]
    assert set(logs[0]) == {"loss", "accuracy"} and np.isfinite(logs[-1]["loss"])
    assert not np.allclose(before[0], network.get_weights()[0], atol=1e-6)
    assert int(network.optimizer.iterations) == 3


def rates(schedule: str, total: int) -> list[float]:
    config = RunConfig(layers=(Flatten(),), training=Training(schedule=schedule, learning_rate=0.1))
    network = build(config)
    compile_for_training(network, config, total)
    found = []
    for step in range(total + 1):
        network.optimizer.iterations.assign(step)
        found.append(float(network.optimizer.learning_rate))
    return found


def test_a_constant_rate_stays():
    assert rates("constant", 10) == pytest.approx([0.1] * 11)


def test_a_cosine_falls_from_the_peak_to_zero():
    found = rates("cosine", 100)
    assert found == pytest.approx([0.05 * (1 + np.cos(np.pi * step / 100)) for step in range(101)], abs=1e-6)


def test_one_cycle_rises_over_three_tenths_of_the_steps_and_falls_to_zero():
    found = rates("one-cycle", 100)
    assert (
        found[0] == pytest.approx(0.004)
        and found[30] == pytest.approx(0.1)
        and found[100] == pytest.approx(0.0, abs=1e-6)
    )
    assert np.all(np.diff(found[:31]) > 0) and np.all(np.diff(found[30:]) < 0)


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_factor_scales_the_steps_that_follow(schedule):
    """Also those of a training function that Keras has compiled before."""
    config = RunConfig(layers=(Flatten(),), training=Training(schedule=schedule, learning_rate=0.1))
    network = build(config)
    rate = compile_for_training(network, config, total_steps=100)
    network.train_on_batch(PICTURES, LABELS)
    moved = network.get_weights()
    rate.factor.assign(0.0)
    network.train_on_batch(PICTURES, LABELS)
    assert all(np.array_equal(one, other) for one, other in zip(moved, network.get_weights(), strict=True))
    rate.factor.assign(0.25)
    assert float(network.optimizer.learning_rate) == pytest.approx(float(rate.planned(2)) / 4)
    network.train_on_batch(PICTURES, LABELS)
    assert not np.array_equal(moved[0], network.get_weights()[0])


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one-cycle"])
def test_a_training_of_one_step_has_a_learning_rate(schedule):
    assert 0 < rates(schedule, 1)[0] < 0.1001


def test_the_loss_is_the_cross_entropy_of_the_probabilities():
    config = RunConfig(layers=(Flatten(),))
    network = build(config)
    compile_for_training(network, config, 1)
    probabilities = np.asarray(network(PICTURES))
    logs = network.test_on_batch(PICTURES, LABELS, return_dict=True)
    assert logs["loss"] == pytest.approx(-np.log(probabilities[np.arange(4), LABELS]).mean(), rel=1e-4)
    assert logs["accuracy"] == pytest.approx((probabilities.argmax(1) == LABELS).mean())


def test_the_loss_is_scaled_for_float16_alone():
    for precision in ("float32", "mixed_bfloat16", "mixed_float16"):
        config = RunConfig(layers=(Flatten(), Dense(units=4)), training=Training(precision=precision))
        # With some weights the first scaled gradients overflow, and the step is left out.
        keras.utils.set_random_seed(1)
        network = build(config)
        rate = compile_for_training(network, config, 1)
        scaled = isinstance(network.optimizer, keras.optimizers.LossScaleOptimizer)
        assert scaled == (precision == "mixed_float16")
        network.run_eagerly = True
        before = network.get_weights()
        network.train_on_batch(PICTURES, LABELS)
        assert not np.array_equal(network.get_weights()[0], before[0]) and int(network.optimizer.iterations) == 1
        rate.factor.assign(0.5)
        assert float(network.optimizer.learning_rate) == pytest.approx(0.0005)


# ---------------------------------------------------------------- waiting for data


@pytest.mark.parametrize("slow", ["making", "training"])
def test_what_a_training_waits_for_its_batches_is_counted(slow, monkeypatch):
    """Five batches that take two seconds each to make; or that are there, to be trained on for two seconds each."""
    now = 1000.0

    def lasting(what):
        def work(number):
            nonlocal now
            now += 2.0 * (slow == what)
            return number

        return lambda number: tf.numpy_function(work, [number], tf.int64)

    monkeypatch.setattr(tf, "timestamp", lambda: tf.numpy_function(lambda: now, [], tf.float64))
    made_when_asked_for = tf.data.Options()
    made_when_asked_for.experimental_optimization.apply_default_optimizations = False
    made_when_asked_for.autotune.enabled = False
    stream = tf.data.Dataset.range(5).map(lasting("making")).with_options(made_when_asked_for)
    training = lasting("training")
    network = SimpleNamespace(
        make_train_function=lambda: None, train_function=lambda batches: training(next(batches)) * 10
    )
    waiting, stream = InputWaitTimer(network), iter(stream)
    trained = []
    for _ in range(5):
        trained.append(int(network.train_function(stream)))
    assert trained == [0, 10, 20, 30, 40] and now == 1010
    assert waiting.seconds == (10 if slow == "making" else 0)
    with pytest.raises(tf.errors.OutOfRangeError):
        network.train_function(stream)
    assert network.train_function(iter([7])) == 70, "a batch in hand, as train_on_batch gives it"


# ---------------------------------------------------------------- images of no garment

ANSWERS = np.random.default_rng(2).dirichlet(np.ones(10), 6).astype(np.float32)
SOME_OUTLIERS = np.array([3, NO_GARMENT, 0, 9, NO_GARMENT, 7], np.uint8)


@pytest.mark.parametrize("shape", [(6,), (6, 1)])
def test_the_loss_of_garments_is_the_cross_entropy_and_of_others_the_mean_over_all_classes(shape):
    losses = np.asarray(soft_cross_entropy(SOME_OUTLIERS.reshape(shape), ANSWERS))
    garments = SOME_OUTLIERS != NO_GARMENT
    sparse = np.asarray(keras.losses.sparse_categorical_crossentropy(SOME_OUTLIERS[garments], ANSWERS[garments]))
    assert losses.shape == (6,) and losses[garments] == pytest.approx(sparse, abs=1e-6)
    assert losses[~garments] == pytest.approx(-np.log(ANSWERS[~garments]).mean(axis=1), abs=1e-5)


def test_the_loss_of_no_garment_is_least_where_all_classes_are_equally_probable():
    even = np.full((1, 10), 0.1, np.float32)
    assert float(soft_cross_entropy(SOME_OUTLIERS[1:2], even)[0]) == pytest.approx(np.log(10), abs=1e-6)
    sure = np.eye(10, dtype=np.float32)[:1]
    assert np.log(10) < float(soft_cross_entropy(SOME_OUTLIERS[1:2], sure)[0]) < 100, "and finite where it is worst"


def test_the_accuracy_counts_garments_only():
    metric = Confusion(10, name="accuracy")
    metric.update_state(SOME_OUTLIERS, np.eye(10, dtype=np.float32)[[3, 0, 0, 1, 9, 7]])
    assert float(metric.result()) == pytest.approx(3 / 4)
    metric.update_state(np.full(5, NO_GARMENT, np.uint8), np.eye(10, dtype=np.float32)[:5])
    assert float(metric.result()) == pytest.approx(3 / 4), "a batch without any garment changes nothing"
    metric.update_state(np.array([4, 4], np.uint8), np.eye(10, dtype=np.float32)[[4, 5]])
    assert float(metric.result()) == pytest.approx(4 / 6)
    metric.reset_state()
    metric.update_state(SOME_OUTLIERS[[1]], ANSWERS[[1]])
    assert float(metric.result()) == 0


def test_the_metric_counts_what_was_taken_for_what():
    metric = Confusion(10, name="accuracy")
    metric.update_state(SOME_OUTLIERS[:, None], np.eye(10, dtype=np.float32)[[3, 0, 0, 1, 9, 7]])
    metric.update_state(np.array([9], np.uint8), np.eye(10, dtype=np.float32)[[1]])
    expected = np.zeros((10, 10), int)
    expected[3, 3] = expected[0, 0] = expected[7, 7] = 1
    expected[9, 1] = 2  # rows are the true classes
    assert metric.matrix.dtype.kind == "i" and np.array_equal(metric.matrix, expected)


def test_a_networks_metric_is_that_of_the_pictures_seen_last():
    config = RunConfig(layers=(Flatten(),))
    network = build(config)
    compile_for_training(network, config, 1)
    network.evaluate(PICTURES, LABELS, verbose=0)
    answers = np.asarray(network(PICTURES)).argmax(1)
    found = confusion_of(network).matrix
    assert found.sum() == 4 and all(found[true, answer] for true, answer in zip(LABELS, answers, strict=True))


@pytest.mark.parametrize("fraction", [0.0, 0.1])
def test_a_network_learns_from_outliers_only_where_they_are_mixed_in(fraction):
    config = RunConfig(layers=(Flatten(),), data=Data(outlier_exposure=fraction))
    network = build(config)
    compile_for_training(network, config, 10)
    labels = SOME_OUTLIERS[:4] if fraction else LABELS
    probabilities = np.asarray(network(PICTURES))
    expected = np.asarray(soft_cross_entropy(labels, probabilities)).mean()
    logs = network.test_on_batch(PICTURES, labels, return_dict=True)
    assert logs["loss"] == pytest.approx(expected, rel=1e-4)
    garments = labels != NO_GARMENT
    assert logs["accuracy"] == pytest.approx((probabilities.argmax(1) == labels)[garments].mean())
    network.run_eagerly = True
    assert np.isfinite(network.train_on_batch(PICTURES, labels, return_dict=True)["loss"])


# ---------------------------------------------------------------- soft labels

SOFT = np.random.default_rng(3).dirichlet(np.full(10, 0.3), 6).astype(np.float32)


def test_the_loss_of_soft_labels_is_the_cross_entropy_of_both_distributions():
    losses = np.asarray(soft_cross_entropy(SOFT, ANSWERS))
    assert losses == pytest.approx(-(SOFT * np.log(ANSWERS)).sum(axis=1), rel=1e-4)
    none = SOFT * (SOME_OUTLIERS != NO_GARMENT)[:, None]
    losses = np.asarray(soft_cross_entropy(none, ANSWERS))[SOME_OUTLIERS == NO_GARMENT]
    assert losses == pytest.approx(-np.log(ANSWERS[SOME_OUTLIERS == NO_GARMENT]).mean(axis=1), abs=1e-5)


def test_class_weights_count_a_soft_label_by_its_share_of_each_class():
    weights = np.linspace(0.5, 2, 10)
    weighted = np.asarray(weighted_loss(soft_cross_entropy, weights)(SOFT, ANSWERS))
    assert weighted == pytest.approx((SOFT @ weights) * -(SOFT * np.log(ANSWERS)).sum(axis=1), rel=1e-4)
    hard = np.asarray(weighted_loss(soft_cross_entropy, weights)(SOME_OUTLIERS, ANSWERS))
    counted = np.append(weights, 1.0)[np.minimum(SOME_OUTLIERS, 10)]
    assert hard == pytest.approx(counted * np.asarray(soft_cross_entropy(SOME_OUTLIERS, ANSWERS)), rel=1e-5)


def test_the_true_class_of_a_soft_label_is_its_highest():
    metric = Confusion(10, name="accuracy")
    answers = np.eye(10, dtype=np.float32)[[*SOFT.argmax(1)[:5], (SOFT[5].argmax() + 1) % 10]]
    metric.update_state(SOFT, answers)
    assert float(metric.result()) == pytest.approx(5 / 6)
    metric.update_state(np.zeros((3, 10), np.float32), answers[:3])
    assert metric.matrix.sum() == 6, "no garment does not count"
    metric.reset_state()
    metric.update_state(SOFT, answers, sample_weight=np.array([1, 1, 1, 1, 1, 5], np.float32))
    assert float(metric.result()) == pytest.approx(5 / 10), "what counts more in the loss counts more here"


@pytest.mark.parametrize("settings", [{"mixup": 0.2}, {"distillation": 0.5}])
def test_a_network_that_learns_from_soft_labels_is_validated_on_labels(settings):
    config = RunConfig(layers=(Flatten(),), data=Data(**settings))
    network = build(config)
    compile_for_training(network, config, 10)
    probabilities = np.asarray(network(PICTURES))
    logs = network.test_on_batch(PICTURES, LABELS, return_dict=True)
    sparse = np.asarray(keras.losses.sparse_categorical_crossentropy(LABELS, probabilities)).mean()
    assert logs["loss"] == pytest.approx(sparse, rel=1e-4)
    network.reset_metrics()
    logs = network.train_on_batch(PICTURES, SOFT[:4], return_dict=True)
    assert logs["loss"] == pytest.approx(-(SOFT[:4] * np.log(probabilities)).sum(axis=1).mean(), rel=1e-3)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop"])
def test_the_averages_of_the_weights_are_those_of_the_formula(optimizer):
    """a <- m a + (1 - m) w after each step, beginning with the weights after the first."""
    training = Training(optimizer=optimizer, ema_momentum=0.7, learning_rate=0.01)
    config = RunConfig(layers=(Flatten(),), training=training)
    network = build(config)
    compile_for_training(network, config, 10)
    expected = None
    for _ in range(4):
        network.train_on_batch(PICTURES, LABELS)
        weights = network.get_weights()
        expected = weights if expected is None else [0.7 * a + 0.3 * w for a, w in zip(expected, weights, strict=True)]
    with averaged(network):
        found = network.get_weights()
    assert all(a == pytest.approx(b, abs=1e-6) for a, b in zip(found, expected, strict=True))
    assert not all(np.allclose(a, w, atol=1e-6) for a, w in zip(found, weights, strict=True))
    assert all(np.array_equal(a, w) for a, w in zip(network.get_weights(), weights, strict=True)), "as they were"


# ---------------------------------------------------------------- from disk


def stored(config: RunConfig, network: keras.Model) -> runs.Run:
    """A finished run of `config` whose model file holds `network`."""
    run = runs.create(config)
    network.save(run.path / "model.keras")
    runs.write_status(run.path, replace(runs.closed(run.status, "finished"), epoch=1))
    return runs.read(run.path)


def test_a_loaded_network_answers_like_the_saved_one():
    config = RunConfig(
        layers=(
            Convolution(filters=6, batch_normalisation=True, activation="gelu"),
            Pooling(mode="depthwise max", size=3),
            Dropout(),
            Flatten(),
        )
    )
    network = build(config)
    loaded = load(stored(config, network))
    assert np.array_equal(np.asarray(loaded(PICTURES)), np.asarray(network(PICTURES)))
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in network.layers]


def test_the_trained_run_can_be_loaded(tiny):
    network = load(tiny)
    assert network.count_params() == sum(row.parameters for row in tiny.config.rows())
    assert np.asarray(network(PICTURES)).shape == (4, 10)


BROKEN = {
    "empty": lambda content: b"",
    "junk": lambda content: b"\x89HDF\r\n junk" * 50,
    "cut off": lambda content: content[: len(content) // 2],
    "bytes changed": lambda content: (
        content[:9000] + bytes(~byte & 255 for byte in content[9000:20000]) + content[20000:]
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_is_unreadable(kind, own_tiny):
    own_tiny.model_path.write_bytes(BROKEN[kind](own_tiny.model_path.read_bytes()))
    with pytest.raises(UnreadableModel, match=r"The model of Tiny one cannot be read: model\.keras is damaged"):
        load(own_tiny)


def test_a_changed_weight_is_noticed(own_tiny):
    """The file holds the weights as they are in memory, so a damaged disk changes them without breaking the format."""
    content = own_tiny.model_path.read_bytes()
    weights = load(own_tiny).get_layer("dense").get_weights()[0].tobytes()
    assert content.count(weights) == 1
    start = content.index(weights)
    own_tiny.model_path.write_bytes(content[:start] + bytes(len(weights)) + content[start + len(weights) :])
    with pytest.raises(UnreadableModel):
        load(own_tiny)


def test_a_zip_of_something_else_is_unreadable(own_tiny):
    with zipfile.ZipFile(own_tiny.model_path, "w") as archive:
        archive.writestr("readme.txt", "no network in here")
    with pytest.raises(UnreadableModel):
        load(own_tiny)


def test_a_run_without_a_model_is_unreadable(own_tiny):
    own_tiny.model_path.unlink()
    with pytest.raises(UnreadableModel, match="Tiny one"):
        load(runs.read(own_tiny.path))
    with pytest.raises(UnreadableModel, match="no trained network yet"):
        load(runs.create(own_tiny.config))


BASE = (Convolution(filters=8), Convolution(filters=8), GlobalPooling(mode="max"))
OTHERS = {
    "wider": (Convolution(filters=9), Convolution(filters=8), GlobalPooling(mode="max")),
    "deeper": (*BASE, Dense(units=10)),
    "shallower": (Convolution(filters=8), GlobalPooling(mode="max")),
    "without normalisation": (
        Convolution(filters=8),
        Convolution(filters=8, batch_normalisation=True),
        GlobalPooling(mode="max"),
    ),
    "dense": (Flatten(), Dense(units=5)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_the_weights_of_another_network_are_unreadable(name):
    run = stored(RunConfig(layers=BASE), built(*OTHERS[name]))
    with pytest.raises(UnreadableModel, match="damaged or belongs to another network"):
        load(run)
    turned = stored(RunConfig(layers=OTHERS[name]), built(*BASE))
    with pytest.raises(UnreadableModel, match="damaged or belongs to another network"):
        load(turned)

"""The lessons' questions: their answers against Keras, and what is said about right and wrong ones."""

import math
import re
from collections.abc import Callable, Iterable
from functools import cache

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as kl

from cnn.lessons import questions
from cnn.lessons.questions import Question
from cnn.lessons.questions.question import typed
from cnn.lessons.questions.uses import _suited_data
from cnn.networks.layers import DepthwiseMaxPooling
from tests.sampling import one_in

KINDS = [kind for kinds in questions.TOPICS.values() for kind in kinds]
SEEDS = range(40)


def name_of(kind: Callable) -> str:
    return kind.__name__.removeprefix("_")


@cache
def asked(kind: Callable, seeds: range = SEEDS) -> list[Question]:
    return [kind(np.random.default_rng(seed)) for seed in seeds]


def about(topic: str) -> list[Question]:
    """Questions of every kind of a topic."""
    return [question for kind in questions.TOPICS[topic] for question in asked(kind)]


each_kind = pytest.mark.parametrize("kind", KINDS, ids=name_of)
each_topic = pytest.mark.parametrize("topic", questions.TOPICS)


# ---------------------------------------------------------------- what Keras answers, from a question's facts


def parameters(layer: kl.Layer, *shape: int) -> int:
    layer.build((None, *shape))
    return layer.count_params()


def conv(filters: int, kernel: int | tuple[int, int], *args, **options) -> kl.Conv2D:
    return kl.Conv2D(filters, kernel, *args, kernel_initializer="zeros", **options)


def dense(units: int, **options) -> kl.Dense:
    return kl.Dense(units, kernel_initializer="zeros", **options)


def out(layer: kl.Layer, *shape: int) -> tuple[int, ...]:
    return tuple(layer.compute_output_shape((None, *shape)))[1:]


def ran(layer: kl.Layer, image: np.ndarray, *weights) -> np.ndarray:
    """What a layer with these weights makes of one image (h, w) or (h, w, c); one map of it, (h, w)."""
    image = np.asarray(image, np.float32).reshape(*np.shape(image)[:2], -1)
    layer.build((None, *image.shape))
    if weights:
        layer.set_weights(
            [np.asarray(w, np.float32).reshape(v.shape) for w, v in zip(weights, layer.weights, strict=True)]
        )
    return np.asarray(layer(image[None]))[0, ..., 0]


def convolved(image: np.ndarray, kernel: np.ndarray, bias: float = 0.0, stride: int = 1) -> np.ndarray:
    return ran(kl.Conv2D(1, np.shape(kernel)[0], stride), image, kernel, [bias])


def learnt(w: float, gradient: float, rate: float) -> float:
    variable = keras.Variable(np.float64(w), dtype="float64")
    keras.optimizers.SGD(rate).apply([tf.constant(gradient, tf.float64)], [variable])
    return float(variable.numpy())


def slope_of_square(w: float, x: float, t: float) -> float:
    weight = tf.Variable(w, dtype=tf.float64)
    with tf.GradientTape() as tape:
        loss = (weight * x - t) ** 2
    return float(tape.gradient(loss, weight))


def seen(layers: Iterable[tuple[str, int, int, int]], index: int = 3) -> tuple[int, int]:
    """The first and the last place of a long signal that a value after these layers depends on."""
    signal = tf.Variable(tf.zeros((1, 700, 1)))
    with tf.GradientTape() as tape:
        values = signal
        for kind, kernel, stride, dilation in layers:
            layer = (
                kl.AveragePooling1D(kernel, stride)  # of a maximum only one place has a gradient
                if kind == "max pooling"
                else kl.Conv1D(1, kernel, stride, dilation_rate=dilation, kernel_initializer="ones")
            )
            values = layer(values)
        value = values[0, index, 0]
    places = np.flatnonzero(tape.gradient(value, signal)[0, :, 0])
    return int(places[0]), int(places[-1])


def edge_seen(layers: Iterable[tuple[str, int, int, int]]) -> int:
    first, last = seen(layers)
    return last - first + 1


def larger_image(kind, factor, edge, kernel, channels, units):
    def weights(edge: int) -> int:
        if kind == "convolution":
            return parameters(conv(units, kernel), edge, edge, channels)
        return parameters(dense(units, use_bias=False), edge * edge * channels)

    grown = weights(factor * edge) / weights(edge)
    return "It stays the same." if grown == 1 else f"It is multiplied by {grown:g}."


def uses_of_a_weight(edge, kernel):
    layer = kl.Conv2D(1, kernel)
    layer.build((None, edge, edge, 1))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(tf.ones((1, edge, edge, 1))))
    uses = np.unique(tape.gradient(total, layer.kernel.value))
    assert len(uses) == 1
    return uses[0]


def kernels_effect(weights, divisor):
    rng = np.random.default_rng(1)
    kernel, noise = np.array(weights) / divisor, rng.random((12, 12))
    found, even = convolved(noise, kernel), convolved(np.full((5, 5), 3.0), kernel)
    for row in range(3):
        for column in range(3):
            if np.allclose(found, noise[row : row + 10, column : column + 10], atol=1e-6):
                middle = (row, column) == (1, 1)
                return "It leaves the image as it is." if middle else "It shifts the image by one pixel."
    if np.allclose(even, 3, atol=1e-5):
        return "It blurs the image." if found.std() < noise.std() else "It sharpens the image."
    assert np.allclose(even, 0)
    ramp = np.tile(np.arange(6.0), (6, 1))
    across, down = np.abs(convolved(ramp, kernel)).max(), np.abs(convolved(ramp.T, kernel)).max()
    assert min(across, down) == 0 < max(across, down)
    return "It responds to vertical edges." if across else "It responds to horizontal edges."


def changed_bias(kernel, bias, change):
    rng = np.random.default_rng(2)
    image, weights = rng.random((9, 9)), rng.normal(size=(kernel, kernel))
    changes = convolved(image, weights, bias + change) - convolved(image, weights, bias)
    assert np.ptp(changes) < 1e-5
    return round(float(changes.mean()), 1)


def output_edge(kernel, stride, dilation, edge, padding, zeros):
    shape = out(kl.ZeroPadding2D(zeros), edge, edge, 1)
    mode = "same" if padding == "same" else "valid"
    return out(kl.Conv2D(1, kernel, stride, mode, dilation_rate=dilation), *shape)[0]


def zeros_in_front(kernel, dilation, edge):
    """A kernel whose only weight is its first moves the image by the zeros."""
    layer = conv(1, (1, kernel), padding="same", dilation_rate=(1, dilation))
    return int(np.flatnonzero(ran(layer, np.ones((1, edge)), [1] + [0] * (kernel - 1), [0])[0])[0])


def row_read(kernel, stride, i, u, zeros, itself):
    rows = np.arange(100.0)[:, None].repeat(kernel, axis=1)
    if itself:
        rows = ran(kl.ZeroPadding2D(((zeros, 0), (0, 0))), rows)
    weights = np.zeros((kernel, kernel))
    weights[u, 0] = 1
    return convolved(rows, weights, stride=stride)[i, 0]


def which_activation(z, value):
    activations = {
        "ReLU": keras.activations.relu,
        "Leaky ReLU": keras.activations.leaky_relu,
        "No activation (linear)": keras.activations.linear,
        "Tanh": keras.activations.tanh,
        "Sigmoid": keras.activations.sigmoid,
    }
    (name,) = [name for name, f in activations.items() if round(float(f(tf.constant(z))), 2) == value]
    return name


def pooled_value(x, mode, row, column):
    layer = kl.MaxPooling2D(2) if mode == "max" else kl.AveragePooling2D(2)
    return ran(layer, np.array(x))[row, column]


def depthwise_maps(group, channels, edge, asked):
    shape = out(DepthwiseMaxPooling(group), edge, edge, channels)
    return shape[-1] if asked == "maps" else shape[0]


def dense_after_pooling(edge, channels, units):
    flat, pooled = (out(layer, edge, edge, channels) for layer in (kl.Flatten(), kl.GlobalAveragePooling2D()))
    return parameters(dense(units), *flat) - parameters(dense(units), *pooled)


def cross_entropy(probabilities, index):
    return float(keras.losses.sparse_categorical_crossentropy(np.array([index]), np.array([probabilities]))[0])


def temperature(logits, temperature):
    before, after = (
        keras.activations.softmax(tf.constant([logits], tf.float64) / t)[0].numpy() for t in (1, temperature)
    )
    assert before.argmax() == after.argmax() and before.max() != after.max()
    return "It becomes larger." if after.max() > before.max() else "It becomes smaller."


def dropout_factor(rate, value, asked):
    start = 1.0 if asked == "factor" else value
    kept = np.unique(kl.Dropout(rate)(np.full(500, start, np.float32), training=True))
    assert len(kept) == 2 and kept[0] == 0
    return float(kept[1])


def direction(w, gradient, rate):
    after = learnt(w, gradient, rate)
    return "It stays the same." if after == w else "It becomes larger." if after > w else "It becomes smaller."


def layers_needed(kernel, edge):
    count = 0
    while edge > 1:
        (edge, _), count = out(kl.Conv1D(1, kernel), edge, 1), count + 1
    return count


def only_the_output(kernel, maps, units, classes):
    network = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            *(kl.Conv2D(filters, kernel) for filters in maps),
            kl.GlobalAveragePooling2D(),
            *([kl.Dense(units)] if units else []),
            kl.Dense(classes, activation="softmax"),
        ]
    )
    for layer in network.layers[:-1]:
        layer.trainable = False
    return sum(math.prod(weight.shape) for weight in network.trainable_weights)


def frozen_weight(w, gradient, rate, steps):
    layer = kl.Dense(1, use_bias=False, trainable=False, dtype="float64")
    layer.build((None, 1))
    layer.set_weights([np.array([[w]])])
    for _ in range(steps):
        for variable in layer.trainable_weights:
            variable.assign([[learnt(float(variable[0, 0]), gradient, rate)]])
    return float(layer.get_weights()[0][0, 0])


def growing_work(factor, edge, kernel, filters):
    values = [math.prod(out(conv(filters, kernel, padding="same"), n, n, 1)) for n in (edge, factor * edge)]
    return values[1] / values[0]


def multiplications(kernel, edge, channels, filters):
    """Where all factors are one, the sums count the products."""
    layer = kl.Conv2D(filters, kernel, kernel_initializer="ones")
    return np.asarray(layer(np.ones((1, edge, edge, channels), np.float32)), np.float64).sum()


def moved_image(stride, pixels, way, kernel):
    rng = np.random.default_rng(3)
    image, weights = np.zeros((80, 80)), rng.normal(size=(kernel, kernel))
    image[32:48, 32:48] = rng.random((16, 16))
    axis, sign = {"right": (1, 1), "left": (1, -1), "down": (0, 1), "up": (0, -1)}[way]
    before = convolved(image, weights, stride=stride)
    after = convolved(np.roll(image, sign * pixels, axis), weights, stride=stride)
    (places,) = [n for n in range(-6, 7) if np.allclose(np.roll(before, sign * n, axis), after, atol=1e-5)]
    towards = way if way in ("up", "down") else f"to the {way}"
    return f"It shifts by {places} position{'s' * (places != 1)} {towards}."


TURNS = {
    "rotated by 90° to the left": np.rot90,
    "rotated by 180°": lambda image: np.flipud(np.fliplr(image)),
    "mirrored left to right": np.fliplr,
    "mirrored top to bottom": np.flipud,
}


def turned_image(weights, how):
    image = np.random.default_rng(4).random((9, 9))
    turn, word = TURNS[how], how.split()[0]
    before, after = convolved(image, weights), convolved(turn(image), weights)
    assert not np.allclose(after, before, atol=1e-3)
    if np.allclose(after, turn(before), atol=1e-4):
        return f"It is {word} in the same way."
    return f"It becomes a different map, not just the old one {word}."


def shuffled_pixels(edge, loses):
    """A dense layer whose weights are put into the pixels' order gives what it gave before."""
    rng = np.random.default_rng(5)
    image, weights, order = rng.random(edge**2), rng.normal(size=edge**2), rng.permutation(edge**2)
    layer, shuffled = kl.Dense(1, dtype="float64"), kl.Dense(1, dtype="float64")
    for one, values in ((layer, weights), (shuffled, weights[order])):
        one.build((None, edge**2))
        one.set_weights([values[:, None], np.zeros(1)])
    np.testing.assert_allclose(layer(image[None]), shuffled(image[order][None]))
    return "The convolutional network" if loses else "The dense network"


LOCAL = {
    "Photos of faces",
    "Satellite images of towns and fields",
    "Scanned pages of printed text",
    "Spectrograms of sounds, frequency against time",
    "Images from a video camera at a door",
    "Images of clothes",
}

KERAS: dict[str, Callable] = {
    "dense_layer": lambda edge, channels, units: parameters(dense(units), *out(kl.Flatten(), edge, edge, channels)),
    "same_map": lambda edge, kernel, channels: (
        parameters(dense(edge**2, use_bias=False), *out(kl.Flatten(), edge, edge, channels))
        / parameters(conv(1, kernel, padding="same", use_bias=False), edge, edge, channels)
    ),
    "larger_image": larger_image,
    "uses_of_a_weight": uses_of_a_weight,
    "window_sum": lambda x, w, bias: convolved(np.array(x), w, bias)[0, 0],
    "kernels_effect": kernels_effect,
    "changed_bias": changed_bias,
    "even_area": lambda w, value, bias: convolved(np.full((3, 3), value), w, bias)[0, 0],
    "output_edge": output_edge,
    "dilated_kernel": lambda kernel, dilation: 101 - out(kl.Conv1D(1, kernel, dilation_rate=dilation), 100, 1)[0],
    "zeros_in_front": zeros_in_front,
    "row_read": row_read,
    "weights_of_a_filter": lambda kernel, channels, filters: (
        parameters(conv(filters, kernel, use_bias=False), 9, 9, channels) / filters
    ),
    "maps_out": lambda kernel, channels, filters: out(conv(filters, kernel), 9, 9, channels)[-1],
    "sums_of_channels": lambda sums, bias: ran(kl.Conv2D(1, 1), np.array([[sums]]), np.ones(len(sums)), [bias])[0, 0],
    "convolutions_parameters": lambda kernel, channels, filters: parameters(conv(filters, kernel), 9, 9, channels),
    "zeros_after_relu": lambda z: int((keras.activations.relu(np.array(z)) == 0).numpy().sum()),
    "sum_after_relu": lambda z: int(keras.activations.relu(np.array(z)).numpy().sum()),
    "leaky_value": lambda z: float(keras.activations.leaky_relu(tf.constant(z, tf.float64))),
    "which_activation": which_activation,
    "pooled_value": pooled_value,
    "pooled_edge": lambda window, stride, edge: out(kl.MaxPooling2D(window, stride), edge, edge, 1)[0],
    "depthwise_maps": depthwise_maps,
    "global_outputs": lambda edge, channels: out(kl.GlobalAveragePooling2D(), edge, edge, channels)[0],
    "dense_after_pooling": dense_after_pooling,
    "flattened": lambda edge, channels: out(kl.Flatten(), edge, edge, channels)[0],
    "softmax_of_logits": lambda logits, index: float(
        keras.activations.softmax(tf.constant([logits], tf.float64))[0, index]
    ),
    "cross_entropy": cross_entropy,
    "temperature": temperature,
    "dropout_factor": dropout_factor,
    "gradient_step": learnt,
    "gradient_of_square": slope_of_square,
    "direction": direction,
    "step_on_square": lambda w, x, t, rate: learnt(w, slope_of_square(w, x, t), rate),
    "steps_of_an_epoch": lambda images, batch: int(tf.data.Dataset.range(images).batch(batch).cardinality()),
    "receptive_field": edge_seen,
    "added_by_a_layer": lambda layers, kernel: edge_seen([*layers, ("convolution", kernel, 1, 1)]) - edge_seen(layers),
    "distance": lambda layers: seen(layers, 4)[0] - seen(layers, 3)[0],
    "layers_needed": layers_needed,
    "only_the_output": only_the_output,
    "trained_share": lambda inputs, classes, total: 100 * parameters(dense(classes), inputs) / total,
    "what_is_frozen": lambda images, classes, frozen: "The convolutions" if frozen else "The output layer",
    "frozen_weight": frozen_weight,
    "colour_parameters": lambda kernel, filters: (
        parameters(conv(filters, kernel), 28, 28, 3) - parameters(conv(filters, kernel), 28, 28, 1)
    ),
    "growing_work": growing_work,
    "values_of_an_image": lambda height, width: out(kl.Flatten(), height, width, 3)[0],
    "multiplications": multiplications,
    "moved_image": moved_image,
    "turned_image": turned_image,
    "shuffled_pixels": shuffled_pixels,
}


@pytest.mark.parametrize("kind", one_in(3, [kind for kind in KINDS if name_of(kind) != "suited_data"]), ids=name_of)
def test_the_answer_is_kerass(kind):
    for question in asked(kind, range(16)):
        expected = KERAS[name_of(kind)](**question.facts)
        if isinstance(question.answer, str):
            assert question.answer == expected, question
        else:
            assert question.answer == pytest.approx(float(expected), rel=1e-5, abs=1e-5), question


def test_networks_suit_data_in_which_neighbours_belong_together():
    for question in asked(_suited_data):
        fitting = [choice for choice in question.choices if (choice in LOCAL) == question.facts["suited"]]
        assert fitting == [question.answer]


# ---------------------------------------------------------------- every kind


@each_topic
def test_the_right_answer_is_accepted_and_explained(topic):
    for question in about(topic):
        assert question.check(question.answer) == (True, question.working)
        if not question.choices:
            typed = round(float(question.answer), question.decimals)  # what a person can type
            assert question.check(typed).right
            assert question.check(np.float64(typed)).right


@each_topic
def test_every_slip_is_refused_and_explained(topic):
    for question in about(topic):
        assert len(question.misconceptions) >= 1
        for misconception, words in question.misconceptions.items():
            given = misconception if isinstance(misconception, str) else round(float(misconception), question.decimals)
            if question.decimals == 0 and given != misconception:
                continue  # nobody can type it
            verdict = question.check(given)
            assert not verdict.right, (question, misconception)
            assert verdict.words == f"{words}\n\n{question.working}"


@each_topic
def test_an_unforeseen_answer_is_refused_with_the_working(topic):
    for question in about(topic):
        if not question.choices:
            unforeseen = 7e9 + 1
            assert question.check(unforeseen) == (False, question.working)


@each_topic
def test_choices_hold_the_answer_once_and_all_others_are_slips(topic):
    for question in about(topic):
        if isinstance(question.answer, str):
            assert 3 <= len(question.choices) <= 6
            assert sorted(question.choices) == sorted({question.answer, *question.misconceptions})
            assert question.answer not in question.misconceptions
        else:
            assert question.choices == ()


@each_kind
def test_an_answer_can_stand_at_any_place_among_the_choices(kind):
    places = {question.choices.index(question.answer) for question in asked(kind, range(100)) if question.choices}
    assert not places or places >= {0, 1, 2}


@each_topic
def test_no_two_slips_are_typed_alike(topic):
    for question in about(topic):
        if not question.choices:
            typed = [
                round(float(number), question.decimals or 6) for number in (question.answer, *question.misconceptions)
            ]
            assert len(set(typed)) == len(typed), question


@each_topic
def test_numbers_that_are_typed_exactly_are_whole(topic):
    for question in about(topic):
        if not question.choices and question.decimals == 0:
            assert isinstance(question.answer, int)
        assert question.choices or math.isfinite(question.answer)


def _balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += (character == "{") - (character == "}")
        if depth < 0:
            return False
    return depth == 0


@each_topic
def test_the_latex_is_whole(topic):
    for question in about(topic):
        for text in (question.text, question.working, *question.misconceptions.values(), *question.choices):
            assert text.count("$") % 2 == 0, text
            words, formulas = text.split("$")[::2], text.split("$")[1::2]
            assert all(map(_balanced, formulas)), text
            assert text.count(r"\left\lfloor") == text.count(r"\right\rfloor")
            assert text.count(r"\begin{pmatrix}") == text.count(r"\end{pmatrix}")
            for word in words:
                assert not re.search(r"[\\{}_*<>\[\]~`]", word), text  # Markdown would read more into it
                assert not re.search(r":\w+:", word)
            for formula in formulas:
                assert not re.search(r"[\d}]\s*[-+]\s*-|\\cdot -|[×−]", formula), text  # a bracket is missing
                assert not re.search(r"\d,\d", formula.replace("{,}", "")), text
                assert not re.search(r"\.\d{7}|\de[-+]?\d|-0(?![.\d])", formula), text


@each_topic
def test_texts_are_sentences(topic):
    for question in about(topic):
        assert re.search(r"[?.)]$", question.text) and "?" in question.text
        for text in (question.text, question.working, *question.misconceptions.values()):
            assert text == text.strip() and "  " not in text
            assert re.match(r"[A-Z$]", text), text
            assert re.search(r"[.?)]$", text), text
            assert not re.search(r"\b1 (values|steps|rows|channels|pixels|maps|zeros)\b", text.replace("$", "")), text
        for words in question.misconceptions.values():
            assert words.endswith((".", "?"))


@each_topic
def test_the_working_says_the_answer(topic):
    for question in about(topic):
        if isinstance(question.answer, str):
            continue
        said = question.working.replace("{,}", "")
        number = round(question.answer, question.decimals)
        forms = {f"{number:.{question.decimals}f}", f"{number:g}", str(number), str(number).removesuffix(".0")}
        assert any(re.search(rf"(?<![\d.]){re.escape(form)}(?!\d|\.\d)", said) for form in forms), question


@each_kind
def test_one_seed_always_asks_the_same_and_others_ask_something_else(kind):
    first, again = asked(kind), [kind(np.random.default_rng(seed)) for seed in SEEDS]
    assert first == again
    assert len({(question.text, question.choices) for question in first}) >= 25


@each_topic
def test_the_facts_are_plain_values(topic):
    def num(value) -> bool:
        return all(map(num, value)) if type(value) is tuple else type(value) in (int, float, str, bool)

    for question in about(topic):
        assert question.facts and all(map(num, question.facts.values())), question.facts
        assert all(type(value) in (int, float, str) for value in (question.answer, *question.misconceptions))


# ---------------------------------------------------------------- topics, and rounding


def test_every_topic_has_kinds_of_its_own():
    assert list(questions.TOPICS) == [
        *("why", "filter", "stride", "channels", "relu", "pooling"),
        *("classes", "learning", "field", "transfer", "large", "uses"),
    ]
    assert all(len(kinds) >= 2 for kinds in questions.TOPICS.values())
    assert len(set(KINDS)) == len(KINDS)
    assert {name_of(kind) for kind in KINDS} == {*KERAS, "suited_data"}


@each_topic
def test_ask_draws_every_kind_of_a_topic(topic):
    rng = np.random.default_rng(6)
    drawn = [questions.ask(topic, rng) for _ in range(60)]
    assert {tuple(sorted(question.facts)) for question in drawn} == {
        tuple(sorted(kind(np.random.default_rng(7)).facts)) for kind in questions.TOPICS[topic]
    }


def test_an_unknown_topic_is_a_key_error():
    with pytest.raises(KeyError):
        questions.ask("cooking", np.random.default_rng(8))


def test_a_typed_number_is_right_if_it_equals_the_rounded_answer():
    question = Question("", 0.8808, "", decimals=2)
    assert [number for number in (0.87, 0.88, 0.8808, 0.883, 0.886, 0.89, -0.88) if question.check(number).right] == [
        *(0.88, 0.8808, 0.883)
    ]


def test_a_half_may_be_rounded_either_way():
    question = Question("", 0.125, "", decimals=2)
    assert [question.check(number).right for number in (0.11, 0.12, 0.13, 0.14)] == [False, True, True, False]


def test_a_whole_number_must_be_met():
    question = Question("", 3, "")
    assert [question.check(number).right for number in (2, 3, 3.0, 3.4, 4, -3)] == [False, True, True, *[False] * 3]


def test_a_slip_is_recognised_by_its_rounded_number():
    question = Question("", 0.5, "The working.", decimals=1, misconceptions={1 / 3: "A third."})
    assert question.check(0.3) == (False, "A third.\n\nThe working.")
    assert question.check(0.4) == (False, "The working.")


def test_a_slip_that_is_the_right_answer_is_dropped():
    misconceptions = [(2, "The answer."), (5, "First."), (5.0, "Second."), (6, "Third.")]
    assert typed("", 2, "", misconceptions, {}).misconceptions == {5: "First.", 6: "Third."}


def test_the_slope_of_leaky_relu_is_kerass():
    assert float(keras.activations.leaky_relu(-1.0)) == pytest.approx(-questions.LEAKY_SLOPE)


_PLURAL_OF_ONE = re.compile(
    r"(?<![\d.,])1\$? (?:\w+ )?(?:channel|filter|map|image|pixel|position|row|step|unit|value|weight|zero)s\b"
)


@each_kind
def test_one_is_followed_by_a_noun_in_the_singular(kind):
    for question in asked(kind, range(300)):
        for words in (question.text, question.working, *question.choices, *question.misconceptions.values()):
            assert not _PLURAL_OF_ONE.search(words), words

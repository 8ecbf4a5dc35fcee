"""The questions of the lessons, to predict first and check then: with their numbers, answers and workings.

A kind of question is a function that draws its numbers from a random generator, so that one seed always asks the same.
A topic is one lesson's kinds. Formulas and letters are the lecture's: rows and columns are counted from 0. Knows no
page and no network; the arithmetic of layers is `cnn.geometry`'s.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import numpy as np

from cnn import geometry
from cnn.geometry import ReceptiveField

LEAKY_SLOPE = 0.2  # Keras's default

Rng = np.random.Generator
Answer = int | float | str
Slips = Iterable[tuple[Answer, str]]
Facts = Mapping[str, Any]
T = TypeVar("T")


class Verdict(NamedTuple):
    """Whether an answer is right, and what there is to say about it (Markdown)."""

    right: bool
    words: str


@dataclass(frozen=True)
class Question:
    """A question and everything that can be said about an answer to it.

    text: Markdown with LaTeX. answer: exact. working: Markdown, how one gets there with this question's numbers.
    choices: to choose from; empty where a number is typed. decimals: a typed number is rounded to so many, and is right
    if it equals the rounded answer; with none it must be the answer itself. slips: for each foreseeable wrong answer
    the thought that leads to it. facts: the numbers that the question is made of, by name.
    """

    text: str
    answer: Answer
    working: str
    choices: tuple[str, ...] = ()
    decimals: int = 0
    slips: Mapping[Answer, str] = field(default_factory=dict)
    facts: Facts = field(default_factory=dict)

    def check(self, given: Answer) -> Verdict:
        """Judge an answer: one of `choices`, or a number where there are none."""
        if _same(given, self.answer, self.decimals):
            return Verdict(True, self.working)
        thoughts = [words for slip, words in self.slips.items() if _same(given, slip, self.decimals)]
        return Verdict(False, "\n\n".join([*thoughts[:1], self.working]))


def ask(topic: str, rng: Rng) -> Question:
    """A question about one of `TOPICS`.

    Raises:
        KeyError: there is no such topic.
    """
    return _pick(rng, TOPICS[topic])(rng)


def _same(given: Answer, value: Answer, decimals: int) -> bool:
    if isinstance(given, str) or isinstance(value, str):
        return given == value
    if decimals == 0:
        return abs(given - value) < 1e-9
    # Either way of rounding a half is accepted.
    return abs(round(given, decimals) - value) < 0.5 * 10**-decimals + 1e-9


def _typed(text: str, answer: int | float, working: str, slips: Slips, facts: Facts, decimals: int = 0) -> Question:
    """A question whose answer is a number. Of slips that come to the same number only the first is kept."""
    kept: dict[Answer, str] = {}
    for value, words in slips:
        if not any(_same(value, other, decimals) for other in (answer, *kept)):
            kept[value] = words
    return Question(text, answer, working, (), decimals, kept, facts)


def _chosen(rng: Rng, text: str, answer: str, working: str, wrong: Mapping[str, str], facts: Facts) -> Question:
    """A question with choices, in random order. wrong: each wrong choice and the thought that leads to it."""
    return Question(text, answer, working, tuple(_shuffled(rng, [answer, *wrong])), slips=dict(wrong), facts=facts)


def _whole(rng: Rng, low: int, high: int) -> int:
    """A whole number in [low, high]."""
    return int(rng.integers(low, high, endpoint=True))


def _wholes(rng: Rng, low: int, high: int, count: int) -> tuple[int, ...]:
    return tuple(int(value) for value in rng.integers(low, high, count, endpoint=True))


def _square(rng: Rng, low: int, high: int, edge: int) -> tuple[tuple[int, ...], ...]:
    return tuple(_wholes(rng, low, high, edge) for _ in range(edge))


def _tenths(rng: Rng, low: int, high: int) -> float:
    """A number with one decimal in [low, high] tenths, not 0."""
    return _pick(rng, [tenths for tenths in range(low, high + 1) if tenths]) / 10


def _pick(rng: Rng, options: Sequence[T]) -> T:
    return options[int(rng.integers(len(options)))]


def _shuffled(rng: Rng, options: Sequence[T]) -> list[T]:
    return [options[index] for index in rng.permutation(len(options))]


# ---------------------------------------------------------------- numbers in words and in LaTeX


def _n(value: float, decimals: int = 6) -> str:
    """A number within a formula, without superfluous zeros."""
    text = f"{round(value, decimals) + 0:,}"
    return text.removesuffix(".0").replace(",", "{,}")


def _b(value: float) -> str:
    """The same as a term of a sum or a product: in brackets if it is negative."""
    return f"({_n(value)})" if value < 0 else _n(value)


def _sum(values: Iterable[float]) -> str:
    first, *others = values
    return " + ".join([_n(first), *map(_b, others)])


def _listed(values: Iterable[float]) -> str:
    return r",\ ".join(_n(value) for value in values)


def _matrix(rows: Sequence[Sequence[float]]) -> str:
    lines = r" \\ ".join(" & ".join(_n(value) for value in row) for row in rows)
    return rf"\begin{{pmatrix}} {lines} \end{{pmatrix}}"


def _by(edge: int) -> str:
    return f"{edge} × {edge}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


# ---------------------------------------------------------------- why convolutions


def _dense_layer(rng: Rng) -> Question:
    edge, channels = _pick(rng, (16, 20, 28, 32, 48, 64, 96, 100, 128, 200, 224)), _pick(rng, (1, 3))
    units = _pick(rng, (8, 10, 16, 20, 32, 50, 64, 100, 128, 256))
    values = edge * edge * channels
    answer = geometry.dense_parameters(values, units)
    return _typed(
        f"A picture of {_by(edge)} pixels with {_count(channels, 'channel')} is flattened and goes into a dense "
        f"layer of {units} units. How many parameters does the layer have, weights and biases together?",
        answer,
        rf"Flattened, the picture has ${edge} \cdot {edge} \cdot {channels} = {_n(values)}$ values. Each of the "
        rf"{units} units has a weight for each of them and one bias: ${units} \cdot ({_n(values)} + 1) = "
        f"{_n(answer)}$.",
        [
            (values * units, "These are the weights alone; each unit has a bias as well."),
            (values * units + 1, "Each unit has a bias of its own; the layer has more than one."),
            (units * (edge * edge + 1), "A pixel of a colour picture has three values, one in each channel."),
            (units * (edge * channels + 1), "The number of pixels is the edge squared, not the edge."),
            (values + units, "Each unit has a weight for each value: the two numbers are multiplied, not added."),
            (values + 1, "These are the parameters of a single unit."),
        ],
        facts={"edge": edge, "channels": channels, "units": units},
    )


def _same_map(rng: Rng) -> Question:
    kernel, channels = _whole(rng, 2, 7), _pick(rng, (1, 3))
    edge = kernel * _whole(rng, 2, 60 // kernel)
    pixels, weights = edge**2, kernel**2 * channels
    values = pixels * channels
    answer = pixels * values // weights
    return _typed(
        f"A layer is to make one map of {_by(edge)} values from a picture of {_by(edge)} pixels with "
        f"{_count(channels, 'channel')}. A dense layer needs a unit for each value of the map; a convolution needs one "
        f"filter of {_by(kernel)}. Biases are not counted. How many times as many weights as the convolution does the "
        "dense layer have?",
        answer,
        rf"The dense layer has ${edge}^2 = {_n(pixels)}$ units with ${edge}^2 \cdot {channels} = {_n(values)}$ weights "
        rf"each; the convolution has ${kernel}^2 \cdot {channels} = {weights}$ weights that all places share: "
        rf"${_n(pixels)} \cdot {_n(values)} \,/\, {weights} = {_n(answer)}$.",
        [
            (values // weights, "This compares one dense unit with the filter; the map needs a unit for each value."),
            (pixels * values, "This is the number of the dense layer's weights, not yet divided by the filter's."),
            (values, "This is the number of weights of one dense unit."),
            (answer * channels, "The filter has weights for each channel as well."),
            (answer * kernel, "The number of weights in a kernel is its edge squared, not its edge."),
            (edge**2 // kernel, "Both the picture and the kernel have two dimensions: square both edges."),
        ],
        facts={"edge": edge, "kernel": kernel, "channels": channels},
    )


def _larger_picture(rng: Rng) -> Question:
    kind, factor = _pick(rng, ("convolution", "dense")), _whole(rng, 2, 4)
    edge, kernel, channels = _whole(rng, 8, 64), _pick(rng, (3, 5, 7)), _pick(rng, (1, 3))
    units = _pick(rng, (8, 16, 32, 64, 128))
    stays = "It stays the same."
    once, squared, fourth = (f"It is multiplied by {factor**power}." for power in (1, 2, 4))
    larger = _by(factor * edge)
    facts = {"kind": kind, "factor": factor, "edge": edge, "kernel": kernel, "channels": channels, "units": units}
    if kind == "convolution":
        parameters = geometry.convolution_parameters(kernel, channels, units)
        return _chosen(
            rng,
            f"A convolution of {units} filters of {_by(kernel)} has {parameters:,} parameters. It reads pictures "
            f"of {_by(edge)} pixels with {_count(channels, 'channel')}. What happens to the number of its "
            f"parameters if the pictures have {larger} pixels?",
            stays,
            rf"${units} \cdot ({kernel} \cdot {kernel} \cdot {channels} + 1) = {_n(parameters)}$: the picture's edge "
            "does not occur in it, because the same kernels are used at every place.",
            {
                once: "The picture's edge grows by this factor, but the kernels do not grow with it.",
                squared: "The number of pixels grows by this factor, but all places share the same kernels.",
                fourth: "A dense layer with one unit for each pixel would grow like this.",
            },
            facts=facts,
        )
    weights = edge * edge * channels * units
    return _chosen(
        rng,
        f"A dense layer of {units} units has {weights:,} weights. It reads flattened pictures of {_by(edge)} "
        f"pixels with {_count(channels, 'channel')}. What happens to the number of its weights if the pictures have "
        f"{larger} pixels?",
        squared,
        rf"Each unit has a weight for each value: ${edge}^2 \cdot {channels} \cdot {units} = {_n(weights)}$ before, "
        rf"${factor * edge}^2 \cdot {channels} \cdot {units} = {_n(weights * factor**2)}$ after, which is "
        rf"${factor}^2 = {factor**2}$ times as many.",
        {
            stays: "This is so for a convolution, whose kernels are shared; a dense unit has a weight for each pixel.",
            once: "The edge grows by this factor; the number of pixels grows with its square.",
            fourth: "This would be so if the number of units grew like the number of pixels.",
        },
        facts=facts,
    )


def _uses_of_a_weight(rng: Rng) -> Question:
    kernel, edge = _whole(rng, 2, 7), _whole(rng, 10, 64)
    places = geometry.output_size(edge, kernel)
    return _typed(
        f"A kernel of {_by(kernel)} slides over a picture of {_by(edge)} pixels with stride 1 and without "
        "padding. At how many places of the picture is each of its weights used?",
        places**2,
        rf"The kernel has ${edge} - {kernel} + 1 = {places}$ places along each axis, and at each of them all its "
        rf"weights are used once: ${places} \cdot {places} = {_n(places**2)}$.",
        [
            (places, "This is the number of places along one axis; the kernel slides along both."),
            (edge**2, "Near the border the kernel does not fit: it has fewer places than there are pixels."),
            ((edge - kernel) ** 2, "The first place counts as well: along an axis there is one more than that."),
            (kernel**2, "This is the number of weights; the question is how often each of them is used."),
            (1, "The places share the kernel's weights, so that each is used more than once."),
        ],
        facts={"edge": edge, "kernel": kernel},
    )


# ---------------------------------------------------------------- filters


def _window_sum(rng: Rng) -> Question:
    x, w = _square(rng, 0, 9, 3), _square(rng, -2, 2, 3)
    bias = _whole(rng, 1, 5) * _pick(rng, (-1, 1))
    pairs = [(a, b) for xs, ws in zip(x, w, strict=True) for a, b in zip(xs, ws, strict=True)]
    total = sum(a * b for a, b in pairs)
    answer = total + bias
    products = " + ".join(rf"{a} \cdot {_b(b)}" for a, b in pairs)
    turned = sum(a * b for (a, _), (_, b) in zip(pairs, reversed(pairs), strict=True))
    return _typed(
        rf"A filter lies on a window of a grey picture: $x = {_matrix(x)}$, $w = {_matrix(w)}$, bias $b = {bias}$. "
        "What is $z$?",
        answer,
        "Multiply the numbers that lie on each other, add the products, and add the bias: "
        rf"$z = b + \sum x \cdot w = {bias} + ({products}) = {bias} + {_b(total)} = {answer}$.",
        [
            (total, "The bias is still to be added."),
            (total - bias, "The bias is added with its own sign."),
            (max(0, answer), "This is the value after ReLU; $z$ is the value before it."),
            (turned + bias, "Here the kernel was turned by half a turn; a convolutional layer uses it as it is."),
            (
                int((np.array(x) @ np.array(w)).sum()) + bias,
                "This is from a matrix product; multiply the numbers at the same place.",
            ),
            (
                sum(a for a, _ in pairs) * sum(b for _, b in pairs) + bias,
                "Multiply first, then add, not the other way round.",
            ),
            (sum(a + b for a, b in pairs) + bias, "The numbers that lie on each other are multiplied, not added."),
        ],
        facts={"x": x, "w": w, "bias": bias},
    )


_IDENTITY = "It leaves the picture as it is."
_MOVE = "It moves the picture by one pixel."
_BLUR = "It blurs the picture."
_VERTICAL = "It responds to vertical edges."
_HORIZONTAL = "It responds to horizontal edges."
_SHARPEN = "It sharpens the picture."
_EFFECTS = {
    _IDENTITY: "A kernel that leaves the picture as it is has a 1 in the middle and zeros around it.",
    _MOVE: "A kernel that moves the picture has a single 1, which is not in the middle.",
    _BLUR: "A blur is a mean over the window: no weight is negative, several are not zero, and together they are 1.",
    _VERTICAL: "At a vertical edge left and right differ: the kernel's left and right have opposite signs.",
    _HORIZONTAL: "At a horizontal edge top and bottom differ: the kernel's top and bottom have opposite signs.",
    _SHARPEN: "A sharpening kernel has negative weights around a large positive one, and together they are 1.",
}


def _kernels_effect(rng: Rng) -> Question:
    effect, divisor = _pick(rng, tuple(_EFFECTS)), 1
    weights = np.zeros((3, 3), int)
    if effect == _IDENTITY:
        weights[1, 1] = 1
        why = "Only the pixel in the middle counts, with the weight 1: what comes out is the pixel itself."
    elif effect == _MOVE:
        row, column = _pick(rng, [(i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)])
        weights[row, column] = 1
        side = " ".join(filter(None, (("upper", "", "lower")[row], ("left", "", "right")[column])))
        why = f"Only the {side} neighbour counts, with the weight 1: what comes out is the picture, moved by one pixel."
    elif effect == _BLUR:
        middle, side, corner = _pick(rng, ((1, 1, 1), (2, 1, 1), (4, 2, 1), (1, 1, 0), (4, 1, 0), (2, 1, 0), (8, 2, 1)))
        weights[:] = [[corner, side, corner], [side, middle, side], [corner, side, corner]]
        divisor = int(weights.sum())
        why = (
            rf"No weight is negative, and together they are $\tfrac{{{divisor}}}{{{divisor}}} = 1$: what comes out is "
            "a mean over the window."
        )
    elif effect == _SHARPEN:
        side, corner = _pick(rng, ((1, 0), (2, 0), (1, 1), (2, 1), (3, 1)))
        middle = 1 + 4 * (side + corner)
        weights[:] = [[-corner, -side, -corner], [-side, middle, -side], [-corner, -side, -corner]]
        why = (
            rf"The weights around the middle add up to ${1 - middle}$, with the middle ${middle} + ({1 - middle}) = "
            "1$: even areas stay as they are, and how a pixel differs from its neighbours is enlarged."
        )
    else:
        outer, inner = _whole(rng, 1, 4), _whole(rng, 1, 6)
        sign = _pick(rng, (-1, 1))
        weights[:] = np.outer((outer, inner, outer), (-sign, 0, sign))
        lines, way = "columns", "from left to right"
        if effect == _HORIZONTAL:
            weights, lines, way = weights.T, "rows", "from top to bottom"
        total = (2 * outer + inner) * sign
        why = (
            rf"The {lines} add up to ${-total}$, $0$ and ${total}$: what comes out is $0$ in an even area, and far "
            f"from $0$ where the brightness changes {way}."
        )
    rows = tuple(tuple(int(value) for value in row) for row in weights)
    others = _shuffled(rng, [other for other in _EFFECTS if other != effect])[:3]
    fraction = rf"\frac{{1}}{{{divisor}}} " if divisor > 1 else ""
    return _chosen(
        rng,
        rf"What does the kernel $w = {fraction}{_matrix(rows)}$ do to a picture?",
        effect,
        f"{why} {effect}",
        {other: _EFFECTS[other] for other in others},
        facts={"weights": rows, "divisor": divisor},
    )


def _changed_bias(rng: Rng) -> Question:
    kernel, bias, change = _pick(rng, (3, 5, 7)), _tenths(rng, -20, 20), _tenths(rng, -30, 30)
    new = round(bias + change, 1)
    return _typed(
        f"The bias of a filter of {_by(kernel)} is changed from ${_n(bias)}$ to ${_n(new)}$. By how much does "
        "each value of its feature map change before the activation? Write a decrease with a minus sign.",
        change,
        rf"The bias is added once to each value, whatever lies in the window: $z$ changes by "
        rf"${_n(new)} - {_b(bias)} = {_n(change)}$.",
        [
            (-change, "The size is right, but the sign is not: take the new bias minus the old one."),
            (round(kernel**2 * change, 1), "The bias is added once to the sum, not to each of the products."),
            (new, "This is the new bias itself; the values contained the old one before."),
            (0, "The bias is part of $z$: if it changes, so does each value."),
            (round(bias - change, 1), "Take the new bias minus the old one."),
        ],
        decimals=1,
        facts={"kernel": kernel, "bias": bias, "change": change},
    )


def _even_area(rng: Rng) -> Question:
    w, value = _square(rng, -3, 4, 3), _whole(rng, 2, 9)
    bias = _whole(rng, 1, 6) * _pick(rng, (-1, 1))
    total = sum(map(sum, w))
    answer = value * total + bias
    return _typed(
        rf"In an even area all pixels of the window have the value ${value}$. The kernel is $w = {_matrix(w)}$, the "
        rf"bias $b = {bias}$. What is $z$?",
        answer,
        rf"All products have the factor ${value}$, so that only the sum of the weights counts, which is ${total}$: "
        rf"$z = {bias} + {value} \cdot {_b(total)} = {answer}$.",
        [
            (value * total, "The bias is still to be added."),
            (total + bias, f"This is so if all pixels are 1; here they are {value}."),
            (9 * value + bias, "Each pixel is multiplied by its weight before they are added."),
            (value * (total + bias), "The bias is added at the end; it is not multiplied by the pixels."),
            (max(0, answer), "This is the value after ReLU; $z$ is the value before it."),
        ],
        facts={"w": w, "value": value, "bias": bias},
    )


# ---------------------------------------------------------------- stride, padding and dilation


def _output_edge(rng: Rng) -> Question:
    kernel, stride, dilation = _whole(rng, 2, 7), _whole(rng, 1, 4), 1
    if stride == 1:
        dilation = _whole(rng, 1, 3)
    span = geometry.extent(kernel, dilation)
    edge = _whole(rng, span + 2, 64)
    padding = _pick(rng, ("same", "valid", "zeros"))
    zeros = _whole(rng, 1, 3) if padding == "zeros" else 0
    padded = edge + 2 * zeros
    border = {
        "same": "padding “same”",
        "valid": "padding “valid”, which adds no border",
        "zeros": f"a border of {_count(zeros, 'zero')} on each side",
    }[padding]
    dilated = f" with dilation {dilation}" if dilation > 1 else ""
    unpadded = geometry.output_size(edge, kernel, stride, "valid", dilation)
    if padding == "same":
        answer = geometry.output_size(edge, kernel, stride, "same")
        working = (
            rf"With padding “same” only the stride counts: $\lceil {edge} / {stride} \rceil = {answer}$, rounded up."
        )
        slips = [
            (unpadded, "This is so without padding."),
            (unpadded - 1, "With padding “same” neither the kernel nor its dilation matters."),
            (edge // stride, "Round up: the last window may overhang into the padding."),
            (edge, "This is so with stride 1."),
        ]
    else:
        answer = geometry.output_size(padded, kernel, stride, "valid", dilation)
        steps, rest = divmod(padded - span, stride)
        working = rf"$\left\lfloor \frac{{{padded} - {span}}}{{{stride}}} \right\rfloor + 1 = {steps} + 1 = {answer}$."
        if zeros:
            working = rf"With its border the picture's edge is ${edge} + 2 \cdot {zeros} = {padded}$. {working}"
        if dilation > 1:
            working = rf"The kernel spans ${dilation} \cdot ({kernel} - 1) + 1 = {span}$ pixels. {working}"
        once = geometry.output_size(edge + zeros, kernel, stride, "valid", dilation)
        slips = [
            (steps, "The first place counts as well: there is one more place than there are steps."),
            (steps + 2 if rest else steps, "A window must not overhang the border: round down."),
            (unpadded, "This is so without the border of zeros."),
            (once, "The border has two sides: count its zeros twice."),
            (math.ceil(edge / stride), "This is so with padding “same”."),
            (padded - span + 1, "This is so with stride 1."),
            (geometry.output_size(padded, kernel, stride), "This is so without dilation."),
            (padded // stride, "The kernel's span is subtracted from the edge first."),
            (edge, "This is the edge of the picture itself."),
        ]
    return _typed(
        f"A kernel of {_by(kernel)}{dilated} slides over a picture of {_by(edge)} pixels. The stride is {stride}, with "
        f"{border}. What is the edge of the feature map, in values?",
        answer,
        working,
        slips,
        facts={
            "kernel": kernel,
            "stride": stride,
            "dilation": dilation,
            "edge": edge,
            "padding": padding,
            "zeros": zeros,
        },
    )


def _dilated_kernel(rng: Rng) -> Question:
    kernel, dilation = _whole(rng, 2, 9), _whole(rng, 2, 8)
    answer = geometry.extent(kernel, dilation)
    return _typed(
        f"A kernel of {_by(kernel)} has dilation {dilation}. How many pixels does it span along one axis, from "
        "its first weight to its last, both counted?",
        answer,
        rf"Neighbouring weights are {dilation} pixels apart, with one step fewer than there are "
        rf"weights: ${dilation} \cdot ({kernel} - 1) + 1 = {answer}$.",
        [
            (kernel * dilation, f"Between {kernel} weights there are only {_count(kernel - 1, 'step')}."),
            (kernel, "This is so without dilation."),
            (dilation * (kernel - 1), "The first pixel itself counts as well."),
            (
                kernel + dilation * (kernel - 1),
                "Neighbouring weights are as far apart as the dilation says; one pixel fewer is left out between them.",
            ),
            (kernel + dilation - 1, "There is a gap between every two neighbouring weights, not one in all."),
            (kernel + dilation, "There is a gap between every two neighbouring weights, not one in all."),
        ],
        facts={"kernel": kernel, "dilation": dilation},
    )


def _zeros_in_front(rng: Rng) -> Question:
    kernel, dilation, edge = _whole(rng, 2, 11), _whole(rng, 1, 4), _whole(rng, 20, 64)
    span = geometry.extent(kernel, dilation)
    answer = geometry.padding_before(edge, kernel, 1, "same", dilation)
    odd = " The odd one comes behind the last pixel." if (span - 1) % 2 else ""
    dilated = f" with dilation {dilation}" if dilation > 1 else ""
    return _typed(
        f"A kernel of {_by(kernel)}{dilated} slides over a picture of {_by(edge)} pixels with padding “same” and "
        f"stride 1. How many zeros does Keras put in front of the first pixel of each row?",
        answer,
        rf"The kernel spans ${dilation} \cdot ({kernel} - 1) + 1 = {span}$ pixels. To keep the edge, there is one zero "
        rf"fewer than that, ${span} - 1 = {span - 1}$, half of them in front.{odd} "
        rf"$\lfloor {span - 1} / 2 \rfloor = {answer}$.",
        [
            (span - 1, "This is the number of zeros on both sides together."),
            (span // 2, "The odd zero comes behind the last pixel, not in front of the first."),
            ((kernel - 1) // 2, "The dilation makes the kernel span more pixels than it has weights."),
            (kernel - 1, "The zeros are shared between the two sides, and the dilation widens the kernel."),
            (kernel, "This is the kernel's edge; fewer are needed, as the kernel always covers a pixel."),
            (0, "This is so with padding “valid”."),
        ],
        facts={"kernel": kernel, "dilation": dilation, "edge": edge},
    )


def _row_read(rng: Rng) -> Question:
    kernel, stride = _pick(rng, (3, 5, 7)), _whole(rng, 1, 4)
    i, u, zeros = _whole(rng, 1, 12), _whole(rng, 0, kernel - 1), _whole(rng, 1, kernel // 2)
    padded = i * stride + u
    itself = padded >= zeros and bool(rng.integers(2))
    answer = padded - zeros if itself else padded
    which, hidden = ("picture itself", zeros) if itself else ("padded picture", 0)
    last = f" It begins with {_count(zeros, 'row')} of zeros: ${padded} - {zeros} = {answer}$." if itself else ""
    return _typed(
        f"A kernel of {_by(kernel)} slides with stride {stride} over a picture with {_count(zeros, 'row')} of zeros "
        f"above it. All rows are counted from 0. For row $i = {i}$ of the feature map, which row of the {which} is "
        f"multiplied by row $u = {u}$ of the kernel?",
        answer,
        rf"In the padded picture it is row $i' = i \times s_h + u = {i} \times {stride} + {u} = {padded}$.{last}",
        [
            (padded, "This is the row of the padded picture; the rows of zeros are still to be subtracted."),
            (padded - zeros, "This is the row of the picture itself; in the padded one the rows of zeros count."),
            (i + u - hidden, "Each step of the output moves the window by the stride."),
            ((i + u) * stride - hidden, "Only $i$ is multiplied by the stride: the kernel's rows are neighbours."),
            (i * stride - hidden, "This is where the window begins; add the kernel's row."),
            (answer + 1, "This is so if rows are counted from 1; here they are counted from 0."),
        ],
        facts={"kernel": kernel, "stride": stride, "i": i, "u": u, "zeros": zeros, "itself": itself},
    )


# ---------------------------------------------------------------- channels


def _weights_of_a_filter(rng: Rng) -> Question:
    kernel = _pick(rng, (1, 3, 5, 7))
    channels, filters = _whole(rng, 2, 128), _pick(rng, (4, 8, 16, 32, 64, 128))
    answer = kernel * kernel * channels
    return _typed(
        f"A convolution has {filters} filters of {_by(kernel)} and reads {channels} feature maps. How many "
        "weights does each of its filters have? The bias is not counted.",
        answer,
        rf"A filter has a kernel for each of the maps that it reads: ${kernel} \cdot {kernel} \cdot {channels} = "
        rf"{_n(answer)}$.",
        [
            (kernel * kernel, "A filter has one such kernel for each map that it reads."),
            (answer * filters, "These are the weights of all filters together."),
            (answer + 1, "The bias is not counted here."),
            (kernel * kernel * filters, "What counts is how many maps a filter reads, not how many filters there are."),
            (kernel * kernel + channels, "There is a kernel for each map: multiply, not add."),
        ],
        facts={"kernel": kernel, "channels": channels, "filters": filters},
    )


def _maps_out(rng: Rng) -> Question:
    kernel, channels, filters = _pick(rng, (3, 5, 7)), _whole(rng, 2, 100), _whole(rng, 4, 100)
    return _typed(
        f"A convolution with {filters} filters of {_by(kernel)} reads {channels} feature maps. How many feature "
        "maps come out of it?",
        filters,
        rf"Each filter reads all ${channels}$ maps, adds up what it finds in them, and makes one map. There are "
        rf"${filters}$ filters, so that ${filters}$ maps come out.",
        [
            (filters * channels, "A filter adds up what it finds in all maps: it makes one map, not one for each."),
            (channels, "This is how many maps go in; as many come out as there are filters."),
            (filters + channels, "The maps that go in are not passed on; only those of the filters come out."),
            (1, "Each filter makes a map of its own."),
        ],
        facts={"kernel": kernel, "channels": channels, "filters": filters},
    )


def _sums_of_channels(rng: Rng) -> Question:
    sums = tuple(_tenths(rng, -50, 50) for _ in range(_whole(rng, 3, 5)))
    bias = _tenths(rng, -20, 20)
    total = round(sum(sums), 1)
    answer = round(total + bias, 1)
    return _typed(
        rf"At one place a filter finds these sums of products in its {len(sums)} input channels: "
        rf"${_listed(sums)}$. The bias is $b = {_n(bias)}$. What is $z$?",
        answer,
        rf"The sums of all channels and the bias are added: $z = {_sum((bias, *sums))} = "
        f"{_n(answer)}$.",
        [
            (total, "The bias is still to be added."),
            (round(total + len(sums) * bias, 1), "The filter has one bias, not one for each channel."),
            (total / len(sums) + bias, "The channels are added; there is no mean."),
            (round(max(sums) + bias, 1), "All channels count, not only the largest."),
            (max(0, answer), "This is the value after ReLU; $z$ is the value before it."),
            (round(total - bias, 1), "The bias is added with its own sign."),
        ],
        decimals=1,
        facts={"sums": sums, "bias": bias},
    )


def _convolutions_parameters(rng: Rng) -> Question:
    kernel = _pick(rng, (1, 2, 3, 4, 5, 7))
    channels, filters = _whole(rng, 2, 64), _pick(rng, (6, 8, 10, 12, 16, 20, 24, 32, 48, 64))
    weights = kernel * kernel * channels
    answer = geometry.convolution_parameters(kernel, channels, filters)
    return _typed(
        f"A convolution has {filters} filters of {_by(kernel)} and reads {channels} feature maps. How many "
        "parameters does it have, weights and biases together?",
        answer,
        rf"Each filter has ${kernel} \cdot {kernel} \cdot {channels} = {_n(weights)}$ weights and one bias: "
        rf"${filters} \cdot ({_n(weights)} + 1) = {_n(answer)}$.",
        [
            (filters * weights, "These are the weights alone; each filter has a bias as well."),
            (filters * weights + 1, "Each filter has a bias of its own; the layer has more than one."),
            (filters * (kernel * kernel + 1), "Each filter has a kernel for each map that it reads."),
            (filters * channels * (kernel * kernel + 1), "A filter has one bias, not one for each of its kernels."),
            (filters * weights + channels, "The biases belong to the filters, not to the maps that go in."),
            (weights + 1, "These are the parameters of a single filter."),
        ],
        facts={"kernel": kernel, "channels": channels, "filters": filters},
    )


# ---------------------------------------------------------------- activations


def _zeros_after_relu(rng: Rng) -> Question:
    z = tuple(
        _shuffled(rng, [*_wholes(rng, -9, 9, _whole(rng, 4, 7)), *_wholes(rng, -9, -1, 1), *_wholes(rng, 1, 9, 1), 0])
    )
    negative, positive = sum(value < 0 for value in z), sum(value > 0 for value in z)
    already = len(z) - negative - positive
    answer = negative + already
    return _typed(
        rf"ReLU is applied to each of the values ${_listed(z)}$. How many of the results are zero?",
        answer,
        rf"$\text{{ReLU}}(z) = \max(0, z)$ makes the negative values zero, {negative} of them, and what is zero stays "
        rf"so, {already} of them: ${negative} + {already} = {answer}$.",
        [
            (negative, "A value that was zero before stays zero and counts as well."),
            (positive, "This is the number of positive values, which ReLU keeps."),
            (already, "This many were zero before; the negative values become zero as well."),
            (0, "ReLU keeps the positive values only; the negative ones become zero."),
            (len(z), "The positive values stay as they are."),
        ],
        facts={"z": z},
    )


def _sum_after_relu(rng: Rng) -> Question:
    z = tuple(
        _shuffled(rng, [*_wholes(rng, -9, 9, _whole(rng, 2, 4)), *_wholes(rng, -9, -1, 1), *_wholes(rng, 1, 9, 1)])
    )
    kept = [max(0, value) for value in z]
    answer = sum(kept)
    return _typed(
        rf"ReLU is applied to each of the values ${_listed(z)}$, and the results are added. What is their sum?",
        answer,
        rf"$\text{{ReLU}}(z) = \max(0, z)$ of each value is ${_listed(kept)}$: ${_sum(kept)} = {answer}$.",
        [
            (max(0, sum(z)), "Here ReLU comes after the sum; it is applied to each value first."),
            (sum(z), "The negative values become zero before they are added."),
            (sum(map(abs, z)), "ReLU makes negative values zero; it does not merely drop their signs."),
            (
                -sum(z) + answer,
                "This is the sum of the negative values without their signs; ReLU keeps the positive ones.",
            ),
            (max(z), "All positive values stay, not only the largest."),
        ],
        facts={"z": z},
    )


def _leaky_value(rng: Rng) -> Question:
    z = _tenths(rng, -95, 95)
    if z > 0 and rng.integers(2):
        z = -z  # the interesting side, three times out of four
    scaled = round(LEAKY_SLOPE * z, 2)
    if z < 0:
        answer = scaled
        working = rf"it is multiplied by the slope: ${LEAKY_SLOPE} \cdot {_b(z)} = {_n(scaled)}$."
        slips = [
            (0, "This is ReLU; leaky ReLU lets a part of a negative value through."),
            (z, "Only positive values are kept as they are."),
            (-scaled, "The sign stays: a negative value remains negative."),
        ]
    else:
        answer = z
        working = f"it stays ${_n(z)}$."
        slips = [
            (scaled, "Only negative values are multiplied by the slope."),
            (0, "A positive value is kept."),
            (-z, "The sign stays: a positive value remains positive."),
        ]
    return _typed(
        rf"Leaky ReLU with the slope ${LEAKY_SLOPE}$, Keras's default, is applied to $z = {_n(z)}$. What comes out?",
        answer,
        rf"$\max(z,\ {LEAKY_SLOPE} \cdot z)$: the value is {'negative' if z < 0 else 'positive'}, so {working}",
        [*slips, (round(z - LEAKY_SLOPE, 2), "The slope is a factor; it is not subtracted.")],
        decimals=2,
        facts={"z": z},
    )


_RULES = {
    "ReLU": "Every negative value becomes $0$.",
    "Leaky ReLU": f"A negative value is multiplied by the slope, ${LEAKY_SLOPE}$.",
    "No activation (linear)": "The value stays as it is.",
    "Tanh": "The result lies between $-1$ and $1$ and has the sign of the value.",
    "Sigmoid": "The result lies between $0$ and $1$; below $0.5$ for a negative value.",
}


def _which_activation(rng: Rng) -> Question:
    z = _whole(rng, -24, -8) / 10
    results = (max(0.0, z), LEAKY_SLOPE * z, z, math.tanh(z), 1 / (1 + math.exp(-z)))
    made = {name: rf"${_n(z)} \to {result:.2f}$" for name, result in zip(_RULES, results, strict=True)}
    answer = _pick(rng, tuple(_RULES))
    value = round(results[list(_RULES).index(answer)], 2)
    return _chosen(
        rng,
        rf"An activation makes ${value:.2f}$ out of ${_n(z)}$ (rounded to two decimals). Which activation is it?",
        answer,
        f"{answer}: {made[answer]}. {_RULES[answer]}",
        {name: f"{name} would give {made[name]}. {rule}" for name, rule in _RULES.items() if name != answer},
        facts={"z": z, "value": value},
    )


# ---------------------------------------------------------------- pooling


def _pooled_value(rng: Rng) -> Question:
    x, mode = _square(rng, 0, 20, 4), _pick(rng, ("max", "average"))
    average = mode == "average"
    row, column = _whole(rng, 0, 1), _whole(rng, 0, 1)
    place = f"{('upper', 'lower')[row]} {('left', 'right')[column]}"

    def window(row: int, column: int) -> list[int]:
        return [value for line in x[2 * row : 2 * row + 2] for value in line[2 * column : 2 * column + 2]]

    def pooled(values: list[int]) -> float:
        return sum(values) / len(values) if average else max(values)

    values, everything = window(row, column), [value for line in x for value in line]
    mean, top, total = sum(values) / 4, max(values), sum(values)
    if average:
        found = rf"$\tfrac{{1}}{{4}} ({_sum(values)}) = {_n(mean)}$"
        others = [(top, "This is max pooling."), (total, "The sum is still to be divided by four.")]
    else:
        found = rf"$\max({_listed(values)}) = {top}$"
        others = [(mean, "This is average pooling."), (total, "The largest value is taken, not the sum.")]
    return _typed(
        rf"{mode.capitalize()} pooling with a window of 2 × 2 and stride 2 is applied to $x = {_matrix(x)}$. Which "
        f"number is at the {place} of the result?",
        pooled(values),
        rf"The window at the {place} holds ${_listed(values)}$: {found}.",
        [
            *others,
            (pooled(window(1 - row, 1 - column)), "This is the window at the opposite corner."),
            (pooled(window(1 - row, column)), "This window has the right columns, but the wrong rows."),
            (pooled(window(row, 1 - column)), "This window has the right rows, but the wrong columns."),
            (pooled(everything), "This is global pooling, over the whole map."),
            (min(values), "This is the smallest value of the window."),
        ],
        decimals=2,
        facts={"x": x, "mode": mode, "row": row, "column": column},
    )


def _pooled_edge(rng: Rng) -> Question:
    window = _whole(rng, 2, 5)
    stride, edge = _pick(rng, (window, window, _whole(rng, 1, 4))), _whole(rng, 7, 64)
    steps, rest = divmod(edge - window, stride)
    answer = geometry.output_size(edge, window, stride)
    left = (
        f" The last {_count(rest, 'row')} and {_count(rest, 'column')} are in no window."
        if rest and stride >= window
        else ""
    )
    return _typed(
        f"Max pooling with a window of {_by(window)}, stride {stride} and padding “valid” is applied to a map of "
        f"{_by(edge)} values. What is the edge of the result, in values?",
        answer,
        rf"$\left\lfloor \frac{{{edge} - {window}}}{{{stride}}} \right\rfloor + 1 = {steps} + 1 = {answer}$.{left}",
        [
            (steps, "The first window counts as well: there is one more window than there are steps."),
            (steps + 2 if rest else steps, "With padding “valid” a window that overhangs the border does not count."),
            (math.ceil(edge / stride), "This is so with padding “same”."),
            (edge // window, "This is so if the stride equals the window's edge."),
            (edge - window + 1, "This is so with stride 1."),
            (edge - window, "The difference is still to be divided by the stride, and one added."),
            (edge, "Pooling makes the map smaller: each window gives one value."),
        ],
        facts={"window": window, "stride": stride, "edge": edge},
    )


def _depthwise_maps(rng: Rng) -> Question:
    group, groups, edge = _whole(rng, 2, 8), _whole(rng, 2, 24), _whole(rng, 4, 28)
    channels = group * groups
    if rng.integers(2):
        asked, answer, ends = "maps", groups, "How many maps come out?"
        slips = [
            (channels, "This is so for pooling over pixels; here the maps themselves are pooled."),
            (channels - group + 1, "The groups do not overlap."),
            (1, "Each group gives one map; there is more than one group."),
            (group, "This is how many maps are in a group; the question is how many groups there are."),
        ]
    else:
        asked, answer, ends = "edge", edge, "What is the edge of the maps that come out, in values?"
        stays = "The maps are pooled, not the pixels: height and width stay as they are."
        slips = [
            (edge // group, stays),
            (math.ceil(edge / group), stays),
            (edge - group + 1, "No window slides over the pixels: height and width stay as they are."),
            (groups, "This is the number of maps that come out."),
            (1, "This is so for global pooling; here every place is kept."),
        ]
    return _typed(
        f"Depthwise max pooling takes the largest value over each group of {group} feature maps, at every place. "
        f"{channels} maps of {_by(edge)} values go in. {ends}",
        answer,
        rf"Each group of {group} maps becomes one: ${channels} / {group} = {groups}$ maps come out. Every place is "
        f"kept: each map has {_by(edge)} values as before.",
        slips,
        facts={"group": group, "channels": channels, "edge": edge, "asked": asked},
    )


def _global_outputs(rng: Rng) -> Question:
    edge, channels = _whole(rng, 2, 20), _whole(rng, 3, 256)
    return _typed(
        f"Global average pooling gets {channels} feature maps of {_by(edge)} values. How many numbers come out?",
        channels,
        rf"Each map becomes one number, the mean of its ${edge} \cdot {edge} = {edge * edge}$ values: there are "
        rf"${channels}$ numbers.",
        [
            (edge * edge * channels, "This is Flatten, which keeps all values."),
            (edge * edge, "This would be one number for each place; there is one for each map."),
            (1, "Each map has a mean of its own."),
            (edge * channels, "Both axes of a map are pooled, not only one."),
        ],
        facts={"edge": edge, "channels": channels},
    )


def _dense_after_pooling(rng: Rng) -> Question:
    edge, channels = _whole(rng, 2, 12), _pick(rng, (8, 16, 20, 32, 50, 64, 100, 128, 256))
    units = _pick(rng, (10, 16, 20, 32, 50, 64, 100, 128))
    values = edge * edge * channels
    flat, pooled = geometry.dense_parameters(values, units), geometry.dense_parameters(channels, units)
    return _typed(
        f"Through Flatten {channels} feature maps of {_by(edge)} values go into a dense layer of {units} units. "
        "How many parameters does the dense layer save if global average pooling takes the place of Flatten?",
        flat - pooled,
        rf"After Flatten it has ${units} \cdot ({_n(values)} + 1) = {_n(flat)}$ parameters, after global average "
        rf"pooling ${units} \cdot ({channels} + 1) = {_n(pooled)}$. It saves ${_n(flat)} - {_n(pooled)} = "
        f"{_n(flat - pooled)}$.",
        [
            (flat, "This is what it has after Flatten; after global average pooling it still has some."),
            (pooled, "This is what remains after global average pooling; the question is the difference."),
            (values - channels, "This is by how many the inputs become fewer; each has a weight for each unit."),
            (values * units - pooled, "Each unit has a bias in both cases."),
        ],
        facts={"edge": edge, "channels": channels, "units": units},
    )


# ---------------------------------------------------------------- from maps to classes


def _flattened(rng: Rng) -> Question:
    edge, channels = _whole(rng, 2, 20), _pick(rng, (4, 8, 12, 16, 24, 32, 48, 64, 128, 256))
    answer = edge * edge * channels
    return _typed(
        f"Flatten gets {channels} feature maps of {_by(edge)} values. How long is the vector that comes out?",
        answer,
        rf"Flatten keeps every value: ${edge} \cdot {edge} \cdot {channels} = {_n(answer)}$.",
        [
            (channels, "This is global pooling, with one number for each map; Flatten keeps every value."),
            (edge * channels, "The number of values in a map is its edge squared."),
            (edge * edge, "This is the number of values in one map; Flatten takes those of all maps."),
            (edge * edge + channels, "Each map has the edge squared values: multiply by the number of maps, not add."),
        ],
        facts={"edge": edge, "channels": channels},
    )


def _softmax(logits: Sequence[float]) -> list[float]:
    powers = [math.exp(value - max(logits)) for value in logits]
    return [power / sum(powers) for power in powers]


def _softmax_of_logits(rng: Rng) -> Question:
    while True:
        logits = _wholes(rng, 0, 5, _whole(rng, 2, 3))
        index = _whole(rng, 0, len(logits) - 1)
        answer = _softmax(logits)[index]
        # The rounded powers of e, too, lead to these two decimals.
        if 0.02 < answer < 0.98 and abs(100 * answer % 1 - 0.5) > 0.02:
            break
    names = "ABC"[: len(logits)]
    powers = [math.exp(value) for value in logits]
    table = r",\ ".join(rf"e^{value} = {_n(math.exp(value), 3)}" for value in sorted(set(logits) | {1}))
    shown = r",\ ".join(rf"z_{name} = {value}" for name, value in zip(names, logits, strict=True))
    others = [probability for other, probability in enumerate(_softmax(logits)) if other != index]
    share = [(logits[index] / sum(logits), "Raise $e$ to the power of each logit first.")] if sum(logits) else []
    return _typed(
        rf"The logits of {len(logits)} classes are ${shown}$. Which probability does softmax give class "
        rf"{names[index]}? Round to two decimals. (${table}$.)",
        answer,
        rf"$p_{names[index]} = \frac{{e^{{{logits[index]}}}}}{{\sum_c e^{{z_c}}}} = "
        rf"\frac{{{_n(powers[index], 3)}}}{{{' + '.join(_n(power, 3) for power in powers)}}} = "
        rf"{_n(answer, 4)} \approx {answer:.2f}$.",
        [
            *share,
            (
                1 / (1 + math.exp(-logits[index])),
                "This is the sigmoid of the logit alone; softmax compares it with the others.",
            ),
            (1 / len(logits), "This is so if all logits are equal."),
            (powers[index], "This is only the numerator; it is divided by the sum over all classes."),
            *((other, "This is the probability of another class.") for other in others),
            (1 - answer, "This is the probability of all other classes together."),
            (1.0 if logits[index] == max(logits) else 0.0, "The largest logit does not get all of the probability."),
        ],
        decimals=2,
        facts={"logits": logits, "index": index},
    )


def _cross_entropy(rng: Rng) -> Question:
    count = _whole(rng, 3, 4)
    cuts = sorted(int(cut) for cut in rng.choice(np.arange(1, 20), count - 1, replace=False))
    parts = [after - before for before, after in zip([0, *cuts], [*cuts, 20], strict=True)]
    probabilities, index = tuple(round(0.05 * part, 2) for part in parts), _whole(rng, 0, count - 1)
    p, names = probabilities[index], "ABCD"
    shown = r",\ ".join(rf"p_{name} = {_n(value)}" for name, value in zip(names, probabilities, strict=False))
    answer = -math.log(p)
    return _typed(
        rf"A network answers with the probabilities ${shown}$. The picture belongs to class {names[index]}. What is "
        "its cross-entropy loss, with the natural logarithm? Round to two decimals.",
        answer,
        rf"Only the probability of the true class counts: $-\ln {_n(p)} = {_n(answer, 4)} \approx {answer:.2f}$.",
        [
            (-answer, "The logarithm of a probability is negative; the loss is minus the logarithm."),
            (1 - p, "This is what is missing to 1; the loss is minus the logarithm."),
            (p, "This is the probability itself; the loss is minus its logarithm."),
            (
                -math.log(max(probabilities)),
                "This is the loss for the most likely class; the true class counts.",
            ),
            (-math.log10(p), "This is the logarithm to the base 10."),
            (-math.log2(p), "This is the logarithm to the base 2."),
            (-sum(map(math.log, probabilities)), "Only the true class counts, not all classes."),
            (-math.log(1 - p), "The probability of the true class counts, not that of all others."),
        ],
        decimals=2,
        facts={"probabilities": probabilities, "index": index},
    )


def _temperature(rng: Rng) -> Question:
    logits = _wholes(rng, -1, 2, _whole(rng, 3, 5))
    while sorted(logits)[-1] == sorted(logits)[-2]:
        logits = _wholes(rng, -1, 2, len(logits))
    temperature = _pick(rng, (0.5, 0.6, 0.75, 0.8, 1.25, 1.5, 2, 2.5, 3, 4, 5))
    before, after = max(_softmax(logits)), max(_softmax([value / temperature for value in logits]))
    smaller, larger = "It becomes smaller.", "It becomes larger."
    answer, opposite = (smaller, larger) if temperature > 1 else (larger, smaller)
    way = "closer together" if temperature > 1 else "further apart"
    return _chosen(
        rng,
        rf"The logits ${_listed(logits)}$ are divided by the temperature $T = {_n(temperature)}$ before softmax. What "
        "happens to the largest probability?",
        answer,
        rf"Divided by ${_n(temperature)}$, the logits are {way}, and so are the probabilities. The largest one was "
        rf"${_n(before, 3)}$ and is ${_n(after, 3)}$ now.",
        {
            opposite: f"A temperature {'above' if temperature > 1 else 'below'} 1 brings the logits {way}.",
            "It stays the same.": "This is so for $T = 1$ only; softmax depends on the differences of the logits.",
            "Another class becomes the most likely.": "Dividing by a positive number does not change the order.",
        },
        facts={"logits": logits, "temperature": temperature},
    )


def _dropout_factor(rng: Rng) -> Question:
    rate, value = _whole(rng, 1, 18) / 20, _whole(rng, 2, 20) / 10
    scale = 1 / (1 - rate)
    if rng.integers(2):
        asked, start, ends = "factor", 1.0, "By which factor does it multiply the others?"
        times = ""
    else:
        asked, start, ends = "value", value, f"What does a kept value of ${_n(value)}$ become?"
        times = rf" The value becomes ${_n(value)} \cdot {_n(scale, 4)} = {_n(value * scale, 4)}$."
    answer = start * scale
    return _typed(
        rf"While training, dropout with the rate ${_n(rate)}$ sets this share of its inputs to zero. {ends} Round to "
        "two decimals.",
        answer,
        rf"To keep the mean, what is not dropped is multiplied by $\frac{{1}}{{1 - {_n(rate)}}} = "
        rf"\frac{{1}}{{{_n(1 - rate)}}} = {_n(scale, 4)}$.{times} To two decimals it is ${answer:.2f}$.",
        [
            (start * (1 - rate), "This makes the mean even smaller: divide by this share, not multiply."),
            (start, "This is so at prediction; while training, the values that are kept become larger."),
            (scale, "This is the factor; the value is still to be multiplied by it."),
            (start / rate, "Divide by the share that is kept, not by the share that is dropped."),
            (start * rate, "This multiplies by the share that is dropped; divide by the share that is kept."),
            (start * (1 + rate), "Adding the rate to 1 is not enough: divide by the share that is kept."),
            (0, "This is what happens to the values that are dropped."),
        ],
        decimals=2,
        facts={"rate": rate, "value": value, "asked": asked},
    )


# ---------------------------------------------------------------- learning


def _gradient_step(rng: Rng) -> Question:
    w, gradient = _whole(rng, -99, 99) / 100, _tenths(rng, -40, 40)
    rate = _pick(rng, (0.01, 0.02, 0.05, 0.1, 0.2, 0.5))
    move = round(rate * gradient, 3)
    answer = round(w - move, 3)
    return _typed(
        rf"A weight is $w = {_n(w)}$, the gradient of the loss with respect to it is $g = {_n(gradient)}$, and the "
        rf"learning rate is $\eta = {_n(rate)}$. What is the weight after one step of gradient descent? Give three "
        "decimals.",
        answer,
        rf"$w - \eta \cdot g = {_n(w)} - {_n(rate)} \cdot {_b(gradient)} = {_n(answer)}$.",
        [
            (round(w + move, 3), "The step goes against the gradient: subtract it."),
            (round(w - gradient, 3), "The gradient is multiplied by the learning rate first."),
            (-move, "This is the step itself; it is added to the weight."),
            (move, "This is the learning rate times the gradient; it is subtracted from the weight."),
            (round(w - rate, 3), "The learning rate is multiplied by the gradient first."),
            (w, "The gradient is not zero, so the weight moves."),
        ],
        decimals=3,
        facts={"w": w, "gradient": gradient, "rate": rate},
    )


def _gradient_of_square(rng: Rng) -> Question:
    w, t = _whole(rng, -6, 6), _whole(rng, -12, 12)
    x = _whole(rng, 1, 6) * _pick(rng, (-1, 1))
    t += w * x == t  # no error, no gradient
    error = w * x - t
    answer = 2 * error * x
    return _typed(
        rf"The loss is $L = (w x - t)^2$ with $w = {w}$, $x = {x}$ and $t = {t}$. What is the gradient "
        r"$\frac{\partial L}{\partial w}$?",
        answer,
        rf"$\frac{{\partial L}}{{\partial w}} = 2 (w x - t)\, x = 2 \cdot ({w} \cdot {_b(x)} - {_b(t)}) \cdot {_b(x)} "
        rf"= 2 \cdot {_b(error)} \cdot {_b(x)} = {_n(answer)}$.",
        [
            (2 * error, "By the chain rule the inner derivative, $x$, is a factor as well."),
            (error * x, "The derivative of a square has the factor 2."),
            (2 * error * w, "This is the gradient with respect to $x$."),
            (error**2, "This is the loss itself."),
            (-answer, "The sign is wrong: the error is $w x - t$, not $t - w x$."),
            (error, "This is the error; the gradient is twice the error times $x$."),
        ],
        facts={"w": w, "x": x, "t": t},
    )


def _direction(rng: Rng) -> Question:
    w, rate = _tenths(rng, -30, 30), _pick(rng, (0.01, 0.05, 0.1, 0.2, 0.5))
    gradient = _tenths(rng, -30, 30) if rng.integers(6) else 0.0
    sign = (gradient > 0) - (gradient < 0)
    words = {1: "It becomes smaller.", -1: "It becomes larger.", 0: "It stays the same."}
    why = {
        1: "The loss rises with the weight, and the step goes against the gradient.",
        -1: "The loss falls as the weight grows, and the step goes against the gradient.",
        0: "Where the gradient is zero there is no step.",
    }[sign]
    answer = words.pop(sign)
    wrong = dict.fromkeys(words.values(), why)
    return _chosen(
        rng,
        rf"A weight is $w = {_n(w)}$, the gradient of the loss with respect to it is $g = {_n(gradient)}$. What "
        rf"happens to the weight in a step of gradient descent with the learning rate $\eta = {_n(rate)}$?",
        answer,
        rf"$w - \eta \cdot g = {_n(w)} - {_n(rate)} \cdot {_b(gradient)} = {_n(w - rate * gradient)}$. {answer}",
        wrong | {"That depends on the sign of the weight.": f"The sign of the weight does not matter. {why}"},
        facts={"w": w, "gradient": gradient, "rate": rate},
    )


def _step_on_square(rng: Rng) -> Question:
    w, x, t = _whole(rng, -5, 5), _whole(rng, 1, 4) * _pick(rng, (-1, 1)), _whole(rng, -9, 9)
    t += w * x == t  # no error, no step
    rate = _pick(rng, (0.01, 0.02, 0.05, 0.1))
    error = w * x - t
    gradient = 2 * error * x
    answer = round(w - rate * gradient, 2)
    return _typed(
        rf"The loss is $L = (w x - t)^2$ with $w = {w}$, $x = {x}$ and $t = {t}$. What is $w$ after one step of "
        rf"gradient descent with the learning rate $\eta = {_n(rate)}$? Give two decimals.",
        answer,
        rf"The gradient is $2 (w x - t)\, x = 2 \cdot {_b(error)} \cdot {_b(x)} = {_n(gradient)}$, and "
        rf"$w - \eta \cdot g = {w} - {_n(rate)} \cdot {_b(gradient)} = {_n(answer)}$.",
        [
            (round(w + rate * gradient, 2), "The step goes against the gradient: subtract it."),
            (round(w - rate * error * x, 2), "The derivative of a square has the factor 2."),
            (
                round(w - rate * 2 * error, 2),
                "By the chain rule the inner derivative, $x$, is a factor of the gradient.",
            ),
            (round(w - rate * error**2, 2), "The step follows the gradient, not the loss itself."),
            (w - gradient, "The gradient is multiplied by the learning rate first."),
            (gradient, "This is the gradient; the step is still to be taken."),
            (t / x, "There the loss is zero; a step goes only some of the way, or beyond."),
        ],
        decimals=2,
        facts={"w": w, "x": x, "t": t, "rate": rate},
    )


def _steps_of_an_epoch(rng: Rng) -> Question:
    pictures, batch = 100 * _whole(rng, 5, 600), _pick(rng, (16, 32, 50, 64, 100, 128, 256))
    whole, rest = divmod(pictures, batch)
    answer = math.ceil(pictures / batch)
    last = f", and one more with the last {_count(rest, 'picture')}" if rest else ""
    return _typed(
        f"A network is trained on {pictures:,} pictures in batches of {batch}. How many steps does it take in one "
        "epoch, if every picture is used?",
        answer,
        rf"A step takes one batch: {whole:,} steps with {batch} pictures each{last}. "
        rf"$\lceil {_n(pictures)} / {batch} \rceil = {_n(answer)}$.",
        [
            (whole, "The pictures that are left make a last, smaller batch."),
            (pictures, "This is so with batches of one picture."),
            (batch, "This is the number of pictures in a batch; the question is how many batches there are."),
            (whole + 1, "The batches come out even: no picture is left for one more."),
            (1, "The weights are changed after each batch, not only after an epoch."),
        ],
        facts={"pictures": pictures, "batch": batch},
    )


# ---------------------------------------------------------------- receptive fields


def _stack(rng: Rng, count: int) -> tuple[tuple[str, int, int, int], ...]:
    """Layers as (name, kernel, stride, dilation), whose strides together are from 2 to 12."""
    layers = []
    for _ in range(count):
        kind = _pick(rng, ("convolution", "convolution", "convolution", "pooling"))
        if kind == "pooling":
            window = _whole(rng, 2, 3)
            layers.append(("max pooling", window, window, 1))
            continue
        stride = _pick(rng, (1, 1, 1, 2))
        dilation = _pick(rng, (1, 1, 1, 2)) if stride == 1 else 1
        layers.append(("convolution", _pick(rng, (3, 3, 5, 7)), stride, dilation))
    return tuple(layers) if 2 <= math.prod(stride for _, _, stride, _ in layers) <= 12 else _stack(rng, count)


def _described(layers: Iterable[tuple[str, int, int, int]]) -> str:
    return "\n".join(
        f"{number}. {name} {_by(kernel)}, stride {stride}" + (f", dilation {dilation}" if dilation > 1 else "")
        for number, (name, kernel, stride, dilation) in enumerate(layers, 1)
    )


def _receptive_field(rng: Rng) -> Question:
    layers = _stack(rng, _whole(rng, 2, 4))
    reach, lines = ReceptiveField(), []
    for number, (_, kernel, stride, dilation) in enumerate(layers, 1):
        after = reach.through(kernel, stride, dilation)
        span = geometry.extent(kernel, dilation)
        lines.append(rf"{number}. ${reach.size} + ({span} - 1) \cdot {reach.jump} = {after.size}$")
        reach = after
    spans = [geometry.extent(kernel, dilation) for _, kernel, _, dilation in layers]
    kernels = [kernel for _, kernel, _, _ in layers]
    dilated = r" With dilation $d$ a kernel spans $d (k - 1) + 1$." if spans != kernels else ""
    plain = ReceptiveField()
    for _, kernel, stride, _ in layers:
        plain = plain.through(kernel, stride)
    return _typed(
        "A picture goes through these layers:\n\n"
        f"{_described(layers)}\n\n"
        "What is the edge of the receptive field of a value that comes out, in pixels of the picture?",
        reach.size,
        "A layer adds what its kernel spans less one, times how many pixels apart two neighbouring values of its input "
        f"are: the product of all strides before it.{dilated}\n\n" + "\n".join(lines) + "\n\n"
        rf"The edge is ${reach.size}$ pixels.",
        [
            (1 + sum(span - 1 for span in spans), "After a stride, neighbouring values are several pixels apart."),
            (plain.size, "The dilation makes a kernel span more pixels than it has weights."),
            (sum(kernels), "A layer adds one less than its kernel's edge, times the strides before it."),
            (math.prod(kernels), "Neighbouring windows overlap: the edges are not multiplied."),
            (
                kernels[-1],
                "This is what it sees of the last layer's input; the question is about pixels of the picture.",
            ),
            (reach.size**2, "This is the number of pixels in it; the question is its edge."),
        ],
        facts={"layers": layers},
    )


def _added_by_a_layer(rng: Rng) -> Question:
    layers, kernel = _stack(rng, _whole(rng, 1, 3)), _pick(rng, (2, 3, 5, 7))
    jump = math.prod(stride for _, _, stride, _ in layers)
    answer = (kernel - 1) * jump
    return _typed(
        "A picture goes through these layers:\n\n"
        f"{_described(layers)}\n\n"
        f"A convolution of {_by(kernel)} follows. By how many pixels of the picture does it make the edge of the "
        "receptive field larger?",
        answer,
        rf"Two neighbouring values of its input are ${jump}$ pixels apart, the product of all strides before. "
        rf"The convolution looks ${kernel} - 1 = {kernel - 1}$ further: ${kernel - 1} \cdot {jump} = "
        f"{answer}$.",
        [
            (kernel - 1, "This is so in the last layer's values; after a stride they are several pixels apart."),
            (
                kernel * jump,
                f"One of the {kernel} values is seen anyway: the kernel adds {_count(kernel - 1, 'value')}.",
            ),
            (kernel, "One value is seen anyway, and after a stride the values are several pixels apart."),
            (jump, "This is how far apart two neighbouring values are; the kernel adds several of them."),
            ((kernel - 1) * sum(stride for _, _, stride, _ in layers), "Strides are multiplied, not added."),
            ((kernel - 1) * layers[-1][2], "All strides before count, not only the last."),
        ],
        facts={"layers": layers, "kernel": kernel},
    )


def _distance(rng: Rng) -> Question:
    layers = _stack(rng, _whole(rng, 2, 5))
    strides = [stride for _, _, stride, _ in layers]
    answer = math.prod(strides)
    product = r" \cdot ".join(map(str, strides))
    return _typed(
        "A picture goes through these layers:\n\n"
        f"{_described(layers)}\n\n"
        "How many pixels apart, in the picture, are the windows that two neighbouring values of the result see?",
        answer,
        rf"It is the product of all strides: ${product} = {answer}$.",
        [
            (sum(strides), "Strides are multiplied, not added."),
            (strides[-1], "All strides count, not only the last."),
            (sum(stride - 1 for stride in strides) + 1, "Each stride multiplies the distance of those before."),
            (math.prod(kernel for _, kernel, _, _ in layers), "The strides count, not the edges of the kernels."),
            (1, "Every stride above 1 moves the windows further apart."),
        ],
        facts={"layers": layers},
    )


def _layers_needed(rng: Rng) -> Question:
    kernel, answer = _pick(rng, (3, 3, 5, 7)), _whole(rng, 2, 24)
    edge = 1 + answer * (kernel - 1)
    return _typed(
        f"A network has only convolutions of {_by(kernel)} with stride 1 and no dilation. How many of them are "
        f"needed until a value sees {_by(edge)} pixels of the picture?",
        answer,
        rf"Each adds ${kernel} - 1 = {kernel - 1}$ pixels to the edge of the receptive field, which is $1$ at first: "
        rf"$({edge} - 1) / {kernel - 1} = {answer}$.",
        [
            (edge // kernel, f"A convolution adds one pixel less than its edge: {kernel - 1}."),
            (math.ceil(edge / kernel), f"A convolution adds one pixel less than its edge: {kernel - 1}."),
            (answer - 1, f"With one fewer a value sees only {_by(edge - kernel + 1)} pixels."),
            (answer + 1, f"The first one adds {kernel - 1} to the pixel itself: one fewer is enough."),
            (edge - kernel + 1, f"Each adds {kernel - 1} pixels, not one."),
            (edge - 1, f"Each adds {kernel - 1} pixels, not one."),
        ],
        facts={"kernel": kernel, "edge": edge},
    )


# ---------------------------------------------------------------- transfer learning


def _only_the_output(rng: Rng) -> Question:
    kernel, maps = _pick(rng, (3, 5)), (_pick(rng, (8, 16, 32)), _pick(rng, (32, 48, 64, 128)))
    units, classes = _pick(rng, (0, 20, 32, 50, 64, 100, 128)), _whole(rng, 2, 20)
    convolutions = [
        geometry.convolution_parameters(kernel, 1, maps[0]),
        geometry.convolution_parameters(kernel, maps[0], maps[1]),
    ]
    hidden, inputs = geometry.dense_parameters(maps[1], units), units or maps[1]
    answer = geometry.dense_parameters(inputs, classes)
    frozen = sum(convolutions) + hidden
    middle = f" a dense layer of {units} units ({hidden:,} parameters)," if units else ""
    return _typed(
        f"A network has two convolutions of {_by(kernel)} with {maps[0]} and {maps[1]} filters "
        f"({sum(convolutions):,} parameters together), global average pooling,{middle} and a new output layer, dense, "
        f"for {classes} classes. All layers but the output layer are frozen. How many parameters are trained?",
        answer,
        rf"Only those of the output layer: each of its {classes} units has a weight for each of its {inputs} inputs "
        rf"and a bias, ${classes} \cdot ({inputs} + 1) = {_n(answer)}$. The other ${_n(frozen)}$ are frozen.",
        [
            (inputs * classes, "These are the weights alone; each unit has a bias as well."),
            (frozen + answer, "This is the number of all parameters; the frozen ones are not trained."),
            (frozen, "This is the number of frozen parameters."),
            (hidden + answer, "The dense layer before it is frozen as well."),
            (classes, "Each class has a weight for each input, not only a bias."),
            (
                geometry.dense_parameters(maps[1], classes),
                "The output layer reads the dense layer before it, not the maps.",
            ),
        ],
        facts={"kernel": kernel, "maps": maps, "units": units, "classes": classes},
    )


def _trained_share(rng: Rng) -> Question:
    inputs, classes = _pick(rng, (32, 64, 100, 128, 256, 512)), _whole(rng, 2, 30)
    trained = geometry.dense_parameters(inputs, classes)
    frozen = trained * _whole(rng, 1, 30) + 100 * _whole(rng, 1, 40)
    total = trained + frozen
    answer = 100 * trained / total
    return _typed(
        f"A network has {total:,} parameters. Its output layer is dense, with {inputs} inputs and {classes} classes, "
        "and is the only one that is trained; all others are frozen. How many per cent of the parameters are trained? "
        "Round to one decimal.",
        answer,
        rf"The output layer has ${classes} \cdot ({inputs} + 1) = {_n(trained)}$ parameters: "
        rf"$100 \cdot {_n(trained)} / {_n(total)} = {_n(answer, 3)} \approx {answer:.1f}$ per cent.",
        [
            (100 - answer, "This is the share that is frozen."),
            (answer / 100, "This is the share as a number from 0 to 1, not in per cent."),
            (100 * inputs * classes / total, "The biases are trained as well."),
            (100 * trained / frozen, "The share is of all parameters, not of the frozen ones."),
            (100 * classes / total, "Each class has a weight for each input, not only a bias."),
        ],
        decimals=1,
        facts={"inputs": inputs, "classes": classes, "total": total},
    )


def _what_is_frozen(rng: Rng) -> Question:
    pictures, classes = 10 * _whole(rng, 5, 40), _whole(rng, 2, 9)
    frozen = _pick(rng, (True, False))
    early, output = "The convolutions", "The output layer"
    both, neither = "All layers", "No layer"
    start = (
        f"A network that tells ten kinds of clothes apart is to learn {classes} new kinds from only {pictures} "
        "pictures, by transfer learning. "
    )
    why = (
        "The convolutions find edges and shapes that the new pictures have as well: they are frozen. How to tell the "
        f"{classes} new kinds by them is new: the output layer is replaced and trained on the {pictures} pictures."
    )
    if frozen:
        return _chosen(
            rng,
            start + "Which part keeps its weights?",
            early,
            why,
            {
                output: f"It has ten units for the old kinds, and must tell {classes} new ones apart: it has to learn.",
                both: "Then nothing could learn, and the network would know only the old kinds.",
                neither: f"Then all weights would have to be learnt again, from only {pictures} pictures.",
            },
            facts={"pictures": pictures, "classes": classes, "frozen": frozen},
        )
    return _chosen(
        rng,
        start + "Which part is replaced and trained first?",
        output,
        why,
        {
            early: "They find edges and shapes, which the new pictures have as well.",
            both: f"This would be training from the start, with only {pictures} pictures.",
            neither: f"The output layer has ten units for the old kinds, and {classes} new ones are to be told apart.",
        },
        facts={"pictures": pictures, "classes": classes, "frozen": frozen},
    )


def _frozen_weight(rng: Rng) -> Question:
    w, gradient = _whole(rng, -99, 99) / 100, _tenths(rng, -40, 40)
    rate, steps = _pick(rng, (0.01, 0.05, 0.1)), _whole(rng, 1, 3)
    moved = round(w - steps * rate * gradient, 3)
    return _typed(
        rf"A weight of a frozen layer is $w = {_n(w)}$. At each step the gradient of the loss with respect to it is "
        rf"$g = {_n(gradient)}$, the learning rate is $\eta = {_n(rate)}$. What is the weight after "
        f"{_count(steps, 'step')} of training? Give three decimals.",
        w,
        rf"A frozen weight is not changed, whatever its gradient is: it stays ${_n(w)}$.",
        [
            (moved, "In a layer that is trained it would move there; a frozen weight does not move."),
            (
                round(w - rate * gradient, 3),
                "In a layer that is trained one step would lead there; a frozen weight does not move.",
            ),
            (round(w + steps * rate * gradient, 3), "A frozen weight does not move in either direction."),
            (0, "Frozen does not mean zero: the weight keeps its value."),
        ],
        decimals=3,
        facts={"w": w, "gradient": gradient, "rate": rate, "steps": steps},
    )


# ---------------------------------------------------------------- large and coloured pictures


def _colour_parameters(rng: Rng) -> Question:
    kernel, filters = _pick(rng, (3, 5, 7, 9, 11)), _whole(rng, 4, 96)
    grey, colour = (geometry.convolution_parameters(kernel, channels, filters) for channels in (1, 3))
    answer = colour - grey
    return _typed(
        f"The first convolution of a network has {filters} filters of {_by(kernel)}. How many more parameters "
        "does it have if the pictures are in colour (RGB) instead of grey?",
        answer,
        rf"In grey it has ${filters} \cdot ({kernel} \cdot {kernel} \cdot 1 + 1) = {_n(grey)}$ parameters, in colour "
        rf"${filters} \cdot ({kernel} \cdot {kernel} \cdot 3 + 1) = {_n(colour)}$: ${_n(answer)}$ more. The biases are "
        "as many as before.",
        [
            (2 * grey, "The weights are three times as many, but not the biases."),
            (colour, "This is how many it has in colour; the question is the difference."),
            (answer // 2, "Two channels are added, not one."),
            (3 * kernel * kernel * filters, "One of the three channels was there before."),
            (0, "Each filter has a kernel for each channel of the picture."),
            (2 * kernel * kernel, "This is so for one filter."),
        ],
        facts={"kernel": kernel, "filters": filters},
    )


def _growing_work(rng: Rng) -> Question:
    factor, edge = _whole(rng, 2, 9), _whole(rng, 12, 64)
    kernel, filters = _pick(rng, (3, 5, 7)), _pick(rng, (8, 16, 32, 64))
    answer = factor**2
    return _typed(
        f"A convolution of {filters} filters of {_by(kernel)}, with stride 1 and padding “same”, reads pictures "
        f"of {_by(edge)} pixels. How many times as many multiplications does it need for pictures of "
        f"{factor * edge} × {factor * edge} pixels?",
        answer,
        rf"It needs the same number at each pixel, and there are "
        rf"${_n((factor * edge) ** 2)} / {_n(edge**2)} = {factor}^2 = {answer}$ times as many pixels.",
        [
            (factor, "The edge grows by this factor; the number of pixels grows with its square."),
            (1, "The parameters stay the same, but they are used at more places."),
            (factor**4, "A dense layer with one unit for each pixel would grow like this."),
            (factor**3, "Only height and width grow; the number of filters does not."),
            (2 * factor, "Height and width grow by the factor each: multiply, not add."),
        ],
        facts={"factor": factor, "edge": edge, "kernel": kernel, "filters": filters},
    )


def _values_of_a_picture(rng: Rng) -> Question:
    height, width = _whole(rng, 6, 200) * 4, _whole(rng, 6, 200) * 4
    answer = height * width * 3
    return _typed(
        f"A colour picture (RGB) is {width} pixels wide and {height} pixels high. How many values go into the network?",
        answer,
        rf"${height} \cdot {width} \cdot 3 = {_n(answer)}$: one value for each pixel in each of the channels red, "
        "green and blue.",
        [
            (height * width, "A pixel of a colour picture has three values."),
            (3 * (height + width), "The number of pixels is height times width."),
            (height * width * 4, "RGB has three channels; a fourth one would be transparency."),
            (height * width + 3, "There are three values in each pixel: multiply, not add."),
            (height * width * 255, "A value can be as large as 255, but it is one value."),
        ],
        facts={"height": height, "width": width},
    )


def _multiplications(rng: Rng) -> Question:
    kernel, edge = _pick(rng, (3, 5)), _whole(rng, 8, 40)
    channels, filters = _pick(rng, (1, 3, 4, 8)), _pick(rng, (2, 4, 8, 10, 16))
    out = geometry.output_size(edge, kernel)
    each = kernel * kernel * channels
    answer = out * out * filters * each
    return _typed(
        f"A convolution of {filters} filters of {_by(kernel)} reads a picture of {_by(edge)} pixels with "
        f"{_count(channels, 'channel')}, with stride 1 and without padding. How many multiplications does it take?",
        answer,
        rf"Each of the {filters} maps has ${edge} - {kernel} + 1 = {out}$ values along an axis, and each value takes "
        rf"${kernel} \cdot {kernel} \cdot {channels} = {each}$ multiplications: "
        rf"${out} \cdot {out} \cdot {filters} \cdot {each} = {_n(answer)}$.",
        [
            (edge * edge * filters * each, "This is so with padding “same”; without padding the maps are smaller."),
            (out * out * each, "This is so for one filter."),
            (out * out * filters * kernel * kernel, "Each filter multiplies in every channel."),
            (filters * each, "These are the weights; each of them is used at every place."),
            (out * filters * each, "A map has two axes, with as many values along each."),
            (out * out * filters, "This is the number of values that come out."),
        ],
        facts={"kernel": kernel, "edge": edge, "channels": channels, "filters": filters},
    )


# ---------------------------------------------------------------- what convolutions are used for

_LOCAL = {
    "Photos of faces": "In a photo neighbouring pixels belong together, and an eye looks the same wherever it is.",
    "Satellite pictures of towns and fields": "Roads and fields are local patterns that can be anywhere.",
    "Scanned pages of printed text": ("A letter is a pattern of neighbouring pixels and looks the same anywhere."),
    "Spectrograms of sounds, frequency against time": (
        "In a spectrogram neighbouring times and frequencies belong together, and a sound looks the same at any time."
    ),
    "Pictures of a video camera at a door": "Neighbouring pixels belong together, wherever somebody walks by.",
    "Pictures of clothes": "Seams and sleeves are patterns of neighbouring pixels.",
}
_NOT_LOCAL = {
    "A table of customers, whose columns can be in any order": "Columns that are neighbours need not belong together.",
    "A patient's age, weight and blood pressure": "These three numbers would mean the same in any order.",
    "How often each word occurs in a letter, in alphabetical order": (
        "Words do not belong together just because they are neighbours in the alphabet."
    ),
    "Photos whose pixels have all been put into one random order": (
        "In random order, neighbouring pixels no longer belong together."
    ),
    "The answers to a questionnaire, its questions in random order": (
        "Questions do not belong together just because they are neighbours."
    ),
}


def _suited_data(rng: Rng) -> Question:
    local, not_local = _shuffled(rng, list(_LOCAL)), _shuffled(rng, list(_NOT_LOCAL))
    suited = bool(rng.integers(2))
    text, (answer, others) = (
        ("For which of these is a convolutional network suited best?", (local[0], not_local[:3]))
        if suited
        else ("For which of these does a convolutional network help least?", (not_local[0], local[:3]))
    )
    reasons = _LOCAL | _NOT_LOCAL
    return _chosen(
        rng,
        text,
        answer,
        f"{answer}. {reasons[answer]} A convolution looks at neighbouring values together (locality), with the same "
        "weights at every place.",
        {other: reasons[other] for other in others},
        facts={"suited": suited},
    )


_OPPOSITE = {"right": "left", "left": "right", "down": "up", "up": "down"}
_ANOTHER = "It becomes another map, with other values."


def _moved_picture(rng: Rng) -> Question:
    stride, steps, way = _whole(rng, 1, 4), _whole(rng, 1, 5), _pick(rng, tuple(_OPPOSITE))
    pixels, kernel = stride * steps, _pick(rng, (3, 5, 7))

    def towards(way: str) -> str:
        return f"to the {way}" if way in ("left", "right") else way

    def moved(places: int, way: str) -> str:
        return f"It moves by {_count(places, 'place')} {towards(way)}."

    wrong = {
        moved(steps, _OPPOSITE[way]): "The map moves the same way as the picture.",
        "It stays as it is.": "A convolution keeps where something is; only global pooling forgets it.",
        _ANOTHER: "The weights are the same at every place: what has moved gives the same values elsewhere.",
    }
    if stride > 1:
        wrong[moved(pixels, way)] = f"With stride {stride} two neighbouring values are {stride} pixels apart."
    return _chosen(
        rng,
        f"A kernel of {_by(kernel)} slides over a picture with stride {stride}. The picture is moved by "
        f"{_count(pixels, 'pixel')} {towards(way)}. What happens to the feature map, away from the border?",
        moved(steps, way),
        rf"The same weights are used at every place, so that the map moves with the picture. Two neighbouring values "
        rf"are {_count(stride, 'pixel')} apart: ${pixels} / {stride} = {steps}$. {moved(steps, way)}",
        wrong,
        facts={"stride": stride, "pixels": pixels, "way": way, "kernel": kernel},
    )


_TURNS: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "turned by a quarter turn to the left": ("turned", np.rot90),
    "turned by half a turn": ("turned", lambda picture: np.rot90(picture, 2)),
    "mirrored left to right": ("mirrored", np.fliplr),
    "mirrored top to bottom": ("mirrored", np.flipud),
}


def _turned_picture(rng: Rng) -> Question:
    how = _pick(rng, tuple(_TURNS))
    word, turn = _TURNS[how]
    weights = rng.integers(-4, 5, (3, 3))
    if rng.integers(2):  # one that looks the same afterwards
        weights = np.array(_pick(rng, ([[0, 1, 0], [1, 2, 1], [0, 1, 0]], [[1, 0, 1], [0, -2, 0], [1, 0, 1]])))
        weights = weights * _whole(rng, 1, 3) + _whole(rng, -2, 2)
    after = turn(weights)
    kept = bool((after == weights).all())
    likewise, stays = f"It is {word} likewise.", "It stays as it is."
    another = f"It becomes another map, not only the old one {word}."
    answer = likewise if kept else another
    reason = (
        f"This is the same kernel, so the map is {word} like the picture. Most learnt kernels are not like that: "
        if kept
        else f"This is another kernel, so the old one finds other sums in the {word} picture: "
    )
    rows = tuple(tuple(int(value) for value in row) for row in weights)
    return _chosen(
        rng,
        rf"The kernel $w = {_matrix(rows)}$ slides over a picture with stride 1. Then the whole picture is {how}, but "
        "not the kernel. What happens to the feature map?",
        answer,
        rf"The kernel, {how}, would be ${_matrix(after.tolist())}$. {reason}the same weights at every place make a "
        "convolution follow shifts only. Turned and mirrored pictures must be among those that it is trained on.",
        {
            (another if kept else likewise): (
                f"This would be so if the kernel changed when it is {word}; this one does not."
                if kept
                else f"This would be so if the kernel stayed the same when it is {word}; this one does not."
            ),
            stays: "What moves in the picture moves in the map.",
        },
        facts={"weights": rows, "how": how},
    )


def _shuffled_pixels(rng: Rng) -> Question:
    edge, loses = _whole(rng, 16, 64), bool(rng.integers(2))
    convolutional, dense = "The convolutional network", "The dense network"
    why = (
        rf"A dense unit has a weight of its own for each of the ${edge} \cdot {edge} = {_n(edge * edge)}$ pixels: it "
        "can learn the same weights in another order, and loses nothing. A convolution looks at small windows, and "
        "after the shuffling these hold pixels that have nothing to do with each other: it learns worse."
    )
    answer, other = (convolutional, dense) if loses else (dense, convolutional)
    return _chosen(
        rng,
        f"The {edge * edge:,} pixels of every picture of {_by(edge)} are put into one random order, the same for "
        "all pictures. A dense and a convolutional network are then trained on them. Which of them "
        + ("learns worse than before?" if loses else "learns as well as before?"),
        answer,
        why,
        {
            other: "It is the other way round: which of the two depends on the neighbours of a pixel?",
            "Both": "Only one of the two depends on the neighbours of a pixel.",
            "Neither": "One of the two depends on the neighbours of a pixel.",
        },
        facts={"edge": edge, "loses": loses},
    )


TOPICS: dict[str, tuple[Callable[[Rng], Question], ...]] = {
    "why": (_dense_layer, _same_map, _larger_picture, _uses_of_a_weight),
    "filter": (_window_sum, _kernels_effect, _changed_bias, _even_area),
    "stride": (_output_edge, _dilated_kernel, _zeros_in_front, _row_read),
    "channels": (_weights_of_a_filter, _maps_out, _sums_of_channels, _convolutions_parameters),
    "relu": (_zeros_after_relu, _sum_after_relu, _leaky_value, _which_activation),
    "pooling": (_pooled_value, _pooled_edge, _depthwise_maps, _global_outputs, _dense_after_pooling),
    "classes": (_flattened, _softmax_of_logits, _cross_entropy, _temperature, _dropout_factor),
    "learning": (_gradient_step, _gradient_of_square, _direction, _step_on_square, _steps_of_an_epoch),
    "field": (_receptive_field, _added_by_a_layer, _distance, _layers_needed),
    "transfer": (_only_the_output, _trained_share, _what_is_frozen, _frozen_weight),
    "large": (_colour_parameters, _growing_work, _values_of_a_picture, _multiplications),
    "uses": (_suited_data, _moved_picture, _turned_picture, _shuffled_pixels),
}

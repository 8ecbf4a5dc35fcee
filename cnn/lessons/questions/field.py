"""Questions on receptive fields, each a function of a random generator."""

import math
from collections.abc import Iterable

from cnn.config import counted, geometry
from cnn.config.geometry import ReceptiveField
from cnn.lessons.questions.latex import by
from cnn.lessons.questions.question import Question, Rng, integer, pick, typed

# ---------------------------------------------------------------- receptive fields


def _stack(rng: Rng, count: int) -> tuple[tuple[str, int, int, int], ...]:
    """Layers as (name, kernel, stride, dilation), whose strides together are from 2 to 12."""
    layers = []
    for _ in range(count):
        kind = pick(rng, ("convolution", "convolution", "convolution", "pooling"))
        if kind == "pooling":
            window = integer(rng, 2, 3)
            layers.append(("max pooling", window, window, 1))
            continue
        stride = pick(rng, (1, 1, 1, 2))
        dilation = pick(rng, (1, 1, 1, 2)) if stride == 1 else 1
        layers.append(("convolution", pick(rng, (3, 3, 5, 7)), stride, dilation))
    return tuple(layers) if 2 <= math.prod(stride for _, _, stride, _ in layers) <= 12 else _stack(rng, count)


def _described(layers: Iterable[tuple[str, int, int, int]]) -> str:
    return "\n".join(
        f"{number}. {name} {by(kernel)}, stride {stride}" + (f", dilation {dilation}" if dilation > 1 else "")
        for number, (name, kernel, stride, dilation) in enumerate(layers, 1)
    )


def _receptive_field(rng: Rng) -> Question:
    layers = _stack(rng, integer(rng, 2, 4))
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
    return typed(
        "An image passes through these layers:\n\n"
        f"{_described(layers)}\n\n"
        "What is the edge length of the receptive field of an output value, in pixels of the image?",
        reach.size,
        "Each layer adds the span of its kernel minus one, times the distance in pixels between neighbouring values of "
        f"its input: the product of all earlier strides.{dilated}\n\n" + "\n".join(lines) + "\n\n"
        rf"The edge is ${reach.size}$ pixels long.",
        [
            (1 + sum(span - 1 for span in spans), "After a stride, neighbouring values are several pixels apart."),
            (plain.size, "The dilation makes a kernel span more pixels than it has weights."),
            (sum(kernels), "A layer adds one less than its kernel's edge, times the strides before it."),
            (math.prod(kernels), "Neighbouring windows overlap: the edges are not multiplied."),
            (
                kernels[-1],
                "This is what it sees of the last layer's input; the question asks for pixels of the image.",
            ),
            (reach.size**2, "This is the number of pixels in it; the question asks for its edge."),
        ],
        facts={"layers": layers},
    )


def _added_by_a_layer(rng: Rng) -> Question:
    layers, kernel = _stack(rng, integer(rng, 1, 3)), pick(rng, (2, 3, 5, 7))
    jump = math.prod(stride for _, _, stride, _ in layers)
    answer = (kernel - 1) * jump
    return typed(
        "An image passes through these layers:\n\n"
        f"{_described(layers)}\n\n"
        f"A convolution of {by(kernel)} follows. By how many pixels of the image does it enlarge the "
        "edge of the receptive field?",
        answer,
        rf"Two neighbouring values of its input are {counted(jump, 'pixel')} apart, the product of all earlier "
        rf"strides. The kernel reaches ${kernel} - 1 = {kernel - 1}$ further: ${kernel - 1} \cdot {jump} = "
        f"{answer}$.",
        [
            (kernel - 1, "This counts values of the last layer; after a stride they are several pixels apart."),
            (
                kernel * jump,
                f"One of the {kernel} values was seen before: the kernel adds {counted(kernel - 1, 'value')}.",
            ),
            (kernel, "One value was seen before, and after a stride the values are several pixels apart."),
            (jump, "This is how far apart two neighbouring values are; the kernel adds several of them."),
            ((kernel - 1) * sum(stride for _, _, stride, _ in layers), "Strides are multiplied, not added."),
            ((kernel - 1) * layers[-1][2], "All earlier strides count, not only the last."),
        ],
        facts={"layers": layers, "kernel": kernel},
    )


def _distance(rng: Rng) -> Question:
    layers = _stack(rng, integer(rng, 2, 5))
    strides = [stride for _, _, stride, _ in layers]
    answer = math.prod(strides)
    product = r" \cdot ".join(map(str, strides))
    return typed(
        "An image passes through these layers:\n\n"
        f"{_described(layers)}\n\n"
        "Each output value sees a window of the image. How many pixels apart are the left edges of the windows of two "
        "neighbouring values in a row?",
        answer,
        rf"It is the product of all strides: ${product} = {answer}$.",
        [
            (sum(strides), "Strides are multiplied, not added."),
            (strides[-1], "All strides count, not only the last."),
            (sum(stride - 1 for stride in strides) + 1, "Each stride multiplies the distance so far."),
            (math.prod(kernel for _, kernel, _, _ in layers), "The strides count, not the sizes of the kernels."),
            (1, "Every stride above 1 moves the windows further apart."),
        ],
        facts={"layers": layers},
    )


def _layers_needed(rng: Rng) -> Question:
    kernel, answer = pick(rng, (3, 3, 5, 7)), integer(rng, 2, 24)
    edge = 1 + answer * (kernel - 1)
    return typed(
        f"A network has only convolutions of {by(kernel)} with stride 1 and no dilation. How many of them are "
        f"needed for a value to see {by(edge)} pixels of the image?",
        answer,
        rf"Each adds ${kernel} - 1 = {kernel - 1}$ pixels to the edge of the receptive field, which starts at $1$: "
        rf"$({edge} - 1) / {kernel - 1} = {answer}$.",
        [
            (edge // kernel, f"A convolution adds one pixel less than its edge: {kernel - 1}."),
            (math.ceil(edge / kernel), f"A convolution adds one pixel less than its edge: {kernel - 1}."),
            (answer - 1, f"With one fewer, a value sees only {by(edge - kernel + 1)} pixels."),
            (answer + 1, f"The first one adds {kernel - 1} to the pixel itself: one fewer is enough."),
            (edge - kernel + 1, f"Each adds {kernel - 1} pixels, not one."),
            (edge - 1, f"Each adds {kernel - 1} pixels, not one."),
        ],
        facts={"kernel": kernel, "edge": edge},
    )


KINDS = (_receptive_field, _added_by_a_layer, _distance, _layers_needed)

"""Questions on stride, padding and dilation, each a function of a random generator."""

import math

from cnn.config import counted, geometry
from cnn.lessons.questions.latex import by
from cnn.lessons.questions.question import Question, Rng, integer, pick, typed

# ---------------------------------------------------------------- stride, padding and dilation


def _output_edge(rng: Rng) -> Question:
    kernel, stride, dilation = integer(rng, 2, 7), integer(rng, 1, 4), 1
    if stride == 1:
        dilation = integer(rng, 1, 3)
    span = geometry.extent(kernel, dilation)
    edge = integer(rng, span + 2, 64)
    padding = pick(rng, ("same", "valid", "zeros"))
    zeros = integer(rng, 1, 3) if padding == "zeros" else 0
    padded = edge + 2 * zeros
    border = {
        "same": "padding “same”",
        "valid": "padding “valid”, which adds no border",
        "zeros": f"a border of {counted(zeros, 'zero')} on each side",
    }[padding]
    dilated = f" with dilation {dilation}" if dilation > 1 else ""
    unpadded = geometry.output_size(edge, kernel, stride, "valid", dilation)
    if padding == "same":
        answer = geometry.output_size(edge, kernel, stride, "same")
        working = (
            rf"With padding “same” only the stride counts: $\lceil {edge} / {stride} \rceil = {answer}$, rounded up."
        )
        misconceptions = [
            (unpadded, "This would be right without padding."),
            (unpadded - 1, "With padding “same” neither the kernel nor its dilation matters."),
            (edge // stride, "Round up: the last window may extend into the padding."),
            (edge, "This would be right with stride 1."),
        ]
    else:
        answer = geometry.output_size(padded, kernel, stride, "valid", dilation)
        steps, rest = divmod(padded - span, stride)
        working = rf"$\left\lfloor \frac{{{padded} - {span}}}{{{stride}}} \right\rfloor + 1 = {steps} + 1 = {answer}$."
        if zeros:
            working = rf"With its border, the image is ${edge} + 2 \cdot {zeros} = {padded}$ pixels wide. {working}"
        if dilation > 1:
            working = rf"The kernel spans ${dilation} \cdot ({kernel} - 1) + 1 = {span}$ pixels. {working}"
        once = geometry.output_size(edge + zeros, kernel, stride, "valid", dilation)
        misconceptions = [
            (steps, "The first position counts as well: there is one more position than there are steps."),
            (steps + 2 if rest else steps, "A window must not extend beyond the border: round down."),
            (unpadded, "This would be right without the border of zeros."),
            (once, "The border is on both sides: count its zeros twice."),
            (math.ceil(edge / stride), "This would be right with padding “same”."),
            (padded - span + 1, "This would be right with stride 1."),
            (geometry.output_size(padded, kernel, stride), "This would be right without dilation."),
            (padded // stride, "Subtract the kernel's span from the width first."),
            (edge, "This is the width of the image itself."),
        ]
    return typed(
        f"A kernel of {by(kernel)}{dilated} slides over an image of {by(edge)} pixels. The stride is {stride}, with "
        f"{border}. How wide is the feature map, in values?",
        answer,
        working,
        misconceptions,
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
    kernel, dilation = integer(rng, 2, 9), integer(rng, 2, 8)
    answer = geometry.extent(kernel, dilation)
    return typed(
        f"A kernel of {by(kernel)} has dilation {dilation}. How many pixels does it span along one axis, from "
        "its first weight to its last, both included?",
        answer,
        rf"Neighbouring weights are {dilation} pixels apart, with one step fewer than there are "
        rf"weights: ${dilation} \cdot ({kernel} - 1) + 1 = {answer}$.",
        [
            (
                kernel * dilation,
                f"Between {kernel} weights there {'are' if kernel > 2 else 'is'} only {counted(kernel - 1, 'step')}.",
            ),
            (kernel, "This would be right without dilation."),
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
    kernel, dilation, edge = integer(rng, 2, 11), integer(rng, 1, 4), integer(rng, 20, 64)
    span = geometry.extent(kernel, dilation)
    answer = geometry.padding_before(edge, kernel, 1, "same", dilation)
    odd = " The extra one goes after the last pixel." if (span - 1) % 2 else ""
    dilated = f" with dilation {dilation}" if dilation > 1 else ""
    return typed(
        f"A kernel of {by(kernel)}{dilated} slides over an image of {by(edge)} pixels with padding “same” and "
        f"stride 1. How many zeros does Keras put in front of the first pixel of each row?",
        answer,
        rf"The kernel spans ${dilation} \cdot ({kernel} - 1) + 1 = {span}$ pixels. To keep the size, there is one zero "
        rf"fewer than that, ${span} - 1 = {span - 1}$, half of them in front.{odd} "
        rf"$\lfloor {span - 1} / 2 \rfloor = {answer}$.",
        [
            (span - 1, "This is the number of zeros on both sides together."),
            (span // 2, "The extra zero goes after the last pixel, not before the first."),
            ((kernel - 1) // 2, "The dilation makes the kernel span more pixels than it has weights."),
            (kernel - 1, "The zeros are shared between the two sides, and the dilation widens the kernel."),
            (kernel, "This is the size of the kernel; fewer are needed, as the kernel always covers a pixel."),
            (0, "This would be right with padding “valid”."),
        ],
        facts={"kernel": kernel, "dilation": dilation, "edge": edge},
    )


def _row_read(rng: Rng) -> Question:
    kernel, stride = pick(rng, (3, 5, 7)), integer(rng, 1, 4)
    i, u, zeros = integer(rng, 1, 12), integer(rng, 0, kernel - 1), integer(rng, 1, kernel // 2)
    padded = i * stride + u
    itself = padded >= zeros and bool(rng.integers(2))
    answer = padded - zeros if itself else padded
    which, hidden = ("image itself", zeros) if itself else ("padded image", 0)
    last = f" It begins with {counted(zeros, 'row')} of zeros: ${padded} - {zeros} = {answer}$." if itself else ""
    return typed(
        f"A kernel of {by(kernel)} slides with stride {stride} over an image with {counted(zeros, 'row')} of zeros "
        f"above it. All rows are counted from 0. For row $i = {i}$ of the feature map, which row of the {which} is "
        f"multiplied by row $u = {u}$ of the kernel?",
        answer,
        rf"In the padded image it is row $i' = i \times s_h + u = {i} \times {stride} + {u} = {padded}$.{last}",
        [
            (padded, "This is the row of the padded image; the rows of zeros still have to be subtracted."),
            (padded - zeros, "This is the row of the image itself; in the padded one the rows of zeros count."),
            (i + u - hidden, "Each step of the output moves the window by the stride."),
            ((i + u) * stride - hidden, "Only $i$ is multiplied by the stride: the kernel's rows are neighbours."),
            (i * stride - hidden, "This is where the window begins; add the kernel's row."),
            (answer + 1, "This would be right if rows were counted from 1; here they are counted from 0."),
        ],
        facts={"kernel": kernel, "stride": stride, "i": i, "u": u, "zeros": zeros, "itself": itself},
    )


KINDS = (_output_edge, _dilated_kernel, _zeros_in_front, _row_read)

"""Questions on one filter: window sums, what kernels do, each a function of a random generator."""

import numpy as np

from cnn.lessons.questions.latex import bracketed, by, matrix, num
from cnn.lessons.questions.question import (
    Question,
    Rng,
    chosen,
    integer,
    one_decimal,
    pick,
    shuffled,
    square,
    typed,
)

# ---------------------------------------------------------------- filters


def _window_sum(rng: Rng) -> Question:
    x, w = square(rng, 0, 9, 3), square(rng, -2, 2, 3)
    bias = integer(rng, 1, 5) * pick(rng, (-1, 1))
    pairs = [(a, b) for xs, ws in zip(x, w, strict=True) for a, b in zip(xs, ws, strict=True)]
    total = sum(a * b for a, b in pairs)
    answer = total + bias
    products = " + ".join(rf"{a} \cdot {bracketed(b)}" for a, b in pairs)
    turned = sum(a * b for (a, _), (_, b) in zip(pairs, reversed(pairs), strict=True))
    return typed(
        rf"A filter is applied to a window of a grey image: $x = {matrix(x)}$, $w = {matrix(w)}$, bias $b = {bias}$. "
        "What is $z$?",
        answer,
        "Multiply the numbers at the same position, sum the products, and add the bias: "
        rf"$z = b + \sum x \cdot w = {bias} + ({products}) = {bias} + {bracketed(total)} = {answer}$.",
        [
            (total, "The bias still has to be added."),
            (total - bias, "The bias is added with its own sign."),
            (max(0, answer), "This is the value after ReLU; $z$ is the value before it."),
            (turned + bias, "Here the kernel was rotated by 180°; a convolutional layer uses it as it is."),
            (
                int((np.array(x) @ np.array(w)).sum()) + bias,
                "This is a matrix product; multiply the numbers at the same position instead.",
            ),
            (
                sum(a for a, _ in pairs) * sum(b for _, b in pairs) + bias,
                "Multiply first, then add, not the other way round.",
            ),
            (sum(a + b for a, b in pairs) + bias, "The numbers at the same position are multiplied, not added."),
        ],
        facts={"x": x, "w": w, "bias": bias},
    )


_IDENTITY = "It leaves the image as it is."
_MOVE = "It shifts the image by one pixel."
_BLUR = "It blurs the image."
_VERTICAL = "It responds to vertical edges."
_HORIZONTAL = "It responds to horizontal edges."
_SHARPEN = "It sharpens the image."
_EFFECTS = {
    _IDENTITY: "A kernel that leaves the image as it is has a 1 in the middle and zeros around it.",
    _MOVE: "A kernel that shifts the image has a single 1, which is not in the middle.",
    _BLUR: "A blur is a mean over the window: no weight is negative, several are not zero, and together they are 1.",
    _VERTICAL: "At a vertical edge left and right differ: the kernel's left and right have opposite signs.",
    _HORIZONTAL: "At a horizontal edge top and bottom differ: the kernel's top and bottom have opposite signs.",
    _SHARPEN: "A sharpening kernel has negative weights around a large positive one, and together they are 1.",
}


def _kernels_effect(rng: Rng) -> Question:
    effect, divisor = pick(rng, tuple(_EFFECTS)), 1
    weights = np.zeros((3, 3), int)
    if effect == _IDENTITY:
        weights[1, 1] = 1
        why = "Only the pixel in the middle counts, with the weight 1: the result is the pixel itself."
    elif effect == _MOVE:
        row, column = pick(rng, [(i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)])
        weights[row, column] = 1
        place = " ".join(filter(None, (("upper", "", "lower")[row], ("left", "", "right")[column])))
        why = f"Only the {place} neighbour counts, with the weight 1: the result is the image, shifted by one pixel."
    elif effect == _BLUR:
        middle, side, corner = pick(rng, ((1, 1, 1), (2, 1, 1), (4, 2, 1), (1, 1, 0), (4, 1, 0), (2, 1, 0), (8, 2, 1)))
        weights[:] = [[corner, side, corner], [side, middle, side], [corner, side, corner]]
        divisor = int(weights.sum())
        why = (
            rf"No weight is negative, and together they are $\tfrac{{{divisor}}}{{{divisor}}} = 1$: the result is "
            "a mean over the window."
        )
    elif effect == _SHARPEN:
        side, corner = pick(rng, ((1, 0), (2, 0), (1, 1), (2, 1), (3, 1)))
        middle = 1 + 4 * (side + corner)
        weights[:] = [[-corner, -side, -corner], [-side, middle, -side], [-corner, -side, -corner]]
        why = (
            rf"The weights around the middle add up to ${1 - middle}$, with the middle ${middle} + ({1 - middle}) = "
            "1$: uniform areas stay as they are, and the difference between a pixel and its neighbours is amplified."
        )
    else:
        outer, inner = integer(rng, 1, 4), integer(rng, 1, 6)
        sign = pick(rng, (-1, 1))
        weights[:] = np.outer((outer, inner, outer), (-sign, 0, sign))
        lines, way = "columns", "from left to right"
        if effect == _HORIZONTAL:
            weights, lines, way = weights.T, "rows", "from top to bottom"
        total = (2 * outer + inner) * sign
        why = (
            rf"The {lines} add up to ${-total}$, $0$ and ${total}$: the result is $0$ in a uniform area, and far "
            f"from $0$ where the brightness changes {way}."
        )
    rows = tuple(tuple(int(value) for value in row) for row in weights)
    others = shuffled(rng, [other for other in _EFFECTS if other != effect])[:3]
    fraction = rf"\frac{{1}}{{{divisor}}} " if divisor > 1 else ""
    return chosen(
        rng,
        rf"What does the kernel $w = {fraction}{matrix(rows)}$ do to an image?",
        effect,
        f"{why} {effect}",
        {other: _EFFECTS[other] for other in others},
        facts={"weights": rows, "divisor": divisor},
    )


def _changed_bias(rng: Rng) -> Question:
    kernel, bias, change = pick(rng, (3, 5, 7)), one_decimal(rng, -20, 20), one_decimal(rng, -30, 30)
    new = round(bias + change, 1)
    return typed(
        f"The bias of a filter of {by(kernel)} is changed from ${num(bias)}$ to ${num(new)}$. By how much does "
        "each value of its feature map change before the activation? Write a decrease with a minus sign.",
        change,
        rf"The bias is added once to each value, whatever the window contains: $z$ changes by "
        rf"${num(new)} - {bracketed(bias)} = {num(change)}$.",
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
    w, value = square(rng, -3, 4, 3), integer(rng, 2, 9)
    bias = integer(rng, 1, 6) * pick(rng, (-1, 1))
    total = sum(map(sum, w))
    answer = value * total + bias
    return typed(
        rf"In a uniform area, all pixels of the window have the value ${value}$. The kernel is $w = {matrix(w)}$, the "
        rf"bias $b = {bias}$. What is $z$?",
        answer,
        rf"All products have the factor ${value}$, so only the sum of the weights matters, which is ${total}$: "
        rf"$z = {bias} + {value} \cdot {bracketed(total)} = {answer}$.",
        [
            (value * total, "The bias still has to be added."),
            (total + bias, f"This would be right if all pixels were 1; here they are {value}."),
            (9 * value + bias, "Each pixel is multiplied by its weight before they are added."),
            (value * (total + bias), "The bias is added at the end; it is not multiplied by the pixels."),
            (max(0, answer), "This is the value after ReLU; $z$ is the value before it."),
        ],
        facts={"w": w, "value": value, "bias": bias},
    )


KINDS = (_window_sum, _kernels_effect, _changed_bias, _even_area)

"""Questions on activations, each a function of a random generator."""

import math

from cnn.lessons.questions.latex import bracketed, listed, num, sum_of
from cnn.lessons.questions.question import (
    LEAKY_SLOPE,
    Question,
    Rng,
    chosen,
    integer,
    integers,
    one_decimal,
    pick,
    shuffled,
    typed,
)

# ---------------------------------------------------------------- activations


def _zeros_after_relu(rng: Rng) -> Question:
    z = tuple(
        shuffled(
            rng,
            [
                *integers(rng, -9, 9, integer(rng, 4, 7)),
                *integers(rng, -9, -1, 1),
                *integers(rng, 1, 9, 1),
                0,
            ],
        )
    )
    negative, positive = sum(value < 0 for value in z), sum(value > 0 for value in z)
    already = len(z) - negative - positive
    answer = negative + already
    return typed(
        rf"ReLU is applied to each of the values ${listed(z)}$. How many of the results are zero?",
        answer,
        rf"$\text{{ReLU}}(z) = \max(0, z)$ sets negative values to zero ({negative} of them), and zeros stay zero "
        rf"({already} of them): ${negative} + {already} = {answer}$.",
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
        shuffled(
            rng,
            [
                *integers(rng, -9, 9, integer(rng, 2, 4)),
                *integers(rng, -9, -1, 1),
                *integers(rng, 1, 9, 1),
            ],
        )
    )
    kept = [max(0, value) for value in z]
    answer = sum(kept)
    return typed(
        rf"ReLU is applied to each of the values ${listed(z)}$, and the results are added. What is their sum?",
        answer,
        rf"$\text{{ReLU}}(z) = \max(0, z)$ of each value is ${listed(kept)}$: ${sum_of(kept)} = {answer}$.",
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
    z = one_decimal(rng, -95, 95)
    if z > 0 and rng.integers(2):
        z = -z  # the interesting side, three times out of four
    scaled = round(LEAKY_SLOPE * z, 2)
    if z < 0:
        answer = scaled
        working = rf"it is multiplied by the slope: ${LEAKY_SLOPE} \cdot {bracketed(z)} = {num(scaled)}$."
        misconceptions = [
            (0, "This is ReLU; leaky ReLU keeps a fraction of a negative value."),
            (z, "Only positive values are kept as they are."),
            (-scaled, "The sign stays: a negative value remains negative."),
        ]
    else:
        answer = z
        working = f"it stays ${num(z)}$."
        misconceptions = [
            (scaled, "Only negative values are multiplied by the slope."),
            (0, "A positive value is kept."),
            (-z, "The sign stays: a positive value remains positive."),
        ]
    return typed(
        rf"Leaky ReLU with the slope ${LEAKY_SLOPE}$, Keras's default, is applied to $z = {num(z)}$. What comes out?",
        answer,
        rf"$\max(z,\ {LEAKY_SLOPE} \cdot z)$: the value is {'negative' if z < 0 else 'positive'}, so {working}",
        [*misconceptions, (round(z - LEAKY_SLOPE, 2), "The slope is a factor; it is not subtracted.")],
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
    z = integer(rng, -24, -8) / 10
    results = (max(0.0, z), LEAKY_SLOPE * z, z, math.tanh(z), 1 / (1 + math.exp(-z)))
    made = {name: rf"${num(z)} \to {result:.2f}$" for name, result in zip(_RULES, results, strict=True)}
    answer = pick(rng, tuple(_RULES))
    value = round(results[list(_RULES).index(answer)], 2)
    return chosen(
        rng,
        rf"An activation maps ${num(z)}$ to ${value:.2f}$ (rounded to two decimals). Which activation is it?",
        answer,
        f"{answer}: {made[answer]}. {_RULES[answer]}",
        {name: f"{name} would give {made[name]}. {rule}" for name, rule in _RULES.items() if name != answer},
        facts={"z": z, "value": value},
    )


KINDS = (_zeros_after_relu, _sum_after_relu, _leaky_value, _which_activation)

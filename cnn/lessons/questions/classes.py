"""Questions on flatten, softmax, cross-entropy, dropout, each a function of a random generator."""

import math
from collections.abc import Sequence

import numpy as np

from cnn.lessons.questions.latex import by, listed, num
from cnn.lessons.questions.question import Question, Rng, chosen, integer, integers, pick, typed

# ---------------------------------------------------------------- from maps to classes


def _flattened(rng: Rng) -> Question:
    edge, channels = integer(rng, 2, 20), pick(rng, (4, 8, 12, 16, 24, 32, 48, 64, 128, 256))
    answer = edge * edge * channels
    return typed(
        f"Flatten receives {channels} feature maps of {by(edge)} values. How long is the vector that comes out?",
        answer,
        rf"Flatten keeps every value: ${edge} \cdot {edge} \cdot {channels} = {num(answer)}$.",
        [
            (channels, "That would be global pooling, with one number for each map; Flatten keeps every value."),
            (edge * channels, "The number of values in a map is its edge squared."),
            (edge * edge, "This is the number of values in one map; Flatten takes those of all maps."),
            (
                edge * edge + channels,
                "Each map has the square of its edge in values: multiply by the number of maps, not add.",
            ),
        ],
        facts={"edge": edge, "channels": channels},
    )


def _softmax(logits: Sequence[float]) -> list[float]:
    powers = [math.exp(value - max(logits)) for value in logits]
    return [power / sum(powers) for power in powers]


def _softmax_of_logits(rng: Rng) -> Question:
    while True:
        logits = integers(rng, 0, 5, integer(rng, 2, 3))
        index = integer(rng, 0, len(logits) - 1)
        answer = _softmax(logits)[index]
        # The rounded powers of e, too, lead to these two decimals.
        if 0.02 < answer < 0.98 and abs(100 * answer % 1 - 0.5) > 0.02:
            break
    names = "ABC"[: len(logits)]
    powers = [math.exp(value) for value in logits]
    table = r",\ ".join(rf"e^{value} = {num(math.exp(value), 3)}" for value in sorted(set(logits) | {1}))
    shown = r",\ ".join(rf"z_{name} = {value}" for name, value in zip(names, logits, strict=True))
    others = [probability for other, probability in enumerate(_softmax(logits)) if other != index]
    share = [(logits[index] / sum(logits), "Raise $e$ to the power of each logit first.")] if sum(logits) else []
    return typed(
        rf"The logits of {len(logits)} classes are ${shown}$. What probability does softmax give to class "
        rf"{names[index]}? Round to two decimals. (${table}$.)",
        answer,
        rf"$p_{names[index]} = \frac{{e^{{{logits[index]}}}}}{{\sum_c e^{{z_c}}}} = "
        rf"\frac{{{num(powers[index], 3)}}}{{{' + '.join(num(power, 3) for power in powers)}}} = "
        rf"{num(answer, 4)} \approx {answer:.2f}$.",
        [
            *share,
            (
                1 / (1 + math.exp(-logits[index])),
                "This is the sigmoid of the logit alone; softmax compares it with the others.",
            ),
            (1 / len(logits), "This would be right if all logits were equal."),
            (powers[index], "This is only the numerator; it is divided by the sum over all classes."),
            *((other, "This is the probability of another class.") for other in others),
            (1 - answer, "This is the probability of all other classes together."),
            (1.0 if logits[index] == max(logits) else 0.0, "The largest logit does not get all of the probability."),
        ],
        decimals=2,
        facts={"logits": logits, "index": index},
    )


def _cross_entropy(rng: Rng) -> Question:
    count = integer(rng, 3, 4)
    cuts = sorted(int(cut) for cut in rng.choice(np.arange(1, 20), count - 1, replace=False))
    parts = [after - before for before, after in zip([0, *cuts], [*cuts, 20], strict=True)]
    probabilities, index = tuple(round(0.05 * part, 2) for part in parts), integer(rng, 0, count - 1)
    p, names = probabilities[index], "ABCD"
    shown = r",\ ".join(rf"p_{name} = {num(value)}" for name, value in zip(names, probabilities, strict=False))
    answer = -math.log(p)
    return typed(
        rf"A network predicts the probabilities ${shown}$. The image belongs to class {names[index]}. What is "
        "the cross-entropy loss, with the natural logarithm? Round to two decimals.",
        answer,
        rf"Only the probability of the true class counts: $-\ln {num(p)} = {num(answer, 4)} \approx {answer:.2f}$.",
        [
            (-answer, "The logarithm of a probability is negative; the loss is minus that."),
            (1 - p, "This is 1 minus the probability; the loss is minus its logarithm."),
            (p, "This is the probability itself; the loss is minus its logarithm."),
            (
                -math.log(max(probabilities)),
                "This is the loss for the most likely class; only the true class counts.",
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
    logits = integers(rng, -1, 2, integer(rng, 3, 5))
    while sorted(logits)[-1] == sorted(logits)[-2]:
        logits = integers(rng, -1, 2, len(logits))
    temperature = pick(rng, (0.5, 0.6, 0.75, 0.8, 1.25, 1.5, 2, 2.5, 3, 4, 5))
    before, after = max(_softmax(logits)), max(_softmax([value / temperature for value in logits]))
    smaller, larger = "It becomes smaller.", "It becomes larger."
    answer, opposite = (smaller, larger) if temperature > 1 else (larger, smaller)
    way = "closer together" if temperature > 1 else "further apart"
    return chosen(
        rng,
        rf"The logits ${listed(logits)}$ are divided by the temperature $T = {num(temperature)}$ before softmax. What "
        "happens to the largest probability?",
        answer,
        rf"Divided by ${num(temperature)}$, the logits are {way}, and so are the probabilities. The largest one was "
        rf"${num(before, 3)}$ and is ${num(after, 3)}$ now.",
        {
            opposite: f"A temperature {'above' if temperature > 1 else 'below'} 1 brings the logits {way}.",
            "It stays the same.": "This is true only for $T = 1$; softmax depends on the differences of the logits.",
            "Another class becomes the most likely.": "Dividing by a positive number does not change the order.",
        },
        facts={"logits": logits, "temperature": temperature},
    )


def _dropout_factor(rng: Rng) -> Question:
    rate, value = integer(rng, 1, 18) / 20, integer(rng, 2, 20) / 10
    scale = 1 / (1 - rate)
    if rng.integers(2):
        asked, start, ends = "factor", 1.0, "By what factor does it multiply the others?"
        times = ""
    else:
        asked, start, ends = "value", value, f"What does a kept value of ${num(value)}$ become?"
        times = rf" The value becomes ${num(value)} \cdot {num(scale, 4)} = {num(value * scale, 4)}$."
    answer = start * scale
    return typed(
        rf"During training, dropout with rate ${num(rate)}$ sets this fraction of its inputs to zero. {ends} Round to "
        "two decimals.",
        answer,
        rf"To keep the mean, the remaining values are multiplied by $\frac{{1}}{{1 - {num(rate)}}} = "
        rf"\frac{{1}}{{{num(1 - rate)}}} = {num(scale, 4)}$.{times} Rounded to two decimals: ${answer:.2f}$.",
        [
            (start * (1 - rate), "This makes the mean even smaller: divide by this fraction instead of multiplying."),
            (start, "This is true at prediction time; during training, the remaining values become larger."),
            (scale, "This is the factor; the value still has to be multiplied by it."),
            (start / rate, "Divide by the fraction that is kept, not by the fraction that is dropped."),
            (start * rate, "This multiplies by the fraction that is dropped; divide by the fraction that is kept."),
            (start * (1 + rate), "Adding the rate to 1 is not enough: divide by the fraction that is kept."),
            (0, "This is what happens to the values that are dropped."),
        ],
        decimals=2,
        facts={"rate": rate, "value": value, "asked": asked},
    )


KINDS = (_flattened, _softmax_of_logits, _cross_entropy, _temperature, _dropout_factor)

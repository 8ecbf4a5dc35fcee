"""A question with its answer, its working and the misconceptions it foresees, and what all topics make them of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import numpy as np

LEAKY_SLOPE = 0.2  # Keras's default

Rng = np.random.Generator
Answer = int | float | str
Misconceptions = Iterable[tuple[Answer, str]]
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
    if it equals the rounded answer; with none it must be the answer itself. misconceptions: for each foreseeable wrong
    answer the thought that leads to it. facts: the numbers that the question is made of, by name.
    """

    text: str
    answer: Answer
    working: str
    choices: tuple[str, ...] = ()
    decimals: int = 0
    misconceptions: Mapping[Answer, str] = field(default_factory=dict)
    facts: Facts = field(default_factory=dict)

    def check(self, given: Answer) -> Verdict:
        """Judge an answer: one of `choices`, or a number where there are none."""
        if _same(given, self.answer, self.decimals):
            return Verdict(True, self.working)
        thoughts = [
            words for misconception, words in self.misconceptions.items() if _same(given, misconception, self.decimals)
        ]
        return Verdict(False, "\n\n".join([*thoughts[:1], self.working]))


def _same(given: Answer, value: Answer, decimals: int) -> bool:
    if isinstance(given, str) or isinstance(value, str):
        return given == value
    if decimals == 0:
        return abs(given - value) < 1e-9
    # Either way of rounding a half is accepted.
    return abs(round(given, decimals) - value) < 0.5 * 10**-decimals + 1e-9


def typed(
    text: str, answer: int | float, working: str, misconceptions: Misconceptions, facts: Facts, decimals: int = 0
) -> Question:
    """A question whose answer is a number. Of misconceptions that come to the same number only the first is kept."""
    kept: dict[Answer, str] = {}
    for value, words in misconceptions:
        if not any(_same(value, other, decimals) for other in (answer, *kept)):
            kept[value] = words
    return Question(text, answer, working, (), decimals, kept, facts)


def chosen(rng: Rng, text: str, answer: str, working: str, wrong: Mapping[str, str], facts: Facts) -> Question:
    """A question with choices, in random order. wrong: each wrong choice and the thought that leads to it."""
    return Question(
        text, answer, working, tuple(shuffled(rng, [answer, *wrong])), misconceptions=dict(wrong.items()), facts=facts
    )


def integer(rng: Rng, low: int, high: int) -> int:
    """A whole number in [low, high]."""
    return int(rng.integers(low, high, endpoint=True))


def integers(rng: Rng, low: int, high: int, count: int) -> tuple[int, ...]:
    return tuple(int(value) for value in rng.integers(low, high, count, endpoint=True))


def square(rng: Rng, low: int, high: int, edge: int) -> tuple[tuple[int, ...], ...]:
    return tuple(integers(rng, low, high, edge) for _ in range(edge))


def one_decimal(rng: Rng, low: int, high: int) -> float:
    """A number with one decimal in [low, high] tenths, not 0."""
    return pick(rng, [tenths for tenths in range(low, high + 1) if tenths]) / 10


def pick(rng: Rng, options: Sequence[T]) -> T:
    return options[int(rng.integers(len(options)))]


def shuffled(rng: Rng, options: Sequence[T]) -> list[T]:
    return [options[index] for index in rng.permutation(len(options))]

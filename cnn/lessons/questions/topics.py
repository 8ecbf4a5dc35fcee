"""The questions of the lessons, to predict first and check then: with their numbers, answers and workings.

A kind of question is a function that draws its numbers from a random generator, so that one seed always asks the same.
A topic is one lesson's kinds. Formulas and letters are the lecture's: rows and columns are counted from 0. Knows no
page and no network; the arithmetic of layers is `cnn.config.geometry`'s.
"""

from collections.abc import Callable

from cnn.lessons.questions import (
    channels,
    classes,
    field,
    filter,
    large,
    learning,
    pooling,
    relu,
    stride,
    transfer,
    uses,
    why,
)
from cnn.lessons.questions.question import Question, Rng, pick

TOPICS: dict[str, tuple[Callable[[Rng], Question], ...]] = {
    "why": why.KINDS,
    "filter": filter.KINDS,
    "stride": stride.KINDS,
    "channels": channels.KINDS,
    "relu": relu.KINDS,
    "pooling": pooling.KINDS,
    "classes": classes.KINDS,
    "learning": learning.KINDS,
    "field": field.KINDS,
    "transfer": transfer.KINDS,
    "large": large.KINDS,
    "uses": uses.KINDS,
}


def ask(topic: str, rng: Rng) -> Question:
    """A question about one of `TOPICS`.

    Raises:
        KeyError: there is no such topic.
    """
    return pick(rng, TOPICS[topic])(rng)

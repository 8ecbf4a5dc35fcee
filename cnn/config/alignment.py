"""Two networks layer by layer: which layer of one stands for which of the other, and what differs between them."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from cnn.config.layers import Layer
from cnn.config.words import empty_word, field_label


class Pair(NamedTuple):
    """A layer of one network and the one that stands for it in the other.

    first, second: their indices; None where the network has none for it. changes: the settings that differ, in words.
    """

    first: int | None
    second: int | None
    changes: tuple[str, ...] = ()

    @property
    def mark(self) -> str:
        """In a word, as seen from the first network: same, changed, removed or added."""
        if self.first is None:
            return "added"
        if self.second is None:
            return "removed"
        return "changed" if self.changes else "same"


def aligned(first: Sequence[Layer], second: Sequence[Layer]) -> list[Pair]:
    """Pairs in the order of both networks; each layer is in one of them.

    Equal layers that stand in the same order are the same. Of what lies between them, layers of one kind are paired in
    order, and the settings in which they differ are told.

    >>> from cnn.config.layers import Convolution, Flatten, Pooling
    >>> one, other = [Convolution(filters=8), Flatten()], [Convolution(filters=16), Pooling(), Flatten()]
    >>> [(pair.mark, *pair.changes) for pair in aligned(one, other)]
    [('changed', 'Filters 8 → 16'), ('added',), ('same',)]
    """
    pairs = []
    for tag, start, stop, begin, end in _blocks(first, second):
        if tag == "equal":
            pairs += [Pair(start + step, begin + step) for step in range(stop - start)]
        else:
            kinds = [layer.kind for layer in first[start:stop]], [layer.kind for layer in second[begin:end]]
            for same, a, b, c, d in _blocks(*kinds):
                if same == "equal":
                    for step in range(b - a):
                        here, there = start + a + step, begin + c + step
                        pairs.append(Pair(here, there, _changes(first[here], second[there])))
                else:
                    pairs += [Pair(start + place, None) for place in range(a, b)]
                    pairs += [Pair(None, begin + place) for place in range(c, d)]
    return pairs


def _blocks(first: Sequence, second: Sequence) -> Iterator[tuple[str, int, int, int, int]]:
    yield from SequenceMatcher(None, first, second, autojunk=False).get_opcodes()


def _changes(first: Layer, second: Layer) -> tuple[str, ...]:
    """The settings in which two layers of one kind differ, in words."""
    theirs = second.model_dump()
    return tuple(
        f"{field_label(name)} {_said(name, value)} → {_said(name, theirs[name])}"
        for name, value in first.model_dump().items()
        if value != theirs[name]
    )


def _said(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return empty_word(name) if value is None else str(value)

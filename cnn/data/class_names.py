"""Which class of a network a folder's name means, however it is spelled."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from cnn.config import CLASS_NAMES
from cnn.data import folders, names
from cnn.data.datasets import NO_GARMENT


@dataclass(frozen=True)
class Matched:
    """labels: of the folders that mean a class. unknown: the others. missing: the classes that no folder means."""

    labels: dict[str, int]
    unknown: tuple[str, ...]
    missing: tuple[str, ...]


def matched(found: Sequence[str], class_names: Sequence[str]) -> Matched:
    """The labels that folders mean by their names, see `label_of`."""
    labels = {name: label for name in found if (label := label_of(name, class_names)) is not None}
    missing = tuple(name for label, name in enumerate(class_names) if label not in labels.values())
    return Matched(labels, tuple(name for name in found if name not in labels), missing)


def label_of(name: str, class_names: Sequence[str]) -> int | None:
    """The label that a folder's name means; None where it means none, or could mean two.

    Its spelling counts little: neither capitals, spaces and underscores, nor a number before it, nor an s at its end;
    of a double name, a half will do. For Fashion-MNIST's classes a number must be right, see `folders.class_of`.

    >>> classes = ("Long sleeve", "T-shirt/top", "hat", "24_May")
    >>> [label_of(name, classes) for name in ("2_long_sleeve", "tshirt", "Hats", "24_May", "bag", "7")]
    [0, 1, 2, 3, None, None]

    Raises:
        ValueError: of Fashion-MNIST's classes, number and name disagree.
    """
    if name in class_names:
        return class_names.index(name)
    if tuple(class_names) == CLASS_NAMES:
        label = folders.class_of(name)
        return None if label == NO_GARMENT else label
    for spelled in (lambda text: {names.key(text)}, lambda text: {_letters(text)}, _spellings):
        means = spelled(name)
        if len(labels := [label for label, one in enumerate(class_names) if means & spelled(one)]) == 1:
            return labels[0]
    return None


def _spellings(name: str) -> set[str]:
    """The name without a number before it, each half of a double name, and their singulars, as `_letters`."""
    words = re.fullmatch(r"\s*(?:\d+[\s_-]+)?(.*)", unicodedata.normalize("NFKC", name), re.DOTALL)[1]
    found = {_letters(word) for word in (words, *words.split("/"))} - {""}
    return found | {word[: -len(end)] for word in found for end in ("s", "es") if word.endswith(end) and len(word) > 3}


def _letters(text: str) -> str:
    """What counts of a spelling: letters and digits, in lower case."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))

"""Text that people typed, such that Plotly shows it as it is, and in the room that there is."""

import html
from collections import Counter
from collections.abc import Sequence

LONGEST = 22  # characters of a class's name at an axis


def literal(text: str) -> str:
    """A name for a legend, a label or a title: Plotly reads tags and entities, and of quotes knows no entity."""
    return html.escape(text, quote=False)


def short(names: Sequence[str], longest: int = LONGEST) -> list[str]:
    """Names for an axis of Plotly, literal and as `cut`."""
    return [literal(name) for name in cut(names, longest)]


def cut(names: Sequence[str], longest: int = LONGEST) -> list[str]:
    """Names with their ends left out where they are long; those that would then be the same keep their ends.

    >>> cut(["Trouser", "A very long name for a hat", "A very long name for a coat", "Another long name"], 12)
    ['Trouser', 'A very…a hat', 'A very… coat', 'Another lon…']
    """
    found = [name if len(name) <= longest else name[: longest - 1].rstrip() + "…" for name in names]
    for again in (_without_middle, _numbered):
        often = Counter(found)
        found = [
            one if often[one] == 1 else again(name, place, longest)
            for place, (name, one) in enumerate(zip(names, found, strict=True))
        ]
    return found


def _without_middle(name: str, _: int, longest: int) -> str:
    return name if len(name) <= longest else f"{name[: longest // 2]}…{name[longest // 2 + 1 - longest :]}"


def _numbered(name: str, place: int, longest: int) -> str:
    return f"{name[: longest - 5]}… {place + 1}"

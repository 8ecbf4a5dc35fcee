"""Text that people typed or uploaded, such that Streamlit's Markdown shows it as it is.

A backslash keeps Markdown from reading a character. That is not enough for what Streamlit looks for in the text that
comes out of it: icons and emoji (`:tada:`), links (`www.`, `http://`, an e-mail address), and arrows (`->`). It finds
none of these where a character stands in an element of its own, and `:color[…]` without a colour is one that looks
like nothing.
"""

import re
import unicodedata

_SPECIAL = re.compile(
    r"(?P<apart>:(?=[\w+/-])|@|(?<=www)\.|[<>~-](?=[=>-]))"
    r"|(?m:^)(?P<number>\d+)(?P<mark>[.)])"
    r"|[\\`*_\[\]{}()#+!|<>$:~&=^-]",
    re.IGNORECASE,
)
_SECOND_SPACE = re.compile(r"\t|(?m:^) |(?<= ) ")  # where Markdown and browsers show one space, or none
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_FOREIGN = {"R", "AL", "AN", "LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}  # classes of characters
_ISOLATE, _END = "\u2068", "\u2069"  # around text whose direction is its own business


def plain(text: str) -> str:
    """Markdown that shows the text as it was typed, without spaces around it, alone or among other words."""
    text = _INVISIBLE.sub(_visible, text.replace("\r\n", "\n")).strip()
    return _isolated(_SPECIAL.sub(_escaped, _SECOND_SPACE.sub("\u00a0", text))).replace("\n", "  \n")


def _escaped(match: re.Match[str]) -> str:
    if match["apart"]:
        return f":color[\\{match['apart']}]"
    if match["mark"]:  # of a numbered list
        return f"{match['number']}\\{match['mark']}"
    return f"\\{match[0]}"


def _visible(match: re.Match[str]) -> str:
    """A sign for a control character, which would show nothing or end a line."""
    code = ord(match[0])
    return chr(0x2400 + code) if code < 0x20 else "\ufffd"


def _isolated(text: str) -> str:
    """Text from right to left, or with marks that turn what comes behind it, keeps to itself."""
    classes = [unicodedata.bidirectional(character) for character in text]
    if _FOREIGN.isdisjoint(classes):
        return text
    depth = lowest = 0
    for kind in classes:
        depth += (kind in ("LRI", "RLI", "FSI")) - (kind == "PDI")
        lowest = min(lowest, depth)
    return _ISOLATE * (1 - lowest) + text + _END * (1 - lowest + depth)

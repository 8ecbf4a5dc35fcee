"""Names of files as they can be printed: whatever a name holds, it takes one line and can be encoded."""

import unicodedata

_ESCAPED = ("Cc", "Cs", "Zl", "Zp")  # control characters, bytes that are no text (surrogates), ends of lines


def printable(text: object) -> str:
    """A text, such as a path, with escapes for what would end a line, steer a terminal, or be no Unicode.

    >>> printable("a\\nb"), printable("caf\\udce9.jpg"), printable("裤子 🥾")
    ('a\\\\nb', 'caf\\\\udce9.jpg', '裤子 🥾')
    """
    return "".join(
        character.encode("unicode_escape").decode() if unicodedata.category(character) in _ESCAPED else character
        for character in str(text)
    )

"""Names in any script or emoji as names of folders, and back; names that cannot be, or that mean the same."""

import re
import unicodedata

from cnn.config.run_config import MAX_CLASS_NAME
from cnn.errors import AtelierError

_MAX_BYTES = 240  # of a folder's name, of the 255 that file systems allow
_SPECIAL = set('/\\:*?"<>|%')  # what Windows or Linux cannot hold in a name, and the sign of an escape
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)  # names of devices on Windows
OF_THE_SYSTEM = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "@eadir"}  # and what has a dot first
_ESCAPE = re.compile(r"(?:%[0-9A-F]{2})+")


class BadName(AtelierError, ValueError):
    """A name that a class or a dataset cannot have; the message says why."""


def cleaned(name: str, what: str = "class") -> str:
    """A name as it is kept: in composed Unicode, without spaces around it or several in a row.

    >>> cleaned("  Ankle   boot ")
    'Ankle boot'

    Raises:
        BadName: it is empty, too long, or holds what no name can.
    """
    name = " ".join(unicodedata.normalize("NFC", name).split())
    if not name:
        raise BadName(f"The {what} has no name: give it one.")
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name):
        raise BadName(f"The name of the {what} contains a control character: leave it out.")
    if not any(unicodedata.category(character)[0] in "LNPSM" for character in name):
        raise BadName(f"The name of the {what} cannot be seen: give it another one.")
    if len(name) > MAX_CLASS_NAME or len(to_folder(name).encode()) > _MAX_BYTES:
        raise BadName(
            f"The name {name[:30]!r}… is too long: choose a shorter one, of at most {MAX_CLASS_NAME} letters."
        )
    return name


def key(name: str) -> str:
    """What counts of a name: two that are written alike, but for capitals or accents' encoding, have the same.

    >>> key("CAFE\\u0301") == key("café")
    True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def order(name: str) -> tuple[str, str]:
    """To sort names by: the alphabet, whatever is a capital."""
    return key(name), name


def to_folder(name: str) -> str:
    """The name of the folder of a class: the name itself, with escapes for what a file system cannot hold.

    >>> [to_folder(name) for name in ("T-shirt/top", "裤子 🥾", "..", "CON", "100%")]
    ['T-shirt%2Ftop', '裤子 🥾', '%2E%2E', '%43ON', '100%25']
    """
    if is_reserved(name):
        return _escaped(name[0]) + "".join(_escaped(one) if one in _SPECIAL else one for one in name[1:])
    inner = [_escaped(one) if is_refused(one) else one for one in name]
    for end in (0, -1):
        if inner[end] == ".":
            inner[end] = _escaped(".")
    return "".join(inner)


def from_folder(folder: str) -> str:
    """The name of a folder's class: of `to_folder`'s names the one it came from, of any other the name itself.

    >>> [from_folder(name) for name in ("T-shirt%2Ftop", "%2E%2E", "100%", "Trouser")]
    ['T-shirt/top', '..', '100%', 'Trouser']
    """

    def decoded(found: re.Match) -> str:
        content = bytes.fromhex(found[0].replace("%", ""))
        try:
            return content.decode()
        except UnicodeDecodeError:
            return found[0]

    return _ESCAPE.sub(decoded, folder)


def is_refused(character: str) -> bool:
    """Whether some file system cannot hold a character in a name."""
    return character in _SPECIAL or unicodedata.category(character) in ("Cc", "Cs")


def is_reserved(name: str) -> bool:
    """Whether a name means something else to some system."""
    return bool(_RESERVED.fullmatch(name)) or name.lower() in OF_THE_SYSTEM


def is_of_the_system(name: str) -> bool:
    """Whether a file or folder is none of people's own: hidden, or what their system keeps everywhere."""
    return name[0] == "." or name.lower() in OF_THE_SYSTEM


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))

"""Which files among folders are images of a class, by their paths alone: in an archive or a folder that is uploaded.

Paths are untrusted. What is of no class, or is not to be opened, is said with the reason; what people's systems leave
everywhere, such as .DS_Store and Thumbs.db, is left out without a word.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from cnn.data import names
from cnn.pictures import MAX_BYTES

_ARCHIVES = re.compile(r"\.(zip|7z|rar|tar|tgz|gz|bz2|xz|jar)$", re.IGNORECASE)
Skipped = dict[str, list[str]]


class Entry(NamedTuple):
    """A file. path: with slashes; one that ends with a slash is a folder. size: in bytes. refused: why it is not used,
    whatever it is called and holds; else empty."""

    path: str
    size: int
    refused: str = ""


def by_class(entries: Sequence[Entry], whole: str, into: str = "") -> tuple[list[tuple[str, int]], Skipped]:
    """The files that may be images of a class. All folders may be in one.

    Args:
        whole: what they are in, "archive" or "folder".
        into: the class of the files of a single folder that has no folders, or fewer files in them than beside them;
            where it is empty, their class is called as that folder.

    Returns:
        The class of each file that may be an image, with its number among the entries; and the paths of the others by
        the reason, a sentence.
    """
    skipped: Skipped = {}
    inside: list[tuple[list[str], int]] = []
    for number, entry in enumerate(entries):
        parts = [part for part in entry.path.split("/") if part not in ("", ".")]
        known = [part for part in parts if part != ".."]
        if entry.path.endswith("/") or not parts or any(map(names.is_of_the_system, known)):
            continue
        if reason := _refused(entry, parts, whole):
            skipped.setdefault(reason, []).append(entry.path)
        else:
            inside.append((parts, number))
    is_one = len({parts[0] for parts, _ in inside}) == 1
    deeper = sum(len(parts) > 2 for parts, _ in inside)
    is_class = bool(into) and is_one and deeper < len(inside) - deeper
    wrapped = is_one and deeper > 0 and not is_class
    chosen: list[tuple[str, int]] = []
    for parts, number in inside:
        parts = parts[1:] if wrapped else parts
        try:
            if len(parts) != 2:
                where = "in no folder of a class" if len(parts) < 2 else "deeper than in a class's folder"
                skipped.setdefault(f"A file that lies {where} is passed over.", []).append(entries[number].path)
            else:
                chosen.append((into if is_class else names.cleaned(names.from_folder(parts[0])), number))
        except names.BadName as error:
            skipped.setdefault(str(error), []).append(entries[number].path)
    return chosen, skipped


def _refused(entry: Entry, parts: list[str], whole: str) -> str:
    """Why a file is not used, whatever it holds; empty where it may be."""
    if entry.path[0] == "/" or ".." in parts or re.match(r"[A-Za-z]:", entry.path):
        return f"Its path leads out of the {whole}."
    if entry.refused:
        return entry.refused
    if _ARCHIVES.search(entry.path):
        return f"An archive within the {whole} is not unpacked: unpack it yourself."
    if entry.size > MAX_BYTES:
        return f"The file is larger than {MAX_BYTES >> 20} MB. Save it smaller, or as a JPEG file."
    return ""

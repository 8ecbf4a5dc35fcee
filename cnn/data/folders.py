"""Labelled images of people's own in folders: which class a folder's name means, and what became of every file.

A folder is named `<label>_<class>`, such as `0_T-shirt`, or `none` for images of no garment. Spelling counts little,
meaning counts: a number and a name that disagree are refused, because a network does not show that its bags were
T-shirts.
"""

import hashlib
import itertools
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from cnn.config import CLASS_NAMES
from cnn.config.printable import printable
from cnn.data.datasets import NO_GARMENT
from cnn.errors import AtelierError

HELD_OUT = 5  # one labelled image in so many is never trained on, so that it can measure

_OF_THE_SYSTEM = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "@eadir"}  # and what has a dot first
_NAMED = 3  # files that a line names, before it counts the others


class NoPictures(AtelierError, ValueError):
    """The folders given hold no images that can be used; the message says how they must look."""


class WrongFolders(NoPictures):
    """The number and the name of folders disagree; the message has a line for each, with its right name."""


# ---------------------------------------------------------------- which class a name means


def _letters(text: str) -> str:
    """What counts of a spelling: letters and digits, in lower case."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def _spellings() -> dict[str, int]:
    """The classes by their names, by each half of a double name, and by their plurals, as `_letters` has them."""
    found: dict[str, int] = {}
    for label, name in enumerate(CLASS_NAMES):
        halves = [(word, word + ("es" if word.endswith("s") else "s")) for word in map(_letters, name.split("/"))]
        for words in (*halves, map("".join, itertools.product(*halves))):
            found |= dict.fromkeys(words, label)
    return found | dict.fromkeys(("none", "nogarment"), NO_GARMENT)


_LABELS = _spellings()


def right_name(label: int) -> str:
    """0 -> 0_T-shirt, 9 -> 9_Ankle_boot, NO_GARMENT -> none"""
    return "none" if label == NO_GARMENT else f"{label}_{CLASS_NAMES[label].split('/')[0].replace(' ', '_')}"


def class_of(name: str) -> int | None:
    """The label that a folder's name means: by number and name, or by the name alone; None if it means no label.

    It is 0 to 9, or `NO_GARMENT` for a folder of other things.

    >>> [class_of(name) for name in ("0_T-shirt_top", "3 dresses", "9-AnkleBoot", "Coat", "holiday", "5", "24_May")]
    [0, 3, 9, 4, None, None, None]
    >>> class_of("none")
    255

    Raises:
        ValueError: number and name disagree; its text says what the number means, and the right name.
    """
    number, words = re.fullmatch(r"\s*(\d*)(.*)", unicodedata.normalize("NFKC", name), re.DOTALL).groups()
    named = _LABELS.get(_letters(words))
    if not number or named == int(number):
        return named
    known = int(number) < len(CLASS_NAMES)
    if named is None and not (known and _letters(words)):
        return None
    meaning = f"{number} is {CLASS_NAMES[int(number)]}" if known else f"no class is {number}"
    if named is None:
        raise ValueError(f"{meaning}: call it {right_name(int(number))} if it holds those")
    raise ValueError(f"{meaning}: call it {right_name(named)}")


# ---------------------------------------------------------------- what is in folders


class Found(NamedTuple):
    """files: those in folders of a class, and their labels, see `class_of`. passed_over: what is of no class."""

    files: list[tuple[Path, int]]
    passed_over: list[Path]


def labelled_files(folder: Path) -> list[tuple[Path, int]]:
    """The files in a folder's subfolders, which are named `<label>_<class>`, and their labels, see `class_of`.

    Raises:
        WrongFolders: the number and the name of subfolders disagree.
        NoPictures: there is no such subfolder, or no file in any.
    """
    return search([folder]).files


def search(folders: Sequence[Path]) -> Found:
    """The same for several folders, with what is passed over in them.

    Raises:
        WrongFolders: the number and the name of subfolders disagree, in any of the folders.
        NoPictures: a folder has no subfolder of a class, or no file in any.
    """
    each, wrong = [_search(folder) for folder in folders], []
    for _, _, lines in each:
        wrong += lines
    if wrong:
        what = "The number and the name of a folder disagree" if len(wrong) == 1 else "Numbers and names disagree"
        raise WrongFolders(f"{what}, so nothing was trained. Rename and start again:\n" + "\n".join(wrong))
    for folder, (files, passed_over, _) in zip(folders, each, strict=True):
        if not files:
            others = [printable(path.name) for path in passed_over if path.is_dir()]
            raise NoPictures(
                f"{printable(folder)} holds no labelled images: it must have subfolders named {right_name(0)}, "
                f"{right_name(1)} and so on, with files in{f' (it has {_some(others)})' if others else ''}."
            )
    return Found([file for files, _, _ in each for file in files], [path for _, over, _ in each for path in over])


def _search(folder: Path) -> tuple[list[tuple[Path, int]], list[Path], list[str]]:
    """Files with their labels, what is passed over, and a line for each folder whose number and name disagree."""
    files: list[tuple[Path, int]] = []
    passed_over, wrong = [], []
    for path in _entries(folder):
        try:
            label = class_of(path.name) if path.is_dir() else None
        except ValueError as error:
            wrong.append(f"  {printable(path)}: {error}")
            continue
        inside = [] if label is None else _entries(path)
        files += [(file, label) for file in inside if file.is_file()]
        passed_over += [path] if label is None else [each for each in inside if not each.is_file()]
    return files, passed_over, wrong


def _entries(folder: Path) -> list[Path]:
    """What people have put into a folder, in order: not what their system keeps there."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.name[0] != "." and path.name.lower() not in _OF_THE_SYSTEM)


def is_held_out(file: Path) -> bool:
    """Whether a labelled image is kept for measuring. Decided by its name, so that it never changes."""
    name = file.name.encode(errors="surrogateescape")
    return int(hashlib.sha256(name).hexdigest(), 16) % HELD_OUT == 0


# ---------------------------------------------------------------- what becomes of every file


def contents(files: Sequence[Path]) -> list[str]:
    """A key for each file, equal where the contents are: a checksum, taken only of files that are equally long."""
    sizes = [file.stat().st_size for file in files]
    many = Counter(sizes)
    return [_checksum(file) if many[size] > 1 else f"{size} bytes" for file, size in zip(files, sizes, strict=True)]


def _checksum(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError:  # whoever reads it will say why
        return str(file)


USED, HELD, COPY = "used", "held_out", "copies"  # what becomes of a file; or it cannot be read


@dataclass(frozen=True)
class Account:
    """What became of labelled images, file by file.

    files: each with its label, and USED, HELD, COPY, or a sentence why it cannot be read. contents: a key for each,
    equal where the contents are. passed_over: files and folders of no class.
    """

    files: Sequence[tuple[Path, int, str]]
    contents: Sequence[str]
    passed_over: Sequence[Path]

    def values(self) -> dict[str, Any]:
        """The same counted, for JSON: `pictures.json` in docs/runs.md."""
        folders: dict[Path, Counter[str]] = defaultdict(Counter)
        labels, unreadable = {}, defaultdict(list)
        for file, label, fate in self.files:
            labels[file.parent] = label
            known = fate in (USED, HELD, COPY)
            folders[file.parent].update(["found", fate if known else "unreadable"])
            if not known:
                unreadable[printable(fate)].append(printable(file))
        kinds = ("found", USED, HELD, COPY, "unreadable")
        return {
            **{kind: sum(counts[kind] for counts in folders.values()) for kind in kinds},
            "folders": [
                {
                    "folder": printable(folder),
                    "class": "no garment" if labels[folder] == NO_GARMENT else CLASS_NAMES[labels[folder]],
                    **{kind: counts[kind] for kind in kinds},
                }
                for folder, counts in folders.items()
            ],
            "reasons": dict(unreadable),
            "several_classes": self._several_classes(),
            "passed_over": [printable(path) for path in self.passed_over],
        }

    def _several_classes(self) -> list[list[str]]:
        """The files that hold the same image in folders of different classes."""
        same: dict[str, list[tuple[Path, int]]] = defaultdict(list)
        for key, (file, label, fate) in zip(self.contents, self.files, strict=True):
            if fate in (USED, COPY):
                same[key].append((file, label))
        return [[printable(file) for file, _ in group] for group in same.values() if len({c for _, c in group}) > 1]


def headline(account: dict[str, Any]) -> str:
    """Of `Account.values()`: 2 of 12 own images used: 8 could not be read, 2 are held out for measuring."""
    parts = [
        f"{account[kind]:,} {one if account[kind] == 1 else many}"
        for kind, one, many in (
            ("unreadable", "could not be read", "could not be read"),
            (HELD, "is held out for measuring", "are held out for measuring"),
            (COPY, "is a copy of another", "are copies of others"),
        )
        if account[kind]
    ]
    return f"{account['used']:,} of {account['found']:,} own images used{': ' if parts else ''}{', '.join(parts)}."


def lines(account: dict[str, Any]) -> list[str]:
    """`Account.values()` in words: the headline, a line for each folder, and what is the matter with the others."""
    found = [headline(account)]
    for each in account["folders"]:
        found.append(f"  {each['folder']}: {each['used']:,} of {each['found']:,} as {each['class']}")
    found += [f"  Not read: {_some(files)}. {reason}" for reason, files in account["reasons"].items()]
    found += [
        f"  The same image is in folders of different classes, and is used for each: {_some(files)}"
        for files in account["several_classes"]
    ]
    if passed_over := account["passed_over"]:
        found.append(f"  Passed over, because they are of no class: {_some(passed_over)}")
    return found


def _some(names: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")

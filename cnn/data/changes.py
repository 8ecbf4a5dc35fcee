"""Changes of a dataset's files that can be taken back: each is a list of moves within the dataset's folder.

    .bin/<id>/            what a change took away, or prepared: files in folders of classes, and class folders
    .bin/<id>.json        what it moved from where to where, with a sentence

What is new is first made whole in the bin, then moved to its place; what is removed is moved into the bin. So a change
is made or not made, and taken back by moving everything the other way.
"""

import contextlib
import itertools
import json
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cnn import disk
from cnn.errors import AtelierError

KEPT = 50  # changes that can be taken back
_DAYS = 30  # that the bin keeps what was taken back, or is older than these
_ID = re.compile(r"[0-9]{13,}-[0-9]+-[0-9]+")
_numbers = itertools.count()
Move = tuple[str, str]  # from where to where, within the dataset's folder


class NotChanged(AtelierError, ValueError):
    """A change that cannot be made; the message says why. Nothing was changed."""


@dataclass(frozen=True)
class Change:
    """A change that was made. id: rising with time. text: what it did, a sentence. moves: in order."""

    id: str
    text: str
    moves: tuple[Move, ...]

    @property
    def time(self) -> float:
        """When, in seconds since 1970."""
        return int(self.id.partition("-")[0]) / 1000


class Journal:
    """The changes of one dataset.

    Args:
        folder: of the dataset.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._bin = folder / ".bin"

    @contextlib.contextmanager
    def preparing(self) -> Iterator[tuple[str, Path]]:
        """A name for a change to come, and a folder in the bin for what it brings; gone again if the block fails.

        Raises:
            OSError: it cannot be made.
        """
        change_id = _new_id()
        place = self._bin / change_id
        place.mkdir(parents=True)
        try:
            yield change_id, place
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise

    def make(self, change_id: str, text: str, moves: Sequence[Move]) -> Change:
        """Make all moves, or none. No move replaces anything.

        Raises:
            NotChanged: something is no longer where it was, or its place is taken.
            OSError: something cannot be moved.
        """
        with lock_of(self.folder):
            made = _new_id()  # of several visitors' changes, the one that is made last is the last
            before, after = f".bin/{change_id}/", f".bin/{made}/"
            renamed = [tuple(path.replace(before, after, 1) for path in move) for move in moves]
            change = Change(made, text, tuple((here, there) for here, there in renamed))
            place = self._bin / change_id
            place.rename(self._bin / made)
            try:
                self._move(change.moves)
            except BaseException:
                (self._bin / made).rename(place)
                raise
            # On a full disk it can be made all the same, and be taken back by whoever has it.
            with contextlib.suppress(OSError):
                values = {"text": text, "moves": change.moves}
                disk.write_bytes(self._file(made), json.dumps(values).encode())
            with contextlib.suppress(OSError):
                (self._bin / made).rmdir()  # where nothing is in it
            self._forget_old()
        return change

    def changes(self) -> list[Change]:
        """What can be taken back, the last change first."""
        found = [self._read(file) for file in self._files()]
        return [change for change in found if change is not None]

    def last(self) -> Change | None:
        """The last change that can be taken back."""
        return next((change for file in self._files() if (change := self._read(file)) is not None), None)

    def undo(self, change: Change | None = None) -> Change:
        """Take back the last change: `change`, if it is that one.

        Raises:
            NotChanged: there is none, others were made after it, or what it moved is no longer there.
            OSError: something cannot be moved.
        """
        with lock_of(self.folder):
            last = self.last()
            if change is None:
                change = last
            if change is None:
                raise NotChanged("There is nothing to undo.")
            if last is not None and _number(last.id) > _number(change.id):
                raise NotChanged("This dataset was changed again since: undo the later changes first.")
            if last != change and not _is_made(self.folder, change):
                raise NotChanged("This change was undone already, or is too old to be undone.")
            self._move([(there, here) for here, there in reversed(change.moves)])
            with contextlib.suppress(OSError):
                self._file(change.id).unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                (self._bin / change.id).rmdir()
        return change

    def _move(self, moves: Sequence[Move]) -> None:
        done: list[tuple[Path, Path]] = []
        try:
            for here, there in moves:
                source, target = self.folder / here, self.folder / there
                if not source.exists():
                    raise NotChanged(f"{source.name!r} is no longer there: it was changed in another window.")
                if target.exists() and not source.samefile(target):  # the same: other capitals on a Mac
                    raise NotChanged(f"{target.name!r} is there already: give it another name.")
                target.parent.mkdir(parents=True, exist_ok=True)
                source.rename(target)
                done.append((source, target))
        except BaseException:
            for source, target in reversed(done):
                source.parent.mkdir(parents=True, exist_ok=True)
                target.rename(source)
            raise

    def _file(self, change_id: str) -> Path:
        return self._bin / f"{change_id}.json"

    def _files(self) -> list[Path]:
        """The journal's files, the last change first."""
        try:
            found = [file for file in self._bin.iterdir() if file.suffix == ".json" and _ID.fullmatch(file.stem)]
        except OSError:
            return []
        return sorted(found, key=lambda file: _number(file.stem), reverse=True)

    def _read(self, file: Path) -> Change | None:
        try:
            values: Any = json.loads(file.read_bytes())
            moves = tuple((str(here), str(there)) for here, there in values["moves"])
            change = Change(file.stem, str(values["text"]), moves)
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None
        return change if all(_is_inside(path) for move in moves for path in move) else None

    def _forget_old(self) -> None:
        """Delete for good what old changes took away."""
        with contextlib.suppress(OSError):
            files = self._files()
            for file in files[KEPT:]:
                file.unlink(missing_ok=True)
                shutil.rmtree(self._bin / file.stem, ignore_errors=True)
            known = {file.stem for file in files[:KEPT]}
            oldest = (time.time() - _DAYS * 24 * 3600) * 1000
            for place in self._bin.iterdir():
                if _ID.fullmatch(place.name) and place.name not in known and int(place.name.split("-")[0]) < oldest:
                    shutil.rmtree(place, ignore_errors=True)


def _new_id() -> str:
    return f"{time.time_ns() // 1_000_000}-{os.getpid()}-{next(_numbers)}"


def _number(change_id: str) -> list[int]:
    return [int(part) for part in change_id.split("-")]


def _is_made(folder: Path, change: Change) -> bool:
    return all((folder / there).exists() and not (folder / here).exists() for here, there in change.moves)


def _is_inside(path: str) -> bool:
    """Whether a path of a journal leads nowhere else."""
    parts = Path(path).parts
    return bool(parts) and not Path(path).is_absolute() and ".." not in parts


@cache
def lock_of(folder: Path) -> threading.RLock:
    """One change of a dataset at a time."""
    return threading.RLock()

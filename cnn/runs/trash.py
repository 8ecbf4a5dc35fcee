"""The bin: what is deleted stays there for 30 days, and any of it can come back.

    runs/.deleted/20261122-101530-fast.1795786428/     a run's folder, moved; and when, in seconds since 1970

Moving a folder writes nothing: runs can be deleted on a full disk, too.
"""

import re
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cnn.runs.directory import ID, check_own, get, gone, read, root
from cnn.runs.run import Run, RunExists, UnknownRun

DAYS_IN_BIN = 30  # that the bin keeps what was deleted
_NAME = re.compile(r"([a-z0-9][a-z0-9-]{0,79})(?:\.([0-9]{1,12}))?")  # without the time where an old version moved it


@dataclass(frozen=True)
class Entry:
    """A folder in a bin. id: the name that it had. path: where it is now. time: when it was deleted, since 1970."""

    id: str
    path: Path
    time: float


@dataclass(frozen=True)
class Bin:
    """What was deleted from a folder, for DAYS_IN_BIN."""

    home: Path

    @property
    def path(self) -> Path:
        return self.home / ".deleted"

    def entries(self) -> list[Entry]:
        """All that is in the bin, the last deleted first."""
        found = []
        for path in self.path.glob("*/"):
            if name := _NAME.fullmatch(path.name):
                with suppress(FileNotFoundError):
                    found.append(Entry(name[1], path, float(name[2] or path.stat().st_ctime)))
        return sorted(found, key=lambda entry: (entry.time, entry.id), reverse=True)

    def put(self, paths: Sequence[Path]) -> list[Path]:
        """Move folders to the bin: all of them, or none.

        Returns:
            those that were still there.

        Raises:
            OSError: a folder cannot be written.
        """
        moved: dict[Path, Path] = {}
        try:
            for path in paths:
                self.path.mkdir(parents=True, exist_ok=True)
                place = self._free_place(path.name)
                try:
                    path.replace(place)
                except FileNotFoundError:
                    if path.is_dir():
                        raise
                    continue
                moved[path] = place
        except OSError:
            for path, place in moved.items():
                place.replace(path)
            raise
        return list(moved)

    def _free_place(self, name: str) -> Path:
        seconds = int(time.time())
        while (place := self.path / f"{name}.{seconds}").exists():
            seconds += 1
        return place

    def can_restore(self, name: str) -> bool:
        """Whether `restore` can bring back what had this name."""
        return not (self.home / name).exists() and any(entry.id == name for entry in self.entries())

    def restore(self, name: str) -> Path:
        """Take a folder back from the bin, of several the last that had this name.

        Raises:
            FileNotFoundError: it is no longer there.
        """
        for entry in self.entries():
            if entry.id == name:
                return entry.path.replace(self.home / name)
        raise FileNotFoundError(name)

    def erase(self, names: Sequence[str]) -> None:
        """Delete for good what had these names.

        Raises:
            OSError: something cannot be deleted.
        """
        for entry in self.entries():
            if entry.id in names:
                _erase(entry)

    def purge(self) -> None:
        """Delete for good what has been there for DAYS_IN_BIN, as far as that is possible."""
        for entry in self.entries():
            if time.time() - entry.time > DAYS_IN_BIN * 24 * 3600:
                with suppress(OSError):
                    _erase(entry)


def _erase(entry: Entry) -> None:
    with suppress(FileNotFoundError):  # another window was faster
        shutil.rmtree(entry.path)


# --- runs -------------------------------------------------------------------------------------------------------


def delete(*listed: Run) -> list[Run]:
    """Move runs to the bin: all of them, or none. `restore` brings them back, for DAYS_IN_BIN.

    Returns:
        those that were still there.

    Raises:
        RunExists: one of them is in training, or comes with the project.
        UnknownRun: none of them is there any more.
        OSError: the runs folder cannot be written.
    """
    for run in listed:
        check_own(run)
    here = [run for run in listed if run.path.is_dir()]
    for run in here:
        if read(run.path).active:  # it may have been resumed since `run` was read
            raise RunExists(f"{run.name} is still in training: stop it first. Nothing was deleted.")
    moved = _bin().put([run.path for run in here])
    if not moved:
        raise gone(*listed)
    purge()
    return [run for run in here if run.path in moved]


def deleted() -> list[tuple[Run, datetime]]:
    """The runs in the bin and when each was deleted, local time; the last first. Their folders are in the bin."""
    found = []
    for entry in _bin().entries():
        run = read(entry.path)
        named = entry.id if run.name == entry.path.name else run.name
        found.append((replace(run, id=entry.id, name=named), datetime.fromtimestamp(entry.time)))
    return found


def is_in_bin(run_id: str) -> bool:
    """Whether `restore` can bring the run back."""
    return bool(ID.fullmatch(run_id)) and _bin().can_restore(run_id)


def restore(*ids: str) -> list[Run]:
    """Take runs back from the bin: all of them, or none.

    Raises:
        UnknownRun: one of them is no longer there.
        OSError: the runs folder cannot be written.
    """
    for run_id in ids:
        if not is_in_bin(run_id):
            raise UnknownRun(f"The run {run_id[:80]!r} is no longer in the bin, or another has taken its place.")
    for run_id in ids:
        try:
            _bin().restore(run_id)
        except FileNotFoundError:
            raise UnknownRun(f"The run {run_id!r} is no longer in the bin: another window was faster.") from None
    return [get(run_id) for run_id in ids]


def erase(*ids: str) -> None:
    """Delete runs in the bin for good.

    Raises:
        OSError: the runs folder cannot be written.
    """
    _bin().erase(ids)


def purge() -> None:
    """Delete for good what has been in the bin for DAYS_IN_BIN."""
    _bin().purge()


def _bin() -> Bin:
    return Bin(root())

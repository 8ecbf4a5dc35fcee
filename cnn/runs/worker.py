"""What the processes that train, sweep and search have in common: how they speak on a terminal, and how they end.

Whatever happens to one, its last status tells the story in a sentence; only a bug leaves a traceback in its log.
"""

import errno
import io
import os
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path

from cnn import disk
from cnn.errors import AtelierError
from cnn.runs.status import State, Status, closed, overwrite_status, write_status

_DELETING = 1.0  # seconds that the rest of a folder may take to go


def print_anything() -> None:
    """Let standard output take every name: what its encoding lacks becomes an escape, as in Python's errors.

    A terminal or a pipe on Windows often has an old code page, and a file's name on Linux may be in no encoding at all.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def with_dashes(arguments: list[str] | None) -> list[str]:
    """The arguments of a command, with a file or folder named like an option, such as -1.jpg, as a path: ./-1.jpg.

    None stands for those of this process. An option stays what it is unless there is such a file.
    """
    given = sys.argv[1:] if arguments is None else arguments
    return [f"./{each}" if each[:1] == "-" and each != "--" and os.access(each, os.F_OK) else each for each in given]


def say(text: str) -> None:
    """Print, if that is possible: the log may be on a full disk, and there is more to do."""
    with suppress(OSError):
        print(text, flush=True)


def complain(command: str, text: str) -> None:
    """Print what is wrong where errors go, behind the name of the command."""
    with suppress(OSError):
        print(f"{command}: {text}", file=sys.stderr, flush=True)


def close(folder: Path, status: Status, state: State, message: str) -> None:
    """Write the last status; where not even that is possible, the page sees that the process is gone."""
    status = closed(status, state, message)
    try:
        write_status(folder, status)
    except OSError:
        with suppress(OSError):
            overwrite_status(folder, status)


def failure(error: Exception, folder: Path, work: str) -> str:
    """Why work has failed, as its last status says it. For `except`: of a bug, the traceback is printed.

    Args:
        error: what has been raised.
        folder: of the run, the sweep or the search.
        work: "the training".
    """
    if isinstance(error, AtelierError):
        return str(error)
    if isinstance(error, OSError) and (sentence := _disk_trouble(error, folder, work)):
        return sentence
    with suppress(OSError):
        traceback.print_exc()
    return f"{type(error).__name__}: {error}"[:500]


def _disk_trouble(error: OSError, folder: Path, work: str) -> str | None:
    """A sentence for a folder that is gone or cannot be written, and for a full disk; None for anything else."""
    if not folder.exists() or (isinstance(error, FileNotFoundError) and _is_being_deleted(folder)):
        return f"The folder {folder} was deleted, and {work} has ended."
    if disk.is_full(error):
        return f"The disk is full: free some space for {folder.parent}, then resume. Nothing is lost."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        place = Path(error.filename).parent if isinstance(error.filename, str) else folder
        return f"{place} cannot be written ({error.strerror}): allow it, then resume."
    return None


def _is_being_deleted(folder: Path) -> bool:
    """Whether a folder in which a file was missing is gone a moment later: files are deleted before their folder."""
    until = time.monotonic() + _DELETING
    while folder.exists() and time.monotonic() < until:
        time.sleep(0.01)
    return not folder.exists()

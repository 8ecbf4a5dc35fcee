"""Files that are whole or not there at all, and a sentence for a disk that is full or cannot be written."""

import contextlib
import errno
import itertools
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from cnn.config.printable import printable
from cnn.errors import AtelierError

_numbers = itertools.count()


class NotWritten(AtelierError, OSError):
    """A file cannot be written; the message says why, and that nothing was changed."""


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file in one step: a reader sees the old one or the new one, never a half.

    Raises:
        OSError: it cannot be written; then nothing of it is left.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(content)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """The file to write; it takes the place of `path` once the block has ended without an error.

    Nothing is left of it after one: on a full disk the half of it would be in the way.
    """
    temporary = path.with_name(f".{os.getpid()}.{threading.get_ident()}.{next(_numbers)}.{path.name}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def is_full(error: OSError) -> bool:
    """Whether it says that there is no room on the disk, or none that this user may take."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def in_words(what: str, folder: Path, after: str = "Nothing was changed.") -> Iterator[None]:
    """Turn an OSError of the block into a sentence.

    Args:
        what: that cannot be written, as the sentence begins: "The image".
        folder: where. after: what follows from it, a sentence.

    Raises:
        NotWritten: with the sentence.
    """
    try:
        yield
    except AtelierError:
        raise
    except OSError as error:
        if is_full(error):
            why = f"{what} cannot be kept, because the disk is full: free some space for {printable(folder)}."
        else:
            why = f"{what} cannot be written to {printable(folder)} ({error.strerror or error})."
        raise NotWritten(f"{why} {after}") from error

"""Files that are replaced in one step, read without trust, and known by their version."""

import contextlib
import json
import os
import stat
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from cnn import disk
from cnn.errors import AtelierError

_UNSETTLED = 2.0  # seconds in which a file may change without its time of change showing it, on some file systems
Version = tuple[int, int, int]  # time of change in nanoseconds, size in bytes, and which file it is on the disk


class NotText(AtelierError, ValueError):
    """A file that should hold JSON holds no text; the message is a sentence that says where."""


def files_in(folder: Path) -> dict[str, os.stat_result]:
    """What is in a folder; nothing where there is none. A file that goes away in this moment is not there."""
    found = {}
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                found[entry.name] = entry.stat()
    return found


def version_of(file: os.stat_result | None) -> Version | None:
    return (file.st_mtime_ns, file.st_size, file.st_ino) if file and stat.S_ISREG(file.st_mode) else None


def unless_unsettled(cached, versions: Iterable[Version | None]):
    """A cached function; or what is behind the cache, where a file changed so recently that it may change unnoticed."""
    now = time.time_ns()
    settled = all(abs(now - version[0]) > _UNSETTLED * 1e9 for version in versions if version)
    return cached if settled else cached.__wrapped__


def checked(kind, values: dict[str, Any]):
    """The values as an object of this kind; None where they are not those of one."""
    try:
        return kind(**values) if values else None
    except (ValidationError, TypeError):
        return None


def json_objects(lines: bytes) -> list[dict[str, Any]]:
    """The lines that are JSON objects; others, such as one that is half written, are passed over."""
    found = []
    for line in lines.splitlines():
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            found.append(value)
    return found


def decoded(content: bytes) -> str:
    """The text of a JSON file, in UTF-8, UTF-16 or UTF-32, with or without a byte order mark: Windows writes them all.

    Raises:
        NotText: it is in none of these encodings.
    """
    encoding = json.detect_encoding(content)
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        where = f"Byte {error.start + 1:,} is not {encoding.removesuffix('-sig').upper()} text"
        raise NotText(f"It is not JSON. {where}: save the file as UTF-8.") from error


def write_json(path: Path, value: Any) -> None:
    """Replace a file by the JSON of `value` in one step: a reader sees the old file or the new one, never a half."""
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """The text that `write_json` writes."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def write_text(path: Path, text: str) -> None:
    """Replace a file by a text, as `write_json` does."""
    disk.write_bytes(path, text.encode())


def write_npz(path: Path, how, **arrays: np.ndarray) -> None:
    """Write arrays with `how` (`np.savez` or `np.savez_compressed`) in one step, and leave no half of it behind."""
    with disk.replacing(path) as temporary, temporary.open("wb") as file:
        how(file, **arrays)


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; an empty one where there is none."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}

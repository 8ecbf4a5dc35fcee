"""Images as one uint8 array in a file that is mapped, not read: whoever opens it holds no memory of their own.

    datasets/.cache/<name>/<key>.npy         the images, written row by row
    datasets/.cache/<name>/<key>.rows        what each row is of, a line each

All visitors and trainings share the pages of the file that are in memory. The folder can be deleted at any time, while
no training runs: everything is written again.
"""

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from cnn import disk

_KEPT = 2  # arrays of a name: that of today, and the one before, which a training may go on with
_ROOM = 50_000_000  # bytes that stay free on the disk


def folder(root: Path) -> Path:
    """The folder of all arrays, within the datasets folder."""
    return root / ".cache"


def mapped(
    place: Path,
    key: str,
    rows: Sequence[str],
    shape: tuple[int, ...],
    make: Callable[[Sequence[int]], Iterable[np.ndarray]],
    what: str,
) -> np.ndarray:
    """The array that is kept under this key, else made now; read-only, uint8 (n, *shape).

    Rows that an array of this place already has are copied from it, so that a dataset that has grown by one image is
    ready at once.

    Args:
        place: the folder, of a dataset in one size.
        key: another one for every other content.
        rows: what each row is of: equal names mean equal pixels.
        shape: of a row.
        make: yields the rows of these numbers, in their order.
        what: that cannot be written, as a sentence begins: "The images".

    Raises:
        NotWritten: the disk is full or cannot be written; nothing is left of the array.
    """
    file = place / f"{key}.npy"
    if (found := _opened(file, (len(rows), *shape))) is not None:
        return found
    with disk.in_words(what, place, "Nothing of them is left there."):
        place.mkdir(parents=True, exist_ok=True)
        _require_room(place, len(rows) * int(np.prod(shape)))
        with disk.replacing(file) as temporary:
            _write(temporary, rows, shape, make, _rows_before(place, shape))
        disk.write_bytes(file.with_suffix(".rows"), "\n".join(rows).encode())
        _forget_old(place, file)
    return _opened(file, (len(rows), *shape))


def _write(
    file: Path,
    rows: Sequence[str],
    shape: tuple[int, ...],
    make: Callable[[Sequence[int]], Iterable[np.ndarray]],
    before: dict[str, np.ndarray],
) -> None:
    missing = [number for number, row in enumerate(rows) if row not in before]
    made = iter(make(missing))
    with file.open("wb") as opened:
        header = {"descr": "|u1", "fortran_order": False, "shape": (len(rows), *shape)}
        np.lib.format.write_array_header_1_0(opened, header)
        for row in rows:
            pixels = before[row] if row in before else next(made)
            if pixels.shape != shape or pixels.dtype != np.uint8:
                raise ValueError(f"a row is uint8 {shape}, not {pixels.dtype} {pixels.shape}")
            opened.write(np.ascontiguousarray(pixels).data)


def _opened(file: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """The array in a file; None where there is none of this shape."""
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if array.shape != shape or array.dtype != np.uint8:
        return None
    with contextlib.suppress(OSError):
        os.utime(file)  # so that it is not the next to go
    return array


def _rows_before(place: Path, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """The rows of the arrays of this place."""
    found: dict[str, np.ndarray] = {}
    for file in _arrays(place):
        with contextlib.suppress(OSError, ValueError):
            rows = file.with_suffix(".rows").read_text(encoding="utf-8").split("\n")
            array = np.load(file, mmap_mode="r", allow_pickle=False)
            if array.shape == (len(rows), *shape) and array.dtype == np.uint8:
                found |= dict(zip(rows, array, strict=True))
    return found


def _arrays(place: Path) -> list[Path]:
    """The arrays of a place, the last used first."""
    found = []
    with contextlib.suppress(OSError):
        for file in place.glob("*.npy"):
            with contextlib.suppress(OSError):
                found.append((file.stat().st_mtime_ns, file))
    return [file for _, file in sorted(found, reverse=True)]


def _forget_old(place: Path, present: Path) -> None:
    others = [file for file in _arrays(place) if file != present]
    for file in others[_KEPT - 1 :]:
        for one in (file, file.with_suffix(".rows")):
            with contextlib.suppress(OSError):  # on Windows, one that is open stays
                one.unlink(missing_ok=True)


def _require_room(place: Path, size: int) -> None:
    """A disk that would be filled is full already: nothing is begun."""
    free = shutil.disk_usage(place).free
    if free < size + _ROOM:
        raise OSError(28, f"needs {size / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free")


def safe(name: str) -> str:
    """A name as part of the name of a folder: letters, digits and hyphens.

    >>> safe("T-shirts & Hüte")
    'T-shirts-H-te'
    """
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:40] or "dataset"


def kept(place: Path, key: str, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Arrays that `make` returns, by their names, read-only and mapped; made only where this key has none yet.

    Where the disk is full or cannot be written, they are in memory.
    """
    try:
        names = (place / f"{key}.names").read_text(encoding="utf-8").split()
        return {name: np.load(place / f"{key}-{name}.npy", mmap_mode="r", allow_pickle=False) for name in names}
    except (OSError, ValueError, EOFError):
        made = make()
    try:
        place.mkdir(parents=True, exist_ok=True)
        _require_room(place, sum(array.nbytes for array in made.values()))
        for old in place.iterdir():
            if not old.name.startswith(key):
                old.unlink(missing_ok=True)
        for name, array in made.items():
            with disk.replacing(place / f"{key}-{name}.npy") as temporary, temporary.open("wb") as file:
                np.save(file, array)
        disk.write_bytes(place / f"{key}.names", "\n".join(made).encode())  # last: then all of them are there
        return {name: np.load(place / f"{key}-{name}.npy", mmap_mode="r", allow_pickle=False) for name in made}
    except (OSError, ValueError, EOFError):
        return made

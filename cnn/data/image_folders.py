"""A folder of class folders, wherever it is: its classes, its images, and what is known of each file.

What was found out about a file (its content's hash, its signature, what is wrong with it) is kept in an index beside
it, a line of JSON each, and found out again only where the file has changed. The index can be deleted at any time.
Nothing is ever written into a folder that is not in the datasets folder.
"""

import contextlib
import hashlib
import json
import os
import stat
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypeVar

from PIL import Image

from cnn import disk
from cnn.config.printable import printable
from cnn.data import names, near_duplicates
from cnn.data.datasets import DataUnavailable
from cnn.pictures import MAX_BYTES, UnreadableImage, open_image

OnProgress = Callable[[int, int], None]  # how many are done, of how many
_THREADS = os.cpu_count() or 1  # Pillow decodes outside Python's lock
_AHEAD = 2  # images a thread that are decoded before anybody asks for them
UNOPENED = "-"  # in place of the hash of a file that is there, but may not be read
_VERSION = 1  # of the lines of an index


class UnusableFolder(DataUnavailable):
    """A folder cannot be a dataset; the message says what is wrong with it and what to do."""


class Known(NamedTuple):
    """What an index knows of a file. problem: a sentence why it cannot be read, else empty."""

    size: int  # bytes
    changed: int  # nanoseconds since 1970
    content: str  # SHA-256 of the bytes, hexadecimal
    signature: bytes  # see `near_duplicates.signature`; empty where there is a problem
    problem: str


@dataclass(frozen=True)
class OwnImage:
    """An image of a dataset. class_name: its class. path: its file. known: what was found out about it."""

    class_name: str
    path: Path
    known: Known

    @property
    def name(self) -> str:
        """The name of its file."""
        return self.path.name

    @property
    def content(self) -> str:
        """SHA-256 of its bytes, hexadecimal."""
        return self.known.content

    def opened(self) -> Image.Image:
        """The image, upright, at most 500 pixels along its longest edge.

        Raises:
            DataUnavailable: the file is gone, or is another than it was.
        """
        return opened(self.path, self.content)


@dataclass(frozen=True)
class Listing:
    """The images of a dataset at one moment.

    Attributes:
        classes: their names, in order, those without images too.
        images: those that can be read, by class and by name.
        unreadable: the others; `known.problem` says why.
        passed_over: files and folders that are of no class.
    """

    classes: tuple[str, ...]
    images: tuple[OwnImage, ...]
    unreadable: tuple[OwnImage, ...]
    passed_over: tuple[Path, ...]

    def of(self, class_name: str) -> list[OwnImage]:
        """The images of a class."""
        return [image for image in self.images if image.class_name == class_name]

    def counts(self) -> dict[str, int]:
        """How many images each class has, in the order of the classes."""
        found = dict.fromkeys(self.classes, 0)
        for image in self.images:
            found[image.class_name] += 1
        return found


class ImageFolder:
    """A folder of class folders.

    Args:
        path: the folder.
        index: the file that keeps what is known of its images.
    """

    def __init__(self, path: Path, index: Path):
        self.path, self.index_path = path, index

    def class_folders(self) -> dict[str, Path]:
        """The folder of each class, in the order of the classes: the alphabet's, whatever is a capital.

        Raises:
            UnusableFolder: it is gone or cannot be read, or two classes are called the same.
        """
        found: dict[str, Path] = {}
        for entry in _entries(self.path, f"The dataset {printable(self.path.name)}"):
            if not entry.is_dir() or names.is_of_the_system(entry.name):
                continue
            name = names.from_folder(entry.name)
            if twin := next((other for other in found if names.key(other) == names.key(name)), None):
                raise UnusableFolder(
                    f"Two folders in {printable(self.path)} mean the same class, {printable(found[twin].name)!r} and "
                    f"{printable(entry.name)!r}: rename one, or put their images together."
                )
            found[name] = Path(entry.path)
        return dict(sorted(found.items(), key=lambda item: names.order(item[0])))

    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in order. Raises UnusableFolder as `class_folders`."""
        return tuple(self.class_folders())

    def listing(self, on_progress: OnProgress | None = None) -> Listing:
        """All classes and images as they are now. Reads only the files that are new or have changed.

        Args:
            on_progress: called with how many of these are read, and how many there are; what it raises ends the work.

        Raises:
            UnusableFolder: as `class_folders`.
        """
        folders = self.class_folders()
        index = self._index()
        there: list[tuple[str, Path, os.stat_result]] = []
        passed_over = [
            Path(entry.path)
            for entry in _entries(self.path, f"The dataset {printable(self.path.name)}")
            if not entry.is_dir() and not names.is_of_the_system(entry.name)
        ]
        for class_name, folder in folders.items():
            for entry in _entries(folder, f"The class {printable(class_name)}"):
                if names.is_of_the_system(entry.name):
                    continue
                with contextlib.suppress(OSError):  # it went away in this moment, or is a link to nothing
                    if stat.S_ISREG((file := entry.stat()).st_mode):
                        there.append((class_name, Path(entry.path), file))
                        continue
                passed_over.append(Path(entry.path))
        unknown = [(path, file) for _, path, file in there if not _is_of(index.get(path), file)]
        if unknown:
            moved = index.moved(unknown)
            index.add(moved.items())
            unknown = [(path, file) for path, file in unknown if path not in moved]
            index.add(self._read(unknown, on_progress or (lambda done, of: None)))
        images = [
            OwnImage(class_name, path, known)
            for class_name, path, _ in there
            if (known := index.get(path)) is not None and known.content
        ]
        index.forget_all_but({path for _, path, _ in there})
        return Listing(
            tuple(folders),
            tuple(image for image in images if not image.known.problem),
            tuple(image for image in images if image.known.problem),
            tuple(passed_over),
        )

    def _index(self) -> "Index":
        return _index_of(self.path, self.index_path)

    @staticmethod
    def _read(files: Sequence[tuple[Path, os.stat_result]], on_progress: OnProgress) -> Iterator[tuple[Path, Known]]:
        for done, found in enumerate(mapped(lambda item: (item[0], examined(*item)), files)):
            on_progress(done, len(files))
            yield found


def _is_of(known: Known | None, file: os.stat_result) -> bool:
    """Whether what is known of a file is still so. What could not be opened may be by now."""
    if known is None or known.content == UNOPENED:
        return False
    return (known.size, known.changed) == (file.st_size, file.st_mtime_ns)


def _entries(folder: Path, what: str) -> list[os.DirEntry]:
    """What is in a folder, by name."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: names.order(entry.name))
    except FileNotFoundError:
        raise UnusableFolder(
            f"{what} is no longer here: {printable(folder)} is gone. Choose another dataset."
        ) from None
    except NotADirectoryError:
        raise UnusableFolder(
            f"{printable(folder)} is a file: choose a folder that has a folder for each class."
        ) from None
    except OSError as error:
        raise UnusableFolder(
            f"{printable(folder)} cannot be read ({error.strerror}): allow it, and try again."
        ) from error


# --- what a file holds ------------------------------------------------------------------------------------------


def examined(path: Path, file: os.stat_result) -> Known:
    """Read a file and find out what it holds; one that has gone away has an empty `content`."""
    try:
        with path.open("rb") as opened_file:
            data = opened_file.read(MAX_BYTES + 1)
    except OSError as error:
        problem = f"It cannot be opened ({error.strerror})."
        return Known(
            file.st_size, file.st_mtime_ns, "" if isinstance(error, FileNotFoundError) else UNOPENED, b"", problem
        )
    return known_of(data)._replace(size=file.st_size, changed=file.st_mtime_ns)


def known_of(content: bytes) -> Known:
    """What the bytes of a file hold."""
    digest = hashlib.sha256(content).hexdigest()
    try:
        return Known(len(content), 0, digest, near_duplicates.signature(open_image(content)[0]), "")
    except UnreadableImage as error:
        return Known(len(content), 0, digest, b"", str(error))


def ending_of(content: bytes) -> str:
    """What the name of an image's file ends with, by its first bytes."""
    for start, ending in (
        (b"\xff\xd8", "jpg"),
        (b"\x89PNG", "png"),
        (b"GIF8", "gif"),
        (b"BM", "bmp"),
        (b"RIFF", "webp"),
    ):
        if content.startswith(start):
            return ending
    return "tif" if content[:4] in (b"II*\0", b"MM\0*") else "heic" if content[4:8] == b"ftyp" else "img"


def opened(path: Path, content: str) -> Image.Image:
    """Open the image of a file whose bytes have this SHA-256. See `OwnImage.opened`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataUnavailable(
            f"{printable(path)} can no longer be read ({error.strerror}): its dataset was changed. Start again."
        ) from error
    if hashlib.sha256(data).hexdigest() != content:
        raise DataUnavailable(f"{printable(path)} was changed while it was read: start again.")
    return open_image(data)[0]


_In = TypeVar("_In")
_Out = TypeVar("_Out")


def mapped(work: Callable[[_In], _Out], items: Iterable[_In]) -> Iterator[_Out]:
    """`work` of every item, in order, on all cores, few items ahead of whoever asks: memory stays flat."""
    with ThreadPoolExecutor(_THREADS) as pool:
        waiting: list[Future[_Out]] = []
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > _THREADS * _AHEAD:
                    yield waiting.pop(0).result()
            while waiting:
                yield waiting.pop(0).result()
        finally:
            for future in waiting:
                future.cancel()


# --- the index --------------------------------------------------------------------------------------------------


class Index:
    """What is known of the files of one folder, in memory and in a file of lines that grow.

    Several processes may write it: a line that is lost is found out again. Where nothing can be written, it is kept in
    memory alone.
    """

    def __init__(self, folder: Path, file: Path):
        self._file, self._skip = file, len(str(folder)) + 1
        self._lock = threading.Lock()
        self._read_to, self._inode, self._lines = 0, 0, 0
        self._known: dict[str, Known] = {}

    def get(self, path: Path) -> Known | None:
        """What is known of a file of the folder."""
        return self._known.get(self._name(path))

    def moved(self, files: Sequence[tuple[Path, os.stat_result]]) -> dict[Path, Known]:
        """What is known of files that had another folder: they have the name, the size and the time of a known one."""
        before = {(Path(name).name, known.size, known.changed): known for name, known in list(self._known.items())}
        found = {path: before.get((path.name, file.st_size, file.st_mtime_ns)) for path, file in files}
        return {path: known for path, known in found.items() if known is not None}

    def add(self, found: Iterable[tuple[Path, Known]]) -> None:
        """Keep what was found out, a few files at a time, so that little is lost when the work is ended."""
        lines: list[str] = []
        try:
            for path, known in found:
                self._known[self._name(path)] = known
                if known.content and known.content != UNOPENED:
                    lines.append(self._line(self._name(path), known))
                if len(lines) >= 200:
                    self._append(lines)
                    lines = []
        finally:
            self._append(lines)

    def refresh(self) -> None:
        """Read the lines that were written since, also by others."""
        with self._lock, contextlib.suppress(OSError), self._file.open("rb") as file:
            now = os.fstat(file.fileno())
            if now.st_ino != self._inode or now.st_size < self._read_to:
                self._read_to, self._inode, self._lines = 0, now.st_ino, 0
            file.seek(self._read_to)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._read_to += len(line)
                self._lines += 1
                self._take(line)

    def forget_all_but(self, paths: set[Path]) -> None:
        """Let go of files that are gone; write the file again once most of its lines are of no use."""
        kept = {self._name(path) for path in paths}
        for name in list(self._known):
            if name not in kept:
                self._known.pop(name, None)
        if self._lines > 1_000 + 2 * len(kept):
            lines = [self._line(name, known) for name, known in list(self._known.items()) if known.content]
            with contextlib.suppress(OSError):
                disk.write_bytes(self._file, "".join(lines).encode())

    def _append(self, lines: list[str]) -> None:
        if not lines:
            return
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("ab") as file:
                file.write("".join(lines).encode())

    def _take(self, line: bytes) -> None:
        with contextlib.suppress(ValueError, TypeError, RecursionError):
            version, name, size, changed, content, signature, problem = json.loads(line)
            texts = all(isinstance(text, str) for text in (name, content, signature, problem))
            if version == _VERSION and texts and isinstance(size, int) and isinstance(changed, int):
                known = Known(size, changed, content, bytes.fromhex(signature), problem)
                if len(known.signature) == (0 if problem else near_duplicates.BYTES):
                    self._known[name] = known

    @staticmethod
    def _line(name: str, known: Known) -> str:
        values = [_VERSION, name, known.size, known.changed, known.content, known.signature.hex(), known.problem]
        return json.dumps(values) + "\n"

    def _name(self, path: Path) -> str:
        return str(path)[self._skip :]


@lru_cache(maxsize=64)
def _kept_index(folder: Path, file: Path) -> Index:
    return Index(folder, file)


def _index_of(folder: Path, file: Path) -> Index:
    index = _kept_index(folder, file)
    index.refresh()
    return index

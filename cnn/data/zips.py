"""A dataset as a ZIP file: out, and in again, from whoever made it.

An archive is untrusted. Before anything is unpacked its table of contents is held against limits; then one file at a
time is read, never more of it than an image may have. What is no image in a class's folder is said, not unpacked.
"""

import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cnn import disk
from cnn.config.printable import printable
from cnn.data import class_paths, names
from cnn.data.changes import NotChanged
from cnn.data.class_paths import Entry, Skipped
from cnn.data.dataset_editing import Added, OwnDataset
from cnn.data.image_folders import ImageFolder, OnProgress
from cnn.errors import AtelierError
from cnn.pictures import MAX_BYTES

MAX_FILES = 50_000
MAX_UNPACKED = 8_000_000_000  # bytes of all files
MAX_RATIO = 100  # unpacked to packed, of all files: images hardly get smaller; a ZIP bomb has 1,000 and more
_MAX_TABLE = 32_000_000  # bytes of an archive's table of contents
_SMALL = 100_000_000  # bytes that may be unpacked from however little


class UnusableArchive(AtelierError, ValueError):
    """A file that is no ZIP archive, or one that is not unpacked; the message says why."""


def import_zip(dataset: OwnDataset, source: str | Path | BinaryIO, on_progress: OnProgress | None = None) -> Added:
    """Add the images of an archive, which has a folder for each class, as one change that can be taken back.

    All folders may be in one. Classes that there are not are made.

    Args:
        source: a ZIP file.
        on_progress: called with how many of its files are read, and how many there are; what it raises ends the work,
            and nothing was changed.

    Raises:
        UnusableArchive: it cannot be unpacked, or has no image in a class's folder.
        NotChanged, NotWritten, UnusableFolder: as `OwnDataset.add_to_classes`. Then nothing was changed.
    """
    try:
        with zipfile.ZipFile(_checked_table(source)) as archive:
            chosen, skipped = _chosen(archive.infolist())
            if not chosen:
                why = f" {_first(skipped)}" if skipped else ""
                raise UnusableArchive(
                    "The archive has no images in folders of classes: it must have a folder for each class, with its "
                    f"images in it.{why}"
                )
            _check_size(archive.infolist())
            return dataset.add_to_classes(_read(archive, chosen, skipped, on_progress), skipped)
    except zipfile.BadZipFile as error:
        raise UnusableArchive("This is no ZIP file, or a damaged one. Make it again, or choose another.") from error
    except OSError as error:
        if isinstance(error, AtelierError):
            raise
        raise UnusableArchive(f"The ZIP file cannot be read ({error.strerror or error}).") from error


def _checked_table(source: str | Path | BinaryIO) -> str | Path | BinaryIO:
    """The source, once the table of contents is of a size that can be held in memory."""
    read = getattr(zipfile, "_EndRecData")  # noqa: B009  where ZipFile itself finds how large its table is
    if isinstance(source, str | Path):
        with Path(source).open("rb") as file:
            end = read(file)
    else:
        source.seek(0)
        end = read(source)
    if not end:
        raise zipfile.BadZipFile("no end of the table")
    if end[5] > _MAX_TABLE or end[4] > MAX_FILES:
        raise UnusableArchive(f"The archive has more than {MAX_FILES:,} files: divide it into several.")
    return source


def _check_size(entries: list[zipfile.ZipInfo]) -> None:
    """Refuse an archive whose files overlap, or unpack to far more than they are."""
    unpacked, packed = sum(one.file_size for one in entries), sum(one.compress_size for one in entries)
    if unpacked > MAX_UNPACKED:
        raise UnusableArchive(
            f"The archive would unpack to {unpacked / 1e9:,.1f} GB, more than the {MAX_UNPACKED / 1e9:.0f} GB allowed: "
            "divide it into several."
        )
    bomb = "It was not unpacked, because it may be a ZIP bomb."
    if unpacked > _SMALL and unpacked > MAX_RATIO * max(1, packed):
        times = unpacked / max(1, packed)
        raise UnusableArchive(f"The archive would unpack to {times:,.0f} times its size, as no images do. {bomb}")
    end = 0
    for one in sorted(entries, key=lambda entry: entry.header_offset):
        if one.header_offset < end:
            raise UnusableArchive(f"Files of the archive overlap, as in no archive of images. {bomb}")
        end = one.header_offset + 30 + one.compress_size


def _chosen(entries: list[zipfile.ZipInfo]) -> tuple[list[tuple[str, zipfile.ZipInfo]], Skipped]:
    """The files that may be images of a class, with its name; and what is skipped, by the reason."""
    known = [Entry(_path_of(one), one.file_size, _refused(one)) for one in entries]
    chosen, skipped = class_paths.by_class(known, "archive")
    return [(class_name, entries[number]) for class_name, number in chosen], skipped


def _path_of(entry: zipfile.ZipInfo) -> str:
    """Its path with slashes, as it was meant: macOS writes UTF-8 without saying so, Windows backslashes."""
    path = entry.filename
    if not entry.flag_bits & 0x800:
        try:
            path = path.encode("cp437").decode("utf-8")
        except ValueError:
            path = entry.filename
    return path.replace("\\", "/")


def _refused(entry: zipfile.ZipInfo) -> str:
    """Why a file is not unpacked, whatever it is called and holds; empty where it may be."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "A link is not followed."
    if kind not in (0, stat.S_IFREG):
        return "It is no ordinary file."
    if entry.flag_bits & 0x1:
        return "It is locked with a password: unpack it yourself."
    return ""


def _read(
    archive: zipfile.ZipFile,
    chosen: list[tuple[str, zipfile.ZipInfo]],
    skipped: Skipped,
    on_progress: OnProgress | None,
) -> Iterator[tuple[str, str, bytes]]:
    """Class, name and bytes of each file, one at a time."""
    total = 0
    for number, (class_name, entry) in enumerate(chosen):
        if on_progress:
            on_progress(number, len(chosen))
        path = _path_of(entry)
        try:
            with archive.open(entry) as file:
                content = file.read(MAX_BYTES + 1)
        except NotImplementedError:
            skipped.setdefault("It is packed in a way that cannot be read: make the archive again.", []).append(path)
            continue
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError):
            skipped.setdefault("The archive is damaged here: make it again.", []).append(path)
            continue
        total += len(content)
        if total > MAX_UNPACKED:
            raise UnusableArchive("The archive unpacks to more than it says. Nothing of it was added.")
        yield class_name, path, content


def _first(skipped: Skipped) -> str:
    reason, files = next(iter(skipped.items()))
    return f"{printable(files[0])}: {reason}"


def export_zip(dataset: ImageFolder, target: Path | BinaryIO, on_progress: OnProgress | None = None) -> int:
    """Write a dataset's images, in their original bytes, into an archive that `import_zip` makes the same dataset of.

    Classes without images, and files that cannot be read, are not in it.

    Args:
        target: a file that is replaced once the archive is whole, or one that is open for writing.
        on_progress: called with how many images are written, and how many there are.

    Returns:
        How many images were written.

    Raises:
        UnusableFolder: the dataset is gone. NotWritten: the file cannot be written.
        NotChanged: an image has gone while it was written.
    """
    if isinstance(target, Path):
        with (
            disk.in_words("The archive", target.parent),
            disk.replacing(target) as temporary,
            temporary.open("wb") as file,
        ):
            return _written(dataset, file, on_progress)
    with disk.in_words("The archive", dataset.path):
        return _written(dataset, target, on_progress)


def _written(dataset: ImageFolder, target: BinaryIO, on_progress: OnProgress | None) -> int:
    listing = dataset.listing()
    top = dataset.path.name
    # Images are small already: packed, they would only take longer.
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for number, image in enumerate(listing.images):
            if on_progress:
                on_progress(number, len(listing.images))
            name = image.name.encode("utf-8", "replace").decode()  # of bytes that are no text, a question mark
            entry = zipfile.ZipInfo(f"{top}/{names.to_folder(image.class_name)}/{name}")
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            try:
                content = image.path.read_bytes()
            except OSError as error:
                raise NotChanged(
                    f"{printable(image.name)} is gone: the dataset was changed. Export it again."
                ) from error
            archive.writestr(entry, content)
    return len(listing.images)

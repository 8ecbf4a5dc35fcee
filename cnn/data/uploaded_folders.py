"""A folder as a browser hands it over, file by file with their paths, into a dataset: as a class, or as several."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from cnn.config.printable import printable
from cnn.data import class_paths
from cnn.data.class_paths import Entry
from cnn.data.dataset_editing import Added, OwnDataset
from cnn.data.image_folders import OnProgress
from cnn.errors import AtelierError


class UnusableUpload(AtelierError, ValueError):
    """Files that came without their folders, or none of which may be an image; the message says what to do."""


class UploadedPath(NamedTuple):
    """A file. path: within the folder that was chosen, whose name comes first. size: in bytes. read: its bytes."""

    path: str
    size: int
    read: Callable[[], bytes]


def name_of(files: Sequence[UploadedPath]) -> str:
    """The name of the folder that was chosen. Raises UnusableUpload as `add_folder`."""
    for file in files:
        folder, slash, _ = _slashed(file.path).strip("/").partition("/")
        if slash:
            return folder
    raise UnusableUpload(
        "The files came without the names of their folders, as they do when a folder is dropped here, and on some "
        "phones. Choose the folder with the button, or make a ZIP file of it."
    )


def add_folder(
    dataset: OwnDataset, files: Sequence[UploadedPath], class_name: str = "", on_progress: OnProgress | None = None
) -> Added:
    """Add the images of a folder, as one change that can be taken back.

    Args:
        class_name: of the images of a folder without folders; where it is empty they are called as the folder. A folder
            of folders becomes classes that are called as these folders; those that there are not are made.
        on_progress: called with how many of its files are read, and how many there are; what it raises ends the work,
            and nothing was changed.

    Raises:
        UnusableUpload: the files came without their folders, or none may be an image of a class.
        NotChanged, NotWritten, UnusableFolder: as `OwnDataset.add_to_classes`. Then nothing was changed.
    """
    name = name_of(files)
    chosen, skipped = class_paths.by_class(
        [Entry(_slashed(file.path), file.size) for file in files], "folder", class_name
    )
    if not chosen:
        why = next((f" {printable(paths[0])}: {reason}" for reason, paths in skipped.items()), "")
        raise UnusableUpload(f"The folder {printable(name)} has no images, or only in folders that lie deeper.{why}")

    def read() -> Iterator[tuple[str, str, bytes]]:
        for done, (class_, number) in enumerate(chosen):
            if on_progress:
                on_progress(done, len(chosen))
            yield class_, files[number].path, files[number].read()

    return dataset.add_to_classes(read(), skipped)


def _slashed(path: str) -> str:
    return path.replace("\\", "/")

"""Datasets of people's own: folders of class folders, beside the runs, shared by all visitors; made and changed.

datasets/
  Shoes/                  a dataset; of its name what no folder can hold is escaped, see `cnn.data.names`
    Sandal/photo.jpg      an image of a class, in its original bytes
    .index.jsonl          what is known of its files
  .cache/                 arrays of images, thumbnails, indexes of folders elsewhere
"""

import hashlib
import os
from pathlib import Path

from cnn.config.printable import printable
from cnn.data import array_cache, names
from cnn.data.image_folders import ImageFolder, UnusableFolder

_PROJECT = Path(__file__).resolve().parents[2]
_INDEX = ".index.jsonl"


def root() -> Path:
    """The folder of the datasets: `$CNN_DATASETS`, else `datasets` beside the runs folder. It may not be there yet."""
    if chosen := os.environ.get("CNN_DATASETS"):
        return Path(chosen).expanduser().resolve()
    runs = Path(os.environ.get("CNN_RUNS") or _PROJECT / "runs").expanduser().resolve()
    return runs.parent / "datasets"


def place_of(dataset: str | Path) -> Path:
    """The folder of a dataset, by its name or its path; it may not be there."""
    path = Path(dataset)
    return path if isinstance(dataset, Path) or path.is_absolute() else root() / names.to_folder(dataset)


def get(dataset: str | Path) -> ImageFolder:
    """A dataset by its name, or any folder of class folders by its path: a `Path`, or a text that is absolute.

    Raises:
        UnusableFolder: there is none.
    """
    path = place_of(dataset)
    if not path.is_dir():
        if isinstance(dataset, Path) or Path(dataset).is_absolute():
            raise UnusableFolder(f"There is no folder {printable(path)}: give one that has a folder for each class.")
        raise UnusableFolder(
            f"There is no dataset {printable(dataset)!r} in {printable(root())} any more: it was deleted or renamed. "
            "Restore it, or choose another dataset."
        )
    return _folder(path.resolve())


def _folder(path: Path) -> ImageFolder:
    index = path / _INDEX if path.parent == root() else _cache_of(path) / "index.jsonl"
    return ImageFolder(path, index)


def reference(folder: ImageFolder) -> str:
    """What a configuration calls a dataset: its name, or the path of a folder that is elsewhere."""
    return names.from_folder(folder.path.name) if folder.path.parent == root() else str(folder.path)


def cache_of(folder: ImageFolder) -> Path:
    """Where what is made of a dataset's images is kept; it may not be there yet."""
    return _cache_of(folder.path)


def _cache_of(path: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
    return array_cache.folder(root()) / f"{array_cache.safe(path.name)}-{digest}"


def listed() -> list[str]:
    """The names of the datasets, by the alphabet."""
    try:
        with os.scandir(root()) as entries:
            found = [entry.name for entry in entries if entry.is_dir() and not names.is_of_the_system(entry.name)]
    except OSError:
        return []
    return sorted(map(names.from_folder, found), key=names.order)

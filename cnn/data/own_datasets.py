"""Datasets of people's own: folders of class folders, beside the runs, shared by all visitors; made and deleted.

datasets/
  Shoes/                  a dataset; of its name what no folder can hold is escaped, see `cnn.data.names`
    Sandal/photo.jpg      an image of a class, in its original bytes
    .index.jsonl          what is known of its files
    .bin/                 what was removed, and how to take a change back, see `cnn.data.changes`
  .cache/                 arrays of images, thumbnails, indexes of folders elsewhere
  .deleted/               datasets that were deleted, for DAYS_IN_BIN
"""

import contextlib
import hashlib
import io
import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from cnn import disk
from cnn.config import DATASET_CARDS
from cnn.config.printable import printable
from cnn.data import array_cache, names
from cnn.data.changes import NotChanged
from cnn.data.dataset_editing import OwnDataset
from cnn.data.image_folders import ImageFolder, OwnImage, UnusableFolder

_PROJECT = Path(__file__).resolve().parents[2]
DAYS_IN_BIN = 30  # that a deleted dataset can be restored
THUMBNAIL_EDGE = 96  # pixels of its longest edge


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


def get(dataset: str | Path) -> OwnDataset | ImageFolder:
    """A dataset by its name, or any folder of class folders by its path: a `Path`, or a text that is absolute.

    Returns:
        An `OwnDataset`, which can be changed, where it is in the datasets folder.

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
    path = path.resolve()
    return OwnDataset(path) if path.parent == root() else ImageFolder(path, _cache_of(path) / "index.jsonl")


def own(name: str) -> OwnDataset:
    """A dataset of the datasets folder, which can be changed, by its name. Raises UnusableFolder as `get`."""
    found = get(name)
    if not isinstance(found, OwnDataset):
        raise UnusableFolder(f"{printable(found.path)} is not in the datasets folder, so it is not changed here.")
    return found


def find(text: str) -> OwnDataset | ImageFolder:
    """A dataset of people's own as it is named on a command line: its name, or the path of a folder.

    Raises:
        UnusableFolder: it is neither; the message says which there are.
    """
    if text in listed():
        return get(text)
    if (place := Path(text).expanduser()).is_dir():
        return get(place.absolute())
    known = ", ".join(map(printable, [*DATASET_CARDS, *listed()]))
    raise UnusableFolder(
        f"There is no dataset {printable(text[:200])!r}: choose one of {known}, or give a folder that has a folder for "
        "each class."
    )


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


# --- making and deleting datasets -------------------------------------------------------------------------------


def create(name: str) -> OwnDataset:
    """Make a dataset without classes.

    Raises:
        BadName, NotChanged: it cannot have this name. NotWritten: the folder cannot be made.
    """
    name = _free_name(name)
    path = root() / names.to_folder(name)
    with disk.in_words("The dataset", root()):
        path.mkdir(parents=True)
    return OwnDataset(path)


def rename(name: str, new_name: str) -> OwnDataset:
    """Give a dataset another name. Runs that were trained on it keep the old one, and find it no longer.

    Raises:
        UnusableFolder, BadName, NotChanged, NotWritten: as `get` and `create`.
    """
    dataset = own(name)
    new_name = _free_name(new_name, but=dataset.name)
    with disk.in_words("The new name", root()):
        dataset.path.rename(root() / names.to_folder(new_name))
    return own(new_name)


def _free_name(name: str, but: str = "") -> str:
    name = names.cleaned(name, "dataset")
    if name in DATASET_CARDS or Path(name).is_absolute() or name[0] in "/\\~":
        raise NotChanged(f"A dataset of your own cannot be called {name!r}: choose another name.")
    if twin := next((other for other in listed() if other != but and names.key(other) == names.key(name)), None):
        raise NotChanged(f"There is a dataset called {twin!r} already: choose another name.")
    return name


@dataclass(frozen=True)
class Deleted:
    """A dataset in the bin. name: that it had. path: where it is. time: when it was deleted, seconds since 1970."""

    name: str
    path: Path
    time: float


def delete(name: str) -> Deleted:
    """Move a dataset to the bin; `restore` brings it back, for DAYS_IN_BIN. Also on a full disk: nothing is written.

    Raises:
        UnusableFolder: it is gone. NotWritten: the datasets folder cannot be written.
    """
    dataset = own(name)
    seconds = int(time.time())
    with disk.in_words("The bin", root()):
        _bin().mkdir(exist_ok=True)
        while (place := _bin() / f"{dataset.path.name}.{seconds}").exists():
            seconds += 1
        dataset.path.rename(place)
    shutil.rmtree(cache_of(dataset), ignore_errors=True)
    purge()
    return Deleted(dataset.name, place, float(seconds))


def deleted() -> list[Deleted]:
    """The datasets in the bin, the last deleted first."""
    found = []
    with contextlib.suppress(OSError):
        for path in _bin().iterdir():
            if (parts := re.fullmatch(r"(.+)\.([0-9]{1,12})", path.name, re.DOTALL)) and path.is_dir():
                found.append(Deleted(names.from_folder(parts[1]), path, float(parts[2])))
    return sorted(found, key=lambda one: (one.time, one.name), reverse=True)


def restore(name: str) -> OwnDataset:
    """Take a dataset back from the bin, of several the last that had this name.

    Raises:
        NotChanged: it is not there, or another has its name now. NotWritten: the datasets folder cannot be written.
    """
    found = next((one for one in deleted() if one.name == name), None)
    if found is None:
        raise NotChanged(f"The dataset {name!r} is no longer in the bin.")
    with disk.in_words("The dataset", root()):
        found.path.rename(root() / names.to_folder(_free_name(name)))
    return own(name)


def purge() -> None:
    """Delete for good what has been in the bin for DAYS_IN_BIN, as far as that is possible."""
    for one in deleted():
        if time.time() - one.time > DAYS_IN_BIN * 24 * 3600:
            shutil.rmtree(one.path, ignore_errors=True)


def _bin() -> Path:
    return root() / ".deleted"


# --- thumbnails -------------------------------------------------------------------------------------------------


def thumbnail(dataset: ImageFolder, image: OwnImage) -> bytes:
    """A small copy of an image as a WebP file; made once, then read from the disk.

    Raises:
        DataUnavailable: the image is gone or was changed.
    """
    file = cache_of(dataset) / "thumbnails" / image.content[:2] / f"{image.content}.webp"
    with contextlib.suppress(OSError):
        return file.read_bytes()
    picture = image.opened()
    picture.thumbnail((THUMBNAIL_EDGE, THUMBNAIL_EDGE), Image.Resampling.BOX)
    made = io.BytesIO()
    picture.save(made, "WEBP", quality=75)
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        disk.write_bytes(file, made.getvalue())
    return made.getvalue()

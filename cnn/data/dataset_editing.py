"""A dataset of people's own that can be changed: its classes, its images, and what was done last taken back."""

import contextlib
import re
import shutil
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cnn import disk
from cnn.config import counted
from cnn.config.printable import printable
from cnn.config.run_config import MAX_CLASSES
from cnn.data import changes, image_folders, names
from cnn.data.changes import Change, NotChanged
from cnn.data.image_folders import ImageFolder, Known, OwnImage, UnusableFolder

_MAX_FILE_NAME = 100  # bytes, without the ending


@dataclass(frozen=True)
class Added:
    """What became of images that were to be added.

    Attributes:
        added: how many, by class.
        skipped: the names of the others, by the reason, a sentence.
        change: that can be taken back; None where nothing was added.
    """

    added: dict[str, int]
    skipped: dict[str, list[str]]
    change: Change | None

    def lines(self) -> list[str]:
        """In words: how many were added to which class, and what was not, and why."""
        said = [f"{counted(count, 'image')} added to {printable(name)}." for name, count in self.added.items()]
        for reason, files in self.skipped.items():
            more = f" and {len(files) - 3:,} more" if len(files) > 3 else ""
            said.append(f"Not added: {', '.join(printable(file) for file in files[:3])}{more}. {reason}")
        return said or ["Nothing was added."]


class OwnDataset(ImageFolder):
    """A dataset of the datasets folder. Every change is made whole or not at all, and can be taken back.

    Its methods that change something raise NotChanged where a change cannot be made, BadName for a name that cannot be,
    and NotWritten where the disk is full or cannot be written; then nothing was changed.

    Args:
        path: its folder, within `root()`.
    """

    def __init__(self, path: Path):
        super().__init__(path, path / ".index.jsonl")
        self._journal = changes.Journal(path)

    @property
    def name(self) -> str:
        return names.from_folder(self.path.name)

    # classes

    def add_class(self, name: str) -> Change:
        """Make a class without images."""
        name = self._free_class(name)
        if len(self.class_folders()) >= MAX_CLASSES:
            raise NotChanged(f"There are {MAX_CLASSES} classes already, the most that a dataset can have.")
        with self._changing("The class"), self._journal.preparing() as (change, place):
            folder = names.to_folder(name)
            (place / folder).mkdir()
            return self._journal.make(change, f"The class {name} was added.", [(f".bin/{change}/{folder}", folder)])

    def rename_class(self, name: str, new_name: str) -> Change:
        """Give a class another name."""
        folder = self._folder_of(name)
        new_name = self._free_class(new_name, but=name)
        if folder.name == names.to_folder(new_name):
            raise NotChanged(f"The class is called {new_name!r} already.")
        with self._changing("The class"), self._journal.preparing() as (change, _):
            text = f"The class {name} was renamed {new_name}."
            return self._journal.make(change, text, [(folder.name, names.to_folder(new_name))])

    def delete_class(self, name: str) -> Change:
        """Remove a class with its images."""
        folder = self._folder_of(name)
        with self._changing("The bin"), self._journal.preparing() as (change, _):
            text = f"The class {name} was deleted with its images."
            return self._journal.make(change, text, [(folder.name, f".bin/{change}/{folder.name}")])

    def _folder_of(self, name: str) -> Path:
        try:
            return self.class_folders()[name]
        except KeyError:
            raise NotChanged(f"There is no class {name!r} any more: it was renamed or deleted.") from None

    def _free_class(self, name: str, but: str = "") -> str:
        name = names.cleaned(name)
        others = {names.key(one): one for one in self.class_folders() if one != but}
        if twin := others.get(names.key(name)):
            raise NotChanged(f"There is a class called {twin!r} already: choose another name.")
        return name

    # images

    def add(self, class_name: str, files: Iterable[tuple[str, bytes]]) -> Added:
        """Add images to a class that there is, in their original bytes; what is no image or a copy is skipped.

        Args:
            files: their names and their bytes; they may be generated.
        """
        self._folder_of(class_name)
        return self.add_to_classes(((class_name, name, content) for name, content in files))

    def add_to_classes(
        self, files: Iterable[tuple[str, str, bytes]], skipped: dict[str, list[str]] | None = None
    ) -> Added:
        """Add images to several classes, as one change; those classes that there are not are made.

        Args:
            files: class, name and bytes of each; read a few at a time. Whatever raises there ends the work.
            skipped: what was skipped before, by the reason, to be counted in.
        """
        skipped = {} if skipped is None else skipped
        added: dict[str, int] = {}
        listing = self.listing()
        where = {image.content: f"{image.class_name}/{image.name}" for image in listing.images}
        existing = {names.key(name): (name, folder.name) for name, folder in self.class_folders().items()}
        arrived: list[tuple[Path, str, Known]] = []  # where an image was put, the folder that it is for, what it holds
        staged: dict[str, set[str]] = {}
        with disk.in_words("The images", self.path), self._journal.preparing() as (change, place):
            for class_name, name, content, known in image_folders.mapped(_examined, files):
                if known.problem:
                    skipped.setdefault(known.problem, []).append(name)
                    continue
                if known.content in where:
                    reason = "The same image is there already."
                    skipped.setdefault(reason, []).append(f"{name} (as {where[known.content]})")
                    continue
                if names.key(class_name) not in existing:
                    if len(existing) >= MAX_CLASSES:
                        skipped.setdefault(f"A dataset has at most {MAX_CLASSES} classes.", []).append(name)
                        continue
                    existing[names.key(class_name)] = (class_name, names.to_folder(class_name))
                class_name, folder = existing[names.key(class_name)]
                if folder not in staged:
                    staged[folder] = set()
                    (place / folder).mkdir()
                file = _free_file(name, content, staged[folder])
                (place / folder / file).write_bytes(content)
                where[known.content] = f"{class_name}/{file}"
                added[class_name] = added.get(class_name, 0) + 1
                arrived.append((place / folder / file, folder, known))
            if not arrived:
                shutil.rmtree(place, ignore_errors=True)
                return Added({}, skipped, None)
            with self._changing("The images"):
                moves, found = self._places(arrived, change)
                made = self._journal.make(change, _said("added", added), moves)
        self._know(found)
        return Added(added, skipped, made)

    def _places(
        self, arrived: Sequence[tuple[Path, str, Known]], change: str
    ) -> tuple[list[changes.Move], list[tuple[Path, Known]]]:
        """The moves that bring images to their classes, and what is known of each where it is then."""
        moves: list[changes.Move] = []
        found, taken = [], {}
        for path, folder, known in arrived:
            if folder not in taken:
                there = (self.path / folder).is_dir()
                taken[folder] = _taken(self.path / folder) if there else None
                if not there:
                    moves.append((f".bin/{change}/{folder}", folder))
            file = path.name
            if taken[folder] is not None:
                file = _free_name_of(path.stem, path.suffix, taken[folder])
                moves.append((f".bin/{change}/{folder}/{path.name}", f"{folder}/{file}"))
            found.append((self.path / folder / file, known))
        return moves, found

    def _know(self, found: Sequence[tuple[Path, Known]]) -> None:
        """Put into the index what was found out while images were added."""
        there = []
        for path, known in found:
            with contextlib.suppress(OSError):
                there.append((path, known._replace(changed=path.stat().st_mtime_ns)))
        self._index().add(there)

    def move(self, images: Sequence[OwnImage], class_name: str) -> Change:
        """Put images into another class."""
        folder = self._folder_of(class_name)
        images = [image for image in self._checked(images) if image.path.parent != folder]
        if not images:
            raise NotChanged(f"They are in {class_name!r} already.")
        taken = _taken(folder)
        moves = []
        for image in images:
            file = _free_name_of(image.path.stem, image.path.suffix, taken)
            moves.append((self._within(image), f"{folder.name}/{file}"))
        with self._changing("The images"), self._journal.preparing() as (change, _):
            return self._journal.make(change, _said("moved", {class_name: len(images)}), moves)

    def remove(self, images: Sequence[OwnImage]) -> Change:
        """Take images away, to the bin."""
        images = self._checked(images)
        counts: dict[str, int] = {}
        for image in images:
            counts[image.class_name] = counts.get(image.class_name, 0) + 1
        with self._changing("The bin"), self._journal.preparing() as (change, _):
            moves = [(self._within(image), f".bin/{change}/{self._within(image)}") for image in images]
            return self._journal.make(change, _said("removed", counts), moves)

    def _checked(self, images: Sequence[OwnImage]) -> list[OwnImage]:
        if not images:
            raise NotChanged("No image is chosen.")
        if any(image.path.parent.parent != self.path for image in images):
            raise NotChanged("These images are of another dataset.")
        return list({image.path: image for image in images}.values())

    def _within(self, image: OwnImage) -> str:
        return f"{image.path.parent.name}/{image.path.name}"

    # taking back

    def changes(self) -> list[Change]:
        """What can be taken back, the last change first; at most `changes.KEPT`."""
        return self._journal.changes()

    def last_change(self) -> Change | None:
        """What would be taken back."""
        return self._journal.last()

    def undo(self, change: Change | None = None) -> Change:
        """Take back the last change, which `change` must be if it is given."""
        with self._changing("What was changed"):
            return self._journal.undo(change)

    @contextlib.contextmanager
    def _changing(self, what: str) -> Iterator[None]:
        with changes.lock_of(self.path), disk.in_words(what, self.path):
            if not self.path.is_dir():
                raise UnusableFolder(f"The dataset {self.name!r} is no longer here: it was deleted or renamed.")
            yield


def _said(done: str, counts: dict[str, int]) -> str:
    """3 images were added to Boot, 1 to Sandal."""
    (first, count), *others = counts.items()
    way = "from" if done == "removed" else "to"
    more = [f"{count:,} {way} {name}" for name, count in others]
    listed = [*more[:3], f"{len(more) - 3} other classes"] if len(more) > 4 else more
    return (
        ", ".join([f"{counted(count, 'image')} {'was' if count == 1 else 'were'} {done} {way} {first}", *listed]) + "."
    )


def _examined(item: tuple[str, str, bytes]) -> tuple[str, str, bytes, Known]:
    class_name, name, content = item
    return class_name, name, content, image_folders.known_of(content)


def _free_file(name: str, content: bytes, taken: set[str]) -> str:
    """The name of a new file: what was given, as far as any file system can hold it."""
    base = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])
    stem, dot, ending = base.rpartition(".")
    if not re.fullmatch(r"[A-Za-z0-9]{1,5}", ending) or not dot or not stem:
        stem, ending = base, image_folders.ending_of(content)
    stem = "".join("_" if names.is_refused(one) else one for one in stem).strip(" .")
    while len(stem.encode()) > _MAX_FILE_NAME:
        stem = stem[:-1]
    if not stem or names.is_reserved(stem) or names.is_of_the_system(f"{stem}.{ending}"):
        stem = f"image {stem}".strip()
    return _free_name_of(stem, f".{ending}", taken)


def _taken(folder: Path) -> set[str]:
    return {entry.name.lower() for entry in folder.iterdir()}


def _free_name_of(stem: str, ending: str, taken: set[str]) -> str:
    """A name that no file has, however its letters are written; it is taken then. taken: in small letters."""
    file, number = f"{stem}{ending}", 1
    while file.lower() in taken:
        number += 1
        file = f"{stem} ({number}){ending}"
    taken.add(file.lower())
    return file

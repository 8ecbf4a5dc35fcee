"""A dataset of people's own as the other datasets are: its card, its splits, and how a script gets it."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from cnn.config import Data
from cnn.config.printable import printable
from cnn.config.run_config import MAX_CLASSES, PHOTO_SIZE
from cnn.data import array_cache, image_folders, own_datasets, own_splits
from cnn.data.datasets import Dataset, DataUnavailable, OnDownload, Script, Split, Splits
from cnn.data.image_folders import ImageFolder, Listing, OwnImage, UnusableFolder
from cnn.data.own_splits import Parts
from cnn.pictures.photo import photo

_PIXELS = 1  # the version of `photo`: another one makes other pixels of the same file


def data_of(
    dataset: str | Path,
    size: tuple[int, int] = PHOTO_SIZE,
    channels: int = 3,
    on_progress: image_folders.OnProgress | None = None,
) -> Data:
    """What a run of a dataset of people's own is configured with: its classes that have images.

    Args:
        dataset: the name of one, or any folder of class folders.
        size: height and width that its images are brought to. channels: 1 for grey, 3 for RGB.
        on_progress: see `ImageFolder.listing`.

    Raises:
        UnusableFolder: there is no such dataset, or fewer than two of its classes have images.
    """
    folder = own_datasets.get(dataset)
    classes = _require_classes(folder, folder.listing(on_progress))
    return Data(dataset=own_datasets.reference(folder), classes=classes, image_size=size, channels=channels)


def _require_classes(folder: ImageFolder, listing: Listing) -> tuple[str, ...]:
    classes = tuple(name for name, count in listing.counts().items() if count)
    where = printable(folder.path.name)
    if not listing.classes:
        raise UnusableFolder(f"{where} has no classes: it must have a folder for each class, with its images in it.")
    if len(classes) < 2:
        having = f"only {printable(classes[0])!r} has images" if classes else "no class has an image that can be read"
        raise UnusableFolder(f"{where} needs at least two classes with images, and {having}: add images to others.")
    if len(classes) > MAX_CLASSES:
        raise UnusableFolder(f"{where} has {len(classes):,} classes with images, more than the {MAX_CLASSES} possible.")
    return classes


class OwnImages(Dataset):
    """The dataset of people's own that a configuration names, in its size and its channels.

    Args:
        config: with `classes`.
    """

    def __init__(self, config: Data):
        self.card = config.card
        self.samples = f"The test images of {printable(self.card.title)}, your own."
        self._config = config

    def missing(self) -> str:
        try:
            own_datasets.get(self._config.dataset).class_folders()
        except DataUnavailable as error:
            return str(error)
        return ""

    def by_hand(self) -> str:
        place = own_datasets.place_of(self._config.dataset)
        return f"Put a folder for each class, with its images, into {printable(place)}."

    def parts(self, on_download: OnDownload | None = None) -> Parts:
        """The images of each split, files not pixels; see `own_splits`.

        Raises:
            DataUnavailable: the dataset is gone, or cannot be split.
        """
        folder = own_datasets.get(self._config.dataset)
        listing = folder.listing(_reports("Looking at your images", on_download))
        counts = listing.counts()
        empty = [printable(name) for name in self.card.class_names if not counts.get(name)]
        name = printable(self.card.title)
        if len(self.card.class_names) - len(empty) < 2:
            raise DataUnavailable(
                f"{name} has no images of {', '.join(empty[:3])}{' and others' * (len(empty) > 3)} any more, so fewer "
                "than two classes are left: put images back into their folders, or choose another dataset."
            )
        if empty and on_download:
            on_download(f"Without images, and never predicted rightly: {', '.join(empty)}")
        parts = _split(tuple(image for image in listing.images if image.class_name in self.card.class_names))
        if not parts.validation:
            raise DataUnavailable(
                f"{name} has too few images to keep some for measuring: add images until a class has at least "
                f"{own_splits.LEAST_GROUPS} that differ."
            )
        return parts

    def fingerprint(self) -> str:
        """Another text for other images, classes, sizes or splits. Raises DataUnavailable as `parts`."""
        return self._key(self.parts())

    def load(self, limit: int | None, on_download: OnDownload) -> Splits:
        parts = self.parts(on_download)
        images: list[OwnImage] = [image for part in parts for image in part]
        height, width, channels = self.card.input_shape
        shape = (height, width) if channels == 1 else (height, width, channels)

        def pixels(image: OwnImage) -> np.ndarray:
            return photo(image.opened(), (height, width), channels)

        def make(numbers: Sequence[int]) -> Iterator[np.ndarray]:
            report = _reports("Reading your images", on_download)
            for done, row in enumerate(image_folders.mapped(pixels, [images[number] for number in numbers])):
                report(done, len(numbers))
                yield row

        folder = own_datasets.get(self._config.dataset)
        array = array_cache.mapped(
            own_datasets.cache_of(folder) / f"{height}x{width}x{channels}",
            self._key(parts),
            [f"{image.content}.{_PIXELS}" for image in images],
            shape,
            make,
            "Your images, as the network takes them,",
        )
        number = {name: label for label, name in enumerate(self.card.class_names)}
        labels = np.array([number[image.class_name] for image in images], np.uint8)
        ends = np.cumsum([len(part) for part in parts]).tolist()
        first = ends[0] if limit is None else min(limit, ends[0])
        return Splits(
            Split(array[:first], labels[:first]),
            Split(array[ends[0] : ends[1]], labels[ends[0] : ends[1]]),
            Split(array[ends[1] :], labels[ends[1] :]),
        )

    def _key(self, parts: Parts) -> str:
        number = {name: label for label, name in enumerate(self.card.class_names)}
        digest = hashlib.sha256(
            repr((own_splits.VERSION, _PIXELS, self.card.input_shape, list(map(len, parts)))).encode()
        )
        for part in parts:
            for image in part:
                digest.update(f"{image.content} {number[image.class_name]}\n".encode())
        return digest.hexdigest()[:32]

    def script(self, limit: int | None) -> Script:
        folder, parts = own_datasets.get(self._config.dataset), self.parts()
        number = {name: label for label, name in enumerate(self.card.class_names)}
        height, width, channels = self.card.input_shape
        lines = [f"FOLDER = {_quoted(str(folder.path))}", ""]
        for split, images in zip(("train", "validation", "test"), parts, strict=True):
            chosen = images[:limit] if split == "train" else images
            lines.append(f"{split}_files = [  # of each image its label and its file")
            for image in chosen:
                file = image.path.relative_to(folder.path).as_posix()
                lines.append(f"    ({number[image.class_name]}, {_quoted(file)}),")
            lines.append("]")
        lines += [
            "",
            "",
            "def read(files):",
            '    """The images uint8 (n, height, width[, 3]) and the labels uint8 (n,) of a split."""',
            f"    shape = (len(files), {height}, {width}{', 3' if channels == 3 else ''})",
            "    images, labels = np.empty(shape, np.uint8), np.empty(len(files), np.uint8)",
            "    for number, (label, file) in enumerate(files):",
            "        image = Image.open(os.path.join(FOLDER, file))",
            '        if image.format == "JPEG":',
            "            shrink = max(1, max(image.size) / 500)",
            "            image.draft(None, tuple(max(1, int(edge / shrink)) for edge in image.size))",
            "        orientation = image.getexif().get(0x0112, 1)",
            '        image = image.convert("RGBA" if image.has_transparency_data else "RGB")',
            "        factor = math.ceil(max(image.size) / 500)",
            "        image = image.reduce(factor) if factor > 1 else image",
            "        image.getexif()[0x0112] = orientation",
            "        image = ImageOps.exif_transpose(image)",
            f"        images[number], labels[number] = photo(image, ({height}, {width}), {channels}), label",
            "    return images, labels",
            "",
            "",
            *(f"{split}_images, {split}_labels = read({split}_files)" for split in ("train", "validation", "test")),
        ]
        return Script(
            tuple(lines),
            imports=("import math", "import os", "from PIL import Image, ImageOps"),
            copied="cnn.pictures.photo",
            needs="pillow to read the images",
        )


@lru_cache(maxsize=4)
def _split(images: tuple[OwnImage, ...]) -> Parts:
    return own_splits.split(images)


def _reports(what: str, on_download: OnDownload | None) -> Callable[[int, int], None]:
    """Says how far the work is, twice a second."""
    said = time.monotonic()

    def report(done: int, of: int) -> None:
        nonlocal said
        if on_download and time.monotonic() - said > 0.5:
            said = time.monotonic()
            on_download(f"{what}: {done:,} of {of:,}")

    return report


def _quoted(text: str) -> str:
    """A text as Python source."""
    encoded = text.encode("utf-8", "surrogateescape")
    return json.dumps(text, ensure_ascii=False) if encoded.decode("utf-8", "replace") == text else ascii(text)

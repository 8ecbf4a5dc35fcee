"""The images that a configuration names: of which dataset, in which size, grey or in colour."""

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from cnn.config import DATASET_CARDS, Data, DatasetCard
from cnn.config.run_config import not_for
from cnn.data import array_cache, own_datasets
from cnn.data.datasets import DATASETS, Dataset, OnDownload, Script, Split, Splits
from cnn.data.image_folders import OnProgress
from cnn.data.own_images import OwnImages, data_of
from cnn.pictures.photo import brought_to

SCRATCH_SIZE = (64, 64)  # of images of your own, for a network that begins with random weights and has no size itself
_NAMES = ("train", "validation", "test")


def dataset_of(config: Data) -> Dataset:
    """The dataset of a configuration, built in or people's own, in the size and the channels that it asks for."""
    if config.classes:
        return OwnImages(config)
    built_in = DATASETS[config.dataset]
    return built_in if config.card.input_shape == built_in.card.input_shape else _Resized(built_in, config.card)


def load(config: Data, on_download: OnDownload | None = None) -> Splits:
    """Load the configured dataset, split as it is, in the configured size: Fashion-MNIST 55,000, 5,000 and 10,000.

    Args:
        config: dataset, size and training-set size.
        on_download: called now and then with a sentence on what goes on, about once a second from another thread for a
            download. If it raises, the work ends; a download with KeyboardInterrupt.

    Raises:
        DataUnavailable: it can be neither found nor downloaded, its files are damaged, or it was changed meanwhile.
    """
    return dataset_of(config).load(config.limit, on_download or (lambda text: None))


def fingerprint(config: Data) -> str:
    """A text that is another one for other images, for what is computed of them and kept; no image is read again.

    Raises:
        DataUnavailable: a dataset of people's own is gone, or cannot be split.
    """
    if config.classes:
        text = f"{OwnImages(config).fingerprint()} {config.limit}"
    else:
        text = f"{config.dataset} {config.card.input_shape} {config.limit}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def with_dataset(config: Data, dataset: str, on_progress: OnProgress | None = None) -> Data:
    """A preset's data with another dataset; all else stays, as far as it can be.

    A size or channels that the preset asks for stay, because its layers are made for them; images of people's own are
    otherwise 64×64 in colour, and those of a built-in dataset as they are. What is mixed in for clothes of 28×28 pixels
    is left out of every other dataset.

    Args:
        dataset: the name of a built-in one, of one in the datasets folder, or the path of a folder of class folders.
        on_progress: see `ImageFolder.listing`.

    Raises:
        UnusableFolder: it is none of these, or fewer than two of its classes have images.
    """
    if dataset in DATASET_CARDS:
        chosen = Data(dataset=dataset, image_size=config.image_size, channels=config.channels)
    else:
        folder = own_datasets.find(dataset)
        chosen = data_of(folder.path, config.image_size or SCRATCH_SIZE, config.channels or 3, on_progress)
    changed = ("dataset", "classes", "image_size", "channels")
    values = config.model_dump() | {name: getattr(chosen, name) for name in changed}
    if chosen.classes:
        values["limit"] = None  # which the preset has for the time that a built-in dataset takes
    values |= dict.fromkeys(not_for(chosen.card), 0.0)
    return Data.model_validate(values)


class _Resized(Dataset):
    """A built-in dataset in another size, or with other channels."""

    def __init__(self, of: Dataset, card: DatasetCard):
        self._of, self.card, self.samples = of, card, of.samples

    def missing(self) -> str:
        return self._of.missing()

    def by_hand(self) -> str:
        return self._of.by_hand()

    def load(self, limit: int | None, on_download: OnDownload) -> Splits:
        splits = self._of.load(limit, on_download)
        return Splits(*(self._resized(name, getattr(splits, name), on_download) for name in _NAMES))

    def _resized(self, name: str, split: Split, on_download: OnDownload) -> Split:
        height, width, channels = self.card.input_shape
        digest = hashlib.sha256(np.ascontiguousarray(split.images).data).hexdigest()[:32]
        count = len(split.labels)

        def make(numbers: Sequence[int]) -> Iterator[np.ndarray]:
            for number in numbers:
                if number % 2_000 == 0:
                    on_download(f"Resizing the {name} images: {number:,} of {count:,}")
                yield brought_to(Image.fromarray(split.images[number]), (height, width), channels)

        array = array_cache.mapped(
            array_cache.folder(own_datasets.root()) / f"{self.card.name}-{name}-{height}x{width}x{channels}",
            digest,
            [f"{digest} {number}" for number in range(count)],
            (height, width) if channels == 1 else (height, width, channels),
            make,
            f"{self.card.title} in {height}×{width} pixels",
        )
        return Split(array, split.labels)

    def script(self, limit: int | None) -> Script:
        height, width, channels = self.card.input_shape
        mode = "L" if channels == 1 else "RGB"
        script = self._of.script(limit)
        lines = (
            "",
            "",
            "def resized(images):",
            f'    """Images uint8 (n, h, w[, 3]) -> uint8 (n, {height}, {width}{", 3" * (channels == 3)})."""',
            f'    each = (Image.fromarray(image).convert("{mode}") for image in images)',
            f"    size = ({width}, {height})",
            "    return np.stack([np.asarray(image.resize(size, Image.Resampling.BICUBIC)) for image in each])",
            "",
            "",
            *(f"{name}_images = resized({name}_images)" for name in _NAMES),
        )
        needs = script.needs or "pillow to resize the images"
        imports = dict.fromkeys((*script.imports, "from PIL import Image"))
        return script._replace(lines=(*script.lines, *lines), imports=tuple(imports), needs=needs)

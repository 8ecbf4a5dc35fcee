"""The datasets: a class for each, which says how it is loaded, what is to be downloaded, and how a script gets it.

Its name and what people read about it are in `cnn.config.datasets`. Fashion-MNIST comes through
`keras.datasets.fashion_mnist`: from Keras's cache, else by download, and only with the right checksums. Where that
does not work, `DataUnavailable` says in one sentence what to do; nothing is ever replaced silently. Keras is imported
only by the functions that need it.
"""

import _thread
import gzip
import hashlib
import os
import socket
import struct
import tempfile
import threading
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cnn.config import DATASET_CARDS, DatasetCard
from cnn.config.datasets import FASHION_MNIST, STAND_IN, SYNTHETIC
from cnn.data import synthetic
from cnn.errors import AtelierError

NO_GARMENT = 255  # the label of an image that shows none of the ten classes
VALIDATION = 5_000  # the last so many of the 60,000 training images, as in the lecture
FILES = {  # name: size of the download in bytes
    "train-labels-idx1-ubyte.gz": 29_515,
    "train-images-idx3-ubyte.gz": 26_421_880,
    "t10k-labels-idx1-ubyte.gz": 5_148,
    "t10k-images-idx3-ubyte.gz": 4_422_102,
}
SHA256 = {  # of the files after gunzip, header included: however they were compressed
    "train-labels-idx1-ubyte.gz": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "train-images-idx3-ubyte.gz": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "t10k-labels-idx1-ubyte.gz": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    "t10k-images-idx3-ubyte.gz": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
}
_SOURCE = "https://github.com/zalandoresearch/fashion-mnist"
_OTHERWISE = f"or use the {STAND_IN.name} dataset (on the command line: --dataset {STAND_IN.name})"
_TIMEOUT = 20.0  # seconds without an answer after which a download has failed


class DataUnavailable(AtelierError, RuntimeError):
    """The dataset can be neither found nor downloaded; the message says what to do."""


class Split(NamedTuple):
    """Images uint8 (n, h, w), or (n, h, w, 3) in colour, and labels uint8 (n,).

    The images may be a read-only `np.memmap`: a part of a file, which is read when it is looked at.
    """

    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Splits:
    train: Split
    validation: Split
    test: Split


OnDownload = Callable[[str], None]


class Script(NamedTuple):
    """How an exported script, which has Keras and NumPy, gets a dataset.

    lines: they make train_images and train_labels, and the same for validation and test, as in `Split`. imports: what
    the lines need. copied: a module of this program whose source goes before the lines, with its own imports. needs:
    which package has to be installed, and what for.
    """

    lines: tuple[str, ...]
    imports: tuple[str, ...] = ()
    copied: str = ""
    needs: str = ""


class Dataset(ABC):
    """A dataset: everything that the program has to know of it.

    card: its name and what people read about it. samples: what its test images are, in a sentence of Markdown.
    """

    card: DatasetCard
    samples: str

    @abstractmethod
    def load(self, limit: int | None, on_download: OnDownload) -> Splits:
        """See `cnn.data.load`. limit: how many training images; None for all."""

    @abstractmethod
    def script(self, limit: int | None) -> Script:
        """How an exported script gets the very same images."""

    def missing(self) -> str:
        """What is not on this machine yet, and what follows from it, in a sentence; empty where everything is here."""
        return ""

    def by_hand(self) -> str:
        """How to get what is missing without a connection, in a sentence."""
        return ""


class FashionMnist(Dataset):
    card = FASHION_MNIST
    samples = "The 10,000 test images of Fashion-MNIST."

    def load(self, limit: int | None, on_download: OnDownload) -> Splits:
        (images, labels), test = _fashion_mnist(on_download)
        train = Split(images[:-VALIDATION][:limit], labels[:-VALIDATION][:limit])
        return Splits(train, Split(images[-VALIDATION:], labels[-VALIDATION:]), Split(*test))

    def script(self, limit: int | None) -> Script:
        first = f"[:{limit}]" if limit else ""
        return Script(
            (
                "(images, labels), (test_images, test_labels) = keras.datasets.fashion_mnist.load_data()",
                f"train_images, train_labels = images[:-{VALIDATION}]{first}, labels[:-{VALIDATION}]{first}",
                f"validation_images, validation_labels = images[-{VALIDATION}:], labels[-{VALIDATION}:]",
            )
        )

    def missing(self) -> str:
        if is_cached():
            return ""
        size = sum(FILES.values()) / 1e6
        return f"Fashion-MNIST is not in Keras's cache yet: the first training downloads {size:.0f} MB."

    def by_hand(self) -> str:
        return f"Without a connection, put the four files {', '.join(FILES)} into {cache_folder()}."


class Synthetic(Dataset):
    card = SYNTHETIC
    samples = "**Synthetic** test images, drawn by this program."

    def _sizes(self, limit: int | None) -> dict[str, int]:
        return {"train": limit or self.card.training_images, "validation": 1_000, "test": 2_000}

    def load(self, limit: int | None, on_download: OnDownload) -> Splits:
        return Splits(**{split: Split(*synthetic.dataset(n, 0, split)) for split, n in self._sizes(limit).items()})

    def script(self, limit: int | None) -> Script:
        lines = [
            f'{split}_images, {split}_labels = dataset({n}, 0, "{split}")' for split, n in self._sizes(limit).items()
        ]
        return Script(tuple(lines), copied="cnn.data.synthetic", needs="pillow to draw the clothes")


DATASETS: dict[str, Dataset] = {}


def register(dataset: Dataset) -> None:
    """Let a dataset be named in configurations, and with that be offered, loaded and exported."""
    DATASET_CARDS[dataset.card.name] = dataset.card
    DATASETS[dataset.card.name] = dataset


register(FashionMnist())
register(Synthetic())


# --- Fashion-MNIST in Keras's cache -----------------------------------------------------------------------------


def cache_folder() -> Path:
    """Where Keras keeps Fashion-MNIST; `$KERAS_HOME`, else `~/.keras`, else a temporary folder if that is read-only."""
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    if home.exists() and not os.access(home, os.W_OK):  # the rule of keras.utils.get_file
        home = (Path("/tmp") if Path("/tmp").is_dir() else Path(tempfile.gettempdir())) / ".keras"
    return home / "datasets" / "fashion-mnist"


def is_cached() -> bool:
    """Whether all four files of Fashion-MNIST are in Keras's cache."""
    return all((cache_folder() / name).is_file() for name in FILES)


def _fashion_mnist(on_download: OnDownload) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Training and test images with their labels. Keras is loaded only to download them."""
    if not is_cached():
        import keras

        try:
            with _watched_download(on_download):
                keras.datasets.fashion_mnist.load_data()
        except Exception as error:  # get_file raises a bare Exception for a failed download
            if wrong := [name for name in FILES if (cache_folder() / name).exists() and _read(name) is None]:
                raise _foreign(wrong) from error
            raise DataUnavailable(
                f"Fashion-MNIST is not in Keras's cache and could not be downloaded ({_reason(error)}): connect to the "
                f"internet, or put the four files {', '.join(FILES)} into {cache_folder()}, {_OTHERWISE}."
            ) from error
    arrays = [_read(name) for name in FILES]
    if wrong := [name for name, array in zip(FILES, arrays, strict=True) if array is None]:
        raise _foreign(wrong)
    labels, images, test_labels, test_images = arrays
    return (images, labels), (test_images, test_labels)


def _read(name: str) -> np.ndarray | None:
    """A file in the cache as an array; None where it is damaged or not of Fashion-MNIST.

    An IDX file begins with 0, 0, 8 for uint8, the number of dimensions, and the size of each in 32 bits.
    """
    try:
        content = gzip.decompress((cache_folder() / name).read_bytes())
    except (OSError, EOFError, zlib.error):
        return None
    if hashlib.sha256(content).hexdigest() != SHA256[name]:
        return None
    dimensions = content[3]
    shape = struct.unpack_from(f">{dimensions}I", content, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape).copy()


def _foreign(names: list[str]) -> DataUnavailable:
    verb, them = ("is", "it") if len(names) == 1 else ("are", "them")
    return DataUnavailable(
        f"{', '.join(names)} in {cache_folder()} {verb} damaged or not of Fashion-MNIST: delete {them} and start "
        f"again, which downloads {them}, or put {them} there from {_SOURCE}, {_OTHERWISE}."
    )


def _reason(error: Exception) -> str:
    """The last part of Keras's "URL fetch failure on ... -- reason"."""
    return str(error).rsplit("-- ", 1)[-1].strip() or type(error).__name__


@contextmanager
def _watched_download(report: Callable[[str], None]) -> Iterator[None]:
    """Report the growth of the files in the cache while Keras downloads; give up on a server that never answers."""
    if is_cached():
        yield
        return
    done, total, timeout = threading.Event(), sum(FILES.values()), socket.getdefaulttimeout()

    def watch() -> None:
        while not done.wait(1.0):
            paths = [cache_folder() / name for name in FILES]
            size = sum(path.stat().st_size for path in paths if path.exists())
            try:
                report(f"Downloading Fashion-MNIST: {size / 1e6:.1f} of {total / 1e6:.1f} MB")
            except Exception:  # the listener wants no more of it, and the main thread sits in the download
                _thread.interrupt_main()
                return

    watcher = threading.Thread(target=watch, daemon=True)
    socket.setdefaulttimeout(_TIMEOUT)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
        socket.setdefaulttimeout(timeout)

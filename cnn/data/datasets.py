"""The two datasets, their splits, and the stream of training batches.

Fashion-MNIST comes through `keras.datasets.fashion_mnist`: from Keras's cache, else by download. Where neither
works, `DataUnavailable` says in one sentence what to do; nothing is ever replaced silently. The order of the
training pictures and their augmentation depend on (seed, epoch, step) alone, so that a resumed run sees what the
uninterrupted one would have seen. TensorFlow is imported only by the functions that need it.
"""

import _thread
import gzip
import os
import socket
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cnn.config import Data
from cnn.data import synthetic
from cnn.errors import AtelierError

NO_GARMENT = 255  # the label of a picture that shows none of the ten classes
VALIDATION = 5_000  # the last so many of the 60,000 training pictures, as in the lecture
FILES = {  # name: size of the download in bytes
    "train-labels-idx1-ubyte.gz": 29_515,
    "train-images-idx3-ubyte.gz": 26_421_880,
    "t10k-labels-idx1-ubyte.gz": 5_148,
    "t10k-images-idx3-ubyte.gz": 4_422_102,
}
_TIMEOUT = 20.0  # seconds without an answer after which a download has failed
SYNTHETIC_SIZES = {"train": 10_000, "validation": 1_000, "test": 2_000}


class DataUnavailable(AtelierError, RuntimeError):
    """The dataset can be neither found nor downloaded; the message says what to do."""


class Split(NamedTuple):
    """Pictures uint8 (n, 28, 28), bright garment on black, and labels uint8 (n,)."""

    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Dataset:
    train: Split
    validation: Split
    test: Split


def cache_folder() -> Path:
    """Where Keras keeps Fashion-MNIST; `$KERAS_HOME`, else `~/.keras`, else a temporary folder if that is read-only."""
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    if home.exists() and not os.access(home, os.W_OK):  # the rule of keras.utils.get_file
        home = (Path("/tmp") if Path("/tmp").is_dir() else Path(tempfile.gettempdir())) / ".keras"
    return home / "datasets" / "fashion-mnist"


def is_cached() -> bool:
    """Whether all four files of Fashion-MNIST are in Keras's cache."""
    return all((cache_folder() / name).is_file() for name in FILES)


def load(config: Data, on_download: Callable[[str], None] | None = None) -> Dataset:
    """Load the configured dataset and split it: for Fashion-MNIST 55,000 / 5,000 / 10,000.

    Args:
        config: dataset and training-set size.
        on_download: called about once a second with a sentence on the download's progress, from another thread. If
            it raises, the download ends with KeyboardInterrupt.

    Raises:
        DataUnavailable: Fashion-MNIST can be neither found nor downloaded, or its files are damaged.
    """
    if config.dataset == "synthetic":
        sizes = dict(SYNTHETIC_SIZES, train=config.limit or SYNTHETIC_SIZES["train"])
        return Dataset(**{split: Split(*synthetic.dataset(n, 0, split)) for split, n in sizes.items()})
    (images, labels), test = _fashion_mnist(on_download)
    train = Split(images[:-VALIDATION][: config.limit], labels[:-VALIDATION][: config.limit])
    return Dataset(train, Split(images[-VALIDATION:], labels[-VALIDATION:]), Split(*test))


def _fashion_mnist(on_download: Callable[[str], None] | None):
    import keras

    try:
        with _watched_download(on_download or (lambda text: None)):
            return keras.datasets.fashion_mnist.load_data()
    except (gzip.BadGzipFile, EOFError, zlib.error, ValueError) as error:
        raise DataUnavailable(
            f"A file of Fashion-MNIST in {cache_folder()} is damaged ({error}): delete it and start again, "
            "or use the synthetic dataset (on the command line: --dataset synthetic)."
        ) from error
    except Exception as error:  # get_file raises a bare Exception for a failed download
        raise DataUnavailable(
            f"Fashion-MNIST is not in Keras's cache and could not be downloaded ({_reason(error)}): connect to the "
            f"internet, or put the four files {', '.join(FILES)} into {cache_folder()}, or use the synthetic "
            "dataset (on the command line: --dataset synthetic)."
        ) from error


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

"""The datasets that come through Keras: Fashion-MNIST, MNIST and CIFAR-10.

From Keras's cache, else by download, and only with the right checksums; then as arrays that are mapped, so that neither
the dashboard nor a training holds them in memory. Keras is imported only by the functions that download.
"""

import _thread
import gzip
import hashlib
import io
import os
import pickle
import socket
import struct
import tarfile
import tempfile
import threading
import zipfile
import zlib
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import numpy as np

from cnn.config.datasets import CIFAR_10, FASHION_MNIST, MNIST, STAND_IN
from cnn.data import array_cache, own_datasets
from cnn.data.datasets import Dataset, DataUnavailable, OnDownload, Script, Split, Splits
from cnn.errors import AtelierError

VALIDATION = 5_000  # the last so many of the training images, as in the lecture
SHA256 = {  # of Fashion-MNIST's files after gunzip, header included: however they were compressed
    "train-labels-idx1-ubyte.gz": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "train-images-idx3-ubyte.gz": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "t10k-labels-idx1-ubyte.gz": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    "t10k-images-idx3-ubyte.gz": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    # as Keras checks them
    "mnist.npz": "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
    "cifar-10-batches-py-target_archive": "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
}
_OTHERWISE = f"or use the {STAND_IN.name} dataset (on the command line: --dataset {STAND_IN.name})"
_TIMEOUT = 20.0  # seconds without an answer after which a download has failed
Arrays = dict[str, np.ndarray]


class _Damaged(AtelierError, ValueError):
    """Files in the cache, by their names, are not what they should be. `KerasDataset.load` says it in a sentence."""


def keras_home() -> Path:
    """Keras's own folder: `$KERAS_HOME`, else `~/.keras`, else a temporary folder if that is read-only."""
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    if home.exists() and not os.access(home, os.W_OK):  # the rule of keras.utils.get_file
        home = (Path("/tmp") if Path("/tmp").is_dir() else Path(tempfile.gettempdir())) / ".keras"
    return home


class KerasDataset(Dataset):
    """A dataset in Keras's cache.

    module: of `keras.datasets`. within: the folder of its files in that of all datasets. files: each, and the bytes of
    its download. source: where people get them. named_there: what the only file is called there, if otherwise.
    """

    module: str
    within = ""
    files: Mapping[str, int]
    source: str
    named_there = ""

    @abstractmethod
    def _download(self) -> None:
        """Let Keras download what is missing."""

    @abstractmethod
    def _read(self) -> Arrays:
        """train_images, train_labels, test_images and test_labels, uint8. Raises _Damaged."""

    def folder(self) -> Path:
        """Where Keras keeps its files."""
        return keras_home() / "datasets" / self.within

    def is_cached(self) -> bool:
        """Whether all files are there, whatever they hold."""
        return all((self.folder() / name).is_file() for name in self.files)

    def load(self, limit: int | None, on_download: OnDownload) -> Splits:
        if not self.is_cached():
            self._fetch(on_download)
        try:
            place = array_cache.folder(own_datasets.root()) / self.card.name
            arrays = array_cache.kept(place, self._version(), self._read)
        except _Damaged as error:
            raise self._foreign(list(error.args)) from error
        images, labels = arrays["train_images"], arrays["train_labels"]
        return Splits(
            Split(images[:-VALIDATION][:limit], labels[:-VALIDATION][:limit]),
            Split(images[-VALIDATION:], labels[-VALIDATION:]),
            Split(arrays["test_images"], arrays["test_labels"]),
        )

    def missing(self) -> str:
        if self.is_cached():
            return ""
        size = sum(self.files.values()) / 1e6
        return f"{self.card.title} is not in Keras's cache yet: the first training downloads {size:.0f} MB."

    def by_hand(self) -> str:
        return f"Without a connection, {self._put()}."

    def _put(self) -> str:
        if self.named_there:
            return f"save {self.named_there} as {self.folder() / next(iter(self.files))}"
        which = "the four files " if len(self.files) == 4 else ""
        return f"put {which}{', '.join(self.files)} into {self.folder()}"

    def _version(self) -> str:
        """Of the files in the cache, so that others under their names are read, and checked, again."""
        files = [(self.folder() / name).stat() for name in self.files]
        values = [str(self.folder()), *((file.st_size, file.st_mtime_ns, file.st_ino) for file in files)]
        return hashlib.sha256(repr((values, [SHA256[name] for name in self.files])).encode()).hexdigest()[:32]

    def _fetch(self, on_download: OnDownload) -> None:
        try:
            with self._watched(on_download):
                self._download()
        except Exception as error:  # get_file raises a bare Exception for a failed download
            there = [name for name in self.files if (self.folder() / name).exists()]
            if wrong := [name for name in there if not self._is_right(name)]:
                raise self._foreign(wrong) from error
            raise DataUnavailable(
                f"{self.card.title} is not in Keras's cache and could not be downloaded ({_reason(error)}): connect to "
                f"the internet, or {self._put()}, {_OTHERWISE}."
            ) from error

    def _is_right(self, name: str) -> bool:
        try:
            return bool(self._content(name))
        except _Damaged:
            return False

    def _content(self, name: str) -> bytes:
        """A file of the cache, once its checksum is right. Raises _Damaged."""
        try:
            content = (self.folder() / name).read_bytes()
        except OSError as error:
            raise _Damaged(name) from error
        if hashlib.sha256(content).hexdigest() != SHA256[name]:
            raise _Damaged(name)
        return content

    def _foreign(self, names: list[str]) -> DataUnavailable:
        verb, them = ("is", "it") if len(names) == 1 else ("are", "them")
        return DataUnavailable(
            f"{', '.join(names)} in {self.folder()} {verb} damaged or not of {self.card.title}: delete {them} and "
            f"start again, which downloads {them}, or put {them} there from {self.source}, {_OTHERWISE}."
        )

    @contextmanager
    def _watched(self, report: Callable[[str], None]) -> Iterator[None]:
        """Report the growth of the files in the cache while Keras downloads; give up on a server without an answer."""
        done, total, timeout = threading.Event(), sum(self.files.values()), socket.getdefaulttimeout()

        def watch() -> None:
            while not done.wait(1.0):
                paths = [self.folder() / name for name in self.files]
                size = sum(path.stat().st_size for path in paths if path.exists())
                try:
                    report(f"Downloading {self.card.title}: {size / 1e6:.1f} of {total / 1e6:.1f} MB")
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

    def _get_file(self, origin: str) -> None:
        """Let Keras download the only file."""
        import keras

        (name,) = self.files
        home = keras_home()
        home.mkdir(parents=True, exist_ok=True)
        keras.utils.get_file(name, origin, file_hash=SHA256[name], cache_dir=str(home))

    def script(self, limit: int | None) -> Script:
        first = f"[:{limit}]" if limit else ""
        return Script(
            (
                f"(images, labels), (test_images, test_labels) = keras.datasets.{self.module}.load_data()",
                *self._shaped,
                f"train_images, train_labels = images[:-{VALIDATION}]{first}, labels[:-{VALIDATION}]{first}",
                f"validation_images, validation_labels = images[-{VALIDATION}:], labels[-{VALIDATION}:]",
            )
        )

    _shaped: tuple[str, ...] = ()  # lines of a script that bring Keras's arrays into the shape of ours


def _reason(error: Exception) -> str:
    """The last part of Keras's "URL fetch failure on ... -- reason"."""
    return str(error).rsplit("-- ", 1)[-1].strip() or type(error).__name__


class FashionMnist(KerasDataset):
    card = FASHION_MNIST
    samples = "The 10,000 test images of Fashion-MNIST."
    module, within = "fashion_mnist", "fashion-mnist"
    files: Mapping[str, int] = MappingProxyType(
        {
            "train-labels-idx1-ubyte.gz": 29_515,
            "train-images-idx3-ubyte.gz": 26_421_880,
            "t10k-labels-idx1-ubyte.gz": 5_148,
            "t10k-images-idx3-ubyte.gz": 4_422_102,
        }
    )
    source = "https://github.com/zalandoresearch/fashion-mnist"

    def _download(self) -> None:
        import keras

        keras.datasets.fashion_mnist.load_data()

    def _content(self, name: str) -> bytes:
        try:
            content = gzip.decompress((self.folder() / name).read_bytes())
        except (OSError, EOFError, zlib.error) as error:
            raise _Damaged(name) from error
        if hashlib.sha256(content).hexdigest() != SHA256[name]:
            raise _Damaged(name)
        return content

    def _read(self) -> Arrays:
        if wrong := [name for name in self.files if not self._is_right(name)]:
            raise _Damaged(*wrong)
        names = ("train_labels", "train_images", "test_labels", "test_images")
        return {name: _idx(self._content(file)) for name, file in zip(names, self.files, strict=True)}


def _idx(content: bytes) -> np.ndarray:
    """An IDX file begins with 0, 0, 8 for uint8, the number of dimensions, and the size of each in 32 bits."""
    dimensions = content[3]
    shape = struct.unpack_from(f">{dimensions}I", content, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape).copy()


class Mnist(KerasDataset):
    card = MNIST
    samples = "The 10,000 test images of MNIST."
    module = "mnist"
    files: Mapping[str, int] = MappingProxyType({"mnist.npz": 11_490_434})
    source = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"

    def _download(self) -> None:
        self._get_file(self.source)

    def _read(self) -> Arrays:
        names = {"train_images": "x_train", "train_labels": "y_train", "test_images": "x_test", "test_labels": "y_test"}
        try:
            with np.load(io.BytesIO(self._content("mnist.npz")), allow_pickle=False) as file:
                arrays = {name: np.asarray(file[there], np.uint8) for name, there in names.items()}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise _Damaged("mnist.npz") from error
        return _require_fit(arrays, (28, 28), "mnist.npz")


class Cifar10(KerasDataset):
    card = CIFAR_10
    samples = "The 10,000 test images of CIFAR-10."
    module = "cifar10"  # which looks for the file in the same place
    files: Mapping[str, int] = MappingProxyType({"cifar-10-batches-py-target_archive": 170_498_071})
    source = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    named_there = "cifar-10-python.tar.gz"
    _shaped = ("labels, test_labels = labels[:, 0], test_labels[:, 0]",)

    def _download(self) -> None:
        self._get_file(self.source)

    def _read(self) -> Arrays:
        (name,) = self.files
        content = io.BytesIO(self._content(name))
        batches: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        try:
            with tarfile.open(fileobj=content, mode="r:gz") as archive:
                for member in archive:
                    file = member.name.rpartition("/")[2]
                    if member.isfile() and (file == "test_batch" or file.startswith("data_batch_")):
                        batches[file] = _batch(archive.extractfile(member).read())
            train = [batches[f"data_batch_{number}"] for number in range(1, 6)]
            test_images, test_labels = batches["test_batch"]
        except (tarfile.TarError, OSError, EOFError, zlib.error, KeyError, ValueError, pickle.UnpicklingError) as error:
            raise _Damaged(name) from error
        arrays = {
            "train_images": np.concatenate([images for images, _ in train]),
            "train_labels": np.concatenate([labels for _, labels in train]),
            "test_images": test_images,
            "test_labels": test_labels,
        }
        return _require_fit(arrays, (32, 32, 3), name)


def _require_fit(arrays: Arrays, shape: tuple[int, ...], file: str) -> Arrays:
    for part in ("train", "test"):
        images, labels = arrays[f"{part}_images"], arrays[f"{part}_labels"]
        if images.shape != (len(labels), *shape) or labels.ndim != 1 or not len(labels) or labels.max() > 9:
            raise _Damaged(file)
    return arrays


def _batch(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """A batch of CIFAR-10, a pickled dictionary: images uint8 (n, 32, 32, 3), labels uint8 (n,).

    Raises:
        ValueError, pickle.UnpicklingError: it is none.
    """
    try:
        values = _Restricted(io.BytesIO(content), encoding="bytes").load()
        rows, labels = values[b"data"], np.array(values[b"labels"])
    except pickle.UnpicklingError:
        raise
    except Exception as error:  # a pickle of anything else fails anyhow
        raise ValueError("no batch") from error
    if not isinstance(rows, np.ndarray) or rows.dtype != np.uint8 or rows.shape[1:] != (3072,):
        raise ValueError("no images")
    if labels.dtype.kind != "i" or labels.shape != (len(rows),) or labels.min() < 0 or labels.max() > 9:
        raise ValueError("no labels")
    return np.ascontiguousarray(rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)), labels.astype(np.uint8)


_RECONSTRUCT = np.empty(0).__reduce__()[0]  # how NumPy's own arrays are unpickled


class _Restricted(pickle.Unpickler):
    """Reads arrays, numbers, texts, lists and dictionaries; whatever else a pickle asks for is refused.

    By default a pickle may call any function, which is why none is ever read otherwise.
    """

    def find_class(self, module: str, name: str):
        if name == "_reconstruct" and module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            return _RECONSTRUCT
        if module == "numpy" and name in ("ndarray", "dtype"):
            return getattr(np, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed")

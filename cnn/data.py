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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cnn import synthetic
from cnn.config import Data

if TYPE_CHECKING:
    import tensorflow as tf

NO_GARMENT = 255  # the label of a picture that shows none of the ten classes
VALIDATION = 5_000  # the last so many of the 60,000 training pictures, as in the lecture
FILES = {  # name: size of the download in bytes
    "train-labels-idx1-ubyte.gz": 29_515,
    "train-images-idx3-ubyte.gz": 26_421_880,
    "t10k-labels-idx1-ubyte.gz": 5_148,
    "t10k-images-idx3-ubyte.gz": 4_422_102,
}
_TIMEOUT = 20.0  # seconds without an answer after which a download has failed
_THREADS = min(8, (os.cpu_count() or 1) - 1)  # that make batches, beside the one that trains
SYNTHETIC_SIZES = {"train": 10_000, "validation": 1_000, "test": 2_000}


class DataUnavailable(RuntimeError):
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


def scaled(images: np.ndarray) -> np.ndarray:
    """uint8 (n, 28, 28) in [0, 255] -> float32 (n, 28, 28, 1) in [0, 1]."""
    return (images.astype(np.float32) / 255.0)[..., None]


def steps(pictures: int, batch_size: int) -> int:
    """Batches in an epoch; the last may be smaller."""
    return ceil(pictures / batch_size)


class Source(NamedTuple):
    """Pictures that take the place of some in every batch.

    share: of each batch, in [0, 1]. warp: how strongly they are turned and stretched, as `Data.warp`.
    """

    share: float
    split: Split
    warp: float


def training_batches(
    split: Split,
    batch_size: int,
    seed: int,
    first_epoch: int,
    epochs: int,
    settings: Data,
    sources: Sequence[Source] = (),
    first_step: int = 0,
    replicas: int = 1,
) -> "tf.data.Dataset":
    """The batches of all epochs from `first_epoch` on, one after the other, of the first one from `first_step` on.

    Every epoch is a new permutation drawn from (seed, epoch); every batch's augmentation, and which of its pictures
    come from another source, from (seed, epoch, step).

    Args:
        replicas: devices that share each batch out among themselves. A batch that leaves a remainder is filled up with
            its own pictures once more, so that none of them goes empty.

    Returns:
        Batches (x float32 (b, 28, 28, 1) in [0, 1], y uint8 (b,), `NO_GARMENT` for what is none).
    """
    import tensorflow as tf

    # Kept as bytes, a quarter of the memory of float32, and scaled batch by batch in the pipeline's own thread.
    images, labels = tf.constant(split.images[..., None]), tf.constant(split.labels)
    others = [(tf.constant(other.split.images[..., None]), tf.constant(other.split.labels)) for other in sources]
    bounds = np.cumsum([0.0, *(other.share for other in sources)])
    count = len(split.labels)
    per_epoch = steps(count, batch_size)
    seed = tf.constant(seed, tf.int64)
    # The same batches in the same order, on however many threads. Two cores are too few to share: one thread is plenty.
    parallel = {"num_parallel_calls": _THREADS, "deterministic": True} if _THREADS > 1 else {}

    def epoch_batches(epoch):
        order = tf.random.experimental.stateless_shuffle(tf.range(count), seed=tf.stack([seed, epoch]))
        begin = tf.where(epoch == first_epoch, tf.constant(first_step, tf.int64), 0)
        return tf.data.Dataset.range(begin, per_epoch).map(lambda step: batch(order, epoch, step), **parallel)

    def batch(order, epoch, step):
        chosen = order[step * batch_size : (step + 1) * batch_size]
        if replicas > 1:
            there = tf.size(chosen)
            chosen = tf.gather(chosen, tf.range(-(-there // replicas) * replicas) % there)
        x, y = tf.gather(images, chosen), tf.gather(labels, chosen)
        chance = tf.random.fold_in(tf.stack([seed, epoch]), step)
        warp = tf.fill(tf.shape(chosen), settings.warp)
        draw = tf.random.stateless_uniform(tf.shape(chosen), tf.random.fold_in(chance, 2)) if sources else None
        for number, ((pictures, names), other) in enumerate(zip(others, sources, strict=True)):
            taken = (draw >= bounds[number]) & (draw < bounds[number + 1])
            key = tf.random.fold_in(chance, 4 + number)
            which = tf.random.stateless_uniform(tf.shape(chosen), key, 0, len(other.split.labels), tf.int32)
            x = tf.where(taken[:, None, None, None], tf.gather(pictures, which), x)
            y = tf.where(taken, tf.gather(names, which), y)
            warp = tf.where(taken, other.warp, warp)
        x = tf.cast(x, tf.float32) / 255.0
        if settings.flip:
            x = _flipped(x, tf.random.fold_in(chance, 0))
        if settings.shift:
            x = _shifted(x, settings.shift, tf.random.fold_in(chance, 1))
        if settings.warp or sources:
            x = _warped(x, warp, tf.random.fold_in(chance, 3))
        if settings.erase:
            x = _erased(x, settings.erase, tf.random.fold_in(chance, 4 + len(sources)))
        return x, y

    return tf.data.Dataset.range(first_epoch, epochs).flat_map(epoch_batches).prefetch(4)


def _warped(x, strength, seed):
    """Turn, stretch, shear and move each picture about its middle by normal amounts, times `strength` (b,)."""
    import tensorflow as tf

    size = x.shape[1]
    spreads = tf.constant([[0.12], [0.08], [0.08], [0.06], [1.3], [1.3]])  # radians, log scales, shear, pixels
    amounts = tf.random.stateless_normal([6, tf.shape(x)[0]], seed) * spreads * strength
    turn, wide, high, shear, across, down = tf.unstack(amounts)
    a, b = tf.cos(turn) * tf.exp(wide), shear - tf.sin(turn) * tf.exp(high)
    c, d = tf.sin(turn) * tf.exp(wide), tf.cos(turn) * tf.exp(high)
    middle, zero = (size - 1) / 2, tf.zeros_like(turn)
    x0, y0 = middle - (a + b) * middle + across, middle - (c + d) * middle + down
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=x,
        transforms=tf.stack([a, b, x0, c, d, y0, zero, zero], axis=1),
        output_shape=[size, size],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    )


def _erased(x, share: float, seed):
    """Blot out a rectangle of one random grey in a share of the pictures: "Random Erasing", arXiv:1708.04896.

    It covers 2 to 25% of the picture, with sides in a proportion of at most 3.3 to 1.
    """
    import tensorflow as tf

    size = x.shape[1]
    draw, area, proportion, down, across, grey = tf.unstack(tf.random.stateless_uniform([6, tf.shape(x)[0]], seed))
    area, proportion = (0.02 + 0.23 * area) * size**2, tf.exp((2 * proportion - 1) * tf.math.log(3.3))
    height, width = tf.sqrt(area * proportion), tf.sqrt(area / proportion)

    def within(start, length):
        """Which pixels (b, size) of a side lie in the rectangle."""
        start, place = (start * (size - length))[:, None], tf.range(size, dtype=tf.float32)
        return (place >= start) & (place < start + length[:, None])

    covered = within(down, height)[:, :, None] & within(across, width)[:, None, :] & (draw < share)[:, None, None]
    return tf.where(covered[..., None], grey[:, None, None, None], x)


def _flipped(x, seed):
    import tensorflow as tf

    mirrored = tf.random.stateless_uniform([tf.shape(x)[0], 1, 1, 1], seed) < 0.5
    return tf.where(mirrored, tf.reverse(x, axis=[2]), x)


def _shifted(x, pixels: int, seed):
    """Move each picture by its own whole number of pixels in [-pixels, pixels] on both axes; black moves in."""
    import tensorflow as tf

    size = x.shape[1]
    offsets = tf.random.stateless_uniform([2, tf.shape(x)[0], 1], seed, 0, 2 * pixels + 1, tf.int32)
    rows, columns = tf.unstack(offsets + tf.range(size))  # (b, 28) each, positions in the padded picture
    padded = tf.pad(x, [[0, 0], [pixels, pixels], [pixels, pixels], [0, 0]])
    return tf.gather(tf.gather(padded, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)


def evaluation_batches(split: Split, batch_size: int = 500) -> "tf.data.Dataset":
    """The split in its own order. Batches as in `training_batches`."""
    import tensorflow as tf

    def scale(x, y):
        return tf.cast(x, tf.float32)[..., None] / 255.0, y

    return tf.data.Dataset.from_tensor_slices(tuple(split)).batch(batch_size).map(scale).prefetch(2)

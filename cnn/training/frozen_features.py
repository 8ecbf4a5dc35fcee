"""What frozen layers make of the training images, computed once and kept for every training that asks for it again.

    datasets/.cache/features/<key>.npy       float16 (views, images, ...), mapped by whoever trains on it

Layers that are not trained give the same features in every epoch, so that only what comes after them needs to be run.
Augmentation makes several views of each image, of which each epoch shows another one; the first is the image itself.
Whole epochs become a matter of seconds. The folder can be deleted at any time, while no training runs.

Much of that work is done by LiteRT, whose depthwise convolutions are two to three times as quick on a CPU as
TensorFlow's; its features are the same to a hundred-thousandth.
"""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from cnn import data, disk
from cnn.config import RunConfig, duration
from cnn.config.frozen_layers import views_of
from cnn.config.run_config import AUGMENTATIONS
from cnn.data import array_cache, own_datasets
from cnn.data.batches import augmented, pipeline_images
from cnn.evaluation.latency import cores
from cnn.networks.batch_size import images_at_once
from cnn.networks.exports import litert

if TYPE_CHECKING:
    from cnn.data import Split, Splits

_ROOM = 4_000_000_000  # bytes of all of them; the longest unused go first
_BATCH = 32
_EVERY = 0.5  # seconds between two reports
_WORTH_A_FILE = 5e10  # multiply-accumulates in all: below, converting the layers takes longer than it saves

Report = Callable[[str], None]


class Features(NamedTuple):
    """train: float16 (views, n, ...). validation: float16 (n, ...). Of one image they have the boundary's shape."""

    train: np.ndarray
    validation: np.ndarray


def head_of(network: keras.Model, config: RunConfig, boundary: str) -> keras.Model:
    """The layers after the boundary as a network of their own, which shares its weights with the whole one."""
    rows = config.rows()
    start = next(number for number, row in enumerate(rows) if row.name == boundary) + 1
    values = {boundary: keras.Input(rows[start - 1].output_shape, name="features")}
    for row in rows[start:]:
        taken = [values[name] for name in row.takes]
        values[row.name] = network.get_layer(row.name)(taken if len(taken) > 1 else taken[0])
    return keras.Model(values[boundary], values[rows[-1].name], name=f"{network.name}_head")


def features(config: RunConfig, network: keras.Model, boundary: str, splits: "Splits", report: Report) -> Features:
    """The features of the training images in every view, and of the validation images as they are.

    Args:
        network: in float32, with the weights of the frozen layers.
        report: called with a sentence about twice a second; whatever it raises ends the work.

    Raises:
        NotWritten: the disk is full or cannot be written.
    """
    train = views(config, network, boundary, "train", splits.train, views_of(config), report)
    return Features(train, views(config, network, boundary, "validation", splits.validation, 1, report)[0])


def views(
    config: RunConfig, network: keras.Model, boundary: str, name: str, split: "Split", count: int, report: Report
) -> np.ndarray:
    """The features of some of the dataset's images in so many views, float16 (count, n, ...): see `features`.

    name: of these images among the dataset's, "train".
    """
    through = keras.Model(network.input, network.get_layer(boundary).output)
    settings = config.data.model_dump(include={*AUGMENTATIONS}) if count > 1 else {}
    of = [name, data.fingerprint(config.data), _weights(through), boundary, settings, config.training.seed, count]
    file = folder() / f"{hashlib.sha256(json.dumps(of).encode()).hexdigest()[:32]}.npy"
    shape = (count, len(split.labels), *through.output_shape[1:])
    return _kept(file, shape) if _is_kept(file, shape) else _made(file, shape, through, config, split, report)


def folder() -> Path:
    """Where they are kept, for all runs."""
    return array_cache.folder(own_datasets.root()) / "features"


def training_batches(
    kept: np.ndarray, labels: np.ndarray, config: RunConfig, first_epoch: int, first_step: int = 0
) -> tf.data.Dataset:
    """As `data.training_batches`, of features: x float32 (b, ...), y uint8 (b,).

    The order is drawn from (seed, epoch); which view of an image comes, from (seed, epoch, step).
    """
    training, count, views = config.training, len(labels), len(kept)
    per_epoch = data.steps(count, training.batch_size)
    seed, held, names = tf.constant(training.seed, tf.int64), kept, tf.constant(labels)

    def epoch_batches(epoch):
        order = tf.random.experimental.stateless_shuffle(tf.range(count), seed=tf.stack([seed, epoch]))
        begin = tf.where(epoch == first_epoch, tf.constant(first_step, tf.int64), 0)
        return tf.data.Dataset.range(begin, per_epoch).map(lambda step: batch(order, epoch, step))

    def batch(order, epoch, step):
        chosen = order[step * training.batch_size : (step + 1) * training.batch_size]
        chance = tf.random.fold_in(tf.stack([seed, epoch]), step)
        view = tf.random.stateless_uniform(tf.shape(chosen), chance, 0, views, tf.int32)
        x = tf.numpy_function(lambda v, n: held[v, n].astype(np.float32), [view, chosen], tf.float32, stateful=False)
        return tf.reshape(x, (-1, *kept.shape[2:])), tf.gather(names, chosen)

    return tf.data.Dataset.range(first_epoch, training.epochs).flat_map(epoch_batches).prefetch(4)


def evaluation_batches(kept: np.ndarray, labels: np.ndarray) -> tf.data.Dataset:
    """As `data.evaluation_batches`, of features."""
    x = np.asarray(kept, np.float32)
    return tf.data.Dataset.from_tensor_slices((x, labels)).batch(500).prefetch(2)


# --- making and keeping -----------------------------------------------------------------------------------------


def _weights(model: keras.Model) -> str:
    """A checksum of a network's weights."""
    total = hashlib.sha256()
    for array in model.get_weights():
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


def _is_kept(file: Path, shape: tuple[int, ...]) -> bool:
    with contextlib.suppress(OSError, ValueError, EOFError):
        return np.load(file, mmap_mode="r", allow_pickle=False).shape == shape
    return False


def _kept(file: Path, shape: tuple[int, ...]) -> np.ndarray:
    with contextlib.suppress(OSError):
        os.utime(file)  # so that it is not the next to go
    return np.load(file, mmap_mode="r", allow_pickle=False).reshape(shape)


def _made(
    file: Path, shape: tuple[int, ...], through: keras.Model, config: RunConfig, split: "Split", report: Report
) -> np.ndarray:
    views, count = shape[:2]
    size = min(_BATCH, images_at_once(through, _BATCH))
    images, settings = pipeline_images(split.images), config.data
    seed = tf.constant(config.training.seed, tf.int64)

    def batch(view, start):
        x = tf.cast(images(tf.range(start, tf.minimum(start + size, count))), tf.float32) / 255.0
        if views == 1:
            return x
        chance = tf.random.fold_in(tf.stack([seed, view]), start)
        return tf.cond(view == 0, lambda: x, lambda: augmented(x, settings, chance))

    steps = [(view, start) for view in range(views) for start in range(0, count, size)]
    places = tf.data.Dataset.from_tensor_slices(np.array(steps, np.int64).reshape(-1, 2))
    run = _quickest(through, views * count, config)
    began = told = time.monotonic()
    with disk.in_words("The features of the frozen layers", file.parent, "Nothing of them is left there."):
        file.parent.mkdir(parents=True, exist_ok=True)
        _make_room(file.parent, 2 * int(np.prod(shape)))
        with disk.replacing(file) as temporary, temporary.open("wb") as opened:
            header = {"descr": "<f2", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(opened, header)
            for number, x in enumerate(places.map(lambda place: batch(place[0], place[1])).prefetch(2), 1):
                opened.write(np.ascontiguousarray(np.asarray(run(x)).astype("<f2")).data)
                if time.monotonic() - told > _EVERY or number == len(steps):
                    told = time.monotonic()
                    report(_progress(number / len(steps), views * count, told - began))
    rate = views * count / max(time.monotonic() - began, 1e-6)
    print(f"Features of the frozen layers: {views * count:,} images, {rate:,.0f} a second", flush=True)
    return _kept(file, shape)


def _quickest(through: keras.Model, images: int, config: RunConfig) -> Callable[[tf.Tensor], np.ndarray]:
    """What computes the features of so many images the soonest: x float32 (b, h, w, c) -> (b, ...)."""
    frozen = sum(row.macs for row in config.rows() if row.layer < config.transfer.frozen)
    if images * frozen > _WORTH_A_FILE and not tf.config.list_physical_devices("GPU"):
        try:
            network = litert.Interpreter(litert.litert(through), threads=cores())
        except Exception as error:  # its converter raises its own kinds; not every layer can be converted
            print(f"LiteRT cannot compute these layers, TensorFlow does: {type(error).__name__}", flush=True)
        else:
            return lambda x: network(x.numpy())
    return tf.function(lambda x: through(x, training=False), reduce_retracing=True)


def _progress(done: float, images: int, seconds: float) -> str:
    """Computing the features of the frozen layers: 320 of 1,312 images, 31 a second, 32 s left"""
    rate, left = done * images / max(seconds, 1e-6), seconds * (1 - done) / done
    of = f"{done * images:,.0f} of {images:,} images, {rate:,.0f} a second, {duration(left)} left"
    return f"Computing the features of the frozen layers: {of}"


def _make_room(place: Path, size: int) -> None:
    """Delete what has not been used for the longest time until so many bytes more are within the limit."""
    files = []
    for file in place.glob("*.npy"):
        with contextlib.suppress(OSError):
            files.append((file.stat().st_mtime_ns, file.stat().st_size, file))
    total = size + sum(bytes_ for _, bytes_, _ in files)
    for _, bytes_, file in sorted(files):
        if total <= _ROOM:
            return
        with contextlib.suppress(OSError):
            file.unlink()
            total -= bytes_

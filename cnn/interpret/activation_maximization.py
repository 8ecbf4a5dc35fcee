"""What excites the filters of a convolution: the places in images that they answer to most, and made-up images.

A filter's answer is its sum before the activation. The made-up images are found by activation maximisation: Erhan,
Bengio, Courville, Vincent 2009, "Visualizing Higher-Layer Features of a Deep Network". They are kept dark as in
Simonyan, Vedaldi, Zisserman 2013, "Deep Inside Convolutional Networks", arXiv:1312.6034, and smooth as in Mahendran and
Vedaldi 2015, "Understanding Deep Image Representations by Inverting Them", arXiv:1412.0035. They are not shifted about
while they are made, as Olah, Mordvintsev, Schubert 2017, "Feature Visualization", do: a unit sees its image at one
place only.

What takes long is a generator that yields the share done, in [0, 1], and returns the result. It can be left at any
time.
"""

from collections.abc import Generator, Sequence
from typing import NamedTuple, TypeVar

import cv2
import numpy as np
import tensorflow as tf

from cnn import data
from cnn.config.geometry import ReceptiveField
from cnn.config.layers import Row
from cnn.networks.batch_size import images_at_once, images_in_time
from cnn.networks.forward import INPUT, PREACTIVATION, Forward, altered, has_sums

_T = TypeVar("_T")

_BATCH = 50  # images, at most; more at once are no faster
_SEARCHED = 4e11  # multiply-accumulates that the search among images may take, and that images may be made with: on two
_MADE = 1e12  # cores each of them takes a minute or two
_CROPS = 2**25  # bytes of all crops of a layer; larger ones are reduced
_VALUES = 2**22  # of the largest layer while images are made: 16 MB, and a step soon ends
_RATE = 0.1  # of the first step, in units of a pixel's whole range
_BRIGHTEST = 0.2  # of a random start: from dark ones the sums rise higher than from noise over the whole range
_SMOOTHING = 0.3  # of the neighbours' squared differences, where a sum's gradient has a mean size of 1
_DARKENING = 0.1  # of the squared pixels, likewise


class Strongest(NamedTuple):
    """The images that hold each filter's largest sums, one place of each, the largest first.

    images: int32 (filters, count), positions among the images. places: int32 (filters, count, 2), row and column in
    the feature map. values: float32 (filters, count), the sums.
    """

    images: np.ndarray
    places: np.ndarray
    values: np.ndarray


class Maximised(NamedTuple):
    """The image that was made for each filter.

    pictures: float32 (filters, h, w, c) in [0, 1]. sums: float32 (filters,), which they reach. starts: float32
    (filters, starts), what was reached from each random start, of which the best is kept.
    """

    pictures: np.ndarray
    sums: np.ndarray
    starts: np.ndarray


class Excitement(NamedTuple):
    """All about the filters of one convolution, as arrays that can be kept in a file.

    images, places and values: as in `Strongest`. crops: uint8 (filters, count, h, w) or with channels, and seen: bool
    (filters, count, h, w), as `crops` makes them, reduced where they would take too much room. maximised: uint8
    (filters, h, w, c), reduced likewise. reached: float32 (filters,), the sums of these; NaN where none was made, as
    that would have taken too long. spread: float32 (filters,), the standard deviation of what the random starts
    reached; NaN where there was no more than one.
    """

    images: np.ndarray
    places: np.ndarray
    values: np.ndarray
    crops: np.ndarray
    seen: np.ndarray
    maximised: np.ndarray
    reached: np.ndarray
    spread: np.ndarray


def of(
    forward: Forward,
    rows: Sequence[Row],
    layers: Sequence[str],
    images: np.ndarray,
    count: int = 9,
    starts: int = 4,
    steps: int = 60,
    seed: int = 0,
    first: int = 0,
) -> Generator[float, None, dict[str, Excitement]]:
    """Everything about the filters of some convolutions; see `strongest`, `crops` and `maximised`.

    Of a network that needs long for an image, images are made from fewer starts, in fewer steps, and in the end not
    for all filters: for as many as a minute or two suffice, from the filter `first` on.

    Args:
        rows: the table of the network's layers.
        layers: the convolutions' names.
        images: those that are searched, see `searched`.

    Returns:
        One value for each of `layers`.
    """
    by_name = {row.name: row for row in rows}
    macs = np.cumsum([row.macs for row in rows])
    work = [len(images) * max(macs[rows.index(by_name[layer])] for layer in layers)]
    edges = forward.model.input_shape[1:3]
    plans = {}
    for layer in layers:  # a gradient takes about two passes more
        part = np.prod(_extent(by_name[layer].receptive_field, edges)) / np.prod(edges)
        step = float(3 * macs[rows.index(by_name[layer])] * part)
        plans[layer] = _planned(by_name[layer].output_shape[-1], starts, steps, step, first)
        work.append(len(plans[layer].filters) * plans[layer].starts * plans[layer].steps * step)
    ends = np.cumsum(work) / sum(work)

    found = yield from _within(strongest(forward, layers, images, count), 0.0, ends[0])
    result = {}
    for layer, begin, end in zip(layers, ends, ends[1:], strict=False):
        cut, seen = _small_crops(images, found[layer], by_name[layer].receptive_field)
        plan, filters = plans[layer], by_name[layer].output_shape[-1]
        made = yield from _within(
            maximised(forward, rows, layer, plan.filters, plan.starts, plan.steps, seed), begin, end
        )
        pictures = _resized(_bytes(made.pictures), _edge(filters, 1, made.pictures.shape[1:]))
        whole = np.zeros((filters, *pictures.shape[1:]), np.uint8)
        reached, spread = np.full((2, filters), np.nan, np.float32)
        whole[plan.filters], reached[plan.filters] = pictures, made.sums
        if plan.starts > 1:
            spread[plan.filters] = made.starts.std(axis=1)
        result[layer] = Excitement(*found[layer], cut, seen, whole, reached, spread)
    return result


class _Plan(NamedTuple):
    """For which filters images are made, from how many starts each, in how many steps."""

    filters: list[int]
    starts: int
    steps: int


def _planned(filters: int, starts: int, steps: int, macs: float, first: int) -> _Plan:
    """What can be done in the time. macs: multiply-accumulates of a step from one start for one filter."""
    starts = int(np.clip(_MADE / (macs * steps * filters), 1, starts))
    steps = int(np.clip(_MADE / (macs * filters), min(20, steps), steps)) if starts == 1 else steps
    count = int(np.clip(_MADE / (macs * steps * starts), 1, filters))
    return _Plan(sorted((first + number) % filters for number in range(count)), starts, steps)


def searched(rows: Sequence[Row], layer: str, count: int) -> int:
    """How many of `count` images are searched for the top activations of a layer: as many as a minute or two suffice.

    Args:
        rows: the table of the network's layers. layer: the convolution's name.
    """
    last = next(index for index, row in enumerate(rows) if row.name == layer)
    return images_in_time(rows[: last + 1], count, _SEARCHED)


def strongest(
    forward: Forward, layers: Sequence[str], images: np.ndarray, count: int = 9
) -> Generator[float, None, dict[str, Strongest]]:
    """The images with each filter's largest sums, for some convolutions in one pass.

    Of equal sums the earlier image counts as larger, and in an image the place nearer to its beginning.

    Args:
        layers: the convolutions' names.
        images: uint8 (n, h, w) or (n, h, w, c), or float32 (n, h, w, c) in [0, 1].
        count: how many images for each filter; there are fewer where there are fewer images.
    """
    last = max(layers, key=forward.names.index)

    @tf.function(input_signature=[tf.TensorSpec((None, *forward.model.input_shape[1:]))], autograph=False)
    def largest(pictures):
        values = forward.run({INPUT: pictures}, stop=last)
        maps = [values[layer + PREACTIVATION] for layer in layers]
        flat = [tf.reshape(sums, (-1, sums.shape[1] * sums.shape[2], sums.shape[3])) for sums in maps]
        return [(tf.reduce_max(sums, axis=1), tf.argmax(sums, axis=1, output_type=tf.int32)) for sums in flat]

    best: dict[str, list[np.ndarray]] = {}
    at_once = images_at_once(forward.model, _BATCH)
    for start in range(0, len(images), at_once):
        batch = images[start : start + at_once]
        pictures = data.scaled(batch) if batch.dtype == np.uint8 else batch
        positions = np.arange(start, start + len(batch), dtype=np.int32)[:, None]
        for layer, (values, places) in zip(layers, largest(pictures), strict=True):
            new = [np.broadcast_to(positions, values.shape), places.numpy(), values.numpy()]
            both = [np.concatenate(pair) for pair in zip(best[layer], new, strict=True)] if layer in best else new
            order = np.argsort(-both[-1], axis=0, kind="stable")[:count]
            best[layer] = [np.take_along_axis(values, order, axis=0) for values in both]
        yield min(1.0, (start + at_once) / len(images))

    result = {}
    for layer, (positions, places, values) in best.items():
        width = forward.layer(layer).output.shape[2]
        result[layer] = Strongest(positions.T, np.stack(np.divmod(places.T, width), axis=-1), values.T)
    return result


def crops(images: np.ndarray, found: Strongest, field: ReceptiveField) -> tuple[np.ndarray, np.ndarray]:
    """What each filter sees at the places found: its receptive field, black where that reaches beyond the image.

    Where the receptive field is larger than the image, the whole image is shown.

    Args:
        images: (n, h, w) or (n, h, w, c), those that were searched.
        field: of the convolution.

    Returns:
        crops (filters, count, h, w) or with channels, of the images' own type, and bool (filters, count, h, w): which
        of their pixels lie in the image.
    """
    reads, within = [], []
    sizes = _extent(field, images.shape[1:3])
    for axis, (size, edge) in enumerate(zip(sizes, images.shape[1:3], strict=True)):
        first, _ = field.seen_by(found.places[..., axis, None])
        pixels = np.arange(size) + (first if size == field.size else np.zeros_like(first))
        reads.append(pixels.clip(0, edge - 1))
        within.append((pixels >= 0) & (pixels < edge))
    seen = within[0][..., :, None] & within[1][..., None, :]
    cut = images[found.images[..., None, None], reads[0][..., :, None], reads[1][..., None, :]]
    cut[~seen] = 0
    return cut, seen


def _small_crops(images: np.ndarray, found: Strongest, field: ReceptiveField) -> tuple[np.ndarray, np.ndarray]:
    """As `crops`, uint8, and small enough for all filters together; a filter at a time, as images may be large."""
    crops_, seen = [], []
    for number in range(len(found.images)):
        cut, inside = crops(images, Strongest(*(array[number : number + 1] for array in found)), field)
        cut = cut if cut.dtype == np.uint8 else _bytes(cut)
        edge = _edge(len(found.images), cut.shape[1], cut.shape[2:])
        crops_.append(_resized(cut[0], edge))
        seen.append(_resized(inside[0].astype(np.uint8) * 255, edge) > 127)
    return np.stack(crops_), np.stack(seen)


def _edge(filters: int, count: int, shape: tuple[int, ...]) -> int:
    """The longer side in pixels that so many images of each filter may have; shape: (h, w) or (h, w, c) of each."""
    height, width, *channels = shape
    fits = (_CROPS / (filters * count * height * width * max([1, *channels]))) ** 0.5
    return max(16, int(min(1.0, fits) * max(height, width)))


def _resized(images: np.ndarray, edge: int) -> np.ndarray:
    """Images uint8 (n, h, w) or (n, h, w, c) with no side longer than `edge`, in their proportions."""
    height, width = images.shape[1:3]
    if max(height, width) <= edge:
        return images
    factor = edge / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    made = [cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in np.ascontiguousarray(images)]
    return np.stack(made).reshape(len(images), size[1], size[0], *images.shape[3:])


def maximised(
    forward: Forward,
    rows: Sequence[Row],
    layer: str,
    filters: Sequence[int] | None = None,
    starts: int = 4,
    steps: int = 60,
    seed: int = 0,
    smoothing: float = _SMOOTHING,
    darkening: float = _DARKENING,
) -> Generator[float, None, Maximised]:
    """Images that excite each filter as much as can be, found from random starts by Adam.

    A filter's unit sees no more than its receptive field, so an image has just that size and no border near. Where a
    receptive field is larger than the network's images, it is a whole image for the unit in the middle.

    Args:
        rows: the table of the network's layers.
        layer: the convolution's name.
        filters: which; None: all.
        starts: random starts for each, of which the best is kept.
        steps: of Adam.
        smoothing: weight of the squared differences of neighbouring pixels.
        darkening: weight of the squared pixels.
    """
    field = next(row for row in rows if row.name == layer).receptive_field
    _, *edges, channels = forward.model.input_shape
    height, width = _extent(field, tuple(edges))
    for step, _ in forward.steps[: forward.names.index(layer) + 1]:
        if has_sums(step):
            forward.linear(step.name, border=height != field.size)
    filters = range(forward.layer(layer).output.shape[-1]) if filters is None else filters
    own = np.repeat(np.asarray(filters, np.int32), starts)
    rng = np.random.default_rng(seed)
    pictures = _BRIGHTEST * rng.random((len(own), height, width, channels), np.float32)
    sums = np.empty(len(own), np.float32)

    def reach(x, own):
        return tf.gather(middle_sums(forward, rows, layer, x), own, axis=1, batch_dims=1)

    spec = tf.TensorSpec((None, height, width, channels))
    number, indices = tf.TensorSpec(()), tf.TensorSpec((None,), tf.int32)

    @tf.function(input_signature=[spec, spec, spec, number, number, indices], autograph=False)
    def improve(x, mean, square, step, rate, own):
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = reach(x, own)
        slope = tape.gradient(total, x)
        # Layers and filters differ in size by far: only so does the regularisation weigh alike for all.
        slope /= tf.reduce_mean(tf.abs(slope), axis=(1, 2, 3), keepdims=True) + 1e-12
        slope += 2 * smoothing * _curvature(x) - 2 * darkening * x
        mean, square = 0.9 * mean + 0.1 * slope, 0.99 * square + 0.01 * slope**2
        change = mean / (1 - 0.9**step) / (tf.sqrt(square / (1 - 0.99**step)) + 1e-8)
        return tf.clip_by_value(x + rate * change, 0.0, 1.0), mean, square

    values = max(np.prod(step.layer.output.shape[1:]) for step in forward.steps[: forward.names.index(layer) + 1])
    part = height * width / np.prod(edges)
    at_once = max(1, int(_VALUES / (values * part)))
    for begin in range(0, len(own), at_once):
        chunk = slice(begin, begin + at_once)
        x = tf.constant(pictures[chunk])
        mean = square = tf.zeros_like(x)
        done, to_do = begin / len(own), len(own[chunk]) / len(own)
        for step in range(steps):
            rate = _RATE * (0.5 + 0.5 * np.cos(np.pi * step / steps))
            x, mean, square = improve(x, mean, square, np.float32(step + 1), np.float32(rate), own[chunk])
            yield done + to_do * (step + 1) / steps
        pictures[chunk], sums[chunk] = x.numpy(), reach(x, own[chunk]).numpy()

    reached = sums.reshape(-1, starts)
    kept = np.arange(len(reached)) * starts + reached.argmax(axis=1)
    return Maximised(pictures[kept], sums[kept], reached)


def middle_sums(forward: Forward, rows: Sequence[Row], layer: str, pictures: tf.Tensor) -> tf.Tensor:
    """The sums of a convolution's unit in the middle of images that have the size of its receptive field.

    No border is added, so that one unit is left of each filter, and it has the value that it has in an image of which
    this is a part. Only images of the network's own size pass through it with its own borders.

    Args:
        rows: the table of the network's layers.
        layer: the convolution's name.
        pictures: (n, s, s, c), s the edge of the receptive field; where that is larger than the network's own
            images, those: (n, h, w, c).

    Returns:
        (n, filters).
    """
    fields = {INPUT: ReceptiveField()} | {row.name: row.receptive_field for row in rows}
    cut = pictures.shape[1] == fields[layer].size
    # Where in the whole network's maps the first row and column of each cut map lie.
    first = {INPUT: fields[layer].start}
    values, needed = {INPUT: pictures}, forward.needed(layer)
    for step, takes in forward.steps:
        if step.name not in needed:
            continue
        inputs = [values[name] for name in takes]
        if cut and len(inputs) > 1:  # more is left at the borders of what took the shorter way
            first[step.name] = max(first[name] for name in takes)
            skips = [first[step.name] - first[name] for name in takes]
            inputs = [given[:, skip:, skip:] for given, skip in zip(inputs, skips, strict=True)]
            rows_left, columns_left = (min(given.shape[axis] for given in inputs) for axis in (1, 2))
            inputs = [given[:, :rows_left, :columns_left] for given in inputs]
        elif cut:
            skip, first[step.name] = _next_window(fields[takes[0]], fields[step.name], first[takes[0]])
            inputs = [inputs[0][:, skip:, skip:]]
        if has_sums(step):
            x, _ = forward.linear(step.name, border=not cut).stateless_call(step.weights, [], inputs[0])
            x = x if step.name == layer else step.activation(x)
        elif len(inputs) > 1:
            x = step(inputs)
        elif cut and hasattr(step, "padding"):
            x = altered(step, padding="valid")(inputs[0])
        else:
            x = step(inputs[0], training=False)
        values[step.name] = x
    x = values[layer]
    return x[:, x.shape[1] // 2, x.shape[2] // 2]


def _next_window(before: ReceptiveField, after: ReceptiveField, first: int) -> tuple[int, int]:
    """How many rows from `first` on a layer skips until a window of its own begins, and that window's number."""
    stride, padding = after.jump // before.jump, (before.start - after.start) // before.jump
    skip = -(first + padding) % stride
    return skip, (first + skip + padding) // stride


def _extent(field: ReceptiveField, edges: tuple[int, int]) -> tuple[int, int]:
    """Height and width of what is shown of a receptive field: all of it, or the image where that is smaller."""
    return edges if field.size > min(edges) else (field.size, field.size)


def _curvature(x: tf.Tensor) -> tf.Tensor:
    """How far the neighbours of each pixel of (n, h, w, c) lie above it, in all: the slope of their differences."""
    padded = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
    beside = padded[:, 1:-1, 2:] + padded[:, 1:-1, :-2]
    return padded[:, 2:, 1:-1] + padded[:, :-2, 1:-1] + beside - 4 * x


def _bytes(pictures: np.ndarray) -> np.ndarray:
    """[0, 1] -> uint8."""
    return np.rint(255 * pictures).astype(np.uint8)


def _within(steps: Generator[float, None, _T], begin: float, end: float) -> Generator[float, None, _T]:
    """The same work as a part of a larger one, from one share to another."""
    while True:
        try:
            yield begin + (end - begin) * next(steps)
        except StopIteration as stop:
            return stop.value

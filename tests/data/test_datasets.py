"""The datasets, their splits, what happens without them, and the stream of training batches."""

import email.message
import gzip
import hashlib
import io
import socket
import struct
import sys
import time
import urllib.error
import urllib.request
import urllib.response
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest

from cnn import data
from cnn.config import Data
from cnn.data import NO_GARMENT, DataUnavailable, FashionMnist, Source, Split, keras_datasets, synthetic
from cnn.data import batches as stream_of_batches
from cnn.data.augmentation import random_affine, random_erasing

FASHION = FashionMnist()
FILES = FASHION.files
needs_fashion_mnist = pytest.mark.skipif(
    not FASHION.is_cached(), reason="Fashion-MNIST is not in Keras's cache: start a training on it once to download it."
)


def split_of(count: int) -> Split:
    """Images that can be told apart: image i is 1 + i everywhere, and its label is i % 10."""
    values = np.arange(count, dtype=np.uint8)
    return Split(np.broadcast_to((values + 1)[:, None, None], (count, 28, 28)).copy(), values % 10)


def batches(
    split: Split,
    batch_size: int = 32,
    seed: int = 1,
    first_epoch: int = 0,
    epochs: int = 1,
    sources: Sequence[Source] = (),
    replicas: int = 1,
    targets: np.ndarray | None = None,
    **augmentation,
):
    settings = Data(**augmentation)
    stream = data.training_batches(
        split, batch_size, seed, first_epoch, epochs, settings, sources, replicas=replicas, targets=targets
    )
    return [(np.asarray(x), np.asarray(y)) for x, y in stream]


def seen(split: Split, **arguments) -> np.ndarray:
    """Which images of `split_of` a stream brought, in order."""
    return np.concatenate([(x[:, 14, 14, 0] * 255).round().astype(int) - 1 for x, _ in batches(split, **arguments)])


# ---------------------------------------------------------------- the datasets


@needs_fashion_mnist
def test_fashion_mnist_is_split_as_in_the_lecture():
    (images, labels), (test_images, test_labels) = keras.datasets.fashion_mnist.load_data()
    loaded = data.load(Data())
    assert [len(split.labels) for split in (loaded.train, loaded.validation, loaded.test)] == [55_000, 5_000, 10_000]
    for split, expected in (
        (loaded.train, (images[:-5000], labels[:-5000])),
        (loaded.validation, (images[-5000:], labels[-5000:])),
        (loaded.test, (test_images, test_labels)),
    ):
        assert np.array_equal(split.images, expected[0]) and np.array_equal(split.labels, expected[1])
        assert split.images.dtype == split.labels.dtype == np.uint8


@needs_fashion_mnist
def test_a_limit_takes_the_first_training_pictures_and_leaves_the_other_splits():
    whole, limited = data.load(Data()), data.load(Data(limit=100))
    assert np.array_equal(limited.train.images, whole.train.images[:100])
    assert np.array_equal(limited.train.labels, whole.train.labels[:100])
    assert (len(limited.validation.labels), len(limited.test.labels)) == (5_000, 10_000)


def test_the_synthetic_dataset_has_three_different_splits(draw_once):
    loaded = data.load(Data(dataset="synthetic", limit=300))
    assert [split.images.shape for split in (loaded.train, loaded.validation, loaded.test)] == [
        (300, 28, 28),
        (1000, 28, 28),
        (2000, 28, 28),
    ]
    assert np.array_equal(loaded.train.images, synthetic.dataset(300, 0, "train")[0])
    parts = [split.images[:300] for split in (loaded.train, loaded.validation, loaded.test)]
    assert len({image.tobytes() for part in parts for image in part}) == 900


# ---------------------------------------------------------------- Fashion-MNIST missing, downloading, damaged


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Keras cache. Keras reads $KERAS_HOME only when it is imported, so its get_file is told too."""
    home = tmp_path / "keras"
    home.mkdir()
    monkeypatch.setenv("KERAS_HOME", str(home))
    module = sys.modules[keras.datasets.fashion_mnist.load_data.__module__]
    monkeypatch.setattr(module, "get_file", partial(keras.utils.get_file, cache_dir=str(home)))
    return home / "datasets" / "fashion-mnist"


@pytest.fixture
def internet():
    """Stands in for the internet: `internet(answer)` lets answer(url) return bytes, or raise, for every download."""

    class Handler(urllib.request.BaseHandler):
        handler_order = 1

        def https_open(self, request):
            content = self.answer(request.full_url)
            headers = email.message.Message()
            headers["Content-Length"] = str(len(content))
            response = urllib.response.addinfourl(io.BytesIO(content), headers, request.full_url, 200)
            response.msg = "OK"
            return response

    def install(answer) -> None:
        Handler.answer = staticmethod(answer)
        urllib.request.install_opener(urllib.request.build_opener(urllib.request.ProxyHandler({}), Handler))

    def refused(url):
        raise urllib.error.URLError("Name or service not known")

    install(refused)
    yield install
    urllib.request.install_opener(None)


def idx_files(training: int = 5_100, test: int = 100, first: int = 0) -> dict[str, bytes]:
    """The four files of a dataset in Fashion-MNIST's format, with few images; `first` tells datasets apart."""
    files = {}
    for name in FILES:
        count = training if name.startswith("train") else test
        if "labels" in name:
            content = struct.pack(">II", 2049, count) + ((first + np.arange(count)) % 10).astype(np.uint8).tobytes()
        else:
            values = np.repeat((first + np.arange(count)) % 256, 784).astype(np.uint8)
            content = struct.pack(">IIII", 2051, count, 28, 28) + values.tobytes()
        files[name] = gzip.compress(content, 1)
    return files


@pytest.fixture
def fashion(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Four small files, which count as those of Fashion-MNIST."""
    files = idx_files()
    sums = {name: hashlib.sha256(gzip.decompress(content)).hexdigest() for name, content in files.items()}
    monkeypatch.setattr(keras_datasets, "SHA256", sums)
    return files


def keep(cache: Path, files: dict[str, bytes]) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (cache / name).write_bytes(content)


def test_without_files_and_network_one_sentence_says_what_to_do(cache, internet):
    assert not FASHION.is_cached()
    with pytest.raises(DataUnavailable) as caught:
        data.load(Data())
    sentence = str(caught.value)
    for part in (
        *FILES,
        str(cache),
        "Name or service not known",
        "connect to the internet",
        "use the synthetic dataset",
    ):
        assert part in sentence
    assert sentence.count(". ") == 0 and sentence.endswith(".") and "\n" not in sentence


def test_a_server_that_answers_with_an_error_is_no_damage(cache, internet):
    def missing(url):
        raise urllib.error.HTTPError(url, 404, "Not Found", {}, None)

    internet(missing)
    with pytest.raises(DataUnavailable, match=r"could not be downloaded \(Not Found\)"):
        data.load(Data())


def test_a_missing_dataset_is_never_replaced_by_the_synthetic_one(cache, internet, monkeypatch):
    monkeypatch.setattr(synthetic, "dataset", lambda *arguments: pytest.fail("drawn in place of the real one"))
    with pytest.raises(DataUnavailable):
        data.load(Data())


def test_a_download_reports_its_progress_and_ends_in_the_cache(cache, internet, fashion):
    asked = []

    def slow(url):
        asked.append(url.rsplit("/", 1)[-1])
        if len(asked) == 2:
            time.sleep(1.3)
        return fashion[asked[-1]]

    internet(slow)
    timeout, reports = socket.getdefaulttimeout(), []
    loaded = data.load(Data(), reports.append)
    assert sorted(asked) == sorted(FILES) and FASHION.is_cached()
    assert reports and all(text.startswith("Downloading Fashion-MNIST: 0.0 of 30.9 MB") for text in reports)
    assert socket.getdefaulttimeout() == timeout
    assert [len(split.labels) for split in (loaded.train, loaded.validation, loaded.test)] == [100, 5_000, 100]
    assert loaded.validation.images[0, 0, 0] == 100, "the last 5,000 of the training images"

    asked.clear()
    data.load(Data(), reports.append)
    assert asked == [], "the second time from the cache"


def test_a_failed_download_leaves_the_timeout_as_it_was(cache, internet):
    with pytest.raises(DataUnavailable):
        data.load(Data())
    assert socket.getdefaulttimeout() is None


DAMAGE = {
    "not gzip": lambda content: b"<html>Please log in to this network</html>",
    "empty": lambda content: b"",
    "cut off": lambda content: content[: len(content) // 2],
    "bytes changed": lambda content: content[: len(content) // 2] + bytes(20) + content[len(content) // 2 + 20 :],
    "other content": lambda content: gzip.compress(b"something else entirely"),
}


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"])
@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_file_is_named_with_what_to_do(kind, name, cache, internet, fashion):
    keep(cache, {**fashion, name: DAMAGE[kind](fashion[name])})
    with pytest.raises(DataUnavailable) as caught:
        data.load(Data())
    sentence = str(caught.value)
    assert sentence.startswith(f"{name} in {cache} is damaged or not of Fashion-MNIST: delete it and start again")
    assert "https://" in sentence and "synthetic dataset" in sentence
    assert sentence.endswith(".") and "\n" not in sentence


def test_another_dataset_under_the_same_names_is_refused(cache, internet, fashion):
    """Digits have the same names and shapes: here all four files, then the training images alone."""
    digits = idx_files(first=3)
    keep(cache, digits)
    with pytest.raises(DataUnavailable) as caught:
        data.load(Data())
    assert str(caught.value).startswith(
        f"{', '.join(FILES)} in {cache} are damaged or not of Fashion-MNIST: delete them"
    )
    keep(cache, {**fashion, "train-images-idx3-ubyte.gz": digits["train-images-idx3-ubyte.gz"]})
    with pytest.raises(DataUnavailable, match=r"^train-images-idx3-ubyte\.gz in "):
        data.load(Data())


def test_a_cut_dataset_whose_files_agree_is_refused(cache, internet, fashion):
    keep(cache, idx_files(training=5_099, test=99))
    with pytest.raises(DataUnavailable, match="not of Fashion-MNIST"):
        data.load(Data())


def test_a_file_that_was_compressed_otherwise_is_as_good(cache, internet, fashion):
    keep(cache, {name: gzip.compress(gzip.decompress(content), 9) for name, content in fashion.items()})
    assert len(data.load(Data()).test.labels) == 100


def test_a_file_that_is_missing_beside_a_damaged_one(cache, internet, fashion):
    """Without a connection: both could be said; the damaged file is what its reader knows nothing of."""
    images = "t10k-images-idx3-ubyte.gz"
    keep(cache, {name: content for name, content in fashion.items() if name != images})
    with pytest.raises(DataUnavailable, match="could not be downloaded"):
        data.load(Data())
    keep(cache, {"train-labels-idx1-ubyte.gz": b"no gzip"})
    with pytest.raises(DataUnavailable, match=r"^train-labels-idx1-ubyte\.gz in .* is damaged"):
        data.load(Data())


@needs_fashion_mnist
def test_the_checksums_are_those_of_the_files_after_gunzip():
    for name in FILES:
        content = gzip.decompress((FASHION.folder() / name).read_bytes())
        assert hashlib.sha256(content).hexdigest() == keras_datasets.SHA256[name]


# ---------------------------------------------------------------- training batches


def test_an_epoch_brings_every_picture_once_with_its_label():
    stream = batches(split_of(200))
    order = np.concatenate([(x[:, 14, 14, 0] * 255).round().astype(int) - 1 for x, _ in stream])
    assert sorted(order) == list(range(200))
    assert np.array_equal(np.concatenate([y for _, y in stream]), order % 10)
    assert [len(y) for _, y in stream] == [32] * 6 + [8]
    assert len(stream) == data.steps(200, 32) == 7
    assert {(x.dtype, x.shape[1:], y.dtype) for x, y in stream} == {
        (np.dtype("float32"), (28, 28, 1), np.dtype("uint8"))
    }
    assert min(x.min() for x, _ in stream) == pytest.approx(1 / 255) and max(
        x.max() for x, _ in stream
    ) == pytest.approx(200 / 255)


def test_batches_that_divide_the_set_and_batches_larger_than_it():
    assert [len(y) for _, y in batches(split_of(96))] == [32, 32, 32]
    assert [len(y) for _, y in batches(split_of(20))] == [20]
    assert [data.steps(n, 32) for n in (1, 32, 33, 55_000)] == [1, 1, 2, 1719]


@pytest.mark.parametrize(
    ("replicas", "sizes"), [(1, [32, 32, 6]), (2, [32, 32, 6]), (4, [32, 32, 8]), (7, [35, 35, 7])]
)
def test_several_devices_can_share_every_batch_out_evenly(replicas, sizes):
    """What is missing are the batch's own first images once more."""
    split = split_of(70)
    stream = [(x[:, 14, 14, 0] * 255).round().astype(int) - 1 for x, _ in batches(split, replicas=replicas)]
    assert [len(batch) for batch in stream] == sizes
    for batch, alone in zip(stream, np.split(seen(split), [32, 64]), strict=True):
        assert batch.tolist() == [*alone, *alone[: len(batch) - len(alone)]]
    (one,) = batches(split_of(1), replicas=3)
    assert len(one[1]) == 3


@pytest.mark.slow
def test_the_batches_are_the_same_on_however_many_threads_they_are_made(garments, monkeypatch):
    settings = {"epochs": 3, "batch_size": 10, "flip": True, "shift": 1, "random_affine": 0.4, "random_erasing": 0.5}
    streams = []
    for threads in (1, 4):
        monkeypatch.setattr(stream_of_batches, "_THREADS", threads)
        streams.append(batches(garments, **settings))
    for (x, y), (expected_x, expected_y) in zip(*streams, strict=True):
        assert np.array_equal(x, expected_x) and np.array_equal(y, expected_y)


def test_the_order_depends_on_seed_and_epoch_alone():
    split = split_of(200)
    first, second, third = seen(split, epochs=3).reshape(3, 200)
    for order in (first, second, third):
        assert sorted(order) == list(range(200))
    assert not np.array_equal(first, np.arange(200)), "shuffled"
    assert not np.array_equal(first, second) and not np.array_equal(second, third)
    assert np.array_equal(seen(split, epochs=1), first), "the same again"
    assert np.array_equal(seen(split, first_epoch=2, epochs=3), third), "a resumed run sees what it would have seen"
    assert not np.array_equal(seen(split, seed=2), first)
    assert np.array_equal(seen(split, batch_size=7), first), "the batch size does not change the order"


@pytest.fixture(scope="module")
def garments() -> Split:
    return Split(*synthetic.dataset(96, 5, "train"))


def matched(split: Split, **arguments) -> list[tuple[np.ndarray, np.ndarray]]:
    """(image as it was, image as the stream brought it), uint8 (28, 28), over one epoch."""
    plain = [x for x, _ in batches(split, **{**arguments, "flip": False, "shift": 0})]
    varied = [x for x, _ in batches(split, **arguments)]
    pairs = zip(np.concatenate(plain), np.concatenate(varied), strict=True)
    return [tuple((x[..., 0] * 255).round().astype(np.uint8) for x in pair) for pair in pairs]


def test_a_flip_mirrors_about_half_of_the_pictures(garments):
    pairs = matched(garments, flip=True)
    mirrored = [np.array_equal(after, before[:, ::-1]) and not np.array_equal(after, before) for before, after in pairs]
    same = [np.array_equal(after, before) for before, after in pairs]
    assert all(m or s for m, s in zip(mirrored, same, strict=True))
    assert 25 < sum(mirrored) < 70  # of 96


def test_a_shift_moves_whole_pictures_and_black_moves_in(garments):
    found = set()
    for before, after in matched(garments, shift=2):
        padded = np.pad(before, 4)
        moves = [
            (down, right)
            for down in range(-2, 3)
            for right in range(-2, 3)
            if np.array_equal(after, padded[4 - down : 32 - down, 4 - right : 32 - right])
        ]
        assert moves, "moved by at most 2 pixels, and by nothing else"
        found.update(moves[:1] if len(moves) == 1 else [])
    assert {down for down, _ in found} == {right for _, right in found} == {-2, -1, 0, 1, 2}
    assert len(found) > 15, "each axis by its own amount"


def test_flip_and_shift_together_leave_the_labels_with_their_pictures(garments):
    plain, varied = batches(garments), batches(garments, flip=True, shift=3)
    assert np.array_equal(np.concatenate([y for _, y in plain]), np.concatenate([y for _, y in varied]))
    assert not np.array_equal(np.concatenate([x for x, _ in plain]), np.concatenate([x for x, _ in varied]))


def test_augmentation_is_the_same_for_the_same_seed_and_epoch_and_differs_between_epochs(garments):
    one = Split(np.repeat(garments.images[:1], 64, axis=0), np.zeros(64, np.uint8))  # the order cannot be seen in these
    stream = [x for x, _ in batches(one, epochs=3, flip=True, shift=3)]
    again = [x for x, _ in batches(one, epochs=3, flip=True, shift=3)]
    resumed = [x for x, _ in batches(one, first_epoch=2, epochs=3, flip=True, shift=3)]
    assert all(np.array_equal(a, b) for a, b in zip(stream, again, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(stream[4:], resumed, strict=True))
    assert len({x.tobytes() for x in stream}) == 6, "every batch of every epoch is varied again"
    other = [x for x, _ in batches(one, seed=2, flip=True, shift=3)]
    assert not np.array_equal(stream[0], other[0])


def joined(stream) -> tuple[np.ndarray, np.ndarray]:
    """The images of a stream as uint8 (n, 28, 28), and their labels."""
    x, y = (np.concatenate(parts) for parts in zip(*stream, strict=True))
    return (x[..., 0] * 255).round().astype(np.uint8), y


def test_a_warp_of_strength_0_changes_nothing(garments):
    pixels = data.scaled(garments.images)
    assert np.array_equal(np.asarray(random_affine(pixels, np.zeros(96, np.float32), [1, 2])), pixels)
    strengths = np.repeat(np.float32([0, 1]), 48)
    warped = np.asarray(random_affine(pixels, strengths, [1, 2]))
    assert np.array_equal(warped[:48], pixels[:48]), "each image has a strength of its own"
    assert not any(np.array_equal(warped[i], pixels[i]) for i in range(48, 96))
    assert warped.min() >= 0 and warped.max() <= 1


def test_a_warp_moves_and_turns_little(garments):
    """A strength of 1 is about 7 degrees and 1.3 pixels."""
    bar = np.zeros((500, 28, 28, 1), np.float32)
    bar[:, 4:24, 13:15] = 1
    warped = np.asarray(random_affine(bar, np.ones(500, np.float32), [3, 4]))[..., 0]
    y, x = np.mgrid[:28, :28]
    weights = warped / warped.sum(axis=(1, 2), keepdims=True)
    across, down = (weights * x).sum(axis=(1, 2)), (weights * y).sum(axis=(1, 2))
    assert across.std() == pytest.approx(1.3, rel=0.2) and across.mean() == pytest.approx(13.5, abs=0.3)
    assert down.std() == pytest.approx(1.3, rel=0.3) and down.mean() == pytest.approx(13.5, abs=0.3)
    dx, dy = x - across[:, None, None], y - down[:, None, None]
    lean = np.rad2deg(np.arctan((weights * dx * dy).sum(axis=(1, 2)) / (weights * dy**2).sum(axis=(1, 2))))
    assert 5 < lean.std() < 11, "the turn and the shear together"
    twice = np.asarray(random_affine(bar, np.full(500, 2, np.float32), [3, 4]))
    assert np.abs(twice - bar).mean() > np.abs(warped[..., None] - bar).mean()


def test_a_warp_leaves_the_labels_with_their_pictures(garments):
    plain, warped = joined(batches(garments)), joined(batches(garments, random_affine=0.2))
    assert np.array_equal(plain[1], warped[1]) and not np.array_equal(plain[0], warped[0])
    far = np.abs(plain[0][:, None].astype(float) - warped[0][None].astype(float)).mean(axis=(2, 3))
    assert (far.argmin(axis=0) == np.arange(96)).mean() > 0.95, "each is still most like the one it was made of"


def test_erasing_blots_out_a_rectangle_of_one_grey_in_a_share_of_the_pictures():
    untouched = 2.0  # no grey has this value
    pictures = np.full((2000, 28, 28, 1), untouched, np.float32)
    erased = np.asarray(random_erasing(pictures, 0.3, [1, 2]))[..., 0]
    hit = [picture for picture in erased if (picture != untouched).any()]
    assert len(hit) / len(erased) == pytest.approx(0.3, abs=0.04)
    for picture in hit:
        blot = picture != untouched
        rows, columns = np.flatnonzero(blot.any(axis=1)), np.flatnonzero(blot.any(axis=0))
        assert blot[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all(), "whole"
        assert blot.sum() == len(rows) * len(columns), "and nothing else"
        assert len(np.unique(picture[blot])) == 1 and 0 <= picture[blot][0] < 1
        assert max(len(rows), len(columns)) <= 3.3 * min(len(rows), len(columns)) + 5
    areas = [(picture != untouched).mean() for picture in hit]
    assert min(areas) > 0.01 and max(areas) < 0.3 and np.mean(areas) == pytest.approx(0.135, abs=0.01)
    assert len({float(picture.max(initial=0, where=picture != untouched)) for picture in hit}) > 0.9 * len(hit)


def test_erasing_leaves_the_labels_and_most_of_the_pictures(garments):
    plain, erased = joined(batches(garments)), joined(batches(garments, random_erasing=0.5))
    assert np.array_equal(plain[1], erased[1])
    changed = [not np.array_equal(a, b) for a, b in zip(plain[0], erased[0], strict=True)]
    assert 0.3 < np.mean(changed) < 0.7


def of_value(value: int, label: int, fraction: float, random_affine: float = 0.0, count: int = 10) -> Source:
    split = Split(np.full((count, 28, 28), value, np.uint8), np.full(count, label, np.uint8))
    return Source(fraction, split, random_affine)


def test_sources_take_their_shares_of_every_batch_and_bring_their_labels():
    split = Split(np.full((4000, 28, 28), 10, np.uint8), np.zeros(4000, np.uint8))
    sources = [of_value(100, 4, 0.3), of_value(200, NO_GARMENT, 0.1)]
    stream = batches(split, 500, sources=sources)
    assert [len(y) for _, y in stream] == [500] * 8, "they take the place of others, they do not come on top"
    values, labels = joined(stream)
    values = values[:, 14, 14]
    shares = [(values == value).mean() for value in (10, 100, 200)]
    assert sum(shares) == pytest.approx(1) and shares == pytest.approx([0.6, 0.3, 0.1], abs=0.025)
    assert {(int(v), int(label)) for v, label in zip(values, labels, strict=True)} == {(10, 0), (100, 4), (200, 255)}
    each = [(x[:, 14, 14, 0] * 255 > 99).mean() for x, _ in stream]
    assert min(each) > 0.3 and max(each) < 0.5, "of every batch"


def test_a_source_brings_all_of_its_pictures_and_the_others_come_once():
    split, other = split_of(200), Split(np.zeros((20, 28, 28), np.uint8), np.arange(20, dtype=np.uint8) % 10)
    other.images[:] = 210 + np.arange(20)[:, None, None]
    values, labels = joined(batches(split, sources=[Source(0.5, other, 0.0)], epochs=3))
    values = values[:, 14, 14].astype(int)
    assert set(values[values >= 210]) == set(range(210, 230))
    assert np.array_equal(labels, np.where(values >= 210, (values - 210) % 10, (values - 1) % 10))
    for epoch in np.split(values, 3):
        own = epoch[epoch < 210]
        assert len(set(own)) == len(own)


def test_each_source_is_warped_by_its_own_strength(garments):
    split = Split(np.zeros((64, 28, 28), np.uint8), np.zeros(64, np.uint8))
    one = Split(garments.images[:1], np.ones(1, np.uint8))
    two = Split(garments.images[1:2], np.full(1, 2, np.uint8))
    pictures, labels = joined(batches(split, sources=[Source(0.4, one, 0.0), Source(0.4, two, 1.0)]))
    assert all(np.array_equal(picture, one.images[0]) for picture in pictures[labels == 1])
    assert len({picture.tobytes() for picture in pictures[labels == 2]}) == (labels == 2).sum() > 5


def test_soft_labels_come_with_their_images_and_sources_bring_their_labels_one_hot():
    split = split_of(200)
    soft = np.random.default_rng(0).dirichlet(np.ones(10), 200).astype(np.float32)
    stream = batches(split, sources=[of_value(210, 4, 0.3), of_value(220, NO_GARMENT, 0.2)], targets=soft)
    values = np.concatenate([(x[:, 14, 14, 0] * 255).round().astype(int) for x, _ in stream])
    learned = np.concatenate([y for _, y in stream])
    own = values < 210
    assert learned.dtype == np.float32 and np.array_equal(learned[own], soft[values[own] - 1])
    assert (learned[values == 210] == np.eye(10)[4]).all() and (learned[values == 220] == 0).all()
    assert 0.35 < own.mean() < 0.65


def test_mixup_blends_the_images_of_all_but_the_last_fifth_of_the_epochs():
    stream = batches(split_of(64), epochs=10, mixup=0.5)
    assert len(stream) == 20 and all(y.shape == (32, 10) and y.sum(1) == pytest.approx(1) for _, y in stream)
    blended = [bool((y.max(axis=1) < 0.999).any()) for _, y in stream]
    assert blended == [True] * 16 + [False] * 4
    x, y = stream[0]
    share = y.max(axis=1)
    alone = (batches(split_of(64), epochs=10)[0][0] * 255).round()
    mixed = share[:, None, None, None] * alone + (1 - share)[:, None, None, None] * alone[::-1]
    apart = y.argmax(axis=1) != y[::-1].argmax(axis=1)  # with an image of its own class the shares add up to 1
    assert x[apart] * 255 == pytest.approx(mixed[apart], abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("mixup", [0.0, 0.3])
def test_a_resumed_stream_goes_on_as_the_uninterrupted_one_with_sources_and_warp(mixup, garments):
    """From (seed, epoch, step) alone: nothing is remembered from the epochs before."""
    sources = [
        Source(0.3, Split(garments.images[::-1].copy(), garments.labels[::-1].copy()), 1.0),
        of_value(9, 255, 0.2),
    ]
    settings = {"sources": sources, "flip": True, "shift": 1, "random_affine": 0.4, "random_erasing": 0.5}
    settings["mixup"] = mixup
    whole = batches(garments, epochs=3, **settings)
    for epoch in (1, 2):
        resumed = batches(garments, first_epoch=epoch, epochs=3, **settings)
        assert len(resumed) == 3 * (3 - epoch)
        for (x, y), (expected_x, expected_y) in zip(resumed, whole[3 * epoch :], strict=True):
            assert np.array_equal(x, expected_x) and np.array_equal(y, expected_y)
    assert len({x.tobytes() for x, _ in whole}) == 9


def test_without_sources_the_stream_has_only_the_dataset():
    values, _ = joined(batches(split_of(100), style_augmentation=0.5, outlier_exposure=0.2, own_images=0.2))
    assert sorted(values[:, 14, 14]) == list(range(1, 101)), "the shares are those of the sources that are there"


def test_evaluation_batches_keep_the_order():
    split = split_of(70)
    stream = [(np.asarray(x), np.asarray(y)) for x, y in data.evaluation_batches(split, 32)]
    assert [x.shape for x, _ in stream] == [(32, 28, 28, 1), (32, 28, 28, 1), (6, 28, 28, 1)]
    assert np.array_equal(np.concatenate([x for x, _ in stream]), data.scaled(split.images))
    assert np.array_equal(np.concatenate([y for _, y in stream]), split.labels)


def test_scaled_pictures_are_float32_between_zero_and_one():
    images = np.zeros((3, 28, 28), np.uint8)
    images[0], images[1] = 255, 51
    pixels = data.scaled(images)
    assert pixels.shape == (3, 28, 28, 1) and pixels.dtype == np.float32
    assert [float(pixels[i].max()) for i in range(3)] == [1.0, pytest.approx(0.2), 0.0]


def test_training_and_prediction_scale_alike():
    split = Split(np.arange(256, dtype=np.uint8)[:252, None, None].repeat(28, 1).repeat(28, 2), np.zeros(252, np.uint8))
    streamed = np.concatenate([x for x, _ in batches(split)])
    assert np.array_equal(np.sort(streamed[:, 0, 0, 0]), data.scaled(split.images)[:, 0, 0, 0])

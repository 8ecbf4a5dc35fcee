"""MNIST and CIFAR-10: from small files that count as theirs, downloaded, damaged, foreign, hostile; and in any size."""

import hashlib
import io
import pickle
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnn import data
from cnn.config import Data
from cnn.data import DataUnavailable, array_cache, own_datasets
from cnn.data.keras_datasets import SHA256
from tests.data.test_datasets import internet  # noqa: F401

MNIST, CIFAR = "mnist.npz", "cifar-10-batches-py-target_archive"
RNG = np.random.default_rng(0)
DIGITS = {
    "x_train": RNG.integers(0, 256, (5_030, 28, 28), np.uint8),
    "y_train": (np.arange(5_030) % 10).astype(np.uint8),
    "x_test": RNG.integers(0, 256, (20, 28, 28), np.uint8),
    "y_test": (np.arange(20) % 10).astype(np.uint8),
}


def npz(**changes) -> bytes:
    file = io.BytesIO()
    np.savez(file, **{**DIGITS, **changes})
    return file.getvalue()


def rows_of(first: int, count: int) -> np.ndarray:
    """uint8 (count, 3072), quickly compressed."""
    return np.random.default_rng(first).integers(0, 256, (count, 24), np.uint8).repeat(128, axis=1)


def batch(first: int, count: int) -> bytes:
    """A batch as CIFAR-10 has them: rows of the red, the green and the blue values, and labels."""
    rows = rows_of(first, count)
    labels = [(first + number) % 10 for number in range(count)]
    return pickle.dumps({b"batch_label": b"x", b"data": rows, b"labels": labels}, protocol=4)


def archive(count: int = 1_006, **files: bytes) -> bytes:
    batches = {f"data_batch_{n}": batch(n, count) for n in range(1, 6)} | {"test_batch": batch(9, 20)}
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz", compresslevel=1) as tar:
        for name, content in {**batches, **files}.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return made.getvalue()


@pytest.fixture(scope="module")
def photos() -> bytes:
    return archive()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "keras"
    (home / "datasets").mkdir(parents=True)
    monkeypatch.setenv("KERAS_HOME", str(home))
    return home / "datasets"


@pytest.fixture
def keep(cache, monkeypatch):
    """Put a file into the cache; its checksum counts as the right one."""

    def put(name: str, content: bytes) -> None:
        (cache / name).write_bytes(content)
        monkeypatch.setitem(SHA256, name, hashlib.sha256(content).hexdigest())

    return put


def test_mnist_is_split_as_fashion_mnist_is(keep):
    keep(MNIST, npz())
    loaded = data.load(Data(dataset="mnist", limit=25))
    assert [split.images.shape for split in (loaded.train, loaded.validation, loaded.test)] == [
        (25, 28, 28),
        (5_000, 28, 28),
        (20, 28, 28),
    ]
    assert np.array_equal(loaded.train.images, DIGITS["x_train"][:25])
    assert np.array_equal(loaded.validation.labels, DIGITS["y_train"][30:])
    assert np.array_equal(loaded.test.images, DIGITS["x_test"]) and loaded.test.labels.dtype == np.uint8


def test_cifar_10_has_its_colours_in_the_last_axis(keep, photos):
    keep(CIFAR, photos)
    loaded = data.load(Data(dataset="cifar-10"))
    assert [split.images.shape for split in (loaded.train, loaded.validation, loaded.test)] == [
        (30, 32, 32, 3),
        (5_000, 32, 32, 3),
        (20, 32, 32, 3),
    ]
    rows = rows_of(1, 1_006)
    assert np.array_equal(loaded.train.images[3, :, :, 2].ravel(), rows[3, 2048:]), "blue"
    assert loaded.train.labels[:5].tolist() == [1, 2, 3, 4, 5] and loaded.test.labels[0] == 9


def test_the_real_files_have_the_checksums_that_keras_asks_for():
    for module, name in (("mnist", MNIST), ("cifar10", CIFAR)):
        source = Path(sys.modules["keras"].datasets.mnist.load_data.__code__.co_filename).with_name(f"{module}.py")
        assert SHA256[name] in source.read_text(encoding="utf-8")


def test_the_second_time_the_file_is_not_read_again(keep, cache, monkeypatch):
    keep(MNIST, npz())
    first = data.load(Data(dataset="mnist"))
    assert isinstance(first.train.images, np.memmap) and not first.train.images.flags.writeable
    with monkeypatch.context() as patch:
        patch.setattr(data.Mnist, "_read", lambda self: pytest.fail("read again"))
        assert np.array_equal(data.load(Data(dataset="mnist")).test.images, first.test.images)
    keep(MNIST, npz(x_test=DIGITS["x_test"] // 2))
    assert np.array_equal(data.load(Data(dataset="mnist")).test.images, DIGITS["x_test"] // 2), "another file"


def test_on_a_full_disk_the_images_are_in_memory(keep, monkeypatch):
    keep(MNIST, npz())
    monkeypatch.setattr(array_cache, "_ROOM", 10**18)
    loaded = data.load(Data(dataset="mnist"))
    assert np.array_equal(loaded.test.images, DIGITS["x_test"]) and not isinstance(loaded.test.images, np.memmap)
    assert not list(own_datasets.root().rglob("*.npy"))


@pytest.mark.parametrize(("name", "title"), [("mnist", "MNIST"), ("cifar-10", "CIFAR-10")])
def test_without_files_and_network_one_sentence_says_what_to_do(cache, internet, name, title):  # noqa: F811
    dataset = data.DATASETS[name]
    assert dataset.missing().startswith(f"{title} is not in Keras's cache yet: the first training downloads 1")
    assert str(cache) in dataset.by_hand()
    with pytest.raises(DataUnavailable) as caught:
        data.load(Data(dataset=name))
    sentence = str(caught.value)
    for part in (f"{title} is not in", str(cache), "Name or service not known", "use the synthetic dataset"):
        assert part in sentence
    assert sentence.count(". ") == 0 and sentence.endswith(".") and "\n" not in sentence


@pytest.mark.parametrize(("dataset", "name"), [("mnist", MNIST), ("cifar-10", CIFAR)])
def test_a_download_ends_in_the_cache(cache, internet, photos, monkeypatch, dataset, name):  # noqa: F811
    content, asked = {MNIST: npz(), CIFAR: photos}[name], []
    monkeypatch.setitem(SHA256, name, hashlib.sha256(content).hexdigest())
    internet(lambda url: asked.append(url) or content)
    assert len(data.load(Data(dataset=dataset)).test.labels) == 20
    assert asked == [data.DATASETS[dataset].source] and data.DATASETS[dataset].missing() == ""
    assert (cache / name).read_bytes() == content


def test_a_download_of_something_else_is_refused(cache, internet):  # noqa: F811
    internet(lambda url: npz())
    with pytest.raises(DataUnavailable, match=r"^mnist\.npz in .* is damaged or not of MNIST: delete it and start"):
        data.load(Data(dataset="mnist"))


DAMAGE = {
    "empty": lambda content: b"",
    "cut off": lambda content: content[: len(content) // 2],
    "changed": lambda content: content[:-40] + bytes(20) + content[-20:],
}


@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize(("dataset", "name"), [("mnist", MNIST), ("cifar-10", CIFAR)])
def test_a_damaged_file_is_named_with_what_to_do(keep, cache, photos, dataset, name, kind):
    content = {MNIST: npz(), CIFAR: photos}[name]
    keep(name, content)
    (cache / name).write_bytes(DAMAGE[kind](content))
    with pytest.raises(DataUnavailable) as caught:
        data.load(Data(dataset=dataset))
    sentence = str(caught.value)
    assert sentence.startswith(f"{name} in {cache} is damaged or not of") and "https://" in sentence


class Hostile:
    def __reduce__(self):
        return exec, ("import pathlib; pathlib.Path('owned').write_text('x')",)


WRONG = {
    "no pickle": b"something else",
    "empty": b"",
    "a list": pickle.dumps([1, 2]),
    "calls something": pickle.dumps({b"data": Hostile(), b"labels": []}),
    "calls something of NumPy": pickle.dumps({b"data": np.random.default_rng, b"labels": []}),
    "no images": pickle.dumps({b"data": [1], b"labels": [1]}, protocol=4),
    "other images": pickle.dumps({b"data": np.zeros((2, 30), np.uint8), b"labels": [1, 2]}, protocol=4),
    "floats": pickle.dumps({b"data": np.zeros((2, 3072)), b"labels": [1, 2]}, protocol=4),
    "fewer labels": pickle.dumps({b"data": np.zeros((2, 3072), np.uint8), b"labels": [1]}, protocol=4),
    "a label too large": pickle.dumps({b"data": np.zeros((1, 3072), np.uint8), b"labels": [10]}, protocol=4),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_batch_that_is_none_is_refused_and_nothing_is_called(keep, tmp_path, monkeypatch, kind):
    """Its checksum is made to count as right: the reader alone refuses it."""
    monkeypatch.chdir(tmp_path)
    keep(CIFAR, archive(1, data_batch_3=WRONG[kind]))
    with pytest.raises(DataUnavailable, match="damaged or not of CIFAR-10"):
        data.load(Data(dataset="cifar-10"))
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    "changes",
    [{"x_train": np.zeros((5_030, 27, 28), np.uint8)}, {"y_test": np.full(20, 10, np.uint8)}, {"y_test": np.zeros(3)}],
)
def test_other_arrays_are_refused(keep, changes):
    keep(MNIST, npz(**changes))
    with pytest.raises(DataUnavailable, match="damaged or not of MNIST"):
        data.load(Data(dataset="mnist"))


# ---------------------------------------------------------------- in another size, in other colours


@pytest.mark.parametrize(("size", "channels", "shape"), [((40, 24), 3, (40, 24, 3)), ((16, 16), 1, (16, 16))])
@pytest.mark.parametrize("name", ["synthetic", "cifar-10"])
def test_any_dataset_comes_in_any_size(keep, photos, draw_once, name, size, channels, shape):
    keep(CIFAR, photos)
    config = Data(dataset=name, limit=100 if name == "synthetic" else 10, image_size=size, channels=channels)
    plain, resized = data.load(Data(dataset=name, limit=config.limit)), data.load(config)
    mode = "RGB" if channels == 3 else "L"
    for split in ("train", "validation", "test"):
        before, after = getattr(plain, split), getattr(resized, split)
        assert after.images.shape == (len(before.labels), *shape) and after.images.dtype == np.uint8
        assert np.array_equal(after.labels, before.labels) and isinstance(after.images, np.memmap)
        image = Image.fromarray(before.images[7]).convert(mode)
        expected = np.asarray(image.resize(size[::-1], Image.Resampling.BICUBIC))
        assert np.array_equal(after.images[7], expected)
    assert data.dataset_of(config).card == config.card and config.card.input_shape == (*size, channels)
    assert data.dataset_of(Data(dataset=name)) is data.DATASETS[name]


@pytest.mark.parametrize("name", ["mnist", "cifar-10", "synthetic"])
@pytest.mark.parametrize("size", [None, (20, 24)])
def test_the_lines_of_a_script_have_the_very_same_images(keep, photos, draw_once, tmp_path, name, size):
    if size is None and name == "synthetic":
        pytest.skip("test_keras_script.py has it")
    keep(CIFAR, photos)
    keep(MNIST, npz())
    config = Data(dataset=name, limit=100 if name == "synthetic" else 12, image_size=size)
    script, loaded = data.dataset_of(config).script(config.limit), data.load(config)
    digits, (pairs, test) = DIGITS, _cifar()
    mnist = (digits["x_train"], digits["y_train"]), (digits["x_test"], digits["y_test"])
    given = {"mnist": lambda: mnist, "cifar10": lambda: (pairs, test)}
    made: dict = {"keras": _Keras(given), "np": np}
    if script.copied:
        exec(f"from {script.copied} import *", made)
    exec("\n".join([*script.imports, *script.lines]), made)
    for split in ("train", "validation", "test"):
        assert np.array_equal(made[f"{split}_images"], getattr(loaded, split).images), split
        assert np.array_equal(made[f"{split}_labels"], getattr(loaded, split).labels), split


def _cifar():
    """As Keras returns them, with labels (n, 1)."""
    batches = [pickle.loads(batch(n, 1_006)) for n in range(1, 6)]
    test = pickle.loads(batch(9, 20))

    def both(each):
        rows = np.concatenate([one[b"data"] for one in each])
        labels = np.concatenate([np.array(one[b"labels"], np.uint8) for one in each])
        return rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), labels[:, None]

    return both(batches), both([test])


class _Keras:
    """Stands in for `keras` in a script: its datasets give these arrays."""

    def __init__(self, given):
        self.datasets = type("datasets", (), {})()
        for name, load in given.items():
            setattr(self.datasets, name, type("module", (), {"load_data": staticmethod(load)}))


@pytest.mark.slow
def test_keras_reads_the_same_archive_from_the_same_place(keep, cache, photos, tmp_path):
    """What the program keeps is what an exported script finds; its checksum is another, so the download is refused."""
    keep(CIFAR, photos)
    code = (
        "import keras, sys; keras.src.datasets.cifar10.get_file.__globals__['validate_file'] = lambda *a, **k: True\n"
        "try: keras.datasets.cifar10.load_data()\n"
        "except ValueError as error: print(str(error)[:60])"  # Keras knows only batches of 10,000
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert "could not broadcast" in done.stdout, done.stdout + done.stderr

"""The synthetic clothes: repeatable, balanced, varied, framed like Fashion-MNIST, and tellable apart."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cnn.data import synthetic

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def train() -> tuple[np.ndarray, np.ndarray]:
    return synthetic.dataset(1000, 7, "train")


@pytest.fixture(scope="module")
def test() -> tuple[np.ndarray, np.ndarray]:
    return synthetic.dataset(500, 7, "test")


def test_pictures_and_labels_have_fashion_mnist_format(train):
    images, labels = train
    assert images.shape == (1000, 28, 28) and images.dtype == np.uint8
    assert labels.shape == (1000,) and labels.dtype == np.uint8
    assert images.min() == 0 and images.max() > 230


def test_the_same_call_gives_the_same_bytes():
    first, second = synthetic.dataset(60, 3, "train"), synthetic.dataset(60, 3, "train")
    assert first[0].tobytes() == second[0].tobytes()
    assert first[1].tobytes() == second[1].tobytes()


def test_another_process_gives_the_same_bytes():
    code = "from cnn.data import synthetic; print(synthetic.dataset(20, 3, 'test')[0].tobytes().hex())"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == synthetic.dataset(20, 3, "test")[0].tobytes().hex()


@pytest.mark.parametrize("n", [1, 10, 37])
def test_a_smaller_set_is_a_prefix_of_a_larger_one(train, n):
    images, labels = synthetic.dataset(n, 7, "train")
    assert np.array_equal(images, train[0][:n])
    assert np.array_equal(labels, train[1][:n])


def test_no_pictures_is_an_empty_set():
    images, labels = synthetic.dataset(0, 1, "test")
    assert images.shape == (0, 28, 28) and labels.shape == (0,)


def test_seeds_and_splits_share_no_picture(train, test):
    parts = [train[0][:500], test[0], synthetic.dataset(500, 7, "validation")[0]]
    parts.append(synthetic.dataset(500, 8, "train")[0])
    assert len({image.tobytes() for part in parts for image in part}) == 2000


def test_classes_are_balanced_and_shuffled(train):
    labels = train[1]
    assert np.bincount(labels).tolist() == [100] * 10
    assert np.ptp(np.bincount(labels[:37], minlength=10)) <= 1
    assert not np.array_equal(labels[:10], labels[10:20])


@pytest.mark.parametrize("label", range(10))
def test_every_class_is_varied(label):
    rng = np.random.default_rng(label)
    images = np.stack([synthetic.draw(label, rng) for _ in range(200)]).reshape(200, -1) / 255
    assert len(np.unique(images, axis=0)) == 200
    square = (images**2).sum(1)
    distance = np.sqrt(np.maximum(square[:, None] + square[None, :] - 2 * images @ images.T, 0) / images.shape[1])
    apart = distance[np.triu_indices(200, 1)]  # root mean square difference of a pair, 1 is black against white
    assert apart.min() > 0.02 and np.median(apart) > 0.15  # measured: at least 0.036 and 0.206


def test_a_garment_fills_a_black_frame(train):
    cloth = train[0] > 0
    height, width = cloth.any(2).sum(1), cloth.any(1).sum(1)
    assert np.maximum(height, width).min() >= 26
    rows, columns = np.arange(28) * cloth.any(2), np.arange(28) * cloth.any(1)
    low = np.stack([cloth.any(2).argmax(1), cloth.any(1).argmax(1)])
    high = np.stack([rows.max(1), columns.max(1)])
    assert np.abs((low + high) / 2 - 13.5).max() <= 1.5  # centred
    assert (~cloth[:, [0, 0, -1, -1], [0, -1, 0, -1]]).mean() > 0.9  # corners
    border = np.concatenate([cloth[:, 0], cloth[:, -1], cloth[:, :, 0], cloth[:, :, -1]], 1)
    assert border.mean() < 0.3


def test_tones_resemble_fashion_mnist(train):
    assert 0.24 < train[0].mean() / 255 < 0.34  # Fashion-MNIST: 0.286
    assert 0.45 < (train[0] == 0).mean() < 0.6  # Fashion-MNIST: 0.502


@pytest.mark.parametrize("label", range(10))
def test_size_changes_the_resolution_and_not_the_garment(label):
    small = synthetic.draw(label, np.random.default_rng(label)).astype(float)
    large = synthetic.draw(label, np.random.default_rng(label), size=140)
    assert large.shape == (140, 140) and large.dtype == np.uint8
    reduced = large.reshape(28, 5, 28, 5).mean((1, 3))
    assert np.corrcoef(small.ravel(), reduced.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("label", [-1, 10, 2.5])
def test_an_unknown_label_is_refused(label):
    with pytest.raises(ValueError, match=f"label is {label}"):
        synthetic.draw(label, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((-1, 0, "train"), "n is -1"), ((1, -2, "train"), "seed is -2"), ((1, 0, "dev"), "split is 'dev'")],
)
def test_impossible_sets_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        synthetic.dataset(*arguments)


def test_a_linear_model_tells_the_classes_apart_but_not_perfectly(train, test):
    x, unseen = (np.c_[images.reshape(len(images), -1) / 255, np.ones(len(images))] for images, _ in (train, test))
    weights = np.linalg.solve(x.T @ x + 30 * np.eye(785), x.T @ np.eye(10)[train[1]])
    accuracy = ((unseen @ weights).argmax(1) == test[1]).mean()
    assert 0.72 < accuracy < 0.92  # ridge regression on six seeds: 0.80 to 0.85; chance is 0.1

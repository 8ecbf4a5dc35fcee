"""Planted duplicates are found exactly, in images of any size, and counted by where they are."""

import numpy as np
import pytest

from cnn import data
from cnn.config import Data
from cnn.evaluation import dataset_findings, duplicates
from cnn.evaluation.duplicates import Pairs, finding
from tests.evaluation.test_robustness import finished


def brute_force(images: np.ndarray, near: float) -> dict[tuple[int, int], tuple[float, bool]]:
    """All pairs, each compared for itself."""
    found = {}
    values = images.astype(float)
    for i in range(len(images)):
        for j in range(i + 1, len(images)):
            plain, turned = (
                float(np.sqrt(np.square(values[i] - other).mean())) for other in (values[j], values[j][:, ::-1])
            )
            if min(plain, turned) < near:
                found[i, j] = (min(plain, turned), turned < plain)
    return found


def as_dict(pairs: Pairs) -> dict[tuple[int, int], tuple[float, bool]]:
    rows = zip(pairs.first, pairs.second, pairs.distance, pairs.mirrored, strict=True)
    return {(int(a), int(b)): (pytest.approx(float(distance), abs=1e-4), bool(m)) for a, b, distance, m in rows}


@pytest.mark.parametrize("shape", [(28, 28), (32, 20, 3), (6, 5, 1)], ids=str)
def test_planted_pairs_are_found_and_no_others(shape, monkeypatch):
    monkeypatch.setattr(duplicates, "_BLOCK", 17)  # pairs lie within blocks and across them
    chance = np.random.default_rng(8)
    images = chance.integers(0, 256, (70, *shape)).astype(np.uint8)
    images[40] = images[3]
    images[41] = images[3][:, ::-1]
    images[69] = np.clip(images[20].astype(int) + chance.integers(-3, 4, shape), 0, 255)
    images[50] = images[51] = 0
    images[52] = 12
    pairs, fractions = finished(finding(images, 12.5))
    expected = brute_force(images, 12.5)
    assert as_dict(pairs) == expected
    assert {(3, 40), (3, 41), (40, 41), (20, 69), (50, 51), (50, 52), (51, 52)} == set(expected)
    assert pairs.count == len(pairs) == 7
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    assert pairs.distance.tolist() == sorted(pairs.distance)
    exact = {(int(a), int(b)) for a, b in zip(pairs.first[pairs.exact], pairs.second[pairs.exact], strict=True)}
    assert exact == {(3, 40), (50, 51)}, "a mirror image is not the same pixels"


def test_only_the_closest_are_listed_but_all_are_counted(monkeypatch):
    monkeypatch.setattr(duplicates, "MOST", 10)
    monkeypatch.setattr(duplicates, "_BLOCK", 8)
    images = np.zeros((30, 4, 4), np.uint8)
    images[:20] += np.arange(20, dtype=np.uint8)[:, None, None]  # those from 20 on are black
    pairs, _ = finished(finding(images, 3))
    assert len(pairs) == 10 and pairs.count == len(brute_force(images, 3)) and (pairs.distance == 0).all()


def splits() -> data.Splits:
    chance = np.random.default_rng(2)

    def split(count: int) -> data.Split:
        return data.Split(chance.integers(0, 256, (count, 32, 20, 3)).astype(np.uint8), np.zeros(count, np.uint8))

    train, validation, test = split(30), split(10), split(20)
    test.images[4], test.labels[4] = train.images[7], 3
    test.images[5] = np.clip(train.images[8].astype(int) + 2, 0, 255)
    test.images[6] = validation.images[1]
    train.images[9] = train.images[10]
    return data.Splits(train, validation, test)


def test_pairs_are_counted_by_their_splits():
    of = duplicates.everything(splits())
    pairs, _ = finished(finding(of.images))
    counts = {kind: (one.exact, one.near, one.other_label) for kind, one in duplicates.counts(pairs, of).items()}
    assert counts == {
        ("train", "train"): (1, 0, 0),
        ("train", "validation"): (0, 0, 0),
        ("train", "test"): (1, 1, 1),
        ("validation", "validation"): (0, 0, 0),
        ("validation", "test"): (1, 0, 0),
        ("test", "test"): (0, 0, 0),
    }
    assert duplicates.twins(pairs, of, exact=True).tolist() == [4, 6]
    assert duplicates.twins(pairs, of).tolist() == [4, 5, 6]
    assert len(pairs.within(1.0)) == 3


def test_what_is_found_is_kept_with_the_images():
    config, mine = Data(dataset="synthetic"), splits()
    place = dataset_findings.folder(config, mine)
    assert dataset_findings.kept_pairs(place, 8.0) is None
    pairs, _ = finished(finding(duplicates.everything(mine).images, 8.0))
    dataset_findings.keep_pairs(place, pairs, 8.0)
    again = dataset_findings.kept_pairs(place, 8.0)
    for name in ("first", "second", "distance", "mirrored"):
        np.testing.assert_array_equal(getattr(again, name), getattr(pairs, name))
    assert again.count == pairs.count
    assert dataset_findings.kept_pairs(place, 9.0) is None, "searched for less far"
    mine.test.labels[0] = 1
    assert dataset_findings.folder(config, mine) != place, "another label makes another dataset"
    (place / "duplicates.npz").write_bytes(b"half")
    assert dataset_findings.kept_pairs(place, 8.0) is None


def test_large_photos_on_disk_are_compared_reduced_and_in_their_proportions(tmp_path):
    chance = np.random.default_rng(5)
    small = chance.integers(0, 256, (12, 12, 16, 3)).astype(np.uint8)
    small[7] = small[2]
    small[9] = small[4][:, ::-1]
    np.save(tmp_path / "images.npy", small.repeat(10, axis=1).repeat(10, axis=2))
    images = np.load(tmp_path / "images.npy", mmap_mode="r")
    labels = np.arange(12).astype(np.uint8)
    whole = duplicates.everything(
        data.Splits(*(data.Split(images[part], labels[part]) for part in (slice(6), slice(6, 9), slice(9, 12))))
    )
    assert whole.reduced and whole.images.shape == (12, 36, 48, 3) and whole.images.nbytes < images.nbytes / 10
    pairs, _ = finished(finding(whole.images))
    assert as_dict(pairs) == {(2, 7): (0.0, False), (4, 9): (0.0, True)}


def test_what_is_found_of_a_folder_of_ones_own_is_kept_beside_the_runs(runs_folder):
    splits = data.Splits(*(data.Split(np.zeros((2, 16, 16, 3), np.uint8), np.array([0, 1], np.uint8)),) * 3)
    own = Data(dataset="/home/ada/Meine Hüte 🎩", classes=("a", "b"), image_size=(16, 16))
    place = dataset_findings.folder(own, splits)
    assert place.parent == runs_folder / ".found" and place.name.startswith("dataset.Meine-Hüte-.")

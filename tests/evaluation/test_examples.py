"""Images kept with a run of any dataset: small ones as arrays, large ones as JPEG; what is damaged is none."""

from math import prod

import keras
import numpy as np
import pytest

from cnn import data
from cnn.evaluation import examples
from cnn.evaluation.examples import copy_reference, read_examples, read_reference, write_examples, write_reference
from cnn.evaluation.kept_images import as_jpeg, packed
from cnn.evaluation.metrics import predict
from cnn.networks.load import load, with_features
from tests.any_run import HATS, random_split, untrained

LARGE = HATS | {"image_size": [96, 128]}
GREY = LARGE | {"channels": 1}


@pytest.mark.parametrize("data_", [HATS, LARGE, GREY, {"dataset": "cifar-10"}], ids=["small", "large", "grey", "cifar"])
def test_what_is_written_can_be_read(data_):
    run = untrained(data_)
    split, model = random_split(run, per_class=6), load(run)
    write_examples(run.path, model, split)
    kept = read_examples(run)
    order = np.lexsort([np.arange(len(split.labels)), split.labels])
    assert np.array_equal(kept.labels, split.labels[order]) and kept.images.dtype == np.uint8
    assert kept.images.shape == (len(order), *split.images.shape[1:])
    assert np.abs(kept.images.astype(int) - split.images[order]).mean() < (
        25 if prod(split.images[0].shape) > 4096 else 1e-9
    ), "two random images differ by 85"
    assert kept.probabilities == pytest.approx(predict(model, kept.images), abs=1e-6), "of the images that are kept"
    write_reference(run.path, split, False, 0, model)
    reference = read_reference(run)
    if reference.features is None:
        assert np.array_equal(np.sort(reference.labels), np.sort(split.labels))
        assert reference.images.shape[1:] == split.images.shape[1:]
    else:
        assert reference.images.shape == (18, 48, 64, *split.images.shape[3:])
        expected = with_features(model).predict_on_batch(data.scaled(split.images))[1]
        assert reference.features == pytest.approx(expected, rel=2e-3, abs=2e-3)
        small = split.images.reshape(18, 48, 2, 64, 2, -1).mean(axis=(2, 4)).reshape(reference.images.shape)
        assert np.abs(small - reference.images).mean() < 30


def test_files_stay_small_with_many_classes_and_every_class_comes_before_a_second_image(monkeypatch):
    run = untrained({**LARGE, "classes": [f"class {number}" for number in range(40)]})
    split, model = random_split(run, per_class=12), load(run)
    monkeypatch.setattr(examples, "_EXAMPLES_BYTES", 400_000)
    write_examples(run.path, model, split)
    counts = np.bincount(read_examples(run).labels, minlength=40)
    assert counts.max() - counts.min() <= 1 and 1 <= counts.max() < 10
    assert 300_000 < (run.path / "examples.npz").stat().st_size < 420_000
    write_reference(run.path, split, False, 0, model)
    reference = read_reference(run)
    counts = np.bincount(reference.labels, minlength=40)
    width = reference.features.shape[1]
    assert len(reference.labels) == 2_000_000 // (2 * width + 3000) and counts.max() - counts.min() == 1
    assert (run.path / "reference.npz").stat().st_size < 2_000_000


def test_small_colour_references_are_fewer_for_their_size():
    run = untrained({"dataset": "cifar-10"})
    write_reference(run.path, random_split(run, per_class=100), False, 0, load(run))
    assert np.bincount(read_reference(run).labels).tolist() == [2_000_000 // 30_720] * 10


def test_an_edited_network_gets_no_features_of_another():
    for data_, is_kept in ((LARGE, False), ({"dataset": "mnist"}, True)):
        run, other = untrained(data_), untrained(data_, seed=2)
        write_reference(run.path, random_split(run), False, 0, load(run))
        copy_reference(run, other.path)
        assert (read_reference(other) is not None) == is_kept and read_reference(run) is not None


def damaged(split: data.Split, **changed) -> dict[str, np.ndarray]:
    """Examples of twelve large images, with some arrays replaced."""
    arrays = packed([as_jpeg(image, 92) for image in split.images])
    return {**arrays, "labels": split.labels, "probabilities": np.full((12, 3), 1 / 3, np.float32), **changed}


def bad_arrays(split: data.Split) -> dict[str, dict[str, np.ndarray]]:
    good = damaged(split)
    ends, content = good["offsets"], good["jpeg"]
    grey = packed([as_jpeg(image[..., 0], 92) for image in split.images])
    small = packed([as_jpeg(image[:50], 92) for image in split.images])
    huge = content.copy()
    start = np.flatnonzero((content[:-1] == 0xFF) & (content[1:] == 0xC0))[0]
    huge[start + 5 : start + 9] = 255  # the first file says that it is 65,535 pixels wide and high
    cut = content.copy()
    cut[ends[3] + 200 : ends[4]] = 0
    png = np.frombuffer(b"\x89PNG\r\n\x1a\n" + bytes(200), np.uint8)
    return {
        "grey files": grey,
        "smaller files": small,
        "a huge file": {"jpeg": huge},
        "no JPEG": {"jpeg": np.tile(png, 12), "offsets": np.arange(13) * len(png)},
        "offsets backwards": {"offsets": ends[::-1].copy()},
        "offsets beyond": {"offsets": ends + 5},
        "negative offsets": {"offsets": np.r_[0, -1, ends[2:]]},
        "offsets as floats": {"offsets": ends.astype(float)},
        "one file fewer": {"offsets": ends[1:]},
        "labels of no class": {"labels": np.full(12, 3, np.uint8)},
        "negative labels": {"labels": np.full(12, -1)},
        "labels as floats": {"labels": np.zeros(12)},
        "ten answers": {"probabilities": np.zeros((12, 10), np.float32)},
        "an array of other images": {"images": split.images[:, :5]},
        "objects": {"offsets": np.array([{}] * 13)},
    }


BAD = [
    *("grey files", "smaller files", "a huge file", "no JPEG", "offsets backwards", "offsets beyond"),
    *("negative offsets", "offsets as floats", "one file fewer", "labels of no class", "negative labels"),
    *("labels as floats", "ten answers", "an array of other images", "objects"),
]


@pytest.fixture(scope="module")
def large() -> data.Split:
    rng = np.random.default_rng(0)
    return data.Split(rng.integers(0, 256, (12, 96, 128, 3), np.uint8), np.arange(12, dtype=np.uint8) % 3)


@pytest.mark.parametrize("kind", BAD)
def test_what_does_not_fit_the_dataset_is_none(kind, large):
    run = untrained(LARGE)
    np.savez_compressed(run.path / "examples.npz", **damaged(large))
    assert len(read_examples(run).labels) == 12
    np.savez_compressed(run.path / "examples.npz", **damaged(large, **bad_arrays(large)[kind]))
    assert read_examples(run) is None


def test_the_kinds_of_damage_are_all_tried(large):
    assert sorted(bad_arrays(large)) == sorted(BAD)


@pytest.mark.parametrize("features", [None, np.zeros((11, 4), np.float16), np.full((12, 4), np.nan, np.float16)])
def test_a_reference_without_its_features_is_none(features, large):
    run = untrained(LARGE)
    thumbnails = packed([as_jpeg(image[::2, ::2], 85) for image in large.images])
    arrays = {**thumbnails, "labels": large.labels}
    np.savez_compressed(run.path / "reference.npz", **arrays, features=np.ones((12, 4), np.float16))
    assert read_reference(run).features.shape == (12, 4)
    np.savez_compressed(run.path / "reference.npz", **arrays, **({} if features is None else {"features": features}))
    assert read_reference(run) is None
    keras.utils.clear_session(free_memory=False)

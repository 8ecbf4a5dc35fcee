"""Digests of a split's images: the same for the same pixels, and worked out once for an array that lies on disk."""

import numpy as np

from cnn.evaluation import pixels


def test_the_same_pixels_have_the_same_digest_in_memory_and_on_disk(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (300, 40, 30, 3), np.uint8)
    np.save(tmp_path / "images.npy", images)
    on_disk = np.load(tmp_path / "images.npy", mmap_mode="r")
    assert pixels.digest(on_disk) == pixels.digest(images)
    other = images.copy()
    other[299, 39, 29, 2] ^= 1
    assert pixels.digest(other) != pixels.digest(images)
    assert pixels.digest(images.reshape(300, 30, 40, 3)) != pixels.digest(images), "another shape is another image"


def test_a_result_is_remembered_as_long_as_its_array_is_in_use():
    images, calls = np.zeros((300, 40, 30, 3), np.uint8), []

    def count(array: np.ndarray) -> int:
        calls.append(len(array))
        return len(calls)

    assert [pixels.once("count", images, count) for _ in range(3)] == [1, 1, 1]
    assert pixels.once("count", images.copy(), count) == 2, "another array is asked about for itself"
    place = "count", id(images)
    assert place in pixels._known
    del images
    assert place not in pixels._known

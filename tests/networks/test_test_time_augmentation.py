"""Several looks at one image: what they are, and that their answers find back to it."""

import numpy as np

from cnn import data
from cnn.networks import test_time_augmentation


def picture(row: int, column: int) -> np.ndarray:
    pixels = np.zeros((28, 28, 1), np.float32)
    pixels[row - 2 : row + 3, column - 2 : column + 3] = 1
    return pixels


def centre(pixels: np.ndarray) -> tuple[float, float]:
    rows, columns = np.mgrid[0:28, 0:28]
    return (rows * pixels[..., 0]).sum() / pixels.sum(), (columns * pixels[..., 0]).sum() / pixels.sum()


def test_the_first_look_is_the_picture_itself_and_the_second_its_mirror_image():
    pixels = np.stack([picture(6, 8), picture(20, 15), picture(10, 20)])
    looks = test_time_augmentation.augment(pixels)
    assert looks.shape == (test_time_augmentation.COUNT * 3, 28, 28, 1) and looks.dtype == np.float32
    assert np.array_equal(looks[:3], pixels) and np.array_equal(looks[3:6], pixels[:, :, ::-1])


def test_the_other_looks_are_turned_and_squeezed_about_the_middle():
    middle = test_time_augmentation.augment(np.full((1, 28, 28, 1), 0) + picture(14, 14) + picture(13, 13))
    assert all(np.allclose(centre(look), (13.5, 13.5), atol=0.1) for look in middle)
    corner = test_time_augmentation.augment(picture(6, 6)[None])
    places = {tuple(np.round(centre(look), 1)) for look in corner}
    assert len(places) == test_time_augmentation.COUNT, "no two looks are the same"
    assert all(np.hypot(row - 6, min(column - 6, 21 - column, key=abs)) < 2.5 for row, column in places)


def test_the_mean_is_taken_over_the_looks_at_the_same_picture():
    answers = np.zeros((test_time_augmentation.COUNT, 3, 10), np.float32)
    answers[:, 0, 1] = 1
    answers[: test_time_augmentation.COUNT // 2, 1, 4] = 1
    answers[test_time_augmentation.COUNT // 2 :, 1, 5] = 1
    answers[:, 2] = 0.1
    mean = test_time_augmentation.average(answers.reshape(-1, 10))
    assert mean.shape == (3, 10)
    assert mean[0, 1] == 1 and mean[1, 4] == mean[1, 5] == 0.5 and np.allclose(mean[2], 0.1)


def test_images_are_predicted_part_by_part_each_by_the_mean_over_its_views(monkeypatch):
    class BrightestRow:
        def predict_on_batch(self, pixels: np.ndarray) -> np.ndarray:
            return pixels.mean(axis=(2, 3))

    images = np.random.default_rng(1).integers(0, 256, (5, 28, 28), np.uint8)
    whole = test_time_augmentation.predict(BrightestRow(), images)
    views = test_time_augmentation.augment(data.scaled(images)).mean(axis=(2, 3)).reshape(-1, 5, 28)
    assert whole.shape == (5, 28) and np.allclose(whole, views.mean(axis=0), atol=1e-6)
    monkeypatch.setattr(test_time_augmentation, "_AT_ONCE", 2)
    assert np.allclose(test_time_augmentation.predict(BrightestRow(), images), whole, atol=1e-6)

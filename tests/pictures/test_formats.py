"""An image becomes the input of any network: of digits, of photos in any size, of clothes in another size."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from cnn.config.datasets import CIFAR_10, FASHION_MNIST, MNIST, own_dataset
from cnn.data import synthetic
from cnn.pictures import WHOLE, UnreadableImage, mapped_back, readings
from cnn.pictures.photo import photo

SMALL = own_dataset("Hats", ("hat", "skirt"), (20, 30, 3))
LARGE_CLOTHES = replace(FASHION_MNIST, input_shape=(64, 48, 3))
GRID = np.random.default_rng(5)


def digit(ink="black", paper="white", size=(300, 400), width=None, text="4") -> Image.Image:
    """A figure in a corner of a sheet, in the built-in type or as two lines of a pen (width in pixels)."""
    image = Image.new("RGB", size, paper)
    pen = ImageDraw.Draw(image)
    if width:
        pen.line([(60, 60), (60, 200), (150, 200)], fill=ink, width=width)
        pen.line([(120, 100), (120, 260)], fill=ink, width=width)
    else:
        pen.text((40, 30), text, fill=ink, font=ImageFont.load_default(240))
    return image


def one(image, card, **options) -> readings.Reading:
    (found,) = readings.of_picture(image, card=card, **options)
    return found


def whole(reading: readings.Reading, shape) -> np.ndarray:
    """The pixels of a reading that has the shape and is shown as it is."""
    pixels = reading.seen.pixels
    assert pixels.shape == shape and pixels.dtype == np.float32 and not pixels.flags.writeable
    assert pixels.min() >= 0 and pixels.max() <= 1
    shown = np.asarray(reading.seen.steps[-1].image, np.float32).reshape(shape) / 255
    assert np.abs(shown - pixels).max() < 0.003
    assert reading.weight == 1 and all(step.explanation.endswith(".") for step in reading.seen.steps)
    return pixels


# ---------------------------------------------------------------- photos


@pytest.mark.parametrize("shape", [(20, 30, 3), (224, 224, 3), (48, 32, 1), (16, 16, 1)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "CMYK", "1"])
def test_a_photo_is_brought_to_the_size_in_its_colours(shape, mode):
    given = Image.fromarray(GRID.integers(0, 255, (120, 160, 3), np.uint8)).convert(mode)
    card = own_dataset("Hats", ("hat", "skirt"), shape)
    found = one(given, card, notes=("It was turned.",))
    pixels = whole(found, shape)
    expected = photo(given.convert("RGB"), shape[:2], shape[2]).reshape(shape)
    assert np.abs(pixels * 255 - expected).max() <= 1
    assert [step.name for step in found.seen.steps] == ["Original", f"{shape[0]} × {shape[1]}"]
    assert found.name == readings.PHOTO and found.seen.notes == ("It was turned.",) and found.seen.frame == WHOLE


@pytest.mark.parametrize("shape", [(32, 32, 3), (20, 30, 3), (32, 32, 1)])
def test_an_image_of_the_dataset_is_its_own_photo(shape):
    array = GRID.integers(0, 255, shape, np.uint8)
    array = array if shape[2] == 3 else array[..., 0]
    found = one(array, own_dataset("Hats", ("hat", "skirt"), shape))
    assert np.array_equal(np.rint(whole(found, shape) * 255), array.reshape(shape))


def test_one_colour_is_a_photo_too_but_not_a_shape():
    plain = Image.new("RGB", (60, 60), "#336699")
    assert np.allclose(one(plain, SMALL).seen.pixels, np.array([0x33, 0x66, 0x99]) / 255, atol=1e-6)
    for card in (MNIST, FASHION_MNIST):
        with pytest.raises(UnreadableImage, match="one plain colour"):
            readings.of_picture(plain, card=card)


@pytest.mark.parametrize("size", [(90, 60), (60, 90), (300, 40), (40, 300)])
def test_a_map_over_a_photo_lies_on_the_same_things_of_the_original(size):
    """A bright square in one quarter: the map of the input's brightness, mapped back, is brightest there."""
    width, height = size
    image = Image.new("RGB", size)
    ImageDraw.Draw(image).rectangle((width // 2, height // 2, width - width // 8, height - height // 8), "white")
    seen = one(image, SMALL).seen
    back = mapped_back(seen.pixels.mean(axis=-1), seen.frame, size)
    assert back.shape == (height, width)
    original = np.asarray(image.convert("L"), np.float32) / 255
    assert np.corrcoef(back.ravel(), original.ravel())[0, 1] > 0.8
    assert (seen.frame == WHOLE) == (size == (90, 60)), "the others are filled up"


def test_a_drawing_is_a_photo_of_black_on_white():
    rgba = np.zeros((280, 280, 4), np.uint8)
    rgba[100:180, 100:180, 3] = 255
    (found,) = readings.of_canvas(rgba, card=CIFAR_10)
    pixels = whole(found, (32, 32, 3))
    assert pixels[0, 0] == pytest.approx([1, 1, 1]) and pixels[16, 16] == pytest.approx([0, 0, 0], abs=0.01)
    with pytest.raises(UnreadableImage, match="Nothing is drawn yet"):
        readings.of_canvas(None, card=CIFAR_10)


# ---------------------------------------------------------------- digits


@pytest.mark.parametrize(
    "image",
    [digit(), digit("white", "black"), digit("#203080", "#e0ddd0"), digit(width=4), digit(width=30), digit(text="7")],
    ids=["black", "white on black", "blue on cream", "thin pen", "bold pen", "another"],
)
def test_a_digit_is_as_mnists_are(image):
    pixels = whole(one(image, MNIST), (28, 28, 1))[..., 0]
    rows, columns = np.nonzero(pixels > 0.3)
    assert 19 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 20, "the longest edge"
    grid = np.mgrid[:28, :28] + 0.5
    assert (grid * pixels).sum(axis=(1, 2)) / pixels.sum() == pytest.approx([14, 14], abs=0.8), "the centre of mass"
    assert pixels.max() == pytest.approx(1) and pixels[0].max() == 0
    assert 0.06 < pixels.mean() < 0.25, "MNIST's mean is 0.13"


def test_a_thin_pen_is_thickened_and_the_step_says_so():
    names = [step.name for step in one(digit(width=3), MNIST).seen.steps]
    assert names == ["Original", "Shape", "Stroke width", "28 × 28"]
    assert "Stroke width" not in [step.name for step in one(digit(width=40), MNIST).seen.steps]


def test_the_frame_of_a_digit_is_where_it_was():
    seen = one(digit(width=30), MNIST).seen
    back = mapped_back(seen.pixels[..., 0], seen.frame, (300, 400))
    ink = np.asarray(digit(width=30).convert("L")) < 128
    assert back[ink].mean() > 0.8 and back[~ink].mean() < 0.1


def test_an_image_of_mnist_is_used_unchanged():
    image = np.zeros((28, 28), np.uint8)
    image[6:22, 12:15] = 200
    found = one(image, MNIST)
    assert np.array_equal(whole(found, (28, 28, 1))[..., 0] * 255, image) and found.name == "MNIST's format"


def test_a_digit_in_another_size_and_in_colour():
    pixels = whole(one(digit(), replace(MNIST, input_shape=(40, 56, 3))), (40, 56, 3))
    assert np.array_equal(pixels[..., 0], pixels[..., 2]) and np.ptp(np.nonzero(pixels[..., 0] > 0.3)[0]) + 1 in (
        28,
        29,
    )


# ---------------------------------------------------------------- clothes in another size


def test_a_garment_in_another_size_is_read_as_ever_then_resized():
    image = Image.fromarray(255 - synthetic.draw(3, np.random.default_rng(1), size=140))
    usual, other = (readings.of_picture(image, card=card) for card in (FASHION_MNIST, LARGE_CLOTHES))
    assert [(r.name, r.weight, r.seen.frame) for r in usual] == [(r.name, r.weight, r.seen.frame) for r in other]
    for before, after in zip(usual, other, strict=True):
        pixels = after.seen.pixels
        assert pixels.shape == (64, 48, 3) and np.array_equal(pixels[..., 0], pixels[..., 2])
        coarse = pixels[..., 0].reshape(16, 4, 12, 4).mean(axis=(1, 3))
        expected = np.asarray(Image.fromarray(before.seen.pixels[..., 0]).resize((12, 16), Image.Resampling.BOX))
        assert np.corrcoef(coarse.ravel(), expected.ravel())[0, 1] > 0.97
        assert after.seen.steps[-1].name == "64 × 48"


def test_a_sample_of_resized_clothes_is_used_unchanged():
    small = synthetic.draw(3, np.random.default_rng(1))
    array = photo(Image.fromarray(small), (64, 48), 3)
    assert np.array_equal(np.rint(whole(one(array, LARGE_CLOTHES), (64, 48, 3)) * 255), array)
    assert one(small, LARGE_CLOTHES).name == readings.AS_IT_IS, "its small version is not read as a photo"

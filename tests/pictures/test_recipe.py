"""cnn.pictures: the recipe's numbers, the ways in, and everything an image can be that it should not be."""

import contextlib
import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, ImageDraw

from cnn.pictures import (
    MAX_BYTES,
    WHOLE,
    Frame,
    NetworkInput,
    UnreadableImage,
    mapped_back,
    on_ground,
    on_paper,
    open_image,
    readings,
    to_network_input,
)
from tests.sampling import one_in

ROOT = Path(__file__).resolve().parents[2]
SHIRT = [
    (15, 18),
    (35, 10),
    (65, 10),
    (85, 18),
    (97, 45),
    (82, 52),
    (76, 42),
    (76, 92),
    (24, 92),
    (24, 42),
    (18, 52),
    (3, 45),
]


def shirt(background="white", colour="black", size=(240, 240), mode="RGB") -> Image.Image:
    picture = Image.new(mode, size, background)
    points = [(x * size[0] / 100, y * size[1] / 100) for x, y in SHIRT]
    ImageDraw.Draw(picture).polygon(points, fill=colour)
    return picture


def box_picture(box, background="white", colour="black", size=(200, 300)) -> Image.Image:
    """A rectangle (left, top, right, bottom), right and bottom exclusive."""
    picture = Image.new("RGB", size, background)
    picture.paste(colour, box)
    return picture


def encoded(picture: Image.Image, kind="PNG", **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def read(source) -> NetworkInput:
    """A file through the recipe."""
    return to_network_input(*open_image(source))


def steps_of(result) -> dict[str, Image.Image]:
    return {step.name: step.image for step in result.steps}


def inside_and_outside(result) -> tuple[float, float]:
    """Median level of the shirt's chest, greatest level of the background below its arms; 0 to 255."""
    grey = np.rint(result.pixels[..., 0] * 255)
    return float(np.median(grey[12:24, 11:17])), float(max(grey[18:, 0:4].max(), grey[18:, 24:].max()))


# ---------------------------------------------------------------- the result and its steps


def test_result_has_the_networks_shape_type_and_range():
    result = to_network_input(shirt())
    assert result.pixels.shape == (28, 28, 1)
    assert result.pixels.dtype == np.float32
    assert 0 <= result.pixels.min() < 0.01
    assert 0.8 < result.pixels.max() <= 1
    with pytest.raises(ValueError, match="read-only"):
        result.pixels[0] = 1


def test_steps_are_the_recipe_in_its_order():
    result = to_network_input(shirt("#3a5fa0", "white", (900, 900)))
    names = [step.name for step in result.steps]
    assert names == [
        *("Original", "Reduce", "Invert", "White background"),
        *("Trim", "Subsample", "Sharpen", "Extend", "Negate", "Grey"),
    ]
    for step in result.steps:
        assert max(step.image.size) <= 300
        assert step.explanation.endswith(".")
    last = np.asarray(result.steps[-1].image, np.float32) / 255
    np.testing.assert_array_equal(last, result.pixels[..., 0])


def test_plain_dark_on_white_needs_no_preparation():
    names = [step.name for step in to_network_input(box_picture((50, 60, 80, 120))).steps]
    assert names == ["Original", "Trim", "Subsample", "Sharpen", "Extend", "Negate", "Grey"]


def test_trim_finds_the_garments_box():
    steps = steps_of(to_network_input(box_picture((50, 60, 80, 130))))  # 70 high: not reduced first
    assert steps["Trim"].size == (30, 70)
    assert np.asarray(steps["Trim"]).max() == 0


@pytest.mark.parametrize(("below_white", "kept"), [(12, False), (13, True)])  # 20.8, 22.5; 5% is 22.08
def test_trim_takes_5_percent_of_the_corner_colour(below_white, kept):
    picture = box_picture((50, 60, 80, 100))
    picture.paste((255 - below_white,) * 3, (50, 100, 80, 120))
    assert steps_of(to_network_input(picture))["Trim"].height == (60 if kept else 40)


def test_trim_ignores_specks():
    clean = box_picture((50, 60, 80, 130))
    dusty = clean.copy()
    for spot in [(5, 5), (190, 20), (100, 290), (0, 150)]:
        dusty.paste("black", (*spot, spot[0] + 2, spot[1] + 2))
    dusty.putpixel((0, 0), (90, 90, 90))  # a corner pixel that is not the corner's colour
    np.testing.assert_array_equal(to_network_input(dusty).pixels, to_network_input(clean).pixels)


def test_trim_keeps_thin_straps():
    bag = box_picture((60, 100, 120, 150))
    ImageDraw.Draw(bag).line([(60, 100), (90, 80), (119, 100)], fill="black", width=1)
    assert steps_of(to_network_input(bag))["Trim"].size == (60, 70)


def test_background_is_right_when_the_garment_runs_into_two_corners():
    picture = box_picture((60, 50, 140, 300))
    picture.paste("black", (0, 280, 200, 300))
    grey = to_network_input(picture).pixels[..., 0]
    assert grey[10, 4] == 0
    assert grey[20, 14] > 0.9


@pytest.mark.parametrize("box", [(50, 60, 80, 130), (20, 60, 180, 100), (10, 10, 190, 290), (80, 5, 121, 295)])
def test_aspect_ratio_is_kept_the_longest_edge_is_28_and_it_is_centred(box):
    mask = to_network_input(box_picture(box)).pixels[..., 0] > 0.5
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert max(height, width) == 28
    wide, high = box[2] - box[0], box[3] - box[1]
    assert abs(min(height, width) - 28 * min(wide, high) / max(wide, high)) <= 1
    assert 0 <= columns[0] - (27 - columns[-1]) <= 1  # an odd pixel is on the left and the top
    assert 0 <= rows[0] - (27 - rows[-1]) <= 1


def test_subsampling_skips_rows_and_columns():
    rng = np.random.default_rng(1)
    garment = rng.integers(0, 100, (56, 56, 3), dtype=np.uint8)
    picture = Image.new("RGB", (80, 80), "white")
    picture.paste(Image.fromarray(garment), (12, 12))
    steps = steps_of(to_network_input(picture))
    np.testing.assert_array_equal(np.asarray(steps["Subsample"]), garment[1::2, 1::2])


def test_smaller_pictures_are_enlarged():
    mask = to_network_input(box_picture((4, 4, 8, 11), size=(12, 14))).pixels[..., 0] > 0.5
    assert mask.any(1).sum() == 28
    assert mask.any(0).sum() == 16


def test_sharpening_is_imagemagicks_kernel():
    rng = np.random.default_rng(2)
    garment = rng.integers(60, 120, (28, 20, 3), dtype=np.uint8)
    picture = Image.new("RGB", (60, 60), "white")
    picture.paste(Image.fromarray(garment), (10, 10))
    steps = steps_of(to_network_input(picture))
    np.testing.assert_array_equal(np.asarray(steps["Subsample"]), garment)
    # exp(-(u^2 + v^2) / 2): 1 at the centre, e^-1/2 beside it, e^-1 at the corners; 1 / (2 pi) cancels.
    beside, corner = 0.6065306597, 0.3678794412
    total = 1 + 4 * beside + 4 * corner
    centre = 2 * total
    weight = centre - 4 * beside - 4 * corner
    assert (centre / weight, beside / weight, corner / weight) == pytest.approx(
        (1.660881, 0.102843, 0.062377), abs=2e-6
    )
    sharp = np.asarray(steps["Sharpen"]).astype(int)
    for y, x, c in [(14, 10, 0), (5, 3, 2), (0, 0, 1), (27, 19, 0), (0, 12, 2), (13, 19, 1)]:
        value = 0.0
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                pixel = float(garment[min(max(y + dy, 0), 27), min(max(x + dx, 0), 19), c])
                value += pixel * (centre if dy == dx == 0 else -corner if dy and dx else -beside)
        assert abs(sharp[y, x, c] - min(max(value / weight, 0), 255)) <= 0.51


def test_negated_grey_is_luma():
    grey = to_network_input(box_picture((50, 60, 80, 130), colour=(200, 30, 30))).pixels[14, 14, 0] * 255
    assert grey == pytest.approx(255 - (0.299 * 200 + 0.587 * 30 + 0.114 * 30), abs=1)


# ---------------------------------------------------------------- its place on the image


def test_the_frame_is_the_garments_box_made_square():
    left, top, right, bottom = to_network_input(box_picture((50, 60, 80, 130))).frame  # 12 x 28 of 2.5 pixels each
    assert (left * 200, top * 300, right * 200, bottom * 300) == pytest.approx((30, 60, 100, 130))


def test_the_frame_knows_the_odd_pixel_and_what_was_rounded():
    left, top, right, bottom = to_network_input(box_picture((50, 60, 77, 130))).frame  # 10.8, so 11 columns after 9
    assert (left * 200, right * 200) == pytest.approx((50 - 9 * 27 / 11, 50 + 19 * 27 / 11))
    assert (top * 300, bottom * 300) == pytest.approx((60, 130))


def test_the_frame_of_a_large_picture_is_right_to_a_pixel_of_its_reduced_copy():
    left, top, right, bottom = to_network_input(box_picture((300, 70, 400, 350), size=(500, 400))).frame
    assert (left * 500, top * 400, right * 500, bottom * 400) == pytest.approx((210, 70, 490, 350), abs=280 / 73)


def test_the_frame_reaches_beyond_the_picture_where_it_was_extended():
    frame = to_network_input(box_picture((0, 10, 60, 30), size=(60, 40))).frame
    assert (frame.left, frame.right) == pytest.approx((0, 1))
    assert frame.top < 0 and frame.bottom > 1


def test_a_prepared_picture_is_its_frame():
    assert to_network_input(dataset_picture()).frame == WHOLE == (0, 0, 1, 1)


PLACE, PAPER = Frame(0.2, 0.3, 0.6, 0.7), (490, 630)  # each of the 28 x 28 is 7 x 9 pixels, the first at (98, 189)


def test_a_map_over_a_prepared_picture_stays_as_it_is():
    values = np.random.default_rng(7).random((28, 28), np.float32)
    back = mapped_back(values, WHOLE, (28, 28))
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, values, atol=1e-6)


@pytest.mark.parametrize(("row", "column"), [(5, 20), (0, 0), (27, 13)])
def test_one_hot_pixel_is_hottest_at_its_centre_and_keeps_its_area(row, column):
    values = np.zeros((28, 28), np.float32)
    values[row, column] = 1
    back = mapped_back(values, PLACE, PAPER)
    assert back.shape == (630, 490)
    assert back[189 + 9 * row + 4, 98 + 7 * column + 3] == back.max() == pytest.approx(1)
    assert back.sum() == pytest.approx(7 * 9, rel=1e-4)
    hot_rows, hot_columns = np.nonzero(back > 1e-6)
    assert abs(hot_rows - (189 + 9 * row + 4)).max() < 9 and abs(hot_columns - (98 + 7 * column + 3)).max() < 7


def test_between_the_centres_a_map_is_bilinear():
    down, across = np.mgrid[0:28, 0:28].astype(np.float32)
    back = mapped_back(down * across, PLACE, PAPER)
    inner = back[189 + 4 : 189 + 252 - 4, 98 + 3 : 98 + 196 - 3]  # from the first centres to the last
    rows, columns = np.linspace(0, 27, inner.shape[0]), np.linspace(0, 27, inner.shape[1])
    np.testing.assert_allclose(inner, rows[:, None] * columns, rtol=1e-4, atol=1e-3)


def test_outside_the_frame_a_map_is_zero():
    back = mapped_back(np.ones((28, 28), np.float32), PLACE, PAPER)
    expected = np.zeros((630, 490))
    expected[189:441, 98:294] = 1
    np.testing.assert_allclose(back, expected, atol=1e-6)
    assert not back[expected == 0].any()


def test_of_a_frame_larger_than_the_picture_only_its_middle_is_left():
    values = np.zeros((28, 28), np.float32)
    values[:, 14:] = 1
    back = mapped_back(values, Frame(-0.5, -1.0, 1.5, 2.0), (280, 100))
    assert not back[:, :130].any() and (back[:, 150:] > 0.999).all()
    assert back[:, 130:150].mean() == pytest.approx(0.5, abs=1e-3)


# ---------------------------------------------------------------- backgrounds


@pytest.mark.parametrize("background", ["white", "#fdfdfd", "#a0a0a0", "#e8d8b8", "#4060b0", "#d0d0d0"])
@pytest.mark.parametrize("colour", ["#101010", "#303030"])
def test_dark_garment_is_bright_on_black(background, colour):
    result = to_network_input(shirt(background, colour))
    inside, outside = inside_and_outside(result)
    assert inside >= 100
    assert outside <= 8
    assert not result.notes


@pytest.mark.parametrize(
    ("background", "colour", "least"),
    [
        *[
            ("white", "#ffd800", 40),
            ("white", "#c02020", 120),
            ("#a0a0a0", "#802020", 120),
            ("#a0a0a0", "#203080", 120),
        ],
        *[
            ("#e8d8b8", "#207040", 120),
            ("#4060b0", "#c02020", 60),
            ("#40a050", "#a02020", 90),
            ("#c03020", "#303030", 50),
        ],
    ],
)
def test_coloured_garment_is_brighter_than_its_background(background, colour, least):
    inside, outside = inside_and_outside(to_network_input(shirt(background, colour)))
    assert inside >= least
    assert outside <= 8


@pytest.mark.parametrize("background", ["black", "#101828", "#203070", "#404040", "#787878"])
def test_light_garment_is_inverted_first(background):
    result = to_network_input(shirt(background, "#f4f4f4"))
    inside, outside = inside_and_outside(result)
    assert inside >= 180
    assert outside <= 8
    assert result.notes == ("The garment is lighter than its background, so the image was inverted first.",)
    assert "Invert" in steps_of(result)


@pytest.mark.parametrize("background", [160, 200, 245])
def test_noise_of_a_camera_stays_out_of_the_background(background):
    rng = np.random.default_rng(3)
    clean = np.asarray(shirt((background,) * 3, "#303030", (600, 600))).astype(float)
    noisy = np.uint8(np.clip(clean + rng.normal(0, 6, clean.shape), 0, 255))
    result = to_network_input(noisy)
    assert inside_and_outside(result)[1] <= 8
    expected = to_network_input(np.uint8(clean)).pixels
    assert np.abs(result.pixels - expected).mean() < 0.02


def test_uneven_light_on_the_floor_does_not_turn_a_dark_garment_light():
    y, x = np.mgrid[-1:1:300j, -1:1:300j]
    floor = 225 - 30 * np.sqrt(x**2 + y**2)
    dress = np.asarray(shirt(size=(300, 300)).resize((140, 140)).convert("L")) < 128
    floor[80:220, 80:220][dress] = 40
    result = to_network_input(np.uint8(floor))
    assert "Invert" not in steps_of(result)
    assert result.pixels[14, 14, 0] > 0.5


def test_a_cluttered_background_is_called_that():
    rng = np.random.default_rng(4)
    clutter = Image.fromarray(rng.integers(0, 255, (12, 12, 3), dtype=np.uint8)).resize(
        (240, 240), Image.Resampling.NEAREST
    )
    assert any("Use a plain background" in note for note in to_network_input(clutter).notes)


def test_a_12_megapixel_noisy_photo_is_averaged_not_sampled():
    clean = shirt("#fdfdfd", "#405060", (500, 375))
    large = np.asarray(clean.resize((4000, 3000), Image.Resampling.BICUBIC))
    noise = np.random.default_rng(5).integers(-90, 91, (3000, 4000, 1), dtype=np.int16)
    noisy = Image.fromarray(np.uint8(np.clip(large + noise, 0, 255)))
    expected = to_network_input(clean).pixels[..., 0]
    result = read(encoded(noisy, "JPEG", quality=80)).pixels[..., 0]
    sampled = 1 - np.asarray(noisy.resize((28, 21), Image.Resampling.NEAREST).convert("L"), np.float32) / 255
    reference = 1 - np.asarray(clean.resize((28, 21), Image.Resampling.NEAREST).convert("L"), np.float32) / 255
    error, plain = np.sqrt(np.mean((result - expected) ** 2)), np.sqrt(np.mean((sampled - reference) ** 2))
    assert plain > 0.12
    assert error < plain / 2


# ---------------------------------------------------------------- the ways in


def dataset_picture() -> np.ndarray:
    grey = np.zeros((28, 28), np.uint8)
    grey[0:28, 6:22] = np.random.default_rng(6).integers(0, 256, (28, 16))
    return grey


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 1)])
def test_dataset_pictures_pass_bit_exact(shape):
    grey = dataset_picture()
    expected = grey.astype(np.float32)[..., None] / 255
    for sample in (grey.reshape(shape), (grey / np.float32(255)).reshape(shape)):
        result = to_network_input(sample)
        np.testing.assert_array_equal(result.pixels, expected)
        assert [step.name for step in result.steps] == ["Fashion-MNIST's format"]
        np.testing.assert_array_equal(np.asarray(result.steps[0].image), grey)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA"])
def test_dataset_pictures_in_files_pass_bit_exact(mode):
    grey = dataset_picture()
    result = read(encoded(Image.fromarray(grey).convert(mode)))
    np.testing.assert_array_equal(result.pixels[..., 0], grey.astype(np.float32) / 255)


def test_a_dataset_picture_with_two_light_corners_passes():
    grey = dataset_picture()
    grey[-1] = 200
    np.testing.assert_array_equal(to_network_input(grey).pixels[..., 0] * 255, grey)


def test_the_caller_keeps_its_array():
    sample = (dataset_picture() / np.float32(255)).astype(np.float32)
    before, seen = sample.copy(), to_network_input(sample).pixels
    np.testing.assert_array_equal(sample, before)
    sample[0, 0] = 0.5  # still writable, and not what the network sees
    np.testing.assert_array_equal(seen[..., 0], before)


def test_28x28_dark_on_white_goes_through_the_recipe():
    result = to_network_input(255 - dataset_picture())
    assert result.steps[0].name == "Original"


def test_bytes_file_and_path_agree(tmp_path):
    data = encoded(shirt())
    path = tmp_path / "a shirt.txt"  # the name does not matter
    path.write_bytes(data)
    file = io.BytesIO(data)
    file.read()  # as an upload widget leaves it on a rerun
    expected = read(data).pixels
    for source in (file, path, str(path)):
        np.testing.assert_array_equal(read(source).pixels, expected)


def test_the_canvas_is_paper():
    rgba = np.zeros((280, 280, 4), np.uint8)
    rgba[60:220, 100:180] = (0, 0, 0, 255)
    expected = to_network_input(box_picture((100, 60, 180, 220), size=(280, 280))).pixels
    np.testing.assert_array_equal(to_network_input(on_paper(rgba)).pixels, expected)


@pytest.mark.parametrize("rgba", [None, np.zeros((280, 280, 4), np.uint8), np.full((280, 280, 4), 255, np.uint8)])
def test_an_empty_canvas_says_so(rgba):
    with pytest.raises(UnreadableImage, match="Nothing is drawn yet"):
        on_paper(rgba)


def test_orientation_6_is_turned_upright():
    upright = shirt(size=(200, 300))
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in ("JPEG", "PNG", "WEBP"):
        sideways = upright.transpose(Image.Transpose.ROTATE_90)
        data = encoded(sideways, kind, exif=exif.tobytes())
        picture, notes = open_image(data)
        assert picture.size == (200, 300)
        assert notes == ("The image was rotated upright, as the camera recorded.",)
        apart = np.abs(np.asarray(picture).astype(int) - np.asarray(upright)).mean()
        assert apart < 4  # the lossy ones; another orientation is 60 or more away
        assert read(data).notes == notes


def test_transparent_parts_become_near_white_or_black():
    for colour, paper, inverted in [("#303030", (253, 253, 253), False), ("#f8f8f8", (0, 0, 0), True)]:
        result = read(encoded(shirt((255, 0, 0, 0), colour, mode="RGBA")))
        assert steps_of(result)["Fill transparency"].getpixel((0, 0)) == paper
        assert ("Invert" in steps_of(result)) == inverted
        inside, outside = inside_and_outside(result)
        assert inside > 180
        assert outside <= 8


def test_a_picture_of_any_kind_is_set_on_ground_as_small_rgb():
    for colour, paper in [("#303030", (253, 253, 253)), ("#f8f8f8", (0, 0, 0))]:
        picture = on_ground(shirt((255, 0, 0, 0), colour, (1200, 900), mode="RGBA"))
        assert (picture.mode, picture.size, picture.getpixel((0, 0))) == ("RGB", (400, 300), paper)
    assert on_ground(np.asarray(shirt()) / 255).tobytes() == shirt().tobytes()
    assert on_ground(shirt().convert("CMYK")).mode == "RGB"
    for nothing in (Image.new("RGBA", (90, 90)), Image.new("RGB", (4, 4)), Image.new("RGB", (300, 2))):
        with pytest.raises(UnreadableImage):
            on_ground(nothing)


def test_opaque_rgba_has_nothing_to_fill():
    result = read(encoded(shirt().convert("RGBA")))
    assert "Fill transparency" not in steps_of(result)
    np.testing.assert_array_equal(result.pixels, to_network_input(shirt()).pixels)


def palette_with_transparency() -> bytes:
    picture = shirt().quantize(4)
    return encoded(picture, "PNG", transparency=picture.getpixel((0, 0)))


def grey16(kind="PNG", scale=257) -> bytes:
    return encoded(Image.fromarray(np.asarray(shirt().convert("L")).astype(np.uint16) * scale), kind)


def lab(picture: Image.Image) -> Image.Image:
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    return ImageCms.profileToProfile(picture, *profiles, outputMode="LAB")


def rgb16() -> bytes:
    rgb = np.asarray(shirt()).astype(">u2") * 257
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in rgb)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 240, 240, 16, 2, 0, 0, 0)) + idat_and_end(rows)


def large_rgb16(edge: int) -> bytes:
    rows = (b"\0" + bytes(range(200, 206)) * edge) * (edge // 2) + (b"\0" + bytes(6) * edge) * (edge // 2)
    header = struct.pack(">IIBBBBB", edge, edge, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + idat_and_end(rows)


def large_tiff() -> bytes:
    """Floats in colour."""
    file = io.BytesIO()
    levels = np.tile(np.linspace(0, 1, 2800, dtype=np.float32)[:, None], (2800, 1, 3))
    tifffile.imwrite(file, levels, photometric="rgb", compression="zlib", metadata=None)
    return file.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def idat_and_end(rows: bytes) -> bytes:
    return chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


FORMATS = {
    "PNG": lambda: encoded(shirt()),
    "JPEG": lambda: encoded(shirt(), "JPEG", quality=95),
    "progressive JPEG": lambda: encoded(shirt(), "JPEG", quality=95, progressive=True),
    "CMYK JPEG": lambda: encoded(shirt().convert("CMYK"), "JPEG", quality=95),
    "grey JPEG": lambda: encoded(shirt().convert("L"), "JPEG", quality=95),
    "GIF": lambda: encoded(shirt(), "GIF"),
    "WebP": lambda: encoded(shirt(), "WEBP", lossless=True),
    "BMP": lambda: encoded(shirt(), "BMP"),
    "TIFF": lambda: encoded(shirt(), "TIFF"),
    "CMYK TIFF": lambda: encoded(shirt().convert("CMYK"), "TIFF"),
    "MPO": lambda: encoded(shirt(), "MPO", save_all=True, append_images=[Image.new("RGB", (240, 240))], quality=95),
    "1 bit": lambda: encoded(shirt().convert("1", dither=Image.Dither.NONE)),
    "palette": lambda: encoded(shirt().quantize(4)),
    "transparent palette": palette_with_transparency,
    "LA": lambda: encoded(shirt().convert("LA")),
    "16-bit grey": grey16,
    "16-bit grey TIFF": lambda: grey16("TIFF"),
    "12 bits of 16": lambda: grey16("PNG", 16),
    "16-bit RGB": rgb16,
    "32-bit TIFF": lambda: encoded(Image.fromarray(np.asarray(shirt().convert("L")).astype(np.int32) * 65793), "TIFF"),
    "PNG with a huge text": lambda: huge_text(),
    "PNG with a huge profile": lambda: huge_profile(),
    "AVIF": lambda: encoded(shirt(), "AVIF", quality=90),
    "JPEG 2000": lambda: encoded(shirt(), "JPEG2000"),
    "JPEG 2000 codestream": lambda: encoded(shirt(), "JPEG2000", no_jp2=True),
    "BigTIFF": lambda: encoded(shirt(), "TIFF", big_tiff=True),
    "LAB TIFF": lambda: encoded(lab(shirt()), "TIFF"),
    "float TIFF": lambda: encoded(Image.fromarray(np.asarray(shirt().convert("L")) / np.float32(255)), "TIFF"),
    "float TIFF to 300": lambda: encoded(
        Image.fromarray(np.asarray(shirt().convert("L")) * np.float32(300 / 255)), "TIFF"
    ),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_and_mode_gives_the_same_input(name):
    result = read(FORMATS[name]())
    assert np.abs(result.pixels - to_network_input(shirt()).pixels).mean() < 0.02
    assert inside_and_outside(result)[1] <= 8


def test_16_bits_are_scaled_not_clipped():
    ramp = np.full((60, 60), 65535, np.uint16)
    ramp[10:50, 10:50] = 32768
    level = np.asarray(open_image(encoded(Image.fromarray(ramp)))[0])[30, 30, 0]
    assert level in (127, 128)


def test_pictures_of_other_modes_may_come_without_a_file():
    grey, expected = shirt().convert("L"), to_network_input(shirt()).pixels
    pictures = [Image.fromarray(np.asarray(grey).astype(np.uint16)), shirt().convert("HSV")]
    for picture in [
        *pictures,
        *(grey.convert(mode) for mode in ("I", "F", "L", "P", "LA")),
        shirt().convert("CMYK"),
    ]:
        assert np.abs(to_network_input(picture).pixels - expected).mean() < 0.02


@pytest.mark.parametrize(("kind", "name"), [("GIF", "GIF"), ("PNG", "PNG"), ("WEBP", "WebP")])
def test_an_animation_is_its_first_frame(kind, name):
    data = encoded(shirt(), kind, save_all=True, append_images=[shirt("black", "white")], duration=100)
    result = read(data)
    assert result.notes == (f"An animated {name} file: only its first frame was used.",)
    assert np.abs(result.pixels - to_network_input(shirt()).pixels).mean() < 0.05


def test_a_tiff_of_two_pages_is_its_first():
    result = read(encoded(shirt(), "TIFF", save_all=True, append_images=[shirt("black", "white")]))
    assert result.notes == ("A TIFF file with several pages: only its first page was used.",)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((5, 5, 2)),
        np.zeros(9),
        np.zeros((0, 5)),
        np.full((9, 9), 2.0),
        np.full((9, 9), np.nan),
        np.zeros((9, 9), int),
    ],
)
def test_a_wrong_array_is_the_callers_mistake(array):
    with pytest.raises(ValueError) as caught:
        to_network_input(array)
    assert not isinstance(caught.value, UnreadableImage)


# ---------------------------------------------------------------- bad input


def bomb(width=30_000, height=30_000) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + idat_and_end(bytes(1_000_000))


def many_scans() -> bytes:
    data = encoded(shirt(), "JPEG", progressive=True)
    start = data.rindex(b"\xff\xda")
    return data[:-2] + data[start:-2] * 60 + data[-2:]


def huge_text() -> bytes:
    data, text = encoded(shirt()), chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(100_000_000), 1))
    return data[:33] + text + data[33:]


def huge_profile() -> bytes:
    data, profile = encoded(shirt()), chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(100_000_000), 1))
    return data[:33] + profile + data[33:]


def nearly_plain() -> bytes:
    picture = Image.new("RGB", (300, 300), "#808890")
    picture.putpixel((100, 100), (0, 0, 0))
    return encoded(
        Image.fromarray(np.uint8(np.asarray(picture) + np.random.default_rng(7).integers(0, 9, (300, 300, 3))))
    )


BAD = {
    "empty": (lambda: b"", "0 bytes"),
    "text": (lambda: b"A text that calls itself an image.\n" * 9, "not an image"),
    "truncated PNG": (lambda: encoded(shirt())[:400], "PNG .*incomplete: less than half"),
    "truncated JPEG": (lambda: encoded(shirt(), "JPEG")[:2000], "JPEG .*incomplete: less than half"),
    "truncated WebP": (lambda: encoded(shirt(), "WEBP")[:500], "WebP .*damaged or incomplete"),
    "truncated GIF": (lambda: encoded(shirt(), "GIF")[:1000], "GIF .*damaged or incomplete"),
    "truncated TIFF": (lambda: encoded(shirt(), "TIFF")[:1000], "TIFF .*damaged or incomplete"),
    "only a signature": (lambda: b"\x89PNG\r\n\x1a\n", "damaged or incomplete"),
    "bomb": (bomb, "30,000 × 30,000 pixels .900 megapixels.* 16 "),
    "large progressive JPEG": (
        lambda: encoded(Image.new("L", (4100, 4100)), "JPEG", progressive=True),
        "4,100 × 4,100 .*progressive JPEG",
    ),
    "large WebP": (lambda: encoded(Image.new("RGB", (3000, 3000)), "WEBP", method=0), "3,000 × 3,000 .* 8 "),
    "many scans": (many_scans, "scans"),
    "thin": (lambda: encoded(Image.linear_gradient("L").resize((30_000, 1))), "30,000 × 1 pixels"),
    "one pixel": (lambda: encoded(Image.new("RGB", (1, 1))), "1 × 1 pixels"),
    "one colour": (lambda: encoded(Image.new("RGB", (300, 300), "#808890")), "one plain colour"),
    "nearly one colour": (nearly_plain, "one plain colour"),
    "black 28 x 28": (lambda: encoded(Image.new("L", (28, 28))), "one plain colour"),
    "invisible": (lambda: encoded(shirt((0, 0, 0, 0), (0, 0, 0, 0), mode="RGBA")), "transparent"),
    "SVG": (lambda: b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"></svg>', "SVG"),
    "bare SVG": (lambda: b"\n<svg></svg>", "SVG"),
    "only a HEIC signature": (lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC .*damaged or incomplete"),
    "truncated AVIF": (lambda: encoded(shirt(), "AVIF")[:600], "AVIF .*damaged or incomplete"),
    "PDF": (lambda: b"%PDF-1.7\n", "PDF"),
    "too many bytes": (lambda: bytes(MAX_BYTES + 1), "larger than 40 MB"),
    "missing": (lambda: "no/such/file.png", "could not be opened"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_says_what_is_wrong_and_what_to_do(name):
    make, expected = BAD[name]
    source = make()
    with pytest.raises(UnreadableImage, match=expected) as caught:
        read(source)
    if name != "nearly one colour":  # see test_readings
        with pytest.raises(UnreadableImage) as read_otherwise:
            readings.read(source)
        assert str(read_otherwise.value) == str(caught.value)
    message = str(caught.value)
    assert message.count(". ") == 1
    assert message.endswith(".")
    assert "\n" not in message


def test_damaged_bytes_never_raise_anything_else():
    rng = np.random.default_rng(8)
    for kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "JPEG2000"):
        data = np.frombuffer(encoded(shirt(size=(64, 64)), kind), np.uint8)
        for _ in range(40):
            damaged = data.copy()
            damaged[rng.integers(2, len(data), 6)] = rng.integers(0, 256, 6)
            cut = damaged[: rng.integers(len(data) // 2, 2 * len(data))].tobytes()
            with contextlib.suppress(UnreadableImage):
                assert read(cut).pixels.shape == (28, 28, 1)


MEASURE = """
import resource, sys, time
from cnn.pictures import UnreadableImage, readings
data = open(sys.argv[1], "rb").read()
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
try:
    readings.read(data)
except UnreadableImage:
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, time.process_time() - start)
"""
HEAVY = {
    "bomb": lambda: bomb(),
    "largest PNG": lambda: encoded(shirt(size=(4000, 4000), mode="RGBA", background=(0, 0, 0, 0)), compress_level=1),
    "largest JPEG": lambda: encoded(shirt(size=(8000, 8000)), "JPEG", quality=60),
    "largest progressive JPEG": lambda: encoded(shirt(size=(4000, 4000)), "JPEG", progressive=True, subsampling=0),
    "largest AVIF": lambda: encoded(shirt(size=(4000, 4000)), "AVIF", speed=10),
    "largest JPEG 2000": lambda: encoded(
        shirt(size=(2800, 2800)), "JPEG2000", num_resolutions=1, quality_mode="rates", quality_layers=[50]
    ),
    "largest 16-bit PNG": lambda: large_rgb16(4000),
    "largest 16-bit TIFF": large_tiff,
    "largest WebP": lambda: encoded(shirt(size=(2800, 2800)), "WEBP", method=0),
}


@pytest.mark.parametrize("name", one_in(3, HEAVY))
def test_memory_and_time_are_bounded(name, tmp_path):
    pytest.importorskip("resource")  # Unix only
    path = tmp_path / "picture"
    path.write_bytes(HEAVY[name]())
    command = [sys.executable, "-c", MEASURE, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    peak, seconds = (float(number) for number in done.stdout.split())
    megabytes = peak / (1024**2 if sys.platform == "darwin" else 1024)
    assert megabytes < (20 if name == "bomb" else 200)
    assert seconds < 3

"""The ways to understand an image: which one comes first for what, and what they have in common."""

import io
from functools import cache

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from cnn.data import synthetic
from cnn.pictures import WHOLE, NetworkInput, UnreadableImage, mapped_back, normalise, readings
from cnn.pictures.readings import LINE_DRAWING, Reading

SHIRT = [
    *((15, 18), (35, 10), (65, 10), (85, 18), (97, 45), (82, 52)),
    *((76, 42), (76, 92), (24, 92), (24, 42), (18, 52), (3, 45)),
]
PAINTED, PREPARED = "Painted shape", "Fashion-MNIST's format"
PREPARED_ONE = "Fashion-MNIST's own"


def lines(edge: int = 300, width: int = 4, ink="black", paper="white") -> Image.Image:
    """The outline of a shirt and its centre line."""
    picture = Image.new("RGB", (edge, edge), paper)
    pen = ImageDraw.Draw(picture)
    points = [(edge * (0.1 + 0.008 * x), edge * (0.1 + 0.008 * y)) for x, y in SHIRT]
    pen.line([*points, *points[:2]], fill=ink, width=width, joint="curve")
    pen.line([(edge / 2, edge * 0.2), (edge / 2, edge * 0.8)], fill=ink, width=width)
    return picture


def shape(colour="black", ground="white", edge: int = 300) -> Image.Image:
    picture = Image.new("RGB", (edge, edge), ground)
    ImageDraw.Draw(picture).polygon([(edge * (0.1 + 0.008 * x), edge * (0.1 + 0.008 * y)) for x, y in SHIRT], colour)
    return picture


def photographed(picture: Image.Image, noise: float = 2) -> Image.Image:
    """Lit from the left, as by a window, and a little noisy."""
    rgb = np.asarray(picture, np.float32)
    height, width = rgb.shape[:2]
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    rgb = rgb * (0.85 - 0.35 * x - 0.1 * y)[..., None] + np.random.default_rng(1).normal(0, noise, rgb.shape)
    return Image.fromarray(np.uint8(np.clip(rgb, 0, 255)))


def textured(edge: int = 300) -> Image.Image:
    """A blue patterned shirt on a patterned carpet."""
    rng = np.random.default_rng(2)

    def cloth(colour, spread: float, grain: float) -> np.ndarray:
        noise = cv2.GaussianBlur(rng.normal(0, 1, (edge, edge)).astype(np.float32), (0, 0), grain)
        return np.array(colour) + spread * (noise / noise.std())[..., None]

    mask = np.asarray(shape(edge=edge).convert("L")) < 128
    rgb = np.where(mask[..., None], cloth((40, 60, 160), 20, 3), cloth((150, 130, 100), 25, 4))
    return Image.fromarray(np.uint8(np.clip(rgb, 0, 255)))


def cut_out(picture: Image.Image, colour="black") -> Image.Image:
    """RGBA, transparent where the image is white."""
    layer = Image.new("RGB", picture.size, colour)
    layer.putalpha(Image.eval(picture.convert("L"), lambda level: 255 - level))
    return layer


def dataset_picture() -> np.ndarray:
    return synthetic.draw(0, np.random.default_rng(1))


PICTURES = {
    "black lines on white": lines,
    "white lines on black": lambda: lines(ink="white", paper="black"),
    "thin blue lines": lambda: lines(width=2, ink="#2040c0"),
    "lines on a transparent ground": lambda: cut_out(lines()),
    "white lines on a transparent ground": lambda: cut_out(lines(), "white"),
    "a photo of a pencil drawing": lambda: photographed(lines(600, 7, "#303030", "#e0ddd5")),
    "a black shape": shape,
    "a red shape": lambda: shape("#c02020"),
    "a white shape on black": lambda: shape("white", "black"),
    "a shape on a transparent ground": lambda: cut_out(shape()),
    "a shirt on a carpet": textured,
    "a shirt on a white wall": lambda: photographed(shape("#204080")),
    "drawn cloth on white": lambda: Image.fromarray(255 - synthetic.draw(0, np.random.default_rng(1), size=140)),
    PREPARED_ONE: lambda: Image.fromarray(dataset_picture()),
}
FIRST = {  # what the name of the first reading begins with
    **dict.fromkeys(list(PICTURES)[:6], LINE_DRAWING),
    **dict.fromkeys(list(PICTURES)[6:10], PAINTED),
    **dict.fromkeys(list(PICTURES)[10:13], "Background removed"),
    PREPARED_ONE: PREPARED,
}


@cache
def read(name: str) -> tuple[Reading, ...]:
    return readings.of_picture(PICTURES[name]())


def encoded(picture: Image.Image, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def pixels_of(found) -> list[np.ndarray]:
    return [reading.seen.pixels for reading in found]


# ---------------------------------------------------------------- which reading comes first


@pytest.mark.parametrize("name", PICTURES)
def test_the_first_reading_is_the_one_that_a_person_would_choose(name):
    assert read(name)[0].name.startswith(FIRST[name]), [(one.name, one.weight) for one in read(name)]


@pytest.mark.parametrize("name", PICTURES)
def test_weights_add_up_to_1_and_fall(name):
    weights = [reading.weight for reading in read(name)]
    assert sum(weights) == pytest.approx(1) and weights == sorted(weights, reverse=True)
    assert weights[0] > 0 and weights[-1] >= 0


@pytest.mark.parametrize("name", PICTURES)
def test_every_reading_has_a_name_of_its_own_a_sentence_and_its_steps(name):
    found = read(name)
    assert len({reading.name for reading in found}) == len(found) <= 6
    for reading in found:
        assert reading.explanation.endswith(".") and ". " not in reading.explanation
        pixels = reading.seen.pixels
        assert pixels.shape == (28, 28, 1) and pixels.dtype == np.float32 and not pixels.flags.writeable
        assert pixels.min() >= 0 and 0.2 < pixels.max() <= 1
        corners = [pixels[0, 0], pixels[0, -1], pixels[-1, 0], pixels[-1, -1]]
        assert np.median(corners) < 0.1 or not reading.weight, "on black"
        last = np.asarray(reading.seen.steps[-1].image, np.float32) / 255
        assert np.abs(last - pixels[..., 0]).max() < 0.003
        assert all(max(step.image.size) <= 300 and step.explanation.endswith(".") for step in reading.seen.steps)


@pytest.mark.parametrize("name", ["black lines on white", "a red shape", "a shirt on a carpet", PREPARED_ONE])
def test_the_used_readings_alone_are_those_with_a_weight(name):
    used = readings.of_picture(PICTURES[name](), used_only=True)
    expected = [reading for reading in read(name) if reading.weight > 0]
    assert [(one.name, one.weight) for one in used] == [(one.name, one.weight) for one in expected]
    assert all(np.array_equal(one, other) for one, other in zip(pixels_of(used), pixels_of(expected), strict=True))


def test_the_same_picture_is_read_alike_every_time():
    again = readings.of_picture(PICTURES["a shirt on a carpet"]())
    first = read("a shirt on a carpet")
    assert [(one.name, one.weight) for one in again] == [(one.name, one.weight) for one in first]
    assert all(np.array_equal(one, other) for one, other in zip(pixels_of(again), pixels_of(first), strict=True))


@pytest.mark.parametrize(
    "name", [name for name, first in FIRST.items() if first in (LINE_DRAWING, PAINTED, "Background removed")]
)
def test_the_shirt_is_found(name):
    """The first reading has cloth on the chest and under the collar, and ground below the sleeves."""
    if name == "drawn cloth on white":
        pytest.skip("another shirt")
    grey = read(name)[0].seen.pixels[..., 0]
    assert grey[10:24, 8:20].min() > 0.2 and grey[20:26, [0, 1, 26, 27]].max() < 0.1


# ---------------------------------------------------------------- its place on the image

Box = tuple[int, int, int, int]
LAYOUTS: dict[str, tuple[tuple[int, int], Box, Box]] = {  # size of the image, the garment, a dark mark on it
    "off centre": ((300, 400), (120, 40, 280, 240), (130, 60, 170, 100)),
    "wide": ((480, 200), (30, 90, 330, 190), (240, 120, 290, 170)),
    "tall": ((160, 420), (60, 30, 140, 390), (75, 300, 125, 350)),
    "large": ((1100, 800), (500, 100, 1000, 700), (820, 500, 940, 620)),
}


def pale(size: tuple[int, int], garment: Box, mark: Box) -> np.ndarray:
    """A light garment on white, its mark, which alone is dark enough to be ink: uint8 (H, W, 4)."""
    picture = Image.new("RGBA", size, "white")
    picture.paste("#b0c4de", garment)
    picture.paste("#101010", mark)
    return np.asarray(picture)


def patterned(size: tuple[int, int], garment: Box, mark: Box) -> np.ndarray:
    """A patterned garment on a patterned ground, and its plain mark: uint8 (H, W, 3)."""
    rng = np.random.default_rng(2)
    noise = cv2.GaussianBlur(rng.normal(0, 1, (size[1], size[0], 1)).astype(np.float32), (0, 0), 4)[..., None]
    noise /= noise.std()
    rgb = np.array((150, 130, 100)) + 25 * noise
    inside, marked = (np.s_[top:bottom, left:right] for left, top, right, bottom in (garment, mark))
    rgb[inside] = np.array((60, 90, 200)) + 15 * noise[inside]
    rgb[marked] = 10
    return np.uint8(np.clip(rgb, 0, 255))


def drawn(size: tuple[int, int], garment: Box, mark: Box) -> np.ndarray:
    """A canvas with the garment's outline and its mark, uint8 (H, W, 4)."""
    canvas = Image.new("RGBA", size)
    left, top, right, bottom = garment
    ImageDraw.Draw(canvas).rectangle((left, top, right - 1, bottom - 1), outline="black", width=4)
    canvas.paste("black", mark)
    return np.asarray(canvas)


def cell(seen: NetworkInput, size: tuple[int, int]) -> tuple[float, float]:
    """Width and height of one of the 28 x 28 pixels, in pixels of the image."""
    left, top, right, bottom = seen.frame
    return (right - left) * size[0] / 28, (bottom - top) * size[1] / 28


def hottest(seen: NetworkInput, size: tuple[int, int]) -> tuple[float, float]:
    """Where on the image the middle of the brightest block lies, (x, y) in its pixels."""
    blocks = cv2.blur(seen.pixels[..., 0], (3, 3), borderType=cv2.BORDER_CONSTANT)  # thin lines are not so bright
    back = mapped_back(blocks, seen.frame, size)
    rows, columns = np.nonzero(back > 0.95 * back.max())
    return columns.mean() + 0.5, rows.mean() + 0.5


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", [pale, patterned, drawn])
def test_what_every_reading_shows_lies_where_the_picture_has_it(kind, layout):
    size, garment, mark = LAYOUTS[layout]
    picture = kind(size, garment, mark)
    found = readings.of_canvas(picture) if kind is drawn else readings.of_picture(picture)
    if kind is patterned:  # as a line drawing it is filled with ink all over
        found = [reading for reading in found if reading.name != LINE_DRAWING]
    for reading in found:
        across, down = cell(reading.seen, size)
        assert across == pytest.approx(down, rel=0.09), reading.name  # half of one of 6 columns, rounded
        x, y = hottest(reading.seen, size)
        assert abs(x - (mark[0] + mark[2]) / 2) < 0.6 * across, reading.name
        assert abs(y - (mark[1] + mark[3]) / 2) < 0.6 * down, reading.name


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_whole_garment_lies_where_the_picture_has_it(layout):
    size, garment, _ = LAYOUTS[layout]
    picture = Image.new("RGB", size, "white")
    picture.paste("black", garment)
    found = readings.of_picture(picture)
    assert {PAINTED, LINE_DRAWING, "Plain background"} < {reading.name for reading in found}
    for reading in found:
        back = mapped_back(reading.seen.pixels[..., 0], reading.seen.frame, size)
        rows, columns = np.flatnonzero((back > 0.5).any(1)), np.flatnonzero((back > 0.5).any(0))
        box = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
        reach = 2.5 if reading.name == LINE_DRAWING else 0.6  # as a stroke, the shape is made thinner all around
        for edge, expected, one in zip(box, garment, 2 * cell(reading.seen, size), strict=True):
            assert abs(edge - expected) < reach * one, reading.name
        assert abs(box[0] + box[2] - garment[0] - garment[2]) < 1.2 * cell(reading.seen, size)[0], reading.name
        assert abs(box[1] + box[3] - garment[1] - garment[3]) < 1.2 * cell(reading.seen, size)[1], reading.name


def test_the_frame_of_a_prepared_picture_is_the_picture():
    assert read(PREPARED_ONE)[0].seen.frame == WHOLE


# ---------------------------------------------------------------- drawings


@pytest.mark.parametrize(("edge", "width"), [(150, 1), (150, 3), (300, 2), (300, 6), (500, 1), (1000, 1), (1000, 8)])
def test_a_drawing_reads_alike_at_any_size_and_with_any_pen(edge, width):
    found = readings.of_picture(lines(edge, width), used_only=True)
    assert [reading.name for reading in found] == [LINE_DRAWING]
    assert np.abs(found[0].seen.pixels - read("black lines on white")[0].seen.pixels).mean() < 0.06


@pytest.mark.parametrize("name", list(PICTURES)[1:6])
def test_paper_and_ink_do_not_matter(name):
    found, expected = read(name)[0].seen.pixels, read("black lines on white")[0].seen.pixels
    assert np.abs(found - expected).mean() < 0.06


def test_a_canvas_reads_as_the_same_drawing_on_paper():
    rgba = np.asarray(cut_out(lines()))
    found, expected = readings.of_canvas(rgba), read("black lines on white")
    assert [(one.name, one.weight) for one in found] == [(one.name, one.weight) for one in expected]
    assert all(np.array_equal(one, other) for one, other in zip(pixels_of(found), pixels_of(expected), strict=True))


@pytest.mark.parametrize("rgba", [None, np.zeros((280, 280, 4), np.uint8)])
def test_an_empty_canvas_says_so(rgba):
    with pytest.raises(UnreadableImage, match="Nothing is drawn yet"):
        readings.of_canvas(rgba)


def test_a_canvas_with_one_dot_is_no_error():
    rgba = np.zeros((280, 280, 4), np.uint8)
    rgba[100:104, 50:54, 3] = 255
    assert readings.of_canvas(rgba)[0].seen.pixels.max() > 0.5


# ---------------------------------------------------------------- files


def test_fashion_mnists_own_pass_bit_for_bit():
    grey = dataset_picture()
    for source in (encoded(Image.fromarray(grey)), encoded(Image.fromarray(grey).convert("RGBA"))):
        (found,) = readings.read(source)
        assert (found.name, found.weight) == (PREPARED, 1.0)
        assert np.array_equal(found.seen.pixels[..., 0], grey / np.float32(255))
    (found,) = readings.of_picture(grey / np.float32(255))
    assert np.array_equal(found.seen.pixels[..., 0], grey / np.float32(255))


def test_bytes_file_and_path_agree(tmp_path):
    content = encoded(lines())
    path = tmp_path / "drawing"
    path.write_bytes(content)
    file = io.BytesIO(content)
    file.read()
    expected = read("black lines on white")[0].seen.pixels
    for source in (content, file, path, str(path)):
        assert np.array_equal(readings.read(source, used_only=True)[0].seen.pixels, expected)


def test_what_is_known_of_a_file_is_noted_once_in_every_reading():
    file = io.BytesIO()
    shape("white", "black").save(file, "GIF", save_all=True, append_images=[shape("red", "black")])
    found = readings.read(file.getvalue())
    animated = "An animated GIF file: only its first frame was used."
    assert len(found) > 1 and all(reading.seen.notes.count(animated) == 1 for reading in found)
    recipe = next(reading for reading in found if reading.name == "Plain background")
    assert any("lighter than its background" in note for note in recipe.seen.notes)


@pytest.mark.parametrize("colour", ["white", "black", "#808890"])
def test_one_colour_is_unreadable(colour):
    for used_only in (True, False):
        with pytest.raises(UnreadableImage, match="one plain colour"):
            readings.of_picture(Image.new("RGB", (300, 200), colour), used_only=used_only)


def test_a_photo_of_a_plain_wall_is_unreadable():
    noise = np.random.default_rng(7).normal(0, 3, (300, 300, 3))
    with pytest.raises(UnreadableImage, match="one plain colour"):
        readings.of_picture(Image.fromarray(np.uint8(128 + noise)))


def test_pale_on_pale_is_not_plain():
    assert readings.of_picture(shape("#f4f4f4", "white"), used_only=True)[0].seen.pixels.any()


def test_invisible_pictures_are_unreadable():
    with pytest.raises(UnreadableImage, match="transparent"):
        readings.of_picture(Image.new("RGBA", (90, 90)))


def odd_pictures():
    rng = np.random.default_rng(8)
    for width, height in [(8, 1), (1, 8), (28, 28), (200, 8)]:
        yield rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        dot = np.full((height, width, 3), 200, np.uint8)
        dot[0, 0] = 0
        yield dot
        middle = np.zeros((height, width, 4), np.uint8)
        middle[height // 3 : 2 * height // 3 + 1, width // 3 : 2 * width // 3 + 1] = (200, 180, 90, 255)
        yield middle
        yield np.uint8(np.linspace(0, 255, width)[None, :, None] * np.ones((height, 1, 3)))


def test_odd_pictures_are_read_or_refused_and_never_an_error():
    read_ones = 0
    for array in odd_pictures():
        for used_only in (True, False):
            try:
                found = readings.of_picture(Image.fromarray(array), used_only=used_only)
            except UnreadableImage as refusal:
                assert str(refusal).endswith(".")
                continue
            read_ones += 1
            assert sum(reading.weight for reading in found) == pytest.approx(1)
            assert all(reading.seen.pixels.any() for reading in found if reading.weight)
    assert read_ones > 12


def test_damaged_files_are_read_or_refused_and_never_an_error():
    rng = np.random.default_rng(9)
    for kind in ("PNG", "JPEG", "GIF", "BMP"):
        content = np.frombuffer(encoded(shape(edge=64), kind), np.uint8)
        for _ in range(4):
            damaged = content.copy()
            damaged[rng.integers(2, len(content), 6)] = rng.integers(0, 256, 6)
            try:
                found = readings.read(damaged.tobytes(), used_only=True)
            except UnreadableImage:
                continue
            assert sum(reading.weight for reading in found) == pytest.approx(1)


def test_a_wrong_array_is_the_callers_mistake():
    with pytest.raises(ValueError) as caught:
        readings.of_picture(np.full((9, 9), 2.0))
    assert not isinstance(caught.value, UnreadableImage)


@pytest.mark.parametrize("kind", ["a photo", "transparent", "Fashion-MNIST's format"])
def test_a_picture_is_normalised_once_for_all_readings(kind, monkeypatch):
    counted = []
    for name in ("eight_bit", "check_shape", "without_alpha"):
        real = getattr(normalise, name)
        monkeypatch.setattr(
            normalise, name, lambda *given, name=name, real=real: (counted.append(name), real(*given))[1]
        )
    picture = photographed(shape("#3a5fa0"))
    if kind == "transparent":
        picture.putalpha(Image.fromarray(np.where(np.asarray(picture.convert("L")) < 200, 255, 0).astype(np.uint8)))
    elif kind == "Fashion-MNIST's format":
        picture = Image.fromarray(synthetic.dataset(1, 1, "test")[0][0])
    readings.of_picture(picture)
    assert sorted(counted) == ["check_shape", "eight_bit"] + ["without_alpha"] * (kind == "transparent")

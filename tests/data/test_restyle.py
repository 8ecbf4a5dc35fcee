"""Training images in other styles: drawn, painted, photographed and cut out."""

import numpy as np
import pytest

from cnn.data import cloth, drawn, photographed, restyle, sketches, synthetic
from cnn.data.scenes import Scene

SAMPLES = 60


@pytest.fixture(scope="module")
def clothes() -> tuple[np.ndarray, np.ndarray]:
    return synthetic.dataset(40, 3, "train")


def generator(*numbers: int) -> np.random.Generator:
    return np.random.default_rng(numbers)


@pytest.fixture(scope="module")
def pictures(clothes) -> np.ndarray:
    """Each of the 40 clothes, three times in other styles: uint8 (3, 40, 28, 28)."""
    return np.stack(
        [[restyle.restyled(*clothes, index, generator(1, time, index)) for index in range(40)] for time in range(3)]
    )


def test_a_restyled_picture_is_one_of_the_networks_and_shows_something(pictures):
    assert pictures.dtype == np.uint8 and pictures.shape == (3, 40, 28, 28)
    assert (pictures.max(axis=(2, 3)) >= 64).all()
    assert ((pictures > 20).mean(axis=(2, 3)) > 0.03).all()


def test_all_ten_labels_are_restyled_each_time_otherwise(clothes, pictures):
    assert set(clothes[1].tolist()) == set(range(10))
    assert len({picture.tobytes() for picture in pictures.reshape(-1, 28, 28)}) == 120


def test_a_restyled_picture_depends_on_its_generator_alone(clothes, pictures):
    images, labels = clothes
    before = images.copy()
    again = [restyle.restyled(images, labels, index, generator(1, 2, index)) for index in reversed(range(40))]
    assert np.array_equal(again[::-1], pictures[2])
    assert np.array_equal(images, before), "the training images are left as they are"


def test_every_style_occurs(clothes, monkeypatch):
    asked = []
    styles = ((drawn, "from_memory"), (drawn, "line_drawing"), (drawn, "painted"), (photographed, "photographed"))
    for module, name in (*styles, (photographed, "read"), (photographed, "cut")):
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, name=name, real=real: asked.append(name) or real(*a))
    for number in range(2 * SAMPLES):
        restyle.restyled(*clothes, number % 40, generator(2, number))
    counts = {name: asked.count(name) for name in asked}
    assert sum(counts[name] for _, name in styles) == 2 * SAMPLES
    assert 0 < counts["painted"] < counts["from_memory"] < counts["photographed"]
    assert 0 < counts["read"] < counts["cut"], "the reader takes long, so it is asked for a part only"


@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_pictures_of_one_tone_are_no_error(value):
    flat = np.full((10, 28, 28), value, np.uint8)
    for number in range(SAMPLES):
        picture = restyle.restyled(flat, np.arange(10, dtype=np.uint8), number % 10, generator(3, number))
        assert picture.shape == (28, 28) and picture.dtype == np.uint8
        assert picture.any() or value < 128, "what shows something still does"


@pytest.mark.parametrize("picture", ["point", "line", "frame"])
def test_scraps_are_no_error(picture):
    scrap = np.zeros((28, 28), np.uint8)
    match picture:
        case "point":
            scrap[14, 14] = 255
        case "line":
            scrap[3, :] = 255
        case "frame":
            scrap[[0, -1]] = scrap[:, [0, -1]] = 255
    for label in range(10):
        for number in range(4):
            made = restyle.restyled(scrap[None], np.array([label], np.uint8), 0, generator(4, label, number))
            assert made.shape == (28, 28) and made.dtype == np.uint8


def test_a_silhouette_fills_specks_in_cloth_and_keeps_holes():
    bag = np.zeros((28, 28), np.uint8)
    bag[4:26, 4:24] = 200
    bag[7:11, 9:19] = 0  # seen through the handle
    bag[18, 14] = 0  # a button
    bag[1, 1] = 200  # a speck
    shape = drawn.silhouette(bag, 112) > 0
    assert shape[72, 56] and not shape[36, 56] and not shape[6, 6]
    assert shape[60:100, 24:88].all() and not shape[:, 108:].any()


def test_a_silhouette_of_nothing_is_empty():
    assert not drawn.silhouette(np.zeros((28, 28), np.uint8), 112).any()


def test_a_line_drawing_is_bright_strokes_around_a_darker_inside(clothes):
    images, labels = clothes
    index = int(np.flatnonzero(labels == 3)[0])
    made = [drawn.line_drawing(images[index], 3, generator(5, number)) for number in range(12)]
    assert all(picture.max() == 255 for picture in made)
    middling = [((picture > 90) & (picture < 140)).mean() for picture in made]
    assert np.median(middling) > 0.05, "what the outline encloses is filled at half the brightness"
    assert len({picture.tobytes() for picture in made}) == 12


def test_a_filled_shape_has_one_tone(clothes):
    images, _ = clothes
    for number in range(10):
        painted = drawn.filled_shape(images[number], generator(6, number))
        assert painted.shape == (28, 28) and painted.dtype == np.uint8 and painted.max() >= 60
        inner = painted[painted > 0]
        assert (inner >= painted.max() * 0.9).mean() > 0.5


# ---------------------------------------------------------------- from memory


@pytest.mark.parametrize("label", range(10))
def test_every_class_is_drawn_from_memory_each_time_otherwise(label):
    made = [drawn.from_memory(sketches.sketch(label, generator(8, label, n)), generator(9, n)) for n in range(12)]
    assert len({picture.tobytes() for picture in made}) == 12
    for picture in made:
        assert picture.shape == (28, 28) and picture.dtype == np.uint8 and picture.max() == 255
        rows, columns = np.flatnonzero(picture.any(1)), np.flatnonzero(picture.any(0))
        assert max(np.ptp(rows), np.ptp(columns)) >= 25, "it fills the frame"
    filled = [((picture > 90) & (picture < 140)).mean() for picture in made]
    assert np.mean(np.array(filled) > 0.03) > 0.5, "most outlines enclose something"


def test_a_sketch_depends_on_its_generator_alone():
    for label in range(10):
        first, again = (sketches.sketch(label, generator(10, label)) for _ in range(2))
        assert len(first) == len(again) and all(map(np.array_equal, first, again))


def heights(label: int) -> np.ndarray:
    """Height by width of sketches of a class, those of pairs among them: (60,)."""
    boxes = [np.ptp(np.concatenate(sketches.sketch(label, generator(11, label, n))), axis=0) for n in range(SAMPLES)]
    return np.array([tall / wide for wide, tall in boxes])


def test_sketches_differ_in_what_people_tell_them_apart_by():
    middle = {label: float(np.median(heights(label))) for label in range(10)}
    assert middle[9] > middle[7] + 0.1, "boots are taller than sneakers"
    assert middle[3] > 1.2 > middle[2], "dresses are tall; pullovers spread their sleeves"
    strokes = [np.mean([len(sketches.sketch(label, generator(12, n))) for n in range(SAMPLES)]) for label in range(10)]
    assert min(strokes[4], strokes[6]) > max(strokes[0], strokes[2]) + 2, "coats and shirts have a front that opens"


# ---------------------------------------------------------------- photographed


@pytest.fixture(scope="module")
def scenes(clothes) -> list[tuple[int, Scene]]:
    images, labels = clothes
    return [
        (int(labels[n]), photographed.photographed(images[n], int(labels[n]), generator(13, time, n)))
        for time in range(2)
        for n in range(40)
    ]


def test_a_scene_shows_a_garment_and_knows_where(scenes):
    for _, scene in scenes:
        assert scene.rgb.ndim == 3 and scene.rgb.shape[:2] == scene.garment.shape and np.isfinite(scene.rgb).all()
        assert scene.garment.mean() > 0.01
        assert not (scene.garment & scene.skin).any() and not (scene.garment & ~scene.body).any()
        assert max(scene.rgb.shape) <= 256, "small enough to be read quickly"


def test_only_clothes_of_the_body_are_worn_and_then_skin_shows(scenes):
    worn = [label for label, scene in scenes if scene.skin.any()]
    assert set(worn) <= {0, 1, 2, 3, 4, 6} and len(set(worn)) >= 4
    assert len(worn) < sum(label in {0, 1, 2, 3, 4, 6} for label, _ in scenes), "others lie on a floor"


def test_the_reader_and_the_known_mask_give_inputs_of_the_network(scenes):
    for number, (_, scene) in enumerate(scenes[:30]):
        seen = photographed.read(scene.rgb, generator(14, number))
        assert seen is None or (seen.shape == (28, 28) and seen.dtype == np.uint8 and seen.any())
        cut = photographed.cut(scene, generator(15, number))
        assert cut.shape == (28, 28) and cut.dtype == np.uint8 and cut.max() >= 64


def test_a_reading_that_does_not_show_the_garment_is_passed_over():
    rgb = np.full((100, 100, 3), 250, np.float32)
    rgb[20:80, 30:70] = (200, 30, 30)
    shape = (rgb[..., 1] < 100) & (np.indices((100, 100))[0] > 0)
    assert photographed.read(rgb, generator(17), shape) is not None
    elsewhere = np.zeros((100, 100), bool)
    elsewhere[:10, :10] = True
    assert photographed.read(rgb, generator(17), elsewhere) is None


def test_a_photo_of_one_colour_has_no_reading():
    assert photographed.read(np.full((60, 60, 3), 1e9, np.float32), generator(16)) is None


def test_a_restyled_picture_still_resembles_its_garment(pictures, clothes):
    """More than it resembles the others, on average: trousers stay narrow, pullovers wide."""
    images, labels = clothes
    made, own = pictures.reshape(-1, 28 * 28) > 30, np.tile(labels, 3)
    cut = made.mean(axis=1) < 0.95  # some are not cut out at all
    assert cut.mean() > 0.9
    means = np.stack([(images[labels == c] > 30).mean(axis=0).ravel() for c in range(10)])
    likeness = np.corrcoef(made[cut], means)[: cut.sum(), cut.sum() :]
    assert likeness[np.arange(cut.sum()), own[cut]].mean() > likeness.mean() + 0.15


def test_cloth_keeps_its_tone_at_its_outline():
    shirt = np.zeros((28, 28), np.uint8)
    shirt[4:24, 6:22] = 200
    level, mask = cloth.enlarged(shirt)
    assert 0.3 < mask.mean() < 0.5
    assert abs(level[mask] - 200 / 255).max() < 0.02, "no dark rim where the black ground begins"


def test_tops_get_a_print_or_what_they_are_closed_by():
    level, mask = np.full((96, 96), 0.5, np.float32), np.zeros((96, 96), bool)
    mask[10:90, 20:76] = True
    for label in (0, 2, 4, 6):
        trims = [cloth.trimmed(level, mask, label, generator(18, label, number)) for number in range(8)]
        changed = np.stack([trim != level for trim in trims])
        assert changed.any(axis=(1, 2)).sum() > 5 and (level == 0.5).all()
        down_the_middle = changed[:, 20:88, 46:50].any(axis=2).mean()
        assert (down_the_middle > 0.9) == (label in (4, 6)), "coats and shirts open from top to bottom"


def test_a_sewn_sketch_is_a_filled_shape():
    for label in (0, 1, 2, 3, 4, 6, 7, 9):
        made = [cloth.sewn(sketches.sketch(label, generator(19, label, n)), generator(20, n)) for n in range(8)]
        assert all(level.shape == mask.shape == (96, 96) and 0.03 < mask.mean() < 0.8 for level, mask in made)

"""The garment is found in images drawn here, whose true outline is therefore known."""

import cv2
import numpy as np
import pytest

from cnn.pictures.segmentation import _DIFFERENT, Mask, masks

SHIRT = [(60, 70), (120, 50), (180, 70), (240, 60), (300, 150), (250, 180), (235, 130), (235, 330), (65, 330)]
SHIRT += [(65, 130), (45, 180), (5, 150)]


def paint(background: np.ndarray, outline: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """A garment of one colour with a little noise: uint8 (H, W, 3), bool (H, W) -> uint8 (H, W, 3)."""
    picture = background.astype(np.float32)
    picture[outline] = colour
    picture += np.random.default_rng(1).normal(0, 2, picture.shape)
    return np.uint8(np.clip(cv2.GaussianBlur(picture, (0, 0), 1), 0, 255))


def plain(colour: tuple[int, int, int] = (250, 250, 250)) -> np.ndarray:
    return np.full((400, 310, 3), colour, np.uint8)


def carpet() -> np.ndarray:
    """Blobs of four colours, as a carpet's ornament."""
    draw = np.random.default_rng(2)
    fields = [cv2.GaussianBlur(draw.normal(size=(400, 310)).astype(np.float32), (0, 0), 7) for _ in range(4)]
    colours = np.array([(150, 40, 45), (90, 30, 30), (190, 150, 100), (60, 60, 50)])
    return np.uint8(colours[np.argmax(fields, axis=0)])


def wood() -> np.ndarray:
    draw = np.random.default_rng(3)
    grain = cv2.blur(draw.normal(size=(400, 310)).astype(np.float32), (1, 51)) * 60
    planks = draw.normal(0, 12, 8)[np.arange(310) // 40]
    return np.uint8(np.clip(np.array([190, 145, 100]) + (grain + planks)[..., None], 0, 255))


def polygon(corners: list[tuple[int, int]], size: tuple[int, int] = (400, 310)) -> np.ndarray:
    return cv2.fillPoly(np.zeros(size, np.uint8), [np.array(corners)], 1) > 0


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize(
    ("background", "colour", "least"),
    [
        pytest.param(plain(), (40, 60, 120), 0.95, id="catalogue"),
        pytest.param(plain((200, 195, 190)), (235, 235, 230), 0.93, id="light on grey"),
        pytest.param(plain((45, 45, 50)), (15, 15, 18), 0.9, id="black on dark"),
        pytest.param(wood(), (70, 90, 150), 0.93, id="wood"),
        pytest.param(wood(), (235, 235, 235), 0.93, id="white on wood"),
        pytest.param(carpet(), (120, 160, 190), 0.9, id="carpet"),
    ],
)
def test_a_garment_is_cut_out(background: np.ndarray, colour: tuple[int, int, int], least: float) -> None:
    outline = polygon(SHIRT)
    best = masks(paint(background, outline, colour))[0]
    assert overlap(best.mask, outline) > least
    assert best.score > 0.6


def test_white_on_white_is_found_by_its_faint_edges() -> None:
    outline = polygon(SHIRT)
    picture = plain((252, 252, 252)).astype(np.float32)
    edge = outline & ~(cv2.erode(np.uint8(outline), np.ones((9, 9))) > 0)
    picture[outline] = 250  # within the noise: only the seams are darker
    picture[edge] = 238
    best = masks(np.uint8(np.clip(picture + np.random.default_rng(4).normal(0, 1, picture.shape), 0, 255)))[0]
    assert overlap(best.mask, outline) > 0.9


def test_a_print_on_white_is_not_taken_for_the_garment() -> None:
    outline = polygon(SHIRT)
    picture = plain((254, 254, 254)).astype(np.float32)
    picture[outline] = 247
    picture[170:220, 120:180] = (60, 60, 70)
    best = masks(np.uint8(np.clip(picture + np.random.default_rng(4).normal(0, 1, picture.shape), 0, 255)))[0]
    assert overlap(best.mask, outline) > 0.93


def test_legs_stay_apart() -> None:
    trousers = polygon([(95, 40), (215, 40), (285, 370), (215, 370), (155, 120), (95, 370), (25, 370)])
    best = masks(paint(carpet(), trousers, (110, 120, 90)))[0]
    assert overlap(best.mask, trousers) > 0.85
    assert best.mask[250:360, 145:165].mean() < 0.1


def test_light_that_falls_off_is_no_garment() -> None:
    outline = polygon(SHIRT)
    light = np.linspace(235, 165, 310)[None, :, None] * np.ones((400, 1, 3))
    best = masks(paint(light, outline, (60, 110, 70)))[0]
    assert overlap(best.mask, outline) > 0.93


def test_a_soft_shadow_is_no_garment() -> None:
    outline = polygon(SHIRT)
    shadow = cv2.GaussianBlur(np.roll(outline, (12, 12), (0, 1)).astype(np.float32), (0, 0), 10)
    best = masks(paint(plain() * (1 - 0.25 * shadow[..., None]), outline, (150, 30, 40)))[0]
    assert overlap(best.mask, outline) > 0.93


@pytest.mark.parametrize("background", [plain((225, 220, 215)), wood()], ids=["plain", "wood"])
def test_both_shoes_of_a_pair_are_kept(background: np.ndarray) -> None:
    pair = np.zeros((400, 310), np.uint8)
    for x in (95, 215):
        cv2.ellipse(pair, (x, 200), (42, 110), 0, 0, 360, 1, -1)
    best = masks(paint(background, pair > 0, (40, 40, 45)))[0]
    assert overlap(best.mask, pair > 0) > 0.9


def test_a_speck_beside_the_garment_is_left_out() -> None:
    outline = polygon(SHIRT)
    picture = paint(plain(), outline, (40, 60, 120))
    picture[370:385, 20:35] = (40, 60, 120)
    assert not masks(picture)[0].mask[365:390, 15:40].any()


def test_a_handle_stays_open_and_a_print_is_filled() -> None:
    bag = polygon([(50, 180), (260, 180), (280, 350), (30, 350)])
    handle = np.zeros((400, 310), np.uint8)
    cv2.ellipse(handle, (155, 180), (80, 110), 0, 180, 360, 1, 14)
    picture = paint(plain(), bag | (handle > 0), (120, 60, 30))
    cv2.circle(picture, (155, 260), 35, (200, 190, 40), -1)
    best = masks(picture)[0]
    assert overlap(best.mask, bag | (handle > 0)) > 0.9
    assert not best.mask[100:170, 120:190].any()
    assert best.mask[230:290, 125:185].all()


@pytest.mark.parametrize(("background", "least"), [(plain(), 0.93), (wood(), 0.9)], ids=["plain", "wood"])
def test_a_garment_that_the_edge_cuts_is_found(background: np.ndarray, least: float) -> None:
    outline = np.roll(polygon(SHIRT), 150, axis=0)
    outline[:150] = False
    best = masks(paint(background, outline, (40, 90, 60)))[0]
    assert overlap(best.mask, outline) > least


def test_white_clothes_that_the_edge_cuts_are_found_on_white() -> None:
    picture, jeans = plain((254, 254, 254)), polygon([(70, 320), (230, 320), (230, 399), (70, 399)])
    picture[jeans] = (50, 60, 90)
    shirt = polygon(SHIRT)
    picture[shirt] = 249
    assert overlap(masks(picture)[0].mask, shirt | jeans) > 0.9


def check(found: list[Mask], size: tuple[int, int]) -> None:
    assert 1 <= len(found) <= 3
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)
    for one in found:
        assert one.mask.shape == size
        assert one.mask.dtype == bool
        assert one.mask.any()
        assert 0 <= one.score <= 1
        assert one.name
    assert len({one.name for one in found}) == len(found)


@pytest.mark.parametrize("size", [(8, 300), (300, 8), (18, 500), (1, 1), (1, 30), (3, 3), (28, 28), (500, 500)])
def test_any_picture_has_a_mask(size: tuple[int, int]) -> None:
    draw = np.random.default_rng(5)
    for picture in (
        np.full((*size, 3), 255, np.uint8),
        np.zeros((*size, 3), np.uint8),
        draw.integers(0, 256, (*size, 3), np.uint8),
        draw.integers(0, 2, (*size, 1), np.uint8) * np.full(3, 255, np.uint8),
    ):
        check(masks(picture), size)


def test_a_picture_of_one_colour_has_no_plausible_garment() -> None:
    assert masks(plain())[0].score < 0.2


def test_masks_differ() -> None:
    two_coloured = paint(carpet(), polygon(SHIRT), (150, 150, 150))
    two_coloured[130:330, 65:235] = (230, 225, 60)
    found = masks(two_coloured)
    check(found, (400, 310))
    for index, one in enumerate(found):
        for other in found[:index]:
            assert overlap(one.mask, other.mask) < _DIFFERENT + 0.03  # compared before they are enlarged


def test_results_are_the_same_every_time_and_leave_the_picture_alone() -> None:
    picture = paint(carpet(), polygon(SHIRT), (120, 160, 190))
    before = picture.copy()
    first = masks(picture)
    cv2.setRNGSeed(12345)
    second = masks(picture)
    assert [(one.name, one.score) for one in first] == [(one.name, one.score) for one in second]
    assert all((one.mask == other.mask).all() for one, other in zip(first, second, strict=True))
    assert (picture == before).all()

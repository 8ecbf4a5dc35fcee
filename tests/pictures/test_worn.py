"""Persons drawn here, so that the outline of what they wear is known: it alone is cut out."""

import cv2
import numpy as np
import pytest

from cnn.pictures.segmentation import masks

SKIN, HAIR, JEANS = (215, 165, 135), (45, 32, 28), (60, 80, 120)
SIZE = (420, 320)
WHITE, GREY = (252, 252, 252), (205, 205, 210)


def polygon(*corners: tuple[int, int]) -> np.ndarray:
    return cv2.fillPoly(np.zeros(SIZE, np.uint8), [np.array(corners)], 1) > 0


def mirrored(shape: np.ndarray) -> np.ndarray:
    return shape | shape[:, ::-1]


def ellipse(x: int, y: int, wide: int, high: int) -> np.ndarray:
    return cv2.ellipse(np.zeros(SIZE, np.uint8), (x, y), (wide, high), 0, 0, 360, 1, -1) > 0


ARMS = mirrored(polygon((75, 150), (100, 140), (92, 240), (80, 320), (55, 320), (62, 230)))
BODY = polygon((135, 122), (184, 122), (235, 140), (225, 300), (95, 300), (84, 140))
SHORT = mirrored(polygon((84, 138), (110, 135), (100, 205), (60, 200)))
LONG = mirrored(polygon((84, 138), (110, 135), (96, 240), (84, 305), (54, 305), (62, 230)))
LEGS = mirrored(polygon((95, 280), (165, 280), (150, 419), (92, 419)))
SKIRT = polygon((95, 280), (225, 280), (245, 390), (75, 390))
NECK = polygon((140, 80), (179, 80), (182, 128), (160, 145), (137, 128))


def person(
    top: np.ndarray,
    colour: tuple[int, int, int],
    legs: tuple[int, int, int] = JEANS,
    ground: tuple[int, int, int] = WHITE,
    long_hair: bool = False,
    skin: tuple[int, int, int] = SKIN,
) -> tuple[np.ndarray, np.ndarray]:
    """A person down to the knees, uint8 (H, W, 3), and where its garment is, bool (H, W)."""
    picture = np.full((*SIZE, 3), ground, np.float32)
    picture[ellipse(160, 58, 40, 48)] = HAIR
    if long_hair:
        picture[mirrored(polygon((122, 60), (145, 60), (140, 150), (118, 150)))] = HAIR
    picture[LEGS] = legs
    picture[ARMS] = skin
    garment = top & ~NECK
    picture[garment] = colour
    picture[NECK] = skin
    picture[ellipse(160, 66, 28, 38)] = skin
    if long_hair:
        picture[mirrored(polygon((122, 60), (132, 60), (136, 150), (118, 150)))] = HAIR
        garment = garment & (np.abs(picture - np.array(HAIR)).sum(-1) > 0)
    picture += np.random.default_rng(1).normal(0, 2, picture.shape)
    return np.uint8(np.clip(cv2.GaussianBlur(picture, (0, 0), 1), 0, 255)), garment


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize(
    ("picture", "garment"),
    [
        pytest.param(*person(BODY | SHORT, (50, 90, 160)), id="T-shirt"),
        pytest.param(*person(BODY | LONG, (40, 110, 60)), id="long sleeves"),
        pytest.param(*person(BODY, (160, 40, 60)), id="no sleeves"),
        pytest.param(*person(BODY | SHORT, (238, 238, 240)), id="white on white"),
        pytest.param(*person(BODY | LONG, (230, 140, 150)), id="pink"),
        pytest.param(*person(BODY | SHORT, (30, 30, 34)), id="black, like the hair"),
        pytest.param(*person(BODY | SHORT, (50, 90, 160), long_hair=True), id="long hair"),
        pytest.param(*person(BODY | LONG, (90, 60, 120), ground=GREY), id="grey background"),
        pytest.param(*person(BODY | SHORT, (200, 190, 60), skin=(120, 80, 60)), id="dark skin"),
        pytest.param(*person(BODY | SHORT | SKIRT, (150, 30, 70), legs=SKIN), id="dress"),
    ],
)
def test_the_garment_of_a_person_is_cut_out(picture: np.ndarray, garment: np.ndarray) -> None:
    found = masks(picture)
    assert found[0].name == "Worn garment"
    assert overlap(found[0].mask, garment) > 0.85
    assert all(one.score < 0.5 * found[0].score for one in found[1:])  # the whole person hardly counts


def test_a_person_before_a_textured_wall_is_found() -> None:
    picture, garment = person(BODY | SHORT, (50, 90, 160))
    wall = (picture > 240).all(-1)
    noise = cv2.GaussianBlur(np.random.default_rng(2).normal(0, 60, SIZE).astype(np.float32), (0, 0), 3)
    picture[wall] = np.clip(np.array([120, 150, 130]) + 2 * noise[wall][:, None], 0, 255)
    found = masks(picture)
    assert overlap(found[0].mask, garment) > 0.8


@pytest.mark.parametrize("first", [95, 103])
def test_a_person_whose_head_the_edge_cuts_off_is_found(first: int) -> None:
    picture, garment = person(BODY | LONG, (40, 110, 60))
    found = masks(picture[first:])
    assert found[0].name == "Worn garment"
    assert overlap(found[0].mask, garment[first:]) > 0.85


def test_a_hood_is_no_head() -> None:
    picture = np.full((*SIZE, 3), GREY, np.float32)
    jacket = ellipse(160, 70, 40, 60) | BODY | LONG
    picture[jacket] = (50, 60, 70)
    picture[ellipse(160, 75, 25, 38)] = (190, 180, 60)  # its lining
    found = masks(np.uint8(picture))
    assert overlap(found[0].mask, jacket) > 0.9

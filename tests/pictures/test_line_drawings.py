"""Strokes become the network's input, however thick and large they were drawn."""

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from cnn.pictures import line_drawings
from cnn.pictures.line_drawings import EDGE, FILL, STROKE, enclosed, frame_of, stroke_width, strokes_to_pixels

SHIRT = [
    *((15, 18), (35, 10), (65, 10), (85, 18), (97, 45), (82, 52)),
    *((76, 42), (76, 92), (24, 92), (24, 42), (18, 52), (3, 45)),
]


def shirt(edge: int = 250, width: int = 3, centre_line: bool = True) -> np.ndarray:
    """The outline of a shirt and its centre line, bool (edge, edge)."""
    paper = Image.new("L", (edge, edge))
    pen = ImageDraw.Draw(paper)
    points = [(x * edge / 100, y * edge / 100) for x, y in SHIRT]
    pen.line([*points, *points[:2]], fill=255, width=width, joint="curve")
    if centre_line:
        pen.line([(edge / 2, edge * 0.1), (edge / 2, edge * 0.92)], fill=255, width=width)
    return np.asarray(paper) > 0


def ring(gap: float, edge: int = 280, width: int = 4) -> np.ndarray:
    """A circle that leaves out so many degrees."""
    paper = Image.new("L", (edge, edge))
    corners = (edge * 0.1, edge * 0.1, edge * 0.9, edge * 0.9)
    ImageDraw.Draw(paper).arc(corners, gap / 2, 360 - gap / 2, fill=255, width=width)
    return np.asarray(paper) > 0


def line(*points: tuple[float, float]) -> np.ndarray:
    paper = Image.new("L", (280, 280))
    ImageDraw.Draw(paper).line(points, fill=255, width=4)
    return np.asarray(paper) > 0


def apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).mean())


# ---------------------------------------------------------------- size and width do not matter

SMALL = [(100, 1), (100, 2), (100, 4), (150, 1), (150, 6), (250, 1), (250, 2), (250, 6)]
LARGE = [(500, 1), (500, 2), (500, 6), (1000, 1), (1000, 2), (1000, 3), (1000, 6)]


@pytest.mark.parametrize(("edge", "width"), SMALL + LARGE)
def test_a_drawing_is_the_same_at_any_size_and_with_any_pen(edge, width):
    expected = strokes_to_pixels(shirt())[0]
    other_shape = strokes_to_pixels(ring(0))[0]
    pixels, ink, inside = strokes_to_pixels(shirt(edge, width))
    assert apart(pixels, expected) < 0.075 < 0.15 < apart(other_shape, expected)
    assert abs(stroke_width(ink) - STROKE) < 1
    assert (inside > 0).mean() == pytest.approx(0.44, abs=0.06)


def test_the_result_has_the_networks_size_type_and_range():
    pixels, ink, inside = strokes_to_pixels(shirt())
    assert pixels.shape == (28, 28) and pixels.dtype == np.float32
    assert pixels.min() == 0 and pixels.max() == 1
    for shown in (ink, inside):
        assert shown.shape == (EDGE, EDGE) and shown.dtype == np.uint8 and set(np.unique(shown)) == {0, 255}
    assert not (ink & inside).any()


def test_bool_and_uint8_strokes_are_alike():
    strokes = shirt()
    for other in (strokes.astype(np.uint8), strokes.astype(np.uint8) * 255):
        assert np.array_equal(strokes_to_pixels(other)[0], strokes_to_pixels(strokes)[0])


def test_where_it_was_drawn_does_not_matter():
    paper = np.zeros((400, 500), bool)
    paper[3:253, 240:490] = shirt()
    assert np.array_equal(strokes_to_pixels(paper)[0], strokes_to_pixels(shirt())[0])


def test_how_large_it_was_drawn_on_the_same_paper_does_not_matter():
    expected = strokes_to_pixels(shirt(280, 4))[0]
    for edge in (120, 200):
        paper = np.zeros((280, 280), bool)
        paper[20 : 20 + edge, 30 : 30 + edge] = shirt(edge, 4)
        assert apart(strokes_to_pixels(paper)[0], expected) < 0.06


def test_it_fills_the_frame_and_keeps_its_proportions():
    tall = line((100, 20), (140, 20), (140, 260), (100, 260), (100, 20))
    seen = strokes_to_pixels(tall)[0] > 0.2
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    assert len(rows) >= 27 and 5 <= len(columns) <= 7
    assert abs(columns[0] - (27 - columns[-1])) <= 1


@pytest.mark.parametrize(("left", "top", "width", "height"), [(100, 20, 41, 241), (7, 60, 250, 90), (200, 190, 60, 70)])
def test_the_frame_says_where_on_the_paper_the_strokes_lie(left, top, width, height):
    paper = np.zeros((300, 280), bool)
    paper[top : top + height, left : left + width] = True
    paper[top + 4 : top + height - 4, left + 4 : left + width - 4] = False
    frame, ink = frame_of(paper), strokes_to_pixels(paper)[1]
    across, down = (frame.right - frame.left) * 280 / EDGE, (frame.bottom - frame.top) * 300 / EDGE
    assert max(across, down) == pytest.approx(max(width, height) / (EDGE - 4), rel=0.03)
    assert across == pytest.approx(down, rel=0.03)
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    middle = (columns[0] + columns[-1] + 1) / 2, (rows[0] + rows[-1] + 1) / 2  # the strokes' width does not move it
    assert frame.left * 280 + middle[0] * across == pytest.approx(left + width / 2, abs=across)
    assert frame.top * 300 + middle[1] * down == pytest.approx(top + height / 2, abs=down)


@pytest.mark.parametrize("shape", [(1, 1), (1, 60), (60, 1), (300, 300), (3, 2000)])
def test_ink_of_any_shape_gives_a_picture(shape):
    pixels = strokes_to_pixels(np.ones(shape, bool))[0]
    assert pixels.shape == (28, 28) and pixels.max() == 1


@pytest.mark.parametrize("width", [1, 2, 5, 9, 20])
def test_the_width_of_strokes_is_measured(width):
    paper = np.zeros((200, 200), np.uint8)
    paper[20:180, 40 : 40 + width] = 255
    paper[20:180, 120 : 120 + width] = 255
    assert stroke_width(paper) == pytest.approx(width, abs=1.1)


def test_no_ink_has_no_width():
    assert stroke_width(np.zeros((9, 9), np.uint8)) == 0


# ---------------------------------------------------------------- what is filled


def filled(strokes: np.ndarray) -> float:
    """The share of the strokes' hull that counts as enclosed."""
    _, ink, inside = strokes_to_pixels(strokes)
    hull = cv2.contourArea(cv2.convexHull(cv2.findNonZero(ink)))
    return (inside > 0).sum() / hull


def test_a_closed_outline_is_filled_at_half_the_brightness():
    pixels, *_ = strokes_to_pixels(ring(0))
    assert filled(ring(0)) > 0.8
    assert pixels[10:18, 10:18] == pytest.approx(np.full((8, 8), FILL), abs=0.01)
    assert pixels[0, 0] == 0 and pixels[27, 27] == 0


@pytest.mark.parametrize("gap", [2, 5, 8])
def test_a_small_gap_is_bridged(gap):
    assert filled(ring(gap)) > 0.8
    assert strokes_to_pixels(ring(gap))[0][14, 14] == pytest.approx(FILL, abs=0.01)


@pytest.mark.parametrize("gap", [20, 40, 60])
def test_an_opening_is_closed_by_a_straight_line(gap):
    assert filled(ring(gap)) > 0.8
    pixels = strokes_to_pixels(ring(gap))[0]
    assert pixels[14, 14] == pytest.approx(FILL, abs=0.06)
    assert pixels[14, 16:].max() < FILL + 0.1, "what closes it is no stroke"


@pytest.mark.parametrize("gap", [120, 240])
def test_a_wide_opening_is_not(gap):
    assert filled(ring(gap)) < 0.05


def test_open_hems_and_an_open_waist_are_closed_and_the_ground_between_the_legs_is_not():
    """Two strokes: the outer sides, and the inner sides that meet; nothing across the waist and the hems."""
    trousers = line((60, 20), (40, 260)) | line((200, 20), (220, 260)) | line((110, 260), (130, 110), (150, 260))
    pixels, *_ = strokes_to_pixels(trousers)
    for inner in (pixels[6, 14], pixels[22, 9], pixels[22, 18]):
        assert inner == pytest.approx(FILL, abs=0.08)
    assert pixels[25, 14] == 0


def test_loose_ends_are_where_strokes_end():
    _, ink, _ = strokes_to_pixels(line((60, 40), (60, 240), (220, 240), (220, 40)))
    ends = sorted(map(tuple, line_drawings.loose_ends(ink)))
    assert len(ends) == 2 and np.abs(np.array(ends) - [(14, 5), (98, 5)]).max() <= 5
    assert len(line_drawings.loose_ends(strokes_to_pixels(ring(0))[1])) == 0
    assert line_drawings.loose_ends(np.zeros((EDGE, EDGE), np.uint8)).shape == (0, 2)


OPEN = {
    "U": line((60, 40), (60, 240), (220, 240), (220, 40)),
    "zigzag": line((40, 40), (200, 60), (80, 150), (220, 230)),
    "cross": line((40, 40), (240, 240)) | line((40, 240), (240, 40)),
    "stroke": line((40, 140), (240, 150)),
}


@pytest.mark.parametrize("name", OPEN)
def test_an_open_curve_is_not_filled(name):
    assert filled(OPEN[name]) < 0.05
    assert strokes_to_pixels(OPEN[name])[0].max() == 1


def test_the_ground_between_two_legs_stays_ground():
    trousers = line((60, 20), (220, 20), (220, 260), (160, 260), (140, 100), (120, 260), (60, 260), (60, 20))
    pixels = strokes_to_pixels(trousers)[0]
    assert pixels[24, 14] == 0
    assert pixels[20, 8] == pytest.approx(FILL, abs=0.02) and pixels[20, 19] == pytest.approx(FILL, abs=0.02)


def test_inner_strokes_stay_brighter_than_what_they_cross():
    plain, lined = strokes_to_pixels(shirt(centre_line=False))[0], strokes_to_pixels(shirt())[0]
    assert plain[8:22, 13:15] == pytest.approx(np.full((14, 2), FILL), abs=0.02)
    assert lined[8:22, 13:15].max(axis=1).min() > FILL + 0.25
    assert lined[8:22, 9:11] == pytest.approx(np.full((14, 2), FILL), abs=0.02)


def test_a_hole_within_strokes_belongs_to_the_inside():
    """Only the outer ground is told from the inside: a handle's hole is enclosed too."""
    both = ring(0)
    both[100:180, 100:180] |= ring(0, 80, 4)
    assert filled(both) > 0.7


def test_nothing_encloses_nothing():
    assert not enclosed(np.zeros((EDGE, EDGE), np.uint8)).any()
    solid = np.zeros((EDGE, EDGE), np.uint8)
    solid[30:80, 30:80] = 255
    assert not enclosed(solid).any(), "the strokes are left out"


def test_the_working_copy_is_a_multiple_of_the_networks_input():
    assert EDGE == line_drawings.SIZE * line_drawings.SCALE == 112

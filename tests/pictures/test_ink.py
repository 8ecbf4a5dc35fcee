"""Strokes are told from shadows, rules, tables and cloth."""

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from cnn.pictures import readings
from cnn.pictures.ink import ink_of
from cnn.pictures.readings import LINE_DRAWING

SHIRT = [
    *((15, 18), (35, 10), (65, 10), (85, 18), (97, 45), (82, 52)),
    *((76, 42), (76, 92), (24, 92), (24, 42), (18, 52), (3, 45)),
]
EDGE = 512


def paper(colour="#f6f3ea") -> Image.Image:
    return Image.new("RGB", (EDGE, EDGE), colour)


def ruled(squared: bool) -> Image.Image:
    sheet = paper("#fbfbf8")
    pen = ImageDraw.Draw(sheet)
    for at in range(20, EDGE, 24):
        pen.line((0, at, EDGE, at), "#c3d2ea", 2)
        if squared:
            pen.line((at, 0, at, EDGE), "#c3d2ea", 2)
    if not squared:
        pen.line((60, 0, 60, EDGE), "#e8a0a8", 2)
    return sheet


def outline(width: float) -> np.ndarray:
    """How much ink a pen leaves: the outline of a shirt, float (512, 512) in [0, 1]."""
    large = Image.new("L", (2 * EDGE, 2 * EDGE))
    points = [(2 * EDGE * (0.2 + 0.006 * x), 2 * EDGE * (0.2 + 0.006 * y)) for x, y in SHIRT]
    ImageDraw.Draw(large).line([*points, *points[:2]], 255, round(2 * width), joint="curve")
    return np.asarray(large.resize((EDGE, EDGE), Image.Resampling.BOX), np.float32) / 255


def drawn(sheet: Image.Image, ink, width: float, pressure: float = 0.0) -> np.ndarray:
    """The shirt on a sheet, float32 (512, 512, 3); `pressure`: how much the strokes' darkness varies."""
    noise = cv2.GaussianBlur(np.random.default_rng(3).normal(0, 1, (EDGE, EDGE)).astype(np.float32), (0, 0), 20)
    ink_here = (outline(width) * np.clip(1 - pressure + pressure * noise / noise.std(), 0.3, 1))[..., None]
    return np.asarray(sheet, np.float32) * (1 - ink_here) + np.float32(ink) * ink_here


def photographed(rgb: np.ndarray, shadow: float = 0.0, noise: float = 2.0) -> np.ndarray:
    """Lit from one side, with the shadow of a hand; uint8 (512, 512, 3)."""
    y, x = np.mgrid[0 : 1 : EDGE * 1j, 0 : 1 : EDGE * 1j].astype(np.float32)
    hand = cv2.GaussianBlur(((x > 0.45) & (y > 0.55)).astype(np.float32), (0, 0), 12)
    light = (0.95 - 0.3 * x - 0.1 * y) * (1 - shadow * hand)
    noisy = rgb * light[..., None] + np.random.default_rng(4).normal(0, noise, rgb.shape)
    return np.uint8(np.clip(noisy, 0, 255))


def on_a_table(rgb: np.ndarray) -> np.ndarray:
    grain = np.random.default_rng(5).normal(0, 6, (EDGE, 1, 1)) * np.ones((1, EDGE, 1))
    table = np.float32((96, 66, 42)) + np.float32(grain)
    corners = np.float32([[0, 0], [EDGE, 0], [EDGE, EDGE], [0, EDGE]])
    onto = np.float32([[40, 30], [480, 45], [470, 480], [25, 465]])
    turned = cv2.getPerspectiveTransform(corners, onto)
    inside = cv2.warpPerspective(np.ones((EDGE, EDGE), np.float32), turned, (EDGE, EDGE))[..., None]
    return cv2.warpPerspective(np.float32(rgb), turned, (EDGE, EDGE)) * inside + table * (1 - inside)


DRAWINGS = {
    "pencil": lambda: photographed(drawn(paper(), (110, 110, 112), 3, 0.25)),
    "pencil on recycled paper": lambda: photographed(drawn(paper("#cdc8be"), (90, 90, 92), 3, 0.25)),
    "ball-pen": lambda: photographed(drawn(paper(), (40, 60, 170), 2.5)),
    "red ball-pen": lambda: photographed(drawn(paper("#ffffff"), (190, 35, 40), 2.5)),
    "ball-pen on ruled paper": lambda: photographed(drawn(ruled(False), (30, 40, 120), 3)),
    "ball-pen on squared paper": lambda: photographed(drawn(ruled(True), (30, 40, 120), 3)),
    "felt pen": lambda: photographed(drawn(paper(), (20, 110, 60), 9)),
    "highlighter": lambda: photographed(drawn(paper(), (250, 120, 180), 12)),
    "chalk": lambda: photographed(drawn(paper("#233f30"), (235, 235, 225), 6, 0.1)),
    "ball-pen on a table": lambda: photographed(on_a_table(drawn(paper(), (40, 60, 170), 4))),
    "the shadow of a hand": lambda: photographed(drawn(paper(), (30, 30, 35), 3), shadow=0.25),
    "white strokes on black": lambda: np.uint8(drawn(paper("#000000"), (255, 255, 255), 8)),
    "a thick coloured outline": lambda: np.uint8(drawn(paper("#ffffff"), (30, 120, 240), 18)),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_strokes_are_found_and_nothing_else(name):
    rgb = DRAWINGS[name]()
    found = readings.of_picture(Image.fromarray(rgb), used_only=True)
    assert [reading.name for reading in found] == [LINE_DRAWING]
    expected = readings.of_picture(Image.fromarray(np.uint8(drawn(paper("#ffffff"), (0, 0, 0), 6))), used_only=True)
    assert np.abs(found[0].seen.pixels - expected[0].seen.pixels).mean() < 0.09


def cloth(level: float, spread: float, colour=(1, 1, 1), fold: float = 12.0) -> np.ndarray:
    """A shirt on white whose tones vary, as folds make them; uint8 (512, 512, 3)."""
    mask = Image.new("L", (EDGE, EDGE))
    ImageDraw.Draw(mask).polygon([(EDGE * (0.2 + 0.006 * x), EDGE * (0.2 + 0.006 * y)) for x, y in SHIRT], 255)
    folds = cv2.GaussianBlur(np.random.default_rng(6).normal(0, 1, (EDGE, EDGE)).astype(np.float32), (0, 0), fold)
    tones = (level + spread * folds / folds.std())[..., None] * np.float32(colour)
    return np.uint8(np.clip(np.where(np.asarray(mask)[..., None] > 0, tones, 255), 0, 255))


def striped(rgb: np.ndarray, step: int) -> np.ndarray:
    cloth_here = (rgb < 252).any(-1)
    rows = (np.arange(EDGE) // step % 2 == 0)[:, None]
    return np.where((cloth_here & rows)[..., None], np.uint8((30, 40, 90)), rgb)


CLOTH = {
    "white on white": lambda: cloth(232, 8),
    "grey": lambda: cloth(160, 15),
    "dark": lambda: cloth(40, 12),
    "coloured": lambda: cloth(200, 20, (1, 0.4, 0.3)),
    "thin stripes": lambda: striped(cloth(225, 8), 6),
    "broad stripes": lambda: striped(cloth(225, 8), 20),
    "with an outline": lambda: np.uint8(cloth(215, 10) * (1 - outline(4)[..., None])),
}


@pytest.mark.parametrize("name", CLOTH)
@pytest.mark.parametrize("edge", [64, 128, 512])
def test_cloth_is_no_line_drawing(name, edge):
    picture = Image.fromarray(CLOTH[name]()).resize((edge, edge), Image.Resampling.BOX)
    found = readings.of_picture(picture, used_only=True)
    assert LINE_DRAWING not in [reading.name for reading in found]


def test_rules_are_not_ink_and_what_crosses_them_is():
    plain, on_rules = (ink_of(np.uint8(drawn(sheet, (30, 40, 120), 4))[::2, ::2]) for sheet in (paper(), ruled(True)))
    both = (plain.strokes & on_rules.strokes).sum()
    assert both > 0.7 * plain.strokes.sum() and both > 0.8 * on_rules.strokes.sum()


def test_the_evidence_of_a_drawing_and_of_cloth():
    strokes, shirt = ink_of(DRAWINGS["ball-pen"]()[::2, ::2]), ink_of(CLOTH["grey"]()[::2, ::2])
    assert strokes.is_drawing and strokes.is_clean and strokes.between < 0.05 and strokes.widest < 0.05
    assert not shirt.is_drawing and not shirt.is_clean and shirt.between > 0.5


@pytest.mark.parametrize("shape", [(8, 1), (1, 8), (9, 200), (256, 256)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_image_without_strokes_is_no_drawing(shape, level):
    ink = ink_of(np.full((*shape, 3), level, np.uint8))
    assert not ink.strokes.any() and not ink.is_drawing

"""Tiles, colours and Plotly figures."""

import base64
import io
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import plotly.colors
import pytest
from PIL import Image

from cnn import charts
from cnn.charts import (
    bars,
    base64_floats,
    coloured,
    coloured_maps,
    confusion,
    curves,
    data_url,
    laid_over,
    layout,
    muted_filters,
    probabilities,
    scale_colours,
    sprite,
    taken_apart,
    tile,
    value_range,
)
from cnn.charts.comparison import class_differences
from cnn.config import CLASS_NAMES
from cnn.tuning import Trial, undominated

ROOT = Path(__file__).resolve().parents[2]
GAP = 128  # the grey between tiles


def colour(scale: str, position: float) -> list[int]:
    (found,) = plotly.colors.sample_colorscale(scale, [position], colortype="tuple")
    return [round(part * 255) for part in found]


def theme() -> dict:
    return tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]


# ---------------------------------------------------------------- colours


def test_the_palette_is_the_themes():
    palette = [
        charts.BLUE,
        charts.ORANGE,
        charts.GREEN,
        charts.PINK,
        charts.SKY,
        charts.RED,
        charts.YELLOW,
        charts.GREY,
    ]
    assert theme()["chartCategoricalColors"] == palette


def test_the_sequential_scale_is_the_themes():
    """Streamlit takes ten colours of it."""
    for index, expected in enumerate(theme()["chartSequentialColors"]):
        wanted = [int(expected[start : start + 2], 16) for start in (1, 3, 5)]
        assert np.abs(np.subtract(colour(charts.SEQUENTIAL, index / 9), wanted)).max() <= 8, expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 3.0], (0.0, 3.0)),
        ([2.0, 3.0], (2.0, 3.0)),
        ([-1.0, 3.0], (-3.0, 3.0)),
        ([-4.0, 3.0], (-4.0, 4.0)),
        ([-4.0, -3.0], (-4.0, 4.0)),
    ],
)
def test_a_range_with_negative_values_is_symmetric(values, expected):
    assert value_range(np.array(values)) == expected


@pytest.mark.parametrize(("values", "expected"), [([1.0, 3.0], (-3.0, 3.0)), ([-2.0, 1.0], (-2.0, 2.0))])
def test_what_could_be_negative_is_symmetric_even_where_it_is_not(values, expected):
    assert value_range(np.array(values), signed=True) == expected


def test_a_map_of_zeros_on_a_signed_scale_is_neutral():
    image = tile(np.zeros((2, 2, 1)), signed=True, width=20)
    assert image.min() > 240


@pytest.mark.parametrize("value", [0.0, 1.0, 1e3, 1e12, -2.0])
def test_a_constant_map_has_a_range_and_a_colour(value):
    values = np.full((3, 3), value, np.float32)
    low, high = value_range(values)
    assert high > low
    assert len({tuple(pixel) for pixel in coloured(values, (low, high)).reshape(-1, 3)}) == 1


def test_the_sequential_scale_runs_from_the_lowest_to_the_highest_value():
    found = coloured(np.array([[2.0, 3.0, 4.0]]), (2.0, 4.0))
    assert found.dtype == np.uint8 and found.shape == (1, 3, 3)
    assert (
        np.abs(found[0].astype(int) - [colour("Cividis", 0), colour("Cividis", 0.5), colour("Cividis", 1)]).max() <= 2
    )


def test_the_diverging_scale_has_a_neutral_zero_between_its_ends():
    low, zero, high = coloured(np.array([[-2.0, 0.0, 2.0]]), (-2.0, 2.0))[0].astype(int)
    assert np.abs(low - colour("PuOr", 0)).max() <= 2 and np.abs(high - colour("PuOr", 1)).max() <= 2
    assert np.ptp(zero) <= 4 and zero.min() > 240, "zero is nearly white"
    assert np.abs(low - high).max() > 60


def test_zero_is_neutral_even_where_all_values_are_negative():
    maps = np.array([[-4.0, 0.0]])[..., None]
    image = tile(maps, width=20)
    assert image[0, -1].min() > 240


def test_values_beyond_the_range_get_its_ends():
    found = coloured(np.array([[-9.0, 0.0, 1.0, 9.0]]), (0.0, 1.0))[0]
    assert np.array_equal(found[0], found[1]) and np.array_equal(found[2], found[3])


# ---------------------------------------------------------------- tiles


def tiles_of(image: np.ndarray, count: int, size: tuple[int, int], limits: tuple[int, int]) -> list[np.ndarray]:
    """Cut the picture apart again by its layout."""
    (height, width), (scale, columns) = size, layout(*size, count, *limits)
    down, right = height * scale + 2, width * scale + 2
    assert image.shape == (-(-count // columns) * down - 2, columns * right - 2, 3)
    places = [(index // columns * down, index % columns * right) for index in range(count)]
    return [image[top : top + height * scale, left : left + width * scale] for top, left in places]


@pytest.mark.parametrize(
    ("size", "count"), [((28, 28), 64), ((7, 7), 256), ((1, 1), 1024), ((5, 7), 17), ((28, 28), 1)]
)
def test_maps_are_laid_out_as_large_as_they_fit(size, count):
    height, width = size
    scale, columns = layout(height, width, count, 700, 500)
    image = tile(np.random.default_rng(0).random((height, width, count)), width=700, height=500)
    assert image.dtype == np.uint8 and len(tiles_of(image, count, size, (700, 500))) == count
    assert image.shape[0] <= 500 and image.shape[1] <= 700 and columns <= count
    larger = scale + 1
    columns = (700 + 2) // (width * larger + 2)
    assert larger > 16 or columns == 0 or -(-count // columns) * (height * larger + 2) > 500, "no larger scale fits"


def test_more_maps_than_fit_make_the_picture_higher_and_never_wider():
    assert layout(28, 28, 512, 300, 200) == (1, 10)
    assert tile(np.zeros((28, 28, 512)), width=300, height=200).shape == (52 * 30 - 2, 10 * 30 - 2, 3)


def test_every_map_stands_in_its_place_pixel_by_pixel():
    maps = np.random.default_rng(1).random((5, 7, 11))
    scale, columns = layout(5, 7, 11, 200, 100)
    assert scale > 1 and columns < 11 and 11 % columns, "a grid that is not full"
    found = tiles_of(tile(maps, (0.0, 1.0), width=200, height=100), 11, (5, 7), (200, 100))
    for index, one in enumerate(found):
        expected = coloured(maps[..., index], (0.0, 1.0))
        assert np.array_equal(one, expected.repeat(scale, axis=0).repeat(scale, axis=1))


def test_gaps_and_missing_maps_are_grey():
    image = tile(np.zeros((5, 5, 3)), width=100, height=100)
    scale, columns = layout(5, 5, 3, 100, 100)
    assert columns == 2
    taken = np.zeros(image.shape[:2], bool)
    step = 5 * scale + 2
    for top, left in ((0, 0), (0, step), (step, 0)):
        taken[top : top + step - 2, left : left + step - 2] = True
    assert (image[~taken] == GAP).all()
    assert (image[taken] == coloured(np.zeros((1, 1)), (0.0, 1.0))[0, 0]).all()
    assert taken[0, step - 3] and not taken[0, step - 2 : step].any() and taken[0, step]


def test_a_range_of_its_own_for_each_map_or_one_for_all():
    maps = np.stack([np.array([[0.0, 1.0]]), np.array([[0.0, 10.0]])], axis=-1)
    faint, strong = tiles_of(tile(maps), 2, (1, 2), (840, 600))
    assert np.array_equal(faint, strong), "each map uses the whole scale"
    faint, strong = tiles_of(tile(maps, (0.0, 10.0)), 2, (1, 2), (840, 600))
    assert not np.array_equal(faint, strong)
    assert np.abs(faint[0, -1].astype(int) - colour("Cividis", 0.1)).max() <= 2
    assert np.abs(strong[0, -1].astype(int) - colour("Cividis", 1.0)).max() <= 2


def test_a_whole_network_shares_one_kind_of_scale():
    positive = np.ones((2, 2, 1))
    assert not np.array_equal(tile(positive, (-1.0, 1.0)), tile(positive, (0.0, 1.0)))


# ---------------------------------------------------------------- pictures for the browser


@pytest.mark.parametrize(("size", "count"), [((28, 28), 64), ((7, 7), 256), ((1, 1), 128), ((3, 6), 10), ((28, 28), 1)])
def test_every_map_has_its_place_in_the_sprite(size, count):
    maps = np.random.default_rng(2).random((*size, count)) - 0.5
    colours = coloured_maps(maps)
    picture, columns = sprite(colours)
    height, width = size
    for index in range(count):
        row, column = divmod(index, columns)
        piece = picture[row * height : (row + 1) * height, column * width : (column + 1) * width]
        assert np.array_equal(piece, coloured(maps[..., index], value_range(maps[..., index])))
    assert picture.shape[0] % height == 0 and picture.shape[1] == columns * width


def test_maps_with_a_common_range_are_coloured_alike():
    maps = np.stack([np.full((2, 2), 0.1), np.full((2, 2), 1.0)], axis=-1)
    faint, strong = coloured_maps(maps, (0.0, 1.0))
    assert not np.array_equal(faint, strong) and np.array_equal(strong, coloured(maps[..., 1], (0.0, 1.0)))


def test_what_is_sent_to_the_browser_comes_back_exactly():
    picture = np.random.default_rng(3).integers(0, 256, (5, 7, 3), np.uint8)
    kind, content = data_url(picture).split(",")
    assert kind == "data:image/png;base64"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(content)))), picture)
    values = np.random.default_rng(3).normal(size=(3, 4)).astype(np.float32)
    assert np.array_equal(np.frombuffer(base64.b64decode(base64_floats(values.T)), "<f4").reshape(4, 3), values.T)


def test_the_colours_of_a_scale_begin_and_end_with_its_ends():
    colours = scale_colours((-2.0, 2.0), 5)
    ends = coloured(np.array([-2.0, 0.0, 2.0]), (-2.0, 2.0)).tolist()
    assert [colours[0], colours[2], colours[4]] == [f"rgb({r},{g},{b})" for r, g, b in ends]


def test_a_map_of_zeros_leaves_the_picture_and_a_strong_one_covers_it():
    picture = np.full((2, 2, 3), 200, np.uint8)
    values = np.array([[0.0, 0.0], [0.0, 4.0]])
    laid = laid_over(picture, values).astype(int)
    assert np.array_equal(laid[0, 0], [200, 200, 200])
    highest = coloured(values, (0.0, 4.0))[1, 1].astype(int)
    assert np.abs(laid[1, 1] - (0.15 * 200 + 0.85 * highest)).max() <= 1
    signed = laid_over(picture[..., 0], np.array([[-1.0, 0.0], [0.0, 1.0]])).astype(int)
    assert signed[0, 0, 0] > signed[0, 0, 2] and signed[1, 1, 2] > signed[1, 1, 0], "orange against, violet for"
    assert np.array_equal(signed[0, 1], [200, 200, 200])


def test_a_bar_is_as_long_as_its_value_and_on_its_side():
    picture = bars(np.array([1.0, -0.5, 0.0]), height=21)
    blank = coloured(np.zeros((1, 1)), (-1.0, 1.0))[0, 0]
    filled = (picture != blank).any(axis=(2, 3))
    assert filled[0].tolist() == [True] * 11 + [False] * 10, "up, and the line in the middle"
    assert filled[1].tolist() == [False] * 10 + [True] * 6 + [False] * 5
    assert filled[2].tolist() == [False] * 10 + [True] + [False] * 10
    assert picture[0, 0, 0, 2] > picture[0, 0, 0, 0] and picture[1, 15, 0, 0] > picture[1, 15, 0, 2], "violet, orange"
    assert (bars(np.zeros(2))[:, 0] == blank).all()


def test_what_muting_costs_is_in_points_and_gains_look_different():
    (bars,) = muted_filters(np.array([0.5, 0.91, 0.9]), 0.9, chosen=[2]).data
    assert bars.y == pytest.approx([40.0, -1.0, 0.0])
    assert list(bars.marker.color) == [charts.BLUE, charts.GREEN, charts.RED]


def test_each_method_has_a_line_in_the_curves():
    shares = np.array([0.0, 0.5, 1.0])
    figure = taken_apart({"one": (shares, shares), "other": (shares, 1 - shares)})
    assert [trace.name for trace in figure.data] == ["one", "other"]
    assert list(figure.data[1].y) == [1.0, 0.5, 0.0]


# ---------------------------------------------------------------- curves

BATCHES = [
    {"kind": "batch", "epoch": 0, "step": 5, "steps": 10, "loss": 2.0, "accuracy": 0.2, "seconds": 1.0},
    {"kind": "batch", "epoch": 1, "step": 10, "steps": 10, "loss": 1.0, "accuracy": 0.6, "seconds": 3.0},
]
EPOCHS = [
    {"kind": "epoch", "epoch": 1, "loss": 1.5, "accuracy": 0.4, "val_loss": 1.75, "val_accuracy": 0.35, "seconds": 2.0},
]


@pytest.mark.parametrize("metric", ["loss", "accuracy"])
@pytest.mark.parametrize("records", [[], BATCHES[:1], EPOCHS, [BATCHES[0], *EPOCHS, BATCHES[1]]])
def test_curves_show_what_there_is(records, metric):
    figure = curves(records, metric, epochs=10)
    batch, epoch, validation = figure.data
    batches = [r for r in records if r["kind"] == "batch"]
    epochs = [r for r in records if r["kind"] == "epoch"]
    assert list(zip(batch.x, batch.y, strict=True)) == [
        (r["epoch"] + r["step"] / r["steps"], r[metric]) for r in batches
    ]
    assert list(zip(epoch.x, epoch.y, strict=True)) == [(r["epoch"], r[metric]) for r in epochs]
    assert list(zip(validation.x, validation.y, strict=True)) == [(r["epoch"], r[f"val_{metric}"]) for r in epochs]
    assert [trace.name for trace in figure.data] == ["training batches", "training", "validation"]
    assert len({trace.line.color for trace in figure.data}) == 3
    figure.to_json()


def test_the_axis_of_the_epochs_grows_with_the_run():
    def end(number: int, step: int, epochs: int = 10) -> float:
        return curves([{**BATCHES[0], "epoch": number, "step": step}], "loss", epochs).layout.xaxis.range[1]

    assert curves([], "loss", 10).layout.xaxis.range == (0, 1)
    assert 0.1 < end(0, 1) < 0.12 and 1.5 < end(1, 5) < 1.7, "the first points fill the chart"
    assert 10 < end(9, 10) < 10.5 and 10 < end(9, 9, 500) < 11
    assert end(9, 5, 3) > 9.5, "beyond what was planned, too"
    stopped = {"kind": "event", "what": "stopped", "epoch": 2, "step": 0, "steps": 10}
    assert curves([stopped], "loss", 9).layout.xaxis.range[1] > 2


def test_curves_have_a_steady_height_and_round_ticks():
    empty, partial = curves([], "loss", 10), curves([*BATCHES, *EPOCHS], "loss", 10)
    assert empty.layout.height == partial.layout.height == 300
    assert empty.layout.uirevision == partial.layout.uirevision is not None, "a zoom survives the redraw"
    ticks = [curves([{**BATCHES[0], "epoch": n}], "loss", 500).layout.xaxis.dtick for n in (0, 4, 29, 299)]
    assert ticks == [None, 1, 3, 33]


@pytest.mark.parametrize("metric", ["loss", "accuracy"])
def test_before_the_first_value_an_axis_reads_what_can_be(metric):
    low, high = curves([], metric, 3).layout.yaxis.range
    assert low == 0 and high == pytest.approx({"loss": 2.5, "accuracy": 1.03}[metric])


@pytest.mark.parametrize(
    "draw",
    [
        lambda values: curves([{**BATCHES[0], "accuracy": value} for value in values], "accuracy", 3),
        lambda values: charts.overlay([("a", [{**EPOCHS[0], "val_accuracy": value} for value in values])], "accuracy"),
        lambda values: charts.trial_curves([trial(*values)]),
        lambda values: charts.time_and_accuracy([trial(value) for value in values]),
        lambda values: charts.setting_and_accuracy(
            [trial(value) for value in values] or [trial()], BATCH, False, False
        ),
    ],
    ids=["curves", "overlay", "trial curves", "time", "setting"],
)
@pytest.mark.parametrize("values", [[0.1], [0.0], [1.0], [0.93], [0.1, 0.9], [0.93, 0.94], [0.0, 1.0], []])
def test_an_axis_of_accuracies_has_room_for_all_and_no_more_than_can_be(draw, values):
    low, high = draw(values).layout.yaxis.range
    assert 0 <= low < high <= 1.05
    assert not values or (low <= min(values) and max(values) <= high)
    assert not values or high - low < 0.05 + 1.2 * (max(values) - min(values))


def trial(*curve: float) -> Trial:
    return Trial(1, {BATCH: 32}, "finished", "a", curve, 20.0)


def test_an_accuracy_is_a_percentage_and_a_loss_starts_at_zero():
    assert curves([], "accuracy", 3).layout.yaxis.tickformat == ".3~p"
    assert curves([], "loss", 3).layout.yaxis.rangemode == "tozero"


# ---------------------------------------------------------------- answers and networks


def test_what_was_done_by_hand_is_marked_where_it_happened():
    place = {"kind": "event", "epoch": 1, "step": 5, "steps": 10}
    events = [
        {**place, "what": "paused"},
        {**place, "what": "step", "step": 6, "loss": 0.5, "gradient": 1.25, "layers": {}},
        {**place, "what": "learning rate", "step": 6, "from": 0.01, "to": 0.002, "factor": 0.2},
        {**place, "what": "learning rate", "step": 6, "from": "much", "to": None},
        {**place, "what": "a later version's"},
    ]
    figure = curves(events, "loss", epochs=3)
    marks = next(trace for trace in figure.data if trace.name == "manual changes")
    assert marks.x == (1.5, 1.6, 1.6, 1.6, 1.5)
    assert marks.text == (
        "paused",
        "single step: loss 0.5, gradient norm 1.25",
        "learning rate 0.01 → 0.002",
        "learning rate",
        "a later version's",
    )
    assert len(figure.layout.shapes) == 4, "a batch alone has a mark and no line"
    assert not curves([], "loss", epochs=3).layout.shapes


MATRIX = np.diag(np.arange(10)) + np.eye(10, k=1, dtype=int)
MATRIX[0] = 0  # a class without images


def rgb(text: str) -> tuple[float, float, float]:
    """#RRGGBB in [0, 1]"""
    return tuple(int(text[start : start + 2], 16) / 255 for start in (1, 3, 5))


def cell_colours(heat) -> np.ndarray:
    """Between the colours of the scale, as Plotly draws them: (10, 10, 3)."""
    places = (np.asarray(heat.z, float) - heat.zmin) / (heat.zmax - heat.zmin)
    stops, colours = zip(*heat.colorscale, strict=True)
    channels = np.transpose([rgb(colour) for colour in colours])
    return np.stack([np.interp(places, stops, channel) for channel in channels], axis=-1)


def luminance(colour: tuple[float, float, float]) -> float:
    """Relative, by WCAG 2.2."""
    return float(
        np.dot([0.2126, 0.7152, 0.0722], [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour])
    )


def contrast(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_a_confusion_matrix_says_its_counts_and_the_fraction_of_the_row():
    heat = confusion(MATRIX, CLASS_NAMES).data[0]
    assert heat.texttemplate == "%{text}" and list(heat.text[3][:5]) == ["", "", "", "3", "1"]
    assert heat.hovertext[3][4] == "Dress predicted as Coat: 1 (25.0% of the row)" and heat.customdata[3][4] == 1
    assert heat.hovertext[0][0].endswith("0 (0.0% of the row)"), "a class without images"


def test_a_confusion_matrix_to_click_has_a_point_for_each_cell_row_and_column():
    figure = confusion(MATRIX, CLASS_NAMES, of="predicted", chosen=(3, charts.ALL), clickable=True)
    heat, cells = figure.data
    assert np.shape(heat.z) == (11, 11) and len(cells.x) == 121
    at = {(y, x): list(place) for x, y, place in zip(cells.x, cells.y, cells.customdata, strict=True)}
    assert at["Dress", "Coat"] == [3, 4] and at["Dress", "all"] == [3, charts.ALL] and at["all", "all"] == [-1, -1]
    assert heat.text[3][4] == "20%" and heat.text[10][4] == "100%", "of the column"
    (frame,) = figure.layout.shapes
    assert (frame.y0, frame.y1, frame.x0, frame.x1) == (2.5, 3.5, -0.5, 10.5)
    assert charts.table(figure).shape == (11, 12)


@pytest.mark.parametrize("wrong", [0.00002, 0.005, 0.05, 0.5, 0.99])
def test_errors_stand_out_from_what_is_correct_and_from_nothing(wrong):
    matrix = np.eye(10) * 100_000
    matrix[0, :2] = 100_000 * (1 - wrong), 100_000 * wrong
    colours = cell_colours(confusion(matrix, CLASS_NAMES).data[0])
    error, nothing = colours[0, 1], colours[0, 2]
    assert np.ptp(colours[np.eye(10, dtype=bool)], axis=0).max() < 1e-6, "all that is correct looks alike"
    assert np.ptp(error) > 0.15 and error[0] > error[1] > error[2], "orange"
    assert np.ptp(colours[0, 0]) < 0.1 and np.ptp(nothing) < 0.03, "grey, and nearly white"


def test_the_more_errors_the_darker():
    matrix = np.diag([900] * 10)
    matrix[0, 1:5] = 1, 10, 50, 500
    lightness = [luminance(colour) for colour in cell_colours(confusion(matrix, CLASS_NAMES).data[0])[0, 1:5]]
    assert np.all(np.diff(lightness) < -0.01)


def test_every_count_is_legible_in_its_cell():
    """4.5 to 1, by WCAG 2.2. The colours do not depend on the theme, nor does the ink."""
    rng = np.random.default_rng(0)
    matrices = [MATRIX, rng.integers(0, 1000, (10, 10)), np.eye(10, k=1, dtype=int), np.ones((10, 10), int)]
    matrices += [rng.multinomial(1000, rng.dirichlet([0.1] * 10), 10) for _ in range(20)]
    for matrix in matrices:
        heat = confusion(matrix, CLASS_NAMES).data[0]
        found = [contrast(colour, rgb(heat.textfont.color)) for colour in cell_colours(heat).reshape(-1, 3)]
        assert len(found) == 100 and min(found) >= 4.5
    assert contrast((1, 1, 1), (0, 0, 0)) == pytest.approx(21) and contrast((0.5,) * 3, (0.5,) * 3) == 1


def test_probabilities_name_the_best_and_the_true_class():
    values = np.full(10, 0.02, np.float32)
    values[3] = 0.82
    (bars,) = (figure := probabilities(values, CLASS_NAMES, true=5)).data
    assert list(bars.x) == pytest.approx(values.tolist())
    assert [index for index, found in enumerate(bars.marker.color) if found == charts.BLUE] == [3]
    assert bars.text[3] == "82.0%"
    assert list(bars.y) == [*CLASS_NAMES[:5], "Sandal ✓", *CLASS_NAMES[6:]]
    assert figure.layout.yaxis.autorange == "reversed", "the first class is on top"
    assert "✓" not in "".join(probabilities(values, CLASS_NAMES).data[0].y)


# ---------------------------------------------------------------- the curve of the learning-rate search


def test_the_rate_curve_has_room_for_all_rates_and_marks_the_suggestion():
    rates, losses = [1e-6, 1e-4, 1e-2], [2.3, 2.0, 50.0]
    figure = charts.rate_curve(rates, losses, [2.3, 2.1, 2.0], (1e-6, 10.0), 0.003)
    batch, smooth = figure.data
    assert list(batch.x) == list(smooth.x) == rates
    assert list(batch.y) == losses and list(smooth.y) == [2.3, 2.1, 2.0]
    assert figure.layout.xaxis.type == "log" and tuple(figure.layout.xaxis.range) == pytest.approx((-6, 1))
    assert figure.layout.xaxis.ticktext == ("10⁻⁶", "10⁻⁵", "10⁻⁴", "10⁻³", "10⁻²", "10⁻¹", "1", "10")
    assert figure.layout.yaxis.range[1] < 5, "the soaring end does not flatten the rest"
    (line,) = figure.layout.shapes
    assert line.x0 == line.x1 == 0.003 and line.line.color == charts.GREEN
    (label,) = figure.layout.annotations
    assert label.text == "suggested 0.003" and label.x == pytest.approx(np.log10(0.003)), "in powers of ten"


def test_the_rate_curve_is_drawn_before_anything_is_measured_or_suggested():
    figure = charts.rate_curve([], [], [], (1e-6, 10.0))
    assert not figure.layout.shapes and not figure.layout.annotations and figure.layout.yaxis.range[1] > 0


# ---------------------------------------------------------------- several runs in one chart


def epochs(count: int, **values) -> list[dict]:
    whole = {"kind": "epoch", "loss": 1.0, "accuracy": 0.5, "val_loss": 0.9, "val_accuracy": 0.6}
    return [{**whole, "epoch": n, "seconds": 60.0 * n, **values} for n in range(1, count + 1)]


def test_each_run_of_an_overlay_has_a_colour_and_a_marker_of_its_own():
    named = [(f"run {number}", epochs(3)) for number in range(charts.MAX_OVERLAY)]
    figure = charts.overlay(named, "accuracy")
    assert len({trace.line.color for trace in figure.data}) == len({trace.marker.symbol for trace in figure.data}) == 7
    assert all(trace.line.dash == "solid" and list(trace.y) == [0.6] * 3 for trace in figure.data)
    assert figure.layout.xaxis.range[1] > 3


def test_training_curves_of_an_overlay_are_dotted_in_the_colour_of_their_run():
    figure = charts.overlay([("one", epochs(2)), ("two", epochs(4))], "loss", training=True)
    validation, training = figure.data[:2]
    assert (validation.line.dash, training.line.dash) == ("solid", "dot")
    assert validation.line.color == training.line.color != figure.data[2].line.color
    assert list(training.y) == [1.0, 1.0] and not training.showlegend
    assert validation.legendgroup == training.legendgroup


def test_an_overlay_over_time_leaves_out_what_tells_no_time():
    old = epochs(1, seconds=None) + epochs(2)[1:]
    figure = charts.overlay([("old", old), ("empty", [])], "loss", over_time=True)
    assert list(figure.data[0].x) == [2.0] and list(figure.data[1].x) == []
    assert figure.layout.xaxis.title.text == "training time (minutes)"


def test_names_in_an_overlay_are_no_markup():
    figure = charts.overlay([("<b>bold</b>", epochs(1))], "loss")
    assert figure.data[0].name == "&lt;b&gt;bold&lt;/b&gt;"


# ---------------------------------------------------------------- accuracy over time


def timed(*pairs: tuple[float, float]) -> list[dict]:
    """Epochs from (seconds, validation accuracy)."""
    whole = {"kind": "epoch", "loss": 1.0, "accuracy": 0.5, "val_loss": 0.9}
    return [{**whole, "epoch": n, "seconds": s, "val_accuracy": a} for n, (s, a) in enumerate(pairs, 1)]


RUN = ("mine", timed((10.0, 0.8), (20.0, 0.92), (30.0, 0.9)))
LECTURE = ("lecture network", timed((80.0, 0.86), (800.0, 0.91)))
OTHER = ("tiny", timed((1.0, 0.3), (2.0, 0.85)))


def lines_of(figure) -> dict:
    return {trace.name: trace for trace in figure.data if "lines" in trace.mode}


def test_accuracy_stands_over_a_logarithmic_time():
    figure = charts.accuracy_over_time(RUN, LECTURE, [OTHER])
    mine, lecture, other = (lines_of(figure)[name] for name in ("mine", "lecture network", "tiny"))
    assert list(mine.x) == [10.0, 20.0, 30.0] and list(mine.y) == [0.8, 0.92, 0.9]
    axis = figure.layout.xaxis
    assert axis.type == "log" and 10 ** axis.range[0] < 1.0 and 10 ** axis.range[1] > 800.0
    assert dict(zip(axis.tickvals, axis.ticktext, strict=True))[1200] == "20 min"
    assert mine.line.width > lecture.line.width > other.line.width
    assert mine.line.color != lecture.line.color and lecture.line.dash == "dash" and not mine.line.dash
    assert mine.text[1] == "epoch 2, 20 s" and lecture.text[1] == "epoch 2, 13 min"


def test_the_run_is_drawn_above_its_rivals():
    names = [trace.name for trace in charts.accuracy_over_time(RUN, LECTURE, [OTHER]).data]
    assert names.index("tiny") < names.index("lecture network") < names.index("mine")


def test_every_line_has_a_dot_at_its_best_value_and_its_name_at_its_end():
    figure = charts.accuracy_over_time(RUN, LECTURE, [OTHER])
    dots = {trace.name: (trace.x[0], trace.y[0]) for trace in figure.data if trace.mode == "markers"}
    assert dots == {"mine": (20.0, 0.92), "lecture network": (800.0, 0.91), "tiny": (2.0, 0.85)}
    ends = {label.text: (round(10**label.x, 6), label.y) for label in figure.layout.annotations}
    assert ends == {"<b>mine</b>": (30.0, 0.9), "lecture network": (800.0, 0.91), "tiny": (2.0, 0.85)}
    assert not any(trace.showlegend for trace in figure.data)


def test_the_references_last_accuracy_goes_through_the_chart():
    (line,) = charts.accuracy_over_time(RUN, LECTURE).layout.shapes
    assert line.y0 == line.y1 == 0.91
    assert not charts.accuracy_over_time(RUN).layout.shapes


def test_the_run_and_the_ends_of_all_lines_are_in_the_chart():
    figure = charts.accuracy_over_time(RUN, LECTURE, [OTHER])
    low, high = figure.layout.yaxis.range
    assert 0.7 < low < 0.8 and high > 0.92, "the bad start of another run does not flatten the rest"
    low, _ = charts.accuracy_over_time(RUN, LECTURE, [("tiny", timed((1.0, 0.3), (2.0, 0.5)))]).layout.yaxis.range
    assert low < 0.5


def test_names_that_end_in_one_place_stand_above_each_other():
    others = [(f"run {number}", timed((60.0 + number, 0.9))) for number in range(4)]
    figure = charts.accuracy_over_time(("mine", timed((10.0, 0.8), (62.0, 0.9))), LECTURE, others)
    pixels = 290 / np.ptp(figure.layout.yaxis.range)
    heights = sorted(label.y * pixels + label.yshift for label in figure.layout.annotations if label.x < 2)
    assert len(heights) == 5 and np.diff(heights).min() > 14


def test_a_run_without_an_epoch_leaves_the_place_to_its_rivals():
    figure = charts.accuracy_over_time(("mine", []), LECTURE, [OTHER, ("old", timed((0.0, 0.5)))])
    assert set(lines_of(figure)) == {"lecture network", "tiny"}
    nothing = charts.accuracy_over_time(("mine", []))
    assert not nothing.data and nothing.layout.height == figure.layout.height
    assert nothing.layout.yaxis.range[0] == 0, "no accuracy is negative"


def test_long_names_and_markup_are_harmless_in_accuracy_over_time():
    figure = charts.accuracy_over_time(("<i>" + "n" * 70, RUN[1]))
    (label,) = figure.layout.annotations
    assert label.text.startswith("<b>&lt;i&gt;nnn") and label.text.endswith("…</b>") and len(label.text) < 40


# --- sweeps -----------------------------------------------------------------------------------------------------

RATE, BATCH = "training.learning_rate", "training.batch_size"
TRIALS = [
    Trial(1, {RATE: 0.001, BATCH: 32}, "finished", "a", (0.5, 0.7), 20.0),
    Trial(2, {RATE: 0.001, BATCH: 64}, "stopped early", "b", (0.4,), 5.0),
    Trial(3, {RATE: 0.01, BATCH: 32}, "finished", "c", (0.9, 0.8), 30.0),
    Trial(4, {RATE: 0.01, BATCH: 64}, "training", "d", (0.6,), 8.0),
    Trial(5, {RATE: 0.1, BATCH: 32}, "failed", "e", (), 3.0),
    Trial(6, {RATE: 0.1, BATCH: 64}),
]


def points(figure) -> dict[str, list]:
    """The numbers of the trials in each trace that can be clicked."""
    return {trace.name: list(trace.customdata) for trace in figure.data if trace.customdata is not None}


def test_a_setting_has_a_point_for_every_measured_trial():
    figure = charts.setting_and_accuracy(TRIALS, RATE, logarithmic=True, joined=True)
    assert points(figure) == {"finished": [1, 3], "stopped early": [2], "training": [4], "best": [3]}
    finished = next(trace for trace in figure.data if trace.name == "finished")
    assert (list(finished.x), list(finished.y)) == ([0.001, 0.01], [0.7, 0.9]), "at the best epoch"
    assert "trial 3: 90.00%" in finished.text[1] and "Batch size: 32" in finished.text[1]
    lines = [(list(trace.x), list(trace.y)) for trace in figure.data if trace.mode == "lines"]
    assert lines == [([0.001, 0.01], [0.7, 0.9]), ([0.001, 0.01], [0.4, 0.6])], "of equal batch sizes"
    assert figure.layout.xaxis.type == "log"
    low, high = figure.layout.xaxis.range
    assert low < -3 and high > -1, "room for the trials to come"
    assert list(figure.layout.xaxis.ticktext) == ["0.001", "0.01", "0.1"]


def test_values_that_are_no_numbers_are_categories():
    path = "data.limit"
    trials = [
        Trial(n, {path: value}, "finished", None, (0.1 * n,), 1.0) for n, value in enumerate((1000, None, True), 1)
    ]
    figure = charts.setting_and_accuracy(trials, path, logarithmic=True, joined=True)
    assert figure.layout.xaxis.type == "category"
    assert list(figure.layout.xaxis.categoryarray) == ["1000", "all", "on"]


def test_no_line_joins_trials_that_were_drawn_at_random():
    figure = charts.setting_and_accuracy(TRIALS, RATE, logarithmic=False, joined=False)
    assert all(trace.mode == "markers" for trace in figure.data)
    assert figure.layout.xaxis.type == "linear"


@pytest.mark.parametrize("low", [0.0, 1e-6, 5.0])
@pytest.mark.parametrize("count", [1, 2, 40])
def test_an_axis_has_room_for_any_values(low, count):
    values = np.linspace(low, low + count - 1, count).tolist()
    trials = [Trial(n, {RATE: value}, "finished", None, (0.5,), 1.0) for n, value in enumerate(values, 1)]
    for logarithmic in (False, True):
        axis = charts.setting_and_accuracy(trials, RATE, logarithmic, joined=False).layout.xaxis
        ends = [10**end if axis.type == "log" else end for end in axis.range]
        assert ends[0] < values[0] and values[-1] < ends[1]
        assert axis.tickvals is None or 1 <= len(axis.tickvals) <= 8


def test_the_front_is_what_no_trial_beats_in_both():
    assert [trial.number for trial in undominated(TRIALS)] == [2, 4, 1, 3]
    slower = Trial(7, {RATE: 0.1, BATCH: 128}, "finished", "f", (0.6,), 9.0)
    faster = Trial(8, {RATE: 0.1, BATCH: 256}, "finished", "g", (0.6,), 7.0)
    assert [trial.number for trial in undominated([*TRIALS, slower, faster])] == [2, 8, 1, 3]
    figure = charts.time_and_accuracy(TRIALS)
    assert list(figure.data[0].x) == [5.0, 8.0, 20.0, 30.0]
    assert sorted(points(figure)["finished"]) == [1, 3]
    assert undominated([]) == [] and charts.time_and_accuracy([]).data


def test_long_times_are_in_minutes():
    long = [replace(trial, seconds=60 * trial.seconds) for trial in TRIALS]
    figure = charts.time_and_accuracy(long)
    assert list(figure.data[0].x) == [5.0, 8.0, 20.0, 30.0]
    assert figure.layout.xaxis.title.text == "training time (minutes)"


def test_the_best_curve_is_prominent():
    figure = charts.trial_curves(TRIALS)
    assert figure.data[-1].name == "best: lr 0.01 · batch 32" and figure.data[-1].line.width == 3
    assert list(figure.data[-1].y) == [0.9, 0.8] and list(figure.data[-1].customdata) == [3, 3]
    assert len(figure.data) == 4
    assert [trace.name for trace in figure.data if trace.showlegend] == [
        "others, finished",
        "stopped early",
        "training",
        "best: lr 0.01 · batch 32",
    ]


# ---------------------------------------------------------------- colour images, and classes of any number and name


def test_an_input_in_colour_is_shown_as_it_is_and_a_grey_one_on_the_scale():
    rgb = np.random.default_rng(0).random((5, 7, 3))
    assert np.abs(charts.picture(rgb) - 255 * rgb).max() <= 0.5
    grey = rgb[..., :1]
    np.testing.assert_array_equal(charts.picture(grey), coloured(grey[..., 0], (0.0, 1.0)))


def test_kernels_over_three_channels_are_colours_about_grey():
    kernels = np.zeros((2, 2, 3, 2))
    kernels[0, 0, :, 0] = 4.0, -4.0, 0.0
    kernels[1, 1, :, 1] = 0.0, 0.0, 1.0
    own, common = charts.rgb_kernels(kernels), charts.rgb_kernels(kernels, (-4.0, 4.0))
    assert own.shape == (2, 2, 2, 3) and own[0, 0, 0].tolist() == [255, 0, 128] and own[0, 1, 1].tolist() == [128] * 3
    assert own[1, 1, 1].tolist() == [128, 128, 255] and common[1, 1, 1].tolist() == [128, 128, 159]
    assert (charts.rgb_kernels(np.zeros((1, 1, 3, 1))) == 128).all()


def test_large_maps_are_reduced_to_their_means_and_small_ones_left():
    maps = np.random.default_rng(1).random((112, 56, 20)).astype(np.float32)
    made = charts.reduced(maps, 56)
    assert made.shape == (56, 28, 20)
    np.testing.assert_allclose(made, maps.reshape(56, 2, 28, 2, 20).mean(axis=(1, 3)), atol=1e-6)
    assert charts.reduced(maps, 112) is maps


def test_many_classes_are_the_most_probable_the_true_one_and_the_rest_together():
    values = np.random.default_rng(2).dirichlet(np.ones(200))
    names = [f"{'kind of hat number ' * 3}{index}" for index in range(200)]
    true = int(values.argmin())
    bar = probabilities(values, names, true=true).data[0]
    assert len(bar.y) == len(set(bar.y)) == 12 and bar.y[-1] == "189 others"
    assert sum(bar.x) == pytest.approx(1) and bar.x[0] == values.max() and bar.x[10] == values[true]
    assert bar.hovertext[-2] == names[true] and bar.y[-2].endswith("✓") and all(len(label) < 30 for label in bar.y)


@pytest.mark.parametrize(
    "names", [["0", "1", "2"], ["2024-01-01", "all", "<b>"], ["x" * 80, "x" * 79 + "y", "帽子 🎩"]]
)
def test_classes_with_any_name_are_words_in_their_order(names):
    matrix = np.array([[5, 1, 0], [0, 6, 0], [2, 0, 7]])
    figure = confusion(matrix, names, clickable=True)
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "category"
    assert len(set(figure.data[0].x)) == 4 and list(figure.layout.xaxis.categoryarray) == list(figure.data[0].x)
    assert probabilities(np.array([0.5, 0.3, 0.2]), names).layout.yaxis.type == "category"


def test_a_matrix_of_200_classes_travels_light_and_is_clicked_where_there_is_something():
    chance = np.random.default_rng(3)
    matrix = np.diag(chance.integers(1, 50, 200))
    matrix[chance.integers(0, 200, 300), chance.integers(0, 200, 300)] += 1
    names = [f"class {index} of many" for index in range(200)]
    figure = confusion(matrix, names, height=900, clickable=True)
    assert figure.data[0].texttemplate is None and len(figure.to_json()) < 2_000_000
    cells = figure.data[1]
    assert len(cells.x) == (matrix > 0).sum() + 2 * 200 + 1 - (matrix.sum(axis=0) == 0).sum()
    assert cells.marker.size == 5


def test_a_comparison_of_200_classes_shows_those_that_differ_most():
    differences = np.linspace(-0.5, 0.5, 200)
    intervals = [(value - 0.1, value + 0.1) for value in differences]
    figure = class_differences([f"class {index}" for index in range(200)], differences.tolist(), intervals, ("A", "B"))
    shown = [int(name.split()[1]) for name in figure.layout.xaxis.categoryarray]
    assert shown == [*range(20), *range(180, 200)]

"""The diagram of a network: boxes, what goes into them, and what opens."""

import pytest

from cnn.charts import blocks, network_diagram
from cnn.config import INPUT_SHAPE, RunConfig, presets
from cnn.config.layers import Convolution, GlobalPooling, SkipConnection


def diagram(config: RunConfig, opened: int | None = None):
    found = blocks([str(layer) for layer in config.layers], config.rows())
    return found, network_diagram(found, INPUT_SHAPE, opened)


def arrows(figure) -> list[tuple[int, int]]:
    """From which box to which, by their numbers from the top."""
    return [(round(note.ay - 0.3), round(note.y + 0.3)) for note in figure.layout.annotations]


def arcs(figure) -> list[tuple[int, int]]:
    ends = [shape.path.split() for shape in figure.layout.shapes]
    return [(int(words[1].split(",")[1]), int(words[-1].split(",")[1])) for words in ends]


@pytest.mark.parametrize("name", presets())
def test_a_box_for_the_image_and_for_each_layer_in_order(name):
    config = presets()[name]
    found, figure = diagram(config)
    (bars,) = figure.data
    assert list(bars.customdata) == [-1, *range(len(config.layers) + 1)]
    assert bars.text[0] == "<b>Image</b><br>28×28×1"
    for block, text in zip(found, bars.text[1:], strict=True):
        assert block.title in text and ("parameters" in text) == (block.parameters > 0)
    assert sum(block.parameters for block in found) == sum(row.parameters for row in config.rows())
    assert arrows(figure) == [(number, number + 1) for number in range(len(config.layers) + 1)]


def test_an_opened_layer_is_drawn_as_its_keras_layers():
    config = RunConfig(layers=(Convolution(filters=4, batch_normalisation=True), GlobalPooling()))
    _, figure = diagram(config, opened=0)
    (bars,) = figure.data
    assert list(bars.customdata) == [-1, 0, 0, 0, 1, 2]
    assert [text.split(":")[0].removeprefix("<b>") for text in bars.text[1:4]] == [
        "conv2d", "batch_normalization", "activation",
    ]  # fmt: skip
    assert bars.base[1] > bars.base[0]


def test_a_skip_connection_is_an_arc_past_what_it_skips():
    layers = (Convolution(filters=4), Convolution(filters=4), SkipConnection(over=1), GlobalPooling())
    _, figure = diagram(RunConfig(layers=layers))
    assert arcs(figure) == [(1, 3)] and (2, 3) in arrows(figure)
    assert figure.layout.xaxis.range[1] > 1.02, "the arc is in view"


def test_a_projection_takes_what_is_skipped_and_not_the_layer_before():
    skip = SkipConnection(over=1, projection=True, stride=2)
    layers = (Convolution(filters=4), Convolution(filters=6, stride=2), skip, GlobalPooling())
    _, figure = diagram(RunConfig(layers=layers), opened=2)
    (bars,) = figure.data
    projection, add = (number for number, owner in enumerate(bars.customdata) if owner == 2)
    assert (1, projection) in arcs(figure) and (2, add) in arcs(figure)
    assert (projection, add) in arrows(figure) and (2, projection) not in arrows(figure)

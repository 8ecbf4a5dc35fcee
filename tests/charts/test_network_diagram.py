"""The diagram of a network: boxes, what goes into them, what unfolds, its scale, and its file."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from cnn.charts import blocks, network_diagram, network_svg
from cnn.charts.architecture import EDGE, SHEET, glyph
from cnn.config import INPUT_SHAPE, RunConfig, presets
from cnn.config.backbones import layers_of
from cnn.config.layers import Convolution, GlobalPooling, SkipConnection
from tests.config.random_networks import drawn

SVG = "{http://www.w3.org/2000/svg}"


def diagram(layers, rows, input_shape=INPUT_SHAPE, unfolded=(), marks=None):
    return network_diagram(blocks([str(layer) for layer in layers], rows), input_shape, unfolded, marks)


def of(config: RunConfig, unfolded=()):
    return diagram(config.layers, config.rows(), unfolded=unfolded)


def straight(found) -> list[tuple[int, int]]:
    return [(line.start, line.end) for line in found.lines if line.lane is None]


def passing(found) -> list[tuple[int, int]]:
    return [(line.start, line.end) for line in found.lines if line.lane is not None]


@pytest.mark.parametrize("name", presets())
def test_a_box_for_the_image_and_for_each_layer_in_order(name):
    config = presets()[name]
    found = of(config)
    assert [box.block for box in found.boxes] == [-1, *range(len(config.layers) + 1)]
    assert found.boxes[0].title == ("Image",) and found.boxes[0].size == "28×28×1"
    rows = config.rows()
    for box, layer in zip(found.boxes[1:], config.layers, strict=False):
        own = [row for row in rows if row.layer == box.block]
        parameters = sum(row.parameters for row in own)
        assert " ".join(box.title) == str(layer) and box.parts == len(own) and box.output == own[-1].name
        assert (f"{parameters:,} parameters" in box.size) == (parameters > 1)
    assert straight(found) == [(number, number + 1) for number in range(len(config.layers) + 1)]


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("unfolded", [(), range(100)], ids=["folded", "unfolded"])
def test_what_is_drawn_is_the_graph_and_nothing_covers_anything(seed, unfolded):
    network = drawn(seed)
    found = diagram(network.layers, network.rows, network.input_shape, unfolded)
    place = {"input": 0}
    for number, box in enumerate(found.boxes):
        place[box.output] = number
        for fact in box.facts:
            place[fact.split(":")[0]] = number
    edges = {(place[taken], place[row.name]) for row in network.rows for taken in row.takes}
    assert {(line.start, line.end) for line in found.lines} == {edge for edge in edges if edge[0] != edge[1]}
    assert all(line.end == line.start + 1 for line in found.lines if line.lane is None)
    for above, below in pairwise(found.boxes):
        assert above.top + above.height < below.top
    for box in found.boxes:
        assert box.left >= 0 and box.left + box.width <= found.width and box.top + box.height < found.height
        assert box.glyph.full[1] < box.height and box.glyph.full[0] <= found.glyphs
    for one in found.lines:
        for other in found.lines:
            if one is not other and one.lane is not None and one.lane == other.lane:
                assert one.end <= other.start or other.end <= one.start, "two lines in one lane"


def test_an_unfolded_layer_is_drawn_as_its_keras_layers_in_a_frame():
    config = RunConfig(layers=(Convolution(filters=4, batch_normalisation=True), GlobalPooling()))
    found = of(config, unfolded=[0, 1])
    assert [box.block for box in found.boxes] == [-1, 0, 0, 0, 1, 2]
    assert [box.output for box in found.boxes[1:4]] == ["conv2d", "batch_normalization", "activation"]
    (group,) = found.groups
    assert group.block == 0 and all(box.indented for box in found.boxes[1:4]) and not found.boxes[4].indented
    assert group.top < found.boxes[1].top and found.boxes[3].top + found.boxes[3].height < group.top + group.height


def test_a_skip_connection_passes_beside_what_it_skips():
    layers = (Convolution(filters=4), Convolution(filters=4), SkipConnection(over=1), GlobalPooling())
    found = of(RunConfig(layers=layers))
    assert passing(found) == [(1, 3)] and (2, 3) in straight(found)
    assert found.boxes[0].left > of(RunConfig(layers=layers[:2] + layers[3:])).boxes[0].left, "there is room for it"


def test_a_projection_takes_what_is_skipped_and_not_the_layer_before():
    skip = SkipConnection(over=1, projection=True, stride=2)
    layers = (Convolution(filters=4), Convolution(filters=6, stride=2), skip, GlobalPooling())
    found = of(RunConfig(layers=layers), unfolded=[2])
    projection, add = (number for number, box in enumerate(found.boxes) if box.block == 2)
    assert set(passing(found)) == {(1, projection), (2, add)}
    assert (projection, add) in straight(found) and (2, projection) not in straight(found)


def test_shapes_are_to_scale():
    image = glyph((28, 28, 1), (28, 28, 1))
    assert (image.width, image.height, image.sheets) == (EDGE, EDGE, 1)
    assert glyph((14, 7, 64), (28, 28, 1)).height == EDGE / 2 == 2 * glyph((14, 7, 64), (28, 28, 1)).width
    wide = glyph((20, 40, 3), (20, 40, 3))
    assert (wide.width, wide.height) == (EDGE, EDGE / 2)
    sheets = [glyph((28, 28, count), (28, 28, 1)).sheets for count in (1, 2, 4, 64, 128)]
    assert sheets == [1, 2, 3, 7, 8]
    assert glyph((28, 28, 64), (28, 28, 1)).full == (EDGE + 6 * SHEET[0], EDGE + 6 * SHEET[1])
    lengths = [glyph((count,), (28, 28, 1)).width for count in (16, 32, 64)]
    assert lengths[1] - lengths[0] == lengths[2] - lengths[1] > 0


@pytest.mark.parametrize("name", presets())
@pytest.mark.parametrize("unfolded", [(), range(100)], ids=["folded", "unfolded"])
def test_the_file_is_whole_and_holds_every_box(name, unfolded):
    found = of(presets()[name], unfolded)
    text = network_svg(found, 'A & B <of> "them"')
    root = ElementTree.fromstring(text)
    assert root.get("aria-label") == 'A & B <of> "them"'
    assert [int(box.get("data-box")) for box in root.iter(f"{SVG}g") if box.get("data-box")] == list(
        range(len(found.boxes))
    )
    words = " ".join("".join(part.itertext()) for part in root.iter(f"{SVG}text"))
    assert all(line in words for box in found.boxes for line in (*box.title, box.size))
    assert "twice as many" in words and "to scale" in words
    width, height = (float(root.get(side)) for side in ("width", "height"))
    for box in root.iter(f"{SVG}rect"):
        if box.get("x"):
            assert float(box.get("x")) >= 0 and float(box.get("x")) + float(box.get("width")) <= width + 1
            assert float(box.get("y")) >= 0 and float(box.get("y")) + float(box.get("height")) <= height + 1
    assert not re.search(r"href|@import|url\((?!#)", text), "it needs nothing besides itself"


def test_a_mark_is_said_and_seen():
    config = presets()["tiny"]
    found = diagram(config.layers, config.rows(), marks={0: "changed", 1: "removed"})
    root = ElementTree.fromstring(network_svg(found, "tiny"))
    names = [group.get("aria-label") for group in root.iter(f"{SVG}g") if group.get("data-box")]
    assert names[1].endswith(", changed") and names[2].endswith(", removed") and "changed" not in names[3]
    words = [part.text for part in root.iter(f"{SVG}text")]
    assert words.count("changed") == words.count("removed") == 1


def test_frozen_layers_are_marked_folded_and_unfolded_and_what_differs_goes_before():
    layers = [
        {"kind": "convolution", "filters": 4, "batch_normalisation": True},
        {"kind": "pooling"},
        {"kind": "convolution", "filters": 4},
        {"kind": "global pooling"},
    ]
    config = RunConfig.model_validate(
        {
            "layers": layers,
            "data": {"dataset": "hats", "classes": ["a", "b"], "image_size": [64, 48]},
            "transfer": {"source": "other", "layers": 3, "frozen": 2},
        }
    )
    found = diagram(config.layers, config.rows(), (64, 48, 3))
    assert {box.block: box.mark for box in found.boxes} == {-1: "", 0: "frozen", 1: "", 2: "", 3: "", 4: ""}
    assert "Frozen: keeps" in " ".join(found.legend) and ">frozen<" in network_svg(found, "A network")
    unfolded = diagram(config.layers, config.rows(), (64, 48, 3), unfolded=(0,))
    assert [group.mark for group in unfolded.groups] == ["frozen"]
    assert diagram(config.layers, config.rows(), (64, 48, 3), marks={0: "changed"}).boxes[1].mark == "changed"
    plain = RunConfig(layers=config.layers, data=config.data)
    assert "Frozen" not in " ".join(diagram(plain.layers, plain.rows(), (64, 48, 3)).legend)


def test_150_keras_layers_are_folded_into_those_that_were_configured():
    config = RunConfig.model_validate(
        {
            "layers": [layer.model_dump() for layer in layers_of("efficientnet-lite2")],
            "data": {"dataset": "hats", "classes": ["a", "b"]},
        }
    )
    rows = config.rows()
    found = diagram(config.layers, rows, (224, 224, 3))
    assert len(rows) > 140 and len(found.boxes) == len(config.layers) + 2
    assert found.width < 450 and found.height < 2_500

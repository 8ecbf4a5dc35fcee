"""The diagram of a network: where each box, line and word stands, in pixels. `architecture_svg` writes it down.

Boxes come from the rows of the network's table, so that it needs neither TensorFlow nor a browser.
"""

import math
import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from cnn.charts.networks import shape_text
from cnn.config.layers import CONVOLUTIONS, Row
from cnn.config.words import counted

EDGE = 40  # pixels of the longer edge of the image; every map has the same scale
SHEET = (3.5, 2.5)  # pixels by which each sheet of a stack stands out to the right and above
STEP = 5  # pixels of a bar for each doubling of its values
LEAST = 3  # pixels of the smallest map
_HUES = {**dict.fromkeys(CONVOLUTIONS, "blue"), "Dense": "orange", "Dropout": "grey"}
TITLE, LINE, MARK = 18, 16, 22  # pixels of a line of the title, of the one below, and of a mark below both
_LETTERS = 36  # that fit into a line of a title
PAD = 9  # pixels within a box
_LABEL, _INDENT, _GAP = 280, 5, 18  # pixels: of the words, around the parts of a layer, between boxes
_HEADER, _END = 28, 8  # pixels above and below the parts of an unfolded layer
_LANE, _LANES = 9, 90  # pixels between skip connections, and that all of them may take
BESIDE = 14  # pixels from a box to the nearest skip connection
FROZEN = "frozen"  # the mark of a layer that keeps the weights it came with
LEGEND = 16  # pixels of a line of the legend
_LETTER = 6.4  # pixels of a letter of it, at most


@dataclass(frozen=True)
class Block:
    """What a configured layer becomes.

    index: of the configured layer; the output layer is the one after the last. title: the layer in words.
    rows: its Keras layers.
    """

    index: int
    title: str
    rows: tuple[Row, ...]

    @property
    def parameters(self) -> int:
        return sum(row.parameters for row in self.rows)

    @property
    def frozen(self) -> bool:
        """Whether it has parameters and none of them is trained."""
        return self.parameters > 0 and not any(row.trainable for row in self.rows)


def blocks(titles: Sequence[str], rows: Sequence[Row]) -> list[Block]:
    """The configured layers with what each becomes.

    Args:
        titles: of the configured layers, without the output layer.
        rows: all Keras layers, see `cnn.config.layers.trace`.
    """
    titles = [*titles, "Output: dense, softmax"]
    return [Block(index, title, tuple(r for r in rows if r.layer == index)) for index, title in enumerate(titles)]


@dataclass(frozen=True)
class Glyph:
    """The drawn shape of an output: a stack of maps, or a bar of values; `sheets` is 0 for a bar. Lengths in pixels."""

    width: float
    height: float
    sheets: int

    @property
    def full(self) -> tuple[float, float]:
        """The width and height of the whole stack."""
        behind = max(self.sheets - 1, 0)
        return self.width + behind * SHEET[0], self.height + behind * SHEET[1]


def glyph(shape: Sequence[int], input_shape: Sequence[int]) -> Glyph:
    """An output to scale: edges in proportion to the image's, a sheet or a step more for twice as many maps or values.

    >>> glyph((14, 14, 64), (28, 28, 1))
    Glyph(width=20.0, height=20.0, sheets=7)
    """
    if len(shape) == 1:
        return Glyph(STEP * (1 + math.log2(shape[0])), 10, 0)
    scale = EDGE / max(input_shape[:2])
    height, width = (max(LEAST, size * scale) for size in shape[:2])
    return Glyph(width, height, 1 + round(math.log2(shape[2])))


@dataclass(frozen=True)
class Box:
    """One layer of the diagram, or one Keras layer of an unfolded one.

    block: index of the configured layer, -1 for the image. output: name of the Keras layer whose output leaves it.
    title, size: the words in it, in lines. facts: of each of its Keras layers, in words. hue: a colour by its name.
    parts: how many Keras layers it stands for. indented: whether it is one of an unfolded layer. mark: a word that
    tells it from another network, or says that it is frozen, else empty. left, top, width, height: in pixels.
    """

    block: int
    output: str
    title: tuple[str, ...]
    size: str
    facts: tuple[str, ...]
    hue: str
    glyph: Glyph
    parts: int
    indented: bool
    mark: str
    left: float
    top: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.top + self.height / 2


@dataclass(frozen=True)
class Group:
    """The frame around the Keras layers of an unfolded layer, with its title; lengths in pixels."""

    block: int
    title: str
    mark: str
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Line:
    """What goes from one box into another, by their places in the diagram; `lane`: beside the others, None straight."""

    start: int
    end: int
    lane: int | None


@dataclass(frozen=True)
class Diagram:
    """All of it, in pixels.

    legend: its lines of words, from `legend_top` on. glyphs: width of the column of drawn shapes. lane: from one skip
    connection to the next.
    """

    boxes: tuple[Box, ...]
    groups: tuple[Group, ...]
    lines: tuple[Line, ...]
    legend: tuple[str, ...]
    glyphs: float
    lane: float
    width: float
    height: float
    legend_top: float


def network_diagram(
    layers: Sequence[Block],
    input_shape: Sequence[int],
    unfolded: Collection[int] = (),
    marks: Mapping[int, str] | None = None,
) -> Diagram:
    """The network from the image at the top to the probabilities at the bottom; skip connections run at the left.

    Args:
        layers: see `blocks`.
        input_shape: (height, width, channels) of an image.
        unfolded: the layers that are drawn as their Keras layers, by index; those that are only one stay as they are.
        marks: a word for layers that differ from those of another network, by index. Of the others, those that are
            frozen are marked so.
    """
    marks = dict.fromkeys((block.index for block in layers if block.frozen), FROZEN) | dict(marks or {})
    open_ = {block.index for block in layers if block.index in unfolded and len(block.rows) > 1}
    lines = _lines(layers, open_)
    lanes = 1 + max((line.lane for line in lines if line.lane is not None), default=-1)
    lane = min(_LANE, _LANES / lanes) if lanes else 0
    left = lanes * lane + (BESIDE if lanes else 1)
    shapes = [input_shape, *(row.output_shape for block in layers for row in block.rows)]
    column = max(glyph(shape, input_shape).full[0] for shape in shapes)
    width = left + 3 * PAD + column + _LABEL
    boxes, groups = [], []
    top = 1.0

    def put(block: int, output: str, title: str, shape: Sequence[int], rows: Sequence[Row], mark: str = "") -> None:
        nonlocal top
        drawn = glyph(shape, input_shape)
        words = tuple(textwrap.wrap(title, _LETTERS))
        indent = _INDENT if block in open_ else 0
        height = max(len(words) * TITLE + LINE + MARK * bool(mark), drawn.full[1]) + 2 * PAD
        size = shape_text(shape)
        if parameters := sum(row.parameters for row in rows):
            size += f" · {counted(parameters, 'parameter')}"
        facts = tuple(f"{row.name}: {row.type}, {shape_text(row.output_shape)}" for row in rows)
        hue = _HUES.get(rows[0].type, "green") if rows else "grey"
        boxes.append(
            Box(
                block, output, words, size, facts, hue, drawn, len(rows), indent > 0, mark,
                left + indent, top, width - left - 2 - 2 * indent, height,
            )
        )  # fmt: skip
        top += height + _GAP

    put(-1, "input", "Image", input_shape, ())
    for block in layers:
        mark = marks.get(block.index, "")
        if block.index in open_:
            start = top
            top += _HEADER
            for row in block.rows:
                put(block.index, row.name, f"{row.name}: {row.type}", row.output_shape, [row])
            end = top - _GAP + _END
            title = textwrap.shorten(block.title, 44, placeholder=" …")
            groups.append(Group(block.index, title, mark, left, start, width - left - 2, end - start))
            top = end + _GAP
        else:
            last = block.rows[-1]
            put(block.index, last.name, block.title, last.output_shape, block.rows, mark)
    legend = textwrap.wrap(_legend(input_shape, FROZEN in marks.values()), int(width / _LETTER))
    height = top + LEGEND * (len(legend) + 0.5)
    return Diagram(
        tuple(boxes), tuple(groups), tuple(lines), tuple(legend), column, lane, width, height, top + LEGEND / 2
    )


def _legend(input_shape: Sequence[int], frozen: bool) -> str:
    """The scale and the colours, in words."""
    keeps = " Frozen: keeps the weights that it came with." if frozen else ""
    return (
        f"Sheets: height and width to scale; the image has {shape_text(input_shape[:2])} pixels. One sheet more: "
        "twice as many feature maps. Bars: one step longer, twice as many values. Blue: convolutions. "
        "Orange: dense layers. Grey: the image, dropout. Green: the others. Lines at the left: skip connections."
        + keeps
    )


def _lines(layers: Sequence[Block], unfolded: Collection[int]) -> list[Line]:
    """What goes into each box. What passes others by has the innermost lane that is free."""
    box_of = {"input": 0}  # by the name of a Keras layer
    straight: list[tuple[int, int]] = []
    passing: list[tuple[int, int]] = []
    number = 0
    for block in layers:
        for rows in [(row,) for row in block.rows] if block.index in unfolded else [block.rows]:
            number += 1
            own = {row.name for row in rows}
            for start in sorted({box_of[name] for row in rows for name in row.takes if name not in own}):
                (straight if start == number - 1 else passing).append((start, number))
            box_of |= dict.fromkeys(own, number)
    found = [Line(start, end, None) for start, end in straight]
    taken: list[list[tuple[int, int]]] = []
    for start, end in sorted(passing, key=lambda ends: (ends[1] - ends[0], ends)):
        free = (n for n, lane in enumerate(taken) if all(end <= other[0] or start >= other[1] for other in lane))
        lane = next(free, len(taken))
        if lane == len(taken):
            taken.append([])
        taken[lane].append((start, end))
        found.append(Line(start, end, lane))
    return found

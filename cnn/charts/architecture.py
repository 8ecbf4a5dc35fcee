"""The diagram of a network: one box a configured layer, which opens into its Keras layers."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from cnn.charts.colours import BLUE, GREEN, GREY, ORANGE
from cnn.charts.networks import shape_text
from cnn.config.layers import CONVOLUTIONS, Row

_FRAMES = {**dict.fromkeys(CONVOLUTIONS, BLUE), "Dense": ORANGE, "Dropout": GREY}
_BOX, _GAP = 40, 24  # pixels of a box, and of the arrow to the next
_INDENT = 0.06  # of the Keras layers of an opened box
_FILL = "rgba(128, 128, 128, 0.08)"  # in both themes
_REACH = 0.06  # how far the arc of a skip connection stands out for each box that it passes


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


def blocks(titles: Sequence[str], rows: Sequence[Row]) -> list[Block]:
    """The configured layers with what each becomes.

    Args:
        titles: of the configured layers, without the output layer.
        rows: all Keras layers, see `cnn.config.layers.trace`.
    """
    titles = [*titles, "Output: dense, softmax"]
    return [Block(index, title, tuple(r for r in rows if r.layer == index)) for index, title in enumerate(titles)]


@dataclass(frozen=True)
class _Box:
    """A box of the diagram. takes: the boxes that go into it, by number from the top."""

    text: str
    frame: str
    hover: str
    block: int
    indented: bool
    takes: frozenset[int]


def network_diagram(layers: Sequence[Block], input_shape: Sequence[int], opened: int | None = None) -> go.Figure:
    """The network from the image at the top to the probabilities at the bottom.

    Each box says its name, its output shape and its parameters; dashed arcs are what skips. `customdata` of a box is
    the index of its block, -1 for the image.

    Args:
        layers: see `blocks`.
        input_shape: (height, width, channels) of an image.
        opened: the block that is drawn as its Keras layers.
    """
    boxes = _boxes(layers, input_shape, opened)
    count, half = len(boxes), _BOX / (_BOX + _GAP) / 2
    left = [_INDENT if box.indented else 0.0 for box in boxes]
    figure = go.Figure(
        go.Bar(
            orientation="h",
            y=list(range(count)),
            base=left,
            x=[1 - start for start in left],
            width=2 * half,
            text=[box.text for box in boxes],
            textposition="inside",
            insidetextanchor="middle",
            constraintext="none",
            customdata=[box.block for box in boxes],
            marker={
                "color": _FILL,
                "line": {"color": [box.frame for box in boxes], "width": 2},
                "cornerradius": 6,
            },
            hovertext=[box.hover for box in boxes],
            hovertemplate="%{hovertext}<extra></extra>",
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
        )
    )
    widest = 1.0
    for end, box in enumerate(boxes):
        for start in sorted(box.takes):
            if start == end - 1:
                figure.add_annotation(
                    x=0.5, y=end - half, ax=0.5, ay=start + half, xref="x", yref="y", axref="x", ayref="y",
                    arrowhead=2, arrowwidth=1.5, arrowcolor=GREY, text="",
                )  # fmt: skip
            else:
                out = 1 + _REACH * (end - start)
                path = f"M 1,{start} C {out},{start} {out},{end} 1,{end}"
                figure.add_shape(type="path", path=path, line={"color": GREY, "width": 2, "dash": "dash"})
                widest = max(widest, 1 + 0.75 * _REACH * (end - start))
    figure.update_xaxes(visible=False, range=[-0.01, widest + 0.02], fixedrange=True)
    figure.update_yaxes(visible=False, range=[count - 0.5, -0.5], fixedrange=True)
    figure.update_layout(
        height=count * (_BOX + _GAP), margin={"l": 0, "r": 0, "t": 0, "b": 0}, dragmode=False, showlegend=False
    )
    return figure


def _boxes(layers: Sequence[Block], input_shape: Sequence[int], opened: int | None) -> list[_Box]:
    boxes = [_Box(f"<b>Image</b><br>{shape_text(input_shape)}", GREY, "The image", -1, False, frozenset())]
    box_of = {"input": 0}  # by the name of a Keras layer
    for block in layers:
        parts = [(row,) for row in block.rows] if block.index == opened else [block.rows]
        for rows in parts:
            number, own = len(boxes), {row.name for row in rows}
            takes = frozenset(box_of[name] for row in rows for name in row.takes if name not in own)
            box_of |= dict.fromkeys(own, number)
            name = f"{rows[0].name}: {rows[0].type}" if len(parts) > 1 else block.title
            size = shape_text(rows[-1].output_shape)
            if parameters := sum(row.parameters for row in rows):
                size += f" · {parameters:,} parameters"
            hover = "<br>".join(f"{row.name}: {row.type}, {shape_text(row.output_shape)}" for row in rows)
            frame = _FRAMES.get(rows[0].type, GREEN)
            boxes.append(_Box(f"<b>{name}</b><br>{size}", frame, hover, block.index, len(parts) > 1, takes))
    return boxes

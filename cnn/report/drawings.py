"""The charts of a report as SVG, drawn without a browser from the arrays and in the colours of `cnn.charts`.

The only module that knows Matplotlib. Text stays text, so that it can be searched for and is drawn in the reader's own
font. Knows no run and no page, and computes nothing that it does not draw.
"""

import io
import re
import warnings
from collections.abc import Sequence
from html import escape
from math import ceil
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from cnn import charts
from cnn.charts import BLUE, GREEN, GREY, ORANGE
from cnn.charts.literal import cut
from cnn.charts.training import Metric
from cnn.config.printable import printable
from cnn.evaluation import scores
from cnn.evaluation.calibration import Reliability
from cnn.evaluation.scores import ClassScores

_INK = "#010203"  # of words and axes: where a drawing is shown, this becomes the colour of the text around it
_DARK = "#10161C"  # of the theme: what the ink is in a file, which lies on white
_WIDTH = 6.2  # inches of 72 pixels: the letters are about as large as those of the text beside a drawing
_MOST_COUNTS = 24  # classes whose confusion matrix has its numbers written into the cells
_MOST_NAMES = 60  # at an edge of the matrix: of more classes, every second one is named, or every third
_SMALLEST = 5  # points of a letter
MOST_CLASSES = 40  # whose scores are drawn
matplotlib.rcParams.update(
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "report",  # the same drawing is the same file
        "text.parse_math": False,  # a class may be called "$10"
        "font.family": "DejaVu Sans",
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        **dict.fromkeys(
            ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"),
            _INK,
        ),
        "axes.grid.axis": "y",
        "grid.color": GREY,
        "grid.alpha": 0.3,
        "axes.axisbelow": True,
        "legend.frameon": False,
    }
)


def curve(records: list[dict[str, Any]], metric: Metric) -> str:
    """One metric over the epochs: of the training batches, the whole epochs and the validation images.

    Args:
        records: lines of metrics.jsonl, see `cnn.runs.metrics.read_metrics`. Manual changes are dotted lines.
        metric: which of the two.
    """
    figure = charts.curves(records, metric, 1)
    drawing, axes = _drawing(3.3)
    for trace in figure.data:
        if trace.yaxis != "y2":  # the marks of manual changes
            axes.plot(
                trace.x,
                trace.y,
                color=trace.line.color,
                label=trace.name,
                linewidth=0.7 * trace.line.width,
                marker=_MARKERS.get(trace.marker.symbol),
                markersize=4,
                alpha=trace.opacity,
            )
    for line in figure.layout.shapes:
        axes.axvline(line.x0, color=line.line.color, linewidth=1, linestyle=":")
    axes.set(xlabel="epoch", ylabel=figure.layout.yaxis.title.text, xlim=(0, figure.layout.xaxis.range[1]))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if metric == "accuracy":
        axes.set_ylim(*figure.layout.yaxis.range)
        axes.yaxis.set_major_formatter(PercentFormatter(1))
    else:
        axes.set_ylim(bottom=0)
    axes.grid(visible=True)
    _legend_above(axes)
    return _svg(drawing)


_MARKERS = {"circle": "o", "diamond": "D"}  # what Matplotlib calls Plotly's


def confusion(matrix: np.ndarray, names: Sequence[str]) -> str:
    """How often each class was predicted as which, int (classes, classes): rows are true labels."""
    heat = charts.confusion(matrix, names).data[0]
    count = len(names)
    drawing, axes = _drawing(_WIDTH * 0.92)
    stops, colours = zip(*heat.colorscale, strict=True)  # between which Matplotlib's own scales are too coarse
    shades = (np.asarray(heat.z, float) - heat.zmin) / (heat.zmax - heat.zmin)
    image = np.stack([np.interp(shades, stops, channel) for channel in to_rgba_array(colours)[:, :3].T], axis=-1)
    axes.imshow(image, interpolation="none")  # a cell is a pixel, however many there are
    size = max(_SMALLEST, min(10, 110 / count))
    every = ceil(count / _MOST_NAMES)
    places, shown = range(0, count, every), cut(names)[::every]
    axes.set_xticks(places, shown, rotation=45, ha="right", rotation_mode="anchor", fontsize=size)
    axes.set_yticks(places, shown, fontsize=size)
    axes.tick_params(length=0)
    if count <= _MOST_COUNTS:
        for row, column in zip(*np.nonzero(matrix), strict=True):
            axes.text(
                column, row, f"{matrix[row, column]:,}", ha="center", va="center", color=_DARK, fontsize=size,
            )  # fmt: skip
        for edge in np.arange(count - 1) + 0.5:
            axes.axhline(edge, color="white", linewidth=0.8)
            axes.axvline(edge, color="white", linewidth=0.8)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true label")
    return _svg(drawing)


def per_class(classes: Sequence[ClassScores]) -> str:
    """Precision and recall of each class, joined by a line: long where the two differ.

    Of many classes, those with the lowest F1.
    """
    if len(classes) > MOST_CLASSES:
        classes = sorted(classes, key=lambda one: one.f1)[:MOST_CLASSES]
    drawing, axes = _drawing(0.9 + 0.27 * len(classes))
    places = np.arange(len(classes))
    precision, recall = np.array([(one.precision, one.recall) for one in classes]).T
    axes.hlines(places, precision, recall, color=GREY, linewidth=1.5)
    axes.plot(precision, places, "D", color=ORANGE, markersize=5, label="precision")
    axes.plot(recall, places, "o", color=BLUE, markersize=6, label="recall")
    axes.set_yticks(places, cut([one.name for one in classes]))
    lowest = min(precision.min(), recall.min(), 0.9)
    axes.set(xlim=(max(0.0, lowest - 0.05), 1.01), ylim=(len(classes) - 0.5, -0.5))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True, axis="both")
    _legend_above(axes)
    return _svg(drawing)


def reliability(bins: Reliability) -> str:
    """The accuracy of the predictions of each confidence with its 95% interval, over how many these are."""
    drawing = Figure(figsize=(_WIDTH, 4.4), layout="constrained", facecolor="none")
    axes, below = drawing.subplots(2, sharex=True, height_ratios=(3, 1))
    middle, width = (bins.low + bins.high) / 2, 0.92 * (bins.high - bins.low)
    ends = np.array([scores.interval(*each) for each in zip(bins.right.tolist(), bins.count.tolist(), strict=True)])
    reach = np.abs(ends.T - bins.accuracy)
    axes.bar(
        middle, bins.accuracy, width, yerr=reach, color=BLUE, alpha=0.75, label="accuracy, with its 95% interval",
        error_kw={"ecolor": _INK, "elinewidth": 1, "capsize": 2},
    )  # fmt: skip
    axes.plot([0, 1], [0, 1], color=ORANGE, linestyle="--", label="confidence = accuracy")
    axes.set(ylim=(0, 1.02), ylabel="accuracy")
    axes.grid(visible=True)
    _legend_above(axes)
    below.bar(middle, bins.count, width, color=GREY)
    below.set(xlim=(0, 1), xlabel="confidence", ylabel="images")
    below.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    for axis in (axes.yaxis, below.xaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    for each in (axes, below):
        each.set_facecolor("none")
    return _svg(drawing)


def layers(blocks: Sequence[charts.Block]) -> str:
    """Which layers hold the parameters, and which do the work: fractions of the network's totals.

    Args:
        blocks: the configured layers, see `cnn.charts.blocks`. They are numbered from 1; those without either are left
            out.
    """
    macs = {block.index: sum(row.macs for row in block.rows) for block in blocks}
    shown = [block for block in blocks if block.parameters or macs[block.index]]
    drawing, axes = _drawing(0.9 + 0.34 * len(shown))
    places, thick = np.arange(len(shown)), 0.38
    for shift, name, colour, values in (
        (-thick / 2, "parameters", BLUE, [block.parameters for block in shown]),
        (thick / 2, "multiply-accumulates", GREEN, [macs[block.index] for block in shown]),
    ):
        axes.barh(places + shift, np.array(values) / max(1, sum(values)), thick, color=colour, label=name)
    axes.set_yticks(places, [f"{block.index + 1} · {block.rows[0].name}" for block in shown])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True, axis="x")
    _legend_above(axes)
    return _svg(drawing)


def _drawing(height: float) -> tuple[Figure, Any]:
    figure = Figure(figsize=(_WIDTH, height), layout="constrained", facecolor="none")
    axes = figure.subplots()
    axes.set_facecolor("none")
    return figure, axes


def _legend_above(axes: Any) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, borderaxespad=0.2, handlelength=1.4)


def _svg(figure: Figure) -> str:
    """The drawing with the ink of `_INK`, without a header, as one element."""
    buffer = io.StringIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # letters that Matplotlib's font lacks: the reader's has them
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        FigureCanvasSVG(figure).print_svg(buffer, metadata=nothing)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    return re.sub(r"(font(?:-family)?:[^;\"]*)'DejaVu Sans'[^;\"]*", r"\1system-ui, sans-serif", text)


def inline(svg: str, name: str, alt: str) -> str:
    """A drawing as a part of a page: as wide as its column, in the colour of its text.

    Args:
        svg: see the functions above.
        name: of the drawing, unique in the page; letters and hyphens. The names within the drawing begin with it.
        alt: what it shows.
    """
    referred = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    svg = re.sub(r' id="([^"]+)"', lambda own: f' id="{name}-{own[1]}"' if own[1] in referred else "", svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\1{name}-", svg)
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)  # it would reach the whole page
    head, rest = svg.split(">", 1)
    head = re.sub(r' (?:width|height)="[^"]*"', "", head) + f' role="img" aria-label="{escape(printable(alt))}"'
    return f"{head}>{rest}".replace(_INK, "currentColor")


def alone(svg: str, title: str) -> str:
    """A drawing as a file: dark on white, with a title."""
    end = svg.index(">", svg.index("<svg")) + 1
    head = f'<title>{escape(printable(title))}</title><rect width="100%" height="100%" fill="#FFFFFF"/>'
    return '<?xml version="1.0" encoding="utf-8"?>\n' + (svg[:end] + head + svg[end:]).replace(_INK, _DARK)

"""The diagram of a network as an SVG file: it needs nothing besides itself, and is legible on light and on dark.

A page that embeds it may give its classes other colours, and finds its boxes by `data-box`, their place.
"""

from collections.abc import Iterator
from html import escape

from cnn.charts.architecture import BESIDE, FROZEN, LEGEND, LINE, MARK, PAD, SHEET, TITLE, Box, Diagram, Group, Line
from cnn.charts.colours import BLUE, GREEN, GREY, ORANGE

_HUES = {"blue": BLUE, "orange": ORANGE, "green": GREEN, "grey": GREY}
# Of each hue the colour of a sheet on light and on dark: a quarter of it, the rest ground.
_TINTS = {
    "blue": ("#BFDCEC", "#0F2F44"),
    "orange": ("#F9E7BF", "#483A17"),
    "green": ("#BFE7DC", "#0F3A34"),
    "grey": ("#E1E1E1", "#313439"),
}
_MARKS = {"added": "green", "removed": "red", "changed": "orange", FROZEN: "blue"}
_MARK_TINTS = {**_TINTS, "red": ("#F5D5C2", "#4A2A18")}
_LIGHT, _DARK = ("#FFFFFF", "#10161C", "#D5DAE1"), ("#14181F", "#E8E6E3", "#3A4250")  # ground, ink, border
_ROUND = 7  # pixels of the corners of a skip connection


def network_svg(diagram: Diagram, title: str) -> str:
    """The file.

    Args:
        diagram: what is drawn.
        title: of the network, for a screen reader.
    """
    width, height = round(diagram.width), round(diagram.height)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="network" role="img" aria-label="{escape(title)}" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="sans-serif">',
        f"<style>{_style()}</style>",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0L8 4L0 8Z" fill="{GREY}"/></marker></defs>',
        f'<rect class="ground" width="{width}" height="{height}" fill="{_LIGHT[0]}"/>',
        *(_group(group) for group in diagram.groups),
        *(_line(diagram, line) for line in diagram.lines),
        *(_box(diagram, box, place) for place, box in enumerate(diagram.boxes)),
        *_legend(diagram),
        "</svg>",
    ]
    return "".join(parts)


def _style() -> str:
    """Both themes: the attributes of the elements say the light one, for programs that read no style."""
    ground, ink, border = _DARK
    tints = "".join(f".tint-{hue}{{fill:{dark}}}" for hue, (_, dark) in _MARK_TINTS.items())
    return (
        f"@media (prefers-color-scheme:dark){{.ground,.card{{fill:{ground}}}.ink{{fill:{ink}}}"
        f".card,.frame{{stroke:{border}}}{tints}}}"
    )


def _words(x: float, y: float, words: str, size: int, bold: bool = False, anchor: str = "start") -> str:
    weight = ' font-weight="600"' if bold else ""
    end = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return (
        f'<text class="ink" x="{x:.1f}" y="{y:.1f}" font-size="{size}"{weight}{end} fill="{_LIGHT[1]}">'
        f"{escape(words)}</text>"
    )


def _fold(block: int, right: float, middle: float, unfolded: bool) -> str:
    """The button at the right end of a layer that is more than one Keras layer."""
    x = right - 18
    turned = f"M{x - 4:.1f} {middle - 2.5:.1f}l4 5l4 -5" if unfolded else f"M{x - 2:.1f} {middle - 4:.1f}l5 4l-5 4"
    return (
        f'<g class="fold" data-fold="{block}" aria-label="{"Fold" if unfolded else "Unfold"} layer {block + 1}">'
        f'<rect class="hit" x="{x - 14:.1f}" y="{middle - 13:.1f}" width="28" height="26" rx="6" fill="{GREY}" '
        f'fill-opacity="0"/><path d="{turned}" fill="none" stroke="{GREY}" stroke-width="2" stroke-linecap="round"/>'
        "</g>"
    )


def _mark(word: str, left: float, top: float) -> str:
    hue = _MARKS[word]
    width = 7 * len(word) + 14
    return (
        f'<rect class="tint-{hue}" x="{left:.1f}" y="{top:.1f}" width="{width}" height="18" rx="9" '
        f'fill="{_MARK_TINTS[hue][0]}"/>{_words(left + width / 2, top + 13, word, 12, bold=True, anchor="middle")}'
    )


def _group(group: Group) -> str:
    right = group.left + group.width
    return (
        f'<rect class="frame" x="{group.left:.1f}" y="{group.top:.1f}" width="{group.width:.1f}" '
        f'height="{group.height:.1f}" rx="8" fill="{GREY}" fill-opacity="0.08" stroke="{_LIGHT[2]}"/>'
        + _words(group.left + PAD, group.top + 19, group.title, 13, bold=True)
        + (_mark(group.mark, right - 110, group.top + 5) if group.mark else "")
        + _fold(group.block, right, group.top + 14, unfolded=True)
    )


def _line(diagram: Diagram, line: Line) -> str:
    start, end = diagram.boxes[line.start], diagram.boxes[line.end]
    if line.lane is None:
        # Between two layers an arrow ends at the frame of the unfolded one, not across its title.
        frames = {group.block: group for group in diagram.groups}
        top, bottom = end.top, start.top + start.height
        if start.block != end.block:
            top = frames[end.block].top if end.block in frames else top
            bottom = frames[start.block].top + frames[start.block].height if start.block in frames else bottom
        x = diagram.boxes[0].left + PAD + diagram.glyphs / 2
        return f'<path d="M{x:.1f} {bottom:.1f}V{top - 1:.1f}" {_STROKE}/>'
    x = diagram.boxes[0].left - BESIDE - line.lane * diagram.lane
    # What leaves and what enters a box keep apart.
    leaves, enters = start.middle + start.height / 5, end.middle - end.height / 5
    turn = min(_ROUND, start.left - x)
    return (
        f'<path d="M{start.left:.1f} {leaves:.1f}H{x + turn:.1f}Q{x:.1f} {leaves:.1f} {x:.1f} {leaves + turn:.1f}'
        f'V{enters - turn:.1f}Q{x:.1f} {enters:.1f} {x + turn:.1f} {enters:.1f}H{end.left - 1:.1f}" {_STROKE}/>'
    )


_STROKE = f'class="line" fill="none" stroke="{GREY}" stroke-width="1.5" marker-end="url(#arrow)"'


def name(box: Box) -> str:
    """A box as a screen reader says it."""
    where = "" if box.block < 0 else f"Layer {box.block + 1}: " if not box.indented else f"In layer {box.block + 1}: "
    mark = f", {box.mark}" if box.mark else ""
    return f"{where}{' '.join(box.title)}, {box.size}{mark}"


def _box(diagram: Diagram, box: Box, place: int) -> str:
    right = box.left + box.width
    label = diagram.boxes[0].left + 2 * PAD + diagram.glyphs
    lines = len(box.title) * TITLE + LINE + MARK * bool(box.mark)
    top = box.top + (box.height - lines) / 2
    below = top + len(box.title) * TITLE
    words = [_words(label, top + 13 + line * TITLE, text, 13, bold=True) for line, text in enumerate(box.title)]
    words.append(_words(label, below + 12, box.size, 12))
    if box.mark:
        words.append(_mark(box.mark, label, below + LINE + 3))
    fold = _fold(box.block, right, below + 8, unfolded=False) if box.parts > 1 else ""
    return (
        f'<g class="box" data-box="{place}" aria-label="{escape(name(box))}">'
        f'<rect class="card" x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
        f'rx="7" fill="{_LIGHT[0]}" stroke="{_LIGHT[2]}"/>'
        f"{''.join(_glyph(diagram, box))}{''.join(words)}</g>" + fold
    )


def _glyph(diagram: Diagram, box: Box) -> Iterator[str]:
    """The stack of sheets, the hindmost first; or the bar."""
    shape = box.glyph
    full = shape.full
    x = diagram.boxes[0].left + PAD + (diagram.glyphs - full[0]) / 2
    y = box.middle - full[1] / 2
    for behind in reversed(range(max(shape.sheets, 1))):
        left, top = x + behind * SHEET[0], y + full[1] - shape.height - behind * SHEET[1]
        yield (
            f'<rect class="tint-{box.hue}" x="{left:.1f}" y="{top:.1f}" width="{shape.width:.1f}" '
            f'height="{shape.height:.1f}" fill="{_TINTS[box.hue][0]}" stroke="{_HUES[box.hue]}"/>'
        )


def _legend(diagram: Diagram) -> Iterator[str]:
    for number, words in enumerate(diagram.legend):
        yield _words(1, diagram.legend_top + number * LEGEND, words, 11)

"""Questions on the kinds of pooling, each a function of a random generator."""

import math

from cnn.config import counted, geometry
from cnn.lessons.questions.latex import by, listed, matrix, num, sum_of
from cnn.lessons.questions.question import Question, Rng, integer, pick, square, typed

# ---------------------------------------------------------------- pooling


def _pooled_value(rng: Rng) -> Question:
    x, mode = square(rng, 0, 20, 4), pick(rng, ("max", "average"))
    average = mode == "average"
    row, column = integer(rng, 0, 1), integer(rng, 0, 1)
    place = f"{('upper', 'lower')[row]} {('left', 'right')[column]}"

    def window(row: int, column: int) -> list[int]:
        return [value for line in x[2 * row : 2 * row + 2] for value in line[2 * column : 2 * column + 2]]

    def pooled(values: list[int]) -> float:
        return sum(values) / len(values) if average else max(values)

    values, everything = window(row, column), [value for line in x for value in line]
    mean, top, total = sum(values) / 4, max(values), sum(values)
    others: list[tuple[float, str]]
    if average:
        found = rf"$\tfrac{{1}}{{4}} ({sum_of(values)}) = {num(mean)}$"
        others = [(top, "This is max pooling."), (total, "The sum still has to be divided by four.")]
    else:
        found = rf"$\max({listed(values)}) = {top}$"
        others = [(mean, "This is average pooling."), (total, "The largest value is taken, not the sum.")]
    return typed(
        rf"{mode.capitalize()} pooling with a window of 2 × 2 and stride 2 is applied to $x = {matrix(x)}$. What "
        f"is the {place} value of the result?",
        pooled(values),
        rf"The {place} window contains ${listed(values)}$: {found}.",
        [
            *others,
            (pooled(window(1 - row, 1 - column)), "This is the window at the opposite corner."),
            (pooled(window(1 - row, column)), "This window has the right columns, but the wrong rows."),
            (pooled(window(row, 1 - column)), "This window has the right rows, but the wrong columns."),
            (pooled(everything), "This is global pooling, over the whole map."),
            (min(values), "This is the smallest value of the window."),
        ],
        decimals=2,
        facts={"x": x, "mode": mode, "row": row, "column": column},
    )


def _pooled_edge(rng: Rng) -> Question:
    window = integer(rng, 2, 5)
    stride, edge = pick(rng, (window, window, integer(rng, 1, 4))), integer(rng, 7, 64)
    steps, rest = divmod(edge - window, stride)
    answer = geometry.output_size(edge, window, stride)
    left = (
        f" The last {counted(rest, 'row')} and {counted(rest, 'column')} lie in no window."
        if rest and stride >= window
        else ""
    )
    return typed(
        f"Max pooling with a window of {by(window)}, stride {stride} and padding “valid” is applied to a map of "
        f"{by(edge)} values. How wide is the result, in values?",
        answer,
        rf"$\left\lfloor \frac{{{edge} - {window}}}{{{stride}}} \right\rfloor + 1 = {steps} + 1 = {answer}$.{left}",
        [
            (steps, "The first window counts as well: there is one more window than there are steps."),
            (
                steps + 2 if rest else steps,
                "With padding “valid”, a window that extends beyond the border does not count.",
            ),
            (math.ceil(edge / stride), "This would be right with padding “same”."),
            (edge // window, "This would be right if the stride equalled the window size."),
            (edge - window + 1, "This would be right with stride 1."),
            (edge - window, "The difference still has to be divided by the stride, and one added."),
            (edge, "Pooling makes the map smaller: each window gives one value."),
        ],
        facts={"window": window, "stride": stride, "edge": edge},
    )


def _depthwise_maps(rng: Rng) -> Question:
    group, groups, edge = integer(rng, 2, 8), integer(rng, 2, 24), integer(rng, 4, 28)
    channels = group * groups
    if rng.integers(2):
        asked, answer, ends = "maps", groups, "How many maps come out?"
        misconceptions = [
            (channels, "This would be right for pooling over pixels; here the maps themselves are pooled."),
            (channels - group + 1, "The groups do not overlap."),
            (1, "Each group gives one map; there is more than one group."),
            (group, "This is the number of maps in a group; the question asks for the number of groups."),
        ]
    else:
        asked, answer, ends = "edge", edge, "How wide are the output maps, in values?"
        stays = "The maps are pooled, not the pixels: height and width stay as they are."
        misconceptions = [
            (edge // group, stays),
            (math.ceil(edge / group), stays),
            (edge - group + 1, "No window slides over the pixels: height and width stay as they are."),
            (groups, "This is the number of maps that come out."),
            (1, "This would be right for global pooling; here every position is kept."),
        ]
    return typed(
        f"Depthwise max pooling takes the largest value over each group of {group} feature maps, at every position. "
        f"Its input is {channels} maps of {by(edge)} values. {ends}",
        answer,
        rf"Each group of {group} maps becomes one: ${channels} / {group} = {groups}$ maps come out. Every position is "
        f"kept: each map has {by(edge)} values as before.",
        misconceptions,
        facts={"group": group, "channels": channels, "edge": edge, "asked": asked},
    )


def _global_outputs(rng: Rng) -> Question:
    edge, channels = integer(rng, 2, 20), integer(rng, 3, 256)
    return typed(
        f"Global average pooling receives {channels} feature maps of {by(edge)} values. How many numbers come out?",
        channels,
        rf"Each map becomes one number, the mean of its ${edge} \cdot {edge} = {edge * edge}$ values: there are "
        rf"${channels}$ numbers.",
        [
            (edge * edge * channels, "This is Flatten, which keeps all values."),
            (edge * edge, "This would be one number for each position; there is one for each map."),
            (1, "Each map has its own mean."),
            (edge * channels, "Both axes of a map are pooled, not only one."),
        ],
        facts={"edge": edge, "channels": channels},
    )


def _dense_after_pooling(rng: Rng) -> Question:
    edge, channels = integer(rng, 2, 12), pick(rng, (8, 16, 20, 32, 50, 64, 100, 128, 256))
    units = pick(rng, (10, 16, 20, 32, 50, 64, 100, 128))
    values = edge * edge * channels
    flat, pooled = geometry.dense_parameters(values, units), geometry.dense_parameters(channels, units)
    return typed(
        f"After Flatten, {channels} feature maps of {by(edge)} values go into a dense layer of {units} units. "
        "How many parameters does the dense layer save if global average pooling replaces Flatten?",
        flat - pooled,
        rf"After Flatten it has ${units} \cdot ({num(values)} + 1) = {num(flat)}$ parameters, after global average "
        rf"pooling ${units} \cdot ({channels} + 1) = {num(pooled)}$. It saves ${num(flat)} - {num(pooled)} = "
        f"{num(flat - pooled)}$.",
        [
            (flat, "This is what it has after Flatten; after global average pooling it still has some."),
            (pooled, "This is what remains after global average pooling; the question asks for the difference."),
            (values - channels, "This is the reduction in inputs; each input has a weight in every unit."),
            (values * units - pooled, "Each unit has a bias in both cases."),
        ],
        facts={"edge": edge, "channels": channels, "units": units},
    )


KINDS = (_pooled_value, _pooled_edge, _depthwise_maps, _global_outputs, _dense_after_pooling)

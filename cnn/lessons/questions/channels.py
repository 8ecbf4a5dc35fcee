"""Questions on filters over several channels, each a function of a random generator."""

from cnn.config import geometry
from cnn.lessons.questions.latex import by, listed, num, sum_of
from cnn.lessons.questions.question import Question, Rng, integer, one_decimal, pick, typed

# ---------------------------------------------------------------- channels


def _weights_of_a_filter(rng: Rng) -> Question:
    kernel = pick(rng, (1, 3, 5, 7))
    channels, filters = integer(rng, 2, 128), pick(rng, (4, 8, 16, 32, 64, 128))
    answer = kernel * kernel * channels
    return typed(
        f"A convolution has {filters} filters of {by(kernel)} and reads {channels} feature maps. How many "
        "weights does each of its filters have? The bias is not counted.",
        answer,
        rf"A filter has a kernel for each of the maps that it reads: ${kernel} \cdot {kernel} \cdot {channels} = "
        rf"{num(answer)}$.",
        [
            (kernel * kernel, "A filter has one such kernel for each map that it reads."),
            (answer * filters, "These are the weights of all filters together."),
            (answer + 1, "The bias is not counted here."),
            (kernel * kernel * filters, "What counts is how many maps a filter reads, not how many filters there are."),
            (kernel * kernel + channels, "There is a kernel for each map: multiply, not add."),
        ],
        facts={"kernel": kernel, "channels": channels, "filters": filters},
    )


def _maps_out(rng: Rng) -> Question:
    kernel, channels, filters = pick(rng, (3, 5, 7)), integer(rng, 2, 100), integer(rng, 4, 100)
    return typed(
        f"A convolution with {filters} filters of {by(kernel)} reads {channels} feature maps. How many feature "
        "maps come out of it?",
        filters,
        rf"Each filter reads all ${channels}$ maps, adds up what it finds in them, and makes one map. There are "
        rf"${filters}$ filters, so that ${filters}$ maps come out.",
        [
            (filters * channels, "A filter adds up what it finds in all maps: it makes one map, not one for each."),
            (channels, "This is how many maps go in; as many come out as there are filters."),
            (filters + channels, "The maps that go in are not passed on; only those of the filters come out."),
            (1, "Each filter makes a map of its own."),
        ],
        facts={"kernel": kernel, "channels": channels, "filters": filters},
    )


def _sums_of_channels(rng: Rng) -> Question:
    sums = tuple(one_decimal(rng, -50, 50) for _ in range(integer(rng, 3, 5)))
    bias = one_decimal(rng, -20, 20)
    total = round(sum(sums), 1)
    answer = round(total + bias, 1)
    return typed(
        rf"At one place a filter finds these sums of products in its {len(sums)} input channels: "
        rf"${listed(sums)}$. The bias is $b = {num(bias)}$. What is $z$?",
        answer,
        rf"The sums of all channels and the bias are added: $z = {sum_of((bias, *sums))} = "
        f"{num(answer)}$.",
        [
            (total, "The bias is still to be added."),
            (round(total + len(sums) * bias, 1), "The filter has one bias, not one for each channel."),
            (total / len(sums) + bias, "The channels are added; there is no mean."),
            (round(max(sums) + bias, 1), "All channels count, not only the largest."),
            (max(0, answer), "This is the value after ReLU; $z$ is the value before it."),
            (round(total - bias, 1), "The bias is added with its own sign."),
        ],
        decimals=1,
        facts={"sums": sums, "bias": bias},
    )


def _convolutions_parameters(rng: Rng) -> Question:
    kernel = pick(rng, (1, 2, 3, 4, 5, 7))
    channels, filters = integer(rng, 2, 64), pick(rng, (6, 8, 10, 12, 16, 20, 24, 32, 48, 64))
    weights = kernel * kernel * channels
    answer = geometry.convolution_parameters(kernel, channels, filters)
    return typed(
        f"A convolution has {filters} filters of {by(kernel)} and reads {channels} feature maps. How many "
        "parameters does it have, weights and biases together?",
        answer,
        rf"Each filter has ${kernel} \cdot {kernel} \cdot {channels} = {num(weights)}$ weights and one bias: "
        rf"${filters} \cdot ({num(weights)} + 1) = {num(answer)}$.",
        [
            (filters * weights, "These are the weights alone; each filter has a bias as well."),
            (filters * weights + 1, "Each filter has a bias of its own; the layer has more than one."),
            (filters * (kernel * kernel + 1), "Each filter has a kernel for each map that it reads."),
            (filters * channels * (kernel * kernel + 1), "A filter has one bias, not one for each of its kernels."),
            (filters * weights + channels, "The biases belong to the filters, not to the maps that go in."),
            (weights + 1, "These are the parameters of a single filter."),
        ],
        facts={"kernel": kernel, "channels": channels, "filters": filters},
    )


KINDS = (_weights_of_a_filter, _maps_out, _sums_of_channels, _convolutions_parameters)

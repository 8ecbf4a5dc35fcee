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
        f"A convolution has {filters} filters of {by(kernel)} and takes {channels} feature maps as input. "
        "How many weights does each of its filters have, not counting the bias?",
        answer,
        rf"A filter has one kernel for each input map: ${kernel} \cdot {kernel} \cdot {channels} = "
        rf"{num(answer)}$.",
        [
            (kernel * kernel, "A filter has one such kernel for each input map."),
            (answer * filters, "These are the weights of all filters together."),
            (answer + 1, "The bias is not counted here."),
            (kernel * kernel * filters, "What matters is the number of input maps, not the number of filters."),
            (kernel * kernel + channels, "There is one kernel for each map: multiply, do not add."),
        ],
        facts={"kernel": kernel, "channels": channels, "filters": filters},
    )


def _maps_out(rng: Rng) -> Question:
    kernel, channels, filters = pick(rng, (3, 5, 7)), integer(rng, 2, 100), integer(rng, 4, 100)
    return typed(
        f"A convolution with {filters} filters of {by(kernel)} takes {channels} feature maps as input. How "
        "many feature maps does it output?",
        filters,
        rf"Each filter sums over all ${channels}$ input maps and makes one map. There are "
        rf"${filters}$ filters, so ${filters}$ maps come out.",
        [
            (filters * channels, "A filter sums over all input maps: it makes one map, not one for each."),
            (channels, "This is the number of input maps; the output has one map per filter."),
            (filters + channels, "The input maps are not passed on; only the maps of the filters come out."),
            (1, "Each filter makes its own map."),
        ],
        facts={"kernel": kernel, "channels": channels, "filters": filters},
    )


def _sums_of_channels(rng: Rng) -> Question:
    sums = tuple(one_decimal(rng, -50, 50) for _ in range(integer(rng, 3, 5)))
    bias = one_decimal(rng, -20, 20)
    total = round(sum(sums), 1)
    answer = round(total + bias, 1)
    return typed(
        rf"At one position, these are the sums of products in the {len(sums)} input channels of a filter: "
        rf"${listed(sums)}$. The bias is $b = {num(bias)}$. What is $z$?",
        answer,
        rf"The sums of all channels and the bias are added: $z = {sum_of((bias, *sums))} = "
        f"{num(answer)}$.",
        [
            (total, "The bias still has to be added."),
            (round(total + len(sums) * bias, 1), "The filter has one bias, not one for each channel."),
            (total / len(sums) + bias, "The channels are summed, not averaged."),
            (round(max(sums) + bias, 1), "All channels are summed, not only the largest."),
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
        f"A convolution has {filters} filters of {by(kernel)} and takes {channels} feature maps as input. "
        "How many parameters does it have, weights and biases together?",
        answer,
        rf"Each filter has ${kernel} \cdot {kernel} \cdot {channels} = {num(weights)}$ weights and one bias: "
        rf"${filters} \cdot ({num(weights)} + 1) = {num(answer)}$.",
        [
            (filters * weights, "These are the weights alone; each filter has a bias as well."),
            (filters * weights + 1, "Each filter has its own bias; the layer has more than one."),
            (filters * (kernel * kernel + 1), "Each filter has one kernel for each input map."),
            (filters * channels * (kernel * kernel + 1), "A filter has one bias, not one for each of its kernels."),
            (filters * weights + channels, "The biases belong to the filters, not to the input maps."),
            (weights + 1, "These are the parameters of a single filter."),
        ],
        facts={"kernel": kernel, "channels": channels, "filters": filters},
    )


KINDS = (_weights_of_a_filter, _maps_out, _sums_of_channels, _convolutions_parameters)
